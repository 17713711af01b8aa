/* SPDX-License-Identifier: MIT
 *
 * Scopes of connected devices. They are worked out when a device pulls and something changed from which they follow, not at every
 * change for every device.
 */
#include <stdio.h>

#include "server/internal.h"

static int read_structure(struct fb_hub *hub, struct fb_store *s)
{
    int64_t version = fb_store_catalogue(s)->version;
    if (hub->structure != NULL && hub->structure_epoch == hub->structure_changes &&
        hub->structure_version == version) {
        return FB_OK;
    }
    struct fb_structure *structure = NULL;
    int rc = fb_structure_load(s, INT64_MAX, &structure);
    if (rc < 0) {
        return rc;
    }
    fb_structure_free(hub->structure);
    hub->structure = structure;
    hub->structure_epoch = hub->structure_changes;
    hub->structure_version = version;
    return FB_OK;
}

/* What his roles hide goes among the scopes (cut_rights.c). */
static int read_view(struct fb_peer *peer, struct fb_store *s, int64_t now_ms)
{
    struct fb_rights *rights = NULL;
    int rc = fb_rights_load(s, peer->employee_id, now_ms, &rights);
    if (rc < 0) {
        return rc;
    }
    fb_rights_free(peer->rights);
    peer->rights = rights;
    return fb_view_add_keys(rights, fb_store_catalogue(s), &peer->scopes.list, &peer->scopes.arena);
}

int fb_peer_scopes(struct fb_peer *peer, struct fb_store *s, int64_t now_ms)
{
    struct fb_hub *hub = peer->hub;
    bool is_same_catalogue = peer->rights != NULL && fb_rights_catalogue(peer->rights)->version ==
                                                         fb_store_catalogue(s)->version;
    if (peer->scopes_epoch == hub->scope_changes && now_ms < peer->scopes.valid_until_ms &&
        is_same_catalogue) {
        return FB_OK;
    }
    int rc = read_structure(hub, s);
    rc = rc < 0 ? rc
                : fb_device_scopes_find(s, hub->structure, peer->device_id, peer->employee_id,
                                        now_ms, true, &peer->scopes);
    rc = rc < 0 ? rc : read_view(peer, s, now_ms);
    peer->scopes_epoch = rc < 0 ? 0 : hub->scope_changes;
    if (rc == FB_OK && peer->scopes.next_date_ms < hub->peers_due_ms) {
        hub->peers_due_ms = peer->scopes.next_date_ms;
    }
    return rc;
}

void fb_hub_forget_scopes(struct fb_hub *hub)
{
    hub->structure_changes++;
    hub->scope_changes++;
}

int fb_hub_scopes_of(struct fb_hub *hub, const char *device_id, const char *employee_id,
                     int64_t now_ms, struct fb_device_scopes *spare,
                     const struct fb_scope_list **ret)
{
    struct fb_peer *peer = hub->buckets[fb_row_hash(0, device_id) % FB_PEER_BUCKETS];
    while (peer != NULL && (strcmp(peer->device_id, device_id) != 0 ||
                            strcmp(peer->employee_id, employee_id) != 0)) {
        peer = peer->bucket_next;
    }
    if (peer != NULL) {
        *ret = &peer->scopes.list;
        return fb_peer_scopes(peer, hub->store, now_ms);
    }
    int rc = read_structure(hub, hub->store);
    rc = rc < 0 ? rc
                : fb_device_scopes_find(hub->store, hub->structure, device_id, employee_id, now_ms,
                                        true, spare);
    *ret = &spare->list;
    return rc;
}

/* ---- What changes them ---- */

static int touch(struct fb_hub *hub, const char *kind, const struct fb_value *v)
{
    char id[FB_ROW_ID_SIZE];
    char key[64];
    int64_t scope = 0;
    if (!fb_value_to_id(v, id)) {
        return FB_OK;
    }
    snprintf(key, sizeof key, "%s:%s", kind, id);
    int rc = fb_history_scope_id(hub->store, key, &scope);
    if (rc == FB_OK) {
        fb_hub_note_touched(hub, scope);
    }
    return rc;
}

static int touch_field(struct fb_hub *hub, const struct fb_work_row *row, const char *field,
                       const char *kind)
{
    const struct fb_field *f = fb_entity_field(row->entity, field);
    int rc = f == NULL || !row->was_here ? FB_OK : touch(hub, kind, &row->before.values[f->index]);
    return rc < 0 || f == NULL || !row->is_here ? rc : touch(hub, kind, &row->now.values[f->index]);
}

/* A manager gains what those below him gain. */
static int touch_owner(struct fb_hub *hub, const struct fb_work_row *row)
{
    const struct fb_field *f = row->entity->owner_field;
    const struct fb_entity *employee =
        fb_catalogue_entity(fb_store_catalogue(hub->store), "employee");
    const struct fb_field *manager =
        employee == NULL ? NULL : fb_entity_field(employee, "manager_id");
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    if (f == NULL || !row->is_here) {
        return FB_OK;
    }
    struct fb_value at = row->now.values[f->index];
    int rc = touch(hub, "employee", &at);
    for (int depth = 0; rc == FB_OK && manager != NULL && depth < 16; depth++) {
        char id[FB_ROW_ID_SIZE];
        struct fb_row above;
        bool is_found = false;
        if (!fb_value_to_id(&at, id)) {
            return FB_OK;
        }
        rc = fb_row_read(hub->store, employee, id, &arena, &above, &is_found);
        if (rc < 0 || !is_found) {
            return rc;
        }
        at = above.values[manager->index];
        rc = touch(hub, "employee", &at);
    }
    return rc;
}

int fb_hub_note_scope_change(struct fb_hub *hub, const struct fb_work_row *row)
{
    const struct fb_entity *e = row->entity;
    if (strcmp(e->name, "territory_rule") == 0 || strcmp(e->name, "territory") == 0) {
        hub->are_rule_dates_known = false;
    }
    if (fb_structure_has(e->name) || fb_rights_follow_from(e)) {
        hub->structure_changes++;
        hub->scope_changes++;
        hub->has_touched_more = true; /* everybody looks again */
        return FB_OK;
    }
    bool has_come_or_gone = row->was_here != row->is_here;
    bool has_moved = row->was_here && row->is_here && row->scope_before != row->scope_after;
    if (e->scope == FB_SCOPE_COMPANY) {
        bool is_handed_over =
            e->owner_field != NULL && fb_mask_get(row->mask, e->owner_field->index);
        if (!has_come_or_gone && !is_handed_over) {
            return FB_OK;
        }
        hub->scope_changes++;
        return touch_owner(hub, row);
    }
    if (strcmp(e->name, "company_territory") == 0) {
        hub->scope_changes++;
        return touch_field(hub, row, "territory_id", "territory");
    }
    if (strcmp(e->name, "record_member") == 0) {
        hub->scope_changes++;
        return touch_field(hub, row, "employee_id", "employee");
    }
    hub->scope_changes +=
        has_moved ? 1 : 0; /* a record with a team may have moved to another company */
    return FB_OK;
}
