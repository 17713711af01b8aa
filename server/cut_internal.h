/* SPDX-License-Identifier: MIT
 *
 * What the files of a cut share.
 *
 *   cut.c             what changed since the laptop's cursor; chunks of a full cut
 *   cut_sets.c        what changed, found by scope
 *   cut_digests.c     digests of what the device holds
 *   cut_entering.c    all rows of scopes that enter
 *   cut_rights.c      what a person's roles hide
 *   cut_references.c  titles of rows outside that rows inside point to
 */
#ifndef FB_SERVER_CUT_INTERNAL_H
#define FB_SERVER_CUT_INTERNAL_H

#include "server/internal.h"

struct fb_cut_references;

/* A row the log names. */
struct fb_named {
    const struct fb_entity *entity;
    char id[FB_ROW_ID_SIZE];
    bool has_changed;
    bool was_there;
    int64_t scope_before;
};

/* Log entries of one push of the device. */
struct fb_seq_range {
    int64_t first;
    int64_t end;
};

struct fb_cutting {
    struct fb_hub *hub;
    struct fb_store *s;
    const struct fb_catalogue *catalogue;
    struct fb_peer *peer;
    const struct fb_pull *pull;
    const struct fb_scope_list *held; /* by the device, now */
    struct fb_scope_list said;        /* what the laptop says it holds (rule 11) */
    struct fb_scope_list entering, leaving;
    /* Of the download under way: said and still held, and what was hidden in any of it. */
    struct fb_scope_list staged;
    bool is_staged_as_said;
    struct fb_scope_list
        same;           /* whose digests agreed when the download began: their rows are there */
    int64_t cursor_seq; /* where the log goes on behind the laptop's cursor */
    int64_t gap_seq;    /* where the log goes on behind the cursor, if the cut closes a gap */
    struct fb_row **entered; /* rows of entering scopes, in the catalogue's order */
    size_t entered_count;
    size_t entered_at;                    /* the next to send */
    struct fb_recheck *rechecks;          /* cut_rights.c */
    struct fb_cut_references *references; /* rows outside that rows inside point to */
    struct fb_buf *out;
    int64_t now_ms;
    int64_t head;
    int64_t history_from_ms; /* the history limit */
    struct fb_arena arena;   /* of the whole cut */
    struct fb_arena batch;   /* of the frame being filled */
    struct fb_buf set;
    struct fb_named *named;
    size_t named_count, named_capacity;
    struct fb_seq_range *own; /* pushes of this device after the cursor; read when first asked */
    size_t own_count, own_capacity;
    bool has_own;
    struct fb_row_map done; /* with repair or entering scopes: rows the log names */
    /* The frame being filled. */
    const struct fb_entity *entity;
    struct fb_row *rows;
    size_t row_count;
    size_t row_bytes;
    struct fb_old_value *old;
    size_t old_count, old_capacity;
    struct fb_removes removes;
    int64_t rows_sent, removes_sent;
    /* A chunk. */
    char last_id[FB_ROW_ID_SIZE];
    int64_t scanned;
    int64_t passed; /* not sent, since they are there already */
};

/* The row's set of scopes; the text lives until the next call. */
int fb_cut_set_of(struct fb_cutting *c, const struct fb_row *row, const char **ret) FB_MUST_CHECK;
/* Did the log name the row, so that the cut answers it anyway? Once c->done is filled. */
bool fb_cut_is_named(struct fb_cutting *c, const struct fb_entity *e, const char *id);

/* cut_sets.c. The numbers of all sets that hold one of the scopes, ascending, added to those in the list, each once. */
struct fb_cut_sets {
    int64_t *list; /* in the cut's arena */
    size_t count, capacity;
};
int fb_cut_sets_of(struct fb_cutting *c, const struct fb_scope_list *scopes,
                   struct fb_cut_sets *ret) FB_MUST_CHECK;
/* Rows that entered, changed in or left what the laptop says it holds or should hold now, since its cursor. */
int fb_cut_find_touched(struct fb_cutting *c, fb_touched_each *f) FB_MUST_CHECK;
/* cut_digests.c. What the device holds at the cut's rev: in all; by scope, if the pull wants it so. */
struct fb_cut_digests {
    struct fb_digest sum;
    struct fb_scope_digest *list; /* in the cut's arena */
    size_t count, capacity;
};
int fb_cut_digests_sum(struct fb_cutting *c, struct fb_cut_digests *ret) FB_MUST_CHECK;
int fb_cut_digests_send(struct fb_cutting *c, const struct fb_cut_digests *l) FB_MUST_CHECK;
/* cut_entering.c: fills c->entered. */
int fb_cut_find_entered(struct fb_cutting *c) FB_MUST_CHECK;

/* cut_rights.c. Are rows of the entity shown to the device's person; did a role of his open more of it since the laptop's last cut? */
bool fb_cut_shows(const struct fb_cutting *c, const struct fb_entity *e);
bool fb_cut_shows_title(const struct fb_cutting *c, const struct fb_entity *e);
bool fb_cut_is_opened(const struct fb_cutting *c, const struct fb_entity *e);
bool fb_cut_was_hidden(const struct fb_cutting *c, const struct fb_entity *e); /* all of it */
bool fb_cut_has_opened(const struct fb_cutting *c);
/* Hidden fields become absent; the values must be the row's own. */
void fb_cut_blank(const struct fb_cutting *c, struct fb_row *row);
/* The second look at a row that is about to be sent; false: withheld, and logged. */
bool fb_cut_agrees(struct fb_cutting *c, const struct fb_row *row);
/* Calls f for each held row of which the device sees less than everybody: its set, its digest as all see it and as the device does. */
typedef int fb_cut_correct(void *ctx, const char *set, const struct fb_digest *whole,
                           const struct fb_digest *seen);
int fb_cut_correct_digests(struct fb_cutting *c, fb_cut_correct *f, void *ctx) FB_MUST_CHECK;

/* cut_references.c. Notes what the row points to outside the device's scopes. */
int fb_cut_references_note(struct fb_cutting *c, const struct fb_row *row) FB_MUST_CHECK;
/* Notes the row's own title: it leaves, and rows that stay may point to it. */
int fb_cut_references_note_itself(struct fb_cutting *c, const struct fb_row *row) FB_MUST_CHECK;
int fb_cut_references_send(struct fb_cutting *c) FB_MUST_CHECK;

#endif
