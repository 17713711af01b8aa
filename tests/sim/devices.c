/* SPDX-License-Identifier: MIT */
#include "tests/sim/devices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/wire.h"
#include "server/devices.h"
#include "tests/sim/eyes.h"
#include "tests/sim/util.h"

#define NOTICE_MS   500 /* the daemon's watch sees what a command wrote */
#define PERSON      300 /* per mille of the decisions that are about all that a person has */
#define DISCARDS    300 /* per mille of the orders that want nothing of what waits */
#define AWAY_MS_MAX 180000
#define ANSWER_MAX  4096

struct sim_wiped {
    bool is_told;
    int64_t enrol_at_ms; /* INT64_MAX: headquarters does not know yet */
    int64_t unsent;
    struct fb_buf answer;
    sqlite3 *ledger;
};

/* What headquarters was told; it knows for good. */
static struct told {
    char device_id[FB_ROW_ID_SIZE];
    int64_t unsent;
} told[64];
static size_t told_count;

bool sim_has_devices(const struct sim_world *w)
{
    for (size_t i = 0; i < w->plan.count; i++) {
        if (w->plan.events[i].kind == SIM_SUSPEND || w->plan.events[i].kind == SIM_WIPE) {
            return true;
        }
    }
    return false;
}

/* --- decisions ------------------------------------------------------------------------------------ */

struct decision {
    const char *state; /* "wiped": to be erased */
    bool takes_unsent;
    char devices[SIM_REPLICAS_MAX + SIM_CLONES_MAX + 1][FB_ROW_ID_SIZE];
    size_t count;
};

static int decide(struct sim_world *w, struct fb_store *s, const struct decision *d,
                  struct fb_why *why)
{
    int rc = fb_store_begin(s);
    for (size_t i = 0; rc == FB_OK && i < d->count; i++) {
        rc = strcmp(d->state, "wiped") == 0 ? fb_device_wipe(s, d->devices[i], d->takes_unsent,
                                                             sim_node_now_ms(w, SIM_HQ), why)
                                            : fb_device_set_state(s, d->devices[i], d->state, why);
    }
    if (rc == FB_OK) {
        return fb_store_commit(s);
    }
    if (fb_store_in_transaction(s)) {
        fb_store_rollback(s);
    }
    return rc;
}

/* As `device suspend`, `resume`, `wipe` do it, beside the daemon or without. */
static bool run_command(struct sim_world *w, const struct decision *d)
{
    struct fb_store *s = NULL;
    struct fb_why why = {""};
    sim_hands_close(SIM_HQ);
    sim_enter(w, SIM_HQ, SIM_TOOL);
    int rc = fb_store_open("/sim/0/fieldbook.db",
                           &(struct fb_store_options){.node = FB_NODE_SERVER}, &s, &why);
    rc = rc < 0 ? rc : decide(w, s, d, &why);
    fb_store_close(s);
    if (sim_vfs_is_down(SIM_HQ, SIM_TOOL)) {
        sim_vfs_start(SIM_HQ, SIM_TOOL);
    }
    sim_trace(w, "n0 %zu laptops are to be %s: %s %s", d->count, d->state, fb_err_name(rc),
              why.text);
    if (w->server.daemon.is_up) {
        w->server.daemon.notice_at_ms = w->now_ms + NOTICE_MS;
    }
    sim_oracle_look(w, SIM_HQ);
    sim_enter(w, SIM_HQ, SIM_DAEMON);
    return rc == FB_OK;
}

static char *state_of(const char *device_id)
{
    return sim_db_text(sim_eyes(SIM_HQ), "SELECT state FROM device WHERE id = %Q", device_id);
}

static bool is_in_state(const char *device_id, const char *state)
{
    char *stands = state_of(device_id);
    bool is = stands != NULL && strcmp(stands, state) == 0;
    free(stands);
    return is;
}

/* The laptop's device, or all of its person that are in the state. */
static void gather(struct sim_world *w, const struct sim_replica *r, bool is_person,
                   const char *state, struct decision *d)
{
    for (int i = 1; i <= w->replica_count; i++) {
        const struct sim_replica *other = &w->replicas[i];
        bool is_meant =
            other == r || (is_person && strcmp(other->employee_id, r->employee_id) == 0);
        bool is_known = false; /* a copy is the same device */
        for (size_t j = 0; j < d->count; j++) {
            is_known = is_known || strcmp(d->devices[j], other->device_id) == 0;
        }
        if (is_meant && !is_known && is_in_state(other->device_id, state)) {
            memcpy(d->devices[d->count++], other->device_id, FB_ROW_ID_SIZE);
        }
    }
}

void sim_device_suspend(struct sim_world *w, struct sim_replica *r, uint64_t random)
{
    bool is_person = sim_chance(&random, PERSON);
    bool is_in = is_in_state(r->device_id, "active");
    struct decision d = {.state = is_in ? "suspended" : "active"};
    gather(w, r, is_person, is_in ? "active" : "suspended", &d);
    if (d.count > 0 && run_command(w, &d)) {
        w->counters.suspended += is_in ? (int64_t)d.count : 0;
    }
}

void sim_device_wipe(struct sim_world *w, struct sim_replica *r, uint64_t random)
{
    struct decision d = {.state = "wiped", .takes_unsent = !sim_chance(&random, DISCARDS)};
    gather(w, r, false, "active", &d);
    gather(w, r, false, "suspended", &d);
    if (d.count > 0 && run_command(w, &d)) {
        w->counters.wipes++;
    }
}

/* --- erasing --------------------------------------------------------------------------------------- */

static void empty_disk(int node)
{
    struct sim_disk *disk = sim_vfs_disk(node);
    for (size_t i = disk->entry_count; i > 0; i--) {
        sim_disk_delete(disk, disk->entries[i - 1].name);
    }
    sim_disk_sync_folder(disk);
    sim_vfs_fail_after(node, 0, 0, false);
    sim_vfs_crash_after(node, SIM_DAEMON, 0, false);
    sim_vfs_crash_after(node, SIM_TOOL, 0, false);
    sim_vfs_before_transaction(node, 0, NULL, NULL);
    disk->bytes_max = 0;
}

static bool was_wanted(const char *device_id)
{
    return sim_db_int(sim_eyes(SIM_HQ), 0,
                      "SELECT wipe_takes_unsent AND wiped_at_ms IS NULL FROM fb_device_life WHERE "
                      "device_id = %Q",
                      device_id) > 0;
}

void sim_device_erase(struct sim_world *w, struct sim_replica *r, int64_t unsent, bool is_counted)
{
    int node = r->daemon.node;
    struct sim_wiped *gone = sim_alloc(sizeof *gone);
    sim_trace(w, "n%d erases its data, %lld edits with it", node, (long long)unsent);
    if (unsent > 0 && w->server.daemon.is_up && was_wanted(r->device_id)) {
        sim_violation(w, "wiped",
                      "n%d erased %lld edits that headquarters wanted to have, and could have had",
                      node, (long long)unsent);
    }
    *gone = (struct sim_wiped){.enrol_at_ms = INT64_MAX, .unsent = unsent};
    fb_buf_init(&gone->answer, ANSWER_MAX);
    gone->ledger = sim_oracle_before_wipe(w, node, unsent > 0 || !is_counted);
    w->counters.wiped_unsent += unsent;
    sim_replica_stop(w, r, false, INT64_MAX);
    empty_disk(node);
    r->wiped = gone;
    r->dial_at_ms = w->now_ms + (int64_t)sim_below(&r->link_random, 5000);
    /* What it had handed in since the backup is on no laptop any more. */
    sim_snapshot_free(w->server.backup);
    w->server.backup = NULL;
}

int64_t sim_device_dials_ms(const struct sim_replica *r)
{
    return r->wiped->is_told ? INT64_MAX : r->dial_at_ms;
}

int64_t sim_device_enrols_ms(const struct sim_replica *r)
{
    return r->wiped->enrol_at_ms;
}

void sim_device_says_wiped(struct sim_world *w, struct sim_replica *r)
{
    struct fb_buf out;
    const struct fb_message m = {.kind = FB_MESSAGE_WIPED, .wiped_unsent = r->wiped->unsent};
    fb_buf_init(&out, ANSWER_MAX);
    fb_buf_clear(&r->wiped->answer);
    if (fb_message_encode(&m, &out) < 0) {
        sim_die("no memory");
    }
    sim_pipe_send(&r->link->pipes[SIM_UP], &r->link->random, out.bytes, out.size, w->now_ms,
                  w->is_calm ? 20 : w->plan.params.latency_ms, w->plan.params.bytes_per_ms);
    fb_buf_release(&out);
}

static void note_told(struct sim_world *w, struct sim_replica *r)
{
    if (told_count < sizeof told / sizeof told[0]) {
        memcpy(told[told_count].device_id, r->device_id, FB_ROW_ID_SIZE);
        told[told_count++].unsent = r->wiped->unsent;
    }
    w->counters.wiped++;
}

static void take_answer(struct sim_world *w, struct sim_replica *r, const struct fb_message *m)
{
    enum fb_refusal reason = m->refuse.reason;
    sim_trace(w, "n%d said that its data is erased: %s", r->daemon.node, m->refuse.sentence);
    if (reason == FB_REFUSAL_BUSY || reason == FB_REFUSAL_REPLACED ||
        reason == FB_REFUSAL_REWOUND) {
        return; /* it tries again */
    }
    if (reason == FB_REFUSAL_WIPE) {
        note_told(w, r);
    }
    r->wiped->is_told = true;
    r->wiped->enrol_at_ms =
        w->now_ms + (int64_t)sim_below(&r->link_random, w->is_calm ? 1000 : AWAY_MS_MAX);
}

void sim_device_answered(struct sim_world *w, struct sim_replica *r, const uint8_t *bytes,
                         size_t size)
{
    struct sim_wiped *gone = r->wiped;
    struct fb_arena arena = {0};
    struct fb_message m = {0};
    struct fb_why why = {""};
    size_t frame = 0;
    fb_buf_append(&gone->answer, bytes, size);
    if (fb_frame_find(gone->answer.bytes, gone->answer.size, FB_FRAME_BYTES_MAX, &frame, &why) ==
            FB_OK &&
        frame > 0 && !gone->is_told) {
        if (fb_message_decode(gone->answer.bytes, frame, NULL, &arena, &m, &why) < 0 ||
            m.kind != FB_MESSAGE_REFUSE) {
            sim_violation(w, "protocol", "n%d said that its data is erased, and was answered: %s",
                          r->daemon.node, why.text);
        } else {
            take_answer(w, r, &m);
        }
        sim_replica_hang_up(w, r);
    }
    fb_arena_release(&arena);
}

void sim_device_forget(struct sim_replica *r)
{
    if (r->wiped != NULL) {
        fb_buf_release(&r->wiped->answer);
        sim_db_close(r->wiped->ledger);
        free(r->wiped);
        r->wiped = NULL;
    }
    told_count = 0;
}

void sim_device_enrol(struct sim_world *w, struct sim_replica *r)
{
    if (!w->is_calm && sim_vfs_disk(SIM_HQ)->bytes_max != 0) {
        r->wiped->enrol_at_ms = w->now_ms + 10000; /* headquarters has no room to note a device */
        return;
    }
    sqlite3 *ledger = r->wiped->ledger;
    r->wiped->ledger = NULL;
    fb_buf_release(&r->wiped->answer);
    free(r->wiped);
    r->wiped = NULL;
    r->kept_cursor = 0;
    sim_server_add_device(w, r);
    sim_replica_build(w, r);
    sim_enter(w, r->daemon.node, SIM_TOOL);
    sim_oracle_after_wipe(r->daemon.node, ledger);
    sim_db_close(ledger);
    r->daemon.start_at_ms = w->now_ms;
    w->counters.enrolled_anew++;
    sim_trace(w, "n%d is enrolled as a new device", r->daemon.node);
}

/* --- suspended ------------------------------------------------------------------------------------- */

int sim_devices_untold(struct sim_world *w)
{
    for (int i = 1; sim_has_devices(w) && i <= w->replica_count; i++) {
        const struct sim_replica *r = &w->replicas[i];
        if (r->wiped == NULL && is_in_state(r->device_id, "suspended") &&
            (!r->daemon.is_up ||
             fb_replica_round_status(r->round)->refusal != FB_REFUSAL_SUSPENDED)) {
            return i;
        }
    }
    return 0;
}

void sim_devices_resume(struct sim_world *w)
{
    struct decision d = {.state = "active"};
    for (int i = 1; sim_has_devices(w) && i <= w->replica_count; i++) {
        gather(w, &w->replicas[i], false, "suspended", &d);
    }
    if (d.count > 0 && !run_command(w, &d)) {
        sim_violation(w, "suspended", "suspended laptops cannot be let in again");
    }
}

/* --- what must hold -------------------------------------------------------------------------------- */

/* The state, once it is in the log: then headquarters' daemon has seen it. "": it may not have. */
static char *sealed_state(const char *device_id)
{
    sqlite3 *hq = sim_eyes(SIM_HQ);
    return sim_db_int(hq, 1, "SELECT count(*) FROM fb_journal WHERE op <> 0 AND row_id = %Q",
                      device_id) > 0
               ? NULL
               : sim_db_text(hq, "SELECT state FROM device WHERE id = %Q", device_id);
}

static bool brings_data(uint8_t kind)
{
    return kind == FB_MESSAGE_ROWS || kind == FB_MESSAGE_REFERENCES || kind == FB_MESSAGE_CUT ||
           kind == FB_MESSAGE_CHUNK;
}

void sim_devices_check_bytes(struct sim_world *w, const struct sim_link *link, const uint8_t *bytes,
                             size_t size)
{
    struct fb_why why = {""};
    size_t frame = 0;
    for (size_t at = 0; sim_has_devices(w) && at < size; at += frame) {
        if (fb_frame_find(bytes + at, size - at, FB_FRAME_BYTES_MAX, &frame, &why) < 0 ||
            frame == 0) {
            return;
        }
        char *state = brings_data(bytes[at + 4]) ? sealed_state(link->device_id) : NULL;
        if (state != NULL && strcmp(state, "active") != 0) {
            sim_violation(w, "out", "a frame of kind %d was on its way to n%d, which is %s",
                          bytes[at + 4], link->replica, state);
        }
        free(state);
    }
    sim_enter(w, SIM_HQ, SIM_DAEMON);
}

/* Between the rev that shut a laptop out and the one that let it in again nothing of it was merged. */
static void check_pushes(struct sim_world *w, sqlite3 *hq)
{
    sqlite3_stmt *q = sim_db_query(
        hq,
        "WITH turns AS (SELECT lower(hex(l.row_id)) AS device, (SELECT max(rev) FROM fb_rev WHERE "
        "first_seq <= l.seq) AS rev, json_extract(l.changes, '$.state[1]') AS state FROM "
        "sim_whole_log AS l WHERE l.op = 2 AND json_extract(l.changes, '$.state[1]') IS NOT NULL) "
        "SELECT d.name, r.rev, r.push, t.rev, t.state FROM turns AS t JOIN device AS d ON "
        "replace(d.id, '-', '') = t.device JOIN fb_rev AS r ON r.device_id = d.id AND r.push > 0 "
        "AND r.rev > t.rev LEFT JOIN fb_device_life AS f ON f.device_id = d.id WHERE (t.state = "
        "'suspended' OR t.state = 'wiped' AND NOT f.wipe_takes_unsent) AND NOT EXISTS (SELECT 1 "
        "FROM turns AS n WHERE n.device = t.device AND n.rev > t.rev AND n.rev < r.rev)");
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        sim_violation(w, "out", "%s is %s since rev %s, and push %s of it is merged as rev %s",
                      sim_column(q, 0), sim_column(q, 4), sim_column(q, 3), sim_column(q, 2),
                      sim_column(q, 1));
    }
    sqlite3_finalize(q);
}

/* What headquarters was told since the backup is gone with its file. */
void sim_devices_after_hq_restore(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < told_count; i++) {
        if (sim_db_int(sim_eyes(SIM_HQ), 0,
                       "SELECT count(*) FROM fb_device_life WHERE device_id = %Q AND wiped_at_ms "
                       "IS NOT NULL",
                       told[i].device_id) > 0) {
            told[kept++] = told[i];
        }
    }
    told_count = kept;
}

/* A copy of the laptop may have said it first. */
static int64_t told_of(const char *device_id)
{
    for (size_t i = 0; i < told_count; i++) {
        if (strcmp(told[i].device_id, device_id) == 0) {
            return told[i].unsent;
        }
    }
    return 0;
}

void sim_devices_check(struct sim_world *w)
{
    sqlite3 *hq = sim_eyes(SIM_HQ);
    if (sim_has_devices(w)) {
        check_pushes(w, hq);
    }
    for (size_t i = 0; i < told_count; i++) {
        const char *id = told[i].device_id;
        int64_t unsent = sim_db_int(hq, -1,
                                    "SELECT f.wiped_unsent FROM fb_device_life AS f JOIN device AS "
                                    "d ON d.id = f.device_id WHERE d.id = %Q AND d.state = "
                                    "'wiped' AND f.wiped_at_ms IS NOT NULL",
                                    id);
        if (unsent != told_of(id)) {
            sim_violation(w, "wiped",
                          "device %s erased its data and said that %lld edits were lost; "
                          "headquarters says %lld",
                          id, (long long)told_of(id), (long long)unsent);
        }
    }
}
