/* test_kv.c -- the cache of keys and values (KV, ENGINE.seq, LAYER.attn): windows, sinks and capacity against
   a numpy forward over the whole sequence; forks, truncation and release against undisturbed sequences.

   Runs tests/models/windows.gguf (made by tests/vectors/windows.py): three layers, four heads, two for keys
   and values. The seed of the random schedules may be given as an argument. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

enum { T = 200, STEP = 9, ROWS = T / STEP, V = 61 };

static llmc_blob blob, golden;
static llmc_model *model;
static void *model_mem, *engine_mem[2];
static llmc_diag diag;
static llmc_token ids[T];

/* Keep in step with CASES in tests/vectors/windows.py. */
typedef struct kv_case {
    uint32_t windowed, own_window, own_sinks; /* bits of layers */
    uint32_t window, sinks, capacity;
    bool stay, half;
    float base;
    uint32_t groups; /* expected */
} kv_case;

static const kv_case cases[] = {
    {2, 40, 0, 0, 0, 0, false, false, 0, 2},    {0, 0, 0, 50, 0, 0, false, false, 0, 1},
    {0, 0, 0, 50, 4, 0, false, false, 0, 1},    {0, 0, 0, 50, 4, 0, true, false, 0, 1},
    {0, 0, 0, 0, 6, 70, false, false, 0, 1},    {5, 40, 3, 0, 0, 0, false, false, 0, 2},
    {2, 40, 0, 90, 5, 0, false, false, 0, 2},   {2, 40, 0, 0, 33, 97, false, false, 0, 2},
    {6, 40, 0, 60, 4, 0, false, false, 500, 2}, {0, 0, 0, 60, 7, 0, false, true, 0, 1},
};
enum { N_CASES = sizeof cases / sizeof *cases };

static uint64_t splitmix(uint64_t seed, uint64_t i)
{
    uint64_t z = seed + (i + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static void loads(void)
{
    size_t need = 0;
    uint32_t i;
    blob.data = test_read("tests/models/windows.gguf", &blob.size);
    golden.data = test_read("tests/vectors/windows.bin", &golden.size);
    blob.name = "windows.gguf";
    if (!CHECKF(blob.data != NULL && golden.data != NULL,
                "tests/models/windows.gguf, tests/vectors/windows.bin"))
        exit(test_end("test_kv"));
    CHECK(golden.size == (size_t)N_CASES * ROWS * V * 4);
    CHECKF(llmc_model_need(&blob, 1, NULL, &need, &diag) == LLMC_OK, "%s", diag.message);
    model_mem = malloc(need);
    CHECKF(llmc_model_init(&model, &blob, 1, NULL, model_mem, need, &diag) == LLMC_OK, "%s", diag.message);
    for (i = 0; i < T; i++)
        ids[i] = (llmc_token)(splitmix(60 * 65536, i) % V);
}

/* An engine for a case in place `at`. Its model's windows are set in the model itself. */
static llmc_engine *start(int at, const kv_case *c, llmc_engine_options *o)
{
    llmc_engine *e = NULL;
    size_t need = 0;
    model->config.windowed.bits[0] = c->windowed;
    model->config.window_size = c->own_window;
    model->config.sink_tokens = c->own_sinks;
    model->config.rope = c->half ? LLMC_ROPE_HALF : LLMC_ROPE_ADJACENT;
    model->config.rope_local = c->base > 0;
    model->config.rope_local_base = c->base;
    o->context_length = o->context_length > 0 ? o->context_length : 256;
    o->window_size = c->window;
    o->sink_tokens = c->sinks;
    o->kv_cache_capacity = c->capacity;
    o->sinks_stay = c->stay;
    o->kv_type = LLMC_F32;
    free(engine_mem[at]);
    engine_mem[at] = NULL;
    if (!CHECKF(llmc_engine_need(model, o, &need, &diag) == LLMC_OK, "%s", diag.message))
        return NULL;
    engine_mem[at] = malloc(need);
    memset(engine_mem[at], 0x5a, need);
    CHECKF(llmc_engine_init(&e, model, o, engine_mem[at], need, &diag) == LLMC_OK, "%s", diag.message);
    return e;
}

static llmc_seq *open_seq(llmc_engine *e)
{
    llmc_seq *s = NULL;
    CHECKF(llmc_seq_open(&s, e, NULL, &diag) == LLMC_OK, "%s", diag.message);
    return s;
}

/* Every page is free or held by as many tables as it says. */
static bool counts(const llmc_engine *e)
{
    uint32_t g, i, p, n;
    for (g = 0; g < e->batch.n_groups; g++) {
        const llmc__kv_pool *kv = &e->kv[g];
        uint32_t *holds = (uint32_t *)calloc(kv->n_pages + 1, sizeof *holds);
        bool good = true;
        for (i = 0; i < e->opt.max_seqs; i++)
            for (p = 0; e->seqs[i].open && p < e->seqs[i].table[g].n; p++)
                if (e->seqs[i].table[g].page[p] != LLMC__NO_PAGE)
                    holds[e->seqs[i].table[g].page[p]]++;
        for (p = n = 0; p < kv->n_pages; p++) {
            good = good && holds[p] == kv->holds[p];
            n += holds[p] == 0;
        }
        good = good && n == kv->n_free;
        for (p = 0; p < kv->n_free; p++)
            good = good && holds[kv->free[p]]++ == 0; /* each once */
        free(holds);
        if (!good)
            return false;
    }
    return true;
}

static uint32_t in_use(const llmc_engine *e, uint32_t g)
{
    return e->kv[g].n_pages - e->kv[g].n_free;
}

/* Feeds ids [n] by `cut` at a time: logits [n][V]. */
static void feed(llmc_seq *s, const llmc_token *id, uint32_t n, uint32_t cut, float *logits)
{
    uint32_t at;
    for (at = 0; at < n; at += cut) {
        uint32_t k = n - at < cut ? n - at : cut;
        if (!CHECKF(llmc_seq_forward(s, id + at, k, logits + (size_t)at * V, k, &diag) == LLMC_OK, "%s",
                    diag.message))
            return;
    }
}

/* llmc_tasks.run, the last piece first. */
static void backwards(void *user, uint32_t n, llmc_task_fn fn, void *arg)
{
    (void)user;
    while (n-- > 0)
        fn(arg, n);
}

/* By one token at a time, a few, all at once, with few threads and many: the same bits, and numpy's logits. The pool has room for no more
   than sinks, window and batch. */
static void windows(void)
{
    static const uint32_t cut[] = {1, 7, 64, 200};
    static float first[T * V], logits[T * V];
    uint32_t i, k, r, j, g;
    for (i = 0; i < N_CASES; i++)
        for (k = 0; k < 4; k++) {
            llmc_engine_options o;
            llmc_engine *e;
            llmc_seq *s;
            float worst = 0;
            memset(&o, 0, sizeof o);
            o.batch_tokens = cut[k];
            if (k < 2) {
                o.tasks.run = backwards;
                o.tasks.workers = k == 0 ? 3 : 16;
            }
            if ((e = start(0, &cases[i], &o)) == NULL)
                return;
            CHECK(e->batch.n_groups == cases[i].groups);
            s = open_seq(e);
            feed(s, ids, T, cut[k], k == 0 ? first : logits);
            CHECKF(k == 0 || memcmp(first, logits, sizeof first) == 0, "case %u, %u at a time", i, cut[k]);
            for (r = 0; r < ROWS && k == 0; r++)
                for (j = 0; j < V; j++) {
                    float d,
                        want = llmc__f32le((const char *)golden.data + 4 * (((size_t)i * ROWS + r) * V + j));
                    d = first[(r * STEP + STEP - 1) * V + j] - want;
                    worst = d > worst ? d : -d > worst ? -d : worst;
                }
            CHECKF(worst < 1e-4f, "case %u: %g from the reference", i, (double)worst);
            for (g = 0; g < e->batch.n_groups; g++) {
                uint32_t W = e->batch.group[g].window, S = e->batch.group[g].sinks;
                CHECK(W == 0 || in_use(e, g) <= (S + 31) / 32 + (W + cut[k] + 62) / 32);
                CHECK(W > 0 || in_use(e, g) == (T + 31) / 32);
            }
            CHECK(counts(e));
            llmc_seq_close(s);
            CHECK(counts(e) && in_use(e, 0) == 0);
        }
}

/* A capacity, or a window, that has not been reached changes no bit. */
static void unreached(void)
{
    static float plain[T * V], logits[T * V];
    kv_case c = {0, 0, 0, 0, 0, 0, false, false, 0, 1};
    llmc_engine_options o;
    llmc_engine *e;
    uint32_t i;
    memset(&o, 0, sizeof o);
    if ((e = start(0, &c, &o)) == NULL)
        return;
    feed(open_seq(e), ids, T, 64, plain);
    for (i = 0; i < 4; i++) {
        uint32_t n = 100 + 25 * i; /* fed, 200 is T */
        if (i == 3)
            n = T;
        c.sinks = i % 2 == 0 ? 4 : 40;
        c.capacity = i < 2 ? n : n + 13;
        c.window = i == 1 ? n : 0;
        if ((e = start(0, &c, &o)) == NULL)
            return;
        CHECK(e->batch.group[0].window > 0 || c.capacity >= 256);
        feed(open_seq(e), ids, n, 64, logits);
        CHECKF(memcmp(plain, logits, (size_t)n * V * 4) == 0, "capacity %u", c.capacity);
    }
}

/* Sixteen that share a prompt of 1000 tokens hold its pages once. */
static void prefix_is_there_once(void)
{
    enum { N = 1000 };
    kv_case c = {0, 0, 0, 0, 0, 0, false, false, 0, 1};
    llmc_engine_options o;
    llmc_engine *e;
    llmc_seq *s[17];
    llmc_piece p;
    uint32_t i, whole = N / 32;
    llmc_token first = 0, prompt[N];
    memset(&o, 0, sizeof o);
    for (i = 0; i < N; i++)
        prompt[i] = ids[i % T];
    o.context_length = 1100;
    o.max_seqs = 17;
    o.kv_pool_tokens = 32 * (whole + 17);
    if ((e = start(0, &c, &o)) == NULL)
        return;
    s[0] = open_seq(e);
    CHECK(llmc_seq_add_ids(s[0], prompt, N, &diag) == LLMC_OK && llmc_seq_next(s[0], &p, &diag) == LLMC_OK);
    first = p.token;
    CHECK(in_use(e, 0) == (N + 31) / 32);
    for (i = 1; i < 17; i++)
        CHECKF(llmc_seq_fork(&s[i], s[0], N, NULL, &diag) == LLMC_OK, "%s", diag.message);
    CHECK(in_use(e, 0) == (N + 31) / 32 && counts(e));
    for (i = 1; i < 17; i++) {
        llmc_status status = llmc_seq_next(s[i], &p, &diag);
        CHECKF(status == LLMC_OK && p.token == first, "fork %u: %s", i, diag.message);
    }
    CHECKF(in_use(e, 0) == whole + 17, "%u pages", in_use(e, 0)); /* one written by each */
    CHECK(counts(e));
    llmc_seq_close(s[0]); /* the others do not notice */
    CHECK(llmc_seq_next(s[1], &p, &diag) == LLMC_OK && counts(e));
    CHECK(llmc_seq_fork(&s[0], s[1], 1500, NULL, &diag) == LLMC_BAD_ARG);
    for (i = 1; i < 17; i++)
        llmc_seq_close(s[i]);
    CHECK(in_use(e, 0) == 0 && counts(e));
}

/* ------------------------------------------------------------ random schedules */
enum { SEQS = 5, CONTEXT = 256 };

typedef struct life {
    llmc_seq *s;
    bool made[CONTEXT];     /* the token at this place was generated, */
    float logprob[CONTEXT]; /* with this */
} life;

static life lives[SEQS];
static uint64_t seed = 1;

/* All that a sequence generated, against one batch of a sequence that nobody disturbed. */
static bool undisturbed(llmc_engine *ref, const life *l)
{
    static float logits[CONTEXT * V];
    size_t n = 0, i, j;
    const llmc_token *id = llmc_seq_ids(l->s, &n);
    llmc_seq *s;
    bool good = true;
    if (n < 2)
        return true;
    s = open_seq(ref);
    feed(s, id, (uint32_t)n - 1, 64, logits);
    llmc_seq_close(s);
    for (i = 1; i < n; i++) {
        const float *row = logits + (i - 1) * V;
        size_t best = 0;
        for (j = 1; j < V; j++)
            best = row[j] > row[best] ? j : best;
        if (l->made[i] && ((size_t)id[i] != best || l->logprob[i] != llmc_logprob(row, V, (llmc_token)best)))
            good = false;
    }
    return good;
}

static void took(life *l, const llmc_piece *p)
{
    size_t n = 0;
    llmc_seq_ids(l->s, &n);
    if (p->token == LLMC_TOKEN_NONE || n == 0)
        return;
    l->made[n - 1] = true;
    l->logprob[n - 1] = p->logprob;
}

/* One deed to one sequence. */
static void disturb(llmc_engine *e, uint32_t which)
{
    life *l = &lives[which];
    llmc_token some[40];
    size_t n = 0, i, count;
    if (l->s == NULL) {
        uint32_t other = (uint32_t)test_random(&seed, SEQS);
        if (lives[other].s != NULL && test_random(&seed, 3) > 0) {
            llmc_seq_ids(lives[other].s, &n);
            *l = lives[other];
            n -= n > 0 ? test_random(&seed, 2) * test_random(&seed, (unsigned)n + 1) : 0;
            CHECK(llmc_seq_fork(&l->s, lives[other].s, n, NULL, &diag) == LLMC_OK);
            memset(l->made + n, 0, CONTEXT - n);
            return;
        }
        memset(l, 0, sizeof *l);
        l->s = open_seq(e);
    }
    llmc_seq_ids(l->s, &n);
    switch (test_random(&seed, 8)) {
    case 0:
    case 1:
    case 2:
        count = 1 + test_random(&seed, 40);
        for (i = 0; i < count; i++)
            some[i] = (llmc_token)test_random(&seed, V);
        if (n + count < CONTEXT) {
            CHECK(llmc_seq_add_ids(l->s, some, count, &diag) == LLMC_OK);
            memset(l->made + n, 0, count);
        }
        return;
    case 3:
    case 4:
        count = test_random(&seed, 3) > 0 && n > 4 ? n - test_random(&seed, 4)
                                                   : test_random(&seed, (unsigned)n + 1);
        CHECK(llmc_seq_truncate(l->s, count, &diag) == LLMC_OK);
        memset(l->made + count, 0, CONTEXT - count);
        return;
    case 5:
    case 6:
        llmc_seq_release(l->s);
        return;
    default:
        return;
    }
}

/* Steps; a piece that came is taken, mostly. Who finds no page makes somebody else give way. */
static void go_on(llmc_engine *e)
{
    llmc_status status = llmc_engine_step(e, &diag);
    llmc_piece p;
    uint32_t i;
    CHECKF(status == LLMC_OK || status == LLMC_DONE || status == LLMC_FULL, "%s", diag.message);
    if (status == LLMC_FULL)
        for (i = 0; i < SEQS; i++)
            if (lives[i].s != NULL && test_random(&seed, 2) == 0)
                llmc_seq_release(lives[i].s);
    for (i = 0; i < SEQS; i++)
        if (lives[i].s != NULL && test_random(&seed, 8) > 0 && llmc_seq_poll(lives[i].s, &p))
            took(&lives[i], &p);
}

static void schedule(const kv_case *c, uint32_t rounds)
{
    llmc_engine_options o;
    llmc_engine *e, *ref;
    uint32_t i, r;
    uint64_t began = seed;
    memset(&o, 0, sizeof o);
    o.batch_tokens = 64;
    ref = start(1, c, &o);
    o.max_seqs = SEQS;
    o.batch_tokens = 8 + (uint32_t)test_random(&seed, 50);
    o.kv_pool_tokens = 256 + 32 * test_random(&seed, 20);
    e = start(0, c, &o);
    if (e == NULL || ref == NULL)
        return;
    memset(lives, 0, sizeof lives);
    for (r = 0; r < rounds; r++) {
        uint32_t which = (uint32_t)test_random(&seed, SEQS);
        if (test_random(&seed, 3) == 0)
            disturb(e, which);
        else
            go_on(e);
        if (!CHECKF(counts(e), "pages are lost after round %u, seed %llu", r, (unsigned long long)began))
            return;
        if (lives[which].s != NULL && (r + 1 == rounds || test_random(&seed, 60) == 0)) {
            llmc_piece p;
            if (llmc_seq_poll(lives[which].s, &p))
                took(&lives[which], &p);
            CHECKF(undisturbed(ref, &lives[which]), "round %u, seed %llu", r, (unsigned long long)began);
            llmc_seq_close(lives[which].s);
            lives[which].s = NULL;
        }
    }
    for (i = 0; i < SEQS; i++)
        if (lives[i].s != NULL) {
            llmc_piece p;
            if (llmc_seq_poll(lives[i].s, &p))
                took(&lives[i], &p);
            CHECKF(undisturbed(ref, &lives[i]), "at the end, seed %llu", (unsigned long long)began);
            llmc_seq_close(lives[i].s);
        }
    for (i = 0; i < e->batch.n_groups; i++)
        CHECK(in_use(e, i) == 0);
}

static void schedules(void)
{
    uint32_t i, n = 1000 / test_every(25);
    printf("seed %llu\n", (unsigned long long)seed);
    for (i = 0; i < n; i++)
        schedule(&cases[i % N_CASES], 100);
}

/* llmc_seq_truncate within the last step loses nothing; further back, all is read again by itself. */
static void truncation(void)
{
    static float plain[T * V], logits[T * V];
    llmc_engine_options o;
    llmc_engine *e;
    llmc_seq *s;
    memset(&o, 0, sizeof o);
    o.batch_tokens = 30;
    if ((e = start(0, &cases[2], &o)) == NULL)
        return;
    s = open_seq(e);
    feed(s, ids, T, 30, plain);
    CHECK(llmc_seq_truncate(s, 181, &diag) == LLMC_OK && s->n_cached == 181);
    feed(s, ids + 181, 19, 30, logits);
    CHECK(memcmp(plain + 181 * V, logits, 19 * V * 4) == 0);
    CHECK(llmc_seq_truncate(s, 120, &diag) == LLMC_OK && s->n_cached == 0 && in_use(e, 0) == 0);
    feed(s, ids + 120, 80, 30, logits);
    CHECK(memcmp(plain + 120 * V, logits, 80 * V * 4) == 0);
    llmc_seq_release(s);
    CHECK(in_use(e, 0) == 0);
    CHECK(llmc_seq_truncate(s, 199, &diag) == LLMC_OK);
    feed(s, ids + 199, 1, 30, logits);
    CHECK(memcmp(plain + 199 * V, logits, V * 4) == 0);
    CHECK(llmc_seq_add_ids(s, ids, 3, &diag) == LLMC_OK);
    CHECK(llmc_seq_forward(s, ids, 1, logits, 1, &diag) == LLMC_BAD_ARG); /* those are not read yet */
}

/* The default pool is enough for all sequences at once, each as long as the context; and a pool that holds one
   of them, in proportion, for one. */
static void all_are_full(void)
{
    uint32_t i, k, n;
    for (i = 0; i < 2 * N_CASES; i++) {
        llmc_engine_options o;
        llmc_engine *e;
        llmc_status status;
        memset(&o, 0, sizeof o);
        o.max_seqs = 3;
        o.batch_tokens = 33 + i;
        o.kv_pool_tokens = i < N_CASES ? 0 : 256;
        if ((e = start(0, &cases[i % N_CASES], &o)) == NULL)
            return;
        n = i < N_CASES ? 3 : 1;
        for (k = 0; k < n; k++) {
            llmc_seq *s = open_seq(e);
            CHECK(llmc_seq_add_ids(s, ids, T, &diag) == LLMC_OK &&
                  llmc_seq_add_ids(s, ids, 56, &diag) == LLMC_OK);
        }
        while ((status = llmc_engine_step(e, &diag)) == LLMC_OK)
            ;
        CHECKF(status == LLMC_DONE, "case %u: %s", i, diag.message);
        for (k = 0; k < n; k++)
            CHECK(e->seqs[k].n_cached == 256 && llmc_seq_finish(&e->seqs[k]) == LLMC_FINISH_CONTEXT);
        CHECK(counts(e));
    }
}

/* The memory of a long text is that of its window, and what is computed stays finite. */
static void long_text(void)
{
    static const kv_case c = {0, 0, 0, 64, 4, 0, false, false, 0, 1};
    float logits[V];
    llmc_engine_options o;
    llmc_engine *e;
    llmc_seq *s;
    uint32_t at, i, most = 0;
    memset(&o, 0, sizeof o);
    o.context_length = 100 * T;
    o.batch_tokens = T;
    if ((e = start(0, &c, &o)) == NULL)
        return;
    CHECK(e->kv[0].n_pages <= 1 + (64 + T + 62) / 32);
    s = open_seq(e);
    for (at = 0; at < 100; at++) {
        CHECKF(llmc_seq_forward(s, ids, T, logits, 1, &diag) == LLMC_OK, "%s", diag.message);
        most = in_use(e, 0) > most ? in_use(e, 0) : most;
        for (i = 0; i < V; i++)
            CHECK(llmc__finite(logits[i]));
    }
    CHECK(s->n_cached == 100 * T && most <= 1 + (64 + T + 62) / 32 && counts(e));
}

/* What options say that cannot be, with the option's name. */
static void refusals(void)
{
    static const struct {
        uint32_t window, sinks, capacity;
        const char *word;
    } bad[] = {{0, 4, 0, "sink_tokens"},
               {4, 4, 0, "window_size"},
               {8, 9, 0, "window_size"},
               {0, 4, 5, "kv_cache_capacity"},
               {0, 0, 1, "kv_cache_capacity"}};
    llmc_engine_memory less, more;
    llmc_engine_options o;
    size_t i, need;
    memset(&model->config.windowed, 0, sizeof model->config.windowed);
    model->config.window_size = model->config.sink_tokens = 0;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        memset(&o, 0, sizeof o);
        o.window_size = bad[i].window;
        o.sink_tokens = bad[i].sinks;
        o.kv_cache_capacity = bad[i].capacity;
        CHECK(llmc_engine_need(model, &o, &need, &diag) == LLMC_BAD_ARG);
        CHECKF(strstr(diag.message, bad[i].word) != NULL, "%s", diag.message);
    }
    memset(&o, 0, sizeof o);
    o.window_size = 20;
    o.sinks_stay = true;
    CHECK(llmc_engine_need(model, &o, &need, &diag) == LLMC_BAD_ARG);
    CHECKF(strstr(diag.message, "sinks_stay") != NULL, "%s", diag.message);
    memset(&o, 0, sizeof o);
    o.kv_type_v = LLMC_Q4_0; /* a byte holds two */
    model->config.head_dim--;
    CHECK(llmc_engine_need(model, &o, &need, &diag) == LLMC_UNSUPPORTED);
    CHECKF(strstr(diag.message, "kv_type_v Q4_0") != NULL, "%s", diag.message);
    model->config.head_dim++;
    o.kv_type_v = LLMC_Q6_K;
    CHECK(llmc_engine_need(model, &o, &need, &diag) == LLMC_UNSUPPORTED);
    CHECKF(strstr(diag.message, "kv_type_v") != NULL, "%s", diag.message);
    memset(&o, 0, sizeof o);
    model->config.bidirectional = true;
    o.window_size = 20;
    CHECK(llmc_engine_need(model, &o, &need, &diag) == LLMC_BAD_ARG);
    model->config.bidirectional = false;
    /* a million tokens in the memory of a window */
    o.context_length = 1 << 20;
    o.window_size = 4096;
    o.sink_tokens = 4;
    CHECK(llmc_engine_quote(model, &o, &less, &diag) == LLMC_OK);
    CHECK(less.kv_cache < 138 * 32 * 2 * 3 * 16 * 2 + 4096);
    o.window_size = 0;
    o.sink_tokens = 0;
    CHECK(llmc_engine_quote(model, &o, &more, &diag) == LLMC_OK && more.kv_cache > 200 * less.kv_cache);
    o.kv_cache_capacity = UINT64_MAX; /* as if there were none */
    CHECK(llmc_engine_quote(model, &o, &less, &diag) == LLMC_OK && more.kv_cache == less.kv_cache);
    o.kv_pool_tokens = UINT64_MAX;
    CHECK(llmc_engine_quote(model, &o, &less, &diag) == LLMC_NO_MEMORY);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        seed = strtoull(argv[1], NULL, 10);
    RUN(loads);
    RUN(refusals);
    RUN(windows);
    RUN(unreached);
    RUN(truncation);
    RUN(all_are_full);
    RUN(long_text);
    RUN(prefix_is_there_once);
    RUN(schedules);
    return test_end("test_kv");
}
