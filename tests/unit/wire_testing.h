/* SPDX-License-Identifier: MIT
 *
 * What the tests of wire share: a catalogue of two entities, a sample of every kind of message,
 * random values, and what equal means. Included by tests only.
 */
#ifndef FB_WIRE_TESTING_H
#define FB_WIRE_TESTING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/time.h"
#include "common/wire/message.h"
#include "tests/lib/testlib.h"

#define DEVICE   "01890a5d-ac96-774b-bcce-b302099a8057"
#define TIMELINE "01890a5d-ac96-774b-bcce-b302099a8058"
#define EMPLOYEE "01890a5d-ac96-774b-bcce-b302099a8059"

static const struct fb_field CONTACT_FIELDS[] = {
    {.no = 8, .index = 0, .name = "name", .type = FB_TYPE_TEXT, .storage = FB_TEXT},
    {.no = 9, .index = 1, .name = "score", .type = FB_TYPE_INT, .storage = FB_INT},
    {.no = 10, .index = 2, .name = "owner_id", .type = FB_TYPE_REF, .storage = FB_TEXT},
    {.no = 12, .index = 3, .name = "last_at", .type = FB_TYPE_DT, .storage = FB_TEXT},
    {.no = 13, .index = 4, .name = "notes", .type = FB_TYPE_LONG, .storage = FB_TEXT},
    {.no = 300, .index = 5, .name = "photo", .type = FB_TYPE_BLOB, .storage = FB_BLOB},
};
#define CONTACT_FIELD_COUNT (sizeof CONTACT_FIELDS / sizeof CONTACT_FIELDS[0])

/* The same entity in an older catalogue: it knows two fields. */
static const struct fb_entity TESTING_ENTITIES[] = {
    {.no = 80,
     .index = 0,
     .name = "contact",
     .fields = CONTACT_FIELDS,
     .field_count = CONTACT_FIELD_COUNT},
    {.no = 7, .index = 1, .name = "tag", .fields = CONTACT_FIELDS, .field_count = 1},
};
static const struct fb_entity OLDER_ENTITIES[] = {
    {.no = 80, .index = 0, .name = "contact", .fields = CONTACT_FIELDS, .field_count = 2},
};
static const struct fb_catalogue TESTING_CATALOGUE = {
    .version = 3, .entities = TESTING_ENTITIES, .entity_count = 2};
static const struct fb_catalogue OLDER_CATALOGUE
    __attribute__((unused)) = {.version = 2, .entities = OLDER_ENTITIES, .entity_count = 1};

static inline struct fb_sha256 testing_hash(uint8_t fill)
{
    struct fb_sha256 hash;
    memset(hash.bytes, fill, sizeof hash.bytes);
    return hash;
}

static inline void assert_values_equal(const struct fb_value *a, const struct fb_value *b)
{
    assert_int_equal(a->type, b->type);
    assert_true(fb_value_equal(a, b));
}

/* ---- Random values ---- */

static inline size_t pick(const struct fb_random *random, size_t below)
{
    return (size_t)(fb_random_u64(random) % below);
}

static inline struct fb_value random_text(const struct fb_random *random, struct fb_arena *arena)
{
    static const char *const WORDS[] = {"",
                                        "Wei",
                                        "customer",
                                        "沈阳",
                                        "Müller",
                                        "new",
                                        "a longer note, with more",
                                        "19 trade street",
                                        "+86 24 2345678",
                                        "x"};
    char id[FB_ROW_ID_SIZE];
    char instant[FB_INSTANT_SIZE];
    switch (pick(random, 5)) {
    case 0:
        fb_id_make((int64_t)pick(random, 2000000000000), random, id);
        return fb_value_text(fb_arena_strdup(arena, id));
    case 1:
        fb_instant_format((int64_t)pick(random, 4000000000000), instant);
        return fb_value_text(fb_arena_strdup(arena, instant));
    case 2:
        return fb_value_text(
            fb_arena_printf(arena, "%s %zu", WORDS[pick(random, 10)], pick(random, 100000)));
    default:
        return fb_value_text(WORDS[pick(random, 10)]);
    }
}

static inline struct fb_value random_value(const struct fb_random *random, struct fb_arena *arena)
{
    static const int64_t INTS[] = {0, 1, -1, INT64_MAX, INT64_MIN, 1760000000000, 100, 63};
    switch (pick(random, 8)) {
    case 0:
        return FB_VALUE_NULL;
    case 1:
        return fb_value_int(INTS[pick(random, 8)]);
    case 2:
        return fb_value_int((int64_t)fb_random_u64(random) >> pick(random, 64));
    case 3:
        return fb_value_blob("\x00\xFF\xFE blob", pick(random, 9));
    case 4:
        return (struct fb_value){.type = FB_ABSENT};
    default:
        return random_text(random, arena);
    }
}

/* ---- A sample of each kind ---- */

static inline struct fb_message testing_rows(struct fb_arena *arena, size_t row_count)
{
    struct fb_row *rows = fb_arena_alloc(arena, (row_count + 1) * sizeof *rows);
    struct fb_old_value *old = fb_arena_alloc(arena, 2 * sizeof *old);
    uint64_t state;
    struct fb_random random = fb_random_seeded(&state, 11);
    for (size_t i = 0; i < row_count; i++) {
        rows[i].entity = &TESTING_ENTITIES[0];
        fb_id_make(1760000000000 + (int64_t)i * 20, &random, rows[i].id);
        struct fb_value *v = fb_arena_alloc(arena, CONTACT_FIELD_COUNT * sizeof *v);
        v[0] = fb_value_text(i % 3 == 0 ? "Wei" : "Anna Müller");
        v[1] = i % 4 == 1 ? FB_VALUE_NULL : fb_value_int((int64_t)i * 7 - 10);
        v[2] = i % 5 == 2 ? FB_VALUE_NULL : fb_value_text(i % 2 == 0 ? EMPLOYEE : DEVICE);
        v[3] = fb_value_text(i % 2 == 0 ? "2026-03-31T16:30:00.250Z" : "2026-04-01T00:00:00.000Z");
        v[4] = fb_value_text(fb_arena_printf(arena, "met at the fair, visit %zu", i));
        v[5] = i == 0 ? fb_value_blob("\0\1\2", 3) : FB_VALUE_NULL;
        rows[i].values = v;
        rows[i].stamps[0] = fb_value_text("2026-03-01T08:00:00.000Z");
        rows[i].stamps[1] = fb_value_text(EMPLOYEE);
        rows[i].stamps[2] = rows[i].stamps[0];
        rows[i].stamps[3] = rows[i].stamps[1];
    }
    old[0] = (struct fb_old_value){.row = 0, .field_no = 8, .value = fb_value_text("Wie")};
    old[1] = (struct fb_old_value){.row = 0, .field_no = 9, .value = FB_VALUE_NULL};
    return (struct fb_message){.kind = FB_MESSAGE_ROWS,
                               .rows = {.entity = &TESTING_ENTITIES[0],
                                        .rows = rows,
                                        .row_count = row_count,
                                        .old = old,
                                        .old_count = row_count == 0 ? 0 : 2}};
}

static inline struct fb_message testing_message_of_round(enum fb_message_kind kind)
{
    static const char *scopes[] = {"global", "employee:" EMPLOYEE};
    static struct fb_scope_digest digests[] = {{"global", {1, 2, 3}},
                                               {"employee:" EMPLOYEE, {UINT64_MAX, 0, 7}}};
    static char timelines[][FB_ROW_ID_SIZE] = {EMPLOYEE};
    static struct fb_ancestor ancestors[] = {{DEVICE, 4000}, {EMPLOYEE, 0}};
    struct fb_message m = {.kind = kind};
    switch (kind) {
    case FB_MESSAGE_HELLO:
        m.hello = (struct fb_hello){.protocol = FB_PROTOCOL_VERSION,
                                    .device_id = DEVICE,
                                    .incarnation = 2,
                                    .timeline = TIMELINE,
                                    .cursor = 4711,
                                    .catalogue_version = 3,
                                    .now_ms = 1760000000123,
                                    .last_number = 9,
                                    .last_hash = testing_hash(7),
                                    .app_version = "0.1.0",
                                    .acked_number = 8,
                                    .unsent = 3,
                                    .log_head = testing_hash(5),
                                    .ancestors = timelines,
                                    .ancestor_count = 1,
                                    .is_copied = true,
                                    .stage_rev = 4800,
                                    .stage_head = testing_hash(4)};
        break;
    case FB_MESSAGE_WELCOME:
        m.welcome = (struct fb_welcome){.verdict = FB_VERDICT_NEW_TIMELINE,
                                        .incarnation = 2,
                                        .timeline = TIMELINE,
                                        .seen = 8,
                                        .seen_hash = testing_hash(6),
                                        .staged_number = 9,
                                        .staged_parts = 1,
                                        .now_ms = 1760000000456,
                                        .rev = 5000,
                                        .catalogue_version = 4,
                                        .retry_after_ms = 30,
                                        .employee_id = EMPLOYEE,
                                        .number_prefix = "A7",
                                        .ancestors = ancestors,
                                        .ancestor_count = 2,
                                        .must_enrol = true,
                                        .protocol = FB_PROTOCOL_VERSION,
                                        .must_wipe = true,
                                        .lease_ms = 1209600000,
                                        .is_cursor_lost = true};
        break;
    case FB_MESSAGE_CATALOGUE:
        m.catalogue = (struct fb_catalogue_message){
            .version = 4, .document = "{\"entities\":[]}", .document_size = 15};
        break;
    case FB_MESSAGE_PULL:
        m.pull = (struct fb_pull){.cursor = 4711,
                                  .timeline = TIMELINE,
                                  .wants_all = true,
                                  .wants_digest = true,
                                  .wants_scope_digests = true,
                                  .position = (const uint8_t *)"here",
                                  .position_size = 4,
                                  .scopes = scopes,
                                  .scope_count = 2,
                                  .repair = scopes,
                                  .repair_count = 1,
                                  .same = scopes,
                                  .same_count = 2};
        break;
    case FB_MESSAGE_CHUNK:
        m.chunk = (struct fb_chunk){.rev = 5000,
                                    .rows_done = 2000,
                                    .rows_total = 100000,
                                    .is_last = true,
                                    .position = (const uint8_t *)"there",
                                    .position_size = 5,
                                    .log_head = testing_hash(3)};
        break;
    case FB_MESSAGE_CUT:
        m.cut = (struct fb_cut){.rev = 5000,
                                .at_ms = 1760000000456,
                                .seen = 9,
                                .rows = 3,
                                .removes = 1,
                                .scopes = scopes,
                                .scope_count = 2,
                                .history_from_ms = 1,
                                .has_digest = true,
                                .digest = {1, 2, 3},
                                .log_head = testing_hash(9)};
        break;
    case FB_MESSAGE_WIPED:
        m.wiped_unsent = 4;
        break;
    case FB_MESSAGE_SCOPE_DIGESTS:
        m.scope_digests = (struct fb_scope_digests){.rev = 5000, .list = digests, .count = 2};
        break;
    case FB_MESSAGE_EVICT:
        m.evict = (struct fb_evict){.scopes = scopes, .scope_count = 2};
        break;
    default:
        break;
    }
    return m;
}

static inline struct fb_message testing_message(enum fb_message_kind kind, struct fb_arena *arena)
{
    static char ids[][FB_ROW_ID_SIZE] = {DEVICE, TIMELINE};
    static const char *titles[] = {"Maier & Sohn", "远东公司"};
    struct fb_message m = testing_message_of_round(kind);
    switch (kind) {
    case FB_MESSAGE_PUSH_PART:
        m.push_part = (struct fb_push_part){
            .incarnation = 2,
            .number = 9,
            .part = 1,
            .parts = 3,
            .timeline = TIMELINE,
            .prev_hash = testing_hash(7),
            .hash = testing_hash(8),
            .origin = {.incarnation = 1, .number = 7, .hash = testing_hash(9)},
            .bytes = (const uint8_t *)"changes",
            .size = 7};
        break;
    case FB_MESSAGE_ROWS:
        return testing_rows(arena, 20);
    case FB_MESSAGE_REMOVES:
        m.removes = (struct fb_removes){.entity_no = 80, .ids = ids, .count = 2};
        break;
    case FB_MESSAGE_REFERENCES:
        m.references =
            (struct fb_references){.entity_no = 70, .ids = ids, .titles = titles, .count = 2};
        break;
    case FB_MESSAGE_ACK:
        m.ack.number = 9;
        break;
    case FB_MESSAGE_POKE:
        m.poke.rev = 5001;
        break;
    case FB_MESSAGE_PING:
    case FB_MESSAGE_PONG:
        m.ping_ms = 1760000000789;
        break;
    case FB_MESSAGE_REFUSE:
        m.refuse = (struct fb_refuse){FB_REFUSAL_REVOKED, "this device was revoked", 60000};
        break;
    case FB_MESSAGE_ENROL_ASK:
        m.enrol_ask = (struct fb_enrol_ask){"ABCD-EFGH", "Ana's laptop", (const uint8_t *)"PEM",
                                            3,           true,           true};
        break;
    case FB_MESSAGE_ENROL_ANSWER:
        m.enrol_answer = (struct fb_enrol_answer){.device_id = DEVICE,
                                                  .employee_id = EMPLOYEE,
                                                  .certificate = (const uint8_t *)"CHAIN",
                                                  .certificate_size = 5,
                                                  .authority = (const uint8_t *)"CA",
                                                  .authority_size = 2,
                                                  .server_name = "hq.example.com",
                                                  .lease_secret = testing_hash(4),
                                                  .lease_ms = 1209600000,
                                                  .is_pending = true};
        break;
    default:
        break;
    }
    return m;
}

/* ---- Golden bytes ---- */

static inline void append_hex(struct fb_buf *text, const struct fb_buf *frame)
{
    for (size_t i = 0; i < frame->size; i++) {
        fb_buf_printf(text, "%02x%s", frame->bytes[i],
                      i % 32 == 31 || i + 1 == frame->size ? "\n" : "");
    }
}

/* The bytes must be those of the golden file; with FB_GOLDEN_WRITE=1 they are written there. */
static inline void testing_golden(const char *name, const struct fb_buf *frame)
{
    char path[512];
    snprintf(path, sizeof path, "%s/tests/golden/wire/%s.hex", FB_SOURCE_DIR, name);
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, 1024 * 1024);
    append_hex(&text, frame);
    bool may_write = getenv("FB_GOLDEN_WRITE") != NULL;
    FILE *file = fopen(path, may_write ? "w" : "r");
    assert_non_null(file);
    if (may_write) {
        fputs(fb_buf_text(&text), file);
    } else {
        char there[65536] = "";
        there[fread(there, 1, sizeof there - 1, file)] = '\0';
        assert_string_equal(there, fb_buf_text(&text));
    }
    fclose(file);
}

/* The bytes of a golden file, in the arena. */
static inline void testing_golden_read(const char *name, struct fb_arena *arena, struct fb_buf *ret)
{
    char path[512];
    snprintf(path, sizeof path, "%s/tests/golden/wire/%s.hex", FB_SOURCE_DIR, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    *ret = (struct fb_buf){.bytes = fb_arena_alloc(arena, 65536)};
    unsigned byte = 0;
    while (ret->size < 65536 && fscanf(file, "%2x", &byte) == 1) {
        ret->bytes[ret->size++] = (uint8_t)byte;
    }
    fclose(file);
}

static const enum fb_message_kind ALL_KINDS[] __attribute__((unused)) = {
    FB_MESSAGE_HELLO,        FB_MESSAGE_WELCOME, FB_MESSAGE_CATALOGUE,     FB_MESSAGE_PUSH_PART,
    FB_MESSAGE_ACK,          FB_MESSAGE_PULL,    FB_MESSAGE_ROWS,          FB_MESSAGE_REMOVES,
    FB_MESSAGE_CHUNK,        FB_MESSAGE_CUT,     FB_MESSAGE_POKE,          FB_MESSAGE_PING,
    FB_MESSAGE_PONG,         FB_MESSAGE_REFUSE,  FB_MESSAGE_SCOPE_DIGESTS, FB_MESSAGE_ENROL_ASK,
    FB_MESSAGE_ENROL_ANSWER, FB_MESSAGE_EVICT,   FB_MESSAGE_REFERENCES,    FB_MESSAGE_WIPED};
#define ALL_KIND_COUNT (sizeof ALL_KINDS / sizeof ALL_KINDS[0])

#endif
