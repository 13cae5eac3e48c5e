/* test_memory.c -- what llmc_engine_quote says is what an engine takes: to the byte in what it asks for, and
   within a few per cent in the pages that the process then holds. And failing memory at each step: every init
   and every call with work memory, given any amount below what its need says (all small ones, all just below,
   some between), says NO_MEMORY in one line and touches nothing; blocks are of exactly that size, so that
   ASan sees a byte beyond. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"
#include <dirent.h>
#include <unistd.h>

#define MODEL "tests/models/tiny-llama.gguf"

static llmc_host host;
static llmc_diag diag;

static llmc_engine_options options(uint32_t context)
{
    llmc_engine_options o;
    memset(&o, 0, sizeof o);
    o.context_length = context;
    o.text_bytes = 1024; /* below 4096: no memory for templates, which nothing here would touch */
    o.batch_tokens = 64;
    return o;
}

/* Refused one byte below the quote, content with it, and nothing written beyond it. */
static void quote_is_need(void)
{
    static const llmc_dtype type[] = {LLMC_DTYPE_NONE, LLMC_F32, LLMC_F16, LLMC_BF16};
    uint32_t i;
    for (i = 0; i < 48; i++) {
        llmc_engine_options o = options(i % 3 == 0 ? 100 : i % 3 == 1 ? 1000 : 5000);
        llmc_engine_memory q;
        llmc_engine *engine = NULL;
        unsigned char *mem;
        size_t need = 0, at;
        o.kv_type = type[i / 3 % 4];
        o.window_size = i % 2 == 0 ? 0 : 70;
        o.sink_tokens = i % 4 == 1 ? 4 : 0;
        o.kv_cache_capacity = i % 5 == 2 ? 90 : 0;
        o.max_seqs = 1 + i % 3;
        if (!CHECKF(llmc_engine_quote(host.model, &o, &q, &diag) == LLMC_OK, "%u: %s", i, diag.message))
            continue;
        CHECK(llmc_engine_need(host.model, &o, &need, &diag) == LLMC_OK && need == q.total);
        CHECK(q.kv_cache + q.scratch + q.sequences == q.total);
        mem = (unsigned char *)malloc(need + 64);
        memset(mem, 0xa5, need + 64);
        CHECK(llmc_engine_init(&engine, host.model, &o, mem, need - 1, &diag) == LLMC_NO_MEMORY);
        for (at = 0; at < need + 64 && mem[at] == 0xa5; at++)
            continue;
        CHECKF(at == need + 64, "%u: a refused engine wrote byte %u", i, (unsigned)at);
        CHECKF(llmc_engine_init(&engine, host.model, &o, mem, need, &diag) == LLMC_OK, "%s", diag.message);
        for (at = need; at < need + 64 && mem[at] == 0xa5; at++)
            continue;
        CHECKF(at == need + 64, "%u: byte %u of %u", i, (unsigned)at, (unsigned)need);
        free(mem);
    }
}

/* llmc_open takes what is quoted. */
static void open_takes_the_quote(void)
{
    llmc_engine_options o = options(3000);
    llmc_open_options open;
    llmc_engine_memory q;
    llmc_host other;
    memset(&open, 0, sizeof open);
    open.threads = 1;
    open.engine = &o;
    if (!CHECK(llmc_engine_quote(host.model, &o, &q, &diag) == LLMC_OK) ||
        !CHECKF(llmc_open(&other, MODEL, &open, &diag) == LLMC_OK, "%s", diag.message))
        return;
    CHECKF(other.engine_bytes == q.total, "%u bytes, %u quoted", (unsigned)other.engine_bytes,
           (unsigned)q.total);
    llmc_close(&other);
}

#if defined(__linux__) && defined(__x86_64__) && !TEST_SANITIZED
/* Bytes of this process in memory, 0: not known. Elsewhere they would mostly be an emulator's. */
static double resident(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long long all, here = 0;
    if (f == NULL || fscanf(f, "%llu %llu", &all, &here) != 2)
        here = 0;
    if (f != NULL)
        fclose(f);
    return (double)here * (double)sysconf(_SC_PAGESIZE);
}

/* The system counts pages for each processor and sums up now and then. */
#define NOISE (1024.0 * 1024)

/* Bytes that the process has more after an engine of these options read n tokens (0: after all its memory
   was written). */
static double growth(const llmc_engine_options *o, uint32_t n, llmc_engine_memory *q)
{
    static llmc_token ids[32768];
    double before, after;
    llmc_engine *engine;
    llmc_seq *seq = NULL;
    void *mem = NULL;
    uint32_t i;
    for (i = 0; i < n; i++)
        ids[i] = (llmc_token)(3 + (i * 2654435761u >> 8) % 256);
    if (!CHECKF(llmc_engine_quote(host.model, o, q, &diag) == LLMC_OK, "%s", diag.message))
        return 0;
    before = resident();
    if (!CHECK(llmc_os_memory(&mem, (size_t)q->total, &diag) == LLMC_OK))
        return 0;
    if (n == 0)
        memset(mem, 1, (size_t)q->total);
    CHECKF(llmc_engine_init(&engine, host.model, o, mem, (size_t)q->total, &diag) == LLMC_OK &&
               llmc_seq_open(&seq, engine, NULL, &diag) == LLMC_OK,
           "%s", diag.message);
    for (i = 0; i < n && seq != NULL; i += 64)
        if (!CHECKF(llmc_seq_forward(seq, ids + i, 64, NULL, 0, &diag) == LLMC_OK, "%s", diag.message))
            break;
    after = resident();
    llmc_os_release(mem, (size_t)q->total);
    return after - before;
}

static void pages_are_as_quoted(void)
{
    llmc_engine_options o = options(1u << 20);
    llmc_engine_memory q, full;
    double got;
    if (resident() == 0) {
        SKIP("the system does not tell what is resident");
        return;
    }
    got = growth(&o, 0, &q); /* some 270 MB */
    CHECKF(got > 0.98 * (double)q.total && got < 1.02 * (double)q.total, "%.0f bytes, %.0f quoted", got,
           (double)q.total);
    /* read to the end: all of the cache, and not more than everything */
    o = options(8192);
    o.kv_type = LLMC_F32;
    got = growth(&o, 8192, &full);
    CHECKF(got > (double)full.kv_cache - NOISE && got < (double)full.total + NOISE,
           "%.0f bytes, %.0f quoted, %.0f for the cache", got, (double)full.total, (double)full.kv_cache);
    /* four times as much through a window: less than the full cache, as quoted */
    o = options(32768);
    o.kv_type = LLMC_F32;
    o.kv_cache_capacity = 256;
    o.sink_tokens = 4;
    got = growth(&o, 32768, &q);
    CHECKF(q.total < full.kv_cache / 2 && got < (double)q.total + NOISE, "%.0f bytes, %.0f quoted", got,
           (double)q.total);
}
#else
static void pages_are_as_quoted(void)
{
    SKIP("nothing here tells what the process holds");
}
#endif

//-- failing memory: init functions --------------------------------------

/* One init function with all but its memory. */
typedef llmc_status (*make_fn)(const void *arg, void **out, void *mem, size_t bytes);

typedef struct maker {
    const char *name;
    make_fn make;
    const void *arg;
    size_t need;
    size_t near; /* so many sizes just below need, and from 0 up, are all tried */
    size_t some; /* and so many between */
} maker;

static uint64_t seed;

static bool all_is(const unsigned char *mem, size_t from, size_t to, unsigned char value)
{
    while (from < to && mem[from] == value)
        from++;
    return from >= to;
}

/* What a refusal looks like: a status, a tag, one line. */
static bool one_line(llmc_status status)
{
    return diag.status == status && diag.tag != NULL && diag.message[0] != 0 &&
           strchr(diag.message, '\n') == NULL;
}

/* Less than need: refused, nothing touched, nothing made. */
static void refused(const maker *m, size_t bytes)
{
    unsigned char *mem = (unsigned char *)malloc(bytes > 0 ? bytes : 1);
    void *out = NULL;
    llmc_status status;
    if (!CHECK(mem != NULL))
        return;
    memset(mem, 0xa5, bytes);
    memset(&diag, 0, sizeof diag);
    status = m->make(m->arg, &out, mem, bytes);
    CHECKF(status == LLMC_NO_MEMORY && one_line(status), "%s: status %d with %u of %u bytes: %s", m->name,
           (int)status, (unsigned)bytes, (unsigned)m->need, diag.message);
    CHECKF(out == NULL, "%s: %u of %u bytes made something", m->name, (unsigned)bytes, (unsigned)m->need);
    CHECKF(all_is(mem, 0, bytes, 0xa5), "%s: wrote into %u of %u bytes", m->name, (unsigned)bytes,
           (unsigned)m->need);
    free(mem);
}

/* Exactly need, at any address: made, and not a byte beyond is written. */
static void made(const maker *m, size_t off, llmc_status want)
{
    unsigned char *mem = (unsigned char *)malloc(m->need + 128);
    void *out = NULL;
    llmc_status status;
    if (!CHECK(mem != NULL))
        return;
    memset(mem, 0x5a, m->need + 128);
    status = m->make(m->arg, &out, mem + off, m->need);
    CHECKF(status == want && (out != NULL) == (want == LLMC_OK), "%s: status %d at +%u: %s", m->name,
           (int)status, (unsigned)off, diag.message);
    CHECKF(all_is(mem, 0, off, 0x5a) && all_is(mem, off + m->need, m->need + 128, 0x5a),
           "%s: writes outside %u bytes at +%u", m->name, (unsigned)m->need, (unsigned)off);
    free(mem);
}

/* want: what need's memory gives; OK but for files whose damage only the last step finds. */
static void sweep(const maker *m, llmc_status want)
{
    size_t near = m->near > 0 ? m->near : 130, i, to;
    void *out = NULL;
    if (!CHECKF(m->need > 0, "%s needs nothing", m->name))
        return;
    to = near < m->need ? near : m->need;
    for (i = 0; i < to; i++) {
        refused(m, i);
        refused(m, m->need - 1 - i);
    }
    for (i = 0; i < m->some && m->need < UINT_MAX; i++)
        refused(m, test_random(&seed, (unsigned)m->need));
    made(m, 0, want);
    made(m, 1, want);
    made(m, 8, want);
    made(m, 63, want);
    /* no memory at all is a mistake of the caller's or too little; in any case said so */
    memset(&diag, 0, sizeof diag);
    CHECKF(m->make(m->arg, &out, NULL, 0) != LLMC_OK && out == NULL && diag.message[0] != 0, "%s: NULL",
           m->name);
}

typedef struct files {
    llmc_blob *file;
    size_t n;
} files;

static llmc_status make_model(const void *arg, void **out, void *mem, size_t bytes)
{
    const files *f = (const files *)arg;
    return llmc_model_init((llmc_model **)out, f->file, f->n, NULL, mem, bytes, &diag);
}

static llmc_status make_tokenizer(const void *arg, void **out, void *mem, size_t bytes)
{
    const files *f = (const files *)arg;
    return llmc_tokenizer_init((llmc_tokenizer **)out, f->file, f->n, NULL, mem, bytes, &diag);
}

static llmc_status make_encoder(const void *arg, void **out, void *mem, size_t bytes)
{
    return llmc_encoder_init((llmc_encoder **)out, llmc_model_tokenizer(host.model), NULL,
                             *(const size_t *)arg, mem, bytes, &diag);
}

static llmc_status make_engine(const void *arg, void **out, void *mem, size_t bytes)
{
    return llmc_engine_init((llmc_engine **)out, host.model, (const llmc_engine_options *)arg, mem, bytes,
                            &diag);
}

static llmc_status make_calibration(const void *arg, void **out, void *mem, size_t bytes)
{
    (void)arg;
    return llmc_calibration_init((llmc_calibration **)out, host.model, mem, bytes, &diag);
}

static llmc_status make_vocab(const void *arg, void **out, void *mem, size_t bytes)
{
    (void)arg;
    return llmc_grammar_vocab_init((llmc_grammar_vocab **)out, llmc_model_tokenizer(host.model), mem, bytes,
                                   &diag);
}

static llmc_status make_grammar(const void *arg, void **out, void *mem, size_t bytes)
{
    const char *text = (const char *)arg;
    return llmc_grammar_init((llmc_grammar **)out, llmc_model_tokenizer(host.model), text, strlen(text), NULL,
                             mem, bytes, &diag);
}

static llmc_status make_state(const void *arg, void **out, void *mem, size_t bytes)
{
    return llmc_grammar_state_init((llmc_grammar_state **)out, (const llmc_grammar *)arg, NULL, mem, bytes,
                                   &diag);
}

static llmc_status make_template(const void *arg, void **out, void *mem, size_t bytes)
{
    const char *text = (const char *)arg;
    return llmc_template_init((llmc_template **)out, text, strlen(text), mem, bytes, &diag);
}

static llmc_status make_reply(const void *arg, void **out, void *mem, size_t bytes)
{
    return llmc_reply_init((llmc_reply **)out, (const llmc_reply_options *)arg, mem, bytes, &diag);
}

typedef struct training {
    const llmc_config *config;
    const llmc_model *from;
    llmc_trainer_options opt;
} training;

static llmc_status make_trainer(const void *arg, void **out, void *mem, size_t bytes)
{
    const training *t = (const training *)arg;
    return llmc_trainer_init((llmc_trainer **)out, t->config, t->from, &t->opt, mem, bytes, &diag);
}

static llmc_status make_lora(const void *arg, void **out, void *mem, size_t bytes)
{
    const files *f = (const files *)arg;
    return llmc_lora_init((llmc_lora **)out, host.model, f->file, f->n, mem, bytes, &diag);
}

typedef struct loading {
    llmc_blob *shard;
    size_t n;
    llmc_loader_options opt;
} loading;

static llmc_status make_loader(const void *arg, void **out, void *mem, size_t bytes)
{
    const loading *l = (const loading *)arg;
    return llmc_loader_init((llmc_loader **)out, l->shard, l->n, &l->opt, mem, bytes, &diag);
}

typedef struct indexing {
    const llmc_blob *file;
    llmc_index_options opt;
} indexing;

static llmc_status make_index(const void *arg, void **out, void *mem, size_t bytes)
{
    const indexing *x = (const indexing *)arg;
    return llmc_index_init((llmc_index **)out, x->file, &x->opt, mem, bytes, &diag);
}

static llmc_status make_words(const void *arg, void **out, void *mem, size_t bytes)
{
    return llmc_words_init((llmc_words **)out, (const llmc_words_options *)arg, mem, bytes, &diag);
}

static maker of(const char *name, make_fn make, const void *arg, size_t need)
{
    maker m;
    memset(&m, 0, sizeof m);
    m.name = name;
    m.make = make;
    m.arg = arg;
    m.need = need;
    m.some = 20;
    if (need > 100000) /* to fill and to look through takes a while */
        m.near = 12;
    return m;
}

/* A file in a block of exactly its size; free *mem. */
static bool read_blob(llmc_blob *out, const char *path, void **mem)
{
    size_t n = 0;
    unsigned char *raw = NULL;
    DIR *folder = opendir(path); /* which fopen opens, too */
    if (folder == NULL)
        raw = test_read(path, &n);
    else
        closedir(folder);
    *mem = malloc(n > 0 ? n : 1);
    if (raw == NULL || *mem == NULL) {
        free(raw);
        free(*mem);
        *mem = NULL;
        return false;
    }
    memcpy(*mem, raw, n);
    free(raw);
    out->data = *mem;
    out->size = n;
    out->name = path;
    return true;
}

/* A model's file with every amount of memory; one that is refused for what it holds has no need. */
static uint32_t model_file(const char *path)
{
    llmc_blob b;
    files f;
    size_t need = 0;
    void *mem;
    maker m;
    llmc_model *model = NULL;
    llmc_status last;
    if (!read_blob(&b, path, &mem))
        return 0; /* a folder */
    f.file = &b;
    f.n = 1;
    if (llmc_model_need(&b, 1, NULL, &need, &diag) != LLMC_OK || need > (size_t)64 << 20) {
        free(mem);
        return 0;
    }
    m = of(path, make_model, &f, need);
    m.near = 6;
    m.some = 6;
    {
        void *full = malloc(need);
        last = llmc_model_init(&model, &b, 1, NULL, full, need, &diag);
        free(full);
    }
    sweep(&m, last);
    free(mem);
    return 1;
}

/* Every format: the models here, and what of tests/hostile can be measured. */
static void models_refuse(void)
{
    DIR *d = opendir("tests/hostile");
    struct dirent *e;
    uint32_t n = 0;
    n += model_file(MODEL) + model_file("tests/models/tiny-gpt2.gguf") +
         model_file("tests/models/windows.gguf");
    CHECK(n == 3);
    while (d != NULL && (e = readdir(d)) != NULL) {
        char path[300];
        snprintf(path, sizeof path, "tests/hostile/%s", e->d_name);
        if (e->d_name[0] != '.')
            n += model_file(path);
    }
    if (d != NULL)
        closedir(d);
    CHECKF(n > 20, "only %u files could be measured", n);
}

/* Every kind of tokenizer's file. */
static void tokenizers_refuse(void)
{
    DIR *d = opendir("tests/models/tokenizers");
    struct dirent *e;
    uint32_t n = 0;
    while (d != NULL && (e = readdir(d)) != NULL) {
        char path[300];
        llmc_blob b;
        files f;
        size_t need = 0;
        void *mem = NULL;
        snprintf(path, sizeof path, "tests/models/tokenizers/%s", e->d_name);
        if (e->d_name[0] == '.' || !read_blob(&b, path, &mem))
            continue;
        f.file = &b;
        f.n = 1;
        if (llmc_tokenizer_need(&b, 1, NULL, &need, &diag) == LLMC_OK) {
            maker m = of(path, make_tokenizer, &f, need);
            m.near = 20;
            sweep(&m, LLMC_OK);
            n++;
        }
        free(mem);
    }
    if (d != NULL)
        closedir(d);
    CHECKF(n >= 12, "only %u tokenizers could be measured", n);
}

static void engines_refuse(void)
{
    llmc_engine_options o = options(64);
    uint32_t i;
    for (i = 0; i < 6; i++) {
        size_t need = 0;
        maker m;
        o.kv_type = i % 2 == 0 ? LLMC_F16 : LLMC_Q8_0;
        o.max_seqs = 1 + i;
        o.draft_tokens = i % 3 * 4;
        o.lora_rank = i % 2 * 4;
        o.max_requests = i >= 3 ? 5 : 0;
        o.prefix_bytes = i >= 4 ? 100000 : 0;
        o.text_bytes = i == 5 ? 4096 : 256;
        if (!CHECKF(llmc_engine_need(host.model, &o, &need, &diag) == LLMC_OK, "%s", diag.message))
            continue;
        m = of("llmc_engine_init", make_engine, &o, need);
        sweep(&m, LLMC_OK);
    }
}

static void encoders_refuse(void)
{
    static const size_t longest[] = {1, 7, 1000};
    size_t i, need = 0;
    for (i = 0; i < 3; i++) {
        maker m;
        CHECK(llmc_encoder_need(llmc_model_tokenizer(host.model), longest[i], &need, &diag) == LLMC_OK);
        m = of("llmc_encoder_init", make_encoder, &longest[i], need);
        sweep(&m, LLMC_OK);
    }
}

static void calibrations_refuse(void)
{
    maker m = of("llmc_calibration_init", make_calibration, NULL, llmc_calibration_need(host.model));
    sweep(&m, LLMC_OK);
}

static const char gbnf[] =
    "root ::= item (\",\" item){0,3}\nitem ::= [a-z]+ | \"(\" root \")\" | [0-9]{2,4}\n";

static void grammars_refuse(void)
{
    const llmc_tokenizer *tok = llmc_model_tokenizer(host.model);
    llmc_grammar *g = NULL;
    size_t need = 0;
    void *mem;
    maker m;
    CHECK(llmc_grammar_vocab_need(tok, &need, &diag) == LLMC_OK);
    m = of("llmc_grammar_vocab_init", make_vocab, NULL, need);
    sweep(&m, LLMC_OK);
    CHECKF(llmc_grammar_need(tok, gbnf, sizeof gbnf - 1, NULL, &need, &diag) == LLMC_OK, "%s", diag.message);
    m = of("llmc_grammar_init", make_grammar, gbnf, need);
    sweep(&m, LLMC_OK);
    mem = malloc(need);
    if (CHECK(llmc_grammar_init(&g, tok, gbnf, sizeof gbnf - 1, NULL, mem, need, &diag) == LLMC_OK)) {
        CHECK(llmc_grammar_state_need(g, NULL, &need, &diag) == LLMC_OK);
        m = of("llmc_grammar_state_init", make_state, g, need);
        sweep(&m, LLMC_OK);
    }
    free(mem);
}

static void templates_refuse(void)
{
    int f;
    for (f = LLMC_CHAT_RAW; f < LLMC_CHAT_FORMAT_COUNT; f++) {
        size_t len = 0, need = 0;
        const char *text = llmc_chat_template(NULL, (llmc_chat_format)f, &len);
        char *copy = (char *)calloc(1, len + 1);
        maker m;
        memcpy(copy, text, len);
        CHECKF(llmc_template_need(copy, len, &need, &diag) == LLMC_OK, "%s", diag.message);
        m = of(llmc_chat_format_name((llmc_chat_format)f), make_template, copy, need);
        sweep(&m, LLMC_OK);
        free(copy);
    }
}

static void replies_refuse(void)
{
    llmc_reply_options o;
    maker m;
    memset(&o, 0, sizeof o);
    o.format = LLMC_REPLY_HERMES;
    m = of("llmc_reply_init", make_reply, &o, llmc_reply_need());
    sweep(&m, LLMC_OK);
}

typedef struct sink {
    unsigned char *data;
    size_t n, cap;
} sink;

static bool sink_take(void *user, const void *data, size_t n)
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

/* One trainer: measured, swept, and made in *mem for more. */
static llmc_trainer *trainer_refuses(const training *t, void **mem)
{
    llmc_trainer *out = NULL;
    size_t need = 0;
    maker m;
    *mem = NULL;
    if (!CHECKF(llmc_trainer_need(t->config, t->from, &t->opt, &need, &diag) == LLMC_OK, "%s", diag.message))
        return NULL;
    m = of("llmc_trainer_init", make_trainer, t, need);
    m.near = 8;
    m.some = 8;
    sweep(&m, LLMC_OK);
    *mem = malloc(need);
    CHECK(llmc_trainer_init(&out, t->config, t->from, &t->opt, *mem, need, &diag) == LLMC_OK);
    return out;
}

static void trainers_refuse(void)
{
    llmc_config c = *llmc_model_config(host.model);
    llmc_optim_options optim;
    llmc_lora_options lora;
    llmc_trainer *tr;
    training t;
    void *mem;
    memset(&t, 0, sizeof t);
    memset(&optim, 0, sizeof optim);
    memset(&lora, 0, sizeof lora);
    t.opt.rows = 2;
    t.opt.tokens = 8;
    t.opt.optim = &optim;
    t.config = &c;
    (void)trainer_refuses(&t, &mem); /* made from nothing */
    free(mem);
    t.opt.recompute = true;
    optim.kind = LLMC_MUON;
    (void)trainer_refuses(&t, &mem);
    free(mem);
    t.config = NULL;
    t.from = host.model;
    optim.kind = LLMC_SGD;
    (void)trainer_refuses(&t, &mem);
    free(mem);
    t.opt.lora = &lora; /* an adapter, saved and read again */
    tr = trainer_refuses(&t, &mem);
    if (tr != NULL) {
        sink s = {NULL, 0, 0};
        llmc_writer w;
        llmc_blob b;
        files f;
        size_t need = 0;
        maker m;
        w.write = sink_take;
        w.user = &s;
        CHECKF(llmc_lora_save(llmc_trainer_lora(tr), LLMC_LORA_GGUF, &w, &diag) == LLMC_OK, "%s",
               diag.message);
        b.data = s.data;
        b.size = s.n;
        b.name = "adapter.gguf";
        f.file = &b;
        f.n = 1;
        CHECKF(llmc_lora_need(host.model, &b, 1, &need, &diag) == LLMC_OK, "%s", diag.message);
        m = of("llmc_lora_init", make_lora, &f, need);
        sweep(&m, LLMC_OK);
        free(s.data);
    }
    free(mem);
}

static void loaders_refuse(void)
{
    static unsigned char tokens[4 * 3000];
    llmc_blob b[2];
    loading l;
    size_t i, need = 0;
    for (i = 0; i < sizeof tokens; i++)
        tokens[i] = (unsigned char)(i % 4 == 0 ? i / 4 % 7 : 0);
    for (i = 0; i < 2; i++) {
        b[i].data = tokens;
        b[i].size = sizeof tokens;
        b[i].name = "shard";
    }
    memset(&l, 0, sizeof l);
    l.shard = b;
    l.n = 2;
    l.opt.rows = 2;
    l.opt.tokens = 16;
    for (i = 0; i < 3; i++) {
        maker m;
        l.opt.in_order = i == 1;
        l.opt.documents = l.opt.separated = i == 2;
        CHECKF(llmc_loader_need(b, 2, &l.opt, &need, &diag) == LLMC_OK, "%s", diag.message);
        m = of("llmc_loader_init", make_loader, &l, need);
        sweep(&m, LLMC_OK);
    }
}

/* A new index, and one out of the file that it saved. */
static void indexes_refuse(void)
{
    float v[3 * 5];
    llmc_index_text text[3];
    llmc_words_options words;
    llmc_index *x = NULL;
    llmc_blob b;
    llmc_writer w;
    sink s = {NULL, 0, 0};
    indexing how;
    size_t i, need = 0;
    void *mem;
    maker m;
    memset(&how, 0, sizeof how);
    how.opt.dim = 5;
    how.opt.capacity = 20;
    how.opt.int8 = true;
    CHECK(llmc_index_need(NULL, &how.opt, &need, &diag) == LLMC_OK);
    m = of("llmc_index_init", make_index, &how, need);
    sweep(&m, LLMC_OK);
    mem = malloc(need);
    for (i = 0; i < 15; i++)
        v[i] = (float)(i * i % 7) + 1;
    for (i = 0; i < 3; i++) {
        text[i].data = "some words";
        text[i].len = 4 + i;
    }
    w.write = sink_take;
    w.user = &s;
    CHECK(llmc_index_init(&x, NULL, &how.opt, mem, need, &diag) == LLMC_OK &&
          llmc_index_add(x, v, text, 3, NULL, &diag) == LLMC_OK && llmc_index_save(x, &w, &diag) == LLMC_OK);
    free(mem);
    b.data = s.data;
    b.size = s.n;
    b.name = "index";
    how.file = &b;
    how.opt.dim = 0;
    CHECKF(llmc_index_need(&b, &how.opt, &need, &diag) == LLMC_OK, "%s", diag.message);
    m = of("llmc_index_init of a file", make_index, &how, need);
    sweep(&m, LLMC_OK);
    free(s.data);
    memset(&words, 0, sizeof words);
    words.max_texts = 10;
    words.max_words = 100;
    CHECK(llmc_words_need(&words, &need, &diag) == LLMC_OK);
    m = of("llmc_words_init", make_words, &words, need);
    sweep(&m, LLMC_OK);
}

//-- failing memory: work memory -------------------------------

/* A call with all but its work memory; what it gives goes into `got`. */
typedef llmc_status (*work_fn)(void *arg, void *work, size_t bytes, sink *got);

/* Any amount: what it gives with all of it, or NO_MEMORY. With `firm` less than need is never enough.
   Returns how many were refused. */
static size_t work_sweep(const char *name, work_fn fn, void *arg, size_t need, size_t step, bool firm)
{
    sink want = {NULL, 0, 0}, got = {NULL, 0, 0};
    size_t bytes, refusals = 0;
    void *full = malloc(need);
    CHECKF(fn(arg, full, need, &want) == LLMC_OK, "%s: %s", name, diag.message);
    free(full);
    for (bytes = 0; bytes < need;) {
        unsigned char *work = (unsigned char *)malloc(bytes > 0 ? bytes : 1);
        llmc_status status;
        got.n = 0;
        memset(&diag, 0, sizeof diag);
        status = fn(arg, work, bytes, &got);
        if (status == LLMC_OK && !firm)
            CHECKF(got.n == want.n && memcmp(got.data, want.data, want.n) == 0,
                   "%s: other results with %u bytes", name, (unsigned)bytes);
        else
            CHECKF(status == LLMC_NO_MEMORY && one_line(status), "%s: status %d with %u of %u bytes: %s",
                   name, (int)status, (unsigned)bytes, (unsigned)need, diag.message);
        refusals += status != LLMC_OK;
        free(work);
        if (bytes < 200 || bytes + 70 >= need)
            bytes++; /* all small ones, all just below */
        else
            bytes += bytes + 70 + step > need ? need - 70 - bytes : step;
    }
    CHECKF(refusals > 0 || !firm, "%s: no memory was too little", name);
    memset(&diag, 0, sizeof diag);
    got.n = 0;
    if (fn(arg, NULL, 0, &got) == LLMC_OK)
        CHECKF(!firm && got.n == want.n && memcmp(got.data, want.data, want.n) == 0, "%s: no memory at all",
               name);
    else
        CHECKF(diag.message[0] != 0, "%s: no memory at all, and no reason", name);
    free(want.data);
    free(got.data);
    return refusals;
}

static const char prose[] = "Once upon a time there was a <b>little</b> house, and  in it\n lived 12 mice.";

static llmc_status work_encode(void *arg, void *work, size_t bytes, sink *got)
{
    llmc_token ids[200];
    size_t n = 0;
    llmc_status status = llmc_encode((const llmc_tokenizer *)arg, prose, sizeof prose - 1, NULL, work, bytes,
                                     ids, 200, &n, &diag);
    if (status == LLMC_OK)
        sink_take(got, ids, n * sizeof *ids);
    return status;
}

/* Every kind of tokenizer; those that know whole words need none. */
static void work_tokenizers(void)
{
    DIR *d = opendir("tests/models/tokenizers");
    struct dirent *e;
    uint32_t n = 0;
    while (d != NULL && (e = readdir(d)) != NULL) {
        char path[300];
        llmc_blob b;
        llmc_tokenizer *tok = NULL;
        size_t need = 0;
        void *mem = NULL, *file = NULL;
        snprintf(path, sizeof path, "tests/models/tokenizers/%s", e->d_name);
        if (e->d_name[0] == '.' || !read_blob(&b, path, &file))
            continue;
        if (llmc_tokenizer_need(&b, 1, NULL, &need, &diag) == LLMC_OK) {
            mem = malloc(need);
            if (CHECK(llmc_tokenizer_init(&tok, &b, 1, NULL, mem, need, &diag) == LLMC_OK))
                n += work_sweep(path, work_encode, tok, llmc_encode_need(tok, sizeof prose - 1), 61, false) >
                     0;
        }
        free(mem);
        free(file);
    }
    if (d != NULL)
        closedir(d);
    CHECKF(n >= 7, "only %u tokenizers refused any memory", n);
}

static llmc_status work_sample(void *arg, void *work, size_t bytes, sink *got)
{
    float logits[97];
    llmc_sample_options o;
    llmc_rng rng;
    llmc_token token = 0;
    llmc_status status;
    size_t i;
    (void)arg;
    for (i = 0; i < 97; i++)
        logits[i] = (float)(i * 37 % 101) / 20;
    memset(&o, 0, sizeof o);
    o.temperature = 1;
    o.top_k = 20;
    o.top_p = 0.9f;
    rng = llmc_rng_seed(3);
    status = llmc_sample(&o, &rng, logits, 97, NULL, 0, work, bytes, &token, NULL, &diag);
    if (status == LLMC_OK)
        sink_take(got, &token, sizeof token);
    return status;
}

static llmc_status work_schema(void *arg, void *work, size_t bytes, sink *got)
{
    static char out[8000];
    llmc_schema_options o;
    llmc_blob b;
    size_t n = 0;
    llmc_status status;
    memset(&o, 0, sizeof o);
    o.max_rules = 40;
    b.data = arg;
    b.size = strlen((const char *)arg);
    b.name = "schema";
    status = llmc_schema_gbnf(&b, &o, out, sizeof out, &n, work, bytes, &diag);
    if (status == LLMC_OK)
        sink_take(got, out, n);
    return status;
}

static llmc_status work_save(void *arg, void *work, size_t bytes, sink *got)
{
    llmc_save_options o;
    llmc_writer w;
    llmc_status status;
    memset(&o, 0, sizeof o);
    o.type = LLMC_F16;
    o.format = *(const llmc_save_format *)arg;
    w.write = sink_take;
    w.user = got;
    status = llmc_model_save(host.model, &o, &w, work, bytes, &diag);
    CHECK(status == LLMC_OK || got->n == 0);
    return status;
}

static llmc_status work_corpus(void *arg, void *work, size_t bytes, sink *got)
{
    llmc_blob b;
    llmc_writer w;
    b.data = prose;
    b.size = sizeof prose - 1;
    b.name = "corpus";
    w.write = sink_take;
    w.user = got;
    return llmc_corpus_encode(llmc_model_tokenizer(host.model), &b, (const llmc_corpus_options *)arg, work,
                              bytes, &w, NULL, NULL, &diag);
}

static llmc_status work_chat(void *arg, void *work, size_t bytes, sink *got)
{
    static const llmc_message m[] = {{"user", "What is 2 + 2?", NULL},
                                     {"assistant", "4, <|im_end|> I think", NULL},
                                     {"user", prose, NULL}};
    char text[2000];
    llmc_span plain[20];
    llmc_chat_text out;
    llmc_status status;
    memset(&out, 0, sizeof out);
    out.text = text;
    out.cap = sizeof text;
    out.plain = plain;
    out.plain_cap = 20;
    status = llmc_chat_render((const llmc_template *)arg, NULL, m, 3, work, bytes, &out, &diag);
    if (status == LLMC_OK) {
        sink_take(got, text, out.len);
        sink_take(got, plain, out.n_plain * sizeof *plain);
    }
    return status;
}

static llmc_status work_beam(void *arg, void *work, size_t bytes, sink *got)
{
    llmc_beam_options o;
    const llmc_beam *best = NULL;
    size_t n = 0, i;
    llmc_status status;
    memset(&o, 0, sizeof o);
    o.width = 2;
    o.n_best = 2;
    o.max_tokens = 3;
    status = llmc_beam_search((llmc_seq *)arg, &o, work, bytes, &best, &n, &diag);
    for (i = 0; status == LLMC_OK && i < n; i++)
        sink_take(got, best[i].ids, best[i].n * sizeof *best[i].ids);
    return status;
}

static void work_memory(void)
{
    static char schema[] = "{\"type\":\"object\",\"properties\":{\"a\":{\"enum\":[1,2]},"
                           "\"b\":{\"type\":\"array\",\"items\":{\"type\":\"integer\",\"minimum\":-3}}}}";
    static const llmc_save_format formats[] = {LLMC_SAVE_GGUF, LLMC_SAVE_SAFETENSORS};
    const llmc_tokenizer *tok = llmc_model_tokenizer(host.model);
    llmc_schema_options so;
    llmc_corpus_options co;
    llmc_blob b;
    size_t i, need = 0;
    work_sweep("llmc_sample", work_sample, NULL, llmc_sample_need(97), 61, true);
    memset(&so, 0, sizeof so);
    so.max_rules = 40;
    work_sweep("llmc_schema_gbnf", work_schema, schema, llmc_schema_need(&so), 997, true);
    for (i = 0; i < 2; i++) {
        llmc_save_format f = formats[i];
        work_sweep("llmc_model_save", work_save, &f, llmc_model_save_need(host.model), 499, true);
    }
    b.data = prose;
    b.size = sizeof prose - 1;
    b.name = "corpus";
    memset(&co, 0, sizeof co);
    CHECK(llmc_corpus_need(tok, &b, &co, &need, &diag) == LLMC_OK);
    work_sweep("llmc_corpus_encode", work_corpus, &co, need, 4999, true);
}

static void work_beams(void)
{
    llmc_engine_options o = options(64);
    llmc_engine *engine = NULL;
    llmc_seq *seq = NULL;
    llmc_beam_options bo;
    size_t need = 0;
    void *mem;
    o.max_seqs = 4;
    CHECK(llmc_engine_need(host.model, &o, &need, &diag) == LLMC_OK);
    mem = malloc(need);
    if (CHECK(llmc_engine_init(&engine, host.model, &o, mem, need, &diag) == LLMC_OK &&
              llmc_seq_open(&seq, engine, NULL, &diag) == LLMC_OK &&
              llmc_seq_add_text(seq, "Once", 4, &diag) == LLMC_OK)) {
        memset(&bo, 0, sizeof bo);
        bo.width = 2;
        bo.n_best = 2;
        bo.max_tokens = 3;
        CHECKF(llmc_beam_need(seq, &bo, &need, &diag) == LLMC_OK, "%s", diag.message);
        work_sweep("llmc_beam_search", work_beam, seq, need, 97, true);
    }
    free(mem);
}

/* A template's machine takes what it is given: enough, or a refusal somewhere on the way. */
static void work_templates(void)
{
    static const llmc_chat_format formats[] = {LLMC_CHAT_CHATML, LLMC_CHAT_LLAMA3, LLMC_CHAT_GEMMA};
    size_t i;
    for (i = 0; i < 3; i++) {
        llmc_template *t = NULL;
        size_t len = 0, need = 0;
        const char *text = llmc_chat_template(NULL, formats[i], &len);
        void *mem;
        CHECK(llmc_template_need(text, len, &need, &diag) == LLMC_OK);
        mem = malloc(need);
        if (CHECK(llmc_template_init(&t, text, len, mem, need, &diag) == LLMC_OK))
            work_sweep(llmc_chat_format_name(formats[i]), work_chat, t,
                       llmc_chat_need(t, 3, sizeof prose + 60), 53, false);
        free(mem);
    }
}

/* An engine's own memory for texts and templates, of any size: a conversation fits or is refused, and the
   sequence stays as it was. */
static void work_of_engines(void)
{
    static const llmc_message m[] = {{"user", prose, NULL}};
    llmc_chat_options chat;
    uint32_t fits[2] = {0, 0}, k;
    memset(&chat, 0, sizeof chat);
    chat.format = LLMC_CHAT_CHATML;
    for (k = 0; k < 2; k++) {
        uint32_t size, tries = 0;
        for (size = k == 0 ? 1 : 64; size < 400000; size += size < 300 ? 1 : size / 9, tries++) {
            llmc_engine_options o = options(512);
            llmc_engine *engine = NULL;
            llmc_seq *seq = NULL;
            llmc_status status;
            size_t need = 0, n = 0;
            void *mem;
            o.chat_bytes = k == 0 ? size : 200000;
            o.text_bytes = k == 1 ? size : 4096;
            CHECK(llmc_engine_need(host.model, &o, &need, &diag) == LLMC_OK);
            mem = malloc(need);
            CHECK(llmc_engine_init(&engine, host.model, &o, mem, need, &diag) == LLMC_OK &&
                  llmc_seq_open(&seq, engine, NULL, &diag) == LLMC_OK);
            memset(&diag, 0, sizeof diag);
            status = llmc_seq_chat(seq, &chat, m, 1, &diag);
            (void)llmc_seq_ids(seq, &n);
            CHECKF(status == LLMC_OK ? n > 0 : status == LLMC_NO_MEMORY && n == 0 && one_line(status),
                   "%s %u: status %d, %u ids: %s", k == 0 ? "chat_bytes" : "text_bytes", size, (int)status,
                   (unsigned)n, diag.message);
            fits[k] += status == LLMC_OK;
            free(mem);
        }
        CHECKF(fits[k] > 0 && fits[k] < tries, "%u of %u sizes fit", fits[k], tries);
    }
}

int main(void)
{
    llmc_open_options open;
    memset(&open, 0, sizeof open);
    open.no_engine = true;
    if (llmc_open(&host, MODEL, &open, &diag) != LLMC_OK) {
        printf("%s\n", diag.message);
        return 1;
    }
    RUN(quote_is_need);
    RUN(open_takes_the_quote);
    RUN(pages_are_as_quoted);
    seed = test_seed(0x10c2026);
    RUN(models_refuse);
    RUN(tokenizers_refuse);
    RUN(engines_refuse);
    RUN(encoders_refuse);
    RUN(calibrations_refuse);
    RUN(grammars_refuse);
    RUN(templates_refuse);
    RUN(replies_refuse);
    RUN(trainers_refuse);
    RUN(loaders_refuse);
    RUN(indexes_refuse);
    RUN(work_tokenizers);
    RUN(work_memory);
    RUN(work_beams);
    RUN(work_templates);
    RUN(work_of_engines);
    llmc_close(&host);
    return test_end("test_memory");
}
