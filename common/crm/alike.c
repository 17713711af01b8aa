/* SPDX-License-Identifier: MIT */
#include "common/crm/alike.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/base/id.h"
#include "common/base/mem.h"
#include "common/store/row.h"
#include "common/store/sql.h"

#define CANDIDATES_MAX 64 /* names that begin alike */

/* ---- Names ---- */

/* Longer ones first: the first that fits is taken off, again and again. */
static const char *const FORMS[] = {"股份有限公司",
                                    "有限责任公司",
                                    "集团有限公司",
                                    "有限公司",
                                    "股份公司",
                                    "集团公司",
                                    "（集团）",
                                    "(集团)",
                                    "集团",
                                    "公司",
                                    "gesellschaft mit beschränkter haftung",
                                    "corporation",
                                    "incorporated",
                                    "company",
                                    "limited",
                                    "gmbh",
                                    "co.ltd",
                                    "co ltd",
                                    "coltd",
                                    "s.a.",
                                    "corp",
                                    "inc",
                                    "ltd",
                                    "llc",
                                    "plc",
                                    "co",
                                    "ag",
                                    "bv",
                                    "sa"};

static bool is_filler(const uint8_t *at, size_t left, size_t *ret_size)
{
    static const char *const WIDE[] = {"（", "）", "，", "。", "、", "·", "　",
                                       "“",  "”",  "－", "—",  "＆", "．"};
    if (*at < 0x80) {
        *ret_size = 1;
        return !isalnum(*at);
    }
    for (size_t i = 0; i < sizeof WIDE / sizeof WIDE[0]; i++) {
        size_t size = strlen(WIDE[i]);
        if (left >= size && memcmp(at, WIDE[i], size) == 0) {
            *ret_size = size;
            return true;
        }
    }
    *ret_size = 1;
    return false;
}

/* Takes a legal form and fillers off the end; false: nothing came off. */
static bool strip_end(const char *name, size_t *size)
{
    for (size_t back = 1; back <= 3 && back <= *size; back++) {
        size_t filler = 0;
        if (is_filler((const uint8_t *)name + *size - back, back, &filler) && filler == back) {
            *size -= back;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof FORMS / sizeof FORMS[0]; i++) {
        size_t form = strlen(FORMS[i]);
        bool fits = *size > form && strncasecmp(name + *size - form, FORMS[i], form) == 0;
        bool is_word =
            fits && ((FORMS[i][0] & 0x80) != 0 || !isalnum((uint8_t)name[*size - form - 1]));
        if (is_word) {
            *size -= form;
            return true;
        }
    }
    return false;
}

void fb_alike_name(const char *name, size_t size, struct fb_buf *ret, size_t *ret_prefix_size)
{
    size_t whole = size;
    while (size > 0 && strip_end(name, &size)) {
    }
    size = size == 0 ? whole : size; /* a name of nothing but forms */
    size_t prefix = 0;
    bool is_plain = true;
    for (size_t i = 0; i < size;) {
        size_t step = 0;
        if (is_filler((const uint8_t *)name + i, size - i, &step)) {
            is_plain = false;
        } else {
            uint8_t c = (uint8_t)name[i];
            fb_buf_append_byte(ret, c < 0x80 ? (uint8_t)tolower(c) : c);
        }
        i += step;
        prefix = is_plain ? i : prefix;
    }
    if (ret_prefix_size != NULL) {
        *ret_prefix_size = prefix;
    }
}

/* ---- What was found ---- */

struct finding {
    struct fb_store *s;
    const struct fb_entity *entity;
    const char *own_id;
    struct found {
        char id[FB_ROW_ID_SIZE];
        int score;
        const char *rule;
    } found[FB_ALIKE_FOUND_MAX];
    size_t count;
};

static void add(struct finding *f, const char *id, int score, const char *rule)
{
    if (id == NULL || strlen(id) != FB_ROW_ID_SIZE - 1 || strcmp(id, f->own_id) == 0) {
        return;
    }
    size_t at = 0;
    while (at < f->count && strcmp(f->found[at].id, id) != 0) {
        at++;
    }
    if (at == FB_ALIKE_FOUND_MAX || (at < f->count && f->found[at].score >= score)) {
        return;
    }
    f->count += at == f->count;
    memcpy(f->found[at].id, id, FB_ROW_ID_SIZE);
    f->found[at].score = score;
    f->found[at].rule = rule;
}

static int tell(struct finding *f, fb_alike_each *each, void *ctx)
{
    int rc = FB_OK;
    for (int score = 100; rc == FB_OK && score > 0; score--) {
        for (size_t i = 0; rc == FB_OK && i < f->count; i++) {
            const struct fb_alike alike = {
                .id = f->found[i].id, .score = score, .rule = f->found[i].rule};
            rc = f->found[i].score == score ? each(ctx, &alike) : FB_OK;
        }
    }
    return rc;
}

/* ---- Questions ---- */

static bool has_text(const struct fb_value *v)
{
    return v->type == FB_TEXT && v->size > 0;
}

static int find_equal(struct finding *f, const struct fb_field *field, const struct fb_value *v)
{
    FB_AUTO(fb_buf_release) struct fb_buf sql;
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    fb_buf_init(&sql, 512);
    fb_buf_printf(&sql, "SELECT id FROM \"%s\" WHERE \"%s\" = ?1 LIMIT %d", f->entity->name,
                  field->name, FB_ALIKE_FOUND_MAX);
    int rc = fb_sql_begin(f->s, fb_buf_text(&sql), &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_value(q, 1, v);
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        add(f, fb_sql_text(q, 0), 100, field->name);
    }
    return rc;
}

static int find_unique(struct finding *f, const struct fb_row *row)
{
    int rc = FB_OK;
    for (size_t i = 0; rc == FB_OK && i < f->entity->field_count; i++) {
        const struct fb_field *field = &f->entity->fields[i];
        bool is_number =
            strcmp(field->name, "tax_id") == 0; /* a person decides about it, and it is one's own */
        if ((field->is_unique || is_number) && has_text(&row->values[i])) {
            rc = find_equal(f, field, &row->values[i]);
        }
    }
    return rc;
}

static int find_company(struct finding *f, const struct fb_row *row)
{
    const struct fb_value *v = fb_row_value(row, "name");
    FB_AUTO(fb_buf_release) struct fb_buf own;
    FB_AUTO(fb_buf_release) struct fb_buf other;
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    size_t prefix = 0;
    fb_buf_init(&own, FB_VALUE_BYTES_MAX);
    fb_buf_init(&other, FB_VALUE_BYTES_MAX);
    if (!has_text(v)) {
        return FB_OK;
    }
    fb_alike_name(v->bytes, v->size, &own, &prefix);
    if (prefix == 0) {
        return FB_OK;
    }
    /* Texts between the prefix and the prefix with the last character there is. */
    int rc =
        fb_sql_begin(f->s,
                     "SELECT id, name FROM company WHERE name >= ?1 AND name < ?1 || char(1114111)"
                     " ORDER BY name LIMIT ?2",
                     &q);
    if (rc < 0) {
        return rc;
    }
    struct fb_value start = fb_value_text_n(v->bytes, prefix);
    fb_sql_bind_value(q, 1, &start);
    fb_sql_bind_int(q, 2, CANDIDATES_MAX);
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        struct fb_value candidate = fb_sql_value(q, 1);
        fb_buf_clear(&other);
        fb_alike_name(candidate.bytes, candidate.size, &other, NULL);
        if (other.size == own.size && memcmp(other.bytes, own.bytes, own.size) == 0) {
            add(f, fb_sql_text(q, 0), fb_value_equal(v, &candidate) ? 95 : 90, "name");
        }
    }
    return rc;
}

static int find_contact(struct finding *f, const struct fb_row *row)
{
    static const char *const NAMES[] = {"company_id", "family_name", "given_name"};
    const struct fb_value *values[3];
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    for (size_t i = 0; i < 3; i++) {
        values[i] = fb_row_value(row, NAMES[i]);
    }
    if (!has_text(values[0]) || !has_text(values[1])) {
        return FB_OK;
    }
    int rc = fb_sql_begin(f->s,
                          "SELECT id FROM contact WHERE company_id = ?1 AND family_name = ?2"
                          " AND coalesce(given_name, '') = coalesce(?3, '') LIMIT 20",
                          &q);
    if (rc < 0) {
        return rc;
    }
    for (int i = 0; i < 3; i++) {
        fb_sql_bind_value(q, i + 1, values[i]);
    }
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        add(f, fb_sql_text(q, 0), 85, "person");
    }
    return rc;
}

/* A number as people write it, as its digits, and without the country. */
static int find_number(struct finding *f, const char *number, size_t size)
{
    char digits[64];
    size_t count = 0;
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    for (size_t i = 0; i < size && count + 1 < sizeof digits; i++) {
        bool is_kept = isdigit((uint8_t)number[i]) != 0;
        digits[count] = number[i];
        count += is_kept;
    }
    digits[count] = '\0';
    const char *local = count > 11 && strncmp(digits, "86", 2) == 0 ? digits + 2 : digits;
    bool is_mail = memchr(number, '@', size) != NULL;
    int rc = fb_sql_begin(
        f->s,
        "SELECT owner_id FROM comm_point WHERE value IN (?1, ?2, ?3) AND owner_entity = ?4"
        " LIMIT 20",
        &q);
    if (rc < 0) {
        return rc;
    }
    struct fb_value whole = fb_value_text_n(number, size);
    fb_sql_bind_value(q, 1, &whole);
    fb_sql_bind_text(q, 2, is_mail || count < 7 ? NULL : digits);
    fb_sql_bind_text(q, 3, is_mail || count < 7 ? NULL : local);
    fb_sql_bind_text(q, 4, f->entity->name);
    while ((rc = fb_sql_step(q)) == FB_SQL_ROW) {
        add(f, fb_sql_text(q, 0), 80, is_mail ? "mail" : "phone");
    }
    return rc;
}

static bool has_numbers(struct fb_store *s)
{
    const struct fb_entity *e = fb_catalogue_entity(fb_store_catalogue(s), "comm_point");
    return e != NULL && fb_entity_field(e, "owner_entity") != NULL;
}

int fb_alike_find(struct fb_store *s, const struct fb_row *row, fb_alike_each *f, void *ctx)
{
    struct finding finding = {.s = s, .entity = row->entity, .own_id = row->id};
    int rc = find_unique(&finding, row);
    if (rc == FB_OK && strcmp(row->entity->name, "company") == 0) {
        rc = find_company(&finding, row);
    } else if (rc == FB_OK && strcmp(row->entity->name, "contact") == 0) {
        rc = find_contact(&finding, row);
    }
    return rc < 0 ? rc : tell(&finding, f, ctx);
}

int fb_alike_find_number(struct fb_store *s, const struct fb_entity *owner, const char *own_id,
                         const char *number, fb_alike_each *f, void *ctx)
{
    struct finding finding = {.s = s, .entity = owner, .own_id = own_id};
    int rc =
        has_numbers(s) && number[0] != '\0' ? find_number(&finding, number, strlen(number)) : FB_OK;
    return rc < 0 ? rc : tell(&finding, f, ctx);
}

void fb_alike_say(const struct fb_entity *e, const char *rule, struct fb_buf *buf)
{
    const struct fb_field *f = e == NULL ? NULL : fb_entity_field(e, rule);
    const char *what = strcmp(rule, "person") == 0  ? fb_text("name and company")
                       : strcmp(rule, "phone") == 0 ? fb_text("phone number")
                       : strcmp(rule, "mail") == 0  ? fb_text("mail address")
                       : f != NULL                  ? fb_field_label(f)
                                                    : NULL;
    if (what != NULL) {
        fb_buf_printf(buf, fb_text("same %s"), what);
    } else {
        fb_buf_append_text(buf,
                           strcmp(rule, "lead") == 0 ? fb_text("made of the same lead") : rule);
    }
}

bool fb_alike_is_compared(const struct fb_entity *e)
{
    bool is_it = strcmp(e->name, "company") == 0 || strcmp(e->name, "contact") == 0;
    for (size_t i = 0; i < e->field_count && !is_it; i++) {
        is_it = e->fields[i].is_unique && e->fields[i].storage == FB_TEXT;
    }
    return is_it;
}
