/* test_formats.c -- every container and what only some of them hold: claude-rust, nanochat,
   torchless, MOG, llama2.c, llm.c, RustGPT, BERT

   tests/vectors/formats.py writes small random models and a list of them into $FORMATS (default
   build/test/formats); what it computes from the definitions is recorded in tests/vectors/formats.
   Each model reads its ids in one piece, half of them and then one by one, and in uneven pieces. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"
#include <math.h>

#define MAX_IDS    256
#define MAX_LINE   4096
#define TOLERANCE  1e-4 /* of the standard deviation; GELU by tanh for GELU by erf is 7e-4 */
#define SAME_MODEL 1e-5 /* between two containers of one model */

/* One line of list.txt. */
typedef struct listed {
    char name[128], path[256], vector[128], kind[16];
    llmc_token ids[MAX_IDS];
    size_t n;
    unsigned context;
} listed;

/* Recorded numbers: the last rows of the logits, or one pooled state. */
typedef struct recorded {
    float *x;
    size_t n;
    double std;
} recorded;

static const char *folder;

//--[ what is recorded ]--
static double deviation(const float *x, size_t n)
{
    double sum = 0, squares = 0;
    size_t i;
    for (i = 0; i < n; i++) {
        sum += (double)x[i];
        squares += (double)x[i] * (double)x[i];
    }
    sum /= (double)n;
    return sqrt(squares / (double)n - sum * sum);
}

/* The f32 little-endian numbers of a vector; free x. */
static bool read_vector(recorded *out, const char *name)
{
    char path[256];
    unsigned char *raw;
    size_t size = 0, i;
    snprintf(path, sizeof path, "tests/vectors/formats/%s", name);
    raw = test_read(path, &size);
    if (!CHECKF(raw != NULL && size >= 4, "%s is missing", path))
        return false;
    out->n = size / 4;
    out->x = (float *)malloc(size);
    for (i = 0; i < out->n; i++) {
        uint32_t bits = test_u32le(raw + 4 * i);
        memcpy(&out->x[i], &bits, sizeof bits);
    }
    out->std = deviation(out->x, out->n);
    free(raw);
    return true;
}

/* Largest difference in standard deviations; a NaN counts as infinite. */
static double distance(const float *x, const float *y, size_t n, double std)
{
    double worst = 0;
    size_t i;
    for (i = 0; i < n; i++) {
        double d = (double)x[i] - (double)y[i];
        d = d < 0 ? -d : d;
        if (!(d <= worst))
            worst = d == d ? d : 1e30;
    }
    return worst / std;
}

//--[ the list ]--
static size_t read_ids(llmc_token *out, const char *text)
{
    size_t n = 0;
    while (*text != 0 && n < MAX_IDS) {
        char *end;
        out[n++] = (llmc_token)strtol(text, &end, 10);
        text = *end == ',' ? end + 1 : end;
    }
    return n;
}

static bool read_line(listed *out, const char *line)
{
    char ids[MAX_LINE];
    if (sscanf(line, "%127s %255s %127s %4095s %u %15s", out->name, out->path, out->vector, ids,
               &out->context, out->kind) != 6)
        return false;
    out->n = read_ids(out->ids, ids);
    return out->n > 0;
}

//--[ running a model ]--
static bool fresh(llmc_host *lm)
{
    llmc_diag diag;
    llmc_seq_close(lm->seq);
    return CHECKF(llmc_seq_open(&lm->seq, lm->engine, NULL, &diag) == LLMC_OK, "%s", diag.message) != 0;
}

/* Feeds pieces of the sizes that cut gives for each position; logits [n][V]. */
static bool feed(llmc_host *lm, const listed *c, size_t (*cut)(size_t at, size_t n), float *logits, size_t V)
{
    llmc_diag diag;
    size_t at, k;
    if (!fresh(lm))
        return false;
    for (at = 0; at < c->n; at += k) {
        k = cut(at, c->n);
        k = k < c->n - at ? k : c->n - at;
        if (!CHECKF(llmc_seq_forward(lm->seq, c->ids + at, k, logits + at * V, k, &diag) == LLMC_OK,
                    "at token %u: %s", (unsigned)at, diag.message))
            return false;
    }
    return true;
}

static size_t whole(size_t at, size_t n)
{
    (void)at;
    return n;
}

static size_t half_then_single(size_t at, size_t n)
{
    return at == 0 ? n / 2 : 1;
}

static size_t uneven(size_t at, size_t n)
{
    static const size_t piece[] = {1, 3, 2, 7, 1, 5, 31};
    (void)n;
    return piece[at % 7];
}

/* The first model of each vector, to hold the others against. */
static struct {
    char vector[128], name[128];
    float *logits;
} first;

static void compare_with_first(const listed *c, float *logits, size_t n, double std)
{
    if (strcmp(first.vector, c->vector) != 0) {
        free(first.logits);
        first.logits = (float *)malloc(n * sizeof *logits);
        memcpy(first.logits, logits, n * sizeof *logits);
        snprintf(first.vector, sizeof first.vector, "%s", c->vector);
        snprintf(first.name, sizeof first.name, "%s", c->name);
    } else {
        double d = distance(logits, first.logits, n, std);
        CHECKF(d < SAME_MODEL, "differs from %s by %.3g standard deviations", first.name, d);
    }
}

static void run_logits(llmc_host *lm, const listed *c, const recorded *want)
{
    static const struct {
        const char *name;
        size_t (*cut)(size_t, size_t);
    } plan[] = {{"prefill", whole}, {"decode", half_then_single}, {"pieces", uneven}};
    size_t V = llmc_model_config(lm->model)->vocab_size, p;
    float *logits, *last;
    if (!CHECKF(want->n % V == 0 && want->n / V <= c->n, "a vocabulary of %u does not fit its vector",
                (unsigned)V))
        return;
    logits = (float *)malloc(c->n * V * sizeof *logits);
    last = logits + (c->n * V - want->n);
    for (p = 0; p < sizeof plan / sizeof plan[0]; p++) {
        double d;
        if (!feed(lm, c, plan[p].cut, logits, V))
            break;
        d = distance(last, want->x, want->n, want->std);
        CHECKF(d < TOLERANCE, "%s: error %.3g standard deviations", plan[p].name, d);
        if (getenv("TEST_VERBOSE") != NULL)
            printf("    %-28s %-8s %.2g\n", c->name, plan[p].name, d);
        if (p == 0 && strcmp(c->kind, "same") == 0)
            compare_with_first(c, last, want->n, want->std);
    }
    free(logits);
}

/* An embedding, twice: the sequence must be as new afterwards. */
static void run_embedding(llmc_host *lm, const listed *c, const recorded *want)
{
    static const char *const name[] = {"default", "mean", "cls", "last"};
    size_t D = llmc_model_config(lm->model)->n_embd, how, turn;
    float *x = (float *)malloc(D * sizeof *x);
    for (how = 0; how < 4 && strcmp(c->kind, name[how]) != 0; how++)
        ;
    if (CHECKF(how < 4, "no pooling '%s'", c->kind) && CHECK(want->n == D))
        for (turn = 0; turn < 2; turn++) {
            llmc_diag diag;
            double d;
            if (!CHECKF(llmc_seq_embed(lm->seq, c->ids, c->n, (llmc_pooling)how, x, &diag) == LLMC_OK, "%s",
                        diag.message))
                break;
            d = distance(x, want->x, D, want->std);
            CHECKF(d < TOLERANCE, "error %.3g standard deviations", d);
        }
    free(x);
}

static void run_case(const listed *c)
{
    static char path[768]; /* llmc_open keeps it for messages */
    llmc_engine_options engine;
    llmc_open_options opt;
    llmc_host lm;
    llmc_diag diag;
    recorded want;
    snprintf(path, sizeof path, "%s/%s", folder, c->path);
    if (!read_vector(&want, c->vector))
        return;
    memset(&engine, 0, sizeof engine);
    memset(&opt, 0, sizeof opt);
    engine.context_length = c->context;
    engine.kv_type = LLMC_F32;
    opt.engine = &engine;
    opt.threads = 1;
    if (CHECKF(llmc_open(&lm, path, &opt, &diag) == LLMC_OK, "%s", diag.message)) {
        if (strcmp(c->kind, "f32") == 0 || strcmp(c->kind, "same") == 0)
            run_logits(&lm, c, &want);
        else
            run_embedding(&lm, c, &want);
        llmc_close(&lm);
    }
    free(want.x);
}

//--[ the models ]--
/* Has the generator write what is not there yet, where Python and numpy are. */
static FILE *list_of_models(void)
{
    char command[1200], path[768];
    snprintf(command, sizeof command, "/usr/bin/python3 tests/vectors/formats.py '%s' 2>/dev/null", folder);
    snprintf(path, sizeof path, "%s/list.txt", folder);
    if (system(command) != 0)
        printf("  tests/vectors/formats.py did not run (python3-numpy?); using the models of before\n");
    return fopen(path, "r");
}

static void models(void)
{
    SKIP("no models, and no python3-numpy to make them");
}

int main(int argc, char **argv)
{
    static char line[MAX_LINE + 1024];
    static listed c;
    FILE *list;
    folder = getenv("FORMATS");
    folder = folder != NULL && folder[0] != 0 ? folder : "build/test/formats";
    list = list_of_models();
    if (list == NULL)
        RUN(models);
    while (list != NULL && fgets(line, sizeof line, list) != NULL) {
        test_bad = 0;
        test_now = c.name;
        if (CHECKF(read_line(&c, line), "a line of list.txt that cannot be read: %.60s", line)) {
            if (argc > 1 && strstr(c.name, argv[1]) == NULL) /* test_formats WORD: only those */
                continue;
            run_case(&c);
        }
        test_close();
    }
    if (list != NULL)
        fclose(list);
    free(first.logits);
    return test_end("formats");
}
