/* SPDX-License-Identifier: MIT */
#include "common/crm/desk.h"

#include <string.h>

#include "common/base/buf.h"
#include "common/base/id.h"
#include "common/base/mem.h"
#include "common/base/time.h"
#include "common/crm/say.h"
#include "common/store/row.h"
#include "common/store/sql.h"

static int find_word(const char *word, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (word != NULL && strcmp(word, words[i]) == 0) {
            return i;
        }
    }
    return -1;
}

bool fb_desk_state_parse(const char *word, enum fb_desk_state *ret)
{
    static const char *const WORDS[] = {"open", "waiting", "auto", "ruled", "any", NULL};
    int at = find_word(word, WORDS);
    *ret = at < 0 ? *ret : (enum fb_desk_state)at;
    return at >= 0;
}

bool fb_desk_keep_parse(const char *word, enum fb_desk_keep *ret)
{
    static const char *const WORDS[] = {"theirs", "mine", "base", "later", "value", "undo", NULL};
    int at = find_word(word, WORDS);
    if (at < 0 || at == FB_DESK_VALUE) {
        return false;
    }
    *ret = (enum fb_desk_keep)at;
    return true;
}

/* ---- Lists ---- */

/* ?1 state, ?2 id, ?3 entity, ?4 record, ?5 field, ?6 employee, ?7 before, ?8 since, ?9 second decisions, ?10 count */
#define LIST_SQL                                                                                   \
    "SELECT id, entity, record_id, field_group, base, theirs, mine, typed, theirs_by_id, "         \
    "theirs_at, mine_by_id, mine_at, device_id, created_at, policy, outcome, reason, "             \
    "decided_by_id, decided_at, note, question FROM conflict WHERE"                                \
    " CASE ?1 WHEN 0 THEN outcome = 'waiting' OR (outcome = 'auto' AND question IS NOT NULL)"      \
    " WHEN 1 THEN outcome = 'waiting' WHEN 2 THEN outcome = 'auto'"                                \
    " WHEN 3 THEN outcome NOT IN ('waiting', 'auto') ELSE 1 END"                                   \
    " AND (?2 IS NULL OR id = ?2) AND (?3 IS NULL OR entity = ?3)"                                 \
    " AND (?4 IS NULL OR record_id = ?4) AND (?5 IS NULL OR field_group = ?5)"                     \
    " AND (?6 IS NULL OR mine_by_id = ?6 OR theirs_by_id = ?6)"                                    \
    " AND (?7 IS NULL OR mine_at < ?7) AND (?8 IS NULL OR mine_at >= ?8)"                          \
    " AND (?9 OR entity <> 'conflict')"                                                            \
    " ORDER BY outcome <> 'waiting', question IS NULL, mine_at DESC, id LIMIT ?10"

static bool is_ruled(const char *outcome)
{
    return outcome != NULL && strcmp(outcome, "waiting") != 0 && strcmp(outcome, "auto") != 0 &&
           strcmp(outcome, "merged") != 0;
}

static bool is_undoable(const struct fb_desk_conflict *c, int64_t now_ms)
{
    int64_t at_ms = 0;
    if (!is_ruled(c->outcome)) {
        return false;
    }
    /* Without a time: headquarters has not taken it in yet. */
    return c->decided_at == NULL ||
           !fb_instant_parse(c->decided_at, strlen(c->decided_at), &at_ms) ||
           at_ms + FB_RULING_UNDO_DAYS * INT64_C(86400000) > now_ms;
}

static struct fb_desk_conflict read_conflict(struct fb_sql *q, int64_t now_ms)
{
    struct fb_desk_conflict c = {.id = fb_sql_text(q, 0),
                                 .entity = fb_sql_text(q, 1),
                                 .record_id = fb_sql_text(q, 2),
                                 .field = fb_sql_text(q, 3),
                                 .base = fb_sql_text(q, 4),
                                 .theirs = fb_sql_text(q, 5),
                                 .mine = fb_sql_text(q, 6),
                                 .typed = fb_sql_text(q, 7),
                                 .theirs_by_id = fb_sql_text(q, 8),
                                 .theirs_at = fb_sql_text(q, 9),
                                 .mine_by_id = fb_sql_text(q, 10),
                                 .mine_at = fb_sql_text(q, 11),
                                 .device_id = fb_sql_text(q, 12),
                                 .arrived_at = fb_sql_text(q, 13),
                                 .policy = fb_sql_text(q, 14),
                                 .outcome = fb_sql_text(q, 15),
                                 .reason = fb_sql_text(q, 16),
                                 .decided_by_id = fb_sql_text(q, 17),
                                 .decided_at = fb_sql_text(q, 18),
                                 .note = fb_sql_text(q, 19),
                                 .question = fb_sql_text(q, 20)};
    c.is_undoable = is_undoable(&c, now_ms);
    return c;
}

int fb_desk_list(struct fb_store *s, const struct fb_desk_filter *filter, int64_t now_ms,
                 fb_desk_each *f, void *ctx)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    char before[FB_INSTANT_SIZE];
    char since[FB_INSTANT_SIZE];
    int rc = fb_sql_begin(s, LIST_SQL, &q);
    if (rc < 0) {
        return rc;
    }
    fb_instant_format(filter->made_before_ms, before);
    fb_instant_format(filter->made_since_ms, since);
    fb_sql_bind_int(q, 1, filter->state);
    fb_sql_bind_text(q, 2, filter->id);
    fb_sql_bind_text(q, 3, filter->entity);
    fb_sql_bind_text(q, 4, filter->record_id);
    fb_sql_bind_text(q, 5, filter->field);
    fb_sql_bind_text(q, 6, filter->employee_id);
    fb_sql_bind_text(q, 7, filter->made_before_ms > 0 ? before : NULL);
    fb_sql_bind_text(q, 8, filter->made_since_ms > 0 ? since : NULL);
    fb_sql_bind_int(q, 9, filter->has_second_decisions);
    fb_sql_bind_int(q, 10, filter->count_max > 0 ? filter->count_max : FB_DESK_ROWS_MAX);
    rc = fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        struct fb_desk_conflict c = read_conflict(q, now_ms);
        rc = f(ctx, &c);
        rc = rc != FB_OK ? rc : fb_sql_step(q);
    }
    return rc;
}

/* ---- Deciding ---- */

static const char *later_of(const struct fb_desk_conflict *c)
{
    bool mine_is_later =
        c->theirs_at == NULL || (c->mine_at != NULL && strcmp(c->mine_at, c->theirs_at) >= 0);
    return mine_is_later ? "kept_mine" : "kept_theirs";
}

static const char *outcome_of(const struct fb_desk_conflict *c, enum fb_desk_keep keep)
{
    static const char *const OUTCOMES[] = {[FB_DESK_THEIRS] = "kept_theirs",
                                           [FB_DESK_MINE] = "kept_mine",
                                           [FB_DESK_BASE] = "kept_base",
                                           [FB_DESK_VALUE] = "typed",
                                           [FB_DESK_UNDO] = "waiting"};
    return keep == FB_DESK_LATER ? later_of(c) : OUTCOMES[keep];
}

const char *fb_desk_chosen(const struct fb_desk_conflict *c, enum fb_desk_keep keep)
{
    bool is_delete = c->reason != NULL && strcmp(c->reason, "delete_vs_edit") == 0;
    if (is_delete || keep == FB_DESK_UNDO) {
        return NULL;
    }
    const char *outcome = outcome_of(c, keep);
    return keep == FB_DESK_VALUE                 ? c->typed
           : strcmp(outcome, "kept_theirs") == 0 ? c->theirs
           : strcmp(outcome, "kept_mine") == 0   ? c->mine
                                                 : c->base;
}

/* A typed value: fields of the conflict only, and values they take. */
static int check_value(struct fb_store *s, const struct fb_desk_conflict *c, const char *value,
                       struct fb_why *why)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    const struct fb_entity *e = fb_catalogue_entity(fb_store_catalogue(s), c->entity);
    struct fb_row row;
    struct fb_row known;
    if (e == NULL || value == NULL || strcmp(c->field, "row") == 0) {
        return fb_fail(why, FB_ERR_INVALID, "no value can be typed here: keep theirs or mine");
    }
    int rc = fb_row_from_json(e, c->record_id, value, strlen(value), &arena, &row);
    rc = rc < 0 ? rc : fb_row_from_json(e, c->record_id, c->mine, strlen(c->mine), &arena, &known);
    if (rc < 0) {
        return fb_fail(why, FB_ERR_INVALID, "the value cannot be read");
    }
    size_t count = 0;
    for (size_t i = 0; i < e->field_count; i++) {
        if (row.values[i].type == FB_ABSENT) {
            continue;
        }
        if (known.values[i].type == FB_ABSENT) {
            return fb_fail(why, FB_ERR_INVALID, "%s is not what this conflict is about",
                           fb_field_label(&e->fields[i]));
        }
        if (e->fields[i].is_required && fb_value_is_empty(&row.values[i])) {
            return fb_fail(why, FB_ERR_INVALID, "%s must be filled", fb_field_label(&e->fields[i]));
        }
        rc = fb_field_check(&e->fields[i], &row.values[i], why);
        if (rc < 0) {
            return rc;
        }
        count++;
    }
    return count > 0 ? FB_OK : fb_fail(why, FB_ERR_INVALID, "say the value of the field");
}

static int refuse_second(struct fb_store *s, const struct fb_desk_conflict *c, struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf who;
    fb_buf_init(&who, FB_SAID_BYTES_MAX);
    char when[FB_LOCAL_TIME_SIZE];
    fb_say_who(s, c->decided_by_id, &who);
    return fb_fail(
        why, FB_ERR_EXISTS,
        "%s has decided this already (%s): look at it, then decide again or take it back",
        fb_buf_text(&who), c->decided_at == NULL ? "-" : fb_say_time(c->decided_at, when));
}

struct judging {
    struct fb_store *s;
    const struct fb_desk_ruling *ruling;
    struct fb_why *why;
    const char *outcome; /* a constant */
    bool is_found;
};

static int judge(void *ctx, const struct fb_desk_conflict *c)
{
    struct judging *j = ctx;
    enum fb_desk_keep keep = j->ruling->keep;
    j->is_found = true;
    j->outcome = outcome_of(c, keep);
    if (keep == FB_DESK_UNDO) {
        if (!is_ruled(c->outcome)) {
            return fb_fail(j->why, FB_ERR_INVALID,
                           "nobody has decided this: there is nothing to take back");
        }
        return c->is_undoable
                   ? FB_OK
                   : fb_fail(j->why, FB_ERR_INVALID,
                             "a decision can be taken back for %d days: edit the record instead",
                             FB_RULING_UNDO_DAYS);
    }
    if (is_ruled(c->outcome) && !j->ruling->may_replace) {
        return refuse_second(j->s, c, j->why);
    }
    return keep == FB_DESK_VALUE ? check_value(j->s, c, j->ruling->value, j->why) : FB_OK;
}

static int write_ruling(struct fb_store *s, const char *id, const struct fb_desk_ruling *ruling,
                        const char *outcome)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s,
        "UPDATE conflict SET outcome = ?2, typed = CASE WHEN ?6 THEN typed ELSE ?3 END,"
        " note = coalesce(?4, note), decided_by_id = ?5, decided_at = NULL WHERE id = ?1",
        &q);
    if (rc < 0) {
        return rc;
    }
    bool is_undo = ruling->keep == FB_DESK_UNDO;
    fb_sql_bind_text(q, 1, id);
    fb_sql_bind_text(q, 2, outcome);
    fb_sql_bind_text(q, 3, ruling->keep == FB_DESK_VALUE ? ruling->value : NULL);
    fb_sql_bind_text(q, 4, ruling->note);
    fb_sql_bind_text(q, 5, ruling->by_id);
    fb_sql_bind_int(q, 6, is_undo);
    return fb_sql_run(q);
}

int fb_desk_rule(struct fb_store *s, const char *id, const struct fb_desk_ruling *ruling,
                 int64_t now_ms, struct fb_why *why)
{
    struct judging j = {.s = s, .ruling = ruling, .why = why};
    const struct fb_desk_filter one = {
        .state = FB_DESK_ANY, .id = id, .has_second_decisions = true};
    int rc = fb_desk_list(s, &one, now_ms, judge, &j);
    if (rc == FB_OK && !j.is_found) {
        return fb_fail(why, FB_ERR_NOT_FOUND, "there is no conflict %s", id);
    }
    return rc < 0 ? rc : write_ruling(s, id, ruling, j.outcome);
}

int fb_desk_ask(struct fb_store *s, const char *id, const char *question, struct fb_why *why)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s, "UPDATE conflict SET question = ?2 WHERE id = ?1 AND outcome IN ('auto', 'waiting')",
        &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, id);
    fb_sql_bind_text(q, 2, question);
    rc = fb_sql_run(q);
    if (rc < 0) {
        return rc;
    }
    return fb_sql_changes(s) > 0
               ? FB_OK
               : fb_fail(why, FB_ERR_INVALID,
                         "this was decided by a person already, or is not known here");
}
