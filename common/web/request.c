/* SPDX-License-Identifier: MIT
 *
 * The target of a request line, taken apart (RFC 3986, 3.3 and 3.4). What several programs could read in different ways
 * is refused rather than repaired: whoever sends `..`, `%00`, `//` or a backslash is not a browser on our pages.
 */
#include <string.h>

#include "common/base/hex.h"
#include "common/base/value.h"
#include "common/web/http.h"

/* Percent-decodes into the arena; plus_is_blank as forms write queries. NULL with *ret_err set. */
static char *decode(struct fb_arena *arena, const char *text, size_t size, bool plus_is_blank,
                    int *ret_err)
{
    char *out = fb_arena_alloc(arena, size + 1);
    if (out == NULL) {
        *ret_err = FB_ERR_NO_MEMORY;
        return NULL;
    }
    size_t n = 0;
    *ret_err = FB_ERR_INVALID;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '%') {
            int high = size - i > 2 ? fb_hex_digit(text[i + 1]) : -1;
            int low = size - i > 2 ? fb_hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return NULL;
            }
            c = (unsigned char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        if (c == 0) {
            return NULL;
        }
        out[n++] = (char)c;
    }
    if (!fb_utf8_is_valid(out, n)) {
        return NULL;
    }
    *ret_err = FB_OK;
    return out;
}

/* A decoded segment that names one thing and only that. */
static bool is_plain_segment(const char *segment)
{
    if (segment[0] == '\0' || strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0) {
        return false;
    }
    for (const char *p = segment; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7F || *p == '/' || *p == '\\') {
            return false;
        }
    }
    return true;
}

static int split_path(struct fb_request *req, const char *path, size_t size)
{
    req->segment_count = 0;
    size_t at = 1;
    while (at < size) {
        const char *slash = memchr(path + at, '/', size - at);
        size_t end = slash == NULL ? size : (size_t)(slash - path);
        int err;
        const char *segment = decode(req->arena, path + at, end - at, false, &err);
        if (segment == NULL) {
            return err;
        }
        if (!is_plain_segment(segment)) {
            return FB_ERR_INVALID;
        }
        if (req->segment_count == FB_HTTP_SEGMENTS_MAX) {
            return FB_ERR_LIMIT;
        }
        req->segments[req->segment_count++] = segment;
        at = end + 1;
    }
    return FB_OK;
}

static int split_query(struct fb_request *req, const char *query, size_t size)
{
    req->query_count = 0;
    for (size_t at = 0; at < size;) {
        const char *amp = memchr(query + at, '&', size - at);
        size_t end = amp == NULL ? size : (size_t)(amp - query);
        const char *equals = memchr(query + at, '=', end - at);
        size_t name_end = equals == NULL ? end : (size_t)(equals - query);
        if (end > at) {
            int err;
            if (req->query_count == FB_HTTP_QUERY_MAX) {
                return FB_ERR_LIMIT;
            }
            struct fb_http_pair *pair = &req->query[req->query_count];
            pair->name = decode(req->arena, query + at, name_end - at, true, &err);
            if (pair->name == NULL) {
                return err;
            }
            size_t value_at = equals == NULL ? end : name_end + 1;
            pair->value = decode(req->arena, query + value_at, end - value_at, true, &err);
            if (pair->value == NULL) {
                return err;
            }
            req->query_count++;
        }
        at = end + 1;
    }
    return FB_OK;
}

int fb_request_set_target(struct fb_request *req, const char *target, size_t size)
{
    if (size == 0 || target[0] != '/') {
        return FB_ERR_INVALID;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)target[i];
        if (c <= 0x20 || c >= 0x7F || c == '#' || c == '\\') {
            return FB_ERR_INVALID;
        }
    }
    const char *question = memchr(target, '?', size);
    size_t path_size = question == NULL ? size : (size_t)(question - target);
    int rc = split_path(req, target, path_size);
    if (rc < 0) {
        return rc;
    }
    req->path = decode(req->arena, target, path_size, false, &rc);
    if (req->path == NULL) {
        return rc;
    }
    return question == NULL ? FB_OK : split_query(req, question + 1, size - path_size - 1);
}

int fb_request_init(struct fb_request *req, struct fb_arena *arena, const char *method,
                    const char *target)
{
    static const struct fb_login NOBODY = {0};
    *req = (struct fb_request){.method = method,
                               .path = "/",
                               .body = "",
                               .language = "en",
                               .address = "",
                               .login = &NOBODY,
                               .arena = arena};
    return fb_request_set_target(req, target, strlen(target));
}

const char *fb_request_segment(const struct fb_request *req, int at)
{
    return at >= 0 && at < req->segment_count ? req->segments[at] : NULL;
}

static const char *find_pair(const struct fb_http_pair *pairs, int count, const char *name)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(pairs[i].name, name) == 0) {
            return pairs[i].value;
        }
    }
    return NULL;
}

const char *fb_request_query(const struct fb_request *req, const char *name)
{
    return find_pair(req->query, req->query_count, name);
}

const char *fb_request_header(const struct fb_request *req, const char *name)
{
    return find_pair(req->headers, req->header_count, name);
}
