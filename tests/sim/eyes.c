/* SPDX-License-Identifier: MIT */
#include "tests/sim/eyes.h"

static sqlite3 *eyes[SIM_NODES_MAX];
static sqlite3 *hands[SIM_NODES_MAX];
static int64_t versions[SIM_NODES_MAX];

sqlite3 *sim_eyes(int node)
{
    if (eyes[node] == NULL) {
        eyes[node] = sim_db_open(node, SIM_READER);
        versions[node] = -1;
    } else {
        sim_vfs_enter(node, SIM_READER);
    }
    return eyes[node];
}

sqlite3 *sim_hands(int node, bool stays)
{
    if (hands[node] == NULL) {
        hands[node] = sim_db_open(node, SIM_TOOL);
    }
    if (hands[node] != NULL) {
        sqlite3_db_config(hands[node], SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, (int)stays, NULL);
        sqlite3_db_config(hands[node], SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, NULL);
    }
    return hands[node];
}

void sim_hands_close(int node)
{
    if (hands[node] != NULL) {
        sim_vfs_enter(node, SIM_TOOL);
        sim_db_close(hands[node]);
        hands[node] = NULL;
    }
    if (sim_vfs_is_down(node, SIM_TOOL)) {
        sim_vfs_start(node, SIM_TOOL);
    }
}

void sim_eyes_close(int node)
{
    sim_hands_close(node);
    if (eyes[node] != NULL) {
        sim_vfs_enter(node, SIM_READER);
        sim_db_close(eyes[node]);
        eyes[node] = NULL;
    }
}

bool sim_eyes_see_news(int node)
{
    sqlite3 *db = sim_eyes(node);
    if (db == NULL) {
        return false;
    }
    /* The version moves only when a read has looked at the file. */
    (void)sim_db_int(db, 0, "SELECT count(*) FROM sqlite_schema");
    int64_t version = sim_db_int(db, 0, "PRAGMA data_version");
    bool is_new = version != versions[node];
    versions[node] = version;
    return is_new;
}
