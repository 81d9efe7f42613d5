/* SPDX-License-Identifier: Apache-2.0 */
/* The host's own routes, one table; handlers live in the api_*.c file of their subject. */
#ifndef ROUTES_H
#define ROUTES_H

#include "request.h"

extern const struct route routes_own[];
extern const size_t routes_n_own;

/* api_auth.c: sign-in, generic */
route_handler api_providers, api_begin, api_verify, api_flow_show, api_flow_cancel, api_callback,
	api_bind, api_unbind, api_plugin_route;
/* api_live.c: flows as they change */
route_handler api_flow_socket, api_flow_events;
/* check.c */
route_handler api_check;
/* api_token.c: tokens and sessions as others see them */
route_handler api_refresh, api_logout, api_introspect, api_revoke, api_jwks, api_metadata;
/* api_user.c: the account signed in */
route_handler api_profile, api_profile_update, api_identities, api_sessions, api_session_delete,
	api_sessions_delete, api_logins;
/* web.c: pages of this server */
route_handler api_login_page, api_account_page, api_asset;
/* api_ops.c: operation */
route_handler api_healthz, api_readyz, api_metrics, api_openapi;
/* receipt.c: reports of gateways */
route_handler api_receipt;
/* api_control_gateway.c: senders of messages */
route_handler api_control_gateways, api_control_gateway_switch, api_control_gateway_test;
/* api_control.c: the process, for pintlectl; the clock in a test build only */
route_handler api_control_status, api_control_order, api_control_providers, api_control_resume,
	api_control_send_lift, api_control_key_rotate, api_control_outbox, api_control_routes,
	api_control_clock;
/* api_control_user.c: accounts and sessions, for pintlectl */
route_handler api_control_user_create, api_control_user_show, api_control_user_status,
	api_control_session_revoke;

#endif
