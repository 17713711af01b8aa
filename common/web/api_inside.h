/* SPDX-License-Identifier: MIT
 *
 * What the files of the record API share; for this folder only.
 *
 *   api_route.c     the table of routes
 *   api_value.c     values to JSON and back
 *   api_check.c     what is wrong with a form, field by field
 *   api_refs.c      titles of what rows point to
 *   api_filter.c    the filter of a list
 *   api_list.c      lists: order, fields, pages, counts
 *   api_page.c      the opaque cursor of a page
 *   api_record.c    one record with its parts
 *   api_marks.c     what is unsent, disputed, held, adjusted, found
 *   api_may.c       what the person may do and see
 *   api_lookup.c    lookups of reference fields
 *   api_search.c    search over everything
 *   api_related.c   what points at a record; groups
 *   api_timeline.c  what happened around a record
 *   api_history.c   a record's history, the recycle bin
 *   api_catalogue.c the catalogue for pages
 *   api_session.c   rights for pages
 *   api_desk.c      the conflict desk
 *   api_held.c      held changes
 *   api_receipts.c  what became of one's own edits
 *   api_duplicates.c likely duplicates, merging records
 *   api_conversion.c processing a lead
 *   api_openapi.c   the API described for programs
 */
#ifndef FB_WEB_API_INSIDE_H
#define FB_WEB_API_INSIDE_H

#include <jansson.h>

#include "common/base/limits.h"
#include "common/base/time.h"
#include "common/search/search.h"
#include "common/store/query.h"
#include "common/store/sql.h"
#include "common/web/api.h"

enum fb_api_act {
    FB_API_READ,
    FB_API_CREATE,
    FB_API_EDIT,
    FB_API_DELETE,
    FB_API_EXPORT,
    FB_API_ASSIGN,
    FB_API_ACTS
};

struct fb_rights;

/* One call. */
struct fb_api {
    struct fb_web *web;
    const struct fb_request *req;
    struct fb_response *res;
    struct fb_buf *out; /* the answer's body */
    struct fb_store *store;
    const struct fb_catalogue *catalogue;
    struct fb_arena *arena;
    const char *me;           /* employee's id; "" before anybody is known */
    struct fb_rights *rights; /* NULL: not loaded yet, or there is no catalogue */
};
void fb_api_begin(struct fb_api *a, struct fb_web *web, const struct fb_request *req,
                  struct fb_response *res);
void fb_api_end(struct fb_api *a); /* for FB_AUTO */

/* A failure of a sort the contract names; each returns an error. */
int fb_api_not_found(struct fb_api *a) FB_MUST_CHECK;
int fb_api_bad_request(struct fb_api *a, const char *format, ...) FB_PRINTF(2, 3) FB_MUST_CHECK;
/* The entity or id in the path's segment; not_found. */
int fb_api_entity(struct fb_api *a, int segment, const struct fb_entity **ret) FB_MUST_CHECK;
int fb_api_id(struct fb_api *a, int segment, const char **ret) FB_MUST_CHECK;
/* A query parameter as a number within min and max; missing: `usual`. */
int fb_api_query_int(struct fb_api *a, const char *name, int64_t min, int64_t max, int64_t usual,
                     int64_t *ret) FB_MUST_CHECK;
/* The refusal was about one row of several: the answer goes on without it. */
void fb_api_forget_problem(struct fb_api *a);
/* What the budget of a question ended with: too_wide. Others pass. */
int fb_api_asked(struct fb_api *a, int rc) FB_MUST_CHECK;

/* ---- api_value.c ---- */

/* A JSON string whatever the bytes: what is not UTF-8 becomes U+FFFD. */
void fb_api_append_text(struct fb_buf *out, const char *bytes, size_t size);
void fb_api_append_key(struct fb_buf *out, const char *name); /* "name": with a comma if needed */
void fb_api_append_member(struct fb_buf *out, const char *name, const char *text); /* NULL: null */
void fb_api_append_value(struct fb_buf *out, const struct fb_field *f, const struct fb_value *v);
/* Any column of an entity. */
void fb_api_append_column(struct fb_buf *out, const struct fb_entity *e, uint32_t column,
                          const struct fb_value *v);
/* Why a value does not do: code and parameters of the texts in the pages (check.*). */
struct fb_api_check {
    const char *code; /* NULL: it does */
    char detail[FB_WHY_SIZE];
    char params[256]; /* members of a JSON object */
};
/* JSON to a value of the field, in the arena. FB_ERR_INVALID with the check filled. */
int fb_api_read_value(const struct fb_field *f, const json_t *json, struct fb_arena *arena,
                      struct fb_value *ret, struct fb_api_check *ret_check) FB_MUST_CHECK;

/* ---- api_check.c ---- */

struct fb_api_checks {
    struct fb_buf fields; /* members of "fields" */
    int count;
};
void fb_api_checks_init(struct fb_api_checks *c);
void fb_api_checks_release(struct fb_api_checks *c);
void fb_api_checks_add(struct fb_api_checks *c, const char *field,
                       const struct fb_api_check *check);
void fb_api_check_set(struct fb_api_check *check, const char *code, const char *format, ...)
    FB_PRINTF(3, 4);
/* 422 check with all of them; FB_OK if there are none. */
int fb_api_checks_answer(struct fb_api *a, const struct fb_api_checks *c) FB_MUST_CHECK;

/* ---- api_refs.c: titles of what rows point to ---- */

struct fb_api_ref {
    const struct fb_entity *entity;
    char id[FB_ROW_ID_SIZE];
    const char *title; /* NULL: neither here nor known */
    bool is_reference; /* its details are at headquarters */
};
struct fb_api_refs {
    struct fb_api_ref *refs;
    size_t count, capacity;
};
int fb_api_refs_add(struct fb_api *a, struct fb_api_refs *r, const struct fb_entity *e,
                    const struct fb_value *id) FB_MUST_CHECK;
/* All references of a row, its stamps' too; of absent columns none. */
int fb_api_refs_add_row(struct fb_api *a, struct fb_api_refs *r,
                        const struct fb_row *row) FB_MUST_CHECK;
/* Finds the titles; afterwards refs are sorted, each once. */
int fb_api_refs_resolve(struct fb_api *a, struct fb_api_refs *r) FB_MUST_CHECK;
const struct fb_api_ref *fb_api_refs_find(const struct fb_api_refs *r, const struct fb_entity *e,
                                          const char *id);
/* What the employee is called; NULL: nobody, or not known. */
int fb_api_person(struct fb_api *a, const char *employee_id, const char **ret) FB_MUST_CHECK;
/* "references": {...}; after resolve. */
void fb_api_refs_append(struct fb_buf *out, const struct fb_api_refs *r);
/* What a person calls a row whose title columns are read. */
int fb_api_append_title(struct fb_buf *out, const struct fb_row *row) FB_MUST_CHECK;

/* ---- api_filter.c ---- */

/* Reads a filter; values are checked by the catalogue. The tree is in the arena. bad_request names what is wrong. */
int fb_api_filter(struct fb_api *a, const struct fb_entity *e, const char *text,
                  const struct fb_query_node **ret) FB_MUST_CHECK;
int fb_api_filter_json(struct fb_api *a, const struct fb_entity *e, const json_t *json,
                       const struct fb_query_node **ret) FB_MUST_CHECK;
/* Nodes for handlers' own conditions; NULL without memory. */
struct fb_query_node *fb_api_node(struct fb_api *a, enum fb_query_op op, uint32_t column,
                                  const struct fb_value *v);
struct fb_query_node *fb_api_node_text(struct fb_api *a, enum fb_query_op op, uint32_t column,
                                       const char *text);
/* a AND b, a OR b; NULL is "no condition" for AND. */
const struct fb_query_node *fb_api_both(struct fb_api *a, const struct fb_query_node *x,
                                        const struct fb_query_node *y);
const struct fb_query_node *fb_api_either(struct fb_api *a, const struct fb_query_node *x,
                                          const struct fb_query_node *y);

/* ---- api_page.c ---- */

/* The position as an opaque text that names what it belongs to (sort), and back. */
int fb_api_page_write(struct fb_api *a, const struct fb_query *q,
                      const struct fb_query_position *at, const char **ret) FB_MUST_CHECK;
int fb_api_page_read(struct fb_api *a, const struct fb_query *q, const char *text,
                     struct fb_query_position *ret) FB_MUST_CHECK;
/* Copies keys into the arena. */
int fb_api_page_keep(struct fb_api *a, const struct fb_query *q, const struct fb_query_position *at,
                     struct fb_query_position *ret) FB_MUST_CHECK;

/* ---- api_record.c ---- */

/* {"row": ..., "references": ..., "marks": ..., "rev": ..., "parts": ...} and the ETag; not_found. */
int fb_api_answer_record(struct fb_api *a, const struct fb_entity *e, const char *id,
                         int status) FB_MUST_CHECK;
/* Members of a row's object, without braces: id, fields the person may see, stamps. */
void fb_api_append_row(struct fb_api *a, struct fb_buf *out, const struct fb_row *row);
/* What tells two states of a row apart: at headquarters the rev that wrote it last, on a laptop a digest. */
int fb_api_row_rev(struct fb_api *a, const struct fb_row *row, char ret[static 32]) FB_MUST_CHECK;

/* The row as it stands: not_found, or what act the person may not do. */
int fb_api_row_now(struct fb_api *a, const struct fb_entity *e, const char *id, enum fb_api_act act,
                   struct fb_row *ret) FB_MUST_CHECK;

/* ---- api_marks.c ---- */

enum fb_api_mark {
    FB_API_MARK_NONE,
    FB_API_MARK_UNSENT,
    FB_API_MARK_ADJUSTED,
    FB_API_MARK_DISPUTED,
    FB_API_MARK_FOUND,
    FB_API_MARK_HELD,
};
struct fb_api_marks;
/* Reads what is needed for many rows. */
int fb_api_marks_open(struct fb_api *a, struct fb_api_marks **ret) FB_MUST_CHECK;
void fb_api_marks_close(struct fb_api_marks **m); /* for FB_AUTO */
/* The first that holds. */
int fb_api_marks_row(struct fb_api *a, struct fb_api_marks *m, const struct fb_entity *e,
                     const char *id, enum fb_api_mark *ret) FB_MUST_CHECK;
const char *fb_api_mark_name(enum fb_api_mark mark); /* NULL for NONE */
/* "marks": {...} of one row. */
int fb_api_marks_append(struct fb_api *a, struct fb_api_marks *m, const struct fb_entity *e,
                        const char *id, struct fb_buf *out) FB_MUST_CHECK;

/* ---- api_may.c ---- */

/* Loads them; fb_api_entity does. */
int fb_api_load_rights(struct fb_api *a) FB_MUST_CHECK;
/* Rows of the entity at all: not_found if they may not be read, right_missing (403) for what else. */
int fb_api_may(struct fb_api *a, const struct fb_entity *e, enum fb_api_act act) FB_MUST_CHECK;
/* The row: not_found if it may not be read, right_record (403) for what else is missing. */
int fb_api_may_row(struct fb_api *a, const struct fb_row *row, enum fb_api_act act) FB_MUST_CHECK;
/* From old to now; mask: fields that are written. */
int fb_api_may_change(struct fb_api *a, const struct fb_row *old, const struct fb_row *now,
                      const uint64_t *mask) FB_MUST_CHECK;
/* The row, where a refusal is no failure: may it be changed, deleted, given to somebody else? */
int fb_api_can(struct fb_api *a, const struct fb_row *row, enum fb_api_act act,
               bool *ret) FB_MUST_CHECK;
/* The row, where a refusal is no failure; and hidden fields of it made FB_ABSENT, true if there were any. */
int fb_api_may_read(struct fb_api *a, const struct fb_row *row, bool *ret) FB_MUST_CHECK;
bool fb_api_blank(const struct fb_api *a, struct fb_row *row);
int fb_api_may_bulk(struct fb_api *a) FB_MUST_CHECK;
const char *fb_api_level_name(const struct fb_api *a, const struct fb_entity *e,
                              enum fb_api_act act);
bool fb_api_reads_all(const struct fb_api *a, const struct fb_entity *e);
bool fb_api_sees_entity(const struct fb_api *a, const struct fb_entity *e);
/* A field of other people's rows: what lists can be sorted and filtered by. */
bool fb_api_sees_field(const struct fb_api *a, const struct fb_entity *e, const struct fb_field *f);
/* ... of a row that is the person's own, or not. */
bool fb_api_is_own(const struct fb_api *a, const struct fb_row *row);
bool fb_api_sees_value(const struct fb_api *a, const struct fb_entity *e, const struct fb_field *f,
                       bool is_own);
bool fb_api_writes_field(const struct fb_api *a, const struct fb_entity *e,
                         const struct fb_field *f, bool is_own);
/* fb_query_run and fb_query_count over the rows the person may read. */
int fb_api_query(struct fb_api *a, const struct fb_query *q, fb_query_each *f,
                 void *ctx) FB_MUST_CHECK;
int fb_api_count(struct fb_api *a, const struct fb_query *q, int64_t at_most,
                 int64_t *ret) FB_MUST_CHECK;

/* May the person change roles? Administrators settle what nobody else may. */
bool fb_api_is_admin(const struct fb_api *a);

/* ---- api_held.c ---- */

/* Rows of a query as texts of the arena, at most 200: column i of row n is ret_rows[n * columns + i]. */
int fb_api_copy_rows(struct fb_api *a, const char *sql, const char *const *texts, size_t text_count,
                     const char ***ret_rows, size_t *ret_count) FB_MUST_CHECK;

/* What a record is called; NULL: nobody knows. And as a member of an object; NULL id: null. */
int fb_api_record_title(struct fb_api *a, const char *entity, const char *id,
                        const char **ret) FB_MUST_CHECK;
int fb_api_append_titled(struct fb_api *a, struct fb_buf *out, const char *name, const char *entity,
                         const char *id) FB_MUST_CHECK;

/* ---- api_desk.c ---- */

struct fb_desk_conflict;
/* Members of a conflict's object, without braces; is_private: without what it is about. */
int fb_api_append_conflict(struct fb_api *a, struct fb_buf *out, const struct fb_desk_conflict *c,
                           bool is_private) FB_MUST_CHECK;

/* ---- api_search.c ---- */

#define FB_API_FOUND_MAX 50

/* A hit of a lookup or a search. */
struct fb_api_found {
    const struct fb_entity *entity;
    struct fb_row row; /* of the arena; of a reference only the id */
    const char *title; /* of a reference */
    bool is_reference;
};
/* Of a row as the person sees it: what the title and the second line need. */
int fb_api_found_row(struct fb_api *a, const struct fb_row *row,
                     struct fb_api_found *ret) FB_MUST_CHECK;
/* The record of that id; ret_is_seen false: the person may not see it, or it is gone. */
int fb_api_found_record(struct fb_api *a, const struct fb_entity *e, const char *id,
                        struct fb_api_found *ret, bool *ret_is_seen) FB_MUST_CHECK;
/* {"id", "title", "second", "is_reference"}; refs resolved of all rows. */
int fb_api_append_hit(struct fb_api *a, const struct fb_api_refs *refs,
                      const struct fb_api_found *f, bool with_entity) FB_MUST_CHECK;
/* [{"entity", "id", "title", "second", "is_reference"}] */
int fb_api_append_found(struct fb_api *a, const struct fb_api_found *found, size_t count,
                        bool with_entity) FB_MUST_CHECK;

struct fb_api_search {
    const char *text;
    const struct fb_entity *entity; /* NULL: all */
    size_t limit, limit_per_entity; /* 0: no limit of its own */
    struct fb_api_found found[FB_API_FOUND_MAX];
    size_t count;
};
/* Asks the search file (there is one) for what the person may see. */
int fb_api_search(struct fb_api *a, struct fb_api_search *search) FB_MUST_CHECK;

/* ---- api_related.c ---- */

/* Rows whose field points at the record. NULL without memory. */
const struct fb_query_node *fb_api_pointing(struct fb_api *a, const struct fb_field *f,
                                            const struct fb_entity *target, const char *id);

#endif
