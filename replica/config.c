/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "replica/cli.h"

const struct fb_config_key FB_REPLICA_CONFIG_KEYS[] = {
    {"server.address", FB_CONFIG_TEXT, "", 0, 0,
     "headquarters' HOST:PORT, if it moved since enrolment"},
    {"network.proxy", FB_CONFIG_TEXT, "", 0, 0,
     "HTTP proxy to go through, HOST:PORT; empty: as HTTPS_PROXY says; none: no proxy"},
    {"web.listen", FB_CONFIG_TEXT, "", 0, 0,
     "where the pages are, HOST:PORT of this computer; empty: localhost:7480, or a free port"},
    {"log.level", FB_CONFIG_TEXT, "info", 0, 0, "error, warn, info or debug"},
    {"log.format", FB_CONFIG_TEXT, "logfmt", 0, 0, "logfmt or json"},
    {NULL, FB_CONFIG_TEXT, NULL, 0, 0, NULL},
};
