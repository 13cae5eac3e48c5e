/* test_save.c -- every family and format to GGUF and back

   The models of test_family.c and test_formats.c (see there; FAMILIES and FORMATS name their folders)
   are written as GGUF in F32 and opened again: the configuration has to be the same field by field,
   and the logits within rounding. Those that are wide enough are written in every type. Then what a
   caller can do wrong, and files other than GGUF.

   SAVE  only models whose name contains this */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

#define MAX_IDS 256

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

static bool open_bytes(opened *o, const sink *s)
{
    llmc_blob file;
    llmc_model *m = NULL;
    size_t need = 0;
    memset(o, 0, sizeof *o);
    file.data = s->data;
    file.size = s->size;
    file.name = "saved";
    if (!CHECKF(llmc_model_need(&file, 1, NULL, &need, &diag) == LLMC_OK, "reading back: %s", diag.message))
        return false;
    o->model_mem = malloc(need);
    if (!CHECKF(llmc_model_init(&m, &file, 1, NULL, o->model_mem, need, &diag) == LLMC_OK, "reading back: %s",
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
    return llmc__sqrt(sum / (double)n);
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
    *rms = llmc__sqrt(sum / (double)n) / sd;
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
static double through(const llmc_model *m, const listed *l, const llmc_save_options *opt, const float *want,
                      double *rms)
{
    sink s;
    opened o;
    size_t n = answers(m, l);
    float *got = (float *)malloc(n * sizeof *got);
    double d = 1e30;
    *rms = 1e30;
    memset(&s, 0, sizeof s);
    if (CHECKF(save(m, opt, &s) == LLMC_OK, "%s", diag.message)) {
        if (open_bytes(&o, &s)) {
            if (opt->type == LLMC_F32 && opt->mix == LLMC_MIX_NONE)
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
        d = through(o.model, l, &opt, want, &rms);
        if (getenv("TEST_VERBOSE") != NULL)
            printf("  %-32s %.2g of a standard deviation\n", l->name, d);
        CHECKF(d < (loose ? 0.1 : 1e-5), "F32: error %.3g of a standard deviation", d);
        if (!loose) {
            opt.type = LLMC_DTYPE_NONE;
            d = through(o.model, l, &opt, want, &rms);
            CHECKF(rms < 0.03, "as it is: error %.3g of a standard deviation", rms);
        }
    }
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
        worst = through(o.model, l, &opt, want, &rms);
        if (getenv("TEST_VERBOSE") != NULL)
            printf("  %-24s %-7s %.4f of a standard deviation, at worst %.3f\n", l->name, types[i].name, rms,
                   worst);
        CHECKF(rms < types[i].limit, "%s: error %.3g of a standard deviation", types[i].name, rms);
    }
    free(want);
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
    RUN(run_types);
    run_list(made("FAMILIES", "families.py", "build/test/families", "--update"));
    run_list(made("FORMATS", "formats.py", "build/test/formats", ""));
    return test_end("save");
}
