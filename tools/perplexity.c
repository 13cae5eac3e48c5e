// cc -O2 tools/perplexity.c -o perplexity
/* How well a model predicts a text; how far two models are apart; raw logits. */
#define LLMC_STATIC // the only file: what it does not use is not compiled
#define LLMC_IMPLEMENTATION
#include "tool.h"

static const char usage[] =
    "perplexity -m MODEL -f FILE [-c N]              one number: the perplexity\n"
    "       perplexity -m MODEL --kl BASE -f FILE [-c N]    compares MODEL with BASE\n"
    "       perplexity -m MODEL --ids 1,2,3 [--decode K] --logits OUT\n"
    "       --ids-file IDS instead of -f FILE               for models without a tokenizer\n\n"
    "The text is cut into windows of N tokens that do not overlap, each begun with BOS if\n"
    "the model wants one; every token after the first of its window is scored, also in the\n"
    "last, shorter window if it holds at least two. Ids from a file are cut into windows as\n"
    "they are, without BOS. --kl prints the mean divergence KL(BASE || MODEL) in nats, both\n"
    "perplexities, their ratio and how often both find the same token most likely. --logits\n"
    "writes one row of float32 (native order) for each id.";

/* Logits are computed for at most so many bytes at once. */
#define LOGITS_BYTES (32u << 20)
#define SCORES       256 /* and of so many tokens */

/* A model with what it takes to feed it. */
typedef struct runner {
    llmc_host host;
    uint32_t vocab_size;
    size_t rows; /* tokens in one forward */
    float *logits;
} runner;

static void runner_open(runner *r, const char *path, uint32_t context)
{
    llmc_model_options model;
    llmc_engine_options engine;
    llmc_open_options open;
    llmc_diag diag;
    memset(&model, 0, sizeof model);
    memset(&engine, 0, sizeof engine);
    memset(&open, 0, sizeof open);
    model.log = engine.log = tool_log();
    engine.context_length = context;
    engine.kv_type = tool_opt.kv_type;
    engine.cpu = tool_opt.cpu;
    engine.check_finite = true;
    engine.batch_tokens = tool_opt.batch_tokens != 0 ? tool_opt.batch_tokens : 256;
    if (engine.batch_tokens > context)
        engine.batch_tokens = context;
    open.tokenizer_path = tool_opt.tokenizer;
    open.threads = tool_opt.threads;
    open.engine = &engine;
    tool_check(tool_try_open(&r->host, path, &open, &model, &diag), &diag);
    r->vocab_size = llmc_model_config(r->host.model)->vocab_size;
    r->rows = LOGITS_BYTES / (sizeof(float) * (size_t)r->vocab_size);
    if (r->rows > engine.batch_tokens)
        r->rows = engine.batch_tokens;
    if (r->rows > SCORES)
        r->rows = SCORES;
    if (r->rows == 0)
        r->rows = 1;
    r->logits = (float *)tool_alloc(r->rows, sizeof(float) * (size_t)r->vocab_size);
}

static void runner_close(runner *r)
{
    free(r->logits);
    llmc_close(&r->host);
}

static void runner_restart(runner *r)
{
    llmc_diag diag;
    diag.message[0] = 0;
    tool_check(llmc_seq_truncate(r->host.seq, 0, &diag), &diag);
}

/* Feeds n <= rows tokens; their logits are in r->logits afterwards. */
static void runner_feed(runner *r, const llmc_token *ids, size_t n)
{
    llmc_diag diag;
    diag.message[0] = 0;
    tool_check(llmc_seq_forward(r->host.seq, ids, n, r->logits, n, &diag), &diag);
}

/* ---- scores: one row of logits each, over the threads ------------------------------- */

typedef struct score {
    double nll, base_nll; /* of the token that came */
    double divergence;    /* KL(base || model)      */
    bool agree;           /* on the most likely     */
} score;

typedef struct scoring {
    const float *logits, *base; /* base NULL: only one model */
    const llmc_token *next;
    uint32_t vocab_size;
    score *out;
} scoring;

/* log(sum(exp(x))) in double; *best: the first of the largest. */
static double log_sum_exp(const float *x, uint32_t n, uint32_t *best)
{
    double sum = 0;
    uint32_t i;
    *best = 0;
    for (i = 1; i < n; i++)
        if (x[i] > x[*best])
            *best = i;
    for (i = 0; i < n; i++)
        sum += llmc__exp((double)x[i] - (double)x[*best]);
    return llmc__log(sum) + (double)x[*best];
}

static void score_row(void *arg, uint32_t row)
{
    const scoring *s = (const scoring *)arg;
    const float *x = s->logits + (size_t)row * s->vocab_size;
    score *out = &s->out[row];
    uint32_t best, base_best, i;
    double all = log_sum_exp(x, s->vocab_size, &best);
    memset(out, 0, sizeof *out);
    out->nll = all - (double)x[s->next[row]];
    if (s->base != NULL) {
        const float *y = s->base + (size_t)row * s->vocab_size;
        double base_all = log_sum_exp(y, s->vocab_size, &base_best);
        for (i = 0; i < s->vocab_size; i++) {
            double log_p = (double)y[i] - base_all;
            out->divergence += llmc__exp(log_p) * (log_p - ((double)x[i] - all));
        }
        out->base_nll = base_all - (double)y[s->next[row]];
        out->agree = best == base_best;
    }
}

typedef struct totals {
    double nll, base_nll, divergence;
    uint64_t tokens, agree, windows;
} totals;

/* The logits of n rows against the tokens that follow. base may be NULL. */
static void add_scores(totals *sum, const runner *r, const runner *base, const llmc_token *next, size_t n)
{
    score out[SCORES];
    scoring s;
    llmc_tasks tasks = llmc_pool_tasks(r->host.pool);
    size_t i;
    s.logits = r->logits;
    s.base = base != NULL ? base->logits : NULL;
    s.next = next;
    s.vocab_size = r->vocab_size;
    s.out = out;
    if (n > 1 && tasks.run != NULL)
        tasks.run(tasks.user, (uint32_t)n, score_row, &s);
    else
        for (i = 0; i < n; i++)
            score_row(&s, (uint32_t)i);
    for (i = 0; i < n; i++) { /* in order: the sum does not depend on the threads */
        sum->nll += out[i].nll;
        sum->base_nll += out[i].base_nll;
        sum->divergence += out[i].divergence;
        sum->agree += out[i].agree;
    }
    sum->tokens += n;
}

/* One window [n], n >= 2; the last token is only scored. */
static void score_window(totals *sum, runner *r, runner *base, const llmc_token *ids, size_t n)
{
    size_t step = base != NULL && base->rows < r->rows ? base->rows : r->rows, at;
    runner_restart(r);
    if (base != NULL)
        runner_restart(base);
    for (at = 0; at + 1 < n; at += step) {
        size_t m = n - 1 - at < step ? n - 1 - at : step;
        runner_feed(r, ids + at, m);
        if (base != NULL)
            runner_feed(base, ids + at, m);
        add_scores(sum, r, base, ids + at + 1, m);
    }
    sum->windows++;
}

/* tok NULL: windows are not begun with anything. */
static void score_text(totals *sum, runner *r, runner *base, const llmc_tokenizer *tok, const llmc_token *ids,
                       size_t n, size_t window)
{
    llmc_progress progress = tool_progress();
    llmc_token *buffer = (llmc_token *)tool_alloc(window, sizeof *buffer);
    size_t lead = tok != NULL && llmc_tokenizer_adds_bos(tok) ? 1 : 0, at, m;
    memset(sum, 0, sizeof *sum);
    if (lead != 0)
        buffer[0] = llmc_tokenizer_special(tok, LLMC_SPECIAL_BOS);
    for (at = 0; at < n; at += m) {
        m = n - at < window - lead ? n - at : window - lead;
        memcpy(buffer + lead, ids + at, m * sizeof *ids);
        if (m + lead >= 2)
            score_window(sum, r, base, buffer, m + lead);
        if (!progress.fn(progress.user, "perplexity", at + m, n))
            tool_die("interrupted");
    }
    free(buffer);
    if (sum->tokens == 0)
        tool_die("the text has too few tokens (%zu) to score any", n);
}

/* ---- the three modes -------------------------------------------------------------------- */

static uint32_t context_of(const runner *r)
{
    return llmc_engine_context(r->host.engine);
}

/* The default window: what the model was trained on, but no more than 512. */
static uint32_t window_of(const char *path)
{
    llmc_host host;
    uint32_t n = tool_opt.context;
    if (n == 0) {
        tool_open_model(&host, path, false);
        n = llmc_model_config(host.model)->context_length;
        n = n < 512 ? n : 512;
        llmc_close(&host);
    }
    if (n < 2)
        tool_misused("-c: a window has at least two tokens");
    return n;
}

static llmc_token *text_ids(const llmc_model *model, const char *path, size_t limit, size_t *n)
{
    const llmc_tokenizer *tok = llmc_model_tokenizer(model);
    llmc_encode_options opt;
    size_t len;
    char *text = tool_read(path, limit, &len);
    llmc_token *ids;
    memset(&opt, 0, sizeof opt);
    if (tok == NULL)
        tool_die("%s: holds no tokenizer; --tokenizer FILE gives one, --ids-file needs none", tool_opt.model);
    ids = tool_encode(tok, text, len, &opt, n);
    free(text);
    return ids;
}

static llmc_token *file_ids(const llmc_model *model, const char *path, size_t *n)
{
    size_t len;
    char *text = tool_read(path, 0, &len);
    llmc_token *ids = tool_ids(text, len, llmc_model_config(model)->vocab_size, n);
    free(text);
    return ids;
}

/* A comparison makes sense only if an id means the same to both. */
static void check_same_vocabulary(const llmc_model *a, const llmc_model *b)
{
    const llmc_tokenizer *x = llmc_model_tokenizer(a), *y = llmc_model_tokenizer(b);
    uint32_t n = llmc_model_config(a)->vocab_size, i;
    llmc_token_info p, q;
    if (n != llmc_model_config(b)->vocab_size)
        tool_die("the models have vocabularies of %u and %u tokens: no comparison", n,
                 llmc_model_config(b)->vocab_size);
    for (i = 0; y != NULL && i < n; i++)
        if (llmc_token_get(x, (llmc_token)i, &p) == LLMC_OK &&
            llmc_token_get(y, (llmc_token)i, &q) == LLMC_OK &&
            (p.text_len != q.text_len || memcmp(p.text, q.text, p.text_len) != 0))
            tool_die("token %u is '%.*s' in one model and '%.*s' in the other: no comparison", i,
                     (int)(p.text_len < 40 ? p.text_len : 40), p.text,
                     (int)(q.text_len < 40 ? q.text_len : 40), q.text);
}

/* file: a text, of which the first limit bytes count (0: all); NULL: ids_file is scored. */
static void measure(const char *file, const char *ids_file, const char *base_path, size_t limit)
{
    runner r, base;
    totals sum;
    double start = tool_seconds(), count;
    uint32_t window = window_of(tool_opt.model);
    llmc_token *ids;
    size_t n;
    runner_open(&r, tool_opt.model, window);
    ids = file != NULL ? text_ids(r.host.model, file, limit, &n) : file_ids(r.host.model, ids_file, &n);
    if (base_path != NULL) {
        runner_open(&base, base_path, window);
        check_same_vocabulary(r.host.model, base.host.model);
    }
    score_text(&sum, &r, base_path != NULL ? &base : NULL,
               file != NULL ? llmc_model_tokenizer(r.host.model) : NULL, ids, n,
               context_of(&r) < window ? context_of(&r) : window);
    count = (double)sum.tokens;
    if (base_path == NULL) {
        printf("%.6f\n", llmc__exp(sum.nll / count));
    } else {
        double p = llmc__exp(sum.nll / count), q = llmc__exp(sum.base_nll / count);
        printf("kl %.6f perplexity %.6f base %.6f ratio %.6f top1 %.2f %%\n", sum.divergence / count, p, q,
               p / q, 100.0 * (double)sum.agree / count);
        runner_close(&base);
    }
    tool_bar_clear();
    fprintf(stderr, "%s: %llu tokens scored in %llu windows of %u, %.1f s\n", tool_name,
            (unsigned long long)sum.tokens, (unsigned long long)sum.windows, window, tool_seconds() - start);
    free(ids);
    runner_close(&r);
}

/* Rows of logits as they are in memory. */
static void write_rows(tool_out *out, const runner *r, size_t n)
{
    errno = 0;
    if (!tool_out_write(out, r->logits, n * r->vocab_size * sizeof(float)))
        tool_out_failed(out);
}

static void write_logits(const char *list, uint32_t decode, const char *path)
{
    runner r;
    tool_out out;
    llmc_host host;
    size_t n, at, m;
    llmc_token *ids;
    tool_open_model(&host, tool_opt.model, false);
    ids = tool_ids(list, strlen(list), llmc_model_config(host.model)->vocab_size, &n);
    llmc_close(&host);
    if (n == 0)
        tool_misused("--ids: no id given");
    if (decode > n)
        tool_misused("--decode %u: only %zu ids are given", decode, n);
    if (n > UINT32_MAX)
        tool_misused("--ids: too many");
    runner_open(&r, tool_opt.model, tool_opt.context != 0 ? tool_opt.context : (uint32_t)n);
    tool_catch_signals();
    tool_out_open(&out, path);
    for (at = 0; at < n; at += m) {
        size_t left = at < n - decode ? n - decode - at : 1;
        m = left < r.rows ? left : r.rows;
        runner_feed(&r, ids + at, m);
        write_rows(&out, &r, m);
        if (!tool_draw(NULL, "logits", at + m, n))
            tool_die("interrupted");
    }
    tool_out_close(&out);
    tool_info("%s: %zu rows of %u float32", path, n, r.vocab_size);
    free(ids);
    runner_close(&r);
}

int main(int argc, char **argv)
{
    static const char *file, *ids_file, *base, *ids, *logits;
    static uint32_t decode;
    static uint64_t bytes;
    static const tool_option options[] = {
        TOOL_OPTIONS_MODEL,
        {'f', "file", TOOL_TEXT, &file, "FILE", "the text; - for standard input"},
        {'c', "context", TOOL_U32, &tool_opt.context, "N",
         "tokens in a window; default: as trained, at most 512"},
        {0, "bytes", TOOL_U64, &bytes, "N", "only the first N bytes of FILE"},
        {0, "ids-file", TOOL_TEXT, &ids_file, "IDS",
         "token ids instead of a text, separated by blanks or commas"},
        {0, "kl", TOOL_TEXT, &base, "BASE", "compare with this model"},
        {0, "ids", TOOL_TEXT, &ids, "LIST", "token ids to feed, as they are"},
        {0, "decode", TOOL_U32, &decode, "K", "feed the last K ids one at a time"},
        {0, "logits", TOOL_TEXT, &logits, "OUT", "where the logits go; - for standard output"},
        TOOL_OPTION_THREADS,
        TOOL_OPTIONS_ENGINE,
        TOOL_OPTIONS_ALL,
    };
    int n;
    char **args;
    tool_name = "perplexity";
    args = tool_parse(argc, argv, usage, options, TOOL_COUNT_OF(options), &n);
    if (n != 0)
        tool_misused("'%s' is no option", args[0]);
    if (tool_opt.model == NULL)
        tool_misused("-m MODEL is missing");
    if ((ids == NULL) != (logits == NULL) || (ids == NULL && decode != 0))
        tool_misused("--ids, --decode and --logits go together");
    if (ids == NULL && file == NULL && ids_file == NULL)
        tool_misused("-f FILE is missing");
    if (ids != NULL && (file != NULL || ids_file != NULL || base != NULL || bytes != 0))
        tool_misused("--ids does not go with -f, --ids-file, --bytes or --kl");
    if (ids_file != NULL && (file != NULL || bytes != 0))
        tool_misused("--ids-file does not go with -f or --bytes");
    if (bytes > SIZE_MAX)
        tool_misused("--bytes: too many");
    if (ids != NULL)
        write_logits(ids, decode, logits);
    else
        measure(file, ids_file, base, (size_t)bytes);
    return tool_end();
}
