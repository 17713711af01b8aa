/* SPDX-License-Identifier: MIT */
#include "common/crm/lease.h"

#include <stdio.h>
#include <string.h>

#include "common/crm/enrol_code.h"

#define DAY_MS     (INT64_C(24) * 3600 * 1000)
#define CODE_CHARS 12 /* 60 bits: nobody guesses them in five tries an hour */
#define GROUP      4

void fb_lease_look(struct fb_lease *l, int64_t now_ms, const char *boot, int64_t ran_ms)
{
    bool is_same_start = strcmp(boot, l->boot) == 0 && ran_ms > l->ran_ms;
    if (l->clock_ms > 0 && is_same_start) {
        l->clock_ms += ran_ms - l->ran_ms;
    }
    if (now_ms > l->clock_ms) {
        l->clock_ms = now_ms;
    }
    snprintf(l->boot, sizeof l->boot, "%s", boot);
    l->ran_ms = ran_ms;
}

void fb_lease_renew(struct fb_lease *l, int64_t now_ms, int64_t length_ms)
{
    l->length_ms = length_ms;
    l->clock_ms = now_ms; /* who knows headquarters' key may say that the clock had jumped ahead */
    l->until_ms = now_ms + length_ms;
    l->tries = 0;
    l->tried_at_ms = 0;
}

int64_t fb_lease_left_ms(const struct fb_lease *l)
{
    if (l->length_ms == 0) {
        return INT64_MAX;
    }
    return l->until_ms > l->clock_ms ? l->until_ms - l->clock_ms : 0;
}

bool fb_lease_is_locked(const struct fb_lease *l)
{
    return fb_lease_left_ms(l) == 0;
}

int fb_lease_days_left(const struct fb_lease *l)
{
    int64_t left_ms = fb_lease_left_ms(l);
    return left_ms == INT64_MAX ? -1 : (int)((left_ms + DAY_MS - 1) / DAY_MS);
}

void fb_day_of(int64_t at_ms, char ret[static FB_DAY_SIZE])
{
    char instant[FB_INSTANT_SIZE];
    fb_instant_format(at_ms, instant);
    snprintf(ret, FB_DAY_SIZE, "%.10s", instant);
}

void fb_unlock_code_make(const struct fb_sha256 *secret, const char *device_id, const char *day,
                         char ret[static FB_UNLOCK_CODE_SIZE])
{
    char asked[128];
    snprintf(asked, sizeof asked, "fieldbook-unlock %s %s", device_id, day);
    struct fb_sha256 mac =
        fb_hmac_sha256(secret->bytes, sizeof secret->bytes, asked, strlen(asked));
    size_t out = 0;
    for (unsigned i = 0; i < CODE_CHARS; i++) {
        unsigned at = i * 5;
        unsigned two = (unsigned)mac.bytes[at / 8] << 8 | mac.bytes[at / 8 + 1];
        if (i > 0 && i % GROUP == 0) {
            ret[out++] = '-';
        }
        ret[out++] = FB_CODE_ALPHABET[two >> (11 - at % 8) & 31];
    }
    ret[out] = '\0';
}

/* Compares character by character as people type them, all of them whatever differs. */
static bool is_code(const char *typed, const char *code)
{
    unsigned difference = 0;
    size_t at = 0;
    for (const char *p = typed; *p != '\0'; p++) {
        if (*p == '-' || *p == ' ' || *p == '\n' || *p == '\r') {
            continue;
        }
        at += code[at] == '-' ? 1 : 0;
        difference |= (unsigned)(code[at] == '\0' || fb_code_character(*p) < 0 ||
                                 fb_code_character(*p) != fb_code_character(code[at]));
        at += code[at] == '\0' ? 0 : 1;
    }
    return difference == 0 && code[at] == '\0';
}

/* Yesterday's, today's and tomorrow's day fit, so that midnight and a clock a little wrong do not matter. */
static bool find_day(const struct fb_lease *l, const char *device_id, const char *typed,
                     int64_t now_ms, char ret_day[static FB_DAY_SIZE])
{
    for (int i = -1; i <= 1; i++) {
        char day[FB_DAY_SIZE];
        char code[FB_UNLOCK_CODE_SIZE];
        fb_day_of(now_ms + i * DAY_MS, day);
        fb_unlock_code_make(&l->secret, device_id, day, code);
        if (is_code(typed, code) && strcmp(day, l->used_day) > 0) {
            memcpy(ret_day, day, FB_DAY_SIZE);
            return true;
        }
    }
    return false;
}

int fb_lease_unlock(struct fb_lease *l, const char *device_id, const char *code, int64_t now_ms,
                    struct fb_why *why)
{
    static const struct fb_sha256 none;
    if (memcmp(&l->secret, &none, sizeof none) == 0) {
        return fb_fail(why, FB_ERR_REFUSED,
                       "no code unlocks this laptop, for it was enrolled by an older program: "
                       "connect it to headquarters");
    }
    if (l->tries >= FB_UNLOCK_TRIES_MAX) {
        int64_t left_ms = l->tried_at_ms + FB_UNLOCK_WAIT_MS - l->clock_ms;
        if (left_ms > 0) {
            return fb_fail(why, FB_ERR_REFUSED,
                           "%d wrong codes were typed: wait %lld minutes, or connect this laptop "
                           "to headquarters",
                           FB_UNLOCK_TRIES_MAX, (long long)((left_ms + 59999) / 60000));
        }
        l->tries = 0;
    }
    char day[FB_DAY_SIZE];
    if (!find_day(l, device_id, code, now_ms, day)) {
        char today[FB_DAY_SIZE];
        l->tries++;
        l->tried_at_ms = l->clock_ms;
        fb_day_of(now_ms, today);
        return fb_fail(why, FB_ERR_REFUSED,
                       "this is not the code of this laptop for %s: ask headquarters for one "
                       "(`fieldbook-server device unlock`), and see that this computer's date is "
                       "right",
                       today);
    }
    memcpy(l->used_day, day, sizeof day);
    fb_lease_renew(l, now_ms, l->length_ms);
    l->until_ms = now_ms + FB_LEASE_UNLOCK_MS;
    return FB_OK;
}
