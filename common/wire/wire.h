/* SPDX-License-Identifier: MIT
 *
 * What the files of this folder share: generated code, small conversions. Not for others: message.h
 * is.
 */
#ifndef FB_WIRE_WIRE_H
#define FB_WIRE_WIRE_H

#include <proto/enrol.pb-c.h>
#include <proto/sync.pb-c.h>

#include "common/base/limits.h"
#include "common/wire/gate.h"
#include "common/wire/message.h"

/* What unpacking needs: the result's memory, the model, and where to put the sentence. */
struct fb_unpack {
    struct fb_arena *arena;
    const struct fb_catalogue *catalogue; /* NULL where no rows are expected */
    struct fb_why *why;
};

/* Bytes for packing; borrowed. The generated struct has no const. */
ProtobufCBinaryData fb_wire_bytes(const void *bytes, size_t size);
ProtobufCBinaryData fb_wire_text(const char *text); /* NULL is empty */

/* 16 bytes of a canonical id in the arena, or none for an empty text. FB_ERR_INVALID for another
 * text. */
int fb_wire_id(const char *text, struct fb_arena *arena, ProtobufCBinaryData *ret) FB_MUST_CHECK;
/* None for a hash of zeros. */
ProtobufCBinaryData fb_wire_hash(const struct fb_sha256 *hash);

/* A text without zeros, of valid UTF-8, at most size_max bytes; a copy with a zero behind it. name
 * is for the sentence. */
int fb_wire_read_text(const struct fb_unpack *u, const ProtobufCBinaryData *b, size_t size_max,
                      const char *name, const char **ret) FB_MUST_CHECK;
/* 16 bytes; or none where that may be. */
int fb_wire_read_id(const struct fb_unpack *u, const ProtobufCBinaryData *b, bool may_be_empty,
                    const char *name, char ret[static FB_ROW_ID_SIZE]) FB_MUST_CHECK;
int fb_wire_read_hash(const struct fb_unpack *u, const ProtobufCBinaryData *b, const char *name,
                      struct fb_sha256 *ret) FB_MUST_CHECK;
/* A list of texts, such as scopes. */
int fb_wire_read_texts(const struct fb_unpack *u, const ProtobufCBinaryData *list, size_t count,
                       size_t count_max, const char *name, const char ***ret) FB_MUST_CHECK;
/* The same for packing; FB_ERR_LIMIT beyond FB_SCOPES_MAX. */
int fb_wire_texts(const char **texts, size_t count, struct fb_arena *arena,
                  ProtobufCBinaryData **ret, size_t *ret_count) FB_MUST_CHECK;
/* Timelines: at most FB_TIMELINES_MAX ids. */
int fb_wire_read_ids(const struct fb_unpack *u, const ProtobufCBinaryData *list, size_t count,
                     const char *name, char (**ret)[FB_ROW_ID_SIZE]) FB_MUST_CHECK;
/* Counters and times are never negative. */
int fb_wire_check_counter(const struct fb_unpack *u, int64_t n, const char *name) FB_MUST_CHECK;

/* One kind of message: its descriptor and its ways. fields of the union <-> the generated struct.
 */
typedef int fb_message_pack(const struct fb_message *m, struct fb_arena *arena,
                            ProtobufCMessage **ret);
typedef int fb_message_unpack(const ProtobufCMessage *p, const struct fb_unpack *u,
                              struct fb_message *ret);

/* Declares out, a generated struct in the arena, initialised, and sets *ret to it. */
#define FB_NEW_MESSAGE(Type, prefix)                                                               \
    Fb__Wire__##Type *out = fb_arena_alloc(arena, sizeof *out);                                    \
    if (out == NULL) {                                                                             \
        return FB_ERR_NO_MEMORY;                                                                   \
    }                                                                                              \
    fb__wire__##prefix##__init(out);                                                               \
    *ret = &out->base

fb_message_pack fb_pack_hello, fb_pack_welcome, fb_pack_catalogue, fb_pack_push_part, fb_pack_ack,
    fb_pack_pull, fb_pack_rows, fb_pack_removes, fb_pack_chunk, fb_pack_cut, fb_pack_poke,
    fb_pack_ping, fb_pack_pong, fb_pack_refuse, fb_pack_scope_digests, fb_pack_enrol_ask,
    fb_pack_enrol_answer, fb_pack_wiped, fb_pack_evict, fb_pack_references;
fb_message_unpack fb_unpack_hello, fb_unpack_welcome, fb_unpack_catalogue, fb_unpack_push_part,
    fb_unpack_ack, fb_unpack_pull, fb_unpack_rows, fb_unpack_removes, fb_unpack_chunk,
    fb_unpack_cut, fb_unpack_poke, fb_unpack_ping, fb_unpack_pong, fb_unpack_refuse,
    fb_unpack_scope_digests, fb_unpack_enrol_ask, fb_unpack_enrol_answer, fb_unpack_wiped,
    fb_unpack_evict, fb_unpack_references;

#endif
