/* SPDX-License-Identifier: MIT
 *
 * The commands of fieldbook-replica; main.c holds their table.
 */
#ifndef FB_REPLICA_CLI_H
#define FB_REPLICA_CLI_H

#include "common/command/command.h"

extern const struct fb_config_key FB_REPLICA_CONFIG_KEYS[];

int fb_replica_cli_enrol(struct fb_cli *cli, struct fb_why *why);
int fb_replica_cli_run(struct fb_cli *cli, struct fb_why *why);
int fb_replica_cli_open(struct fb_cli *cli, struct fb_why *why);
int fb_replica_cli_sync(struct fb_cli *cli, struct fb_why *why);
int fb_replica_cli_export_round(struct fb_cli *cli, struct fb_why *why);
int fb_replica_cli_import_round(struct fb_cli *cli, struct fb_why *why);
int fb_replica_cli_unlock(struct fb_cli *cli, struct fb_why *why);
int fb_replica_cli_status(struct fb_cli *cli, struct fb_why *why);
int fb_replica_cli_outbox(struct fb_cli *cli, struct fb_why *why);
int fb_replica_cli_doctor(struct fb_cli *cli, struct fb_why *why);
int fb_replica_cli_changes(struct fb_cli *cli, struct fb_why *why);
int fb_replica_cli_receipts(struct fb_cli *cli, struct fb_why *why);

/* What `status` says of the lease. */
struct fb_lease;
void fb_replica_cli_print_lease(const struct fb_lease *l);
void fb_replica_cli_print_lease_json(const struct fb_lease *l); /* two members of an object */

#endif
