/* SPDX-License-Identifier: MIT
 *
 * merge | merge undo | duplicates list | duplicates dismiss (common/crm/duplicates.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/base/id.h"
#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/command/command.h"
#include "common/command/show.h"
#include "common/crm/alike.h"
#include "common/crm/duplicates.h"

/* --take FIELD=drop, each once, as JSON; NULL: none were given. Free it. */
static int read_choices(const struct fb_cli *cli, char **ret, struct fb_why *why)
{
    const char *const *texts = NULL;
    size_t count = fb_cli_values(cli, "take", &texts);
    json_t *choices = count == 0 ? NULL : json_object();
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        const char *equals = strchr(texts[i], '=');
        char name[FB_NAME_BYTES_MAX + 1];
        if (equals == NULL || (size_t)(equals - texts[i]) >= sizeof name) {
            rc = fb_fail(why, FB_ERR_USAGE, "--take %s is not FIELD=keep or FIELD=drop", texts[i]);
            break;
        }
        snprintf(name, sizeof name, "%.*s", (int)(equals - texts[i]), texts[i]);
        json_object_set_new(choices, name, json_string(equals + 1));
    }
    *ret = choices == NULL ? NULL : json_dumps(choices, JSON_COMPACT);
    json_decref(choices);
    return rc;
}

static int add_move(void *ctx, const struct fb_entity *e, const struct fb_field *f, int64_t count)
{
    struct fb_cli_table *t = ctx;
    fb_cli_table_cell(t, e->name);
    fb_cli_table_cell(t, f->name);
    fb_cli_table_cell_int(t, (long long)count);
    return FB_OK;
}

static int show_moves(struct fb_cli *cli, struct fb_store *s, const struct fb_entity *e,
                      const char *drop_id, struct fb_why *why)
{
    static const char *const COLUMNS[] = {"entity", "field", "rows", NULL};
    struct fb_cli_table *t = fb_cli_table_new(cli, COLUMNS);
    int rc = fb_merging_moves(s, e, drop_id, add_move, t);
    fb_cli_table_print(t, "Nothing points to the record to be dropped.");
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}

static int merge(struct fb_cli *cli, struct fb_store *s, const char *choices, struct fb_why *why)
{
    char keep_id[FB_ROW_ID_SIZE];
    char drop_id[FB_ROW_ID_SIZE];
    char job_id[FB_ROW_ID_SIZE];
    const char *name = fb_cli_argument(cli, 0);
    const struct fb_entity *e = fb_catalogue_entity(fb_store_catalogue(s), name);
    if (e == NULL) {
        return fb_fail(why, FB_ERR_INVALID, "the catalogue has no entity %s", name);
    }
    int rc = fb_command_find_id(s, e->name, fb_cli_argument(cli, 1), keep_id, why);
    rc = rc < 0 ? rc : fb_command_find_id(s, e->name, fb_cli_argument(cli, 2), drop_id, why);
    if (rc < 0 || fb_cli_has(cli, "dry-run")) {
        return rc < 0 ? rc : show_moves(cli, s, e, drop_id, why);
    }
    const struct fb_merging_wish wish = {
        .entity = e->name, .keep_id = keep_id, .drop_id = drop_id, .choices = choices};
    rc = fb_command_begin(s, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_merging_ask(s, &wish, job_id, why);
    rc = fb_command_end(s, rc, why);
    rc = rc < 0 ? rc : fb_command_settle(cli, why);
    if (rc == FB_OK) {
        fb_cli_say(cli,
                   fb_command_is_laptop(cli)
                       ? fb_text("Headquarters merges them with the next round. To take it back: "
                                 "`merge undo %s`.")
                       : fb_text("Merged. To take it back, within 30 days: `merge undo %s`."),
                   job_id + strlen(job_id) - FB_SHORT_ID_CHARS);
    }
    return rc;
}

int fb_command_merge(struct fb_cli *cli, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    char *choices = NULL;
    int rc = read_choices(cli, &choices, why);
    rc = rc < 0 ? rc : fb_command_tables(cli, &s, why);
    rc = rc < 0 ? rc : merge(cli, s, choices, why);
    free(choices);
    return rc;
}

static int take_back(const void *ctx, struct fb_store *s, const char *id, struct fb_why *why)
{
    (void)ctx;
    return fb_merging_take_back(s, id, fb_os_now_ms(), why);
}

int fb_command_merge_undo(struct fb_cli *cli, struct fb_why *why)
{
    int rc = fb_command_each_row(cli, "merge_job", take_back, NULL, why);
    if (rc == FB_OK) {
        fb_cli_say(cli, "Headquarters takes it back; `duplicates list --all` says so, or why not.");
    }
    return rc;
}

static int dismiss(const void *ctx, struct fb_store *s, const char *id, struct fb_why *why)
{
    (void)ctx;
    return fb_duplicates_dismiss(s, id, NULL, why);
}

int fb_command_duplicates_dismiss(struct fb_cli *cli, struct fb_why *why)
{
    int rc = fb_command_each_row(cli, "merge_job", dismiss, NULL, why);
    if (rc == FB_OK) {
        fb_cli_say(cli, "Not the same: remembered.");
    }
    return rc;
}

static int list_one(void *ctx, const struct fb_duplicate *d)
{
    const struct fb_show *show = ctx;
    FB_AUTO(fb_buf_release) struct fb_buf why;
    fb_buf_init(&why, FB_WHY_SIZE);
    if (d->rule != NULL) {
        fb_alike_say(fb_catalogue_entity(fb_store_catalogue(show->store), d->entity), d->rule,
                     &why);
    }
    fb_show_id(show, d->id);
    fb_cli_table_cell(show->table, d->state);
    fb_cli_table_cell(show->table, d->entity);
    fb_show_title(show, d->entity, d->keep_id);
    fb_show_title(show, d->entity, d->drop_id);
    fb_show_id(show, d->keep_id);
    fb_show_id(show, d->drop_id);
    fb_cli_table_cell_int(show->table, (long long)d->score);
    fb_cli_table_cell(show->table, fb_buf_text(&why));
    fb_cli_table_cell(show->table, d->note);
    return FB_OK;
}

int fb_command_duplicates_list(struct fb_cli *cli, struct fb_why *why)
{
    static const char *const COLUMNS[] = {"id",    "state",   "entity",  "record",
                                          "other", "keep_id", "drop_id", "alike",
                                          "why",   "note",    NULL};
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = fb_command_tables(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    struct fb_cli_table *t = fb_cli_table_new(cli, COLUMNS);
    struct fb_show show = {.cli = cli, .store = s, .table = t};
    rc = fb_duplicates_list(s, fb_cli_has(cli, "all") ? NULL : "suspected", list_one, &show);
    fb_cli_table_print(t, "No records are suspected to be the same.");
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}
