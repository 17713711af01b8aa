/* SPDX-License-Identifier: MIT
 *
 * The routes of the record API. Special paths stand before {entity}: the first that fits is taken.
 */
#include "common/web/api_handlers.h"

const struct fb_route fb_api_routes[] = {
    {"GET", "/api/v1/catalogue", fb_api_get_catalogue, 0, 0},
    {"GET", "/api/v1/openapi", fb_api_get_openapi, 0, 0},
    {"GET", "/api/v1/conflicts", fb_api_get_conflicts, 0, 0},
    {"POST", "/api/v1/conflicts/rule", fb_api_post_rule, FB_ROUTE_WRITES, 0},
    {"GET", "/api/v1/conflicts/{id}", fb_api_get_conflicts, 0, 0},
    {"GET", "/api/v1/held", fb_api_get_held, 0, 0},
    {"GET", "/api/v1/held/{id}", fb_api_get_held, 0, 0},
    {"POST", "/api/v1/held/{id}/{verb}", fb_api_post_held, FB_ROUTE_WRITES, 0},
    {"GET", "/api/v1/receipts", fb_api_get_receipts, 0, 0},
    {"GET", "/api/v1/search", fb_api_get_search, FB_ROUTE_SEARCH, 0},
    {"GET", "/api/v1/lookup/{entity}", fb_api_get_lookup, FB_ROUTE_SEARCH, 0},
    {"GET", "/api/v1/group/{entity}", fb_api_get_group, 0, 0},
    {"GET", "/api/v1/bin", fb_api_get_bin, FB_ROUTE_SERVER, 0},
    {"POST", "/api/v1/bulk", fb_api_post_bulk, FB_ROUTE_WRITES, 0},
    {"GET", "/api/v1/duplicates", fb_api_get_duplicates, 0, 0},
    {"POST", "/api/v1/duplicates/{id}/dismiss", fb_api_post_dismiss, FB_ROUTE_WRITES, 0},
    {"POST", "/api/v1/merges/{id}/undo", fb_api_post_unmerge, FB_ROUTE_WRITES, 0},
    {"POST", "/api/v1/{entity}/{id}/merge", fb_api_post_merge, FB_ROUTE_WRITES, 0},
    {"GET", "/api/v1/lead/{id}/process", fb_api_get_process, 0, 0},
    {"POST", "/api/v1/lead/{id}/process", fb_api_post_process, FB_ROUTE_WRITES, 0},
    {"GET", "/api/v1/{entity}/{id}/related", fb_api_get_related, 0, 0},
    {"GET", "/api/v1/{entity}/{id}/timeline", fb_api_get_timeline, 0, 0},
    {"GET", "/api/v1/{entity}/{id}/history", fb_api_get_history, 0, 0},
    {"POST", "/api/v1/{entity}/{id}/restore", fb_api_post_restore,
     FB_ROUTE_WRITES | FB_ROUTE_SERVER, 0},
    {"GET", "/api/v1/{entity}", fb_api_get_list, 0, 0},
    {"POST", "/api/v1/{entity}", fb_api_post_record, FB_ROUTE_WRITES, 0},
    {"GET", "/api/v1/{entity}/{id}", fb_api_get_record, 0, 0},
    {"PATCH", "/api/v1/{entity}/{id}", fb_api_patch_record, FB_ROUTE_WRITES, 0},
    {"DELETE", "/api/v1/{entity}/{id}", fb_api_delete_record, FB_ROUTE_WRITES, 0},
    {NULL, NULL, NULL, 0, 0},
};
