/* SPDX-License-Identifier: MIT
 *
 * How the server is, for admins: what needs a hand, and a few facts. In the loop's thread, where the daemon's state is.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/os.h"
#include "common/base/time.h"
#include "common/net/ca.h"
#include "common/store/sql.h"
#include "server/api_inside.h"
#include "server/rewound.h"
#include "server/web.h"

#define DAY_MS          INT64_C(86400000)
#define BACKUP_DAYS_MAX 7
#define FREE_BYTES_MIN  (INT64_C(1) << 30) /* below: checkpoints and backups may fail */
#define CERT_DAYS_MIN   14                 /* the daemon renews long before, when it starts */

struct check {
    const char *name;
    bool ok;
    int64_t since_ms; /* 0: not known */
    /* What detail says, for pages that say it in the reader's language; NULL: detail alone. */
    const char *fact;
    int64_t value; /* of the fact: bytes, or an instant in ms; 0: none */
    char detail[FB_WHY_SIZE];
};

static void append_check(struct fb_buf *out, const struct check *c)
{
    fb_buf_append_text(out, out->bytes[out->size - 1] == '[' ? "{" : ",{");
    fb_server_append_text(out, "name", c->name);
    fb_buf_printf(out, ",\"ok\":%s", c->ok ? "true" : "false");
    fb_server_append_text(out, "detail", c->detail[0] == '\0' ? NULL : c->detail);
    fb_server_append_instant(out, "since", c->since_ms);
    if (c->fact != NULL) {
        fb_server_append_text(out, "fact", c->fact);
        fb_buf_printf(out, ",\"value\":%lld", (long long)c->value);
    }
    fb_buf_append_byte(out, '}');
}

static void append_database(const struct fb_server_web *node, struct fb_buf *out)
{
    const struct fb_daemon *d = node->daemon;
    const char *rewound = fb_hub_rewound_why(d->hub);
    const char *why = rewound != NULL ? rewound : fb_web_service_damage(node->service);
    struct check c = {.name = "database", .ok = d->settle_again_ms == 0 && why == NULL};
    if (why != NULL) {
        snprintf(c.detail, sizeof c.detail, "%s", why);
    } else if (!c.ok) {
        c.fact = "no_writes";
        snprintf(c.detail, sizeof c.detail, "%s",
                 fb_text("the database takes no writes: see the log"));
    }
    append_check(out, &c);
}

static void append_disk(const struct fb_daemon *d, struct fb_buf *out)
{
    int64_t free_bytes = 0;
    struct check c = {.name = "disk"};
    if (fb_os_free_bytes(d->data, &free_bytes) == FB_OK) {
        c.ok = free_bytes >= FREE_BYTES_MIN;
        c.fact = "free";
        c.value = free_bytes;
        snprintf(c.detail, sizeof c.detail, fb_text("%lld MB are free"),
                 (long long)(free_bytes / 1000000));
    }
    append_check(out, &c);
}

static void append_last_backup(struct fb_web *web, struct fb_buf *out)
{
    int64_t at_ms = 0;
    struct check c = {.name = "backup"};
    if (fb_store_meta_int(web->store, "backup_at_ms", &at_ms) == FB_OK && at_ms > 0) {
        c.ok = web->now_ms - at_ms < BACKUP_DAYS_MAX * DAY_MS;
        c.since_ms = at_ms;
    } else {
        c.fact = "never";
        snprintf(c.detail, sizeof c.detail, "%s", fb_text("no backup was made yet"));
    }
    append_check(out, &c);
}

static void append_certificate(const struct fb_daemon *d, int64_t now_ms, struct fb_buf *out)
{
    struct fb_cert cert;
    struct fb_why why = {""};
    struct check c = {.name = "certificate"};
    const struct fb_buf *bytes = &d->authority.server.cert;
    if (fb_cert_read(bytes->bytes, bytes->size, &cert, &why) == FB_OK) {
        char until[FB_INSTANT_SIZE];
        c.ok = cert.valid_until_ms - now_ms > CERT_DAYS_MIN * DAY_MS;
        c.fact = "until";
        c.value = cert.valid_until_ms;
        fb_instant_format(cert.valid_until_ms, until);
        snprintf(c.detail, sizeof c.detail, fb_text("valid until %.10s"), until);
    } else {
        snprintf(c.detail, sizeof c.detail, "%s", why.text);
    }
    append_check(out, &c);
}

static int append_facts(struct fb_web *web, const struct fb_server_web *node, struct fb_buf *out)
{
    int64_t database_bytes = 0;
    int64_t rev = 0;
    int64_t devices = 0;
    struct fb_web_counters counters;
    fb_web_service_counters(node->service, &counters);
    fb_ignore(fb_os_file_bytes(node->database, &database_bytes), "shown as 0");
    int rc = fb_sql_read_int(web->store, "SELECT coalesce(max(rev), 0) FROM fb_rev", &rev);
    rc = rc < 0 ? rc
                : fb_sql_read_int(web->store, "SELECT count(*) FROM device WHERE state = 'active'",
                                  &devices);
    fb_server_append_text(out, "version", FB_VERSION);
    fb_buf_printf(out,
                  ",\"uptime_s\":%lld,\"database_bytes\":%lld,\"rev\":\"%lld\",\"devices\":%lld,"
                  "\"browsers\":%lld",
                  (long long)((web->now_ms - node->started_ms) / 1000), (long long)database_bytes,
                  (long long)rev, (long long)devices, (long long)counters.connections);
    return rc;
}

int fb_server_get_health(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    const struct fb_server_web *node = web->node_context;
    struct fb_buf *out = &res->body;
    (void)req;
    fb_buf_append_text(out, "{\"checks\":[");
    append_database(node, out);
    append_disk(node->daemon, out);
    append_last_backup(web, out);
    append_certificate(node->daemon, web->now_ms, out);
    fb_buf_append_byte(out, ']');
    int rc = append_facts(web, node, out);
    fb_buf_append_byte(out, '}');
    return rc;
}
