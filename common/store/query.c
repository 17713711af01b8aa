/* SPDX-License-Identifier: MIT
 *
 * The text of a list, for sort keys a, b and the place in the file:
 *
 *     SELECT rowid, id, <columns> FROM contact
 *     WHERE (<filter>) AND <part>
 *     ORDER BY a, b, rowid LIMIT ?
 *
 * Going on from a position (a0, b0, place) takes several such questions, one after the other until the page is full,
 * each one run of an index:
 *
 *     a IS a0 AND b IS b0 AND rowid > place       the rest of the rows like the last one
 *     a IS a0 AND b > b0                          then those behind it with the same a
 *     a > a0                                      then all behind
 *
 * Empty values come first, or last where the order is turned round: then a last part `a IS NULL` follows each `a < a0`.
 * One question with ORs would read the index from its beginning.
 */
#include "common/store/query.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/limits.h"
#include "common/catalogue/ddl.h"
#include "common/store/inside.h"

#define SQL_BYTES_MAX  ((size_t)256 * 1024)
#define STEPS_A_LOOK   1000               /* the budget is looked at so often */
#define LAST_CHARACTER "\xF4\x8F\xBF\xBF" /* U+10FFFF: behind every text that begins alike */

static const char *const STAMPS[FB_STAMP_COUNT] = {"created_at", "created_by", "modified_at",
                                                   "modified_by"};

/* ---- Columns ---- */

bool fb_query_column(const struct fb_entity *e, const char *name, uint32_t *ret)
{
    const struct fb_field *f = fb_entity_field(e, name);
    if (f != NULL) {
        *ret = f->index;
        return true;
    }
    for (size_t i = 0; i < FB_STAMP_COUNT; i++) {
        if (strcmp(name, STAMPS[i]) == 0) {
            *ret = FB_QUERY_STAMP(e, i);
            return true;
        }
    }
    *ret = FB_QUERY_ID(e);
    return strcmp(name, "id") == 0;
}

const char *fb_query_column_name(const struct fb_entity *e, uint32_t column)
{
    fb_assert(column <= FB_QUERY_ID(e) && e->fields != NULL);
    return column < e->field_count    ? e->fields[column].name
           : column == FB_QUERY_ID(e) ? "id"
                                      : STAMPS[column - e->field_count];
}

const struct fb_field *fb_query_field(const struct fb_entity *e, uint32_t column)
{
    return column < e->field_count ? &e->fields[column] : NULL;
}

/* ---- Text and values ---- */

struct text {
    struct fb_buf sql;
    struct fb_arena arena;
    struct fb_value *values;
    size_t count, capacity;
    int error;
};

static void text_init(struct text *t)
{
    *t = (struct text){.error = FB_OK};
    fb_buf_init(&t->sql, SQL_BYTES_MAX);
}

static void text_release(struct text *t)
{
    fb_buf_release(&t->sql);
    fb_arena_release(&t->arena);
}

static void say(struct text *t, const char *words)
{
    fb_buf_append_text(&t->sql, words);
}

static void say_name(struct text *t, const struct fb_entity *e, uint32_t column)
{
    fb_ddl_append_name(&t->sql, fb_query_column_name(e, column));
}

static void bind(struct text *t, const struct fb_value *v)
{
    struct fb_value *values =
        fb_arena_grow(&t->arena, t->values, t->count, &t->capacity, sizeof *values);
    if (values == NULL) {
        t->error = FB_ERR_NO_MEMORY;
        return;
    }
    t->values = values;
    values[t->count++] = *v;
    fb_buf_printf(&t->sql, "?%zu", t->count);
}

static void bind_copy(struct text *t, const char *bytes, size_t size)
{
    const char *copy = fb_arena_copy(&t->arena, bytes, size);
    struct fb_value v = fb_value_text_n(copy == NULL ? "" : copy, copy == NULL ? 0 : size);
    t->error = copy == NULL ? FB_ERR_NO_MEMORY : t->error;
    bind(t, &v);
}

/* ---- Conditions ---- */

static void say_compare(struct text *t, const struct fb_entity *e, const struct fb_query_node *n,
                        const char *operator)
{
    say_name(t, e, n->column);
    say(t, operator);
    bind(t, &n->values[0]);
}

static void say_in(struct text *t, const struct fb_entity *e, const struct fb_query_node *n)
{
    bool is_not = n->op == FB_QUERY_NOT_IN;
    say(t, is_not ? "(" : "");
    say_name(t, e, n->column);
    say(t, is_not ? " NOT IN (" : " IN (");
    for (size_t i = 0; i < n->value_count; i++) {
        say(t, i > 0 ? ", " : "");
        bind(t, &n->values[i]);
    }
    say(t, ")");
    if (is_not) {
        say(t, " OR ");
        say_name(t, e, n->column);
        say(t, " IS NULL)");
    }
}

/* LIKE with % _ \ taken literally; a set holds the member as a JSON text. */
static void say_contains(struct text *t, const struct fb_entity *e, const struct fb_query_node *n)
{
    const struct fb_field *f = fb_query_field(e, n->column);
    bool is_set = f != NULL && f->type == FB_TYPE_SET;
    const struct fb_value *v = &n->values[0];
    FB_AUTO(fb_buf_release) struct fb_buf pattern;
    fb_buf_init(&pattern, (size_t)v->size * 6 + 16);
    if (is_set) {
        fb_buf_append_json_text(&pattern, v->bytes, v->size);
        say(t, "instr(");
        say_name(t, e, n->column);
        say(t, ", ");
        bind_copy(t, fb_buf_text(&pattern), pattern.size);
        say(t, ") > 0");
        return;
    }
    fb_buf_append_byte(&pattern, '%');
    for (uint32_t i = 0; i < v->size; i++) {
        if (strchr("%_\\", v->bytes[i]) != NULL && v->bytes[i] != '\0') {
            fb_buf_append_byte(&pattern, '\\');
        }
        fb_buf_append(&pattern, &v->bytes[i], 1);
    }
    fb_buf_append_byte(&pattern, '%');
    say_name(t, e, n->column);
    say(t, " LIKE ");
    bind_copy(t, fb_buf_text(&pattern), pattern.size);
    say(t, " ESCAPE '\\'");
}

static void say_begins_as(struct text *t, const struct fb_entity *e, uint32_t column,
                          const char *text, size_t size)
{
    char *end = fb_arena_alloc(&t->arena, size + sizeof LAST_CHARACTER);
    if (end == NULL) {
        t->error = FB_ERR_NO_MEMORY;
        return;
    }
    memcpy(end, text, size);
    memcpy(end + size, LAST_CHARACTER, sizeof LAST_CHARACTER);
    struct fb_value last = fb_value_text_n(end, size + sizeof LAST_CHARACTER - 1);
    say(t, "(");
    say_name(t, e, column);
    say(t, " >= ");
    bind_copy(t, text, size);
    say(t, " AND ");
    say_name(t, e, column);
    say(t, " < ");
    bind(t, &last);
    say(t, ")");
}

/* As typed, small, capital, a capital first: runs of the index, where LIKE would read all of it. */
static void say_begins(struct text *t, const struct fb_entity *e, const struct fb_query_node *n)
{
    const struct fb_value *v = &n->values[0];
    char *forms[4];
    size_t count = 0;
    for (int form = 0; form < 4; form++) {
        char *as = fb_arena_copy(&t->arena, v->bytes, v->size);
        if (as == NULL) {
            t->error = FB_ERR_NO_MEMORY;
            return;
        }
        for (uint32_t i = 0; i < v->size && form > 0; i++) {
            bool is_capital = form == 2 || (form == 3 && i == 0);
            unsigned char c = (unsigned char)as[i];
            as[i] = (char)(c >= 0x80 ? c : is_capital ? toupper(c) : tolower(c));
        }
        bool is_new = true;
        for (size_t i = 0; i < count; i++) {
            is_new = is_new && memcmp(forms[i], as, v->size) != 0;
        }
        if (is_new) {
            forms[count++] = as;
        }
    }
    say(t, "(");
    for (size_t i = 0; i < count; i++) {
        say(t, i > 0 ? " OR " : "");
        say_begins_as(t, e, n->column, forms[i], v->size);
    }
    say(t, ")");
}

static void say_node(struct text *t, const struct fb_entity *e, const struct fb_query_node *n);

static void say_children(struct text *t, const struct fb_entity *e, const struct fb_query_node *n,
                         bool are_all)
{
    if (n->child_count == 0) {
        say(t, are_all ? "1" : "0");
        return;
    }
    say(t, "(");
    for (size_t i = 0; i < n->child_count; i++) {
        say(t, i == 0 ? "" : are_all ? " AND " : " OR ");
        say_node(t, e, n->children[i]);
    }
    say(t, ")");
}

static void say_exists(struct text *t, const struct fb_entity *e, const struct fb_query_node *n)
{
    say_name(t, e, n->column);
    say(t, " IN (SELECT ");
    say_name(t, n->other, n->through);
    say(t, " FROM ");
    fb_ddl_append_name(&t->sql, n->other->name);
    say(t, " WHERE ");
    say_children(t, n->other, n, true);
    say(t, ")");
}

static void say_node(struct text *t, const struct fb_entity *e, const struct fb_query_node *n)
{
    static const char *const OPERATORS[] = {
        [FB_QUERY_EQUAL] = " IS ",  [FB_QUERY_UNEQUAL] = " IS NOT ",
        [FB_QUERY_LESS] = " < ",    [FB_QUERY_LESS_EQUAL] = " <= ",
        [FB_QUERY_GREATER] = " > ", [FB_QUERY_GREATER_EQUAL] = " >= ",
    };
    switch (n->op) {
    case FB_QUERY_ALL:
    case FB_QUERY_ANY:
        say_children(t, e, n, n->op == FB_QUERY_ALL);
        break;
    case FB_QUERY_IN:
    case FB_QUERY_NOT_IN:
        say_in(t, e, n);
        break;
    case FB_QUERY_CONTAINS:
        say_contains(t, e, n);
        break;
    case FB_QUERY_BEGINS:
        say_begins(t, e, n);
        break;
    case FB_QUERY_EMPTY:
    case FB_QUERY_FILLED:
        say_name(t, e, n->column);
        say(t, n->op == FB_QUERY_EMPTY ? " IS NULL" : " IS NOT NULL");
        break;
    case FB_QUERY_EXISTS:
        say_exists(t, e, n);
        break;
    default:
        say_compare(t, e, n, OPERATORS[n->op]);
    }
}

static void say_where(struct text *t, const struct fb_query *q)
{
    static const struct fb_query_node ALL = {.op = FB_QUERY_ALL};
    say(t, " FROM ");
    fb_ddl_append_name(&t->sql, q->entity->name);
    say(t, " WHERE ");
    say_node(t, q->entity, q->where == NULL ? &ALL : q->where);
    if (q->and_where != NULL) {
        say(t, " AND ");
        say_node(t, q->entity, q->and_where);
    }
}

/* ---- Running under a budget ---- */

struct budget {
    int64_t left;
    bool is_used_up;
};

static int look_at_budget(void *ctx)
{
    struct budget *b = ctx;
    b->left -= STEPS_A_LOOK;
    b->is_used_up = b->left <= 0;
    return b->is_used_up ? 1 : 0;
}

struct asking {
    struct fb_store *store;
    const struct fb_query *query;
    struct budget budget;
    struct fb_query_cost cost;
    struct fb_sql *sql;
};

static void begin_asking(struct asking *a, struct fb_store *s, const struct fb_query *q)
{
    *a = (struct asking){.store = s, .query = q};
    a->budget.left = q->steps_max > 0 ? q->steps_max : FB_QUERY_STEPS_MAX;
    sqlite3_progress_handler(s->db, STEPS_A_LOOK, look_at_budget, &a->budget);
}

static int end_asking(struct asking *a, int rc, struct fb_query_cost *ret_cost)
{
    sqlite3_progress_handler(a->store->db, 0, NULL, NULL);
    if (ret_cost != NULL) {
        *ret_cost = a->cost;
    }
    return rc == FB_ERR_INTERRUPTED && a->budget.is_used_up ? FB_ERR_LIMIT : rc;
}

static int start(struct asking *a, struct text *t)
{
    int rc = t->error < 0 ? t->error : fb_buf_error(&t->sql);
    rc = rc < 0 ? rc : fb_sql_begin(a->store, fb_buf_text(&t->sql), &a->sql);
    for (size_t i = 0; rc == FB_OK && i < t->count; i++) {
        fb_sql_bind_value(a->sql, (int)i + 1, &t->values[i]);
    }
    return rc;
}

static void finish(struct asking *a)
{
    if (a->sql != NULL) {
        sqlite3_stmt *q = a->sql->statement;
        a->cost.steps += sqlite3_stmt_status(q, SQLITE_STMTSTATUS_VM_STEP, 1);
        a->cost.scan_steps += sqlite3_stmt_status(q, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);
        a->cost.sorts += sqlite3_stmt_status(q, SQLITE_STMTSTATUS_SORT, 1);
        if (a->store->cost != NULL) { /* of a statement that was left before its end */
            a->store->cost->steps += a->cost.steps;
            a->store->cost->scan_steps += a->cost.scan_steps;
            a->store->cost->sorts += a->cost.sorts;
        }
    }
    fb_sql_end(a->sql);
    a->sql = NULL;
}

/* ---- Lists ---- */

static bool is_wanted(const struct fb_query *q, uint32_t column)
{
    return q->columns == NULL || (q->columns[column / 64] >> (column % 64) & 1) != 0;
}

/* Columns read: rowid, id, then the wanted ones, then the sort keys. */
static void say_select(struct text *t, const struct fb_query *q)
{
    say(t, "SELECT rowid, id");
    for (uint32_t i = 0; i < FB_QUERY_ID(q->entity); i++) {
        if (is_wanted(q, i)) {
            say(t, ", ");
            say_name(t, q->entity, i);
        }
    }
    for (size_t i = 0; i < q->sort_count; i++) {
        say(t, ", ");
        say_name(t, q->entity, q->sorts[i].column);
    }
}

static bool is_turned(const struct fb_query *q)
{
    return q->sort_count > 0 && q->sorts[q->sort_count - 1].is_descending;
}

static void say_order(struct text *t, const struct fb_query *q)
{
    say(t, " ORDER BY ");
    for (size_t i = 0; i < q->sort_count; i++) {
        say_name(t, q->entity, q->sorts[i].column);
        say(t, q->sorts[i].is_descending ? " DESC, " : ", ");
    }
    say(t, is_turned(q) ? "rowid DESC LIMIT " : "rowid LIMIT ");
}

static int read_row(const struct asking *a, fb_query_each *f, void *ctx)
{
    const struct fb_query *q = a->query;
    const struct fb_entity *e = q->entity;
    struct fb_value values[FB_FIELDS_MAX];
    struct fb_row row = {.entity = e, .values = values};
    struct fb_query_position position = {.place = fb_sql_int(a->sql, 0)};
    struct fb_value id = fb_sql_value(a->sql, 1);
    size_t size = id.type == FB_TEXT && id.size < FB_ROW_ID_SIZE ? id.size : 0;
    memcpy(row.id, size > 0 ? id.bytes : "", size);
    int at = 2;
    for (uint32_t i = 0; i < FB_QUERY_ID(e); i++) {
        struct fb_value v = {.type = FB_ABSENT};
        if (is_wanted(q, i)) {
            v = fb_sql_value(a->sql, at++);
        }
        *(i < e->field_count ? &values[i] : &row.stamps[i - e->field_count]) = v;
    }
    for (size_t i = 0; i < q->sort_count; i++) {
        position.keys[i] = fb_sql_value(a->sql, at++);
    }
    memcpy(position.id, row.id, FB_ROW_ID_SIZE);
    return f(ctx, &row, &position);
}

static int run_part(struct asking *a, struct text *t, fb_query_each *f, void *ctx)
{
    struct fb_value left = fb_value_int(a->query->limit - a->cost.rows);
    say_order(t, a->query);
    bind(t, &left);
    int rc = start(a, t);
    rc = rc < 0 ? rc : fb_sql_step(a->sql);
    while (rc == FB_SQL_ROW) {
        a->cost.rows++;
        rc = read_row(a, f, ctx);
        rc = rc == FB_OK ? fb_sql_step(a->sql) : rc;
    }
    finish(a);
    return rc;
}

/* Where the row of the position lies now; gone: where it lay. */
static void say_place(struct text *t, const struct fb_query *q)
{
    struct fb_value place = fb_value_int(q->after->place);
    struct fb_value id = fb_value_text(q->after->id);
    say(t, is_turned(q) ? " AND rowid < coalesce((SELECT rowid FROM "
                        : " AND rowid > coalesce((SELECT rowid FROM ");
    fb_ddl_append_name(&t->sql, q->entity->name);
    say(t, " WHERE id = ");
    bind(t, &id);
    say(t, "), ");
    bind(t, &place);
    say(t, ")");
}

/* One part (see the top): the first `alike` keys as in the position, then what lies behind key `alike`. Says false if
 * there can be nothing. */
static bool say_part(struct text *t, const struct fb_query *q, size_t alike, bool is_null_part)
{
    const struct fb_query_position *p = q->after;
    say_select(t, q);
    say_where(t, q);
    for (size_t i = 0; i < alike; i++) {
        say(t, " AND ");
        say_name(t, q->entity, q->sorts[i].column);
        say(t, " IS ");
        bind(t, &p->keys[i]);
    }
    if (alike == q->sort_count) {
        say_place(t, q);
        return !is_null_part;
    }
    const struct fb_query_sort *sort = &q->sorts[alike];
    bool was_null = fb_value_is_empty(&p->keys[alike]);
    if (is_null_part && (!sort->is_descending || was_null)) {
        return false;
    }
    if (sort->is_descending && was_null) {
        return false;
    }
    say(t, " AND ");
    say_name(t, q->entity, sort->column);
    if (is_null_part || was_null) {
        say(t, is_null_part ? " IS NULL" : " IS NOT NULL");
        return true;
    }
    say(t, sort->is_descending ? " < " : " > ");
    bind(t, &p->keys[alike]);
    return true;
}

static int run_behind(struct asking *a, fb_query_each *f, void *ctx)
{
    const struct fb_query *q = a->query;
    int rc = FB_OK;
    for (size_t alike = q->sort_count + 1; rc == FB_OK && alike-- > 0;) {
        for (int part = 0; rc == FB_OK && part < 2 && a->cost.rows < q->limit; part++) {
            struct text t;
            text_init(&t);
            rc = say_part(&t, q, alike, part == 1) ? run_part(a, &t, f, ctx) : FB_OK;
            text_release(&t);
        }
    }
    return rc;
}

int fb_query_run(struct fb_store *s, const struct fb_query *q, fb_query_each *f, void *ctx,
                 struct fb_query_cost *ret_cost)
{
    struct asking a;
    int rc;
    begin_asking(&a, s, q);
    if (q->after != NULL) {
        rc = run_behind(&a, f, ctx);
    } else {
        struct text t;
        text_init(&t);
        say_select(&t, q);
        say_where(&t, q);
        rc = run_part(&a, &t, f, ctx);
        text_release(&t);
    }
    return end_asking(&a, rc, ret_cost);
}

/* ---- Counts and groups ---- */

int fb_query_count(struct fb_store *s, const struct fb_query *q, int64_t at_most, int64_t *ret,
                   struct fb_query_cost *ret_cost)
{
    struct asking a;
    struct text t;
    struct fb_value limit = fb_value_int(at_most);
    begin_asking(&a, s, q);
    text_init(&t);
    say(&t, "SELECT count(*) FROM (SELECT 1");
    say_where(&t, q);
    say(&t, " LIMIT ");
    bind(&t, &limit);
    say(&t, ")");
    int rc = start(&a, &t);
    rc = rc < 0 ? rc : fb_sql_step(a.sql);
    if (rc == FB_SQL_ROW) {
        *ret = fb_sql_int(a.sql, 0);
        a.cost.rows = 1;
        rc = FB_OK;
    }
    finish(&a);
    text_release(&t);
    return end_asking(&a, rc, ret_cost);
}

int fb_query_group(struct fb_store *s, const struct fb_query *q, uint32_t by, uint32_t sum,
                   fb_query_each_group *f, void *ctx, struct fb_query_cost *ret_cost)
{
    struct asking a;
    struct text t;
    struct fb_value limit = fb_value_int(q->limit);
    begin_asking(&a, s, q);
    text_init(&t);
    say(&t, "SELECT ");
    say_name(&t, q->entity, by);
    say(&t, ", count(*), ");
    if (sum == FB_QUERY_NO_COLUMN) {
        say(&t, "NULL");
    } else {
        say(&t, "sum(");
        say_name(&t, q->entity, sum);
        say(&t, ")");
    }
    say_where(&t, q);
    say(&t, " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ");
    bind(&t, &limit);
    int rc = start(&a, &t);
    rc = rc < 0 ? rc : fb_sql_step(a.sql);
    while (rc == FB_SQL_ROW) {
        struct fb_value value = fb_sql_value(a.sql, 0);
        struct fb_value added = fb_sql_value(a.sql, 2);
        a.cost.rows++;
        rc = f(ctx, &value, fb_sql_int(a.sql, 1), &added);
        rc = rc == FB_OK ? fb_sql_step(a.sql) : rc;
    }
    finish(&a);
    text_release(&t);
    return end_asking(&a, rc, ret_cost);
}
