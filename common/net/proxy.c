/* SPDX-License-Identifier: MIT */
#include "common/net/proxy.h"

#include <string.h>

#include "common/base/limits.h"

#define STATUS_LINE_SIZE_MIN 12 /* HTTP/1.1 200 */

static void append_base64(struct fb_buf *out, const char *text)
{
    static const char LETTERS[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i += 3) {
        uint32_t bits = (uint32_t)(unsigned char)text[i] << 16;
        bits |= i + 1 < size ? (uint32_t)(unsigned char)text[i + 1] << 8 : 0;
        bits |= i + 2 < size ? (uint32_t)(unsigned char)text[i + 2] : 0;
        fb_buf_append_byte(out, LETTERS[bits >> 18 & 63]);
        fb_buf_append_byte(out, LETTERS[bits >> 12 & 63]);
        fb_buf_append_byte(out, i + 1 < size ? LETTERS[bits >> 6 & 63] : '=');
        fb_buf_append_byte(out, i + 2 < size ? LETTERS[bits & 63] : '=');
    }
}

void fb_proxy_write_request(const struct fb_proxy *proxy, const struct fb_address *target,
                            struct fb_buf *out)
{
    char text[FB_ADDRESS_TEXT_SIZE];
    fb_address_format(target, text);
    fb_buf_printf(out, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", text, text);
    if (proxy->login[0] != 0) {
        fb_buf_append_text(out, "Proxy-Authorization: Basic ");
        append_base64(out, proxy->login);
        fb_buf_append_text(out, "\r\n");
    }
    fb_buf_append_text(out, "\r\n");
}

static int refuse(const struct fb_proxy *proxy, int status, struct fb_why *why)
{
    char name[FB_ADDRESS_TEXT_SIZE];
    fb_address_format(&proxy->address, name);
    switch (status) {
    case 407:
        return fb_fail(
            why, FB_ERR_UNREACHABLE,
            proxy->login[0] == 0
                ? fb_text("the proxy %s wants a user name and password: write them into the "
                          "proxy's address, http://USER:PASSWORD@HOST:PORT")
                : fb_text("the proxy %s wants another user name and password: write them into the "
                          "proxy's address, http://USER:PASSWORD@HOST:PORT"),
            name);
    case 403:
    case 405:
        return fb_fail(why, FB_ERR_UNREACHABLE,
                       "the proxy %s forbids connections to the server: ask whoever runs the proxy "
                       "to allow CONNECT to it",
                       name);
    case 502:
    case 503:
    case 504:
        return fb_fail(why, FB_ERR_UNREACHABLE, "the proxy %s cannot reach the server (status %d)",
                       name, status);
    default:
        return fb_fail(why, FB_ERR_UNREACHABLE,
                       "the proxy %s refused to connect to the server (status %d)", name, status);
    }
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* The status of a well-formed status line, or -1. */
static int read_status(const uint8_t *line, size_t size)
{
    bool ok = size >= STATUS_LINE_SIZE_MIN && memcmp(line, "HTTP/1.", 7) == 0 &&
              (line[7] == '0' || line[7] == '1') && line[8] == ' ' && is_digit(line[9]) &&
              is_digit(line[10]) && is_digit(line[11]) &&
              (size == STATUS_LINE_SIZE_MIN || line[12] == ' ');
    return ok ? (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0') : -1;
}

/* Visible characters, blanks, tabs and bytes beyond ASCII in lines that end with CR LF; nothing
 * else. */
static bool is_header_text(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool is_line_end = bytes[i] == '\r' && (i + 1 == size || bytes[i + 1] == '\n');
        bool is_feed = bytes[i] == '\n' && i > 0 && bytes[i - 1] == '\r';
        if ((bytes[i] < ' ' && bytes[i] != '\t' && !is_line_end && !is_feed) || bytes[i] == 0x7F) {
            return false;
        }
    }
    return true;
}

int fb_proxy_read_answer(const struct fb_proxy *proxy, const uint8_t *bytes, size_t size,
                         bool *ret_is_open, struct fb_why *why)
{
    static const char START[] = "HTTP/1.";
    size_t known = size < sizeof(START) - 1 ? size : sizeof(START) - 1;
    const uint8_t *end = size == 0 ? NULL : memmem(bytes, size, "\r\n\r\n", 4);
    size_t header_size = end == NULL ? size : (size_t)(end - bytes) + 4;
    const uint8_t *line_end = size == 0 ? NULL : memmem(bytes, size, "\r\n", 2);
    int status = line_end == NULL ? 0 : read_status(bytes, (size_t)(line_end - bytes));
    if (memcmp(bytes, START, known) != 0 || status < 0 || !is_header_text(bytes, header_size) ||
        header_size > FB_PROXY_ANSWER_BYTES_MAX) {
        char name[FB_ADDRESS_TEXT_SIZE];
        fb_address_format(&proxy->address, name);
        return fb_fail(why, FB_ERR_UNREACHABLE,
                       "%s does not answer like an HTTP proxy: check the proxy's address", name);
    }
    if (end == NULL) {
        *ret_is_open = false;
        return FB_OK;
    }
    if (status < 200 || status > 299) {
        return refuse(proxy, status, why);
    }
    if (header_size != size) {
        return fb_fail(why, FB_ERR_UNREACHABLE,
                       "the proxy sent more than its answer: it is no tunnel to the server");
    }
    *ret_is_open = true;
    return FB_OK;
}
