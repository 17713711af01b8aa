/* SPDX-License-Identifier: MIT
 *
 * The catalogue: entities, fields, labels, types, choices, merge policies, scope rules as data.
 *
 * Headquarters reads the shipped entity files (entities/<entity>.json), with what its
 * administrator changed, and makes one document of them; the document travels to the replicas,
 * which know no other model. Loading validates everything and names file, field and rule of what is
 * wrong. The struct is read-only after loading and owned by its arena; pointers into it live as
 * long as it does. Text of tables and triggers is in catalogue/ddl.h. The form of an entity file:
 * docs/catalogue.md.
 */
#ifndef FB_CATALOGUE_CATALOGUE_H
#define FB_CATALOGUE_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/base/hash.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/value.h"
#include "common/merge/merge.h"

/* FB_FIELD_TYPE(NAME, name, storage): storage is what the column holds. */
enum fb_field_type {
#define FB_FIELD_TYPE(NAME, name, storage) FB_TYPE_##NAME,
#include "common/catalogue/field_type.def"
#undef FB_FIELD_TYPE
};

enum fb_scope_rule {
    FB_SCOPE_GLOBAL,  /* G: every device */
    FB_SCOPE_COMPANY, /* C on company itself: the root of its own scope */
    /* the scopes of the row(s) named by scope_fields, in their order: the first that is not null
     * decides; a reference to an employee stands for employee:ID */
    FB_SCOPE_FOLLOWS,
    FB_SCOPE_EITHER,      /* as FOLLOWS, but the scopes of all of them together (connection) */
    FB_SCOPE_PRIVATE,     /* O: employee:ID of the owner alone */
    FB_SCOPE_OWN,         /* employee:ID of the employee; managers above hold that scope too */
    FB_SCOPE_TEAM,        /* T: territory, team, owner */
    FB_SCOPE_LINKS,       /* L: the scopes of whatever it is linked to */
    FB_SCOPE_SERVER_ONLY, /* S */
    FB_SCOPE_DEVICE_ONLY, /* D */
};

enum fb_visibility {
    FB_SEEN_BY_ALL,
    FB_SEEN_BY_OWNER /* [private] */,
    FB_SEEN_BY_ROLE /* [role] */,
    FB_SEEN_ON_DEVICE /* [device]: local column, never synced */
};

struct fb_choice {
    const char *value;
    const char *label_en;
    const char *label_zh;
};

struct fb_entity;

struct fb_field {
    /* its number on the wire and in the journal: unique in the entity, never used again */
    uint32_t no;
    uint32_t index; /* its place in entity->fields and in struct fb_row's values */
    const char *name;
    const char *label_en;
    const char *label_zh;
    enum fb_field_type type;
    enum fb_value_type storage; /* FB_INT, FB_TEXT or FB_BLOB */
    uint32_t scale;             /* decimals of dec and qty; money has its currency's */
    uint32_t precision;         /* digits of dec */
    int64_t int_min;            /* int{1..5}; INT64_MIN, INT64_MAX: no limit */
    int64_t int_max;
    uint32_t bytes_max; /* of text */
    bool is_required;
    bool is_unique; /* soft: a second one opens a duplicates entry */
    bool is_indexed;
    bool is_tracked;            /* its steps travel too (stage, amount, owner, status) */
    bool is_server_only;        /* @srv */
    bool is_manual_when_closed; /* @queue-when-closed */
    enum fb_visibility visibility;
    enum fb_merge_policy policy;
    bool is_own_policy;              /* an administrator set it: newer programs leave it alone */
    uint32_t group;                  /* index into entity->groups */
    const char *list;                /* of pick and set: name of the choice list */
    const struct fb_choice *choices; /* of enum and fsm */
    size_t choice_count;
    const struct fb_merge_step *steps; /* of fsm: allowed steps, from and to as texts */
    size_t step_count;
    const struct fb_entity **targets; /* of ref (one) and poly (several) */
    size_t target_count;
    /* of poly: the field beside it that holds the entity's name */
    const struct fb_field *target_name;
    struct fb_value
        initial; /* what it begins with: its default, FB_NULL if it has none; never absent */
};

/* Fields that merge as one unit; every stored field is in exactly one. */
struct fb_group {
    const char *name; /* of a single field: the field's name */
    const struct fb_field **fields;
    size_t field_count;
};

/* Names of what a page shows of a row: stored fields, calculated ones and stamps. */
struct fb_name_list {
    const char **names;
    size_t count;
};

struct fb_section {
    const char *title_en;
    const char *title_zh;
    struct fb_name_list fields;
};

/* How pages show the rows: as the file says, the rest by the rules of docs/catalogue.md, "Layout". */
struct fb_layout {
    struct fb_name_list columns;       /* of a list */
    const char *sort;                  /* of a list: "-amount,name" */
    struct fb_name_list header;        /* beside the title of a record */
    struct fb_name_list second;        /* the second line that tells namesakes apart */
    struct fb_name_list quick;         /* fields of quick create */
    const struct fb_section *sections; /* of a form */
    size_t section_count;
    const struct fb_field *kanban;         /* a column of the board per value; NULL: no board */
    const struct fb_field *calendar_start; /* NULL: no calendar */
    const struct fb_field *calendar_end;   /* may be NULL */
    const char *calendar_title;
};

struct fb_module;

struct fb_entity {
    uint32_t no;    /* its number on the wire and in the journal; never used again */
    uint32_t index; /* its place in catalogue->entities, parents before children */
    const char *name;
    const char *label_en;
    const char *label_zh;
    const char *plural_en;
    const char *measure;            /* Chinese measure word: 家 of a company */
    const char *icon;               /* a word that pages have a picture for */
    const struct fb_module *module; /* NULL: it has no place on the left */
    struct fb_layout layout;
    /* stored fields only (no calc), in the order of the columns after id */
    const struct fb_field *fields;
    size_t field_count;
    const struct fb_group *groups;
    size_t group_count;
    /* A part belongs to the aggregate of its parent (an order's line): NULL for a row of its own.
     */
    const struct fb_entity *parent;
    const struct fb_field *parent_field; /* the reference of a part to its parent */
    bool is_append_only; /* no update, no delete by replicas; one that comes is held */
    enum fb_scope_rule scope;
    const struct fb_field **scope_fields; /* references the rule follows */
    size_t scope_field_count;
    /* A yes/no field: a row that says yes belongs to its owner alone, whatever the rule says. NULL: there is none. */
    const struct fb_field *private_field;
    const struct fb_field **title_fields; /* what a person calls the row */
    size_t title_field_count;
    /* owner_id, else employee_id, else by_id; NULL: the parent's */
    const struct fb_field *owner_field;
    const struct fb_field *closed_field; /* NULL: is never closed */
    const char **closed_values;          /* values of closed_field that mean closed */
    size_t closed_value_count;
};

/* A heading on the left, with the entities that open from it. */
struct fb_module {
    const char *key;
    const char *label_en;
    const char *label_zh;
    const char *icon;
    const struct fb_entity **entities;
    size_t entity_count;
};

/* Column order of every synced table: id, fields..., created_at, created_by, modified_at,
 * modified_by. The last four are filled by headquarters, never journalled, and travel as fields
 * with these numbers. */
enum {
    FB_FIELD_NO_CREATED_AT = 1,
    FB_FIELD_NO_CREATED_BY,
    FB_FIELD_NO_MODIFIED_AT,
    FB_FIELD_NO_MODIFIED_BY,
    FB_FIELD_NO_FIRST = 8
};
#define FB_STAMP_COUNT 4

struct fb_catalogue {
    int64_t version;       /* grows with every change at headquarters; 0: not numbered yet */
    struct fb_sha256 hash; /* of document */
    const char *document;  /* canonical JSON text of the whole catalogue */
    size_t document_size;
    /* parents and targets before those that point at them, where possible */
    const struct fb_entity *entities;
    size_t entity_count;
    const struct fb_module *modules; /* in the order of the left side */
    size_t module_count;
    struct fb_arena arena;
};

/* Reads every *.json of a folder (modules.json and one file per entity), makes the document with
 * that version and loads it. why names file, field and rule. Release with fb_catalogue_free(). */
int fb_catalogue_read_folder(const char *folder, int64_t version, struct fb_catalogue **ret,
                             struct fb_why *why) FB_MUST_CHECK;

/* Loads a document that fb_catalogue_read_folder made (from the database or the wire: any bytes).
 */
int fb_catalogue_load(const char *document, size_t size, struct fb_catalogue **ret,
                      struct fb_why *why) FB_MUST_CHECK;
/* An administrator's change: a field (with its group) merges by another policy. */
struct fb_policy_change {
    const char *entity, *field, *policy;
};
/* Could the field (with its group) merge by that policy? */
bool fb_field_takes_policy(const struct fb_entity *e, const struct fb_field *f,
                           enum fb_merge_policy policy);
/* The catalogue with these changes, as a new document of the next version. FB_ERR_INVALID with a sentence if a policy does not fit. */
int fb_catalogue_with_policies(const struct fb_catalogue *c, const struct fb_policy_change *changes,
                               size_t count, struct fb_catalogue **ret,
                               struct fb_why *why) FB_MUST_CHECK;
/* The catalogue that a newer program ships, taken into the one in force as a document of the next version: what it brings and changes, but
 * policies that an administrator set, and entities (in their modules) and fields that it does not have, stay. *ret is NULL if it brings nothing.
 * FB_ERR_INVALID with a sentence if a field has another number or type than before. */
int fb_catalogue_with_shipped(const struct fb_catalogue *c, const struct fb_catalogue *shipped,
                              struct fb_catalogue **ret, struct fb_why *why) FB_MUST_CHECK;
/* The same catalogue under another version. */
int fb_catalogue_numbered(const struct fb_catalogue *c, int64_t version, struct fb_catalogue **ret,
                          struct fb_why *why) FB_MUST_CHECK;

void fb_catalogue_free(struct fb_catalogue *catalogue);
void fb_catalogue_drop(struct fb_catalogue **catalogue); /* for FB_AUTO */

/* The number of a stamp (FB_FIELD_NO_CREATED_AT ...) by its column's name, or 0. */
uint32_t fb_stamp_no(const char *name);

/* NULL if there is none. */
const struct fb_entity *fb_catalogue_entity(const struct fb_catalogue *c, const char *name);
const struct fb_entity *fb_catalogue_entity_no(const struct fb_catalogue *c, uint32_t no);
const struct fb_field *fb_entity_field(const struct fb_entity *e, const char *name);
const struct fb_field *fb_entity_field_no(const struct fb_entity *e, uint32_t no);

/* Entities whose rows are parts of e's rows, directly; calls f for each. */
void fb_entity_each_part(const struct fb_catalogue *c, const struct fb_entity *e,
                         void (*f)(void *ctx, const struct fb_entity *part), void *ctx);

/* Does the field accept the value: type, range, choice, length, form of dates and ids? NULL is
 * accepted here; whether a required field is filled is a question to the row. On FB_ERR_INVALID why
 * is a sentence about the field. */
int fb_field_check(const struct fb_field *field, const struct fb_value *v,
                   struct fb_why *why) FB_MUST_CHECK;

/* Reads a person's text (CSV, command line) as a value of the field: decimals become scaled
 * integers, "yes" a bool, dates in the forms people write. An empty text is NULL. Bytes are owned
 * by the arena. */
int fb_field_parse(const struct fb_field *field, const char *text, size_t size,
                   struct fb_arena *arena, struct fb_value *ret, struct fb_why *why) FB_MUST_CHECK;

/* The entity a reference points to; name is what the field beside a poly one holds, and not looked at
 * for a ref. NULL: none known. */
const struct fb_entity *fb_field_target(const struct fb_field *field, const struct fb_value *name);

/* What the field or entity is called in the language of fb_text. */
const char *fb_field_label(const struct fb_field *field);
const char *fb_entity_label(const struct fb_entity *entity);

/* What pages need of an entity beside its fields, as members of a JSON object without braces:
 * "module", "icon", "measure", "plural", "layout" (whole, with what the rules filled in). And the
 * list of modules. Append to buf. */
struct fb_buf;
void fb_catalogue_append_pages(const struct fb_entity *e, struct fb_buf *buf);
void fb_catalogue_append_modules(const struct fb_catalogue *c, struct fb_buf *buf);

/* The reverse of parsing: what a person reads ("1234.50"). Appends to buf. */
void fb_field_format(const struct fb_field *field, const struct fb_value *v, struct fb_buf *buf);

/* A row as it travels: values[i] belongs to entity->fields[i]; stamps are created_at ...
 * modified_by. */
struct fb_row {
    const struct fb_entity *entity;
    char id[37];
    struct fb_value *values;
    struct fb_value stamps[FB_STAMP_COUNT];
};

/* The row's value of the field of that name; the null value where the entity has no such field. */
const struct fb_value *fb_row_value(const struct fb_row *row, const char *name);
/* Does that field hold exactly this text? */
bool fb_row_has_text(const struct fb_row *row, const char *name, const char *text);

/* Appends what a person calls the row: its title fields, joined (of a name that is not Chinese the given one first), at most size_max bytes
 * of whole characters; nothing if they are empty. */
void fb_row_append_title(const struct fb_row *row, size_t size_max, struct fb_buf *buf);

/* The row's canonical bytes, whose hash digests add up: entity number, id, every value that is not
 * null with its number and type. Columns of visibility FB_SEEN_ON_DEVICE are left out. Appends to
 * buf. */
void fb_row_append_canonical(struct fb_buf *buf, const struct fb_row *row);

#endif
