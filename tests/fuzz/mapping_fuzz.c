/* SPDX-License-Identifier: MIT
 *
 * A mapping of any bytes, for a small catalogue: it is understood, or refused with a sentence.
 */
#include <string.h>

#include "common/formats/mapping.h"
#include "tests/fuzz/fuzz.h"

static const char document[] =
    "{\"format\":1,\"version\":1,\"entities\":[{\"no\":1,\"name\":\"company\",\"en\":\"C\",\"zh\":"
    "\"C\","
    "\"scope\":{\"rule\":\"company\"},\"title\":[\"name\"],\"fields\":["
    "{\"no\":10,\"name\":\"name\",\"type\":\"text\",\"en\":\"N\",\"zh\":\"N\"},"
    "{\"no\":11,\"name\":\"parent_id\",\"type\":\"ref\",\"target\":\"company\",\"en\":\"P\",\"zh\":"
    "\"P\"}]}]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fb_catalogue *catalogue;
    struct fb_why why = {{0}};
    if (catalogue == NULL) {
        int rc = fb_catalogue_load(document, strlen(document), &catalogue, &why);
        fb_assert(rc == FB_OK);
    }
    const char *cells[] = {"name", "city"};
    const size_t sizes[] = {4, 4};
    const struct fb_csv_line heading = {.number = 1, .count = 2, .cells = cells, .sizes = sizes};
    FB_AUTO(fb_mapping_drop) struct fb_mapping *m = NULL;
    int rc = fb_mapping_read_text((const char *)data, size, "fuzz.json", &m, &why);
    if (rc == FB_OK) {
        rc = fb_mapping_bind(m, catalogue, &heading, "fuzz.csv", &why);
    }
    fb_assert(rc == FB_OK || why.text[0] != 0);
    return 0;
}
