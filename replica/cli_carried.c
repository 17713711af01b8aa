/* SPDX-License-Identifier: MIT
 *
 * export-round, import-round: a round carried by file, on the laptop.
 */
#include <stdio.h>

#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/net/sealed.h"
#include "common/sync/sync.h"
#include "replica/cli.h"
#include "replica/enrol.h"
#include "replica/lease.h"
#include "replica/vault.h"
#include "replica/wipe.h"

/* A laptop at rest: what both commands need. */
struct laptop {
    const char *data;
    int lock;
    struct fb_store *store;
    struct fb_replica_round *round;
    struct fb_random random;
    struct fb_ca_pair own;
    struct fb_buf ca;
};

/* Like `sync`, it may be locked by its lease: the answer unlocks it. */
static int laptop_open(struct laptop *l, const struct fb_cli *cli, struct fb_why *why)
{
    struct fb_lease lease;
    int rc = fb_cli_data(cli, &l->data, why);
    if (rc == FB_OK && fb_replica_is_wiped(l->data)) {
        fb_replica_wiped_say(l->data, why);
        return FB_ERR_REFUSED;
    }
    if (rc == FB_OK && fb_vault_exists(l->data)) {
        rc = fb_replica_lease_enter(l->data, &lease, why);
    }
    rc = rc < 0 ? rc : fb_command_store_ungated(cli, &l->store, why);
    rc = rc < 0 ? rc : fb_os_lock_folder(l->data, &l->lock, why);
    if (rc == FB_ERR_BUSY) {
        return fb_fail(why, rc,
                       "the daemon is running on %s: stop it, write or take in the file, and "
                       "start it again",
                       l->data);
    }
    rc = rc < 0 ? rc : fb_enrol_identity(l->data, &l->own, &l->ca, why);
    if (rc < 0) {
        return rc;
    }
    bool is_renamed = false;
    rc = fb_enrol_follow_certificate(l->data, l->store, &is_renamed, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_replica_round_new(l->store, &l->random, &l->round);
    return rc < 0 ? fb_store_error(l->store, why) : FB_OK;
}

static void laptop_close(struct laptop *l)
{
    fb_replica_round_free(l->round);
    fb_store_close(l->store);
    fb_ca_pair_release(&l->own);
    fb_buf_release(&l->ca);
    fb_os_unlock(l->lock);
}

/* ---- export-round ---- */

static int export_round(struct laptop *l, const char *path, struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf frames;
    FB_AUTO(fb_buf_release) struct fb_buf sealed;
    fb_buf_init(&frames, FB_CARRIED_BYTES_MAX);
    fb_buf_init(&sealed, FB_SEALED_BYTES_MAX);
    int rc = fb_replica_round_export(l->round, &frames, fb_os_now_ms(), why);
    /* To the authority, whose certificate follows ours. */
    rc = rc < 0 ? rc : fb_seal(FB_SEALED_ASK, &frames, &l->own, &l->own.cert, &sealed, why);
    /* Sealed, so that anybody may carry it. */
    return rc < 0 ? rc : fb_os_write_file(path, sealed.bytes, sealed.size, 0644, why);
}

int fb_replica_cli_export_round(struct fb_cli *cli, struct fb_why *why)
{
    struct laptop l = {.lock = -1, .random = fb_random_system()};
    const char *path = fb_cli_argument(cli, 0);
    int rc = laptop_open(&l, cli, why);
    rc = rc < 0 ? rc : export_round(&l, path, why);
    if (rc == FB_OK) {
        long long changes = (long long)fb_replica_round_status(l.round)->changes_sent;
        if (fb_cli_is_json(cli)) {
            printf("{\"changes\":%lld}\n", changes);
        } else {
            printf(fb_text("%s holds what waits here: changes %lld. Only headquarters can read "
                           "it.\n"),
                   path, changes);
        }
        fb_cli_say(cli, "Take it there, have it answered with `fieldbook-server answer`, and bring "
                        "the answer back to `fieldbook-replica import-round`.");
    }
    laptop_close(&l);
    return rc;
}

/* ---- import-round ---- */

/* Headquarters answered, but some time ago: the lease counts from then. */
static int renew_lease(const struct laptop *l, int64_t answered_at_ms, struct fb_why *why)
{
    struct fb_lease lease;
    int64_t now_ms = fb_os_now_ms();
    int64_t length_ms = fb_replica_round_status(l->round)->lease_ms;
    int rc = fb_replica_lease_read(l->data, now_ms, &lease, why);
    if (rc < 0) {
        return rc;
    }
    int64_t until_ms = lease.until_ms;
    fb_lease_renew(&lease, now_ms, length_ms);
    if (length_ms > 0 && answered_at_ms < now_ms) {
        lease.until_ms -= now_ms - answered_at_ms;
        lease.until_ms = lease.until_ms > until_ms ? lease.until_ms : until_ms;
    }
    return fb_replica_lease_write(l->data, &lease, why);
}

static int import_round(struct laptop *l, const char *path, struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf file;
    FB_AUTO(fb_buf_release) struct fb_buf answer;
    FB_AUTO(fb_buf_release) struct fb_buf pem;
    fb_buf_init(&file, FB_SEALED_BYTES_MAX);
    fb_buf_init(&answer, FB_CARRIED_BYTES_MAX);
    fb_buf_init(&pem, FB_PEM_BYTES_MAX);
    struct fb_cert signer;
    int64_t now_ms = fb_os_now_ms();
    int64_t answered_at_ms = 0;
    const struct fb_unseal by = {.key = &l->own.key, .ca = &l->ca, .now_ms = now_ms};
    int rc = fb_os_read_file(path, &file, why);
    rc = rc < 0
             ? rc
             : fb_unseal(FB_SEALED_ANSWER, &by, file.bytes, file.size, &answer, &signer, &pem, why);
    rc = rc < 0 ? rc
                : fb_replica_round_import(l->round, answer.bytes, answer.size, now_ms,
                                          &answered_at_ms, why);
    return rc < 0 ? rc : renew_lease(l, answered_at_ms, why);
}

static void print_result(const struct fb_cli *cli, const struct fb_replica_status *st)
{
    if (fb_cli_is_json(cli)) {
        printf("{\"rev\":%lld,\"received\":%lld,\"removed\":%lld,\"digest\":\"%s\"}\n",
               (long long)st->cursor, (long long)st->rows_received, (long long)st->removes_received,
               st->digest_differences > 0 ? "differs"
               : st->digest_checks > 0    ? "equal"
                                          : "not compared");
        return;
    }
    printf(fb_text("Taken in up to revision %lld: received %lld, removed %lld.\n"),
           (long long)st->cursor, (long long)st->rows_received, (long long)st->removes_received);
    if (st->digest_differences > 0) {
        fb_cli_say(cli, "This laptop's rows are not those of headquarters: another program changed "
                        "some. `fieldbook-replica sync` puts that right where there is a network.");
    }
}

int fb_replica_cli_import_round(struct fb_cli *cli, struct fb_why *why)
{
    struct laptop l = {.lock = -1, .random = fb_random_system()};
    int rc = laptop_open(&l, cli, why);
    rc = rc < 0 ? rc : import_round(&l, fb_cli_argument(cli, 0), why);
    if (rc == FB_OK) {
        print_result(cli, fb_replica_round_status(l.round));
    }
    laptop_close(&l);
    return rc;
}
