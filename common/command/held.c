/* SPDX-License-Identifier: MIT
 *
 * held list | show | correct | retry | discard. Dealing with a held edit is an ordinary edit of its row's state; headquarters,
 * which alone owns held edits (rule 20), applies it when it takes that in.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/id.h"
#include "common/base/mem.h"
#include "common/command/command.h"
#include "common/command/show.h"
#include "common/crm/held.h"
#include "common/crm/say.h"
#include "common/crm/title.h"
#include "common/store/sql.h"

#define TEXT_BYTES_MAX 4194304 /* 4 MiB */

int fb_command_held_list(struct fb_cli *cli, struct fb_why *why)
{
    static const char *const COLUMNS[] = {"id", "state",  "entity",   "record",
                                          "by", "reason", "sentence", NULL};
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = fb_command_tables(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(
        s,
        "SELECT id, state, entity, record_id, by_id, reason, reason_text FROM held_change"
        " WHERE ?1 OR state = 'waiting' ORDER BY state <> 'waiting', id",
        &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    fb_sql_bind_int(q, 1, fb_cli_has(cli, "all"));
    struct fb_cli_table *t = fb_cli_table_new(cli, COLUMNS);
    const struct fb_show show = {.cli = cli, .store = s, .table = t};
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        fb_show_id(&show, fb_sql_text(q, 0));
        fb_cli_table_cell(t, fb_sql_text(q, 1));
        fb_cli_table_cell(t, fb_sql_text(q, 2));
        fb_show_title(&show, fb_sql_text(q, 2), fb_sql_text(q, 3));
        fb_show_title(&show, "employee", fb_sql_text(q, 4));
        fb_cli_table_cell(t, fb_sql_text(q, 5));
        fb_cli_table_cell(t, fb_sql_text(q, 6));
    }
    fb_cli_table_print(t, "No edit is held.");
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}

/* One line per field: what it was and what was written. */
static void add_change(const struct fb_show *show, json_t *change)
{
    const struct fb_catalogue *c = fb_store_catalogue(show->store);
    const char *entity = json_string_value(json_object_get(change, "entity"));
    const struct fb_entity *e = entity == NULL ? NULL : fb_catalogue_entity(c, entity);
    const char *op = json_string_value(json_object_get(change, "op"));
    const char *name;
    json_t *field;
    fb_cli_table_cell(show->table, op == NULL ? "change" : op);
    fb_show_title(show, entity, json_string_value(json_object_get(change, "id")));
    json_object_foreach(json_object_get(change, "fields"), name, field)
    {
        const struct fb_field *f = e == NULL ? NULL : fb_entity_field(e, name);
        FB_AUTO(fb_buf_release) struct fb_buf text;
        fb_buf_init(&text, TEXT_BYTES_MAX);
        if (json_object_get(field, "base") != NULL) {
            fb_say_value(show->store, f, json_object_get(field, "base"), &text);
            fb_buf_append_text(&text, " > ");
        }
        fb_say_value(show->store, f, json_object_get(field, "mine"), &text);
        FB_AUTO(fb_buf_release) struct fb_buf left;
        fb_buf_init(&left, TEXT_BYTES_MAX);
        fb_buf_printf(&left, "  %s", name);
        fb_cli_table_cell(show->table, fb_buf_text(&left));
        fb_cli_table_cell(show->table, fb_buf_text(&text));
    }
}

/* People see its fields line by line, programs the JSON as it is kept. */
static void add_changes(const struct fb_show *show, const char *text)
{
    json_t *changes = text == NULL ? NULL : json_loads(text, JSON_ALLOW_NUL, NULL);
    if (fb_cli_is_json(show->cli) || !json_is_array(changes)) {
        fb_cli_table_cell(show->table, "changes");
        fb_cli_table_cell(show->table, text);
    } else {
        size_t at;
        json_t *change;
        json_array_foreach(changes, at, change)
        {
            add_change(show, change);
        }
    }
    json_decref(changes);
}

static int add_person(void *ctx, const char *employee_id)
{
    const struct fb_show *show = ctx;
    fb_cli_table_cell(show->table, "can_settle");
    fb_show_title(show, "employee", employee_id);
    return FB_OK;
}

static int add_hanging(void *ctx, const char *held_id, const char *entity, const char *record_id)
{
    const struct fb_show *show = ctx;
    FB_AUTO(fb_buf_release) struct fb_buf title;
    fb_buf_init(&title, TEXT_BYTES_MAX);
    fb_ignore(fb_title_append(show->store, entity, record_id, &title), "the id stands in for it");
    fb_cli_table_cell(show->table, "hangs_on_it");
    fb_cli_table_cell(show->table, title.size > 0 ? fb_buf_text(&title) : held_id);
    return FB_OK;
}

static int add_people(struct fb_show *show, const char *id, struct fb_why *why)
{
    int rc = fb_held_settlers(show->store, id, add_person, show);
    rc = rc < 0 ? rc : fb_held_hanging(show->store, id, add_hanging, show);
    return rc < 0 ? fb_store_error(show->store, why) : FB_OK;
}

int fb_command_held_show(struct fb_cli *cli, struct fb_why *why)
{
    static const char *const COLUMNS[] = {"what", "value", NULL};
    static const char *const NAMES[] = {"id", "state", "reason", "sentence", "entity", "record_id"};
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = fb_command_tables(cli, &s, why);
    char id[FB_ROW_ID_SIZE];
    rc = rc < 0 ? rc : fb_command_find_id(s, "held_change", fb_cli_argument(cli, 0), id, why);
    if (rc < 0) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(s,
                      "SELECT id, state, reason, reason_text, entity, record_id, changes, "
                      "decided_at FROM held_change"
                      " WHERE id = ?1",
                      &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    fb_sql_bind_text(q, 1, id);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? fb_store_error(s, why) : FB_ERR_NOT_FOUND;
    }
    struct fb_cli_table *t = fb_cli_table_new(cli, COLUMNS);
    for (int i = 0; i < (int)(sizeof NAMES / sizeof NAMES[0]); i++) {
        fb_cli_table_cell(t, NAMES[i]);
        fb_cli_table_cell(t, fb_sql_text(q, i));
    }
    struct fb_show show = {.cli = cli, .store = s, .table = t};
    add_changes(&show, fb_sql_text(q, 6));
    fb_cli_table_cell(t, "decided_at");
    fb_show_time(&show, fb_sql_text(q, 7));
    rc = add_people(&show, id, why);
    fb_cli_table_print(t, "");
    return rc;
}

static int take_state(const void *ctx, struct fb_store *s, const char *id, struct fb_why *why)
{
    return fb_held_set_state(s, id, ctx, NULL, why);
}

static int deal_with_all(struct fb_cli *cli, const char *state, const char *said,
                         struct fb_why *why)
{
    int rc = fb_command_each_row(cli, "held_change", take_state, state, why);
    if (rc == FB_OK) {
        fb_cli_say(cli, "%s %d.", said, fb_cli_argument_count(cli));
    }
    return rc;
}

int fb_command_held_retry(struct fb_cli *cli, struct fb_why *why)
{
    return deal_with_all(cli, "retried", fb_text("Edits to try again:"), why);
}

int fb_command_held_discard(struct fb_cli *cli, struct fb_why *why)
{
    return deal_with_all(cli, "discarded", fb_text("Edits given up:"), why);
}

int fb_command_held_ask(struct fb_cli *cli, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    char id[FB_ROW_ID_SIZE];
    int rc = fb_command_tables(cli, &s, why);
    rc = rc < 0 ? rc : fb_command_find_id(s, "held_change", fb_cli_argument(cli, 0), id, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_command_begin(s, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_held_ask(s, id, fb_cli_argument(cli, 1), why);
    rc = fb_command_end(s, rc, why);
    rc = rc < 0 ? rc : fb_command_settle(cli, why);
    if (rc == FB_OK) {
        fb_cli_say(cli, "Handed over: it is in the list of %s after the next round.",
                   fb_cli_argument(cli, 1));
    }
    return rc;
}

/* ---- correct ---- */

/* The change of the held row itself among the changes of its aggregate. */
static json_t *find_change(json_t *changes, const char *entity, const char *record_id)
{
    size_t at;
    json_t *change;
    json_array_foreach(changes, at, change)
    {
        const char *e = json_string_value(json_object_get(change, "entity"));
        const char *id = json_string_value(json_object_get(change, "id"));
        if (e != NULL && id != NULL && strcmp(e, entity) == 0 && strcmp(id, record_id) == 0) {
            return change;
        }
    }
    return NULL;
}

static json_t *json_of_value(const struct fb_value *v)
{
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, TEXT_BYTES_MAX);
    fb_value_append_json(&text, v);
    return json_loadb(fb_buf_text(&text), text.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

/* Applies one FIELD=VALUE of the command line. */
static int correct_field(const struct fb_entity *e, json_t *change, const char *assignment,
                         struct fb_why *why)
{
    const char *equals = strchr(assignment, '=');
    char name[FB_NAME_BYTES_MAX + 1];
    if (equals == NULL || (size_t)(equals - assignment) >= sizeof name) {
        return fb_fail(why, FB_ERR_USAGE, "%s is not FIELD=VALUE", assignment);
    }
    snprintf(name, sizeof name, "%.*s", (int)(equals - assignment), assignment);
    const struct fb_field *f = fb_entity_field(e, name);
    if (f == NULL) {
        return fb_fail(why, FB_ERR_INVALID, "%s has no field %s", e->name, name);
    }
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    struct fb_value value;
    int rc = fb_field_parse(f, equals + 1, strlen(equals + 1), &arena, &value, why);
    rc = rc < 0 ? rc : fb_field_check(f, &value, why);
    if (rc < 0) {
        return rc;
    }
    json_t *fields = json_object_get(change, "fields");
    if (!json_is_object(fields)) {
        return fb_fail(why, FB_ERR_INVALID, "this held edit has no fields: retry or discard it");
    }
    json_t *field = json_object_get(fields, name);
    if (field == NULL) {
        field = json_object();
        json_object_set_new(fields, name, field);
    }
    return json_object_set_new(field, "mine", json_of_value(&value)) == 0 ? FB_OK
                                                                          : FB_ERR_NO_MEMORY;
}

static int correct_all(struct fb_cli *cli, struct fb_store *s, const char *entity,
                       const char *record_id, json_t *changes, struct fb_why *why)
{
    const struct fb_entity *e = fb_catalogue_entity(fb_store_catalogue(s), entity);
    json_t *change = find_change(changes, entity, record_id);
    if (e == NULL || change == NULL) {
        return fb_fail(why, FB_ERR_INVALID,
                       "this held edit cannot be corrected here: retry or discard it");
    }
    for (int i = 1; i < fb_cli_argument_count(cli); i++) {
        int rc = correct_field(e, change, fb_cli_argument(cli, i), why);
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

static int correct_one(struct fb_cli *cli, struct fb_store *s, const char *id, struct fb_why *why)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc =
        fb_sql_begin(s, "SELECT entity, record_id, changes FROM held_change WHERE id = ?1", &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    fb_sql_bind_text(q, 1, id);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? fb_store_error(s, why) : FB_ERR_NOT_FOUND;
    }
    json_t *changes = json_loads(fb_sql_text(q, 2), JSON_ALLOW_NUL, NULL);
    rc = correct_all(cli, s, fb_sql_text(q, 0), fb_sql_text(q, 1), changes, why);
    char *text = rc < 0 ? NULL : json_dumps(changes, JSON_COMPACT);
    json_decref(changes);
    if (rc == FB_OK) {
        rc = text == NULL ? FB_ERR_NO_MEMORY : fb_held_set_state(s, id, "corrected", text, why);
    }
    free(text);
    return rc;
}

int fb_command_held_correct(struct fb_cli *cli, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    char id[FB_ROW_ID_SIZE];
    int rc = fb_command_tables(cli, &s, why);
    rc = rc < 0 ? rc : fb_command_find_id(s, "held_change", fb_cli_argument(cli, 0), id, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_command_begin(s, why);
    if (rc < 0) {
        return rc;
    }
    rc = correct_one(cli, s, id, why);
    rc = fb_command_end(s, rc, why);
    rc = rc < 0 ? rc : fb_command_settle(cli, why);
    if (rc == FB_OK) {
        fb_cli_say(
            cli, fb_command_is_laptop(cli)
                     ? fb_text("Corrected. Headquarters applies it with the next round.")
                     : fb_text("Corrected; `held list` shows it again if it still breaks a rule."));
    }
    return rc;
}
