/* SPDX-License-Identifier: MIT */
#include "server/cli.h"

static const struct fb_cli_command COMMANDS[] = {
    {"init", "", 0, 0, "make a headquarters: database, certificate authority, first admin", false,
     {{"host", "NAME", true, false, "a name or address that laptops reach this server by"},
      {"admin", "LOGIN", false, false, "login of the first admin (else admin)"}},
     fb_server_cli_init},
    {"run", "", 0, 0, "serve laptops until SIGTERM", false,
     {{"listen", "HOST:PORT", false, false, "where to listen; port 0 picks a free one"}},
     fb_server_cli_run},
    {"user add", "LOGIN", 1, 1, "add a person", false,
     {{"name", "NAME", false, true, "the person's name"},
      {"role", "ROLE", false, true, "rep, manager, marketing, support, dispatcher, field engineer, finance, admin, reader"},
      {"territory", "CODE", true, false, "a territory of theirs"}},
     fb_server_cli_user_add},
    {"user list", "", 0, 0, "people who may log in", false, {{0}}, fb_server_cli_user_list},
    {"user password", "LOGIN", 1, 1, "give a person a new one-time password", false, {{0}},
     fb_server_cli_user_password},
    {"invite", "", 0, 0, "print one enrolment code for a person's laptop", false,
     {{"user", "LOGIN", false, true, "whose laptop"}, {"device", "NAME", false, false, "what to call it"}},
     fb_server_cli_invite},
    {"device list", "", 0, 0, "laptops and how they are doing", false, {{0}}, fb_server_cli_device_list},
    {"device suspend", "DEVICE", 1, 1, "keep a laptop out until resumed", false, {{0}},
     fb_server_cli_device_suspend},
    {"device resume", "DEVICE", 1, 1, "let a suspended laptop in again", false, {{0}},
     fb_server_cli_device_resume},
    {"device revoke", "DEVICE", 1, 1, "shut a laptop out for good, within a second", false, {{0}},
     fb_server_cli_device_revoke},
    FB_COMMANDS_OF_BOTH,
    {"verify", "", 0, 0, "check the database, the log's chain and the digests", false, {{0}},
     fb_server_cli_verify},
    {"status", "", 0, 0, "what this headquarters holds and who is behind", false, {{0}}, fb_server_cli_status},
    {"sample", "", 0, 0, "fill with generated companies, contacts, opportunities and orders", true,
     {{"companies", "N", false, false, "how many companies (else 50)"},
      {"seed", "N", false, false, "the same seed makes the same rows (else 1)"}},
     fb_server_cli_sample},
    {NULL, NULL, 0, 0, NULL, false, {{0}}, NULL},
};

int main(int argc, char **argv)
{
    static const struct fb_command_node NODE = {.node = FB_NODE_SERVER, .settle = fb_server_settle};
    static const struct fb_cli_program PROGRAM = {
        .name = "fieldbook-server",
        .summary = "Fieldbook headquarters: holds everybody's rows, merges what laptops bring.",
        .commands = COMMANDS,
        .config_keys = FB_SERVER_CONFIG_KEYS,
        .config_file = "server.conf",
        .context = &NODE,
    };
    return fb_cli_main(&PROGRAM, argc, argv);
}
