/* SPDX-License-Identifier: MIT
 *
 * Faults G1 to G4 and their neighbours: bytes that a peer may send. Each must be an error with a sentence, or a message
 * that is valid; never a crash, never much memory.
 */
#include <zstd.h>

#include "tests/unit/wire_testing.h"

#include "common/base/limits.h"

/* A frame of kind with that body. */
static void frame_of(struct fb_buf *out, enum fb_message_kind kind, uint8_t flags, const void *body,
                     size_t size)
{
    fb_buf_init(out, 32 * FB_FRAME_BYTES_MAX);
    const uint8_t header[] = {(uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8),
                              (uint8_t)size,         (uint8_t)kind,         flags};
    fb_buf_append(out, header, sizeof header);
    fb_buf_append(out, body, size);
}

static int decode(const struct fb_buf *frame, struct fb_arena *arena)
{
    struct fb_message got;
    struct fb_why why = {""};
    int rc = fb_message_decode(frame->bytes, frame->size, &TESTING_CATALOGUE, arena, &got, &why);
    assert_true(rc == FB_OK || rc == FB_ERR_PROTOCOL);
    assert_true((rc == FB_OK) == (why.text[0] == '\0'));
    return rc;
}

static int decode_body(enum fb_message_kind kind, uint8_t flags, const void *body, size_t size)
{
    FB_AUTO(fb_buf_release) struct fb_buf frame;
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    frame_of(&frame, kind, flags, body, size);
    int rc = decode(&frame, &arena);
    assert_true(arena.bytes_held < (size_t)24 * 1024 * 1024);
    return rc;
}

static int find(const void *bytes, size_t size, size_t body_max)
{
    size_t found = 77;
    struct fb_why why = {""};
    return fb_frame_find(bytes, size, body_max, &found, &why);
}

FB_TEST(a_frame_that_is_too_large_is_refused_at_its_fourth_byte)
{
    assert_int_equal(find("\xFF\xFF\xFF\xFF", 4, FB_FRAME_BYTES_MAX), FB_ERR_PROTOCOL);
    assert_int_equal(find("\x00\x10\x00\x01", 4, FB_FRAME_BYTES_MAX), FB_ERR_PROTOCOL);
    assert_int_equal(find("\x00\x10\x00\x00", 4, FB_FRAME_BYTES_MAX), FB_OK);
    assert_int_equal(find("\x00\x00\x40\x01\x20\x00", 6, FB_FRAME_BYTES_BEFORE_AUTH_MAX),
                     FB_ERR_PROTOCOL);
    assert_int_equal(find("\x00\x00\x40\x00\x20\x00", 6, FB_FRAME_BYTES_BEFORE_AUTH_MAX), FB_OK);
}

FB_TEST(unknown_kinds_and_flags_are_refused_before_the_body_is_there)
{
    assert_int_equal(find("\x00\x00\x00\x09\x00\x00", 6, 1000), FB_ERR_PROTOCOL);
    assert_int_equal(find("\x00\x00\x00\x09\x1F\x00", 6, 1000), FB_ERR_PROTOCOL);
    assert_int_equal(find("\x00\x00\x00\x09\xFF\x00", 6, 1000), FB_ERR_PROTOCOL);
    assert_int_equal(find("\x00\x00\x00\x09\x09\x02", 6, 1000), FB_ERR_PROTOCOL);
    assert_int_equal(find("GET / HTTP/1.1\r\n", 16, FB_FRAME_BYTES_MAX), FB_ERR_PROTOCOL);
}

FB_TEST(nothing_before_authentication_is_decompressed)
{
    assert_int_equal(find("\x00\x00\x00\x09\x20\x01", 6, 1000), FB_ERR_PROTOCOL);
    assert_int_equal(find("\x00\x00\x00\x09\x01\x01", 6, 1000), FB_ERR_PROTOCOL);
    assert_int_equal(find("\x00\x00\x00\x09\x04\x01", 6, 1000), FB_ERR_PROTOCOL);
}

FB_TEST(an_empty_body_is_a_message_only_where_nothing_is_required)
{
    for (size_t i = 0; i < ALL_KIND_COUNT; i++) {
        FB_AUTO(fb_buf_release) struct fb_buf frame;
        FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
        frame_of(&frame, ALL_KINDS[i], 0, "", 0);
        decode(&frame, &arena);
    }
    assert_int_equal(decode_body(FB_MESSAGE_PING, 0, "", 0), FB_OK);
    assert_int_equal(decode_body(FB_MESSAGE_HELLO, 0, "", 0), FB_ERR_PROTOCOL);
    assert_int_equal(decode_body(FB_MESSAGE_PUSH_PART, 0, "", 0), FB_ERR_PROTOCOL);
    assert_int_equal(decode_body(FB_MESSAGE_ENROL_ASK, 0, "", 0), FB_ERR_PROTOCOL);
}

FB_TEST(a_flood_of_empty_submessages_costs_no_memory)
{
    static uint8_t body[FB_FRAME_BYTES_MAX];
    for (size_t i = 0; i + 1 < sizeof body; i += 2) {
        body[i] = 4 << 3 | 2; /* Rows.columns, empty */
        body[i + 1] = 0;
    }
    assert_int_equal(decode_body(FB_MESSAGE_ROWS, 0, body, sizeof body), FB_ERR_PROTOCOL);
    assert_int_equal(decode_body(FB_MESSAGE_ROWS, 0, body, 2 * FB_WIRE_FIELDS_MAX),
                     FB_ERR_PROTOCOL);
    memset(body, 0, sizeof body);
    for (size_t i = 0; i + 1 < sizeof body; i += 2) {
        body[i] = 7 << 3 | 2; /* Pull.scopes, empty */
    }
    assert_int_equal(decode_body(FB_MESSAGE_PULL, 0, body, sizeof body), FB_ERR_PROTOCOL);
}

FB_TEST(deep_nesting_cannot_be_written_down)
{
    /* No message of ours contains itself, so nesting ends where the descriptors end: the rest is bytes. */
    static uint8_t body[4096];
    size_t size = sizeof body;
    for (size_t i = 0; i + 3 < sizeof body; i += 3) {
        size_t left = size - i - 3;
        body[i] = 4 << 3 | 2;
        body[i + 1] = (uint8_t)(left & 0x7F) | 0x80;
        body[i + 2] = (uint8_t)(left >> 7);
    }
    assert_int_equal(decode_body(FB_MESSAGE_ROWS, 0, body, sizeof body), FB_ERR_PROTOCOL);
}

FB_TEST(a_zstd_bomb_is_refused_by_its_header)
{
    size_t size = (size_t)64 * 1024 * 1024;
    void *zeros = calloc(1, size);
    static char bomb[65536];
    size_t got = ZSTD_compress(bomb, sizeof bomb, zeros, size, 1);
    assert_false(ZSTD_isError(got));
    assert_int_equal(decode_body(FB_MESSAGE_ROWS, 1, bomb, got), FB_ERR_PROTOCOL);
    got = ZSTD_compress(bomb, sizeof bomb, zeros, FB_MESSAGE_BYTES_MAX, 1);
    assert_int_equal(decode_body(FB_MESSAGE_ROWS, 1, bomb, got), FB_ERR_PROTOCOL);
    got = ZSTD_compress(bomb, sizeof bomb, zeros, FB_COMPRESSION_FREE_BYTES, 1);
    assert_int_equal(decode_body(FB_MESSAGE_ROWS, 1, bomb, got),
                     FB_ERR_PROTOCOL); /* small enough, but zeros are no tags */
    free(zeros);
}

FB_TEST(a_compressed_body_must_be_one_frame_that_says_its_size)
{
    char frame[512];
    char bytes[512];
    size_t size = ZSTD_compress(frame, sizeof frame, "\x08\x05", 2, 1);
    assert_int_equal(decode_body(FB_MESSAGE_ROWS, 1, frame, size),
                     FB_ERR_PROTOCOL); /* entity 5: unknown, but read */
    memcpy(bytes, frame, size);
    memcpy(bytes + size, frame, size);
    assert_int_equal(decode_body(FB_MESSAGE_ROWS, 1, bytes, 2 * size), FB_ERR_PROTOCOL);
    assert_int_equal(decode_body(FB_MESSAGE_ROWS, 1, frame, size - 1), FB_ERR_PROTOCOL);
    assert_int_equal(decode_body(FB_MESSAGE_ROWS, 1, "plain", 5), FB_ERR_PROTOCOL);
    assert_int_equal(decode_body(FB_MESSAGE_ROWS, 1, "\x50\x2A\x4D\x18\x00\x00\x00\x00", 8),
                     FB_ERR_PROTOCOL);
    ZSTD_CCtx *ctx = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(ctx, ZSTD_c_contentSizeFlag, 0);
    size = ZSTD_compress2(ctx, frame, sizeof frame, "\x08\x50", 2);
    ZSTD_freeCCtx(ctx);
    assert_int_equal(decode_body(FB_MESSAGE_ROWS, 1, frame, size), FB_ERR_PROTOCOL);
}

struct wrong {
    enum fb_message_kind kind;
    const char *name;
    const char *body;
    size_t size;
};
#define WRONG(kind, name, bytes)                                                                   \
    {                                                                                              \
        FB_MESSAGE_##kind, name, bytes, sizeof bytes - 1                                           \
    }
static const struct wrong WRONG_BODIES[] = {
    WRONG(PING, "a tag of number 0", "\x00\x01"),
    WRONG(PING, "a tag of number 65", "\x88\x04\x01"),
    WRONG(PING, "a group", "\x0B\x0C"),
    WRONG(PING, "an unknown wire type", "\x0E\x01"),
    WRONG(PING, "a field of another type", "\x0A\x01\x00"),
    WRONG(PING, "a field twice", "\x08\x01\x08\x02"),
    WRONG(PING, "a varint without end", "\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"),
    WRONG(PING, "a varint over 64 bits", "\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02"),
    WRONG(PING, "a cut varint", "\x08\x80"),
    WRONG(PING, "a length over the end, unknown field", "\x7A\x05\x01"),
    WRONG(PING, "a length of 2^64-1", "\x7A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"),
    WRONG(ACK, "a negative number", "\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"),
    WRONG(HELLO, "an id of 15 bytes",
          "\x12\x0F"
          "123456789012345"),
    WRONG(HELLO, "a hash of 3 bytes",
          "\x12\x10"
          "1234567890123456"
          "\x4A\x03"
          "abc"),
    WRONG(HELLO, "a version that is not UTF-8",
          "\x12\x10"
          "1234567890123456"
          "\x52\x01\xFF"),
    WRONG(HELLO, "a version with a zero",
          "\x12\x10"
          "1234567890123456"
          "\x52\x01\x00"),
    WRONG(WELCOME, "an unknown verdict", "\x08\x09"),
    WRONG(REFUSE, "an unknown reason", "\x08\x63"),
    WRONG(PUSH_PART, "part 3 of 3", "\x08\x01\x10\x01\x18\x03\x20\x03"),
    WRONG(PUSH_PART, "5000 parts", "\x08\x01\x10\x01\x18\x03\x20\x88\x27"),
    WRONG(REMOVES, "a count without ids", "\x08\x50\x10\x05"),
    WRONG(REMOVES, "more removes than allowed", "\x08\x50\x10\xFF\xFF\xFF\x7F"),
    WRONG(REMOVES, "an id of integers", "\x08\x50\x10\x01\x1A\x06\x08\x02\x22\x02\x08\x02"),
    WRONG(REMOVES, "an empty id", "\x08\x50\x10\x01\x1A\x05\x08\x03\x2A\x01\x00"),
    WRONG(ROWS, "more rows than allowed", "\x08\x50\x10\xFF\xFF\xFF\x7F"),
    WRONG(ROWS, "rows without ids", "\x08\x50\x10\x02"),
    WRONG(ROWS, "a unknown kind of values", "\x08\x50\x10\x01\x1A\x02\x08\x09"),
    WRONG(ROWS, "sizes over the data", "\x08\x50\x10\x01\x1A\x08\x08\x03\x2A\x01\x05\x32\x01x"),
    WRONG(ROWS, "data left over", "\x08\x50\x10\x01\x1A\x0A\x08\x03\x2A\x01\x01\x32\x03xyz"),
    WRONG(ROWS, "a place that is not there",
          "\x08\x50\x10\x01\x1A\x0B\x08\x03\x2A\x01\x01\x32\x01x\x4A\x01\x07"),
    WRONG(ROWS, "a time of a uuid of 49 bits",
          "\x08\x50\x10\x01\x1A\x18\x08\x05\x3A\x08\x80\x80\x80\x80\x80\x80\x80\x01\x42\x0A"
          "0123456789"),
};

FB_TEST(every_wrong_body_is_refused_with_a_sentence)
{
    for (size_t i = 0; i < sizeof WRONG_BODIES / sizeof WRONG_BODIES[0]; i++) {
        const struct wrong *w = &WRONG_BODIES[i];
        int rc = decode_body(w->kind, 0, w->body, w->size);
        if (rc != FB_ERR_PROTOCOL) {
            print_message("accepted: %s\n", w->name);
        }
        assert_int_equal(rc, FB_ERR_PROTOCOL);
    }
}

FB_TEST(an_unknown_field_is_skipped_for_the_sake_of_newer_peers)
{
    assert_int_equal(decode_body(FB_MESSAGE_PING, 0,
                                 "\x08\x05\x7A\x03"
                                 "new\xF9\x03"
                                 "12345678",
                                 17),
                     FB_OK);
}

/* ---- Every cut and every flipped bit of honest messages ---- */

static void honest_frame(size_t which, struct fb_arena *arena, struct fb_buf *out)
{
    fb_buf_init(out, FB_FRAME_BYTES_MAX);
    struct fb_message m = testing_message(ALL_KINDS[which], arena);
    assert_int_equal(fb_message_encode(&m, out), FB_OK);
}

FB_TEST(a_message_cut_at_any_byte_is_an_error_or_a_message)
{
    for (size_t which = 0; which < ALL_KIND_COUNT; which++) {
        FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
        FB_AUTO(fb_buf_release) struct fb_buf whole;
        honest_frame(which, &arena, &whole);
        for (size_t size = 6; size < whole.size; size++) {
            decode_body(ALL_KINDS[which], whole.bytes[5], whole.bytes + 6, size - 6);
            struct fb_message got;
            struct fb_why why = {""};
            int rc = fb_message_decode(whole.bytes, size, &TESTING_CATALOGUE, &arena, &got, &why);
            assert_int_equal(rc, FB_ERR_PROTOCOL);
        }
    }
}

FB_TEST(a_message_with_any_bit_flipped_is_an_error_or_a_message)
{
    for (size_t which = 0; which < ALL_KIND_COUNT; which++) {
        FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
        FB_AUTO(fb_buf_release) struct fb_buf frame;
        honest_frame(which, &arena, &frame);
        for (size_t bit = 0; bit < frame.size * 8; bit++) {
            FB_AUTO(fb_arena_release) struct fb_arena got = {0};
            frame.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            decode(&frame, &got);
            frame.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

/* Rows and changes again without zstd around them, whose checks would catch most flips: the flips reach our own. */
FB_TEST(a_part_of_a_push_with_any_byte_changed_is_an_error_or_a_push)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_buf golden;
    testing_golden_read("changes", &arena, &golden);
    uint8_t plain[4096];
    size_t size = ZSTD_decompress(plain, sizeof plain, golden.bytes, golden.size);
    assert_false(ZSTD_isError(size));
    size_t accepted = 0;
    for (size_t i = 0; i < size * 256; i++) {
        FB_AUTO(fb_arena_release) struct fb_arena got = {0};
        uint8_t kept = plain[i / 256];
        plain[i / 256] = (uint8_t)i;
        char part[8192];
        size_t part_size = ZSTD_compress(part, sizeof part, plain, size, 1);
        plain[i / 256] = kept;
        struct fb_change *changes = NULL;
        size_t count = 0;
        struct fb_why why = {""};
        int rc = fb_changes_read((const uint8_t *)part, part_size, &got, &changes, &count, &why);
        assert_true(rc == FB_OK || (rc == FB_ERR_PROTOCOL && why.text[0] != '\0'));
        accepted += rc == FB_OK;
    }
    assert_true(accepted >= size); /* the unchanged ones at least */
}

FB_TEST(when_memory_ends_decoding_says_so)
{
    FB_AUTO(fb_buf_release) struct fb_buf frame;
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    size_t rows = 6;
    honest_frame(rows, &arena, &frame);
    bool was_short = false;
    for (size_t max = 16; max < 200000; max += 4096) {
        FB_AUTO(fb_arena_release) struct fb_arena tight;
        fb_arena_init(&tight, max);
        struct fb_message got;
        struct fb_why why = {""};
        int rc = fb_message_decode(frame.bytes, frame.size, &TESTING_CATALOGUE, &tight, &got, &why);
        assert_true(rc == FB_OK || rc == FB_ERR_NO_MEMORY);
        was_short = was_short || rc == FB_ERR_NO_MEMORY;
    }
    assert_true(was_short);
}

FB_MAIN(FB_CASE(a_frame_that_is_too_large_is_refused_at_its_fourth_byte),
        FB_CASE(unknown_kinds_and_flags_are_refused_before_the_body_is_there),
        FB_CASE(nothing_before_authentication_is_decompressed),
        FB_CASE(an_empty_body_is_a_message_only_where_nothing_is_required),
        FB_CASE(a_flood_of_empty_submessages_costs_no_memory),
        FB_CASE(deep_nesting_cannot_be_written_down), FB_CASE(a_zstd_bomb_is_refused_by_its_header),
        FB_CASE(a_compressed_body_must_be_one_frame_that_says_its_size),
        FB_CASE(every_wrong_body_is_refused_with_a_sentence),
        FB_CASE(an_unknown_field_is_skipped_for_the_sake_of_newer_peers),
        FB_CASE(a_message_cut_at_any_byte_is_an_error_or_a_message),
        FB_CASE(a_message_with_any_bit_flipped_is_an_error_or_a_message),
        FB_CASE(a_part_of_a_push_with_any_byte_changed_is_an_error_or_a_push),
        FB_CASE(when_memory_ends_decoding_says_so))
