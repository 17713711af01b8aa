/* SPDX-License-Identifier: MIT */
#include "tests/lib/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/hash.h"
#include "common/base/time.h"
#include "common/store/history.h"
#include "common/store/row.h"
#include "common/store/sql.h"
#include "server/device_scopes.h"
#include "server/verify.h"
#include "tests/lib/testlib.h"

#define START_MS   INT64_C(1750000000000)
#define TURNS_MAX  20000
#define TEXT_SIZE  4096
#define FIELDS_MAX 40

static char *next_text(void)
{
    static char texts[8][TEXT_SIZE];
    static unsigned turn;
    return texts[turn++ % 8];
}

static void check(int rc, struct fb_store *s, const char *what)
{
    if (rc >= 0) {
        return;
    }
    struct fb_why why = {""};
    if (s != NULL) {
        fb_ignore(fb_store_error(s, &why), "only its sentence is wanted");
    }
    fail_msg("%s: %s %s", what, fb_err_name(rc), why.text);
}

const char *world_id(const char *record)
{
    static char ids[16][FB_ROW_ID_SIZE];
    static unsigned turn;
    char *id = ids[turn++ % 16];
    if (strchr(record, '/') == NULL) {
        fail_msg("'%s' is no record: entity/name", record);
    }
    if (strlen(strchr(record, '/') + 1) == FB_ROW_ID_SIZE - 1) {
        snprintf(id, FB_ROW_ID_SIZE, "%s", strchr(record, '/') + 1);
        return id;
    }
    struct fb_digest d = fb_digest_of(record, strlen(record));
    snprintf(id, FB_ROW_ID_SIZE, "01890000-%04x-7%03x-8%03x-%012llx", (unsigned)(d.high & 0xffff),
             (unsigned)(d.high >> 16 & 0xfff), (unsigned)(d.high >> 28 & 0xfff),
             (unsigned long long)(d.low & 0xffffffffffff));
    return id;
}

static const char *entity_of(const char *record)
{
    char *name = next_text();
    snprintf(name, TEXT_SIZE, "%.*s", (int)strcspn(record, "/"), record);
    return name;
}

void world_time_passes(struct fb_world *w, int64_t ms)
{
    w->now_ms += ms;
}

/* ---- Writing ---- */

static void append_literal(struct fb_buf *sql, const struct fb_field *f, const char *value)
{
    if (strcmp(value, "NULL") == 0) {
        fb_buf_append_text(sql, "NULL");
    } else if (value[0] == '@') {
        fb_buf_printf(sql, "'%s'", world_id(value + 1));
    } else if (f->storage == FB_INT) {
        fb_buf_append_text(sql, value);
    } else {
        fb_buf_append_byte(sql, '\'');
        for (const char *c = value; *c != '\0'; c++) {
            fb_buf_append(sql, *c == '\'' ? "''" : c, *c == '\'' ? 2 : 1);
        }
        fb_buf_append_byte(sql, '\'');
    }
}

static const struct fb_field *field_of(struct fb_store *s, const char *entity, const char *name)
{
    const struct fb_entity *e = fb_catalogue_entity(fb_store_catalogue(s), entity);
    const struct fb_field *f = e == NULL ? NULL : fb_entity_field(e, name);
    if (f == NULL) {
        fail_msg("there is no field %s.%s", entity, name);
    }
    return f;
}

/* The triggers take SQLite's clock: the world's own is put into the journal afterwards. */
static void run_at(struct fb_store *s, const char *sql, int64_t at_ms)
{
    struct fb_value last = FB_VALUE_NULL;
    struct fb_sql *q = NULL;
    check(fb_store_begin(s), s, "begin");
    check(fb_sql_begin(s, "SELECT coalesce(max(seq), 0) FROM fb_journal", &q), s, "journal");
    check(fb_sql_step(q), s, "journal");
    last = fb_sql_value(q, 0);
    fb_sql_end(q);
    check(fb_sql_exec(s, sql), s, sql);
    check(fb_sql_begin(s, "UPDATE fb_journal SET at_ms = ?1 WHERE seq > ?2", &q), s, "journal");
    fb_sql_bind_int(q, 1, at_ms);
    fb_sql_bind_value(q, 2, &last);
    check(fb_sql_run(q), s, "journal");
    fb_sql_end(q);
    check(fb_store_commit(s), s, "commit");
}

static void make(struct fb_store *s, int64_t at_ms, const char *record, va_list args)
{
    const char *entity = entity_of(record);
    struct fb_buf names;
    struct fb_buf values;
    fb_buf_init(&names, TEXT_SIZE);
    fb_buf_init(&values, 1024 * 1024);
    fb_buf_printf(&names, "INSERT INTO \"%s\" (id", entity);
    fb_buf_printf(&values, ") VALUES ('%s'", world_id(record));
    for (const char *name = va_arg(args, const char *); name != NULL;
         name = va_arg(args, const char *)) {
        const char *value = va_arg(args, const char *);
        fb_buf_printf(&names, ", \"%s\"", name);
        fb_buf_append_text(&values, ", ");
        append_literal(&values, field_of(s, entity, name), value);
    }
    fb_buf_append(&names, values.bytes, values.size);
    fb_buf_append_byte(&names, ')');
    run_at(s, fb_buf_text(&names), at_ms);
    fb_buf_release(&names);
    fb_buf_release(&values);
}

static void edit(struct fb_store *s, int64_t at_ms, const char *record, const char *field,
                 const char *value)
{
    const char *entity = entity_of(record);
    struct fb_buf sql;
    fb_buf_init(&sql, 1024 * 1024);
    fb_buf_printf(&sql, "UPDATE \"%s\" SET \"%s\" = ", entity, field);
    append_literal(&sql, field_of(s, entity, field), value);
    fb_buf_printf(&sql, " WHERE id = '%s'", world_id(record));
    run_at(s, fb_buf_text(&sql), at_ms);
    fb_buf_release(&sql);
}

static void delete_row(struct fb_store *s, int64_t at_ms, const char *record)
{
    FB_AUTO(fb_buf_release) struct fb_buf sql;
    fb_buf_init(&sql, TEXT_SIZE);
    fb_buf_printf(&sql, "DELETE FROM \"%s\" WHERE id = '%s'", entity_of(record), world_id(record));
    run_at(s, fb_buf_text(&sql), at_ms);
}

void server_makes(struct fb_world *w, const char *record, ...)
{
    va_list args;
    va_start(args, record);
    world_time_passes(w, 1000);
    make(w->store, w->now_ms, record, args);
    va_end(args);
}

void server_has_two_territories(struct fb_world *w)
{
    server_makes(w, "territory/north", "code", "N", "name", "North", NULL);
    server_makes(w, "territory/south", "code", "S", "name", "South", NULL);
    server_makes(w, "territory_member/ana", "territory_id", "@territory/north", "employee_id",
                 "@employee/ana", "part", "owner", NULL);
    server_makes(w, "territory_member/ben", "territory_id", "@territory/south", "employee_id",
                 "@employee/ben", "part", "owner", NULL);
    server_makes(w, "employee/boss", "code", "B", "user_name", "boss", "family_name", "Boss", NULL);
    server_edits(w, "company/acme", "owner_id", "@employee/boss");
    server_edits(w, "role_permission/read", "level", "territory");
}

void server_has_an_order(struct fb_world *w)
{
    server_makes(w, "contact/li", "family_name", "Li", "company_id", "@company/acme", "owner_id",
                 "@employee/ana", NULL);
    server_makes(w, "currency/cny", "code", "CNY", "name_zh", "人民币", NULL);
    server_makes(w, "sales_order/one", "company_id", "@company/acme", "ordered_on", "2026-01-01",
                 "currency_id", "@currency/cny", "owner_id", "@employee/ana", NULL);
    server_makes(w, "order_line/a", "sales_order_id", "@sales_order/one", "name", "Thing", "unit",
                 "pc", "unit_price", "100", NULL);
}

void server_edits(struct fb_world *w, const char *record, const char *field, const char *value)
{
    world_time_passes(w, 1000);
    edit(w->store, w->now_ms, record, field, value);
}

void server_deletes(struct fb_world *w, const char *record)
{
    world_time_passes(w, 1000);
    delete_row(w->store, w->now_ms, record);
}

void server_runs(struct fb_world *w, const char *sql)
{
    world_time_passes(w, 1000);
    run_at(w->store, sql, w->now_ms);
}

static struct fb_world_replica *clock_of(struct fb_world *w, const char *who, int64_t *ret_ms)
{
    struct fb_world_replica *r = world_replica(w, who);
    world_time_passes(w, 1000);
    *ret_ms = w->now_ms + r->clock_ms;
    return r;
}

void replica_makes(struct fb_world *w, const char *who, const char *record, ...)
{
    int64_t at_ms = 0;
    struct fb_world_replica *r = clock_of(w, who, &at_ms);
    va_list args;
    va_start(args, record);
    make(r->store, at_ms, record, args);
    va_end(args);
}

void replica_edits(struct fb_world *w, const char *who, const char *record, const char *field,
                   const char *value)
{
    int64_t at_ms = 0;
    struct fb_world_replica *r = clock_of(w, who, &at_ms);
    edit(r->store, at_ms, record, field, value);
}

void replica_deletes(struct fb_world *w, const char *who, const char *record)
{
    int64_t at_ms = 0;
    struct fb_world_replica *r = clock_of(w, who, &at_ms);
    delete_row(r->store, at_ms, record);
}

void replica_runs(struct fb_world *w, const char *who, const char *sql)
{
    int64_t at_ms = 0;
    struct fb_world_replica *r = clock_of(w, who, &at_ms);
    run_at(r->store, sql, at_ms);
}

/* ---- Life ---- */

static void set_meta(struct fb_store *s, const char *key, const char *text)
{
    struct fb_value v = fb_value_text(text);
    check(fb_store_meta_set(s, key, &v), s, key);
}

static struct fb_catalogue *read_catalogue(const char *source_dir)
{
    struct fb_why why = {""};
    char folder[TEXT_SIZE];
    snprintf(folder, sizeof folder, "%s/common/catalogue/entities", source_dir);
    struct fb_catalogue *catalogue = NULL;
    if (fb_catalogue_read_folder(folder, 1, &catalogue, &why) < 0) {
        fail_msg("the catalogue does not load: %s", why.text);
    }
    return catalogue;
}

/* Loaded once for all stores of a program. */
static struct fb_store_options options_of(const char *source_dir, enum fb_node node)
{
    static struct fb_catalogue *catalogue;
    if (catalogue == NULL) {
        catalogue = read_catalogue(source_dir);
    }
    return (struct fb_store_options){.node = node, .catalogue = catalogue};
}

static void make_database(const char *source_dir, enum fb_node node, const char *path)
{
    struct fb_why why = {""};
    struct fb_store *store = NULL;
    struct fb_store_options options = {.node = node, .may_create = true};
    if (fb_store_open(path, &options, &store, &why) < 0) {
        fail_msg("a database is not made: %s", why.text);
    }
    check(fb_store_begin(store), store, "begin");
    check(fb_store_set_catalogue(store, read_catalogue(source_dir), START_MS, &why), store,
          why.text);
    check(fb_store_commit(store), store, "commit");
    if (node == FB_NODE_SERVER) {
        set_meta(store, "timeline", "01890000-0000-7000-8000-000000000001");
    }
    fb_store_close(store);
}

static void start_server(struct fb_world *w)
{
    struct fb_why why = {""};
    struct fb_store_options options = options_of(w->source_dir, FB_NODE_SERVER);
    if (fb_store_open(w->path, &options, &w->store, &why) < 0) {
        fail_msg("headquarters does not open: %s", why.text);
    }
    options.is_read_only = true;
    if (fb_store_open(w->path, &options, &w->reader, &why) < 0 ||
        fb_hub_new(w->store, w->reader, &w->random, &w->hub, &why) < 0) {
        fail_msg("headquarters does not start: %s", why.text);
    }
}

static void copy_file(const char *from, const char *to)
{
    char block[65536];
    FILE *in = fopen(from, "rb");
    FILE *out = fopen(to, "wb");
    if (in == NULL || out == NULL) {
        fail_msg("%s is not copied to %s", from, to);
    }
    for (size_t size = 0; (size = fread(block, 1, sizeof block, in)) > 0;) {
        assert_int_equal(fwrite(block, 1, size, out), size);
    }
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

/* A thousand tables and triggers take half a second: each program of tests makes them once for a node, then copies the
 * file. A laptop so has the catalogue before its first hello; how one travels, the tests of sync/replica tell. */
static void lay_database(const char *source_dir, enum fb_node node, const char *path)
{
    static bool is_made[2];
    char model[TEXT_SIZE];
    bool is_server = node == FB_NODE_SERVER;
    snprintf(model, sizeof model, "%s",
             fb_test_path(is_server ? "model-hq.db" : "model-laptop.db"));
    if (!is_made[is_server]) {
        unlink(model);
        make_database(source_dir, node, model);
        is_made[is_server] = true;
    }
    copy_file(model, path);
}

static void make_server(struct fb_world *w)
{
    lay_database(w->source_dir, FB_NODE_SERVER, w->path);
    start_server(w);
}

void world_server_restarts(struct fb_world *w)
{
    for (size_t i = 0; i < w->replica_count; i++) {
        replica_disconnects(w, w->replicas[i].name);
    }
    fb_hub_free(w->hub);
    fb_store_close(w->reader);
    fb_store_close(w->store);
    start_server(w);
}

/* Who may see and do everything. A story about scopes takes the role away again. */
static void make_role(struct fb_world *w)
{
    static const char *const ACTIONS[] = {"read", "create", "edit", "delete", "export", "assign"};
    server_makes(w, "role/everything", "name", "everything", NULL);
    for (size_t i = 0; i < sizeof ACTIONS / sizeof ACTIONS[0]; i++) {
        char record[64];
        snprintf(record, sizeof record, "role_permission/%s", ACTIONS[i]);
        server_makes(w, record, "role_id", "@role/everything", "entity", "*", "action", ACTIONS[i],
                     "level", "all", NULL);
    }
}

static void add_person(struct fb_world *w, const char *name)
{
    char record[64];
    char device[64];
    char employee[64];
    struct fb_world_replica *r = &w->replicas[w->replica_count++];
    snprintf(r->name, sizeof r->name, "%s", name);
    snprintf(record, sizeof record, "employee/%s", name);
    snprintf(device, sizeof device, "device/%s", name);
    snprintf(employee, sizeof employee, "@employee/%s", name);
    memcpy(r->employee_id, world_id(record), FB_ROW_ID_SIZE);
    memcpy(r->device_id, world_id(device), FB_ROW_ID_SIZE);
    server_makes(w, record, "code", name, "user_name", name, "family_name", name, NULL);
    server_makes(w, device, "name", name, "employee_id", employee, "certificate_serial", name,
                 "state", "active", NULL);
    char role[64];
    snprintf(role, sizeof role, "employee_role/%s", name);
    server_makes(w, role, "employee_id", employee, "role_id", "@role/everything", NULL);
}

static void start_replica(struct fb_world *w, struct fb_world_replica *r)
{
    struct fb_why why = {""};
    struct fb_store_options options = options_of(w->source_dir, FB_NODE_REPLICA);
    snprintf(r->path, sizeof r->path, "%s.%s", w->path, r->name);
    lay_database(w->source_dir, FB_NODE_REPLICA, r->path);
    if (fb_store_open(r->path, &options, &r->store, &why) < 0) {
        fail_msg("laptop %s does not open: %s", r->name, why.text);
    }
    set_meta(r->store, "device_id", r->device_id);
    set_meta(r->store, "employee_id", r->employee_id);
    r->random = fb_random_seeded(&r->seed, fb_random_u64(&w->random));
    check(fb_replica_round_new(r->store, &r->random, &r->round), r->store, "round");
}

struct fb_world *world_open(const char *source_dir, const char *first_name, ...)
{
    static int number;
    struct fb_world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    char name[32];
    snprintf(name, sizeof name, "world%d.db", ++number);
    snprintf(w->path, sizeof w->path, "%s", fb_test_path(name));
    w->now_ms = START_MS;
    w->random = fb_random_seeded(&w->seed, 4711);
    w->source_dir = source_dir;
    make_server(w);
    make_role(w);
    va_list args;
    va_start(args, first_name);
    for (const char *who = first_name; who != NULL; who = va_arg(args, const char *)) {
        add_person(w, who);
    }
    va_end(args);
    char owner[64];
    snprintf(owner, sizeof owner, "@employee/%s", first_name);
    server_makes(w, "company/acme", "name", "Acme", "owner_id", owner, NULL);
    for (size_t i = 0; i < w->replica_count; i++) {
        start_replica(w, &w->replicas[i]);
        replica_syncs(w, w->replicas[i].name);
    }
    return w;
}

void world_close(struct fb_world *w)
{
    for (size_t i = 0; i < w->replica_count; i++) {
        struct fb_world_replica *r = &w->replicas[i];
        replica_disconnects(w, r->name);
        fb_replica_round_free(r->round);
        fb_store_close(r->store);
        unlink(r->path);
    }
    fb_hub_free(w->hub);
    fb_store_close(w->reader);
    fb_store_close(w->store);
    unlink(w->path);
    free(w);
}

struct fb_world_replica *world_replica(struct fb_world *w, const char *name)
{
    for (size_t i = 0; i < w->replica_count; i++) {
        if (strcmp(w->replicas[i].name, name) == 0) {
            return &w->replicas[i];
        }
    }
    fail_msg("there is no laptop of %s", name);
    return NULL;
}

/* ---- Moving bytes ---- */

static bool move_up(struct fb_world *w, struct fb_world_replica *r)
{
    struct fb_buf out;
    fb_buf_init(&out, 16 * 1024 * 1024);
    int rc = fb_replica_round_take(r->round, &out, w->now_ms + r->clock_ms);
    bool has_moved = out.size > 0;
    w->bytes_to_server += (int64_t)out.size;
    if (rc >= 0 && has_moved) {
        rc = fb_server_session_feed(r->session, out.bytes, out.size, w->now_ms);
    }
    fb_buf_release(&out);
    if (rc < 0) {
        replica_disconnects(w, r->name);
    }
    return has_moved;
}

static bool move_down(struct fb_world *w, struct fb_world_replica *r)
{
    struct fb_buf out;
    fb_buf_init(&out, 16 * 1024 * 1024);
    int rc = fb_server_session_take(r->session, &out, w->now_ms);
    bool has_moved = out.size > 0;
    w->bytes_to_replicas += (int64_t)out.size;
    if (has_moved && w->while_a_cut_travels != NULL &&
        fb_replica_round_status(r->round)->state == FB_REPLICA_PULLING) {
        void (*happens)(struct fb_world *) = w->while_a_cut_travels;
        w->while_a_cut_travels = NULL;
        happens(w);
    }
    int fed = has_moved
                  ? fb_replica_round_feed(r->round, out.bytes, out.size, w->now_ms + r->clock_ms)
                  : FB_OK;
    fb_buf_release(&out);
    if (rc < 0 || fed < 0) {
        replica_disconnects(w, r->name);
    }
    return has_moved;
}

void server_settles(struct fb_world *w)
{
    check(fb_hub_settle(w->hub, w->now_ms), w->store, "settle");
}

void world_runs(struct fb_world *w)
{
    bool has_moved = true;
    for (int turn = 0; has_moved && turn < TURNS_MAX; turn++) {
        has_moved = false;
        w->now_ms++;
        for (size_t i = 0; i < w->replica_count; i++) {
            struct fb_world_replica *r = &w->replicas[i];
            has_moved = (r->session != NULL && move_up(w, r)) || has_moved;
        }
        server_settles(w);
        for (size_t i = 0; i < w->replica_count; i++) {
            struct fb_world_replica *r = &w->replicas[i];
            has_moved = (r->session != NULL && move_down(w, r)) || has_moved;
        }
    }
    if (has_moved) {
        fail_msg("they talk without end");
    }
}

void replica_connects(struct fb_world *w, const char *who)
{
    struct fb_world_replica *r = world_replica(w, who);
    if (r->session == NULL) {
        check(fb_hub_open(w->hub, r->device_id, w->now_ms, &r->session), w->store, "open");
        fb_replica_round_opened(r->round, w->now_ms + r->clock_ms);
    }
    fb_replica_round_noticed_write(r->round, w->now_ms + r->clock_ms);
    world_runs(w);
}

void replica_disconnects(struct fb_world *w, const char *who)
{
    struct fb_world_replica *r = world_replica(w, who);
    if (r->session != NULL) {
        fb_hub_close(w->hub, r->session);
        r->session = NULL;
        fb_replica_round_closed(r->round, w->now_ms + r->clock_ms);
    }
}

void replica_syncs(struct fb_world *w, const char *who)
{
    struct fb_world_replica *r = world_replica(w, who);
    bool was_connected = r->session != NULL;
    world_time_passes(w, 1000);
    replica_connects(w, who);
    for (int again = 0; r->session == NULL && again < 5; again++) {
        world_time_passes(w, 60000);
        replica_connects(w, who); /* a chain that was sorted out, a resync */
    }
    if (!fb_replica_round_is_in_step(r->round)) {
        fail_msg("%s is not in step: state %d, %s", who,
                 (int)fb_replica_round_status(r->round)->state,
                 fb_replica_round_status(r->round)->sentence);
    }
    if (!was_connected) {
        replica_disconnects(w, who);
    }
}

void everybody_syncs(struct fb_world *w)
{
    for (size_t i = 0; i < 2 * w->replica_count; i++) {
        replica_syncs(w, w->replicas[i % w->replica_count].name);
    }
}

/* ---- Asking ---- */

static const char *ask(struct fb_store *s, const char *sql, const char *record)
{
    char *text = next_text();
    struct fb_sql *q = NULL;
    check(fb_sql_begin(s, sql, &q), s, sql);
    if (record != NULL) {
        fb_sql_bind_text(q, 1, world_id(record));
    }
    int rc = fb_sql_step(q);
    check(rc, s, sql);
    struct fb_value v = rc == FB_SQL_ROW ? fb_sql_value(q, 0) : (struct fb_value){0};
    if (v.type == FB_INT) {
        snprintf(text, TEXT_SIZE, "%lld", (long long)v.integer);
    } else if (v.type == FB_ABSENT || v.type == FB_NULL) {
        snprintf(text, TEXT_SIZE, "%s", v.type == FB_ABSENT ? "(no row)" : "NULL");
    } else {
        snprintf(text, TEXT_SIZE, "%.*s", (int)v.size, v.bytes);
    }
    fb_sql_end(q);
    return text;
}

static const char *value_in(struct fb_store *s, const char *record, const char *field)
{
    FB_AUTO(fb_buf_release) struct fb_buf sql;
    fb_buf_init(&sql, TEXT_SIZE);
    fb_buf_printf(&sql, "SELECT \"%s\" FROM \"%s\" WHERE id = ?1", field, entity_of(record));
    return ask(s, fb_buf_text(&sql), record);
}

const char *server_value(struct fb_world *w, const char *record, const char *field)
{
    return value_in(w->store, record, field);
}

const char *replica_value(struct fb_world *w, const char *who, const char *record,
                          const char *field)
{
    return value_in(world_replica(w, who)->store, record, field);
}

const char *server_asks(struct fb_world *w, const char *sql, const char *record)
{
    return ask(w->store, sql, record);
}

const char *replica_asks(struct fb_world *w, const char *who, const char *sql, const char *record)
{
    return ask(world_replica(w, who)->store, sql, record);
}

static void expect(const char *where, const char *record, const char *field, const char *is,
                   const char *wanted)
{
    const char *value = wanted[0] == '@' ? world_id(wanted + 1) : wanted;
    if (strcmp(is, value) != 0) {
        fail_msg("%s: %s.%s is '%s', expected '%s'", where, record, field, is, value);
    }
}

void expect_server(struct fb_world *w, const char *record, const char *field, const char *value)
{
    expect("headquarters", record, field, server_value(w, record, field), value);
}

void expect_replica(struct fb_world *w, const char *who, const char *record, const char *field,
                    const char *value)
{
    expect(who, record, field, replica_value(w, who, record, field), value);
}

void expect_everywhere(struct fb_world *w, const char *record, const char *field, const char *value)
{
    everybody_syncs(w);
    expect_server(w, record, field, value);
    for (size_t i = 0; i < w->replica_count; i++) {
        expect_replica(w, w->replicas[i].name, record, field, value);
    }
    expect_equal_digests(w);
}

void expect_gone(struct fb_world *w, const char *record)
{
    expect_everywhere(w, record, "id", "(no row)");
}

void expect_conflict_keeps(struct fb_world *w, const char *record, const char *field,
                           const char *value)
{
    const struct fb_field *f = field_of(w->store, entity_of(record), field);
    const char *quote = f->storage == FB_INT ? "" : "\"";
    FB_AUTO(fb_buf_release) struct fb_buf sql;
    fb_buf_init(&sql, TEXT_SIZE);
    fb_buf_printf(&sql,
                  "SELECT count(*) FROM conflict WHERE record_id = ?1"
                  " AND instr(theirs || mine || base, '\"%s\":%s%s%s')",
                  field, quote, value, quote);
    if (strcmp(server_asks(w, fb_buf_text(&sql), record), "0") == 0) {
        fail_msg("no conflict about %s keeps %s = %s", record, field, value);
    }
}

void expect_conflicts(struct fb_world *w, const char *record, int count)
{
    char wanted[16];
    snprintf(wanted, sizeof wanted, "%d", count);
    expect("headquarters", record, "(conflicts)",
           server_asks(w, "SELECT count(*) FROM conflict WHERE record_id = ?1", record), wanted);
}

void expect_held(struct fb_world *w, int count, const char *reason)
{
    char sql[256];
    char wanted[16];
    snprintf(wanted, sizeof wanted, "%d", count);
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM held_change WHERE state = 'waiting' AND reason = '%s'", reason);
    expect("headquarters", "held_change", reason, server_asks(w, sql, NULL), wanted);
}

/* ---- Digests ---- */

struct summing {
    struct fb_world_replica *replica;
    struct fb_digest sum;
    struct fb_device_scopes scopes;
};

static int add_digest(void *ctx, const char *key, const struct fb_digest *digest)
{
    struct summing *sum = ctx;
    if (fb_scope_set_is_held(key, &sum->scopes.list)) {
        fb_digest_add(&sum->sum, digest);
    }
    return FB_OK;
}

void expect_equal_digests(struct fb_world *w)
{
    for (size_t i = 0; i < w->replica_count; i++) {
        struct fb_world_replica *r = &w->replicas[i];
        struct summing sum = {.replica = r};
        struct fb_digest here;
        struct fb_structure *structure = NULL;
        check(fb_structure_load(w->store, INT64_MAX, &structure), w->store, "structure");
        check(fb_device_scopes_find(w->store, structure, r->device_id, r->employee_id, w->now_ms,
                                    true, &sum.scopes),
              w->store, "scopes");
        fb_structure_free(structure);
        check(fb_history_digests(w->store, add_digest, &sum), w->store, "digests");
        fb_device_scopes_release(&sum.scopes);
        check(fb_replica_digest(r->store, &here), r->store, "digest");
        if (!fb_digest_equal(&here, &sum.sum)) {
            fail_msg("%s differs from headquarters: %lld rows here, %lld there", r->name,
                     (long long)here.rows, (long long)sum.sum.rows);
        }
    }
}

void expect_verified(struct fb_world *w)
{
    struct fb_verify_result result;
    assert_int_equal(fb_verify(w->store, NULL, NULL, &result), FB_OK);
    assert_int_equal(result.bad_rev, 0);
    assert_int_equal(result.differing_scopes, 0);
}
