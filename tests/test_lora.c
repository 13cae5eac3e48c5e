/* test_lora.c -- adapters: trained over a frozen Q4_0 model, written and read in both forms, merged, switched
   from sequence to sequence. References: sums by hand in double, the merged model, each sequence by itself. */
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
#define REFUSED(call, want, part)                                                                 \
    do {                                                                                          \
        llmc_status s_;                                                                           \
        diag.message[0] = 0;                                                                      \
        s_ = (call);                                                                              \
        CHECKF(s_ == (want) && strstr(diag.message, part) != NULL, "%s: %d '%s'", #call, (int)s_, \
               diag.message);                                                                     \
    } while (0)

enum { V = 37, T = 24, ROWS = 4 };

/* A growing output. */
typedef struct sink {
    unsigned char *data;
    size_t n, cap;
} sink;

static bool take(void *user, const void *data, size_t n)
{
    sink *s = (sink *)user;
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
    memset(s, 0, sizeof *s);
    w.write = take;
    w.user = s;
    return w;
}

static llmc_blob blob(const sink *s, const char *name)
{
    llmc_blob b;
    b.data = s->data;
    b.size = s->n;
    b.name = name;
    return b;
}

/* Rows that count up modulo V in steps that depend on `way`: what one world knows another does not. */
static void rows_of(uint32_t *ids, uint32_t *targets, uint32_t way, uint64_t *seed)
{
    size_t r, i;
    for (r = 0; r < ROWS; r++) {
        uint32_t at = test_random(seed, V);
        for (i = 0; i < T; i++) {
            ids[r * T + i] = at;
            at = (at * way + 1) % V;
            targets[r * T + i] = at;
        }
    }
}

static llmc_trainer *trainer(const llmc_config *c, const llmc_model *from, const llmc_lora_options *lora,
                             llmc_optimizer kind, void **mem)
{
    llmc_optim_options optim;
    llmc_trainer_options o;
    llmc_trainer *t;
    size_t bytes;
    memset(&o, 0, sizeof o);
    memset(&optim, 0, sizeof optim);
    optim.kind = kind;
    optim.schedule.rate = 1e-2f;
    optim.schedule.kind = LLMC_SCHEDULE_CONSTANT;
    optim.grad_clip = 1;
    o.rows = ROWS;
    o.tokens = T;
    o.seed = 3;
    o.optim = &optim;
    o.lora = lora;
    OK(llmc_trainer_need(c, from, &o, &bytes, &diag));
    *mem = malloc(bytes);
    REFUSED(llmc_trainer_init(&t, c, from, &o, *mem, bytes - 1, &diag), LLMC_NO_MEMORY, "needs");
    OK(llmc_trainer_init(&t, c, from, &o, *mem, bytes, &diag));
    return t;
}

static double loss_of(llmc_trainer *t, uint32_t way)
{
    uint32_t ids[ROWS * T], targets[ROWS * T];
    uint64_t seed = 99, scored;
    double loss;
    rows_of(ids, targets, way, &seed);
    OK(llmc_trainer_eval(t, ids, targets, NULL, &loss, &scored, &diag));
    return loss / (double)scored;
}

static void steps(llmc_trainer *t, uint32_t way, int n, uint64_t *seed)
{
    uint32_t ids[ROWS * T], targets[ROWS * T];
    for (; n > 0; n--) {
        rows_of(ids, targets, way, seed);
        OK(llmc_trainer_pass(t, ids, targets, NULL, &diag));
        OK(llmc_trainer_update(t, NULL, &diag));
    }
}

static llmc_model *open_model(const llmc_blob *file, void **mem)
{
    llmc_model *m;
    size_t bytes;
    OK(llmc_model_need(file, 1, NULL, &bytes, &diag));
    *mem = malloc(bytes);
    OK(llmc_model_init(&m, file, 1, NULL, *mem, bytes, &diag));
    return m;
}

static void save_model(const llmc_model *m, llmc_dtype type, const llmc_lora *lora, float scale, sink *s)
{
    llmc_save_options o;
    llmc_writer w = writer(s);
    size_t bytes = llmc_model_save_need(m);
    void *work = malloc(bytes);
    memset(&o, 0, sizeof o);
    o.type = type;
    o.lora = lora;
    o.lora_scale = scale;
    OK(llmc_model_save(m, &o, &w, work, bytes, &diag));
    free(work);
}

static void save_lora(const llmc_lora *lora, llmc_lora_format format, sink *s)
{
    llmc_writer w = writer(s);
    OK(llmc_lora_save(lora, format, &w, &diag));
}

static llmc_lora *open_lora(const llmc_model *m, const llmc_blob *files, size_t n, void **mem)
{
    llmc_lora *lora;
    size_t bytes;
    OK(llmc_lora_need(m, files, n, &bytes, &diag));
    *mem = malloc(bytes);
    REFUSED(llmc_lora_init(&lora, m, files, n, *mem, bytes - 1, &diag), LLMC_NO_MEMORY, "needs");
    OK(llmc_lora_init(&lora, m, files, n, *mem, bytes, &diag));
    return lora;
}

/* A small model that knows the world of 3, as Q4_0: what all tests here stand on. */
static sink base_file, two_file; /* two: fused q, k, v as GPT-2's makers have them */
static llmc_model *base, *two;
static void *base_mem, *two_mem;

static void make_base(const char *json, sink *file, llmc_model **out, void **out_mem)
{
    llmc_config c;
    llmc_blob text, b;
    llmc_trainer *t;
    uint64_t seed = 1;
    void *mem;
    text.data = json;
    text.size = strlen(json);
    text.name = "config.json";
    OK(llmc_config_read(&text, V, &c, &diag));
    t = trainer(&c, NULL, NULL, LLMC_ADAMW, &mem);
    steps(t, 3, 40, &seed);
    save_model(llmc_trainer_model(t), LLMC_Q4_0, NULL, 0, file);
    free(mem);
    b = blob(file, "base.gguf");
    *out = open_model(&b, out_mem);
}

static const char llama[] = "{\"model_type\":\"llama\",\"hidden_size\":64,\"num_hidden_layers\":2,"
                            "\"num_attention_heads\":4,\"num_key_value_heads\":2,\"intermediate_size\":96,"
                            "\"max_position_embeddings\":64,\"rms_norm_eps\":1e-5}";
static const char gpt2[] =
    "{\"model_type\":\"gpt2\",\"n_embd\":64,\"n_layer\":2,\"n_head\":4,\"n_positions\":64}";

typedef struct machine {
    llmc_engine *engine;
    llmc_seq *seq[4];
    void *mem;
} machine;

static void open_machine(machine *k, const llmc_model *m, uint32_t rank, llmc_tasks tasks)
{
    llmc_engine_options o;
    size_t bytes;
    memset(&o, 0, sizeof o);
    o.kv_type = LLMC_F32;
    o.max_seqs = 4;
    o.lora_rank = rank;
    o.tasks = tasks;
    OK(llmc_engine_need(m, &o, &bytes, &diag));
    k->mem = malloc(bytes);
    OK(llmc_engine_init(&k->engine, m, &o, k->mem, bytes, &diag));
}

/* Logits of a fixed text with an adapter. */
static void logits_of(const llmc_model *m, const llmc_lora *lora, float scale, float *out)
{
    llmc_tasks none;
    llmc_seq_options o;
    llmc_token ids[T];
    machine k;
    int i;
    memset(&none, 0, sizeof none);
    memset(&o, 0, sizeof o);
    open_machine(&k, m, lora != NULL ? 16 : 0, none);
    for (i = 0; i < T; i++)
        ids[i] = (llmc_token)(i * 5 % V);
    o.lora = lora;
    o.lora_scale = scale;
    OK(llmc_seq_open(&k.seq[0], k.engine, &o, &diag));
    OK(llmc_seq_forward(k.seq[0], ids, T, out, T, &diag));
    free(k.mem);
}

static double apart(const float *a, const float *b, size_t n)
{
    double most = 0;
    size_t i;
    for (i = 0; i < n; i++) {
        double d = (double)a[i] - (double)b[i];
        most = d > most ? d : -d > most ? -d : most;
    }
    return most;
}

/* A merged F32 model's matrices against W + s B A, summed here. */
static void check_merged(const llmc_trainer *t, const llmc_model *m, const llmc_model *merged, float scale)
{
    uint32_t i;
    for (i = 0; i < t->params.count; i += 2) {
        const llmc__param *a = &t->params.list[i], *b = a + 1;
        const llmc_tensor *w = llmc__weight(m, a->layer, a->role),
                          *to = llmc__weight(merged, a->layer, a->role);
        float row[512], got[512];
        uint64_t r, c, k;
        double most = 0;
        for (r = 0; r < b->rows; r++) {
            OK(llmc_tensor_row(w, r, row));
            OK(llmc_tensor_row(to, r, got));
            for (c = 0; c < a->cols; c++) {
                double sum = 0, d;
                for (k = 0; k < a->rows; k++)
                    sum +=
                        (double)t->w[b->offset + r * b->cols + k] * (double)t->w[a->offset + k * a->cols + c];
                d = (double)got[c] - ((double)row[c] + (double)scale * sum);
                most = d > most ? d : -d > most ? -d : most;
            }
        }
        CHECKF(most < 1e-5, "blk.%u.%s: %g from the sum", a->layer, llmc__role_table[a->role].name, most);
    }
}

/* Over a frozen Q4_0 model the loss of another world falls; merged it is the same model. */
static void learns_on(const llmc_model *m, llmc_optimizer kind, float dropout)
{
    llmc_lora_options lo;
    llmc_trainer *t;
    llmc_model *merged;
    const llmc_lora *lora;
    llmc_lora_info info;
    llmc_blob b;
    sink file;
    uint64_t seed = 5;
    double first, last;
    static float plain[T * V], with[T * V], other[T * V], twice[T * V];
    void *mem, *merged_mem;
    memset(&lo, 0, sizeof lo);
    lo.rank = 6;
    lo.alpha = 9;
    lo.dropout = dropout;
    t = trainer(NULL, m, &lo, kind, &mem);
    logits_of(m, NULL, 0, plain);
    lora = llmc_trainer_lora(t);
    logits_of(m, lora, 0, with);
    CHECK(memcmp(plain, with, sizeof plain) == 0); /* B is zero */
    first = loss_of(t, 5);
    steps(t, 5, 60, &seed);
    last = loss_of(t, 5);
    CHECKF(last < first - 0.5, "held-out loss %g, then %g", first, last);
    CHECK(llmc_trainer_model(t) == m);
    lora = llmc_trainer_lora(t);
    llmc_lora_about(lora, &info);
    CHECK(info.rank == 6 && info.alpha == 9 && info.model == m && info.weights == llmc_trainer_weights(t));
    logits_of(m, lora, 0, with);
    CHECK(apart(plain, with, T * V) > 0.5);
    save_model(m, LLMC_F32, lora, 0, &file);
    b = blob(&file, "merged.gguf");
    merged = open_model(&b, &merged_mem);
    logits_of(merged, NULL, 0, other);
    /* the Q4_0 base reads activations in 8 bits, the merged one in f32 */
    CHECKF(apart(with, other, T * V) < 0.15, "merged: %g apart", apart(with, other, T * V));
    check_merged(t, m, merged, 1.5f);
    free(merged_mem);
    free(file.data);
    /* the same over the base as floats: nothing but the adapter differs */
    {
        sink floats, merged_file;
        llmc_model *f;
        llmc_lora *again;
        void *f_mem, *again_mem;
        sink saved;
        save_model(m, LLMC_F32, NULL, 0, &floats);
        b = blob(&floats, "floats.gguf");
        f = open_model(&b, &f_mem);
        save_lora(lora, LLMC_LORA_GGUF, &saved);
        b = blob(&saved, "adapter.gguf");
        again = open_lora(f, &b, 1, &again_mem);
        logits_of(f, again, 0, with);
        save_model(f, LLMC_F32, again, 0, &merged_file);
        b = blob(&merged_file, "merged.gguf");
        merged = open_model(&b, &merged_mem);
        logits_of(merged, NULL, 0, other);
        CHECKF(apart(with, other, T * V) < 1e-3, "merged: %g apart", apart(with, other, T * V));
        free(merged_mem);
        free(merged_file.data);
        logits_of(f, again, 0.5f, with); /* half of it, likewise */
        save_model(f, LLMC_F32, again, 0.5f, &merged_file);
        b = blob(&merged_file, "merged.gguf");
        merged = open_model(&b, &merged_mem);
        check_merged(t, f, merged, 0.75f);
        logits_of(merged, NULL, 0, other);
        CHECKF(apart(with, other, T * V) < 1e-3, "half: %g apart", apart(with, other, T * V));
        logits_of(f, again, 2, twice);
        CHECK(apart(with, twice, T * V) > 0.1);
        /* quantised on the way out */
        free(merged_mem);
        free(merged_file.data);
        save_model(m, LLMC_DTYPE_NONE, again == NULL ? NULL : lora, 0, &merged_file);
        b = blob(&merged_file, "merged-q4.gguf");
        merged = open_model(&b, &merged_mem);
        CHECK(llmc__weight(merged, 0, LLMC__W_O)->type == LLMC_Q4_0);
        logits_of(merged, NULL, 0, other);
        logits_of(m, lora, 0, with);
        CHECKF(apart(with, other, T * V) < 3, "as Q4_0: %g apart", apart(with, other, T * V));
        free(merged_mem);
        free(merged_file.data);
        free(again_mem);
        free(f_mem);
        free(floats.data);
        free(saved.data);
    }
    free(mem);
}

static void learns(void)
{
    if (test_every(2) == 1) {
        learns_on(base, LLMC_ADAMW, 0);
        learns_on(base, LLMC_MUON, 0);
    }
    learns_on(base, LLMC_ADAMW, 0.1f);
    learns_on(two, LLMC_ADAMW, 0);
}

/* An adapter of random numbers, as a trainer holds it. */
static llmc_trainer *random_adapter(const llmc_model *m, uint32_t rank, uint32_t targets, uint64_t seed,
                                    void **mem)
{
    llmc_lora_options lo;
    llmc_trainer *t;
    uint64_t i;
    memset(&lo, 0, sizeof lo);
    lo.rank = rank;
    lo.targets = targets;
    lo.alpha = (float)rank;
    t = trainer(NULL, m, &lo, LLMC_SGD, mem);
    for (i = 0; i < t->params.total; i++)
        t->w[i] = ((float)test_random(&seed, 2001) - 1000) / 6000;
    return t;
}

/* Written in all forms and read again: the same logits, bit for bit. */
static void round_trips(void)
{
    static float want[T * V], got[T * V];
    llmc_trainer *t;
    llmc_lora *lora;
    sink gguf, tensors, config;
    llmc_blob b[2];
    void *mem, *lora_mem;
    size_t bytes;
    uint32_t r, c;
    t = random_adapter(base, 5, 0, 8, &mem);
    logits_of(base, llmc_trainer_lora(t), 0, want);
    save_lora(llmc_trainer_lora(t), LLMC_LORA_GGUF, &gguf);
    save_lora(llmc_trainer_lora(t), LLMC_LORA_PEFT, &tensors);
    save_lora(llmc_trainer_lora(t), LLMC_LORA_PEFT_CONFIG, &config);
    b[0] = blob(&gguf, "adapter.gguf");
    lora = open_lora(base, b, 1, &lora_mem);
    logits_of(base, lora, 0, got);
    CHECK(memcmp(want, got, sizeof want) == 0);
    free(lora_mem);
    b[0] = blob(&tensors, "adapter_model.safetensors");
    b[1] = blob(&config, "adapter_config.json");
    lora = open_lora(base, b, 2, &lora_mem);
    logits_of(base, lora, 0, got);
    CHECK(memcmp(want, got, sizeof want) == 0);
    b[1] = blob(&tensors, "adapter_model.safetensors"); /* the other way round */
    b[0] = blob(&config, "adapter_config.json");
    free(lora_mem);
    lora = open_lora(base, b, 2, &lora_mem);
    /* PEFT's rows of q are the makers': element j of a pair's half s is GGUF's 2 j + s (its converter) */
    {
        const char *at;
        const llmc__param *q = llmc__param_of(&t->params, LLMC__W_Q, 1) + 1;
        unsigned char *head = tensors.data;
        uint64_t n = llmc__u64le(head), begin = 0;
        head[8 + n - 1] = 0; /* its last byte is '}' or a blank */
        at = strstr((const char *)head + 8, "layers.1.self_attn.q_proj.lora_B.weight");
        CHECK(at != NULL);
        at = at != NULL ? strstr(at, "data_offsets\":[") : NULL;
        begin = at != NULL ? strtoull(at + 15, NULL, 10) : 0;
        for (r = 0; at != NULL && r < 64; r++)
            for (c = 0; c < 5; c++) {
                uint32_t h = r / 16, s = r % 16 / 8, j = r % 8;
                float x = llmc__f32le(head + 8 + n + begin + 4 * (r * 5 + c));
                CHECK(x == t->w[q->offset + (h * 16 + 2 * j + s) * 5 + c]);
            }
    }
    free(lora_mem);
    free(gguf.data);
    free(tensors.data);
    free(config.data);
    free(mem);
    /* fused q, k, v: GGUF only */
    t = random_adapter(two, 3, LLMC_LORA_Q | LLMC_LORA_V | LLMC_LORA_DOWN, 9, &mem);
    logits_of(two, llmc_trainer_lora(t), 0, want);
    save_lora(llmc_trainer_lora(t), LLMC_LORA_GGUF, &gguf);
    b[0] = blob(&gguf, "adapter.gguf");
    lora = open_lora(two, b, 1, &lora_mem);
    logits_of(two, lora, 0, got);
    CHECK(memcmp(want, got, sizeof want) == 0);
    {
        llmc_writer w = writer(&tensors);
        REFUSED(llmc_lora_save(lora, LLMC_LORA_PEFT, &w, &diag), LLMC_UNSUPPORTED, "gpt2");
        REFUSED(llmc_lora_save(lora, (llmc_lora_format)9, &w, &diag), LLMC_BAD_ARG, "format");
    }
    REFUSED(llmc_lora_need(base, b, 1, &bytes, &diag), LLMC_BAD_FILE, "general.architecture");
    free(lora_mem);
    free(gguf.data);
    free(mem);
}

/* Reads T tokens for each of n sequences in one batch after the other, and greedy ones after them; what every
   sequence says, with a step for all. */
static void converse(machine *k, llmc_seq_options *o, uint32_t n, llmc_token said[4][8])
{
    uint32_t i, at[4] = {0, 0, 0, 0}, done = 0;
    for (i = 0; i < n; i++) {
        llmc_token ids[T];
        int j;
        for (j = 0; j < T; j++)
            ids[j] = (llmc_token)((j * 7 + 3) % V);
        o[i].max_tokens = 8;
        o[i].ignore_end = true;
        OK(llmc_seq_open(&k->seq[i], k->engine, &o[i], &diag));
        OK(llmc_seq_add_ids(k->seq[i], ids, T, &diag));
    }
    while (done < n) {
        llmc_piece piece;
        OK(llmc_engine_step(k->engine, &diag));
        for (i = 0; i < n; i++)
            while (llmc_seq_poll(k->seq[i], &piece)) {
                said[i][at[i]++] = piece.token;
                done += piece.finish != LLMC_FINISH_NONE;
            }
    }
}

/* Keeps the logits that a sequence chooses from. */
typedef struct looker {
    float logits[8][V];
    int n;
} looker;

static llmc_token look(void *user, llmc_seq *seq, float *logits, size_t n)
{
    looker *l = (looker *)user;
    (void)seq;
    if (l->n < 8)
        memcpy(l->logits[l->n++], logits, n * sizeof *logits);
    return LLMC_TOKEN_NONE;
}

/* Sequences with two adapters, with one at another scale, and with none in one batch: each as by itself, and
   the last as in an engine that knows of no adapters; on one thread and on several. */
static void batches(void)
{
    static looker alone[4], together[4], never;
    llmc_trainer *t[2];
    const llmc_lora *lora[2];
    llmc_seq_options o[4];
    llmc_token said[4][8], one[4][8];
    llmc_pool *pool;
    void *mem[2];
    machine k;
    uint32_t i;
    int threads;
    t[0] = random_adapter(base, 5, 0, 11, &mem[0]);
    t[1] = random_adapter(base, 16, LLMC_LORA_Q | LLMC_LORA_DOWN, 12, &mem[1]);
    for (i = 0; i < 2; i++)
        lora[i] = llmc_trainer_lora(t[i]);
    OK(llmc_pool_open(&pool, 0, &diag));
    for (threads = 0; threads < 2; threads++) {
        llmc_tasks tasks;
        memset(&tasks, 0, sizeof tasks);
        if (threads > 0)
            tasks = llmc_pool_tasks(pool);
        memset(o, 0, sizeof o);
        memset(alone, 0, sizeof alone);
        memset(together, 0, sizeof together);
        memset(&never, 0, sizeof never);
        o[0].lora = lora[0];
        o[1].lora = lora[1];
        o[2].lora = lora[0];
        o[2].lora_scale = -0.5f;
        for (i = 0; i < 4; i++) {
            o[i].chooser.fn = look;
            o[i].chooser.user = &together[i];
        }
        open_machine(&k, base, 16, tasks);
        converse(&k, o, 4, said);
        free(k.mem);
        for (i = 0; i < 4; i++) {
            o[i].chooser.user = &alone[i];
            open_machine(&k, base, 16, tasks);
            converse(&k, o + i, 1, one);
            free(k.mem);
            CHECKF(memcmp(one[0], said[i], sizeof one[0]) == 0, "sequence %u says something else", i);
            CHECKF(together[i].n == 8 && memcmp(&alone[i], &together[i], sizeof alone[i]) == 0,
                   "sequence %u: %g apart", i, apart(alone[i].logits[0], together[i].logits[0], 8 * V));
        }
        CHECK(apart(alone[0].logits[0], alone[1].logits[0], V) > 0.01);
        CHECK(apart(alone[0].logits[0], alone[2].logits[0], V) > 0.01);
        CHECK(apart(alone[0].logits[0], alone[3].logits[0], V) > 0.01);
        o[3].chooser.user = &never;
        open_machine(&k, base, 0, tasks);
        converse(&k, o + 3, 1, one);
        CHECK(memcmp(&never, &alone[3], sizeof never) == 0);
        o[0].chooser.fn = NULL;
        llmc_seq_close(k.seq[0]);
        REFUSED(llmc_seq_open(&k.seq[0], k.engine, &o[0], &diag), LLMC_BAD_ARG, "lora_rank");
        free(k.mem);
    }
    llmc_pool_close(pool);
    free(mem[0]);
    free(mem[1]);
}

/* What is cached belongs to an adapter: forks, other options, sessions, shared prefixes. */
static void caches(void)
{
    static float want[V], plain[V], got[V];
    llmc_trainer *t = NULL;
    const llmc_lora *lora;
    llmc_seq_options o, none;
    llmc_tasks serial;
    llmc_token ids[T], more = 4;
    llmc_writer w;
    sink s;
    machine k;
    void *mem;
    int i;
    memset(&o, 0, sizeof o);
    memset(&none, 0, sizeof none);
    memset(&serial, 0, sizeof serial);
    t = random_adapter(base, 4, 0, 21, &mem);
    lora = llmc_trainer_lora(t);
    o.lora = lora;
    for (i = 0; i < T; i++)
        ids[i] = (llmc_token)(i * 11 % V);
    open_machine(&k, base, 8, serial);
    OK(llmc_seq_open(&k.seq[0], k.engine, &o, &diag));
    OK(llmc_seq_forward(k.seq[0], ids, T, NULL, 0, &diag));
    OK(llmc_seq_open(&k.seq[1], k.engine, NULL, &diag));
    OK(llmc_seq_forward(k.seq[1], ids, T, NULL, 0, &diag));
    /* sessions know which it was */
    w = writer(&s);
    OK(llmc_seq_save(k.seq[0], NULL, &w, &diag));
    REFUSED(llmc_seq_restore(k.seq[1], s.data, s.n, &diag), LLMC_BAD_ARG, "adapter");
    OK(llmc_seq_open(&k.seq[2], k.engine, &o, &diag));
    OK(llmc_seq_restore(k.seq[2], s.data, s.n, &diag));
    free(s.data);
    /* forks share with the same one, and read again with another */
    OK(llmc_seq_fork(&k.seq[3], k.seq[1], T, &o, &diag));
    CHECK(k.seq[3]->n_cached == 0);
    OK(llmc_seq_forward(k.seq[0], &more, 1, want, 1, &diag));
    OK(llmc_seq_forward(k.seq[1], &more, 1, plain, 1, &diag));
    OK(llmc_seq_forward(k.seq[2], &more, 1, got, 1, &diag));
    CHECK(memcmp(want, got, sizeof want) == 0 && apart(want, plain, V) > 0.01);
    OK(llmc_seq_configure(k.seq[1], &o, &diag)); /* from none to this one */
    OK(llmc_seq_truncate(k.seq[1], T, &diag));
    OK(llmc_seq_forward(k.seq[1], &more, 1, got, 1, &diag));
    CHECKF(apart(want, got, V) < 1e-5, "%g apart", apart(want, got, V));
    llmc_seq_close(k.seq[3]);
    OK(llmc_seq_fork(&k.seq[3], k.seq[0], T, &o, &diag));
    CHECK(k.seq[3]->n_cached == T);
    OK(llmc_seq_configure(k.seq[3], &none, &diag));
    CHECK(k.seq[3]->n_cached == 0);
    o.lora_scale = 1;
    OK(llmc_seq_configure(k.seq[0], &o, &diag)); /* the same in other words */
    CHECK(k.seq[0]->n_cached == T + 1);
    free(k.mem);
    free(mem);
}

/* Requests that begin alike share what is cached with the same adapter only. */
static void prefixes(void)
{
    llmc_engine_options eo;
    llmc_seq_options o[3];
    llmc_request *r[3];
    llmc_request_info info;
    llmc_engine *e;
    llmc_trainer *t;
    llmc_token ids[48], said[3][4];
    llmc_piece piece;
    size_t bytes;
    void *mem, *engine_mem;
    uint32_t i, turn;
    memset(&eo, 0, sizeof eo);
    memset(o, 0, sizeof o);
    t = random_adapter(base, 4, 0, 31, &mem);
    eo.max_seqs = 2;
    eo.max_requests = 3;
    eo.prefix_bytes = 1 << 24;
    eo.lora_rank = 4;
    OK(llmc_engine_need(base, &eo, &bytes, &diag));
    engine_mem = malloc(bytes);
    OK(llmc_engine_init(&e, base, &eo, engine_mem, bytes, &diag));
    for (i = 0; i < 48; i++)
        ids[i] = (llmc_token)(i * 13 % V);
    for (i = 0; i < 3; i++) {
        o[i].max_tokens = 4;
        o[i].ignore_end = true;
        o[i].lora = i == 1 ? NULL : llmc_trainer_lora(t);
    }
    for (turn = 0; turn < 3; turn++) { /* one after the other */
        uint32_t at = 0;
        OK(llmc_request_add(&r[turn], e, ids, 48, 0, &o[turn], &diag));
        while (at < 4) {
            OK(llmc_engine_pump(e, &diag));
            while (at < 4 && llmc_request_poll(r[turn], &piece))
                said[turn][at++] = piece.token;
        }
        llmc_request_progress(r[turn], &info);
        CHECKF((info.n_shared > 0) == (turn == 2), "request %u shares %u", turn, info.n_shared);
        llmc_request_close(r[turn]);
    }
    CHECK(memcmp(said[0], said[2], sizeof said[0]) == 0);
    free(engine_mem);
    free(mem);
}

/* Options and files that cannot be. */
static void refusals(void)
{
    llmc_lora_options lo;
    llmc_trainer_options o;
    llmc_optim_options optim;
    llmc_config c = *llmc_model_config(base);
    llmc_trainer *t, *u;
    llmc_save_options save;
    llmc_engine_options eo;
    size_t bytes;
    sink s, config;
    llmc_writer w;
    llmc_blob b[2];
    void *mem, *other_mem, *work;
    const char *edit;
    memset(&o, 0, sizeof o);
    memset(&optim, 0, sizeof optim);
    memset(&eo, 0, sizeof eo);
    o.rows = 1;
    o.tokens = 8;
    o.lora = &lo;
#define LORA(member, value, from, want)                                                                    \
    do {                                                                                                   \
        memset(&lo, 0, sizeof lo);                                                                         \
        lo.member = value;                                                                                 \
        REFUSED(llmc_trainer_need(from == NULL ? &c : NULL, from, &o, &bytes, &diag), LLMC_BAD_ARG, want); \
    } while (0)
    LORA(rank, 4, (const llmc_model *)NULL, "model to start with");
    LORA(rank, 1025, base, "rank");
    LORA(alpha, -1, base, "alpha");
    LORA(targets, 1u << 7, base, "targets");
    LORA(dropout, 1, base, "dropout");
    LORA(targets, LLMC_LORA_GATE, two, "targets"); /* GPT-2 has none */
    t = random_adapter(two, 3, 0, 9, &mem);
    LORA(from, llmc_trainer_lora(t), base, "another model");
    memset(&lo, 0, sizeof lo);
    lo.from = llmc_trainer_lora(t);
    lo.rank = 4;
    OK(llmc_trainer_need(NULL, two, &o, &bytes, &diag));
    work = malloc(bytes);
    REFUSED(llmc_trainer_init(&u, NULL, two, &o, work, bytes, &diag), LLMC_BAD_ARG, "rank 4");
    lo.rank = 3;
    free(work);
    OK(llmc_trainer_need(NULL, two, &o, &bytes, &diag));
    work = malloc(bytes);
    OK(llmc_trainer_init(&u, NULL, two, &o, work, bytes, &diag));
    CHECK(memcmp(u->w, t->w, 4) == 0);
    free(work);
    /* merging */
    memset(&save, 0, sizeof save);
    w = writer(&s);
    save.lora = llmc_trainer_lora(t);
    bytes = llmc_model_save_need(two);
    work = malloc(bytes);
    REFUSED(llmc_model_save(base, &save, &w, work, bytes, &diag), LLMC_BAD_ARG, "lora");
    save.format = LLMC_SAVE_SAFETENSORS;
    REFUSED(llmc_model_save(two, &save, &w, work, bytes, &diag), LLMC_BAD_ARG, "lora");
    save.format = LLMC_SAVE_GGUF;
    save.lora_scale = -1.0f / 0.0f;
    REFUSED(llmc_model_save(two, &save, &w, work, bytes, &diag), LLMC_BAD_ARG, "lora");
    free(work);
    free(s.data);
    /* engines */
    eo.lora_rank = 1025;
    REFUSED(llmc_engine_need(base, &eo, &bytes, &diag), LLMC_BAD_ARG, "lora_rank");
    {
        llmc_seq_options so;
        llmc_tasks none;
        machine k;
        memset(&none, 0, sizeof none);
        memset(&so, 0, sizeof so);
        open_machine(&k, base, 8, none);
        so.lora = llmc_trainer_lora(t);
        REFUSED(llmc_seq_open(&k.seq[0], k.engine, &so, &diag), LLMC_BAD_ARG, "engine's model");
        free(k.mem);
    }
    free(mem);
    /* files */
    t = random_adapter(base, 3, LLMC_LORA_Q | LLMC_LORA_UP, 10, &other_mem);
    save_lora(llmc_trainer_lora(t), LLMC_LORA_PEFT, &s);
    save_lora(llmc_trainer_lora(t), LLMC_LORA_PEFT_CONFIG, &config);
    b[0] = blob(&s, "a.safetensors");
    b[1] = blob(&config, "adapter_config.json");
    OK(llmc_lora_need(base, b, 2, &bytes, &diag));
    REFUSED(llmc_lora_need(base, b, 1, &bytes, &diag), LLMC_BAD_ARG, "adapter_config.json");
    REFUSED(llmc_lora_need(base, b + 1, 1, &bytes, &diag), LLMC_BAD_FILE, "tensors");
    REFUSED(llmc_lora_need(base, b, 0, &bytes, &diag), LLMC_BAD_ARG, "files");
    REFUSED(llmc_lora_need(NULL, b, 2, &bytes, &diag), LLMC_BAD_ARG, "model");
    REFUSED(llmc_lora_need(two, b, 2, &bytes, &diag), LLMC_BAD_FILE, "up_proj");
#define CONFIG(text, status, want)                                        \
    do {                                                                  \
        edit = text;                                                      \
        b[1].data = edit;                                                 \
        b[1].size = strlen(edit);                                         \
        REFUSED(llmc_lora_need(base, b, 2, &bytes, &diag), status, want); \
    } while (0)
    CONFIG("[1]", LLMC_BAD_FILE, "peft_type");
    CONFIG("{\"peft_type\":\"IA3\"}", LLMC_BAD_FILE, "LORA");
    CONFIG("{\"peft_type\":\"LORA\",\"r\":3}", LLMC_BAD_FILE, "lora_alpha");
    CONFIG("{\"peft_type\":\"LORA\",\"lora_alpha\":\"4\"}", LLMC_BAD_FILE, "lora_alpha");
    CONFIG("{\"peft_type\":\"LORA\",\"lora_alpha\":-4}", LLMC_BAD_FILE, "lora_alpha");
    CONFIG("{\"peft_type\":\"LORA\",\"lora_alpha\":4,\"use_dora\":true}", LLMC_UNSUPPORTED, "use_dora");
    CONFIG("{\"peft_type\":\"LORA\",\"lora_alpha\":4,\"bias\":\"all\"}", LLMC_UNSUPPORTED, "bias");
    CONFIG("{\"peft_type\":\"LORA\",\"lora_alpha\":4,\"rank_pattern\":{\"q\":1}}", LLMC_UNSUPPORTED,
           "rank_pattern");
    CONFIG("{\"peft_type\":\"LORA\",\"lora_alpha\":4,\"modules_to_save\":[\"lm_head\"]}", LLMC_UNSUPPORTED,
           "modules_to_save");
    CONFIG("{\"peft_type\"", LLMC_BAD_FILE, "");
    { /* 4 over the root of 3 */
        llmc_lora *lora;
        void *lora_mem;
        edit = "{\"peft_type\":\"LORA\",\"lora_alpha\":4,\"use_rslora\":true,\"modules_to_save\":null}";
        b[1].data = edit;
        b[1].size = strlen(edit);
        lora = open_lora(base, b, 2, &lora_mem);
        CHECK(lora->pair[0].scale > 2.3093f && lora->pair[0].scale < 2.3095f);
        free(lora_mem);
    }
    free(s.data);
    free(config.data);
    /* a half that is missing, twice there, of another shape, of no map: by renaming and resizing */
    save_lora(llmc_trainer_lora(t), LLMC_LORA_GGUF, &s);
    b[0] = blob(&s, "a.gguf");
    {
        static const struct {
            const char *from, *to, *want;
            llmc_status status;
        } edits[] = {
            {"blk.0.attn_q.weight.lora_b", "blk.0.attn_q.weight.lora_a", "inputs", LLMC_BAD_FILE},
            {"blk.0.attn_q.weight.lora_b", "blk.1.attn_q.weight.lora_b", "twice", LLMC_BAD_FILE},
            {"blk.1.attn_q.weight.lora_a", "blk.2.attn_q.weight.lora_a", "no such map", LLMC_BAD_FILE},
            {"blk.1.attn_q.weight.lora_a", "blk.1.attn_z.weight.lora_a", "only those", LLMC_UNSUPPORTED},
            {"blk.1.attn_q.weight.lora_a", "blk.1.attn_q.weight.lora_z", "no adapter's", LLMC_UNSUPPORTED},
            {"blk.1.attn_q.weight.lora_b", "blk.1.attn_k.weight.lora_b", "outputs", LLMC_BAD_FILE},
            {"blk.1.ffn_up.weight.lora_b", "blk.1.attn_q.weight.lora_b", "outputs", LLMC_BAD_FILE},
            {"general.type", "general.typo", "general.type", LLMC_BAD_FILE},
            {"adapter.lora.alpha", "adapter.lora.alphb", "alpha", LLMC_BAD_FILE},
            {"llama", "llamb", "architecture", LLMC_BAD_FILE}};
        size_t i, at, n;
        for (i = 0; i < sizeof edits / sizeof edits[0]; i++) {
            llmc_lora *lora;
            llmc_status status;
            n = strlen(edits[i].from);
            for (at = 0; at + n < s.n && memcmp(s.data + at, edits[i].from, n) != 0;)
                at++;
            CHECK(at + n < s.n);
            memcpy(s.data + at, edits[i].to, n);
            diag.message[0] = 0;
            status = llmc_lora_need(base, b, 1, &bytes, &diag);
            if (status == LLMC_OK) { /* what only shows once both halves are there */
                work = malloc(bytes);
                status = llmc_lora_init(&lora, base, b, 1, work, bytes, &diag);
                free(work);
            }
            CHECKF(status == edits[i].status && strstr(diag.message, edits[i].want) != NULL, "%s: %d '%s'",
                   edits[i].to, (int)status, diag.message);
            memcpy(s.data + at, edits[i].from, n);
        }
    }
    free(s.data);
    free(other_mem);
}

/* Cut anywhere, any byte changed: an error or an adapter, never harm. */
static void damaged(void)
{
    uint64_t random = test_seed(17);
    llmc_trainer *t;
    void *mem;
    int form;
    t = random_adapter(base, 2, LLMC_LORA_Q | LLMC_LORA_DOWN, 10, &mem);
    for (form = 0; form < 2; form++) {
        sink s, config;
        llmc_blob b[2];
        unsigned char *copy;
        size_t bytes, cut, i, k;
        save_lora(llmc_trainer_lora(t), form == 0 ? LLMC_LORA_GGUF : LLMC_LORA_PEFT, &s);
        save_lora(llmc_trainer_lora(t), LLMC_LORA_PEFT_CONFIG, &config);
        b[0] = blob(&s, "damaged");
        b[1] = blob(&config, "adapter_config.json");
        for (cut = 0; cut < s.n; cut += cut < 1500 ? 7 : 211) {
            b[0].size = cut;
            copy = (unsigned char *)malloc(cut > 0 ? cut : 1); /* so that a read behind it shows */
            memcpy(copy, s.data, cut);
            b[0].data = copy;
            CHECK(llmc_lora_need(base, b, (size_t)form + 1, &bytes, &diag) != LLMC_OK);
            free(copy);
        }
        b[0].size = s.n;
        b[0].data = s.data;
        for (i = 0; i < 1500; i++) {
            unsigned char was[3];
            size_t at[3];
            for (k = 0; k < 3; k++) {
                at[k] = test_random(&random, (unsigned)(s.n < 2200 ? s.n : 2200));
                was[k] = s.data[at[k]];
                s.data[at[k]] = (unsigned char)test_random(&random, 256);
            }
            if (llmc_lora_need(base, b, (size_t)form + 1, &bytes, &diag) == LLMC_OK) {
                llmc_lora *lora;
                void *work = malloc(bytes);
                (void)llmc_lora_init(&lora, base, b, (size_t)form + 1, work, bytes, &diag);
                free(work);
            }
            for (k = 3; k-- > 0;)
                s.data[at[k]] = was[k];
        }
        free(s.data);
        free(config.data);
    }
    free(mem);
}

/* Stopped and taken up again: the same bits; another base or another adapter's is refused. */
static void resumes(void)
{
    llmc_lora_options lo;
    llmc_trainer *a, *b, *c;
    llmc_writer w;
    sink half;
    uint64_t seed = 5, again;
    void *mem[3];
    memset(&lo, 0, sizeof lo);
    lo.rank = 4;
    lo.dropout = 0.1f;
    a = trainer(NULL, base, &lo, LLMC_ADAMW, &mem[0]);
    steps(a, 5, 7, &seed);
    again = seed;
    w = writer(&half);
    OK(llmc_trainer_save(a, "note", 4, &w, NULL, &diag));
    steps(a, 5, 5, &seed);
    b = trainer(NULL, base, &lo, LLMC_ADAMW, &mem[1]);
    OK(llmc_trainer_load(b, half.data, half.n, &diag));
    steps(b, 5, 5, &again);
    CHECK(memcmp(a->w, b->w, (size_t)a->params.total * sizeof(float)) == 0);
    free(mem[1]);
    lo.rank = 5;
    c = trainer(NULL, base, &lo, LLMC_ADAMW, &mem[2]);
    REFUSED(llmc_trainer_load(c, half.data, half.n, &diag), LLMC_BAD_ARG, "another model");
    free(mem[2]);
    lo.rank = 4;
    lo.alpha = 4;
    c = trainer(NULL, base, &lo, LLMC_ADAMW, &mem[2]);
    REFUSED(llmc_trainer_load(c, half.data, half.n, &diag), LLMC_BAD_ARG, "another model");
    free(mem[2]);
    c = trainer(NULL, base, NULL, LLMC_ADAMW, &mem[2]);
    REFUSED(llmc_trainer_load(c, half.data, half.n, &diag), LLMC_BAD_ARG, "another model");
    free(mem[2]);
    free(mem[0]);
    free(half.data);
}

int main(void)
{
    make_base(llama, &base_file, &base, &base_mem);
    make_base(gpt2, &two_file, &two, &two_mem);
    RUN(learns);
    RUN(round_trips);
    RUN(batches);
    RUN(caches);
    RUN(prefixes);
    RUN(refusals);
    RUN(damaged);
    RUN(resumes);
    free(base_mem);
    free(two_mem);
    free(base_file.data);
    free(two_file.data);
    return test_end("lora");
}
