/* Gradients (22): the loss against an engine's logits, gradients against central differences and against
   float64 references, products against sums in double, for every feature of a configuration. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

#include <math.h>

#define BOTH (LLMC__ROLES_BIAS | LLMC__ROLES_NORM_BIAS | LLMC__BIT(O))

enum { ROWS = 2, TOKENS = 13, VOCAB = 29, SAMPLES = 6 };

static unsigned long long seed;

/* A small Llama, from which every case differs by some members. */
static llmc_config small(void)
{
    llmc_config c;
    memset(&c, 0, sizeof c);
    strcpy(c.family, "llama");
    c.vocab_size = VOCAB;
    c.n_layer = 2;
    c.n_embd = 24;
    c.n_head = 4;
    c.n_kv_head = 2;
    c.head_dim = 6;
    c.n_ff = 20;
    c.context_length = 64;
    c.norm_eps = 1e-5f;
    c.pre_norm = true;
    c.embed_scale = c.residual_scale = c.logit_scale = 1;
    c.pos = LLMC_POS_ROPE;
    c.rope_dims = 6;
    c.rope_base = 100;
    c.rope_factor = 1;
    c.gated = true;
    return c;
}

typedef struct case_of {
    const char *name;
    llmc_config c;
    uint64_t roles;
    float balance;
} case_of;

enum { CASES = 34 };

static void layer_norm(llmc_config *c)
{
    c->norm = LLMC_NORM_LAYER;
}

/* GPT-2: learned positions, LayerNorm, all biases, plain GELU, tied head. */
static void gpt2(llmc_config *c)
{
    strcpy(c->family, "gpt2");
    layer_norm(c);
    c->pos = LLMC_POS_LEARNED;
    c->gated = false;
    c->act = LLMC_ACT_GELU_TANH;
    c->tied_head = true;
    c->n_kv_head = 4;
}

static void experts(llmc_config *c)
{
    c->n_expert = 5;
    c->n_expert_used = 2;
    c->n_ff_expert = 12;
}

/* Case i; the same numbers in vectors/grad_reference.py. */
static case_of a_case(int i)
{
    case_of k;
    llmc_config *c = &k.c;
    k.c = small();
    k.roles = LLMC__BIT(O);
    k.balance = 0;
    k.name = "?";
    switch (i) {
    case 0:
        k.name = "llama";
        break;
    case 1:
        k.name = "gpt2";
        gpt2(c);
        k.roles = BOTH;
        break;
    case 2:
        k.name = "tied";
        c->tied_head = true;
        break;
    case 3:
        k.name = "half pairs, some of a head";
        c->rope = LLMC_ROPE_HALF;
        c->rope_dims = 4;
        break;
    case 4:
        k.name = "reversed, linear scaling";
        c->rope_reverse = true;
        c->rope_scaling = LLMC_ROPE_LINEAR;
        c->rope_factor = 3;
        break;
    case 5:
        k.name = "YaRN";
        c->rope_scaling = LLMC_ROPE_YARN;
        c->rope_factor = 4;
        c->rope_original = 32;
        c->yarn_fast = 32;
        c->yarn_slow = 1;
        break;
    case 6:
        k.name = "window, sinks, local base";
        c->window_size = 4;
        c->sink_tokens = 2;
        c->windowed.bits[0] = 1;
        c->rope_local = true;
        c->rope_local_base = 50;
        break;
    case 7:
        k.name = "a layer without rotation";
        c->unturned.bits[0] = 2;
        break;
    case 8:
        k.name = "q and k norm by head";
        c->qk_norm = LLMC_QK_NORM_HEAD;
        break;
    case 9:
        k.name = "q and k norm, a weight a head";
        c->qk_norm = LLMC_QK_NORM_HEADS;
        break;
    case 10:
        k.name = "q and k norm over the width";
        c->qk_norm = LLMC_QK_NORM_WIDTH;
        break;
    case 11:
        k.name = "late norm without weights, scaled";
        c->qk_norm = LLMC_QK_NORM_HEAD;
        c->qk_norm_late = true;
        c->norm_plain = true;
        c->qk_scale = 1.15f;
        break;
    case 12:
        k.name = "softcaps";
        c->attn_softcap = 2;
        c->logit_softcap = 3;
        break;
    case 13:
        k.name = "clamps";
        c->attn_clamp = 0.7f;
        c->logit_clamp = 0.8f;
        break;
    case 14:
        k.name = "biases, LayerNorm";
        layer_norm(c);
        k.roles = BOTH;
        break;
    case 15:
        k.name = "GeGLU by erf, scales";
        c->act = LLMC_ACT_GELU_ERF;
        c->embed_scale = 3;
        c->residual_scale = 0.6f;
        c->logit_scale = 0.7f;
        c->attn_scale = 0.3f;
        break;
    case 16:
        k.name = "ReLU";
        c->gated = false;
        c->act = LLMC_ACT_RELU;
        break;
    case 17:
        k.name = "ReLU squared";
        c->gated = false;
        c->act = LLMC_ACT_RELU2;
        break;
    case 18:
        k.name = "gpt-oss: SwiGLU, sinks' values";
        c->act = LLMC_ACT_SWIGLU_OAI;
        c->sink_logits = true;
        break;
    case 19:
        k.name = "parallel, one norm";
        c->parallel = LLMC_PARALLEL_SHARED;
        k.roles = BOTH;
        layer_norm(c);
        break;
    case 20:
        k.name = "parallel, two norms";
        c->parallel = LLMC_PARALLEL_OWN;
        k.roles = BOTH;
        layer_norm(c);
        break;
    case 21:
        k.name = "branch norms";
        c->branch_norm = true;
        c->norm_plus_one = true;
        break;
    case 22:
        k.name = "branch norms only";
        c->branch_norm = true;
        c->pre_norm = false;
        break;
    case 23:
        k.name = "post norms";
        c->pre_norm = false;
        c->post_norm = true;
        layer_norm(c);
        k.roles = BOTH;
        break;
    case 24:
        k.name = "no output matrix";
        c->pre_norm = false;
        c->post_norm = true;
        layer_norm(c);
        c->n_head = 1;
        c->n_kv_head = 1;
        c->head_dim = 24;
        k.roles = LLMC__BIT(HEAD_B) | LLMC__ROLES_NORM_BIAS;
        c->no_out_norm = true;
        c->pos = LLMC_POS_SINUSOIDAL;
        break;
    case 25:
        k.name = "embedding norm";
        c->embed_norm = true;
        layer_norm(c);
        k.roles = BOTH;
        break;
    case 26:
        k.name = "value embeddings";
        c->value_channels = 5;
        c->value_layers.bits[0] = 2;
        break;
    case 27:
        k.name = "smear";
        c->smear_channels = 7;
        c->embed_norm = true;
        break;
    case 28:
        k.name = "nanochat";
        c->smear_channels = 7;
        c->embed_norm = true;
        c->norm_plain = true;
        c->x_lambdas = true;
        c->n_layer = 3;
        c->backout_layer = 1;
        c->value_channels = 5;
        c->value_layers.bits[0] = 5;
        c->qk_norm = LLMC_QK_NORM_HEAD;
        c->qk_norm_late = true;
        c->qk_scale = 1.2f;
        c->logit_softcap = 4;
        c->gated = false;
        c->act = LLMC_ACT_RELU2;
        c->rope = LLMC_ROPE_HALF;
        c->rope_reverse = true;
        c->window_size = 5;
        c->windowed.bits[0] = 3;
        break;
    case 29:
        k.name = "experts";
        experts(c);
        k.balance = 0.3f;
        break;
    case 30:
        k.name = "experts, renormalised, shared, one layer dense";
        experts(c);
        c->expert_renorm = true;
        c->n_ff_shared = 8;
        c->dense.bits[0] = 1;
        k.roles |= LLMC__BIT(SHARED_ROUTER);
        k.balance = 0.2f;
        break;
    case 31:
        k.name = "experts with biases";
        experts(c);
        k.roles = BOTH;
        c->gated = false;
        c->act = LLMC_ACT_SILU;
        break;
    case 32:
        k.name = "grouped q, k, v";
        strcpy(c->family, "gptneox");
        c->qkv_grouped = true;
        layer_norm(c);
        k.roles = BOTH;
        c->parallel = LLMC_PARALLEL_OWN;
        c->gated = false;
        c->act = LLMC_ACT_GELU_ERF;
        c->rope = LLMC_ROPE_HALF;
        c->rope_dims = 4;
        break;
    default:
        k.name = "GQA by one, NTK";
        c->n_kv_head = 1;
        c->rope_scaling = LLMC_ROPE_NTK;
        c->rope_factor = 2;
        break;
    }
    return k;
}

/* A case with its memory. */
typedef struct work {
    case_of k;
    llmc__params p;
    llmc__grad g;
    float *weight, *grad;
    void *mem, *pass;
    uint32_t ids[ROWS * TOKENS], targets[ROWS * TOKENS];
} work;

static llmc_pool *pool;

/* Numbers by SplitMix64 in [-1, 1): element i of parameter n of case k. */
static float number(int k, uint32_t n, uint64_t i)
{
    uint64_t z = (uint64_t)k * 1000003u + n * 65537u + 17;
    z = llmc__mix(z * 0x9e3779b97f4a7c15u) + (i + 1) * 0x9e3779b97f4a7c15u;
    return (float)((double)(llmc__mix(z) >> 40) / 8388608.0 - 1);
}

static void fill(work *w, int k)
{
    uint32_t i;
    uint64_t j;
    for (i = 0; i < w->p.count; i++) {
        const llmc__param *p = &w->p.list[i];
        for (j = 0; j < p->n; j++) {
            float x = number(k, i, j);
            bool norm =
                !p->matrix && !p->embedding && strstr(llmc__role_table[p->role].name, "norm.weight") != NULL;
            x *= p->embedding ? 0.6f : p->matrix ? 0.5f : 0.3f;
            if (norm && !w->k.c.norm_plus_one)
                x += 1;
            if (p->role == LLMC__W_X_LAMBDAS || p->role == LLMC__W_SMEAR_LAMBDA)
                x += 1;
            w->weight[p->offset + j] = x;
        }
    }
    for (i = 0; i < ROWS * TOKENS; i++) {
        w->ids[i] = (uint32_t)(llmc__mix((uint64_t)k * 77 + i + 1) % VOCAB);
        w->targets[i] = i % 7 == 3 ? UINT32_MAX : (uint32_t)(llmc__mix((uint64_t)k * 991 + i + 5) % VOCAB);
    }
}

static void passes(work *w, const llmc__grad_opts *o)
{
    llmc__arena a;
    llmc_diag d;
    uint64_t need;
    memset(&a, 0, sizeof a);
    CHECKF(llmc__grad_carve(&w->g, &w->p, o, NULL, &a, &d) == LLMC_OK, "%s: %s", w->k.name, d.message);
    need = llmc__arena_need(&a);
    w->pass = malloc((size_t)need);
    memset(w->pass, 0xff, (size_t)need); /* nothing is to be read before it is written */
    a = llmc__arena_over(w->pass, (size_t)need);
    CHECK(llmc__grad_carve(&w->g, &w->p, o, NULL, &a, &d) == LLMC_OK && !a.failed);
    CHECKF(a.used + LLMC__ALIGN == need, "measured and placed alike");
    llmc__grad_init(&w->g);
    w->g.weight = w->weight;
    w->g.grad = w->grad;
}

static llmc__grad_opts options(float balance)
{
    llmc__grad_opts o;
    llmc_diag d;
    llmc_cpu cpu;
    memset(&o, 0, sizeof o);
    llmc_os_cpu(NULL, &cpu, &d);
    o.rows = ROWS;
    o.tokens = TOKENS;
    o.kernels = llmc__kernels_for(cpu);
    o.tasks = llmc_pool_tasks(pool);
    o.balance = balance;
    return o;
}

static void begin(work *w, int k)
{
    llmc__arena a;
    llmc_diag d;
    llmc__grad_opts o;
    uint64_t need;
    memset(w, 0, sizeof *w);
    memset(&a, 0, sizeof a);
    w->k = a_case(k);
    CHECKF(llmc__params_carve(&w->p, &w->k.c, w->k.roles, &a, &d) == LLMC_OK, "%s: %s", w->k.name, d.message);
    need = llmc__arena_need(&a);
    w->mem = malloc((size_t)need);
    a = llmc__arena_over(w->mem, (size_t)need);
    llmc__params_carve(&w->p, &w->k.c, w->k.roles, &a, &d);
    w->weight = (float *)malloc(w->p.total * sizeof(float));
    w->grad = (float *)calloc(w->p.total, sizeof(float));
    fill(w, k);
    o = options(w->k.balance);
    passes(w, &o);
}

static void end(work *w)
{
    free(w->mem);
    free(w->pass);
    free(w->weight);
    free(w->grad);
}

/* What a pass minimises: mean loss, and the balance. */
static double objective(work *w)
{
    double loss = 0;
    uint64_t n = 1;
    CHECK(llmc__grad_loss(&w->g, w->ids, w->targets, NULL, &loss, &n) == LLMC_OK);
    return loss / (double)n + (double)w->k.balance * w->g.balance_sum;
}

static double pass_of(work *w, float scale)
{
    volatile double mean; /* of 64 bits, to be compared, also where registers have 80 */
    double loss = 0;
    uint64_t n = 1;
    memset(w->grad, 0, w->p.total * sizeof(float));
    CHECK(llmc__grad_pass(&w->g, w->ids, w->targets, NULL, 1, scale, &loss, &n) == LLMC_OK);
    mean = loss / (double)n;
    return mean;
}

static uint64_t scored(const work *w)
{
    uint64_t n = 0;
    int i;
    for (i = 0; i < ROWS * TOKENS; i++)
        n += w->targets[i] != UINT32_MAX;
    return n;
}

/* x [n] as a file has it; to be freed. */
static uint8_t *as_stored(const float *x, size_t n)
{
    uint8_t *out = (uint8_t *)malloc(n * sizeof(float));
    CHECK(llmc_quantize(LLMC_F32, x, n, out) == LLMC_OK);
    return out;
}

/* The mean loss by an engine that runs on the same weights. */
static double engine_loss(work *w)
{
    uint8_t *flat;
    llmc__arena a;
    llmc_model *m = NULL;
    llmc_engine *e;
    llmc_engine_options o;
    llmc_diag d;
    size_t need;
    void *mem, *room;
    float *logits = (float *)malloc(sizeof(float) * TOKENS * VOCAB);
    double sum = 0;
    int b, t, v;
    memset(&a, 0, sizeof a);
    flat = as_stored(w->weight, (size_t)w->p.total);
    llmc__params_model(&m, &w->p, NULL, flat, &a);
    mem = malloc((size_t)llmc__arena_need(&a));
    a = llmc__arena_over(mem, (size_t)llmc__arena_need(&a));
    llmc__params_model(&m, &w->p, NULL, flat, &a);
    CHECK(m != NULL);
    memset(&o, 0, sizeof o);
    o.kv_type = LLMC_F32;
    CHECKF(llmc_engine_need(m, &o, &need, &d) == LLMC_OK, "%s: %s", w->k.name, d.message);
    room = malloc(need);
    CHECK(llmc_engine_init(&e, m, &o, room, need, &d) == LLMC_OK);
    for (b = 0; b < ROWS; b++) {
        llmc_token ids[TOKENS];
        llmc_seq *s;
        for (t = 0; t < TOKENS; t++)
            ids[t] = (llmc_token)w->ids[b * TOKENS + t];
        CHECK(llmc_seq_open(&s, e, NULL, &d) == LLMC_OK);
        CHECKF(llmc_seq_forward(s, ids, TOKENS, logits, TOKENS, &d) == LLMC_OK, "%s", d.message);
        for (t = 0; t < TOKENS; t++) {
            uint32_t target = w->targets[b * TOKENS + t];
            double top = -1e30, all = 0;
            if (target == UINT32_MAX)
                continue;
            for (v = 0; v < VOCAB; v++)
                top = logits[t * VOCAB + v] > top ? logits[t * VOCAB + v] : top;
            for (v = 0; v < VOCAB; v++)
                all += exp(logits[t * VOCAB + v] - top);
            sum += top + log(all) - logits[t * VOCAB + target];
        }
        llmc_seq_close(s);
    }
    free(logits);
    free(mem);
    free(room);
    free(flat);
    return sum / (double)scored(w);
}

static void test_loss(void)
{
    int k;
    for (k = 0; k < CASES; k++) {
        work w;
        double own, theirs;
        uint64_t n;
        begin(&w, k);
        CHECK(llmc__grad_loss(&w.g, w.ids, w.targets, NULL, &own, &n) == LLMC_OK && n == scored(&w));
        own /= (double)n;
        theirs = engine_loss(&w);
        CHECKF(fabs(own - theirs) < 1e-5, "%s: loss %.7f, an engine's %.7f", w.k.name, own, theirs);
        CHECKF(fabs(pass_of(&w, 1) - own) < 1e-6, "%s: pass and loss", w.k.name);
        end(&w);
    }
}

/* Along a direction, a tensor at a time: along the gradient itself the slope is its length. */
static void test_differences(void)
{
    int k;
    for (k = 0; k < CASES; k++) {
        work w;
        uint32_t i;
        float *keep, *grad;
        begin(&w, k);
        pass_of(&w, 1.0f / (float)scored(&w));
        keep = (float *)malloc(w.p.total * sizeof(float));
        grad = (float *)malloc(w.p.total * sizeof(float));
        memcpy(keep, w.weight, w.p.total * sizeof(float));
        memcpy(grad, w.grad, w.p.total * sizeof(float));
        for (i = 0; i < w.p.count; i++) {
            const llmc__param *p = &w.p.list[i];
            double norm = 0, size = 0, h, up, down, slope = 0;
            int step;
            uint64_t j;
            for (j = 0; j < p->n; j++) {
                norm += (double)grad[p->offset + j] * grad[p->offset + j];
                size += (double)keep[p->offset + j] * keep[p->offset + j];
            }
            norm = sqrt(norm);
            if (norm < 2e-3) /* too flat for f32: the references have those */
                continue;
            h = 1e-2 * sqrt(size) / sqrt((double)p->n);
            h = h < 2e-3 ? 2e-3 : h;
            /* a step may change which experts are chosen: then a shorter one */
            for (step = 0; step == 0 || (step < 3 && w.k.c.n_expert > 0 && fabs(slope - norm) >= 1e-2 * norm);
                 step++, h /= 4) {
                for (j = 0; j < p->n; j++)
                    w.weight[p->offset + j] = (float)(keep[p->offset + j] + h * grad[p->offset + j] / norm);
                up = objective(&w);
                for (j = 0; j < p->n; j++)
                    w.weight[p->offset + j] = (float)(keep[p->offset + j] - h * grad[p->offset + j] / norm);
                down = objective(&w);
                slope = (up - down) / (2 * h);
            }
            memcpy(w.weight + p->offset, keep + p->offset, p->n * sizeof(float));
            CHECKF(fabs(slope - norm) < 1e-2 * norm, "%s: %s of layer %d: slope %.6f, gradient %.6f",
                   w.k.name, llmc__role_table[p->role].name, (int)p->layer, slope, norm);
        }
        free(keep);
        free(grad);
        end(&w);
    }
}

/* Layers run again and other numbers of threads give the same bits. */
static void test_same(void)
{
    int k, turn;
    for (k = 0; k < CASES; k++) {
        work w;
        float *first;
        begin(&w, k);
        pass_of(&w, 0.5f);
        first = (float *)malloc(w.p.total * sizeof(float));
        memcpy(first, w.grad, w.p.total * sizeof(float));
        for (turn = 0; turn < 3; turn++) {
            llmc__grad_opts o = options(w.k.balance);
            o.recompute = turn != 1;
            if (turn == 1)
                memset(&o.tasks, 0, sizeof o.tasks);
            o.tasks.workers = turn == 2 ? 5 : o.tasks.workers; /* cuts for five, on the same pool */
            free(w.pass);
            passes(&w, &o);
            pass_of(&w, 0.5f);
            CHECKF(memcmp(first, w.grad, w.p.total * sizeof(float)) == 0, "%s, turn %d: other bits", w.k.name,
                   turn);
        }
        free(first);
        end(&w);
    }
}

/* Eight bytes of a file. */
static double double_of(const unsigned char *p)
{
    uint64_t bits = llmc__u64le(p);
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Derivatives by complex steps in float64 (vectors/grad_reference.py), some of each tensor's. */
static void test_reference(void)
{
    size_t size = 0, at = 0;
    unsigned char *golden = test_read("tests/vectors/grad.bin", &size);
    int k, s;
    CHECK(golden != NULL);
    for (k = 0; golden != NULL && k < CASES; k++) {
        work w;
        uint32_t i;
        double loss, own;
        begin(&w, k);
        own = pass_of(&w, 1.0f / (float)scored(&w)) + (double)w.k.balance * w.g.balance_sum;
        if (!CHECKF(at + 8 + 4 * SAMPLES * (size_t)w.p.count <= size, "grad.bin ends early"))
            return;
        loss = double_of(golden + at);
        at += 8;
        CHECKF(fabs(own - loss) < 1e-5, "%s: loss %.7f, reference %.7f", w.k.name, own, loss);
        for (i = 0; i < w.p.count; i++) {
            const llmc__param *p = &w.p.list[i];
            double most = 0;
            uint64_t j;
            for (j = 0; j < p->n; j++)
                most = fmax(most, fabs((double)w.grad[p->offset + j]));
            for (s = 0; s < SAMPLES; s++, at += 4) {
                float want, got = w.grad[p->offset + ((uint64_t)s * 7919 + i * 31u) % p->n];
                want = llmc__f32le(golden + at);
                CHECKF(fabs((double)(got - want)) < 1e-4 * most + 1e-7,
                       "%s: %s of layer %d: %.8f, reference %.8f", w.k.name, llmc__role_table[p->role].name,
                       (int)p->layer, got, want);
            }
        }
        end(&w);
    }
    CHECKF(golden == NULL || at == size, "grad.bin is longer");
    free(golden);
}

/* The cases as text, for the reference. */
static void dump(const char *path)
{
    FILE *f = fopen(path, "w");
    int k;
    uint32_t i;
    for (k = 0; k < CASES; k++) {
        work w;
        const llmc_config *c;
        begin(&w, k);
        c = &w.k.c;
        fprintf(f, "{\"name\":\"%s\",\"rows\":%d,\"balance\":%.9g,\"config\":{", w.k.name, ROWS, w.k.balance);
#define N(m) fprintf(f, "\"" #m "\":%.17g,", (double)c->m);
        N(n_layer)
        N(n_embd)
        N(n_head)
        N(n_kv_head)
        N(head_dim)
        N(norm)
        N(norm_eps)
        N(norm_plus_one)
        N(pre_norm)
        N(branch_norm)
        N(post_norm)
        N(embed_norm)
        N(no_out_norm)
        N(embed_scale)
        N(residual_scale)
        N(logit_scale)
        N(logit_softcap)
        N(logit_clamp)
        N(tied_head)
        N(pos)
        N(rope)
        N(rope_dims)
        N(rope_reverse)
        N(rope_base)
        N(rope_scaling)
        N(rope_factor)
        N(rope_original)
        N(rope_local)
        N(rope_local_base)
        N(parallel)
        N(window_size)
        N(sink_tokens)
        N(attn_scale)
        N(attn_softcap)
        N(attn_clamp)
        N(qk_norm)
        N(qk_norm_late)
        N(qk_scale)
        N(qkv_grouped)
        N(sink_logits)
        N(act)
        N(gated)
        N(n_expert)
        N(n_expert_used)
        N(n_ff_shared)
        N(expert_renorm)
        N(smear_channels)
        N(value_channels)
        N(x_lambdas)
        N(backout_layer)
#undef N
#define SET(m)                              \
    fprintf(f, "\"" #m "\":[");             \
    for (i = 0; i < c->n_layer; i++)        \
        if (llmc_layers_has(&c->m, i))      \
            fprintf(f, "%u,", (unsigned)i); \
    fprintf(f, "-1],");
        SET(windowed)
        SET(unturned)
        SET(value_layers)
        SET(dense)
#undef SET
        fprintf(f, "\"end\":0},\"params\":[");
        for (i = 0; i < w.p.count; i++) {
            const llmc__param *p = &w.p.list[i];
            fprintf(f,
                    "%s{\"role\":\"%s\",\"layer\":%d,\"expert\":%d,\"offset\":%d,\"rows\":%d,\"cols\":%d,"
                    "\"matrix\":%d,\"embedding\":%d}",
                    i > 0 ? "," : "", llmc__role_table[p->role].name, (int)p->layer, (int)p->expert,
                    (int)p->offset, (int)p->rows, (int)p->cols, p->matrix, p->embedding);
        }
        fprintf(f, "],\"weight\":[");
        for (i = 0; i < w.p.total; i++)
            fprintf(f, "%s%.9g", i > 0 ? "," : "", w.weight[i]);
        fprintf(f, "],\"ids\":[");
        for (i = 0; i < ROWS * TOKENS; i++)
            fprintf(f, "%s%u", i > 0 ? "," : "", w.ids[i]);
        fprintf(f, "],\"targets\":[");
        for (i = 0; i < ROWS * TOKENS; i++)
            fprintf(f, "%s%d", i > 0 ? "," : "", (int)w.targets[i]);
        fprintf(f, "]}\n");
        end(&w);
    }
    fclose(f);
}

/* x rounded to bf16's eight significant bits: to nearest, halves to even. */
static float rounded(float x)
{
    uint32_t bits, low;
    memcpy(&bits, &x, 4);
    low = bits & 0xffff;
    bits -= low;
    if (low > 0x8000 || (low == 0x8000 && (bits & 0x10000) != 0))
        bits += 0x10000;
    memcpy(&x, &bits, 4);
    return x;
}

static const llmc__bf16_kernels *bf16(void)
{
    llmc_cpu any = {0};
    return llmc__bf16_kernels_for(any);
}

/* Products of all three forms against sums in double, odd sizes among them, and every set of kernels: the best of f32,
   the scalar one, and where there is one that of bf16. */
static void test_product(void)
{
    static const size_t sizes[][3] = {{1, 1, 1},    {8, 48, 16},     {9, 49, 17},
                                      {37, 53, 71}, {64, 100, 1100}, {130, 7, 33}};
    const llmc__kernels *sets[3];
    llmc__grad_opts o = options(0);
    size_t z, i, j, l;
    int form, set, add;
    sets[0] = o.kernels;
    sets[1] = &llmc__scalar_kernels;
    sets[2] = o.kernels;
    if (bf16() == NULL)
        printf("  no products of bf16 here\n");
    for (set = 0; set < (bf16() != NULL ? 3 : 2); set++)
        for (z = 0; z < sizeof sizes / sizeof *sizes; z++)
            for (form = 0; form < 6; form++) {
                size_t m = sizes[z][0], n = sizes[z][1], k = sizes[z][2];
                float *a = (float *)malloc(m * k * 4), *b = (float *)malloc(n * k * 4),
                      *c = (float *)calloc(m * n, 4);
                llmc__multiplier u;
                llmc__matrix A, B;
                u.k = sets[set]->train;
                u.bf16 = set == 2 ? bf16() : NULL;
                u.tasks = o.tasks;
                u.strips = (float *)malloc(4 * (size_t)llmc__strip_floats(u.k, m, k));
                u.panels =
                    (float *)malloc(4 * (size_t)llmc__panel_floats(u.k, LLMC__DEPTH) * o.tasks.workers);
                for (i = 0; i < m * k; i++)
                    a[i] = number(1, (uint32_t)z, i);
                for (i = 0; i < n * k; i++)
                    b[i] = number(2, (uint32_t)z, i);
                add = form >= 3;
                A = form % 3 == 2 ? llmc__cols_of(a, m) : llmc__rows_of(a, k);
                B = form % 3 == 0 ? llmc__rows_of(b, k) : llmc__cols_of(b, n);
                for (i = 0; i < m * n; i++)
                    c[i] = 1;
                llmc__multiply(&u, c, n, add != 0, A, B, m, n, k);
                for (i = 0; i < m * k; i++)
                    a[i] = set == 2 ? rounded(a[i]) : a[i];
                for (i = 0; i < n * k; i++)
                    b[i] = set == 2 ? rounded(b[i]) : b[i];
                for (i = 0; i < m; i++)
                    for (j = 0; j < n; j++) {
                        double sum = add;
                        for (l = 0; l < k; l++)
                            sum += (double)A.at[i * A.row + l * A.col] * B.at[j * B.row + l * B.col];
                        CHECKF(fabs(sum - c[i * n + j]) < 2e-6 * (double)(k + 8),
                               "%s%s, form %d, %zu x %zu x %zu: %g, %g", sets[set]->name,
                               set == 2 ? " bf16" : "", form, m, n, k, c[i * n + j], sum);
                    }
                free(a);
                free(b);
                free(c);
                free(u.strips);
                free(u.panels);
            }
}

/* Pairs as they are rounded, ties and the largest among them, an odd one beside a zero; and where they were. */
static void test_narrow(void)
{
    enum { WIDTH = 24, K = 5 };
    float in[K * WIDTH], out[K * WIDTH];
    size_t pair, i;
    int place;
    for (place = 0; place < 2 && bf16() != NULL; place++) {
        for (i = 0; i < K * WIDTH; i++)
            in[i] = number(3, 0, i) * (i % 3 == 0 ? 1e30f : 1);
        in[0] = 1 + 1.0f / 256; /* to 1 */
        in[1] = 1 + 3.0f / 256; /* to 1 + 4/256 */
        in[WIDTH] = -1 - 1.0f / 256;
        in[WIDTH + 1] = INFINITY;
        memcpy(out, in, sizeof out);
        bf16()->narrow(out, place ? out : in, WIDTH, K);
        for (pair = 0; pair < (K + 1) / 2; pair++)
            for (i = 0; i < WIDTH; i++) {
                float low = rounded(in[2 * pair * WIDTH + i]),
                      high = 2 * pair + 1 < K ? rounded(in[(2 * pair + 1) * WIDTH + i]) : 0;
                uint32_t bits, l, h;
                memcpy(&bits, &out[pair * WIDTH + i], 4);
                memcpy(&l, &low, 4);
                memcpy(&h, &high, 4);
                CHECKF(bits == (h | l >> 16), "pair %zu of %zu: %08x, not %08x", pair, i, bits, h | l >> 16);
            }
    }
}

/* With products of bf16 a pass's loss and gradients are near f32's, and the same bits for any threads. Less near where
   a rounding decides whether a clamp cuts; experts may even be others. */
static void test_bf16(void)
{
    int k;
    for (k = 0; k < CASES && bf16() != NULL; k++) {
        work w;
        double own, near, bound, off = 0, all = 0;
        float *first, *again;
        uint64_t i;
        llmc__grad_opts o;
        begin(&w, k);
        own = pass_of(&w, 1.0f / (float)scored(&w));
        first = (float *)malloc(w.p.total * sizeof(float));
        again = (float *)malloc(w.p.total * sizeof(float));
        memcpy(first, w.grad, w.p.total * sizeof(float));
        o = options(w.k.balance);
        o.bf16 = bf16();
        free(w.pass);
        passes(&w, &o);
        near = pass_of(&w, 1.0f / (float)scored(&w));
        memcpy(again, w.grad, w.p.total * sizeof(float));
        for (i = 0; i < w.p.total; i++) {
            off += ((double)w.grad[i] - first[i]) * ((double)w.grad[i] - first[i]);
            all += (double)first[i] * first[i];
        }
        CHECKF(near != own && fabs(near - own) < 0.02 * own, "%s: loss %.6f, %.6f with bf16", w.k.name, own,
               near);
        bound = w.k.c.attn_clamp > 0 ? 0.12 : 0.05;
        CHECKF(w.k.c.n_expert > 0 || off < bound * bound * all, "%s: gradients are %.4f off", w.k.name,
               sqrt(off / all));
        memset(&o.tasks, 0, sizeof o.tasks);
        free(w.pass);
        passes(&w, &o);
        pass_of(&w, 1.0f / (float)scored(&w));
        CHECKF(memcmp(again, w.grad, w.p.total * sizeof(float)) == 0, "%s: other bits by one thread",
               w.k.name);
        free(first);
        free(again);
        end(&w);
    }
}

/* Slopes of activations against differences of the activations themselves. */
static void test_slopes(void)
{
    llmc__grad_opts o = options(0);
    const llmc__kernels *sets[2];
    int set, act, i;
    sets[0] = o.kernels;
    sets[1] = &llmc__scalar_kernels;
    for (set = 0; set < 2; set++)
        for (act = 0; act < 5; act++) {
            float x[201], up[201], down[201], d[201];
            for (i = 0; i < 201; i++) {
                x[i] = (float)(i - 100) * 0.07f + 0.013f;
                up[i] = x[i] + 4e-3f;
                down[i] = x[i] - 4e-3f;
                d[i] = 3;
            }
            llmc__scalar_kernels.act[act](up, 201);
            llmc__scalar_kernels.act[act](down, 201);
            sets[set]->train->back[act](d, x, 201);
            for (i = 0; i < 201; i++)
                CHECKF(fabs(d[i] - 3 * (up[i] - down[i]) / 8e-3) < 3e-3, "%s, activation %d at %g: %g, %g",
                       sets[set]->name, act, x[i], d[i], 3 * (up[i] - down[i]) / 8e-3);
        }
}

/* Dropout: as many zeros as asked for, the mean kept, other places and seeds other masks, and gradients that are
   those of the loss with the same mask: run again or not, the same bits; on evaluation none. */
static void test_dropout(void)
{
    enum { MANY = 200000 };
    float *x = (float *)malloc(MANY * sizeof(float)), *y = (float *)malloc(MANY * sizeof(float));
    double mean = 0, square = 0;
    work w;
    llmc__grad_opts o = options(0);
    float *first;
    double loss, again, plain;
    uint64_t n;
    int i, zeros = 0, same = 0, turn;
    for (i = 0; i < MANY; i++)
        x[i] = y[i] = 1;
    llmc__drop(x, MANY, 12345, 0, 0.3f);
    llmc__drop(y, MANY, 54321, 0, 0.3f);
    for (i = 0; i < MANY; i++) {
        zeros += x[i] == 0;
        same += (x[i] == 0) == (y[i] == 0);
        mean += x[i];
        square += (double)x[i] * x[i];
    }
    mean /= MANY;
    square /= MANY;
    /* bounds of five standard deviations: 0.3 0.7 / MANY; the variance of what is kept is p / (1 - p) */
    CHECKF(fabs(zeros / (double)MANY - 0.3) < 5 * sqrt(0.21 / MANY), "zeros %d", zeros);
    CHECKF(fabs(mean - 1) < 5 * sqrt(0.3 / 0.7 / MANY), "mean %g", mean);
    CHECKF(fabs(square - mean * mean - 0.3 / 0.7) < 0.01, "variance %g", square - mean * mean);
    CHECKF(fabs(same / (double)MANY - 0.58) < 0.01, "two keys agree in %d", same);
    llmc__drop(y, MANY, 12345, 0, 0); /* nothing: p = 0 keeps all */
    begin(&w, 1);
    o.dropout = 0.25f;
    first = (float *)malloc(w.p.total * sizeof(float));
    plain = objective(&w);
    for (turn = 0; turn < 2; turn++) {
        o.recompute = turn == 1;
        free(w.pass);
        passes(&w, &o);
        loss = pass_of(&w, 1);
        if (turn == 0)
            memcpy(first, w.grad, w.p.total * sizeof(float));
        CHECK(memcmp(first, w.grad, w.p.total * sizeof(float)) == 0);
        again = pass_of(&w, 1);
        CHECK(loss == again && fabs(loss - plain) > 1e-4);
        CHECK(fabs(objective(&w) - plain) < 1e-7);
    }
    CHECK(llmc__grad_pass(&w.g, w.ids, w.targets, NULL, 2, 1, &again, &n) == LLMC_OK &&
          again / (double)n != loss);
    /* along the gradient, with the mask of seed 1 */
    {
        double norm = 0, up, down, h = 2e-3;
        float *keep = (float *)malloc(w.p.total * sizeof(float));
        uint64_t j;
        loss = pass_of(&w, 1.0f / (float)scored(&w));
        memcpy(first, w.grad, w.p.total * sizeof(float));
        memcpy(keep, w.weight, w.p.total * sizeof(float));
        for (j = 0; j < w.p.total; j++)
            norm += (double)first[j] * first[j];
        norm = sqrt(norm);
        for (j = 0; j < w.p.total; j++)
            w.weight[j] = (float)(keep[j] + h * first[j] / norm);
        up = pass_of(&w, 1);
        for (j = 0; j < w.p.total; j++)
            w.weight[j] = (float)(keep[j] - h * first[j] / norm);
        down = pass_of(&w, 1);
        CHECKF(fabs((up - down) / (2 * h) - norm) < 1e-2 * norm, "slope %g, gradient %g",
               (up - down) / (2 * h), norm);
        free(keep);
    }
    free(first);
    end(&w);
    free(x);
    free(y);
}

/* Two documents in a row are as two rows: same losses, gradients and all. */
static void test_documents(void)
{
    static const int which[] = {0, 1, 6, 28};
    size_t c;
    for (c = 0; c < 4; c++) {
        work w;
        uint32_t ids[ROWS * TOKENS], targets[ROWS * TOKENS], starts[ROWS * TOKENS];
        double whole, parts = 0, one;
        uint64_t n;
        int t, part;
        float *first;
        begin(&w, which[c]);
        first = (float *)malloc(w.p.total * sizeof(float));
        for (t = 0; t < ROWS * TOKENS; t++)
            starts[t] = t % TOKENS >= 5 ? 5 : 0;
        memset(w.grad, 0, w.p.total * sizeof(float));
        CHECK(llmc__grad_pass(&w.g, w.ids, w.targets, starts, 1, 1, &whole, &n) == LLMC_OK);
        memcpy(first, w.grad, w.p.total * sizeof(float));
        memset(w.grad, 0, w.p.total * sizeof(float));
        for (part = 0; part < 2; part++) { /* each half alone, at the begin of its row, the rest not scored */
            for (t = 0; t < ROWS * TOKENS; t++) {
                int at = t % TOKENS + 5 * part, row = t / TOKENS * TOKENS;
                bool in = part == 0 ? at < 5 : at < TOKENS;
                ids[t] = in ? w.ids[row + at] : 0;
                targets[t] = in ? w.targets[row + at] : UINT32_MAX;
            }
            CHECK(llmc__grad_pass(&w.g, ids, targets, NULL, 1, 1, &one, &n) == LLMC_OK);
            parts += one;
        }
        CHECKF(fabs(whole - parts) < 1e-4, "%s: %g, %g", w.k.name, whole, parts);
        for (n = 0; n < w.p.total; n++)
            CHECKF(fabs((double)(first[n] - w.grad[n])) < 1e-4 * (1 + fabs((double)first[n])), "%s: %g, %g",
                   w.k.name, first[n], w.grad[n]);
        free(first);
        end(&w);
    }
}

/* LoRA on a model that is stored in a file: with B zero nothing changes; gradients against differences; merged
   into the weights the same losses; refusals. */
static void adapters_on(const char *path, uint64_t targets, bool tight)
{
    llmc_host host;
    llmc_open_options oo;
    llmc_diag d;
    work w;
    llmc__params low;
    llmc__arena a;
    llmc__grad_opts o;
    const llmc_config *c;
    float *flat, *keep;
    double before, whole, merged;
    uint64_t n, need, j;
    uint32_t i, r;
    int t;
    void *mem;
    memset(&oo, 0, sizeof oo);
    memset(&w, 0, sizeof w);
    oo.no_engine = true;
    if (!CHECKF(llmc_open(&host, path, &oo, &d) == LLMC_OK, "%s", d.message))
        return;
    c = llmc_model_config(host.model);
    memset(&a, 0, sizeof a);
    CHECK(llmc__params_carve(&w.p, c, llmc__params_roles(host.model), &a, &d) == LLMC_OK);
    w.mem = malloc((size_t)llmc__arena_need(&a));
    a = llmc__arena_over(w.mem, (size_t)llmc__arena_need(&a));
    CHECK(llmc__params_carve(&w.p, c, llmc__params_roles(host.model), &a, &d) == LLMC_OK);
    memset(&a, 0, sizeof a);
    CHECK(llmc__adapters_carve(&low, &w.p, targets, 0, &a, &d) == LLMC_BAD_ARG &&
          strstr(d.message, "rank") != NULL);
    CHECK(llmc__adapters_carve(&low, &w.p, LLMC__BIT(EMBED), 4, &a, &d) == LLMC_BAD_ARG &&
          strstr(d.message, "targets") != NULL);
    memset(&a, 0, sizeof a);
    CHECK(llmc__adapters_carve(&low, &w.p, targets, 3, &a, &d) == LLMC_OK);
    need = llmc__arena_need(&a);
    mem = malloc((size_t)need);
    a = llmc__arena_over(mem, (size_t)need);
    CHECK(llmc__adapters_carve(&low, &w.p, targets, 3, &a, &d) == LLMC_OK && low.total > 0);
    w.k.name = path;
    w.k.c = *c;
    w.weight = (float *)calloc(low.total, sizeof(float));
    w.grad = (float *)calloc(low.total, sizeof(float));
    for (t = 0; t < ROWS * TOKENS; t++) {
        w.ids[t] = (uint32_t)(llmc__mix((uint64_t)t + 3) % c->vocab_size);
        w.targets[t] = (uint32_t)(llmc__mix((uint64_t)t + 99) % c->vocab_size);
    }
    o = options(0);
    o.adapters = &low;
    o.adapter_scale = 2;
    w.pass = NULL;
    memset(&a, 0, sizeof a);
    CHECK(llmc__grad_carve(&w.g, &w.p, &o, NULL, &a, &d) == LLMC_BAD_ARG &&
          strstr(d.message, "adapters") != NULL);
    o.adapter_scale = 0;
    CHECK(llmc__grad_carve(&w.g, &w.p, &o, host.model, &a, &d) == LLMC_BAD_ARG &&
          strstr(d.message, "adapter_scale") != NULL);
    o.adapter_scale = 2;
    CHECKF(llmc__grad_carve(&w.g, &w.p, &o, host.model, &a, &d) == LLMC_OK, "%s", d.message);
    w.pass = malloc((size_t)llmc__arena_need(&a));
    a = llmc__arena_over(w.pass, (size_t)llmc__arena_need(&a));
    CHECK(llmc__grad_carve(&w.g, &w.p, &o, host.model, &a, &d) == LLMC_OK && !a.failed);
    llmc__grad_init(&w.g);
    w.g.weight = w.weight;
    w.g.grad = w.grad;
    for (i = 0; i < low.count; i++) /* A only */
        for (j = 0; j < low.list[i].n && low.list[i].adapter == LLMC__ADAPTER_A; j++)
            w.weight[low.list[i].offset + j] = number(3, i, j) * 0.3f;
    CHECK(llmc__grad_loss(&w.g, w.ids, w.targets, NULL, &before, &n) == LLMC_OK);
    /* the model without them: all weights as floats */
    flat = (float *)malloc(w.p.total * sizeof(float));
    CHECK(llmc__params_load(&w.p, host.model, flat, &d) == LLMC_OK);
    {
        work f = w;
        llmc__grad_opts plain = options(0);
        f.weight = flat;
        passes(&f, &plain);
        CHECK(llmc__grad_loss(&f.g, w.ids, w.targets, NULL, &whole, &n) == LLMC_OK);
        CHECKF(fabs(whole - before) < 1e-5 * fabs(whole), "%s: %g, with idle adapters %g", path, whole,
               before);
        for (i = 0; i < low.count; i++)
            for (j = 0; j < low.list[i].n && low.list[i].adapter == LLMC__ADAPTER_B; j++)
                w.weight[low.list[i].offset + j] = number(4, i, j) * 0.2f;
        llmc__adapters_merge(&w.p, flat, &low, w.weight, 2);
        CHECK(llmc__grad_loss(&f.g, w.ids, w.targets, NULL, &merged, &n) == LLMC_OK);
        CHECK(llmc__grad_loss(&w.g, w.ids, w.targets, NULL, &whole, &n) == LLMC_OK);
        CHECKF(fabs(whole - merged) < 1e-5 * fabs(whole) && fabs(whole - before) > 1e-3,
               "%s: adapters %g, merged %g, without %g", path, whole, merged, before);
        free(f.pass);
    }
    CHECK(llmc__grad_pass(&w.g, w.ids, w.targets, NULL, 1, 1.0f / (ROWS * TOKENS), &whole, &n) == LLMC_OK);
    keep = (float *)malloc(low.total * sizeof(float));
    memcpy(keep, w.weight, low.total * sizeof(float));
    for (i = 0; i < low.count; i++) {
        const llmc__param *p = &low.list[i];
        double norm = 0, up, down, h = 4e-3;
        for (j = 0; j < p->n; j++)
            norm += (double)w.grad[p->offset + j] * w.grad[p->offset + j];
        norm = sqrt(norm);
        if (norm < 2e-3)
            continue;
        for (r = 0; r < 2; r++) {
            for (j = 0; j < p->n; j++)
                w.weight[p->offset + j] =
                    (float)(keep[p->offset + j] + (r == 0 ? h : -h) * w.grad[p->offset + j] / norm);
            CHECK(llmc__grad_loss(&w.g, w.ids, w.targets, NULL, r == 0 ? &up : &down, &n) == LLMC_OK);
        }
        memcpy(w.weight + p->offset, keep + p->offset, p->n * sizeof(float));
        up = (up - down) / (2 * h) / (ROWS * TOKENS);
        CHECKF(fabs(up - norm) < (tight ? 1e-2 : 2e-2) * norm,
               "%s: %s, %s of layer %d: slope %g, gradient %g", path, llmc__role_table[p->role].name,
               p->adapter == LLMC__ADAPTER_A ? "A" : "B", (int)p->layer, up, norm);
    }
    free(keep);
    free(flat);
    free(mem);
    end(&w);
    llmc_close(&host);
}

static void test_adapters(void)
{
    adapters_on("tests/models/tiny-llama.gguf", LLMC__BIT(Q) | LLMC__BIT(V), true); /* Q8_0 */
    adapters_on("tests/models/tiny-llama.gguf", LLMC__ROLES_ADAPTED, true);
    adapters_on("tests/models/tiny-gpt2.gguf", LLMC__ROLES_ADAPTED, true); /* F16, fused q, k, v */
}

/* A loaded model's weights as floats, and a model over those, give the losses of an engine on the file. */
static void test_loaded(void)
{
    static const char *const paths[] = {"tests/models/tiny-gpt2.gguf"};
    llmc_host host;
    llmc_diag d;
    llmc__params p;
    llmc__arena a;
    llmc_model *m = NULL;
    void *mem, *room;
    float *flat;
    uint8_t *stored;
    uint64_t need;
    uint32_t i;
    CHECKF(llmc_open(&host, paths[0], NULL, &d) == LLMC_OK, "%s", d.message);
    memset(&a, 0, sizeof a);
    CHECK(llmc__params_carve(&p, llmc_model_config(host.model), llmc__params_roles(host.model), &a, &d) ==
          LLMC_OK);
    need = llmc__arena_need(&a);
    mem = malloc((size_t)need);
    a = llmc__arena_over(mem, (size_t)need);
    CHECK(llmc__params_carve(&p, llmc_model_config(host.model), llmc__params_roles(host.model), &a, &d) ==
          LLMC_OK);
    flat = (float *)malloc(p.total * sizeof(float));
    CHECK(llmc__params_load(&p, host.model, flat, &d) == LLMC_OK);
    memset(&a, 0, sizeof a);
    stored = as_stored(flat, (size_t)p.total);
    llmc__params_model(&m, &p, host.model, stored, &a);
    need = llmc__arena_need(&a);
    room = malloc((size_t)need);
    a = llmc__arena_over(room, (size_t)need);
    llmc__params_model(&m, &p, host.model, stored, &a);
    CHECK(m != NULL && m->n_tensors == host.model->n_tensors);
    for (i = 0; m != NULL && i < host.model->n_tensors; i++) { /* the same names, shapes and numbers */
        const llmc_tensor *t = llmc_model_tensor(host.model, i), *u = NULL;
        uint32_t j;
        for (j = 0; j < m->n_tensors; j++)
            if (strcmp(m->tensors[j].name, t->name) == 0)
                u = &m->tensors[j];
        if (!CHECKF(u != NULL && u->n_dims == t->n_dims && u->dim[0] == t->dim[0] && u->dim[1] == t->dim[1],
                    "%s", t->name))
            continue;
        float *x = (float *)malloc(t->dim[0] * sizeof(float)),
              *y = (float *)malloc(t->dim[0] * sizeof(float));
        CHECK(llmc_tensor_row(t, t->dim[1] - 1, x) == LLMC_OK &&
              llmc_tensor_row(u, u->dim[1] - 1, y) == LLMC_OK);
        CHECKF(memcmp(x, y, t->dim[0] * sizeof(float)) == 0, "%s", t->name);
        free(x);
        free(y);
    }
    free(mem);
    free(room);
    free(flat);
    free(stored);
    llmc_close(&host);
}

/* What cannot be is refused, by name; bad ids and targets too. */
static void test_refused(void)
{
    work w;
    llmc__params p;
    llmc__arena a;
    llmc_diag d;
    llmc_config c = small();
    llmc__grad_opts o = options(0), bad;
    llmc__grad g;
    double loss;
    uint64_t n;
    uint32_t starts[ROWS * TOKENS];
    memset(&a, 0, sizeof a);
    c.bidirectional = true;
    CHECK(llmc__params_carve(&p, &c, 0, &a, &d) == LLMC_UNSUPPORTED &&
          strstr(d.message, "bidirectional") != NULL);
    c = small();
    c.no_head = true;
    CHECK(llmc__params_carve(&p, &c, 0, &a, &d) == LLMC_UNSUPPORTED && strstr(d.message, "no_head") != NULL);
    c = small();
    c.n_token_types = 2;
    CHECK(llmc__params_carve(&p, &c, 0, &a, &d) == LLMC_UNSUPPORTED &&
          strstr(d.message, "token types") != NULL);
    c = small();
    c.n_kv_head = 3;
    CHECK(llmc__params_carve(&p, &c, 0, &a, &d) == LLMC_BAD_FILE);
    begin(&w, 0);
#define REFUSED(member, value, word)                                         \
    bad = o;                                                                 \
    bad.member = value;                                                      \
    CHECKF(llmc__grad_carve(&g, &w.p, &bad, NULL, &a, &d) == LLMC_BAD_ARG && \
               strstr(d.message, word) != NULL,                              \
           "%s: %s", #member, d.message)
    REFUSED(rows, 0, "rows");
    REFUSED(tokens, 0, "rows");
    REFUSED(tokens, 65, "context_length");
    REFUSED(rows, UINT32_MAX, "rows");
    REFUSED(dropout, 1, "dropout");
    REFUSED(dropout, NAN, "dropout");
    REFUSED(balance, -1, "balance");
    REFUSED(kernels, NULL, "kernels");
#undef REFUSED
    w.ids[3] = VOCAB;
    CHECK(llmc__grad_loss(&w.g, w.ids, w.targets, NULL, &loss, &n) == LLMC_BAD_ARG);
    w.ids[3] = 0;
    w.targets[2] = VOCAB;
    CHECK(llmc__grad_pass(&w.g, w.ids, w.targets, NULL, 0, 1, &loss, &n) == LLMC_BAD_ARG);
    w.targets[2] = 0;
    memset(starts, 0, sizeof starts);
    starts[4] = 5;
    CHECK(llmc__grad_loss(&w.g, w.ids, w.targets, starts, &loss, &n) == LLMC_BAD_ARG);
    starts[4] = 3; /* a document that begins where none did */
    CHECK(llmc__grad_loss(&w.g, w.ids, w.targets, starts, &loss, &n) == LLMC_BAD_ARG);
    end(&w);
}

int main(void)
{
    llmc_diag d;
    seed = test_seed(7);
    if (llmc_pool_open(&pool, 2, &d) != LLMC_OK)
        return 1;
    if (getenv("GRAD_DUMP") != NULL) {
        dump(getenv("GRAD_DUMP"));
        return 0;
    }
    RUN(test_product);
    RUN(test_narrow);
    RUN(test_bf16);
    RUN(test_slopes);
    RUN(test_loss);
    RUN(test_reference);
    RUN(test_differences);
    RUN(test_same);
    RUN(test_dropout);
    RUN(test_documents);
    RUN(test_refused);
    RUN(test_adapters);
    RUN(test_loaded);
    llmc_pool_close(pool);
    return test_end("grad");
}
