/* SPDX-License-Identifier: MIT */
#include "tests/sim/aging.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/eyes.h"
#include "tests/sim/model.h"
#include "tests/sim/util.h"

static char *some_order(sqlite3 *db, uint64_t *random)
{
    int64_t count = sim_db_int(db, 0, "SELECT count(*) FROM sales_order");
    const char *hot = sim_hot_row("sales_order");
    if (count > 0 && sim_below(random, 5) < 2 &&
        sim_db_int(db, 0, "SELECT count(*) FROM sales_order WHERE id = %Q", hot) > 0) {
        return sim_db_text(db, "SELECT %Q", hot);
    }
    return count == 0
               ? NULL
               : sim_db_text(db, "SELECT id FROM sales_order ORDER BY id LIMIT 1 OFFSET %lld",
                             (long long)sim_below(random, (uint64_t)count));
}

int sim_aging_work(sqlite3 *db, int64_t op, int64_t cursor, int64_t true_ms, uint64_t *random)
{
    char *id = some_order(db, random);
    if (id == NULL) {
        return SQLITE_OK;
    }
    const char *status = sim_below(random, 4) == 0 ? "open" : "closed";
    int rc =
        sim_db_run(db,
                   "INSERT INTO sim_ledger (op, kind, entity, row_id, field, was, mine, cursor, "
                   "true_ms) SELECT %lld, 'set', 'sales_order', id, 'status', status, %Q, "
                   "%lld, %lld FROM sales_order WHERE id = %Q",
                   (long long)op, status, (long long)cursor, (long long)true_ms, id);
    if (rc == SQLITE_OK) {
        rc = sim_db_run(db, "UPDATE sales_order SET status = %Q WHERE id = %Q", status, id);
    }
    free(id);
    return rc;
}

bool sim_aging_is_fresh(struct sim_world *w)
{
    return sim_has_aging(w) &&
           sim_db_int(sim_eyes(SIM_HQ), 0, "SELECT at_ms FROM fb_rev ORDER BY rev DESC LIMIT 1") >
               sim_node_now_ms(w, SIM_HQ) - 1000;
}

#define YOUNG                                                                                      \
    "NOT (status = 'closed' AND modified_at < strftime('%Y-%m-%dT%H:%M:%fZ', coalesce((SELECT "    \
    "value FROM fb_meta WHERE key = 'history_from_ms'), 0) / 1000.0, 'unixepoch'))"

const char *sim_aging_where(const struct sim_world *w, const char *entity)
{
    if (sim_has_aging(w) && strcmp(entity, "sales_order") == 0) {
        return " AND " YOUNG;
    }
    return sim_has_aging(w) && strcmp(entity, "sales_line") == 0
               ? " AND sales_order_id IN (SELECT id FROM sales_order WHERE " YOUNG ")"
               : "";
}
