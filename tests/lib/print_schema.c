/* SPDX-License-Identifier: MIT
 *
 * Prints the tables, indexes and triggers of a catalogue folder as SQL for the sqlite3 shell, with
 * the journal they write to: `print_schema FOLDER [tables|all]`. For tests that use stock clients.
 */
#include <stdio.h>
#include <string.h>

#include "common/catalogue/ddl.h"

static const char ENGINE_TABLES[] =
    "CREATE TABLE fb_meta (key TEXT PRIMARY KEY, value ANY) STRICT;\n"
    "CREATE TABLE fb_number (entity INTEGER PRIMARY KEY, next INTEGER NOT NULL) STRICT;\n"
    "CREATE TABLE fb_journal (seq INTEGER PRIMARY KEY, op INTEGER NOT NULL, entity INTEGER NOT "
    "NULL,\n"
    "  row_id TEXT NOT NULL, field INTEGER, old ANY, at_ms INTEGER NOT NULL, step BLOB) STRICT;\n";

static int print_statement(void *ctx, const char *name, const char *sql)
{
    (void)ctx;
    (void)name;
    return printf("%s;\n", sql) < 0 ? FB_ERR_IO : FB_OK;
}

static int print_entity(const struct fb_catalogue *c, const struct fb_entity *e, bool with_triggers)
{
    struct fb_buf sql;
    fb_buf_init(&sql, FB_CATALOGUE_BYTES_MAX);
    fb_ddl_table(&sql, e);
    int rc = fb_buf_error(&sql);
    if (rc == FB_OK) {
        rc = print_statement(NULL, e->name, fb_buf_text(&sql));
    }
    fb_buf_release(&sql);
    if (rc == FB_OK) {
        rc = fb_ddl_each_index(e, print_statement, NULL);
    }
    return rc == FB_OK && with_triggers ? fb_ddl_each_trigger(c, e, print_statement, NULL) : rc;
}

int main(int argc, char **argv)
{
    struct fb_catalogue *c = NULL;
    struct fb_why why = {{0}};
    if (argc < 2) {
        fprintf(stderr, "usage: print_schema FOLDER [tables|all]\n");
        return 2;
    }
    int rc = fb_catalogue_read_folder(argv[1], 1, &c, &why);
    if (rc < 0) {
        fprintf(stderr, "%s\n", why.text);
        return fb_err_exit_code(rc);
    }
    bool with_triggers = argc < 3 || strcmp(argv[2], "tables") != 0;
    printf("%s", ENGINE_TABLES);
    for (size_t i = 0; rc == FB_OK && i < c->entity_count; i++) {
        rc = print_entity(c, &c->entities[i], with_triggers);
    }
    fb_catalogue_free(c);
    return rc == FB_OK ? 0 : 1;
}
