/* SPDX-License-Identifier: MIT
 *
 * init and run.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/command/logging.h"
#include "common/store/sql.h"
#include "server/authority.h"
#include "server/cli.h"
#include "server/daemon.h"
#include "server/hub.h"
#include "server/password.h"
#include "server/people.h"
#include "server/seed.h"
#include "server/timeline.h"

static int read_shipped(struct fb_catalogue **ret, struct fb_why *why)
{
    char folder[4096];
    fb_os_share_path("catalogue", folder, sizeof folder);
    return fb_catalogue_read_folder(folder, 1, ret, why);
}

static int install_catalogue(struct fb_store *s, int64_t now_ms, struct fb_why *why)
{
    struct fb_catalogue *c = NULL;
    int rc = read_shipped(&c, why);
    return rc < 0 ? rc : fb_store_set_catalogue(s, c, now_ms, why);
}

/* What this program ships and the database does not have yet: a newer release was installed. */
static int take_shipped(struct fb_store *s, int64_t now_ms, struct fb_why *why)
{
    FB_AUTO(fb_catalogue_drop) struct fb_catalogue *shipped = NULL;
    struct fb_catalogue *next = NULL;
    int rc = read_shipped(&shipped, why);
    rc = rc < 0 ? rc : fb_catalogue_with_shipped(fb_store_catalogue(s), shipped, &next, why);
    if (rc < 0 || next == NULL) {
        return rc;
    }
    rc = fb_store_begin(s);
    if (rc < 0) {
        fb_catalogue_free(next);
        return fb_store_error(s, why);
    }
    int64_t version = next->version;
    rc = fb_server_cli_end_writing(s, fb_store_set_catalogue(s, next, now_ms, why), why);
    if (rc == FB_OK) {
        fb_log(FB_LOG_INFO, "catalogue_taken_in", "version=%lld", (long long)version);
    }
    return rc;
}

static int fill_new_database(struct fb_store *s, const char *admin,
                             char ret_password[static FB_PASSWORD_TEXT_SIZE], struct fb_why *why)
{
    struct fb_random random = fb_random_system();
    int64_t now_ms = fb_os_now_ms();
    int rc = fb_timeline_start(s, &random, now_ms);
    rc = rc < 0 ? rc : install_catalogue(s, now_ms, why);
    struct fb_value prefix = fb_value_text("HQ");
    rc = rc < 0 ? rc : fb_store_meta_set(s, "number_prefix", &prefix);
    rc = rc < 0 ? rc : fb_seed_load(s, why);
    const struct fb_person person = {.login = admin, .name = "Admin", .role = "admin"};
    return rc < 0 ? rc : fb_person_add(s, &person, &random, now_ms, ret_password, why);
}

static int make_database(const char *path, const char *admin,
                         char ret_password[static FB_PASSWORD_TEXT_SIZE], struct fb_why *why)
{
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    struct fb_store_options options = {.node = FB_NODE_SERVER, .may_create = true};
    int rc = fb_store_open(path, &options, &s, why);
    if (rc < 0) {
        return rc;
    }
    rc = fb_store_begin(s);
    if (rc < 0) {
        return fb_store_error(s, why);
    }
    return fb_server_cli_end_writing(s, fill_new_database(s, admin, ret_password, why), why);
}

int fb_server_cli_init(struct fb_cli *cli, struct fb_why *why)
{
    const char *data;
    int rc = fb_cli_data(cli, &data, why);
    rc = rc < 0 ? rc : fb_os_make_folder(data, why);
    if (rc < 0) {
        return rc;
    }
    char path[4096];
    snprintf(path, sizeof path, "%s/fieldbook.db", data);
    if (fb_os_file_exists(path)) {
        return fb_fail(why, FB_ERR_EXISTS,
                       "%s holds a database already: run it, or give another --data folder", data);
    }
    const char *const *hosts;
    size_t host_count = fb_cli_values(cli, "host", &hosts);
    const char *admin = fb_cli_value(cli, "admin") == NULL ? "admin" : fb_cli_value(cli, "admin");
    char password[FB_PASSWORD_TEXT_SIZE];
    rc = fb_authority_make(data, hosts, host_count, fb_os_now_ms(), why);
    struct fb_random random = fb_random_system();
    rc = rc < 0 ? rc : fb_password_load_pepper(data, &random, why);
    rc = rc < 0 ? rc : make_database(path, admin, password, why);
    rc = rc < 0 ? rc : fb_server_settle(data, why);
    if (rc < 0) {
        return rc;
    }
    fb_cli_say(
        cli, "Headquarters is ready in %s. Keep %s/tls/root.key in a safe place off this machine.",
        data, data);
    fb_cli_say(cli, "Browsers trust it once %s/tls/root.pem is among their authorities.", data);
    fb_cli_say(cli, "The admin is called %s; this one-time password is shown once:", admin);
    printf("%s\n", password);
    return FB_OK;
}

/* Seals what commands wrote, unless a daemon holds the folder and does it itself. */
int fb_server_cli_lock(const char *data, int *ret_lock, struct fb_why *why)
{
    int rc = fb_os_lock_folder(data, ret_lock, why);
    return rc != FB_ERR_BUSY
               ? rc
               : fb_fail(why, rc,
                         "the server is running on %s: stop it, give this command again, and "
                         "start it; laptops come back by themselves",
                         data);
}

int fb_server_settle(const char *data, struct fb_why *why)
{
    int lock = -1;
    int rc = fb_os_lock_folder(data, &lock, NULL);
    if (rc == FB_ERR_BUSY) {
        return FB_OK;
    }
    if (rc < 0) {
        return rc;
    }
    char path[4096];
    snprintf(path, sizeof path, "%s/fieldbook.db", data);
    FB_AUTO(fb_store_drop) struct fb_store *writer = NULL;
    FB_AUTO(fb_store_drop) struct fb_store *reader = NULL;
    struct fb_store_options options = {.node = FB_NODE_SERVER};
    struct fb_random random = fb_random_system();
    struct fb_hub *hub = NULL;
    rc = fb_store_open(path, &options, &writer, why);
    options.is_read_only = true;
    rc = rc < 0 ? rc : fb_store_open(path, &options, &reader, why);
    rc = rc < 0 ? rc : fb_hub_new(writer, reader, &random, &hub, why);
    if (rc == FB_OK && (rc = fb_hub_settle(hub, fb_os_now_ms())) < 0) {
        fb_ignore(fb_store_error(writer, why), "only its sentence is wanted");
    }
    fb_hub_free(hub);
    fb_os_unlock(lock);
    return rc;
}

int fb_server_cli_run(struct fb_cli *cli, struct fb_why *why)
{
    const char *data;
    struct fb_config *config;
    int rc = fb_cli_data(cli, &data, why);
    rc = rc < 0 ? rc : fb_cli_config(cli, &config, why);
    rc = rc < 0 ? rc : fb_command_start_log(cli, config, FB_LOG_DEBUG, why);
    if (rc < 0) {
        return rc;
    }
    const char *listen = fb_cli_value(cli, "listen");
    if (listen != NULL) {
        rc = fb_config_override(config, "server.listen", listen, "--listen", why);
    }
    /* Says that there is no database before it says that the folder cannot be locked. */
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    rc = rc < 0 ? rc : fb_command_store(cli, &s, why);
    int lock = -1;
    rc = rc < 0 ? rc : fb_os_lock_folder(data, &lock, why);
    rc = rc < 0 ? rc : take_shipped(s, fb_os_now_ms(), why);
    fb_store_drop(&s);
    rc = rc < 0 ? rc : fb_server_daemon_run(data, config, why);
    fb_os_unlock(lock);
    return rc;
}
