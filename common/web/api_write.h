/* SPDX-License-Identifier: MIT
 *
 * What the writing files of the record API share; for this folder only.
 *
 *   api_form.c     a form's values onto a row, and whether the row may stand
 *   api_merge.c    what the form saw, what stands now, what was typed: group by group
 *   api_create.c   POST: a record with its parts
 *   api_write.c    PATCH, DELETE, restore
 *   api_bulk.c     many rows at once
 *   api_conversion.c  processing a lead
 *   api_touch.c    first and last contact, by what is logged
 */
#ifndef FB_WEB_API_WRITE_H
#define FB_WEB_API_WRITE_H

#include "common/web/api_inside.h"

/* One row on its way. Values of row live in the call's arena. */
struct fb_api_form {
    struct fb_api *a;
    const struct fb_entity *entity;
    struct fb_row row;    /* as it will be */
    struct fb_row before; /* as it stands; of a new row nothing */
    bool is_own;
    bool is_new;
    uint64_t mask[FB_ROW_MASK_WORDS]; /* fields to write */
    struct fb_api_checks *checks;
    const char *prefix; /* of names in checks: "" or "order_line.0." */
    /* fields that both changed: members of "fields" of a 409 */
    struct fb_buf *both;
    int both_count;
};

static inline bool fb_api_is_set(const uint64_t *mask, uint32_t at)
{
    return (mask[at / 64] >> (at % 64) & 1) != 0;
}

/* A value of the form, by its field; what is wrong goes into the checks. *ret NULL: the field may not be written. */
int fb_api_form_value(struct fb_api_form *f, const char *name, const json_t *json,
                      const struct fb_field **ret, struct fb_value *ret_value) FB_MUST_CHECK;
void fb_api_form_set(struct fb_api_form *f, const struct fb_field *field, const struct fb_value *v);
void fb_api_form_complain(struct fb_api_form *f, const struct fb_field *field, const char *code,
                          const char *params, const char *sentence);
/* Are the fields in the mask (of a new row: all) fit to stand: filled, known choices, references that exist? */
int fb_api_form_check(struct fb_api_form *f) FB_MUST_CHECK;
/* Writes the row with its stamps, and what follows from it for other rows. */
int fb_api_form_write(struct fb_api_form *f) FB_MUST_CHECK;

/* api_touch.c: the row, just written, may be the first contact with a lead, or the last one with a company or contact. */
int fb_api_touch(const struct fb_api_form *f) FB_MUST_CHECK;
/* An activity that is about to be written as done was done now, if nobody said when. */
int fb_api_note_done(struct fb_api_form *f) FB_MUST_CHECK;

/* api_create.c: forms of new records. The row with its defaults; its id comes of the Idempotency-Key, if there is one, and of part, which
 * tells the records of one call apart. */
int fb_api_form_start(struct fb_api_form *f, int part) FB_MUST_CHECK;
/* The values of the form: {"name": value, ...}. */
int fb_api_form_take(struct fb_api_form *f, const json_t *json) FB_MUST_CHECK;
/* Who writes it owns it, unless the form names another. */
void fb_api_form_own(struct fb_api_form *f);

/* api_merge.c: base and mine of a form onto the row as it stands. */
int fb_api_merge(struct fb_api_form *f, const json_t *base, const json_t *mine) FB_MUST_CHECK;

/* The body as a JSON object; bad_request. Release with json_decref. */
int fb_api_body(struct fb_api *a, json_t **ret) FB_MUST_CHECK;
void fb_api_drop_json(json_t **json); /* for FB_AUTO */

/* Around the rows a person writes. */
int fb_api_begin_write(struct fb_api *a) FB_MUST_CHECK;
int fb_api_end_write(struct fb_api *a) FB_MUST_CHECK;
/* After the commit the record is read again and answered. both_json: a 409's fields; NULL. */
int fb_api_then_record(struct fb_api *a, const struct fb_entity *e, const char *id, int status,
                       const char *both_json) FB_MUST_CHECK;
/* The row as it stands, for an act, as the form's; it may be written to. */
int fb_api_form_open(struct fb_api_form *f, const char *id, enum fb_api_act act) FB_MUST_CHECK;

#endif
