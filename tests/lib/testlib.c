/* SPDX-License-Identifier: MIT */
#include "tests/lib/testlib.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/planted.h"

static char folder[64];

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fb_test_folder(void)
{
    if (folder[0] == '\0') {
        snprintf(folder, sizeof folder, "/tmp/fieldbook-test-XXXXXX");
        if (mkdtemp(folder) == NULL) {
            abort();
        }
        atexit(remove_folder);
    }
    return folder;
}

const char *fb_test_path(const char *name)
{
    static char paths[16][512];
    static unsigned turn;
    char *path = paths[turn++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", fb_test_folder(), name);
    return path;
}

#ifdef FB_PLANTED
/* FIELDBOOK_PLANTED names a bug that is on in this program: a test must fail of it (tests/CMakeLists.txt). */
__attribute__((constructor)) static void plant(void)
{
    static const char *const NAMES[] = {
#define FB_PLANT(name, rule, breaks) [FB_PLANTED_##name] = #name,
#include "common/base/planted.def"
#undef FB_PLANT
    };
    const char *wanted = getenv("FIELDBOOK_PLANTED");
    for (int i = 1; wanted != NULL && i < FB_PLANTED_COUNT; i++) {
        if (strcmp(NAMES[i], wanted) == 0) {
            fb_planted_bug = (enum fb_planted)i;
        }
    }
}
#endif
