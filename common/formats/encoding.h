/* SPDX-License-Identifier: MIT
 *
 * Which encoding a text file is in, found from its bytes, and its text as UTF-8, piece by piece.
 *
 * A byte order mark decides. Without one: zeros at every other place are UTF-16, text that is UTF-8 throughout is
 * that, and pairs of bytes that lie where Chinese text lies are GB18030. Anything else (Windows-1252,
 * Big5) cannot be told apart by its bytes, so it is asked for instead of guessed: a guess would
 * damage names silently.
 */
#ifndef FB_FORMATS_ENCODING_H
#define FB_FORMATS_ENCODING_H

#include <stdio.h>

#include "common/base/err.h"

struct fb_encoding {
    char name[32];      /* as iconv knows it: "UTF-8", "GB18030", "UTF-16LE", ... */
    long bytes_to_skip; /* the byte order mark */
};

/* Reads the whole file once and goes back to its beginning. name is for sentences. FB_ERR_INVALID if the bytes do not
 * tell, FB_ERR_IO. */
int fb_encoding_detect(FILE *file, const char *name, struct fb_encoding *ret,
                       struct fb_why *why) FB_MUST_CHECK;

/* For a named encoding: finds the byte order mark to skip. FB_ERR_INVALID if iconv does not know it. */
int fb_encoding_named(FILE *file, const char *encoding, struct fb_encoding *ret,
                      struct fb_why *why) FB_MUST_CHECK;

/* The text as UTF-8. */
struct fb_text_stream;
int fb_text_stream_new(FILE *file, const struct fb_encoding *encoding,
                       struct fb_text_stream **ret) FB_MUST_CHECK;
void fb_text_stream_free(struct fb_text_stream *stream);

/* The next piece: *ret_size is 0 at the end. The bytes live until the next call. FB_ERR_INVALID for bytes that are none of
 * the encoding, FB_ERR_IO. */
int fb_text_stream_next(struct fb_text_stream *stream, const char **ret_bytes,
                        size_t *ret_size) FB_MUST_CHECK;

#endif
