/* SPDX-License-Identifier: MIT
 *
 * Rights of people, as last loaded: thrown away when a row they follow from changes, and after a while, since memberships have dates.
 */
#include <stdlib.h>

#include "server/internal.h"

#define RIGHTS_KEPT    64
#define RIGHTS_LIFE_MS 60000

struct fb_kept_rights {
    struct fb_rights *rights; /* NULL: free */
    int64_t epoch;
    int64_t loaded_at_ms;
    int64_t used; /* greater: later */
};

bool fb_rights_follow_from(const struct fb_entity *e)
{
    static const char *const NAMES[] = {"role",          "role_permission", "role_field",
                                        "employee_role", "employee",        "team",
                                        "team_member",   "territory",       "territory_member"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (strcmp(e->name, NAMES[i]) == 0) {
            return true;
        }
    }
    return false;
}

static struct fb_kept_rights *find_place(struct fb_hub *hub, const char *employee_id)
{
    struct fb_kept_rights *oldest = &hub->rights[0];
    for (size_t i = 0; i < RIGHTS_KEPT; i++) {
        struct fb_kept_rights *kept = &hub->rights[i];
        if (kept->rights != NULL && strcmp(fb_rights_employee(kept->rights), employee_id) == 0) {
            return kept;
        }
        if (kept->used < oldest->used) {
            oldest = kept;
        }
    }
    return oldest;
}

int fb_hub_rights(struct fb_hub *hub, const char *employee_id, int64_t now_ms,
                  struct fb_rights **ret)
{
    if (hub->rights == NULL) {
        hub->rights = calloc(RIGHTS_KEPT, sizeof *hub->rights);
        if (hub->rights == NULL) {
            return FB_ERR_NO_MEMORY;
        }
    }
    struct fb_kept_rights *kept = find_place(hub, employee_id);
    bool is_fresh = kept->rights != NULL && kept->epoch == hub->rights_epoch &&
                    fb_rights_catalogue(kept->rights) == fb_store_catalogue(hub->store) &&
                    now_ms >= kept->loaded_at_ms && now_ms < kept->loaded_at_ms + RIGHTS_LIFE_MS &&
                    strcmp(fb_rights_employee(kept->rights), employee_id) == 0;
    if (!is_fresh) {
        struct fb_rights *rights = NULL;
        int rc = fb_rights_load(hub->store, employee_id, now_ms, &rights);
        if (rc < 0) {
            return rc;
        }
        fb_rights_free(kept->rights);
        *kept = (struct fb_kept_rights){
            .rights = rights, .epoch = hub->rights_epoch, .loaded_at_ms = now_ms};
    }
    kept->used = ++hub->rights_used;
    fb_rights_forget(kept->rights);
    *ret = kept->rights;
    return FB_OK;
}

void fb_hub_forget_rights(struct fb_hub *hub)
{
    for (size_t i = 0; hub->rights != NULL && i < RIGHTS_KEPT; i++) {
        fb_rights_free(hub->rights[i].rights);
    }
    free(hub->rights);
    hub->rights = NULL;
}
