/* SPDX-License-Identifier: MIT
 *
 * Receipts: what became of one's own edits. One that does not stand as it was written comes with the conflicts it left.
 */
#include <string.h>

#include "common/crm/desk.h"
#include "common/web/api_handlers.h"
#include "common/web/api_write.h"

#define COLUMNS 7

static const char RECEIPTS[] =
    "SELECT r.id, r.entity, r.record_id, r.state, r.at, r.detail, CASE r.state WHEN 'held' THEN"
    " (SELECT reason_text FROM held_change AS h WHERE h.record_id = r.record_id ORDER BY h.id DESC"
    " LIMIT 1) END FROM receipt AS r"
    " WHERE r.by_id = ?1 AND r.at >= ?2 AND (?3 = '' OR r.state = ?3) ORDER BY r.at DESC LIMIT 200";

struct conflicts_of {
    struct fb_api *a;
    const char *at; /* when the edit arrived, and the conflict with it */
    int count;
};

static int append_one(void *ctx, const struct fb_desk_conflict *c)
{
    struct conflicts_of *of = ctx;
    if (c->mine_by_id == NULL || strcmp(c->mine_by_id, of->a->me) != 0 || c->arrived_at == NULL ||
        strcmp(c->arrived_at, of->at) != 0) {
        return FB_OK;
    }
    fb_buf_append_text(of->a->out, of->count++ > 0 ? ",{" : "{");
    int rc = fb_api_append_conflict(of->a, of->a->out, c, false);
    fb_buf_append_byte(of->a->out, '}');
    return rc;
}

static int append_conflicts(struct fb_api *a, const char *const *row)
{
    struct conflicts_of of = {.a = a, .at = row[4]};
    const struct fb_desk_filter about = {.state = FB_DESK_ANY,
                                         .entity = row[1],
                                         .record_id = row[2],
                                         .employee_id = a->me,
                                         .has_second_decisions = true};
    fb_api_append_key(a->out, "conflicts");
    fb_buf_append_byte(a->out, '[');
    int rc = fb_desk_list(a->store, &about, a->web->now_ms, append_one, &of);
    fb_buf_append_byte(a->out, ']');
    return rc;
}

static int append_receipt(struct fb_api *a, const char *const *row)
{
    bool is_adjusted = row[3] != NULL && strcmp(row[3], "amended") == 0;
    FB_AUTO(fb_api_drop_json)
    json_t *detail = row[5] == NULL ? NULL : json_loads(row[5], JSON_DECODE_ANY, NULL);
    fb_api_append_member(a->out, "id", row[0]);
    fb_api_append_member(a->out, "state", is_adjusted ? "adjusted" : row[3]);
    fb_api_append_member(a->out, "entity", row[1]);
    fb_api_append_member(a->out, "row_id", row[2]);
    int rc = fb_api_append_titled(a, a->out, "title", row[1], row[2]);
    fb_api_append_member(a->out, "at", row[4]);
    fb_api_append_member(a->out, "detail", row[6]);
    fb_api_append_key(a->out, "fields");
    fb_buf_append_text(a->out, detail == NULL ? "null" : row[5]);
    return rc < 0 || !is_adjusted ? rc : append_conflicts(a, row);
}

int fb_api_get_receipts(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    const char *since = fb_request_query(req, "since");
    const char *state = fb_request_query(req, "state");
    const char **rows = NULL;
    size_t count = 0;
    fb_api_begin(&a, web, req, res);
    bool is_adjusted = state != NULL && strcmp(state, "adjusted") == 0;
    const char *texts[] = {a.me, since == NULL ? "" : since,
                           is_adjusted     ? "amended"
                           : state == NULL ? ""
                                           : state};
    int rc = fb_api_load_rights(&a);
    rc = rc < 0 ? rc : fb_api_copy_rows(&a, RECEIPTS, texts, 3, &rows, &count);
    fb_buf_append_text(a.out, "{\"rows\":[");
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        fb_buf_append_text(a.out, i > 0 ? ",{" : "{");
        rc = append_receipt(&a, rows + i * COLUMNS);
        fb_buf_append_byte(a.out, '}');
    }
    fb_buf_append_text(a.out, "],\"next\":null}");
    return rc;
}
