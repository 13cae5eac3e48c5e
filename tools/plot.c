// cc -O2 tools/plot.c -o plot
/* Curves of a training from metrics.jsonl; what a model's heads look at, and what its layers would predict: as
   an SVG or in the terminal. */
#define LLMC_STATIC // the only file: what it does not use is not compiled
#define LLMC_IMPLEMENTATION
#include "tool.h"

static const char usage[] =
    "plot METRICS... [-o OUT.svg]   loss, learning rate, tokens per second; a run for each file\n"
    "       plot --attention -m MODEL -p PROMPT [--layer N] [-o OUT.svg]\n"
    "       plot --lens -m MODEL -p PROMPT [-o OUT.svg]\n\n"
    "METRICS holds a JSON object a line with numbers in it: step, loss, val_loss, grad_norm/NAME,\n"
    "... Without -o: a line for each key in the terminal. --keys names other panels, apart by\n"
    "commas; what stands in one panel is joined by +, and a * at the end means all keys that\n"
    "begin like that: --keys loss+val_loss,grad_norm/*. A folder means the metrics.jsonl in it.\n"
    "--attention draws how much each token (a row) looks at each earlier one, head by head; in\n"
    "the terminal what the last token looks at. --lens puts the output norm and the head on each\n"
    "layer's states: the most probable next token after each token, in the terminal after the last.";

#define KEYS_MAX   1024 /* numeric keys in a run */
#define PANELS_MAX 16
#define PART_MAX   96 /* bytes of a key */

/* Values of one key; x is the step, or the line where there is none. */
typedef struct series {
    char key[PART_MAX];
    double *x, *y;
    size_t n, cap;
} series;

typedef struct run {
    const char *name;
    series *list;
    size_t n;
} run;

/* Something to draw: a series, and what it is called in the legend. */
typedef struct curve {
    const series *s;
    size_t run, key; /* colour; dashes */
} curve;

/* ---- reading ------------------------------------------------------------------------ */

static series *series_of(run *r, llmc_json key)
{
    char name[PART_MAX];
    size_t i, len = llmc_json_string(key, name, sizeof name);
    for (i = 0; i < r->n; i++)
        if (strcmp(r->list[i].key, name) == 0)
            return &r->list[i];
    if (r->n == KEYS_MAX || len >= sizeof name)
        return NULL;
    memset(&r->list[r->n], 0, sizeof r->list[0]);
    memcpy(r->list[r->n].key, name, len + 1);
    return &r->list[r->n++];
}

static void series_add(series *s, double x, double y)
{
    if (s->n == s->cap) {
        s->cap = s->cap * 2 + 256;
        s->x = (double *)realloc(s->x, s->cap * sizeof *s->x);
        s->y = (double *)realloc(s->y, s->cap * sizeof *s->y);
        if (s->x == NULL || s->y == NULL)
            tool_die("out of memory");
    }
    s->x[s->n] = x;
    s->y[s->n++] = y;
}

/* The numbers of one line; false: it is no JSON object. Values beyond 1e300 stand for none. */
static bool read_line(run *r, const llmc_blob *line, uint32_t number, llmc_diag *diag)
{
    llmc_json root, key, value;
    llmc_json_iter it;
    double x;
    if (llmc_json_parse(line, &root, diag) != LLMC_OK)
        return false;
    if (root.type != LLMC_JSON_OBJECT) {
        snprintf(diag->message, sizeof diag->message, "is no object");
        return false;
    }
    x = llmc_json_number(llmc_json_get(root, "step"), (double)number);
    memset(&it, 0, sizeof it);
    while (llmc_json_next(root, &it, &key, &value)) {
        double y = llmc_json_number(value, 1e301);
        series *s = value.type == LLMC_JSON_NUMBER && y > -1e300 && y < 1e300 ? series_of(r, key) : NULL;
        if (s != NULL)
            series_add(s, x, y);
    }
    return true;
}

/* A file, or the metrics.jsonl of a folder. The last line may be cut off: its run was. */
static run read_run(const char *path)
{
    run r;
    file_look seen;
    size_t len, at, n, room = strlen(path) + 16;
    char *file = (char *)tool_alloc(room, 1), *text;
    uint32_t number = 0;
    bool folder = look_at(path, &seen) && seen.folder;
    snprintf(file, room, folder ? "%s/metrics.jsonl" : "%s", path);
    text = tool_read(file, 0, &len);
    r.name = path;
    r.n = 0;
    r.list = (series *)tool_alloc(KEYS_MAX, sizeof *r.list);
    for (at = 0; at < len; at += n + 1) {
        const char *end = (const char *)memchr(text + at, '\n', len - at);
        llmc_blob line;
        llmc_diag diag;
        n = end != NULL ? (size_t)(end - (text + at)) : len - at;
        number++;
        line.data = text + at;
        line.size = n;
        line.name = "the line";
        if (strspn(text + at, " \t\r") >= n)
            continue;
        if (!read_line(&r, &line, number, &diag) && end != NULL)
            tool_die("%s: line %u: %s", file, number, diag.message);
    }
    if (r.n == 0)
        tool_die("%s: holds no numbers", file);
    free(text);
    free(file);
    return r;
}

static void run_free(run *r)
{
    size_t i;
    for (i = 0; i < r->n; i++) {
        free(r->list[i].x);
        free(r->list[i].y);
    }
    free(r->list);
}

/* ---- what stands in a panel ------------------------------------------------------------ */

/* Whether a part of --keys [len], perhaps with a * at its end, means this key. */
static bool part_means(const char *part, size_t len, const char *key)
{
    if (len > 0 && part[len - 1] == '*')
        return strncmp(part, key, len - 1) == 0;
    return strlen(key) == len && memcmp(part, key, len) == 0;
}

/* The curves of a panel, which is parts joined by +; *n of them. The caller frees them. */
static curve *panel_curves(const char *panel, const run *runs, size_t n_runs, size_t *n)
{
    curve *c = NULL;
    size_t cap = 0, key = 0, i, k, len;
    const char *part;
    *n = 0;
    for (part = panel; *part != 0; part += len + (part[len] == '+')) {
        len = strcspn(part, "+");
        for (i = 0; i < n_runs; i++) {
            size_t found = 0;
            for (k = 0; k < runs[i].n; k++) {
                if (!part_means(part, len, runs[i].list[k].key))
                    continue;
                if (*n == cap && (c = (curve *)realloc(c, (cap = 2 * cap + 16) * sizeof *c)) == NULL)
                    tool_die("out of memory");
                c[*n].s = &runs[i].list[k];
                c[*n].run = i;
                c[(*n)++].key = key + found++;
            }
        }
        key++;
    }
    return c;
}

/* ---- the terminal ----------------------------------------------------------------------- */

/* Means of a series in `cols` pieces as bars of eight heights. */
static void spark_line(const series *s, uint32_t cols)
{
    static const char *const bar[8] = {"\xe2\x96\x81", "\xe2\x96\x82", "\xe2\x96\x83", "\xe2\x96\x84",
                                       "\xe2\x96\x85", "\xe2\x96\x86", "\xe2\x96\x87", "\xe2\x96\x88"};
    double low = s->y[0], high = s->y[0];
    size_t i, k, begin, end;
    size_t n = s->n < cols ? s->n : cols;
    for (i = 0; i < s->n; i++) {
        low = s->y[i] < low ? s->y[i] : low;
        high = s->y[i] > high ? s->y[i] : high;
    }
    for (i = 0; i < n; i++) {
        double sum = 0, part;
        begin = i * s->n / n;
        end = (i + 1) * s->n / n;
        for (k = begin; k < end; k++)
            sum += s->y[k] / (double)(end - begin);
        part = high > low ? (sum - low) / (high - low) : 0;
        fputs(bar[part >= 1 ? 7 : part > 0 ? (int)(part * 8) : 0], stdout);
    }
}

/* A line for each key: its name, first and last value, the bars between them. */
static void sparks(const run *r, bool named, char **panel, size_t n_panels)
{
    uint32_t cols = 80, rows, room;
    size_t i, k, n;
    if (!llmc_os_terminal(1, &cols, &rows))
        cols = 80;
    room = cols > 60 ? cols - 44 : 16;
    if (named)
        printf("%s\n", r->name);
    for (i = 0; i < n_panels; i++) {
        curve *c = panel_curves(panel[i], r, 1, &n);
        for (k = 0; k < n; k++) {
            printf("%-18.18s %10.5g ", c[k].s->key, c[k].s->y[0]);
            spark_line(c[k].s, room);
            printf(" %.5g\n", c[k].s->y[c[k].s->n - 1]);
        }
        free(c);
    }
}

/* ---- the sheet --------------------------------------------------------------------------- */

/* A sheet while it is drawn. */
typedef struct svg {
    char *text;
    size_t n, cap;
} svg;

/* More of the sheet, as printf has it; at most 4095 bytes at a time. */
TOOL_FORMAT(2, 3) static void put(svg *s, const char *fmt, ...)
{
    va_list args;
    int n;
    if (s->cap - s->n < 4096 && (s->text = (char *)realloc(s->text, s->cap = 2 * s->cap + 8192)) == NULL)
        tool_die("out of memory");
    va_start(args, fmt);
    n = vsnprintf(s->text + s->n, 4096, fmt, args);
    va_end(args);
    s->n += n < 0 ? 0 : n < 4096 ? (size_t)n : 4095;
}

/* The whole sheet into a file. */
static void svg_write(svg *s, const char *path)
{
    tool_out out;
    tool_out_open(&out, path);
    errno = 0;
    if (!tool_out_write(&out, s->text, s->n))
        tool_die("%s: %s", path, errno != 0 ? strerror(errno) : "cannot write");
    tool_out_close(&out);
    free(s->text);
}

enum { WIDTH = 840, HEIGHT = 240, LEFT = 76, RIGHT = 16, TOP = 34, BOTTOM = 34 };

/* Seven colours that people who see fewer tell apart, on white as on black (Okabe and Ito 2008). */
static const char *const colour[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                     "#e69f00", "#56b4e9", "#8a8a8a"};
static const char *const dash[] = {"", " stroke-dasharray=\"6 3\"", " stroke-dasharray=\"2 3\"",
                                   " stroke-dasharray=\"9 3 2 3\""};

/* A range of values, of their logarithms with `log`. */
typedef struct axis {
    double low, high;
    bool log;
} axis;

static double axis_value(const axis *a, double v)
{
    return a->log ? llmc__log(v) : v;
}

/* 0 to 1 along the axis. */
static double axis_at(const axis *a, double v)
{
    return (axis_value(a, v) - a->low) / (a->high - a->low);
}

static bool axis_takes(const axis *a, double v)
{
    return !a->log || v > 0;
}

/* The range of all curves, never empty. along: of x. */
static axis axis_over(const curve *c, size_t n, bool along, bool log)
{
    axis a;
    size_t i, k;
    bool any = false;
    a.low = a.high = 0;
    a.log = log;
    for (i = 0; i < n; i++)
        for (k = 0; k < c[i].s->n; k++) {
            double v = along ? c[i].s->x[k] : c[i].s->y[k];
            if (!axis_takes(&a, v))
                continue;
            v = axis_value(&a, v);
            a.low = !any || v < a.low ? v : a.low;
            a.high = !any || v > a.high ? v : a.high;
            any = true;
        }
    if (!(a.high - a.low > (a.high > 0 ? a.high : -a.high) * 1e-9)) {
        double by = a.low == 0 ? 1 : (a.low > 0 ? a.low : -a.low) * 0.1;
        a.low -= by;
        a.high += by;
    } else if (!along) {
        double by = 0.04 * (a.high - a.low);
        a.low -= by;
        a.high += by;
    }
    return a;
}

/* 1, 2 or 5 times a power of ten, so that about `most` of them fill the span. */
static double tick_step(double span, int most)
{
    double unit = 1;
    while (unit * most < span)
        unit *= 10;
    while (unit * most / 10 >= span)
        unit /= 10;
    return unit * most / 5 >= span ? unit / 5 : unit * most / 2 >= span ? unit / 2 : unit;
}

/* Text with what XML reserves escaped. */
static void put_text(svg *f, const char *text)
{
    for (; *text != 0; text++)
        if (*text == '<')
            put(f, "&lt;");
        else if (*text == '&')
            put(f, "&amp;");
        else if (*text == '>')
            put(f, "&gt;");
        else if (*text == '"')
            put(f, "&quot;");
        else
            put(f, "%c", (unsigned char)*text < 32 ? ' ' : *text);
}

/* A grid line and its number; up: along y. */
static void put_tick(svg *f, const axis *a, double v, double top, bool up)
{
    double at = axis_at(a, v);
    double x = LEFT + at * (WIDTH - LEFT - RIGHT), y = top + (1 - at) * (HEIGHT - TOP - BOTTOM);
    if (at < -1e-9 || at > 1 + 1e-9)
        return;
    if (up)
        put(f,
            "<path class=\"g\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" "
            "text-anchor=\"end\">%.4g</text>\n",
            LEFT, y, WIDTH - RIGHT, LEFT - 6, y + 4, v);
    else
        put(f,
            "<path class=\"g\" d=\"M%.1f %.1fV%.1f\"/><text x=\"%.1f\" y=\"%.1f\" "
            "text-anchor=\"middle\">%.10g</text>\n",
            x, top, top + HEIGHT - TOP - BOTTOM, x, top + HEIGHT - TOP - BOTTOM + 16, v);
}

static void put_ticks(svg *f, const axis *a, double top, bool up)
{
    double step, v, unit;
    int i;
    if (a->log) { /* 1, 2, 5 of each power of ten */
        for (unit = 1e-12; unit < 1e12; unit *= 10)
            for (i = 1; i <= 5; i += i == 1 ? 1 : 3)
                put_tick(f, a, unit * i, top, up);
        return;
    }
    step = tick_step(a->high - a->low, up ? 5 : 8);
    v = a->low / step;
    v = (v > -1e15 && v < 1e15 ? (double)(int64_t)v : v) * step;
    for (i = -1; i < 12; i++)
        put_tick(f, a, v + i * step + 0.0, top, up);
}

/* A curve as a path. Of more points than pixels the least and the most of each pixel are drawn. */
static void put_curve(svg *f, const curve *c, const axis *x, const axis *y, double top, bool many)
{
    const series *s = c->s;
    const double wide = WIDTH - LEFT - RIGHT, high = HEIGHT - TOP - BOTTOM;
    size_t colour_of = many ? c->key : c->run, dash_of = many ? c->run : c->key, i;
    double pixel = -1, low = 0, top_most = 0;
    const char *move = "M";
    put(f, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"%s d=\"",
        colour[colour_of % TOOL_COUNT_OF(colour)], dash[dash_of % TOOL_COUNT_OF(dash)]);
    for (i = 0; i <= s->n; i++) {
        bool ends = i == s->n, shown = !ends && axis_takes(y, s->y[i]);
        double px = shown ? LEFT + axis_at(x, s->x[i]) * wide : 0;
        double py = shown ? top + (1 - axis_at(y, s->y[i])) * high : 0;
        if (!ends && !shown)
            continue;
        if (s->n <= 2 * (size_t)wide) {
            if (!ends)
                put(f, "%s%.1f %.1f", move, px, py);
            move = "L";
            continue;
        }
        if (!ends && pixel >= 0 && px < pixel + 1 && px >= pixel) {
            low = py < low ? py : low;
            top_most = py > top_most ? py : top_most;
            continue;
        }
        if (pixel >= 0) {
            put(f, "%s%.1f %.1fL%.1f %.1f", move, pixel, top_most, pixel, low);
            move = "L";
        }
        pixel = px;
        low = top_most = py;
    }
    put(f, "\"/>\n");
}

/* The names of a panel's curves, as many as there is room for, from the right. */
static void put_legend(svg *f, const curve *c, size_t n, const run *runs, size_t n_runs, bool many,
                       double top)
{
    double x = LEFT + 170;
    size_t i;
    for (i = 0; i < n; i++) {
        char text[2 * PART_MAX + 8];
        size_t k = many ? c[i].key : c[i].run, d = many ? c[i].run : c[i].key;
        if (n_runs > 1)
            snprintf(text, sizeof text, "%.90s %.90s", runs[c[i].run].name, c[i].s->key);
        else
            snprintf(text, sizeof text, "%.90s", c[i].s->key);
        if (x + 40 + 6.5 * (double)strlen(text) > WIDTH) {
            put(f, "<text x=\"%.0f\" y=\"%.1f\">...</text>\n", x, top - 10);
            return;
        }
        put(f, "<path stroke=\"%s\" stroke-width=\"2\"%s d=\"M%.0f %.1fh20\"/><text x=\"%.0f\" y=\"%.1f\">",
            colour[k % TOOL_COUNT_OF(colour)], dash[d % TOOL_COUNT_OF(dash)], x, top - 14, x + 25, top - 10);
        put_text(f, text);
        put(f, "</text>\n");
        x += 40 + 6.5 * (double)strlen(text);
    }
}

/* One panel; top: where its frame begins. */
static void put_panel(svg *f, const char *name, const run *runs, size_t n_runs, double top, bool log)
{
    size_t n, i, keys = 0;
    curve *c = panel_curves(name, runs, n_runs, &n);
    axis x = axis_over(c, n, true, false), y = axis_over(c, n, false, log);
    bool many;
    for (i = 0; i < n; i++)
        keys = c[i].key > keys ? c[i].key : keys;
    many = n_runs == 1 && keys > 0; /* then colours tell keys apart, not runs */
    put(f, "<text class=\"t\" x=\"%d\" y=\"%.1f\">", LEFT, top - 10);
    put_text(f, name);
    put(f, "</text>\n");
    put_ticks(f, &x, top, false);
    put_ticks(f, &y, top, true);
    for (i = 0; i < n; i++)
        put_curve(f, &c[i], &x, &y, top, many);
    put_legend(f, c, n, runs, n_runs, many, top);
    free(c);
}

static void put_head(svg *f, int width, int height)
{
    put(f,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n"
        "<style>text{font:12px sans-serif;fill:#444}.t{font-weight:bold}"
        ".g{stroke:#888;stroke-opacity:.3;fill:none}"
        "@media(prefers-color-scheme:dark){text{fill:#ccc}}</style>\n",
        width, height, width, height);
}

static void sheet(const char *path, const run *runs, size_t n_runs, char **panel, size_t n_panels, bool log)
{
    svg out;
    size_t i;
    memset(&out, 0, sizeof out);
    put_head(&out, WIDTH, (int)n_panels * HEIGHT);
    for (i = 0; i < n_panels; i++)
        put_panel(&out, panel[i], runs, n_runs, (double)i * HEIGHT + TOP, log);
    put(&out, "</svg>\n");
    svg_write(&out, path);
}

/* ---- inside a model ------------------------------------------------------------------------ */

enum { SHOWN_MAX = 256 /* tokens of a prompt */ };

/* What a pass over a prompt showed. */
typedef struct inside {
    llmc_host host;
    llmc_token ids[SHOWN_MAX];
    size_t n;
    uint32_t layer; /* whose queries and keys are kept, from 0 */
    float *states;  /* [L][n][D] */
    float *query;   /* [n][H * K] */
    float *key;     /* [n][G * K] */
} inside;

static void inside_tap(void *user, const char *point, uint32_t layer, const float *x, size_t n, size_t width)
{
    inside *m = (inside *)user;
    float *to = NULL;
    if (n != m->n)
        return;
    if (strcmp(point, "layer") == 0)
        to = m->states + (size_t)layer * n * width;
    else if (layer == m->layer && strcmp(point, "query") == 0)
        to = m->query;
    else if (layer == m->layer && strcmp(point, "key") == 0)
        to = m->key;
    if (to != NULL)
        memcpy(to, x, n * width * sizeof *x);
}

/* Opens a model for at most SHOWN_MAX tokens and reads the prompt. layer: from 1; 0: the last. */
static void inside_open(inside *m, const char *prompt, uint32_t layer)
{
    llmc_engine_options engine;
    llmc_model_options model;
    llmc_open_options open;
    llmc_encode_options encode;
    llmc_diag diag;
    const llmc_config *c;
    llmc_token *ids;
    size_t n;
    memset(m, 0, sizeof *m);
    memset(&engine, 0, sizeof engine);
    memset(&model, 0, sizeof model);
    memset(&open, 0, sizeof open);
    memset(&encode, 0, sizeof encode);
    model.log = engine.log = tool_log();
    engine.cpu = tool_opt.cpu;
    engine.batch_tokens = SHOWN_MAX;
    engine.kv_type = LLMC_F32;
    engine.tap.fn = inside_tap;
    engine.tap.user = m;
    engine.tap.attention = true;
    open.tokenizer_path = tool_opt.tokenizer;
    open.engine = &engine;
    tool_check(tool_try_open(&m->host, tool_opt.model, &open, &model, &diag), &diag);
    c = llmc_model_config(m->host.model);
    if (llmc_model_tokenizer(m->host.model) == NULL)
        tool_die("%s: holds no tokenizer; --tokenizer FILE gives one", tool_opt.model);
    if (layer > c->n_layer)
        tool_die("--layer %u: the model has %u", layer, c->n_layer);
    m->layer = (layer != 0 ? layer : c->n_layer) - 1;
    encode.add_bos = llmc_tokenizer_adds_bos(llmc_model_tokenizer(m->host.model));
    ids = tool_encode(llmc_model_tokenizer(m->host.model), prompt, strlen(prompt), &encode, &n);
    if (n == 0 || n > SHOWN_MAX)
        tool_die("the prompt has %zu tokens; 1 to %d can be shown", n, (int)SHOWN_MAX);
    memcpy(m->ids, ids, n * sizeof *ids);
    free(ids);
    m->n = n;
    m->states = (float *)tool_alloc((size_t)c->n_layer * n, c->n_embd * sizeof(float));
    m->query = (float *)tool_alloc(n * c->n_head, c->head_dim * sizeof(float));
    m->key = (float *)tool_alloc(n * c->n_kv_head, c->head_dim * sizeof(float));
    tool_check(llmc_seq_forward(m->host.seq, m->ids, n, NULL, 0, &diag), &diag);
}

static void inside_close(inside *m)
{
    free(m->states);
    free(m->query);
    free(m->key);
    llmc_close(&m->host);
}

/* A token as text to show: what is not printable as a dot, no longer than 12 characters. */
static const char *shown(const inside *m, llmc_token id, char *out)
{
    char text[512];
    size_t n = 0, i, at = 0, chars = 0;
    llmc_decode_options opt;
    memset(&opt, 0, sizeof opt);
    opt.show_special = opt.keep_space = true;
    if (llmc_decode(llmc_model_tokenizer(m->host.model), &id, 1, &opt, text, sizeof text, &n, NULL) !=
        LLMC_OK)
        n = 0;
    for (i = 0; i < n && chars < 12; chars++) {
        size_t len = llmc__utf8_valid(text + i, n - i);
        if (len == 0 || (unsigned char)text[i] < 32 || text[i] == 127) {
            memcpy(out + at, "\xc2\xb7", 2);
            at += 2;
            i += len == 0 ? 1 : len;
            continue;
        }
        memcpy(out + at, text + i, len);
        at += len;
        i += len;
    }
    out[at] = 0;
    return out;
}

/* What query i of a head gives to each key 0 .. i: out [i + 1]. By the definition, with what the model has of
   windows, sinks, caps and values that join the softmax. */
static void attention_row(const inside *m, uint32_t head, size_t i, double *out)
{
    const llmc_config *c = llmc_model_config(m->host.model);
    const float *q = m->query + (i * c->n_head + head) * c->head_dim;
    size_t group = head / (c->n_head / c->n_kv_head), j, d;
    bool windowed = c->window_size > 0 && llmc_layers_has(&c->windowed, m->layer);
    double scale = c->attn_scale != 0 ? (double)c->attn_scale : 1 / llmc__sqrt((double)c->head_dim),
           top = -1e300;
    double sum = 0, sink = 0;
    for (j = 0; j <= i; j++) {
        const float *k = m->key + (j * c->n_kv_head + group) * c->head_dim;
        for (d = 0, out[j] = 0; d < c->head_dim; d++)
            out[j] += (double)q[d] * (double)k[d];
        out[j] *= scale;
        if (c->attn_softcap > 0)
            out[j] =
                (double)c->attn_softcap * (1 - 2 / (llmc__exp(2 * out[j] / (double)c->attn_softcap) + 1));
        if (windowed && j + c->window_size <= i && j >= c->sink_tokens)
            out[j] = -1e300;
        top = out[j] > top ? out[j] : top;
    }
    if (c->sink_logits) {
        float *sinks = (float *)tool_alloc(c->n_head, sizeof *sinks);
        llmc__tensor_row_f32(llmc__weight(m->host.model, m->layer, LLMC__W_SINKS), 0, sinks);
        sink = (double)sinks[head];
        top = sink > top ? sink : top;
        sum = llmc__exp(sink - top);
        free(sinks);
    }
    for (j = 0; j <= i; j++)
        sum += out[j] = out[j] <= -1e299 ? 0 : llmc__exp(out[j] - top);
    for (j = 0; j <= i; j++)
        out[j] /= sum;
}

/* Indices of the three largest of x [n], the largest first; *count of them. */
static void three_best(const double *x, size_t n, size_t *best, size_t *count)
{
    size_t i, k;
    for (*count = 0; *count < 3 && *count < n; (*count)++) {
        best[*count] = n;
        for (i = 0; i < n; i++) {
            for (k = 0; k < *count && best[k] != i; k++)
                ;
            if (k == *count && (best[k] == n || x[i] > x[best[k]]))
                best[k] = i;
        }
    }
}

/* The last token's three best keys, head by head. */
static void attention_text(const inside *m, uint32_t heads)
{
    double row[SHOWN_MAX];
    size_t best[3], count, k;
    char text[64];
    uint32_t h;
    printf("layer %u, the last token looks at\n", m->layer + 1);
    for (h = 0; h < heads; h++) {
        attention_row(m, h, m->n - 1, row);
        three_best(row, m->n, best, &count);
        printf("head %-3u", h);
        for (k = 0; k < count; k++)
            printf("  %.3f %zu '%s'", row[best[k]], best[k], shown(m, m->ids[best[k]], text));
        putchar('\n');
    }
}

/* A square for each head, four in a row; the tokens down the left side of each row of squares. */
static void attention_sheet(const inside *m, uint32_t heads, const char *path)
{
    const double side = 180, cell = side / (double)m->n;
    double row[SHOWN_MAX];
    svg out;
    char text[64];
    uint32_t h;
    size_t i, j;
    memset(&out, 0, sizeof out);
    put_head(&out, 860, (int)((heads + 3) / 4) * 215 + 10);
    for (h = 0; h < heads; h++) {
        double left = 95 + 190 * (h % 4), top = 25 + 215 * (h / 4);
        put(&out, "<text class=\"t\" x=\"%.0f\" y=\"%.0f\">layer %u, head %u</text>\n", left, top - 6,
            m->layer + 1, h);
        put(&out, "<path class=\"g\" d=\"M%.0f %.0fh%.0fv%.0fh-%.0fz\"/>\n", left, top, side, side, side);
        for (i = 0; i < m->n; i++) {
            if (h % 4 == 0 && cell >= 9) {
                put(&out, "<text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\" font-size=\"10\">", left - 5,
                    top + ((double)i + 0.5) * cell + 4);
                put_text(&out, shown(m, m->ids[i], text));
                put(&out, "</text>\n");
            }
            attention_row(m, h, i, row);
            for (j = 0; j <= i; j++)
                if (row[j] >= 0.005)
                    put(&out,
                        "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"#0072b2\" "
                        "fill-opacity=\"%.2f\"><title>%zu looks at %zu: %.3f</title></rect>\n",
                        left + (double)j * cell, top + (double)i * cell, cell, cell, row[j], i, j, row[j]);
        }
    }
    put(&out, "</svg>\n");
    svg_write(&out, path);
}

static void attention(const char *prompt, uint32_t layer, const char *output)
{
    inside m;
    uint32_t heads;
    inside_open(&m, prompt, layer);
    heads = llmc_model_config(m.host.model)->n_head;
    if (output != NULL)
        attention_sheet(&m, heads, output);
    else
        attention_text(&m, heads);
    inside_close(&m);
}

/* Probabilities of the next token after state x [D]: p [V]. */
static void lens_row(inside *m, const float *x, float *logits, double *p)
{
    uint32_t n = llmc_model_config(m->host.model)->vocab_size, i;
    double top = -1e300, sum = 0;
    llmc_diag diag;
    diag.message[0] = 0;
    tool_check(llmc_engine_logits(m->host.engine, x, 1, logits, &diag), &diag);
    for (i = 0; i < n; i++)
        top = (double)logits[i] > top ? (double)logits[i] : top;
    for (i = 0; i < n; i++)
        sum += p[i] = llmc__exp((double)logits[i] - top);
    for (i = 0; i < n; i++)
        p[i] /= sum;
}

/* One layer's line in the terminal, or its row of cells [n] on the sheet. */
static void lens_layer(inside *m, uint32_t layer, svg *sheet_file, float *logits, double *p)
{
    const llmc_config *c = llmc_model_config(m->host.model);
    const float *x = m->states + (size_t)layer * m->n * c->n_embd;
    size_t best[3], count, k, i;
    double top = 45 + 22.0 * layer;
    char text[64];
    if (sheet_file == NULL) {
        lens_row(m, x + (m->n - 1) * c->n_embd, logits, p);
        three_best(p, c->vocab_size, best, &count);
        printf("layer %-3u", layer + 1);
        for (k = 0; k < count; k++)
            printf("  %.3f '%s'", p[best[k]], shown(m, (llmc_token)best[k], text));
        putchar('\n');
        return;
    }
    put(sheet_file, "<text x=\"60\" y=\"%.0f\" text-anchor=\"end\">layer %u</text>\n", top + 15, layer + 1);
    for (i = 0; i < m->n; i++) {
        lens_row(m, x + i * c->n_embd, logits, p);
        three_best(p, c->vocab_size, best, &count);
        put(sheet_file,
            "<rect x=\"%zu\" y=\"%.0f\" width=\"78\" height=\"20\" fill=\"#009e73\" fill-opacity=\"%.2f\">"
            "<title>%.3f</title></rect><text x=\"%zu\" y=\"%.0f\" font-size=\"10\">",
            68 + 80 * i, top, 0.6 * p[best[0]], p[best[0]], 71 + 80 * i, top + 14);
        put_text(sheet_file, shown(m, (llmc_token)best[0], text));
        put(sheet_file, "</text>\n");
    }
}

static void lens(const char *prompt, const char *output)
{
    inside m;
    const llmc_config *c;
    svg out;
    float *logits;
    double *p;
    char text[64];
    uint32_t l;
    size_t i;
    inside_open(&m, prompt, 0);
    c = llmc_model_config(m.host.model);
    logits = (float *)tool_alloc(c->vocab_size, sizeof *logits);
    p = (double *)tool_alloc(c->vocab_size, sizeof *p);
    memset(&out, 0, sizeof out);
    if (output != NULL) {
        put_head(&out, 80 + 80 * (int)m.n, 60 + 22 * (int)c->n_layer);
        for (i = 0; i < m.n; i++) {
            put(&out, "<text class=\"t\" x=\"%zu\" y=\"32\" font-size=\"10\">", 71 + 80 * i);
            put_text(&out, shown(&m, m.ids[i], text));
            put(&out, "</text>\n");
        }
    }
    for (l = 0; l < c->n_layer; l++)
        lens_layer(&m, l, output != NULL ? &out : NULL, logits, p);
    if (output != NULL) {
        put(&out, "</svg>\n");
        svg_write(&out, output);
    }
    free(logits);
    free(p);
    inside_close(&m);
}

/* ---- the program --------------------------------------------------------------------------- */

/* The panels that there are numbers for, out of a list apart by commas; *n of them. asked: each has to be
   there. */
static void panels_of(char *list, bool asked, const run *runs, size_t n_runs, char **panel, size_t *n)
{
    *n = 0;
    for (list = strtok(list, ","); list != NULL; list = strtok(NULL, ",")) {
        size_t curves;
        free(panel_curves(list, runs, n_runs, &curves));
        if (curves == 0 && asked)
            tool_die("no file has a number '%s'", list);
        if (curves > 0 && *n == PANELS_MAX)
            tool_misused("--keys: at most %d panels", PANELS_MAX);
        if (curves > 0)
            panel[(*n)++] = list;
    }
    if (*n == 0)
        tool_die("no file has a loss, a learning rate or tokens per second; --keys names what to draw");
}

int main(int argc, char **argv)
{
    static const char *keys, *output, *prompt;
    static bool log, heads, layers;
    static uint32_t layer;
    static const tool_option options[] = {
        {'o', "output", TOOL_TEXT, &output, "OUT.svg", "the sheet; - for standard output"},
        {0, "keys", TOOL_TEXT, &keys, "LIST", "panels: A,B+C,D/*"},
        {0, "log", TOOL_FLAG, &log, NULL, "logarithmic values; what is not above 0 is left out"},
        TOOL_OPTIONS_MODEL,
        {'p', "prompt", TOOL_TEXT, &prompt, "TEXT", "what the model reads"},
        {0, "attention", TOOL_FLAG, &heads, NULL, "what each head of a layer looks at"},
        {0, "lens", TOOL_FLAG, &layers, NULL, "what each layer would predict"},
        {0, "layer", TOOL_U32, &layer, "N", "with --attention: from 1; default: the last"},
        TOOL_OPTIONS_ALL,
    };
    char usual[] = "loss+val_loss,learning_rate,tokens_per_sec", *list = usual, *panel[PANELS_MAX], **args;
    run *runs;
    size_t n_panels, i;
    int n;
    tool_name = "plot";
    args = tool_parse(argc, argv, usage, options, TOOL_COUNT_OF(options), &n);
    if (heads || layers) {
        if (heads == layers || n != 0 || keys != NULL || log || (layer != 0 && layers))
            tool_misused("--attention or --lens, with -m, -p and -o alone");
        if (tool_opt.model == NULL || prompt == NULL)
            tool_misused("-m MODEL and -p PROMPT are missing");
        if (heads)
            attention(prompt, layer, output);
        else
            lens(prompt, output);
        return tool_end();
    }
    if (tool_opt.model != NULL || prompt != NULL || layer != 0)
        tool_misused("-m, -p and --layer go with --attention or --lens");
    if (n == 0)
        tool_misused("METRICS is missing");
    if (log && output == NULL)
        tool_misused("--log goes with -o");
    runs = (run *)tool_alloc((size_t)n, sizeof *runs);
    for (i = 0; i < (size_t)n; i++)
        runs[i] = read_run(args[i]);
    if (keys != NULL) {
        list = (char *)tool_alloc(strlen(keys) + 1, 1);
        strcpy(list, keys);
    }
    panels_of(list, keys != NULL, runs, (size_t)n, panel, &n_panels);
    if (output != NULL)
        sheet(output, runs, (size_t)n, panel, n_panels, log);
    for (i = 0; output == NULL && i < (size_t)n; i++)
        sparks(&runs[i], n > 1, panel, n_panels);
    for (i = 0; i < (size_t)n; i++)
        run_free(&runs[i]);
    free(runs);
    if (keys != NULL)
        free(list);
    return tool_end();
}
