/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/catalogue/ddl.h"

/* SQLite's keywords that may not stand as a plain name (those with a fallback to a name are left
 * out); https://sqlite.org/lang_keywords.html, as of 3.40, and those that later versions and other
 * tools reserve. Sorted: a schema asks for some twenty thousand names. */
static const char *const KEYWORDS[] = {
    "add",       "all",        "alter",   "and",          "as",       "autoincrement",
    "between",   "by",         "case",    "check",        "collate",  "column",
    "commit",    "constraint", "create",  "cross",        "current",  "date",
    "default",   "deferrable", "delete",  "desc",         "distinct", "do",
    "drop",      "else",       "end",     "escape",       "except",   "exists",
    "filter",    "for",        "foreign", "from",         "full",     "group",
    "having",    "if",         "in",      "index",        "inner",    "insert",
    "intersect", "into",       "is",      "isnull",       "join",     "key",
    "left",      "like",       "limit",   "materialized", "natural",  "no",
    "not",       "nothing",    "notnull", "null",         "of",       "offset",
    "on",        "or",         "order",   "outer",        "over",     "primary",
    "raise",     "references", "replace", "returning",    "right",    "row",
    "rows",      "select",     "set",     "table",        "temp",     "temporary",
    "then",      "time",       "to",      "transaction",  "trigger",  "union",
    "unique",    "update",     "user",    "using",        "vacuum",   "values",
    "view",      "virtual",    "when",    "where",        "window",   "with",
    "without"};

static int compare_keyword(const void *name, const void *keyword)
{
    return strcmp(name, *(const char *const *)keyword);
}

void fb_ddl_append_name(struct fb_buf *out, const char *name)
{
    bool is_keyword = bsearch(name, KEYWORDS, sizeof KEYWORDS / sizeof KEYWORDS[0],
                              sizeof KEYWORDS[0], compare_keyword) != NULL;
    fb_buf_append_text(out, is_keyword ? "\"" : "");
    fb_buf_append_text(out, name);
    fb_buf_append_text(out, is_keyword ? "\"" : "");
}
