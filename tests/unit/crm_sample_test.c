/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/hash.h"
#include "common/base/id.h"
#include "common/base/time.h"
#include "common/crm/sample.h"
#include "tests/lib/testlib.h"

#define ROWS_MAX 20000
#define NOW_MS   INT64_C(1760000000000)

/* Rows seen so far: of the seed and of the sample. */
struct seen {
    const struct fb_catalogue *catalogue;
    json_t *ids;     /* id: entity's name */
    json_t *choices; /* "list/value": true */
    size_t per_entity[FB_ENTITIES_MAX];
    size_t rows;
    struct fb_buf bytes; /* canonical bytes of all rows */
};

static void remember(struct seen *s, const struct fb_entity *e, const char *id)
{
    assert_null(json_object_get(s->ids, id));
    json_object_set_new(s->ids, id, json_string(e->name));
    s->per_entity[e->index]++;
    s->rows++;
}

static void check_reference(const struct seen *s, const struct fb_field *f,
                            const struct fb_value *v, const char *target)
{
    char id[FB_ROW_ID_SIZE];
    assert_int_equal(v->size, FB_ROW_ID_SIZE - 1);
    snprintf(id, sizeof id, "%.*s", (int)v->size, v->bytes);
    const char *entity = json_string_value(json_object_get(s->ids, id));
    if (entity == NULL || strcmp(entity, target) != 0) {
        fail_msg("%s points to %s, which is %s", f->name, id, entity == NULL ? "nowhere" : entity);
    }
}

static void check_value(const struct seen *s, const struct fb_row *row, const struct fb_field *f)
{
    const struct fb_value *v = &row->values[f->index];
    struct fb_why why = {{0}};
    if (fb_field_check(f, v, &why) < 0) {
        fail_msg("%s: %s", row->entity->name, why.text);
    }
    if (v->type == FB_NULL && f->is_required) {
        fail_msg("%s.%s is required and empty", row->entity->name, f->name);
    }
    if (v->type == FB_NULL) {
        return;
    }
    if (f->type == FB_TYPE_REF) {
        check_reference(s, f, v, f->targets[0]->name);
    } else if (f->type == FB_TYPE_POLY) {
        check_reference(s, f, v, row->values[f->target_name->index].bytes);
    } else if (f->type == FB_TYPE_PICK) {
        char key[200];
        snprintf(key, sizeof key, "%s/%.*s", f->list, (int)v->size, v->bytes);
        if (json_object_get(s->choices, key) == NULL) {
            fail_msg("%s.%s: choice %s is not seeded", row->entity->name, f->name, key);
        }
    }
}

static int take_row(void *ctx, const struct fb_row *row)
{
    struct seen *s = ctx;
    for (size_t i = 0; i < row->entity->field_count; i++) {
        check_value(s, row, &row->entity->fields[i]);
    }
    fb_row_append_canonical(&s->bytes, row);
    remember(s, row->entity, row->id);
    return s->rows > ROWS_MAX ? FB_ERR_LIMIT : FB_OK;
}

static struct fb_value value_of(const struct fb_field *f, const json_t *json)
{
    if (json_is_integer(json)) {
        return fb_value_int(json_integer_value(json));
    }
    if (json == NULL) {
        return f->initial;
    }
    return fb_value_text(json_string_value(json));
}

static void take_seed_row(struct seen *s, const struct fb_entity *e, json_t *json)
{
    struct fb_value values[FB_FIELDS_MAX];
    struct fb_row row = {.entity = e, .values = values};
    snprintf(row.id, sizeof row.id, "%s", json_string_value(json_object_get(json, "id")));
    assert_true(fb_id_is_valid(row.id, strlen(row.id)));
    size_t named = 1;
    for (size_t i = 0; i < e->field_count; i++) {
        const json_t *member = json_object_get(json, e->fields[i].name);
        named += member != NULL;
        values[i] = value_of(&e->fields[i], member);
        if (e->fields[i].is_required && member == NULL) {
            fail_msg("seed: %s %s lacks %s", e->name, row.id, e->fields[i].name);
        }
    }
    assert_int_equal(named, json_object_size(json)); /* no field that the catalogue does not know */
    assert_int_equal(take_row(s, &row), FB_OK);
}

static void take_choices(struct seen *s, json_t *lists, json_t *choices)
{
    json_t *names = json_object();
    size_t i;
    json_t *row;
    json_array_foreach(lists, i, row)
    {
        json_object_set(names, json_string_value(json_object_get(row, "id")),
                        json_object_get(row, "name"));
    }
    json_array_foreach(choices, i, row)
    {
        char key[200];
        const char *list = json_string_value(
            json_object_get(names, json_string_value(json_object_get(row, "choice_list_id"))));
        snprintf(key, sizeof key, "%s/%s", list, json_string_value(json_object_get(row, "value")));
        assert_null(json_object_get(s->choices, key));
        json_object_set_new(s->choices, key, json_true());
    }
    json_decref(names);
}

static void take_seed(struct seen *s)
{
    json_t *root =
        json_load_file(FB_SOURCE_DIR "/share/seed/seed.json", JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    json_t *blocks = json_object_get(root, "rows");
    size_t i;
    json_t *block;
    json_array_foreach(blocks, i, block)
    {
        const struct fb_entity *e =
            fb_catalogue_entity(s->catalogue, json_string_value(json_object_get(block, "entity")));
        size_t k;
        json_t *row;
        assert_non_null(e);
        json_array_foreach(json_object_get(block, "rows"), k, row)
        {
            take_seed_row(s, e, row);
        }
    }
    take_choices(s, json_object_get(json_array_get(blocks, 0), "rows"),
                 json_object_get(json_array_get(blocks, 1), "rows"));
    json_decref(root);
}

static void begin(struct seen *s)
{
    struct fb_catalogue *c = NULL;
    assert_int_equal(
        fb_catalogue_read_folder(FB_SOURCE_DIR "/common/catalogue/entities", 1, &c, NULL), FB_OK);
    *s = (struct seen){.catalogue = c, .ids = json_object(), .choices = json_object()};
    fb_buf_init(&s->bytes, 64 * 1024 * 1024);
    take_seed(s);
}

static void end(struct seen *s)
{
    struct fb_catalogue *c = (struct fb_catalogue *)(uintptr_t)s->catalogue;
    json_decref(s->ids);
    json_decref(s->choices);
    fb_buf_release(&s->bytes);
    fb_catalogue_free(c);
}

static struct fb_sha256 sample(struct seen *s, uint64_t seed, size_t companies)
{
    struct fb_why why = {{0}};
    const struct fb_sample_ask ask = {
        .catalogue = s->catalogue, .seed = seed, .now_ms = NOW_MS, .companies = companies};
    fb_buf_clear(&s->bytes);
    if (fb_sample_make(&ask, take_row, s, &why) < 0) {
        fail_msg("%s", why.text);
    }
    return fb_sha256(s->bytes.bytes, s->bytes.size, NULL, 0);
}

FB_TEST(every_choice_list_a_field_names_is_seeded_with_choices)
{
    struct seen s;
    begin(&s);
    for (size_t i = 0; i < s.catalogue->entity_count; i++) {
        const struct fb_entity *e = &s.catalogue->entities[i];
        for (size_t k = 0; k < e->field_count; k++) {
            const char *list = e->fields[k].list;
            size_t size = list == NULL ? 0 : strlen(list);
            bool found = list == NULL;
            const char *key;
            json_t *value;
            json_object_foreach(s.choices, key, value)
            {
                found = found || (strncmp(key, list, size) == 0 && key[size] == '/');
            }
            if (!found) {
                fail_msg("%s.%s: list %s has no choices", e->name, e->fields[k].name, list);
            }
        }
    }
    assert_int_equal(s.per_entity[fb_catalogue_entity(s.catalogue, "choice_list")->index], 31);
    end(&s);
}

FB_TEST(sample_rows_are_whole_valid_and_point_at_rows_that_came_before)
{
    struct seen s;
    begin(&s);
    sample(&s, 1, 200);
    static const struct {
        const char *entity;
        size_t least;
    } COUNTS[] = {{"employee", 6},      {"product", 10},      {"company", 200},
                  {"contact", 350},     {"address", 200},     {"comm_point", 800},
                  {"opportunity", 200}, {"sales_order", 120}, {"order_line", 250},
                  {"activity", 250}};
    for (size_t i = 0; i < sizeof COUNTS / sizeof COUNTS[0]; i++) {
        size_t count = s.per_entity[fb_catalogue_entity(s.catalogue, COUNTS[i].entity)->index];
        if (count < COUNTS[i].least) {
            fail_msg("%zu rows of %s", count, COUNTS[i].entity);
        }
    }
    end(&s);
}

FB_TEST(the_same_seed_makes_the_same_rows_and_another_seed_others)
{
    struct fb_sha256 hashes[3];
    for (size_t i = 0; i < 3; i++) {
        struct seen s;
        begin(&s);
        hashes[i] = sample(&s, i == 2 ? 8 : 7, 30);
        end(&s);
    }
    assert_true(fb_sha256_equal(&hashes[0], &hashes[1]));
    assert_false(fb_sha256_equal(&hashes[0], &hashes[2]));
}

static int count_owners(void *ctx, const struct fb_row *row)
{
    size_t *employees = ctx;
    *employees += strcmp(row->entity->name, "employee") == 0;
    return FB_OK;
}

static int stop_at_once(void *ctx, const struct fb_row *row)
{
    (void)ctx;
    (void)row;
    return FB_ERR_DISK_FULL;
}

FB_TEST(given_owners_are_used_and_a_caller_can_stop_the_work)
{
    struct seen s;
    begin(&s);
    const char *owners[] = {"01900000-0000-7000-8000-000000000001"};
    size_t employees = 0;
    const struct fb_sample_ask ask = {.catalogue = s.catalogue,
                                      .seed = 1,
                                      .now_ms = NOW_MS,
                                      .companies = 3,
                                      .owner_ids = owners,
                                      .owner_count = 1};
    assert_int_equal(fb_sample_make(&ask, count_owners, &employees, NULL), FB_OK);
    assert_int_equal(employees, 0);
    assert_int_equal(fb_sample_make(&ask, stop_at_once, NULL, NULL), FB_ERR_DISK_FULL);
    end(&s);
}

FB_MAIN(FB_CASE(every_choice_list_a_field_names_is_seeded_with_choices),
        FB_CASE(sample_rows_are_whole_valid_and_point_at_rows_that_came_before),
        FB_CASE(the_same_seed_makes_the_same_rows_and_another_seed_others),
        FB_CASE(given_owners_are_used_and_a_caller_can_stop_the_work))
