/* SPDX-License-Identifier: MIT
 *
 * What people and their tools do, by plain SQL through a connection of their own. Each piece of work is one
 * transaction that also writes the ledger (sim_ledger), so that whatever keeps the one keeps the other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/time.h"
#include "tests/sim/aging.h"
#include "tests/sim/eyes.h"
#include "tests/sim/model.h"
#include "tests/sim/releases.h"
#include "tests/sim/rights.h"
#include "tests/sim/territories.h"
#include "tests/sim/util.h"
#include "tests/sim/work_inside.h"
#include "tests/sim/work_merge.h"

#define NOTICE_MS 1000 /* the watch sees a foreign write within this */
#define CLASH_ID  "0189ffff-0000-7000-8000-%012d"

uint64_t sim_pick(struct job *j, uint64_t limit)
{
    return sim_below(&j->random, limit);
}

/* 'word ~OP.N~' as an SQL literal. */
const char *sim_token(struct job *j, const char *word, char ret[static VALUE_SIZE])
{
    snprintf(ret, VALUE_SIZE, "'%s ~%lld.%d~'", word, (long long)j->op, ++j->tokens);
    return ret;
}

/* --- pieces ------------------------------------------------------------------------------------- */

/* What the address looks like to its author now: no other mixture may ever stand anywhere. */
static void note_address(struct job *j, const char *id)
{
    RUN(j,
        "INSERT INTO sim_ledger (op, kind, entity, row_id, field, mine, true_ms) SELECT %lld, "
        "'group', 'company', id, 'address', "
        "json_array(street, city, postcode), %lld FROM company WHERE id = '%s'",
        (long long)j->op, (long long)j->w->now_ms, id);
}

/* Sets a field to an SQL expression over the row. */
static void set(struct job *j, const char *entity, const char *id, const char *field,
                const char *value)
{
    RUN(j, LEDGER "SELECT %lld, '%s', '%s', id, '%s', %s, %s, %lld, %lld FROM %s WHERE id = '%s'",
        (long long)j->op, j->kind, entity, field, field, value, (long long)j->cursor,
        (long long)j->w->now_ms, entity, id);
    RUN(j, "UPDATE %s SET %s = %s WHERE id = '%s'", entity, field, value, id);
    if (strcmp(field, "street") == 0 || strcmp(field, "city") == 0 ||
        strcmp(field, "postcode") == 0) {
        note_address(j, id);
    }
}

void sim_set_token(struct job *j, const char *entity, const char *id, const char *field)
{
    char value[VALUE_SIZE];
    set(j, entity, id, field, sim_token(j, field, value));
}

static void step(struct job *j, const char *entity, const char *id, const char *field, int64_t by)
{
    RUN(j, LEDGER "SELECT %lld, '%s', '%s', id, '%s', %s, %lld, %lld, %lld FROM %s WHERE id = '%s'",
        (long long)j->op, j->step_kind, entity, field, field, (long long)by, (long long)j->cursor,
        (long long)j->w->now_ms, entity, id);
    RUN(j, "UPDATE %s SET %s = %s + %lld WHERE id = '%s'", entity, field, field, (long long)by, id);
}

/* Notes what an insert brought: every field with a token, and where the row came from. */
static void note_insert(struct job *j, const struct sim_entity *e, const char *id)
{
    for (const struct sim_field *f = e->fields; f->name != NULL && f->since <= j->release; f++) {
        RUN(j,
            LEDGER
            "SELECT %lld, 'insert', '%s', id, '%s', NULL, %s, %lld, %lld FROM %s WHERE id = '%s' "
            "AND %s IS NOT NULL",
            (long long)j->op, e->name, f->name, f->name, (long long)j->cursor,
            (long long)j->w->now_ms, e->name, id, f->name);
    }
}

/* Inserts with an id of the database's own, or the one in ret_id if it is not empty. */
void sim_insert(struct job *j, const char *entity, char ret_id[static ID_SIZE], const char *columns,
                const char *values)
{
    if (j->rc != SQLITE_OK) {
        return;
    }
    bool has_id = ret_id[0] != '\0';
    sqlite3_stmt *q = sim_db_query(j->db, "INSERT INTO %s (%s%s) VALUES (%s%s%s%s) RETURNING id",
                                   entity, has_id ? "id, " : "", columns, has_id ? "'" : "",
                                   has_id ? ret_id : "", has_id ? "', " : "", values);
    int rc = q != NULL ? sqlite3_step(q) : SQLITE_IOERR;
    if (rc == SQLITE_ROW) {
        snprintf(ret_id, ID_SIZE, "%s", sim_column(q, 0));
        rc = sqlite3_step(q);
    }
    sqlite3_finalize(q);
    j->rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
    const struct sim_entity *e = sim_entity(entity);
    if (e != NULL) {
        note_insert(j, e, ret_id);
    }
}

static void note_delete(struct job *j, const char *entity, const char *where)
{
    const struct sim_entity *e = sim_entity(entity);
    RUN(j,
        LEDGER
        "SELECT %lld, 'delete', '%s', id, NULL, json_array(%s), NULL, %lld, %lld FROM %s WHERE %s",
        (long long)j->op, entity, sim_entity_columns(e, j->release), (long long)j->cursor,
        (long long)j->w->now_ms, entity, where);
}

/* Deletes the rows with all below them: parts go by the triggers, what only refers to them is deleted first. */
void sim_delete_where(struct job *j, const char *entity, const char *where)
{
    char below[400];
    if (strcmp(entity, "company") == 0) {
        snprintf(below, sizeof below, "company_id IN (SELECT id FROM company WHERE %s)", where);
        sim_delete_where(j, "sales_order", below);
        sim_delete_where(j, "note", below);
        sim_delete_where(j, "task", below);
        if (j->release >= 2) {
            sim_delete_where(j, "visit", below);
        }
        note_delete(j, "contact", below);
    } else if (strcmp(entity, "sales_order") == 0) {
        snprintf(below, sizeof below, "sales_order_id IN (SELECT id FROM sales_order WHERE %s)",
                 where);
        note_delete(j, "sales_line", below);
    }
    note_delete(j, entity, where);
    RUN(j, "DELETE FROM %s WHERE %s", entity, where);
}

/* A row of the entity, by chance; empty if there is none. */
void sim_some_row(struct job *j, const char *entity, const char *where, char ret[static ID_SIZE])
{
    int64_t count = sim_db_int(j->db, 0, "SELECT count(*) FROM %s WHERE %s", entity, where);
    ret[0] = '\0';
    if (count == 0) {
        return;
    }
    const char *hot = sim_hot_row(entity);
    if (hot != NULL && sim_pick(j, 5) < 2 &&
        sim_db_int(j->db, 0, "SELECT count(*) FROM %s WHERE %s AND id = '%s'", entity, where, hot) >
            0) {
        snprintf(ret, ID_SIZE, "%s", hot);
        return;
    }
    char *id = sim_db_text(j->db, "SELECT id FROM %s WHERE %s ORDER BY id LIMIT 1 OFFSET %lld",
                           entity, where, (long long)sim_pick(j, (uint64_t)count));
    snprintf(ret, ID_SIZE, "%s", id != NULL ? id : "");
    free(id);
}

static const char *some_company(struct job *j, char ret[static ID_SIZE])
{
    sim_some_row(j, "company", "1", ret);
    return ret;
}

/* --- work --------------------------------------------------------------------------------------- */

static const struct sim_field *some_field(struct job *j, const struct sim_entity *e,
                                          bool with_groups)
{
    size_t count = 0;
    while (e->fields[count].name != NULL && e->fields[count].since <= j->release) {
        count++;
    }
    for (;;) {
        const struct sim_field *f = &e->fields[sim_pick(j, count)];
        if (f->policy != SIM_TEXTUAL && (with_groups || f->group == NULL)) {
            return f;
        }
    }
}

static void edit(struct job *j)
{
    static const char *const WHICH[] = {"company",     "company",    "contact", "contact",
                                        "sales_order", "sales_line", "note",    "task",
                                        "visit",       "visit"};
    const char *entity = WHICH[sim_pick(j, j->release >= 2 ? 10 : 8)];
    char id[ID_SIZE];
    sim_some_row(j, entity, strcmp(entity, "note") == 0 ? "body NOT LIKE 'together %'" : "1", id);
    if (id[0] == '\0') {
        return;
    }
    if (strcmp(entity, "task") == 0 && sim_pick(j, 3) == 0) {
        RUN(j, "UPDATE task SET private = 1 - private WHERE id = '%s'", id);
    }
    for (uint64_t i = 0, count = 1 + sim_pick(j, 3); i < count; i++) {
        sim_set_token(j, entity, id, some_field(j, sim_entity(entity), true)->name);
    }
}

/* What only this node holds, and nobody is ever sent. */
static void edit_memo(struct job *j)
{
    char id[ID_SIZE];
    char value[VALUE_SIZE];
    some_company(j, id);
    snprintf(value, sizeof value, "'memo n%d of %lld'", j->node, (long long)j->op);
    j->kind = "device";
    set(j, "company", id, "memo", value);
}

static void edit_hot(struct job *j)
{
    if (j->release >= 3 && sim_pick(j, 6) == 0) {
        edit_memo(j);
        return;
    }
    sim_set_token(j, "company", ANCHOR "1", some_field(j, sim_entity("company"), true)->name);
    if (sim_pick(j, 8) == 0) {
        set(j, "company", ANCHOR "1", "status", sim_pick(j, 2) == 0 ? "'closed'" : "'open'");
    }
}

static void edit_group(struct job *j)
{
    static const char *const MEMBERS[] = {"street", "city", "postcode"};
    char id[ID_SIZE];
    if (j->release >= 2 && sim_pick(j, 3) == 0) {
        sim_set_token(j, "company", some_company(j, id),
                      sim_pick(j, 2) == 0 ? "bill_street" : "bill_city");
        return;
    }
    if (sim_pick(j, 3) == 0) {
        sim_some_row(j, "contact", "1", id);
        if (id[0] != '\0') {
            sim_set_token(j, "contact", id, sim_pick(j, 2) == 0 ? "family_name" : "given_name");
        }
        return;
    }
    if (sim_pick(j, 2) == 0) {
        some_company(j, id);
    } else {
        snprintf(id, sizeof id, "%s", ANCHOR "1");
    }
    sim_set_token(j, "company", id, MEMBERS[sim_pick(j, 3)]);
}

static void edit_text(struct job *j)
{
    char id[ID_SIZE];
    char line[VALUE_SIZE];
    char value[2 * VALUE_SIZE];
    bool in_company = sim_pick(j, 3) > 0;
    sim_some_row(j, in_company ? "company" : "contact", "1", id);
    const char *field = in_company ? "description" : "remark";
    if (in_company && j->release >= 2 && sim_pick(j, 2) == 0) {
        field = "profile";
    }
    sim_token(j, "line", line);
    if (sim_pick(j, 2) == 0) {
        snprintf(value, sizeof value, "coalesce(%s || char(10), '') || %s", field, line);
    } else {
        snprintf(value, sizeof value, "%s || coalesce(char(10) || %s, '')", line, field);
    }
    if (id[0] != '\0') {
        set(j, in_company ? "company" : "contact", id, field, value);
    }
}

static void count(struct job *j)
{
    char id[ID_SIZE];
    if (sim_pick(j, 3) == 0) {
        sim_some_row(j, "sales_line", "1", id);
        if (id[0] != '\0') {
            step(j, "sales_line", id, "delivered", 1 + (int64_t)sim_pick(j, 5));
        }
        return;
    }
    snprintf(id, sizeof id, "%s", ANCHOR "1");
    if (sim_pick(j, 2) == 0) {
        some_company(j, id);
    }
    if (j->release >= 2 && sim_pick(j, 2) == 0) {
        step(j, "company", id, "points", 1 + (int64_t)sim_pick(j, 9));
    }
    step(j, "company", id, "visits", 1);
}

static void transfer(struct job *j)
{
    char from[ID_SIZE];
    char to[ID_SIZE];
    sim_some_row(j, "account", "1", from);
    sim_some_row(j, "account", "1", to);
    if (from[0] == '\0' || strcmp(from, to) == 0) {
        return;
    }
    int64_t by = 1 + (int64_t)sim_pick(j, 100);
    step(j, "account", from, "balance", -by);
    step(j, "account", to, "balance", by);
}

/* 'together OP COUNT ~..~': whoever sees one must see them all. */
static void together(struct job *j)
{
    char word[64];
    char value[VALUE_SIZE];
    char values[2 * VALUE_SIZE];
    char id[ID_SIZE];
    uint64_t count = 2 + sim_pick(j, 3);
    bool edit_first = sim_pick(j, 2) == 0;
    char contact[ID_SIZE];
    sim_some_row(j, "contact", "1", contact);
    if (edit_first && contact[0] != '\0') {
        sim_set_token(j, "contact", contact, "phone");
    }
    for (uint64_t i = 0; i < count; i++) {
        snprintf(word, sizeof word, "together %lld %d", (long long)j->op, (int)count);
        int anchor =
            1 + (int)sim_pick(j, 2); /* with territories all in one: seen and judged alike */
        snprintf(values, sizeof values, "'" ANCHOR "%d', %s",
                 sim_has_territories(j->w) ? 1 + (int)(j->op % 2) : anchor,
                 sim_token(j, word, value));
        id[0] = '\0';
        sim_insert(j, "note", id, "company_id, body", values);
    }
    if (!edit_first && contact[0] != '\0') {
        sim_set_token(j, "contact", contact, "phone");
    }
}

static void insert_order(struct job *j, const char *company)
{
    char value[VALUE_SIZE];
    char values[2 * VALUE_SIZE];
    char order[ID_SIZE] = "";
    snprintf(values, sizeof values, "'%s', %s", company, sim_token(j, "subject", value));
    sim_insert(j, "sales_order", order, "company_id, subject", values);
    for (uint64_t i = 0, lines = 1 + sim_pick(j, 3); i < lines; i++) {
        char line[ID_SIZE] = "";
        snprintf(values, sizeof values, "'%s', %s, %d", order, sim_token(j, "product", value),
                 1 + (int)sim_pick(j, 9));
        sim_insert(j, "sales_line", line, "sales_order_id, product, qty", values);
    }
}

/* With territories a laptop's new company is its person's, or it will leave with the next cut. */
static void insert_company(struct job *j, char ret_id[static ID_SIZE])
{
    char value[VALUE_SIZE];
    char values[2 * VALUE_SIZE];
    bool is_owned = sim_has_territories(j->w) && j->node != SIM_HQ && sim_pick(j, 4) > 0;
    snprintf(values, sizeof values, "%s, nullif('%s', '')", sim_token(j, "name", value),
             is_owned ? j->w->replicas[j->node].employee_id : "");
    sim_insert(j, "company", ret_id, "name, owner_id", values);
}

static void insert_some(struct job *j)
{
    char value[VALUE_SIZE];
    char values[2 * VALUE_SIZE];
    char id[ID_SIZE] = "";
    char company[ID_SIZE];
    some_company(j, company);
    if (company[0] == '\0') {
        snprintf(company, sizeof company, "%s", ANCHOR "1");
    }
    switch (sim_pick(j, j->release >= 2 ? 6 : 5)) {
    case 5:
        snprintf(values, sizeof values, "'%s', %s", company, sim_token(j, "subject", value));
        sim_insert(j, "visit", id, "company_id, subject", values);
        break;
    case 0:
        insert_company(j, id);
        snprintf(company, sizeof company, "%s", id);
        id[0] = '\0'; /* and its first contact */
        __attribute__((fallthrough));
    case 1:
        snprintf(values, sizeof values, "'%s', %s", company, sim_token(j, "family", value));
        sim_insert(j, "contact", id, "company_id, family_name", values);
        break;
    case 2:
        insert_order(j, company);
        break;
    case 3:
        snprintf(values, sizeof values, "'%s', %s", company, sim_token(j, "body", value));
        sim_insert(j, "note", id, "company_id, body", values);
        break;
    default:
        if (j->node != SIM_HQ) {
            snprintf(values, sizeof values, "'%s', %s, nullif('%s', '%s'), %d",
                     j->w->replicas[j->node].employee_id, sim_token(j, "subject", value), company,
                     sim_pick(j, 2) == 0 ? company : "", sim_pick(j, 3) == 0);
            sim_insert(j, "task", id, "owner_id, subject, company_id, private", values);
        }
        break;
    }
}

static void insert_same(struct job *j)
{
    char value[VALUE_SIZE];
    char phone[VALUE_SIZE];
    char values[4 * VALUE_SIZE];
    char id[ID_SIZE];
    snprintf(id, sizeof id, CLASH_ID, (int)sim_pick(j, 4));
    if (sim_db_int(j->db, 0, "SELECT count(*) FROM contact WHERE id = '%s'", id) > 0) {
        sim_set_token(j, "contact", id, "email");
        return;
    }
    int calls = 1 + (int)sim_pick(j, 5);
    snprintf(values, sizeof values, "'" ANCHOR "1', %s, %s, %d", sim_token(j, "family", value),
             sim_token(j, "phone", phone), calls);
    sim_insert(j, "contact", id, "company_id, family_name, phone, calls", values);
    RUN(j, LEDGER "VALUES (%lld, '%s', 'contact', '%s', 'calls', NULL, %d, %lld, %lld)",
        (long long)j->op, j->step_kind, id, calls, (long long)j->cursor, (long long)j->w->now_ms);
}

static void there_and_back(struct job *j)
{
    char id[ID_SIZE];
    snprintf(id, sizeof id, "%s", ANCHOR "1");
    const char *field = sim_pick(j, 2) == 0 ? "website" : "street";
    char *was = sim_db_text(j->db, "SELECT quote(%s) FROM company WHERE id = '%s'", field, id);
    sim_set_token(j, "company", id, field);
    if (was != NULL && strlen(was) < 500) {
        set(j, "company", id, field, was);
    }
    free(was);
}

static void next_state(struct job *j)
{
    static const char *const NEXT[][3] = {
        {"new", "warm", "hot"}, {"warm", "hot", "hot"}, {"hot", "won", "lost"}};
    char id[ID_SIZE];
    some_company(j, id);
    char *state = sim_db_text(j->db, "SELECT state FROM company WHERE id = '%s'", id);
    for (int i = 0; state != NULL && i < 3; i++) {
        if (strcmp(state, NEXT[i][0]) == 0) {
            char value[32];
            snprintf(value, sizeof value, "'%s'", NEXT[i][1 + sim_pick(j, 2)]);
            set(j, "company", id, "state", value);
        }
    }
    free(state);
}

static void extreme(struct job *j)
{
    char id[ID_SIZE];
    char value[320];
    char now[FB_INSTANT_SIZE];
    snprintf(id, sizeof id, "%s", ANCHOR "1");
    fb_instant_format(j->w->now_ms, now);
    switch (sim_pick(j, 4)) {
    case 0:
        snprintf(value, sizeof value, "max(coalesce(last_seen_at, ''), '%s')", now);
        set(j, "company", id, "last_seen_at", value);
        break;
    case 1:
        fb_instant_format(2 * SIM_EPOCH_MS - j->w->now_ms, now);
        snprintf(value, sizeof value, "min(coalesce(first_seen_at, '9'), '%s')", now);
        set(j, "company", id, "first_seen_at", value);
        break;
    case 2:
        set(j, "company", id, "do_not_call", "1");
        break;
    default:
        snprintf(value, sizeof value,
                 "(SELECT json_group_array(value) FROM (SELECT value FROM json_each(coalesce(tags, "
                 "'[]')) UNION SELECT "
                 "'t%02d' ORDER BY 1))",
                 (int)sim_pick(j, 40));
        set(j, "company", id, "tags", value);
        break;
    }
}

static void move(struct job *j)
{
    char id[ID_SIZE];
    char company[ID_SIZE];
    char value[64];
    const char *entity = sim_pick(j, 2) == 0 ? "sales_order" : "contact";
    sim_some_row(j, entity, "1", id);
    some_company(j, company);
    snprintf(value, sizeof value, "'%s'", company);
    if (id[0] != '\0' && company[0] != '\0') {
        set(j, entity, id, "company_id", value);
    }
}

/* A date that is none, in a line of an order; and something else beside it, that must pass. */
static void poison(struct job *j)
{
    char id[ID_SIZE];
    char value[VALUE_SIZE];
    if (j->node == SIM_HQ) {
        edit_hot(j);
        return;
    }
    sim_some_row(j, "sales_line", "1", id);
    if (id[0] != '\0') {
        set(j, "sales_line", id, "due_on", sim_token(j, "soon", value));
        char *order =
            sim_db_text(j->db, "SELECT sales_order_id FROM sales_line WHERE id = '%s'", id);
        if (order != NULL) {
            sim_set_token(j, "sales_order", order, "remark"); /* held with its line */
        }
        free(order);
    }
    if (sim_pick(j, 2) == 0) {
        sim_set_token(j, "company", ANCHOR "2", "website");
    }
}

static void rule(struct job *j)
{
    static const char *const RULINGS[] = {"kept_mine", "kept_theirs", "kept_base"};
    char id[ID_SIZE];
    if (j->node == SIM_HQ && sim_pick(j, 4) == 0) {
        sim_some_row(j, "conflict", "outcome LIKE 'kept%'", id);
        RUN(j, "UPDATE conflict SET outcome = 'waiting', decided_at = NULL WHERE id = '%s'", id);
        return;
    }
    sim_some_row(j, "conflict", "outcome = 'waiting'", id);
    if (id[0] != '\0') {
        RUN(j, "UPDATE conflict SET outcome = '%s' WHERE id = '%s'", RULINGS[sim_pick(j, 3)], id);
    }
}

/* Territories, roles, the history limit. */
static void realign(struct job *j)
{
    if (j->rc == SQLITE_OK && sim_has_territories(j->w)) {
        j->rc = sim_territories_work(j->db, j->doing, &j->random);
    } else if (j->rc == SQLITE_OK && sim_has_roles(j->w)) {
        j->rc = sim_rights_work(j->db, j->doing, j->op, &j->random);
    } else if (j->rc == SQLITE_OK && sim_has_aging(j->w)) {
        j->rc = sim_aging_work(j->db, j->op, j->cursor, j->w->now_ms, &j->random);
    }
}

static void merge_records(struct job *j)
{
    j->rc = j->doing == SIM_UNMERGE
                ? sim_work_unmerge(j->db, &j->random)
                : sim_work_merge(j->db, j->op, j->cursor, j->w->now_ms, &j->random);
}

static void edit_by_hand(struct job *j)
{
    char id[ID_SIZE];
    const char *entity = sim_pick(j, 2) == 0 ? "company" : "contact";
    sim_some_row(j, entity, "1", id);
    if (id[0] == '\0') {
        return;
    }
    j->w->counters.hand_edits++;
    j->kind = "hand";
    sqlite3_db_config(j->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sim_set_token(j, entity, id, entity[3] == 'p' ? "website" : "phone");
}

static void do_work(struct job *j, enum sim_kind kind)
{
    /* clang-format off */
    static void (*const DOERS[SIM_KIND_COUNT])(struct job *) = {
        [SIM_EDIT] = edit, [SIM_EDIT_HOT] = edit_hot, [SIM_GROUP] = edit_group,
        [SIM_TEXT] = edit_text, [SIM_COUNT] = count, [SIM_TRANSFER] = transfer,
        [SIM_TOGETHER] = together, [SIM_INSERT] = insert_some, [SIM_INSERT_SAME] = insert_same,
        [SIM_DELETE] = sim_delete_some, [SIM_INSERT_DELETE] = sim_insert_delete,
        [SIM_DELETE_INSERT] = sim_delete_insert, [SIM_ABA] = there_and_back, [SIM_REPLACE] = sim_replace,
        [SIM_UPSERT] = sim_upsert, [SIM_STATE] = next_state, [SIM_EXTREME] = extreme,
        [SIM_MOVE] = move, [SIM_POISON] = poison, [SIM_RULE] = rule, [SIM_ASSIGN] = realign,
        [SIM_MEMBER] = realign, [SIM_MERGE] = merge_records, [SIM_UNMERGE] = merge_records,
        [SIM_ROLE] = realign, [SIM_SECRET] = realign, [SIM_RETRY] = realign,
        [SIM_CLOSE] = realign, [SIM_HAND] = edit_by_hand,
    };
    /* clang-format on */
    if (DOERS[kind] == NULL) {
        sim_die("%s is no work", sim_kind_name(kind));
    }
    DOERS[kind](j);
}

/* The watch of the daemon sees the write some time later. */
static void tell_daemon(struct job *j)
{
    struct sim_daemon *d = sim_daemon_of(j->w, j->node);
    int64_t at = j->w->now_ms + 1 + (int64_t)sim_pick(j, NOTICE_MS);
    if (d->is_up && d->notice_at_ms > at) {
        d->notice_at_ms = at;
    }
}

static void transact(struct job *j, enum sim_kind kind)
{
    RUN(j, "BEGIN IMMEDIATE");
    if (j->rc != SQLITE_OK) {
        return;
    }
    if (sim_db_int(j->db, 0, "SELECT count(*) FROM sqlite_schema WHERE name = 'company'") > 0) {
        j->cursor = sim_db_int(j->db, 0, "SELECT value FROM fb_meta WHERE key = 'cursor'");
        j->release = sim_release_of(j->db);
        do_work(j, kind);
        j->has_ledger = sim_db_int(j->db, 0, "SELECT count(*) FROM sim_ledger WHERE op = %lld",
                                   (long long)j->op) > 0;
    }
    if (j->rc == SQLITE_OK) {
        RUN(j, "COMMIT");
    }
    if (sqlite3_get_autocommit(j->db) == 0) {
        sim_db_run(j->db, "ROLLBACK");
    }
}

bool sim_work(struct sim_world *w, int node, enum sim_kind kind, uint64_t seed)
{
    struct job j = {.w = w,
                    .node = node,
                    .doing = kind,
                    .op = ++w->op_number,
                    .random = seed,
                    .kind = "set",
                    .step_kind = "step",
                    .rc = SQLITE_OK};
    sim_enter(w, node, SIM_TOOL);
    if (node > 0 && w->replicas[node].triggers_off_for_sure) {
        j.kind = "loose"; /* a trigger is missing: captured or not, who knows */
        j.step_kind = "loose";
    }
    bool stays = sim_daemon_of(w, node)->is_up;
    j.db = sim_hands(node, stays);
    if (j.db == NULL) {
        sim_vfs_start(node, SIM_TOOL);
        return false;
    }
    transact(&j, kind);
    int rc = j.rc;
    char reason[128];
    snprintf(reason, sizeof reason, "%s", sqlite3_errmsg(j.db));
    if (!stays || sim_vfs_is_down(node, SIM_TOOL)) {
        sim_hands_close(node);
    }
    sim_trace(w, "n%d op %lld %s: %s", node, (long long)j.op, sim_kind_name(kind),
              rc == SQLITE_OK ? "saved" : reason);
    w->counters.edits++;
    w->counters.edits_hq += node == SIM_HQ;
    w->counters.refused += rc != SQLITE_OK;
    tell_daemon(&j);
    if (rc == SQLITE_OK && j.has_ledger) {
        sim_oracle_acknowledged(w, node, j.op);
    } else if ((rc & 0xff) == SQLITE_CONSTRAINT) {
        sim_violation(w, "capture", "n%d op %lld %s was refused: %s", node, (long long)j.op,
                      sim_kind_name(kind), reason);
    }
    if (!w->is_intruding) {
        sim_oracle_look(w, node);
    }
    return rc == SQLITE_OK;
}
