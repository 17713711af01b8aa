/* SPDX-License-Identifier: MIT
 *
 * Errors: a code for the program, a sentence for the person.
 *
 * A fallible call returns FB_OK (0) or a negative member of enum fb_err. Where a person's input can
 * be the cause, the call also takes a struct fb_why (may be NULL) and leaves a sentence there that
 * says what is wrong and what to do. Library code returns; the program that knows the situation
 * logs once. What is expected (a conflict, nothing to send) is a value, not an error.
 */
#ifndef FB_BASE_ERR_H
#define FB_BASE_ERR_H

#include <stdarg.h>

enum fb_err {
    FB_OK = 0,
#define FB_ERR(name, code, exit_code, sentence) FB_ERR_##name = (code),
#include "common/base/err.def"
#undef FB_ERR
};

#define FB_MUST_CHECK                 __attribute__((warn_unused_result))
#define FB_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

/* Says that a result is ignored on purpose. */
#define fb_ignore(call, reason)                                                                    \
    do {                                                                                           \
        if ((call) != 0) {                                                                         \
        }                                                                                          \
    } while (0)

/* What the program itself guarantees; active in every build. Prints the place and aborts. */
#define fb_assert(condition)                                                                       \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0)) {                                                   \
            fb_assert_failed(#condition, __FILE__, __LINE__);                                      \
        }                                                                                          \
    } while (0)
_Noreturn void fb_assert_failed(const char *condition, const char *file, int line);

/* The text in the user's language (gettext, domain "fieldbook", catalogues in share/locale); English where there is no
 * translation. Sentences of fb_why_set and fb_fail are translated by their format, so callers write plain English. */
const char *fb_text(const char *english) __attribute__((format_arg(1)));

/* Takes the language from the environment (LANGUAGE, LC_ALL, LC_MESSAGES, LANG); locale_folder holds
 * zh_CN/LC_MESSAGES/fieldbook.mo ... Our catalogues do not need the system's: where LC_ALL=zh_CN.UTF-8 names a locale
 * that is not installed, C.UTF-8 stands in (Debian always has it) and LANGUAGE carries the choice, which glibc honours
 * for every locale but "C". */
void fb_text_start(const char *locale_folder);

#define FB_WHY_SIZE 512

/* One sentence for the person, without a final newline. Empty: nothing was said. */
struct fb_why {
    char text[FB_WHY_SIZE];
};

/* Writes the sentence; longer ones are cut at a character's border. why may be NULL. */
void fb_why_set(struct fb_why *why, const char *format, ...) FB_PRINTF(2, 3);

/* Sets the sentence and returns err: `return fb_fail(why, FB_ERR_INVALID, "...")`. */
int fb_fail(struct fb_why *why, int err, const char *format, ...) FB_PRINTF(3, 4);

/* The sentence of err.def; never NULL. */
const char *fb_err_sentence(int err);

/* The name as in the enum, without its prefix: "NO_MEMORY". */
const char *fb_err_name(int err);

/* The exit code of a process that ends with err. */
int fb_err_exit_code(int err);

#endif
