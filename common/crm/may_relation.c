/* SPDX-License-Identifier: MIT
 *
 * Whose a record is. The entity's scope rule says on what a record hangs; the nearest of these counts:
 *
 *     its owner field            himself: OWN; somebody of his teams or below him: TEAM
 *     its team, its territory    TEAM, TERRITORY
 *     its record team            OWN (a member who may only read: for reading)
 *     the record it follows      what that is
 *
 * An owner field of a part (a participant, a member) makes nobody the owner of the whole, and nothing under global rows (roles,
 * teams, prices) is anybody's own but the employee's own row: else a forged row would be a key.
 */
#include <stdlib.h>
#include <string.h>

#include "common/crm/may_internal.h"
#include "common/store/sql.h"

#define DEPTH_MAX 8

struct seeking {
    struct fb_rights *r;
    struct fb_store *s;
    const struct fb_may_rows *rows;
    bool is_read;
    struct fb_arena arena;
};

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, FB_ROW_ID_SIZE - 1);
}

bool fb_id_set_has(const struct fb_id_set *set, const struct fb_value *v)
{
    return set->count > 0 && v->type == FB_TEXT && v->size == FB_ROW_ID_SIZE - 1 &&
           bsearch(v->bytes, set->ids, set->count, FB_ROW_ID_SIZE, compare_ids) != NULL;
}

static bool is_me(const struct fb_rights *r, const struct fb_value *v)
{
    return fb_value_is_id(v, r->employee_id);
}

bool fb_may_is_sharing(const struct fb_entity *e)
{
    return strcmp(e->name, "record_member") == 0 || strcmp(e->name, "company_territory") == 0 ||
           strcmp(e->name, "scope_grant") == 0;
}

static bool is_employee(const struct fb_entity *e)
{
    return e != NULL && strcmp(e->name, "employee") == 0;
}

bool fb_rights_is_own(const struct fb_rights *r, const struct fb_row *row)
{
    const struct fb_field *owner = row->entity->owner_field;
    if (is_employee(row->entity)) {
        return strcmp(row->id, r->employee_id) == 0;
    }
    return owner != NULL && is_employee(fb_row_target(row, owner)) &&
           is_me(r, &row->values[owner->index]);
}

static void nearer(enum fb_level *level, enum fb_level other)
{
    if (other != FB_LEVEL_NONE && (*level == FB_LEVEL_NONE || other < *level)) {
        *level = other;
    }
}

static enum fb_level of_person(const struct fb_rights *r, const struct fb_value *who)
{
    return is_me(r, who)                    ? FB_LEVEL_OWN
           : fb_id_set_has(&r->people, who) ? FB_LEVEL_TEAM
                                            : FB_LEVEL_NONE;
}

static const struct fb_id_set *territories(const struct seeking *k)
{
    return k->is_read ? &k->r->read_territories : &k->r->territories;
}

static enum fb_level of_owner(const struct seeking *k, const struct fb_row *row)
{
    const struct fb_field *owner = row->entity->owner_field;
    return owner != NULL && is_employee(fb_row_target(row, owner))
               ? of_person(k->r, &row->values[owner->index])
               : FB_LEVEL_NONE;
}

/* Of the row's own team and territory. */
static enum fb_level of_places(const struct seeking *k, const struct fb_row *row)
{
    enum fb_level level = FB_LEVEL_NONE;
    const struct fb_field *team = fb_entity_field(row->entity, "team_id");
    const struct fb_field *territory = fb_entity_field(row->entity, "territory_id");
    if (team != NULL && fb_id_set_has(&k->r->teams, &row->values[team->index])) {
        nearer(&level, FB_LEVEL_TEAM);
    }
    if (territory != NULL && fb_id_set_has(territories(k), &row->values[territory->index])) {
        nearer(&level, FB_LEVEL_TERRITORY);
    }
    return level;
}

struct territory_met {
    const struct fb_id_set *mine;
    enum fb_level *level;
};

static void meet_territory(void *ctx, const struct fb_value *territory)
{
    struct territory_met *met = ctx;
    if (fb_id_set_has(met->mine, territory)) {
        nearer(met->level, FB_LEVEL_TERRITORY);
    }
}

static int of_company_territories(const struct seeking *k, const char *company_id,
                                  enum fb_level *level)
{
    struct territory_met met = {.mine = territories(k), .level = level};
    if (!k->r->has_company_territories || met.mine->count == 0) {
        return FB_OK;
    }
    if (k->rows != NULL && k->rows->territories != NULL) {
        return k->rows->territories(k->rows->ctx, company_id, meet_territory, &met);
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc =
        fb_sql_begin(k->s, "SELECT territory_id FROM company_territory WHERE company_id = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, company_id);
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        struct fb_value territory = fb_sql_value(q, 0);
        meet_territory(&met, &territory);
    }
    return rc;
}

static int of_record_team(const struct seeking *k, const struct fb_row *row, enum fb_level *level)
{
    if (!k->r->has_record_members) {
        return FB_OK;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(k->s,
                          "SELECT access FROM record_member WHERE record_id = ?1 AND entity = ?2"
                          " AND employee_id = ?3",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, row->id);
    fb_sql_bind_text(q, 2, row->entity->name);
    fb_sql_bind_text(q, 3, k->r->employee_id);
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        const char *access = fb_sql_text(q, 0);
        if (k->is_read || access == NULL || strcmp(access, "edit") == 0) {
            nearer(level, FB_LEVEL_OWN);
        }
    }
    return rc;
}

static int of_row(struct seeking *k, const struct fb_row *row, int depth, enum fb_level *level);

/* NULL: there is no memory. */
static struct fb_relation_memo *memo_of(const struct seeking *k, const struct fb_entity *e,
                                        const char *id)
{
    if (k->r->memos == NULL) {
        k->r->memos = calloc(FB_RELATION_MEMOS, sizeof *k->r->memos);
    }
    if (k->r->memos == NULL) {
        return NULL;
    }
    uint32_t hash = e->no;
    for (const char *c = id; *c != '\0'; c++) {
        hash = (hash ^ (uint8_t)*c) * 16777619u;
    }
    return &k->r->memos[hash % FB_RELATION_MEMOS];
}

/* What another row is, by its id; UINT8_MAX in a memo: not asked yet. */
static int of_other(struct seeking *k, const struct fb_entity *e, const struct fb_value *v,
                    int depth, enum fb_level *level)
{
    char id[FB_ROW_ID_SIZE];
    if (depth >= DEPTH_MAX || !fb_value_to_id(v, id)) {
        return FB_OK;
    }
    struct fb_relation_memo *memo = memo_of(k, e, id);
    if (memo == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    bool is_known = memo->entity == e && strcmp(memo->id, id) == 0;
    uint8_t known = k->is_read ? memo->read_level : memo->level;
    if (is_known && known != UINT8_MAX) {
        nearer(level, (enum fb_level)known);
        return FB_OK;
    }
    struct fb_row row;
    bool is_found = false;
    enum fb_level there = FB_LEVEL_NONE;
    int rc = k->rows != NULL ? k->rows->read(k->rows->ctx, e, id, &k->arena, &row, &is_found)
                             : fb_row_read(k->s, e, id, &k->arena, &row, &is_found);
    rc = rc == FB_OK && is_found ? of_row(k, &row, depth + 1, &there) : rc;
    if (rc < 0) {
        return rc;
    }
    if (memo->entity != e || strcmp(memo->id, id) != 0) {
        *memo = (struct fb_relation_memo){.entity = e, .level = UINT8_MAX, .read_level = UINT8_MAX};
        memcpy(memo->id, id, sizeof memo->id);
    }
    *(k->is_read ? &memo->read_level : &memo->level) = (uint8_t)there;
    nearer(level, there);
    return FB_OK;
}

/* Of what the row hangs on, by its scope rule. */
static int of_followed(struct seeking *k, const struct fb_row *row, int depth, enum fb_level *level)
{
    const struct fb_entity *e = row->entity;
    bool has_any = false;
    for (size_t i = 0; i < e->scope_field_count; i++) {
        const struct fb_field *f = e->scope_fields[i];
        const struct fb_entity *target = fb_row_target(row, f);
        const struct fb_value *v = &row->values[f->index];
        if (target == NULL || v->type != FB_TEXT) {
            continue;
        }
        has_any = true;
        int rc = FB_OK;
        if (is_employee(target) && f != e->parent_field && f->target_name == NULL) {
            nearer(level, of_person(k->r, v));
        } else {
            rc = of_other(k, target, v, depth, level);
        }
        if (rc < 0 || e->scope == FB_SCOPE_FOLLOWS) {
            return rc;
        }
    }
    if (!has_any) {
        nearer(level, of_owner(k, row));
    }
    return FB_OK;
}

/* Who is meant by private and own: the first scope field, else the owner. */
static enum fb_level of_whom(const struct seeking *k, const struct fb_row *row)
{
    const struct fb_entity *e = row->entity;
    return e->scope_field_count > 0 ? of_person(k->r, &row->values[e->scope_fields[0]->index])
                                    : of_owner(k, row);
}

static int of_row(struct seeking *k, const struct fb_row *row, int depth, enum fb_level *level)
{
    const struct fb_entity *e = row->entity;
    struct fb_value id = fb_value_text_n(row->id, FB_ROW_ID_SIZE - 1);
    int rc = FB_OK;
    if (fb_row_is_private(row)) {
        nearer(level, of_owner(k, row));
        return FB_OK;
    }
    switch (e->scope) {
    case FB_SCOPE_GLOBAL:
        nearer(level, is_employee(e) ? of_person(k->r, &id) : FB_LEVEL_NONE);
        return FB_OK;
    case FB_SCOPE_PRIVATE:
    case FB_SCOPE_OWN:
        nearer(level, of_whom(k, row));
        return FB_OK;
    case FB_SCOPE_SERVER_ONLY:
        return FB_OK;
    case FB_SCOPE_DEVICE_ONLY: /* only on the laptop of its person */
        nearer(level, FB_LEVEL_OWN);
        return FB_OK;
    case FB_SCOPE_COMPANY:
        rc = of_company_territories(k, row->id, level);
        break;
    case FB_SCOPE_FOLLOWS:
    case FB_SCOPE_EITHER:
    case FB_SCOPE_LINKS:
        rc = of_followed(k, row, depth, level);
        break;
    case FB_SCOPE_TEAM:
        break;
    }
    if (rc == FB_OK && e->parent_field == NULL && !fb_may_is_sharing(e)) {
        nearer(level, of_owner(k, row));
        nearer(level, of_places(k, row));
        rc = *level == FB_LEVEL_OWN ? FB_OK : of_record_team(k, row, level);
    }
    return rc;
}

int fb_rights_relation(struct fb_rights *r, struct fb_store *s, const struct fb_may_rows *rows,
                       enum fb_action action, const struct fb_row *row, enum fb_level *ret)
{
    struct seeking k = {.r = r,
                        .s = s,
                        .rows = rows,
                        .is_read = action == FB_ACTION_READ || action == FB_ACTION_EXPORT};
    enum fb_level level = FB_LEVEL_NONE;
    int rc = of_row(&k, row, 0, &level);
    fb_arena_release(&k.arena);
    if (rc == FB_OK) {
        *ret = level;
    }
    return rc;
}
