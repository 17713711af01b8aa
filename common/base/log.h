/* SPDX-License-Identifier: MIT
 *
 * Log lines for the people who run Fieldbook: one line each on stderr, logfmt or JSON, levels
 * error, warn, info, debug. Names of events are stable (docs/operations.md). Never a row's content
 * above debug. Only programs log; library code returns errors.
 */
#ifndef FB_BASE_LOG_H
#define FB_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"

enum fb_log_level { FB_LOG_ERROR, FB_LOG_WARN, FB_LOG_INFO, FB_LOG_DEBUG };

struct fb_log_config {
    enum fb_log_level level;
    bool is_json;
    bool is_journald; /* no time, an <N> priority in front */
};

void fb_log_configure(const struct fb_log_config *config);
bool fb_log_level_parse(const char *name, enum fb_log_level *ret);

/* fb_log(FB_LOG_INFO, "round", "device=%s ms=%lld", device, ms): the event, then logfmt pairs.
 * Values with blanks must be written through %s of a pair's value with fb_log_quote. */
void fb_log(enum fb_log_level level, const char *event, const char *pairs_format, ...)
    FB_PRINTF(3, 4);

/* text in quotes, escaped, in one of eight rotating buffers of the thread; at most 400 characters.
 */
const char *fb_log_quote(const char *text);

#endif
