/* SPDX-License-Identifier: MIT
 *
 * What the files of the search share; for this folder only.
 */
#ifndef FB_SEARCH_INSIDE_H
#define FB_SEARCH_INSIDE_H

#include "common/base/buf.h"
#include "common/base/id.h"
#include "common/search/search.h"
#include "common/store/row.h"
#include "common/store/sql.h"

/* Any change of the tables, the folding or the segments: older files are made anew. */
#define FB_SEARCH_FORMAT 2

/* What is searched, by kind of words; the file's table and the one that a single row is tried in. */
#define FB_SEARCH_WORDS                                                                            \
    "USING fts5(title, body, pinyin, digits, tokenize = 'unicode61 remove_diacritics 2')"

struct fb_pinyin;

struct fb_search {
    struct fb_store *file;
    struct fb_pinyin *pinyin; /* NULL: none yet */
    bool has_trial;           /* temp.trial, the place of fb_search_matches() */
    /* The pass that compares all tables with the file, if one is under way. */
    bool is_passing;
    size_t pass_entity;
    char pass_after[FB_ROW_ID_SIZE];
    int64_t pass_goal;        /* the rev or cursor at its beginning */
    struct fb_recent *recent; /* NULL: there is none */
    bool has_gap;             /* the list was not complete since the last pass began */
    bool has_failed;          /* the last feed did, with what it had taken off the list */
};

/* fold.c. NFKC, case folded. Text that is not UTF-8 gives nothing. */
int fb_search_fold(const char *text, size_t size, struct fb_buf *ret) FB_MUST_CHECK;
/* Folded text as words for FTS5: pairs of Chinese characters and the last one alone. */
void fb_search_segment(const struct fb_buf *folded, struct fb_buf *ret);
/* What a person typed, folded, as an FTS5 expression; empty if there is nothing to look for. */
void fb_search_expression(const struct fb_buf *folded, struct fb_buf *ret);
/* The character of UTF-8 at *at, which moves behind it; negative: no character. */
int32_t fb_search_next(const struct fb_buf *text, int32_t *at);
/* Three digits each, overlapping: "13812" becomes "138 381 812". Other characters are skipped. */
void fb_search_digits(const char *text, size_t size, struct fb_buf *ret);
/* Is it a number as people write it: at least five digits, else only what stands between them? */
bool fb_search_is_number(const char *text, size_t size);
bool fb_search_is_han(int32_t c);

/* pinyin.c. Appends, for each run of Chinese characters, its pinyin and initials from each
 * character on: "zhangwei wei zw w". is_name: a family name stands first, which may be read
 * otherwise (单 is shan); both readings are given. */
int fb_pinyin_new(struct fb_pinyin **ret) FB_MUST_CHECK;
void fb_pinyin_free(struct fb_pinyin *p);
void fb_pinyin_append(struct fb_pinyin *p, const struct fb_buf *folded, bool is_name,
                      struct fb_buf *ret);

/* row.c. What a row becomes in the file; is_searched is false for entities that are not in it. */
bool fb_search_takes(const struct fb_entity *e);
int fb_search_put(struct fb_search *s, const struct fb_row *row, const char *stamp) FB_MUST_CHECK;
/* ... as the only row of temp.trial. */
int fb_search_put_trial(struct fb_search *s, const struct fb_row *row) FB_MUST_CHECK;
int fb_search_put_reference(struct fb_search *s, const struct fb_entity *e, const char *id,
                            const char *title) FB_MUST_CHECK;
int fb_search_remove(struct fb_search *s, const struct fb_entity *e, const char *id) FB_MUST_CHECK;

#endif
