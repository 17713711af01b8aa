/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/sync/replica_internal.h"

#define UNSENT_PUSHES_MAX 200 /* newer ones tell what became of older edits */

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

/* ---- The changes of one row ---- */

struct finding {
    struct fb_store *store;
    const struct fb_entity *entity;
    const char *id;
    fb_unsent_each_change *f;
    void *ctx;
    struct fb_push pushes[UNSENT_PUSHES_MAX];
    size_t push_count;
};

static int keep_push(void *ctx, const struct fb_push *push)
{
    struct finding *f = ctx;
    if (f->push_count < UNSENT_PUSHES_MAX) {
        f->pushes[f->push_count++] = *push;
    }
    return FB_OK;
}

static int tell_journal(void *ctx, const struct fb_change *change)
{
    struct finding *f = ctx;
    bool is_it = change->entity_no == f->entity->no && strcmp(change->row_id, f->id) == 0;
    return is_it ? f->f(f->ctx, change, 0) : FB_OK;
}

static int tell_part(struct finding *f, const struct fb_push *push, int64_t part)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    const uint8_t *bytes = NULL;
    size_t size = 0;
    struct fb_change *changes = NULL;
    size_t count = 0;
    int rc = fb_outbox_part(f->store, push->number, part, &bytes, &size);
    rc = rc < 0 ? rc : fb_changes_read(bytes, size, &arena, &changes, &count, NULL);
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        if (changes[i].entity_no == f->entity->no && strcmp(changes[i].row_id, f->id) == 0) {
            rc = f->f(f->ctx, &changes[i], push->number);
        }
    }
    return rc;
}

int fb_unsent_each(struct fb_store *s, const struct fb_entity *e, const char *id,
                   fb_unsent_each_change *f, void *ctx)
{
    struct finding *finding = calloc(1, sizeof *finding);
    if (finding == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    *finding = (struct finding){.store = s, .entity = e, .id = id, .f = f, .ctx = ctx};
    int rc = fb_journal_each(s, tell_journal, finding);
    rc = rc < 0 ? rc : fb_outbox_each_uncovered(s, keep_push, finding);
    for (size_t i = finding->push_count; rc == FB_OK && i > 0; i--) {
        const struct fb_push *push = &finding->pushes[i - 1];
        for (int64_t part = 0; rc == FB_OK && part < push->parts; part++) {
            rc = tell_part(finding, push, part);
        }
    }
    free(finding);
    return rc;
}
