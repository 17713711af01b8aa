/* SPDX-License-Identifier: MIT
 *
 * The form of a plan, checked before anything is written:
 *
 *     {"territories": [
 *       {"code": "NJ", "name": "North Jiangsu", "parent": "E", "manager": "zhao", "kind": "province", "active": true,
 *        "members": ["liming", {"employee": "wang", "part": "reader", "from_on": "2026-01-01", "to_on": null}],
 *        "rules": [{"priority": 10, "filter": [["city", "=", "Wuxi"]], "from_on": "2026-01-01", "enabled": true}],
 *        "accounts": ["Acme"]}]}
 *
 * A territory needs its code alone. What is not said of it stays as it is; members, rules and accounts that are said are all
 * it has from then on.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/time.h"
#include "server/territory_inside.h"

enum form { TEXT, TEXT_OR_NULL, NUMBER, TRUTH, DAY, LIST, ANYTHING };

struct member {
    const char *name;
    enum form form;
    bool is_needed;
};

static const struct member OF_PLAN[] = {{"territories", LIST, true}, {0}};
static const struct member OF_TERRITORY[] = {{"code", TEXT, true},
                                             {"name", TEXT, false},
                                             {"parent", TEXT_OR_NULL, false},
                                             {"manager", TEXT_OR_NULL, false},
                                             {"kind", TEXT_OR_NULL, false},
                                             {"active", TRUTH, false},
                                             {"members", LIST, false},
                                             {"rules", LIST, false},
                                             {"accounts", LIST, false},
                                             {0}};
static const struct member OF_MEMBER[] = {{"employee", TEXT, true},
                                          {"part", TEXT, false},
                                          {"from_on", DAY, false},
                                          {"to_on", DAY, false},
                                          {0}};
static const struct member OF_RULE[] = {{"priority", NUMBER, false}, {"filter", ANYTHING, true},
                                        {"from_on", DAY, false},     {"to_on", DAY, false},
                                        {"enabled", TRUTH, false},   {0}};

static bool is_day(const json_t *v)
{
    char text[FB_INSTANT_SIZE];
    int64_t ms = 0;
    const char *day = json_string_value(v);
    if (day == NULL || strlen(day) != 10) {
        return false;
    }
    memcpy(text, day, 10);
    memcpy(text + 10, "T00:00:00.000Z", 15);
    return fb_instant_parse(text, strlen(text), &ms);
}

static bool has_form(const json_t *v, enum form form)
{
    switch (form) {
    case TEXT:
        return json_is_string(v) && json_string_length(v) > 0;
    case TEXT_OR_NULL:
        return json_is_string(v) || json_is_null(v);
    case NUMBER:
        return json_is_integer(v);
    case TRUTH:
        return json_is_boolean(v);
    case DAY:
        return json_is_null(v) || is_day(v);
    case LIST:
        return json_is_array(v);
    case ANYTHING:
        break;
    }
    return true;
}

static const struct member *find_member(const struct member *members, const char *name)
{
    while (members->name != NULL && strcmp(members->name, name) != 0) {
        members++;
    }
    return members->name == NULL ? NULL : members;
}

static int check_object(json_t *json, const struct member *members, const char *what,
                        struct fb_why *why)
{
    const char *name;
    json_t *value;
    if (!json_is_object(json)) {
        return fb_fail(why, FB_ERR_INVALID, "the plan: each of '%s' is written {...}", what);
    }
    json_object_foreach(json, name, value)
    {
        const struct member *m = find_member(members, name);
        if (m == NULL) {
            return fb_fail(why, FB_ERR_INVALID, "the plan: '%s' has no '%s'", what, name);
        }
        if (!has_form(value, m->form)) {
            return fb_fail(why, FB_ERR_INVALID, "the plan: '%s' in '%s' has another form", name,
                           what);
        }
    }
    for (const struct member *m = members; m->name != NULL; m++) {
        if (m->is_needed && json_object_get(json, m->name) == NULL) {
            return fb_fail(why, FB_ERR_INVALID, "the plan: '%s' needs '%s'", what, m->name);
        }
    }
    return FB_OK;
}

static int check_members(json_t *list, struct fb_why *why)
{
    size_t at;
    json_t *member;
    int rc = FB_OK;
    json_array_foreach(list, at, member)
    {
        if (rc == FB_OK && !json_is_string(member)) {
            rc = check_object(member, OF_MEMBER, "members", why);
        }
    }
    return rc;
}

static int check_territory(json_t *t, struct fb_why *why)
{
    int rc = check_object(t, OF_TERRITORY, "territories", why);
    if (rc < 0) {
        return rc;
    }
    const char *code = json_string_value(json_object_get(t, "code"));
    rc = check_members(json_object_get(t, "members"), why);
    size_t at;
    json_t *item;
    json_array_foreach(json_object_get(t, "rules"), at, item)
    {
        rc = rc < 0 ? rc : check_object(item, OF_RULE, "rules", why);
    }
    json_array_foreach(json_object_get(t, "accounts"), at, item)
    {
        if (rc == FB_OK && !json_is_string(item)) {
            rc = fb_fail(why, FB_ERR_INVALID,
                         "the plan: accounts of %s are names or ids of companies", code);
        }
    }
    return rc;
}

static int check_plan(json_t *json, struct fb_why *why)
{
    int rc = check_object(json, OF_PLAN, "plan", why);
    size_t at;
    json_t *territory;
    json_array_foreach(json_object_get(json, "territories"), at, territory)
    {
        rc = rc < 0 ? rc : check_territory(territory, why);
    }
    return rc;
}

int fb_territory_plan_read(const char *json, size_t size, struct fb_territory_plan **ret,
                           struct fb_why *why)
{
    json_error_t error;
    struct fb_territory_plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    plan->json = json_loadb(json, size, JSON_REJECT_DUPLICATES, &error);
    int rc = plan->json == NULL ? fb_fail(why, FB_ERR_INVALID, "the plan: line %d, column %d: %s",
                                          error.line, error.column, error.text)
                                : check_plan(plan->json, why);
    if (rc < 0) {
        fb_territory_plan_free(plan);
        return rc;
    }
    *ret = plan;
    return FB_OK;
}

void fb_territory_plan_free(struct fb_territory_plan *plan)
{
    if (plan != NULL) {
        json_decref(plan->json);
        free(plan);
    }
}

void fb_territory_plan_drop(struct fb_territory_plan **plan)
{
    fb_territory_plan_free(*plan);
}
