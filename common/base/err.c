/* SPDX-License-Identifier: MIT */
#include "common/base/err.h"

#include <libintl.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void fb_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: this must always hold: %s\n", file, line, condition);
    abort();
}

/* Steps back from a cut inside a UTF-8 sequence. */
static void trim_partial_character(char *text, size_t size)
{
    size_t end = size;
    while (end > 0 && ((unsigned char)text[end - 1] & 0xC0) == 0x80) {
        end--;
    }
    if (end == 0) {
        return;
    }
    unsigned char lead = (unsigned char)text[end - 1];
    size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (size - (end - 1) < need) {
        text[end - 1] = '\0';
    }
}

const char *fb_text(const char *english)
{
    return english[0] == '\0' ? english : dgettext("fieldbook", english);
}

/* The language of LC_ALL, LC_MESSAGES or LANG without its character set: zh_CN of zh_CN.UTF-8. */
static bool language_of_environment(char *ret, size_t size)
{
    static const char *const NAMES[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        const char *value = getenv(NAMES[i]);
        if (value != NULL && value[0] != '\0') {
            snprintf(ret, size, "%.*s", (int)strcspn(value, ".@"), value);
            return true;
        }
    }
    return false;
}

void fb_text_start(const char *locale_folder)
{
    bool is_installed = setlocale(LC_MESSAGES, "") != NULL;
    setlocale(LC_CTYPE, "");
    char language[32];
    if (!is_installed && language_of_environment(language, sizeof language)) {
        setlocale(LC_MESSAGES, "C.UTF-8");
        setlocale(LC_CTYPE, "C.UTF-8");
        const char *chosen = getenv("LANGUAGE");
        setenv("LANGUAGE", language, chosen == NULL || chosen[0] == '\0');
    }
    bindtextdomain("fieldbook", locale_folder);
    bind_textdomain_codeset("fieldbook", "UTF-8");
}

FB_PRINTF(2, 0) static void set_text(struct fb_why *why, const char *format, va_list args)
{
    int n = vsnprintf(why->text, sizeof why->text, fb_text(format), args);
    if (n >= (int)sizeof why->text) {
        trim_partial_character(why->text, sizeof why->text - 1);
    }
}

void fb_why_set(struct fb_why *why, const char *format, ...)
{
    if (why == NULL) {
        return;
    }
    va_list args;
    va_start(args, format);
    set_text(why, format, args);
    va_end(args);
}

int fb_fail(struct fb_why *why, int err, const char *format, ...)
{
    if (why != NULL) {
        va_list args;
        va_start(args, format);
        set_text(why, format, args);
        va_end(args);
    }
    return err;
}

struct err_row {
    int code;
    int exit_code;
    const char *name;
    const char *sentence;
};

static const struct err_row ERR_ROWS[] = {
    {FB_OK, 0, "OK", "it worked"},
#define FB_ERR(err_name, err_code, err_exit, err_sentence)                                         \
    {err_code, err_exit, #err_name, err_sentence},
#include "common/base/err.def"
#undef FB_ERR
};

static const struct err_row *find_row(int err)
{
    static const struct err_row unknown = {0, 1, "UNKNOWN", "an unknown error occurred"};
    for (size_t i = 0; i < sizeof ERR_ROWS / sizeof ERR_ROWS[0]; i++) {
        if (ERR_ROWS[i].code == err) {
            return &ERR_ROWS[i];
        }
    }
    return &unknown;
}

const char *fb_err_sentence(int err)
{
    return fb_text(find_row(err)->sentence);
}

const char *fb_err_name(int err)
{
    return find_row(err)->name;
}

int fb_err_exit_code(int err)
{
    return find_row(err)->exit_code;
}
