/* SPDX-License-Identifier: MIT */
#include "common/crm/say.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/id.h"
#include "common/base/mem.h"
#include "common/base/time.h"
#include "common/crm/conversion.h"
#include "common/crm/title.h"

const char *fb_say_time(const char *instant, char ret_text[static FB_LOCAL_TIME_SIZE])
{
    int64_t ms;
    struct tm tm;
    if (instant == NULL || !fb_instant_parse(instant, strlen(instant), &ms)) {
        return instant;
    }
    time_t seconds = (time_t)(ms / 1000);
    if (localtime_r(&seconds, &tm) == NULL ||
        strftime(ret_text, FB_LOCAL_TIME_SIZE, "%Y-%m-%d %H:%M", &tm) == 0) {
        return instant;
    }
    return ret_text;
}

/* ---- Values ---- */

static bool value_of_json(const json_t *json, struct fb_value *ret)
{
    if (json_is_integer(json)) {
        *ret = fb_value_int(json_integer_value(json));
        return true;
    }
    if (json_is_boolean(json)) {
        *ret = fb_value_int(json_is_true(json) ? 1 : 0);
        return true;
    }
    if (json_is_string(json)) {
        *ret = fb_value_text_n(json_string_value(json), json_string_length(json));
        return true;
    }
    return false;
}

/* What the field's type cannot say is shown as it is kept. */
static void append_json(struct fb_buf *buf, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    fb_buf_append_text(buf, text == NULL ? "?" : text);
    free(text);
}

void fb_say_value(struct fb_store *s, const struct fb_field *field, const json_t *value,
                  struct fb_buf *buf)
{
    struct fb_value v;
    bool is_blank = json_is_string(value) && json_string_length(value) == 0;
    if (value == NULL || json_is_null(value) || is_blank) {
        fb_buf_append_text(buf, fb_text("(empty)"));
    } else if (field == NULL || !value_of_json(value, &v)) {
        append_json(buf, value);
    } else if (v.type == FB_TEXT && field->target_count == 1) {
        size_t before = buf->size;
        fb_ignore(fb_title_append(s, field->targets[0]->name, json_string_value(value), buf),
                  "the id stands in for it");
        fb_buf_append_text(buf, buf->size == before ? json_string_value(value) : "");
    } else {
        fb_field_format(field, &v, buf);
    }
}

/* Cuts what was appended since start to one line of the characters that fit. */
static void cut_line(struct fb_buf *buf, size_t start)
{
    size_t chars = 0;
    for (size_t i = start; i < buf->size; i++) {
        if (buf->bytes[i] < ' ') {
            buf->bytes[i] = ' ';
        }
        bool is_start = (buf->bytes[i] & 0xC0) != 0x80;
        if (is_start && ++chars > FB_SAID_VALUE_CHARS) {
            buf->size = i;
            fb_buf_append_text(buf, "…");
            return;
        }
    }
}

void fb_say_values(struct fb_store *s, const struct fb_entity *e, const char *json,
                   struct fb_buf *buf)
{
    json_t *fields = json == NULL ? NULL : json_loads(json, JSON_ALLOW_NUL, NULL);
    size_t start = buf->size;
    const char *name;
    json_t *value;
    bool is_group = json_object_size(fields) > 1;
    json_object_foreach(fields, name, value)
    {
        if (is_group && (json_is_null(value) || buf->size > start + 4096)) {
            continue;
        }
        fb_buf_append_text(buf, buf->size > start ? ", " : "");
        fb_say_value(s, e == NULL ? NULL : fb_entity_field(e, name), value, buf);
    }
    json_decref(fields);
    if (buf->size == start) {
        fb_buf_append_text(buf, fb_text("(empty)"));
    }
    cut_line(buf, start);
}

void fb_say_who(struct fb_store *s, const char *employee_id, struct fb_buf *buf)
{
    size_t start = buf->size;
    if (employee_id != NULL) {
        fb_ignore(fb_title_append(s, "employee", employee_id, buf), "headquarters stands in");
    }
    fb_buf_append_text(buf, buf->size == start ? fb_text("headquarters") : "");
}

void fb_say_field(const struct fb_catalogue *c, const char *entity, const char *group,
                  struct fb_buf *buf)
{
    const struct fb_entity *e = c == NULL || entity == NULL ? NULL : fb_catalogue_entity(c, entity);
    const struct fb_field *f = e == NULL ? NULL : fb_entity_field(e, group);
    for (size_t i = 0; e != NULL && f == NULL && i < e->group_count; i++) {
        if (strcmp(e->groups[i].name, group) == 0) {
            f = e->groups[i].fields[0]; /* a group is called by its first field */
        }
    }
    fb_buf_append_text(buf, f != NULL                   ? fb_field_label(f)
                            : strcmp(group, "row") == 0 ? fb_text("record")
                                                        : group);
}

/* ---- What became of an edit ---- */

/* The parts of a sentence, as texts. */
struct said {
    const char *field, *record, *theirs, *mine, *who, *me, *when;
};

/* A delete would have taken along what its author's laptop did not hold. */
static bool is_of_unseen(const struct fb_desk_conflict *c)
{
    return strcmp(c->policy, "unseen records") == 0;
}

/* To the desk, which is neither side. */
static void say_to_desk(const struct fb_desk_conflict *c, const struct said *t, struct fb_buf *buf)
{
    if (is_of_unseen(c)) {
        fb_buf_printf(buf,
                      fb_text("%s deleted %s, but it has records that are not on that laptop, so "
                              "it was kept."),
                      t->me, t->record);
    } else if (strcmp(c->reason, "delete_vs_edit") == 0) {
        bool is_theirs = strcmp(c->theirs, "{}") == 0;
        fb_buf_printf(
            buf, fb_text("%s deleted %s, but %s had changed it, so it is back with those edits."),
            is_theirs ? t->who : t->me, t->record, is_theirs ? t->me : t->who);
    } else if (strcmp(c->outcome, "waiting") == 0) {
        fb_buf_printf(buf,
                      fb_text("%s wrote “%s” and %s wrote “%s” in %s of %s. “%s” is shown until "
                              "someone decides."),
                      t->me, t->mine, t->who, t->theirs, t->field, t->record, t->theirs);
    } else {
        fb_buf_printf(buf, fb_text("%s wrote “%s” and %s wrote “%s” in %s of %s."), t->me, t->mine,
                      t->who, t->theirs, t->field, t->record);
    }
}

static bool has_mine_won(const struct fb_desk_conflict *c)
{
    return c->theirs_at == NULL || (c->mine_at != NULL && strcmp(c->mine_at, c->theirs_at) > 0);
}

/* The records of both are there: pages offer to merge them. */
static void say_lead_twice(const struct fb_desk_conflict *c, const struct said *t,
                           struct fb_buf *buf)
{
    if (strcmp(c->field, "processed_at") == 0) {
        fb_buf_printf(buf, fb_text("%s processed this lead first."), t->who);
    } else {
        fb_buf_printf(buf,
                      fb_text("%s processed this lead first. Your “%s” is kept too; the two can be "
                              "merged."),
                      t->who, t->mine);
    }
}

static bool is_lead_twice(const struct fb_desk_conflict *c)
{
    return strcmp(c->policy, "once") == 0 && fb_conversion_is_result(c->entity, c->field);
}

/* What a policy decided, to the author of the laptop's edit. */
static void say_policy(const struct fb_desk_conflict *c, const struct said *t, struct fb_buf *buf)
{
    if (strcmp(c->policy, "server") == 0) {
        fb_buf_printf(
            buf, fb_text("%s is kept by headquarters. Your “%s” was not taken; it stays “%s”."),
            t->field, t->mine, t->theirs);
    } else if (is_lead_twice(c)) {
        say_lead_twice(c, t, buf);
    } else if (strcmp(c->policy, "once") == 0) {
        fb_buf_printf(buf, fb_text("%s is set once: it stays “%s”, your “%s” can still be seen."),
                      t->field, t->theirs, t->mine);
    } else if (strcmp(c->policy, "text") == 0) {
        fb_buf_printf(buf,
                      fb_text("You and %s rewrote the same line of %s. The later text stands; the "
                              "other is kept with the conflict."),
                      t->who, t->field);
    } else if (strcmp(c->policy, "progress") == 0) {
        fb_buf_printf(buf, fb_text("You set %s to “%s”, %s to “%s”. The further step stands."),
                      t->field, t->mine, t->who, t->theirs);
    } else if (strcmp(c->policy, "owner") == 0) {
        fb_buf_printf(buf, fb_text("The owner's edit decides %s: you wrote “%s”, %s wrote “%s”."),
                      t->field, t->mine, t->who, t->theirs);
    } else if (strcmp(c->policy, "merged records") == 0) {
        fb_buf_printf(buf,
                      fb_text("%s was merged with another record that had a %s of its own: “%s” "
                              "stands, your “%s” is kept."),
                      t->record, t->field, t->theirs, t->mine);
    } else if (has_mine_won(c)) {
        fb_buf_printf(buf,
                      fb_text("You changed %s later than %s, so your “%s” stands instead of “%s”."),
                      t->field, t->who, t->mine, t->theirs);
    } else {
        fb_buf_printf(buf,
                      fb_text("%s changed %s to “%s” %s, later than your “%s”, so “%s” stands."),
                      t->who, t->field, t->theirs, t->when, t->mine, t->theirs);
    }
}

static void say_to_author(const struct fb_desk_conflict *c, const struct said *t,
                          struct fb_buf *buf)
{
    if (strcmp(c->entity, "conflict") == 0) {
        fb_buf_printf(
            buf, fb_text("%s had decided this conflict before you: that decision stands."), t->who);
    } else if (is_of_unseen(c)) {
        fb_buf_printf(buf,
                      fb_text("%s, which you deleted, has records that are not on this laptop, so "
                              "it was kept. Ask headquarters to delete it."),
                      t->record);
    } else if (strcmp(c->reason, "delete_vs_edit") == 0) {
        bool is_theirs = strcmp(c->theirs, "{}") == 0;
        fb_buf_printf(
            buf,
            is_theirs
                ? fb_text("%s deleted %s, but you had changed it, so it is back with your edits.")
                : fb_text("%s had changed %s, which you deleted, so it was kept. You can delete it "
                          "again after a look."),
            t->who, t->record);
    } else if (strcmp(c->outcome, "auto") != 0) {
        fb_buf_printf(buf, fb_text("You and %s both changed %s: you wrote “%s”, %s wrote “%s”."),
                      t->who, t->field, t->mine, t->who, t->theirs);
        if (strcmp(c->outcome, "waiting") == 0) {
            fb_buf_append_byte(buf, ' ');
            fb_buf_printf(buf, fb_text("“%s” is shown until someone decides."), t->theirs);
        }
    } else {
        say_policy(c, t, buf);
    }
}

/* To the author of headquarters' value: what somebody else did to it. */
static void say_to_other(const struct fb_desk_conflict *c, const struct said *t, struct fb_buf *buf)
{
    bool is_won =
        strcmp(c->outcome, "auto") == 0 && strcmp(c->policy, "latest") == 0 && has_mine_won(c);
    if (is_won) {
        fb_buf_printf(buf,
                      fb_text("%s changed %s of %s to “%s”, later than your “%s”, so “%s” stands."),
                      t->me, t->field, t->record, t->mine, t->theirs, t->mine);
    } else {
        say_to_desk(c, t, buf);
    }
}

static void say_ruling(struct fb_store *s, const struct fb_desk_conflict *c,
                       const struct fb_entity *e, const struct said *t, struct fb_buf *buf)
{
    static const char *const OUTCOMES[] = {"kept_theirs", "kept_mine", "kept_base", "typed"};
    const char *const values[] = {c->theirs, c->mine, c->base, c->typed};
    FB_AUTO(fb_buf_release) struct fb_buf value;
    FB_AUTO(fb_buf_release) struct fb_buf who;
    fb_buf_init(&value, FB_SAID_BYTES_MAX);
    fb_buf_init(&who, FB_SAID_BYTES_MAX);
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(c->outcome, OUTCOMES[i]) != 0) {
            continue;
        }
        fb_say_values(s, e, values[i], &value);
        fb_say_who(s, c->decided_by_id, &who);
        fb_buf_append_byte(buf, ' ');
        if (strcmp(c->reason, "delete_vs_edit") == 0) {
            fb_buf_printf(buf, fb_text("%s decided about %s."), fb_buf_text(&who), t->record);
        } else {
            fb_buf_printf(buf, fb_text("%s decided: %s is “%s”."), fb_buf_text(&who), t->field,
                          fb_buf_text(&value));
        }
    }
    if (c->note != NULL && c->note[0] != '\0') {
        fb_buf_append_byte(buf, ' ');
        fb_buf_printf(buf, fb_text("Note: %s"), c->note);
    }
}

static bool is_person(const char *id, const char *viewer_id)
{
    return id != NULL && viewer_id != NULL && strcmp(id, viewer_id) == 0;
}

static bool is_group_of_several(const struct fb_store *s, const struct fb_desk_conflict *c)
{
    const struct fb_entity *e = fb_catalogue_entity(fb_store_catalogue(s), c->entity);
    for (size_t i = 0; e != NULL && i < e->group_count; i++) {
        if (strcmp(e->groups[i].name, c->field) == 0) {
            return e->groups[i].field_count > 1;
        }
    }
    return false;
}

const char *fb_say_code(const struct fb_store *s, const struct fb_desk_conflict *c)
{
    static const char *const POLICIES[][2] = {{"server", "server"}, {"text", "text_clash"}};
    bool is_latest = strcmp(c->policy, "latest") == 0;
    if (is_of_unseen(c) || strcmp(c->entity, "conflict") == 0) {
        return NULL;
    }
    if (strcmp(c->reason, "delete_vs_edit") == 0) {
        return strcmp(c->theirs, "{}") == 0 ? "they_deleted" : "i_deleted";
    }
    if (strcmp(c->outcome, "auto") != 0) {
        return strcmp(c->outcome, "waiting") != 0   ? NULL
               : strcmp(c->policy, "progress") == 0 ? "two_ends"
                                                    : "manual";
    }
    if (is_lead_twice(c)) {
        return strcmp(c->field, "processed_at") == 0 ? "lead_first" : "lead_twice";
    }
    if (is_latest && !has_mine_won(c) && is_group_of_several(s, c)) {
        return "group";
    }
    for (size_t i = 0; i < sizeof POLICIES / sizeof POLICIES[0]; i++) {
        if (strcmp(c->policy, POLICIES[i][0]) == 0) {
            return POLICIES[i][1];
        }
    }
    return !is_latest ? NULL : has_mine_won(c) ? "later_mine" : "later_theirs";
}

void fb_say_conflict(struct fb_store *s, const struct fb_desk_conflict *c, const char *viewer_id,
                     struct fb_buf *buf)
{
    const struct fb_catalogue *catalogue = fb_store_catalogue(s);
    const struct fb_entity *e = fb_catalogue_entity(catalogue, c->entity);
    struct fb_buf parts[6];
    char when[FB_LOCAL_TIME_SIZE];
    for (size_t i = 0; i < 6; i++) {
        fb_buf_init(&parts[i], FB_SAID_BYTES_MAX);
    }
    fb_say_field(catalogue, c->entity, c->field, &parts[0]);
    fb_ignore(fb_title_append(s, c->entity, c->record_id, &parts[1]), "nothing is shown");
    fb_say_values(s, e, c->theirs, &parts[2]);
    fb_say_values(s, e, c->mine, &parts[3]);
    fb_say_who(s, c->theirs_by_id, &parts[4]);
    fb_say_who(s, c->mine_by_id, &parts[5]);
    struct said t = {.field = fb_buf_text(&parts[0]),
                     .record = fb_buf_text(&parts[1]),
                     .theirs = fb_buf_text(&parts[2]),
                     .mine = fb_buf_text(&parts[3]),
                     .who = fb_buf_text(&parts[4]),
                     .me = fb_buf_text(&parts[5]),
                     .when = c->theirs_at == NULL ? "" : fb_say_time(c->theirs_at, when)};
    if (is_person(c->mine_by_id, viewer_id)) {
        say_to_author(c, &t, buf);
    } else if (is_person(c->theirs_by_id, viewer_id)) {
        say_to_other(c, &t, buf);
    } else {
        say_to_desk(c, &t, buf);
    }
    say_ruling(s, c, e, &t, buf);
    for (size_t i = 0; i < 6; i++) {
        fb_buf_release(&parts[i]);
    }
}
