/* SPDX-License-Identifier: MIT */
#include "server/password.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <argon2.h>

#define MEMORY_KIB_MAX (1024 * 1024)
#define PASSES_MAX     16
#define LANES_MAX      4

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

int fb_password_hash(const char *password, const struct fb_random *random,
                     char ret_phc[static FB_PASSWORD_PHC_SIZE])
{
    size_t size = strlen(password);
    if (size > FB_PASSWORD_BYTES_MAX) {
        return FB_ERR_LIMIT;
    }
    uint8_t salt[FB_PASSWORD_SALT_BYTES];
    random->fill(random->ctx, salt, sizeof(salt));
    return from_argon2(argon2id_hash_encoded(FB_PASSWORD_PASSES, FB_PASSWORD_MEMORY_KIB,
                                             FB_PASSWORD_LANES, password, size, salt, sizeof(salt),
                                             FB_PASSWORD_TAG_BYTES, ret_phc, FB_PASSWORD_PHC_SIZE));
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
    int rc = from_argon2(argon2id_verify(phc, password, size));
    if (rc == FB_OK) {
        *ret_is_outdated = memory_kib != FB_PASSWORD_MEMORY_KIB || passes != FB_PASSWORD_PASSES ||
                           lanes != FB_PASSWORD_LANES;
    }
    return rc;
}
