/* SPDX-License-Identifier: MIT
 *
 * A growing run of bytes that learns its maximum when it is made. The first failure sticks: later
 * appends do nothing, and fb_buf_error() reports it once at the end.
 */
#ifndef FB_BASE_BUF_H
#define FB_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

struct fb_buf {
    uint8_t *bytes; /* owned; a zero stands behind the last byte once something was appended */
    size_t size;
    size_t capacity;
    size_t size_max;
    int error; /* FB_OK, FB_ERR_NO_MEMORY or FB_ERR_LIMIT */
};

void fb_buf_init(struct fb_buf *buf, size_t size_max);
void fb_buf_release(struct fb_buf *buf); /* also for FB_AUTO */
void fb_buf_clear(struct fb_buf *buf);   /* empty, error forgotten, memory kept */

void fb_buf_append(struct fb_buf *buf, const void *bytes, size_t size);
void fb_buf_append_text(struct fb_buf *buf, const char *text);
void fb_buf_append_byte(struct fb_buf *buf, uint8_t byte);
void fb_buf_printf(struct fb_buf *buf, const char *format, ...) FB_PRINTF(2, 3);

/* Appends text as a JSON string with its quotes; bytes that are not UTF-8 are kept as they are. */
void fb_buf_append_json_text(struct fb_buf *buf, const char *text, size_t size);

/* Room for size more bytes at the end, or NULL (error set). Say with fb_buf_commit how many were
 * used. */
uint8_t *fb_buf_reserve(struct fb_buf *buf, size_t size);
void fb_buf_commit(struct fb_buf *buf, size_t size);

/* Drops the first size bytes. */
void fb_buf_consume(struct fb_buf *buf, size_t size);

/* The text so far, never NULL, ends with a zero. */
const char *fb_buf_text(const struct fb_buf *buf);

int fb_buf_error(const struct fb_buf *buf) FB_MUST_CHECK;

#endif
