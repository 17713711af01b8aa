/* SPDX-License-Identifier: MIT
 *
 * conflict list | show | rule | undo | ask: the conflict desk (common/crm/desk.h) on the command line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/id.h"
#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/command/command.h"
#include "common/command/show.h"
#include "common/crm/desk.h"
#include "common/crm/say.h"
#include "common/store/sql.h"

#define TEXT_BYTES_MAX 1048576 /* 1 MiB */
#define DAY_MS         INT64_C(86400000)

static int64_t now_ms(void)
{
    return fb_os_now_ms();
}

/* ---- Which ones ---- */

/* A filter as the options say it; texts live as long as the arena and the command line. */
struct chosen {
    struct fb_desk_filter filter;
    char employee_id[FB_ROW_ID_SIZE];
    bool is_narrow; /* some option narrows it down */
};

static int read_days(const struct fb_cli *cli, const char *option, int64_t *ret_ms,
                     struct fb_why *why)
{
    const char *text = fb_cli_value(cli, option);
    if (text == NULL) {
        return FB_OK;
    }
    char *end = NULL;
    long days = strtol(text, &end, 10);
    if (end == text || *end != '\0' || days < 0 || days > 36500) {
        return fb_fail(why, FB_ERR_USAGE, "--%s takes a number of days, not %s", option, text);
    }
    *ret_ms = now_ms() - days * DAY_MS;
    return FB_OK;
}

static int read_person(const struct fb_cli *cli, struct fb_store *s, struct chosen *ret,
                       struct fb_why *why)
{
    const char *login = fb_cli_value(cli, "person");
    if (login == NULL) {
        return FB_OK;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "SELECT id FROM employee WHERE user_name = ?1 OR id = ?1", &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    fb_sql_bind_text(q, 1, login);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? fb_store_error(s, why)
                      : fb_fail(why, FB_ERR_NOT_FOUND, "nobody has the login %s", login);
    }
    snprintf(ret->employee_id, sizeof ret->employee_id, "%s", fb_sql_text(q, 0));
    ret->filter.employee_id = ret->employee_id;
    return FB_OK;
}

static int read_filter(const struct fb_cli *cli, struct fb_store *s, struct chosen *ret,
                       struct fb_why *why)
{
    *ret = (struct chosen){.filter = {.state = FB_DESK_OPEN}};
    const char *state = fb_cli_value(cli, "state");
    ret->filter.entity = fb_cli_value(cli, "entity");
    ret->filter.field = fb_cli_value(cli, "field");
    if (fb_cli_has(cli, "all")) {
        ret->filter.state = FB_DESK_ANY;
        ret->filter.has_second_decisions = true;
    }
    if (state != NULL && !fb_desk_state_parse(state, &ret->filter.state)) {
        return fb_fail(why, FB_ERR_USAGE, "--state is open, waiting, auto, ruled or any, not %s",
                       state);
    }
    if (ret->filter.entity != NULL &&
        fb_catalogue_entity(fb_store_catalogue(s), ret->filter.entity) == NULL) {
        return fb_fail(why, FB_ERR_INVALID, "the catalogue has no entity %s", ret->filter.entity);
    }
    int rc = read_days(cli, "older", &ret->filter.made_before_ms, why);
    rc = rc < 0 ? rc : read_days(cli, "newer", &ret->filter.made_since_ms, why);
    rc = rc < 0 ? rc : read_person(cli, s, ret, why);
    ret->is_narrow = state != NULL || ret->filter.entity != NULL || ret->filter.field != NULL ||
                     ret->filter.made_before_ms > 0 || ret->filter.made_since_ms > 0 ||
                     ret->filter.employee_id != NULL;
    return rc;
}

/* ---- list, show ---- */

static int list_one(void *ctx, const struct fb_desk_conflict *c)
{
    const struct fb_show *show = ctx;
    struct fb_cli_table *t = show->table;
    fb_show_id(show, c->id);
    fb_cli_table_cell(t, c->outcome);
    fb_cli_table_cell(t, c->entity);
    fb_show_title(show, c->entity, c->record_id);
    fb_cli_table_cell(t, c->field);
    fb_show_values(show, c->entity, c->field, c->theirs, true);
    fb_show_values(show, c->entity, c->field, c->mine, true);
    fb_show_title(show, "employee", c->mine_by_id);
    fb_show_time(show, c->mine_at);
    fb_cli_table_cell(t, c->policy);
    return FB_OK;
}

int fb_command_conflict_list(struct fb_cli *cli, struct fb_why *why)
{
    static const char *const COLUMNS[] = {"id",    "state",        "entity", "record",
                                          "field", "headquarters", "laptop", "laptop_by",
                                          "at",    "rule",         NULL};
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    struct chosen chosen;
    int rc = fb_command_tables(cli, &s, why);
    rc = rc < 0 ? rc : read_filter(cli, s, &chosen, why);
    if (rc < 0) {
        return rc;
    }
    struct fb_cli_table *t = fb_cli_table_new(cli, COLUMNS);
    struct fb_show show = {.cli = cli, .store = s, .table = t};
    rc = fb_desk_list(s, &chosen.filter, now_ms(), list_one, &show);
    fb_cli_table_print(
        t, fb_cli_has(cli, "all")
               ? fb_text("There never was a conflict.")
               : fb_text("No conflict waits for a decision; --all shows the settled ones."));
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}

static void add_text(const struct fb_show *show, const char *name, const char *text)
{
    fb_cli_table_cell(show->table, name);
    fb_cli_table_cell(show->table, text);
}

static void add_values(const struct fb_show *show, const char *name,
                       const struct fb_desk_conflict *c, const char *json)
{
    fb_cli_table_cell(show->table, name);
    fb_show_values(show, c->entity, c->field, json, false);
}

static void add_time(const struct fb_show *show, const char *name, const char *instant)
{
    fb_cli_table_cell(show->table, name);
    fb_show_time(show, instant);
}

static void add_title(const struct fb_show *show, const char *name, const char *entity,
                      const char *id)
{
    fb_cli_table_cell(show->table, name);
    fb_show_title(show, entity, id);
}

static int show_one(void *ctx, const struct fb_desk_conflict *c)
{
    const struct fb_show *show = ctx;
    FB_AUTO(fb_buf_release) struct fb_buf said;
    fb_buf_init(&said, TEXT_BYTES_MAX);
    fb_say_conflict(show->store, c, NULL, &said);
    add_text(show, "id", c->id);
    add_text(show, "state", c->outcome);
    add_text(show, "sentence", fb_buf_text(&said));
    add_text(show, "reason", c->reason);
    add_text(show, "rule", c->policy);
    add_text(show, "entity", c->entity);
    add_text(show, "record_id", c->record_id);
    add_title(show, "record", c->entity, c->record_id);
    add_text(show, "field", c->field);
    add_values(show, "original", c, c->base);
    add_values(show, "headquarters", c, c->theirs);
    add_values(show, "laptop", c, c->mine);
    add_title(show, "headquarters_by", "employee", c->theirs_by_id);
    add_time(show, "headquarters_at", c->theirs_at);
    add_title(show, "laptop_by", "employee", c->mine_by_id);
    add_time(show, "laptop_at", c->mine_at);
    add_time(show, "arrived_at", c->arrived_at);
    add_title(show, "device", "device", c->device_id);
    if (c->typed != NULL) {
        add_values(show, "typed", c, c->typed);
    }
    add_title(show, "decided_by", "employee", c->decided_by_id);
    add_time(show, "decided_at", c->decided_at);
    add_text(show, "can_be_taken_back", c->is_undoable ? fb_text("yes") : fb_text("no"));
    add_text(show, "question", c->question);
    add_text(show, "note", c->note);
    return FB_OK;
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
    struct fb_cli_table *t = fb_cli_table_new(cli, COLUMNS);
    struct fb_show show = {.cli = cli, .store = s, .table = t};
    const struct fb_desk_filter one = {
        .state = FB_DESK_ANY, .id = id, .has_second_decisions = true};
    rc = fb_desk_list(s, &one, now_ms(), show_one, &show);
    fb_cli_table_print(t, "");
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}

/* ---- rule, undo, ask ---- */

static int read_ruling(const struct fb_cli *cli, struct fb_desk_ruling *ret, struct fb_why *why)
{
    const char *keep = fb_cli_value(cli, "keep");
    const char *value = fb_cli_value(cli, "value");
    *ret = (struct fb_desk_ruling){.keep = FB_DESK_VALUE,
                                   .note = fb_cli_value(cli, "note"),
                                   .may_replace = fb_cli_has(cli, "again")};
    if ((keep == NULL) == (value == NULL)) {
        return fb_fail(why, FB_ERR_USAGE, "say either --keep theirs|mine|base|later or --value V");
    }
    bool is_known =
        keep == NULL || (fb_desk_keep_parse(keep, &ret->keep) && ret->keep != FB_DESK_UNDO);
    return is_known ? FB_OK
                    : fb_fail(why, FB_ERR_USAGE,
                              "--keep %s is not known: theirs is headquarters' value, mine the "
                              "laptop's, base "
                              "the original, later the one that was made later",
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

/* ---- The ids: those named, or all that the filter finds ---- */

struct id_list {
    struct fb_arena arena;
    char (*ids)[FB_ROW_ID_SIZE];
    size_t count, capacity;
};

static int add_id(void *ctx, const struct fb_desk_conflict *c)
{
    struct id_list *l = ctx;
    char(*grown)[FB_ROW_ID_SIZE] =
        fb_arena_grow(&l->arena, l->ids, l->count, &l->capacity, sizeof *grown);
    if (grown == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    l->ids = grown;
    snprintf(grown[l->count++], FB_ROW_ID_SIZE, "%s", c->id);
    return FB_OK;
}

static int find_ids(struct fb_cli *cli, struct fb_store *s, struct id_list *ret, struct fb_why *why)
{
    for (int i = 0; i < fb_cli_argument_count(cli); i++) {
        char id[FB_ROW_ID_SIZE];
        int rc = fb_command_find_id(s, "conflict", fb_cli_argument(cli, i), id, why);
        const struct fb_desk_conflict c = {.id = id};
        rc = rc < 0 ? rc : add_id(ret, &c);
        if (rc < 0) {
            return rc;
        }
    }
    struct chosen chosen;
    int rc = read_filter(cli, s, &chosen, why);
    if (rc < 0 || fb_cli_argument_count(cli) > 0) {
        return rc;
    }
    if (!chosen.is_narrow) {
        return fb_fail(why, FB_ERR_USAGE,
                       "say which: ids, or --field, --entity, --person, --state, --older, --newer");
    }
    rc = fb_desk_list(s, &chosen.filter, now_ms(), add_id, ret);
    return rc == FB_OK && ret->count == 0
               ? fb_fail(why, FB_ERR_NOT_FOUND,
                         "no conflict is like that; `conflict list` shows them")
               : rc;
}

static int rule_all(struct fb_store *s, const struct id_list *list, struct fb_desk_ruling *ruling,
                    const char *value, struct fb_why *why)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < list->count; i++) {
        FB_AUTO(fb_buf_release) struct fb_buf typed;
        fb_buf_init(&typed, TEXT_BYTES_MAX);
        rc = value == NULL ? FB_OK : make_typed(s, list->ids[i], value, &typed, why);
        ruling->value = value == NULL ? NULL : fb_buf_text(&typed);
        rc = rc < 0 ? rc : fb_desk_rule(s, list->ids[i], ruling, now_ms(), why);
    }
    return rc;
}

/* All in one transaction, or none. */
static int decide(struct fb_cli *cli, struct fb_desk_ruling *ruling, const char *value,
                  size_t *ret_count, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    struct id_list list = {.count = 0};
    fb_arena_init(&list.arena, 0);
    int rc = fb_command_tables(cli, &s, why);
    rc = rc < 0 ? rc : fb_command_begin(s, why);
    if (rc < 0) {
        return rc;
    }
    rc = find_ids(cli, s, &list, why);
    rc = rc < 0 ? rc : rule_all(s, &list, ruling, value, why);
    *ret_count = list.count;
    fb_arena_release(&list.arena);
    rc = fb_command_end(s, rc, why);
    return rc < 0 ? rc : fb_command_settle(cli, why);
}

int fb_command_conflict_rule(struct fb_cli *cli, struct fb_why *why)
{
    struct fb_desk_ruling ruling;
    size_t count = 0;
    int rc = read_ruling(cli, &ruling, why);
    rc = rc < 0 ? rc : decide(cli, &ruling, fb_cli_value(cli, "value"), &count, why);
    if (rc == FB_OK) {
        fb_cli_say(cli,
                   fb_command_is_laptop(cli)
                       ? fb_text("Decided: %d. Headquarters takes it with the next round.")
                       : fb_text("Decided: %d. Laptops get it with their next round."),
                   (int)count);
    }
    return rc;
}

int fb_command_conflict_undo(struct fb_cli *cli, struct fb_why *why)
{
    struct fb_desk_ruling ruling = {.keep = FB_DESK_UNDO, .note = fb_cli_value(cli, "note")};
    size_t count = 0;
    int rc = decide(cli, &ruling, NULL, &count, why);
    if (rc == FB_OK) {
        fb_cli_say(
            cli,
            "Taken back: %d. What stood before stands again, where nobody has changed it since.",
            (int)count);
    }
    return rc;
}

int fb_command_conflict_ask(struct fb_cli *cli, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    char id[FB_ROW_ID_SIZE];
    int rc = fb_command_tables(cli, &s, why);
    rc = rc < 0 ? rc : fb_command_find_id(s, "conflict", fb_cli_argument(cli, 0), id, why);
    rc = rc < 0 ? rc : fb_command_begin(s, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_desk_ask(s, id, fb_cli_value(cli, "note") != NULL ? fb_cli_value(cli, "note") : "?",
                     why);
    rc = fb_command_end(s, rc, why);
    rc = rc < 0 ? rc : fb_command_settle(cli, why);
    if (rc == FB_OK) {
        fb_cli_say(cli, "Asked. It stands in the desk's list until somebody decides.");
    }
    return rc;
}
