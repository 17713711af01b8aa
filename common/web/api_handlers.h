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

#endif
