/* SPDX-License-Identifier: MIT
 *
 * The journal rows of one row, added up to one change (sync-rules.md, rules 1, 5, 7, 15, 18); for
 * this folder only.
 *
 * What the row was before its first journal row:
 *
 *     first journal row       before
 *     op 1 insert             absent
 *     op 2 field updated      there; the field's old value is its base
 *     op 3 deleted            there; the image gives every base that is not known yet
 *     op 4 old image          there; as op 3
 *
 * What it is now, the table says. Absent and there: insert. There and absent: delete. Both there:
 * update, of the fields whose base differs from the table. Absent twice, or no field differs:
 * named.
 */
#ifndef FB_STORE_JOURNAL_NET_H
#define FB_STORE_JOURNAL_NET_H

#include "common/base/id.h"
#include "common/store/inside.h"
#include "common/store/journal.h"

struct fb_net_field {
    struct fb_value base;
    bool is_known; /* base is */
    uint32_t turn; /* of its last journal row; 0: none of its own */
    int64_t at_ms;
    int64_t cursor;           /* where the node stood at it */
    struct fb_value previous; /* in the last image; where a step of a later insert starts */
    bool has_previous;
    bool is_open; /* the last step's end is not known yet */
    struct fb_step *steps;
    size_t step_count;
    size_t step_capacity;
};

struct fb_net {
    const struct fb_entity *entity;
    char id[FB_ROW_ID_SIZE];
    struct fb_arena arena; /* cleared per row */
    struct fb_net_field fields[FB_FIELDS_MAX];
    uint32_t turn; /* journal rows so far */
    int64_t first_op;
    int64_t last_op;
    int64_t at_ms;       /* of the last one */
    int64_t cursor;      /* where the node stood at the last one */
    uint32_t whole_turn; /* of the last that touched every field */
    int64_t whole_at_ms;
    int64_t whole_cursor;
    bool has_image;
    bool has_delete_image; /* of an op 3: the fields' previous are then the last image */
};

struct fb_net_entry {
    int64_t op;
    int64_t field_no;
    int64_t at_ms;
    int64_t cursor;      /* where the node stood */
    struct fb_value old; /* borrowed */
    struct fb_value step;
};

void fb_net_begin(struct fb_net *net, const struct fb_entity *e,
                  const char id[static FB_ROW_ID_SIZE]);
int fb_net_add(struct fb_net *net, const struct fb_net_entry *entry) FB_MUST_CHECK;

/* now: the row's select statement standing on it; NULL: it is not in the table. Values of ret
 * live in net's arena and in now. */
int fb_net_finish(struct fb_net *net, const struct fb_sql *now,
                  struct fb_change *ret) FB_MUST_CHECK;

#endif
