/* SPDX-License-Identifier: MIT
 *
 * A mapping that is wrong fails before the first row, with one sentence that says where and what.
 */
#include "common/formats/mapping.h"
#include "tests/unit/formats_testing.h"

#define ROWS(set)    "{\"entity\": \"company\", \"system\": \"s\", \"rows\": [" set "]}"
#define COMPANY(set) ROWS("{\"entity\": \"company\", \"set\": {" set "}}")

static const char *sentence_about(const char *mapping)
{
    static struct fb_why why;
    static struct fb_catalogue *catalogue;
    if (catalogue == NULL) {
        assert_int_equal(fb_catalogue_read_folder(FB_SOURCE_DIR "/common/catalogue/entities", 1,
                                                  &catalogue, NULL),
                         FB_OK);
    }
    const char *cells[] = {"name", "city", "twice", "twice"};
    const size_t sizes[] = {4, 4, 5, 5};
    const struct fb_csv_line heading = {.number = 1, .count = 4, .cells = cells, .sizes = sizes};
    FB_AUTO(fb_mapping_drop) struct fb_mapping *m = NULL;
    why.text[0] = 0;
    int rc = fb_mapping_read_text(mapping, strlen(mapping), "m.json", &m, &why);
    if (rc == FB_OK) {
        rc = fb_mapping_bind(m, catalogue, &heading, "in.csv", &why);
    }
    assert_int_equal(rc, why.text[0] == 0 ? FB_OK : FB_ERR_INVALID);
    return why.text;
}

#define expect_sentence(mapping, sentence) assert_string_equal(sentence_about(mapping), (sentence))

FB_TEST(a_mapping_that_is_right_says_nothing)
{
    expect_sentence(COMPANY("\"name\": \"Name\", \"short_name\": {\"text\": \"{name}, {city}\"}"),
                    "");
}

FB_TEST(what_is_not_there_is_named_with_its_place)
{
    expect_sentence(COMPANY("\"name\": \"nam\""),
                    "mapping m.json, row 'company', field 'name': in.csv has no column 'nam'");
    expect_sentence(COMPANY("\"nme\": \"name\""),
                    "mapping m.json, row 'company', field 'nme': company has no field 'nme'");
    expect_sentence(COMPANY("\"name\": \"twice\""),
                    "mapping m.json, row 'company', field 'name': in.csv has 2 columns called "
                    "'twice': rename one");
    expect_sentence(ROWS("{\"entity\": \"compny\", \"set\": {}}"),
                    "mapping m.json, row 1: there is no entity 'compny'");
    expect_sentence(ROWS("{\"entity\": \"contact\", \"set\": {}}"),
                    "mapping m.json: none of its 'rows' is of the entity 'company'");
    expect_sentence(COMPANY("\"parent_id\": {\"row\": \"mother\"}"),
                    "mapping m.json, row 'company', field 'parent_id': no row before this one is "
                    "called 'mother' (\"as\")");
    expect_sentence(
        COMPANY("\"name\": {\"column\": \"name\", \"upper\": true}"),
        "mapping m.json, row 'company', field 'name': 'upper' is nothing a mapping knows "
        "here (docs/import.md)");
    expect_sentence(
        ROWS("{\"entity\": \"company\", \"match\": [\"tax_id\"], \"set\": {\"name\": \"name\"}}"),
        "mapping m.json, row 'company': rows cannot be matched by 'tax_id', because "
        "nothing sets it");
}

FB_TEST(what_has_the_wrong_form_is_told_with_the_right_one)
{
    expect_sentence("[1]", "mapping m.json: it must be a JSON object (docs/import.md)");
    expect_sentence("{\"rows\": []}",
                    "mapping m.json: 'entity' is missing: which kind of row is a line?");
    assert_non_null(
        strstr(sentence_about("{\"entity\": \"company\",\n oops}"), "mapping m.json, line 2: "));
    expect_sentence(COMPANY("\"name\": {\"column\": \"name\", \"date\": \"MM-YY\"}"),
                    "mapping m.json, row 'company', field 'name': 'date' takes one of YYYY-MM-DD, "
                    "YYYY/M/D, M/D/YYYY, D/M/YYYY, D.M.YYYY, YYYYMMDD, ROC, ROC/M/D");
    expect_sentence(COMPANY("\"name\": {\"value\": 1.5}"),
                    "mapping m.json, row 'company', field 'name': 'value' takes a text, a whole "
                    "number, true or false (write decimals as a text)");
    expect_sentence(COMPANY("\"name\": {\"text\": \"{name\"}"),
                    "mapping m.json, row 'company', field 'name': 'text' has a { without its }");
    expect_sentence(
        COMPANY("\"name\": {\"link\": {\"entity\": \"company\", \"by\": {\"name\": \"name\"}}}"),
        "mapping m.json, row 'company', field 'name': it is no reference, so it takes no "
        "'row' or 'link'");
    expect_sentence(
        "{\"entity\": \"company\", \"rows\": [{\"entity\": \"company\", \"key\": \"name\", "
        "\"set\": {}}]}",
        "mapping m.json, row 'company': 'key' needs a 'system', here or at the top");
}

FB_TEST(a_value_nested_without_end_is_refused)
{
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, 65536);
    fb_buf_append_text(
        &text,
        "{\"entity\": \"company\", \"rows\": [{\"entity\": \"company\", \"set\": {\"name\": ");
    for (int i = 0; i < 40; i++) {
        fb_buf_append_text(&text, "{\"first\": [");
    }
    fb_buf_append_text(&text, "\"name\"");
    for (int i = 0; i < 40; i++) {
        fb_buf_append_text(&text, "]}");
    }
    fb_buf_append_text(&text, "}}]}");
    assert_non_null(strstr(sentence_about(fb_buf_text(&text)), "not nested deeper than 8"));
}

FB_TEST(every_shipped_mapping_fits_the_catalogue_and_names_its_file)
{
    /* That they fit their files is shown by formats_samples_test, where the data are at hand. */
    static const char *const paths[] = {
        "maven-crm/1-products.json", "maven-crm/5-sales_pipeline.json",
        "northwind/09-customers.json", "northwind/12-order_details.json", "tw-listed/listed.json"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char path[512];
        snprintf(path, sizeof(path), FB_SOURCE_DIR "/share/mappings/%s", paths[i]);
        FB_AUTO(fb_mapping_drop) struct fb_mapping *m = NULL;
        struct fb_why why = {""};
        if (fb_mapping_read(path, &m, &why) < 0) {
            fail_msg("%s", why.text);
        }
    }
}

FB_TEST(a_mapping_for_another_entity_is_not_used)
{
    struct fb_store *store = new_headquarters();
    char mapping[512];
    snprintf(mapping, sizeof(mapping), "%s", write_text("m.json", COMPANY("\"name\": \"name\"")));
    struct fb_import_options options =
        import_options("contact", write_text("in.csv", "name\nx\n"), mapping);
    struct fb_import_result r;
    struct fb_why why = {""};
    assert_int_equal(fb_import_run(store, &options, &r, &why), FB_ERR_INVALID);
    assert_non_null(strstr(why.text, "is for company, not for contact"));
    options = import_options("company", write_text("in.csv", "name,colour\nx,red\n"), NULL);
    assert_int_equal(fb_import_run(store, &options, &r, &why), FB_ERR_INVALID);
    assert_non_null(strstr(why.text, "the column 'colour' is called like no field of company"));
    options = import_options("compny", write_text("in.csv", "name\nx\n"), NULL);
    assert_int_equal(fb_import_run(store, &options, &r, &why), FB_ERR_INVALID);
    fb_store_close(store);
}

FB_MAIN(FB_CASE(a_mapping_that_is_right_says_nothing),
        FB_CASE(what_is_not_there_is_named_with_its_place),
        FB_CASE(what_has_the_wrong_form_is_told_with_the_right_one),
        FB_CASE(a_value_nested_without_end_is_refused),
        FB_CASE(every_shipped_mapping_fits_the_catalogue_and_names_its_file),
        FB_CASE(a_mapping_for_another_entity_is_not_used))
