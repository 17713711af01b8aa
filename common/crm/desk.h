/* SPDX-License-Identifier: MIT
 *
 * The conflict desk, at headquarters and on a laptop alike: what there is to decide, deciding, taking a decision back.
 *
 * A ruling is an ordinary edit of the conflict's row: headquarters writes the chosen value to the record when it takes the edit in
 * (server/ruling.c), and both travel. Callers (command line, API) give the transaction, and let their node take the rows in
 * afterwards. docs/architecture.md, "Conflict desk".
 */
#ifndef FB_CRM_DESK_H
#define FB_CRM_DESK_H

#include "common/store/store.h"

enum fb_desk_state {
    FB_DESK_OPEN,    /* waiting, and those whose author asks for his value */
    FB_DESK_WAITING, /* a person must decide */
    FB_DESK_AUTO,    /* settled by the field's policy */
    FB_DESK_RULED,   /* decided by a person */
    FB_DESK_ANY,
};
/* "open", "waiting", "auto", "ruled", "any"; false for another word. */
bool fb_desk_state_parse(const char *word, enum fb_desk_state *ret);

/* NULL and 0 leave a question out. */
struct fb_desk_filter {
    enum fb_desk_state state;
    const char *id;
    const char *entity;
    const char *record_id;
    const char *field;       /* or group, or "row" */
    const char *employee_id; /* either author */
    int64_t made_before_ms;  /* the laptop's edit */
    int64_t made_since_ms;
    bool has_second_decisions; /* also those that only say: somebody decided before you */
    int64_t count_max;         /* 0: FB_DESK_ROWS_MAX */
};

/* Texts are borrowed and live during the call; NULL where there is nothing. Values are JSON objects by field name. */
struct fb_desk_conflict {
    const char *id;
    const char *entity, *record_id, *field;
    const char *base, *theirs, *mine, *typed;
    const char *theirs_by_id, *theirs_at;
    const char *mine_by_id, *mine_at, *device_id, *arrived_at;
    const char *policy, *outcome, *reason;
    const char *decided_by_id, *decided_at, *note;
    const char *question; /* its author asks for his value */
    bool is_undoable;     /* ruled, and not longer ago than FB_RULING_UNDO_DAYS */
};

/* Calls f for each, the undecided first, then the newest. f returns FB_OK to go on. */
typedef int fb_desk_each(void *ctx, const struct fb_desk_conflict *c);
int fb_desk_list(struct fb_store *s, const struct fb_desk_filter *filter, int64_t now_ms,
                 fb_desk_each *f, void *ctx) FB_MUST_CHECK;

enum fb_desk_keep {
    FB_DESK_THEIRS,
    FB_DESK_MINE,
    FB_DESK_BASE,
    FB_DESK_LATER, /* of theirs and mine the one made later */
    FB_DESK_VALUE,
    FB_DESK_UNDO, /* as before anybody ruled */
};
/* "theirs", "mine", "base", "later", "undo"; false for another word. */
bool fb_desk_keep_parse(const char *word, enum fb_desk_keep *ret);

struct fb_desk_ruling {
    enum fb_desk_keep keep;
    const char *value; /* FB_DESK_VALUE: {"field": value, ...}; checked against the fields */
    const char *note;  /* NULL: leaves what is there */
    const char *by_id; /* employee; NULL: headquarters fills in the laptop's person */
    bool
        may_replace; /* decides anew what somebody decided; otherwise FB_ERR_EXISTS says who and when */
};

/* Inside a transaction with the triggers on. FB_ERR_NOT_FOUND, FB_ERR_EXISTS (decided already), FB_ERR_INVALID (a value the field
 * does not take; nothing to take back; too late): why has the sentence, nothing was written. */
int fb_desk_rule(struct fb_store *s, const char *id, const struct fb_desk_ruling *ruling,
                 int64_t now_ms, struct fb_why *why) FB_MUST_CHECK;

/* The author of a value that does not stand asks for it: the conflict joins those to be decided. Inside a transaction. */
int fb_desk_ask(struct fb_store *s, const char *id, const char *question,
                struct fb_why *why) FB_MUST_CHECK;

/* The values the ruling would put on the record, as the conflict keeps them; NULL: none (a delete, an undo). Borrowed from c. */
const char *fb_desk_chosen(const struct fb_desk_conflict *c, enum fb_desk_keep keep);

#endif
