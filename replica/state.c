/* SPDX-License-Identifier: MIT */
#include "replica/state.h"

#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/base/time.h"

#define STATE_BYTES_MAX 4096

void fb_replica_state_write(const char *data, const struct fb_replica_state_note *note)
{
    char path[4096];
    char at[FB_INSTANT_SIZE];
    FB_AUTO(fb_buf_release) struct fb_buf text;
    fb_buf_init(&text, STATE_BYTES_MAX);
    fb_instant_format(note->at_ms, at);
    fb_buf_printf(&text,
                  "{\"state\":\"%s\",\"at\":\"%s\",\"retry_in_ms\":%lld,\"sentence\":", note->state,
                  at, (long long)note->retry_in_ms);
    fb_buf_append_json_text(&text, note->sentence, strlen(note->sentence));
    fb_buf_append_text(&text, "}\n");
    snprintf(path, sizeof path, "%s/state.json", data);
    if (fb_buf_error(&text) == FB_OK) {
        fb_ignore(fb_os_write_file(path, text.bytes, text.size, 0600, NULL),
                  "only for people to read");
    }
}

void fb_replica_state_read(const char *data, struct fb_buf *ret)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/state.json", data);
    if (fb_os_read_file(path, ret, NULL) < 0) {
        fb_buf_clear(ret);
    }
}
