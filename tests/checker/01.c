/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

#ifndef FIXED
#define ABI (PINTLE_ABI + 1)
#endif
#include "end.h"
