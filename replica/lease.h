/* SPDX-License-Identifier: MIT
 *
 * The laptop's lease (common/crm/lease.h) in its file DIR/lease, mode 0600: lines of "name value". A file that is missing counts
 * from the day its certificate was issued, so that deleting it gains nothing.
 *
 * A locked laptop keeps its data; its commands and pages only say that it is locked and how to unlock it. Connecting to
 * headquarters always works.
 */
#ifndef FB_REPLICA_LEASE_H
#define FB_REPLICA_LEASE_H

#include "common/cli/cli.h"
#include "common/crm/lease.h"

/* Reads it and lets its clock go on to now_ms; writes it when FB_LEASE_NOTE_MS went by or it has just locked. */
int fb_replica_lease_read(const char *data, int64_t now_ms, struct fb_lease *ret,
                          struct fb_why *why) FB_MUST_CHECK;
int fb_replica_lease_write(const char *data, const struct fb_lease *l,
                           struct fb_why *why) FB_MUST_CHECK;

/* "locked since ..., how to unlock", in the person's language. */
void fb_replica_lease_say(const struct fb_lease *l, struct fb_why *ret);

/* Tries a code; FB_ERR_REFUSED with a sentence. */
int fb_replica_lease_unlock(const char *data, const char *code, int64_t now_ms,
                            struct fb_why *why) FB_MUST_CHECK;

/* Opens an encrypted folder while the lease runs; closes it for good when that has ended. FB_ERR_REFUSED with the sentence if it is
 * locked. Before anything else is read of the folder. */
int fb_replica_lease_enter(const char *data, struct fb_lease *ret,
                           struct fb_why *why) FB_MUST_CHECK;

/* struct fb_command_node, gate: FB_ERR_REFUSED with that sentence if it is locked, or with wipe.h's if its data was erased;
 * warns when few days are left. */
int fb_replica_lease_gate(const struct fb_cli *cli, const char *data,
                          struct fb_why *why) FB_MUST_CHECK;

#endif
