/* SPDX-License-Identifier: MIT */
#include "common/web/events.h"

#include <stdlib.h>
#include <string.h>

#define EVENTS_KEPT 512

struct event {
    int64_t number;
    enum fb_event_topic topic;
    char *data; /* owned */
};

struct fb_events {
    struct event ring[EVENTS_KEPT]; /* number n lies at n % EVENTS_KEPT */
    int64_t newest;
};

static const struct {
    enum fb_event_topic topic;
    const char *name;
} TOPICS[] = {
    {FB_EVENT_SYNC, "sync"}, {FB_EVENT_RECORD, "record"}, {FB_EVENT_CONFLICT, "conflict"},
    {FB_EVENT_HELD, "held"}, {FB_EVENT_DEVICE, "device"},
};
#define TOPIC_COUNT (sizeof TOPICS / sizeof *TOPICS)

int fb_events_new(struct fb_events **ret)
{
    *ret = calloc(1, sizeof **ret);
    return *ret == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}

void fb_events_free(struct fb_events *events)
{
    if (events != NULL) {
        for (size_t i = 0; i < EVENTS_KEPT; i++) {
            free(events->ring[i].data);
        }
        free(events);
    }
}

void fb_events_add(struct fb_events *events, enum fb_event_topic topic, const char *data)
{
    char *copy = strdup(data);
    if (copy == NULL) {
        return; /* a page that misses it reads on its next look */
    }
    events->newest++;
    struct event *e = &events->ring[events->newest % EVENTS_KEPT];
    free(e->data);
    *e = (struct event){.number = events->newest, .topic = topic, .data = copy};
}

int64_t fb_events_newest(const struct fb_events *events)
{
    return events->newest;
}

static const char *name_of(enum fb_event_topic topic)
{
    for (size_t i = 0; i < TOPIC_COUNT; i++) {
        if (TOPICS[i].topic == topic) {
            return TOPICS[i].name;
        }
    }
    return "other";
}

int64_t fb_events_append_after(const struct fb_events *events, uint32_t topics, int64_t after,
                               struct fb_buf *out)
{
    if (after < 0) {
        return events->newest;
    }
    if (after > events->newest || events->newest - after > EVENTS_KEPT) {
        fb_buf_printf(out, "id: %lld\nevent: reset\ndata: {}\n\n", (long long)events->newest);
        return events->newest;
    }
    for (int64_t n = after + 1; n <= events->newest; n++) {
        const struct event *e = &events->ring[n % EVENTS_KEPT];
        if (e->number == n && (e->topic & topics) != 0) {
            fb_buf_printf(out, "id: %lld\nevent: %s\ndata: %s\n\n", (long long)n, name_of(e->topic),
                          e->data);
        }
    }
    return events->newest;
}

uint32_t fb_events_topics(const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return FB_EVENT_ALL;
    }
    uint32_t topics = 0;
    while (*text != '\0') {
        size_t size = strcspn(text, ",");
        uint32_t found = 0;
        for (size_t i = 0; i < TOPIC_COUNT; i++) {
            if (strlen(TOPICS[i].name) == size && memcmp(TOPICS[i].name, text, size) == 0) {
                found = TOPICS[i].topic;
            }
        }
        if (found == 0) {
            return 0;
        }
        topics |= found;
        text += size;
        text += *text == ',' ? 1 : 0;
    }
    return topics;
}

int fb_events_handler(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    (void)web;
    uint32_t topics = fb_events_topics(fb_request_query(req, "topics"));
    if (topics == 0) {
        return fb_response_problem(res, 400, "bad_request",
                                   "topics are sync, record, conflict, held and device");
    }
    res->event_topics = topics;
    res->content_type = "text/event-stream";
    return FB_OK;
}
