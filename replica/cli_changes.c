/* SPDX-License-Identifier: MIT
 *
 * changes: what others and headquarters changed here. receipts: what became of one's own edits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/base/id.h"
#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/base/time.h"
#include "common/command/show.h"
#include "common/crm/desk.h"
#include "common/crm/say.h"
#include "common/store/row.h"
#include "common/store/sql.h"
#include "common/sync/seen_changes.h"
#include "replica/cli.h"

#define TEXT_BYTES_MAX 1048576
#define DAY_MS         INT64_C(86400000)

/* --since: a number of days, or a date in UTC; without it the last cut that brought something. */
static int read_since(const struct fb_cli *cli, struct fb_store *s, int64_t *ret,
                      struct fb_why *why)
{
    const char *text = fb_cli_value(cli, "since");
    char *end = NULL;
    char instant[64];
    if (text == NULL) {
        *ret = 0;
        int rc = fb_sql_read_int(s, "SELECT coalesce(max(at_ms), 0) FROM fb_seen_change", ret);
        return rc < 0 ? fb_store_error(s, why) : FB_OK;
    }
    long days = strtol(text, &end, 10);
    if (*end == '\0' && end != text && days >= 0) {
        *ret = fb_os_now_ms() - days * DAY_MS;
        return FB_OK;
    }
    snprintf(instant, sizeof instant, "%.10sT00:00:00.000Z", text);
    return fb_instant_parse(instant, strlen(instant), ret)
               ? FB_OK
               : fb_fail(why, FB_ERR_USAGE,
                         "--since takes a number of days or a date such as 2026-11-23, not %s",
                         text);
}

static void add_now(const struct fb_show *show, const struct fb_row *row, const struct fb_field *f)
{
    FB_AUTO(fb_buf_release) struct fb_buf json;
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&json, TEXT_BYTES_MAX);
    fb_buf_init(&text, TEXT_BYTES_MAX);
    fb_buf_printf(&json, "{\"%s\":", f->name);
    fb_value_append_json(&json, &row->values[f->index]);
    fb_buf_append_byte(&json, '}');
    fb_say_values(show->store, row->entity, fb_buf_text(&json), &text);
    fb_cli_table_cell(show->table, fb_buf_text(&text));
}

static void add_old(const struct fb_show *show, const struct fb_field *f, const json_t *value)
{
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, TEXT_BYTES_MAX);
    fb_say_value(show->store, f, value, &text);
    fb_cli_table_cell(show->table, fb_buf_text(&text));
}

static void add_head(const struct fb_show *show, const struct fb_seen_change *c,
                     const struct fb_row *row)
{
    char at[FB_INSTANT_SIZE];
    char by[FB_ROW_ID_SIZE];
    fb_instant_format(c->at_ms, at);
    fb_show_time(show, at);
    fb_cli_table_cell(show->table,
                      fb_cli_is_json(show->cli) ? c->entity->name : fb_entity_label(c->entity));
    fb_show_title(show, c->entity->name, c->row_id);
    fb_show_title(show, "employee", fb_value_to_id(&row->stamps[3], by) ? by : NULL);
}

static int show_change(void *ctx, const struct fb_seen_change *c)
{
    const struct fb_show *show = ctx;
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    struct fb_row row;
    bool is_here = false;
    char id[FB_ROW_ID_SIZE];
    snprintf(id, sizeof id, "%s", c->row_id);
    int rc = fb_row_read(show->store, c->entity, id, &arena, &row, &is_here);
    if (rc < 0 || !is_here) {
        return rc; /* it left since */
    }
    json_t *old = c->old == NULL ? NULL : json_loads(c->old, JSON_ALLOW_NUL, NULL);
    const char *name;
    json_t *value;
    if (c->old == NULL) {
        add_head(show, c, &row);
        fb_cli_table_cell(show->table, fb_text("(new here)"));
        fb_cli_table_cell(show->table, NULL);
        fb_cli_table_cell(show->table, NULL);
    }
    json_object_foreach(old, name, value)
    {
        const struct fb_field *f = fb_entity_field(c->entity, name);
        if (f != NULL) {
            add_head(show, c, &row);
            fb_cli_table_cell(show->table, fb_cli_is_json(show->cli) ? name : fb_field_label(f));
            add_old(show, f, value);
            add_now(show, &row, f);
        }
    }
    json_decref(old);
    return FB_OK;
}

int fb_replica_cli_changes(struct fb_cli *cli, struct fb_why *why)
{
    static const char *const COLUMNS[] = {"at",    "entity", "record", "by",
                                          "field", "before", "now",    NULL};
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int64_t since_ms = 0;
    int rc = fb_command_tables(cli, &s, why);
    rc = rc < 0 ? rc : read_since(cli, s, &since_ms, why);
    if (rc < 0) {
        return rc;
    }
    struct fb_cli_table *t = fb_cli_table_new(cli, COLUMNS);
    struct fb_show show = {.cli = cli, .store = s, .table = t};
    rc = fb_changes_list(s, since_ms, show_change, &show);
    fb_cli_table_print(t, "Nothing was changed here by others.");
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}

/* ---- receipts ---- */

struct receipt_line {
    const struct fb_show *show;
    const char *person;
    struct fb_buf said;
};

static int say_one(void *ctx, const struct fb_desk_conflict *c)
{
    struct receipt_line *line = ctx;
    fb_buf_append_text(&line->said, line->said.size > 0 ? " " : "");
    fb_say_conflict(line->show->store, c, line->person, &line->said);
    return FB_OK;
}

/* An amended edit: the conflicts about its record that this push left; a held one: its reason. */
static int say_receipt(struct receipt_line *line, const struct fb_sql *q)
{
    const char *state = fb_sql_text(q, 3);
    if (strcmp(state, "held") == 0) {
        fb_buf_printf(&line->said, fb_text("Held: %s"),
                      fb_sql_text(q, 5) == NULL ? "" : fb_sql_text(q, 5));
        return FB_OK;
    }
    const struct fb_desk_filter about = {.state = FB_DESK_ANY,
                                         .entity = fb_sql_text(q, 1),
                                         .record_id = fb_sql_text(q, 2),
                                         .employee_id = line->person,
                                         .has_second_decisions = true};
    return fb_desk_list(line->show->store, &about, fb_os_now_ms(), say_one, line);
}

static int show_receipts(const struct fb_show *show, const char *person)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(show->store,
                          "SELECT r.at, r.entity, r.record_id, r.state, r.push,"
                          " (SELECT reason_text FROM held_change AS h WHERE h.record_id = "
                          "r.record_id ORDER BY h.id DESC LIMIT 1)"
                          " FROM receipt AS r ORDER BY r.at DESC, r.id LIMIT 1000",
                          &q);
    if (rc < 0) {
        return rc;
    }
    rc = fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        struct receipt_line line = {.show = show, .person = person};
        fb_buf_init(&line.said, TEXT_BYTES_MAX);
        rc = say_receipt(&line, q);
        fb_show_time(show, fb_sql_text(q, 0));
        fb_cli_table_cell_int(show->table, (long long)fb_sql_int(q, 4));
        fb_cli_table_cell(show->table, fb_sql_text(q, 3));
        fb_cli_table_cell(show->table, fb_sql_text(q, 1));
        fb_show_title(show, fb_sql_text(q, 1), fb_sql_text(q, 2));
        fb_cli_table_cell(show->table, fb_buf_text(&line.said));
        fb_buf_release(&line.said);
        rc = rc < 0 ? rc : fb_sql_step(q);
    }
    return rc;
}

int fb_replica_cli_receipts(struct fb_cli *cli, struct fb_why *why)
{
    static const char *const COLUMNS[] = {"at",     "push",     "state", "entity",
                                          "record", "sentence", NULL};
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    char person[FB_ROW_ID_SIZE] = "";
    int rc = fb_command_tables(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_store_meta_text(s, "employee_id", person, sizeof person);
    if (rc < 0 && rc != FB_ERR_NOT_FOUND) {
        return fb_store_error(s, why);
    }
    struct fb_cli_table *t = fb_cli_table_new(cli, COLUMNS);
    const struct fb_show show = {.cli = cli, .store = s, .table = t};
    rc = show_receipts(&show, person);
    fb_cli_table_print(
        t, "All your edits stand at headquarters as you wrote them; `outbox` shows what waits.");
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}
