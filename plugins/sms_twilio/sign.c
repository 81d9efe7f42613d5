/* SPDX-License-Identifier: Apache-2.0 */
#include "sign.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pintle/status.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int digit(char c)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	if (!at)
		return -1;
	return (int)(at - digits) < 16 ? (int)(at - digits) : (int)(at - digits) - 6;
}

/* In place; false for a '%' without two digits behind it, or a NUL. */
static bool decode(char *text)
{
	char *out = text;

	for (; *text; text++) {
		int high, low;

		*out = *text == '+' ? ' ' : *text;
		if (*text == '%') {
			high = digit(text[1]);
			low = high < 0 ? -1 : digit(text[2]);
			if (low < 0 || high + low == 0)
				return false;
			*out = (char)(high * 16 + low);
			text += 2;
		}
		out++;
	}
	*out = '\0';
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct sign_field *)a)->name, ((const struct sign_field *)b)->name);
}

static bool take_field(struct sign_form *form, char *pair)
{
	struct sign_field *field = &form->fields[form->n_fields];
	char *equals = strchr(pair, '=');

	if (!equals || form->n_fields == SIGN_MAX_FIELDS)
		return false;
	*equals = '\0';
	field->name = pair;
	field->value = equals + 1;
	form->n_fields++;
	return decode(pair) && decode(equals + 1);
}

int32_t sign_form_parse(struct sign_form *form, const char *body, size_t len)
{
	char *save = NULL;

	*form = (struct sign_form){ .text = NULL };
	if (memchr(body, '\0', len))
		return PINTLE_INVALID;
	form->text = malloc(len + 1);
	if (!form->text)
		return PINTLE_INTERNAL;
	memcpy(form->text, body, len);
	form->text[len] = '\0';
	for (char *pair = strtok_r(form->text, "&", &save); pair; pair = strtok_r(NULL, "&", &save))
		if (!take_field(form, pair))
			return PINTLE_INVALID;
	qsort(form->fields, form->n_fields, sizeof(form->fields[0]), by_name);
	return PINTLE_OK;
}

void sign_form_free(struct sign_form *form)
{
	free(form->text);
	form->text = NULL;
	form->n_fields = 0;
}

const char *sign_form_get(const struct sign_form *form, const char *name)
{
	for (size_t i = 0; i < form->n_fields; i++)
		if (strcmp(form->fields[i].name, name) == 0)
			return form->fields[i].value;
	return NULL;
}

/* To be freed; NULL without memory. */
static char *text_to_sign(const char *url, const struct sign_form *form, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	if (!out)
		return NULL;
	(void)fputs(url, out);
	for (size_t i = 0; i < form->n_fields; i++)
		(void)fprintf(out, "%s%s", form->fields[i].name, form->fields[i].value);
	if (fclose(out) == 0) /* the one place where the stream tells of an error */
		return text;
	free(text);
	return NULL;
}

bool sign_report(const char *token, const char *url, const struct sign_form *form,
		 char out[SIGN_LEN])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int mac_len = 0;
	size_t len = 0;
	char *text = text_to_sign(url, form, &len);
	bool ok = text &&
		  HMAC(EVP_sha1(), token, (int)strlen(token), (unsigned char *)text, len, mac,
		       &mac_len) &&
		  mac_len == 20;

	if (ok)
		(void)EVP_EncodeBlock((unsigned char *)out, mac, (int)mac_len);
	free(text);
	return ok;
}
