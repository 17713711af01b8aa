/* SPDX-License-Identifier: MIT
 *
 * Sentences about records for people, in their language: values as their field shows them, names instead of ids, what became of an
 * edit. The sentences are those of the interface guide ("conflict.*", "held.*"); the command line and the API say the same.
 */
#ifndef FB_CRM_SAY_H
#define FB_CRM_SAY_H

#include <jansson.h>

#include "common/base/buf.h"
#include "common/crm/desk.h"
#include "common/store/store.h"

#define FB_LOCAL_TIME_SIZE  32
#define FB_SAID_VALUE_CHARS 40
#define FB_SAID_BYTES_MAX   65536

/* An instant to the minute, in the time zone of this computer; any other text stays as it is. */
const char *fb_say_time(const char *instant, char ret_text[static FB_LOCAL_TIME_SIZE]);

/* One value of a field as people read it: a reference by its title, nothing as "(empty)". field may be NULL. */
void fb_say_value(struct fb_store *s, const struct fb_field *field, const json_t *value,
                  struct fb_buf *buf);

/* The values of a group as one line of at most FB_SAID_VALUE_CHARS characters: {"field": value, ...}; NULL json: "(empty)". */
void fb_say_values(struct fb_store *s, const struct fb_entity *e, const char *json,
                   struct fb_buf *buf);

/* The person's name; "headquarters" for NULL. */
void fb_say_who(struct fb_store *s, const char *employee_id, struct fb_buf *buf);

/* What people call the field or group of an entity; "record" for "row". */
void fb_say_field(const struct fb_catalogue *c, const char *entity, const char *group,
                  struct fb_buf *buf);

/* The word for what became of the author's edit, by which pages find their own sentence: "later_theirs", "server", "lead_twice" ...;
 * NULL: there is none, the sentence below says it. */
const char *fb_say_code(const struct fb_store *s, const struct fb_desk_conflict *c);

/* What became of two edits of one field, to the person who reads it (viewer_id; NULL: at headquarters' desk). One or two
 * sentences; the ruling last, if there is one. */
void fb_say_conflict(struct fb_store *s, const struct fb_desk_conflict *c, const char *viewer_id,
                     struct fb_buf *buf);

#endif
