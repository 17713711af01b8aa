/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/crm/title.h"
#include "common/search/inside.h"

struct asking {
    struct fb_search *search;
    struct fb_store *store;
    const struct fb_catalogue *catalogue;
    const struct fb_search_ask *ask;
    fb_search_each *each;
    void *ctx;
    /* what was handed out, so that a record comes once */
    struct {
        const struct fb_entity *entity;
        char id[FB_ROW_ID_SIZE];
    } given[FB_SEARCH_HITS_MAX];
    size_t given_count;
};

/* bm25 weighs title, body, pinyin, digits; candidates are the newest of those that match, since ranking tens of thousands would take longer than a keystroke. */
static const char CANDIDATES[] =
    "SELECT r.entity, r.id, r.title, r.shown_entity, r.shown_id, r.is_reference "
    "FROM (SELECT rowid AS no, bm25(words, 10.0, 1.0, 5.0, 3.0) AS weight FROM words "
    "      WHERE words MATCH ?1 ORDER BY rowid DESC LIMIT ?2) AS w "
    "JOIN record AS r ON r.no = w.no "
    "ORDER BY r.is_reference, w.weight, r.no DESC";

static bool was_given(const struct asking *a, const struct fb_entity *e, const char *id)
{
    for (size_t i = 0; i < a->given_count; i++) {
        if (a->given[i].entity == e && strcmp(a->given[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

static size_t given_of(const struct asking *a, const struct fb_entity *e)
{
    size_t count = 0;
    for (size_t i = 0; i < a->given_count; i++) {
        count += a->given[i].entity == e;
    }
    return count;
}

/* A field of the second line, references by their titles. */
static int append_value(struct asking *a, const struct fb_row *row, const struct fb_field *f,
                        struct fb_buf *buf)
{
    const struct fb_value *v = &row->values[f->index];
    if (fb_value_is_empty(v) || f->visibility != FB_SEEN_BY_ALL) {
        return FB_OK;
    }
    size_t before = buf->size;
    fb_buf_append_text(buf, before > 0 ? " · " : "");
    size_t start = buf->size;
    int rc = FB_OK;
    char id[FB_ROW_ID_SIZE];
    if (f->type == FB_TYPE_REF && fb_value_to_id(v, id)) {
        rc = fb_title_append(a->store, f->targets[0]->name, id, buf);
    } else if (f->type != FB_TYPE_POLY) {
        fb_field_format(f, v, buf);
    }
    if (buf->size == start) {
        buf->size = before;
    }
    return rc < 0 ? rc : fb_buf_error(buf);
}

static int append_second(struct asking *a, const struct fb_entity *e, const char *id,
                         struct fb_buf *buf)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    struct fb_row row;
    bool is_there = false;
    fb_arena_init(&arena, 0);
    int rc = fb_row_read(a->store, e, id, &arena, &row, &is_there);
    const struct fb_name_list *second = &e->layout.second;
    for (size_t i = 0; rc == FB_OK && is_there && i < second->count; i++) {
        const struct fb_field *f = fb_entity_field(e, second->names[i]);
        rc = f == NULL ? FB_OK : append_value(a, &row, f, buf);
    }
    return rc;
}

static bool may_give(const struct asking *a, const struct fb_search_found *found)
{
    const struct fb_search_ask *ask = a->ask;
    bool is_full = ask->limit_per_entity > 0 && given_of(a, found->entity) >= ask->limit_per_entity;
    return !is_full && !was_given(a, found->entity, found->id) &&
           (ask->filter == NULL || ask->filter(ask->filter_ctx, found));
}

static int give(struct asking *a, const struct fb_search_found *found, const char *title)
{
    const struct fb_entity *e = found->entity;
    const char *id = found->id;
    FB_AUTO(fb_buf_release) struct fb_buf own_title;
    FB_AUTO(fb_buf_release) struct fb_buf second;
    fb_buf_init(&own_title, FB_SEARCH_TEXT_BYTES_MAX);
    fb_buf_init(&second, FB_SEARCH_TEXT_BYTES_MAX);
    if (!may_give(a, found)) {
        return FB_OK;
    }
    int rc = title == NULL ? fb_title_append(a->store, e->name, id, &own_title) : FB_OK;
    if (rc == FB_OK && !found->is_reference) {
        rc = append_second(a, e, id, &second);
    }
    if (rc < 0) {
        return rc;
    }
    a->given[a->given_count].entity = e;
    snprintf(a->given[a->given_count++].id, FB_ROW_ID_SIZE, "%s", id);
    const struct fb_search_hit hit = {.entity = e,
                                      .id = id,
                                      .title = title == NULL ? fb_buf_text(&own_title) : title,
                                      .second = fb_buf_text(&second),
                                      .is_reference = found->is_reference};
    return a->each(a->ctx, &hit);
}

static int take_candidates(struct asking *a, struct fb_sql *q)
{
    int rc = FB_OK;
    while (a->given_count < a->ask->limit && (rc = fb_sql_step(q)) == FB_SQL_ROW) {
        const char *shown_id = fb_sql_text(q, 4);
        bool is_itself = shown_id == NULL;
        const struct fb_entity *by =
            fb_catalogue_entity_no(a->catalogue, (uint32_t)fb_sql_int(q, 0));
        const struct fb_entity *e =
            is_itself ? by : fb_catalogue_entity_no(a->catalogue, (uint32_t)fb_sql_int(q, 3));
        if (e == NULL || by == NULL || (a->ask->entity != NULL && a->ask->entity != e)) {
            continue;
        }
        const struct fb_search_found found = {.entity = e,
                                              .id = is_itself ? fb_sql_text(q, 1) : shown_id,
                                              .by_entity = by,
                                              .by_id = fb_sql_text(q, 1),
                                              .is_reference = fb_sql_int(q, 5) != 0};
        int given = give(a, &found, is_itself ? fb_sql_text(q, 2) : NULL);
        if (given < 0) {
            return given;
        }
    }
    return rc < 0 ? rc : FB_OK;
}

static int ask_file(struct asking *a, const char *expression)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(a->search->file, CANDIDATES, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, expression);
    fb_sql_bind_int(q, 2, FB_SEARCH_CANDIDATES_MAX);
    return take_candidates(a, q);
}

int fb_search_ask(struct fb_search *s, struct fb_store *store, const struct fb_search_ask *ask,
                  fb_search_each *f, void *ctx, struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf folded;
    FB_AUTO(fb_buf_release) struct fb_buf expression;
    FB_AUTO(fb_drop_free) struct asking *a = calloc(1, sizeof *a);
    struct fb_search_ask limited = *ask;
    size_t size = strlen(ask->text);
    fb_buf_init(&folded, FB_SEARCH_TEXT_BYTES_MAX);
    fb_buf_init(&expression, FB_SEARCH_TEXT_BYTES_MAX);
    if (a == NULL) {
        return fb_fail(why, FB_ERR_NO_MEMORY, "%s", fb_err_sentence(FB_ERR_NO_MEMORY));
    }
    if (size > FB_SEARCH_ASK_BYTES_MAX) {
        return fb_fail(why, FB_ERR_LIMIT, "the search has %zu bytes, %d are allowed", size,
                       FB_SEARCH_ASK_BYTES_MAX);
    }
    limited.limit = ask->limit > FB_SEARCH_HITS_MAX ? FB_SEARCH_HITS_MAX : ask->limit;
    *a = (struct asking){.search = s,
                         .store = store,
                         .catalogue = fb_store_catalogue(store),
                         .ask = &limited,
                         .each = f,
                         .ctx = ctx};
    int rc = fb_search_fold(ask->text, size, &folded);
    if (rc == FB_OK) {
        fb_search_expression(&folded, &expression);
        rc = fb_buf_error(&expression);
    }
    if (rc == FB_OK && expression.size > 0 && a->catalogue != NULL) {
        rc = ask_file(a, fb_buf_text(&expression));
    }
    return rc < 0 ? fb_fail(why, rc, "the search file cannot be read: %s", fb_err_sentence(rc))
                  : FB_OK;
}

/* ---- One row alone ---- */

static int try_expression(struct fb_search *s, const char *expression, bool *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s->file, "SELECT 1 FROM temp.trial WHERE trial MATCH ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, expression);
    rc = fb_sql_step(q);
    *ret = rc == FB_SQL_ROW;
    return rc < 0 ? rc : FB_OK;
}

int fb_search_matches(struct fb_search *s, const struct fb_row *row, const char *text, bool *ret)
{
    FB_AUTO(fb_buf_release) struct fb_buf folded;
    FB_AUTO(fb_buf_release) struct fb_buf expression;
    fb_buf_init(&folded, FB_SEARCH_TEXT_BYTES_MAX);
    fb_buf_init(&expression, FB_SEARCH_TEXT_BYTES_MAX);
    *ret = false;
    int rc = fb_search_fold(text, strlen(text), &folded);
    if (rc == FB_OK) {
        fb_search_expression(&folded, &expression);
        rc = fb_buf_error(&expression);
    }
    if (rc < 0 || expression.size == 0) {
        return rc;
    }
    rc = fb_search_put_trial(s, row);
    return rc < 0 ? rc : try_expression(s, fb_buf_text(&expression), ret);
}
