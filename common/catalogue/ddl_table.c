/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "common/catalogue/ddl.h"

#define SQL_BYTES_MAX   ((size_t)256 * 1024) /* one statement: SQLITE_LIMIT_SQL_LENGTH is higher */
#define INDEX_NAME_SIZE (2 * FB_NAME_BYTES_MAX + 8)

/* UUIDv7 (RFC 9562, 5.7) in SQL that 3.40 runs: 48 bits of milliseconds, version, 74 random bits.
 * Masks, not abs(): abs(random()) fails once in 2^64 rows. */
#define NOW_MS "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
#define UUID7_SQL                                                                                  \
    "printf('%08x-%04x-7%03x-%04x-%012x',\n"                                                       \
    "      " NOW_MS " >> 16,\n"                                                                    \
    "      " NOW_MS " & 65535,\n"                                                                  \
    "      random() & 4095, 32768 | (random() & 16383), random() & 281474976710655)"

static void append_quoted(struct fb_buf *out, const char *bytes, size_t size)
{
    fb_buf_append_byte(out, '\'');
    for (size_t i = 0; i < size; i++) {
        fb_buf_append(out, bytes + i, 1);
        if (bytes[i] == '\'') {
            fb_buf_append_byte(out, '\'');
        }
    }
    fb_buf_append_byte(out, '\'');
}

static const char *storage_name(const struct fb_field *f)
{
    return f->storage == FB_INT ? "INTEGER" : f->storage == FB_BLOB ? "BLOB" : "TEXT";
}

static bool is_free_text(const struct fb_field *f)
{
    return f->type == FB_TYPE_TEXT || f->type == FB_TYPE_LONG || f->type == FB_TYPE_JSON ||
           f->type == FB_TYPE_SET || f->type == FB_TYPE_BLOB;
}

static void append_check(struct fb_buf *out, const struct fb_field *f)
{
    if (f->type == FB_TYPE_BOOL) {
        fb_buf_append_text(out, " CHECK (");
        fb_ddl_append_name(out, f->name);
        fb_buf_append_text(out, " IN (0, 1))");
    } else if (f->choice_count > 0) {
        fb_buf_append_text(out, " CHECK (");
        fb_ddl_append_name(out, f->name);
        for (size_t i = 0; i < f->choice_count; i++) {
            fb_buf_append_text(out, i == 0 ? " IN (" : ", ");
            append_quoted(out, f->choices[i].value, strlen(f->choices[i].value));
        }
        fb_buf_append_text(out, "))");
    } else if (f->int_min != INT64_MIN || f->int_max != INT64_MAX) {
        fb_buf_append_text(out, " CHECK (");
        fb_ddl_append_name(out, f->name);
        fb_buf_printf(out, " BETWEEN %lld AND %lld)", (long long)f->int_min, (long long)f->int_max);
    } else if (is_free_text(f)) {
        /* A value no message can carry is refused where it is written, whatever the tool. */
        fb_buf_append_text(out, " CHECK (length(CAST(");
        fb_ddl_append_name(out, f->name);
        fb_buf_printf(out, " AS BLOB)) <= %u)", f->bytes_max);
    }
}

static void append_default(struct fb_buf *out, const struct fb_field *f)
{
    if (f->initial.type == FB_INT) {
        fb_buf_printf(out, " DEFAULT %lld", (long long)f->initial.integer);
    } else if (f->initial.type == FB_TEXT) {
        fb_buf_append_text(out, " DEFAULT ");
        append_quoted(out, f->initial.bytes, f->initial.size);
    }
}

static void append_column(struct fb_buf *out, const struct fb_entity *e, const struct fb_field *f,
                          bool may_be_required)
{
    fb_ddl_append_name(out, f->name);
    fb_buf_printf(out, " %s", storage_name(f));
    /* A hidden field stays NULL on the devices that may not see it. */
    if (may_be_required && f->is_required && f->visibility == FB_SEEN_BY_ALL) {
        fb_buf_append_text(out, " NOT NULL");
    }
    append_default(out, f);
    append_check(out, f);
    if (f->type == FB_TYPE_REF) {
        fb_buf_append_text(out, " REFERENCES ");
        fb_ddl_append_name(out, f->targets[0]->name);
        fb_buf_append_text(out, f == e->parent_field ? "(id) ON DELETE CASCADE" : "(id)");
        fb_buf_append_text(out, " DEFERRABLE INITIALLY DEFERRED");
    }
}

void fb_ddl_table(struct fb_buf *out, const struct fb_entity *e)
{
    fb_buf_append_text(out, "CREATE TABLE ");
    fb_ddl_append_name(out, e->name);
    fb_buf_printf(out, " ( -- %s / %s\n", e->label_en, e->label_zh);
    fb_buf_append_text(out, "  id TEXT PRIMARY KEY NOT NULL\n    DEFAULT (" UUID7_SQL ")\n"
                            "    CHECK (" FB_DDL_ID_CHECK "), -- UUIDv7 / 编号\n");
    for (size_t i = 0; i < e->field_count; i++) {
        const struct fb_field *f = &e->fields[i];
        fb_buf_append_text(out, "  ");
        append_column(out, e, f, true);
        fb_buf_printf(out, ", -- %s / %s\n", f->label_en, f->label_zh);
    }
    fb_buf_append_text(out, "  created_at TEXT, -- Created at / 创建时间\n"
                            "  created_by TEXT, -- Created by / 创建人\n"
                            "  modified_at TEXT, -- Changed at / 修改时间\n"
                            "  modified_by TEXT -- Changed by / 修改人\n"
                            ") STRICT");
}

/* SQLite copies the text of the column into the table's, so its comment must end by itself. A
 * required field without a default cannot be NOT NULL here: the rows that are there have no value
 * yet. */
void fb_ddl_add_column(struct fb_buf *out, const struct fb_entity *e, const struct fb_field *f)
{
    fb_buf_append_text(out, "ALTER TABLE ");
    fb_ddl_append_name(out, e->name);
    fb_buf_append_text(out, " ADD COLUMN ");
    append_column(out, e, f, f->initial.type == FB_INT || f->initial.type == FB_TEXT);
    fb_buf_printf(out, " /* %s / %s */", f->label_en, f->label_zh);
}

static bool is_followed(const struct fb_entity *e, const struct fb_field *f)
{
    for (size_t i = 0; i < e->scope_field_count; i++) {
        if (e->scope_fields[i] == f) {
            return true;
        }
    }
    return false;
}

static bool is_searched(const struct fb_entity *e, const struct fb_field *f)
{
    /* Children are found by what their scope follows: parents, companies, the record of a note. */
    return f->is_indexed || f->is_unique || f == e->parent_field || is_followed(e, f);
}

/* "CREATE INDEX fb_contact__family_name ON contact (family_name"; the caller ends it. */
static void begin_index(struct fb_buf *sql, char name[static INDEX_NAME_SIZE],
                        const struct fb_entity *e, const char *column)
{
    snprintf(name, INDEX_NAME_SIZE, "fb_%s__%s", e->name, column);
    fb_buf_clear(sql);
    fb_buf_printf(sql, "CREATE INDEX %s ON ", name);
    fb_ddl_append_name(sql, e->name);
    fb_buf_append_text(sql, " (");
    fb_ddl_append_name(sql, column);
}

/* Lists sort by what a person calls a row: a family name alone is shared by thousands. */
static void append_rest_of_title(struct fb_buf *sql, const struct fb_entity *e,
                                 const struct fb_field *first)
{
    bool leads = e->title_field_count > 1 && e->title_fields[0] == first && first->is_indexed;
    for (size_t i = 1; leads && i < e->title_field_count; i++) {
        fb_buf_append_text(sql, ", ");
        fb_ddl_append_name(sql, e->title_fields[i]->name);
    }
}

static int finish_index(struct fb_buf *sql, const char *name, fb_ddl_each *f, void *ctx)
{
    fb_buf_append_byte(sql, ')');
    int rc = fb_buf_error(sql);
    return rc < 0 ? rc : f(ctx, name, fb_buf_text(sql));
}

int fb_ddl_each_index(const struct fb_entity *e, fb_ddl_each *f, void *ctx)
{
    FB_AUTO(fb_buf_release) struct fb_buf sql;
    char name[INDEX_NAME_SIZE];
    fb_buf_init(&sql, SQL_BYTES_MAX);
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < e->field_count; i++) {
        const struct fb_field *field = &e->fields[i];
        if (is_searched(e, field)) {
            begin_index(&sql, name, e, field->name);
            append_rest_of_title(&sql, e, field);
            rc = finish_index(&sql, name, f, ctx);
        }
    }
    /* What was touched last stands first in lists and lookups; parts are listed with their parent. */
    bool is_listed = e->parent_field == NULL && e->scope != FB_SCOPE_SERVER_ONLY &&
                     e->scope != FB_SCOPE_DEVICE_ONLY;
    if (rc == FB_OK && is_listed) {
        begin_index(&sql, name, e, "modified_at");
        rc = finish_index(&sql, name, f, ctx);
    }
    return rc;
}
