/* SPDX-License-Identifier: MIT */
#include "replica/lease.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hex.h"
#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/crm/say.h"
#include "common/net/ca.h"
#include "replica/vault.h"
#include "replica/wipe.h"

#define FILE_BYTES_MAX 4096

/* Of the identity, which lies beside an encrypted folder. */
static const char *path_in(const char *data, const char *name)
{
    static _Thread_local char path[4400];
    fb_vault_identity(data, name, path, sizeof path);
    return path;
}

/* ---- The file ---- */

static void read_secret(const char *hex, struct fb_sha256 *ret)
{
    struct fb_sha256 secret = {{0}};
    if (fb_hex_read(hex, secret.bytes, sizeof secret.bytes)) {
        *ret = secret;
    }
}

static void read_line(struct fb_lease *l, const char *name, const char *value)
{
    const struct {
        const char *name;
        int64_t *number;
    } NUMBERS[] = {{"length_ms", &l->length_ms},
                   {"until_ms", &l->until_ms},
                   {"clock_ms", &l->clock_ms},
                   {"ran_ms", &l->ran_ms},
                   {"tried_at_ms", &l->tried_at_ms}};
    for (size_t i = 0; i < sizeof NUMBERS / sizeof *NUMBERS; i++) {
        if (strcmp(name, NUMBERS[i].name) == 0) {
            *NUMBERS[i].number = strtoll(value, NULL, 10);
        }
    }
    if (strcmp(name, "tries") == 0) {
        l->tries = (int)strtol(value, NULL, 10);
    } else if (strcmp(name, "boot") == 0) {
        snprintf(l->boot, sizeof l->boot, "%s", value);
    } else if (strcmp(name, "used_day") == 0) {
        snprintf(l->used_day, sizeof l->used_day, "%s", value);
    } else if (strcmp(name, "secret") == 0) {
        read_secret(value, &l->secret);
    }
}

static int read_file(const char *data, struct fb_lease *ret, struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, FILE_BYTES_MAX);
    int rc = fb_os_read_file(path_in(data, "lease"), &text, why);
    fb_buf_append_byte(&text, '\0');
    char *rest = rc < 0 ? NULL : (char *)text.bytes;
    char *line;
    while (rest != NULL && (line = strsep(&rest, "\n")) != NULL) {
        char *value = strchr(line, ' ');
        if (value != NULL) {
            *value = '\0';
            read_line(ret, line, value + 1);
        }
    }
    if (text.size > 0 && text.bytes != NULL) {
        explicit_bzero(text.bytes, text.size);
    }
    return rc;
}

int fb_replica_lease_write(const char *data, const struct fb_lease *l, struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, FILE_BYTES_MAX);
    fb_buf_printf(&text,
                  "length_ms %lld\nuntil_ms %lld\nclock_ms %lld\nboot %s\nran_ms %lld\n"
                  "used_day %s\ntries %d\ntried_at_ms %lld\nsecret ",
                  (long long)l->length_ms, (long long)l->until_ms, (long long)l->clock_ms, l->boot,
                  (long long)l->ran_ms, l->used_day, l->tries, (long long)l->tried_at_ms);
    fb_hex_append(&text, l->secret.bytes, sizeof l->secret.bytes);
    fb_buf_append_text(&text, "\n");
    int rc = fb_buf_error(&text);
    rc = rc < 0 ? rc : fb_os_write_file(path_in(data, "lease"), text.bytes, text.size, 0600, why);
    explicit_bzero(text.bytes, text.size);
    return rc;
}

/* Enrolled by an older program, or somebody deleted the file. */
static void begin_with_certificate(const char *data, struct fb_lease *l)
{
    FB_AUTO(fb_buf_release) struct fb_buf pem;
    struct fb_cert cert;
    fb_buf_init(&pem, FB_PEM_BYTES_MAX);
    if (fb_os_read_file(path_in(data, "certificate.pem"), &pem, NULL) == FB_OK &&
        fb_cert_read(pem.bytes, pem.size, &cert, NULL) == FB_OK) {
        fb_lease_renew(l, cert.valid_from_ms, FB_LEASE_MS);
    }
}

int fb_replica_lease_read(const char *data, int64_t now_ms, struct fb_lease *ret,
                          struct fb_why *why)
{
    struct fb_lease l = {0};
    char boot[FB_BOOT_SIZE];
    int64_t ran_ms;
    int rc = read_file(data, &l, why);
    if (rc == FB_ERR_NOT_FOUND) {
        begin_with_certificate(data, &l);
        rc = FB_OK;
    }
    if (rc < 0) {
        return rc;
    }
    bool was_locked = fb_lease_is_locked(&l);
    int64_t noted_ms = l.clock_ms;
    fb_os_boot(boot, &ran_ms);
    bool is_new_start = strcmp(boot, l.boot) != 0;
    fb_lease_look(&l, now_ms, boot, ran_ms);
    *ret = l;
    bool is_due = is_new_start || l.clock_ms - noted_ms >= FB_LEASE_NOTE_MS ||
                  fb_lease_is_locked(&l) != was_locked;
    return l.length_ms > 0 && is_due ? fb_replica_lease_write(data, &l, why) : FB_OK;
}

static int read_device_id(const char *data, char ret[static FB_ROW_ID_SIZE], struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf pem;
    struct fb_cert cert;
    fb_buf_init(&pem, FB_PEM_BYTES_MAX);
    int rc = fb_os_read_file(path_in(data, "certificate.pem"), &pem, why);
    rc = rc < 0 ? rc : fb_cert_read(pem.bytes, pem.size, &cert, why);
    if (rc == FB_OK) {
        memcpy(ret, cert.device_id, FB_ROW_ID_SIZE);
    }
    return rc;
}

int fb_replica_lease_unlock(const char *data, const char *code, int64_t now_ms, struct fb_why *why)
{
    struct fb_lease l;
    char device_id[FB_ROW_ID_SIZE];
    int rc = read_device_id(data, device_id, why);
    rc = rc < 0 ? rc : fb_replica_lease_read(data, now_ms, &l, why);
    if (rc < 0) {
        return rc;
    }
    if (!fb_lease_is_locked(&l)) {
        return fb_fail(why, FB_ERR_INVALID, "this laptop is not locked");
    }
    struct fb_sha256 secret;
    bool was_laid_down = fb_vault_exists(data) && l.tries < FB_UNLOCK_TRIES_MAX &&
                         fb_vault_secret_of_code(data, code, now_ms, &secret);
    bool has_none = fb_vault_exists(data) && !was_laid_down;
    if (was_laid_down) {
        l.secret = secret;
    } else if (has_none) {
        fb_os_random(l.secret.bytes, sizeof l.secret.bytes); /* no code is of it: the try counts */
    }
    int verdict = fb_lease_unlock(&l, device_id, code, now_ms, why);
    if (has_none) {
        l.secret = (struct fb_sha256){{0}};
    }
    rc = fb_replica_lease_write(data, &l, verdict < 0 ? NULL : why);
    return rc < 0 ? rc : verdict;
}

/* ---- What people read ---- */

void fb_replica_lease_say(const struct fb_lease *l, struct fb_why *ret)
{
    char instant[FB_INSTANT_SIZE];
    char at[FB_LOCAL_TIME_SIZE];
    fb_instant_format(l->until_ms, instant);
    fb_why_set(
        ret,
        "this laptop has not reached headquarters in time and is locked since %s; nothing is "
        "deleted. Connect it to headquarters (`fieldbook-replica sync`), or ask "
        "headquarters for a code and type `fieldbook-replica unlock CODE`",
        fb_say_time(instant, at));
}

static void warn(const struct fb_cli *cli, const struct fb_lease *l)
{
    char instant[FB_INSTANT_SIZE];
    char at[FB_LOCAL_TIME_SIZE];
    int days = fb_lease_days_left(l);
    if (days < 0 || days > FB_LEASE_WARN_DAYS || l->length_ms < FB_LEASE_MS / 2) {
        return;
    }
    fb_instant_format(l->until_ms, instant);
    fb_cli_say(cli,
               "Please sync before %s (days left: %d), or the data will lock. Whoever cannot get "
               "online asks headquarters for an unlock code.",
               fb_say_time(instant, at), days);
}

int fb_replica_lease_enter(const char *data, struct fb_lease *ret, struct fb_why *why)
{
    char device_id[FB_ROW_ID_SIZE];
    int64_t now_ms = fb_os_now_ms();
    int rc = fb_replica_lease_read(data, now_ms, ret, why);
    if (rc < 0) {
        return rc;
    }
    if (!fb_lease_is_locked(ret)) {
        return fb_vault_open(data, ret, why);
    }
    if (fb_vault_exists(data)) {
        rc = read_device_id(data, device_id, why);
        rc = rc < 0 ? rc : fb_vault_close(data, ret, device_id, now_ms, why);
    }
    if (rc == FB_OK ||
        rc == FB_ERR_BUSY) { /* a program with open files keeps those, and gets no others */
        fb_replica_lease_say(ret, why);
        rc = FB_ERR_REFUSED;
    }
    return rc;
}

int fb_replica_lease_gate(const struct fb_cli *cli, const char *data, struct fb_why *why)
{
    struct fb_lease l;
    if (fb_replica_is_wiped(data)) {
        fb_replica_wiped_say(data, why);
        return FB_ERR_REFUSED;
    }
    int rc = fb_replica_lease_enter(data, &l, why);
    if (rc == FB_OK) {
        warn(cli, &l);
    }
    return rc;
}
