/* SPDX-License-Identifier: MIT
 *
 * Rows of entities as values. Whole rows; a column the row gives as FB_ABSENT is left as it is (a
 * field hidden from this device), NULL on insert.
 */
#ifndef FB_STORE_ROW_H
#define FB_STORE_ROW_H

#include "common/base/id.h"
#include "common/store/store.h"

/* Reads one row into the arena. ret_found says whether it is there. */
int fb_row_read(struct fb_store *s, const struct fb_entity *e, const char id[static FB_ROW_ID_SIZE],
                struct fb_arena *arena, struct fb_row *ret, bool *ret_found) FB_MUST_CHECK;
int fb_row_exists(struct fb_store *s, const struct fb_entity *e,
                  const char id[static FB_ROW_ID_SIZE], bool *ret) FB_MUST_CHECK;

/* Upsert by id, never REPLACE. */
int fb_row_write(struct fb_store *s, const struct fb_row *row) FB_MUST_CHECK;
/* Plain insert, for tables known not to hold the id. FB_ERR_CONSTRAINT if they do. */
int fb_row_insert(struct fb_store *s, const struct fb_row *row) FB_MUST_CHECK;
/* Writes only the fields whose index is set in mask (bit i of mask[i / 64]) and, if with_stamps,
 * the stamps. */
#define FB_ROW_MASK_WORDS ((FB_FIELDS_MAX + 63) / 64)
int fb_row_update(struct fb_store *s, const struct fb_row *row,
                  const uint64_t mask[static FB_ROW_MASK_WORDS], bool with_stamps) FB_MUST_CHECK;
int fb_row_delete(struct fb_store *s, const struct fb_entity *e,
                  const char id[static FB_ROW_ID_SIZE]) FB_MUST_CHECK;

/* Calls f for rows in the order of their ids, after the given id ("" from the start), at most
 * count_max. The row's bytes live during the call. f returns FB_OK to go on; anything else ends
 * the scan with it. */
typedef int fb_row_each(void *ctx, const struct fb_row *row);
int fb_row_scan(struct fb_store *s, const struct fb_entity *e, const char *after_id,
                int64_t count_max, fb_row_each *f, void *ctx) FB_MUST_CHECK;
/* The same for rows whose reference field points to id (indexed for part and scope references). */
int fb_row_scan_by(struct fb_store *s, const struct fb_entity *e, const struct fb_field *field,
                   const char *id, fb_row_each *f, void *ctx) FB_MUST_CHECK;

/* Marked by its owner as his alone (struct fb_entity, private_field). */
bool fb_row_is_private(const struct fb_row *row);

/* Does its state mean "closed", by the catalogue's rule? */
bool fb_row_is_closed(const struct fb_row *row);

/* What a reference of this row points to: a poly field's target is named by another field of the row. NULL: nothing known. */
const struct fb_entity *fb_row_target(const struct fb_row *row, const struct fb_field *field);

/* The row's hash for digests. */
int fb_row_digest(const struct fb_row *row, struct fb_digest *ret) FB_MUST_CHECK;

/* Rows as JSON by field name (bin, journal's old images). Unknown names are ignored; missing ones
 * are FB_ABSENT. */
void fb_row_append_json(struct fb_buf *buf, const struct fb_row *row);
int fb_row_from_json(const struct fb_entity *e, const char id[static FB_ROW_ID_SIZE],
                     const char *json, size_t size, struct fb_arena *arena,
                     struct fb_row *ret) FB_MUST_CHECK;

/* A row with room for its values in the arena, all absent. FB_ERR_NO_MEMORY. */
int fb_row_new(const struct fb_entity *e, const char id[static FB_ROW_ID_SIZE],
               struct fb_arena *arena, struct fb_row *ret) FB_MUST_CHECK;
/* The same, each field as it begins (struct fb_field, initial); the stamps are absent. */
int fb_row_begin(const struct fb_entity *e, const char id[static FB_ROW_ID_SIZE],
                 struct fb_arena *arena, struct fb_row *ret) FB_MUST_CHECK;

/* The first load of empty tables: drops the secondary indexes (before) and builds them (after): a
 * quarter less CPU. Inside one transaction. */
int fb_row_bulk_begin(struct fb_store *s) FB_MUST_CHECK;
int fb_row_bulk_end(struct fb_store *s) FB_MUST_CHECK;

#endif
