/* SPDX-License-Identifier: MIT
 *
 * The command line of both programs: one table of commands gives parsing, help and near-miss hints.
 *
 * Data goes to stdout, talk to stderr; --json prints objects; a failure prints one sentence that
 * says what to do and exits with the code of its error (common/base/err.def). Command names may be
 * two words ("conflict rule").
 */
#ifndef FB_CLI_CLI_H
#define FB_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/cli/config.h"

#define FB_CLI_OPTIONS_MAX 16 /* of one command, with those that every command has */
#define FB_CLI_VALUES_MAX  64 /* of a repeated option, such as --host or --match */

struct fb_cli_option {
    const char *name;  /* without the dashes */
    const char *value; /* what the help calls the value; NULL: a switch */
    bool is_repeated;
    bool is_needed;
    const char *help;
};

struct fb_cli;

struct fb_cli_command {
    const char *name;      /* "run", "user add" */
    const char *arguments; /* as the help shows them: "ENTITY FILE.csv"; "" for none */
    int arguments_min;
    int arguments_max;
    const char *help;
    bool is_hidden;
    struct fb_cli_option options[FB_CLI_OPTIONS_MAX]; /* ends with a NULL name */
    int (*run)(struct fb_cli *cli,
               struct fb_why *why); /* FB_OK, an error, or a positive exit code */
};

struct fb_cli_program {
    const char *name; /* "fieldbook-server" */
    const char *summary;
    const struct fb_cli_command *commands; /* ends with a NULL name */
    const struct fb_config_key *config_keys;
    const char *config_file; /* in the data folder: "server.conf" */
    const void *context;     /* the program's own, for commands that both programs have */
};

/* Parses, runs, prints failures; returns the process's exit code. */
int fb_cli_main(const struct fb_cli_program *program, int argc, char **argv);

/* What was given. A value option that was not given is NULL. */
const char *fb_cli_value(const struct fb_cli *cli, const char *option);
size_t fb_cli_values(const struct fb_cli *cli, const char *option, const char *const **ret);
bool fb_cli_has(const struct fb_cli *cli, const char *option);
const void *fb_cli_context(const struct fb_cli *cli);
const struct fb_config_key *fb_cli_config_keys(const struct fb_cli *cli);
int fb_cli_argument_count(const struct fb_cli *cli);
const char *fb_cli_argument(const struct fb_cli *cli, int at);

/* --data, else FIELDBOOK_DATA; FB_ERR_USAGE if neither. */
int fb_cli_data(const struct fb_cli *cli, const char **ret, struct fb_why *why) FB_MUST_CHECK;
/* A path in the data folder; lives until the next call. */
const char *fb_cli_data_path(const struct fb_cli *cli, const char *name);
/* Reads and checks the configuration once. */
int fb_cli_config(struct fb_cli *cli, struct fb_config **ret, struct fb_why *why) FB_MUST_CHECK;

bool fb_cli_is_json(const struct fb_cli *cli);
bool fb_cli_is_quiet(const struct fb_cli *cli);

/* Talk for people on stderr; silent with --quiet and --json. */
void fb_cli_say(const struct fb_cli *cli, const char *format, ...) FB_PRINTF(2, 3);

/* The candidate nearest to a mistyped word, or NULL if none is near. candidates ends with NULL. */
const char *fb_cli_nearest(const char *word, const char *const *candidates);

/* Asks to stop long work: set by SIGINT and SIGTERM after fb_cli_catch_interrupts(). */
void fb_cli_catch_interrupts(void);
bool fb_cli_is_interrupted(void);

/* ---- Output for people and programs ---- */

/* Rows of a list: aligned columns for people, one JSON object a line with --json. */
struct fb_cli_table;
struct fb_cli_table *fb_cli_table_new(const struct fb_cli *cli,
                                      const char *const *columns); /* ends with NULL */
void fb_cli_table_cell(struct fb_cli_table *t,
                       const char *text); /* column by column; NULL: empty (null) */
void fb_cli_table_cell_int(struct fb_cli_table *t, long long number);
void fb_cli_table_print(struct fb_cli_table *t, const char *when_empty); /* and frees it */

/* A line of a report for people: a name, padded to a column however wide its characters are, and what is said of it. Both in
 * the person's language already, or in English that has a translation. */
void fb_cli_print_fact(const char *name, const char *format, ...) FB_PRINTF(2, 3);

/* Long work: one line that is redrawn on a terminal, lines of JSON with --json, nothing otherwise.
 */
struct fb_cli_progress {
    const struct fb_cli *cli;
    const char *what;
    long long shown_at_ms;
};
void fb_cli_progress_show(struct fb_cli_progress *p, long long done, long long total);
void fb_cli_progress_end(struct fb_cli_progress *p);

#endif
