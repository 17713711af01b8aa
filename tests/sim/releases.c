/* SPDX-License-Identifier: MIT */
#include "tests/sim/releases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tests/sim/eyes.h"
#include "tests/sim/model.h"
#include "tests/sim/territories.h"
#include "tests/sim/util.h"

/* A new timeline leaves a gap of so many in the catalogue's versions. */
#define FORKED 1000

int sim_release_of(sqlite3 *db)
{
    return (int)(sim_db_int(db, 0, "SELECT max(version) FROM fb_catalogue") % FORKED);
}

/* --- documents ---------------------------------------------------------------------------------- */

static json_t *find_named(json_t *list, const char *name)
{
    size_t at;
    json_t *item;
    json_array_foreach(list, at, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "name")), name) == 0) {
            return item;
        }
    }
    sim_die("a release changes %s, which is not there", name);
}

static void change(json_t *document, json_t *release)
{
    json_t *entities = json_object_get(document, "entities");
    const char *name;
    json_t *what;
    json_array_extend(entities, json_object_get(release, "entities"));
    json_object_foreach(json_object_get(release, "fields"), name, what)
    {
        json_array_extend(json_object_get(find_named(entities, name), "fields"), what);
    }
    json_object_foreach(json_object_get(release, "policies"), name, what)
    {
        json_t *fields = json_object_get(find_named(entities, name), "fields");
        const char *field;
        json_t *policy;
        json_object_foreach(what, field, policy)
        {
            json_object_set(find_named(fields, field), "merge", policy);
        }
    }
}

static struct fb_catalogue *next_release(const struct fb_catalogue *c)
{
    char path[512];
    json_error_t error;
    int64_t version = c->version + 1;
    snprintf(path, sizeof path, "%s/%d.json", SIM_RELEASES, (int)(version % FORKED));
    json_t *release = json_load_file(path, 0, &error);
    json_t *document = json_loadb(c->document, c->document_size, 0, &error);
    if (release == NULL || document == NULL) {
        sim_die("%s, line %d: %s", path, error.line, error.text);
    }
    change(document, release);
    json_object_set_new(document, "version", json_integer(version));
    char *text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
    struct fb_catalogue *next = NULL;
    struct fb_why why = {""};
    if (fb_catalogue_load(text, strlen(text), &next, &why) < 0) {
        sim_die("%s: %s", path, why.text);
    }
    free(text);
    json_decref(document);
    json_decref(release);
    return next;
}

/* --- headquarters ------------------------------------------------------------------------------- */

static int take_next(struct fb_store *s, int64_t now_ms, struct fb_why *why)
{
    int rc = fb_store_begin(s);
    if (rc < 0) {
        return rc;
    }
    rc = fb_store_set_catalogue(s, next_release(fb_store_catalogue(s)), now_ms, why);
    if (rc < 0) {
        fb_store_rollback(s);
        return rc;
    }
    return fb_store_commit(s);
}

void sim_release_follow(struct sim_world *w, struct fb_store *s)
{
    struct fb_why why = {""};
    int rc = FB_OK;
    while (rc == FB_OK && fb_store_catalogue(s)->version % FORKED < w->server.release) {
        rc = take_next(s, w->now_ms, &why);
        w->counters.releases += rc == FB_OK;
        sim_trace(w, "n0 follows the release of its program: %s %s", fb_err_name(rc), why.text);
    }
}

static int take_by_tool(struct sim_world *w)
{
    struct fb_store *s = NULL;
    struct fb_why why = {""};
    sim_enter(w, SIM_HQ, SIM_TOOL);
    int rc = fb_store_open("/sim/0/fieldbook.db",
                           &(struct fb_store_options){.node = FB_NODE_SERVER}, &s, &why);
    rc = rc < 0 ? rc : take_next(s, w->now_ms, &why);
    fb_store_close(s);
    if (sim_vfs_is_down(SIM_HQ, SIM_TOOL)) {
        sim_vfs_start(SIM_HQ, SIM_TOOL);
    }
    sim_trace(w, "n0 takes the next release: %s %s", fb_err_name(rc), why.text);
    sim_enter(w, SIM_HQ, SIM_DAEMON);
    return rc;
}

void sim_release_take(struct sim_world *w, uint64_t random)
{
    struct sim_server *s = &w->server;
    if (s->release > w->plan.params.releases || s->release > SIM_RELEASES_MAX) {
        return;
    }
    if (sim_chance(&random, 500)) {
        s->release++;
        sim_server_stop(w, false, 100 + (int64_t)sim_below(&random, 20000));
        s->daemon.start_at_ms =
            s->daemon.start_at_ms == INT64_MAX ? w->now_ms : s->daemon.start_at_ms;
        return;
    }
    sim_hands_close(SIM_HQ);
    if (take_by_tool(w) == FB_OK) {
        s->release++;
        w->counters.releases++;
        s->daemon.notice_at_ms = s->daemon.is_up ? w->now_ms + 500 : INT64_MAX;
        sim_oracle_look(w, SIM_HQ);
    }
}

/* --- programs too old, too new --------------------------------------------------------------------- */

static void run_another(struct sim_world *w, struct sim_replica *r, int ahead, int64_t down_ms)
{
    r->ahead = ahead;
    r->kept_cursor =
        sim_db_int(sim_eyes(r->daemon.node), 0, "SELECT value FROM fb_meta WHERE key = 'cursor'");
    sim_trace(w, "n%d runs a program %s", r->daemon.node,
              ahead < 0   ? "too old for headquarters"
              : ahead > 0 ? "too new for headquarters"
                          : "as headquarters'");
    sim_replica_stop(w, r, false, down_ms);
}

void sim_program_change(struct sim_world *w, struct sim_replica *r, uint64_t random)
{
    int ahead = r->ahead != 0 ? 0 : sim_chance(&random, 500) ? -1 : 1;
    w->counters.programs += ahead != 0;
    run_another(w, r, ahead, 100 + (int64_t)sim_below(&random, 5000));
}

int sim_programs_owe(struct sim_world *w)
{
    for (int i = 1; i <= w->replica_count; i++) {
        if (w->replicas[i].ahead != 0 &&
            sim_db_int(sim_eyes(i), 0,
                       "SELECT (SELECT count(*) FROM fb_journal WHERE op > 0) + (SELECT count(*) "
                       "FROM fb_push WHERE acked_at_ms IS NULL)") > 0) {
            return i;
        }
    }
    return 0;
}

void sim_programs_update(struct sim_world *w)
{
    for (int i = 1; i <= w->replica_count; i++) {
        if (w->replicas[i].ahead != 0) {
            run_another(w, &w->replicas[i], 0, 100);
        }
    }
}

void sim_program_look(struct sim_world *w, const struct sim_replica *r, int64_t cursor)
{
    if (r->ahead != 0 && cursor > r->kept_cursor) {
        sim_violation(w, "programs", "n%d, whose program is too %s, came from %lld to %lld",
                      r->daemon.node, r->ahead < 0 ? "old" : "new", (long long)r->kept_cursor,
                      (long long)cursor);
    }
}

/* --- what must hold ------------------------------------------------------------------------------ */

static bool was_turned(sqlite3 *hq, const char *id)
{
    return sim_db_int(
               hq, 0,
               "SELECT count(*) FROM sim_whole_log WHERE op IN (3, 4) AND lower(hex(row_id)) = "
               "replace(%Q, '-', '')",
               id) > 0;
}

/* By whom it was written so, or a ruling that went back to the value before; a later address of which this part is empty takes the whole
 * group. */
static bool may_be_empty(struct sim_world *w, const char *id, const char *field, const char *group)
{
    sqlite3 *hq = sim_eyes(SIM_HQ);
    int64_t count = sim_db_int(
        hq, 0,
        "SELECT (SELECT count(*) FROM conflict WHERE record_id = %Q AND field_group = %Q AND "
        "(outcome LIKE 'kept%%' OR json_type(mine, '$.%s') = 'null' AND field_group <> %Q)) "
        "+ (SELECT count(*) FROM merge_job WHERE keep_id = %Q OR drop_id = %Q) + (SELECT "
        "count(*) FROM held_change WHERE instr(changes, %Q) > 0)",
        id, group, field, field, id, id, id);
    for (int i = 0; i <= w->replica_count; i++) {
        count +=
            sim_db_int(sim_eyes(i), 0,
                       "SELECT count(*) FROM sim_ledger WHERE row_id = %Q AND (kind IN "
                       "('delete', 'insert', 'loose', 'hand') OR (field = %Q AND mine IS NULL))",
                       id, field);
    }
    return count > 0 || was_turned(hq, id);
}

/* Absent never means empty: what stood in a field that some laptops do not know is not gone without anybody's doing. */
static void check_emptied(struct sim_world *w, const struct sim_entity *e,
                          const struct sim_field *f)
{
    sqlite3_stmt *q =
        sim_db_query(sim_eyes(SIM_HQ),
                     "SELECT r.id FROM %s AS r JOIN sim_whole_log AS l ON lower(hex(l.row_id)) = "
                     "replace(r.id, '-', "
                     "'') WHERE l.op = 2 AND json_extract(l.changes, '$.%s[0]') LIKE '%%~%%' AND "
                     "json_extract(l.changes, '$.%s[1]') IS NULL",
                     e->name, f->name, f->name);
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        if (!may_be_empty(w, sim_column(q, 0), f->name, f->group != NULL ? f->group : f->name)) {
            sim_violation(w, "emptied", "%s.%s of %s had a value, and was emptied by nobody",
                          e->name, f->name, sim_column(q, 0));
        }
    }
    sqlite3_finalize(q);
}

/* A field of the device: its values are at no other node, and go with their row alone. */
static void check_device_field(struct sim_world *w, int node)
{
    sqlite3_stmt *q = sim_db_query(
        sim_eyes(node),
        "SELECT l.row_id, l.mine, c.memo FROM sim_ledger AS l JOIN company AS c ON c.id = l.row_id "
        "WHERE l.kind = 'device' AND l.seq > 0 AND c.memo IS NOT l.mine AND NOT EXISTS (SELECT 1 "
        "FROM "
        "sim_ledger AS n WHERE n.seq > l.seq AND n.row_id = l.row_id AND n.kind IN ('device', "
        "'delete'))");
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        if (!sim_has_territories(w) && w->counters.restores + w->counters.hq_restores == 0 &&
            !was_turned(sim_eyes(SIM_HQ), sim_column(q, 0))) {
            sim_violation(w, "device",
                          "n%d wrote %s into a field of its own of %s, and it shows %s", node,
                          sim_column(q, 1), sim_column(q, 0), sim_column(q, 2));
        }
    }
    sqlite3_finalize(q);
}

static void check_stays_at_home(struct sim_world *w, int node)
{
    for (int i = 0; i <= w->replica_count; i++) {
        if (i == node || w->counters.clones > 0 || sim_release_of(sim_eyes(i)) < 3) {
            continue;
        }
        char *away = sim_db_text(sim_eyes(i),
                                 "SELECT memo FROM company WHERE memo LIKE 'memo n%d %%'", node);
        if (away != NULL) {
            sim_violation(w, "device", "n%d has %s, which stays on n%d", i, away, node);
        }
        free(away);
    }
}

void sim_releases_check(struct sim_world *w)
{
    int release = sim_release_of(sim_eyes(SIM_HQ));
    for (int i = 1; sim_has_releases(w) && i <= w->replica_count; i++) {
        int here = sim_release_of(sim_eyes(i));
        if (here != release) {
            sim_violation(w, "release", "n%d follows release %d, headquarters %d", i, here,
                          release);
        }
    }
    for (const struct sim_entity *e = SIM_ENTITIES; e->name != NULL; e++) {
        for (const struct sim_field *f = e->fields; f->name != NULL; f++) {
            if (f->since > 1 && f->since <= release && w->counters.hq_restores == 0) {
                check_emptied(w, e, f);
            }
        }
    }
    for (int i = 0; release >= 3 && i <= w->replica_count; i++) {
        check_device_field(w, i);
        check_stays_at_home(w, i);
    }
}
