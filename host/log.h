/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's log: one JSON line an event on standard error. [any] Text from outside is escaped and
 * capped. Never a secret, never a number of a person.
 */
#ifndef LOG_H
#define LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* who stands in each line: "supervisor", "worker 0". Called before threads start. */
void log_init(const char *who, enum log_level level);
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
