/* SPDX-License-Identifier: MIT
 *
 * policy list | rehearse | set (common/crm/policies.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/command/command.h"
#include "common/command/show.h"
#include "common/crm/policies.h"
#include "server/cli.h"

#define CHANGES_MAX    64
#define REHEARSED_DAYS 30
#define DAY_MS         INT64_C(86400000)

int fb_server_cli_policy_list(struct fb_cli *cli, struct fb_why *why)
{
    static const char *const COLUMNS[] = {"entity", "field", "label", "rule", "meaning", NULL};
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = fb_command_tables(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    const char *only = fb_cli_argument_count(cli) > 0 ? fb_cli_argument(cli, 0) : NULL;
    const struct fb_catalogue *c = fb_store_catalogue(s);
    if (only != NULL && fb_catalogue_entity(c, only) == NULL) {
        return fb_fail(why, FB_ERR_INVALID, "the catalogue has no entity %s", only);
    }
    struct fb_cli_table *t = fb_cli_table_new(cli, COLUMNS);
    for (size_t i = 0; i < c->entity_count; i++) {
        const struct fb_entity *e = &c->entities[i];
        for (size_t k = 0; k < e->field_count && (only == NULL || strcmp(only, e->name) == 0);
             k++) {
            const struct fb_field *f = &e->fields[k];
            fb_cli_table_cell(t, e->name);
            fb_cli_table_cell(t, f->name);
            fb_cli_table_cell(t, fb_field_label(f));
            fb_cli_table_cell(t,
                              f->is_server_only ? "server only" : fb_merge_policy_name(f->policy));
            fb_cli_table_cell(t, fb_text(fb_merge_policy_sentence(f->policy)));
        }
    }
    fb_cli_table_print(t, "There are no fields.");
    return FB_OK;
}

/* ENTITY.FIELD=RULE, in a copy that the parts point into. */
struct change_text {
    char text[3 * FB_NAME_BYTES_MAX];
    struct fb_policy_change change;
};

static int read_change(const char *argument, struct change_text *ret, struct fb_why *why)
{
    int size = snprintf(ret->text, sizeof ret->text, "%s", argument);
    char *dot = strchr(ret->text, '.');
    char *equals = dot == NULL ? NULL : strchr(dot, '=');
    if (equals == NULL || (size_t)size >= sizeof ret->text) {
        return fb_fail(why, FB_ERR_USAGE, "%s is not ENTITY.FIELD=RULE", argument);
    }
    *dot = '\0';
    *equals = '\0';
    ret->change =
        (struct fb_policy_change){.entity = ret->text, .field = dot + 1, .policy = equals + 1};
    return FB_OK;
}

static int show_effect(void *ctx, const struct fb_policy_effect *effect)
{
    const struct fb_show *show = ctx;
    const struct fb_desk_conflict *c = effect->conflict;
    fb_show_id(show, c->id);
    fb_show_title(show, c->entity, c->record_id);
    fb_cli_table_cell(show->table, c->field);
    fb_show_values(show, c->entity, c->field, c->theirs, true);
    fb_show_values(show, c->entity, c->field, c->mine, true);
    fb_cli_table_cell(show->table, fb_policy_end_name(effect->before));
    fb_cli_table_cell(show->table, fb_policy_end_name(effect->after));
    return FB_OK;
}

static int read_days(const struct fb_cli *cli, int64_t *ret, struct fb_why *why)
{
    const char *text = fb_cli_value(cli, "days");
    char *end = NULL;
    long days = text == NULL ? REHEARSED_DAYS : strtol(text, &end, 10);
    if (text != NULL && (end == text || *end != '\0' || days < 1 || days > 3650)) {
        return fb_fail(why, FB_ERR_USAGE, "--days takes a number from 1 to 3650, not %s", text);
    }
    *ret = days;
    return FB_OK;
}

int fb_server_cli_policy_rehearse(struct fb_cli *cli, struct fb_why *why)
{
    static const char *const COLUMNS[] = {"id",     "record", "field", "headquarters",
                                          "laptop", "now",    "then",  NULL};
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int64_t days = 0;
    int rc = read_days(cli, &days, why);
    rc = rc < 0 ? rc : fb_command_tables(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    struct fb_cli_table *t = fb_cli_table_new(cli, COLUMNS);
    struct fb_show show = {.cli = cli, .store = s, .table = t};
    struct fb_policy_rehearsal all = {0};
    int64_t now_ms = fb_os_now_ms();
    for (int i = 0; rc == FB_OK && i < fb_cli_argument_count(cli); i++) {
        struct change_text text;
        struct fb_policy_rehearsal one = {0};
        rc = read_change(fb_cli_argument(cli, i), &text, why);
        rc = rc < 0 ? rc
                    : fb_policy_rehearse(s, &text.change, now_ms - days * DAY_MS, now_ms,
                                         show_effect, &show, &one, why);
        all.conflicts += one.conflicts;
        all.differing += one.differing;
        all.asking += one.asking;
    }
    fb_cli_table_print(t, "Nothing would have ended otherwise.");
    if (rc == FB_OK) {
        fb_cli_say(cli,
                   "Of %lld conflicts in %lld days %lld would have ended otherwise; %lld would "
                   "have waited for a person.",
                   (long long)all.conflicts, (long long)days, (long long)all.differing,
                   (long long)all.asking);
    }
    return rc;
}

int fb_server_cli_policy_set(struct fb_cli *cli, struct fb_why *why)
{
    struct change_text texts[CHANGES_MAX];
    struct fb_policy_change changes[CHANGES_MAX];
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    size_t count = (size_t)fb_cli_argument_count(cli);
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        rc = read_change(fb_cli_argument(cli, (int)i), &texts[i], why);
        changes[i] = texts[i].change;
    }
    rc = rc < 0 ? rc : fb_command_tables(cli, &s, why);
    rc = rc < 0 ? rc : fb_command_begin(s, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_policy_set(s, changes, count, fb_os_now_ms(), why);
    int64_t version = rc < 0 ? 0 : fb_store_catalogue(s)->version;
    rc = fb_command_end(s, rc, why);
    if (rc < 0) {
        return rc;
    }
    fb_cli_say(
        cli,
        "Version %lld of the catalogue is in force; laptops get it with their next connection.",
        (long long)version);
    return FB_OK;
}
