/* SPDX-License-Identifier: MIT
 *
 * What a handler of the pages' API sees of HTTP: a request, the response it fills, and the table that leads one to the
 * other. Bytes, sockets, logins and limits are dealt with before a handler is called (docs/architecture.md,
 * "common/web"); handlers are tested with a request made by hand and no socket.
 *
 *     static int get_record(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
 *     {
 *         const char *id = fb_request_segment(req, 3); // of /api/v1/company/ID
 *         ... read through web->store ...
 *         fb_buf_append_text(&res->body, "{...}");
 *         return FB_OK; // 200, application/json
 *     }
 *     static const struct fb_route ROUTES[] = {
 *         {"GET", "/api/v1/{entity}/{id}", get_record, 0, 0},
 *         {NULL, NULL, NULL, 0, 0},
 *     };
 *
 * A request is served in stages, each on one connection to the database. A reading stage runs on a thread of the pool,
 * within one read snapshot; a writing stage in the loop's thread on the daemon's one writer, within a transaction and
 * with capture triggers on. What a stage returns decides: FB_OK commits (whatever the status: a 409 may have written),
 * an error rolls back. With fb_web_then() a stage names the next: after a writing stage that comes when its transaction
 * is durable and headquarters has sealed it, so that the new revision can be read.
 *
 * Everything of a request, its strings and web->state, lives in its arena until the answer was sent.
 */
#ifndef FB_WEB_HTTP_H
#define FB_WEB_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/id.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/store/store.h"

struct fb_http_pair {
    const char *name;
    const char *value;
};

#define FB_CSRF_SIZE 33 /* 32 hexadecimal digits and the zero */

/* Whose request it is. On a laptop there is one person: the one it was enrolled for. */
struct fb_login {
    char employee_id[FB_ROW_ID_SIZE]; /* "": nobody has logged in */
    bool is_admin;
    bool must_change_password; /* a one-time password: nothing but its change is allowed */
    char csrf[FB_CSRF_SIZE];
};

struct fb_request {
    const char *method; /* "GET" also for HEAD */
    const char *path;   /* decoded, without the query; begins with a slash */
    const char *segments[FB_HTTP_SEGMENTS_MAX];
    int segment_count;
    struct fb_http_pair query[FB_HTTP_QUERY_MAX]; /* decoded */
    int query_count;
    struct fb_http_pair headers[FB_HTTP_HEADERS_MAX]; /* names in lower case */
    int header_count;
    const char *body; /* "" without one; a zero stands behind it */
    size_t body_size;
    const char *body_file; /* instead of body on routes with FB_ROUTE_BODY_TO_FILE; removed after */
    const char *language;  /* "en" or "zh", from Accept-Language */
    const char *address;   /* of the client, without its port */
    const struct fb_login *login;
    struct fb_arena *arena;
};

#define FB_ANSWER_HEADERS_MAX 16

struct fb_response {
    int status;               /* 0: 200 with a body, 204 without one */
    const char *content_type; /* NULL: application/json; else a constant or of the arena */
    /* without quotes; NULL: none. Whoever sends the answer compares If-None-Match and says 304 */
    const char *etag;
    struct fb_http_pair headers[FB_ANSWER_HEADERS_MAX];
    int header_count;
    struct fb_buf body;    /* at most FB_HTTP_ANSWER_BYTES_MAX */
    const char *file;      /* path of a file to send instead of body, with ranges; of the arena */
    bool may_be_kept;      /* no "Cache-Control: no-store"; set a header of your own */
    uint32_t event_topics; /* not 0: the connection becomes a stream of these events (events.h) */
    struct fb_arena *arena;
};

struct fb_api_seal; /* api.h */
struct fb_search;   /* common/search */
struct fb_web;
typedef int fb_web_handler(struct fb_web *web, const struct fb_request *req,
                           struct fb_response *res);

/* FB_WEB_LOOP: in the loop's thread without a transaction, for what the daemon keeps in memory. */
enum fb_web_where { FB_WEB_READ, FB_WEB_WRITE, FB_WEB_LOOP };

struct fb_web {
    enum fb_node node;
    struct fb_store *store; /* this stage's */
    int64_t now_ms;
    const struct fb_random *random;
    struct fb_search *search; /* on routes with FB_ROUTE_SEARCH, reading stages; NULL: none */
    struct fb_arena *arena;   /* the request's */
    struct fb_why why;        /* what the answer to an error says; "": the error's own sentence */
    void *state;              /* a handler's own, from one stage to the next */
    const struct fb_api_seal
        *seal; /* headquarters: around what a person writes; NULL on a laptop */
    /* What this node answers, in the order in which it is asked, with a NULL behind; NULL: the record API alone. */
    const struct fb_route *const *tables;
    void *node_context;   /* what server/web.c and replica/web.c give to their own handlers */
    fb_web_handler *next; /* by fb_web_then() */
    enum fb_web_where next_where;
};

enum fb_route_flag {
    FB_ROUTE_WRITES = 1,       /* its first stage writes */
    FB_ROUTE_OPEN = 2,         /* also for those who have not logged in */
    FB_ROUTE_ADMIN = 4,        /* admins only */
    FB_ROUTE_BODY_TO_FILE = 8, /* the raw body, of any type, goes to a temporary file */
    FB_ROUTE_SERVER = 16,      /* only at headquarters: a laptop answers only_headquarters */
    FB_ROUTE_REPLICA = 32,     /* only on a laptop */
    FB_ROUTE_LOOP = 128,   /* its first stage runs in the loop's thread, without a transaction */
    FB_ROUTE_SEARCH = 256, /* asks the search file */
    FB_ROUTE_LOCKED = 512, /* also while this laptop is locked */
    FB_ROUTE_MUST_CHANGE = 64, /* also while a one-time password waits for its change */
};

struct fb_route {
    const char *method;  /* NULL ends the table */
    const char *pattern; /* "/api/v1/{entity}/{id}": {...} stands for one segment */
    fb_web_handler *handler;
    unsigned flags;  /* FB_ROUTE_... */
    size_t body_max; /* 0: FB_HTTP_BODY_BYTES_MAX */
};

/* The first route whose method and pattern fit: put special patterns before general ones. NULL if none does; then
 * ret_allowed gets the methods that would have fitted ("GET, PATCH"), "" if the path is nobody's. */
const struct fb_route *fb_route_find(const struct fb_route *table, const struct fb_request *req,
                                     char *ret_allowed, size_t ret_size);

/* Where a route's first stage runs. */
enum fb_web_where fb_route_where(const struct fb_route *route);

/* NULL if there is none. Names of headers in lower case. */
const char *fb_request_segment(const struct fb_request *req, int at);
const char *fb_request_query(const struct fb_request *req, const char *name);
const char *fb_request_header(const struct fb_request *req, const char *name);

/* Reads "/path?query" into the request: splits, decodes, checks. FB_ERR_INVALID for anything but an absolute path in
 * UTF-8 without NUL, control characters, backslashes, dot segments and empty segments (one at the end is fine);
 * FB_ERR_LIMIT for too many segments or parameters; FB_ERR_NO_MEMORY. Needs req->arena. */
int fb_request_set_target(struct fb_request *req, const char *target, size_t size) FB_MUST_CHECK;

/* A header of the answer; value is copied. Control characters in it are left out. */
void fb_response_header(struct fb_response *res, const char *name, const char *value);

/* An answer by RFC 9457 (docs/api.md, "Failures"); detail NULL: none. Drops what body there was. Returns an error, so
 * that `return fb_response_problem(...)` rolls a writing stage back. */
int fb_response_problem(struct fb_response *res, int status, const char *code, const char *detail);
/* The same with more members: members_json is their text, such as "\"fields\":{...},\"rev\":\"12\"". */
int fb_response_problem_with(struct fb_response *res, int status, const char *code,
                             const char *detail, const char *members_json);

/* What an error of a handler that set no problem is answered with: not_found, check, busy, disk_full, too_large ... */
void fb_response_error(struct fb_response *res, int err, const struct fb_why *why);

/* Names the next stage; from within a stage. */
void fb_web_then(struct fb_web *web, enum fb_web_where where, fb_web_handler *next);

/* A request by hand, for tests and for the layers below: method and target; body, headers and login are the caller's
 * to set. Errors as fb_request_set_target(). */
int fb_request_init(struct fb_request *req, struct fb_arena *arena, const char *method,
                    const char *target) FB_MUST_CHECK;
void fb_response_init(struct fb_response *res, struct fb_arena *arena);
void fb_response_release(struct fb_response *res); /* also for FB_AUTO */

/* Runs one stage on web->store: a reading one within a snapshot, a writing one within a transaction that its result
 * commits or rolls back. Afterwards res holds an answer unless web->next names another stage. */
void fb_web_run_stage(struct fb_web *web, enum fb_web_where where, fb_web_handler *stage,
                      const struct fb_request *req, struct fb_response *res);

/* For tests: finds the route and runs all of its stages on web->store, one connection for all. */
void fb_web_try(struct fb_web *web, const struct fb_route *table, const struct fb_request *req,
                struct fb_response *res);

#endif
