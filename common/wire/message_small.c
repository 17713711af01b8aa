/* SPDX-License-Identifier: MIT
 *
 * Messages of a few fields: push parts and acks, poke, ping, pong, refusals, wiped, enrolment.
 */
#include "common/wire/wire.h"

int fb_pack_push_part(const struct fb_message *m, struct fb_arena *arena, ProtobufCMessage **ret)
{
    FB_NEW_MESSAGE(PushPart, push_part);
    const struct fb_push_part *part = &m->push_part;
    out->incarnation = part->incarnation;
    out->number = part->number;
    out->part = part->part;
    out->parts = part->parts;
    out->prev_hash = fb_wire_hash(&part->prev_hash);
    out->hash = fb_wire_hash(&part->hash);
    out->body = fb_wire_bytes(part->bytes, part->size);
    if (part->origin.number > 0) {
        out->origin_incarnation = part->origin.incarnation;
        out->origin_number = part->origin.number;
        out->origin_hash = fb_wire_hash(&part->origin.hash);
    }
    return fb_wire_id(part->timeline, arena, &out->timeline);
}

static int check_push_part(const struct fb_unpack *u, const Fb__Wire__PushPart *in)
{
    if (in->number < 1 || in->parts < 1 || in->parts > FB_PUSH_PARTS_MAX || in->part < 0 ||
        in->part >= in->parts || in->origin_number < 0) {
        return fb_fail(u->why, FB_ERR_PROTOCOL, "a push part has numbers that cannot be");
    }
    return fb_wire_check_counter(u, in->incarnation, "the incarnation");
}

int fb_unpack_push_part(const ProtobufCMessage *p, const struct fb_unpack *u,
                        struct fb_message *ret)
{
    const Fb__Wire__PushPart *in = (const Fb__Wire__PushPart *)p;
    struct fb_push_part *part = &ret->push_part;
    *part = (struct fb_push_part){
        .incarnation = in->incarnation,
        .number = in->number,
        .part = in->part,
        .parts = in->parts,
        .origin = {.incarnation = in->origin_incarnation, .number = in->origin_number},
        .bytes = in->body.data,
        .size = in->body.len};
    int rc = check_push_part(u, in);
    rc = rc < 0 ? rc : fb_wire_read_id(u, &in->timeline, true, "the timeline", part->timeline);
    rc = rc < 0 ? rc
                : fb_wire_read_hash(u, &in->prev_hash, "the hash of the push before",
                                    &part->prev_hash);
    rc = rc < 0 ? rc : fb_wire_read_hash(u, &in->hash, "the push's hash", &part->hash);
    rc = rc < 0 ? rc : fb_wire_check_counter(u, in->origin_incarnation, "the first incarnation");
    return rc < 0 || in->origin_number == 0
               ? rc
               : fb_wire_read_hash(u, &in->origin_hash, "the push's first hash",
                                   &part->origin.hash);
}

int fb_pack_ack(const struct fb_message *m, struct fb_arena *arena, ProtobufCMessage **ret)
{
    FB_NEW_MESSAGE(Ack, ack);
    out->number = m->ack.number;
    return FB_OK;
}

int fb_unpack_ack(const ProtobufCMessage *p, const struct fb_unpack *u, struct fb_message *ret)
{
    ret->ack.number = ((const Fb__Wire__Ack *)p)->number;
    return fb_wire_check_counter(u, ret->ack.number, "the number of an ack");
}

int fb_pack_poke(const struct fb_message *m, struct fb_arena *arena, ProtobufCMessage **ret)
{
    FB_NEW_MESSAGE(Poke, poke);
    out->rev = m->poke.rev;
    out->scopes = m->poke.scopes;
    return FB_OK;
}

int fb_unpack_poke(const ProtobufCMessage *p, const struct fb_unpack *u, struct fb_message *ret)
{
    const Fb__Wire__Poke *in = (const Fb__Wire__Poke *)p;
    ret->poke = (struct fb_poke){.rev = in->rev, .scopes = in->scopes};
    return fb_wire_check_counter(u, ret->poke.rev, "the rev");
}

int fb_pack_ping(const struct fb_message *m, struct fb_arena *arena, ProtobufCMessage **ret)
{
    FB_NEW_MESSAGE(Ping, ping);
    out->at_ms = m->ping_ms;
    return FB_OK;
}

int fb_unpack_ping(const ProtobufCMessage *p, const struct fb_unpack *u, struct fb_message *ret)
{
    (void)u;
    ret->ping_ms = ((const Fb__Wire__Ping *)p)->at_ms;
    return FB_OK;
}

int fb_pack_pong(const struct fb_message *m, struct fb_arena *arena, ProtobufCMessage **ret)
{
    FB_NEW_MESSAGE(Pong, pong);
    out->at_ms = m->ping_ms;
    return FB_OK;
}

int fb_unpack_pong(const ProtobufCMessage *p, const struct fb_unpack *u, struct fb_message *ret)
{
    (void)u;
    ret->ping_ms = ((const Fb__Wire__Pong *)p)->at_ms;
    return FB_OK;
}

int fb_pack_refuse(const struct fb_message *m, struct fb_arena *arena, ProtobufCMessage **ret)
{
    FB_NEW_MESSAGE(Refuse, refuse);
    out->reason = m->refuse.reason;
    out->sentence = fb_wire_text(m->refuse.sentence);
    out->retry_after_ms = m->refuse.retry_after_ms;
    return FB_OK;
}

int fb_unpack_refuse(const ProtobufCMessage *p, const struct fb_unpack *u, struct fb_message *ret)
{
    const Fb__Wire__Refuse *in = (const Fb__Wire__Refuse *)p;
    if (in->reason > FB_REFUSAL_REPLACED) {
        return fb_fail(u->why, FB_ERR_PROTOCOL,
                       "a refusal has a reason (%u) that this program does not know", in->reason);
    }
    ret->refuse = (struct fb_refuse){.reason = (enum fb_refusal)in->reason,
                                     .retry_after_ms = in->retry_after_ms};
    int rc = fb_wire_check_counter(u, in->retry_after_ms, "the delay");
    return rc < 0 ? rc
                  : fb_wire_read_text(u, &in->sentence, FB_WHY_SIZE, "the sentence of a refusal",
                                      &ret->refuse.sentence);
}

int fb_pack_wiped(const struct fb_message *m, struct fb_arena *arena, ProtobufCMessage **ret)
{
    FB_NEW_MESSAGE(Wiped, wiped);
    out->unsent = m->wiped_unsent;
    return FB_OK;
}

int fb_unpack_wiped(const ProtobufCMessage *p, const struct fb_unpack *u, struct fb_message *ret)
{
    ret->wiped_unsent = ((const Fb__Wire__Wiped *)p)->unsent;
    return fb_wire_check_counter(u, ret->wiped_unsent, "the count of lost changes");
}

int fb_pack_enrol_ask(const struct fb_message *m, struct fb_arena *arena, ProtobufCMessage **ret)
{
    FB_NEW_MESSAGE(EnrolAsk, enrol_ask);
    out->code = fb_wire_text(m->enrol_ask.code);
    out->device_name = fb_wire_text(m->enrol_ask.device_name);
    out->csr = fb_wire_bytes(m->enrol_ask.csr, m->enrol_ask.csr_size);
    out->is_renewal = m->enrol_ask.is_renewal;
    out->asks_state = m->enrol_ask.asks_state;
    return FB_OK;
}

static int read_pem(const struct fb_unpack *u, const ProtobufCBinaryData *b, const uint8_t **ret,
                    size_t *ret_size)
{
    if (b->len == 0 || b->len > FB_MESSAGE_LONG_BYTES_MAX) {
        return fb_fail(u->why, FB_ERR_PROTOCOL, "a certificate or request of %zu bytes cannot be",
                       b->len);
    }
    *ret = b->data;
    *ret_size = b->len;
    return FB_OK;
}

int fb_unpack_enrol_ask(const ProtobufCMessage *p, const struct fb_unpack *u,
                        struct fb_message *ret)
{
    const Fb__Wire__EnrolAsk *in = (const Fb__Wire__EnrolAsk *)p;
    struct fb_enrol_ask *ask = &ret->enrol_ask;
    *ask = (struct fb_enrol_ask){.is_renewal = in->is_renewal, .asks_state = in->asks_state};
    int rc = fb_wire_read_text(u, &in->code, FB_MESSAGE_TEXT_BYTES_MAX, "the code", &ask->code);
    rc = rc < 0 ? rc
                : fb_wire_read_text(u, &in->device_name, FB_MESSAGE_TEXT_BYTES_MAX,
                                    "the device's name", &ask->device_name);
    return rc < 0 ? rc : read_pem(u, &in->csr, &ask->csr, &ask->csr_size);
}

int fb_pack_enrol_answer(const struct fb_message *m, struct fb_arena *arena, ProtobufCMessage **ret)
{
    FB_NEW_MESSAGE(EnrolAnswer, enrol_answer);
    const struct fb_enrol_answer *answer = &m->enrol_answer;
    out->certificate = fb_wire_bytes(answer->certificate, answer->certificate_size);
    out->authority = fb_wire_bytes(answer->authority, answer->authority_size);
    out->server_name = fb_wire_text(answer->server_name);
    out->lease_secret = fb_wire_hash(&answer->lease_secret);
    out->lease_ms = answer->lease_ms;
    out->is_pending = answer->is_pending;
    int rc = fb_wire_id(answer->device_id, arena, &out->device_id);
    return rc < 0 ? rc : fb_wire_id(answer->employee_id, arena, &out->employee_id);
}

int fb_unpack_enrol_answer(const ProtobufCMessage *p, const struct fb_unpack *u,
                           struct fb_message *ret)
{
    const Fb__Wire__EnrolAnswer *in = (const Fb__Wire__EnrolAnswer *)p;
    struct fb_enrol_answer *answer = &ret->enrol_answer;
    *answer = (struct fb_enrol_answer){.lease_ms = in->lease_ms, .is_pending = in->is_pending};
    int rc = fb_wire_read_id(u, &in->device_id, false, "the device", answer->device_id);
    rc = rc < 0 ? rc : fb_wire_check_counter(u, in->lease_ms, "the lease");
    rc = rc < 0 ? rc
                : fb_wire_read_hash(u, &in->lease_secret, "the secret of unlock codes",
                                    &answer->lease_secret);
    rc = rc < 0 ? rc
                : fb_wire_read_id(u, &in->employee_id, true, "the employee", answer->employee_id);
    rc = rc < 0 || in->certificate.len == 0 /* only its state was asked for */
             ? rc
             : read_pem(u, &in->certificate, &answer->certificate, &answer->certificate_size);
    rc = rc < 0 ? rc : read_pem(u, &in->authority, &answer->authority, &answer->authority_size);
    return rc < 0 ? rc
                  : fb_wire_read_text(u, &in->server_name, FB_MESSAGE_TEXT_BYTES_MAX,
                                      "the server's name", &answer->server_name);
}
