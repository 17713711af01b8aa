/* SPDX-License-Identifier: MIT */
#include "server/territory_json.h"

#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/crm/title.h"

#define JSON_BYTES_MAX  ((size_t)256 * 1024 * 1024)
#define TITLE_BYTES_MAX 1024

static void append_text(struct fb_buf *out, const char *name, const char *text)
{
    struct fb_value v = fb_value_text(text);
    fb_buf_printf(out, "\"%s\":", name);
    fb_value_append_json(out, &v);
}

static void append_title(struct fb_store *s, struct fb_buf *out, const char *name,
                         const char *entity, const char *id)
{
    FB_AUTO(fb_buf_release) struct fb_buf title;
    fb_buf_init(&title, TITLE_BYTES_MAX);
    fb_ignore(fb_title_append(s, entity, id, &title), "without a title it is empty");
    append_text(out, name, fb_buf_text(&title));
}

static void append_company(struct fb_store *s, struct fb_buf *out, const char *id, bool is_first)
{
    fb_buf_append_text(out, is_first ? "{" : ",{");
    append_text(out, "id", id);
    fb_buf_append_byte(out, ',');
    append_title(s, out, "name", "company", id);
}

static void append_doubts(struct fb_store *s, struct fb_buf *out, const char *name,
                          const struct fb_territory_doubt *list, size_t count)
{
    fb_buf_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        append_company(s, out, list[i].company_id, i == 0);
        fb_buf_append_byte(out, ',');
        append_text(out, "territories", list[i].codes);
        fb_buf_append_byte(out, '}');
    }
    fb_buf_append_byte(out, ']');
}

/* Its members, without the braces. */
static void append_result(struct fb_store *s, const struct fb_territory_result *r,
                          struct fb_buf *out)
{
    fb_buf_printf(
        out, "\"companies\":%lld,\"rules\":%lld,\"unruled\":%lld,\"deals\":%lld,\"moves\":[",
        (long long)r->companies, (long long)r->rules, (long long)r->unruled, (long long)r->deals);
    for (size_t i = 0; i < r->move_count; i++) {
        append_company(s, out, r->moves[i].company_id, i == 0);
        fb_buf_append_byte(out, ',');
        append_text(out, "from", r->moves[i].from);
        fb_buf_append_byte(out, ',');
        append_text(out, "to", r->moves[i].to);
        fb_buf_append_byte(out, '}');
    }
    fb_buf_append_byte(out, ']');
    append_doubts(s, out, "overlaps", r->overlaps, r->overlap_count);
    append_doubts(s, out, "gaps", r->gaps, r->gap_count);
}

int fb_territory_result_json(struct fb_store *s, const struct fb_territory_result *r,
                             struct fb_buf *out)
{
    fb_buf_append_byte(out, '{');
    append_result(s, r, out);
    fb_buf_append_byte(out, '}');
    return fb_buf_error(out);
}

static void append_effect(struct fb_store *s, struct fb_buf *out,
                          const struct fb_territory_effect *e)
{
    append_text(out, "device_id", e->device_id);
    fb_buf_append_byte(out, ',');
    append_text(out, "device", e->device);
    fb_buf_append_byte(out, ',');
    append_text(out, "employee_id", e->employee_id);
    fb_buf_append_byte(out, ',');
    append_title(s, out, "employee", "employee", e->employee_id);
    fb_buf_printf(out,
                  ",\"leaves\":{\"companies\":%lld,\"rows\":%lld,\"bytes\":%lld},"
                  "\"arrives\":{\"companies\":%lld,\"rows\":%lld,\"bytes\":%lld},",
                  (long long)e->leaving_companies, (long long)e->leaving_rows,
                  (long long)e->leaving_bytes, (long long)e->arriving_companies,
                  (long long)e->arriving_rows, (long long)e->arriving_bytes);
    fb_buf_printf(out, "\"unsent\":{\"possible\":%s,\"edited_companies\":%lld,",
                  e->edited_companies > 0 ? "true" : "false", (long long)e->edited_companies);
    if (e->last_seen[0] == '\0') {
        fb_buf_append_text(out, "\"last_seen\":null}");
    } else {
        append_text(out, "last_seen", e->last_seen);
        fb_buf_append_byte(out, '}');
    }
}

int fb_territory_rehearsal_json(struct fb_store *s, const struct fb_territory_rehearsal *r,
                                struct fb_buf *out)
{
    fb_buf_append_byte(out, '{');
    append_result(s, &r->result, out);
    fb_buf_printf(out, ",\"devices\":%lld,\"effects\":[", (long long)r->devices);
    for (size_t i = 0; i < r->effect_count; i++) {
        fb_buf_append_text(out, i == 0 ? "{" : ",{");
        append_effect(s, out, &r->effects[i]);
        fb_buf_append_byte(out, '}');
    }
    fb_buf_append_text(out, "]}");
    return fb_buf_error(out);
}

static int print_line(struct fb_buf *out, int rc)
{
    if (rc == FB_OK) {
        printf("%s\n", fb_buf_text(out));
    }
    return rc;
}

int fb_territory_result_print(struct fb_store *s, const struct fb_territory_result *r)
{
    FB_AUTO(fb_buf_release) struct fb_buf out;
    fb_buf_init(&out, JSON_BYTES_MAX);
    return print_line(&out, fb_territory_result_json(s, r, &out));
}

int fb_territory_rehearsal_print(struct fb_store *s, const struct fb_territory_rehearsal *r)
{
    FB_AUTO(fb_buf_release) struct fb_buf out;
    fb_buf_init(&out, JSON_BYTES_MAX);
    return print_line(&out, fb_territory_rehearsal_json(s, r, &out));
}
