/* SPDX-License-Identifier: MIT */
#include "common/wire/gate.h"

#include "common/base/limits.h"

struct cap {
    struct fb_arena *arena;
    size_t left;
    bool is_reached; /* by the message, not by the machine's memory */
};

static void *cap_alloc(void *ctx, size_t size)
{
    struct cap *cap = ctx;
    if (size > cap->left) {
        cap->is_reached = true;
        return NULL;
    }
    cap->left -= size;
    return fb_arena_alloc(cap->arena, size);
}

static void cap_free(void *ctx, void *pointer)
{
    (void)ctx; /* the arena frees everything at once */
    (void)pointer;
}

/* Honest messages need about twice their size; packed numbers of a byte each become 8. */
static size_t cap_of(size_t body_size, size_t fields)
{
    size_t extra = body_size * (FB_UNPACK_ARENA_FACTOR - 1);
    extra = extra > FB_UNPACK_ARENA_EXTRA_MAX ? FB_UNPACK_ARENA_EXTRA_MAX : extra;
    return FB_UNPACK_ARENA_FLOOR + body_size + extra + fields * FB_UNPACK_FIELD_BYTES;
}

int fb_gate_unpack(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t size,
                   struct fb_arena *arena, ProtobufCMessage **ret, struct fb_why *why)
{
    size_t fields = 0;
    int rc = fb_gate_scan(descriptor, bytes, size, &fields, why);
    if (rc < 0) {
        return rc;
    }
    struct cap cap = {.arena = arena, .left = cap_of(size, fields)};
    ProtobufCAllocator allocator = {.alloc = cap_alloc, .free = cap_free, .allocator_data = &cap};
    ProtobufCMessage *message = protobuf_c_message_unpack(descriptor, &allocator, size, bytes);
    if (message != NULL) {
        *ret = message;
        return FB_OK;
    }
    if (cap.is_reached) {
        return fb_fail(why, FB_ERR_PROTOCOL, "a message wants more memory than its size allows");
    }
    /* The scan has passed what protobuf-c accepts, so the machine's memory is what is left. */
    return FB_ERR_NO_MEMORY;
}

int fb_gate_pack(const ProtobufCMessage *message, struct fb_buf *out)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *at = fb_buf_reserve(out, size);
    if (at == NULL) {
        return fb_buf_error(out);
    }
    fb_buf_commit(out, protobuf_c_message_pack(message, at));
    return FB_OK;
}
