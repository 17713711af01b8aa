/* SPDX-License-Identifier: MIT
 *
 * Headquarters' daemon: one loop, one port, one writer. It carries bytes and time between libuv and the hub, watches the
 * database for writes of other programs, and serves enrolment. What is decided about rows is decided in the hub.
 */
#ifndef FB_SERVER_DAEMON_H
#define FB_SERVER_DAEMON_H

#include "common/base/err.h"
#include "common/cli/config.h"

/* Runs until SIGTERM or SIGINT; data is the folder, locked by the caller. */
int fb_server_daemon_run(const char *data, const struct fb_config *config,
                         struct fb_why *why) FB_MUST_CHECK;

#endif
