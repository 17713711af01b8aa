/* SPDX-License-Identifier: MIT */
#include "common/sync/seen_changes.h"

#include <string.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/store/sql.h"

/* A line too long keeps the names of its fields only. */
#define LINE_BYTES_MAX 65536

static bool is_shown(const struct fb_entity *e)
{
    return e->scope != FB_SCOPE_DEVICE_ONLY && strcmp(e->name, "receipt") != 0 &&
           strcmp(e->name, "conflict") != 0 && strcmp(e->name, "held_change") != 0;
}

static bool differs(const struct fb_row *was, const struct fb_row *now, const uint64_t *kept,
                    size_t i)
{
    const struct fb_field *f = &now->entity->fields[i];
    bool is_kept = kept != NULL && (kept[i / 64] >> (i % 64) & 1) != 0;
    return !is_kept && now->values[i].type != FB_ABSENT && f->visibility != FB_SEEN_ON_DEVICE &&
           !fb_value_equal(&was->values[i], &now->values[i]);
}

/* {"field": old, ...}; "" if nothing differs. */
static void append_old(struct fb_buf *buf, const struct fb_row *was, const struct fb_row *now,
                       const uint64_t *kept, bool with_values)
{
    for (size_t i = 0; i < now->entity->field_count; i++) {
        if (!differs(was, now, kept, i)) {
            continue;
        }
        fb_buf_printf(buf, "%s\"%s\":", buf->size == 0 ? "{" : ",", now->entity->fields[i].name);
        if (with_values && was->values[i].type != FB_ABSENT) {
            fb_value_append_json(buf, &was->values[i]);
        } else {
            fb_buf_append_text(buf, "null");
        }
    }
    fb_buf_append_text(buf, buf->size == 0 ? "" : "}");
}

static int write_line(struct fb_store *s, const struct fb_row *now, const char *old, int64_t rev,
                      int64_t now_ms)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s,
                          "INSERT INTO fb_seen_change (rev, at_ms, entity, row_id, old)"
                          " VALUES (?1, ?2, ?3, ?4, ?5)",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, rev);
    fb_sql_bind_int(q, 2, now_ms);
    fb_sql_bind_int(q, 3, now->entity->no);
    fb_sql_bind_text(q, 4, now->id);
    fb_sql_bind_text(q, 5, old);
    return fb_sql_run(q);
}

int fb_changes_note(struct fb_store *s, const struct fb_row *was, const struct fb_row *now,
                    const uint64_t *kept, int64_t rev, int64_t now_ms)
{
    FB_AUTO(fb_buf_release) struct fb_buf old;
    fb_buf_init(&old, LINE_BYTES_MAX);
    if (!is_shown(now->entity)) {
        return FB_OK;
    }
    if (was == NULL) {
        return write_line(s, now, NULL, rev, now_ms);
    }
    append_old(&old, was, now, kept, true);
    if (fb_buf_error(&old) < 0) {
        fb_buf_clear(&old);
        append_old(&old, was, now, kept, false);
    }
    return old.size == 0 ? FB_OK : write_line(s, now, fb_buf_text(&old), rev, now_ms);
}

int fb_changes_trim(struct fb_store *s)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        s, "DELETE FROM fb_seen_change WHERE seq <= (SELECT max(seq) FROM fb_seen_change) - ?1",
        &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, FB_CHANGES_KEPT_MAX);
    return fb_sql_run(q);
}

int fb_changes_list(struct fb_store *s, int64_t since_ms, fb_changes_each *f, void *ctx)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc =
        fb_sql_begin(s,
                     "SELECT rev, at_ms, entity, row_id, old FROM fb_seen_change WHERE at_ms >= ?1"
                     " ORDER BY seq DESC",
                     &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, since_ms);
    rc = fb_sql_step(q);
    while (rc == FB_SQL_ROW) {
        const struct fb_seen_change change = {
            .rev = fb_sql_int(q, 0),
            .at_ms = fb_sql_int(q, 1),
            .entity = fb_catalogue_entity_no(fb_store_catalogue(s), (uint32_t)fb_sql_int(q, 2)),
            .row_id = fb_sql_text(q, 3),
            .old = fb_sql_text(q, 4)};
        rc = change.entity == NULL ? FB_OK : f(ctx, &change);
        rc = rc != FB_OK ? rc : fb_sql_step(q);
    }
    return rc;
}
