/* SPDX-License-Identifier: MIT
 *
 * What the person may do and see. Every handler asks here and nowhere else.
 */
#include <string.h>

#include "common/web/api_inside.h"

int fb_api_may_rows(struct fb_api *a, const struct fb_entity *e, enum fb_api_act act,
                    const struct fb_query_node **ret)
{
    *ret = NULL;
    if (act != FB_API_READ && e->scope == FB_SCOPE_SERVER_ONLY && a->web->node != FB_NODE_SERVER) {
        return fb_response_problem(a->res, 409, "only_headquarters", NULL);
    }
    /* What is one person's own stays his, for whoever looks in. */
    if (e->scope == FB_SCOPE_PRIVATE && e->owner_field != NULL && !a->is_admin) {
        const struct fb_query_node *n =
            fb_api_node_text(a, FB_QUERY_EQUAL, e->owner_field->index, a->me);
        *ret = n;
        return n == NULL ? FB_ERR_NO_MEMORY : FB_OK;
    }
    return FB_OK;
}

int fb_api_may_row(struct fb_api *a, const struct fb_row *row, enum fb_api_act act)
{
    const struct fb_entity *e = row->entity;
    const struct fb_query_node *rows = NULL;
    int rc = fb_api_may_rows(a, e, act, &rows);
    if (rc < 0 || rows == NULL) {
        return rc;
    }
    const struct fb_value *owner = &row->values[e->owner_field->index];
    bool is_own = owner->type == FB_TEXT && owner->size == strlen(a->me) &&
                  memcmp(owner->bytes, a->me, owner->size) == 0;
    return is_own ? FB_OK : fb_api_not_found(a);
}

bool fb_api_sees_entity(const struct fb_api *a, const struct fb_entity *e)
{
    return e->scope != FB_SCOPE_SERVER_ONLY || a->web->node == FB_NODE_SERVER;
}

bool fb_api_sees_field(const struct fb_api *a, const struct fb_entity *e, const struct fb_field *f)
{
    (void)e;
    return f->visibility == FB_SEEN_BY_ALL || f->visibility == FB_SEEN_ON_DEVICE || a->is_admin;
}

bool fb_api_writes_field(const struct fb_api *a, const struct fb_entity *e,
                         const struct fb_field *f)
{
    return fb_api_sees_field(a, e, f) && !f->is_server_only;
}
