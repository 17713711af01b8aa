/* SPDX-License-Identifier: MIT
 *
 * What the tests of the store share: a small catalogue, a store in a folder of one's own, and stock tools, which are
 * SQLite connections of other programs.
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

/* company: an address group, two sums, a tracked status, a draft that stays on the device, a picture; contact; and
 * sales_order with lines, which are its parts. */
#define COMPANY_FIELDS                                                                             \
    "{'no':10,'name':'name','type':'text','en':'Name','zh':'名称','required':true},"             \
    "{'no':11,'name':'street','type':'text','en':'Street','zh':'街道','group':'address'},"       \
    "{'no':12,'name':'city','type':'text','en':'City','zh':'城市','group':'address'},"           \
    "{'no':13,'name':'visits','type':'int','en':'Visits','zh':'次数','merge':'sum','required':"  \
    "true,'default':0},"                                                                           \
    "{'no':14,'name':'status','type':'text','en':'Status','zh':'状态','tracked':true},"          \
    "{'no':15,'name':'draft','type':'text','en':'Draft','zh':'草稿','visible':'device'},"        \
    "{'no':16,'name':'logo','type':'blob','en':'Logo','zh':'标志'},"                             \
    "{'no':17,'name':'parent_id','type':'ref','target':'company','en':'Parent','zh':'上级'},"    \
    "{'no':18,'name':'points','type':'int','en':'Points','zh':'积分','merge':'sum','required':"  \
    "true,'default':0}"
#define TEST_ENTITIES(more)                                                                          \
    "{'no':1,'name':'company','en':'Company','zh':'公司','scope':{'rule':'company'},'title':['"    \
    "name'],"                                                                                        \
    "'fields':[" COMPANY_FIELDS more "]},"                                                           \
    "{'no':2,'name':'contact','en':'Contact','zh':'联系人','scope':{'rule':'follows','fields':['" \
    "company_id']},"                                                                                 \
    "'title':['name'],'fields':["                                                                    \
    "{'no':10,'name':'company_id','type':'ref','target':'company','en':'Company','zh':'公司'},"    \
    "{'no':11,'name':'name','type':'text','en':'Name','zh':'姓名'},"                               \
    "{'no':12,'name':'phone','type':'text','en':'Phone','zh':'电话','indexed':true}]},"            \
    "{'no':3,'name':'sales_order','en':'Order','zh':'订单','scope':{'rule':'follows','fields':['"  \
    "company_id']},"                                                                                 \
    "'title':['number'],'fields':["                                                                  \
    "{'no':10,'name':'company_id','type':'ref','target':'company','en':'Company','zh':'公司'},"    \
    "{'no':11,'name':'number','type':'seq','en':'Number','zh':'编号'}]},"                          \
    "{'no':4,'name':'order_line','en':'Line','zh':'行','part_of':{'entity':'sales_order','field':"  \
    "'order_id'},'scope':{'rule':'follows','fields':["                                               \
    "'order_id']},'title':['text'],'fields':["                                                       \
    "{'no':10,'name':'order_id','type':'ref','target':'sales_order','en':'Order','zh':'订单','"    \
    "required':true},"                                                                               \
    "{'no':11,'name':'text','type':'text','en':'Text','zh':'文字'}]}"

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
