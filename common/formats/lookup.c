/* SPDX-License-Identifier: MIT */
#include "common/formats/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/limits.h"
#include "common/catalogue/ddl.h"
#include "common/formats/mapping.h"
#include "common/store/sql.h"

#define FIELDS_MAX    FB_MAP_FIELDS_MAX
#define QUESTIONS_MAX 128 /* of one mapping: rules times links is far below */
#define KEY_BYTES_MAX ((size_t)FIELDS_MAX * 64 * 1024)
#define SQL_BYTES_MAX ((size_t)16 * 1024)

/* All codes of a system for an entity. */
struct codes {
    const char *system; /* the mapping's */
    const struct fb_entity *entity;
    struct fb_id_map *ids;
};

/* One question: an entity by these fields. Where an index helps, the database is asked and answers are kept; else
 * the whole table is read once. */
struct question {
    const struct fb_entity *entity;
    const struct fb_field *fields[FIELDS_MAX];
    size_t count;
    bool is_indexed;
    bool is_read; /* the whole table is in ids */
    struct fb_id_map *ids;
};

struct fb_lookup {
    struct fb_store *store;
    struct codes codes[QUESTIONS_MAX];
    size_t code_count;
    struct question questions[QUESTIONS_MAX];
    size_t question_count;
    struct fb_buf key;
};

/* In the place of an id: several rows have the key. */
static const char several[FB_ROW_ID_SIZE] = "several";

int fb_lookup_new(struct fb_store *store, struct fb_lookup **ret)
{
    struct fb_lookup *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    l->store = store;
    fb_buf_init(&l->key, KEY_BYTES_MAX);
    *ret = l;
    return FB_OK;
}

void fb_lookup_free(struct fb_lookup *l)
{
    if (l == NULL) {
        return;
    }
    for (size_t i = 0; i < l->code_count; i++) {
        fb_id_map_free(l->codes[i].ids);
    }
    for (size_t i = 0; i < l->question_count; i++) {
        fb_id_map_free(l->questions[i].ids);
    }
    fb_buf_release(&l->key);
    free(l);
}

void fb_lookup_drop(struct fb_lookup **lookup)
{
    fb_lookup_free(*lookup);
}

/* ---- Codes ---- */

static int read_codes(struct fb_lookup *l, struct codes *c)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(l->store,
                          "SELECT external_id, record_id FROM exchange_key\n"
                          " WHERE system = ?1 AND entity = ?2",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, c->system);
    fb_sql_bind_text(q, 2, c->entity->name);
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        struct fb_value code = fb_sql_value(q, 0);
        struct fb_value id = fb_sql_value(q, 1);
        if (code.type == FB_TEXT && id.type == FB_TEXT && id.size == FB_ROW_ID_SIZE - 1) {
            rc = fb_id_map_put(c->ids, code.bytes, code.size, id.bytes);
        } else {
            rc = FB_OK; /* a foreign tool's row: no code of ours */
        }
        if (rc < 0) {
            return rc;
        }
    }
    return rc;
}

static int codes_of(struct fb_lookup *l, const char *system, const struct fb_entity *e,
                    struct codes **ret)
{
    for (size_t i = 0; i < l->code_count; i++) {
        if (l->codes[i].entity == e && strcmp(l->codes[i].system, system) == 0) {
            *ret = &l->codes[i];
            return FB_OK;
        }
    }
    if (l->code_count == QUESTIONS_MAX) {
        return FB_ERR_LIMIT;
    }
    struct codes *c = &l->codes[l->code_count];
    *c = (struct codes){.system = system, .entity = e};
    int rc = fb_id_map_new(&c->ids);
    if (rc == FB_OK) {
        l->code_count++;
        rc = read_codes(l, c);
    }
    *ret = c;
    return rc;
}

int fb_lookup_by_key(struct fb_lookup *l, const char *system, const struct fb_entity *e,
                     const char *code, char ret_id[static FB_ROW_ID_SIZE], bool *ret_found)
{
    struct codes *c = NULL;
    int rc = codes_of(l, system, e, &c);
    if (rc < 0) {
        return rc;
    }
    const char *id = fb_id_map_get(c->ids, code, strlen(code));
    *ret_found = id != NULL;
    if (id != NULL) {
        memcpy(ret_id, id, FB_ROW_ID_SIZE);
    }
    return FB_OK;
}

int fb_lookup_add_key(struct fb_lookup *l, const char *system, const struct fb_entity *e,
                      const char *code, const char id[static FB_ROW_ID_SIZE])
{
    struct codes *c = NULL;
    int rc = codes_of(l, system, e, &c);
    return rc < 0 ? rc : fb_id_map_put(c->ids, code, strlen(code), id);
}

/* ---- Fields ---- */

static bool has_index(const struct fb_entity *e, const struct fb_field *f)
{
    bool is_followed = f == e->parent_field;
    for (size_t i = 0; i < e->scope_field_count; i++) {
        is_followed = is_followed || e->scope_fields[i] == f;
    }
    return f->is_indexed || f->is_unique || is_followed;
}

static bool same_fields(const struct question *q, const struct fb_entity *e,
                        const struct fb_field *const *fields, size_t count)
{
    return q->entity == e && q->count == count &&
           memcmp(q->fields, fields, count * sizeof(*fields)) == 0;
}

static int question_of(struct fb_lookup *l, const struct fb_entity *e,
                       const struct fb_field *const *fields, size_t count, struct question **ret)
{
    for (size_t i = 0; i < l->question_count; i++) {
        if (same_fields(&l->questions[i], e, fields, count)) {
            *ret = &l->questions[i];
            return FB_OK;
        }
    }
    if (l->question_count == QUESTIONS_MAX || count > FIELDS_MAX) {
        return FB_ERR_LIMIT;
    }
    struct question *q = &l->questions[l->question_count];
    *q = (struct question){.entity = e, .count = count};
    for (size_t i = 0; i < count; i++) {
        q->fields[i] = fields[i];
        q->is_indexed = q->is_indexed || has_index(e, fields[i]);
    }
    int rc = fb_id_map_new(&q->ids);
    if (rc < 0) {
        return rc;
    }
    l->question_count++;
    *ret = q;
    return FB_OK;
}

/* The values in a row, told apart by type and size. */
static int make_key(struct fb_lookup *l, const struct fb_value *values, size_t count)
{
    fb_buf_clear(&l->key);
    for (size_t i = 0; i < count; i++) {
        const struct fb_value *v = &values[i];
        if (v->type == FB_TEXT || v->type == FB_BLOB) {
            fb_buf_printf(&l->key, "t%u:", v->size);
            fb_buf_append(&l->key, v->bytes, v->size);
        } else {
            fb_buf_printf(&l->key, v->type == FB_INT ? "i%lld;" : "n;", (long long)v->integer);
        }
    }
    return fb_buf_error(&l->key);
}

static void append_select(struct fb_buf *sql, const struct question *q)
{
    fb_buf_append_text(sql, "SELECT id");
    for (size_t i = 0; i < q->count && !q->is_indexed; i++) {
        fb_buf_append_text(sql, ", ");
        fb_ddl_append_name(sql, q->fields[i]->name);
    }
    fb_buf_append_text(sql, " FROM ");
    fb_ddl_append_name(sql, q->entity->name);
    for (size_t i = 0; i < q->count && q->is_indexed; i++) {
        fb_buf_append_text(sql, i == 0 ? " WHERE " : " AND ");
        fb_ddl_append_name(sql, q->fields[i]->name);
        fb_buf_printf(sql, " IS ?%zu", i + 1);
    }
    fb_buf_append_text(sql, q->is_indexed ? " LIMIT 2" : "");
}

static int begin_select(struct fb_lookup *l, const struct question *q, struct fb_sql **ret)
{
    FB_AUTO(fb_buf_release) struct fb_buf sql;
    fb_buf_init(&sql, SQL_BYTES_MAX);
    append_select(&sql, q);
    int rc = fb_buf_error(&sql);
    return rc < 0 ? rc : fb_sql_begin(l->store, fb_buf_text(&sql), ret);
}

static int put_once(struct question *q, const struct fb_buf *key, const char *id)
{
    const char *there = fb_id_map_get(q->ids, fb_buf_text(key), key->size);
    return fb_id_map_put(q->ids, fb_buf_text(key), key->size, there == NULL ? id : several);
}

static int read_table(struct fb_lookup *l, struct question *question)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    struct fb_value values[FIELDS_MAX];
    int rc = begin_select(l, question, &q);
    while (rc == FB_OK && (rc = fb_sql_step(q)) == FB_SQL_ROW) {
        for (size_t i = 0; i < question->count; i++) {
            values[i] = fb_sql_value(q, (int)i + 1);
        }
        rc = make_key(l, values, question->count);
        if (rc == FB_OK) {
            rc = put_once(question, &l->key, fb_sql_text(q, 0));
        }
    }
    question->is_read = rc == FB_OK;
    return rc;
}

static int ask_database(struct fb_lookup *l, struct question *question,
                        const struct fb_value *values)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = begin_select(l, question, &q);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < question->count; i++) {
        fb_sql_bind_value(q, (int)i + 1, &values[i]);
    }
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        rc = put_once(question, &l->key, fb_sql_text(q, 0));
        if (rc < 0) {
            return rc;
        }
    }
    return rc;
}

int fb_lookup_by_fields(struct fb_lookup *l, const struct fb_entity *e,
                        const struct fb_field *const *fields, const struct fb_value *values,
                        size_t count, char ret_id[static FB_ROW_ID_SIZE], bool *ret_found)
{
    struct question *q = NULL;
    int rc = question_of(l, e, fields, count, &q);
    if (rc == FB_OK && !q->is_indexed && !q->is_read) {
        rc = read_table(l, q);
    }
    if (rc == FB_OK) {
        rc = make_key(l, values, count);
    }
    if (rc < 0) {
        return rc;
    }
    const char *id = fb_id_map_get(q->ids, fb_buf_text(&l->key), l->key.size);
    if (id == NULL && q->is_indexed) {
        rc = ask_database(l, q, values);
        id = fb_id_map_get(q->ids, fb_buf_text(&l->key), l->key.size);
    }
    if (rc < 0) {
        return rc;
    }
    *ret_found = id != NULL;
    if (id != NULL && strcmp(id, several) == 0) {
        return FB_ERR_EXISTS;
    }
    if (id != NULL) {
        memcpy(ret_id, id, FB_ROW_ID_SIZE);
    }
    return FB_OK;
}

/* A question about an indexed field asks the database what it does not remember, so only a second row with a
 * remembered key matters there. */
static int note_new(struct fb_lookup *l, struct question *q, const struct fb_row *row)
{
    struct fb_value values[FIELDS_MAX];
    for (size_t i = 0; i < q->count; i++) {
        values[i] = row->values[q->fields[i]->index];
    }
    int rc = make_key(l, values, q->count);
    if (rc < 0) {
        return rc;
    }
    const char *there = fb_id_map_get(q->ids, fb_buf_text(&l->key), l->key.size);
    return there == NULL && !q->is_read ? FB_OK : put_once(q, &l->key, row->id);
}

static bool is_touched(const struct question *q, const uint64_t *mask)
{
    for (size_t i = 0; i < q->count; i++) {
        uint32_t at = q->fields[i]->index;
        if ((mask[at / 64] >> (at % 64) & 1) != 0) {
            return true;
        }
    }
    return false;
}

/* The old key is unknown by now, so everything remembered goes. */
static int forget(struct question *q)
{
    fb_id_map_free(q->ids);
    q->ids = NULL;
    q->is_read = false;
    return fb_id_map_new(&q->ids);
}

int fb_lookup_note_row(struct fb_lookup *l, const struct fb_row *row, const uint64_t *mask)
{
    for (size_t i = 0; i < l->question_count; i++) {
        struct question *q = &l->questions[i];
        int rc = FB_OK;
        if (q->entity == row->entity && mask == NULL) {
            rc = note_new(l, q, row);
        } else if (q->entity == row->entity && is_touched(q, mask)) {
            rc = forget(q);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}
