/* SPDX-License-Identifier: MIT
 *
 * find TEXT: what the search box of the pages finds. Brings the search file up to date first, so it answers whether a daemon
 * runs or not.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/command/command.h"
#include "common/command/show.h"
#include "common/search/search.h"

#define HITS_USUAL     20
#define FEED_ROWS      2000 /* a short transaction of the search file */
#define TEXT_ROOM_SIZE (FB_SEARCH_ASK_BYTES_MAX + 2)

/* The words as one text, as they would be typed into a box. */
static int join_words(const struct fb_cli *cli, char text[static TEXT_ROOM_SIZE],
                      struct fb_why *why)
{
    size_t size = 0;
    for (int i = 0; i < fb_cli_argument_count(cli); i++) {
        const char *word = fb_cli_argument(cli, i);
        if (size + strlen(word) + 1 >= TEXT_ROOM_SIZE) {
            return fb_fail(why, FB_ERR_LIMIT, "the search is too long: %d bytes are allowed",
                           FB_SEARCH_ASK_BYTES_MAX);
        }
        size +=
            (size_t)snprintf(text + size, TEXT_ROOM_SIZE - size, "%s%s", i > 0 ? " " : "", word);
    }
    return FB_OK;
}

static int bring_up_to_date(struct fb_search *search, struct fb_store *store, struct fb_why *why)
{
    fb_cli_catch_interrupts();
    for (bool more = true; more && !fb_cli_is_interrupted();) {
        int rc = fb_search_feed(search, store, FEED_ROWS, &more, why);
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

static int show_hit(void *ctx, const struct fb_search_hit *hit)
{
    const struct fb_show *show = ctx;
    fb_show_id(show, hit->id);
    fb_cli_table_cell(show->table,
                      fb_cli_is_json(show->cli) ? hit->entity->name : fb_entity_label(hit->entity));
    fb_cli_table_cell(show->table, hit->title);
    fb_cli_table_cell(show->table, hit->second);
    fb_cli_table_cell(show->table, hit->is_reference ? fb_text("details at headquarters") : "");
    return FB_OK;
}

int fb_command_find(struct fb_cli *cli, struct fb_why *why)
{
    static const char *const COLUMNS[] = {"id", "entity", "title", "second", "note", NULL};
    FB_AUTO(fb_store_drop) struct fb_store *store = NULL;
    FB_AUTO(fb_search_drop) struct fb_search *search = NULL;
    char text[TEXT_ROOM_SIZE] = "";
    int rc = join_words(cli, text, why);
    if (rc == FB_OK) {
        rc = fb_command_tables(cli, &store, why);
    }
    if (rc == FB_OK) {
        rc = fb_search_open(fb_cli_data_path(cli, "search.db"), &search, why);
    }
    if (rc == FB_OK) {
        rc = bring_up_to_date(search, store, why);
    }
    if (rc < 0) {
        return rc;
    }
    struct fb_cli_table *t = fb_cli_table_new(cli, COLUMNS);
    struct fb_show show = {.cli = cli, .store = store, .table = t};
    const struct fb_search_ask query = {.text = text, .limit = HITS_USUAL};
    rc = fb_search_ask(search, store, &query, show_hit, &show, why);
    fb_cli_table_print(t, "Nothing is found.");
    return rc;
}
