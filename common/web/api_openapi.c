/* SPDX-License-Identifier: MIT
 *
 * GET /api/v1/openapi: the API as an OpenAPI 3.1 document, made from the tables of routes by which this node answers, and
 * the catalogue as the person may see it. docs/api.md tells what the answers mean.
 */
#include <stdio.h>
#include <string.h>

#include "common/web/api_handlers.h"
#include "common/web/api_inside.h"

#define ROOT "/api/v1"

static const char HEAD[] =
    "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Fieldbook record API\",\"version\":\"1\"},"
    "\"servers\":[{\"url\":\"/\"}],\"security\":[{\"login\":[]}]";
static const char PROBLEM[] =
    "\"Problem\":{\"type\":\"object\",\"description\":\"RFC 9457\",\"required\":[\"status\","
    "\"code\"],\"properties\":{\"type\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},"
    "\"code\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},\"detail\":{\"type\":"
    "\"string\"},\"fields\":{\"type\":\"object\"}}}";
static const char SECURITY[] = "\"securitySchemes\":{\"login\":{\"type\":\"apiKey\",\"in\":"
                               "\"cookie\",\"name\":\"__Host-fb\"}}";

static const char *schema_of(const struct fb_field *f)
{
    switch (f->type) {
    case FB_TYPE_INT:
        return "{\"type\":[\"integer\",\"null\"]}";
    case FB_TYPE_BOOL:
        return "{\"type\":[\"boolean\",\"null\"]}";
    case FB_TYPE_DEC:
    case FB_TYPE_QTY:
    case FB_TYPE_MONEY:
        return "{\"type\":[\"string\",\"null\"],\"pattern\":\"^-?[0-9]+([.][0-9]+)?$\"}";
    case FB_TYPE_DATE:
        return "{\"type\":[\"string\",\"null\"],\"format\":\"date\"}";
    case FB_TYPE_DT:
        return "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}";
    case FB_TYPE_REF:
    case FB_TYPE_POLY:
    case FB_TYPE_UUID:
        return "{\"type\":[\"string\",\"null\"],\"format\":\"uuid\"}";
    case FB_TYPE_SET:
        return "{\"type\":[\"array\",\"null\"],\"items\":{\"type\":\"string\"}}";
    case FB_TYPE_JSON:
        return "{}";
    default:
        return "{\"type\":[\"string\",\"null\"]}";
    }
}

static void append_choices(struct fb_buf *out, const struct fb_field *f)
{
    fb_buf_append_text(out, "{\"enum\":[");
    for (size_t i = 0; i < f->choice_count; i++) {
        fb_api_append_text(out, f->choices[i].value, strlen(f->choices[i].value));
        fb_buf_append_byte(out, ',');
    }
    fb_buf_append_text(out, "null]");
}

static void append_entity(const struct fb_api *a, struct fb_buf *out, const struct fb_entity *e)
{
    fb_api_append_key(out, e->name);
    fb_buf_append_text(out, "{\"type\":\"object\"");
    fb_api_append_member(out, "title", e->label_en);
    fb_buf_append_text(out, ",\"properties\":{\"id\":{\"type\":\"string\",\"format\":\"uuid\"}");
    for (size_t i = 0; i < e->field_count; i++) {
        const struct fb_field *f = &e->fields[i];
        if (!fb_api_sees_field(a, e, f)) {
            continue;
        }
        fb_api_append_key(out, f->name);
        if (f->choice_count > 0) {
            append_choices(out, f);
        } else {
            fb_buf_append_text(out, schema_of(f));
            out->size--; /* without its brace: the label follows */
        }
        if (out->bytes[out->size - 1] == '{') {
            fb_buf_append_text(out, "\"title\":");
            fb_api_append_text(out, f->label_en, strlen(f->label_en));
        } else {
            fb_api_append_member(out, "title", f->label_en);
        }
        if (f->is_server_only) {
            fb_buf_append_text(out, ",\"readOnly\":true");
        }
        fb_buf_append_byte(out, '}');
    }
    fb_buf_append_text(out, "}}");
}

/* "{id}" and the like, each a parameter of the path. */
static void append_parameters(struct fb_buf *out, const char *pattern)
{
    int count = 0;
    fb_buf_append_text(out, "\"parameters\":[");
    for (const char *at = strchr(pattern, '{'); at != NULL; at = strchr(at + 1, '{')) {
        size_t size = strcspn(at + 1, "}");
        fb_buf_append_text(out, count++ > 0 ? ",{\"name\":" : "{\"name\":");
        fb_buf_append_json_text(out, at + 1, size);
        fb_buf_append_text(out,
                           ",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"}}");
    }
    fb_buf_append_byte(out, ']');
}

/* Where it is answered, and by what table: what both nodes have stands in the record API's. */
static const char *tag_of(const struct fb_route *table, const struct fb_route *r, enum fb_node node)
{
    bool is_common = table == fb_api_routes;
    return (r->flags & FB_ROUTE_SERVER) != 0 || (!is_common && node == FB_NODE_SERVER)
               ? "headquarters"
           : (r->flags & FB_ROUTE_REPLICA) != 0 || !is_common ? "laptop"
                                                              : "both";
}

static void append_method(struct fb_buf *out, const struct fb_route *r, const char *tag)
{
    const char *path = r->pattern;
    char method[16] = "";
    for (size_t i = 0; r->method[i] != '\0' && i + 1 < sizeof method; i++) {
        method[i] = (char)(r->method[i] | 0x20);
    }
    fb_buf_append_text(out, out->bytes[out->size - 1] == '{' ? "" : ",");
    fb_buf_printf(out, "\"%s\":{", method);
    fb_api_append_key(out, "operationId");
    fb_buf_printf(out, "\"%s", method);
    path += strncmp(path, ROOT, strlen(ROOT)) == 0 ? strlen(ROOT) : 0;
    for (const char *c = path; *c != '\0'; c++) {
        fb_buf_append(out, *c == '/' ? "_" : c, *c == '{' || *c == '}' ? 0 : 1);
    }
    fb_buf_printf(out, "\",\"tags\":[\"%s\"]", tag);
    if ((r->flags & FB_ROUTE_ADMIN) != 0) {
        fb_buf_append_text(out, ",\"description\":\"Administrators only.\"");
    }
    if ((r->flags & FB_ROUTE_OPEN) != 0) {
        fb_buf_append_text(out, ",\"security\":[]");
    }
    if (strcmp(r->method, "POST") == 0 || strcmp(r->method, "PATCH") == 0) {
        fb_buf_append_text(out, ",\"requestBody\":{\"content\":{\"application/json\":{\"schema\":{"
                                "\"type\":\"object\"}}}}");
    }
    fb_buf_append_text(out, ",\"responses\":{\"2XX\":{\"description\":\"Done\"},\"default\":{"
                            "\"description\":\"Refused\",\"content\":{\"application/problem+json\":"
                            "{\"schema\":{\"$ref\":\"#/components/schemas/Problem\"}}}}}}");
}

/* A path stands once, with its methods from all tables; of two routes the first is the one that answers. */
static bool is_said(const struct fb_route *const *tables, const struct fb_route *r,
                    const char *method)
{
    for (; *tables != NULL; tables++) {
        for (const struct fb_route *at = *tables; at->method != NULL; at++) {
            if (at == r) {
                return false;
            }
            if (strcmp(at->pattern, r->pattern) == 0 &&
                (method == NULL || strcmp(at->method, method) == 0)) {
                return true;
            }
        }
    }
    return false;
}

static void append_path(struct fb_buf *out, const struct fb_route *const *tables,
                        const char *pattern, enum fb_node node)
{
    fb_buf_append_text(out, out->bytes[out->size - 1] == '{' ? "" : ",");
    fb_buf_printf(out, "\"%s\":{", pattern);
    append_parameters(out, pattern);
    for (const struct fb_route *const *table = tables; *table != NULL; table++) {
        for (const struct fb_route *r = *table; r->method != NULL; r++) {
            if (strcmp(r->pattern, pattern) == 0 && !is_said(tables, r, r->method)) {
                append_method(out, r, tag_of(*table, r, node));
            }
        }
    }
    fb_buf_append_byte(out, '}');
}

static void append_paths(struct fb_buf *out, const struct fb_web *web)
{
    static const struct fb_route *const ALONE[] = {fb_api_routes, NULL};
    const struct fb_route *const *tables = web->tables == NULL ? ALONE : web->tables;
    fb_buf_append_text(out, ",\"paths\":{");
    for (const struct fb_route *const *table = tables; *table != NULL; table++) {
        for (const struct fb_route *r = *table; r->method != NULL; r++) {
            if (!is_said(tables, r, NULL)) {
                append_path(out, tables, r->pattern, web->node);
            }
        }
    }
    fb_buf_append_byte(out, '}');
}

int fb_api_get_openapi(struct fb_web *web, const struct fb_request *req, struct fb_response *res)
{
    FB_AUTO(fb_api_end) struct fb_api a = {0};
    fb_api_begin(&a, web, req, res);
    int rc = fb_api_load_rights(&a);
    if (rc < 0) {
        return rc;
    }
    fb_buf_append_text(a.out, HEAD);
    append_paths(a.out, web);
    fb_buf_printf(a.out, ",\"components\":{%s,\"schemas\":{%s", SECURITY, PROBLEM);
    for (size_t i = 0; a.catalogue != NULL && i < a.catalogue->entity_count; i++) {
        if (fb_api_sees_entity(&a, &a.catalogue->entities[i])) {
            append_entity(&a, a.out, &a.catalogue->entities[i]);
        }
    }
    fb_buf_append_text(a.out, "}}}");
    return FB_OK;
}
