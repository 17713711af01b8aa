/* SPDX-License-Identifier: MIT
 *
 * Processing a lead: a company, a contact and an opportunity come of it, each made or, of the first two, one that was there. Here is
 * what the three take over from the lead, what to offer instead of new ones, and when it is too late. Nothing is written here: the
 * rows are the caller's (common/web/api_conversion.c), who judges, checks and writes them in one transaction.
 *
 * Two laptops may process one lead: the fields that say what came of it are set once, so the first to reach headquarters keeps the lead
 * and the second's values are conflicts, whose records headquarters puts into the duplicates list (server/duplicates.c).
 */
#ifndef FB_CRM_CONVERSION_H
#define FB_CRM_CONVERSION_H

#include "common/crm/alike.h"
#include "common/store/row.h"

/* In the order in which they are made: each may point to those before it. */
enum fb_conversion_part {
    FB_CONVERSION_COMPANY,
    FB_CONVERSION_CONTACT,
    FB_CONVERSION_OPPORTUNITY,
    FB_CONVERSION_PARTS
};

/* "company"; and the reference to it, of the lead and of what is made after it: "company_id". */
const char *fb_conversion_entity(enum fb_conversion_part part);
const char *fb_conversion_link(enum fb_conversion_part part);
/* Does the lead's field say what came of it? */
bool fb_conversion_is_result(const char *entity, const char *field);

enum fb_conversion_state {
    FB_CONVERSION_OPEN,
    FB_CONVERSION_DONE,  /* processed */
    FB_CONVERSION_CLOSED /* disqualified, or given back */
};
enum fb_conversion_state fb_conversion_state(const struct fb_row *lead);
/* The sentence of a refusal: what the lead became, or that it is closed. */
void fb_conversion_refuse(struct fb_store *s, const struct fb_row *lead, struct fb_why *why);

/* A field of a new record and the lead's field that it takes its value from. */
struct fb_conversion_carry {
    const char *entity, *field, *from;
};
const struct fb_conversion_carry *fb_conversion_carried(size_t *ret_count);

/* What a new opportunity starts with: the usual pipeline with its first stage, and a date of closing by the
 * lead's time frame. Only values that are empty are set; bytes are of the arena. */
int fb_conversion_start_opportunity(struct fb_store *s, const struct fb_row *lead, int64_t now_ms,
                                    struct fb_arena *arena, struct fb_row *ret) FB_MUST_CHECK;

/* Calls f for companies that may be the lead's own (by name, by its numbers), and for contacts that may be its person: of that company
 * by their name, and of it or of none by the lead's numbers; company_id NULL: of any company by the numbers. A record may come twice. */
int fb_conversion_companies(struct fb_store *s, const struct fb_row *lead, struct fb_arena *arena,
                            fb_alike_each *f, void *ctx) FB_MUST_CHECK;
int fb_conversion_contacts(struct fb_store *s, const struct fb_row *lead, const char *company_id,
                           struct fb_arena *arena, fb_alike_each *f, void *ctx) FB_MUST_CHECK;

/* To whom the lead's numbers (comm_point) and addresses go besides: of the parts, which are new, the one they fit best. PARTS: to none. */
enum fb_conversion_part fb_conversion_heir(const char *entity,
                                           const bool is_new[static FB_CONVERSION_PARTS]);

#endif
