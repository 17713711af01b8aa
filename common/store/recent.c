/* SPDX-License-Identifier: MIT */
#include "common/store/recent.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/store/inside.h"

struct list {
    struct fb_recent_row *rows;
    size_t count;
    size_t capacity;
    bool is_incomplete; /* more than fits, or no memory */
};

struct fb_recent {
    pthread_mutex_t lock;
    struct list committed; /* under the lock */
    struct list open;      /* of the transaction under way: the writer's alone */
};

int fb_recent_new(struct fb_recent **ret)
{
    struct fb_recent *r = calloc(1, sizeof *r);
    if (r == NULL || pthread_mutex_init(&r->lock, NULL) != 0) {
        free(r);
        return FB_ERR_NO_MEMORY;
    }
    r->committed.is_incomplete = true;
    *ret = r;
    return FB_OK;
}

void fb_recent_free(struct fb_recent *r)
{
    if (r != NULL) {
        pthread_mutex_destroy(&r->lock);
        free(r->committed.rows);
        free(r->open.rows);
        free(r);
    }
}

void fb_store_set_recent(struct fb_store *store, struct fb_recent *recent)
{
    store->recent = recent;
}

static void add(struct list *list, const struct fb_recent_row *rows, size_t count)
{
    if (list->is_incomplete) {
        return;
    }
    if (list->count + count > FB_RECENT_ROWS_MAX) {
        list->is_incomplete = true;
        return;
    }
    if (list->count + count > list->capacity) {
        size_t capacity = 2 * list->capacity > list->count + count ? 2 * list->capacity
                                                                   : list->count + count + 16;
        struct fb_recent_row *grown = realloc(list->rows, capacity * sizeof *grown);
        if (grown == NULL) {
            list->is_incomplete = true;
            return;
        }
        list->rows = grown;
        list->capacity = capacity;
    }
    memcpy(list->rows + list->count, rows, count * sizeof *rows);
    list->count += count;
}

void fb_recent_note(struct fb_store *store, uint32_t entity_no,
                    const char id[static FB_ROW_ID_SIZE])
{
    if (store->recent != NULL) {
        struct fb_recent_row row = {.entity_no = entity_no};
        memcpy(row.id, id, sizeof row.id);
        add(&store->recent->open, &row, 1);
    }
}

void fb_recent_end(struct fb_store *store, bool is_committed)
{
    struct fb_recent *r = store->recent;
    if (r == NULL) {
        return;
    }
    if (is_committed && (r->open.count > 0 || r->open.is_incomplete)) {
        pthread_mutex_lock(&r->lock);
        if (r->open.is_incomplete) {
            r->committed.is_incomplete = true;
        } else {
            add(&r->committed, r->open.rows, r->open.count);
        }
        pthread_mutex_unlock(&r->lock);
    }
    r->open.count = 0;
    r->open.is_incomplete = false;
}

void fb_recent_take(struct fb_recent *r, struct fb_recent_row **ret, size_t *ret_count,
                    bool *ret_complete)
{
    pthread_mutex_lock(&r->lock);
    *ret = r->committed.rows;
    *ret_count = r->committed.is_incomplete ? 0 : r->committed.count;
    *ret_complete = !r->committed.is_incomplete;
    r->committed = (struct list){0};
    pthread_mutex_unlock(&r->lock);
}
