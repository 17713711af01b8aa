/* SPDX-License-Identifier: MIT
 *
 * What changed for a device, found by scope: a short piece of the log is read in a row; of a long one what lies in sets that hold one
 * of the device's scopes, by their index. The cost does not grow with what others do.
 */
#include <stdlib.h>

#include "server/cut_internal.h"

#define SPAN_PER_SCOPE 1 /* entries whose rows are read in the time of a search by scope */

struct noting {
    struct fb_cutting *c;
    struct fb_cut_sets *to;
};

static int note_set(void *ctx, int64_t scope)
{
    struct noting *n = ctx;
    int64_t *list =
        fb_arena_grow(&n->c->arena, n->to->list, n->to->count, &n->to->capacity, sizeof *list);
    if (list == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    n->to->list = list;
    list[n->to->count++] = scope;
    return FB_OK;
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

int fb_cut_sets_of(struct fb_cutting *c, const struct fb_scope_list *scopes,
                   struct fb_cut_sets *ret)
{
    struct noting n = {.c = c, .to = ret};
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < scopes->count; i++) {
        rc = fb_history_sets_of(c->s, scopes->keys[i], note_set, &n);
    }
    if (ret->count > 1) {
        qsort(ret->list, ret->count, sizeof *ret->list, by_number);
    }
    size_t kept = 0;
    for (size_t i = 0; i < ret->count; i++) {
        if (kept == 0 || ret->list[kept - 1] != ret->list[i]) {
            ret->list[kept++] = ret->list[i];
        }
    }
    ret->count = kept;
    return rc;
}

static bool has_wildcard(const struct fb_scope_list *list)
{
    return fb_scope_list_has(list, "company:*");
}

static int is_long(struct fb_cutting *c, bool *ret)
{
    int64_t first = 0;
    int64_t last = 0;
    int rc = fb_history_seq_after(c->s, c->pull->cursor, &first);
    rc = rc < 0 ? rc : fb_history_last_seq(c->s, &last);
    int64_t span = first == INT64_MAX ? 0 : last - first;
    int64_t scopes = (int64_t)(c->held->count + c->said.count);
    int64_t cheap = FB_LOG_SPAN_WHOLE == 0 ? 0 : FB_LOG_SPAN_WHOLE + scopes * SPAN_PER_SCOPE;
    *ret = span > cheap && !has_wildcard(c->held) && !has_wildcard(&c->said);
    return rc;
}

int fb_cut_find_touched(struct fb_cutting *c, fb_touched_each *f)
{
    static const int64_t NONE;
    struct fb_cut_sets s = {0};
    bool is_by_scope = false;
    int rc = is_long(c, &is_by_scope);
    if (rc < 0 || !is_by_scope) {
        return rc < 0
                   ? rc
                   : fb_history_touched(c->s, c->pull->cursor, c->head, c->peer->device_id, f, c);
    }
    rc = fb_cut_sets_of(c, c->held, &s);
    rc = rc < 0 ? rc : fb_cut_sets_of(c, &c->said, &s);
    return rc < 0 ? rc
                  : fb_history_touched_in(c->s, c->pull->cursor, c->head, c->peer->device_id,
                                          s.count == 0 ? &NONE : s.list, s.count, f, c);
}
