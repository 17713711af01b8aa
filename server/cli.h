/* SPDX-License-Identifier: MIT
 *
 * The commands of fieldbook-server; main.c holds their table. Each is one subject per file: cli_setup.c (init, run),
 * cli_people.c (user, invite), cli_device.c, cli_data.c (verify, status,
 * sample), cli_backup.c (backup, restore).
 */
#ifndef FB_SERVER_CLI_H
#define FB_SERVER_CLI_H

#include "common/command/command.h"

extern const struct fb_config_key FB_SERVER_CONFIG_KEYS[];

int fb_server_cli_init(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_run(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_user_add(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_user_role(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_user_suspend(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_user_resume(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_user_list(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_user_password(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_user_second_step(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_invite(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_device_list(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_device_approve(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_device_suspend(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_device_resume(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_device_refuse(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_device_wipe(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_device_unlock(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_device_revoke(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_answer(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_backup(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_restore(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_verify(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_status(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_sample(struct fb_cli *cli, struct fb_why *why);

/* Ends what a command wrote in the open transaction: commits if rc is no error, else rolls back with the
 * database's sentence if there is no better one. */
int fb_server_cli_end_writing(struct fb_store *s, int rc, struct fb_why *why) FB_MUST_CHECK;

/* For what may not run beside the daemon: holds the data folder until fb_os_unlock. FB_ERR_BUSY with a sentence: the server runs. */
int fb_server_cli_lock(const char *data, int *ret_lock, struct fb_why *why) FB_MUST_CHECK;

/* Takes what commands wrote into the log, if no daemon does (common/command/command.h, settle). */
int fb_server_settle(const char *data, struct fb_why *why) FB_MUST_CHECK;
int fb_server_cli_territory_list(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_territory_rehearse(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_territory_apply(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_policy_list(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_policy_rehearse(struct fb_cli *cli, struct fb_why *why);
int fb_server_cli_policy_set(struct fb_cli *cli, struct fb_why *why);

#endif
