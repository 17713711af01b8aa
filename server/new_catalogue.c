/* SPDX-License-Identifier: MIT
 *
 * Digests are kept up row by row, as rows are written. A newer catalogue changes rows that nobody writes: a column comes with a default,
 * a field does not travel any more. Laptops, which compute theirs from their tables, would differ for ever; so they are made anew.
 */
#include <stdlib.h>

#include "server/internal.h"

#define SHAPE_KEY "digest_shape"

/* What of a catalogue makes other digests of rows that are the same: columns that are not empty where nobody filled them, and those left out. */
static struct fb_digest shape_of(const struct fb_catalogue *c)
{
    struct fb_digest sum = {0};
    for (size_t i = 0; i < c->entity_count; i++) {
        const struct fb_entity *e = &c->entities[i];
        for (size_t k = 0; k < e->field_count; k++) {
            const struct fb_field *f = &e->fields[k];
            bool is_left_out = f->visibility == FB_SEEN_ON_DEVICE;
            if (is_left_out || !fb_value_is_empty(&f->initial)) {
                const uint32_t words[] = {e->no, f->no, is_left_out ? 1 : 0};
                struct fb_digest one = fb_digest_of(words, sizeof words);
                fb_digest_add(&sum, &one);
            }
        }
    }
    return sum;
}

int fb_hub_has_met_catalogue(struct fb_hub *hub, struct fb_store *s, bool *ret)
{
    const struct fb_catalogue *c = fb_store_catalogue(s);
    *ret = c == NULL || c->version == hub->met_catalogue;
    if (*ret) {
        return FB_OK;
    }
    struct fb_digest shape = shape_of(c);
    struct fb_digest met = {0};
    int rc = fb_store_meta_blob(s, SHAPE_KEY, &met, sizeof met);
    if (rc < 0 && rc != FB_ERR_NOT_FOUND) {
        return rc;
    }
    /* The first version was there before any row. */
    *ret = rc == FB_ERR_NOT_FOUND ? c->version == 1 : fb_digest_equal(&shape, &met);
    hub->met_catalogue = *ret ? c->version : hub->met_catalogue;
    return FB_OK;
}

int fb_hub_meet_catalogue(struct fb_hub *hub)
{
    struct fb_store *s = hub->store;
    bool has_met = false;
    hub->meets_catalogue = false;
    int rc = fb_hub_has_met_catalogue(hub, s, &has_met);
    if (rc < 0 || has_met || FB_BUG(DIGESTS_OF_OLD_CATALOGUE)) {
        return rc;
    }
    const struct fb_catalogue *c = fb_store_catalogue(s);
    struct fb_digest shape = shape_of(c);
    struct fb_value kept = fb_value_blob(&shape, sizeof shape);
    rc = fb_digests_make(s);
    rc = rc < 0 ? rc : fb_store_meta_set(s, SHAPE_KEY, &kept);
    hub->met_catalogue = rc < 0 ? 0 : c->version;
    return rc;
}
