/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/os.h"
#include "common/catalogue/catalogue.h"
#include "tests/lib/testlib.h"

#define ENTITIES FB_SOURCE_DIR "/common/catalogue/entities"

/* A small catalogue with one place, marked %s, where a case puts its own text. */
#define EMPLOYEE                                                                                   \
    "{\"no\":10,\"name\":\"employee\",\"en\":\"E\",\"zh\":\"E\",\"scope\":{\"rule\":\"global\"},"  \
    "\"title\":[\"code\"],\"fields\":["                                                            \
    "{\"no\":8,\"name\":\"code\",\"type\":\"text\",\"en\":\"C\",\"zh\":\"C\"}]}"
#define THING(fields)                                                                              \
    "{\"no\":20,\"name\":\"thing\",\"en\":\"T\",\"zh\":\"T\",\"scope\":{\"rule\":\"global\"},"     \
    "\"title\":[\"name\"],\"fields\":["                                                            \
    "{\"no\":8,\"name\":\"name\",\"type\":\"text\",\"en\":\"N\",\"zh\":\"N\"}" fields "]}"
#define DOCUMENT(entities) "{\"format\":1,\"version\":3,\"entities\":[" entities "]}"
#define FIELD(rest)        ",{\"no\":9,\"name\":\"f\",\"en\":\"F\",\"zh\":\"F\"," rest "}"

static int load(const char *text, struct fb_catalogue **ret, struct fb_why *why)
{
    why->text[0] = 0;
    return fb_catalogue_load(text, strlen(text), ret, why);
}

static struct fb_catalogue *loaded(const char *text)
{
    struct fb_catalogue *c = NULL;
    struct fb_why why;
    int rc = load(text, &c, &why);
    if (rc < 0) {
        print_message("%s\n", why.text);
    }
    assert_int_equal(rc, FB_OK);
    return c;
}

struct refusal {
    const char *document;
    const char *sentence; /* what why must contain */
};

static void expect_refusals(const struct refusal *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct fb_catalogue *c = NULL;
        struct fb_why why;
        assert_true(load(list[i].document, &c, &why) < 0);
        assert_null(c);
        if (strstr(why.text, list[i].sentence) == NULL) {
            fail_msg("case %zu says: %s\n  wanted: %s", i, why.text, list[i].sentence);
        }
    }
}
#define EXPECT_REFUSALS(list) expect_refusals(list, sizeof(list) / sizeof((list)[0]))

FB_TEST(the_shipped_entities_load_and_every_rule_of_crm_md_has_a_field_that_uses_it)
{
    struct fb_catalogue *c = NULL;
    struct fb_why why;
    assert_int_equal(fb_catalogue_read_folder(ENTITIES, 1, &c, &why), FB_OK);
    assert_int_equal(c->version, 1);
    assert_true(c->entity_count >= 60);
    bool policies[FB_MERGE_MANUAL + 1] = {false};
    bool scopes[FB_SCOPE_DEVICE_ONLY + 1] = {false};
    for (size_t i = 0; i < c->entity_count; i++) {
        scopes[c->entities[i].scope] = true;
        for (size_t k = 0; k < c->entities[i].field_count; k++) {
            policies[c->entities[i].fields[k].policy] = true;
        }
    }
    assert_true(policies[FB_MERGE_LATEST] && policies[FB_MERGE_SERVER] &&
                policies[FB_MERGE_OWNER] && policies[FB_MERGE_ONCE] && policies[FB_MERGE_MAX] &&
                policies[FB_MERGE_MIN] && policies[FB_MERGE_ANY] && policies[FB_MERGE_TEXT] &&
                policies[FB_MERGE_PROGRESS] && policies[FB_MERGE_MANUAL]);
    assert_true(scopes[FB_SCOPE_GLOBAL] && scopes[FB_SCOPE_COMPANY] && scopes[FB_SCOPE_FOLLOWS] &&
                scopes[FB_SCOPE_EITHER] && scopes[FB_SCOPE_PRIVATE] && scopes[FB_SCOPE_TEAM] &&
                scopes[FB_SCOPE_SERVER_ONLY] && scopes[FB_SCOPE_DEVICE_ONLY]);
    fb_catalogue_free(c);
}

FB_TEST(the_shipped_marks_of_the_specification_arrive_in_the_struct)
{
    struct fb_catalogue *c = NULL;
    assert_int_equal(fb_catalogue_read_folder(ENTITIES, 1, &c, NULL), FB_OK);
    const struct fb_entity *company = fb_catalogue_entity(c, "company");
    assert_int_equal(fb_entity_field(company, "name")->policy, FB_MERGE_MANUAL);
    assert_int_equal(fb_entity_field(company, "credit_limit")->policy, FB_MERGE_SERVER);
    assert_true(fb_entity_field(company, "merged_into_id")->is_server_only);
    assert_true(fb_entity_field(company, "owner_id")->is_tracked);
    assert_null(fb_entity_field(company, "name_pinyin")); /* calc: no column */
    assert_ptr_equal(fb_entity_field(company, "parent_id")->targets[0], company);
    const struct fb_entity *line = fb_catalogue_entity(c, "order_line");
    assert_string_equal(line->parent->name, "sales_order");
    assert_string_equal(line->scope_fields[0]->name, "sales_order_id");
    assert_null(line->owner_field); /* the order's */
    const struct fb_entity *opportunity = fb_catalogue_entity(c, "opportunity");
    assert_true(fb_entity_field(opportunity, "amount")->is_manual_when_closed);
    assert_int_equal(fb_entity_field(opportunity, "stage_id")->policy, FB_MERGE_PROGRESS);
    assert_int_equal(opportunity->closed_value_count, 3);
    assert_true(fb_catalogue_entity(c, "stage_history")->is_append_only);
    const struct fb_field *owner = fb_entity_field(fb_catalogue_entity(c, "address"), "owner_id");
    assert_string_equal(owner->target_name->name, "owner_entity");
    assert_null(
        fb_catalogue_entity(c, "address")->owner_field); /* no reference to an employee alone */
    assert_int_equal(fb_entity_field(fb_catalogue_entity(c, "product"), "cost")->visibility,
                     FB_SEEN_BY_ROLE);
    fb_catalogue_free(c);
}

FB_TEST(fields_of_a_group_stand_together_and_every_field_is_in_one_group)
{
    struct fb_catalogue *c = NULL;
    assert_int_equal(fb_catalogue_read_folder(ENTITIES, 1, &c, NULL), FB_OK);
    for (size_t i = 0; i < c->entity_count; i++) {
        const struct fb_entity *e = &c->entities[i];
        size_t members = 0;
        for (size_t g = 0; g < e->group_count; g++) {
            members += e->groups[g].field_count;
            for (size_t k = 0; k < e->groups[g].field_count; k++) {
                assert_int_equal(e->groups[g].fields[k]->group, g);
            }
        }
        assert_int_equal(members, e->field_count);
    }
    const struct fb_entity *address = fb_catalogue_entity(c, "address");
    const struct fb_group *g = &address->groups[fb_entity_field(address, "city")->group];
    assert_string_equal(g->name, "addr");
    assert_int_equal(g->field_count, 7);
    fb_catalogue_free(c);
}

FB_TEST(parents_stand_before_their_parts_and_targets_before_those_that_point_at_them)
{
    struct fb_catalogue *c = NULL;
    assert_int_equal(fb_catalogue_read_folder(ENTITIES, 1, &c, NULL), FB_OK);
    for (size_t i = 0; i < c->entity_count; i++) {
        assert_int_equal(c->entities[i].index, i);
        if (c->entities[i].parent != NULL) {
            assert_true(c->entities[i].parent->index < i);
        }
    }
    assert_true(fb_catalogue_entity(c, "company")->index <
                fb_catalogue_entity(c, "contact")->index);
    assert_true(fb_catalogue_entity(c, "quote")->index <
                fb_catalogue_entity(c, "sales_order")->index);
    fb_catalogue_free(c);
}

FB_TEST(the_same_files_give_the_same_bytes_and_load_again_from_them)
{
    struct fb_catalogue *a = NULL;
    struct fb_catalogue *b = NULL;
    struct fb_catalogue *again = NULL;
    assert_int_equal(fb_catalogue_read_folder(ENTITIES, 5, &a, NULL), FB_OK);
    assert_int_equal(fb_catalogue_read_folder(ENTITIES, 5, &b, NULL), FB_OK);
    assert_true(fb_sha256_equal(&a->hash, &b->hash));
    assert_int_equal(fb_catalogue_load(a->document, a->document_size, &again, NULL), FB_OK);
    assert_int_equal(again->version, 5);
    assert_int_equal(again->entity_count, a->entity_count);
    assert_true(fb_sha256_equal(&a->hash, &again->hash));
    fb_catalogue_free(a);
    fb_catalogue_free(b);
    fb_catalogue_free(again);
}

FB_TEST(a_broken_file_is_named_with_its_field_and_rule)
{
    static const struct refusal CASES[] = {
        {DOCUMENT(THING(FIELD("\"type\":\"money\",\"merge\":\"servr\""))),
         "thing.json: field f: merge policy 'servr' is not known; did you mean 'server'?"},
        {DOCUMENT(THING(FIELD("\"type\":\"tex\""))),
         "thing.json: field f: type 'tex' is not known; did you mean 'text'?"},
        {DOCUMENT(THING(FIELD("\"type\":\"text\",\"requierd\":true"))),
         "field f: 'requierd' is not known here; did you mean 'required'?"},
        {DOCUMENT(THING(FIELD("\"type\":\"ref\",\"target\":\"thingy\""))),
         "entity 'thingy' is not declared; did you mean 'thing'?"},
        {DOCUMENT(THING(FIELD("\"type\":\"text\",\"required\":1"))),
         "'required' must be true or false"},
        {DOCUMENT(THING(FIELD("\"type\":\"text\",\"min\":1"))), "'min' is not known here"},
        {DOCUMENT(THING(FIELD("\"type\":\"text\",\"visible\":\"nobody\""))),
         "visible 'nobody' is not known"},
        {DOCUMENT(THING(",{\"no\":9,\"name\":\"f\",\"type\":\"text\",\"en\":\"F\"}")),
         "field f: 'zh' is missing"},
        {DOCUMENT(THING(",{\"no\":7,\"name\":\"f\",\"type\":\"text\",\"en\":\"F\",\"zh\":\"F\"}")),
         "field f: 'no' is 7, it must lie between 8"},
        {DOCUMENT(THING(",{\"no\":8,\"name\":\"f\",\"type\":\"text\",\"en\":\"F\",\"zh\":\"F\"}")),
         "field f: its number 8 is also that of field name"},
        {DOCUMENT(
             THING(",{\"no\":9,\"name\":\"name\",\"type\":\"text\",\"en\":\"F\",\"zh\":\"F\"}")),
         "field name: the name is there twice"},
        {DOCUMENT(THING(FIELD("\"type\":\"calc\""))), "'no' is not known here"},
    };
    EXPECT_REFUSALS(CASES);
}

FB_TEST(names_that_would_hide_ours_or_sqlites_are_refused)
{
    static const char *const NAMES[] = {
        "fb_x", "reference", "sqlite_x", "rowid", "id", "created_at", "Upper",
        "1a",   "a__b",      "a_",       "",      "ä",  "a-b",        "a b\\\"; DROP TABLE x"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        char text[1000];
        struct fb_catalogue *c = NULL;
        struct fb_why why;
        snprintf(
            text, sizeof text,
            DOCUMENT("{\"no\":1,\"name\":\"%s\",\"en\":\"E\",\"zh\":\"E\",\"scope\":{\"rule\":"
                     "\"global\"},"
                     "\"title\":[\"c\"],\"fields\":["
                     "{\"no\":8,\"name\":\"c\",\"type\":\"text\",\"en\":\"C\",\"zh\":\"C\"}]}"),
            NAMES[i]);
        assert_int_equal(load(text, &c, &why), FB_ERR_INVALID);
        snprintf(text, sizeof text,
                 DOCUMENT(THING(
                     ",{\"no\":9,\"name\":\"%s\",\"type\":\"text\",\"en\":\"F\",\"zh\":\"F\"}")),
                 NAMES[i]);
        assert_int_equal(load(text, &c, &why), FB_ERR_INVALID);
    }
}

FB_TEST(a_policy_is_refused_where_the_type_cannot_follow_it)
{
    static const struct refusal CASES[] = {
        {DOCUMENT(THING(FIELD("\"type\":\"money\",\"merge\":\"sum\""))),
         "merge 'sum' needs a number"},
        {DOCUMENT(THING(
             FIELD("\"type\":\"text\",\"merge\":\"sum\",\"required\":true,\"default\":\"0\""))),
         "merge 'sum' needs a number"},
        {DOCUMENT(THING(FIELD("\"type\":\"text\",\"merge\":\"max\""))), "need a number or a time"},
        {DOCUMENT(THING(FIELD("\"type\":\"int\",\"merge\":\"any\""))), "merge 'any' needs a bool"},
        {DOCUMENT(THING(FIELD("\"type\":\"json\",\"merge\":\"union\""))),
         "merge 'union' needs a set"},
        {DOCUMENT(THING(FIELD("\"type\":\"json\",\"merge\":\"text\""))),
         "merge 'text' needs a text"},
        {DOCUMENT(THING(FIELD("\"type\":\"int\",\"merge\":\"progress\""))),
         "merge 'progress' needs an fsm"},
        {DOCUMENT(THING(FIELD("\"type\":\"ref\",\"target\":\"thing\",\"merge\":\"progress\""))),
         "merge 'progress' needs an fsm"},
        {DOCUMENT(THING(FIELD("\"type\":\"int\",\"merge\":\"owner\""))),
         "merge 'owner' needs an owner_id"},
        {DOCUMENT(THING(FIELD("\"type\":\"int\",\"manual_when_closed\":true"))),
         "needs merge 'latest' and a 'closed'"},
        {DOCUMENT(THING(FIELD(
             "\"type\":\"int\",\"group\":\"g\"") ",{\"no\":10,\"name\":\"h\",\"type\":\"int\","
                                                 "\"en\":\"H\",\"zh\":\"H\",\"group\":\"g\","
                                                 "\"merge\":\"server\"}")),
         "field h: group 'g' merges as one value, so its fields need one policy; f has 'latest'"},
        {DOCUMENT(THING(FIELD(
             "\"type\":\"bool\",\"merge\":\"any\",\"group\":\"g\"") ",{\"no\":10,\"name\":\"h\","
                                                                    "\"type\":\"bool\",\"en\":"
                                                                    "\"H\","
                                                                    "\"zh\":\"H\",\"group\":\"g\","
                                                                    "\"merge\":\"any\"}")),
         "merge 'any' cannot settle group 'g'"},
        {DOCUMENT(THING(FIELD("\"type\":\"int\",\"group\":\"name\""))),
         "group 'name' bears the name of a field"},
    };
    EXPECT_REFUSALS(CASES);
}

FB_TEST(a_sum_is_a_required_number_that_starts_at_zero)
{
    struct fb_catalogue *c = loaded(DOCUMENT(
        THING(FIELD("\"type\":\"qty\",\"merge\":\"sum\",\"required\":true,\"default\":0"))));
    assert_int_equal(c->entities[0].fields[1].policy, FB_MERGE_SUM);
    fb_catalogue_free(c);
}

FB_TEST(steps_name_choices_and_lead_nowhere_back_when_progress_decides)
{
#define STATES                                                                                     \
    "\"type\":\"fsm\",\"choices\":[{\"value\":\"a\",\"en\":\"A\",\"zh\":\"A\"},"                   \
    "{\"value\":\"b\",\"en\":\"B\",\"zh\":\"B\"},{\"value\":\"c\",\"en\":\"C\",\"zh\":\"C\"}],"
    static const struct refusal CASES[] = {
        {DOCUMENT(THING(FIELD(STATES "\"steps\":{\"a\":[\"x\"]}"))),
         "a step names 'x', which is no choice"},
        {DOCUMENT(THING(FIELD(STATES "\"steps\":{\"x\":[\"a\"]}"))),
         "a step names 'x', which is no choice"},
        {DOCUMENT(THING(FIELD(STATES "\"steps\":{\"a\":[\"b\"],\"b\":[\"c\"],\"c\":[\"a\"]}"))),
         "its steps form a circle"},
        {DOCUMENT(THING(FIELD(STATES "\"steps\":{\"a\":[\"a\"]}"))), "its steps form a circle"},
        {DOCUMENT(THING(
             FIELD("\"type\":\"fsm\",\"choices\":[{\"value\":\"a\",\"en\":\"A\",\"zh\":\"A\"}]"))),
         "'steps' must be an object"},
        {DOCUMENT(THING(FIELD("\"type\":\"enum\",\"choices\":[]"))), "'choices' has 0 members"},
        {DOCUMENT(THING(
             FIELD("\"type\":\"enum\",\"choices\":[{\"value\":\"a\",\"en\":\"A\",\"zh\":\"A\"},"
                   "{\"value\":\"a\",\"en\":\"A\",\"zh\":\"A\"}]"))),
         "choice 'a' is there twice"},
    };
    EXPECT_REFUSALS(CASES);
    struct fb_catalogue *c =
        loaded(DOCUMENT(THING(FIELD(STATES "\"steps\":{\"a\":[\"b\",\"c\"],\"b\":[\"c\"]}"))));
    const struct fb_field *f = &c->entities[0].fields[1];
    assert_int_equal(f->policy, FB_MERGE_PROGRESS);
    assert_int_equal(f->step_count, 3);
    fb_catalogue_free(c);
    c = loaded(DOCUMENT(
        THING(FIELD(STATES "\"merge\":\"server\",\"steps\":{\"a\":[\"b\"],\"b\":[\"a\"]}"))));
    fb_catalogue_free(c);
}

FB_TEST(defaults_have_the_fields_type_and_range)
{
    static const struct refusal CASES[] = {
        {DOCUMENT(THING(FIELD("\"type\":\"bool\",\"default\":1"))),
         "'default' is not of the field's type"},
        {DOCUMENT(THING(FIELD("\"type\":\"int\",\"default\":\"1\""))),
         "'default' is not of the field's type"},
        {DOCUMENT(THING(FIELD("\"type\":\"int\",\"min\":1,\"max\":5,\"default\":6"))),
         "6 is out of range"},
        {DOCUMENT(THING(FIELD("\"type\":\"date\",\"default\":\"tomorrow\""))),
         "a date is written YYYY-MM-DD"},
        {DOCUMENT(THING(FIELD("\"type\":\"dec\",\"precision\":3,\"scale\":1,\"default\":1000"))),
         "more digits than its 3"},
        {DOCUMENT(THING(FIELD("\"type\":\"dec\",\"precision\":3,\"scale\":4"))), "'scale' is 4"},
        {DOCUMENT(THING(FIELD("\"type\":\"int\",\"min\":5,\"max\":1"))),
         "'min' is greater than 'max'"},
    };
    EXPECT_REFUSALS(CASES);
}

FB_TEST(parts_scopes_titles_and_closed_rules_must_fit_their_fields)
{
#define PART(no, name, parent)                                                                     \
    "{\"no\":" no ",\"name\":\"" name                                                              \
    "\",\"en\":\"P\",\"zh\":\"P\",\"part_of\":{\"entity\":\"" parent                               \
    "\",\"field\":\"of_id\"},\"fields\":[{\"no\":8,\"name\":\"of_id\",\"type\":\"ref\","           \
    "\"target\":\"" parent "\",\"en\":\"O\",\"zh\":\"O\",\"required\":true}]}"
#define HEAD "{\"no\":20,\"name\":\"thing\",\"en\":\"T\",\"zh\":\"T\","
#define TAIL                                                                                       \
    "\"fields\":[{\"no\":8,\"name\":\"name\",\"type\":\"text\",\"en\":\"N\",\"zh\":\"N\"}]}"
#define GLOBAL "\"scope\":{\"rule\":\"global\"},\"title\":[\"name\"],"
    static const struct refusal CASES[] = {
        {DOCUMENT(PART("1", "a", "b") "," PART("2", "b", "a")), "it is part of a part of"},
        {DOCUMENT(PART("1", "a", "a")), "it is part of a part of"},
        {DOCUMENT(THING("") "," PART("2", "b", "nothing")), "entity 'nothing' is not declared"},
        {DOCUMENT(HEAD "\"title\":[\"name\"]," TAIL), "thing.json: 'scope' is missing"},
        {DOCUMENT(HEAD "\"scope\":{\"rule\":\"globl\"},\"title\":[\"name\"]," TAIL),
         "did you mean 'global'?"},
        {DOCUMENT(HEAD "\"scope\":{\"rule\":\"follows\"},\"title\":[\"name\"]," TAIL),
         "its scope rule needs 'fields'"},
        {DOCUMENT(
             HEAD
             "\"scope\":{\"rule\":\"follows\",\"fields\":[\"name\"]},\"title\":[\"name\"]," TAIL),
         "follows field 'name', which is no reference"},
        {DOCUMENT(
             HEAD
             "\"scope\":{\"rule\":\"global\",\"fields\":[\"name\"]},\"title\":[\"name\"]," TAIL),
         "takes no 'fields'"},
        {DOCUMENT(HEAD "\"scope\":{\"rule\":\"company\"},\"title\":[\"name\"]," TAIL),
         "is that of company alone"},
        {DOCUMENT(HEAD "\"scope\":{\"rule\":\"global\"}," TAIL), "'title' must be a list"},
        {DOCUMENT(HEAD "\"scope\":{\"rule\":\"global\"},\"title\":[\"nam\"]," TAIL),
         "field 'nam' is not declared; did you mean 'name'?"},
        {DOCUMENT(HEAD GLOBAL "\"closed\":{\"field\":\"x\",\"values\":[\"y\"]}," TAIL),
         "field 'x' is not declared"},
        {DOCUMENT(
             THING(FIELD("\"type\":\"poly\",\"targets\":[\"thing\"],\"name_field\":\"none\""))),
         "field 'none'"},
        {DOCUMENT(THING(
             FIELD("\"type\":\"poly\",\"targets\":[\"*\",\"thing\"],\"name_field\":\"name\""))),
         "'*' in 'targets' stands alone"},
        {DOCUMENT(THING("") "," THING("")), "there is another entity of this name"},
        {DOCUMENT(EMPLOYEE ",{\"no\":10,\"name\":\"b\",\"en\":\"T\",\"zh\":\"T\"," GLOBAL TAIL),
         "its number 10 is also that of"},
    };
    EXPECT_REFUSALS(CASES);
}

FB_TEST(bytes_that_are_no_catalogue_are_refused_with_their_place)
{
    static const struct refusal CASES[] = {
        {"", "catalogue: line 1"},
        {"[]", "it is not an object"},
        {"{\"format\":1", "catalogue: line 1"},
        {"{\"format\":1,\"format\":1}", "duplicate"},
        {"{\"format\":2,\"version\":1,\"entities\":[]}", "'format' is 2"},
        {"{\"format\":1,\"version\":-1,\"entities\":[]}", "'version' is -1"},
        {"{\"format\":1,\"version\":1,\"entities\":[]}", "'entities' has 0 members"},
        {"{\"format\":1,\"version\":1,\"entities\":[1]}", "entity 1 is not an object"},
        {"{\"format\":1,\"version\":1,\"entities\":[{}]}", "'name' is missing"},
        {DOCUMENT("{\"no\":1,\"name\":\"a\",\"en\":\"E\",\"zh\":\"E\",\"fields\":[1]}"),
         "field 1 has no 'name'"},
        {DOCUMENT(THING(FIELD("\"type\":\"text\",\"en\":\"a\\nb\""))), "duplicate"},
    };
    EXPECT_REFUSALS(CASES);
}

FB_TEST(a_catalogue_beyond_its_limits_is_refused)
{
    struct fb_catalogue *c = NULL;
    struct fb_why why;
    char *big = calloc(1, FB_CATALOGUE_BYTES_MAX + 2);
    memset(big, ' ', FB_CATALOGUE_BYTES_MAX + 1);
    assert_int_equal(load(big, &c, &why), FB_ERR_LIMIT);
    free(big);
    struct fb_buf text;
    fb_buf_init(&text, FB_CATALOGUE_BYTES_MAX);
    fb_buf_append_text(
        &text, "{\"format\":1,\"version\":1,\"entities\":[{\"no\":1,\"name\":\"a\",\"en\":\"E\","
               "\"zh\":\"E\",\"scope\":{\"rule\":\"global\"},\"title\":[\"f0\"],\"fields\":[");
    for (int i = 0; i <= FB_FIELDS_MAX; i++) {
        fb_buf_printf(&text,
                      "%s{\"no\":%d,\"name\":\"f%d\",\"type\":\"int\",\"en\":\"F\",\"zh\":\"F\"}",
                      i == 0 ? "" : ",", 8 + i, i);
    }
    fb_buf_append_text(&text, "]}]}");
    assert_int_equal(load(fb_buf_text(&text), &c, &why), FB_ERR_INVALID);
    assert_non_null(strstr(why.text, "a.json: 'fields' has 181 members"));
    fb_buf_release(&text);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(fb_os_write_file(path, text, strlen(text), 0600, NULL), FB_OK);
}

FB_TEST(a_folder_names_the_file_that_is_wrong)
{
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", fb_test_path("catalogue"));
    struct fb_catalogue *c = NULL;
    struct fb_why why;
    assert_int_equal(fb_catalogue_read_folder(folder, 1, &c, &why), FB_ERR_NOT_FOUND);
    assert_int_equal(fb_os_make_folder(folder, NULL), FB_OK);
    assert_int_equal(fb_catalogue_read_folder(folder, 1, &c, &why), FB_ERR_NOT_FOUND);
    write_file(folder, "README", "not ours");
    write_file(folder, "employee.json", EMPLOYEE);
    assert_int_equal(fb_catalogue_read_folder(folder, 1, &c, &why), FB_OK);
    fb_catalogue_drop(&c);
    write_file(folder, "wrong.json", EMPLOYEE);
    assert_int_equal(fb_catalogue_read_folder(folder, 1, &c, &why), FB_ERR_INVALID);
    assert_string_equal(why.text, "wrong.json: 'name' must be 'wrong', as the file is called");
    write_file(folder, "wrong.json", "{\n\"no\": }");
    assert_int_equal(fb_catalogue_read_folder(folder, 1, &c, &why), FB_ERR_INVALID);
    assert_memory_equal(why.text, "wrong.json: line 2, column 7", 28);
}

FB_TEST(numbers_and_names_find_what_they_name)
{
    struct fb_catalogue *c = loaded(DOCUMENT(EMPLOYEE "," THING("")));
    assert_ptr_equal(fb_catalogue_entity_no(c, 20), fb_catalogue_entity(c, "thing"));
    assert_null(fb_catalogue_entity_no(c, 21));
    assert_null(fb_catalogue_entity(c, "things"));
    const struct fb_entity *e = fb_catalogue_entity(c, "thing");
    assert_ptr_equal(fb_entity_field_no(e, 8), fb_entity_field(e, "name"));
    assert_null(fb_entity_field_no(e, 9));
    fb_catalogue_free(c);
    fb_catalogue_free(NULL);
}

FB_MAIN(FB_CASE(the_shipped_entities_load_and_every_rule_of_crm_md_has_a_field_that_uses_it),
        FB_CASE(the_shipped_marks_of_the_specification_arrive_in_the_struct),
        FB_CASE(fields_of_a_group_stand_together_and_every_field_is_in_one_group),
        FB_CASE(parents_stand_before_their_parts_and_targets_before_those_that_point_at_them),
        FB_CASE(the_same_files_give_the_same_bytes_and_load_again_from_them),
        FB_CASE(a_broken_file_is_named_with_its_field_and_rule),
        FB_CASE(names_that_would_hide_ours_or_sqlites_are_refused),
        FB_CASE(a_policy_is_refused_where_the_type_cannot_follow_it),
        FB_CASE(a_sum_is_a_required_number_that_starts_at_zero),
        FB_CASE(steps_name_choices_and_lead_nowhere_back_when_progress_decides),
        FB_CASE(defaults_have_the_fields_type_and_range),
        FB_CASE(parts_scopes_titles_and_closed_rules_must_fit_their_fields),
        FB_CASE(bytes_that_are_no_catalogue_are_refused_with_their_place),
        FB_CASE(a_catalogue_beyond_its_limits_is_refused),
        FB_CASE(a_folder_names_the_file_that_is_wrong),
        FB_CASE(numbers_and_names_find_what_they_name))
