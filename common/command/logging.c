/* SPDX-License-Identifier: MIT */
#include "common/command/logging.h"

#include <stdlib.h>
#include <string.h>

int fb_command_start_log(const struct fb_cli *cli, const struct fb_config *config,
                         enum fb_log_level level_max, struct fb_why *why)
{
    struct fb_log_config log = {.is_journald = getenv("JOURNAL_STREAM") != NULL};
    const char *level = fb_config_text(config, "log.level");
    const char *format = fb_config_text(config, "log.format");
    if (!fb_log_level_parse(level, &log.level)) {
        return fb_fail(why, FB_ERR_CONFIG,
                       "%s: log.level = %s is not one of error, warn, info, debug",
                       fb_config_origin(config, "log.level"), level);
    }
    if (strcmp(format, "json") != 0 && strcmp(format, "logfmt") != 0) {
        return fb_fail(why, FB_ERR_CONFIG, "%s: log.format = %s is neither logfmt nor json",
                       fb_config_origin(config, "log.format"), format);
    }
    log.is_json = strcmp(format, "json") == 0;
    log.level = log.level < level_max ? log.level : level_max;
    if (fb_cli_has(cli, "verbose")) {
        log.level = FB_LOG_DEBUG;
    }
    if (fb_cli_is_quiet(cli)) {
        log.level = FB_LOG_ERROR;
    }
    fb_log_configure(&log);
    return FB_OK;
}
