/* SPDX-License-Identifier: MIT
 *
 * bench_fleet enrol   DATA COUNT            issues COUNT device certificates with headquarters' own authority and enters them
 *                                           (headquarters must not run); the certificates lie in DATA/fleet
 * bench_fleet connect DATA COUNT ADDRESS    connects all of them, says hello, prints one line when every one was welcomed, and answers
 *                                           pings; the next line on standard input cuts all, the one after connects them anew; its
 *                                           end ends the program
 *
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
#include "common/wire/message.h"

#define WINDOW 16

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
        " FROM fb_user WHERE login = 'bench'");
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

struct fleet;

struct laptop {
    struct fleet *fleet;
    struct fb_stream *stream;
    struct fb_buf in;
    bool is_welcomed;
    int64_t incarnation; /* as the first welcome gave them: a laptop that returns names them */
    char timeline[FB_ROW_ID_SIZE];
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

static void receive(struct laptop *l, const uint8_t *frame, size_t size)
{
    if (frame[4] != FB_MESSAGE_WELCOME && frame[4] != FB_MESSAGE_PING &&
        frame[4] != FB_MESSAGE_REFUSE) {
        return;
    }
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_message m;
    struct fb_why why = {""};
    check(fb_message_decode(frame, size, NULL, &arena, &m, &why), "decode", &why);
    if (m.kind == FB_MESSAGE_PING) {
        struct fb_message pong = {.kind = FB_MESSAGE_PONG, .ping_ms = m.ping_ms};
        send_message(l, &pong);
    } else if (m.kind == FB_MESSAGE_REFUSE) {
        snprintf(l->fleet->last_reason, FB_WHY_SIZE, "%s", m.refuse.sentence);
    } else if (!l->is_welcomed) {
        l->is_welcomed = true;
        l->incarnation = m.welcome.incarnation;
        memcpy(l->timeline, m.welcome.timeline, sizeof l->timeline);
        l->fleet->welcomed++;
        l->fleet->open_handshakes--;
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

static void start_one(struct fleet *f)
{
    struct laptop *l = &f->laptops[f->started];
    char name[32];
    snprintf(name, sizeof name, "%zu.pem", f->started);
    f->started++;
    f->open_handshakes++;
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
        start_one(f);
    }
}

static double seconds(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
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

static void run_fleet(const char *data, size_t count, const char *address)
{
    struct fleet f = {.count = count, .address = address};
    snprintf(f.folder, sizeof f.folder, "%s/fleet", data);
    read_file(f.folder, "key.pem", &f.key);
    read_file(data, "tls/ca.pem", &f.ca);
    f.laptops = calloc(count, sizeof *f.laptops);
    check(fb_loop_new(&f.loop), "loop", NULL);
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
    if (argc >= 5 && strcmp(argv[1], "connect") == 0) {
        run_fleet(argv[2], strtoul(argv[3], NULL, 10), argv[4]);
        return 0;
    }
    fprintf(stderr, "usage: bench_fleet enrol DATA COUNT | connect DATA COUNT ADDRESS\n");
    return 2;
}
