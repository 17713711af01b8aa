/* SPDX-License-Identifier: MIT */
#include "common/base/time.h"

#include <stdio.h>

#define MS_PER_DAY INT64_C(86400000)

/* Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": days_from_civil, civil_from_days.
 */
int64_t fb_days_from_date(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_from_days(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t mp = (5 * day_of_year + 2) / 153;
    *ret_day = (int)(day_of_year - (153 * mp + 2) / 5 + 1);
    *ret_month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *ret_year = (int)(year_of_era + era * 400 + (*ret_month <= 2));
}

void fb_instant_format(int64_t ms, char ret_text[static FB_INSTANT_SIZE])
{
    int64_t ms_min = fb_days_from_date(0, 1, 1) * MS_PER_DAY;
    int64_t ms_max = (fb_days_from_date(9999, 12, 31) + 1) * MS_PER_DAY - 1;
    ms = ms < ms_min ? ms_min : ms > ms_max ? ms_max : ms;
    int64_t days = ms / MS_PER_DAY - (ms % MS_PER_DAY < 0);
    int left = (int)(ms - days * MS_PER_DAY);
    int year;
    int month;
    int day;
    date_from_days(days, &year, &month, &day);
    char text[64];
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year, month, day,
             left / 3600000, left / 60000 % 60, left / 1000 % 60, left % 1000);
    for (size_t i = 0; i < FB_INSTANT_SIZE; i++) {
        ret_text[i] = text[i];
    }
}

/* Reads the digits of text where form has '0'; other characters must be those of form. */
static bool read_fixed(const char *text, const char *form, int ret_numbers[static 7])
{
    int n = 0;
    int number = 0;
    for (size_t i = 0;; i++) {
        if (form[i] == '0') {
            if (text[i] < '0' || text[i] > '9') {
                return false;
            }
            number = number * 10 + (text[i] - '0');
            continue;
        }
        ret_numbers[n++] = number;
        number = 0;
        if (form[i] == '\0') {
            return true;
        }
        if (text[i] != form[i]) {
            return false;
        }
        if (form[i] == 'Z') {
            return true;
        }
    }
}

static int days_in_month(int year, int month)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return DAYS[month - 1] + (month == 2 && is_leap);
}

static bool is_date(const int n[static 3])
{
    return n[1] >= 1 && n[1] <= 12 && n[2] >= 1 && n[2] <= days_in_month(n[0], n[1]);
}

bool fb_date_is_valid(const char *text, size_t size)
{
    int n[7];
    return size == FB_DATE_SIZE - 1 && read_fixed(text, "0000-00-00", n) && is_date(n);
}

bool fb_instant_parse(const char *text, size_t size, int64_t *ret_ms)
{
    int n[7];
    if (size != FB_INSTANT_SIZE - 1 || !read_fixed(text, "0000-00-00T00:00:00.000Z", n) ||
        !is_date(n) || n[3] > 23 || n[4] > 59 || n[5] > 59) {
        return false;
    }
    *ret_ms = fb_days_from_date(n[0], n[1], n[2]) * MS_PER_DAY + n[3] * INT64_C(3600000) +
              n[4] * INT64_C(60000) + n[5] * INT64_C(1000) + n[6];
    return true;
}
