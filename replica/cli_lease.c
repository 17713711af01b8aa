/* SPDX-License-Identifier: MIT
 *
 * unlock; and the lines of `status` about the lease.
 */
#include <stdio.h>

#include "common/base/os.h"
#include "common/crm/say.h"
#include "replica/cli.h"
#include "replica/lease.h"

int fb_replica_cli_unlock(struct fb_cli *cli, struct fb_why *why)
{
    const char *data;
    struct fb_lease l;
    int rc = fb_cli_data(cli, &data, why);
    rc = rc < 0 ? rc : fb_replica_lease_unlock(data, fb_cli_argument(cli, 0), fb_os_now_ms(), why);
    rc = rc < 0 ? rc : fb_replica_lease_read(data, fb_os_now_ms(), &l, why);
    if (rc == FB_OK) {
        char instant[FB_INSTANT_SIZE];
        char at[FB_LOCAL_TIME_SIZE];
        fb_instant_format(l.until_ms, instant);
        fb_cli_say(cli, "Unlocked until %s. Please sync as soon as you can.",
                   fb_say_time(instant, at));
    }
    return rc;
}

void fb_replica_cli_print_lease(const struct fb_lease *l)
{
    int days = fb_lease_days_left(l);
    char instant[FB_INSTANT_SIZE];
    char at[FB_LOCAL_TIME_SIZE];
    struct fb_why why = {""};
    fb_instant_format(l->until_ms, instant);
    if (days < 0) {
        fb_cli_print_fact("may stay offline", "for ever");
    } else if (days == 0) {
        fb_replica_lease_say(l, &why);
        fb_cli_print_fact("locked", "%s", why.text);
    } else {
        fb_cli_print_fact("may stay offline", "until %s (days left: %d)", fb_say_time(instant, at),
                          days);
    }
}

void fb_replica_cli_print_lease_json(const struct fb_lease *l)
{
    int days = fb_lease_days_left(l);
    char until[FB_INSTANT_SIZE];
    fb_instant_format(l->until_ms, until);
    printf("\"locked\":%s,\"lease\":", days == 0 ? "true" : "false");
    if (days < 0) {
        printf("null");
    } else {
        printf("{\"until\":\"%s\",\"days\":%d}", until, days);
    }
}
