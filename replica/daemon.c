/* SPDX-License-Identifier: MIT
 *
 *      +---------+  connect   +------------+  on_open   +-----------+
 *      | waiting | ---------> | connecting | ---------> | connected |
 *      +---------+            +------------+            +-----------+
 *           ^  backoff, jitter      |  failed                 |  closed
 *           +-----------------------+-------------------------+
 *
 * A refusal by headquarters waits long (REFUSED_RETRY_MS): a person must act first. A write to the database, our own pages'
 * or a foreign tool's, is noticed by the watch and pushed at once while connected.
 */
#include "replica/daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/net/loop.h"
#include "common/net/stream.h"
#include "common/store/journal.h"
#include "common/store/outbox.h"
#include "replica/enrol.h"
#include "replica/lease.h"
#include "replica/state.h"
#include "replica/vault.h"
#include "replica/web.h"

#define WATCH_POLL_MS    500
#define REFUSED_RETRY_MS (INT64_C(15) * 60 * 1000)
#define RENEW_EVERY_MS   (INT64_C(24) * 3600 * 1000)
/* A scan of all rows: at quiet times, not in every round. */
#define DIGEST_EVERY_MS   (INT64_C(10) * 60 * 1000)
#define STOP_MS_MAX       2000
#define LEASE_EVERY_MS    60000
#define LOCKED_EVERY_MS   1000 /* a code may be typed at any moment */
#define ASKED_RETRIES_MAX 10
#define SERVER_TEXT_SIZE  300

struct client {
    struct fb_replica_run *run;
    struct fb_loop *loop;
    struct fb_store *store;
    struct fb_replica_round *round;
    struct fb_tls_client *tls;
    struct fb_stream *stream; /* NULL: none, or not open yet */
    struct fb_watch *watch;
    struct fb_timer *retry;    /* the next try to connect */
    struct fb_timer *deadline; /* the round's */
    struct fb_timer *lease_timer;
    struct fb_replica_web *web; /* NULL: no pages */
    struct fb_buf scratch;
    struct fb_random random;
    char server[SERVER_TEXT_SIZE];
    int64_t data_version;
    int64_t digest_asked_at_ms;
    int64_t renewed_at_ms;
    int64_t paused_until_ms; /* by a person; 0: not */
    int64_t next_try_ms;     /* wall clock; 0: connected, or at once */
    struct fb_lease lease;
    int64_t lease_days;     /* as last logged */
    int64_t lease_noted_ms; /* monotonic: when it was last renewed */
    int64_t welcomes;       /* of them all the lease is renewed for */
    bool was_in_step;
    int64_t mended;    /* as last logged */
    unsigned failures; /* in a row */
    bool is_connecting;
    bool is_done;
    int err; /* what ended a sync */
    struct fb_why why;
};

static void note_state(struct client *c, const char *state, const char *sentence,
                       int64_t retry_in_ms)
{
    struct fb_replica_state_note note = {
        .state = state, .sentence = sentence, .at_ms = fb_os_now_ms(), .retry_in_ms = retry_in_ms};
    fb_replica_state_write(c->run->data, &note);
}

static void stop(struct client *c, int err, const char *sentence)
{
    if (!c->is_done) {
        c->is_done = true;
        c->err = err;
        fb_why_set(&c->why, "%s", sentence);
        fb_loop_stop(c->loop);
    }
}

/* ---- Connecting ---- */

static void note_round(struct client *c, const char *error)
{
    if (c->web != NULL) {
        fb_replica_web_note_round(c->web, error);
    }
}

/* While a person wants quiet, the next try is when the pause ends. */
static bool wait_for_pause(struct client *c)
{
    int64_t left_ms = c->paused_until_ms - fb_os_now_ms();
    if (left_ms <= 0) {
        c->paused_until_ms = 0;
        return false;
    }
    if (c->paused_until_ms == INT64_MAX) {
        fb_timer_stop(c->retry);
    } else {
        fb_timer_set(c->retry, left_ms, 0);
    }
    c->next_try_ms = c->paused_until_ms;
    return true;
}

/* Doubles from 0.5 s to 60 s, then a random part of it, so that 2,000 laptops do not come back at once. */
static int64_t backoff_ms(struct client *c)
{
    int64_t delay = FB_BACKOFF_MS_MIN;
    for (unsigned i = 1; i < c->failures && delay < FB_BACKOFF_MS_MAX; i++) {
        delay *= 2;
    }
    delay = delay < FB_BACKOFF_MS_MAX ? delay : FB_BACKOFF_MS_MAX;
    return delay / 2 + (int64_t)(fb_random_u64(&c->random) % (uint64_t)(delay / 2 + 1));
}

/* Some failures ask for another try even by `sync`: the chain of pushes was given anew (at once), or headquarters is too
 * busy (when it says). Returns the delay; 0: none of these. */
static int64_t asked_delay_ms(const struct client *c, int err)
{
    const struct fb_replica_status *st = fb_replica_round_status(c->round);
    if (c->failures > ASKED_RETRIES_MAX) {
        return 0;
    }
    return err == FB_ERR_INTERRUPTED ? 1 : err == FB_ERR_BUSY ? st->retry_after_ms : 0;
}

/* Headquarters ordered the data to be erased: everything is closed first. */
static void stop_for_wipe(struct client *c, int64_t unsent)
{
    c->run->ret_must_wipe = true;
    c->run->ret_unsent = unsent;
    snprintf(c->run->ret_server, sizeof c->run->ret_server, "%s", c->server);
    stop(c, FB_ERR_REFUSED, "");
}

static void retry_later(struct client *c, int err, const char *sentence)
{
    const struct fb_replica_status *st = fb_replica_round_status(c->round);
    bool was_refused = st->state == FB_REPLICA_REFUSED || err == FB_ERR_REFUSED;
    int64_t unsent;
    if (was_refused && fb_replica_round_may_wipe(c->round, fb_os_now_ms(), &unsent)) {
        stop_for_wipe(c, unsent);
        return;
    }
    if (wait_for_pause(c)) {
        return;
    }
    c->failures++;
    int64_t delay = asked_delay_ms(c, err);
    if (delay == 0 && c->run->until_in_step) {
        stop(c, err == FB_OK ? FB_ERR_UNREACHABLE : err, sentence);
        return;
    }
    if (delay == 0) {
        delay = !was_refused ? backoff_ms(c)
                             : (st->retry_after_ms > 0 ? st->retry_after_ms : REFUSED_RETRY_MS);
    }
    fb_log(was_refused && st->retry_after_ms == 0 ? FB_LOG_ERROR : FB_LOG_INFO, "offline",
           "reason=%s retry_ms=%lld", fb_log_quote(sentence), (long long)delay);
    note_state(c, was_refused ? "refused" : "offline", sentence, delay);
    note_round(c, sentence);
    c->next_try_ms = fb_os_now_ms() + delay;
    fb_timer_set(c->retry, delay, 0);
}

static void update_deadline(struct client *c)
{
    int64_t at_ms = fb_replica_round_deadline_ms(c->round);
    if (at_ms == INT64_MAX || c->stream == NULL) {
        fb_timer_stop(c->deadline);
        return;
    }
    int64_t left = at_ms - fb_os_now_ms();
    fb_timer_set(c->deadline, left < 1 ? 1 : left, 0);
}

static void fail_round(struct client *c, int err)
{
    const struct fb_replica_status *st = fb_replica_round_status(c->round);
    struct fb_why why;
    fb_why_set(&why, "%s", st->sentence[0] != '\0' ? st->sentence : fb_err_sentence(err));
    fb_stream_abort(c->stream, st->state == FB_REPLICA_REFUSED ? FB_ERR_REFUSED : err, &why);
}

/* What another program did to the tables or triggers, and the round put right. */
static void log_mended(struct client *c)
{
    const struct fb_replica_status *st = fb_replica_round_status(c->round);
    if (st->mended > c->mended) {
        c->mended = st->mended;
        fb_log(FB_LOG_WARN, "database_mended", "note=%s", fb_log_quote(st->mended_note));
    }
}

/* ---- The lease ---- */

static bool is_greeted(const struct client *c)
{
    enum fb_replica_state state = fb_replica_round_status(c->round)->state;
    return c->stream != NULL && (state == FB_REPLICA_PUSHING || state == FB_REPLICA_PULLING ||
                                 state == FB_REPLICA_IN_STEP);
}

/* While headquarters answers the lease begins anew: with each welcome, and each hour. */
static void renew_lease(struct client *c)
{
    const struct fb_replica_status *st = fb_replica_round_status(c->round);
    int64_t ran_ms = fb_os_monotonic_ms();
    if (!is_greeted(c) || st->must_wipe ||
        (st->welcomes == c->welcomes && ran_ms - c->lease_noted_ms < FB_LEASE_NOTE_MS)) {
        return;
    }
    struct fb_lease l;
    struct fb_why why = {""};
    int rc = fb_replica_lease_read(c->run->data, fb_os_now_ms(), &l, &why);
    if (rc == FB_OK) {
        fb_lease_renew(&l, fb_os_now_ms(), st->lease_ms);
        rc = fb_replica_lease_write(c->run->data, &l, &why);
    }
    if (rc < 0) {
        fb_log(FB_LOG_WARN, "lease_failed", "reason=%s", fb_log_quote(why.text));
        return;
    }
    if (fb_lease_is_locked(&c->lease)) {
        fb_log(FB_LOG_INFO, "unlocked", "by=headquarters");
    }
    c->lease = l;
    c->welcomes = st->welcomes;
    c->lease_noted_ms = ran_ms;
}

static void tell_lease(struct client *c, bool was_locked)
{
    bool is_locked = fb_lease_is_locked(&c->lease);
    int days = fb_lease_days_left(&c->lease);
    if (is_locked != was_locked) {
        struct fb_why why = {""};
        fb_replica_lease_say(&c->lease, &why);
        fb_log(is_locked ? FB_LOG_ERROR : FB_LOG_INFO, is_locked ? "locked" : "unlocked", "%s%s",
               is_locked ? "reason=" : "by=code", is_locked ? fb_log_quote(why.text) : "");
    }
    if (!is_locked && days >= 0 && days != c->lease_days && c->lease.length_ms >= FB_LEASE_MS / 2 &&
        (days == FB_LEASE_WARN_DAYS || days <= FB_LEASE_LAST_DAYS)) {
        fb_log(FB_LOG_WARN, "lease_ends", "days=%d", days);
    }
    c->lease_days = days;
}

static void on_lease(void *ctx)
{
    struct client *c = ctx;
    struct fb_why why = {""};
    bool was_locked = fb_lease_is_locked(&c->lease);
    renew_lease(c);
    if (fb_replica_lease_read(c->run->data, fb_os_now_ms(), &c->lease, &why) < 0) {
        fb_log(FB_LOG_WARN, "lease_failed", "reason=%s", fb_log_quote(why.text));
    }
    tell_lease(c, was_locked);
    if (fb_lease_is_locked(&c->lease) && fb_vault_exists(c->run->data)) {
        fb_replica_lease_say(&c->lease, &why);
        stop(c, FB_ERR_REFUSED, why.text); /* closed, so that the folder's key can go */
    }
    int64_t left_ms = fb_lease_left_ms(&c->lease);
    fb_timer_set(c->lease_timer,
                 left_ms == 0               ? LOCKED_EVERY_MS
                 : left_ms < LEASE_EVERY_MS ? left_ms + 1
                                            : LEASE_EVERY_MS,
                 0);
}

/* All it holds is at headquarters, which sends it nothing more: a copy took its place (C2), and a person must enrol it. */
static bool has_ended_as_copy(struct client *c)
{
    const struct fb_replica_status *st = fb_replica_round_status(c->round);
    if (!st->must_enrol || st->state != FB_REPLICA_IN_STEP) {
        return false;
    }
    if (c->run->until_in_step) {
        stop(c, FB_ERR_REFUSED, st->sentence);
    } else if (!c->was_in_step) {
        fb_log(FB_LOG_ERROR, "copied", "reason=%s", fb_log_quote(st->sentence));
        note_state(c, "refused", st->sentence, 0);
        note_round(c, st->sentence);
    }
    c->was_in_step = true;
    return true;
}

static void check_in_step(struct client *c)
{
    if (has_ended_as_copy(c)) {
        return;
    }
    bool is_in_step = fb_replica_round_is_in_step(c->round);
    bool was_in_step = c->was_in_step;
    c->was_in_step = is_in_step;
    if (!is_in_step) {
        return;
    }
    if (!was_in_step) {
        note_round(c, "");
    }
    c->failures = 0;
    log_mended(c);
    if (c->run->until_in_step) {
        stop(c, FB_OK, "");
        return;
    }
    int64_t now_ms = fb_os_now_ms();
    if (now_ms - c->digest_asked_at_ms > DIGEST_EVERY_MS) {
        c->digest_asked_at_ms = now_ms;
        fb_replica_round_want_digest(c->round);
    }
}

/* Sends what the round has, as long as headquarters reads. */
static void pump(struct client *c)
{
    while (c->stream != NULL && fb_stream_is_writable(c->stream)) {
        fb_buf_clear(&c->scratch);
        int rc = fb_replica_round_take(c->round, &c->scratch, fb_os_now_ms());
        if (c->scratch.size > 0 &&
            fb_stream_write(c->stream, c->scratch.bytes, c->scratch.size) < 0) {
            return;
        }
        if (rc < 0) {
            fail_round(c, rc);
            return;
        }
        if (c->scratch.size == 0) {
            break;
        }
    }
    int64_t unsent;
    if (c->stream != NULL && fb_replica_round_may_wipe(c->round, fb_os_now_ms(), &unsent)) {
        stop_for_wipe(c, unsent);
        return;
    }
    if (c->stream != NULL) {
        renew_lease(c);
        check_in_step(c);
        update_deadline(c);
    }
    if (c->run->on_progress != NULL) {
        c->run->on_progress(c->run->ctx, fb_replica_round_status(c->round));
    }
}

static void on_open(void *ctx, struct fb_stream *stream, const struct fb_stream_peer *peer)
{
    struct client *c = ctx;
    c->is_connecting = false;
    c->next_try_ms = 0;
    c->stream = stream;
    fb_log(FB_LOG_INFO, "connected", "server=%s address=%s", c->server, peer->address);
    note_state(c, "connected", "", 0);
    fb_replica_round_opened(c->round, fb_os_now_ms());
    pump(c);
}

static void on_bytes(void *ctx, const uint8_t *bytes, size_t size)
{
    struct client *c = ctx;
    int rc = fb_replica_round_feed(c->round, bytes, size, fb_os_now_ms());
    if (rc < 0) {
        fail_round(c, rc);
    }
}

static void on_writable(void *ctx)
{
    pump(ctx);
}

static void on_close(void *ctx, int err, const struct fb_why *why)
{
    struct client *c = ctx;
    bool was_open = c->stream != NULL;
    c->stream = NULL;
    c->was_in_step = false;
    c->is_connecting = false;
    if (was_open) {
        fb_replica_round_closed(c->round, fb_os_now_ms());
    }
    fb_timer_stop(c->deadline);
    if (!c->is_done) {
        retry_later(c, err,
                    why->text[0] != '\0' ? why->text : "headquarters closed the connection");
    }
}

static const struct fb_stream_calls CALLS = {
    .on_open = on_open, .on_bytes = on_bytes, .on_writable = on_writable, .on_close = on_close};

/* A certificate is renewed between connections; a failure is no reason not to use the old one. */
static void renew_certificate(struct client *c)
{
    int64_t now_ms = fb_os_now_ms();
    if (c->renewed_at_ms != 0 && now_ms - c->renewed_at_ms < RENEW_EVERY_MS) {
        return;
    }
    c->renewed_at_ms = now_ms;
    bool was_renewed = false;
    struct fb_why why = {""};
    int rc = fb_enrol_renew_if_due(c->run->data, c->server, c->run->proxy, &was_renewed, &why);
    if (rc < 0) {
        fb_log(FB_LOG_WARN, "renewal_failed", "reason=%s", fb_log_quote(why.text));
        return;
    }
    struct fb_tls_client *fresh = NULL;
    if (was_renewed && fb_enrol_tls(c->run->data, &fresh, &why) == FB_OK) {
        fb_tls_client_free(c->tls);
        c->tls = fresh;
        fb_log(FB_LOG_INFO, "certificate_renewed", "server=%s", c->server);
    }
}

static void connect_now(void *ctx)
{
    struct client *c = ctx;
    if (c->is_connecting || c->stream != NULL || wait_for_pause(c)) {
        return;
    }
    renew_certificate(c);
    const struct fb_stream_connect_config config = {
        .address = c->server, .tls = c->tls, .alpn = FB_ALPN_SYNC, .proxy = c->run->proxy};
    struct fb_stream *stream;
    struct fb_why why = {""};
    c->is_connecting = true;
    int rc = fb_stream_connect(c->loop, &config, &CALLS, c, &stream, &why);
    if (rc < 0) {
        c->is_connecting = false;
        retry_later(c, rc, why.text);
    }
}

/* ---- The loop's other callers ---- */

static void on_turn(void *ctx)
{
    struct client *c = ctx;
    if (c->web != NULL && fb_replica_web_turn(c->web)) {
        fb_replica_round_noticed_write(c->round, fb_os_now_ms());
    }
    if (c->stream != NULL) {
        pump(c);
    }
}

static bool on_database_written(void *ctx)
{
    struct client *c = ctx;
    int64_t version = 0;
    if (fb_store_data_version(c->store, &version) < 0 || version == c->data_version) {
        return false;
    }
    c->data_version = version;
    fb_replica_round_noticed_write(c->round, fb_os_now_ms());
    return true;
}

static void on_deadline(void *ctx)
{
    pump(ctx);
}

static void on_signal(void *ctx, int number)
{
    struct client *c = ctx;
    if (number == SIGHUP) {
        return;
    }
    fb_log(FB_LOG_INFO, "stopping", "signal=%d", number);
    stop(c, c->run->until_in_step ? FB_ERR_INTERRUPTED : FB_OK,
         "interrupted; what was done is kept");
}

/* ---- What the pages ask of the daemon ---- */

static const struct fb_replica_status *web_status(void *ctx)
{
    const struct client *c = ctx;
    return fb_replica_round_status(c->round);
}

static int64_t web_next_try_ms(void *ctx)
{
    const struct client *c = ctx;
    return c->next_try_ms;
}

static int64_t web_paused_until_ms(void *ctx)
{
    const struct client *c = ctx;
    return c->paused_until_ms;
}

static void web_sync_now(void *ctx)
{
    struct client *c = ctx;
    c->paused_until_ms = 0;
    c->failures = 0;
    if (c->stream != NULL) {
        fb_replica_round_noticed_write(c->round, fb_os_now_ms());
    } else {
        c->next_try_ms = 0;
        fb_timer_set(c->retry, 1, 0);
    }
}

static void web_pause(void *ctx, int64_t until_ms)
{
    struct client *c = ctx;
    if (until_ms == 0) {
        web_sync_now(c);
        return;
    }
    c->paused_until_ms = until_ms;
    if (c->stream != NULL) {
        fb_stream_close(c->stream);
    } else {
        fb_ignore(wait_for_pause(c), "a time that is past pauses nothing");
    }
}

static const struct fb_lease *web_lease(void *ctx)
{
    const struct client *c = ctx;
    return &c->lease;
}

static int web_unlock(void *ctx, const char *code, struct fb_why *why)
{
    struct client *c = ctx;
    int rc = fb_replica_lease_unlock(c->run->data, code, fb_os_now_ms(), why);
    on_lease(c);
    return rc;
}

static const struct fb_replica_web_calls WEB_CALLS = {.status = web_status,
                                                      .next_try_ms = web_next_try_ms,
                                                      .paused_until_ms = web_paused_until_ms,
                                                      .sync_now = web_sync_now,
                                                      .pause = web_pause,
                                                      .lease = web_lease,
                                                      .unlock = web_unlock};

static int start_pages(struct client *c, struct fb_why *why)
{
    const struct fb_replica_web_config config = {.data = c->run->data,
                                                 .address = c->run->web,
                                                 .loop = c->loop,
                                                 .store = c->store,
                                                 .random = &c->random,
                                                 .calls = &WEB_CALLS,
                                                 .ctx = c};
    return c->run->serves_pages ? fb_replica_web_new(&config, &c->web, why) : FB_OK;
}

/* ---- Life ---- */

static int open_store(struct client *c, struct fb_why *why)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/fieldbook.db", c->run->data);
    /* The first download fills the cache: with the usual 64 MiB the process would grow by more
     * than the 64 MB we promise. */
    struct fb_store_options options = {.node = FB_NODE_REPLICA, .cache_bytes = INT64_C(48) << 20};
    int rc = fb_store_open(path, &options, &c->store, why);
    if (rc < 0) {
        return rc;
    }
    struct fb_store_health health = {0};
    rc = fb_store_check_schema(c->store, &health);
    if (rc == FB_OK && health.note[0] != '\0') {
        fb_log(FB_LOG_WARN, "database_mended", "note=%s", fb_log_quote(health.note));
    }
    bool is_renamed = false;
    rc = rc < 0 ? fb_store_error(c->store, why)
                : fb_enrol_follow_certificate(c->run->data, c->store, &is_renamed, why);
    if (rc < 0) {
        return rc;
    }
    if (is_renamed) {
        fb_log(FB_LOG_WARN, "database_of_earlier_enrolment",
               "next=\"goes on as the certificate's device and fetches everything\"");
    }
    if (c->run->server == NULL) {
        rc = fb_store_meta_text(c->store, "server", c->server, sizeof c->server);
    } else {
        snprintf(c->server, sizeof c->server, "%s", c->run->server == NULL ? "" : c->run->server);
    }
    return rc < 0 ? fb_store_error(c->store, why) : FB_OK;
}

static int start(struct client *c, struct fb_why *why)
{
    int rc = fb_enrol_tls(c->run->data, &c->tls, why);
    rc = rc < 0 ? rc : fb_loop_new(&c->loop);
    rc = rc < 0 ? rc : open_store(c, why);
    rc = rc < 0 ? rc : fb_replica_round_new(c->store, &c->random, &c->round);
    rc = rc < 0 ? rc : fb_timer_new(c->loop, connect_now, c, &c->retry);
    rc = rc < 0 ? rc : fb_timer_new(c->loop, on_deadline, c, &c->deadline);
    rc = rc < 0 ? rc : fb_timer_new(c->loop, on_lease, c, &c->lease_timer);
    rc = rc < 0 ? rc : fb_loop_on_signal(c->loop, on_signal, c);
    rc = rc < 0 ? rc
                : fb_watch_new(c->loop, c->run->data, "fieldbook.db", WATCH_POLL_MS,
                               on_database_written, c, &c->watch, why);
    rc = rc < 0 ? rc : start_pages(c, why);
    if (rc < 0) {
        return rc;
    }
    fb_loop_on_turn(c->loop, on_turn, c);
    on_lease(c);
    if (c->run->checks_digest) {
        fb_replica_round_want_digest(c->round);
    }
    fb_replica_round_noticed_write(c->round,
                                   fb_os_now_ms()); /* what was written while nobody watched */
    connect_now(c);
    return FB_OK;
}

static bool finish(struct client *c)
{
    fb_replica_web_stop(c->web);
    if (c->stream != NULL) {
        fb_stream_close(c->stream);
        int64_t until_ms = fb_os_monotonic_ms() + STOP_MS_MAX;
        while (c->stream != NULL && fb_os_monotonic_ms() < until_ms) {
            fb_loop_turn(c->loop, 20);
        }
    }
    fb_watch_free(c->watch);
    fb_timer_free(c->retry);
    fb_timer_free(c->deadline);
    fb_timer_free(c->lease_timer);
    bool is_quiet = fb_loop_free(c->loop);
    if (is_quiet) {
        fb_replica_web_free(c->web);
    }
    fb_replica_round_free(c->round);
    fb_tls_client_free(c->tls);
    fb_store_close(c->store);
    fb_buf_release(&c->scratch);
    return is_quiet;
}

int fb_replica_run(struct fb_replica_run *run, struct fb_why *why)
{
    struct client c = {.run = run, .random = fb_random_system()};
    fb_buf_init(&c.scratch, FB_OUTPUT_BYTES_HIGH + 2 * FB_FRAME_BYTES_MAX);
    int rc = start(&c, why);
    if (rc == FB_OK) {
        if (!c.is_done) {
            fb_loop_run(c.loop);
        }
        run->ret_status = *fb_replica_round_status(c.round);
        rc = c.err;
        fb_why_set(why, "%s", c.why.text);
    }
    note_state(&c, "stopped", c.why.text, 0); /* why it ended, for `status` */
    if (!finish(&c)) {
        _Exit(fb_err_exit_code(rc));
    }
    return rc;
}
