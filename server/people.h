/* SPDX-License-Identifier: MIT
 *
 * People who may log in: an employee's row, a role, territories, and a login with a password (argon2id) that stays at
 * headquarters. A new login gets a one-time password that must be changed.
 */
#ifndef FB_SERVER_PEOPLE_H
#define FB_SERVER_PEOPLE_H

#include "common/base/id.h"
#include "common/store/store.h"

#define FB_PASSWORD_TEXT_SIZE 25 /* five groups of four, hyphens between, and the zero */

struct fb_person {
    const char *login;
    const char *name;               /* "Li Ming", "李明": split into family and given name */
    const char *role;               /* a role's name */
    const char *const *territories; /* codes */
    size_t territory_count;
};

/* Inside a transaction. */
int fb_person_add(struct fb_store *s, const struct fb_person *person,
                  const struct fb_random *random, int64_t now_ms,
                  char ret_password[static FB_PASSWORD_TEXT_SIZE],
                  struct fb_why *why) FB_MUST_CHECK;
int fb_person_new_password(struct fb_store *s, const char *login, const struct fb_random *random,
                           char ret_password[static FB_PASSWORD_TEXT_SIZE],
                           struct fb_why *why) FB_MUST_CHECK;

/* The person has these roles from now on, and no others. Inside a transaction. */
int fb_person_set_roles(struct fb_store *s, const char *login, const char *const *roles,
                        size_t count, struct fb_why *why) FB_MUST_CHECK;

/* The person's logins end, none of his laptops syncs, no invitation of his lets one in; nothing is lost, and resuming lets all in again
 * (but laptops that were suspended by themselves), and whoever had left is back. Inside a transaction. */
int fb_person_suspend(struct fb_store *s, const char *login, int64_t now_ms,
                      struct fb_why *why) FB_MUST_CHECK;
int fb_person_resume(struct fb_store *s, const char *login, struct fb_why *why) FB_MUST_CHECK;

/* The second step at sign-in that a person lost is taken away, by that employee (NULL: a command). FB_ERR_NOT_FOUND: there is no
 * such person, or no such step. Inside a transaction. */
int fb_person_drop_second_step(struct fb_store *s, const char *login, const char *by_id,
                               struct fb_why *why) FB_MUST_CHECK;
/* Tells the person, in a notification that the audit log keeps, what became of his second step. Inside a transaction. */
int fb_person_tell_second_step(struct fb_store *s, const char *employee_id, const char *by_id,
                               const char *sentence) FB_MUST_CHECK;

/* FB_ERR_NOT_FOUND with a sentence. */
int fb_person_find(struct fb_store *s, const char *login,
                   char ret_employee_id[static FB_ROW_ID_SIZE], struct fb_why *why) FB_MUST_CHECK;

#endif
