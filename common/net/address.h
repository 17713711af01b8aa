/* SPDX-License-Identifier: MIT
 *
 * HOST:PORT as people write it, and which proxy stands before a host. Values in, values out.
 */
#ifndef FB_NET_ADDRESS_H
#define FB_NET_ADDRESS_H

#include <stdbool.h>

#include "common/base/err.h"

#define FB_HOST_SIZE 254 /* RFC 1035: 253 characters and the zero */

struct fb_address {
    char host[FB_HOST_SIZE]; /* without brackets */
    int port;                /* 0 to 65535 */
};

/* HOST, HOST:PORT, [V6], [V6]:PORT or a bare V6. default_port if none is written; -1: it must be.
 * FB_ERR_CONFIG with a sentence. */
int fb_address_parse(const char *text, int default_port, struct fb_address *ret_address,
                     struct fb_why *why) FB_MUST_CHECK;

/* "host:port", IPv6 in brackets. */
#define FB_ADDRESS_TEXT_SIZE (FB_HOST_SIZE + 9)
void fb_address_format(const struct fb_address *address,
                       char ret_text[static FB_ADDRESS_TEXT_SIZE]);

/* True if host is a numeric IPv4 or IPv6 address. */
bool fb_address_is_numeric(const char *host);

#define FB_PROXY_LOGIN_SIZE 256

struct fb_proxy {
    bool is_used;
    struct fb_address address;
    char login[FB_PROXY_LOGIN_SIZE]; /* USER:PASSWORD, percent-decoded; empty: none */
};

/* What fb_stream_connect_config.proxy means for a target; NULL reads the environment (HTTPS_PROXY,
 * https_proxy, NO_PROXY, no_proxy). Without being configured, loopback is always reached directly.
 * Only http:// proxies are known. */
int fb_proxy_choose(const char *configured, const struct fb_address *target,
                    struct fb_proxy *ret_proxy, struct fb_why *why) FB_MUST_CHECK;

/* True if a NO_PROXY list (names, .suffixes, numeric addresses, with or without a port, "*"; no
 * CIDR) covers the target. */
bool fb_proxy_is_exempt(const char *no_proxy, const struct fb_address *target);

#endif
