/* SPDX-License-Identifier: MIT */
#include "server/password.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <argon2.h>

#include "common/base/buf.h"
#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/base/os.h"

#define MEMORY_KIB_MAX (1024 * 1024)
#define PASSES_MAX     16
#define LANES_MAX      4
#define PEPPER_BYTES   32
#define PEPPERED       "p1" /* before the string: which pepper went in */

static uint8_t pepper[PEPPER_BYTES];
static bool has_pepper; /* set once, before there are threads */

static int from_argon2(int rc)
{
    switch (rc) {
    case ARGON2_OK:
        return FB_OK;
    case ARGON2_VERIFY_MISMATCH:
        return FB_ERR_REFUSED;
    case ARGON2_MEMORY_ALLOCATION_ERROR:
        return FB_ERR_NO_MEMORY;
    default:
        return FB_ERR_DAMAGED;
    }
}

int fb_password_load_pepper(const char *data, const struct fb_random *random, struct fb_why *why)
{
    char path[4096];
    FB_AUTO(fb_buf_release) struct fb_buf kept;
    fb_buf_init(&kept, 2 * PEPPER_BYTES);
    snprintf(path, sizeof path, "%s/tls/pepper", data);
    int rc = fb_os_read_file(path, &kept, why);
    if (rc == FB_ERR_NOT_FOUND) {
        random->fill(random->ctx, pepper, sizeof pepper);
        rc = fb_os_write_file(path, pepper, sizeof pepper, 0600, why);
        has_pepper = rc == FB_OK;
        return rc;
    }
    rc = rc < 0 ? rc : fb_os_check_private(path, why);
    if (rc == FB_OK && kept.size != sizeof pepper) {
        return fb_fail(why, FB_ERR_DAMAGED,
                       "%s is not what headquarters wrote: put it back from a backup, or delete it "
                       "and give everybody a new password",
                       path);
    }
    if (rc == FB_OK) {
        memcpy(pepper, kept.bytes, sizeof pepper);
        explicit_bzero(kept.bytes, kept.size);
        has_pepper = true;
    }
    return rc;
}

/* What goes into argon2id: the password itself, or its HMAC under the pepper. */
struct seasoned {
    struct fb_sha256 mac;
    const void *bytes;
    size_t size;
};

static void season(const char *password, bool is_peppered, struct seasoned *ret)
{
    ret->bytes = password;
    ret->size = strlen(password);
    if (is_peppered) {
        ret->mac = fb_hmac_sha256(pepper, sizeof pepper, password, ret->size);
        ret->bytes = ret->mac.bytes;
        ret->size = sizeof ret->mac.bytes;
    }
}

int fb_password_hash(const char *password, const struct fb_random *random,
                     char ret_phc[static FB_PASSWORD_PHC_SIZE])
{
    size_t size = strlen(password);
    if (size > FB_PASSWORD_BYTES_MAX) {
        return FB_ERR_LIMIT;
    }
    uint8_t salt[FB_PASSWORD_SALT_BYTES];
    struct seasoned s;
    size_t head = has_pepper ? strlen(PEPPERED) : 0;
    random->fill(random->ctx, salt, sizeof(salt));
    season(password, has_pepper, &s);
    memcpy(ret_phc, PEPPERED, head);
    return from_argon2(argon2id_hash_encoded(
        FB_PASSWORD_PASSES, FB_PASSWORD_MEMORY_KIB, FB_PASSWORD_LANES, s.bytes, s.size, salt,
        sizeof(salt), FB_PASSWORD_TAG_BYTES, ret_phc + head, FB_PASSWORD_PHC_SIZE - head));
}

/* A login nobody has costs the same time, so that its answer does not tell (faults.md, H4). */
static int check_nobody(const char *password)
{
    static const uint8_t SALT[FB_PASSWORD_SALT_BYTES] = {1};
    uint8_t tag[FB_PASSWORD_TAG_BYTES];
    int rc = argon2id_hash_raw(FB_PASSWORD_PASSES, FB_PASSWORD_MEMORY_KIB, FB_PASSWORD_LANES,
                               password, strlen(password), SALT, sizeof(SALT), tag, sizeof(tag));
    return rc == ARGON2_OK ? FB_ERR_REFUSED : from_argon2(rc);
}

int fb_password_check(const char *password, const char *phc, bool *ret_is_outdated)
{
    size_t size = strlen(password);
    if (size > FB_PASSWORD_BYTES_MAX) {
        return FB_ERR_REFUSED;
    }
    if (phc == NULL) {
        return check_nobody(password);
    }
    bool is_peppered = strncmp(phc, PEPPERED, strlen(PEPPERED)) == 0;
    if (is_peppered && !has_pepper) {
        return FB_ERR_DAMAGED; /* tls/pepper is gone */
    }
    phc += is_peppered ? strlen(PEPPERED) : 0;
    unsigned memory_kib = 0;
    unsigned passes = 0;
    unsigned lanes = 0;
    int end = 0;
    int found =
        sscanf(phc, "$argon2id$v=19$m=%9u,t=%9u,p=%9u$%n", &memory_kib, &passes, &lanes, &end);
    if (found != 3 || end == 0 || strlen(phc) >= FB_PASSWORD_PHC_SIZE ||
        memory_kib > MEMORY_KIB_MAX || passes > PASSES_MAX || lanes > LANES_MAX) {
        return FB_ERR_DAMAGED;
    }
    struct seasoned s;
    season(password, is_peppered, &s);
    int rc = from_argon2(argon2id_verify(phc, s.bytes, s.size));
    if (rc == FB_OK) {
        *ret_is_outdated = is_peppered != has_pepper || memory_kib != FB_PASSWORD_MEMORY_KIB ||
                           passes != FB_PASSWORD_PASSES || lanes != FB_PASSWORD_LANES;
    }
    return rc;
}
