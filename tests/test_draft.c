/* test_draft.c -- speculation changes nothing but the time.

   Runs tests/models/tiny-llama.gguf, and stories260K where it is there. Sequences are played from scripts of
   random options and actions (adds, truncations, other options, closing in the middle of an answer), once
   without drafts and once with them; every token, probability, text, ending, id, random number and what
   choosers and grammars saw has to be the same, bit for bit. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

static llmc_diag diag;

/* ------------------------------------------------------------ models */
typedef struct loaded {
    llmc_blob file[2];
    llmc_model *model;
    void *mem;
} loaded;

static loaded tiny, stories;

static bool load(loaded *l, const char *path, const char *tokenizer)
{
    llmc_model_options opt;
    size_t need = 0;
    memset(&opt, 0, sizeof opt);
    l->file[0].data = test_read(path, &l->file[0].size);
    l->file[0].name = path;
    if (tokenizer != NULL) {
        l->file[1].data = test_read(tokenizer, &l->file[1].size);
        l->file[1].name = tokenizer;
        opt.tokenizer_files = &l->file[1];
        opt.n_tokenizer_files = 1;
    }
    if (l->file[0].data == NULL || (tokenizer != NULL && l->file[1].data == NULL))
        return false;
    if (!CHECKF(llmc_model_need(l->file, 1, &opt, &need, &diag) == LLMC_OK, "%s", diag.message))
        return false;
    l->mem = malloc(need);
    return CHECKF(llmc_model_init(&l->model, l->file, 1, &opt, l->mem, need, &diag) == LLMC_OK, "%s",
                  diag.message) != 0;
}

static void loads(void)
{
    CHECKF(load(&tiny, "tests/models/tiny-llama.gguf", NULL), "run from the repository's root");
}

/* ------------------------------------------------------------ an engine on the heap */
typedef struct machine {
    llmc_engine *engine;
    void *mem;
    int passes;
    uint64_t time; /* what its clock says */
} machine;

static void hear(void *user, const char *tag, const char *what)
{
    (void)what;
    ((machine *)user)->passes += tag != NULL && strcmp(tag, "FORWARD.pass") == 0;
}

/* A clock that knows no time but counts: passes take 1000 each, and 100 for each further token. */
static uint64_t tick(void *user)
{
    machine *m = (machine *)user;
    uint32_t n = m->engine != NULL ? m->engine->batch.n : 0;
    return m->time += 900 + 100 * (uint64_t)n;
}

static bool machine_start(machine *m, const llmc_model *model, llmc_engine_options *o)
{
    size_t need = 0;
    memset(m, 0, sizeof *m);
    o->profile.fn = hear;
    o->profile.user = m;
    o->clock.user = m;
    if (llmc_engine_need(model, o, &need, &diag) == LLMC_OK) {
        m->mem = malloc(need);
        memset(m->mem, 0x5a, need);
        if (llmc_engine_init(&m->engine, model, o, m->mem, need, &diag) == LLMC_OK)
            return true;
    }
    return CHECKF(false, "%s: %s", diag.tag, diag.message) != 0;
}

static void machine_end(machine *m)
{
    free(m->mem);
    m->mem = NULL;
}

/* Whether every page is free. */
static bool pages_back(const llmc_engine *e)
{
    uint32_t g;
    for (g = 0; g < e->batch.n_groups; g++)
        if (e->kv[g].n_free != e->kv[g].n_pages)
            return false;
    return true;
}

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

/* ------------------------------------------------------------ grammars */
static const char *const grammars[] = {"root ::= [a-z ]+", "root ::= (\"the \" | \"a \" | \"cat \")+ \".\""};

typedef struct bound {
    llmc_grammar *g;
    llmc_grammar_state *state;
    void *mem, *state_mem;
} bound;

static void bind(bound *b, const llmc_model *model, int which)
{
    const llmc_tokenizer *tok = llmc_model_tokenizer(model);
    const char *text = grammars[which];
    size_t need = 0;
    CHECK(llmc_grammar_need(tok, text, strlen(text), NULL, &need, &diag) == LLMC_OK);
    b->mem = malloc(need);
    CHECKF(llmc_grammar_init(&b->g, tok, text, strlen(text), NULL, b->mem, need, &diag) == LLMC_OK, "%s",
           diag.message);
    CHECK(llmc_grammar_state_need(b->g, NULL, &need, &diag) == LLMC_OK);
    b->state_mem = malloc(need);
    CHECK(llmc_grammar_state_init(&b->state, b->g, NULL, b->state_mem, need, &diag) == LLMC_OK);
}

static void unbind(bound *b)
{
    free(b->state_mem);
    free(b->mem);
}

/* ------------------------------------------------------------ a script and who plays it */
enum { MOST = 600, ROUNDS = 5 };

typedef struct event {
    llmc_token token;
    uint32_t logprob, text, n_ids, n_cached, n_half, seen;
    uint64_t random;
    int status; /* of an action; finish of a piece */
} event;

typedef struct player {
    llmc_engine *engine;
    llmc_seq *seq;
    uint64_t dice; /* all that the script does not take from the sequence */
    llmc_draft draft;
    bound grammar;
    llmc_sample_options sample;
    const char *stop[2];
    event *log;
    uint32_t n, round, left, seen;
    bool done, no_grammar;
} player;

static uint32_t hash_bytes(uint32_t h, const void *data, size_t n)
{
    const unsigned char *p = (const unsigned char *)data;
    while (n-- > 0)
        h = (h ^ *p++) * 16777619u;
    return h;
}

/* Sees everything that a chooser can see; sometimes changes logits, sometimes chooses. */
static llmc_token look(void *user, llmc_seq *seq, float *logits, size_t n)
{
    player *p = (player *)user;
    size_t n_ids;
    const llmc_token *ids = llmc_seq_ids(seq, &n_ids);
    p->seen = hash_bytes(p->seen, logits, n * sizeof *logits);
    p->seen = hash_bytes(p->seen, ids, n_ids * sizeof *ids);
    if (p->seen % 7 == 0)
        logits[p->seen % n] += 3;
    if (p->seen % 31 == 0) /* out of the vocabulary once in a while: the sequence fails */
        return p->seen % 217 == 0 ? (llmc_token)n : (llmc_token)(p->seen / 31 % n);
    return n_ids > 12 && p->seen % 3 == 0 ? ids[n_ids - 9] : LLMC_TOKEN_NONE;
}

static uint32_t roll(player *p, uint32_t n)
{
    return test_random(&p->dice, n);
}

static void note(player *p, llmc_token token, float logprob, const char *text, int status)
{
    event *e = &p->log[p->n < MOST - 1 ? p->n++ : p->n];
    memset(e, 0, sizeof *e);
    e->token = token;
    memcpy(&e->logprob, &logprob, sizeof logprob);
    e->text = hash_bytes(1, text, strlen(text));
    e->status = status;
    e->seen = p->seen;
    if (p->seq != NULL) {
        e->n_ids = p->seq->n_ids;
        /* behind a window more may be left than without drafts: its pages are given back later */
        e->n_cached = p->engine->opt.window_size == 0 ? p->seq->n_cached : 0;
        e->n_half = p->seq->n_half * 256 + (uint32_t)p->seq->n_tail;
        e->random = p->seq->rng.s[0];
    }
    p->seen = 0;
}

/* Options by the dice; what speculation adds is not of the script. */
static llmc_seq_options make_options(player *p)
{
    static const char *const stops[] = {" the", "a", ". ", "zz", " cat"};
    llmc_seq_options o;
    memset(&o, 0, sizeof o);
    memset(&p->sample, 0, sizeof p->sample);
    p->sample.seed = roll(p, 1000);
    if (roll(p, 2) != 0)
        p->sample.temperature = (float)(1 + roll(p, 8)) * 0.2f;
    if (roll(p, 3) == 0)
        p->sample.top_k = 1 + roll(p, 5);
    if (roll(p, 4) == 0)
        p->sample.repeat_penalty = 1.2f;
    if (roll(p, 6) == 0)
        p->sample.frequency_penalty = 0.3f;
    o.sample = &p->sample;
    o.ignore_end = roll(p, 3) != 0;
    o.show_special = roll(p, 4) == 0;
    if (roll(p, 2) == 0)
        o.max_tokens = 1 + roll(p, 60);
    if (roll(p, 3) == 0) {
        p->stop[0] = stops[roll(p, 5)];
        p->stop[1] = stops[roll(p, 5)];
        o.stop = p->stop;
        o.n_stop = 2;
    }
    if (roll(p, 3) == 0) {
        o.chooser.fn = look;
        o.chooser.user = p;
    }
    if (roll(p, 4) == 0 && !p->no_grammar)
        o.grammar = p->grammar.state;
    o.draft = p->draft;
    return o;
}

/* Something to read: new words, or what the sequence has said already, which makes drafts. */
static llmc_status add_something(player *p)
{
    uint32_t vocab = llmc_model_config(llmc_engine_model(p->engine))->vocab_size, i, from, kind = roll(p, 3);
    llmc_token ids[40];
    uint32_t n = 1 + roll(p, 30);
    if (kind == 0)
        return llmc_seq_add_text(p->seq, "Once upon a time the cat sat. Once upon", 39, &diag);
    from = p->seq->n_ids > 0 ? roll(p, p->seq->n_ids) : 0;
    for (i = 0; i < n; i++)
        ids[i] = kind == 1 && from + i < p->seq->n_ids
                     ? p->seq->ids[from + i]
                     : (llmc_token)(roll(p, 2) ? roll(p, vocab) : 5 + i % 4);
    return llmc_seq_add_ids(p->seq, ids, n, &diag);
}

/* The script goes on: another answer, another beginning, or the end. Ends where the sequence has something
   to say, or closed. */
static void act(player *p)
{
    llmc_seq_options o;
    float logits[4096];
    llmc_token id = 3;
    llmc_status status = LLMC_OK;
    for (;;) {
        uint32_t kind = roll(p, 8);
        if (p->round++ >= ROUNDS) {
            llmc_seq_close(p->seq);
            p->done = true;
            return;
        }
        if (p->seq != NULL && kind == 0) {
            llmc_seq_close(p->seq);
            p->seq = NULL;
        }
        o = make_options(p); /* the dice fall the same way whether it is used or not */
        if (p->seq == NULL) {
            status = llmc_seq_open(&p->seq, p->engine, &o, &diag);
            CHECKF(status == LLMC_OK, "%s", diag.message);
        } else if (kind <= 2)
            status = llmc_seq_configure(p->seq, &o, &diag);
        note(p, 0, 0, "", (int)status);
        if (kind == 3 && llmc_model_config(llmc_engine_model(p->engine))->vocab_size <= 4096)
            note(p, 1, 0, "", (int)llmc_seq_forward(p->seq, &id, 1, logits, 1, &diag));
        status = kind == 4 ? llmc_seq_add_text(p->seq,
                                               "and they lived happily ever after, "
                                               "and they lived happily ever after",
                                               68, &diag)
                           : LLMC_OK;
        if (kind >= 5 && p->seq->n_ids > 0)
            status = llmc_seq_truncate(p->seq, roll(p, p->seq->n_ids + 1), &diag);
        note(p, 2, 0, "", (int)status);
        if (kind != 5 && kind != 2) /* 2: other options, the same answer */
            note(p, 3, 0, "", (int)add_something(p));
        p->left = 1 + roll(p, 90);
        if (p->seq->active || p->seq->has_piece)
            return;
    }
}

static void begin(player *p, llmc_engine *e, uint64_t script, llmc_draft draft, const bound *grammar)
{
    memset(p, 0, sizeof *p);
    p->engine = e;
    p->dice = script;
    p->draft = draft;
    if (grammar != NULL)
        p->grammar = *grammar;
    p->no_grammar = grammar == NULL;
    p->log = (event *)calloc(MOST, sizeof *p->log);
    act(p);
}

static void hear_piece(player *p, const llmc_piece *piece)
{
    note(p, piece->token, piece->logprob, piece->text, 100 + (int)piece->finish);
    if (piece->finish != LLMC_FINISH_NONE || --p->left == 0)
        act(p);
}

/* By llmc_seq_next, or by steps and polls. */
static void play_alone(player *p, bool by_next)
{
    llmc_piece piece;
    llmc_status status;
    int turns = 0;
    while (!p->done && CHECK(turns++ < 4000)) {
        if (by_next) {
            status = llmc_seq_next(p->seq, &piece, &diag);
            if (status == LLMC_OK)
                hear_piece(p, &piece);
            else
                note(p, 4, 0, "", (int)status);
            if (status == LLMC_DONE)
                act(p);
        } else {
            (void)llmc_engine_step(p->engine, &diag); /* what goes wrong is in the piece */
            while (!p->done && llmc_seq_poll(p->seq, &piece))
                hear_piece(p, &piece);
        }
    }
}

static void compare(const player *a, const player *b, uint64_t script, const char *what)
{
    uint32_t i;
    for (i = 0; i < a->n && i < b->n; i++)
        if (memcmp(&a->log[i], &b->log[i], sizeof *a->log) != 0) {
            const event *x = &a->log[i], *y = &b->log[i];
            CHECKF(false,
                   "%s, script %llu, event %u of %u: token %d status %d ids %u cached %u prob %x text %x "
                   "seen %x "
                   "random %llx; plain: %d %d %u %u %x %x %x %llx",
                   what, (unsigned long long)script, i, a->n, y->token, y->status, y->n_ids, y->n_cached,
                   y->logprob, y->text, y->seen, (unsigned long long)y->random, x->token, x->status, x->n_ids,
                   x->n_cached, x->logprob, x->text, x->seen, (unsigned long long)x->random);
            return;
        }
    CHECKF(a->n == b->n && a->n > 0, "%s, script %llu: %u events, plain %u", what, (unsigned long long)script,
           b->n, a->n);
}

/* ------------------------------------------------------------ one sequence */
/* Scripts without drafts and with, one sequence each. Returns how many passes the drafts saved. */
static int scripts_alone(const loaded *l, uint64_t seed, int n, uint32_t context, bool windows)
{
    llmc_engine_options o = engine_options(context, 1, 24), with;
    machine plain, fast;
    bound grammar[2], again[2];
    uint64_t dice = seed;
    int i, saved = 0;
    for (i = 0; i < 2; i++) {
        bind(&grammar[i], l->model, i);
        bind(&again[i], l->model, i);
    }
    for (i = 0; i < n && test_bad == 0; i++) {
        uint64_t script = test_random(&dice, 1u << 30);
        player a, b;
        if (windows) {
            o.window_size = 3 + test_random(&dice, 60);
            o.sink_tokens = test_random(&dice, 3);
            o.kv_cache_capacity = test_random(&dice, 2) != 0 ? 8 + test_random(&dice, 60) : 0;
        }
        with = o;
        with.draft_tokens = 1 + test_random(&dice, 12);
        with.clock.fn = test_random(&dice, 2) != 0 ? tick : NULL;
        if (!machine_start(&plain, l->model, &o) || !machine_start(&fast, l->model, &with))
            return 0;
        begin(&a, plain.engine, script, LLMC_DRAFT_OFF, &grammar[i % 2]);
        begin(&b, fast.engine, script, i % 3 == 0 ? LLMC_DRAFT_AUTO : LLMC_DRAFT_ON, &again[i % 2]);
        play_alone(&a, i % 2 == 0);
        play_alone(&b, i % 2 == 0);
        compare(&a, &b, script, "alone");
        CHECK(fast.engine->n_ahead == 0 && pages_back(fast.engine));
        saved += plain.passes - fast.passes;
        free(a.log);
        free(b.log);
        machine_end(&plain);
        machine_end(&fast);
    }
    for (i = 0; i < 2; i++) {
        unbind(&grammar[i]);
        unbind(&again[i]);
    }
    return saved;
}

static void drafts_change_nothing(void)
{
    uint64_t seed = test_seed(20261126);
    int every = (int)test_every(10), saved = scripts_alone(&tiny, seed, 400 / every, 128, false);
    CHECKF(saved > 500 / every, "only %d passes saved: too few drafts for this to prove anything", saved);
}

/* Pages that fall out of windows, truncations beyond what they hold. */
static void nor_with_windows(void)
{
    int every = (int)test_every(10), saved = scripts_alone(&tiny, test_seed(11), 300 / every, 256, true);
    CHECKF(saved > 300 / every, "only %d passes saved", saved);
}

static void nor_on_a_real_model(void)
{
    int saved, every = (int)test_every(10);
    if (!load(&stories, test_shared("data/stories260K.bin"), test_shared("data/tok512.bin"))) {
        SKIP("no stories260K");
        return;
    }
    saved = scripts_alone(&stories, test_seed(7), 60 / every, 256, false);
    CHECKF(saved > 50 / every, "only %d passes saved", saved);
}

/* ------------------------------------------------------------ many sequences */
enum { TOGETHER = 5 };

/* All of them on one engine; polled once or until nothing is left after each step. */
static void play_together(player *p, machine *m, uint64_t *dice)
{
    llmc_piece piece;
    int i, turns = 0, left = TOGETHER;
    while (left > 0 && CHECK(turns++ < 20000)) {
        bool dry = test_random(dice, 2) != 0;
        (void)llmc_engine_step(m->engine, &diag);
        for (i = 0, left = 0; i < TOGETHER; i++) {
            while (!p[i].done && test_random(dice, 4) != 0 && llmc_seq_poll(p[i].seq, &piece)) {
                hear_piece(&p[i], &piece);
                if (!dry)
                    break;
            }
            left += !p[i].done;
        }
    }
}

/* Every sequence as it was alone without drafts. */
static void nor_do_they_together(void)
{
    llmc_engine_options alone = engine_options(128, 1, 16), o = engine_options(128, TOGETHER, 0);
    uint64_t seed = test_seed(99), dice = seed;
    machine one, all;
    player a[TOGETHER], b[TOGETHER];
    int i, n;
    for (n = 0; n < 60 / (int)test_every(10) && test_bad == 0; n++) {
        uint64_t script[TOGETHER];
        o.batch_tokens = TOGETHER + test_random(&dice, 30);
        o.draft_tokens = 1 + test_random(&dice, 20);
        o.clock.fn = test_random(&dice, 2) != 0 ? tick : NULL;
        if (!machine_start(&all, tiny.model, &o))
            return;
        for (i = 0; i < TOGETHER; i++) {
            script[i] = test_random(&dice, 1u << 30);
            machine_start(&one, tiny.model, &alone);
            begin(&a[i], one.engine, script[i], LLMC_DRAFT_OFF, NULL);
            play_alone(&a[i], false);
            machine_end(&one);
            begin(&b[i], all.engine, script[i], (llmc_draft)test_random(&dice, 3), NULL);
        }
        play_together(b, &all, &dice);
        for (i = 0; i < TOGETHER; i++) {
            compare(&a[i], &b[i], script[i], "together");
            free(a[i].log);
            free(b[i].log);
        }
        CHECK(all.engine->n_ahead == 0 && pages_back(all.engine));
        machine_end(&all);
    }
}

/* ------------------------------------------------------------ what it is for */
/* Passes for n tokens after a prompt that says the same again and again, as greedy text. */
static int passes_for(const loaded *l, llmc_draft draft, const char *prompt, uint32_t n, uint32_t k)
{
    llmc_engine_options o = engine_options(512, 1, 0);
    llmc_seq_options so;
    llmc_piece piece;
    machine m;
    llmc_seq *s;
    uint32_t i;
    int before = 0;
    memset(&so, 0, sizeof so);
    so.ignore_end = true;
    so.draft = draft;
    so.draft_tokens = k;
    o.draft_tokens = draft != LLMC_DRAFT_OFF ? 16 : 0;
    o.clock.fn = tick;
    if (!machine_start(&m, l->model, &o) || !CHECK(llmc_seq_open(&s, m.engine, &so, &diag) == LLMC_OK) ||
        !CHECK(llmc_seq_add_text(s, prompt, strlen(prompt), &diag) == LLMC_OK))
        return 0;
    for (i = 0; i < n; i++) {
        CHECK(llmc_seq_next(s, &piece, &diag) == LLMC_OK);
        before = i == 0 ? m.passes : before;
    }
    machine_end(&m);
    return m.passes - before;
}

static void repetition_takes_fewer_passes(void)
{
    int plain = passes_for(&tiny, LLMC_DRAFT_OFF, "Once upon", 300, 0);
    int on = passes_for(&tiny, LLMC_DRAFT_ON, "Once upon", 300, 0);
    int one = passes_for(&tiny, LLMC_DRAFT_ON, "Once upon", 300, 1);
    int automatic = passes_for(&tiny, LLMC_DRAFT_AUTO, "Once upon", 300, 0);
    printf("  passes for 299 tokens: %d plain, %d drafting, %d one at a time, %d automatic\n", plain, on, one,
           automatic);
    CHECK(plain == 299);
    CHECK(on < 120);
    CHECK(one < 220);
    CHECK(automatic < 150);
}

/* ------------------------------------------------------------ the time of others */
/* What comes is what a script of random tokens says: nothing repeats but by chance. */
static llmc_token at_random(void *user, llmc_seq *seq, float *logits, size_t n)
{
    (void)seq;
    (void)logits;
    return (llmc_token)test_random((uint64_t *)user, (unsigned)(n < 64 ? n : 64));
}

/* By its own clock, where a pass over two tokens takes thrice as long as over one: it has to find out, and to
   leave it. */
static uint64_t dear(void *user)
{
    machine *m = (machine *)user;
    uint32_t n = m->engine != NULL ? m->engine->batch.n : 0;
    return m->time += 500 + (n > 1 ? 1000 + 100 * (uint64_t)n : 0);
}

static void automatic_gives_up(void)
{
    llmc_engine_options o = engine_options(512, 1, 0);
    llmc_seq_options so;
    llmc_piece piece;
    machine m;
    llmc_seq *s;
    uint64_t dice = 5, before = 0, after;
    int i, kind;
    for (kind = 0; kind < 2; kind++) {
        memset(&so, 0, sizeof so);
        so.ignore_end = true;
        so.draft = LLMC_DRAFT_AUTO;
        so.chooser.fn = at_random;
        so.chooser.user = &dice;
        o.draft_tokens = 8;
        o.clock.fn = kind == 0 ? tick : dear;
        if (!machine_start(&m, tiny.model, &o) ||
            !CHECK(llmc_seq_open(&s, m.engine, &so, &diag) == LLMC_OK) ||
            !CHECK(llmc_seq_add_text(s, "Once", 4, &diag) == LLMC_OK))
            return;
        for (i = 0; i < 401; i++) {
            CHECK(llmc_seq_next(s, &piece, &diag) == LLMC_OK);
            before = i == 0 ? m.time : before;
        }
        after = m.time - before; /* each pass asks twice: 1000 once per call */
        printf("  400 unforeseeable tokens: %.3f of a plain pass each\n",
               (double)after / (kind == 0 ? 2000.0 : 1000.0) / 400);
        CHECK((double)after / (kind == 0 ? 2000.0 : 1000.0) / 400 < 1.03);
        machine_end(&m);
    }
}

/* ------------------------------------------------------------ memory and refusals */
static void memory_only_where_asked(void)
{
    llmc_engine_options o = engine_options(128, 1, 0);
    llmc_engine_memory none, some;
    uint64_t row = llmc_model_config(tiny.model)->vocab_size * sizeof(float);
    CHECK(llmc_engine_quote(tiny.model, &o, &none, &diag) == LLMC_OK);
    o.draft_tokens = 8;
    CHECK(llmc_engine_quote(tiny.model, &o, &some, &diag) == LLMC_OK);
    CHECK(some.kv_cache == none.kv_cache);
    CHECK(some.scratch - none.scratch >= 8 * row && some.scratch - none.scratch < 8 * row + 4096);
    CHECK(some.sequences - none.sequences == 512 * sizeof(uint32_t)); /* four slots a token of context */
    o.context_length = 1 << 20;
    CHECK(llmc_engine_quote(tiny.model, &o, &some, &diag) == LLMC_OK);
    o.draft_tokens = 0;
    CHECK(llmc_engine_quote(tiny.model, &o, &none, &diag) == LLMC_OK);
    CHECK(some.sequences - none.sequences == (1u << 18) * sizeof(uint32_t));
}

static void wrong_use(void)
{
    llmc_engine_options o = engine_options(64, 1, 0);
    llmc_seq_options so;
    machine m;
    llmc_seq *s = NULL;
    size_t need = 0;
    memset(&so, 0, sizeof so);
    o.draft_tokens = 1025;
    CHECK(llmc_engine_need(tiny.model, &o, &need, &diag) == LLMC_BAD_ARG &&
          strstr(diag.message, "draft_tokens 1025") != NULL);
    o.draft_tokens = 0;
    if (!machine_start(&m, tiny.model, &o))
        return;
    so.draft = LLMC_DRAFT_ON;
    CHECK(llmc_seq_open(&s, m.engine, &so, &diag) == LLMC_BAD_ARG && s == NULL);
    CHECKF(strstr(diag.message, "draft_tokens") != NULL, "%s", diag.message);
    machine_end(&m);
    o.draft_tokens = 4;
    if (!machine_start(&m, tiny.model, &o))
        return;
    so.draft = (llmc_draft)3;
    CHECK(llmc_seq_open(&s, m.engine, &so, &diag) == LLMC_BAD_ARG && s == NULL);
    so.draft = LLMC_DRAFT_AUTO;
    so.draft_tokens = 1025;
    CHECK(llmc_seq_open(&s, m.engine, &so, &diag) == LLMC_BAD_ARG && s == NULL);
    so.draft_tokens = 1024; /* the engine's fewer count */
    CHECK(llmc_seq_open(&s, m.engine, &so, &diag) == LLMC_OK);
    machine_end(&m);
}

/* Who looks at hidden states, or stops at the first that is no number, sees the text and nothing else. */
static void tap(void *user, const char *point, uint32_t layer, const float *x, size_t n, size_t width)
{
    (void)x;
    (void)width;
    if (layer == 0 && strcmp(point, "embed") == 0)
        *(size_t *)user += n;
}

static void nobody_sees_a_draft(void)
{
    llmc_engine_options o = engine_options(256, 1, 0);
    llmc_seq_options so;
    llmc_piece piece;
    machine m;
    llmc_seq *s;
    size_t seen = 0, n_ids;
    int i;
    memset(&so, 0, sizeof so);
    so.ignore_end = true;
    so.draft = LLMC_DRAFT_ON;
    o.draft_tokens = 8;
    o.tap.fn = tap;
    o.tap.user = &seen;
    if (!machine_start(&m, tiny.model, &o) || !CHECK(llmc_seq_open(&s, m.engine, &so, &diag) == LLMC_OK) ||
        !CHECK(llmc_seq_add_text(s, "Once upon", 9, &diag) == LLMC_OK))
        return;
    for (i = 0; i < 100; i++)
        CHECK(llmc_seq_next(s, &piece, &diag) == LLMC_OK);
    llmc_seq_ids(s, &n_ids);
    CHECKF(seen == n_ids - 1, "%zu tokens seen of %zu", seen, n_ids);
    machine_end(&m);
}

int main(void)
{
    RUN(loads);
    if (test_failed > 0)
        return test_end("draft");
    RUN(drafts_change_nothing);
    RUN(nor_with_windows);
    RUN(nor_on_a_real_model);
    RUN(nor_do_they_together);
    RUN(repetition_takes_fewer_passes);
    RUN(automatic_gives_up);
    RUN(memory_only_where_asked);
    RUN(wrong_use);
    RUN(nobody_sees_a_draft);
    return test_end("draft");
}
