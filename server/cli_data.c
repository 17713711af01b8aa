/* SPDX-License-Identifier: MIT
 *
 * verify, status, sample.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/base/time.h"
#include "common/crm/say.h"
#include "common/crm/title.h"
#include "common/store/history_pack.h"
#include "common/store/sql.h"
#include "server/cli.h"
#include "server/verify.h"

#define DIFFERENCES_NAMED 50 /* more than anybody reads; all of them with --json */
#define TITLE_BYTES_MAX   ((size_t)4096)

struct naming {
    struct fb_store *store;
    bool is_json;
    int64_t named;
};

/* "Company 东华精密", of the first scope in the set: by that people find the rows. */
static void append_title(struct fb_store *s, const char *set, struct fb_buf *buf)
{
    char entity[64];
    char id[FB_ROW_ID_SIZE];
    const struct fb_entity *e = sscanf(set, "%63[a-z_]:%36[0-9a-f-]", entity, id) == 2
                                    ? fb_catalogue_entity(fb_store_catalogue(s), entity)
                                    : NULL;
    if (e != NULL) {
        fb_buf_printf(buf, "%s ", fb_entity_label(e));
        fb_ignore(fb_title_append(s, entity, id, buf), "the set alone is shown");
    }
}

static void name_difference(void *ctx, const char *set)
{
    struct naming *n = ctx;
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, TITLE_BYTES_MAX);
    if (n->named++ >= DIFFERENCES_NAMED && !n->is_json) {
        return;
    }
    append_title(n->store, set, &text);
    if (n->is_json) {
        FB_AUTO(fb_buf_release) struct fb_buf json;
        fb_buf_init(&json, 8 * TITLE_BYTES_MAX);
        fb_buf_append_json_text(&json, fb_buf_text(&text), text.size);
        printf("{\"differs\":\"%s\",\"title\":%s}\n", set, fb_buf_text(&json));
    } else {
        printf(fb_text("differs: %s (%s)\n"), fb_buf_text(&text), set);
    }
}

static int take_in(struct fb_cli *cli, struct fb_store *s, struct fb_why *why)
{
    const char *data;
    int lock = -1;
    int rc = fb_cli_data(cli, &data, why);
    rc = rc < 0 ? rc : fb_server_cli_lock(data, &lock, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_command_begin(s, why);
    if (rc == FB_OK) {
        rc = fb_verify_take_in(s);
        if (rc == FB_ERR_BUSY) {
            rc = fb_fail(why, rc, "another program wrote to the database meanwhile: say it again");
        }
        rc = fb_server_cli_end_writing(s, rc, why);
    }
    fb_os_unlock(lock);
    return rc;
}

int fb_server_cli_verify(struct fb_cli *cli, struct fb_why *why)
{
    const char *data;
    int rc = fb_cli_data(cli, &data, why);
    const char *path = fb_cli_data_path(cli, "fieldbook.db");
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    if (rc == FB_OK && !fb_os_file_exists(path)) {
        return fb_command_store(cli, &s, why);
    }
    struct fb_store_options options = {.node = FB_NODE_SERVER, .check_quickly = true};
    rc = rc < 0 ? rc : fb_store_open(path, &options, &s, why);
    rc = rc < 0 ? rc : fb_command_settle(cli, why);
    if (rc < 0) {
        return rc;
    }
    struct fb_verify_result result;
    struct naming naming = {.store = s, .is_json = fb_cli_is_json(cli)};
    rc = fb_verify(s, name_difference, &naming, &result);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    if (result.bad_rev != 0) {
        return fb_fail(why, FB_ERR_DAMAGED,
                       "the log was changed after the fact: revision %lld does not fit the one "
                       "before; compare with a backup",
                       (long long)result.bad_rev);
    }
    if (result.differing_scopes != 0 && !fb_cli_has(cli, "take-in")) {
        return fb_fail(why, FB_ERR_DAMAGED,
                       "rows were changed with triggers off (scopes that differ, named above: "
                       "%lld): compare them with a backup or a laptop, correct what is wrong, then "
                       "let them stand with `fieldbook-server verify --take-in`",
                       (long long)result.differing_scopes);
    }
    if (result.differing_scopes != 0) {
        rc = take_in(cli, s, why);
        if (rc < 0) {
            return rc;
        }
        if (!fb_cli_is_json(cli)) {
            printf(fb_text("What differed stands from now on (scopes: %lld); laptops get it at "
                           "their next sync.\n"),
                   (long long)result.differing_scopes);
        }
    }
    if (fb_cli_is_json(cli)) {
        printf("{\"revs\":%lld,\"rows\":%lld,\"ok\":true}\n", (long long)result.revs,
               (long long)result.rows);
    } else {
        printf(fb_text("The file is whole, the log's chain holds (revisions: %lld), the digests "
                       "agree (rows: %lld).\n"),
               (long long)result.revs, (long long)result.rows);
    }
    return FB_OK;
}

/* What of the log lies behind the horizon. */
static int print_packed(struct fb_cli *cli, struct fb_store *s, struct fb_why *why)
{
    struct fb_packed packed;
    char instant[FB_INSTANT_SIZE];
    char at[FB_LOCAL_TIME_SIZE];
    if (fb_history_packed(s, &packed) < 0) {
        return fb_store_error(s, why);
    }
    fb_instant_format(packed.horizon_at_ms, instant);
    if (fb_cli_is_json(cli)) {
        printf(",\"log_horizon_revision\":%lld,\"log_entries_packed\":%lld,"
               "\"log_bytes_packed\":%lld,\"log_bytes_before\":%lld}\n",
               (long long)packed.horizon_rev, (long long)packed.entries, (long long)packed.bytes,
               (long long)packed.raw_bytes);
    } else if (packed.entries > 0) {
        fb_cli_print_fact(
            "packed log", "%lld entries up to revision %lld of %s, %lld of %lld bytes",
            (long long)packed.entries, (long long)packed.horizon_rev, fb_say_time(instant, at),
            (long long)packed.bytes, (long long)packed.raw_bytes);
    }
    return FB_OK;
}

int fb_server_cli_status(struct fb_cli *cli, struct fb_why *why)
{
    static const char *const NAMES[] = {"revision",      "journal_rows",      "devices_active",
                                        "pushes_merged", "conflicts_waiting", "held_waiting"};
    static const char *const SHOWN[] = {"revision",      "not sealed yet", "laptops in use",
                                        "pushes merged", "conflicts",      "held edits"};
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = fb_command_store(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(
        s,
        "SELECT (SELECT coalesce(max(rev), 0) FROM fb_rev), (SELECT count(*) FROM fb_journal WHERE "
        "op > 0),"
        " (SELECT count(*) FROM device WHERE state = 'active'), (SELECT count(*) FROM fb_seen),"
        " (SELECT count(*) FROM conflict WHERE outcome = 'waiting'),"
        " (SELECT count(*) FROM held_change WHERE state = 'waiting')",
        &q);
    rc = rc < 0 ? rc : fb_sql_step(q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    for (int i = 0; i < 6; i++) {
        if (fb_cli_is_json(cli)) {
            printf("%s\"%s\":%lld", i == 0 ? "{" : ",", NAMES[i], (long long)fb_sql_int(q, i));
        } else {
            fb_cli_print_fact(SHOWN[i], "%lld", (long long)fb_sql_int(q, i));
        }
    }
    return print_packed(cli, s, why);
}
