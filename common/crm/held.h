/* SPDX-License-Identifier: MIT
 *
 * Held edits as people deal with them: who can settle one, asking him, what else hangs on it. Correcting, retrying and discarding are
 * edits of the row's state (by commands here; the API has its own); headquarters applies them (server/held.c).
 */
#ifndef FB_CRM_HELD_H
#define FB_CRM_HELD_H

#include "common/store/store.h"

/* Hands a waiting edit to somebody: it is in his list from his next round on. Inside a transaction. FB_ERR_NOT_FOUND (nobody has
 * that login or id), FB_ERR_INVALID (dealt with already). */
int fb_held_ask(struct fb_store *s, const char *id, const char *person,
                struct fb_why *why) FB_MUST_CHECK;

/* Corrects (with the changes as they shall be, JSON), retries or discards (NULL: as they are) a waiting edit. Inside a transaction.
 * FB_ERR_INVALID: dealt with already. */
int fb_held_set_state(struct fb_store *s, const char *id, const char *state, const char *changes,
                      struct fb_why *why) FB_MUST_CHECK;

/* Who can settle it, the likeliest first: whom somebody asked; where a right is missing or the record is locked the author's manager,
 * else the author himself, then his manager. Calls f with employees' ids; f returns FB_OK to go on. */
typedef int fb_held_person(void *ctx, const char *employee_id);
int fb_held_settlers(struct fb_store *s, const char *id, fb_held_person *f,
                     void *ctx) FB_MUST_CHECK;

/* Other waiting edits that name the same record, or rows of its aggregate: they may succeed once this one does. */
typedef int fb_held_other(void *ctx, const char *held_id, const char *entity,
                          const char *record_id);
int fb_held_hanging(struct fb_store *s, const char *id, fb_held_other *f, void *ctx) FB_MUST_CHECK;

#endif
