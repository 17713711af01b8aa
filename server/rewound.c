/* SPDX-License-Identifier: MIT */
#include "server/rewound.h"

#include <stdio.h>

#include "server/internal.h"
#include "server/timeline.h"

static const char REWOUND[] =
    "Headquarters was set back to an older state and waits for its administrator. Your edits are "
    "safe on this laptop and will be sent once that is settled.";

static int note(struct fb_hub *hub, const char *text)
{
    struct fb_value value = fb_value_text(text);
    int rc = fb_store_begin(hub->store);
    if (rc < 0) {
        return rc;
    }
    rc = fb_store_meta_set(hub->store, "rewound", &value);
    if (rc < 0) {
        fb_store_rollback(hub->store);
        return rc;
    }
    rc = fb_store_commit(hub->store);
    if (rc < 0) {
        return rc;
    }
    snprintf(hub->rewound, sizeof hub->rewound, "%s", text);
    for (struct fb_peer *peer = hub->peers; peer != NULL; peer = peer->next) {
        if (fb_server_session_is_greeted(peer->session)) {
            fb_server_session_refuse(peer->session, FB_REFUSAL_REWOUND, fb_text(REWOUND));
        }
    }
    return FB_OK;
}

int fb_hub_is_in_chain(struct fb_store *s, int64_t rev, const struct fb_sha256 *hash, bool *ret)
{
    static const struct fb_sha256 UNKNOWN;
    struct fb_sha256 here;
    *ret = true;
    if (rev == 0 || fb_sha256_equal(hash, &UNKNOWN)) {
        return FB_OK;
    }
    int rc = fb_history_rev_hash(s, rev, &here);
    *ret = rc == FB_OK && fb_sha256_equal(&here, hash);
    return rc;
}

static bool is_forked_from_ours(const struct fb_hub *hub, const struct fb_hello *hello)
{
    for (size_t i = 0; i < hello->ancestor_count; i++) {
        if (strcmp(hello->ancestors[i], hub->timeline) == 0) {
            return true;
        }
    }
    return false;
}

/* The rev that the laptop names, and the log's head at it, must be this database's. */
static int check_rev(struct fb_hub *hub, const struct fb_peer *peer, int64_t rev,
                     const struct fb_sha256 *log_head, char *ret_why, size_t size)
{
    int64_t head = 0;
    bool is_known = true;
    int rc = fb_history_head(hub->store, &head);
    rc = rc < 0 ? rc : fb_hub_is_in_chain(hub->store, rev, log_head, &is_known);
    if (rc == FB_OK && rev > head) {
        snprintf(ret_why, size, fb_text("laptop %s has revision %lld, this database ends at %lld"),
                 peer->device_id, (long long)rev, (long long)head);
    } else if (rc == FB_OK && !is_known) {
        snprintf(ret_why, size,
                 fb_text("laptop %s has another revision %lld than this database: it was set back "
                         "and went on, or its log was rewritten"),
                 peer->device_id, (long long)rev);
    }
    return rc;
}

/* The same timeline: cursor, download and acknowledged pushes must be known here. */
static int check_same(struct fb_hub *hub, const struct fb_peer *peer, const struct fb_hello *hello,
                      char *ret_why, size_t size)
{
    int64_t seen = 0;
    struct fb_sha256 hash;
    int rc = check_rev(hub, peer, hello->cursor, &hello->log_head, ret_why, size);
    if (rc == FB_OK && ret_why[0] == '\0') {
        rc = check_rev(hub, peer, hello->stage_rev, &hello->stage_head, ret_why, size);
    }
    rc = rc < 0 ? rc : fb_hub_seen(hub->store, hello->incarnation, &seen, &hash);
    if (rc < 0) {
        return rc;
    }
    if (ret_why[0] == '\0' && hello->incarnation > 0 && hello->acked_number > seen) {
        snprintf(ret_why, size,
                 fb_text("laptop %s had push %lld acknowledged, this database knows %lld"),
                 peer->device_id, (long long)hello->acked_number, (long long)seen);
    }
    return FB_OK;
}

static int check_fork(struct fb_hub *hub, const char *timeline, int64_t rev,
                      const struct fb_sha256 *log_head)
{
    int64_t shared = 0;
    bool is_known = true;
    int rc = fb_timeline_shared_rev(hub->store, hub->timeline, timeline, &shared);
    rc = rc < 0 || rev > shared ? rc : fb_hub_is_in_chain(hub->store, rev, log_head, &is_known);
    return rc < 0 || is_known || FB_BUG(FORK_TOO_LATE)
               ? rc
               : fb_timeline_part_before(hub->store, timeline, rev);
}

/* A timeline that the present one was forked from. Whoever set the database back by hand says so when a laptop has shown it; what was
 * written until then stands in both histories by number, but not by content. */
static int check_lost(struct fb_hub *hub, const struct fb_hello *hello)
{
    int rc = check_fork(hub, hello->timeline, hello->cursor, &hello->log_head);
    return rc < 0 ? rc : check_fork(hub, hello->timeline, hello->stage_rev, &hello->stage_head);
}

int fb_hub_check_claims(struct fb_peer *peer, const struct fb_hello *hello, int64_t now_ms,
                        const char **ret_sentence)
{
    struct fb_hub *hub = peer->hub;
    char why[FB_WHY_SIZE] = "";
    int rc = FB_OK;
    (void)now_ms;
    *ret_sentence = NULL;
    if (FB_BUG(REWIND_NOT_NOTICED)) {
        return FB_OK;
    }
    if (hub->rewound[0] == '\0' && is_forked_from_ours(hub, hello)) {
        snprintf(why, sizeof why,
                 fb_text("laptop %s comes from a headquarters that was restored from a backup of "
                         "this one: this is the old copy"),
                 peer->device_id);
    } else if (hub->rewound[0] == '\0' && strcmp(hello->timeline, hub->timeline) == 0) {
        rc = check_same(hub, peer, hello, why, sizeof why);
    } else if (hub->rewound[0] == '\0') {
        rc = check_lost(hub, hello);
    }
    rc = rc < 0 || why[0] == '\0' ? rc : note(hub, why);
    *ret_sentence = hub->rewound[0] == '\0' ? NULL : REWOUND;
    return rc;
}

int fb_hub_check_mark(struct fb_hub *hub, const char *timeline, int64_t rev,
                      const struct fb_sha256 *hash)
{
    char why[FB_WHY_SIZE];
    bool is_known = true;
    if (hub->rewound[0] != '\0' || strcmp(timeline, hub->timeline) != 0) {
        return FB_OK;
    }
    int rc = fb_hub_is_in_chain(hub->store, rev, hash, &is_known);
    if (rc < 0 || is_known) {
        return rc;
    }
    snprintf(why, sizeof why,
             fb_text("the mark beside the database says that it was at revision %lld, which is not "
                     "in it: a file was put back or fieldbook.db-wal was deleted"),
             (long long)rev);
    return note(hub, why);
}

int fb_hub_read_standing(struct fb_hub *hub)
{
    hub->rewound[0] = '\0';
    int rc = fb_store_meta_text(hub->store, "rewound", hub->rewound, sizeof hub->rewound);
    if (rc == FB_ERR_NOT_FOUND) {
        hub->rewound[0] = '\0';
        rc = FB_OK;
    }
    rc = rc < 0 ? rc : fb_history_limit(hub->store, &hub->history_from_ms);
    fb_scope_cache_limit(hub->scopes, hub->history_from_ms);
    char timeline[FB_ROW_ID_SIZE] = "";
    rc = rc < 0 ? rc : fb_store_meta_text(hub->store, "timeline", timeline, sizeof timeline);
    if (rc == FB_OK && strcmp(timeline, hub->timeline) != 0) {
        memcpy(hub->timeline, timeline, sizeof hub->timeline);
        for (struct fb_peer *peer = hub->peers; peer != NULL; peer = peer->next) {
            if (fb_server_session_is_greeted(peer->session)) {
                fb_server_session_refuse(peer->session, FB_REFUSAL_BUSY,
                                         fb_text("Headquarters was restored; connect again."));
            }
        }
    }
    return rc;
}

const char *fb_hub_rewound_why(const struct fb_hub *hub)
{
    return hub->rewound[0] == '\0' ? NULL : hub->rewound;
}
