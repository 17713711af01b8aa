/* SPDX-License-Identifier: MIT
 *
 * Time values: milliseconds since 1970-01-01 UTC as int64_t, named ..._ms. Text forms are those of
 * the catalogue: a date is YYYY-MM-DD, an instant YYYY-MM-DDTHH:MM:SS.sssZ (RFC 3339, UTC). Nothing
 * here reads a clock; that is fb_os_now_ms (os.h), and protocol code gets the time as an argument.
 */
#ifndef FB_BASE_TIME_H
#define FB_BASE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FB_INSTANT_SIZE 25 /* with the zero */
#define FB_DATE_SIZE    11

/* Years outside 0000 to 9999 are held at the border. */
void fb_instant_format(int64_t ms, char ret_text[static FB_INSTANT_SIZE]);

/* Exactly the form above; false leaves the output alone. */
bool fb_instant_parse(const char *text, size_t size, int64_t *ret_ms);
bool fb_date_is_valid(const char *text, size_t size);

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
int64_t fb_days_from_date(int year, int month, int day);

#endif
