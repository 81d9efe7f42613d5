/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that have arrived, one after the other to the one who asked. */
#ifndef ROWS_H
#define ROWS_H

#include "client.h"

/* After mysql_stmt_store_result; the status of the row that ended it, else OK. Asks the server
 * nothing. */
int32_t rows_hand(MYSQL_STMT *stmt, const struct pintle_query *query);

#endif
