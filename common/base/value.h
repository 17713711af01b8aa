/* SPDX-License-Identifier: MIT
 *
 * A typed value: what one cell of a STRICT table holds, or "absent" where there is no cell (the
 * base of a field of a row that did not exist; a field hidden from a device). There are no reals:
 * money, decimals and quantities are scaled integers (catalogue.h).
 */
#ifndef FB_BASE_VALUE_H
#define FB_BASE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/id.h"
#include "common/base/mem.h"

enum fb_value_type {
    FB_ABSENT = 0, /* zero-initialised storage says that there is no value */
    FB_NULL,
    FB_INT,
    FB_TEXT, /* UTF-8 wherever our own code made it; foreign tools can store any bytes */
    FB_BLOB,
};

/* Plain data. bytes are borrowed, or owned by an arena; not zero-terminated unless said so. */
struct fb_value {
    enum fb_value_type type;
    uint32_t size;   /* of bytes, for TEXT and BLOB */
    int64_t integer; /* for INT */
    const char *bytes;
};

#define FB_VALUE_NULL ((struct fb_value){.type = FB_NULL})
extern const struct fb_value fb_value_null; /* the same, to point to */
struct fb_value fb_value_int(int64_t integer);
struct fb_value fb_value_text(const char *text); /* NULL gives the null value */
struct fb_value fb_value_text_n(const char *bytes, size_t size);
struct fb_value fb_value_blob(const void *bytes, size_t size);

/* Same type and same content. Absent equals absent. */
bool fb_value_equal(const struct fb_value *a, const struct fb_value *b);

/* True for NULL and ABSENT. */
bool fb_value_is_empty(const struct fb_value *v);

/* Is it a text, and exactly this one? */
bool fb_value_is_text(const struct fb_value *v, const char *text);

/* Is it this id? Nothing is where there is none (id is ""). */
bool fb_value_is_id(const struct fb_value *v, const char id[static FB_ROW_ID_SIZE]);
/* Copies a reference's id out of a value; false, and nothing copied: it is empty or has no id's
 * length. */
bool fb_value_to_id(const struct fb_value *v, char ret_id[static FB_ROW_ID_SIZE]);

/* Total order: absent < null < integers < texts < blobs, bytes by memcmp. Negative, 0, positive. */
int fb_value_compare(const struct fb_value *a, const struct fb_value *b);

/* Deep copy into an arena, a zero behind the bytes. FB_OK or FB_ERR_NO_MEMORY. */
int fb_value_copy(struct fb_arena *arena, const struct fb_value *v,
                  struct fb_value *ret) FB_MUST_CHECK;

struct fb_buf;
/* Appends the value as JSON: null, integer, string, {"$hex":"..."} for a blob or text that is not
 * UTF-8,
 * {"$absent":true}. */
void fb_value_append_json(struct fb_buf *buf, const struct fb_value *v);

/* UTF-8 as in RFC 3629: no overlong forms, surrogates or code points beyond U+10FFFF. */
bool fb_utf8_is_valid(const char *bytes, size_t size);

#endif
