/* SPDX-License-Identifier: MIT
 *
 * A run of bytes as one zstd frame, for what a node keeps to itself. Messages have limits of their own (common/wire/gate.h), files
 * that are packed together a format of their own (common/base/archive.h).
 */
#ifndef FB_BASE_COMPRESS_H
#define FB_BASE_COMPRESS_H

#include "common/base/buf.h"

/* Appends the frame. FB_OK, FB_ERR_NO_MEMORY, FB_ERR_LIMIT. */
int fb_compress(const void *bytes, size_t size, struct fb_buf *out) FB_MUST_CHECK;
/* Appends the raw_size bytes that the frame was made of; FB_ERR_DAMAGED: it was not, or not of so many. */
int fb_decompress(const void *bytes, size_t size, size_t raw_size,
                  struct fb_buf *out) FB_MUST_CHECK;

#endif
