/* SPDX-License-Identifier: MIT
 *
 * The frame around a body, and the table of kinds. For this folder only; the drawing stands in
 * message.h.
 */
#ifndef FB_WIRE_FRAME_H
#define FB_WIRE_FRAME_H

#include "common/wire/wire.h"

#define FB_FRAME_HEADER_BYTES 6
#define FB_FRAME_COMPRESSED   1U /* flag */

struct fb_kind {
    const char *name;
    bool is_compressed;
    const ProtobufCMessageDescriptor *descriptor;
    fb_message_pack *pack;
    fb_message_unpack *unpack;
};

/* NULL if there is no such kind. */
const struct fb_kind *fb_kind_find(unsigned number);

#endif
