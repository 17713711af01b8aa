/* SPDX-License-Identifier: MIT
 *
 * Server-sent events (the HTML standard, 9.2) without I/O: the newest are remembered, so that a page that lost its
 * connection names the last it saw (Last-Event-ID) and gets those after it; if they are forgotten it gets "event: reset" and
 * reads everything anew.
 */
#ifndef FB_WEB_EVENTS_H
#define FB_WEB_EVENTS_H

#include <stdint.h>

#include "common/base/buf.h"
#include "common/web/http.h"

enum fb_event_topic {
    FB_EVENT_SYNC = 1,
    FB_EVENT_RECORD = 2,
    FB_EVENT_CONFLICT = 4,
    FB_EVENT_HELD = 8,
    FB_EVENT_DEVICE = 16,
    FB_EVENT_ALL = 31,
};

struct fb_events;

int fb_events_new(struct fb_events **ret) FB_MUST_CHECK;
void fb_events_free(struct fb_events *events);

/* Keeps an event; data is JSON without line ends, borrowed during the call. */
void fb_events_add(struct fb_events *events, enum fb_event_topic topic, const char *data);
/* The number of the newest; 0: none yet. */
int64_t fb_events_newest(const struct fb_events *events);

/* Appends what a page with these topics has not seen after number `after`, and returns the newest number; after -1: it
 * is new here and gets only what comes. */
int64_t fb_events_append_after(const struct fb_events *events, uint32_t topics, int64_t after,
                               struct fb_buf *out);

/* "sync,record": the topics of a request; all without one. 0: there is an unknown one. */
uint32_t fb_events_topics(const char *text);

/* GET /api/v1/events: sets res->event_topics. */
fb_web_handler fb_events_handler;

#endif
