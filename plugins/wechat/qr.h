/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures of a QR code, error correction M, with its quiet zone. [any] */
#ifndef QR_H
#define QR_H

#include <stddef.h>

/* Both to be freed by the caller; NULL without memory, or when text is too long for a code. */
void *qr_svg(const char *text, size_t *len_out);
void *qr_png(const char *text, size_t *len_out);

#endif
