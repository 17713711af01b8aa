/* SPDX-License-Identifier: MIT */
#include "replica/cli.h"

static const struct fb_cli_command COMMANDS[] = {
    {"enrol",
     "",
     0,
     0,
     "join a headquarters with the code it gave",
     false,
     {{"server", "HOST:PORT", false, true, "headquarters' address"},
      {"code", "CODE", false, true, "the line that `fieldbook-server invite` printed"},
      {"device", "NAME", false, false, "what to call this laptop (else its host name)"}},
     fb_replica_cli_enrol},
    {"run",
     "",
     0,
     0,
     "keep in step with headquarters until SIGTERM",
     false,
     {{"server", "HOST:PORT", false, false, "another address than at enrolment"}},
     fb_replica_cli_run},
    {"sync",
     "",
     0,
     0,
     "sync until in step, then end",
     false,
     {{"server", "HOST:PORT", false, false, "another address than at enrolment"},
      {"exit-code", NULL, false, false, "end with 7 if conflicts or held edits wait"}},
     fb_replica_cli_sync},
    {"status", "", 0, 0, "what waits, how fresh the data is", false, {{0}}, fb_replica_cli_status},
    {"outbox",
     "",
     0,
     0,
     "edits that headquarters has not confirmed yet",
     false,
     {{0}},
     fb_replica_cli_outbox},
    {"doctor",
     "",
     0,
     0,
     "check this laptop's database and mend what can be mended",
     false,
     {{0}},
     fb_replica_cli_doctor},
    FB_COMMANDS_OF_BOTH,
    {NULL, NULL, 0, 0, NULL, false, {{0}}, NULL},
};

int main(int argc, char **argv)
{
    static const struct fb_command_node NODE = {.node = FB_NODE_REPLICA};
    static const struct fb_cli_program PROGRAM = {
        .name = "fieldbook-replica",
        .summary = "Fieldbook on a laptop: all your customers, with or without a network.",
        .commands = COMMANDS,
        .config_keys = FB_REPLICA_CONFIG_KEYS,
        .config_file = "replica.conf",
        .context = &NODE,
    };
    return fb_cli_main(&PROGRAM, argc, argv);
}
