/* SPDX-License-Identifier: MIT */
#include "common/store/inside.h"

int fb_history_before_commit(struct fb_store *store)
{
    return store == NULL;
}
void fb_history_rolled_back(struct fb_store *store)
{
    fb_assert(store != NULL);
}
int fb_history_savepoint(struct fb_store *store)
{
    return store == NULL;
}
void fb_history_savepoint_undone(struct fb_store *store, int depth)
{
    fb_assert(store != NULL && depth > 0);
}
void fb_history_free(struct fb_store *store)
{
    fb_assert(store != NULL);
}
