/* SPDX-License-Identifier: MIT
 *
 * The real data sets, by the mappings that are shipped, in their order; then once more, which changes nothing.
 */
#include "tests/unit/formats_testing.h"

struct step {
    const char *entity;
    const char *csv;
    const char *mapping;
    long long made; /* lines that make a row; 0 for a second pass over the same file */
};

static struct told told;

static struct fb_import_result import_sample(struct fb_store *store, const char *set,
                                             const char *mappings, const struct step *step)
{
    char csv[512];
    char mapping[512];
    snprintf(csv, sizeof(csv), "%s/%s/%s", shared_data(), set, step->csv);
    snprintf(mapping, sizeof(mapping), FB_SOURCE_DIR "/share/mappings/%s/%s", mappings,
             step->mapping);
    struct fb_import_options options = import_options(step->entity, csv, mapping);
    options.rejected = note_reject;
    options.ctx = &told;
    told = (struct told){0};
    struct fb_import_result r = run_import(store, &options);
    if (r.lines_rejected > 0) {
        fail_msg("%s line %lld: %s", step->mapping, told.line, told.sentence);
    }
    return r;
}

static void import_set(struct fb_store *store, const char *set, const char *mappings,
                       const struct step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct fb_import_result r = import_sample(store, set, mappings, &steps[i]);
        assert_int_equal(r.lines_new, steps[i].made);
    }
    for (size_t i = 0; i < count; i++) {
        struct fb_import_result again = import_sample(store, set, mappings, &steps[i]);
        if (again.lines_unchanged != again.lines_read) {
            fail_msg("%s again: %lld new, %lld updated", steps[i].mapping,
                     (long long)again.lines_new, (long long)again.lines_updated);
        }
    }
}

static bool has_data(void)
{
    if (shared_data() == NULL) {
        print_message("skipped: no folder of real data\n");
        return false;
    }
    return true;
}

FB_TEST(maven_crm_arrives_whole_with_its_misspellings_cured)
{
    static const struct step steps[] = {
        {"product", "products.csv", "1-products.json", 7},
        {"employee", "sales_teams.csv", "2-sales_teams.json", 35},
        {"company", "accounts.csv", "3-accounts.json", 85},
        {"company", "accounts.csv", "4-account_parents.json", 0},
        {"opportunity", "sales_pipeline.csv", "5-sales_pipeline.json", 8800}};
    if (!has_data()) {
        return;
    }
    struct fb_store *store = new_headquarters();
    import_set(store, "maven-crm", "maven-crm", steps, 5);
    expect_answer(store, "SELECT count(*) FROM company", "85");
    expect_answer(store, "SELECT count(*) FROM employee WHERE job_title = 'Sales agent'", "35");
    expect_answer(store, "SELECT count(*) FROM employee WHERE job_title = 'Sales manager'", "6");
    expect_answer(store, "SELECT count(*) FROM territory", "3");
    expect_answer(store, "SELECT count(*) FROM opportunity", "8800");
    expect_answer(store, "SELECT count(*) FROM opportunity WHERE company_id IS NULL", "1425");
    expect_answer(store, "SELECT count(*) FROM opportunity_line WHERE product_id IS NULL", "0");
    expect_answer(store,
                  "SELECT count(*) FROM opportunity_line l JOIN product p ON p.id = l.product_id\n"
                  " WHERE p.name_en = 'GTX Pro'",
                  "1480");
    expect_answer(store, "SELECT sum(amount) FROM opportunity", "1000553400");
    expect_answer(store, "SELECT count(*) FROM opportunity WHERE outcome = 'won'", "4238");
    expect_answer(store, "SELECT annual_revenue FROM company WHERE name = 'Acme Corporation'",
                  "110004000000");
    expect_answer(store, "SELECT count(*) FROM company WHERE industry = 'technology'", "12");
    expect_answer(store, "SELECT count(*) FROM company WHERE parent_id IS NOT NULL", "15");
    expect_answer(store, "SELECT country FROM address WHERE country LIKE 'Phil%'", "Philippines");
    fb_store_close(store);
}

FB_TEST(northwind_arrives_whole_with_its_order_lines)
{
    static const struct step steps[] = {
        {"territory", "regions.csv", "01-regions.json", 4},
        {"territory", "territories.csv", "02-territories.json", 53},
        {"employee", "employees.csv", "03-employees.json", 9},
        {"employee", "employees.csv", "04-employee_managers.json", 0},
        {"territory_member", "employee_territories.csv", "05-employee_territories.json", 49},
        {"product_category", "categories.csv", "06-categories.json", 8},
        {"company", "suppliers.csv", "07-suppliers.json", 29},
        {"company", "shippers.csv", "08-shippers.json", 3},
        {"company", "customers.csv", "09-customers.json", 91},
        {"product", "products.csv", "10-products.json", 77},
        {"sales_order", "orders.csv", "11-orders.json", 830},
        {"order_line", "order_details.csv", "12-order_details.json", 2155}};
    if (!has_data()) {
        return;
    }
    struct fb_store *store = new_headquarters();
    import_set(store, "northwind", "northwind", steps, 12);
    expect_answer(store, "SELECT count(*) FROM company WHERE kind = 'customer'", "91");
    expect_answer(store, "SELECT count(*) FROM sales_order", "830");
    expect_answer(store, "SELECT count(*) FROM order_line", "2155");
    expect_answer(store, "SELECT count(*) FROM sales_order WHERE status = 'confirmed'", "21");
    expect_answer(store, "SELECT ordered_on FROM sales_order WHERE number = 'NW-10248'",
                  "1996-07-04");
    expect_answer(
        store,
        "SELECT group_concat(position || ':' || name || ':' || qty || ':' || unit_price, ', ')\n"
        "  FROM (SELECT l.* FROM order_line l JOIN sales_order o ON o.id = l.sales_order_id\n"
        "         WHERE o.number = 'NW-10248' ORDER BY position)",
        "1:Queso Cabrales:12000:1400, 2:Singaporean Hokkien Fried Mee:10000:980, "
        "3:Mozzarella di Giovanni:5000:3480");
    expect_answer(store,
                  "SELECT m.family_name FROM employee e JOIN employee m ON m.id = e.manager_id\n"
                  " WHERE e.family_name = 'Davolio'",
                  "Fuller");
    expect_answer(store, "SELECT count(*) FROM contact", "120");
    fb_store_close(store);
}

FB_TEST(a_later_snapshot_of_taiwans_register_updates_what_differs)
{
    static const struct step first = {"company", "listed_2023-08-31.csv", "listed.json", 992};
    static const struct step later = {"company", "listed_2024-10-29.csv", "listed.json", 46};
    if (!has_data()) {
        return;
    }
    struct fb_store *store = new_headquarters();
    struct fb_import_result r = import_sample(store, "tw-listed-companies", "tw-listed", &first);
    expect_counts(&r, 992, 0, 0, 0);
    expect_answer(store,
                  "SELECT registered_capital FROM company WHERE name = '臺灣水泥股份有限公司'",
                  "7356181742000");
    expect_answer(
        store,
        "SELECT family_name || '|' || given_name FROM contact WHERE job_title = '永續長'\n"
        "   AND family_name = '葉'",
        "葉|毓君");
    expect_answer(store,
                  "SELECT count(*) FROM address WHERE kind = 'registered' AND country = '台灣'",
                  "904");
    r = import_sample(store, "tw-listed-companies", "tw-listed", &later);
    assert_int_equal(r.lines_new, 46);
    assert_in_range(r.lines_updated, 500, 804);
    expect_answer(store, "SELECT count(*) FROM company", "1038");
    expect_answer(store,
                  "SELECT registered_capital FROM company WHERE name = '臺灣水泥股份有限公司'",
                  "7751181742000");
    r = import_sample(store, "tw-listed-companies", "tw-listed", &later);
    expect_counts(&r, 0, 0, 1036, 0);
    fb_store_close(store);
}

FB_MAIN(FB_CASE(maven_crm_arrives_whole_with_its_misspellings_cured),
        FB_CASE(northwind_arrives_whole_with_its_order_lines),
        FB_CASE(a_later_snapshot_of_taiwans_register_updates_what_differs))
