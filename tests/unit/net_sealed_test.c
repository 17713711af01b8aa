/* SPDX-License-Identifier: MIT
 *
 * A round travels on a stick: who may have written the file, who can read it, and what damage on the way does.
 */
#include "common/net/sealed.h"
#include "tests/unit/net_fixture.h"

#define ROUND      "hello, two pushes, a pull"
#define HEAD_BYTES (8 + FB_SHA256_BYTES)

static struct authority hq;
static struct authority stranger;
static int64_t now_ms;

/* What a laptop has: its certificate, then its authority's. */
static struct fb_ca_pair chain_of(const struct fb_ca_pair *device, const struct authority *a)
{
    struct fb_ca_pair pair;
    fb_ca_pair_init(&pair);
    append(&pair.cert, &device->cert);
    append(&pair.cert, &a->issuer.cert);
    append(&pair.key, &device->key);
    return pair;
}

static void seal(enum fb_sealed_kind kind, const struct fb_ca_pair *from, const struct fb_buf *to,
                 const void *bytes, size_t size, struct fb_buf *ret)
{
    struct fb_why why = {""};
    struct fb_buf in;
    fb_buf_init(&in, 64 * FB_FRAME_BYTES_MAX);
    fb_buf_init(ret, 64 * FB_FRAME_BYTES_MAX);
    fb_buf_append(&in, bytes, size);
    must(fb_seal(kind, &in, from, to, ret, &why), &why);
    fb_buf_release(&in);
}

/* What the laptop of `a` writes for its headquarters. */
static struct fb_buf ask_of(const struct authority *a)
{
    struct fb_buf sealed;
    struct fb_ca_pair laptop = chain_of(&a->device, a);
    seal(FB_SEALED_ASK, &laptop, &laptop.cert, ROUND, strlen(ROUND), &sealed);
    fb_ca_pair_release(&laptop);
    return sealed;
}

struct opened {
    int rc;
    struct fb_buf bytes;
    struct fb_buf pem;
    struct fb_cert signer;
    struct fb_why why;
};

static void open_at(struct opened *o, enum fb_sealed_kind kind, const struct fb_buf *key,
                    const struct fb_buf *ca, const void *bytes, size_t size, int64_t at_ms)
{
    const struct fb_unseal by = {.key = key, .ca = ca, .now_ms = at_ms};
    *o = (struct opened){.rc = FB_OK};
    fb_buf_init(&o->bytes, 64 * FB_FRAME_BYTES_MAX);
    fb_buf_init(&o->pem, FB_PEM_BYTES_MAX);
    o->rc = fb_unseal(kind, &by, bytes, size, &o->bytes, &o->signer, &o->pem, &o->why);
}

static void opened_release(struct opened *o)
{
    fb_buf_release(&o->bytes);
    fb_buf_release(&o->pem);
}

static void expect_refused(enum fb_sealed_kind kind, const struct fb_buf *key,
                           const struct fb_buf *ca, const struct fb_buf *file, int rc,
                           const char *says)
{
    struct opened o;
    open_at(&o, kind, key, ca, file->bytes, file->size, now_ms);
    assert_int_equal(o.rc, rc);
    if (strstr(o.why.text, says) == NULL) {
        fail_msg("expected \"... %s ...\", got \"%s\"", says, o.why.text);
    }
    assert_int_equal(o.bytes.size, 0);
    opened_release(&o);
}

FB_TEST(headquarters_reads_what_a_laptop_wrote_and_knows_which_laptop_it_was)
{
    struct fb_buf file = ask_of(&hq);
    assert_null(memmem(file.bytes, file.size, ROUND, strlen(ROUND)));
    struct opened o;
    open_at(&o, FB_SEALED_ASK, &hq.issuer.key, &hq.ca, file.bytes, file.size, now_ms);
    must(o.rc, &o.why);
    assert_string_equal(fb_buf_text(&o.bytes), ROUND);
    assert_string_equal(o.signer.device_id, DEVICE_ID);
    struct fb_cert device;
    must(fb_cert_read(hq.device.cert.bytes, hq.device.cert.size, &device, NULL), NULL);
    assert_true(fb_sha256_equal(&o.signer.fingerprint, &device.fingerprint));
    opened_release(&o);
    fb_buf_release(&file);
}

FB_TEST(the_laptop_reads_the_answer_also_when_its_certificate_was_renewed_meanwhile)
{
    struct fb_buf file = ask_of(&hq);
    struct fb_buf answer;
    struct opened ask;
    struct opened o;
    open_at(&ask, FB_SEALED_ASK, &hq.issuer.key, &hq.ca, file.bytes, file.size, now_ms);
    must(ask.rc, &ask.why);
    seal(FB_SEALED_ANSWER, &hq.server, &ask.pem, "welcome", 7, &answer);
    /* Only the key counts, and that stays. */
    open_at(&o, FB_SEALED_ANSWER, &hq.device.key, &hq.ca, answer.bytes, answer.size, now_ms);
    must(o.rc, &o.why);
    assert_string_equal(fb_buf_text(&o.bytes), "welcome");
    assert_string_equal(o.signer.device_id, "");
    opened_release(&o);
    opened_release(&ask);
    fb_buf_release(&answer);
    fb_buf_release(&file);
}

FB_TEST(a_megabyte_comes_out_as_it_went_in)
{
    struct fb_ca_pair laptop = chain_of(&hq.device, &hq);
    struct fb_buf file;
    uint8_t *bytes = malloc(FB_FRAME_BYTES_MAX);
    assert_non_null(bytes);
    for (size_t i = 0; i < FB_FRAME_BYTES_MAX; i++) {
        bytes[i] = (uint8_t)(i * 7 >> 3 ^ i); /* line ends of every kind among them */
    }
    seal(FB_SEALED_ASK, &laptop, &laptop.cert, bytes, FB_FRAME_BYTES_MAX, &file);
    assert_true(file.size < FB_FRAME_BYTES_MAX + 8192);
    struct opened o;
    open_at(&o, FB_SEALED_ASK, &hq.issuer.key, &hq.ca, file.bytes, file.size, now_ms);
    must(o.rc, &o.why);
    assert_int_equal(o.bytes.size, FB_FRAME_BYTES_MAX);
    assert_memory_equal(o.bytes.bytes, bytes, FB_FRAME_BYTES_MAX);
    opened_release(&o);
    fb_buf_release(&file);
    fb_ca_pair_release(&laptop);
    free(bytes);
}

FB_TEST(one_byte_altered_anywhere_or_a_lost_end_is_noticed)
{
    struct fb_buf file = ask_of(&hq);
    for (size_t i = 0; i < file.size; i++) {
        file.bytes[i] ^= 0x20;
        expect_refused(FB_SEALED_ASK, &hq.issuer.key, &hq.ca, &file, FB_ERR_INVALID,
                       "copy it again");
        file.bytes[i] ^= 0x20;
    }
    for (; file.size > 0; file.size = file.size * 2 / 3) {
        struct fb_buf cut = file;
        cut.size--;
        expect_refused(FB_SEALED_ASK, &hq.issuer.key, &hq.ca, &cut, FB_ERR_INVALID,
                       "copy it again");
    }
    fb_buf_release(&file);
}

/* Somebody with the stick makes the hash fit again: the CMS itself must hold. */
FB_TEST(who_alters_a_byte_and_its_hash_gets_no_other_round_taken_in)
{
    struct fb_buf file = ask_of(&hq);
    int refused = 0;
    for (size_t i = HEAD_BYTES; i < file.size; i++) {
        file.bytes[i] ^= 0x01;
        struct fb_sha256 hash =
            fb_sha256(file.bytes, 8, file.bytes + HEAD_BYTES, file.size - HEAD_BYTES);
        memcpy(file.bytes + 8, hash.bytes, sizeof hash.bytes);
        struct opened o;
        open_at(&o, FB_SEALED_ASK, &hq.issuer.key, &hq.ca, file.bytes, file.size, now_ms);
        /* Numbers of versions and the name of the reader carry nothing. */
        assert_true(o.rc < 0 || strcmp(fb_buf_text(&o.bytes), ROUND) == 0);
        refused += o.rc < 0 ? 1 : 0;
        file.bytes[i] ^= 0x01;
        opened_release(&o);
    }
    assert_true(refused > (int)(file.size - HEAD_BYTES) * 9 / 10);
    fb_buf_release(&file);
}

FB_TEST(another_headquarters_cannot_read_it_and_says_so)
{
    struct fb_buf file = ask_of(&hq);
    expect_refused(FB_SEALED_ASK, &stranger.issuer.key, &stranger.ca, &file, FB_ERR_REFUSED,
                   "for another headquarters");
    fb_buf_release(&file);
}

FB_TEST(a_stranger_who_knows_headquarters_certificate_is_not_believed)
{
    struct fb_buf file;
    seal(FB_SEALED_ASK, &stranger.device, &hq.issuer.cert, ROUND, strlen(ROUND), &file);
    expect_refused(FB_SEALED_ASK, &hq.issuer.key, &hq.ca, &file, FB_ERR_REFUSED,
                   "not signed by a laptop of this headquarters");
    fb_buf_release(&file);
}

FB_TEST(a_laptop_cannot_answer_in_headquarters_name_nor_a_server_ask)
{
    struct fb_buf file;
    seal(FB_SEALED_ANSWER, &hq.device, &hq.device.cert, "welcome", 7, &file);
    expect_refused(FB_SEALED_ANSWER, &hq.device.key, &hq.ca, &file, FB_ERR_REFUSED,
                   "not signed by this laptop's headquarters");
    fb_buf_release(&file);
    seal(FB_SEALED_ASK, &hq.server, &hq.issuer.cert, ROUND, strlen(ROUND), &file);
    expect_refused(FB_SEALED_ASK, &hq.issuer.key, &hq.ca, &file, FB_ERR_REFUSED,
                   "not signed by a laptop");
    fb_buf_release(&file);
}

FB_TEST(the_answer_to_one_laptop_is_not_for_another)
{
    struct fb_ca_pair other;
    struct fb_buf answer;
    make_device(&hq, "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5c", now_ms, &other);
    seal(FB_SEALED_ANSWER, &hq.server, &hq.device.cert, "welcome", 7, &answer);
    expect_refused(FB_SEALED_ANSWER, &other.key, &hq.ca, &answer, FB_ERR_REFUSED,
                   "for another laptop");
    fb_buf_release(&answer);
    fb_ca_pair_release(&other);
}

FB_TEST(ask_and_answer_are_not_mistaken_for_each_other)
{
    struct fb_buf ask = ask_of(&hq);
    struct fb_buf answer;
    seal(FB_SEALED_ANSWER, &hq.server, &hq.device.cert, "welcome", 7, &answer);
    expect_refused(FB_SEALED_ANSWER, &hq.device.key, &hq.ca, &ask, FB_ERR_INVALID,
                   "take it to headquarters");
    expect_refused(FB_SEALED_ASK, &hq.issuer.key, &hq.ca, &answer, FB_ERR_INVALID,
                   "take it back to the laptop");
    fb_buf_release(&answer);
    fb_buf_release(&ask);
}

/* Months without a network: whether it may still come is the device list's to say. */
FB_TEST(a_laptop_whose_certificate_expired_may_still_ask_an_expired_server_may_not_answer)
{
    struct fb_buf ask = ask_of(&hq);
    struct fb_buf answer;
    struct opened o;
    open_at(&o, FB_SEALED_ASK, &hq.issuer.key, &hq.ca, ask.bytes, ask.size,
            now_ms + 100 * MS_PER_DAY);
    must(o.rc, &o.why);
    opened_release(&o);
    seal(FB_SEALED_ANSWER, &hq.server, &hq.device.cert, "welcome", 7, &answer);
    open_at(&o, FB_SEALED_ANSWER, &hq.device.key, &hq.ca, answer.bytes, answer.size,
            now_ms + 100 * MS_PER_DAY);
    assert_int_equal(o.rc, FB_ERR_REFUSED);
    opened_release(&o);
    fb_buf_release(&answer);
    fb_buf_release(&ask);
}

FB_TEST(keys_that_cannot_be_read_are_named)
{
    struct fb_why why = {""};
    struct fb_buf empty;
    struct fb_buf out;
    fb_buf_init(&empty, 64);
    fb_buf_init(&out, FB_FRAME_BYTES_MAX);
    assert_int_equal(fb_seal(FB_SEALED_ASK, &empty, &hq.device, &empty, &out, &why), FB_ERR_CONFIG);
    assert_non_null(strstr(why.text, "must be PEM text"));
    struct fb_buf file = ask_of(&hq);
    expect_refused(FB_SEALED_ASK, &empty, &hq.ca, &file, FB_ERR_CONFIG, "must be PEM text");
    fb_buf_release(&file);
    fb_buf_release(&out);
    fb_buf_release(&empty);
}

int main(void)
{
    now_ms = fb_os_now_ms();
    authority_make(&hq, "Fieldbook", now_ms);
    authority_make(&stranger, "Somebody else", now_ms);
    const struct CMUnitTest cases[] = {
        FB_CASE(headquarters_reads_what_a_laptop_wrote_and_knows_which_laptop_it_was),
        FB_CASE(the_laptop_reads_the_answer_also_when_its_certificate_was_renewed_meanwhile),
        FB_CASE(a_megabyte_comes_out_as_it_went_in),
        FB_CASE(one_byte_altered_anywhere_or_a_lost_end_is_noticed),
        FB_CASE(who_alters_a_byte_and_its_hash_gets_no_other_round_taken_in),
        FB_CASE(another_headquarters_cannot_read_it_and_says_so),
        FB_CASE(a_stranger_who_knows_headquarters_certificate_is_not_believed),
        FB_CASE(a_laptop_cannot_answer_in_headquarters_name_nor_a_server_ask),
        FB_CASE(the_answer_to_one_laptop_is_not_for_another),
        FB_CASE(ask_and_answer_are_not_mistaken_for_each_other),
        FB_CASE(a_laptop_whose_certificate_expired_may_still_ask_an_expired_server_may_not_answer),
        FB_CASE(keys_that_cannot_be_read_are_named),
    };
    int failed = cmocka_run_group_tests(cases, NULL, NULL);
    authority_release(&hq);
    authority_release(&stranger);
    return failed;
}
