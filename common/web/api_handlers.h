/* SPDX-License-Identifier: MIT
 *
 * The handlers of the record API, for its table of routes alone.
 */
#ifndef FB_WEB_API_HANDLERS_H
#define FB_WEB_API_HANDLERS_H

#include "common/web/api.h"

int fb_api_get_list(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_get_record(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_post_record(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_patch_record(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_delete_record(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_get_lookup(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_get_search(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_get_related(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_get_group(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_get_timeline(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_get_history(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_get_bin(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_post_restore(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_post_bulk(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_get_catalogue(struct fb_web *web, const struct fb_request *req, struct fb_response *res);

int fb_api_get_conflicts(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_post_rule(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_get_held(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_post_held(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_get_receipts(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_get_duplicates(struct fb_web *web, const struct fb_request *req,
                          struct fb_response *res);
int fb_api_post_dismiss(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_post_unmerge(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_post_merge(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_get_process(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_post_process(struct fb_web *web, const struct fb_request *req, struct fb_response *res);
int fb_api_get_openapi(struct fb_web *web, const struct fb_request *req, struct fb_response *res);

#endif
