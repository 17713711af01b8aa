/* SPDX-License-Identifier: MIT
 *
 * What leaves a laptop's scopes, and what its rows point to outside them.
 */
#include "common/wire/wire.h"

#include <string.h>

int fb_pack_evict(const struct fb_message *m, struct fb_arena *arena, ProtobufCMessage **ret)
{
    FB_NEW_MESSAGE(Evict, evict);
    return fb_wire_texts(m->evict.scopes, m->evict.scope_count, arena, &out->scopes,
                         &out->n_scopes);
}

int fb_unpack_evict(const ProtobufCMessage *p, const struct fb_unpack *u, struct fb_message *ret)
{
    const Fb__Wire__Evict *in = (const Fb__Wire__Evict *)p;
    ret->evict = (struct fb_evict){.scope_count = in->n_scopes};
    return fb_wire_read_texts(u, in->scopes, in->n_scopes, FB_SCOPES_MAX, "scope",
                              &ret->evict.scopes);
}

int fb_pack_references(const struct fb_message *m, struct fb_arena *arena, ProtobufCMessage **ret)
{
    FB_NEW_MESSAGE(References, references);
    const struct fb_references *refs = &m->references;
    if (refs->count > FB_REFERENCES_MAX) {
        return FB_ERR_LIMIT;
    }
    out->entity_no = refs->entity_no;
    out->ids = fb_arena_alloc(arena, refs->count * sizeof *out->ids);
    if (out->ids == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc = fb_wire_texts(refs->titles, refs->count, arena, &out->titles, &out->n_titles);
    for (size_t i = 0; rc == FB_OK && i < refs->count; i++) {
        rc = fb_wire_id(refs->ids[i], arena, &out->ids[i]);
    }
    out->n_ids = refs->count;
    return rc;
}

int fb_unpack_references(const ProtobufCMessage *p, const struct fb_unpack *u,
                         struct fb_message *ret)
{
    const Fb__Wire__References *in = (const Fb__Wire__References *)p;
    struct fb_references *refs = &ret->references;
    *refs = (struct fb_references){.entity_no = in->entity_no, .count = in->n_ids};
    if (in->n_ids > FB_REFERENCES_MAX || in->n_ids != in->n_titles) {
        return fb_fail(u->why, FB_ERR_PROTOCOL, "a message names %zu references with %zu titles",
                       in->n_ids, in->n_titles);
    }
    refs->ids = fb_arena_alloc(u->arena, (refs->count + 1) * sizeof *refs->ids);
    if (refs->ids == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    int rc =
        fb_wire_read_texts(u, in->titles, in->n_titles, FB_REFERENCES_MAX, "title", &refs->titles);
    for (size_t i = 0; rc == FB_OK && i < refs->count; i++) {
        rc = fb_wire_read_id(u, &in->ids[i], false, "a reference", refs->ids[i]);
    }
    return rc;
}
