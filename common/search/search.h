/* SPDX-License-Identifier: MIT
 *
 * The search file: full text of what a node holds, found by words, by any Chinese characters in a
 * row, by pinyin and its initials, by any digits in a row of a phone number.
 *
 * It lies beside the database (DIR/search.db), is fed from it and can always be made again: it is
 * neither synchronized nor backed up, and a missing, damaged or older one is simply built anew.
 * No trigger of the database knows it, so stock tools may write as before. Text is folded (NFKC,
 * lower case: full and half width alike); Chinese runs become overlapping pairs of characters and
 * their last one, in a plain FTS5 table that a stock shell can ask as well.
 *
 * What somebody may see is the caller's to say (the filter). Fields that are not for everybody are
 * not in the file at all. A search is used by one thread; several may have the file open, one feeds.
 */
#ifndef FB_SEARCH_SEARCH_H
#define FB_SEARCH_SEARCH_H

#include "common/store/recent.h"
#include "common/store/row.h"
#include "common/store/store.h"

struct fb_search;

/* Opens or makes the file; one of another format version, or damaged, is begun anew. */
int fb_search_open(const char *path, struct fb_search **ret, struct fb_why *why) FB_MUST_CHECK;
void fb_search_close(struct fb_search *s);
void fb_search_drop(struct fb_search **s); /* for FB_AUTO */

/* On a laptop: the list of what the process's own writer wrote. Without it, or when it is not complete, every cut makes the feed
 * compare all tables with the file. The search that feeds is its only reader. */
void fb_search_set_recent(struct fb_search *s, struct fb_recent *recent);

/* Takes in what changed in the database since the last call, at most about rows_max rows in one
 * short transaction of the search file; ret_more: call again. At headquarters it follows the log;
 * on a laptop the journal, and after a cut the ids and stamps of its tables are compared. Outside
 * a transaction of the store. */
int fb_search_feed(struct fb_search *s, struct fb_store *store, size_t rows_max, bool *ret_more,
                   struct fb_why *why) FB_MUST_CHECK;

struct fb_search_hit {
    const struct fb_entity *entity;
    const char *id;
    const char *title;
    const char *second; /* the layout's second line; "" if there is none */
    bool is_reference;  /* its details are at headquarters */
};

/* A record that would be shown, and the row whose words were found: the record itself, or what
 * hangs on it. */
struct fb_search_found {
    const struct fb_entity *entity;
    const char *id;
    const struct fb_entity *by_entity;
    const char *by_id;
    bool is_reference;
};

/* May this record be shown, and for these words of that row? Asked in the order of the hits, right
 * before each of them is handed out. */
typedef bool fb_search_filter(void *ctx, const struct fb_search_found *found);

struct fb_search_ask {
    const char *text;
    const struct fb_entity *entity; /* only these; NULL: all */
    size_t limit;                   /* hits, at most FB_SEARCH_HITS_MAX */
    size_t limit_per_entity;        /* 0: no limit of its own */
    fb_search_filter *filter;       /* NULL: all may be shown */
    void *filter_ctx;
};

/* Calls f with the hits, the best first, those at headquarters last; what hangs on a record (a
 * number, an address, a line, a note) stands for that record. f returns FB_OK to go on. */
typedef int fb_search_each(void *ctx, const struct fb_search_hit *hit);
int fb_search_ask(struct fb_search *s, struct fb_store *store, const struct fb_search_ask *ask,
                  fb_search_each *f, void *ctx, struct fb_why *why) FB_MUST_CHECK;

/* Would the text find this row, if these were all its values? For rows of which somebody may see
 * only some fields: the others are FB_ABSENT. */
int fb_search_matches(struct fb_search *s, const struct fb_row *row, const char *text,
                      bool *ret) FB_MUST_CHECK;

#endif
