/* SPDX-License-Identifier: Apache-2.0 */
/* libqrencode says which modules are dark; here they become pictures. */
#include "qr.h"

#include <png.h>
#include <qrencode.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUIET 4 /* modules of white around a code, by ISO 18004 */
#define SCALE 8 /* pixels of a module in a PNG */
#define WHITE 0xFF

static bool is_dark(const QRcode *code, int x, int y)
{
	return (code->data[y * code->width + x] & 1) != 0;
}

static QRcode *encode(const char *text)
{
	return QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
}

/* Each run of dark modules is a rectangle of one path. */
static void draw_row(FILE *out, const QRcode *code, int y)
{
	for (int x = 0; x < code->width; x++) {
		int start = x;

		while (x < code->width && is_dark(code, x, y))
			x++;
		if (x > start)
			(void)fprintf(out, "M%d %dh%dv1h-%dz", start + QUIET, y + QUIET, x - start,
				      x - start);
	}
}

void *qr_svg(const char *text, size_t *len_out)
{
	QRcode *code = encode(text);
	char *svg = NULL;
	FILE *file = code ? open_memstream(&svg, len_out) : NULL;
	int size;

	if (!file)
		goto out;
	size = code->width + 2 * QUIET;
	(void)fprintf(file,
		      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\""
		      " shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/>"
		      "<path d=\"",
		      size, size, size, size);
	for (int y = 0; y < code->width; y++)
		draw_row(file, code, y);
	(void)fputs("\"/></svg>\n", file);
	if (fclose(file) != 0) { /* the one place where the stream tells of an error */
		free(svg);
		svg = NULL;
	}
out:
	QRcode_free(code);
	return svg;
}

static unsigned char *draw_pixels(const QRcode *code, size_t side)
{
	unsigned char *pixels = malloc(side * side);

	if (!pixels)
		return NULL;
	memset(pixels, WHITE, side * side);
	for (size_t y = QUIET * SCALE; y < side - QUIET * SCALE; y++) {
		for (size_t x = QUIET * SCALE; x < side - QUIET * SCALE; x++) {
			if (is_dark(code, (int)(x / SCALE) - QUIET, (int)(y / SCALE) - QUIET))
				pixels[y * side + x] = 0;
		}
	}
	return pixels;
}

static unsigned char *write_png(const unsigned char *pixels, size_t side, size_t *len_out)
{
	png_image image = { .version = PNG_IMAGE_VERSION,
			    .width = (png_uint_32)side,
			    .height = (png_uint_32)side,
			    .format = PNG_FORMAT_GRAY };
	png_alloc_size_t len = PNG_IMAGE_PNG_SIZE_MAX(image);
	unsigned char *png = malloc(len);

	if (png && png_image_write_to_memory(&image, png, &len, 0, pixels, 0, NULL)) {
		*len_out = len;
		return png;
	}
	free(png);
	return NULL;
}

void *qr_png(const char *text, size_t *len_out)
{
	QRcode *code = encode(text);
	size_t side = code ? (size_t)(code->width + 2 * QUIET) * SCALE : 0;
	unsigned char *pixels = code ? draw_pixels(code, side) : NULL;
	unsigned char *png = pixels ? write_png(pixels, side, len_out) : NULL;

	free(pixels);
	QRcode_free(code);
	return png;
}
