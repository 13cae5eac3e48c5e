/* cc -O2 tools/unicode.c -o unicode

   unicode.c -- Unicode's data as llmc.h needs it: classes, normal forms, lower case

     unicode         prints the tables of llmc.h's section TOKEN.unicode, ready to paste
     unicode check   proves that what llmc.h looks up in them is what the data files say

   Reads UnicodeData.txt, PropList.txt, Scripts.txt and DerivedNormalizationProps.txt of Debian's unicode-data
   package from /usr/share/unicode, or from the folder named by UNICODE_DATA. */
#define LLMC_IMPLEMENTATION
#define LLMC_STATIC
#include "../llmc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POINTS  0x110000
#define MAX_MAP 20 /* code points in a decomposition */

/* What the files say of each code point. */
static unsigned char class_of[POINTS], ccc_of[POINTS], han[POINTS], excluded[POINTS], unquick[POINTS];
static unsigned lower_of[POINTS];
static struct mapping {
    unsigned n, compat, to[MAX_MAP];
} map_of[POINTS];                   /* one step, as in the file; then in full */
static unsigned pair_of[POINTS][2]; /* canonical decomposition to two, before it became full */
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
        return gc[1] == 'n' ? LLMC__UC_MARK : LLMC__UC_MARK_WIDE;
    case 'N':
        return gc[1] == 'o' ? LLMC__UC_NUMBER_OTHER : LLMC__UC_NUMBER;
    case 'P':
        return gc[1] == 'c' ? LLMC__UC_CONNECTOR : LLMC__UC_PUNCT;
    case 'S':
        return LLMC__UC_SYMBOL;
    default:
        return LLMC__UC_OTHER;
    }
}

/* "<tag> 0041 0301" to map_of[code]. */
static void read_mapping(unsigned long code, char *text)
{
    struct mapping *m = &map_of[code];
    char *end;
    m->compat = text[0] == '<';
    if (m->compat && (text = strchr(text, '>')) != NULL)
        text++;
    while (text != NULL && m->n < MAX_MAP) {
        unsigned long to = strtoul(text, &end, 16);
        if (end == text)
            break;
        m->to[m->n++] = (unsigned)to;
        text = end;
    }
    if (!m->compat && m->n == 2) {
        pair_of[code][0] = m->to[0];
        pair_of[code][1] = m->to[1];
    }
}

/* UnicodeData.txt: code;name;category;ccc;bidi;decomposition;...;upper;lower;title
   where "<..., First>" and "<..., Last>" are the ends of a range. */
static int read_unicode_data(void)
{
    FILE *f = open_data("UnicodeData.txt");
    char line[1024];
    unsigned long first = 0, c;
    if (f == NULL)
        return 0;
    for (c = 0; c < POINTS; c++)
        lower_of[c] = (unsigned)c;
    while (fgets(line, sizeof line, f) != NULL) {
        char *field[15], *p = line;
        unsigned long code;
        int n;
        for (n = 0; n < 15 && p != NULL; n++) {
            field[n] = p;
            p = strchr(p, ';');
            if (p != NULL)
                *p++ = 0;
        }
        code = strtoul(field[0], NULL, 16);
        if (n < 15 || code >= POINTS)
            continue;
        if (strstr(field[1], ", Last>") == NULL)
            first = code;
        for (c = first; c <= code; c++) {
            class_of[c] = class_from_category(field[2]);
            ccc_of[c] = (unsigned char)atoi(field[3]);
        }
        read_mapping(code, field[5]);
        if (field[13][0] != 0)
            lower_of[code] = (unsigned)strtoul(field[13], NULL, 16);
    }
    fclose(f);
    return 1;
}

/* Sets set[c] = value for every c of the lines "first..last ; what" of a file; its version from line one. */
static int read_property(const char *file, const char *what, unsigned char *set, unsigned char value)
{
    FILE *f = open_data(file);
    char line[1024], *end;
    size_t len = strlen(what);
    if (f == NULL)
        return 0;
    while (fgets(line, sizeof line, f) != NULL) {
        unsigned long first, last;
        if (strncmp(line, "# PropList-", 11) == 0)
            sscanf(line + 11, "%63[0-9.]", version);
        first = last = strtoul(line, &end, 16);
        if (end == line)
            continue;
        if (end[0] == '.' && end[1] == '.')
            last = strtoul(end + 2, &end, 16);
        end += strspn(end, " ;");
        if (strncmp(end, what, len) != 0 || (end[len] != ' ' && end[len] != ';'))
            continue;
        for (; first <= last && first < POINTS; first++)
            set[first] = value;
    }
    if (version[strlen(version) - 1] == '.')
        version[strlen(version) - 1] = 0;
    fclose(f);
    return 1;
}

/* Replaces every mapping by one whose parts map no further: canonical ones by canonical ones only,
   compatibility ones by both. */
static void complete_mappings(void)
{
    unsigned again = 1;
    while (again) {
        unsigned long c;
        for (again = 0, c = 0; c < POINTS; c++) {
            struct mapping *m = &map_of[c], out;
            unsigned i, j;
            memset(&out, 0, sizeof out);
            out.compat = m->compat;
            for (i = 0; i < m->n; i++) {
                const struct mapping *part = &map_of[m->to[i]];
                if (part->n == 0 || (part->compat && !m->compat)) {
                    out.to[out.n++] = m->to[i];
                    continue;
                }
                again = 1;
                for (j = 0; j < part->n; j++)
                    out.to[out.n++] = part->to[j];
            }
            *m = out;
        }
    }
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

static unsigned column; /* values printed of the current table */

static void begin(const char *comment, const char *declaration)
{
    printf("\n/* %s\n   Unicode %s; printed by tools/unicode.c. */\n%s = {", comment, version, declaration);
    column = 0;
}

static void item(const char *text, unsigned per_line)
{
    printf("%s%s,", column % per_line == 0 ? "\n    " : " ", text);
    column++;
}

static void number(unsigned long value, int digits, unsigned per_line)
{
    char text[32];
    snprintf(text, sizeof text, "0x%0*lx", digits, value);
    item(text, per_line);
}

static void finish(const char *what)
{
    printf("\n};\n");
    fprintf(stderr, "%u %s\n", column, what);
}

static void print_classes(void)
{
    unsigned long c = 0, end;
    begin("First code point << 4 | class of each range, ascending.",
          "static const uint32_t llmc__uc_range[]");
    while (c < POINTS) {
        end = alternating(c);
        if (end - c >= 4) { /* shorter runs are cheaper as themselves */
            number(c << 4 | (c & 1 ? LLMC__UC_CASE_ODD : LLMC__UC_CASE_EVEN), 6, 10);
        } else {
            number(c << 4 | class_of[c], 6, 10);
            for (end = c + 1; end < POINTS && class_of[end] == class_of[c] && alternating(end) - end < 4;
                 end++)
                ;
        }
        c = end;
    }
    finish("ranges of classes");
}

/* Ranges of a property of a byte: first code point << 8 | value. */
static void print_bytes(const char *comment, const char *declaration, const unsigned char *of)
{
    unsigned long c;
    begin(comment, declaration);
    for (c = 0; c < POINTS; c++)
        if (c == 0 || of[c] != of[c - 1])
            number(c << 8 | of[c], 6, 10);
    finish(declaration);
}

/* UTF-16 units of a mapping. */
static unsigned units(const struct mapping *m, unsigned *out)
{
    unsigned i, n = 0;
    for (i = 0; i < m->n; i++) {
        if (m->to[i] >= 0x10000) {
            out[n++] = 0xd800 + ((m->to[i] - 0x10000) >> 10);
            out[n++] = 0xdc00 + ((m->to[i] - 0x10000) & 0x3ff);
        } else {
            out[n++] = m->to[i];
        }
    }
    return n;
}

/* Whether c + i maps to one code point as far ahead of map_of[c] as c + i is of c. */
static unsigned follows(unsigned long c, unsigned long i)
{
    const struct mapping *m = &map_of[c], *k = &map_of[c + i];
    return m->n == 1 && k->n == 1 && k->compat == m->compat && k->to[0] == m->to[0] + i;
}

/* Runs of neighbours whose mappings are equally long share one entry; a run that maps to another run
   stores its first target alone. */
static void print_decompositions(void)
{
    static unsigned pool[40000];
    unsigned used = 0, n, i;
    unsigned long c, end;
    char text[64];
    begin("Code points that decompose: {first << 8 | compatibility << 7 | run << 6 | units each, count, "
          "place in\n"
          "   llmc__decomp_unit}. A run maps to a run, of which the first is stored.",
          "static const llmc__decomp_range llmc__decomp_table[]");
    for (c = 0; c < POINTS; c = end) {
        unsigned out[2 * MAX_MAP], run = 0;
        end = c + 1;
        if (map_of[c].n == 0)
            continue;
        n = units(&map_of[c], out);
        while (end < POINTS && follows(c, end - c))
            end++;
        run = end - c >= 4;
        if (!run) {
            for (end = c + 1; end < POINTS && map_of[end].n > 0 && map_of[end].compat == map_of[c].compat;
                 end++) {
                unsigned other[2 * MAX_MAP];
                if (units(&map_of[end], other) != n ||
                    (follows(end, 1) && follows(end, 2) && follows(end, 3)))
                    break;
            }
        }
        snprintf(text, sizeof text, "{0x%06lx, %lu, %u}", c << 8 | map_of[c].compat << 7 | run << 6 | n,
                 end - c, used);
        item(text, 5);
        for (i = 0; i < (run ? 1 : end - c); i++) {
            n = units(&map_of[c + i], out);
            memcpy(pool + used, out, n * sizeof *pool);
            used += n;
        }
    }
    finish("ranges of decompositions");
    begin("What they decompose to, in full, as UTF-16.", "static const uint16_t llmc__decomp_unit[]");
    for (i = 0; i < used; i++)
        number(pool[i], 4, 14);
    finish("units of decompositions");
}

static int by_pair(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    if (pair_of[x][0] != pair_of[y][0])
        return pair_of[x][0] < pair_of[y][0] ? -1 : 1;
    return pair_of[x][1] < pair_of[y][1] ? -1 : pair_of[x][1] > pair_of[y][1];
}

/* {first, second, composed}, ordered by the first two; of plane 1, the lower 16 bits. */
static void print_compositions(void)
{
    static unsigned list[4000];
    unsigned n = 0, i, plane;
    unsigned long c;
    char text[64];
    for (c = 0; c < POINTS; c++)
        if (pair_of[c][0] != 0 && !excluded[c])
            list[n++] = (unsigned)c;
    qsort(list, n, sizeof list[0], by_pair);
    for (plane = 0; plane < 2; plane++) {
        begin(plane == 0 ? "Primary composites: {first, second, composed}, ascending."
                         : "The same in plane 1, without its 0x10000.",
              plane == 0 ? "static const uint16_t llmc__compose_bmp[][3]"
                         : "static const uint16_t llmc__compose_smp[][3]");
        for (i = 0; i < n; i++) {
            const unsigned *p = pair_of[list[i]];
            if (list[i] >> 16 != plane || p[0] >> 16 != plane || p[1] >> 16 != plane) {
                if (list[i] >> 16 == plane)
                    fprintf(stderr, "unicode: U+%04X composes across planes\n", list[i]);
                continue;
            }
            snprintf(text, sizeof text, "{0x%04x, 0x%04x, 0x%04x}", p[0] & 0xffff, p[1] & 0xffff,
                     list[i] & 0xffff);
            item(text, 4);
        }
        finish("compositions");
    }
}

/* {first, last, step, what is added}; a run of one has step 1. */
static void print_lower(void)
{
    unsigned long c, last;
    char text[64];
    begin("Simple lower case: {first, last, step, difference}, ascending.",
          "static const int32_t llmc__lower_range[][4]");
    for (c = 0; c < POINTS; c = last + 1) {
        long d = (long)lower_of[c] - (long)c;
        unsigned long step = 1;
        last = c;
        if (d == 0)
            continue;
        if (c + 2 < POINTS && (long)lower_of[c + 1] - (long)(c + 1) != d &&
            (long)lower_of[c + 2] - (long)(c + 2) == d && lower_of[c + 1] == c + 1)
            step = 2;
        while (last + step < POINTS && (long)lower_of[last + step] - (long)(last + step) == d &&
               (step == 1 || lower_of[last + 1] == last + 1))
            last += step;
        snprintf(text, sizeof text, "{0x%04lx, 0x%04lx, %lu, %ld}", c, last, step, d);
        item(text, 4);
    }
    finish("ranges of lower case");
}

static unsigned bad;

static void expect(unsigned long c, const char *what, unsigned got, unsigned want)
{
    if (got != want && bad++ < 10)
        fprintf(stderr, "unicode: %s of U+%04lX is 0x%X in llmc.h, 0x%X in the data\n", what, c, got, want);
}

/* Decomposition as the data say: Hangul syllables, which no line lists, by arithmetic. */
static unsigned expected_map(unsigned long c, unsigned compat, unsigned *out)
{
    const struct mapping *m = &map_of[c];
    unsigned i, j, n = 0;
    if (c >= 0xac00 && c < 0xac00 + 11172) {
        unsigned s = (unsigned)c - 0xac00;
        out[0] = 0x1100 + s / 588;
        out[1] = 0x1161 + s % 588 / 28;
        out[2] = 0x11a7 + s % 28;
        return s % 28 == 0 ? 2 : 3;
    }
    if (m->n == 0 || (m->compat && !compat)) {
        out[0] = (unsigned)c;
        return 1;
    }
    for (i = 0; i < m->n; i++) {
        const struct mapping *part = &map_of[m->to[i]];
        if (!compat || part->n == 0) {
            out[n++] = m->to[i];
            continue;
        }
        for (j = 0; j < part->n; j++)
            out[n++] = part->to[j];
    }
    return n;
}

static void check_decompositions(unsigned long c)
{
    unsigned want[64], compat, n, i;
    uint32_t got[LLMC__DECOMP_MAX];
    for (compat = 0; compat < 2; compat++) {
        n = expected_map(c, compat, want);
        expect(c, "the decomposition's length", llmc__decompose((uint32_t)c, compat != 0, got), n);
        for (i = 0; i < n && i < LLMC__DECOMP_MAX; i++)
            expect(c, "the decomposition", got[i], want[i]);
    }
    if (pair_of[c][0] != 0)
        expect(c, "the composition", llmc__compose(pair_of[c][0], pair_of[c][1]),
               excluded[c] ? 0 : (unsigned)c);
}

static int check_tables(void)
{
    unsigned long c;
    for (c = 0; c < POINTS; c++) {
        expect(c, "the class", llmc__uc_class((uint32_t)c), class_of[c]);
        expect(c, "the combining class", llmc__uc_ccc((uint32_t)c), ccc_of[c]);
        expect(c, "lower case", llmc__uc_lower((uint32_t)c), lower_of[c]);
        expect(c, "Han", llmc__uc_han((uint32_t)c), han[c]);
        expect(c, "NFC's quick check", llmc__uc_unquick((uint32_t)c), unquick[c] != 0 || ccc_of[c] != 0);
        check_decompositions(c);
    }
    if (bad == 0)
        printf("llmc.h agrees with Unicode %s on all code points\n", version);
    return bad == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    int check = argc == 2 && strcmp(argv[1], "check") == 0;
    unsigned long c;
    if (argc > 1 && !check) {
        fprintf(stderr, "usage: unicode [check]\n");
        return 2;
    }
    if (!read_unicode_data() || !read_property("PropList.txt", "White_Space", class_of, LLMC__UC_SPACE) ||
        !read_property("Scripts.txt", "Han", han, 1) ||
        !read_property("DerivedNormalizationProps.txt", "Full_Composition_Exclusion", excluded, 1) ||
        !read_property("DerivedNormalizationProps.txt", "NFC_QC; N", unquick, 1) ||
        !read_property("DerivedNormalizationProps.txt", "NFC_QC; M", unquick, 1))
        return 1;
    class_of['\n'] = class_of['\r'] = LLMC__UC_NEWLINE;
    complete_mappings();
    if (check)
        return check_tables();
    print_classes();
    print_bytes("Canonical combining classes: first code point << 8 | class.",
                "static const uint32_t llmc__ccc_range[]", ccc_of);
    for (c = 0; c < POINTS; c++)
        unquick[c] = unquick[c] != 0 || ccc_of[c] != 0;
    print_bytes("Where NFC's quick check does not say yes: first code point << 8 | 1.",
                "static const uint32_t llmc__unquick_range[]", unquick);
    print_bytes("The script Han: first code point << 8 | 1.", "static const uint32_t llmc__han_range[]", han);
    print_decompositions();
    print_compositions();
    print_lower();
    return 0;
}
