/* SPDX-License-Identifier: MIT
 *
 * A frame as it comes from a peer: found, passed through the gate, checked. What is accepted must be encodable again, and
 * that frame acceptable.
 *
 * The first byte of the input says whether the rest is a frame as it stands, or the kind and the body of one (so that the
 * fuzzer need not learn the length prefix).
 */
#include <string.h>

#include "common/base/limits.h"
#include "common/wire/message.h"
#include "tests/fuzz/fuzz.h"

static const struct fb_field FIELDS[] = {
    {.no = 8, .index = 0, .name = "name", .type = FB_TYPE_TEXT, .storage = FB_TEXT},
    {.no = 9, .index = 1, .name = "score", .type = FB_TYPE_INT, .storage = FB_INT},
    {.no = 10, .index = 2, .name = "owner_id", .type = FB_TYPE_REF, .storage = FB_TEXT},
    {.no = 11, .index = 3, .name = "photo", .type = FB_TYPE_BLOB, .storage = FB_BLOB},
};
static const struct fb_entity ENTITIES[] = {
    {.no = 80, .name = "contact", .fields = FIELDS, .field_count = 4}};
static const struct fb_catalogue CATALOGUE = {
    .version = 1, .entities = ENTITIES, .entity_count = 1};

/* An arena with a limit says whether the gate keeps its promise about memory. */
#define ARENA_BYTES_MAX ((size_t)64 * 1024 * 1024)

static void check_again(const struct fb_message *m)
{
    FB_AUTO(fb_buf_release) struct fb_buf frame;
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_buf_init(&frame, 4 * FB_FRAME_BYTES_MAX);
    fb_arena_init(&arena, 0);
    int rc = fb_message_encode(m, &frame);
    fb_assert(rc == FB_OK || rc == FB_ERR_LIMIT);
    if (rc == FB_OK) {
        struct fb_message again;
        rc = fb_message_decode(frame.bytes, frame.size, &CATALOGUE, &arena, &again, NULL);
        fb_assert(rc == FB_OK && again.kind == m->kind);
    }
}

static void try_frame(const uint8_t *bytes, size_t size)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, ARENA_BYTES_MAX);
    struct fb_message m;
    struct fb_why why = {""};
    size_t whole = 0;
    int rc = fb_frame_find(bytes, size, FB_FRAME_BYTES_MAX, &whole, &why);
    fb_assert(rc == FB_OK || rc == FB_ERR_PROTOCOL);
    if (rc == FB_OK && whole > 0) {
        rc = fb_message_decode(bytes, whole, &CATALOGUE, &arena, &m, &why);
        fb_assert(rc == FB_OK || (rc == FB_ERR_PROTOCOL && why.text[0] != '\0'));
        if (rc == FB_OK) {
            check_again(&m);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > FB_FRAME_BYTES_MAX) {
        return 0;
    }
    if (data[0] == 0) {
        try_frame(data + 1, size - 1);
        return 0;
    }
    FB_AUTO(fb_buf_release) struct fb_buf frame;
    fb_buf_init(&frame, 2 * FB_FRAME_BYTES_MAX);
    size_t body = size - 2;
    const uint8_t header[] = {
        (uint8_t)(body >> 24), (uint8_t)(body >> 16), (uint8_t)(body >> 8), (uint8_t)body, data[1],
        (uint8_t)(data[0] & 1)};
    fb_buf_append(&frame, header, sizeof header);
    fb_buf_append(&frame, data + 2, body);
    try_frame(frame.bytes, frame.size);
    return 0;
}
