/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/catalogue/load.h"

#define FIELD_NO_MAX       65535
#define TEXT_BYTES_DEFAULT 2000
#define LONG_BYTES_DEFAULT 131072 /* six of them in one row still fit a frame */
#define DEC_DIGITS_MAX     18     /* what an int64_t holds whatever the digits */
#define QTY_SCALE          3
#define MONEY_SCALE        2 /* of the base currency; a row's own currency may say otherwise */

static const struct type_row {
    const char *name;
    enum fb_value_type storage;
} TYPES[] = {
#define FB_FIELD_TYPE(NAME, name, storage) [FB_TYPE_##NAME] = {#name, storage},
#include "common/catalogue/field_type.def"
#undef FB_FIELD_TYPE
};
#define TYPE_COUNT (sizeof TYPES / sizeof TYPES[0])

static const char *const POLICIES[] = {
#define FB_MERGE_POLICY(NAME, name, sentence) [FB_MERGE_##NAME] = #name,
#include "common/merge/policy.def"
#undef FB_MERGE_POLICY
};
#define POLICY_COUNT (sizeof POLICIES / sizeof POLICIES[0])

static const char *type_at(const void *ctx, size_t i)
{
    (void)ctx;
    return TYPES[i].name;
}

static const char *policy_at(const void *ctx, size_t i)
{
    (void)ctx;
    return POLICIES[i];
}

bool fb_load_field_is_calc(json_t *json)
{
    const char *type = json_string_value(json_object_get(json, "type"));
    return type != NULL && strcmp(type, TYPES[FB_TYPE_CALC].name) == 0;
}

static int load_type(struct fb_loading *l, json_t *json, struct fb_field *f)
{
    const char *name = NULL;
    int rc = fb_load_text(l, json, "type", FB_LOAD_REQUIRED, &name);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (strcmp(TYPES[i].name, name) == 0) {
            f->type = (enum fb_field_type)i;
            f->storage = TYPES[i].storage;
            return FB_OK;
        }
    }
    char hint[FB_SUGGEST_SIZE];
    return fb_load_fail(l, "type '%.63s' is not known%s", name,
                        fb_suggest(name, type_at, NULL, TYPE_COUNT, hint));
}

/* What a type asks for beyond the keys every field may have. */
static const char *const *keys_of_type(enum fb_field_type type)
{
    static const char *const INT[] = {"min", "max", NULL};
    static const char *const DEC[] = {"precision", "scale", NULL};
    static const char *const BYTES[] = {"bytes", NULL};
    static const char *const ENUM[] = {"choices", NULL};
    static const char *const FSM[] = {"choices", "steps", NULL};
    static const char *const LIST[] = {"list", NULL};
    static const char *const REF[] = {"target", NULL};
    static const char *const POLY[] = {"targets", "name_field", NULL};
    switch (type) {
    case FB_TYPE_INT:
        return INT;
    case FB_TYPE_DEC:
        return DEC;
    case FB_TYPE_TEXT:
    case FB_TYPE_LONG:
    case FB_TYPE_JSON:
    case FB_TYPE_BLOB:
        return BYTES;
    case FB_TYPE_ENUM:
        return ENUM;
    case FB_TYPE_FSM:
        return FSM;
    case FB_TYPE_PICK:
    case FB_TYPE_SET:
        return LIST;
    case FB_TYPE_REF:
        return REF;
    case FB_TYPE_POLY:
        return POLY;
    default:
        return NULL;
    }
}

static int check_keys(struct fb_loading *l, json_t *json, const struct fb_field *f)
{
    static const char *const CALC[] = {"name", "type", "en", "zh", NULL};
    static const char *const ALL[] = {
        "no",      "name",        "type",    "en",        "zh",      "required",
        "unique",  "indexed",     "merge",   "group",     "default", "manual_when_closed",
        "tracked", "server_only", "visible", "own_merge", NULL};
    return fb_load_check_keys(l, json, f->type == FB_TYPE_CALC ? CALC : ALL, keys_of_type(f->type));
}

static int load_flags(struct fb_loading *l, json_t *json, struct fb_field *f)
{
    const struct {
        const char *key;
        bool *ret;
    } flags[] = {
        {"required", &f->is_required},       {"unique", &f->is_unique},
        {"indexed", &f->is_indexed},         {"tracked", &f->is_tracked},
        {"server_only", &f->is_server_only}, {"manual_when_closed", &f->is_manual_when_closed},
        {"own_merge", &f->is_own_policy}};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        int rc = fb_load_bool(l, json, flags[i].key, flags[i].ret);
        if (rc < 0) {
            return rc;
        }
    }
    return FB_OK;
}

static int load_visibility(struct fb_loading *l, json_t *json, struct fb_field *f)
{
    static const char *const NAMES[] = {[FB_SEEN_BY_ALL] = "all",
                                        [FB_SEEN_BY_OWNER] = "owner",
                                        [FB_SEEN_BY_ROLE] = "role",
                                        [FB_SEEN_ON_DEVICE] = "device"};
    const char *name = NAMES[FB_SEEN_BY_ALL];
    int rc = fb_load_text(l, json, "visible", FB_LOAD_OPTIONAL, &name);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (strcmp(NAMES[i], name) == 0) {
            f->visibility = (enum fb_visibility)i;
            return FB_OK;
        }
    }
    return fb_load_fail(l, "visible '%.63s' is not known; it is all, owner, role or device", name);
}

static int load_policy(struct fb_loading *l, json_t *json, struct fb_field *f)
{
    enum fb_merge_policy usual = f->type == FB_TYPE_FSM ? FB_MERGE_PROGRESS : FB_MERGE_LATEST;
    const char *name = fb_merge_policy_name(usual);
    int rc = fb_load_text(l, json, "merge", FB_LOAD_OPTIONAL, &name);
    if (rc < 0) {
        return rc;
    }
    if (!fb_merge_policy_parse(name, &f->policy)) {
        char hint[FB_SUGGEST_SIZE];
        return fb_load_fail(l, "merge policy '%.63s' is not known%s", name,
                            fb_suggest(name, policy_at, NULL, POLICY_COUNT, hint));
    }
    return FB_OK;
}

static int load_numbers(struct fb_loading *l, json_t *json, struct fb_field *f)
{
    int64_t precision = 0;
    int64_t scale = f->type == FB_TYPE_QTY ? QTY_SCALE : f->type == FB_TYPE_MONEY ? MONEY_SCALE : 0;
    int64_t bytes = f->type == FB_TYPE_TEXT ? TEXT_BYTES_DEFAULT : LONG_BYTES_DEFAULT;
    f->int_min = INT64_MIN;
    f->int_max = INT64_MAX;
    int rc = fb_load_int(l, json, "min", FB_LOAD_OPTIONAL, INT64_MIN, INT64_MAX, &f->int_min);
    if (rc == FB_OK) {
        rc = fb_load_int(l, json, "max", FB_LOAD_OPTIONAL, INT64_MIN, INT64_MAX, &f->int_max);
    }
    if (rc == FB_OK) {
        rc = fb_load_int(l, json, "bytes", FB_LOAD_OPTIONAL, 1, FB_VALUE_BYTES_MAX, &bytes);
    }
    if (rc == FB_OK && f->type == FB_TYPE_DEC) {
        rc = fb_load_int(l, json, "precision", FB_LOAD_REQUIRED, 1, DEC_DIGITS_MAX, &precision);
        if (rc == FB_OK) {
            rc = fb_load_int(l, json, "scale", FB_LOAD_REQUIRED, 0, precision, &scale);
        }
    }
    if (rc == FB_OK && f->int_min > f->int_max) {
        rc = fb_load_fail(l, "'min' is greater than 'max'");
    }
    f->precision = (uint32_t)precision;
    f->scale = (uint32_t)scale;
    f->bytes_max = f->storage == FB_TEXT || f->storage == FB_BLOB ? (uint32_t)bytes : 0;
    return rc;
}

static int load_choice(struct fb_loading *l, json_t *json, struct fb_choice *c)
{
    static const char *const KEYS[] = {"value", "en", "zh", NULL};
    int rc = fb_load_check_keys(l, json, KEYS, NULL);
    if (rc == FB_OK) {
        rc = fb_load_label(l, json, "value", &c->value);
    }
    if (rc == FB_OK) {
        rc = fb_load_label(l, json, "en", &c->label_en);
    }
    return rc == FB_OK ? fb_load_label(l, json, "zh", &c->label_zh) : rc;
}

static const char *choice_at(const void *ctx, size_t i)
{
    return ((const struct fb_field *)ctx)->choices[i].value;
}

static const struct fb_choice *find_choice(const struct fb_field *f, const char *value)
{
    for (size_t i = 0; i < f->choice_count; i++) {
        if (strcmp(f->choices[i].value, value) == 0) {
            return &f->choices[i];
        }
    }
    return NULL;
}

static int load_choices(struct fb_loading *l, json_t *json, struct fb_field *f)
{
    json_t *list = NULL;
    int rc = fb_load_array(l, json, "choices", 1, FB_CHOICES_MAX, &list);
    if (rc < 0) {
        return rc;
    }
    size_t count = json_array_size(list);
    struct fb_choice *choices = fb_arena_alloc(&l->catalogue->arena, count * sizeof *choices);
    if (choices == NULL) {
        return fb_load_no_memory(l);
    }
    f->choices = choices;
    for (size_t i = 0; i < count; i++) {
        rc = load_choice(l, json_array_get(list, i), &choices[i]);
        if (rc < 0) {
            return rc;
        }
        if (find_choice(f, choices[i].value) != NULL) {
            return fb_load_fail(l, "choice '%s' is there twice", choices[i].value);
        }
        f->choice_count++;
    }
    return FB_OK;
}

/* Texts of the step are those of the choices. */
static int load_step(struct fb_loading *l, const struct fb_field *f, const char *from, json_t *to,
                     struct fb_merge_step *ret)
{
    const char *ends[2] = {from, json_string_value(to)};
    const struct fb_choice *found[2];
    for (size_t i = 0; i < 2; i++) {
        found[i] = ends[i] == NULL ? NULL : find_choice(f, ends[i]);
        if (found[i] == NULL) {
            char hint[FB_SUGGEST_SIZE];
            const char *wrong = ends[i] == NULL ? "?" : ends[i];
            return fb_load_fail(l, "a step names '%.63s', which is no choice%s", wrong,
                                fb_suggest(wrong, choice_at, f, f->choice_count, hint));
        }
    }
    *ret = (struct fb_merge_step){.from = fb_value_text(found[0]->value),
                                  .to = fb_value_text(found[1]->value)};
    return FB_OK;
}

static size_t choice_place(const struct fb_field *f, const struct fb_value *value)
{
    return (size_t)(find_choice(f, value->bytes) - f->choices);
}

/* "Furthest along" means something only while no way leads back: takes away, again and again, the
 * choices that no remaining step starts from. */
static bool steps_form_a_circle(const struct fb_field *f)
{
    bool is_gone[FB_CHOICES_MAX] = {false};
    size_t left = f->choice_count;
    for (size_t before = left + 1; left < before;) {
        bool leads_on[FB_CHOICES_MAX] = {false};
        for (size_t s = 0; s < f->step_count; s++) {
            if (!is_gone[choice_place(f, &f->steps[s].to)]) {
                leads_on[choice_place(f, &f->steps[s].from)] = true;
            }
        }
        before = left;
        for (size_t i = 0; i < f->choice_count; i++) {
            left -= !is_gone[i] && !leads_on[i];
            is_gone[i] = is_gone[i] || !leads_on[i];
        }
    }
    return left > 0;
}

static int load_steps(struct fb_loading *l, json_t *json, struct fb_field *f)
{
    json_t *object = json_object_get(json, "steps");
    if (!json_is_object(object)) {
        return fb_load_fail(
            l, "'steps' must be an object: from each choice the list of those it may become");
    }
    struct fb_merge_step *steps = NULL;
    size_t capacity = 0;
    f->step_count = 0;
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        const char *from = json_object_iter_key(at);
        json_t *list = NULL;
        int rc = fb_load_array(l, object, from, 1, FB_CHOICES_MAX, &list);
        for (size_t i = 0; rc == FB_OK && i < json_array_size(list); i++) {
            if (f->step_count == FB_STEPS_MAX) {
                return fb_load_fail(l, "it has more than %d steps", FB_STEPS_MAX);
            }
            steps =
                fb_arena_grow(&l->catalogue->arena, steps, f->step_count, &capacity, sizeof *steps);
            if (steps == NULL) {
                return fb_load_no_memory(l);
            }
            rc = load_step(l, f, from, json_array_get(list, i), &steps[f->step_count++]);
        }
        if (rc < 0) {
            return rc;
        }
    }
    f->steps = steps;
    return f->policy == FB_MERGE_PROGRESS && steps_form_a_circle(f)
               ? fb_load_fail(l, "its steps form a circle, so merge 'progress' cannot tell what is "
                                 "further along")
               : FB_OK;
}

static int load_by_type(struct fb_loading *l, json_t *json, struct fb_field *f)
{
    int rc = FB_OK;
    switch (f->type) {
    case FB_TYPE_ENUM:
        return load_choices(l, json, f);
    case FB_TYPE_FSM:
        rc = load_choices(l, json, f);
        return rc == FB_OK ? load_steps(l, json, f) : rc;
    case FB_TYPE_PICK:
    case FB_TYPE_SET:
        return fb_load_text(l, json, "list", FB_LOAD_REQUIRED, &f->list);
    default:
        return FB_OK;
    }
}

/* The default in the form of the column: true and false for a bool, scaled integers for decimals.
 */
static int load_default(struct fb_loading *l, json_t *json, struct fb_field *f)
{
    f->initial = FB_VALUE_NULL;
    json_t *member = json_object_get(json, "default");
    if (member == NULL) {
        return FB_OK;
    }
    const char *text = NULL;
    if (json_is_boolean(member) && f->type == FB_TYPE_BOOL) {
        f->initial = fb_value_int(json_is_true(member) ? 1 : 0);
    } else if (json_is_integer(member) && f->storage == FB_INT && f->type != FB_TYPE_BOOL) {
        f->initial = fb_value_int(json_integer_value(member));
    } else if (json_is_string(member) && f->storage == FB_TEXT) {
        int rc = fb_load_text(l, json, "default", FB_LOAD_REQUIRED, &text);
        if (rc < 0) {
            return rc;
        }
        f->initial = fb_value_text(text);
    } else {
        return fb_load_fail(l, "'default' is not of the field's type");
    }
    struct fb_why why = {{0}};
    return fb_field_check(f, &f->initial, &why) < 0 ? fb_load_fail(l, "'default': %s", why.text)
                                                    : FB_OK;
}

static int load_head(struct fb_loading *l, json_t *json, struct fb_field *f)
{
    int64_t no = 0;
    int rc = fb_load_text(l, json, "name", FB_LOAD_REQUIRED, &f->name);
    if (rc == FB_OK) {
        rc = load_type(l, json, f);
    }
    if (rc == FB_OK) {
        rc = check_keys(l, json, f);
    }
    if (rc == FB_OK) {
        rc = fb_load_label(l, json, "en", &f->label_en);
    }
    if (rc == FB_OK) {
        rc = fb_load_label(l, json, "zh", &f->label_zh);
    }
    if (rc == FB_OK && f->type != FB_TYPE_CALC) {
        rc = fb_load_int(l, json, "no", FB_LOAD_REQUIRED, FB_FIELD_NO_FIRST, FIELD_NO_MAX, &no);
        f->no = (uint32_t)no;
    }
    return rc;
}

int fb_load_field(struct fb_loading *l, json_t *json, struct fb_field *ret)
{
    typedef int step(struct fb_loading *, json_t *, struct fb_field *);
    static step *const STEPS[] = {load_flags,   load_visibility, load_policy,
                                  load_numbers, load_by_type,    load_default};
    int rc = load_head(l, json, ret);
    for (size_t i = 0;
         rc == FB_OK && ret->type != FB_TYPE_CALC && i < sizeof STEPS / sizeof STEPS[0]; i++) {
        rc = STEPS[i](l, json, ret);
    }
    return rc;
}
