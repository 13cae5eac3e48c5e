/* test_session.c -- sequences saved and restored; files that are whole or not there.

   Runs tests/models/tiny-llama.gguf (made by tests/vectors/reference.py) with windows of its own put into its
   configuration where they are wanted. What a restored sequence says is held against one that was never saved;
   the bytes against the places that 20.8 draws, read here by their numbers; the checksum against values that
   others published. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"
#if !defined(LLMC_NO_OS) && !defined(_WIN32)
#include <sys/wait.h>
#endif

static llmc_diag diag;

/* ------------------------------------------------------------ models */
typedef struct loaded {
    unsigned char *bytes;
    llmc_blob blob;
    void *mem;
    llmc_model *model;
} loaded;

static loaded llama, gpt2;

static bool load(loaded *m, const char *path)
{
    size_t need = 0;
    m->bytes = test_read(path, &m->blob.size);
    if (!CHECKF(m->bytes != NULL, "%s is missing; run from the repository's root", path))
        return false;
    m->blob.data = m->bytes;
    m->blob.name = path;
    if (llmc_model_need(&m->blob, 1, NULL, &need, &diag) == LLMC_OK) {
        m->mem = malloc(need);
        if (llmc_model_init(&m->model, &m->blob, 1, NULL, m->mem, need, &diag) == LLMC_OK)
            return true;
    }
    return CHECKF(false, "%s", diag.message) != 0;
}

static void unload(loaded *m)
{
    free(m->mem);
    free(m->bytes);
}

static void loads(void)
{
    load(&llama, "tests/models/tiny-llama.gguf");
    load(&gpt2, "tests/models/tiny-gpt2.gguf");
}

/* ------------------------------------------------------------ engines and bytes */
typedef struct running {
    void *mem;
    llmc_engine *engine;
} running;

static llmc_engine_options engine_options(uint32_t context, uint32_t seqs, uint32_t batch)
{
    llmc_engine_options o;
    memset(&o, 0, sizeof o);
    o.context_length = context;
    o.max_seqs = seqs;
    o.batch_tokens = batch;
    o.text_bytes = 512;
    return o;
}

/* fill: what the memory holds before; nothing may depend on it. */
static bool start(running *r, const llmc_model *model, const llmc_engine_options *opt, int fill)
{
    size_t need = 0;
    memset(r, 0, sizeof *r);
    if (llmc_engine_need(model, opt, &need, &diag) == LLMC_OK) {
        r->mem = malloc(need);
        memset(r->mem, fill, need);
        if (llmc_engine_init(&r->engine, model, opt, r->mem, need, &diag) == LLMC_OK)
            return true;
    }
    return CHECKF(false, "%s: %s", diag.tag, diag.message) != 0;
}

static llmc_seq *open_seq(running *r, const llmc_seq_options *opt)
{
    llmc_seq *s = NULL;
    CHECKF(llmc_seq_open(&s, r->engine, opt, &diag) == LLMC_OK, "%s", diag.message);
    return s;
}

typedef struct buffer {
    unsigned char *data;
    size_t size, cap, stop; /* stop: refuses bytes beyond so many */
} buffer;

static bool buffer_write(void *user, const void *data, size_t n)
{
    buffer *b = (buffer *)user;
    if (b->size + n > b->stop)
        return false;
    if (b->size + n > b->cap) {
        b->cap = (b->size + n) * 2;
        b->data = (unsigned char *)realloc(b->data, b->cap);
    }
    memcpy(b->data + b->size, data, n);
    b->size += n;
    return true;
}

static llmc_status save_to(buffer *b, const llmc_seq *s, const llmc_seq_save_options *opt)
{
    llmc_writer w;
    w.write = buffer_write;
    w.user = b;
    b->size = 0;
    return llmc_seq_save(s, opt, &w, &diag);
}

static bool save(buffer *b, const llmc_seq *s, const llmc_seq_save_options *opt)
{
    size_t need = 0;
    b->stop = SIZE_MAX;
    return CHECKF(save_to(b, s, opt) == LLMC_OK, "%s", diag.message) &&
           CHECKF(llmc_seq_save_need(s, opt, &need, &diag) == LLMC_OK && need == b->size,
                  "%zu bytes needed, %zu written", need, b->size);
}

static uint32_t at32(const buffer *b, size_t at)
{
    return (uint32_t)b->data[at] | (uint32_t)b->data[at + 1] << 8 | (uint32_t)b->data[at + 2] << 16 |
           (uint32_t)b->data[at + 3] << 24;
}

static uint64_t at64(const buffer *b, size_t at)
{
    return at32(b, at) | (uint64_t)at32(b, at + 4) << 32;
}

static void put32(buffer *b, size_t at, uint32_t v)
{
    int i;
    for (i = 0; i < 4; i++)
        b->data[at + (size_t)i] = (unsigned char)(v >> (8 * i));
}

/* The checksum of changed bytes: what somebody would do who means harm. */
static void seal(buffer *b)
{
    uint64_t sum;
    llmc__xxh x;
    llmc__xxh_begin(&x);
    llmc__xxh_feed(&x, b->data, b->size - 8);
    sum = llmc__xxh_end(&x);
    put32(b, b->size - 8, (uint32_t)sum);
    put32(b, b->size - 4, (uint32_t)(sum >> 32));
}

/* ------------------------------------------------------------ what can be seen of a sequence */
typedef struct state {
    llmc_token ids[1024];
    size_t n;
    uint32_t n_cached, n_free[2];
    llmc_finish finish;
} state;

static void look(const llmc_seq *s, state *out)
{
    const llmc_token *ids = llmc_seq_ids(s, &out->n);
    memset(out->ids, 0, sizeof out->ids);
    memcpy(out->ids, ids, out->n * sizeof *ids);
    out->n_cached = s->n_cached;
    out->n_free[0] = s->engine->kv[0].n_free;
    out->n_free[1] = s->engine->batch.n_groups > 1 ? s->engine->kv[1].n_free : 0;
    out->finish = llmc_seq_finish(s);
}

static void unchanged(const llmc_seq *s, const state *was, const char *what)
{
    state now;
    look(s, &now);
    CHECKF(now.n == was->n && memcmp(now.ids, was->ids, sizeof now.ids) == 0 &&
               now.n_cached == was->n_cached && now.n_free[0] == was->n_free[0] &&
               now.n_free[1] == was->n_free[1] && now.finish == was->finish,
           "%s: the sequence has changed", what);
}

/* Tokens of a row: the same on every machine. */
static void feed(llmc_seq *s, uint32_t n, uint64_t seed)
{
    llmc_token ids[512];
    uint32_t i;
    for (i = 0; i < n && i < 512; i++)
        ids[i] = (llmc_token)test_random(&seed, 300);
    CHECKF(llmc_seq_add_ids(s, ids, n, &diag) == LLMC_OK, "%s", diag.message);
}

static llmc_seq_options sampling(const llmc_sample_options *sample)
{
    llmc_seq_options o;
    memset(&o, 0, sizeof o);
    o.sample = sample;
    o.ignore_end = true;
    return o;
}

static llmc_sample_options warm(uint64_t seed)
{
    llmc_sample_options o;
    memset(&o, 0, sizeof o);
    o.temperature = 1.5f;
    o.repeat_penalty = 1.1f;
    o.seed = seed;
    return o;
}

/* The next n tokens with their log probabilities, which show every bit of what was cached. */
typedef struct said {
    llmc_token id[64];
    uint32_t logprob[64];
    char text[1024];
    int n;
} said;

static void hear(said *out, const llmc_piece *p)
{
    out->id[out->n] = p->token;
    memcpy(&out->logprob[out->n++], &p->logprob, 4);
    strcat(out->text, p->text);
}

static void go_on(llmc_seq *s, int n, said *out)
{
    llmc_piece p;
    memset(out, 0, sizeof *out);
    while (out->n < n && llmc_seq_next(s, &p, &diag) == LLMC_OK)
        hear(out, &p);
}

static bool same(const said *a, const said *b)
{
    return a->n == b->n && memcmp(a->id, b->id, sizeof a->id) == 0 && strcmp(a->text, b->text) == 0 &&
           memcmp(a->logprob, b->logprob, sizeof a->logprob) == 0;
}

/* ------------------------------------------------------------ the checksum */
/* The values for "", "a", "asdf" and the first line of Moby Dick are those of Collet's own library, as the tests of
   other implementations quote them. */
static void checksum_is_xxh64(void)
{
    static const struct {
        const char *text;
        uint64_t sum;
    } known[] = {{"", 0xef46db3751d8e999u},
                 {"a", 0xd24ec4f1a98c6e5bu},
                 {"as", 0x1c330fb2d66be179u},
                 {"asd", 0x631c37ce72a97393u},
                 {"asdf", 0x415872f599cea71eu},
                 {"Call me Ishmael. Some years ago--never mind how long precisely-", 0x02a2e85470d6fd96u}};
    size_t i, cut, n;
    for (i = 0; i < sizeof known / sizeof known[0]; i++) {
        n = strlen(known[i].text);
        for (cut = 0; cut <= n; cut++) {
            llmc__xxh x;
            llmc__xxh_begin(&x);
            llmc__xxh_feed(&x, known[i].text, cut);
            llmc__xxh_feed(&x, known[i].text + cut, n - cut);
            CHECKF(llmc__xxh_end(&x) == known[i].sum, "\"%s\" cut at %zu", known[i].text, cut);
        }
    }
}

/* ------------------------------------------------------------ going on */
/* Windows, sinks, a bounded cache and other types; `own`: the model has a window of so many in its second layer. */
typedef struct setting {
    uint32_t own, window, sinks, capacity, batch;
    llmc_dtype type, type_v;
} setting;

static const setting settings[] = {{0, 0, 0, 0, 16, LLMC_DTYPE_NONE, LLMC_DTYPE_NONE},
                                   {0, 0, 0, 0, 7, LLMC_F32, LLMC_DTYPE_NONE},
                                   {0, 40, 0, 0, 8, LLMC_BF16, LLMC_Q8_0},
                                   {0, 33, 5, 0, 9, LLMC_Q8_0, LLMC_DTYPE_NONE},
                                   {0, 0, 4, 70, 16, LLMC_Q4_0, LLMC_F16},
                                   {20, 0, 0, 0, 16, LLMC_F16, LLMC_DTYPE_NONE},
                                   {20, 64, 3, 0, 5, LLMC_F32, LLMC_Q4_0},
                                   {40, 0, 35, 90, 32, LLMC_F16, LLMC_DTYPE_NONE}};

/* The engine's options of a setting; the model itself is changed to it. */
static llmc_engine_options set(const setting *s)
{
    llmc_engine_options o = engine_options(400, 3, s->batch);
    llama.model->config.window_size = s->own;
    llama.model->config.windowed.bits[0] = s->own > 0 ? 2 : 0;
    o.window_size = s->window;
    o.sink_tokens = s->sinks;
    o.kv_cache_capacity = s->capacity;
    o.kv_type = s->type;
    o.kv_type_v = s->type_v;
    return o;
}

static void unset(void)
{
    llama.model->config.window_size = 0;
    llama.model->config.windowed.bits[0] = 0;
}

/* One conversation of random turns, undisturbed and, beside it, one that moves to another engine or slot every now and
   then: the same tokens with the same bits. Returns how often it moved. */
static int play(const setting *how, uint64_t seed)
{
    llmc_engine_options o = set(how);
    llmc_sample_options sample = warm(seed);
    llmc_seq_options so = sampling(&sample);
    running calm, moving[2];
    llmc_seq *a, *b;
    buffer bytes = {NULL, 0, 0, SIZE_MAX};
    int turn, moves = 0, i, at = 0;
    if (!start(&calm, llama.model, &o, 0x5a) || !start(&moving[0], llama.model, &o, 0xa5) ||
        !start(&moving[1], llama.model, &o, 0x11))
        return 0;
    a = open_seq(&calm, &so);
    b = open_seq(&moving[0], &so);
    for (turn = 0; turn < 6; turn++) {
        uint32_t n = 1 + test_random(&seed, 60);
        int speak = (int)test_random(&seed, 20);
        uint64_t row = seed;
        if (turn > 0 && test_random(&seed, 4) == 0) {
            size_t back = test_random(&seed, 4);
            back = a->n_ids > back ? a->n_ids - back : a->n_ids;
            CHECK(llmc_seq_truncate(a, back, &diag) == LLMC_OK &&
                  llmc_seq_truncate(b, back, &diag) == LLMC_OK);
        }
        if (a->n_ids + n + 20 > 400)
            break;
        feed(a, n, row);
        feed(b, n, row);
        for (i = 0; i < speak; i++) {
            llmc_piece p, q;
            bool stay = test_random(&seed, 3) != 0, inside = test_random(&seed, 2) == 0;
            if (inside) /* before the piece is taken */
                while (!b->has_piece && llmc_engine_step(b->engine, &diag) == LLMC_OK)
                    continue;
            if (!stay && save(&bytes, b, NULL)) {
                llmc_seq *old = b,
                         *extra = test_random(&seed, 2) == 0 ? open_seq(&moving[1 - at], NULL) : NULL;
                b = open_seq(&moving[1 - at], &so);
                if (test_random(&seed, 2) == 0) /* what it held is given up */
                    feed(b, 5, 1);
                CHECKF(llmc_seq_restore(b, bytes.data, bytes.size, &diag) == LLMC_OK, "%s", diag.message);
                llmc_seq_close(old);
                llmc_seq_close(extra);
                at = 1 - at;
                moves++;
            }
            memset(&p, 0, sizeof p);
            memset(&q, 0, sizeof q);
            CHECK(llmc_seq_next(a, &p, &diag) == LLMC_OK && llmc_seq_next(b, &q, &diag) == LLMC_OK);
            CHECKF(p.token == q.token && memcmp(&p.logprob, &q.logprob, sizeof p.logprob) == 0 &&
                       strcmp(p.text, q.text) == 0,
                   "turn %d, token %d: %d and %d, \"%s\" and \"%s\"", turn, i, p.token, q.token, p.text,
                   q.text);
        }
    }
    CHECK(a->n_ids == b->n_ids && memcmp(a->ids, b->ids, a->n_ids * sizeof(llmc_token)) == 0);
    free(bytes.data);
    free(calm.mem);
    free(moving[0].mem);
    free(moving[1].mem);
    unset();
    return moves;
}

static void restored_goes_on(void)
{
    unsigned long long seed = test_seed(20);
    size_t i;
    int round, moves = 0, every = (int)test_every(3);
    for (i = 0; i < sizeof settings / sizeof settings[0]; i++)
        for (round = 0; round < 6; round += every)
            moves += play(&settings[i], seed + i * 100 + (unsigned)round);
    CHECKF(moves > 200 / every, "only %d moves", moves);
}

/* Ids only: small, any kind of cache will do, and the same text. */
static void ids_only(void)
{
    llmc_engine_options o = engine_options(400, 1, 16), p = engine_options(200, 1, 16);
    llmc_seq_save_options so;
    running a, b;
    llmc_seq *s, *t;
    buffer bytes = {NULL, 0, 0, SIZE_MAX}, all = {NULL, 0, 0, SIZE_MAX};
    said first, second;
    o.kv_type = p.kv_type = LLMC_F32;
    p.cpu.features = LLMC_CPU_SCALAR;
    if (!start(&a, llama.model, &o, 0x5a) || !start(&b, llama.model, &p, 0xa5))
        return;
    memset(&so, 0, sizeof so);
    so.ids_only = true;
    s = open_seq(&a, NULL);
    t = open_seq(&b, NULL);
    CHECK(llmc_seq_add_text(s, "Once upon", 9, &diag) == LLMC_OK);
    go_on(s, 4, &first);
    save(&bytes, s, &so);
    save(&all, s, NULL);
    CHECKF(bytes.size < 512 && all.size > 8 * bytes.size, "%zu bytes, with the cache %zu", bytes.size,
           all.size);
    CHECKF(llmc_seq_restore(t, bytes.data, bytes.size, &diag) == LLMC_OK, "%s", diag.message);
    CHECK(t->n_cached == 0);
    go_on(s, 20, &first);
    go_on(t, 20, &second);
    CHECKF(first.n > 5 && strcmp(first.text, second.text) == 0, "\"%s\" and \"%s\"", first.text, second.text);
    /* one that was read by llmc_seq_forward can be fed again */
    CHECK(llmc_seq_truncate(s, 0, &diag) == LLMC_OK);
    CHECK(llmc_seq_forward(s, s->ids, 3, NULL, 0, &diag) == LLMC_OK);
    save(&bytes, s, &so);
    CHECK(llmc_seq_restore(t, bytes.data, bytes.size, &diag) == LLMC_OK);
    CHECKF(llmc_seq_forward(t, s->ids, 2, NULL, 0, &diag) == LLMC_OK, "%s", diag.message);
    free(bytes.data);
    free(all.data);
    free(a.mem);
    free(b.mem);
}

/* An empty sequence, and one at the very end of its context. */
static void nothing_and_everything(void)
{
    llmc_engine_options o = engine_options(70, 1, 16);
    llmc_sample_options sample = warm(3);
    llmc_seq_options so = sampling(&sample);
    running r;
    llmc_seq *s;
    buffer bytes = {NULL, 0, 0, SIZE_MAX}, full = {NULL, 0, 0, SIZE_MAX};
    said all;
    size_t n;
    if (!start(&r, llama.model, &o, 0x5a))
        return;
    s = open_seq(&r, &so);
    save(&bytes, s, NULL);
    feed(s, 20, 4);
    go_on(s, 60, &all);
    CHECK(llmc_seq_finish(s) == LLMC_FINISH_CONTEXT && all.n == 50);
    save(&full, s, NULL);
    CHECK(llmc_seq_restore(s, bytes.data, bytes.size, &diag) == LLMC_OK);
    (void)llmc_seq_ids(s, &n);
    CHECK(n == 0 && llmc_seq_finish(s) == LLMC_FINISH_NONE &&
          r.engine->kv[0].n_free == r.engine->kv[0].n_pages);
    CHECK(llmc_seq_restore(s, full.data, full.size, &diag) == LLMC_OK);
    (void)llmc_seq_ids(s, &n);
    CHECK(n == 70 && llmc_seq_finish(s) == LLMC_FINISH_CONTEXT && r.engine->kv[0].n_free == 0);
    free(bytes.data);
    free(full.data);
    free(r.mem);
}

/* ------------------------------------------------------------ what is on its way */
typedef struct script {
    llmc_token id[16];
    int n, at;
} script;

static llmc_token from_script(void *user, llmc_seq *seq, float *logits, size_t n)
{
    script *s = (script *)user;
    (void)seq;
    (void)logits;
    (void)n;
    return s->at < s->n ? s->id[s->at++] : LLMC_TOKEN_NONE;
}

/* Half a character, the beginning of a stop string, a count: saved between any two tokens (byte tokens are id 3 +
   byte in this vocabulary). */
static void text_on_its_way(void)
{
    static const char text[] = "ab\xe2\x82\xacSTOx\xc3\xa9STOP";
    static const char *const stop[] = {"STOP"};
    llmc_engine_options o = engine_options(64, 2, 16);
    llmc_seq_options so;
    running r;
    int cut, total = (int)strlen(text);
    if (!start(&r, llama.model, &o, 0x5a))
        return;
    for (cut = 0; cut <= total; cut++) {
        buffer bytes = {NULL, 0, 0, SIZE_MAX};
        llmc_seq *s, *t;
        said before, after;
        script list;
        int i;
        memset(&list, 0, sizeof list);
        for (i = 0; i < total; i++)
            list.id[list.n++] = 3 + (unsigned char)text[i];
        memset(&so, 0, sizeof so);
        so.stop = stop;
        so.n_stop = 1;
        so.max_tokens = 15;
        so.chooser.fn = from_script;
        so.chooser.user = &list;
        s = open_seq(&r, &so);
        t = open_seq(&r, &so);
        CHECK(llmc_seq_add_text(s, "Once", 4, &diag) == LLMC_OK);
        go_on(s, cut, &before);
        save(&bytes, s, NULL);
        CHECKF(llmc_seq_restore(t, bytes.data, bytes.size, &diag) == LLMC_OK, "%s", diag.message);
        CHECK(t->n_half == s->n_half && t->n_tail == s->n_tail);
        CHECK(at32(&bytes, 76) == s->n_half && at32(&bytes, 84) == s->n_tail &&
              memcmp(bytes.data + 256 + 4 * s->n_ids, s->tail, s->n_tail) == 0);
        llmc_seq_close(s); /* it would take from the same script */
        go_on(t, 64, &after);
        strcat(before.text, after.text);
        CHECKF(strcmp(before.text, "ab\xe2\x82\xacSTOx\xc3\xa9") == 0, "cut at %d: \"%s\"", cut, before.text);
        CHECK(llmc_seq_finish(t) == LLMC_FINISH_STOP);
        llmc_seq_close(t);
        free(bytes.data);
    }
    free(r.mem);
}

/* max_tokens goes on counting. */
static void counters_go_on(void)
{
    llmc_engine_options o = engine_options(64, 2, 16);
    llmc_sample_options sample = warm(9);
    llmc_seq_options so = sampling(&sample);
    buffer bytes = {NULL, 0, 0, SIZE_MAX};
    running r;
    llmc_seq *s, *t;
    said out;
    so.max_tokens = 10;
    if (!start(&r, llama.model, &o, 0x5a))
        return;
    s = open_seq(&r, &so);
    t = open_seq(&r, &so);
    feed(s, 5, 1);
    go_on(s, 4, &out);
    save(&bytes, s, NULL);
    CHECK(llmc_seq_restore(t, bytes.data, bytes.size, &diag) == LLMC_OK);
    go_on(t, 60, &out);
    CHECK(out.n == 6 && llmc_seq_finish(t) == LLMC_FINISH_LENGTH);
    free(bytes.data);
    free(r.mem);
}

#ifndef LLMC_NO_GRAMMAR
/* A grammar follows the answer so far; a sequence that had none begins one with the next token. */
static void grammar_follows(void)
{
    static const char rules[] = "root ::= \"ab\" [c-e] [c-e] [c-e] \"f\"";
    llmc_engine_options o = engine_options(64, 1, 16);
    llmc_sample_options sample = warm(2);
    llmc_seq_options so = sampling(&sample);
    const llmc_tokenizer *tok = llmc_model_tokenizer(llama.model);
    llmc_grammar *grammar = NULL;
    buffer bytes = {NULL, 0, 0, SIZE_MAX};
    void *mem, *states[2];
    running a, b;
    llmc_seq *s, *t;
    said first, rest;
    size_t need = 0, n = sizeof rules - 1;
    int i;
    so.ignore_end = false;
    CHECK(llmc_grammar_need(tok, rules, n, NULL, &need, &diag) == LLMC_OK);
    mem = malloc(need);
    CHECKF(llmc_grammar_init(&grammar, tok, rules, n, NULL, mem, need, &diag) == LLMC_OK, "%s", diag.message);
    CHECK(llmc_grammar_state_need(grammar, NULL, &need, &diag) == LLMC_OK);
    if (!start(&a, llama.model, &o, 0x5a) || !start(&b, llama.model, &o, 0xa5))
        return;
    for (i = 0; i < 2; i++)
        states[i] = malloc(need);
    CHECK(llmc_grammar_state_init(&so.grammar, grammar, NULL, states[0], need, &diag) == LLMC_OK);
    s = open_seq(&a, &so);
    CHECK(llmc_grammar_state_init(&so.grammar, grammar, NULL, states[1], need, &diag) == LLMC_OK);
    t = open_seq(&b, &so);
    feed(s, 5, 1);
    go_on(s, 3, &first);
    save(&bytes, s, NULL);
    CHECKF(llmc_seq_restore(t, bytes.data, bytes.size, &diag) == LLMC_OK, "%s", diag.message);
    go_on(t, 60, &rest);
    strcat(first.text, rest.text);
    CHECKF(strlen(first.text) == 6 && memcmp(first.text, "ab", 2) == 0 && first.text[5] == 'f', "\"%s\"",
           first.text);
    llmc_seq_close(s);
    so.grammar = NULL;
    s = open_seq(&a, &so);
    feed(s, 5, 1);
    go_on(s, 3, &first);
    save(&bytes, s, NULL);
    CHECK(llmc_seq_restore(t, bytes.data, bytes.size, &diag) == LLMC_OK);
    go_on(t, 60, &rest);
    n = strlen(rest.text); /* half a character may be left over from what was said before */
    CHECKF((n == 6 || n == 9) && memcmp(rest.text + n - 6, "ab", 2) == 0, "\"%s\"", rest.text);
    free(bytes.data);
    free(states[0]);
    free(states[1]);
    free(mem);
    free(a.mem);
    free(b.mem);
}
#endif

/* ------------------------------------------------------------ the bytes */
/* By the places that 20.8 draws. */
static void bytes_are_as_drawn(void)
{
    llmc_engine_options o = engine_options(100, 1, 16);
    llmc_sample_options sample = warm(7);
    llmc_seq_options so = sampling(&sample);
    llmc_seq_save_options with;
    const llmc_config *c = llmc_model_config(llama.model);
    buffer b = {NULL, 0, 0, SIZE_MAX};
    const void *note;
    size_t note_len = 0, pages, row, layer, i;
    running r;
    llmc_seq *s;
    said out;
    llmc_rng rng = llmc_rng_seed(7);
    o.kv_type = LLMC_F32;
    if (!start(&r, llama.model, &o, 0x5a))
        return;
    memset(&with, 0, sizeof with);
    with.note = "a note";
    with.note_len = 6;
    s = open_seq(&r, &so);
    feed(s, 40, 1);
    go_on(s, 3, &out); /* draws three numbers */
    for (i = 0; i < 3; i++)
        (void)llmc_rng_u64(&rng);
    save(&b, s, &with);
    CHECK(memcmp(b.data, "\211LLMCSEQ", 8) == 0 && at32(&b, 8) == 1 && at64(&b, 16) == b.size);
    CHECK(at32(&b, 12) == (LLMC__BIG_ENDIAN ? 7 : 5));
    CHECK(memcmp(b.data + 24, "XXH64\0\0", 8) == 0 && at32(&b, 48) == c->vocab_size);
    CHECK(at32(&b, 52) == 43 && at32(&b, 56) == 42 && at32(&b, 60) == 42 && at32(&b, 64) == 3);
    for (i = 0; i < 4; i++)
        CHECK(at64(&b, 104 + 8 * i) == rng.s[i]);
    CHECK(at64(&b, 136) == 6 && at32(&b, 144) == 32 && at32(&b, 148) == LLMC_F32 &&
          at32(&b, 152) == LLMC_F32);
    row = (size_t)c->head_dim * 4;
    layer = 32 * row * 2 * c->n_kv_head;
    CHECK(at32(&b, 156) == 1 && at64(&b, 160) == layer && at32(&b, 168) == c->n_layer && at32(&b, 172) == 0 &&
          at32(&b, 188) == 2);
    for (i = 192; i < 256; i++)
        CHECK(b.data[i] == 0);
    for (i = 0; i < 43; i++)
        CHECK(at32(&b, 256 + 4 * i) == (uint32_t)s->ids[i]);
    CHECK(memcmp(b.data + 256 + 4 * 43 + at32(&b, 84), "a note", 6) == 0);
    pages = (256 + 4 * 43 + at32(&b, 84) + 6 + 63) / 64 * 64;
    CHECK(b.size == pages + 2 * layer * c->n_layer + 8);
    /* the second page holds positions 32 to 41: of the values of its last layer's last head the other 22 are zeros */
    CHECK(b.data[b.size - 8 - 22 * row - 1] != 0 || b.data[b.size - 8 - 22 * row - 2] != 0);
    for (i = b.size - 8 - 22 * row; i < b.size - 8; i++)
        CHECK(b.data[i] == 0);
    CHECK(llmc_session_note(b.data, b.size, &note, &note_len, &diag) == LLMC_OK && note_len == 6 &&
          memcmp(note, "a note", 6) == 0);
    b.data[300] ^= 1;
    CHECK(llmc_session_note(b.data, b.size, &note, &note_len, &diag) == LLMC_BAD_FILE);
    free(b.data);
    free(r.mem);
}

/* Whatever lay in the memory before, whoever had the pages: the same bytes. */
static void same_bytes_from_any_memory(void)
{
    size_t i;
    for (i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        llmc_engine_options o = set(&settings[i]);
        llmc_sample_options sample = warm(5);
        llmc_seq_options so = sampling(&sample);
        buffer b[2] = {{NULL, 0, 0, SIZE_MAX}, {NULL, 0, 0, SIZE_MAX}};
        said out;
        int k;
        for (k = 0; k < 2; k++) {
            running r;
            llmc_seq *s, *other;
            if (!start(&r, llama.model, &o, k == 0 ? 0x5a : 0xa5))
                return;
            if (k == 1) {
                other = open_seq(&r, &so);
                feed(other, 90, 2);
                go_on(other, 3, &out);
                llmc_seq_close(other);
            }
            s = open_seq(&r, &so);
            feed(s, 100, 1);
            go_on(s, 10, &out);
            save(&b[k], s, NULL);
            free(r.mem);
        }
        CHECKF(b[0].size == b[1].size && memcmp(b[0].data, b[1].data, b[0].size) == 0, "setting %zu", i);
        free(b[0].data);
        free(b[1].data);
    }
    unset();
}

/* A writer that stops at any byte. */
static void writer_stops(void)
{
    llmc_engine_options o = engine_options(100, 1, 16);
    buffer b = {NULL, 0, 0, SIZE_MAX};
    running r;
    llmc_seq *s;
    said out;
    size_t all, n;
    if (!start(&r, llama.model, &o, 0x5a))
        return;
    s = open_seq(&r, NULL);
    feed(s, 40, 1);
    go_on(s, 1, &out);
    save(&b, s, NULL);
    all = b.size;
    for (n = 0; n < all; n += n < 1000 ? 1 : 97) {
        b.stop = n;
        CHECKF(save_to(&b, s, NULL) == LLMC_IO && strstr(diag.message, "stopped") != NULL, "at %zu", n);
    }
    b.stop = all;
    CHECK(save_to(&b, s, NULL) == LLMC_OK);
    free(b.data);
    free(r.mem);
}

static bool no_more(void *user, const char *what, uint64_t done, uint64_t total)
{
    return strcmp(what, "saving") != 0 || done > total || ++*(int *)user < 2;
}

static void wrong_use(void)
{
    llmc_engine_options o = engine_options(100, 2, 16);
    llmc_seq_save_options with;
    llmc_writer w;
    buffer b = {NULL, 0, 0, SIZE_MAX};
    running r;
    llmc_seq *s, *closed;
    said out;
    int calls = 0;
    if (!start(&r, llama.model, &o, 0x5a))
        return;
    s = open_seq(&r, NULL);
    closed = open_seq(&r, NULL);
    llmc_seq_close(closed);
    feed(s, 70, 1);
    go_on(s, 1, &out);
    w.write = buffer_write;
    w.user = &b;
    memset(&with, 0, sizeof with);
    CHECK(llmc_seq_save(NULL, NULL, &w, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_seq_save(closed, NULL, &w, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_seq_save(s, NULL, NULL, &diag) == LLMC_BAD_ARG);
    with.note_len = 1;
    CHECK(llmc_seq_save(s, &with, &w, &diag) == LLMC_BAD_ARG);
    with.note_len = 0;
    with.progress.fn = no_more;
    with.progress.user = &calls;
    CHECK(llmc_seq_save(s, &with, &w, &diag) == LLMC_CANCELLED && calls == 2);
    save(&b, s, NULL);
    CHECK(llmc_seq_restore(NULL, b.data, b.size, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_seq_restore(closed, b.data, b.size, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_seq_restore(s, NULL, 0, &diag) == LLMC_BAD_FILE);
    free(b.data);
    free(r.mem);
}

/* ------------------------------------------------------------ what is refused */
/* A sequence of its own in an engine like or unlike the one that saved. */
static void refused(const buffer *b, const llmc_model *model, const llmc_engine_options *o,
                    llmc_status status, const char *word)
{
    running r;
    llmc_seq *s;
    state was;
    said out, plain;
    if (!start(&r, model, o, 0x5a))
        return;
    s = open_seq(&r, NULL);
    feed(s, 20, 3);
    go_on(s, 2, &out);
    look(s, &was);
    CHECKF(llmc_seq_restore(s, b->data, b->size, &diag) == status && strstr(diag.message, word) != NULL,
           "\"%s\" expected: status %d, \"%s\"", word, (int)diag.status, diag.message);
    unchanged(s, &was, word);
    go_on(s, 5, &out); /* as if nothing had been */
    llmc_seq_close(s);
    s = open_seq(&r, NULL);
    feed(s, 20, 3);
    go_on(s, 2, &plain);
    go_on(s, 5, &plain);
    CHECKF(same(&out, &plain), "%s: goes on otherwise", word);
    free(r.mem);
}

static void foreign_is_refused(void)
{
    llmc_engine_options o = engine_options(400, 2, 16), other;
    llmc_seq_options so;
    buffer b = {NULL, 0, 0, SIZE_MAX};
    running r;
    llmc_seq *s;
    said out;
    unsigned char *weight;
    o.window_size = 50;
    o.sink_tokens = 2;
    o.kv_type = LLMC_F16;
    if (!start(&r, llama.model, &o, 0x5a))
        return;
    memset(&so, 0, sizeof so);
    so.ignore_end = true;
    s = open_seq(&r, &so);
    feed(s, 100, 1);
    go_on(s, 3, &out);
    save(&b, s, NULL);
    other = engine_options(60, 1, 16);
    refused(&b, gpt2.model, &other, LLMC_BAD_ARG, "another model");
    /* one weight of the first tensor */
    weight = llama.bytes + (llmc_model_tensor(llama.model, 0)->data - llama.bytes);
    *weight ^= 1;
    refused(&b, llama.model, &o, LLMC_BAD_ARG, "another model");
    *weight ^= 1;
    llama.model->config.norm_eps *= 2;
    refused(&b, llama.model, &o, LLMC_BAD_ARG, "another model");
    llama.model->config.norm_eps /= 2;
    other = o;
    other.kv_type = LLMC_BF16;
    refused(&b, llama.model, &other, LLMC_BAD_ARG, "kv_type");
    other = o;
    other.window_size = 51;
    refused(&b, llama.model, &other, LLMC_BAD_ARG, "window_size");
    other = o;
    other.sink_tokens = 3;
    refused(&b, llama.model, &other, LLMC_BAD_ARG, "sink");
    other = o;
    other.sinks_stay = true;
    refused(&b, llama.model, &other, LLMC_BAD_ARG, "sink");
    other = o;
    other.window_size = other.sink_tokens = 0;
    refused(&b, llama.model, &other, LLMC_BAD_ARG, "window_size");
    other = o;
    other.context_length = 102;
    refused(&b, llama.model, &other, LLMC_FULL, "context");
    other = o;
    other.kv_pool_tokens = 64;
    refused(&b, llama.model, &other, LLMC_FULL, "pages");
    s->engine->batch.freq[0][1] *= 1.001; /* whatever option does that */
    CHECK(llmc_seq_restore(s, b.data, b.size, &diag) == LLMC_BAD_ARG &&
          strstr(diag.message, "angles") != NULL);
    s->engine->batch.freq[0][1] /= 1.001;
    /* a context and a pool that are just large enough; another batch and other kernels do not matter */
    other = o;
    other.context_length = 103;
    other.batch_tokens = 5;
    other.cpu.features = LLMC_CPU_SCALAR;
    {
        running t;
        llmc_seq *u;
        if (!start(&t, llama.model, &other, 0x5a))
            return;
        u = open_seq(&t, NULL);
        CHECKF(llmc_seq_restore(u, b.data, b.size, &diag) == LLMC_OK, "%s", diag.message);
        free(t.mem);
    }
    free(b.data);
    free(r.mem);
}

/* A window that has hidden nothing yet is none: a short session fits engines with and without. */
static void a_window_not_reached_is_none(void)
{
    llmc_engine_options o = engine_options(400, 1, 16), p = o;
    buffer b = {NULL, 0, 0, SIZE_MAX};
    running r, t;
    llmc_seq *s, *u;
    said out;
    p.window_size = 60;
    p.sink_tokens = 4;
    if (!start(&r, llama.model, &o, 0x5a) || !start(&t, llama.model, &p, 0x5a))
        return;
    s = open_seq(&r, NULL);
    u = open_seq(&t, NULL);
    feed(s, 59, 1);
    go_on(s, 2, &out);
    CHECK(s->n_cached == 60);
    save(&b, s, NULL);
    CHECKF(llmc_seq_restore(u, b.data, b.size, &diag) == LLMC_OK, "%s", diag.message);
    save(&b, u, NULL);
    CHECKF(llmc_seq_restore(s, b.data, b.size, &diag) == LLMC_OK, "%s", diag.message);
    free(b.data);
    free(r.mem);
    free(t.mem);
}

/* Shared with others or not: pages that the sequence itself gives back are there for what it takes. */
static void its_own_pages_count(void)
{
    llmc_engine_options o = engine_options(200, 2, 16);
    buffer b = {NULL, 0, 0, SIZE_MAX};
    running r;
    llmc_seq *s, *t;
    said out;
    state was;
    o.kv_pool_tokens = 160; /* 5 pages */
    if (!start(&r, llama.model, &o, 0x5a))
        return;
    s = open_seq(&r, NULL);
    t = open_seq(&r, NULL);
    feed(s, 100, 1); /* 4 pages */
    go_on(s, 1, &out);
    save(&b, s, NULL);
    CHECKF(llmc_seq_restore(s, b.data, b.size, &diag) == LLMC_OK, "%s", diag.message);
    CHECK(r.engine->kv[0].n_free == 1);
    look(t, &was);
    CHECK(llmc_seq_restore(t, b.data, b.size, &diag) == LLMC_FULL);
    unchanged(t, &was, "no pages");
    CHECK(llmc_seq_truncate(s, 0, &diag) == LLMC_OK);
    CHECK(llmc_seq_restore(t, b.data, b.size, &diag) == LLMC_OK);
    free(b.data);
    free(r.mem);
}

/* Every byte flipped in some bit, every length cut: refused, and nothing has changed. */
static void damage_is_refused(void)
{
    size_t i;
    for (i = 0; i < 6; i += 5) { /* one group, two groups */
        llmc_engine_options o = set(&settings[i]);
        llmc_seq_save_options with;
        buffer b = {NULL, 0, 0, SIZE_MAX};
        running r;
        llmc_seq *s;
        said out;
        state was;
        size_t at, all;
        if (!start(&r, llama.model, &o, 0x5a))
            return;
        memset(&with, 0, sizeof with);
        with.note = "note";
        with.note_len = 4;
        s = open_seq(&r, NULL);
        feed(s, 50, 1);
        go_on(s, 2, &out);
        save(&b, s, &with);
        all = b.size;
        look(s, &was);
        for (at = 0; at < all; at += at < 1024 || at + 100 > all ? 1 : 1 + at % 13) {
            b.data[at] ^= (unsigned char)(1u << (at % 8));
            diag.status = LLMC_OK;
            CHECKF(llmc_seq_restore(s, b.data, all, &diag) != LLMC_OK && diag.message[0] != 0, "byte %zu",
                   at);
            b.data[at] ^= (unsigned char)(1u << (at % 8));
            CHECKF(llmc_seq_restore(s, b.data, at, &diag) == LLMC_BAD_FILE, "cut at %zu", at);
        }
        unchanged(s, &was, "damage");
        CHECK(llmc_seq_restore(s, b.data, all, &diag) == LLMC_OK);
        free(b.data);
        free(r.mem);
    }
    unset();
}

/* Numbers of the head changed by somebody who knows the checksum: refused with nothing changed, or a sequence
   that runs. Restoring cannot tell a lie that makes sense, but no lie does harm. */
static void lies_do_no_harm(void)
{
    static const uint32_t lie[] = {0,          1,           2,           3,          5,    31,     32,
                                   33,         63,          64,          100,        127,  128,    300,
                                   511,        512,         399,         400,        4096, 100000, 0x7fffffff,
                                   0x80000000, 0xfffffff0u, 0xfffffffeu, 0xffffffffu};
    unsigned long long seed = test_seed(4);
    uint64_t roll = seed;
    size_t i, at, k, each = test_every(5);
    int passed = 0;
    for (i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        llmc_engine_options o = set(&settings[i]);
        llmc_sample_options sample = warm(1);
        llmc_seq_options so = sampling(&sample);
        buffer b = {NULL, 0, 0, SIZE_MAX}, c = {NULL, 0, 0, SIZE_MAX};
        running r;
        llmc_seq *s, *other;
        said out;
        state was;
        if (!start(&r, llama.model, &o, 0x5a))
            return;
        s = open_seq(&r, &so);
        other = open_seq(&r, &so);
        feed(s, 120, 1);
        go_on(s, 2, &out);
        if (i % 2 == 0) {
            (void)llmc_engine_step(r.engine, &diag); /* with a piece */
            CHECK(s->has_piece);
        }
        save(&b, s, NULL);
        c.data = (unsigned char *)malloc(b.size);
        for (at = 8; at < 192 + 16; at += 4)
            for (k = test_random(&roll, each); k < sizeof lie / sizeof lie[0] + 8; k += each) {
                uint32_t v =
                    k < sizeof lie / sizeof lie[0] ? lie[k] : at32(&b, at) + test_random(&roll, 9) - 4;
                memcpy(c.data, b.data, b.size);
                c.size = b.size;
                put32(&c, at, v);
                if (test_random(&roll, 3) == 0) /* a second one */
                    put32(&c, 48 + 4 * test_random(&roll, 36), lie[test_random(&roll, 25)]);
                seal(&c);
                look(other, &was);
                if (llmc_seq_restore(other, c.data, c.size, &diag) != LLMC_OK) {
                    unchanged(other, &was, "a lie");
                    continue;
                }
                passed++;
                go_on(other, 3, &out);
                CHECK(llmc_seq_truncate(other, test_random(&roll, other->n_ids + 1), &diag) == LLMC_OK);
                go_on(other, 2, &out);
            }
        free(b.data);
        free(c.data);
        free(r.mem);
    }
    unset();
    CHECKF(passed > 200 / (int)each, "only %d were let pass", passed);
}

/* Other lengths: what the head says of sizes, and bytes that are there. */
static void sizes_do_not_overflow(void)
{
    static const size_t place[] = {52, 84, 100, 136, 140, 156, 160, 164, 168, 188};
    llmc_engine_options o = engine_options(100, 1, 16);
    buffer b = {NULL, 0, 0, SIZE_MAX};
    running r;
    llmc_seq *s;
    said out;
    size_t i, k, all;
    if (!start(&r, llama.model, &o, 0x5a))
        return;
    s = open_seq(&r, NULL);
    feed(s, 10, 1);
    go_on(s, 1, &out);
    save(&b, s, NULL);
    all = b.size;
    for (i = 0; i < sizeof place / sizeof place[0]; i++)
        for (k = 0; k < 32; k++) {
            uint32_t was = at32(&b, place[i]);
            put32(&b, place[i], was ^ 1u << k);
            seal(&b);
            if (llmc_seq_restore(s, b.data, all, &diag) != LLMC_BAD_FILE)
                CHECKF(k < 6, "bit %zu at %zu", k, place[i]); /* it went into what fills up to 64 */
            put32(&b, place[i], was);
        }
    free(b.data);
    free(r.mem);
}

/* ------------------------------------------------------------ files */
#if !defined(LLMC_NO_OS) && !defined(_WIN32)
static char folder[96];

static const char *in_folder(const char *name)
{
    static char path[4][128];
    static int turn;
    char *out = path[turn++ & 3];
    snprintf(out, sizeof path[0], "%s/%s", folder, name);
    return out;
}

static bool holds(const char *path, const char *text)
{
    size_t n = 0;
    unsigned char *data = test_read(path, &n);
    bool yes = data != NULL && n == strlen(text) && memcmp(data, text, n) == 0;
    free(data);
    return yes;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static bool put_file(const char *path, const char *text)
{
    llmc_os_save *f;
    const llmc_writer *w;
    if (llmc_os_save_begin(&f, path, &diag) != LLMC_OK)
        return false;
    w = llmc_os_save_writer(f);
    return w->write(w->user, text, strlen(text)) && llmc_os_save_commit(f, &diag) == LLMC_OK;
}

static void files_are_old_or_new(void)
{
    llmc_os_save *f, *g;
    const llmc_writer *w;
    struct stat st;
    char *many = (char *)calloc(1, 200001);
    CHECKF(put_file(in_folder("a"), "old"), "%s", diag.message);
    CHECK(holds(in_folder("a"), "old") && !exists(in_folder("a.tmp")));
    CHECK(llmc_os_save_begin(&f, in_folder("a"), &diag) == LLMC_OK);
    w = llmc_os_save_writer(f);
    CHECK(w->write(w->user, "new", 3) && holds(in_folder("a"), "old") && exists(in_folder("a.tmp")));
    /* two at a time would mix */
    CHECK(llmc_os_save_begin(&g, in_folder("a"), &diag) == LLMC_IO &&
          strstr(diag.message, "another") != NULL);
    llmc_os_save_drop(f);
    llmc_os_save_drop(NULL);
    CHECK(holds(in_folder("a"), "old") && !exists(in_folder("a.tmp")));
    CHECK(put_file(in_folder("a"), "new") && holds(in_folder("a"), "new"));
    /* left behind by somebody who was killed, longer than what comes */
    {
        FILE *left = fopen(in_folder("a.tmp"), "wb");
        CHECK(left != NULL && fputs("something long that is no use", left) >= 0 && fclose(left) == 0);
    }
    CHECK(put_file(in_folder("a"), "third") && holds(in_folder("a"), "third") && !exists(in_folder("a.tmp")));
    /* small and large pieces in order */
    memset(many, 'x', 200000);
    CHECK(llmc_os_save_begin(&f, in_folder("b"), &diag) == LLMC_OK);
    w = llmc_os_save_writer(f);
    CHECK(w->write(w->user, "begin", 5) && w->write(w->user, many, 60000) &&
          w->write(w->user, many, 140000) && w->write(w->user, "end", 3) && w->write(w->user, "", 0));
    CHECK(llmc_os_save_commit(f, &diag) == LLMC_OK && stat(in_folder("b"), &st) == 0 && st.st_size == 200008);
    /* through a link, and with the rights that there were */
    CHECK(symlink("a", in_folder("link")) == 0 && chmod(in_folder("a"), 0640) == 0);
    CHECK(put_file(in_folder("link"), "linked") && holds(in_folder("a"), "linked"));
    CHECK(lstat(in_folder("link"), &st) == 0 && S_ISLNK(st.st_mode));
    CHECK(stat(in_folder("a"), &st) == 0 && (st.st_mode & 0777) == 0640);
    free(many);
}

static void what_no_file_can_be(void)
{
    llmc_os_save *f;
    char name[400];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    CHECK(llmc_os_save_begin(&f, NULL, &diag) == LLMC_BAD_ARG &&
          llmc_os_save_begin(&f, "", &diag) == LLMC_BAD_ARG);
    CHECK(llmc_os_save_begin(&f, folder, &diag) == LLMC_IO && strstr(diag.message, "directory") != NULL);
    CHECK(llmc_os_save_begin(&f, in_folder("none/a"), &diag) == LLMC_IO &&
          strstr(diag.message, "no such") != NULL);
    CHECK(llmc_os_save_begin(&f, in_folder("a/b"), &diag) == LLMC_IO);
    CHECK(llmc_os_save_begin(&f, name, &diag) == LLMC_IO && strstr(diag.message, "too long") != NULL);
    CHECK(put_file("/dev/null", "gone") && exists("/dev/null") && !exists("/dev/null.tmp"));
    if (exists("/dev/full"))
        CHECK(!put_file("/dev/full", "no room") && diag.status == LLMC_IO &&
              strstr(diag.message, "no space") != NULL && strstr(diag.message, "/dev/full") != NULL);
    if (geteuid() != 0) {
        CHECK(put_file(in_folder("mine"), "x") && chmod(in_folder("mine"), 0400) == 0);
        CHECK(!put_file(in_folder("mine"), "y") && strstr(diag.message, "permission") != NULL);
    }
}

static void sessions_in_files(void)
{
    llmc_engine_options o = engine_options(100, 2, 16);
    running r;
    llmc_seq *s, *t;
    said out, first, second;
    if (!start(&r, llama.model, &o, 0x5a))
        return;
    s = open_seq(&r, NULL);
    t = open_seq(&r, NULL);
    feed(s, 40, 1);
    go_on(s, 3, &out);
    CHECKF(llmc_seq_save_file(s, in_folder("s"), NULL, &diag) == LLMC_OK, "%s", diag.message);
    CHECKF(llmc_seq_restore_file(t, in_folder("s"), &diag) == LLMC_OK, "%s", diag.message);
    go_on(s, 5, &first);
    go_on(t, 5, &second);
    CHECK(same(&first, &second));
    CHECK(llmc_seq_restore_file(t, in_folder("missing"), &diag) == LLMC_IO);
    CHECK(put_file(in_folder("text"), "This is no session at all.") &&
          llmc_seq_restore_file(t, in_folder("text"), &diag) == LLMC_BAD_FILE);
    CHECK(put_file(in_folder("empty"), "") &&
          llmc_seq_restore_file(t, in_folder("empty"), &diag) == LLMC_BAD_FILE);
    if (exists("/dev/full"))
        CHECK(llmc_seq_save_file(s, "/dev/full", NULL, &diag) == LLMC_IO &&
              strstr(diag.message, "space") != NULL);
    free(r.mem);
}

/* The child saves one session after the other under the same name, each longer than the last and with its number as
   note, and tells when one is done. */
static void save_for_ever(int tell)
{
    llmc_engine_options o = engine_options(400, 1, 16);
    llmc_seq_save_options with;
    running r;
    llmc_seq *s;
    said out;
    uint32_t number;
    if (!start(&r, llama.model, &o, 0x5a))
        _exit(1);
    s = open_seq(&r, NULL);
    feed(s, 30, 1);
    memset(&with, 0, sizeof with);
    with.note = &number;
    with.note_len = sizeof number;
    for (number = 1;; number++) {
        (void)llmc_seq_truncate(s, 5 + number % 20, NULL);
        go_on(s, 1, &out);
        if (llmc_seq_save_file(s, in_folder("k"), &with, &diag) != LLMC_OK ||
            write(tell, &number, sizeof number) != (ssize_t)sizeof number)
            _exit(1);
    }
}

/* Killed at any moment: what is under the name is whole, and no older than what the child said was done. */
static void killed_while_saving(void)
{
    unsigned long long seed = test_seed(31);
    uint64_t roll = seed;
    int round, rounds = 250, left = 0, done = 0;
    long most;
    uint64_t begin = llmc_os_nanoseconds();
    for (round = 0; round < 10; round++)
        CHECK(put_file(in_folder("k"), "how long does that take"));
    most = (long)((llmc_os_nanoseconds() - begin) * 2 / 5); /* of four files */
    most = most < 900000000 ? most : 900000000;
    for (round = 0; test_bad == 0 && (round < rounds || (round < 4 * rounds && (left <= 5 || done <= 5)));
         round++) {
        int ends[2];
        uint32_t number = 0, last = 0, found = 0;
        llmc_blob file;
        const void *note;
        size_t note_len = 0;
        struct timespec wait;
        pid_t child;
        CHECK(unlink(in_folder("k")) == 0 || errno == ENOENT);
        if (!CHECK(pipe(ends) == 0) || !CHECK((child = fork()) >= 0))
            return;
        if (child == 0) {
            close(ends[0]);
            save_for_ever(ends[1]);
        }
        close(ends[1]);
        if (round % 8 != 0) /* else while it is just beginning */
            CHECK(read(ends[0], &last, sizeof last) == (ssize_t)sizeof last);
        wait.tv_sec = 0;
        wait.tv_nsec = (long)test_random(&roll, (unsigned)most);
        nanosleep(&wait, NULL);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(ends[0], &number, sizeof number) == (ssize_t)sizeof number)
            last = number;
        close(ends[0]);
        left += exists(in_folder("k.tmp"));
        if (!exists(in_folder("k"))) {
            CHECKF(last == 0, "round %d: session %u is gone", round, last);
            continue;
        }
        if (!CHECKF(llmc_map_open(&file, in_folder("k"), &diag) == LLMC_OK, "%s", diag.message))
            return;
        CHECKF(llmc_session_note(file.data, file.size, &note, &note_len, &diag) == LLMC_OK, "round %d: %s",
               round, diag.message);
        if (note_len == sizeof found)
            memcpy(&found, note, sizeof found);
        CHECKF(found >= last && found <= last + 1, "round %d: session %u is there, %u were done", round,
               found, last);
        done += found > 1;
        llmc_map_close(&file);
        if (round % 32 == 31 && done < round / 16 && most < 200000000)
            most *= 4; /* where a token takes far longer than a file */
    }
    CHECKF(left > 5 && done > 5, "of %d kills %d hit a save, %d came after one: that shows nothing", round,
           left, done);
}

static void clear_folder(void)
{
    static const char *const name[] = {"a", "a.tmp", "b", "link", "mine", "s", "text", "empty", "k", "k.tmp"};
    size_t i;
    for (i = 0; i < sizeof name / sizeof name[0]; i++)
        (void)unlink(in_folder(name[i]));
    (void)rmdir(folder);
}

static void files(void)
{
    const char *temp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.40s/llmc-session-%ld", temp != NULL && temp[0] != 0 ? temp : "/tmp",
             (long)getpid());
    if (mkdir(folder, 0700) != 0) {
        test_now = "files";
        test_bad = 0;
        SKIP("no folder can be made for them");
        return;
    }
    RUN(files_are_old_or_new);
    RUN(what_no_file_can_be);
    RUN(sessions_in_files);
    RUN(killed_while_saving);
    clear_folder();
}
#endif

int main(void)
{
    RUN(loads);
    if (llama.model == NULL || gpt2.model == NULL)
        return test_end("test_session");
    RUN(checksum_is_xxh64);
    RUN(restored_goes_on);
    RUN(ids_only);
    RUN(nothing_and_everything);
    RUN(text_on_its_way);
    RUN(counters_go_on);
#ifndef LLMC_NO_GRAMMAR
    RUN(grammar_follows);
#endif
    RUN(bytes_are_as_drawn);
    RUN(same_bytes_from_any_memory);
    RUN(writer_stops);
    RUN(wrong_use);
    RUN(foreign_is_refused);
    RUN(a_window_not_reached_is_none);
    RUN(its_own_pages_count);
    RUN(damage_is_refused);
    RUN(lies_do_no_harm);
    RUN(sizes_do_not_overflow);
#if !defined(LLMC_NO_OS) && !defined(_WIN32)
    files();
#endif
    unload(&llama);
    unload(&gpt2);
    return test_end("test_session");
}
