/* SPDX-License-Identifier: MIT */
#include "common/crm/sample.h"

#include <stdio.h>
#include <string.h>

#include "common/crm/sample_more.h"
#include "common/crm/sample_row.h"
#include "common/crm/sample_words.h"

#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))
#define PICK(m, array) ((array)[fb_sample_below(m, COUNT(array))])

#define OWNERS_MADE   6
#define OWNERS_MAX    64
#define CONTACTS_MAX  4
#define ARENA_MAX     ((size_t)256 * 1024)
#define QTY_ONE       1000 /* quantities have three decimals */
#define TAX_RATE      1300 /* 13 % */
#define CNY_ID        "01900000-02db-78e7-8749-a71e2f92b9b7"
#define PRICE_BOOK_ID "01900000-5e61-743f-83dc-9f5d93fb4142"
#define PIPELINE_ID   "01900000-5ef2-79b6-8bdf-b245e381e490"

/* Rows of share/seed/seed.json; sample_test holds them to it. */
static const struct {
    const char *id;
    const char *outcome;
    int probability;
} STAGES[] = {{"01900000-c219-7c2e-8500-bf36923c0c53", "open", 10},
              {"01900000-ecbb-78d0-876c-8bcf78f27039", "open", 25},
              {"01900000-4f3b-7a0e-831c-c496cd95c7fc", "open", 50},
              {"01900000-3b65-7a12-8e02-91cc6ea65d48", "open", 75},
              {"01900000-117b-7abb-8c6f-293fbc6bbc7a", "won", 100},
              {"01900000-412b-7f94-8f58-b8f08551ab96", "lost", 0}};

struct sample {
    struct fb_sample_maker m;
    char owners[OWNERS_MAX][FB_ROW_ID_SIZE];
    size_t owner_count;
    char products[COUNT(PRODUCTS)][FB_ROW_ID_SIZE];
};

/* The account whose rows are being made. */
struct account {
    char id[FB_ROW_ID_SIZE];
    bool is_chinese;
    size_t place;
    const char *owner;
    char name[160];
    char host[40];
    char contacts[CONTACTS_MAX][FB_ROW_ID_SIZE];
    size_t contact_count;
    char address[FB_ROW_ID_SIZE];
};

static void make_owners(struct sample *s)
{
    static const char *const GIVEN_PINYIN[OWNERS_MADE] = {"wei", "fang", "anna",
                                                          "lei", "omar", "min"};
    struct fb_sample_maker *m = &s->m;
    if (m->ask->owner_count > 0) {
        for (size_t i = 0; i < m->ask->owner_count && i < OWNERS_MAX; i++) {
            memcpy(s->owners[s->owner_count++], m->ask->owner_ids[i], FB_ROW_ID_SIZE);
        }
        return;
    }
    for (size_t i = 0; i < OWNERS_MADE; i++) {
        bool is_english = i == 2 || i == 4;
        fb_sample_begin(m, "employee", s->owners[i]);
        fb_sample_print(m, "code", "S%03zu", i + 1);
        fb_sample_print(m, "user_name", "%s%zu", GIVEN_PINYIN[i], i + 1);
        fb_sample_text(m, "family_name", is_english ? PICK(m, SURNAMES_EN) : PICK(m, SURNAMES_ZH));
        fb_sample_text(m, "given_name", is_english ? PICK(m, GIVEN_EN) : PICK(m, GIVEN_ZH));
        fb_sample_text(m, "job_title", i == 0 ? "销售经理" : "销售代表");
        fb_sample_text(m, "language", is_english ? "en" : "zh-CN");
        if (i > 0) {
            fb_sample_text(m, "manager_id", s->owners[0]);
        }
        fb_sample_end(m);
        s->owner_count++;
    }
}

static void make_products(struct sample *s)
{
    struct fb_sample_maker *m = &s->m;
    for (size_t i = 0; i < COUNT(PRODUCTS); i++) {
        fb_sample_begin(m, "product", s->products[i]);
        fb_sample_text(m, "code", PRODUCTS[i].code);
        fb_sample_text(m, "name_zh", PRODUCTS[i].zh);
        fb_sample_text(m, "name_en", PRODUCTS[i].en);
        fb_sample_text(m, "unit", PRODUCTS[i].unit);
        fb_sample_int(m, "list_price", PRODUCTS[i].price);
        fb_sample_int(m, "tax_rate", TAX_RATE);
        fb_sample_text(m, "status", "active");
        fb_sample_end(m);
    }
}

static void name_account(struct fb_sample_maker *m, struct account *a, size_t number,
                         size_t industry)
{
    if (a->is_chinese) {
        const char *city = PLACES_ZH[a->place].city;
        int city_size = (int)(strlen(city) - strlen("市"));
        const char *first = PICK(m, BRANDS_ZH);
        const char *second = PICK(m, BRANDS2_ZH);
        snprintf(a->name, sizeof a->name, "%.*s%s%s%s有限公司", city_size, city, first, second,
                 INDUSTRIES[industry].zh);
    } else {
        snprintf(a->name, sizeof a->name, "%s %s Ltd", PICK(m, BRANDS_EN), INDUSTRIES[industry].en);
    }
    snprintf(a->host, sizeof a->host, "c%zu.example.com", number + 1);
}

static void make_company(struct sample *s, struct account *a, size_t number)
{
    static const char *const KINDS[] = {"prospect", "prospect", "customer", "customer",
                                        "customer", "partner",  "supplier"};
    static const char *const GRADES[] = {"a", "b", "b", "c", "c", "c", "d"};
    struct fb_sample_maker *m = &s->m;
    size_t industry = fb_sample_below(m, COUNT(INDUSTRIES));
    a->is_chinese = fb_sample_chance(m, 70);
    a->place = fb_sample_below(m, a->is_chinese ? COUNT(PLACES_ZH) : COUNT(PLACES_EN));
    a->owner = s->owners[number % s->owner_count];
    name_account(m, a, number, industry);
    fb_sample_begin(m, "company", a->id);
    fb_sample_text(m, "name", a->name);
    fb_sample_text(m, "kind", PICK(m, KINDS));
    fb_sample_text(m, "grade_id", PICK(m, GRADES));
    fb_sample_text(m, "industry", INDUSTRIES[industry].value);
    fb_sample_text(m, "ownership", fb_sample_chance(m, 60) ? "private" : "state");
    fb_sample_int(m, "employees", 10 + (int64_t)fb_sample_below(m, 2000));
    fb_sample_int(m, "annual_revenue", (1 + (int64_t)fb_sample_below(m, 900)) * 100000000);
    fb_sample_int(m, "revenue_year", 2024);
    fb_sample_int(m, "credit_limit", (1 + (int64_t)fb_sample_below(m, 50)) * 1000000);
    fb_sample_text(m, "payment_terms", fb_sample_chance(m, 50) ? "net_30" : "monthly");
    fb_sample_print(m, "website", "https://www.%s", a->host);
    fb_sample_text(m, "owner_id", a->owner);
    fb_sample_text(m, "source", fb_sample_chance(m, 50) ? "referral" : "trade_show");
    fb_sample_text(m, "description", a->is_chinese ? PICK(m, NOTES_ZH) : PICK(m, NOTES_EN));
    fb_sample_end(m);
}

static void make_address(struct sample *s, struct account *a)
{
    struct fb_sample_maker *m = &s->m;
    size_t house = 1 + fb_sample_below(m, 300);
    fb_sample_begin(m, "address", a->address);
    fb_sample_text(m, "owner_entity", "company");
    fb_sample_text(m, "owner_id", a->id);
    fb_sample_text(m, "kind", "billing");
    if (a->is_chinese) {
        fb_sample_text(m, "country", "中国");
        fb_sample_text(m, "province", PLACES_ZH[a->place].province);
        fb_sample_text(m, "city", PLACES_ZH[a->place].city);
        fb_sample_text(m, "district", PLACES_ZH[a->place].district);
        fb_sample_print(m, "street", "%s%zu号", PICK(m, STREETS_ZH), house);
    } else {
        fb_sample_text(m, "country", PLACES_EN[a->place].country);
        fb_sample_text(m, "city", PLACES_EN[a->place].city);
        fb_sample_print(m, "street", "%zu %s", house, PICK(m, STREETS_EN));
    }
    fb_sample_print(m, "postal_code", "%06zu", 100000 + fb_sample_below(m, 899999));
    fb_sample_int(m, "is_primary", 1);
    fb_sample_end(m);
}

static void make_comm_point(struct sample *s, const char *owner_entity, const char *owner_id,
                            const char *kind, const char *value)
{
    char id[FB_ROW_ID_SIZE];
    struct fb_sample_maker *m = &s->m;
    fb_sample_begin(m, "comm_point", id);
    fb_sample_text(m, "owner_entity", owner_entity);
    fb_sample_text(m, "owner_id", owner_id);
    fb_sample_text(m, "kind", kind);
    fb_sample_text(m, "value", value);
    fb_sample_int(m, "is_primary", 1);
    fb_sample_end(m);
}

static void make_phone(struct sample *s, const struct account *a)
{
    char number[48];
    size_t digits = 10000000 + fb_sample_below(&s->m, 89999999);
    if (a->is_chinese) {
        snprintf(number, sizeof number, "%s-%zu", PLACES_ZH[a->place].area_code, digits);
    } else {
        snprintf(number, sizeof number, "%s %zu", PLACES_EN[a->place].phone_prefix, digits / 100);
    }
    make_comm_point(s, "company", a->id, "phone", number);
}

static void make_contact(struct sample *s, struct account *a)
{
    struct fb_sample_maker *m = &s->m;
    char *id = a->contacts[a->contact_count++];
    bool is_chinese = a->is_chinese || fb_sample_chance(m, 10);
    fb_sample_begin(m, "contact", id);
    fb_sample_text(m, "family_name", is_chinese ? PICK(m, SURNAMES_ZH) : PICK(m, SURNAMES_EN));
    fb_sample_text(m, "given_name", is_chinese ? PICK(m, GIVEN_ZH) : PICK(m, GIVEN_EN));
    fb_sample_text(m, "salutation", fb_sample_chance(m, 50) ? "mr" : "ms");
    fb_sample_text(m, "company_id", a->id);
    fb_sample_text(m, "job_title", is_chinese ? PICK(m, TITLES_ZH) : PICK(m, TITLES_EN));
    fb_sample_text(m, "language", is_chinese ? "zh-CN" : "en");
    fb_sample_text(m, "owner_id", a->owner);
    if (fb_sample_chance(m, 40)) {
        fb_sample_date(m, "birthday", -(int64_t)(9000 + fb_sample_below(m, 11000)));
    }
    fb_sample_end(m);
    char value[80];
    snprintf(value, sizeof value, "p%zu@%s", a->contact_count, a->host);
    make_comm_point(s, "contact", id, "email", value);
    snprintf(value, sizeof value, is_chinese ? "138%08zu" : "+44 7%09zu",
             fb_sample_below(m, 100000000));
    make_comm_point(s, "contact", id, "mobile", value);
}

static void make_opportunity_line(struct sample *s, const char *opportunity_id, bool is_chinese,
                                  int64_t position)
{
    char id[FB_ROW_ID_SIZE];
    struct fb_sample_maker *m = &s->m;
    size_t p = fb_sample_below(m, COUNT(PRODUCTS));
    fb_sample_begin(m, "opportunity_line", id);
    fb_sample_text(m, "opportunity_id", opportunity_id);
    fb_sample_text(m, "product_id", s->products[p]);
    fb_sample_text(m, "name", is_chinese ? PRODUCTS[p].zh : PRODUCTS[p].en);
    fb_sample_int(m, "qty", (1 + (int64_t)fb_sample_below(m, 20)) * QTY_ONE);
    fb_sample_int(m, "unit_price", PRODUCTS[p].price);
    fb_sample_int(m, "position", position);
    fb_sample_end(m);
}

static void make_opportunity(struct sample *s, const struct account *a)
{
    char id[FB_ROW_ID_SIZE];
    struct fb_sample_maker *m = &s->m;
    size_t stage = fb_sample_below(m, COUNT(STAGES));
    bool is_open = strcmp(STAGES[stage].outcome, "open") == 0;
    int64_t days = (int64_t)fb_sample_below(m, 120);
    fb_sample_begin(m, "opportunity", id);
    fb_sample_print(m, "name", "%s - %s", a->name,
                    a->is_chinese ? PICK(m, PROJECTS_ZH) : PICK(m, PROJECTS_EN));
    fb_sample_text(m, "company_id", a->id);
    fb_sample_text(m, "contact_id", a->contacts[fb_sample_below(m, a->contact_count)]);
    fb_sample_text(m, "pipeline_id", PIPELINE_ID);
    fb_sample_text(m, "stage_id", STAGES[stage].id);
    fb_sample_text(m, "outcome", STAGES[stage].outcome);
    fb_sample_int(m, "probability", STAGES[stage].probability);
    fb_sample_int(m, "amount", (1 + (int64_t)fb_sample_below(m, 500)) * 500000);
    fb_sample_date(m, "close_on", is_open ? days : -days);
    if (!is_open) {
        fb_sample_date(m, "closed_on", -days);
        fb_sample_text(m, "win_loss_reason", fb_sample_chance(m, 50) ? "price" : "relation");
    }
    fb_sample_text(m, "owner_id", a->owner);
    fb_sample_text(m, "price_book_id", PRICE_BOOK_ID);
    fb_sample_text(m, "next_step", a->is_chinese ? PICK(m, SUBJECTS_ZH) : PICK(m, SUBJECTS_EN));
    fb_sample_end(m);
    for (size_t i = 0, count = fb_sample_below(m, 4); i < count; i++) {
        make_opportunity_line(s, id, a->is_chinese, (int64_t)(i + 1) * 10);
    }
}

static void make_order_line(struct sample *s, const char *order_id, bool is_chinese,
                            int64_t position)
{
    char id[FB_ROW_ID_SIZE];
    struct fb_sample_maker *m = &s->m;
    size_t p = fb_sample_below(m, COUNT(PRODUCTS));
    fb_sample_begin(m, "order_line", id);
    fb_sample_text(m, "sales_order_id", order_id);
    fb_sample_int(m, "position", position);
    fb_sample_text(m, "product_id", s->products[p]);
    fb_sample_text(m, "name", is_chinese ? PRODUCTS[p].zh : PRODUCTS[p].en);
    fb_sample_int(m, "qty", (1 + (int64_t)fb_sample_below(m, 30)) * QTY_ONE);
    fb_sample_text(m, "unit", PRODUCTS[p].unit);
    fb_sample_int(m, "unit_price", PRODUCTS[p].price);
    fb_sample_int(m, "discount_pct", (int64_t)fb_sample_below(m, 4) * 500);
    fb_sample_int(m, "tax_rate", TAX_RATE);
    fb_sample_end(m);
}

static void make_order(struct sample *s, const struct account *a)
{
    static const char *const STATES[] = {"draft",     "entered",  "confirmed",
                                         "delivered", "invoiced", "closed"};
    char id[FB_ROW_ID_SIZE];
    struct fb_sample_maker *m = &s->m;
    int64_t days = (int64_t)fb_sample_below(m, 200);
    fb_sample_begin(m, "sales_order", id);
    fb_sample_print(m, "customer_po", "PO-%05zu", fb_sample_below(m, 100000));
    fb_sample_text(m, "company_id", a->id);
    fb_sample_text(m, "contact_id", a->contacts[0]);
    fb_sample_text(m, "status", PICK(m, STATES));
    fb_sample_date(m, "ordered_on", -days);
    fb_sample_date(m, "wanted_on", 30 - days);
    fb_sample_text(m, "currency_id", CNY_ID);
    fb_sample_text(m, "price_book_id", PRICE_BOOK_ID);
    fb_sample_text(m, "payment_terms", "net_30");
    fb_sample_text(m, "bill_address_id", a->address);
    fb_sample_text(m, "invoice_title", a->name);
    fb_sample_text(m, "invoice_kind", "special_vat");
    fb_sample_text(m, "owner_id", a->owner);
    fb_sample_end(m);
    for (size_t i = 0, count = 1 + fb_sample_below(m, 4); i < count; i++) {
        make_order_line(s, id, a->is_chinese, (int64_t)(i + 1) * 10);
    }
}

static void make_activity(struct sample *s, const struct account *a)
{
    static const char *const KINDS[] = {"meeting", "call_out", "task", "visit", "email"};
    char id[FB_ROW_ID_SIZE];
    struct fb_sample_maker *m = &s->m;
    int64_t days = (int64_t)fb_sample_below(m, 60) - 40;
    int64_t quarter = (int64_t)fb_sample_below(m, 28);
    fb_sample_begin(m, "activity", id);
    fb_sample_text(m, "kind", PICK(m, KINDS));
    fb_sample_text(m, "subject", a->is_chinese ? PICK(m, SUBJECTS_ZH) : PICK(m, SUBJECTS_EN));
    fb_sample_text(m, "status", days < 0 ? "done" : "planned");
    fb_sample_time(m, "starts_at", days, quarter);
    fb_sample_time(m, "ends_at", days, quarter + 4);
    fb_sample_text(m, "company_id", a->id);
    fb_sample_text(m, "contact_id", a->contacts[fb_sample_below(m, a->contact_count)]);
    fb_sample_text(m, "owner_id", a->owner);
    if (days < 0) {
        fb_sample_time(m, "done_at", days, quarter + 4);
        fb_sample_text(m, "result", "reached");
        fb_sample_text(m, "outcome", a->is_chinese ? PICK(m, NOTES_ZH) : PICK(m, NOTES_EN));
    }
    fb_sample_end(m);
}

static void make_account(struct sample *s, size_t number)
{
    struct account a = {.contact_count = 0};
    struct fb_sample_maker *m = &s->m;
    make_company(s, &a, number);
    make_address(s, &a);
    make_phone(s, &a);
    for (size_t count = 1 + fb_sample_below(m, CONTACTS_MAX); a.contact_count < count;) {
        make_contact(s, &a);
    }
    for (size_t i = 0, count = fb_sample_below(m, 4); i < count; i++) {
        make_opportunity(s, &a);
    }
    for (size_t i = 0, count = fb_sample_below(m, 3); i < count; i++) {
        make_order(s, &a);
    }
    for (size_t i = 0, count = fb_sample_below(m, 5); i < count; i++) {
        make_activity(s, &a);
    }
    size_t p = fb_sample_below(m, COUNT(PRODUCTS));
    const struct fb_sample_around around = {.company_id = a.id,
                                            .company_name = a.name,
                                            .contact_id = a.contacts[0],
                                            .owner_id = a.owner,
                                            .is_chinese = a.is_chinese,
                                            .product_id = s->products[p],
                                            .product_name =
                                                a.is_chinese ? PRODUCTS[p].zh : PRODUCTS[p].en,
                                            .unit = PRODUCTS[p].unit,
                                            .price = PRODUCTS[p].price,
                                            .currency_id = CNY_ID,
                                            .price_book_id = PRICE_BOOK_ID};
    fb_sample_more(m, &around);
}

int fb_sample_make(const struct fb_sample_ask *ask, fb_sample_row *f, void *ctx, struct fb_why *why)
{
    struct sample s = {.m = {.ask = ask, .give = f, .ctx = ctx, .why = why}};
    s.m.random = fb_random_seeded(&s.m.random_state, ask->seed);
    fb_arena_init(&s.m.arena, ARENA_MAX);
    make_owners(&s);
    make_products(&s);
    for (size_t i = 0; i < ask->companies && s.m.error == FB_OK; i++) {
        make_account(&s, i);
    }
    fb_arena_release(&s.m.arena);
    return s.m.error;
}
