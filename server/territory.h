/* SPDX-License-Identifier: MIT
 *
 * Territories: whose accounts are whose. A plan (JSON, docs/operations.md, "Territories") says what territories, members, rules and named
 * accounts are to be; applying it writes them and works out anew which company belongs where; a rehearsal does the same, takes
 * it back, and says what each laptop would lose and gain.
 *
 * Who decides where a company belongs, in this order:
 *   named    a territory that names the account has it alone
 *   rule     of the rules in force that fit, those with the smallest priority; several territories of one priority: all of them have it,
 *            and it is listed as an overlap
 *   nothing  no rule fits: it stays where it is. A company without any territory is listed as a gap
 * What was put in a territory by hand stays there beside.
 *
 * Everything is written as rows of the catalogue's tables with triggers on, so the seal makes one rev of it and laptops follow in one
 * cut. Of a company that moves only its rows in company_territory change (and open deals of its old territory): its children follow by
 * their root. The history of moves is table territory_change, written by server/territory_history.c whoever moves a company.
 * Decision: docs/decisions/0041-territory-plans.md.
 */
#ifndef FB_SERVER_TERRITORY_H
#define FB_SERVER_TERRITORY_H

#include "common/base/id.h"
#include "common/store/store.h"

/* ---- A plan ---- */

struct fb_territory_plan;
/* FB_ERR_INVALID with a sentence that names the place. */
int fb_territory_plan_read(const char *json, size_t size, struct fb_territory_plan **ret,
                           struct fb_why *why) FB_MUST_CHECK;
void fb_territory_plan_free(struct fb_territory_plan *plan);
void fb_territory_plan_drop(struct fb_territory_plan **plan); /* for FB_AUTO */

/* ---- Applying it ---- */

struct fb_territory_ask {
    const struct fb_territory_plan *plan; /* NULL: the rules and members there are */
    int64_t now_ms;                       /* which rules are in force */
    bool only_new;                        /* only companies that have no territory yet */
};

/* A company that changes territories. Codes, joined by ", "; "": none. */
struct fb_territory_move {
    char company_id[FB_ROW_ID_SIZE];
    const char *from;
    const char *to;
};
/* A company that two territories claim by rules of one priority: codes; one that nobody has: "". */
struct fb_territory_doubt {
    char company_id[FB_ROW_ID_SIZE];
    const char *codes;
};
struct fb_territory_result {
    struct fb_arena arena;
    int64_t companies; /* looked at */
    int64_t rules;     /* in force */
    int64_t unruled;   /* companies that no rule fits and no territory names: they stay */
    int64_t deals;     /* open opportunities that follow their company */
    struct fb_territory_move *moves;
    size_t move_count;
    struct fb_territory_doubt *overlaps;
    size_t overlap_count;
    struct fb_territory_doubt *gaps;
    size_t gap_count;
};
void fb_territory_result_release(struct fb_territory_result *r);

/* Inside a transaction, capture on. FB_ERR_INVALID, FB_ERR_NOT_FOUND with a sentence: the caller rolls back. */
int fb_territory_apply(struct fb_store *s, const struct fb_territory_ask *ask,
                       struct fb_territory_result *ret, struct fb_why *why) FB_MUST_CHECK;

/* ---- Rehearsing it ---- */

/* What a laptop would lose and gain with the next cut. Rows before what its person's roles hide; bytes as they travel, estimated from
 * a sample that was packed. */
struct fb_territory_effect {
    char device_id[FB_ROW_ID_SIZE];
    char employee_id[FB_ROW_ID_SIZE];
    const char *device;    /* its name */
    const char *last_seen; /* an instant; "": never */
    int64_t leaving_companies, arriving_companies;
    int64_t leaving_rows, arriving_rows;
    int64_t leaving_bytes, arriving_bytes;
    /* Accounts that leave it and that it edited within FB_TERRITORY_EDITED_DAYS: unsent work on them may lie on it. */
    int64_t edited_companies;
};
struct fb_territory_rehearsal {
    struct fb_arena arena;
    struct fb_territory_result result;
    int64_t devices;                     /* in use */
    struct fb_territory_effect *effects; /* of those that lose or gain anything, by name */
    size_t effect_count;
};
void fb_territory_rehearsal_release(struct fb_territory_rehearsal *r);

/* Inside a transaction of a writing store, for as long as applying takes; what it writes is undone before it returns. */
int fb_territory_rehearse(struct fb_store *s, const struct fb_territory_ask *ask,
                          struct fb_territory_rehearsal *ret, struct fb_why *why) FB_MUST_CHECK;

/* ---- As it is ---- */

/* Which companies are claimed twice and which by nobody, as things stand; nothing is written. */
int fb_territory_doubts(struct fb_store *s, int64_t now_ms, struct fb_territory_result *ret,
                        struct fb_why *why) FB_MUST_CHECK;
/* The next midnight (UTC) at which a rule begins or ends; INT64_MAX: none. */
int fb_territory_next_date(struct fb_store *s, int64_t now_ms, int64_t *ret_ms) FB_MUST_CHECK;

#endif
