// cc -O2 tools/bench.c -o bench
/* Tokens per second for prefill, decode and batches, next to what this machine's memory and
   arithmetic allow; where the time goes; which settings are fastest. */
#define LLMC_STATIC // the only file: what it does not use is not compiled
#define LLMC_IMPLEMENTATION
#include "tool.h"

#include "limits.h"
#include "synth.h"

static const char usage[] =
    "bench -m MODEL [-p N] [-n N] [-b B] [-d DEPTH] [-t N,...] [-o md|json] [--profile]\n"
    "       bench --synth SHAPE TYPE [...]        the same on random weights, made in memory\n"
    "       bench ... --tune FILE                 writes the fastest settings; --config FILE reads them\n\n"
    "Each number is the median of -r repeats. prefill: N random tokens in one sequence,\n"
    "logits only for the last. decode: N tokens one at a time. batch: B sequences that\n"
    "generate together, greedily. --draft K: speculation of up to K tokens, on and automatic, on a text "
    "that\n"
    "copies from itself and on one that does not, both dictated. DEPTH tokens stand in the cache before each "
    "measurement.\n"
    "limit: what the same threads could do if nothing but reading weights and cache, or nothing but\n"
    "multiplying, took time, measured beside it. First the kernels' results are held against plain C's.\n\n";

typedef struct settings {
    uint32_t prefill, decode, batch, depth, repeats, batch_tokens, draft;
    const char *output, *threads, *tune;
    bool synth, profile, no_verify;
} settings;

/* Of one number of threads. */
typedef struct results {
    double prefill_tps, decode_tps, batch_tps;
    double draft_tps[2][3]; /* by text (copies, other) and llmc_draft */
    uint32_t threads;
    uint64_t resident, resident_file; /* bytes in memory while it ran, and those of them that are files' */
    limits can;
} results;

/* ---- the model ------------------------------------------------------------------------- */

typedef struct loaded {
    llmc_host host; /* of -m; or all zero */
    llmc_model *model;
    void *file, *memory; /* of --synth */
    size_t file_bytes, memory_bytes;
    double load_ms;
} loaded;

typedef struct memory_file {
    uint8_t *data;
    size_t n, cap;
} memory_file;

/* llmc_writer into memory. */
static bool memory_write(void *user, const void *data, size_t n)
{
    memory_file *f = (memory_file *)user;
    if (n > f->cap - f->n)
        return false;
    memcpy(f->data + f->n, data, n);
    f->n += n;
    return true;
}

/* Random weights in memory; pages that are never written cost nothing. */
static void make_model(loaded *s, const char *shape_text, const char *type_text)
{
    synth_shape shape = synth_parse(shape_text);
    llmc_dtype type = synth_type(&shape, type_text);
    uint64_t most = synth_bytes(&shape, type);
    memory_file file;
    llmc_writer writer;
    llmc_blob blob;
    llmc_diag diag;
    double start;
    diag.message[0] = 0;
    if (most > SIZE_MAX)
        tool_die("%s %s: more than this machine can address", shape_text, type_text);
    s->file_bytes = (size_t)most;
    tool_check(llmc_os_memory(&s->file, s->file_bytes, &diag), &diag);
    file.data = (uint8_t *)s->file;
    file.n = 0;
    file.cap = s->file_bytes;
    writer.write = memory_write;
    writer.user = &file;
    synth_write(&shape, type, 1, &writer, tool_progress());
    start = tool_seconds();
    blob.data = s->file;
    blob.size = file.n;
    blob.name = "random weights";
    tool_check(llmc_model_need(&blob, 1, NULL, &s->memory_bytes, &diag), &diag);
    tool_check(llmc_os_memory(&s->memory, s->memory_bytes, &diag), &diag);
    tool_check(llmc_model_init(&s->model, &blob, 1, NULL, s->memory, s->memory_bytes, &diag), &diag);
    s->load_ms = (tool_seconds() - start) * 1e3;
}

static void open_model(loaded *s, const char *path)
{
    double start = tool_seconds();
    tool_open_model(&s->host, path, false);
    s->model = s->host.model;
    tool_compare(s->model);
    s->load_ms = (tool_seconds() - start) * 1e3;
}

static void close_model(loaded *s)
{
    llmc_os_release(s->memory, s->memory_bytes);
    llmc_os_release(s->file, s->file_bytes);
    llmc_close(&s->host);
}

/* What is in memory now: all of it, and what of it is mapped from files. Zeros where the system does not say. */
static void resident(uint64_t *all, uint64_t *of_files)
{
    FILE *f = fopen("/proc/self/status", "r");
    unsigned long long kb;
    char line[128];
    *all = *of_files = 0;
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "VmRSS: %llu", &kb) == 1)
            *all = kb * 1024;
        else if (sscanf(line, "RssFile: %llu", &kb) == 1)
            *of_files = kb * 1024;
    }
    if (f != NULL)
        fclose(f);
}

/* ---- what a token costs ------------------------------------------------------------------ */

/* Of one token, but for attention: weights read, and multiplications by the kind of number. */
typedef struct cost {
    double bytes, i8, f32, bf16;
    double head_bytes, head_i8, head_f32, head_bf16; /* of the head, part of those */
    double kv_bytes, kv_products;                    /* for each position that one layer looks at */
    double layers[2], view[2]; /* without and with a window of their own; positions that each sees at most */
} cost;

/* Adds a matrix; share: the part of it that a token uses. */
static void cost_add(cost *c, const llmc_tensor *t, double share, bool head)
{
    double n = (double)t->dim[0] * (double)t->dim[1] * (double)t->dim[2] * (double)t->dim[3] * share;
    double i8 = llmc_dtype_block(t->type) > 1 ? n : 0, bf16 = t->type == LLMC_BF16 ? n : 0;
    c->bytes += (double)t->bytes * share;
    c->i8 += i8;
    c->bf16 += bf16;
    c->f32 += n - i8 - bf16;
    if (head) {
        c->head_bytes += (double)t->bytes;
        c->head_i8 += i8;
        c->head_bf16 += bf16;
        c->head_f32 += n - i8 - bf16;
    }
}

/* How far the layers see, by the model and by the options. */
static void cost_views(cost *sum, const llmc_config *c)
{
    double sinks = tool_opt.sinks > 0 ? tool_opt.sinks : c->sink_tokens;
    uint32_t i;
    for (i = 0; i < c->n_layer; i++)
        sum->layers[llmc_layers_has(&c->windowed, i) ? 1 : 0]++;
    for (i = 0; i < 2; i++) {
        double view = i == 1 && c->window_size > 0 ? c->window_size + sinks : 1e18;
        if (tool_opt.window > 0 && tool_opt.window + sinks < view)
            view = tool_opt.window + sinks;
        if (tool_opt.kv_capacity > 0 && (double)tool_opt.kv_capacity < view)
            view = (double)tool_opt.kv_capacity;
        sum->view[i] = view;
    }
}

/* Positions that n tokens after `from` others look at, all layers together. */
static double cost_seen(const cost *c, double from, double n)
{
    double sum = 0;
    int i;
    for (i = 0; i < 2; i++) {
        double growing = c->view[i] - from < n ? c->view[i] - from : n; /* tokens that see all before them */
        growing = growing > 0 ? growing : 0;
        sum += c->layers[i] * (growing * (from + (growing + 1) / 2) + (n - growing) * c->view[i]);
    }
    return sum;
}

/* All weights but the embedding tables, of which a token takes one row; a tied head reads the embedding as a
   whole. Of experts only those chosen. */
static cost cost_of(const llmc_model *model)
{
    const llmc_config *c = llmc_model_config(model);
    llmc_dtype keys = tool_opt.kv_type != LLMC_DTYPE_NONE ? tool_opt.kv_type : LLMC_F16;
    llmc_dtype values = tool_opt.kv_type_v != LLMC_DTYPE_NONE ? tool_opt.kv_type_v : keys;
    cost sum;
    uint32_t i;
    memset(&sum, 0, sizeof sum);
    for (i = 0; i < llmc_model_tensor_count(model); i++) {
        const llmc_tensor *t = llmc_model_tensor(model, i);
        bool embedding = strcmp(t->name, "token_embd.weight") == 0;
        bool experts =
            c->n_expert > 0 && (strstr(t->name, "_exps.") != NULL || strstr(t->name, ".experts.") != NULL);
        if (strcmp(t->name, "position_embd.weight") == 0 || (embedding && !c->tied_head))
            continue;
        cost_add(&sum, t, experts ? (double)c->n_expert_used / (double)c->n_expert : 1.0,
                 embedding || strcmp(t->name, "output.weight") == 0);
    }
    cost_views(&sum, c);
    sum.kv_products = 2.0 * c->n_head * c->head_dim;
    sum.kv_bytes = (double)(llmc__key_bytes(keys, c->head_dim) + llmc__value_bytes(values, c->head_dim)) /
                   LLMC__PAGE_TOKENS * c->n_kv_head;
    return sum;
}

static double part_of(double amount, const limits_peak *p)
{
    return amount <= 0 ? 0 : p->rate > 0 ? 2 * amount / p->rate : 0;
}

/* Seconds for n tokens that see `seen` positions in all layers together, `heads` of them with logits, in `passes` passes over
   the weights: reading or multiplying, whichever takes longer. bf16 is multiplied as f32 where that is faster
   (on some processors its product takes twice as long). */
static double least_seconds(const cost *c, const limits *l, double n, double seen, double heads,
                            double passes)
{
    const limits_peak *bf16 = l->bf16.rate > l->f32.rate ? &l->bf16 : &l->f32;
    double products =
        part_of(n * (c->i8 - c->head_i8) + heads * c->head_i8, &l->i8) +
        part_of(n * (c->f32 - c->head_f32) + heads * c->head_f32 + seen * c->kv_products, &l->f32) +
        part_of(n * (c->bf16 - c->head_bf16) + heads * c->head_bf16, bf16);
    double read =
        l->read_gbps > 0 ? (passes * c->bytes + seen * c->kv_bytes * passes / n) / (l->read_gbps * 1e9) : 0;
    return read > products ? read : products;
}

/* The limits of the three measurements in tokens per second; 0: not known. */
static double prefill_limit(const cost *c, const limits *l, const settings *s)
{
    double n = s->prefill, seen = cost_seen(c, s->depth, n),
           passes = (n + s->batch_tokens - 1) / s->batch_tokens;
    double seconds = n > 0 ? least_seconds(c, l, n, seen, 1, (double)(uint32_t)passes) : 0;
    return seconds > 0 ? n / seconds : 0;
}

static double decode_limit(const cost *c, const limits *l, const settings *s)
{
    double n = s->decode;
    double seconds = n > 0 ? least_seconds(c, l, n, cost_seen(c, s->depth, n), n, n) : 0;
    return seconds > 0 ? n / seconds : 0;
}

static double batch_limit(const cost *c, const limits *l, const settings *s)
{
    double n = s->decode != 0 ? s->decode : 32, b = s->batch, seen = cost_seen(c, s->depth, n) / n, seconds;
    limits one = *l;
    if (b <= 0)
        return 0;
    /* a pass of B tokens reads the weights once, but each one's own cache */
    one.read_gbps = 0;
    seconds = least_seconds(c, &one, b, b * seen, b, 1);
    if (l->read_gbps > 0) {
        double read = (c->bytes + b * seen * c->kv_bytes) / (l->read_gbps * 1e9);
        seconds = read > seconds ? read : seconds;
    }
    return seconds > 0 ? b / seconds : 0;
}

/* ---- an engine with its memory ------------------------------------------------------------- */

typedef struct machine {
    llmc_engine *engine;
    void *memory;
    size_t bytes;
} machine;

/* llmc_clock's fn. */
static uint64_t nanoseconds(void *user)
{
    (void)user;
    return llmc_os_nanoseconds();
}

/* For seqs sequences of context tokens. profile may be NULL. */
static machine machine_open(const llmc_model *model, llmc_cpu cpu, llmc_tasks tasks, uint32_t seqs,
                            uint32_t context, uint32_t batch_tokens, const llmc_profile *profile,
                            uint32_t draft)
{
    machine m;
    llmc_engine_options opt;
    llmc_diag diag;
    memset(&opt, 0, sizeof opt);
    diag.message[0] = 0;
    opt.context_length = context;
    opt.max_seqs = seqs;
    opt.batch_tokens = batch_tokens;
    tool_engine(&opt);
    opt.cpu = cpu;
    opt.tasks = tasks;
    opt.log = tool_log();
    opt.draft_tokens = draft;
    opt.clock.fn = nanoseconds;
    if (profile != NULL)
        opt.profile = *profile;
    tool_check(llmc_engine_need(model, &opt, &m.bytes, &diag), &diag);
    tool_check(llmc_os_memory(&m.memory, m.bytes, &diag), &diag);
    tool_check(llmc_engine_init(&m.engine, model, &opt, m.memory, m.bytes, &diag), &diag);
    return m;
}

static void machine_close(machine *m)
{
    llmc_os_release(m->memory, m->bytes);
}

static llmc_token *random_ids(uint32_t vocab_size, size_t n, uint64_t seed)
{
    llmc_token *ids = (llmc_token *)tool_alloc(n, sizeof *ids);
    llmc_rng rng = llmc_rng_seed(seed);
    size_t i;
    for (i = 0; i < n; i++)
        ids[i] = (llmc_token)(llmc_rng_u64(&rng) % vocab_size);
    return ids;
}

/* Feeds n tokens in steps of `step`; logits only for the last one. */
static void feed(llmc_seq *seq, const llmc_token *ids, size_t n, size_t step, float *logits)
{
    llmc_diag diag;
    size_t at, m;
    diag.message[0] = 0;
    for (at = 0; at < n; at += m) {
        m = n - at < step ? n - at : step;
        tool_check(llmc_seq_forward(seq, ids + at, m, logits, at + m == n ? 1 : 0, &diag), &diag);
        if (tool_stopping)
            tool_die("interrupted");
    }
}

/* ---- kernels against plain C ----------------------------------------------------------------- */

#define VERIFY_VOCAB   512  /* rows of the head that are looked at */
#define VERIFY_ROWS    67   /* of other matrices */
#define VERIFY_PRODUCT 1e-4 /* largest error of products, root mean square, as a part of the results' own */
#define VERIFY_LOGITS  0.05 /* the same of logits: inputs that round to 8 bits the other way add up */

static const uint32_t verify_step[] = {33, 1, 5, 1, 17}; /* columns: tiles, lines, a small batch, edges */
enum { VERIFY_STEPS = sizeof verify_step / sizeof verify_step[0], VERIFY_TOKENS = 57 };

/* Two engines that differ by their kernels only. */
typedef struct pair {
    machine fast, plain;
    const char *isa;
    double worst; /* error of a product so far */
} pair;

/* How far a is from b, root mean square, as a part of b's size. */
static double distance(const float *a, const float *b, size_t n)
{
    double error = 0, size = 0;
    size_t i;
    for (i = 0; i < n; i++) {
        error += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        size += (double)b[i] * (double)b[i];
    }
    return llmc__sqrt(error / (size > 0 ? size : 1));
}

/* The product of a matrix' first rows with random columns, for all those numbers of columns. */
static void verify_product(pair *p, const llmc_tensor *w)
{
    size_t n = (size_t)w->dim[0], rows = w->dim[1] < VERIFY_ROWS ? (size_t)w->dim[1] : VERIFY_ROWS, i;
    float *x = (float *)tool_alloc(33 * n, sizeof *x), *a = (float *)tool_alloc(33 * rows, sizeof *a);
    float *b = (float *)tool_alloc(33 * rows, sizeof *b);
    llmc_rng rng = llmc_rng_seed(7);
    uint32_t step;
    for (i = 0; i < 33 * n; i++)
        x[i] = llmc_rng_normal(&rng);
    for (step = 0; step < VERIFY_STEPS; step++) {
        llmc__product part = llmc__part(w, NULL, a);
        double apart;
        part.rows = part.stride = rows;
        llmc__products(&p->fast.engine->batch, &part, 1, x, verify_step[step]);
        part.out = b;
        llmc__products(&p->plain.engine->batch, &part, 1, x, verify_step[step]);
        apart = distance(a, b, verify_step[step] * rows);
        /* not if it is no number, either; products of bf16 round the inputs to it, too */
        if (!(apart <= (w->type == LLMC_BF16 ? 5e-3 : VERIFY_PRODUCT)))
            tool_die(
                "the %s kernels are wrong: %s (%s) by %u columns differs from plain C by %.2g of its size",
                p->isa, w->name, llmc_dtype_name(w->type), verify_step[step], apart);
        p->worst = apart > p->worst ? apart : p->worst;
    }
    free(x);
    free(a);
    free(b);
}

/* Every matrix of layers [0, n) whose type and length were not there before, and the head. */
static void verify_products(pair *p, const llmc_model *m, uint32_t n)
{
    uint64_t seen[64], key, i, count = (uint64_t)n * LLMC__W_COUNT;
    uint32_t n_seen = 0, k;
    for (i = 0; i <= count; i++) {
        const llmc_tensor *w = i < count ? m->layer[i] : m->global[LLMC__W_HEAD];
        if (w == NULL || w->dim[1] < 2 || w->dim[2] > 1 ||
            (i < count && i % LLMC__W_COUNT == LLMC__W_VALUE_EMBED))
            continue;
        key = w->dim[0] * 64 + (uint64_t)w->type * 2 + (w->transposed ? 1 : 0);
        for (k = 0; k < n_seen && seen[k] != key;)
            k++;
        if (k < n_seen)
            continue;
        if (n_seen < TOOL_COUNT_OF(seen))
            seen[n_seen++] = key;
        verify_product(p, w);
    }
}

/* The types of the weights in layers [0, n), a bit each. */
static uint32_t types_of(const llmc_model *m, uint32_t n)
{
    uint32_t set = 0;
    uint64_t i;
    for (i = 0; i < (uint64_t)n * LLMC__W_COUNT; i++)
        if (m->layer[i] != NULL && m->layer[i]->dim[1] > 1)
            set |= 1u << m->layer[i]->type;
    return set;
}

/* The model's first layers, as few as have all its types, and the head's first rows: what plain C can do in
   a moment. Shares everything with the model. */
static llmc_model part_of_model(const llmc_model *model)
{
    llmc_model part = *model;
    llmc_config *c = &part.config;
    uint32_t n = 1;
    while (n < c->n_layer && types_of(model, n) != types_of(model, c->n_layer))
        n++;
    c->n_layer = n;
    c->vocab_size = c->vocab_size < VERIFY_VOCAB ? c->vocab_size : VERIFY_VOCAB;
    c->backout_layer = 0; /* beyond those */
    return part;
}

/* Logits after each of the steps, out [VERIFY_STEPS][vocab_size]. */
static void verify_run(llmc_engine *engine, float *out)
{
    uint32_t vocab = llmc_model_config(llmc_engine_model(engine))->vocab_size, i, at;
    llmc_token *ids = random_ids(vocab, VERIFY_TOKENS, 3);
    llmc_seq *seq;
    llmc_diag diag;
    diag.message[0] = 0;
    tool_check(llmc_seq_open(&seq, engine, NULL, &diag), &diag);
    for (i = at = 0; i < VERIFY_STEPS; at += verify_step[i++]) {
        tool_check(llmc_seq_forward(seq, ids + at, verify_step[i], out + (size_t)i * vocab, 1, &diag), &diag);
        tool_draw(NULL, "verifying", i + 1, VERIFY_STEPS);
    }
    free(ids);
}

/* All of a block at once: products, attention, norms, rotation, activation. */
static void verify_logits(pair *p, size_t vocab)
{
    float *a = (float *)tool_alloc(VERIFY_STEPS * vocab, sizeof *a);
    float *b = (float *)tool_alloc(VERIFY_STEPS * vocab, sizeof *b);
    uint32_t step;
    verify_run(p->fast.engine, a);
    verify_run(p->plain.engine, b);
    for (step = 0; step < VERIFY_STEPS; step++) {
        double apart = distance(a + step * vocab, b + step * vocab, vocab);
        if (!(apart <= VERIFY_LOGITS))
            tool_die("the %s kernels are wrong: logits of %u tokens at once differ from plain C's by %.2g of "
                     "their "
                     "size",
                     p->isa, verify_step[step], apart);
    }
    free(a);
    free(b);
}

/* The kernels of cpu against plain C, with this model's weights. Ends the program if they are apart by more
   than rounding; returns the largest error of a product. */
static double verify(const llmc_model *model, llmc_cpu cpu, llmc_tasks tasks)
{
    llmc_model part = part_of_model(model);
    llmc_cpu scalar;
    pair p;
    if (part.config.bidirectional || part.config.context_length < VERIFY_TOKENS ||
        !llmc_cpu_named("scalar", &scalar))
        return -1;
    p.isa = llmc_cpu_name(cpu);
    p.worst = 0;
    p.fast = machine_open(&part, cpu, tasks, 1, VERIFY_TOKENS, VERIFY_TOKENS, NULL, 0);
    p.plain = machine_open(&part, scalar, tasks, 1, VERIFY_TOKENS, VERIFY_TOKENS, NULL, 0);
    verify_products(&p, &part, part.config.n_layer);
    if (!part.config.no_head)
        verify_logits(&p, part.config.vocab_size);
    machine_close(&p.fast);
    machine_close(&p.plain);
    return p.worst;
}

/* ---- one sequence --------------------------------------------------------------------------- */

/* Tokens per second for n tokens fed in steps on top of `depth`: the median of repeats. */
static double feed_rate(llmc_seq *seq, const settings *s, const llmc_token *ids, size_t n, size_t step,
                        float *logits, const char *what, yardstick *y)
{
    double *rate = (double *)tool_alloc(s->repeats, sizeof *rate), median;
    llmc_diag diag;
    uint32_t i;
    diag.message[0] = 0;
    for (i = 0; i < s->repeats; i++) {
        double start;
        tool_check(llmc_seq_truncate(seq, s->depth, &diag), &diag);
        if (y != NULL)
            yardstick_look(y);
        start = tool_seconds();
        feed(seq, ids, n, step, logits);
        rate[i] = (double)n / (tool_seconds() - start);
        tool_draw(NULL, what, i + 1, s->repeats);
    }
    median = tool_median(rate, s->repeats);
    free(rate);
    return median;
}

/* y may be NULL: then memory is not looked at. */
static void bench_single(const llmc_model *model, llmc_cpu cpu, llmc_tasks tasks, const settings *s,
                         yardstick *y, results *out)
{
    uint32_t most = s->prefill > s->decode ? s->prefill : s->decode;
    uint32_t room = s->depth + most > 4 ? s->depth + most : 4;
    size_t step = s->batch_tokens < room ? s->batch_tokens : room;
    float *logits = (float *)tool_alloc(llmc_model_config(model)->vocab_size, sizeof *logits);
    llmc_token *ids = random_ids(llmc_model_config(model)->vocab_size, room, 1);
    machine m = machine_open(model, cpu, tasks, 1, room, (uint32_t)step, NULL, 0);
    llmc_seq *seq;
    llmc_diag diag;
    diag.message[0] = 0;
    tool_check(llmc_seq_open(&seq, m.engine, NULL, &diag), &diag);
    feed(seq, ids, 2 < step ? 2 : 1, step, logits); /* cold pages, sleeping threads */
    feed(seq, ids, 2, 1, logits);
    tool_check(llmc_seq_truncate(seq, 0, &diag), &diag);
    feed(seq, ids, s->depth, step, logits);
    if (s->prefill != 0)
        out->prefill_tps = feed_rate(seq, s, ids + s->depth, s->prefill, step, logits, "prefill", y);
    if (s->decode != 0)
        out->decode_tps = feed_rate(seq, s, ids + s->depth, s->decode, 1, logits, "decode", y);
    resident(&out->resident, &out->resident_file);
    if (y != NULL && out->resident > y->bytes)
        out->resident -= y->bytes;
    llmc_seq_close(seq);
    machine_close(&m);
    free(ids);
    free(logits);
}

/* ---- many sequences ---------------------------------------------------------------------------- */

/* One step, then every piece is taken. Returns how many there were. */
static uint32_t step_all(llmc_engine *engine, llmc_seq **seq, uint32_t n)
{
    llmc_piece piece;
    llmc_diag diag;
    uint32_t i, pieces = 0;
    diag.message[0] = 0;
    tool_check(llmc_engine_step(engine, &diag), &diag);
    for (i = 0; i < n; i++)
        pieces += llmc_seq_poll(seq[i], &piece);
    return pieces;
}

/* n tokens for each of the sequences, generated together on top of the depth. */
static double batch_once(llmc_engine *engine, llmc_seq **seq, const settings *s, uint32_t n)
{
    uint32_t vocab = llmc_model_config(llmc_engine_model(engine))->vocab_size;
    llmc_token *ids = random_ids(vocab, (size_t)s->depth + 1, 2);
    llmc_diag diag;
    uint64_t pieces = 0, before;
    uint32_t i;
    double start;
    diag.message[0] = 0;
    for (i = 0; i < s->batch; i++) {
        tool_check(llmc_seq_truncate(seq[i], 0, &diag), &diag);
        ids[s->depth] = (llmc_token)(i % vocab);
        tool_check(llmc_seq_add_ids(seq[i], ids, (size_t)s->depth + 1, &diag), &diag);
    }
    while (pieces < s->batch) /* until all are read */
        pieces += step_all(engine, seq, s->batch);
    before = pieces;
    start = tool_seconds();
    for (i = 0; i < n; i++)
        pieces += step_all(engine, seq, s->batch);
    free(ids);
    return (double)(pieces - before) / (tool_seconds() - start);
}

static double bench_batch(const llmc_model *model, llmc_cpu cpu, llmc_tasks tasks, const settings *s)
{
    uint32_t n = s->decode != 0 ? s->decode : 32, i;
    uint32_t step = s->batch_tokens > s->batch ? s->batch_tokens : s->batch;
    /* a sequence that is read early generates while the others are still read */
    uint64_t room = (uint64_t)s->batch * (s->depth + 1) / step + s->batch + s->depth + n + 8;
    llmc_seq **seq = (llmc_seq **)tool_alloc(s->batch, sizeof *seq);
    double *rate = (double *)tool_alloc(s->repeats, sizeof *rate), median;
    machine m = machine_open(model, cpu, tasks, s->batch, room < UINT32_MAX ? (uint32_t)room : UINT32_MAX,
                             step, NULL, 0);
    llmc_seq_options opt;
    llmc_diag diag;
    memset(&opt, 0, sizeof opt);
    diag.message[0] = 0;
    opt.ignore_end = true;
    for (i = 0; i < s->batch; i++)
        tool_check(llmc_seq_open(&seq[i], m.engine, &opt, &diag), &diag);
    for (i = 0; i < s->repeats; i++) {
        rate[i] = batch_once(m.engine, seq, s, n);
        tool_draw(NULL, "batch", i + 1, s->repeats);
    }
    median = tool_median(rate, s->repeats);
    machine_close(&m);
    free(seq);
    free(rate);
    return median;
}

/* ---- speculation ------------------------------------------------------------------------------------- */

enum { DRAFT_PROMPT = 256, DRAFT_SPAN = 24 };

/* A text that is dictated, so that every way of decoding says the same. */
typedef struct dictation {
    llmc_token *ids;
    size_t n;
} dictation;

/* llmc_chooser's fn: what the text has next. */
static llmc_token dictate(void *user, llmc_seq *seq, float *logits, size_t n)
{
    const dictation *text = (const dictation *)user;
    size_t at;
    (void)logits;
    (void)n;
    (void)llmc_seq_ids(seq, &at);
    return at < text->n ? text->ids[at] : LLMC_TOKEN_NONE;
}

/* One text copies spans of 24 tokens from what it has said, between which two others come, as edited code or a
   summary that quotes does. The other draws each token by Zipf's law: what repeats does so by chance. */
static dictation dictation_make(uint32_t vocab, size_t n, bool copies)
{
    dictation text;
    llmc_rng rng = llmc_rng_seed(11);
    size_t i, from = 0;
    text.n = n;
    text.ids = (llmc_token *)tool_alloc(n, sizeof *text.ids);
    for (i = 0; i < n; i++) {
        /* 1/x of a uniform x between 1/V and 1 */
        double zipf = llmc__exp((double)llmc_rng_uniform(&rng) * llmc__log((double)vocab));
        text.ids[i] = (llmc_token)(zipf < (double)vocab ? zipf : 0);
        if (copies && i >= DRAFT_PROMPT / 2 && i % (DRAFT_SPAN + 2) < DRAFT_SPAN) {
            if (i % (DRAFT_SPAN + 2) == 0)
                from = (size_t)(llmc_rng_u64(&rng) % (i - DRAFT_SPAN));
            text.ids[i] = text.ids[from++];
        }
    }
    return text;
}

/* Tokens per second for what comes after the prompt. */
static double draft_once(llmc_engine *engine, const settings *s, const dictation *text, llmc_draft how)
{
    llmc_seq_options opt;
    llmc_seq *seq;
    llmc_piece piece;
    llmc_diag diag;
    size_t i;
    double start = 0;
    memset(&opt, 0, sizeof opt);
    diag.message[0] = 0;
    opt.ignore_end = true;
    opt.chooser.fn = dictate;
    opt.chooser.user = (void *)(uintptr_t)text;
    opt.draft = how;
    opt.draft_tokens = s->draft;
    tool_check(llmc_seq_open(&seq, engine, &opt, &diag), &diag);
    tool_check(llmc_seq_add_ids(seq, text->ids, DRAFT_PROMPT, &diag), &diag);
    for (i = DRAFT_PROMPT; i < text->n; i++) {
        tool_check(llmc_seq_next(seq, &piece, &diag), &diag);
        if (i == DRAFT_PROMPT)
            start = tool_seconds();
        if (tool_stopping)
            tool_die("interrupted");
    }
    llmc_seq_close(seq);
    return (double)(text->n - DRAFT_PROMPT - 1) / (tool_seconds() - start);
}

/* Both texts without drafts, with them and automatically, in turns, so that a machine that grows slower does so
   for all of them; medians. */
static void bench_draft(const llmc_model *model, llmc_cpu cpu, llmc_tasks tasks, const settings *s,
                        results *out)
{
    uint32_t n = s->decode != 0 ? s->decode : 128, text, how, i;
    double *rate = (double *)tool_alloc(6 * (size_t)s->repeats, sizeof *rate);
    machine m = machine_open(model, cpu, tasks, 1, DRAFT_PROMPT + n + 1, s->batch_tokens, NULL, s->draft);
    for (text = 0; text < 2; text++) {
        dictation said =
            dictation_make(llmc_model_config(model)->vocab_size, DRAFT_PROMPT + (size_t)n + 1, text == 0);
        for (i = 0; i < s->repeats; i++) {
            for (how = 0; how < 3; how++)
                rate[(text * 3 + how) * s->repeats + i] = draft_once(m.engine, s, &said, (llmc_draft)how);
            tool_draw(NULL, "speculation", text * s->repeats + i + 1, 2 * s->repeats);
        }
        free(said.ids);
    }
    for (text = 0; text < 2; text++)
        for (how = 0; how < 3; how++)
            out->draft_tps[text][how] = tool_median(rate + (text * 3 + how) * s->repeats, s->repeats);
    machine_close(&m);
    free(rate);
}

/* ---- where the time goes -------------------------------------------------------------------------- */

#define PROFILE_ROWS 64
#define PROFILE_DEEP 16

enum { PROFILE_PREFILL, PROFILE_DECODE };

/* A part of the work: its own time, without that of parts inside it. */
typedef struct profile_row {
    const char *tag, *what;
    uint64_t ns[2]; /* by PROFILE_... */
} profile_row;

typedef struct profile {
    profile_row row[PROFILE_ROWS];         /* the first is what belongs to no part */
    uint32_t n, open[PROFILE_DEEP], depth; /* rows of the parts that are open; open[0] is 0 */
    int phase;
    uint64_t since; /* when the innermost part went on */
    bool running;
} profile;

static uint32_t profile_find(profile *p, const char *tag, const char *what)
{
    uint32_t i;
    for (i = 0; i < p->n; i++)
        if (strcmp(p->row[i].tag, tag) == 0 && strcmp(p->row[i].what, what) == 0)
            return i;
    if (p->n == PROFILE_ROWS)
        return 0;
    p->row[p->n].tag = tag;
    p->row[p->n].what = what;
    return p->n++;
}

/* For llmc_profile: user is a profile. */
static void profile_mark(void *user, const char *tag, const char *what)
{
    profile *p = (profile *)user;
    uint64_t now = llmc_os_nanoseconds();
    uint32_t open = p->open[p->depth < PROFILE_DEEP ? p->depth : PROFILE_DEEP - 1];
    if (p->running)
        p->row[open].ns[p->phase] += now - p->since;
    if (tag == NULL && p->depth > 0)
        p->depth--;
    else if (tag != NULL && ++p->depth < PROFILE_DEEP)
        p->open[p->depth] = profile_find(p, tag, what);
    p->since = llmc_os_nanoseconds(); /* looking for the row is not the engine's time */
}

static void profile_start(profile *p, int phase)
{
    p->phase = phase;
    p->running = true;
    p->since = llmc_os_nanoseconds();
}

static void profile_stop(profile *p)
{
    p->row[0].ns[p->phase] += llmc_os_nanoseconds() - p->since;
    p->running = false;
}

/* One sequence reads and then generates, as a user's would. Once before it counts. */
static void bench_profile(const llmc_model *model, llmc_cpu cpu, llmc_tasks tasks, const settings *s,
                          profile *p)
{
    uint32_t n = s->prefill > 0 ? s->prefill : 1, i, round;
    uint32_t room = s->depth + n + s->decode + 1;
    llmc_token *ids = random_ids(llmc_model_config(model)->vocab_size, (size_t)s->depth + n, 1);
    llmc_seq_options opt;
    llmc_profile hook;
    llmc_diag diag;
    llmc_seq *seq;
    machine m;
    memset(p, 0, sizeof *p);
    p->row[p->n].tag = "ENGINE.step";
    p->row[p->n++].what = "";
    hook.fn = profile_mark;
    hook.user = p;
    memset(&opt, 0, sizeof opt);
    diag.message[0] = 0;
    opt.ignore_end = true;
    m = machine_open(model, cpu, tasks, 1, room, s->batch_tokens, &hook, 0);
    tool_check(llmc_seq_open(&seq, m.engine, &opt, &diag), &diag);
    for (round = 0; round <= s->repeats; round++) {
        uint32_t pieces = 0;
        tool_check(llmc_seq_truncate(seq, 0, &diag), &diag);
        feed(seq, ids, s->depth, s->batch_tokens, NULL);
        tool_check(llmc_seq_add_ids(seq, ids + s->depth, n, &diag), &diag);
        if (round > 0)
            profile_start(p, PROFILE_PREFILL);
        while (pieces == 0)
            pieces = step_all(m.engine, &seq, 1);
        if (round > 0)
            profile_stop(p);
        if (round > 0)
            profile_start(p, PROFILE_DECODE);
        for (i = 0; i < s->decode; i++)
            step_all(m.engine, &seq, 1);
        if (round > 0)
            profile_stop(p);
        tool_draw(NULL, "profile", round + 1, s->repeats + 1);
    }
    machine_close(&m);
    free(ids);
}

static double profile_percent(const profile *p, uint32_t row, int phase)
{
    uint64_t sum = 0;
    uint32_t i;
    for (i = 0; i < p->n; i++)
        sum += p->row[i].ns[phase];
    return sum > 0 ? 100.0 * (double)p->row[row].ns[phase] / (double)sum : 0;
}

/* ---- output --------------------------------------------------------------------------------------- */

/* All that is known at the end. runs: one for each number of threads. */
typedef struct report {
    const char *model, *isa;
    const settings *s;
    const loaded *subject;
    cost cost;
    results *runs;
    uint32_t n_runs;
    double error; /* of the kernels against plain C; below 0: not compared */
    profile *profile;
} report;

static double percent(double part, double whole)
{
    return whole > 0 ? 100.0 * part / whole : 0.0;
}

/* Bytes that a token of decoding reads, on average. */
static double decode_bytes(const report *r)
{
    double n = r->s->decode;
    return r->cost.bytes + (n > 0 ? r->cost.kv_bytes * cost_seen(&r->cost, r->s->depth, n) / n : 0);
}

static void print_json_text(const char *key, const char *text)
{
    printf("\"%s\": \"", key);
    for (; *text != 0; text++) {
        if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            printf("\\u%04x", (unsigned)(unsigned char)*text);
        else
            putchar(*text);
    }
    putchar('"');
}

/* One number of threads: what was measured, the limits, and the part of them. */
static void print_json_run(const report *r, const results *run)
{
    static const char *const texts[] = {"copies", "other"};
    const settings *s = r->s;
    double limit;
    int text;
    printf("\"threads\": %u", run->threads);
    if (s->prefill != 0) {
        limit = prefill_limit(&r->cost, &run->can, s);
        printf(", \"prefill_tps\": %.3f, \"prefill_limit_tps\": %.3f, \"prefill_percent\": %.2f",
               run->prefill_tps, limit, percent(run->prefill_tps, limit));
    } else {
        printf(", \"prefill_tps\": 0");
    }
    limit = decode_limit(&r->cost, &run->can, s);
    printf(
        ", \"decode_tps\": %.3f, \"decode_limit_tps\": %.3f, \"decode_gbps\": %.3f, \"decode_percent\": %.2f",
        run->decode_tps, limit, run->decode_tps * decode_bytes(r) * 1e-9, percent(run->decode_tps, limit));
    if (s->batch != 0) {
        limit = batch_limit(&r->cost, &run->can, s);
        printf(", \"batch\": %u, \"batch_tps\": %.3f, \"batch_limit_tps\": %.3f, \"batch_percent\": %.2f",
               s->batch, run->batch_tps, limit, percent(run->batch_tps, limit));
    }
    if (s->draft != 0)
        for (text = 0; text < 2; text++)
            printf(", \"%s_tps\": %.3f, \"%s_draft_tps\": %.3f, \"%s_draft_auto_tps\": %.3f", texts[text],
                   run->draft_tps[text][0], texts[text], run->draft_tps[text][1], texts[text],
                   run->draft_tps[text][2]);
    printf(", \"read_gbps\": %.3f, \"int8_tops\": %.4f, \"f32_tflops\": %.4f, \"bf16_tflops\": %.4f",
           run->can.read_gbps, run->can.i8.rate * 1e-12, run->can.f32.rate * 1e-12,
           run->can.bf16.rate * 1e-12);
    printf(", \"resident_bytes\": %llu, \"resident_file_bytes\": %llu", (unsigned long long)run->resident,
           (unsigned long long)run->resident_file);
}

static void print_json_profile(const profile *p)
{
    static const char *const phase[] = {"prefill", "decode"};
    uint32_t i, k;
    printf(", \"profile\": {");
    for (k = 0; k < 2; k++) {
        printf("%s\"%s\": {", k > 0 ? ", " : "", phase[k]);
        for (i = 0; i < p->n; i++) {
            char name[96];
            snprintf(name, sizeof name, "%.40s%s%.40s", p->row[i].tag, p->row[i].what[0] != 0 ? ": " : "",
                     p->row[i].what);
            printf("%s\"%s\": %.3f", i > 0 ? ", " : "", name, profile_percent(p, i, (int)k));
        }
        putchar('}');
    }
    putchar('}');
}

/* One object; what stands at its top is the last number of threads, "scaling" has all of several. */
static void print_json(const report *r)
{
    const settings *s = r->s;
    const results *last = &r->runs[r->n_runs - 1];
    uint32_t i;
    putchar('{');
    print_json_text("model", r->model);
    printf(", ");
    print_json_text("isa", r->isa);
    printf(", \"depth\": %u, \"repeats\": %u, \"batch_tokens\": %u, \"load_ms\": %.2f", s->depth, s->repeats,
           s->batch_tokens, r->subject->load_ms);
    printf(", \"prefill_tokens\": %u, \"decode_tokens\": %u, \"bytes_per_token\": %.0f, ", s->prefill,
           s->decode, r->cost.bytes);
    print_json_text("int8_by", last->can.i8.how);
    printf(", ");
    print_json_text("f32_by", last->can.f32.how);
    printf(", ");
    if (r->error >= 0)
        printf("\"kernel_error\": %.6f, ", r->error);
    print_json_run(r, last);
    if (r->n_runs > 1) {
        printf(", \"scaling\": [");
        for (i = 0; i < r->n_runs; i++) {
            printf("%s{", i > 0 ? ", " : "");
            print_json_run(r, &r->runs[i]);
            putchar('}');
        }
        putchar(']');
    }
    if (r->profile != NULL)
        print_json_profile(r->profile);
    printf("}\n");
}

static void print_row(const report *r, const results *run, const char *work, uint32_t n, double tps,
                      double limit)
{
    if (n == 0)
        return;
    if (r->n_runs > 1)
        printf("| %u ", run->threads);
    printf("| %s %u | %.*f | ", work, n, tps < 100 ? 2 : 1, tps);
    if (limit > 0)
        printf("%.*f | %.0f %% |\n", limit < 100 ? 1 : 0, limit, percent(tps, limit));
    else
        printf("| |\n");
}

static void print_draft(const report *r, const results *run)
{
    static const char *const texts[] = {"copies from itself", "repeats by chance"};
    int i;
    if (r->s->draft == 0)
        return;
    printf(
        "\n| %u threads, a text that | tokens/s | drafting up to %u | automatically |\n|---|---|---|---|\n",
        run->threads, r->s->draft);
    for (i = 0; i < 2; i++)
        printf("| %s | %.1f | %.1f (%.2f x) | %.1f (%.2f x) |\n", texts[i], run->draft_tps[i][0],
               run->draft_tps[i][1], run->draft_tps[i][1] / run->draft_tps[i][0], run->draft_tps[i][2],
               run->draft_tps[i][2] / run->draft_tps[i][0]);
}

static void print_profile(const profile *p)
{
    uint32_t i;
    printf("\n| where the time goes | prefill | decode |\n|---|---|---|\n");
    for (i = 0; i < p->n; i++) {
        double a = profile_percent(p, i, PROFILE_PREFILL), b = profile_percent(p, i, PROFILE_DECODE);
        if (a >= 0.05 || b >= 0.05)
            printf("| %s%s%s | %.1f %% | %.1f %% |\n", p->row[i].tag, p->row[i].what[0] != 0 ? ": " : "",
                   p->row[i].what, a, b);
    }
}

static void print_limits(const results *run)
{
    printf("%u %s read %.1f GB/s and make %.3f Tops/s of int8 (%s), %.3f of f32 (%s)", run->threads,
           run->threads == 1 ? "thread" : "threads", run->can.read_gbps, run->can.i8.rate * 1e-12,
           run->can.i8.how, run->can.f32.rate * 1e-12, run->can.f32.how);
    if (run->can.bf16.rate > 0)
        printf(", %.3f of bf16", run->can.bf16.rate * 1e-12);
    printf(".\n");
}

static void print_table(const report *r)
{
    const settings *s = r->s;
    const results *last = &r->runs[r->n_runs - 1];
    char text[32];
    uint32_t i;
    printf("%s, %s read per token, %s kernels", r->model, tool_bytes((uint64_t)r->cost.bytes, text), r->isa);
    if (r->error >= 0)
        printf(" (within %.2g of plain C)", r->error);
    printf(", loaded in %.1f ms", r->subject->load_ms);
    if (s->depth != 0)
        printf(", at depth %u", s->depth);
    printf(".\n");
    if (last->resident > 0) {
        printf("In memory: %s", tool_bytes(last->resident, text));
        printf(", of that %s mapped from files.\n", tool_bytes(last->resident_file, text));
    }
    for (i = 0; i < r->n_runs; i++)
        print_limits(&r->runs[i]);
    printf(r->n_runs > 1 ? "\n| threads | work | tokens/s | limit | of it |\n|---|---|---|---|---|\n"
                         : "\n| work | tokens/s | limit | of it |\n|---|---|---|---|\n");
    for (i = 0; i < r->n_runs; i++) {
        const results *run = &r->runs[i];
        print_row(r, run, "prefill", s->prefill, run->prefill_tps, prefill_limit(&r->cost, &run->can, s));
        print_row(r, run, "decode", s->decode, run->decode_tps, decode_limit(&r->cost, &run->can, s));
        print_row(r, run, "batch of", s->batch, run->batch_tps, batch_limit(&r->cost, &run->can, s));
    }
    for (i = 0; i < r->n_runs; i++)
        print_draft(r, &r->runs[i]);
    if (r->profile != NULL)
        print_profile(r->profile);
}

/* ---- tuning ------------------------------------------------------------------------------------------ */

/* One measurement under other settings; the first is what there is without tuning. */
typedef struct trial {
    const char *isa; /* for llmc_cpu_named */
    uint32_t threads, batch_tokens;
    double prefill_tps, decode_tps;
} trial;

/* Larger is better: a prompt read twice as fast is worth as much as an answer written twice as fast. */
static double trial_score(const trial *t)
{
    return (t->prefill_tps > 0 ? t->prefill_tps : 1) * (t->decode_tps > 0 ? t->decode_tps : 1);
}

static void try_out(const llmc_model *model, const settings *s, trial *t, tool_out *remarks)
{
    settings one = *s;
    results r;
    llmc_pool *pool;
    llmc_cpu cpu = tool_opt.cpu;
    llmc_diag diag;
    memset(&r, 0, sizeof r);
    diag.message[0] = 0;
    one.batch_tokens = t->batch_tokens;
    if (strcmp(t->isa, "auto") != 0)
        tool_check(llmc_os_cpu(t->isa, &cpu, &diag), &diag);
    tool_check(llmc_pool_open(&pool, t->threads, &diag), &diag);
    bench_single(model, cpu, llmc_pool_tasks(pool), &one, NULL, &r);
    llmc_pool_close(pool);
    t->prefill_tps = r.prefill_tps;
    t->decode_tps = r.decode_tps;
    tool_out_print(remarks,
                   "# %s kernels, %u threads, steps of %u tokens: prefill %.1f, decode %.2f tokens/s\n",
                   llmc_cpu_name(cpu), t->threads, t->batch_tokens, t->prefill_tps, t->decode_tps);
}

/* Keeps the better of two; a difference that noise could be is none. */
static void keep_better(trial *best, const trial *t)
{
    if (trial_score(t) > trial_score(best) * 1.03)
        *best = *t;
}

/* Kernels, then threads, then the length of steps, each with the best of those before. */
static void tune(const llmc_model *model, const settings *s, const char *label)
{
    static const char *const sets[] = {"avx2", "avx-vnni", "neon"};
    static const uint32_t lengths[] = {64, 128, 512, 1024};
    uint32_t all = llmc_os_threads(), n;
    trial best, t;
    tool_out out;
    llmc_cpu cpu;
    size_t i;
    tool_out_open(&out, s->tune);
    tool_out_print(&out, "# settings for --config, measured by bench --tune with %s\n", label);
    memset(&best, 0, sizeof best);
    best.isa = "auto";
    best.threads = all;
    best.batch_tokens = s->batch_tokens;
    try_out(model, s, &best, &out);
    for (i = 0; i < TOOL_COUNT_OF(sets) && tool_opt.isa == NULL; i++) {
        t = best;
        t.isa = sets[i];
        if (!llmc_cpu_named(sets[i], &cpu) || strcmp(llmc_cpu_name(cpu), llmc_cpu_name(tool_opt.cpu)) == 0)
            continue;
        try_out(model, s, &t, &out);
        keep_better(&best, &t);
    }
    for (n = 1; n < all; n *= 2) {
        t = best;
        t.threads = n;
        try_out(model, s, &t, &out);
        keep_better(&best, &t);
    }
    for (i = 0; i < TOOL_COUNT_OF(lengths) && s->prefill != 0; i++) {
        t = best;
        t.batch_tokens = lengths[i];
        if (lengths[i] == best.batch_tokens || lengths[i] / 2 >= s->prefill)
            continue;
        try_out(model, s, &t, &out);
        keep_better(&best, &t);
    }
    tool_out_print(&out, "threads: %u\nbatch_tokens: %u\nisa: %s\n", best.threads, best.batch_tokens,
                   best.isa);
    tool_out_close(&out);
    if (strcmp(s->output, "json") == 0)
        printf("{\"threads\": %u, \"batch_tokens\": %u, \"isa\": \"%s\", \"prefill_tps\": %.3f, "
               "\"decode_tps\": %.3f}\n",
               best.threads, best.batch_tokens, best.isa, best.prefill_tps, best.decode_tps);
    else
        printf("%s: %u threads, steps of %u tokens, kernels %s: prefill %.1f, decode %.2f tokens/s\n",
               s->tune, best.threads, best.batch_tokens, best.isa, best.prefill_tps, best.decode_tps);
}

/* ---- main ------------------------------------------------------------------------------------------- */

#define THREADS_MOST 32 /* numbers of threads in -t */

/* -t 1,2,4; nothing: one number, the configuration's or all. Returns how many there are. */
static uint32_t thread_list(const char *text, uint32_t list[THREADS_MOST])
{
    uint32_t n = 0;
    char one[16];
    if (text == NULL) {
        list[0] = tool_opt.threads != 0 ? tool_opt.threads : llmc_os_threads();
        return 1;
    }
    for (;;) {
        size_t len = strcspn(text, ",");
        if (len >= sizeof one || n == THREADS_MOST)
            tool_misused("-t takes up to %d numbers of threads, not '%s'", THREADS_MOST, text);
        memcpy(one, text, len);
        one[len] = 0;
        list[n] = (uint32_t)tool_number("-t", one, 1024);
        if (list[n] == 0)
            list[n] = llmc_os_threads();
        n++;
        if (text[len] == 0)
            return n;
        text += len + 1;
    }
}

static void check_settings(settings *s, int n_args)
{
    if (s->synth ? n_args != 2 || tool_opt.model != NULL : n_args != 0 || tool_opt.model == NULL)
        tool_misused("needs either -m MODEL or --synth SHAPE TYPE");
    if (strcmp(s->output, "md") != 0 && strcmp(s->output, "json") != 0)
        tool_misused("-o takes md or json, not '%s'", s->output);
    if ((s->prefill > 1u << 24 && s->prefill != UINT32_MAX) ||
        (s->decode > 1u << 24 && s->decode != UINT32_MAX) || s->depth > 1u << 24 || s->batch > 1u << 16)
        tool_misused("-p, -n, -d up to 16777216, -b up to 65536");
    if (s->prefill == 0 && s->decode == 0 && s->batch == 0 && s->draft == 0)
        tool_misused("nothing to measure");
    if (s->draft > 1024)
        tool_misused("--draft: at most 1024");
    if (s->repeats == 0)
        tool_misused("-r: at least 1");
    if (s->tune != NULL && (s->profile || s->batch != 0 || s->threads != NULL))
        tool_misused("--tune does not go with --profile, -b or -t");
    s->batch_tokens = tool_opt.batch_tokens != 0 ? tool_opt.batch_tokens : 256;
    if (s->batch_tokens > 1u << 20)
        tool_misused("--batch-tokens: at most 1048576");
}

/* What was not given: as usual, or what the trained context leaves. */
static void default_lengths(settings *s, const llmc_model *model)
{
    uint32_t context = llmc_model_config(model)->context_length;
    uint32_t left = context > s->depth ? context - s->depth : 1;
    if (s->prefill == UINT32_MAX)
        s->prefill = left < 512 ? left : 512;
    if (s->decode == UINT32_MAX)
        s->decode = left < 64 ? left : 64;
}

/* Everything for one number of threads. */
static void measure(const report *r, uint32_t threads, results *out)
{
    llmc_pool *pool;
    llmc_tasks tasks;
    llmc_diag diag;
    yardstick y;
    diag.message[0] = 0;
    memset(out, 0, sizeof *out);
    if (threads > llmc_os_threads() && tool_opt.level >= LLMC_LOG_WARN)
        fprintf(stderr,
                "%s: warning: %u threads on %u processors that this process may use (affinity, quota)\n",
                tool_name, threads, llmc_os_threads());
    tool_check(llmc_pool_open(&pool, threads, &diag), &diag);
    tasks = llmc_pool_tasks(pool);
    out->threads = threads;
    out->can = limits_choose(tool_opt.cpu);
    limits_measure(&out->can.i8, &tasks);
    limits_measure(&out->can.f32, &tasks);
    limits_measure(&out->can.bf16, &tasks);
    yardstick_open(&y, &tasks, (size_t)r->s->repeats * 2 + 1, r->cost.bytes);
    if (r->s->prefill != 0 || r->s->decode != 0)
        bench_single(r->subject->model, tool_opt.cpu, tasks, r->s, &y, out);
    yardstick_look(&y);
    out->can.read_gbps = yardstick_close(&y);
    if (r->s->batch != 0)
        out->batch_tps = bench_batch(r->subject->model, tool_opt.cpu, tasks, r->s);
    if (r->s->draft != 0)
        bench_draft(r->subject->model, tool_opt.cpu, tasks, r->s, out);
    if (r->profile != NULL)
        bench_profile(r->subject->model, tool_opt.cpu, tasks, r->s, r->profile);
    llmc_pool_close(pool);
}

/* The kernels are held against plain C with as many threads as there are. */
static double check_kernels(const llmc_model *model)
{
    llmc_pool *pool;
    llmc_diag diag;
    double error;
    diag.message[0] = 0;
    tool_check(llmc_pool_open(&pool, 0, &diag), &diag);
    error = verify(model, tool_opt.cpu, llmc_pool_tasks(pool));
    llmc_pool_close(pool);
    return error;
}

/* Everything between opening the model and the end. */
static void run(const loaded *subject, const char *label, settings *s)
{
    uint32_t threads[THREADS_MOST], i;
    report r;
    memset(&r, 0, sizeof r);
    default_lengths(s, subject->model);
    r.model = label;
    r.isa = llmc_cpu_name(tool_opt.cpu);
    r.s = s;
    r.subject = subject;
    r.cost = cost_of(subject->model);
    r.error = s->no_verify ? -1 : check_kernels(subject->model);
    if (s->tune != NULL) {
        tune(subject->model, s, label);
        return;
    }
    r.n_runs = thread_list(s->threads, threads);
    r.runs = (results *)tool_alloc(r.n_runs, sizeof *r.runs);
    r.profile = s->profile ? (profile *)tool_alloc(1, sizeof *r.profile) : NULL;
    for (i = 0; i < r.n_runs; i++)
        measure(&r, threads[i], &r.runs[i]);
    if (strcmp(s->output, "json") == 0)
        print_json(&r);
    else
        print_table(&r);
    free(r.profile);
    free(r.runs);
}

int main(int argc, char **argv)
{
    static settings s = {UINT32_MAX, UINT32_MAX, 0, 0, 3, 0, 0, "md", NULL, NULL, false, false, false};
    static const tool_option options[] = {
        {'m', "model", TOOL_TEXT, &tool_opt.model, "FILE", "the model: a file or a folder"},
        {0, "synth", TOOL_FLAG, &s.synth, NULL, "random weights: SHAPE TYPE in place of -m"},
        {'p', "prefill", TOOL_U32, &s.prefill, "N", "tokens to prefill; default 512 or what fits, 0: skip"},
        {'n', "decode", TOOL_U32, &s.decode, "N", "tokens to decode; default 64 or what fits, 0: skip"},
        {'b', "batch", TOOL_U32, &s.batch, "B", "sequences that generate together; default: skip"},
        {0, "draft", TOOL_U32, &s.draft, "K", "speculation, up to K tokens drafted; default: skip"},
        {'d', "depth", TOOL_U32, &s.depth, "N", "tokens in the cache before; default 0"},
        {'r', "repeats", TOOL_U32, &s.repeats, "N", "medians of so many; default 3"},
        {'t', "threads", TOOL_TEXT, &s.threads, "N,...", "one or several; default: all this process may use"},
        {0, "profile", TOOL_FLAG, &s.profile, NULL, "also say where the time goes"},
        {0, "tune", TOOL_TEXT, &s.tune, "FILE", "find the fastest settings and write them"},
        {0, "no-verify", TOOL_FLAG, &s.no_verify, NULL, "do not compare the kernels with plain C first"},
        {'o', "output", TOOL_TEXT, &s.output, "FORMAT", "md (default) or json"},
        TOOL_OPTIONS_ENGINE,
        TOOL_OPTIONS_ALL,
    };
    static char help[2400], label[160];
    loaded subject;
    char **args;
    int n;
    tool_name = "bench";
    snprintf(help, sizeof help, "%s%s", usage, synth_shapes);
    args = tool_parse(argc, argv, help, options, TOOL_COUNT_OF(options), &n);
    check_settings(&s, n);
    tool_catch_signals();
    memset(&subject, 0, sizeof subject);
    if (s.synth) {
        make_model(&subject, args[0], args[1]);
        snprintf(label, sizeof label, "%.100s %.20s (random weights)", args[0], args[1]);
    } else {
        open_model(&subject, tool_opt.model);
        snprintf(label, sizeof label, "%.150s", tool_opt.model);
    }
    run(&subject, label, &s);
    close_model(&subject);
    return tool_end();
}
