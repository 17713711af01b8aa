/* SPDX-License-Identifier: MIT
 *
 * Rows found by a key during an import: an exchange key's code, or the values of fields. What was asked once is
 * remembered, so that a hundred thousand lines of the same fifty products ask fifty times. A remembered
 * answer is a row that exists; that there is none is asked again, as a line may have made it meanwhile.
 */
#ifndef FB_FORMATS_LOOKUP_H
#define FB_FORMATS_LOOKUP_H

#include "common/base/id.h"
#include "common/store/store.h"

/* Texts to row ids. */
struct fb_id_map;
int fb_id_map_new(struct fb_id_map **ret) FB_MUST_CHECK;
void fb_id_map_free(struct fb_id_map *map);
/* NULL if the key is not there. */
const char *fb_id_map_get(const struct fb_id_map *map, const char *key, size_t size);
/* Replaces. FB_ERR_LIMIT beyond FB_IMPORT_KEYS_MAX. */
int fb_id_map_put(struct fb_id_map *map, const char *key, size_t size,
                  const char id[static FB_ROW_ID_SIZE]) FB_MUST_CHECK;

struct fb_lookup;
int fb_lookup_new(struct fb_store *store, struct fb_lookup **ret) FB_MUST_CHECK;
void fb_lookup_free(struct fb_lookup *lookup);
void fb_lookup_drop(struct fb_lookup **lookup); /* for FB_AUTO */

/* Each finds a row's id: true in *ret_found. The first question about a system and entity reads all its codes. */
int fb_lookup_by_key(struct fb_lookup *l, const char *system, const struct fb_entity *e,
                     const char *code, char ret_id[static FB_ROW_ID_SIZE],
                     bool *ret_found) FB_MUST_CHECK;
/* FB_ERR_EXISTS if several rows have these values: no one knows which is meant. */
int fb_lookup_by_fields(struct fb_lookup *l, const struct fb_entity *e,
                        const struct fb_field *const *fields, const struct fb_value *values,
                        size_t count, char ret_id[static FB_ROW_ID_SIZE],
                        bool *ret_found) FB_MUST_CHECK;

/* A row's code was written. Call it when the line stands. */
int fb_lookup_add_key(struct fb_lookup *l, const char *system, const struct fb_entity *e,
                      const char *code, const char id[static FB_ROW_ID_SIZE]) FB_MUST_CHECK;
/* A row was made (mask NULL) or its fields in the mask (bit i of mask[i / 64]: field i) were changed. Call it when the line
 * stands. */
int fb_lookup_note_row(struct fb_lookup *l, const struct fb_row *row,
                       const uint64_t *mask) FB_MUST_CHECK;

#endif
