/* SPDX-License-Identifier: MIT
 *
 * Which scopes a row belongs to, from its entity's rule and the rows it follows.
 *
 *     global, company       say it themselves
 *     follows               the first scope field that is filled decides: a company stands for company:ID, an employee
 *                           (unless the row is a part of his) for employee:ID, any other row for that row's set
 *     either, links         the sets of all filled scope fields together
 *     private               employee:ID
 *     own                   employee:ID of the employee and of each manager above him
 *     team                  territory:ID, team:ID and employee:ID of the scope fields that are filled, else its owner's, else global
 *     server, device only   none
 *
 * At headquarters an old closed record is in no scope (fb_scope_cache_limit), and nothing follows it.
 *
 * A row that its owner marked as private (the catalogue names the field) belongs to employee:ID of the owner alone.
 *
 * On a laptop a row that is not there adds nothing: were its scope held, it would be there. With undone values (struct fb_scope_view)
 * the same walk tells where a row was before the laptop's own unsent moves (rule 10).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/planted.h"
#include "common/base/time.h"
#include "common/store/row.h"
#include "common/sync/sync.h"

#define DEPTH_MAX     8   /* company, order, line ...: the shipped catalogue needs 4 */
#define KEYS_MAX      32  /* scopes of one row */
#define KEY_SIZE      56  /* "employee:" and an id */
#define SET_SIZE      192 /* longer sets are not remembered */
#define CACHE_ENTRIES 1024

struct scope_set {
    char keys[KEYS_MAX][KEY_SIZE];
    size_t count;
};

struct cache_entry {
    const struct fb_entity *entity; /* NULL: free */
    char id[FB_ROW_ID_SIZE];
    char set[SET_SIZE];
};

struct fb_scope_cache {
    struct cache_entry entries[CACHE_ENTRIES];
    bool is_used;
    int64_t history_from_ms; /* 0: no limit */
};

const struct fb_scope_view FB_LAPTOP_VIEW = {.is_partial = true};
static const struct fb_scope_view WHOLE_VIEW;

struct walk {
    struct fb_store *store;
    const struct fb_scope_view *view;
    struct fb_scope_cache *cache; /* NULL: none */
    struct fb_arena arena;
    struct scope_set set;
};

static void add_key(struct scope_set *set, const char *key)
{
    size_t at = 0;
    while (at < set->count && strcmp(set->keys[at], key) < 0) {
        at++;
    }
    bool is_there = at < set->count && strcmp(set->keys[at], key) == 0;
    if (is_there || set->count == KEYS_MAX) {
        return;
    }
    memmove(set->keys[at + 1], set->keys[at], (set->count - at) * KEY_SIZE);
    snprintf(set->keys[at], KEY_SIZE, "%s", key);
    set->count++;
}

static void add_id(struct scope_set *set, const char *kind, const char *id, size_t id_size)
{
    char key[KEY_SIZE];
    snprintf(key, sizeof key, "%s:%.*s", kind, (int)(id_size > 36 ? 36 : id_size), id);
    add_key(set, key);
}

static int read_row(struct walk *w, const struct fb_entity *e, const char *id, struct fb_row *ret,
                    bool *ret_found)
{
    return w->view->read == NULL ? fb_row_read(w->store, e, id, &w->arena, ret, ret_found)
                                 : w->view->read(w->view->ctx, e, id, &w->arena, ret, ret_found);
}

static void add_joined(struct scope_set *set, const char *joined)
{
    while (*joined != '\0') {
        size_t size = strcspn(joined, ",");
        char key[KEY_SIZE];
        snprintf(key, sizeof key, "%.*s", (int)size, joined);
        add_key(set, key);
        joined += size + (joined[size] == ',');
    }
}

static bool is_filled(const struct fb_row *row, const struct fb_field *field)
{
    return row->values[field->index].type == FB_TEXT;
}

bool fb_scope_field_decides(const struct fb_row *row, const struct fb_field *field)
{
    const struct fb_entity *e = row->entity;
    if (e->scope != FB_SCOPE_FOLLOWS) {
        return is_filled(row, field);
    }
    for (size_t i = 0; i < e->scope_field_count; i++) {
        if (is_filled(row, e->scope_fields[i])) {
            return e->scope_fields[i] == field;
        }
    }
    return false;
}

static int walk_row(struct walk *w, const struct fb_row *row, int depth);

static bool is_employee(const struct fb_entity *e)
{
    return strcmp(e->name, "employee") == 0;
}

/* An owner stands in where what the row follows is not there. (The owner of an address may be a company.) */
static void add_owner(struct walk *w, const struct fb_row *row, bool is_global_without)
{
    const struct fb_field *owner = row->entity->owner_field;
    const struct fb_entity *target = owner == NULL ? NULL : fb_row_target(row, owner);
    if (target != NULL && is_employee(target) && is_filled(row, owner)) {
        add_id(&w->set, "employee", row->values[owner->index].bytes,
               row->values[owner->index].size);
    } else if (is_global_without) {
        add_key(&w->set, "global");
    }
}

static struct cache_entry *cache_entry(struct walk *w, const struct fb_entity *e, const char *id)
{
    if (w->cache == NULL) {
        return NULL;
    }
    uint32_t hash = e->no;
    for (const char *c = id; *c != '\0'; c++) {
        hash = (hash ^ (uint8_t)*c) * 16777619u;
    }
    return &w->cache->entries[hash % CACHE_ENTRIES];
}

static void join(const struct scope_set *set, char *ret, size_t size)
{
    size_t used = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < set->count && used < size; i++) {
        used += (size_t)snprintf(ret + used, size - used, "%s%s", i > 0 ? "," : "", set->keys[i]);
    }
}

/* The set of another row, by its id. *ret_found is false if it is not here. */
static int walk_followed(struct walk *w, const struct fb_entity *e, const char *id, int depth,
                         bool *ret_found)
{
    struct cache_entry *entry = cache_entry(w, e, id);
    if (entry != NULL && entry->entity == e && strcmp(entry->id, id) == 0) {
        add_joined(&w->set, entry->set);
        *ret_found = true;
        return FB_OK;
    }
    struct fb_row row;
    int rc = read_row(w, e, id, &row, ret_found);
    if (rc < 0 || !*ret_found) {
        return rc;
    }
    struct scope_set outer = w->set;
    w->set.count = 0;
    rc = walk_row(w, &row, depth + 1);
    char joined[KEYS_MAX * KEY_SIZE];
    join(&w->set, joined, sizeof joined);
    w->set = outer;
    add_joined(&w->set, joined);
    if (rc == FB_OK && entry != NULL && strlen(joined) < SET_SIZE) {
        entry->entity = e;
        memcpy(entry->id, id, FB_ROW_ID_SIZE);
        memcpy(entry->set, joined, strlen(joined) + 1);
        w->cache->is_used = true;
    }
    return rc;
}

static int walk_reference(struct walk *w, const struct fb_row *row, const struct fb_field *field,
                          int depth)
{
    const struct fb_value *v = &row->values[field->index];
    const struct fb_entity *target = fb_row_target(row, field);
    if (target == NULL || depth >= DEPTH_MAX) {
        add_owner(w, row, true);
        return FB_OK;
    }
    if (target->scope == FB_SCOPE_COMPANY) {
        add_id(&w->set, "company", v->bytes, v->size);
        return FB_OK;
    }
    if (is_employee(target) && field != row->entity->parent_field) {
        add_id(&w->set, "employee", v->bytes, v->size);
        return FB_OK;
    }
    if (target->scope == FB_SCOPE_GLOBAL) {
        add_key(&w->set, "global");
        return FB_OK;
    }
    char id[FB_ROW_ID_SIZE];
    bool is_found = false;
    int rc = FB_OK;
    if (fb_value_to_id(v, id)) {
        rc = walk_followed(w, target, id, depth, &is_found);
    }
    if (rc == FB_OK && !is_found && !w->view->is_partial) {
        add_owner(w, row, true);
    }
    return rc;
}

static int walk_fields(struct walk *w, const struct fb_row *row, int depth)
{
    const struct fb_entity *e = row->entity;
    bool has_any = false;
    for (size_t i = 0; i < e->scope_field_count; i++) {
        if (!is_filled(row, e->scope_fields[i])) {
            continue;
        }
        has_any = true;
        int rc = walk_reference(w, row, e->scope_fields[i], depth);
        if (rc < 0 || e->scope == FB_SCOPE_FOLLOWS) {
            return rc;
        }
    }
    if (!has_any) {
        add_owner(w, row, true);
    }
    return FB_OK;
}

static void add_person(struct walk *w, const struct fb_row *row)
{
    const struct fb_entity *e = row->entity;
    if (e->scope_field_count > 0 && is_filled(row, e->scope_fields[0])) {
        const struct fb_value *v = &row->values[e->scope_fields[0]->index];
        add_id(&w->set, "employee", v->bytes, v->size);
    } else {
        add_owner(w, row, false);
    }
}

/* A territory, a team, a person: each is a reason of its own. */
static void add_team(struct walk *w, const struct fb_row *row)
{
    const struct fb_entity *e = row->entity;
    bool has_any = false;
    for (size_t i = 0; i < e->scope_field_count; i++) {
        const struct fb_field *f = e->scope_fields[i];
        const struct fb_entity *target = fb_row_target(row, f);
        if (target != NULL && is_filled(row, f)) {
            const struct fb_value *v = &row->values[f->index];
            add_id(&w->set, target->name, v->bytes, v->size);
            has_any = true;
        }
    }
    if (!has_any) {
        add_owner(w, row, true);
    }
}

/* The managers above the employee whose row it is, as far as the table employee knows them. */
static int add_managers(struct walk *w, const struct fb_row *row)
{
    const struct fb_entity *e = row->entity;
    const struct fb_field *who = e->scope_field_count > 0 ? e->scope_fields[0] : e->owner_field;
    const struct fb_entity *employee =
        fb_catalogue_entity(fb_store_catalogue(w->store), "employee");
    const struct fb_field *manager =
        employee == NULL ? NULL : fb_entity_field(employee, "manager_id");
    if (who == NULL || manager == NULL) {
        return FB_OK;
    }
    struct fb_value at = row->values[who->index];
    char id[FB_ROW_ID_SIZE];
    for (int depth = 0; depth < DEPTH_MAX && fb_value_to_id(&at, id); depth++) {
        struct fb_row above;
        bool is_found = false;
        int rc = read_row(w, employee, id, &above, &is_found);
        if (rc < 0 || !is_found) {
            return rc;
        }
        at = above.values[manager->index];
        if (at.type == FB_TEXT) {
            add_id(&w->set, "employee", at.bytes, at.size);
        }
    }
    return FB_OK;
}

bool fb_scope_can_age(const struct fb_entity *e)
{
    return e->closed_field != NULL && e->parent == NULL && e->scope != FB_SCOPE_COMPANY &&
           e->scope != FB_SCOPE_GLOBAL;
}

bool fb_scope_is_old(const struct fb_row *row, int64_t history_from_ms)
{
    const struct fb_value *modified =
        &row->stamps[FB_FIELD_NO_MODIFIED_AT - FB_FIELD_NO_CREATED_AT];
    int64_t ms = 0;
    return history_from_ms > 0 && fb_scope_can_age(row->entity) && fb_row_is_closed(row) &&
           modified->type == FB_TEXT && fb_instant_parse(modified->bytes, modified->size, &ms) &&
           ms < history_from_ms;
}

static int walk_row(struct walk *w, const struct fb_row *row, int depth)
{
    if (w->cache != NULL && fb_scope_is_old(row, w->cache->history_from_ms)) {
        return FB_OK;
    }
    if (fb_row_is_private(row) && !FB_BUG(PRIVATE_ROW_SHARED)) {
        add_owner(w, row, false);
        return FB_OK;
    }
    switch (row->entity->scope) {
    case FB_SCOPE_GLOBAL:
        add_key(&w->set, "global");
        return FB_OK;
    case FB_SCOPE_COMPANY:
        add_id(&w->set, "company", row->id, FB_ROW_ID_SIZE - 1);
        return FB_OK;
    case FB_SCOPE_FOLLOWS:
    case FB_SCOPE_EITHER:
    case FB_SCOPE_LINKS:
        return walk_fields(w, row, depth);
    case FB_SCOPE_PRIVATE:
        add_person(w, row);
        return FB_OK;
    case FB_SCOPE_OWN:
        add_person(w, row);
        return add_managers(w, row);
    case FB_SCOPE_TEAM:
        add_team(w, row);
        return FB_OK;
    case FB_SCOPE_SERVER_ONLY:
    case FB_SCOPE_DEVICE_ONLY:
        return FB_OK;
    }
    return FB_OK;
}

static int walk_and_join(struct walk *w, const struct fb_row *row, struct fb_buf *ret)
{
    int rc = walk_row(w, row, 0);
    for (size_t i = 0; rc == FB_OK && i < w->set.count; i++) {
        if (i > 0) {
            fb_buf_append_byte(ret, ',');
        }
        fb_buf_append_text(ret, w->set.keys[i]);
    }
    fb_arena_release(&w->arena);
    return rc < 0 ? rc : fb_buf_error(ret);
}

int fb_scope_of_row_cached(struct fb_scope_cache *cache, struct fb_store *s,
                           const struct fb_row *row, struct fb_buf *ret)
{
    struct walk w = {.store = s, .view = &WHOLE_VIEW, .cache = cache};
    return walk_and_join(&w, row, ret);
}

int fb_scope_of_row(struct fb_store *s, const struct fb_row *row, struct fb_buf *ret)
{
    return fb_scope_of_row_cached(NULL, s, row, ret);
}

int fb_scope_of_row_seen(const struct fb_scope_view *view, struct fb_scope_cache *cache,
                         struct fb_store *s, const struct fb_row *row, struct fb_buf *ret)
{
    struct walk w = {.store = s, .view = view, .cache = cache};
    return walk_and_join(&w, row, ret);
}

int fb_scope_cache_new(struct fb_scope_cache **ret)
{
    struct fb_scope_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    *ret = cache;
    return FB_OK;
}

void fb_scope_cache_free(struct fb_scope_cache *cache)
{
    free(cache);
}

void fb_scope_cache_clear(struct fb_scope_cache *cache)
{
    if (cache->is_used) {
        memset(cache->entries, 0, sizeof cache->entries);
        cache->is_used = false;
    }
}

void fb_scope_cache_limit(struct fb_scope_cache *cache, int64_t history_from_ms)
{
    if (cache->history_from_ms != history_from_ms) {
        fb_scope_cache_clear(cache);
        cache->history_from_ms = history_from_ms;
    }
}
