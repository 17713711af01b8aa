/* SPDX-License-Identifier: MIT
 *
 * Marks of rows and fields. Unsent: from a laptop's journal and its pushes that are not acknowledged, by group.
 * Disputed, held, adjusted, found: from the rows that say so, found by their record.
 */
#include <string.h>

#include "common/sync/sync.h"
#include "common/web/api_inside.h"

#define ADJUSTED_DAYS 7 /* a mark of what became of one's edit fades */

struct fb_api_marks {
    struct fb_unsent *unsent; /* NULL at headquarters */
};

static const char *const NAMES[] = {
    [FB_API_MARK_UNSENT] = "unsent",     [FB_API_MARK_ADJUSTED] = "adjusted",
    [FB_API_MARK_DISPUTED] = "disputed", [FB_API_MARK_FOUND] = "found",
    [FB_API_MARK_HELD] = "held",
};

const char *fb_api_mark_name(enum fb_api_mark mark)
{
    return NAMES[mark];
}

int fb_api_marks_open(struct fb_api *a, struct fb_api_marks **ret)
{
    struct fb_api_marks *m = fb_arena_alloc(a->arena, sizeof *m);
    if (m == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    *ret = m;
    return a->web->node == FB_NODE_REPLICA ? fb_unsent_load(a->store, &m->unsent) : FB_OK;
}

void fb_api_marks_close(struct fb_api_marks **m)
{
    if (*m != NULL) {
        fb_unsent_free((*m)->unsent);
        (*m)->unsent = NULL;
    }
}

/* One kind of row that marks another: which table, and of what state. */
struct source {
    enum fb_api_mark mark;
    const char *entity;
    const char *sql; /* ?1 entity, ?2 record, ?3 me, ?4 since */
};
/* Columns: id, field or group (NULL: the whole row), mine as JSON by field (NULL), who, at. */
static const struct source SOURCES[] = {
    {FB_API_MARK_HELD, "held_change",
     "SELECT id, NULL, NULL, by_id, created_at FROM held_change"
     " WHERE record_id = ?2 AND entity = ?1 AND state = 'waiting' AND ?3 <> '' AND ?4 <> ''"},
    {FB_API_MARK_DISPUTED, "conflict",
     "SELECT id, field_group, mine, mine_by_id, mine_at FROM conflict"
     " WHERE record_id = ?2 AND entity = ?1 AND outcome = 'waiting' AND ?3 <> '' AND ?4 <> ''"},
    {FB_API_MARK_FOUND, "found_value",
     "SELECT id, field, NULL, NULL, found_at FROM found_value"
     " WHERE record_id = ?2 AND entity = ?1 AND state = 'waiting' AND ?3 <> '' AND ?4 <> ''"},
    {FB_API_MARK_ADJUSTED, "receipt",
     "SELECT id, NULL, NULL, NULL, at FROM receipt"
     " WHERE record_id = ?2 AND entity = ?1 AND state = 'amended' AND by_id = ?3 AND at >= ?4"
     " ORDER BY at DESC LIMIT 1"},
};
#define SOURCE_COUNT (sizeof SOURCES / sizeof SOURCES[0])

static int ask(struct fb_api *a, const struct source *s, const struct fb_entity *e, const char *id,
               char since[static FB_INSTANT_SIZE], struct fb_sql **ret)
{
    if (fb_catalogue_entity(a->catalogue, s->entity) == NULL) {
        return FB_OK;
    }
    int rc = fb_sql_begin(a->store, s->sql, ret);
    if (rc < 0) {
        return rc;
    }
    fb_instant_format(a->web->now_ms - ADJUSTED_DAYS * INT64_C(86400000), since);
    fb_sql_bind_text(*ret, 1, e->name);
    fb_sql_bind_text(*ret, 2, id);
    fb_sql_bind_text(*ret, 3, a->me[0] == '\0' ? "-" : a->me);
    fb_sql_bind_text(*ret, 4, since);
    return FB_OK;
}

int fb_api_marks_row(struct fb_api *a, struct fb_api_marks *m, const struct fb_entity *e,
                     const char *id, enum fb_api_mark *ret)
{
    *ret = FB_API_MARK_NONE;
    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
        char since[FB_INSTANT_SIZE];
        int rc = ask(a, &SOURCES[i], e, id, since, &q);
        rc = rc < 0 || q == NULL ? rc : fb_sql_step(q);
        if (rc < 0) {
            return rc;
        }
        if (rc == FB_SQL_ROW) {
            *ret = SOURCES[i].mark;
            return FB_OK;
        }
    }
    if (m->unsent != NULL && fb_unsent_row(m->unsent, e, id)) {
        *ret = FB_API_MARK_UNSENT;
    }
    return FB_OK;
}

/* ---- One record, by field ---- */

struct field_mark {
    enum fb_api_mark mark;
    const char *id, *who, *at;
    struct fb_value mine; /* absent: none */
};
/* Index field_count stands for the whole row. */
struct record_marks {
    struct fb_api *a;
    const struct fb_entity *entity;
    struct field_mark *marks;
};

static const char *copy_text(struct fb_api *a, const struct fb_sql *q, int at)
{
    const char *text = fb_sql_text(q, at);
    return text == NULL ? NULL : fb_arena_strdup(a->arena, text);
}

static void put(struct record_marks *r, size_t at, const struct field_mark *mark)
{
    if (mark->mark > r->marks[at].mark) {
        r->marks[at] = *mark;
    }
}

/* The members of the group of that name; a field's own name; NULL: the row. */
static int put_group(struct record_marks *r, const char *name, const struct field_mark *mark,
                     const struct fb_value *mine)
{
    const struct fb_entity *e = r->entity;
    static const char NOBODY[FB_ROW_ID_SIZE] = "";
    struct fb_row values = {.values = NULL};
    int rc = mine->type == FB_TEXT
                 ? fb_row_from_json(e, NOBODY, mine->bytes, mine->size, r->a->arena, &values)
                 : FB_OK;
    if (rc == FB_ERR_DAMAGED) {
        values.values = NULL;
    } else if (rc < 0) {
        return rc;
    }
    bool is_put = false;
    for (size_t i = 0; name != NULL && i < e->field_count; i++) {
        const struct fb_field *f = &e->fields[i];
        if (strcmp(e->groups[f->group].name, name) == 0 || strcmp(f->name, name) == 0) {
            struct field_mark one = *mark;
            one.mine =
                values.values == NULL ? (struct fb_value){.type = FB_ABSENT} : values.values[i];
            put(r, i, &one);
            is_put = true;
        }
    }
    if (!is_put) {
        put(r, e->field_count, mark);
    }
    return FB_OK;
}

static int put_source(struct record_marks *r, const struct source *s, const char *id)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    char since[FB_INSTANT_SIZE];
    int rc = ask(r->a, s, r->entity, id, since, &q);
    rc = rc < 0 || q == NULL ? rc : fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        struct field_mark mark = {
            .mark = s->mark, .id = copy_text(r->a, q, 0), .at = copy_text(r->a, q, 4)};
        struct fb_value mine = fb_sql_value(q, 2);
        const char *who = fb_sql_text(q, 3);
        rc = fb_api_person(r->a, who == NULL ? "" : who, &mark.who);
        rc = rc < 0 ? rc : put_group(r, fb_sql_text(q, 1), &mark, &mine);
        rc = rc < 0 ? rc : fb_sql_step(q);
    }
    return rc;
}

static void append_mark(struct record_marks *r, struct fb_buf *out, size_t at)
{
    const struct field_mark *m = &r->marks[at];
    const struct fb_entity *e = r->entity;
    bool is_row = at == e->field_count;
    if (m->mark == FB_API_MARK_NONE || (!is_row && !fb_api_sees_field(r->a, e, &e->fields[at]))) {
        return;
    }
    fb_api_append_key(out, is_row ? "*" : e->fields[at].name);
    fb_buf_append_byte(out, '{');
    fb_api_append_member(out, "mark", NAMES[m->mark]);
    if (m->id != NULL) {
        fb_api_append_member(out, "id", m->id);
    }
    if (m->who != NULL) {
        fb_api_append_member(out, "who", m->who);
    }
    if (m->at != NULL) {
        fb_api_append_member(out, "at", m->at);
    }
    if (!is_row && m->mine.type != FB_ABSENT) {
        fb_api_append_key(out, "mine");
        fb_api_append_value(out, &e->fields[at], &m->mine);
    }
    fb_buf_append_byte(out, '}');
}

int fb_api_marks_append(struct fb_api *a, struct fb_api_marks *m, const struct fb_entity *e,
                        const char *id, struct fb_buf *out)
{
    struct record_marks r = {.a = a,
                             .entity = e,
                             .marks =
                                 fb_arena_alloc(a->arena, (e->field_count + 1) * sizeof *r.marks)};
    if (r.marks == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < SOURCE_COUNT; i++) {
        rc = put_source(&r, &SOURCES[i], id);
    }
    const struct field_mark unsent = {.mark = FB_API_MARK_UNSENT};
    for (size_t i = 0; m->unsent != NULL && i < e->field_count; i++) {
        if (fb_unsent_field(m->unsent, e, id, &e->fields[i])) {
            put(&r, i, &unsent);
        }
    }
    if (m->unsent != NULL && fb_unsent_is_whole(m->unsent, e, id)) {
        put(&r, e->field_count, &unsent);
    }
    fb_api_append_key(out, "marks");
    fb_buf_append_byte(out, '{');
    for (size_t i = 0; i <= e->field_count; i++) {
        append_mark(&r, out, i);
    }
    fb_buf_append_byte(out, '}');
    return rc;
}
