/* SPDX-License-Identifier: Apache-2.0 */
#include "copy_report.h"

#include "clock.h"

#include <jansson.h>
#include <stdio.h>

#define TELL_MS 1000

void copy_report_progress(void *ctx, const struct table_copy *copy)
{
	struct copy_report *report = ctx;
	int64_t now_ms = clock_mono_ms();

	if (copy->n_done < copy->n_rows && now_ms < report->told_ms + TELL_MS)
		return;
	report->told_ms = now_ms;
	(void)fprintf(stderr, "%s: %lld of %lld rows\n", copy->table->name, (long long)copy->n_done,
		      (long long)copy->n_rows);
}

static double seconds_of(const struct table_copy *copy)
{
	return (double)copy->spent_us / 1e6;
}

static void show_json(const struct table_copy *copies, size_t n_copies)
{
	json_t *tables = json_array(), *result;

	for (size_t i = 0; i < n_copies; i++)
		(void)json_array_append_new(
			tables,
			json_pack("{s:s, s:I, s:I, s:s, s:f}", "table", copies[i].table->name,
				  "rows", (json_int_t)copies[i].n_done, "copied",
				  (json_int_t)(copies[i].n_done - copies[i].n_before), "checksum",
				  copies[i].checksum, "seconds", seconds_of(&copies[i])));
	result = json_pack("{s:o}", "tables", tables);
	(void)json_dumpf(result, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(result);
}

static void show_text(const struct table_copy *copies, size_t n_copies)
{
	for (size_t i = 0; i < n_copies; i++)
		printf("%-24s %10lld rows  %s  %8.3f s\n", copies[i].table->name,
		       (long long)copies[i].n_done, copies[i].checksum, seconds_of(&copies[i]));
}

void copy_report_result(const struct table_copy *copies, size_t n_copies, bool is_json)
{
	(is_json ? show_json : show_text)(copies, n_copies);
	(void)fflush(stdout); /* the process may end without */
}
