/* SPDX-License-Identifier: MIT */
#include "server/device_scopes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/time.h"
#include "common/store/row.h"
#include "common/store/sql.h"
#include "server/past.h"

#define KEY_SIZE 64
#define DAY_MS   (INT64_C(24) * 3600 * 1000)

/* Columns of the tables. */
enum { ID, PARENT, MANAGER };             /* territory, team */
enum { PERSON_MANAGER = 1, PERSON_TEAM }; /* employee */
enum { OF = 1, MEMBER, FROM, TO };        /* territory_member, team_member */
enum { GRANT_DEVICE = 1, GRANT_TERRITORY, GRANT_COMPANY, GRANT_UNTIL };
enum { ROLE_OF = 1, ROLE }; /* employee_role */
enum { PERMISSION_ROLE = 1, PERMISSION_ENTITY, PERMISSION_ACTION, PERMISSION_LEVEL };

struct fb_structure {
    struct fb_arena arena;
    int64_t rev;
    bool has_territories; /* false: a catalogue without them */
    struct fb_past_table people, territories, territory_members, teams, team_members, grants, roles,
        permissions;
};

static const char *const STRUCTURE[] = {"employee",      "territory",      "territory_member",
                                        "team",          "team_member",    "scope_grant",
                                        "employee_role", "role_permission"};

bool fb_structure_has(const char *entity)
{
    for (size_t i = 0; i < sizeof STRUCTURE / sizeof STRUCTURE[0]; i++) {
        if (strcmp(STRUCTURE[i], entity) == 0) {
            return true;
        }
    }
    return false;
}

static int load(struct fb_store *s, struct fb_structure *st)
{
    const struct {
        struct fb_past_table *to;
        struct fb_past_ask ask;
    } parts[] = {
        {&st->people, {.entity = "employee", .fields = {"manager_id", "team_id"}}},
        {&st->territories, {.entity = "territory", .fields = {"parent_id", "manager_id"}}},
        {&st->territory_members,
         {.entity = "territory_member",
          .fields = {"territory_id", "employee_id", "from_on", "to_on"}}},
        {&st->teams, {.entity = "team", .fields = {"parent_id", "manager_id"}}},
        {&st->team_members, {.entity = "team_member", .fields = {"team_id", "employee_id"}}},
        {&st->grants,
         {.entity = "scope_grant",
          .fields = {"device_id", "territory_id", "company_id", "until"},
          .scope = ""}},
        {&st->roles, {.entity = "employee_role", .fields = {"employee_id", "role_id"}}},
        {&st->permissions,
         {.entity = "role_permission", .fields = {"role_id", "entity", "action", "level"}}},
    };
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < sizeof parts / sizeof parts[0]; i++) {
        struct fb_past_ask ask = parts[i].ask;
        ask.rev = st->rev;
        ask.scope = ask.scope == NULL ? "global" : ask.scope;
        rc = fb_past_read(s, &ask, &st->arena, parts[i].to);
    }
    const struct fb_catalogue *c = fb_store_catalogue(s);
    st->has_territories = c != NULL && fb_catalogue_entity(c, "company_territory") != NULL;
    return rc;
}

int fb_structure_load(struct fb_store *s, int64_t rev, struct fb_structure **ret)
{
    struct fb_structure *st = calloc(1, sizeof *st);
    if (st == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    st->rev = rev;
    int rc = load(s, st);
    if (rc < 0) {
        fb_structure_free(st);
        return rc;
    }
    *ret = st;
    return FB_OK;
}

void fb_structure_free(struct fb_structure *st)
{
    if (st != NULL) {
        fb_arena_release(&st->arena);
        free(st);
    }
}

/* ---- Closures ---- */

/* A list of ids: what was found so far, in the order of finding. */
struct ids {
    const char **ids;
    size_t count;
    size_t capacity;
};

static bool has_id(const struct ids *list, const char *id)
{
    for (size_t i = 0; id != NULL && i < list->count; i++) {
        if (strcmp(list->ids[i], id) == 0) {
            return true;
        }
    }
    return false;
}

static int add_id(struct fb_arena *arena, struct ids *list, const char *id)
{
    if (id == NULL || has_id(list, id)) {
        return FB_OK;
    }
    const char **ids = fb_arena_grow(arena, list->ids, list->count, &list->capacity, sizeof *ids);
    if (ids == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    list->ids = ids;
    ids[list->count++] = id;
    return FB_OK;
}

/* All below those in the list: rows whose column names one of them; until nothing more is found. */
static int add_below(struct fb_arena *arena, const struct fb_past_table *t, int column,
                     struct ids *list)
{
    int rc = FB_OK;
    for (size_t at = 0; rc == FB_OK && at < list->count; at++) {
        for (size_t i = 0; rc == FB_OK && i < t->count; i++) {
            const char *above = t->rows[i].columns[column];
            if (above != NULL && strcmp(above, list->ids[at]) == 0) {
                rc = add_id(arena, list, t->rows[i].columns[ID]);
            }
        }
    }
    return rc;
}

struct finding {
    struct fb_store *s;
    const struct fb_structure *st;
    struct fb_device_scopes *to;
    const char *device_id;
    const char *employee_id;
    int64_t now_ms;
    char today[FB_INSTANT_SIZE];
    struct fb_arena *arena;
    struct ids people; /* he himself and everybody below him */
    struct ids territories, teams;
};

static int add_scope(struct finding *f, const char *kind, const char *id)
{
    char key[KEY_SIZE];
    snprintf(key, sizeof key, "%s:%.36s", kind, id);
    return fb_scope_list_add(&f->to->list, f->arena, key);
}

static bool is_in_force(const struct finding *f, const struct fb_past_row *member)
{
    const char *from = member->columns[FROM];
    const char *to = member->columns[TO];
    return (from == NULL || strncmp(from, f->today, 10) <= 0) &&
           (to == NULL || strncmp(to, f->today, 10) >= 0);
}

static void note_date(struct finding *f, const char *day, int64_t days_later)
{
    char text[FB_INSTANT_SIZE];
    int64_t ms = 0;
    if (day == NULL || strlen(day) < 10) {
        return;
    }
    snprintf(text, sizeof text, "%.10sT00:00:00.000Z", day);
    if (!fb_instant_parse(text, strlen(text), &ms)) {
        return;
    }
    ms += days_later * DAY_MS;
    if (ms > f->now_ms && ms < f->to->next_date_ms) {
        f->to->next_date_ms = ms;
    }
}

static int find_territories(struct finding *f)
{
    const struct fb_structure *st = f->st;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < st->territory_members.count; i++) {
        const struct fb_past_row *m = &st->territory_members.rows[i];
        if (!has_id(&f->people, m->columns[MEMBER])) {
            continue;
        }
        note_date(f, m->columns[FROM], 0);
        note_date(f, m->columns[TO], 1); /* the last day is his */
        if (is_in_force(f, m)) {
            rc = add_id(f->arena, &f->territories, m->columns[OF]);
        }
    }
    for (size_t i = 0; rc == FB_OK && i < st->territories.count; i++) {
        const struct fb_past_row *t = &st->territories.rows[i];
        if (has_id(&f->people, t->columns[MANAGER])) {
            rc = add_id(f->arena, &f->territories, t->columns[ID]);
        }
    }
    return rc < 0 ? rc : add_below(f->arena, &st->territories, PARENT, &f->territories);
}

static int find_teams(struct finding *f)
{
    const struct fb_structure *st = f->st;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < st->teams.count; i++) {
        const char *manager = st->teams.rows[i].columns[MANAGER];
        if (manager != NULL && strcmp(manager, f->employee_id) == 0) {
            rc = add_id(f->arena, &f->teams, st->teams.rows[i].columns[ID]);
        }
    }
    rc = rc < 0 ? rc : add_below(f->arena, &st->teams, PARENT, &f->teams);
    for (size_t i = 0; rc == FB_OK && i < st->team_members.count; i++) {
        const struct fb_past_row *m = &st->team_members.rows[i];
        if (m->columns[MEMBER] != NULL && strcmp(m->columns[MEMBER], f->employee_id) == 0) {
            rc = add_id(f->arena, &f->teams, m->columns[OF]);
        }
    }
    for (size_t i = 0; rc == FB_OK && i < st->people.count; i++) {
        if (strcmp(st->people.rows[i].columns[ID], f->employee_id) == 0) {
            rc = add_id(f->arena, &f->teams, st->people.rows[i].columns[PERSON_TEAM]);
        }
    }
    return rc;
}

/* ---- Who reads all ---- */

/* The role's word on reading companies; one about company comes before one about everything. */
static const char *read_level(const struct fb_structure *st, const char *role_id)
{
    const char *level = NULL;
    for (size_t i = 0; role_id != NULL && i < st->permissions.count; i++) {
        const char *const *p = st->permissions.rows[i].columns;
        if (p[PERMISSION_ROLE] == NULL || strcmp(p[PERMISSION_ROLE], role_id) != 0 ||
            p[PERMISSION_ACTION] == NULL || strcmp(p[PERMISSION_ACTION], "read") != 0 ||
            p[PERMISSION_ENTITY] == NULL) {
            continue;
        }
        if (strcmp(p[PERMISSION_ENTITY], "company") == 0) {
            return p[PERMISSION_LEVEL];
        }
        level = strcmp(p[PERMISSION_ENTITY], "*") == 0 ? p[PERMISSION_LEVEL] : level;
    }
    return level;
}

static bool reads_all(const struct finding *f)
{
    for (size_t i = 0; i < f->st->roles.count; i++) {
        const char *const *r = f->st->roles.rows[i].columns;
        const char *level = r[ROLE_OF] != NULL && strcmp(r[ROLE_OF], f->employee_id) == 0
                                ? read_level(f->st, r[ROLE])
                                : NULL;
        if (level != NULL && strcmp(level, "all") == 0) {
            return true;
        }
    }
    return !f->st->has_territories;
}

/* ---- Companies ---- */

static int add_by(struct finding *f, const char *sql, const char *id)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(f->s, sql, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, id);
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        rc = add_scope(f, "company", fb_sql_text(q, 0));
        if (rc < 0) {
            return rc;
        }
    }
    return rc;
}

static int add_set(struct finding *f, const char *set)
{
    int rc = FB_OK;
    while (rc == FB_OK && *set != '\0') {
        size_t size = strcspn(set, ",");
        char key[KEY_SIZE];
        snprintf(key, sizeof key, "%.*s", (int)size, set);
        rc = strncmp(key, "company:", 8) == 0 ? fb_scope_list_add(&f->to->list, f->arena, key)
                                              : FB_OK;
        set += size + (set[size] == ',');
    }
    return rc;
}

/* The company of a record of whose team he is a member. */
static int add_record(struct finding *f, const char *entity, const char *id)
{
    const struct fb_entity *e = fb_catalogue_entity(fb_store_catalogue(f->s), entity);
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    FB_AUTO(fb_buf_release) struct fb_buf set;
    fb_buf_init(&set, FB_SCOPE_SET_BYTES_MAX);
    struct fb_row row;
    bool is_found = false;
    if (e == NULL || id == NULL || strlen(id) != FB_ROW_ID_SIZE - 1) {
        return FB_OK;
    }
    int rc = fb_row_read(f->s, e, id, &arena, &row, &is_found);
    if (rc < 0 || !is_found) {
        return rc;
    }
    rc = fb_scope_of_row(f->s, &row, &set);
    return rc < 0 ? rc : add_set(f, fb_buf_text(&set));
}

static int add_records(struct finding *f)
{
    if (fb_catalogue_entity(fb_store_catalogue(f->s), "record_member") == NULL) {
        return FB_OK;
    }
    struct fb_past_table records;
    struct fb_past_ask ask = {.entity = "record_member",
                              .fields = {"entity", "record_id"},
                              .by_field = "employee_id",
                              .by_id = f->employee_id,
                              .rev = FB_PAST_NOW};
    int rc = fb_past_read(f->s, &ask, f->arena, &records);
    for (size_t i = 0; rc == FB_OK && i < records.count; i++) {
        const char *const *c = records.rows[i].columns;
        rc = c[1] == NULL ? FB_OK : add_record(f, c[1], c[2]);
    }
    return rc;
}

static int add_companies(struct finding *f)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < f->territories.count; i++) {
        rc = add_by(f, "SELECT company_id FROM company_territory WHERE territory_id = ?1",
                    f->territories.ids[i]);
    }
    for (size_t i = 0; rc == FB_OK && i < f->people.count; i++) {
        rc = add_by(f, "SELECT id FROM company WHERE owner_id = ?1", f->people.ids[i]);
    }
    return rc < 0 ? rc : add_records(f);
}

static int use_grants(struct finding *f, int64_t now_ms)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < f->st->grants.count; i++) {
        const char *const *g = f->st->grants.rows[i].columns;
        int64_t until_ms = INT64_MAX;
        if (g[GRANT_DEVICE] == NULL || strcmp(g[GRANT_DEVICE], f->device_id) != 0) {
            continue;
        }
        if (g[GRANT_UNTIL] != NULL &&
            !fb_instant_parse(g[GRANT_UNTIL], strlen(g[GRANT_UNTIL]), &until_ms)) {
            continue;
        }
        if (until_ms <= now_ms) {
            continue;
        }
        f->to->valid_until_ms = until_ms < f->to->valid_until_ms ? until_ms : f->to->valid_until_ms;
        f->to->next_date_ms = until_ms < f->to->next_date_ms ? until_ms : f->to->next_date_ms;
        rc = add_id(f->arena, &f->territories, g[GRANT_TERRITORY]);
        if (rc == FB_OK && g[GRANT_COMPANY] != NULL) {
            rc = add_scope(f, "company", g[GRANT_COMPANY]);
        }
    }
    return rc;
}

/* ---- All of it ---- */

static int add_lists(struct finding *f)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < f->territories.count; i++) {
        rc = add_scope(f, "territory", f->territories.ids[i]);
    }
    for (size_t i = 0; rc == FB_OK && i < f->teams.count; i++) {
        rc = add_scope(f, "team", f->teams.ids[i]);
    }
    return rc;
}

static int add_everything(struct finding *f)
{
    int rc = add_scope(f, "company", "*");
    rc = rc < 0 ? rc : add_scope(f, "team", "*");
    return rc < 0 ? rc : add_scope(f, "territory", "*");
}

static int find_all(struct finding *f, int64_t now_ms, bool with_companies)
{
    int rc = fb_scope_list_add(&f->to->list, f->arena, "global");
    rc = rc < 0 ? rc : add_scope(f, "employee", f->employee_id);
    if (rc < 0 || reads_all(f)) {
        return rc < 0 ? rc : add_everything(f);
    }
    rc = add_id(f->arena, &f->people, f->employee_id);
    rc = rc < 0 ? rc : add_below(f->arena, &f->st->people, PERSON_MANAGER, &f->people);
    for (size_t i = 0; rc == FB_OK && i < f->people.count; i++) {
        rc = fb_scope_list_add(&f->to->people, f->arena, f->people.ids[i]);
    }
    fb_scope_list_sort(&f->to->people);
    rc = rc < 0 ? rc : use_grants(f, now_ms);
    rc = rc < 0 ? rc : find_territories(f);
    rc = rc < 0 ? rc : find_teams(f);
    rc = rc < 0 ? rc : add_lists(f);
    return rc < 0 || !with_companies ? rc : add_companies(f);
}

int fb_device_scopes_find(struct fb_store *s, const struct fb_structure *structure,
                          const char *device_id, const char *employee_id, int64_t now_ms,
                          bool with_companies, struct fb_device_scopes *ret)
{
    struct fb_device_scopes scopes = {.valid_until_ms = (now_ms / DAY_MS + 1) * DAY_MS,
                                      .next_date_ms = INT64_MAX};
    struct finding f = {.s = s,
                        .st = structure,
                        .to = &scopes,
                        .device_id = device_id,
                        .employee_id = employee_id,
                        .now_ms = now_ms,
                        .arena = &scopes.arena};
    fb_instant_format(now_ms, f.today);
    int rc = find_all(&f, now_ms, with_companies);
    if (rc < 0) {
        fb_arena_release(&scopes.arena);
        return rc;
    }
    fb_scope_list_sort(&scopes.list);
    fb_device_scopes_release(ret);
    *ret = scopes;
    return FB_OK;
}

void fb_device_scopes_release(struct fb_device_scopes *scopes)
{
    fb_arena_release(&scopes->arena);
    *scopes = (struct fb_device_scopes){0};
}
