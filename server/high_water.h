/* SPDX-License-Identifier: MIT
 *
 * A mark beside the database, DIR/high-water: up to where headquarters once was. A database put back by hand, or one whose
 * write-ahead log somebody deleted, is behind it (faults.md, A17, C9). One line: the timeline, the rev, the chain's hash in hex.
 * Written after commits, at most once a second; it may be behind, never ahead.
 */
#ifndef FB_SERVER_HIGH_WATER_H
#define FB_SERVER_HIGH_WATER_H

#include "server/hub.h"

struct fb_high_water {
    int64_t rev; /* as last written */
    char timeline[FB_ROW_ID_SIZE];
};

/* Compares the mark with the database; headquarters then stands as rewound (server/rewound.h). A missing or unreadable mark says
 * nothing. */
int fb_high_water_check(const char *data, struct fb_hub *hub) FB_MUST_CHECK;

/* Writes it if the database has gone on since. */
int fb_high_water_note(struct fb_high_water *mark, const char *data, struct fb_store *s,
                       struct fb_why *why) FB_MUST_CHECK;

#endif
