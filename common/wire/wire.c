/* SPDX-License-Identifier: MIT */
#include "common/wire/wire.h"

#include <string.h>

ProtobufCBinaryData fb_wire_bytes(const void *bytes, size_t size)
{
    ProtobufCBinaryData b = {.len = size};
    memcpy(&b.data, &bytes, sizeof bytes);
    return b;
}

ProtobufCBinaryData fb_wire_text(const char *text)
{
    return fb_wire_bytes(text, text == NULL ? 0 : strlen(text));
}

int fb_wire_id(const char *text, struct fb_arena *arena, ProtobufCBinaryData *ret)
{
    size_t size = strnlen(text, FB_ROW_ID_SIZE);
    if (size == 0) {
        *ret = fb_wire_bytes(NULL, 0);
        return FB_OK;
    }
    if (!fb_id_is_valid(text, size)) {
        return FB_ERR_INVALID;
    }
    uint8_t *bytes = fb_arena_alloc(arena, FB_ROW_ID_BYTES);
    if (bytes == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    fb_id_to_bytes(text, bytes);
    *ret = fb_wire_bytes(bytes, FB_ROW_ID_BYTES);
    return FB_OK;
}

ProtobufCBinaryData fb_wire_hash(const struct fb_sha256 *hash)
{
    static const struct fb_sha256 none;
    bool is_none = memcmp(hash, &none, sizeof none) == 0;
    return fb_wire_bytes(hash->bytes, is_none ? 0 : sizeof hash->bytes);
}

int fb_wire_read_text(const struct fb_unpack *u, const ProtobufCBinaryData *b, size_t size_max,
                      const char *name, const char **ret)
{
    if (b->len > size_max) {
        return fb_fail(u->why, FB_ERR_PROTOCOL, "%s is longer than %zu bytes", name, size_max);
    }
    const char *bytes = b->len == 0 ? "" : (const char *)b->data;
    if (memchr(bytes, '\0', b->len) != NULL || !fb_utf8_is_valid(bytes, b->len)) {
        return fb_fail(u->why, FB_ERR_PROTOCOL, "%s is not a text", name);
    }
    const char *copy = fb_arena_copy(u->arena, bytes, b->len);
    if (copy == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    *ret = copy;
    return FB_OK;
}

int fb_wire_read_id(const struct fb_unpack *u, const ProtobufCBinaryData *b, bool may_be_empty,
                    const char *name, char ret[static FB_ROW_ID_SIZE])
{
    if (b->len == 0 && may_be_empty) {
        ret[0] = '\0';
        return FB_OK;
    }
    if (b->len != FB_ROW_ID_BYTES) {
        return fb_fail(u->why, FB_ERR_PROTOCOL, "%s is not an id of 16 bytes", name);
    }
    fb_id_from_bytes(b->data, ret);
    return FB_OK;
}

int fb_wire_read_hash(const struct fb_unpack *u, const ProtobufCBinaryData *b, const char *name,
                      struct fb_sha256 *ret)
{
    if (b->len != 0 && b->len != sizeof ret->bytes) {
        return fb_fail(u->why, FB_ERR_PROTOCOL, "%s is not a hash of 32 bytes", name);
    }
    *ret = (struct fb_sha256){0};
    if (b->len > 0) {
        memcpy(ret->bytes, b->data, b->len);
    }
    return FB_OK;
}

int fb_wire_read_ids(const struct fb_unpack *u, const ProtobufCBinaryData *list, size_t count,
                     const char *name, char (**ret)[FB_ROW_ID_SIZE])
{
    if (count > FB_TIMELINES_MAX) {
        return fb_fail(u->why, FB_ERR_PROTOCOL, "%zu of %s are over the limit of %d", count, name,
                       FB_TIMELINES_MAX);
    }
    char(*ids)[FB_ROW_ID_SIZE] = fb_arena_alloc(u->arena, count * sizeof *ids + 1);
    int rc = ids == NULL ? FB_ERR_NO_MEMORY : FB_OK;
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        rc = fb_wire_read_id(u, &list[i], false, name, ids[i]);
    }
    *ret = ids;
    return rc;
}

int fb_wire_read_texts(const struct fb_unpack *u, const ProtobufCBinaryData *list, size_t count,
                       size_t count_max, const char *name, const char ***ret)
{
    if (count > count_max) {
        return fb_fail(u->why, FB_ERR_PROTOCOL, "a message lists more than %zu %ss", count_max,
                       name);
    }
    const char **texts = fb_arena_alloc(u->arena, count * sizeof *texts);
    if (texts == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        int rc = fb_wire_read_text(u, &list[i], FB_MESSAGE_TEXT_BYTES_MAX, name, &texts[i]);
        if (rc < 0) {
            return rc;
        }
    }
    *ret = texts;
    return FB_OK;
}

int fb_wire_check_counter(const struct fb_unpack *u, int64_t n, const char *name)
{
    return n >= 0 ? FB_OK : fb_fail(u->why, FB_ERR_PROTOCOL, "%s is negative", name);
}
