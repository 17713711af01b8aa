/* SPDX-License-Identifier: MIT
 *
 * Territories for admins: how they stand, a rehearsal of a draft, applying it (server/territory.h). A draft is a plan, as the command
 * line takes it, or rules that go to another territory; without one everything is assigned anew by the rules there are.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/crm/title.h"
#include "common/store/sql.h"
#include "server/api_inside.h"
#include "server/territory.h"

#define SHOWN_MAX 200 /* moves, gaps, overlaps; their numbers are told whole */

/* ---- How they stand ---- */

static const char TERRITORIES[] =
    "SELECT t.id, t.code, t.name, p.name, t.kind, t.manager_id,"
    " (SELECT count(*) FROM territory_member AS m WHERE m.territory_id = t.id"
    "  AND (m.from_on IS NULL OR m.from_on <= date('now'))"
    "  AND (m.to_on IS NULL OR m.to_on >= date('now'))),"
    " (SELECT count(*) FROM territory_rule AS r WHERE r.territory_id = t.id AND r.enabled = 1),"
    " (SELECT count(DISTINCT c.company_id) FROM company_territory AS c"
    "  WHERE c.territory_id = t.id)"
    " FROM territory AS t LEFT JOIN territory AS p ON p.id = t.parent_id ORDER BY t.code LIMIT "
    "1000";

static int append_titled(struct fb_store *s, struct fb_buf *out, const char *id)
{
    FB_AUTO(fb_buf_release) struct fb_buf title;
    fb_buf_init(&title, 4096);
    int rc = fb_title_append(s, "company", id, &title);
    fb_server_append_text(out, "id", id);
    fb_server_append_text(out, "title", fb_buf_text(&title));
    return rc;
}

static int append_doubts(struct fb_store *s, struct fb_buf *out, const char *name,
                         const struct fb_territory_doubt *list, size_t count)
{
    int rc = FB_OK;
    fb_buf_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; rc == FB_OK && i < count && i < SHOWN_MAX; i++) {
        fb_buf_append_text(out, i > 0 ? ",{" : "{");
        rc = append_titled(s, out, list[i].company_id);
        fb_server_append_text(out, "territories", list[i].codes);
        fb_buf_append_byte(out, '}');
    }
    fb_buf_printf(out, "],\"%s_count\":%zu", name, count);
    return rc;
}

static int append_territory(struct fb_store *s, const struct fb_sql *q, struct fb_buf *out)
{
    static const char *const TEXTS[] = {"id", "code", "name", "parent", "kind"};
    static const char *const NUMBERS[] = {"members", "rules", "companies"};
    fb_buf_append_byte(out, '{');
    for (int i = 0; i < 5; i++) {
        fb_server_append_text(out, TEXTS[i], fb_sql_text(q, i));
    }
    int rc = fb_server_append_person(s, out, "manager", fb_sql_text(q, 5));
    for (int i = 0; i < 3; i++) {
        fb_buf_printf(out, ",\"%s\":%lld", NUMBERS[i], (long long)fb_sql_int(q, 6 + i));
    }
    fb_buf_append_byte(out, '}');
    return rc;
}

int fb_server_get_territories(struct fb_web *web, const struct fb_request *req,
                              struct fb_response *res)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    FB_AUTO(fb_territory_result_release) struct fb_territory_result r = {.companies = 0};
    struct fb_buf *out = &res->body;
    int count = 0;
    (void)req;
    int rc = fb_territory_doubts(web->store, web->now_ms, &r, &web->why);
    rc = rc < 0 ? rc : fb_sql_begin(web->store, TERRITORIES, &q);
    if (rc < 0) {
        return rc;
    }
    fb_buf_append_text(out, "{\"rows\":[");
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        fb_buf_append_text(out, count++ > 0 ? "," : "");
        rc = append_territory(web->store, q, out);
        if (rc < 0) {
            return rc;
        }
    }
    fb_buf_append_byte(out, ']');
    rc = rc < 0 ? rc : append_doubts(web->store, out, "gaps", r.gaps, r.gap_count);
    rc = rc < 0 ? rc : append_doubts(web->store, out, "overlaps", r.overlaps, r.overlap_count);
    fb_buf_append_text(out, ",\"next\":null}");
    return rc;
}

/* ---- A draft ---- */

struct draft {
    json_t *body;
    struct fb_territory_plan *plan; /* NULL: none */
};

static void drop_draft(struct draft *d)
{
    json_decref(d->body);
    fb_territory_plan_free(d->plan);
}

/* Rules that go to another territory. */
static int move_rules(struct fb_store *s, const json_t *changes, struct fb_response *res)
{
    for (size_t i = 0; i < json_array_size(changes); i++) {
        const json_t *change = json_array_get(changes, i);
        FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
        int rc = fb_sql_begin(s,
                              "UPDATE territory_rule SET territory_id = ?2 WHERE id = ?1"
                              " AND EXISTS (SELECT 1 FROM territory WHERE id = ?2)",
                              &q);
        if (rc < 0) {
            return rc;
        }
        fb_sql_bind_text(q, 1, json_string_value(json_object_get(change, "rule_id")));
        fb_sql_bind_text(q, 2, json_string_value(json_object_get(change, "territory_id")));
        rc = fb_sql_run(q);
        if (rc < 0 || fb_sql_changes(s) == 0) {
            return rc < 0 ? rc
                          : fb_server_check(
                                res, "changes", "lookup",
                                fb_text("A rule or a territory of the draft is not there any "
                                        "more: look at the list again."));
        }
    }
    return FB_OK;
}

static int read_draft(struct fb_web *web, const struct fb_request *req, struct draft *ret,
                      struct fb_response *res)
{
    ret->body = fb_server_body(req);
    const json_t *plan = json_object_get(ret->body, "plan");
    const json_t *changes = json_object_get(ret->body, "changes");
    if (ret->body == NULL || (changes != NULL && !json_is_array(changes))) {
        return fb_response_problem(
            res, 400, "bad_request",
            "the body is {\"plan\": {...}} or {\"changes\": [{\"rule_id\", \"territory_id\"}]}");
    }
    if (plan != NULL) {
        FB_AUTO(fb_drop_free) char *text = json_dumps(plan, JSON_ENCODE_ANY);
        int rc = text == NULL ? FB_ERR_NO_MEMORY
                              : fb_territory_plan_read(text, strlen(text), &ret->plan, &web->why);
        if (rc == FB_ERR_INVALID) {
            return fb_server_check(res, "plan", "type", web->why.text);
        }
        return rc;
    }
    return FB_OK;
}

static int append_moves(struct fb_store *s, const struct fb_territory_result *r, struct fb_buf *out)
{
    int rc = FB_OK;
    fb_buf_printf(out,
                  "\"companies\":%zu,\"looked_at\":%lld,\"deals\":%lld,\"gaps\":%zu,"
                  "\"overlaps\":%zu,\"moves\":[",
                  r->move_count, (long long)r->companies, (long long)r->deals, r->gap_count,
                  r->overlap_count);
    for (size_t i = 0; rc == FB_OK && i < r->move_count && i < SHOWN_MAX; i++) {
        fb_buf_append_text(out, i > 0 ? ",{" : "{");
        rc = append_titled(s, out, r->moves[i].company_id);
        fb_server_append_text(out, "from", r->moves[i].from);
        fb_server_append_text(out, "to", r->moves[i].to);
        fb_buf_append_byte(out, '}');
    }
    fb_buf_append_byte(out, ']');
    return rc;
}

static int append_laptop(struct fb_store *s, const struct fb_territory_effect *e,
                         struct fb_buf *out)
{
    fb_buf_append_byte(out, '{');
    fb_server_append_text(out, "id", e->device_id);
    fb_server_append_text(out, "device", e->device);
    int rc = fb_server_append_person(s, out, "person", e->employee_id);
    fb_server_append_text(out, "last_seen", e->last_seen[0] == '\0' ? NULL : e->last_seen);
    fb_buf_printf(out,
                  ",\"leaves\":%lld,\"arrives\":%lld,\"leaves_rows\":%lld,\"arrives_rows\":%lld,"
                  "\"leaves_bytes\":%lld,\"arrives_bytes\":%lld,\"unsent\":%lld}",
                  (long long)e->leaving_companies, (long long)e->arriving_companies,
                  (long long)e->leaving_rows, (long long)e->arriving_rows,
                  (long long)e->leaving_bytes, (long long)e->arriving_bytes,
                  (long long)e->edited_companies);
    return rc;
}

static int rehearse(struct fb_web *web, const struct draft *d, struct fb_response *res)
{
    FB_AUTO(fb_territory_rehearsal_release) struct fb_territory_rehearsal r = {.devices = 0};
    const struct fb_territory_ask ask = {.plan = d->plan, .now_ms = web->now_ms};
    struct fb_buf *out = &res->body;
    int rc = move_rules(web->store, json_object_get(d->body, "changes"), res);
    rc = rc < 0 ? rc : fb_territory_rehearse(web->store, &ask, &r, &web->why);
    if (rc < 0) {
        return rc;
    }
    fb_buf_append_byte(out, '{');
    rc = append_moves(web->store, &r.result, out);
    fb_buf_printf(out, ",\"devices\":%lld,\"laptops\":[", (long long)r.devices);
    for (size_t i = 0; rc == FB_OK && i < r.effect_count; i++) {
        fb_buf_append_text(out, i > 0 ? "," : "");
        rc = append_laptop(web->store, &r.effects[i], out);
    }
    fb_buf_append_text(out, "]}");
    return rc;
}

/* Everything it writes is undone, its rules' new territories too. */
int fb_server_rehearse_territories(struct fb_web *web, const struct fb_request *req,
                                   struct fb_response *res)
{
    FB_AUTO(drop_draft) struct draft d = {.plan = NULL};
    int rc = read_draft(web, req, &d, res);
    rc = rc < 0 ? rc : fb_store_savepoint(web->store);
    if (rc < 0) {
        return rc;
    }
    rc = rehearse(web, &d, res);
    int undone = fb_store_savepoint_undo(web->store);
    return rc < 0 ? rc : undone;
}

int fb_server_apply_territories(struct fb_web *web, const struct fb_request *req,
                                struct fb_response *res)
{
    FB_AUTO(drop_draft) struct draft d = {.plan = NULL};
    FB_AUTO(fb_territory_result_release) struct fb_territory_result r = {.companies = 0};
    int rc = read_draft(web, req, &d, res);
    const struct fb_territory_ask ask = {.plan = d.plan,
                                         .now_ms = web->now_ms,
                                         .only_new =
                                             json_is_true(json_object_get(d.body, "only_new"))};
    rc = rc < 0 ? rc : fb_server_begin_write(web);
    rc = rc < 0 ? rc : move_rules(web->store, json_object_get(d.body, "changes"), res);
    rc = rc < 0 ? rc : fb_territory_apply(web->store, &ask, &r, &web->why);
    rc = rc < 0 ? rc : fb_server_end_write(web, req);
    if (rc < 0) {
        return rc;
    }
    fb_buf_append_byte(&res->body, '{');
    rc = append_moves(web->store, &r, &res->body);
    fb_buf_append_byte(&res->body, '}');
    return rc;
}
