# SPDX-License-Identifier: Apache-2.0
"""Google, by its documents: an OpenID issuer of its own kind."""
import secrets

from fakes import oidc

OLD_ISSUER = "accounts.google.com"  # which id_tokens may have as iss instead

class Person(oidc.Person):
    """sub is a number of 21 digits; hd is there for accounts of an organisation alone."""

    def __init__(self, name="Ada", domain=None, **claims):
        super().__init__(name, **{"sub": f"1{secrets.randbelow(10 ** 20):020d}", **claims})
        self.mark = self.claims["sub"]
        if domain:
            self.claims.update(hd=domain, email=f"{self.mark}@{domain}")


class Google(oidc.Issuer):
    """It says nothing of iss on the way back."""

    says_issuer = False
    base, authorize, jwks, userinfo = "", "/o/oauth2/v2/auth", "/oauth2/v3/certs", "/v1/userinfo"

    def __init__(self):
        super().__init__()
        self.auth_methods = ["client_secret_post", "client_secret_basic"]

    def more_claims(self, client):
        return {"azp": client.id}
