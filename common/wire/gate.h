/* SPDX-License-Identifier: MIT
 *
 * The gate that every body passes on its way in and out, for this folder only.
 *
 * In: decompress (size, output and ratio are compared with limits.h first), scan (one pass over the
 * wire format, guided by the descriptors: depth, number of fields, lengths, no groups, no field
 * number above the limit), unpack into the caller's arena under a cap. protobuf-c 1.4 uses up to 72
 * times its input and crashes on deep nesting: it sees only what has passed. Out: pack, compress.
 * Bytes in are never trusted; what is wrong with them is FB_ERR_PROTOCOL with a sentence.
 */
#ifndef FB_WIRE_GATE_H
#define FB_WIRE_GATE_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/mem.h"

#define FB_ZSTD_LEVEL 1

/* One whole zstd frame, and nothing behind it but padding (a skippable frame). *ret is malloc'ed,
 * release with free(). */
int fb_gate_decompress(const uint8_t *bytes, size_t size, uint8_t **ret, size_t *ret_size,
                       struct fb_why *why) FB_MUST_CHECK;

/* Appends one zstd frame, padded so far that a receiver does not take it for a bomb: an honest text
 * may be a letter repeated. FB_ERR_NO_MEMORY, or the buffer's error. */
int fb_gate_compress(const uint8_t *bytes, size_t size, struct fb_buf *out) FB_MUST_CHECK;

/* *ret_fields: how many fields it has, those of its inner messages too. */
int fb_gate_scan(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t size,
                 size_t *ret_fields, struct fb_why *why) FB_MUST_CHECK;

/* Scans, then unpacks; everything lives in the arena, nothing need be freed. */
int fb_gate_unpack(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t size,
                   struct fb_arena *arena, ProtobufCMessage **ret,
                   struct fb_why *why) FB_MUST_CHECK;

/* Appends the packed message. */
int fb_gate_pack(const ProtobufCMessage *message, struct fb_buf *out) FB_MUST_CHECK;

#endif
