/* SPDX-License-Identifier: MIT
 *
 * Statements written as SQL, prepared once per text and kept by the store. Values are bound,
 * never pasted; the texts are constants of the program (or made by the catalogue's DDL).
 *
 *     struct fb_sql *q;
 *     int rc = fb_sql_begin(store, "SELECT name FROM company WHERE id = ?1", &q);
 *     ...
 *     fb_sql_bind_text(q, 1, id);
 *     while ((rc = fb_sql_step(q)) == FB_SQL_ROW) { ... fb_sql_text(q, 0) ... }
 *     fb_sql_end(q);
 *
 * A failed bind is remembered and reported by fb_sql_step.
 */
#ifndef FB_STORE_SQL_H
#define FB_STORE_SQL_H

#include "common/store/store.h"

struct fb_sql;

enum { FB_SQL_DONE = 0, FB_SQL_ROW = 1 };

int fb_sql_begin(struct fb_store *store, const char *text, struct fb_sql **ret) FB_MUST_CHECK;
void fb_sql_end(struct fb_sql *q);   /* resets, clears the bindings, gives it back; NULL is fine */
void fb_sql_drop(struct fb_sql **q); /* for FB_AUTO */
int fb_sql_rewind(struct fb_sql *q); /* resets and clears the bindings for the next run */

/* Parameters are numbered from 1. Bytes must live until the next rewind or end. */
void fb_sql_bind_int(struct fb_sql *q, int at, int64_t value);
void fb_sql_bind_text(struct fb_sql *q, int at, const char *text); /* NULL binds null */
void fb_sql_bind_bytes(struct fb_sql *q, int at, const void *bytes, size_t size);
void fb_sql_bind_null(struct fb_sql *q, int at);
void fb_sql_bind_value(struct fb_sql *q, int at, const struct fb_value *v);

/* FB_SQL_ROW, FB_SQL_DONE, or an error. */
int fb_sql_step(struct fb_sql *q) FB_MUST_CHECK;
/* Runs to the end, then rewinds. FB_OK or an error. */
int fb_sql_run(struct fb_sql *q) FB_MUST_CHECK;

/* Columns are numbered from 0; bytes live until the next step. */
int64_t fb_sql_int(const struct fb_sql *q, int at);
const char *fb_sql_text(const struct fb_sql *q, int at); /* NULL for null */
struct fb_value fb_sql_value(const struct fb_sql *q, int at);
int fb_sql_column_count(const struct fb_sql *q);
const char *fb_sql_column_name(const struct fb_sql *q, int at);

/* One statement without parameters or result. */
int fb_sql_exec(struct fb_store *store, const char *text) FB_MUST_CHECK;
/* The number in the first row's first column; without a row *ret stays as it is. */
int fb_sql_read_int(struct fb_store *store, const char *text, int64_t *ret) FB_MUST_CHECK;
/* Rows the last statement changed. */
int64_t fb_sql_changes(const struct fb_store *store);

#endif
