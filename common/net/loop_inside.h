/* SPDX-License-Identifier: MIT
 *
 * The insides of the loop, for the files of this folder.
 */
#ifndef FB_NET_LOOP_INSIDE_H
#define FB_NET_LOOP_INSIDE_H

#include <uv.h>

#include "common/net/loop.h"

/* Bytes are read into one buffer of the loop and decrypted into another: an idle connection holds
 * none. */
#define FB_LOOP_READ_BYTES 65536 /* 64 KiB */

struct fb_stream;
struct fb_listener;

struct fb_loop {
    uv_loop_t uv;
    uv_prepare_t before_sleep; /* ends the turn for what timers and close callbacks did */
    uv_check_t after_reading;  /* ends the turn for what was read */
    /* active while a stream has more to send at once: the loop then does not sleep */
    uv_idle_t restless;
    uv_async_t wake;
    uv_timer_t sweep;    /* runs while streams have deadlines */
    uv_timer_t patience; /* of fb_loop_turn() */
    uv_signal_t signals[3];
    bool has_signals;
    fb_loop_call *on_turn;
    void *on_turn_ctx;
    void (*on_signal)(void *ctx, int signal);
    void *on_signal_ctx;
    struct fb_watch *watches;
    struct fb_stream *streams; /* all of them */
    /* have output to seal and send at the turn's end; a stream is there once */
    struct fb_stream *dirty;
    struct fb_stream *timed; /* have a deadline */
    struct fb_listener *listeners;
    uint8_t *read_bytes;  /* FB_LOOP_READ_BYTES of ciphertext */
    uint8_t *plain_bytes; /* FB_LOOP_READ_BYTES of plaintext */
};

/* watch.c: calls the watches whose files changed in this turn. */
void fb_watch_run_due(struct fb_loop *loop);
void fb_watch_free_all(struct fb_loop *loop);

/* stream.c: sends what the dirty streams have. Returns true if some have more to send at once. */
bool fb_stream_flush_dirty(struct fb_loop *loop);
void fb_stream_sweep(struct fb_loop *loop);
void fb_stream_abort_all(struct fb_loop *loop);

/* listener.c. Where accepting paused, looks again for strangers that dawdle; called while streams
 * have deadlines, and strangers in their handshake have. */
void fb_listener_retry(struct fb_loop *loop);
void fb_listener_free_all(struct fb_loop *loop);

#endif
