/* SPDX-License-Identifier: MIT
 *
 * The head of a request: request line and headers, at most FB_HTTP_HEADER_BYTES_MAX, read only when it is whole. Checked
 * here, because llhttp lets it pass or because two readers could differ about it (RFC 9112; request smuggling):
 *
 *   lines end with CR LF, never with one of them alone; no NUL or control character; no folded line (a blank in front)
 *   a name is a token right before its colon; at most FB_HTTP_HEADERS_MAX headers
 *   exactly one Host, which is a host and perhaps a port
 *   one Content-Length of digits, or one Transfer-Encoding that is "chunked", never both; none with GET or HEAD
 *   HTTP/1.1 and an absolute path, as browsers send it
 */
#include <string.h>
#include <strings.h>

#include "common/web/http_inside.h"

size_t fb_http_head_end(const uint8_t *bytes, size_t size, int *ret_status)
{
    *ret_status = 0;
    for (size_t i = 0; i < size && i < FB_HTTP_HEADER_BYTES_MAX; i++) {
        uint8_t c = bytes[i];
        bool is_cr_next = i + 1 < size && bytes[i + 1] != '\n';
        if ((c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7F ||
            (c == '\r' && is_cr_next) || (c == '\n' && (i == 0 || bytes[i - 1] != '\r'))) {
            *ret_status = 400;
            return 0;
        }
        if (c == '\n' && i >= 3 && bytes[i - 2] == '\n') {
            return i + 1;
        }
    }
    if (size >= FB_HTTP_HEADER_BYTES_MAX) {
        *ret_status = 431;
    }
    return 0;
}

static bool is_token(const char *text, size_t size)
{
    static const char MARKS[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        bool is_letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!is_letter && (c == '\0' || strchr(MARKS, c) == NULL)) {
            return false;
        }
    }
    return size > 0;
}

/* "name:port", "[v6]:port"; nothing that could end in a link or a header of ours. */
static bool is_host(const char *host)
{
    size_t size = strlen(host);
    size_t good =
        strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]");
    return size > 0 && size <= 260 && good == size;
}

static int check_length(const char *value)
{
    size_t size = strlen(value);
    return size > 0 && size <= 15 && strspn(value, "0123456789") == size ? 0 : 400;
}

struct seen {
    int hosts;
    int lengths;
    int encodings;
};

static int check_header(const struct fb_http_pair *h, struct seen *seen)
{
    if (strcmp(h->name, "host") == 0) {
        return seen->hosts++ > 0 || !is_host(h->value) ? 400 : 0;
    }
    if (strcmp(h->name, "content-length") == 0) {
        return seen->lengths++ > 0 ? 400 : check_length(h->value);
    }
    if (strcmp(h->name, "transfer-encoding") == 0) {
        if (seen->encodings++ > 0) {
            return 400;
        }
        return strcasecmp(h->value, "chunked") == 0 ? 0 : 501;
    }
    if (strcmp(h->name, "expect") == 0) {
        return strcasecmp(h->value, "100-continue") == 0 ? 0 : 417;
    }
    return 0;
}

/* One line without its CR LF into the next pair. */
static int read_line(struct fb_http_conn *conn, const char *line, size_t size, struct seen *seen)
{
    struct fb_request *req = &conn->req;
    const char *colon = memchr(line, ':', size);
    if (colon == NULL || !is_token(line, (size_t)(colon - line))) {
        return 400; /* a folded line begins with a blank: no token */
    }
    if (req->header_count == FB_HTTP_HEADERS_MAX) {
        return 431;
    }
    size_t name_size = (size_t)(colon - line);
    const char *value = colon + 1;
    const char *end = line + size;
    while (value < end && (*value == ' ' || *value == '\t')) {
        value++;
    }
    while (end > value && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    char *name = fb_arena_copy(&conn->arena, line, name_size);
    char *copy = fb_arena_copy(&conn->arena, value, (size_t)(end - value));
    if (name == NULL || copy == NULL) {
        return 503;
    }
    for (char *p = name; *p != '\0'; p++) {
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p | 0x20 : *p);
    }
    req->headers[req->header_count++] = (struct fb_http_pair){.name = name, .value = copy};
    return check_header(&req->headers[req->header_count - 1], seen);
}

static int read_headers(struct fb_http_conn *conn, const char *at, const char *end)
{
    struct seen seen = {0};
    while (at < end) {
        const char *line_end = memchr(at, '\r', (size_t)(end - at));
        if (line_end == NULL || line_end == at) {
            break;
        }
        int status = read_line(conn, at, (size_t)(line_end - at), &seen);
        if (status != 0) {
            return status;
        }
        at = line_end + 2;
    }
    return seen.hosts != 1 || (seen.lengths > 0 && seen.encodings > 0) ? 400 : 0;
}

/* METHOD SP TARGET SP HTTP/1.1, one blank each. */
static int read_request_line(struct fb_http_conn *conn, const char *line, size_t size)
{
    static const char *const METHODS[] = {"GET",   "HEAD",   "POST",   "PUT",
                                          "PATCH", "DELETE", "OPTIONS"};
    const char *blank = memchr(line, ' ', size);
    const char *second =
        blank == NULL ? NULL : memchr(blank + 1, ' ', size - (size_t)(blank + 1 - line));
    if (second == NULL || !is_token(line, (size_t)(blank - line))) {
        return 400;
    }
    const char *version = second + 1;
    size_t version_size = size - (size_t)(version - line);
    if (version_size != 8 || memcmp(version, "HTTP/1.1", 8) != 0) {
        return version_size == 8 && memcmp(version, "HTTP/", 5) == 0 ? 505 : 400;
    }
    conn->req.method = NULL;
    for (size_t i = 0; i < sizeof METHODS / sizeof *METHODS; i++) {
        if (strlen(METHODS[i]) == (size_t)(blank - line) &&
            memcmp(METHODS[i], line, strlen(METHODS[i])) == 0) {
            conn->req.method = METHODS[i];
        }
    }
    if (conn->req.method == NULL) {
        return 501;
    }
    int rc = fb_request_set_target(&conn->req, blank + 1, (size_t)(second - blank - 1));
    return rc == FB_OK ? 0 : rc == FB_ERR_LIMIT ? 414 : rc == FB_ERR_NO_MEMORY ? 503 : 400;
}

static const char *language_of(const struct fb_request *req)
{
    const char *languages = fb_request_header(req, "accept-language");
    return languages != NULL && strncasecmp(languages, "zh", 2) == 0 ? "zh" : "en";
}

static int check_meaning(struct fb_http_conn *conn)
{
    struct fb_request *req = &conn->req;
    bool has_body = conn->parser.content_length > 0 || (conn->parser.flags & F_CHUNKED) != 0;
    conn->is_head = strcmp(req->method, "HEAD") == 0;
    if (conn->is_head) {
        req->method = "GET";
    }
    if (has_body && strcmp(req->method, "GET") == 0) {
        return 400;
    }
    const char *connection = fb_request_header(req, "connection");
    conn->is_kept = connection == NULL || strcasestr(connection, "close") == NULL;
    conn->wants_continue = has_body && fb_request_header(req, "expect") != NULL;
    req->language = language_of(req);
    return 0;
}

int fb_http_head_read(struct fb_http_conn *conn, const uint8_t *bytes, size_t size)
{
    const char *text = (const char *)bytes;
    const char *line_end = memchr(text, '\r', size);
    fb_assert(line_end != NULL && size > (size_t)(line_end - text) + 2);
    int status = fb_request_init(&conn->req, &conn->arena, "GET", "/") < 0 ? 503 : 0;
    status = status != 0 ? status : read_request_line(conn, text, (size_t)(line_end - text));
    status = status != 0 ? status : read_headers(conn, line_end + 2, text + size - 2);
    if (status != 0) {
        return status;
    }
    /* llhttp judges too, and knows from here on how the body is framed. It pauses behind the head. */
    enum llhttp_errno code = llhttp_execute(&conn->parser, text, size);
    if (code != HPE_PAUSED || llhttp_get_error_pos(&conn->parser) != text + size) {
        return 400;
    }
    return check_meaning(conn);
}
