/* SPDX-License-Identifier: MIT
 *
 * The server's side of a round: one session per connection.
 *
 *                    hello                      pull                    pushes settled
 *     GREETING ---------------> IN_STEP ------------------> WAITING ------------------> CUTTING
 *         |                     ^ |  ^ push part, ping        |                            |
 *         |                     | |  '--- (also in WAITING)   |                            |
 *         |                     | '---------- poke ->         |                            |
 *         |                     '-----------------------------|------- cut or chunk -------'
 *         | refused, broken     | refused, broken             | refused, broken            |
 *         v                     v                             v                            v
 *      CLOSING <---------------------------------------------------------------------------'
 *         | refuse is out
 *         v
 *       CLOSED
 *
 * Happy path: hello, welcome (and the catalogue if it is newer); push parts, acks; pull; the catalogue
 * if a newer one is in force since, and frames of the cut, produced only while the output is below FB_OUTPUT_BYTES_HIGH; then pokes and pings until
 * the next push or pull. What fails: a frame that comes in a state its row of the table does not
 * name, or that cannot be decoded, is answered with REFUSE and the end; an error of the hub ends
 * the connection at once, the laptop comes again.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/planted.h"
#include "common/sync/sync.h"

#define RETRY_MS 100 /* the hub was busy: ask again */

enum session_state { GREETING, IN_STEP, WAITING, CUTTING, CLOSING, CLOSED, STATE_COUNT };

#define IN(state) (1u << (state))

static const unsigned allowed_next[STATE_COUNT] = {
    [GREETING] = IN(IN_STEP) | IN(CLOSING),
    [IN_STEP] = IN(WAITING) | IN(CLOSING),
    [WAITING] = IN(CUTTING) | IN(CLOSING),
    [CUTTING] = IN(IN_STEP) | IN(CLOSING),
    [CLOSING] = IN(CLOSED),
    [CLOSED] = 0,
};

struct fb_server_session {
    const struct fb_server_ops *ops;
    struct fb_store *store;
    void *owner;
    char device_id[FB_ROW_ID_SIZE];
    enum session_state state;
    struct fb_buf in;           /* a frame that is not whole yet */
    struct fb_buf out;          /* small messages that wait for take */
    struct fb_arena arena;      /* of the message being handled */
    struct fb_arena pull_arena; /* of the pull that waits or is answered */
    struct fb_message pull;
    struct fb_why why;

    int64_t clock_offset_ms; /* ours minus the laptop's, as its hello said */
    int64_t known_catalogue; /* version that the laptop has, or that was sent to it */
    int64_t pushed;          /* newest push that came whole */
    int64_t acked;           /* newest that is settled */
    int64_t poke_rev;        /* 0: nothing to tell */
    bool pokes_scopes;       /* ... that changed by date */
    bool has_cut_open;
    bool is_carried; /* by file */

    int64_t now_ms;
    int64_t opened_at_ms;
    int64_t heard_at_ms; /* last byte of the laptop, or last room for a cut: somebody reads */
    int64_t sent_at_ms;  /* last frame to it */
    int64_t frame_at_ms; /* when the frame that is not whole began; 0: none */
    int64_t retry_at_ms; /* WAITING: not before; 0: at once */
};

int fb_server_session_new(const struct fb_server_ops *ops, struct fb_store *store,
                          const char *device_id, int64_t now_ms, struct fb_server_session **ret)
{
    struct fb_server_session *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    s->ops = ops;
    s->store = store;
    memcpy(s->device_id, device_id, strnlen(device_id, FB_ROW_ID_SIZE - 1));
    fb_buf_init(&s->in, FB_FRAME_BYTES_MAX + 64);
    fb_buf_init(&s->out, FB_OUTPUT_BYTES_HIGH + 2 * FB_CATALOGUE_BYTES_MAX);
    fb_arena_init(&s->arena, 0);
    fb_arena_init(&s->pull_arena, 0);
    s->now_ms = now_ms;
    s->opened_at_ms = now_ms;
    s->heard_at_ms = now_ms;
    s->sent_at_ms = now_ms;
    *ret = s;
    return FB_OK;
}

static void close_cut(struct fb_server_session *s)
{
    if (s->has_cut_open) {
        s->has_cut_open = false;
        s->ops->cut_close(s->ops->ctx, s);
        fb_arena_release(&s->pull_arena);
    }
}

void fb_server_session_free(struct fb_server_session *s)
{
    if (s == NULL) {
        return;
    }
    close_cut(s);
    fb_buf_release(&s->in);
    fb_buf_release(&s->out);
    fb_arena_release(&s->arena);
    fb_arena_release(&s->pull_arena);
    free(s);
}

static void move(struct fb_server_session *s, enum session_state to)
{
    fb_assert((allowed_next[s->state] & IN(to)) != 0);
    if (s->state == CUTTING) {
        close_cut(s);
    }
    s->state = to;
    s->retry_at_ms = 0;
}

static int queue(struct fb_server_session *s, const struct fb_message *m)
{
    s->sent_at_ms = s->now_ms;
    s->ops->wake(s->ops->ctx, s);
    return fb_message_encode(m, &s->out);
}

void fb_server_session_refuse(struct fb_server_session *s, enum fb_refusal reason,
                              const char *sentence)
{
    fb_server_session_refuse_until(s, reason, sentence, 0);
}

void fb_server_session_refuse_until(struct fb_server_session *s, enum fb_refusal reason,
                                    const char *sentence, int64_t retry_after_ms)
{
    if (s->state == CLOSING || s->state == CLOSED) {
        return;
    }
    fb_why_set(&s->why, "%s", sentence);
    move(s, CLOSING);
    struct fb_message m = {
        .kind = FB_MESSAGE_REFUSE,
        .refuse = {.reason = reason, .sentence = s->why.text, .retry_after_ms = retry_after_ms}};
    fb_ignore(queue(s, &m), "the connection ends either way");
}

static int refuse_protocol(struct fb_server_session *s, const char *sentence)
{
    fb_server_session_refuse(s, FB_REFUSAL_PROTOCOL, sentence);
    return FB_OK;
}

/* ---- One function per message ---- */

/* Ahead of rows that need it: a laptop skips columns it does not know, and nobody would send them again. */
static int send_catalogue(struct fb_server_session *s, const struct fb_catalogue *c)
{
    if (c == NULL || c->version <= s->known_catalogue) {
        return FB_OK;
    }
    s->known_catalogue = c->version;
    struct fb_message m = {.kind = FB_MESSAGE_CATALOGUE,
                           .catalogue = {.version = c->version,
                                         .document = c->document,
                                         .document_size = c->document_size}};
    return queue(s, &m);
}

static int receive_hello(struct fb_server_session *s, const struct fb_message *m)
{
    const struct fb_hello *hello = &m->hello;
    if (strcmp(hello->device_id, s->device_id) != 0) {
        return refuse_protocol(s, "the hello names another device than the certificate");
    }
    struct fb_admission a = {0};
    int rc = s->ops->admit(s->ops->ctx, s->device_id, hello, s->now_ms, &a);
    if (rc < 0) {
        return rc;
    }
    if (a.refusal != FB_REFUSAL_NONE) {
        fb_server_session_refuse_until(s, a.refusal, a.sentence, a.retry_after_ms);
        return FB_OK;
    }
    s->clock_offset_ms = s->now_ms - hello->now_ms;
    if (s->is_carried && s->clock_offset_ms > 0) {
        s->clock_offset_ms = 0; /* so long it was on the way, or its clock is slow: nobody knows */
    }
    s->pushed = s->acked = a.welcome.seen;
    s->known_catalogue = hello->catalogue_version;
    move(s, IN_STEP);
    struct fb_message welcome = {.kind = FB_MESSAGE_WELCOME, .welcome = a.welcome};
    welcome.welcome.now_ms = s->now_ms;
    rc = queue(s, &welcome);
    return rc < 0 || a.welcome.verdict == FB_VERDICT_TOO_OLD
               ? rc
               : send_catalogue(s, fb_store_catalogue(s->store));
}

static int receive_push_part(struct fb_server_session *s, const struct fb_message *m)
{
    const struct fb_push_part *part = &m->push_part;
    if (part->part < 0 || part->parts < 1 || part->part >= part->parts ||
        part->parts > FB_PUSH_PARTS_MAX) {
        return refuse_protocol(s, "a part of a push has a number that cannot be");
    }
    if (part->part == part->parts - 1) {
        s->pushed = part->number;
        s->acked = s->acked < part->number ? s->acked : part->number - 1;
    }
    return s->ops->push_part(s->ops->ctx, s, part, s->clock_offset_ms, s->now_ms);
}

static const char **keep_texts(struct fb_arena *arena, const char **texts, size_t count)
{
    const char **kept = fb_arena_alloc(arena, (count + 1) * sizeof *kept);
    for (size_t i = 0; kept != NULL && i < count; i++) {
        kept[i] = fb_arena_strdup(arena, texts[i]);
        kept = kept[i] == NULL ? NULL : kept;
    }
    return kept;
}

/* The pull outlives its frame: it waits for pushes to be settled, and is read while the cut is
 * made. */
static int keep_pull(struct fb_server_session *s, const struct fb_pull *pull)
{
    struct fb_arena *arena = &s->pull_arena;
    fb_arena_clear(arena);
    s->pull = (struct fb_message){.kind = FB_MESSAGE_PULL, .pull = *pull};
    struct fb_pull *kept = &s->pull.pull;
    kept->position = (const uint8_t *)fb_arena_copy(arena, pull->position, pull->position_size);
    kept->scopes = keep_texts(arena, pull->scopes, pull->scope_count);
    kept->repair = keep_texts(arena, pull->repair, pull->repair_count);
    kept->same = keep_texts(arena, pull->same, pull->same_count);
    bool is_whole = kept->position != NULL && kept->scopes != NULL && kept->repair != NULL &&
                    kept->same != NULL;
    return is_whole ? FB_OK : FB_ERR_NO_MEMORY;
}

static int receive_pull(struct fb_server_session *s, const struct fb_message *m)
{
    int rc = keep_pull(s, &m->pull);
    if (rc == FB_OK) {
        move(s, WAITING);
        s->ops->wake(s->ops->ctx, s);
    }
    return rc;
}

static int receive_ping(struct fb_server_session *s, const struct fb_message *m)
{
    struct fb_message pong = {.kind = FB_MESSAGE_PONG, .ping_ms = m->ping_ms};
    return queue(s, &pong);
}

static int receive_pong(struct fb_server_session *s, const struct fb_message *m)
{
    (void)s;
    (void)m;
    return FB_OK;
}

/* A laptop says why it leaves; the reason is for the log. */
static int receive_refuse(struct fb_server_session *s, const struct fb_message *m)
{
    fb_why_set(&s->why, "the laptop closed: %s",
               m->refuse.sentence == NULL ? "" : m->refuse.sentence);
    return FB_ERR_REFUSED;
}

static int receive_wiped(struct fb_server_session *s, const struct fb_message *m)
{
    return s->ops->wiped(s->ops->ctx, s, m->wiped_unsent, s->now_ms);
}

static const struct handler {
    enum fb_message_kind kind;
    unsigned states;
    int (*receive)(struct fb_server_session *s, const struct fb_message *m);
} handlers[] = {
    {FB_MESSAGE_HELLO, IN(GREETING), receive_hello},
    {FB_MESSAGE_PUSH_PART, IN(IN_STEP) | IN(WAITING) | IN(CUTTING), receive_push_part},
    {FB_MESSAGE_PULL, IN(IN_STEP), receive_pull},
    {FB_MESSAGE_PING, IN(IN_STEP) | IN(WAITING) | IN(CUTTING), receive_ping},
    {FB_MESSAGE_PONG, IN(IN_STEP) | IN(WAITING) | IN(CUTTING), receive_pong},
    {FB_MESSAGE_WIPED, IN(GREETING), receive_wiped},
    {FB_MESSAGE_REFUSE, IN(GREETING) | IN(IN_STEP) | IN(WAITING) | IN(CUTTING), receive_refuse},
};

/* ---- Bytes in ---- */

static int receive_frame(struct fb_server_session *s, const uint8_t *frame, size_t size)
{
    fb_arena_clear(&s->arena);
    struct fb_message m = {0};
    int rc = fb_message_decode(frame, size, fb_store_catalogue(s->store), &s->arena, &m, &s->why);
    if (rc == FB_ERR_NO_MEMORY) {
        return rc;
    }
    if (rc < 0) {
        struct fb_why why = s->why;
        return refuse_protocol(s, why.text);
    }
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
        if (handlers[i].kind == m.kind && (handlers[i].states & IN(s->state)) != 0) {
            return handlers[i].receive(s, &m);
        }
    }
    return refuse_protocol(s, "a message came out of order");
}

/* Handles the whole frames at the beginning of bytes; *ret_used is their size. */
static int receive_frames(struct fb_server_session *s, const uint8_t *bytes, size_t size,
                          size_t *ret_used)
{
    size_t used = 0;
    int rc = FB_OK;
    while (rc == FB_OK && used < size && s->state != CLOSING && s->state != CLOSED) {
        size_t body_max =
            s->state == GREETING ? FB_FRAME_BYTES_BEFORE_AUTH_MAX : FB_FRAME_BYTES_MAX;
        size_t frame = 0;
        struct fb_why why = {""};
        rc = fb_frame_find(bytes + used, size - used, body_max, &frame, &why);
        if (rc < 0) {
            rc = refuse_protocol(s, why.text);
            break;
        }
        if (frame == 0) {
            break;
        }
        rc = receive_frame(s, bytes + used, frame);
        used += frame;
    }
    fb_arena_release(&s->arena);
    *ret_used = used;
    return rc;
}

int fb_server_session_feed(struct fb_server_session *s, const uint8_t *bytes, size_t size,
                           int64_t now_ms)
{
    s->now_ms = now_ms;
    s->heard_at_ms = now_ms;
    if (s->state == CLOSING || s->state == CLOSED) {
        return FB_OK; /* what comes after a refusal is not read */
    }
    size_t used = 0;
    int rc = FB_OK;
    while (rc == FB_OK && size > 0 && s->in.size > 0) {
        /* A frame that began earlier: take over as much as one frame can be. */
        size_t room = s->in.size_max - s->in.size;
        size_t more = size < room ? size : room;
        fb_buf_append(&s->in, bytes, more);
        rc = fb_buf_error(&s->in);
        bytes += more;
        size -= more;
        if (rc == FB_OK) {
            rc = receive_frames(s, s->in.bytes, s->in.size, &used);
            fb_buf_consume(&s->in, used);
            s->frame_at_ms = used > 0 ? now_ms : s->frame_at_ms;
        }
        if (s->state == CLOSING) {
            return rc;
        }
    }
    if (rc == FB_OK && size > 0) {
        rc = receive_frames(s, bytes, size, &used);
        if (rc == FB_OK && used < size && s->state != CLOSING) {
            fb_buf_append(&s->in, bytes + used, size - used);
            rc = fb_buf_error(&s->in);
            s->frame_at_ms = now_ms;
        }
    }
    s->frame_at_ms = s->in.size == 0 ? 0 : s->frame_at_ms;
    if (s->in.size == 0 && s->in.capacity > FB_FRAME_BYTES_BEFORE_AUTH_MAX) {
        fb_buf_release(&s->in); /* an idle connection keeps nothing */
        fb_buf_init(&s->in, FB_FRAME_BYTES_MAX + 64);
    }
    return rc;
}

/* ---- Bytes out ---- */

static bool has_unsettled(const struct fb_server_session *s)
{
    return s->acked < s->pushed;
}

static int open_cut(struct fb_server_session *s)
{
    if (has_unsettled(s) || s->now_ms < s->retry_at_ms) {
        return FB_OK;
    }
    int rc = s->ops->cut_open(s->ops->ctx, s, &s->pull.pull, s->now_ms);
    if (rc == FB_ERR_BUSY || rc == FB_ERR_DISK_FULL) {
        s->retry_at_ms = s->now_ms + RETRY_MS;
        return FB_OK;
    }
    s->has_cut_open = rc == FB_OK;
    if (s->state != WAITING) { /* what was sealed before the cut shuts this laptop out */
        close_cut(s);
        return rc;
    }
    if (rc == FB_OK) {
        s->pokes_scopes = false;
        s->poke_rev = 0; /* the cut shows all that was committed until now */
        move(s, CUTTING);
        rc = FB_BUG(CATALOGUE_ONLY_AT_WELCOME)
                 ? FB_OK
                 : send_catalogue(s, s->ops->cut_catalogue(s->ops->ctx));
    }
    return rc;
}

static int continue_cut(struct fb_server_session *s, struct fb_buf *out)
{
    int rc = FB_OK;
    while (rc == FB_OK && s->state == CUTTING && out->size < FB_OUTPUT_BYTES_HIGH) {
        bool is_over = false;
        rc = s->ops->cut_next(s->ops->ctx, s, out, &is_over);
        s->sent_at_ms = s->heard_at_ms = s->now_ms;
        if (rc == FB_OK && is_over) {
            move(s, IN_STEP);
        }
    }
    return rc;
}

static int send_poke(struct fb_server_session *s)
{
    struct fb_message m = {.kind = FB_MESSAGE_POKE,
                           .poke = {.rev = s->poke_rev, .scopes = s->pokes_scopes}};
    s->poke_rev = 0;
    s->pokes_scopes = false;
    return queue(s, &m);
}

static int send_ping(struct fb_server_session *s)
{
    struct fb_message m = {.kind = FB_MESSAGE_PING, .ping_ms = s->now_ms};
    return queue(s, &m);
}

static int64_t dead_at_ms(const struct fb_server_session *s)
{
    if (s->state == GREETING) {
        return s->opened_at_ms + FB_FIRST_FRAME_MS_MAX;
    }
    int64_t dead_ms = s->heard_at_ms + FB_DEAD_MS;
    int64_t frame_ms = s->frame_at_ms > 0 ? s->frame_at_ms + FB_FRAME_MS_MAX : INT64_MAX;
    return dead_ms < frame_ms ? dead_ms : frame_ms;
}

static int produce(struct fb_server_session *s)
{
    if (s->state == WAITING) {
        return open_cut(s);
    }
    if (s->state == IN_STEP && s->poke_rev > 0) {
        return send_poke(s);
    }
    if (s->state == IN_STEP && s->now_ms >= s->sent_at_ms + FB_PING_MS) {
        return send_ping(s);
    }
    return FB_OK;
}

int fb_server_session_take(struct fb_server_session *s, struct fb_buf *out, int64_t now_ms)
{
    s->now_ms = now_ms;
    if (s->state == CLOSED) {
        return FB_ERR_REFUSED;
    }
    if (s->state != CLOSING && now_ms >= dead_at_ms(s)) {
        fb_why_set(&s->why, "nothing was heard of the laptop for too long");
        return FB_ERR_UNREACHABLE;
    }
    int rc = s->state == CLOSING ? FB_OK : produce(s);
    /* What is queued was decided earlier: an ack goes before the first frame of the cut. */
    fb_buf_append(out, s->out.bytes, s->out.size);
    fb_buf_clear(&s->out);
    if (s->out.capacity > FB_FRAME_BYTES_BEFORE_AUTH_MAX) {
        fb_buf_release(&s->out); /* a catalogue went out: an idle connection keeps nothing */
        fb_buf_init(&s->out, FB_OUTPUT_BYTES_HIGH + 2 * FB_CATALOGUE_BYTES_MAX);
    }
    if (s->state == CLOSING) {
        move(s, CLOSED);
        return rc;
    }
    if (rc == FB_OK) {
        rc = continue_cut(s, out);
    }
    return rc < 0 ? rc : fb_buf_error(out);
}

int64_t fb_server_session_deadline_ms(const struct fb_server_session *s)
{
    if (s->state == CLOSING || s->state == CLOSED) {
        return s->now_ms;
    }
    int64_t at_ms = dead_at_ms(s);
    if (s->state == WAITING && !has_unsettled(s) && s->retry_at_ms < at_ms) {
        return s->retry_at_ms;
    }
    if (s->state == IN_STEP && s->sent_at_ms + FB_PING_MS < at_ms) {
        return s->sent_at_ms + FB_PING_MS;
    }
    return at_ms;
}

/* ---- From the hub and for the shell ---- */

void fb_server_session_acked(struct fb_server_session *s, int64_t number)
{
    s->acked = number > s->acked ? number : s->acked;
    if (s->state == GREETING || s->state == CLOSING || s->state == CLOSED) {
        return;
    }
    struct fb_message m = {.kind = FB_MESSAGE_ACK, .ack = {.number = number}};
    if (queue(s, &m) < 0) {
        fb_server_session_refuse(s, FB_REFUSAL_BUSY,
                                 "there is not enough memory for an answer; try again");
    }
}

void fb_server_session_poked(struct fb_server_session *s, int64_t rev)
{
    s->poke_rev = rev > s->poke_rev ? rev : s->poke_rev;
    s->ops->wake(s->ops->ctx, s);
}

void fb_server_session_scopes_changed(struct fb_server_session *s, int64_t rev)
{
    s->pokes_scopes = true;
    fb_server_session_poked(s, rev > 0 ? rev : 1);
}

void fb_server_session_set_carried(struct fb_server_session *s)
{
    s->is_carried = true;
}

const char *fb_server_session_sentence(const struct fb_server_session *s)
{
    return s->why.text;
}

const char *fb_server_session_device(const struct fb_server_session *s)
{
    return s->device_id;
}

bool fb_server_session_is_greeted(const struct fb_server_session *s)
{
    return s->state == IN_STEP || s->state == WAITING || s->state == CUTTING;
}

void fb_server_session_set_owner(struct fb_server_session *s, void *owner)
{
    s->owner = owner;
}

void *fb_server_session_owner(const struct fb_server_session *s)
{
    return s->owner;
}
