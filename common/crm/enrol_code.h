/* SPDX-License-Identifier: MIT
 *
 * The enrolment code a person reads or pastes: a one-time secret and the pin of headquarters' root certificate, so that the
 * laptop talks to no other server. 52 characters of Crockford's base 32 in groups of four; small letters, blanks and
 * hyphens do not matter, O reads as 0, I and L as 1.
 */
#ifndef FB_CRM_ENROL_CODE_H
#define FB_CRM_ENROL_CODE_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/base/hash.h"

#define FB_ENROL_SECRET_BYTES 16
#define FB_ENROL_PIN_BYTES    16
#define FB_ENROL_CODE_SIZE    65 /* 52 characters, 12 hyphens, the zero */

/* Crockford's base 32 as codes for people use it; the value of a character as typed, -1: none. */
extern const char FB_CODE_ALPHABET[33];
int fb_code_character(char c);

struct fb_enrol_code {
    uint8_t secret[FB_ENROL_SECRET_BYTES];
    uint8_t pin[FB_ENROL_PIN_BYTES]; /* the first bytes of the root certificate's SHA-256 */
};

void fb_enrol_code_format(const struct fb_enrol_code *code,
                          char ret_text[static FB_ENROL_CODE_SIZE]);

/* FB_ERR_INVALID with a sentence; a mistyped character is found by the checksum of the last four bits. */
int fb_enrol_code_parse(const char *text, struct fb_enrol_code *ret,
                        struct fb_why *why) FB_MUST_CHECK;

/* What the server keeps instead of the secret. */
struct fb_sha256 fb_enrol_code_hash(const struct fb_enrol_code *code);

/* What people compare on two screens before a device is approved: the first 64 bits of the hash of its public key, "3f2a-91c0-7d1e-0b44". */
#define FB_ENROL_CHECK_SIZE 20
void fb_enrol_check_format(const struct fb_sha256 *key, char ret[static FB_ENROL_CHECK_SIZE]);

#endif
