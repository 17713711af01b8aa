/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/os.h"
#include "common/search/inside.h"

static const char *const TABLES[] = {
    "CREATE TABLE state (key TEXT PRIMARY KEY, value ANY) STRICT",
    /* One row of the database, or one reference to a row at headquarters. */
    "CREATE TABLE record (\n"
    "  no INTEGER PRIMARY KEY,        -- rowid of words\n"
    "  entity INTEGER NOT NULL,       -- the entity's number\n"
    "  id TEXT NOT NULL,\n"
    "  stamp TEXT,                    -- modified_at; of a reference its title\n"
    "  title TEXT NOT NULL,\n"
    "  shown_entity INTEGER,          -- the record it hangs on, if it is not shown itself\n"
    "  shown_id TEXT,\n"
    "  is_reference INTEGER NOT NULL,\n"
    "  hash INTEGER NOT NULL          -- of all its words: equal ones are not written again\n"
    ") STRICT",
    "CREATE UNIQUE INDEX record_id ON record (entity, id)",
    ("CREATE VIRTUAL TABLE words " FB_SEARCH_WORDS)};

static int make_tables(struct fb_store *file)
{
    int rc = fb_sql_exec(file, "BEGIN IMMEDIATE");
    for (size_t i = 0; rc == FB_OK && i < sizeof TABLES / sizeof TABLES[0]; i++) {
        rc = fb_sql_exec(file, TABLES[i]);
    }
    char text[80];
    snprintf(text, sizeof text, "PRAGMA user_version = %d", FB_SEARCH_FORMAT);
    if (rc == FB_OK) {
        rc = fb_sql_exec(file, text);
    }
    return rc == FB_OK ? fb_sql_exec(file, "COMMIT") : rc;
}

static void delete_file(const char *path)
{
    static const char *const ENDS[] = {"", "-wal", "-shm", "-journal"};
    char name[4096];
    for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++) {
        snprintf(name, sizeof name, "%s%s", path, ENDS[i]);
        fb_ignore(remove(name) == 0 ? FB_OK : FB_ERR_IO, "it may not be there");
    }
}

/* FB_ERR_VERSION if it has to be begun anew. */
static int open_file(const char *path, struct fb_store **ret, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *file = NULL;
    int64_t version = 0;
    int rc = fb_store_open_side(path, &file, why);
    if (rc == FB_OK) {
        rc = fb_sql_read_int(file, "PRAGMA user_version", &version);
    }
    if (rc == FB_OK && version == 0) {
        rc = make_tables(file);
        version = FB_SEARCH_FORMAT;
    }
    if (rc < 0) {
        return file == NULL ? rc : fb_store_error(file, why);
    }
    if (version != FB_SEARCH_FORMAT) {
        return FB_ERR_VERSION;
    }
    *ret = file;
    file = NULL;
    return FB_OK;
}

int fb_search_open(const char *path, struct fb_search **ret, struct fb_why *why)
{
    FB_AUTO(fb_search_drop) struct fb_search *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return fb_fail(why, FB_ERR_NO_MEMORY, "%s", fb_err_sentence(FB_ERR_NO_MEMORY));
    }
    int rc = open_file(path, &s->file, why);
    if (rc == FB_ERR_VERSION || rc == FB_ERR_DAMAGED) {
        delete_file(path);
        rc = open_file(path, &s->file, why);
    }
    if (rc == FB_OK && fb_pinyin_new(&s->pinyin) < 0) {
        rc = fb_fail(why, FB_ERR_NO_MEMORY, "%s", fb_err_sentence(FB_ERR_NO_MEMORY));
    }
    if (rc < 0) {
        return rc;
    }
    *ret = s;
    s = NULL;
    return FB_OK;
}

void fb_search_set_recent(struct fb_search *s, struct fb_recent *recent)
{
    s->recent = recent;
    s->has_gap = true;
}

void fb_search_close(struct fb_search *s)
{
    if (s == NULL) {
        return;
    }
    fb_store_close(s->file);
    fb_pinyin_free(s->pinyin);
    free(s);
}

void fb_search_drop(struct fb_search **s)
{
    fb_search_close(*s);
    *s = NULL;
}
