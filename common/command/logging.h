/* SPDX-License-Identifier: MIT
 *
 * Starts the log of a daemon from its configuration, --verbose and journald's environment.
 */
#ifndef FB_COMMAND_LOGGING_H
#define FB_COMMAND_LOGGING_H

#include "common/base/log.h"
#include "common/cli/cli.h"

/* The keys log.level and log.format must be in the program's table. level_max: a command that a person runs and watches
 * logs no more than that, unless --verbose asks for all. */
int fb_command_start_log(const struct fb_cli *cli, const struct fb_config *config,
                         enum fb_log_level level_max, struct fb_why *why) FB_MUST_CHECK;

#endif
