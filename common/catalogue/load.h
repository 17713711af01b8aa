/* SPDX-License-Identifier: MIT
 *
 * What the files of the loader share; for this folder only.
 *
 * Loading runs in four steps: load.c reads the text and each entity's head, load_field.c each
 * field by itself, resolve.c ties them together (targets, parents, groups, scopes, order),
 * load_module.c and load_layout.c read what pages need. check.c holds the rules that need the whole. Everything lives in the catalogue's arena; the JSON tree
 * dies with the loading.
 */
#ifndef FB_CATALOGUE_LOAD_H
#define FB_CATALOGUE_LOAD_H

#include <jansson.h>

#include "common/catalogue/catalogue.h"

#define FB_DRAFT_NONE SIZE_MAX

enum fb_draft_visit { FB_VISIT_NEW, FB_VISIT_OPEN, FB_VISIT_DONE };

/* An entity on its way: drafts stand in the document's order, entities in that of the tables. */
struct fb_draft {
    json_t *json;
    const char *name;
    size_t parent; /* place of the parent's draft, or FB_DRAFT_NONE */
    struct fb_entity *entity;
    struct fb_field *fields; /* stored ones */
    json_t **field_json;     /* of the same places */
    size_t field_count;
    bool has_wide_reference; /* a poly with the target "*" */
    enum fb_draft_visit visit;
};

struct fb_loading {
    struct fb_catalogue *catalogue;
    struct fb_entity *entities; /* the catalogue's, still writable */
    struct fb_draft *drafts;
    size_t draft_count;
    const struct fb_draft *draft; /* named in sentences; NULL: the document */
    const char *field;            /* named in sentences; may be NULL */
    struct fb_why *why;
};

/* FB_ERR_INVALID, and "company.json: field credit_limit: " before the sentence. */
int fb_load_fail(struct fb_loading *l, const char *format, ...) FB_PRINTF(2, 3) FB_MUST_CHECK;
int fb_load_no_memory(struct fb_loading *l) FB_MUST_CHECK;

/* Members of an object. A missing one leaves *ret alone, unless it is required; texts are copied.
 */
enum fb_load_need { FB_LOAD_OPTIONAL, FB_LOAD_REQUIRED };
int fb_load_text(struct fb_loading *l, json_t *object, const char *key, enum fb_load_need need,
                 const char **ret) FB_MUST_CHECK;
int fb_load_int(struct fb_loading *l, json_t *object, const char *key, enum fb_load_need need,
                int64_t min, int64_t max, int64_t *ret) FB_MUST_CHECK;
int fb_load_bool(struct fb_loading *l, json_t *object, const char *key, bool *ret) FB_MUST_CHECK;
/* A label: not empty, no control characters (it stands in a comment of the table's text). */
int fb_load_label(struct fb_loading *l, json_t *object, const char *key,
                  const char **ret) FB_MUST_CHECK;
/* An array of count_min to count_max; NULL if it is missing and count_min is 0. */
int fb_load_array(struct fb_loading *l, json_t *object, const char *key, size_t count_min,
                  size_t count_max, json_t **ret) FB_MUST_CHECK;
/* Names every key that is not in one of the two lists (each ends with NULL; the second may be
 * NULL). */
int fb_load_check_keys(struct fb_loading *l, json_t *object, const char *const *known,
                       const char *const *also) FB_MUST_CHECK;
/* Lower-case letters, digits and single "_", a letter first and no "_" last (so that
 * "fb_<entity>__<field>" names one thing), not one of ours. what: "entity" or "field". */
int fb_load_check_name(struct fb_loading *l, const char *what, const char *name) FB_MUST_CHECK;

/* load_field.c: a field by itself, without what names other fields or entities. */
int fb_load_field(struct fb_loading *l, json_t *json, struct fb_field *ret) FB_MUST_CHECK;
bool fb_load_field_is_calc(json_t *json);

/* resolve.c: everything that ties fields and entities together; fills catalogue->entities. */
int fb_load_resolve(struct fb_loading *l) FB_MUST_CHECK;
size_t fb_load_draft_find(const struct fb_loading *l, const char *name);
struct fb_field *fb_load_draft_field(const struct fb_draft *d, const char *name);

/* check.c: the rules of one resolved entity. */
int fb_load_check_entity(struct fb_loading *l) FB_MUST_CHECK;

/* load_layout.c: a picture's word: lower-case letters, digits and '-'. */
int fb_load_icon(struct fb_loading *l, json_t *object, const char *otherwise,
                 const char **ret) FB_MUST_CHECK;

/* load_module.c: the modules and which entity is in which; a part is in its parent's. */
int fb_load_modules(struct fb_loading *l, json_t *root) FB_MUST_CHECK;

/* load_layout.c: what the file says of the pages; layout_default.c: what it leaves out. */
int fb_load_layout(struct fb_loading *l, const struct fb_draft *d) FB_MUST_CHECK;
int fb_load_layout_defaults(struct fb_loading *l, const struct fb_draft *d) FB_MUST_CHECK;

/* suggest.c: "; did you mean 'x'?" for the nearest of count names, or "" if none is near. name_at
 * gives the i-th. The text stands in ret_text. */
#define FB_SUGGEST_SIZE 96
typedef const char *fb_suggest_name(const void *ctx, size_t i);
const char *fb_suggest(const char *wrong, fb_suggest_name *name_at, const void *ctx, size_t count,
                       char ret_text[static FB_SUGGEST_SIZE]);

#endif
