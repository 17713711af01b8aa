/* SPDX-License-Identifier: MIT
 *
 * What the files of rights share; for them only.
 *
 *   may_load.c      tables to struct fb_rights
 *   may_rules.c     what a rule is about; the second way
 *   may_relation.c  whose a record is
 *   may.c           the decision
 */
#ifndef FB_CRM_MAY_INTERNAL_H
#define FB_CRM_MAY_INTERNAL_H

#include "common/base/id.h"
#include "common/crm/may.h"

/* Sorted when loaded, for bsearch. */
struct fb_id_set {
    char (*ids)[FB_ROW_ID_SIZE];
    size_t count, capacity;
};

struct fb_rule {
    size_t role; /* index into roles */
    const char *entity;
    const char *field; /* NULL: a row of role_permission */
    enum fb_action action;
    enum fb_level level;
    enum fb_field_access access;
};

struct fb_relation_memo {
    const struct fb_entity *entity; /* NULL: free */
    char id[FB_ROW_ID_SIZE];
    uint8_t level; /* of any action but read */
    uint8_t read_level;
};
#define FB_RELATION_MEMOS 1024

struct fb_rights {
    struct fb_arena arena;
    const struct fb_catalogue *catalogue;
    char employee_id[FB_ROW_ID_SIZE];
    const char *role_names; /* joined */
    char (*role_ids)[FB_ROW_ID_SIZE];
    size_t role_count, role_capacity;
    struct fb_rule *rules;
    size_t rule_count, rule_capacity;
    uint8_t (*levels)[FB_ACTION_COUNT]; /* by the entity's index */
    uint8_t **access;                   /* by the entity's index, the field's: own * 4 + others */
    uint8_t *hides;                     /* by the entity's index: 1 in own rows, 2 in others */
    struct fb_id_set people;            /* of his teams and below him, himself not */
    struct fb_id_set teams;
    struct fb_id_set territories;      /* with those below */
    struct fb_id_set read_territories; /* those he only reads, too */
    bool may_export, may_bulk_edit;
    int64_t discount_limit, order_limit, expense_limit;
    bool has_record_members, has_company_territories; /* the catalogue has the tables */
    struct fb_relation_memo *memos; /* NULL: none were met since all were forgotten */
};

bool fb_id_set_has(const struct fb_id_set *set, const struct fb_value *v);

/* may_rules.c. How exactly a rule's entity means e: 0 not at all, then greater. */
int fb_rule_exactness(const char *pattern, const struct fb_entity *e);
/* Fills levels, access and hides from the rules. */
int fb_rights_compile(struct fb_rights *r) FB_MUST_CHECK;
/* What everybody has of a field by its visibility. */
enum fb_field_access fb_field_access_default(const struct fb_field *field, bool is_own);

/* Rows that say who sees a record: changing them is assigning that record. */
bool fb_may_is_sharing(const struct fb_entity *e);

#endif
