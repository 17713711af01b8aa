/* SPDX-License-Identifier: MIT
 *
 * What the shipped entities promise together: every module of the founding document opens, every
 * entity has its place, every form can be filled in.
 */
#include <stdio.h>
#include <string.h>

#include "common/catalogue/catalogue.h"
#include "tests/lib/testlib.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static struct fb_catalogue *shipped(void)
{
    struct fb_catalogue *c = NULL;
    struct fb_why why = {{0}};
    int rc = fb_catalogue_read_folder(FB_SOURCE_DIR "/common/catalogue/entities", 1, &c, &why);
    if (rc < 0) {
        print_message("%s\n", why.text);
    }
    assert_int_equal(rc, FB_OK);
    return c;
}

FB_TEST(the_left_side_is_the_founding_documents_and_every_module_opens_something)
{
    static const char *const FOUNDING[] = {"客户管理", "产品管理",     "知识库管理", "营销计划",
                                           "行动管理", "建议书及订单", "客户支持",   "查询和报表",
                                           "同步",     "管理"};
    struct fb_catalogue *c = shipped();
    assert_int_equal(c->module_count, COUNT(FOUNDING));
    for (size_t i = 0; i < COUNT(FOUNDING); i++) {
        assert_string_equal(c->modules[i].label_zh, FOUNDING[i]);
        assert_true(c->modules[i].entity_count > 0);
    }
    fb_catalogue_free(c);
}

FB_TEST(every_entity_of_the_specification_is_declared_but_those_that_are_no_tables)
{
    /* 62: the change history is the log itself, read through the API, not a second table. */
    static const uint32_t NO_TABLE[] = {62};
    struct fb_catalogue *c = shipped();
    for (uint32_t no = 1; no <= 66; no++) {
        bool is_left_out = false;
        for (size_t i = 0; i < COUNT(NO_TABLE); i++) {
            is_left_out = is_left_out || NO_TABLE[i] == no;
        }
        if ((fb_catalogue_entity_no(c, no * 10) != NULL) == is_left_out) {
            fail_msg("entity %u of the specification", no);
        }
    }
    fb_catalogue_free(c);
}

FB_TEST(every_entity_belongs_to_a_module)
{
    struct fb_catalogue *c = shipped();
    for (size_t i = 0; i < c->entity_count; i++) {
        const struct fb_entity *e = &c->entities[i];
        if (e->module == NULL) {
            fail_msg("%s: no module", e->name);
        }
        assert_true(strlen(e->label_en) > 0 && strlen(e->label_zh) > 0);
    }
    fb_catalogue_free(c);
}

static bool is_asked(const struct fb_entity *e, const struct fb_field *f)
{
    for (size_t i = 0; i < e->layout.quick.count; i++) {
        const struct fb_field *q = fb_entity_field(e, e->layout.quick.names[i]);
        if (q == f || q->target_name == f) {
            return true;
        }
    }
    return false;
}

/* Quick create holds six fields; what cannot be left empty is among them, or comes by itself: an
 * owner is who creates it. */
FB_TEST(quick_create_of_what_a_person_makes_asks_for_all_that_is_required)
{
    static const char *const MADE[] = {"company",  "contact",       "lead",     "opportunity",
                                       "activity", "sales_order",   "quote",    "case",
                                       "product",  "work_order",    "document", "kb_article",
                                       "campaign", "expense_report"};
    struct fb_catalogue *c = shipped();
    for (size_t i = 0; i < COUNT(MADE); i++) {
        const struct fb_entity *e = fb_catalogue_entity(c, MADE[i]);
        for (size_t k = 0; k < e->field_count; k++) {
            const struct fb_field *f = &e->fields[k];
            bool comes_by_itself = f == e->owner_field || f->initial.type != FB_NULL;
            if (f->is_required && !comes_by_itself && !is_asked(e, f)) {
                fail_msg("%s: quick create does not ask for %s", e->name, f->name);
            }
        }
    }
    fb_catalogue_free(c);
}

FB_TEST(every_field_begins_with_a_value_or_with_null)
{
    struct fb_catalogue *c = shipped();
    for (size_t i = 0; i < c->entity_count; i++) {
        const struct fb_entity *e = &c->entities[i];
        for (size_t k = 0; k < e->field_count; k++) {
            enum fb_value_type type = e->fields[k].initial.type;
            assert_true(type == FB_NULL || type == e->fields[k].storage);
        }
    }
    fb_catalogue_free(c);
}

static bool is_on_form(const struct fb_entity *e, const char *name)
{
    for (size_t i = 0; i < e->layout.section_count; i++) {
        const struct fb_name_list *list = &e->layout.sections[i].fields;
        for (size_t k = 0; k < list->count; k++) {
            if (strcmp(list->names[k], name) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool is_name_of_another(const struct fb_entity *e, const struct fb_field *f)
{
    for (size_t i = 0; i < e->field_count; i++) {
        if (e->fields[i].target_name == f) {
            return true;
        }
    }
    return false;
}

FB_TEST(a_form_has_a_place_for_every_field_a_person_writes)
{
    /* Kept by programs, never by hand. */
    static const char *const KEPT[] = {"series_id", "uid", "plan_run_id", "plan_step_id"};
    struct fb_catalogue *c = shipped();
    for (size_t i = 0; i < c->entity_count; i++) {
        const struct fb_entity *e = &c->entities[i];
        for (size_t k = 0; k < e->field_count; k++) {
            const struct fb_field *f = &e->fields[k];
            bool is_kept = f == e->parent_field || is_name_of_another(e, f) ||
                           f->type == FB_TYPE_BLOB || f->type == FB_TYPE_UUID;
            for (size_t n = 0; n < COUNT(KEPT); n++) {
                is_kept = is_kept || strcmp(KEPT[n], f->name) == 0;
            }
            if (!is_kept && !is_on_form(e, f->name)) {
                fail_msg("%s: no place on the form for %s", e->name, f->name);
            }
        }
    }
    fb_catalogue_free(c);
}

FB_TEST(a_list_is_sorted_by_what_has_an_index_where_it_can_be_long)
{
    static const char *const LONG[] = {"company",
                                       "contact",
                                       "lead",
                                       "opportunity",
                                       "activity",
                                       "address",
                                       "quote",
                                       "sales_order",
                                       "case",
                                       "asset",
                                       "note",
                                       "comm_point",
                                       "work_order",
                                       "booking",
                                       "file",
                                       "message",
                                       "campaign_response"};
    struct fb_catalogue *c = shipped();
    for (size_t i = 0; i < COUNT(LONG); i++) {
        const struct fb_entity *e = fb_catalogue_entity(c, LONG[i]);
        char key[FB_NAME_BYTES_MAX + 1];
        snprintf(key, sizeof key, "%s", e->layout.sort + (e->layout.sort[0] == '-'));
        key[strcspn(key, ",")] = 0;
        const struct fb_field *f = fb_entity_field(e, key);
        if (strcmp(key, "modified_at") != 0 && (f == NULL || !f->is_indexed)) {
            fail_msg("%s is sorted by %s, which has no index", e->name, key);
        }
    }
    fb_catalogue_free(c);
}

FB_TEST(references_that_waited_for_their_target_are_there)
{
    static const char *const FIELDS[][3] = {{"company", "campaign_id", "campaign"},
                                            {"contact", "photo_id", "file"},
                                            {"employee", "photo_id", "file"},
                                            {"lead", "campaign_id", "campaign"},
                                            {"lead", "project_id", "marketing_project"},
                                            {"stage", "action_plan_id", "action_plan"},
                                            {"opportunity", "campaign_id", "campaign"},
                                            {"opportunity", "plan_run_id", "plan_run"},
                                            {"product", "image_id", "file"},
                                            {"price_rule", "campaign_id", "campaign"},
                                            {"activity", "plan_run_id", "plan_run"},
                                            {"activity", "document_id", "document"},
                                            {"quote", "template_id", "template"},
                                            {"sales_order", "signature_file_id", "file"}};
    struct fb_catalogue *c = shipped();
    for (size_t i = 0; i < COUNT(FIELDS); i++) {
        const struct fb_field *f =
            fb_entity_field(fb_catalogue_entity(c, FIELDS[i][0]), FIELDS[i][1]);
        assert_non_null(f);
        assert_string_equal(f->targets[0]->name, FIELDS[i][2]);
    }
    fb_catalogue_free(c);
}

FB_TEST(numbers_that_were_given_stay)
{
    static const struct {
        const char *entity;
        uint32_t no;
        const char *field;
        uint32_t field_no;
    } GIVEN[] = {{"company", 70, "merged_into_id", 36}, {"opportunity", 150, "price_book_id", 32},
                 {"activity", 310, "private", 34},      {"sales_order", 380, "status", 14},
                 {"conflict", 610, "typed", 25},        {"exchange_key", 631, "record_id", 11},
                 {"product", 200, "min_margin_pct", 30}};
    struct fb_catalogue *c = shipped();
    for (size_t i = 0; i < COUNT(GIVEN); i++) {
        const struct fb_entity *e = fb_catalogue_entity(c, GIVEN[i].entity);
        assert_int_equal(e->no, GIVEN[i].no);
        assert_int_equal(fb_entity_field(e, GIVEN[i].field)->no, GIVEN[i].field_no);
    }
    fb_catalogue_free(c);
}

FB_MAIN(FB_CASE(the_left_side_is_the_founding_documents_and_every_module_opens_something),
        FB_CASE(every_entity_of_the_specification_is_declared_but_those_that_are_no_tables),
        FB_CASE(every_entity_belongs_to_a_module),
        FB_CASE(quick_create_of_what_a_person_makes_asks_for_all_that_is_required),
        FB_CASE(every_field_begins_with_a_value_or_with_null),
        FB_CASE(a_form_has_a_place_for_every_field_a_person_writes),
        FB_CASE(a_list_is_sorted_by_what_has_an_index_where_it_can_be_long),
        FB_CASE(references_that_waited_for_their_target_are_there),
        FB_CASE(numbers_that_were_given_stay))
