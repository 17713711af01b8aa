/* SPDX-License-Identifier: MIT
 *
 * device list | approve | suspend | resume | refuse | wipe | unlock | revoke.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/command/show.h"
#include "common/crm/say.h"
#include "common/store/sql.h"
#include "server/cli.h"
#include "server/device_life.h"
#include "server/devices.h"

/* "erased 2026-11-28 14:02, 3 unsent edits lost"; "" for a device that was never told to. */
static void say_wipe(const struct fb_device_life *life, char *ret, size_t size)
{
    char instant[FB_INSTANT_SIZE];
    char at[FB_LOCAL_TIME_SIZE];
    ret[0] = '\0';
    if (life->wiped_at_ms > 0) {
        fb_instant_format(life->wiped_at_ms, instant);
        snprintf(ret, size, fb_text("erased at %s, unsent edits lost: %lld"),
                 fb_say_time(instant, at), (long long)life->wiped_unsent);
    } else if (life->wipe_ordered_at_ms > 0) {
        fb_instant_format(life->wipe_ordered_at_ms, instant);
        snprintf(ret, size,
                 life->wipe_takes_unsent
                     ? fb_text("to be erased since %s, after it handed in what waits there")
                     : fb_text("to be erased since %s"),
                 fb_say_time(instant, at));
    }
}

static void add_check(struct fb_cli_table *t, const struct fb_value *key)
{
    struct fb_sha256 hash;
    char check[FB_ENROL_CHECK_SIZE] = "";
    if (key->type == FB_BLOB && key->size == sizeof hash.bytes) {
        memcpy(hash.bytes, key->bytes, sizeof hash.bytes);
        fb_enrol_check_format(&hash, check);
    }
    fb_cli_table_cell(t, check);
}

static int add_device(const struct fb_show *show, struct fb_sql *q)
{
    struct fb_cli_table *t = show->table;
    struct fb_device_life life;
    char seen[FB_INSTANT_SIZE];
    char wipe[256];
    int rc = fb_device_life_read(show->store, fb_sql_text(q, 0), &life);
    if (rc < 0) {
        return rc;
    }
    fb_instant_format(life.seen_at_ms, seen);
    say_wipe(&life, wipe, sizeof wipe);
    for (int i = 0; i < 4; i++) {
        fb_cli_table_cell(t, fb_sql_text(q, i));
    }
    fb_show_time(show, fb_sql_text(q, 4));
    fb_show_time(show, life.seen_at_ms == 0 ? NULL : seen);
    fb_cli_table_cell_int(t, fb_sql_int(q, 5));
    if (life.unsent < 0) {
        fb_cli_table_cell(t, NULL);
    } else {
        fb_cli_table_cell_int(t, life.unsent);
    }
    if (life.behind < 0) {
        fb_cli_table_cell(t, NULL);
    } else {
        fb_cli_table_cell_int(t, life.behind);
    }
    struct fb_value key = fb_sql_value(q, 6);
    add_check(t, &key);
    fb_cli_table_cell(t, life.app_version);
    fb_cli_table_cell(t, wipe);
    return FB_OK;
}

int fb_server_cli_device_list(struct fb_cli *cli, struct fb_why *why)
{
    static const char *const COLUMNS[] = {
        "id",     "name",  "of",      "state", "enrolled_at", "last_seen_at", "pushes", "unsent",
        "behind", "check", "program", "wipe",  NULL};
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = fb_command_store(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(
        s,
        "SELECT d.id, d.name, u.login, d.state, d.enrolled_at,"
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
        rc = add_device(&show, q);
        if (rc < 0) {
            break;
        }
    }
    fb_cli_table_print(t, "No laptop is enrolled yet; `fieldbook-server invite` lets one in.");
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}

/* What becomes of what waits on a laptop that does not come back, as far as headquarters knows. */
static int say_unsent(struct fb_cli *cli, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    char id[FB_ROW_ID_SIZE];
    char state[FB_DEVICE_STATE_SIZE];
    struct fb_device_life life;
    int rc = fb_command_store(cli, &s, why);
    rc = rc < 0 ? rc : fb_device_find(s, fb_cli_argument(cli, 0), id, state, why);
    rc = rc < 0 ? rc : fb_device_life_read(s, id, &life);
    if (rc < 0) {
        return rc;
    }
    char instant[FB_INSTANT_SIZE];
    char at[FB_LOCAL_TIME_SIZE];
    fb_instant_format(life.seen_at_ms, instant);
    if (life.seen_at_ms == 0) {
        fb_cli_say(cli, "It never synced: what was made there is not known here.");
    } else if (life.unsent < 0) {
        fb_cli_say(cli, "It was last seen %s; how much waited there is not known here.",
                   fb_say_time(instant, at));
    } else {
        fb_cli_say(cli,
                   "When it was last seen, %s, unsent edits there: %lld; those made since are not "
                   "known here.",
                   fb_say_time(instant, at), (long long)life.unsent);
    }
    return FB_OK;
}

typedef int decide(struct fb_store *s, struct fb_cli *cli, struct fb_why *why);

static int decide_in_transaction(struct fb_cli *cli, decide *f, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = fb_command_store(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_command_begin(s, why);
    if (rc < 0) {
        return rc;
    }
    rc = f(s, cli, why);
    rc = fb_command_end(s, rc, why);
    return rc < 0 ? rc : fb_command_settle(cli, why);
}

static int approve(struct fb_store *s, struct fb_cli *cli, struct fb_why *why)
{
    return fb_device_approve(s, fb_cli_argument(cli, 0), why);
}

static int refuse(struct fb_store *s, struct fb_cli *cli, struct fb_why *why)
{
    return fb_device_refuse(s, fb_cli_argument(cli, 0), why);
}

static int suspend(struct fb_store *s, struct fb_cli *cli, struct fb_why *why)
{
    return fb_device_set_state(s, fb_cli_argument(cli, 0), "suspended", why);
}

static int resume(struct fb_store *s, struct fb_cli *cli, struct fb_why *why)
{
    return fb_device_set_state(s, fb_cli_argument(cli, 0), "active", why);
}

static int revoke(struct fb_store *s, struct fb_cli *cli, struct fb_why *why)
{
    return fb_device_set_state(s, fb_cli_argument(cli, 0), "revoked", why);
}

static int wipe(struct fb_store *s, struct fb_cli *cli, struct fb_why *why)
{
    return fb_device_wipe(s, fb_cli_argument(cli, 0), !fb_cli_has(cli, "discard-unsent"),
                          fb_os_now_ms(), why);
}

int fb_server_cli_device_approve(struct fb_cli *cli, struct fb_why *why)
{
    int rc = decide_in_transaction(cli, approve, why);
    if (rc == FB_OK) {
        fb_cli_say(cli, "%s may sync.", fb_cli_argument(cli, 0));
    }
    return rc;
}

int fb_server_cli_device_suspend(struct fb_cli *cli, struct fb_why *why)
{
    int rc = decide_in_transaction(cli, suspend, why);
    if (rc == FB_OK) {
        fb_cli_say(cli, "%s is kept out until resumed. What it has not sent yet stays on it.",
                   fb_cli_argument(cli, 0));
    }
    return rc;
}

int fb_server_cli_device_resume(struct fb_cli *cli, struct fb_why *why)
{
    int rc = decide_in_transaction(cli, resume, why);
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
    int rc = decide_in_transaction(cli, revoke, why);
    if (rc == FB_OK) {
        fb_cli_say(cli,
                   "%s is shut out for good. Edits it has not sent yet do not reach headquarters.",
                   fb_cli_argument(cli, 0));
        rc = say_unsent(cli, why);
    }
    return rc;
}

int fb_server_cli_device_refuse(struct fb_cli *cli, struct fb_why *why)
{
    int rc = decide_in_transaction(cli, refuse, why);
    if (rc == FB_OK) {
        fb_cli_say(cli, "%s is shut out.", fb_cli_argument(cli, 0));
    }
    return rc;
}

int fb_server_cli_device_wipe(struct fb_cli *cli, struct fb_why *why)
{
    int rc = decide_in_transaction(cli, wipe, why);
    if (rc < 0) {
        return rc;
    }
    if (fb_cli_has(cli, "discard-unsent")) {
        fb_cli_say(cli, "%s erases its data at its next contact; what waits there is lost.",
                   fb_cli_argument(cli, 0));
    } else {
        fb_cli_say(cli,
                   "%s hands in what waits there at its next contact, then erases its data. Until "
                   "it comes, its lease and the disk's encryption protect the data.",
                   fb_cli_argument(cli, 0));
    }
    return say_unsent(cli, why);
}
