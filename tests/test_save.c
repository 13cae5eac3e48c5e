/* test_save.c -- every family and format to GGUF and back

   The models of test_family.c and test_formats.c (see there; FAMILIES and FORMATS name their folders)
   are written as GGUF in F32 and opened again: the configuration has to be the same field by field,
   and the logits within rounding. Those that are wide enough are written in every type. Then what a
   caller can do wrong, and files other than GGUF.

   SAVE  only models whose name contains this */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"
#include <math.h>

#define MAX_IDS 256
#define TEXT    4096 /* ids of a text, in windows of WINDOW */
#define WINDOW  128

/* One line of a list.txt. */
typedef struct listed {
    char name[128], path[768], kind[16];
    llmc_token ids[MAX_IDS];
    size_t n;
    unsigned context;
} listed;

/* A growing file in memory, which may be told to stop. */
typedef struct sink {
    unsigned char *data;
    size_t size, room, limit; /* limit 0: none */
} sink;

static bool sink_write(void *user, const void *data, size_t n)
{
    sink *s = (sink *)user;
    if (s->limit != 0 && s->size + n > s->limit)
        return false;
    if (s->size + n > s->room) {
        s->room = 2 * (s->size + n);
        s->data = (unsigned char *)realloc(s->data, s->room);
    }
    memcpy(s->data + s->size, data, n);
    s->size += n;
    return true;
}

//--[ running a model ]--
/* A model with an engine, from a path or from bytes. */
typedef struct opened {
    llmc_host host; /* of a path */
    const llmc_model *model;
    void *model_mem;
} opened;

static llmc_diag diag;

static bool open_path(opened *o, const char *path)
{
    llmc_open_options opt;
    memset(o, 0, sizeof *o);
    memset(&opt, 0, sizeof opt);
    opt.no_engine = true;
    if (!CHECKF(llmc_open(&o->host, path, &opt, &diag) == LLMC_OK, "%s", diag.message))
        return false;
    o->model = o->host.model;
    return true;
}

/* beside: a folder whose JSON and settings go with the bytes, or NULL. */
static bool open_bytes(opened *o, const sink *s, const llmc_host *beside)
{
    llmc_blob file[16];
    llmc_model *m = NULL;
    size_t need = 0, n = 1, i;
    memset(o, 0, sizeof *o);
    file[0].data = s->data;
    file[0].size = s->size;
    file[0].name = "saved";
    for (i = 0; beside != NULL && i < beside->n_files && n < 16; i++)
        if (llmc_file_identify(&beside->files[i]) == LLMC_FILE_JSON ||
            llmc_file_identify(&beside->files[i]) == LLMC_FILE_SETTINGS)
            file[n++] = beside->files[i];
    if (!CHECKF(llmc_model_need(file, n, NULL, &need, &diag) == LLMC_OK, "reading back: %s", diag.message))
        return false;
    o->model_mem = malloc(need);
    if (!CHECKF(llmc_model_init(&m, file, n, NULL, o->model_mem, need, &diag) == LLMC_OK, "reading back: %s",
                diag.message))
        return false;
    o->model = m;
    return true;
}

static void close_model(opened *o)
{
    if (o->model_mem != NULL)
        free(o->model_mem);
    else if (o->model != NULL)
        llmc_close(&o->host);
    memset(o, 0, sizeof *o);
}

/* How many numbers `answer` gives: logits of all ids, or one state of an encoder. */
static size_t answers(const llmc_model *m, const listed *l)
{
    const llmc_config *c = llmc_model_config(m);
    return c->no_head ? c->n_embd : l->n * c->vocab_size;
}

/* out [answers]. */
static bool answer(const llmc_model *m, const listed *l, float *out)
{
    llmc_engine_options opt;
    llmc_engine *e;
    llmc_seq *seq;
    size_t need;
    void *mem;
    bool ok;
    memset(&opt, 0, sizeof opt);
    opt.context_length = l->context;
    opt.kv_type = LLMC_F32;
    if (!CHECKF(llmc_engine_need(m, &opt, &need, &diag) == LLMC_OK, "%s", diag.message))
        return false;
    mem = malloc(need);
    ok = llmc_engine_init(&e, m, &opt, mem, need, &diag) == LLMC_OK &&
         llmc_seq_open(&seq, e, NULL, &diag) == LLMC_OK &&
         (llmc_model_config(m)->no_head ? llmc_seq_embed(seq, l->ids, l->n, LLMC_POOL_MEAN, out, &diag)
                                        : llmc_seq_forward(seq, l->ids, l->n, out, l->n, &diag)) == LLMC_OK;
    CHECKF(ok, "%s", diag.message);
    free(mem);
    return ok;
}

static double deviation(const float *x, size_t n)
{
    double mean = 0, sum = 0;
    size_t i;
    for (i = 0; i < n; i++)
        mean += (double)x[i] / (double)n;
    for (i = 0; i < n; i++)
        sum += ((double)x[i] - mean) * ((double)x[i] - mean);
    return sqrt(sum / (double)n);
}

/* Largest difference, and by *rms the root of the mean square, in standard deviations of x. */
static double distance(const float *x, const float *y, size_t n, double *rms)
{
    double worst = 0, sum = 0, sd = deviation(x, n);
    size_t i;
    for (i = 0; i < n; i++) {
        double d = (double)x[i] - (double)y[i];
        sum += d * d;
        d = d < 0 ? -d : d;
        if (!(d <= worst))
            worst = d == d ? d : 1e30;
    }
    *rms = sqrt(sum / (double)n) / sd;
    return worst / sd;
}

//--[ configurations ]--
static void same_u32(const char *field, uint32_t a, uint32_t b)
{
    CHECKF(a == b, "%s: %u became %u", field, (unsigned)a, (unsigned)b);
}

/* To one part in a million: 1 / (1 / x) is not always x. */
static void same_f32(const char *field, float a, float b)
{
    float d = a > b ? a - b : b - a, m = a > 0 ? a : -a;
    CHECKF(d <= 1e-6f * m, "%s: %.9g became %.9g", field, (double)a, (double)b);
}

static void same_layers(const char *field, const llmc_layers *a, const llmc_layers *b, uint32_t n)
{
    uint32_t l;
    for (l = 0; l < n; l++)
        CHECKF(llmc_layers_has(a, l) == llmc_layers_has(b, l), "%s: layer %u differs", field, (unsigned)l);
}

#define U(field) same_u32(#field, (uint32_t)a->field, (uint32_t)b->field)
#define F(field) same_f32(#field, a->field, b->field)
#define L(field) same_layers(#field, &a->field, &b->field, a->n_layer)

/* b is a as a GGUF holds it: norms have their 1, rows their order, and three kinds of scaling are
   numbers that come to the same. */
static void same_config(const llmc_config *a, const llmc_config *b, bool rows_move)
{
    bool rule = a->rope_scaling == LLMC_ROPE_LLAMA3, longer = a->rope_scaling == LLMC_ROPE_LONG;
    CHECKF(strcmp(a->family, b->family) == 0, "family: %s became %s", a->family, b->family);
    U(vocab_size), U(n_layer), U(n_embd), U(n_head), U(n_kv_head), U(head_dim), U(n_ff), U(context_length);
    U(norm), F(norm_eps), U(norm_plain), U(pre_norm), U(branch_norm), U(post_norm), U(embed_norm);
    U(no_out_norm), U(n_token_types), F(embed_scale), F(residual_scale), F(logit_scale), F(logit_softcap);
    F(logit_clamp), U(tied_head), U(no_head), U(pooling), U(pos), U(rope_dims), U(rope_reverse), L(unturned);
    F(rope_base), U(rope_local), U(bidirectional), U(parallel), U(window_size), U(sink_tokens);
    F(attn_scale), F(attn_softcap), F(attn_clamp), U(qk_norm), U(qk_norm_late), F(qk_scale);
    U(sink_logits), U(act), U(gated), U(n_expert), U(n_expert_used), U(n_ff_expert), U(n_ff_shared);
    U(expert_renorm), U(smear_channels), U(value_channels), U(x_lambdas), U(backout_layer);
    L(dense), L(value_layers);
    if (a->window_size > 0)
        L(windowed);
    if (a->rope_local)
        F(rope_local_base);
    if (a->pos == LLMC_POS_ROPE) {
        CHECK(b->rope_scaling == (rule ? LLMC_ROPE_FACTORS : a->rope_scaling));
        U(rope_original);
        if (!rule && !longer)
            F(rope_factor), F(rope_attn_factor);
        if (a->rope_scaling == LLMC_ROPE_YARN)
            F(yarn_fast), F(yarn_slow), U(yarn_exact);
    }
    if (!rows_move)
        U(rope), U(norm_plus_one), U(qkv_grouped);
    else
        CHECK(!b->norm_plus_one && !b->qkv_grouped);
}

#undef U
#undef F
#undef L

//--[ saving ]--
static llmc_status save(const llmc_model *m, const llmc_save_options *opt, sink *s)
{
    llmc_writer w;
    size_t need = llmc_model_save_need(m);
    void *work = malloc(need);
    llmc_status status;
    w.write = sink_write;
    w.user = s;
    status = llmc_model_save(m, opt, &w, work, need, &diag);
    free(work);
    return status;
}

/* Saves in a type, opens that and has it answer; rms and the largest distance from want. */
static double through(const opened *from, const listed *l, const llmc_save_options *opt, const float *want,
                      double *rms)
{
    const llmc_model *m = from->model;
    bool folder = opt->format == LLMC_SAVE_SAFETENSORS;
    sink s;
    opened o;
    size_t n = answers(m, l);
    float *got = (float *)malloc(n * sizeof *got);
    double d = 1e30;
    *rms = 1e30;
    memset(&s, 0, sizeof s);
    if (CHECKF(save(m, opt, &s) == LLMC_OK, "%s", diag.message)) {
        if (open_bytes(&o, &s, folder ? &from->host : NULL)) {
            if (opt->type == LLMC_F32 && opt->format == LLMC_SAVE_GGUF)
                same_config(llmc_model_config(m), llmc_model_config(o.model),
                            llmc_model_file_kind(m) != LLMC_FILE_GGUF);
            if (CHECK(answers(o.model, l) == n) && answer(o.model, l, got))
                d = distance(want, got, n, rms);
        }
        close_model(&o);
    }
    free(s.data);
    free(got);
    return d;
}

/* Whether a model can be written so; if not it must be said why. */
static bool holds(const llmc_model *m, const llmc_save_options *opt)
{
    sink s;
    llmc_status status;
    memset(&s, 0, sizeof s);
    status = save(m, opt, &s);
    CHECKF(status == LLMC_OK || (status == LLMC_UNSUPPORTED && s.size == 0 && diag.message[0] != 0), "%s",
           diag.message);
    free(s.data);
    return status == LLMC_OK;
}

/* A maker's folder as safetensors, read with its own config.json, and as torchless where that can hold it. */
static void run_containers(const opened *o, const listed *l, const float *want)
{
    const llmc_config *c = llmc_model_config(o->model);
    llmc_save_options opt;
    double rms, d;
    memset(&opt, 0, sizeof opt);
    opt.type = LLMC_F32;
    opt.format = LLMC_SAVE_SAFETENSORS;
    if (holds(o->model, &opt)) {
        d = through(o, l, &opt, want, &rms);
        CHECKF(d < 1e-5, "safetensors: error %.3g of a standard deviation", d);
    } else {
        CHECK(strcmp(c->family, "gpt-oss") == 0);
    }
    opt.format = LLMC_SAVE_TORCHLESS;
    if (holds(o->model, &opt)) {
        d = through(o, l, &opt, want, &rms);
        CHECKF(d < 1e-5, "torchless: error %.3g of a standard deviation", d);
    } else {
        CHECK(strcmp(l->name, "llama-mha/hf") != 0 && strcmp(l->name, "mistral/hf") != 0);
    }
}

/* A model to GGUF in F32, and as it is: the same logits. What is quantised in the source is another matter as it
   is: its kernels round activations otherwise than f32's. */
static void run_line(const listed *l)
{
    opened o;
    llmc_save_options opt;
    float *want;
    double rms, d;
    size_t n;
    memset(&opt, 0, sizeof opt);
    if (!open_path(&o, l->path)) {
        return;
    }
    n = answers(o.model, l);
    want = (float *)malloc(n * sizeof *want);
    if (answer(o.model, l, want)) {
        bool loose = strcmp(l->kind, "loose") == 0;
        opt.type = LLMC_F32;
        d = through(&o, l, &opt, want, &rms);
        if (getenv("TEST_VERBOSE") != NULL)
            printf("  %-32s %.2g of a standard deviation\n", l->name, d);
        CHECKF(d < (loose ? 0.1 : 1e-5), "F32: error %.3g of a standard deviation", d);
        if (!loose) {
            opt.type = LLMC_DTYPE_NONE;
            d = through(&o, l, &opt, want, &rms);
            CHECKF(rms < 0.03, "as it is: error %.3g of a standard deviation", rms);
        }
    }
    if (llmc_model_file_kind(o.model) == LLMC_FILE_SAFETENSORS)
        run_containers(&o, l, want);
    free(want);
    close_model(&o);
}

//--[ types ]--
/* Root mean squares that a type may cost, in standard deviations of the logits: 3 %, of 4 and 3 bits 15 %,
   of 2 30 %. */
static const struct {
    const char *name;
    llmc_dtype type;
    llmc_mix mix;
    double limit;
} types[] = {{"F16", LLMC_F16, LLMC_MIX_NONE, 0.03},       {"BF16", LLMC_BF16, LLMC_MIX_NONE, 0.03},
             {"Q8_0", LLMC_Q8_0, LLMC_MIX_NONE, 0.03},     {"Q6_K", LLMC_Q6_K, LLMC_MIX_NONE, 0.03},
             {"Q5_0", LLMC_Q5_0, LLMC_MIX_NONE, 0.03},     {"Q5_1", LLMC_Q5_1, LLMC_MIX_NONE, 0.03},
             {"Q5_K", LLMC_Q5_K, LLMC_MIX_NONE, 0.03},     {"Q5_K_M", LLMC_Q5_K, LLMC_MIX_MEDIUM, 0.03},
             {"Q4_0", LLMC_Q4_0, LLMC_MIX_NONE, 0.15},     {"Q4_1", LLMC_Q4_1, LLMC_MIX_NONE, 0.15},
             {"Q4_K", LLMC_Q4_K, LLMC_MIX_NONE, 0.15},     {"Q4_K_S", LLMC_Q4_K, LLMC_MIX_SMALL, 0.15},
             {"Q4_K_M", LLMC_Q4_K, LLMC_MIX_MEDIUM, 0.15}, {"IQ4_NL", LLMC_IQ4_NL, LLMC_MIX_NONE, 0.15},
             {"IQ4_XS", LLMC_IQ4_XS, LLMC_MIX_NONE, 0.15}, {"MXFP4", LLMC_MXFP4, LLMC_MIX_NONE, 0.15},
             {"Q3_K", LLMC_Q3_K, LLMC_MIX_NONE, 0.15},     {"Q3_K_M", LLMC_Q3_K, LLMC_MIX_MEDIUM, 0.15},
             {"Q2_K", LLMC_Q2_K, LLMC_MIX_NONE, 0.3},      {"Q8_K", LLMC_Q8_K, LLMC_MIX_NONE, 0.03}};

/* The first ids of a file of numbers. */
static size_t read_ids(llmc_token *out, size_t cap, const char *path)
{
    FILE *f = fopen(path, "r");
    size_t n = 0;
    int id;
    while (f != NULL && n < cap && fscanf(f, "%d%*[, \n]", &id) >= 1)
        out[n++] = (llmc_token)id;
    if (f != NULL)
        fclose(f);
    return n;
}

/* Every type on a trained model, on text that it knows. The random models above would show more of their own
   chaos than of the types. */
static void run_types(void)
{
    static listed line;
    const listed *l = &line;
    opened o;
    llmc_save_options opt;
    float *want;
    double rms, worst;
    size_t i;
    snprintf(line.path, sizeof line.path, "tests/models/trained256");
    snprintf(line.name, sizeof line.name, "trained256");
    line.n = read_ids(line.ids, 128, "tests/models/trained256/eval.ids");
    line.context = 128;
    if (!CHECK(line.n == 128) || !open_path(&o, l->path))
        return;
    want = (float *)malloc(answers(o.model, l) * sizeof *want);
    for (i = 0; i < sizeof types / sizeof types[0] && (i > 0 || answer(o.model, l, want)); i++) {
        memset(&opt, 0, sizeof opt);
        opt.type = types[i].type;
        opt.mix = types[i].mix;
        worst = through(&o, l, &opt, want, &rms);
        if (getenv("TEST_VERBOSE") != NULL)
            printf("  %-24s %-7s %.4f of a standard deviation, at worst %.3f\n", l->name, types[i].name, rms,
                   worst);
        CHECKF(rms < types[i].limit, "%s: error %.3g of a standard deviation", types[i].name, rms);
    }
    free(want);
    close_model(&o);
}

/* Torchless's int8 of the same model, whose groups are of 64. */
static void run_int8(void)
{
    static listed line;
    opened o;
    llmc_save_options opt;
    float *want;
    double rms;
    line.n = read_ids(line.ids, 128, "tests/models/trained256/eval.ids");
    line.context = 128;
    if (!open_path(&o, "tests/models/trained256"))
        return;
    want = (float *)malloc(answers(o.model, &line) * sizeof *want);
    memset(&opt, 0, sizeof opt);
    opt.type = LLMC_I8R;
    opt.format = LLMC_SAVE_TORCHLESS;
    if (answer(o.model, &line, want)) {
        through(&o, &line, &opt, want, &rms);
        CHECKF(rms < 0.03, "int8: error %.3g of a standard deviation", rms);
    }
    free(want);
    close_model(&o);
}

/* KL(base || other), the mean over n rows of V logits, in nats. */
static double divergence(const float *base, const float *other, size_t n, size_t V)
{
    double sum = 0;
    size_t i, v;
    for (i = 0; i < n; i++)
        for (v = 0; v < V; v++) {
            double p = (double)llmc_logprob(base + i * V, V, (llmc_token)v);
            sum += exp(p) * (p - (double)llmc_logprob(other + i * V, V, (llmc_token)v));
        }
    return sum / (double)n;
}

/* Reads a text in windows, out [TEXT][V]; with k into a calibration. */
static bool read_text(const llmc_model *m, const llmc_token *ids, llmc_calibration *k, float *out)
{
    llmc_engine_options opt;
    llmc_engine *e;
    llmc_seq *seq = NULL;
    size_t need = 0, at, V = llmc_model_config(m)->vocab_size;
    void *mem;
    bool ok;
    memset(&opt, 0, sizeof opt);
    opt.context_length = WINDOW;
    opt.kv_type = LLMC_F32;
    opt.calibration = k;
    CHECK(llmc_engine_need(m, &opt, &need, &diag) == LLMC_OK);
    mem = malloc(need);
    ok = llmc_engine_init(&e, m, &opt, mem, need, &diag) == LLMC_OK &&
         llmc_seq_open(&seq, e, NULL, &diag) == LLMC_OK;
    for (at = 0; ok && at < TEXT; at += WINDOW)
        ok = llmc_seq_truncate(seq, 0, &diag) == LLMC_OK &&
             llmc_seq_forward(seq, ids + at, WINDOW, out + at * V, WINDOW, &diag) == LLMC_OK;
    CHECKF(ok, "%s", diag.message);
    free(mem);
    return ok;
}

/* What a 4-bit file diverges on a text, with or without importance. */
static double four_bits(const opened *o, const llmc_token *ids, const llmc_importance *importance,
                        llmc_dtype type, const float *want)
{
    llmc_save_options opt;
    opened saved;
    sink s;
    size_t V = llmc_model_config(o->model)->vocab_size;
    float *got = (float *)malloc(TEXT * V * sizeof *got);
    double d = 1e30;
    memset(&s, 0, sizeof s);
    memset(&opt, 0, sizeof opt);
    opt.type = type;
    if (importance != NULL)
        opt.importance = *importance;
    if (CHECKF(save(o->model, &opt, &s) == LLMC_OK, "%s", diag.message)) {
        if (open_bytes(&saved, &s, NULL) && read_text(saved.model, ids, NULL, got))
            d = divergence(want, got, TEXT, V);
        close_model(&saved);
    }
    free(s.data);
    free(got);
    return d;
}

/* What a calibration knows by name. */
static void check_importance(const llmc_importance *im)
{
    size_t i;
    CHECK(im->fn(im->user, "blk.0.attn_q.weight", 256) == im->fn(im->user, "blk.0.attn_v.weight", 256));
    CHECK(im->fn(im->user, "blk.0.attn_q.weight", 255) == NULL);
    CHECK(im->fn(im->user, "blk.2.attn_q.weight", 256) == NULL);
    CHECK(im->fn(im->user, "token_embd.weight", 256) == NULL);
    CHECK(im->fn(im->user, "no such", 256) == NULL);
    for (i = 0; i < 256; i++) /* 1: unseen */
        CHECK(im->fn(im->user, "output.weight", 256)[i] != 1 &&
              im->fn(im->user, "blk.1.attn_output.weight", 256)[i] != 1);
    for (i = 0; i < 512; i++)
        CHECK(im->fn(im->user, "blk.1.ffn_down.weight", 512)[i] != 1);
}

/* Calibration sees every product, and 4 bits gain from it on text that it has not seen. */
static void run_calibration(void)
{
    static const llmc_dtype four[] = {LLMC_Q4_0, LLMC_IQ4_NL, LLMC_Q4_K};
    static llmc_token seen[TEXT], ids[TEXT];
    opened o;
    llmc_calibration *k = NULL;
    llmc_importance importance;
    size_t need, i;
    void *mem;
    float *want;
    if (!CHECK(read_ids(seen, TEXT, "tests/models/trained256/calibrate.ids") == TEXT &&
               read_ids(ids, TEXT, "tests/models/trained256/eval.ids") == TEXT) ||
        !open_path(&o, "tests/models/trained256"))
        return;
    want = (float *)malloc(TEXT * llmc_model_config(o.model)->vocab_size * sizeof *want);
    need = llmc_calibration_need(o.model);
    mem = malloc(need);
    CHECK(llmc_calibration_init(&k, o.model, mem, need - 1, &diag) == LLMC_NO_MEMORY && k == NULL);
    CHECK(llmc_calibration_init(&k, NULL, mem, need, &diag) == LLMC_BAD_ARG);
    if (CHECKF(llmc_calibration_init(&k, o.model, mem, need, &diag) == LLMC_OK, "%s", diag.message) &&
        read_text(o.model, seen, k, want)) {
        importance = llmc_calibration_importance(k);
        check_importance(&importance);
        for (i = 0; i < sizeof four / sizeof four[0] && read_text(o.model, ids, NULL, want); i++) {
            double plain = four_bits(&o, ids, NULL, four[i], want);
            double better = four_bits(&o, ids, &importance, four[i], want);
            if (getenv("TEST_VERBOSE") != NULL)
                printf("  %-7s divergence %.6f, calibrated %.6f\n", llmc_dtype_name(four[i]), plain, better);
            CHECKF(better < plain, "%s: divergence %.6f, calibrated %.6f", llmc_dtype_name(four[i]), plain,
                   better);
        }
    }
    free(want);
    free(mem);
    close_model(&o);
}

//--[ misuse ]--
static bool stop_at_once(void *user, const char *what, uint64_t done, uint64_t total)
{
    (void)user;
    (void)what;
    return done * 2 < total;
}

/* Every container: a writer that stops at any point, a caller who cancels, memory that is too small, types
   that do not exist. Nothing is written before all of that is checked. */
static void run_misuse(void)
{
    static const llmc_save_format format[] = {LLMC_SAVE_GGUF, LLMC_SAVE_SAFETENSORS, LLMC_SAVE_TORCHLESS};
    opened o;
    llmc_save_options opt;
    llmc_writer w;
    sink s, whole;
    char work[8];
    size_t i, at;
    if (!open_path(&o, "tests/models/trained256"))
        return;
    memset(&opt, 0, sizeof opt);
    for (i = 0; i < 3; i++) {
        memset(&whole, 0, sizeof whole);
        memset(&s, 0, sizeof s);
        opt.type = LLMC_F32;
        opt.format = format[i];
        CHECK(save(o.model, &opt, &whole) == LLMC_OK);
        for (at = 1; at < whole.size; at = at < 2000 ? at + 61 : 2 * at + 1) {
            s.limit = at;
            s.size = 0;
            CHECK(save(o.model, &opt, &s) == LLMC_IO && s.size <= at);
        }
        s.limit = s.size = 0;
        opt.progress.fn = stop_at_once;
        CHECK(save(o.model, &opt, &s) == LLMC_CANCELLED && s.size < whole.size);
        opt.progress.fn = NULL;
        w.write = sink_write;
        w.user = &s;
        s.size = 0;
        CHECK(llmc_model_save(o.model, &opt, &w, work, sizeof work, &diag) == LLMC_NO_MEMORY && s.size == 0);
        opt.type = LLMC_I8;
        CHECK(save(o.model, &opt, &s) == LLMC_BAD_ARG && s.size == 0);
        opt.type = i == 0 ? LLMC_MXFP4S : LLMC_Q4_0;
        CHECK(save(o.model, &opt, &s) == LLMC_BAD_ARG && s.size == 0);
        opt.type = LLMC_Q4_0;
        opt.mix = LLMC_MIX_MEDIUM;
        CHECK(save(o.model, &opt, &s) == LLMC_BAD_ARG && s.size == 0);
        opt.mix = LLMC_MIX_NONE;
        free(s.data);
        free(whole.data);
    }
    opt.format = (llmc_save_format)3;
    memset(&s, 0, sizeof s);
    CHECK(save(o.model, &opt, &s) == LLMC_BAD_ARG);
    close_model(&o);
}

//--[ lists of models ]--
static bool parse(listed *out, const char *text, const char *folder)
{
    static char path[256], ids[4096];
    char *p = ids, *end;
    if (sscanf(text, "%127s %255s %*s %4095s %u %15s", out->name, path, ids, &out->context, out->kind) != 5)
        return false;
    snprintf(out->path, sizeof out->path, "%s/%s", folder, path);
    for (out->n = 0; *p != 0 && out->n < MAX_IDS; p = *end == ',' ? end + 1 : end) {
        out->ids[out->n++] = (llmc_token)strtol(p, &end, 10);
        if (end == p)
            return false;
    }
    return out->n > 0;
}

/* Brings a generator's models up to date where Python and numpy are; the folder. */
static const char *made(const char *variable, const char *program, const char *folder, const char *how)
{
    char command[1024];
    if (getenv(variable) != NULL && getenv(variable)[0] != 0)
        return getenv(variable);
    snprintf(command, sizeof command, "/usr/bin/python3 tests/vectors/%s %s '%s' 2>/dev/null", program, how,
             folder);
    if (system(command) != 0)
        printf("  tests/vectors/%s did not run (python3-numpy?); using the models of before\n", program);
    return folder;
}

static void run_list(const char *folder)
{
    static listed l;
    static char text[8192], file[600];
    const char *only = getenv("SAVE");
    FILE *f;
    snprintf(file, sizeof file, "%s/list.txt", folder);
    f = fopen(file, "r");
    if (f == NULL) {
        test_now = folder;
        SKIP("no models: python3-numpy is missing");
        return;
    }
    while (fgets(text, sizeof text, f) != NULL) {
        test_bad = 0;
        test_now = file;
        if (CHECKF(parse(&l, text, folder), "not a line of list.txt: %.60s", text)) {
            if (only != NULL && strstr(l.name, only) == NULL)
                continue;
            test_now = l.name;
            run_line(&l);
        }
        test_close();
    }
    fclose(f);
}

int main(void)
{
    RUN(run_int8);
    if (test_every(2) == 1) { /* minutes where a processor is emulated */
        RUN(run_types);
        RUN(run_calibration);
    }
    RUN(run_misuse);
    run_list(made("FAMILIES", "families.py", "build/test/families", "--update"));
    run_list(made("FORMATS", "formats.py", "build/test/formats", ""));
    return test_end("save");
}
