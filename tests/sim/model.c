/* SPDX-License-Identifier: MIT */
#include "tests/sim/model.h"

#include <stdio.h>
#include <string.h>

#define END                                                                                        \
    {                                                                                              \
        NULL, SIM_LATEST, NULL, 1                                                                  \
    }

static const struct sim_field COMPANY[] = {
    {"website", SIM_LATEST, NULL, 1},        {"phone", SIM_LATEST, NULL, 1},
    {"name", SIM_MANUAL, NULL, 1},           {"grade", SIM_SERVER, NULL, 1},
    {"rating", SIM_OWNER, NULL, 1},          {"registration", SIM_ONCE, NULL, 1},
    {"description", SIM_TEXTUAL, NULL, 1},   {"street", SIM_LATEST, "address", 1},
    {"city", SIM_LATEST, "address", 1},      {"postcode", SIM_LATEST, "address", 1},
    {"terms", SIM_CLOSED_MANUAL, NULL, 1},   {"fax", SIM_LATEST, NULL, 2},
    {"segment", SIM_SERVER, NULL, 2},        {"badge", SIM_ONCE, NULL, 2},
    {"profile", SIM_TEXTUAL, NULL, 2},       {"bill_street", SIM_LATEST, "billing", 2},
    {"bill_city", SIM_LATEST, "billing", 2}, END};
static const struct sim_field CONTACT[] = {
    {"phone", SIM_LATEST, NULL, 1},         {"email", SIM_LATEST, NULL, 1},
    {"family_name", SIM_LATEST, "name", 1}, {"given_name", SIM_LATEST, "name", 1},
    {"remark", SIM_TEXTUAL, NULL, 1},       {"mobile", SIM_LATEST, NULL, 2},
    {"wechat", SIM_MANUAL, NULL, 2},        END};
static const struct sim_field ORDER[] = {
    {"subject", SIM_LATEST, NULL, 1}, {"remark", SIM_LATEST, NULL, 1}, END};
static const struct sim_field LINE[] = {{"product", SIM_LATEST, NULL, 1}, END};
static const struct sim_field NOTE[] = {{"body", SIM_LATEST, NULL, 1}, END};
static const struct sim_field VISIT[] = {{"subject", SIM_LATEST, NULL, 2},
                                         {"result", SIM_LATEST, NULL, 2},
                                         {"outcome", SIM_SERVER, NULL, 3},
                                         END};
static const struct sim_field TASK[] = {{"subject", SIM_LATEST, NULL, 1}, END};

const struct sim_entity SIM_ENTITIES[] = {{"company", COMPANY, NULL, NULL},
                                          {"contact", CONTACT, "company_id", "company"},
                                          {"sales_order", ORDER, "company_id", "company"},
                                          {"sales_line", LINE, "sales_order_id", "sales_order"},
                                          {"note", NOTE, "company_id", "company"},
                                          {"task", TASK, "company_id", "company"},
                                          {"visit", VISIT, "company_id", "company"},
                                          {NULL, NULL, NULL, NULL}};

const struct sim_entity *sim_entity(const char *name)
{
    for (const struct sim_entity *e = SIM_ENTITIES; e->name != NULL; e++) {
        if (strcmp(e->name, name) == 0) {
            return e;
        }
    }
    return NULL;
}

const struct sim_field *sim_entity_field(const struct sim_entity *e, const char *name)
{
    for (const struct sim_field *f = e->fields; f->name != NULL; f++) {
        if (strcmp(f->name, name) == 0) {
            return f;
        }
    }
    return NULL;
}

const char *sim_entity_columns(const struct sim_entity *e, int release)
{
    static char text[512];
    size_t size = 0;
    for (const struct sim_field *f = e->fields; f->name != NULL && f->since <= release; f++) {
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%s", size > 0 ? ", " : "",
                                 f->name);
    }
    return text;
}

const char *sim_hot_row(const char *entity)
{
    static const char *const HOT[][2] = {{"contact", "01890000-0000-7000-8001-000000000011"},
                                         {"sales_order", "01890000-0000-7000-8002-000000000001"},
                                         {"sales_line", "01890000-0000-7000-8003-000000000001"}};
    for (size_t i = 0; i < sizeof HOT / sizeof HOT[0]; i++) {
        if (strcmp(HOT[i][0], entity) == 0) {
            return HOT[i][1];
        }
    }
    return NULL;
}
