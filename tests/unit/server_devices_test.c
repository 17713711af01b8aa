/* SPDX-License-Identifier: MIT
 *
 * Devices at headquarters: certificates and who may renew one, codes, being shut out and erased (faults D1, D4, D5, D6, D10).
 */
#include <string.h>

#include "common/base/limits.h"
#include "common/net/ca.h"
#include "server/device_life.h"
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

/* Her push lies at headquarters, not settled yet, when an admin decides. */
static void push_meets(const char *decision)
{
    FB_AUTO(fb_buf_release) struct fb_buf out;
    struct fb_world_replica *ana = world_replica(w, "ana");
    fb_buf_init(&out, (size_t)4 * FB_FRAME_BYTES_MAX);
    replica_connects(w, "ana");
    replica_edits(w, "ana", "company/acme", "website", "late.example");
    fb_replica_round_noticed_write(ana->round, w->now_ms);
    assert_int_equal(fb_replica_round_take(ana->round, &out, w->now_ms), FB_OK);
    assert_true(out.size > 0);
    assert_int_equal(fb_server_session_feed(ana->session, out.bytes, out.size, w->now_ms), FB_OK);
    assert_true(fb_hub_has_work(w->hub));
    server_runs(w, decision);
    server_settles(w);
    expect_server(w, "company/acme", "website", "NULL");
    assert_string_equal(server_asks(w, "SELECT count(*) FROM held_change", NULL), "0");
    world_runs(w);
    assert_null(ana->session);
}

FB_TEST(what_an_admin_decided_counts_for_the_push_of_the_same_turn)
{
    push_meets("UPDATE device SET state = 'suspended'");
    server_runs(w, "UPDATE device SET state = 'active'");
    replica_syncs(w, "ana");
    expect_server(w, "company/acme", "website", "late.example");
}

FB_TEST(a_laptop_suspended_the_moment_it_pulls_is_sent_away_without_a_row)
{
    FB_AUTO(fb_buf_release) struct fb_buf out;
    struct fb_world_replica *ana = world_replica(w, "ana");
    fb_buf_init(&out, (size_t)4 * FB_FRAME_BYTES_MAX);
    replica_connects(w, "ana");
    fb_replica_round_want_digest(ana->round);
    assert_int_equal(fb_replica_round_take(ana->round, &out, w->now_ms), FB_OK);
    assert_int_equal(fb_server_session_feed(ana->session, out.bytes, out.size, w->now_ms), FB_OK);
    server_runs(w, "UPDATE device SET state = 'suspended'");
    fb_buf_clear(&out);
    assert_int_equal(fb_server_session_take(ana->session, &out, w->now_ms), FB_OK);
    assert_int_equal(out.bytes[4], FB_MESSAGE_REFUSE);
    assert_int_equal(fb_server_session_take(ana->session, &out, w->now_ms), FB_ERR_REFUSED);
}

FB_TEST(a_laptop_that_is_to_be_erased_hands_in_its_work_and_gets_nothing)
{
    struct fb_world_replica *ana = world_replica(w, "ana");
    struct fb_why why = {""};
    server_edits(w, "company/acme", "short_name", "not for a laptop that goes");
    replica_edits(w, "ana", "company/acme", "website", "last.example");
    assert_int_equal(fb_device_wipe(w->store, "ana", true, w->now_ms, &why), FB_OK);
    replica_connects(w, "ana");
    int64_t unsent = -1;
    replica_edits(w, "ana", "company/acme", "description", "saved this moment");
    assert_false(fb_replica_round_may_wipe(ana->round, w->now_ms, &unsent));
    world_runs(w);
    assert_true(fb_replica_round_may_wipe(ana->round, w->now_ms, &unsent));
    assert_int_equal(unsent, 0);
    expect_server(w, "company/acme", "description", "saved this moment");
    expect_server(w, "company/acme", "website", "last.example");
    assert_string_equal(replica_value(w, "ana", "company/acme", "short_name"), "NULL");
}

FB_TEST(nobody_says_erased_whom_nobody_told_to)
{
    bool is_ordered = true;
    struct fb_why why = {""};
    struct fb_device_life life;
    const char *id = world_id("device/ana");
    assert_int_equal(fb_device_note_wiped(w->store, id, 3, 5000, &is_ordered), FB_OK);
    assert_false(is_ordered);
    assert_int_equal(fb_device_wipe(w->store, "ana", false, 4000, &why), FB_OK);
    assert_int_equal(fb_device_note_wiped(w->store, id, 3, 5000, &is_ordered), FB_OK);
    assert_true(is_ordered);
    assert_int_equal(fb_device_note_wiped(w->store, id, 9, 6000, &is_ordered), FB_OK);
    assert_int_equal(fb_device_life_read(w->store, id, &life), FB_OK);
    assert_int_equal(life.wiped_at_ms, 5000);
    assert_int_equal(life.wiped_unsent, 3);
}

FB_TEST(a_code_lives_thirty_minutes_and_is_its_persons_and_its_devices)
{
    FB_AUTO(fb_arena_release) struct fb_arena arena = {0};
    struct fb_enrol_answer answer;
    struct fb_why why = {""};
    struct fb_sha256 pin = {{7}};
    char code[FB_ENROL_CODE_SIZE];
    const struct fb_enrol_policy policy = {.lease_ms = FB_LEASE_MS};
    struct fb_enrol_ask ask = {
        .code = code, .device_name = "whatever it says", .csr = csr.bytes, .csr_size = csr.size};
    server_runs(w, "INSERT INTO fb_user (employee_id, login, password, created_at_ms)"
                   " SELECT id, 'ana', 'none', 0 FROM employee LIMIT 1");
    const char *ana = world_id("employee/ana");
    for (int minutes = 31; minutes >= 29; minutes -= 2) {
        assert_int_equal(
            fb_invite_make(w->store, ana, "office", &pin, &w->random, w->now_ms, code, &why),
            FB_OK);
        int rc = fb_enrolment_answer(w->store, &authority, &ask, "", &policy, &w->random,
                                     w->now_ms + minutes * INT64_C(60000), &arena, &answer, &why);
        assert_int_equal(rc, minutes > 30 ? FB_ERR_REFUSED : FB_OK);
    }
    assert_string_equal(answer.employee_id, ana);
    assert_string_equal(server_asks(w, "SELECT name FROM device WHERE name <> 'ana'", NULL),
                        "office");
    assert_string_equal(
        server_asks(w, "SELECT count(*) FROM fb_invite WHERE length(code_hash) = 32", NULL), "2");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, end)
int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(an_expired_certificate_renews_for_180_days_and_not_longer),
        CASE(neither_a_revoked_nor_an_unknown_device_nor_a_stranger_renews),
        CASE(only_a_device_that_waits_is_approved),
        CASE(what_an_admin_decided_counts_for_the_push_of_the_same_turn),
        CASE(a_laptop_suspended_the_moment_it_pulls_is_sent_away_without_a_row),
        CASE(a_laptop_that_is_to_be_erased_hands_in_its_work_and_gets_nothing),
        CASE(nobody_says_erased_whom_nobody_told_to),
        CASE(a_code_lives_thirty_minutes_and_is_its_persons_and_its_devices),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
