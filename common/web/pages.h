/* SPDX-License-Identifier: MIT
 *
 * The built pages: files of one folder, found by the names that were there at the start, so that no path of a request ever
 * reaches the file system. Names with a hash (assets/) are kept by browsers for ever; a variant NAME.br or NAME.gz is sent
 * where the browser takes it; any other path is a page of the app and gets index.html, with the nonce of its policy filled
 * in for {{nonce}}.
 */
#ifndef FB_WEB_PAGES_H
#define FB_WEB_PAGES_H

#include "common/web/http_conn.h"

struct fb_pages;

/* A folder that is not there, or without index.html, is no error: a page then says that the pages are not built. */
int fb_pages_new(const char *folder, struct fb_pages **ret) FB_MUST_CHECK;
void fb_pages_free(struct fb_pages *pages);

/* Answers GET of anything outside the API. nonce: of this answer. ret_source is set where a file is sent: give it to
 * fb_http_conn_answer. */
void fb_pages_answer(const struct fb_pages *pages, const struct fb_request *req, const char *nonce,
                     struct fb_response *res, struct fb_http_source *ret_source);

#endif
