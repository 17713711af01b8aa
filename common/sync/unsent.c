/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/sync/replica_internal.h"

struct fb_unsent {
    struct fb_pending pending;
};

int fb_unsent_load(struct fb_store *s, struct fb_unsent **ret)
{
    int64_t acked = 0;
    int rc = fb_sql_read_int(
        s, "SELECT coalesce(max(number), 0) FROM fb_push WHERE acked_at_ms IS NOT NULL", &acked);
    if (rc < 0) {
        return rc;
    }
    struct fb_unsent *u = calloc(1, sizeof *u);
    if (u == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    rc = fb_pending_load(s, acked, &u->pending);
    if (rc < 0) {
        free(u);
        return rc;
    }
    *ret = u;
    return FB_OK;
}

void fb_unsent_free(struct fb_unsent *u)
{
    if (u != NULL) {
        fb_pending_release(&u->pending);
        free(u);
    }
}

void fb_unsent_drop(struct fb_unsent **u)
{
    fb_unsent_free(*u);
    *u = NULL;
}

bool fb_unsent_row(const struct fb_unsent *u, const struct fb_entity *e, const char *id)
{
    const struct fb_pending_row *row = fb_pending_find(&u->pending, e, id);
    return row != NULL && row->is_pending;
}

bool fb_unsent_is_whole(const struct fb_unsent *u, const struct fb_entity *e, const char *id)
{
    const struct fb_pending_row *row = fb_pending_find(&u->pending, e, id);
    return row != NULL && row->is_kept_whole;
}

bool fb_unsent_field(const struct fb_unsent *u, const struct fb_entity *e, const char *id,
                     const struct fb_field *field)
{
    const struct fb_pending_row *row = fb_pending_find(&u->pending, e, id);
    return row != NULL && (row->is_kept_whole || fb_mask_has(row->kept, field->index));
}
