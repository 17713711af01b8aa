/* SPDX-License-Identifier: MIT
 *
 * Calls of the record API without a socket: a request by hand, its stages on a store, the answer as JSON.
 *
 *     api_get(&api, "/api/v1/company?limit=2");
 *     expect_answer(&api, 200, "rows.0.name", "Acme");
 */
#ifndef FB_TESTS_API_CALL_H
#define FB_TESTS_API_CALL_H

#include <jansson.h>

#include "common/web/api.h"
#include "tests/lib/testlib.h"

struct api_call {
    struct fb_store *store;
    enum fb_node node;
    struct fb_login login;
    int64_t now_ms;
    void (*after)(void *ctx); /* when a call is over; may be NULL */
    void *ctx;
    const struct fb_api_seal *seal;       /* NULL: a laptop */
    struct fb_search *search;             /* NULL: none */
    void *node_context;                   /* of a node's own handlers */
    const struct fb_route *table;         /* NULL: the record API's */
    const struct fb_route *const *tables; /* what the node says it answers; NULL: the record API */
    /* of the next call */
    const char *header_name, *header_value;
    /* of the last one */
    int status;
    char etag[64];
    char text[65536]; /* what it said, cut */
    json_t *json;
};

void api_get(struct api_call *c, const char *target);
void api_send(struct api_call *c, const char *method, const char *target, const char *body);
void api_done(struct api_call *c); /* forgets the answer */
/* A place in the answer, "rows.0.name"; NULL: there is none. Numbers and booleans as JSON writes them. */
const char *api_at(struct api_call *c, const char *path);
int api_count(struct api_call *c, const char *path); /* elements or members; -1: there is none */
/* NULL value: the place must not be there. */
void expect_answer(struct api_call *c, int status, const char *path, const char *value);
void expect_status(struct api_call *c, int status);

#endif
