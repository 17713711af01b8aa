/* SPDX-License-Identifier: MIT
 *
 * user add | list | password | second-step | role | suspend | resume, invite.
 */
#include <stdio.h>

#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/command/show.h"
#include "common/store/sql.h"
#include "server/authority.h"
#include "server/cli.h"
#include "server/devices.h"
#include "server/password.h"
#include "server/people.h"

/* Opens the store and begins; on an error the caller's store stays NULL or open for FB_AUTO. */
static int open_for_writing(struct fb_cli *cli, struct fb_store **ret, struct fb_why *why)
{
    int rc = fb_command_store(cli, ret, why);
    return rc < 0 ? rc : fb_command_begin(*ret, why);
}

int fb_server_cli_end_writing(struct fb_store *s, int rc, struct fb_why *why)
{
    if (rc < 0 && why->text[0] == '\0') {
        fb_ignore(fb_store_error(s, why), "only its sentence is wanted");
    }
    return fb_command_end(s, rc, why);
}

static int load_pepper(const struct fb_cli *cli, const struct fb_random *random, struct fb_why *why)
{
    const char *data;
    int rc = fb_cli_data(cli, &data, why);
    return rc < 0 ? rc : fb_password_load_pepper(data, random, why);
}

int fb_server_cli_user_add(struct fb_cli *cli, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = open_for_writing(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    struct fb_person person = {.login = fb_cli_argument(cli, 0),
                               .name = fb_cli_value(cli, "name"),
                               .role = fb_cli_value(cli, "role")};
    person.territory_count = fb_cli_values(cli, "territory", &person.territories);
    struct fb_random random = fb_random_system();
    char password[FB_PASSWORD_TEXT_SIZE];
    rc = load_pepper(cli, &random, why);
    if (rc < 0) {
        return fb_server_cli_end_writing(s, rc, why);
    }
    rc = fb_server_cli_end_writing(
        s, fb_person_add(s, &person, &random, fb_os_now_ms(), password, why), why);
    rc = rc < 0 ? rc : fb_command_settle(cli, why);
    if (rc == FB_OK) {
        fb_cli_say(cli, "%s is added; this one-time password is shown once:", person.login);
        printf("%s\n", password);
    }
    return rc;
}

int fb_server_cli_user_password(struct fb_cli *cli, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = open_for_writing(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    struct fb_random random = fb_random_system();
    char password[FB_PASSWORD_TEXT_SIZE];
    rc = load_pepper(cli, &random, why);
    if (rc < 0) {
        return fb_server_cli_end_writing(s, rc, why);
    }
    rc = fb_server_cli_end_writing(
        s, fb_person_new_password(s, fb_cli_argument(cli, 0), &random, password, why), why);
    if (rc == FB_OK) {
        fb_cli_say(cli, "This one-time password is shown once:");
        printf("%s\n", password);
    }
    return rc;
}

int fb_server_cli_user_second_step(struct fb_cli *cli, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    const char *login = fb_cli_argument(cli, 0);
    int rc = open_for_writing(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_server_cli_end_writing(s, fb_person_drop_second_step(s, login, NULL, why), why);
    rc = rc < 0 ? rc : fb_command_settle(cli, why);
    if (rc == FB_OK) {
        fb_cli_say(cli, "The second step of %s is switched off; the password alone signs in.",
                   login);
    }
    return rc;
}

int fb_server_cli_user_role(struct fb_cli *cli, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    const char *const *roles;
    size_t count = fb_cli_values(cli, "role", &roles);
    int rc = open_for_writing(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_server_cli_end_writing(
        s, fb_person_set_roles(s, fb_cli_argument(cli, 0), roles, count, why), why);
    rc = rc < 0 ? rc : fb_command_settle(cli, why);
    if (rc == FB_OK) {
        fb_cli_say(cli, "The roles of %s are changed; laptops follow when they are connected.",
                   fb_cli_argument(cli, 0));
    }
    return rc;
}

static int set_standing(struct fb_cli *cli, bool is_suspended, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    const char *login = fb_cli_argument(cli, 0);
    int rc = open_for_writing(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    rc = is_suspended ? fb_person_suspend(s, login, fb_os_now_ms(), why)
                      : fb_person_resume(s, login, why);
    rc = fb_server_cli_end_writing(s, rc, why);
    return rc < 0 ? rc : fb_command_settle(cli, why);
}

int fb_server_cli_user_suspend(struct fb_cli *cli, struct fb_why *why)
{
    int rc = set_standing(cli, true, why);
    if (rc == FB_OK) {
        fb_cli_say(cli,
                   "%s is suspended: logins are ended, no laptop of theirs syncs; what is unsent "
                   "stays there.",
                   fb_cli_argument(cli, 0));
    }
    return rc;
}

int fb_server_cli_user_resume(struct fb_cli *cli, struct fb_why *why)
{
    int rc = set_standing(cli, false, why);
    if (rc == FB_OK) {
        fb_cli_say(cli, "%s may log in and sync again.", fb_cli_argument(cli, 0));
    }
    return rc;
}

int fb_server_cli_user_list(struct fb_cli *cli, struct fb_why *why)
{
    static const char *const COLUMNS[] = {"login",   "name",  "roles", "territories",
                                          "devices", "state", NULL};
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = fb_command_store(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    rc = fb_sql_begin(
        s,
        "SELECT u.login, e.id,"
        " (SELECT group_concat(r.name, ', ') FROM employee_role er JOIN role r ON r.id = er.role_id"
        "   WHERE er.employee_id = e.id),"
        " (SELECT group_concat(t.code, ', ') FROM territory_member m JOIN territory t"
        "   ON t.id = m.territory_id WHERE m.employee_id = e.id),"
        " (SELECT count(*) FROM device d WHERE d.employee_id = e.id AND d.state = 'active'),"
        " CASE WHEN u.suspended_at_ms IS NULL THEN 'active' ELSE 'suspended' END"
        " FROM fb_user u JOIN employee e ON e.id = u.employee_id ORDER BY u.login",
        &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    struct fb_cli_table *t = fb_cli_table_new(cli, COLUMNS);
    const struct fb_show show = {.cli = cli, .store = s, .table = t};
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        fb_cli_table_cell(t, fb_sql_text(q, 0));
        fb_show_title(&show, "employee", fb_sql_text(q, 1));
        fb_cli_table_cell(t, fb_sql_text(q, 2));
        fb_cli_table_cell(t, fb_sql_text(q, 3));
        fb_cli_table_cell_int(t, fb_sql_int(q, 4));
        fb_cli_table_cell(t, fb_sql_text(q, 5));
    }
    fb_cli_table_print(t, "Nobody may log in yet.");
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}

int fb_server_cli_invite(struct fb_cli *cli, struct fb_why *why)
{
    const char *data;
    struct fb_sha256 pin;
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = fb_cli_data(cli, &data, why);
    rc = rc < 0 ? rc : open_for_writing(cli, &s, why);
    rc = rc < 0 ? rc : fb_authority_pin(data, &pin, why);
    if (rc < 0) {
        return rc;
    }
    struct fb_random random = fb_random_system();
    char employee_id[FB_ROW_ID_SIZE];
    char code[FB_ENROL_CODE_SIZE];
    rc = fb_person_find(s, fb_cli_value(cli, "user"), employee_id, why);
    rc = rc < 0 ? rc
                : fb_invite_make(s, employee_id, fb_cli_value(cli, "device"), &pin, &random,
                                 fb_os_now_ms(), code, why);
    rc = fb_server_cli_end_writing(s, rc, why);
    if (rc == FB_OK) {
        fb_cli_say(cli, "For one laptop of %s, within 30 minutes:", fb_cli_value(cli, "user"));
        printf("%s\n", code);
    }
    return rc;
}
