/* SPDX-License-Identifier: MIT
 *
 * Which scopes a device holds, worked out by headquarters and by nobody else:
 *
 *     global; employee:ID of its person
 *     team:ID        teams he belongs to or leads, with the teams below those he leads
 *     territory:ID   territories of which he is a member or manager, or somebody below him is, with the subtree below each
 *     company:ID     companies in these territories; owned by him or somebody below him; that he (or a record of theirs) has in a
 *                    record team
 *     grants         a territory or a company for one device, until they expire
 *     company:*, territory:*, team:*   for whom a role lets read all companies; and where the catalogue has no territories
 *
 * Who is below whom: employee.manager_id. Design: docs/decisions/0022-scopes-of-a-device.md.
 */
#ifndef FB_SERVER_DEVICE_SCOPES_H
#define FB_SERVER_DEVICE_SCOPES_H

#include "common/sync/sync.h"

/* People, teams and territories as they were at a rev: shared by all devices. */
struct fb_structure;
int fb_structure_load(struct fb_store *s, int64_t rev, struct fb_structure **ret) FB_MUST_CHECK;
void fb_structure_free(struct fb_structure *structure);
/* Do rows of this entity make the structure? */
bool fb_structure_has(const char *entity);

struct fb_device_scopes {
    struct fb_arena arena;
    struct fb_scope_list list;
    struct fb_scope_list people; /* he himself and everybody below him: ids */
    int64_t valid_until_ms;      /* the next midnight, or before that a grant expires */
    int64_t next_date_ms; /* a membership begins or ends, a grant expires; INT64_MAX: never */
};

/* At the structure's rev; companies only if with_companies (they are read as they are now). */
int fb_device_scopes_find(struct fb_store *s, const struct fb_structure *structure,
                          const char *device_id, const char *employee_id, int64_t now_ms,
                          bool with_companies, struct fb_device_scopes *ret) FB_MUST_CHECK;
void fb_device_scopes_release(struct fb_device_scopes *scopes);

#endif
