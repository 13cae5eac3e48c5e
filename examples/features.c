// cc -O2 examples/features.c -o features && ./features [MODEL]
//
// features.c - a tour of llmc.h: what it can do, each thing in one short function that can be copied. Read it
// beside the INTERFACE of llmc.h. Without a model it runs on examples/tiny.gguf. Results go to stdout.
#define LLMC_STATIC // the only file: what it does not use is not compiled
#define LLMC_IMPLEMENTATION
#include "../llmc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static llmc_host lm; // the model, an engine for up to eight sequences, threads: see main
static llmc_diag diag;

/* Every function that can fail says in diag what went wrong: one line. */
static void check(llmc_status status)
{
    if (status == LLMC_OK || status == LLMC_DONE)
        return;
    fflush(stdout);
    fprintf(stderr, "features: %s\n", diag.message);
    exit(1);
}

/* llmc.h takes memory from its caller, here malloc's. */
static void *room(size_t bytes)
{
    void *p = malloc(bytes > 0 ? bytes : 1);
    if (p == NULL) {
        fprintf(stderr, "features: out of memory\n");
        exit(1);
    }
    return p;
}

static void heading(const char *text)
{
    printf("\n== %s\n", text);
}

/* A sequence in the engine: tokens, their cache, the state of its sampling. */
static llmc_seq *open_seq(const llmc_seq_options *options)
{
    llmc_seq *seq;
    check(llmc_seq_open(&seq, lm.engine, options, &diag));
    return seq;
}

/* Prints what the model says next, piece by piece as it comes. */
static void print_answer(llmc_seq *seq)
{
    llmc_piece piece;
    llmc_status status;
    while ((status = llmc_seq_next(seq, &piece, &diag)) == LLMC_OK)
        printf("%s", piece.text);
    check(status);
    printf("\n");
}

/* ids [*n] of a text; the caller frees them. */
static llmc_token *encode(const char *text, size_t *n)
{
    const llmc_tokenizer *tok = llmc_model_tokenizer(lm.model);
    size_t len = strlen(text), bytes = llmc_encode_need(tok, len), cap = len + 8;
    llmc_token *ids = (llmc_token *)room(cap * sizeof *ids);
    llmc_encode_options options;
    void *work = room(bytes);
    memset(&options, 0, sizeof options);
    options.add_bos = llmc_tokenizer_adds_bos(tok);
    check(llmc_encode(tok, text, len, &options, work, bytes, ids, cap, n, &diag));
    free(work);
    return ids;
}

/* ---- the model, and what it will take -------------------------------------------- */

static void show_memory(void)
{
    const llmc_config *c = llmc_model_config(lm.model);
    llmc_engine_options options;
    llmc_engine_memory m;
    uint32_t context;
    heading("Memory, known before any is taken");
    printf("%s: %u layers, width %u, vocabulary %u, %.2f MB of weights, used where they are mapped\n",
           c->family, (unsigned)c->n_layer, (unsigned)c->n_embd, (unsigned)c->vocab_size,
           (double)llmc_model_weight_bytes(lm.model) / 1e6);
    memset(&options, 0, sizeof options);
    for (context = 128; context <= 512; context *= 2) {
        options.context_length = context;
        check(llmc_engine_quote(lm.model, &options, &m, &diag));
        printf("context %4u: %.2f MB, of which the cache %.2f\n", (unsigned)context, (double)m.total / 1e6,
               (double)m.kv_cache / 1e6);
    }
}

/* ---- text and tokens ------------------------------------------------------------- */

static void show_tokens(void)
{
    const llmc_tokenizer *tok = llmc_model_tokenizer(lm.model);
    llmc_token_info info;
    char text[128];
    size_t n, len, i;
    llmc_token *ids = encode("Hello! What is 12 + 30?", &n);
    heading("Tokens");
    for (i = 0; i < n; i++) {
        check(llmc_token_get(tok, ids[i], &info));
        printf("%s%d '%.*s'", i > 0 ? ", " : "", (int)ids[i], (int)info.text_len, info.text);
    }
    check(llmc_decode(tok, ids, n, NULL, text, sizeof text, &len, &diag));
    printf("\nand back: %.*s\n", (int)len, text);
    free(ids);
}

/* ---- generating ------------------------------------------------------------------ */

static void show_sampling(void)
{
    llmc_sample_options sample;
    llmc_seq_options options;
    llmc_seq *seq;
    int i;
    heading("Greedy, and sampled");
    memset(&options, 0, sizeof options);
    memset(&sample, 0, sizeof sample);
    options.max_tokens = 24;
    options.sample = &sample; // all zero: greedy
    for (i = 0; i < 3; i++) {
        seq = open_seq(&options);
        check(llmc_seq_add_text(seq, "Rudi lives in", 13, &diag));
        printf("temperature %.1f: Rudi lives in", (double)sample.temperature);
        print_answer(seq);
        llmc_seq_close(seq);
        sample.temperature = 0.8f;
        sample.top_p = 0.95f;
        sample.seed = (uint64_t)i;
    }
}

static void show_chat(void)
{
    llmc_message messages[3] = {
        {"user", "Hello!", NULL}, {"assistant", NULL, NULL}, {"user", "Who are you?", NULL}};
    llmc_seq_options options;
    llmc_decode_options shown;
    const llmc_token *ids;
    char text[1024], answer[512] = "";
    size_t n, len;
    llmc_piece piece;
    llmc_seq *seq;
    heading("A conversation, by the model's own template");
    memset(&options, 0, sizeof options);
    memset(&shown, 0, sizeof shown);
    options.max_tokens = 40;
    seq = open_seq(&options);
    check(llmc_seq_chat(seq, NULL, messages, 1, &diag));
    while (llmc_seq_next(seq, &piece, &diag) == LLMC_OK)
        if (strlen(answer) + piece.text_len < sizeof answer)
            strcat(answer, piece.text);
    messages[1].text = answer;
    check(llmc_seq_chat(seq, NULL, messages, 3, &diag)); // only what is new is computed
    ids = llmc_seq_ids(seq, &n);
    shown.show_special = true; // as the model sees it
    check(llmc_decode(llmc_model_tokenizer(lm.model), ids, n, &shown, text, sizeof text, &len, &diag));
    printf("%.*s", (int)len, text);
    print_answer(seq);
    llmc_seq_close(seq);
}

/* ---- bound to a schema ------------------------------------------------------------- */

static void show_schema(void)
{
    static const char schema[] =
        "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":12},"
        "\"age\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":99}},\"required\":[\"name\",\"age\"]}";
    llmc_blob file = {schema, sizeof schema - 1, "schema"};
    llmc_message message = {"user", "Tell me about a person.", NULL};
    size_t bytes = llmc_schema_need(NULL), cap = 1 << 16, len;
    char *rules = (char *)room(cap);
    void *work = room(bytes), *grammar_mem, *state_mem;
    llmc_seq_options options;
    llmc_grammar *grammar;
    llmc_seq *seq;
    heading("JSON that a schema allows, whatever the model thinks");
    memset(&options, 0, sizeof options);
    check(llmc_schema_gbnf(&file, NULL, rules, cap, &len, work, bytes, &diag));
    free(work);
    check(llmc_grammar_need(llmc_model_tokenizer(lm.model), rules, len, NULL, &bytes, &diag));
    grammar_mem = room(bytes);
    check(llmc_grammar_init(&grammar, llmc_model_tokenizer(lm.model), rules, len, NULL, grammar_mem, bytes,
                            &diag));
    check(llmc_grammar_state_need(grammar, NULL, &bytes, &diag));
    state_mem = room(bytes);
    check(llmc_grammar_state_init(&options.grammar, grammar, NULL, state_mem, bytes, &diag));
    seq = open_seq(&options);
    check(llmc_seq_chat(seq, NULL, &message, 1, &diag));
    print_answer(seq);
    llmc_seq_close(seq);
    free(state_mem);
    free(grammar_mem);
    free(rules);
}

/* ---- tools ----------------------------------------------------------------------- */

/* The arguments of the first tool call in what the model says, in call; anything else is printed. False: it
   called none. */
static bool read_call(llmc_seq *seq, char *call, size_t cap)
{
    llmc_reply_options options;
    llmc_reply_event event;
    llmc_reply *reply;
    llmc_piece piece;
    void *mem = room(llmc_reply_need());
    bool called = false, more = true;
    memset(&options, 0, sizeof options);
    options.model = lm.model;
    call[0] = 0;
    check(llmc_reply_init(&reply, &options, mem, llmc_reply_need(), &diag));
    while (more) {
        more = llmc_seq_next(seq, &piece, &diag) == LLMC_OK;
        if (more)
            check(llmc_reply_feed(reply, piece.text, piece.text_len, &diag));
        else
            llmc_reply_finish(reply);
        while (llmc_reply_next(reply, &event))
            if (event.kind == LLMC_REPLY_CALL_ARGUMENTS && strlen(call) + event.len < cap)
                strncat(call, event.text, event.len);
            else if (event.kind == LLMC_REPLY_CALL_END)
                called = printf("calls %s(%s)\n", event.name, call) > 0;
            else if (event.kind == LLMC_REPLY_TEXT)
                printf("%.*s", (int)event.len, event.text);
    }
    free(mem);
    return called;
}

static void show_tools(void)
{
    static const char tools[] = "[{\"type\":\"function\",\"function\":{\"name\":\"calculator\","
                                "\"description\":\"compute\",\"parameters\":{\"type\":\"object\","
                                "\"properties\":{\"expression\":{\"type\":\"string\"}}}}}]";
    llmc_message messages[3] = {{"user", "Use the calculator for 214 * 3.", NULL},
                                {"assistant", NULL, NULL},
                                {"tool", "642", NULL}}; // a real program would work it out
    char call[256], more[512];
    llmc_chat_options chat;
    llmc_seq_options options;
    llmc_seq *seq;
    heading("Tools: a call, its result, the answer");
    memset(&chat, 0, sizeof chat);
    memset(&options, 0, sizeof options);
    chat.tools = tools;
    options.max_tokens = 64;
    options.show_special = llmc_reply_wants_special(llmc_reply_format_of(lm.model));
    seq = open_seq(&options);
    check(llmc_seq_chat(seq, &chat, messages, 1, &diag));
    if (read_call(seq, call, sizeof call)) {
        snprintf(more, sizeof more,
                 "{\"tool_calls\":[{\"type\":\"function\",\"function\":{\"name\":\"calculator\","
                 "\"arguments\":%s}}]}",
                 call);
        messages[1].more = more;
        check(llmc_seq_chat(seq, &chat, messages, 3, &diag));
        print_answer(seq);
    } else {
        printf("\n(this model called nothing)\n");
    }
    llmc_seq_close(seq);
}

/* ---- probabilities --------------------------------------------------------------- */

static void show_perplexity(void)
{
    uint32_t vocab = llmc_model_config(lm.model)->vocab_size;
    llmc_token_info info;
    size_t n, i;
    llmc_token *ids = encode("The dog ran into the garden.", &n);
    float *logits = (float *)room(n * vocab * sizeof *logits);
    llmc_seq *seq = open_seq(NULL);
    double sum = 0;
    heading("How likely a text is");
    check(llmc_seq_forward(seq, ids, n, logits, n, &diag)); // row i: what comes after token i
    for (i = 0; i + 1 < n; i++) {
        float logprob = llmc_logprob(logits + i * vocab, vocab, ids[i + 1]);
        check(llmc_token_get(llmc_model_tokenizer(lm.model), ids[i + 1], &info));
        printf("%s'%.*s' %.2f", i > 0 ? ", " : "", (int)info.text_len, info.text, (double)logprob);
        sum += (double)logprob;
    }
    printf("\nperplexity %.2f\n", llmc__exp(-sum / (double)(n - 1)));
    llmc_seq_close(seq);
    free(logits);
    free(ids);
}

/* ---- embeddings and search ------------------------------------------------------- */

static const char *const sentences[] = {"The cat sleeps on the mat.", "A kitten lies on a rug.",
                                        "The market is on Monday.", "Seven plus two is nine."};
enum { N_SENTENCES = 4 };

/* One vector of length 1 for a text, out [n_embd]. */
static void embed(const char *text, float *out)
{
    size_t n;
    llmc_token *ids = encode(text, &n);
    llmc_seq *seq = open_seq(NULL);
    check(llmc_seq_embed(seq, ids, n, LLMC_POOL_MEAN, out, &diag));
    llmc_seq_close(seq);
    free(ids);
}

static void show_search(void)
{
    uint32_t dim = llmc_model_config(lm.model)->n_embd, i, k, found;
    float *vectors = (float *)room((N_SENTENCES + 1) * dim * sizeof *vectors),
          *query = vectors + N_SENTENCES * dim;
    llmc_index_options options;
    llmc_search_options search;
    llmc_index_text texts[N_SENTENCES];
    llmc_words *words;
    llmc_index *index;
    llmc_hit hits[2];
    llmc_record record;
    size_t bytes;
    void *mem, *words_mem;
    heading("Embeddings: cosines, a vector index, and words");
    for (i = 0; i < N_SENTENCES; i++) {
        embed(sentences[i], vectors + i * dim);
        texts[i].data = sentences[i];
        texts[i].len = strlen(sentences[i]);
    }
    for (i = 1; i < N_SENTENCES; i++) {
        float cosine = 0;
        for (k = 0; k < dim; k++)
            cosine += vectors[k] * vectors[i * dim + k];
        printf("%.3f  %s ~ %s\n", (double)cosine, sentences[0], sentences[i]);
    }
    memset(&options, 0, sizeof options);
    memset(&search, 0, sizeof search);
    options.dim = dim;
    search.k = 2;
    check(llmc_index_need(NULL, &options, &bytes, &diag));
    mem = room(bytes);
    check(llmc_index_init(&index, NULL, &options, mem, bytes, &diag));
    check(llmc_index_add(index, vectors, texts, N_SENTENCES, NULL, &diag));
    embed("When is market day?", query);
    check(llmc_index_search(index, query, 1, &search, hits, &found, &diag));
    for (i = 0; i < found && llmc_index_get(index, hits[i].id, &record); i++)
        printf("by meaning %.3f: %.*s\n", (double)hits[i].score, (int)record.text_len, record.text);
    check(llmc_words_need(NULL, &bytes, &diag)); // BM25; llmc_hits_fuse joins both rankings
    words_mem = room(bytes);
    check(llmc_words_init(&words, NULL, words_mem, bytes, &diag));
    for (i = 0; i < N_SENTENCES; i++)
        check(llmc_words_add(words, i, sentences[i], strlen(sentences[i]), &diag));
    check(llmc_words_search(words, "market day", 10, &search, hits, &found, &diag));
    for (i = 0; i < found; i++)
        printf("by words   %.3f: %s\n", (double)hits[i].score, sentences[hits[i].id]);
    free(words_mem);
    free(mem);
    free(vectors);
}

/* ---- several continuations -------------------------------------------------------- */

static void show_forks(void)
{
    static const char prompt[] = "The little dog";
    llmc_sample_options sample;
    llmc_seq_options options;
    llmc_seq *trunk, *branch[3];
    llmc_piece piece;
    size_t n, left = 3, i;
    heading("Forks: a beginning that is computed once, three ways to go on, in one batch");
    memset(&sample, 0, sizeof sample);
    memset(&options, 0, sizeof options);
    options.sample = &sample;
    options.max_tokens = 12;
    sample.temperature = 0.9f;
    trunk = open_seq(NULL);
    check(llmc_seq_add_text(trunk, prompt, sizeof prompt - 1, &diag));
    check(llmc_seq_next(trunk, &piece, &diag)); // reads it, and one token that the forks leave out
    (void)llmc_seq_ids(trunk, &n);
    for (i = 0; i < 3; i++) {
        sample.seed = i;
        check(llmc_seq_fork(&branch[i], trunk, n - 1, &options, &diag));
    }
    llmc_seq_close(trunk);
    while (left > 0) {
        check(llmc_engine_step(lm.engine, &diag));
        for (i = 0; i < 3; i++)
            left -= llmc_seq_poll(branch[i], &piece) && piece.finish != LLMC_FINISH_NONE;
    }
    for (i = 0; i < 3; i++) {
        char text[512];
        size_t len;
        const llmc_token *ids = llmc_seq_ids(branch[i], &n);
        check(llmc_decode(llmc_model_tokenizer(lm.model), ids, n, NULL, text, sizeof text, &len, &diag));
        printf("%.*s\n", (int)len, text);
        llmc_seq_close(branch[i]);
    }
}

static void show_beams(void)
{
    llmc_beam_options options;
    const llmc_beam *best;
    size_t bytes, n, i, len;
    char text[512];
    void *work;
    llmc_seq *seq = open_seq(NULL);
    heading("Beams: the likeliest continuations");
    memset(&options, 0, sizeof options);
    options.width = 4;
    options.n_best = 2;
    options.max_tokens = 12;
    options.length_penalty = 1;
    check(llmc_seq_add_text(seq, "Once upon a time", 16, &diag));
    check(llmc_beam_need(seq, &options, &bytes, &diag));
    work = room(bytes);
    check(llmc_beam_search(seq, &options, work, bytes, &best, &n, &diag));
    for (i = 0; i < n; i++) {
        check(llmc_decode(llmc_model_tokenizer(lm.model), best[i].ids, best[i].n, NULL, text, sizeof text,
                          &len, &diag));
        printf("%.2f a token: ...%.*s\n", best[i].score, (int)len, text);
    }
    free(work);
    llmc_seq_close(seq);
}

/* ---- sessions -------------------------------------------------------------------- */

typedef struct buffer {
    unsigned char *data;
    size_t n, cap;
} buffer;

/* llmc_writer's function. */
static bool put(void *user, const void *data, size_t n)
{
    buffer *b = (buffer *)user;
    if (n > b->cap - b->n)
        return false;
    memcpy(b->data + b->n, data, n);
    b->n += n;
    return true;
}

static void show_session(void)
{
    llmc_seq_options options;
    llmc_writer writer;
    llmc_piece piece;
    llmc_seq *seq, *again;
    buffer b;
    heading("A session: half an answer, saved with its cache, restored, gone on with");
    memset(&options, 0, sizeof options);
    memset(&b, 0, sizeof b);
    options.max_tokens = 16;
    seq = open_seq(&options);
    again = open_seq(&options);
    check(llmc_seq_add_text(seq, "One day the horn was", 20, &diag));
    printf("One day the horn was");
    while (b.n++ < 8 && llmc_seq_next(seq, &piece, &diag) == LLMC_OK)
        printf("%s", piece.text);
    b.n = 0;
    check(llmc_seq_save_need(seq, NULL, &b.cap, &diag)); // or llmc_seq_save_file
    b.data = (unsigned char *)room(b.cap);
    writer.write = put;
    writer.user = &b;
    check(llmc_seq_save(seq, NULL, &writer, &diag));
    llmc_seq_close(seq);
    check(llmc_seq_restore(again, b.data, b.n, &diag));
    printf(" [%.1f kB] ", (double)b.n / 1e3);
    print_answer(again);
    llmc_seq_close(again);
    free(b.data);
}

/* ---- without end, and faster ------------------------------------------------------ */

static void show_window(void)
{
    llmc_engine_options options;
    llmc_seq_options o;
    llmc_engine_memory whole, windowed;
    llmc_engine *engine;
    llmc_seq *seq;
    llmc_piece piece;
    size_t n = 0;
    void *mem;
    heading("A window with sinks: memory stays the same however long the text gets");
    memset(&options, 0, sizeof options);
    memset(&o, 0, sizeof o);
    options.context_length = 512;
    check(llmc_engine_quote(lm.model, &options, &whole, &diag));
    options.kv_cache_capacity = 64; // tokens that are kept: the first 4, and the newest
    options.sink_tokens = 4;
    options.batch_tokens = 32;
    options.tasks = llmc_pool_tasks(lm.pool);
    check(llmc_engine_quote(lm.model, &options, &windowed, &diag));
    mem = room((size_t)windowed.total);
    check(llmc_engine_init(&engine, lm.model, &options, mem, (size_t)windowed.total, &diag));
    o.ignore_end = true;
    o.max_tokens = 200;
    check(llmc_seq_open(&seq, engine, &o, &diag));
    check(llmc_seq_add_text(seq, "Once upon a time", 16, &diag));
    while (llmc_seq_next(seq, &piece, &diag) == LLMC_OK)
        n++;
    printf("%u tokens in a cache of %.0f kB; all 512 would take %.0f kB\n", (unsigned)n,
           (double)windowed.kv_cache / 1e3, (double)whole.kv_cache / 1e3);
    free(mem);
}

static void show_drafts(void)
{
    static const char prompt[] =
        "one two three four one two three four one two three four one two three four one two";
    llmc_seq_options options;
    llmc_piece piece;
    llmc_token said[2][32];
    int how, steps, n;
    heading("Drafts: what the text says already is guessed ahead; the answer stays the same");
    memset(&options, 0, sizeof options);
    options.max_tokens = 32;
    options.ignore_end = true;
    for (how = 0; how < 2; how++) {
        llmc_seq *seq;
        options.draft = how == 0 ? LLMC_DRAFT_OFF : LLMC_DRAFT_ON;
        seq = open_seq(&options);
        check(llmc_seq_add_text(seq, prompt, sizeof prompt - 1, &diag));
        for (steps = n = 0; n < 32; steps++) {
            check(llmc_engine_step(lm.engine, &diag));
            while (n < 32 && llmc_seq_poll(seq, &piece))
                said[how][n++] = piece.token;
        }
        printf("%s: %d tokens in %d steps\n", how == 0 ? "without" : "with drafts", n, steps);
        llmc_seq_close(seq);
    }
    printf("%s\n", memcmp(said[0], said[1], sizeof said[0]) == 0 ? "the same tokens" : "DIFFERENT tokens");
}

/* ---- learning -------------------------------------------------------------------- */

static void show_lora(void)
{
    static const char lesson[] = "The password of the day is strawberry.";
    enum { STEPS = 30 };
    llmc_optim_options optim;
    llmc_lora_options lora;
    llmc_trainer_options options;
    llmc_train_report report;
    llmc_seq_options o;
    llmc_trainer *trainer;
    llmc_seq *seq;
    size_t n, bytes, i;
    llmc_token *ids = encode(lesson, &n);
    uint32_t *in = (uint32_t *)room(2 * n * sizeof *in), *target = in + n;
    void *mem;
    heading("LoRA: an adapter learns a sentence while the model stays as it is, quantised or not");
    memset(&optim, 0, sizeof optim);
    memset(&lora, 0, sizeof lora);
    memset(&options, 0, sizeof options);
    memset(&o, 0, sizeof o);
    optim.schedule.kind = LLMC_SCHEDULE_CONSTANT;
    optim.schedule.rate = 1e-2f;
    optim.grad_clip = 1;
    lora.rank = 8;
    options.tokens = (uint32_t)n;
    options.optim = &optim;
    options.lora = &lora;
    options.tasks = llmc_pool_tasks(lm.pool);
    for (i = 0; i < n; i++) { // each token's target is the next one; the last has none
        in[i] = (uint32_t)ids[i];
        target[i] = i + 1 < n ? (uint32_t)ids[i + 1] : LLMC_NOT_SCORED;
    }
    check(llmc_trainer_need(NULL, lm.model, &options, &bytes, &diag));
    mem = room(bytes);
    check(llmc_trainer_init(&trainer, NULL, lm.model, &options, mem, bytes, &diag));
    for (i = 0; i < STEPS; i++) {
        check(llmc_trainer_pass(trainer, in, target, NULL, &diag));
        check(llmc_trainer_update(trainer, &report, &diag));
        if (i == 0 || i + 1 == STEPS)
            printf("update %2u: loss %.3f\n", (unsigned)i + 1, report.loss);
    }
    o.max_tokens = 10;
    for (i = 0; i < 2; i++) { // llmc_lora_save would write it, llmc_save_options.lora merge it
        o.lora = i == 0 ? NULL : llmc_trainer_lora(trainer);
        seq = open_seq(&o);
        check(llmc_seq_add_text(seq, "The password of the day is", 26, &diag));
        printf("%s: The password of the day is", i == 0 ? "without" : "with it");
        print_answer(seq);
        llmc_seq_close(seq);
    }
    free(mem);
    free(in);
    free(ids);
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "examples/tiny.gguf";
    llmc_open_options options;
    llmc_engine_options engine;
    memset(&options, 0, sizeof options);
    memset(&engine, 0, sizeof engine);
    engine.context_length = 512;
    engine.max_seqs = 8;
    engine.draft_tokens = 8;
    engine.lora_rank = 8;
    options.engine = &engine;
    check(llmc_open(&lm, path, &options, &diag));
    if (llmc_model_tokenizer(lm.model) == NULL) {
        fprintf(stderr, "features: %s: a model with a tokenizer is needed\n", path);
        return 1;
    }
    show_memory();
    show_tokens();
    show_sampling();
    show_chat();
    show_schema();
    show_tools();
    show_perplexity();
    show_search();
    show_forks();
    show_beams();
    show_session();
    show_window();
    show_drafts();
    show_lora();
    llmc_close(&lm);
    return 0;
}
