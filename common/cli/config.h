/* SPDX-License-Identifier: MIT
 *
 * The configuration file: INI, UTF-8, `[section] key = value`, sizes `64MiB`, times `30s`. One
 * table of keys says name, type, default, range and meaning. Order of force: flag,
 * FIELDBOOK_<SECTION>_<KEY>, file, default. An unknown key is an error with a hint. Secrets are
 * never in it, only paths to them.
 */
#ifndef FB_CLI_CONFIG_H
#define FB_CLI_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"

enum fb_config_type {
    FB_CONFIG_TEXT,
    FB_CONFIG_INT,
    FB_CONFIG_BOOL,
    FB_CONFIG_BYTES,
    FB_CONFIG_MS
};

struct fb_config_key {
    const char *name; /* "section.key" */
    enum fb_config_type type;
    const char *initial;
    int64_t min; /* numbers, sizes in bytes, times in ms */
    int64_t max;
    const char *help;
};

struct fb_config;

/* keys ends with a NULL name. A missing file is an empty one. Release with fb_config_free(). */
int fb_config_read(const char *path, const struct fb_config_key *keys, struct fb_config **ret,
                   struct fb_why *why) FB_MUST_CHECK;
void fb_config_free(struct fb_config *config);

/* A flag of the command line. */
int fb_config_override(struct fb_config *config, const char *name, const char *text,
                       const char *origin, struct fb_why *why) FB_MUST_CHECK;

/* name must be in the table. An empty text is "". */
const char *fb_config_text(const struct fb_config *config, const char *name);
int64_t fb_config_int(const struct fb_config *config, const char *name);
bool fb_config_bool(const struct fb_config *config, const char *name);
/* Where the value came from: "default", "server.conf:12", "FIELDBOOK_LOG_LEVEL", "--listen". */
const char *fb_config_origin(const struct fb_config *config, const char *name);

#endif
