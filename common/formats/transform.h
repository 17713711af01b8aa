/* SPDX-License-Identifier: MIT
 *
 * What happens to the text of a cell before it is read as a value. A NULL text has no value and stays so. Texts live in
 * the arena passed in, or where they were.
 */
#ifndef FB_FORMATS_TRANSFORM_H
#define FB_FORMATS_TRANSFORM_H

#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/formats/mapping.h"

/* Blanks around it are dropped, also the wide and the non-breaking one; NULL if nothing is left. text is changed. */
char *fb_text_trim(char *text);

/* The form of dates by its name in mappings ("M/D/YYYY"); false if there is none. */
bool fb_date_form_parse(const char *name, int64_t *ret);
/* All names, for sentences. */
const char *fb_date_form_names(void);

/* Applies all in their order. FB_ERR_INVALID with a sentence about the text; FB_ERR_NO_MEMORY. */
int fb_transform_run(const struct fb_transform *transforms, size_t count, struct fb_arena *arena,
                     const char *text, const char **ret, struct fb_why *why) FB_MUST_CHECK;

#endif
