/* SPDX-License-Identifier: MIT
 *
 * Certificates of devices: who may renew one, and until when (faults D1, D5, D10).
 */
#include <string.h>

#include "common/base/limits.h"
#include "common/net/ca.h"
#include "server/devices.h"
#include "tests/lib/testlib.h"
#include "tests/lib/world.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

static struct fb_world *w;
static struct fb_authority authority;
static struct fb_buf key, csr;

static int start(void **state)
{
    (void)state;
    struct fb_ca_pair root;
    w = world_open(FB_SOURCE_DIR, "ana", NULL);
    fb_ca_pair_init(&root);
    fb_ca_pair_init(&authority.issuer);
    fb_buf_init(&authority.ca, FB_PEM_BYTES_MAX);
    fb_buf_init(&key, FB_PEM_BYTES_MAX);
    fb_buf_init(&csr, FB_PEM_BYTES_MAX);
    assert_int_equal(fb_ca_make_root("Test", w->now_ms, &root, NULL), FB_OK);
    assert_int_equal(fb_ca_make_issuer(&root, "Test", w->now_ms, &authority.issuer, NULL), FB_OK);
    assert_int_equal(fb_ca_make_key(&key, NULL), FB_OK);
    assert_int_equal(fb_ca_make_csr(&key, &csr, NULL), FB_OK);
    fb_buf_append(&authority.ca, root.cert.bytes, root.cert.size);
    fb_ca_pair_release(&root);
    server_runs(
        w, "INSERT INTO fb_certificate (fingerprint, device_id, serial, issued_at_ms, not_after_ms)"
           " SELECT x'00', id, 's', 0, 1000 FROM device");
    return 0;
}

static int end(void **state)
{
    (void)state;
    fb_ca_pair_release(&authority.issuer);
    fb_buf_release(&authority.ca);
    fb_buf_release(&key);
    fb_buf_release(&csr);
    world_close(w);
    return 0;
}

/* Ana's laptop asks so long after its certificate ended. */
static int renew(const char *device_id, int64_t late_ms, struct fb_why *why)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_enrol_answer answer;
    struct fb_enrol_ask ask = {
        .code = "", .device_name = "", .csr = csr.bytes, .csr_size = csr.size, .is_renewal = true};
    const struct fb_enrol_policy policy = {.lease_ms = FB_LEASE_MS};
    return fb_enrolment_answer(w->store, &authority, &ask, device_id, &policy, &w->random,
                               1000 + late_ms, &arena, &answer, why);
}

FB_TEST(an_expired_certificate_renews_for_180_days_and_not_longer)
{
    struct fb_why why = {""};
    assert_int_equal(renew(world_id("device/ana"), FB_RENEW_EXPIRED_MS_MAX + DAY_MS, &why),
                     FB_ERR_REFUSED);
    assert_non_null(strstr(why.text, "180 days"));
    assert_int_equal(renew(world_id("device/ana"), FB_RENEW_EXPIRED_MS_MAX - DAY_MS, &why), FB_OK);
    assert_string_equal(
        server_asks(w, "SELECT count(*) FROM fb_certificate WHERE length(key_hash) = 32", NULL),
        "1");
}

FB_TEST(neither_a_revoked_nor_an_unknown_device_nor_a_stranger_renews)
{
    struct fb_why why = {""};
    assert_int_equal(renew("", 0, &why), FB_ERR_REFUSED);
    assert_int_equal(renew(world_id("device/nobody"), 0, &why), FB_ERR_REFUSED);
    server_runs(w, "UPDATE device SET state = 'revoked'");
    assert_int_equal(renew(world_id("device/ana"), 0, &why), FB_ERR_REFUSED);
}

FB_TEST(only_a_device_that_waits_is_approved)
{
    struct fb_why why = {""};
    assert_int_equal(fb_device_approve(w->store, "ana", &why), FB_ERR_INVALID);
    server_runs(w, "UPDATE device SET state = 'pending'");
    assert_int_equal(fb_device_approve(w->store, "ana", &why), FB_OK);
    assert_string_equal(server_value(w, "device/ana", "state"), "active");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, end)
int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(an_expired_certificate_renews_for_180_days_and_not_longer),
        CASE(neither_a_revoked_nor_an_unknown_device_nor_a_stranger_renews),
        CASE(only_a_device_that_waits_is_approved),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
