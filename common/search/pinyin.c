/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/utf8.h>
#include <unicode/utrans.h>

#include "common/search/inside.h"

#define FIRST      0x4E00
#define LAST       0x9FFF
#define SYLLABLE   8  /* zhuang and a zero */
#define RUN_MAX    32 /* characters of one run that are read */
#define WIDE_ROOM  64
#define JOINED_MAX (RUN_MAX * SYLLABLE)

/* What ICU reads per character, kept as it is asked for. "" is not read yet, "-" has no reading. */
struct fb_pinyin {
    UTransliterator *reader;
    char read[LAST - FIRST + 1][SYLLABLE];
};

/* Family names that are read otherwise than the character alone. */
static const struct {
    const char *name;
    const char *first;
    const char *second; /* of names of two characters */
} NAMES[] = {
    {"单", "shan", ""}, {"曾", "zeng", ""},     {"仇", "qiu", ""},        {"解", "xie", ""},
    {"查", "zha", ""},  {"区", "ou", ""},       {"朴", "piao", ""},       {"盖", "ge", ""},
    {"缪", "miao", ""}, {"乐", "yue", ""},      {"翟", "zhai", ""},       {"冼", "xian", ""},
    {"任", "ren", ""},  {"华", "hua", ""},      {"尉迟", "yu", "chi"},    {"万俟", "mo", "qi"},
    {"覃", "qin", ""},  {"员", "yun", ""},      {"种", "chong", ""},      {"秘", "bi", ""},
    {"折", "she", ""},  {"黑", "he", ""},       {"长孙", "zhang", "sun"}, {"繁", "po", ""},
    {"召", "shao", ""}, {"澹台", "tan", "tai"}, {"逄", "pang", ""},       {"尹", "yin", ""},
    {"洗", "xian", ""}};

int fb_pinyin_new(struct fb_pinyin **ret)
{
    static const UChar ID[] = u"Han-Latin; Latin-ASCII; Lower";
    struct fb_pinyin *p = calloc(1, sizeof *p);
    UErrorCode code = U_ZERO_ERROR;
    if (p == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    p->reader = utrans_openU(ID, -1, UTRANS_FORWARD, NULL, 0, NULL, &code);
    if (U_FAILURE(code)) {
        p->reader = NULL; /* without its data there is no pinyin, and everything else is found */
    }
    *ret = p;
    return FB_OK;
}

void fb_pinyin_free(struct fb_pinyin *p)
{
    if (p == NULL) {
        return;
    }
    if (p->reader != NULL) {
        utrans_close(p->reader);
    }
    free(p);
}

static void ask_reader(struct fb_pinyin *p, int32_t c, char ret[static SYLLABLE])
{
    UChar text[WIDE_ROOM] = {(UChar)c, 0};
    int32_t size = 1;
    int32_t limit = 1;
    UErrorCode code = U_ZERO_ERROR;
    utrans_transUChars(p->reader, text, &size, WIDE_ROOM, 0, &limit, &code);
    size_t used = 0;
    for (int32_t i = 0; U_SUCCESS(code) && i < size && used < SYLLABLE - 1; i++) {
        if (text[i] >= 'a' && text[i] <= 'z') {
            ret[used++] = (char)text[i];
        }
    }
    ret[used] = 0;
    if (used == 0) {
        memcpy(ret, "-", 2);
    }
}

static const char *syllable(struct fb_pinyin *p, int32_t c)
{
    if (p->reader == NULL || c < FIRST || c > LAST) {
        return "-";
    }
    char *read = p->read[c - FIRST];
    if (read[0] == 0) {
        ask_reader(p, c, read);
    }
    return read;
}

/* "zhangwei zw wei w": from each character on, so that any of them may be where a person begins. */
static void append_run(const char *const *syllables, size_t count, struct fb_buf *ret)
{
    for (size_t from = 0; from < count; from++) {
        for (size_t i = from; i < count; i++) {
            fb_buf_append_text(ret, syllables[i]);
        }
        fb_buf_append_byte(ret, ' ');
        for (size_t i = from; i < count; i++) {
            fb_buf_append_byte(ret, (uint8_t)syllables[i][0]);
        }
        fb_buf_append_byte(ret, ' ');
    }
}

static void append_as_name(const struct fb_buf *folded, const char **syllables, size_t count,
                           struct fb_buf *ret)
{
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        size_t size = strlen(NAMES[i].name);
        if (folded->size < size || memcmp(folded->bytes, NAMES[i].name, size) != 0) {
            continue;
        }
        syllables[0] = NAMES[i].first;
        if (NAMES[i].second[0] != 0 && count > 1) {
            syllables[1] = NAMES[i].second;
        }
        append_run(syllables, count, ret);
        return;
    }
}

void fb_pinyin_append(struct fb_pinyin *p, const struct fb_buf *folded, bool is_name,
                      struct fb_buf *ret)
{
    const char *syllables[RUN_MAX];
    size_t count = 0;
    bool is_first = true;
    int32_t size = (int32_t)folded->size;
    for (int32_t at = 0; at <= size;) {
        int32_t c = -1;
        if (at < size) {
            c = fb_search_next(folded, &at);
        } else {
            at++;
        }
        const char *s = c < 0 ? "-" : syllable(p, c);
        if (s[0] != '-' && count < RUN_MAX) {
            syllables[count++] = s;
            continue;
        }
        append_run(syllables, count, ret);
        if (is_name && is_first && count > 0) {
            append_as_name(folded, syllables, count, ret);
        }
        is_first = false;
        count = 0;
    }
}
