/* SPDX-License-Identifier: MIT
 *
 * Who may do what: one function, asked by ingest, cuts, pages, import and reports. Deny by default.
 *
 * A person's rights are the union of what his roles permit: rows of role_permission (entity, action, level) and role_field (entity,
 * field, access). In one role the row that says most exactly which entity it means counts: its name, else the entity it is a part of,
 * else "module:KEY", else "*". docs/decisions/0021-rights.md says why, docs/catalogue.md how roles are written.
 *
 * struct fb_rights is loaded once per person and asked thousands of times; it copies what it needs of the tables, points into the
 * catalogue in force when it was loaded, and is thrown away when role, team, territory or catalogue rows change. What it remembers of
 * records it met (whose they are) is forgotten by fb_rights_forget(). Used by one thread at a time.
 */
#ifndef FB_CRM_MAY_H
#define FB_CRM_MAY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/store/row.h"

enum fb_action {
#define FB_ACTION(NAME, name) FB_ACTION_##NAME,
#include "common/crm/may_action.def"
#undef FB_ACTION
    FB_ACTION_COUNT
};

enum fb_level {
#define FB_LEVEL(NAME, name) FB_LEVEL_##NAME,
#include "common/crm/may_level.def"
#undef FB_LEVEL
    FB_LEVEL_COUNT
};

enum fb_may_reason {
#define FB_MAY(NAME, name) FB_MAY_##NAME,
#include "common/crm/may_reason.def"
#undef FB_MAY
};

/* Ordered: the union of two roles is the greater. WRITE includes READ. */
enum fb_field_access { FB_FIELD_HIDDEN, FB_FIELD_READ, FB_FIELD_WRITE };

const char *fb_action_name(enum fb_action action);             /* "edit" */
const char *fb_level_name(enum fb_level level);                /* "territory" */
const char *fb_may_reason_name(enum fb_may_reason reason);     /* "right_record" */
const char *fb_field_access_name(enum fb_field_access access); /* "hidden", "read", "write" */

struct fb_rights;

/* The rights of an employee at that time (territory members have dates). An employee who left, or without a role, may do nothing:
 * that is FB_OK. Release with fb_rights_free(). */
int fb_rights_load(struct fb_store *s, const char *employee_id, int64_t now_ms,
                   struct fb_rights **ret) FB_MUST_CHECK;
void fb_rights_free(struct fb_rights *rights);
void fb_rights_drop(struct fb_rights **rights); /* for FB_AUTO */
/* Rows were written: forget whose records are. */
void fb_rights_forget(struct fb_rights *rights);

const char *fb_rights_employee(const struct fb_rights *rights);
/* The catalogue they were worked out with: they know no entity of a newer one. */
const struct fb_catalogue *fb_rights_catalogue(const struct fb_rights *rights);
/* "rep, manager"; "" without a role. */
const char *fb_rights_roles(const struct fb_rights *rights);
/* May change roles: the one who is asked when a right is missing. */
bool fb_rights_is_admin(const struct fb_rights *rights);
bool fb_rights_may_export(const struct fb_rights *rights);
bool fb_rights_may_bulk_edit(const struct fb_rights *rights);
/* The greatest of the roles; INT64_MAX: no limit. Discount in hundredths of a percent, money in minor units of the base currency. */
int64_t fb_rights_discount_limit(const struct fb_rights *rights);
int64_t fb_rights_order_limit(const struct fb_rights *rights);
int64_t fb_rights_expense_limit(const struct fb_rights *rights);

/* How far an action reaches for an entity, whatever the record: NONE hides the entity's buttons, and of READ the entity. */
enum fb_level fb_rights_level(const struct fb_rights *rights, const struct fb_entity *e,
                              enum fb_action action);
/* What the person may do with a field, in rows of his own (fb_rights_is_own) and in others. */
enum fb_field_access fb_rights_field(const struct fb_rights *rights, const struct fb_field *field,
                                     const struct fb_entity *e, bool is_own);
/* Does the entity have a field that is hidden in rows of others, or (is_own) in own ones? */
bool fb_rights_hides_some(const struct fb_rights *rights, const struct fb_entity *e, bool is_own);
/* Is the row the person's own by its owner field (an employee's row: himself)? Decides fields of visibility owner. */
bool fb_rights_is_own(const struct fb_rights *rights, const struct fb_row *row);
/* Makes hidden fields of the row FB_ABSENT. True if there were any. */
bool fb_rights_blank(const struct fb_rights *rights, struct fb_row *row);

/* How near the row is to the person: OWN (his, below a record of his, or he is on its record team), TEAM (his teams', his people's),
 * TERRITORY (in a territory of his or below one), NONE. Reads the rows it follows through rows->read, NULL: the store. */
struct fb_may_rows {
    void *ctx;
    int (*read)(void *ctx, const struct fb_entity *e, const char *id, struct fb_arena *arena,
                struct fb_row *ret, bool *ret_found);
    /* Calls met for each territory of a company; NULL: as the table says. */
    int (*territories)(void *ctx, const char *company_id,
                       void (*met)(void *met_ctx, const struct fb_value *territory), void *met_ctx);
};
int fb_rights_relation(struct fb_rights *rights, struct fb_store *s, const struct fb_may_rows *rows,
                       enum fb_action action, const struct fb_row *row,
                       enum fb_level *ret) FB_MUST_CHECK;

struct fb_may_ask {
    enum fb_action action;
    const struct fb_row *old; /* NULL: it is made */
    const struct fb_row *now; /* NULL: it is read, exported or deleted */
    const uint64_t *
        mask; /* fields that are written (as fb_row_update); NULL: those in which now differs from old */
    enum fb_level
        old_was; /* how near old was when the author last saw headquarters (a push); NONE: as it is now */
    const struct fb_may_rows *rows; /* NULL: the store */
};

struct fb_may_answer {
    enum fb_may_reason reason;    /* FB_MAY_YES: he may */
    const struct fb_field *field; /* that is in the way; NULL: none in particular */
    struct fb_why why;            /* a sentence for people; "" if he may */
};

/* May the person do that? An edit that gives the record to somebody else (owner, team, territory, record team) needs the right to
 * assign besides, and where the record was and where it goes must both be in reach. On an error nothing is allowed. */
int fb_may(struct fb_rights *rights, struct fb_store *s, const struct fb_may_ask *ask,
           struct fb_may_answer *ret) FB_MUST_CHECK;

/* The second way to the same answer, for what is about to leave: walks the rules anew instead of asking the table made of them.
 * May the person see this field of such a row / rows of this entity at all? */
bool fb_rights_recheck_field(const struct fb_rights *rights, const struct fb_entity *e,
                             const struct fb_field *field, bool is_own);
bool fb_rights_recheck_entity(const struct fb_rights *rights, const struct fb_entity *e);

/* Appends the names of a person's roles as the members of a JSON list. */
int fb_rights_append_roles(struct fb_store *s, const char *employee_id,
                           struct fb_buf *out) FB_MUST_CHECK;

#endif
