/* SPDX-License-Identifier: MIT */
#include "common/store/row_statement.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/hash.h"
#include "common/catalogue/ddl.h"

#define SQL_BYTES_MAX ((size_t)128 * 1024)
#define ENTITY_SLOTS  1024 /* more than FB_ENTITIES_MAX, so that a free one is always near */
#define UPDATES_KEPT  256
#define SLOTS_PROBED  8

_Static_assert(FB_ENTITIES_MAX < ENTITY_SLOTS / 2, "slots must stay sparse");

static const char *const STAMPS[FB_STAMP_COUNT] = {"created_at", "created_by", "modified_at",
                                                   "modified_by"};

struct entity_slot {
    const struct fb_entity *entity;
    struct fb_sql *statements[FB_ROW_VERBS];
    /* while the first is given out (a seal reads rows while the journal reads them) */
    struct fb_sql *spares[FB_ROW_VERBS];
};

/* An update's text depends on the columns it sets: a few shapes make up nearly all edits. */
struct update_slot {
    const struct fb_entity *entity;
    struct fb_row_mask mask;
    struct fb_sql *statement;
};

struct fb_row_statements {
    struct entity_slot entities[ENTITY_SLOTS];
    struct update_slot updates[UPDATES_KEPT];
};

bool fb_row_mask_has(const struct fb_row_mask *mask, size_t bit)
{
    return (mask->words[bit / 64] >> (bit % 64) & 1) != 0;
}

void fb_row_mask_add(struct fb_row_mask *mask, size_t bit)
{
    mask->words[bit / 64] |= (uint64_t)1 << (bit % 64);
}

/* One that is given out outlives the forgetting: its end frees it. */
static void forget_statement(struct fb_sql **q)
{
    if (*q == NULL) {
        return;
    }
    (*q)->is_owned = false;
    if (!(*q)->is_busy) {
        fb_sql_free(*q);
    }
    *q = NULL;
}

void fb_row_statements_forget(struct fb_store *store)
{
    if (store->rows == NULL) {
        return;
    }
    for (size_t i = 0; i < ENTITY_SLOTS; i++) {
        for (size_t v = 0; v < FB_ROW_VERBS; v++) {
            forget_statement(&store->rows->entities[i].statements[v]);
            forget_statement(&store->rows->entities[i].spares[v]);
        }
        store->rows->entities[i].entity = NULL;
    }
    for (size_t i = 0; i < UPDATES_KEPT; i++) {
        forget_statement(&store->rows->updates[i].statement);
        store->rows->updates[i].entity = NULL;
    }
}

static void append_columns(struct fb_buf *sql, const struct fb_entity *e)
{
    fb_buf_append_text(sql, "id");
    for (size_t i = 0; i < e->field_count; i++) {
        fb_buf_append_text(sql, ", ");
        fb_ddl_append_name(sql, e->fields[i].name);
    }
    for (size_t i = 0; i < FB_STAMP_COUNT; i++) {
        fb_buf_printf(sql, ", %s", STAMPS[i]);
    }
}

static void append_insert(struct fb_buf *sql, const struct fb_entity *e)
{
    fb_buf_append_text(sql, "INSERT INTO ");
    fb_ddl_append_name(sql, e->name);
    fb_buf_append_text(sql, " (");
    append_columns(sql, e);
    fb_buf_append_text(sql, ") VALUES (?1");
    for (size_t i = 2; i <= 1 + e->field_count + FB_STAMP_COUNT; i++) {
        fb_buf_printf(sql, ", ?%zu", i);
    }
    fb_buf_append_text(sql, ")");
}

static void append_upsert(struct fb_buf *sql, const struct fb_entity *e)
{
    append_insert(sql, e);
    fb_buf_append_text(sql, " ON CONFLICT (id) DO UPDATE SET ");
    for (size_t i = 0; i < e->field_count; i++) {
        fb_ddl_append_name(sql, e->fields[i].name);
        fb_buf_append_text(sql, " = excluded.");
        fb_ddl_append_name(sql, e->fields[i].name);
        fb_buf_append_text(sql, ", ");
    }
    for (size_t i = 0; i < FB_STAMP_COUNT; i++) {
        fb_buf_printf(sql, "%s%s = excluded.%s", i == 0 ? "" : ", ", STAMPS[i], STAMPS[i]);
    }
}

static void append_from(struct fb_buf *sql, const struct fb_entity *e, const char *rest)
{
    fb_buf_append_text(sql, " FROM ");
    fb_ddl_append_name(sql, e->name);
    fb_buf_append_text(sql, rest);
}

void fb_row_append_select(struct fb_buf *sql, const struct fb_entity *e)
{
    fb_buf_append_text(sql, "SELECT ");
    append_columns(sql, e);
    append_from(sql, e, "");
}

static void append_text(struct fb_buf *sql, const struct fb_entity *e, enum fb_row_verb verb)
{
    switch (verb) {
    case FB_ROW_SELECT:
        fb_row_append_select(sql, e);
        fb_buf_append_text(sql, " WHERE id = ?1");
        break;
    case FB_ROW_EXISTS:
        fb_buf_append_text(sql, "SELECT 1");
        append_from(sql, e, " WHERE id = ?1");
        break;
    case FB_ROW_INSERT:
        append_insert(sql, e);
        break;
    case FB_ROW_UPSERT:
        append_upsert(sql, e);
        break;
    case FB_ROW_DELETE:
        fb_buf_append_text(sql, "DELETE");
        append_from(sql, e, " WHERE id = ?1");
        break;
    case FB_ROW_SCAN:
        fb_row_append_select(sql, e);
        fb_buf_append_text(sql, " WHERE id > ?1 ORDER BY id LIMIT ?2");
        break;
    case FB_ROW_VERBS:
        fb_assert(false);
    }
}

static struct fb_row_statements *statements_of(struct fb_store *s)
{
    if (s->rows == NULL) {
        s->rows = calloc(1, sizeof *s->rows);
    }
    return s->rows;
}

static size_t place_of(const struct fb_entity *e, size_t slots)
{
    return (size_t)((uintptr_t)e / sizeof *e * 0x9E3779B97F4A7C15U >> 20) % slots;
}

/* NULL: its neighbourhood is full (entities of several catalogues), then statements are kept by
 * text. */
static struct entity_slot *slot_of(struct fb_row_statements *all, const struct fb_entity *e)
{
    size_t at = place_of(e, ENTITY_SLOTS);
    for (size_t i = 0; i < SLOTS_PROBED; i++) {
        struct entity_slot *slot = &all->entities[(at + i) % ENTITY_SLOTS];
        if (slot->entity == e || slot->entity == NULL) {
            slot->entity = e;
            return slot;
        }
    }
    return NULL;
}

static int prepare(struct fb_store *s, struct fb_buf *sql, struct fb_sql **slot,
                   struct fb_sql **ret)
{
    int rc = fb_buf_error(sql);
    if (rc < 0) {
        return rc;
    }
    if (slot == NULL || *slot != NULL) {
        return fb_sql_begin(s, fb_buf_text(sql), ret);
    }
    rc = fb_sql_prepare_once(s, fb_buf_text(sql), slot);
    if (rc == FB_OK) {
        (*slot)->is_owned = true;
        *ret = *slot;
    }
    return rc;
}

int fb_row_statement(struct fb_store *s, const struct fb_entity *e, enum fb_row_verb verb,
                     struct fb_sql **ret)
{
    struct fb_row_statements *all = statements_of(s);
    struct entity_slot *slot = all == NULL ? NULL : slot_of(all, e);
    struct fb_sql **kept = slot == NULL ? NULL : &slot->statements[verb];
    if (kept != NULL && *kept != NULL && (*kept)->is_busy) {
        kept = &slot->spares[verb];
    }
    if (kept != NULL && *kept != NULL && !(*kept)->is_busy) {
        (*kept)->is_busy = true;
        *ret = *kept;
        return FB_OK;
    }
    FB_AUTO(fb_buf_release) struct fb_buf sql;
    fb_buf_init(&sql, SQL_BYTES_MAX);
    append_text(&sql, e, verb);
    return prepare(s, &sql, kept, ret);
}

static void append_update(struct fb_buf *sql, const struct fb_entity *e,
                          const struct fb_row_mask *mask)
{
    fb_buf_append_text(sql, "UPDATE ");
    fb_ddl_append_name(sql, e->name);
    fb_buf_append_text(sql, " SET ");
    size_t at = 2;
    for (size_t i = 0; i < e->field_count; i++) {
        if (fb_row_mask_has(mask, i)) {
            fb_buf_append_text(sql, at == 2 ? "" : ", ");
            fb_ddl_append_name(sql, e->fields[i].name);
            fb_buf_printf(sql, " = ?%zu", at++);
        }
    }
    for (size_t i = 0; i < FB_STAMP_COUNT; i++) {
        if (fb_row_mask_has(mask, FB_ROW_STAMP_BIT(i))) {
            fb_buf_printf(sql, "%s%s = ?%zu", at == 2 ? "" : ", ", STAMPS[i], at);
            at++;
        }
    }
    fb_buf_append_text(sql, " WHERE id = ?1");
}

static struct update_slot *update_slot_of(struct fb_row_statements *all, const struct fb_entity *e,
                                          const struct fb_row_mask *mask)
{
    uint64_t hash = fb_digest_of(mask, sizeof *mask).low ^ place_of(e, SIZE_MAX);
    return &all->updates[hash % UPDATES_KEPT];
}

int fb_row_update_statement(struct fb_store *s, const struct fb_entity *e,
                            const struct fb_row_mask *mask, struct fb_sql **ret)
{
    fb_assert(e != NULL);
    struct fb_row_statements *all = statements_of(s);
    if (all == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    struct update_slot *slot = update_slot_of(all, e, mask);
    bool is_same = slot->entity == e && memcmp(&slot->mask, mask, sizeof *mask) == 0;
    if (is_same && slot->statement != NULL && !slot->statement->is_busy) {
        slot->statement->is_busy = true;
        *ret = slot->statement;
        return FB_OK;
    }
    forget_statement(&slot->statement);
    slot->entity = e;
    slot->mask = *mask;
    FB_AUTO(fb_buf_release) struct fb_buf sql;
    fb_buf_init(&sql, SQL_BYTES_MAX);
    append_update(&sql, e, mask);
    return prepare(s, &sql, &slot->statement, ret);
}

void fb_row_borrow(const struct fb_sql *q, const struct fb_entity *e, struct fb_value *values,
                   struct fb_row *ret)
{
    ret->entity = e;
    ret->values = values;
    struct fb_value id = fb_sql_value(q, 0);
    size_t size = id.size < FB_ROW_ID_SIZE ? id.size : FB_ROW_ID_SIZE - 1;
    memcpy(ret->id, id.type == FB_TEXT ? id.bytes : "", id.type == FB_TEXT ? size : 0);
    ret->id[id.type == FB_TEXT ? size : 0] = '\0';
    for (size_t i = 0; i < e->field_count; i++) {
        values[i] = fb_sql_value(q, (int)i + 1);
    }
    for (size_t i = 0; i < FB_STAMP_COUNT; i++) {
        ret->stamps[i] = fb_sql_value(q, (int)(e->field_count + 1 + i));
    }
}
