/* SPDX-License-Identifier: MIT
 *
 * The histories of headquarters that this laptop's goes back to (rule 23, C6). Each restore of a backup forks one; kept are the ids
 * and the revs at which they forked, so that a laptop tells an old copy of headquarters from a restored one, and what headquarters lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sync/replica_internal.h"

#define TEXT_BYTES_MAX ((size_t)FB_TIMELINES_MAX * (FB_ROW_ID_SIZE + 24))

static int read_text(struct fb_store *s, struct fb_arena *arena, char **ret)
{
    char *text = fb_arena_alloc(arena, TEXT_BYTES_MAX);
    if (text == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    text[0] = '\0';
    int rc = fb_store_meta_text(s, "ancestors", text, TEXT_BYTES_MAX);
    *ret = text;
    return rc == FB_ERR_NOT_FOUND ? FB_OK : rc;
}

int fb_replica_ancestors(struct fb_store *s, struct fb_arena *arena, struct fb_ancestor **ret,
                         size_t *ret_count)
{
    char *text = NULL;
    size_t count = 0;
    struct fb_ancestor *list = fb_arena_alloc(arena, FB_TIMELINES_MAX * sizeof *list);
    int rc = list == NULL ? FB_ERR_NO_MEMORY : read_text(s, arena, &text);
    char *rest = NULL;
    for (char *word = rc < 0 ? NULL : strtok_r(text, " ", &rest);
         word != NULL && count < FB_TIMELINES_MAX; word = strtok_r(NULL, " ", &rest)) {
        if (fb_id_is_valid(word, strcspn(word, ":")) && word[FB_ROW_ID_SIZE - 1] == ':') {
            struct fb_ancestor *a = &list[count++];
            snprintf(a->id, sizeof a->id, "%s", word);
            a->forked_at = strtoll(word + FB_ROW_ID_SIZE, NULL, 10);
        }
    }
    *ret = list;
    *ret_count = count;
    return rc;
}

int fb_replica_ancestors_set(struct fb_store *s, const struct fb_welcome *w, bool *ret_changed)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    FB_AUTO(fb_buf_release) struct fb_buf text;
    char *now = NULL;
    fb_arena_init(&arena, 0);
    fb_buf_init(&text, TEXT_BYTES_MAX);
    for (size_t i = 0; i < w->ancestor_count; i++) {
        fb_buf_printf(&text, "%s%s:%lld", i == 0 ? "" : " ", w->ancestors[i].id,
                      (long long)w->ancestors[i].forked_at);
    }
    int rc = fb_buf_error(&text);
    rc = rc < 0 ? rc : read_text(s, &arena, &now);
    if (rc < 0 || strcmp(now, fb_buf_text(&text)) == 0) {
        return rc;
    }
    *ret_changed = true;
    struct fb_value value = fb_value_text(fb_buf_text(&text));
    return fb_store_meta_set(s, "ancestors", &value);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t fb_replica_shared_rev(const char *ours, const struct fb_ancestor *ancestors, size_t count,
                              const struct fb_welcome *w)
{
    int64_t theirs = INT64_MAX;
    for (size_t i = 0; i < w->ancestor_count; i++) {
        theirs = least(theirs, w->ancestors[i].forked_at);
        if (strcmp(w->ancestors[i].id, ours) == 0) {
            return theirs;
        }
        int64_t own = INT64_MAX;
        for (size_t j = 0; j < count; j++) {
            own = least(own, ancestors[j].forked_at);
            if (strcmp(w->ancestors[i].id, ancestors[j].id) == 0) {
                return least(own, theirs);
            }
        }
    }
    return 0;
}
