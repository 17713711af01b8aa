/* SPDX-License-Identifier: MIT
 *
 * The form of a member, for the two files that write and read it; for this folder only.
 *
 *     0        100   108   116   124    136    148     156    157      257    263  ...  512
 *     +--------+-----+-----+-----+------+------+-------+------+--------+------+---- - -+
 *     | name   | mode| uid | gid | size | time | sum   | type | link   | ustar\0 00  ...|
 *     +--------+-----+-----+-----+------+------+-------+------+--------+------+---- - -+
 *
 * then the bytes, filled up to 512. Numbers are octal text; a size of 8 GiB and more is binary, big endian, with the first bit set
 * (GNU's and star's way, which tar understands). Two empty blocks end the archive.
 */
#ifndef FB_BASE_ARCHIVE_INSIDE_H
#define FB_BASE_ARCHIVE_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/hash.h"

#define FB_TAR_BLOCK        512
#define FB_TAR_NAME_SIZE    100
#define FB_TAR_MEMBERS_MAX  32
#define FB_TAR_SUMS_NAME    "SHA256SUMS"
#define FB_ARCHIVE_IO_BYTES ((size_t)256 * 1024)

struct fb_tar_sum {
    char name[FB_TAR_NAME_SIZE];
    struct fb_sha256 hash;
};

/* A name that stays below the folder it is unpacked into. */
bool fb_tar_name_is_safe(const char *name);

#endif
