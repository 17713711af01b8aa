/* SPDX-License-Identifier: MIT
 *
 * What the tests of the replica's side share: a laptop on a real file, and a headquarters that says
 * what the test writes.
 *
 *     struct laptop *t = new_laptop();
 *     run(t->store, "INSERT ...");
 *     connect(t);                         hello is heard, the welcome said
 *     hear(t, FB_MESSAGE_PUSH_PART);      what the laptop says next
 *     say_row(t, "company", ID_A, "name", "Acme", NULL);
 *     say_cut(t, 7, 1);
 */
#ifndef FB_SYNC_REPLICA_TESTING_H
#define FB_SYNC_REPLICA_TESTING_H

#include <stdarg.h>

#include "common/base/planted.h"
#include "common/store/outbox.h"
#include "common/sync/sync.h"
#include "tests/unit/store_testing.h"

#define ID_D     "018f0000-0000-7000-8000-00000000000d"
#define DEVICE   "018f0000-0000-7000-8000-0000000000de"
#define EMPLOYEE "018f0000-0000-7000-8000-0000000000ee"
#define TIMELINE "018f0000-0000-7000-8000-000000000001"
#define FOUND_VALUE                                                                                \
    ",{'no':9,'name':'found_value','en':'Found','zh':'发现','scope':{'rule':'device_only'},'"    \
    "title':['entity'],"                                                                           \
    "'fields':["                                                                                   \
    "{'no':8,'name':'device_id','type':'text','en':'Device','zh':'设备','required':true},"       \
    "{'no':9,'name':'entity','type':'text','en':'Kind','zh':'类型','required':true},"            \
    "{'no':10,'name':'record_id','type':'uuid','en':'Record','zh':'记录','required':true},"      \
    "{'no':11,'name':'field','type':'text','en':'Field','zh':'字段','required':true},"           \
    "{'no':12,'name':'value','type':'json','en':'Value','zh':'值','required':true},"              \
    "{'no':13,'name':'found_at','type':'dt','en':'Found','zh':'时间','required':true},"          \
    "{'no':14,'name':'state','type':'text','en':'State','zh':'状态','required':true}]}"

struct laptop {
    char path[256];
    struct fb_store *store;
    struct fb_replica_round *round;
    uint64_t random_state;
    struct fb_random random;
    int64_t now_ms;
    struct fb_buf out; /* what the laptop said and nobody heard */
    struct fb_arena arena;
    int rc; /* of the last feed or take */
    /* The cut being said. */
    int64_t rows;
    int64_t removes;
    int64_t incarnation;
};

static inline const struct fb_replica_status *status(const struct laptop *t)
{
    return fb_replica_round_status(t->round);
}

static inline void start(struct laptop *t)
{
    t->store = open_store(t->path, FB_NODE_REPLICA);
    assert_int_equal(fb_replica_round_new(t->store, &t->random, &t->round), FB_OK);
}

static inline void stop(struct laptop *t)
{
    fb_replica_round_free(t->round);
    fb_store_close(t->store);
    fb_buf_clear(&t->out);
}

/* The process ends and starts again. */
static inline void restart(struct laptop *t)
{
    stop(t);
    start(t);
}

/* A new file each time, enrolled, with the test's catalogue. */
static inline struct laptop *new_laptop(void)
{
    static int count;
    struct laptop *t = calloc(1, sizeof *t);
    assert_non_null(t);
    char name[32];
    snprintf(name, sizeof name, "laptop-%d.db", count++);
    snprintf(t->path, sizeof t->path, "%s", fb_test_path(name));
    t->random = fb_random_seeded(&t->random_state, 4711);
    t->now_ms = 1700000000000;
    t->incarnation = 1;
    fb_buf_init(&t->out, 16 * FB_OUTPUT_BYTES_HIGH);
    start(t);
    put_catalogue(t->store, test_catalogue(1, TEST_ENTITIES("") FOUND_VALUE));
    struct fb_value device = fb_value_text(DEVICE);
    assert_int_equal(fb_store_begin(t->store), FB_OK);
    assert_int_equal(fb_store_meta_set(t->store, "device_id", &device), FB_OK);
    assert_int_equal(fb_store_commit(t->store), FB_OK);
    return t;
}

static inline void free_laptop(struct laptop *t)
{
    stop(t);
    fb_buf_release(&t->out);
    fb_arena_release(&t->arena);
    free(t);
}

static inline void expect_fine(struct laptop *t)
{
    if (t->rc < 0) {
        fail_msg("%s: %s", fb_err_name(t->rc), status(t)->sentence);
    }
}

static inline void take(struct laptop *t)
{
    t->rc = fb_replica_round_take(t->round, &t->out, t->now_ms);
}

static inline void feed(struct laptop *t, const struct fb_buf *bytes)
{
    t->rc = fb_replica_round_feed(t->round, bytes->bytes, bytes->size, t->now_ms);
    if (t->rc == FB_OK) {
        take(t);
    }
}

/* What headquarters says; t->rc tells how it was taken. */
static inline void try_say(struct laptop *t, const struct fb_message *m)
{
    struct fb_buf bytes;
    fb_buf_init(&bytes, 8 * FB_FRAME_BYTES_MAX);
    assert_int_equal(fb_message_encode(m, &bytes), FB_OK);
    feed(t, &bytes);
    fb_buf_release(&bytes);
}

static inline void say(struct laptop *t, const struct fb_message *m)
{
    try_say(t, m);
    expect_fine(t);
}

/* The next thing the laptop said; it must be of that kind. Lives until the laptop is freed. */
static inline const struct fb_message *hear(struct laptop *t, enum fb_message_kind kind)
{
    size_t size = 0;
    struct fb_why why = {""};
    assert_int_equal(fb_frame_find(t->out.bytes, t->out.size, FB_FRAME_BYTES_MAX, &size, &why),
                     FB_OK);
    if (size == 0) {
        fail_msg("the laptop said nothing instead of %d: %s", (int)kind, status(t)->sentence);
    }
    struct fb_message *m = fb_arena_alloc(&t->arena, sizeof *m);
    assert_non_null(m);
    uint8_t *frame = (uint8_t *)fb_arena_copy(&t->arena, t->out.bytes, size);
    if (fb_message_decode(frame, size, fb_store_catalogue(t->store), &t->arena, m, &why) != FB_OK) {
        fail_msg("%s", why.text);
    }
    assert_int_equal(m->kind, kind);
    fb_buf_consume(&t->out, size);
    return m;
}

static inline void expect_silence(struct laptop *t)
{
    assert_int_equal(t->out.size, 0);
}

static inline struct fb_welcome usual_welcome(const struct laptop *t)
{
    struct fb_welcome w = {.incarnation = t->incarnation,
                           .timeline = TIMELINE,
                           .now_ms = t->now_ms,
                           .catalogue_version = 1,
                           .employee_id = EMPLOYEE,
                           .number_prefix = "A1"};
    return w;
}

static inline void say_welcome(struct laptop *t, const struct fb_welcome *w)
{
    say(t, &(struct fb_message){.kind = FB_MESSAGE_WELCOME, .welcome = *w});
}

/* The link comes up; the hello is returned. */
static inline const struct fb_hello *open_link(struct laptop *t)
{
    fb_buf_clear(&t->out);
    fb_replica_round_opened(t->round, t->now_ms);
    take(t);
    expect_fine(t);
    return &hear(t, FB_MESSAGE_HELLO)->hello;
}

static inline void cut_link(struct laptop *t)
{
    fb_replica_round_closed(t->round, t->now_ms);
    fb_buf_clear(&t->out);
    t->rows = t->removes = 0;
}

/* Hello and welcome; headquarters has seen pushes up to seen, with the hash the laptop's have. */
static inline void connect_seen(struct laptop *t, int64_t seen)
{
    open_link(t);
    struct fb_welcome w = usual_welcome(t);
    struct fb_push push;
    if (seen > 0) {
        assert_int_equal(fb_outbox_get(t->store, seen, &push), FB_OK);
        w.seen = seen;
        w.seen_hash = push.hash;
    }
    say_welcome(t, &w);
}

static inline void say_ack(struct laptop *t, int64_t number)
{
    say(t, &(struct fb_message){.kind = FB_MESSAGE_ACK, .ack.number = number});
}

/* Field names and texts, then NULL. Integers are read from their text; "NULL" is null. What is not
 * named is null, sums are 0. */
static inline void fill_row(struct laptop *t, struct fb_row *row, va_list args)
{
    const struct fb_entity *e = row->entity;
    for (size_t i = 0; i < e->field_count; i++) {
        bool is_device = e->fields[i].visibility == FB_SEEN_ON_DEVICE;
        row->values[i] = is_device                             ? (struct fb_value){0}
                         : e->fields[i].policy == FB_MERGE_SUM ? fb_value_int(0)
                                                               : FB_VALUE_NULL;
    }
    for (const char *name; (name = va_arg(args, const char *)) != NULL;) {
        const struct fb_field *f = fb_entity_field(e, name);
        assert_non_null(f);
        const char *text = va_arg(args, const char *);
        row->values[f->index] = strcmp(text, "NULL") == 0 ? FB_VALUE_NULL
                                : f->storage == FB_INT
                                    ? fb_value_int(strtoll(text, NULL, 10))
                                    : fb_value_text(fb_arena_strdup(&t->arena, text));
    }
    for (size_t i = 0; i < FB_STAMP_COUNT; i++) {
        row->stamps[i] = FB_VALUE_NULL;
    }
}

static inline struct fb_row make_row(struct laptop *t, const char *entity_name, const char *id, ...)
{
    struct fb_row row;
    assert_int_equal(fb_row_new(entity(t->store, entity_name), id, &t->arena, &row), FB_OK);
    va_list args;
    va_start(args, id);
    fill_row(t, &row, args);
    va_end(args);
    return row;
}

static inline struct fb_message rows_message(struct fb_row *row)
{
    return (struct fb_message){.kind = FB_MESSAGE_ROWS,
                               .rows = {.entity = row->entity, .rows = row, .row_count = 1}};
}

static inline void say_made_row(struct laptop *t, struct fb_row row)
{
    struct fb_message m = rows_message(&row);
    say(t, &m);
    t->rows++;
}
#define say_row(t, ...) say_made_row(t, make_row(t, __VA_ARGS__))

/* A row of which one field changed since the cursor, and what it held then. */
static inline void say_changed_row(struct laptop *t, struct fb_row row, const char *field,
                                   const char *old)
{
    struct fb_old_value value = {.field_no = fb_entity_field(row.entity, field)->no,
                                 .value = fb_value_text(old)};
    struct fb_message m = rows_message(&row);
    m.rows.old = &value;
    m.rows.old_count = 1;
    say(t, &m);
    t->rows++;
}

static inline void say_remove(struct laptop *t, const char *entity_name, const char *id)
{
    char ids[1][FB_ROW_ID_SIZE];
    memcpy(ids[0], id, FB_ROW_ID_SIZE);
    say(t,
        &(struct fb_message){
            .kind = FB_MESSAGE_REMOVES,
            .removes = {.entity_no = entity(t->store, entity_name)->no, .ids = ids, .count = 1}});
    t->removes++;
}

static const char *const usual_scopes[] = {"global", "company:*", ("employee:" EMPLOYEE)};

static inline struct fb_cut usual_cut(struct laptop *t, int64_t rev, int64_t seen)
{
    const char **scopes = fb_arena_alloc(&t->arena, sizeof usual_scopes);
    memcpy(scopes, usual_scopes, sizeof usual_scopes);
    struct fb_cut cut = {.rev = rev,
                         .at_ms = t->now_ms,
                         .seen = seen,
                         .rows = t->rows,
                         .removes = t->removes,
                         .scopes = scopes,
                         .scope_count = sizeof usual_scopes / sizeof usual_scopes[0]};
    t->rows = t->removes = 0;
    return cut;
}

static inline void say_this_cut(struct laptop *t, const struct fb_cut *cut)
{
    say(t, &(struct fb_message){.kind = FB_MESSAGE_CUT, .cut = *cut});
}

static inline void say_cut(struct laptop *t, int64_t rev, int64_t seen)
{
    struct fb_cut cut = usual_cut(t, rev, seen);
    say_this_cut(t, &cut);
}

static inline void say_chunk(struct laptop *t, int64_t rev, const char *position, bool is_last)
{
    const char **scopes = fb_arena_alloc(&t->arena, sizeof usual_scopes);
    memcpy(scopes, usual_scopes, sizeof usual_scopes);
    say(t,
        &(struct fb_message){.kind = FB_MESSAGE_CHUNK,
                             .chunk = {.scopes = scopes,
                                       .scope_count = sizeof usual_scopes / sizeof usual_scopes[0],
                                       .rev = rev,
                                       .rows_done = t->rows,
                                       .rows_total = 10,
                                       .is_last = is_last,
                                       .position = (const uint8_t *)position,
                                       .position_size = strlen(position)}});
}

static inline void say_poke(struct laptop *t, int64_t rev)
{
    say(t, &(struct fb_message){.kind = FB_MESSAGE_POKE, .poke = {.rev = rev}});
}

/* The empty first download: afterwards the laptop stands at rev 1, in step. */
static inline void settle(struct laptop *t)
{
    connect_seen(t, 0);
    assert_true(hear(t, FB_MESSAGE_PULL)->pull.wants_all);
    say_chunk(t, 1, "end", true);
    hear(t, FB_MESSAGE_PULL);
    t->rows = 0;
    say_cut(t, 1, 0);
    expect_silence(t);
    assert_true(fb_replica_round_is_in_step(t->round));
}

/* The same with one company. */
static inline void settle_with(struct laptop *t, struct fb_row row)
{
    connect_seen(t, 0);
    hear(t, FB_MESSAGE_PULL);
    say_made_row(t, row);
    say_chunk(t, 1, "end", true);
    hear(t, FB_MESSAGE_PULL);
    t->rows = 0;
    say_cut(t, 1, 0);
    expect_silence(t);
    assert_true(fb_replica_round_is_in_step(t->round));
}

/* The user writes, and the daemon notices. */
static inline void write_sql(struct laptop *t, const char *text)
{
    run(t->store, text);
    fb_replica_round_noticed_write(t->round, t->now_ms);
    take(t);
}

/* The changes of a part that was heard. */
static inline struct fb_change *changes_of(struct laptop *t, const struct fb_push_part *part,
                                           size_t *ret_count)
{
    struct fb_change *changes = NULL;
    struct fb_why why = {""};
    if (fb_changes_read(part->bytes, part->size, &t->arena, &changes, ret_count, &why) != FB_OK) {
        fail_msg("%s", why.text);
    }
    return changes;
}

/* One text of one row; "" if it is null, "(none)" if there is no row. Lives until the laptop is
 * freed. */
static inline const char *text_of(struct laptop *t, const char *table, const char *id,
                                  const char *column)
{
    char text[200];
    snprintf(text, sizeof text, "SELECT %s FROM %s WHERE id = ?1", column, table);
    struct fb_sql *q = NULL;
    const char *kept = fb_arena_strdup(&t->arena, text);
    assert_int_equal(fb_sql_begin(t->store, kept, &q), FB_OK);
    fb_sql_bind_text(q, 1, id);
    const char *ret = "(none)";
    if (fb_sql_step(q) == FB_SQL_ROW) {
        ret = fb_arena_strdup(&t->arena, fb_sql_text(q, 0) == NULL ? "" : fb_sql_text(q, 0));
    }
    fb_sql_end(q);
    return ret;
}

#define expect_text(t, table, id, column, expected)                                                \
    assert_string_equal(text_of(t, table, id, column), expected)

#endif
