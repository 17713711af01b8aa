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

#define SUMS_BYTES_MAX 65536

struct reading {
    const char *path;
    const char *folder; /* NULL: only compare */
    struct fb_why *why;
    FILE *file;
    ZSTD_DCtx *zstd;
    uint8_t *in;
    uint8_t *out;
    ZSTD_inBuffer in_left;
    bool is_frame_over;
    int64_t done;
    fb_archive_progress *progress;
    void *ctx;
    struct fb_tar_sum sums[FB_TAR_MEMBERS_MAX];
    size_t sum_count;
    struct fb_buf named; /* text of SHA256SUMS */
};

static int fail_damaged(const struct reading *r, const char *what)
{
    return fb_fail(r->why, FB_ERR_DAMAGED, "%s is damaged (%s): use another backup", r->path,
                   fb_text(what));
}

static int refill(struct reading *r)
{
    size_t n = fread(r->in, 1, FB_ARCHIVE_IO_BYTES, r->file);
    r->in_left = (ZSTD_inBuffer){.src = r->in, .size = n};
    if (n > 0) {
        return FB_OK;
    }
    return ferror(r->file) != 0 ? fb_fail(r->why, FB_ERR_IO, "cannot read %s", r->path)
                                : fail_damaged(r, "it is cut off");
}

/* Exactly size bytes of the tar file. */
static int take(struct reading *r, void *bytes, size_t size)
{
    ZSTD_outBuffer out = {.dst = bytes, .size = size};
    while (out.pos < out.size) {
        if (r->is_frame_over) {
            return fail_damaged(r, "it is cut off");
        }
        if (r->in_left.pos == r->in_left.size) {
            int rc = refill(r);
            if (rc < 0) {
                return rc;
            }
        }
        size_t code = ZSTD_decompressStream(r->zstd, &out, &r->in_left);
        if (ZSTD_isError(code)) {
            return fail_damaged(r, ZSTD_getErrorName(code));
        }
        r->is_frame_over = code == 0;
    }
    return FB_OK;
}

struct member {
    char name[FB_TAR_NAME_SIZE + 1];
    unsigned mode;
    int64_t size;
};

static int64_t read_size(const unsigned char *field)
{
    if ((field[0] & 0x80) == 0) {
        char text[13] = "";
        memcpy(text, field, 12);
        return (int64_t)strtoull(text, NULL, 8);
    }
    int64_t size = 0;
    for (int i = 4; i < 12; i++) {
        size = size << 8 | field[i];
    }
    return size;
}

static int read_header(struct reading *r, struct member *ret, bool *ret_is_end)
{
    unsigned char block[FB_TAR_BLOCK] = {0};
    int rc = take(r, block, sizeof block);
    if (rc < 0) {
        return rc;
    }
    *ret_is_end = block[0] == '\0';
    if (*ret_is_end) {
        return FB_OK;
    }
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof block; i++) {
        sum += i >= 148 && i < 156 ? ' ' : block[i];
    }
    char text[9] = "";
    memcpy(text, block + 148, 8);
    if (strtoul(text, NULL, 8) != sum || memcmp(block + 257, "ustar", 5) != 0 ||
        block[156] != '0') {
        return fail_damaged(r, "a member's head is wrong");
    }
    *ret = (struct member){.size = read_size(block + 124)};
    memcpy(ret->name, block, FB_TAR_NAME_SIZE);
    memcpy(text, block + 100, 8);
    ret->mode = (unsigned)strtoul(text, NULL, 8) & 0777U;
    return !fb_tar_name_is_safe(ret->name) || ret->size < 0
               ? fail_damaged(r, "a member's name is not allowed")
               : FB_OK;
}

static int open_member(const struct reading *r, const struct member *m, FILE **ret)
{
    char path[4400];
    if (r->folder == NULL) {
        return FB_OK;
    }
    const char *slash = strchr(m->name, '/');
    if (slash != NULL) {
        snprintf(path, sizeof path, "%s/%.*s", r->folder, (int)(slash - m->name), m->name);
        int rc = fb_os_make_folder(path, r->why);
        if (rc < 0) {
            return rc;
        }
    }
    snprintf(path, sizeof path, "%s/%s", r->folder, m->name);
    return fb_os_create_file(path, m->mode, false, ret, r->why);
}

static int put(const struct reading *r, const struct member *m, FILE *to, size_t size)
{
    if (to == NULL || fwrite(r->out, 1, size, to) == size) {
        return FB_OK;
    }
    return fb_fail(r->why, errno == ENOSPC ? FB_ERR_DISK_FULL : FB_ERR_IO, "cannot write %s/%s: %s",
                   r->folder, m->name, strerror(errno));
}

static int read_bytes(struct reading *r, const struct member *m, FILE *to, struct fb_hasher *hasher)
{
    bool are_sums = strcmp(m->name, FB_TAR_SUMS_NAME) == 0;
    for (int64_t left = m->size; left > 0;) {
        size_t size = left < (int64_t)FB_ARCHIVE_IO_BYTES ? (size_t)left : FB_ARCHIVE_IO_BYTES;
        int rc = take(r, r->out, size);
        if (rc < 0) {
            return rc;
        }
        fb_hasher_add(hasher, r->out, size);
        if (are_sums) {
            fb_buf_append(&r->named, r->out, size);
        }
        rc = put(r, m, to, size);
        left -= (int64_t)size;
        r->done += (int64_t)size;
        if (rc == FB_OK && r->progress != NULL && !r->progress(r->ctx, r->done)) {
            rc = fb_fail(r->why, FB_ERR_INTERRUPTED, "stopped: nothing was changed");
        }
        if (rc < 0) {
            return rc;
        }
    }
    size_t over = (size_t)(m->size % FB_TAR_BLOCK);
    return over == 0 ? FB_OK : take(r, r->out, FB_TAR_BLOCK - over);
}

static int read_member(struct reading *r, const struct member *m)
{
    FILE *to = NULL;
    struct fb_hasher hasher;
    fb_hasher_init(&hasher);
    bool are_sums = strcmp(m->name, FB_TAR_SUMS_NAME) == 0;
    int rc = are_sums ? FB_OK : open_member(r, m, &to);
    rc = rc < 0 ? rc : read_bytes(r, m, to, &hasher);
    struct fb_sha256 hash = fb_hasher_end(&hasher);
    if (to != NULL) {
        rc = rc < 0 ? rc : fb_os_sync_file(to, m->name, r->why);
        fclose(to);
    }
    if (rc < 0 || are_sums) {
        return rc;
    }
    if (r->sum_count == FB_TAR_MEMBERS_MAX) {
        return fail_damaged(r, "it has too many members");
    }
    struct fb_tar_sum *sum = &r->sums[r->sum_count++];
    memcpy(sum->name, m->name, sizeof sum->name);
    sum->hash = hash;
    return FB_OK;
}

/* Each member is named with its sum, and nothing else is. */
static int compare_sums(struct reading *r)
{
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, SUMS_BYTES_MAX);
    for (size_t i = 0; i < r->sum_count; i++) {
        fb_hex_append(&text, r->sums[i].hash.bytes, FB_SHA256_BYTES);
        fb_buf_printf(&text, "  %s\n", r->sums[i].name);
    }
    bool is_equal = fb_buf_error(&text) == FB_OK && text.size > 0 && text.size == r->named.size &&
                    memcmp(text.bytes, r->named.bytes, text.size) == 0;
    return is_equal ? FB_OK : fail_damaged(r, "a checksum differs");
}

static int read_all(struct reading *r)
{
    struct member m;
    bool is_end = false;
    int rc = FB_OK;
    while (rc == FB_OK && (rc = read_header(r, &m, &is_end)) == FB_OK && !is_end) {
        rc = read_member(r, &m);
    }
    rc = rc < 0 ? rc : fb_buf_error(&r->named);
    return rc < 0 ? rc : compare_sums(r);
}

int fb_archive_unpack(const char *path, const char *folder, fb_archive_progress *progress,
                      void *ctx, struct fb_why *why)
{
    struct reading r = {
        .path = path, .folder = folder, .why = why, .progress = progress, .ctx = ctx};
    fb_buf_init(&r.named, SUMS_BYTES_MAX);
    int rc = fb_os_open_file(path, &r.file, why);
    if (rc < 0) {
        return rc;
    }
    r.zstd = ZSTD_createDCtx();
    r.in = malloc(FB_ARCHIVE_IO_BYTES);
    r.out = malloc(FB_ARCHIVE_IO_BYTES);
    rc = r.zstd == NULL || r.in == NULL || r.out == NULL ? FB_ERR_NO_MEMORY : read_all(&r);
    ZSTD_freeDCtx(r.zstd);
    free(r.in);
    free(r.out);
    fclose(r.file);
    fb_buf_release(&r.named);
    return rc;
}
