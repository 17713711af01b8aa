/* SPDX-License-Identifier: MIT
 *
 * Digests of what a device holds at the rev of a cut: one in all, and one for each set of its scopes (rule 21).
 */
#include "server/cut_internal.h"

#define SCOPE_DIGESTS_MAX 4000 /* in one message */

struct summing {
    struct fb_cutting *c;
    struct fb_cut_digests *to;
};

/* A set goes by the name of those of its scopes that are held: the laptop knows no others. */
static int list_digest(struct summing *l, const char *set, const struct fb_digest *digest)
{
    FB_AUTO(fb_buf_release) struct fb_buf part;
    fb_buf_init(&part, FB_FRAME_BYTES_MAX);
    fb_scope_set_held_part(set == NULL ? "" : set, l->c->held, &part);
    for (size_t i = l->to->count; i > 0; i--) {
        if (strcmp(l->to->list[i - 1].scope, fb_buf_text(&part)) == 0) {
            fb_digest_add(&l->to->list[i - 1].digest, digest);
            return FB_OK;
        }
    }
    struct fb_scope_digest *list =
        fb_arena_grow(&l->c->arena, l->to->list, l->to->count, &l->to->capacity, sizeof *list);
    const char *copy = fb_arena_strdup(&l->c->arena, fb_buf_text(&part));
    if (list == NULL || copy == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    l->to->list = list;
    list[l->to->count++] = (struct fb_scope_digest){.scope = copy, .digest = *digest};
    return FB_OK;
}

static int correct_digest(void *ctx, const char *set, const struct fb_digest *whole,
                          const struct fb_digest *seen)
{
    struct summing *l = ctx;
    struct fb_digest difference = *seen;
    fb_digest_subtract(&difference, whole);
    fb_digest_add(&l->to->sum, &difference);
    return l->c->pull->wants_scope_digests ? list_digest(l, set, &difference) : FB_OK;
}

/* Only sets that hold a scope of the device are looked at, not all that there are. */
int fb_cut_digests_sum(struct fb_cutting *c, struct fb_cut_digests *ret)
{
    struct summing l = {.c = c, .to = ret};
    struct fb_cut_sets sets = {0};
    int rc = fb_cut_sets_of(c, c->held, &sets);
    for (size_t i = 0; rc == FB_OK && i < sets.count; i++) {
        struct fb_digest digest = {0};
        rc = fb_history_digest(c->s, sets.list[i], &digest);
        if (rc == FB_OK && digest.rows != 0) {
            fb_digest_add(&ret->sum, &digest);
            rc = c->pull->wants_scope_digests
                     ? list_digest(&l, fb_history_scope_key(c->s, sets.list[i]), &digest)
                     : FB_OK;
        }
    }
    return rc < 0 ? rc : fb_cut_correct_digests(c, correct_digest, &l);
}

int fb_cut_digests_send(struct fb_cutting *c, const struct fb_cut_digests *l)
{
    int rc = FB_OK;
    for (size_t at = 0; rc == FB_OK && (at < l->count || at == 0); at += SCOPE_DIGESTS_MAX) {
        size_t count = l->count - at < SCOPE_DIGESTS_MAX ? l->count - at : SCOPE_DIGESTS_MAX;
        struct fb_message m = {
            .kind = FB_MESSAGE_SCOPE_DIGESTS,
            .scope_digests = {.rev = c->head, .list = l->list + at, .count = count}};
        rc = fb_message_encode(&m, c->out);
    }
    return rc;
}
