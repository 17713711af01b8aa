/* SPDX-License-Identifier: MIT
 *
 * Spans of days by their names, for filters.
 */
#ifndef FB_WEB_API_DATES_H
#define FB_WEB_API_DATES_H

#include "common/base/time.h"

/* Local time minus UTC, by this machine. */
int64_t fb_api_zone_ms(int64_t now_ms);
/* The span's first day and the day behind its last one, as days since 1970-01-01; false: no such word. Weeks begin on
 * Monday. "overdue" is all before today. */
bool fb_api_days(const char *word, int64_t today, int64_t *ret_from, int64_t *ret_to);

#endif
