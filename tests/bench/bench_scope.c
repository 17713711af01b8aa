/* SPDX-License-Identifier: MIT
 *
 * bench_scope FILE ROWS DEVICES: what a pull costs, by processor time.
 *
 * A headquarters of ROWS rows (companies with nineteen contacts each) in DEVICES territories, one laptop each; FILE is made anew. One
 * laptop pulls, again and again: with nothing new; after changes in others' accounts; after changes in its own; with all the
 * other laptops connected; when an account enters; with a digest. Times are medians, in microseconds.
 * At the end a realignment of 1,000 companies over 100 territories is rehearsed and applied.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/hash.h"
#include "common/store/sql.h"
#include "server/hub.h"
#include "server/territory.h"

#define DAY_MS  INT64_C(1760000000000)
#define REPEATS 15

static struct fb_hub *hub;
static struct fb_store *writer;
static int64_t now_ms = DAY_MS;

static void check(int rc, const char *what)
{
    if (rc < 0) {
        struct fb_why why = {""};
        fb_ignore(fb_store_error(writer, &why), "only its sentence is wanted");
        fprintf(stderr, "bench_scope: %s: %s %s\n", what, fb_err_name(rc), why.text);
        exit(1);
    }
}

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static const char *id_of(const char *kind, int n)
{
    static char ids[8][FB_ROW_ID_SIZE];
    static unsigned turn;
    char *id = ids[turn++ % 8];
    char text[64];
    snprintf(text, sizeof text, "%s %d", kind, n);
    struct fb_digest d = fb_digest_of(text, strlen(text));
    snprintf(id, FB_ROW_ID_SIZE, "01890000-0000-7000-8%03x-%012llx", (unsigned)(d.high & 0xfff),
             (unsigned long long)(d.low & 0xffffffffffff));
    return id;
}

static void run(const char *sql, const char *a, const char *b, const char *c)
{
    struct fb_sql *q = NULL;
    const char *texts[] = {a, b, c};
    check(fb_sql_begin(writer, sql, &q), sql);
    for (int i = 0; i < 3; i++) {
        if (texts[i] != NULL) {
            fb_sql_bind_text(q, i + 1, texts[i]);
        }
    }
    check(fb_sql_run(q), sql);
    fb_sql_end(q);
}

static void settle(void)
{
    now_ms += 1000;
    check(fb_hub_settle(hub, now_ms), "settle");
}

/* ---- Headquarters ---- */

/* Who has no role sees nothing. */
static void make_role(void)
{
    run("INSERT INTO role (id, name) VALUES (?1, 'rep')", id_of("role", 0), NULL, NULL);
    run("INSERT INTO role_permission (role_id, entity, action, level) VALUES (?1, '*', 'read', "
        "'territory')",
        id_of("role", 0), NULL, NULL);
}

static void make_people(int devices)
{
    char code[32];
    make_role();
    for (int i = 0; i < devices; i++) {
        snprintf(code, sizeof code, "%d", i);
        run("INSERT INTO employee (id, code, user_name, family_name) VALUES (?1, ?2, ?2, ?2)",
            id_of("employee", i), code, NULL);
        run("INSERT INTO device (id, name, employee_id, certificate_serial, state) VALUES "
            "(?1, ?3, ?2, ?3, 'active')",
            id_of("device", i), id_of("employee", i), code);
        run("INSERT INTO territory (id, code, name) VALUES (?1, ?2, ?2)", id_of("territory", i),
            code, NULL);
        run("INSERT INTO territory_member (territory_id, employee_id) VALUES (?1, ?2)",
            id_of("territory", i), id_of("employee", i), NULL);
        run("INSERT INTO employee_role (role_id, employee_id) VALUES (?1, ?2)", id_of("role", 0),
            id_of("employee", i), NULL);
    }
}

static void make_companies(int count, int devices)
{
    for (int i = 0; i < count; i++) {
        if (i % 5000 == 0) {
            if (i > 0) {
                check(fb_store_commit(writer), "commit");
                settle();
            }
            check(fb_store_begin(writer), "begin");
            fb_store_capture(writer, true);
        }
        char name[32];
        snprintf(name, sizeof name, "Company %d", i);
        run("INSERT INTO company (id, name, owner_id) VALUES (?1, ?3, ?2)", id_of("company", i),
            id_of("employee", devices), name);
        run("INSERT INTO company_territory (company_id, territory_id) VALUES (?1, ?2)",
            id_of("company", i), id_of("territory", i % devices), NULL);
        run("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 18) INSERT "
            "INTO contact (company_id, family_name, owner_id) SELECT ?1, 'Contact', ?2 FROM n",
            id_of("company", i), id_of("employee", devices), NULL);
    }
    check(fb_store_commit(writer), "commit");
    settle();
}

static void change(int from, int count, int every)
{
    check(fb_store_begin(writer), "begin");
    fb_store_capture(writer, true);
    for (int i = 0; i < count; i++) {
        run("UPDATE company SET website = website || 'x', description = ?2 WHERE id = ?1",
            id_of("company", from + i * every), id_of("value", (int)(now_ms % 1000000)), NULL);
    }
    check(fb_store_commit(writer), "commit");
    settle();
}

/* ---- A laptop ---- */

struct laptop {
    struct fb_server_session *session;
    struct fb_buf out;
    int64_t cursor;
    char timeline[FB_ROW_ID_SIZE];
    const char **scopes;
    size_t scope_count;
    struct fb_arena arena;
    int64_t rows;
};

static void say(struct laptop *l, const struct fb_message *m)
{
    struct fb_buf bytes;
    fb_buf_init(&bytes, 16 * 1024 * 1024);
    check(fb_message_encode(m, &bytes), "encode");
    check(fb_server_session_feed(l->session, bytes.bytes, bytes.size, now_ms), "feed");
    fb_buf_release(&bytes);
}

static void hear(struct laptop *l)
{
    struct fb_why why = {""};
    do {
        fb_buf_clear(&l->out);
        check(fb_server_session_take(l->session, &l->out, now_ms), "take");
        size_t size = 0;
        for (size_t at = 0; at < l->out.size; at += size) {
            struct fb_message m;
            check(
                fb_frame_find(l->out.bytes + at, l->out.size - at, FB_FRAME_BYTES_MAX, &size, &why),
                "frame");
            enum fb_message_kind kind = l->out.bytes[at + 4];
            if (size == 0 || (kind != FB_MESSAGE_CUT && kind != FB_MESSAGE_WELCOME)) {
                size = size == 0 ? l->out.size - at : size;
                continue;
            }
            check(fb_message_decode(l->out.bytes + at, size, fb_store_catalogue(writer), &l->arena,
                                    &m, &why),
                  "decode");
            if (kind == FB_MESSAGE_WELCOME) {
                memcpy(l->timeline, m.welcome.timeline, sizeof l->timeline);
                l->cursor = m.welcome.rev;
            } else {
                l->cursor = m.cut.rev;
                l->scopes = m.cut.scopes;
                l->scope_count = m.cut.scope_count;
                l->rows = m.cut.rows;
            }
        }
    } while (l->out.size > 0);
}

static void connect_laptop(struct laptop *l, int n)
{
    memset(l, 0, sizeof *l);
    fb_buf_init(&l->out, 64 * 1024 * 1024);
    check(fb_hub_open(hub, id_of("device", n), now_ms, &l->session), "open");
    struct fb_message hello = {.kind = FB_MESSAGE_HELLO};
    hello.hello = (struct fb_hello){.protocol = FB_PROTOCOL_VERSION,
                                    .now_ms = now_ms,
                                    .app_version = "bench",
                                    .catalogue_version = fb_store_catalogue(writer)->version};
    memcpy(hello.hello.device_id, id_of("device", n), FB_ROW_ID_SIZE);
    say(l, &hello);
    hear(l);
}

static double pull(struct laptop *l, bool wants_digest)
{
    struct fb_message m = {.kind = FB_MESSAGE_PULL};
    m.pull = (struct fb_pull){.cursor = l->cursor,
                              .wants_digest = wants_digest,
                              .scopes = l->scopes,
                              .scope_count = l->scope_count};
    memcpy(m.pull.timeline, l->timeline, sizeof l->timeline);
    double began = cpu_us();
    say(l, &m);
    hear(l);
    return cpu_us() - began;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The same pull from the same cursor, again and again. */
static void measure(struct laptop *l, const char *what, int64_t cursor, bool wants_digest)
{
    double times[REPEATS];
    for (int i = 0; i < REPEATS; i++) {
        l->cursor = cursor;
        times[i] = pull(l, wants_digest);
    }
    qsort(times, REPEATS, sizeof *times, by_size);
    printf("%-62s %9.0f us %7lld rows\n", what, times[REPEATS / 2], (long long)l->rows);
    fflush(stdout);
}

/* ---- A realignment ---- */

/* Names 1,000 companies of the first 100 territories for the next territory each. */
static struct fb_territory_plan *make_plan(int companies, int devices)
{
    struct fb_buf text;
    struct fb_territory_plan *plan = NULL;
    struct fb_why why = {""};
    int territories = devices < 100 ? devices : 100;
    fb_buf_init(&text, 16 * 1024 * 1024);
    fb_buf_append_text(&text, "{\"territories\":[");
    for (int t = 0; t < territories; t++) {
        fb_buf_printf(&text, "%s{\"code\":\"%d\",\"accounts\":[", t == 0 ? "" : ",",
                      (t + 1) % territories);
        for (int i = 0; i < 1000 / territories && t + i * devices < companies; i++) {
            fb_buf_printf(&text, "%s\"%s\"", i == 0 ? "" : ",", id_of("company", t + i * devices));
        }
        fb_buf_append_text(&text, "]}");
    }
    fb_buf_append_text(&text, "]}");
    check(fb_territory_plan_read(fb_buf_text(&text), text.size, &plan, &why), why.text);
    fb_buf_release(&text);
    return plan;
}

static void realign(int companies, int devices)
{
    struct fb_territory_rehearsal r = {.devices = 0};
    struct fb_territory_result result = {.companies = 0};
    struct fb_why why = {""};
    struct fb_territory_plan *plan = make_plan(companies, devices);
    const struct fb_territory_ask ask = {.plan = plan, .now_ms = now_ms};
    double began = cpu_us();
    check(fb_store_begin(writer), "begin");
    check(fb_territory_rehearse(writer, &ask, &r, &why), why.text);
    fb_store_rollback(writer);
    int64_t rows = 0;
    int64_t bytes = 0;
    for (size_t i = 0; i < r.effect_count; i++) {
        rows += r.effects[i].arriving_rows;
        bytes += r.effects[i].arriving_bytes;
    }
    printf(
        "a realignment of %zu companies over %zu laptops, rehearsed: %.2f processor s; %lld rows "
        "and %lld bytes arrive\n",
        r.result.move_count, r.effect_count, (cpu_us() - began) / 1e6, (long long)rows,
        (long long)bytes);
    began = cpu_us();
    check(fb_store_begin(writer), "begin");
    check(fb_territory_apply(writer, &ask, &result, &why), why.text);
    check(fb_store_commit(writer), "commit");
    settle();
    printf("... applied and sealed: %.2f processor s\n", (cpu_us() - began) / 1e6);
    fb_territory_result_release(&result);
    fb_territory_rehearsal_release(&r);
    fb_territory_plan_free(plan);
}

static void open_headquarters(const char *path)
{
    struct fb_why why = {""};
    struct fb_catalogue *catalogue = NULL;
    struct fb_store *reader = NULL;
    static uint64_t seed;
    static struct fb_random random;
    random = fb_random_seeded(&seed, 7);
    unlink(path);
    struct fb_store_options options = {.node = FB_NODE_SERVER, .may_create = true};
    check(fb_catalogue_read_folder(FB_SOURCE_DIR "/common/catalogue/entities", 1, &catalogue, &why),
          why.text);
    check(fb_store_open(path, &options, &writer, &why), why.text);
    check(fb_store_begin(writer), "begin");
    check(fb_store_set_catalogue(writer, catalogue, now_ms, &why), why.text);
    struct fb_value timeline = fb_value_text("01890000-0000-7000-8000-000000000001");
    check(fb_store_meta_set(writer, "timeline", &timeline), "timeline");
    check(fb_store_commit(writer), "commit");
    options = (struct fb_store_options){.node = FB_NODE_SERVER, .is_read_only = true};
    check(fb_store_open(path, &options, &reader, &why), why.text);
    check(fb_hub_new(writer, reader, &random, &hub, &why), why.text);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "bench_scope FILE ROWS DEVICES\n");
        return 2;
    }
    int devices = atoi(argv[3]);
    int companies = atoi(argv[2]) / 20;
    open_headquarters(argv[1]);
    double began = cpu_us();
    make_people(devices);
    run("INSERT INTO employee (id, code, user_name, family_name) VALUES (?1, 'hq', 'hq', 'hq')",
        id_of("employee", devices), NULL, NULL);
    settle();
    make_companies(companies, devices);
    printf("made and sealed %d companies, %d rows: %.1f s\n", companies, companies * 20,
           (cpu_us() - began) / 1e6);
    struct laptop one;
    connect_laptop(&one, 0);
    double first = pull(&one, false); /* everything enters */
    printf("%-62s %9.0f us %7lld rows\n", "everything enters in one cut", first,
           (long long)one.rows);
    int64_t cursor = one.cursor;
    measure(&one, "nothing new", cursor, false);
    measure(&one, "nothing new, with a digest", cursor, true);
    for (int count = 100; count <= 30000 && count <= companies; count *= 10) {
        char what[80];
        change(1, count, companies / count > 1 ? 1 : 1);
        snprintf(what, sizeof what, "behind by %d changes, nearly all in others' accounts", count);
        measure(&one, what, cursor, false);
    }
    pull(&one, false);
    cursor = one.cursor;
    struct laptop *others = calloc((size_t)devices, sizeof *others);
    for (int i = 1; i < devices; i++) {
        connect_laptop(&others[i], i);
    }
    measure(&one, "nothing new, all others connected", cursor, false);
    began = cpu_us();
    for (int i = 0; i < 100; i++) {
        change(1 + i, 1, 1);
    }
    printf("%-62s %9.0f us\n", "one change, sealed, the others poked", (cpu_us() - began) / 100);
    run("UPDATE company_territory SET territory_id = ?1 WHERE company_id = ?2",
        id_of("territory", 0), id_of("company", 1), NULL);
    began = cpu_us();
    settle();
    printf("%-62s %9.0f us\n", "an account moves: sealed, poked", cpu_us() - began);
    double entering = pull(&one, false);
    printf("%-62s %9.0f us %7lld rows\n", "... and enters", entering, (long long)one.rows);
    realign(companies, devices);
    return 0;
}
