/* SPDX-License-Identifier: MIT */
#include "server/daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/os.h"
#include "server/daemon_internal.h"
#include "server/devices.h"
#include "server/password.h"
#include "server/rewound.h"
#include "server/web.h"

#define CHECKPOINT_MS 60000 /* the write-ahead log goes into the file when idle for that long */
#define CLOCK_MS      1000
#define QUIET_MS      3000  /* without a write: then old entries of the log are packed */
#define COMPACT_MS    60000 /* how often it is asked whether there are any */
#define WATCH_POLL_MS                                                                              \
    500 /* for file systems that tell nothing; a foreign write is noticed within a second */
#define SETTLE_RETRY_MS 1000 /* disk full, another program holds the lock */
#define STOP_MS_MAX     3000 /* SIGTERM to the end, open connections included */
#define SCRATCH_BYTES   (FB_OUTPUT_BYTES_HIGH + 2 * FB_FRAME_BYTES_MAX)

/* A device's connection: bytes between its stream and its session. */
struct connection {
    struct fb_daemon *daemon;
    struct fb_stream *stream;
    struct fb_server_session *session;
    struct connection *next;
    struct connection *previous;
    char address[FB_STREAM_ADDRESS_SIZE];
    int64_t opened_at_ms;
};

static void unlink_connection(struct connection *c)
{
    if (c->previous != NULL) {
        c->previous->next = c->next;
    } else {
        c->daemon->connections = c->next;
    }
    if (c->next != NULL) {
        c->next->previous = c->previous;
    }
}

/* The session says no, or its bytes made no sense: what it still has to say is sent, then the stream ends. */
static void end_connection(struct connection *c, int err)
{
    const char *sentence = fb_server_session_sentence(c->session);
    fb_log(FB_LOG_WARN, "session_ended", "device=%s address=%s err=%s reason=%s",
           fb_server_session_device(c->session), c->address, fb_err_name(err),
           fb_log_quote(sentence));
    fb_stream_close(c->stream);
}

/* Sends what the session has, as long as the peer reads. */
static void pump(struct connection *c)
{
    struct fb_buf *out = &c->daemon->scratch;
    int64_t now_ms = fb_os_now_ms();
    while (fb_stream_is_writable(c->stream)) {
        fb_buf_clear(out);
        int rc = fb_server_session_take(c->session, out, now_ms);
        if (out->size > 0 && fb_stream_write(c->stream, out->bytes, out->size) < 0) {
            return;
        }
        if (rc < 0) {
            end_connection(c, rc);
            return;
        }
        if (out->size == 0) {
            return;
        }
    }
}

static void on_bytes(void *ctx, const uint8_t *bytes, size_t size)
{
    struct connection *c = ctx;
    int rc = fb_server_session_feed(c->session, bytes, size, fb_os_now_ms());
    if (rc < 0) {
        pump(c);
        end_connection(c, rc);
    }
}

static void on_writable(void *ctx)
{
    pump(ctx);
}

static void on_close(void *ctx, int err, const struct fb_why *why)
{
    struct connection *c = ctx;
    int64_t sent = 0;
    int64_t received = 0;
    fb_stream_counts(c->stream, &sent, &received);
    fb_log(err < 0 ? FB_LOG_WARN : FB_LOG_INFO, "device_disconnected",
           "device=%s address=%s sent=%lld received=%lld ms=%lld%s%s",
           fb_server_session_device(c->session), c->address, (long long)sent, (long long)received,
           (long long)(fb_os_now_ms() - c->opened_at_ms), err < 0 ? " reason=" : "",
           err < 0 ? fb_log_quote(why->text) : "");
    unlink_connection(c);
    fb_hub_close(c->daemon->hub, c->session);
    free(c);
}

static const struct fb_stream_calls SYNC_CALLS = {
    .on_bytes = on_bytes, .on_writable = on_writable, .on_close = on_close};

static void serve_device(struct fb_daemon *d, struct fb_stream *stream,
                         const struct fb_stream_peer *peer)
{
    struct fb_why why = {""};
    int rc = fb_device_check_certificate(d->store, peer->device_id, &peer->fingerprint, &why);
    if (rc < 0) {
        fb_log(FB_LOG_WARN, "device_refused", "address=%s reason=%s", peer->address,
               fb_log_quote(why.text));
        fb_stream_abort(stream, rc, &why);
        return;
    }
    struct connection *c = calloc(1, sizeof *c);
    if (c == NULL) {
        fb_stream_abort(stream, FB_ERR_NO_MEMORY, NULL);
        return;
    }
    c->daemon = d;
    c->stream = stream;
    c->opened_at_ms = fb_os_now_ms();
    memcpy(c->address, peer->address, sizeof c->address);
    rc = fb_hub_open(d->hub, peer->device_id, c->opened_at_ms, &c->session);
    if (rc < 0) {
        free(c);
        fb_stream_abort(stream, rc, NULL);
        return;
    }
    fb_server_session_set_owner(c->session, c);
    c->next = d->connections;
    if (c->next != NULL) {
        c->next->previous = c;
    }
    d->connections = c;
    fb_stream_set_calls(stream, &SYNC_CALLS, c);
    fb_log(FB_LOG_INFO, "device_connected", "device=%s address=%s", peer->device_id, peer->address);
}

static void on_stream(void *ctx, struct fb_stream *stream, const struct fb_stream_peer *peer)
{
    struct fb_daemon *d = ctx;
    if (strcmp(peer->alpn, FB_ALPN_SYNC) == 0) {
        serve_device(d, stream, peer);
    } else if (strcmp(peer->alpn, FB_ALPN_ENROL) == 0) {
        fb_daemon_serve_enrolment(d, stream, peer);
    } else {
        fb_web_service_serve(d->web->service, stream, peer);
    }
}

static void on_refused(void *ctx, const char *address, int err, const struct fb_why *why)
{
    (void)ctx;
    fb_log(FB_LOG_WARN, "connection_refused", "address=%s err=%s reason=%s", address,
           fb_err_name(err), fb_log_quote(why->text));
}

/* ---- One turn ---- */

static void pump_ready(void *ctx, struct fb_server_session *session)
{
    (void)ctx;
    pump(fb_server_session_owner(session));
}

static void settle(struct fb_daemon *d)
{
    int64_t now_ms = fb_os_monotonic_ms();
    if (now_ms < d->settle_again_ms) {
        return;
    }
    int rc = fb_hub_settle(d->hub, fb_os_now_ms());
    if (rc == FB_OK) {
        d->settle_again_ms = 0;
        d->has_foreign_write = false;
        d->settled_at_ms = now_ms;
        return;
    }
    struct fb_why why = {""};
    fb_ignore(fb_store_error(d->store, &why), "only its sentence is wanted");
    fb_log(FB_LOG_ERROR, "settle_failed", "err=%s reason=%s retry_ms=%d", fb_err_name(rc),
           fb_log_quote(why.text), SETTLE_RETRY_MS);
    d->settle_again_ms = now_ms + SETTLE_RETRY_MS;
}

/* Once when it begins, once when an administrator has settled it. */
static void tell_rewound(struct fb_daemon *d)
{
    const char *why = fb_hub_rewound_why(d->hub);
    if ((why != NULL) == d->has_told_rewound) {
        return;
    }
    d->has_told_rewound = why != NULL;
    if (why != NULL) {
        fb_log(FB_LOG_ERROR, "rewound", "reason=%s next=%s", fb_log_quote(why),
               "\"laptops are refused until fieldbook-server restore --confirm\"");
    } else {
        fb_log(FB_LOG_INFO, "confirmed", "data=%s", fb_log_quote(d->data));
    }
}

static void note_high_water(struct fb_daemon *d)
{
    struct fb_why why = {""};
    if (!d->has_told_rewound && fb_high_water_note(&d->mark, d->data, d->store, &why) < 0) {
        fb_log(FB_LOG_WARN, "mark_failed", "reason=%s", fb_log_quote(why.text));
    }
}

static void on_turn(void *ctx)
{
    struct fb_daemon *d = ctx;
    if (fb_web_service_write(d->web->service)) {
        d->has_foreign_write = true; /* the rows wait in the journal */
    }
    if (d->has_foreign_write || fb_hub_has_work(d->hub)) {
        settle(d);
        fb_server_web_settled(d->web);
    }
    tell_rewound(d);
    fb_hub_each_ready(d->hub, pump_ready, d);
}

static bool on_database_written(void *ctx)
{
    struct fb_daemon *d = ctx;
    int64_t version = 0;
    if (fb_store_data_version(d->store, &version) < 0 || version == d->data_version) {
        return false;
    }
    d->data_version = version;
    d->has_foreign_write = true;
    return true;
}

static void checkpoint_when_idle(struct fb_daemon *d)
{
    if (d->settled_at_ms != 0 && fb_os_monotonic_ms() - d->settled_at_ms > CHECKPOINT_MS) {
        d->settled_at_ms = 0;
        fb_ignore(fb_store_checkpoint(d->store), "a busy reader only delays it");
    }
}

bool fb_daemon_is_quiet(const struct fb_daemon *d)
{
    return d->settled_at_ms == 0 || fb_os_monotonic_ms() - d->settled_at_ms > QUIET_MS;
}

/* One segment a tick, as long as there is one. */
static void compact_when_quiet(struct fb_daemon *d)
{
    int64_t now_ms = fb_os_monotonic_ms();
    bool is_packed = false;
    if (!fb_daemon_is_quiet(d) || now_ms < d->compact_again_ms) {
        return;
    }
    int rc = fb_hub_compact(d->hub, fb_os_now_ms(), &is_packed);
    d->compact_again_ms = is_packed ? 0 : now_ms + COMPACT_MS;
    if (rc < 0) {
        struct fb_why why = {""};
        fb_ignore(fb_store_error(d->store, &why), "only its sentence is wanted");
        fb_log(FB_LOG_WARN, "compaction_failed", "err=%s reason=%s retry_ms=%d", fb_err_name(rc),
               fb_log_quote(why.text), COMPACT_MS);
    }
}

static void on_clock(void *ctx)
{
    struct fb_daemon *d = ctx;
    checkpoint_when_idle(d);
    compact_when_quiet(d);
    note_high_water(d);
    fb_ignore(fb_hub_note_lives(d->hub), "tried again with the next tick");
    fb_server_web_tick(d->web);
    int64_t now_ms = fb_os_now_ms();
    if (fb_hub_deadline_ms(d->hub) <= now_ms) {
        settle(d);
        fb_hub_each_ready(d->hub, pump_ready, d);
    }
    for (struct connection *c = d->connections; c != NULL; c = c->next) {
        if (fb_server_session_deadline_ms(c->session) <= now_ms) {
            pump(c);
        }
    }
}

static void on_signal(void *ctx, int number)
{
    struct fb_daemon *d = ctx;
    if (number == SIGHUP) {
        return;
    }
    fb_log(FB_LOG_INFO, "stopping", "signal=%d", number);
    d->is_stopping = true;
    fb_loop_stop(d->loop);
}

/* ---- Life ---- */

static int open_stores(struct fb_daemon *d, struct fb_why *why)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/fieldbook.db", d->data);
    struct fb_store_options options = {.node = FB_NODE_SERVER};
    int rc = fb_store_open(path, &options, &d->store, why);
    if (rc < 0) {
        return rc;
    }
    options.is_read_only = true;
    options.catalogue = fb_store_catalogue(d->store);
    rc = fb_store_open(path, &options, &d->reader, why);
    if (rc < 0) {
        return rc;
    }
    struct fb_store_health health = {0};
    rc = fb_store_check_schema(d->store, &health);
    if (rc == FB_OK && health.note[0] != '\0') {
        fb_log(FB_LOG_WARN, "database_mended", "note=%s", fb_log_quote(health.note));
    }
    if (rc < 0) {
        return fb_store_error(d->store, why);
    }
    rc = fb_hub_new(d->store, d->reader, &d->random, &d->hub, why);
    if (rc < 0) {
        return rc;
    }
    fb_hub_set_lease(d->hub, d->enrol_policy.lease_ms);
    return fb_high_water_check(d->data, d->hub);
}

static int open_port(struct fb_daemon *d, const struct fb_config *config, struct fb_why *why)
{
    struct fb_tls_server_config tls = {
        .cert = &d->authority.server.cert, .key = &d->authority.server.key, .ca = &d->authority.ca};
    int rc = fb_tls_server_new(&tls, &d->tls, why);
    if (rc < 0) {
        return rc;
    }
    struct fb_listener_config listener = {
        .address = fb_config_text(config, "server.listen"),
        .tls = d->tls,
        .strangers_per_address_max = (int)fb_config_int(config, "server.strangers_per_address"),
        .on_stream = on_stream,
        .on_refused = on_refused,
        .ctx = d,
    };
    rc = fb_listener_new(d->loop, &listener, &d->listener, why);
    if (rc < 0) {
        return rc;
    }
    char path[4096];
    snprintf(path, sizeof path, "%s/address", d->data);
    const char *address = fb_listener_address(d->listener);
    fb_log(FB_LOG_INFO, "listening", "address=%s", address);
    return fb_os_write_file(path, address, strlen(address), 0644, why);
}

static int start(struct fb_daemon *d, const struct fb_config *config, struct fb_why *why)
{
    int rc = fb_loop_new(&d->loop);
    rc = rc < 0 ? rc : fb_authority_load(d->data, fb_os_now_ms(), &d->authority, why);
    rc = rc < 0 ? rc : fb_password_load_pepper(d->data, &d->random, why);
    rc = rc < 0 ? rc : open_stores(d, why);
    if (rc == FB_OK) {
        fb_hub_set_horizon(d->hub, fb_config_int(config, "devices.horizon"));
        fb_hub_set_history(d->hub, fb_config_int(config, "devices.history"));
    }
    rc = rc < 0 ? rc : fb_loop_on_signal(d->loop, on_signal, d);
    rc = rc < 0 ? rc : fb_timer_new(d->loop, on_clock, d, &d->clock);
    rc = rc < 0 ? rc
                : fb_watch_new(d->loop, d->data, "fieldbook.db", WATCH_POLL_MS, on_database_written,
                               d, &d->watch, why);
    rc = rc < 0 ? rc : fb_server_web_new(d, &d->web, why);
    rc = rc < 0 ? rc : open_port(d, config, why);
    if (rc < 0) {
        return rc;
    }
    fb_timer_set(d->clock, CLOCK_MS, CLOCK_MS);
    fb_loop_on_turn(d->loop, on_turn, d);
    d->has_foreign_write = true; /* what was written while nobody watched */
    return FB_OK;
}

/* Lets open connections send what they have, within a bound. */
static void say_farewell(struct fb_daemon *d)
{
    fb_listener_free(d->listener);
    d->listener = NULL;
    for (struct connection *c = d->connections; c != NULL; c = c->next) {
        fb_stream_close(c->stream);
    }
    fb_server_web_stop(d->web);
    int64_t until_ms = fb_os_monotonic_ms() + STOP_MS_MAX;
    while ((d->connections != NULL || fb_server_web_is_busy(d->web)) &&
           fb_os_monotonic_ms() < until_ms) {
        fb_loop_turn(d->loop, 50);
    }
}

static bool finish(struct fb_daemon *d)
{
    if (d->loop != NULL && d->web != NULL) {
        say_farewell(d);
    }
    if (d->hub != NULL) {
        fb_ignore(fb_hub_note_lives(d->hub), "the next contact tells it again");
        note_high_water(d);
    }
    fb_watch_free(d->watch);
    fb_timer_free(d->clock);
    fb_listener_free(d->listener);
    bool is_quiet = fb_loop_free(d->loop);
    if (is_quiet) {
        fb_server_web_free(d->web);
    }
    fb_hub_free(d->hub);
    fb_tls_server_free(d->tls);
    fb_store_close(d->reader);
    fb_store_close(d->store);
    fb_authority_release(&d->authority);
    fb_buf_release(&d->scratch);
    return is_quiet;
}

int fb_server_daemon_run(const char *data, const struct fb_config *config, struct fb_why *why)
{
    struct fb_daemon d = {.data = data, .random = fb_random_system()};
    fb_buf_init(&d.scratch, SCRATCH_BYTES);
    const char *approve = fb_config_text(config, "devices.approve");
    d.enrol_policy = (struct fb_enrol_policy){.must_approve = strcmp(approve, "ask") == 0,
                                              .lease_ms = fb_config_int(config, "devices.lease")};
    if (!d.enrol_policy.must_approve && strcmp(approve, "automatic") != 0) {
        return fb_fail(why, FB_ERR_CONFIG, "devices.approve is %s: write automatic or ask",
                       approve);
    }
    int rc = start(&d, config, why);
    if (rc == FB_OK) {
        fb_loop_run(d.loop);
        fb_log(FB_LOG_INFO, "stopped", "data=%s", fb_log_quote(data));
    }
    if (!finish(&d)) {
        _Exit(fb_err_exit_code(rc));
    }
    return rc;
}
