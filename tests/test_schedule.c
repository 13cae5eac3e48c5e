/* test_schedule.c -- requests in small caches: they wait, share, are preempted and cancelled, and say what
   they would have said alone.

   Runs tests/models/windows.gguf (tests/vectors/windows.py: three layers, random weights). What a request has
   to say comes from sequences that were alone in an engine with room for everything, without any schedule. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

static unsigned char *file_bytes;
static llmc_blob file_blob;
static void *model_mem;
static llmc_model *model;
static llmc_diag diag;
static uint64_t seed;

static unsigned random_below(unsigned n)
{
    return test_random(&seed, n);
}

static void loads(void)
{
    size_t need = 0;
    file_bytes = test_read("tests/models/windows.gguf", &file_blob.size);
    if (!CHECKF(file_bytes != NULL, "tests/models/windows.gguf is missing; run from the repository's root"))
        return;
    file_blob.data = file_bytes;
    file_blob.name = "windows.gguf";
    if (!CHECKF(llmc_model_need(&file_blob, 1, NULL, &need, &diag) == LLMC_OK, "%s", diag.message))
        return;
    model_mem = malloc(need);
    CHECKF(llmc_model_init(&model, &file_blob, 1, NULL, model_mem, need, &diag) == LLMC_OK, "%s",
           diag.message);
}

/* ------------------------------------------------------------ engines */
static llmc_engine *start(const llmc_engine_options *opt, void **mem)
{
    llmc_engine *e = NULL;
    size_t need = 0;
    *mem = NULL;
    if (CHECKF(llmc_engine_need(model, opt, &need, &diag) == LLMC_OK, "%s", diag.message)) {
        *mem = malloc(need);
        memset(*mem, 0x5a, need); /* nothing may rely on zeroed memory */
        CHECKF(llmc_engine_init(&e, model, opt, *mem, need, &diag) == LLMC_OK, "%s", diag.message);
    }
    return e;
}

/* What a sequence sees: everything, windows, capacity, and windows of one layer only. */
enum { VIEWS = 4, CONTEXT = 224 };

static llmc_engine_options view_options(int view)
{
    llmc_engine_options o;
    memset(&o, 0, sizeof o);
    o.context_length = CONTEXT;
    o.text_bytes = 64;
    memset(&model->config.windowed, 0, sizeof model->config.windowed);
    model->config.window_size = 0;
    if (view == 1) {
        o.window_size = 50;
        o.sink_tokens = 4;
    } else if (view == 2) {
        o.kv_cache_capacity = 70;
        o.sink_tokens = 6;
    } else if (view == 3) {
        model->config.window_size = 40;
        model->config.windowed.bits[0] = 2;
    }
    return o;
}

/* ------------------------------------------------------------ what is asked, and what was said */
enum { MOST = 64 };

typedef struct job {
    llmc_token prompt[CONTEXT];
    uint32_t n_prompt;
    llmc_sample_options sample;
    llmc_seq_options opt;
    int32_t priority;
    uint32_t arrives, cancelled; /* rounds; cancelled 0: never */
    uint32_t patience;           /* takes a piece one round in so many */
    llmc_token want[CONTEXT], got[CONTEXT];
    float want_logprob[CONTEXT], got_logprob[CONTEXT];
    uint32_t n_want, n_got;
    llmc_finish want_finish, got_finish;
    llmc_request *request;
    bool closed;
} job;

static job jobs[MOST];

static void hear(job *j, const llmc_piece *p)
{
    if (p->token != LLMC_TOKEN_NONE && j->n_got < CONTEXT) {
        j->got_logprob[j->n_got] = p->logprob;
        j->got[j->n_got++] = p->token;
    }
    j->got_finish = p->finish;
}

/* Fills want by a sequence that has all of `e`. */
static void say_alone(llmc_engine *e, job *j)
{
    llmc_seq *s = NULL;
    llmc_piece p;
    j->n_got = 0;
    CHECKF(llmc_seq_open(&s, e, &j->opt, &diag) == LLMC_OK &&
               llmc_seq_add_ids(s, j->prompt, j->n_prompt, &diag) == LLMC_OK,
           "%s", diag.message);
    while (llmc_seq_next(s, &p, &diag) == LLMC_OK)
        hear(j, &p);
    llmc_seq_close(s);
    memcpy(j->want, j->got, sizeof j->want);
    memcpy(j->want_logprob, j->got_logprob, sizeof j->want_logprob);
    j->n_want = j->n_got;
    j->want_finish = j->got_finish;
    j->n_got = 0;
    j->got_finish = LLMC_FINISH_NONE;
}

/* Whole or, if it was cancelled or failed, as far as it came. */
static void same(const job *j, uint32_t n, const char *what)
{
    CHECKF(n <= j->n_want && memcmp(j->got, j->want, n * sizeof j->got[0]) == 0 &&
               memcmp(j->got_logprob, j->want_logprob, n * sizeof(float)) == 0,
           "%s: %u tokens, alone %u; they differ", what, n, j->n_want);
}

/* ------------------------------------------------------------ the cache, counted anew */
static void count_table(const llmc__kv_table *t, uint32_t *count)
{
    uint32_t i;
    for (i = 0; i < t->n; i++)
        if (t->page[i] != LLMC__NO_PAGE)
            count[t->page[i]]++;
}

/* Every page's holders are those whose tables name it; free pages are those without; so is the prefix cache. */
static bool counts(const llmc_engine *e)
{
    static uint32_t held[4096], parked[4096];
    uint64_t parked_bytes = 0;
    uint32_t g, i, n_free;
    for (g = 0; g < e->batch.n_groups; g++) {
        memset(held, 0, sizeof held);
        memset(parked, 0, sizeof parked);
        for (i = 0; i < e->opt.max_seqs; i++)
            count_table(&e->seqs[i].table[g], held);
        for (i = 0; i < e->schedule.n_requests; i++) {
            count_table(&e->schedule.requests[i].seq.table[g], held);
            if (e->schedule.requests[i].parked)
                count_table(&e->schedule.requests[i].seq.table[g], parked);
        }
        for (i = n_free = 0; i < e->kv[g].n_pages; i++) {
            if (held[i] != e->kv[g].holds[i] ||
                (e->schedule.parked[g] != NULL && parked[i] != e->schedule.parked[g][i]))
                return CHECKF(false, "page %u of group %u: %u tables, %u holds, %u parked", i, g, held[i],
                              e->kv[g].holds[i], parked[i]) != 0;
            n_free += held[i] == 0;
            parked_bytes += parked[i] > 0 ? e->kv[g].page_bytes : 0;
        }
        if (!CHECKF(n_free == e->kv[g].n_free, "%u pages free, %u in the stack", n_free, e->kv[g].n_free))
            return false;
    }
    return CHECKF(parked_bytes == e->schedule.parked_bytes && parked_bytes <= e->opt.prefix_bytes,
                  "%llu bytes parked, %llu counted, %llu allowed", (unsigned long long)parked_bytes,
                  (unsigned long long)e->schedule.parked_bytes, (unsigned long long)e->opt.prefix_bytes) != 0;
}

static void all_given_back(llmc_engine *e)
{
    uint32_t g;
    llmc_engine_drop_prefixes(e);
    counts(e);
    for (g = 0; g < e->batch.n_groups; g++)
        CHECK(e->kv[g].n_free == e->kv[g].n_pages);
    CHECK(e->schedule.n_live == 0 && e->schedule.first == NULL && e->schedule.parked_bytes == 0);
}

/* ------------------------------------------------------------ random schedules */
static struct {
    uint32_t requests, preempted, shared, cancelled, failed, waited, hits;
} seen;

/* Prompts that begin like others: each is the beginning of one of four texts, and some tokens of its own. */
static void random_job(job *j, uint32_t rounds)
{
    static const float temperature[] = {0, 0.8f, 1.3f};
    uint64_t text = random_below(4), *state = &text;
    uint32_t i, common = random_below(3) == 0 ? random_below(12) : random_below(130), own = random_below(25);
    memset(j, 0, sizeof *j);
    for (i = 0; i < common; i++)
        j->prompt[j->n_prompt++] = (llmc_token)(3 + test_random(state, 57));
    for (i = 0; i < own || j->n_prompt == 0; i++)
        j->prompt[j->n_prompt++] = (llmc_token)(3 + random_below(57));
    j->sample.temperature = temperature[random_below(3)];
    j->sample.repeat_penalty = random_below(2) == 0 ? 1.2f : 0;
    j->sample.seed = random_below(1000);
    j->opt.sample = &j->sample;
    j->opt.max_tokens = 1 + random_below(random_below(2) == 0 ? 120 : 15);
    j->opt.ignore_end = random_below(3) > 0;
    j->priority = (int32_t)random_below(3) - 1;
    j->arrives = random_below(rounds);
    j->cancelled = random_below(6) == 0 ? j->arrives + 1 + random_below(20) : 0;
    j->patience = random_below(4) == 0 ? 1 + random_below(4) : 1;
}

/* One round for one job: it comes, is cancelled, or takes what there is. */
static void attend(llmc_engine *e, job *j, uint32_t round)
{
    llmc_piece p;
    llmc_status status;
    if (j->request == NULL && !j->closed && round >= j->arrives) {
        status = llmc_request_add(&j->request, e, j->prompt, j->n_prompt, j->priority, &j->opt, &diag);
        if (status == LLMC_FULL && !llmc__request_possible(e, j->n_prompt)) {
            j->closed = true;
            j->request = NULL;
            seen.failed++;
        } else if (status == LLMC_FULL) /* max_requests; again next time */
            seen.waited++;
        else
            CHECKF(status == LLMC_OK, "%s", diag.message);
    }
    if (j->request == NULL)
        return;
    if (j->cancelled > 0 && round >= j->cancelled) {
        llmc_request_close(j->request);
        j->closed = true;
        j->request = NULL;
        seen.cancelled++;
    } else if (random_below(j->patience) == 0 && llmc_request_poll(j->request, &p)) {
        hear(j, &p);
        if (p.finish != LLMC_FINISH_NONE) {
            llmc_request_info info;
            llmc_request_progress(j->request, &info);
            CHECK(info.state == LLMC_REQUEST_DONE && info.finish == p.finish &&
                  info.n_prompt == j->n_prompt && info.n_generated == j->n_got);
            seen.preempted += info.n_preempted > 0;
            seen.shared += info.n_shared > 0;
            llmc_request_close(j->request);
            j->closed = true;
            j->request = NULL;
        }
    }
}

static bool finished(const job *j)
{
    return j->closed && (j->cancelled == 0 || j->got_finish != LLMC_FINISH_NONE);
}

/* Runs jobs [n] in e to their ends; own: not NULL, a job that goes by a sequence of the caller's. */
static void run_schedule(llmc_engine *e, uint32_t n, job *own, bool tight, const char *what)
{
    llmc_seq *s = NULL;
    llmc_piece p;
    uint32_t round, i, left = n, idle = 0;
    if (own != NULL)
        CHECK(llmc_seq_open(&s, e, &own->opt, &diag) == LLMC_OK &&
              llmc_seq_add_ids(s, own->prompt, own->n_prompt, &diag) == LLMC_OK);
    for (round = 0; (left > 0 || s != NULL) && idle < 200; round++) {
        llmc_status status;
        for (i = left = 0; i < n; i++) {
            attend(e, &jobs[i], round);
            left += !jobs[i].closed;
        }
        status = llmc_engine_pump(e, &diag);
        idle = status == LLMC_DONE ? idle + 1 : 0; /* patience has an end, so this has, too */
        CHECKF(status == LLMC_OK || status == LLMC_DONE || (status == LLMC_FULL && tight), "%s: %s", what,
               diag.message);
        if (s != NULL && llmc_seq_poll(s, &p)) {
            hear(own, &p);
            if (p.finish != LLMC_FINISH_NONE) {
                llmc_seq_close(s);
                s = NULL;
            }
        }
        if (!counts(e))
            return;
    }
    CHECKF(left == 0 && s == NULL, "%s: %u requests wait for ever", what, left);
}

/* A request may fail only if the cache is too small for all of it. */
static void check_job(const llmc_engine *e, const job *j, bool tight, const char *what)
{
    same(j, j->n_got, what);
    if (j->got_finish == LLMC_FINISH_FAILED) {
        CHECKF(tight && !llmc__request_possible(e, j->n_prompt + j->n_got), "%s: failed at %u + %u tokens",
               what, j->n_prompt, j->n_got);
        seen.failed++;
    } else if (finished(j) && j->n_got > 0)
        CHECKF(j->n_got == j->n_want && j->got_finish == j->want_finish,
               "%s: %u tokens, finish %d; alone %u, %d", what, j->n_got, (int)j->got_finish, j->n_want,
               (int)j->want_finish);
}

static void random_schedule(llmc_engine *reference, int view, int trial)
{
    llmc_engine_options o = view_options(view);
    uint32_t n = 2 + random_below(14), i, full = view == 0 || view == 3 ? 7 : 5;
    bool tight = view == 0 && random_below(5) == 0, with_own = !tight && random_below(4) == 0;
    llmc_engine *e;
    void *mem;
    job own;
    char what[64];
    o.max_seqs = 1 + random_below(5) + (with_own ? 1 : 0);
    o.batch_tokens = 1 + random_below(random_below(2) == 0 ? 6 : 80);
    o.draft_tokens = random_below(2) == 0 ? 1 + random_below(12) : 0;
    if (full == 5) /* sinks, window, batch */
        full = 2 + (70 + o.batch_tokens + o.max_seqs + o.draft_tokens + 30) / 32 + 1;
    o.kv_pool_tokens = 32 * (tight ? 2 + random_below(5) : (with_own ? 2 * full : full) + random_below(4));
    o.max_requests = 2 + random_below(8);
    if (random_below(4) > 0) {
        o.prefix_bytes = 1 + random_below(random_below(2) == 0 ? 1 << 16 : 1 << 20);
        o.max_prefixes = random_below(6);
    }
    e = start(&o, &mem);
    if (e == NULL)
        return;
    snprintf(what, sizeof what, "schedule %d, view %d", trial, view);
    for (i = 0; i < n; i++) {
        random_job(&jobs[i], 30);
        say_alone(reference, &jobs[i]);
        jobs[i].opt.draft = o.draft_tokens > 0 && random_below(4) > 0 ? LLMC_DRAFT_ON : LLMC_DRAFT_OFF;
    }
    if (with_own) {
        random_job(&own, 1);
        say_alone(reference, &own);
    }
    seen.requests += n;
    run_schedule(e, n, with_own ? &own : NULL, tight, what);
    for (i = 0; i < n; i++)
        check_job(e, &jobs[i], tight, what);
    if (with_own)
        check_job(e, &own, false, what);
    all_given_back(e);
    free(mem);
}

static void schedules_change_nothing(void)
{
    llmc_engine *reference[VIEWS];
    void *mem[VIEWS];
    int trial,
        trials = getenv("TEST_TRIALS") != NULL ? atoi(getenv("TEST_TRIALS")) : 600 / (int)test_every(10),
        view;
    seed = test_seed(11);
    for (view = 0; view < VIEWS; view++) {
        llmc_engine_options o = view_options(view);
        o.batch_tokens = 64;
        reference[view] = start(&o, &mem[view]);
    }
    for (trial = 0; trial < trials && test_bad == 0; trial++) {
        view = (int)random_below(VIEWS);
        view_options(view); /* the model's own windows are this view's */
        random_schedule(reference[view], view, trial);
    }
    printf(
        "  %d schedules, %u requests: %u preempted, %u shared, %u cancelled, %u too large, %u adds put off\n",
        trials, seen.requests, seen.preempted, seen.shared, seen.cancelled, seen.failed, seen.waited);
    CHECK(trials < 600 ||
          (seen.preempted > 30 && seen.shared > 150 && seen.cancelled > 100 && seen.failed > 5));
    for (view = 0; view < VIEWS; view++)
        free(mem[view]);
}

/* ------------------------------------------------------------ sharing */
/* Sixteen prompts that begin with the same 1000 tokens: read once, and held once. */
static void a_prefix_is_computed_once(void)
{
    enum { N = 16, COMMON = 1000, OWN = 8, NEW = 20 };
    static llmc_token ids[N][COMMON + OWN];
    llmc_engine_options o = view_options(0);
    llmc_seq_options so;
    llmc_request *r[N];
    llmc_engine *e;
    llmc_piece p;
    void *mem;
    uint64_t state = 5, computed = 0;
    uint32_t i, k, done = 0, most = 0, first_come;
    for (first_come = 0; first_come < 2; first_come++) { /* all at once; the others when the first is done */
        o.context_length = 1100;
        o.max_seqs = N;
        o.batch_tokens = 100;
        o.max_requests = N;
        o.prefix_bytes = first_come ? 1u << 24 : 0;
        memset(&so, 0, sizeof so);
        so.max_tokens = NEW;
        so.ignore_end = true;
        if ((e = start(&o, &mem)) == NULL)
            return;
        for (i = 0; i < N; i++)
            for (k = 0; k < COMMON + OWN; k++)
                ids[i][k] = i > 0 && k < COMMON
                                ? ids[0][k]
                                : (llmc_token)(3 + (k == COMMON ? i : test_random(&state, 57)));
        computed = done = most = 0;
        for (i = 0; i < (first_come ? 1u : N); i++)
            CHECK(llmc_request_add(&r[i], e, ids[i], COMMON + OWN, 0, &so, &diag) == LLMC_OK);
        while (done < N && llmc_engine_pump(e, &diag) == LLMC_OK) {
            uint32_t used = e->kv[0].n_pages - e->kv[0].n_free, up_to = i;
            most = used > most ? used : most;
            computed += e->batch.n;
            for (k = 0; k < up_to; k++)
                if (r[k] != NULL && llmc_request_poll(r[k], &p) && p.finish != LLMC_FINISH_NONE) {
                    llmc_request_info info;
                    llmc_request_progress(r[k], &info);
                    CHECKF(info.n_shared == (k == 0 ? 0u : COMMON), "request %u shares %u", k, info.n_shared);
                    llmc_request_close(r[k]);
                    r[k] = NULL;
                    done++;
                }
            for (; done > 0 && i < N; i++)
                CHECK(llmc_request_add(&r[i], e, ids[i], COMMON + OWN, 0, &so, &diag) == LLMC_OK);
        }
        CHECKF(done == N, "%u of %d done: %s", done, N, diag.message);
        CHECKF(computed == COMMON + N * (OWN + NEW - 1), "%llu tokens computed",
               (unsigned long long)computed);
        /* 31 whole pages of 1000 tokens are shared; each has the rest, and what follows, to itself: two pages;
           one more while the first still writes where others copy from */
        CHECKF(most <= 31 + N * 2 + 1, "%u pages", most);
        all_given_back(e);
        free(mem);
    }
}

/* A conversation goes on: its next prompt is the last one with the answer, and shares all of it. Under a window,
   too, which has moved on. */
static void a_conversation_goes_on(void)
{
    int view;
    for (view = 0; view < VIEWS; view++) {
        llmc_engine_options o = view_options(view);
        llmc_seq_options so;
        llmc_token ids[CONTEXT];
        size_t n = 60, i, turn;
        llmc_engine *e;
        void *mem;
        o.max_requests = 2;
        o.prefix_bytes = 1 << 20;
        o.batch_tokens = 16;
        memset(&so, 0, sizeof so);
        so.max_tokens = 10;
        so.ignore_end = true;
        if ((e = start(&o, &mem)) == NULL)
            return;
        for (i = 0; i < n; i++)
            ids[i] = (llmc_token)(3 + i % 50);
        for (turn = 0; turn < 8; turn++) {
            llmc_request *r = NULL;
            llmc_request_info info;
            llmc_piece p;
            CHECKF(llmc_request_add(&r, e, ids, n, 0, &so, &diag) == LLMC_OK, "%s", diag.message);
            memset(&p, 0, sizeof p);
            while (p.finish == LLMC_FINISH_NONE && llmc_engine_pump(e, &diag) == LLMC_OK)
                if (llmc_request_poll(r, &p))
                    ids[n++] = p.token;
            llmc_request_progress(r, &info);
            CHECKF(info.n_shared == (turn == 0 ? 0 : n - 10 - 3 - 1), "view %d, turn %zu: %u of %zu shared",
                   view, turn, info.n_shared, n - 10);
            llmc_request_close(r);
            for (i = 0; i < 3; i++)
                ids[n++] = (llmc_token)(5 + turn);
        }
        all_given_back(e);
        free(mem);
    }
}

typedef struct saved {
    unsigned char bytes[1 << 20];
    size_t n;
} saved;

static bool keep(void *user, const void *data, size_t n)
{
    saved *to = (saved *)user;
    if (n > sizeof to->bytes - to->n)
        return false;
    memcpy(to->bytes + to->n, data, n);
    to->n += n;
    return true;
}

/* What finished requests left makes room for a sequence that is restored, and only then. */
static void a_session_takes_their_room(void)
{
    static saved session;
    llmc_engine_options o = view_options(0);
    llmc_seq_options so;
    llmc_token ids[CONTEXT];
    llmc_request *r = NULL;
    llmc_seq *s = NULL, *other = NULL;
    llmc_writer w;
    llmc_piece p;
    llmc_engine *e;
    void *mem;
    int i;
    w.write = keep;
    w.user = &session;
    o.max_seqs = 2;
    o.max_requests = 1;
    o.kv_pool_tokens = CONTEXT;
    o.prefix_bytes = 1 << 24;
    memset(&so, 0, sizeof so);
    so.max_tokens = 1;
    for (i = 0; i < CONTEXT; i++)
        ids[i] = (llmc_token)(3 + i % 50);
    if ((e = start(&o, &mem)) == NULL)
        return;
    CHECK(llmc_seq_open(&s, e, &so, &diag) == LLMC_OK && llmc_seq_add_ids(s, ids, 150, &diag) == LLMC_OK);
    CHECK(llmc_seq_next(s, &p, &diag) == LLMC_OK);
    CHECKF(llmc_seq_save(s, NULL, &w, &diag) == LLMC_OK, "%s", diag.message);
    llmc_seq_close(s);
    CHECK(llmc_request_add(&r, e, ids + 1, 190, 0, &so, &diag) == LLMC_OK);
    while (llmc_engine_pump(e, &diag) == LLMC_OK)
        llmc_request_poll(r, &p);
    llmc_request_close(r);
    CHECK(e->kv[0].n_free == 1 && e->schedule.parked_bytes == 6 * e->kv[0].page_bytes);
    CHECK(llmc_seq_open(&other, e, &so, &diag) == LLMC_OK &&
          llmc_seq_add_ids(other, ids, 90, &diag) == LLMC_OK);
    CHECK(llmc_seq_open(&s, e, &so, &diag) == LLMC_OK);
    CHECKF(llmc_seq_restore(s, session.bytes, session.n, &diag) == LLMC_OK, "%s", diag.message);
    CHECK(e->schedule.parked_bytes == 0 && e->kv[0].n_free == 2);
    llmc_seq_close(s);
    while (llmc_engine_step(e, &diag) == LLMC_OK) /* takes three pages: four of seven are left, five wanted */
        llmc_seq_poll(other, &p);
    CHECK(llmc_seq_open(&s, e, &so, &diag) == LLMC_OK);
    CHECK(llmc_seq_restore(s, session.bytes, session.n, &diag) == LLMC_FULL && e->kv[0].n_free == 4);
    llmc_seq_close(s);
    llmc_seq_close(other);
    all_given_back(e);
    free(mem);
}

/* Runs a request to its end and closes it; how many of its tokens were there before. */
static uint32_t ask(llmc_engine *e, const llmc_token *ids, size_t n)
{
    llmc_request *r = NULL;
    llmc_request_info info;
    llmc_seq_options so;
    llmc_piece p;
    memset(&so, 0, sizeof so);
    so.max_tokens = 2;
    so.ignore_end = true;
    memset(&info, 0, sizeof info);
    if (!CHECKF(llmc_request_add(&r, e, ids, n, 0, &so, &diag) == LLMC_OK, "%s", diag.message))
        return 0;
    while (llmc_engine_pump(e, &diag) == LLMC_OK)
        llmc_request_poll(r, &p);
    llmc_request_progress(r, &info);
    llmc_request_close(r);
    return info.n_shared;
}

/* What one engine has read serves another; damage, and another kind of cache, change nothing. */
static void prefixes_are_saved(void)
{
    static saved bytes, cut;
    int view;
    for (view = 0; view < VIEWS; view++) {
        llmc_engine_options o = view_options(view), other;
        llmc_token ids[3][100];
        llmc_engine *a, *b;
        void *mem[2];
        llmc_writer w;
        uint32_t i, k;
        o.max_requests = 2;
        o.max_prefixes = 3;
        o.kv_pool_tokens = 32 * 48;
        o.prefix_bytes = 1 << 24;
        for (k = 0; k < 3; k++)
            for (i = 0; i < 100; i++)
                ids[k][i] = (llmc_token)(3 + (i * (k + 1) + k) % 50);
        if ((a = start(&o, &mem[0])) == NULL || (b = start(&o, &mem[1])) == NULL)
            return;
        for (k = 0; k < 3; k++)
            CHECK(ask(a, ids[k], 100) == 0);
        w.write = keep;
        w.user = &bytes;
        bytes.n = 0;
        CHECKF(llmc_engine_save_prefixes(a, &w, &diag) == LLMC_OK && bytes.n > 0, "%s", diag.message);
        cut = bytes;
        cut.bytes[bytes.n - 9] ^= 1; /* the last of three */
        CHECK(llmc_engine_restore_prefixes(b, cut.bytes, cut.n, &diag) == LLMC_BAD_FILE);
        CHECK(llmc_engine_restore_prefixes(b, bytes.bytes, bytes.n - 1, &diag) == LLMC_BAD_FILE);
        CHECK(b->schedule.parked_bytes == 0 && b->kv[0].n_free == b->kv[0].n_pages);
        for (i = 0; i < 2; i++) /* a second time: known already */
            CHECKF(llmc_engine_restore_prefixes(b, bytes.bytes, bytes.n, &diag) == LLMC_OK, "%s",
                   diag.message);
        CHECK(counts(b) && b->schedule.parked_bytes == a->schedule.parked_bytes);
        for (k = 0; k < 3; k++)
            CHECKF(ask(b, ids[k], 100) == 99, "view %d, prompt %u", view, k);
        all_given_back(b);
        free(mem[1]);
        other = o;
        other.prefix_bytes = a->schedule.parked_bytes / 3; /* room for one: the newest */
        if ((b = start(&other, &mem[1])) == NULL)
            return;
        CHECK(llmc_engine_restore_prefixes(b, bytes.bytes, bytes.n, &diag) == LLMC_OK && counts(b));
        CHECK(b->schedule.parked_bytes > 0 && ask(b, ids[2], 100) == 99);
        all_given_back(b);
        free(mem[1]);
        other = o;
        other.kv_type = LLMC_F32;
        if ((b = start(&other, &mem[1])) == NULL)
            return;
        CHECK(llmc_engine_restore_prefixes(b, bytes.bytes, bytes.n, &diag) == LLMC_BAD_ARG);
        free(mem[1]);
        other = o;
        other.prefix_bytes = other.max_prefixes = 0;
        if ((b = start(&other, &mem[1])) == NULL)
            return;
        CHECK(llmc_engine_restore_prefixes(b, bytes.bytes, bytes.n, &diag) == LLMC_BAD_ARG);
        free(mem[1]);
        all_given_back(a);
        free(mem[0]);
    }
}

/* ------------------------------------------------------------ order, cancelling, limits */
static void cancelled_at_once(void)
{
    llmc_engine_options o = view_options(0);
    llmc_token ids[100];
    llmc_request *r = NULL;
    llmc_request_info info;
    llmc_piece p;
    llmc_engine *e;
    void *mem;
    int i;
    o.max_requests = 1;
    o.batch_tokens = 40;
    for (i = 0; i < 100; i++)
        ids[i] = 7;
    if ((e = start(&o, &mem)) == NULL)
        return;
    CHECK(llmc_request_add(&r, e, ids, 100, 0, NULL, &diag) == LLMC_OK);
    llmc_request_progress(r, &info);
    CHECK(info.state == LLMC_REQUEST_WAITING && info.n_read == 0 && info.n_ids == 100);
    CHECK(llmc_engine_pump(e, &diag) == LLMC_OK);
    llmc_request_progress(r, &info);
    CHECK(info.state == LLMC_REQUEST_READING && info.n_read == 40 && !llmc_request_poll(r, &p));
    CHECK(llmc_engine_pump(e, &diag) == LLMC_OK && llmc_engine_pump(e, &diag) == LLMC_OK);
    llmc_request_progress(r, &info);
    CHECK(info.state == LLMC_REQUEST_GENERATING && info.n_read == 100 && info.n_ids == 101);
    CHECK(e->kv[0].n_free < e->kv[0].n_pages);
    llmc_request_close(r);
    CHECK(e->kv[0].n_free == e->kv[0].n_pages && llmc_engine_pump(e, &diag) == LLMC_DONE);
    llmc_request_close(r); /* again: nothing */
    llmc_request_close(NULL);
    CHECK(llmc_request_add(&r, e, ids, 3, 0, NULL, &diag) == LLMC_OK); /* the place is free */
    llmc_request_close(r);
    all_given_back(e);
    free(mem);
}

/* More priority first, then who came first. */
static void who_comes_first(void)
{
    static const int32_t priority[] = {0, 5, 0, 5, -1};
    static const int order[] = {1, 3, 0, 2, 4};
    llmc_engine_options o = view_options(0);
    llmc_request *r[5];
    llmc_seq_options so;
    llmc_token id = 9;
    llmc_piece p;
    llmc_engine *e;
    void *mem;
    int i, done = 0;
    o.max_requests = 5;
    memset(&so, 0, sizeof so);
    so.max_tokens = 2;
    so.ignore_end = true;
    if ((e = start(&o, &mem)) == NULL)
        return;
    for (i = 0; i < 5; i++)
        CHECK(llmc_request_add(&r[i], e, &id, 1, priority[i], &so, &diag) == LLMC_OK);
    while (llmc_engine_pump(e, &diag) == LLMC_OK)
        for (i = 0; i < 5; i++)
            if (llmc_request_poll(r[i], &p) && p.finish != LLMC_FINISH_NONE)
                CHECKF(order[done++] == i, "%d came at place %d", i, done);
    CHECK(done == 5);
    for (i = 0; i < 5; i++)
        llmc_request_close(r[i]);
    all_given_back(e);
    free(mem);
}

/* What does not fit alone fails, by itself, and says which option; the others do not notice. */
static void too_large_alone(void)
{
    llmc_engine_options o = view_options(0);
    llmc_request *large = NULL, *small = NULL, *none = NULL;
    llmc_seq_options so;
    llmc_token ids[CONTEXT];
    llmc_piece p;
    llmc_status status = LLMC_OK;
    llmc_engine *e;
    void *mem;
    int i, failures = 0, n_large = 0, n_small = 0;
    o.max_requests = 3;
    o.max_seqs = 2;
    o.kv_pool_tokens = 96;
    for (i = 0; i < CONTEXT; i++)
        ids[i] = 7;
    memset(&so, 0, sizeof so);
    so.ignore_end = true;
    if ((e = start(&o, &mem)) == NULL)
        return;
    CHECK(llmc_request_add(&none, e, ids, 97, 0, &so, &diag) == LLMC_FULL && none == NULL);
    CHECKF(strstr(diag.message, "kv_pool_tokens") != NULL, "%s", diag.message);
    CHECK(llmc_request_add(&large, e, ids, 60, 0, &so, &diag) == LLMC_OK);
    so.max_tokens = 30;
    CHECK(llmc_request_add(&small, e, ids, 20, 0, &so, &diag) == LLMC_OK);
    while (status != LLMC_DONE) {
        status = llmc_engine_pump(e, &diag);
        if (status != LLMC_OK && status != LLMC_DONE) {
            failures++;
            CHECKF(status == LLMC_FULL && strstr(diag.message, "kv_pool_tokens") != NULL, "%s", diag.message);
        }
        if (llmc_request_poll(large, &p)) {
            n_large += p.token != LLMC_TOKEN_NONE;
            CHECK((p.finish == LLMC_FINISH_FAILED) == (p.token == LLMC_TOKEN_NONE));
        }
        n_small += llmc_request_poll(small, &p) ? 1 : 0;
    }
    CHECKF(failures == 1 && n_large == 37 && n_small == 30, "%d failures, %d and %d tokens", failures,
           n_large, n_small); /* 96 positions are read, a token is chosen after the last */
    llmc_request_close(large);
    llmc_request_close(small);
    all_given_back(e);
    free(mem);
}

/* The caller's sequences leave no room: said, not waited for. */
static void no_sequence_left(void)
{
    llmc_engine_options o = view_options(0);
    llmc_request *r = NULL;
    llmc_seq *s = NULL;
    llmc_token id = 9;
    llmc_piece p;
    llmc_engine *e;
    void *mem;
    o.max_requests = 1;
    if ((e = start(&o, &mem)) == NULL)
        return;
    CHECK(llmc_seq_open(&s, e, NULL, &diag) == LLMC_OK);
    CHECK(llmc_request_add(&r, e, &id, 1, 0, NULL, &diag) == LLMC_OK);
    CHECK(llmc_engine_pump(e, &diag) == LLMC_FULL && strstr(diag.message, "max_seqs") != NULL);
    llmc_seq_close(s);
    CHECK(llmc_engine_pump(e, &diag) == LLMC_OK && llmc_request_poll(r, &p));
    llmc_request_close(r);
    all_given_back(e);
    free(mem);
}

/* The byte budget, and who goes first. */
static void prefixes_are_bounded(void)
{
    llmc_engine_options o = view_options(0);
    llmc_seq_options so;
    llmc_token ids[64];
    llmc_request_info info;
    llmc_engine *e;
    void *mem;
    uint64_t page;
    /* 40 tokens, two pages each: A B A C; with room for two, C takes B's place */
    static const int who[] = {0, 1, 0, 2, 0, 1}, found[] = {0, 0, 1, 0, 1, 0};
    int i, k;
    memset(&so, 0, sizeof so);
    so.max_tokens = 1;
    o.max_requests = 1;
    o.prefix_bytes = 1;
    o.max_prefixes = 5;
    if ((e = start(&o, &mem)) == NULL)
        return;
    page = e->kv[0].page_bytes;
    free(mem);
    o.prefix_bytes = 4 * page + 1;
    if ((e = start(&o, &mem)) == NULL)
        return;
    for (i = 0; i < 6; i++) {
        llmc_request *r = NULL;
        for (k = 0; k < 40; k++)
            ids[k] = (llmc_token)(3 + (k + who[i]) % 50);
        CHECK(llmc_request_add(&r, e, ids, 40, 0, &so, &diag) == LLMC_OK);
        CHECK(llmc_engine_pump(e, &diag) == LLMC_OK);
        llmc_request_progress(r, &info);
        CHECKF(info.n_shared == (found[i] ? 39u : 0u), "%d: %u shared", i, info.n_shared);
        llmc_request_close(r);
        CHECK(counts(e));
    }
    all_given_back(e);
    free(mem);
}

static void refused(const llmc_engine_options *o, const char *word)
{
    size_t need;
    CHECKF(llmc_engine_need(model, o, &need, &diag) == LLMC_BAD_ARG && strstr(diag.message, word) != NULL,
           "%s: %s", word, diag.message);
}

static void options_are_refused(void)
{
    llmc_engine_options o = view_options(0);
    llmc_request *r = NULL;
    llmc_token id = 9;
    llmc_engine *e;
    void *mem;
    o.prefix_bytes = 100;
    refused(&o, "prefix_bytes");
    o.prefix_bytes = 0;
    o.max_requests = 70000;
    refused(&o, "max_requests");
    o.max_requests = 1;
    o.max_prefixes = 1;
    refused(&o, "max_prefixes");
    o.max_prefixes = 0;
    if ((e = start(&o, &mem)) == NULL)
        return;
    CHECK(llmc_request_add(&r, e, &id, 0, 0, NULL, &diag) == LLMC_BAD_ARG);
    id = 9999;
    CHECK(llmc_request_add(&r, e, &id, 1, 0, NULL, &diag) == LLMC_BAD_ARG);
    id = 9;
    CHECK(llmc_request_add(&r, e, &id, 1, 0, NULL, &diag) == LLMC_OK);
    CHECK(llmc_request_add(&r, e, &id, 1, 0, NULL, &diag) == LLMC_FULL);
    CHECKF(strstr(diag.message, "max_requests") != NULL, "%s", diag.message);
    llmc_request_close(r);
    all_given_back(e);
    free(mem);
    o.max_requests = 0; /* an engine without: nothing to pump, and no place */
    if ((e = start(&o, &mem)) == NULL)
        return;
    CHECK(llmc_engine_pump(e, &diag) == LLMC_DONE);
    CHECK(llmc_request_add(&r, e, &id, 1, 0, NULL, &diag) == LLMC_FULL);
    free(mem);
}

/* What places take is quoted, exactly: less is refused. */
static void memory_is_quoted(void)
{
    llmc_engine_options o = view_options(3);
    llmc_engine_memory none, some;
    llmc_engine *e = NULL;
    void *mem;
    CHECK(llmc_engine_quote(model, &o, &none, &diag) == LLMC_OK);
    o.max_requests = 10;
    o.prefix_bytes = 1000;
    o.max_prefixes = 5;
    CHECK(llmc_engine_quote(model, &o, &some, &diag) == LLMC_OK);
    CHECK(some.kv_cache == none.kv_cache);
    CHECKF(some.sequences - none.sequences >= 15 * (CONTEXT * sizeof(llmc_token) + sizeof(llmc_request)) &&
               some.total - none.total <= 15 * (CONTEXT * 6 + sizeof(llmc_request) + 1024),
           "%llu bytes for 15 places", (unsigned long long)(some.total - none.total));
    mem = malloc((size_t)some.total);
    CHECK(llmc_engine_init(&e, model, &o, mem, (size_t)some.total - 1, &diag) == LLMC_NO_MEMORY);
    CHECK(llmc_engine_init(&e, model, &o, mem, (size_t)some.total, &diag) == LLMC_OK);
    free(mem);
}

int main(void)
{
    RUN(loads);
    if (model != NULL) {
        RUN(options_are_refused);
        RUN(memory_is_quoted);
        RUN(cancelled_at_once);
        RUN(who_comes_first);
        RUN(too_large_alone);
        RUN(no_sequence_left);
        RUN(prefixes_are_bounded);
        RUN(a_conversation_goes_on);
        RUN(a_prefix_is_computed_once);
        RUN(a_session_takes_their_room);
        RUN(prefixes_are_saved);
        RUN(schedules_change_nothing);
    }
    free(model_mem);
    free(file_bytes);
    return test_end("schedule");
}
