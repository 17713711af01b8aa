/* SPDX-License-Identifier: MIT
 *
 * What the tests of import share: a headquarters with the shipped catalogue and one employee, files made of texts,
 * and questions to the tables.
 */
#ifndef FB_FORMATS_TESTING_H
#define FB_FORMATS_TESTING_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/os.h"
#include "common/formats/import.h"
#include "common/store/sql.h"
#include "tests/lib/testlib.h"

static inline void check(struct fb_store *store, int rc)
{
    if (rc < 0) {
        struct fb_why why = {""};
        fb_ignore(fb_store_error(store, &why), "the code is known");
        fail_msg("%s: %s", fb_err_name(rc), why.text);
    }
}

static inline void run_sql(struct fb_store *store, const char *text)
{
    check(store, fb_sql_exec(store, text));
}

/* The first column of the first row, as text; one of eight rotating buffers. */
static inline const char *ask(struct fb_store *store, const char *question)
{
    static char answers[8][512];
    static int next;
    char *answer = answers[next++ % 8];
    struct fb_sql *q = NULL;
    check(store, fb_sql_begin(store, question, &q));
    int rc = fb_sql_step(q);
    check(store, rc);
    const char *text = rc == FB_SQL_ROW ? fb_sql_text(q, 0) : "(no row)";
    snprintf(answer, sizeof(answers[0]), "%s", text == NULL ? "(null)" : text);
    fb_sql_end(q);
    return answer;
}

#define expect_answer(store, question, answer)                                                     \
    assert_string_equal(ask((store), (question)), (answer))

static inline struct fb_store *new_headquarters(void)
{
    static int count;
    char name[32];
    snprintf(name, sizeof(name), "hq-%d.db", count++);
    struct fb_store *store = NULL;
    struct fb_catalogue *catalogue = NULL;
    struct fb_why why = {""};
    struct fb_store_options options = {.node = FB_NODE_SERVER, .may_create = true};
    if (fb_store_open(fb_test_path(name), &options, &store, &why) < 0 ||
        fb_catalogue_read_folder(FB_SOURCE_DIR "/common/catalogue/entities", 1, &catalogue, &why) <
            0 ||
        fb_store_begin(store) < 0 || fb_store_set_catalogue(store, catalogue, 1, &why) < 0) {
        fail_msg("%s", why.text);
    }
    run_sql(store, "INSERT INTO employee (code, user_name, family_name)\n"
                   "VALUES ('0001', 'admin', 'Admin')");
    assert_int_equal(fb_store_commit(store), FB_OK);
    return store;
}

static inline const char *write_bytes(const char *name, const void *bytes, size_t size)
{
    const char *path = fb_test_path(name);
    struct fb_why why = {""};
    if (fb_os_write_file(path, bytes, size, 0600, &why) < 0) {
        fail_msg("%s", why.text);
    }
    return path;
}

static inline const char *write_text(const char *name, const char *text)
{
    return write_bytes(name, text, strlen(text));
}

/* What was told about lines that failed, in the test's hands. */
struct told {
    int count;
    long long line; /* of the last one */
    char sentence[512];
};

static inline void note_reject(void *ctx, int64_t line, const char *sentence)
{
    struct told *told = ctx;
    told->count++;
    told->line = line;
    snprintf(told->sentence, sizeof(told->sentence), "%s", sentence);
}

static inline struct fb_import_options import_options(const char *entity, const char *csv_path,
                                                      const char *mapping_path)
{
    return (struct fb_import_options){.entity = entity,
                                      .csv_path = csv_path,
                                      .mapping_path = mapping_path,
                                      .now_ms = fb_os_now_ms(),
                                      .random = fb_random_system()};
}

static inline struct fb_import_result run_import(struct fb_store *store,
                                                 const struct fb_import_options *options)
{
    struct fb_import_result result;
    struct fb_why why = {""};
    int rc = fb_import_run(store, options, &result, &why);
    if (rc < 0) {
        fail_msg("%s: %s", fb_err_name(rc), why.text);
    }
    assert_int_equal(result.lines_read, result.lines_new + result.lines_updated +
                                            result.lines_unchanged + result.lines_rejected);
    return result;
}

static inline void expect_counts(const struct fb_import_result *r, long long made,
                                 long long updated, long long unchanged, long long rejected)
{
    if (r->lines_new != made || r->lines_updated != updated || r->lines_unchanged != unchanged ||
        r->lines_rejected != rejected) {
        fail_msg("read %lld: new %lld, updated %lld, unchanged %lld, rejected %lld",
                 (long long)r->lines_read, (long long)r->lines_new, (long long)r->lines_updated,
                 (long long)r->lines_unchanged, (long long)r->lines_rejected);
    }
}

/* The folder of real data beside the tree; NULL where it is not there. */
static inline const char *shared_data(void)
{
    const char *folder = getenv("FIELDBOOK_SHARED_DATA");
    folder = folder != NULL ? folder : FB_SOURCE_DIR "/../shared/data";
    return fb_os_file_exists(folder) ? folder : NULL;
}

#endif
