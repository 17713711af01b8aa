/* SPDX-License-Identifier: MIT
 *
 * status, outbox.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/base/time.h"
#include "common/command/show.h"
#include "common/crm/say.h"
#include "common/store/journal.h"
#include "common/store/outbox.h"
#include "common/store/sql.h"
#include "replica/cli.h"
#include "replica/lease.h"
#include "replica/state.h"
#include "replica/wipe.h"

#define STATE_BYTES_MAX 4096

static int64_t meta_or(struct fb_store *s, const char *key, int64_t otherwise)
{
    int64_t value = otherwise;
    fb_ignore(fb_store_meta_int(s, key, &value), "a missing one has its meaning");
    return value;
}

struct facts {
    int64_t cursor;
    int64_t cut_at_ms;       /* 0: never */
    int64_t history_from_ms; /* closed records are here from then on; 0: all are */
    int64_t journal_rows;
    int64_t pending_pushes;
    int64_t pending_changes;
    int64_t conflicts;
    int64_t held;
    int64_t found;
    struct fb_lease lease;
};

static int count_rows(struct fb_store *s, struct facts *f)
{
    if (fb_store_catalogue(s) == NULL) {
        return FB_OK;
    }
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(s,
                          "SELECT (SELECT count(*) FROM conflict WHERE outcome = 'waiting'),"
                          " (SELECT count(*) FROM held_change WHERE state = 'waiting'),"
                          " (SELECT count(*) FROM found_value WHERE state = 'waiting')",
                          &q);
    rc = rc < 0 ? rc : fb_sql_step(q);
    if (rc < 0) {
        return rc;
    }
    f->conflicts = fb_sql_int(q, 0);
    f->held = fb_sql_int(q, 1);
    f->found = fb_sql_int(q, 2);
    return FB_OK;
}

static int read_facts(struct fb_store *s, struct facts *ret)
{
    ret->cursor = meta_or(s, "cursor", 0);
    ret->cut_at_ms = meta_or(s, "cut_at_ms", 0);
    ret->history_from_ms = meta_or(s, "history_from_ms", 0);
    int rc = fb_journal_count(s, &ret->journal_rows);
    rc = rc < 0 ? rc : fb_outbox_count(s, &ret->pending_pushes, &ret->pending_changes);
    return rc < 0 ? rc : count_rows(s, ret);
}

static void print_json(const struct facts *f, const char *state)
{
    char at[FB_INSTANT_SIZE];
    fb_instant_format(f->cut_at_ms, at);
    putchar('{');
    fb_replica_cli_print_lease_json(&f->lease);
    printf(",\"rev\":%lld,\"data_as_of\":%s%s%s,\"journal\":%lld,\"pushes\":%lld,\"to_send\":%lld,"
           "\"conflicts\":%lld,"
           "\"held\":%lld,\"found\":%lld,\"history_from_ms\":%lld,\"daemon\":%s}\n",
           (long long)f->cursor, f->cut_at_ms == 0 ? "" : "\"", f->cut_at_ms == 0 ? "null" : at,
           f->cut_at_ms == 0 ? "" : "\"", (long long)f->journal_rows, (long long)f->pending_pushes,
           (long long)f->journal_rows + f->pending_changes, (long long)f->conflicts,
           (long long)f->held, (long long)f->found, (long long)f->history_from_ms,
           state[0] == '\0' ? "null" : state);
}

/* What the daemon last wrote about itself, as people read it. */
static void print_daemon(const char *state)
{
    json_t *note = json_loads(state, 0, NULL);
    const char *name = json_string_value(json_object_get(note, "state"));
    const char *sentence = json_string_value(json_object_get(note, "sentence"));
    char at[FB_LOCAL_TIME_SIZE];
    if (name == NULL) {
        fb_cli_print_fact("daemon", "never ran");
    } else {
        const char *since = json_string_value(json_object_get(note, "at"));
        fb_cli_print_fact("daemon", "%s since %s%s%s", fb_text(name),
                          fb_say_time(since == NULL ? "?" : since, at),
                          sentence == NULL || sentence[0] == '\0' ? "" : ": ",
                          sentence == NULL ? "" : sentence);
    }
    json_decref(note);
}

static void print_text(const struct facts *f, const char *state)
{
    char instant[FB_INSTANT_SIZE];
    char at[FB_LOCAL_TIME_SIZE];
    fb_instant_format(f->cut_at_ms, instant);
    if (f->cut_at_ms == 0) {
        fb_cli_print_fact("data as of", "never synced: run `fieldbook-replica sync`");
    } else {
        fb_cli_print_fact("data as of", "%s (revision %lld)", fb_say_time(instant, at),
                          (long long)f->cursor);
    }
    if (f->history_from_ms > 0) {
        fb_instant_format(f->history_from_ms, instant);
        fb_cli_print_fact("history", "closed records since %.10s; older ones are at headquarters",
                          instant);
    }
    fb_cli_print_fact("to send", "%lld", (long long)f->journal_rows + f->pending_changes);
    fb_cli_print_fact("conflicts", "%lld to be decided", (long long)f->conflicts);
    fb_cli_print_fact("held edits", "%lld to be corrected, retried or discarded",
                      (long long)f->held);
    fb_cli_print_fact("found", "%lld values that another program wrote unseen",
                      (long long)f->found);
    fb_replica_cli_print_lease(&f->lease);
    print_daemon(state);
}

static void print_locked(struct fb_cli *cli, const struct fb_lease *lease)
{
    if (fb_cli_is_json(cli)) {
        putchar('{');
        fb_replica_cli_print_lease_json(lease);
        printf("}\n");
    } else {
        fb_replica_cli_print_lease(lease);
    }
}

int fb_replica_cli_status(struct fb_cli *cli, struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    const char *data = NULL;
    struct facts facts = {0};
    int rc = fb_cli_data(cli, &data, why);
    if (rc == FB_OK && fb_replica_is_wiped(data)) {
        return fb_replica_lease_gate(cli, data, why);
    }
    rc = rc < 0 ? rc : fb_replica_lease_enter(data, &facts.lease, why);
    if (rc == FB_ERR_REFUSED && fb_lease_is_locked(&facts.lease)) {
        print_locked(cli, &facts.lease);
        return FB_OK;
    }
    rc = rc < 0 ? rc : fb_command_store(cli, &s, why);
    if (rc < 0) {
        return rc;
    }
    rc = read_facts(s, &facts);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    FB_AUTO(fb_buf_release) struct fb_buf state;
    fb_buf_init(&state, STATE_BYTES_MAX);
    fb_replica_state_read(data, &state);
    if (state.size > 0 && state.bytes[state.size - 1] == '\n') {
        state.bytes[--state.size] = '\0';
    }
    if (fb_cli_is_json(cli)) {
        print_json(&facts, fb_buf_text(&state));
    } else {
        print_text(&facts, fb_buf_text(&state));
    }
    return FB_OK;
}

/* ---- outbox ---- */

/* The state as people read it; programs get the English words. */
static void add_state(const struct fb_show *show, const char *english)
{
    fb_cli_table_cell(show->table, fb_cli_is_json(show->cli) ? english : fb_text(english));
}

static int add_push(void *ctx, const struct fb_push *p)
{
    const struct fb_show *show = ctx;
    struct fb_cli_table *t = show->table;
    char at[FB_INSTANT_SIZE];
    fb_instant_format(p->made_at_ms, at);
    fb_cli_table_cell_int(t, p->number);
    add_state(show, p->acked_at_ms == 0 ? "to send" : "at headquarters, its answer is on the way");
    fb_cli_table_cell_int(t, p->changes);
    fb_show_time(show, at);
    return FB_OK;
}

int fb_replica_cli_outbox(struct fb_cli *cli, struct fb_why *why)
{
    static const char *const COLUMNS[] = {"push", "state", "edits", "made_at", NULL};
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    int rc = fb_command_store(cli, &s, why);
    int64_t journal_rows = 0;
    rc = rc < 0 ? rc : fb_journal_count(s, &journal_rows);
    if (rc < 0) {
        return s == NULL ? rc : fb_store_error(s, why);
    }
    struct fb_cli_table *t = fb_cli_table_new(cli, COLUMNS);
    struct fb_show show = {.cli = cli, .store = s, .table = t};
    rc = fb_outbox_each_uncovered(s, add_push, &show);
    if (journal_rows > 0) {
        fb_cli_table_cell(t, NULL);
        add_state(&show, "in the journal, not packed yet");
        fb_cli_table_cell_int(t, journal_rows);
        fb_cli_table_cell(t, NULL);
    }
    fb_cli_table_print(t, "Nothing waits: headquarters has confirmed every edit.");
    return rc < 0 ? fb_store_error(s, why) : FB_OK;
}
