/* SPDX-License-Identifier: MIT
 *
 * What the person may do, for the pages: whole entities without a right are left out, and of fields only those that
 * are not simply his to write.
 */
#include <string.h>

#include "common/web/api_handlers.h"
#include "common/web/api_inside.h"

static void append_entity_rights(struct fb_api *a, const struct fb_entity *e, struct fb_buf *out)
{
    static const struct {
        const char *name;
        enum fb_api_act act;
    } ACTS[] = {{"read", FB_API_READ},     {"create", FB_API_CREATE}, {"edit", FB_API_EDIT},
                {"delete", FB_API_DELETE}, {"export", FB_API_EXPORT}, {"assign", FB_API_ASSIGN}};
    fb_api_append_key(out, e->name);
    fb_buf_append_byte(out, '{');
    for (size_t i = 0; i < sizeof ACTS / sizeof ACTS[0]; i++) {
        fb_api_append_member(out, ACTS[i].name, fb_api_level_name(a, e, ACTS[i].act));
    }
    fb_buf_append_byte(out, '}');
}

static void append_entity_fields(struct fb_api *a, const struct fb_entity *e, struct fb_buf *out)
{
    bool is_open = false;
    for (size_t i = 0; i < e->field_count; i++) {
        const struct fb_field *f = &e->fields[i];
        bool sees = fb_api_sees_field(a, e, f);
        if (sees && fb_api_writes_field(a, e, f, false)) {
            continue;
        }
        if (!is_open) {
            fb_api_append_key(out, e->name);
            fb_buf_append_byte(out, '{');
            is_open = true;
        }
        fb_api_append_member(out, f->name, sees ? "read" : "hidden");
    }
    fb_buf_append_text(out, is_open ? "}" : "");
}

int fb_api_append_rights(struct fb_web *web, const char *employee_id, struct fb_buf *out)
{
    FB_AUTO(fb_api_end)
    struct fb_api a = {.web = web,
                       .store = web->store,
                       .catalogue = fb_store_catalogue(web->store),
                       .arena = web->arena,
                       .me = employee_id};
    int rc = fb_api_load_rights(&a);
    if (rc < 0) {
        return rc;
    }
    size_t count = a.catalogue == NULL ? 0 : a.catalogue->entity_count;
    fb_api_append_key(out, "rights");
    fb_buf_append_byte(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (fb_api_sees_entity(&a, &a.catalogue->entities[i])) {
            append_entity_rights(&a, &a.catalogue->entities[i], out);
        }
    }
    fb_buf_append_text(out, "}");
    fb_api_append_key(out, "fields");
    fb_buf_append_byte(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (fb_api_sees_entity(&a, &a.catalogue->entities[i])) {
            append_entity_fields(&a, &a.catalogue->entities[i], out);
        }
    }
    fb_buf_append_byte(out, '}');
    return fb_buf_error(out);
}
