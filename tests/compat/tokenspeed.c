/* cc -O2 tests/compat/tokenspeed.c -o tokenspeed -- how fast tokenizers are, on one thread

     tokenspeed text VOCAB FILE [RUNS]   encodes FILE; median and best in MB/s (10^6 bytes), number of ids
     tokenspeed load VOCAB [RUNS]        from the file's bytes to a tokenizer; median and least in ms
     tokenspeed lines VOCAB FILE         lines of a megabyte that slow algorithms stumble over: nanoseconds a byte,
                                         and how many times FILE's; tokenspeed.mjs compares with other programs */
#define LLMC_IMPLEMENTATION
#include "../../llmc.h"
#include "../test.h"
#include <time.h>

#define LINE 1000000

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "tokenspeed: %s: %s\n", what, why);
    exit(1);
}

static llmc_blob read_blob(const char *path)
{
    llmc_blob b;
    const char *slash = strrchr(path, '/');
    size_t size = 0;
    memset(&b, 0, sizeof b);
    b.data = test_read(path, &size);
    b.size = size;
    b.name = slash != NULL ? slash + 1 : path;
    if (b.data == NULL)
        die(path, "cannot be read");
    return b;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* One opening of a vocabulary, in its own memory, which is given back if `tok` is NULL. */
static void open_one(const llmc_blob *b, llmc_tokenizer **tok)
{
    llmc_tokenizer *made;
    llmc_diag diag;
    size_t need = 0;
    void *mem;
    diag.message[0] = 0;
    if (llmc_tokenizer_need(b, 1, NULL, &need, &diag) != LLMC_OK)
        die(b->name, diag.message);
    mem = malloc(need);
    if (mem == NULL || llmc_tokenizer_init(&made, b, 1, NULL, mem, need, &diag) != LLMC_OK)
        die(b->name, diag.message);
    if (tok != NULL)
        *tok = made;
    else
        free(mem);
}

typedef struct encoding {
    const llmc_tokenizer *tok;
    void *work;
    llmc_token *ids;
    size_t need, cap, n;
} encoding;

static void encode(encoding *e, const char *text, size_t len)
{
    llmc_diag diag;
    if (llmc_encode(e->tok, text, len, NULL, e->work, e->need, e->ids, e->cap, &e->n, &diag) != LLMC_OK)
        die("encode", diag.message);
}

static encoding encoding_of(const llmc_tokenizer *tok, size_t len)
{
    encoding e;
    e.tok = tok;
    e.need = llmc_encode_need(tok, len);
    e.cap = len * 4 + 16;
    e.work = malloc(e.need);
    e.ids = (llmc_token *)malloc(e.cap * sizeof *e.ids);
    e.n = 0;
    if (e.work == NULL || e.ids == NULL)
        die("encode", "out of memory");
    return e;
}

/* Median and least of `runs` times of encoding text, in seconds. */
static void measure(encoding *e, const char *text, size_t len, int runs, double *median, double *least)
{
    double t[101];
    int i;
    encode(e, text, len);
    for (i = 0; i < runs; i++) {
        double start = seconds();
        encode(e, text, len);
        t[i] = seconds() - start;
    }
    qsort(t, (size_t)runs, sizeof t[0], by_value);
    *median = t[runs / 2];
    *least = t[0];
}

static void time_text(const char *vocab, const char *file, int runs)
{
    llmc_blob v = read_blob(vocab), f = read_blob(file);
    llmc_tokenizer *tok;
    encoding e;
    double median, least;
    open_one(&v, &tok);
    e = encoding_of(tok, (size_t)f.size);
    measure(&e, (const char *)f.data, (size_t)f.size, runs, &median, &least);
    printf("%.2f MB/s median, %.2f best, %u ids\n", (double)f.size / median * 1e-6, (double)f.size / least * 1e-6, (unsigned)e.n);
}

static void time_load(const char *vocab, int runs)
{
    llmc_blob v = read_blob(vocab);
    double t[101];
    int i;
    for (i = 0; i < runs; i++) {
        double start = seconds();
        open_one(&v, NULL);
        t[i] = seconds() - start;
    }
    qsort(t, (size_t)runs, sizeof t[0], by_value);
    printf("%.2f ms median, %.2f least\n", t[runs / 2] * 1e3, t[0] * 1e3);
}

/* A line of `unit` again and again; NULL: bytes of any value. */
static void fill(char *line, const char *unit)
{
    uint64_t r = 1;
    size_t i, n = unit != NULL ? strlen(unit) : 0;
    for (i = 0; i < LINE; i++) {
        r = r * 6364136223846793005u + 1442695040888963407u;
        line[i] = n > 0 ? unit[i % n] : (char)(r >> 56);
    }
}

static void time_lines(const char *vocab, const char *file)
{
    static const char *const units[][2] = {
        {"one letter", "a"},       {"spaces", " "},           {"random bytes", NULL},       {"digits", "7"},
        {"newlines", "\n"},        {"punctuation", "="},      {"apostrophes", "'"},         {"one Han character", "\xe4\xb8\xad"},
        {"marks", "\xcc\x81"},     {"tabs and spaces", "\t "}, {"capitals in turn", "aB"},   {"emoji", "\xf0\x9f\x98\x80"},
        {"U+2581", "\xe2\x96\x81"}, {"one word", "internationalisation"}, {"\\r without end", "\r"}, {"zeros", NULL},
    };
    llmc_blob v = read_blob(vocab), f = read_blob(file);
    llmc_tokenizer *tok;
    encoding e;
    char *line = (char *)malloc(LINE);
    double median, least, base;
    size_t i;
    if (line == NULL)
        die("lines", "out of memory");
    open_one(&v, &tok);
    e = encoding_of(tok, f.size > LINE ? (size_t)f.size : LINE);
    measure(&e, (const char *)f.data, (size_t)f.size, 9, &median, &base);
    base = base / (double)f.size;
    printf("%-20s %8.2f ns/byte\n", "the file", base * 1e9);
    for (i = 0; i < sizeof units / sizeof units[0]; i++) {
        fill(line, units[i][1]);
        if (strcmp(units[i][0], "zeros") == 0)
            memset(line, 0, LINE);
        measure(&e, line, LINE, 5, &median, &least);
        printf("%-20s %8.2f ns/byte %6.2f times, %u ids\n", units[i][0], least / LINE * 1e9, least / LINE / base, (unsigned)e.n);
    }
    free(line);
}

int main(int argc, char **argv)
{
    int runs;
    if (argc < 3) {
        fprintf(stderr, "usage: tokenspeed text VOCAB FILE [RUNS] | load VOCAB [RUNS] | lines VOCAB FILE\n");
        return 2;
    }
    runs = argc > 4 ? atoi(argv[4]) : argc == 4 && strcmp(argv[1], "load") == 0 ? atoi(argv[3]) : 15;
    runs = runs < 1 ? 1 : runs > 101 ? 101 : runs;
    if (strcmp(argv[1], "text") == 0 && argc > 3)
        time_text(argv[2], argv[3], runs);
    else if (strcmp(argv[1], "load") == 0)
        time_load(argv[2], runs);
    else if (strcmp(argv[1], "lines") == 0 && argc > 3)
        time_lines(argv[2], argv[3]);
    else
        return 2;
    return 0;
}
