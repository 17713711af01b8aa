/* SPDX-License-Identifier: MIT */
#include "common/cli/config.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/cli/cli.h"

#define CONFIG_BYTES_MAX 65536
#define CONFIG_KEYS_MAX  64

struct setting {
    const char *text;
    const char *origin;
    int64_t number;
};

struct fb_config {
    const struct fb_config_key *keys;
    size_t count;
    struct setting settings[CONFIG_KEYS_MAX];
    struct fb_arena arena;
    const char *path;
    struct fb_why *why; /* while the file is read */
    int error;
};

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit BYTE_UNITS[] = {{"", 1},          {"B", 1},         {"KiB", 1 << 10},
                                         {"MiB", 1 << 20}, {"GiB", 1 << 30}, {NULL, 0}};
static const struct unit TIME_UNITS[] = {{"ms", 1},      {"s", 1000},     {"min", 60000},
                                         {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const struct unit PLAIN_UNITS[] = {{"", 1}, {NULL, 0}};

static bool parse_number(const char *text, const struct unit *units, int64_t *ret)
{
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || errno != 0) {
        return false;
    }
    while (*end == ' ') {
        end++;
    }
    for (const struct unit *u = units; u->name != NULL; u++) {
        if (strcmp(end, u->name) == 0) {
            return !__builtin_mul_overflow((int64_t)number, u->factor, ret);
        }
    }
    return false;
}

static bool parse_bool(const char *text, int64_t *ret)
{
    static const char *const WORDS[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (strcmp(text, WORDS[i]) == 0) {
            *ret = (int64_t)(i & 1);
            return true;
        }
    }
    return false;
}

static const char *form_of(enum fb_config_type type)
{
    switch (type) {
    case FB_CONFIG_INT:
        return fb_text("a whole number");
    case FB_CONFIG_BOOL:
        return fb_text("yes or no");
    case FB_CONFIG_BYTES:
        return fb_text("a size such as 64MiB");
    case FB_CONFIG_MS:
        return fb_text("a time such as 30s");
    case FB_CONFIG_TEXT:
        break;
    }
    return fb_text("a text");
}

static bool parse_value(enum fb_config_type type, const char *text, int64_t *ret)
{
    switch (type) {
    case FB_CONFIG_TEXT:
        return true;
    case FB_CONFIG_BOOL:
        return parse_bool(text, ret);
    case FB_CONFIG_INT:
        return parse_number(text, PLAIN_UNITS, ret);
    case FB_CONFIG_BYTES:
        return parse_number(text, BYTE_UNITS, ret);
    case FB_CONFIG_MS:
        return parse_number(text, TIME_UNITS, ret);
    }
    return false;
}

static int set_at(struct fb_config *c, size_t at, const char *text, const char *origin,
                  struct fb_why *why)
{
    const struct fb_config_key *key = &c->keys[at];
    struct setting s = {.text = fb_arena_strdup(&c->arena, text),
                        .origin = fb_arena_strdup(&c->arena, origin)};
    if (s.text == NULL || s.origin == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    if (!parse_value(key->type, text, &s.number)) {
        return fb_fail(why, FB_ERR_CONFIG, "%s: %s = %s is not %s", origin, key->name, text,
                       form_of(key->type));
    }
    if (key->type != FB_CONFIG_TEXT && key->type != FB_CONFIG_BOOL &&
        (s.number < key->min || s.number > key->max)) {
        return fb_fail(why, FB_ERR_CONFIG, "%s: %s = %s is outside its range, %lld to %lld", origin,
                       key->name, text, (long long)key->min, (long long)key->max);
    }
    c->settings[at] = s;
    return FB_OK;
}

static size_t find_key(const struct fb_config *c, const char *name)
{
    for (size_t i = 0; i < c->count; i++) {
        if (strcmp(c->keys[i].name, name) == 0) {
            return i;
        }
    }
    return c->count;
}

static int fail_unknown(const struct fb_config *c, const char *name, const char *origin,
                        struct fb_why *why)
{
    const char *names[CONFIG_KEYS_MAX + 1] = {NULL};
    for (size_t i = 0; i < c->count; i++) {
        names[i] = c->keys[i].name;
    }
    const char *near = fb_cli_nearest(name, names);
    if (near != NULL) {
        return fb_fail(why, FB_ERR_CONFIG, "%s: there is no setting %s; did you mean %s?", origin,
                       name, near);
    }
    return fb_fail(why, FB_ERR_CONFIG, "%s: there is no setting %s; `config show` lists them",
                   origin, name);
}

int fb_config_override(struct fb_config *c, const char *name, const char *text, const char *origin,
                       struct fb_why *why)
{
    size_t at = find_key(c, name);
    return at == c->count ? fail_unknown(c, name, origin, why) : set_at(c, at, text, origin, why);
}

/* inih calls this for each line with a value; 0 stops it. */
static int take_line(void *ctx, const char *section, const char *key, const char *value, int line)
{
    struct fb_config *c = ctx;
    char name[128];
    char origin[4200];
    /* A key above the first [section] is written out: log.level = debug. */
    snprintf(name, sizeof name, "%s%s%s", section, section[0] == '\0' ? "" : ".", key);
    const char *file = strrchr(c->path, '/');
    snprintf(origin, sizeof origin, "%s:%d", file == NULL ? c->path : file + 1, line);
    c->error = fb_config_override(c, name, value, origin, c->why);
    return c->error == FB_OK;
}

#if !INI_HANDLER_LINENO
/* Debian's inih has no line numbers in its handler: count the lines by feeding them one by one. */
struct line_feed {
    const char *at;
    int line;
};

static char *feed_line(char *to, int size, void *stream)
{
    struct line_feed *feed = stream;
    if (*feed->at == '\0') {
        return NULL;
    }
    size_t n = strcspn(feed->at, "\n");
    size_t whole = n + (feed->at[n] == '\n');
    size_t fits = n < (size_t)size - 1 ? n : (size_t)size - 1;
    memcpy(to, feed->at, fits);
    to[fits] = '\0';
    feed->at += whole;
    feed->line++;
    return to;
}

struct line_context {
    struct fb_config *config;
    struct line_feed feed;
};

static int take_counted(void *ctx, const char *section, const char *key, const char *value)
{
    struct line_context *lc = ctx;
    return take_line(lc->config, section, key, value, lc->feed.line);
}
#endif

static int read_file(struct fb_config *c, struct fb_why *why)
{
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, CONFIG_BYTES_MAX);
    int rc = fb_os_read_file(c->path, &text, why);
    if (rc == FB_ERR_NOT_FOUND) {
        return FB_OK;
    }
    if (rc < 0) {
        return rc == FB_ERR_LIMIT ? FB_ERR_CONFIG : rc;
    }
    c->why = why;
#if INI_HANDLER_LINENO
    int line = ini_parse_string(fb_buf_text(&text), take_line, c);
#else
    struct line_context lc = {.config = c, .feed = {.at = fb_buf_text(&text)}};
    int line = ini_parse_stream(feed_line, &lc.feed, take_counted, &lc);
#endif
    if (c->error != FB_OK) {
        return c->error;
    }
    if (line > 0) {
        return fb_fail(why, FB_ERR_CONFIG, "%s:%d: this line is neither [section] nor key = value",
                       c->path, line);
    }
    return line < 0 ? FB_ERR_NO_MEMORY : FB_OK;
}

/* FIELDBOOK_LOG_LEVEL for log.level. */
static void name_variable(const char *name, char *ret, size_t size)
{
    snprintf(ret, size, "FIELDBOOK_%s", name);
    for (char *p = ret; *p != '\0'; p++) {
        *p = (char)(*p == '.' ? '_' : toupper((unsigned char)*p));
    }
}

static int read_environment(struct fb_config *c, struct fb_why *why)
{
    for (size_t i = 0; i < c->count; i++) {
        char variable[160];
        name_variable(c->keys[i].name, variable, sizeof variable);
        const char *text = getenv(variable);
        int rc = text == NULL ? FB_OK : set_at(c, i, text, variable, why);
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

static int fill(struct fb_config *c, const char *path, struct fb_why *why)
{
    for (; c->keys[c->count].name != NULL; c->count++) {
        fb_assert(c->count < CONFIG_KEYS_MAX);
        int rc = set_at(c, c->count, c->keys[c->count].initial, "default", why);
        if (rc < 0) {
            return rc;
        }
    }
    c->path = fb_arena_strdup(&c->arena, path);
    if (c->path == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc = read_file(c, why);
    return rc < 0 ? rc : read_environment(c, why);
}

int fb_config_read(const char *path, const struct fb_config_key *keys, struct fb_config **ret,
                   struct fb_why *why)
{
    struct fb_config *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    c->keys = keys;
    int rc = fill(c, path, why);
    if (rc < 0) {
        fb_config_free(c);
        return rc;
    }
    *ret = c;
    return FB_OK;
}

void fb_config_free(struct fb_config *c)
{
    if (c != NULL) {
        fb_arena_release(&c->arena);
        free(c);
    }
}

static const struct setting *get(const struct fb_config *c, const char *name)
{
    size_t at = find_key(c, name);
    fb_assert(at < c->count);
    return &c->settings[at];
}

const char *fb_config_text(const struct fb_config *c, const char *name)
{
    return get(c, name)->text;
}

int64_t fb_config_int(const struct fb_config *c, const char *name)
{
    return get(c, name)->number;
}

bool fb_config_bool(const struct fb_config *c, const char *name)
{
    return get(c, name)->number != 0;
}

const char *fb_config_origin(const struct fb_config *c, const char *name)
{
    return get(c, name)->origin;
}
