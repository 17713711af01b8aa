/* SPDX-License-Identifier: MIT
 *
 * The numbered files of upgrades/ as constants, and the step that runs what a file lacks; for this
 * folder only.
 *
 * An upgrade is one transaction: the texts of the missing numbers in their order, "both" before the
 * node's own, and the file's version (PRAGMA user_version) last (faults.md E12).
 */
#ifndef FB_STORE_UPGRADE_H
#define FB_STORE_UPGRADE_H

#include <stddef.h>

#include "common/store/store.h"

/* PRAGMA application_id of our files: "FBDB". */
#define FB_STORE_APPLICATION_ID 0x46424442

enum fb_upgrade_kind { FB_UPGRADE_BOTH, FB_UPGRADE_SERVER, FB_UPGRADE_REPLICA };

struct fb_upgrade_text {
    int number;
    enum fb_upgrade_kind kind;
    const char *sql;
};

extern const struct fb_upgrade_text fb_upgrade_texts[];
extern const size_t fb_upgrade_text_count;

/* Is it ours, of this kind of node, not newer than this program? ret_is_new: nothing in it yet. */
int fb_upgrade_check(struct fb_store *store, bool *ret_is_new, struct fb_why *why) FB_MUST_CHECK;

/* Runs what the file lacks; nothing if it lacks nothing. */
int fb_upgrade_run(struct fb_store *store, struct fb_why *why) FB_MUST_CHECK;

#endif
