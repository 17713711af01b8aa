/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/cli/cli.h"

#define WORD_BYTES_MAX 64

/* Edits (insert, delete, replace) that turn a into b. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t previous[WORD_BYTES_MAX + 1];
    size_t width = strlen(b);
    if (strlen(a) > WORD_BYTES_MAX || width > WORD_BYTES_MAX) {
        return WORD_BYTES_MAX;
    }
    for (size_t j = 0; j <= width; j++) {
        previous[j] = j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = previous[0];
        previous[0] = i + 1;
        for (size_t j = 0; j < width; j++) {
            size_t replaced = diagonal + (a[i] != b[j]);
            diagonal = previous[j + 1];
            size_t shorter = previous[j] < diagonal ? previous[j] : diagonal;
            previous[j + 1] = replaced < shorter + 1 ? replaced : shorter + 1;
        }
    }
    return previous[width];
}

const char *fb_cli_nearest(const char *word, const char *const *candidates)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 1; /* a third of the word may be wrong */
    for (; *candidates != NULL; candidates++) {
        size_t distance = edit_distance(word, *candidates);
        if (distance <= best_distance && (best == NULL || distance < best_distance)) {
            best = *candidates;
            best_distance = distance;
        }
    }
    return best;
}
