/* cc -O2 tests/bench_train.c -o build/bench_train && build/bench_train [THREADS [STEPS [KEY=VALUE ...]]]

   bench_train.c -- a product of two f32 matrices of 1024 x 1024, in Gflop/s and as a share of what the same
   threads multiply and add in registers, and the time of a step (forward, back, AdamW) of a GPT-2 of 124M weights
   on 4 rows of 64 random tokens. tests/compat/training.py runs it beside llm.c and PyTorch. Keys change the
   model's shape: n_embd=128 n_layer=4 n_head=4 n_ctx=64 vocab_size=65 rows=12 tokens=64. bf16=1: products of bf16. */
#define LLMC_STATIC
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tools/tool.h"

#include "../tools/limits.h"

enum { SIDE = 1024, ROUNDS = 15, STEPS_MOST = 1000 };

static void die(const char *why)
{
    fprintf(stderr, "bench_train: %s\n", why);
    exit(1);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* On a line's beginning, as the engine has them. */
static float *numbers(size_t n)
{
    float *x = (float *)aligned_alloc(64, (n * sizeof *x + 63) / 64 * 64);
    size_t i;
    if (x == NULL)
        die("out of memory");
    for (i = 0; i < n; i++)
        x[i] = (float)(i * 2654435761u >> 8 & 0xffff) / 65536 - 0.5f;
    return x;
}

/* The product's rate in flop a second: the median of ROUNDS, and the best. */
static double product(const llmc_tasks *tasks, llmc_cpu cpu, bool bf16, double *best)
{
    const llmc__train_kernels *k = llmc__kernels_for(cpu)->train;
    uint64_t strips = llmc__strip_floats(k, SIDE, SIDE), panels = llmc__panel_floats(k, SIDE);
    double seconds[ROUNDS];
    float *a = numbers((size_t)SIDE * SIDE), *b = numbers((size_t)SIDE * SIDE),
          *c = numbers((size_t)SIDE * SIDE);
    llmc__multiplier u;
    int i;
    u.k = k;
    u.bf16 = bf16 ? llmc__bf16_kernels_for(cpu) : NULL;
    u.tasks = *tasks;
    u.strips = numbers((size_t)strips);
    u.panels = numbers((size_t)(panels * (tasks->workers > 0 ? tasks->workers : 1)));
    for (i = 0; i < ROUNDS; i++) {
        double start = tool_seconds();
        llmc__multiply(&u, c, SIDE, false, llmc__rows_of(a, SIDE), llmc__rows_of(b, SIDE), SIDE, SIDE, SIDE);
        seconds[i] = tool_seconds() - start;
    }
    qsort(seconds, ROUNDS, sizeof *seconds, by_size);
    free(a), free(b), free(c), free(u.strips), free(u.panels);
    *best = 2.0 * SIDE * SIDE * SIDE / seconds[0];
    return 2.0 * SIDE * SIDE * SIDE / seconds[ROUNDS / 2];
}

typedef struct shape {
    uint32_t n_embd, n_layer, n_head, n_ctx, vocab_size, rows, tokens, bf16;
} shape;

static void shape_set(shape *s, const char *text)
{
    static const char *const key[] = {"n_embd",     "n_layer", "n_head", "n_ctx",
                                      "vocab_size", "rows",    "tokens", "bf16"};
    uint32_t *field[] = {&s->n_embd,     &s->n_layer, &s->n_head, &s->n_ctx,
                         &s->vocab_size, &s->rows,    &s->tokens, &s->bf16};
    size_t i, n = strcspn(text, "=");
    for (i = 0; i < sizeof key / sizeof key[0]; i++)
        if (strlen(key[i]) == n && strncmp(key[i], text, n) == 0 && text[n] == '=') {
            *field[i] = (uint32_t)strtoul(text + n + 1, NULL, 10);
            return;
        }
    die("KEY=VALUE: n_embd, n_layer, n_head, n_ctx, vocab_size, rows, tokens or bf16, and a number");
}

static llmc_trainer *trainer_of(const shape *s, const llmc_tasks *tasks)
{
    char json[512];
    llmc_blob blob;
    llmc_config config;
    llmc_trainer_options o;
    llmc_optim_options optim;
    llmc_trainer *t;
    llmc_diag diag;
    size_t bytes;
    snprintf(json, sizeof json,
             "{\"model_type\":\"gpt2\",\"n_embd\":%u,\"n_layer\":%u,\"n_head\":%u,\"n_positions\":%u,"
             "\"n_inner\":%u,\"vocab_size\":%u,\"tie_word_embeddings\":true}",
             s->n_embd, s->n_layer, s->n_head, s->n_ctx, 4 * s->n_embd, s->vocab_size);
    memset(&blob, 0, sizeof blob);
    blob.data = (const uint8_t *)json;
    blob.size = strlen(json);
    memset(&o, 0, sizeof o);
    memset(&optim, 0, sizeof optim);
    optim.size = sizeof optim;
    o.size = sizeof o;
    o.optim = &optim;
    o.rows = s->rows;
    o.tokens = s->tokens;
    o.bf16 = s->bf16 != 0;
    o.tasks = *tasks;
    if (llmc_config_read(&blob, s->vocab_size, &config, &diag) != LLMC_OK ||
        llmc_trainer_need(&config, NULL, &o, &bytes, &diag) != LLMC_OK ||
        llmc_trainer_init(&t, &config, NULL, &o, malloc(bytes), bytes, &diag) != LLMC_OK)
        die(diag.message);
    return t;
}

/* Milliseconds of a step, the median. */
static double step(llmc_trainer *t, const shape *s, uint32_t steps)
{
    static double ms[STEPS_MOST];
    size_t n = (size_t)s->rows * s->tokens, i;
    uint32_t *ids = (uint32_t *)malloc(2 * n * sizeof *ids), k, seed = 1;
    llmc_train_report report;
    llmc_diag diag;
    if (ids == NULL)
        die("out of memory");
    for (k = 0; k < steps + 2; k++) { /* two to warm up */
        double start = tool_seconds();
        for (i = 0; i < 2 * n; i++) {
            seed = seed * 1664525u + 1013904223u;
            ids[i] = (seed >> 8) % s->vocab_size;
        }
        if (llmc_trainer_pass(t, ids, ids + n, NULL, &diag) != LLMC_OK ||
            llmc_trainer_update(t, &report, &diag) != LLMC_OK)
            die(diag.message);
        if (k >= 2)
            ms[k - 2] = (tool_seconds() - start) * 1e3;
    }
    free(ids);
    qsort(ms, steps, sizeof *ms, by_size);
    return ms[steps / 2];
}

int main(int argc, char **argv)
{
    uint32_t threads = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    uint32_t steps = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 10;
    shape s = {768, 12, 12, 1024, 50257, 4, 64, 0};
    llmc_cpu cpu = llmc_cpu_detect();
    limits l = limits_choose(cpu);
    limits_peak *peak;
    llmc_tasks tasks;
    llmc_pool *pool;
    llmc_diag diag;
    double rate, best;
    int i;
    for (i = 3; i < argc; i++)
        shape_set(&s, argv[i]);
    if (steps < 1 || steps > STEPS_MOST)
        die("STEPS: 1 to 1000");
    if (llmc_pool_open(&pool, threads, &diag) != LLMC_OK)
        die(diag.message);
    tasks = llmc_pool_tasks(pool);
    if (s.bf16 && llmc__bf16_kernels_for(cpu) == NULL)
        die("bf16=1: this processor has no products of bf16");
    peak = s.bf16 ? &l.bf16 : &l.f32;
    limits_measure(peak, &tasks);
    rate = product(&tasks, cpu, s.bf16 != 0, &best);
    printf("product %.1f Gflop/s, best %.1f, peak (%s) %.1f: %.1f %%, best %.1f %%\n", rate / 1e9, best / 1e9,
           peak->how, peak->rate / 1e9, 100 * rate / peak->rate, 100 * best / peak->rate);
    fflush(stdout);
    printf("step %.2f ms\n", step(trainer_of(&s, &tasks), &s, steps));
    llmc_pool_close(pool);
    return 0;
}
