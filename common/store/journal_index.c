/* SPDX-License-Identifier: MIT */
#include "common/store/journal_index.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/hash.h"
#include "common/catalogue/ddl.h"
#include "common/store/json.h"

#define BUCKETS_MIN 256

void fb_journal_index_release(struct fb_journal_index *index)
{
    free(index->rows);
    free(index->refs);
    free(index->cursors);
    free(index->buckets);
    free(index->order);
}

static size_t bucket_of(const struct fb_journal_index *x, const struct fb_entity *e, const char *id)
{
    uint64_t hash = fb_digest_of(id, FB_ROW_ID_SIZE - 1).low + e->no * 0x9E3779B97F4A7C15U;
    return (size_t)(hash & (x->bucket_count - 1));
}

static uint32_t *find_bucket(const struct fb_journal_index *x, const struct fb_entity *e,
                             const char *id)
{
    size_t at = bucket_of(x, e, id);
    while (x->buckets[at] != FB_JOURNAL_NONE) {
        const struct fb_journal_row *row = &x->rows[x->buckets[at]];
        if (row->entity == e && memcmp(row->id, id, FB_ROW_ID_SIZE - 1) == 0) {
            break;
        }
        at = (at + 1) & (x->bucket_count - 1);
    }
    return &x->buckets[at];
}

/* Half of the buckets stay free. */
static int grow_buckets(struct fb_journal_index *x)
{
    if (x->row_count * 2 < x->bucket_count) {
        return FB_OK;
    }
    size_t count = x->bucket_count == 0 ? BUCKETS_MIN : x->bucket_count * 2;
    uint32_t *buckets = malloc(count * sizeof *buckets);
    if (buckets == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    memset(buckets, 0xFF, count * sizeof *buckets);
    free(x->buckets);
    x->buckets = buckets;
    x->bucket_count = count;
    for (uint32_t i = 0; i < x->row_count; i++) {
        *find_bucket(x, x->rows[i].entity, x->rows[i].id) = i;
    }
    return FB_OK;
}

static int find_or_add(struct fb_journal_index *x, const struct fb_entity *e, const char *id,
                       uint32_t *ret)
{
    int rc = grow_buckets(x);
    if (rc < 0) {
        return rc;
    }
    uint32_t *bucket = find_bucket(x, e, id);
    if (*bucket != FB_JOURNAL_NONE) {
        *ret = *bucket;
        return FB_OK;
    }
    struct fb_journal_row *rows =
        fb_array_grow(x->rows, x->row_count, &x->row_capacity, sizeof *rows);
    if (rows == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    x->rows = rows;
    struct fb_journal_row *row = &rows[x->row_count];
    *row = (struct fb_journal_row){.entity = e,
                                   .root = FB_JOURNAL_NONE,
                                   .first_ref = FB_JOURNAL_NONE,
                                   .last_ref = FB_JOURNAL_NONE,
                                   .first_seq = INT64_MAX,
                                   .aggregate_seq = INT64_MAX};
    memcpy(row->id, id, FB_ROW_ID_SIZE - 1);
    *bucket = (uint32_t)x->row_count;
    *ret = (uint32_t)x->row_count++;
    return FB_OK;
}

static int add_ref(struct fb_journal_index *x, struct fb_journal_row *row, int64_t seq)
{
    struct fb_journal_ref *refs =
        fb_array_grow(x->refs, x->ref_count, &x->ref_capacity, sizeof *refs);
    if (refs == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    x->refs = refs;
    uint32_t at = (uint32_t)x->ref_count++;
    refs[at] = (struct fb_journal_ref){
        .seq = seq, .next = FB_JOURNAL_NONE, .stood_at = (uint32_t)x->cursor_count - 1};
    if (row->first_ref == FB_JOURNAL_NONE) {
        row->first_ref = at;
    } else {
        refs[row->last_ref].next = at;
    }
    row->last_ref = at;
    return FB_OK;
}

/* A journal row of an entity or of an id that no catalogue and no wire knows is left out: nothing
 * could carry it. */
static int add_journal_row(struct fb_journal_index *x, const struct fb_sql *q,
                           const struct fb_entity **last)
{
    uint32_t no = (uint32_t)fb_sql_int(q, 2);
    if (*last == NULL || (*last)->no != no) {
        *last = fb_catalogue_entity_no(x->catalogue, no);
    }
    struct fb_value id = fb_sql_value(q, 3);
    if (*last == NULL || id.type != FB_TEXT || !fb_id_is_valid(id.bytes, id.size)) {
        return FB_OK;
    }
    uint32_t at = 0;
    int rc = find_or_add(x, *last, id.bytes, &at);
    if (rc < 0) {
        return rc;
    }
    struct fb_journal_row *row = &x->rows[at];
    int64_t seq = fb_sql_int(q, 0);
    if (row->first_ref == FB_JOURNAL_NONE) {
        row->first_seq = seq;
        row->cursor = x->cursors[x->cursor_count - 1];
    }
    int64_t op = fb_sql_int(q, 1);
    if (op == FB_JOURNAL_DELETE || op == FB_JOURNAL_OLD_IMAGE) {
        row->image_seq = seq;
    }
    return add_ref(x, row, seq);
}

static int add_cursor(struct fb_journal_index *x, int64_t cursor)
{
    int64_t *cursors =
        fb_array_grow(x->cursors, x->cursor_count, &x->cursor_capacity, sizeof *cursors);
    if (cursors == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    x->cursors = cursors;
    x->cursors[x->cursor_count++] = cursor;
    return FB_OK;
}

static int read_journal(struct fb_journal_index *x)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc =
        fb_sql_begin(x->store,
                     "SELECT seq, op, entity, row_id, CASE op WHEN 0 THEN old END FROM fb_journal "
                     "ORDER BY seq",
                     &q);
    if (rc < 0) {
        return rc;
    }
    const struct fb_entity *last = NULL;
    rc = add_cursor(x, 0);
    rc = rc < 0 ? rc : fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        rc = fb_sql_int(q, 1) == FB_JOURNAL_CURSOR ? add_cursor(x, fb_sql_int(q, 4))
                                                   : add_journal_row(x, q, &last);
        rc = rc < 0 ? rc : fb_sql_step(q);
    }
    return rc;
}

/* The parent a part has now; "" if the row is gone or has none. */
static int read_parent_now(struct fb_journal_index *x, const struct fb_journal_row *row, char *ret)
{
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, 1024);
    fb_buf_append_text(&text, "SELECT ");
    fb_ddl_append_name(&text, row->entity->parent_field->name);
    fb_buf_append_text(&text, " FROM ");
    fb_ddl_append_name(&text, row->entity->name);
    fb_buf_append_text(&text, " WHERE id = ?1");
    int rc = fb_buf_error(&text);
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    if (rc == FB_OK) {
        rc = fb_sql_begin(x->store, fb_buf_text(&text), &q);
    }
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, row->id);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc;
    }
    struct fb_value id = fb_sql_value(q, 0);
    if (id.type == FB_TEXT && fb_id_is_valid(id.bytes, id.size)) {
        memcpy(ret, id.bytes, FB_ROW_ID_SIZE - 1);
    }
    return FB_OK;
}

struct parent_search {
    const struct fb_entity *entity;
    char *ret;
};

static int take_parent(void *ctx, const struct fb_json_member *m)
{
    const struct parent_search *search = ctx;
    const struct fb_value *id = &m->values[0];
    if (fb_json_field(search->entity, m) == search->entity->parent_field && id->type == FB_TEXT &&
        fb_id_is_valid(id->bytes, id->size)) {
        memcpy(search->ret, id->bytes, FB_ROW_ID_SIZE - 1);
    }
    return FB_OK;
}

/* The parent of a part that was deleted, from its last image. */
static int read_parent_then(struct fb_journal_index *x, const struct fb_journal_row *row, char *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(x->store, "SELECT old FROM fb_journal WHERE seq = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, row->image_seq);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc;
    }
    struct fb_value image = fb_sql_value(q, 0);
    struct parent_search search = {.entity = row->entity, .ret = ret};
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    return image.type == FB_TEXT
               ? fb_json_read(image.bytes, image.size, &arena, take_parent, &search)
               : FB_OK;
}

/* Climbs from a part to the topmost row. Entities' parents form no circle (catalogue), so this
 * ends. */
static int find_root(struct fb_journal_index *x, uint32_t at, uint32_t *ret)
{
    if (x->rows[at].root != FB_JOURNAL_NONE) {
        *ret = x->rows[at].root;
        return FB_OK;
    }
    char parent[FB_ROW_ID_SIZE] = "";
    const struct fb_entity *e = x->rows[at].entity;
    uint32_t root = at;
    int rc = e->parent == NULL ? FB_OK : read_parent_now(x, &x->rows[at], parent);
    if (rc == FB_OK && e->parent != NULL && parent[0] == '\0' && x->rows[at].image_seq != 0) {
        rc = read_parent_then(x, &x->rows[at], parent);
    }
    if (rc == FB_OK && parent[0] != '\0') {
        rc = find_or_add(x, e->parent, parent, &root);
        if (rc == FB_OK) {
            rc = find_root(x, root, &root);
        }
    }
    if (rc < 0) {
        return rc;
    }
    x->rows[at].root = root;
    *ret = root;
    return FB_OK;
}

static int find_roots(struct fb_journal_index *x)
{
    size_t named = x->row_count; /* rows added on the way are parents the journal does not name */
    for (uint32_t i = 0; i < named; i++) {
        uint32_t root = 0;
        int rc = find_root(x, i, &root);
        if (rc < 0) {
            return rc;
        }
        struct fb_journal_row *top = &x->rows[root];
        if (x->rows[i].first_seq < top->aggregate_seq) {
            top->aggregate_seq = x->rows[i].first_seq;
        }
    }
    x->order_count = named;
    return FB_OK;
}

static int compare_ints(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_rows(const void *a, const void *b, void *ctx)
{
    const struct fb_journal_index *x = ctx;
    const struct fb_journal_row *p = &x->rows[*(const uint32_t *)a];
    const struct fb_journal_row *q = &x->rows[*(const uint32_t *)b];
    const struct fb_journal_row *top_p = &x->rows[p->root];
    const struct fb_journal_row *top_q = &x->rows[q->root];
    int order = compare_ints(top_p->entity->index, top_q->entity->index);
    if (order == 0) {
        order = compare_ints(top_p->aggregate_seq, top_q->aggregate_seq);
    }
    if (order == 0) {
        order = compare_ints(p->entity->index, q->entity->index);
    }
    return order != 0 ? order : compare_ints(p->first_seq, q->first_seq);
}

int fb_journal_index_build(struct fb_store *s, struct fb_journal_index *ret)
{
    *ret = (struct fb_journal_index){.store = s, .catalogue = s->catalogue};
    if (s->catalogue == NULL) {
        return FB_OK;
    }
    int rc = read_journal(ret);
    if (rc == FB_OK) {
        rc = find_roots(ret);
    }
    if (rc < 0 || ret->order_count == 0) {
        return rc;
    }
    ret->order = malloc(ret->order_count * sizeof *ret->order);
    if (ret->order == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < ret->order_count; i++) {
        ret->order[i] = i;
    }
    qsort_r(ret->order, ret->order_count, sizeof *ret->order, compare_rows, ret);
    return FB_OK;
}
