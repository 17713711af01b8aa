/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/net/loop_inside.h"

/* After news that led to nothing: the writer may still be syncing (loop.h, fb_watch_new). */
static const uint16_t RETRY_MS[] = {1, 1, 2, 4, 8, 16, 32, 64, 128, 256};
#define RETRIES (sizeof(RETRY_MS) / sizeof(RETRY_MS[0]))

struct fb_watch {
    uv_fs_event_t event;
    uv_timer_t retry;
    uv_timer_t poll;
    struct fb_loop *loop;
    struct fb_watch *next; /* on loop->watches */
    fb_watch_call *call;
    void *ctx;
    size_t retries_done;
    int open_handles;
    bool is_due;
    bool is_freed;
    char name_prefix[]; /* ends with a zero */
};

static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
    struct fb_watch *watch = event->data;
    (void)events;
    /* Without a name, and on errors, anything may have happened. */
    bool is_ours = status < 0 || name == NULL ||
                   strncmp(name, watch->name_prefix, strlen(watch->name_prefix)) == 0;
    if (is_ours) {
        watch->is_due = true;
        watch->retries_done = 0;
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct fb_watch *watch = timer->data;
    watch->is_due = true;
}

static void run(struct fb_watch *watch)
{
    watch->is_due = false;
    bool is_found = watch->call(watch->ctx);
    if (watch->is_freed) {
        return;
    }
    if (is_found) {
        watch->retries_done =
            0; /* the next commit's last write may have been part of the same news */
    }
    if (watch->retries_done == RETRIES) {
        return;
    }
    uv_update_time(&watch->loop->uv);
    uv_timer_start(&watch->retry, on_timer, RETRY_MS[watch->retries_done++], 0);
}

void fb_watch_run_due(struct fb_loop *loop)
{
    struct fb_watch *next = NULL;
    for (struct fb_watch *watch = loop->watches; watch != NULL; watch = next) {
        next = watch->next; /* a call may free its own watch; memory stays until the turn is over */
        if (watch->is_due && !watch->is_freed) {
            run(watch);
        }
    }
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct fb_watch *watch = handle->data;
    if (--watch->open_handles == 0) {
        free(watch);
    }
}

void fb_watch_free(struct fb_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    struct fb_watch **at = &watch->loop->watches;
    while (*at != watch) {
        at = &(*at)->next;
    }
    *at = watch->next;
    watch->is_freed = true;
    watch->open_handles = 3;
    uv_close((uv_handle_t *)&watch->event, on_handle_closed);
    uv_close((uv_handle_t *)&watch->retry, on_handle_closed);
    uv_close((uv_handle_t *)&watch->poll, on_handle_closed);
}

void fb_watch_free_all(struct fb_loop *loop)
{
    while (loop->watches != NULL) {
        fb_watch_free(loop->watches);
    }
}

int fb_watch_new(struct fb_loop *loop, const char *folder, const char *name_prefix, int64_t poll_ms,
                 fb_watch_call *call, void *ctx, struct fb_watch **ret_watch, struct fb_why *why)
{
    size_t size = strlen(name_prefix) + 1;
    struct fb_watch *watch = calloc(1, sizeof(*watch) + size);
    if (watch == NULL) {
        return fb_fail(why, FB_ERR_NO_MEMORY, "there is not enough memory to watch %s", folder);
    }
    memcpy(watch->name_prefix, name_prefix, size);
    watch->loop = loop;
    watch->call = call;
    watch->ctx = ctx;
    watch->retries_done = RETRIES; /* a poll that finds nothing is not repeated */
    uv_fs_event_init(&loop->uv, &watch->event);
    uv_timer_init(&loop->uv, &watch->retry);
    uv_timer_init(&loop->uv, &watch->poll);
    watch->event.data = watch;
    watch->retry.data = watch;
    watch->poll.data = watch;
    watch->next = loop->watches;
    loop->watches = watch;
    int rc = uv_fs_event_start(&watch->event, on_event, folder, 0);
    if (rc != 0) {
        fb_watch_free(watch);
        return fb_fail(why, rc == UV_ENOENT ? FB_ERR_NOT_FOUND : FB_ERR_IO,
                       "%s cannot be watched for changes: %s", folder, uv_strerror(rc));
    }
    if (poll_ms > 0) {
        uv_timer_start(&watch->poll, on_timer, (uint64_t)poll_ms, (uint64_t)poll_ms);
    }
    *ret_watch = watch;
    return FB_OK;
}
