/* SPDX-License-Identifier: MIT
 *
 * POST: a record with its parts, all or nothing. The id comes of the Idempotency-Key, so that the same key makes one
 * record however often a shaky connection repeats it.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/web/api_handlers.h"
#include "common/web/api_write.h"

/* A UUID of version 8 (RFC 9562, 5.8): the hash of who, what and key. */
static void id_of_key(const struct fb_api *a, const struct fb_entity *e, const char *key, int part,
                      char ret[static FB_ROW_ID_SIZE])
{
    char who[128];
    snprintf(who, sizeof who, "%s %s %d ", a->me, e->name, part);
    struct fb_sha256 hash = fb_sha256(who, strlen(who), key, strlen(key));
    uint8_t bytes[FB_ROW_ID_BYTES];
    memcpy(bytes, hash.bytes, sizeof bytes);
    bytes[6] = (uint8_t)(0x80 | (bytes[6] & 0x0F));
    bytes[8] = (uint8_t)(0x80 | (bytes[8] & 0x3F));
    fb_id_from_bytes(bytes, ret);
}

static void make_id(const struct fb_api *a, const struct fb_entity *e, int part,
                    char ret[static FB_ROW_ID_SIZE])
{
    const char *key = fb_request_header(a->req, "idempotency-key");
    if (key != NULL && key[0] != '\0') {
        id_of_key(a, e, key, part, ret);
    } else {
        fb_id_make(a->web->now_ms, a->web->random, ret);
    }
}

int fb_api_form_start(struct fb_api_form *f, int part)
{
    const struct fb_entity *e = f->entity;
    char id[FB_ROW_ID_SIZE];
    make_id(f->a, e, part, id);
    return fb_row_begin(e, id, f->a->arena, &f->row);
}

int fb_api_form_take(struct fb_api_form *f, const json_t *json)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)json, name, value)
    {
        const struct fb_field *field = NULL;
        struct fb_value v = FB_VALUE_NULL;
        int rc = fb_api_form_value(f, name, value, &field, &v);
        if (rc < 0) {
            return rc;
        }
        if (field != NULL) {
            fb_api_form_set(f, field, &v);
        }
    }
    return FB_OK;
}

void fb_api_form_own(struct fb_api_form *f)
{
    const struct fb_field *owner = f->entity->owner_field;
    if (owner != NULL && owner->type == FB_TYPE_REF &&
        strcmp(owner->targets[0]->name, "employee") == 0 && f->a->me[0] != '\0' &&
        fb_value_is_empty(&f->row.values[owner->index])) {
        f->row.values[owner->index] = fb_value_text(f->a->me);
    }
}

struct creation {
    struct fb_api *a;
    struct fb_api_form *forms; /* the record, then its parts */
    size_t count;
    struct fb_api_checks checks;
    const char *id;
};

static int add_form(struct creation *c, const struct fb_entity *e, const json_t *json,
                    const char *prefix)
{
    struct fb_api_form *f = &c->forms[c->count];
    *f = (struct fb_api_form){.a = c->a,
                              .entity = e,
                              .is_new = true,
                              .is_own = true,
                              .checks = &c->checks,
                              .prefix = prefix};
    int rc = fb_api_form_start(f, (int)c->count);
    rc = rc < 0 ? rc : fb_api_form_take(f, json);
    if (rc < 0) {
        return rc;
    }
    fb_api_form_own(f);
    if (c->count > 0) {
        struct fb_value parent = fb_value_text(c->forms[0].row.id);
        f->row.values[e->parent_field->index] = parent;
    }
    c->count++;
    return FB_OK;
}

static int add_parts(struct creation *c, const char *name, const json_t *list)
{
    struct fb_api *a = c->a;
    const struct fb_entity *e = fb_catalogue_entity(a->catalogue, name);
    if (e == NULL || e->parent != c->forms[0].entity || !json_is_array(list)) {
        return fb_api_bad_request(a, "parts: '%.63s' is no list of parts of %s", name,
                                  c->forms[0].entity->name);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *prefix = fb_arena_printf(a->arena, "%s.%zu.", name, i);
        int rc =
            prefix == NULL ? FB_ERR_NO_MEMORY : add_form(c, e, json_array_get(list, i), prefix);
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

static size_t count_parts(const json_t *parts)
{
    size_t count = 0;
    const char *name;
    json_t *list;
    json_object_foreach((json_t *)(uintptr_t)parts, name, list)
    {
        count += json_array_size(list);
    }
    return count;
}

static int read_forms(struct creation *c, const struct fb_entity *e, const json_t *body)
{
    struct fb_api *a = c->a;
    const json_t *row = json_object_get(body, "row");
    const json_t *parts = json_object_get(body, "parts");
    size_t count = 1 + count_parts(parts);
    if (!json_is_object(row) || (parts != NULL && !json_is_object(parts)) ||
        count > FB_API_PARTS_MAX) {
        return fb_api_bad_request(a,
                                  "the body is {\"row\": {...}, \"parts\": {...}}, with at most "
                                  "%d parts",
                                  FB_API_PARTS_MAX);
    }
    c->forms = fb_arena_alloc(a->arena, count * sizeof *c->forms);
    if (c->forms == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc = add_form(c, e, row, "");
    const char *name;
    json_t *list;
    json_object_foreach((json_t *)(uintptr_t)parts, name, list)
    {
        rc = rc < 0 ? rc : add_parts(c, name, list);
    }
    return rc;
}

/* Parents before what points at them: the record first, and parts may look at it. */
static int write_forms(struct creation *c)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < c->count; i++) {
        rc = fb_api_form_check(&c->forms[i]);
        if (rc == FB_OK && c->checks.count == 0) {
            rc = fb_api_may_row(c->a, &c->forms[i].row, FB_API_CREATE);
            rc = rc < 0 ? rc : fb_api_form_write(&c->forms[i]);
        }
        if (rc == FB_OK && i == 0 && c->checks.count > 0) {
            break; /* parts would complain about a parent that is not there */
        }
    }
    return rc < 0 ? rc : fb_api_checks_answer(c->a, &c->checks);
}

static int create(struct creation *c, const struct fb_entity *e, const json_t *body,
                  bool *ret_was_here)
{
    struct fb_api *a = c->a;
    int rc = read_forms(c, e, body);
    if (rc < 0) {
        return rc;
    }
    c->id = c->forms[0].row.id;
    rc = fb_row_exists(a->store, e, c->forms[0].row.id, ret_was_here);
    if (rc < 0 || *ret_was_here) {
        return rc;
    }
    rc = fb_api_begin_write(a);
    rc = rc < 0 ? rc : write_forms(c);
    return rc < 0 ? rc : fb_api_end_write(a);
}

int fb_api_post_record(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    const struct fb_entity *e = NULL;
    FB_AUTO(fb_api_drop_json) json_t *body = NULL;
    struct creation c = {.a = &a};
    bool was_here = false;
    fb_api_begin(&a, web, req, res);
    fb_api_checks_init(&c.checks);
    int rc = fb_api_entity(&a, 2, &e);
    rc = rc < 0 ? rc : fb_api_may(&a, e, FB_API_CREATE);
    rc = rc < 0 ? rc : fb_api_body(&a, &body);
    rc = rc < 0 ? rc : create(&c, e, body, &was_here);
    fb_api_checks_release(&c.checks);
    return rc < 0 ? rc : fb_api_then_record(&a, e, c.id, 201, NULL);
}
