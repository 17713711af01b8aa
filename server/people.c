/* SPDX-License-Identifier: MIT */
#include "server/people.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/store/sql.h"
#include "server/password.h"

/* "Anna Snelling" at the last blank; a name without one that begins with a Chinese character after that character. */
static void split_name(const char *name, char family[static 128], char given[static 128])
{
    const char *blank = strrchr(name, ' ');
    if (blank != NULL) {
        snprintf(family, 128, "%s", blank + 1);
        snprintf(given, 128, "%.*s", (int)(blank - name), name);
    } else if ((unsigned char)name[0] >= 0xE3 && strlen(name) > 3) {
        snprintf(family, 128, "%.3s", name);
        snprintf(given, 128, "%s", name + 3);
    } else {
        snprintf(family, 128, "%s", name);
        given[0] = '\0';
    }
}

static void make_password(const struct fb_random *random, char ret[static FB_PASSWORD_TEXT_SIZE])
{
    static const char ALPHABET[] =
        "abcdefghjkmnpqrstuvwxyz23456789"; /* nothing that looks like something else */
    uint8_t bytes[4 * 4 + 4];
    size_t at = 0;
    for (size_t i = 0; at < FB_PASSWORD_TEXT_SIZE - 1; i++) {
        if (at % 5 == 4) {
            ret[at++] = '-';
            continue;
        }
        do { /* without the last, partial round of the alphabet: every letter equally likely */
            random->fill(random->ctx, bytes, 1);
        } while (bytes[0] >= 248);
        ret[at++] = ALPHABET[bytes[0] % (sizeof ALPHABET - 1)];
    }
    ret[at] = '\0';
}

static int run_with_texts(struct fb_store *s, const char *text, size_t count,
                          const char *const *texts)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, text, &q);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        fb_sql_bind_text(q, (int)i + 1, texts[i]);
    }
    return fb_sql_run(q);
}

/* The id of the row of a table whose column holds text; FB_ERR_NOT_FOUND. */
static int find_by(struct fb_store *s, const char *text, const char *value,
                   char ret_id[static FB_ROW_ID_SIZE])
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, text, &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, value);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : FB_ERR_NOT_FOUND;
    }
    snprintf(ret_id, FB_ROW_ID_SIZE, "%s", fb_sql_text(q, 0));
    return FB_OK;
}

static int add_role(struct fb_store *s, const char *employee_id, const char *role,
                    struct fb_why *why)
{
    char role_id[FB_ROW_ID_SIZE];
    int rc = find_by(s, "SELECT id FROM role WHERE name = ?1", role, role_id);
    if (rc == FB_ERR_NOT_FOUND) {
        return fb_fail(why, FB_ERR_INVALID,
                       "there is no role %s; shipped are rep, manager, marketing, support, "
                       "dispatcher, field engineer, finance, admin and reader",
                       role);
    }
    const char *texts[] = {employee_id, role_id};
    return rc < 0
               ? rc
               : run_with_texts(s,
                                "INSERT INTO employee_role (employee_id, role_id) VALUES (?1, ?2)",
                                2, texts);
}

static int add_territory(struct fb_store *s, const char *employee_id, const char *code,
                         struct fb_why *why)
{
    char territory_id[FB_ROW_ID_SIZE];
    int rc = find_by(s, "SELECT id FROM territory WHERE code = ?1", code, territory_id);
    if (rc == FB_ERR_NOT_FOUND) {
        return fb_fail(why, FB_ERR_INVALID, "there is no territory with the code %s: add it first",
                       code);
    }
    const char *texts[] = {employee_id, territory_id};
    return rc < 0 ? rc
                  : run_with_texts(s,
                                   "INSERT INTO territory_member (employee_id, territory_id, part)"
                                   " VALUES (?1, ?2, 'owner')",
                                   2, texts);
}

static int add_login(struct fb_store *s, const char *employee_id, const char *login,
                     const char *password, const struct fb_random *random, int64_t now_ms)
{
    char phc[FB_PASSWORD_PHC_SIZE];
    int rc = fb_password_hash(password, random, phc);
    if (rc < 0) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(
        s,
        "INSERT INTO fb_user (employee_id, login, password, must_change, created_at_ms)"
        " VALUES (?1, ?2, ?3, 1, ?4)",
        &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, employee_id);
    fb_sql_bind_text(q, 2, login);
    fb_sql_bind_text(q, 3, phc);
    fb_sql_bind_int(q, 4, now_ms);
    return fb_sql_run(q);
}

static int add_employee(struct fb_store *s, const char *employee_id, const struct fb_person *person)
{
    char family[128];
    char given[128];
    split_name(person->name, family, given);
    const char *texts[] = {employee_id, person->login, family, given[0] == '\0' ? NULL : given};
    return run_with_texts(
        s,
        "INSERT INTO employee (id, code, user_name, family_name, given_name, status)"
        " VALUES (?1, ?2, ?2, ?3, ?4, 'active')",
        4, texts);
}

int fb_person_add(struct fb_store *s, const struct fb_person *person,
                  const struct fb_random *random, int64_t now_ms,
                  char ret_password[static FB_PASSWORD_TEXT_SIZE], struct fb_why *why)
{
    char id[FB_ROW_ID_SIZE];
    int rc = find_by(s, "SELECT employee_id FROM fb_user WHERE login = ?1", person->login, id);
    if (rc == FB_OK) {
        return fb_fail(why, FB_ERR_EXISTS, "there is a user %s already", person->login);
    }
    if (rc != FB_ERR_NOT_FOUND) {
        return rc;
    }
    /* An employee who came by import gets a login instead of a twin. */
    rc = find_by(s, "SELECT id FROM employee WHERE user_name = ?1", person->login, id);
    if (rc == FB_ERR_NOT_FOUND) {
        fb_id_make(now_ms, random, id);
        rc = add_employee(s, id, person);
    }
    make_password(random, ret_password);
    rc = rc < 0 ? rc : add_role(s, id, person->role, why);
    for (size_t i = 0; i < person->territory_count && rc == FB_OK; i++) {
        rc = add_territory(s, id, person->territories[i], why);
    }
    return rc < 0 ? rc : add_login(s, id, person->login, ret_password, random, now_ms);
}

int fb_person_new_password(struct fb_store *s, const char *login, const struct fb_random *random,
                           char ret_password[static FB_PASSWORD_TEXT_SIZE], struct fb_why *why)
{
    char id[FB_ROW_ID_SIZE];
    char phc[FB_PASSWORD_PHC_SIZE];
    int rc = fb_person_find(s, login, id, why);
    if (rc < 0) {
        return rc;
    }
    make_password(random, ret_password);
    rc = fb_password_hash(ret_password, random, phc);
    const char *texts[] = {id, phc};
    return rc < 0
               ? rc
               : run_with_texts(
                     s, "UPDATE fb_user SET password = ?2, must_change = 1 WHERE employee_id = ?1",
                     2, texts);
}

int fb_person_set_roles(struct fb_store *s, const char *login, const char *const *roles,
                        size_t count, struct fb_why *why)
{
    char id[FB_ROW_ID_SIZE];
    int rc = fb_person_find(s, login, id, why);
    const char *texts[] = {id};
    rc = rc < 0 ? rc
                : run_with_texts(s, "DELETE FROM employee_role WHERE employee_id = ?1", 1, texts);
    for (size_t i = 0; i < count && rc == FB_OK; i++) {
        rc = add_role(s, id, roles[i], why);
    }
    return rc;
}

static int run_all(struct fb_store *s, const char *const *texts, size_t count,
                   const char *employee_id)
{
    int rc = FB_OK;
    for (size_t i = 0; i < count && rc == FB_OK; i++) {
        rc = run_with_texts(s, texts[i], 1, &employee_id);
    }
    return rc;
}

int fb_person_suspend(struct fb_store *s, const char *login, int64_t now_ms, struct fb_why *why)
{
    static const char *const TEXTS[] = {
        "DELETE FROM fb_login WHERE employee_id = ?1",
        "INSERT INTO fb_device_life (device_id, suspended_with_person) SELECT id, 1 FROM device"
        " WHERE employee_id = ?1 AND state = 'active'"
        " ON CONFLICT (device_id) DO UPDATE SET suspended_with_person = 1",
        "UPDATE device SET state = 'suspended' WHERE employee_id = ?1 AND state = 'active'",
    };
    char id[FB_ROW_ID_SIZE];
    int rc = fb_person_find(s, login, id, why);
    if (rc < 0) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(s,
                      "UPDATE fb_user SET suspended_at_ms = coalesce(suspended_at_ms, ?2) WHERE "
                      "employee_id = ?1",
                      &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, id);
    fb_sql_bind_int(q, 2, now_ms);
    rc = fb_sql_run(q);
    return rc < 0 ? rc : run_all(s, TEXTS, sizeof TEXTS / sizeof *TEXTS, id);
}

int fb_person_resume(struct fb_store *s, const char *login, struct fb_why *why)
{
    static const char *const TEXTS[] = {
        "UPDATE fb_user SET suspended_at_ms = NULL WHERE employee_id = ?1",
        "UPDATE employee SET status = 'active' WHERE id = ?1 AND status = 'left'",
        ("UPDATE device SET state = 'active' WHERE employee_id = ?1 AND state = 'suspended'"
         " AND id IN (SELECT device_id FROM fb_device_life WHERE suspended_with_person)"),
        ("UPDATE fb_device_life SET suspended_with_person = 0 WHERE device_id IN"
         " (SELECT id FROM device WHERE employee_id = ?1)"),
    };
    char id[FB_ROW_ID_SIZE];
    int rc = fb_person_find(s, login, id, why);
    return rc < 0 ? rc : run_all(s, TEXTS, sizeof TEXTS / sizeof *TEXTS, id);
}

int fb_person_tell_second_step(struct fb_store *s, const char *employee_id, const char *by_id,
                               const char *sentence)
{
    if (fb_catalogue_entity(fb_store_catalogue(s), "notification") == NULL) {
        return FB_OK;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s,
                          "INSERT INTO notification (employee_id, kind, title, entity, record_id,"
                          " by_id) VALUES (?1, 'reminder', ?2, 'employee', ?1, ?3)",
                          &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, employee_id);
    fb_sql_bind_text(q, 2, sentence);
    fb_sql_bind_text(q, 3, by_id);
    return fb_sql_run(q);
}

int fb_person_drop_second_step(struct fb_store *s, const char *login, const char *by_id,
                               struct fb_why *why)
{
    char id[FB_ROW_ID_SIZE];
    int rc = fb_person_find(s, login, id, why);
    if (rc < 0) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(s, "DELETE FROM fb_totp WHERE employee_id = ?1 AND is_in_force", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, id);
    rc = fb_sql_run(q);
    if (rc == FB_OK && fb_sql_changes(s) == 0) {
        return fb_fail(why, FB_ERR_NOT_FOUND, "%s has no second step at sign-in", login);
    }
    return rc < 0 ? rc
                  : fb_person_tell_second_step(
                        s, id, by_id,
                        fb_text("An administrator switched off your second step at sign-in. Set "
                                "it up again with your new telephone."));
}

int fb_person_find(struct fb_store *s, const char *login,
                   char ret_employee_id[static FB_ROW_ID_SIZE], struct fb_why *why)
{
    int rc = find_by(s, "SELECT employee_id FROM fb_user WHERE login = ?1", login, ret_employee_id);
    if (rc == FB_ERR_NOT_FOUND) {
        return fb_fail(why, rc, "there is no user %s; `fieldbook-server user list` shows them",
                       login);
    }
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}
