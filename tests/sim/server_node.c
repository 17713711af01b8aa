/* SPDX-License-Identifier: MIT
 *
 * Headquarters' program around the product's hub: what server/daemon.c is around libuv.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/rewound.h"
#include "server/timeline.h"
#include "tests/sim/aging.h"
#include "tests/sim/db.h"
#include "tests/sim/devices.h"
#include "tests/sim/eyes.h"
#include "tests/sim/releases.h"
#include "tests/sim/rights.h"
#include "tests/sim/territories.h"
#include "tests/sim/util.h"
#include "tests/sim/world.h"

#define OUT_BYTES (4 * 1024 * 1024)
#define PATH      "/sim/0/fieldbook.db"
#define RETRY_MS  1000 /* after a full disk or a lock */
#define CLOCK_MS  1000 /* how often the daemon looks at its sessions' deadlines */

static void must(int rc, const struct fb_why *why, const char *what)
{
    if (rc < 0) {
        sim_die("%s: %s %s", what, fb_err_name(rc), why->text);
    }
}

/* --- the beginning ------------------------------------------------------------------------------
 */

static void make_id(struct sim_world *w, uint64_t *state, char ret[static FB_ROW_ID_SIZE])
{
    struct fb_random random = fb_random_seeded(state, *state + 1);
    fb_id_make(w->now_ms, &random, ret);
}

/* Everybody may do everything; with territories everybody reads his own. */
static void add_roles(const struct sim_world *w, sqlite3 *db, char (*employees)[FB_ROW_ID_SIZE],
                      int count)
{
    static const char *const ACTIONS[] = {"read", "create", "edit", "delete", "export", "assign"};
    sim_db_run(db, "INSERT INTO role (id, name) VALUES ('01890000-0000-7000-8006-000000000001', "
                   "'everything')");
    for (int i = 0; i < 6; i++) {
        sim_db_run(db,
                   "INSERT INTO role_permission (id, role_id, entity, action, level) VALUES "
                   "('01890000-0000-7000-8006-%012d', '01890000-0000-7000-8006-000000000001', '*', "
                   "'%s', '%s')",
                   i + 10, ACTIONS[i], i == 0 && sim_has_territories(w) ? "territory" : "all");
    }
    for (int i = 0; i < count; i++) {
        sim_db_run(db,
                   "INSERT INTO employee_role (id, employee_id, role_id) VALUES "
                   "('01890000-0000-7000-8006-%012d', %Q, '01890000-0000-7000-8006-000000000001')",
                   i + 30, employees[i]);
    }
}

static void add_people(struct sim_world *w, sqlite3 *db)
{
    char employees[SIM_REPLICAS_MAX + 1][FB_ROW_ID_SIZE];
    int count = (int)(w->plan.params.employees > 0 ? w->plan.params.employees : 1);
    count = count < w->replica_count ? count : w->replica_count;
    uint64_t state = 77;
    for (int i = 0; i < count; i++) {
        make_id(w, &state, employees[i]);
        sim_db_run(db,
                   "INSERT INTO employee (id, code, family_name) VALUES (%Q, 'E%d', 'Person %d')",
                   employees[i], i, i);
    }
    add_roles(w, db, employees, count);
    for (int i = 1; i <= w->replica_count; i++) {
        struct sim_replica *r = &w->replicas[i];
        make_id(w, &state, r->device_id);
        memcpy(r->employee_id, employees[(i - 1) % count], FB_ROW_ID_SIZE);
        sim_db_run(db,
                   "INSERT INTO device (id, name, employee_id, kind, certificate_serial, state) "
                   "VALUES (%Q, 'laptop %d', %Q, 'laptop', 'S%d', 'active')",
                   r->device_id, i, r->employee_id, i);
    }
}

void sim_server_add_device(struct sim_world *w, struct sim_replica *r)
{
    uint64_t state = sim_mix(w->plan.seed, 900 + (uint64_t)r->daemon.node);
    make_id(w, &state, r->device_id);
    sim_enter_oracle(w, SIM_HQ);
    sqlite3 *db = sim_db_open(SIM_HQ, SIM_TOOL);
    sim_db_run(db,
               "INSERT INTO device (id, name, employee_id, kind, certificate_serial, state) VALUES "
               "(%Q, 'copy %d', %Q, 'laptop', 'C%d', 'active')",
               r->device_id, r->daemon.node, r->employee_id, r->daemon.node);
    sim_db_close(db);
    if (w->server.daemon.is_up) {
        w->server.daemon.notice_at_ms = w->now_ms + 500;
    }
    sim_enter(w, r->daemon.node, SIM_DAEMON);
}

/* Companies 1 and 2 are anchors: nobody deletes them; company 1 is the one everybody edits. */
static void add_customers(struct sim_world *w, sqlite3 *db)
{
    for (int i = 1; i <= w->plan.params.companies; i++) {
        sim_db_run(db,
                   "INSERT INTO company (id, name, owner_id) VALUES "
                   "('01890000-0000-7000-8000-%012d', 'Company %d', "
                   "(SELECT id FROM employee ORDER BY id LIMIT 1))",
                   i, i);
        for (int j = 1; j <= 2; j++) {
            sim_db_run(
                db,
                "INSERT INTO contact (id, company_id, family_name) VALUES "
                "('01890000-0000-7000-8001-%012d', '01890000-0000-7000-8000-%012d', 'Contact %d')",
                i * 10 + j, i, j);
        }
        sim_db_run(db,
                   "INSERT INTO sales_order (id, company_id, subject) VALUES "
                   "('01890000-0000-7000-8002-%012d', "
                   "'01890000-0000-7000-8000-%012d', 'Order %d')",
                   i, i, i);
        sim_db_run(db,
                   "INSERT INTO sales_line (id, sales_order_id, product) VALUES "
                   "('01890000-0000-7000-8003-%012d', '01890000-0000-7000-8002-%012d', 'Thing')",
                   i, i);
    }
    for (int i = 1; i <= 4; i++) {
        sim_db_run(
            db,
            "INSERT INTO account (id, name) VALUES ('01890000-0000-7000-8004-%012d', 'Account %d')",
            i, i);
    }
}

void sim_server_build(struct sim_world *w)
{
    sim_enter(w, SIM_HQ, SIM_DAEMON);
    struct fb_why why = {""};
    struct fb_store *s = NULL;
    must(fb_store_open(PATH, &(struct fb_store_options){.node = FB_NODE_SERVER, .may_create = true},
                       &s, &why),
         &why, "headquarters' database");
    struct fb_catalogue *catalogue = NULL;
    must(fb_catalogue_read_folder(sim_has_territories(w) ? SIM_CATALOGUE "_scoped"
                                  : sim_has_roles(w)     ? SIM_CATALOGUE "_roles"
                                  : sim_has_aging(w)     ? SIM_CATALOGUE "_aging"
                                                         : SIM_CATALOGUE,
                                  1, &catalogue, &why),
         &why, "the catalogue");
    must(fb_store_begin(s), &why, "begin");
    must(fb_store_set_catalogue(s, catalogue, w->now_ms, &why), &why, "the catalogue's tables");
    uint64_t state = 5;
    char timeline[FB_ROW_ID_SIZE];
    make_id(w, &state, timeline);
    struct fb_value value = fb_value_text(timeline);
    must(fb_store_meta_set(s, "timeline", &value), &why, "meta");
    value = fb_value_text("HQ");
    must(fb_store_meta_set(s, "number_prefix", &value), &why, "meta");
    must(fb_store_commit(s), &why, "commit");
    fb_store_close(s);
    sqlite3 *db = sim_db_open(SIM_HQ, SIM_TOOL);
    sim_db_run(db,
               "INSERT INTO fb_timeline (id, parent, forked_at_rev, started_at_ms) VALUES (%Q, "
               "NULL, 0, %lld)",
               timeline, (long long)w->now_ms);
    sim_db_run(db, SIM_LEDGER_SQL);
    sim_db_run(db, SIM_LOG_SQL);
    sim_db_run(db, SIM_WHOLE_LOG_SQL);
    sim_db_run(db, "BEGIN");
    add_people(w, db);
    add_customers(w, db);
    if (sim_has_territories(w)) {
        sim_territories_build(w, db);
    }
    if (sim_has_roles(w)) {
        sim_rights_build(w, db);
    }
    sim_territories_note(w, db);
    sim_rights_note(w, db);
    if (sim_db_run(db, "COMMIT") != SQLITE_OK) {
        sim_die("headquarters' first rows: %s", sqlite3_errmsg(db));
    }
    sim_db_close(db);
}

/* --- life ---------------------------------------------------------------------------------------
 */

void sim_server_stop(struct sim_world *w, bool was_crash, int64_t down_ms)
{
    struct sim_server *s = &w->server;
    struct sim_daemon *d = &s->daemon;
    if (!d->is_up) {
        return;
    }
    sim_enter(w, SIM_HQ, SIM_DAEMON);
    for (struct sim_link *link = w->links; link != NULL; link = link->next) {
        sim_server_lost(w, link);
    }
    if (was_crash && !sim_vfs_is_down(SIM_HQ, SIM_DAEMON)) {
        sim_vfs_crash(SIM_HQ, SIM_DAEMON);
    }
    const struct fb_hub_counters *c = fb_hub_counters(s->hub);
    w->counters.pushes += c->pushes;
    w->counters.pushes_repeated += c->pushes_repeated;
    w->counters.changes += c->changes;
    w->counters.revs += c->revs;
    w->counters.cuts += c->cuts;
    fb_hub_free(s->hub);
    fb_store_close(s->reader);
    fb_store_close(d->store);
    sim_eyes_close(SIM_HQ);
    s->hub = NULL;
    s->reader = NULL;
    d->store = NULL;
    d->is_up = false;
    for (int i = 0; i < SIM_PROCESSES_MAX; i++) {
        sim_vfs_start(SIM_HQ, (enum sim_process)i);
    }
    d->start_at_ms = down_ms == INT64_MAX ? INT64_MAX : w->now_ms + down_ms;
    d->wake_at_ms = INT64_MAX;
    s->settle_at_ms = INT64_MAX;
}

static bool has_died(struct sim_world *w)
{
    if (!sim_vfs_is_down(SIM_HQ, SIM_DAEMON)) {
        return false;
    }
    sim_trace(w, "n0 died");
    sim_server_stop(w, true, 100 + (int64_t)(fb_random_u64(&w->server.daemon.random) % 20000));
    return true;
}

static bool open_all(struct sim_world *w, struct fb_why *why, int *ret_rc)
{
    struct sim_server *s = &w->server;
    struct fb_store_health health = {0};
    int rc = fb_store_open(PATH, &(struct fb_store_options){.node = FB_NODE_SERVER},
                           &s->daemon.store, why);
    if (rc == FB_OK) {
        rc = fb_store_open(PATH,
                           &(struct fb_store_options){.node = FB_NODE_SERVER, .is_read_only = true},
                           &s->reader, why);
    }
    if (rc == FB_OK) {
        rc = fb_store_check_schema(s->daemon.store, &health);
    }
    if (rc == FB_OK) {
        sim_release_follow(w, s->daemon.store);
    }
    if (rc == FB_OK) {
        rc = fb_hub_new(s->daemon.store, s->reader, &s->daemon.random, &s->hub, why);
    }
    *ret_rc = rc;
    return rc == FB_OK;
}

void sim_server_start(struct sim_world *w)
{
    struct sim_server *s = &w->server;
    struct sim_daemon *d = &s->daemon;
    sim_enter(w, SIM_HQ, SIM_DAEMON);
    struct fb_why why = {""};
    int rc;
    if (!open_all(w, &why, &rc)) {
        sim_trace(w, "n0 does not start: %s %s", fb_err_name(rc), why.text);
        if (rc == FB_ERR_DAMAGED || rc == FB_ERR_VERSION) {
            sim_violation(w, "damage", "headquarters does not open: %s", why.text);
        }
        fb_store_close(s->reader);
        fb_store_close(d->store);
        sim_eyes_close(SIM_HQ);
        s->reader = NULL;
        d->store = NULL;
        for (int i = 0; i < SIM_PROCESSES_MAX; i++) {
            sim_vfs_start(SIM_HQ, (enum sim_process)i);
        }
        d->start_at_ms = w->now_ms + RETRY_MS;
        return;
    }
    fb_hub_set_horizon(s->hub, w->plan.params.horizon_ms);
    if (sim_has_aging(w)) {
        fb_hub_set_history(s->hub, w->plan.params.history_ms);
    }
    d->is_up = true;
    d->starts++;
    s->settle_at_ms = w->now_ms; /* what was written while nobody watched */
    d->wake_at_ms = w->now_ms + CLOCK_MS;
    sim_trace(w, "n0 starts");
    sim_oracle_started(w, SIM_HQ);
}

/* --- sessions -----------------------------------------------------------------------------------
 */

static void hang_up(struct sim_world *w, struct sim_link *link)
{
    if (link->session != NULL) {
        fb_hub_close(w->server.hub, link->session);
        link->session = NULL;
    }
    link->server_open = false;
    if (link->replica_end_ms == INT64_MAX) {
        link->replica_end_ms = w->now_ms + (int64_t)sim_below(&link->random, 3000);
    }
}

void sim_server_lost(struct sim_world *w, struct sim_link *link)
{
    sim_enter(w, SIM_HQ, SIM_DAEMON);
    hang_up(w, link);
}

static void failed(struct sim_world *w, struct sim_link *link, int rc)
{
    sim_trace(w, "n0 ends link %d of n%d: %s %s", link->number, link->replica, fb_err_name(rc),
              fb_server_session_sentence(link->session));
    if (rc == FB_ERR_PROTOCOL) {
        sim_violation(w, "protocol", "headquarters about n%d: %s", link->replica,
                      fb_server_session_sentence(link->session));
    }
    hang_up(w, link);
    if (rc == FB_ERR_IO || rc == FB_ERR_DAMAGED) {
        sim_server_stop(w, false, RETRY_MS);
    }
}

static void pump(struct sim_world *w, struct sim_link *link)
{
    struct fb_buf out;
    fb_buf_init(&out, OUT_BYTES);
    int rc = FB_OK;
    while (rc == FB_OK && w->server.daemon.is_up && link->session != NULL) {
        fb_buf_clear(&out);
        sim_enter(w, SIM_HQ, SIM_DAEMON);
        rc = fb_server_session_take(link->session, &out, sim_node_now_ms(w, SIM_HQ));
        if (out.size == 0) {
            break;
        }
        sim_territories_check_bytes(w, &w->replicas[link->replica], out.bytes, out.size);
        sim_devices_check_bytes(w, link, out.bytes, out.size);
        if (!sim_vfs_is_down(SIM_HQ, SIM_DAEMON)) {
            sim_pipe_send(&link->pipes[SIM_DOWN], &link->random, out.bytes, out.size, w->now_ms,
                          w->is_calm ? 20 : w->plan.params.latency_ms, w->plan.params.bytes_per_ms);
        }
    }
    fb_buf_release(&out);
    if (!has_died(w) && rc < 0 && link->session != NULL) {
        failed(w, link, rc);
    }
}

struct ready {
    struct fb_server_session *sessions[(SIM_REPLICAS_MAX + SIM_CLONES_MAX) * 4];
    size_t count;
};

static void note_ready(void *ctx, struct fb_server_session *session)
{
    struct ready *ready = ctx;
    if (ready->count < sizeof ready->sessions / sizeof ready->sessions[0]) {
        ready->sessions[ready->count++] = session;
    }
}

static struct sim_link *link_of(struct sim_world *w, const struct fb_server_session *session)
{
    struct sim_link *link = w->links;
    while (link != NULL && link->session != session) {
        link = link->next;
    }
    return link;
}

static void pump_ready(struct sim_world *w)
{
    struct ready ready = {.count = 0};
    if (w->server.daemon.is_up) {
        fb_hub_each_ready(w->server.hub, note_ready, &ready);
    }
    for (size_t i = 0; i < ready.count && w->server.daemon.is_up; i++) {
        struct sim_link *link = link_of(w, ready.sessions[i]);
        if (link != NULL) {
            pump(w, link);
        }
    }
}

/* The end of a turn of the loop. */
static void end_turn(struct sim_world *w)
{
    struct sim_server *s = &w->server;
    if (!s->daemon.is_up) {
        return;
    }
    if (fb_hub_has_work(s->hub) && s->settle_at_ms == INT64_MAX) {
        s->settle_at_ms = w->now_ms + (w->is_calm ? 0 : w->plan.params.settle_ms);
    }
    pump_ready(w);
}

void sim_server_accept(struct sim_world *w, struct sim_link *link)
{
    struct fb_server_session *session = NULL;
    memcpy(link->device_id, w->replicas[link->replica].device_id, FB_ROW_ID_SIZE);
    sim_enter(w, SIM_HQ, SIM_DAEMON);
    int rc = fb_hub_open(w->server.hub, w->replicas[link->replica].device_id,
                         sim_node_now_ms(w, SIM_HQ), &session);
    if (rc == FB_OK) {
        link->session = session;
    }
    if (has_died(w)) {
        return;
    }
    if (rc < 0) {
        sim_trace(w, "n0 does not accept: %s", fb_err_name(rc));
        hang_up(w, link);
        return;
    }
    end_turn(w);
}

void sim_server_receive(struct sim_world *w, struct sim_link *link, const uint8_t *bytes,
                        size_t size)
{
    if (link->session == NULL) {
        return;
    }
    sim_enter(w, SIM_HQ, SIM_DAEMON);
    bool was_greeted = fb_server_session_is_greeted(link->session);
    int rc = fb_server_session_feed(link->session, bytes, size, sim_node_now_ms(w, SIM_HQ));
    w->counters.rounds += !was_greeted && fb_server_session_is_greeted(link->session);
    if (has_died(w)) {
        sim_oracle_look(w, SIM_HQ);
        return;
    }
    pump(w, link);
    if (rc < 0 && link->session != NULL) {
        failed(w, link, rc);
    }
    end_turn(w);
}

void sim_server_settle(struct sim_world *w)
{
    sim_enter(w, SIM_HQ, SIM_DAEMON);
    int rc = fb_hub_settle(w->server.hub, sim_node_now_ms(w, SIM_HQ));
    if (has_died(w)) {
        sim_oracle_look(w, SIM_HQ);
        return;
    }
    if (rc < 0) {
        struct fb_why why = {""};
        fb_ignore(fb_store_error(w->server.daemon.store, &why), "only its sentence is wanted");
        sim_trace(w, "n0 does not settle: %s %s", fb_err_name(rc), why.text);
        if (rc != FB_ERR_IO && rc != FB_ERR_DISK_FULL && rc != FB_ERR_BUSY) {
            sim_violation(w, "settle", "headquarters cannot merge: %s %s", fb_err_name(rc),
                          why.text);
        }
        if (rc == FB_ERR_IO) {
            sim_server_stop(w, false, RETRY_MS);
            return;
        }
        w->server.settle_at_ms = w->now_ms + RETRY_MS;
        return;
    }
    sim_trace(w, "n0 settled");
    sim_oracle_look(w, SIM_HQ);
    end_turn(w);
}

void sim_server_noticed(struct sim_world *w)
{
    w->server.settle_at_ms = w->now_ms;
}

/* False: the disk was in the way, and nothing is packed this time. */
static bool keep_log(struct sim_world *w)
{
    sim_enter_oracle(w, SIM_HQ);
    sqlite3 *db = sim_db_open(SIM_HQ, SIM_TOOL);
    bool is_kept = db != NULL && sim_db_run(db, "INSERT OR IGNORE INTO sim_log SELECT seq, op, "
                                                "entity, row_id, scope_before, scope_after, cause, "
                                                "at_ms, changes FROM fb_log") == SQLITE_OK;
    sim_db_close(db);
    sim_enter(w, SIM_HQ, SIM_DAEMON);
    return is_kept;
}

void sim_server_pack(struct sim_world *w, uint64_t random)
{
    bool is_packed = w->server.daemon.is_up && keep_log(w);
    int64_t segments = 1 + (int64_t)sim_below(&random, 100);
    int rc = FB_OK;
    while (rc == FB_OK && is_packed && segments-- > 0 && w->server.daemon.is_up) {
        rc = fb_hub_compact(w->server.hub, sim_node_now_ms(w, SIM_HQ), &is_packed);
        w->counters.segments += rc == FB_OK && is_packed;
        if (has_died(w)) {
            sim_oracle_look(w, SIM_HQ);
            return;
        }
    }
    sim_trace(w, "n0 packed its log: %s", fb_err_name(rc));
    if (rc < 0 && rc != FB_ERR_IO && rc != FB_ERR_DISK_FULL && rc != FB_ERR_BUSY) {
        sim_violation(w, "settle", "headquarters cannot pack its log: %s", fb_err_name(rc));
    }
    if (rc == FB_ERR_IO) {
        sim_server_stop(w, false, RETRY_MS);
    }
}

bool sim_server_fork(struct sim_world *w, enum sim_process process)
{
    struct fb_store *s = NULL;
    struct fb_why why = {""};
    char id[FB_ROW_ID_SIZE];
    sim_enter(w, SIM_HQ, process);
    int rc = fb_store_open(PATH, &(struct fb_store_options){.node = FB_NODE_SERVER}, &s, &why);
    rc =
        rc < 0 ? rc : fb_timeline_fork(s, &w->server.daemon.random, sim_node_now_ms(w, SIM_HQ), id);
    fb_store_close(s);
    sim_enter(w, SIM_HQ, SIM_DAEMON);
    if (rc < 0) {
        sim_trace(w, "n0 no new timeline: %s %s", fb_err_name(rc), why.text);
        return false;
    }
    w->server.is_rewound = false;
    w->server.confirm_at_ms = INT64_MAX;
    return true;
}

/* The administrator reads what the daemon says, some time later. */
static void confirm_rewind(struct sim_world *w)
{
    struct sim_server *s = &w->server;
    if (fb_hub_rewound_why(s->hub) == NULL) {
        return;
    }
    if (s->confirm_at_ms == INT64_MAX) {
        s->confirm_at_ms =
            w->now_ms + (w->is_calm ? 1 : 120) * (int64_t)(fb_random_u64(&s->daemon.random) % 1000);
    }
    if (s->confirm_at_ms <= w->now_ms && sim_server_fork(w, SIM_TOOL)) {
        w->counters.hq_confirmed++;
        s->daemon.notice_at_ms = w->now_ms + 500;
    }
}

void sim_server_wake(struct sim_world *w)
{
    confirm_rewind(w);
    w->server.daemon.wake_at_ms = w->now_ms + CLOCK_MS;
    if (fb_hub_deadline_ms(w->server.hub) <= sim_node_now_ms(w, SIM_HQ)) {
        sim_server_settle(w);
    }
    for (struct sim_link *link = w->links; link != NULL && w->server.daemon.is_up;
         link = link->next) {
        if (link->session != NULL &&
            fb_server_session_deadline_ms(link->session) <= sim_node_now_ms(w, SIM_HQ)) {
            pump(w, link);
        }
    }
    end_turn(w);
}
