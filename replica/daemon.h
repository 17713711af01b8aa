/* SPDX-License-Identifier: MIT
 *
 * When to sync: one loop that keeps a connection to headquarters while there is a network, and carries bytes and time between
 * it and the round. `run` does so until SIGTERM, `sync` until everything is in step.
 */
#ifndef FB_REPLICA_DAEMON_H
#define FB_REPLICA_DAEMON_H

#include "common/base/err.h"
#include "common/sync/sync.h"

struct fb_replica_run {
    const char *data;   /* the folder, locked by the caller */
    const char *server; /* HOST:PORT; NULL: as at enrolment */
    const char *proxy;  /* NULL: from the environment */
    bool serves_pages;  /* run: the pages for this computer's browser */
    const char *web;    /* where, HOST:PORT; NULL: localhost:7480 or a free port */
    bool until_in_step; /* sync: ends when in step; a failure to connect ends it too */
    bool checks_digest; /* asks for a digest before it says in step */
    /* Called now and then with how far things are; may be NULL. */
    void (*on_progress)(void *ctx, const struct fb_replica_status *status);
    void *ctx;
    struct fb_replica_status ret_status; /* how it stood at the end */
    bool ret_must_wipe;   /* headquarters ordered the data to be erased: replica/wipe.h */
    int64_t ret_unsent;   /* edits that go with it */
    char ret_server[300]; /* where it is to be told */
};

/* FB_ERR_UNREACHABLE, FB_ERR_REFUSED, ... with a sentence; FB_ERR_INTERRUPTED if a signal ended a sync. */
int fb_replica_run(struct fb_replica_run *run, struct fb_why *why) FB_MUST_CHECK;

#endif
