/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "common/base/archive.h"
#include "common/base/archive_inside.h"
#include "common/base/buf.h"
#include "common/base/hex.h"
#include "common/base/mem.h"
#include "common/base/os.h"

#define LEVEL 3 /* of zstd: level 9 takes four times as long and saves a twentieth */

struct fb_archive {
    char path[4096];
    char beside[4200];
    FILE *file;
    ZSTD_CCtx *zstd;
    uint8_t *in;
    uint8_t *out;
    size_t out_size;
    int64_t done;
    fb_archive_progress *progress;
    void *ctx;
    struct fb_tar_sum sums[FB_TAR_MEMBERS_MAX];
    size_t sum_count;
};

bool fb_tar_name_is_safe(const char *name)
{
    int slashes = 0;
    for (const char *at = name; *at != '\0'; at++) {
        bool is_word = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                       (*at >= '0' && *at <= '9') || *at == '.' || *at == '-' || *at == '_';
        slashes += *at == '/';
        if (!is_word && *at != '/') {
            return false;
        }
    }
    return name[0] != '\0' && name[0] != '.' && name[0] != '/' && slashes <= 1 &&
           strstr(name, "/.") == NULL && strstr(name, "..") == NULL &&
           strlen(name) < FB_TAR_NAME_SIZE && name[strlen(name) - 1] != '/';
}

static int fail_write(const struct fb_archive *a, struct fb_why *why)
{
    return fb_fail(why, errno == ENOSPC ? FB_ERR_DISK_FULL : FB_ERR_IO, "cannot write %s: %s",
                   a->beside, strerror(errno));
}

static int flush_out(struct fb_archive *a, struct fb_why *why)
{
    size_t size = a->out_size;
    a->out_size = 0;
    return fwrite(a->out, 1, size, a->file) == size ? FB_OK : fail_write(a, why);
}

static int squeeze(struct fb_archive *a, const void *bytes, size_t size, ZSTD_EndDirective how,
                   struct fb_why *why)
{
    ZSTD_inBuffer in = {.src = bytes, .size = size};
    size_t left = 1;
    int rc = FB_OK;
    while (rc == FB_OK && (in.pos < in.size || (how == ZSTD_e_end && left > 0))) {
        ZSTD_outBuffer out = {.dst = a->out, .size = FB_ARCHIVE_IO_BYTES, .pos = a->out_size};
        left = ZSTD_compressStream2(a->zstd, &out, &in, how);
        a->out_size = out.pos;
        if (ZSTD_isError(left)) {
            return fb_fail(why, FB_ERR_NO_MEMORY, "cannot compress: %s", ZSTD_getErrorName(left));
        }
        rc = a->out_size == FB_ARCHIVE_IO_BYTES || how == ZSTD_e_end ? flush_out(a, why) : FB_OK;
    }
    return rc;
}

int fb_archive_new(const char *path, fb_archive_progress *progress, void *ctx,
                   struct fb_archive **ret, struct fb_why *why)
{
    if (strlen(path) >= sizeof((struct fb_archive *)NULL)->path) {
        return fb_fail(why, FB_ERR_INVALID, "the path %.200s... is too long", path);
    }
    if (fb_os_file_exists(path)) {
        return fb_fail(why, FB_ERR_EXISTS, "%s is there already: give another name", path);
    }
    FB_AUTO(fb_archive_drop) struct fb_archive *a = calloc(1, sizeof *a);
    if (a == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    snprintf(a->path, sizeof a->path, "%s", path);
    snprintf(a->beside, sizeof a->beside, "%s.new", path);
    a->progress = progress;
    a->ctx = ctx;
    a->in = malloc(FB_ARCHIVE_IO_BYTES);
    a->out = malloc(FB_ARCHIVE_IO_BYTES);
    a->zstd = ZSTD_createCCtx();
    if (a->in == NULL || a->out == NULL || a->zstd == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    ZSTD_CCtx_setParameter(a->zstd, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(a->zstd, ZSTD_c_checksumFlag, 1);
    int rc = fb_os_create_file(a->beside, 0600, true, &a->file, why);
    if (rc < 0) {
        return rc;
    }
    *ret = a;
    a = NULL;
    return FB_OK;
}

static void write_size(char *field, int64_t size)
{
    if (size < INT64_C(8) << 30) {
        snprintf(field, 12, "%011llo", (unsigned long long)size);
        return;
    }
    memset(field, 0, 12);
    field[0] = (char)0x80;
    for (int i = 0; i < 8; i++) {
        field[11 - i] = (char)(size >> (8 * i) & 0xFF);
    }
}

static int write_header(struct fb_archive *a, const char *name, unsigned mode, int64_t size,
                        struct fb_why *why)
{
    char block[FB_TAR_BLOCK] = {0};
    snprintf(block, FB_TAR_NAME_SIZE, "%s", name);
    snprintf(block + 100, 8, "%07o", mode & 0777U);
    snprintf(block + 108, 8, "%07o", 0U);
    snprintf(block + 116, 8, "%07o", 0U);
    write_size(block + 124, size);
    snprintf(block + 136, 12, "%011llo", (unsigned long long)(fb_os_now_ms() / 1000));
    memset(block + 148, ' ', 8);
    block[156] = '0';
    snprintf(block + 257, 6, "ustar");
    block[263] = block[264] = '0';
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof block; i++) {
        sum += (unsigned char)block[i];
    }
    snprintf(block + 148, 8, "%06o", sum);
    return squeeze(a, block, sizeof block, ZSTD_e_continue, why);
}

static int pad(struct fb_archive *a, int64_t size, struct fb_why *why)
{
    static const char EMPTY[FB_TAR_BLOCK];
    size_t over = (size_t)(size % FB_TAR_BLOCK);
    return over == 0 ? FB_OK : squeeze(a, EMPTY, FB_TAR_BLOCK - over, ZSTD_e_continue, why);
}

static int copy_bytes(struct fb_archive *a, FILE *from, const char *path, int64_t size,
                      struct fb_hasher *hasher, struct fb_why *why)
{
    while (size > 0) {
        size_t want = size < (int64_t)FB_ARCHIVE_IO_BYTES ? (size_t)size : FB_ARCHIVE_IO_BYTES;
        size_t n = fread(a->in, 1, want, from);
        if (n == 0) {
            return fb_fail(why, FB_ERR_IO, "cannot read %s to its end", path);
        }
        fb_hasher_add(hasher, a->in, n);
        int rc = squeeze(a, a->in, n, ZSTD_e_continue, why);
        size -= (int64_t)n;
        a->done += (int64_t)n;
        if (rc == FB_OK && a->progress != NULL && !a->progress(a->ctx, a->done)) {
            rc = fb_fail(why, FB_ERR_INTERRUPTED, "stopped: nothing was kept");
        }
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

int fb_archive_add(struct fb_archive *a, const char *name, const char *from, unsigned mode,
                   struct fb_why *why)
{
    fb_assert(fb_tar_name_is_safe(name) && a->sum_count < FB_TAR_MEMBERS_MAX);
    FILE *file = NULL;
    int64_t size = 0;
    int rc = fb_os_open_file(from, &file, why);
    if (rc < 0) {
        return rc;
    }
    struct fb_hasher hasher;
    fb_hasher_init(&hasher);
    rc = fb_os_file_bytes(from, &size);
    rc = rc < 0 ? rc : write_header(a, name, mode, size, why);
    rc = rc < 0 ? rc : copy_bytes(a, file, from, size, &hasher, why);
    rc = rc < 0 ? rc : pad(a, size, why);
    fclose(file);
    struct fb_tar_sum *sum = &a->sums[a->sum_count++];
    snprintf(sum->name, sizeof sum->name, "%s", name);
    sum->hash = fb_hasher_end(&hasher);
    return rc;
}

static int write_sums(struct fb_archive *a, struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, (size_t)FB_TAR_MEMBERS_MAX * (FB_TAR_NAME_SIZE + 80));
    for (size_t i = 0; i < a->sum_count; i++) {
        fb_hex_append(&text, a->sums[i].hash.bytes, FB_SHA256_BYTES);
        fb_buf_printf(&text, "  %s\n", a->sums[i].name);
    }
    int rc = fb_buf_error(&text);
    rc = rc < 0 ? rc : write_header(a, FB_TAR_SUMS_NAME, 0644, (int64_t)text.size, why);
    rc = rc < 0 ? rc : squeeze(a, text.bytes, text.size, ZSTD_e_continue, why);
    rc = rc < 0 ? rc : pad(a, (int64_t)text.size, why);
    static const char END[2 * FB_TAR_BLOCK];
    return rc < 0 ? rc : squeeze(a, END, sizeof END, ZSTD_e_end, why);
}

int fb_archive_finish(struct fb_archive *a, int64_t *ret_bytes, struct fb_why *why)
{
    int rc = write_sums(a, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_os_sync_file(a->file, a->beside, why);
    rc = rc < 0 ? rc : fb_os_file_bytes(a->beside, ret_bytes);
    rc = rc < 0 ? rc : fb_os_name_file(a->beside, a->path, why);
    return rc < 0 ? rc : fb_os_sync_folder_of(a->path, why);
}

void fb_archive_free(struct fb_archive *a)
{
    if (a == NULL) {
        return;
    }
    if (a->file != NULL) {
        fclose(a->file);
        fb_os_remove_file(
            a->beside); /* once it has its name, only the other name of the same file */
    }
    ZSTD_freeCCtx(a->zstd);
    free(a->in);
    free(a->out);
    free(a);
}

void fb_archive_drop(struct fb_archive **a)
{
    fb_archive_free(*a);
    *a = NULL;
}
