/* SPDX-License-Identifier: MIT */
#include "tests/unit/wire_testing.h"

#include "common/base/limits.h"

static int round_trip(const struct fb_message *m, const struct fb_catalogue *catalogue,
                      struct fb_arena *arena, struct fb_message *ret)
{
    FB_AUTO(fb_buf_release) struct fb_buf out;
    fb_buf_init(&out, 4 * FB_FRAME_BYTES_MAX);
    assert_int_equal(fb_message_encode(m, &out), FB_OK);
    struct fb_why why = {""};
    int rc = fb_message_decode(out.bytes, out.size, catalogue, arena, ret, &why);
    if (rc < 0) {
        assert_true(why.text[0] != '\0' || rc == FB_ERR_NO_MEMORY);
    }
    return rc;
}

static void assert_rows_equal(const struct fb_rows *a, const struct fb_rows *b)
{
    assert_ptr_equal(a->entity, b->entity);
    assert_int_equal(a->row_count, b->row_count);
    for (size_t i = 0; i < a->row_count; i++) {
        assert_string_equal(a->rows[i].id, b->rows[i].id);
        for (size_t k = 0; k < a->entity->field_count; k++) {
            assert_values_equal(&a->rows[i].values[k], &b->rows[i].values[k]);
        }
        for (size_t k = 0; k < FB_STAMP_COUNT; k++) {
            assert_values_equal(&a->rows[i].stamps[k], &b->rows[i].stamps[k]);
        }
    }
    assert_int_equal(a->old_count, b->old_count);
    for (size_t i = 0; i < a->old_count; i++) {
        assert_int_equal(a->old[i].row, b->old[i].row);
        assert_int_equal(a->old[i].field_no, b->old[i].field_no);
        assert_values_equal(&a->old[i].value, &b->old[i].value);
    }
}

FB_TEST(rows_arrive_as_they_were_sent)
{
    static const size_t COUNTS[] = {0, 1, 2, 7, 20, 300, FB_ROW_BATCH_ROWS_MAX};
    for (size_t i = 0; i < sizeof COUNTS / sizeof COUNTS[0]; i++) {
        FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
        struct fb_message m = testing_rows(&arena, COUNTS[i]);
        struct fb_message got;
        assert_int_equal(round_trip(&m, &TESTING_CATALOGUE, &arena, &got), FB_OK);
        assert_int_equal(got.kind, FB_MESSAGE_ROWS);
        assert_rows_equal(&m.rows, &got.rows);
    }
}

/* Each column draws how wild it is: one kind only, one kind with nulls, or anything. */
static struct fb_value wild_value(const struct fb_random *random, struct fb_arena *arena,
                                  uint64_t wildness, const struct fb_value *usual)
{
    if (wildness % 3 == 0 || (wildness % 3 == 1 && pick(random, 4) > 0)) {
        return usual->type == FB_TEXT && wildness % 5 == 0 ? random_text(random, arena) : *usual;
    }
    return wildness % 3 == 1 ? FB_VALUE_NULL : random_value(random, arena);
}

static struct fb_message random_rows(const struct fb_random *random, struct fb_arena *arena)
{
    struct fb_message m = testing_rows(arena, 1 + pick(random, 60));
    for (size_t k = 0; k < CONTACT_FIELD_COUNT + FB_STAMP_COUNT; k++) {
        uint64_t wildness = fb_random_u64(random);
        struct fb_value usual = random_value(random, arena);
        for (size_t i = 0; i < m.rows.row_count; i++) {
            struct fb_row *row = &m.rows.rows[i];
            struct fb_value *v =
                k < CONTACT_FIELD_COUNT ? &row->values[k] : &row->stamps[k - CONTACT_FIELD_COUNT];
            *v = wild_value(random, arena, wildness, &usual);
        }
    }
    m.rows.old_count = pick(random, 40);
    m.rows.old = fb_arena_alloc(arena, m.rows.old_count * sizeof *m.rows.old);
    for (size_t i = 0; i < m.rows.old_count; i++) {
        m.rows.old[i] =
            (struct fb_old_value){.row = (uint32_t)pick(random, m.rows.row_count),
                                  .field_no = CONTACT_FIELDS[pick(random, CONTACT_FIELD_COUNT)].no,
                                  .value = random_value(random, arena)};
    }
    return m;
}

FB_TEST(any_rows_arrive_as_they_were_sent)
{
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
        uint64_t state;
        struct fb_random random = fb_random_seeded(&state, seed);
        struct fb_message m = random_rows(&random, &arena);
        struct fb_message got;
        int rc = round_trip(&m, &TESTING_CATALOGUE, &arena, &got);
        if (rc != FB_OK) {
            print_message("seed %llu\n", (unsigned long long)seed);
        }
        assert_int_equal(rc, FB_OK);
        assert_rows_equal(&m.rows, &got.rows);
    }
}

FB_TEST(a_hidden_column_is_absent_in_every_row_and_null_is_not_absent)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_message m = testing_rows(&arena, 5);
    for (size_t i = 0; i < 5; i++) {
        m.rows.rows[i].values[4] = (struct fb_value){.type = FB_ABSENT};
        m.rows.rows[i].values[5] = FB_VALUE_NULL;
    }
    struct fb_message got;
    assert_int_equal(round_trip(&m, &TESTING_CATALOGUE, &arena, &got), FB_OK);
    assert_int_equal(got.rows.rows[3].values[4].type, FB_ABSENT);
    assert_int_equal(got.rows.rows[3].values[5].type, FB_NULL);
}

FB_TEST(text_that_is_not_utf8_keeps_its_bytes_and_becomes_a_blob)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_message m = testing_rows(&arena, 20);
    m.rows.rows[3].values[0] = fb_value_text_n("caf\xE9", 4);
    m.rows.rows[4].values[0] = fb_value_text_n("\xED\xA0\x80", 3); /* a lone surrogate */
    m.rows.rows[5].values[0] = fb_value_text_n("nul\0inside", 10);
    struct fb_message got;
    assert_int_equal(round_trip(&m, &TESTING_CATALOGUE, &arena, &got), FB_OK);
    struct fb_value blob = fb_value_blob("caf\xE9", 4);
    assert_values_equal(&got.rows.rows[3].values[0], &blob);
    assert_int_equal(got.rows.rows[4].values[0].type, FB_BLOB);
    assert_values_equal(&got.rows.rows[5].values[0], &m.rows.rows[5].values[0]);
    assert_values_equal(&got.rows.rows[6].values[0], &m.rows.rows[6].values[0]);
}

FB_TEST(text_that_only_looks_like_an_id_or_an_instant_is_not_altered)
{
    static const char *const LOOKALIKES[] = {"01890A5D-AC96-774B-BCCE-B302099A8057",
                                             "01890a5d-ac96-774b-bcce-b302099a805g",
                                             "01890a5dxac96-774b-bcce-b302099a8057",
                                             "2026-02-30T00:00:00.000Z",
                                             "2026-03-31T16:30:00.250z",
                                             "2026-03-31 16:30:00.250Z",
                                             "0000-01-01T00:00:00.000Z",
                                             "9999-12-31T23:59:59.999Z"};
    size_t count = sizeof LOOKALIKES / sizeof LOOKALIKES[0];
    for (size_t i = 0; i < count; i++) {
        FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
        struct fb_message m = testing_rows(&arena, 20);
        for (size_t k = 0; k < 20; k++) {
            m.rows.rows[k].values[2] =
                fb_value_text(i + 2 < count && k < 10 ? EMPLOYEE : LOOKALIKES[i]);
        }
        struct fb_message got;
        assert_int_equal(round_trip(&m, &TESTING_CATALOGUE, &arena, &got), FB_OK);
        assert_rows_equal(&m.rows, &got.rows);
    }
}

FB_TEST(a_field_the_laptop_does_not_know_yet_is_skipped)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_message m = testing_rows(&arena, 20);
    m.rows.old[1].field_no = 13;
    struct fb_message got;
    assert_int_equal(round_trip(&m, &OLDER_CATALOGUE, &arena, &got), FB_OK);
    assert_int_equal(got.rows.row_count, 20);
    assert_values_equal(&got.rows.rows[7].values[1], &m.rows.rows[7].values[1]);
    assert_int_equal(got.rows.old_count, 1);
    assert_int_equal(got.rows.old[0].field_no, 8);
}

FB_TEST(rows_of_an_unknown_entity_are_refused)
{
    static const struct fb_catalogue EMPTY = {.version = 1};
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_message m = testing_rows(&arena, 3);
    struct fb_message got;
    assert_int_equal(round_trip(&m, &EMPTY, &arena, &got), FB_ERR_PROTOCOL);
    assert_int_equal(round_trip(&m, NULL, &arena, &got), FB_ERR_PROTOCOL);
}

FB_TEST(a_batch_over_the_limit_is_not_made)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    FB_AUTO(fb_buf_release) struct fb_buf out;
    fb_buf_init(&out, FB_FRAME_BYTES_MAX);
    struct fb_message m = testing_rows(&arena, FB_ROW_BATCH_ROWS_MAX + 1);
    assert_int_equal(fb_message_encode(&m, &out), FB_ERR_LIMIT);
    m = testing_rows(&arena, 1);
    char *large = fb_arena_alloc(&arena, FB_VALUE_BYTES_MAX + 1);
    memset(large, 'x', FB_VALUE_BYTES_MAX + 1);
    m.rows.rows[0].values[4] = fb_value_text_n(large, FB_VALUE_BYTES_MAX + 1);
    assert_int_equal(fb_message_encode(&m, &out), FB_ERR_LIMIT);
    assert_int_equal(out.size, 0);
}

FB_MAIN(FB_CASE(rows_arrive_as_they_were_sent), FB_CASE(any_rows_arrive_as_they_were_sent),
        FB_CASE(a_hidden_column_is_absent_in_every_row_and_null_is_not_absent),
        FB_CASE(text_that_is_not_utf8_keeps_its_bytes_and_becomes_a_blob),
        FB_CASE(text_that_only_looks_like_an_id_or_an_instant_is_not_altered),
        FB_CASE(a_field_the_laptop_does_not_know_yet_is_skipped),
        FB_CASE(rows_of_an_unknown_entity_are_refused), FB_CASE(a_batch_over_the_limit_is_not_made))
