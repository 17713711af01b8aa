/* SPDX-License-Identifier: MIT
 *
 * Cells of lists for people: names instead of ids, local times, values as their field shows them. With --json each cell is
 * the raw value, which programs may rely on.
 */
#ifndef FB_COMMAND_SHOW_H
#define FB_COMMAND_SHOW_H

#include "common/base/buf.h"
#include "common/cli/cli.h"
#include "common/store/store.h"

/* The last 12 characters of an id. Its first ones are a time, which many rows share; every command that takes an id takes
 * either end of it. */
#define FB_SHORT_ID_CHARS 12

struct fb_show {
    const struct fb_cli *cli;
    struct fb_store *store;
    struct fb_cli_table *table;
};

/* NULL texts become an empty cell. */
void fb_show_id(const struct fb_show *show, const char *id);
void fb_show_time(const struct fb_show *show, const char *instant);
/* What people call the row; raw or not, this is for people. */
void fb_show_title(const struct fb_show *show, const char *entity, const char *id);
/* A conflict's base, theirs or mine: {"field": value}, several fields for a group, {} of group "row" where it was deleted.
 * In a list a long value is cut. */
void fb_show_values(const struct fb_show *show, const char *entity, const char *group,
                    const char *json, bool is_in_list);

#endif
