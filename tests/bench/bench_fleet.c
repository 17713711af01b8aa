/* SPDX-License-Identifier: MIT
 *
 * bench_fleet enrol   DATA COUNT            issues COUNT device certificates with headquarters' own authority and enters them
 *                                           (headquarters must not run); the certificates lie in DATA/fleet
 * bench_fleet connect DATA COUNT ADDRESS    connects all of them, says hello, prints one line when every one was welcomed, and answers
 *                                           pings; the next line on standard input cuts all, the one after connects them anew; its
 *                                           end ends the program
 * bench_fleet return  DATA COUNT ADDRESS    a week in a drawer: each laptop learns its scopes, all are cut, and at the next line on standard
 *                                           input all come back at once with EDITS edits of contacts of their own; one line says
 *                                           how many are in step and how long each waited for the first rows and for the end
 *
 * Laptop i is that of the employee with the login r<i>, if there is one, else of the login bench; its contacts have the ids of contact_id().
 * One key serves all devices: what is measured is headquarters, not our own key making. At most WINDOW handshakes at a time, as
 * headquarters lets no more strangers in from one address.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/base/os.h"
#include "common/net/ca.h"
#include "common/net/loop.h"
#include "common/net/stream.h"
#include "common/sync/sync.h"
#include "common/wire/message.h"

#define WINDOW    16
#define EDITS     50
#define CONTACT   80 /* the numbers of the entity and of its field in the shipped catalogue */
#define JOB_TITLE 14

_Noreturn static void fail(const char *what, const struct fb_why *why)
{
    fprintf(stderr, "bench_fleet: %s %s\n", what, why == NULL ? "" : why->text);
    exit(1);
}

static void check(int rc, const char *what, const struct fb_why *why)
{
    if (rc < 0) {
        fail(what, why);
    }
}

static void read_file(const char *folder, const char *name, struct fb_buf *ret)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail(path, NULL);
    }
    fb_buf_init(ret, FB_PEM_BYTES_MAX);
    char bytes[FB_PEM_BYTES_MAX];
    fb_buf_append(ret, bytes, fread(bytes, 1, sizeof bytes, file));
    fclose(file);
}

static void write_file(const char *folder, const char *name, const struct fb_buf *bytes)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes->bytes, 1, bytes->size, file) != bytes->size) {
        fail(path, NULL);
    }
    fclose(file);
}

/* ---- Enrol ---- */

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK) {
        fail(sqlite3_errmsg(db), NULL);
    }
    return q;
}

static void step(sqlite3 *db, sqlite3_stmt *q)
{
    if (sqlite3_step(q) != SQLITE_DONE) {
        fail(sqlite3_errmsg(db), NULL);
    }
    sqlite3_reset(q);
}

struct issue {
    struct fb_ca_pair issuer;
    struct fb_buf key;
    struct fb_buf csr;
    sqlite3 *db;
    sqlite3_stmt *device;
    sqlite3_stmt *certificate;
    char folder[512];
};

static void issue_one(struct issue *x, size_t i, const struct fb_random *random, int64_t now_ms)
{
    struct fb_why why = {""};
    char id[FB_ROW_ID_SIZE];
    char name[32];
    fb_id_make(now_ms, random, id);
    snprintf(name, sizeof name, "%zu.pem", i);
    FB_AUTO(fb_buf_release) struct fb_buf pem;
    fb_buf_init(&pem, FB_PEM_BYTES_MAX);
    check(fb_ca_sign_device(&x->issuer, x->csr.bytes, x->csr.size, id, name, now_ms, &pem, &why),
          "sign", &why);
    struct fb_cert cert;
    check(fb_cert_read(pem.bytes, pem.size, &cert, &why), "read", &why);
    fb_buf_append(&pem, x->issuer.cert.bytes, x->issuer.cert.size);
    write_file(x->folder, name, &pem);
    sqlite3_bind_text(x->device, 1, id, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(x->device, 2, name, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(x->device, 3, cert.serial, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(x->device, 4, (int64_t)i);
    step(x->db, x->device);
    sqlite3_bind_blob(x->certificate, 1, cert.fingerprint.bytes, sizeof cert.fingerprint.bytes,
                      SQLITE_TRANSIENT);
    sqlite3_bind_text(x->certificate, 2, id, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(x->certificate, 3, cert.serial, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(x->certificate, 4, now_ms);
    sqlite3_bind_int64(x->certificate, 5, cert.valid_until_ms);
    step(x->db, x->certificate);
}

static void enrol(const char *data, size_t count)
{
    struct issue x = {.db = NULL};
    struct fb_why why = {""};
    char path[512];
    snprintf(path, sizeof path, "%s/fieldbook.db", data);
    snprintf(x.folder, sizeof x.folder, "%s/fleet", data);
    mkdir(x.folder, 0700);
    read_file(data, "tls/issuer.pem", &x.issuer.cert);
    read_file(data, "tls/issuer.key", &x.issuer.key);
    fb_buf_init(&x.key, FB_PEM_BYTES_MAX);
    fb_buf_init(&x.csr, FB_PEM_BYTES_MAX);
    check(fb_ca_make_key(&x.key, &why), "key", &why);
    check(fb_ca_make_csr(&x.key, &x.csr, &why), "request", &why);
    write_file(x.folder, "key.pem", &x.key);
    if (sqlite3_open(path, &x.db) != SQLITE_OK ||
        sqlite3_exec(x.db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) {
        fail(path, NULL);
    }
    x.device = prepare(
        x.db,
        "INSERT INTO device (id, name, employee_id, kind, certificate_serial, state, enrolled_at)"
        " SELECT ?1, ?2, employee_id, 'laptop', ?3, 'active', '2026-01-01T00:00:00.000Z'"
        " FROM (SELECT id AS employee_id FROM employee WHERE user_name = 'r' || ?4 UNION ALL"
        " SELECT employee_id FROM fb_user WHERE login = 'bench' LIMIT 1)");
    x.certificate = prepare(
        x.db,
        "INSERT INTO fb_certificate (fingerprint, device_id, serial, issued_at_ms, not_after_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5)");
    struct fb_random random = fb_random_system();
    for (size_t i = 0; i < count; i++) {
        issue_one(&x, i, &random, fb_os_now_ms());
    }
    sqlite3_finalize(x.device);
    sqlite3_finalize(x.certificate);
    if (sqlite3_exec(x.db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
        fail(sqlite3_errmsg(x.db), NULL);
    }
    sqlite3_close(x.db);
    fb_ca_pair_release(&x.issuer);
    fb_buf_release(&x.key);
    fb_buf_release(&x.csr);
    printf("enrolled=%zu\n", count);
}

/* ---- Connect ---- */

static double seconds(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct fleet;

struct laptop {
    struct fleet *fleet;
    struct fb_stream *stream;
    struct fb_buf in;
    bool is_welcomed;
    int64_t incarnation; /* as the first welcome gave them: a laptop that returns names them */
    char timeline[FB_ROW_ID_SIZE];
    /* of a week in a drawer */
    struct fb_arena scopes_arena;
    const char **scopes;
    size_t scope_count;
    int64_t cursor;
    bool is_acked, is_in_step, has_rows;
    int64_t again_at_ms; /* headquarters was busy: not before */
    double first_rows_s, in_step_s;
};

struct fleet {
    struct fb_loop *loop;
    struct fb_buf key;
    struct fb_buf ca;
    const char *address;
    char folder[512];
    struct laptop *laptops;
    size_t count;
    size_t started;
    size_t open_handshakes;
    size_t welcomed;
    size_t lost;
    bool rounds; /* a whole round, not only a welcome */
    bool is_back;
    double began_s;
    size_t put_off;
    char last_reason[FB_WHY_SIZE];
};

static void start_more(struct fleet *f);

static void send_message(struct laptop *l, const struct fb_message *m)
{
    FB_AUTO(fb_buf_release) struct fb_buf out;
    fb_buf_init(&out, FB_FRAME_BYTES_MAX);
    check(fb_message_encode(m, &out), "encode", NULL);
    fb_ignore(fb_stream_write(l->stream, out.bytes, out.size),
              "a lost stream is counted in on_close");
}

static void on_open(void *ctx, struct fb_stream *stream, const struct fb_stream_peer *peer)
{
    (void)peer;
    struct laptop *l = ctx;
    l->stream = stream;
    struct fb_message hello = {.kind = FB_MESSAGE_HELLO,
                               .hello = {.protocol = FB_PROTOCOL_VERSION,
                                         .catalogue_version = 1,
                                         .now_ms = fb_os_now_ms(),
                                         .app_version = "bench"}};
    size_t i = (size_t)(l - l->fleet->laptops);
    char name[32];
    snprintf(name, sizeof name, "%zu.pem", i);
    FB_AUTO(fb_buf_release) struct fb_buf pem;
    read_file(l->fleet->folder, name, &pem);
    struct fb_cert cert;
    struct fb_why why = {""};
    check(fb_cert_read(pem.bytes, pem.size, &cert, &why), "certificate", &why);
    memcpy(hello.hello.device_id, cert.device_id, sizeof cert.device_id);
    memcpy(hello.hello.timeline, l->timeline, sizeof l->timeline);
    hello.hello.incarnation = l->incarnation;
    send_message(l, &hello);
}

/* ---- A week in a drawer ---- */

static void contact_id(size_t laptop, size_t k, char ret[static FB_ROW_ID_SIZE])
{
    snprintf(ret, FB_ROW_ID_SIZE, "01890000-0000-7000-8000-%012zu", laptop * EDITS + k);
}

/* One push: each contact has another job title now. */
static void send_push(struct laptop *l)
{
    struct fb_changes_writer *w = NULL;
    const uint8_t *part = NULL;
    size_t size = 0;
    size_t laptop = (size_t)(l - l->fleet->laptops);
    check(fb_changes_writer_new(&w), "writer", NULL);
    for (size_t k = 0; k < EDITS; k++) {
        struct fb_field_change field = {.field_no = JOB_TITLE,
                                        .base = {.type = FB_NULL},
                                        .mine = fb_value_text("Head of purchasing"),
                                        .edited_at_ms = fb_os_now_ms(),
                                        .cursor = l->cursor};
        struct fb_change change = {.entity_no = CONTACT,
                                   .op = FB_CHANGE_UPDATE,
                                   .cursor = l->cursor,
                                   .edited_at_ms = field.edited_at_ms,
                                   .fields = &field,
                                   .field_count = 1};
        contact_id(laptop, k, change.row_id);
        check(fb_changes_writer_add(w, &change, &part, &size), "change", NULL);
        if (size > 0) {
            fail("so many edits are more than one part", NULL);
        }
    }
    check(fb_changes_writer_finish(w, &part, &size), "part", NULL);
    struct fb_message m = {
        .kind = FB_MESSAGE_PUSH_PART,
        .push_part = {
            .incarnation = l->incarnation, .number = 1, .parts = 1, .bytes = part, .size = size}};
    memcpy(m.push_part.timeline, l->timeline, sizeof l->timeline);
    m.push_part.hash = fb_push_chain(&m.push_part.prev_hash, part, size);
    send_message(l, &m);
    fb_changes_writer_free(w);
}

/* As if it had been downloaded already: what everybody and what this person holds. */
static void hold_first(struct laptop *l, const char *employee_id)
{
    char mine[64];
    snprintf(mine, sizeof mine, "employee:%s", employee_id);
    l->scopes = fb_arena_alloc(&l->scopes_arena, 2 * sizeof *l->scopes);
    l->scopes[0] = fb_arena_strdup(&l->scopes_arena, mine);
    l->scopes[1] = "global";
    l->scope_count = 2;
}

/* After the welcome: what is here, and what is new? */
static void go_on(struct laptop *l, const struct fb_welcome *welcome)
{
    if (!l->fleet->is_back) {
        l->cursor = welcome->rev;
        hold_first(l, welcome->employee_id);
    } else if (welcome->seen == 0) {
        send_push(l);
    }
    struct fb_message pull = {
        .kind = FB_MESSAGE_PULL,
        .pull = {.cursor = l->cursor, .scopes = l->scopes, .scope_count = l->scope_count}};
    memcpy(pull.pull.timeline, l->timeline, sizeof l->timeline);
    send_message(l, &pull);
}

static void take_cut(struct laptop *l, const struct fb_cut *cut)
{
    struct fleet *f = l->fleet;
    if (!f->is_back) {
        l->cursor = cut->rev;
        l->scope_count = cut->scope_count;
        l->scopes = fb_arena_alloc(&l->scopes_arena, (cut->scope_count + 1) * sizeof *l->scopes);
        for (size_t i = 0; i < cut->scope_count; i++) {
            l->scopes[i] = fb_arena_strdup(&l->scopes_arena, cut->scopes[i]);
        }
    }
    if (!l->is_in_step && (!f->is_back || cut->seen == 1)) {
        l->is_in_step = true;
        l->in_step_s = seconds(CLOCK_MONOTONIC) - f->began_s;
    }
}

static void put_off(struct laptop *l, int64_t retry_after_ms)
{
    l->fleet->put_off++;
    l->again_at_ms = fb_os_now_ms() + retry_after_ms;
}

static void receive(struct laptop *l, const uint8_t *frame, size_t size)
{
    bool is_answer = frame[4] == FB_MESSAGE_ROWS || frame[4] == FB_MESSAGE_CUT;
    if (is_answer && !l->has_rows) {
        l->has_rows = true;
        l->first_rows_s = seconds(CLOCK_MONOTONIC) - l->fleet->began_s;
    }
    if (frame[4] != FB_MESSAGE_CUT && frame[4] != FB_MESSAGE_WELCOME &&
        frame[4] != FB_MESSAGE_PING && frame[4] != FB_MESSAGE_REFUSE) {
        return;
    }
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_message m;
    struct fb_why why = {""};
    check(fb_message_decode(frame, size, NULL, &arena, &m, &why), "decode", &why);
    if (m.kind == FB_MESSAGE_PING) {
        struct fb_message pong = {.kind = FB_MESSAGE_PONG, .ping_ms = m.ping_ms};
        send_message(l, &pong);
    } else if (m.kind == FB_MESSAGE_CUT) {
        if (l->fleet->rounds) {
            take_cut(l, &m.cut);
        }
    } else if (m.kind == FB_MESSAGE_WELCOME && m.welcome.verdict == FB_VERDICT_RETRY_LATER) {
        put_off(l, m.welcome.retry_after_ms);
    } else if (m.kind == FB_MESSAGE_REFUSE) {
        if (m.refuse.reason == FB_REFUSAL_BUSY) {
            put_off(l, m.refuse.retry_after_ms);
        }
        snprintf(l->fleet->last_reason, FB_WHY_SIZE, "%s", m.refuse.sentence);
    } else if (!l->is_welcomed) {
        l->is_welcomed = true;
        l->incarnation = m.welcome.incarnation;
        memcpy(l->timeline, m.welcome.timeline, sizeof l->timeline);
        l->fleet->welcomed++;
        l->fleet->open_handshakes--;
        if (l->fleet->rounds) {
            go_on(l, &m.welcome);
        }
        start_more(l->fleet);
    }
}

static void on_bytes(void *ctx, const uint8_t *bytes, size_t size)
{
    struct laptop *l = ctx;
    fb_buf_append(&l->in, bytes, size);
    size_t whole = 0;
    while (fb_frame_find(l->in.bytes, l->in.size, FB_FRAME_BYTES_MAX, &whole, NULL) == FB_OK &&
           whole > 0) {
        receive(l, l->in.bytes, whole);
        fb_buf_consume(&l->in, whole);
    }
    if (l->in.size == 0) {
        fb_buf_release(&l->in); /* an idle laptop costs this process nothing */
    }
}

static void on_close(void *ctx, int err, const struct fb_why *why)
{
    struct laptop *l = ctx;
    l->stream = NULL;
    l->fleet->lost++;
    if (err < 0 && why != NULL && l->fleet->last_reason[0] == '\0') {
        snprintf(l->fleet->last_reason, FB_WHY_SIZE, "%s", why->text);
    }
    if (!l->is_welcomed) {
        l->fleet->open_handshakes--;
        start_more(l->fleet);
    }
}

static const struct fb_stream_calls CALLS = {
    .on_open = on_open, .on_bytes = on_bytes, .on_close = on_close};

static void start(struct fleet *f, size_t i)
{
    struct laptop *l = &f->laptops[i];
    char name[32];
    snprintf(name, sizeof name, "%zu.pem", i);
    f->open_handshakes++;
    l->again_at_ms = 0;
    l->fleet = f;
    l->is_welcomed = false;
    fb_buf_init(&l->in, FB_CATALOGUE_BYTES_MAX);
    FB_AUTO(fb_buf_release) struct fb_buf pem;
    read_file(f->folder, name, &pem);
    struct fb_why why = {""};
    struct fb_tls_client *tls = NULL;
    struct fb_tls_client_config config = {.cert = &pem, .key = &f->key, .ca = &f->ca};
    check(fb_tls_client_new(&config, &tls, &why), "tls", &why);
    struct fb_stream_connect_config connect = {
        .address = f->address, .tls = tls, .alpn = FB_ALPN_SYNC, .proxy = ""};
    check(fb_stream_connect(f->loop, &connect, &CALLS, l, &l->stream, &why), "connect", &why);
    fb_tls_client_free(tls);
}

static void start_more(struct fleet *f)
{
    while (f->open_handshakes < WINDOW && f->started < f->count) {
        start(f, f->started++);
    }
}

/* All of them, from no connection to all welcomed; one line says what it took. */
static void connect_all(struct fleet *f)
{
    double wall = seconds(CLOCK_MONOTONIC);
    double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    f->started = f->open_handshakes = f->welcomed = f->lost = 0;
    f->last_reason[0] = '\0';
    start_more(f);
    while (f->welcomed + f->lost < f->count && seconds(CLOCK_MONOTONIC) - wall < 600) {
        fb_loop_turn(f->loop, 100);
    }
    printf("welcomed=%zu lost=%zu wall_s=%.1f client_cpu_s=%.1f %s\n", f->welcomed, f->lost,
           seconds(CLOCK_MONOTONIC) - wall, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu,
           f->last_reason);
    fflush(stdout);
}

static void cut_all(struct fleet *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->laptops[i].stream != NULL) {
            fb_stream_abort(f->laptops[i].stream, FB_ERR_INTERRUPTED, NULL);
        }
    }
    while (f->lost < f->count) {
        fb_loop_turn(f->loop, 100);
    }
    printf("cut\n");
    fflush(stdout);
}

/* Whoever was told to come later comes later, up to a second after, not all at once. */
static void start_again(struct fleet *f)
{
    int64_t now_ms = fb_os_now_ms();
    for (size_t i = 0; i < f->count && f->open_handshakes < WINDOW; i++) {
        struct laptop *l = &f->laptops[i];
        int64_t jitter_ms = (int64_t)(i * 389 % 1000);
        if (l->stream == NULL && l->again_at_ms > 0 && l->again_at_ms + jitter_ms <= now_ms) {
            start(f, i);
        }
    }
}

static size_t in_step(const struct fleet *f)
{
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++) {
        count += f->laptops[i].is_in_step;
    }
    return count;
}

static void run_rounds(struct fleet *f)
{
    f->began_s = seconds(CLOCK_MONOTONIC);
    f->started = f->open_handshakes = f->welcomed = f->lost = f->put_off = 0;
    f->last_reason[0] = '\0';
    for (size_t i = 0; i < f->count; i++) {
        f->laptops[i].is_in_step = f->laptops[i].has_rows = false;
    }
    start_more(f);
    while (in_step(f) < f->count && seconds(CLOCK_MONOTONIC) - f->began_s < 600) {
        fb_loop_turn(f->loop, 50);
        start_again(f);
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(const struct fleet *f, double share, bool of_rows)
{
    double *all = calloc(f->count, sizeof *all);
    for (size_t i = 0; i < f->count; i++) {
        all[i] = of_rows ? f->laptops[i].first_rows_s : f->laptops[i].in_step_s;
    }
    qsort(all, f->count, sizeof *all, compare);
    double answer = all[(size_t)(share * (double)(f->count - 1))];
    free(all);
    return answer;
}

static void run_return(struct fleet *f)
{
    char line[8];
    f->rounds = true;
    run_rounds(f);
    printf("ready=%zu %s\n", in_step(f), f->last_reason);
    fflush(stdout);
    cut_all(f);
    f->is_back = true;
    if (fgets(line, sizeof line, stdin) == NULL) {
        return;
    }
    run_rounds(f);
    printf("in_step=%zu put_off=%zu first_rows_p50_s=%.2f first_rows_p99_s=%.2f in_step_p50_s=%.2f "
           "in_step_p99_s=%.2f %s\n",
           in_step(f), f->put_off, percentile(f, 0.5, true), percentile(f, 0.99, true),
           percentile(f, 0.5, false), percentile(f, 0.99, false), f->last_reason);
    fflush(stdout);
}

static void run_fleet(const char *data, size_t count, const char *address, bool rounds)
{
    struct fleet f = {.count = count, .address = address};
    snprintf(f.folder, sizeof f.folder, "%s/fleet", data);
    read_file(f.folder, "key.pem", &f.key);
    read_file(data, "tls/ca.pem", &f.ca);
    f.laptops = calloc(count, sizeof *f.laptops);
    check(fb_loop_new(&f.loop), "loop", NULL);
    if (rounds) {
        run_return(&f);
        _exit(0);
    }
    connect_all(&f);
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    char byte = 0;
    bool is_cut = false;
    for (ssize_t n = -1; n != 0; n = read(STDIN_FILENO, &byte, 1)) {
        if (n == 1 && byte == '\n') { /* every second line connects what the one before has cut */
            if (is_cut) {
                connect_all(&f);
            } else {
                cut_all(&f);
            }
            is_cut = !is_cut;
        }
        fb_loop_turn(f.loop, 100);
    }
    _exit(0);
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "enrol") == 0) {
        enrol(argv[2], strtoul(argv[3], NULL, 10));
        return 0;
    }
    bool is_return = argc >= 5 && strcmp(argv[1], "return") == 0;
    if (is_return || (argc >= 5 && strcmp(argv[1], "connect") == 0)) {
        run_fleet(argv[2], strtoul(argv[3], NULL, 10), argv[4], is_return);
        return 0;
    }
    fprintf(stderr, "usage: bench_fleet enrol DATA COUNT | connect|return DATA COUNT ADDRESS\n");
    return 2;
}
