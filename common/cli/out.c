/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/cli/cli.h"

#define TABLE_COLUMNS_MAX 16
#define TABLE_BYTES_MAX   268435456 /* 256 MiB */
#define PROGRESS_EVERY_MS 200
#define FACT_NAME_WIDTH   18

struct cell {
    const char *text; /* NULL: empty */
    bool is_number;
};

struct fb_cli_table {
    const struct fb_cli *cli;
    const char *const *columns;
    size_t width;
    struct cell *cells;
    size_t count;
    size_t capacity;
    struct fb_arena arena;
};

struct fb_cli_table *fb_cli_table_new(const struct fb_cli *cli, const char *const *columns)
{
    struct fb_cli_table *t = calloc(1, sizeof *t);
    fb_assert(t != NULL);
    fb_arena_init(&t->arena, TABLE_BYTES_MAX);
    t->cli = cli;
    t->columns = columns;
    while (columns[t->width] != NULL) {
        t->width++;
    }
    fb_assert(t->width > 0 && t->width <= TABLE_COLUMNS_MAX);
    return t;
}

static void add_cell(struct fb_cli_table *t, const char *text, bool is_number)
{
    struct cell *bigger = fb_array_grow(t->cells, t->count, &t->capacity, sizeof *t->cells);
    fb_assert(bigger != NULL);
    t->cells = bigger;
    const char *copy = text == NULL ? NULL : fb_arena_strdup(&t->arena, text);
    fb_assert(text == NULL || copy != NULL);
    t->cells[t->count++] = (struct cell){.text = copy, .is_number = is_number};
}

void fb_cli_table_cell(struct fb_cli_table *t, const char *text)
{
    add_cell(t, text, false);
}

void fb_cli_table_cell_int(struct fb_cli_table *t, long long number)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", number);
    add_cell(t, text, true);
}

/* The character at p, which is well-formed UTF-8 or counts byte by byte. */
static uint32_t next_character(const unsigned char **p)
{
    uint32_t first = *(*p)++;
    uint32_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
    uint32_t character = more == 0 ? first : first & (0x3Fu >> more);
    for (; more > 0 && (**p & 0xC0) == 0x80; more--) {
        character = character << 6 | (*(*p)++ & 0x3Fu);
    }
    return character;
}

/* Chinese, Japanese and Korean, full-width forms and pictures (Unicode's East Asian Width, W and F). */
static bool is_wide(uint32_t character)
{
    return (character >= 0x1100 && character <= 0x115F) ||
           (character >= 0x2E80 && character <= 0xA4CF) ||
           (character >= 0xAC00 && character <= 0xD7A3) ||
           (character >= 0xF900 && character <= 0xFAFF) ||
           (character >= 0xFE30 && character <= 0xFE6F) ||
           (character >= 0xFF00 && character <= 0xFF60) ||
           (character >= 0xFFE0 && character <= 0xFFE6) ||
           (character >= 0x1F300 && character <= 0x3FFFD);
}

/* Columns of a terminal that a text takes. */
static size_t display_width(const char *text)
{
    size_t width = 0;
    const unsigned char *p = (const unsigned char *)text;
    while (*p != '\0') {
        width += is_wide(next_character(&p)) ? 2 : 1;
    }
    return width;
}

static void print_padded(const char *text, size_t width, bool to_right, bool is_last)
{
    size_t own = display_width(text);
    int pad = own < width ? (int)(width - own) : 0;
    if (to_right) {
        printf("%*s%s", pad, "", text);
    } else if (is_last) {
        printf("%s", text);
    } else {
        printf("%s%*s", text, pad, "");
    }
    fputs(is_last ? "\n" : "  ", stdout);
}

void fb_cli_print_fact(const char *name, const char *format, ...)
{
    const char *shown = fb_text(name);
    size_t own = display_width(shown);
    printf("%s%*s", shown, (int)(own < FACT_NAME_WIDTH ? FACT_NAME_WIDTH - own : 1), "");
    va_list args;
    va_start(args, format);
    vprintf(fb_text(format), args);
    va_end(args);
    putchar('\n');
}

static void print_aligned(const struct fb_cli_table *t)
{
    size_t widths[TABLE_COLUMNS_MAX];
    for (size_t c = 0; c < t->width; c++) {
        widths[c] = display_width(t->columns[c]);
        for (size_t i = c; i < t->count; i += t->width) {
            size_t own = t->cells[i].text == NULL ? 1 : display_width(t->cells[i].text);
            widths[c] = own > widths[c] ? own : widths[c];
        }
    }
    for (size_t c = 0; c < t->width; c++) {
        bool is_number = t->count > c && t->cells[c].is_number;
        print_padded(t->columns[c], widths[c], is_number, c + 1 == t->width);
    }
    for (size_t i = 0; i < t->count; i++) {
        const struct cell *cell = &t->cells[i];
        print_padded(cell->text == NULL ? "-" : cell->text, widths[i % t->width], cell->is_number,
                     i % t->width + 1 == t->width);
    }
}

static void print_json(const struct fb_cli_table *t)
{
    FB_AUTO(fb_buf_release) struct fb_buf line;
    fb_buf_init(&line, TABLE_BYTES_MAX);
    for (size_t i = 0; i < t->count; i++) {
        size_t c = i % t->width;
        fb_buf_append_byte(&line, c == 0 ? '{' : ',');
        fb_buf_append_json_text(&line, t->columns[c], strlen(t->columns[c]));
        fb_buf_append_byte(&line, ':');
        const struct cell *cell = &t->cells[i];
        if (cell->text == NULL) {
            fb_buf_append_text(&line, "null");
        } else if (cell->is_number) {
            fb_buf_append_text(&line, cell->text);
        } else {
            fb_buf_append_json_text(&line, cell->text, strlen(cell->text));
        }
        if (c + 1 == t->width) {
            printf("%s}\n", fb_buf_text(&line));
            fb_buf_clear(&line);
        }
    }
}

void fb_cli_table_print(struct fb_cli_table *t, const char *when_empty)
{
    fb_assert(t->count % t->width == 0);
    if (fb_cli_is_json(t->cli)) {
        print_json(t);
    } else if (t->count == 0) {
        fb_cli_say(t->cli, "%s", fb_text(when_empty));
    } else {
        print_aligned(t);
    }
    fb_arena_release(&t->arena);
    free(t->cells);
    free(t);
}

void fb_cli_progress_show(struct fb_cli_progress *p, long long done, long long total)
{
    bool is_terminal = fb_os_is_terminal(STDERR_FILENO);
    if (fb_cli_is_quiet(p->cli) || (!is_terminal && !fb_cli_is_json(p->cli))) {
        return;
    }
    long long now_ms = fb_os_monotonic_ms();
    if (now_ms - p->shown_at_ms < PROGRESS_EVERY_MS) {
        return;
    }
    p->shown_at_ms = now_ms;
    if (!fb_cli_is_json(p->cli)) {
        fputc('\r', stderr);
    }
    if (fb_cli_is_json(p->cli)) {
        fprintf(stderr, "{\"progress\":\"%s\",\"done\":%lld,\"total\":%lld}\n", p->what, done,
                total);
    } else if (total > 0) {
        fprintf(stderr, fb_text("%s: %lld of %lld (%lld %%)   "), fb_text(p->what), done, total,
                done * 100 / total);
    } else {
        fprintf(stderr, "%s: %lld   ", fb_text(p->what), done);
    }
}

void fb_cli_progress_end(struct fb_cli_progress *p)
{
    if (p->shown_at_ms != 0 && !fb_cli_is_json(p->cli)) {
        fputs("\r\033[K", stderr);
    }
}
