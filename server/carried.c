/* SPDX-License-Identifier: MIT
 *
 * A round carried by file: the frames are fed to a session as a connection would, and what it says is the answer.
 *
 *     hello            is answered at once: a laptop that would have to hear the welcome before it goes on needs a connection, and
 *                      nothing of it is taken in
 *     pushes, pull     fed, then settled in one transaction
 *     acks, cut        taken until the cut is whole
 */
#include "server/internal.h"

struct carried {
    struct fb_hub *hub;
    struct fb_server_session *session;
    const struct fb_buf *ask;
    size_t at; /* in the ask */
    int64_t now_ms;
    struct fb_buf *ret;
    size_t read; /* of ret: frames that were looked at */
    struct fb_arena arena;
    struct fb_why *why;
};

static int no_round(struct carried *c)
{
    return fb_fail(c->why, FB_ERR_INVALID,
                   "the file does not hold a round: have the laptop write a new one");
}

/* ---- What the session says ---- */

/* Appends it. */
static int take(struct carried *c)
{
    FB_AUTO(fb_buf_release) struct fb_buf out;
    fb_buf_init(&out, FB_OUTPUT_BYTES_HIGH + 2 * FB_FRAME_BYTES_MAX);
    int rc = fb_server_session_take(c->session, &out, c->now_ms);
    fb_buf_append(c->ret, out.bytes, out.size);
    rc = rc < 0 ? rc : fb_buf_error(c->ret);
    return rc != FB_ERR_LIMIT ? rc
                              : fb_fail(c->why, rc,
                                        "what this laptop is to get is more than a file may hold "
                                        "(%d MiB): its edits are taken in, the rest needs a "
                                        "connection",
                                        FB_CARRIED_BYTES_MAX >> 20);
}

static int decode(struct carried *c, const struct fb_buf *bytes, size_t at, struct fb_message *ret,
                  size_t *ret_size)
{
    int rc =
        fb_frame_find(bytes->bytes + at, bytes->size - at, FB_FRAME_BYTES_MAX, ret_size, c->why);
    rc = rc < 0 || *ret_size == 0 ? FB_ERR_PROTOCOL : rc;
    return rc < 0 ? rc
                  : fb_message_decode(bytes->bytes + at, *ret_size,
                                      fb_store_catalogue(c->hub->store), &c->arena, ret, c->why);
}

/* Looks for a refusal, and for the end of the cut, in what came since. */
static int look(struct carried *c, bool *ret_is_over)
{
    size_t size = 0;
    int rc = FB_OK;
    for (; rc == FB_OK && c->read < c->ret->size; c->read += size) {
        rc = fb_frame_find(c->ret->bytes + c->read, c->ret->size - c->read, FB_FRAME_BYTES_MAX,
                           &size, c->why);
        fb_assert(rc == FB_OK && size > 0);
        *ret_is_over = c->ret->bytes[c->read + 4] == FB_MESSAGE_CUT;
        if (c->ret->bytes[c->read + 4] == FB_MESSAGE_REFUSE) {
            struct fb_message m = {0};
            rc = decode(c, c->ret, c->read, &m, &size);
            return rc < 0 ? rc : fb_fail(c->why, FB_ERR_REFUSED, "%s", fb_text(m.refuse.sentence));
        }
    }
    return rc;
}

/* ---- The greeting ---- */

static int judge(struct carried *c, const struct fb_hello *hello, const struct fb_welcome *w)
{
    if (w->must_wipe) {
        return fb_fail(c->why, FB_ERR_REFUSED,
                       "this laptop's data is to be erased, as an administrator ordered: it must "
                       "connect");
    }
    if (w->verdict == FB_VERDICT_NEW_INCARNATION) {
        return fb_fail(c->why, FB_ERR_REFUSED,
                       "headquarters has newer edits of this laptop than the file, or the laptop "
                       "was restored or copied: have it write a new file; if that is refused as "
                       "well it needs a connection");
    }
    bool goes_on = w->verdict == FB_VERDICT_OK && !w->must_enrol && !w->is_cursor_lost &&
                   w->incarnation == hello->incarnation && hello->cursor > 0 &&
                   hello->cursor >= w->horizon;
    return goes_on ? FB_OK
                   : fb_fail(c->why, FB_ERR_REFUSED,
                             "this laptop needs a connection: headquarters was restored from a "
                             "backup, or the laptop was copied or away for too long. Nothing of "
                             "the file was taken in");
}

static int greet(struct carried *c)
{
    struct fb_message hello = {0};
    struct fb_message welcome = {0};
    size_t size = 0;
    bool is_over = false;
    int rc = decode(c, c->ask, 0, &hello, &size);
    if (rc < 0 || hello.kind != FB_MESSAGE_HELLO) {
        return rc == FB_ERR_NO_MEMORY ? rc : no_round(c);
    }
    rc = fb_server_session_feed(c->session, c->ask->bytes, size, c->now_ms);
    c->at = size;
    rc = rc < 0 ? rc : take(c);
    size_t first = c->read;
    rc = rc < 0 ? rc : look(c, &is_over);
    rc = rc < 0 ? rc : decode(c, c->ret, first, &welcome, &size);
    return rc < 0 ? rc : judge(c, &hello.hello, &welcome.welcome);
}

/* ---- The exchange ---- */

/* Pushes, then one pull, and nothing else. */
static int check_frames(struct carried *c)
{
    const struct fb_buf *ask = c->ask;
    size_t size = 0;
    uint8_t kind = FB_MESSAGE_PUSH_PART;
    for (size_t at = c->at; at < ask->size; at += size) {
        int rc = fb_frame_find(ask->bytes + at, ask->size - at, FB_FRAME_BYTES_MAX, &size, c->why);
        if (rc < 0 || size == 0 || kind != FB_MESSAGE_PUSH_PART) {
            return no_round(c);
        }
        kind = ask->bytes[at + 4];
    }
    return kind == FB_MESSAGE_PULL ? FB_OK : no_round(c);
}

static int feed_rest(struct carried *c)
{
    int rc =
        fb_server_session_feed(c->session, c->ask->bytes + c->at, c->ask->size - c->at, c->now_ms);
    return rc < 0 ? rc : fb_hub_settle(c->hub, c->now_ms);
}

static int take_cut(struct carried *c)
{
    bool is_over = false;
    int rc = FB_OK;
    while (rc == FB_OK && !is_over) {
        size_t before = c->ret->size;
        rc = take(c);
        rc = rc < 0 ? rc : look(c, &is_over);
        if (rc == FB_OK && c->ret->size == before) {
            return FB_ERR_BUSY; /* the disk is full, another program holds the lock */
        }
    }
    return rc;
}

static int answer(struct carried *c)
{
    int rc = greet(c);
    rc = rc < 0 ? rc : check_frames(c);
    rc = rc < 0 ? rc : feed_rest(c);
    return rc < 0 ? rc : take_cut(c);
}

int fb_hub_answer(struct fb_hub *hub, const char *device_id, const struct fb_buf *ask,
                  int64_t now_ms, struct fb_buf *ret, struct fb_why *why)
{
    struct fb_sha256 hash = fb_sha256(ask->bytes, ask->size, NULL, 0);
    fb_buf_append(ret, hash.bytes, sizeof hash.bytes);
    struct carried c = {
        .hub = hub, .ask = ask, .now_ms = now_ms, .ret = ret, .read = ret->size, .why = why};
    int rc = fb_buf_error(ret);
    rc = rc < 0 ? rc : fb_hub_open(hub, device_id, now_ms, &c.session);
    if (rc < 0) {
        return rc;
    }
    fb_arena_init(&c.arena, 0);
    fb_server_session_set_carried(c.session);
    rc = answer(&c);
    if (rc < 0 && why->text[0] == '\0') {
        const char *sentence = fb_server_session_sentence(c.session);
        fb_why_set(why, "%s", sentence[0] != '\0' ? fb_text(sentence) : fb_err_sentence(rc));
    }
    fb_hub_close(hub, c.session);
    fb_arena_release(&c.arena);
    return rc;
}
