/* SPDX-License-Identifier: MIT
 *
 * A catalogue document as it comes from the database or the wire. What is loaded must give tables and triggers, and load
 * again from its own bytes; any text that a field accepts must be read the same when it is shown and read again.
 */
#include <string.h>

#include "common/catalogue/ddl.h"
#include "tests/fuzz/fuzz.h"

static int count_statement(void *ctx, const char *name, const char *sql)
{
    size_t *bytes = ctx;
    fb_assert(strlen(name) > 0);
    *bytes += strlen(sql);
    return FB_OK;
}

static void write_tables(const struct fb_catalogue *c)
{
    FB_AUTO(fb_buf_release) struct fb_buf sql;
    fb_buf_init(&sql, FB_CATALOGUE_BYTES_MAX);
    for (size_t i = 0; i < c->entity_count; i++) {
        const struct fb_entity *e = &c->entities[i];
        size_t bytes = 0;
        fb_buf_clear(&sql);
        fb_ddl_table(&sql, e);
        for (size_t k = 0; k < e->field_count; k++) {
            fb_ddl_add_column(&sql, e, &e->fields[k]);
        }
        fb_ignore(fb_ddl_each_index(e, count_statement, &bytes),
                  "a statement may exceed its limit");
        fb_ignore(fb_ddl_each_trigger(c, e, count_statement, &bytes),
                  "a statement may exceed its limit");
        fb_buf_clear(&sql);
        fb_catalogue_append_pages(e, &sql);
    }
    fb_buf_clear(&sql);
    fb_catalogue_append_modules(c, &sql);
}

/* The labels and names of the document serve as what a person typed. */
static void read_as(const struct fb_field *f, const char *typed)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    FB_AUTO(fb_buf_release) struct fb_buf shown;
    struct fb_value v;
    struct fb_value again;
    struct fb_why why;
    fb_arena_init(&arena, 0);
    fb_buf_init(&shown, FB_VALUE_BYTES_MAX);
    if (fb_field_parse(f, typed, strlen(typed), &arena, &v, &why) < 0) {
        return;
    }
    fb_field_format(f, &v, &shown);
    int rc = fb_field_parse(f, fb_buf_text(&shown), shown.size, &arena, &again, &why);
    fb_assert(rc == FB_OK && fb_value_equal(&v, &again));
}

static void read_labels(const struct fb_catalogue *c)
{
    for (size_t i = 0; i < c->entity_count && i < 4; i++) {
        const struct fb_entity *e = &c->entities[i];
        for (size_t k = 0; k < e->field_count && k < 16; k++) {
            read_as(&e->fields[k], e->fields[k].label_en);
            read_as(&e->fields[k], e->fields[k].label_zh);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fb_catalogue *c = NULL;
    struct fb_why why = {{0}};
    if (fb_catalogue_load((const char *)data, size, &c, &why) < 0) {
        fb_assert(c == NULL && why.text[0] != 0);
        return 0;
    }
    write_tables(c);
    read_labels(c);
    struct fb_catalogue *again = NULL;
    int rc = fb_catalogue_load(c->document, c->document_size, &again, &why);
    fb_assert(rc == FB_OK && fb_sha256_equal(&c->hash, &again->hash));
    fb_catalogue_free(again);
    fb_catalogue_free(c);
    return 0;
}
