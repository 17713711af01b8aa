/* SPDX-License-Identifier: MIT */
#include "server/totp.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/hash.h"

uint32_t fb_totp_code(const uint8_t *secret, size_t size, int64_t step, int digits)
{
    uint8_t counter[8];
    uint8_t mac[FB_SHA1_BYTES];
    for (int i = 0; i < 8; i++) {
        counter[i] = (uint8_t)((uint64_t)step >> (56 - 8 * i));
    }
    fb_hmac_sha1(secret, size, counter, sizeof counter, mac);
    size_t at = mac[FB_SHA1_BYTES - 1] & 0x0FU; /* RFC 4226, 5.3 */
    uint32_t number = ((uint32_t)(mac[at] & 0x7FU) << 24) | ((uint32_t)mac[at + 1] << 16) |
                      ((uint32_t)mac[at + 2] << 8) | mac[at + 3];
    return number % (digits == 8 ? 100000000U : 1000000U);
}

bool fb_totp_check(const uint8_t *secret, size_t size, const char *code, int64_t now_ms,
                   int64_t last_step, int64_t *ret_step)
{
    if (strlen(code) != 6 || strspn(code, "0123456789") != 6) {
        return false;
    }
    uint32_t given = (uint32_t)strtoul(code, NULL, 10);
    int64_t now = now_ms / FB_TOTP_STEP_MS;
    bool is_right = false;
    for (int64_t step = now - 1; step <= now + 1; step++) {
        if (fb_totp_code(secret, size, step, 6) == given && step > last_step) {
            *ret_step = step;
            is_right = true;
        }
    }
    return is_right;
}

void fb_totp_base32(const uint8_t secret[static FB_TOTP_SECRET_BYTES],
                    char ret[static FB_TOTP_BASE32_SIZE])
{
    static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    for (int i = 0; i < FB_TOTP_BASE32_SIZE - 1; i++) {
        int bit = i * 5;
        unsigned two = (unsigned)secret[bit / 8] << 8;
        two |= bit / 8 + 1 < FB_TOTP_SECRET_BYTES ? secret[bit / 8 + 1] : 0U;
        ret[i] = LETTERS[(two >> (11 - bit % 8)) & 31U];
    }
    ret[FB_TOTP_BASE32_SIZE - 1] = '\0';
}
