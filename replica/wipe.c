/* SPDX-License-Identifier: MIT */
#include "replica/wipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/base/time.h"
#include "common/crm/say.h"
#include "replica/enrol.h"
#include "replica/question.h"
#include "replica/vault.h"

#define MARK_BYTES_MAX 2048

/* Of the identity, which lies beside an encrypted folder. */
static const char *path_in(const char *data, const char *name)
{
    static _Thread_local char path[4400];
    fb_vault_identity(data, name, path, sizeof path);
    return path;
}

/* ---- The mark ---- */

struct mark {
    long long unsent;
    int64_t at_ms;
    char server[300];
};

static int read_mark(const char *data, struct mark *ret)
{
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, MARK_BYTES_MAX);
    int rc = fb_os_read_file(path_in(data, "wiped"), &text, NULL);
    fb_buf_append_byte(&text, '\0');
    long long at_ms = 0;
    bool is_mark =
        rc == FB_OK && sscanf((const char *)text.bytes, "unsent %lld\nat_ms %lld\nserver %299s",
                              &ret->unsent, &at_ms, ret->server) == 3;
    ret->at_ms = at_ms;
    return is_mark ? FB_OK : rc < 0 ? rc : FB_ERR_DAMAGED;
}

bool fb_replica_is_wiped(const char *data)
{
    return fb_os_file_exists(path_in(data, "wiped"));
}

void fb_replica_wiped_say(const char *data, struct fb_why *ret)
{
    struct mark mark = {.unsent = 0};
    char instant[FB_INSTANT_SIZE];
    char at[FB_LOCAL_TIME_SIZE];
    fb_ignore(read_mark(data, &mark), "then the time is 1970, and the sentence true all the same");
    fb_instant_format(mark.at_ms, instant);
    fb_why_set(ret,
               "the data of this laptop was erased at %s, as headquarters ordered; ask your "
               "administrator for a new enrolment code",
               fb_say_time(instant, at));
}

/* ---- Erasing ---- */

/* Stays until headquarters was told; the lock is ours. */
static bool is_kept(const char *name)
{
    static const char *const KEPT[] = {
        "wiped", "key.pem", "certificate.pem", "authority.pem", "replica.conf", "server", "lock"};
    for (size_t i = 0; i < sizeof KEPT / sizeof *KEPT; i++) {
        if (strcmp(name, KEPT[i]) == 0) {
            return true;
        }
    }
    return false;
}

struct erasing {
    const char *folder;
    int depth;
    struct fb_why *why;
};

static int erase_one(void *ctx, const char *name)
{
    const struct erasing *e = ctx;
    char path[8192];
    snprintf(path, sizeof path, "%s/%s", e->folder, name);
    if (e->depth == 0 && is_kept(name)) {
        return FB_OK;
    }
    struct erasing below = {.folder = path, .depth = e->depth + 1, .why = e->why};
    if (fb_os_is_folder(path)) {
        int rc = e->depth > 8 ? FB_ERR_LIMIT : fb_os_each_file(path, erase_one, &below, e->why);
        return rc < 0 ? rc : fb_os_remove_folder(path, e->why);
    }
    return fb_os_erase_file(path, e->why);
}

static int erase_data(const char *data, struct fb_why *why)
{
    struct erasing all = {.folder = data, .why = why};
    int rc = fb_os_erase_file(path_in(data, "lease"), why);
    rc = rc < 0 ? rc : fb_os_erase_file(path_in(data, "codes"), why);
    rc = rc < 0 ? rc : fb_os_each_file(data, erase_one, &all, why);
    return rc < 0 ? rc : fb_os_sync_folder_of(path_in(data, "wiped"), why);
}

int fb_replica_wipe(const char *data, const char *server, long long unsent, struct fb_why *why)
{
    char text[MARK_BYTES_MAX];
    snprintf(text, sizeof text, "unsent %lld\nat_ms %lld\nserver %s\n", unsent,
             (long long)fb_os_now_ms(), server);
    int rc = fb_os_write_file(path_in(data, "wiped"), text, strlen(text), 0600, why);
    return rc < 0 ? rc : erase_data(data, why);
}

static int tell_headquarters(const char *data, const struct mark *mark, const char *proxy,
                             struct fb_why *why)
{
    struct fb_tls_client *tls = NULL;
    struct fb_question q = {.is_answered = false};
    const struct fb_message m = {.kind = FB_MESSAGE_WIPED, .wiped_unsent = mark->unsent};
    int rc = fb_enrol_tls(data, &tls, why);
    if (rc < 0) {
        return rc;
    }
    const struct fb_stream_connect_config config = {
        .address = mark->server, .tls = tls, .alpn = FB_ALPN_SYNC, .proxy = proxy};
    rc = fb_question_ask(&config, &m, &q, why);
    bool is_noted = rc == FB_OK && q.answer.kind == FB_MESSAGE_REFUSE &&
                    q.answer.refuse.reason == FB_REFUSAL_WIPE;
    if (rc == FB_OK && !is_noted) {
        rc =
            fb_fail(why, FB_ERR_PROTOCOL, "headquarters did not take note that the data is erased");
    }
    fb_question_release(&q);
    fb_tls_client_free(tls);
    return rc;
}

int fb_replica_wipe_finish(const char *data, const char *proxy, struct fb_why *why)
{
    struct mark mark = {.unsent = 0};
    int rc = read_mark(data, &mark);
    if (rc < 0) {
        return fb_fail(why, rc, "%s/wiped cannot be read: delete the folder", data);
    }
    rc = erase_data(data, why);
    if (rc < 0 || !fb_os_file_exists(path_in(data, "key.pem"))) {
        return rc;
    }
    rc = tell_headquarters(data, &mark, proxy, why);
    static const char *const IDENTITY[] = {"key.pem", "certificate.pem", "authority.pem", "server"};
    for (size_t i = 0; rc == FB_OK && i < sizeof IDENTITY / sizeof *IDENTITY; i++) {
        rc = fb_os_erase_file(path_in(data, IDENTITY[i]), why);
    }
    return rc;
}
