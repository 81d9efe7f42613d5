/* SPDX-License-Identifier: Apache-2.0 */
#include "pkce.h"

#include "base64url.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

bool pkce_challenge(const char *verifier, char out[PKCE_CHALLENGE_LEN + 1])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	if (EVP_Digest(verifier, strlen(verifier), digest, NULL, EVP_sha256(), NULL) != 1)
		return false;
	base64url_write(digest, sizeof(digest), out);
	return true;
}
