/* SPDX-License-Identifier: MIT
 *
 * The record API over a world (world.h): headquarters' writes are sealed by its hub, a laptop's wait in its journal.
 */
#ifndef FB_TESTS_API_WORLD_H
#define FB_TESTS_API_WORLD_H

#include "tests/lib/api_call.h"
#include "tests/lib/world.h"

/* The employee loses the roles a world gives to all. */
void api_forbids(struct fb_world *w, const char *who);
/* The employee gets a role of his own that permits all actions on all entities up to that level. */
void api_permits(struct fb_world *w, const char *who, const char *level);

/* Calls at headquarters as the employee of that name; on that laptop. */
struct api_call api_at_headquarters(struct fb_world *w, const char *who);
struct api_call api_on_laptop(struct fb_world *w, const char *who);
/* Those calls most stories need: ana's and bo's at headquarters, and ana's on her laptop. */
void api_people_open(struct fb_world *w, struct api_call *ana, struct api_call *bo,
                     struct api_call *laptop);
/* Forgets their answers and closes the world. */
void api_people_close(struct fb_world *w, struct api_call *ana, struct api_call *bo,
                      struct api_call *laptop);
/* "/api/v1/company/<id of acme>" for "company/acme", with what follows. One of eight rotating buffers. */
const char *api_path(const char *record, const char *rest);

#endif
