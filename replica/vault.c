/* SPDX-License-Identifier: MIT
 *
 *     DIR.identity/codes: a line for each day,
 *         2026-11-28 SALT(32 hex digits) SECRET-XOR-KEY(64) CHECK(64)
 *     KEY = PBKDF2-HMAC-SHA-256(code, SALT), CHECK = SHA-256("vault-check", SECRET)
 */
#include "replica/vault.h"

#include <stdio.h>
#include <string.h>

#include "common/base/at_rest.h"
#include "common/base/hex.h"
#include "common/base/id.h"
#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/crm/enrol_code.h"
#include "replica/lease.h"

#define DAY_MS          (INT64_C(24) * 3600 * 1000)
#define SALT_BYTES      16
#define CODES_BYTES_MAX ((size_t)(FB_VAULT_CODE_DAYS + 2) * 256)

static void folder_of(const char *data, char *ret, size_t size)
{
    size_t length = strlen(data);
    while (length > 1 && data[length - 1] == '/') {
        length--;
    }
    snprintf(ret, size, "%.*s.identity", (int)length, data);
}

bool fb_vault_exists(const char *data)
{
    char folder[4096];
    folder_of(data, folder, sizeof folder);
    return fb_os_is_folder(folder);
}

void fb_vault_identity(const char *data, const char *name, char *ret, size_t size)
{
    char folder[4096];
    folder_of(data, folder, sizeof folder);
    snprintf(ret, size, "%s/%s", fb_os_is_folder(folder) ? folder : data, name);
}

static void make_key(const struct fb_sha256 *secret, uint8_t ret[static FB_FOLDER_KEY_BYTES])
{
    struct fb_sha256 half =
        fb_hmac_sha256(secret->bytes, sizeof secret->bytes, "fieldbook-folder 1", 18);
    memcpy(ret, half.bytes, sizeof half.bytes);
    half = fb_hmac_sha256(secret->bytes, sizeof secret->bytes, "fieldbook-folder 2", 18);
    memcpy(ret + sizeof half.bytes, half.bytes, sizeof half.bytes);
    explicit_bzero(&half, sizeof half);
}

static bool is_none(const struct fb_sha256 *secret)
{
    static const struct fb_sha256 none;
    return fb_sha256_equal(secret, &none);
}

int fb_vault_make(const char *data, const struct fb_sha256 *secret, bool *ret_is_made,
                  struct fb_why *why)
{
    char folder[4096];
    uint8_t key[FB_FOLDER_KEY_BYTES];
    *ret_is_made = false;
    if (is_none(secret)) {
        return FB_OK;
    }
    make_key(secret, key);
    int rc = fb_folder_encrypt(data, key, why);
    explicit_bzero(key, sizeof key);
    if (rc == FB_ERR_NOT_FOUND || rc == FB_ERR_INVALID) {
        return FB_OK; /* the file system cannot; or somebody keeps something in the folder already */
    }
    folder_of(data, folder, sizeof folder);
    rc = rc < 0 ? rc : fb_os_make_folder(folder, why);
    *ret_is_made = rc == FB_OK;
    return rc;
}

int fb_vault_open(const char *data, const struct fb_lease *lease, struct fb_why *why)
{
    uint8_t key[FB_FOLDER_KEY_BYTES];
    if (!fb_vault_exists(data) || is_none(&lease->secret) || !fb_folder_is_locked(data)) {
        return FB_OK;
    }
    make_key(&lease->secret, key);
    int rc = fb_folder_unlock(data, key, why);
    explicit_bzero(key, sizeof key);
    return rc;
}

/* ---- Codes ---- */

/* The code as it is made, whatever hyphens and small letters were typed. */
static void plain_code(const char *typed, char ret[static FB_UNLOCK_CODE_SIZE])
{
    size_t size = 0;
    for (const char *p = typed; *p != '\0' && size + 1 < FB_UNLOCK_CODE_SIZE; p++) {
        int value = fb_code_character(*p);
        if (value >= 0) {
            ret[size++] = FB_CODE_ALPHABET[value];
        }
    }
    ret[size] = '\0';
}

static void lay_down(struct fb_buf *out, const struct fb_sha256 *secret, const char *device_id,
                     const char *day)
{
    char code[FB_UNLOCK_CODE_SIZE];
    char plain[FB_UNLOCK_CODE_SIZE];
    uint8_t salt[SALT_BYTES];
    fb_unlock_code_make(secret, device_id, day, code);
    plain_code(code, plain);
    fb_os_random(salt, sizeof salt);
    struct fb_sha256 key = fb_slow_hash(plain, strlen(plain), salt, sizeof salt);
    for (size_t i = 0; i < sizeof key.bytes; i++) {
        key.bytes[i] ^= secret->bytes[i];
    }
    struct fb_sha256 check = fb_sha256("vault-check", 11, secret->bytes, sizeof secret->bytes);
    fb_buf_printf(out, "%s ", day);
    fb_hex_append(out, salt, sizeof salt);
    fb_buf_append_byte(out, ' ');
    fb_hex_append(out, key.bytes, sizeof key.bytes);
    fb_buf_append_byte(out, ' ');
    fb_hex_append(out, check.bytes, sizeof check.bytes);
    fb_buf_append_byte(out, '\n');
}

int fb_vault_close(const char *data, struct fb_lease *lease, const char *device_id, int64_t now_ms,
                   struct fb_why *why)
{
    char path[4400];
    FB_AUTO(fb_buf_release) struct fb_buf codes;
    if (!fb_vault_exists(data)) {
        return FB_OK;
    }
    int rc = FB_OK;
    if (!is_none(&lease->secret)) {
        fb_buf_init(&codes, CODES_BYTES_MAX);
        for (int i = -1; i < FB_VAULT_CODE_DAYS; i++) {
            char day[FB_DAY_SIZE];
            fb_day_of(now_ms + i * DAY_MS, day);
            lay_down(&codes, &lease->secret, device_id, day);
        }
        fb_vault_identity(data, "codes", path, sizeof path);
        rc = fb_buf_error(&codes);
        rc = rc < 0 ? rc : fb_os_write_file(path, codes.bytes, codes.size, 0600, why);
        fb_vault_identity(data, "lease", path, sizeof path);
        rc = rc < 0 ? rc : fb_os_erase_file(path, why);
        if (rc == FB_OK) {
            explicit_bzero(&lease->secret, sizeof lease->secret);
            rc = fb_replica_lease_write(data, lease, why);
        }
    } else {
        codes = (struct fb_buf){0};
    }
    return rc < 0 || fb_folder_is_locked(data) ? rc : fb_folder_lock(data, why);
}

static bool try_line(const char *line, const char *plain, struct fb_sha256 *ret)
{
    char day[16];
    char salt_text[2 * SALT_BYTES + 1];
    char key_text[2 * FB_SHA256_BYTES + 1];
    char check_text[2 * FB_SHA256_BYTES + 1];
    uint8_t salt[SALT_BYTES];
    struct fb_sha256 kept;
    struct fb_sha256 check;
    if (sscanf(line, "%15s %32s %64s %64s", day, salt_text, key_text, check_text) != 4 ||
        !fb_hex_read(salt_text, salt, sizeof salt) ||
        !fb_hex_read(key_text, kept.bytes, sizeof kept.bytes) ||
        !fb_hex_read(check_text, check.bytes, sizeof check.bytes)) {
        return false;
    }
    struct fb_sha256 secret = fb_slow_hash(plain, strlen(plain), salt, sizeof salt);
    for (size_t i = 0; i < sizeof secret.bytes; i++) {
        secret.bytes[i] ^= kept.bytes[i];
    }
    struct fb_sha256 mine = fb_sha256("vault-check", 11, secret.bytes, sizeof secret.bytes);
    bool is_right = fb_sha256_equal(&mine, &check);
    if (is_right) {
        *ret = secret;
    }
    explicit_bzero(&secret, sizeof secret);
    return is_right;
}

bool fb_vault_secret_of_code(const char *data, const char *code, int64_t now_ms,
                             struct fb_sha256 *ret)
{
    char path[4400];
    char plain[FB_UNLOCK_CODE_SIZE];
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, CODES_BYTES_MAX);
    fb_vault_identity(data, "codes", path, sizeof path);
    if (fb_os_read_file(path, &text, NULL) < 0) {
        return false;
    }
    fb_buf_append_byte(&text, '\0');
    plain_code(code, plain);
    for (int i = -1; i <= 1; i++) {
        char day[FB_DAY_SIZE];
        fb_day_of(now_ms + i * DAY_MS, day);
        const char *line = strstr((const char *)text.bytes, day);
        if (line != NULL && try_line(line, plain, ret)) {
            return true;
        }
    }
    return false;
}
