/* SPDX-License-Identifier: MIT */
#include "common/base/planted.h"

#ifdef FB_PLANTED
enum fb_planted fb_planted_bug = FB_PLANTED_NONE;
unsigned long fb_planted_reached = 0;
#endif
