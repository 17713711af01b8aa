/* SPDX-License-Identifier: MIT
 *
 * The wire format as scanned here (protobuf "Encoding"): a field is a tag (varint: number << 3 | type) and, by type,
 *
 *     0  a varint
 *     1  8 bytes
 *     2  a varint length and that many bytes
 *     5  4 bytes
 *
 * Types 3 and 4 (groups) are refused. A varint has at most 10 bytes.
 */
#include "common/wire/gate.h"

#include "common/base/limits.h"

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

struct scan {
    const uint8_t *at;
    const uint8_t *end; /* of the innermost message */
    unsigned fields;    /* so far, in all messages */
    struct fb_why *why;
};

static int read_varint(struct scan *s, uint64_t *ret)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (s->at == s->end) {
            return fb_fail(s->why, FB_ERR_PROTOCOL, "a message ends inside a number");
        }
        uint8_t byte = *s->at++;
        if (shift == 63 && byte > 1) {
            break;
        }
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            *ret = value;
            return FB_OK;
        }
    }
    return fb_fail(s->why, FB_ERR_PROTOCOL, "a number in a message has more than 64 bits");
}

static int skip(struct scan *s, uint64_t size)
{
    if (size > (uint64_t)(s->end - s->at)) {
        return fb_fail(s->why, FB_ERR_PROTOCOL, "a field is longer than its message");
    }
    s->at += size;
    return FB_OK;
}

static bool is_packed(const ProtobufCFieldDescriptor *field)
{
    return field->label == PROTOBUF_C_LABEL_REPEATED && field->type != PROTOBUF_C_TYPE_BYTES &&
           field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE;
}

static enum wire_type type_of_scalar(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return WIRE_FIXED64;
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return WIRE_FIXED32;
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return WIRE_BYTES;
    default:
        return WIRE_VARINT;
    }
}

/* Packed varints: none longer than 10 bytes, the last one whole. */
static int scan_packed(struct scan *s, uint64_t size)
{
    const uint8_t *end = s->at + size;
    unsigned run = 0;
    for (; s->at < end; s->at++) {
        run = *s->at < 0x80 ? 0 : run + 1;
        if (run > 9) {
            return fb_fail(s->why, FB_ERR_PROTOCOL, "a number in a message has more than 64 bits");
        }
    }
    if (run > 0) {
        return fb_fail(s->why, FB_ERR_PROTOCOL, "a message ends inside a number");
    }
    return FB_OK;
}

static int scan_message(struct scan *s, const ProtobufCMessageDescriptor *descriptor,
                        unsigned depth);

static int scan_inner(struct scan *s, const ProtobufCFieldDescriptor *field, uint64_t size,
                      unsigned depth)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        const uint8_t *outer_end = s->end;
        s->end = s->at + size;
        int rc = scan_message(s, field->descriptor, depth + 1);
        s->end = outer_end;
        return rc;
    }
    return is_packed(field) ? scan_packed(s, size) : skip(s, size);
}

static int scan_bytes(struct scan *s, const ProtobufCFieldDescriptor *field, unsigned depth)
{
    uint64_t size = 0;
    int rc = read_varint(s, &size);
    if (rc < 0) {
        return rc;
    }
    if (size > (uint64_t)(s->end - s->at)) {
        return fb_fail(s->why, FB_ERR_PROTOCOL, "a field is longer than its message");
    }
    return field == NULL ? skip(s, size) : scan_inner(s, field, size, depth);
}

static int scan_value(struct scan *s, const ProtobufCFieldDescriptor *field, unsigned type,
                      unsigned depth)
{
    if (field != NULL && type != (is_packed(field) ? WIRE_BYTES : type_of_scalar(field))) {
        return fb_fail(s->why, FB_ERR_PROTOCOL, "field %s of a message has another type",
                       field->name);
    }
    uint64_t ignored = 0;
    switch (type) {
    case WIRE_VARINT:
        return read_varint(s, &ignored);
    case WIRE_FIXED64:
        return skip(s, 8);
    case WIRE_FIXED32:
        return skip(s, 4);
    case WIRE_BYTES:
        return scan_bytes(s, field, depth);
    default:
        return fb_fail(s->why, FB_ERR_PROTOCOL, "a message holds a group");
    }
}

/* Field numbers end at 64, so one word notes which have been there: a single one that comes twice
 * would make protobuf-c merge, and forget memory of the arena. */
static int scan_field(struct scan *s, const ProtobufCMessageDescriptor *descriptor, uint64_t *seen,
                      unsigned depth)
{
    uint64_t tag = 0;
    int rc = read_varint(s, &tag);
    if (rc < 0) {
        return rc;
    }
    uint64_t number = tag >> 3;
    if (number == 0 || number > FB_WIRE_FIELD_NUMBER_MAX) {
        return fb_fail(s->why, FB_ERR_PROTOCOL, "a message has a field number out of range");
    }
    if (++s->fields > FB_WIRE_FIELDS_MAX) {
        return fb_fail(s->why, FB_ERR_PROTOCOL, "a message has more than %d fields",
                       FB_WIRE_FIELDS_MAX);
    }
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(descriptor, (unsigned)number);
    uint64_t bit = UINT64_C(1) << (number - 1);
    bool is_repeated =
        field == NULL || (field->label == PROTOBUF_C_LABEL_REPEATED && !is_packed(field));
    if (!is_repeated && (*seen & bit) != 0) {
        return fb_fail(s->why, FB_ERR_PROTOCOL, "field %s of a message comes twice", field->name);
    }
    *seen |= bit;
    return scan_value(s, field, (unsigned)(tag & 7), depth);
}

static int scan_message(struct scan *s, const ProtobufCMessageDescriptor *descriptor,
                        unsigned depth)
{
    if (depth > FB_WIRE_DEPTH_MAX) {
        return fb_fail(s->why, FB_ERR_PROTOCOL, "a message is nested too deep");
    }
    uint64_t seen = 0;
    while (s->at < s->end) {
        int rc = scan_field(s, descriptor, &seen, depth);
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

int fb_gate_scan(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t size,
                 size_t *ret_fields, struct fb_why *why)
{
    struct scan s = {.at = bytes, .end = bytes + size, .why = why};
    int rc = size == 0 ? FB_OK : scan_message(&s, descriptor, 1);
    if (rc == FB_OK) {
        *ret_fields = s.fields;
    }
    return rc;
}
