/* SPDX-License-Identifier: MIT
 *
 * sample: fills a headquarters with generated companies and what belongs to them, for demos and tests.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/id.h"
#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/crm/sample.h"
#include "common/store/row.h"
#include "common/store/sql.h"
#include "server/cli.h"

#define OWNERS_MAX        64
#define COMPANIES_DEFAULT 50
#define COMPANIES_MAX     1000000

struct filling {
    struct fb_store *store;
    struct fb_cli_progress progress;
    long long rows;
};

static int insert_row(void *ctx, const struct fb_row *row)
{
    struct filling *f = ctx;
    fb_cli_progress_show(&f->progress, ++f->rows, 0);
    return fb_row_insert(f->store, row);
}

/* A whole number of an option; otherwise when it is not given. */
static int read_number(const struct fb_cli *cli, const char *option, long long otherwise,
                       long long max, long long *ret, struct fb_why *why)
{
    const char *text = fb_cli_value(cli, option);
    char *end = NULL;
    *ret = text == NULL ? otherwise : strtoll(text, &end, 10);
    if (text != NULL && (end == text || *end != '\0' || *ret < 0 || *ret > max)) {
        return fb_fail(why, FB_ERR_USAGE, "--%s %s is not a number from 0 to %lld", option, text,
                       max);
    }
    return FB_OK;
}

/* The reps own what is made. */
static int find_owners(struct fb_store *s, char ids[static OWNERS_MAX][FB_ROW_ID_SIZE],
                       size_t *ret_count)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s,
        "SELECT DISTINCT er.employee_id FROM employee_role er JOIN role r ON r.id = er.role_id"
        " WHERE r.name = 'rep' ORDER BY 1 LIMIT ?1",
        &q);
    if (rc < 0) {
        return rc;
    }
    size_t count = 0;
    fb_sql_bind_int(q, 1, OWNERS_MAX);
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        snprintf(ids[count++], FB_ROW_ID_SIZE, "%s", fb_sql_text(q, 0));
    }
    *ret_count = count;
    return rc;
}

/* As the pages do when somebody logs it (common/web/api_touch.c). */
#define NOTE_LAST_CONTACT(table)                                                                   \
    "UPDATE " table " SET last_activity_at = seen.at FROM (SELECT " table "_id AS id, "            \
    "max(done_at) AS at FROM activity WHERE status = 'done' AND kind <> 'task' GROUP BY 1) AS "    \
    "seen WHERE seen.id = " table ".id AND last_activity_at IS NULL"
static int note_last_contacts(struct fb_store *s)
{
    int rc = fb_sql_exec(s, NOTE_LAST_CONTACT("company"));
    return rc < 0 ? rc : fb_sql_exec(s, NOTE_LAST_CONTACT("contact"));
}

static int fill(struct fb_cli *cli, struct filling *f, struct fb_sample_ask ask, struct fb_why *why)
{
    char ids[OWNERS_MAX][FB_ROW_ID_SIZE];
    const char *owners[OWNERS_MAX];
    int rc = find_owners(f->store, ids, &ask.owner_count);
    for (size_t i = 0; rc == FB_OK && i < ask.owner_count; i++) {
        owners[i] = ids[i];
    }
    ask.owner_ids = owners;
    ask.catalogue = fb_store_catalogue(f->store);
    rc = rc < 0 ? rc : fb_sample_make(&ask, insert_row, f, why);
    fb_cli_progress_end(&f->progress);
    rc = rc < 0 ? rc : note_last_contacts(f->store);
    if (rc == FB_ERR_CONSTRAINT) {
        return fb_fail(why, rc, "rows of this seed are here already: give another --seed");
    }
    if (rc == FB_OK) {
        fb_cli_say(cli, "%lld rows made.", f->rows);
    }
    return rc;
}

int fb_server_cli_sample(struct fb_cli *cli, struct fb_why *why)
{
    long long companies;
    long long seed;
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = read_number(cli, "companies", COMPANIES_DEFAULT, COMPANIES_MAX, &companies, why);
    rc = rc < 0 ? rc : read_number(cli, "seed", 1, INT64_MAX, &seed, why);
    rc = rc < 0 ? rc : fb_command_store(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_command_begin(s, why);
    if (rc < 0) {
        return rc;
    }
    struct filling filling = {.store = s, .progress = {.cli = cli, .what = "rows made"}};
    struct fb_sample_ask ask = {
        .seed = (uint64_t)seed, .now_ms = fb_os_now_ms(), .companies = (size_t)companies};
    rc = fill(cli, &filling, ask, why);
    rc = fb_command_end(s, rc, why);
    return rc < 0 ? rc : fb_command_settle(cli, why);
}
