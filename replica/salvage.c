/* SPDX-License-Identifier: MIT */
#include "replica/salvage.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/os.h"

#define ASIDE_MAX 100

struct paths {
    char database[4300];
    char made[4300];
};

static const char *const TAILS[] = {"", "-wal", "-shm"};

static void remove_made(const struct paths *p)
{
    for (size_t i = 0; i < sizeof TAILS / sizeof *TAILS; i++) {
        char path[4400];
        snprintf(path, sizeof path, "%s%s", p->made, TAILS[i]);
        fb_os_remove_file(path);
    }
}

/* The newest that is there, or a new one. */
static int find_aside(const char *data, bool is_new, char *ret, size_t size, struct fb_why *why)
{
    char next[4200];
    ret[0] = '\0';
    for (int i = 1; i < ASIDE_MAX; i++) {
        snprintf(next, sizeof next, "%.4000s/damaged-%d", data, i);
        if (!fb_os_file_exists(next)) {
            break;
        }
        snprintf(ret, size, "%s", next);
    }
    if (!is_new && ret[0] != '\0') {
        return FB_OK;
    }
    if (fb_os_file_exists(next)) {
        return fb_fail(why, FB_ERR_LIMIT, "%s holds %d folders damaged-*: remove the old ones",
                       data, ASIDE_MAX - 1);
    }
    snprintf(ret, size, "%s", next);
    return fb_os_make_folder(ret, why);
}

/* The file before its log: without the file the next run knows what is left to do. A log that stayed would be played into the new
 * database. */
static int put_in_place(const struct paths *p, const char *aside, struct fb_why *why)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < sizeof TAILS / sizeof *TAILS; i++) {
        char from[4400];
        char to[4400];
        snprintf(from, sizeof from, "%s%s", p->database, TAILS[i]);
        snprintf(to, sizeof to, "%.4200s/fieldbook.db%s", aside, TAILS[i]);
        rc = fb_os_file_exists(from) ? fb_os_rename(from, to, why) : FB_OK;
    }
    rc = rc < 0 ? rc : fb_os_sync_folder_of(p->database, why);
    rc = rc < 0 ? rc : fb_os_rename(p->made, p->database, why);
    return rc < 0 ? rc : fb_os_sync_folder_of(p->database, why);
}

static int make_new(const struct paths *p, int64_t now_ms, struct fb_replica_salvage_report *ret,
                    struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    const struct fb_store_options options = {.node = FB_NODE_REPLICA, .may_create = true};
    remove_made(p);
    int rc = fb_store_open(p->made, &options, &s, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_store_salvage(p->database, s, now_ms, &ret->read, why);
    ret->has_nothing = rc == FB_ERR_DAMAGED;
    rc = ret->has_nothing ? FB_OK : rc;
    if (rc == FB_OK) {
        rc = fb_replica_salvage_outbox(s, ret->read.has_counters, &ret->outbox);
        rc = rc < 0 ? fb_store_error(s, why) : rc;
    }
    return rc;
}

/* Made again with the next `run`. */
static void remove_search(const char *data)
{
    for (size_t i = 0; i < sizeof TAILS / sizeof *TAILS; i++) {
        char path[4400];
        snprintf(path, sizeof path, "%.4200s/search.db%s", data, TAILS[i]);
        fb_os_remove_file(path);
    }
}

int fb_replica_salvage(const char *data, int64_t now_ms, struct fb_replica_salvage_report *ret,
                       struct fb_why *why)
{
    struct paths p;
    snprintf(p.database, sizeof p.database, "%.4200s/fieldbook.db", data);
    snprintf(p.made, sizeof p.made, "%.4200s/fieldbook.db.salvaged", data);
    *ret = (struct fb_replica_salvage_report){.is_finished = false};
    ret->is_finished = !fb_os_file_exists(p.database) && fb_os_file_exists(p.made);
    int rc = FB_OK;
    if (!ret->is_finished) {
        rc = fb_store_look_whole(p.database, why);
        if (rc != FB_ERR_DAMAGED) {
            return rc < 0 ? rc
                          : fb_fail(why, FB_ERR_EXISTS,
                                    "%s is whole: there is nothing to salvage; `doctor` alone "
                                    "mends tables and triggers",
                                    p.database);
        }
        why->text[0] = '\0';
        rc = make_new(&p, now_ms, ret, why);
    }
    rc = rc < 0 ? rc : find_aside(data, !ret->is_finished, ret->aside, sizeof ret->aside, why);
    rc = rc < 0 ? rc : put_in_place(&p, ret->aside, why);
    if (rc == FB_OK) {
        remove_search(data);
    } else if (!ret->is_finished && fb_os_file_exists(p.database)) {
        remove_made(&p);
    }
    return rc;
}
