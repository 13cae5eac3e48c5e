/* cc -O2 tools/unicode.c -o unicode

   unicode.c -- the Unicode classes that pre-tokenizers split by

     unicode         prints the table of llmc.h's section TOKEN.unicode, ready to paste
     unicode check   proves that the table in llmc.h says the same as the data files

   Reads UnicodeData.txt and PropList.txt of Debian's unicode-data package from
   /usr/share/unicode, or from the folder named by UNICODE_DATA. */
#define LLMC_IMPLEMENTATION
#define LLMC_STATIC
#include "../llmc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POINTS 0x110000

static unsigned char class_of[POINTS];
static char version[64] = "unknown version";

static FILE *open_data(const char *name)
{
    const char *folder = getenv("UNICODE_DATA");
    char path[512];
    FILE *f;
    snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : "/usr/share/unicode", name);
    f = fopen(path, "r");
    if (f == NULL)
        fprintf(stderr, "unicode: cannot read %s (Debian package unicode-data)\n", path);
    return f;
}

/* The general category's two letters to the few classes that matter here. */
static unsigned char class_from_category(const char *gc)
{
    switch (gc[0]) {
    case 'L':
        return gc[1] == 'u' || gc[1] == 't' ? LLMC__UC_UPPER
               : gc[1] == 'l'               ? LLMC__UC_LOWER
                                            : LLMC__UC_LETTER;
    case 'M':
        return LLMC__UC_MARK;
    case 'N':
        return LLMC__UC_NUMBER;
    case 'P':
        return LLMC__UC_PUNCT;
    case 'S':
        return LLMC__UC_SYMBOL;
    default:
        return LLMC__UC_OTHER;
    }
}

/* UnicodeData.txt: code;name;category;... where "<..., First>" and "<..., Last>"
   are the ends of a range. */
static int read_categories(void)
{
    FILE *f = open_data("UnicodeData.txt");
    char line[1024];
    unsigned long first = 0, c;
    if (f == NULL)
        return 0;
    while (fgets(line, sizeof line, f) != NULL) {
        char *end, *name = strchr(line, ';'), *category;
        unsigned long code = strtoul(line, &end, 16);
        if (name == NULL || end != name || code >= POINTS || (category = strchr(name + 1, ';')) == NULL)
            continue;
        *category++ = 0;
        if (strstr(name, ", Last>") == NULL)
            first = code;
        for (c = first; c <= code; c++)
            class_of[c] = class_from_category(category);
    }
    fclose(f);
    return 1;
}

/* PropList.txt: "first..last ; White_Space # comment", its version in line one. */
static int read_white_space(void)
{
    FILE *f = open_data("PropList.txt");
    char line[1024];
    if (f == NULL)
        return 0;
    while (fgets(line, sizeof line, f) != NULL) {
        char *end;
        unsigned long first, last;
        if (strncmp(line, "# PropList-", 11) == 0)
            sscanf(line + 11, "%63[0-9.]", version);
        first = last = strtoul(line, &end, 16);
        if (end == line || strstr(line, "; White_Space ") == NULL)
            continue;
        if (end[0] == '.' && end[1] == '.')
            last = strtoul(end + 2, NULL, 16);
        for (; first <= last && first < POINTS; first++)
            class_of[first] = LLMC__UC_SPACE;
    }
    if (version[strlen(version) - 1] == '.')
        version[strlen(version) - 1] = 0;
    fclose(f);
    return 1;
}

/* End of the longest run from `at` in which upper and lower case take turns. */
static unsigned long alternating(unsigned long at)
{
    unsigned long c = at;
    if (class_of[c] != LLMC__UC_UPPER)
        return at;
    while (c + 2 < POINTS && class_of[c] == LLMC__UC_UPPER && class_of[c + 1] == LLMC__UC_LOWER)
        c += 2;
    return c;
}

static void print_entry(unsigned long start, unsigned class_id, unsigned *n)
{
    printf("%s0x%06lx,", *n % 10 == 0 ? "\n    " : " ", start << 4 | class_id);
    (*n)++;
}

static void print_table(void)
{
    unsigned long c = 0, end;
    unsigned n = 0;
    printf("/* Unicode %s, first code point << 4 | class of each range; printed by tools/unicode.c. */\n",
           version);
    printf("static const uint32_t llmc__uc_range[] = {");
    while (c < POINTS) {
        end = alternating(c);
        if (end - c >= 4) { /* shorter runs are cheaper as themselves */
            print_entry(c, c & 1 ? LLMC__UC_CASE_ODD : LLMC__UC_CASE_EVEN, &n);
        } else {
            print_entry(c, class_of[c], &n);
            for (end = c + 1; end < POINTS && class_of[end] == class_of[c] && alternating(end) - end < 4;
                 end++)
                ;
        }
        c = end;
    }
    printf("\n};\n");
    fprintf(stderr, "%u ranges\n", n);
}

static int check_table(void)
{
    unsigned long c, bad = 0;
    for (c = 0; c < POINTS; c++) {
        unsigned got = llmc__uc_class((uint32_t)c);
        if (got != class_of[c] && bad++ < 10)
            fprintf(stderr, "unicode: U+%04lX is class %u in llmc.h, %u in the data\n", c, got, class_of[c]);
    }
    if (bad == 0)
        printf("llmc.h agrees with Unicode %s on all code points\n", version);
    return bad == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    int check = argc == 2 && strcmp(argv[1], "check") == 0;
    if (argc > 1 && !check) {
        fprintf(stderr, "usage: unicode [check]\n");
        return 2;
    }
    if (!read_categories() || !read_white_space())
        return 1;
    if (check)
        return check_table();
    print_table();
    return 0;
}
