/* SPDX-License-Identifier: MIT
 *
 * What pages read from the catalogue: modules, words, lists, forms.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/catalogue/catalogue.h"
#include "tests/lib/testlib.h"

#define ENTITIES FB_SOURCE_DIR "/common/catalogue/entities"

/* A catalogue with one entity, whose head and fields a case completes, and what stands beside it. */
#define NAME "{\"no\":8,\"name\":\"name\",\"type\":\"text\",\"en\":\"N\",\"zh\":\"N\"}"
#define THING(head, fields)                                                                        \
    "{\"no\":20,\"name\":\"thing\",\"en\":\"Thing\",\"zh\":\"T\",\"scope\":{\"rule\":\"global\"}," \
    "\"title\":[\"name\"]," head "\"fields\":[" NAME fields "]}"
#define DOCUMENT(entities, rest) "{\"format\":1,\"version\":3,\"entities\":[" entities "]" rest "}"
#define LAYOUT(layout)           DOCUMENT(THING("\"layout\":{" layout "},", MORE), "")
#define MORE                                                                                       \
    ",{\"no\":9,\"name\":\"due\",\"type\":\"date\",\"en\":\"D\",\"zh\":\"D\"},"                    \
    "{\"no\":10,\"name\":\"kind\",\"type\":\"enum\",\"en\":\"K\",\"zh\":\"K\",\"required\":true,"  \
    "\"choices\":[{\"value\":\"a\",\"en\":\"A\",\"zh\":\"A\"}]},"                                  \
    "{\"no\":11,\"name\":\"text\",\"type\":\"long\",\"en\":\"L\",\"zh\":\"L\"},"                   \
    "{\"name\":\"total\",\"type\":\"calc\",\"en\":\"T\",\"zh\":\"T\"}"
#define MODULES(list) ",\"modules\":[" list "]"
#define MODULE(entities)                                                                           \
    "{\"key\":\"sales\",\"en\":\"Sales\",\"zh\":\"销售\",\"entities\":[" entities "]}"

static struct fb_catalogue *loaded(const char *text)
{
    struct fb_catalogue *c = NULL;
    struct fb_why why = {{0}};
    int rc = fb_catalogue_load(text, strlen(text), &c, &why);
    if (rc < 0) {
        print_message("%s\n", why.text);
    }
    assert_int_equal(rc, FB_OK);
    return c;
}

static struct fb_catalogue *shipped(void)
{
    struct fb_catalogue *c = NULL;
    struct fb_why why = {{0}};
    int rc = fb_catalogue_read_folder(ENTITIES, 1, &c, &why);
    if (rc < 0) {
        print_message("%s\n", why.text);
    }
    assert_int_equal(rc, FB_OK);
    return c;
}

static void expect_names(const struct fb_name_list *list, const char *wanted)
{
    char text[1000] = "";
    for (size_t i = 0; i < list->count; i++) {
        size_t size = strlen(text);
        snprintf(text + size, sizeof text - size, "%s%s", i > 0 ? " " : "", list->names[i]);
    }
    assert_string_equal(text, wanted);
}

struct refusal {
    const char *document;
    const char *sentence;
};

static void expect_refusals(const struct refusal *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct fb_catalogue *c = NULL;
        struct fb_why why = {{0}};
        const char *text = list[i].document;
        assert_true(fb_catalogue_load(text, strlen(text), &c, &why) < 0);
        assert_null(c);
        if (strstr(why.text, list[i].sentence) == NULL) {
            fail_msg("case %zu says: %s\n  wanted: %s", i, why.text, list[i].sentence);
        }
    }
}
#define EXPECT_REFUSALS(list) expect_refusals(list, sizeof(list) / sizeof((list)[0]))

FB_TEST(a_layout_of_the_file_arrives_as_it_was_written)
{
    struct fb_catalogue *c = loaded(
        LAYOUT("\"list\":{\"columns\":[\"kind\",\"total\",\"modified_by\"],\"sort\":\"-due,name\"},"
               "\"form\":[{\"title_en\":\"A\",\"title_zh\":\"甲\",\"fields\":[\"name\",\"total\"]},"
               "{\"title_en\":\"B\",\"title_zh\":\"乙\",\"fields\":[\"due\"]}],"
               "\"quick\":[\"kind\",\"name\"],\"header\":[\"total\"],\"second\":[\"due\"],"
               "\"kanban\":\"kind\",\"calendar\":{\"start\":\"due\",\"title\":\"kind\"}"));
    const struct fb_layout *l = &c->entities[0].layout;
    expect_names(&l->columns, "kind total modified_by");
    assert_string_equal(l->sort, "-due,name");
    assert_int_equal(l->section_count, 2);
    assert_string_equal(l->sections[1].title_zh, "乙");
    expect_names(&l->sections[0].fields, "name total");
    expect_names(&l->quick, "kind name");
    expect_names(&l->header, "total");
    expect_names(&l->second, "due");
    assert_string_equal(l->kanban->name, "kind");
    assert_string_equal(l->calendar_start->name, "due");
    assert_null(l->calendar_end);
    assert_string_equal(l->calendar_title, "kind");
    fb_catalogue_free(c);
}

FB_TEST(a_file_without_layout_gets_a_list_a_form_and_words)
{
    struct fb_catalogue *c = loaded(DOCUMENT(THING("", MORE), ""));
    const struct fb_entity *e = &c->entities[0];
    expect_names(&e->layout.columns, "name kind");
    assert_string_equal(e->layout.sort, "-modified_at");
    assert_int_equal(e->layout.section_count, 1);
    expect_names(&e->layout.sections[0].fields, "name due kind text");
    expect_names(&e->layout.quick, "kind name"); /* what must be typed first */
    assert_null(e->layout.kanban);
    assert_null(e->layout.calendar_start);
    assert_string_equal(e->measure, "条");
    assert_string_equal(e->icon, "file");
    assert_string_equal(e->plural_en, "Things");
    assert_null(e->module);
    fb_catalogue_free(c);
}

FB_TEST(words_of_the_file_stand_and_plurals_follow_english)
{
    static const char *const WORDS[][2] = {{"Company", "Companies"}, {"Address", "Addresses"},
                                           {"Day", "Days"},          {"Branch", "Branches"},
                                           {"Box", "Boxes"},         {"Y", "Ys"}};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        char text[1000];
        snprintf(text, sizeof text,
                 DOCUMENT("{\"no\":20,\"name\":\"thing\",\"en\":\"%s\",\"zh\":\"T\",\"scope\":{"
                          "\"rule\":\"global\"},\"title\":[\"name\"],\"fields\":[" NAME "]}",
                          ""),
                 WORDS[i][0]);
        struct fb_catalogue *c = loaded(text);
        assert_string_equal(c->entities[0].plural_en, WORDS[i][1]);
        fb_catalogue_free(c);
    }
    struct fb_catalogue *c = loaded(
        DOCUMENT(THING("\"plural\":\"Geese\",\"measure\":\"只\",\"icon\":\"bird-2\",", ""), ""));
    assert_string_equal(c->entities[0].plural_en, "Geese");
    assert_string_equal(c->entities[0].measure, "只");
    assert_string_equal(c->entities[0].icon, "bird-2");
    fb_catalogue_free(c);
}

FB_TEST(a_layout_that_names_what_is_not_there_is_named_with_its_rule)
{
    static const struct refusal CASES[] = {
        {LAYOUT("\"list\":{\"columns\":[\"nme\"]}"),
         "thing.json: layout: 'columns' names field 'nme', which is not declared; did you mean "
         "'name'?"},
        {LAYOUT("\"list\":{\"columns\":[\"name\",\"name\"]}"),
         "layout: 'columns' names field 'name' twice"},
        {LAYOUT("\"list\":{\"columns\":[7]}"), "names field '?'"},
        {LAYOUT("\"list\":[]"), "layout: 'list' must be an object"},
        {LAYOUT("\"list\":{\"sort\":\"total\"}"), "layout: 'sort' must be 1 to 4 stored fields"},
        {LAYOUT("\"list\":{\"sort\":\"\"}"), "layout: 'sort' must be 1 to 4 stored fields"},
        {LAYOUT("\"list\":{\"sort\":\"name,\"}"), "layout: 'sort' must be 1 to 4 stored fields"},
        {LAYOUT("\"list\":{\"sort\":\"name,due,kind,text,name\"}"), "'sort' must be 1 to 4"},
        {LAYOUT("\"form\":[{\"title_en\":\"A\",\"title_zh\":\"A\",\"fields\":[\"name\"]},"
                "{\"title_en\":\"B\",\"title_zh\":\"B\",\"fields\":[\"name\"]}]"),
         "layout: 'form' names field 'name' twice"},
        {LAYOUT("\"form\":[{\"title_en\":\"A\",\"fields\":[\"name\"]}]"), "'title_zh' is missing"},
        {LAYOUT("\"form\":[{\"title_en\":\"A\",\"title_zh\":\"A\",\"fields\":[]}]"),
         "layout: part 'A' of 'form' has no fields"},
        {LAYOUT("\"quick\":[\"total\"]"), "layout: 'quick' names 'total', which nobody can type"},
        {LAYOUT("\"quick\":[\"name\",\"due\",\"kind\",\"text\",\"total\",\"a\",\"b\"]"),
         "'quick' has 7 members, it must have 0 to 6"},
        {LAYOUT("\"kanban\":\"name\""), "layout: 'kanban' must name a field with choices"},
        {LAYOUT("\"calendar\":{\"start\":\"name\"}"),
         "layout: 'start' of 'calendar' must name a date or a time"},
        {LAYOUT("\"calendar\":{\"title\":\"name\"}"),
         "layout: 'start' of 'calendar' must name a date or a time"},
        {LAYOUT("\"kanbann\":\"kind\""), "'kanbann' is not known here; did you mean 'kanban'?"},
        {DOCUMENT(THING("\"layout\":7,", ""), ""), "'layout' must be an object"},
        {DOCUMENT(THING("\"icon\":\"Bird\",", ""), ""), "'icon' must be 1 to 63 lower-case"},
        {DOCUMENT(THING("\"measure\":\"\",", ""), ""), "label 'measure' must have 1 to"},
    };
    EXPECT_REFUSALS(CASES);
}

FB_TEST(modules_hold_their_entities_in_order_and_parts_follow_their_parent)
{
    struct fb_catalogue *c = loaded(DOCUMENT(
        THING("\"module\":\"sales\",", "") ",{\"no\":21,\"name\":\"line\",\"en\":\"L\",\"zh\":"
                                           "\"L\",\"part_of\":{\"entity\":\"thing\",\"field\":"
                                           "\"thing_id\"},\"fields\":[{\"no\":8,\"name\":"
                                           "\"thing_id\",\"type\":\"ref\",\"target\":\"thing\","
                                           "\"en\":\"T\",\"zh\":\"T\",\"required\":true}]}",
        MODULES(MODULE("\"thing\""))));
    assert_int_equal(c->module_count, 1);
    assert_string_equal(c->modules[0].label_zh, "销售");
    assert_string_equal(c->modules[0].icon, "folder");
    assert_ptr_equal(c->modules[0].entities[0], fb_catalogue_entity(c, "thing"));
    assert_ptr_equal(fb_catalogue_entity(c, "line")->module, &c->modules[0]);
    /* Its only field is the way to its parent, where it is shown. */
    assert_int_equal(fb_catalogue_entity(c, "line")->layout.columns.count, 0);
    fb_catalogue_free(c);
}

FB_TEST(a_module_and_its_entities_agree_or_are_named)
{
    static const struct refusal CASES[] = {
        {DOCUMENT(THING("\"module\":\"sale\",", ""), MODULES(MODULE("\"thing\""))),
         "thing.json: module 'sale' is not declared; did you mean 'sales'?"},
        {DOCUMENT(THING("", ""), MODULES(MODULE("\"thing\""))),
         "module 'sales' names entity 'thing', whose file does not name the module"},
        {DOCUMENT(THING("\"module\":\"sales\",", ""), MODULES(MODULE("\"thin\""))),
         "module 'sales' names entity 'thin', which is not declared; did you mean 'thing'?"},
        {DOCUMENT(THING("\"module\":\"sales\",", ""), MODULES(MODULE("\"thing\",\"thing\""))),
         "module 'sales' names entity 'thing' twice"},
        {DOCUMENT(THING("\"module\":\"sales\",", ""), MODULES(MODULE(""))),
         "'entities' has 0 members"},
        {DOCUMENT(THING("\"module\":\"sales\",", ""),
                  MODULES(MODULE("\"thing\"") "," MODULE("\"thing\""))),
         "module 'sales' is there twice"},
        {DOCUMENT(THING("", ""), MODULES("7")), "a module must be an object"},
        {DOCUMENT(THING("", ""), MODULES("{\"key\":\"Sales\"}")), "the name of this module"},
        {DOCUMENT(THING("", ""), ",\"modules\":7"), "'modules' must be a list"},
    };
    EXPECT_REFUSALS(CASES);
}

static json_t *pages_of(const struct fb_entity *e)
{
    struct fb_buf buf;
    fb_buf_init(&buf, 1 << 20);
    fb_buf_append_byte(&buf, '{');
    fb_catalogue_append_pages(e, &buf);
    fb_buf_append_byte(&buf, '}');
    json_t *json = json_loadb(fb_buf_text(&buf), buf.size, JSON_REJECT_DUPLICATES, NULL);
    fb_buf_release(&buf);
    assert_non_null(json);
    return json;
}

FB_TEST(what_the_api_hands_out_is_json_of_the_same_form_as_the_files)
{
    struct fb_catalogue *c = shipped();
    for (size_t i = 0; i < c->entity_count; i++) {
        json_t *json = pages_of(&c->entities[i]);
        json_t *layout = json_object_get(json, "layout");
        assert_int_equal(
            json_array_size(json_object_get(json_object_get(layout, "list"), "columns")),
            c->entities[i].layout.columns.count);
        assert_true(json_array_size(json_object_get(layout, "form")) > 0);
        json_decref(json);
    }
    struct fb_buf buf;
    fb_buf_init(&buf, 1 << 20);
    fb_catalogue_append_modules(c, &buf);
    json_t *modules = json_loadb(fb_buf_text(&buf), buf.size, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_array_size(modules), c->module_count);
    json_decref(modules);
    fb_buf_release(&buf);
    fb_catalogue_free(c);
}

FB_TEST(quotes_in_labels_stay_inside_their_json)
{
    struct fb_catalogue *c =
        loaded(DOCUMENT(THING("\"plural\":\"a\\\"b\\\\c\",\"measure\":\"<只>\",", ""), ""));
    json_t *json = pages_of(&c->entities[0]);
    assert_string_equal(json_string_value(json_object_get(json, "plural")), "a\"b\\c");
    json_decref(json);
    fb_catalogue_free(c);
}

FB_TEST(the_shipped_pages_of_companies_and_activities_are_those_of_the_guide)
{
    struct fb_catalogue *c = shipped();
    const struct fb_entity *company = fb_catalogue_entity(c, "company");
    assert_string_equal(company->measure, "家");
    assert_string_equal(company->plural_en, "Companies");
    assert_string_equal(company->module->key, "customers");
    assert_string_equal(c->modules[0].label_zh, "客户管理");
    const struct fb_entity *activity = fb_catalogue_entity(c, "activity");
    assert_string_equal(activity->layout.calendar_start->name, "starts_at");
    assert_string_equal(fb_catalogue_entity(c, "opportunity")->layout.kanban->name, "stage_id");
    fb_catalogue_free(c);
}

FB_MAIN(FB_CASE(a_layout_of_the_file_arrives_as_it_was_written),
        FB_CASE(a_file_without_layout_gets_a_list_a_form_and_words),
        FB_CASE(words_of_the_file_stand_and_plurals_follow_english),
        FB_CASE(a_layout_that_names_what_is_not_there_is_named_with_its_rule),
        FB_CASE(modules_hold_their_entities_in_order_and_parts_follow_their_parent),
        FB_CASE(a_module_and_its_entities_agree_or_are_named),
        FB_CASE(what_the_api_hands_out_is_json_of_the_same_form_as_the_files),
        FB_CASE(quotes_in_labels_stay_inside_their_json),
        FB_CASE(the_shipped_pages_of_companies_and_activities_are_those_of_the_guide))
