/* SPDX-License-Identifier: MIT
 *
 * device list | approve | suspend | resume | unlock | revoke.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/command/show.h"
#include "common/store/sql.h"
#include "server/cli.h"
#include "server/device_life.h"
#include "server/devices.h"

int fb_server_cli_device_list(struct fb_cli *cli, struct fb_why *why)
{
    static const char *const COLUMNS[] = {"id",           "name",   "of",    "state", "enrolled_at",
                                          "last_seen_at", "pushes", "check", NULL};
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = fb_command_store(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(
        s,
        "SELECT d.id, d.name, u.login, d.state, d.enrolled_at, coalesce(d.last_seen_at,"
        " (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', max(f.at_ms) / 1000.0, 'unixepoch') FROM fb_seen f"
        "   JOIN fb_incarnation i ON i.id = f.incarnation WHERE i.device_id = d.id)),"
        " (SELECT count(*) FROM fb_seen f JOIN fb_incarnation i ON i.id = f.incarnation"
        "   WHERE i.device_id = d.id),"
        " (SELECT c.key_hash FROM fb_certificate c WHERE c.device_id = d.id ORDER BY "
        "c.issued_at_ms DESC LIMIT 1)"
        " FROM device d LEFT JOIN fb_user u ON u.employee_id = d.employee_id ORDER BY d.name, d.id",
        &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    struct fb_cli_table *t = fb_cli_table_new(cli, COLUMNS);
    const struct fb_show show = {.cli = cli, .store = s, .table = t};
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        for (int i = 0; i < 4; i++) {
            fb_cli_table_cell(t, fb_sql_text(q, i));
        }
        fb_show_time(&show, fb_sql_text(q, 4));
        fb_show_time(&show, fb_sql_text(q, 5));
        fb_cli_table_cell_int(t, fb_sql_int(q, 6));
        struct fb_value key = fb_sql_value(q, 7);
        struct fb_sha256 hash;
        char check[FB_ENROL_CHECK_SIZE] = "";
        if (key.type == FB_BLOB && key.size == sizeof hash.bytes) {
            memcpy(hash.bytes, key.bytes, sizeof hash.bytes);
            fb_enrol_check_format(&hash, check);
        }
        fb_cli_table_cell(t, check);
    }
    fb_cli_table_print(t, "No laptop is enrolled yet; `fieldbook-server invite` lets one in.");
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}

/* state NULL: approve. */
static int set_state(struct fb_cli *cli, const char *state, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = fb_command_store(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_store_begin(s);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    rc = state == NULL ? fb_device_approve(s, fb_cli_argument(cli, 0), why)
                       : fb_device_set_state(s, fb_cli_argument(cli, 0), state, why);
    if (rc < 0) {
        fb_store_rollback(s);
        return rc;
    }
    rc = fb_store_commit(s);
    return rc < 0 ? fb_store_error(s, why) : fb_command_settle(cli, why);
}

int fb_server_cli_device_approve(struct fb_cli *cli, struct fb_why *why)
{
    int rc = set_state(cli, NULL, why);
    if (rc == FB_OK) {
        fb_cli_say(cli, "%s may sync.", fb_cli_argument(cli, 0));
    }
    return rc;
}

int fb_server_cli_device_suspend(struct fb_cli *cli, struct fb_why *why)
{
    int rc = set_state(cli, "suspended", why);
    if (rc == FB_OK) {
        fb_cli_say(cli, "%s is kept out until resumed. What it has not sent yet stays on it.",
                   fb_cli_argument(cli, 0));
    }
    return rc;
}

int fb_server_cli_device_resume(struct fb_cli *cli, struct fb_why *why)
{
    int rc = set_state(cli, "active", why);
    if (rc == FB_OK) {
        fb_cli_say(cli, "%s may sync again.", fb_cli_argument(cli, 0));
    }
    return rc;
}

int fb_server_cli_device_unlock(struct fb_cli *cli, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    char code[FB_UNLOCK_CODE_SIZE];
    int rc = fb_command_store(cli, &s, why);
    rc = rc < 0 ? rc : fb_device_unlock_code(s, fb_cli_argument(cli, 0), fb_os_now_ms(), code, why);
    if (rc == FB_OK) {
        fb_cli_say(cli, "For %s, today, once; `fieldbook-replica unlock` takes it:",
                   fb_cli_argument(cli, 0));
        printf("%s\n", code);
    }
    return rc;
}

int fb_server_cli_device_revoke(struct fb_cli *cli, struct fb_why *why)
{
    int rc = set_state(cli, "revoked", why);
    if (rc == FB_OK) {
        fb_cli_say(cli,
                   "%s is shut out for good. Edits it has not sent yet do not reach headquarters.",
                   fb_cli_argument(cli, 0));
    }
    return rc;
}
