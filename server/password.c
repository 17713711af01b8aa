/* SPDX-License-Identifier: MIT */
#include "server/password.h"

#include <argon2.h>
#include <stdio.h>
#include <string.h>

/* OWASP's floor is 19 MiB and two passes; these cost an attacker with the file about seven times that. */
#define PASSES     3
#define MEMORY_KIB (64 * 1024)
#define LANES      1
#define SALT_BYTES 16
#define TAG_BYTES  32

int fb_password_hash(const char *password, const struct fb_random *random,
                     char ret_phc[static FB_PASSWORD_PHC_SIZE])
{
    size_t size = strlen(password);
    if (size < FB_PASSWORD_BYTES_MIN || size > FB_PASSWORD_BYTES_MAX) {
        return FB_ERR_INVALID;
    }
    uint8_t salt[SALT_BYTES];
    random->fill(random->ctx, salt, sizeof salt);
    int rc = argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password, size, salt, sizeof salt,
                                   TAG_BYTES, ret_phc, FB_PASSWORD_PHC_SIZE);
    return rc == ARGON2_OK ? FB_OK : FB_ERR_NO_MEMORY;
}

bool fb_password_verify(const char *phc, const char *password)
{
    size_t size = strlen(password);
    return size <= FB_PASSWORD_BYTES_MAX && argon2id_verify(phc, password, size) == ARGON2_OK;
}

bool fb_password_needs_rehash(const char *phc)
{
    char start[64];
    snprintf(start, sizeof start, "$argon2id$v=19$m=%d,t=%d,p=%d$", MEMORY_KIB, PASSES, LANES);
    return strncmp(phc, start, strlen(start)) != 0;
}
