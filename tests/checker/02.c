/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

#ifndef FIXED
__attribute__((visibility("default"))) int helper(int number);
int helper(int number)
{
	return number + 1;
}
#endif
#include "end.h"
