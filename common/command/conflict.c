/* SPDX-License-Identifier: MIT
 *
 * conflict list | show | rule. Ruling is an ordinary edit of the conflict's row: headquarters writes the chosen value to the
 * record when it takes the edit in, and the decision travels like any row.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/id.h"
#include "common/base/mem.h"
#include "common/command/command.h"
#include "common/command/show.h"
#include "common/store/sql.h"

#define TEXT_BYTES_MAX 1048576 /* 1 MiB */

int fb_command_conflict_list(struct fb_cli *cli, struct fb_why *why)
{
    static const char *const COLUMNS[] = {"id",    "state",        "entity", "record",
                                          "field", "headquarters", "laptop", "laptop_by",
                                          "at",    "rule",         NULL};
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = fb_command_tables(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(
        s,
        "SELECT id, outcome, entity, record_id, field_group, theirs, mine, mine_by_id, mine_at, "
        "policy"
        " FROM conflict WHERE ?1 OR outcome = 'waiting' ORDER BY outcome <> 'waiting', mine_at, id",
        &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    fb_sql_bind_int(q, 1, fb_cli_has(cli, "all"));
    struct fb_cli_table *t = fb_cli_table_new(cli, COLUMNS);
    const struct fb_show show = {.cli = cli, .store = s, .table = t};
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        const char *entity = fb_sql_text(q, 2);
        const char *group = fb_sql_text(q, 4);
        fb_show_id(&show, fb_sql_text(q, 0));
        fb_cli_table_cell(t, fb_sql_text(q, 1));
        fb_cli_table_cell(t, entity);
        fb_show_title(&show, entity, fb_sql_text(q, 3));
        fb_cli_table_cell(t, group);
        fb_show_values(&show, entity, group, fb_sql_text(q, 5), true);
        fb_show_values(&show, entity, group, fb_sql_text(q, 6), true);
        fb_show_title(&show, "employee", fb_sql_text(q, 7));
        fb_show_time(&show, fb_sql_text(q, 8));
        fb_cli_table_cell(t, fb_sql_text(q, 9));
    }
    fb_cli_table_print(
        t, fb_cli_has(cli, "all")
               ? fb_text("There never was a conflict.")
               : fb_text("No conflict waits for a decision; --all shows the settled ones."));
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}

/* The columns of conflict show's SELECT, in its order. */
static void add_conflict(const struct fb_show *show, struct fb_sql *q)
{
    static const char *const NAMES[] = {"id",           "state",     "reason",          "rule",
                                        "entity",       "record_id", "field",           "original",
                                        "headquarters", "laptop",    "headquarters_at", "laptop_at",
                                        "decided_at",   "note"};
    const char *entity = fb_sql_text(q, 4);
    for (int i = 0; i < (int)(sizeof NAMES / sizeof NAMES[0]); i++) {
        const char *text = fb_sql_text(q, i);
        fb_cli_table_cell(show->table, NAMES[i]);
        if (i >= 7 && i <= 9) {
            fb_show_values(show, entity, fb_sql_text(q, 6), text, false);
        } else if (i >= 10 && i <= 12) {
            fb_show_time(show, text);
        } else {
            fb_cli_table_cell(show->table, text);
        }
    }
    fb_cli_table_cell(show->table, "record");
    fb_show_title(show, entity, fb_sql_text(q, 5));
    fb_cli_table_cell(show->table, "headquarters_by");
    fb_show_title(show, "employee", fb_sql_text(q, 14));
    fb_cli_table_cell(show->table, "laptop_by");
    fb_show_title(show, "employee", fb_sql_text(q, 15));
}

int fb_command_conflict_show(struct fb_cli *cli, struct fb_why *why)
{
    static const char *const COLUMNS[] = {"what", "value", NULL};
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = fb_command_tables(cli, &s, why);
    char id[FB_ROW_ID_SIZE];
    rc = rc < 0 ? rc : fb_command_find_id(s, "conflict", fb_cli_argument(cli, 0), id, why);
    if (rc < 0) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(
        s,
        "SELECT id, outcome, reason, policy, entity, record_id, field_group, base, theirs, mine,"
        " theirs_at, mine_at, decided_at, note, theirs_by_id, mine_by_id FROM conflict WHERE id = "
        "?1",
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
    add_conflict(&(struct fb_show){.cli = cli, .store = s, .table = t}, q);
    fb_cli_table_print(t, "");
    return FB_OK;
}

/* --keep and --value as the outcome the conflict's row gets. */
static int read_ruling(const struct fb_cli *cli, const char **ret_outcome, const char **ret_value,
                       struct fb_why *why)
{
    static const char *const WORDS[] = {"theirs", "mine", "base", NULL};
    static const char *const OUTCOMES[] = {"kept_theirs", "kept_mine", "kept_base"};
    const char *keep = fb_cli_value(cli, "keep");
    const char *value = fb_cli_value(cli, "value");
    if ((keep == NULL) == (value == NULL)) {
        return fb_fail(why, FB_ERR_USAGE, "say either --keep theirs|mine|base or --value V");
    }
    *ret_value = value;
    *ret_outcome = "typed";
    if (keep == NULL) {
        return FB_OK;
    }
    for (size_t i = 0; WORDS[i] != NULL; i++) {
        if (strcmp(keep, WORDS[i]) == 0) {
            *ret_outcome = OUTCOMES[i];
            return FB_OK;
        }
    }
    return fb_fail(why, FB_ERR_USAGE,
                   "--keep %s is not known: theirs is headquarters' value, mine the laptop's, base "
                   "the original",
                   keep);
}

/* The typed text as the JSON of the conflict's field; only a field of its own can be typed, a group cannot. */
static int make_typed(struct fb_store *s, const char *id, const char *text, struct fb_buf *ret,
                      struct fb_why *why)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "SELECT entity, field_group FROM conflict WHERE id = ?1", &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    fb_sql_bind_text(q, 1, id);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? fb_store_error(s, why) : FB_ERR_NOT_FOUND;
    }
    const struct fb_entity *e = fb_catalogue_entity(fb_store_catalogue(s), fb_sql_text(q, 0));
    const struct fb_field *f = e == NULL ? NULL : fb_entity_field(e, fb_sql_text(q, 1));
    if (f == NULL) {
        return fb_fail(
            why, FB_ERR_INVALID,
            "%s is a group of fields: keep theirs, mine or base, and then edit the record",
            fb_sql_text(q, 1));
    }
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    struct fb_value value;
    rc = fb_field_parse(f, text, strlen(text), &arena, &value, why);
    if (rc < 0) {
        return rc;
    }
    fb_buf_printf(ret, "{\"%s\":", f->name);
    fb_value_append_json(ret, &value);
    fb_buf_append_byte(ret, '}');
    return fb_buf_error(ret);
}

static int rule_one(struct fb_store *s, const char *id, const char *outcome, const char *value,
                    const char *note, struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf typed;
    fb_buf_init(&typed, TEXT_BYTES_MAX);
    int rc = value == NULL ? FB_OK : make_typed(s, id, value, &typed, why);
    if (rc < 0) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(
        s, "UPDATE conflict SET outcome = ?2, typed = ?3, note = coalesce(?4, note) WHERE id = ?1",
        &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    fb_sql_bind_text(q, 1, id);
    fb_sql_bind_text(q, 2, outcome);
    fb_sql_bind_text(q, 3, value == NULL ? NULL : fb_buf_text(&typed));
    fb_sql_bind_text(q, 4, note);
    rc = fb_sql_run(q);
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}

int fb_command_conflict_rule(struct fb_cli *cli, struct fb_why *why)
{
    const char *outcome = NULL;
    const char *value = NULL;
    int rc = read_ruling(cli, &outcome, &value, why);
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    rc = rc < 0 ? rc : fb_command_tables(cli, &s, why);
    rc = rc < 0 ? rc : fb_store_begin(s);
    if (rc < 0) {
        return s == NULL ? rc : fb_store_error(s, why);
    }
    for (int i = 0; i < fb_cli_argument_count(cli) && rc == FB_OK; i++) {
        char id[FB_ROW_ID_SIZE];
        rc = fb_command_find_id(s, "conflict", fb_cli_argument(cli, i), id, why);
        rc = rc < 0 ? rc : rule_one(s, id, outcome, value, fb_cli_value(cli, "note"), why);
    }
    if (rc < 0) {
        fb_store_rollback(s);
        return rc;
    }
    rc = fb_store_commit(s);
    rc = rc < 0 ? fb_store_error(s, why) : fb_command_settle(cli, why);
    if (rc == FB_OK) {
        fb_cli_say(cli,
                   fb_command_is_laptop(cli)
                       ? fb_text("Decided: %d. Headquarters takes it with the next round.")
                       : fb_text("Decided: %d. Laptops get it with their next round."),
                   fb_cli_argument_count(cli));
    }
    return rc;
}
