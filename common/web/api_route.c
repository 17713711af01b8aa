/* SPDX-License-Identifier: MIT
 *
 * The routes of the record API. Special paths stand before {entity}: the first that fits is taken.
 */
#include "common/web/api_handlers.h"

const struct fb_route fb_api_routes[] = {
    {"GET", "/api/v1/{entity}", fb_api_get_list, 0, 0},
    {"POST", "/api/v1/{entity}", fb_api_post_record, FB_ROUTE_WRITES, 0},
    {"GET", "/api/v1/{entity}/{id}", fb_api_get_record, 0, 0},
    {"PATCH", "/api/v1/{entity}/{id}", fb_api_patch_record, FB_ROUTE_WRITES, 0},
    {"DELETE", "/api/v1/{entity}/{id}", fb_api_delete_record, FB_ROUTE_WRITES, 0},
    {NULL, NULL, NULL, 0, 0},
};
