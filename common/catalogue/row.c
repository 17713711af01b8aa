/* SPDX-License-Identifier: MIT
 *
 * The canonical bytes of a row, integers little-endian:
 *
 *     u32  entity's number
 *     36   id
 *     then every value that is neither null nor absent, in the catalogue's order:
 *     u32  field's number
 *     u8   1 integer, 2 text, 3 blob
 *     u64  integer (two's complement)            of 1
 *     u32  size, then that many bytes            of 2 and 3
 *
 * Stamps are left out: no journal row keeps their old values, and programs fill them on their own.
 * NULL and absent look alike, so a field that a device may not see leaves no trace. Both sides must
 * use one version of the catalogue when they compare.
 */
#include <string.h>

#include "common/base/buf.h"
#include "common/base/id.h"
#include "common/catalogue/catalogue.h"

static void append_u32(struct fb_buf *buf, uint32_t n)
{
    uint8_t bytes[4];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(n >> (8 * i));
    }
    fb_buf_append(buf, bytes, sizeof bytes);
}

static void append_value(struct fb_buf *buf, uint32_t no, const struct fb_value *v)
{
    if (fb_value_is_empty(v)) {
        return;
    }
    append_u32(buf, no);
    if (v->type == FB_INT) {
        uint64_t n = (uint64_t)v->integer;
        fb_buf_append_byte(buf, 1);
        append_u32(buf, (uint32_t)n);
        append_u32(buf, (uint32_t)(n >> 32));
        return;
    }
    fb_buf_append_byte(buf, v->type == FB_TEXT ? 2 : 3);
    append_u32(buf, v->size);
    fb_buf_append(buf, v->bytes, v->size);
}

void fb_row_append_canonical(struct fb_buf *buf, const struct fb_row *row)
{
    const struct fb_entity *e = row->entity;
    append_u32(buf, e->no);
    fb_buf_append(buf, row->id, FB_ROW_ID_SIZE - 1);
    for (size_t i = 0; i < e->field_count; i++) {
        if (e->fields[i].visibility != FB_SEEN_ON_DEVICE) {
            append_value(buf, e->fields[i].no, &row->values[i]);
        }
    }
}
