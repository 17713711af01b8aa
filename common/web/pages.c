/* SPDX-License-Identifier: MIT */
#include "common/web/pages.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/os.h"

#define NONCE_MARK      "{{nonce}}"
#define PAGES_MAX       4000 /* files of the built pages; ours are some hundred */
#define DEPTH_MAX       3
#define INDEX_BYTES_MAX 262144 /* 256 KiB */

struct page {
    char *name; /* "assets/app-1a2b.js" */
    char etag[24];
    int64_t size;
    bool has_br;
    bool has_gz;
    bool is_hashed;
};

struct fb_pages {
    char *folder;
    struct page *pages; /* by name */
    size_t count;
    size_t capacity;
};

static const char *type_of(const char *name)
{
    static const struct {
        const char *ending;
        const char *type;
    } TYPES[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".json", "application/json"},
        {".woff2", "font/woff2"},
        {".webmanifest", "application/manifest+json"},
        {".txt", "text/plain; charset=utf-8"},
        {".wasm", "application/wasm"},
    };
    size_t size = strlen(name);
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        size_t n = strlen(TYPES[i].ending);
        if (size > n && strcmp(name + size - n, TYPES[i].ending) == 0) {
            return TYPES[i].type;
        }
    }
    return "application/octet-stream";
}

static int add_page(struct fb_pages *p, const char *name, const struct stat *st)
{
    if (p->count >= PAGES_MAX) {
        return FB_ERR_LIMIT;
    }
    struct page *bigger = fb_array_grow(p->pages, p->count, &p->capacity, sizeof *p->pages);
    char *copy = strdup(name);
    if (bigger != NULL) {
        p->pages = bigger;
    }
    if (bigger == NULL || copy == NULL) {
        free(copy);
        return FB_ERR_NO_MEMORY;
    }
    struct page *page = &p->pages[p->count++];
    *page = (struct page){
        .name = copy, .size = st->st_size, .is_hashed = strncmp(name, "assets/", 7) == 0};
    snprintf(page->etag, sizeof page->etag, "%llx-%llx", (unsigned long long)st->st_mtime,
             (unsigned long long)st->st_size);
    return FB_OK;
}

static int add_folder(struct fb_pages *p, const char *inside, int depth)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", p->folder, inside);
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return FB_OK;
    }
    int rc = FB_OK;
    const struct dirent *entry;
    while (rc == FB_OK && (entry = readdir(folder)) != NULL) {
        char name[1024];
        struct stat st;
        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(name, sizeof name, "%s%s%s", inside, inside[0] == '\0' ? "" : "/", entry->d_name);
        snprintf(path, sizeof path, "%s/%s", p->folder, name);
        if (stat(path, &st) != 0) {
            continue;
        }
        if (S_ISDIR(st.st_mode)) {
            rc = depth < DEPTH_MAX ? add_folder(p, name, depth + 1) : FB_OK;
        } else if (S_ISREG(st.st_mode)) {
            rc = add_page(p, name, &st);
        }
    }
    closedir(folder);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct page *)a)->name, ((const struct page *)b)->name);
}

static const struct page *find(const struct fb_pages *p, const char *name)
{
    const struct page key = {.name = (char *)(uintptr_t)name};
    return p->count == 0 ? NULL : bsearch(&key, p->pages, p->count, sizeof key, by_name);
}

int fb_pages_new(const char *folder, struct fb_pages **ret)
{
    struct fb_pages *p = calloc(1, sizeof *p);
    if (p == NULL || (p->folder = strdup(folder)) == NULL) {
        free(p);
        return FB_ERR_NO_MEMORY;
    }
    int rc = add_folder(p, "", 0);
    if (rc < 0) {
        fb_pages_free(p);
        return rc;
    }
    if (p->count > 0) {
        qsort(p->pages, p->count, sizeof *p->pages, by_name);
    }
    for (size_t i = 0; i < p->count; i++) {
        char variant[1032];
        snprintf(variant, sizeof variant, "%s.br", p->pages[i].name);
        p->pages[i].has_br = find(p, variant) != NULL;
        snprintf(variant, sizeof variant, "%s.gz", p->pages[i].name);
        p->pages[i].has_gz = find(p, variant) != NULL;
    }
    *ret = p;
    return FB_OK;
}

void fb_pages_free(struct fb_pages *p)
{
    if (p != NULL) {
        for (size_t i = 0; i < p->count; i++) {
            free(p->pages[i].name);
        }
        free(p->pages);
        free(p->folder);
        free(p);
    }
}

/* ---- Answers ---- */

static int read_file(void *ctx, int64_t at, size_t max, struct fb_buf *out)
{
    FILE *file = ctx;
    uint8_t *to = fb_buf_reserve(out, max);
    if (to == NULL || fseek(file, (long)at, SEEK_SET) != 0) {
        return FB_ERR_IO;
    }
    size_t got = fread(to, 1, max, file);
    fb_buf_commit(out, got);
    return got > 0 ? FB_OK : FB_ERR_IO;
}

static void close_file(void *ctx)
{
    fb_ignore(fclose(ctx), "it was only read");
}

/* Opens folder/name; the size is what it is now. */
static bool open_source(const char *path, struct fb_http_source *ret)
{
    struct stat st;
    FILE *file = fopen(path, "rbe");
    if (file == NULL || fstat(fileno(file), &st) != 0) {
        if (file != NULL) {
            close_file(file);
        }
        return false;
    }
    *ret = (struct fb_http_source){
        .size = st.st_size, .read = read_file, .done = close_file, .ctx = file};
    return true;
}

static bool accepts(const struct fb_request *req, const char *encoding)
{
    const char *list = fb_request_header(req, "accept-encoding");
    const char *at = list == NULL ? NULL : strstr(list, encoding);
    size_t size = strlen(encoding);
    if (at == NULL || (at > list && at[-1] != ' ' && at[-1] != ',')) {
        return false;
    }
    return at[size] == '\0' || at[size] == ',' ||
           (at[size] == ';' && strncmp(at + size, ";q=0", 4) != 0);
}

static void answer_file(const struct fb_pages *p, const struct page *page,
                        const struct fb_request *req, struct fb_response *res,
                        struct fb_http_source *ret_source)
{
    bool is_ranged = fb_request_header(req, "range") != NULL;
    const char *encoding = is_ranged                              ? ""
                           : page->has_br && accepts(req, "br")   ? "br"
                           : page->has_gz && accepts(req, "gzip") ? "gzip"
                                                                  : "";
    char path[4096];
    snprintf(path, sizeof path, "%s/%s%s", p->folder, page->name,
             encoding[0] == 'b'   ? ".br"
             : encoding[0] == 'g' ? ".gz"
                                  : "");
    res->content_type = type_of(page->name);
    res->etag =
        fb_arena_printf(res->arena, "%s%s%s", page->etag, encoding[0] == '\0' ? "" : "-", encoding);
    res->file = page->name;
    res->may_be_kept = true;
    if (!open_source(path, ret_source)) {
        fb_ignore(fb_response_problem(res, 404, "not_found", NULL), "the response says it");
        return;
    }
    if (encoding[0] != '\0') {
        fb_response_header(res, "Content-Encoding", encoding);
    }
    if (page->has_br || page->has_gz) {
        fb_response_header(res, "Vary", "Accept-Encoding");
    }
    fb_response_header(res, "Cache-Control",
                       page->is_hashed ? "public, max-age=31536000, immutable" : "no-cache");
}

static void answer_index(const struct fb_pages *p, const char *nonce, struct fb_response *res)
{
    static const char NOT_BUILT[] =
        "<!doctype html><meta charset=\"utf-8\"><title>Fieldbook</title><h1>Fieldbook</h1>"
        "<p>The pages are not built. / 页面尚未构建。</p><p><code>scripts/web</code></p>";
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, INDEX_BYTES_MAX);
    char path[4096];
    snprintf(path, sizeof path, "%s/index.html", p->folder);
    res->content_type = "text/html; charset=utf-8";
    if (find(p, "index.html") == NULL || fb_os_read_file(path, &text, NULL) < 0) {
        fb_buf_append_text(&res->body, NOT_BUILT);
        res->status = 503;
        return;
    }
    const char *at = fb_buf_text(&text);
    for (const char *mark = strstr(at, NONCE_MARK); mark != NULL; mark = strstr(at, NONCE_MARK)) {
        fb_buf_append(&res->body, at, (size_t)(mark - at));
        fb_buf_append_text(&res->body, nonce);
        at = mark + strlen(NONCE_MARK);
    }
    fb_buf_append_text(&res->body, at);
}

void fb_pages_answer(const struct fb_pages *p, const struct fb_request *req, const char *nonce,
                     struct fb_response *res, struct fb_http_source *ret_source)
{
    const char *name = req->path + 1;
    const struct page *page = strcmp(name, "index.html") == 0 ? NULL : find(p, name);
    if (page != NULL) {
        answer_file(p, page, req, res, ret_source);
    } else if (strncmp(name, "assets/", 7) == 0) {
        /* A page of an older build asks for what is no more: no HTML in the place of a script. */
        fb_ignore(fb_response_problem(res, 404, "not_found", NULL), "the response says it");
    } else {
        answer_index(p, nonce, res);
    }
}
