/* SPDX-License-Identifier: MIT
 *
 * The catalogue in force: the newest document of the file, loaded. Another connection may have put
 * a newer one there, so every transaction begins with a look at the file's data version.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/inside.h"

static int keep_document(struct fb_store *store, const struct fb_catalogue *c, int64_t now_ms)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        store,
        "INSERT INTO fb_catalogue (version, hash, document, at_ms) VALUES (?1, ?2, ?3, ?4) "
        "ON CONFLICT (version) DO UPDATE SET hash = excluded.hash, document = excluded.document, "
        "at_ms = excluded.at_ms",
        &q);
    if (rc < 0) {
        return rc;
    }
    struct fb_value document = fb_value_text_n(c->document, c->document_size);
    fb_sql_bind_int(q, 1, c->version);
    fb_sql_bind_bytes(q, 2, c->hash.bytes, sizeof c->hash.bytes);
    fb_sql_bind_value(q, 3, &document);
    fb_sql_bind_int(q, 4, now_ms);
    return fb_sql_run(q);
}

bool fb_store_keep_catalogue(struct fb_store *store, struct fb_catalogue *catalogue)
{
    struct fb_kept_catalogue *kept = malloc(sizeof *kept);
    if (kept == NULL) {
        fb_catalogue_free(catalogue);
        return false;
    }
    *kept = (struct fb_kept_catalogue){.catalogue = catalogue, .next = store->kept};
    store->kept = kept;
    return true;
}

static void put_in_force(struct fb_store *store, const struct fb_catalogue *catalogue)
{
    store->catalogue = catalogue;
    store->schema_version_checked = -1;
    fb_row_statements_forget(store);
}

int fb_store_set_catalogue(struct fb_store *store, struct fb_catalogue *catalogue, int64_t now_ms,
                           struct fb_why *why)
{
    fb_assert(store->is_in_transaction);
    if (!fb_store_keep_catalogue(store, catalogue)) {
        return fb_fail(why, FB_ERR_NO_MEMORY, "there is not enough memory for the catalogue");
    }
    const struct fb_catalogue *now = store->catalogue;
    if (now != NULL && catalogue->version < now->version) {
        return fb_fail(why, FB_ERR_VERSION,
                       "the catalogue has version %lld, the database already follows version %lld",
                       (long long)catalogue->version, (long long)now->version);
    }
    if (now != NULL && catalogue->version == now->version &&
        fb_sha256_equal(&catalogue->hash, &now->hash)) {
        return FB_OK;
    }
    int rc = fb_schema_make(store, catalogue);
    if (rc == FB_OK) {
        rc = keep_document(store, catalogue, now_ms);
    }
    if (rc < 0) {
        return fb_store_error(store, why);
    }
    put_in_force(store, catalogue);
    return FB_OK;
}

const struct fb_catalogue *fb_store_catalogue(const struct fb_store *store)
{
    return store->catalogue;
}

static int load_document(struct fb_store *store, int64_t version)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(store, "SELECT document FROM fb_catalogue WHERE version = ?1", &q);
    if (rc < 0) {
        return rc;
    }
    fb_sql_bind_int(q, 1, version);
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc < 0 ? rc : FB_ERR_DAMAGED;
    }
    struct fb_value document = fb_sql_value(q, 0);
    struct fb_catalogue *catalogue = NULL;
    struct fb_why why = {""};
    rc = fb_catalogue_load(document.bytes, document.size, &catalogue, &why);
    if (rc < 0) {
        store->last_error = rc == FB_ERR_NO_MEMORY ? rc : FB_ERR_DAMAGED;
        snprintf(store->last_message, sizeof store->last_message, "catalogue: %.180s", why.text);
        return store->last_error;
    }
    if (!fb_store_keep_catalogue(store, catalogue)) {
        return FB_ERR_NO_MEMORY;
    }
    put_in_force(store, catalogue);
    return FB_OK;
}

static bool is_same(const struct fb_catalogue *c, int64_t version, const struct fb_value *hash)
{
    return c != NULL && c->version == version && hash->size == sizeof c->hash.bytes &&
           memcmp(hash->bytes, c->hash.bytes, hash->size) == 0;
}

/* The document, a quarter of a megabyte, is only read when its version or hash is another one. */
static int look_for_newer(struct fb_store *store)
{
    FB_AUTO(fb_sql_drop) struct fb_sql *q = NULL;
    int rc = fb_sql_begin(
        store, "SELECT version, hash FROM fb_catalogue ORDER BY version DESC LIMIT 1", &q);
    if (rc < 0) {
        return rc;
    }
    rc = fb_sql_step(q);
    if (rc != FB_SQL_ROW) {
        return rc;
    }
    int64_t version = fb_sql_int(q, 0);
    struct fb_value hash = fb_sql_value(q, 1);
    bool is_known = is_same(store->catalogue, version, &hash);
    bool is_lent = !is_known && is_same(store->options.catalogue, version, &hash);
    fb_sql_drop(&q);
    if (is_lent) {
        put_in_force(store, store->options.catalogue);
    }
    return is_known || is_lent ? FB_OK : load_document(store, version);
}

int fb_store_refresh_catalogue(struct fb_store *store)
{
    int64_t version = 0;
    int rc = fb_store_data_version(store, &version);
    if (rc < 0 || (version == store->data_version && store->catalogue != NULL)) {
        return rc;
    }
    rc = look_for_newer(store);
    if (rc == FB_OK) {
        store->data_version = version;
    }
    return rc;
}
