/* SPDX-License-Identifier: MIT */
#include "tests/unit/formats_testing.h"

/* A person's table: company, contact with phone, an owner by code. */
#define MAPPING                                                                                    \
    "{\"entity\": \"contact\", \"system\": \"old\", \"nulls\": [\"n/a\"],\n"                       \
    " \"rows\": [\n"                                                                               \
    "  {\"as\": \"firm\", \"entity\": \"company\", \"match\": [\"name\"], \"update\": false,\n"    \
    "   \"if\": \"firm\", \"set\": {\"name\": \"firm\", \"kind\": {\"value\": \"customer\"}}},\n"  \
    "  {\"entity\": \"contact\", \"key\": \"code\",\n"                                             \
    "   \"set\": {\"family_name\": {\"column\": \"name\", \"name_part\": \"family\"},\n"           \
    "           \"given_name\": {\"column\": \"name\", \"name_part\": \"given\"},\n"               \
    "           \"birthday\": {\"column\": \"born\", \"date\": \"M/D/YYYY\"},\n"                   \
    "           \"company_id\": {\"row\": \"firm\"},\n"                                            \
    "           \"owner_id\": {\"link\": {\"entity\": \"employee\", \"by\": {\"code\": "           \
    "\"rep\"}}}}},\n"                                                                              \
    "  {\"as\": \"phone\", \"entity\": \"comm_point\", \"if\": \"phone\",\n"                       \
    "   \"match\": [\"owner_id\", \"kind\"],\n"                                                    \
    "   \"set\": {\"owner_id\": {\"row\": \"contact\"}, \"kind\": {\"value\": \"phone\"},\n"       \
    "           \"value\": \"phone\"}}]}\n"

#define HEADING "code,name,born,firm,rep,phone\n"

static struct told told;

static struct fb_import_result import_people(struct fb_store *store, const char *lines)
{
    char text[4096];
    snprintf(text, sizeof(text), HEADING "%s", lines);
    char mapping[512];
    snprintf(mapping, sizeof(mapping), "%s", write_text("people.json", MAPPING));
    struct fb_import_options options =
        import_options("contact", write_text("people.csv", text), mapping);
    char rejects[512];
    snprintf(rejects, sizeof(rejects), "%s", fb_test_path("people.rejects.csv"));
    options.rejects_path = rejects;
    options.rejected = note_reject;
    options.ctx = &told;
    told = (struct told){0};
    remove(rejects);
    return run_import(store, &options);
}

FB_TEST(a_line_makes_a_contact_with_its_company_phone_and_code)
{
    struct fb_store *store = new_headquarters();
    struct fb_import_result r = import_people(store, "7,Ana María Prieto,3/9/1980,ACME,0001,555-1\n"
                                                     "8,欧阳修,,ACME,,\n");
    expect_counts(&r, 2, 0, 0, 0);
    expect_answer(store, "SELECT count(*) FROM company", "1");
    expect_answer(
        store,
        "SELECT c.family_name || '/' || c.given_name || '/' || birthday || '/' || o.name\n"
        "  FROM contact c JOIN company o ON o.id = c.company_id WHERE birthday NOT NULL",
        "Prieto/Ana María/1980-03-09/ACME");
    expect_answer(store, "SELECT given_name FROM contact WHERE family_name = '欧阳'", "修");
    expect_answer(store,
                  "SELECT p.owner_entity || ' ' || p.value FROM comm_point p\n"
                  "  JOIN contact c ON c.id = p.owner_id",
                  "contact 555-1");
    expect_answer(store,
                  "SELECT group_concat(external_id || k.entity, ' ') FROM exchange_key k\n"
                  "  JOIN contact c ON c.id = k.record_id WHERE system = 'old'",
                  "7contact 8contact");
    /* Nobody is named for the second: it belongs to the importer. */
    expect_answer(store,
                  "SELECT count(*) FROM contact WHERE owner_id =\n"
                  " (SELECT id FROM employee WHERE code = '0001')",
                  "2");
    fb_store_close(store);
}

FB_TEST(every_write_of_an_import_is_in_the_journal)
{
    struct fb_store *store = new_headquarters();
    run_sql(store, "DELETE FROM fb_journal");
    import_people(store, "7,Ana Prieto,,ACME,,555-1\n");
    expect_answer(store, "SELECT count(*) FROM fb_journal WHERE op = 1", "4");
    import_people(store, "7,Ana Prieto,,ACME,,555-2\n");
    expect_answer(store, "SELECT count(*) || ' ' || max(old) FROM fb_journal WHERE op = 2",
                  "1 555-1");
    fb_store_close(store);
}

FB_TEST(a_second_import_updates_what_differs_instead_of_doubling)
{
    struct fb_store *store = new_headquarters();
    import_people(store, "7,Ana Prieto,,ACME,,555-1\n8,Bo Li,,Globex,,\n9,Cy Ng,,,,\n");
    struct fb_import_result r =
        import_people(store, "7,Ana Prieto,,ACME,,555-1\n8,Bo Lee,,Globex,,\n9,Cy Ng,,,,555-9\n");
    expect_counts(&r, 0, 2, 1, 0);
    expect_answer(store, "SELECT count(*) FROM contact", "3");
    expect_answer(store, "SELECT count(*) FROM comm_point", "2");
    expect_answer(store, "SELECT count(*) FROM contact WHERE family_name = 'Lee'", "1");
    fb_store_close(store);
}

FB_TEST(a_blank_cell_clears_the_field_and_a_null_word_is_blank)
{
    struct fb_store *store = new_headquarters();
    import_people(store, "7,Ana Prieto,1/2/1980,ACME,,\n8,Bo Li,1/2/1980,ACME,,\n");
    struct fb_import_result r = import_people(store, "7,Ana Prieto,,ACME,,\n8,Bo Li,n/a,ACME,,\n");
    expect_counts(&r, 0, 2, 0, 0);
    expect_answer(store, "SELECT count(*) FROM contact WHERE birthday IS NULL", "2");
    fb_store_close(store);
}

FB_TEST(lines_that_fail_are_told_with_line_and_reason_and_written_to_a_file)
{
    struct fb_store *store = new_headquarters();
    struct fb_import_result r = import_people(store, "1,Ana Prieto,,ACME,,\n"
                                                     "2,Bo Li,31/12/1980,ACME,,\n"
                                                     "3,\"Cy \"\"C\"\" Ng\",,ACME,9999,\n"
                                                     "4,too,few\n"
                                                     ",Di Ma,,,,\n"
                                                     "5,,,ACME,,\n");
    expect_counts(&r, 1, 0, 0, 5);
    assert_int_equal(told.count, 5);
    assert_int_equal(told.line, 7);
    assert_string_equal(told.sentence, "contact: family_name is required and has no value");
    FB_AUTO(fb_buf_release) struct fb_buf file;
    fb_buf_init(&file, 65536);
    assert_int_equal(fb_os_read_file(fb_test_path("people.rejects.csv"), &file, NULL), FB_OK);
    const char *text = fb_buf_text(&file);
    assert_non_null(
        strstr(text, "\"code\",\"name\",\"born\",\"firm\",\"rep\",\"phone\",\"error\""));
    assert_non_null(strstr(text,
                           "\"31/12/1980\",\"ACME\",\"\",\"\",\"'31/12/1980' is no date of the "
                           "form M/D/YYYY\""));
    assert_non_null(strstr(text, "\"Cy \"\"C\"\" Ng\""));
    assert_non_null(strstr(text, "no employee has the code '9999'"));
    assert_non_null(strstr(text, "it has 3 cells, the heading has 6"));
    assert_non_null(strstr(text, "contact: its key is blank"));
    expect_answer(store, "SELECT count(*) FROM company", "1");
    fb_store_close(store);
}

FB_TEST(the_file_of_failed_lines_can_be_corrected_and_imported)
{
    struct fb_store *store = new_headquarters();
    import_people(store, "1,Ana Prieto,13/13/1980,ACME,,\n");
    char path[512];
    snprintf(path, sizeof(path), "%s", fb_test_path("people.rejects.csv"));
    struct fb_import_options options = import_options("contact", path, fb_test_path("people.json"));
    struct fb_import_result r = run_import(store, &options);
    expect_counts(&r, 0, 0, 0, 1);
    FB_AUTO(fb_buf_release) struct fb_buf file;
    fb_buf_init(&file, 65536);
    assert_int_equal(fb_os_read_file(path, &file, NULL), FB_OK);
    memcpy(strstr((char *)file.bytes, "13/13/1980"), "12/13/1980", 10);
    assert_int_equal(fb_os_write_file(path, file.bytes, file.size, 0600, NULL), FB_OK);
    r = run_import(store, &options);
    expect_counts(&r, 1, 0, 0, 0);
    fb_store_close(store);
}

FB_TEST(a_dry_run_counts_the_same_and_changes_nothing)
{
    struct fb_store *store = new_headquarters();
    import_people(store, "7,Ana Prieto,,ACME,,555-1\n");
    const char *csv = write_text("dry.csv", HEADING "7,Ana Pardo,,ACME,,\n8,Bo Li,,New,,\n"
                                                    "8,Bo Li,,New,,\n9,Cy Ng,?,,,\n");
    struct fb_import_options options = import_options("contact", csv, fb_test_path("people.json"));
    options.is_dry_run = true;
    struct fb_import_result r = run_import(store, &options);
    expect_counts(&r, 1, 1, 1, 1);
    expect_answer(store, "SELECT count(*) FROM contact", "1");
    expect_answer(store, "SELECT family_name FROM contact", "Prieto");
    expect_answer(store, "SELECT count(*) FROM company", "1");
    fb_store_close(store);
}

FB_TEST(without_a_mapping_the_headings_are_names_or_labels_of_fields)
{
    struct fb_store *store = new_headquarters();
    run_sql(store, "INSERT INTO company (name, owner_id) SELECT 'ACME', id FROM employee");
    struct fb_import_options options = import_options(
        "contact", write_text("plain.csv", "姓,Given name,company_id\n张,伟,ACME\n李,娜,None\n"),
        NULL);
    options.rejected = note_reject;
    options.ctx = &told;
    struct fb_import_result r = run_import(store, &options);
    expect_counts(&r, 1, 0, 0, 1);
    assert_string_equal(told.sentence, "no company has the name 'None'");
    expect_answer(store,
                  "SELECT family_name || given_name || name FROM contact\n"
                  "  JOIN company ON company.id = company_id",
                  "张伟ACME");
    fb_store_close(store);
}

FB_TEST(match_finds_the_row_to_update_and_says_when_several_fit)
{
    struct fb_store *store = new_headquarters();
    static const char *const match[] = {"name"};
    struct fb_import_options options =
        import_options("company", write_text("c.csv", "name,employees\nACME,5\nGlobex,7\n"), NULL);
    options.match = match;
    options.match_count = 1;
    options.rejected = note_reject;
    options.ctx = &told;
    struct fb_import_result r = run_import(store, &options);
    expect_counts(&r, 2, 0, 0, 0);
    write_text("c.csv", "name,employees\nACME,6\nGlobex,7\nNew,1\n");
    r = run_import(store, &options);
    expect_counts(&r, 1, 1, 1, 0);
    run_sql(store, "INSERT INTO company (name, owner_id) SELECT 'ACME', id FROM employee");
    r = run_import(store, &options);
    expect_counts(&r, 0, 0, 2, 1);
    assert_non_null(strstr(told.sentence, "several rows of company have the same name"));
    fb_store_close(store);
}

FB_TEST(several_lines_make_one_parent_and_its_parts_are_numbered)
{
    static const char mapping[] =
        "{\"entity\": \"opportunity_line\", \"system\": \"s\", \"rows\": [\n"
        " {\"as\": \"pipe\", \"entity\": \"pipeline\", \"match\": [\"name\"], \"update\": false,\n"
        "  \"set\": {\"name\": {\"value\": \"P\"}}},\n"
        " {\"as\": \"stage\", \"entity\": \"stage\", \"match\": [\"pipeline_id\"], \"update\": "
        "false,\n"
        "  \"set\": {\"pipeline_id\": {\"row\": \"pipe\"}, \"name_zh\": {\"value\": \"S\"},\n"
        "    \"name_en\": {\"value\": \"S\"}, \"probability\": {\"value\": 5}}},\n"
        " {\"as\": \"deal\", \"entity\": \"opportunity\", \"key\": \"deal\", \"set\": {\n"
        "   \"name\": {\"text\": \"Deal {deal}\"}, \"pipeline_id\": {\"row\": \"pipe\"},\n"
        "   \"stage_id\": {\"row\": \"stage\"}, \"close_on\": {\"value\": \"2025-01-31\"}}},\n"
        " {\"entity\": \"opportunity_line\", \"key\": {\"text\": \"{deal}/{item}\"}, \"set\": {\n"
        "   \"opportunity_id\": {\"row\": \"deal\"}, \"name\": \"item\", \"qty\": {\"value\": 1},\n"
        "   \"unit_price\": {\"column\": \"price\", \"times\": 1000},\n"
        "   \"position\": {\"counter\": \"deal\"}}}]}";
    struct fb_store *store = new_headquarters();
    char mapping_path[512];
    snprintf(mapping_path, sizeof(mapping_path), "%s", write_text("deals.json", mapping));
    struct fb_import_options options = import_options(
        "opportunity_line",
        write_text("deals.csv", "deal,item,price\nA,x,1.5\nA,y,0.001\nB,x,2\nA,z,-3.25\n"),
        mapping_path);
    struct fb_import_result r = run_import(store, &options);
    expect_counts(&r, 4, 0, 0, 0);
    expect_answer(store, "SELECT count(*) FROM opportunity", "2");
    expect_answer(store,
                  "SELECT group_concat(l.name || position || '=' || unit_price, ' ')\n"
                  "  FROM opportunity_line l JOIN opportunity o ON o.id = opportunity_id\n"
                  " WHERE o.name = 'Deal A'",
                  "x1=150000 y2=100 z3=-325000");
    fb_store_close(store);
}

FB_TEST(a_line_that_the_database_refuses_is_taken_back_whole)
{
    struct fb_store *store = new_headquarters();
    run_sql(store, "CREATE TRIGGER fussy BEFORE INSERT ON comm_point WHEN new.value = 'bad'\n"
                   "BEGIN SELECT raise(ABORT, 'not this number'); END");
    import_people(store, "7,Ana Prieto,,ACME,,\n");
    struct fb_import_result r =
        import_people(store, "7,Ana Pardo,,ACME,,bad\n8,Bo Li,,New,,bad\n9,Cy Ng,,ACME,,good\n");
    expect_counts(&r, 1, 0, 0, 2);
    assert_int_equal(told.line, 3);
    expect_answer(
        store,
        "SELECT group_concat(family_name, ' ') FROM (SELECT family_name FROM contact ORDER BY 1)",
        "Ng Prieto");
    expect_answer(store, "SELECT count(*) FROM company", "1");
    expect_answer(store, "SELECT count(*) FROM exchange_key", "2");
    r = import_people(store, "8,Bo Li,,New,,fine\n");
    expect_counts(&r, 1, 0, 0, 0);
    expect_answer(store, "SELECT count(*) FROM company", "2");
    fb_store_close(store);
}

static bool stop_after_some(void *ctx, int64_t bytes_done, int64_t bytes_total)
{
    int *calls = ctx;
    assert_true(bytes_done <= bytes_total);
    return ++*calls < 10;
}

FB_TEST(an_import_that_is_stopped_keeps_whole_batches_and_goes_on_when_run_again)
{
    struct fb_store *store = new_headquarters();
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, 1024 * 1024);
    fb_buf_append_text(&text, HEADING);
    for (int i = 0; i < 3000; i++) {
        fb_buf_printf(&text, "%d,Given%d Family,,ACME,,\n", i, i);
    }
    char mapping[512];
    snprintf(mapping, sizeof(mapping), "%s", write_text("people.json", MAPPING));
    struct fb_import_options options =
        import_options("contact", write_text("many.csv", fb_buf_text(&text)), mapping);
    int calls = 0;
    options.progress = stop_after_some;
    options.ctx = &calls;
    struct fb_import_result r;
    struct fb_why why = {""};
    assert_int_equal(fb_import_run(store, &options, &r, &why), FB_ERR_INTERRUPTED);
    assert_int_equal(r.lines_read, 2000);
    assert_int_equal(r.lines_new, 2000);
    expect_answer(store, "SELECT count(*) FROM contact", "2000");
    options.progress = NULL;
    r = run_import(store, &options);
    expect_counts(&r, 1000, 0, 2000, 0);
    fb_store_close(store);
}

FB_MAIN(FB_CASE(a_line_makes_a_contact_with_its_company_phone_and_code),
        FB_CASE(every_write_of_an_import_is_in_the_journal),
        FB_CASE(a_second_import_updates_what_differs_instead_of_doubling),
        FB_CASE(a_blank_cell_clears_the_field_and_a_null_word_is_blank),
        FB_CASE(lines_that_fail_are_told_with_line_and_reason_and_written_to_a_file),
        FB_CASE(the_file_of_failed_lines_can_be_corrected_and_imported),
        FB_CASE(a_dry_run_counts_the_same_and_changes_nothing),
        FB_CASE(without_a_mapping_the_headings_are_names_or_labels_of_fields),
        FB_CASE(match_finds_the_row_to_update_and_says_when_several_fit),
        FB_CASE(several_lines_make_one_parent_and_its_parts_are_numbered),
        FB_CASE(a_line_that_the_database_refuses_is_taken_back_whole),
        FB_CASE(an_import_that_is_stopped_keeps_whole_batches_and_goes_on_when_run_again))
