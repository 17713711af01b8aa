/* SPDX-License-Identifier: MIT */
#include "common/formats/transform.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/time.h"

/* Wide blank U+3000, non-breaking blank U+00A0, byte order mark U+FEFF. */
static const char *const wide_blanks[] = {"\xE3\x80\x80", "\xC2\xA0", "\xEF\xBB\xBF"};

static size_t blank_at_start(const char *text)
{
    if (isspace((unsigned char)text[0])) {
        return 1;
    }
    for (size_t i = 0; i < sizeof(wide_blanks) / sizeof(wide_blanks[0]); i++) {
        size_t size = strlen(wide_blanks[i]);
        if (strncmp(text, wide_blanks[i], size) == 0) {
            return size;
        }
    }
    return 0;
}

static size_t blank_at_end(const char *text, size_t size)
{
    if (size > 0 && isspace((unsigned char)text[size - 1])) {
        return 1;
    }
    for (size_t i = 0; i < sizeof(wide_blanks) / sizeof(wide_blanks[0]); i++) {
        size_t blank = strlen(wide_blanks[i]);
        if (size >= blank && memcmp(text + size - blank, wide_blanks[i], blank) == 0) {
            return blank;
        }
    }
    return 0;
}

char *fb_text_trim(char *text)
{
    size_t blank;
    while ((blank = blank_at_start(text)) > 0) {
        text += blank;
    }
    size_t size = strlen(text);
    while ((blank = blank_at_end(text, size)) > 0) {
        size -= blank;
    }
    text[size] = 0;
    return size == 0 ? NULL : text;
}

/* ---- Dates ---- */

/* order says where year, month, day stand; width 0 takes digits up to the separator, else that many. */
static const struct date_form {
    const char *name;
    char separator; /* 0: none, the widths tell */
    char order[4];
    bool is_roc; /* years of the Republic: 113 is 2024 */
} date_forms[] = {
    {"YYYY-MM-DD", '-', "ymd", false}, {"YYYY/M/D", '/', "ymd", false},
    {"M/D/YYYY", '/', "mdy", false},   {"D/M/YYYY", '/', "dmy", false},
    {"D.M.YYYY", '.', "dmy", false},   {"YYYYMMDD", 0, "ymd", false},
    {"ROC", 0, "ymd", true},           {"ROC/M/D", '/', "ymd", true},
};

bool fb_date_form_parse(const char *name, int64_t *ret)
{
    for (size_t i = 0; i < sizeof(date_forms) / sizeof(date_forms[0]); i++) {
        if (strcmp(date_forms[i].name, name) == 0) {
            *ret = (int64_t)i;
            return true;
        }
    }
    return false;
}

const char *fb_date_form_names(void)
{
    return "YYYY-MM-DD, YYYY/M/D, M/D/YYYY, D/M/YYYY, D.M.YYYY, YYYYMMDD, ROC, ROC/M/D";
}

static bool read_digits(const char *text, size_t size, int *ret)
{
    int number = 0;
    if (size == 0 || size > 4) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (!isdigit((unsigned char)text[i])) {
            return false;
        }
        number = number * 10 + (text[i] - '0');
    }
    *ret = number;
    return true;
}

/* 20241029 and 1131029: two digits each for day and month at the end. */
static bool split_by_width(const char *text, int ret[static 3])
{
    size_t size = strlen(text);
    return size >= 6 && size <= 8 && read_digits(text, size - 4, &ret[0]) &&
           read_digits(text + size - 4, 2, &ret[1]) && read_digits(text + size - 2, 2, &ret[2]);
}

static bool split_by_separator(const char *text, char separator, int ret[static 3])
{
    for (int i = 0; i < 3; i++) {
        const char *end = i < 2 ? strchr(text, separator) : text + strlen(text);
        if (end == NULL || !read_digits(text, (size_t)(end - text), &ret[i])) {
            return false;
        }
        text = end + 1;
    }
    return true;
}

static int write_date(const struct date_form *form, struct fb_arena *arena, const char *text,
                      const char **ret, struct fb_why *why)
{
    int parts[3] = {0};
    bool is_read = form->separator == 0 ? split_by_width(text, parts)
                                        : split_by_separator(text, form->separator, parts);
    int by_letter[3] = {0};
    for (int i = 0; i < 3; i++) {
        by_letter[form->order[i] == 'y' ? 0 : form->order[i] == 'm' ? 1 : 2] = parts[i];
    }
    int year = by_letter[0] + (form->is_roc ? 1911 : 0);
    char date[48];
    snprintf(date, sizeof(date), "%04d-%02d-%02d", year, by_letter[1], by_letter[2]);
    if (!is_read || !fb_date_is_valid(date, strlen(date))) {
        return fb_fail(why, FB_ERR_INVALID, "'%.40s' is no date of the form %s", text, form->name);
    }
    *ret = fb_arena_strdup(arena, date);
    return *ret == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}

/* ---- Numbers ---- */

/* Exact: digits before and after the point are one integer. */
static int multiply(int64_t times, struct fb_arena *arena, const char *text, const char **ret,
                    struct fb_why *why)
{
    const char *at = text;
    bool is_negative = *at == '-';
    at += is_negative;
    int64_t digits = 0;
    int decimals = 0;
    bool has_point = false;
    bool is_number = *at != 0;
    for (; *at != 0 && is_number; at++) {
        if (*at == '.' && !has_point) {
            has_point = true;
            continue;
        }
        is_number = (isdigit((unsigned char)*at) && !__builtin_mul_overflow(digits, 10, &digits) &&
                     !__builtin_add_overflow(digits, *at - '0', &digits)) ||
                    (*at == ',' && !has_point);
        decimals += has_point;
    }
    if (!is_number || decimals > 15 || __builtin_mul_overflow(digits, times, &digits) ||
        digits == INT64_MIN) {
        return fb_fail(why, FB_ERR_INVALID, "'%.40s' is no number such as 1234.50", text);
    }
    if (digits < 0) {
        digits = -digits;
        is_negative = !is_negative;
    }
    int64_t unit = 1;
    for (int i = 0; i < decimals; i++) {
        unit *= 10;
    }
    for (; decimals > 0 && digits % 10 == 0; decimals--) {
        digits /= 10;
        unit /= 10;
    }
    const char *sign = is_negative && digits != 0 ? "-" : "";
    *ret = decimals == 0 ? fb_arena_printf(arena, "%s%lld", sign, (long long)digits)
                         : fb_arena_printf(arena, "%s%lld.%0*lld", sign, (long long)(digits / unit),
                                           decimals, (long long)(digits % unit));
    return *ret == NULL ? FB_ERR_NO_MEMORY : FB_OK;
}

/* ---- Names ---- */

static const char *const double_surnames[] = {
    "欧阳", "歐陽", "司马", "司馬", "上官", "诸葛", "諸葛", "东方", "東方", "皇甫",
    "尉迟", "尉遲", "公孙", "公孫", "慕容", "长孙", "長孫", "宇文", "司徒", "轩辕",
    "軒轅", "令狐", "夏侯", "端木", "南宫", "南宮", "独孤", "獨孤", "呼延", "张简",
    "張簡", "范姜", "太史", "申屠", "钟离", "鍾離", "闻人", "聞人"};

/* U+3400 to U+9FFF: three bytes that begin with E3 90 to E9. */
static bool is_chinese(const char *text)
{
    for (size_t i = 0; text[i] != 0; i += 3) {
        unsigned char lead = (unsigned char)text[i];
        if (lead < 0xE3 || lead > 0xE9 || text[i + 1] == 0 || text[i + 2] == 0) {
            return false;
        }
    }
    return true;
}

static size_t chinese_family_bytes(const char *name)
{
    for (size_t i = 0; i < sizeof(double_surnames) / sizeof(double_surnames[0]); i++) {
        if (strncmp(name, double_surnames[i], 6) == 0 && name[6] != 0) {
            return 6;
        }
    }
    return 3;
}

/* "Moses Frase": split at the last blank, the family name behind; "張安平": the family name in front. */
static int take_name_part(bool wants_given, struct fb_arena *arena, const char *text,
                          const char **ret)
{
    const char *blank = strrchr(text, ' ');
    const char *given = NULL;
    size_t given_bytes = 0;
    const char *family = text;
    size_t family_bytes = strlen(text);
    if (blank != NULL) {
        given = text;
        given_bytes = (size_t)(blank - text);
        family = blank + 1;
        family_bytes = strlen(family);
    } else if (is_chinese(text) && family_bytes > 3) {
        family_bytes = chinese_family_bytes(text);
        given = text + family_bytes;
        given_bytes = strlen(given);
    }
    if (wants_given && given == NULL) {
        *ret = NULL;
        return FB_OK;
    }
    char *part = wants_given ? fb_arena_copy(arena, given, given_bytes)
                             : fb_arena_copy(arena, family, family_bytes);
    if (part == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    *ret = fb_text_trim(part);
    return FB_OK;
}

static int make_slug(struct fb_arena *arena, const char *text, const char **ret)
{
    char *slug = fb_arena_alloc(arena, strlen(text) + 1);
    if (slug == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    size_t size = 0;
    for (; *text != 0; text++) {
        unsigned char c = (unsigned char)*text;
        if (isalnum(c) || c >= 0x80) {
            slug[size++] = (char)tolower(c);
        } else if (size > 0 && slug[size - 1] != '.') {
            slug[size++] = '.';
        }
    }
    while (size > 0 && slug[size - 1] == '.') {
        size--;
    }
    slug[size] = 0;
    *ret = size == 0 ? NULL : slug;
    return FB_OK;
}

/* ---- All of them ---- */

/* The place of text among the words; word_count if it is none. */
static size_t find_word(const struct fb_transform *t, const char *text)
{
    size_t i = 0;
    while (i < t->word_count && strcmp(t->words[i], text) != 0) {
        i++;
    }
    return i;
}

static int run_one(const struct fb_transform *t, struct fb_arena *arena, const char *text,
                   const char **ret, struct fb_why *why)
{
    size_t word = find_word(t, text);
    bool is_word = word < t->word_count;
    switch (t->kind) {
    case FB_TRANSFORM_MAP:
        *ret = is_word ? t->results[word] : text;
        return FB_OK;
    case FB_TRANSFORM_NULLS:
    case FB_TRANSFORM_NOT:
        *ret = is_word ? NULL : text;
        return FB_OK;
    case FB_TRANSFORM_IS:
        *ret = is_word ? text : NULL;
        return FB_OK;
    case FB_TRANSFORM_DATE:
        return write_date(&date_forms[t->number], arena, text, ret, why);
    case FB_TRANSFORM_TIMES:
        return multiply(t->number, arena, text, ret, why);
    case FB_TRANSFORM_NAME_PART:
        return take_name_part(t->number == 1, arena, text, ret);
    case FB_TRANSFORM_BECOMES:
        *ret = t->words[0];
        return FB_OK;
    case FB_TRANSFORM_SLUG:
        return make_slug(arena, text, ret);
    }
    return FB_ERR_INVALID;
}

int fb_transform_run(const struct fb_transform *transforms, size_t count, struct fb_arena *arena,
                     const char *text, const char **ret, struct fb_why *why)
{
    for (size_t i = 0; i < count && text != NULL; i++) {
        int rc = run_one(&transforms[i], arena, text, &text, why);
        if (rc < 0) {
            return rc;
        }
    }
    *ret = text;
    return FB_OK;
}
