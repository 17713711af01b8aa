/* SPDX-License-Identifier: MIT
 *
 * The words of an HTTP CONNECT proxy (RFC 9110, 9.3.6). Values in, values out.
 */
#ifndef FB_NET_PROXY_H
#define FB_NET_PROXY_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/net/address.h"

/* Appends the request for a tunnel to target. */
void fb_proxy_write_request(const struct fb_proxy *proxy, const struct fb_address *target,
                            struct fb_buf *out);

/* Reads the answer received so far. FB_OK with *ret_is_open false: more is needed.
 * FB_ERR_UNREACHABLE with a sentence when the proxy refused, is no proxy, said more than its header
 * (a tunnel's server speaks second), or more than FB_PROXY_ANSWER_BYTES_MAX. */
int fb_proxy_read_answer(const struct fb_proxy *proxy, const uint8_t *bytes, size_t size,
                         bool *ret_is_open, struct fb_why *why) FB_MUST_CHECK;

#endif
