// cc -O2 tools/perplexity.c -o perplexity
/* How well a model predicts a text; how many answers it knows; how far two models are apart; raw logits. */
#define LLMC_STATIC // the only file: what it does not use is not compiled
#define LLMC_IMPLEMENTATION
#include "tool.h"

static const char usage[] =
    "perplexity -m MODEL -f FILE [-c N]              one number: the perplexity\n"
    "       perplexity -m MODEL --kl BASE -f FILE [-c N]    compares MODEL with BASE\n"
    "       perplexity -m MODEL --score SET [--chat] [-n N] a set of questions, a JSON object a line\n"
    "       perplexity -m MODEL --ids 1,2,3 [--decode K] --logits OUT\n"
    "       --ids-file IDS instead of -f FILE               for models without a tokenizer\n\n"
    "The text is cut into windows of N tokens that do not overlap, each begun with BOS if\n"
    "the model wants one; every token after the first of its window is scored, also in the\n"
    "last, shorter window if it holds at least two. Ids from a file are cut into windows as\n"
    "they are, without BOS. --kl prints the mean divergence KL(BASE || MODEL) in nats, both\n"
    "perplexities, their ratio and how often both find the same token most likely. --logits\n"
    "writes one row of float32 (native order) for each id.\n\n"
    "--score: {\"prompt\": P, \"choices\": [...], \"answer\": A}, A an index from 0 or one of them:\n"
    "the choice that is the most probable continuation of P counts, and, per byte, the most\n"
    "probable for its length; {\"prompt\": P, \"answer\": A}: the greedy continuation has to be A\n"
    "but for white space around it, up to its end, a line end that A lacks, or N tokens. Texts\n"
    "follow P as they stand; with --chat P is a message, and they are the reply.";

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
    tool_engine(&engine);
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

/* ---- the modes -------------------------------------------------------------------- */

static uint32_t context_of(const runner *r)
{
    return llmc_engine_context(r->host.engine);
}

/* The default window: what the model was trained on, but no more than `most`. */
static uint32_t window_of(const char *path, uint32_t most)
{
    llmc_host host;
    uint32_t n = tool_opt.context;
    if (n == 0) {
        tool_open_model(&host, path, false);
        n = llmc_model_config(host.model)->context_length;
        n = n < most ? n : most;
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
    uint32_t window = window_of(tool_opt.model, 512);
    llmc_token *ids;
    size_t n;
    runner_open(&r, tool_opt.model, window);
    tool_compare(r.host.model);
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

/* ---- sets of questions ------------------------------------------------------------- */

/* A line of a set, and how it came out. */
typedef struct question {
    const char *path;
    uint32_t line;
    char *prompt, *answer; /* answer NULL: choices */
    llmc_json choices;
    size_t prompt_len, right, count; /* which of how many choices */
} question;

typedef struct set_totals {
    uint64_t choice, choice_right, byte_right, exact, exact_right;
} set_totals;

/* What is fed: ids [n], of which [0, first) are the prompt; the sequence holds the first `held`. */
typedef struct feed {
    llmc_token *ids;
    size_t n, first, held, cap;
} feed;

TOOL_NORETURN static void bad_question(const question *q, const char *why)
{
    tool_die("%s: line %u: %s", q->path, q->line, why);
}

/* A string of a question; the caller frees it. */
static char *string_of(llmc_json value, size_t *len)
{
    char *text;
    *len = llmc_json_string(value, NULL, 0);
    text = (char *)tool_alloc(*len + 1, 1);
    llmc_json_string(value, text, *len + 1);
    return text;
}

/* One line as a question. */
static void question_of(question *q, const llmc_blob *line)
{
    llmc_json root, answer, choice;
    llmc_json_iter it;
    llmc_diag diag;
    size_t len;
    if (llmc_json_parse(line, &root, &diag) != LLMC_OK)
        bad_question(q, diag.message);
    answer = llmc_json_get(root, "answer");
    q->choices = llmc_json_get(root, "choices");
    q->answer = NULL;
    q->count = 0;
    q->right = SIZE_MAX;
    if (llmc_json_get(root, "prompt").type != LLMC_JSON_STRING)
        bad_question(q, "'prompt' must be a string");
    if (q->choices.type == LLMC_JSON_NONE) {
        if (answer.type != LLMC_JSON_STRING)
            bad_question(q, "'answer' must be a string where there are no 'choices'");
        q->answer = string_of(answer, &len);
        q->prompt = string_of(llmc_json_get(root, "prompt"), &q->prompt_len);
        return;
    }
    memset(&it, 0, sizeof it);
    while (q->choices.type == LLMC_JSON_ARRAY && llmc_json_next(q->choices, &it, NULL, &choice)) {
        char *text = string_of(choice, &len);
        if (len == 0)
            bad_question(q, "'choices' must be strings that are not empty");
        if (answer.type == LLMC_JSON_STRING && llmc_json_equal(answer, text))
            q->right = q->count;
        free(text);
        q->count++;
    }
    if (answer.type == LLMC_JSON_NUMBER && llmc_json_integer(answer, -1) >= 0)
        q->right = (size_t)llmc_json_integer(answer, -1);
    if (q->count < 2 || q->right >= q->count)
        bad_question(q, "'choices' must be two or more, and 'answer' an index of them from 0 or one of them");
    q->prompt = string_of(llmc_json_get(root, "prompt"), &q->prompt_len);
}

/* The ids of a question's prompt and the text behind it in f, and which of them hold bytes of that text. What
   f holds in common with the ids before stays fed. */
static void feed_text(const runner *r, const question *q, const char *text, bool chat, feed *f)
{
    const llmc_tokenizer *tok = llmc_model_tokenizer(r->host.model);
    llmc_encode_options opt;
    llmc_token *old = f->ids, *ids;
    size_t n, lead = 0, same = 0, len = strlen(text);
    memset(&opt, 0, sizeof opt);
    if (chat) {
        llmc_chat_options options;
        llmc_message message;
        llmc_diag diag;
        const llmc_token *given;
        memset(&options, 0, sizeof options);
        memset(&message, 0, sizeof message);
        message.role = "user";
        message.text = q->prompt;
        diag.message[0] = 0;
        tool_check(llmc__chat_ids(r->host.engine, &options, &message, 1, &given, &lead, &diag), &diag);
        ids = tool_encode(tok, text, len, &opt, &n);
        f->ids = (llmc_token *)tool_alloc(lead + n + 1, sizeof *ids);
        memcpy(f->ids, given, lead * sizeof *ids);
        memcpy(f->ids + lead, ids, n * sizeof *ids);
        free(ids);
        f->n = lead + n;
        f->first = lead;
    } else {
        char *whole = (char *)tool_alloc(q->prompt_len + len + 1, 1);
        memcpy(whole, q->prompt, q->prompt_len);
        memcpy(whole + q->prompt_len, text, len);
        opt.add_bos = llmc_tokenizer_adds_bos(tok);
        opt.offsets = (llmc_span *)tool_alloc(q->prompt_len + len + 64, sizeof *opt.offsets);
        f->ids = tool_encode(tok, whole, q->prompt_len + len, &opt, &f->n);
        for (f->first = 0; f->first < f->n && opt.offsets[f->first].end <= q->prompt_len; f->first++)
            ;
        free(opt.offsets);
        free(whole);
    }
    if (f->first == 0)
        bad_question(q, "the prompt has no token");
    if (f->n > context_of(r))
        bad_question(q, "the texts have more tokens than the context; -c N makes it longer");
    while (same < f->held && same < f->first - 1 && same < f->n && old[same] == f->ids[same])
        same++;
    f->held = same;
    free(old);
}

/* Feeds all up to id n, whose logits come last; those before are not wanted. */
static void feed_up_to(runner *r, feed *f, size_t n)
{
    llmc_diag diag;
    diag.message[0] = 0;
    tool_check(llmc_seq_truncate(r->host.seq, f->held, &diag), &diag);
    while (f->held < n) {
        size_t m = n - f->held < r->rows ? n - f->held : r->rows;
        tool_check(llmc_seq_forward(r->host.seq, f->ids + f->held, m, r->logits, 1, &diag), &diag);
        f->held += m;
    }
}

/* Minus the log probability of the ids behind the prompt. */
static double feed_nll(runner *r, feed *f)
{
    totals sum;
    memset(&sum, 0, sizeof sum);
    feed_up_to(r, f, f->first - 1);
    while (f->held + 1 < f->n) {
        size_t m = f->n - 1 - f->held < r->rows ? f->n - 1 - f->held : r->rows;
        runner_feed(r, f->ids + f->held, m);
        add_scores(&sum, r, NULL, f->ids + f->held + 1, m);
        f->held += m;
    }
    return sum.nll;
}

/* Which choice is the most probable, as a whole and per byte; of several the first. */
static void ask_choices(runner *r, const question *q, bool chat, feed *f, set_totals *sum)
{
    double best = 0, best_byte = 0;
    size_t which = 0, which_byte = 0, i = 0, len;
    llmc_json choice;
    llmc_json_iter it;
    memset(&it, 0, sizeof it);
    for (; llmc_json_next(q->choices, &it, NULL, &choice); i++) {
        char *text = string_of(choice, &len);
        double nll;
        feed_text(r, q, text, chat, f);
        nll = feed_nll(r, f);
        tool_info("%s: line %u: choice %zu has log probability %.4f%s", q->path, q->line, i, -nll,
                  i == q->right ? ", the answer" : "");
        if (i == 0 || nll < best) {
            best = nll;
            which = i;
        }
        if (i == 0 || nll / (double)len < best_byte) {
            best_byte = nll / (double)len;
            which_byte = i;
        }
        free(text);
    }
    sum->choice++;
    sum->choice_right += which == q->right;
    sum->byte_right += which_byte == q->right;
}

/* Text without white space around it. */
static char *trimmed(char *text)
{
    size_t n;
    text += strspn(text, " \t\r\n");
    for (n = strlen(text); n > 0 && strchr(" \t\r\n", text[n - 1]) != NULL; n--)
        text[n - 1] = 0;
    return text;
}

/* The greedy continuation against the answer. */
static void ask_exact(runner *r, const question *q, bool chat, uint32_t most, feed *f, set_totals *sum)
{
    const llmc_tokenizer *tok = llmc_model_tokenizer(r->host.model);
    llmc_decoder dec;
    llmc_diag diag;
    size_t room = llmc_decoder_room(tok), n = 0, len, i;
    char *text = (char *)tool_alloc((size_t)most + 2, room), *got;
    bool lines = strchr(trimmed(q->answer), '\n') != NULL;
    uint32_t best;
    feed_text(r, q, "", chat, f);
    f->first = f->n;
    f->held = f->held < f->n ? f->held : f->n - 1;
    feed_up_to(r, f, f->n);
    llmc_decoder_init(&dec, tok, NULL);
    for (i = 0; i < most && f->n + i < context_of(r); i++) {
        llmc_token id;
        (void)log_sum_exp(r->logits, r->vocab_size, &best);
        id = (llmc_token)best;
        if (llmc_token_ends(tok, id))
            break;
        tool_check(llmc_decoder_next(&dec, id, text + n, room, &len, &diag), &diag);
        n += len;
        text[n] = 0;
        if (!lines && strchr(text + strspn(text, " \t\r\n"), '\n') != NULL)
            break;
        runner_feed(r, &id, 1);
    }
    got = trimmed(text);
    if (!lines)
        got[strcspn(got, "\n")] = 0;
    got = trimmed(got);
    tool_info("%s: line %u: '%s', expected '%s'", q->path, q->line, got, trimmed(q->answer));
    sum->exact++;
    sum->exact_right += strcmp(got, trimmed(q->answer)) == 0;
    free(text);
    if (llmc_seq_truncate(r->host.seq, f->held, &diag) != LLMC_OK)
        f->held = 0;
}

static double percent(uint64_t part, uint64_t of)
{
    return 100.0 * (double)part / (double)of;
}

/* Every line of a set that is not blank. */
static void score_set(const char *path, bool chat, uint32_t most)
{
    runner r;
    set_totals sum;
    feed f;
    question q;
    size_t len, at, n;
    char *text = tool_read(path, 0, &len);
    uint32_t window = window_of(tool_opt.model, 2048);
    memset(&sum, 0, sizeof sum);
    memset(&f, 0, sizeof f);
    memset(&q, 0, sizeof q);
    q.path = strcmp(path, "-") == 0 ? "standard input" : path;
    runner_open(&r, tool_opt.model, window);
    if (llmc_model_tokenizer(r.host.model) == NULL)
        tool_die("%s: holds no tokenizer; --tokenizer FILE gives one", tool_opt.model);
    for (at = 0; at < len; at += n + 1) {
        llmc_blob line;
        const char *end = (const char *)memchr(text + at, '\n', len - at);
        n = end != NULL ? (size_t)(end - (text + at)) : len - at;
        q.line++;
        line.data = text + at;
        line.size = n;
        line.name = "the line";
        if (!tool_draw(NULL, "score", at, len + 1))
            tool_die("interrupted");
        while (line.size > 0 && strchr(" \t\r", text[at + line.size - 1]) != NULL)
            line.size--;
        if (line.size == 0)
            continue;
        question_of(&q, &line);
        if (q.answer == NULL)
            ask_choices(&r, &q, chat, &f, &sum);
        else
            ask_exact(&r, &q, chat, most, &f, &sum);
        free(q.prompt);
        free(q.answer);
    }
    tool_bar_clear();
    if (sum.choice + sum.exact == 0)
        tool_die("%s: holds no question", q.path);
    if (sum.choice > 0)
        printf("choices %llu of %llu: %.2f %%, per byte %.2f %%\n", (unsigned long long)sum.choice_right,
               (unsigned long long)sum.choice, percent(sum.choice_right, sum.choice),
               percent(sum.byte_right, sum.choice));
    if (sum.exact > 0)
        printf("exact %llu of %llu: %.2f %%\n", (unsigned long long)sum.exact_right,
               (unsigned long long)sum.exact, percent(sum.exact_right, sum.exact));
    free(f.ids);
    free(text);
    runner_close(&r);
}

/* Rows of logits as they are in memory. */
static void write_rows(tool_out *out, const runner *r, size_t n)
{
    if (!tool_out_write(out, r->logits, n * r->vocab_size * sizeof(float)))
        tool_out_close(out); /* says why */
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
    tool_compare(r.host.model);
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
    static const char *file, *ids_file, *base, *ids, *logits, *set;
    static uint32_t decode, most;
    static bool chat;
    static uint64_t bytes;
    static const tool_option options[] = {
        TOOL_OPTIONS_MODEL,
        {'f', "file", TOOL_TEXT, &file, "FILE", "the text; - for standard input"},
        {'c', "context", TOOL_U32, &tool_opt.context, "N",
         "tokens in a window; default: as trained, at most 512 (--score: 2048)"},
        {0, "bytes", TOOL_U64, &bytes, "N", "only the first N bytes of FILE"},
        {0, "ids-file", TOOL_TEXT, &ids_file, "IDS",
         "token ids instead of a text, separated by blanks or commas"},
        {0, "kl", TOOL_TEXT, &base, "BASE", "compare with this model"},
        {0, "score", TOOL_TEXT, &set, "SET", "answer the questions of this file"},
        {0, "chat", TOOL_FLAG, &chat, NULL, "with --score: by the model's chat template"},
        {'n', "tokens", TOOL_U32, &most, "N", "with --score: most tokens of an answer; default 64"},
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
    if (set == NULL && (chat || most != 0))
        tool_misused("--chat and -n go with --score");
    if (set != NULL) {
        if (file != NULL || ids_file != NULL || base != NULL || ids != NULL || logits != NULL || bytes != 0)
            tool_misused("--score does not go with -f, --ids-file, --bytes, --kl, --ids or --logits");
        score_set(set, chat, most != 0 ? most : 64);
        return tool_end();
    }
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
