/* SPDX-License-Identifier: MIT */
#include "common/cli/cli.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/os.h"

#define COMMANDS_MAX 64

struct given {
    const char *name;
    const char *values[FB_CLI_VALUES_MAX];
    size_t count;
};

struct fb_cli {
    const struct fb_cli_program *program;
    const struct fb_cli_command *command;
    struct given given[FB_CLI_OPTIONS_MAX];
    size_t given_count;
    char **arguments;
    int argument_count;
    struct fb_config *config;
    char path[4096];
};

/* Options that every command has. */
static const struct fb_cli_option COMMON_OPTIONS[] = {
    {"data", "DIR", false, false, "the data folder (else FIELDBOOK_DATA)"},
    {"json", NULL, false, false, "print JSON"},
    {"quiet", NULL, false, false, "print only results"},
    {"verbose", NULL, false, false, "log more"},
    {"help", NULL, false, false, "say what this command does"},
    {NULL, NULL, false, false, NULL},
};

static volatile sig_atomic_t was_interrupted;

static void note_interrupt(int number)
{
    (void)number;
    was_interrupted = 1;
}

void fb_cli_catch_interrupts(void)
{
    struct sigaction action = {.sa_handler = note_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool fb_cli_is_interrupted(void)
{
    return was_interrupted != 0;
}

static const struct fb_cli_option *option_at(const struct fb_cli_command *command, size_t at)
{
    size_t own = 0;
    while (command->options[own].name != NULL) {
        own++;
    }
    const struct fb_cli_option *o = at < own ? &command->options[at] : &COMMON_OPTIONS[at - own];
    return o->name == NULL ? NULL : o;
}

static struct given *find_given(const struct fb_cli *cli, const char *name)
{
    for (size_t i = 0; i < cli->given_count; i++) {
        if (strcmp(cli->given[i].name, name) == 0) {
            return (struct given *)(uintptr_t)&cli->given[i];
        }
    }
    return NULL;
}

const char *fb_cli_value(const struct fb_cli *cli, const char *option)
{
    const struct given *g = find_given(cli, option);
    return g == NULL || g->count == 0 ? NULL : g->values[g->count - 1];
}

size_t fb_cli_values(const struct fb_cli *cli, const char *option, const char *const **ret)
{
    const struct given *g = find_given(cli, option);
    *ret = g == NULL ? NULL : g->values;
    return g == NULL ? 0 : g->count;
}

bool fb_cli_has(const struct fb_cli *cli, const char *option)
{
    return find_given(cli, option) != NULL;
}

const void *fb_cli_context(const struct fb_cli *cli)
{
    return cli->program->context;
}

const struct fb_config_key *fb_cli_config_keys(const struct fb_cli *cli)
{
    return cli->program->config_keys;
}

int fb_cli_argument_count(const struct fb_cli *cli)
{
    return cli->argument_count;
}

const char *fb_cli_argument(const struct fb_cli *cli, int at)
{
    return at < cli->argument_count ? cli->arguments[at] : NULL;
}

bool fb_cli_is_json(const struct fb_cli *cli)
{
    return fb_cli_has(cli, "json");
}

bool fb_cli_is_quiet(const struct fb_cli *cli)
{
    return fb_cli_has(cli, "quiet");
}

void fb_cli_say(const struct fb_cli *cli, const char *format, ...)
{
    if (fb_cli_is_quiet(cli) || fb_cli_is_json(cli)) {
        return;
    }
    va_list args;
    va_start(args, format);
    vfprintf(stderr, fb_text(format), args);
    va_end(args);
    fputc('\n', stderr);
}

int fb_cli_data(const struct fb_cli *cli, const char **ret, struct fb_why *why)
{
    const char *data = fb_cli_value(cli, "data");
    data = data != NULL ? data : getenv("FIELDBOOK_DATA");
    if (data == NULL || data[0] == '\0') {
        return fb_fail(why, FB_ERR_USAGE,
                       "say which data folder: %s %s --data DIR, or set FIELDBOOK_DATA",
                       cli->program->name, cli->command->name);
    }
    *ret = data;
    return FB_OK;
}

const char *fb_cli_data_path(const struct fb_cli *cli, const char *name)
{
    struct fb_cli *c = (struct fb_cli *)(uintptr_t)cli;
    const char *data = "";
    fb_ignore(fb_cli_data(cli, &data, NULL), "the command asked for it before");
    snprintf(c->path, sizeof c->path, "%s/%s", data, name);
    return c->path;
}

int fb_cli_config(struct fb_cli *cli, struct fb_config **ret, struct fb_why *why)
{
    if (cli->config == NULL) {
        const char *data;
        int rc = fb_cli_data(cli, &data, why);
        if (rc == FB_OK) {
            rc = fb_config_read(fb_cli_data_path(cli, cli->program->config_file),
                                cli->program->config_keys, &cli->config, why);
        }
        if (rc < 0) {
            return rc;
        }
    }
    *ret = cli->config;
    return FB_OK;
}

/* ---- Help ---- */

static void print_program_help(const struct fb_cli_program *p)
{
    printf(fb_text("%s\n\nUsage: %s COMMAND [options]\n\nCommands:\n"), fb_text(p->summary),
           p->name);
    for (const struct fb_cli_command *c = p->commands; c->name != NULL; c++) {
        if (!c->is_hidden) {
            char left[80];
            snprintf(left, sizeof left, "%s %s", c->name, c->arguments);
            printf("  %-36s %s\n", left, fb_text(c->help));
        }
    }
    printf(fb_text("\n`%s COMMAND --help` tells the options of one command.\n"), p->name);
}

static void print_command_help(const struct fb_cli_program *p, const struct fb_cli_command *c)
{
    printf(fb_text("%s\n\nUsage: %s %s%s%s [options]\n\nOptions:\n"), fb_text(c->help), p->name,
           c->name, c->arguments[0] == '\0' ? "" : " ", c->arguments);
    const struct fb_cli_option *o;
    for (size_t i = 0; (o = option_at(c, i)) != NULL; i++) {
        char left[80];
        snprintf(left, sizeof left, "--%s%s%s%s", o->name, o->value == NULL ? "" : " ",
                 o->value == NULL ? "" : o->value, o->is_repeated ? "..." : "");
        printf("  %-28s %s\n", left, fb_text(o->help));
    }
}

/* ---- Parsing ---- */

/* "conflict rule" takes two words of argv, "run" one. */
static int words_matched(const char *name, int argc, char **argv)
{
    const char *space = strchr(name, ' ');
    if (space == NULL) {
        return argc >= 1 && strcmp(name, argv[0]) == 0 ? 1 : 0;
    }
    size_t first = (size_t)(space - name);
    bool is_same = argc >= 2 && strlen(argv[0]) == first && strncmp(name, argv[0], first) == 0 &&
                   strcmp(space + 1, argv[1]) == 0;
    return is_same ? 2 : 0;
}

static int fail_unknown_command(const struct fb_cli_program *p, int argc, char **argv,
                                struct fb_why *why)
{
    const char *names[COMMANDS_MAX + 1] = {NULL};
    size_t count = 0;
    for (const struct fb_cli_command *c = p->commands; c->name != NULL; c++) {
        fb_assert(count < COMMANDS_MAX);
        names[count++] = c->name;
    }
    char two[160];
    snprintf(two, sizeof two, "%s %s", argv[0], argc > 1 ? argv[1] : "");
    const char *near = argc > 1 ? fb_cli_nearest(two, names) : NULL;
    near = near != NULL ? near : fb_cli_nearest(argv[0], names);
    if (near != NULL) {
        return fb_fail(why, FB_ERR_USAGE, "there is no command %s; did you mean `%s %s`?", argv[0],
                       p->name, near);
    }
    return fb_fail(why, FB_ERR_USAGE, "there is no command %s; `%s --help` lists them", argv[0],
                   p->name);
}

static int fail_option(const struct fb_cli *cli, const char *word, int is_missing_value,
                       struct fb_why *why)
{
    if (is_missing_value) {
        return fb_fail(why, FB_ERR_USAGE, "%s needs a value; see `%s %s --help`", word,
                       cli->program->name, cli->command->name);
    }
    const char *names[FB_CLI_OPTIONS_MAX + 8] = {NULL};
    const struct fb_cli_option *o;
    for (size_t i = 0; (o = option_at(cli->command, i)) != NULL; i++) {
        names[i] = o->name;
    }
    const char *near = fb_cli_nearest(word + strspn(word, "-"), names);
    if (near != NULL) {
        return fb_fail(why, FB_ERR_USAGE, "%s has no option %s; did you mean --%s?",
                       cli->command->name, word, near);
    }
    return fb_fail(why, FB_ERR_USAGE, "%s has no option %s; see --help", cli->command->name, word);
}

static int note_option(struct fb_cli *cli, const struct fb_cli_option *o, const char *value,
                       struct fb_why *why)
{
    struct given *g = find_given(cli, o->name);
    if (g == NULL) {
        fb_assert(cli->given_count < FB_CLI_OPTIONS_MAX);
        g = &cli->given[cli->given_count++];
        g->name = o->name;
    }
    if (o->value == NULL) {
        return FB_OK;
    }
    if (g->count > 0 && !o->is_repeated) {
        return fb_fail(why, FB_ERR_USAGE, "--%s was given twice", o->name);
    }
    if (g->count == FB_CLI_VALUES_MAX) {
        return fb_fail(why, FB_ERR_USAGE, "--%s was given more than %d times", o->name,
                       FB_CLI_VALUES_MAX);
    }
    g->values[g->count++] = value;
    return FB_OK;
}

static int parse_options(struct fb_cli *cli, int argc, char **argv, struct fb_why *why)
{
    struct option table[FB_CLI_OPTIONS_MAX + 8] = {{0}};
    const struct fb_cli_option *o;
    for (size_t i = 0; (o = option_at(cli->command, i)) != NULL; i++) {
        table[i] = (struct option){.name = o->name,
                                   .has_arg = o->value == NULL ? no_argument : required_argument};
    }
    opterr = 0;
    optind = 1;
    for (;;) {
        int at = -1;
        int c = getopt_long(argc, argv, ":", table, &at);
        if (c == -1) {
            break;
        }
        if (c != 0) {
            return fail_option(cli, argv[optind - 1], c == ':', why);
        }
        int rc = note_option(cli, option_at(cli->command, (size_t)at), optarg, why);
        if (rc < 0) {
            return rc;
        }
    }
    cli->arguments = argv + optind;
    cli->argument_count = argc - optind;
    return FB_OK;
}

static int check_needs(const struct fb_cli *cli, struct fb_why *why)
{
    const struct fb_cli_command *c = cli->command;
    if (cli->argument_count < c->arguments_min || cli->argument_count > c->arguments_max) {
        return fb_fail(why, FB_ERR_USAGE, "write `%s %s%s%s`; --help tells more",
                       cli->program->name, c->name, c->arguments[0] == '\0' ? "" : " ",
                       c->arguments);
    }
    const struct fb_cli_option *o;
    for (size_t i = 0; (o = option_at(c, i)) != NULL; i++) {
        if (o->is_needed && !fb_cli_has(cli, o->name)) {
            return fb_fail(why, FB_ERR_USAGE, "%s needs --%s %s", c->name, o->name, o->value);
        }
    }
    return FB_OK;
}

static int run_command(struct fb_cli *cli, int argc, char **argv, struct fb_why *why)
{
    int words = 0;
    for (const struct fb_cli_command *c = cli->program->commands; c->name != NULL && words == 0;
         c++) {
        words = words_matched(c->name, argc, argv);
        cli->command = words > 0 ? c : NULL;
    }
    if (words == 0) {
        return fail_unknown_command(cli->program, argc, argv, why);
    }
    int rc = parse_options(cli, argc - words + 1, argv + words - 1, why);
    if (rc < 0) {
        return rc;
    }
    if (fb_cli_has(cli, "help")) {
        print_command_help(cli->program, cli->command);
        return FB_OK;
    }
    rc = check_needs(cli, why);
    return rc < 0 ? rc : cli->command->run(cli, why);
}

static void print_failure(const struct fb_cli *cli, int err, const struct fb_why *why)
{
    const char *sentence = why->text[0] != '\0' ? why->text : fb_err_sentence(err);
    if (cli->command != NULL && fb_cli_is_json(cli)) {
        FB_AUTO(fb_buf_release) struct fb_buf line;
        fb_buf_init(&line, 8192);
        fb_buf_printf(&line, "{\"error\":\"%s\",\"exit\":%d,\"sentence\":", fb_err_name(err),
                      fb_err_exit_code(err));
        fb_buf_append_json_text(&line, sentence, strlen(sentence));
        fprintf(stderr, "%s}\n", fb_buf_text(&line));
        return;
    }
    fprintf(stderr, "%s: %s\n", cli->program->name, sentence);
}

int fb_cli_main(const struct fb_cli_program *program, int argc, char **argv)
{
    struct fb_cli cli = {.program = program};
    struct fb_why why = {""};
    char locale_folder[4096];
    fb_os_share_path("locale", locale_folder, sizeof locale_folder);
    fb_text_start(locale_folder);
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_program_help(program);
        return argc < 2 ? fb_err_exit_code(FB_ERR_USAGE) : 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("%s %s\n", program->name, FB_VERSION);
        return 0;
    }
    int rc = run_command(&cli, argc - 1, argv + 1, &why);
    fb_config_free(cli.config);
    if (rc >= 0) {
        return rc;
    }
    print_failure(&cli, rc, &why);
    return fb_err_exit_code(rc);
}
