/* test_optim.c -- optimisers against float64 (vectors/optim_reference.py), kernels against plain C, schedules
   against closed forms. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"

#include "test.h"

#include <math.h>

/* ---- schedules ---- */

static double apart(double a, double b)
{
    return fabs(a - b) / (fabs(b) > 1e-12 ? fabs(b) : 1e-12);
}

static void schedules(void)
{
    llmc_schedule s;
    uint64_t i;
    double c[101]; /* cos(pi k / 100), by the recurrence of Chebyshev's polynomials */
    c[0] = 1;
    c[1] = 0.99950656036573155700;
    for (i = 2; i <= 100; i++)
        c[i] = 2 * c[1] * c[i - 1] - c[i - 2];
    memset(&s, 0, sizeof s);
    CHECK(llmc_schedule_at(&s, 0) == 3e-4f && llmc_schedule_at(&s, 1u << 30) == 3e-4f);
    s.rate = 1e-2f;
    s.warmup_steps = 10;
    s.steps = 110;
    for (i = 0; i < 130; i++) {
        double p = i < 10 ? 0 : i >= 110 ? 1 : ((double)i - 10) / 100;
        double want =
            i < 10 ? 1e-2 * ((double)i + 1) / 11 : 1e-3 + 9e-3 * 0.5 * (1 + c[(int)(p * 100 + 0.5)]);
        s.kind = LLMC_SCHEDULE_COSINE;
        CHECKF(apart(llmc_schedule_at(&s, i), want) < 1e-6, "cosine at %d: %g", (int)i,
               (double)llmc_schedule_at(&s, i));
        s.kind = LLMC_SCHEDULE_LINEAR;
        CHECK(i < 10 || apart(llmc_schedule_at(&s, i), 1e-3 + 9e-3 * (1 - p)) < 1e-6);
        s.kind = LLMC_SCHEDULE_CONSTANT;
        CHECK(i < 10 || llmc_schedule_at(&s, i) == 1e-2f);
        s.kind = LLMC_SCHEDULE_STABLE;
        s.decay_steps = 20;
        p = i < 90 ? 0 : i >= 110 ? 1 : ((double)i - 90) / 20;
        CHECK(i < 10 || apart(llmc_schedule_at(&s, i), 1e-3 + 9e-3 * (1 - p)) < 1e-6);
    }
    s.kind = LLMC_SCHEDULE_LINEAR;
    s.min_rate = -1; /* none */
    CHECK(llmc_schedule_at(&s, 110) == 0);
    s.min_rate = 5e-3f;
    CHECK(llmc_schedule_at(&s, 110) == 5e-3f);
    s.warmup_steps = 200; /* longer than all of it */
    CHECK(apart(llmc_schedule_at(&s, 150), 1e-2 * 151 / 201) < 1e-6 && llmc_schedule_at(&s, 201) == 5e-3f);
    s.warmup_steps = 0;
    s.kind = LLMC_SCHEDULE_STABLE;
    s.decay_steps = 1000; /* longer than all: linear from the start */
    CHECK(apart(llmc_schedule_at(&s, 55), 5e-3 + 5e-3 * 0.5) < 1e-6);
}

/* ---- the reference's tensors ---- */

enum { N = 12 * 20 + 20 * 12 + 33 + 10 * 8, PARAMS = 4 };

static const llmc__param params[PARAMS] = {
    {LLMC__W_UP, 0, 0, 0, 240, 12, 20, true, false, 0},
    {LLMC__W_DOWN, 0, 0, 240, 240, 20, 12, true, false, 0},
    {LLMC__W_OUT_NORM, 0, 0, 480, 33, 1, 33, false, false, 0},
    {LLMC__W_EMBED, 0, 0, 513, 80, 10, 8, false, true, 0},
};

static uint64_t draw_state;

static void draw(float *x, float scale)
{
    int i;
    for (i = 0; i < N; i++) {
        uint64_t z = draw_state += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        x[i] = (float)(((double)((z ^ (z >> 31)) >> 40) / 16777216 * 2 - 1) * (double)scale);
    }
}

/* An optimiser over params in memory of its own; the configuration is one whose matrices are as large. */
static llmc__optim *make(llmc__optim *o, const llmc_optim_options *opt, const llmc__param *list,
                         uint32_t n_param, uint64_t n, llmc_cpu cpu, void **mem)
{
    llmc__params p;
    llmc__param copy[PARAMS];
    llmc__arena a;
    llmc_diag diag;
    float *w;
    memset(o, 0, sizeof *o);
    memset(&p, 0, sizeof p);
    diag.message[0] = 0;
    if (llmc__optim_settle(&o->opt, opt, &diag) != LLMC_OK) {
        CHECKF(0, "%s", diag.message);
        exit(1);
    }
    o->k = llmc__steppers_for(cpu);
    o->kernels = llmc__kernels_for(cpu);
    o->workers = 2;
    memcpy(copy, list, n_param * sizeof *copy);
    p.config.n_embd = list[0].cols;
    p.config.n_ff = list[0].rows;
    p.config.n_head = p.config.n_kv_head = p.config.n_layer = 1;
    p.config.vocab_size = p.config.context_length = p.config.head_dim = 2;
    p.list = copy;
    p.count = n_param;
    p.total = n;
    memset(&a, 0, sizeof a);
    llmc__optim_carve(o, &p, NULL, NULL, &a);
    *mem = malloc((size_t)llmc__arena_need(&a) + 2 * (size_t)n * sizeof(float));
    w = (float *)*mem;
    a = llmc__arena_over(w + 2 * n, (size_t)llmc__arena_need(&a));
    llmc__optim_carve(o, &p, w, w + n, &a);
    o->param = list;
    CHECK(!a.failed);
    llmc__optim_clear(o);
    return o;
}

static llmc_optim_options reference_options(llmc_optimizer kind)
{
    llmc_optim_options opt;
    memset(&opt, 0, sizeof opt);
    opt.kind = kind;
    opt.schedule.kind = LLMC_SCHEDULE_CONSTANT;
    opt.schedule.rate = 0.01f;
    opt.beta2 = 0.95f;
    opt.weight_decay = 0.1f;
    opt.grad_clip = 0.75f;
    opt.momentum = kind == LLMC_SGD ? 0.9f : 0;
    return opt;
}

static void against_reference(const char *isa)
{
    static const char *const name[] = {"AdamW", "Muon", "SGD"};
    size_t size, at = 0;
    unsigned char *file;
    unsigned kind;
    llmc_cpu cpu;
    if (!llmc_cpu_named(isa, &cpu))
        return;
    file = test_read("tests/vectors/optim.bin", &size);
    if (!CHECK(file != NULL && size == 3 * 2 * N * 4))
        return;
    for (kind = 0; kind < 3; kind++) {
        llmc_optim_options opt = reference_options((llmc_optimizer)kind);
        llmc__optim o;
        llmc_diag diag;
        void *mem;
        double norm;
        float rate, worst;
        int step, i;
        make(&o, &opt, params, PARAMS, N, cpu, &mem);
        draw_state = 7;
        draw(o.w, 0.5f);
        for (step = 0; step < 3; step++) {
            draw(o.g, 0.1f);
            CHECK(llmc__optim_update(&o, 1, &norm, &rate, &diag) == LLMC_OK && rate == 0.01f && norm > 0.75);
            for (i = 0; i < N; i++)
                CHECK(o.g[i] == 0);
            if (step == 1)
                continue;
            worst = 0;
            for (i = 0; i < N; i++) {
                float want = llmc__bits_f32(llmc__u32le(file + at + 4 * (size_t)i));
                float off = fabsf(o.w[i] - want);
                worst = off > worst ? off : worst;
            }
            at += N * 4;
            CHECKF(worst < 2e-6f, "%s, %s, update %d: %g apart", name[kind], isa, step + 1, (double)worst);
        }
        free(mem);
    }
    free(file);
}

static void references(void)
{
    static const char *const isa[] = {"scalar", "avx2", "avx512", "neon", "simde"};
    size_t i;
    for (i = 0; i < sizeof isa / sizeof *isa; i++)
        against_reference(isa[i]);
}

/* ---- many pieces, threads, scale ---- */

/* Runs the pieces backwards: another order than that of one thread. */
static void backwards(void *user, uint32_t n, llmc_task_fn fn, void *arg)
{
    (void)user;
    while (n-- > 0)
        fn(arg, n);
}

static void orders(void)
{
    const uint32_t rows = 500 / test_every(5), n = rows * 600, total = n + 7;
    llmc__param big[] = {{LLMC__W_UP, 0, 0, 0, 300000, 500, 600, true, false, 0},
                         {LLMC__W_OUT_NORM, 0, 0, 300000, 7, 1, 7, false, false, 0}};
    unsigned kind;
    llmc_rng rng = llmc_rng_seed(test_seed(11));
    big[0].rows = rows;
    big[0].n = big[1].offset = n;
    for (kind = 0; kind < 3; kind++) {
        llmc_optim_options opt = reference_options((llmc_optimizer)kind);
        llmc__optim a, b;
        llmc_diag diag;
        void *ma, *mb;
        double na, nb;
        float ra, rb;
        size_t i;
        make(&a, &opt, big, 2, total, llmc_cpu_detect(), &ma);
        make(&b, &opt, big, 2, total, llmc_cpu_detect(), &mb);
        b.tasks.run = backwards;
        b.tasks.workers = 2;
        for (i = 0; i < total; i++) {
            a.w[i] = b.w[i] = llmc_rng_normal(&rng);
            a.g[i] = llmc_rng_normal(&rng);
            b.g[i] = a.g[i];
        }
        CHECK(llmc__optim_update(&a, 0.5f, &na, &ra, &diag) == LLMC_OK);
        CHECK(llmc__optim_update(&b, 0.5f, &nb, &rb, &diag) == LLMC_OK);
        CHECK(na == nb && fabs(na - 0.5 * sqrt(total)) < 2);
        CHECK(memcmp(a.w, b.w, total * sizeof(float)) == 0 && memcmp(a.m, b.m, total * sizeof(float)) == 0);
        a.g[n - 1] = kind == 0 ? NAN : INFINITY;
        memcpy(b.w, a.w, total * sizeof(float));
        CHECK(llmc__optim_update(&a, 1, &na, &ra, &diag) == LLMC_NOT_FINITE && a.steps == 1);
        CHECK(memcmp(a.w, b.w, total * sizeof(float)) == 0);
        free(ma);
        free(mb);
    }
}

/* Kernels of every set against plain C, for lengths around the lanes. */
static void kernels(void)
{
    llmc_rng rng = llmc_rng_seed(test_seed(12));
    const llmc__steppers *k = llmc__steppers_for(llmc_cpu_detect());
    llmc__adam adam = {0.9f, 0.99f, 0.7f, 0.999f, 0.02f, 1.5f, 1e-8f};
    size_t n;
    for (n = 0; n < 2300; n += n < 70 ? 1 : 97) {
        float *x = (float *)malloc((8 * n + 1) * sizeof *x), *y = x + 4 * n;
        double a, b;
        size_t i;
        for (i = 0; i < 4 * n; i++)
            x[i] = y[i] = llmc_rng_normal(&rng);
        for (i = 2 * n; i < 3 * n; i++)
            x[i] = y[i] = x[i] * x[i];
        k->adam(x, x + n, x + 2 * n, x + 3 * n, n, &adam);
        llmc__scalar_adam(y, y + n, y + 2 * n, y + 3 * n, n, &adam);
        for (i = 0; i < 4 * n; i++)
            CHECK(fabsf(x[i] - y[i]) <= 2e-6f * (1 + fabsf(y[i])));
        k->blend(x, 0.3f, x + n, -0.6f, n);
        llmc__scalar_blend(y, 0.3f, y + n, -0.6f, n);
        for (i = 0; i < n; i++)
            CHECK(fabsf(x[i] - y[i]) <= 2e-6f * (1 + fabsf(y[i])));
        a = k->square_sum(x, 4 * n);
        for (b = 0, i = 0; i < 4 * n; i++)
            b += (double)x[i] * (double)x[i];
        CHECK(fabs(a - b) <= 1e-5 * (b + 1e-9));
        free(x);
    }
}

static void refusals(void)
{
    llmc_optim_options opt, out;
    llmc_diag diag;
    int i;
    for (i = 0; i < 11; i++) {
        memset(&opt, 0, sizeof opt);
        if (i == 0)
            opt.kind = (llmc_optimizer)3;
        else if (i == 1)
            opt.schedule.kind = (llmc_schedule_kind)4;
        else if (i == 2)
            opt.schedule.rate = -1;
        else if (i == 3)
            opt.schedule.min_rate = NAN;
        else if (i == 4)
            opt.beta1 = 1;
        else if (i == 5)
            opt.beta2 = -0.5f;
        else if (i == 6)
            opt.epsilon = INFINITY;
        else if (i == 7)
            opt.weight_decay = -1;
        else if (i == 8)
            opt.grad_clip = NAN;
        else if (i == 9)
            opt.momentum = 1;
        else
            opt.matrix_rate = -1;
        CHECKF(llmc__optim_settle(&out, &opt, &diag) == LLMC_BAD_ARG, "refusal %d", i);
    }
    CHECK(llmc__optim_settle(&out, NULL, &diag) == LLMC_OK && out.beta2 == 0.999f && out.momentum == 0);
}

int main(void)
{
    RUN(schedules);
    RUN(references);
    RUN(orders);
    RUN(kernels);
    RUN(refusals);
    return test_end("optim");
}
