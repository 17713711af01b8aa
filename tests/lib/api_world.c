/* SPDX-License-Identifier: MIT */
#include "tests/lib/api_world.h"

#include <stdio.h>
#include <string.h>

static int seal_before(void *ctx, int64_t now_ms)
{
    struct fb_world *w = ctx;
    return fb_hub_write_begin(w->hub, now_ms);
}

static int seal_after(void *ctx, const char *employee_id, int64_t now_ms)
{
    struct fb_world *w = ctx;
    return fb_hub_write_end(w->hub, employee_id, now_ms);
}

static void settle(void *ctx)
{
    server_settles(ctx);
}

static void log_in(struct api_call *c, const char *who)
{
    char record[64];
    snprintf(record, sizeof record, "employee/%s", who);
    memcpy(c->login.employee_id, world_id(record), FB_ROW_ID_SIZE);
}

void api_forbids(struct fb_world *w, const char *who)
{
    char sql[128];
    char person[64];
    snprintf(person, sizeof person, "employee/%s", who);
    snprintf(sql, sizeof sql, "DELETE FROM employee_role WHERE employee_id = '%s'",
             world_id(person));
    server_runs(w, sql);
    server_settles(w);
}

void api_permits(struct fb_world *w, const char *who, const char *level)
{
    static const char *const ACTIONS[] = {"read", "create", "edit", "delete", "export", "assign"};
    char role[64];
    char ref[64];
    char person[64];
    snprintf(role, sizeof role, "role/of-%s", who);
    snprintf(ref, sizeof ref, "@role/of-%s", who);
    snprintf(person, sizeof person, "@employee/%s", who);
    server_makes(w, role, "name", role, "may_export", "1", "may_bulk_edit", "1", NULL);
    for (size_t i = 0; i < sizeof ACTIONS / sizeof ACTIONS[0]; i++) {
        char permission[64];
        snprintf(permission, sizeof permission, "role_permission/%s-%s", who, ACTIONS[i]);
        server_makes(w, permission, "role_id", ref, "entity", "*", "action", ACTIONS[i], "level",
                     level, NULL);
    }
    char link[64];
    api_forbids(w, who);
    snprintf(link, sizeof link, "employee_role/api-%s", who);
    server_makes(w, link, "employee_id", person, "role_id", ref, NULL);
    everybody_syncs(w);
}

struct api_call api_at_headquarters(struct fb_world *w, const char *who)
{
    static struct fb_api_seal seals[4];
    static unsigned turn;
    struct fb_api_seal *seal = &seals[turn++ % 4];
    *seal = (struct fb_api_seal){.ctx = w, .before = seal_before, .after = seal_after};
    struct api_call c = {.store = w->store,
                         .node = FB_NODE_SERVER,
                         .now_ms = w->now_ms,
                         .seal = seal,
                         .after = settle,
                         .ctx = w};
    log_in(&c, who);
    return c;
}

struct api_call api_on_laptop(struct fb_world *w, const char *who)
{
    struct api_call c = {
        .store = world_replica(w, who)->store, .node = FB_NODE_REPLICA, .now_ms = w->now_ms};
    log_in(&c, who);
    return c;
}

const char *api_path(const char *record, const char *rest)
{
    static char paths[8][256];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "/api/v1/%.*s/%s%s", (int)strcspn(record, "/"), record,
             world_id(record), rest);
    return path;
}

void api_people_open(struct fb_world *w, struct api_call *ana, struct api_call *bo,
                     struct api_call *laptop)
{
    *ana = api_at_headquarters(w, "ana");
    *bo = api_at_headquarters(w, "bo");
    *laptop = api_on_laptop(w, "ana");
}

void api_people_close(struct fb_world *w, struct api_call *ana, struct api_call *bo,
                      struct api_call *laptop)
{
    api_done(ana);
    api_done(bo);
    api_done(laptop);
    world_close(w);
}
