/* SPDX-License-Identifier: MIT */
#include "common/base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/base/time.h"

#define LINE_BYTES_MAX 8192

static struct fb_log_config log_config = {.level = FB_LOG_INFO};
static const char *const LEVEL_NAMES[] = {"error", "warn", "info", "debug"};
static const int LEVEL_PRIORITIES[] = {3, 4, 6, 7}; /* syslog(3) */

void fb_log_configure(const struct fb_log_config *config)
{
    log_config = *config;
}

bool fb_log_level_parse(const char *name, enum fb_log_level *ret)
{
    for (size_t i = 0; i < sizeof LEVEL_NAMES / sizeof LEVEL_NAMES[0]; i++) {
        if (strcmp(name, LEVEL_NAMES[i]) == 0) {
            *ret = (enum fb_log_level)i;
            return true;
        }
    }
    return false;
}

/* Turns `a=1 b="two words"` into `,"a":"1","b":"two words"`. */
static void append_json_pairs(struct fb_buf *line, const char *pairs)
{
    const char *p = pairs;
    while (*p != '\0') {
        size_t key_size = strcspn(p, "= ");
        if (p[key_size] != '=') {
            return;
        }
        fb_buf_append_byte(line, ',');
        fb_buf_append_json_text(line, p, key_size);
        fb_buf_append_byte(line, ':');
        p += key_size + 1;
        if (*p == '"') {
            const char *end = p + 1;
            while (*end != '\0' && *end != '"') {
                end += *end == '\\' && end[1] != '\0' ? 2 : 1;
            }
            fb_buf_append(line, p, (size_t)(end - p));
            fb_buf_append_byte(line, '"');
            p = *end == '"' ? end + 1 : end;
        } else {
            size_t size = strcspn(p, " ");
            fb_buf_append_json_text(line, p, size);
            p += size;
        }
        p += strspn(p, " ");
    }
}

static void append_head(struct fb_buf *line, enum fb_log_level level, const char *event)
{
    char now[FB_INSTANT_SIZE];
    fb_instant_format(fb_os_now_ms(), now);
    if (log_config.is_json) {
        fb_buf_printf(line, "{\"ts\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"", now,
                      LEVEL_NAMES[level], event);
    } else if (log_config.is_journald) {
        fb_buf_printf(line, "<%d>level=%s event=%s", LEVEL_PRIORITIES[level], LEVEL_NAMES[level],
                      event);
    } else {
        fb_buf_printf(line, "ts=%s level=%s event=%s", now, LEVEL_NAMES[level], event);
    }
}

void fb_log(enum fb_log_level level, const char *event, const char *pairs_format, ...)
{
    if (level > log_config.level) {
        return;
    }
    char pairs[4096];
    va_list args;
    va_start(args, pairs_format);
    vsnprintf(pairs, sizeof pairs, pairs_format, args);
    va_end(args);
    FB_AUTO(fb_buf_release) struct fb_buf line;
    fb_buf_init(&line, LINE_BYTES_MAX);
    append_head(&line, level, event);
    if (log_config.is_json) {
        append_json_pairs(&line, pairs);
        fb_buf_append_byte(&line, '}');
    } else if (pairs[0] != '\0') {
        fb_buf_printf(&line, " %s", pairs);
    }
    fb_buf_append_byte(&line, '\n');
    /* One write, so that lines of several processes do not mix. */
    if (write(STDERR_FILENO, line.bytes, line.size) < 0) {
        return;
    }
}

const char *fb_log_quote(const char *text)
{
    static _Thread_local char buffers[8][512];
    static _Thread_local unsigned turn;
    FB_AUTO(fb_buf_release) struct fb_buf quoted;
    fb_buf_init(&quoted, 4096);
    size_t size = strlen(text);
    fb_buf_append_json_text(&quoted, text, size > 400 ? 400 : size);
    char *out = buffers[turn++ % 8];
    snprintf(out, sizeof buffers[0], "%s", fb_buf_text(&quoted));
    return out;
}
