/* SPDX-License-Identifier: MIT
 *
 * Who may come in, and as which life of its device (rules 22, 23). The device's row decides; headquarters issues incarnations. A
 * laptop that lacks the push headquarters saw last, or has another under its number, was restored or copied: it gets a new one.
 */
#include <stdio.h>
#include <string.h>

#include "common/store/history_pack.h"
#include "server/internal.h"
#include "server/rewound.h"
#include "server/timeline.h"

#define PENDING_RETRY_MS 5000 /* somebody is comparing the check just now */

static const struct {
    const char *state;
    enum fb_refusal refusal;
    int64_t retry_after_ms;
    const char *sentence;
} STATES[] = {
    {"pending", FB_REFUSAL_UNKNOWN_DEVICE, PENDING_RETRY_MS,
     "This laptop waits for an administrator's approval."},
    {"suspended", FB_REFUSAL_SUSPENDED, 0, "This laptop is suspended; ask your administrator."},
    {"revoked", FB_REFUSAL_REVOKED, 0,
     "This laptop was revoked; ask your administrator for a new enrolment code."},
    {"wiped", FB_REFUSAL_WIPE, 0,
     "This laptop's data is to be erased, as an administrator ordered."},
};

static void read_state(const char *state, bool takes_unsent, struct fb_standing *ret)
{
    for (size_t i = 0; i < sizeof STATES / sizeof STATES[0]; i++) {
        if (strcmp(state, STATES[i].state) == 0) {
            ret->refusal = STATES[i].refusal;
            ret->sentence = STATES[i].sentence;
            ret->retry_after_ms = STATES[i].retry_after_ms;
        }
    }
    ret->must_wipe = ret->refusal == FB_REFUSAL_WIPE && takes_unsent;
    if (ret->must_wipe || strcmp(state, "active") == 0) {
        ret->refusal = FB_REFUSAL_NONE;
    }
}

int fb_hub_device_standing(struct fb_store *s, const char *device_id, struct fb_standing *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    *ret = (struct fb_standing){
        .refusal = FB_REFUSAL_UNKNOWN_DEVICE,
        .sentence = "Headquarters does not know this laptop; ask your administrator for an "
                    "enrolment code."};
    int rc = fb_sql_begin(s,
                          "SELECT d.state, d.employee_id, l.wipe_takes_unsent AND l.wiped_at_ms IS "
                          "NULL FROM device d LEFT JOIN fb_device_life l ON l.device_id = d.id AND "
                          "l.wipe_ordered_at_ms IS NOT NULL WHERE d.id = ?1",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, device_id);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc;
    }
    const char *state = fb_sql_text(q, 0);
    const char *employee = fb_sql_text(q, 1);
    if (state != NULL && employee != NULL && strlen(employee) == FB_ROW_ID_SIZE - 1) {
        memcpy(ret->employee_id, employee, FB_ROW_ID_SIZE);
        read_state(state, fb_sql_int(q, 2) != 0, ret);
    }
    return FB_OK;
}

static int read_seen(struct fb_sql *q, int64_t *ret_number, struct fb_sha256 *ret_hash,
                     bool *ret_found)
{
    int rc = fb_sql_step(q);
    *ret_found = rc == FB_SQL_ROW;
    if (rc == FB_SQL_ROW) {
        struct fb_value hash = fb_sql_value(q, 1);
        *ret_number = fb_sql_int(q, 0);
        if (hash.type == FB_BLOB && hash.size == sizeof ret_hash->bytes) {
            memcpy(ret_hash->bytes, hash.bytes, hash.size);
        }
    }
    return rc < 0 ? rc : FB_OK;
}

int fb_hub_seen(struct fb_store *s, int64_t incarnation, int64_t *ret_number,
                struct fb_sha256 *ret_hash)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s, "SELECT number, hash FROM fb_seen WHERE incarnation = ?1 ORDER BY number DESC LIMIT 1",
        &q);
    if (rc < 0) {
        return rc;
    }
    bool is_found = false;
    *ret_number = 0;
    *ret_hash = (struct fb_sha256){{0}};
    fb_sql_bind_int(q, 1, incarnation);
    return read_seen(q, ret_number, ret_hash, &is_found);
}

int fb_hub_seen_hash(struct fb_store *s, int64_t incarnation, int64_t number, struct fb_sha256 *ret,
                     bool *ret_found)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s, "SELECT number, hash FROM fb_seen WHERE incarnation = ?1 AND number = ?2", &q);
    if (rc < 0) {
        return rc;
    }
    int64_t found = 0;
    fb_sql_bind_int(q, 1, incarnation);
    fb_sql_bind_int(q, 2, number);
    return read_seen(q, &found, ret, ret_found);
}

/* ---- Incarnations ---- */

static int run_with(struct fb_store *s, const char *sql, int64_t a, const char *b, int64_t c)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, sql, &q);
    if (rc < 0) {
        return rc;
    }
    if (a > 0) {
        fb_sql_bind_int(q, 1, a);
    } else {
        fb_sql_bind_null(q, 1);
    }
    fb_sql_bind_text(q, 2, b);
    fb_sql_bind_int(q, 3, c);
    return fb_sql_run(q);
}

static int last_incarnation(struct fb_store *s, int64_t *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "SELECT max(id) FROM fb_incarnation", &q);
    rc = rc < 0 ? rc : fb_sql_step(q);
    *ret = rc == FB_SQL_ROW ? fb_sql_int(q, 0) : 0;
    return rc < 0 ? rc : FB_OK;
}

/* The life of the device that took this one's place; 0: none did. */
static int superseded_by(struct fb_store *s, int64_t incarnation, int64_t *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc =
        fb_sql_begin(s, "SELECT coalesce(superseded_by, 0) FROM fb_incarnation WHERE id = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, incarnation);
    rc = fb_sql_step(q);
    *ret = rc == FB_SQL_ROW ? fb_sql_int(q, 0) : 0;
    return rc < 0 ? rc : FB_OK;
}

/* In a transaction of its own. id > 0: exactly that one, which a restored backup has forgotten. other > 0: a life that only hands in what a
 * superseded copy holds, while the other goes on. It takes nobody's place before the laptop names it: a welcome may be lost. */
static int issue(struct fb_store *s, const char *device_id, int64_t id, int64_t other,
                 int64_t now_ms, int64_t *ret)
{
    int64_t issued = id;
    int rc = fb_store_begin(s);
    if (rc < 0) {
        return rc;
    }
    rc = run_with(s, "INSERT INTO fb_incarnation (id, device_id, issued_at_ms) VALUES (?1, ?2, ?3)",
                  id, device_id, now_ms);
    rc = rc < 0 || id > 0 ? rc : last_incarnation(s, &issued);
    if (rc == FB_OK && other > 0) {
        rc = run_with(
            s, "UPDATE fb_incarnation SET superseded_by = ?1 WHERE device_id = ?2 AND id = ?3",
            other, device_id, issued);
    }
    if (rc < 0) {
        fb_store_rollback(s);
        return rc;
    }
    *ret = issued;
    return fb_store_commit(s);
}

static int has_older_lives(struct fb_store *s, const char *device_id, int64_t incarnation,
                           bool *ret)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s,
                          "SELECT 1 FROM fb_incarnation WHERE device_id = ?1 AND id < ?2 AND "
                          "superseded_by IS NULL",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, device_id);
    fb_sql_bind_int(q, 2, incarnation);
    rc = fb_sql_step(q);
    *ret = rc == FB_SQL_ROW;
    return rc < 0 ? rc : FB_OK;
}

/* The laptop goes by this life now: whoever shows up with an older one is a copy (C2). */
static int take_place(struct fb_store *s, const char *device_id, int64_t incarnation)
{
    bool has_older = false;
    int rc = has_older_lives(s, device_id, incarnation, &has_older);
    rc = rc < 0 || !has_older ? rc : fb_store_begin(s);
    if (rc < 0 || !has_older) {
        return rc;
    }
    rc = run_with(s,
                  "UPDATE fb_incarnation SET superseded_by = ?1"
                  " WHERE device_id = ?2 AND superseded_by IS NULL AND id < ?3",
                  incarnation, device_id, incarnation);
    if (rc < 0) {
        fb_store_rollback(s);
        return rc;
    }
    return fb_store_commit(s);
}

static int owner_of(struct fb_store *s, int64_t incarnation, char ret_device[static FB_ROW_ID_SIZE])
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    ret_device[0] = '\0';
    int rc = fb_sql_begin(s, "SELECT device_id FROM fb_incarnation WHERE id = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, incarnation);
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        snprintf(ret_device, FB_ROW_ID_SIZE, "%s", fb_sql_text(q, 0));
    }
    return rc < 0 ? rc : FB_OK;
}

/* Does the laptop's newest push fit what was seen of its incarnation? Fills seen and its hash. */
static int compare_chain(struct fb_store *s, const struct fb_hello *hello, struct fb_welcome *w,
                         bool *ret_fits)
{
    int rc = fb_hub_seen(s, hello->incarnation, &w->seen, &w->seen_hash);
    struct fb_sha256 hash = {{0}};
    bool is_known = false;
    if (rc == FB_OK && hello->last_number > 0) {
        rc = fb_hub_seen_hash(s, hello->incarnation, hello->last_number, &hash, &is_known);
    }
    if (rc < 0) {
        return rc;
    }
    bool is_same =
        !is_known || fb_sha256_equal(&hash, &hello->last_hash) || FB_BUG(HASH_CHAIN_IGNORED);
    *ret_fits = is_same && hello->last_number >= w->seen;
    if (!*ret_fits) {
        bool is_shared = is_known && is_same;
        w->seen = is_shared ? hello->last_number : 0;
        w->seen_hash = is_shared ? hash : (struct fb_sha256){{0}};
    }
    return FB_OK;
}

static int choose_incarnation(struct fb_peer *peer, const struct fb_hello *hello, int64_t now_ms,
                              struct fb_welcome *w)
{
    struct fb_store *s = peer->hub->store;
    char owner[FB_ROW_ID_SIZE] = "";
    int rc = hello->incarnation > 0 ? owner_of(s, hello->incarnation, owner) : FB_OK;
    if (rc < 0) {
        return rc;
    }
    bool is_own = strcmp(owner, peer->device_id) == 0;
    bool is_other_history =
        hello->timeline[0] != '\0' && strcmp(hello->timeline, peer->hub->timeline) != 0;
    bool fits = false;
    w->incarnation = hello->incarnation;
    w->verdict = is_other_history ? FB_VERDICT_NEW_TIMELINE : FB_VERDICT_OK;
    int64_t other = 0;
    if (is_own) {
        rc = compare_chain(s, hello, w, &fits);
        rc = rc < 0 ? rc : superseded_by(s, hello->incarnation, &other);
        w->must_enrol = other > 0;
        rc = rc < 0 || other > 0 ? rc : take_place(s, peer->device_id, hello->incarnation);
    } else if (hello->incarnation > 0 && owner[0] == '\0' && is_other_history) {
        return issue(s, peer->device_id, hello->incarnation, 0, now_ms, &w->incarnation);
    }
    fits = fits && (!hello->is_copied || other > 0);
    if (rc < 0 || fits) {
        return rc;
    }
    if (hello->incarnation > 0) {
        w->verdict = FB_VERDICT_NEW_INCARNATION;
    }
    rc = issue(s, peer->device_id, 0, other, now_ms, &w->incarnation);
    /* Two that took the connection from each other: the other one is there and is the copy, or they would go on in turns. */
    return rc < 0 || !hello->is_copied ? rc : take_place(s, peer->device_id, w->incarnation);
}

static int find_staged(struct fb_store *s, struct fb_welcome *w)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s, "SELECT count(*) FROM fb_staged_part WHERE incarnation = ?1 AND number = ?2", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, w->incarnation);
    fb_sql_bind_int(q, 2, w->seen + 1);
    rc = fb_sql_step(q);
    w->staged_parts = rc == FB_SQL_ROW && w->verdict == FB_VERDICT_OK ? fb_sql_int(q, 0) : 0;
    w->staged_number = w->staged_parts > 0 ? w->seen + 1 : 0;
    return rc < 0 ? rc : FB_OK;
}

/* What stands before the numbers people read: unique for each life of a device, so that a copied laptop counts apart. */
static void make_prefix(int64_t incarnation, char *ret, size_t size)
{
    static const char DIGITS[] = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"; /* without I and O */
    char reversed[16];
    size_t count = 0;
    for (int64_t n = incarnation; n > 0 && count < sizeof reversed;
         n /= (int64_t)(sizeof DIGITS - 1)) {
        reversed[count++] = DIGITS[n % (int64_t)(sizeof DIGITS - 1)];
    }
    size_t used = 0;
    ret[used++] = 'L';
    while (count > 0 && used + 1 < size) {
        ret[used++] = reversed[--count];
    }
    ret[used] = '\0';
}

/* It hands in what it has, and gets nothing: it is to erase its data, or one of the two programs to be updated. */
static void take_only(struct fb_peer *peer, const struct fb_hello *hello, bool must_wipe,
                      struct fb_welcome *w)
{
    peer->must_wipe = must_wipe;
    peer->is_other_release = !must_wipe;
    w->must_wipe = must_wipe;
    w->verdict = FB_VERDICT_TOO_OLD; /* which programs know that know nothing of wiping */
    w->catalogue_version = hello->catalogue_version;
}

static int refuse(struct fb_admission *ret, enum fb_refusal refusal, const char *sentence)
{
    ret->refusal = refusal;
    snprintf(ret->sentence, sizeof ret->sentence, "%s", sentence);
    return FB_OK;
}

static int look_for_newer_catalogue(struct fb_store *s)
{
    if (fb_store_in_transaction(s)) {
        return FB_OK;
    }
    int rc = fb_store_read_begin(s);
    if (rc == FB_OK) {
        fb_store_read_end(s);
    }
    return rc;
}

int fb_hub_admit(struct fb_peer *peer, const struct fb_hello *hello, int64_t now_ms,
                 struct fb_admission *ret)
{
    struct fb_store *s = peer->hub->store;
    struct fb_welcome *w = &ret->welcome;
    struct fb_standing st = {.refusal = FB_REFUSAL_NONE};
    const char *sentence = NULL;
    if (hello->protocol == 0 ||
        (hello->protocol > FB_PROTOCOL_VERSION && FB_BUG(NEWER_LAPTOP_REFUSED))) {
        return refuse(ret, FB_REFUSAL_PROTOCOL, "a hello names no version of the protocol");
    }
    int rc = fb_hub_device_standing(s, peer->device_id, &st);
    if (rc < 0 || st.refusal != FB_REFUSAL_NONE) {
        ret->retry_after_ms = st.retry_after_ms;
        return rc < 0 ? rc : refuse(ret, st.refusal, st.sentence);
    }
    memcpy(peer->employee_id, st.employee_id, sizeof peer->employee_id);
    rc = fb_history_head(s, &w->rev);
    if (rc < 0) {
        return rc;
    }
    rc = fb_hub_check_claims(peer, hello, now_ms, &sentence);
    if (rc == FB_OK && sentence != NULL) {
        return refuse(ret, FB_REFUSAL_REWOUND, fb_text(sentence));
    }
    rc = rc < 0 ? rc : choose_incarnation(peer, hello, now_ms, w);
    if (rc == FB_ERR_BUSY || rc == FB_ERR_DISK_FULL) {
        return refuse(ret, FB_REFUSAL_BUSY, "Headquarters cannot write just now; try again later.");
    }
    rc = rc < 0 ? rc : find_staged(s, w);
    /* A command may have put a newer one there since the last transaction of this connection. */
    rc = rc < 0 ? rc : look_for_newer_catalogue(s);
    const struct fb_catalogue *c = fb_store_catalogue(s);
    make_prefix(w->incarnation, peer->number_prefix, sizeof peer->number_prefix);
    memcpy(w->timeline, peer->hub->timeline, sizeof w->timeline);
    bool is_known = true;
    rc = rc < 0 ? rc : fb_hub_is_in_chain(s, hello->cursor, &hello->log_head, &is_known);
    w->is_cursor_lost = !is_known;
    rc = rc < 0 ? rc : fb_history_horizon(s, &w->horizon);
    fb_arena_clear(&peer->arena);
    rc = rc < 0 ? rc
                : fb_timeline_ancestors(s, w->timeline, &peer->arena, &w->ancestors,
                                        &w->ancestor_count);
    memcpy(w->employee_id, peer->employee_id, sizeof w->employee_id);
    w->number_prefix = peer->number_prefix;
    w->lease_ms = peer->hub->lease_ms;
    w->catalogue_version = c == NULL ? 0 : c->version;
    ret->catalogue_version = w->catalogue_version;
    peer->incarnation = w->incarnation;
    w->protocol = FB_PROTOCOL_VERSION;
    bool is_near =
        hello->protocol >= FB_PROTOCOL_PULLS_MIN && hello->protocol <= FB_PROTOCOL_VERSION;
    if ((st.must_wipe && !FB_BUG(WIPED_LAPTOP_SERVED)) ||
        (!is_near && !FB_BUG(OTHER_RELEASE_PULLS))) {
        take_only(peer, hello, st.must_wipe, w);
    }
    fb_hub_note_hello(peer, hello, now_ms);
    return rc < 0 ? rc : fb_peer_scopes(peer, s, now_ms);
}
