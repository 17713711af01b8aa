/* SPDX-License-Identifier: MIT
 *
 * bench_net COUNT   COUNT devices, in a process of their own, connect to a server by mutual TLS 1.3 and stay idle: resident bytes
 *                   per connection and CPU per handshake on each side; then all of them are cut and come back.
 *
 * Only common/net is measured; what the server program adds per device is bench_fleet's matter.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/base/os.h"
#include "common/net/ca.h"
#include "common/net/listener.h"

#define WINDOW     64 /* handshakes at a time */
#define DEVICE_ID  "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
#define WAIT_S_MAX 300

static struct fb_ca_pair issuer;
static struct fb_ca_pair server;
static struct fb_ca_pair device;
static struct fb_buf ca;

static void check(int rc, const struct fb_why *why)
{
    if (rc != FB_OK) {
        fprintf(stderr, "bench_net: %s\n", why->text);
        exit(1);
    }
}

static void make_certificates(void)
{
    struct fb_ca_pair root;
    struct fb_buf csr;
    struct fb_why why = {0};
    int64_t now_ms = fb_os_now_ms();
    fb_ca_pair_init(&root);
    fb_ca_pair_init(&issuer);
    fb_ca_pair_init(&server);
    fb_ca_pair_init(&device);
    fb_buf_init(&ca, FB_PEM_BYTES_MAX);
    fb_buf_init(&csr, FB_PEM_BYTES_MAX);
    check(fb_ca_make_root("bench", now_ms, &root, &why), &why);
    check(fb_ca_make_issuer(&root, "bench", now_ms, &issuer, &why), &why);
    check(fb_ca_make_server(&issuer, NULL, 0, now_ms, &server, &why), &why);
    check(fb_ca_make_key(&device.key, &why), &why);
    check(fb_ca_make_csr(&device.key, &csr, &why), &why);
    check(fb_ca_sign_device(&issuer, csr.bytes, csr.size, DEVICE_ID, "bench", now_ms, &device.cert,
                            &why),
          &why);
    fb_buf_append(&server.cert, issuer.cert.bytes, issuer.cert.size);
    fb_buf_append(&ca, root.cert.bytes, root.cert.size);
    fb_buf_append(&ca, issuer.cert.bytes, issuer.cert.size);
    fb_buf_release(&csr);
    fb_ca_pair_release(&root);
}

static long resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*s %ld", &pages) != 1) {
        pages = 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return pages * sysconf(_SC_PAGESIZE);
}

/* ---- The devices ---- */

struct fleet {
    struct fb_loop *loop;
    struct fb_tls_client *tls;
    const char *address;
    int wanted;
    int started;
    int opened;
};

static void start_more(struct fleet *f);

static void on_open(void *ctx, struct fb_stream *stream, const struct fb_stream_peer *peer)
{
    struct fleet *f = ctx;
    (void)stream, (void)peer;
    f->opened++;
    start_more(f);
}

static void on_close(void *ctx, int err, const struct fb_why *why)
{
    (void)ctx;
    if (err != FB_OK && err != FB_ERR_UNREACHABLE) {
        fprintf(stderr, "bench_net: a device was cut: %s\n", why->text);
    }
}

static const struct fb_stream_calls DEVICE_CALLS = {.on_open = on_open, .on_close = on_close};

static void start_more(struct fleet *f)
{
    const struct fb_stream_connect_config config = {
        .address = f->address, .tls = f->tls, .alpn = FB_ALPN_SYNC, .proxy = ""};
    while (f->started < f->wanted && f->started - f->opened < WINDOW) {
        struct fb_stream *stream = NULL;
        struct fb_why why = {0};
        f->started++;
        check(fb_stream_connect(f->loop, &config, &DEVICE_CALLS, f, &stream, &why), &why);
    }
}

/* Connects all devices each time the server writes a byte into the pipe; ends with the pipe. */
static void run_fleet(int count, const char *address, int pipe_fd)
{
    struct fb_why why = {0};
    const struct fb_tls_client_config config = {
        .cert = &device.cert, .key = &device.key, .ca = &ca};
    struct fleet f = {.address = address};
    char byte = 0;
    check(fb_loop_new(&f.loop), &why);
    check(fb_tls_client_new(&config, &f.tls, &why), &why);
    long before = resident_bytes();
    while (read(pipe_fd, &byte, 1) == 1) {
        double cpu = fb_os_cpu_seconds();
        f.wanted += count;
        start_more(&f);
        while (f.opened < f.wanted) {
            fb_loop_turn(f.loop, 100);
        }
        fprintf(stderr, "devices: %d handshakes, %.2f ms CPU each, %.1f KB resident each\n", count,
                (fb_os_cpu_seconds() - cpu) * 1000 / count,
                (double)(resident_bytes() - before) / 1000 / count);
    }
    _exit(0);
}

/* ---- The server ---- */

struct hub {
    struct fb_stream **streams;
    int count;
};

static void on_stream(void *ctx, struct fb_stream *stream, const struct fb_stream_peer *peer)
{
    static const struct fb_stream_calls NONE = {0};
    struct hub *hub = ctx;
    (void)peer;
    fb_stream_set_calls(stream, &NONE, NULL);
    hub->streams[hub->count++] = stream;
}

static void report(const char *what, int count, double cpu, long bytes)
{
    printf(
        "%s: %.2f CPU s for %d handshakes (%.2f ms each), %.1f KB resident per idle connection\n",
        what, cpu, count, cpu * 1000 / count, (double)bytes / 1000 / count);
    fflush(stdout);
}

static void await_all(struct fb_loop *loop, const struct hub *hub, int count)
{
    int64_t until_ms = fb_os_monotonic_ms() + WAIT_S_MAX * 1000LL;
    while (hub->count < count) {
        fb_loop_turn(loop, 100);
        if (fb_os_monotonic_ms() > until_ms) {
            fprintf(stderr, "bench_net: only %d of %d devices came\n", hub->count, count);
            exit(1);
        }
    }
}

static void cut_all(struct fb_loop *loop, struct hub *hub)
{
    for (int i = 0; i < hub->count; i++) {
        fb_stream_abort(hub->streams[i], FB_ERR_INTERRUPTED, NULL);
    }
    hub->count = 0;
    fb_loop_turn(loop, 0);
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 1000;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (count < 1 || (rlim_t)count + 100 > files.rlim_cur) {
        fprintf(stderr, "usage: bench_net COUNT (at most %ld by ulimit -n)\n",
                (long)files.rlim_cur - 100);
        return 2;
    }
    struct fb_why why = {0};
    struct fb_loop *loop = NULL;
    struct fb_tls_server *tls = NULL;
    struct fb_listener *listener = NULL;
    struct hub hub = {.streams = calloc((size_t)count, sizeof(*hub.streams))};
    make_certificates();
    check(fb_loop_new(&loop), &why);
    const struct fb_tls_server_config tls_config = {
        .cert = &server.cert, .key = &server.key, .ca = &ca};
    check(fb_tls_server_new(&tls_config, &tls, &why), &why);
    const struct fb_listener_config config = {.address = "127.0.0.1:0",
                                              .tls = tls,
                                              .strangers_per_address_max = -1,
                                              .on_stream = on_stream,
                                              .ctx = &hub};
    check(fb_listener_new(loop, &config, &listener, &why), &why);
    int fds[2];
    if (hub.streams == NULL || pipe(fds) != 0) {
        return 1;
    }
    pid_t child = fork();
    if (child == 0) {
        close(fds[1]);
        run_fleet(count, fb_listener_address(listener), fds[0]);
    }
    close(fds[0]);
    long before = resident_bytes();
    for (int round = 0; round < 2; round++) {
        double cpu = fb_os_cpu_seconds();
        fb_ignore(write(fds[1], "x", 1) != 1, "the devices are gone then, which is noticed");
        await_all(loop, &hub, count);
        report(round == 0 ? "connected" : "reconnected", count, fb_os_cpu_seconds() - cpu,
               resident_bytes() - before);
        if (round == 0) {
            cut_all(loop, &hub);
        }
    }
    close(fds[1]);
    waitpid(child, NULL, 0);
    fb_loop_free(loop);
    return 0;
}
