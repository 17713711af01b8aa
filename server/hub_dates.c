/* SPDX-License-Identifier: MIT
 *
 * What changes because a date has come, though nobody writes: memberships and grants of connected devices, rules of territories, the
 * history limit (history_limit.c). Whoever is not connected learns of it with the next pull. The caller has the clock
 * (fb_hub_deadline_ms).
 */
#include "common/base/log.h"
#include "server/internal.h"
#include "server/territory.h"

int64_t fb_hub_deadline_ms(const struct fb_hub *hub)
{
    int64_t due_ms = hub->peers_due_ms < hub->rules_due_ms ? hub->peers_due_ms : hub->rules_due_ms;
    return hub->history_due_ms < due_ms ? hub->history_due_ms : due_ms;
}

static int poke_peers(struct fb_hub *hub, int64_t now_ms)
{
    int64_t head = 0;
    if (now_ms < hub->peers_due_ms) {
        return FB_OK;
    }
    int rc = fb_history_head(hub->store, &head);
    if (rc < 0) {
        return rc;
    }
    hub->peers_due_ms = INT64_MAX;
    for (struct fb_peer *peer = hub->peers; peer != NULL; peer = peer->next) {
        int64_t *next_ms = &peer->scopes.next_date_ms;
        if (peer->scopes_epoch != 0 && *next_ms <= now_ms) {
            peer->scopes_epoch = 0;
            *next_ms = INT64_MAX;
            fb_server_session_scopes_changed(peer->session, head);
        }
        if (peer->scopes_epoch != 0 && *next_ms < hub->peers_due_ms) {
            hub->peers_due_ms = *next_ms;
        }
    }
    return FB_OK;
}

/* A rule that cannot be read stops nobody's work: it is logged, and told whoever applies the rules by hand. */
static int assign(struct fb_hub *hub, int64_t now_ms)
{
    struct fb_territory_result result = {.companies = 0};
    struct fb_why why = {""};
    const struct fb_territory_ask ask = {.now_ms = now_ms};
    int rc = fb_store_begin(hub->store);
    if (rc < 0) {
        return rc;
    }
    rc = fb_territory_apply(hub->store, &ask, &result, &why);
    if (rc < 0) {
        fb_store_rollback(hub->store);
        if (rc != FB_ERR_INVALID && rc != FB_ERR_LIMIT) {
            return rc;
        }
        fb_log(FB_LOG_ERROR, "territories_not_assigned", "reason=%s", fb_log_quote(why.text));
        return FB_OK;
    }
    fb_log(FB_LOG_INFO, "territories_assigned", "moved=%zu", result.move_count);
    fb_territory_result_release(&result);
    return fb_store_commit(hub->store);
}

static int meet_rules(struct fb_hub *hub, int64_t now_ms)
{
    int rc = FB_OK;
    if (hub->are_rule_dates_known && now_ms < hub->rules_due_ms) {
        return FB_OK;
    }
    if (hub->are_rule_dates_known) {
        rc = assign(hub, now_ms);
    }
    rc = rc < 0 ? rc : fb_territory_next_date(hub->store, now_ms, &hub->rules_due_ms);
    hub->are_rule_dates_known = rc == FB_OK;
    return rc;
}

int fb_hub_meet_dates(struct fb_hub *hub, int64_t now_ms)
{
    int rc = poke_peers(hub, now_ms);
    return rc < 0 ? rc : meet_rules(hub, now_ms);
}
