/* SPDX-License-Identifier: MIT
 *
 * The weekly look over a node's own database (fault A15): a disk may lose what is read only once a year, and a backup or a laptop's
 * unsent work is worth most before it does. A thread of the pool looks, on a connection of its own; all calls are the loop's thread's.
 *
 *     resting -> due -> the pool looks -> well: fb_meta 'looked_at_ms'  -> resting
 *                                      -> damaged, or it failed: logged -> resting, for a day
 */
#ifndef FB_WEB_LOOK_H
#define FB_WEB_LOOK_H

#include "common/net/loop.h"
#include "common/store/store.h"

/* A week: so old a backup is still there (headquarters), so much unsent work is still with its author (a laptop); and to read all pages
 * that often is no burden. */
#define FB_LOOK_EVERY_MS (INT64_C(7) * 24 * 3600 * 1000)
/* So long it waits for an idle moment; and a look that did not end well is repeated after it. */
#define FB_LOOK_WAIT_MS (INT64_C(24) * 3600 * 1000)

struct fb_look {
    struct fb_loop *loop; /* this and the next two: borrowed */
    struct fb_store *writer;
    const char *path;
    enum fb_node node;
    struct fb_store *store; /* under way: the pool's thread has it. NULL: resting */
    int64_t looked_at_ms;   /* wall clock; 0: never */
    int64_t due_since_ms;   /* wall clock; 0: not due */
    int64_t started_ms;     /* wall clock */
    bool is_stopping;
    int err; /* of the look under way */
    struct fb_why why;
    struct fb_why damage; /* what the last look found; "": nothing */
};

/* Reads when the last one was; what cannot be read was never looked at. */
void fb_look_init(struct fb_look *look, struct fb_loop *loop, struct fb_store *writer,
                  const char *path, enum fb_node node);

/* Now and then: begins a look that is due, as soon as the node is idle, or has not been for a day. now_ms: wall clock. */
void fb_look_tick(struct fb_look *look, int64_t now_ms, bool is_idle);

/* The daemon ends: a look under way ends within a moment, and none begins. The loop must not be freed while one is under way. */
void fb_look_stop(struct fb_look *look);
bool fb_look_is_under_way(const struct fb_look *look);

/* What is wrong with the database and what to do, as the last look found it; NULL: nothing. */
const char *fb_look_damage(const struct fb_look *look);

#endif
