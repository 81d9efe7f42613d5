/* SPDX-License-Identifier: Apache-2.0 */
#include "routes.h"

/* A provider's op ends the request itself, maybe later. */
#define OP (ROUTE_PROVIDER | ROUTE_FINISHES)
#define SIGN_IN (OP | ROUTE_AUTH)
#define CALLBACK (SIGN_IN | ROUTE_BROWSER | ROUTE_UPSTREAM)
#define SERVICE (ROUTE_FORM | ROUTE_PROBE)

const struct route routes_own[] = {
	{ HTTP_GET, "/api/v1/auth/providers", NULL, api_providers, 0,
	  .summary = "Ways to sign in, and the fields each asks for" },
	{ HTTP_POST, "/api/v1/auth/{provider}/begin", NULL, api_begin, SIGN_IN,
	  .summary = "Open a flow" },
	{ HTTP_POST, "/api/v1/auth/{provider}/verify", NULL, api_verify, SIGN_IN,
	  .summary = "Prove and sign in" },
	{ HTTP_GET, "/api/v1/auth/{provider}/callback", NULL, api_callback, CALLBACK,
	  .summary = "An upstream's redirect, or a link that was opened" },
	{ HTTP_POST, "/api/v1/auth/{provider}/callback", NULL, api_callback, CALLBACK,
	  .summary = "An upstream's push, or a button of a page" },
	{ HTTP_GET, "/api/v1/auth/flows/{flow_id}", NULL, api_flow_show, 0,
	  .summary = "State of a flow" },
	{ HTTP_DELETE, "/api/v1/auth/flows/{flow_id}", NULL, api_flow_cancel, 0,
	  .summary = "Cancel a flow" },
	{ HTTP_POST, "/api/v1/auth/refresh", NULL, api_refresh, ROUTE_AUTH,
	  .summary = "New tokens for a refresh token" },
	{ HTTP_POST, "/api/v1/auth/logout", "self", api_logout, 0,
	  .summary = "End this session, or all" },
	{ HTTP_GET, "/api/v1/auth/check", NULL, api_check,
	  ROUTE_LOOP | ROUTE_FINISHES | ROUTE_EMPTY, .summary = "Session check for proxies" },

	{ HTTP_POST, "/oauth/introspect", NULL, api_introspect, SERVICE,
	  .summary = "Token introspection (RFC 7662)" },
	{ HTTP_POST, "/oauth/revoke", NULL, api_revoke, SERVICE,
	  .summary = "Token revocation (RFC 7009)" },
	{ HTTP_GET, "/.well-known/jwks.json", NULL, api_jwks, ROUTE_LOOP,
	  .summary = "Keys that verify access tokens (RFC 7517)" },
	{ HTTP_GET, "/.well-known/oauth-authorization-server", NULL, api_metadata, ROUTE_LOOP,
	  .summary = "Server metadata (RFC 8414)" },

	{ HTTP_GET, "/api/v1/user/profile", "self", api_profile, 0, .summary = "Own profile" },
	{ HTTP_PUT, "/api/v1/user/profile", "self", api_profile_update, 0,
	  .summary = "Change own profile" },
	{ HTTP_GET, "/api/user/profile", "self", api_profile, 0, .summary = "Own profile" },
	{ HTTP_GET, "/api/v1/user/identities", "self", api_identities, 0,
	  .summary = "Own identities" },
	{ HTTP_POST, "/api/v1/user/bind/{provider}", "self", api_bind, OP,
	  .summary = "Add an identity" },
	{ HTTP_DELETE, "/api/v1/user/unbind/{provider}", "self", api_unbind, OP,
	  .summary = "Remove an identity" },
	{ HTTP_GET, "/api/v1/user/sessions", "self", api_sessions, 0, .summary = "Own sessions" },
	{ HTTP_DELETE, "/api/v1/user/sessions/{sessionId}", "self", api_session_delete, 0,
	  .summary = "End one of the own sessions" },
	{ HTTP_DELETE, "/api/v1/user/sessions", "self", api_sessions_delete, 0,
	  .summary = "End all own sessions but this one" },

	{ HTTP_GET, "/healthz", NULL, api_healthz, ROUTE_LOOP, .summary = "Is the process alive" },
	{ HTTP_GET, "/readyz", NULL, api_readyz, ROUTE_PROBE,
	  .summary = "Do stores and required instances work" },
	{ HTTP_GET, "/metrics", NULL, api_metrics, ROUTE_PROBE | ROUTE_METRICS,
	  .summary = "Prometheus metrics" },
	{ HTTP_GET, "/assets/page.css", NULL, api_page_style, ROUTE_LOOP,
	  .summary = "Style of pages" },
	{ HTTP_GET, "/openapi.json", NULL, api_openapi, 0, .summary = "This description" },

	{ HTTP_GET, "/control/status", NULL, api_control_status, ROUTE_CONTROL,
	  .summary = "Workers, instances, stores" },
	{ HTTP_POST, "/control/order", NULL, api_control_order, ROUTE_CONTROL,
	  .summary = "Reload or stop" },
	{ HTTP_GET, "/control/providers", NULL, api_control_providers, ROUTE_CONTROL,
	  .summary = "Providers and whether they serve" },
	{ HTTP_POST, "/control/providers/{name}/resume", NULL, api_control_resume, ROUTE_CONTROL,
	  .summary = "Lift a quarantine" },
	{ HTTP_GET, "/control/users", NULL, api_control_user_show, ROUTE_CONTROL,
	  .summary = "One account" },
	{ HTTP_POST, "/control/users", NULL, api_control_user_create, ROUTE_CONTROL,
	  .summary = "Make an account" },
	{ HTTP_PUT, "/control/users/status", NULL, api_control_user_status, ROUTE_CONTROL,
	  .summary = "Freeze or unfreeze" },
	{ HTTP_DELETE, "/control/sessions/{id}", NULL, api_control_session_revoke, ROUTE_CONTROL,
	  .summary = "End a session" },
	{ HTTP_POST, "/control/sends/lift", NULL, api_control_send_lift, ROUTE_CONTROL,
	  .summary = "Send codes again where too many were missing" },
	{ HTTP_POST, "/control/keys/rotate", NULL, api_control_key_rotate, ROUTE_CONTROL,
	  .summary = "Make a new signing key" },
	{ HTTP_GET, "/control/outbox", NULL, api_control_outbox, ROUTE_CONTROL,
	  .summary = "Development messages, newest first" },
	{ HTTP_GET, "/control/routes", NULL, api_control_routes, ROUTE_CONTROL,
	  .summary = "Every route" },
#ifdef PINTLE_TEST
	{ HTTP_PUT, "/control/clock", NULL, api_control_clock, ROUTE_CONTROL,
	  .summary = "Move the clock" },
#endif
};

const size_t routes_n_own = sizeof(routes_own) / sizeof(routes_own[0]);
