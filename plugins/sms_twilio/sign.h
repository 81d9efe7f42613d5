/* SPDX-License-Identifier: Apache-2.0 */
/* The form of a status callback, and the signature in its header X-Twilio-Signature. */
#ifndef SMS_TWILIO_SIGN_H
#define SMS_TWILIO_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGN_MAX_FIELDS 64
#define SIGN_LEN 29 /* base64 of 20 bytes, with its NUL */

struct sign_field {
	const char *name, *value;
};

struct sign_form {
	char *text;                                /* decoded, what fields point into */
	struct sign_field fields[SIGN_MAX_FIELDS]; /* sorted by name */
	size_t n_fields;
};

/* OK; INVALID when it is no form, or too long a one; INTERNAL without memory. To be freed all the same. */
int32_t sign_form_parse(struct sign_form *form, const char *body, size_t len);
void sign_form_free(struct sign_form *form);
const char *sign_form_get(const struct sign_form *form, const char *name); /* NULL */
/* Base64(HMAC-SHA1(token, url and each field's name and value)). */
bool sign_report(const char *token, const char *url, const struct sign_form *form,
		 char out[SIGN_LEN]);

#endif
