/* SPDX-License-Identifier: MIT
 *
 * The capture triggers of one table. What each survives is told beside it; that they do is shown
 * with real clients by tests/e2e/capture_hazards_test.py.
 *
 * - They must not depend on PRAGMA recursive_triggers or foreign_keys, which are the client's.
 * - An outer statement's conflict clause replaces that of statements in a trigger, so nothing here
 * can meet a conflict: the journal's key is given by SQLite, and the counter is made WHERE NOT
 * EXISTS.
 * - One trigger per field: an UPDATE compiles and runs only those of the columns in its SET clause.
 * One trigger for all would look at every column of every updated row.
 */
#include <stdio.h>

#include "common/catalogue/ddl.h"

#define SQL_BYTES_MAX ((size_t)1024 * 1024)
#define NAME_SIZE     (2 * FB_NAME_BYTES_MAX + 16)
/* json_object takes 127 arguments (SQLITE_LIMIT_FUNCTION_ARG), two per field. */
#define IMAGE_FIELDS_MAX 60
#define NOW_MS           "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"

struct trigger_text {
    const struct fb_catalogue *catalogue;
    const struct fb_entity *entity;
    fb_ddl_each *each;
    void *ctx;
    struct fb_buf sql;
    char name[NAME_SIZE];
};

/* "CREATE TRIGGER fb_company__insert AFTER INSERT ON company" */
static void begin(struct trigger_text *t, const char *suffix, const char *when)
{
    snprintf(t->name, sizeof t->name, "fb_%s__%s", t->entity->name, suffix);
    fb_buf_clear(&t->sql);
    fb_buf_printf(&t->sql, "CREATE TRIGGER %s %s ON ", t->name, when);
    fb_ddl_append_name(&t->sql, t->entity->name);
}

static int finish(struct trigger_text *t)
{
    fb_buf_append_text(&t->sql, "END");
    int rc = fb_buf_error(&t->sql);
    return rc == FB_OK ? t->each(t->ctx, t->name, fb_buf_text(&t->sql)) : rc;
}

static bool is_journalled(const struct fb_field *f)
{
    return f->visibility != FB_SEEN_ON_DEVICE;
}

/* A cell as JSON: a blob becomes {"$hex": ...}. row is "OLD." or "". */
static void append_cell(struct fb_buf *out, const struct fb_field *f, const char *row)
{
    if (f->storage == FB_BLOB) {
        fb_buf_printf(out, "iif(%s", row);
        fb_ddl_append_name(out, f->name);
        fb_buf_printf(out, " IS NULL, NULL, json_object('$hex', hex(%s", row);
        fb_ddl_append_name(out, f->name);
        fb_buf_append_text(out, ")))");
        return;
    }
    fb_buf_append_text(out, row);
    fb_ddl_append_name(out, f->name);
}

/* The row as one JSON object by field name. */
static void append_image(struct fb_buf *out, const struct fb_entity *e, const char *row)
{
    size_t count = 0;
    for (size_t i = 0; i < e->field_count; i++) {
        count += is_journalled(&e->fields[i]);
    }
    bool is_wide = count > IMAGE_FIELDS_MAX;
    fb_buf_append_text(out, is_wide ? "(WITH image (k, v) AS (VALUES " : "json_object(");
    const char *between = "";
    for (size_t i = 0; i < e->field_count; i++) {
        if (is_journalled(&e->fields[i])) {
            fb_buf_printf(out, is_wide ? "%s('%s', " : "%s'%s', ", between, e->fields[i].name);
            append_cell(out, &e->fields[i], row);
            fb_buf_append_text(out, is_wide ? ")" : "");
            between = ", ";
        }
    }
    fb_buf_append_text(out, is_wide ? ") SELECT json_group_object(k, v) FROM image)" : ")");
}

#define HEX4      "[0-9a-f][0-9a-f][0-9a-f][0-9a-f]"
#define UUID_GLOB "'" HEX4 HEX4 "-" HEX4 "-" HEX4 "-" HEX4 "-" HEX4 HEX4 HEX4 "'"

/* INSERT OR REPLACE (and an upsert, and OR IGNORE) meets a row: its image is kept before it can
 * vanish, since with recursive_triggers off no delete trigger runs. Of an OR IGNORE it is one row
 * too many, which freezing reads as "no change". Two things are refused: a rowid given by hand,
 * which could replace a row of another id (NEW.rowid is -1 unless the statement names it), and an
 * id that is no lower-case UUID, which no message could carry. */
static int add_before_insert(struct trigger_text *t)
{
    begin(t, "before_insert", "BEFORE INSERT");
    fb_buf_append_text(&t->sql, "\nWHEN NEW.rowid <> -1\n  OR NEW.id NOT GLOB " UUID_GLOB
                                "\n  OR EXISTS (SELECT 1 FROM ");
    fb_ddl_append_name(&t->sql, t->entity->name);
    fb_buf_append_text(
        &t->sql, " WHERE id = NEW.id)\nBEGIN\n"
                 "  SELECT RAISE(ABORT, 'leave rowid out; the key of a row is its id') "
                 "WHERE NEW.rowid <> -1;\n"
                 "  SELECT RAISE(ABORT, 'an id is a UUID in lower case; leave it out to get one')\n"
                 "  WHERE NOT EXISTS (SELECT 1 FROM ");
    fb_ddl_append_name(&t->sql, t->entity->name);
    fb_buf_append_text(&t->sql, " WHERE id = NEW.id);\n"
                                "  INSERT INTO fb_journal (op, entity, row_id, old, at_ms)\n");
    fb_buf_printf(&t->sql, "  SELECT %d, %u, id,\n    ", FB_JOURNAL_OLD_IMAGE, t->entity->no);
    append_image(&t->sql, t->entity, "");
    fb_buf_append_text(&t->sql, ",\n    " NOW_MS "\n  FROM ");
    fb_ddl_append_name(&t->sql, t->entity->name);
    fb_buf_append_text(&t->sql, " WHERE id = NEW.id;\n");
    return finish(t);
}

/* The number people read: the device's prefix and a local counter, final at once. */
static void append_numbering(struct trigger_text *t, const struct fb_field *f)
{
    struct fb_buf *out = &t->sql;
    unsigned no = t->entity->no;
    fb_buf_printf(out, "  INSERT INTO fb_number (entity, next)\n  SELECT %u, 1 WHERE NEW.", no);
    fb_ddl_append_name(out, f->name);
    fb_buf_printf(
        out, " IS NULL AND NOT EXISTS (SELECT 1 FROM fb_number WHERE entity = %u);\n  UPDATE ", no);
    fb_ddl_append_name(out, t->entity->name);
    fb_buf_append_text(out, " SET ");
    fb_ddl_append_name(out, f->name);
    fb_buf_printf(
        out,
        " =\n    (SELECT m.value || '-' || printf('%%05d', n.next) FROM fb_meta AS m, fb_number AS "
        "n\n"
        "     WHERE m.key = 'number_prefix' AND n.entity = %u)\n  WHERE id = NEW.id AND NEW.",
        no);
    fb_ddl_append_name(out, f->name);
    fb_buf_printf(
        out, " IS NULL;\n  UPDATE fb_number SET next = next + 1 WHERE entity = %u AND NEW.", no);
    fb_ddl_append_name(out, f->name);
    fb_buf_append_text(out, " IS NULL;\n");
}

static bool has_sum(const struct fb_entity *e)
{
    for (size_t i = 0; i < e->field_count; i++) {
        if (e->fields[i].policy == FB_MERGE_SUM) {
            return true;
        }
    }
    return false;
}

static int add_after_insert(struct trigger_text *t)
{
    bool steps = has_sum(t->entity);
    begin(t, "after_insert", "AFTER INSERT");
    fb_buf_printf(&t->sql,
                  "\nBEGIN\n  INSERT INTO fb_journal (op, entity, row_id, at_ms%s)\n  VALUES (%d, "
                  "%u, NEW.id, "
                  "%s%s);\n",
                  steps ? ", step" : "", FB_JOURNAL_INSERT, t->entity->no, NOW_MS,
                  steps ? ", randomblob(8)" : "");
    for (size_t i = 0; i < t->entity->field_count; i++) {
        if (t->entity->fields[i].type == FB_TYPE_SEQ) {
            append_numbering(t, &t->entity->fields[i]);
        }
    }
    return finish(t);
}

static int add_after_update(struct trigger_text *t, const struct fb_field *f)
{
    bool steps = f->policy == FB_MERGE_SUM;
    struct fb_buf *out = &t->sql;
    snprintf(t->name, sizeof t->name, "fb_%s__set__%s", t->entity->name, f->name);
    fb_buf_clear(out);
    fb_buf_printf(out, "CREATE TRIGGER %s AFTER UPDATE OF ", t->name);
    fb_ddl_append_name(out, f->name);
    fb_buf_append_text(out, " ON ");
    fb_ddl_append_name(out, t->entity->name);
    fb_buf_append_text(out, "\nWHEN OLD.");
    fb_ddl_append_name(out, f->name);
    fb_buf_append_text(out, " IS NOT NEW.");
    fb_ddl_append_name(out, f->name);
    fb_buf_printf(out,
                  "\nBEGIN\n  INSERT INTO fb_journal (op, entity, row_id, field, old, at_ms%s)\n"
                  "  VALUES (%d, %u, OLD.id, %u, OLD.",
                  steps ? ", step" : "", FB_JOURNAL_UPDATE, t->entity->no, f->no);
    fb_ddl_append_name(out, f->name);
    fb_buf_printf(out, ", %s%s);\n", NOW_MS, steps ? ", randomblob(8)" : "");
    return finish(t);
}

static void append_delete_part(void *ctx, const struct fb_entity *part)
{
    struct fb_buf *out = ctx;
    fb_buf_append_text(out, "  DELETE FROM ");
    fb_ddl_append_name(out, part->name);
    fb_buf_append_text(out, " WHERE ");
    fb_ddl_append_name(out, part->parent_field->name);
    fb_buf_append_text(out, " = OLD.id;\n");
}

/* The parts go with their parent, whether foreign keys are on or not, each with its own image. */
static int add_after_delete(struct trigger_text *t)
{
    begin(t, "after_delete", "AFTER DELETE");
    fb_buf_printf(&t->sql,
                  "\nBEGIN\n  INSERT INTO fb_journal (op, entity, row_id, old, at_ms)\n  VALUES "
                  "(%d, %u, OLD.id,\n    ",
                  FB_JOURNAL_DELETE, t->entity->no);
    append_image(&t->sql, t->entity, "OLD.");
    fb_buf_append_text(&t->sql, ",\n    " NOW_MS ");\n");
    fb_entity_each_part(t->catalogue, t->entity, append_delete_part, &t->sql);
    return finish(t);
}

/* SQLite matches the names of the SET clause, so the three names of the rowid stand there too:
 * UPDATE OR REPLACE ... SET rowid would remove another row without a trace. */
static int add_id_guard(struct trigger_text *t)
{
    begin(t, "keep_id", "BEFORE UPDATE OF id, rowid, oid, _rowid_");
    fb_buf_append_text(&t->sql,
                       "\nWHEN OLD.id IS NOT NEW.id OR OLD.rowid IS NOT NEW.rowid\nBEGIN\n"
                       "  SELECT RAISE(ABORT, 'an id never changes; insert a new row and delete "
                       "this one');\n");
    return finish(t);
}

static int add_all(struct trigger_text *t)
{
    typedef int add(struct trigger_text *);
    static add *const ADDERS[] = {add_id_guard, add_before_insert, add_after_insert,
                                  add_after_delete};
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < sizeof ADDERS / sizeof ADDERS[0]; i++) {
        rc = ADDERS[i](t);
    }
    for (size_t i = 0; rc == FB_OK && i < t->entity->field_count; i++) {
        if (is_journalled(&t->entity->fields[i])) {
            rc = add_after_update(t, &t->entity->fields[i]);
        }
    }
    return rc;
}

int fb_ddl_each_trigger(const struct fb_catalogue *c, const struct fb_entity *e, fb_ddl_each *f,
                        void *ctx)
{
    if (e->scope == FB_SCOPE_DEVICE_ONLY) {
        return FB_OK; /* never travels, so nothing of it is journalled */
    }
    struct trigger_text t = {.catalogue = c, .entity = e, .each = f, .ctx = ctx};
    fb_buf_init(&t.sql, SQL_BYTES_MAX);
    int rc = add_all(&t);
    fb_buf_release(&t.sql);
    return rc;
}
