/* SPDX-License-Identifier: MIT
 *
 * How long requests took, per route, method and class of status.
 */
#include "common/base/os.h"
#include "common/web/serve_inside.h"

static const double BUCKETS_S[FB_WEB_BUCKETS] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5};

static struct fb_web_timing *timing_of(struct fb_web_service *s, const struct fb_route *route,
                                       int status_class)
{
    for (size_t i = 0; i < s->timing_count; i++) {
        if (s->timings[i].route == route && s->timings[i].status_class == status_class) {
            return &s->timings[i];
        }
    }
    struct fb_web_timing *bigger =
        fb_array_grow(s->timings, s->timing_count, &s->timing_capacity, sizeof *s->timings);
    if (bigger == NULL) {
        return NULL;
    }
    s->timings = bigger;
    struct fb_web_timing *t = &s->timings[s->timing_count++];
    *t = (struct fb_web_timing){.route = route, .status_class = status_class};
    return t;
}

void fb_serve_note_time(struct fb_web_conn *c, int status)
{
    struct fb_web_timing *t = timing_of(c->service, c->route, status / 100);
    if (t == NULL) {
        return;
    }
    double seconds = (double)(fb_os_monotonic_ms() - c->started_ms) / 1000;
    int at = 0;
    while (at < FB_WEB_BUCKETS && seconds > BUCKETS_S[at]) {
        at++;
    }
    t->buckets[at]++;
    t->count++;
    t->sum_s += seconds;
}

void fb_web_service_metrics(const struct fb_web_service *s, struct fb_buf *out)
{
    fb_buf_append_text(out, "# TYPE fieldbook_http_request_seconds histogram\n");
    for (size_t i = 0; i < s->timing_count; i++) {
        const struct fb_web_timing *t = &s->timings[i];
        char labels[256];
        snprintf(labels, sizeof labels, "route=\"%s\",method=\"%s\",status=\"%dxx\"",
                 t->route == NULL ? "page" : t->route->pattern,
                 t->route == NULL ? "GET" : t->route->method, t->status_class);
        int64_t sum = 0;
        for (int b = 0; b < FB_WEB_BUCKETS; b++) {
            sum += t->buckets[b];
            fb_buf_printf(out, "fieldbook_http_request_seconds_bucket{%s,le=\"%g\"} %lld\n", labels,
                          BUCKETS_S[b], (long long)sum);
        }
        fb_buf_printf(out,
                      "fieldbook_http_request_seconds_bucket{%s,le=\"+Inf\"} %lld\n"
                      "fieldbook_http_request_seconds_sum{%s} %.3f\n"
                      "fieldbook_http_request_seconds_count{%s} %lld\n",
                      labels, (long long)t->count, labels, t->sum_s, labels, (long long)t->count);
    }
    fb_buf_printf(
        out,
        "# TYPE fieldbook_http_connections gauge\nfieldbook_http_connections %lld\n"
        "# TYPE fieldbook_http_requests_total counter\nfieldbook_http_requests_total %lld\n"
        "# TYPE fieldbook_http_refused_total counter\nfieldbook_http_refused_total %lld\n"
        "# TYPE fieldbook_event_streams gauge\nfieldbook_event_streams %lld\n",
        (long long)s->counters.connections, (long long)s->counters.requests,
        (long long)s->counters.refused, (long long)s->counters.event_streams);
}
