/* SPDX-License-Identifier: MIT
 *
 * What the tests of the store share: a small catalogue, a store in a folder of one's own, and
 * stock tools, which are SQLite connections of other programs.
 */
#ifndef FB_STORE_TESTING_H
#define FB_STORE_TESTING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/store/journal.h"
#include "common/store/row.h"
#include "common/store/sql.h"
#include "common/store/store.h"
#include "tests/lib/testlib.h"

/* company: an address group, two sums, a tracked status, a draft that stays on the device, a
 * picture; contact; and sales_order with lines, which are its parts. */
/* clang-format off */
#define TEST_FIELD(no, name, type, more) \
    "{'no':" #no ",'name':'" name "','type':'" type "','en':'" name "','zh':'\xE5\xAD\x97'" more "}"
#define TEST_ENTITY(no, name, head, fields) \
    "{'no':" #no ",'name':'" name "','en':'" name "','zh':'\xE5\xAE\x9E'," head \
    ",'fields':[" fields "]}"
#define TEST_FOLLOWS(field, title) \
    "'scope':{'rule':'follows','fields':['" field "']},'title':['" title "']"

#define COMPANY_FIELDS \
    TEST_FIELD(10, "name", "text", ",'required':true") "," \
    TEST_FIELD(11, "street", "text", ",'group':'address'") "," \
    TEST_FIELD(12, "city", "text", ",'group':'address'") "," \
    TEST_FIELD(13, "visits", "int", ",'merge':'sum','required':true,'default':0") "," \
    TEST_FIELD(14, "status", "text", ",'tracked':true") "," \
    TEST_FIELD(15, "draft", "text", ",'visible':'device'") "," \
    TEST_FIELD(16, "logo", "blob", "") "," \
    TEST_FIELD(17, "parent_id", "ref", ",'target':'company'") "," \
    TEST_FIELD(18, "points", "int", ",'merge':'sum','required':true,'default':0")
#define CONTACT_FIELDS \
    TEST_FIELD(10, "company_id", "ref", ",'target':'company'") "," \
    TEST_FIELD(11, "name", "text", "") "," \
    TEST_FIELD(12, "phone", "text", ",'indexed':true")
#define ORDER_FIELDS \
    TEST_FIELD(10, "company_id", "ref", ",'target':'company'") "," \
    TEST_FIELD(11, "number", "seq", "")
#define LINE_FIELDS \
    TEST_FIELD(10, "order_id", "ref", ",'target':'sales_order','required':true") "," \
    TEST_FIELD(11, "text", "text", "")

/* more: further fields of company, each with a comma before it. */
#define TEST_ENTITIES(more) \
    TEST_ENTITY(1, "company", "'scope':{'rule':'company'},'title':['name']", \
                COMPANY_FIELDS more) "," \
    TEST_ENTITY(2, "contact", TEST_FOLLOWS("company_id", "name"), CONTACT_FIELDS) "," \
    TEST_ENTITY(3, "sales_order", TEST_FOLLOWS("company_id", "number"), ORDER_FIELDS) "," \
    TEST_ENTITY(4, "order_line", "'part_of':{'entity':'sales_order','field':'order_id'}," \
                TEST_FOLLOWS("order_id", "text"), LINE_FIELDS)
/* clang-format on */

#define ID_A "018f0000-0000-7000-8000-00000000000a"
#define ID_B "018f0000-0000-7000-8000-00000000000b"
#define ID_C "018f0000-0000-7000-8000-00000000000c"
#define ID_D "018f0000-0000-7000-8000-00000000000d"

static inline struct fb_catalogue *test_catalogue(int version, const char *entities)
{
    char document[16384];
    snprintf(document, sizeof document, "{'format':1,'version':%d,'entities':[%s]}", version,
             entities);
    for (char *c = document; *c != '\0'; c++) {
        *c = (char)(*c == '\'' ? '"' : *c);
    }
    struct fb_catalogue *catalogue = NULL;
    struct fb_why why = {""};
    if (fb_catalogue_load(document, strlen(document), &catalogue, &why) != FB_OK) {
        fail_msg("catalogue: %s", why.text);
    }
    return catalogue;
}

static inline struct fb_store *open_store(const char *path, enum fb_node node)
{
    struct fb_store *store = NULL;
    struct fb_why why = {""};
    int rc = fb_store_open(path, &(struct fb_store_options){.node = node, .may_create = true},
                           &store, &why);
    if (rc != FB_OK) {
        fail_msg("open: %s: %s", fb_err_name(rc), why.text);
    }
    return store;
}

static inline void put_catalogue(struct fb_store *store, struct fb_catalogue *catalogue)
{
    struct fb_why why = {""};
    assert_int_equal(fb_store_begin(store), FB_OK);
    if (fb_store_set_catalogue(store, catalogue, 1, &why) != FB_OK) {
        fail_msg("set_catalogue: %s", why.text);
    }
    assert_int_equal(fb_store_commit(store), FB_OK);
}

/* A new file each time. */
static inline struct fb_store *new_store(enum fb_node node)
{
    static int count;
    char name[32];
    snprintf(name, sizeof name, "store-%d.db", count++);
    struct fb_store *store = open_store(fb_test_path(name), node);
    put_catalogue(store, test_catalogue(1, TEST_ENTITIES("")));
    return store;
}

static inline const struct fb_entity *entity(struct fb_store *store, const char *name)
{
    const struct fb_entity *e = fb_catalogue_entity(fb_store_catalogue(store), name);
    assert_non_null(e);
    return e;
}

/* Fails with what SQLite said. */
static inline void expect_ok(struct fb_store *store, int rc)
{
    if (rc < 0) {
        struct fb_why why = {""};
        fb_ignore(fb_store_error(store, &why), "the code is known");
        fail_msg("%s: %s", fb_err_name(rc), why.text);
    }
}

static inline void run(struct fb_store *store, const char *text)
{
    expect_ok(store, fb_sql_exec(store, text));
}

/* Several statements, each ended by ";" alone. */
static inline void run_all(struct fb_store *store, const char *texts)
{
    char *copy = strdup(texts);
    char *rest = copy;
    for (char *text = strsep(&rest, ";"); text != NULL; text = strsep(&rest, ";")) {
        run(store, text);
    }
    free(copy);
}

static inline int64_t ask(struct fb_store *store, const char *text)
{
    struct fb_sql *q = NULL;
    assert_int_equal(fb_sql_begin(store, text, &q), FB_OK);
    assert_int_equal(fb_sql_step(q), FB_SQL_ROW);
    int64_t answer = fb_sql_int(q, 0);
    fb_sql_end(q);
    return answer;
}

#endif
