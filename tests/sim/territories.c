/* SPDX-License-Identifier: MIT */
#include "tests/sim/territories.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/row.h"
#include "tests/sim/eyes.h"
#include "tests/sim/rights.h"
#include "tests/sim/util.h"

#define TERRITORY "01890000-0000-7000-8010-%012d"

/* "employee company" for every account somebody was ever entitled to. */
static struct entitled {
    char text[2 * FB_ROW_ID_SIZE + 2];
} * ever;
static size_t ever_count;
static size_t ever_capacity;

void sim_territories_reset(void)
{
    free(ever);
    ever = NULL;
    ever_count = ever_capacity = 0;
}

void sim_territories_build(struct sim_world *w, sqlite3 *db)
{
    int count = (int)w->plan.params.territories;
    for (int i = 0; i < count; i++) {
        sim_db_run(db, "INSERT INTO territory (id, code) VALUES ('" TERRITORY "', 'T%d')", i + 1,
                   i + 1);
    }
    sim_db_run(db,
               "INSERT INTO territory_member (territory_id, employee_id) SELECT t.id, e.id FROM "
               "(SELECT id, row_number() OVER (ORDER BY code) AS n FROM employee) AS e JOIN "
               "(SELECT id, row_number() OVER (ORDER BY id) AS n FROM territory) AS t "
               "ON t.n = e.n %% %d + 1",
               count);
    sim_db_run(db,
               "INSERT INTO company_territory (company_id, territory_id) SELECT c.id, t.id FROM "
               "(SELECT id, row_number() OVER (ORDER BY id) AS n FROM company) AS c JOIN "
               "(SELECT id, row_number() OVER (ORDER BY id) AS n FROM territory) AS t "
               "ON t.n = c.n %% %d + 1",
               count);
    sim_db_run(db, "UPDATE company SET owner_id = NULL");
}

/* --- realignment -------------------------------------------------------------------------------- */

static void some_id(sqlite3 *db, const char *entity, uint64_t *random,
                    char ret[static FB_ROW_ID_SIZE])
{
    int64_t count = sim_db_int(db, 0, "SELECT count(*) FROM %s", entity);
    char *id = count == 0 ? NULL
                          : sim_db_text(db, "SELECT id FROM %s ORDER BY id LIMIT 1 OFFSET %lld",
                                        entity, (long long)sim_below(random, (uint64_t)count));
    snprintf(ret, FB_ROW_ID_SIZE, "%s", id != NULL ? id : "");
    free(id);
}

/* An account goes to another territory: by a change of its row, by another row, or it is shared, or handed to a person. */
static int assign(sqlite3 *db, uint64_t *random)
{
    char company[FB_ROW_ID_SIZE];
    char territory[FB_ROW_ID_SIZE];
    char person[FB_ROW_ID_SIZE];
    int rc = SQLITE_OK;
    some_id(db, "company", random, company);
    some_id(db, "territory", random, territory);
    some_id(db, "employee", random, person);
    if (company[0] == '\0' || territory[0] == '\0') {
        return SQLITE_IOERR; /* they could not be read */
    }
    switch (sim_below(random, 5)) {
    case 0:
        rc = sim_db_run(db, "DELETE FROM company_territory WHERE company_id = '%s'", company);
        __attribute__((fallthrough));
    case 1:
        return rc != SQLITE_OK ? rc
                               : sim_db_run(db,
                                            "INSERT INTO company_territory (company_id, "
                                            "territory_id) VALUES ('%s', '%s')",
                                            company, territory);
    case 2:
        return sim_db_run(db, "UPDATE company SET owner_id = nullif('%s', '%s') WHERE id = '%s'",
                          person, sim_below(random, 2) == 0 ? person : "", company);
    default:
        return sim_db_run(
            db, "UPDATE company_territory SET territory_id = '%s' WHERE company_id = '%s'",
            territory, company);
    }
}

int sim_territories_work(sqlite3 *db, enum sim_kind kind, uint64_t *random)
{
    char territory[FB_ROW_ID_SIZE];
    char person[FB_ROW_ID_SIZE];
    if (kind == SIM_ASSIGN) {
        return assign(db, random);
    }
    some_id(db, "territory", random, territory);
    some_id(db, "employee", random, person);
    return sim_below(random, 2) == 0
               ? sim_db_run(db,
                            "DELETE FROM territory_member WHERE territory_id = '%s' AND "
                            "employee_id = '%s'",
                            territory, person)
               : sim_db_run(db,
                            "INSERT INTO territory_member (territory_id, employee_id) VALUES "
                            "('%s', '%s')",
                            territory, person);
}

const char *sim_territories_where(const struct sim_world *w, const char *employee_id)
{
    static char where[600];
    if (!sim_has_territories(w)) {
        return "1";
    }
    snprintf(where, sizeof where,
             "owner_id = '%s' OR id IN (SELECT ct.company_id FROM company_territory AS ct JOIN "
             "territory_member AS tm ON tm.territory_id = ct.territory_id WHERE tm.employee_id = "
             "'%s')",
             employee_id, employee_id);
    return where;
}

static bool was_entitled(const char *employee_id, const char *company_id)
{
    char text[2 * FB_ROW_ID_SIZE + 2];
    snprintf(text, sizeof text, "%s %s", employee_id, company_id);
    for (size_t i = ever_count; i > 0; i--) {
        if (strcmp(ever[i - 1].text, text) == 0) {
            return true;
        }
    }
    return false;
}

static void note_for(struct sim_world *w, sqlite3 *hq, const char *employee_id)
{
    sqlite3_stmt *q =
        sim_db_query(hq, "SELECT id FROM company WHERE %s", sim_territories_where(w, employee_id));
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        if (!was_entitled(employee_id, sim_column(q, 0))) {
            SIM_GROW(ever, ever_count, ever_capacity);
            snprintf(ever[ever_count++].text, sizeof ever->text, "%s %s", employee_id,
                     sim_column(q, 0));
        }
    }
    sqlite3_finalize(q);
}

void sim_territories_note(struct sim_world *w, sqlite3 *hq)
{
    for (int i = 1; sim_has_territories(w) && i <= w->replica_count; i++) {
        note_for(w, hq, w->replicas[i].employee_id);
    }
}

/* --- frames ------------------------------------------------------------------------------------- */

/* The account of a row as it travels; NULL: it has none of its own. */
static const struct fb_value *account_of(const struct fb_row *row, struct fb_value *own)
{
    if (strcmp(row->entity->name, "company") == 0) {
        *own = fb_value_text(row->id);
        return own;
    }
    const struct fb_field *f = fb_entity_field(row->entity, "company_id");
    const struct fb_value *v = f == NULL ? NULL : &row->values[f->index];
    return v == NULL || v->type != FB_TEXT ? NULL : v;
}

/* Whom alone a row is for; NULL: it is not private. */
static const struct fb_value *owner_alone(const struct fb_row *row)
{
    const struct fb_field *mark = fb_entity_field(row->entity, "private");
    const struct fb_value *v = mark == NULL ? NULL : &row->values[mark->index];
    return v == NULL || v->type != FB_INT || v->integer == 0
               ? NULL
               : &row->values[fb_entity_field(row->entity, "owner_id")->index];
}

static void check_rows(struct sim_world *w, const struct sim_replica *r, const struct fb_rows *rows)
{
    for (size_t i = 0; i < rows->row_count; i++) {
        struct fb_value own;
        const struct fb_value *account = account_of(&rows->rows[i], &own);
        const struct fb_value *owner = owner_alone(&rows->rows[i]);
        char id[FB_ROW_ID_SIZE];
        if (owner != NULL && (owner->size != FB_ROW_ID_SIZE - 1 ||
                              memcmp(owner->bytes, r->employee_id, owner->size) != 0)) {
            sim_violation(w, "private", "%s %s of somebody else was on its way to n%d",
                          rows->entity->name, rows->rows[i].id, r->daemon.node);
        }
        if (account == NULL || owner != NULL || !sim_has_territories(w)) {
            continue;
        }
        snprintf(id, sizeof id, "%.*s", (int)account->size, account->bytes);
        if (!was_entitled(r->employee_id, id)) {
            sim_territories_note(w, sim_eyes(SIM_HQ)); /* a tool may have come between */
        }
        if (!was_entitled(r->employee_id, id)) {
            sim_violation(w, "outside",
                          "%s %s of company %s was on its way to n%d, which never "
                          "had that account",
                          rows->entity->name, rows->rows[i].id, id, r->daemon.node);
        }
    }
}

void sim_territories_check_bytes(struct sim_world *w, const struct sim_replica *r,
                                 const uint8_t *bytes, size_t size)
{
    struct fb_why why = {""};
    struct fb_arena arena = {0};
    size_t frame = 0;
    bool is_checked = sim_has_territories(w) || sim_has_roles(w);
    for (size_t at = 0; is_checked && at < size; at += frame) {
        struct fb_message m;
        if (fb_frame_find(bytes + at, size - at, FB_FRAME_BYTES_MAX, &frame, &why) < 0 ||
            frame == 0) {
            break; /* takes give whole frames; a slice of a cut may end in one: it is checked as far as it goes */
        }
        if (bytes[at + 4] == FB_MESSAGE_ROWS &&
            fb_message_decode(bytes + at, frame, fb_store_catalogue(w->server.daemon.store), &arena,
                              &m, &why) == FB_OK) {
            sim_rights_check_row(w, r, &m.rows);
            check_rows(w, r, &m.rows);
        }
        fb_arena_clear(&arena);
    }
    fb_arena_release(&arena);
}
