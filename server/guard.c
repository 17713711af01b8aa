/* SPDX-License-Identifier: MIT */
#include "server/guard.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hash.h"

#define PLACES       4096 /* a flood of names pushes out old ones, not the address that floods */
#define PROBES       8
#define FORGOTTEN_MS (INT64_C(3600) * 1000) /* after an hour without a failure */

struct place {
    uint64_t key; /* 0: empty */
    int failures;
    int64_t last_ms;
    int64_t free_at_ms;
};

struct fb_guard {
    pthread_mutex_t lock;
    struct place places[PLACES];
};

int fb_guard_new(struct fb_guard **ret)
{
    struct fb_guard *g = calloc(1, sizeof *g);
    if (g == NULL || pthread_mutex_init(&g->lock, NULL) != 0) {
        free(g);
        return FB_ERR_NO_MEMORY;
    }
    *ret = g;
    return FB_OK;
}

void fb_guard_free(struct fb_guard *g)
{
    if (g != NULL) {
        pthread_mutex_destroy(&g->lock);
        free(g);
    }
}

static uint64_t key_of(char kind, const char *text)
{
    uint64_t key;
    struct fb_sha256 hash = fb_sha256(&kind, 1, text, strlen(text));
    memcpy(&key, hash.bytes, sizeof key);
    return key | 1U;
}

/* The key's place, or the one to give up for it: an empty one, else the one with the oldest failure. */
static struct place *place_of(struct fb_guard *g, uint64_t key, int64_t now_ms)
{
    struct place *best = NULL;
    for (size_t i = 0; i < PROBES; i++) {
        struct place *p = &g->places[(key + i * 0x9E3779B9U) % PLACES];
        if (p->key == key) {
            if (now_ms - p->last_ms > FORGOTTEN_MS) {
                *p = (struct place){.key = key};
            }
            return p;
        }
        if (best == NULL || p->last_ms < best->last_ms) {
            best = p;
        }
    }
    *best = (struct place){.key = key};
    return best;
}

static int seconds_left(const struct place *p, int64_t now_ms)
{
    return p->free_at_ms > now_ms ? (int)((p->free_at_ms - now_ms + 999) / 1000) : 0;
}

static void count(struct place *p, int free_tries, int delay_s_max, int64_t now_ms)
{
    p->failures++;
    p->last_ms = now_ms;
    int over = p->failures - free_tries;
    if (over >= 0) {
        int64_t delay_s = over < 20 ? INT64_C(1) << over : delay_s_max;
        p->free_at_ms = now_ms + 1000 * (delay_s < delay_s_max ? delay_s : delay_s_max);
    }
}

int fb_guard_try(struct fb_guard *g, const char *login, const char *address, int64_t now_ms)
{
    pthread_mutex_lock(&g->lock);
    struct place *account = place_of(g, key_of('l', login), now_ms);
    struct place *home = place_of(g, key_of('a', address), now_ms);
    int wait = seconds_left(account, now_ms);
    int wait_home = seconds_left(home, now_ms);
    wait = wait_home > wait ? wait_home : wait;
    if (wait == 0) {
        count(account, 5, 60, now_ms);
        count(home, 20, 900, now_ms);
    }
    pthread_mutex_unlock(&g->lock);
    return wait;
}

void fb_guard_right(struct fb_guard *g, const char *login, const char *address)
{
    pthread_mutex_lock(&g->lock);
    struct place *account = place_of(g, key_of('l', login), 0);
    struct place *home = place_of(g, key_of('a', address), 0);
    *account = (struct place){.key = account->key};
    home->failures -= home->failures > 0 ? 1 : 0;
    home->free_at_ms = 0;
    pthread_mutex_unlock(&g->lock);
}
