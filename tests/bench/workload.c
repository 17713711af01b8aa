/* SPDX-License-Identifier: MIT */
#include "tests/bench/workload.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/id.h"

#define ID_TIME_MS INT64_C(1760000000000)

const struct bench_column BENCH_COLUMN[BENCH_COLUMNS] = {
    {"account_id", 'T', false},  {"owner_id", 'T', true},    {"territory_id", 'T', false},
    {"campaign_id", 'T', false}, {"first_name", 'T', true},  {"last_name", 'T', true},
    {"title", 'T', true},        {"email", 'T', true},       {"phone", 'T', true},
    {"mobile", 'T', true},       {"street", 'T', true},      {"city", 'T', true},
    {"postcode", 'T', true},     {"country", 'T', false},    {"birthday", 'T', false},
    {"notes", 'T', true},        {"rating", 'D', true},      {"revenue", 'D', true},
    {"score", 'I', true},        {"do_not_call", 'I', true}, {"status", 'T', true},
    {"made_at", 'I', false},     {"changed_at", 'I', false}};
enum { PHONE = 8, NOTES = 15 };

static const char *const FIRST[] = {"Wei",    "Li",    "Anna",  "Jonas", "Mateo",  "Priya",
                                    "Yuki",   "Omar",  "Elena", "Noah",  "Fatima", "Chen",
                                    "Ingrid", "Pavel", "Rosa",  "Tomás"};
static const char *const LAST[] = {"Zhang",  "Novak",  "Garcia",   "Müller", "Okafor",
                                   "Silva",  "Tanaka", "Kowalski", "Haddad", "Johansson",
                                   "Dubois", "Patel",  "Rossi",    "Nguyen"};
static const char *const TITLE[] = {"CTO",      "Buyer",    "Office manager", "Head of purchasing",
                                    "Engineer", "Director", "Owner",          "Service lead"};
static const char *const CITY[] = {"Springfield", "沈阳", "Lyon",  "Brno",   "Porto",
                                   "Osaka",       "Pune", "Leeds", "Gdańsk", "Tunis"};
static const char *const COUNTRY[] = {"US", "CN", "FR", "CZ", "PT", "JP", "IN", "GB", "PL", "TN"};
static const char *const STATUS[] = {"new", "open", "qualified", "customer", "dormant"};
static const char *const WORD[] = {
    "met",   "at",        "the",      "trade",  "fair",    "asked",    "for",
    "a",     "quotation", "on",       "larger", "unit",    "will",     "call",
    "back",  "after",     "budget",   "round",  "prefers", "mail",     "over",
    "phone", "decision",  "expected", "next",   "quarter", "existing", "contract",
    "ends",  "soon",      "wants",    "demo",   "site",    "service",  "visit",
    "went",  "well",      "price",    "is",     "main",    "concern"};
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

struct maker {
    struct fb_arena *arena;
    struct fb_random random;
    int64_t id_ms;
    const char **accounts, **owners, **territories, **campaigns;
    size_t account_count;
};

static size_t below(struct maker *m, size_t n)
{
    return (size_t)(fb_random_u64(&m->random) % n);
}

static const char *make_id(struct maker *m)
{
    char *id = fb_arena_alloc(m->arena, FB_ROW_ID_SIZE);
    fb_assert(id != NULL);
    m->id_ms += (int64_t)below(m, 40);
    fb_id_make(m->id_ms, &m->random, id);
    return id;
}

static const char **make_ids(struct maker *m, size_t count)
{
    const char **ids = fb_arena_alloc(m->arena, count * sizeof *ids);
    fb_assert(ids != NULL);
    for (size_t i = 0; i < count; i++) {
        ids[i] = make_id(m);
    }
    return ids;
}

static struct fb_value text(char *made)
{
    fb_assert(made != NULL);
    return fb_value_text(made);
}

static struct fb_value make_phone(struct maker *m)
{
    return text(fb_arena_printf(m->arena, "+%zu %zu %zu", 1 + below(m, 98), 100 + below(m, 900),
                                1000000 + below(m, 8999999)));
}

static struct fb_value make_email(struct maker *m)
{
    char *mail =
        fb_arena_printf(m->arena, "%s.%s%zu@example%zu.com", FIRST[below(m, COUNT(FIRST) - 1)],
                        LAST[below(m, 3)], below(m, 9999), below(m, 500));
    for (char *c = mail; *c != '\0'; c++) {
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    }
    return text(mail);
}

static struct fb_value make_notes(struct maker *m)
{
    size_t words = 4 + below(m, 40);
    char *notes = fb_arena_alloc(m->arena, words * 12);
    fb_assert(notes != NULL);
    for (size_t i = 0; i < words; i++) {
        strcat(notes, WORD[below(m, COUNT(WORD))]);
        strcat(notes, i + 1 < words ? " " : "");
    }
    return fb_value_text(notes);
}

static struct fb_value make_birthday(struct maker *m)
{
    return text(fb_arena_printf(m->arena, "19%zu-%02zu-%02zu", 50 + below(m, 50), 1 + below(m, 12),
                                1 + below(m, 28)));
}

#define PICK(list) fb_value_text((list)[below(m, COUNT(list))])

/* A value that is not null. */
static struct fb_value make_value(struct maker *m, size_t column)
{
    switch (column) {
    case 0:
        return fb_value_text(m->accounts[below(m, m->account_count)]);
    case 1:
        return fb_value_text(m->owners[below(m, 200)]);
    case 2:
        return fb_value_text(m->territories[below(m, 60)]);
    case 3:
        return fb_value_text(m->campaigns[below(m, 300)]);
    case 4:
        return PICK(FIRST);
    case 5:
        return PICK(LAST);
    case 6:
        return PICK(TITLE);
    case 7:
        return make_email(m);
    case PHONE:
    case 9:
        return make_phone(m);
    case 10:
        return text(fb_arena_printf(m->arena, "%zu %s street", 1 + below(m, 300),
                                    WORD[below(m, COUNT(WORD))]));
    case 11:
        return PICK(CITY);
    case 12:
        return text(fb_arena_printf(m->arena, "%zu", 10000 + below(m, 89999)));
    case 13:
        return PICK(COUNTRY);
    case 14:
        return make_birthday(m);
    case NOTES:
        return make_notes(m);
    case 16:
        return fb_value_int((int64_t)below(m, 501));
    case 17:
        return fb_value_int((int64_t)below(m, 1000000000));
    case 18:
        return fb_value_int((int64_t)below(m, 101));
    case 19:
        return fb_value_int((int64_t)below(m, 2));
    case 20:
        return PICK(STATUS);
    case 21:
        return fb_value_int(m->id_ms - (int64_t)below(m, 1000000000));
    default:
        return fb_value_int(m->id_ms);
    }
}

/* How many of a hundred are null. */
static size_t null_share(size_t column)
{
    static const uint8_t SHARE[BENCH_COLUMNS] = {
        [3] = 60, [6] = 20, [7] = 10, [9] = 40, [14] = 70, [NOTES] = 30, [16] = 30, [17] = 30};
    return SHARE[column];
}

static struct maker start(struct bench *b, uint64_t *state, uint64_t seed)
{
    struct maker m = {
        .arena = &b->arena, .random = fb_random_seeded(state, 20251009), .id_ms = ID_TIME_MS};
    m.account_count = b->row_count / 5 + 1;
    m.accounts = make_ids(&m, m.account_count);
    m.owners = make_ids(&m, 200);
    m.territories = make_ids(&m, 60);
    m.campaigns = make_ids(&m, 300);
    m.random = fb_random_seeded(state, seed);
    return m;
}

void bench_make(struct bench *b, size_t row_count)
{
    *b = (struct bench){.row_count = row_count};
    b->rows = fb_arena_alloc(&b->arena, row_count * sizeof *b->rows);
    fb_assert(b->rows != NULL);
    uint64_t state;
    struct maker m = start(b, &state, 1);
    for (size_t i = 0; i < row_count; i++) {
        struct bench_row *row = &b->rows[i];
        memcpy(row->id, make_id(&m), sizeof row->id);
        for (size_t k = 0; k < BENCH_COLUMNS; k++) {
            row->values[k] = below(&m, 100) < null_share(k) ? FB_VALUE_NULL : make_value(&m, k);
        }
    }
}

void bench_release(struct bench *b)
{
    fb_arena_release(&b->arena);
}

static uint32_t *choose_rows(struct bench *b, size_t count, uint64_t seed)
{
    uint64_t state;
    struct maker m = {.random = fb_random_seeded(&state, seed)};
    uint32_t *rows = fb_arena_alloc(&b->arena, b->row_count * sizeof *rows);
    fb_assert(rows != NULL && count <= b->row_count);
    for (size_t i = 0; i < b->row_count; i++) {
        rows[i] = (uint32_t)i;
    }
    for (size_t i = 0; i < count; i++) {
        size_t other = i + below(&m, b->row_count - i);
        uint32_t row = rows[i];
        rows[i] = rows[other];
        rows[other] = row;
    }
    return rows;
}

static bool may_edit(size_t column, enum bench_edit_kind kind)
{
    if (!BENCH_COLUMN[column].is_edited) {
        return false;
    }
    return kind == BENCH_EDIT_ANY || (kind == BENCH_EDIT_HALF_A ? column < 11 : column >= 11);
}

static void choose_fields(struct maker *m, enum bench_edit_kind kind, struct bench_edit *e)
{
    if (kind == BENCH_EDIT_SAME) {
        e->fields[e->field_count++] = PHONE;
        e->fields[e->field_count++] = NOTES;
        return;
    }
    uint32_t wanted = 1 + (uint32_t)below(m, BENCH_EDIT_FIELDS_MAX);
    uint32_t chosen = 0; /* a bit for each column */
    while ((uint32_t)__builtin_popcount(chosen) < wanted) {
        size_t column = below(m, BENCH_COLUMNS);
        chosen |= may_edit(column, kind) ? 1U << column : 0;
    }
    for (uint32_t column = 0; column < BENCH_COLUMNS; column++) {
        if ((chosen >> column & 1) != 0) {
            e->fields[e->field_count++] = column;
        }
    }
}

struct bench_edit *bench_edits(struct bench *b, size_t count, enum bench_edit_kind kind,
                               uint64_t rows_seed, uint64_t values_seed)
{
    uint32_t *rows = choose_rows(b, count, rows_seed);
    struct bench_edit *edits = fb_arena_alloc(&b->arena, count * sizeof *edits);
    fb_assert(edits != NULL);
    uint64_t state;
    struct maker m = start(b, &state, values_seed);
    for (size_t i = 0; i < count; i++) {
        edits[i].row = rows[i];
        choose_fields(&m, kind, &edits[i]);
        for (uint32_t k = 0; k < edits[i].field_count; k++) {
            edits[i].values[k] = make_value(&m, edits[i].fields[k]);
        }
    }
    return edits;
}
