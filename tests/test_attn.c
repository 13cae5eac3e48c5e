/* test_attn.c -- attention by tiles and pieces (LAYER.attn, KERNEL.body) by itself: against sums in double,
   and the same bits for every cut of a batch, every number of workers and every neighbour. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"

#include "test.h"

typedef struct attn_case {
    const char *name;
    uint32_t H, G, K;
    uint32_t window, sinks; /* of the layer; 0: none */
    uint32_t n;             /* positions */
    bool sink_logits, both_ways;
    float softcap;
    llmc_dtype type, type_v; /* of keys; of values, NONE: the same */
} attn_case;

/* Every remainder of K by 16, group sizes that are cut into rows in every way, windows that begin and end
   in the middle of tiles and pieces. */
static const attn_case cases[] = {
    {"mha", 2, 2, 16, 0, 0, 150, false, false, 0, LLMC_F32, LLMC_DTYPE_NONE},
    {"mqa 8", 8, 1, 64, 0, 0, 300, false, false, 0, LLMC_F16, LLMC_DTYPE_NONE},
    {"gqa 3", 6, 2, 80, 0, 0, 200, true, false, 0, LLMC_F16, LLMC_DTYPE_NONE},
    {"gqa 4, bf16", 8, 2, 64, 60, 0, 180, false, false, 0, LLMC_BF16, LLMC_DTYPE_NONE},
    {"gqa 5", 5, 1, 96, 0, 0, 130, false, false, 20, LLMC_F32, LLMC_DTYPE_NONE},
    {"gqa 7", 14, 2, 128, 0, 0, 129, true, false, 30, LLMC_F16, LLMC_DTYPE_NONE},
    {"gqa 2, long heads", 4, 2, 256, 0, 0, 100, false, false, 0, LLMC_F16, LLMC_DTYPE_NONE},
    {"more heads than rows", 66, 1, 200, 0, 0, 70, true, false, 0, LLMC_F32, LLMC_DTYPE_NONE},
    {"K 6", 4, 2, 6, 0, 0, 99, false, false, 0, LLMC_F16, LLMC_DTYPE_NONE},
    {"K 30, bf16", 3, 1, 30, 0, 0, 70, false, false, 0, LLMC_BF16, LLMC_DTYPE_NONE},
    {"K 1", 3, 1, 1, 0, 0, 65, false, false, 0, LLMC_F32, LLMC_DTYPE_NONE},
    {"K 40", 4, 4, 40, 7, 0, 140, false, false, 0, LLMC_F16, LLMC_DTYPE_NONE},
    {"window", 4, 2, 32, 50, 0, 260, false, false, 0, LLMC_F32, LLMC_DTYPE_NONE},
    {"window 1", 4, 2, 32, 1, 0, 70, true, false, 0, LLMC_F16, LLMC_DTYPE_NONE},
    {"window, sinks", 8, 2, 16, 45, 4, 230, true, false, 0, LLMC_F16, LLMC_DTYPE_NONE},
    {"window, many sinks", 4, 1, 24, 33, 70, 250, false, false, 15, LLMC_F32, LLMC_DTYPE_NONE},
    {"encoder", 6, 3, 32, 0, 0, 111, false, true, 0, LLMC_F32, LLMC_DTYPE_NONE},
    {"encoder, window", 2, 1, 48, 20, 3, 90, false, true, 0, LLMC_F16, LLMC_DTYPE_NONE},
    {"pieces", 8, 1, 16, 0, 0, 2200, true, false, 0, LLMC_F16, LLMC_DTYPE_NONE},
    {"pieces, window", 4, 2, 8, 1500, 1030, 3300, false, false, 0, LLMC_F32, LLMC_DTYPE_NONE},
    {"q8", 4, 2, 64, 0, 0, 150, false, false, 0, LLMC_Q8_0, LLMC_DTYPE_NONE},
    {"q8, mqa 8", 8, 1, 128, 0, 0, 140, true, false, 0, LLMC_Q8_0, LLMC_DTYPE_NONE},
    {"q8, K 8", 8, 4, 8, 0, 0, 200, false, false, 0, LLMC_Q8_0, LLMC_DTYPE_NONE},
    {"q8, K 80", 6, 2, 80, 60, 3, 150, false, false, 20, LLMC_Q8_0, LLMC_DTYPE_NONE},
    {"q8, K 7", 2, 2, 7, 0, 0, 70, false, false, 0, LLMC_Q8_0, LLMC_DTYPE_NONE},
    {"q4", 8, 2, 64, 0, 0, 150, false, false, 0, LLMC_Q4_0, LLMC_DTYPE_NONE},
    {"q4, mha", 2, 2, 128, 50, 4, 140, true, false, 0, LLMC_Q4_0, LLMC_DTYPE_NONE},
    {"q4, K 96", 5, 1, 96, 0, 0, 130, false, false, 0, LLMC_Q4_0, LLMC_DTYPE_NONE},
    {"q4, K 48", 3, 1, 48, 0, 0, 100, false, true, 0, LLMC_Q4_0, LLMC_DTYPE_NONE},
    {"q4, K 6", 4, 2, 6, 0, 0, 99, false, false, 15, LLMC_Q4_0, LLMC_DTYPE_NONE},
    {"q4, pieces", 8, 1, 64, 1500, 1030, 2700, false, false, 0, LLMC_Q4_0, LLMC_Q8_0},
    {"f32 and q8", 4, 2, 64, 0, 0, 130, false, false, 0, LLMC_F32, LLMC_Q8_0},
    {"f32 and q4", 4, 1, 64, 45, 4, 130, false, false, 0, LLMC_F32, LLMC_Q4_0},
    {"f32 and f16", 4, 2, 32, 0, 0, 130, false, false, 0, LLMC_F32, LLMC_F16},
    {"f32 and bf16", 4, 2, 16, 0, 0, 130, false, false, 0, LLMC_F32, LLMC_BF16},
    {"f16 and f32", 4, 2, 32, 0, 0, 130, false, false, 0, LLMC_F16, LLMC_F32},
    {"f16 and bf16", 4, 2, 48, 0, 0, 130, false, false, 0, LLMC_F16, LLMC_BF16},
    {"f16 and q8", 3, 1, 40, 0, 0, 130, false, false, 0, LLMC_F16, LLMC_Q8_0},
    {"f16 and q4", 12, 2, 64, 0, 0, 130, false, false, 0, LLMC_F16, LLMC_Q4_0},
    {"bf16 and f32", 4, 2, 16, 0, 0, 130, false, false, 0, LLMC_BF16, LLMC_F32},
    {"bf16 and f16", 4, 2, 30, 0, 0, 130, false, false, 0, LLMC_BF16, LLMC_F16},
    {"bf16 and q8", 4, 2, 64, 0, 0, 130, false, false, 0, LLMC_BF16, LLMC_Q8_0},
    {"bf16 and q4", 4, 2, 32, 0, 0, 130, false, false, 0, LLMC_BF16, LLMC_Q4_0},
    {"q8 and f32", 4, 2, 64, 0, 0, 130, false, false, 0, LLMC_Q8_0, LLMC_F32},
    {"q8 and f16", 8, 1, 64, 0, 0, 130, false, false, 0, LLMC_Q8_0, LLMC_F16},
    {"q8 and bf16", 4, 2, 80, 0, 0, 130, false, false, 0, LLMC_Q8_0, LLMC_BF16},
    {"q8 and q4", 8, 2, 128, 0, 0, 130, false, false, 30, LLMC_Q8_0, LLMC_Q4_0},
    {"q4 and f32", 4, 2, 64, 0, 0, 130, false, false, 0, LLMC_Q4_0, LLMC_F32},
    {"q4 and f16", 4, 4, 64, 0, 0, 130, false, false, 0, LLMC_Q4_0, LLMC_F16},
    {"q4 and bf16", 4, 2, 36, 0, 0, 130, false, false, 0, LLMC_Q4_0, LLMC_BF16},
};
enum { N_CASES = sizeof cases / sizeof *cases };

static const attn_case *now;
static llmc_model model;
static llmc__kv_layout layout;
static llmc__kv_group group; /* of the layer */
static uint32_t *table[2];   /* two sequences with the same content in different pages */
static llmc_dtype type_v;
static float *query, *keys, *values, *sinks; /* [n][H*K], [n][G*K], [H]: as the cache rounds them */
static float *given_keys, *given_values;     /* [n][G*K] before that */
static uint64_t seed;

static float random_float(void)
{
    float s = 0;
    int i;
    for (i = 0; i < 4; i++)
        s += (float)test_random(&seed, 2001) / 1000 - 1;
    return s;
}

static float *random_floats(size_t n, bool half)
{
    float *x = (float *)malloc(n * sizeof *x + 1);
    size_t i;
    for (i = 0; i < n; i++) {
        x[i] = random_float();
        if (half)
            x[i] = llmc__bf16_to_f32(llmc__f32_to_bf16(x[i])); /* exact in f16 as well: under 8 in size, */
        if (half && x[i] > -1.0f / 65536 &&
            x[i] < 1.0f / 65536) /* and not so small that its steps are too wide */
            x[i] = 0;
    }
    return x;
}

static const llmc__kernels *set_of(uint32_t feature)
{
    llmc_cpu cpu;
    cpu.features = feature;
    return llmc__kernels_for(cpu);
}

/* What a head's page holds of element i in a slot, by the layout that 09.1 documents, in plain arithmetic. */
static double held(const uint8_t *page, llmc_dtype type, bool is_key, uint32_t slot, uint32_t i)
{
    uint32_t K = now->K, wide = type == LLMC_Q4_0 ? K / 2 : K, e = type == LLMC_Q4_0 ? i % wide : i, q;
    size_t at = is_key ? ((size_t)(slot / 16) * wide + e) * 16 + slot % 16 : (size_t)slot * wide + e;
    const uint8_t *scales = page + 32 * (size_t)wide;
    uint16_t half;
    float f;
    switch (type) {
    case LLMC_F32:
        memcpy(&f, page + 4 * at, 4);
        return (double)f;
    case LLMC_F16:
    case LLMC_BF16:
        memcpy(&half, page + 2 * at, 2);
        return (double)(type == LLMC_F16 ? llmc__f16_to_f32(half) : llmc__bf16_to_f32(half));
    default:
        memcpy(&half, scales + 2 * (slot + (is_key ? 0 : i / 32 * 32)), 2);
        q = type == LLMC_Q8_0 ? page[at] : i < wide ? page[at] % 16 : page[at] / 16;
        return (double)llmc__bf16_to_f32(half) * (type == LLMC_Q8_0 ? q < 128 ? (double)q : (double)q - 256
                                                  : q < 8           ? (double)q
                                                                    : (double)q - 16);
    }
}

/* The key in a slot as it was before it was turned: blocks of m, of the largest power of two in K, times
   H / m; element (r, c) of H is 1 or -1 by the number of ones that r and c have in common. */
static void held_key(const uint8_t *page, uint32_t slot, float *out)
{
    uint32_t K = now->K, m = 1, i, j, bits;
    if (now->type == LLMC_Q8_0 || now->type == LLMC_Q4_0)
        while (K % (2 * m) == 0)
            m *= 2;
    for (i = 0; i < K; i++) {
        double sum = 0;
        for (j = i / m * m; j < i / m * m + m; j++) {
            int odd = 0;
            for (bits = i % m & j % m; bits != 0; bits /= 2)
                odd ^= (int)(bits % 2);
            sum += (odd ? -1 : 1) * held(page, now->type, true, slot, j);
        }
        out[i] = (float)(sum / m);
    }
}

static size_t page_bytes(llmc_dtype type, bool is_key)
{
    size_t K = now->K;
    return type == LLMC_F32    ? 128 * K
           : type == LLMC_Q8_0 ? 32 * K + 64 * (is_key ? 1 : (K + 31) / 32)
           : type == LLMC_Q4_0 ? 16 * K + 64 * (is_key ? 1 : (K + 31) / 32)
                               : 64 * K;
}

/* Pages hold garbage where nothing was stored: NaN in every element. What was stored comes back to keys and
   values. */
static void store_all(void)
{
    uint32_t pages = (now->n + LLMC__PAGE_TOKENS - 1) / LLMC__PAGE_TOKENS, s, p, g, i;
    size_t at;
    llmc__batch b;
    float *turned = (float *)malloc(now->K * sizeof *turned);
    layout.type_k = now->type;
    layout.type_v = type_v;
    layout.page_tokens = LLMC__PAGE_TOKENS;
    layout.key_bytes = llmc__key_bytes(now->type, now->K);
    layout.value_bytes = llmc__value_bytes(type_v, now->K);
    CHECK(layout.key_bytes == page_bytes(now->type, true) && layout.value_bytes == page_bytes(type_v, false));
    layout.layer_bytes = (layout.key_bytes + layout.value_bytes) * now->G;
    group.layers = 1;
    group.window = now->window;
    group.sinks = now->sinks;
    group.pool = (uint8_t *)malloc(2 * pages * layout.layer_bytes);
    memset(group.pool, 0xff, 2 * pages * layout.layer_bytes);
    memset(&b, 0, sizeof b);
    b.model = &model;
    b.kv = layout;
    b.group[0] = group;
    for (s = 0; s < 2; s++) {
        table[s] = (uint32_t *)malloc(pages * sizeof **table);
        for (p = 0; p < pages; p++)
            table[s][p] = s == 0 ? 2 * p + 1 : 2 * (pages - 1 - p);
        for (p = 0; p < now->n; p++)
            for (g = 0; g < now->G; g++) {
                uint32_t page = table[s][p / LLMC__PAGE_TOKENS], slot = p % LLMC__PAGE_TOKENS;
                uint8_t *k = llmc__kv_at(&b, page, 0, 0, g), *v = llmc__kv_at(&b, page, 0, 1, g);
                at = ((size_t)p * now->G + g) * now->K;
                memcpy(turned, given_keys + at, now->K * sizeof *turned);
                if (llmc__kv_turned(now->type))
                    llmc__hadamard(turned, now->K, llmc__hadamard_width(now->K));
                llmc__scalar_kernels.key_store[now->type](k, slot, turned, now->K);
                llmc__scalar_kernels.value_store[type_v](v, slot, given_values + at, now->K);
            }
        for (p = 0; p < now->n; p++) /* only now: a store must leave its neighbours alone */
            for (g = 0; g < now->G; g++) {
                uint32_t page = table[s][p / LLMC__PAGE_TOKENS], slot = p % LLMC__PAGE_TOKENS;
                const uint8_t *v = llmc__kv_at(&b, page, 0, 1, g);
                at = ((size_t)p * now->G + g) * now->K;
                held_key(llmc__kv_at(&b, page, 0, 0, g), slot, keys + at);
                for (i = 0; i < now->K; i++)
                    values[at + i] = (float)held(v, type_v, false, slot, i);
            }
    }
    free(turned);
}

static void open_case(const attn_case *c, uint64_t how)
{
    llmc_config *o = &model.config;
    now = c;
    type_v = c->type_v != LLMC_DTYPE_NONE ? c->type_v : c->type;
    seed = how;
    memset(&model, 0, sizeof model);
    o->n_head = c->H;
    o->n_kv_head = c->G;
    o->head_dim = c->K;
    o->n_embd = c->H * c->K;
    o->n_layer = 1;
    o->window_size = c->window;
    o->sink_tokens = c->sinks;
    o->windowed.bits[0] = c->window > 0 ? 1 : 0;
    o->attn_softcap = c->softcap;
    query = random_floats((size_t)c->n * c->H * c->K, false);
    given_keys = random_floats((size_t)c->n * c->G * c->K, c->type == LLMC_F16 || c->type == LLMC_BF16);
    given_values = random_floats((size_t)c->n * c->G * c->K, type_v == LLMC_F16 || type_v == LLMC_BF16);
    keys = (float *)malloc((size_t)c->n * c->G * c->K * sizeof(float));
    values = (float *)malloc((size_t)c->n * c->G * c->K * sizeof(float));
    sinks = random_floats(c->H, false);
    store_all();
}

static void close_case(void)
{
    free(query);
    free(keys);
    free(values);
    free(given_keys);
    free(given_values);
    free(sinks);
    free(group.pool);
    free(table[0]);
    free(table[1]);
}

/* From the last piece to the first, one after the other. */
static void backwards(void *user, uint32_t n, llmc_task_fn fn, void *arg)
{
    (void)user;
    while (n-- > 0)
        fn(arg, n);
}

/* Tokens pos [n] of sequences seq [n] in one batch: out [n][H*K]. */
static void attend(const llmc__kernels *k, uint32_t workers, uint32_t n, const uint32_t *pos,
                   const uint8_t *seq, float *out)
{
    size_t wide = (size_t)now->H * now->K, i;
    uint32_t **pages = (uint32_t **)malloc(n * sizeof *pages), *end = (uint32_t *)malloc(n * sizeof *end);
    llmc__attn_job job;
    llmc__batch b;
    llmc__arena a;
    void *memory = NULL;
    int pass;
    memset(&b, 0, sizeof b);
    memset(&job, 0, sizeof job);
    memset(&a, 0, sizeof a);
    b.model = &model;
    b.k = k;
    b.kv = layout;
    b.group[0] = group;
    b.n = n;
    b.pos = pos;
    b.group[0].pages = pages;
    b.tasks.run = backwards;
    b.tasks.workers = workers;
    for (pass = 0; pass < 2; pass++) {
        if (pass == 1) {
            memory = malloc((size_t)llmc__arena_need(&a));
            a = llmc__arena_over(memory, (size_t)llmc__arena_need(&a));
        }
        b.q = (float *)llmc__take(&a, n, wide * sizeof(float));
        b.att = (float *)llmc__take(&a, n, wide * sizeof(float));
        llmc__carve_attention(&b, &model.config, n, workers, &a);
    }
    CHECK(!a.failed);
    for (i = 0; i < n; i++) {
        pages[i] = table[seq[i]];
        end[i] = now->n;
        memcpy(b.q + i * wide, query + pos[i] * wide, wide * sizeof(float));
    }
    b.end = now->both_ways ? end : NULL;
    job.b = &b;
    job.sinks = now->sink_logits ? sinks : NULL;
    llmc__attend_all(&job);
    memcpy(out, b.att, n * wide * sizeof(float));
    free(memory);
    free(pages);
    free(end);
}

static bool sees(uint32_t pos, uint32_t j)
{
    if (!now->both_ways && j > pos)
        return false;
    return now->window == 0 || pos < now->window || j > pos - now->window || j < now->sinks;
}

/* One token in double, by the definition. */
static void reference(uint32_t pos, double *out)
{
    uint32_t h, j, i, rep = now->H / now->G;
    double *p = (double *)malloc(now->n * sizeof *p);
    for (h = 0; h < now->H; h++) {
        const float *q = query + ((size_t)pos * now->H + h) * now->K;
        double top = now->sink_logits ? (double)sinks[h] : -1e30, sum;
        for (j = 0; j < now->n; j++) {
            const float *k = keys + ((size_t)j * now->G + h / rep) * now->K;
            p[j] = 0;
            for (i = 0; i < now->K; i++)
                p[j] += (double)q[i] * (double)k[i];
            p[j] /= llmc__sqrt(now->K);
            if (now->softcap > 0) {
                double e = llmc__exp(2 * p[j] / (double)now->softcap);
                p[j] = (double)now->softcap * (e - 1) / (e + 1);
            }
            top = sees(pos, j) && p[j] > top ? p[j] : top;
        }
        sum = now->sink_logits ? llmc__exp((double)sinks[h] - top) : 0;
        for (i = 0; i < now->K; i++)
            out[h * now->K + i] = 0;
        for (j = 0; j < now->n; j++) {
            const float *v = values + ((size_t)j * now->G + h / rep) * now->K;
            double w = sees(pos, j) ? llmc__exp(p[j] - top) : 0;
            sum += w;
            for (i = 0; i < now->K; i++)
                out[h * now->K + i] += w * (double)v[i];
        }
        for (i = 0; i < now->K; i++)
            out[h * now->K + i] /= sum;
    }
    free(p);
}

static const uint32_t features[] = {LLMC_CPU_SCALAR, LLMC_CPU_AVX2, LLMC_CPU_AVX512, LLMC_CPU_NEON};

/* Every position in batches of 40, every fifth against double (of long ones, every 97th). */
static void matches_reference(void)
{
    size_t c, f;
    for (c = 0; c < N_CASES; c++) {
        size_t wide, i;
        double *expect;
        float *got;
        uint32_t *pos, t;
        uint8_t *seq;
        open_case(&cases[c], 100 + c);
        wide = (size_t)now->H * now->K;
        expect = (double *)malloc(wide * sizeof *expect);
        got = (float *)malloc(40 * wide * sizeof *got);
        pos = (uint32_t *)malloc(40 * sizeof *pos);
        seq = (uint8_t *)calloc(40, 1);
        for (f = 0; f < 4; f++) {
            const llmc__kernels *k = set_of(features[f]);
            uint32_t at, n, step = (now->n > 1000 ? 97 : 5) * test_every(7);
            if (f > 0 && (strcmp(k->name, "scalar") == 0 || (llmc_cpu_detect().features & features[f]) == 0))
                continue;
            for (at = 0; at < now->n; at += n) {
                bool wanted = false;
                n = now->n - at < 40 ? now->n - at : 40;
                for (t = 0; t < n; t++) {
                    pos[t] = at + t;
                    wanted = wanted || (at + t) % step == 0;
                }
                if (!wanted)
                    continue;
                attend(k, 1, n, pos, seq, got);
                for (t = 0; t < n; t++) {
                    double worst = 0;
                    if ((at + t) % step != 0)
                        continue;
                    reference(at + t, expect);
                    for (i = 0; i < wide; i++) {
                        double d = (double)got[t * wide + i] - expect[i];
                        d = d < 0 ? -d : d;
                        if (!(d <= worst))
                            worst = d;
                    }
                    /* scores of some tens: their rounding is what p has, values are of size 1 */
                    CHECKF(worst < 5e-5, "%s, %s: position %u is off by %g", now->name, k->name, at + t,
                           worst);
                }
            }
        }
        free(expect);
        free(got);
        free(pos);
        free(seq);
        close_case();
    }
}

/* The same bits, token by token, in blocks of every size, with tokens of another sequence between, by any
   number of workers. */
static void cuts_do_not_matter(void)
{
    size_t c, f;
    for (c = 0; c < N_CASES; c++) {
        size_t wide, i;
        float *one, *got;
        uint32_t *pos, n, most, round;
        uint8_t *seq;
        open_case(&cases[c], 200 + c);
        wide = (size_t)now->H * now->K;
        most = (now->n > 1000 ? 24 : 60) / test_every(3);
        one = (float *)malloc(most * wide * sizeof *one);
        got = (float *)malloc(2 * most * wide * sizeof *got);
        pos = (uint32_t *)malloc(2 * most * sizeof *pos);
        seq = (uint8_t *)malloc(2 * most);
        for (f = 0; f < 4; f++) {
            const llmc__kernels *k = set_of(features[f]);
            if (f > 0 && (strcmp(k->name, "scalar") == 0 || (llmc_cpu_detect().features & features[f]) == 0))
                continue;
            for (round = 0; round < (f == 0 ? 2u : 12u / test_every(3)); round++) {
                uint32_t from = test_random(&seed, now->n - most + 1), t = 0;
                if (round == 1)
                    from = now->n - most;
                n = 1 + test_random(&seed, most);
                for (i = 0; i < n; i++) {
                    uint32_t at = from + (uint32_t)i;
                    uint8_t zero = 0;
                    attend(k, 1, 1, &at, &zero, one + i * wide);
                }
                /* runs of one sequence, then of the other */
                for (i = 0; i < n; i++) {
                    pos[t] = from + (uint32_t)i;
                    seq[t++] = 0;
                    if (round % 3 == 2 && test_random(&seed, 4) == 0) {
                        pos[t] = from + test_random(&seed, n);
                        seq[t++] = 1;
                    }
                }
                attend(k, 1 + round % 5 * (round % 5), t, pos, seq, got);
                for (i = 0; i < t; i++)
                    if (!CHECKF(memcmp(got + i * wide, one + (pos[i] - from) * wide, wide * sizeof *one) == 0,
                                "%s, %s: position %u of %u from %u on, %u workers", now->name, k->name,
                                pos[i], n, from, 1 + round % 5 * (round % 5)))
                        break;
            }
        }
        free(one);
        free(got);
        free(pos);
        free(seq);
        close_case();
    }
}

/* What is not a number reaches those who see it and nobody else: a later token's value is not touched. */
static void not_a_number(void)
{
    static const llmc_dtype type[] = {LLMC_F32, LLMC_F16, LLMC_Q8_0, LLMC_Q4_0};
    size_t f;
    for (f = 0; f < 16; f++) {
        const llmc__kernels *k = set_of(features[f % 4]);
        attn_case c = cases[0];
        uint32_t pos[70], t;
        uint8_t seq[70];
        float *got;
        bool fine = true;
        size_t wide, i;
        if (f % 4 > 0 &&
            (strcmp(k->name, "scalar") == 0 || (llmc_cpu_detect().features & features[f % 4]) == 0))
            continue;
        c.type = type[f / 4];
        open_case(&c, 300);
        wide = (size_t)now->H * now->K;
        free(group.pool);
        free(table[0]);
        free(table[1]);
        for (i = 0; i < now->G * now->K; i++) {
            given_values[40 * now->G * now->K + i] = llmc__bits_f32(0x7fc00000);
            given_keys[41 * now->G * now->K + i] = llmc__bits_f32(0x7fc00000);
            given_keys[50 * now->G * now->K + i] = llmc__bits_f32(0x7f800000);
        }
        store_all();
        got = (float *)malloc(70 * wide * sizeof *got);
        for (t = 0; t < 70; t++) {
            pos[t] = t;
            seq[t] = 0;
        }
        attend(k, 1, 70, pos, seq, got);
        for (i = 0; i < 40 * wide; i++)
            fine = fine && llmc__finite(got[i]);
        CHECKF(fine, "%s, %s: a token is spoilt by one after it", k->name, llmc_dtype_name(c.type));
        for (i = 40 * wide, fine = false; i < 70 * wide; i++)
            fine = fine || llmc__finite(got[i]);
        CHECKF(!fine, "%s, %s: a value that is not a number is lost", k->name, llmc_dtype_name(c.type));
        free(got);
        close_case();
    }
}

static double size_of(double x)
{
    return x < 0 ? -x : x;
}

/* What is stored is as near to what was given as its type promises: half a step of the scale, which is the
   largest element over 127, or over 8 (where a positive one may lose a whole step, its integers ending at
   7), and bf16 makes up to 1 / 128 larger. Keys by the scale of what H makes of them, whose elements have
   the errors of m others: on the average no more than one. */
static void rounds_as_promised(void)
{
    size_t c;
    for (c = 0; c < N_CASES; c++) {
        double worst = 0, top, off, step;
        size_t at, i, n;
        open_case(&cases[c], 400 + c);
        n = (size_t)now->n * now->G * now->K;
        for (at = 0; llmc__kv_scaled(type_v) && at < n; at += now->K)
            for (i = 0; i < now->K; i++) {
                size_t j, from = i / 32 * 32;
                for (j = from, top = 0; j < now->K && j < from + 32; j++)
                    top = size_of(given_values[at + j]) > top ? size_of(given_values[at + j]) : top;
                step = top / (type_v == LLMC_Q8_0 ? 127 : 8) * 129 / 128;
                off = size_of((double)values[at + i] - (double)given_values[at + i]);
                off /= type_v == LLMC_Q4_0 && off > 0.501 * step ? 2 * step : step;
                worst = off > worst ? off : worst;
            }
        CHECKF(worst <= 0.501, "%s: values are off by %g steps", now->name, worst);
        for (at = 0, off = top = 0; at < n; at++) {
            double d = (double)keys[at] - (double)given_keys[at];
            off += d * d;
            top += (double)given_keys[at] * (double)given_keys[at];
        }
        worst = llmc__sqrt(off / top);
        CHECKF(worst <= (now->type == LLMC_Q8_0   ? 0.01
                         : now->type == LLMC_Q4_0 ? 0.13
                                                  : 0),
               "%s: keys are off by %g of their size", now->name, worst);
        close_case();
    }
}

int main(void)
{
    RUN(matches_reference);
    RUN(rounds_as_promised);
    RUN(cuts_do_not_matter);
    RUN(not_a_number);
    return test_end("test_attn");
}
