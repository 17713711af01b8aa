/* SPDX-License-Identifier: MIT
 *
 * bench_api FOLDER CATALOGUE-FOLDER [CONTACTS]     the record API's handlers at headquarters, in process: no HTTP, no TLS
 *
 * Makes a headquarters with 50,000 contacts of 5,000 companies and says, per call, milliseconds of wall and CPU (median
 * and worst of 30) and the bytes of the answer. Prints key=value lines.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/os.h"
#include "common/store/sql.h"
#include "common/web/api.h"
#include "server/hub.h"

#define TIMES 30
#define ME    "01890000-0000-7000-8000-000000000001"

static struct fb_store *store, *reader;
static struct fb_hub *hub;

static void check(int rc, const char *what)
{
    struct fb_why why = {""};
    if (rc < 0) {
        if (store != NULL) {
            fb_ignore(fb_store_error(store, &why), "only its sentence is wanted");
        }
        fprintf(stderr, "bench_api: %s: %s %s\n", what, fb_err_name(rc), why.text);
        exit(1);
    }
}

static double now_ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void run(const char *sql)
{
    check(fb_sql_exec(store, sql), sql);
}

static void fill(int contacts)
{
    char sql[1200];
    check(fb_store_begin(store), "begin");
    fb_store_capture(store, false);
    run("INSERT INTO fb_meta (key, value) VALUES ('timeline', "
        "'01890000-0000-7000-8000-0000000000aa')");
    run("INSERT INTO employee (id, code, user_name, family_name) VALUES ('" ME
        "', '1', 'me', '李')");
    run("INSERT INTO role (id, name) VALUES ('01890000-0000-7000-8000-000000000002', 'all')");
    run("INSERT INTO employee_role (employee_id, role_id) VALUES ('" ME
        "', '01890000-0000-7000-8000-000000000002')");
    run("INSERT INTO role_permission (role_id, entity, action, level) SELECT"
        " '01890000-0000-7000-8000-000000000002', '*', value, 'all' FROM"
        " json_each('[\"read\",\"create\",\"edit\",\"delete\",\"export\",\"assign\"]')");
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " INSERT INTO company (id, name, owner_id, created_at, modified_at) SELECT"
             " printf('018a0000-0000-7000-8000-%%012x', i), printf('东华精密%%05d', i), '" ME "',"
             " printf('2026-01-%%02dT08:00:00.000Z', i %% 28 + 1),"
             " printf('2026-01-%%02dT08:00:00.000Z', i %% 28 + 1) FROM n",
             contacts / 10);
    run(sql);
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " INSERT INTO contact (id, family_name, given_name, company_id, owner_id, department,"
             " job_title, created_at, modified_at) SELECT"
             " printf('018b0000-0000-7000-8000-%%012x', i), "
             "substr('王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗',"
             " i %% 20 + 1, 1), printf('伟%%05d', i), printf('018a0000-0000-7000-8000-%%012x',"
             " i %% %d + 1), '" ME "', '采购部', '经理',"
             " printf('2026-01-%%02dT08:00:%%02d.%%03dZ', i %% 28 + 1, i %% 60, i %% 1000),"
             " printf('2026-01-%%02dT08:00:%%02d.%%03dZ', i %% 28 + 1, i %% 60, i %% 1000) FROM n",
             contacts, contacts / 10);
    run(sql);
    check(fb_store_commit(store), "commit");
}

static int before(void *ctx, int64_t at_ms)
{
    (void)ctx;
    return fb_hub_write_begin(hub, at_ms);
}

static int after(void *ctx, const char *employee_id, int64_t at_ms)
{
    (void)ctx;
    return fb_hub_write_end(hub, employee_id, at_ms);
}

static int by_size(const void *x, const void *y)
{
    double a = *(const double *)x;
    double b = *(const double *)y;
    return a < b ? -1 : a > b;
}

/* One call; the answer's size, and with ret_next what "next" said. */
static size_t call(const char *method, const char *target, const char *body, char *ret_next)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    FB_AUTO(fb_response_release) struct fb_response res;
    struct fb_random random = fb_random_system();
    static const struct fb_api_seal SEAL = {.before = before, .after = after};
    static const struct fb_login LOGIN = {.employee_id = ME};
    struct fb_request req;
    fb_response_init(&res, &arena);
    check(fb_request_init(&req, &arena, method, target), target);
    req.login = &LOGIN;
    req.body = body;
    req.body_size = strlen(body);
    struct fb_web web = {.node = FB_NODE_SERVER,
                         .store = strcmp(method, "GET") == 0 ? reader : store,
                         .now_ms = fb_os_now_ms(),
                         .random = &random,
                         .arena = &arena,
                         .seal = &SEAL};
    fb_web_try(&web, fb_api_routes, &req, &res);
    if (res.status >= 400) {
        fprintf(stderr, "bench_api: %s %s: %s\n", method, target, fb_buf_text(&res.body));
        exit(1);
    }
    const char *next = strstr(fb_buf_text(&res.body), "\"next\":\"");
    if (ret_next != NULL) {
        snprintf(ret_next, 1024, "%.*s", next == NULL ? 0 : (int)strcspn(next + 8, "\""),
                 next == NULL ? "" : next + 8);
    }
    return res.body.size;
}

static void measure(const char *name, const char *method, const char *target,
                    const char *const *bodies)
{
    double wall[TIMES];
    double cpu[TIMES];
    size_t bytes = 0;
    for (int i = 0; i < TIMES; i++) {
        double w = now_ms(CLOCK_MONOTONIC);
        double c = now_ms(CLOCK_PROCESS_CPUTIME_ID);
        bytes = call(method, target, bodies == NULL ? "" : bodies[i % 2], NULL);
        if (strcmp(method, "GET") != 0) {
            check(fb_hub_settle(hub, fb_os_now_ms()), "settle");
        }
        wall[i] = now_ms(CLOCK_MONOTONIC) - w;
        cpu[i] = now_ms(CLOCK_PROCESS_CPUTIME_ID) - c;
    }
    double first = wall[0];
    qsort(wall, TIMES, sizeof *wall, by_size);
    qsort(cpu, TIMES, sizeof *cpu, by_size);
    printf("%s_first_ms=%.2f %s_ms=%.2f %s_worst_ms=%.2f %s_cpu_ms=%.2f %s_bytes=%zu\n", name,
           first, name, wall[TIMES / 2], name, wall[TIMES - 1], name, cpu[TIMES / 2], name, bytes);
}

int main(int argc, char **argv)
{
    char path[4096];
    char target[4096];
    char next[1024];
    struct fb_why why = {""};
    struct fb_catalogue *c = NULL;
    struct fb_random random = fb_random_system();
    if (argc < 3) {
        fprintf(stderr, "usage: bench_api FOLDER CATALOGUE-FOLDER [CONTACTS]\n");
        return 2;
    }
    int contacts = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 50000;
    snprintf(path, sizeof path, "%s/bench_api.db", argv[1]);
    struct fb_store_options options = {.node = FB_NODE_SERVER, .may_create = true};
    check(fb_store_open(path, &options, &store, &why), why.text);
    check(fb_catalogue_read_folder(argv[2], 1, &c, &why), why.text);
    check(fb_store_begin(store), "begin");
    check(fb_store_set_catalogue(store, c, 0, &why), why.text);
    check(fb_store_commit(store), "commit");
    fill(contacts);
    options = (struct fb_store_options){.node = FB_NODE_SERVER, .is_read_only = true};
    check(fb_store_open(path, &options, &reader, &why), why.text);
    check(fb_hub_new(store, reader, &random, &hub, &why), why.text);

    measure("list", "GET", "/api/v1/contact?sort=family_name&limit=50", NULL);
    call("GET", "/api/v1/contact?sort=family_name&limit=50", "", next);
    snprintf(target, sizeof target, "/api/v1/contact?sort=family_name&limit=50&cursor=%s", next);
    measure("next_page", "GET", target, NULL);
    measure("list_by_time", "GET", "/api/v1/contact?sort=-modified_at&limit=50", NULL);
    measure("list_no_index", "GET", "/api/v1/contact?sort=department&limit=50", NULL);
    measure("record", "GET", "/api/v1/contact/018b0000-0000-7000-8000-000000000077", NULL);
    measure("lookup", "GET", "/api/v1/lookup/contact?q=%E7%8E%8B%E4%BC%9F00", NULL);
    measure("lookup_nothing", "GET", "/api/v1/lookup/contact?q=nobody", NULL);
    static const char *const BODIES[] = {
        "{\"base\":{\"job_title\":\"经理\"},\"mine\":{\"job_title\":\"总监\"}}",
        "{\"base\":{\"job_title\":\"总监\"},\"mine\":{\"job_title\":\"经理\"}}"};
    measure("save", "PATCH", "/api/v1/contact/018b0000-0000-7000-8000-000000000077", BODIES);
    measure("catalogue", "GET", "/api/v1/catalogue", NULL);
    measure("related", "GET", "/api/v1/company/018a0000-0000-7000-8000-000000000077/related", NULL);
    measure("timeline", "GET", "/api/v1/company/018a0000-0000-7000-8000-000000000077/timeline",
            NULL);
    fb_hub_free(hub);
    fb_store_close(reader);
    fb_store_close(store);
    return 0;
}
