/* SPDX-License-Identifier: MIT */
#include "tests/unit/wire_testing.h"

#include "common/base/limits.h"

/* Parts as the outbox keeps them. */
struct parts {
    struct {
        uint8_t *bytes;
        size_t size;
    } list[64];
    size_t count;
};

static void keep(struct parts *p, struct fb_arena *arena, const uint8_t *bytes, size_t size)
{
    if (size > 0) {
        assert_true(p->count < 64);
        p->list[p->count].bytes = (uint8_t *)fb_arena_copy(arena, bytes, size);
        p->list[p->count++].size = size;
    }
}

static void write_all(const struct fb_change *changes, size_t count, struct fb_arena *arena,
                      struct parts *ret)
{
    struct fb_changes_writer *w = NULL;
    const uint8_t *part = NULL;
    size_t size = 0;
    assert_int_equal(fb_changes_writer_new(&w), FB_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(fb_changes_writer_add(w, &changes[i], &part, &size), FB_OK);
        keep(ret, arena, part, size);
    }
    assert_int_equal(fb_changes_writer_finish(w, &part, &size), FB_OK);
    keep(ret, arena, part, size);
    fb_changes_writer_free(w);
}

static void assert_steps_equal(const struct fb_field_change *a, const struct fb_field_change *b)
{
    assert_int_equal(a->step_count, b->step_count);
    for (size_t i = 0; i < a->step_count; i++) {
        assert_memory_equal(a->steps[i].id, b->steps[i].id, sizeof a->steps[i].id);
        assert_int_equal(a->steps[i].at_ms, b->steps[i].at_ms);
        assert_values_equal(&a->steps[i].from, &b->steps[i].from);
        assert_values_equal(&a->steps[i].to, &b->steps[i].to);
    }
}

static void assert_changes_equal(const struct fb_change *a, const struct fb_change *b)
{
    assert_int_equal(a->entity_no, b->entity_no);
    assert_int_equal(a->op, b->op);
    assert_string_equal(a->row_id, b->row_id);
    assert_int_equal(a->cursor, b->cursor);
    assert_int_equal(a->edited_at_ms, b->edited_at_ms);
    assert_int_equal(a->field_count, b->field_count);
    for (size_t i = 0; i < a->field_count; i++) {
        assert_int_equal(a->fields[i].field_no, b->fields[i].field_no);
        assert_int_equal(a->fields[i].edited_at_ms, b->fields[i].edited_at_ms);
        assert_int_equal(a->fields[i].cursor > a->cursor ? a->fields[i].cursor : a->cursor,
                         b->fields[i].cursor > b->cursor ? b->fields[i].cursor : b->cursor);
        assert_values_equal(&a->fields[i].base, &b->fields[i].base);
        assert_values_equal(&a->fields[i].mine, &b->fields[i].mine);
        assert_steps_equal(&a->fields[i], &b->fields[i]);
    }
}

static size_t assert_parts_hold(const struct parts *p, const struct fb_change *changes,
                                size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++) {
        FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
        struct fb_change *got = NULL;
        size_t got_count = 0;
        struct fb_why why = {""};
        assert_int_equal(
            fb_changes_read(p->list[i].bytes, p->list[i].size, &arena, &got, &got_count, &why),
            FB_OK);
        for (size_t k = 0; k < got_count; k++, n++) {
            assert_true(n < count);
            assert_changes_equal(&changes[n], &got[k]);
        }
    }
    assert_int_equal(n, count);
    return p->count;
}

/* ---- Random changes ---- */

static void random_steps(const struct fb_random *random, struct fb_arena *arena,
                         struct fb_field_change *field)
{
    field->step_count = 1 + pick(random, 4);
    field->steps = fb_arena_alloc(arena, field->step_count * sizeof *field->steps);
    for (size_t i = 0; i < field->step_count; i++) {
        random->fill(random->ctx, field->steps[i].id, sizeof field->steps[i].id);
        field->steps[i].at_ms = field->edited_at_ms - (int64_t)pick(random, 100000);
        field->steps[i].from = random_value(random, arena);
        field->steps[i].to = random_value(random, arena);
    }
}

static struct fb_change random_change(const struct fb_random *random, struct fb_arena *arena,
                                      bool with_steps)
{
    struct fb_change c = {.entity_no = 80 + (uint32_t)pick(random, 3),
                          .op = (enum fb_change_op)pick(random, 4),
                          .cursor = (int64_t)pick(random, 1000),
                          .edited_at_ms = 1760000000000 + (int64_t)pick(random, 100000)};
    fb_id_make(c.edited_at_ms, random, c.row_id);
    c.fields = fb_arena_alloc(arena, CONTACT_FIELD_COUNT * sizeof *c.fields);
    for (size_t i = 0; i < CONTACT_FIELD_COUNT; i++) {
        if (c.op == FB_CHANGE_NAMED || pick(random, 2) == 0) {
            continue;
        }
        struct fb_field_change *field = &c.fields[c.field_count++];
        *field =
            (struct fb_field_change){.field_no = CONTACT_FIELDS[i].no,
                                     .base = random_value(random, arena),
                                     .mine = random_value(random, arena),
                                     .edited_at_ms = c.edited_at_ms - (int64_t)pick(random, 5000)};
        field->cursor = c.cursor + (pick(random, 8) == 0 ? (int64_t)pick(random, 500) : 0);
        if (with_steps && pick(random, 4) == 0) {
            random_steps(random, arena, field);
        }
    }
    return c;
}

static struct fb_change *random_changes(uint64_t seed, size_t count, struct fb_arena *arena)
{
    uint64_t state;
    struct fb_random random = fb_random_seeded(&state, seed);
    struct fb_change *changes = fb_arena_alloc(arena, count * sizeof *changes);
    for (size_t i = 0; i < count; i++) {
        changes[i] = random_change(&random, arena, seed % 2 == 0);
    }
    return changes;
}

FB_TEST(any_changes_come_back_in_order_as_they_were_frozen)
{
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
        size_t count = 1 + seed % 40;
        struct fb_change *changes = random_changes(seed, count, &arena);
        struct parts parts = {.count = 0};
        write_all(changes, count, &arena, &parts);
        assert_int_equal(assert_parts_hold(&parts, changes, count), 1);
    }
}

FB_TEST(a_large_push_is_cut_into_parts_of_limited_size)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    size_t count = 20000;
    struct fb_change *changes = random_changes(42, count, &arena);
    struct parts parts = {.count = 0};
    write_all(changes, count, &arena, &parts);
    assert_true(assert_parts_hold(&parts, changes, count) > 3);
    for (size_t i = 0; i < parts.count; i++) {
        assert_true(parts.list[i].size < (size_t)FB_PUSH_PART_BYTES_AIM);
    }
}

/* Every change of another entity, with fields of its own: the most protobuf fields a part can have.
 */
FB_TEST(a_part_is_cut_before_the_receiver_would_find_too_many_fields)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    size_t count = 3000;
    struct fb_change *changes = random_changes(7, count, &arena);
    for (size_t i = 0; i < count; i++) {
        changes[i].entity_no = (uint32_t)i % 400;
        for (size_t k = 0; k < changes[i].field_count; k++) {
            changes[i].fields[k].field_no = (uint32_t)(8 + i + k * 100);
        }
    }
    struct parts parts = {.count = 0};
    write_all(changes, count, &arena, &parts);
    assert_true(assert_parts_hold(&parts, changes, count) > 1);
}

FB_TEST(a_change_without_fields_only_names_its_row)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_change change = {
        .entity_no = 80, .op = FB_CHANGE_NAMED, .row_id = DEVICE, .cursor = 3};
    struct parts parts = {.count = 0};
    write_all(&change, 1, &arena, &parts);
    assert_parts_hold(&parts, &change, 1);
}

FB_TEST(an_empty_push_has_no_part)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct parts parts = {.count = 0};
    write_all(NULL, 0, &arena, &parts);
    assert_int_equal(parts.count, 0);
}

FB_TEST(a_change_larger_than_a_part_travels_in_a_part_of_its_own)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_change *changes = random_changes(5, 3, &arena);
    char *large = fb_arena_alloc(&arena, FB_VALUE_BYTES_MAX);
    memset(large, 'x', FB_VALUE_BYTES_MAX);
    struct fb_field_change field = {.field_no = 13,
                                    .base = fb_value_text_n(large, FB_VALUE_BYTES_MAX),
                                    .mine = fb_value_text_n(large, FB_VALUE_BYTES_MAX - 1)};
    changes[1].fields = &field;
    changes[1].field_count = 1;
    changes[1].op = FB_CHANGE_UPDATE;
    struct parts parts = {.count = 0};
    write_all(changes, 3, &arena, &parts);
    assert_parts_hold(&parts, changes, 3);
}

FB_TEST(the_same_changes_give_the_same_bytes)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_change *changes = random_changes(9, 30, &arena);
    struct parts one = {.count = 0};
    struct parts two = {.count = 0};
    write_all(changes, 30, &arena, &one);
    write_all(changes, 30, &arena, &two);
    assert_int_equal(one.list[0].size, two.list[0].size);
    assert_memory_equal(one.list[0].bytes, two.list[0].bytes, one.list[0].size);
}

/* What laptops froze weeks ago must be read for ever. zstd's bytes change with its releases, so the old part is read, not made
 * again. */
FB_TEST(a_part_that_an_older_release_froze_is_read)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_step step = {.id = {1, 2, 3, 4, 5, 6, 7, 8},
                           .at_ms = 90,
                           .from = fb_value_int(1),
                           .to = fb_value_int(3)};
    struct fb_field_change fields[] = {{.field_no = 8,
                                        .base = fb_value_text("Wei"),
                                        .mine = fb_value_text("Wie"),
                                        .edited_at_ms = 99},
                                       {.field_no = 9,
                                        .base = FB_VALUE_NULL,
                                        .mine = fb_value_int(3),
                                        .edited_at_ms = 100,
                                        .steps = &step,
                                        .step_count = 1}};
    struct fb_change changes[] = {{.entity_no = 80,
                                   .op = FB_CHANGE_UPDATE,
                                   .row_id = DEVICE,
                                   .cursor = 3,
                                   .edited_at_ms = 100,
                                   .fields = fields,
                                   .field_count = 2},
                                  {.entity_no = 7,
                                   .op = FB_CHANGE_NAMED,
                                   .row_id = TIMELINE,
                                   .cursor = 4,
                                   .edited_at_ms = 101},
                                  {.entity_no = 80,
                                   .op = FB_CHANGE_DELETE,
                                   .row_id = EMPLOYEE,
                                   .cursor = 4,
                                   .edited_at_ms = 102,
                                   .fields = fields,
                                   .field_count = 1}};
    struct parts parts = {.count = 0};
    if (getenv("FB_GOLDEN_WRITE") != NULL) {
        write_all(changes, 3, &arena, &parts);
        struct fb_buf part = {.bytes = parts.list[0].bytes, .size = parts.list[0].size};
        testing_golden("changes", &part);
    }
    struct fb_buf there;
    testing_golden_read("changes", &arena, &there);
    parts.count = 0;
    keep(&parts, &arena, there.bytes, there.size);
    assert_parts_hold(&parts, changes, 3);
}

FB_MAIN(FB_CASE(a_part_that_an_older_release_froze_is_read),
        FB_CASE(any_changes_come_back_in_order_as_they_were_frozen),
        FB_CASE(a_large_push_is_cut_into_parts_of_limited_size),
        FB_CASE(a_part_is_cut_before_the_receiver_would_find_too_many_fields),
        FB_CASE(a_change_without_fields_only_names_its_row), FB_CASE(an_empty_push_has_no_part),
        FB_CASE(a_change_larger_than_a_part_travels_in_a_part_of_its_own),
        FB_CASE(the_same_changes_give_the_same_bytes))
