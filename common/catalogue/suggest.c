/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "common/catalogue/load.h"

#define DISTANCE_FAR 3 /* this many typing errors and more: no suggestion */

static size_t least(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Levenshtein's distance of two names of at most FB_NAME_BYTES_MAX bytes. */
static size_t distance(const char *a, const char *b)
{
    size_t row[FB_NAME_BYTES_MAX + 1];
    size_t b_size = strlen(b);
    for (size_t j = 0; j <= b_size; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i] != 0; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b_size; j++) {
            size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = least(row[j] + 1, row[j + 1] + 1, replaced);
        }
    }
    return row[b_size];
}

const char *fb_suggest(const char *wrong, fb_suggest_name *name_at, const void *ctx, size_t count,
                       char ret_text[static FB_SUGGEST_SIZE])
{
    ret_text[0] = 0;
    if (strlen(wrong) > FB_NAME_BYTES_MAX) {
        return ret_text;
    }
    const char *nearest = NULL;
    size_t nearest_distance = DISTANCE_FAR;
    for (size_t i = 0; i < count; i++) {
        const char *name = name_at(ctx, i);
        if (name == NULL || strlen(name) > FB_NAME_BYTES_MAX) {
            continue;
        }
        size_t d = distance(wrong, name);
        if (d < nearest_distance && d < strlen(name)) {
            nearest = name;
            nearest_distance = d;
        }
    }
    if (nearest != NULL) {
        snprintf(ret_text, FB_SUGGEST_SIZE, fb_text("; did you mean '%s'?"), nearest);
    }
    return ret_text;
}
