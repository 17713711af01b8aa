/* SPDX-License-Identifier: MIT
 *
 * From a path to its handler, and a handler's stages on a database.
 */
#include <stdio.h>
#include <string.h>

#include "common/web/http.h"

/* Does the pattern fit the request's segments? */
static bool fits(const char *pattern, const struct fb_request *req)
{
    const char *p = pattern;
    for (int i = 0; i < req->segment_count; i++) {
        if (*p != '/') {
            return false;
        }
        p++;
        size_t size = strcspn(p, "/");
        const char *segment = req->segments[i];
        if (*p != '{' && (strlen(segment) != size || memcmp(segment, p, size) != 0)) {
            return false;
        }
        p += size;
    }
    return *p == '\0' || (req->segment_count == 0 && strcmp(p, "/") == 0);
}

const struct fb_route *fb_route_find(const struct fb_route *table, const struct fb_request *req,
                                     char *ret_allowed, size_t ret_size)
{
    ret_allowed[0] = '\0';
    size_t used = 0;
    for (const struct fb_route *r = table; r->method != NULL; r++) {
        if (!fits(r->pattern, req)) {
            continue;
        }
        if (strcmp(r->method, req->method) == 0) {
            return r;
        }
        int n =
            snprintf(ret_allowed + used, ret_size - used, "%s%s", used == 0 ? "" : ", ", r->method);
        used += n > 0 && (size_t)n < ret_size - used ? (size_t)n : 0;
        ret_allowed[used] = '\0';
    }
    return NULL;
}

void fb_web_then(struct fb_web *web, enum fb_web_where where, fb_web_handler *next)
{
    web->next = next;
    web->next_where = where;
}

static int begin_stage(struct fb_web *web, enum fb_web_where where)
{
    switch (where) {
    case FB_WEB_WRITE:
        return fb_store_begin(web->store);
    case FB_WEB_READ:
        return fb_store_read_begin(web->store);
    default:
        return FB_OK;
    }
}

static int end_stage(struct fb_web *web, enum fb_web_where where, int rc)
{
    if (where == FB_WEB_READ) {
        fb_store_read_end(web->store);
        return rc;
    }
    if (where == FB_WEB_LOOP) {
        return rc;
    }
    if (rc < 0) {
        fb_store_rollback(web->store);
        return rc;
    }
    return fb_store_commit(web->store);
}

/* The store's own sentence, where the handler gave none. */
static void explain(struct fb_web *web, int err)
{
    struct fb_why why = {""};
    if (web->why.text[0] == '\0' && fb_store_error(web->store, &why) == err) {
        web->why = why;
    }
}

void fb_web_run_stage(struct fb_web *web, enum fb_web_where where, fb_web_handler *stage,
                      const struct fb_request *req, struct fb_response *res)
{
    web->next = NULL;
    int rc = begin_stage(web, where);
    if (rc == FB_OK) {
        rc = stage(web, req, res);
        if (rc == FB_OK && fb_buf_error(&res->body) < 0) {
            rc = fb_buf_error(&res->body);
        }
        rc = end_stage(web, where, rc);
    }
    if (rc < 0) {
        web->next = NULL;
        if (res->status < 400) {
            explain(web, rc);
            fb_response_error(res, rc, &web->why);
        }
    }
}

enum fb_web_where fb_route_where(const struct fb_route *route)
{
    return (route->flags & FB_ROUTE_WRITES) != 0 ? FB_WEB_WRITE
           : (route->flags & FB_ROUTE_LOOP) != 0 ? FB_WEB_LOOP
                                                 : FB_WEB_READ;
}

void fb_web_try(struct fb_web *web, const struct fb_route *table, const struct fb_request *req,
                struct fb_response *res)
{
    char allowed[64];
    const struct fb_route *route = fb_route_find(table, req, allowed, sizeof allowed);
    if (route == NULL) {
        fb_ignore(fb_response_problem(res, allowed[0] != '\0' ? 405 : 404, "not_found", NULL),
                  "the response says it");
        return;
    }
    fb_web_handler *stage = route->handler;
    enum fb_web_where where = fb_route_where(route);
    while (stage != NULL) {
        fb_web_run_stage(web, where, stage, req, res);
        stage = web->next;
        where = web->next_where;
    }
}
