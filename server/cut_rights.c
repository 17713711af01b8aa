/* SPDX-License-Identifier: MIT
 *
 * What a person's roles hide never leaves headquarters (law 11).
 *
 * The view of a device is a few keys in its list of scopes, so that it travels, is remembered and compared as they are:
 *
 *     !190         no rows of entity 190
 *     !190.15      its field 15 is absent
 *     !190.15@     ... but in rows of the laptop's person
 *
 * A key that enters makes the laptop empty those columns, or that table; one that leaves brings all rows of the entity again. Hidden
 * columns are empty on the laptop, so its digest is over what it may see; headquarters takes the difference for those entities from
 * the sums it keeps for everybody, which cost nobody else anything.
 *
 * Two ways must agree about each row: the table made of the rules blanks it, a walk of the rules looks at what is about to be sent. A
 * row in which they differ stays here, and the log says so.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "server/cut_internal.h"

/* ---- The view ---- */

static int add_key(struct fb_scope_list *list, struct fb_arena *arena, const struct fb_entity *e,
                   const struct fb_field *f, bool is_own_seen)
{
    char key[32];
    if (f == NULL) {
        snprintf(key, sizeof key, "!%u", (unsigned)e->no);
    } else {
        snprintf(key, sizeof key, "!%u.%u%s", (unsigned)e->no, (unsigned)f->no,
                 is_own_seen ? "@" : "");
    }
    return fb_scope_list_add(list, arena, key);
}

int fb_view_add_keys(const struct fb_rights *r, const struct fb_catalogue *c,
                     struct fb_scope_list *list, struct fb_arena *arena)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < c->entity_count; i++) {
        const struct fb_entity *e = &c->entities[i];
        if (e->scope == FB_SCOPE_SERVER_ONLY || e->scope == FB_SCOPE_DEVICE_ONLY) {
            continue;
        }
        if (fb_rights_level(r, e, FB_ACTION_READ) == FB_LEVEL_NONE) {
            rc = add_key(list, arena, e, NULL, false);
            continue;
        }
        for (size_t j = 0; rc == FB_OK && j < e->field_count; j++) {
            const struct fb_field *f = &e->fields[j];
            bool is_own_seen = fb_rights_field(r, f, e, true) != FB_FIELD_HIDDEN;
            if (fb_rights_field(r, f, e, false) == FB_FIELD_HIDDEN) {
                rc = add_key(list, arena, e, f, is_own_seen);
            }
        }
    }
    fb_scope_list_sort(list);
    return rc;
}

static const struct fb_entity *entity_of_key(const struct fb_cutting *c, const char *key)
{
    return key[0] == '!'
               ? fb_catalogue_entity_no(c->catalogue, (uint32_t)strtoul(key + 1, NULL, 10))
               : NULL;
}

bool fb_cut_is_opened(const struct fb_cutting *c, const struct fb_entity *e)
{
    for (size_t i = 0; i < c->leaving.count; i++) {
        if (entity_of_key(c, c->leaving.keys[i]) == e) {
            return true;
        }
    }
    return false;
}

bool fb_cut_was_hidden(const struct fb_cutting *c, const struct fb_entity *e)
{
    char key[32];
    snprintf(key, sizeof key, "!%u", (unsigned)e->no);
    return fb_scope_list_has(&c->said, key);
}

bool fb_cut_has_opened(const struct fb_cutting *c)
{
    return c->leaving.count > 0 && c->leaving.keys[0][0] == '!'; /* the keys are sorted */
}

/* ---- One row ---- */

bool fb_cut_shows(const struct fb_cutting *c, const struct fb_entity *e)
{
    return fb_rights_level(c->peer->rights, e, FB_ACTION_READ) != FB_LEVEL_NONE;
}

void fb_cut_blank(const struct fb_cutting *c, struct fb_row *row)
{
    if (!FB_BUG(HIDDEN_FIELD_SENT)) {
        fb_ignore(fb_rights_blank(c->peer->rights, row), "whether there was any is of no interest");
    }
}

bool fb_cut_shows_title(const struct fb_cutting *c, const struct fb_entity *e)
{
    bool is_shown = fb_cut_shows(c, e);
    for (size_t i = 0; is_shown && i < e->title_field_count; i++) {
        is_shown =
            fb_rights_field(c->peer->rights, e->title_fields[i], e, false) != FB_FIELD_HIDDEN;
    }
    return is_shown;
}

/* Fields the walk lets through, made once for an entity and a cut. */
struct fb_recheck {
    bool is_made;
    bool is_shown;
    uint64_t masks[2][FB_ROW_MASK_WORDS]; /* of others' rows, of own ones */
};

static const struct fb_recheck *recheck_of(struct fb_cutting *c, const struct fb_entity *e)
{
    if (c->rechecks == NULL) {
        c->rechecks = fb_arena_alloc(&c->arena, c->catalogue->entity_count * sizeof *c->rechecks);
    }
    struct fb_recheck *check = c->rechecks == NULL ? NULL : &c->rechecks[e->index];
    if (check == NULL || check->is_made) {
        return check;
    }
    check->is_made = true;
    check->is_shown = fb_rights_recheck_entity(c->peer->rights, e);
    for (uint32_t i = 0; i < e->field_count; i++) {
        for (int own = 0; own < 2; own++) {
            if (fb_rights_recheck_field(c->peer->rights, e, &e->fields[i], own != 0)) {
                fb_mask_put(check->masks[own], i);
            }
        }
    }
    return check;
}

bool fb_cut_agrees(struct fb_cutting *c, const struct fb_row *row)
{
    const struct fb_entity *e = row->entity;
    const struct fb_recheck *check = recheck_of(c, e);
    bool is_own = fb_rights_is_own(c->peer->rights, row);
    const struct fb_field *wrong = NULL;
    if (FB_BUG(HIDDEN_FIELD_SENT)) {
        return true;
    }
    for (uint32_t i = 0; check != NULL && wrong == NULL && i < e->field_count; i++) {
        bool is_seen = fb_mask_get(check->masks[is_own ? 1 : 0], i);
        wrong = row->values[i].type != FB_ABSENT && !is_seen ? &e->fields[i] : NULL;
    }
    if (check != NULL && check->is_shown && wrong == NULL) {
        return true;
    }
    fb_log(FB_LOG_ERROR, "row_withheld", "device=%s entity=%s row=%s field=%s", c->peer->device_id,
           e->name, row->id, wrong == NULL ? "-" : wrong->name);
    return false;
}

/* ---- Digests ---- */

struct correcting {
    struct fb_cutting *c;
    fb_cut_correct *f;
    void *ctx;
};

static int correct_row(void *ctx, const struct fb_row *row)
{
    struct correcting *k = ctx;
    struct fb_cutting *c = k->c;
    const char *set = NULL;
    struct fb_digest whole;
    struct fb_digest seen = {0};
    struct fb_row copy;
    int rc = fb_cut_set_of(c, row, &set);
    if (rc < 0 || !fb_scope_set_is_held(set, c->held)) {
        return rc;
    }
    rc = fb_row_digest(row, &whole);
    if (rc == FB_OK && fb_cut_shows(c, row->entity)) {
        rc = fb_row_copy(&c->batch, row, &copy);
        if (rc == FB_OK) {
            fb_ignore(fb_rights_blank(c->peer->rights, &copy), "the digest is taken either way");
            rc = fb_row_digest(&copy, &seen);
        }
    }
    rc = rc < 0 ? rc : k->f(k->ctx, set, &whole, &seen);
    fb_arena_clear(&c->batch);
    return rc;
}

int fb_cut_correct_digests(struct fb_cutting *c, fb_cut_correct *f, void *ctx)
{
    struct correcting k = {.c = c, .f = f, .ctx = ctx};
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < c->catalogue->entity_count; i++) {
        const struct fb_entity *e = &c->catalogue->entities[i];
        bool is_partly = !fb_cut_shows(c, e) || fb_rights_hides_some(c->peer->rights, e, true) ||
                         fb_rights_hides_some(c->peer->rights, e, false);
        bool travels = e->scope != FB_SCOPE_SERVER_ONLY && e->scope != FB_SCOPE_DEVICE_ONLY;
        rc = travels && is_partly ? fb_row_scan(c->s, e, "", INT64_MAX, correct_row, &k) : FB_OK;
    }
    return rc;
}
