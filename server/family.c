/* SPDX-License-Identifier: MIT */
#include "server/internal.h"

static bool is_scope_field(const struct fb_entity *e, const struct fb_field *f)
{
    bool follows =
        e->scope == FB_SCOPE_FOLLOWS || e->scope == FB_SCOPE_EITHER || e->scope == FB_SCOPE_LINKS;
    for (size_t i = 0; follows && i < e->scope_field_count; i++) {
        if (e->scope_fields[i] == f) {
            return true;
        }
    }
    return false;
}

/* A person is no parent: what he owns outlives him. */
static bool is_employee_field(const struct fb_entity *e, const struct fb_field *f,
                              const struct fb_entity *target)
{
    return f != e->parent_field && strcmp(target->name, "employee") == 0;
}

bool fb_family_is_below(const struct fb_row *row, const struct fb_field *field)
{
    const struct fb_entity *e = row->entity;
    if (row->values[field->index].type != FB_TEXT) {
        return false;
    }
    const struct fb_entity *target = fb_row_target(row, field);
    if (target == NULL || is_employee_field(e, field, target)) {
        return false;
    }
    return field == e->parent_field ||
           (is_scope_field(e, field) && fb_scope_field_decides(row, field));
}

static int add_link(struct fb_family *f, size_t capacity, const struct fb_entity *child,
                    const struct fb_field *field, const struct fb_entity *parent)
{
    if (is_employee_field(child, field, parent)) {
        return FB_OK;
    }
    if (f->links[parent->index] == NULL) {
        f->links[parent->index] = fb_arena_alloc(&f->arena, capacity * sizeof(struct fb_link));
        if (f->links[parent->index] == NULL) {
            return FB_ERR_NO_MEMORY;
        }
    }
    f->links[parent->index][f->counts[parent->index]++] =
        (struct fb_link){.child = child, .field = field};
    return FB_OK;
}

static int add_links(struct fb_family *f, size_t capacity, const struct fb_entity *e)
{
    for (size_t i = 0; i < e->field_count; i++) {
        const struct fb_field *field = &e->fields[i];
        if (field != e->parent_field && !is_scope_field(e, field)) {
            continue;
        }
        for (size_t t = 0; t < field->target_count; t++) {
            int rc = add_link(f, capacity, e, field, field->targets[t]);
            if (rc < 0) {
                return rc;
            }
        }
    }
    return FB_OK;
}

int fb_family_update(struct fb_family *f, const struct fb_catalogue *c)
{
    if (f->catalogue == c || c == NULL) {
        return FB_OK;
    }
    fb_arena_clear(&f->arena);
    f->catalogue = NULL;
    f->links = fb_arena_alloc(&f->arena, c->entity_count * sizeof(*f->links));
    f->counts = fb_arena_alloc(&f->arena, c->entity_count * sizeof(*f->counts));
    if (f->links == NULL || f->counts == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    size_t capacity = 0; /* references that make somebody a child: a bound for each parent */
    for (size_t i = 0; i < c->entity_count; i++) {
        capacity += c->entities[i].scope_field_count + 1;
    }
    for (size_t i = 0; i < c->entity_count; i++) {
        int rc = add_links(f, capacity, &c->entities[i]);
        if (rc < 0) {
            return rc;
        }
    }
    f->catalogue = c;
    return FB_OK;
}

void fb_family_release(struct fb_family *f)
{
    fb_arena_release(&f->arena);
    *f = (struct fb_family){0};
}
