/* SPDX-License-Identifier: MIT */
#include <stdint.h>

#include "common/base/limits.h"
#include "server/cli.h"

const struct fb_config_key FB_SERVER_CONFIG_KEYS[] = {
    {"server.listen", FB_CONFIG_TEXT, "0.0.0.0:7443", 0, 0,
     "where to listen for laptops: HOST:PORT"},
    {"server.strangers_per_address", FB_CONFIG_INT, "20", -1, 100000,
     "connections one address may hold before it showed a certificate; -1: no cap"},
    {"devices.approve", FB_CONFIG_TEXT, "automatic", 0, 0,
     "automatic: an enrolment code lets a laptop in; ask: an admin compares its check first"},
    {"devices.lease", FB_CONFIG_MS, "14d", 0, INT64_C(365) * 24 * 3600 * 1000,
     "how long a laptop may work without hearing of headquarters before it locks; 0s: for ever"},
    {"devices.history", FB_CONFIG_MS, "730d", 0, INT64_C(36500) * 24 * 3600 * 1000,
     "how long closed records stay on laptops after they were last changed; 0s: for ever"},
    {"devices.horizon", FB_CONFIG_MS, "180d", FB_HORIZON_MS_MIN, INT64_C(3650) * 24 * 3600 * 1000,
     "how long a laptop may stay away and still fetch only what changed; older log entries are "
     "packed"},
    {"log.level", FB_CONFIG_TEXT, "info", 0, 0, "error, warn, info or debug"},
    {"log.format", FB_CONFIG_TEXT, "logfmt", 0, 0, "logfmt or json"},
    {NULL, FB_CONFIG_TEXT, NULL, 0, 0, NULL},
};
