/* SPDX-License-Identifier: MIT
 *
 * Devices and how they get in: invitations, enrolment, certificates, suspending and revoking. The row in table `device`
 * decides; a certificate only says who it is. With `devices.approve = ask` a new device waits until an admin has compared its
 * check with the one the laptop shows.
 */
#ifndef FB_SERVER_DEVICES_H
#define FB_SERVER_DEVICES_H

#include "common/crm/enrol_code.h"
#include "common/store/store.h"
#include "common/wire/message.h"
#include "server/authority.h"

#define FB_INVITE_LIFE_MS (INT64_C(30) * 60 * 1000)

/* Makes a one-time code for an employee; only its hash is kept. */
int fb_invite_make(struct fb_store *s, const char *employee_id, const char *device_name,
                   const struct fb_sha256 *root_fingerprint, const struct fb_random *random,
                   int64_t now_ms, char ret_code[static FB_ENROL_CODE_SIZE],
                   struct fb_why *why) FB_MUST_CHECK;

struct fb_enrol_policy {
    bool must_approve; /* a new device waits until an admin compared its check */
    int64_t lease_ms;  /* 0: none */
};

/* Answers an enrolment or renewal in one transaction; the answer's bytes live in the arena. certificate_device: who the
 * connection's certificate says it is, "" without one (a renewal needs it). A refusal is FB_ERR_REFUSED with the sentence for
 * the person at the laptop. */
int fb_enrolment_answer(struct fb_store *s, const struct fb_authority *authority,
                        const struct fb_enrol_ask *ask, const char *certificate_device,
                        const struct fb_enrol_policy *policy, const struct fb_random *random,
                        int64_t now_ms, struct fb_arena *arena, struct fb_enrol_answer *ret,
                        struct fb_why *why) FB_MUST_CHECK;

/* The id and state of a device named by its id or by a name that only one has. FB_ERR_NOT_FOUND, FB_ERR_INVALID with a sentence. */
#define FB_DEVICE_STATE_SIZE 16
int fb_device_find(struct fb_store *s, const char *device, char ret_id[static FB_ROW_ID_SIZE],
                   char ret_state[static FB_DEVICE_STATE_SIZE], struct fb_why *why) FB_MUST_CHECK;

/* A waiting device becomes active; FB_ERR_INVALID with a sentence if it does not wait. */
int fb_device_approve(struct fb_store *s, const char *device, struct fb_why *why) FB_MUST_CHECK;
/* A waiting device is shut out for good. The same errors. */
int fb_device_refuse(struct fb_store *s, const char *device, struct fb_why *why) FB_MUST_CHECK;

/* Shuts the device out, and has it erase its data at its next contact. */
int fb_device_wipe(struct fb_store *s, const char *device, bool takes_unsent, int64_t now_ms,
                   struct fb_why *why) FB_MUST_CHECK;

/* state: active, suspended, revoked, wiped. device: an id or a name that only one device has. */
int fb_device_set_state(struct fb_store *s, const char *device, const char *state,
                        struct fb_why *why) FB_MUST_CHECK;

/* FB_OK if the certificate was issued to that device; FB_ERR_REFUSED otherwise. */
int fb_device_check_certificate(struct fb_store *s, const char *device_id,
                                const struct fb_sha256 *fingerprint,
                                struct fb_why *why) FB_MUST_CHECK;

#endif
