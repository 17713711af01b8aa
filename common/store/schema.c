/* SPDX-License-Identifier: MIT
 *
 * Tables, indexes and triggers of the entities: made from the catalogue, and looked over again
 * because any tool may have changed them (faults.md A19). What should be there is the text of
 * catalogue/ddl.h; what is there is sqlite_schema. SQLite keeps the text of CREATE TRIGGER and
 * CREATE INDEX as it was given, so equal texts mean untouched.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/planted.h"
#include "common/catalogue/ddl.h"
#include "common/store/inside.h"

#define SQL_BYTES_MAX ((size_t)256 * 1024)

/* One row of sqlite_schema. */
struct object {
    const char *name;
    char kind; /* 't' table, 'i' index, 'g' trigger */
    bool is_expected;
    uint64_t hash; /* of its text */
};

struct look {
    struct fb_store *store;
    const struct fb_catalogue *catalogue;
    struct fb_arena arena;
    struct object *objects;
    size_t count;
    bool may_mend;  /* else differences are only counted */
    bool is_repair; /* tools did it; else a new catalogue wants it */
    uint32_t differences;
    struct fb_store_health *health;
    char kind; /* of what each_object looks at */
    struct fb_buf sql;
};

static uint64_t text_hash(const char *text)
{
    return fb_digest_of(text, strlen(text)).low;
}

static int compare_objects(const void *a, const void *b)
{
    const struct object *x = a;
    const struct object *y = b;
    int order = (x->kind > y->kind) - (x->kind < y->kind);
    return order != 0 ? order : strcmp(x->name, y->name);
}

static int add_object(struct look *l, const struct fb_sql *q, size_t *capacity)
{
    struct object *bigger =
        fb_arena_grow(&l->arena, l->objects, l->count, capacity, sizeof *l->objects);
    const char *type = fb_sql_text(q, 0);
    const char *name = fb_arena_strdup(&l->arena, fb_sql_text(q, 1));
    if (bigger == NULL || name == NULL || type == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    l->objects = bigger;
    l->objects[l->count++] = (struct object){
        .name = name,
        .kind = strcmp(type, "table") == 0     ? 't'
                : strcmp(type, "trigger") == 0 ? 'g'
                                               : 'i',
        .hash = text_hash(fb_sql_text(q, 2)),
    };
    return FB_OK;
}

static int read_objects(struct look *l)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(l->store,
                          "SELECT type, name, sql FROM sqlite_schema "
                          "WHERE sql IS NOT NULL AND type IN ('table', 'index', 'trigger')",
                          &q);
    if (rc < 0) {
        return rc;
    }
    size_t capacity = 0;
    rc = fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        rc = add_object(l, q, &capacity);
        rc = rc < 0 ? rc : fb_sql_step(q);
    }
    if (rc == FB_OK && l->count > 0) {
        qsort(l->objects, l->count, sizeof *l->objects, compare_objects);
    }
    return rc;
}

static struct object *find(struct look *l, char kind, const char *name)
{
    struct object key = {.name = name, .kind = kind};
    return l->count == 0 ? NULL : bsearch(&key, l->objects, l->count, sizeof key, compare_objects);
}

static void note(struct look *l, const char *what, const char *name)
{
    size_t used = strlen(l->health->note);
    if (used < sizeof l->health->note - 1) {
        snprintf(l->health->note + used, sizeof l->health->note - used, "%s%s %s",
                 used == 0 ? "" : ", ", what, name);
    }
}

static int drop(struct look *l, char kind, const char *name)
{
    char text[256];
    snprintf(text, sizeof text, "DROP %s IF EXISTS \"%s\"", kind == 'g' ? "TRIGGER" : "INDEX",
             name);
    return fb_sql_exec(l->store, text);
}

/* An index or a trigger that is missing or has another text is made anew. */
static int look_at_object(void *ctx, const char *name, const char *sql)
{
    struct look *l = ctx;
    struct object *there = find(l, l->kind, name);
    if (there != NULL) {
        there->is_expected = true;
        if (there->hash == text_hash(sql)) {
            return FB_OK;
        }
    }
    l->differences++;
    if (!l->may_mend) {
        return FB_OK;
    }
    int rc = there == NULL ? FB_OK : drop(l, l->kind, name);
    if (rc == FB_OK) {
        rc = fb_sql_exec(l->store, sql);
    }
    if (rc == FB_OK && l->is_repair) {
        l->health->triggers_restored += l->kind == 'g';
        note(l, l->kind == 'g' ? "trigger" : "index", name);
    }
    return rc;
}

static int create_table(struct look *l, const struct fb_entity *e)
{
    l->differences++;
    if (!l->may_mend) {
        return FB_OK;
    }
    fb_buf_clear(&l->sql);
    fb_ddl_table(&l->sql, e);
    int rc = fb_buf_error(&l->sql);
    if (rc == FB_OK) {
        rc = fb_sql_exec(l->store, fb_buf_text(&l->sql));
    }
    if (rc == FB_OK && l->is_repair) {
        l->health->tables_restored++;
        note(l, "table", e->name);
    }
    return rc;
}

static int add_column(struct look *l, const struct fb_entity *e, const struct fb_field *f)
{
    l->differences++;
    if (!l->may_mend) {
        return FB_OK;
    }
    fb_buf_clear(&l->sql);
    fb_ddl_add_column(&l->sql, e, f);
    int rc = fb_buf_error(&l->sql);
    if (rc == FB_OK) {
        rc = fb_sql_exec(l->store, fb_buf_text(&l->sql));
    }
    if (rc == FB_OK && l->is_repair) {
        l->health->tables_restored++;
        note(l, "column", f->name);
    }
    return rc;
}

static bool is_stamp(const char *column)
{
    return strcmp(column, "id") == 0 || strcmp(column, "created_at") == 0 ||
           strcmp(column, "created_by") == 0 || strcmp(column, "modified_at") == 0 ||
           strcmp(column, "modified_by") == 0;
}

/* Marks in has the fields whose columns are there. */
static int read_columns(struct look *l, const struct fb_entity *e, bool has[static FB_FIELDS_MAX])
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(l->store, "SELECT name FROM pragma_table_info(?1)", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, e->name);
    rc = fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        const char *column = fb_sql_text(q, 0);
        const struct fb_field *f = fb_entity_field(e, column);
        if (f != NULL) {
            has[f->index] = true;
        } else if (!is_stamp(column)) {
            l->health->unknown_columns += l->is_repair;
            note(l, "unknown column", column);
        }
        rc = fb_sql_step(q);
    }
    return rc;
}

static int look_at_columns(struct look *l, const struct fb_entity *e)
{
    bool has[FB_FIELDS_MAX] = {false};
    int rc = read_columns(l, e, has);
    for (size_t i = 0; rc == FB_OK && i < e->field_count; i++) {
        if (!has[i]) {
            rc = add_column(l, e, &e->fields[i]);
        }
    }
    return rc;
}

static int look_at_table(struct look *l, const struct fb_entity *e)
{
    const struct object *there = find(l, 't', e->name);
    if (there == NULL) {
        return create_table(l, e);
    }
    fb_buf_clear(&l->sql);
    fb_ddl_table(&l->sql, e);
    int rc = fb_buf_error(&l->sql);
    if (rc < 0 || there->hash == text_hash(fb_buf_text(&l->sql))) {
        return rc;
    }
    return look_at_columns(l, e);
}

/* Indexes and triggers of ours that an earlier catalogue wanted: "fb_<entity>__...". */
static int drop_unexpected(struct look *l)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < l->count; i++) {
        const struct object *o = &l->objects[i];
        if (o->kind == 't' || o->is_expected || strncmp(o->name, "fb_", 3) != 0 ||
            strstr(o->name, "__") == NULL) {
            continue;
        }
        l->differences++;
        if (l->may_mend) {
            rc = drop(l, o->kind, o->name);
        }
    }
    return rc;
}

/* Tables first: a trigger may write another entity's. */
static int look_over(struct look *l)
{
    int rc = read_objects(l);
    for (size_t i = 0; rc == FB_OK && i < l->catalogue->entity_count; i++) {
        rc = look_at_table(l, &l->catalogue->entities[i]);
    }
    for (size_t i = 0; rc == FB_OK && i < l->catalogue->entity_count; i++) {
        l->kind = 'i';
        rc = fb_ddl_each_index(&l->catalogue->entities[i], look_at_object, l);
        if (rc == FB_OK && !(l->is_repair && FB_BUG(TRIGGERS_NOT_REPAIRED))) {
            l->kind = 'g';
            rc = fb_ddl_each_trigger(l->catalogue, &l->catalogue->entities[i], look_at_object, l);
        }
    }
    if (rc == FB_OK && !l->is_repair) {
        rc = drop_unexpected(l);
    }
    return rc;
}

static int look_once(struct fb_store *store, const struct fb_catalogue *catalogue, bool is_repair,
                     bool may_mend, struct fb_store_health *health, uint32_t *ret_differences)
{
    struct look l = {.store = store,
                     .catalogue = catalogue,
                     .is_repair = is_repair,
                     .may_mend = may_mend,
                     .health = health};
    fb_buf_init(&l.sql, SQL_BYTES_MAX);
    int rc = look_over(&l);
    fb_buf_release(&l.sql);
    fb_arena_release(&l.arena);
    *ret_differences = l.differences;
    return rc;
}

static int read_schema_version(struct fb_store *store, int64_t *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(store, "PRAGMA schema_version", &q);
    if (rc < 0) {
        return rc;
    }
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        *ret = fb_sql_int(q, 0);
    }
    return rc < 0 ? rc : FB_OK;
}

static int mend(struct fb_store *store, struct fb_store_health *health)
{
    bool is_own = !store->is_in_transaction;
    int rc = is_own ? fb_store_begin(store) : FB_OK;
    if (rc < 0) {
        return rc;
    }
    uint32_t differences = 0;
    *health = (struct fb_store_health){0};
    rc = look_once(store, store->catalogue, true, true, health, &differences);
    if (is_own && rc == FB_OK) {
        return fb_store_commit(store);
    }
    if (is_own) {
        fb_store_rollback(store);
    }
    return rc;
}

/* The journal mode can only be changed outside a transaction, and only by a tool that had the file
 * for itself. */
static int restore_journal_mode(struct fb_store *store, bool *ret_is_restored)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(store, "PRAGMA journal_mode", &q);
    if (rc < 0) {
        return rc;
    }
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW || strcmp(fb_sql_text(q, 0), "wal") == 0) {
        return rc < 0 ? rc : FB_OK;
    }
    *ret_is_restored = true;
    fb_sql_drop(&q);
    return fb_sql_exec(store, "PRAGMA journal_mode = WAL");
}

/* Looks at everything, mends what must be, and keeps what stays: columns that no catalogue knows. */
static int look_and_mend(struct fb_store *store, struct fb_store_health *ret)
{
    uint32_t differences = 0;
    struct fb_store_health lasting = {0};
    int rc = look_once(store, store->catalogue, true, false, &lasting, &differences);
    *ret = lasting;
    if (rc == FB_OK && differences > 0) {
        rc = mend(store, ret);
    }
    if (rc == FB_OK) {
        rc = read_schema_version(store, &store->schema_version_checked);
        store->lasting = lasting;
    }
    return rc;
}

static void add_health(struct fb_store_health *sum, const struct fb_store_health *more)
{
    sum->triggers_restored += more->triggers_restored;
    sum->tables_restored += more->tables_restored;
    sum->journal_mode_restored |= more->journal_mode_restored;
    size_t used = strlen(sum->note);
    if (more->note[0] != '\0' && strstr(sum->note, more->note) == NULL) {
        snprintf(sum->note + used, sizeof sum->note - used, "%s%s", used == 0 ? "" : ", ",
                 more->note);
    }
}

int fb_store_check_schema(struct fb_store *store, struct fb_store_health *ret)
{
    struct fb_store_health health = {0};
    bool is_mode_restored = false;
    int rc = store->is_in_transaction ? FB_OK : restore_journal_mode(store, &is_mode_restored);
    int64_t version = 0;
    if (rc == FB_OK) {
        rc = read_schema_version(store, &version);
    }
    if (rc == FB_OK && store->catalogue != NULL && version != store->schema_version_checked) {
        rc = look_and_mend(store, &health);
    } else {
        health = store->lasting;
    }
    if (rc < 0) {
        return rc;
    }
    health.journal_mode_restored = is_mode_restored;
    if (!store->has_told_health) {
        add_health(&health, &store->health);
        store->has_told_health = true;
    }
    *ret = health;
    return FB_OK;
}

int fb_schema_make(struct fb_store *store, const struct fb_catalogue *catalogue)
{
    uint32_t differences = 0;
    struct fb_store_health health = {0};
    return look_once(store, catalogue, false, true, &health, &differences);
}
