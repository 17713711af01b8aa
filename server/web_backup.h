/* SPDX-License-Identifier: MIT
 *
 * A backup that the pages asked for (server/api_backups.c).
 */
#ifndef FB_SERVER_WEB_BACKUP_H
#define FB_SERVER_WEB_BACKUP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"

struct fb_web_backup {
    const char *data; /* the daemon's folder; borrowed */
    char path[4200];
    int64_t started_ms; /* 0: none since the daemon began */
    bool is_running;    /* err and why belong to the pool's thread */
    int err;
    struct fb_why why;
    _Atomic int64_t done, total; /* bytes of the step it is at */
    atomic_bool is_stopping;
};

#endif
