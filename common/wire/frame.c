/* SPDX-License-Identifier: MIT */
#include "common/wire/frame.h"

#include <stdlib.h>
#include <string.h>

/* Smaller bodies do not shrink. */
#define COMPRESS_BYTES_MIN 256

static const struct fb_kind kinds[] = {
#define FB_KIND(NAME, name, generated, is_compressed, purpose)                                     \
    [FB_MESSAGE_##NAME] = {#name, is_compressed, &fb__wire__##generated##__descriptor,             \
                           fb_pack_##name, fb_unpack_##name},
#include "common/wire/message_kind.def"
#undef FB_KIND
};

const struct fb_kind *fb_kind_find(unsigned number)
{
    if (number >= sizeof kinds / sizeof kinds[0] || kinds[number].name == NULL) {
        return NULL;
    }
    return &kinds[number];
}

static uint32_t read_size(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The header once it is whole; its size and kind as soon as their bytes are there. */
static int check_header(const uint8_t *bytes, size_t size, size_t body_max, struct fb_why *why)
{
    if (size >= 4 && read_size(bytes) > body_max) {
        return fb_fail(why, FB_ERR_PROTOCOL, "a frame of %u bytes is over the limit of %zu",
                       read_size(bytes), body_max);
    }
    const struct fb_kind *kind = size >= 5 ? fb_kind_find(bytes[4]) : NULL;
    if (size >= 5 && kind == NULL) {
        return fb_fail(why, FB_ERR_PROTOCOL,
                       "a frame is of a kind (%u) that this program does not know", bytes[4]);
    }
    if (size >= 6 && (bytes[5] & ~FB_FRAME_COMPRESSED) != 0) {
        return fb_fail(why, FB_ERR_PROTOCOL,
                       "a frame has flags (%u) that this program does not know", bytes[5]);
    }
    if (size >= 6 && bytes[5] != 0 && !kind->is_compressed) {
        return fb_fail(why, FB_ERR_PROTOCOL, "a %s message is compressed", kind->name);
    }
    return FB_OK;
}

int fb_frame_find(const uint8_t *bytes, size_t size, size_t body_max, size_t *ret_size,
                  struct fb_why *why)
{
    int rc = check_header(bytes, size, body_max, why);
    if (rc < 0) {
        return rc;
    }
    if (size < FB_FRAME_HEADER_BYTES || size - FB_FRAME_HEADER_BYTES < read_size(bytes)) {
        *ret_size = 0;
        return FB_OK;
    }
    *ret_size = FB_FRAME_HEADER_BYTES + read_size(bytes);
    return FB_OK;
}

static void write_header(uint8_t *at, size_t body_size, enum fb_message_kind kind, uint8_t flags)
{
    at[0] = (uint8_t)(body_size >> 24);
    at[1] = (uint8_t)(body_size >> 16);
    at[2] = (uint8_t)(body_size >> 8);
    at[3] = (uint8_t)body_size;
    at[4] = (uint8_t)kind;
    at[5] = flags;
}

/* The body, compressed if that makes it smaller. */
static int append_body(const ProtobufCMessage *body, const struct fb_kind *kind, struct fb_buf *out,
                       uint8_t *ret_flags)
{
    FB_AUTO(fb_buf_release) struct fb_buf plain;
    FB_AUTO(fb_buf_release) struct fb_buf shrunk;
    fb_buf_init(&plain, FB_MESSAGE_BYTES_MAX);
    fb_buf_init(&shrunk, (size_t)FB_MESSAGE_BYTES_MAX * 2);
    int rc = fb_gate_pack(body, &plain);
    if (rc == FB_OK && kind->is_compressed && plain.size >= COMPRESS_BYTES_MIN) {
        rc = fb_gate_compress(plain.bytes, plain.size, &shrunk);
    }
    if (rc < 0) {
        return rc;
    }
    bool is_smaller = shrunk.size > 0 && shrunk.size < plain.size;
    const struct fb_buf *chosen = is_smaller ? &shrunk : &plain;
    if (chosen->size > FB_FRAME_BYTES_MAX) {
        return FB_ERR_LIMIT;
    }
    *ret_flags = is_smaller ? FB_FRAME_COMPRESSED : 0;
    fb_buf_append(out, chosen->bytes, chosen->size);
    return fb_buf_error(out);
}

static int append_frame(const ProtobufCMessage *body, const struct fb_kind *kind,
                        enum fb_message_kind number, struct fb_buf *out)
{
    size_t start = out->size;
    uint8_t flags = 0;
    fb_buf_append(out, "\0\0\0\0\0", FB_FRAME_HEADER_BYTES);
    int rc = append_body(body, kind, out, &flags);
    if (rc < 0) {
        out->size = start; /* nothing of a frame that failed */
        return rc;
    }
    write_header(out->bytes + start, out->size - start - FB_FRAME_HEADER_BYTES, number, flags);
    return FB_OK;
}

int fb_message_encode(const struct fb_message *m, struct fb_buf *out)
{
    const struct fb_kind *kind = fb_kind_find(m->kind);
    fb_assert(kind != NULL);
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    ProtobufCMessage *body = NULL;
    int rc = kind->pack(m, &arena, &body);
    return rc < 0 ? rc : append_frame(body, kind, m->kind, out);
}

int fb_message_decode(const uint8_t *frame, size_t size, const struct fb_catalogue *catalogue,
                      struct fb_arena *arena, struct fb_message *ret, struct fb_why *why)
{
    size_t whole = 0;
    int rc = fb_frame_find(frame, size, FB_FRAME_BYTES_MAX, &whole, why);
    if (rc < 0 || whole != size || size == 0) {
        return rc < 0 ? rc : fb_fail(why, FB_ERR_PROTOCOL, "these bytes are not one whole frame");
    }
    const struct fb_kind *kind = fb_kind_find(frame[4]);
    const uint8_t *body = frame + FB_FRAME_HEADER_BYTES;
    size_t body_size = size - FB_FRAME_HEADER_BYTES;
    FB_AUTO(fb_drop_free) uint8_t *plain = NULL;
    if (frame[5] != 0) {
        rc = fb_gate_decompress(body, body_size, &plain, &body_size, why);
        body = plain;
    }
    ProtobufCMessage *message = NULL;
    rc = rc < 0 ? rc : fb_gate_unpack(kind->descriptor, body, body_size, arena, &message, why);
    if (rc < 0) {
        return rc;
    }
    struct fb_unpack u = {.arena = arena, .catalogue = catalogue, .why = why};
    struct fb_message got = {.kind = (enum fb_message_kind)frame[4]};
    rc = kind->unpack(message, &u, &got);
    if (rc == FB_OK) {
        *ret = got;
    }
    return rc;
}
