/* SPDX-License-Identifier: MIT
 *
 * doctor: what is wrong with the database, and what can be done about it.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/os.h"
#include "replica/cli.h"
#include "replica/lease.h"
#include "replica/salvage.h"

#define NOTE_BYTES_MAX 4096

static void print_salvage_json(const struct fb_replica_salvage_report *r)
{
    printf("{\"pushes\":%lld,\"pushed_edits\":%lld,\"pushes_lost\":%lld,\"journal\":%lld,"
           "\"journal_lost\":%s,\"rows\":%lld,\"tables_damaged\":%lld}\n",
           (long long)r->outbox.pushes, (long long)r->outbox.changes,
           (long long)r->outbox.pushes_lost, (long long)r->read.edits,
           r->read.has_lost_edits || r->has_nothing ? "true" : "false", (long long)r->read.rows,
           (long long)r->read.gaps);
}

static void print_salvage(struct fb_cli *cli, const struct fb_replica_salvage_report *r)
{
    fb_cli_print_fact("damaged file", "%s", r->aside);
    if (r->is_finished) {
        fb_cli_say(cli, "An earlier salvage is finished: the new database is in place.");
    } else if (r->has_nothing) {
        fb_cli_print_fact("saved", "nothing: not even the list of tables could be read");
    } else {
        fb_cli_print_fact("unsent edits saved", "%lld packed, %lld in the journal",
                          (long long)r->outbox.changes, (long long)r->read.edits);
        fb_cli_print_fact("records saved", "%lld", (long long)r->read.rows);
        if (r->outbox.pushes_lost > 0) {
            fb_cli_print_fact("lost", "%lld packed sets of edits that cannot be read whole",
                              (long long)r->outbox.pushes_lost);
        }
        if (r->read.has_lost_edits) {
            fb_cli_print_fact("lost", "edits in the journal that cannot be read");
        }
        if (r->read.gaps > 0) {
            fb_cli_print_fact("not read whole", "%s", r->read.tables);
        }
    }
    fb_cli_say(cli, "The next `sync` sends what was saved and downloads everything anew. Check the "
                    "disk before you go on working with it.");
}

static int salvage(struct fb_cli *cli, const char *data, struct fb_why *why)
{
    struct fb_replica_salvage_report report;
    int lock = -1;
    int rc = fb_replica_lease_gate(cli, data, why);
    rc = rc < 0 ? rc : fb_os_lock_folder(data, &lock, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_replica_salvage(data, fb_os_now_ms(), &report, why);
    fb_os_unlock(lock);
    if (rc == FB_OK && fb_cli_is_json(cli)) {
        print_salvage_json(&report);
    } else if (rc == FB_OK) {
        print_salvage(cli, &report);
    }
    return rc;
}

int fb_replica_cli_doctor(struct fb_cli *cli, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    const char *path = fb_cli_data_path(cli, "fieldbook.db");
    const char *data = NULL;
    int rc = fb_cli_data(cli, &data, why);
    if (rc == FB_OK && fb_cli_has(cli, "salvage")) {
        return salvage(cli, data, why);
    }
    if (rc == FB_OK && !fb_os_file_exists(path)) {
        return fb_command_store(cli, &s, why);
    }
    struct fb_store_options options = {.node = FB_NODE_REPLICA, .check_quickly = true};
    rc = rc < 0 ? rc : fb_replica_lease_gate(cli, data, why);
    rc = rc < 0 ? rc : fb_store_open(path, &options, &s, why);
    struct fb_store_health health = {0};
    rc = rc < 0 ? rc : fb_store_check_schema(s, &health);
    if (rc < 0) {
        return s == NULL ? rc : fb_store_error(s, why);
    }
    if (fb_cli_is_json(cli)) {
        FB_AUTO(fb_buf_release) struct fb_buf note;
        fb_buf_init(&note, NOTE_BYTES_MAX);
        fb_buf_append_json_text(&note, health.note, strlen(health.note));
        printf("{\"triggers_restored\":%u,\"tables_restored\":%u,\"unknown_columns\":%u,\"note\":%"
               "s}\n",
               health.triggers_restored, health.tables_restored, health.unknown_columns,
               fb_buf_text(&note));
        return FB_OK;
    }
    fb_cli_print_fact("database file", "whole");
    fb_cli_print_fact("triggers", "%u restored", health.triggers_restored);
    fb_cli_print_fact("tables", "%u restored", health.tables_restored);
    fb_cli_print_fact("unknown columns", "%u (left alone; they do not sync)",
                      health.unknown_columns);
    if (health.note[0] != '\0') {
        fb_cli_print_fact("found", "%s", health.note);
    }
    fb_cli_say(cli,
               "The next `sync` compares all rows with headquarters and repairs what differs.");
    return FB_OK;
}
