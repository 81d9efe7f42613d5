/* SPDX-License-Identifier: Apache-2.0 */
/* The same outbox as that of text messages, in another sender. */
/* NOLINTNEXTLINE(bugprone-suspicious-include) */
#include "../sms_log/outbox.c"
