/* SPDX-License-Identifier: MIT */
#include "common/crm/title.h"

#include <string.h>

#include "common/base/buf.h"
#include "common/base/id.h"
#include "common/store/row.h"
#include "common/store/sql.h"

#define SHORT_ID_CHARS 12 /* the last ones: the first are a time, which many rows share */

int fb_title_append_row(const struct fb_row *row, struct fb_buf *buf)
{
    size_t start = buf->size;
    fb_row_append_title(row, SIZE_MAX, buf);
    if (buf->size == start && strlen(row->id) > SHORT_ID_CHARS) {
        fb_buf_append_text(buf, row->id + strlen(row->id) - SHORT_ID_CHARS);
    }
    return fb_buf_error(buf);
}

static int append_reference(struct fb_store *s, const char *entity, const char *id,
                            struct fb_buf *buf)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, "SELECT title FROM reference WHERE entity = ?1 AND id = ?2", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, entity);
    fb_sql_bind_text(q, 2, id);
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        fb_buf_append_text(buf, fb_sql_text(q, 0));
    } else if (rc == FB_SQL_DONE) {
        fb_buf_append_text(buf, id + strlen(id) - SHORT_ID_CHARS);
    }
    return rc < 0 ? rc : fb_buf_error(buf);
}

int fb_title_append(struct fb_store *s, const char *entity, const char *id, struct fb_buf *buf)
{
    const struct fb_catalogue *c = fb_store_catalogue(s);
    const struct fb_entity *e = c == NULL || entity == NULL ? NULL : fb_catalogue_entity(c, entity);
    if (e == NULL || id == NULL || !fb_id_is_valid(id, strlen(id))) {
        return FB_OK;
    }
    FB_AUTO(fb_arena_release) struct fb_arena arena;
    fb_arena_init(&arena, 0);
    struct fb_row row;
    bool is_there = false;
    int rc = fb_row_read(s, e, id, &arena, &row, &is_there);
    if (rc < 0) {
        return rc;
    }
    return is_there ? fb_title_append_row(&row, buf) : append_reference(s, entity, id, buf);
}
