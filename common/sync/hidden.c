/* SPDX-License-Identifier: MIT
 *
 * What this laptop's person may not see: keys "!entity", "!entity.field" and "!entity.field@" (own rows excepted) among the scopes it
 * holds (server/cut_rights.c). A key that is new empties the column, or the table; headquarters sends what a lost key opened. What is
 * pending stays until headquarters has answered it (rule 8).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sync/replica_internal.h"

static bool is_own(const struct fb_row *row, const char *employee_id)
{
    const struct fb_field *owner = row->entity->owner_field;
    if (strcmp(row->entity->name, "employee") == 0) {
        return strcmp(row->id, employee_id) == 0;
    }
    const struct fb_entity *target = owner == NULL ? NULL : fb_row_target(row, owner);
    return target != NULL && strcmp(target->name, "employee") == 0 &&
           fb_value_is_id(&row->values[owner->index], employee_id);
}

bool fb_hidden_has(const struct fb_scope_list *held, const struct fb_entity *e,
                   const struct fb_field *f)
{
    char key[32];
    int size = snprintf(key, sizeof key, "!%u.%u@", (unsigned)e->no, (unsigned)f->no);
    if (fb_scope_list_has(held, key)) {
        return true;
    }
    key[size - 1] = '\0';
    return fb_scope_list_has(held, key);
}

struct emptying {
    struct fb_apply *apply;
    const struct fb_field *field;
    bool spares_own;
    char employee_id[FB_ROW_ID_SIZE];
};

static int empty_field(void *ctx, const struct fb_row *row)
{
    struct emptying *x = ctx;
    struct fb_apply *a = x->apply;
    uint32_t at = x->field->index;
    const struct fb_pending_row *p = fb_pending_find(&a->pending, row->entity, row->id);
    bool is_kept = p != NULL && (p->is_kept_whole || fb_mask_has(p->kept, at));
    uint64_t mask[FB_ROW_MASK_WORDS] = {0};
    if (fb_value_is_empty(&row->values[at]) || is_kept ||
        (x->spares_own && is_own(row, x->employee_id))) {
        return FB_OK;
    }
    row->values[at] = FB_VALUE_NULL;
    fb_mask_set(mask, at);
    return fb_row_update(a->store, row, mask, false);
}

static int is_of_entity(struct fb_apply *a, const struct fb_row *row, void *ctx, bool *ret_goes)
{
    const uint32_t *entity_no = ctx;
    (void)a;
    *ret_goes = row->entity->no == *entity_no;
    return FB_OK;
}

static int hide(struct fb_apply *a, const char *key)
{
    char *end = NULL;
    uint32_t entity_no = (uint32_t)strtoul(key + 1, &end, 10);
    const struct fb_entity *e = fb_catalogue_entity_no(a->catalogue, entity_no);
    if (e == NULL) {
        return FB_OK; /* of a catalogue that is still to come */
    }
    if (*end != '.') {
        return fb_apply_delete_where(a, is_of_entity, &entity_no);
    }
    struct emptying x = {.apply = a,
                         .field = fb_entity_field_no(e, (uint32_t)strtoul(end + 1, &end, 10)),
                         .spares_own = *end == '@'};
    int rc = fb_store_meta_text(a->store, "employee_id", x.employee_id, sizeof x.employee_id);
    rc = rc == FB_ERR_NOT_FOUND ? FB_OK : rc;
    return rc < 0 || x.field == NULL ? rc
                                     : fb_row_scan(a->store, e, "", INT64_MAX, empty_field, &x);
}

int fb_apply_hide(struct fb_apply *a)
{
    /* A full cut comes over rows of an older view, and its first chunks may be of one that has closed since. */
    const struct fb_scope_list *keys = a->round->pull_kind == FB_PULL_GAP ? &a->held : &a->entering;
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < keys->count && !FB_BUG(HIDDEN_FIELD_KEPT); i++) {
        rc = keys->keys[i][0] == '!' ? hide(a, keys->keys[i]) : FB_OK;
    }
    return rc;
}
