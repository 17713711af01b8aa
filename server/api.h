/* SPDX-License-Identifier: MIT
 *
 * What only headquarters' API has, beside the record API of common/web: users, devices, audit, for admins.
 */
#ifndef FB_SERVER_API_H
#define FB_SERVER_API_H

#include "common/web/api.h"

extern const struct fb_route fb_server_api_routes[];

#endif
