/* SPDX-License-Identifier: MIT
 *
 * import ENTITY FILE.csv: tells how far it is, which lines failed and why, and counts that add up.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/command/command.h"
#include "common/formats/import.h"
#include "common/store/sql.h"

#define REJECTS_SHOWN_MAX 20 /* the rest is in the reject file */

struct run {
    struct fb_cli *cli;
    struct fb_cli_progress progress;
    int64_t rejects;
};

static bool on_progress(void *ctx, int64_t bytes_done, int64_t bytes_total)
{
    struct run *run = ctx;
    fb_cli_progress_show(&run->progress, bytes_done, bytes_total);
    return !fb_cli_is_interrupted();
}

static void on_rejected(void *ctx, int64_t line, const char *sentence)
{
    struct run *run = ctx;
    if (++run->rejects > REJECTS_SHOWN_MAX) {
        return;
    }
    fb_cli_progress_end(&run->progress);
    fb_cli_say(run->cli, "line %lld: %s", (long long)line, sentence);
}

/* Rows without an owner belong to the laptop's person; at headquarters the import decides. */
static void find_importer(struct fb_store *s, char ret_id[static FB_ROW_ID_SIZE])
{
    ret_id[0] = '\0';
    fb_ignore(fb_store_meta_text(s, "employee_id", ret_id, FB_ROW_ID_SIZE),
              "headquarters has none");
}

static void print_json(const struct fb_import_result *r, bool is_dry_run)
{
    printf("{\"read\":%lld,\"new\":%lld,\"updated\":%lld,\"unchanged\":%lld,\"rejected\":%lld,"
           "\"encoding\":\"%s\","
           "\"dry_run\":%s,\"rows\":{",
           (long long)r->lines_read, (long long)r->lines_new, (long long)r->lines_updated,
           (long long)r->lines_unchanged, (long long)r->lines_rejected, r->encoding,
           is_dry_run ? "true" : "false");
    for (size_t i = 0; i < r->row_count; i++) {
        printf("%s\"%s\":{\"made\":%lld,\"updated\":%lld}", i == 0 ? "" : ",", r->rows[i].entity,
               (long long)r->rows[i].made, (long long)r->rows[i].updated);
    }
    printf("}}\n");
}

static void print_text(const struct fb_import_result *r, bool is_dry_run, const char *rejects)
{
    printf(
        fb_text("%lld lines read (%s): %lld new, %lld updated, %lld unchanged, %lld rejected.\n"),
        (long long)r->lines_read, r->encoding, (long long)r->lines_new, (long long)r->lines_updated,
        (long long)r->lines_unchanged, (long long)r->lines_rejected);
    for (size_t i = 0; i < r->row_count; i++) {
        printf(fb_text("  %-24s %lld made, %lld updated\n"), r->rows[i].entity,
               (long long)r->rows[i].made, (long long)r->rows[i].updated);
    }
    if (r->lines_rejected > 0 && !is_dry_run) {
        printf(fb_text("The rejected lines are in %s, each with its reason; correct them there and "
                       "import that file.\n"),
               rejects);
    }
    if (is_dry_run) {
        printf("%s", fb_text("This was a rehearsal: nothing was changed.\n"));
    }
}

static int run_import(struct fb_cli *cli, struct fb_store *s, struct run *run,
                      struct fb_import_result *ret, const char *rejects, struct fb_why *why)
{
    char importer[FB_ROW_ID_SIZE];
    find_importer(s, importer);
    struct fb_import_options options = {
        .entity = fb_cli_argument(cli, 0),
        .csv_path = fb_cli_argument(cli, 1),
        .mapping_path = fb_cli_value(cli, "mapping"),
        .is_dry_run = fb_cli_has(cli, "dry-run"),
        .rejects_path = rejects,
        .employee_id = importer[0] == '\0' ? NULL : importer,
        .now_ms = fb_os_now_ms(),
        .random = fb_random_system(),
        .progress = on_progress,
        .rejected = on_rejected,
        .ctx = run,
    };
    options.match_count = fb_cli_values(cli, "match", &options.match);
    fb_cli_catch_interrupts();
    int rc = fb_import_run(s, &options, ret, why);
    fb_cli_progress_end(&run->progress);
    return rc;
}

int fb_command_import(struct fb_cli *cli, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = fb_command_tables(cli, &s, why);
    rc = rc < 0 || fb_cli_has(cli, "dry-run") ? rc : fb_command_may_write(s, why);
    if (rc < 0) {
        return rc;
    }
    char beside[4096];
    snprintf(beside, sizeof beside, "%s.rejects.csv", fb_cli_argument(cli, 1));
    const char *rejects =
        fb_cli_value(cli, "rejects") == NULL ? beside : fb_cli_value(cli, "rejects");
    struct run run = {.cli = cli, .progress = {.cli = cli, .what = "bytes read"}};
    struct fb_import_result result = {0};
    rc = run_import(cli, s, &run, &result, fb_cli_has(cli, "dry-run") ? NULL : rejects, why);
    if (rc < 0) {
        return rc;
    }
    if (run.rejects > REJECTS_SHOWN_MAX) {
        fb_cli_say(cli, "... and %lld more", (long long)(run.rejects - REJECTS_SHOWN_MAX));
    }
    if (fb_cli_is_json(cli)) {
        print_json(&result, fb_cli_has(cli, "dry-run"));
    } else {
        print_text(&result, fb_cli_has(cli, "dry-run"), rejects);
    }
    return fb_command_settle(cli, why);
}
