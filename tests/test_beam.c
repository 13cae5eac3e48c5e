/* test_beam.c -- beam search against all there is, and against plain code that recomputes everything.

   The model is a random Llama of 12 tokens (make_gguf.h); tests/models/tiny-llama.gguf where a vocabulary and
   ends matter. Log probabilities of the references come from llmc_seq_forward on a sequence that is read from
   its beginning for every prefix. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"
#include <math.h>

#include "make_gguf.h"

static llmc_diag diag;
static llmc_model *model; /* of the test that runs */
static void *model_mem;
static maker gguf;

static bool open_model(const void *data, size_t size)
{
    llmc_blob file;
    size_t need = 0;
    file.data = data;
    file.size = size;
    file.name = "model";
    free(model_mem);
    model_mem = NULL;
    if (!CHECKF(llmc_model_need(&file, 1, NULL, &need, &diag) == LLMC_OK, "%s", diag.message))
        return false;
    model_mem = malloc(need);
    return CHECKF(llmc_model_init(&model, &file, 1, NULL, model_mem, need, &diag) == LLMC_OK, "%s",
                  diag.message) != 0;
}

static bool open_tiny(void)
{
    static bool made;
    if (!made) {
        make_begin(&gguf);
        tiny_llama(&gguf);
        made = true;
    }
    return open_model(gguf.out.data, gguf.out.size);
}

static bool open_words(void)
{
    static unsigned char *data;
    static size_t size;
    if (data == NULL)
        data = test_read("tests/models/tiny-llama.gguf", &size);
    return CHECK(data != NULL) && open_model(data, size);
}

static void *engine_mem;
static llmc_engine *engine;

static bool start(uint32_t context, uint32_t seqs, const llmc_engine_options *more)
{
    llmc_engine_options o;
    size_t need = 0;
    memset(&o, 0, sizeof o);
    if (more != NULL)
        o = *more;
    o.context_length = context;
    o.max_seqs = seqs;
    o.text_bytes = 512;
    o.kv_type = LLMC_F32;
    free(engine_mem);
    engine_mem = NULL;
    if (CHECKF(llmc_engine_need(model, &o, &need, &diag) == LLMC_OK, "%s", diag.message)) {
        engine_mem = malloc(need);
        memset(engine_mem, 0x5a, need);
        return CHECKF(llmc_engine_init(&engine, model, &o, engine_mem, need, &diag) == LLMC_OK, "%s",
                      diag.message) != 0;
    }
    return false;
}

static uint32_t pages_held(void)
{
    uint32_t g, n = 0;
    for (g = 0; g < engine->batch.n_groups; g++)
        n += engine->kv[g].n_pages - engine->kv[g].n_free;
    return n;
}

static double far(double x)
{
    return x < 0 ? -x : x;
}

/* ------------------------------------------------------------ plain code */
enum { LONG = 64, VOCAB_MOST = 4096 };

typedef struct plain {
    llmc_token id[LONG];
    uint32_t n;
    double sum, score;
} plain;

/* log p of every token after ids [n], from the first token on. */
static void log_probabilities(const llmc_token *ids, size_t n, double *out)
{
    static float logits[VOCAB_MOST];
    uint32_t vocab = llmc_model_config(model)->vocab_size, t;
    double most = -1e300, sum = 0;
    llmc_seq *s = NULL;
    CHECK(llmc_seq_open(&s, engine, NULL, &diag) == LLMC_OK);
    CHECKF(llmc_seq_forward(s, ids, n, logits, 1, &diag) == LLMC_OK, "%s", diag.message);
    llmc_seq_close(s);
    for (t = 0; t < vocab; t++)
        most = logits[t] > most ? (double)logits[t] : most;
    for (t = 0; t < vocab; t++)
        sum += exp((double)logits[t] - most);
    for (t = 0; t < vocab; t++)
        out[t] = (double)logits[t] - most - log(sum);
}

static bool ends(llmc_token id, const llmc_beam_options *o)
{
    return !o->ignore_end && llmc_model_ends(model, id);
}

static int better(const void *a, const void *b)
{
    double x = ((const plain *)a)->score, y = ((const plain *)b)->score;
    return x > y ? -1 : x < y;
}

/* Every row of tokens that ends, or has max_tokens of them. */
typedef struct all {
    plain *row;
    size_t n, cap;
} all;

static void enumerate(all *a, const llmc_token *prompt, size_t n_prompt, plain *now,
                      const llmc_beam_options *o)
{
    uint32_t vocab = llmc_model_config(model)->vocab_size, t;
    llmc_token ids[LONG];
    double *p = (double *)malloc(vocab * sizeof *p);
    memcpy(ids, prompt, n_prompt * sizeof *ids);
    memcpy(ids + n_prompt, now->id, now->n * sizeof *ids);
    log_probabilities(ids, n_prompt + now->n, p);
    for (t = 0; t < vocab; t++) {
        plain next = *now;
        next.id[next.n++] = (llmc_token)t;
        next.sum += p[t];
        if (!ends((llmc_token)t, o) && next.n < o->max_tokens) {
            enumerate(a, prompt, n_prompt, &next, o);
            continue;
        }
        next.score = next.sum / pow((double)next.n, (double)o->length_penalty);
        if (a->n == a->cap) {
            a->cap = a->cap * 2 + 64;
            a->row = (plain *)realloc(a->row, a->cap * sizeof *a->row);
        }
        a->row[a->n++] = next;
    }
    free(p);
}

/* The rules of ENGINE.beam, one after the other, without forks, thresholds or early stops. */
static all search_plainly(const llmc_token *prompt, size_t n_prompt, const llmc_beam_options *o)
{
    uint32_t vocab = llmc_model_config(model)->vocab_size, t, length, n_live = 1, i, n, kept;
    plain *live = (plain *)calloc(o->width + 1, sizeof *live);
    plain *next = (plain *)malloc((size_t)o->width * vocab * sizeof *next);
    double *p = (double *)malloc(vocab * sizeof *p);
    llmc_token ids[LONG];
    all a = {NULL, 0, 0};
    a.row = (plain *)malloc((size_t)o->max_tokens * o->width * vocab * sizeof *a.row);
    memcpy(ids, prompt, n_prompt * sizeof *ids);
    for (length = 1; length <= o->max_tokens && n_live > 0; length++) {
        n = 0;
        for (i = 0; i < n_live; i++) {
            memcpy(ids + n_prompt, live[i].id, live[i].n * sizeof *ids);
            log_probabilities(ids, n_prompt + live[i].n, p);
            for (t = 0; t < vocab; t++) {
                next[n] = live[i];
                next[n].id[next[n].n++] = (llmc_token)t;
                next[n].sum += p[t];
                next[n].score = next[n].sum;
                n++;
            }
        }
        qsort(next, n, sizeof *next, better);
        for (i = kept = 0; i < n && kept < o->width; i++) {
            bool over = ends(next[i].id[next[i].n - 1], o);
            plain row = next[i];
            row.score = row.sum / pow((double)row.n, (double)o->length_penalty);
            if (over || length == o->max_tokens)
                a.row[a.n++] = row;
            if (!over)
                live[kept++] = next[i];
        }
        n_live = kept;
    }
    free(live);
    free(next);
    free(p);
    return a;
}

/* The search's results against the best of `a`: scores in order, each a row that `a` has with that score.
   (Two that differ by rounding may have changed places.) */
static void compare(all *a, const llmc_beam *out, size_t n_out, const llmc_beam_options *o, const char *what)
{
    size_t i, j, want = a->n < o->n_best ? a->n : o->n_best;
    qsort(a->row, a->n, sizeof *a->row, better);
    CHECKF(n_out == want, "%s: %zu results, expected %zu", what, n_out, want);
    for (i = 0; i < n_out && i < want; i++) {
        CHECKF(far(out[i].score - a->row[i].score) < 1e-5, "%s: result %zu scores %.9g, expected %.9g", what,
               i, out[i].score, a->row[i].score);
        for (j = 0; j < a->n; j++)
            if (a->row[j].n == out[i].n &&
                memcmp(a->row[j].id, out[i].ids, out[i].n * sizeof(llmc_token)) == 0)
                break;
        if (!CHECKF(j < a->n, "%s: result %zu is none of those there are", what, i))
            return;
        CHECKF(far(out[i].score - a->row[j].score) < 1e-5 && far(out[i].logprob - a->row[j].sum) < 1e-4,
               "%s: result %zu is rated %.9g, expected %.9g", what, i, out[i].score, a->row[j].score);
        CHECK(out[i].finish == (ends(out[i].ids[out[i].n - 1], o) ? LLMC_FINISH_END : LLMC_FINISH_LENGTH));
        for (j = 0; j < i; j++)
            CHECK(out[i].n != out[j].n || memcmp(out[i].ids, out[j].ids, out[i].n * sizeof(llmc_token)) != 0);
    }
}

/* ------------------------------------------------------------ the search */
static void *work;

/* Results for prompt [n] on a new sequence, which is checked for having stayed as it was. */
static size_t search(const llmc_token *prompt, size_t n, const llmc_beam_options *o, const llmc_beam **out)
{
    llmc_seq *s = NULL;
    size_t need = 0, n_out = 0, n_ids;
    uint32_t held;
    const llmc_token *ids;
    CHECK(llmc_seq_open(&s, engine, NULL, &diag) == LLMC_OK);
    CHECK(llmc_seq_add_ids(s, prompt, n, &diag) == LLMC_OK);
    CHECKF(llmc_beam_need(s, o, &need, &diag) == LLMC_OK, "%s", diag.message);
    free(work);
    work = malloc(need);
    CHECKF(llmc_beam_search(s, o, work, need, out, &n_out, &diag) == LLMC_OK, "%s", diag.message);
    ids = llmc_seq_ids(s, &n_ids);
    CHECK(n_ids == n && memcmp(ids, prompt, n * sizeof *ids) == 0);
    held = pages_held();
    CHECKF(held == (n + 31) / 32 * engine->batch.n_groups, "%u pages are held for %zu tokens", held, n);
    llmc_seq_close(s);
    CHECK(pages_held() == 0);
    return n_out;
}

static const float penalties[] = {0, 1, 0.6f, 2, -0.5f};

/* Wide enough that nothing is cut off: the n best of all rows there are. */
static void exact_when_nothing_is_cut_off(void)
{
    const llmc_beam *out = NULL;
    const llmc_token prompt[] = {1, 5, 7};
    llmc_beam_options o;
    uint32_t i;
    size_t n;
    memset(&o, 0, sizeof o);
    if (!open_tiny() || !start(TINY_C, 1400, NULL))
        return;
    for (i = 0; i < 10; i++) {
        all a = {NULL, 0, 0};
        plain none;
        memset(&none, 0, sizeof none);
        o.max_tokens = i < 8 ? 3 : 4;
        o.width = o.max_tokens == 3 ? 144 : 1331; /* what can be live: 12^2, or 11^3 without the end token */
        o.ignore_end = i < 8 && i % 2 == 1;
        o.n_best = 1 + i * 7;
        o.length_penalty = penalties[i % 5];
        enumerate(&a, prompt, 3, &none, &o);
        n = search(prompt, 3, &o, &out);
        compare(&a, out, n, &o, "all there is");
        free(a.row);
    }
}

static void narrow_beams_follow_the_rules(void)
{
    uint64_t dice = test_seed(4242);
    llmc_beam_options o;
    const llmc_beam *out = NULL;
    llmc_token prompt[6];
    uint32_t i, j, n_prompt;
    size_t n;
    memset(&o, 0, sizeof o);
    if (!open_tiny() || !start(TINY_C, 12, NULL))
        return;
    for (i = 0; i < 200; i++) {
        all a;
        n_prompt = 1 + test_random(&dice, 6);
        for (j = 0; j < n_prompt; j++)
            prompt[j] = (llmc_token)test_random(&dice, TINY_V);
        o.width = 1 + test_random(&dice, 10);
        o.n_best = 1 + test_random(&dice, 12);
        o.max_tokens = 1 + test_random(&dice, 9);
        o.length_penalty = penalties[test_random(&dice, 5)];
        o.ignore_end = test_random(&dice, 4) == 0;
        a = search_plainly(prompt, n_prompt, &o);
        n = search(prompt, n_prompt, &o, &out);
        compare(&a, out, n, &o, "narrow");
        free(a.row);
    }
}

/* A model that knows words: ends come early, hypotheses fork late, pages are crossed and copied. */
static void words(void)
{
    static const char *const prompts[] = {"Once upon", "Once", "The cat"};
    llmc_beam_options o;
    const llmc_beam *out = NULL;
    uint32_t i;
    size_t n;
    memset(&o, 0, sizeof o);
    if (!open_words() || !start(LONG, 6, NULL))
        return;
    for (i = 0; i < 9; i++) {
        llmc_token ids[LONG];
        llmc_seq *s = NULL;
        size_t n_ids;
        all a;
        CHECK(llmc_seq_open(&s, engine, NULL, &diag) == LLMC_OK);
        CHECK(llmc_seq_add_text(s, prompts[i % 3], strlen(prompts[i % 3]), &diag) == LLMC_OK);
        memcpy(ids, llmc_seq_ids(s, &n_ids), s->n_ids * sizeof *ids);
        llmc_seq_close(s);
        o.width = 1 + i % 5;
        o.n_best = o.width;
        o.max_tokens = 40;
        o.length_penalty = penalties[i % 3];
        o.ignore_end = i >= 6;
        a = search_plainly(ids, n_ids, &o);
        n = search(ids, n_ids, &o, &out);
        compare(&a, out, n, &o, "words");
        free(a.row);
    }
}

/* One beam is greedy decoding; and a result that is added goes on as if it had been said. */
static void one_beam_is_greedy(void)
{
    llmc_beam_options o;
    llmc_seq_options so;
    llmc_seq *s = NULL;
    llmc_piece piece;
    const llmc_beam *out = NULL;
    llmc_token said[40];
    size_t n = 0, need = 0, n_out = 0;
    memset(&o, 0, sizeof o);
    memset(&so, 0, sizeof so);
    o.width = 1;
    o.max_tokens = so.max_tokens = 40;
    o.ignore_end = so.ignore_end = true;
    if (!open_words() || !start(256, 2, NULL) || !CHECK(llmc_seq_open(&s, engine, &so, &diag) == LLMC_OK) ||
        !CHECK(llmc_seq_add_text(s, "Once upon", 9, &diag) == LLMC_OK))
        return;
    CHECK(llmc_beam_need(s, &o, &need, &diag) == LLMC_OK);
    free(work);
    work = malloc(need);
    CHECK(llmc_beam_search(s, &o, work, need, &out, &n_out, &diag) == LLMC_OK && n_out == 1);
    while (llmc_seq_next(s, &piece, &diag) == LLMC_OK && n < 40) /* what was to be answered still is */
        said[n++] = piece.token;
    CHECKF(n == 40 && out[0].n == 40 && memcmp(said, out[0].ids, sizeof said) == 0, "%zu and %zu tokens", n,
           out[0].n);
}

/* The same results whatever else the engine does: windows that lose pages, drafts that wait, others' pages. */
static void others_are_left_alone(void)
{
    llmc_engine_options more;
    llmc_beam_options o;
    llmc_seq_options so;
    llmc_seq *s = NULL, *other = NULL, *twin = NULL;
    llmc_piece piece, same;
    const llmc_beam *out = NULL;
    size_t need = 0, n_out = 0, n = 0;
    int i, cut;
    for (cut = 0; cut < 2; cut++) {
        memset(&more, 0, sizeof more);
        memset(&o, 0, sizeof o);
        memset(&so, 0, sizeof so);
        more.draft_tokens = 8;
        more.window_size = cut ? 40 : 0;
        more.sink_tokens = cut ? 2 : 0;
        so.ignore_end = o.ignore_end = true;
        so.draft = LLMC_DRAFT_ON;
        o.width = 3;
        o.n_best = 2;
        o.max_tokens = 60;
        if (!open_words() || !start(256, 6, &more))
            return;
        CHECK(llmc_seq_open(&s, engine, NULL, &diag) == LLMC_OK);
        CHECK(llmc_seq_open(&other, engine, &so, &diag) == LLMC_OK);
        so.draft = LLMC_DRAFT_OFF;
        CHECK(llmc_seq_open(&twin, engine, &so, &diag) == LLMC_OK);
        CHECK(llmc_seq_add_text(s, "The cat", 7, &diag) == LLMC_OK);
        CHECK(llmc_seq_add_text(other, "Once upon", 9, &diag) == LLMC_OK);
        CHECK(llmc_seq_add_text(twin, "Once upon", 9, &diag) == LLMC_OK);
        for (i = 0; i < 100; i++) {
            CHECK(llmc_seq_next(other, &piece, &diag) == LLMC_OK);
            CHECK(llmc_seq_next(twin, &same, &diag) == LLMC_OK);
            CHECKF(piece.token == same.token && !(piece.logprob < same.logprob) &&
                       !(piece.logprob > same.logprob),
                   "token %d", i);
            while (llmc_seq_poll(s, &same)) /* it answers, too, a little */
                n++;
            if (i % 33 == 32) {
                s->has_piece = false;
                CHECK(llmc_beam_need(s, &o, &need, &diag) == LLMC_OK);
                free(work);
                work = malloc(need);
                CHECKF(llmc_beam_search(s, &o, work, need, &out, &n_out, &diag) == LLMC_OK && n_out == 2,
                       "%s", diag.message);
            }
        }
        llmc_seq_close(s);
        llmc_seq_close(other);
        llmc_seq_close(twin);
        CHECK(pages_held() == 0 && engine->n_ahead == 0);
    }
}

/* ------------------------------------------------------------ failures */
static bool stop_at_once(void *user, const char *what, uint64_t done, uint64_t total)
{
    (void)total;
    return strcmp(what, "searching") != 0 || done < *(uint64_t *)user;
}

static void failures_give_everything_back(void)
{
    llmc_engine_options more;
    llmc_beam_options o;
    const llmc_beam *out = NULL;
    llmc_seq *s = NULL;
    llmc_token prompt[20];
    size_t need = 0, n_out = 77;
    uint64_t when;
    uint32_t i;
    memset(&o, 0, sizeof o);
    o.width = 5;
    o.ignore_end = true;
    for (i = 0; i < 20; i++)
        prompt[i] = (llmc_token)(4 + i % 5);
    for (i = 0; i < 12; i++) {
        llmc_status want = i < 6 ? LLMC_FULL : LLMC_CANCELLED;
        memset(&more, 0, sizeof more);
        when = i - 6;
        more.kv_pool_tokens =
            i < 6 ? 32 * (1 + i) : 0; /* too few pages for five beams, at one time or another */
        if (i >= 6) {
            more.progress.fn = stop_at_once;
            more.progress.user = &when;
        }
        if (!open_words() || !start(128, 6, &more))
            return;
        CHECK(llmc_seq_open(&s, engine, NULL, &diag) == LLMC_OK);
        CHECK(llmc_seq_add_ids(s, prompt, 20, &diag) == LLMC_OK);
        CHECK(llmc_beam_need(s, &o, &need, &diag) == LLMC_OK);
        free(work);
        work = malloc(need);
        CHECKF(llmc_beam_search(s, &o, work, need, &out, &n_out, &diag) == want, "case %u", i);
        CHECK(n_out == 77 && out == NULL);
        CHECKF(pages_held() <= 1, "%u pages are left", pages_held());
        llmc_seq_close(s);
        CHECK(pages_held() == 0);
        for (n_out = 0; llmc_seq_open(&s, engine, NULL, &diag) == LLMC_OK; n_out++)
            ;
        CHECKF(n_out == 6, "only %zu of 6 sequences can be opened", n_out);
        n_out = 77;
    }
}

static void wrong_use(void)
{
    llmc_beam_options o;
    const llmc_beam *out = NULL;
    llmc_seq *s = NULL, *t = NULL;
    llmc_token ids[TINY_C] = {1, 5, 6, 7, 5, 6, 7, 5, 6, 7, 5, 6, 7, 5, 6, 7};
    size_t need = 0, n_out = 0;
    static const uint32_t not_a_number = 0x7fc00000u;
    memset(&o, 0, sizeof o);
    if (!open_tiny() || !start(TINY_C, 5, NULL))
        return;
    CHECK(llmc_seq_open(&s, engine, NULL, &diag) == LLMC_OK);
    CHECK(llmc_beam_need(s, &o, &need, &diag) == LLMC_BAD_ARG); /* empty */
    CHECK(llmc_seq_add_ids(s, ids, 3, &diag) == LLMC_OK);
    o.width = 5;
    CHECK(llmc_beam_need(s, &o, &need, &diag) == LLMC_BAD_ARG && strstr(diag.message, "width 5") != NULL);
    o.width = 4;
    o.n_best = 65537;
    CHECK(llmc_beam_need(s, &o, &need, &diag) == LLMC_BAD_ARG);
    o.n_best = 3;
    memcpy(&o.length_penalty, &not_a_number, sizeof not_a_number);
    CHECK(llmc_beam_need(s, &o, &need, &diag) == LLMC_BAD_ARG);
    o.length_penalty = 101;
    CHECK(llmc_beam_need(s, &o, &need, &diag) == LLMC_BAD_ARG &&
          strstr(diag.message, "length_penalty") != NULL);
    o.length_penalty = 1;
    CHECK(llmc_beam_need(s, &o, &need, &diag) == LLMC_OK);
    free(work);
    work = malloc(need);
    CHECK(llmc_beam_search(s, &o, work, need - 1, &out, &n_out, &diag) == LLMC_NO_MEMORY);
    CHECK(llmc_beam_search(s, &o, NULL, need, &out, &n_out, &diag) == LLMC_NO_MEMORY);
    CHECK(llmc_seq_open(&t, engine, NULL, &diag) == LLMC_OK);
    CHECK(llmc_beam_search(s, &o, work, need, &out, &n_out, &diag) == LLMC_FULL &&
          strstr(diag.message, "only 3") != NULL);
    llmc_seq_close(t);
    CHECK(llmc_beam_search(s, &o, work, need, &out, &n_out, &diag) == LLMC_OK && n_out == 3);
    CHECK(out[0].finish == LLMC_FINISH_CONTEXT || out[0].finish == LLMC_FINISH_END);
    CHECK(out[0].n <= TINY_C - 3 && out[0].score >= out[1].score && out[1].score >= out[2].score);
    CHECK(llmc_seq_add_ids(s, ids, TINY_C - 3, &diag) == LLMC_OK);
    CHECK(llmc_beam_need(s, &o, &need, &diag) == LLMC_BAD_ARG); /* full */
}

int main(void)
{
    RUN(exact_when_nothing_is_cut_off);
    RUN(narrow_beams_follow_the_rules);
    RUN(words);
    RUN(one_beam_is_greedy);
    RUN(others_are_left_alone);
    RUN(failures_give_everything_back);
    RUN(wrong_use);
    return test_end("beam");
}
