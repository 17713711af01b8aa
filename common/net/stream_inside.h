/* SPDX-License-Identifier: MIT
 *
 * The insides of a stream, shared by stream.c (bytes), connect.c (a client's way to a TCP
 * connection) and listener.c.
 *
 *     CONNECTING --> HANDSHAKE --> OPEN --> DRAINING --> LINGERING --> CLOSED
 *         |              |          |          |             |           ^
 *         +--------------+----------+----------+-------------+-----------+
 *
 * DRAINING sends what is left and the TLS farewell; LINGERING has sent all, and FIN, and reads away
 * what the peer still sends until it closes too: closing a socket with unread bytes would send RST,
 * which can overtake our last words (an alert, a refusal).
 */
#ifndef FB_NET_STREAM_INSIDE_H
#define FB_NET_STREAM_INSIDE_H

#include "common/base/buf.h"
#include "common/net/loop_inside.h"
#include "common/net/stream.h"
#include "common/net/tls_inside.h"

#define FB_CIPHER_BYTES_MAX 524288 /* 512 KiB sealed and not sent */
#define FB_LAST_WORDS_MS    1000   /* to read what the peer says while the connection ends */

enum fb_stream_state {
    FB_STREAM_CONNECTING, /* connect.c: names, addresses, proxy */
    FB_STREAM_HANDSHAKE,
    FB_STREAM_OPEN,
    FB_STREAM_DRAINING,
    FB_STREAM_LINGERING,
    FB_STREAM_CLOSED, /* on_close and the end come with the handle's close callback */
};

struct fb_connect;

struct fb_stream {
    uv_tcp_t tcp;
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct fb_loop *loop;
    struct fb_stream *next; /* on loop->streams, and back */
    struct fb_stream *previous;
    struct fb_stream *next_dirty; /* on loop->dirty */
    struct fb_stream *next_timed; /* on loop->timed, and back */
    struct fb_stream *previous_timed;
    struct fb_stream *next_stranger; /* on listener->strangers, oldest first, and back */
    struct fb_stream *previous_stranger;
    const struct fb_stream_calls *calls;
    void *ctx;
    SSL *ssl;                     /* NULL: plain */
    struct fb_listener *listener; /* NULL: a client's stream, or the listener is gone */
    struct fb_connect *connect;   /* a client's, until the handshake is done */
    enum fb_stream_state state;
    bool is_dirty;
    bool is_timed;
    bool is_stranger;
    bool is_paused;
    bool is_above_high;   /* on_writable is owed */
    bool is_write_broken; /* sending failed: only the peer's last words are still read */
    bool has_shutdown;
    int64_t deadline_ms;     /* of the loop's clock; what it means follows from the state */
    size_t stall_queue_size; /* in flight when the stall deadline was set */
    const uint8_t *in;       /* ciphertext being read, in the loop's buffer */
    size_t in_size;
    struct fb_buf plain; /* written, not sealed; from plain_sealed on */
    size_t plain_sealed;
    struct fb_buf cipher; /* sealed, not given to the kernel */
    struct fb_buf flight; /* libuv writes from it: it must not move */
    struct fb_stream_times times;
    struct fb_stream_peer peer;
    struct fb_why *why; /* set when it ended otherwise than agreed; owned */
    int err;
    int64_t sent_bytes;
    int64_t received_bytes;
    uint8_t first[8]; /* what the peer sent first, to tell people when it is no TLS */
    uint8_t first_size;
    int64_t accepted_ms;
};

/* A stream without a connection, in CONNECTING; its TCP handle is initialised. NULL: no memory. */
struct fb_stream *fb_stream_new(struct fb_loop *loop, const struct fb_stream_times *times);

/* The TCP connection is there: sets its options and starts TLS (ssl is owned by the stream from
 * here on; NULL: plain) or is open at once. */
void fb_stream_start(struct fb_stream *stream, SSL *ssl);

/* Ends the stream with a sentence. It becomes CLOSED; a second call does nothing. */
void fb_stream_fail(struct fb_stream *stream, int err, const char *format, ...) FB_PRINTF(3, 4);

/* The same with a sentence that is there already; NULL: err's own. */
void fb_stream_finish(struct fb_stream *stream, int err, const struct fb_why *why);

/* All is sent: FIN, then what comes is read away until the peer closes. */
void fb_stream_linger(struct fb_stream *stream);

/* OpenSSL's last call failed: keeps its reason, sends the alert, lingers. */
void fb_stream_fail_record(struct fb_stream *stream);

/* There is something to seal or send at the turn's end. */
void fb_stream_make_dirty(struct fb_stream *stream);

/* Sends what is sealed. True if the kernel took all of it. */
bool fb_stream_send_cipher(struct fb_stream *stream);

/* Sets or takes away the deadline; 0: none. */
void fb_stream_set_deadline(struct fb_stream *stream, int64_t delay_ms);

/* connect.c: the deadline passed in CONNECTING; and what is to be given back with the stream. */
void fb_connect_timed_out(struct fb_stream *stream);
void fb_connect_drop(struct fb_connect *connect);
const char *fb_connect_host(const struct fb_connect *connect);

/* connect.c: true if the TCP handle is just being renewed, so that its close callback ends the
 * stream. */
bool fb_connect_is_reopening(const struct fb_connect *connect);

/* listener.c: a stream of it is open, no longer a stranger, or gone. */
void fb_listener_stream_opened(struct fb_listener *listener, struct fb_stream *stream);
void fb_listener_stream_refused(struct fb_listener *listener, const struct fb_stream *stream);
void fb_listener_forget_stranger(struct fb_listener *listener, struct fb_stream *stream);

/* The text of a socket address: "127.0.0.1:7443", "[::1]:7443". */
void fb_stream_address_text(const struct sockaddr *address,
                            char ret_text[static FB_STREAM_ADDRESS_SIZE]);

/* Called by the close callback of the TCP handle: on_close, and the end. */
void fb_stream_on_closed(uv_handle_t *handle);

#endif
