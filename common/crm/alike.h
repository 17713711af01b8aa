/* SPDX-License-Identifier: MIT
 *
 * Records that may be the same: asked when one is entered (a form warns and never blocks, also offline) and when headquarters takes
 * one in (then a merge_job row in state "suspected" is the entry of the duplicates list).
 *
 * Alike are: equal values of a field that should be unique; companies whose names differ only by their legal form, spaces and
 * punctuation; contacts of one company with one name; records with the same phone number or mail address. Every question is
 * answered by an index, so the cost does not grow with the number of records.
 */
#ifndef FB_CRM_ALIKE_H
#define FB_CRM_ALIKE_H

#include "common/base/buf.h"
#include "common/store/store.h"

/* Borrowed during the call. */
struct fb_alike {
    const char *id;
    int score; /* per cent */
    const char
        *rule; /* by what: the field's name, or "person" (name and company), "phone", "mail" */
};

/* Calls f for records of row's entity that are like it, the likest first, each once; at most FB_ALIKE_FOUND_MAX. row may be one that
 * is not saved yet: absent values say nothing; its own id is left out. */
typedef int fb_alike_each(void *ctx, const struct fb_alike *alike);
int fb_alike_find(struct fb_store *s, const struct fb_row *row, fb_alike_each *f,
                  void *ctx) FB_MUST_CHECK;

/* The same for a phone number or a mail address that is being entered for a record of that entity. */
int fb_alike_find_number(struct fb_store *s, const struct fb_entity *owner, const char *own_id,
                         const char *number, fb_alike_each *f, void *ctx) FB_MUST_CHECK;

/* The rule for people, in their language: "same tax ID". "lead": made of the same lead. A text that is no rule stays as it is. */
void fb_alike_say(const struct fb_entity *e, const char *rule, struct fb_buf *buf);

/* Does the entity have anything to compare? */
bool fb_alike_is_compared(const struct fb_entity *e);

/* A company's name without its legal form, spaces and punctuation, Latin letters small: "东华精密股份有限公司" and "东华精密" are the
 * same. ret_prefix_size, may be NULL: so many first bytes of the name are in all names like it. */
void fb_alike_name(const char *name, size_t size, struct fb_buf *ret, size_t *ret_prefix_size);

#endif
