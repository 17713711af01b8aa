/* SPDX-License-Identifier: MIT
 *
 * Lookups of reference fields, at each keystroke: what begins so by name, number or code first (indexes), then what the
 * search file finds (words inside, pinyin, initials, digits) or, without one, what holds the text somewhere in its title (a
 * read of the table within a small budget), then what is only known by name. Without words: what was touched
 * last.
 */
#include <string.h>

#include "common/web/api_handlers.h"
#include "common/web/api_inside.h"

#define LOOKUP_ROWS_MAX 50
#define CONTAINS_STEPS  1500000 /* some 100,000 short rows: 15 ms */

struct looking {
    struct fb_api *a;
    const struct fb_entity *entity;
    const char *words;
    uint64_t columns[FB_ROW_MASK_WORDS];
    struct fb_api_found found[LOOKUP_ROWS_MAX];
    size_t count, limit;
};

static void add_column(struct looking *l, uint32_t column)
{
    l->columns[column / 64] |= UINT64_C(1) << (column % 64);
}

static void choose_columns(struct looking *l)
{
    for (size_t i = 0; i < l->entity->title_field_count; i++) {
        add_column(l, l->entity->title_fields[i]->index);
    }
    for (size_t i = 0; i < l->entity->layout.second.count; i++) {
        const struct fb_field *f = fb_entity_field(l->entity, l->entity->layout.second.names[i]);
        if (f != NULL) {
            add_column(l, f->index);
            if (f->target_name != NULL) {
                add_column(l, f->target_name->index);
            }
        }
    }
}

static bool is_there(const struct looking *l, const char *id)
{
    for (size_t i = 0; i < l->count; i++) {
        if (strcmp(l->found[i].row.id, id) == 0) {
            return true;
        }
    }
    return false;
}

static int keep(void *ctx, const struct fb_row *row, const struct fb_query_position *position)
{
    struct looking *l = ctx;
    (void)position;
    if (l->count == l->limit || is_there(l, row->id)) {
        return FB_OK;
    }
    int rc = fb_api_found_row(l->a, row, &l->found[l->count]);
    l->count += rc == FB_OK;
    return rc;
}

static int ask(struct looking *l, const struct fb_query_node *where, bool by_title, int64_t steps)
{
    const struct fb_entity *e = l->entity;
    struct fb_query q = {.entity = e,
                         .where = where,
                         .columns = l->columns,
                         .limit = (int64_t)l->limit,
                         .steps_max = steps};
    if (by_title && e->title_field_count > 0) {
        q.sorts[q.sort_count++].column = e->title_fields[0]->index;
    } else if (where == NULL) {
        q.sorts[q.sort_count++] =
            (struct fb_query_sort){.column = FB_QUERY_STAMP(e, 2), .is_descending = true};
    }
    int rc = fb_api_query(l->a, &q, keep, l);
    return rc == FB_ERR_LIMIT ? FB_OK : rc; /* what was found so far is an answer */
}

/* With a search file only what an index leads to: the file finds the rest, and a keystroke reads no table. */
static bool is_asked(const struct looking *l, const struct fb_field *f)
{
    return l->a->web->search == NULL || f->is_indexed || f->is_unique;
}

/* Title's fields, and those that people know a record by: numbers, codes, short names. */
static bool is_known_by(const struct fb_entity *e, const struct fb_field *f)
{
    bool is_title = false;
    for (size_t i = 0; i < e->title_field_count; i++) {
        is_title = is_title || e->title_fields[i] == f;
    }
    bool is_text = f->type == FB_TYPE_TEXT || f->type == FB_TYPE_SEQ;
    return is_text && (is_title || f->is_unique || f->is_indexed || f->type == FB_TYPE_SEQ);
}

static int add_either(struct looking *l, const struct fb_query_node **any,
                      const struct fb_query_node *n)
{
    *any = *any == NULL || n == NULL ? n : fb_api_either(l->a, *any, n);
    return *any == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}

static int add_names(struct looking *l, const struct fb_query_node **any, const char *family,
                     const char *given)
{
    const struct fb_entity *e = l->entity;
    return add_either(
        l, any,
        fb_api_both(l->a,
                    fb_api_node_text(l->a, FB_QUERY_BEGINS, e->title_fields[0]->index, family),
                    fb_api_node_text(l->a, FB_QUERY_BEGINS, e->title_fields[1]->index, given)));
}

/* "张伟" is family name 张 and a given name that begins with 伟, wherever the name may be cut; "John S" the other way round. */
static int add_split_names(struct looking *l, const struct fb_query_node **any)
{
    const struct fb_entity *e = l->entity;
    size_t size = strlen(l->words);
    if (e->title_field_count != 2 || e->title_fields[0]->storage != FB_TEXT ||
        e->title_fields[1]->storage != FB_TEXT) {
        return FB_OK;
    }
    int splits = 0;
    for (size_t at = 1; at < size && splits < 4; at++) {
        bool is_inside = ((unsigned char)l->words[at] & 0xC0) == 0x80;
        bool is_latin = (unsigned char)l->words[at - 1] < 0x80 && l->words[at] != ' ';
        if (is_inside || is_latin) {
            continue; /* no one writes Latin names without a blank between them */
        }
        splits++;
        size_t rest = at + strspn(l->words + at, " ");
        const char *first = fb_arena_copy(l->a->arena, l->words, at);
        int rc = first == NULL ? FB_ERR_NO_MEMORY : add_names(l, any, first, l->words + rest);
        if (rc == FB_OK && l->words[at] == ' ') {
            rc = add_names(l, any, l->words + rest, first);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

/* Rows whose details are at headquarters. */
static int ask_references(struct looking *l)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc =
        fb_sql_begin(l->a->store,
                     "SELECT id, title FROM reference WHERE entity = ?1 AND instr(lower(title),"
                     " lower(?2)) > 0 ORDER BY title LIMIT ?3",
                     &q);
    if (rc < 0 || l->count == l->limit) {
        return rc;
    }
    fb_sql_bind_text(q, 1, l->entity->name);
    fb_sql_bind_text(q, 2, l->words);
    fb_sql_bind_int(q, 3, (int64_t)(l->limit - l->count));
    while (l->count < l->limit && (rc = fb_sql_step(q)) == FB_SQL_ROW) {
        if (is_there(l, fb_sql_text(q, 0))) {
            continue;
        }
        struct fb_api_found *f = &l->found[l->count++];
        const char *id = fb_sql_text(q, 0);
        *f = (struct fb_api_found){.entity = l->entity, .is_reference = true};
        memcpy(f->row.id, id, strnlen(id, FB_ROW_ID_SIZE - 1));
        f->title = fb_arena_strdup(l->a->arena, fb_sql_text(q, 1));
        if (f->title == NULL) {
            return FB_ERR_NO_MEMORY;
        }
    }
    return rc < 0 ? rc : FB_OK;
}

/* Words further inside, pinyin, initials, digits; without a search file a read of the table. */
static int ask_search(struct looking *l)
{
    struct fb_api_search search = {
        .text = l->words, .entity = l->entity, .limit = l->limit - l->count};
    int rc = fb_api_search(l->a, &search);
    for (size_t i = 0; rc == FB_OK && i < search.count; i++) {
        if (l->count < l->limit && !is_there(l, search.found[i].row.id)) {
            l->found[l->count++] = search.found[i];
        }
    }
    return rc;
}

/* Small and capital ones are alike, which takes an index three ranges; SQLite then rather reads the table: the file comes first. */
static bool has_letters(const char *words)
{
    return strpbrk(words, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL;
}

static int ask_words(struct looking *l)
{
    const struct fb_entity *e = l->entity;
    const struct fb_query_node *begins = NULL;
    const struct fb_query_node *holds = NULL;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < e->field_count; i++) {
        const struct fb_field *f = &e->fields[i];
        if (is_known_by(e, f) && is_asked(l, f) && fb_api_sees_field(l->a, e, f)) {
            rc =
                add_either(l, &begins, fb_api_node_text(l->a, FB_QUERY_BEGINS, f->index, l->words));
            rc = rc < 0 ? rc
                        : add_either(l, &holds,
                                     fb_api_node_text(l->a, FB_QUERY_CONTAINS, f->index, l->words));
        }
    }
    bool is_searched = l->a->web->search != NULL; /* its titles are whole names */
    rc = rc < 0 || begins == NULL || is_searched ? rc : add_split_names(l, &begins);
    bool is_first = is_searched && has_letters(l->words);
    rc = rc < 0 || !is_first ? rc : ask_search(l);
    rc = rc < 0 || begins == NULL || l->count > 0 ? rc : ask(l, begins, false, CONTAINS_STEPS);
    if (rc == FB_OK && l->count < l->limit && is_searched && !is_first) {
        rc = ask_search(l);
    }
    bool is_enough = l->count >= l->limit || is_searched;
    rc = rc < 0 || holds == NULL || is_enough ? rc : ask(l, holds, true, CONTAINS_STEPS);
    return rc < 0 || l->count >= l->limit ? rc : ask_references(l);
}

int fb_api_get_lookup(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    struct looking l = {.a = &a};
    int64_t limit = 0;
    fb_api_begin(&a, web, req, res);
    int rc = fb_api_entity(&a, 3, &l.entity);
    rc = rc < 0 ? rc : fb_api_query_int(&a, "limit", 1, LOOKUP_ROWS_MAX, 20, &limit);
    if (rc < 0) {
        return rc;
    }
    l.limit = (size_t)limit;
    l.words = fb_request_query(req, "q");
    choose_columns(&l);
    if (l.words == NULL || l.words[strspn(l.words, " ")] == '\0') {
        rc = ask(&l, NULL, false, 0);
    } else {
        rc = ask_words(&l);
    }
    if (rc < 0) {
        return fb_api_asked(&a, rc);
    }
    return fb_api_append_found(&a, l.found, l.count, false);
}
