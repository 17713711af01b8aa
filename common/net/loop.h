/* SPDX-License-Identifier: MIT
 *
 * The event loop: one thread in which everything of a daemon happens, in turns.
 *
 * A turn reads what sockets, timers, signals and watched files have, then calls the turn hook once,
 * then sends what connections were given to send, and only then sleeps. So work gathered while
 * reading (pushes of many devices) can be settled by one commit in the hook, and the answers
 * written there leave in the same turn. Nothing here may be called from another thread except
 * fb_loop_wake(). All callbacks run in the loop's thread.
 */
#ifndef FB_NET_LOOP_H
#define FB_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"

struct fb_loop;
struct fb_timer;
struct fb_watch;

typedef void fb_loop_call(void *ctx);

int fb_loop_new(struct fb_loop **ret_loop) FB_MUST_CHECK;

/* Drops timers, watches, listeners and connections that are still there (connections without a
 * farewell; their on_close comes before this returns) and frees the loop. NULL is fine. False when
 * a name lookup or work of the pool did not end within a second: the loop's memory is then left,
 * and the process should end with _exit(), as exit() would wait for it. */
bool fb_loop_free(struct fb_loop *loop);

/* Runs until fb_loop_stop(). The turn in which stop was called is finished. */
void fb_loop_run(struct fb_loop *loop);
void fb_loop_stop(struct fb_loop *loop);

/* One turn, waiting at most wait_ms for something to happen; for tests and short commands. */
void fb_loop_turn(struct fb_loop *loop, int64_t wait_ms);

/* Milliseconds of a clock that never goes back, read once per turn. */
int64_t fb_loop_now_ms(const struct fb_loop *loop);

/* The hook of each turn, after everything was read and before anything is sent. It is also called
 * when nothing happened, so it must be cheap then. One per loop; NULL takes it away. */
void fb_loop_on_turn(struct fb_loop *loop, fb_loop_call *call, void *ctx);

/* The one call other threads (and signal handlers) may make: the hook runs soon, once for any
 * number of wakes. */
void fb_loop_wake(struct fb_loop *loop);

/* SIGTERM, SIGINT and SIGHUP come here from now on instead of ending the process. One per loop. */
int fb_loop_on_signal(struct fb_loop *loop, void (*call)(void *ctx, int signal),
                      void *ctx) FB_MUST_CHECK;

/* Runs work on a thread of the pool (password hashes: at most four at once), then done in the
 * loop's thread. The loop must not be freed before done was called. */
int fb_loop_work(struct fb_loop *loop, fb_loop_call *work, fb_loop_call *done,
                 void *ctx) FB_MUST_CHECK;

/* A timer, at first not set. */
int fb_timer_new(struct fb_loop *loop, fb_loop_call *call, void *ctx,
                 struct fb_timer **ret_timer) FB_MUST_CHECK;
void fb_timer_free(struct fb_timer *timer); /* NULL is fine; also from inside its own call */

/* Fires once after delay_ms, then every repeat_ms (0: once). Setting it again replaces what was
 * set. */
void fb_timer_set(struct fb_timer *timer, int64_t delay_ms, int64_t repeat_ms);
void fb_timer_stop(struct fb_timer *timer);
bool fb_timer_is_set(const struct fb_timer *timer);

/* Told that a file may have changed: returns true if there was something new, false if not (always
 * true would mean to be asked again every millisecond). */
typedef bool fb_watch_call(void *ctx);

/* Watches the files of a folder whose names begin with name_prefix ("fieldbook.db" for the database
 * and its -wal), including files made later. The call comes in the same turn as the news, once for
 * any number of writes.
 *
 * A writer's last write to the WAL can be seen before its commit: it still syncs, and then tells
 * other processes through shared memory, which no watch sees. So after each news, and after each
 * call that returned true (a second writer may have been between its write and its commit), the call
 * comes again after 1, 1, 2, 4 ... 256 ms. poll_ms is for file systems that tell nothing and for
 * slower disks: the call comes at least that often (0: never).
 * FB_ERR_NOT_FOUND or FB_ERR_IO with a sentence. */
int fb_watch_new(struct fb_loop *loop, const char *folder, const char *name_prefix, int64_t poll_ms,
                 fb_watch_call *call, void *ctx, struct fb_watch **ret_watch,
                 struct fb_why *why) FB_MUST_CHECK;
void fb_watch_free(struct fb_watch *watch); /* NULL is fine; also from inside its own call */

#endif
