/* SPDX-License-Identifier: MIT */
#include "server/high_water.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hex.h"
#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/store/history.h"
#include "server/rewound.h"

#define FILE_NAME      "high-water"
#define LINE_BYTES_MAX 256

int fb_high_water_check(const char *data, struct fb_hub *hub)
{
    char path[4200];
    char timeline[FB_ROW_ID_SIZE] = "";
    char hex[2 * FB_SHA256_BYTES + 1] = "";
    long long rev = 0;
    struct fb_sha256 hash;
    FB_AUTO(fb_buf_release) struct fb_buf line;
    fb_buf_init(&line, LINE_BYTES_MAX);
    snprintf(path, sizeof path, "%s/" FILE_NAME, data);
    if (fb_os_read_file(path, &line, NULL) < 0 ||
        sscanf(fb_buf_text(&line), "%36s %18lld %64s", timeline, &rev, hex) != 3 ||
        strlen(hex) + 1 != sizeof hex || !fb_hex_read(hex, hash.bytes, sizeof hash.bytes)) {
        return FB_OK;
    }
    return fb_hub_check_mark(hub, timeline, rev, &hash);
}

int fb_high_water_note(struct fb_high_water *mark, const char *data, struct fb_store *s,
                       struct fb_why *why)
{
    char timeline[FB_ROW_ID_SIZE] = "";
    int64_t rev = 0;
    struct fb_sha256 hash;
    int rc = fb_history_head(s, &rev);
    rc = rc < 0 ? rc : fb_store_meta_text(s, "timeline", timeline, sizeof timeline);
    if (rc < 0 || (rev == mark->rev && strcmp(timeline, mark->timeline) == 0)) {
        return rc;
    }
    rc = fb_history_chain_head(s, &hash);
    if (rc < 0) {
        return rc;
    }
    char path[4200];
    FB_AUTO(fb_buf_release) struct fb_buf line;
    fb_buf_init(&line, LINE_BYTES_MAX);
    fb_buf_printf(&line, "%s %lld ", timeline, (long long)rev);
    fb_hex_append(&line, hash.bytes, sizeof hash.bytes);
    fb_buf_append_byte(&line, '\n');
    rc = fb_buf_error(&line);
    snprintf(path, sizeof path, "%s/" FILE_NAME, data);
    rc = rc < 0 ? rc : fb_os_write_file(path, line.bytes, line.size, 0600, why);
    if (rc == FB_OK) {
        mark->rev = rev;
        memcpy(mark->timeline, timeline, sizeof mark->timeline);
    }
    return rc;
}
