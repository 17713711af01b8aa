/* SPDX-License-Identifier: MIT */
#include "tests/sim/carried.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/aging.h"
#include "tests/sim/eyes.h"
#include "tests/sim/util.h"

#define FILE_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define TWICE          150 /* per mille of the steps that are done once more later */
#define LOST           100

struct sim_stick {
    struct fb_buf ask;    /* empty: none was written */
    struct fb_buf answer; /* empty: none was given */
    char device_id[FB_ROW_ID_SIZE];
};

static struct sim_stick *stick_of(struct sim_replica *r)
{
    if (r->stick == NULL) {
        r->stick = sim_alloc(sizeof *r->stick);
        *r->stick = (struct sim_stick){.device_id = ""};
        fb_buf_init(&r->stick->ask, FILE_BYTES_MAX);
        fb_buf_init(&r->stick->answer, FILE_BYTES_MAX);
    }
    return r->stick;
}

void sim_carry_end(struct sim_replica *r)
{
    if (r->stick != NULL) {
        fb_buf_release(&r->stick->ask);
        fb_buf_release(&r->stick->answer);
        free(r->stick);
        r->stick = NULL;
    }
}

/* The command's process may have been killed. */
static void end_command(struct sim_world *w, int node)
{
    if (sim_vfs_is_down(node, SIM_TOOL)) {
        sim_vfs_start(node, SIM_TOOL);
    }
    sim_oracle_look(w, node);
}

/* --- the laptop ----------------------------------------------------------------------------------- */

static int open_round(struct sim_world *w, struct sim_replica *r, struct fb_store **s,
                      struct fb_replica_round **round, struct fb_why *why)
{
    char path[64];
    snprintf(path, sizeof path, "/sim/%d/fieldbook.db", r->daemon.node);
    sim_hands_close(r->daemon.node);
    sim_enter(w, r->daemon.node, SIM_TOOL);
    int rc = fb_store_open(path, &(struct fb_store_options){.node = FB_NODE_REPLICA}, s, why);
    return rc < 0 ? rc : fb_replica_round_new(*s, &r->daemon.random, round);
}

static void write_ask(struct sim_world *w, struct sim_replica *r)
{
    struct sim_stick *stick = stick_of(r);
    struct fb_store *s = NULL;
    struct fb_replica_round *round = NULL;
    struct fb_why why = {""};
    int rc = open_round(w, r, &s, &round, &why);
    rc = rc < 0 ? rc
                : fb_replica_round_export(round, &stick->ask, sim_node_now_ms(w, r->daemon.node),
                                          &why);
    fb_replica_round_free(round);
    fb_store_close(s);
    if (rc < 0) {
        fb_buf_clear(&stick->ask);
    }
    snprintf(stick->device_id, sizeof stick->device_id, "%s", r->device_id);
    sim_trace(w, "n%d writes a round to a file: %s %s", r->daemon.node, fb_err_name(rc), why.text);
    end_command(w, r->daemon.node);
}

static void take_answer(struct sim_world *w, struct sim_replica *r)
{
    struct sim_stick *stick = stick_of(r);
    struct fb_store *s = NULL;
    struct fb_replica_round *round = NULL;
    struct fb_why why = {""};
    int64_t answered_at_ms = 0;
    int rc = open_round(w, r, &s, &round, &why);
    rc = rc < 0
             ? rc
             : fb_replica_round_import(round, stick->answer.bytes, stick->answer.size,
                                       sim_node_now_ms(w, r->daemon.node), &answered_at_ms, &why);
    fb_replica_round_free(round);
    fb_store_close(s);
    sim_trace(w, "n%d takes an answer in: %s %s", r->daemon.node, fb_err_name(rc), why.text);
    if (rc == FB_ERR_PROTOCOL && !sim_vfs_is_down(r->daemon.node, SIM_TOOL)) {
        sim_violation(w, "protocol", "n%d, by file: %s", r->daemon.node, why.text);
    }
    end_command(w, r->daemon.node);
}

/* --- headquarters --------------------------------------------------------------------------------- */

static int answer_with(struct sim_world *w, struct fb_store *writer, struct fb_store *reader,
                       struct sim_stick *stick, struct fb_why *why)
{
    struct fb_hub *hub = NULL;
    int rc = fb_hub_new(writer, reader, &w->server.daemon.random, &hub, why);
    if (rc < 0) {
        return rc;
    }
    if (sim_has_aging(w)) {
        fb_hub_set_history(hub, w->plan.params.history_ms);
    }
    rc = fb_hub_answer(hub, stick->device_id, &stick->ask, sim_node_now_ms(w, SIM_HQ),
                       &stick->answer, why);
    fb_hub_free(hub);
    return rc;
}

static void answer(struct sim_world *w, struct sim_replica *r)
{
    struct sim_stick *stick = stick_of(r);
    struct fb_store *writer = NULL;
    struct fb_store *reader = NULL;
    struct fb_why why = {""};
    struct fb_store_options options = {.node = FB_NODE_SERVER};
    sim_hands_close(SIM_HQ);
    sim_enter(w, SIM_HQ, SIM_TOOL);
    int rc = fb_store_open("/sim/0/fieldbook.db", &options, &writer, &why);
    options.is_read_only = true;
    rc = rc < 0 ? rc : fb_store_open("/sim/0/fieldbook.db", &options, &reader, &why);
    rc = rc < 0 ? rc : answer_with(w, writer, reader, stick, &why);
    fb_store_close(reader);
    fb_store_close(writer);
    if (rc < 0) {
        fb_buf_clear(&stick->answer);
        fb_buf_clear(&stick->ask);
    }
    w->counters.carried += rc == FB_OK;
    sim_trace(w, "n0 answers n%d's file: %s %s", r->daemon.node, fb_err_name(rc), why.text);
    end_command(w, SIM_HQ);
}

/* --- step by step ---------------------------------------------------------------------------------- */

static bool must_keep(uint64_t *random)
{
    return sim_chance(random, TWICE);
}

void sim_carry(struct sim_world *w, struct sim_replica *r, uint64_t random)
{
    struct sim_stick *stick = stick_of(r);
    if (sim_chance(&random, LOST)) {
        sim_trace(w, "n%d: the file is lost", r->daemon.node);
        sim_carry_end(r);
        return;
    }
    int64_t rest_ms = 100 + (int64_t)sim_below(&random, 3000);
    if (stick->ask.size > 0 && stick->answer.size == 0) {
        if (w->server.daemon.is_up) {
            sim_server_stop(w, false, rest_ms);
            answer(w, r);
        }
        return;
    }
    if (!r->daemon.is_up) {
        return;
    }
    sim_replica_stop(w, r, false, rest_ms);
    if (stick->answer.size == 0) {
        write_ask(w, r);
        return;
    }
    take_answer(w, r);
    if (!must_keep(&random)) {
        fb_buf_clear(&stick->answer);
        fb_buf_clear(&stick->ask);
    } else if (must_keep(&random)) {
        fb_buf_clear(&stick->answer); /* headquarters is asked once more */
    }
}
