/* SPDX-License-Identifier: MIT
 *
 * What the tests of headquarters' history share: revs of a few entries.
 */
#ifndef FB_HISTORY_TESTING_H
#define FB_HISTORY_TESTING_H

#include "common/store/history.h"
#include "tests/unit/store_testing.h"

#define DEVICE_1 "018f0000-0000-7000-8000-0000000000d1"
#define DEVICE_2 "018f0000-0000-7000-8000-0000000000d2"
#define EMPLOYEE "018f0000-0000-7000-8000-0000000000e1"

static inline int64_t begin_rev(struct fb_store *s, const char *device)
{
    struct fb_rev rev = {.at_ms = 1000, .employee_id = EMPLOYEE, .device_id = device};
    expect_ok(s, fb_history_begin(s, &rev));
    return rev.rev;
}

static inline int64_t scope(struct fb_store *s, const char *key)
{
    int64_t id = 0;
    expect_ok(s, fb_history_scope_id(s, key, &id));
    return id;
}

/* An entry of a row in scope "x", before and after as the kind wants it. */
static inline int64_t append(struct fb_store *s, enum fb_log_op op, const char *name,
                             const char *id, const char *changes)
{
    int64_t seq = 0;
    int64_t x = scope(s, "x");
    struct fb_log_entry entry = {.op = op,
                                 .entity = entity(s, name),
                                 .scope_before =
                                     op == FB_LOG_OP_INSERT || op == FB_LOG_OP_RESTORE ? 0 : x,
                                 .scope_after = op == FB_LOG_OP_DELETE ? 0 : x,
                                 .changes = changes};
    memcpy(entry.row_id, id, FB_ROW_ID_SIZE);
    expect_ok(s, fb_history_append(s, &entry, &seq));
    return seq;
}

/* A whole transaction with one rev of one entry. */
static inline int64_t one_rev(struct fb_store *s, const char *device, enum fb_log_op op,
                              const char *id, const char *changes)
{
    expect_ok(s, fb_store_begin(s));
    int64_t rev = begin_rev(s, device);
    append(s, op, "company", id, changes);
    expect_ok(s, fb_history_end(s));
    expect_ok(s, fb_store_commit(s));
    return rev;
}

static inline int64_t bad_rev(struct fb_store *s)
{
    int64_t bad = -1;
    expect_ok(s, fb_history_verify(s, &bad));
    return bad;
}

static inline int64_t head(struct fb_store *s)
{
    int64_t rev = -1;
    expect_ok(s, fb_history_head(s, &rev));
    return rev;
}

/* "name=A visits=1" */
static inline int tell_old(void *ctx, const struct fb_field *field, const struct fb_value *old)
{
    char *text = ctx;
    size_t used = strlen(text);
    if (old->type == FB_INT) {
        snprintf(text + used, 200 - used, "%s%s=%d", used > 0 ? " " : "", field->name,
                 (int)old->integer);
    } else {
        snprintf(text + used, 200 - used, "%s%s=%.*s", used > 0 ? " " : "", field->name,
                 (int)(old->type == FB_NULL ? 1 : old->size),
                 old->type == FB_NULL ? "~" : old->bytes);
    }
    return FB_OK;
}

static inline void expect_old(struct fb_store *s, int64_t at_rev, const char *expected)
{
    char text[200] = "";
    expect_ok(s, fb_history_old_values(s, entity(s, "company"), ID_A, at_rev, tell_old, text));
    assert_string_equal(text, expected);
}

#endif
