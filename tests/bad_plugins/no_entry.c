/* SPDX-License-Identifier: Apache-2.0 */
/* A library, but no plugin. */
int no_entry_answer(void);

__attribute__((visibility("default"))) int no_entry_answer(void)
{
	return 42;
}
