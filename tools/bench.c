// cc -O2 tools/bench.c -o bench
/* Tokens per second for prefill, decode and batches, next to what the machine's memory
   can deliver: decode reads every weight once per token and cannot be faster than that. */
#define LLMC_STATIC // the only file: what it does not use is not compiled
#define LLMC_IMPLEMENTATION
#include "tool.h"

#include "synth.h"

static const char usage[] =
    "bench -m MODEL [-p N] [-n N] [-b B] [-d DEPTH] [-t N] [-o md|json]\n"
    "       bench --synth SHAPE TYPE [...]        the same on random weights\n\n"
    "Each number is the median of -r repeats. prefill: N random tokens in one sequence,\n"
    "logits only for the last. decode: N tokens one at a time. batch: B sequences that\n"
    "generate together, greedily. read: what the same threads read from memory, looked at\n"
    "before each repeat.\n"
    "DEPTH tokens stand in the cache before each measurement.\n\n";

typedef struct settings {
    uint32_t prefill, decode, batch, depth, repeats, batch_tokens;
    const char *output;
    bool synth;
} settings;

typedef struct results {
    double prefill_tps, decode_tps, batch_tps, read_gbps, load_ms;
    uint64_t read_per_token; /* bytes of weights */
} results;

/* ---- memory read bandwidth ----------------------------------------------------------- */

#define READ_BYTES ((size_t)512 << 20)
#define READ_PIECE ((size_t)1 << 20)

typedef struct reader {
    const uint8_t *data;
    uint64_t *sums; /* one for each piece, so that nothing is optimised away */
    bool wide;
} reader;

static uint64_t read_words(const uint8_t *data, size_t n)
{
    const uint64_t *a = (const uint64_t *)(const void *)data, *end = a + n / 8;
    uint64_t s = 0, t = 0, u = 0, v = 0;
    for (; a != end; a += 8) {
        s += a[0] + a[4];
        t += a[1] + a[5];
        u += a[2] + a[6];
        v += a[3] + a[7];
    }
    return s + t + u + v;
}

#if (defined(__GNUC__) || defined(__clang__)) && (defined(__x86_64__) || defined(__i386__)) && \
    !defined(__TINYC__)
#define READ_WIDE 1
typedef uint64_t lanes __attribute__((vector_size(32), may_alias));

/* Four streams a quarter of the piece apart, so that more lines are on their way at once. */
__attribute__((target("avx2"))) static uint64_t read_lanes(const uint8_t *data, size_t n)
{
    const lanes *a = (const lanes *)(const void *)data, *b = a + n / 128, *c = b + n / 128, *d = c + n / 128;
    const lanes *end = b;
    lanes s = {0}, t = {0}, u = {0}, v = {0};
    for (; a != end; a += 2, b += 2, c += 2, d += 2) {
        s += a[0] + a[1];
        t += b[0] + b[1];
        u += c[0] + c[1];
        v += d[0] + d[1];
    }
    s += t + u + v;
    return s[0] + s[1] + s[2] + s[3];
}
#else
#define READ_WIDE 0
#endif

static void read_piece(void *arg, uint32_t index)
{
    reader *r = (reader *)arg;
    const uint8_t *at = r->data + (size_t)index * READ_PIECE;
#if READ_WIDE
    if (r->wide) {
        r->sums[index] = read_lanes(at, READ_PIECE);
        return;
    }
#endif
    r->sums[index] = read_words(at, READ_PIECE);
}

static void fill_piece(void *arg, uint32_t index)
{
    reader *r = (reader *)arg;
    memset((uint8_t *)(uintptr_t)(r->data + (size_t)index * READ_PIECE), (int)(index & 255), READ_PIECE);
}

static void run_tasks(const llmc_tasks *tasks, uint32_t n, llmc_task_fn fn, void *arg)
{
    uint32_t i;
    if (tasks->run != NULL)
        tasks->run(tasks->user, n, fn, arg);
    else
        for (i = 0; i < n; i++)
            fn(arg, i);
}

/* What these threads read from a buffer no cache can hold. On a shared machine it changes from
   second to second, so it is looked at before and after each measurement of decoding. */
typedef struct yardstick {
    reader r;
    void *memory;
    size_t bytes;
    double *gbps; /* [most] */
    size_t n, most;
    const llmc_tasks *tasks;
} yardstick;

static void yardstick_open(yardstick *y, const llmc_tasks *tasks, size_t most)
{
    memset(y, 0, sizeof *y);
    y->bytes = READ_BYTES;
    while (llmc_os_memory(&y->memory, y->bytes, NULL) != LLMC_OK)
        if ((y->bytes /= 2) < 8 * READ_PIECE)
            tool_die("no memory to measure the bandwidth with");
    y->tasks = tasks;
    y->gbps = (double *)tool_alloc(most, sizeof *y->gbps);
    y->most = most;
    y->r.data = (const uint8_t *)y->memory;
    y->r.sums = (uint64_t *)tool_alloc(READ_BYTES / READ_PIECE, sizeof *y->r.sums);
    run_tasks(tasks, (uint32_t)(y->bytes / READ_PIECE), fill_piece, &y->r);
}

/* One look: the best of four passes, two with each of the loops. */
static void yardstick_look(yardstick *y)
{
    double best = 0;
    int pass;
    for (pass = 0; pass < 4; pass++) {
        double start = tool_seconds(), gbps;
        y->r.wide = pass % 2 == 0 && (llmc_cpu_detect().features & LLMC_CPU_AVX2) != 0;
        run_tasks(y->tasks, (uint32_t)(y->bytes / READ_PIECE), read_piece, &y->r);
        gbps = (double)y->bytes * 1e-9 / (tool_seconds() - start);
        best = gbps > best ? gbps : best;
    }
    if (y->n < y->most)
        y->gbps[y->n++] = best;
}

/* The median of all looks. */
static double yardstick_close(yardstick *y)
{
    double median = y->n > 0 ? tool_median(y->gbps, y->n) : 0;
    llmc_os_release(y->memory, y->bytes);
    free(y->gbps);
    free(y->r.sums);
    return median;
}

/* Weights that a token's forward reads: all but the embedding tables, of which it takes
   one row; a tied head reads the embedding as a whole. */
static uint64_t bytes_per_token(const llmc_model *model)
{
    const llmc_config *c = llmc_model_config(model);
    uint64_t bytes = 0;
    uint32_t i;
    for (i = 0; i < llmc_model_tensor_count(model); i++) {
        const llmc_tensor *t = llmc_model_tensor(model, i);
        bool looked_up = strcmp(t->name, "position_embd.weight") == 0 ||
                         (strcmp(t->name, "token_embd.weight") == 0 && !c->tied_head);
        if (!looked_up)
            bytes += t->bytes;
    }
    return bytes;
}

/* An engine with its memory, for seqs sequences of context tokens. */
typedef struct machine {
    llmc_engine *engine;
    void *memory;
    size_t bytes;
} machine;

static machine machine_open(const llmc_model *model, llmc_tasks tasks, uint32_t seqs, uint32_t context,
                            uint32_t batch_tokens)
{
    machine m;
    llmc_engine_options opt;
    llmc_diag diag;
    memset(&opt, 0, sizeof opt);
    diag.message[0] = 0;
    opt.context_length = context;
    opt.max_seqs = seqs;
    opt.batch_tokens = batch_tokens;
    opt.kv_type = tool_opt.kv_type;
    opt.cpu = tool_opt.cpu;
    opt.tasks = tasks;
    opt.log = tool_log();
    tool_check(llmc_engine_need(model, &opt, &m.bytes, &diag), &diag);
    tool_check(llmc_os_memory(&m.memory, m.bytes, &diag), &diag);
    tool_check(llmc_engine_init(&m.engine, model, &opt, m.memory, m.bytes, &diag), &diag);
    return m;
}

static void machine_close(machine *m)
{
    llmc_os_release(m->memory, m->bytes);
}

static llmc_token *random_ids(const llmc_model *model, size_t n, uint64_t seed)
{
    llmc_token *ids = (llmc_token *)tool_alloc(n, sizeof *ids);
    llmc_rng rng = llmc_rng_seed(seed);
    size_t i;
    for (i = 0; i < n; i++)
        ids[i] = (llmc_token)(llmc_rng_u64(&rng) % llmc_model_config(model)->vocab_size);
    return ids;
}

/* ---- one sequence --------------------------------------------------------------------------- */

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

static void bench_single(const llmc_model *model, llmc_tasks tasks, const settings *s, yardstick *y,
                         results *out)
{
    uint32_t most = s->prefill > s->decode ? s->prefill : s->decode;
    uint32_t room = s->depth + most > 4 ? s->depth + most : 4;
    size_t step = s->batch_tokens < room ? s->batch_tokens : room;
    float *logits = (float *)tool_alloc(llmc_model_config(model)->vocab_size, sizeof *logits);
    llmc_token *ids = random_ids(model, room, 1);
    machine m = machine_open(model, tasks, 1, room, (uint32_t)step);
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
    llmc_token *ids = random_ids(llmc_engine_model(engine), (size_t)s->depth + 1, 2);
    llmc_diag diag;
    uint64_t pieces = 0, before;
    uint32_t i;
    double start;
    diag.message[0] = 0;
    for (i = 0; i < s->batch; i++) {
        tool_check(llmc_seq_truncate(seq[i], 0, &diag), &diag);
        ids[s->depth] = (llmc_token)(i % llmc_model_config(llmc_engine_model(engine))->vocab_size);
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

static double bench_batch(const llmc_model *model, llmc_tasks tasks, const settings *s)
{
    uint32_t n = s->decode != 0 ? s->decode : 32, i;
    uint32_t step = s->batch_tokens > s->batch ? s->batch_tokens : s->batch;
    /* a sequence that is read early generates while the others are still read */
    uint64_t room = (uint64_t)s->batch * (s->depth + 1) / step + s->batch + s->depth + n + 8;
    llmc_seq **seq = (llmc_seq **)tool_alloc(s->batch, sizeof *seq);
    double *rate = (double *)tool_alloc(s->repeats, sizeof *rate), median;
    machine m = machine_open(model, tasks, s->batch, room < UINT32_MAX ? (uint32_t)room : UINT32_MAX, step);
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

/* ---- output --------------------------------------------------------------------------------------- */

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

static double gbps(const results *r)
{
    return r->decode_tps * (double)r->read_per_token * 1e-9;
}

static void print_json(const char *model, const char *isa, uint32_t threads, const settings *s,
                       const results *r)
{
    putchar('{');
    print_json_text("model", model);
    printf(", ");
    print_json_text("isa", isa);
    printf(", \"threads\": %u, \"depth\": %u, \"repeats\": %u, \"load_ms\": %.2f", threads, s->depth,
           s->repeats, r->load_ms);
    printf(", \"prefill_tokens\": %u, \"prefill_tps\": %.3f", s->prefill, r->prefill_tps);
    printf(", \"decode_tokens\": %u, \"decode_tps\": %.3f", s->decode, r->decode_tps);
    if (s->batch != 0)
        printf(", \"batch\": %u, \"batch_tps\": %.3f", s->batch, r->batch_tps);
    printf(", \"bytes_per_token\": %llu, \"decode_gbps\": %.3f, \"read_gbps\": %.3f, \"decode_percent\": "
           "%.2f}\n",
           (unsigned long long)r->read_per_token, gbps(r), r->read_gbps,
           r->read_gbps > 0 ? 100.0 * gbps(r) / r->read_gbps : 0.0);
}

static void print_table(const char *model, const char *isa, uint32_t threads, const settings *s,
                        const results *r)
{
    char text[32];
    printf("%s, %s read per token, %s, %u threads, loaded in %.1f ms", model,
           tool_bytes(r->read_per_token, text), isa, threads, r->load_ms);
    if (s->depth != 0)
        printf(", at depth %u", s->depth);
    printf("\n\n| work | tokens/s | memory |\n|---|---|---|\n");
    if (s->prefill != 0)
        printf("| prefill %u | %.1f | |\n", s->prefill, r->prefill_tps);
    if (s->decode != 0)
        printf("| decode %u | %.2f | %.1f of %.1f GB/s read: %.0f %% |\n", s->decode, r->decode_tps, gbps(r),
               r->read_gbps, r->read_gbps > 0 ? 100.0 * gbps(r) / r->read_gbps : 0.0);
    if (s->batch != 0)
        printf("| batch of %u | %.1f | |\n", s->batch, r->batch_tps);
}

/* ---- main ------------------------------------------------------------------------------------------- */

/* Random weights in a temporary file, so that they are mapped as any model is. The
   file goes when the program ends. */
static const char *make_model(const char *shape_text, const char *type_text)
{
    static char path[512];
    synth_shape shape = synth_parse(shape_text);
    llmc_dtype type = tool_dtype("TYPE", type_text);
    const char *folder = getenv("TMPDIR");
    llmc_writer writer;
    tool_out out;
    memset(&out, 0, sizeof out);
#ifdef _WIN32
    folder = folder != NULL ? folder : getenv("TEMP");
#endif
    snprintf(path, sizeof path, "%s/llmc-bench-%ld.gguf", folder != NULL ? folder : "/tmp", (long)getpid());
    tool_unfinished = path;
    out.path = path;
    out.file = fopen(path, "wb");
    if (out.file == NULL)
        tool_die("%s: %s", path, strerror(errno));
    writer.write = tool_out_write;
    writer.user = &out;
    synth_write(&shape, type, 1, &writer, tool_progress());
    if (fclose(out.file) != 0)
        tool_out_failed(&out);
    return path;
}

static void remove_model(void)
{
    if (tool_unfinished != NULL)
        remove(tool_unfinished);
    tool_unfinished = NULL;
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
    if (s->prefill == 0 && s->decode == 0 && s->batch == 0)
        tool_misused("nothing to measure");
    if (s->repeats == 0)
        tool_misused("-r: at least 1");
    if (s->batch_tokens == 0)
        s->batch_tokens = 256;
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

/* Everything between opening the model and printing. */
static void measure(const char *path, const char *label, settings *s)
{
    results r;
    llmc_host host;
    llmc_pool *pool;
    llmc_tasks tasks;
    llmc_diag diag;
    llmc_cpu cpu = tool_opt.cpu.features != 0 ? tool_opt.cpu : llmc_cpu_detect();
    double start = tool_seconds();
    yardstick y;
    memset(&r, 0, sizeof r);
    diag.message[0] = 0;
    tool_open_model(&host, path, false);
    r.load_ms = (tool_seconds() - start) * 1e3;
#ifndef _WIN32
    remove_model(); /* mapped, it needs no name any more */
#endif
    default_lengths(s, host.model);
    tool_check(llmc_pool_open(&pool, tool_opt.threads, &diag), &diag);
    tasks = llmc_pool_tasks(pool);
    r.read_per_token = bytes_per_token(host.model);
    yardstick_open(&y, &tasks, (size_t)s->repeats * 2 + 1);
    if (s->prefill != 0 || s->decode != 0)
        bench_single(host.model, tasks, s, &y, &r);
    yardstick_look(&y);
    r.read_gbps = yardstick_close(&y);
    if (s->batch != 0)
        r.batch_tps = bench_batch(host.model, tasks, s);
    if (strcmp(s->output, "json") == 0)
        print_json(label, llmc_cpu_name(cpu), tasks.workers, s, &r);
    else
        print_table(label, llmc_cpu_name(cpu), tasks.workers, s, &r);
    llmc_pool_close(pool);
    llmc_close(&host);
}

int main(int argc, char **argv)
{
    static settings s = {UINT32_MAX, UINT32_MAX, 0, 0, 3, 0, "md", false};
    static const tool_option options[] = {
        {'m', "model", TOOL_TEXT, &tool_opt.model, "FILE", "the model: GGUF or llama2.c"},
        {0, "synth", TOOL_FLAG, &s.synth, NULL, "random weights: SHAPE TYPE in place of -m"},
        {'p', "prefill", TOOL_U32, &s.prefill, "N", "tokens to prefill; default 512 or what fits, 0: skip"},
        {'n', "decode", TOOL_U32, &s.decode, "N", "tokens to decode; default 64 or what fits, 0: skip"},
        {'b', "batch", TOOL_U32, &s.batch, "B", "sequences that generate together; default: skip"},
        {'d', "depth", TOOL_U32, &s.depth, "N", "tokens in the cache before; default 0"},
        {'r', "repeats", TOOL_U32, &s.repeats, "N", "medians of so many; default 3"},
        {0, "batch-tokens", TOOL_U32, &s.batch_tokens, "N", "most tokens in one step; default 256"},
        {'o', "output", TOOL_TEXT, &s.output, "FORMAT", "md (default) or json"},
        TOOL_OPTIONS_ENGINE,
        TOOL_OPTIONS_ALL,
    };
    static char help[1600], label[160];
    const char *path;
    char **args;
    int n;
    tool_name = "bench";
    snprintf(help, sizeof help, "%s%s", usage, synth_shapes);
    args = tool_parse(argc, argv, help, options, TOOL_COUNT_OF(options), &n);
    check_settings(&s, n);
    tool_catch_signals();
    if (s.synth) {
        path = make_model(args[0], args[1]);
        snprintf(label, sizeof label, "%.100s %.20s (random weights)", args[0], args[1]);
    } else {
        path = tool_opt.model;
        snprintf(label, sizeof label, "%.150s", path);
    }
    measure(path, label, &s);
    remove_model();
    return tool_end();
}
