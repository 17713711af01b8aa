/* SPDX-License-Identifier: MIT
 *
 * Spans of days by their names ("this_week", "next_7_days"), by this machine's local time: a laptop's is its owner's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/web/api_dates.h"

#define MS_PER_DAY  INT64_C(86400000)
#define DAYS_ALWAYS 4000000 /* beyond the year 9999 */
#define DAYS_N_MAX  3660

int64_t fb_api_zone_ms(int64_t now_ms)
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm local;
    return localtime_r(&seconds, &local) == NULL ? 0 : (int64_t)local.tm_gmtoff * 1000;
}

static int64_t month_start(int year, int month)
{
    int from_zero = month - 1;
    int years = from_zero >= 0 ? from_zero / 12 : (from_zero - 11) / 12;
    return fb_days_from_date(year + years, from_zero - years * 12 + 1, 1);
}

/* "next_7_days", "last_30_days". */
static bool is_counted(const char *word, int64_t today, int64_t *ret_from, int64_t *ret_to)
{
    bool is_next = strncmp(word, "next_", 5) == 0;
    if (!is_next && strncmp(word, "last_", 5) != 0) {
        return false;
    }
    char *end = NULL;
    long n = strtol(word + 5, &end, 10);
    if (end == word + 5 || strcmp(end, "_days") != 0 || n < 1 || n > DAYS_N_MAX) {
        return false;
    }
    *ret_from = is_next ? today : today - n + 1;
    *ret_to = is_next ? today + n : today + 1;
    return true;
}

bool fb_api_days(const char *word, int64_t today, int64_t *ret_from, int64_t *ret_to)
{
    char text[FB_INSTANT_SIZE];
    fb_instant_format(today * MS_PER_DAY, text);
    int year = (int)strtol(text, NULL, 10);
    int month = (int)strtol(text + 5, NULL, 10);
    int64_t monday = today - ((today + 3) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    int quarter = (month - 1) / 3 * 3 + 1;
    const struct {
        const char *word;
        int64_t from, to;
    } SPANS[] = {
        {"today", today, today + 1},
        {"yesterday", today - 1, today},
        {"tomorrow", today + 1, today + 2},
        {"this_week", monday, monday + 7},
        {"last_week", monday - 7, monday},
        {"next_week", monday + 7, monday + 14},
        {"this_month", month_start(year, month), month_start(year, month + 1)},
        {"last_month", month_start(year, month - 1), month_start(year, month)},
        {"next_month", month_start(year, month + 1), month_start(year, month + 2)},
        {"this_quarter", month_start(year, quarter), month_start(year, quarter + 3)},
        {"last_quarter", month_start(year, quarter - 3), month_start(year, quarter)},
        {"next_quarter", month_start(year, quarter + 3), month_start(year, quarter + 6)},
        {"this_year", month_start(year, 1), month_start(year + 1, 1)},
        {"last_year", month_start(year - 1, 1), month_start(year, 1)},
        {"next_year", month_start(year + 1, 1), month_start(year + 2, 1)},
        {"past", -DAYS_ALWAYS, today},
        {"future", today + 1, DAYS_ALWAYS},
        {"overdue", -DAYS_ALWAYS, today},
    };
    for (size_t i = 0; i < sizeof SPANS / sizeof SPANS[0]; i++) {
        if (strcmp(word, SPANS[i].word) == 0) {
            *ret_from = SPANS[i].from;
            *ret_to = SPANS[i].to;
            return true;
        }
    }
    return is_counted(word, today, ret_from, ret_to);
}
