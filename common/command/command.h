/* SPDX-License-Identifier: MIT
 *
 * Commands that both programs have: conflict, held, find, import, config. What differs between headquarters and a laptop comes in
 * with struct fb_command_node, the context of the program.
 *
 * A command never touches the engine's tables: it writes ordinary rows, the triggers journal them, and the daemon (or
 * settle, when none runs) does what follows.
 */
#ifndef FB_COMMAND_COMMAND_H
#define FB_COMMAND_COMMAND_H

#include "common/cli/cli.h"
#include "common/store/store.h"

struct fb_command_node {
    enum fb_node node;
    /* Does at once what the daemon would do with the rows just written, if no daemon runs; FB_OK if one does. May be NULL. */
    int (*settle)(const char *data, struct fb_why *why);
    /* May commands open the database now? FB_ERR_REFUSED with a sentence for the person. May be NULL: yes. */
    int (*gate)(const struct fb_cli *cli, const char *data, struct fb_why *why);
};

bool fb_command_is_laptop(const struct fb_cli *cli);

/* Opens the database of --data for this program's kind of node, if the gate is open. Release with fb_store_close(). */
int fb_command_store(const struct fb_cli *cli, struct fb_store **ret,
                     struct fb_why *why) FB_MUST_CHECK;

/* The same whatever the gate says: for what talks to headquarters alone. */
int fb_command_store_ungated(const struct fb_cli *cli, struct fb_store **ret,
                             struct fb_why *why) FB_MUST_CHECK;

/* The same, for commands that read the catalogue's tables; a laptop has none before its first download. */
int fb_command_tables(const struct fb_cli *cli, struct fb_store **ret,
                      struct fb_why *why) FB_MUST_CHECK;

/* Before a write: begins the transaction. FB_ERR_REFUSED with a sentence at a headquarters that was set back and waits for its
 * administrator (docs/operations.md, "Restore"): nothing is taken in there. */
int fb_command_begin(struct fb_store *s, struct fb_why *why) FB_MUST_CHECK;
/* Ends it: commits, or takes everything back where rc, what came of the writes, is an error, and returns that. */
int fb_command_end(struct fb_store *s, int rc, struct fb_why *why) FB_MUST_CHECK;
/* Only the question, for what begins its transactions itself. */
int fb_command_may_write(struct fb_store *s, struct fb_why *why) FB_MUST_CHECK;

/* After a write: lets the daemon or settle take it in. */
int fb_command_settle(const struct fb_cli *cli, struct fb_why *why) FB_MUST_CHECK;

/* Reads one row of a table by id or by the first or last characters of its id (8 or more). FB_ERR_NOT_FOUND with a sentence. */
int fb_command_find_id(struct fb_store *s, const char *table, const char *start,
                       char ret_id[static 37], struct fb_why *why) FB_MUST_CHECK;

/* Acts on each row of the table that the arguments name as above, all in one transaction or none, and settles. */
typedef int fb_command_act(const void *ctx, struct fb_store *s, const char *id, struct fb_why *why);
int fb_command_each_row(const struct fb_cli *cli, const char *table, fb_command_act *act,
                        const void *ctx, struct fb_why *why) FB_MUST_CHECK;

int fb_command_conflict_list(struct fb_cli *cli, struct fb_why *why);
int fb_command_conflict_show(struct fb_cli *cli, struct fb_why *why);
int fb_command_conflict_rule(struct fb_cli *cli, struct fb_why *why);
int fb_command_conflict_undo(struct fb_cli *cli, struct fb_why *why);
int fb_command_conflict_ask(struct fb_cli *cli, struct fb_why *why);
int fb_command_merge(struct fb_cli *cli, struct fb_why *why);
int fb_command_merge_undo(struct fb_cli *cli, struct fb_why *why);
int fb_command_duplicates_list(struct fb_cli *cli, struct fb_why *why);
int fb_command_duplicates_dismiss(struct fb_cli *cli, struct fb_why *why);
int fb_command_held_list(struct fb_cli *cli, struct fb_why *why);
int fb_command_held_show(struct fb_cli *cli, struct fb_why *why);
int fb_command_held_correct(struct fb_cli *cli, struct fb_why *why);
int fb_command_held_retry(struct fb_cli *cli, struct fb_why *why);
int fb_command_held_ask(struct fb_cli *cli, struct fb_why *why);
int fb_command_held_discard(struct fb_cli *cli, struct fb_why *why);
int fb_command_import(struct fb_cli *cli, struct fb_why *why);
int fb_command_find(struct fb_cli *cli, struct fb_why *why);
int fb_command_config_check(struct fb_cli *cli, struct fb_why *why);
int fb_command_config_show(struct fb_cli *cli, struct fb_why *why);

/* Which conflicts. */
#define FB_CONFLICT_FILTERS                                                                        \
    {"state", "open|waiting|auto|ruled|any", false, false, "how far they are (else open)"},        \
        {"field", "FIELD", false, false, "about this field or group"},                             \
        {"entity", "ENTITY", false, false, "about records of this kind"},                          \
        {"person", "LOGIN", false, false, "where this person made one of the edits"},              \
        {"older", "DAYS", false, false, "whose edit was made longer ago than this"},               \
    {                                                                                              \
        "newer", "DAYS", false, false, "whose edit was made within these days"                     \
    }

/* Their lines of the command table, the same in both programs. */
#define FB_COMMANDS_OF_BOTH                                                                        \
    {"conflict list",                                                                              \
     "",                                                                                           \
     0,                                                                                            \
     0,                                                                                            \
     "conflicts, the undecided first",                                                             \
     false,                                                                                        \
     {{"all", NULL, false, false, "those settled by a rule or a person too"},                      \
      FB_CONFLICT_FILTERS},                                                                        \
     fb_command_conflict_list},                                                                    \
        {"conflict show",                                                                          \
         "ID",                                                                                     \
         1,                                                                                        \
         1,                                                                                        \
         "one conflict: original, headquarters, laptop",                                           \
         false,                                                                                    \
         {{0}},                                                                                    \
         fb_command_conflict_show},                                                                \
        {"conflict rule",                                                                          \
         "[ID...]",                                                                                \
         0,                                                                                        \
         1000,                                                                                     \
         "decide conflicts, also those a rule settled",                                            \
         false,                                                                                    \
         {{"keep", "theirs|mine|base|later", false, false,                                         \
           "headquarters' value, the laptop's, the original, or the later of the two"},            \
          {"value", "V", false, false, "another value"},                                           \
          {"note", "TEXT", false, false, "why"},                                                   \
          {"again", NULL, false, false, "also those that somebody has decided"},                   \
          FB_CONFLICT_FILTERS},                                                                    \
         fb_command_conflict_rule},                                                                \
        {"conflict undo",                                                                          \
         "ID...",                                                                                  \
         1,                                                                                        \
         1000,                                                                                     \
         "take decisions back, for 90 days",                                                       \
         false,                                                                                    \
         {{"note", "TEXT", false, false, "why"}},                                                  \
         fb_command_conflict_undo},                                                                \
        {"conflict ask",                                                                           \
         "ID",                                                                                     \
         1,                                                                                        \
         1,                                                                                        \
         "ask the desk for your value",                                                            \
         false,                                                                                    \
         {{"note", "TEXT", false, false, "why"}},                                                  \
         fb_command_conflict_ask},                                                                 \
        {"merge undo",                                                                             \
         "ID...",                                                                                  \
         1,                                                                                        \
         100,                                                                                      \
         "make merged records two again, for 30 days",                                             \
         false,                                                                                    \
         {{0}},                                                                                    \
         fb_command_merge_undo},                                                                   \
        {"merge",                                                                                  \
         "ENTITY KEEP DROP",                                                                       \
         3,                                                                                        \
         3,                                                                                        \
         "make two records one",                                                                   \
         false,                                                                                    \
         {{"take", "FIELD=drop", true, false,                                                      \
           "which value stays, where both have one (else the kept record's)"},                     \
          {"dry-run", NULL, false, false, "only show what would move"}},                           \
         fb_command_merge},                                                                        \
        {"duplicates list",                                                                        \
         "",                                                                                       \
         0,                                                                                        \
         0,                                                                                        \
         "records that may be the same",                                                           \
         false,                                                                                    \
         {{"all", NULL, false, false, "those merged or found different, too"}},                    \
         fb_command_duplicates_list},                                                              \
        {"duplicates dismiss",                                                                     \
         "ID...",                                                                                  \
         1,                                                                                        \
         1000,                                                                                     \
         "these are not the same: remember it",                                                    \
         false,                                                                                    \
         {{0}},                                                                                    \
         fb_command_duplicates_dismiss},                                                           \
        {"held list",                                                                              \
         "",                                                                                       \
         0,                                                                                        \
         0,                                                                                        \
         "edits that could not be applied",                                                        \
         false,                                                                                    \
         {{"all", NULL, false, false, "those dealt with too"}},                                    \
         fb_command_held_list},                                                                    \
        {"held ask",                                                                               \
         "ID LOGIN",                                                                               \
         2,                                                                                        \
         2,                                                                                        \
         "hand a held edit to somebody who can settle it",                                         \
         false,                                                                                    \
         {{0}},                                                                                    \
         fb_command_held_ask},                                                                     \
        {"held show",         "ID", 1, 1, "one held edit, with its reason", false, {{0}},          \
         fb_command_held_show},                                                                    \
        {"held correct", "ID FIELD=VALUE...",    2, 100, "change a held edit and apply it", false, \
         {{0}},          fb_command_held_correct},                                                 \
        {"held retry",         "ID...", 1, 1000, "apply held edits again", false, {{0}},           \
         fb_command_held_retry},                                                                   \
        {"held discard",       "ID...", 1,     1000,                                               \
         "give held edits up", false,   {{0}}, fb_command_held_discard},                           \
        {"find", "TEXT...",      1, 40, "search by words, pinyin or numbers", false,               \
         {{0}},  fb_command_find},                                                                 \
        {"import",                                                                                 \
         "ENTITY FILE.csv",                                                                        \
         2,                                                                                        \
         2,                                                                                        \
         "read rows from a CSV file",                                                              \
         false,                                                                                    \
         {{"mapping", "FILE", false, false, "JSON: which column goes where (docs/import.md)"},     \
          {"match", "FIELD", true, false,                                                          \
           "update the row that has the same value here, instead of adding one"},                  \
          {"dry-run", NULL, false, false, "say what would happen, change nothing"},                \
          {"rejects", "FILE", false, false, "where lines that fail go (else FILE.rejects.csv)"}},  \
         fb_command_import},                                                                       \
        {"config check",         "", 0, 0, "is the configuration right?", false, {{0}},            \
         fb_command_config_check},                                                                 \
    {                                                                                              \
        "config show", "", 0, 0, "every setting, its value and where it came from", false, {{0}},  \
            fb_command_config_show                                                                 \
    }

#endif
