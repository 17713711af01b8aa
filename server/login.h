/* SPDX-License-Identifier: MIT
 *
 * Logins of people in the pages, kept at headquarters: a cookie of 256 random bits, of which only the hash is stored. A login
 * ends 30 minutes after its last use, 12 hours after it began, and as soon as the person's password, roles or employment
 * are others than when it began, whatever changed them.
 */
#ifndef FB_SERVER_LOGIN_H
#define FB_SERVER_LOGIN_H

#include "common/base/hash.h"
#include "common/web/http.h"

#define FB_LOGIN_IDLE_MS    (INT64_C(30) * 60 * 1000)
#define FB_LOGIN_LIFE_MS    (INT64_C(12) * 3600 * 1000)
#define FB_LOGIN_TOKEN_SIZE 65 /* 64 hexadecimal digits and the zero */

/* Whose login a token is; FB_ERR_NOT_FOUND if nobody's (any more). ret_is_stale: its use should be noted. */
int fb_login_find(struct fb_store *s, const char *token, int64_t now_ms, struct fb_login *ret,
                  bool *ret_is_stale) FB_MUST_CHECK;

/* Within a transaction. A new login; csrf: that of the page that stays open, NULL makes one. */
int fb_login_make(struct fb_store *s, const char *employee_id, const char *csrf,
                  const struct fb_random *random, int64_t now_ms,
                  char ret_token[static FB_LOGIN_TOKEN_SIZE]) FB_MUST_CHECK;
int fb_login_note_use(struct fb_store *s, const char *token, int64_t now_ms) FB_MUST_CHECK;
int fb_login_end(struct fb_store *s, const char *token) FB_MUST_CHECK;
int fb_login_end_all(struct fb_store *s, const char *employee_id) FB_MUST_CHECK;
/* Those that nobody uses any more. */
int fb_login_expire(struct fb_store *s, int64_t now_ms) FB_MUST_CHECK;

/* The password's rule: 12 characters at least, none of the common ones, not the login. FB_ERR_INVALID with a sentence. */
int fb_login_check_new_password(const char *password, const char *login,
                                struct fb_why *why) FB_MUST_CHECK;

#endif
