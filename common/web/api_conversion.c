/* SPDX-License-Identifier: MIT
 *
 * Processing a lead: the proposal, and the doing. What the rules are stands in common/crm/conversion.h; here every row is judged,
 * checked and written as a form's would be, all of them in the one transaction of the writing stage or none.
 */
#include <stdio.h>
#include <string.h>

#include "common/crm/conversion.h"
#include "common/web/api_handlers.h"
#include "common/web/api_write.h"

/* What is wanted of one of the three. */
struct choice {
    const struct fb_entity *entity;
    const struct fb_field *link; /* of the lead */
    const char *id;              /* the record; NULL: none */
    bool is_new;
    const json_t *values; /* of a new one; NULL: as proposed */
    struct fb_api_form form;
};

struct conversion {
    struct fb_api *a;
    struct fb_api_form lead;
    struct choice choices[FB_CONVERSION_PARTS];
    struct fb_api_checks checks;
};

static void begin(struct conversion *c)
{
    fb_api_checks_init(&c->checks);
    c->lead.a = c->a;
    c->lead.checks = &c->checks;
    c->lead.prefix = "";
}

/* The lead, which the person may process. */
static int open_lead(struct conversion *c)
{
    struct fb_api *a = c->a;
    const char *id = NULL;
    int rc = fb_api_entity(a, 2, &c->lead.entity);
    rc = rc < 0 ? rc : fb_api_id(a, 3, &id);
    rc = rc < 0 ? rc : fb_api_form_open(&c->lead, id, FB_API_EDIT);
    for (enum fb_conversion_part i = 0; rc == FB_OK && i < FB_CONVERSION_PARTS; i++) {
        struct choice *choice = &c->choices[i];
        choice->entity = fb_catalogue_entity(a->catalogue, fb_conversion_entity(i));
        choice->link = fb_entity_field(c->lead.entity, fb_conversion_link(i));
        if (choice->entity == NULL || choice->link == NULL) {
            return fb_api_not_found(a);
        }
    }
    return rc;
}

/* The record a field of a row points to; NULL: none. */
static const char *pointed(const struct fb_row *row, const struct fb_field *f)
{
    const struct fb_value *v = &row->values[f->index];
    return v->type == FB_TEXT && v->size == FB_ROW_ID_SIZE - 1 ? v->bytes : NULL;
}

/* 409 with what it became, by name, so that pages say it in the reader's words. */
static int refuse(struct conversion *c)
{
    struct fb_api *a = c->a;
    struct fb_why why = {""};
    const struct fb_row *lead = &c->lead.before;
    const struct fb_field *status = fb_entity_field(lead->entity, "status");
    FB_AUTO(fb_buf_release) struct fb_buf members;
    fb_buf_init(&members, FB_HTTP_ANSWER_BYTES_MAX);
    fb_conversion_refuse(a->store, lead, &why);
    fb_buf_append_text(&members, "\"lead_status\":");
    fb_api_append_value(&members, status, &lead->values[status->index]);
    fb_api_append_key(&members, "became");
    fb_buf_append_byte(&members, '[');
    int rc = FB_OK;
    int count = 0;
    for (enum fb_conversion_part i = 0; rc == FB_OK && i < FB_CONVERSION_PARTS; i++) {
        const struct choice *choice = &c->choices[i];
        const char *id = pointed(lead, choice->link);
        if (id == NULL) {
            continue;
        }
        fb_buf_append_text(&members, count++ > 0 ? ",{" : "{");
        fb_api_append_member(&members, "entity", choice->entity->name);
        fb_api_append_member(&members, "id", id);
        rc = fb_api_append_titled(a, &members, "title", choice->entity->name, id);
        fb_buf_append_byte(&members, '}');
    }
    fb_buf_append_byte(&members, ']');
    rc = rc < 0 ? rc : fb_buf_error(&members);
    return rc < 0
               ? rc
               : fb_response_problem_with(a->res, 409, "not_open", why.text, fb_buf_text(&members));
}

/* ---- New records ---- */

/* What the person may see of the lead and write in the new record. */
static void carry(const struct conversion *c, struct fb_api_form *f)
{
    size_t count = 0;
    const struct fb_conversion_carry *carried = fb_conversion_carried(&count);
    for (size_t i = 0; i < count; i++) {
        const struct fb_field *to = fb_entity_field(f->entity, carried[i].field);
        const struct fb_field *from = fb_entity_field(c->lead.entity, carried[i].from);
        if (strcmp(carried[i].entity, f->entity->name) == 0 && to != NULL && from != NULL &&
            !fb_value_is_empty(&c->lead.before.values[from->index]) &&
            fb_api_sees_value(c->a, c->lead.entity, from, c->lead.is_own) &&
            fb_api_writes_field(c->a, f->entity, to, f->is_own)) {
            f->row.values[to->index] = c->lead.before.values[from->index];
        }
    }
}

/* The lead's owner owns what is made, or who processes it, if he may not make it for the owner. */
static int settle_owner(const struct conversion *c, struct fb_api_form *f)
{
    struct fb_api *a = c->a;
    const struct fb_field *owner = f->entity->owner_field;
    if (owner == NULL || fb_value_is_empty(&f->row.values[owner->index])) {
        return FB_OK;
    }
    int rc = fb_api_may_row(a, &f->row, FB_API_CREATE);
    if (rc < 0 && a->res->status >= 400) {
        fb_api_forget_problem(a);
        f->row.values[owner->index] = FB_VALUE_NULL;
        return FB_OK;
    }
    return rc;
}

/* A pipeline that the form names has stages of its own. */
static int start_opportunity(const struct conversion *c, struct fb_api_form *f,
                             const json_t *values)
{
    struct fb_api *a = c->a;
    int rc = fb_conversion_start_opportunity(a->store, &c->lead.before, a->web->now_ms, a->arena,
                                             &f->row);
    const struct fb_field *stage = fb_entity_field(f->entity, "stage_id");
    if (rc == FB_OK && stage != NULL && json_object_get(values, "pipeline_id") != NULL) {
        f->row.values[stage->index] = FB_VALUE_NULL;
    }
    return rc;
}

static int start_new(struct conversion *c, enum fb_conversion_part part)
{
    struct fb_api *a = c->a;
    struct choice *choice = &c->choices[part];
    struct fb_api_form *f = &choice->form;
    *f = (struct fb_api_form){.a = a,
                              .entity = choice->entity,
                              .is_new = true,
                              .is_own = true,
                              .checks = &c->checks,
                              .prefix = fb_arena_printf(a->arena, "%s.", choice->entity->name)};
    int rc = f->prefix == NULL ? FB_ERR_NO_MEMORY : fb_api_form_start(f, (int)part);
    if (rc < 0) {
        return rc;
    }
    carry(c, f);
    rc = settle_owner(c, f);
    if (rc == FB_OK && part == FB_CONVERSION_OPPORTUNITY) {
        rc = start_opportunity(c, f, choice->values);
    }
    rc = rc < 0 || choice->values == NULL ? rc : fb_api_form_take(f, choice->values);
    fb_api_form_own(f);
    choice->id = f->row.id;
    return rc;
}

/* ---- The proposal ---- */

struct alike_list {
    struct fb_api *a;
    const struct fb_entity *entity;
    struct {
        struct fb_api_found found;
        int score;
        const char *rule;
    } hits[FB_ALIKE_FOUND_MAX];
    size_t count;
};

static int take_alike(void *ctx, const struct fb_alike *alike)
{
    struct alike_list *l = ctx;
    bool is_seen = false;
    for (size_t i = 0; i < l->count; i++) {
        if (strcmp(l->hits[i].found.row.id, alike->id) == 0) {
            return FB_OK;
        }
    }
    if (l->count == FB_ALIKE_FOUND_MAX) {
        return FB_OK;
    }
    int rc = fb_api_found_record(l->a, l->entity, alike->id, &l->hits[l->count].found, &is_seen);
    if (rc == FB_OK && is_seen) {
        l->hits[l->count].score = alike->score;
        l->hits[l->count++].rule = alike->rule;
    }
    return rc;
}

/* "alike":[{"record": hit, "score": 95, "reason": "name"}] */
static int append_alike(struct alike_list *l)
{
    struct fb_api *a = l->a;
    struct fb_api_refs refs = {.count = 0};
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < l->count; i++) {
        rc = fb_api_refs_add_row(a, &refs, &l->hits[i].found.row);
    }
    rc = rc < 0 ? rc : fb_api_refs_resolve(a, &refs);
    fb_api_append_key(a->out, "alike");
    fb_buf_append_byte(a->out, '[');
    for (size_t i = 0; rc == FB_OK && i < l->count; i++) {
        fb_buf_append_text(a->out, i > 0 ? ",{\"record\":" : "{\"record\":");
        rc = fb_api_append_hit(a, &refs, &l->hits[i].found, false);
        fb_buf_printf(a->out, ",\"score\":%d", l->hits[i].score);
        fb_api_append_member(a->out, "reason", l->hits[i].rule);
        fb_buf_append_byte(a->out, '}');
    }
    fb_buf_append_byte(a->out, ']');
    return rc;
}

static void append_proposed(struct fb_api *a, const struct fb_api_form *f)
{
    fb_api_append_key(a->out, "row");
    fb_buf_append_byte(a->out, '{');
    for (size_t i = 0; i < f->entity->field_count; i++) {
        if (!fb_value_is_empty(&f->row.values[i]) &&
            fb_api_sees_value(a, f->entity, &f->entity->fields[i], true)) {
            fb_api_append_key(a->out, f->entity->fields[i].name);
            fb_api_append_value(a->out, &f->entity->fields[i], &f->row.values[i]);
        }
    }
    fb_buf_append_byte(a->out, '}');
}

/* {"fixed": what the lead says already, "row": a new one, "alike": [...]} */
static int append_part(struct conversion *c, enum fb_conversion_part part, const char *company_id,
                       struct fb_api_refs *refs)
{
    struct fb_api *a = c->a;
    struct choice *choice = &c->choices[part];
    struct alike_list alike = {.a = a, .entity = choice->entity};
    int rc = FB_OK;
    if (part == FB_CONVERSION_COMPANY) {
        rc = fb_conversion_companies(a->store, &c->lead.before, a->arena, take_alike, &alike);
    } else if (part == FB_CONVERSION_CONTACT) {
        rc = fb_conversion_contacts(a->store, &c->lead.before, company_id, a->arena, take_alike,
                                    &alike);
    }
    if (rc < 0) {
        return rc;
    }
    fb_api_append_key(a->out, choice->entity->name);
    fb_buf_append_byte(a->out, '{');
    fb_api_append_member(a->out, "fixed", pointed(&c->lead.before, choice->link));
    append_proposed(a, &choice->form);
    rc = append_alike(&alike);
    fb_buf_append_byte(a->out, '}');
    return rc < 0 ? rc : fb_api_refs_add_row(a, refs, &choice->form.row);
}

static int propose(struct conversion *c)
{
    struct fb_api *a = c->a;
    struct fb_api_refs refs = {.count = 0};
    const char *company_id = fb_request_query(a->req, "company");
    if (company_id != NULL && !fb_id_is_valid(company_id, strlen(company_id))) {
        return fb_api_bad_request(a, "company is an id");
    }
    if (fb_conversion_state(&c->lead.before) != FB_CONVERSION_OPEN) {
        return refuse(c);
    }
    int rc = FB_OK;
    for (enum fb_conversion_part i = 0; rc == FB_OK && i < FB_CONVERSION_PARTS; i++) {
        rc = start_new(c, i); /* a right that is asked for drops what was said before */
    }
    fb_buf_append_byte(a->out, '{');
    for (enum fb_conversion_part i = 0; rc == FB_OK && i < FB_CONVERSION_PARTS; i++) {
        rc = append_part(c, i, company_id, &refs);
    }
    rc = rc < 0 ? rc : fb_api_refs_add_row(a, &refs, &c->lead.before);
    rc = rc < 0 ? rc : fb_api_refs_resolve(a, &refs);
    fb_api_refs_append(a->out, &refs);
    fb_buf_append_byte(a->out, '}');
    return rc;
}

int fb_api_get_process(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    struct conversion c = {.a = &a};
    fb_api_begin(&a, web, req, res);
    begin(&c);
    int rc = open_lead(&c);
    rc = rc < 0 ? rc : propose(&c);
    fb_api_checks_release(&c.checks);
    return rc;
}

/* ---- What is wanted ---- */

#define WANTED                                                                                     \
    "{\"company\": {\"id\": ID} or {\"row\": {...}} or null, \"contact\", \"opportunity\"}"

static int read_choice(struct conversion *c, enum fb_conversion_part part, const json_t *body)
{
    struct choice *choice = &c->choices[part];
    const json_t *json = json_object_get(body, choice->entity->name);
    const char *id = json_string_value(json_object_get(json, "id"));
    const json_t *row = json_object_get(json, "row");
    if (json == NULL || json_is_null(json)) {
        choice->id = pointed(&c->lead.before, choice->link);
        return FB_OK;
    }
    if (id != NULL && row == NULL && fb_id_is_valid(id, strlen(id))) {
        choice->id = id;
        return FB_OK;
    }
    if (id != NULL || !json_is_object(row)) {
        return fb_api_bad_request(c->a, "the body is " WANTED);
    }
    choice->is_new = true;
    choice->values = row;
    return start_new(c, part);
}

static int read_choices(struct conversion *c, const json_t *body)
{
    bool is_any = false;
    for (enum fb_conversion_part i = 0; i < FB_CONVERSION_PARTS; i++) {
        int rc = read_choice(c, i, body);
        if (rc < 0) {
            return rc;
        }
        is_any = is_any || c->choices[i].id != NULL;
    }
    if (!is_any) {
        fb_api_form_complain(&c->lead, c->choices[FB_CONVERSION_COMPANY].link, "required", "",
                             "choose at least one of company, contact and opportunity.");
    }
    return FB_OK;
}

/* Was it this very call, whose answer got lost? The key made the same ids. */
static bool is_repeated(const struct conversion *c)
{
    bool is_new = false;
    for (enum fb_conversion_part i = 0; i < FB_CONVERSION_PARTS; i++) {
        const struct choice *choice = &c->choices[i];
        const char *is = pointed(&c->lead.before, choice->link);
        is_new = is_new || choice->is_new;
        if (choice->id != NULL && (is == NULL || strcmp(is, choice->id) != 0)) {
            return false;
        }
    }
    return is_new;
}

/* ---- The doing ---- */

/* The lead's own fields. What it says already stays. */
static void link_lead(struct conversion *c, enum fb_conversion_part part)
{
    const struct choice *choice = &c->choices[part];
    const char *is = pointed(&c->lead.before, choice->link);
    if (choice->id == NULL || (is != NULL && strcmp(is, choice->id) == 0)) {
        return;
    }
    if (is != NULL) {
        fb_api_form_complain(&c->lead, choice->link, "once", "", "it is set once and stays.");
        return;
    }
    struct fb_value v = fb_value_text(choice->id);
    fb_api_form_set(&c->lead, choice->link, &v);
}

/* A contact of the company; without one it brings its own. */
static void check_company(struct conversion *c, const struct fb_row *contact)
{
    struct choice *company = &c->choices[FB_CONVERSION_COMPANY];
    const char *of = pointed(contact, fb_entity_field(contact->entity, "company_id"));
    if (of != NULL && company->id == NULL) {
        company->id = of;
        link_lead(c, FB_CONVERSION_COMPANY);
    } else if (of != NULL && strcmp(of, company->id) != 0) {
        fb_api_form_complain(&c->lead, c->choices[FB_CONVERSION_CONTACT].link, "other_company", "",
                             "this contact belongs to another company.");
    }
}

/* A record that was there: one the person may see. One whose details are at headquarters is known by its reference alone. */
static int check_existing(struct conversion *c, enum fb_conversion_part part)
{
    struct fb_api *a = c->a;
    struct choice *choice = &c->choices[part];
    struct fb_row row;
    bool is_there = false;
    bool is_seen = true;
    char id[FB_ROW_ID_SIZE];
    memcpy(id, choice->id, FB_ROW_ID_SIZE);
    int rc = fb_row_read(a->store, choice->entity, id, a->arena, &row, &is_there);
    rc = rc < 0 || !is_there ? rc : fb_api_may_read(a, &row, &is_seen);
    if (rc < 0) {
        return rc;
    }
    if (!is_seen) {
        fb_api_form_complain(&c->lead, choice->link, "lookup", "\"v\":\"\"",
                             "there is no such record.");
    }
    if (part == FB_CONVERSION_CONTACT && is_there && is_seen) {
        check_company(c, &row);
    }
    return FB_OK;
}

static int take_existing(struct conversion *c)
{
    int rc = FB_OK;
    for (enum fb_conversion_part i = 0; rc == FB_OK && i < FB_CONVERSION_PARTS; i++) {
        if (c->choices[i].id != NULL && !c->choices[i].is_new) {
            link_lead(c, i);
            rc = check_existing(c, i);
        }
    }
    return rc < 0 ? rc : fb_api_form_check(&c->lead);
}

/* A new record points to those before it, and the opportunity to its lead. */
static void link_new(struct conversion *c, enum fb_conversion_part part)
{
    struct fb_api_form *f = &c->choices[part].form;
    for (enum fb_conversion_part i = 0; i < part; i++) {
        const struct fb_field *link = fb_entity_field(f->entity, fb_conversion_link(i));
        if (link != NULL) {
            f->row.values[link->index] = fb_value_text(c->choices[i].id);
        }
    }
    const struct fb_field *lead = fb_entity_field(f->entity, "lead_id");
    if (lead != NULL) {
        f->row.values[lead->index] = fb_value_text(c->lead.row.id);
    }
}

/* With something to complain about nothing is written any more, and what would point to it points nowhere: each form is told its own. */
static int make_new(struct conversion *c)
{
    int rc = FB_OK;
    for (enum fb_conversion_part i = 0; rc == FB_OK && i < FB_CONVERSION_PARTS; i++) {
        struct choice *choice = &c->choices[i];
        if (!choice->is_new) {
            choice->id = c->checks.count > 0 ? NULL : choice->id;
            continue;
        }
        link_new(c, i);
        rc = fb_api_form_check(&choice->form);
        if (rc == FB_OK && c->checks.count == 0) {
            rc = fb_api_may_row(c->a, &choice->form.row, FB_API_CREATE);
            rc = rc < 0 ? rc : fb_api_form_write(&choice->form);
            link_lead(c, i);
        } else {
            choice->id = NULL;
        }
    }
    return rc < 0 ? rc : fb_api_checks_answer(c->a, &c->checks);
}

/* ---- Numbers and addresses ---- */

struct copying {
    struct conversion *c;
    const struct fb_entity *entity;
    const struct fb_field *owner;
    const struct choice *heir;
    struct fb_row *rows;
    size_t count;
};

static int take_copy(void *ctx, const struct fb_row *row)
{
    struct copying *k = ctx;
    struct fb_api *a = k->c->a;
    const struct fb_entity *of = fb_row_target(row, k->owner);
    if (of != k->c->lead.entity || k->count == FB_API_PARTS_MAX) {
        return FB_OK;
    }
    struct fb_row *copy = &k->rows[k->count];
    char id[FB_ROW_ID_SIZE];
    fb_id_make(a->web->now_ms, a->web->random, id);
    int rc = fb_row_new(k->entity, id, a->arena, copy);
    for (size_t i = 0; rc == FB_OK && i < k->entity->field_count; i++) {
        rc = fb_value_copy(a->arena, &row->values[i], &copy->values[i]);
    }
    if (rc == FB_OK) {
        copy->values[k->owner->index] = fb_value_text(k->heir->id);
        copy->values[k->owner->target_name->index] = fb_value_text(k->heir->entity->name);
        k->count++;
    }
    return rc;
}

static int copy_rows(struct conversion *c, const char *entity)
{
    struct fb_api *a = c->a;
    bool is_new[FB_CONVERSION_PARTS];
    for (enum fb_conversion_part i = 0; i < FB_CONVERSION_PARTS; i++) {
        is_new[i] = c->choices[i].is_new;
    }
    enum fb_conversion_part heir = fb_conversion_heir(entity, is_new);
    struct copying k = {.c = c, .entity = fb_catalogue_entity(a->catalogue, entity)};
    k.owner = k.entity == NULL ? NULL : fb_entity_field(k.entity, "owner_id");
    if (heir == FB_CONVERSION_PARTS || k.owner == NULL || k.owner->target_name == NULL) {
        return FB_OK;
    }
    k.heir = &c->choices[heir];
    k.rows = fb_arena_alloc(a->arena, FB_API_PARTS_MAX * sizeof *k.rows);
    int rc = k.rows == NULL
                 ? FB_ERR_NO_MEMORY
                 : fb_row_scan_by(a->store, k.entity, k.owner, c->lead.row.id, take_copy, &k);
    for (size_t i = 0; rc == FB_OK && i < k.count; i++) {
        struct fb_api_form f = {.a = a, .entity = k.entity, .is_new = true, .row = k.rows[i]};
        rc = fb_api_may_row(a, &f.row, FB_API_CREATE);
        rc = rc < 0 ? rc : fb_api_form_write(&f);
    }
    return rc;
}

/* ---- The product ---- */

/* Its list price, where the person sees one. */
static int set_price(struct fb_api *a, const struct fb_value *product, struct fb_api_form *line)
{
    const struct fb_entity *e = fb_catalogue_entity(a->catalogue, "product");
    const struct fb_field *from = fb_entity_field(e, "list_price");
    const struct fb_field *to = fb_entity_field(line->entity, "unit_price");
    struct fb_row row;
    bool is_there = false;
    char id[FB_ROW_ID_SIZE];
    if (from == NULL || to == NULL || !fb_value_to_id(product, id)) {
        return FB_OK;
    }
    int rc = fb_row_read(a->store, e, id, a->arena, &row, &is_there);
    line->row.values[to->index] = fb_value_int(0);
    if (rc == FB_OK && is_there && fb_api_sees_value(a, e, from, false) &&
        !fb_value_is_empty(&row.values[from->index])) {
        line->row.values[to->index] = row.values[from->index];
    }
    return rc;
}

/* The product the lead asks for is the new opportunity's first line, one of it. Who may not write lines does without. */
static int add_product(struct conversion *c)
{
    struct fb_api *a = c->a;
    const struct choice *opportunity = &c->choices[FB_CONVERSION_OPPORTUNITY];
    const struct fb_field *product = fb_entity_field(c->lead.entity, "product_id");
    const struct fb_entity *e = fb_catalogue_entity(a->catalogue, "opportunity_line");
    const char *id = product == NULL ? NULL : pointed(&c->lead.before, product);
    const char *title = NULL;
    if (!opportunity->is_new || id == NULL || e == NULL || e->parent != opportunity->entity ||
        !fb_api_sees_value(a, c->lead.entity, product, c->lead.is_own)) {
        return FB_OK;
    }
    struct fb_api_form line = {.a = a, .entity = e, .is_new = true, .is_own = true};
    int rc = fb_api_record_title(a, "product", id, &title);
    if (rc < 0 || title == NULL) {
        return rc;
    }
    rc = fb_api_form_start(&line, FB_CONVERSION_PARTS);
    rc = rc < 0 ? rc : set_price(a, &c->lead.before.values[product->index], &line);
    if (rc < 0) {
        return rc;
    }
    line.row.values[e->parent_field->index] = fb_value_text(opportunity->id);
    line.row.values[fb_entity_field(e, "product_id")->index] = fb_value_text(id);
    line.row.values[fb_entity_field(e, "name")->index] = fb_value_text(title);
    rc = fb_api_may_row(a, &line.row, FB_API_CREATE);
    if (rc < 0 && a->res->status >= 400) {
        fb_api_forget_problem(a);
        return FB_OK;
    }
    return rc < 0 ? rc : fb_api_form_write(&line);
}

/* ---- The lead ---- */

static int close_lead(struct conversion *c)
{
    struct fb_api *a = c->a;
    struct fb_api_form *lead = &c->lead;
    const struct fb_field *status = fb_entity_field(lead->entity, "status");
    const struct fb_field *at = fb_entity_field(lead->entity, "processed_at");
    char text[FB_INSTANT_SIZE];
    fb_instant_format(a->web->now_ms, text);
    struct fb_value now = fb_value_text(fb_arena_strdup(a->arena, text));
    struct fb_value qualified = fb_value_text("qualified");
    fb_api_form_set(lead, at, &now);
    if (!fb_value_equal(&lead->row.values[status->index], &qualified)) {
        fb_api_form_set(lead, status, &qualified);
    }
    int rc = fb_api_may_change(a, &lead->before, &lead->row, lead->mask);
    return rc < 0 ? rc : fb_api_form_write(lead);
}

static int process(struct conversion *c, const json_t *body)
{
    struct fb_api *a = c->a;
    int rc = read_choices(c, body);
    if (rc < 0) {
        return rc;
    }
    if (fb_conversion_state(&c->lead.before) != FB_CONVERSION_OPEN) {
        return is_repeated(c) ? FB_OK : refuse(c);
    }
    rc = take_existing(c);
    rc = rc < 0 ? rc : make_new(c);
    rc = rc < 0 ? rc : copy_rows(c, "comm_point");
    rc = rc < 0 ? rc : copy_rows(c, "address");
    rc = rc < 0 ? rc : add_product(c);
    rc = rc < 0 ? rc : close_lead(c);
    return rc < 0 ? rc : fb_api_end_write(a);
}

int fb_api_post_process(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    struct conversion c = {.a = &a};
    FB_AUTO(fb_api_drop_json) json_t *body = NULL;
    fb_api_begin(&a, web, req, res);
    begin(&c);
    int rc = fb_api_load_rights(&a);
    rc = rc < 0 ? rc : fb_api_body(&a, &body);
    rc = rc < 0 ? rc : fb_api_begin_write(&a);
    rc = rc < 0 ? rc : open_lead(&c);
    rc = rc < 0 ? rc : process(&c, body);
    fb_api_checks_release(&c.checks);
    return rc < 0 ? rc : fb_api_then_record(&a, c.lead.entity, c.lead.row.id, 200, NULL);
}
