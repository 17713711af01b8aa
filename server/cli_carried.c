/* SPDX-License-Identifier: MIT
 *
 * answer: a round carried by file, at headquarters.
 */
#include <stdio.h>

#include "common/base/mem.h"
#include "common/base/os.h"
#include "common/net/sealed.h"
#include "server/authority.h"
#include "server/cli.h"
#include "server/devices.h"
#include "server/high_water.h"
#include "server/hub.h"

/* What headquarters answers with: its authority, its database, its merging. Nothing of it runs on. */
struct desk {
    const char *data;
    const struct fb_config *config;
    struct fb_authority authority;
    struct fb_store *writer;
    struct fb_store *reader;
    struct fb_hub *hub;
    struct fb_random random;
};

static int desk_open(struct desk *d, int64_t now_ms, struct fb_why *why)
{
    char path[4096];
    struct fb_store_options options = {.node = FB_NODE_SERVER};
    snprintf(path, sizeof path, "%s/fieldbook.db", d->data);
    d->random = fb_random_system();
    int rc = fb_authority_load(d->data, now_ms, &d->authority, why);
    rc = rc < 0 ? rc : fb_store_open(path, &options, &d->writer, why);
    options.is_read_only = true;
    rc = rc < 0 ? rc : fb_store_open(path, &options, &d->reader, why);
    rc = rc < 0 ? rc : fb_hub_new(d->writer, d->reader, &d->random, &d->hub, why);
    if (rc < 0) {
        return rc;
    }
    fb_hub_set_lease(d->hub, fb_config_int(d->config, "devices.lease"));
    return fb_high_water_check(d->data, d->hub);
}

static void desk_close(struct desk *d)
{
    struct fb_high_water mark = {0};
    struct fb_why why = {""};
    if (d->hub != NULL) {
        fb_ignore(fb_hub_note_lives(d->hub), "the next contact tells it again");
        fb_ignore(fb_high_water_note(&mark, d->data, d->writer, &why), "the daemon writes it anew");
    }
    fb_hub_free(d->hub);
    fb_store_close(d->reader);
    fb_store_close(d->writer);
    fb_authority_release(&d->authority);
}

/* As at the door: a certificate of ours that is on the list; an expired one as long as it may be renewed. */
static int check_signer(struct desk *d, const struct fb_cert *signer, int64_t now_ms,
                        struct fb_why *why)
{
    if (now_ms - signer->valid_until_ms > FB_RENEW_EXPIRED_MS_MAX) {
        return fb_fail(why, FB_ERR_REFUSED,
                       "this laptop's certificate expired more than 180 days ago: ask "
                       "headquarters for a new enrolment code");
    }
    return fb_device_check_certificate(d->writer, signer->device_id, &signer->fingerprint, why);
}

static int answer(struct desk *d, const struct fb_buf *file, struct fb_buf *ret, struct fb_why *why)
{
    int64_t now_ms = fb_os_now_ms();
    int rc = desk_open(d, now_ms, why);
    if (rc < 0) {
        return rc;
    }
    const struct fb_unseal by = {.key = &d->authority.issuer.key, .ca = &d->authority.ca};
    struct fb_cert signer;
    FB_AUTO(fb_buf_release) struct fb_buf ask;
    FB_AUTO(fb_buf_release) struct fb_buf pem;
    FB_AUTO(fb_buf_release) struct fb_buf said;
    fb_buf_init(&ask, FB_CARRIED_BYTES_MAX);
    fb_buf_init(&pem, FB_PEM_BYTES_MAX);
    fb_buf_init(&said, FB_CARRIED_BYTES_MAX);
    rc = fb_unseal(FB_SEALED_ASK, &by, file->bytes, file->size, &ask, &signer, &pem, why);
    rc = rc < 0 ? rc : check_signer(d, &signer, now_ms, why);
    rc = rc < 0 ? rc : fb_hub_answer(d->hub, signer.device_id, &ask, now_ms, &said, why);
    return rc < 0 ? rc : fb_seal(FB_SEALED_ANSWER, &said, &d->authority.server, &pem, ret, why);
}

static void print_result(const struct fb_cli *cli, const struct fb_hub_counters *n,
                         const char *path)
{
    if (fb_cli_is_json(cli)) {
        printf("{\"pushes\":%lld,\"repeated\":%lld,\"changes\":%lld,\"conflicts\":%lld,"
               "\"held\":%lld}\n",
               (long long)n->pushes, (long long)n->pushes_repeated, (long long)n->changes,
               (long long)n->conflicts_open, (long long)n->held);
        return;
    }
    printf(fb_text("Taken in: changes %lld, of them to decide %lld, held %lld. The answer is in "
                   "%s.\n"),
           (long long)n->changes, (long long)n->conflicts_open, (long long)n->held, path);
    fb_cli_say(cli, "Take it back to the laptop and run `fieldbook-replica import-round` there.");
}

int fb_server_cli_answer(struct fb_cli *cli, struct fb_why *why)
{
    struct desk d = {.data = NULL};
    struct fb_config *config;
    char beside[4096];
    int held = -1;
    const char *file_path = fb_cli_argument(cli, 0);
    const char *path = fb_cli_value(cli, "out");
    snprintf(beside, sizeof beside, "%s.answer", file_path);
    path = path == NULL ? beside : path;
    FB_AUTO(fb_buf_release) struct fb_buf file;
    FB_AUTO(fb_buf_release) struct fb_buf sealed;
    fb_buf_init(&file, FB_SEALED_BYTES_MAX);
    fb_buf_init(&sealed, FB_SEALED_BYTES_MAX);
    int rc = fb_cli_data(cli, &d.data, why);
    rc = rc < 0 ? rc : fb_cli_config(cli, &config, why);
    rc = rc < 0 ? rc : fb_os_read_file(file_path, &file, why);
    /* Says that there is no database before it says that the folder cannot be locked. */
    FB_AUTO(fb_store_drop) struct fb_store *s = NULL;
    rc = rc < 0 ? rc : fb_command_store(cli, &s, why);
    rc = rc < 0 ? rc : fb_server_cli_lock(d.data, &held, why);
    if (rc < 0) {
        return rc;
    }
    fb_store_drop(&s);
    d.config = config;
    rc = answer(&d, &file, &sealed, why);
    rc = rc < 0 ? rc : fb_os_write_file(path, sealed.bytes, sealed.size, 0644, why);
    if (rc == FB_OK) {
        print_result(cli, fb_hub_counters(d.hub), path);
    }
    desk_close(&d);
    fb_os_unlock(held);
    return rc;
}
