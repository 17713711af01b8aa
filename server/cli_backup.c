/* SPDX-License-Identifier: MIT
 *
 * backup, restore.
 */
#include <stdio.h>

#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/base/time.h"
#include "common/command/show.h"
#include "common/crm/say.h"
#include "server/backup.h"
#include "server/cli.h"
#include "server/timeline.h"

static bool show_progress(void *ctx, const char *what, int64_t done, int64_t total)
{
    struct fb_cli_progress *p = ctx;
    p->what = what;
    fb_cli_progress_show(p, done, total);
    return !fb_cli_is_interrupted();
}

int fb_server_cli_backup(struct fb_cli *cli, struct fb_why *why)
{
    const char *data;
    const char *path = fb_cli_argument(cli, 0);
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = fb_cli_data(cli, &data, why);
    rc = rc < 0 ? rc : fb_command_store(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    struct fb_cli_progress progress = {.cli = cli};
    struct fb_backup_result result;
    fb_cli_catch_interrupts();
    rc = fb_backup_make(s, data, path, show_progress, &progress, fb_os_now_ms(), &result, why);
    fb_cli_progress_end(&progress);
    if (rc < 0) {
        return rc;
    }
    if (fb_cli_is_json(cli)) {
        printf("{\"rev\":%lld,\"database_bytes\":%lld,\"file_bytes\":%lld}\n",
               (long long)result.rev, (long long)result.database_bytes,
               (long long)result.file_bytes);
    } else {
        printf(
            fb_text("%s: everything up to revision %lld, %lld bytes (the database: %lld). It was "
                    "read again and is whole.\n"),
            path, (long long)result.rev, (long long)result.file_bytes,
            (long long)result.database_bytes);
    }
    fb_cli_say(cli, "It holds headquarters' keys: whoever has this file can be headquarters.");
    return FB_OK;
}

/* ---- restore ---- */

static void print_report_json(const struct fb_restore_report *p, bool is_dry)
{
    printf("{\"dry_run\":%s,\"backup_rev\":%lld,\"present_rev\":%lld,\"common_rev\":%lld,"
           "\"related\":%s,\"lost_revs\":%lld,\"own_revs\":%lld,\"own_rows\":%lld,"
           "\"pushed_revs\":%lld,\"late_devices\":%lld}\n",
           is_dry ? "true" : "false", (long long)p->backup_rev, (long long)p->present_rev,
           (long long)p->common_rev, !p->has_present || p->is_related ? "true" : "false",
           (long long)p->lost_revs, (long long)p->own_revs, (long long)p->own_rows,
           (long long)p->pushed_revs, (long long)p->late_devices);
}

static void print_report(const struct fb_restore_report *p)
{
    char instant[FB_INSTANT_SIZE];
    char at[FB_LOCAL_TIME_SIZE];
    fb_instant_format(p->backup_at_ms, instant);
    fb_cli_print_fact("backup", "revision %lld of %s", (long long)p->backup_rev,
                      fb_say_time(instant, at));
    if (!p->has_present) {
        fb_cli_print_fact("present", "none that can be read");
        return;
    }
    fb_cli_print_fact("present", "revision %lld; both have revision %lld",
                      (long long)p->present_rev, (long long)p->common_rev);
    fb_cli_print_fact("from laptops", "%lld pushes: laptops send them again",
                      (long long)p->pushed_revs);
    fb_cli_print_fact("from here",
                      "%lld revisions, %lld rows: lost, but for what a laptop had "
                      "fetched; there it is found",
                      (long long)p->own_revs, (long long)p->own_rows);
    if (p->late_devices > 0) {
        fb_cli_print_fact("new laptops", "%lld, which must enrol again",
                          (long long)p->late_devices);
    }
}

static void add_device(void *ctx, const char *name, const char *login, int64_t pushes,
                       int64_t last_at_ms, bool is_late)
{
    const struct fb_show *show = ctx;
    char instant[FB_INSTANT_SIZE];
    fb_instant_format(last_at_ms, instant);
    fb_cli_table_cell(show->table, name);
    fb_cli_table_cell(show->table, login);
    fb_cli_table_cell_int(show->table, pushes);
    fb_show_time(show, last_at_ms == 0 ? NULL : instant);
    fb_cli_table_cell(show->table,
                      fb_cli_is_json(show->cli)
                          ? (is_late ? "enrols again" : "sends again")
                          : (is_late ? fb_text("enrols again") : fb_text("sends again")));
}

static int print_ahead(struct fb_cli *cli, struct fb_restore *r, struct fb_why *why)
{
    static const char *const COLUMNS[] = {"laptop", "of", "pushes", "last_at", "then", NULL};
    struct fb_cli_table *t = fb_cli_table_new(cli, COLUMNS);
    struct fb_show show = {.cli = cli, .table = t};
    int rc = fb_restore_each_ahead(r, add_device, &show, why);
    fb_cli_table_print(t, "As far as this database knows, no laptop is ahead of the backup.");
    return rc;
}

static int refuse_stranger(const struct fb_restore_report *p, struct fb_why *why)
{
    if (!p->has_present || p->is_related) {
        return FB_OK;
    }
    return fb_fail(why, FB_ERR_INVALID,
                   "the backup is of another headquarters than the one in this folder: give an "
                   "empty --data folder");
}

static int restore(struct fb_cli *cli, const char *data, struct fb_why *why)
{
    FB_AUTO(fb_restore_drop) struct fb_restore *r = NULL;
    struct fb_cli_progress progress = {.cli = cli};
    bool is_dry = fb_cli_has(cli, "dry-run");
    fb_cli_catch_interrupts();
    int rc = fb_restore_prepare(data, fb_cli_argument(cli, 0), show_progress, &progress, &r, why);
    fb_cli_progress_end(&progress);
    rc = rc < 0 ? rc : refuse_stranger(fb_restore_report(r), why);
    if (rc < 0) {
        return rc;
    }
    if (fb_cli_is_json(cli)) {
        print_report_json(fb_restore_report(r), is_dry);
    } else {
        print_report(fb_restore_report(r));
    }
    rc = print_ahead(cli, r, why);
    if (rc < 0 || is_dry) {
        fb_cli_say(cli, "Nothing was changed.");
        return rc;
    }
    char aside[4200];
    struct fb_random random = fb_random_system();
    rc = fb_restore_finish(r, &random, fb_os_now_ms(), aside, sizeof aside, why);
    if (rc < 0) {
        return rc;
    }
    fb_cli_say(cli,
               "Restored. What stood here is kept in %s. Start the server: laptops send again "
               "what the backup lacks, each at its next connection.",
               aside);
    return FB_OK;
}

/* A database that was set back by other means: it goes on from where it is, under a new timeline. */
static int confirm(struct fb_cli *cli, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = fb_command_store(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    char timeline[FB_ROW_ID_SIZE];
    struct fb_random random = fb_random_system();
    rc = fb_timeline_fork(s, &random, fb_os_now_ms(), timeline);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    fb_cli_say(cli, "Confirmed: headquarters goes on from what this database holds. Laptops send "
                    "again what it lacks, each at its next connection.");
    return FB_OK;
}

int fb_server_cli_restore(struct fb_cli *cli, struct fb_why *why)
{
    const char *data;
    int lock = -1;
    bool is_confirm = fb_cli_has(cli, "confirm");
    if (is_confirm != (fb_cli_argument_count(cli) == 0)) {
        return fb_fail(why, FB_ERR_USAGE,
                       "give the backup FILE, or --confirm for a database that "
                       "was set back by other means");
    }
    int rc = fb_cli_data(cli, &data, why);
    if (rc < 0 || is_confirm) {
        return rc < 0 ? rc : confirm(cli, why);
    }
    rc = fb_os_make_folder(data, why);
    rc = rc < 0 ? rc : fb_os_lock_folder(data, &lock, why);
    if (rc < 0) {
        return rc;
    }
    rc = restore(cli, data, why);
    fb_os_unlock(lock);
    return rc;
}
