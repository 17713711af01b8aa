/* SPDX-License-Identifier: MIT */
#include "common/store/upgrade.h"

#include <stdio.h>
#include <string.h>

#include "common/store/inside.h"

static int newest(void)
{
    int number = 0;
    for (size_t i = 0; i < fb_upgrade_text_count; i++) {
        number = fb_upgrade_texts[i].number > number ? fb_upgrade_texts[i].number : number;
    }
    return number;
}

static const char *kind_name(enum fb_node node)
{
    return node == FB_NODE_SERVER ? "server" : "replica";
}

static int check_kind(struct fb_store *store, struct fb_why *why)
{
    char kind[16] = "";
    int rc = fb_store_meta_text(store, "node_kind", kind, sizeof kind);
    if (rc == FB_ERR_NOT_FOUND || rc == FB_ERR_INVALID || rc == FB_ERR_LIMIT) {
        return fb_fail(why, FB_ERR_DAMAGED,
                       "the database does not say what kind of node it belongs to: restore a "
                       "backup or enrol again");
    }
    if (rc < 0) {
        return fb_store_error(store, why);
    }
    if (strcmp(kind, kind_name(store->options.node)) != 0) {
        return fb_fail(why, FB_ERR_CONFIG,
                       store->options.node == FB_NODE_SERVER
                           ? fb_text("this folder belongs to a laptop, not to a headquarters: "
                                     "check --data (fieldbook-replica works with it)")
                           : fb_text("this folder belongs to a headquarters, not to a laptop: "
                                     "check --data (fieldbook-server works with it)"));
    }
    return FB_OK;
}

int fb_upgrade_check(struct fb_store *store, bool *ret_is_new, struct fb_why *why)
{
    int64_t application = 0;
    int64_t version = 0;
    int64_t objects = 0;
    int rc = fb_sql_read_int(store, "PRAGMA application_id", &application);
    if (rc == FB_OK) {
        rc = fb_sql_read_int(store, "PRAGMA user_version", &version);
    }
    if (rc == FB_OK) {
        rc = fb_sql_read_int(store, "SELECT count(*) FROM sqlite_schema", &objects);
    }
    if (rc < 0) {
        return fb_store_error(store, why);
    }
    *ret_is_new = application == 0 && version == 0 && objects == 0;
    if (*ret_is_new) {
        return FB_OK;
    }
    if (application != FB_STORE_APPLICATION_ID) {
        return fb_fail(why, FB_ERR_CONFIG,
                       "the file is a database of another program: choose another data folder");
    }
    if (version > newest()) {
        return fb_fail(why, FB_ERR_VERSION,
                       "the database has version %lld, this program knows versions up to %d: "
                       "install a newer Fieldbook",
                       (long long)version, newest());
    }
    if (version < newest() && !store->options.may_create) {
        return fb_fail(why, FB_ERR_VERSION,
                       "the database has version %lld and this program needs %d: start the daemon "
                       "once, it upgrades it",
                       (long long)version, newest());
    }
    return version == 0 ? FB_OK : check_kind(store, why);
}

static bool is_for(const struct fb_upgrade_text *text, int number, bool is_both, enum fb_node node)
{
    enum fb_upgrade_kind own = node == FB_NODE_SERVER ? FB_UPGRADE_SERVER : FB_UPGRADE_REPLICA;
    return text->number == number && text->kind == (is_both ? FB_UPGRADE_BOTH : own);
}

static int run_number(struct fb_store *store, int number, bool is_both)
{
    for (size_t i = 0; i < fb_upgrade_text_count; i++) {
        if (!is_for(&fb_upgrade_texts[i], number, is_both, store->options.node)) {
            continue;
        }
        int code = sqlite3_exec(store->db, fb_upgrade_texts[i].sql, NULL, NULL, NULL);
        if (code != SQLITE_OK) {
            return fb_store_note(store, code);
        }
    }
    return FB_OK;
}

static int stamp(struct fb_store *store)
{
    struct fb_value kind = fb_value_text(kind_name(store->options.node));
    int rc = fb_store_meta_set(store, "node_kind", &kind);
    if (rc < 0) {
        return rc;
    }
    char text[96];
    snprintf(text, sizeof text, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             FB_STORE_APPLICATION_ID, newest());
    int code = sqlite3_exec(store->db, text, NULL, NULL, NULL);
    return code == SQLITE_OK ? FB_OK : fb_store_note(store, code);
}

/* The version is read again inside the transaction: another process may have been faster. */
static int run_missing(struct fb_store *store)
{
    int64_t version = 0;
    int rc = fb_sql_read_int(store, "PRAGMA user_version", &version);
    if (rc < 0 || version >= newest()) {
        return rc;
    }
    for (int number = (int)version + 1; rc == FB_OK && number <= newest(); number++) {
        rc = run_number(store, number, true);
        if (rc == FB_OK) {
            rc = run_number(store, number, false);
        }
    }
    return rc < 0 ? rc : stamp(store);
}

int fb_upgrade_run(struct fb_store *store, struct fb_why *why)
{
    int64_t version = 0;
    int rc = fb_sql_read_int(store, "PRAGMA user_version", &version);
    if (rc == FB_OK && version >= newest()) {
        return FB_OK;
    }
    if (rc == FB_OK) {
        rc = fb_sql_exec(store, "BEGIN IMMEDIATE");
    }
    if (rc < 0) {
        return fb_store_error(store, why);
    }
    rc = run_missing(store);
    if (rc == FB_OK) {
        rc = fb_sql_exec(store, "COMMIT");
    }
    if (rc < 0) {
        rc = fb_store_error(store, why);
        if (!sqlite3_get_autocommit(store->db)) {
            sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
        }
        return rc;
    }
    return check_kind(store, why);
}
