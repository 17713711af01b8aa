/* SPDX-License-Identifier: MIT */
#include "common/crm/conversion.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/time.h"
#include "common/crm/title.h"
#include "common/store/sql.h"

#define DAY_MS INT64_C(86400000)

static const struct {
    const char *entity, *link;
} PARTS[FB_CONVERSION_PARTS] = {[FB_CONVERSION_COMPANY] = {"company", "company_id"},
                                [FB_CONVERSION_CONTACT] = {"contact", "contact_id"},
                                [FB_CONVERSION_OPPORTUNITY] = {"opportunity", "opportunity_id"}};

static const struct fb_conversion_carry CARRIED[] = {
    {"company", "name", "company_name"},     {"company", "industry", "industry"},
    {"company", "source", "source"},         {"company", "campaign_id", "campaign_id"},
    {"company", "owner_id", "owner_id"},     {"contact", "family_name", "family_name"},
    {"contact", "given_name", "given_name"}, {"contact", "job_title", "job_title"},
    {"contact", "owner_id", "owner_id"},     {"opportunity", "name", "subject"},
    {"opportunity", "need", "need"},         {"opportunity", "amount", "budget"},
    {"opportunity", "source", "source"},     {"opportunity", "campaign_id", "campaign_id"},
    {"opportunity", "owner_id", "owner_id"}, {"opportunity", "territory_id", "territory_id"},
};

const char *fb_conversion_entity(enum fb_conversion_part part)
{
    return PARTS[part].entity;
}

const char *fb_conversion_link(enum fb_conversion_part part)
{
    return PARTS[part].link;
}

const struct fb_conversion_carry *fb_conversion_carried(size_t *ret_count)
{
    *ret_count = sizeof CARRIED / sizeof CARRIED[0];
    return CARRIED;
}

bool fb_conversion_is_result(const char *entity, const char *field)
{
    if (strcmp(entity, "lead") != 0) {
        return false;
    }
    bool is_result = strcmp(field, "processed_at") == 0;
    for (size_t i = 0; i < FB_CONVERSION_PARTS; i++) {
        is_result = is_result || strcmp(field, PARTS[i].link) == 0;
    }
    return is_result;
}

/* ---- Whether ---- */

enum fb_conversion_state fb_conversion_state(const struct fb_row *lead)
{
    const struct fb_value *status = fb_row_value(lead, "status");
    if (!fb_value_is_empty(fb_row_value(lead, "processed_at"))) {
        return FB_CONVERSION_DONE;
    }
    return fb_value_is_text(status, "disqualified") || fb_value_is_text(status, "recycled")
               ? FB_CONVERSION_CLOSED
               : FB_CONVERSION_OPEN;
}

/* "Acme, Li Wei, Second line": what the lead became. */
static void append_results(struct fb_store *s, const struct fb_row *lead, struct fb_buf *buf)
{
    for (size_t i = 0; i < FB_CONVERSION_PARTS; i++) {
        char id[FB_ROW_ID_SIZE];
        if (fb_value_to_id(fb_row_value(lead, PARTS[i].link), id)) {
            fb_buf_append_text(buf, buf->size > 0 ? ", " : "");
            fb_ignore(fb_title_append(s, PARTS[i].entity, id, buf), "nothing is shown");
        }
    }
}

void fb_conversion_refuse(struct fb_store *s, const struct fb_row *lead, struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, FB_WHY_SIZE);
    if (fb_conversion_state(lead) == FB_CONVERSION_CLOSED) {
        fb_why_set(why, "This lead is closed, so it cannot be processed.");
        return;
    }
    append_results(s, lead, &text);
    fb_why_set(why, "This lead has been processed already. It became: %s.", fb_buf_text(&text));
}

/* ---- What an opportunity starts with ---- */

static void set_if_empty(struct fb_row *row, const char *name, const struct fb_value *v)
{
    const struct fb_field *f = fb_entity_field(row->entity, name);
    if (f != NULL && fb_value_is_empty(&row->values[f->index])) {
        row->values[f->index] = *v;
    }
}

static int set_usual_stage(struct fb_store *s, struct fb_arena *arena, struct fb_row *row)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s,
                          "SELECT p.id, s.id FROM pipeline AS p JOIN stage AS s ON s.pipeline_id ="
                          " p.id WHERE p.active = 1 AND s.kind = 'open'"
                          " ORDER BY coalesce(p.is_default, 0) DESC, p.name, s.position LIMIT 1",
                          &q);
    rc = rc < 0 ? rc : fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc;
    }
    struct fb_value found[2] = {fb_sql_value(q, 0), fb_sql_value(q, 1)};
    struct fb_value kept[2];
    rc = fb_value_copy(arena, &found[0], &kept[0]);
    rc = rc < 0 ? rc : fb_value_copy(arena, &found[1], &kept[1]);
    if (rc == FB_OK) {
        set_if_empty(row, "pipeline_id", &kept[0]);
        set_if_empty(row, "stage_id", &kept[1]);
    }
    return rc;
}

/* Days until the end of the lead's time frame; 0: it says nothing. */
static int days_of_timeframe(const struct fb_value *timeframe)
{
    static const struct {
        const char *word;
        int days;
    } DAYS[] = {{"now", 14}, {"month", 30}, {"quarter", 90}, {"half_year", 180}, {"year", 365}};
    for (size_t i = 0; i < sizeof DAYS / sizeof DAYS[0]; i++) {
        if (fb_value_is_text(timeframe, DAYS[i].word)) {
            return DAYS[i].days;
        }
    }
    return 0;
}

int fb_conversion_start_opportunity(struct fb_store *s, const struct fb_row *lead, int64_t now_ms,
                                    struct fb_arena *arena, struct fb_row *ret)
{
    char at[FB_INSTANT_SIZE];
    int days = days_of_timeframe(fb_row_value(lead, "timeframe"));
    if (days > 0) {
        fb_instant_format(now_ms + days * DAY_MS, at);
        const char *date = fb_arena_copy(arena, at, FB_DATE_SIZE - 1);
        if (date == NULL) {
            return FB_ERR_NO_MEMORY;
        }
        struct fb_value v = fb_value_text_n(date, FB_DATE_SIZE - 1);
        set_if_empty(ret, "close_on", &v);
    }
    return set_usual_stage(s, arena, ret);
}

/* ---- What is there already ---- */

static int find_by_numbers(struct fb_store *s, const struct fb_row *lead, const char *entity,
                           fb_alike_each *f, void *ctx)
{
    const struct fb_entity *e = fb_catalogue_entity(fb_store_catalogue(s), entity);
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s,
                          "SELECT value FROM comm_point WHERE owner_entity = 'lead' AND owner_id ="
                          " ?1 LIMIT 20",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, lead->id);
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        const char *number = fb_sql_text(q, 0);
        rc = number == NULL ? FB_OK : fb_alike_find_number(s, e, lead->id, number, f, ctx);
        if (rc != FB_OK) {
            return rc;
        }
    }
    return rc;
}

/* A record as the lead would have it, only to be compared: its id is nobody's. */
static int make_model(struct fb_store *s, const struct fb_row *lead, enum fb_conversion_part part,
                      struct fb_arena *arena, struct fb_row *ret)
{
    static const char NOBODY[FB_ROW_ID_SIZE] = "";
    const struct fb_entity *e = fb_catalogue_entity(fb_store_catalogue(s), PARTS[part].entity);
    int rc = fb_row_new(e, NOBODY, arena, ret);
    for (size_t i = 0; rc == FB_OK && i < sizeof CARRIED / sizeof CARRIED[0]; i++) {
        const struct fb_field *field =
            strcmp(CARRIED[i].entity, e->name) == 0 ? fb_entity_field(e, CARRIED[i].field) : NULL;
        if (field != NULL) {
            ret->values[field->index] = *fb_row_value(lead, CARRIED[i].from);
        }
    }
    return rc;
}

int fb_conversion_companies(struct fb_store *s, const struct fb_row *lead, struct fb_arena *arena,
                            fb_alike_each *f, void *ctx)
{
    struct fb_row model;
    int rc = make_model(s, lead, FB_CONVERSION_COMPANY, arena, &model);
    rc = rc < 0 ? rc : fb_alike_find(s, &model, f, ctx);
    return rc < 0 ? rc : find_by_numbers(s, lead, "company", f, ctx);
}

struct of_company {
    struct fb_store *s;
    const char *company_id;
    fb_alike_each *f;
    void *ctx;
};

/* A person who works elsewhere is somebody else. */
static int tell_of_company(void *ctx, const struct fb_alike *alike)
{
    struct of_company *of = ctx;
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        of->s, "SELECT 1 FROM contact WHERE id = ?1 AND coalesce(company_id, ?2) = ?2", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, alike->id);
    fb_sql_bind_text(q, 2, of->company_id);
    rc = fb_sql_step(q);
    return rc == FB_SQL_ROW ? of->f(of->ctx, alike) : rc;
}

int fb_conversion_contacts(struct fb_store *s, const struct fb_row *lead, const char *company_id,
                           struct fb_arena *arena, fb_alike_each *f, void *ctx)
{
    struct fb_row model;
    struct of_company of = {.s = s, .company_id = company_id, .f = f, .ctx = ctx};
    if (company_id == NULL) {
        return find_by_numbers(s, lead, "contact", f, ctx);
    }
    int rc = make_model(s, lead, FB_CONVERSION_CONTACT, arena, &model);
    if (rc == FB_OK) {
        model.values[fb_entity_field(model.entity, "company_id")->index] =
            fb_value_text(company_id);
        rc = fb_alike_find(s, &model, f, ctx);
    }
    return rc < 0 ? rc : find_by_numbers(s, lead, "contact", tell_of_company, &of);
}

enum fb_conversion_part fb_conversion_heir(const char *entity,
                                           const bool is_new[static FB_CONVERSION_PARTS])
{
    bool is_address = strcmp(entity, "address") == 0;
    enum fb_conversion_part first = is_address ? FB_CONVERSION_COMPANY : FB_CONVERSION_CONTACT;
    enum fb_conversion_part second = is_address ? FB_CONVERSION_CONTACT : FB_CONVERSION_COMPANY;
    return is_new[first] ? first : is_new[second] ? second : FB_CONVERSION_PARTS;
}
