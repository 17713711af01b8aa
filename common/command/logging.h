/* SPDX-License-Identifier: MIT
 *
 * Starts the log of a daemon from its configuration, --verbose and journald's environment.
 */
#ifndef FB_COMMAND_LOGGING_H
#define FB_COMMAND_LOGGING_H

#include "common/cli/cli.h"

/* The keys log.level and log.format must be in the program's table. */
int fb_command_start_log(const struct fb_cli *cli, const struct fb_config *config,
                         struct fb_why *why) FB_MUST_CHECK;

#endif
