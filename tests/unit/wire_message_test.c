/* SPDX-License-Identifier: MIT */
#include "tests/unit/wire_testing.h"

#include "common/base/limits.h"

static void encode(const struct fb_message *m, struct fb_buf *out)
{
    fb_buf_init(out, 4 * FB_FRAME_BYTES_MAX);
    assert_int_equal(fb_message_encode(m, out), FB_OK);
}

static struct fb_message decoded(const struct fb_buf *frame, struct fb_arena *arena)
{
    struct fb_message got;
    struct fb_why why = {""};
    int rc = fb_message_decode(frame->bytes, frame->size, &TESTING_CATALOGUE, arena, &got, &why);
    if (rc != FB_OK) {
        print_message("%s\n", why.text);
    }
    assert_int_equal(rc, FB_OK);
    return got;
}

static struct fb_message round_trip(enum fb_message_kind kind, struct fb_arena *arena)
{
    FB_AUTO(fb_buf_release) struct fb_buf out;
    struct fb_message m = testing_message(kind, arena);
    encode(&m, &out);
    struct fb_message got = decoded(&out, arena);
    assert_int_equal(got.kind, kind);
    return got;
}

/* ---- Every field arrives ---- */

FB_TEST(a_hello_arrives)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_message m = round_trip(FB_MESSAGE_HELLO, &arena);
    assert_int_equal(m.hello.protocol, FB_PROTOCOL_VERSION);
    assert_string_equal(m.hello.device_id, DEVICE);
    assert_int_equal(m.hello.incarnation, 2);
    assert_string_equal(m.hello.timeline, TIMELINE);
    assert_int_equal(m.hello.cursor, 4711);
    assert_int_equal(m.hello.catalogue_version, 3);
    assert_int_equal(m.hello.now_ms, 1760000000123);
    assert_int_equal(m.hello.last_number, 9);
    struct fb_sha256 hash = testing_hash(7);
    assert_true(fb_sha256_equal(&m.hello.last_hash, &hash));
    assert_string_equal(m.hello.app_version, "0.1.0");
    assert_int_equal(m.hello.acked_number, 8);
    assert_int_equal(m.hello.unsent, 3);
    hash = testing_hash(5);
    assert_true(fb_sha256_equal(&m.hello.log_head, &hash));
    assert_int_equal(m.hello.ancestor_count, 1);
    assert_true(m.hello.is_copied);
    assert_int_equal(m.hello.stage_rev, 4800);
    hash = testing_hash(4);
    assert_true(fb_sha256_equal(&m.hello.stage_head, &hash));
    assert_string_equal(m.hello.ancestors[0], EMPLOYEE);
}

FB_TEST(a_first_hello_has_no_timeline_and_no_hash)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    FB_AUTO(fb_buf_release) struct fb_buf out;
    struct fb_message m = {.kind = FB_MESSAGE_HELLO, .hello = {.protocol = 1, .device_id = DEVICE}};
    encode(&m, &out);
    struct fb_message got = decoded(&out, &arena);
    struct fb_sha256 none = {{0}};
    assert_string_equal(got.hello.timeline, "");
    assert_true(fb_sha256_equal(&got.hello.last_hash, &none));
    assert_string_equal(got.hello.app_version, "");
}

FB_TEST(a_welcome_arrives)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_message m = round_trip(FB_MESSAGE_WELCOME, &arena);
    struct fb_sha256 hash = testing_hash(6);
    assert_int_equal(m.welcome.verdict, FB_VERDICT_NEW_TIMELINE);
    assert_int_equal(m.welcome.incarnation, 2);
    assert_string_equal(m.welcome.timeline, TIMELINE);
    assert_int_equal(m.welcome.seen, 8);
    assert_true(fb_sha256_equal(&m.welcome.seen_hash, &hash));
    assert_int_equal(m.welcome.staged_number, 9);
    assert_int_equal(m.welcome.staged_parts, 1);
    assert_int_equal(m.welcome.now_ms, 1760000000456);
    assert_int_equal(m.welcome.rev, 5000);
    assert_int_equal(m.welcome.catalogue_version, 4);
    assert_int_equal(m.welcome.retry_after_ms, 30);
    assert_string_equal(m.welcome.employee_id, EMPLOYEE);
    assert_string_equal(m.welcome.number_prefix, "A7");
    assert_int_equal(m.welcome.ancestor_count, 2);
    assert_string_equal(m.welcome.ancestors[0].id, DEVICE);
    assert_int_equal(m.welcome.ancestors[0].forked_at, 4000);
    assert_int_equal(m.welcome.ancestors[1].forked_at, 0);
    assert_true(m.welcome.must_enrol && m.welcome.must_wipe);
    assert_int_equal(m.welcome.lease_ms, 1209600000);
    assert_true(m.welcome.is_cursor_lost);
}

FB_TEST(a_push_part_arrives)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_message m = round_trip(FB_MESSAGE_PUSH_PART, &arena);
    struct fb_sha256 prev = testing_hash(7);
    struct fb_sha256 hash = testing_hash(8);
    assert_int_equal(m.push_part.incarnation, 2);
    assert_int_equal(m.push_part.number, 9);
    assert_int_equal(m.push_part.part, 1);
    assert_int_equal(m.push_part.parts, 3);
    assert_string_equal(m.push_part.timeline, TIMELINE);
    assert_true(fb_sha256_equal(&m.push_part.prev_hash, &prev));
    assert_true(fb_sha256_equal(&m.push_part.hash, &hash));
    struct fb_sha256 first = testing_hash(9);
    assert_int_equal(m.push_part.origin.incarnation, 1);
    assert_int_equal(m.push_part.origin.number, 7);
    assert_true(fb_sha256_equal(&m.push_part.origin.hash, &first));
    assert_int_equal(m.push_part.size, 7);
    assert_memory_equal(m.push_part.bytes, "changes", 7);
}

FB_TEST(a_pull_arrives)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_message m = round_trip(FB_MESSAGE_PULL, &arena);
    assert_int_equal(m.pull.cursor, 4711);
    assert_string_equal(m.pull.timeline, TIMELINE);
    assert_true(m.pull.wants_all && m.pull.wants_digest && m.pull.wants_scope_digests);
    assert_int_equal(m.pull.position_size, 4);
    assert_memory_equal(m.pull.position, "here", 4);
    assert_int_equal(m.pull.scope_count, 2);
    assert_string_equal(m.pull.scopes[1], "employee:" EMPLOYEE);
    assert_int_equal(m.pull.repair_count, 1);
    assert_string_equal(m.pull.repair[0], "global");
}

FB_TEST(a_cut_arrives_with_and_without_a_digest)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_message m = round_trip(FB_MESSAGE_CUT, &arena);
    struct fb_sha256 head = testing_hash(9);
    assert_int_equal(m.cut.rev, 5000);
    assert_int_equal(m.cut.at_ms, 1760000000456);
    assert_int_equal(m.cut.seen, 9);
    assert_int_equal(m.cut.rows, 3);
    assert_int_equal(m.cut.removes, 1);
    assert_int_equal(m.cut.scope_count, 2);
    assert_string_equal(m.cut.scopes[0], "global");
    assert_int_equal(m.cut.history_from_ms, 1);
    assert_true(m.cut.has_digest);
    struct fb_digest digest = {1, 2, 3};
    assert_true(fb_digest_equal(&m.cut.digest, &digest));
    assert_true(fb_sha256_equal(&m.cut.log_head, &head));

    FB_AUTO(fb_buf_release) struct fb_buf out;
    m.cut.has_digest = false;
    encode(&m, &out);
    assert_false(decoded(&out, &arena).cut.has_digest);
}

FB_TEST(the_parts_of_an_answer_arrive)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_message catalogue = round_trip(FB_MESSAGE_CATALOGUE, &arena);
    assert_int_equal(catalogue.catalogue.version, 4);
    assert_int_equal(catalogue.catalogue.document_size, 15);
    assert_string_equal(catalogue.catalogue.document, "{\"entities\":[]}");
    struct fb_message removes = round_trip(FB_MESSAGE_REMOVES, &arena);
    assert_int_equal(removes.removes.entity_no, 80);
    assert_int_equal(removes.removes.count, 2);
    assert_string_equal(removes.removes.ids[0], DEVICE);
    assert_string_equal(removes.removes.ids[1], TIMELINE);
    struct fb_message chunk = round_trip(FB_MESSAGE_CHUNK, &arena);
    assert_int_equal(chunk.chunk.rev, 5000);
    assert_int_equal(chunk.chunk.rows_done, 2000);
    assert_int_equal(chunk.chunk.rows_total, 100000);
    assert_true(chunk.chunk.is_last);
    assert_memory_equal(chunk.chunk.position, "there", 5);
    struct fb_message evict = round_trip(FB_MESSAGE_EVICT, &arena);
    assert_int_equal(evict.evict.scope_count, 2);
    assert_string_equal(evict.evict.scopes[1], "employee:" EMPLOYEE);
    struct fb_message references = round_trip(FB_MESSAGE_REFERENCES, &arena);
    assert_int_equal(references.references.entity_no, 70);
    assert_int_equal(references.references.count, 2);
    assert_string_equal(references.references.ids[1], TIMELINE);
    assert_string_equal(references.references.titles[1], "远东公司");
    struct fb_message digests = round_trip(FB_MESSAGE_SCOPE_DIGESTS, &arena);
    assert_int_equal(digests.scope_digests.rev, 5000);
    assert_int_equal(digests.scope_digests.count, 2);
    assert_string_equal(digests.scope_digests.list[1].scope, "employee:" EMPLOYEE);
    assert_true(digests.scope_digests.list[1].digest.low == UINT64_MAX);
    assert_int_equal(digests.scope_digests.list[1].digest.rows, 7);
}

FB_TEST(the_small_messages_arrive)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    assert_int_equal(round_trip(FB_MESSAGE_ACK, &arena).ack.number, 9);
    assert_int_equal(round_trip(FB_MESSAGE_POKE, &arena).poke.rev, 5001);
    assert_int_equal(round_trip(FB_MESSAGE_PING, &arena).ping_ms, 1760000000789);
    assert_int_equal(round_trip(FB_MESSAGE_PONG, &arena).ping_ms, 1760000000789);
    struct fb_message refuse = round_trip(FB_MESSAGE_REFUSE, &arena);
    assert_int_equal(refuse.refuse.reason, FB_REFUSAL_REVOKED);
    assert_string_equal(refuse.refuse.sentence, "this device was revoked");
    assert_int_equal(refuse.refuse.retry_after_ms, 60000);
    assert_int_equal(round_trip(FB_MESSAGE_WIPED, &arena).wiped_unsent, 4);
}

FB_TEST(enrolment_arrives)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_message ask = round_trip(FB_MESSAGE_ENROL_ASK, &arena);
    assert_string_equal(ask.enrol_ask.code, "ABCD-EFGH");
    assert_string_equal(ask.enrol_ask.device_name, "Ana's laptop");
    assert_int_equal(ask.enrol_ask.csr_size, 3);
    assert_true(ask.enrol_ask.is_renewal && ask.enrol_ask.asks_state);
    struct fb_message answer = round_trip(FB_MESSAGE_ENROL_ANSWER, &arena);
    assert_string_equal(answer.enrol_answer.device_id, DEVICE);
    assert_string_equal(answer.enrol_answer.employee_id, EMPLOYEE);
    assert_memory_equal(answer.enrol_answer.certificate, "CHAIN", 5);
    assert_memory_equal(answer.enrol_answer.authority, "CA", 2);
    assert_string_equal(answer.enrol_answer.server_name, "hq.example.com");
    struct fb_sha256 secret = testing_hash(4);
    assert_true(fb_sha256_equal(&answer.enrol_answer.lease_secret, &secret));
    assert_int_equal(answer.enrol_answer.lease_ms, 1209600000);
    assert_true(answer.enrol_answer.is_pending);
}

FB_TEST(frames_are_found_one_after_the_other)
{
    FB_AUTO(fb_buf_release) struct fb_buf out;
    struct fb_message ping = {.kind = FB_MESSAGE_PING, .ping_ms = 5};
    encode(&ping, &out);
    size_t one = out.size;
    assert_int_equal(fb_message_encode(&ping, &out), FB_OK);
    size_t size = 1;
    for (size_t i = 0; i < one; i++) {
        assert_int_equal(fb_frame_find(out.bytes, i, FB_FRAME_BYTES_MAX, &size, NULL), FB_OK);
        assert_int_equal(size, 0);
    }
    assert_int_equal(fb_frame_find(out.bytes, out.size, FB_FRAME_BYTES_MAX, &size, NULL), FB_OK);
    assert_int_equal(size, one);
}

FB_TEST(an_id_that_is_none_is_not_sent)
{
    FB_AUTO(fb_buf_release) struct fb_buf out;
    fb_buf_init(&out, FB_FRAME_BYTES_MAX);
    struct fb_message m = {.kind = FB_MESSAGE_HELLO, .hello = {.device_id = "not an id"}};
    assert_int_equal(fb_message_encode(&m, &out), FB_ERR_INVALID);
    assert_int_equal(out.size, 0);
}

/* ---- Golden bytes ---- */

/* One row of few columns: small enough to stay uncompressed, for what zstd makes of a body changes with its releases. */
static struct fb_message small_rows(struct fb_arena *arena)
{
    struct fb_message m = testing_rows(arena, 1);
    struct fb_row *row = &m.rows.rows[0];
    row->values[4] = (struct fb_value){.type = FB_ABSENT};
    row->stamps[2] = row->stamps[3] = FB_VALUE_NULL;
    return m;
}

static const char *const GOLDEN_NAMES[] = {
    "hello",         "welcome",   "catalogue",    "push_part", "ack",        "pull", "rows",
    "removes",       "chunk",     "cut",          "poke",      "ping",       "pong", "refuse",
    "scope_digests", "enrol_ask", "enrol_answer", "evict",     "references", "wiped"};
#define RELEASE_1_KINDS 17

/* Bytes that old releases rely on: proto/README.md. */
FB_TEST(every_kind_of_message_has_the_bytes_it_always_had)
{
    for (size_t i = 0; i < ALL_KIND_COUNT; i++) {
        FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
        FB_AUTO(fb_buf_release) struct fb_buf out;
        bool is_rows = ALL_KINDS[i] == FB_MESSAGE_ROWS;
        struct fb_message m = is_rows ? small_rows(&arena) : testing_message(ALL_KINDS[i], &arena);
        encode(&m, &out);
        assert_int_equal(out.bytes[5], 0);
        testing_golden(GOLDEN_NAMES[i], &out);
        decoded(&out, &arena);
    }
}

/* Bytes as release 1 sent them stay understood; fields that came since have their meaning of absent. */
FB_TEST(bytes_of_release_1_are_understood)
{
    for (size_t i = 0; i < RELEASE_1_KINDS; i++) {
        FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
        char name[64];
        struct fb_buf old;
        snprintf(name, sizeof name, "../wire-1/%s", GOLDEN_NAMES[i]);
        testing_golden_read(name, &arena, &old);
        struct fb_message m = decoded(&old, &arena);
        assert_int_equal(m.kind, ALL_KINDS[i]);
        if (m.kind == FB_MESSAGE_HELLO) {
            assert_int_equal(m.hello.last_number, 9);
            assert_int_equal(m.hello.ancestor_count + (size_t)m.hello.acked_number, 0);
            assert_int_equal(m.hello.unsent, 0);
        } else if (m.kind == FB_MESSAGE_WELCOME) {
            assert_int_equal(m.welcome.seen, 8);
            assert_int_equal(m.welcome.ancestor_count, 0);
            assert_false(m.welcome.must_enrol || m.welcome.is_cursor_lost || m.welcome.must_wipe);
            assert_int_equal(m.welcome.lease_ms, 0);
        }
    }
}

FB_MAIN(FB_CASE(a_hello_arrives), FB_CASE(a_first_hello_has_no_timeline_and_no_hash),
        FB_CASE(a_welcome_arrives), FB_CASE(a_push_part_arrives), FB_CASE(a_pull_arrives),
        FB_CASE(a_cut_arrives_with_and_without_a_digest), FB_CASE(the_parts_of_an_answer_arrive),
        FB_CASE(the_small_messages_arrive), FB_CASE(enrolment_arrives),
        FB_CASE(frames_are_found_one_after_the_other), FB_CASE(an_id_that_is_none_is_not_sent),
        FB_CASE(bytes_of_release_1_are_understood),
        FB_CASE(every_kind_of_message_has_the_bytes_it_always_had))
