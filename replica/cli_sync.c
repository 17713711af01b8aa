/* SPDX-License-Identifier: MIT
 *
 * enrol, run, open, sync.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/at_rest.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/command/logging.h"
#include "common/net/address.h"
#include "common/store/sql.h"
#include "replica/cli.h"
#include "replica/daemon.h"
#include "replica/enrol.h"
#include "replica/lease.h"
#include "replica/vault.h"
#include "replica/web.h"
#include "replica/wipe.h"

#define EXIT_SOMETHING_WAITS 7
#define WIPE_TELLS_MAX       5
#define VAULT_ASK_S          5

/* The proxy as fb_stream_connect wants it. */
static const char *proxy_of(const struct fb_config *config)
{
    const char *proxy = fb_config_text(config, "network.proxy");
    return proxy[0] == '\0' ? NULL : strcmp(proxy, "none") == 0 ? "" : proxy;
}

/* --server, else the configuration, else NULL: as at enrolment. */
static int server_of(const struct fb_cli *cli, const struct fb_config *config, const char **ret,
                     struct fb_why *why)
{
    const char *server = fb_cli_value(cli, "server");
    if (server == NULL) {
        server = fb_config_text(config, "server.address");
    }
    *ret = server[0] == '\0' ? NULL : server;
    struct fb_address address;
    return *ret == NULL ? FB_OK : fb_address_parse(server, 7443, &address, why);
}

static void say_at_rest(const struct fb_cli *cli, const char *data)
{
    switch (fb_at_rest_look(data)) {
    case FB_AT_REST_FOLDER:
        fb_cli_say(cli,
                   "The file system encrypts its folder; the key is dropped when this laptop "
                   "may not stay offline any longer. Until then encryption of the disk is what "
                   "keeps a thief out.");
        break;
    case FB_AT_REST_DISK:
        fb_cli_say(cli, "The disk under its folder is encrypted.");
        break;
    case FB_AT_REST_MEMORY:
        break;
    default:
        fb_cli_say(cli,
                   "Its disk is not encrypted, as far as can be seen: whoever takes the laptop "
                   "can read the data. Fieldbook expects encryption of the disk (LUKS).");
    }
}

/* Until an admin decided; Ctrl+C leaves a laptop that goes on waiting with `run`. */
static int wait_for_approval(struct fb_cli *cli, const char *data, const char *server,
                             const char *proxy, struct fb_why *why)
{
    char check[FB_ENROL_CHECK_SIZE];
    bool is_pending = true;
    int rc = fb_enrol_check(data, check, why);
    if (rc < 0) {
        return rc;
    }
    fb_cli_say(cli,
               "This laptop's check is %s. It waits until an administrator has compared that with "
               "`fieldbook-server device list` and approved it.",
               check);
    while (is_pending && !fb_cli_has(cli, "no-wait")) {
        usleep(FB_APPROVAL_ASK_MS * 1000);
        rc = fb_enrol_ask_state(data, server, proxy, &is_pending, why);
        if (rc == FB_ERR_UNREACHABLE || rc == FB_ERR_BUSY) {
            continue; /* the network may come and go meanwhile */
        }
        if (rc == FB_ERR_REFUSED) {
            fb_enrol_undo(data);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

int fb_replica_cli_enrol(struct fb_cli *cli, struct fb_why *why)
{
    const char *data;
    struct fb_config *config;
    const char *server;
    int rc = fb_cli_data(cli, &data, why);
    rc = rc < 0 ? rc : fb_cli_config(cli, &config, why);
    rc = rc < 0 ? rc : server_of(cli, config, &server, why);
    if (rc < 0) {
        return rc;
    }
    char host[128] = "laptop";
    gethostname(host, sizeof host - 1);
    const char *device = fb_cli_value(cli, "device");
    bool is_pending = false;
    rc = fb_enrol(data, server, fb_cli_value(cli, "code"), device == NULL ? host : device,
                  proxy_of(config), &is_pending, why);
    rc = rc < 0 || !is_pending ? rc : wait_for_approval(cli, data, server, proxy_of(config), why);
    if (rc == FB_OK) {
        say_at_rest(cli, data);
        fb_cli_say(cli,
                   "This laptop is enrolled. `fieldbook-replica run --data %s` keeps it in step; "
                   "`sync` does so once.",
                   data);
    }
    return rc;
}

/* Tells headquarters, a few times: the next run or sync goes on with it. The sentence says what happened either way. */
static int finish_wipe(const char *data, const char *proxy, struct fb_why *why)
{
    int rc = fb_replica_wipe_finish(data, proxy, why);
    for (int i = 0; i < WIPE_TELLS_MAX && (rc == FB_ERR_UNREACHABLE || rc == FB_ERR_BUSY); i++) {
        sleep(1);
        rc = fb_replica_wipe_finish(data, proxy, why);
    }
    if (rc < 0) {
        fb_log(FB_LOG_WARN, "wipe_unfinished", "reason=%s", fb_log_quote(why->text));
    } else {
        fb_log(FB_LOG_INFO, "wiped", "data=%s", fb_log_quote(data));
    }
    fb_replica_wiped_say(data, why);
    return FB_ERR_REFUSED;
}

static int run_or_wipe(struct fb_replica_run *run, struct fb_why *why)
{
    int rc = fb_replica_run(run, why);
    if (!run->ret_must_wipe) {
        struct fb_lease lease;
        struct fb_why locked = {""};
        bool is_out = fb_vault_exists(run->data) &&
                      fb_replica_lease_enter(run->data, &lease, &locked) == FB_ERR_REFUSED;
        return is_out ? fb_fail(why, FB_ERR_REFUSED, "%s", locked.text) : rc;
    }
    rc = fb_replica_wipe(run->data, run->ret_server, (long long)run->ret_unsent, why);
    return rc < 0 ? rc : finish_wipe(run->data, run->proxy, why);
}

/* A folder that was locked for good opens when headquarters answers, or when somebody typed a code; `run` waits for that, `sync` asks
 * once. A folder that is only locked by its lease is opened by the round itself. */
static int enter_folder(const struct fb_cli *cli, const struct fb_replica_run *run,
                        struct fb_why *why)
{
    char server[300] = "";
    struct fb_lease lease;
    int rc = fb_replica_lease_enter(run->data, &lease, why);
    while (rc == FB_ERR_REFUSED && fb_lease_is_locked(&lease) && fb_vault_exists(run->data)) {
        bool is_pending = false;
        struct fb_why unreached = {""};
        const char *given = fb_cli_value(cli, "server");
        int asked = given == NULL ? fb_enrol_server(run->data, server, sizeof server, why) : FB_OK;
        asked = asked < 0 ? asked
                          : fb_enrol_ask_state(run->data, given == NULL ? server : given, NULL,
                                               &is_pending, &unreached);
        if (asked < 0 && (run->until_in_step || asked != FB_ERR_UNREACHABLE)) {
            return rc;
        }
        if (asked < 0) {
            sleep(VAULT_ASK_S);
        }
        rc = fb_replica_lease_enter(run->data, &lease, why);
    }
    return rc == FB_ERR_REFUSED && fb_lease_is_locked(&lease) ? FB_OK : rc;
}

/* What run and sync share: configuration, log, lock. */
static int prepare(struct fb_cli *cli, struct fb_replica_run *run, int *ret_lock,
                   struct fb_why *why)
{
    struct fb_config *config;
    int rc = fb_cli_data(cli, &run->data, why);
    rc = rc < 0 || fb_replica_is_wiped(run->data) ? rc : enter_folder(cli, run, why);
    rc = rc < 0 ? rc : fb_cli_config(cli, &config, why);
    rc = rc < 0 ? rc
                : fb_command_start_log(cli, config, run->until_in_step ? FB_LOG_WARN : FB_LOG_DEBUG,
                                       why);
    rc = rc < 0 ? rc : server_of(cli, config, &run->server, why);
    run->proxy = rc < 0 ? NULL : proxy_of(config);
    if (rc == FB_OK && fb_replica_is_wiped(run->data)) {
        return finish_wipe(run->data, run->proxy, why);
    }
    /* Says that there is no database before it says that the folder cannot be locked. A locked laptop may sync. */
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    rc = rc < 0 ? rc : fb_command_store_ungated(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    run->web = fb_cli_value(cli, "web");
    const char *web = fb_config_text(config, "web.listen");
    if (run->web == NULL && web[0] != '\0') {
        run->web = web;
    }
    return fb_os_lock_folder(run->data, ret_lock, why);
}

int fb_replica_cli_run(struct fb_cli *cli, struct fb_why *why)
{
    struct fb_replica_run run = {0};
    int lock = -1;
    int rc = prepare(cli, &run, &lock, why);
    if (rc < 0) {
        return rc;
    }
    run.serves_pages = true;
    rc = run_or_wipe(&run, why);
    fb_os_unlock(lock);
    return rc;
}

int fb_replica_cli_open(struct fb_cli *cli, struct fb_why *why)
{
    const char *data;
    char url[1024];
    struct fb_random random = fb_random_system();
    struct fb_lease lease;
    int rc = fb_cli_data(cli, &data, why);
    if (rc == FB_OK && fb_vault_exists(data)) {
        rc = fb_replica_lease_enter(data, &lease, why);
    }
    rc = rc < 0 ? rc : fb_replica_web_url(data, &random, fb_os_now_ms(), url, sizeof url, why);
    if (rc < 0) {
        return rc;
    }
    if (!fb_cli_has(cli, "print") && fb_os_open_in_browser(url)) {
        fb_cli_say(cli, "The browser opens Fieldbook.");
        return FB_OK;
    }
    fb_cli_say(cli, "Open this in a browser of this computer within a minute; it works once:");
    printf("%s\n", url);
    return FB_OK;
}

static void show_progress(void *ctx, const struct fb_replica_status *st)
{
    struct fb_cli_progress *p = ctx;
    if (st->is_first_download) {
        fb_cli_progress_show(p, st->rows_staged, st->rows_expected);
    }
}

/* Conflicts and held edits of this laptop that wait for somebody. */
static int count_waiting(struct fb_cli *cli, int64_t *ret_conflicts, int64_t *ret_held,
                         struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = fb_command_store(cli, &s, why);
    if (rc < 0 || fb_store_catalogue(s) == NULL) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(s,
                      "SELECT (SELECT count(*) FROM conflict WHERE outcome = 'waiting'),"
                      " (SELECT count(*) FROM held_change WHERE state = 'waiting')",
                      &q);
    rc = rc < 0 ? rc : fb_sql_step(q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    *ret_conflicts = fb_sql_int(q, 0);
    *ret_held = fb_sql_int(q, 1);
    return FB_OK;
}

static int print_result(struct fb_cli *cli, const struct fb_replica_status *st, struct fb_why *why)
{
    int64_t conflicts = 0;
    int64_t held = 0;
    int rc = count_waiting(cli, &conflicts, &held, why);
    if (rc < 0) {
        return rc;
    }
    if (fb_cli_is_json(cli)) {
        printf("{\"sent\":%lld,\"received\":%lld,\"removed\":%lld,\"conflicts\":%lld,\"held\":%lld,"
               "\"found\":%lld,\"bytes_out\":%lld,\"bytes_in\":%lld,"
               "\"rev\":%lld,\"digest\":\"%s\"}\n",
               (long long)st->changes_sent, (long long)st->rows_received,
               (long long)st->removes_received, (long long)conflicts, (long long)held,
               (long long)st->found, (long long)st->bytes_sent, (long long)st->bytes_received,
               (long long)st->cursor,
               st->digest_differences > 0 ? "repaired"
               : st->digest_checks > 0    ? "equal"
                                          : "not compared");
    } else if (!fb_cli_is_quiet(cli)) {
        printf(fb_text("In step at revision %lld: sent %lld, received %lld, removed %lld.\n"),
               (long long)st->cursor, (long long)st->changes_sent, (long long)st->rows_received,
               (long long)st->removes_received);
        if (st->digest_differences > 0) {
            printf("%s",
                   fb_text("What another program had changed unseen was put right; its values "
                           "are kept in found_value.\n"));
        }
        if (conflicts + held > 0) {
            printf(fb_text("For somebody to decide: conflicts %lld (`conflict list`), held edits "
                           "%lld (`held list`).\n"),
                   (long long)conflicts, (long long)held);
        }
    }
    bool waits = conflicts + held > 0;
    return fb_cli_has(cli, "exit-code") && waits ? EXIT_SOMETHING_WAITS : FB_OK;
}

int fb_replica_cli_sync(struct fb_cli *cli, struct fb_why *why)
{
    struct fb_cli_progress progress = {.cli = cli, .what = "first download"};
    struct fb_replica_run run = {.until_in_step = true,
                                 .checks_digest = true,
                                 .on_progress = show_progress,
                                 .ctx = &progress};
    int lock = -1;
    int rc = prepare(cli, &run, &lock, why);
    if (rc < 0) {
        return rc == FB_ERR_BUSY ? fb_fail(why, rc,
                                           "the daemon is running on %s and syncs by itself; "
                                           "`status` tells how it stands",
                                           run.data)
                                 : rc;
    }
    rc = run_or_wipe(&run, why);
    fb_cli_progress_end(&progress);
    fb_os_unlock(lock);
    return rc < 0 ? rc : print_result(cli, &run.ret_status, why);
}
