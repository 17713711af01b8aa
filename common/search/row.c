/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/base/limits.h"
#include "common/crm/title.h"
#include "common/search/inside.h"

/* What becomes of a row, as text. */
struct document {
    struct fb_buf title;
    struct fb_buf body;
    struct fb_buf digits;
    struct fb_buf names; /* title and short texts, folded, for pinyin */
};

static bool is_in_sync_module(const struct fb_entity *e)
{
    return e->module != NULL && strcmp(e->module->key, "sync") == 0;
}

bool fb_search_takes(const struct fb_entity *e)
{
    return e->scope != FB_SCOPE_SERVER_ONLY && e->scope != FB_SCOPE_DEVICE_ONLY &&
           !is_in_sync_module(e) && strcmp(e->name, "notification") != 0;
}

/* What hangs on a record is shown as that record: a part as its parent, a number or note as whose it is. */
static const struct fb_field *shown_as(const struct fb_entity *e)
{
    if (e->parent_field != NULL) {
        return e->parent_field;
    }
    return e->scope == FB_SCOPE_FOLLOWS && e->scope_field_count > 0 &&
                   e->scope_fields[0]->type == FB_TYPE_POLY
               ? e->scope_fields[0]
               : NULL;
}

static bool is_text(const struct fb_field *f)
{
    return f->type == FB_TYPE_TEXT || f->type == FB_TYPE_LONG || f->type == FB_TYPE_SEQ;
}

static bool is_title(const struct fb_entity *e, const struct fb_field *f)
{
    for (size_t i = 0; i < e->title_field_count; i++) {
        if (e->title_fields[i] == f) {
            return true;
        }
    }
    return false;
}

static bool names_an_entity(const struct fb_entity *e, const struct fb_field *f)
{
    for (size_t i = 0; i < e->field_count; i++) {
        if (e->fields[i].target_name == f) {
            return true;
        }
    }
    return false;
}

/* A whole value, cut where a character ends. */
static size_t cut(const struct fb_value *v, size_t max)
{
    size_t size = v->size < max ? v->size : max;
    while (size < v->size && size > 0 && ((unsigned char)v->bytes[size] & 0xC0) == 0x80) {
        size--;
    }
    return size;
}

static int add_field(struct document *d, const struct fb_entity *e, const struct fb_field *f,
                     const struct fb_value *v)
{
    FB_AUTO(fb_buf_release) struct fb_buf folded;
    fb_buf_init(&folded, FB_SEARCH_TEXT_BYTES_MAX);
    size_t left =
        FB_SEARCH_BODY_BYTES_MAX > d->body.size ? FB_SEARCH_BODY_BYTES_MAX - d->body.size : 0;
    size_t size = cut(v, left);
    int rc = fb_search_fold(v->bytes, size, &folded);
    if (rc < 0) {
        return rc;
    }
    if (!is_title(e, f)) {
        fb_search_segment(&folded, &d->body);
        fb_buf_append_byte(&d->body, ' ');
    }
    if (fb_search_is_number((const char *)folded.bytes, folded.size)) {
        fb_search_digits((const char *)folded.bytes, folded.size, &d->digits);
        fb_buf_append_text(&d->digits, "x "); /* digits of two numbers are no neighbours */
    }
    if (is_title(e, f) || f->is_indexed || f->type == FB_TYPE_SEQ) {
        fb_buf_append_byte(&d->names, ' ');
        fb_buf_append(&d->names, folded.bytes, folded.size);
    }
    return fb_buf_error(&d->names);
}

static int collect(struct document *d, const struct fb_row *row)
{
    const struct fb_entity *e = row->entity;
    for (size_t i = 0; i < e->field_count; i++) {
        const struct fb_field *f = &e->fields[i];
        const struct fb_value *v = &row->values[i];
        if (!is_text(f) || f->visibility != FB_SEEN_BY_ALL || v->type != FB_TEXT || v->size == 0 ||
            names_an_entity(e, f)) {
            continue;
        }
        int rc = add_field(d, e, f, v);
        if (rc < 0) {
            return rc;
        }
    }
    return fb_title_append_row(row, &d->title);
}

static int remove_text(struct fb_search *s, int64_t no)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s->file, "DELETE FROM words WHERE rowid = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, no);
    return fb_sql_run(q);
}

/* The document's number, or 0, and the hash of its words. */
static int find(struct fb_search *s, const struct fb_entity *e, const char *id, int64_t *ret,
                int64_t *ret_hash)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    *ret = 0;
    int rc = fb_sql_begin(s->file, "SELECT no, hash FROM record WHERE entity = ?1 AND id = ?2", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, e->no);
    fb_sql_bind_text(q, 2, id);
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        *ret = fb_sql_int(q, 0);
        *ret_hash = fb_sql_int(q, 1);
    }
    return rc < 0 ? rc : FB_OK;
}

static int remove_document(struct fb_search *s, int64_t no)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = remove_text(s, no);
    if (rc == FB_OK) {
        rc = fb_sql_begin(s->file, "DELETE FROM record WHERE no = ?1", &q);
    }
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, no);
    return fb_sql_run(q);
}

int fb_search_remove(struct fb_search *s, const struct fb_entity *e, const char *id)
{
    int64_t no = 0;
    int64_t hash = 0;
    int rc = find(s, e, id, &no, &hash);
    return rc < 0 || no == 0 ? rc : remove_document(s, no);
}

struct head {
    const struct fb_entity *entity;
    const char *id;
    const char *title;
    const char *stamp;
    const struct fb_entity *owner; /* NULL: shown as itself */
    const char *owner_id;
    bool is_reference;
    int64_t hash;
};

static int write_record(struct fb_search *s, const struct head *h, int64_t *ret_no)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s->file,
        "INSERT INTO record (entity, id, stamp, title, shown_entity, shown_id, is_reference,"
        " hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING no",
        &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, h->entity->no);
    fb_sql_bind_text(q, 2, h->id);
    fb_sql_bind_text(q, 3, h->stamp);
    fb_sql_bind_text(q, 4, h->title);
    if (h->owner != NULL) {
        fb_sql_bind_int(q, 5, h->owner->no);
        fb_sql_bind_text(q, 6, h->owner_id);
    }
    fb_sql_bind_int(q, 7, h->is_reference);
    fb_sql_bind_int(q, 8, h->hash);
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        *ret_no = fb_sql_int(q, 0);
        rc = FB_OK;
    }
    return rc;
}

#define INSERT_WORDS(table)                                                                        \
    "INSERT INTO " table " (rowid, title, body, pinyin, digits) VALUES (?1, ?2, ?3, ?4, ?5)"

static int write_words(struct fb_search *s, const char *insert, int64_t no, const char *title,
                       bool as_name, struct document *d)
{
    FB_AUTO(fb_buf_release) struct fb_buf folded;
    FB_AUTO(fb_buf_release) struct fb_buf words;
    FB_AUTO(fb_buf_release) struct fb_buf pinyin;
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    fb_buf_init(&folded, FB_SEARCH_TEXT_BYTES_MAX);
    fb_buf_init(&words, FB_SEARCH_TEXT_BYTES_MAX);
    fb_buf_init(&pinyin, FB_SEARCH_TEXT_BYTES_MAX);
    int rc = fb_search_fold(title, strlen(title), &folded);
    if (rc < 0) {
        return rc;
    }
    fb_search_segment(&folded, &words);
    fb_pinyin_append(s->pinyin, &folded, as_name, &pinyin);
    fb_pinyin_append(s->pinyin, &d->names, false, &pinyin);
    rc = fb_sql_begin(s->file, insert, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, no);
    fb_sql_bind_bytes(q, 2, fb_buf_text(&words), words.size);
    fb_sql_bind_bytes(q, 3, fb_buf_text(&d->body), d->body.size);
    fb_sql_bind_bytes(q, 4, fb_buf_text(&pinyin), pinyin.size);
    fb_sql_bind_bytes(q, 5, fb_buf_text(&d->digits), d->digits.size);
    return fb_sql_run(q);
}

static bool is_name(const struct fb_entity *e)
{
    return fb_entity_field(e, "family_name") != NULL;
}

static int hash_of(const struct head *h, const struct document *d, int64_t *ret)
{
    FB_AUTO(fb_buf_release) struct fb_buf all;
    fb_buf_init(&all, 5 * (size_t)FB_SEARCH_TEXT_BYTES_MAX);
    fb_buf_printf(&all, "%d %u %s %s\n", h->is_reference, h->owner == NULL ? 0 : h->owner->no,
                  h->owner == NULL ? "" : h->owner_id, h->title);
    fb_buf_append(&all, d->body.bytes, d->body.size);
    fb_buf_append_byte(&all, '\n');
    fb_buf_append(&all, d->digits.bytes, d->digits.size);
    fb_buf_append_byte(&all, '\n');
    fb_buf_append(&all, d->names.bytes, d->names.size);
    *ret = (int64_t)(fb_digest_of(all.bytes, all.size).low >> 1);
    return fb_buf_error(&all);
}

static int stamp_again(struct fb_search *s, int64_t no, const char *stamp)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s->file, "UPDATE record SET stamp = ?2 WHERE no = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, no);
    fb_sql_bind_text(q, 2, stamp);
    return fb_sql_run(q);
}

/* Most edits change no word that is searched: then only the stamp is new. */
static int put(struct fb_search *s, struct head *h, struct document *d)
{
    int64_t no = 0;
    int64_t hash = 0;
    int rc = find(s, h->entity, h->id, &no, &hash);
    rc = rc < 0 ? rc : hash_of(h, d, &h->hash);
    if (rc < 0 || (no != 0 && hash == h->hash)) {
        return rc < 0 ? rc : stamp_again(s, no, h->stamp);
    }
    rc = no == 0 ? FB_OK : remove_document(s, no);
    if (rc == FB_OK) {
        rc = write_record(s, h, &no);
    }
    return rc == FB_OK ? write_words(s, INSERT_WORDS("words"), no, h->title, is_name(h->entity), d)
                       : rc;
}

static void begin_document(struct document *d)
{
    fb_buf_init(&d->title, FB_SEARCH_TEXT_BYTES_MAX);
    fb_buf_init(&d->body, FB_SEARCH_TEXT_BYTES_MAX);
    fb_buf_init(&d->digits, FB_SEARCH_TEXT_BYTES_MAX);
    fb_buf_init(&d->names, FB_SEARCH_TEXT_BYTES_MAX);
}

static void release_document(struct document *d)
{
    fb_buf_release(&d->title);
    fb_buf_release(&d->body);
    fb_buf_release(&d->digits);
    fb_buf_release(&d->names);
}

int fb_search_put(struct fb_search *s, const struct fb_row *row, const char *stamp)
{
    FB_AUTO(release_document) struct document d;
    struct head h = {.entity = row->entity, .id = row->id, .stamp = stamp};
    char owner_id[FB_ROW_ID_SIZE];
    begin_document(&d);
    int rc = collect(&d, row);
    const struct fb_field *f = shown_as(row->entity);
    if (rc == FB_OK && f != NULL && fb_value_to_id(&row->values[f->index], owner_id)) {
        h.owner = fb_row_target(row, f);
        h.owner_id = owner_id;
    }
    h.title = fb_buf_text(&d.title);
    return rc == FB_OK ? put(s, &h, &d) : rc;
}

int fb_search_put_trial(struct fb_search *s, const struct fb_row *row)
{
    FB_AUTO(release_document) struct document d;
    begin_document(&d);
    int rc = collect(&d, row);
    if (rc == FB_OK && !s->has_trial) {
        rc = fb_sql_exec(s->file, "CREATE VIRTUAL TABLE IF NOT EXISTS temp.trial " FB_SEARCH_WORDS);
        s->has_trial = rc == FB_OK;
    }
    if (rc == FB_OK) {
        rc = fb_sql_exec(s->file, "DELETE FROM temp.trial");
    }
    return rc == FB_OK ? write_words(s, INSERT_WORDS("temp.trial"), 1, fb_buf_text(&d.title),
                                     is_name(row->entity), &d)
                       : rc;
}

int fb_search_put_reference(struct fb_search *s, const struct fb_entity *e, const char *id,
                            const char *title)
{
    FB_AUTO(release_document) struct document d;
    struct head h = {.entity = e, .id = id, .stamp = title, .title = title, .is_reference = true};
    begin_document(&d);
    return put(s, &h, &d);
}
