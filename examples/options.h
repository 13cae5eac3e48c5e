/* options.h -- a program's options in one table, read by getopt_long (agent.c, chat.c, server.c)

   A program includes it after <getopt.h>, lists its options as rows and calls options_parse. A row names a member
   of the program's settings, a bool, uint32_t, float or const char *, and the bounds of a number. Kinds from
   OPTION_OTHER on are the program's own. Wrong usage is told in one line, through the program's

     int complain(int code, const char *fmt, ...);     one line on stderr; returns code

   which it defines before. Everything is static. */
#ifndef LLMC_OPTIONS_H
#define LLMC_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* AS_TEXT: const char *, argv's own. AS_FLAG: bool. AS_WHOLE: uint32_t, UINT32_MAX for what is negative. AS_REAL:
   float. */
typedef enum option_kind { AS_TEXT, AS_FLAG, AS_WHOLE, AS_REAL, OPTION_OTHER } option_kind;

typedef struct option_row {
    const char *name;
    char letter; /* 0: none */
    int kind;
    size_t at; /* member of the settings */
    double low, high;
    const char *value, *help; /* value: what it is called; help NULL: not listed */
} option_row;

enum { OPTION_MOST_ROWS = 128, OPTION_USAGE = 2 };

/* A program's options, and where they go. */
typedef struct options {
    const option_row *rows;
    int n_rows; /* at most OPTION_MOST_ROWS */
    void *settings;
    bool *said; /* [n_rows] set for rows that the command line has; or NULL */
    /* What takes a row of kind OPTION_OTHER or above; 0, or the exit code. NULL: there is none. */
    int (*other)(void *settings, const option_row *row, const char *word);
} options;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The whole of word as a number, a whole one if asked, which may have underscores between digits and k or m,
   times 1024 or 1024^2, behind them: 1_000_000, 32k. False if anything is left over. */
static bool option_number(const char *word, bool whole, double *out)
{
    char digits[64], *end;
    double unit = 1;
    size_t n = 0;
    if (!whole)
        n = strlen(word);
    for (; whole && *word != 0 && n + 1 < sizeof digits; word++)
        if (*word != '_' || n == 0 || !is_digit(word[-1]) || !is_digit(word[1]))
            digits[n++] = *word;
    digits[whole ? n : 0] = 0;
    if (whole && n > 1 && is_digit(digits[n - 2]) && strchr("kKmM", digits[n - 1]) != NULL) {
        unit = digits[n - 1] == 'k' || digits[n - 1] == 'K' ? 1024 : 1024 * 1024;
        digits[n - 1] = 0;
    }
    if (whole)
        word = *word == 0 ? digits : ""; /* longer than any number */
    *out = strtod(word, &end) * unit;
    if (end == word || *end != 0 || (unsigned char)*word <= ' ' || *out != *out)
        return false;
    return !whole || (*out > -1e15 && *out < 1e15 && *out == (double)(int64_t)*out);
}

/* word into the member that an AS_WHOLE or AS_REAL row names, if it is within the row's bounds. */
static int option_store_number(void *settings, const option_row *row, const char *word)
{
    const char letter[] = {'-', row->letter, ',', ' ', 0}, *before = row->letter != 0 ? letter : "";
    double v;
    if (!option_number(word, row->kind == AS_WHOLE, &v))
        return complain(OPTION_USAGE, "%s--%s: '%s' is not a %snumber", before, row->name, word,
                        row->kind == AS_WHOLE ? "whole " : "");
    if (v < row->low || v > row->high)
        return complain(OPTION_USAGE, "%s--%s: %s is not between %.10g and %.10g", before, row->name, word,
                        row->low, row->high);
    if (row->kind == AS_WHOLE)
        *(uint32_t *)((char *)settings + row->at) = v < 0 ? UINT32_MAX : (uint32_t)v;
    else
        *(float *)((char *)settings + row->at) = (float)v;
    return 0;
}

/* word into what the row names. */
static int option_store(const options *o, const option_row *row, const char *word)
{
    switch (row->kind) {
    case AS_TEXT:
        *(const char **)((char *)o->settings + row->at) = word;
        return 0;
    case AS_FLAG:
        *(bool *)((char *)o->settings + row->at) = true;
        return 0;
    case AS_WHOLE:
    case AS_REAL:
        return option_store_number(o->settings, row, word);
    default:
        return o->other(o->settings, row, word);
    }
}

/* The rows as getopt_long wants them: longs [n_rows + 1], shorts [2 n_rows + 2]. */
static void option_tables(const options *o, struct option *longs, char *shorts)
{
    int i;
    *shorts++ = ':'; /* we write the messages */
    for (i = 0; i < o->n_rows; i++) {
        longs[i].name = o->rows[i].name;
        longs[i].has_arg = o->rows[i].kind == AS_FLAG ? no_argument : required_argument;
        longs[i].flag = NULL;
        longs[i].val = 256 + i;
        if (o->rows[i].letter != 0) {
            *shorts++ = o->rows[i].letter;
            if (o->rows[i].kind != AS_FLAG)
                *shorts++ = ':';
        }
    }
    memset(&longs[o->n_rows], 0, sizeof longs[o->n_rows]);
    *shorts = 0;
}

/* By what getopt_long returns; NULL: no option of the program. */
static const option_row *option_row_of(const options *o, int got)
{
    int i;
    for (i = 0; i < o->n_rows; i++)
        if (got == 256 + i || (o->rows[i].letter != 0 && got == o->rows[i].letter))
            return &o->rows[i];
    return NULL;
}

/* argv into the settings; argv[optind] is then the first word that is no option. 0, or the exit code after one
   line of complaint. */
static int options_parse(const options *o, int argc, char **argv)
{
    struct option longs[OPTION_MOST_ROWS + 1];
    char shorts[2 * OPTION_MOST_ROWS + 2];
    int got, code = 0;
    option_tables(o, longs, shorts);
    opterr = 0;
    while (code == 0 && (got = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        const option_row *row = option_row_of(o, got);
        if (got == ':')
            code = complain(OPTION_USAGE, "%s needs a value (-h shows all)", argv[optind - 1]);
        else if (row == NULL && optopt > 0 && optopt < 256)
            code = complain(OPTION_USAGE, "unknown option -%c (-h shows all)", optopt);
        else if (row == NULL)
            code = complain(OPTION_USAGE, "unknown or unclear option %s (-h shows all)", argv[optind - 1]);
        else {
            if (o->said != NULL)
                o->said[row - o->rows] = true;
            code = option_store(o, row, optarg);
        }
    }
    return code;
}

/* The rows that have help, a line each, the help in column `column`. */
static void options_print(const option_row *rows, int n_rows, int column)
{
    int i;
    for (i = 0; i < n_rows; i++) {
        char left[64], letter[] = {'-', rows[i].letter, ',', 0};
        if (rows[i].help == NULL)
            continue;
        snprintf(left, sizeof left, "%3s --%s %s", rows[i].letter != 0 ? letter : "", rows[i].name,
                 rows[i].value != NULL ? rows[i].value : "");
        printf("  %-*s %s\n", column - 3, left, rows[i].help);
    }
}

#endif /* LLMC_OPTIONS_H */
