/* SPDX-License-Identifier: MIT
 *
 * Text of the tables, indexes and capture triggers that the catalogue asks for. Text only; running
 * it belongs to common/store. The triggers and the hazards they survive: docs/architecture.md,
 * "Capture".
 *
 * The journal the triggers write (created by common/store/upgrades):
 *
 *     CREATE TABLE fb_journal (
 *         seq    INTEGER PRIMARY KEY,
 *         op     INTEGER NOT NULL,  -- 1 insert, 2 one field updated, 3 deleted, 4 old image (an insert met the id)
 *         entity INTEGER NOT NULL,  -- the entity's number
 *         row_id TEXT NOT NULL,
 *         field  INTEGER,           -- op 2: the field's number
 *         old    ANY,               -- op 2: the old value, typed; op 3 and 4: the old row as JSON, by field name,
 *                                   --   blobs as {"$hex":...}
 *         at_ms  INTEGER NOT NULL,  -- wall clock of the writer
 *         step   BLOB               -- op 1 and 2 on sum fields: 8 random bytes, the step's id
 *     ) STRICT;
 *     -- A row with op 0 marks that the cursor moved: old = the cursor from here on.
 *
 * A seq field that an insert leaves NULL gets '<prefix>-<number>' from two tables of common/store:
 * fb_meta (key TEXT PRIMARY KEY, value), key 'number_prefix', and fb_number (entity INTEGER PRIMARY
 * KEY, next INTEGER NOT NULL). Without a prefix it stays NULL. The filling leaves an op 2 row of
 * its own behind the op 1 row.
 */
#ifndef FB_CATALOGUE_DDL_H
#define FB_CATALOGUE_DDL_H

#include "common/base/buf.h"
#include "common/catalogue/catalogue.h"

/* What the table itself asks of a row id; the insert trigger asks for hexadecimal digits too, so
 * that applying rows of headquarters (triggers off) does not pay for it. */
#define FB_DDL_ID_CHECK                                                                            \
    "length(id) = 36 AND id GLOB '????????" FB_DDL_DASH4 FB_DDL_DASH4 FB_DDL_DASH4 "-*'"
#define FB_DDL_DASH4 "-????"

enum fb_journal_op {
    FB_JOURNAL_CURSOR = 0,
    FB_JOURNAL_INSERT,
    FB_JOURNAL_UPDATE,
    FB_JOURNAL_DELETE,
    FB_JOURNAL_OLD_IMAGE
};

/* A name as SQL wants it: in double quotes if it is a keyword ("case", "order"), else as it is. */
void fb_ddl_append_name(struct fb_buf *out, const char *name);

/* One statement each call, without the final semicolon, readable by a person who opens the file. */
void fb_ddl_table(struct fb_buf *out, const struct fb_entity *e);
/* ALTER TABLE ... ADD COLUMN for a field that a newer catalogue brings. */
void fb_ddl_add_column(struct fb_buf *out, const struct fb_entity *e, const struct fb_field *f);

/* Calls f for each index and trigger with its name and the CREATE statement: what sqlite_schema
 * must hold. */
typedef int fb_ddl_each(void *ctx, const char *name, const char *sql);
int fb_ddl_each_index(const struct fb_entity *e, fb_ddl_each *f, void *ctx) FB_MUST_CHECK;
int fb_ddl_each_trigger(const struct fb_catalogue *c, const struct fb_entity *e, fb_ddl_each *f,
                        void *ctx) FB_MUST_CHECK;

#endif
