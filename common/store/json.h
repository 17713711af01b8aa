/* SPDX-License-Identifier: MIT
 *
 * Reads the two forms of JSON that stand in our tables, for this folder only:
 *
 *     {"name": "Acme", "visits": 3, "logo": {"$hex": "89504E47"}, "city": null}   a row's image
 *     {"name": ["Acme", "Acme Ltd"]}                                     old and new values
    {"name": ["Acme", "Acme Ltd", 1700000000000]}                      ... and when, if not as the entry
 *
 * Not jansson: a text that a foreign tool stored may hold any bytes, and json_object() passes
 * them on as they are; a strict reader refuses them, and then the image of a deleted row would be
 * lost (faults.md E14).
 */
#ifndef FB_STORE_JSON_H
#define FB_STORE_JSON_H

#include "common/base/mem.h"
#include "common/base/value.h"
#include "common/catalogue/catalogue.h"

struct fb_json_member {
    const char *name; /* not terminated */
    size_t name_size;
    struct fb_value values[3]; /* of a plain value only the first; {"$hex"} is a blob */
    size_t count;
};

/* Calls f per member; what is not stored as it is lives in the arena. FB_ERR_DAMAGED if the text
 * has another form; what f returned if that was not FB_OK. */
typedef int fb_json_each(void *ctx, const struct fb_json_member *member);
int fb_json_read(const char *json, size_t size, struct fb_arena *arena, fb_json_each *f,
                 void *ctx) FB_MUST_CHECK;

/* The entity's field of that name; NULL if there is none. A blob that stands for a text which is
 * not UTF-8 is made a text. */
const struct fb_field *fb_json_field(const struct fb_entity *e,
                                     const struct fb_json_member *member);
struct fb_value fb_json_value(const struct fb_field *field, const struct fb_value *v);

#endif
