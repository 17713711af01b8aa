/* SPDX-License-Identifier: MIT
 *
 * Three-way merge of lines by libgit2, whose only user in the program this file is. Where both
 * sides only added lines at one place both stay, headquarters' first; where they rewrote the same
 * lines the later edit's whole text stands and the conflict keeps the other.
 */
#include <git2.h>
#include <string.h>
#include <threads.h>

#include "common/base/buf.h"
#include "common/base/limits.h"
#include "common/merge/policy.h"

/* A text whose last line has its end, so that adding a line below does not change that line. */
struct lines {
    const char *bytes;
    size_t size;
    bool had_end;
};

static once_flag library_once = ONCE_FLAG_INIT;
static int library_state;

static void start_library(void)
{
    library_state = git_libgit2_init();
}

static void drop_merged(git_merge_file_result *merged)
{
    git_merge_file_result_free(merged);
}

static int lines_of(const struct fb_value *v, struct fb_arena *arena, struct lines *ret)
{
    *ret = (struct lines){.bytes = "", .had_end = false};
    if (fb_value_is_empty(v) || v->size == 0) {
        return FB_OK;
    }
    ret->had_end = v->bytes[v->size - 1] == '\n';
    if (ret->had_end) {
        ret->bytes = v->bytes;
        ret->size = v->size;
        return FB_OK;
    }
    char *copy = fb_arena_alloc(arena, (size_t)v->size + 2);
    if (copy == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    memcpy(copy, v->bytes, v->size);
    copy[v->size] = '\n';
    ret->bytes = copy;
    ret->size = (size_t)v->size + 1;
    return FB_OK;
}

static size_t line_size(const char *bytes, size_t size)
{
    const char *end = memchr(bytes, '\n', size);
    return end == NULL ? size : (size_t)(end - bytes) + 1;
}

/* True if every line of part stands in whole, in the same order. */
static bool holds_lines(const char *whole, size_t whole_size, const struct lines *part)
{
    const char *at = part->bytes;
    size_t left = part->size;
    while (left > 0 && whole_size > 0) {
        size_t want = line_size(at, left);
        size_t have = line_size(whole, whole_size);
        if (want == have && memcmp(at, whole, want) == 0) {
            at += want;
            left -= want;
        }
        whole += have;
        whole_size -= have;
    }
    return left == 0;
}

static bool starts_with(const struct lines *text, const struct lines *start)
{
    return text->size >= start->size && memcmp(text->bytes, start->bytes, start->size) == 0;
}

/* The first line of what was added below base that is not blank; its size without its end. */
static const char *first_added_line(const struct lines *text, const struct lines *base,
                                    size_t *ret_size)
{
    const char *at = text->bytes + base->size;
    const char *end = text->bytes + text->size;
    while (at < end && (*at == '\n' || *at == '\r')) {
        at++;
    }
    *ret_size = line_size(at, (size_t)(end - at));
    return at;
}

/* Both wrote below the same text, different things: the library would share the blank line between
 * them and glue the two paragraphs. */
static bool both_appended(const struct lines *base, const struct lines *theirs,
                          const struct lines *mine)
{
    if (!starts_with(theirs, base) || !starts_with(mine, base)) {
        return false;
    }
    size_t theirs_size;
    size_t mine_size;
    const char *theirs_line = first_added_line(theirs, base, &theirs_size);
    const char *mine_line = first_added_line(mine, base, &mine_size);
    return theirs_size != mine_size || memcmp(theirs_line, mine_line, mine_size) != 0;
}

static int run_library(const struct lines *base, const struct lines *theirs,
                       const struct lines *mine, git_merge_file_favor_t favor,
                       git_merge_file_result *ret)
{
    git_merge_file_input in[3];
    const struct lines *texts[3] = {base, theirs, mine};
    for (int i = 0; i < 3; i++) {
        in[i] = (git_merge_file_input){.version = GIT_MERGE_FILE_INPUT_VERSION,
                                       .ptr = texts[i]->bytes,
                                       .size = texts[i]->size};
    }
    git_merge_file_options options = {.version = GIT_MERGE_FILE_OPTIONS_VERSION, .favor = favor};
    return git_merge_file(ret, &in[0], &in[1], &in[2], &options) < 0 ? FB_ERR_NO_MEMORY : FB_OK;
}

/* The end of the last line is there if the side that changed that, else headquarters, has it. */
static int answer_text(const struct fb_merge_ask *ask, struct fb_arena *arena, const char *bytes,
                       size_t size, bool has_end, struct fb_merge_result *ret)
{
    if (!has_end && size > 0 && bytes[size - 1] == '\n') {
        size--;
    }
    struct fb_value value = fb_value_text_n(bytes, size);
    return fb_merge_answer(ask, arena, FB_MERGE_COMBINED, &value, ret);
}

static int answer_appended(const struct fb_merge_ask *ask, struct fb_arena *arena,
                           const struct lines *base, const struct lines *theirs,
                           const struct lines *mine, struct fb_merge_result *ret)
{
    size_t added = mine->size - base->size;
    char *both = fb_arena_alloc(arena, theirs->size + added + 1);
    if (both == NULL) {
        return FB_ERR_NO_MEMORY;
    }
    memcpy(both, theirs->bytes, theirs->size);
    memcpy(both + theirs->size, mine->bytes + base->size, added);
    return answer_text(ask, arena, both, theirs->size + added, mine->had_end, ret);
}

static int merge_additions(const struct fb_merge_ask *ask, struct fb_arena *arena,
                           const struct lines *base, const struct lines *theirs,
                           const struct lines *mine, struct fb_merge_result *ret)
{
    if (!holds_lines(theirs->bytes, theirs->size, base) ||
        !holds_lines(mine->bytes, mine->size, base)) {
        return fb_merge_latest(ask, arena, ret);
    }
    if (both_appended(base, theirs, mine)) {
        return answer_appended(ask, arena, base, theirs, mine, ret);
    }
    FB_AUTO(drop_merged) git_merge_file_result merged = {0};
    int rc = run_library(base, theirs, mine, GIT_MERGE_FILE_FAVOR_UNION, &merged);
    if (rc < 0) {
        return rc;
    }
    if (!holds_lines(merged.ptr, merged.len, theirs) ||
        !holds_lines(merged.ptr, merged.len, mine)) {
        return fb_merge_latest(ask, arena, ret);
    }
    return answer_text(ask, arena, merged.ptr, merged.len, theirs->had_end, ret);
}

static bool is_text(const struct fb_value *v)
{
    return v->type == FB_TEXT || fb_value_is_empty(v);
}

int fb_merge_text(const struct fb_merge_ask *ask, struct fb_arena *arena,
                  struct fb_merge_result *ret)
{
    if (!is_text(ask->base) || !is_text(ask->theirs) || !is_text(ask->mine)) {
        return fb_merge_latest(ask, arena, ret);
    }
    if (ask->base->size > FB_TEXT_MERGE_BYTES_MAX || ask->theirs->size > FB_TEXT_MERGE_BYTES_MAX ||
        ask->mine->size > FB_TEXT_MERGE_BYTES_MAX) {
        return fb_merge_manual(ask, arena, ret);
    }
    call_once(&library_once, start_library);
    struct lines base;
    struct lines theirs;
    struct lines mine;
    if (library_state < 0 || lines_of(ask->base, arena, &base) < 0 ||
        lines_of(ask->theirs, arena, &theirs) < 0 || lines_of(ask->mine, arena, &mine) < 0) {
        return FB_ERR_NO_MEMORY;
    }
    FB_AUTO(drop_merged) git_merge_file_result merged = {0};
    int rc = run_library(&base, &theirs, &mine, GIT_MERGE_FILE_FAVOR_NORMAL, &merged);
    if (rc < 0) {
        return rc;
    }
    if (!merged.automergeable) {
        return merge_additions(ask, arena, &base, &theirs, &mine, ret);
    }
    bool has_end = mine.had_end != base.had_end ? mine.had_end : theirs.had_end;
    return answer_text(ask, arena, merged.ptr, merged.len, has_end, ret);
}
