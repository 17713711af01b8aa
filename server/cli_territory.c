/* SPDX-License-Identifier: MIT
 *
 * territory list | rehearse | apply (server/territory.h). With --json a rehearsal and an application are one object, in the form of
 * docs/operations.md, "Territories".
 */
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/command/show.h"
#include "common/crm/title.h"
#include "common/store/sql.h"
#include "server/cli.h"
#include "server/territory.h"
#include "server/territory_json.h"

#define PLAN_BYTES_MAX  ((size_t)16 * 1024 * 1024)
#define TITLE_BYTES_MAX 1024
#define SHOWN_MAX       20 /* moves, overlaps, gaps for people; --json has all */

/* ---- list ---- */

static int list_territories(struct fb_cli *cli, struct fb_store *s, struct fb_why *why)
{
    static const char *const COLUMNS[] = {"code",    "name",  "parent",    "manager", "kind",
                                          "members", "rules", "companies", NULL};
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s,
        "SELECT t.code, t.name, p.code, t.manager_id, t.kind,"
        " (SELECT count(*) FROM territory_member m WHERE m.territory_id = t.id AND"
        "   (m.from_on IS NULL OR m.from_on <= date('now')) AND"
        "   (m.to_on IS NULL OR m.to_on >= date('now'))),"
        " (SELECT count(*) FROM territory_rule r WHERE r.territory_id = t.id AND r.enabled = 1),"
        " (SELECT count(DISTINCT company_id) FROM company_territory c WHERE c.territory_id = t.id)"
        " FROM territory t LEFT JOIN territory p ON p.id = t.parent_id ORDER BY t.code",
        &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    struct fb_cli_table *t = fb_cli_table_new(cli, COLUMNS);
    const struct fb_show show = {.cli = cli, .store = s, .table = t};
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        for (int i = 0; i < 3; i++) {
            fb_cli_table_cell(t, fb_sql_text(q, i));
        }
        fb_show_title(&show, "employee", fb_sql_text(q, 3));
        fb_cli_table_cell(t, fb_sql_text(q, 4));
        for (int i = 5; i < 8; i++) {
            fb_cli_table_cell_int(t, (long long)fb_sql_int(q, i));
        }
    }
    fb_cli_table_print(t, "There are no territories.");
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}

static int list_doubts(struct fb_cli *cli, struct fb_store *s, bool gaps, struct fb_why *why)
{
    static const char *const COLUMNS[] = {"id", "company", "territories", NULL};
    struct fb_territory_result r = {.companies = 0};
    int rc = fb_territory_doubts(s, fb_os_now_ms(), &r, why);
    if (rc < 0) {
        return rc;
    }
    const struct fb_territory_doubt *list = gaps ? r.gaps : r.overlaps;
    size_t count = gaps ? r.gap_count : r.overlap_count;
    struct fb_cli_table *t = fb_cli_table_new(cli, COLUMNS);
    const struct fb_show show = {.cli = cli, .store = s, .table = t};
    for (size_t i = 0; i < count; i++) {
        fb_show_id(&show, list[i].company_id);
        fb_show_title(&show, "company", list[i].company_id);
        fb_cli_table_cell(t, list[i].codes);
    }
    if (gaps) {
        fb_cli_table_print(t, "Every company has a territory.");
    } else {
        fb_cli_table_print(t, "No company is claimed by two territories.");
    }
    fb_territory_result_release(&r);
    return FB_OK;
}

static int list_history(struct fb_cli *cli, struct fb_store *s, const char *company,
                        struct fb_why *why)
{
    static const char *const COLUMNS[] = {"at", "what", "territory", "how", "by", NULL};
    char id[FB_ROW_ID_SIZE];
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_command_find_id(s, "company", company, id, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_sql_begin(s,
                      "SELECT c.at, c.what, t.code, c.how, c.by_id FROM territory_change c"
                      " JOIN territory t ON t.id = c.territory_id WHERE c.company_id = ?1"
                      " ORDER BY c.at, c.what DESC, t.code",
                      &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    fb_sql_bind_text(q, 1, id);
    struct fb_cli_table *t = fb_cli_table_new(cli, COLUMNS);
    const struct fb_show show = {.cli = cli, .store = s, .table = t};
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        fb_show_time(&show, fb_sql_text(q, 0));
        for (int i = 1; i < 4; i++) {
            fb_cli_table_cell(t, fb_sql_text(q, i));
        }
        fb_show_title(&show, "employee", fb_sql_text(q, 4));
    }
    fb_cli_table_print(t, "It has never been in a territory.");
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}

int fb_server_cli_territory_list(struct fb_cli *cli, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = fb_command_tables(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    if (fb_cli_has(cli, "gaps") || fb_cli_has(cli, "overlaps")) {
        return list_doubts(cli, s, fb_cli_has(cli, "gaps"), why);
    }
    const char *company = fb_cli_value(cli, "history");
    return company != NULL ? list_history(cli, s, company, why) : list_territories(cli, s, why);
}

/* ---- What an application did or would do, for people ---- */

/* Lines of print_result, in its order. */
static const char *const SHOWN[] = {"companies",          "rules in force", "change territory",
                                    "open deals follow",  "no rule fits",   "claimed twice",
                                    "without a territory"};

static void print_companies(struct fb_store *s, const struct fb_territory_doubt *list, size_t count)
{
    for (size_t i = 0; i < count && i < SHOWN_MAX; i++) {
        FB_AUTO(fb_buf_release) struct fb_buf title;
        fb_buf_init(&title, TITLE_BYTES_MAX);
        fb_ignore(fb_title_append(s, "company", list[i].company_id, &title),
                  "without a title the line has none");
        printf("  %s  %s\n", fb_buf_text(&title), list[i].codes);
    }
}

static void print_result(struct fb_store *s, const struct fb_territory_result *r)
{
    const int64_t numbers[] = {r->companies,
                               r->rules,
                               (int64_t)r->move_count,
                               r->deals,
                               r->unruled,
                               (int64_t)r->overlap_count,
                               (int64_t)r->gap_count};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        fb_cli_print_fact(SHOWN[i], "%lld", (long long)numbers[i]);
        if (i == 5) {
            print_companies(s, r->overlaps, r->overlap_count);
        }
    }
    print_companies(s, r->gaps, r->gap_count);
}

static void print_effects(struct fb_cli *cli, struct fb_store *s,
                          const struct fb_territory_rehearsal *r)
{
    static const char *const COLUMNS[] = {"laptop", "of",        "leave",   "rows",
                                          "bytes",  "arrive",    "rows in", "bytes in",
                                          "edited", "last seen", NULL};
    struct fb_cli_table *t = fb_cli_table_new(cli, COLUMNS);
    const struct fb_show show = {.cli = cli, .store = s, .table = t};
    for (size_t i = 0; i < r->effect_count; i++) {
        const struct fb_territory_effect *e = &r->effects[i];
        fb_cli_table_cell(t, e->device);
        fb_show_title(&show, "employee", e->employee_id);
        fb_cli_table_cell_int(t, (long long)e->leaving_companies);
        fb_cli_table_cell_int(t, (long long)e->leaving_rows);
        fb_cli_table_cell_int(t, (long long)e->leaving_bytes);
        fb_cli_table_cell_int(t, (long long)e->arriving_companies);
        fb_cli_table_cell_int(t, (long long)e->arriving_rows);
        fb_cli_table_cell_int(t, (long long)e->arriving_bytes);
        fb_cli_table_cell_int(t, (long long)e->edited_companies);
        fb_show_time(&show, e->last_seen[0] == '\0' ? NULL : e->last_seen);
    }
    fb_cli_table_print(t, "No laptop loses or gains anything.");
    int64_t touched = 0;
    for (size_t i = 0; i < r->effect_count; i++) {
        touched += r->effects[i].edited_companies > 0 ? 1 : 0;
    }
    fb_cli_say(cli,
               "%lld of %lld laptops lose or gain accounts; on %lld of them edits of the accounts "
               "they lose may still wait: these are merged, if they were made before the loss "
               "was seen there.",
               (long long)r->effect_count, (long long)r->devices, (long long)touched);
}

/* ---- rehearse, apply ---- */

static int read_plan(const char *path, struct fb_territory_plan **ret, struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, PLAN_BYTES_MAX);
    int rc = fb_os_read_file(path, &text, why);
    return rc < 0 ? rc : fb_territory_plan_read(fb_buf_text(&text), text.size, ret, why);
}

static int begin(struct fb_cli *cli, struct fb_store **ret, struct fb_why *why)
{
    int rc = fb_command_tables(cli, ret, why);
    rc = rc < 0 ? rc : fb_store_begin(*ret);
    return rc < 0 && *ret != NULL ? fb_store_error(*ret, why) : rc;
}

int fb_server_cli_territory_rehearse(struct fb_cli *cli, struct fb_why *why)
{
    FB_AUTO(fb_territory_plan_drop) struct fb_territory_plan *plan = NULL;
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    struct fb_territory_rehearsal r = {.devices = 0};
    int rc = read_plan(fb_cli_argument(cli, 0), &plan, why);
    rc = rc < 0 ? rc : begin(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    const struct fb_territory_ask ask = {.plan = plan, .now_ms = fb_os_now_ms()};
    rc = fb_territory_rehearse(s, &ask, &r, why);
    if (rc < 0 && why->text[0] == '\0') {
        fb_ignore(fb_store_error(s, why), "only its sentence is wanted");
    }
    fb_store_rollback(s);
    if (rc < 0) {
        return rc;
    }
    if (fb_cli_is_json(cli)) {
        rc = fb_territory_rehearsal_print(s, &r);
    } else {
        print_result(s, &r.result);
        print_effects(cli, s, &r);
    }
    fb_territory_rehearsal_release(&r);
    return rc;
}

int fb_server_cli_territory_apply(struct fb_cli *cli, struct fb_why *why)
{
    FB_AUTO(fb_territory_plan_drop) struct fb_territory_plan *plan = NULL;
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    struct fb_territory_result r = {.companies = 0};
    int rc =
        fb_cli_argument_count(cli) == 0 ? FB_OK : read_plan(fb_cli_argument(cli, 0), &plan, why);
    rc = rc < 0 ? rc : begin(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    const struct fb_territory_ask ask = {
        .plan = plan, .now_ms = fb_os_now_ms(), .only_new = fb_cli_has(cli, "only-new")};
    rc = fb_server_cli_end_writing(s, fb_territory_apply(s, &ask, &r, why), why);
    rc = rc < 0 ? rc : fb_command_settle(cli, why);
    if (rc == FB_OK && fb_cli_is_json(cli)) {
        rc = fb_territory_result_print(s, &r);
    } else if (rc == FB_OK) {
        print_result(s, &r);
        fb_cli_say(cli, "Laptops follow when they are connected, each in one cut.");
    }
    fb_territory_result_release(&r);
    return rc;
}
