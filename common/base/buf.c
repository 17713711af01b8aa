/* SPDX-License-Identifier: MIT */
#include "common/base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fb_buf_init(struct fb_buf *buf, size_t size_max)
{
    *buf = (struct fb_buf){.size_max = size_max};
}

void fb_buf_release(struct fb_buf *buf)
{
    if (buf == NULL) {
        return;
    }
    free(buf->bytes);
    size_t size_max = buf->size_max;
    *buf = (struct fb_buf){.size_max = size_max};
}

void fb_buf_clear(struct fb_buf *buf)
{
    buf->size = 0;
    buf->error = FB_OK;
    if (buf->bytes != NULL) {
        buf->bytes[0] = 0;
    }
}

uint8_t *fb_buf_reserve(struct fb_buf *buf, size_t size)
{
    if (buf->error != FB_OK) {
        return NULL;
    }
    if (size > buf->size_max || buf->size > buf->size_max - size) {
        buf->error = FB_ERR_LIMIT;
        return NULL;
    }
    size_t need = buf->size + size + 1;
    if (need > buf->capacity) {
        size_t wanted = buf->capacity < 128 ? 256 : buf->capacity * 2;
        wanted = wanted < need ? need : wanted;
        uint8_t *bigger = realloc(buf->bytes, wanted);
        if (bigger == NULL) {
            buf->error = FB_ERR_NO_MEMORY;
            return NULL;
        }
        buf->bytes = bigger;
        buf->capacity = wanted;
    }
    return buf->bytes + buf->size;
}

void fb_buf_commit(struct fb_buf *buf, size_t size)
{
    fb_assert(buf->size + size < buf->capacity || size == 0);
    buf->size += size;
    if (buf->bytes != NULL) {
        buf->bytes[buf->size] = 0;
    }
}

void fb_buf_append(struct fb_buf *buf, const void *bytes, size_t size)
{
    uint8_t *at = fb_buf_reserve(buf, size);
    if (at == NULL) {
        return;
    }
    if (size > 0) {
        memcpy(at, bytes, size);
    }
    fb_buf_commit(buf, size);
}

void fb_buf_append_text(struct fb_buf *buf, const char *text)
{
    fb_buf_append(buf, text, strlen(text));
}

void fb_buf_append_byte(struct fb_buf *buf, uint8_t byte)
{
    fb_buf_append(buf, &byte, 1);
}

void fb_buf_printf(struct fb_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    /* Most texts fit into what is there: formatted once. */
    size_t room = buf->error == FB_OK ? buf->capacity - buf->size : 0;
    char *end = room > 0 ? (char *)buf->bytes + buf->size : NULL;
    int size = vsnprintf(end, room, format, args);
    va_end(args);
    if (size >= 0) {
        char *at = (char *)fb_buf_reserve(buf, (size_t)size);
        if (at != NULL) {
            if ((size_t)size >= room) {
                vsnprintf(at, (size_t)size + 1, format, again);
            }
            fb_buf_commit(buf, (size_t)size);
        } else if (room > 0) {
            *end = 0;
        }
    }
    va_end(again);
}

void fb_buf_append_json_text(struct fb_buf *buf, const char *text, size_t size)
{
    static const char SHORT[] = "btn\0fr"; /* of 0x08 to 0x0D */
    fb_buf_append_byte(buf, '"');
    size_t plain = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        fb_buf_append(buf, text + plain, i - plain);
        plain = i + 1;
        if (c == '"' || c == '\\') {
            fb_buf_printf(buf, "\\%c", c);
        } else if (c >= 0x08 && c <= 0x0D && c != 0x0B) {
            fb_buf_printf(buf, "\\%c", SHORT[c - 0x08]);
        } else {
            fb_buf_printf(buf, "\\u%04x", c);
        }
    }
    fb_buf_append(buf, text + plain, size - plain);
    fb_buf_append_byte(buf, '"');
}

void fb_buf_consume(struct fb_buf *buf, size_t size)
{
    fb_assert(size <= buf->size);
    if (size == 0) {
        return;
    }
    memmove(buf->bytes, buf->bytes + size, buf->size - size + 1);
    buf->size -= size;
}

const char *fb_buf_text(const struct fb_buf *buf)
{
    return buf->bytes == NULL ? "" : (const char *)buf->bytes;
}

int fb_buf_error(const struct fb_buf *buf)
{
    return buf->error;
}
