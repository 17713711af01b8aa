/* SPDX-License-Identifier: MIT
 *
 * How the files of the mapping loader share their work; for this folder only.
 */
#ifndef FB_FORMATS_MAPPING_BIND_H
#define FB_FORMATS_MAPPING_BIND_H

#include <jansson.h>

#include "common/formats/mapping.h"

struct fb_bind {
    struct fb_mapping *m;
    const struct fb_catalogue *catalogue;
    const char *csv_name;
    const json_t *doc;
    struct fb_why *why;
    size_t rules_bound; /* only earlier rules may be linked to */
    char where[160];    /* "row 'agent', field 'code'" */
};

/* A sentence with the mapping's path and the place in front; returns FB_ERR_INVALID. */
int fb_bind_fail(const struct fb_bind *b, const char *format, ...) FB_PRINTF(2, 3) FB_MUST_CHECK;

/* Refuses members that are none of allowed (ends with NULL). */
int fb_bind_check_members(const struct fb_bind *b, const json_t *object,
                          const char *const *allowed) FB_MUST_CHECK;

/* The text of a member, or NULL if there is none; another type fails. */
int fb_bind_text(const struct fb_bind *b, const json_t *object, const char *member,
                 const char **ret) FB_MUST_CHECK;

/* The members of an object that change a cell's text. */
int fb_bind_transforms(const struct fb_bind *b, const json_t *object, struct fb_transform **ret,
                       size_t *ret_count) FB_MUST_CHECK;

int fb_bind_value(struct fb_bind *b, const json_t *json, int depth,
                  struct fb_map_value *ret) FB_MUST_CHECK;
int fb_bind_field(const struct fb_bind *b, const struct fb_entity *e, const char *name,
                  const struct fb_field **ret) FB_MUST_CHECK;
int fb_bind_entity(const struct fb_bind *b, const json_t *object,
                   const struct fb_entity **ret) FB_MUST_CHECK;
int fb_bind_column(const struct fb_bind *b, const char *name, size_t *ret) FB_MUST_CHECK;
void *fb_bind_alloc(const struct fb_bind *b, size_t count, size_t size);

#endif
