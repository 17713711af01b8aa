/* SPDX-License-Identifier: MIT
 *
 * The insides of serving, for serve*.c.
 *
 * A connection's request moves, in the loop's thread:
 *
 *     quiet -> reading (a reader is free) or waits for one -> ... -> quiet
 *           -> waits for the turn's end, writes -> waits for the seal -> reading ...
 *
 * While its work lies in the pool the connection stays, whatever becomes of its stream.
 */
#ifndef FB_WEB_SERVE_INSIDE_H
#define FB_WEB_SERVE_INSIDE_H

#include <stdio.h>

#include "common/web/http_conn.h"
#include "common/web/look.h"
#include "common/web/pages.h"
#include "common/web/serve.h"

#define FB_WEB_READERS_MAX 8

enum fb_web_work {
    FB_WORK_QUIET,
    FB_WORK_WAITS_READER,
    FB_WORK_IN_POOL,
    FB_WORK_WAITS_WRITE,
    FB_WORK_WAITS_SEAL,
};

struct fb_web_conn {
    struct fb_web_service *service;
    struct fb_stream *stream; /* NULL: gone */
    struct fb_http_conn *http;
    struct fb_web_conn *next;
    struct fb_web_conn *previous;
    char address[FB_STREAM_ADDRESS_SIZE]; /* without the port */
    bool is_busy;                         /* within a call of http: no pump */
    bool is_known;                        /* no stranger to the listener any more */
    bool is_paused;
    /* of the request that is worked on */
    enum fb_web_work work;
    struct fb_web_conn *next_waiting;
    const struct fb_route *route; /* NULL: a page */
    struct fb_login *login;
    struct fb_web web;
    struct fb_response res;
    struct fb_request *req;
    fb_web_handler *stage;
    struct fb_store *reader;
    int64_t started_ms;
    FILE *upload;
    char *upload_path;
    char nonce[33];
    /* of a stream of events */
    uint32_t topics;
    int64_t event_seen;
    bool event_ids; /* may be told which records, not only of which entity */
    char login_key[FB_CSRF_SIZE];
};

struct fb_web_queue {
    struct fb_web_conn *first;
    struct fb_web_conn **end;
};

#define FB_WEB_BUCKETS 8

struct fb_web_timing {
    const struct fb_route *route; /* NULL: pages */
    int status_class;             /* 2 for 200 to 299 */
    int64_t buckets[FB_WEB_BUCKETS + 1];
    int64_t count;
    double sum_s;
};

/* Feeding the search file. */
struct fb_web_feed {
    struct fb_store *reader; /* of the database */
    struct fb_search *search;
    int64_t data_version; /* of the database when all was taken in; -1: not yet */
    int64_t again_ms;     /* after a failure: not before */
    int64_t used_ms;      /* when somebody asked for something last; 0: never */
    bool is_working;      /* the fields above belong to the pool's thread */
    bool is_wanted;       /* once more after that */
    bool has_more;
    int err; /* of the last call */
    struct fb_why why;
};

struct fb_web_service {
    struct fb_web_config config;
    struct fb_web_feed feed;
    struct fb_look look;
    struct fb_search
        *searches[FB_WEB_READERS_MAX]; /* each beside its reader; NULL: not asked yet */
    struct fb_pages *pages;
    struct fb_events *events;
    struct fb_web_conn *conns;
    struct fb_store *readers[FB_WEB_READERS_MAX];
    bool is_reader_busy[FB_WEB_READERS_MAX];
    struct fb_web_queue to_read;
    struct fb_web_queue to_write;
    struct fb_web_queue to_go_on; /* after the seal */
    struct fb_buf scratch;
    struct fb_web_timing *timings;
    size_t timing_count;
    size_t timing_capacity;
    struct fb_web_counters counters;
    int64_t sign_at_ms; /* the next sign of life on event streams */
    bool is_stopping;
};

/* serve_request.c */
extern const struct fb_http_calls FB_SERVE_CALLS;
void fb_serve_read(struct fb_web_service *service); /* starts what can be started */
/* A stage is over in the loop's thread: the next, or the answer. */
void fb_serve_go_on(struct fb_web_conn *c);
/* The request will not be answered: its files and memory. */
void fb_serve_drop_request(struct fb_web_conn *c);

/* serve.c */
void fb_serve_pump(struct fb_web_conn *c);
void fb_serve_queue(struct fb_web_queue *queue, struct fb_web_conn *c);
struct fb_web_conn *fb_serve_unqueue(struct fb_web_queue *queue);
void fb_serve_free_if_gone(struct fb_web_conn *c);

/* serve_search.c: something was written, or a second is over. */
void fb_serve_feed(struct fb_web_service *service);
/* Does somebody use the pages? */
bool fb_serve_is_in_use(const struct fb_web_service *service);
/* The search file of a reader, opened the first time; in the thread that has the reader. NULL: there is none. */
struct fb_search *fb_serve_search(struct fb_web_service *service, const struct fb_store *reader);
void fb_serve_free_search(struct fb_web_service *service);

/* serve_check.c: may it be? False: answered in res. */
bool fb_serve_check(struct fb_web_conn *c, const struct fb_request *req, struct fb_response *res);
/* Whole header lines that every answer has; of the request's arena. */
const char *fb_serve_fixed_headers(struct fb_web_conn *c, struct fb_arena *arena);

/* serve_metrics.c */
void fb_serve_note_time(struct fb_web_conn *c, int status);

#endif
