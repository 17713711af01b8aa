/* SPDX-License-Identifier: MIT */
#include "common/crm/enrol_code.h"

#include <stdio.h>
#include <string.h>

#define CODE_BYTES (FB_ENROL_SECRET_BYTES + FB_ENROL_PIN_BYTES)
#define CODE_CHARS 52 /* 260 bits: 256 of the code, 4 of the checksum */
#define GROUP      4

const char FB_CODE_ALPHABET[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* Crockford: no I, L, O, U */

static unsigned checksum(const uint8_t bytes[static CODE_BYTES])
{
    return fb_sha256(bytes, CODE_BYTES, "", 0).bytes[0] & 15;
}

static unsigned bit_at(const uint8_t bytes[static CODE_BYTES], unsigned sum, unsigned at)
{
    if (at < CODE_BYTES * 8) {
        return bytes[at / 8] >> (7 - at % 8) & 1;
    }
    return sum >> (3 - (at - CODE_BYTES * 8)) & 1;
}

void fb_enrol_code_format(const struct fb_enrol_code *code,
                          char ret_text[static FB_ENROL_CODE_SIZE])
{
    uint8_t bytes[CODE_BYTES];
    memcpy(bytes, code->secret, FB_ENROL_SECRET_BYTES);
    memcpy(bytes + FB_ENROL_SECRET_BYTES, code->pin, FB_ENROL_PIN_BYTES);
    unsigned sum = checksum(bytes);
    size_t out = 0;
    for (unsigned i = 0; i < CODE_CHARS; i++) {
        unsigned five = 0;
        for (unsigned b = 0; b < 5; b++) {
            five = five << 1 | bit_at(bytes, sum, i * 5 + b);
        }
        if (i > 0 && i % GROUP == 0) {
            ret_text[out++] = '-';
        }
        ret_text[out++] = FB_CODE_ALPHABET[five];
    }
    ret_text[out] = '\0';
}

int fb_code_character(char c)
{
    if (c >= 'a' && c <= 'z') {
        c = (char)(c - 'a' + 'A');
    }
    c = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
    const char *at = c == '\0' ? NULL : strchr(FB_CODE_ALPHABET, c);
    return at == NULL ? -1 : (int)(at - FB_CODE_ALPHABET);
}

int fb_enrol_code_parse(const char *text, struct fb_enrol_code *ret, struct fb_why *why)
{
    uint8_t bits[CODE_CHARS * 5 / 8 + 1] = {0};
    unsigned count = 0;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '-' || *p == ' ' || *p == '\n' || *p == '\r') {
            continue;
        }
        int value = fb_code_character(*p);
        if (value < 0 || count == CODE_CHARS) {
            return fb_fail(
                why, FB_ERR_INVALID,
                "this is not an enrolment code: paste the whole line that `invite` printed, %d "
                "letters and digits",
                CODE_CHARS);
        }
        for (unsigned b = 0; b < 5; b++) {
            unsigned at = count * 5 + b;
            bits[at / 8] =
                (uint8_t)(bits[at / 8] | ((unsigned)value >> (4 - b) & 1) << (7 - at % 8));
        }
        count++;
    }
    if (count != CODE_CHARS || bits[CODE_BYTES] >> 4 != checksum(bits)) {
        return fb_fail(why, FB_ERR_INVALID,
                       "the enrolment code is %s: compare it with the line that `invite` printed",
                       count != CODE_CHARS ? fb_text("not whole") : fb_text("mistyped"));
    }
    memcpy(ret->secret, bits, FB_ENROL_SECRET_BYTES);
    memcpy(ret->pin, bits + FB_ENROL_SECRET_BYTES, FB_ENROL_PIN_BYTES);
    return FB_OK;
}

struct fb_sha256 fb_enrol_code_hash(const struct fb_enrol_code *code)
{
    return fb_sha256("fieldbook-invite", 16, code->secret, FB_ENROL_SECRET_BYTES);
}

void fb_enrol_check_format(const struct fb_sha256 *key, char ret[static FB_ENROL_CHECK_SIZE])
{
    snprintf(ret, FB_ENROL_CHECK_SIZE, "%02x%02x-%02x%02x-%02x%02x-%02x%02x", key->bytes[0],
             key->bytes[1], key->bytes[2], key->bytes[3], key->bytes[4], key->bytes[5],
             key->bytes[6], key->bytes[7]);
}
