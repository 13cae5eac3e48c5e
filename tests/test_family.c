/* test_family.c -- every decoder family against the independent reference

   tests/vectors/families.py (Python, numpy) writes small random models as Hugging Face folders and
   GGUF files; the logits it computed for them are in tests/vectors/families/. Each line of its
   list.txt is a test: the model is opened as a user would and reads the ids in one piece, half in
   one piece and the rest one by one, and in uneven pieces.

   FAMILIES  folder with the models; by default build/test/families, brought up to date first
   FAMILY    only tests whose name contains this */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"
#include <math.h>

#define MAX_IDS 256

/* One line of list.txt. */
typedef struct line {
    char name[96], path[512], vector[512], grade[16];
    llmc_token ids[MAX_IDS];
    size_t n;
    unsigned context;
} line;

static bool parse(line *out, const char *text, const char *folder)
{
    char path[256], vector[256], ids[2048], *p = ids, *end;
    if (sscanf(text, "%95s %255s %255s %2047s %u %15s", out->name, path, vector, ids, &out->context,
               out->grade) != 6)
        return false;
    snprintf(out->path, sizeof out->path, "%s/%s", folder, path);
    snprintf(out->vector, sizeof out->vector, "tests/vectors/families/%s", vector);
    for (out->n = 0; *p != 0 && out->n < MAX_IDS; p = *end == ',' ? end + 1 : end) {
        out->ids[out->n++] = (llmc_token)strtol(p, &end, 10);
        if (end == p)
            return false;
    }
    return out->n > 0 && *p == 0;
}

/* The recorded logits [n][V], little-endian float32; NULL if the file is not that. To be freed. */
static float *golden(const line *l, size_t *V)
{
    size_t bytes = 0, i, count;
    unsigned char *raw = test_read(l->vector, &bytes);
    float *out = NULL;
    if (CHECKF(raw != NULL && bytes > 0 && bytes % (4 * l->n) == 0, "no vector %s for %u tokens", l->vector,
               (unsigned)l->n)) {
        count = bytes / 4;
        *V = count / l->n;
        out = (float *)malloc(bytes);
        for (i = 0; out != NULL && i < count; i++) {
            const unsigned char *b = raw + 4 * i;
            uint32_t u = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
            memcpy(&out[i], &u, 4);
        }
    }
    free(raw);
    return out;
}

static double deviation(const float *x, size_t n)
{
    double mean = 0, sum = 0;
    size_t i;
    for (i = 0; i < n; i++)
        mean += x[i] / (double)n;
    for (i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sqrt(sum / (double)n);
}

/* Feeds the ids in pieces: the first of `first` tokens, then `rest` at a time, or with rest 0 of
   1, 2, 3, ... tokens. Logits of all positions into got [n][V]. */
static bool feed(llmc_host *host, const line *l, size_t first, size_t rest, float *got, size_t V)
{
    llmc_diag diag;
    size_t at = 0, piece = first, turn = 1;
    llmc_seq_close(host->seq);
    host->seq = NULL;
    if (!CHECKF(llmc_seq_open(&host->seq, host->engine, NULL, &diag) == LLMC_OK, "%s", diag.message))
        return false;
    while (at < l->n) {
        if (piece > l->n - at)
            piece = l->n - at;
        if (!CHECKF(llmc_seq_forward(host->seq, l->ids + at, piece, got + at * V, piece, &diag) == LLMC_OK,
                    "at %u: %s", (unsigned)at, diag.message))
            return false;
        at += piece;
        piece = rest != 0 ? rest : turn++;
    }
    return true;
}

/* Compares got with want; the limit is a share of want's standard deviation. "loose": weights whose
   kernels round activations to 8 bits; that moves a logit of these models by up to 0.07, a wrong
   decoding by 1 and more. */
static void compare(const line *l, const char *way, const float *got, const float *want, size_t V)
{
    double sd = deviation(want, l->n * V), limit = strcmp(l->grade, "f32") == 0 ? 1e-3 : 0.1, worst = 0;
    size_t i, where = 0;
    for (i = 0; i < l->n * V; i++) {
        double e = got[i] > want[i] ? (double)got[i] - want[i] : (double)want[i] - got[i];
        if (!(e <= worst)) { /* not finite: worst of all */
            worst = e == e ? e : 1e30;
            where = i;
        }
    }
    if (getenv("TEST_VERBOSE") != NULL)
        printf("  %-32s %-14s %.2e of a standard deviation\n", l->name, way, worst / sd);
    CHECKF(worst <= limit * sd,
           "%s: error %.3g of a standard deviation (position %u, token %u: %g, expected %g)", way, worst / sd,
           (unsigned)(where / V), (unsigned)(where % V), (double)got[where], (double)want[where]);
}

static void run_line(const line *l)
{
    llmc_engine_options engine;
    llmc_open_options opt;
    llmc_host host;
    llmc_diag diag;
    size_t V = 0;
    float *want = golden(l, &V), *got = want != NULL ? (float *)malloc(l->n * V * sizeof *got) : NULL;
    memset(&engine, 0, sizeof engine);
    memset(&opt, 0, sizeof opt);
    memset(&diag, 0, sizeof diag);
    engine.context_length = l->context;
    engine.kv_type = LLMC_F32;
    opt.threads = 1;
    opt.engine = &engine;
    if (got != NULL && CHECKF(llmc_open(&host, l->path, &opt, &diag) == LLMC_OK, "%s", diag.message)) {
        uint32_t vocab = llmc_model_config(host.model)->vocab_size;
        if (CHECKF(vocab == V, "%u tokens, expected %u", (unsigned)vocab, (unsigned)V)) {
            if (feed(&host, l, l->n, 1, got, V))
                compare(l, "prefill", got, want, V);
            if (feed(&host, l, (l->n + 1) / 2, 1, got, V))
                compare(l, "half, then one", got, want, V);
            if (feed(&host, l, 3, 0, got, V))
                compare(l, "pieces", got, want, V);
        }
        llmc_close(&host);
    }
    free(got);
    free(want);
}

/* The models' folder; the default one is made, or made anew if its program has changed. */
static const char *models(void)
{
    const char *folder = getenv("FAMILIES");
    if (folder != NULL && folder[0] != 0)
        return folder;
    folder = "build/test/families";
    if (system("/usr/bin/python3 -c 'import numpy' 2>/dev/null") == 0 &&
        system("/usr/bin/python3 tests/vectors/families.py --update build/test/families") != 0)
        CHECKF(0, "tests/vectors/families.py failed");
    return folder;
}

static void run_list(void)
{
    static line l;
    char file[600], text[4096];
    const char *folder = models(), *only = getenv("FAMILY");
    FILE *f;
    int lines = 0;
    snprintf(file, sizeof file, "%s/list.txt", folder);
    f = fopen(file, "r");
    if (f == NULL) {
        SKIP("no models: python3-numpy is missing");
        return;
    }
    while (fgets(text, sizeof text, f) != NULL) {
        test_bad = 0;
        test_now = "list.txt";
        if (CHECKF(parse(&l, text, folder), "not a line of list.txt: %.60s", text)) {
            if (only != NULL && strstr(l.name, only) == NULL)
                continue;
            test_now = l.name;
            run_line(&l);
        }
        test_close();
        lines++;
    }
    fclose(f);
    test_bad = 0;
    test_now = "run_list";
    CHECKF(lines > 0, "%s names no model", file);
}

int main(void)
{
    RUN(run_list);
    return test_end("family");
}
