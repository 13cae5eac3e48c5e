/* test_engine.c -- sequences on a model: batches, limits, stops, streaming text.

   Runs tests/models/tiny-llama.gguf (made by tests/vectors/reference.py), whose greedy
   text after "Once upon" is in tiny-llama.greedy. Where the text matters and the model
   does not, a chooser dictates the tokens. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

/* ------------------------------------------------------------ the model, once */
static unsigned char *file_bytes;
static llmc_blob file_blob;
static void *model_mem;
static llmc_model *model;
static const llmc_tokenizer *tok;
static llmc_diag diag;
static char greedy_text[256], answer_text[256];

static bool read_text(const char *path, char *out, size_t cap)
{
    size_t n = 0;
    unsigned char *raw = test_read(path, &n);
    if (!CHECKF(raw != NULL && n < cap, "%s", path))
        return false;
    memcpy(out, raw, n);
    out[n] = 0;
    free(raw);
    return true;
}

static void loads(void)
{
    size_t need = 0;
    file_bytes = test_read("tests/models/tiny-llama.gguf", &file_blob.size);
    if (!CHECKF(file_bytes != NULL,
                "tests/models/tiny-llama.gguf is missing; run from the repository's root"))
        return;
    file_blob.data = file_bytes;
    file_blob.name = "tiny-llama.gguf";
    if (!CHECKF(llmc_model_need(&file_blob, 1, NULL, &need, &diag) == LLMC_OK, "%s", diag.message))
        return;
    model_mem = malloc(need);
    if (CHECKF(llmc_model_init(&model, &file_blob, 1, NULL, model_mem, need, &diag) == LLMC_OK, "%s",
               diag.message))
        tok = llmc_model_tokenizer(model);
    CHECK(tok != NULL);
    read_text("tests/models/tiny-llama.greedy", greedy_text, sizeof greedy_text);
    read_text("tests/models/tiny-llama.answer", answer_text, sizeof answer_text);
}

/* ------------------------------------------------------------ an engine on the heap */
static void *engine_mem;
static llmc_engine *engine;

static bool start(const llmc_engine_options *opt)
{
    size_t need = 0;
    free(engine_mem);
    engine_mem = NULL;
    if (llmc_engine_need(model, opt, &need, &diag) == LLMC_OK) {
        engine_mem = malloc(need);
        memset(engine_mem, 0x5a, need); /* nothing may rely on zeroed memory */
        if (llmc_engine_init(&engine, model, opt, engine_mem, need, &diag) == LLMC_OK)
            return true;
    }
    return CHECKF(false, "%s: %s", diag.tag, diag.message) != 0;
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

static llmc_seq *open_seq(const llmc_seq_options *opt)
{
    llmc_seq *s = NULL;
    CHECKF(llmc_seq_open(&s, engine, opt, &diag) == LLMC_OK, "%s", diag.message);
    return s;
}

static bool add(llmc_seq *s, const char *text)
{
    return CHECKF(llmc_seq_add_text(s, text, strlen(text), &diag) == LLMC_OK, "%s", diag.message) != 0;
}

static llmc_token token_of(const char *text)
{
    llmc_token id = llmc_token_find(tok, text, strlen(text));
    CHECKF(id >= 0, "the vocabulary has no %s", text);
    return id;
}

/* What a sequence said until it finished. */
typedef struct spoken {
    char text[1024];
    size_t len;
    llmc_token id[256];
    float logprob[256];
    int n, bad;
    llmc_finish finish;
    llmc_status status;
} spoken;

/* Whole UTF-8 characters only; written apart from the engine's own check. */
static bool is_utf8(const char *s, size_t n)
{
    const unsigned char *b = (const unsigned char *)s, *end = b + n;
    while (b < end) {
        int more = b[0] < 0x80 ? 0 : b[0] >= 0xf0 ? 3 : b[0] >= 0xe0 ? 2 : b[0] >= 0xc2 ? 1 : -1;
        if (more < 0 || end - b <= more)
            return false;
        for (b++; more > 0; more--, b++)
            if ((*b & 0xc0) != 0x80)
                return false;
    }
    return true;
}

static void take(spoken *out, const llmc_piece *p)
{
    out->bad += strlen(p->text) != p->text_len || !is_utf8(p->text, p->text_len);
    if (out->len + p->text_len < sizeof out->text && out->n < 256) {
        memcpy(out->text + out->len, p->text, p->text_len + 1);
        out->len += p->text_len;
        out->id[out->n] = p->token;
        out->logprob[out->n++] = p->logprob;
    } else
        out->bad++;
    out->finish = p->finish;
}

static void listen(llmc_seq *s, spoken *out)
{
    llmc_piece p;
    memset(out, 0, sizeof *out);
    while ((out->status = llmc_seq_next(s, &p, &diag)) == LLMC_OK && out->n < 255)
        take(out, &p);
    out->finish = p.finish;
    CHECKF(out->status == LLMC_DONE, "%s", diag.message);
    CHECK(out->bad == 0);
    CHECK(p.finish != LLMC_FINISH_NONE && p.finish == llmc_seq_finish(s));
    CHECK(p.text_len == 0 && p.token == LLMC_TOKEN_NONE);
}

static void same(const spoken *a, const spoken *b, const char *what)
{
    CHECKF(a->n == b->n && memcmp(a->id, b->id, (size_t)a->n * sizeof a->id[0]) == 0 &&
               strcmp(a->text, b->text) == 0,
           "%s: \"%s\" (%d tokens), alone \"%s\" (%d)", what, a->text, a->n, b->text, b->n);
}

/* ------------------------------------------------------------ memory */
/* Every size below the need is refused, and nothing outside is written. */
static void too_little_memory_for_the_model(void)
{
    size_t need = 0, n, i, step;
    unsigned char *mem;
    CHECK(llmc_model_need(&file_blob, 1, NULL, &need, &diag) == LLMC_OK);
    mem = (unsigned char *)malloc(need + 64);
    step = need / 500 + 1;
    for (n = 0; n < need; n += n < 200 || n + 200 >= need ? 1 : step) {
        llmc_model *m = NULL;
        memset(mem + n, 0xcd, 64);
        CHECKF(llmc_model_init(&m, &file_blob, 1, NULL, mem, n, &diag) == LLMC_NO_MEMORY, "%zu of %zu bytes",
               n, need);
        CHECK(m == NULL);
        for (i = 0; i < 64; i++)
            if (mem[n + i] != 0xcd)
                CHECKF(false, "with %zu bytes, byte %zu was written", n, n + i);
    }
    free(mem);
}

static void too_little_memory_for_the_engine(void)
{
    llmc_engine_options o = engine_options(32, 1, 2);
    size_t need = 0, n, i, step = test_every(17);
    unsigned char *mem;
    llmc_engine_memory quote;
    CHECK(llmc_engine_need(model, &o, &need, &diag) == LLMC_OK);
    CHECK(llmc_engine_quote(model, &o, &quote, &diag) == LLMC_OK);
    CHECK(quote.total == need && quote.kv_cache + quote.scratch + quote.sequences <= quote.total);
    mem = (unsigned char *)malloc(need + 64);
    for (n = (need - 1) % step; n < need; n += step) {
        llmc_engine *e = NULL;
        memset(mem + n, 0xcd, 64);
        CHECKF(llmc_engine_init(&e, model, &o, mem, n, &diag) == LLMC_NO_MEMORY, "%zu of %zu bytes", n, need);
        CHECK(e == NULL);
        for (i = 0; i < 64; i++)
            if (mem[n + i] != 0xcd)
                CHECKF(false, "with %zu bytes, byte %zu was written", n, n + i);
    }
    free(mem);
}

/* Exactly the need, at any address: init and a full context stay inside. */
static void enough_memory_at_any_address(void)
{
    llmc_engine_options o = engine_options(32, 2, 3);
    size_t need = 0, shift, i;
    unsigned char *mem;
    CHECK(llmc_engine_need(model, &o, &need, &diag) == LLMC_OK);
    mem = (unsigned char *)malloc(need + 64 + 64);
    for (shift = 0; shift < 64; shift += 7) {
        llmc_engine *e = NULL;
        llmc_seq *s = NULL;
        llmc_seq_options so;
        llmc_piece p;
        memset(&so, 0, sizeof so);
        so.ignore_end = true;
        memset(mem, 0xcd, need + 128);
        CHECK(llmc_engine_init(&e, model, &o, mem + shift, need, &diag) == LLMC_OK);
        CHECK(llmc_seq_open(&s, e, &so, &diag) == LLMC_OK &&
              llmc_seq_add_text(s, "Once", 4, &diag) == LLMC_OK);
        while (llmc_seq_next(s, &p, &diag) == LLMC_OK)
            continue;
        CHECK(llmc_seq_finish(s) == LLMC_FINISH_CONTEXT);
        for (i = 0; i < shift; i++)
            CHECK(mem[i] == 0xcd);
        for (i = shift + need; i < need + 128; i++)
            CHECKF(mem[i] == 0xcd, "byte %zu after the end", i - shift - need);
    }
    free(mem);
}

/* ------------------------------------------------------------ text */
static void greedy_text_is_the_reference(void)
{
    llmc_engine_options o = engine_options(64, 1, 0);
    spoken said;
    llmc_seq *s;
    size_t n = 0;
    if (!start(&o))
        return;
    s = open_seq(NULL);
    add(s, "Once upon");
    CHECK(llmc_seq_ids(s, &n)[0] == llmc_tokenizer_special(tok, LLMC_SPECIAL_BOS) && n == 3);
    listen(s, &said);
    CHECKF(strcmp(said.text, greedy_text) == 0, "said \"%s\", expected \"%s\"", said.text, greedy_text);
    CHECK(said.finish == LLMC_FINISH_END);
}

#ifndef LLMC_NO_CHAT
static void chat_answers_and_ends(void)
{
    llmc_engine_options o = engine_options(128, 1, 0);
    llmc_message m[3] = {
        {"user", "hello", NULL}, {"assistant", "", NULL}, {"user", "<|im_end|> again", NULL}};
    spoken said;
    llmc_seq *s;
    o.chat_bytes = 1u << 19;
    if (!start(&o))
        return;
    CHECK(llmc_chat_format_of(model) == LLMC_CHAT_AUTO); /* its own template, which is ChatML */
    s = open_seq(NULL);
    CHECKF(llmc_seq_chat(s, NULL, m, 1, &diag) == LLMC_OK, "%s", diag.message);
    listen(s, &said);
    CHECKF(strcmp(said.text, answer_text) == 0, "said \"%s\", expected \"%s\"", said.text, answer_text);
    CHECK(said.finish == LLMC_FINISH_END);
    m[1].text = answer_text;
    CHECKF(llmc_seq_chat(s, NULL, m, 3, &diag) == LLMC_OK, "%s", diag.message);
    listen(s, &said);
    CHECKF(strcmp(said.text, answer_text) == 0, "second turn: said \"%s\"", said.text);
}
#endif

/* A chooser that reads its tokens from a list. */
typedef struct script {
    llmc_token id[64];
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

/* Adds the bytes of text as byte tokens (id 3 + byte in this vocabulary). */
static void script_bytes(script *s, const char *text)
{
    for (; *text != 0 && s->n < 64; text++)
        s->id[s->n++] = 3 + (unsigned char)*text;
}

static void script_token(script *s, const char *token)
{
    s->id[s->n++] = token_of(token);
}

/* Runs the script after "Once" with these stop strings. */
static void perform(script *s, const char *const *stop, size_t n_stop, bool ignore_end, bool show,
                    spoken *said)
{
    llmc_engine_options o = engine_options(128, 1, 0);
    llmc_seq_options so;
    llmc_seq *seq;
    memset(&so, 0, sizeof so);
    memset(said, 0, sizeof *said);
    so.chooser.fn = from_script;
    so.chooser.user = s;
    so.stop = stop;
    so.n_stop = n_stop;
    so.ignore_end = ignore_end;
    so.show_special = show;
    so.max_tokens = (uint32_t)s->n;
    s->at = 0;
    if (!start(&o) || (seq = open_seq(&so)) == NULL)
        return;
    add(seq, "Once");
    listen(seq, said);
}

static void says(const char *bytes, const char *expect)
{
    script s;
    spoken said;
    memset(&s, 0, sizeof s);
    script_bytes(&s, bytes);
    perform(&s, NULL, 0, false, false, &said);
    CHECKF(strcmp(said.text, expect) == 0, "\"%s\" came out as \"%s\"", bytes, said.text);
    CHECK(said.n == s.n && said.finish == LLMC_FINISH_LENGTH);
}

/* Byte tokens one at a time: a character comes out when it is whole, U+FFFD for what is none. */
static void characters_are_never_cut(void)
{
    says("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z", "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z");
    says("\xff!", "\xef\xbf\xbd!");
    says("\xc3"
         "A",
         "\xef\xbf\xbd"
         "A");
    says("\xe2\x82"
         "A",
         "\xef\xbf\xbd"
         "A");
    says("\xf0\x9f\x98"
         "A",
         "\xef\xbf\xbd"
         "A");
    says("\xe2\x82\xc3\xa9", "\xef\xbf\xbd\xc3\xa9");
    says("ab\xf0\x9f", "ab\xef\xbf\xbd");                         /* ends in the middle */
    says("\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd");                 /* overlong */
    says("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* a surrogate */
}

static void stops(const char *first, const char *second, const char *third, const char *const *stop, size_t n,
                  const char *expect, llmc_finish finish)
{
    script s;
    spoken said;
    memset(&s, 0, sizeof s);
    script_bytes(&s, first);
    if (second[0] != 0)
        script_token(&s, second);
    script_bytes(&s, third);
    perform(&s, stop, n, false, false, &said);
    CHECKF(strcmp(said.text, expect) == 0, "said \"%s\", expected \"%s\"", said.text, expect);
    CHECKF(said.finish == finish, "\"%s\": finish %d, expected %d", expect, (int)said.finish, (int)finish);
}

/* Stop strings over several tokens, inside one token, false beginnings, the earliest of several. */
static void stop_strings_are_never_shown(void)
{
    static const char *const end[] = {"END"};
    static const char *const several[] = {"xyz", "\xe2\x82\xac!", "aab"};
    static const char *const hell[] = {"ell"};
    static const char *const across[] = {"x Hello"};
    stops("say END now", "", "", end, 1, "say ", LLMC_FINISH_STOP);
    stops("EEND", "", "", end, 1, "E", LLMC_FINISH_STOP);
    stops("ENENDX", "", "", end, 1, "EN", LLMC_FINISH_STOP);
    stops("EN", "", "", end, 1, "EN", LLMC_FINISH_LENGTH); /* a beginning is not the whole */
    stops("ENX EN", "", "", end, 1, "ENX EN", LLMC_FINISH_LENGTH);
    stops("aaab", "", "", several, 3, "a", LLMC_FINISH_STOP);
    stops("xy\xe2\x82\xac!", "", "", several, 3, "xy", LLMC_FINISH_STOP);
    stops("xyxyz", "", "", several, 3, "xy", LLMC_FINISH_STOP);
    stops("a", "Hello", "b", hell, 1, "aH", LLMC_FINISH_STOP);
    stops("x ", "Hello", "b", across, 1, "", LLMC_FINISH_STOP);
    stops("x ", "Hell", "u", across, 1, "x Hellu", LLMC_FINISH_LENGTH);
}

/* No piece ever holds text that a stop string later takes back. */
static void held_text_is_shown_late(void)
{
    static const char *const end[] = {"END"};
    llmc_engine_options o = engine_options(64, 1, 0);
    llmc_seq_options so;
    script s;
    llmc_piece p;
    llmc_seq *seq;
    memset(&s, 0, sizeof s);
    memset(&so, 0, sizeof so);
    script_bytes(&s, "aENx");
    so.chooser.fn = from_script;
    so.chooser.user = &s;
    so.stop = end;
    so.n_stop = 1;
    if (!start(&o) || (seq = open_seq(&so)) == NULL)
        return;
    add(seq, "Once");
    CHECK(llmc_seq_next(seq, &p, &diag) == LLMC_OK && strcmp(p.text, "a") == 0);
    CHECK(llmc_seq_next(seq, &p, &diag) == LLMC_OK && strcmp(p.text, "") == 0);
    CHECK(llmc_seq_next(seq, &p, &diag) == LLMC_OK && strcmp(p.text, "") == 0);
    CHECK(llmc_seq_next(seq, &p, &diag) == LLMC_OK && strcmp(p.text, "ENx") == 0);
}

static void end_tokens(void)
{
    script s;
    spoken said;
    memset(&s, 0, sizeof s);
    script_bytes(&s, "hi");
    script_token(&s, "<|im_end|>");
    script_bytes(&s, "!");
    perform(&s, NULL, 0, false, false, &said);
    CHECK(strcmp(said.text, "hi") == 0 && said.finish == LLMC_FINISH_END && said.n == 3);
    perform(&s, NULL, 0, true, false, &said);
    CHECKF(strcmp(said.text, "hi!") == 0 && said.finish == LLMC_FINISH_LENGTH, "ignore_end: \"%s\"",
           said.text);
    perform(&s, NULL, 0, true, true, &said);
    CHECKF(strcmp(said.text, "hi<|im_end|>!") == 0, "show_special: \"%s\"", said.text);
}

/* max_tokens counts from each add; a finished sequence goes on. */
static void max_tokens_counts_each_answer(void)
{
    llmc_engine_options o = engine_options(128, 1, 0);
    llmc_seq_options so;
    llmc_seq *s;
    spoken said, all;
    int i;
    memset(&so, 0, sizeof so);
    so.max_tokens = 3;
    so.ignore_end = true;
    if (!start(&o) || (s = open_seq(&so)) == NULL)
        return;
    for (i = 0; i < 3; i++) {
        add(s, i == 0 ? "Once" : "!");
        listen(s, &said);
        CHECK(said.n == 3 && said.finish == LLMC_FINISH_LENGTH);
    }
    /* The same tokens in one go say the same next. */
    {
        size_t n = 0;
        const llmc_token *ids = llmc_seq_ids(s, &n);
        llmc_token copy[128];
        memcpy(copy, ids, n * sizeof *ids);
        so.max_tokens = 1;
        if (!start(&o) || (s = open_seq(&so)) == NULL)
            return;
        CHECK(llmc_seq_add_ids(s, copy, n - 3, &diag) == LLMC_OK);
        listen(s, &all);
        CHECKF(all.id[0] == said.id[0], "%d, expected %d", all.id[0], said.id[0]);
    }
}

/* ------------------------------------------------------------ sampling, as the engine wires it */
static double reference_log(double x) /* ln by series; x > 0 */
{
    double sum = 0, y, term;
    int e = 0, k;
    while (x > 1.5) {
        x /= 2;
        e++;
    }
    while (x < 0.75) {
        x *= 2;
        e--;
    }
    y = (x - 1) / (x + 1);
    term = y;
    for (k = 1; k < 60; k += 2) {
        sum += 2 * term / k;
        term *= y * y;
    }
    return sum + e * 0.69314718055994530942;
}

static double reference_exp(double x)
{
    double sum = 1, term = 1;
    int halvings = 0, k;
    while (x < -0.5 || x > 0.5) {
        x /= 2;
        halvings++;
    }
    for (k = 1; k < 25; k++) {
        term *= x / k;
        sum += term;
    }
    while (halvings-- > 0)
        sum *= sum;
    return sum;
}

/* One token at a time through llmc_seq_forward and llmc_sample gives what llmc_seq_next gives. */
static void sampling_is_wired(void)
{
    static llmc_logit_bias bias[] = {{0, -3.0f}, {40, 2.0f}};
    llmc_sample_options sample[5];
    llmc_engine_options o = engine_options(64, 2, 0);
    size_t vocab = llmc_model_config(model)->vocab_size, work_bytes = llmc_sample_need(vocab);
    float *logits = (float *)malloc(vocab * sizeof(float));
    void *work = malloc(work_bytes);
    int k, i;
    memset(sample, 0, sizeof sample);
    sample[1].temperature = 1.5f;
    sample[1].seed = 7;
    sample[2].repeat_penalty = 1.8f;
    sample[2].frequency_penalty = 0.5f;
    sample[2].presence_penalty = 1.5f;
    sample[2].penalty_window = UINT32_MAX;
    sample[3].bias = bias;
    sample[3].n_bias = 2;
    sample[4].temperature = 2.0f;
    sample[4].top_k = 40;
    sample[4].top_p = 0.9f;
    sample[4].min_p = 0.01f;
    sample[4].typical_p = 0.95f;
    sample[4].seed = 123456789;
    bias[1].token = token_of("the");
    for (k = 0; k < 5 && start(&o); k++) {
        llmc_seq_options so;
        llmc_seq *s, *by_hand;
        llmc_rng rng = llmc_rng_seed(sample[k].seed);
        const llmc_token *ids;
        llmc_token next;
        spoken said;
        float logprob;
        size_t n = 0;
        memset(&so, 0, sizeof so);
        so.sample = &sample[k];
        so.max_tokens = 24;
        so.ignore_end = true;
        s = open_seq(&so);
        by_hand = open_seq(NULL);
        add(s, "Once upon a");
        ids = llmc_seq_ids(s, &n);
        CHECK(llmc_seq_forward(by_hand, ids, n, logits, 1, &diag) == LLMC_OK);
        listen(s, &said);
        CHECK(said.n == 24);
        for (i = 0; i < said.n; i++) {
            double top = logits[0], sum = 0, expect;
            size_t v;
            for (v = 0; v < vocab; v++)
                top = (double)logits[v] > top ? (double)logits[v] : top;
            for (v = 0; v < vocab; v++)
                sum += reference_exp((double)logits[v] - top);
            expect = (double)logits[said.id[i]] - top - reference_log(sum);
            ids = llmc_seq_ids(by_hand, &n);
            CHECK(llmc_sample(&sample[k], &rng, logits, vocab, ids, n, work, work_bytes, &next, &logprob,
                              &diag) == LLMC_OK);
            CHECKF(next == said.id[i], "options %d, token %d: %d, by hand %d", k, i, said.id[i], next);
            CHECKF((double)said.logprob[i] - expect < 1e-3 && expect - (double)said.logprob[i] < 1e-3,
                   "options %d, token %d: logprob %g, expected %g", k, i, (double)said.logprob[i], expect);
            if (next != said.id[i] || llmc_seq_forward(by_hand, &next, 1, logits, 1, &diag) != LLMC_OK)
                break;
        }
    }
    free(logits);
    free(work);
}

/* The chooser sees the model's logits, may change them, and may decline. */
static llmc_token forbid(void *user, llmc_seq *seq, float *logits, size_t n)
{
    llmc_token best = 0, *forbidden = (llmc_token *)user;
    size_t i;
    (void)seq;
    for (i = 0; i < n; i++)
        best = logits[i] > logits[best] ? (llmc_token)i : best;
    *forbidden = best;
    logits[best] = -1e30f;
    return LLMC_TOKEN_NONE;
}

static void chooser_changes_logits(void)
{
    llmc_engine_options o = engine_options(64, 1, 0);
    llmc_seq_options so;
    llmc_token forbidden = LLMC_TOKEN_NONE;
    llmc_piece p;
    llmc_seq *s;
    memset(&so, 0, sizeof so);
    so.chooser.fn = forbid;
    so.chooser.user = &forbidden;
    if (!start(&o) || (s = open_seq(&so)) == NULL)
        return;
    add(s, "Once upon");
    CHECK(llmc_seq_next(s, &p, &diag) == LLMC_OK);
    CHECKF(forbidden == token_of("\xe2\x96\x81"
                                 "a") &&
               p.token != forbidden,
           "the chooser saw %d best, chosen %d", forbidden, p.token);
    {
        script bad;
        memset(&bad, 0, sizeof bad);
        bad.id[0] = 1000000;
        bad.n = 1;
        so.chooser.fn = from_script;
        so.chooser.user = &bad;
        CHECK(llmc_seq_configure(s, &so, &diag) == LLMC_OK);
        CHECK(llmc_seq_next(s, &p, &diag) == LLMC_BAD_ARG);
    }
}

/* ------------------------------------------------------------ sequences that fail */
/* What a chooser may do wrong: an id outside the vocabulary, a NaN, everything forbidden. */
static llmc_token spoil(void *user, llmc_seq *seq, float *logits, size_t n)
{
    int how = *(int *)user;
    size_t i;
    (void)seq;
    if (how == 0)
        return (llmc_token)n;
    logits[0] = llmc__bits_f32(how == 1 ? 0x7fc00000u : 0xff800000u);
    for (i = 1; i < n && how == 2; i++)
        logits[i] = logits[0];
    return how == 3 ? -7 : LLMC_TOKEN_NONE;
}

/* Who cannot choose a token ends, with an empty piece; all others get theirs in the same step. */
static void a_failure_stops_nobody_else(void)
{
    static const llmc_status want[] = {LLMC_BAD_ARG, LLMC_NOT_FINITE, LLMC_NOT_FINITE, LLMC_BAD_ARG};
    static const char *const word[] = {"chooser", "", "", "-7"};
    llmc_engine_options o = engine_options(64, 4, 0);
    llmc_seq_options so;
    int first, how[2];
    memset(&so, 0, sizeof so);
    so.chooser.fn = spoil;
    for (first = 0; first < 4; first++) {
        llmc_seq *bad[2], *good[2];
        spoken said[2];
        llmc_piece p;
        llmc_status status;
        size_t n = 0;
        int i, steps;
        if (!start(&o))
            return;
        memset(said, 0, sizeof said);
        for (i = 0; i < 2; i++) { /* bad, good, bad, good: the slots' order */
            how[i] = (first + i) % 4;
            so.chooser.user = &how[i];
            bad[i] = open_seq(&so);
            good[i] = open_seq(NULL);
            add(bad[i], "Once");
            add(good[i], "Once upon");
        }
        status = llmc_engine_step(engine, &diag);
        CHECKF(status == want[first] && strstr(diag.message, word[first]) != NULL, "%d: status %d, %s", first,
               (int)status, diag.message);
        for (i = 0; i < 2; i++) {
            CHECK(llmc_seq_finish(bad[i]) == LLMC_FINISH_FAILED);
            CHECK(llmc_seq_poll(bad[i], &p) && p.finish == LLMC_FINISH_FAILED);
            CHECK(p.token == LLMC_TOKEN_NONE && p.text_len == 0 && p.text[0] == 0);
            CHECK(!llmc_seq_poll(bad[i], &p) && llmc_seq_next(bad[i], &p, &diag) == LLMC_DONE);
            CHECK(llmc_seq_ids(bad[i], &n) != NULL && n == 2); /* no token was added */
        }
        for (steps = 0; status != LLMC_DONE && steps < 100; steps++) {
            for (i = 0; i < 2; i++)
                if (llmc_seq_poll(good[i], &p))
                    take(&said[i], &p);
            status = llmc_engine_step(engine, &diag);
            CHECK(status == LLMC_OK || status == LLMC_DONE);
        }
        for (i = 0; i < 2; i++)
            CHECKF(strcmp(said[i].text, greedy_text) == 0 && said[i].finish == LLMC_FINISH_END,
                   "%d: the others say \"%s\"", first, said[i].text);
        CHECK(llmc_seq_configure(bad[0], NULL, &diag) == LLMC_OK); /* and it can be put right */
        CHECK(llmc_seq_truncate(bad[0], 2, &diag) == LLMC_OK);
        CHECK(llmc_seq_next(bad[0], &p, &diag) == LLMC_OK && p.token >= 0);
    }
}

static void user_comes_back(void)
{
    llmc_engine_options o = engine_options(32, 2, 0);
    llmc_seq_options so;
    llmc_seq *a, *b;
    memset(&so, 0, sizeof so);
    so.user = &o;
    if (!start(&o) || (a = open_seq(&so)) == NULL || (b = open_seq(NULL)) == NULL)
        return;
    CHECK(llmc_seq_user(a) == &o && llmc_seq_user(b) == NULL);
    so.user = &so;
    CHECK(llmc_seq_configure(a, &so, &diag) == LLMC_OK && llmc_seq_user(a) == &so);
    so.size = offsetof(llmc_seq_options, user); /* an older caller */
    CHECK(llmc_seq_configure(a, &so, &diag) == LLMC_OK && llmc_seq_user(a) == NULL);
}

/* Prompts are read in turn: one in an early slot that is always followed by the next does not keep a
   later one waiting. Each of its prompts fills a whole batch. */
static void prompts_take_turns(void)
{
    llmc_engine_options o = engine_options(64, 3, 4);
    llmc_token ids[6] = {10, 11, 12, 13, 14, 15};
    llmc_seq *s[3];
    llmc_piece p;
    int i, steps, served[3] = {0, 0, 0};
    if (!start(&o))
        return;
    for (i = 0; i < 3; i++) {
        s[i] = open_seq(NULL);
        CHECK(llmc_seq_add_ids(s[i], ids, i == 0 ? 4 : 6, &diag) == LLMC_OK);
    }
    for (steps = 0; steps < 30; steps++) {
        CHECK(llmc_engine_step(engine, &diag) == LLMC_OK);
        for (i = 0; i < 3; i++)
            if (llmc_seq_poll(s[i], &p)) {
                served[i]++;
                CHECK(llmc_seq_truncate(s[i], 0, &diag) == LLMC_OK);
                CHECK(llmc_seq_add_ids(s[i], ids, i == 0 ? 4 : 6, &diag) == LLMC_OK);
            }
    }
    CHECKF(served[0] >= 5 && served[1] >= 5 && served[2] >= 5, "served %d, %d and %d times in 30 steps",
           served[0], served[1], served[2]);
}

/* ------------------------------------------------------------ many sequences */
#define MANY 6
static const char *const prompt[MANY] = {
    "Once",
    "Once upon a time there was",
    "!",
    "hello",
    "Hello , I am made",
    "a rather long text that is read in several steps, <byte> after <byte>"};

static void seq_options(llmc_seq_options *so, llmc_sample_options *sample, int i)
{
    memset(so, 0, sizeof *so);
    memset(sample, 0, sizeof *sample);
    sample->temperature = i % 2 == 0 ? 0.0f : 1.3f;
    sample->seed = (uint64_t)i;
    so->sample = sample;
    so->max_tokens = (uint32_t)(10 + 7 * i);
    so->ignore_end = true;
}

static spoken alone[MANY], together[MANY];

static void speak_alone(void)
{
    llmc_engine_options o = engine_options(128, 1, 0);
    llmc_seq_options so;
    llmc_sample_options sample;
    int i;
    for (i = 0; i < MANY && start(&o); i++) {
        llmc_seq *s;
        seq_options(&so, &sample, i);
        s = open_seq(&so);
        add(s, prompt[i]);
        listen(s, &alone[i]);
    }
}

/* All of them in one engine by step and poll. */
static void speak_together(uint32_t batch, uint64_t capacity, int late)
{
    llmc_engine_options o = engine_options(128, MANY, batch);
    llmc_seq *s[MANY];
    llmc_status status = LLMC_OK;
    llmc_piece p;
    int i, rounds;
    o.kv_pool_tokens = capacity;
    memset(together, 0, sizeof together);
    memset(s, 0, sizeof s);
    if (!start(&o))
        return;
    for (rounds = 0; rounds < 500; rounds++) {
        for (i = 0; i < MANY; i++)
            if (rounds == (i < 3 ? 0 : late)) { /* half of them join later */
                llmc_seq_options so;
                llmc_sample_options sample;
                seq_options(&so, &sample, i);
                s[i] = open_seq(&so);
                add(s[i], prompt[i]);
            }
        status = llmc_engine_step(engine, &diag);
        if (status != LLMC_OK && status != LLMC_DONE)
            break;
        for (i = 0; i < MANY; i++)
            if (s[i] != NULL && llmc_seq_poll(s[i], &p)) {
                take(&together[i], &p);
                if (p.finish != LLMC_FINISH_NONE) {
                    llmc_seq_close(s[i]); /* its pages are for the others */
                    s[i] = NULL;
                }
            }
        if (status == LLMC_DONE && rounds > late)
            break;
    }
    CHECKF(status == LLMC_DONE, "batch %u, capacity %llu: %s", batch, (unsigned long long)capacity,
           diag.message);
    CHECK(engine->kv[0].n_free == engine->kv[0].n_pages);
}

static void a_batch_changes_nothing(void)
{
    static const uint32_t batch[] = {0, 1, 2, 5, 33};
    size_t k;
    int i;
    speak_alone();
    for (k = 0; k < sizeof batch / sizeof batch[0]; k++) {
        char what[64];
        speak_together(batch[k], 0, (int)k * 4);
        for (i = 0; i < MANY; i++) {
            snprintf(what, sizeof what, "sequence %d, batch %u", i, batch[k]);
            same(&together[i], &alone[i], what);
        }
    }
}

/* Too few pages for all: FULL names the option; when one closes, the others go on unharmed. */
static void pages_run_out(void)
{
    llmc_engine_options o = engine_options(128, 3, 0);
    llmc_seq_options so;
    llmc_sample_options sample;
    llmc_seq *s[3];
    spoken said[3];
    llmc_piece p;
    llmc_status status = LLMC_OK;
    int i, rounds;
    o.kv_pool_tokens = 128; /* four pages; sequence 5 alone takes four */
    memset(said, 0, sizeof said);
    if (!start(&o))
        return;
    for (i = 0; i < 3; i++) {
        seq_options(&so, &sample, i + 3);
        so.max_tokens = 60;
        s[i] = open_seq(&so);
        add(s[i], prompt[i + 3]);
    }
    for (rounds = 0; rounds < 500 && status == LLMC_OK; rounds++) {
        status = llmc_engine_step(engine, &diag);
        for (i = 0; i < 3; i++)
            if (llmc_seq_poll(s[i], &p))
                take(&said[i], &p);
    }
    CHECK(status == LLMC_FULL);
    CHECKF(strstr(diag.message, "kv_pool_tokens") != NULL, "%s", diag.message);
    CHECK(llmc_engine_step(engine, &diag) == LLMC_FULL); /* and stays so */
    llmc_seq_close(s[2]);
    llmc_seq_close(s[1]);
    while (llmc_seq_next(s[0], &p, &diag) == LLMC_OK)
        take(&said[0], &p);
    CHECK(said[0].n == 60);
    o = engine_options(128, 1, 0);
    if (start(&o)) {
        spoken ref;
        seq_options(&so, &sample, 3);
        so.max_tokens = 60;
        s[0] = open_seq(&so);
        add(s[0], prompt[3]);
        listen(s[0], &ref);
        same(&said[0], &ref, "after the cache was full");
    }
}

static void too_many_sequences(void)
{
    llmc_engine_options o = engine_options(32, 2, 0);
    llmc_seq *a, *b, *c = NULL;
    if (!start(&o))
        return;
    a = open_seq(NULL);
    b = open_seq(NULL);
    CHECK(llmc_seq_open(&c, engine, NULL, &diag) == LLMC_FULL && c == NULL);
    llmc_seq_close(a);
    CHECK(llmc_seq_open(&c, engine, NULL, &diag) == LLMC_OK && c != b);
    llmc_seq_close(NULL);
}

/* ------------------------------------------------------------ limits of one sequence */
static void context_fills(void)
{
    llmc_engine_options o = engine_options(20, 1, 0);
    llmc_seq_options so;
    llmc_seq *s;
    spoken said;
    size_t n = 0;
    memset(&so, 0, sizeof so);
    so.ignore_end = true;
    if (!start(&o) || (s = open_seq(&so)) == NULL)
        return;
    add(s, "Once");
    listen(s, &said);
    llmc_seq_ids(s, &n);
    CHECKF(said.finish == LLMC_FINISH_CONTEXT && n == 20 && said.n == 18, "finish %d, %zu ids, %d tokens",
           (int)said.finish, n, said.n);
    CHECK(llmc_seq_add_text(s, "a", 1, &diag) == LLMC_FULL);
    llmc_seq_ids(s, &n);
    CHECK(n == 20);
    CHECK(llmc_seq_truncate(s, 10, &diag) == LLMC_OK); /* and there is room again */
    add(s, "a");
}

/* A prompt of exactly the context's length leaves no room for an answer. */
static void prompt_fills_context(void)
{
    llmc_engine_options o = engine_options(32, 1, 0);
    llmc_token ids[33];
    llmc_seq *s;
    llmc_piece p;
    llmc_status status;
    size_t n = 0, i;
    uint32_t page;
    for (i = 0; i < 33; i++)
        ids[i] = (llmc_token)(i + 3);
    if (!start(&o) || (s = open_seq(NULL)) == NULL)
        return;
    CHECK(llmc_seq_add_ids(s, ids, 33, &diag) == LLMC_FULL);
    CHECK(llmc_seq_add_ids(s, ids, 32, &diag) == LLMC_OK);
    page = s->table[0].page[0]; /* lies after the ids */
    status = llmc_seq_next(s, &p, &diag);
    if (status == LLMC_OK)
        status = llmc_seq_next(s, &p, &diag);
    CHECK(status == LLMC_DONE && p.finish == LLMC_FINISH_CONTEXT);
    llmc_seq_ids(s, &n);
    CHECKF(n <= 32, "%zu ids in a context of 32", n);
    (void)page;
    CHECK(s->table[0].page[0] < engine->kv[0].n_pages);
}

/* Who polls hears that the prompt left no room, too. */
static void full_prompt_is_told_to_who_polls(void)
{
    llmc_engine_options o = engine_options(8, 1, 0);
    llmc_token ids[8] = {1, 5, 6, 7, 8, 9, 10, 11};
    llmc_piece p;
    llmc_seq *s;
    if (!start(&o) || (s = open_seq(NULL)) == NULL)
        return;
    CHECK(llmc_seq_add_ids(s, ids, 8, &diag) == LLMC_OK);
    CHECK(llmc_engine_step(engine, &diag) == LLMC_OK);
    if (CHECK(llmc_seq_poll(s, &p)))
        CHECK(p.finish == LLMC_FINISH_CONTEXT && p.token == LLMC_TOKEN_NONE && p.text_len == 0 &&
              p.text[0] == 0);
    CHECK(!llmc_seq_poll(s, &p) && llmc_engine_step(engine, &diag) == LLMC_DONE);
    CHECK(llmc_seq_finish(s) == LLMC_FINISH_CONTEXT);
}

/* Nothing added, be it by name: an error, not an answer that is over before it began. */
static void nothing_to_read(void)
{
    llmc_engine_options o = engine_options(32, 1, 0);
    llmc_piece p;
    llmc_seq *s;
    if (!start(&o) || (s = open_seq(NULL)) == NULL)
        return;
    CHECK(llmc_seq_add_ids(s, NULL, 0, &diag) == LLMC_OK);
    CHECK(llmc_seq_next(s, &p, &diag) == LLMC_BAD_ARG && strstr(diag.message, "nothing to read") != NULL);
    CHECK(llmc_engine_step(engine, &diag) == LLMC_DONE && !llmc_seq_poll(s, &p));
    add(s, "Once"); /* and it is as good as new */
    CHECK(llmc_seq_next(s, &p, &diag) == LLMC_OK);
}

typedef struct brake {
    int calls, stop_at;
} brake;

static bool on_progress(void *user, const char *what, uint64_t done, uint64_t total)
{
    brake *b = (brake *)user;
    return what != NULL && done <= total && b->calls++ != b->stop_at;
}

/* Cancelled while reading, a sequence can go on and says the same. */
static void cancel_and_go_on(void)
{
    llmc_engine_options o = engine_options(128, 1, 8);
    llmc_seq_options so;
    llmc_sample_options sample;
    llmc_piece p;
    llmc_seq *s;
    spoken said;
    brake b = {0, 2};
    o.progress.fn = on_progress;
    o.progress.user = &b;
    seq_options(&so, &sample, 5);
    if (!start(&o) || (s = open_seq(&so)) == NULL)
        return;
    add(s, prompt[5]);
    CHECK(llmc_seq_next(s, &p, &diag) == LLMC_CANCELLED);
    CHECK(p.finish == LLMC_FINISH_NONE && b.calls == 3);
    listen(s, &said);
    same(&said, &alone[5], "cancelled and gone on");
    CHECK(b.calls > 3);
}

/* Each step that reads a prompt reports, also if it reads only one token of it. */
static void progress_of_single_tokens(void)
{
    llmc_engine_options o = engine_options(32, 1, 1);
    llmc_token ids[5] = {1, 5, 6, 7, 8};
    llmc_piece p;
    llmc_seq *s;
    brake b = {0, -1};
    o.progress.fn = on_progress;
    o.progress.user = &b;
    if (!start(&o) || (s = open_seq(NULL)) == NULL)
        return;
    CHECK(llmc_seq_add_ids(s, ids, 5, &diag) == LLMC_OK && llmc_seq_next(s, &p, &diag) == LLMC_OK);
    CHECKF(b.calls == 5, "%d calls", b.calls);
    CHECK(llmc_seq_next(s, &p, &diag) == LLMC_OK && b.calls == 5); /* generating is no reading */
    CHECK(llmc_seq_truncate(s, 0, &diag) == LLMC_OK && llmc_seq_add_ids(s, ids, 1, &diag) == LLMC_OK);
    b.stop_at = b.calls;
    CHECK(llmc_seq_next(s, &p, &diag) == LLMC_CANCELLED);
}

/* Attention counts tokens times key heads in 32 bits. */
static void batch_fits_its_counter(void)
{
    static const uint32_t heads[] = {1, 4096, 4097, 32768, 65536};
    llmc_engine_options o = engine_options(1u << 20, 1, 1u << 20), out;
    llmc_model wide = *model;
    size_t i;
    for (i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        wide.config.n_head = wide.config.n_kv_head = heads[i];
        CHECK(llmc__engine_defaults(&out, &wide, &o, &diag) == LLMC_OK);
        CHECKF(out.batch_tokens > 0 && (uint64_t)out.batch_tokens * heads[i] <= UINT32_MAX, "%u of %u heads",
               (unsigned)out.batch_tokens, (unsigned)heads[i]);
        CHECK(heads[i] > 4096 ? out.batch_tokens == UINT32_MAX / heads[i]
                              : out.batch_tokens == (heads[i] == 1 ? 1u << 20 : UINT32_MAX / 4096));
    }
}

static void wrong_use(void)
{
    llmc_engine_options o = engine_options(32, 1, 0);
    llmc_seq_options so;
    llmc_sample_options sample;
    const char *empty[] = {""};
    llmc_piece p;
    llmc_seq *s, *t;
    llmc_token bad = -1;
    size_t n = 0, need;
    if (!start(&o) || (s = open_seq(NULL)) == NULL)
        return;
    CHECK(llmc_seq_next(s, &p, &diag) == LLMC_BAD_ARG); /* nothing to read */
    CHECK(!llmc_seq_poll(s, &p));
    CHECK(llmc_engine_step(engine, &diag) == LLMC_DONE);
    CHECK(llmc_seq_add_ids(s, &bad, 1, &diag) == LLMC_BAD_ARG);
    bad = (llmc_token)llmc_model_config(model)->vocab_size;
    CHECK(llmc_seq_add_ids(s, &bad, 1, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_seq_truncate(s, 1, &diag) == LLMC_BAD_ARG);
    llmc_seq_ids(s, &n);
    CHECK(n == 0);
    memset(&so, 0, sizeof so);
    memset(&sample, 0, sizeof sample);
    so.stop = empty;
    so.n_stop = 1;
    CHECK(llmc_seq_configure(s, &so, &diag) == LLMC_BAD_ARG);
    so.stop = NULL; /* a number of strings, and none */
    CHECK(llmc_seq_configure(s, &so, &diag) == LLMC_BAD_ARG && strstr(diag.message, "n_stop") != NULL);
    so.n_stop = 0;
    sample.temperature = -1;
    so.sample = &sample;
    CHECK(llmc_seq_configure(s, &so, &diag) == LLMC_BAD_ARG);
    llmc_seq_close(s);
    t = NULL;
    CHECK(llmc_seq_open(&t, engine, &so, &diag) == LLMC_BAD_ARG && t == NULL);
    CHECK(llmc_seq_open(&t, engine, NULL, &diag) == LLMC_OK); /* a failed open leaves no sequence behind */
    o.kv_type = LLMC_Q5_0;
    CHECK(llmc_engine_need(model, &o, &need, &diag) == LLMC_UNSUPPORTED &&
          strstr(diag.message, "kv_type Q5_0"));
    o.kv_type = LLMC_DTYPE_NONE;
    o.kv_type_v = LLMC_Q6_K;
    CHECK(llmc_engine_need(model, &o, &need, &diag) == LLMC_UNSUPPORTED &&
          strstr(diag.message, "kv_type_v Q6_K"));
    o.kv_type_v = LLMC_DTYPE_NONE;
    o.context_length = UINT32_MAX;
    CHECK(llmc_engine_need(model, &o, &need, &diag) != LLMC_OK);
    CHECK(llmc_engine_need(NULL, NULL, &need, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_engine_init(&engine, model, NULL, NULL, 0, &diag) == LLMC_BAD_ARG);
}

/* Text longer than the engine's work memory, and text whose tokens do not fit. */
static void text_too_long(void)
{
    llmc_engine_options o = engine_options(32, 1, 0);
    char text[400];
    llmc_seq *s;
    size_t n = 0;
    memset(text, 'z', sizeof text);
    if (!start(&o) || (s = open_seq(NULL)) == NULL)
        return;
    CHECK(llmc_seq_add_text(s, text, sizeof text, &diag) == LLMC_FULL);
    llmc_seq_ids(s, &n);
    CHECK(n == 0);
    add(s, "Once"); /* the sequence is as good as new */
    llmc_seq_ids(s, &n);
    CHECK(n == 2);
}

/* A word far longer than text_bytes is merged window by window: only the context is too short for it. */
static void long_word_needs_little_memory(void)
{
    llmc_engine_options o = engine_options(0, 1, 0);
    llmc_model *const llama = model;
    static char text[2000];
    llmc_blob file;
    size_t need = 0, n = 0;
    void *mem = NULL;
    llmc_seq *s;
    memset(text, 'a', sizeof text);
    file.data = test_read("tests/models/tiny-gpt2.gguf", &file.size);
    file.name = "tiny-gpt2.gguf";
    o.text_bytes = 64;
    CHECK(file.data != NULL && llmc_model_need(&file, 1, NULL, &need, &diag) == LLMC_OK);
    mem = malloc(need + 1);
    if (CHECK(llmc_model_init(&model, &file, 1, NULL, mem, need, &diag) == LLMC_OK) && start(&o) &&
        (s = open_seq(NULL)) != NULL) {
        CHECK(llmc_seq_add_text(s, text, sizeof text, &diag) == LLMC_FULL);
        llmc_seq_ids(s, &n);
        CHECK(n == 0);
    }
    model = llama;
    free(mem);
    free((void *)(uintptr_t)file.data);
}

/* ------------------------------------------------------------ tokens chosen side by side */
enum { CROWD = 160, CROWD_TOKENS = 6 }; /* so many that their logits are worth several tasks */

/* Pieces in the order that is least expected; user: the most of them that have chosen tokens. */
static void backwards(void *user, uint32_t n, llmc_task_fn fn, void *arg)
{
    uint32_t *most = (uint32_t *)user;
    if (fn == llmc__picks_task && n > *most)
        *most = n;
    while (n > 0)
        fn(arg, --n);
}

/* What one of the crowd asks for: every filter, penalties, greedy ones, choosers that choose or fail. */
static void crowd_options(int i, llmc_seq_options *o, llmc_sample_options *sample)
{
    static int nan = 1, bad = 3;
    memset(o, 0, sizeof *o);
    memset(sample, 0, sizeof *sample);
    sample->temperature = (float)(i % 4) * 0.7f;
    sample->top_p = i % 3 == 0 ? 0.9f : 0;
    sample->top_k = i % 5 == 0 ? 20 : 0;
    sample->min_p = i % 7 == 0 ? 0.02f : 0;
    sample->typical_p = i % 11 == 0 ? 0.8f : 0;
    sample->repeat_penalty = i % 2 == 0 ? 1.3f : 0;
    sample->seed = (uint64_t)i;
    o->sample = sample;
    o->max_tokens = CROWD_TOKENS;
    o->ignore_end = true;
    if (i % 50 == 7 || i % 50 == 30) {
        o->chooser.fn = spoil;
        o->chooser.user = i % 50 == 7 ? &nan : &bad;
    }
}

/* All that a crowd says, one sequence after the other, of a run with these tasks. */
static bool crowd_says(const llmc_tasks *tasks, spoken *said, char *message, size_t cap)
{
    llmc_engine_options o = engine_options(32, CROWD, 0);
    llmc_seq *s[CROWD];
    llmc_status status;
    int i;
    o.tasks = *tasks;
    o.text_bytes = 64;
    if (!start(&o))
        return false;
    memset(said, 0, CROWD * sizeof *said);
    message[0] = 0;
    for (i = 0; i < CROWD; i++) {
        llmc_seq_options so;
        llmc_sample_options sample;
        crowd_options(i, &so, &sample);
        if ((s[i] = open_seq(&so)) == NULL || !add(s[i], i % 2 == 0 ? "Once upon" : "The"))
            return false;
    }
    while ((status = llmc_engine_step(engine, &diag)) != LLMC_DONE) {
        llmc_piece p;
        if (status != LLMC_OK && message[0] == 0)
            snprintf(message, cap, "%d: %s", (int)status, diag.message);
        for (i = 0; i < CROWD; i++)
            if (llmc_seq_poll(s[i], &p))
                take(&said[i], &p);
    }
    return true;
}

/* The same tokens, probabilities, ends and first error, whoever does the work. */
static void threads_choose_the_same(void)
{
    spoken *one = (spoken *)malloc(CROWD * sizeof *one), *other = (spoken *)malloc(CROWD * sizeof *other);
    char message[2][512];
    llmc_tasks tasks;
    uint32_t most = 0;
    int how, i, j;
    memset(&tasks, 0, sizeof tasks);
    CHECK(crowd_says(&tasks, one, message[0], sizeof message[0]) && strstr(message[0], "NaN") != NULL);
    for (how = 2; how <= 4; how++) {
        llmc_pool *pool = NULL;
        if (how == 4) {
            tasks.run = backwards;
            tasks.user = &most;
            tasks.workers = 4;
        } else if (CHECKF(llmc_pool_open(&pool, (uint32_t)how, &diag) == LLMC_OK, "%s", diag.message)) {
            tasks = llmc_pool_tasks(pool);
        }
        CHECK(crowd_says(&tasks, other, message[1], sizeof message[1]));
        CHECKF(strcmp(message[0], message[1]) == 0, "'%s', with tasks '%s'", message[0], message[1]);
        for (i = 0; i < CROWD; i++) {
            same(&other[i], &one[i], "with tasks");
            CHECK(other[i].finish == one[i].finish);
            CHECK(other[i].n == (i % 50 == 7 || i % 50 == 30 ? 1 : CROWD_TOKENS));
            for (j = 0; j < other[i].n; j++)
                CHECK(memcmp(&other[i].logprob[j], &one[i].logprob[j], sizeof(float)) == 0);
        }
        llmc_pool_close(pool);
    }
    CHECKF(most > 1, "%u tasks chose tokens", (unsigned)most);
    free(one);
    free(other);
}

/* ------------------------------------------------------------ a profile */
/* How deep the parts stand, and how often each kind came. */
typedef struct heard {
    int depth, deepest, passes, products, heads, norms, attentions, samples;
    const char *open[8];
} heard;

static void hear(void *user, const char *tag, const char *what)
{
    heard *h = (heard *)user;
    if (tag == NULL) {
        CHECK(what == NULL && h->depth > 0);
        h->depth--;
        return;
    }
    CHECK(what != NULL);
    if (h->depth < 8)
        h->open[h->depth] = tag;
    h->deepest = ++h->depth > h->deepest ? h->depth : h->deepest;
    h->passes += strcmp(tag, "FORWARD.pass") == 0;
    h->heads += strcmp(what, "head") == 0;
    h->norms += strcmp(tag, "LAYER.norm") == 0;
    h->attentions += strcmp(tag, "LAYER.attn") == 0;
    h->samples += strcmp(tag, "SAMPLE") == 0;
    if (strcmp(what, "q, k, v") == 0)
        CHECK(h->depth > 1 && strcmp(h->open[h->depth - 2], "LAYER.attn") == 0);
    h->products += strcmp(what, "q, k, v") == 0 || strcmp(what, "attention out") == 0 ||
                   strcmp(what, "gate, up") == 0 || strcmp(what, "down") == 0;
}

/* Parts are closed as often as opened, all of a pass are there, and the text does not change. */
static void a_profile_hears_every_part(void)
{
    llmc_engine_options o = engine_options(64, 1, 32);
    const int layers = (int)llmc_model_config(model)->n_layer;
    llmc_piece piece;
    heard h;
    llmc_seq *s;
    size_t n = 0;
    int tokens = 0;
    memset(&h, 0, sizeof h);
    o.profile.fn = hear;
    o.profile.user = &h;
    if (!start(&o) || (s = open_seq(NULL)) == NULL || !add(s, "Once upon"))
        return;
    while (tokens < 8 && llmc_seq_next(s, &piece, &diag) == LLMC_OK) {
        CHECK(strncmp(greedy_text + n, piece.text, piece.text_len) == 0);
        n += piece.text_len;
        tokens++;
        CHECK(h.depth == 0);
    }
    CHECK(tokens == 8 && h.passes == 8 && h.samples == 8 && h.heads == 8);
    CHECKF(h.attentions == 8 * layers && h.products == 4 * 8 * layers && h.norms == 8 * (2 * layers + 1),
           "%d attentions, %d products, %d norms in 8 passes", h.attentions, h.products, h.norms);
    CHECK(h.deepest >= 3 && h.deepest <= 8);
}

int main(void)
{
    RUN(loads);
    if (tok == NULL)
        return test_end("test_engine");
    RUN(too_little_memory_for_the_model);
    RUN(too_little_memory_for_the_engine);
    RUN(enough_memory_at_any_address);
    RUN(greedy_text_is_the_reference);
#ifndef LLMC_NO_CHAT
    RUN(chat_answers_and_ends);
#endif
    RUN(characters_are_never_cut);
    RUN(stop_strings_are_never_shown);
    RUN(held_text_is_shown_late);
    RUN(end_tokens);
    RUN(max_tokens_counts_each_answer);
    RUN(sampling_is_wired);
    RUN(chooser_changes_logits);
    RUN(a_failure_stops_nobody_else);
    RUN(user_comes_back);
    RUN(prompts_take_turns);
    RUN(a_batch_changes_nothing);
    RUN(pages_run_out);
    RUN(too_many_sequences);
    RUN(context_fills);
    RUN(prompt_fills_context);
    RUN(full_prompt_is_told_to_who_polls);
    RUN(nothing_to_read);
    RUN(cancel_and_go_on);
    RUN(progress_of_single_tokens);
    RUN(batch_fits_its_counter);
    RUN(wrong_use);
    RUN(text_too_long);
    RUN(long_word_needs_little_memory);
    RUN(a_profile_hears_every_part);
    RUN(threads_choose_the_same);
    free(engine_mem);
    free(model_mem);
    free(file_bytes);
    return test_end("test_engine");
}
