/* SPDX-License-Identifier: Apache-2.0 */
#include "codes.h"

#include <pintle/status.h>
#include <stddef.h>

enum kind { LOST = 1, UNFIT = 2 };

/* The names are those of the servers' lists; the two lists differ above 1900, where MariaDB's and
 * MySQL's own numbers begin. */
static const struct {
	unsigned code;
	int32_t status;
	unsigned kind;
} meanings[] = {
	{ 1062, PINTLE_CONFLICT, 0 }, /* ER_DUP_ENTRY */
	{ 1586, PINTLE_CONFLICT, 0 }, /* ER_DUP_ENTRY_WITH_KEY_NAME */
	{ 1050, PINTLE_CONFLICT, 0 }, /* ER_TABLE_EXISTS_ERROR */
	{ 1051, PINTLE_CONFLICT, 0 }, /* ER_BAD_TABLE_ERROR: dropped before */
	{ 1091, PINTLE_CONFLICT, 0 }, /* ER_CANT_DROP_FIELD_OR_KEY: dropped before */
	{ 1060, PINTLE_CONFLICT, 0 }, /* ER_DUP_FIELDNAME */
	{ 1061, PINTLE_CONFLICT, 0 }, /* ER_DUP_KEYNAME */
	{ 1020, PINTLE_BUSY, 0 },     /* ER_CHECKREAD */
	{ 1205, PINTLE_BUSY, 0 },     /* ER_LOCK_WAIT_TIMEOUT */
	{ 1213, PINTLE_BUSY, 0 },     /* ER_LOCK_DEADLOCK; Galera's lost certification */
	{ 1615, PINTLE_BUSY, 0 },     /* ER_NEED_REPREPARE */
	{ 1317, PINTLE_TIMEOUT, 0 },  /* ER_QUERY_INTERRUPTED */
	{ 1969, PINTLE_TIMEOUT, 0 },  /* MariaDB: ER_STATEMENT_TIMEOUT */
	{ 3024, PINTLE_TIMEOUT, 0 },  /* MySQL: ER_QUERY_TIMEOUT */
	{ 1047, PINTLE_UNAVAILABLE, LOST | UNFIT }, /* Galera: not in step with its cluster */
	{ 1290, PINTLE_UNAVAILABLE, LOST | UNFIT }, /* ER_OPTION_PREVENTS_STATEMENT: read_only */
	{ 1792, PINTLE_UNAVAILABLE, LOST | UNFIT }, /* ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION */
	{ 1836, PINTLE_UNAVAILABLE, LOST | UNFIT }, /* ER_READ_ONLY_MODE */
	{ 1053, PINTLE_UNAVAILABLE, LOST },         /* ER_SERVER_SHUTDOWN */
	{ 1152, PINTLE_UNAVAILABLE, LOST },         /* ER_ABORTING_CONNECTION */
	{ 1158, PINTLE_UNAVAILABLE, LOST },         /* ER_NET_READ_ERROR */
	{ 1159, PINTLE_UNAVAILABLE, LOST },         /* ER_NET_READ_INTERRUPTED */
	{ 1160, PINTLE_UNAVAILABLE, LOST },         /* ER_NET_ERROR_ON_WRITE */
	{ 1161, PINTLE_UNAVAILABLE, LOST },         /* ER_NET_WRITE_INTERRUPTED */
	{ 1927, PINTLE_UNAVAILABLE, LOST },         /* MariaDB: ER_CONNECTION_KILLED */
	{ 4031, PINTLE_UNAVAILABLE, LOST },         /* MySQL: ER_CLIENT_INTERACTION_TIMEOUT */
	{ 1021, PINTLE_UNAVAILABLE, 0 },            /* ER_DISK_FULL */
	{ 1026, PINTLE_UNAVAILABLE, 0 },            /* ER_ERROR_ON_WRITE */
	{ 1030, PINTLE_UNAVAILABLE, 0 },            /* ER_GET_ERRNO */
	{ 1040, PINTLE_UNAVAILABLE, 0 },            /* ER_CON_COUNT_ERROR */
	{ 1044, PINTLE_UNAVAILABLE, 0 },            /* ER_DBACCESS_DENIED_ERROR */
	{ 1045, PINTLE_UNAVAILABLE, 0 },            /* ER_ACCESS_DENIED_ERROR */
	{ 1049, PINTLE_UNAVAILABLE, 0 },            /* ER_BAD_DB_ERROR */
	{ 1114, PINTLE_UNAVAILABLE, 0 },            /* ER_RECORD_FILE_FULL */
	{ 1129, PINTLE_UNAVAILABLE, 0 },            /* ER_HOST_IS_BLOCKED */
	{ 1130, PINTLE_UNAVAILABLE, 0 },            /* ER_HOST_NOT_PRIVILEGED */
	{ 1142, PINTLE_UNAVAILABLE, 0 },            /* ER_TABLEACCESS_DENIED_ERROR */
	{ 1180, PINTLE_UNAVAILABLE, 0 },            /* ER_ERROR_DURING_COMMIT */
	{ 1203, PINTLE_UNAVAILABLE, 0 },            /* ER_TOO_MANY_USER_CONNECTIONS */
	{ 1226, PINTLE_UNAVAILABLE, 0 },            /* ER_USER_LIMIT_REACHED */
	{ 1461, PINTLE_UNAVAILABLE, 0 },            /* ER_MAX_PREPARED_STMT_COUNT_REACHED */
};

/* The client library's own; 2008 is its lack of memory. */
static bool is_clients(unsigned code)
{
	return code >= 2000 && code < 3000 && code != 2008;
}

static unsigned kind_of(unsigned code)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (meanings[i].code == code)
			return meanings[i].kind;
	}
	return is_clients(code) ? LOST : 0;
}

int32_t codes_status(unsigned code)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (meanings[i].code == code)
			return meanings[i].status;
	}
	return is_clients(code) ? PINTLE_UNAVAILABLE : PINTLE_INTERNAL;
}

bool codes_is_lost(unsigned code)
{
	return (kind_of(code) & LOST) != 0;
}

bool codes_is_unfit(unsigned code)
{
	return (kind_of(code) & UNFIT) != 0;
}

bool codes_is_worth_a_line(unsigned code)
{
	int32_t status = codes_status(code);

	return status == PINTLE_UNAVAILABLE || status == PINTLE_INTERNAL;
}
