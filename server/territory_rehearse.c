/* SPDX-License-Identifier: MIT
 *
 * A rehearsal: scopes of every laptop as they are; the plan applied inside a savepoint; scopes as they would be; the savepoint undone.
 * Then the rows of all scopes that enter or leave anybody are found once, summed by their set of scopes, and handed out to the laptops:
 * a row leaves a laptop when none of its scopes is held any more.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/wire/message.h"
#include "server/scope_rows.h"
#include "server/territory_inside.h"

#define DAY_MS INT64_C(86400000)

/* Rows of one set of scopes. */
struct set_sum {
    int64_t rows;
    int64_t bytes; /* of their values */
    char set[];
};

struct device {
    struct fb_territory_effect effect;
    struct fb_device_scopes before, after;
    struct fb_scope_list leaving, arriving;
};

/* The first rows of an entity: one frame of them, packed to see what they weigh. */
struct sample {
    struct fb_row *rows;
    size_t count;
    int64_t bytes; /* of their values */
    int64_t all_bytes;
};

struct rehearsing {
    struct fb_store *s;
    const struct fb_territory_ask *ask;
    struct fb_territory_rehearsal *to;
    struct fb_why *why;
    struct fb_arena arena;
    struct device *devices;
    size_t device_count, device_capacity;
    struct fb_scope_list moving; /* scopes that enter or leave anybody */
    struct set_sum **sets;
    size_t set_count, set_capacity;
    struct fb_row_map set_map;
    struct sample *samples; /* by index of the entity */
};

/* ---- Laptops ---- */

static int add_device(struct rehearsing *r, const struct fb_sql *q)
{
    struct device *list =
        fb_arena_grow(&r->arena, r->devices, r->device_count, &r->device_capacity, sizeof *list);
    const char *name = fb_arena_strdup(&r->to->arena, fb_sql_text(q, 2));
    const char *seen =
        fb_sql_text(q, 3) == NULL ? "" : fb_arena_strdup(&r->to->arena, fb_sql_text(q, 3));
    if (list == NULL || name == NULL || seen == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    r->devices = list;
    struct device *d = &list[r->device_count++];
    *d = (struct device){.effect = {.device = name, .last_seen = seen}};
    snprintf(d->effect.device_id, FB_ROW_ID_SIZE, "%s", fb_sql_text(q, 0));
    snprintf(d->effect.employee_id, FB_ROW_ID_SIZE, "%s", fb_sql_text(q, 1));
    return FB_OK;
}

static int load_devices(struct rehearsing *r)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        r->s,
        "SELECT d.id, d.employee_id, d.name, coalesce(d.last_seen_at,"
        " (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', max(f.at_ms) / 1000.0, 'unixepoch') FROM fb_seen f"
        "   JOIN fb_incarnation i ON i.id = f.incarnation WHERE i.device_id = d.id))"
        " FROM device d WHERE d.state IN ('active', 'suspended') AND d.employee_id IS NOT NULL"
        " ORDER BY d.name, d.id",
        &q);
    while (rc >= 0 && (rc = fb_sql_step(q)) == FB_SQL_ROW) {
        rc = add_device(r, q);
    }
    r->to->devices = (int64_t)r->device_count;
    return rc;
}

/* Scopes of all laptops as the tables are now. */
static int find_scopes(struct rehearsing *r, bool is_after)
{
    struct fb_structure *structure = NULL;
    int rc = fb_structure_load(r->s, INT64_MAX, &structure);
    for (size_t i = 0; rc == FB_OK && i < r->device_count; i++) {
        struct device *d = &r->devices[i];
        rc = fb_device_scopes_find(r->s, structure, d->effect.device_id, d->effect.employee_id,
                                   r->ask->now_ms, true, is_after ? &d->after : &d->before);
    }
    fb_structure_free(structure);
    return rc;
}

static int play(struct rehearsing *r)
{
    int rc = fb_store_savepoint(r->s);
    if (rc < 0) {
        return rc;
    }
    rc = fb_territory_apply(r->s, r->ask, &r->to->result, r->why);
    rc = rc < 0 ? rc : find_scopes(r, true);
    int undone = fb_store_savepoint_undo(r->s);
    return rc < 0 ? rc : undone;
}

static int add_all(struct rehearsing *r, const struct fb_scope_list *keys)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < keys->count; i++) {
        rc = fb_scope_list_add(&r->moving, &r->arena, keys->keys[i]);
    }
    return rc;
}

static int compare_scopes(struct rehearsing *r)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < r->device_count; i++) {
        struct device *d = &r->devices[i];
        rc = fb_scope_list_difference(&d->before.list, &d->after.list, &r->arena, &d->leaving);
        rc = rc < 0 ? rc
                    : fb_scope_list_difference(&d->after.list, &d->before.list, &r->arena,
                                               &d->arriving);
        rc = rc < 0 ? rc : add_all(r, &d->leaving);
        rc = rc < 0 ? rc : add_all(r, &d->arriving);
    }
    fb_scope_list_sort(&r->moving);
    return rc;
}

/* ---- Rows ---- */

static bool is_set(const void *item, const void *key)
{
    return strcmp(((const struct set_sum *)item)->set, key) == 0;
}

static struct set_sum *find_set(const struct rehearsing *r, const char *set)
{
    return fb_row_map_find(&r->set_map, fb_digest_of(set, strlen(set)).low, is_set, set);
}

static int add_set(struct rehearsing *r, const char *set, struct set_sum **ret)
{
    struct set_sum **sets =
        fb_arena_grow(&r->arena, r->sets, r->set_count, &r->set_capacity, sizeof(struct set_sum *));
    struct set_sum *sum = fb_arena_alloc(&r->arena, sizeof *sum + strlen(set) + 1);
    if (sets == NULL || sum == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    *sum = (struct set_sum){.rows = 0};
    memcpy(sum->set, set, strlen(set) + 1);
    r->sets = sets;
    sets[r->set_count++] = sum;
    *ret = sum;
    return fb_row_map_add(&r->set_map, fb_digest_of(set, strlen(set)).low, sum);
}

static int take_sample(struct rehearsing *r, const struct fb_row *row, int64_t bytes)
{
    struct sample *sample = &r->samples[row->entity->index];
    sample->all_bytes += bytes;
    if (sample->count == FB_ROW_BATCH_ROWS_MAX || sample->bytes >= FB_ROW_BATCH_BYTES_AIM) {
        return FB_OK;
    }
    if (sample->rows == NULL) {
        sample->rows = fb_arena_alloc(&r->arena, FB_ROW_BATCH_ROWS_MAX * sizeof *sample->rows);
    }
    int rc = sample->rows == NULL ? FB_ERR_NO_MEMORY
                                  : fb_row_copy(&r->arena, row, &sample->rows[sample->count]);
    sample->count += rc == FB_OK ? 1 : 0;
    sample->bytes += bytes;
    return rc;
}

static int take_row(void *ctx, const struct fb_row *row, const char *set)
{
    struct rehearsing *r = ctx;
    struct set_sum *sum = find_set(r, set);
    int64_t bytes = FB_ROW_ID_SIZE;
    for (size_t i = 0; i < row->entity->field_count; i++) {
        bytes += 2 + (int64_t)row->values[i].size;
    }
    int rc = sum == NULL ? add_set(r, set, &sum) : FB_OK;
    if (rc < 0) {
        return rc;
    }
    sum->rows++;
    sum->bytes += bytes;
    return take_sample(r, row, bytes);
}

/* What a byte of values weighs on the wire, in thousandths. */
static int weigh(struct rehearsing *r, int64_t *ret_per_mille)
{
    const struct fb_catalogue *c = fb_store_catalogue(r->s);
    int64_t all = 0;
    int64_t wire = 0;
    for (size_t i = 0; i < c->entity_count; i++) {
        const struct sample *sample = &r->samples[i];
        if (sample->count == 0) {
            continue;
        }
        FB_AUTO(fb_buf_release) struct fb_buf out;
        fb_buf_init(&out, 2 * (size_t)FB_FRAME_BYTES_MAX);
        struct fb_message m = {
            .kind = FB_MESSAGE_ROWS,
            .rows = {.entity = &c->entities[i], .rows = sample->rows, .row_count = sample->count}};
        int rc = fb_message_encode(&m, &out);
        if (rc < 0) {
            return rc;
        }
        all += sample->all_bytes;
        wire += (int64_t)out.size * sample->all_bytes / sample->bytes;
    }
    *ret_per_mille = all == 0 ? 0 : wire * 1000 / all;
    return FB_OK;
}

static int find_rows(struct rehearsing *r, int64_t *ret_per_mille)
{
    const struct fb_catalogue *c = fb_store_catalogue(r->s);
    struct fb_family family = {.catalogue = NULL};
    struct fb_scope_cache *cache = NULL;
    r->samples = fb_arena_alloc(&r->arena, (c->entity_count + 1) * sizeof *r->samples);
    if (r->samples == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    memset(r->samples, 0, (c->entity_count + 1) * sizeof *r->samples);
    int rc = fb_history_limit_scopes(r->s, &cache);
    rc = rc < 0 ? rc : fb_scope_rows_each(r->s, &family, cache, &r->moving, take_row, r);
    fb_scope_cache_free(cache);
    fb_family_release(&family);
    return rc < 0 ? rc : weigh(r, ret_per_mille);
}

/* ---- Handed out ---- */

static int64_t count_companies(const struct fb_scope_list *keys)
{
    int64_t count = 0;
    for (size_t i = 0; i < keys->count; i++) {
        count += strncmp(keys->keys[i], "company:", 8) == 0 ? 1 : 0;
    }
    return count;
}

static void hand_out(struct device *d, const struct set_sum *sum, int64_t per_mille)
{
    bool was = fb_scope_set_is_held(sum->set, &d->before.list);
    bool will = fb_scope_set_is_held(sum->set, &d->after.list);
    if (was && !will) {
        d->effect.leaving_rows += sum->rows;
        d->effect.leaving_bytes += sum->bytes * per_mille / 1000;
    } else if (!was && will) {
        d->effect.arriving_rows += sum->rows;
        d->effect.arriving_bytes += sum->bytes * per_mille / 1000;
    }
}

/* Sets of one scope are looked up; the few of several, and all where a whole kind moves, are gone through. */
static void hand_out_keys(const struct rehearsing *r, struct device *d,
                          const struct fb_scope_list *keys, int64_t per_mille, bool *ret_all)
{
    for (size_t i = 0; i < keys->count; i++) {
        const struct set_sum *sum = find_set(r, keys->keys[i]);
        *ret_all = *ret_all || strstr(keys->keys[i], ":*") != NULL;
        if (sum != NULL) {
            hand_out(d, sum, per_mille);
        }
    }
}

static void hand_out_all(const struct rehearsing *r, struct device *d, int64_t per_mille)
{
    bool moves_all = false;
    hand_out_keys(r, d, &d->leaving, per_mille, &moves_all);
    hand_out_keys(r, d, &d->arriving, per_mille, &moves_all);
    if (moves_all) {
        d->effect.leaving_rows = d->effect.arriving_rows = 0;
        d->effect.leaving_bytes = d->effect.arriving_bytes = 0;
    }
    for (size_t i = 0; d->leaving.count + d->arriving.count > 0 && i < r->set_count; i++) {
        if (moves_all || strchr(r->sets[i]->set, ',') != NULL) {
            hand_out(d, r->sets[i], per_mille);
        }
    }
}

/* Accounts that leave it and that its pushes changed lately. */
static int count_edited(struct rehearsing *r, struct device *d)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    if (d->leaving.count == 0) {
        return FB_OK;
    }
    int rc = fb_sql_begin(
        r->s,
        "SELECT DISTINCT s.key FROM fb_rev r JOIN fb_log l ON l.seq >= r.first_seq AND l.seq < "
        "coalesce((SELECT n.first_seq FROM fb_rev n WHERE n.first_seq > r.first_seq ORDER BY "
        "n.first_seq LIMIT 1), 9223372036854775807) JOIN fb_scope s ON s.id = "
        "coalesce(l.scope_before, l.scope_after) WHERE r.device_id = ?1 AND r.at_ms >= ?2",
        &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_text(q, 1, d->effect.device_id);
    fb_sql_bind_int(q, 2, r->ask->now_ms - FB_TERRITORY_EDITED_DAYS * DAY_MS);
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        d->effect.edited_companies += fb_scope_list_has(&d->leaving, fb_sql_text(q, 0)) ? 1 : 0;
    }
    return rc < 0 ? rc : FB_OK;
}

static int tell_device(struct rehearsing *r, struct device *d, int64_t per_mille, size_t *capacity)
{
    struct fb_territory_rehearsal *to = r->to;
    d->effect.leaving_companies = count_companies(&d->leaving);
    d->effect.arriving_companies = count_companies(&d->arriving);
    hand_out_all(r, d, per_mille);
    int rc = count_edited(r, d);
    if (rc < 0 || d->leaving.count + d->arriving.count == 0) {
        return rc;
    }
    struct fb_territory_effect *effects =
        fb_arena_grow(&to->arena, to->effects, to->effect_count, capacity, sizeof *effects);
    if (effects == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    to->effects = effects;
    effects[to->effect_count++] = d->effect;
    return FB_OK;
}

static int rehearse(struct rehearsing *r)
{
    int64_t per_mille = 0;
    size_t capacity = 0;
    int rc = load_devices(r);
    rc = rc < 0 ? rc : find_scopes(r, false);
    rc = rc < 0 ? rc : play(r);
    rc = rc < 0 ? rc : compare_scopes(r);
    rc = rc < 0 ? rc : find_rows(r, &per_mille);
    for (size_t i = 0; rc == FB_OK && i < r->device_count; i++) {
        rc = tell_device(r, &r->devices[i], per_mille, &capacity);
    }
    return rc;
}

int fb_territory_rehearse(struct fb_store *s, const struct fb_territory_ask *ask,
                          struct fb_territory_rehearsal *ret, struct fb_why *why)
{
    struct fb_territory_rehearsal to = {.devices = 0};
    struct rehearsing r = {.s = s, .ask = ask, .to = &to, .why = why};
    int rc = rehearse(&r);
    for (size_t i = 0; i < r.device_count; i++) {
        fb_device_scopes_release(&r.devices[i].before);
        fb_device_scopes_release(&r.devices[i].after);
    }
    free(r.set_map.slots);
    fb_arena_release(&r.arena);
    if (rc < 0) {
        fb_territory_rehearsal_release(&to);
        return rc;
    }
    *ret = to;
    return FB_OK;
}

void fb_territory_rehearsal_release(struct fb_territory_rehearsal *r)
{
    fb_territory_result_release(&r->result);
    fb_arena_release(&r->arena);
    *r = (struct fb_territory_rehearsal){.devices = 0};
}
