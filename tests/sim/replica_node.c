/* SPDX-License-Identifier: MIT
 *
 * A laptop's program around the product's round: what replica/daemon.c is around libuv.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/db.h"
#include "tests/sim/devices.h"
#include "tests/sim/eyes.h"
#include "tests/sim/util.h"
#include "tests/sim/world.h"

#define OUT_BYTES      (4 * 1024 * 1024)
#define REFUSED_MS     30000
#define ENROL_TRIES    3
#define REOPEN_MS      500 /* after an error of the disk the database is opened anew */
#define ASKS_WINDOW_MS 10000
#define ASKS_MAX       700
#define IDLE_WAKES_MAX 2000

static void must(int rc, const struct fb_why *why, const char *what)
{
    if (rc < 0) {
        sim_die("%s: %s %s", what, fb_err_name(rc), why->text);
    }
}

static void path_of(int node, char ret[static 64])
{
    snprintf(ret, 64, "/sim/%d/fieldbook.db", node);
}

static void set_text(struct fb_store *s, const char *key, const char *text)
{
    struct fb_value value = fb_value_text(text);
    must(fb_store_meta_set(s, key, &value), &(struct fb_why){""}, key);
}

/* As after enrolment: an empty database that knows who it is. */
void sim_replica_build(struct sim_world *w, struct sim_replica *r)
{
    int node = r->daemon.node;
    char path[64];
    path_of(node, path);
    sim_enter(w, node, SIM_DAEMON);
    struct fb_store *s = NULL;
    struct fb_why why = {""};
    must(fb_store_open(path,
                       &(struct fb_store_options){.node = FB_NODE_REPLICA, .may_create = true}, &s,
                       &why),
         &why, "a laptop's database");
    must(fb_store_begin(s), &why, "begin");
    set_text(s, "device_id", r->device_id);
    set_text(s, "employee_id", r->employee_id);
    must(fb_store_commit(s), &why, "commit");
    fb_store_close(s);
    sqlite3 *db = sim_db_open(node, SIM_TOOL);
    sim_db_run(db, SIM_LEDGER_SQL);
    sim_db_close(db);
    r->next_cut = -1;
    r->link_random = sim_mix(w->plan.seed, 200 + (uint64_t)node);
    r->dial_at_ms = w->now_ms;
}

/* --- errors and crashes -------------------------------------------------------------------------
 */

void sim_replica_hang_up(struct sim_world *w, struct sim_replica *r)
{
    struct sim_link *link = r->link;
    if (link == NULL) {
        return;
    }
    r->link = NULL;
    link->replica_open = false;
    if (link->server_end_ms == INT64_MAX) {
        link->server_end_ms = w->now_ms + (int64_t)sim_below(&link->random, 3000);
    }
    if (r->daemon.is_up) {
        fb_replica_round_closed(r->round, sim_node_now_ms(w, r->daemon.node));
    }
    r->failures = r->failures < 8 ? r->failures + 1 : 8;
    int64_t delay = 500 << r->failures;
    delay = delay < 60000 ? delay : 60000;
    const struct fb_replica_status *st = r->daemon.is_up ? fb_replica_round_status(r->round) : NULL;
    if (st != NULL && st->state == FB_REPLICA_REFUSED) {
        delay = REFUSED_MS;
    }
    r->dial_at_ms =
        w->now_ms + delay / 2 + (int64_t)sim_below(&r->link_random, (uint64_t)delay / 2 + 1);
    r->daemon.wake_at_ms = INT64_MAX;
}

void sim_replica_stop(struct sim_world *w, struct sim_replica *r, bool was_crash, int64_t down_ms)
{
    struct sim_daemon *d = &r->daemon;
    if (!d->is_up) {
        return;
    }
    sim_enter(w, d->node, SIM_DAEMON);
    sim_replica_hang_up(w, r);
    if (was_crash && !sim_vfs_is_down(d->node, SIM_DAEMON)) {
        sim_vfs_crash(d->node, SIM_DAEMON);
    }
    w->counters.found += fb_replica_round_status(r->round)->found;
    w->counters.scopes_same += fb_replica_round_status(r->round)->scopes_same;
    w->counters.digests += fb_replica_round_status(r->round)->digest_checks;
    fb_replica_round_free(r->round);
    fb_store_close(d->store);
    sim_eyes_close(d->node);
    r->round = NULL;
    d->store = NULL;
    d->is_up = false;
    for (int i = 0; i < SIM_PROCESSES_MAX; i++) {
        sim_vfs_start(d->node, (enum sim_process)i);
    }
    d->start_at_ms = down_ms == INT64_MAX ? INT64_MAX : w->now_ms + down_ms;
    d->wake_at_ms = INT64_MAX;
    d->notice_at_ms = INT64_MAX;
}

static bool has_died(struct sim_world *w, struct sim_replica *r)
{
    if (!sim_vfs_is_down(r->daemon.node, SIM_DAEMON)) {
        return false;
    }
    sim_trace(w, "n%d died", r->daemon.node);
    sim_replica_stop(w, r, true, 100 + (int64_t)sim_below(&r->link_random, 20000));
    return true;
}

/* Its person asks for a code and enrols once more. */
static void enrol_anew(struct sim_world *w, struct sim_replica *r)
{
    char path[64];
    struct fb_store *s = NULL;
    struct fb_why why = {""};
    path_of(r->daemon.node, path);
    sim_replica_stop(w, r, false, 500);
    if (w->is_calm || sim_vfs_disk(SIM_HQ)->bytes_max == 0) {
        sim_server_add_device(w, r);
        sim_enter(w, r->daemon.node, SIM_DAEMON);
        int rc = FB_ERR_IO;
        for (int i = 0; i < ENROL_TRIES && rc == FB_ERR_IO; i++) { /* he runs the command again */
            s = NULL;
            rc = fb_store_open(path, &(struct fb_store_options){.node = FB_NODE_REPLICA}, &s, &why);
            rc = rc < 0 ? rc : fb_replica_enrol_anew(s, r->device_id, r->employee_id);
            fb_store_close(s);
        }
        w->counters.enrolled_anew += rc == FB_OK;
        sim_trace(w, "n%d enrols anew: %s", r->daemon.node, fb_err_name(rc));
    }
}

bool sim_replica_erases(struct sim_world *w, struct sim_replica *r)
{
    int64_t unsent = 0;
    int64_t errors = sim_vfs_counters().io_errors;
    sim_enter(w, r->daemon.node, SIM_DAEMON);
    if (!fb_replica_round_may_wipe(r->round, sim_node_now_ms(w, r->daemon.node), &unsent)) {
        return false;
    }
    if (has_died(w, r)) {
        return true; /* while it counted: it does so again when it starts */
    }
    sim_device_erase(w, r, unsent, sim_vfs_counters().io_errors == errors);
    return true;
}

/* After an error of the round: the link goes; after one of the disk the database is opened anew. */
static void failed(struct sim_world *w, struct sim_replica *r, int rc)
{
    sim_trace(w, "n%d %s: %s", r->daemon.node, fb_err_name(rc),
              fb_replica_round_status(r->round)->sentence);
    if (rc == FB_ERR_IO || rc == FB_ERR_DAMAGED) {
        sim_replica_stop(w, r, false, REOPEN_MS);
        return;
    }
    if (rc == FB_ERR_PROTOCOL) {
        sim_violation(w, "protocol", "n%d: %s", r->daemon.node,
                      fb_replica_round_status(r->round)->sentence);
    }
    if (fb_replica_round_status(r->round)->refusal == FB_REFUSAL_UNKNOWN_DEVICE) {
        enrol_anew(w, r); /* headquarters was put back to before it enrolled */
        return;
    }
    if (sim_replica_erases(w, r)) {
        return;
    }
    int64_t retry_ms = fb_replica_round_status(r->round)->retry_after_ms;
    sim_replica_hang_up(w, r);
    if (rc == FB_ERR_INTERRUPTED) {
        r->dial_at_ms = w->now_ms + 10; /* it is to say hello under another incarnation */
    } else if (rc == FB_ERR_BUSY) {
        r->dial_at_ms = w->now_ms + retry_ms;
    }
}

/* --- bytes and time -----------------------------------------------------------------------------
 */

/* To the true time at which the node's clock shows at_ms. */
static int64_t true_time(const struct sim_world *w, int node, int64_t at_ms)
{
    if (at_ms == INT64_MAX) {
        return INT64_MAX;
    }
    int64_t in = at_ms - sim_node_now_ms(w, node);
    return w->now_ms + (in < 1 ? 1 : in);
}

/* A laptop that asks hundreds of times within seconds is turning in circles. */
static void count_asks(struct sim_world *w, struct sim_replica *r)
{
    if (w->now_ms - r->asks_since_ms > ASKS_WINDOW_MS) {
        r->asks = 0;
        r->asks_since_ms = w->now_ms;
    }
    if (++r->asks > ASKS_MAX) {
        sim_violation(w, "liveness", "n%d asked %d times within %d s", r->daemon.node, ASKS_MAX,
                      ASKS_WINDOW_MS / 1000);
    }
}

static void pump(struct sim_world *w, struct sim_replica *r)
{
    struct fb_buf out;
    fb_buf_init(&out, OUT_BYTES);
    size_t sent = 0;
    int rc = FB_OK;
    while (rc == FB_OK && r->daemon.is_up && r->link != NULL) {
        fb_buf_clear(&out);
        sim_enter(w, r->daemon.node, SIM_DAEMON);
        rc = fb_replica_round_take(r->round, &out, sim_node_now_ms(w, r->daemon.node));
        if (out.size == 0) {
            break;
        }
        sent += out.size;
        count_asks(w, r);
        if (r->link != NULL && !sim_vfs_is_down(r->daemon.node, SIM_DAEMON)) {
            sim_pipe_send(&r->link->pipes[SIM_UP], &r->link->random, out.bytes, out.size, w->now_ms,
                          w->is_calm ? 20 : w->plan.params.latency_ms, w->plan.params.bytes_per_ms);
        }
    }
    fb_buf_release(&out);
    if (has_died(w, r)) {
        sim_oracle_look(w, r->daemon.node);
        return;
    }
    if (rc < 0) {
        failed(w, r, rc);
    }
    sim_oracle_look(w, r->daemon.node);
    if (!r->daemon.is_up || r->link == NULL || sim_replica_erases(w, r)) {
        return;
    }
    r->daemon.idle_wakes = sent > 0 ? 0 : r->daemon.idle_wakes + 1;
    if (r->daemon.idle_wakes > IDLE_WAKES_MAX) {
        sim_violation(w, "liveness", "n%d asks to be called again and again and does nothing",
                      r->daemon.node);
    }
    if (fb_replica_round_is_in_step(r->round)) {
        r->failures = 0;
    }
    if (fb_replica_round_status(r->round)->must_enrol &&
        fb_replica_round_status(r->round)->state == FB_REPLICA_IN_STEP) {
        enrol_anew(w, r);
        return;
    }
    r->daemon.wake_at_ms = true_time(w, r->daemon.node, fb_replica_round_deadline_ms(r->round));
}

void sim_replica_wake(struct sim_world *w, struct sim_replica *r)
{
    r->daemon.wake_at_ms = INT64_MAX;
    if (r->link != NULL) {
        pump(w, r);
    }
}

void sim_replica_receive(struct sim_world *w, struct sim_replica *r, const uint8_t *bytes,
                         size_t size)
{
    if (r->wiped != NULL) {
        sim_device_answered(w, r, bytes, size);
        return;
    }
    sim_enter(w, r->daemon.node, SIM_DAEMON);
    int rc = fb_replica_round_feed(r->round, bytes, size, sim_node_now_ms(w, r->daemon.node));
    r->daemon.idle_wakes = 0;
    if (has_died(w, r)) {
        sim_oracle_look(w, r->daemon.node);
        return;
    }
    if (rc < 0) {
        failed(w, r, rc);
        sim_oracle_look(w, r->daemon.node);
        return;
    }
    pump(w, r);
}

void sim_replica_lost(struct sim_world *w, struct sim_replica *r)
{
    sim_enter(w, r->daemon.node, SIM_DAEMON);
    sim_replica_hang_up(w, r);
    has_died(w, r);
}

/* The watch saw that another program wrote. */
void sim_replica_noticed(struct sim_world *w, struct sim_replica *r)
{
    int64_t version;
    sim_enter(w, r->daemon.node, SIM_DAEMON);
    int rc = fb_store_data_version(r->daemon.store, &version);
    if (rc == FB_OK) {
        fb_replica_round_noticed_write(r->round, sim_node_now_ms(w, r->daemon.node));
    }
    if (has_died(w, r)) {
        return;
    }
    if (rc < 0) {
        failed(w, r, rc);
        return;
    }
    pump(w, r);
}

void sim_replica_start(struct sim_world *w, struct sim_replica *r)
{
    struct sim_daemon *d = &r->daemon;
    char path[64];
    path_of(d->node, path);
    sim_enter(w, d->node, SIM_DAEMON);
    struct fb_why why = {""};
    struct fb_store_health health = {0};
    int rc =
        fb_store_open(path, &(struct fb_store_options){.node = FB_NODE_REPLICA}, &d->store, &why);
    if (rc == FB_OK) {
        rc = fb_store_check_schema(d->store, &health);
    }
    bool is_renamed = false;
    if (rc == FB_OK) {
        rc = fb_replica_follow_certificate(d->store, r->device_id, &is_renamed);
    }
    if (is_renamed) {
        sim_trace(w, "n%d goes on as the device of its certificate", d->node);
    }
    if (rc == FB_OK) {
        rc = fb_replica_round_new(d->store, &d->random, &r->round);
    }
    if (rc < 0) {
        sim_trace(w, "n%d does not start: %s %s", d->node, fb_err_name(rc), why.text);
        if (rc == FB_ERR_DAMAGED || rc == FB_ERR_VERSION) {
            sim_violation(w, "damage", "n%d does not open: %s", d->node, why.text);
        }
        fb_store_close(d->store);
        sim_eyes_close(d->node);
        d->store = NULL;
        for (int i = 0; i < SIM_PROCESSES_MAX; i++) {
            sim_vfs_start(d->node, (enum sim_process)i);
        }
        d->start_at_ms = w->now_ms + REOPEN_MS;
        return;
    }
    d->is_up = true;
    d->starts++;
    d->idle_wakes = 0;
    r->triggers_off_for_sure = false;
    sim_trace(w, "n%d starts", d->node);
    fb_replica_round_noticed_write(r->round, sim_node_now_ms(w, d->node));
    if (has_died(w, r)) {
        return;
    }
    int64_t soon = w->now_ms + (int64_t)sim_below(&r->link_random, 2000);
    r->dial_at_ms = r->dial_at_ms > soon ? r->dial_at_ms : soon;
    sim_oracle_started(w, d->node);
}

void sim_replica_dial(struct sim_world *w, struct sim_replica *r)
{
    if (w->now_ms < r->offline_to_ms) {
        r->dial_at_ms = r->offline_to_ms;
        return;
    }
    w->counters.dials++;
    bool works = w->is_calm || sim_chance(&r->link_random, (unsigned)w->plan.params.online);
    if (!works || !w->server.daemon.is_up) {
        r->failures = r->failures < 8 ? r->failures + 1 : 8;
        r->dial_at_ms =
            w->now_ms + 1000 + (int64_t)sim_below(&r->link_random, w->is_calm ? 3000 : 30000);
        return;
    }
    struct sim_link *link = sim_alloc(sizeof *link);
    *link = (struct sim_link){.replica = r->daemon.node,
                              .number = ++r->links,
                              .random = sim_random(&r->link_random),
                              .replica_open = true,
                              .server_open = true,
                              .replica_end_ms = INT64_MAX,
                              .server_end_ms = INT64_MAX,
                              .next = w->links};
    link->pipes[SIM_UP].cut_after = -1;
    link->pipes[SIM_DOWN].cut_after = -1;
    if (r->next_cut >= 0) {
        link->pipes[r->next_cut_way].cut_after = r->next_cut;
        r->next_cut = -1;
    }
    w->links = link;
    r->link = link;
    sim_trace(w, "n%d link %d", r->daemon.node, link->number);
    sim_server_accept(w, link);
    if (r->link == NULL) {
        return;
    }
    if (r->wiped != NULL) {
        sim_device_says_wiped(w, r);
        return;
    }
    sim_enter(w, r->daemon.node, SIM_DAEMON);
    if (sim_chance(&r->link_random, 300)) {
        fb_replica_round_want_digest(r->round); /* the daemon asks now and then */
    }
    fb_replica_round_opened(r->round, sim_node_now_ms(w, r->daemon.node));
    pump(w, r);
}
