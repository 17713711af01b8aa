/* SPDX-License-Identifier: MIT
 *
 * The record API of docs/api.md: handlers for the HTTP layer's table of routes, the same on both nodes, derived from
 * the catalogue. There is no code per entity, but for processing a lead.
 *
 * A write goes through the capture triggers, on both nodes: what the form saw is compared with what stands now by
 * common/merge, value by value, as a push would be; then the row is written, in the transaction of the writing stage.
 * At headquarters struct fb_api_seal closes it: the rows become a rev of the person who wrote, in the same transaction.
 */
#ifndef FB_WEB_API_H
#define FB_WEB_API_H

#include "common/web/http.h"

extern const struct fb_route fb_api_routes[];

/* What headquarters does around the rows a person writes; inside the writing stage's transaction, on its store.
 * A laptop has none: its journal is pushed later. */
struct fb_api_seal {
    void *ctx;
    /* What tools wrote before becomes a rev of theirs. */
    int (*before)(void *ctx, int64_t now_ms);
    /* What was written since becomes a rev of the employee. */
    int (*after)(void *ctx, const char *employee_id, int64_t now_ms);
};

/* "rights": {...}, "fields": {...} of GET /session, behind members that are there. */
int fb_api_append_rights(struct fb_web *web, const char *employee_id,
                         struct fb_buf *out) FB_MUST_CHECK;

#endif
