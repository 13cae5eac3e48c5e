/* test_train.c -- trainer, loader, checkpoints, shards: against counts by hand, against each other after
   restarts, and with damage. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"

#include "test.h"

static llmc_diag diag;

#define OK(call)                                                               \
    do {                                                                       \
        llmc_status s_ = (call);                                               \
        if (!CHECKF(s_ == LLMC_OK, "%s: %d %s", #call, (int)s_, diag.message)) \
            exit(1);                                                           \
    } while (0)

/* A growing output. */
typedef struct sink {
    unsigned char *data;
    size_t n, cap, most; /* most: refuse beyond so many bytes; 0: none */
} sink;

static bool take(void *user, const void *data, size_t n)
{
    sink *s = (sink *)user;
    if (s->most > 0 && s->n + n > s->most)
        return false;
    if (s->n + n > s->cap) {
        s->cap = 2 * (s->n + n);
        s->data = (unsigned char *)realloc(s->data, s->cap);
    }
    if (n > 0)
        memcpy(s->data + s->n, data, n);
    s->n += n;
    return true;
}

static llmc_writer writer(sink *s)
{
    llmc_writer w;
    w.write = take;
    w.user = s;
    return w;
}

/* ---- trainers ---- */

static llmc_config config_of(const char *json, uint32_t vocab)
{
    llmc_config c;
    llmc_blob file;
    file.data = json;
    file.size = strlen(json);
    file.name = "config.json";
    OK(llmc_config_read(&file, vocab, &c, &diag));
    return c;
}

static const char llama[] = "{\"model_type\":\"llama\",\"hidden_size\":32,\"num_hidden_layers\":2,"
                            "\"num_attention_heads\":4,\"num_key_value_heads\":2,\"intermediate_size\":48,"
                            "\"max_position_embeddings\":64,\"rms_norm_eps\":1e-5}";
static const char gpt2[] =
    "{\"model_type\":\"gpt2\",\"n_embd\":16,\"n_layer\":2,\"n_head\":2,\"n_positions\":32}";

static llmc_trainer_options options(llmc_optim_options *optim, llmc_optimizer kind)
{
    llmc_trainer_options o;
    memset(&o, 0, sizeof o);
    memset(optim, 0, sizeof *optim);
    optim->kind = kind;
    optim->schedule.rate = 1e-2f;
    optim->schedule.warmup_steps = 2;
    optim->schedule.steps = 40;
    optim->grad_clip = 1;
    optim->momentum = kind == LLMC_SGD ? 0.9f : 0;
    optim->weight_decay = 0.05f;
    o.rows = 2;
    o.tokens = 16;
    o.seed = 5;
    o.optim = optim;
    return o;
}

static llmc_trainer *trainer(const llmc_config *c, const llmc_model *from, const llmc_trainer_options *o,
                             void **mem)
{
    llmc_trainer *t;
    size_t bytes;
    OK(llmc_trainer_need(c, from, o, &bytes, &diag));
    *mem = malloc(bytes);
    OK(llmc_trainer_init(&t, c, from, o, *mem, bytes, &diag));
    return t;
}

/* A small text's tokens: periodic, so that there is something to learn. */
static void batch(uint32_t *ids, uint32_t *targets, size_t n, uint32_t vocab, uint64_t *seed)
{
    size_t i;
    uint32_t at = test_random(seed, vocab);
    for (i = 0; i < n; i++) {
        ids[i] = at;
        at = (at * 3 + 1) % vocab;
        targets[i] = at;
    }
}

static double steps(llmc_trainer *t, size_t n, uint64_t *seed, uint32_t passes)
{
    uint32_t ids[64], targets[64];
    llmc_train_report r;
    uint32_t p;
    r.loss = 0;
    for (; n > 0; n--) {
        for (p = 0; p < passes; p++) {
            batch(ids, targets, 32, 29, seed);
            OK(llmc_trainer_pass(t, ids, targets, NULL, &diag));
        }
        OK(llmc_trainer_update(t, &r, &diag));
        CHECK(r.scored == 32 * passes && r.grad_norm > 0 && r.learning_rate > 0);
    }
    return r.loss;
}

static void learns(void)
{
    unsigned kind;
    for (kind = 0; kind < 3; kind++) {
        llmc_optim_options optim;
        llmc_trainer_options o = options(&optim, (llmc_optimizer)kind);
        llmc_config c = config_of(llama, 29);
        uint64_t seed = test_seed(3);
        uint32_t ids[64], targets[64];
        llmc_trainer *t;
        void *mem;
        double first, last, loss;
        uint64_t scored;
        if (kind == LLMC_SGD)
            optim.schedule.rate = 0.3f;
        t = trainer(&c, NULL, &o, &mem);
        first = steps(t, 1, &seed, 1);
        last = steps(t, 80, &seed, 1);
        CHECKF(first > 3.2 && first < 3.6, "a fresh model says %g, ln 29 is 3.37", first);
        CHECKF(last < first - 0.5, "%u: %g after %g", kind, last, first);
        batch(ids, targets, 32, 29, &seed);
        targets[3] = LLMC_NOT_SCORED;
        OK(llmc_trainer_eval(t, ids, targets, NULL, &loss, &scored, &diag));
        CHECK(scored == 31 && loss > 0 && loss / 31 < first);
        CHECK(llmc_trainer_steps(t) == 81);
        free(mem);
    }
}

/* Norms of each tensor against sums by hand; all gradients together are what the update reports. */
static void norms(void)
{
    llmc_optim_options optim;
    llmc_trainer_options o = options(&optim, LLMC_ADAMW);
    llmc_config c = config_of(llama, 29);
    uint64_t seed = 4, all = 0;
    uint32_t ids[64], targets[64], i;
    llmc_train_tensor one;
    llmc_train_report report;
    llmc_trainer *t;
    double whole = 0;
    void *mem;
    t = trainer(&c, NULL, &o, &mem);
    steps(t, 2, &seed, 1);
    for (i = 0; i < 2; i++) { /* sums over two passes are means of all their tokens */
        batch(ids, targets, 32, 29, &seed);
        OK(llmc_trainer_pass(t, ids, targets, NULL, &diag));
    }
    for (i = 0; llmc_trainer_tensor(t, i, &one); i++) {
        double w = 0, g = 0;
        uint64_t k;
        for (k = t->params.list[i].offset; k < t->params.list[i].offset + one.n; k++) {
            w += (double)t->w[k] * (double)t->w[k];
            g += (double)t->g[k] * (double)t->g[k] / (64.0 * 64.0);
        }
        whole += g;
        all += one.n;
        w -= one.weight_norm * one.weight_norm;
        g -= one.grad_norm * one.grad_norm;
        CHECKF(w < 1e-4 && w > -1e-4 && g < 1e-6 && g > -1e-6, "%s: %g and %g apart", one.name, w, g);
    }
    CHECK(i > 15 && all == llmc_trainer_weights(t) && !llmc_trainer_tensor(t, UINT32_MAX, &one));
    OK(llmc_trainer_update(t, &report, &diag));
    whole -= report.grad_norm * report.grad_norm;
    CHECKF(whole < 1e-6 && whole > -1e-6, "all of them: %g apart", whole);
    free(mem);
}

/* Several passes are one large one. */
static void accumulates(void)
{
    llmc_optim_options optim;
    llmc_trainer_options o = options(&optim, LLMC_ADAMW);
    llmc_config c = config_of(gpt2, 29);
    llmc_trainer *a, *b;
    void *ma, *mb;
    uint64_t seed = test_seed(4), i;
    uint32_t ids[64], targets[64], k;
    llmc_train_report ra, rb;
    float worst = 0;
    a = trainer(&c, NULL, &o, &ma);
    o.rows = 4;
    b = trainer(&c, NULL, &o, &mb);
    CHECK(memcmp(a->w, b->w, (size_t)a->params.total * sizeof(float)) == 0);
    for (k = 0; k < 5; k++) {
        batch(ids, targets, 32, 29, &seed);
        batch(ids + 32, targets + 32, 32, 29, &seed);
        targets[40 + k] = LLMC_NOT_SCORED;
        OK(llmc_trainer_pass(a, ids, targets, NULL, &diag));
        OK(llmc_trainer_pass(a, ids + 32, targets + 32, NULL, &diag));
        OK(llmc_trainer_pass(b, ids, targets, NULL, &diag));
        OK(llmc_trainer_update(a, &ra, &diag));
        OK(llmc_trainer_update(b, &rb, &diag));
        CHECK(ra.scored == 63 && rb.scored == 63);
        CHECK(ra.loss - rb.loss < 1e-5 && rb.loss - ra.loss < 1e-5);
    }
    for (i = 0; i < a->params.total; i++) {
        float d = a->w[i] - b->w[i];
        worst = d > worst ? d : -d > worst ? -d : worst;
    }
    CHECKF(worst < 1e-4f, "%g apart", (double)worst);
    free(ma);
    free(mb);
}

/* Two processes in one: the sums come from the other trainer, whose arrays have the same layout. */
static llmc_trainer *pair[2];

static bool sum_pair(void *user, float *x, size_t n)
{
    static float few[4];
    const llmc_trainer *other = pair[1 - *(int *)user], *own = pair[*(int *)user];
    const float *from = few;
    size_t i;
    if (n == 4) {
        few[0] = (float)other->loss;
        few[1] = 0;
        few[2] = (float)(other->scored >> 12);
        few[3] = (float)(other->scored & 4095);
    } else {
        from = other->g + (x - own->g);
    }
    for (i = 0; i < n; i++)
        x[i] += from[i];
    return true;
}

static bool sum_fails(void *user, float *x, size_t n)
{
    (void)user;
    (void)x;
    (void)n;
    return false;
}

static void ranks(void)
{
    llmc_optim_options optim;
    llmc_trainer_options o = options(&optim, LLMC_ADAMW);
    llmc_config c = config_of(gpt2, 29);
    void *m[3];
    int rank[2] = {0, 1};
    uint64_t seed = test_seed(5);
    uint32_t ids[64], targets[64];
    llmc_train_report r[2];
    llmc_trainer *whole;
    o.allreduce.sum = sum_pair;
    o.allreduce.size = 2;
    o.allreduce.user = &rank[0];
    pair[0] = trainer(&c, NULL, &o, &m[0]);
    o.allreduce.user = &rank[1];
    o.allreduce.rank = 1;
    pair[1] = trainer(&c, NULL, &o, &m[1]);
    memset(&o.allreduce, 0, sizeof o.allreduce);
    o.rows = 4;
    whole = trainer(&c, NULL, &o, &m[2]);
    batch(ids, targets, 64, 29, &seed);
    targets[5] = LLMC_NOT_SCORED;
    OK(llmc_trainer_pass(pair[0], ids, targets, NULL, &diag));
    OK(llmc_trainer_pass(pair[1], ids + 32, targets + 32, NULL, &diag));
    OK(llmc_trainer_pass(whole, ids, targets, NULL, &diag));
    OK(llmc_trainer_update(pair[0], &r[0], &diag));
    OK(llmc_trainer_update(whole, &r[1], &diag));
    CHECK(r[0].scored == 63 && r[1].scored == 63);
    CHECKF(r[0].loss - r[1].loss < 1e-6 && r[1].loss - r[0].loss < 1e-6, "%.9g, %.9g", r[0].loss, r[1].loss);
    CHECK(r[0].grad_norm / r[1].grad_norm > 0.9999 && r[0].grad_norm / r[1].grad_norm < 1.0001);
    pair[1]->opt.allreduce.sum = sum_fails;
    CHECK(llmc_trainer_update(pair[1], &r[0], &diag) == LLMC_IO);
    free(m[0]);
    free(m[1]);
    free(m[2]);
}

static void fresh(void)
{
    llmc_config c = config_of("{\"model_type\":\"llama\",\"hidden_size\":256,\"num_hidden_layers\":2,"
                              "\"num_attention_heads\":4,\"intermediate_size\":512,\"rms_norm_eps\":1e-5}",
                              300);
    unsigned init;
    for (init = 0; init < 3; init++) {
        llmc_optim_options optim;
        llmc_trainer_options o = options(&optim, LLMC_SGD);
        llmc_trainer *t;
        void *mem;
        uint32_t i;
        o.init = (llmc_init)init;
        o.init_gain = init == LLMC_INIT_KAIMING ? 0.5f : 0;
        t = trainer(&c, NULL, &o, &mem);
        for (i = 0; i < t->params.count; i++) {
            const llmc__param *p = &t->params.list[i];
            const float *w = t->w + p->offset;
            double mean = 0, square = 0, want;
            uint64_t k;
            for (k = 0; k < p->n; k++) {
                mean += (double)w[k] / (double)p->n;
                square += (double)w[k] * (double)w[k] / (double)p->n;
            }
            if (!p->matrix && !p->embedding) {
                CHECK(mean == 1 && square == 1); /* all are norms here */
                continue;
            }
            want = 0.02 * 0.02;
            if (!p->embedding && init == 1)
                want = 0.25 / p->cols;
            if (!p->embedding && init == 2)
                want = 2.0 / p->cols;
            if (init == 0 && (p->role == LLMC__W_O || p->role == LLMC__W_DOWN))
                want /= 4;
            CHECKF(square / want > 0.97 && square / want < 1.03, "%s: %g, not %g",
                   llmc__role_table[p->role].name, square, want);
            CHECK(mean * mean < want * 25 / (double)p->n); /* five deviations */
        }
        free(mem);
    }
}

/* The mean loss of the second half of rows that are said twice, of a model that was never trained. */
static double loss_of_echo(const char *json, llmc_init init, double *first)
{
    llmc_config c = config_of(json, 300);
    llmc_optim_options optim;
    llmc_trainer_options o = options(&optim, LLMC_SGD);
    static uint32_t ids[2 * 128], targets[2 * 128];
    uint64_t seed = 5, sum;
    double loss[2];
    unsigned half, i;
    void *mem;
    llmc_trainer *t;
    o.rows = 2;
    o.tokens = 128;
    o.init = init;
    t = trainer(&c, NULL, &o, &mem);
    for (i = 0; i < 256; i++)
        ids[i] = i % 128 < 64 ? (uint32_t)(llmc__mix64_of(seed, i, 0) % 300) : ids[i - 64];
    for (half = 0; half < 2; half++) {
        for (i = 0; i < 256; i++)
            targets[i] = i % 128 / 64 == half && i % 64 < 63 ? ids[i + 1] : LLMC_NOT_SCORED;
        OK(llmc__grad_loss(&t->grad, ids, targets, NULL, &loss[half], &sum));
        loss[half] /= (double)sum;
    }
    free(mem);
    *first = loss[0];
    return loss[1];
}

/* An induction head predicts what followed the last time: nothing in the first half of an echo, much of the second,
   whatever the layout of heads and of RoPE's pairs; without them both halves are alike. */
static void induction(void)
{
    static const char *const shapes[] = {
        "{\"model_type\":\"qwen2\",\"hidden_size\":256,\"num_hidden_layers\":2,\"num_attention_heads\":4,"
        "\"num_key_value_heads\":4,\"intermediate_size\":512,\"tie_word_embeddings\":true}",
        "{\"model_type\":\"qwen2\",\"hidden_size\":128,\"num_hidden_layers\":3,\"num_attention_heads\":4,"
        "\"num_key_value_heads\":2,\"intermediate_size\":256,\"tie_word_embeddings\":true}",
        "{\"model_type\":\"qwen2\",\"hidden_size\":128,\"num_hidden_layers\":2,\"num_attention_heads\":2,"
        "\"num_key_value_heads\":1,\"intermediate_size\":256,\"tie_word_embeddings\":true}"};
    static const char *const lacking[] = {
        "{\"model_type\":\"llama\",\"hidden_size\":256,\"num_hidden_layers\":2,\"num_attention_heads\":4,"
        "\"num_key_value_heads\":2,\"intermediate_size\":512}", /* no biases */
        "{\"model_type\":\"qwen2\",\"hidden_size\":256,\"num_hidden_layers\":1,\"num_attention_heads\":4,"
        "\"num_key_value_heads\":2,\"intermediate_size\":512}", /* one layer */
        "{\"model_type\":\"qwen2\",\"hidden_size\":32,\"num_hidden_layers\":2,\"num_attention_heads\":2,"
        "\"num_key_value_heads\":2,\"intermediate_size\":64}"}; /* too narrow */
    unsigned i;
    for (i = test_every(3) - 1; i < 3; i++) { /* the last is the smallest */
        double first, second, plain_first, plain;
        second = loss_of_echo(shapes[i], LLMC_INIT_INDUCTION, &first);
        plain = loss_of_echo(shapes[i], LLMC_INIT_NORMAL, &plain_first);
        printf("        shape %u: echo %.3f after %.3f, without %.3f after %.3f\n", i, second, first, plain,
               plain_first);
        CHECK(second < first - 0.4 && plain > plain_first - 0.1);
    }
    for (i = 0; i < 3; i++) {
        llmc_optim_options optim;
        llmc_trainer_options o = options(&optim, LLMC_SGD);
        llmc_config c = config_of(lacking[i], 300);
        size_t bytes;
        o.init = LLMC_INIT_INDUCTION;
        CHECK(llmc_trainer_need(&c, NULL, &o, &bytes, &diag) == LLMC_BAD_ARG &&
              strstr(diag.message, "induction"));
    }
}

/* Families say which biases there are. */
static void roles(void)
{
    llmc_config c = config_of(gpt2, 29);
    CHECK((llmc__fresh_roles(&c, LLMC_BIASES_DEFAULT) & LLMC__BIT(DOWN_B)) != 0);
    CHECK((llmc__fresh_roles(&c, LLMC_BIASES_NONE) & (LLMC__ROLES_BIAS | LLMC__ROLES_NORM_BIAS)) == 0);
    c = config_of(llama, 29);
    CHECK((llmc__fresh_roles(&c, LLMC_BIASES_DEFAULT) & LLMC__ROLES_BIAS) == 0);
    CHECK((llmc__fresh_roles(&c, LLMC_BIASES_ALL) & LLMC__BIT(O_B)) != 0);
    c = config_of("{\"model_type\":\"rustgpt\",\"n_embd\":16,\"n_layer\":2,\"n_ff\":0,\"hidden_dim\":32,"
                  "\"max_seq_len\":32}",
                  29);
    CHECK((llmc__fresh_roles(&c, LLMC_BIASES_DEFAULT) & LLMC__BIT(O)) == 0 && c.n_head == 1);
}

static void refusals(void)
{
    llmc_optim_options optim;
    llmc_trainer_options o;
    llmc_config c = config_of(gpt2, 29);
    llmc_trainer *t;
    uint32_t ids[32], targets[32], starts[32];
    uint64_t seed = 1;
    size_t bytes, k;
    void *mem;
    unsigned i;
    for (i = 0; i < 9; i++) {
        o = options(&optim, LLMC_ADAMW);
        o.rows = i == 0 ? 70000 : 2;
        o.tokens = i == 1 ? 33 : 16; /* 32 learned positions */
        o.init = (llmc_init)(i == 2 ? 4 : 0);
        o.biases = (llmc_biases)(i == 3 ? 3 : 0);
        o.dropout = i == 4 ? 1 : 0;
        o.balance = i == 5 ? -1.0f : 0;
        o.allreduce.sum = i == 6 ? sum_fails : NULL;
        optim.beta1 = i == 7 ? 1 : 0;
        CHECKF(llmc_trainer_need(i == 8 ? NULL : &c, NULL, &o, &bytes, &diag) == LLMC_BAD_ARG, "refusal %u",
               i);
    }
    o = options(&optim, LLMC_ADAMW);
    o.bf16 = true;
    CHECK(llmc_cpu_named("scalar", &o.cpu));
    CHECK(llmc_trainer_need(&c, NULL, &o, &bytes, &diag) == LLMC_UNSUPPORTED &&
          strstr(diag.message, "bf16") != NULL);
    o = options(&optim, LLMC_ADAMW);
    c.no_head = true;
    CHECK(llmc_trainer_need(&c, NULL, &o, &bytes, &diag) == LLMC_UNSUPPORTED);
    c.no_head = false;
    strcpy(c.family, "phi3");
    CHECK(llmc_trainer_need(&c, NULL, &o, &bytes, &diag) == LLMC_UNSUPPORTED);
    strcpy(c.family, "phi33");
    CHECK(llmc_trainer_need(&c, NULL, &o, &bytes, &diag) == LLMC_BAD_ARG);
    strcpy(c.family, "gpt2");
    OK(llmc_trainer_need(&c, NULL, &o, &bytes, &diag));
    mem = malloc(bytes);
    memset(mem, 0x5a, bytes);
    for (k = 0; k < bytes; k += bytes / 37 + 1)
        CHECK(llmc_trainer_init(&t, &c, NULL, &o, mem, k, &diag) == LLMC_NO_MEMORY);
    CHECK(llmc_trainer_init(&t, &c, NULL, &o, mem, bytes - 1, &diag) == LLMC_NO_MEMORY);
    for (k = 0; k < bytes; k++)
        if (((unsigned char *)mem)[k] != 0x5a)
            break;
    CHECK(k == bytes);
    OK(llmc_trainer_init(&t, &c, NULL, &o, mem, bytes, &diag));
    batch(ids, targets, 32, 29, &seed);
    ids[7] = 29;
    CHECK(llmc_trainer_pass(t, ids, targets, NULL, &diag) == LLMC_BAD_ARG);
    ids[7] = 0;
    targets[31] = 29;
    CHECK(llmc_trainer_eval(t, ids, targets, NULL, NULL, NULL, &diag) == LLMC_BAD_ARG);
    targets[31] = 0;
    memset(starts, 0, sizeof starts);
    starts[9] = 10;
    CHECK(llmc_trainer_pass(t, ids, targets, starts, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_trainer_update(t, NULL, &diag) == LLMC_BAD_ARG); /* nothing was scored */
    free(mem);
}

static void not_finite(void)
{
    llmc_optim_options optim;
    llmc_trainer_options o = options(&optim, LLMC_ADAMW);
    llmc_config c = config_of(gpt2, 29);
    llmc_trainer *t;
    uint64_t seed = test_seed(6);
    uint32_t ids[32], targets[32];
    void *mem;
    float *before;
    t = trainer(&c, NULL, &o, &mem);
    before = (float *)malloc((size_t)t->params.total * sizeof *before);
    steps(t, 3, &seed, 1);
    memcpy(before, t->w, (size_t)t->params.total * sizeof *before);
    batch(ids, targets, 32, 29, &seed);
    t->smooth = 1e-3; /* as if it had been nearly perfect: three more nats are an explosion */
    OK(llmc_trainer_pass(t, ids, targets, NULL, &diag));
    t->loss += 100;
    CHECK(llmc_trainer_update(t, NULL, &diag) == LLMC_NOT_FINITE);
    CHECK(llmc_trainer_steps(t) == 3 && memcmp(before, t->w, (size_t)t->params.total * sizeof *before) == 0);
    t->w[llmc__param_of(&t->params, LLMC__W_EMBED, 0)->offset + ids[0] * 16] = llmc__bits_f32(0x7fc00000u);
    CHECK(llmc_trainer_pass(t, ids, targets, NULL, &diag) == LLMC_NOT_FINITE);
    free(before);
    free(mem);
}

/* ---- what was trained, written and read again ---- */

static void logits_of(const llmc_model *m, const llmc_token *ids, size_t n, float *out)
{
    llmc_engine_options o;
    llmc_engine *e;
    llmc_seq *seq;
    size_t bytes;
    void *mem;
    memset(&o, 0, sizeof o);
    o.kv_type = LLMC_F32;
    OK(llmc_engine_need(m, &o, &bytes, &diag));
    mem = malloc(bytes);
    OK(llmc_engine_init(&e, m, &o, mem, bytes, &diag));
    OK(llmc_seq_open(&seq, e, NULL, &diag));
    OK(llmc_seq_forward(seq, ids, n, out, n, &diag));
    free(mem);
}

static double worst_of(const float *a, const float *b, size_t n)
{
    double worst = 0;
    size_t i;
    for (i = 0; i < n; i++) {
        double d = (double)a[i] - (double)b[i];
        worst = d > worst ? d : -d > worst ? -d : worst;
    }
    return worst;
}

/* Fresh models of many families, a few steps on: their GGUF says the same, and goes on being trained. */
static void exports(void)
{
    static const char *const json[] = {
        llama,
        gpt2,
        "{\"model_type\":\"rustgpt\",\"n_embd\":16,\"n_layer\":2,\"hidden_dim\":24,\"max_seq_len\":32}",
        "{\"model_type\":\"claude-rust\",\"n_embd\":16,\"n_layer\":2,\"n_head\":2,\"max_seq_len\":32,"
        "\"window_size\":6,\"sink_tokens\":2}",
        "{\"model_type\":\"nanochat\",\"n_embd\":16,\"n_layer\":2,\"n_head\":2,\"n_kv_head\":1,"
        "\"sequence_len\":32}",
        "{\"model_type\":\"nanochat-2026\",\"n_embd\":32,\"n_layer\":4,\"n_head\":2,\"n_kv_head\":2,"
        "\"sequence_len\":32}",
        "{\"model_type\":\"qwen3\",\"hidden_size\":16,\"num_hidden_layers\":2,\"num_attention_heads\":2,"
        "\"num_key_value_heads\":1,\"head_dim\":16,\"intermediate_size\":24,\"max_position_embeddings\":32}",
        "{\"model_type\":\"gemma2\",\"hidden_size\":16,\"num_hidden_layers\":2,\"num_attention_heads\":2,"
        "\"num_key_value_heads\":1,\"head_dim\":8,\"intermediate_size\":24,\"max_position_embeddings\":32,"
        "\"sliding_window\":5}",
        "{\"model_type\":\"mixtral\",\"hidden_size\":16,\"num_hidden_layers\":2,\"num_attention_heads\":2,"
        "\"num_key_value_heads\":1,\"intermediate_size\":24,\"num_local_experts\":4,"
        "\"num_experts_per_tok\":2,\"max_position_embeddings\":32}"};
    size_t f;
    for (f = 0; f < sizeof json / sizeof *json; f++) {
        llmc_optim_options optim;
        llmc_trainer_options o = options(&optim, LLMC_ADAMW);
        llmc_config c = config_of(json[f], 29);
        uint64_t seed = 21, scored;
        uint32_t batch_ids[32], targets[32];
        llmc_token ids[16];
        static float a[16 * 29], b[16 * 29];
        llmc_trainer *t, *again;
        llmc_model *m;
        llmc_save_options save;
        llmc_writer w;
        llmc_blob file;
        sink s;
        void *mem, *work, *model_mem, *again_mem;
        double first, second;
        size_t bytes, i;
        memset(&s, 0, sizeof s);
        memset(&save, 0, sizeof save);
        t = trainer(&c, NULL, &o, &mem);
        steps(t, 3, &seed, 1);
        batch(batch_ids, targets, 32, 29, &seed);
        for (i = 0; i < 16; i++)
            ids[i] = (llmc_token)batch_ids[i];
        OK(llmc_trainer_eval(t, batch_ids, targets, NULL, &first, &scored, &diag));
        logits_of(llmc_trainer_model(t), ids, 16, a);
        w = writer(&s);
        bytes = llmc_model_save_need(llmc_trainer_model(t));
        work = malloc(bytes);
        OK(llmc_model_save(llmc_trainer_model(t), &save, &w, work, bytes, &diag));
        free(work);
        file.data = s.data;
        file.size = s.n;
        file.name = c.family;
        OK(llmc_model_need(&file, 1, NULL, &bytes, &diag));
        model_mem = malloc(bytes);
        OK(llmc_model_init(&m, &file, 1, NULL, model_mem, bytes, &diag));
        logits_of(m, ids, 16, b);
        CHECKF(worst_of(a, b, 16 * 29) < 1e-4, "%s: %g apart", c.family, worst_of(a, b, 16 * 29));
        /* a trainer over what was written: the same loss, the same gradient's length */
        again = trainer(NULL, m, &o, &again_mem);
        OK(llmc_trainer_eval(again, batch_ids, targets, NULL, &second, &scored, &diag));
        CHECKF(first - second < 1e-3 && second - first < 1e-3, "%s: %g and %g", c.family, first, second);
        steps(again, 2, &seed, 1);
        CHECK(llmc_trainer_weights(again) == llmc_trainer_weights(t));
        free(again_mem);
        free(s.data);
        free(model_mem);
        free(mem);
    }
}

/* ---- checkpoints ---- */

/* Stopped after a random number of updates and gone on with elsewhere: the same bits. */
static void resumes(void)
{
    uint64_t random = test_seed(7);
    unsigned kind;
    for (kind = 0; kind < 3; kind++) {
        llmc_optim_options optim;
        llmc_trainer_options o = options(&optim, (llmc_optimizer)kind);
        llmc_config c = config_of(kind == 1 ? llama : gpt2, 29);
        uint64_t seed = 9, stopped;
        size_t before = 1 + test_random(&random, 8), after = 1 + test_random(&random, 8), n;
        llmc_trainer *a, *b;
        void *ma, *mb;
        const void *note;
        sink s;
        llmc_writer w = writer(&s);
        uint64_t step;
        memset(&s, 0, sizeof s);
        o.dropout = 0.1f;
        a = trainer(&c, NULL, &o, &ma);
        steps(a, before, &seed, 2);
        OK(llmc_trainer_save(a, "where I was", 11, &w, NULL, &diag));
        stopped = seed;
        steps(a, after, &seed, 2);
        o.seed = 12345; /* the checkpoint's counts */
        b = trainer(&c, NULL, &o, &mb);
        OK(llmc_trainer_load(b, s.data, s.n, &diag));
        seed = stopped;
        steps(b, after, &seed, 2);
        CHECK(memcmp(a->w, b->w, (size_t)a->params.total * sizeof(float)) == 0);
        CHECK(memcmp(a->optim.m, b->optim.m, (size_t)a->params.total * sizeof(float)) == 0);
        CHECK(a->tokens == b->tokens && a->smooth == b->smooth && llmc_trainer_steps(b) == before + after);
        OK(llmc_checkpoint_note(s.data, s.n, &note, &n, &step, &diag));
        CHECK(n == 11 && memcmp(note, "where I was", 11) == 0 && step == before);
        free(s.data);
        free(ma);
        free(mb);
    }
}

/* Each byte wrong, each length too short, and what does not belong together: refused, and nothing changes. */
static void damaged(void)
{
    llmc_optim_options optim;
    llmc_trainer_options o = options(&optim, LLMC_ADAMW);
    llmc_config c = config_of("{\"model_type\":\"gpt2\",\"n_embd\":4,\"n_layer\":1,\"n_head\":1,"
                              "\"n_positions\":16,\"n_inner\":4}",
                              7),
                d = config_of(gpt2, 29);
    llmc_trainer *t, *other;
    void *mem, *m2;
    float *before;
    sink s, again;
    llmc_writer w = writer(&s);
    const void *note;
    size_t bytes, i, note_len, wrong = 0, n = 0, each = test_every(7);
    memset(&s, 0, sizeof s);
    t = trainer(&c, NULL, &o, &mem);
    bytes = (size_t)t->params.total * sizeof(float);
    before = (float *)malloc(bytes);
    OK(llmc_trainer_save(t, "n", 1, &w, NULL, &diag));
    memcpy(before, t->w, bytes);
    t->w[0] += 1;
    OK(llmc_trainer_load(t, s.data, s.n, &diag));
    CHECK(memcmp(before, t->w, bytes) == 0);
    for (i = 0; i < s.n; i += each, n++) {
        unsigned char old = s.data[i];
        s.data[i] = (unsigned char)(old ^ (1u << (i % 8)));
        wrong += llmc_trainer_load(t, s.data, s.n, &diag) != LLMC_OK;
        (void)llmc_checkpoint_note(s.data, s.n, &note, &note_len, NULL, NULL);
        s.data[i] = old;
    }
    CHECKF(wrong == n, "%d of %d flips were seen", (int)wrong, (int)n);
    for (wrong = 0, i = 0; i < s.n; i += each) {
        unsigned char *cut = (unsigned char *)malloc(i + 1);
        memcpy(cut, s.data, i);
        wrong += llmc_trainer_load(t, cut, i, &diag) != LLMC_OK;
        (void)llmc_checkpoint_note(cut, i, &note, &note_len, NULL, NULL);
        free(cut);
    }
    CHECK(wrong == n && memcmp(before, t->w, bytes) == 0 && llmc_trainer_steps(t) == 0);
    other = trainer(&d, NULL, &o, &m2);
    CHECK(llmc_trainer_load(other, s.data, s.n, &diag) == LLMC_BAD_ARG &&
          strstr(diag.message, "model") != NULL);
    free(m2);
    optim.kind = LLMC_SGD;
    other = trainer(&c, NULL, &o, &m2);
    CHECK(llmc_trainer_load(other, s.data, s.n, &diag) == LLMC_BAD_ARG &&
          strstr(diag.message, "optimiser") != NULL);
    free(m2);
    memset(&again, 0, sizeof again);
    w = writer(&again);
    for (again.most = 1; again.most < s.n; again.most += 97) {
        again.n = 0;
        CHECK(llmc_trainer_save(t, "n", 1, &w, NULL, &diag) == LLMC_IO);
    }
    free(again.data);
    free(s.data);
    free(before);
    free(mem);
}

/* ---- order and loader ---- */

static void shuffles(void)
{
    uint64_t n, i;
    for (n = 1; n < 700; n += n < 40 ? 1 : 61) {
        unsigned char *seen = (unsigned char *)calloc((size_t)n, 1);
        uint64_t moved = 0, differs = 0;
        for (i = 0; i < n; i++) {
            uint64_t k = llmc__shuffled(i, n, 42, 3);
            CHECK(k < n && seen[k]++ == 0);
            moved += k != i;
            differs += k != llmc__shuffled(i, n, 42, 4);
        }
        CHECK(n < 20 || (moved > n * 3 / 4 && differs > n * 3 / 4));
        free(seen);
    }
    for (i = 0; i < 1000; i++)
        CHECK(llmc__shuffled(i, (UINT64_C(1) << 40) + 17, 1, 0) < (UINT64_C(1) << 40) + 17);
}

static void put32(unsigned char *p, uint32_t v)
{
    p[0] = (unsigned char)v;
    p[1] = (unsigned char)(v >> 8);
    p[2] = (unsigned char)(v >> 16);
    p[3] = (unsigned char)(v >> 24);
}

static llmc_loader *loader(const llmc_blob *shards, size_t n, const llmc_loader_options *o, void **mem)
{
    llmc_loader *l;
    size_t bytes;
    OK(llmc_loader_need(shards, n, o, &bytes, &diag));
    *mem = malloc(bytes);
    OK(llmc_loader_init(&l, shards, n, o, *mem, bytes, &diag));
    return l;
}

enum { TOKENS = 1000 };
static unsigned char stream[4 * TOKENS], half[1024 + 2 * TOKENS];

static void fill_stream(void)
{
    int i;
    for (i = 0; i < TOKENS; i++)
        put32(stream + 4 * i, (uint32_t)i);
}

/* Tokens are their own places, so that every row says where it comes from. */
static void windows(void)
{
    llmc_loader_options o;
    llmc_blob one, three[3];
    llmc_loader *l, *m;
    void *ml, *mm;
    uint32_t ids[3 * 17], targets[3 * 17], starts[3 * 17], again[3 * 17], k, r, e;
    unsigned char seen[TOKENS];
    uint64_t position;
    fill_stream();
    memset(&o, 0, sizeof o);
    memset(three, 0, sizeof three);
    o.rows = 3;
    o.tokens = 17;
    o.seed = 4;
    one.data = stream;
    one.size = sizeof stream;
    one.name = "train.bin";
    three[0].data = stream;
    three[0].size = 4 * 5; /* shorter than a row */
    three[1].data = stream + 4 * 5;
    three[1].size = 4 * 500;
    /* the rest as llm.c has it */
    put32(half, 20240520);
    put32(half + 4, 1);
    put32(half + 8, TOKENS - 505);
    for (k = 505; k < TOKENS; k++) {
        half[1024 + 2 * (k - 505)] = (unsigned char)k;
        half[1025 + 2 * (k - 505)] = (unsigned char)(k >> 8);
    }
    three[2].data = half;
    three[2].size = 1024 + 2 * (TOKENS - 505);
    l = loader(&one, 1, &o, &ml);
    m = loader(three, 3, &o, &mm);
    CHECK(llmc_loader_rows(l) == (TOKENS - 1) / 17 - 1 && llmc_loader_tokens(m) == TOKENS);
    for (e = 0; e < 3; e++) { /* epochs of 57 rows */
        memset(seen, 0, sizeof seen);
        for (k = 0; k < 57; k += 3) {
            llmc_loader_next(l, ids, targets, starts);
            llmc_loader_next(m, again, targets, NULL);
            CHECK(memcmp(ids, again, sizeof ids) == 0);
            for (r = 0; r < 3 * 17; r++) {
                CHECK(targets[r] == ids[r] + 1 && starts[r] == 0 &&
                      (r % 17 == 0 || ids[r] == ids[r - 1] + 1));
                CHECK(seen[ids[r]]++ == 0);
            }
        }
    }
    /* from a position on, and as two processes */
    position = llmc_loader_position(l);
    CHECK(position == 3 * 57);
    llmc_loader_next(l, ids, targets, NULL);
    llmc_loader_next(l, ids, targets, NULL);
    llmc_loader_seek(m, position + 3);
    llmc_loader_next(m, again, targets, NULL);
    CHECK(memcmp(ids, again, sizeof ids) == 0);
    free(mm);
    o.rank = 1;
    o.n_ranks = 2;
    m = loader(&one, 1, &o, &mm);
    llmc_loader_seek(m, position);
    llmc_loader_next(m, again, targets, NULL);
    CHECK(memcmp(ids, again, sizeof ids) == 0 && llmc_loader_position(m) == position + 6);
    free(mm);
    o.n_ranks = 0;
    o.rank = 0;
    o.in_order = true;
    m = loader(&one, 1, &o, &mm);
    llmc_loader_next(m, ids, targets, NULL);
    for (r = 0; r < 3 * 17; r++)
        CHECK(ids[r] == r);
    CHECK(llmc_loader_rows(m) == 58);
    free(mm);
    free(ml);
}

/* Documents of random lengths, some longer than a row: every prediction inside a document comes up once in an
   epoch, none from one to the next, and starts say where documents begin. */
static void packs(void)
{
    static unsigned char data[4 * 6000];
    static uint32_t doc[6000], place[6000];
    static unsigned char seen[6000];
    uint64_t random = test_seed(8);
    unsigned kind;
    for (kind = 0; kind < 3; kind++) { /* by flag, by what begins, by what ends documents */
        uint32_t n = 0, docs = 0, len, i, k, T = 24, pairs = 0, found = 0, ids[24], targets[24], starts[24];
        llmc_loader_options o;
        llmc_blob blob;
        llmc_loader *l;
        void *mem;
        while (n < 5900) {
            len = 1 + test_random(&random, docs % 7 == 0 ? 90 : 20);
            for (i = 0; i < len; i++, n++) {
                uint32_t v = 10 + n;
                if (kind == 0 && i == 0)
                    v |= LLMC_SHARD_DOCUMENT;
                if ((kind == 1 && i == 0) || (kind == 2 && i == len - 1))
                    v = 3;
                if (kind == 0 && i % 5 == 4)
                    v |= LLMC_SHARD_NOT_SCORED;
                put32(data + 4 * n, v);
                doc[n] = docs;
                place[n] = i;
                pairs += i > 0;
            }
            docs++;
        }
        memset(seen, 0, sizeof seen);
        memset(&o, 0, sizeof o);
        o.tokens = T;
        o.seed = 2;
        o.documents = true;
        o.separated = kind > 0;
        o.separator = 3;
        o.separator_ends = kind == 2;
        blob.data = data;
        blob.size = 4 * n;
        blob.name = "docs.bin";
        l = loader(&blob, 1, &o, &mem);
        CHECKF(llmc_loader_rows(l) < pairs / T * 21 / 20 + 4, "%d rows for %d pairs",
               (int)llmc_loader_rows(l), (int)pairs);
        for (k = 0; k < llmc_loader_rows(l); k++) {
            llmc_loader_next(l, ids, targets, starts);
            for (i = 0; i < T; i++) {
                uint32_t at;
                CHECK(starts[i] <= i);
                if (ids[i] < 10) /* padding, or a separator, whose place its neighbour tells */
                    continue;
                at = ids[i] - 10;
                if (targets[i] == LLMC_NOT_SCORED) {
                    CHECK(kind == 0 && place[at + 1] % 5 == 4 && doc[at + 1] == doc[at]);
                } else if (targets[i] >= 10) {
                    CHECK(targets[i] == at + 11 && doc[at + 1] == doc[at]);
                }
                CHECK(seen[at]++ == 0);
                found++;
                /* all from the start on is one document, in order */
                CHECK(starts[i] == i || ids[i - 1] < 10 || ids[i - 1] + 1 == ids[i]);
                CHECK(starts[i] == 0 || ids[starts[i] - 1] < 10 || doc[ids[starts[i] - 1] - 10] != doc[at]);
            }
        }
        /* what separators predict is not counted: their ids have no place */
        CHECKF(kind == 0 ? found == pairs : found <= pairs, "%d of %d pairs", (int)found, (int)pairs);
        free(mem);
    }
}

static void loader_refusals(void)
{
    llmc_loader_options o;
    llmc_blob b;
    llmc_loader *l;
    size_t bytes;
    unsigned char mem[64];
    memset(&o, 0, sizeof o);
    fill_stream();
    b.data = stream;
    b.size = sizeof stream;
    b.name = NULL;
    o.tokens = 10;
    CHECK(llmc_loader_need(&b, 0, &o, &bytes, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_loader_init(&l, &b, 1, &o, mem, sizeof mem, &diag) == LLMC_NO_MEMORY);
    o.rank = 1;
    CHECK(llmc_loader_need(&b, 1, &o, &bytes, &diag) == LLMC_BAD_ARG);
    o.rank = 0;
    o.separated = true;
    o.separator = -1;
    CHECK(llmc_loader_need(&b, 1, &o, &bytes, &diag) == LLMC_BAD_ARG);
    o.separated = false;
    b.size = 41;
    CHECK(llmc_loader_need(&b, 1, &o, &bytes, &diag) == LLMC_BAD_FILE);
    b.size = 40;
    CHECK(llmc_loader_need(&b, 1, &o, &bytes, &diag) == LLMC_BAD_FILE); /* 10 tokens, 11 are needed */
    b.size = 0;
    CHECK(llmc_loader_need(&b, 1, &o, &bytes, &diag) == LLMC_BAD_FILE);
    put32(half, 20240520);
    put32(half + 4, 1);
    put32(half + 8, TOKENS + 1); /* one more than there are */
    b.data = half;
    b.size = sizeof half;
    CHECK(llmc_loader_need(&b, 1, &o, &bytes, &diag) == LLMC_BAD_FILE);
    fill_stream();
    b.data = stream;
    b.size = 4;
    o.documents = true;
    CHECK(llmc_loader_need(&b, 1, &o, &bytes, &diag) == LLMC_BAD_FILE); /* predicts nothing */
}

/* ---- corpora ---- */

static void *tok_mem;
static sink tok_file;

/* A vocabulary of characters with ChatML's tokens. */
static llmc_tokenizer *characters(void)
{
    static const char *const special[] = {"<unk>", "<|im_start|>", "<|im_end|>"};
    static const char text[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:;!?'\"\n{}[]<>|/_-";
    llmc_vocab_options o;
    llmc_tokenizer *tok;
    llmc_blob b;
    llmc_writer w = writer(&tok_file);
    size_t bytes;
    void *mem;
    memset(&o, 0, sizeof o);
    memset(&tok_file, 0, sizeof tok_file);
    o.chars = true;
    o.special = special;
    o.n_special = 3;
    b.data = text;
    b.size = sizeof text - 1;
    b.name = "text";
    OK(llmc_vocab_need(&b, 1, &o, &bytes, &diag));
    mem = malloc(bytes);
    OK(llmc_vocab_build(&b, 1, &o, mem, bytes, &w, NULL, &diag));
    free(mem);
    b.data = tok_file.data;
    b.size = tok_file.n;
    b.name = "tokenizer.json";
    OK(llmc_tokenizer_need(&b, 1, NULL, &bytes, &diag));
    tok_mem = malloc(bytes);
    OK(llmc_tokenizer_init(&tok, &b, 1, NULL, tok_mem, bytes, &diag));
    return tok;
}

static llmc_status encode_as(const llmc_tokenizer *tok, const char *text, const llmc_corpus_options *o,
                             sink *train, sink *valid, llmc_corpus_counts *counts)
{
    llmc_writer w = writer(train), v = writer(valid);
    llmc_blob b;
    llmc_status status;
    size_t bytes;
    void *mem;
    b.data = text;
    b.size = strlen(text);
    b.name = "corpus";
    memset(counts, 0, sizeof *counts);
    train->n = valid->n = 0;
    status = llmc_corpus_need(tok, &b, o, &bytes, &diag);
    if (status != LLMC_OK)
        return status;
    mem = malloc(bytes);
    if (bytes > 0)
        CHECK(llmc_corpus_encode(tok, &b, o, mem, bytes - 1, &w, &v, counts, &diag) == LLMC_NO_MEMORY);
    status = llmc_corpus_encode(tok, &b, o, mem, bytes, &w, &v, counts, &diag);
    free(mem);
    return status;
}

static uint32_t token_at(const sink *s, size_t i)
{
    return llmc__u32le(s->data + 4 * i);
}

/* A shard as text: scored tokens only, or all; documents begin with '#'. */
static void show(const llmc_tokenizer *tok, const sink *s, bool scored, char *out, size_t cap)
{
    size_t at = 0, i, len;
    llmc_decode_options o;
    memset(&o, 0, sizeof o);
    o.show_special = true;
    for (i = 0; i < s->n / 4; i++) {
        uint32_t v = token_at(s, i);
        llmc_token id = (llmc_token)(v & 0x3fffffffu);
        if ((v & LLMC_SHARD_DOCUMENT) != 0)
            out[at++] = '#';
        if (scored && (v & LLMC_SHARD_NOT_SCORED) != 0)
            continue;
        OK(llmc_decode(tok, &id, 1, &o, out + at, cap - at - 1, &len, &diag));
        at += len;
    }
    out[at] = 0;
}

static void corpora(void)
{
    llmc_tokenizer *tok = characters();
    llmc_corpus_options o;
    llmc_corpus_counts n;
    sink a, b;
    char text[4000];
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    memset(&o, 0, sizeof o);
    OK(encode_as(tok, "to be or not to be", &o, &a, &b, &n));
    show(tok, &a, false, text, sizeof text);
    CHECKF(strcmp(text, "to be or not to be") == 0, "%s", text);
    CHECK(n.documents[0] == 1 && n.tokens[0] == 18 && n.scored[0] == 18 && n.documents[1] == 0);
    o.valid_split = 0.25f;
    o.flag_documents = true;
    OK(encode_as(tok, "abcdefgh", &o, &a, &b, &n));
    show(tok, &a, false, text, sizeof text);
    CHECKF(strcmp(text, "#abcdef") == 0, "%s", text);
    show(tok, &b, false, text, sizeof text);
    CHECK(strcmp(text, "#gh") == 0 && n.tokens[1] == 2);
    o.valid_split = 0;
    o.separator = "--";
    OK(encode_as(tok, "one--two----three--", &o, &a, &b, &n));
    show(tok, &a, false, text, sizeof text);
    CHECKF(strcmp(text, "#one#two#three") == 0 && n.documents[0] == 3, "%s", text);
    o.format = LLMC_CORPUS_JSON;
    OK(encode_as(tok, "[\"a\\nb\", {\"text\": \"c\"}]", &o, &a, &b, &n));
    show(tok, &a, false, text, sizeof text);
    CHECKF(strcmp(text, "#a\nb#c") == 0, "%s", text);
    o.format = LLMC_CORPUS_JSONL;
    OK(encode_as(tok, "{\"text\": \"x\"}\r\n\n\"<|im_end|>\"\n", &o, &a, &b, &n));
    show(tok, &a, false, text, sizeof text);
    CHECKF(strcmp(text, "#x#<|im_end|>") == 0 && n.tokens[0] == 11, "%s",
           text); /* ten characters, no token */
    o.parse_special = true;
    OK(encode_as(tok, "\"<|im_end|>\"", &o, &a, &b, &n));
    CHECK(n.tokens[0] == 1);
    o.format = LLMC_CORPUS_CSV;
    OK(encode_as(tok, "one,two\n\"with \"\"quotes\"\", and\nlines\",x\r\n\n", &o, &a, &b, &n));
    show(tok, &a, false, text, sizeof text);
    CHECKF(strcmp(text, "#one,two#with \"quotes\", and\nlines,x") == 0, "%s", text);
    CHECK(encode_as(tok, "\"open", &o, &a, &b, &n) == LLMC_BAD_FILE);
    o.format = LLMC_CORPUS_JSONL;
    CHECK(encode_as(tok, "{\"a\": 1}", &o, &a, &b, &n) == LLMC_BAD_FILE &&
          strstr(diag.message, "corpus:1") != NULL);
    CHECK(encode_as(tok, "\"a\"\n{", &o, &a, &b, &n) == LLMC_BAD_FILE &&
          strstr(diag.message, "corpus:2") != NULL);
    CHECK(encode_as(tok, "{\"messages\": []}", &o, &a, &b, &n) == LLMC_BAD_FILE);
    o.format = LLMC_CORPUS_JSON;
    CHECK(encode_as(tok, "{}", &o, &a, &b, &n) == LLMC_BAD_FILE);
    CHECK(encode_as(tok, "[1]", &o, &a, &b, &n) == LLMC_BAD_FILE);
    o.valid_split = 1;
    CHECK(encode_as(tok, "[]", &o, &a, &b, &n) == LLMC_BAD_ARG);
    free(a.data);
    free(b.data);
    free(tok_mem);
    free(tok_file.data);
}

static void conversations(void)
{
    static const char two[] = "{\"messages\": [{\"role\": \"system\", \"content\": \"short\"}, {\"role\": "
                              "\"user\", \"content\": \"hi\"},"
                              " {\"role\": \"assistant\", \"content\": \"hello <|im_end|>\"}, {\"role\": "
                              "\"user\", \"content\": \"who\"},"
                              " {\"role\": \"assistant\", \"content\": \"me\"}]}\n"
                              "{\"messages\": [{\"role\": \"user\", \"content\": \"no answer\"}]}\n";
    llmc_tokenizer *tok = characters();
    llmc_corpus_options o;
    llmc_corpus_counts n;
    llmc_template *t;
    size_t len, bytes;
    const char *text = llmc_chat_template(NULL, LLMC_CHAT_CHATML, &len);
    void *mem;
    sink a, b;
    char shown[4000];
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    memset(&o, 0, sizeof o);
    OK(llmc_template_need(text, len, &bytes, &diag));
    mem = malloc(bytes);
    OK(llmc_template_init(&t, text, len, mem, bytes, &diag));
    o.format = LLMC_CORPUS_JSONL;
    o.chat = t;
    o.flag_documents = true;
    OK(encode_as(tok, two, &o, &a, &b, &n));
    show(tok, &a, false, shown, sizeof shown);
    CHECKF(strncmp(shown, "#<|im_start|>system\nshort<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n", 63) == 0,
           "%s", shown);
    show(tok, &a, true, shown, sizeof shown);
    /* what ends a turn is one token; the same text inside a message is ten */
    CHECKF(strcmp(shown, "#hello <|im_end|><|im_end|>\nme<|im_end|>\n#") == 0, "%s", shown);
    CHECK(n.documents[0] == 2 && n.scored[0] == 6 + 10 + 2 + 2 + 2);
    free(a.data);
    free(mem);
    free(tok_mem);
    free(tok_file.data);
}

int main(void)
{
    RUN(fresh);
    RUN(induction);
    RUN(roles);
    RUN(learns);
    RUN(norms);
    RUN(accumulates);
    RUN(ranks);
    RUN(refusals);
    RUN(not_finite);
    RUN(exports);
    RUN(resumes);
    RUN(damaged);
    RUN(shuffles);
    RUN(windows);
    RUN(packs);
    RUN(loader_refusals);
    RUN(corpora);
    RUN(conversations);
    return test_end("train");
}
