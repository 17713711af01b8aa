/* SPDX-License-Identifier: MIT
 *
 * Merge rules: what each field has, what it could have, a rehearsal on past conflicts, and switching on (common/crm/policies.h).
 */
#include <string.h>

#include "common/crm/policies.h"
#include "common/crm/title.h"
#include "server/api_inside.h"

#define CHANGES_MAX    64
#define DAYS_USUAL     30
#define DAYS_MAX       3650
#define DAY_MS         INT64_C(86400000)
#define ROWS_SHOWN_MAX 100

static void append_allowed(struct fb_buf *out, const struct fb_entity *e, const struct fb_field *f)
{
    static const enum fb_merge_policy ALL[] = {
#define FB_MERGE_POLICY(NAME, name, sentence) FB_MERGE_##NAME,
#include "common/merge/policy.def"
#undef FB_MERGE_POLICY
    };
    int count = 0;
    fb_buf_append_text(out, ",\"allowed\":[");
    for (size_t i = 0; i < sizeof ALL / sizeof ALL[0]; i++) {
        if (fb_field_takes_policy(e, f, ALL[i])) {
            fb_buf_printf(out, "%s\"%s\"", count++ > 0 ? "," : "", fb_merge_policy_name(ALL[i]));
        }
    }
    fb_buf_append_byte(out, ']');
}

int fb_server_get_policies(struct fb_web *web, const struct fb_request *req,
                           struct fb_response *res)
{
    const struct fb_catalogue *c = fb_store_catalogue(web->store);
    const char *only = fb_request_query(req, "entity");
    struct fb_buf *out = &res->body;
    int count = 0;
    fb_buf_append_text(out, "{\"rows\":[");
    for (size_t i = 0; c != NULL && i < c->entity_count; i++) {
        const struct fb_entity *e = &c->entities[i];
        bool is_asked = only == NULL || strcmp(only, e->name) == 0;
        for (size_t k = 0; is_asked && k < e->field_count; k++) {
            const struct fb_field *f = &e->fields[k];
            if (f->is_server_only) {
                continue; /* headquarters alone writes it: there is nothing to merge */
            }
            fb_buf_append_text(out, count++ > 0 ? ",{" : "{");
            fb_server_append_text(out, "entity", e->name);
            fb_server_append_text(out, "field", f->name);
            fb_server_append_text(out, "group", e->groups[f->group].name);
            fb_server_append_text(out, "now", fb_merge_policy_name(f->policy));
            append_allowed(out, e, f);
            fb_buf_append_byte(out, '}');
        }
    }
    fb_buf_append_text(out, "],\"next\":null}");
    return FB_OK;
}

/* ---- A draft ---- */

/* "changes": [{"entity", "field", "rule"}]; texts are the body's. */
static int read_changes(const struct fb_catalogue *c, const json_t *body,
                        struct fb_policy_change changes[static CHANGES_MAX], size_t *ret_count,
                        struct fb_response *res)
{
    const json_t *list = json_object_get(body, "changes");
    size_t count = json_array_size(list);
    if (count == 0 || count > CHANGES_MAX) {
        return fb_response_problem(
            res, 400, "bad_request",
            "the body is {\"changes\": [{\"entity\", \"field\", \"rule\"}]}, 1 to 64 of them");
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        const char *entity = json_string_value(json_object_get(item, "entity"));
        const char *field = json_string_value(json_object_get(item, "field"));
        const char *rule = json_string_value(json_object_get(item, "rule"));
        const struct fb_entity *e =
            c == NULL || entity == NULL ? NULL : fb_catalogue_entity(c, entity);
        const struct fb_field *f = e == NULL || field == NULL ? NULL : fb_entity_field(e, field);
        enum fb_merge_policy policy;
        if (f == NULL) {
            return fb_server_check(res, field == NULL ? "changes" : field, "unknown", NULL);
        }
        if (rule == NULL || !fb_merge_policy_parse(rule, &policy) ||
            !fb_field_takes_policy(e, f, policy)) {
            return fb_server_check(res, field, "choice",
                                   fb_text("This field cannot merge by this rule."));
        }
        changes[i] = (struct fb_policy_change){.entity = entity, .field = field, .policy = rule};
    }
    *ret_count = count;
    return FB_OK;
}

static const char *end_word(enum fb_policy_end end)
{
    return end == FB_POLICY_THEIRS ? "theirs"
           : end == FB_POLICY_MINE ? "mine"
           : end == FB_POLICY_BOTH ? "both"
                                   : "ask";
}

struct rehearsing {
    struct fb_store *store;
    struct fb_buf *out;
    int shown;
};

static int append_effect(void *ctx, const struct fb_policy_effect *effect)
{
    struct rehearsing *r = ctx;
    const struct fb_desk_conflict *c = effect->conflict;
    FB_AUTO(fb_buf_release) struct fb_buf title;
    fb_buf_init(&title, 65536);
    if (r->shown == ROWS_SHOWN_MAX) {
        return FB_OK;
    }
    int rc = fb_title_append(r->store, c->entity, c->record_id, &title);
    fb_buf_append_text(r->out, r->shown++ > 0 ? ",{" : "{");
    fb_server_append_text(r->out, "id", c->id);
    fb_server_append_text(r->out, "entity", c->entity);
    fb_server_append_text(r->out, "row_id", c->record_id);
    fb_server_append_text(r->out, "title", fb_buf_text(&title));
    fb_server_append_text(r->out, "field", c->field);
    fb_server_append_text(r->out, "now", end_word(effect->before));
    fb_server_append_text(r->out, "then", end_word(effect->after));
    fb_buf_append_byte(r->out, '}');
    return rc;
}

int fb_server_rehearse_policies(struct fb_web *web, const struct fb_request *req,
                                struct fb_response *res)
{
    FB_AUTO(fb_server_drop_json) json_t *body = fb_server_body(req);
    struct fb_policy_change changes[CHANGES_MAX];
    struct fb_policy_rehearsal all = {0};
    struct rehearsing r = {.store = web->store, .out = &res->body};
    size_t count = 0;
    const json_t *asked = json_object_get(body, "days");
    int64_t days = json_is_integer(asked) ? json_integer_value(asked) : DAYS_USUAL;
    int rc = read_changes(fb_store_catalogue(web->store), body, changes, &count, res);
    if (rc == FB_OK && (days < 1 || days > DAYS_MAX)) {
        return fb_server_check(res, "days", "range", NULL);
    }
    fb_buf_append_text(&res->body, rc < 0 ? "" : "{\"rows\":[");
    for (size_t i = 0; rc == FB_OK && i < count; i++) {
        struct fb_policy_rehearsal one = {0};
        rc = fb_policy_rehearse(web->store, &changes[i], web->now_ms - days * DAY_MS, web->now_ms,
                                append_effect, &r, &one, &web->why);
        all.conflicts += one.conflicts;
        all.differing += one.differing;
        all.asking += one.asking;
    }
    if (rc == FB_OK) {
        fb_buf_printf(&res->body, "],\"conflicts\":%lld,\"differ\":%lld,\"asking\":%lld}",
                      (long long)all.conflicts, (long long)all.differing, (long long)all.asking);
    }
    return rc;
}

int fb_server_post_policies(struct fb_web *web, const struct fb_request *req,
                            struct fb_response *res)
{
    FB_AUTO(fb_server_drop_json) json_t *body = fb_server_body(req);
    struct fb_policy_change changes[CHANGES_MAX];
    size_t count = 0;
    int rc = read_changes(fb_store_catalogue(web->store), body, changes, &count, res);
    rc = rc < 0 ? rc : fb_policy_set(web->store, changes, count, web->now_ms, &web->why);
    if (rc == FB_OK) {
        fb_buf_printf(&res->body, "{\"version\":\"%lld\"}",
                      (long long)fb_store_catalogue(web->store)->version);
    }
    return rc;
}
