// cc -O2 tools/longrun.c -o longrun
/* What becomes of a model far beyond the length it was trained for: memory, speed, perplexity. */
#define LLMC_STATIC // the only file: what it does not use is not compiled
#define LLMC_IMPLEMENTATION
#include "tool.h"

static const char usage[] =
    "longrun life  -m MODEL [--tokens N]   reads and tells stories to N tokens; a model of stories\n"
    "       longrun sinks                         a model built by hand to need its first token\n"
    "       longrun ntk   -m MODEL                NTK scaling against none beyond the trained length\n"
    "       longrun speed -m MODEL [--tokens N]   time per token and memory at --at and at N\n\n"
    "Each prints a table, a plot and what it claims; exit code 1 if a claim does not hold.\n"
    "life makes its own text: stories that the model tells from BOS at temperature 1, one by\n"
    "one in fresh contexts. The long sequence reads 768 tokens of them in random order, goes on\n"
    "by itself for 256, reads again, and so on. The first 2000 tokens come once more near the\n"
    "end (990k of a million), each time before the same passage of 1000.";

static uint32_t at_token = 8192;
static uint64_t n_tokens, seed = 1, tolerance = 5;
static uint32_t n_failed; /* claims */

/* What has to hold; said, counted, and the exit code in the end. */
TOOL_FORMAT(2, 3) static void claim(bool holds, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    printf("%s  ", holds ? "holds" : "FAILS");
    vprintf(fmt, args);
    printf("\n");
    fflush(stdout);
    va_end(args);
    n_failed += !holds;
}

/* Resident memory of this process in kB; 0 where it is not known. */
static double resident(void)
{
    double pages = 0, size = 0;
#ifdef __linux__
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%lf %lf", &size, &pages) != 2)
            pages = 0;
        fclose(file);
        pages *= (double)sysconf(_SC_PAGESIZE) / 1024.0;
    }
#endif
    return pages + size * 0;
}

/* Whether memory stayed what it was: pages of the program itself and of its output come in by and by. */
static bool flat(double first, double last)
{
    return last <= first * 1.005 + 256;
}

static double percent(double a, double b)
{
    return 100.0 * (a / b - 1.0);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The same without its sign. */
static double apart(double a, double b)
{
    double d = percent(a, b);
    return d < 0 ? -d : d;
}

/* ---- plots in text ------------------------------------------------------------------------- */

typedef struct plot {
    const char *title, *unit;
    uint32_t n, cell;   /* columns, and how wide one is */
    char (*label)[8];   /* [n] below the columns; of narrow ones only every so many fit */
    const double *y[4]; /* [n] each; a value of 0 or less is not drawn */
    const char *name[4];
    uint32_t n_series;
} plot;

/* Rows on a scale of logarithms, since perplexities that break are many times those that hold. */
static void plot_draw(const plot *p)
{
    static const char mark[] = "o*x+";
    double lo = 1e300, hi = 0;
    uint32_t row, col, s, height = 12, every = 1;
    for (s = 0; s < p->n_series; s++)
        for (col = 0; col < p->n; col++)
            if (p->y[s][col] > 0) {
                lo = p->y[s][col] < lo ? p->y[s][col] : lo;
                hi = p->y[s][col] > hi ? p->y[s][col] : hi;
            }
    lo *= 0.9;
    hi *= 1.1;
    printf("\n%s\n", p->title);
    for (row = 0; row < height; row++) {
        double level = llmc__exp(llmc__log(hi) - (row + 0.5) / height * llmc__log(hi / lo));
        printf("%8.4g |", level);
        for (col = 0; col < p->n; col++) {
            char c = ' ';
            for (s = p->n_series; s-- > 0;) {
                double y = p->y[s][col];
                double at = y > 0 ? llmc__log(hi / y) / llmc__log(hi / lo) * height : -1;
                c = at >= row && at < row + 1.0 ? mark[s] : c;
            }
            printf("%*c", (int)p->cell, c);
        }
        printf("\n");
    }
    printf("%8s +%.*s\n          ", p->unit, (int)(p->n * p->cell),
           "----------------------------------------------------------------------------------------");
    while (p->cell * every < 6)
        every++;
    for (col = 0; col + every <= p->n; col += every)
        printf("%*s", (int)(p->cell * every), p->label[col + every - 1]);
    printf("\n         ");
    for (s = 0; s < p->n_series; s++)
        printf(" %c %s%s", mark[s], p->name[s], s + 1 < p->n_series ? "  " : "\n\n");
}

/* 4096 as "4k", a million as "1000k". */
static void plot_label(char out[8], double position)
{
    if (position < 1000)
        snprintf(out, 8, "%.0f", position);
    else if (position < 9999)
        snprintf(out, 8, "%.1fk", position / 1000.0);
    else
        snprintf(out, 8, "%.0fk", position / 1000.0);
}

/* ---- a reader: an engine with sequences, and memory that is all touched before it starts ---- */

typedef struct reader {
    llmc_engine *engine;
    llmc_seq *seq[2];
    void *mem;
    size_t bytes;
    uint32_t n_vocab, batch;
    float *logits; /* [batch][n_vocab] */
    float *next;   /* [2][n_vocab] what each sequence expects now */
} reader;

/* opt: what the caller wants; size and batch_tokens are filled in here. */
static void reader_open(reader *r, const llmc_model *model, llmc_engine_options *opt, llmc_tasks tasks)
{
    llmc_diag diag;
    uint32_t i;
    memset(r, 0, sizeof *r);
    diag.message[0] = 0;
    opt->max_seqs = opt->max_seqs == 0 ? 1 : opt->max_seqs;
    opt->batch_tokens = opt->batch_tokens == 0 ? 64 : opt->batch_tokens;
    opt->text_bytes = 64; /* ids only */
    opt->cpu = tool_opt.cpu;
    opt->log = tool_log();
    opt->tasks = tasks;
    tool_check(llmc_engine_need(model, opt, &r->bytes, &diag), &diag);
    r->mem = tool_alloc(r->bytes, 1);
    memset(r->mem, 0xa5, r->bytes); /* resident from here on, so that what grows later can be seen */
    tool_check(llmc_engine_init(&r->engine, model, opt, r->mem, r->bytes, &diag), &diag);
    for (i = 0; i < opt->max_seqs && i < 2; i++)
        tool_check(llmc_seq_open(&r->seq[i], r->engine, NULL, &diag), &diag);
    r->n_vocab = llmc_model_config(model)->vocab_size;
    r->batch = opt->batch_tokens;
    r->logits = (float *)tool_alloc((size_t)r->batch * r->n_vocab, sizeof(float));
    r->next = (float *)tool_alloc((size_t)2 * r->n_vocab, sizeof(float));
    memset(r->logits, 0xa5, (size_t)r->batch * r->n_vocab * sizeof(float));
}

static void reader_close(reader *r)
{
    uint32_t i;
    for (i = 0; i < 2; i++)
        if (r->seq[i] != NULL)
            llmc_seq_close(r->seq[i]);
    free(r->mem);
    free(r->logits);
    free(r->next);
}

static size_t reader_length(const reader *r, uint32_t s)
{
    size_t n;
    llmc_seq_ids(r->seq[s], &n);
    return n;
}

/* Reads ids [n] into sequence s; nll, if not NULL, gets what each cost, in nats, nll[0] by what stood before. */
static void reader_feed(reader *r, uint32_t s, const llmc_token *ids, size_t n, double *nll)
{
    float *next = r->next + (size_t)s * r->n_vocab;
    size_t at, m, i;
    llmc_diag diag;
    for (at = 0; at < n; at += m) {
        m = n - at < r->batch ? n - at : r->batch;
        diag.message[0] = 0;
        tool_check(llmc_seq_forward(r->seq[s], ids + at, m, r->logits, nll != NULL ? m : 1, &diag), &diag);
        for (i = 0; nll != NULL && i < m; i++) {
            const float *row = i == 0 ? next : r->logits + (i - 1) * r->n_vocab;
            nll[at + i] = -(double)llmc_logprob(row, r->n_vocab, ids[at + i]);
        }
        memcpy(next, r->logits + (nll != NULL ? m - 1 : 0) * r->n_vocab, r->n_vocab * sizeof(float));
    }
}

/* Goes on by itself: n tokens at temperature 1 into out; seconds per token. */
static double reader_tell(reader *r, uint32_t s, llmc_rng *rng, llmc_token *out, size_t n, void *work)
{
    float *next = r->next + (size_t)s * r->n_vocab;
    llmc_sample_options sample;
    double start = tool_seconds();
    llmc_diag diag;
    size_t i;
    memset(&sample, 0, sizeof sample);
    sample.temperature = 1.0f;
    for (i = 0; i < n; i++) {
        diag.message[0] = 0;
        tool_check(llmc_sample(&sample, rng, next, r->n_vocab, NULL, 0, work, llmc_sample_need(r->n_vocab),
                               &out[i], NULL, &diag),
                   &diag);
        tool_check(llmc_seq_forward(r->seq[s], &out[i], 1, next, 1, &diag), &diag);
    }
    return (tool_seconds() - start) / (double)n;
}

/* Seconds per token of both sequences in turn, as long as one has to wait for nothing else: the medians of
   `rounds` blocks of n tokens. A machine that others use changes speed; both see the same changes. */
static void reader_race(reader *r, uint32_t rounds, uint32_t n, llmc_rng *rng, double seconds[2])
{
    double *t = (double *)tool_alloc((size_t)2 * rounds, sizeof *t);
    llmc_diag diag;
    uint32_t round, s, i;
    for (round = 0; round < rounds; round++)
        for (s = 0; s < 2; s++) {
            uint32_t who = (s + round) % 2;
            double start = tool_seconds();
            for (i = 0; i < n; i++) {
                llmc_token id = (llmc_token)(llmc_rng_u64(rng) % r->n_vocab);
                diag.message[0] = 0;
                tool_check(llmc_seq_forward(r->seq[who], &id, 1, r->logits, 1, &diag), &diag);
            }
            t[who * rounds + round] = (tool_seconds() - start) / n;
        }
    seconds[0] = tool_median(t, rounds);
    seconds[1] = tool_median(t + rounds, rounds);
    free(t);
}

/* ---- life: a million tokens of stories --------------------------------------------------------- */

enum { LEAD = 2000, PASSAGE = 1000, READ = 768, TELL = 256, N_STRETCH = 10, N_LIVES = 4 };

/* Stories, one after another, each begun with BOS; the first begins the long sequence. */
typedef struct library {
    llmc_token *ids, bos;
    size_t n, cap;
    uint32_t *story; /* [n_stories] where each begins */
    uint32_t n_stories;
} library;

static bool ends_story(const llmc_model *model, const library *lib, llmc_token id)
{
    return id == lib->bos || llmc_model_ends(model, id);
}

/* The model's own stories, about n tokens of them, each at most as long as `longest`. */
static library write_library(const llmc_model *model, llmc_tasks tasks, size_t n, uint32_t longest,
                             llmc_rng *rng)
{
    llmc_engine_options opt;
    library lib;
    reader author;
    void *work;
    memset(&opt, 0, sizeof opt);
    memset(&lib, 0, sizeof lib);
    opt.context_length = longest;
    opt.batch_tokens = 1;
    reader_open(&author, model, &opt, tasks);
    work = tool_alloc(llmc_sample_need(author.n_vocab), 1);
    lib.bos = llmc_tokenizer_special(llmc_model_tokenizer(model), LLMC_SPECIAL_BOS);
    if (lib.bos == LLMC_TOKEN_NONE)
        tool_die("%s: no token begins a text; this is no model of stories", tool_opt.model);
    lib.cap = n + longest;
    lib.ids = (llmc_token *)tool_alloc(lib.cap, sizeof *lib.ids);
    lib.story = (uint32_t *)tool_alloc(n / 8 + 1, sizeof *lib.story);
    while (lib.n < n && lib.n_stories < n / 8) {
        size_t begin = lib.n, at;
        llmc_diag diag;
        diag.message[0] = 0;
        lib.story[lib.n_stories++] = (uint32_t)begin;
        tool_check(llmc_seq_truncate(author.seq[0], 0, &diag), &diag);
        lib.ids[lib.n++] = lib.bos;
        reader_feed(&author, 0, &lib.bos, 1, NULL);
        for (at = 1; at + 1 < longest; at++) {
            llmc_token id;
            reader_tell(&author, 0, rng, &id, 1, work);
            if (ends_story(model, &lib, id))
                break;
            lib.ids[lib.n++] = id;
        }
        tool_draw(NULL, "stories", lib.n, n);
    }
    tool_bar_clear();
    reader_close(&author);
    free(work);
    return lib;
}

/* Perplexity of ids [n] for the model as it was trained: windows of `longest` tokens, full cache, of which the
   second half is scored. */
static double judge(const llmc_model *model, llmc_tasks tasks, uint32_t longest, const llmc_token *ids,
                    size_t n)
{
    llmc_engine_options opt;
    reader r;
    double *nll = (double *)tool_alloc(longest, sizeof *nll), sum = 0;
    size_t at, i, count = 0;
    memset(&opt, 0, sizeof opt);
    opt.context_length = longest;
    reader_open(&r, model, &opt, tasks);
    for (at = 0; at + longest <= n; at += longest) {
        llmc_diag diag;
        diag.message[0] = 0;
        tool_check(llmc_seq_truncate(r.seq[0], 0, &diag), &diag);
        reader_feed(&r, 0, ids + at, longest, nll);
        for (i = longest / 2; i < longest; i++, count++)
            sum += nll[i];
    }
    reader_close(&r);
    free(nll);
    return count > 0 ? llmc__exp(sum / (double)count) : 0;
}

/* A stretch of the long sequence: what stands in one column of the plot. */
typedef struct stretch {
    size_t end;                                /* position where it ends */
    double nll, nll2, n_read, memory, seconds; /* nll2: sum of squares */
    size_t told;                               /* end of its part in life.told */
    double *speed;
    uint32_t n_speed;
} stretch;

typedef struct life {
    const char *name;
    stretch part[N_STRETCH];
    uint32_t n_parts;
    double passage[2], time[2], judged[2];
    llmc_token *told;
    size_t n_told;
    uint64_t bytes; /* of the engine */
} life;

/* The next tokens out of the library: stories in random order, each from its beginning. */
static void pick(const library *lib, llmc_rng *rng, size_t *at, llmc_token *out, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++) {
        if (*at >= lib->n || (i > 0 && lib->ids[*at] == lib->bos) || i == 0)
            *at = lib->story[llmc_rng_u64(rng) % lib->n_stories];
        out[i] = lib->ids[(*at)++];
    }
}

static double mean_ppl(const double *nll, size_t n)
{
    double sum = 0;
    size_t i;
    for (i = 0; i < n; i++)
        sum += nll[i];
    return llmc__exp(sum / (double)n);
}

/* The same passage behind the same tokens; its perplexity. */
static double live_passage(reader *r, const library *lib, double *nll)
{
    reader_feed(r, 0, lib->ids, LEAD, nll);
    reader_feed(r, 0, lib->ids + LEAD, PASSAGE, nll);
    return mean_ppl(nll, PASSAGE);
}

/* Reads and tells up to `end`. */
static void live_until(life *l, reader *r, const library *lib, size_t end, llmc_rng *rng, llmc_rng *pick_rng)
{
    llmc_token ids[READ];
    double nll[READ];
    void *work = tool_alloc(llmc_sample_need(r->n_vocab), 1);
    size_t at = 0, i, n = reader_length(r, 0);
    while (n < end) {
        stretch *part = l->part;
        size_t m = least(end - n, READ);
        while (n >= part->end)
            part++;
        pick(lib, pick_rng, &at, ids, m);
        reader_feed(r, 0, ids, m, nll);
        for (i = 0; i < m; i++) {
            part->nll += nll[i];
            part->nll2 += nll[i] * nll[i];
        }
        part->n_read += (double)m;
        n += m;
        m = least(end - n, TELL);
        if (m == TELL) {
            double t = reader_tell(r, 0, rng, l->told + l->n_told, m, work);
            part->speed[part->n_speed++] = t;
            l->n_told += m;
            n += m;
        }
        part->told = l->n_told;
        part->memory = resident();
        tool_draw(NULL, l->name, n, l->part[l->n_parts - 1].end);
    }
    tool_bar_clear();
    free(work);
}

/* Columns end at 4096, 8192, 16384, ... and, the last, at `total`. */
static void live_stretches(life *l, size_t total)
{
    size_t blocks = total / (READ + TELL) + 2, end = 4096;
    for (l->n_parts = 0; l->n_parts == 0 || l->part[l->n_parts - 1].end < total; l->n_parts++, end *= 2) {
        stretch *p = &l->part[l->n_parts];
        p->end = l->n_parts + 1 == N_STRETCH || end > total ? total : end;
        p->speed = (double *)tool_alloc(blocks, sizeof *p->speed);
        memset(p->speed, 0xa5, blocks * sizeof *p->speed);
    }
    l->told = (llmc_token *)tool_alloc(blocks, TELL * sizeof *l->told);
    memset(l->told, 0xa5, blocks * TELL * sizeof *l->told);
}

/* One life to `total` tokens; race: the speed at its end beside that of a second sequence at 8192. */
static void live(life *l, const llmc_model *model, llmc_tasks tasks, const library *lib,
                 llmc_engine_options *opt, size_t total, bool race)
{
    llmc_rng rng = llmc_rng_seed(seed + 1), pick_rng = llmc_rng_seed(seed + 2);
    double *nll = (double *)tool_alloc(LEAD, sizeof *nll);
    size_t late = total / 100 * 99, i;
    reader r;
    memset(nll, 0xa5, LEAD * sizeof *nll);
    live_stretches(l, total);
    opt->context_length = (uint32_t)total + 16384;
    opt->max_seqs = 2;
    reader_open(&r, model, opt, tasks);
    l->bytes = r.bytes;
    l->passage[0] = live_passage(&r, lib, nll);
    live_until(l, &r, lib, late - LEAD, &rng, &pick_rng);
    l->passage[1] = live_passage(&r, lib, nll);
    live_until(l, &r, lib, total, &rng, &pick_rng);
    for (i = 0; race && i < at_token; i += READ)
        reader_feed(&r, 1, lib->ids + i % (lib->n - READ), least(at_token - i, READ), NULL);
    if (race)
        reader_race(&r, 100, 64, &rng, l->time);
    for (i = 0; i < l->n_parts; i++) {
        stretch *p = &l->part[i];
        p->seconds = p->n_speed > 0 ? tool_median(p->speed, p->n_speed) : 0;
    }
    reader_close(&r);
    free(nll);
}

/* The variance of its mean, tokens taken as independent. */
static double part_variance(const stretch *p)
{
    double mean = p->nll / p->n_read;
    return (p->nll2 / p->n_read - mean * mean) / p->n_read;
}

static double part_ppl(const stretch *p)
{
    return p->n_read > 0 ? llmc__exp(p->nll / p->n_read) : 0;
}

/* What the model as it was trained says of the stories told in stretch i. */
static double part_judged(const llmc_model *model, llmc_tasks tasks, const life *l, uint32_t i)
{
    size_t begin = i > 0 ? l->part[i - 1].told : 0, n = l->part[i].told - begin;
    return judge(model, tasks, TELL, l->told + begin, n < 1u << 16 ? n : 1u << 16);
}

/* One number of a table; nothing for 0. */
static void cell(const char *fmt, int width, double v)
{
    char text[32];
    snprintf(text, sizeof text, fmt, v);
    printf("  %*s", width, v > 0 ? text : "");
}

static void life_table(const life *l, char (*label)[8], double judged[N_LIVES][N_STRETCH])
{
    uint32_t i, s, half;
    printf("\n%8s  %-38s  %-38s\n%8s", "", "perplexity of what it reads", "of what it tells (see -h)",
           "up to");
    for (half = 0; half < 2; half++)
        for (s = 0; s < N_LIVES; s++)
            printf("  %8s", l[s].name);
    printf("  %8s  %8s\n", "us/token", "kB");
    for (i = 0; i < l[0].n_parts; i++) {
        printf("%8s", label[i]);
        for (s = 0; s < N_LIVES; s++)
            cell("%.3f", 8, i < l[s].n_parts ? part_ppl(&l[s].part[i]) : 0);
        for (s = 0; s < N_LIVES; s++)
            cell("%.2f", 8, judged[s][i]);
        cell("%.1f", 8, l[0].part[i].seconds * 1e6);
        cell("%.0f", 8, l[0].part[i].memory);
        printf("\n");
    }
}

static void life_plot(const life *l, char (*label)[8])
{
    static double y[N_LIVES][N_STRETCH];
    plot p;
    uint32_t i, s;
    memset(&p, 0, sizeof p);
    p.title = "perplexity of stories read, by position";
    p.unit = "tokens";
    p.n = l[0].n_parts;
    p.cell = 7;
    p.label = label;
    p.n_series = N_LIVES;
    for (s = 0; s < N_LIVES; s++) {
        for (i = 0; i < l[s].n_parts; i++)
            y[s][i] = part_ppl(&l[s].part[i]);
        p.y[s] = y[s];
        p.name[s] = l[s].name;
    }
    plot_draw(&p);
}

static void life_claims(const life *l)
{
    const stretch *first = &l[0].part[l[0].n_parts > 2 ? 1 : 0], *last = &l[0].part[l[0].n_parts - 1],
                  *stay = &l[1].part[l[1].n_parts - 1];
    double error = 3 * llmc__sqrt(part_variance(first) + part_variance(last));
    uint32_t s;
    printf("one passage of %d tokens behind the same %d, at position %d and at %zu:\n", PASSAGE, LEAD, LEAD,
           last->end / 100 * 99);
    for (s = 0; s < N_LIVES && l[s].passage[1] > 0; s++)
        printf("       %-8s %9.4f %9.4f  %+.3f %%\n", l[s].name, l[s].passage[0], l[s].passage[1],
               percent(l[s].passage[1], l[s].passage[0]));
    claim(apart(l[0].passage[1], l[0].passage[0]) < 0.5, "the passage costs the same within 0.5 %%");
    claim(part_ppl(stay) > 2 * part_ppl(last),
          "with sinks at their true positions the last column costs over twice as much: %.3f, %.3f",
          part_ppl(stay), part_ppl(last));
    claim(apart(part_ppl(last), part_ppl(first)) < 1 + 100 * error,
          "the last column costs what the second did, within 1 %% and chance (3 standard errors, %.1f %%): "
          "%+.1f %%",
          100 * error, percent(part_ppl(last), part_ppl(first)));
    claim(flat(first->memory, last->memory), "resident memory: %.0f kB, %.0f kB; the engine's part %llu kB",
          first->memory, last->memory, (unsigned long long)l[0].bytes / 1024);
    claim(apart(l[0].time[0], l[0].time[1]) <= (double)tolerance,
          "time per token in turn: at %u %.1f us, at the end %.1f us, %+.1f %%", at_token, l[0].time[1] * 1e6,
          l[0].time[0] * 1e6, percent(l[0].time[0], l[0].time[1]));
}

static void run_life(const llmc_model *model, llmc_tasks tasks)
{
    static life l[N_LIVES];
    static double judged[N_LIVES][N_STRETCH];
    static char label[N_STRETCH][8];
    size_t total = n_tokens != 0 ? (size_t)n_tokens : 1000000,
           shelf = total < 1u << 20 ? total / 8 : 1u << 17;
    size_t brief = total < 65536 ? 8192 : 16384;
    uint32_t trained = llmc_model_config(model)->context_length, i, s;
    llmc_rng rng = llmc_rng_seed(seed);
    library lib;
    if (llmc_model_tokenizer(model) == NULL || trained < 2 * TELL)
        tool_die("%s: a model with a tokenizer and a context of at least %d expected", tool_opt.model,
                 2 * TELL);
    if (total < 16384 || total > 1u << 28)
        tool_misused("--tokens: 16384 to 2^28 expected");
    lib = write_library(model, tasks, shelf < 8192 ? 8192 : shelf, trained, &rng);
    printf("%s: %u stories of %.0f tokens on average, told by the model; judged %.3f\n", tool_opt.model,
           lib.n_stories, (double)lib.n / lib.n_stories,
           judge(model, tasks, TELL, lib.ids, lib.n < 1u << 16 ? lib.n : 1u << 16));
    for (s = 0; s < N_LIVES; s++) {
        static const char *const name[N_LIVES] = {"sinks", "stay", "none", "all"};
        llmc_engine_options opt;
        memset(&opt, 0, sizeof opt);
        opt.window_size = s < 3 ? tool_opt.window : 0;
        opt.sink_tokens = s < 2 ? tool_opt.sinks : 0;
        opt.sinks_stay = s == 1;
        l[s].name = name[s];
        live(&l[s], model, tasks, &lib, &opt, s < 3 ? total : brief, s == 0);
        for (i = 0; i < l[s].n_parts; i++)
            judged[s][i] = part_judged(model, tasks, &l[s], i);
    }
    l[3].passage[1] = 0; /* its end is another */
    for (i = 0; i < l[0].n_parts; i++)
        plot_label(label[i], (double)l[0].part[i].end);
    printf(
        "window %u; sinks: %u, as if just before it; stay: at their true positions; none: no sinks; all: no "
        "window, to %zu\n",
        tool_opt.window, tool_opt.sinks, brief);
    life_table(l, label, judged);
    life_plot(l, label);
    life_claims(l);
}

/* ---- sinks: a model that needs its first token -------------------------------------------------- */

/* Llama2.c's file of version 1 in memory: one layer, one head, no feed-forward. Token t of 1 .. V-1 is followed by
   t + 1, V-1 by 1; the residual stream carries that to the head by itself. Attention adds nothing good: every
   token's value is the same junk, only that of token 0 (BOS) is nothing. Keys: only BOS has one, all queries seek
   it, in one pair of dimensions, which turns by 0.01 a token. While BOS is in sight and no further than it was
   in training, the junk's share is 1e-5; without it, it is all of attention's sum. */
enum { NEED_V = 16, NEED_D = 32, NEED_PAIR = 8, NEED_CTX = 80, NEED_END = 2048, NEED_STEP = 64 };
static const double need_score = 20, need_junk = 30, need_gain = 2;

static float *need_file(size_t *bytes)
{
    enum { NORMS = 3 * NEED_D, SQUARE = NEED_D * NEED_D, EMBED = NEED_V * NEED_D };
    size_t n = NORMS + 2 * EMBED + 4 * SQUARE + 3 * NEED_D, i;
    float *file = (float *)tool_alloc(64 + n, sizeof *file), *at = file + 64;
    float *embed = at + NORMS, *q = embed + EMBED, *k = q + SQUARE, *v = k + SQUARE, *o = v + SQUARE;
    float *head = o + SQUARE + 3 * NEED_D;
    int32_t ints[9] = {0x616b3432, 1, NEED_D, 1, 1, 1, 1, NEED_V, NEED_CTX};
    memcpy(file, ints, sizeof ints);
    for (i = 0; i < NORMS; i++)
        at[i] = i < NEED_D ? 0.25f : 1.0f; /* an embedding's rms is 1/4: attention sees it as it is */
    for (i = 0; i < NEED_V; i++) {
        embed[i * NEED_D + i] = 1;
        embed[i * NEED_D + NEED_V] = 1; /* what all tokens share */
    }
    /* rows are outputs: the pair's first dimension of every query, and of BOS's key alone */
    q[2 * NEED_PAIR * NEED_D + NEED_V] = 10.0f;
    k[2 * NEED_PAIR * NEED_D] = (float)(need_score * 5.656854249492381 / 10.0); /* sqrt(32) */
    for (i = 1; i < NEED_V; i++)
        v[i] = 1.0f;                             /* into dimension 0 of the head's value ... */
    o[(NEED_V + 1) * NEED_D] = (float)need_junk; /* ... and from there where no token has anything */
    for (i = 0; i < NEED_V; i++)
        head[(i + 1 < NEED_V ? i + 1 : 1) * NEED_D + i] = (float)need_gain;
    *bytes = (64 + n) * sizeof *file;
    return file;
}

/* What a token at `position` has to cost, worked out on paper: BOS `distance` back or out of sight (0), and
   `others` that are seen. */
static double need_expected(uint32_t distance, double others)
{
    float sine, cosine;
    double sink, junk, logit;
    llmc__sincos(0.01 * distance, &sine, &cosine);
    /* 0.0625, the mean square of an embedding, beside RMSNorm's epsilon */
    sink = distance > 0 ? llmc__exp(need_score * (double)cosine * 0.0625 / (0.0625 + 1e-5)) : 0;
    junk = need_junk * others / (sink + others);
    logit = need_gain / llmc__sqrt((2 + junk * junk) / NEED_D + 1e-5);
    return llmc__log(1 + (NEED_V - 1) * llmc__exp(-logit));
}

enum { NEED_LIVES = 4, NEED_PARTS = NEED_END / NEED_STEP };

/* The perplexity of each stretch, and *off: how far the worst token is from what paper says. */
static void need_live(const llmc_model *model, llmc_engine_options *opt, uint32_t kind, double *ppl,
                      double *off)
{
    static double nll[NEED_END];
    llmc_token ids[NEED_END];
    llmc_tasks alone;
    reader r;
    uint32_t i, w = opt->window_size, s = opt->sink_tokens;
    memset(&alone, 0, sizeof alone);
    opt->context_length = NEED_END;
    opt->kv_type = LLMC_F32;
    for (i = 0; i < NEED_END; i++)
        ids[i] = i == 0 ? 0 : (llmc_token)((i - 1) % (NEED_V - 1)) + 1;
    reader_open(&r, model, opt, alone);
    reader_feed(&r, 0, ids, NEED_END, nll);
    *off = 0;
    for (i = 2; i < NEED_END; i++) {
        uint32_t p = i - 1, seen = w > 0 && p + 1 > w + s ? w + s : p + 1;
        bool bos = kind != 2 || p < w;
        uint32_t distance = !bos ? 0 : kind == 0 && p > w + s - 1 ? w + s - 1 : p;
        double d = nll[i] - need_expected(distance, bos ? seen - 1 : seen);
        *off = d > *off ? d : -d > *off ? -d : *off;
    }
    nll[0] = nll[1]; /* nothing stood before BOS */
    for (i = 0; i < NEED_PARTS; i++)
        ppl[i] = mean_ppl(nll + i * NEED_STEP, NEED_STEP);
    reader_close(&r);
}

static void run_sinks(void)
{
    static const char *const name[NEED_LIVES] = {"sinks", "stay", "none", "all"};
    static double ppl[NEED_LIVES][NEED_PARTS];
    static char label[NEED_PARTS][8];
    double off[NEED_LIVES], worst[NEED_LIVES], all = 0;
    llmc_model_options options;
    llmc_model *model;
    llmc_blob file;
    llmc_diag diag;
    size_t bytes;
    plot p;
    void *mem;
    uint32_t i, s;
    memset(&options, 0, sizeof options);
    memset(&p, 0, sizeof p);
    memset(&file, 0, sizeof file);
    diag.message[0] = 0;
    file.data = need_file(&file.size);
    tool_check(llmc_model_need(&file, 1, &options, &bytes, &diag), &diag);
    mem = tool_alloc(bytes, 1);
    tool_check(llmc_model_init(&model, &file, 1, &options, mem, bytes, &diag), &diag);
    p.title = "perplexity of a model that needs its first token, by position; window 64, 4 sinks";
    p.unit = "tokens";
    p.n = NEED_PARTS;
    p.cell = 2;
    p.label = label;
    p.n_series = NEED_LIVES;
    for (s = 0; s < NEED_LIVES; s++) {
        llmc_engine_options opt;
        memset(&opt, 0, sizeof opt);
        opt.window_size = s < 3 ? 64 : 0;
        opt.sink_tokens = s < 2 ? 4 : 0;
        opt.sinks_stay = s == 1;
        need_live(model, &opt, s, ppl[s], &off[s]);
        worst[s] = 0;
        for (i = 0; i < NEED_PARTS; i++)
            worst[s] = ppl[s][i] > worst[s] ? ppl[s][i] : worst[s];
        all = off[s] > all ? off[s] : all;
        p.y[s] = ppl[s];
        p.name[s] = name[s];
    }
    for (i = 0; i < NEED_PARTS; i++)
        plot_label(label[i], (i + 1) * NEED_STEP);
    plot_draw(&p);
    for (s = 0; s < NEED_LIVES; s++)
        printf("       %-8s at first %.4f, at worst %8.4f, at the end %8.4f\n", name[s], ppl[s][0], worst[s],
               ppl[s][NEED_PARTS - 1]);
    claim(worst[0] < 1.1, "with sinks never above 1.1: %.4f", worst[0]);
    claim(ppl[2][NEED_PARTS - 1] > 5, "without them above 5: %.3f", ppl[2][NEED_PARTS - 1]);
    claim(worst[1] > 5, "with sinks at their true positions above 5 at times: %.3f", worst[1]);
    claim(all < 1e-3, "every token costs what paper says, within 1e-3 nats: %.1e", all);
    free((void *)(uintptr_t)file.data);
    free(mem);
}

/* ---- ntk: full cache beyond the trained length ----------------------------------------------------- */

enum { NTK_PARTS = 8 };

static void run_ntk(const llmc_model *model, llmc_tasks tasks)
{
    static double ppl[2][NTK_PARTS];
    static char label[NTK_PARTS][8];
    uint32_t trained = llmc_model_config(model)->context_length, length = 4 * trained, s, i, n_texts = 8,
             text;
    double *nll = (double *)tool_alloc(length, sizeof *nll), late[2];
    llmc_rng rng = llmc_rng_seed(seed);
    library lib;
    plot p;
    if (trained < 64 || trained > 1u << 16)
        tool_die("%s: trained for %u tokens; 64 to 65536 expected", tool_opt.model, trained);
    lib = write_library(model, tasks, (size_t)n_texts * length, trained, &rng);
    for (s = 0; s < 2; s++) {
        double sum[NTK_PARTS];
        llmc_engine_options opt;
        reader r;
        memset(&opt, 0, sizeof opt);
        memset(sum, 0, sizeof sum);
        opt.context_length = length;
        opt.rope_override = true;
        opt.rope_scaling = s == 0 ? LLMC_ROPE_NTK : LLMC_ROPE_PLAIN;
        opt.rope_original = trained;
        opt.rope_factor = s == 0 ? 4.0f : 1.0f;
        reader_open(&r, model, &opt, tasks);
        for (text = 0; text < n_texts; text++) {
            llmc_diag diag;
            diag.message[0] = 0;
            tool_check(llmc_seq_truncate(r.seq[0], 0, &diag), &diag);
            reader_feed(&r, 0, lib.ids + (size_t)text * length, length, nll);
            nll[0] = nll[1]; /* nothing stood before */
            for (i = 0; i < length; i++)
                sum[i / (length / NTK_PARTS)] += nll[i] * NTK_PARTS / ((double)length * n_texts);
        }
        late[s] = 0;
        for (i = 0; i < NTK_PARTS; i++) {
            ppl[s][i] = llmc__exp(sum[i]);
            late[s] += i >= NTK_PARTS / 2 ? sum[i] / (NTK_PARTS / 2) : 0;
            plot_label(label[i], (i + 1.0) * length / NTK_PARTS);
        }
        late[s] = llmc__exp(late[s]);
        reader_close(&r);
    }
    memset(&p, 0, sizeof p);
    p.title = "perplexity of stories read with the full cache, by position";
    p.unit = "tokens";
    p.n = NTK_PARTS;
    p.cell = 8;
    p.label = label;
    p.n_series = 2;
    p.y[0] = ppl[0];
    p.y[1] = ppl[1];
    p.name[0] = "NTK, factor 4";
    p.name[1] = "no scaling";
    plot_draw(&p);
    for (i = 0; i < NTK_PARTS; i++)
        printf("       up to %6s  NTK %9.3f  none %9.3f\n", label[i], ppl[0][i], ppl[1][i]);
    claim(late[0] < 0.95 * late[1],
          "positions %u to %u: perplexity %.3f with NTK scaling, %.3f without: %+.1f %%", length / 2,
          length - 1, late[0], late[1], percent(late[0], late[1]));
    free(nll);
}

/* ---- speed: memory and time per token of any model ---------------------------------------------------- */

static void run_speed(const llmc_model *model, llmc_tasks tasks)
{
    size_t total = n_tokens != 0 ? (size_t)n_tokens : 65536, n, m, i, step;
    llmc_rng rng = llmc_rng_seed(seed);
    llmc_engine_options opt;
    llmc_engine_memory memory;
    llmc_token *ids;
    llmc_diag diag;
    double time[2], first = 0, last = 0;
    reader r;
    memset(&opt, 0, sizeof opt);
    diag.message[0] = 0;
    if (total < 2 * (size_t)at_token || total > 1u << 28)
        tool_misused("--tokens: at least twice --at expected, at most 2^28");
    opt.context_length =
        (uint32_t)total + 1024 > tool_opt.context ? (uint32_t)total + 1024 : tool_opt.context;
    opt.max_seqs = 2;
    opt.batch_tokens = tool_opt.batch_tokens != 0 ? tool_opt.batch_tokens : 256;
    tool_engine(&opt);
    reader_open(&r, model, &opt, tasks);
    tool_check(llmc_engine_quote(model, &opt, &memory, &diag), &diag);
    ids = (llmc_token *)tool_alloc(opt.batch_tokens, sizeof *ids);
    printf(
        "%s: window %u, %u sinks, capacity %llu; engine %llu kB: cache %llu, scratch %llu, sequences %llu\n"
        "  position  tokens/s     kB\n",
        tool_opt.model, tool_opt.window, tool_opt.sinks, (unsigned long long)tool_opt.kv_capacity,
        (unsigned long long)memory.total / 1024, (unsigned long long)memory.kv_cache / 1024,
        (unsigned long long)memory.scratch / 1024, (unsigned long long)memory.sequences / 1024);
    step = total / 16 > at_token ? total / 16 : at_token;
    for (n = 0; n < total;) { /* the second sequence goes with the first as far as at_token */
        size_t end = n < at_token ? at_token : n + step < total ? n + step : total, begin = n;
        double start = tool_seconds(), spent = 0;
        for (; n < end; n += m) {
            m = end - n < opt.batch_tokens ? end - n : opt.batch_tokens;
            for (i = 0; i < m; i++)
                ids[i] = (llmc_token)(llmc_rng_u64(&rng) % r.n_vocab);
            start = tool_seconds();
            reader_feed(&r, 0, ids, m, NULL);
            spent += tool_seconds() - start;
            if (n < at_token)
                reader_feed(&r, 1, ids, m, NULL);
            tool_draw(NULL, "reading", n, total);
        }
        tool_bar_clear();
        last = resident();
        first = first > 0 ? first : last;
        printf("%10llu  %8.1f  %8.0f\n", (unsigned long long)n, (double)(n - begin) / spent, last);
        fflush(stdout);
    }
    reader_race(&r, 16, 8, &rng, time);
    claim(flat(first, last), "resident memory: %.0f kB at %u, %.0f kB at %llu", first, at_token, last,
          (unsigned long long)total);
    claim(apart(time[0], time[1]) <= (double)tolerance,
          "time per token in turn: at %u %.3f ms, at %llu %.3f ms, %+.1f %%", at_token, time[1] * 1e3,
          (unsigned long long)total, time[0] * 1e3, percent(time[0], time[1]));
    reader_close(&r);
    free(ids);
}

int main(int argc, char **argv)
{
    static const tool_option options[] = {
        TOOL_OPTIONS_MODEL,
        {0, "tokens", TOOL_U64, &n_tokens, "N", "how far; life: 1000000, speed: 65536"},
        {0, "at", TOOL_U32, &at_token, "N", "the position that time is compared with; default 8192"},
        {0, "tolerance", TOOL_U64, &tolerance, "P", "times may differ by P percent; default 5"},
        {0, "seed", TOOL_U64, &seed, "N", "of the stories; default 1"},
        TOOL_OPTION_THREADS,
        TOOL_OPTIONS_ENGINE,
        TOOL_OPTIONS_ALL,
    };
    llmc_host host;
    llmc_pool *pool = NULL;
    llmc_tasks tasks;
    llmc_diag diag;
    int n;
    char **args;
    const char *what;
    tool_name = "longrun";
    args = tool_parse(argc, argv, usage, options, TOOL_COUNT_OF(options), &n);
    what = n == 1 ? args[0] : "";
    memset(&tasks, 0, sizeof tasks);
    diag.message[0] = 0;
    if (strcmp(what, "sinks") == 0) {
        run_sinks();
        return n_failed > 0 ? 1 : tool_end();
    }
    if (strcmp(what, "life") != 0 && strcmp(what, "ntk") != 0 && strcmp(what, "speed") != 0)
        tool_misused("life, sinks, ntk or speed expected");
    if (tool_opt.model == NULL)
        tool_misused("-m MODEL is missing");
    tool_open_model(&host, tool_opt.model, false);
    if (tool_opt.threads != 1 && what[0] == 's') { /* the others' models are too small to be shared */
        tool_check(llmc_pool_open(&pool, tool_opt.threads, &diag), &diag);
        tasks = llmc_pool_tasks(pool);
    }
    if (what[0] == 'l') {
        tool_opt.window = tool_opt.window != 0 ? tool_opt.window : 400;
        tool_opt.sinks = tool_opt.sinks != 0 ? tool_opt.sinks : 4;
        run_life(host.model, tasks);
    } else if (what[0] == 'n') {
        run_ntk(host.model, tasks);
    } else {
        run_speed(host.model, tasks);
    }
    llmc_close(&host);
    if (pool != NULL)
        llmc_pool_close(pool);
    return n_failed > 0 ? 1 : tool_end();
}
