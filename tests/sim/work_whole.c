/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/work_inside.h"

/* A row written anew falls back to its defaults: for a sum that is a step, too. */
static void note_reset(struct job *j, const char *id)
{
    RUN(j,
        LEDGER
        "SELECT %lld, '%s', 'contact', id, 'calls', calls, -calls, %lld, %lld FROM contact WHERE "
        "id = '%s' AND calls <> 0",
        (long long)j->op, j->step_kind, (long long)j->cursor, (long long)j->w->now_ms, id);
}

void sim_delete_some(struct job *j)
{
    static const char *const WHICH[] = {"contact", "contact", "sales_line", "sales_order",
                                        "note",    "task",    "company",    "company"};
    const char *entity = WHICH[sim_pick(j, 8)];
    char id[ID_SIZE];
    char where[64];
    const char *may = strcmp(entity, "note") == 0      ? "body NOT LIKE 'together %'"
                      : strcmp(entity, "company") == 0 ? "NOT (" IS_ANCHOR ")"
                                                       : "1";
    sim_some_row(j, entity, may, id);
    if (id[0] == '\0') {
        return;
    }
    if (sim_pick(j, 3) == 0 && strcmp(entity, "contact") == 0) {
        sim_set_token(j, entity, id,
                      "email"); /* its last value must not be lost if the delete is refused */
    }
    if (sim_pick(j, 2) == 0 && strcmp(entity, "sales_order") == 0) {
        char line[ID_SIZE];
        snprintf(where, sizeof where, "sales_order_id = '%s'", id);
        sim_some_row(j, "sales_line", where, line);
        if (line[0] != '\0') {
            sim_set_token(j, "sales_line", line, "product");
        }
    }
    snprintf(where, sizeof where, "id = '%s'", id);
    sim_delete_where(j, entity, where);
}

void sim_insert_delete(struct job *j)
{
    char value[VALUE_SIZE];
    char values[2 * VALUE_SIZE];
    char where[64];
    char id[ID_SIZE] = "";
    snprintf(values, sizeof values, "'" ANCHOR "1', %s", sim_token(j, "family", value));
    sim_insert(j, "contact", id, "company_id, family_name", values);
    snprintf(where, sizeof where, "id = '%s'", id);
    sim_delete_where(j, "contact", where);
}

void sim_delete_insert(struct job *j)
{
    char value[VALUE_SIZE];
    char values[2 * VALUE_SIZE];
    char where[64];
    char id[ID_SIZE];
    sim_some_row(j, "contact", "1", id);
    if (id[0] == '\0') {
        return;
    }
    char *company = sim_db_text(j->db, "SELECT company_id FROM contact WHERE id = '%s'", id);
    note_reset(j, id);
    snprintf(where, sizeof where, "id = '%s'", id);
    sim_delete_where(j, "contact", where);
    snprintf(values, sizeof values, "'%s', %s", company, sim_token(j, "family", value));
    sim_insert(j, "contact", id, "company_id, family_name", values);
    free(company);
}

/* INSERT OR REPLACE names some columns; the others fall back to NULL, which is an edit too. */
void sim_replace(struct job *j)
{
    static const char *const FIELDS[] = {"family_name", "phone",  "email", "given_name",
                                         "remark",      "mobile", "wechat"};
    char values[2][VALUE_SIZE];
    char id[ID_SIZE];
    sim_some_row(j, "contact", "1", id);
    if (id[0] == '\0') {
        return;
    }
    note_reset(j, id);
    sim_token(j, "family", values[0]);
    sim_token(j, "phone", values[1]);
    for (int i = 0; i < (j->release >= 2 ? 7 : 5); i++) {
        RUN(j,
            LEDGER "SELECT %lld, 'set', "
                   "'contact', id, '%s', %s, %s, %lld, %lld FROM contact WHERE id = '%s'",
            (long long)j->op, FIELDS[i], FIELDS[i], i < 2 ? values[i] : "NULL",
            (long long)j->cursor, (long long)j->w->now_ms, id);
    }
    char *company = sim_db_text(j->db, "SELECT company_id FROM contact WHERE id = '%s'", id);
    RUN(j,
        "INSERT OR REPLACE INTO contact (id, company_id, family_name, phone) VALUES ('%s', '%s', "
        "%s, %s)",
        id, company != NULL ? company : "", values[0], values[1]);
    free(company);
}

void sim_upsert(struct job *j)
{
    char value[VALUE_SIZE];
    char id[ID_SIZE];
    sim_some_row(j, "contact", "1", id);
    if (id[0] == '\0') {
        return;
    }
    char *company = sim_db_text(j->db, "SELECT company_id FROM contact WHERE id = '%s'", id);
    uint64_t how = sim_pick(j, 3);
    const char *phone = how == 0 ? "phone" : how == 2 ? "email" : NULL;
    sim_token(j, "upsert", value);
    if (phone != NULL) {
        RUN(j,
            LEDGER "SELECT %lld, 'set', "
                   "'contact', id, '%s', %s, %s, %lld, %lld FROM contact WHERE id = '%s'",
            (long long)j->op, phone, phone, value, (long long)j->cursor, (long long)j->w->now_ms,
            id);
    }
    if (how == 0) {
        RUN(j,
            "INSERT INTO contact (id, company_id, family_name, phone) VALUES ('%s', '%s', 'x', %s) "
            "ON CONFLICT (id) DO "
            "UPDATE SET phone = excluded.phone",
            id, company, value);
    } else if (how == 1) {
        RUN(j,
            "INSERT INTO sim_ledger (op, kind, entity, row_id, true_ms) VALUES (%lld, 'touch', "
            "'contact', '%s', %lld)",
            (long long)j->op, id, (long long)j->w->now_ms);
        RUN(j,
            "INSERT OR IGNORE INTO contact (id, company_id, family_name, phone) VALUES ('%s', "
            "'%s', 'x', %s)",
            id, company, value);
    } else {
        RUN(j, "UPDATE OR REPLACE contact SET email = %s WHERE id = '%s'", value, id);
    }
    free(company);
}
