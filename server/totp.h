/* SPDX-License-Identifier: MIT
 *
 * Time-based one-time passwords (RFC 6238): HMAC-SHA-1, six digits, steps of 30 s, one step early or late. Values in,
 * values out.
 */
#ifndef FB_SERVER_TOTP_H
#define FB_SERVER_TOTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FB_TOTP_SECRET_BYTES 20
#define FB_TOTP_STEP_MS      30000
#define FB_TOTP_BASE32_SIZE  33 /* 32 letters and the zero */

/* The code of a step, with 6 digits or 8 (RFC 6238's vectors have 8). */
uint32_t fb_totp_code(const uint8_t *secret, size_t size, int64_t step, int digits);

/* True if code is right now and its step lies after last_step; *ret_step is then what to remember. */
bool fb_totp_check(const uint8_t *secret, size_t size, const char *code, int64_t now_ms,
                   int64_t last_step, int64_t *ret_step);

/* RFC 4648, as authenticator apps want it. */
void fb_totp_base32(const uint8_t secret[static FB_TOTP_SECRET_BYTES],
                    char ret[static FB_TOTP_BASE32_SIZE]);

#endif
