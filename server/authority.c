/* SPDX-License-Identifier: MIT */
#include "server/authority.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/os.h"

#define PEM_BYTES_MAX   ((size_t)64 * 1024)
#define HOSTS_MAX       64
#define SERVER_LIFE_MS  (INT64_C(90) * 86400000)
#define RENEW_WHEN_LEFT (SERVER_LIFE_MS / 3)
#define AUTHORITY_NAME  "Fieldbook"

static int write_pem(const char *data, const char *name, const struct fb_buf *pem, unsigned mode,
                     struct fb_why *why)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/tls/%s", data, name);
    return fb_os_write_file(path, pem->bytes, pem->size, mode, why);
}

static int read_pem(const char *data, const char *name, struct fb_buf *ret, struct fb_why *why)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/tls/%s", data, name);
    fb_buf_init(ret, PEM_BYTES_MAX);
    int rc = fb_os_read_file(path, ret, why);
    if (rc == FB_ERR_NOT_FOUND) {
        return fb_fail(
            why, FB_ERR_CONFIG,
            "%s is missing: bring it back from a backup, or make a new headquarters with `init`",
            path);
    }
    return rc;
}

static int read_key(const char *data, const char *name, struct fb_buf *ret, struct fb_why *why)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/tls/%s", data, name);
    fb_buf_init(ret, PEM_BYTES_MAX);
    if (fb_os_file_exists(path)) {
        int rc = fb_os_check_private(path, why);
        if (rc < 0) {
            return rc;
        }
    }
    return read_pem(data, name, ret, why);
}

static int write_pair(const char *data, const char *name, const struct fb_ca_pair *pair,
                      const struct fb_buf *chain, struct fb_why *why)
{
    char file[64];
    FB_AUTO(fb_buf_release) struct fb_buf whole;
    fb_buf_init(&whole, PEM_BYTES_MAX);
    fb_buf_append(&whole, pair->cert.bytes, pair->cert.size);
    if (chain != NULL) {
        fb_buf_append(&whole, chain->bytes, chain->size);
    }
    int rc = fb_buf_error(&whole);
    if (rc < 0) {
        return rc;
    }
    snprintf(file, sizeof file, "%s.key", name);
    rc = write_pem(data, file, &pair->key, 0600, why);
    if (rc < 0) {
        return rc;
    }
    snprintf(file, sizeof file, "%s.pem", name);
    return write_pem(data, file, &whole, 0644, why);
}

static int write_hosts(const char *data, const char *const *hosts, size_t count, struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, PEM_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        fb_buf_printf(&text, "%s\n", hosts[i]);
    }
    int rc = fb_buf_error(&text);
    return rc < 0 ? rc : write_pem(data, "hosts", &text, 0644, why);
}

/* Lines of DIR/tls/hosts as an array into text. */
static int read_hosts(const char *data, struct fb_buf *text, const char *hosts[static HOSTS_MAX],
                      size_t *ret_count, struct fb_why *why)
{
    int rc = read_pem(data, "hosts", text, why);
    if (rc < 0) {
        return rc;
    }
    size_t count = 0;
    char *rest = NULL;
    for (char *line = text->size == 0 ? NULL : strtok_r((char *)text->bytes, "\n", &rest);
         line != NULL && count < HOSTS_MAX; line = strtok_r(NULL, "\n", &rest)) {
        hosts[count++] = line;
    }
    *ret_count = count;
    return FB_OK;
}

static int make_server(const char *data, const struct fb_ca_pair *issuer, const char *const *hosts,
                       size_t host_count, int64_t now_ms, struct fb_why *why)
{
    FB_AUTO(fb_ca_pair_release) struct fb_ca_pair server;
    fb_ca_pair_init(&server);
    int rc = fb_ca_make_server(issuer, hosts, host_count, now_ms, &server, why);
    return rc < 0 ? rc : write_pair(data, "server", &server, &issuer->cert, why);
}

int fb_authority_make(const char *data, const char *const *hosts, size_t host_count, int64_t now_ms,
                      struct fb_why *why)
{
    FB_AUTO(fb_ca_pair_release) struct fb_ca_pair root;
    FB_AUTO(fb_ca_pair_release) struct fb_ca_pair issuer;
    FB_AUTO(fb_buf_release) struct fb_buf ca;
    fb_ca_pair_init(&root);
    fb_ca_pair_init(&issuer);
    fb_buf_init(&ca, PEM_BYTES_MAX);
    char folder[4096];
    snprintf(folder, sizeof folder, "%s/tls", data);
    int rc = fb_os_make_folder(folder, why);
    rc = rc < 0 ? rc : fb_ca_make_root(AUTHORITY_NAME " root", now_ms, &root, why);
    rc = rc < 0 ? rc : fb_ca_make_issuer(&root, AUTHORITY_NAME " issuing", now_ms, &issuer, why);
    rc = rc < 0 ? rc : write_pair(data, "root", &root, NULL, why);
    rc = rc < 0 ? rc : write_pair(data, "issuer", &issuer, NULL, why);
    if (rc < 0) {
        return rc;
    }
    fb_buf_append(&ca, root.cert.bytes, root.cert.size);
    fb_buf_append(&ca, issuer.cert.bytes, issuer.cert.size);
    rc = fb_buf_error(&ca);
    rc = rc < 0 ? rc : write_pem(data, "ca.pem", &ca, 0644, why);
    rc = rc < 0 ? rc : write_hosts(data, hosts, host_count, why);
    return rc < 0 ? rc : make_server(data, &issuer, hosts, host_count, now_ms, why);
}

static int renew_if_due(const char *data, const struct fb_authority *a, int64_t now_ms,
                        bool *ret_renewed, struct fb_why *why)
{
    struct fb_cert cert;
    int rc = fb_cert_read(a->server.cert.bytes, a->server.cert.size, &cert, why);
    if (rc < 0 || cert.valid_until_ms - now_ms > RENEW_WHEN_LEFT) {
        return rc;
    }
    FB_AUTO(fb_buf_release) struct fb_buf text = {0};
    const char *hosts[HOSTS_MAX];
    size_t count;
    rc = read_hosts(data, &text, hosts, &count, why);
    rc = rc < 0 ? rc : make_server(data, &a->issuer, hosts, count, now_ms, why);
    *ret_renewed = rc == FB_OK;
    return rc;
}

static int load_server(const char *data, struct fb_authority *a, struct fb_why *why)
{
    int rc = read_key(data, "server.key", &a->server.key, why);
    return rc < 0 ? rc : read_pem(data, "server.pem", &a->server.cert, why);
}

static int load(const char *data, int64_t now_ms, struct fb_authority *a, struct fb_why *why)
{
    int rc = read_key(data, "issuer.key", &a->issuer.key, why);
    rc = rc < 0 ? rc : read_pem(data, "issuer.pem", &a->issuer.cert, why);
    rc = rc < 0 ? rc : read_pem(data, "ca.pem", &a->ca, why);
    rc = rc < 0 ? rc : load_server(data, a, why);
    rc = rc < 0 ? rc : fb_authority_pin(data, &a->root_fingerprint, why);
    bool was_renewed = false;
    rc = rc < 0 ? rc : renew_if_due(data, a, now_ms, &was_renewed, why);
    if (rc == FB_OK && was_renewed) {
        fb_ca_pair_release(&a->server);
        rc = load_server(data, a, why);
    }
    return rc;
}

int fb_authority_load(const char *data, int64_t now_ms, struct fb_authority *ret,
                      struct fb_why *why)
{
    struct fb_authority a = {0};
    fb_ca_pair_init(&a.issuer);
    fb_ca_pair_init(&a.server);
    int rc = load(data, now_ms, &a, why);
    if (rc < 0) {
        fb_authority_release(&a);
        return rc;
    }
    *ret = a;
    return FB_OK;
}

void fb_authority_release(struct fb_authority *a)
{
    if (a != NULL) {
        fb_ca_pair_release(&a->issuer);
        fb_ca_pair_release(&a->server);
        fb_buf_release(&a->ca);
    }
}

int fb_authority_pin(const char *data, struct fb_sha256 *ret, struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf pem = {0};
    struct fb_cert cert;
    int rc = read_pem(data, "root.pem", &pem, why);
    rc = rc < 0 ? rc : fb_cert_read(pem.bytes, pem.size, &cert, why);
    if (rc == FB_OK) {
        *ret = cert.fingerprint;
    }
    return rc;
}
