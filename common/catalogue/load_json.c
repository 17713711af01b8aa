/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "common/catalogue/load.h"

int fb_load_fail(struct fb_loading *l, const char *format, ...)
{
    char sentence[FB_WHY_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, fb_text(format), args);
    va_end(args);
    if (l->draft == NULL) {
        return fb_fail(l->why, FB_ERR_INVALID, "catalogue: %s", sentence);
    }
    if (l->field == NULL) {
        return fb_fail(l->why, FB_ERR_INVALID, "%s.json: %s", l->draft->name, sentence);
    }
    return fb_fail(l->why, FB_ERR_INVALID, "%s.json: field %s: %s", l->draft->name, l->field,
                   sentence);
}

int fb_load_no_memory(struct fb_loading *l)
{
    return fb_fail(l->why, FB_ERR_NO_MEMORY, "%s", fb_err_sentence(FB_ERR_NO_MEMORY));
}

int fb_load_text(struct fb_loading *l, json_t *object, const char *key, enum fb_load_need need,
                 const char **ret)
{
    json_t *member = json_object_get(object, key);
    if (member == NULL) {
        return need == FB_LOAD_OPTIONAL ? FB_OK : fb_load_fail(l, "'%s' is missing", key);
    }
    if (!json_is_string(member)) {
        return fb_load_fail(l, "'%s' must be a text", key);
    }
    char *copy =
        fb_arena_copy(&l->catalogue->arena, json_string_value(member), json_string_length(member));
    if (copy == NULL) {
        return fb_load_no_memory(l);
    }
    *ret = copy;
    return FB_OK;
}

int fb_load_int(struct fb_loading *l, json_t *object, const char *key, enum fb_load_need need,
                int64_t min, int64_t max, int64_t *ret)
{
    json_t *member = json_object_get(object, key);
    if (member == NULL) {
        return need == FB_LOAD_OPTIONAL ? FB_OK : fb_load_fail(l, "'%s' is missing", key);
    }
    if (!json_is_integer(member)) {
        return fb_load_fail(l, "'%s' must be a whole number", key);
    }
    int64_t n = json_integer_value(member);
    if (n < min || n > max) {
        return fb_load_fail(l, "'%s' is %lld, it must lie between %lld and %lld", key, (long long)n,
                            (long long)min, (long long)max);
    }
    *ret = n;
    return FB_OK;
}

int fb_load_bool(struct fb_loading *l, json_t *object, const char *key, bool *ret)
{
    json_t *member = json_object_get(object, key);
    if (member == NULL) {
        return FB_OK;
    }
    if (!json_is_boolean(member)) {
        return fb_load_fail(l, "'%s' must be true or false", key);
    }
    *ret = json_is_true(member);
    return FB_OK;
}

int fb_load_label(struct fb_loading *l, json_t *object, const char *key, const char **ret)
{
    const char *label = NULL;
    int rc = fb_load_text(l, object, key, FB_LOAD_REQUIRED, &label);
    if (rc < 0) {
        return rc;
    }
    fb_assert(label != NULL); /* it is required */
    size_t size = strlen(label);
    if (size == 0 || size > FB_LABEL_BYTES_MAX) {
        return fb_load_fail(l, "label '%s' must have 1 to %d bytes", key, FB_LABEL_BYTES_MAX);
    }
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)label[i] < 0x20 || label[i] == 0x7F) {
            return fb_load_fail(l, "label '%s' holds a control character", key);
        }
    }
    *ret = label;
    return FB_OK;
}

int fb_load_array(struct fb_loading *l, json_t *object, const char *key, size_t count_min,
                  size_t count_max, json_t **ret)
{
    json_t *member = json_object_get(object, key);
    if (member == NULL && count_min == 0) {
        return FB_OK;
    }
    if (!json_is_array(member)) {
        return fb_load_fail(l, "'%s' must be a list", key);
    }
    size_t count = json_array_size(member);
    if (count < count_min || count > count_max) {
        return fb_load_fail(l, "'%s' has %zu members, it must have %zu to %zu", key, count,
                            count_min, count_max);
    }
    *ret = member;
    return FB_OK;
}

static size_t list_size(const char *const *list)
{
    size_t n = 0;
    while (list != NULL && list[n] != NULL) {
        n++;
    }
    return n;
}

static bool is_listed(const char *const *list, const char *name)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        if (strcmp(list[i], name) == 0) {
            return true;
        }
    }
    return false;
}

struct two_lists {
    const char *const *first;
    const char *const *second;
    size_t first_count;
};

static const char *key_at(const void *ctx, size_t i)
{
    const struct two_lists *lists = ctx;
    return i < lists->first_count ? lists->first[i] : lists->second[i - lists->first_count];
}

int fb_load_check_keys(struct fb_loading *l, json_t *object, const char *const *known,
                       const char *const *also)
{
    const struct two_lists lists = {
        .first = known, .second = also, .first_count = list_size(known)};
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        const char *key = json_object_iter_key(at);
        if (!is_listed(known, key) && !is_listed(also, key)) {
            char hint[FB_SUGGEST_SIZE];
            return fb_load_fail(
                l, "'%.63s' is not known here%s", key,
                fb_suggest(key, key_at, &lists, lists.first_count + list_size(also), hint));
        }
    }
    return FB_OK;
}

static bool is_name(const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size > FB_NAME_BYTES_MAX || name[0] < 'a' || name[0] > 'z') {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              (c == '_' && name[i - 1] != '_'))) {
            return false;
        }
    }
    return name[size - 1] != '_';
}

int fb_load_check_name(struct fb_loading *l, const char *what, const char *name)
{
    /* id and the stamps are on every table; rowid and oid would hide SQLite's own; reference is
     * ours. */
    static const char *const RESERVED[] = {"id",          "created_at",  "created_by",
                                           "modified_at", "modified_by", "rowid",
                                           "oid",         "reference",   NULL};
    if (!is_name(name)) {
        return fb_load_fail(
            l,
            "the name of this %s, '%.63s', must be 1 to %d lower-case letters, digits and "
            "single '_', a letter first and no '_' last",
            what, name, FB_NAME_BYTES_MAX);
    }
    if (is_listed(RESERVED, name) || strncmp(name, "fb_", 3) == 0 ||
        strncmp(name, "sqlite_", 7) == 0) {
        return fb_load_fail(l, "the name '%s' is reserved; choose another", name);
    }
    return FB_OK;
}
