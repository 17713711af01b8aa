/* SPDX-License-Identifier: MIT
 *
 * Devices that may not stay: suspended, revoked and told to erase their data while they are connected; and what the hub notes of
 * the lives of devices (device_life.h), gathered in memory and written with the next transaction.
 *
 * A device that is to be wiped and may hand in what it has is let in anew, to push alone: it is sent away once, comes back, and its
 * welcome tells it. What an administrator decided counts for every push behind it, in the same transaction too (fault D4).
 */
#include <stdio.h>
#include <stdlib.h>

#include "server/device_life.h"
#include "server/internal.h"

#define COME_BACK_MS 1000

/* ---- Out ---- */

/* By what its row says now: its live connections, and the pushes of it that wait. */
static int recheck(struct fb_hub *hub, const char *device_id)
{
    struct fb_standing st;
    int rc = fb_hub_device_standing(hub->store, device_id, &st);
    if (rc < 0 || (st.refusal == FB_REFUSAL_NONE && !st.must_wipe) ||
        FB_BUG(SUSPENDED_STAYS_CONNECTED)) {
        return rc;
    }
    for (struct fb_peer *peer = *fb_hub_bucket(hub, device_id); peer != NULL;
         peer = peer->bucket_next) {
        if (strcmp(peer->device_id, device_id) != 0 || (st.must_wipe && peer->must_wipe)) {
            continue;
        }
        if (st.must_wipe) {
            fb_server_session_refuse_until(
                peer->session, FB_REFUSAL_BUSY,
                "an administrator's order waits for this laptop: it comes with the next connection",
                COME_BACK_MS);
        } else {
            fb_server_session_refuse_until(peer->session, st.refusal, st.sentence,
                                           st.retry_after_ms);
        }
    }
    /* Nothing of it that is not committed is merged (D4). */
    for (struct fb_push_in **at = &hub->queue; *at != NULL;) {
        struct fb_push_in *q = *at;
        bool is_gone = strcmp(q->device_id, device_id) == 0 &&
                       (st.refusal != FB_REFUSAL_NONE || q->peer == NULL || !q->peer->must_wipe);
        if (!is_gone) {
            at = &q->next;
            continue;
        }
        *at = q->next;
        fb_hub_push_free(q);
    }
    hub->queue_end = &hub->queue;
    while (*hub->queue_end != NULL) {
        hub->queue_end = &(*hub->queue_end)->next;
    }
    return FB_OK;
}

int fb_hub_recheck_devices(struct fb_hub *hub)
{
    int rc = FB_OK;
    for (struct fb_peer *peer = hub->peers; rc == FB_OK && peer != NULL; peer = peer->next) {
        if (fb_server_session_is_greeted(peer->session)) {
            rc = recheck(hub, peer->device_id);
        }
    }
    return rc;
}

int fb_hub_is_out(struct fb_hub *hub, const struct fb_push_in *q, bool *ret)
{
    *ret = false;
    if (!hub->has_device_changes || FB_BUG(SUSPENDED_PUSH_MERGED)) {
        return FB_OK;
    }
    struct fb_standing st;
    int rc = fb_hub_device_standing(hub->store, q->device_id, &st);
    *ret = rc == FB_OK && (st.refusal != FB_REFUSAL_NONE ||
                           (st.must_wipe && (q->peer == NULL || !q->peer->must_wipe)));
    return rc;
}

int fb_hub_wiped(struct fb_peer *peer, struct fb_server_session *session, int64_t unsent,
                 int64_t now_ms)
{
    struct fb_hub *hub = peer->hub;
    bool is_ordered = false;
    int rc = fb_store_begin(hub->store);
    if (rc < 0) {
        return rc;
    }
    rc = fb_device_note_wiped(hub->store, peer->device_id, unsent, now_ms, &is_ordered);
    if (rc < 0) {
        fb_store_rollback(hub->store);
        return rc;
    }
    rc = fb_store_commit(hub->store);
    if (rc == FB_OK) {
        fb_server_session_refuse(session, is_ordered ? FB_REFUSAL_WIPE : FB_REFUSAL_PROTOCOL,
                                 is_ordered ? "noted: this laptop's data is erased"
                                            : "nobody ordered this laptop to be erased");
    }
    return rc;
}

/* ---- What is noted of lives ---- */

static struct fb_life_note *note_of(struct fb_hub *hub, const char *device_id)
{
    for (size_t i = 0; i < hub->life_count; i++) {
        if (strcmp(hub->lives[i].device_id, device_id) == 0) {
            return &hub->lives[i];
        }
    }
    if (hub->life_count == FB_LIVES_NOTED_MAX) {
        return NULL; /* a fleet at once: the next contact notes it */
    }
    if (hub->lives == NULL) {
        hub->lives = calloc(FB_LIVES_NOTED_MAX, sizeof *hub->lives);
    }
    if (hub->lives == NULL) {
        return NULL;
    }
    struct fb_life_note *note = &hub->lives[hub->life_count++];
    *note = (struct fb_life_note){.unsent = -1};
    memcpy(note->device_id, device_id, FB_ROW_ID_SIZE);
    return note;
}

void fb_hub_note_hello(struct fb_peer *peer, const struct fb_hello *hello, int64_t now_ms)
{
    struct fb_life_note *note = note_of(peer->hub, peer->device_id);
    if (note != NULL) {
        note->hello_at_ms = now_ms;
        note->unsent = hello->unsent;
        snprintf(note->app_version, sizeof note->app_version, "%s",
                 hello->app_version == NULL ? "" : hello->app_version);
    }
}

void fb_hub_note_cut(struct fb_peer *peer, int64_t rev, int64_t now_ms)
{
    struct fb_life_note *note = note_of(peer->hub, peer->device_id);
    if (note != NULL) {
        note->cut_at_ms = now_ms;
        note->cut_rev = rev;
        note->unsent = 0; /* a pull follows the pushes */
    }
}

int fb_hub_save_lives(struct fb_hub *hub)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < hub->life_count; i++) {
        rc = fb_device_note_life(hub->store, &hub->lives[i]);
    }
    return rc;
}

int fb_hub_note_lives(struct fb_hub *hub)
{
    if (hub->life_count == 0) {
        return FB_OK;
    }
    int rc = fb_store_begin(hub->store);
    if (rc < 0) {
        return rc;
    }
    rc = fb_hub_save_lives(hub);
    if (rc < 0) {
        fb_store_rollback(hub->store);
        return rc;
    }
    rc = fb_store_commit(hub->store);
    hub->life_count = rc == FB_OK ? 0 : hub->life_count;
    return rc;
}
