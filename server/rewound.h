/* SPDX-License-Identifier: MIT
 *
 * Headquarters notices that its database was set back without `restore`, or that another went on from it: laptops know revs,
 * acknowledged pushes or timelines that it does not. From then on it refuses all laptops, merges and seals nothing, so that no two
 * histories grow under one name, until an administrator confirms with `fieldbook-server restore --confirm` (faults.md, C5, C6).
 */
#ifndef FB_SERVER_REWOUND_H
#define FB_SERVER_REWOUND_H

#include "server/hub.h"

struct fb_peer;

/* What a laptop says about headquarters' past, against the log. Notes a contradiction for good, in a transaction of its own, and
 * refuses all connected laptops. ret_sentence: NULL if all fits, else what to tell the laptop. */
int fb_hub_check_claims(struct fb_peer *peer, const struct fb_hello *hello, int64_t now_ms,
                        const char **ret_sentence) FB_MUST_CHECK;

/* Is the log at that rev still what it was? Law 2: a head once seen stays in the chain. True where nothing is claimed. */
int fb_hub_is_in_chain(struct fb_store *s, int64_t rev, const struct fb_sha256 *hash,
                       bool *ret) FB_MUST_CHECK;

/* A mark kept beside the database (FB_HIGH_WATER_FILE) says that it once was further: the same. */
int fb_hub_check_mark(struct fb_hub *hub, const char *timeline, int64_t rev,
                      const struct fb_sha256 *hash) FB_MUST_CHECK;

/* Reads whether it stands as rewound, and which timeline it is of: at the start, and whenever a confirmation may have come. */
int fb_hub_read_standing(struct fb_hub *hub) FB_MUST_CHECK;

/* NULL: it is not. Why, for administrators. */
const char *fb_hub_rewound_why(const struct fb_hub *hub);

#endif
