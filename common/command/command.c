/* SPDX-License-Identifier: MIT */
#include "common/command/command.h"

#include <stdio.h>
#include <string.h>

#include "common/base/id.h"
#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/store/sql.h"

#define ID_START_MIN 8

static const struct fb_command_node *node_of(const struct fb_cli *cli)
{
    return fb_cli_context(cli);
}

bool fb_command_is_laptop(const struct fb_cli *cli)
{
    return node_of(cli)->node == FB_NODE_REPLICA;
}

int fb_command_store(const struct fb_cli *cli, struct fb_store **ret, struct fb_why *why)
{
    const char *data;
    int rc = fb_cli_data(cli, &data, why);
    rc = rc < 0 || node_of(cli)->gate == NULL ? rc : node_of(cli)->gate(cli, data, why);
    return rc < 0 ? rc : fb_command_store_ungated(cli, ret, why);
}

int fb_command_store_ungated(const struct fb_cli *cli, struct fb_store **ret, struct fb_why *why)
{
    const char *data;
    int rc = fb_cli_data(cli, &data, why);
    if (rc < 0) {
        return rc;
    }
    enum fb_node node = node_of(cli)->node;
    const char *path = fb_cli_data_path(cli, "fieldbook.db");
    if (!fb_os_file_exists(path)) {
        return fb_fail(
            why, FB_ERR_NOT_FOUND, "%s holds no Fieldbook database: %s", data,
            node == FB_NODE_SERVER
                ? fb_text("make one with `fieldbook-server init --data DIR`")
                : fb_text("enrol this laptop with `fieldbook-replica enrol --data DIR`"));
    }
    struct fb_store_options options = {.node = node};
    return fb_store_open(path, &options, ret, why);
}

int fb_command_tables(const struct fb_cli *cli, struct fb_store **ret, struct fb_why *why)
{
    int rc = fb_command_store(cli, ret, why);
    if (rc == FB_OK && fb_store_catalogue(*ret) == NULL) {
        return fb_fail(why, FB_ERR_INVALID,
                       "this laptop has no tables before its first download: run "
                       "`fieldbook-replica sync` first");
    }
    return rc;
}

int fb_command_may_write(struct fb_store *s, struct fb_why *why)
{
    char rewound[FB_WHY_SIZE] = "";
    int rc = fb_store_meta_text(s, "rewound", rewound, sizeof rewound);
    if (rc == FB_ERR_NOT_FOUND || (rc == FB_OK && rewound[0] == '\0')) {
        return FB_OK;
    }
    return rc < 0 ? fb_store_error(s, why)
                  : fb_fail(why, FB_ERR_REFUSED,
                            "headquarters was set back to an older state and takes nothing in: %s. "
                            "Put the right database back, or say `fieldbook-server restore "
                            "--confirm`",
                            rewound);
}

int fb_command_begin(struct fb_store *s, struct fb_why *why)
{
    int rc = fb_command_may_write(s, why);
    if (rc < 0) {
        return rc;
    }
    return fb_store_begin(s) < 0 ? fb_store_error(s, why) : FB_OK;
}

int fb_command_end(struct fb_store *s, int rc, struct fb_why *why)
{
    if (rc < 0) {
        fb_store_rollback(s);
        return rc;
    }
    rc = fb_store_commit(s);
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}

int fb_command_settle(const struct fb_cli *cli, struct fb_why *why)
{
    const char *data;
    int rc = fb_cli_data(cli, &data, why);
    const struct fb_command_node *node = node_of(cli);
    return rc < 0 || node->settle == NULL ? rc : node->settle(data, why);
}

int fb_command_find_id(struct fb_store *s, const char *table, const char *start,
                       char ret_id[static 37], struct fb_why *why)
{
    if (strlen(start) < ID_START_MIN) {
        return fb_fail(why, FB_ERR_INVALID,
                       "give at least %d characters of the id, of its end or its start",
                       ID_START_MIN);
    }
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, 256);
    fb_buf_printf(&text,
                  "SELECT id FROM %s WHERE substr(id, 1, length(?1)) = ?1"
                  " OR substr(id, -length(?1)) = ?1 LIMIT 2",
                  table); /* table: a constant of ours */
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s, fb_buf_text(&text), &q);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    fb_sql_bind_text(q, 1, start);
    rc = fb_sql_step(q);
    if (rc == FB_SQL_DONE) {
        return strcmp(table, "conflict") == 0
                   ? fb_fail(why, FB_ERR_NOT_FOUND,
                             "there is no conflict %s; `conflict list --all` shows them", start)
               : strcmp(table, "held_change") == 0
                   ? fb_fail(why, FB_ERR_NOT_FOUND,
                             "there is no held edit %s; `held list --all` shows them", start)
                   : fb_fail(why, FB_ERR_NOT_FOUND, "there is no %s %s", table, start);
    }
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    snprintf(ret_id, FB_ROW_ID_SIZE, "%s", fb_sql_text(q, 0));
    rc = fb_sql_step(q);
    if (rc == FB_SQL_ROW) {
        return fb_fail(why, FB_ERR_INVALID, "several ids begin or end with %s: give more of the id",
                       start);
    }
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}

int fb_command_each_row(const struct fb_cli *cli, const char *table, fb_command_act *act,
                        const void *ctx, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = fb_command_tables(cli, &s, why);
    rc = rc < 0 ? rc : fb_command_begin(s, why);
    if (rc < 0) {
        return rc;
    }
    for (int i = 0; i < fb_cli_argument_count(cli) && rc == FB_OK; i++) {
        char id[FB_ROW_ID_SIZE];
        rc = fb_command_find_id(s, table, fb_cli_argument(cli, i), id, why);
        rc = rc < 0 ? rc : act(ctx, s, id, why);
    }
    rc = fb_command_end(s, rc, why);
    return rc < 0 ? rc : fb_command_settle(cli, why);
}

int fb_command_config_check(struct fb_cli *cli, struct fb_why *why)
{
    struct fb_config *config;
    int rc = fb_cli_config(cli, &config, why);
    if (rc == FB_OK) {
        fb_cli_say(cli, "The configuration is right.");
    }
    return rc;
}

int fb_command_config_show(struct fb_cli *cli, struct fb_why *why)
{
    static const char *const COLUMNS[] = {"setting", "value", "from", "meaning", NULL};
    struct fb_config *config;
    int rc = fb_cli_config(cli, &config, why);
    if (rc < 0) {
        return rc;
    }
    struct fb_cli_table *t = fb_cli_table_new(cli, COLUMNS);
    for (const struct fb_config_key *k = fb_cli_config_keys(cli); k->name != NULL; k++) {
        fb_cli_table_cell(t, k->name);
        fb_cli_table_cell(t, fb_config_text(config, k->name));
        fb_cli_table_cell(t, fb_config_origin(config, k->name));
        fb_cli_table_cell(t, fb_text(k->help));
    }
    fb_cli_table_print(t, "There are no settings.");
    return FB_OK;
}
