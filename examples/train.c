// cc -O2 examples/train.c -o train && ./train --config configs/train/rustgpt.cfg
//
// train.c - makes a language model from text, or tunes one. What to do stands in a file of settings
// (configs/train/ has some), each of which `key=value` on the command line replaces; a [section] of the file
// is a stage, and stages follow each other with the weights that the one before left. Results go to stdout,
// everything else to stderr.
//
//   mpicc -O2 -DLLMC_MPI examples/train.c -o train-mpi && mpirun -np 2 ./train-mpi --config FILE
//   trains with several processes, each on its part of every batch.
#ifndef __USE_MINGW_ANSI_STDIO
#define __USE_MINGW_ANSI_STDIO 1 /* %zu, whatever the system's C library */
#endif
#define LLMC_STATIC // the only file: what it does not use is not compiled
#define LLMC_IMPLEMENTATION
#include "../llmc.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifndef _WIN32
#include <unistd.h>
#endif
#ifdef LLMC_MPI
#include <mpi.h>
#endif

#include "files.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* ---- settings ---- */

typedef struct settings {
    /* data */
    const char *train_data, *valid_data, *tokenizer, *special, *separator, *field, *document_token,
        *documents;
    double val_split;
    bool parse_special, no_ends;
    const char *shards; /* folder: write train.bin and val.bin there, and end */
    /* model */
    const char *init_from, *resume_from, *chat_template, *init, *use_bias;
    double dropout, init_gain, balance;
    uint32_t context_length;
    bool recompute, bf16;
    const char *lora_targets;
    double lora_alpha, lora_dropout;
    uint32_t lora_r;
    bool lora_merge;
    /* steps */
    const char *optimizer, *schedule;
    double learning_rate, min_lr, weight_decay, grad_clip, beta1, beta2, epsilon, momentum, matrix_lr,
        explode;
    uint32_t batch_size, accumulation, epochs, max_iters, warmup_steps, decay_steps;
    bool decay_all;
    /* what is kept and shown */
    const char *checkpoint_dir, *metrics, *out, *out_type, *prompts, *prompt_form, *stop;
    uint32_t save_every, save_last, save_top_k, eval_interval, eval_batches, log_interval, sample_tokens;
    double temperature;
    bool log_norms, chat;
    /* machine */
    const char *isa;
    uint32_t seed, threads;
} settings;

typedef enum key_kind { AS_TEXT, AS_FLAG, AS_WHOLE, AS_REAL } key_kind;

typedef struct key_row {
    const char *name; /* others for the same, apart by '|' */
    key_kind kind;
    size_t at;
    double low, high, normal; /* bounds, and the value of who says nothing */
    const char *text, *help;  /* the same of a text */
} key_row;

#define AT(member) offsetof(settings, member)
#define MOST       4294967295.0

static const key_row keys[] = {
    {"train_data|data", AS_TEXT, AT(train_data), 0, 0, 0, NULL,
     "files, apart by commas: .txt, .jsonl, .json, .csv, .bin"},
    {"valid_data|val_data", AS_TEXT, AT(valid_data), 0, 0, 0, NULL, "the same for validation"},
    {"val_split", AS_REAL, AT(val_split), 0, 0.9, 0, NULL, "without: this share of the training texts"},
    {"tokenizer", AS_TEXT, AT(tokenizer), 0, 0, 0, NULL,
     "file or folder; or words, chars: made of the training texts"},
    {"special_tokens|special", AS_TEXT, AT(special), 0, 0, 0, "<unk>", "of a made one, apart by blanks"},
    {"separator", AS_TEXT, AT(separator), 0, 0, 0, NULL, "what stands between the documents of a .txt"},
    {"field", AS_TEXT, AT(field), 0, 0, 0, NULL, "the member of JSON that holds a text (text)"},
    {"documents", AS_TEXT, AT(documents), 0, 0, 0, "auto",
     "rows are packed with whole ones: true, false, auto"},
    {"document_token", AS_TEXT, AT(document_token), 0, 0, 0, NULL,
     "the token that begins each one in a .bin"},
    {"parse_special", AS_FLAG, AT(parse_special), 0, 0, 0, NULL,
     "control tokens written out in texts are meant"},
    {"no_ends", AS_FLAG, AT(no_ends), 0, 0, 0, NULL, "no BOS and EOS around documents"},
    {"shards", AS_TEXT, AT(shards), 0, 0, 0, NULL, "folder: write train.bin and val.bin there, then end"},
    {"init_from", AS_TEXT, AT(init_from), 0, 0, 0, NULL, "the model to tune; without: a new one"},
    {"resume_from|resume", AS_TEXT, AT(resume_from), 0, 0, 0, NULL,
     "a checkpoint; auto: the newest, if there is one"},
    {"chat_template", AS_TEXT, AT(chat_template), 0, 0, 0, NULL, "chatml, llama3, ... or a file in Jinja"},
    {"init", AS_TEXT, AT(init), 0, 0, 0, "normal", "of new weights: normal, kaiming, he"},
    {"init_gain", AS_REAL, AT(init_gain), 0, 1e3, 0, NULL, "of kaiming (1)"},
    {"use_bias|bias", AS_TEXT, AT(use_bias), 0, 0, 0, NULL, "of linear maps: true, false (by family)"},
    {"dropout", AS_REAL, AT(dropout), 0, 0.999, 0, NULL, "share of values that are left out"},
    {"balance", AS_REAL, AT(balance), 0, 1e3, 0, NULL, "times the experts' load-balancing loss"},
    {"context_length|block_size", AS_WHOLE, AT(context_length), 1, 1 << 20, 512, NULL, "tokens in a row"},
    {"recompute", AS_FLAG, AT(recompute), 0, 0, 0, NULL, "less memory, a third more time"},
    {"bf16", AS_FLAG, AT(bf16), 0, 0, 0, NULL,
     "products round to bf16: faster, where the processor has them"},
    {"lora_r", AS_WHOLE, AT(lora_r), 0, LLMC_LORA_MAX_RANK, 0, NULL,
     "rank: an adapter of init_from is trained, not its weights; 0: off"},
    {"lora_alpha", AS_REAL, AT(lora_alpha), 0, 1e6, 0, NULL, "the adapter counts alpha / rank times (2)"},
    {"lora_targets", AS_TEXT, AT(lora_targets), 0, 0, 0, "all",
     "maps, apart by commas: q, k, v, o, gate, up, down, or all"},
    {"lora_dropout", AS_REAL, AT(lora_dropout), 0, 0.999, 0, NULL, "share of its inputs that are left out"},
    {"lora_merge", AS_FLAG, AT(lora_merge), 0, 0, 0, NULL,
     "out is the whole model with the adapter in it, else the adapter alone"},
    {"optimizer", AS_TEXT, AT(optimizer), 0, 0, 0, "adamw", "adamw, muon, sgd"},
    {"schedule|lr_schedule", AS_TEXT, AT(schedule), 0, 0, 0, "cosine", "cosine, linear, constant, stable"},
    {"learning_rate|lr", AS_REAL, AT(learning_rate), 1e-12, 1e3, 3e-4, NULL, "the highest"},
    {"min_lr", AS_REAL, AT(min_lr), 0, 1e3, -1, NULL, "the last (a tenth of it)"},
    {"weight_decay", AS_REAL, AT(weight_decay), 0, 1e3, 0.1, NULL, "of matrices"},
    {"decay_all", AS_FLAG, AT(decay_all), 0, 0, 0, NULL, "of norms, biases and embeddings, too"},
    {"grad_clip", AS_REAL, AT(grad_clip), 0, 1e6, 1, NULL, "longest gradient; 0: any"},
    {"beta1", AS_REAL, AT(beta1), 0, 0.99999, 0.9, NULL, "of AdamW"},
    {"beta2", AS_REAL, AT(beta2), 0, 0.99999, 0.999, NULL, ""},
    {"epsilon", AS_REAL, AT(epsilon), 0, 1, 1e-8, NULL, ""},
    {"momentum", AS_REAL, AT(momentum), 0, 0.99999, 0, NULL, "of SGD, and of Muon (0.95)"},
    {"matrix_lr", AS_REAL, AT(matrix_lr), 0, 1e3, 0, NULL, "Muon's highest (0.02)"},
    {"explode", AS_REAL, AT(explode), 0, 1e6, 0, NULL, "a loss so many times the smoothed one ends it (3)"},
    {"batch_size", AS_WHOLE, AT(batch_size), 1, 65536, 32, NULL, "rows in a pass"},
    {"gradient_accumulation|grad_accum", AS_WHOLE, AT(accumulation), 1, 65536, 1, NULL,
     "passes in an update"},
    {"epochs", AS_WHOLE, AT(epochs), 0, 1e9, 10, NULL, "times through the data, if max_iters is 0"},
    {"max_iters|max_steps", AS_WHOLE, AT(max_iters), 0, MOST, 0, NULL, "updates"},
    {"warmup_steps|warmup_iters", AS_WHOLE, AT(warmup_steps), 0, MOST, 100, NULL, ""},
    {"decay_steps", AS_WHOLE, AT(decay_steps), 0, MOST, 0, NULL, "of stable, at the end (a fifth)"},
    {"checkpoint_dir", AS_TEXT, AT(checkpoint_dir), 0, 0, 0, NULL, "folder of checkpoints; without: none"},
    {"save_every", AS_WHOLE, AT(save_every), 0, MOST, 500, NULL, "updates between them; 0: only at the end"},
    {"save_last", AS_WHOLE, AT(save_last), 1, 64, 2, NULL, "newest that are kept"},
    {"save_top_k", AS_WHOLE, AT(save_top_k), 0, 64, 3, NULL, "best by validation that are kept, too"},
    {"metrics", AS_TEXT, AT(metrics), 0, 0, 0, NULL, "metrics.jsonl (in checkpoint_dir)"},
    {"eval_interval", AS_WHOLE, AT(eval_interval), 0, MOST, 500, NULL, "updates between validations"},
    {"eval_batches|eval_iters", AS_WHOLE, AT(eval_batches), 0, MOST, 20, NULL,
     "of each; 0: all. The last: all"},
    {"log_interval", AS_WHOLE, AT(log_interval), 1, MOST, 10, NULL, "updates between lines"},
    {"log_norms", AS_FLAG, AT(log_norms), 0, 0, 0, NULL, "norms of each tensor, in metrics"},
    {"out", AS_TEXT, AT(out), 0, 0, 0, NULL,
     "the model as GGUF, at the end; an adapter as GGUF or PEFT's .safetensors"},
    {"out_type", AS_TEXT, AT(out_type), 0, 0, 0, "f32", "its matrices: f32, f16, q8_0, ..."},
    {"prompts|sample_prompts", AS_TEXT, AT(prompts), 0, 0, 0, NULL,
     "apart by |: continued before and after training"},
    {"prompt_form", AS_TEXT, AT(prompt_form), 0, 0, 0, "{}", "what is put around a prompt"},
    {"stop", AS_TEXT, AT(stop), 0, 0, 0, NULL, "a text that ends an answer"},
    {"sample_tokens", AS_WHOLE, AT(sample_tokens), 0, 65536, 100, NULL, "longest continuation"},
    {"temperature", AS_REAL, AT(temperature), 0, 100, 0, NULL, "of samples; 0: greedy"},
    {"chat", AS_FLAG, AT(chat), 0, 0, 0, NULL, "then answers prompts from standard input"},
    {"isa", AS_TEXT, AT(isa), 0, 0, 0, NULL, "kernels: auto, scalar, avx2, avx512, ..."},
    {"seed", AS_WHOLE, AT(seed), 0, MOST, 1, NULL, "of weights, order and dropout"},
    {"threads", AS_WHOLE, AT(threads), 0, 1024, 0, NULL, "0: all that this process may use"},
};
enum { N_KEYS = sizeof keys / sizeof keys[0], MOST_STAGES = 8, MOST_SAID = 256 };

/* One `key: value`, and where it was said. */
typedef struct said {
    char section[32], key[64], value[1024], where[160];
} said;

static said words[MOST_SAID];
static int n_words;
static const char *config_path;
static int mpi_rank; /* only the first one talks */

#if defined(__MINGW32__) && !defined(__clang__)
#define LIKE_PRINTF(n) __attribute__((format(gnu_printf, n, n + 1)))
#elif defined(__GNUC__)
#define LIKE_PRINTF(n) __attribute__((format(printf, n, n + 1)))
#else
#define LIKE_PRINTF(n)
#endif

static bool bar_drawn;

static void wipe_bar(void)
{
    if (bar_drawn)
        fputs("\r\033[K", stderr);
    bar_drawn = false;
}

static void end(int code)
{
#ifdef LLMC_MPI
    if (code != EXIT_OK)
        MPI_Abort(MPI_COMM_WORLD, code);
    MPI_Finalize();
#endif
    exit(code);
}

/* One line on stderr, and the end. */
LIKE_PRINTF(2) static void die(int code, const char *fmt, ...)
{
    va_list args;
    wipe_bar();
    fputs("train: ", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    end(code);
}

LIKE_PRINTF(1) static void say(const char *fmt, ...)
{
    va_list args;
    if (mpi_rank != 0)
        return;
    wipe_bar();
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
}

static void check(llmc_status status, const llmc_diag *diag)
{
    if (status != LLMC_OK)
        die(EXIT_FAILED, "%s", diag->message);
}

static void *grow(void *p, size_t bytes)
{
    p = realloc(p, bytes > 0 ? bytes : 1);
    if (p == NULL)
        die(EXIT_FAILED, "out of memory (%zu bytes)", bytes);
    return p;
}

static char *join(const char *a, const char *b)
{
    size_t n = strlen(a);
    char *out = (char *)grow(NULL, n + strlen(b) + 1);
    memcpy(out, a, n);
    strcpy(out + n, b);
    return out;
}

/* Whether name is one of list, apart by '|'. */
static bool one_of(const char *list, const char *name)
{
    size_t n = strlen(name), len;
    for (;; list += len + 1) {
        len = strcspn(list, "|");
        if (len == n && memcmp(list, name, n) == 0)
            return true;
        if (list[len] == 0)
            return false;
    }
}

static const key_row *key_named(const char *name)
{
    int i;
    for (i = 0; i < N_KEYS; i++)
        if (one_of(keys[i].name, name))
            return &keys[i];
    return NULL;
}

static void add_word(const char *section, const char *key, const char *value, const char *where)
{
    said *w;
    if (n_words == MOST_SAID)
        die(EXIT_USAGE, "more than %d settings", (int)MOST_SAID);
    w = &words[n_words++];
    if ((size_t)snprintf(w->section, sizeof w->section, "%s", section) >= sizeof w->section ||
        (size_t)snprintf(w->key, sizeof w->key, "%s", key) >= sizeof w->key ||
        (size_t)snprintf(w->value, sizeof w->value, "%s", value) >= sizeof w->value)
        die(EXIT_USAGE, "%s: too long", where);
    snprintf(w->where, sizeof w->where, "%s", where);
}

/* betas: 0.9, 0.95 is claude-rust's way to say two things. */
static void add_setting(const char *section, const char *key, const char *value, const char *where)
{
    char first[32];
    const char *comma = strchr(value, ',');
    if (strcmp(key, "betas") != 0) {
        add_word(section, key, value, where);
        return;
    }
    if (comma == NULL || (size_t)(comma - value) >= sizeof first)
        die(EXIT_USAGE, "%s: betas are two numbers with a comma between them", where);
    snprintf(first, sizeof first, "%.*s", (int)(comma - value), value);
    add_word(section, "beta1", first, where);
    add_word(section, "beta2", comma + 1 + (comma[1] == ' '), where);
}

static void read_config(const char *path)
{
    llmc_blob file;
    llmc_diag diag;
    llmc_setting s;
    llmc_status status;
    size_t at = 0;
    char where[160];
    diag.message[0] = 0;
    memset(&s, 0, sizeof s);
    check(llmc_map_open(&file, path, &diag), &diag);
    while ((status = llmc_settings_next(&file, &at, &s, &diag)) == LLMC_OK) {
        snprintf(where, sizeof where, "%.100s:%u", path, (unsigned)s.line);
        add_setting(s.section, s.key, s.value, where);
    }
    if (status != LLMC_DONE)
        check(status, &diag);
    llmc_map_close(&file);
    config_path = path;
}

/* [SECTION.]KEY=VALUE. False: no '='. */
static bool read_override(const char *arg)
{
    const char *equals = strchr(arg, '='), *dot = strchr(arg, '.');
    char section[32] = "", key[64], where[160];
    if (equals == NULL || equals == arg)
        return false;
    if (dot != NULL && dot < equals && dot - arg < 31) {
        snprintf(section, sizeof section, "%.*s", (int)(dot - arg), arg);
        arg = dot + 1;
    }
    snprintf(key, sizeof key, "%.*s", (int)(equals - arg < 63 ? equals - arg : 63), arg);
    snprintf(where, sizeof where, "%s=", key);
    add_setting(section, key, equals + 1, where);
    return true;
}

static void store(settings *s, const key_row *row, const said *w)
{
    char *at = (char *)s + row->at, *stop;
    double v;
    bool yes = strcmp(w->value, "true") == 0 || strcmp(w->value, "1") == 0;
    if (row->kind == AS_TEXT) {
        *(const char **)at = w->value[0] != 0 ? w->value : NULL;
        return;
    }
    if (row->kind == AS_FLAG) {
        if (!yes && strcmp(w->value, "false") != 0 && strcmp(w->value, "0") != 0)
            die(EXIT_USAGE, "%s %s must be true or false, not '%s'", w->where, w->key, w->value);
        *(bool *)at = yes;
        return;
    }
    v = strtod(w->value, &stop);
    if (stop == w->value || *stop != 0 || !(v >= row->low && v <= row->high) ||
        (row->kind == AS_WHOLE && v != (double)(uint32_t)v))
        die(EXIT_USAGE, "%s %s must be a %snumber from %g to %g, not '%s'", w->where, w->key,
            row->kind == AS_WHOLE ? "whole " : "", row->low, row->high, w->value);
    if (row->kind == AS_WHOLE)
        *(uint32_t *)at = (uint32_t)v;
    else
        *(double *)at = v;
}

/* Settings of one stage: what stands before all sections, then its section. Keys that are no training keys
   describe a new model: see model_json. */
static void settle(settings *s, const char *stage)
{
    int i, turn;
    memset(s, 0, sizeof *s);
    for (i = 0; i < N_KEYS; i++) {
        char *at = (char *)s + keys[i].at;
        if (keys[i].kind == AS_TEXT)
            *(const char **)at = keys[i].text;
        else if (keys[i].kind == AS_WHOLE)
            *(uint32_t *)at = (uint32_t)keys[i].normal;
        else if (keys[i].kind == AS_REAL)
            *(double *)at = keys[i].normal;
    }
    for (turn = 0; turn < 2; turn++)
        for (i = 0; i < n_words; i++) {
            const key_row *row = key_named(words[i].key);
            if (row != NULL && strcmp(words[i].section, turn == 0 ? "" : stage) == 0 &&
                (turn == 0 || stage[0] != 0))
                store(s, row, &words[i]);
        }
    if (s->train_data == NULL)
        die(EXIT_USAGE, "%s%sno train_data", stage, stage[0] != 0 ? ": " : "");
}

/* The sections in their order; a file without any is one stage. */
static int list_stages(const char **stage)
{
    int n = 0, i, k;
    for (i = 0; i < n_words; i++) {
        for (k = 0; k < n && strcmp(stage[k], words[i].section) != 0;)
            k++;
        if (words[i].section[0] == 0 || k < n)
            continue;
        if (strcmp(words[i].section, "model") == 0)
            continue;
        if (n == MOST_STAGES)
            die(EXIT_USAGE, "more than %d stages", (int)MOST_STAGES);
        stage[n++] = words[i].section;
    }
    if (n == 0)
        stage[n++] = "";
    return n;
}

static void print_help(void)
{
    int i;
    printf("usage: train --config FILE [KEY=VALUE ...]\n\n"
           "Trains a model. FILE is YAML, TOML or JSON; KEY=VALUE goes before it, STAGE.KEY=VALUE for one\n"
           "section of it. A new model's shape is said as in config.json (model_type, n_embd, n_layer, "
           "...).\n\n");
    for (i = 0; i < N_KEYS; i++) {
        char normal[32] = "";
        if (keys[i].kind == AS_TEXT && keys[i].text != NULL)
            snprintf(normal, sizeof normal, " (%s)", keys[i].text);
        else if ((keys[i].kind == AS_WHOLE || keys[i].kind == AS_REAL) && keys[i].normal > 0)
            snprintf(normal, sizeof normal, " (%g)", keys[i].normal);
        printf("  %-34s %s%s\n", keys[i].name, keys[i].help, normal);
    }
}

/* ---- bytes and files ---- */

typedef struct text {
    char *data; /* NUL-terminated once anything was put in */
    size_t len, cap;
} text;

static void put(text *t, const void *data, size_t n)
{
    if (t->len + n + 1 > t->cap) {
        t->cap = (t->len + n + 1) * 2;
        t->data = (char *)grow(t->data, t->cap);
    }
    if (n > 0)
        memcpy(t->data + t->len, data, n);
    t->len += n;
    t->data[t->len] = 0;
}

LIKE_PRINTF(2) static void put_f(text *t, const char *fmt, ...)
{
    char line[512];
    va_list args;
    int n;
    va_start(args, fmt);
    n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    put(t, line, n < (int)sizeof line ? (size_t)n : sizeof line - 1);
}

/* llmc_writer's function over a text. */
static bool put_bytes(void *user, const void *data, size_t n)
{
    put((text *)user, data, n);
    return true;
}

static void write_file(const char *path, const void *data, size_t n)
{
    llmc_os_save *save;
    llmc_diag diag;
    diag.message[0] = 0;
    check(llmc_os_save_begin(&save, path, &diag), &diag);
    (void)llmc_os_save_writer(save)->write(llmc_os_save_writer(save)->user, data, n);
    check(llmc_os_save_commit(save, &diag), &diag);
}

static bool file_there(const char *path)
{
    file_look seen;
    return look_at(path, &seen);
}

static void need_folder(const char *path)
{
    if (!make_folder(path, 0777))
        die(EXIT_FAILED, "%s: %s", path, strerror(errno));
}

/* A path as it stands, or, if there is nothing, beside the file of settings. */
static char *find_path(const char *path)
{
    const char *slash = config_path != NULL ? strrchr(config_path, '/') : NULL;
    char *folder, *out = join(path, "");
    if (slash == NULL || file_there(path) || path[0] == '/')
        return out;
    folder = join(config_path, "");
    folder[slash - config_path + 1] = 0;
    free(out);
    out = join(folder, path);
    free(folder);
    return file_there(out) ? out : join(path, "");
}

/* The next part of a list, in out; NULL at its end. */
static const char *next_part(const char *list, char apart, char *out, size_t cap)
{
    size_t n;
    while (*list == ' ')
        list++;
    for (n = 0; list[n] != 0 && list[n] != apart;)
        n++;
    if (n == 0 && list[0] == 0)
        return NULL;
    if (n >= cap)
        die(EXIT_USAGE, "'%.60s...' is too long", list);
    memcpy(out, list, n);
    out[n] = 0;
    list += n + (list[n] != 0);
    while (n > 0 && out[n - 1] == ' ')
        out[--n] = 0;
    return list;
}

static bool ends_with(const char *s, const char *tail)
{
    size_t n = strlen(s), m = strlen(tail);
    return n >= m && strcmp(s + n - m, tail) == 0;
}

/* ---- the run ---- */

/* Shards of one half of the data: mapped, or made here. */
typedef struct shards {
    llmc_blob list[64];
    int n;
    text made;      /* tokens of texts; becomes the last of the list */
    bool documents; /* what was made has their marks */
} shards;

typedef struct kept {
    uint64_t step;
    double loss;
} kept;

typedef struct run {
    const char *stage[MOST_STAGES];
    int n_stages, at_stage;
    settings set;
    llmc_pool *pool;
    llmc_tasks tasks;
    llmc_cpu cpu;
    /* what the tokens are */
    llmc_host base; /* of init_from, or of a tokenizer */
    bool has_base, has_vocab;
    const llmc_tokenizer *tok;
    text tok_json; /* of a made one */
    const char *chat_template;
    size_t chat_template_len;
    llmc_template *chat;
    uint32_t vocab;
    /* what is trained */
    shards train, valid;
    llmc_trainer *trainer;
    llmc_loader *loader, *checker;
    uint32_t *ids, *targets, *starts;
    uint32_t *token_bytes; /* [vocab] of each token's text; NULL: not known */
    uint64_t steps, step;  /* in this stage */
    uint64_t first_step;   /* of this program's run */
    /* what is kept */
    FILE *metrics;
    kept saved[160];
    int n_saved;
    char last_good[600];
    uint64_t began, told; /* nanoseconds */
    uint64_t told_tokens, tokens;
    double loss_sum;
    uint32_t loss_n;
    double best;
    bool lively;
    uint32_t rank, ranks;
} run;

/* Set by Ctrl-C: training stops after the update, and saves. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    if (interrupted)
        _Exit(EXIT_FAILED); /* the second time at once */
    interrupted = 1;
    signal(SIGINT, on_interrupt);
}

#ifdef LLMC_MPI
static bool sum_mpi(void *user, float *x, size_t n)
{
    size_t at, m;
    (void)user;
    for (at = 0; at < n; at += m) {
        m = n - at < (1u << 26) ? n - at : 1u << 26;
        if (MPI_Allreduce(MPI_IN_PLACE, x + at, (int)m, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD) != MPI_SUCCESS)
            return false;
    }
    return true;
}
#endif

/* ---- tokens ---- */

/* All strings of a JSON file, a line each: what a vocabulary is made of. */
static void json_strings(const llmc_blob *file, text *out)
{
    const char *p = (const char *)file->data, *end = p + file->size;
    char *buffer = (char *)grow(NULL, file->size + 1);
    for (; p < end; p++) {
        llmc_blob one;
        llmc_json v;
        const char *from = p;
        if (*p != '"')
            continue;
        for (p++; p < end && *p != '"'; p++)
            p += *p == '\\';
        one.data = from;
        one.size = (size_t)((p < end ? p + 1 : end) - from);
        one.name = NULL;
        if (llmc_json_parse(&one, &v, NULL) != LLMC_OK)
            continue;
        put(out, buffer, llmc_json_string(v, buffer, file->size + 1));
        put(out, "\n", 1);
    }
    free(buffer);
}

/* Texts of all stages' data, for a vocabulary. */
static void gather_texts(run *r, text *out)
{
    char part[1024];
    int i;
    for (i = 0; i < r->n_stages; i++) {
        settings s;
        const char *list;
        settle(&s, r->stage[i]);
        for (list = s.train_data; (list = next_part(list, ',', part, sizeof part)) != NULL;) {
            llmc_blob file;
            llmc_diag diag;
            char *path = find_path(part);
            diag.message[0] = 0;
            check(llmc_map_open(&file, path, &diag), &diag);
            if (ends_with(path, ".bin"))
                die(EXIT_USAGE, "%s: a vocabulary is made of texts", path);
            if (ends_with(path, ".json") || ends_with(path, ".jsonl"))
                json_strings(&file, out);
            else
                put(out, file.data, file.size);
            llmc_map_close(&file);
            free(path);
        }
    }
}

/* A vocabulary of words or characters, as a tokenizer.json in r->tok_json. */
static void make_vocabulary(run *r)
{
    const char *special[64], *list = r->set.special;
    char part[128];
    llmc_vocab_options o;
    llmc_tokenizer *tok;
    llmc_writer w;
    llmc_blob b;
    llmc_diag diag;
    text all;
    size_t bytes;
    void *mem;
    memset(&all, 0, sizeof all);
    memset(&o, 0, sizeof o);
    diag.message[0] = 0;
    gather_texts(r, &all);
    o.chars = strcmp(r->set.tokenizer, "chars") == 0;
    o.special = special;
    while (list != NULL && (list = next_part(list, ' ', part, sizeof part)) != NULL && o.n_special < 64)
        special[o.n_special++] = join(part, "");
    b.data = all.data;
    b.size = all.len;
    b.name = "the training texts";
    check(llmc_vocab_need(&b, 1, &o, &bytes, &diag), &diag);
    mem = grow(NULL, bytes);
    w.write = put_bytes;
    w.user = &r->tok_json;
    check(llmc_vocab_build(&b, 1, &o, mem, bytes, &w, NULL, &diag), &diag);
    free(mem);
    free(all.data);
    b.data = r->tok_json.data;
    b.size = r->tok_json.len;
    b.name = "tokenizer.json";
    check(llmc_tokenizer_need(&b, 1, NULL, &bytes, &diag), &diag);
    check(llmc_tokenizer_init(&tok, &b, 1, NULL, grow(NULL, bytes), bytes, &diag), &diag);
    r->tok = tok;
}

/* The base model and the tokenizer: of init_from, of a file, or made. */
static void open_vocabulary(run *r)
{
    llmc_open_options o;
    llmc_model_options m;
    llmc_diag diag;
    char *path;
    memset(&o, 0, sizeof o);
    memset(&m, 0, sizeof m);
    diag.message[0] = 0;
    o.no_engine = true;
    o.model = &m;
    if (r->set.init_from != NULL) {
        path = find_path(r->set.init_from);
        o.tokenizer_path = r->set.tokenizer;
        check(llmc_open(&r->base, path, &o, &diag), &diag);
        r->has_base = true;
    } else if (r->set.tokenizer != NULL && !one_of("words|chars", r->set.tokenizer)) {
        path = find_path(r->set.tokenizer);
        m.vocab_only = true;
        check(llmc_open(&r->base, path, &o, &diag), &diag);
        r->has_vocab = true;
    } else if (r->set.tokenizer != NULL) {
        make_vocabulary(r);
    }
    if (r->has_base || r->has_vocab) {
        r->tok = llmc_model_tokenizer(r->base.model);
        r->chat_template = llmc_model_chat_template(r->base.model, &r->chat_template_len);
    }
    r->vocab = r->has_base      ? llmc_model_config(r->base.model)->vocab_size
               : r->tok != NULL ? llmc_tokenizer_count(r->tok)
                                : 0;
}

/* The template of chats: named, out of a file, or the model's. */
static void open_template(run *r)
{
    llmc_chat_format format;
    llmc_diag diag;
    llmc_blob file;
    size_t bytes;
    diag.message[0] = 0;
    if (r->set.chat_template != NULL && llmc_chat_format_named(r->set.chat_template, &format) == LLMC_OK) {
        if (format != LLMC_CHAT_AUTO)
            r->chat_template = llmc_chat_template(NULL, format, &r->chat_template_len);
    } else if (r->set.chat_template != NULL) {
        check(llmc_map_open(&file, find_path(r->set.chat_template), &diag), &diag); /* stays open */
        r->chat_template = (const char *)file.data;
        r->chat_template_len = file.size;
    }
    if (r->chat_template == NULL)
        return;
    check(llmc_template_need(r->chat_template, r->chat_template_len, &bytes, &diag), &diag);
    check(
        llmc_template_init(&r->chat, r->chat_template, r->chat_template_len, grow(NULL, bytes), bytes, &diag),
        &diag);
}

/* Bytes of each token's text, for bits per byte. */
static void measure_tokens(run *r)
{
    llmc_decode_options o;
    uint32_t i;
    memset(&o, 0, sizeof o);
    o.keep_space = true;
    if (r->tok == NULL)
        return;
    r->token_bytes = (uint32_t *)grow(NULL, r->vocab * sizeof *r->token_bytes);
    for (i = 0; i < r->vocab; i++) {
        llmc_token id = (llmc_token)i;
        size_t len = 0;
        char room[4];
        (void)llmc_decode(r->tok, &id, 1, &o, room, 0, &len, NULL);
        r->token_bytes[i] = (uint32_t)len;
    }
}

/* ---- data ---- */

static llmc_corpus_format format_of(const char *path)
{
    return ends_with(path, ".jsonl")  ? LLMC_CORPUS_JSONL
           : ends_with(path, ".json") ? LLMC_CORPUS_JSON
           : ends_with(path, ".csv")  ? LLMC_CORPUS_CSV
                                      : LLMC_CORPUS_TEXT;
}

/* One file of texts into shards; valid NULL: nothing is set aside. */
static void encode_file(run *r, const char *path, shards *train, shards *valid)
{
    llmc_corpus_options o;
    llmc_corpus_counts counts;
    llmc_writer w[2];
    llmc_blob file;
    llmc_diag diag;
    size_t bytes;
    void *mem;
    memset(&o, 0, sizeof o);
    memset(&counts, 0, sizeof counts);
    diag.message[0] = 0;
    if (r->tok == NULL)
        die(EXIT_USAGE, "%s: a text, but no tokenizer", path);
    check(llmc_map_open(&file, path, &diag), &diag);
    o.format = format_of(path);
    o.separator = r->set.separator;
    o.field = r->set.field;
    o.valid_split = valid != NULL ? (float)r->set.val_split : 0;
    o.seed = r->set.seed;
    o.no_ends = r->set.no_ends;
    o.parse_special = r->set.parse_special;
    o.chat = r->chat;
    o.flag_documents = r->set.shards == NULL || r->chat != NULL;
    train->documents = train->documents || o.format != LLMC_CORPUS_TEXT || o.separator != NULL;
    if (valid != NULL)
        valid->documents = train->documents;
    w[0].write = w[1].write = put_bytes;
    w[0].user = &train->made;
    w[1].user = valid != NULL ? &valid->made : NULL;
    check(llmc_corpus_need(r->tok, &file, &o, &bytes, &diag), &diag);
    mem = grow(NULL, bytes);
    check(llmc_corpus_encode(r->tok, &file, &o, mem, bytes, &w[0], valid != NULL ? &w[1] : NULL, &counts,
                             &diag),
          &diag);
    free(mem);
    llmc_map_close(&file);
    say("%s: %llu documents, %llu tokens%s", path,
        (unsigned long long)(counts.documents[0] + counts.documents[1]),
        (unsigned long long)(counts.tokens[0] + counts.tokens[1]),
        counts.tokens[1] > 0 ? ", some set aside for validation" : "");
}

/* The files of a list, as shards. */
static void open_data(run *r, const char *list, shards *to, shards *valid)
{
    char part[1024];
    llmc_diag diag;
    diag.message[0] = 0;
    memset(to, 0, sizeof *to);
    if (valid != NULL)
        memset(valid, 0, sizeof *valid);
    while (list != NULL && (list = next_part(list, ',', part, sizeof part)) != NULL) {
        char *path = find_path(part);
        if (!ends_with(path, ".bin")) {
            encode_file(r, path, to, valid);
            free(path);
            continue;
        }
        if (to->n == 62)
            die(EXIT_USAGE, "more than 62 shards");
        check(llmc_map_open(&to->list[to->n++], path, &diag), &diag); /* stays open */
    }
}

static void close_made(shards *s)
{
    if (s->made.len == 0)
        return;
    s->list[s->n].data = s->made.data;
    s->list[s->n].size = s->made.len;
    s->list[s->n++].name = "the texts";
}

/* Writes train.bin and val.bin. */
static void write_shards(run *r)
{
    need_folder(r->set.shards);
    write_file(join(r->set.shards, "/train.bin"), r->train.made.data, r->train.made.len);
    write_file(join(r->set.shards, "/val.bin"), r->valid.made.data, r->valid.made.len);
    if (r->tok_json.len > 0)
        write_file(join(r->set.shards, "/tokenizer.json"), r->tok_json.data, r->tok_json.len);
    printf("%s: %zu tokens to train, %zu to validate\n", r->set.shards, r->train.made.len / 4,
           r->valid.made.len / 4);
    end(EXIT_OK);
}

static llmc_loader *open_loader(run *r, const shards *s, bool valid)
{
    llmc_loader_options o;
    llmc_loader *l;
    llmc_token_info info;
    llmc_diag diag;
    size_t bytes;
    memset(&o, 0, sizeof o);
    diag.message[0] = 0;
    o.rows = r->set.batch_size;
    o.tokens = r->set.context_length;
    o.seed = r->set.seed;
    o.in_order = valid;
    o.documents = strcmp(r->set.documents, "true") == 0 || r->set.document_token != NULL ||
                  (strcmp(r->set.documents, "auto") == 0 && s->documents);
    if (!one_of("true|false|auto", r->set.documents))
        die(EXIT_USAGE, "documents must be true, false or auto, not '%s'", r->set.documents);
    if (r->set.document_token != NULL) {
        o.separated = true;
        o.separator = r->tok == NULL
                          ? (llmc_token)strtol(r->set.document_token, NULL, 10)
                          : llmc_token_find(r->tok, r->set.document_token, strlen(r->set.document_token));
        if (o.separator < 0 || (r->tok != NULL && llmc_token_get(r->tok, o.separator, &info) != LLMC_OK))
            die(EXIT_USAGE, "document_token: no token '%s'", r->set.document_token);
    }
    if (!valid) {
        o.rank = r->rank;
        o.n_ranks = r->ranks;
    }
    check(llmc_loader_need(s->list, (size_t)s->n, &o, &bytes, &diag), &diag);
    check(llmc_loader_init(&l, s->list, (size_t)s->n, &o, grow(NULL, bytes), bytes, &diag), &diag);
    return l;
}

/* ---- model ---- */

static bool json_said(const char *names)
{
    int i;
    for (i = 0; i < n_words; i++)
        if (one_of(names, words[i].key))
            return true;
    return false;
}

/* The settings that are no training keys, as the config.json of a new model. */
static void model_json(const run *r, text *out)
{
    char number[64];
    int i;
    put_f(out, "{");
    if (!json_said("model_type"))
        put_f(out, "\"model_type\":\"llama\",");
    if (!json_said("max_position_embeddings|n_positions|max_seq_len|sequence_len"))
        put_f(out, "\"max_position_embeddings\":%u,", r->set.context_length);
    for (i = 0; i < n_words; i++) {
        const said *w = &words[i];
        char *stop;
        int k;
        for (k = i + 1; k < n_words && (strcmp(words[k].key, w->key) != 0 || key_named(w->key) != NULL);)
            k++;
        if (key_named(w->key) != NULL || k < n_words) /* of several the last one counts */
            continue;
        (void)strtod(w->value, &stop);
        snprintf(number, sizeof number, "%.60s", w->value);
        put_f(out, "\"%s\":", w->key);
        if ((*stop == 0 && stop != w->value) || one_of("true|false|null", w->value))
            put_f(out, "%s,", number);
        else if (strpbrk(w->value, "\"\\") == NULL)
            put_f(out, "\"%s\",", w->value);
        else
            die(EXIT_USAGE, "%s %s: no quotes", w->where, w->key);
    }
    out->len--; /* the last comma; there is one */
    put_f(out, "}");
}

/* A gated feed-forward whose width is not said is as large as one of 4 D without a gate. */
static bool add_width(text *json)
{
    uint32_t d = 0;
    int i;
    for (i = 0; i < n_words; i++)
        if (one_of("n_embd|hidden_size", words[i].key))
            d = (uint32_t)strtoul(words[i].value, NULL, 10);
    if (d == 0 || d > 1u << 20 || json_said("intermediate_size|n_inner|hidden_dim"))
        return false;
    json->len--;
    put_f(json, ",\"intermediate_size\":%u}", (d * 8 / 3 + 31) / 32 * 32);
    return true;
}

static llmc_config new_config(run *r)
{
    llmc_config c;
    llmc_blob b;
    llmc_diag diag;
    llmc_status status;
    text json;
    memset(&json, 0, sizeof json);
    diag.message[0] = 0;
    model_json(r, &json);
    b.data = json.data;
    b.size = json.len;
    b.name = config_path != NULL ? config_path : "the settings";
    status = llmc_config_read(&b, r->vocab, &c, &diag);
    if (status == LLMC_BAD_FILE && strstr(diag.message, "'intermediate_size' is missing") != NULL &&
        add_width(&json)) {
        b.data = json.data;
        b.size = json.len;
        status = llmc_config_read(&b, r->vocab, &c, &diag);
    }
    check(status, &diag);
    free(json.data);
    if (r->vocab == 0)
        r->vocab = c.vocab_size;
    return c;
}

/* Settings that describe a model have no meaning where there is one. */
static void refuse_shape(void)
{
    int i;
    for (i = 0; i < n_words; i++)
        if (key_named(words[i].key) == NULL)
            die(EXIT_USAGE, "%s key '%s' is not one for tuning a model", words[i].where, words[i].key);
}

static int choice(const char *list, const char *key, const char *value)
{
    int n = 0;
    size_t len;
    for (;; list += len + 1, n++) {
        len = strcspn(list, "|");
        if (strlen(value) == len && memcmp(list, value, len) == 0)
            return n;
        if (list[len] == 0)
            die(EXIT_USAGE, "%s: '%s' is not known", key, value);
    }
}

static llmc_optim_options optim_options(const run *r)
{
    const settings *s = &r->set;
    llmc_optim_options o;
    memset(&o, 0, sizeof o);
    o.kind = (llmc_optimizer)choice("adamw|muon|sgd", "optimizer", s->optimizer);
    o.schedule.kind = (llmc_schedule_kind)choice("cosine|linear|constant|stable", "schedule", s->schedule);
    o.schedule.rate = (float)s->learning_rate;
    o.schedule.min_rate = s->min_lr == 0 ? -1 : s->min_lr < 0 ? 0 : (float)s->min_lr;
    o.schedule.warmup_steps = s->warmup_steps;
    o.schedule.steps = r->steps;
    o.schedule.decay_steps = s->decay_steps;
    o.beta1 = (float)s->beta1;
    o.beta2 = (float)s->beta2;
    o.epsilon = (float)s->epsilon;
    o.weight_decay = (float)s->weight_decay;
    o.decay_all = s->decay_all;
    o.grad_clip = (float)s->grad_clip;
    o.momentum = (float)s->momentum;
    o.matrix_rate = (float)s->matrix_lr;
    return o;
}

/* lora_targets as bits. */
static uint32_t lora_targets(const char *list)
{
    static const char names[] = "q|k|v|o|gate|up|down", makers[] = "q_proj|k_proj|v_proj|o_proj|gate_proj|"
                                                                   "up_proj|down_proj";
    uint32_t bits = 0;
    char part[32];
    while (list != NULL && (list = next_part(list, ',', part, sizeof part)) != NULL)
        if (strcmp(part, "all") == 0)
            bits |= LLMC_LORA_ALL;
        else
            bits |= 1u << choice(one_of(makers, part) ? makers : names, "lora_targets", part);
    return bits;
}

/* A trainer for a new model, or for `from`; of an adapter if the settings say so, which goes on where that of
   an earlier stage ended. */
static void open_trainer(run *r, const llmc_config *config, const llmc_model *from)
{
    const settings *s = &r->set;
    llmc_optim_options optim = optim_options(r);
    llmc_lora_options lora;
    llmc_trainer_options o;
    llmc_diag diag;
    size_t bytes;
    void *mem;
    memset(&o, 0, sizeof o);
    memset(&lora, 0, sizeof lora);
    diag.message[0] = 0;
    lora.rank = s->lora_r;
    lora.alpha = (float)s->lora_alpha;
    lora.targets = lora_targets(s->lora_targets);
    lora.dropout = (float)s->lora_dropout;
    lora.from = r->trainer != NULL ? llmc_trainer_lora(r->trainer) : NULL;
    if (s->lora_r > 0 && from == NULL)
        die(EXIT_USAGE, "lora_r: init_from is needed, the model that the adapter is for");
    if (s->lora_r == 0 && lora.from != NULL)
        die(EXIT_USAGE, "lora_r: what a stage before trained as an adapter would be lost");
    o.lora = s->lora_r > 0 ? &lora : NULL;
    o.rows = s->batch_size;
    o.tokens = s->context_length;
    o.seed = s->seed;
    o.optim = &optim;
    o.init = (llmc_init)choice("normal|kaiming|he|induction", "init", s->init);
    o.init_gain = (float)s->init_gain;
    if (s->use_bias != NULL) {
        bool family = config != NULL && strcmp(config->family, "claude-rust") == 0; /* always has some */
        o.biases = choice("false|true", "use_bias", s->use_bias) == 1 ? LLMC_BIASES_ALL
                   : family                                           ? LLMC_BIASES_DEFAULT
                                                                      : LLMC_BIASES_NONE;
    }
    o.dropout = (float)s->dropout;
    o.balance = (float)s->balance;
    o.recompute = s->recompute;
    o.bf16 = s->bf16;
    o.explode = (float)s->explode;
#ifdef LLMC_MPI
    o.allreduce.sum = sum_mpi;
    o.allreduce.rank = r->rank;
    o.allreduce.size = r->ranks;
#endif
    o.tokenizer = r->tok;
    o.chat_template = r->chat_template;
    o.chat_template_len = r->chat_template_len;
    o.tasks = r->tasks;
    o.cpu = r->cpu;
    check(llmc_trainer_need(config, from, &o, &bytes, &diag), &diag);
    check(llmc_os_memory(&mem, bytes, &diag), &diag);
    check(llmc_trainer_init(&r->trainer, config, from, &o, mem, bytes, &diag), &diag);
    say("%llu weights, %.0f MB for training", (unsigned long long)llmc_trainer_weights(r->trainer),
        (double)bytes / 1e6);
}

/* ---- samples ---- */

/* Continues a prompt on stdout; true if it could be shown. */
static void answer(run *r, llmc_engine *engine, const char *prompt, bool chat)
{
    const settings *s = &r->set;
    const char *hole = strstr(s->prompt_form, "{}"), *stop[1];
    llmc_sample_options sample;
    llmc_seq_options o;
    llmc_message message;
    llmc_piece piece;
    llmc_diag diag;
    llmc_seq *seq;
    llmc_status status;
    text whole;
    memset(&sample, 0, sizeof sample);
    memset(&o, 0, sizeof o);
    memset(&whole, 0, sizeof whole);
    memset(&message, 0, sizeof message);
    diag.message[0] = 0;
    sample.temperature = (float)s->temperature;
    sample.seed = s->seed;
    o.sample = &sample;
    o.lora = llmc_trainer_lora(r->trainer);
    o.max_tokens = s->sample_tokens;
    stop[0] = s->stop;
    o.stop = stop;
    o.n_stop = s->stop != NULL;
    o.show_special = s->stop != NULL;
    check(llmc_seq_open(&seq, engine, &o, &diag), &diag);
    if (chat && r->chat != NULL) {
        llmc_chat_options c;
        memset(&c, 0, sizeof c);
        c.text = r->chat_template;
        c.text_len = r->chat_template_len;
        message.role = "user";
        message.text = prompt;
        status = llmc_seq_chat(seq, &c, &message, 1, &diag);
    } else {
        put(&whole, s->prompt_form, hole != NULL ? (size_t)(hole - s->prompt_form) : 0);
        put(&whole, prompt, strlen(prompt));
        if (hole != NULL)
            put(&whole, hole + 2, strlen(hole + 2));
        status = llmc_seq_add_text(seq, whole.data, whole.len, &diag);
    }
    while (status == LLMC_OK && (status = llmc_seq_next(seq, &piece, &diag)) == LLMC_OK) {
        fwrite(piece.text, 1, piece.text_len, stdout);
        fflush(stdout);
    }
    if (status != LLMC_DONE)
        say("train: %s", diag.message);
    putchar('\n');
    fflush(stdout);
    llmc_seq_close(seq);
    free(whole.data);
}

/* An engine over the weights as they are; NULL if nothing could be shown. */
static llmc_engine *open_engine(run *r, void **mem)
{
    const llmc_model *m = llmc_trainer_model(r->trainer);
    llmc_engine_options o;
    llmc_engine *e;
    llmc_diag diag;
    size_t bytes;
    memset(&o, 0, sizeof o);
    diag.message[0] = 0;
    if (llmc_model_tokenizer(m) == NULL || mpi_rank != 0)
        return NULL;
    o.context_length =
        llmc_model_config(m)->context_length < 4096 ? llmc_model_config(m)->context_length : 4096;
    o.lora_rank = r->set.lora_r;
    o.tasks = r->tasks;
    o.cpu = r->cpu;
    check(llmc_engine_need(m, &o, &bytes, &diag), &diag);
    *mem = grow(NULL, bytes);
    check(llmc_engine_init(&e, m, &o, *mem, bytes, &diag), &diag);
    return e;
}

static void show_samples(run *r, const char *when)
{
    const char *list = r->set.prompts;
    char part[1024];
    void *mem;
    llmc_engine *e;
    if (list == NULL || (e = open_engine(r, &mem)) == NULL)
        return;
    wipe_bar();
    printf("---- %s\n", when);
    while ((list = next_part(list, '|', part, sizeof part)) != NULL) {
        printf("%s\n  -> ", part);
        answer(r, e, part, true);
    }
    free(mem);
}

/* Answers lines from standard input, until its end or "exit". */
static void converse(run *r)
{
    char line[4096];
    void *mem;
    llmc_engine *e = open_engine(r, &mem);
    if (e == NULL)
        return;
    signal(SIGINT, SIG_DFL);
    for (;;) {
        fputs("Enter prompt: ", stderr);
        if (fgets(line, sizeof line, stdin) == NULL)
            break;
        line[strcspn(line, "\r\n")] = 0;
        if (strcmp(line, "exit") == 0)
            break;
        if (line[0] != 0)
            answer(r, e, line, true);
    }
    free(mem);
}

/* ---- metrics ---- */

/* Lines of a run that went further than the checkpoint it is taken up from: they will be written again. */
static void cut_metrics(const char *path, uint64_t step)
{
    llmc_blob file;
    text kept_lines;
    const char *p, *line, *found;
    memset(&kept_lines, 0, sizeof kept_lines);
    if (llmc_map_open(&file, path, NULL) != LLMC_OK)
        return;
    for (p = (const char *)file.data, line = p; p < (const char *)file.data + file.size; p++) {
        if (*p != '\n')
            continue;
        found = (size_t)(p - line) > 8 && memcmp(line, "{\"step\":", 8) == 0 ? line + 8 : NULL;
        if (found != NULL && strtoull(found, NULL, 10) <= step)
            put(&kept_lines, line, (size_t)(p + 1 - line));
        line = p + 1;
    }
    llmc_map_close(&file);
    write_file(path, kept_lines.data, kept_lines.len);
    free(kept_lines.data);
}

static void open_metrics(run *r)
{
    const char *path = r->set.metrics;
    if (path == NULL && r->set.checkpoint_dir != NULL)
        path = join(r->set.checkpoint_dir, "/metrics.jsonl");
    if (path == NULL || mpi_rank != 0 || r->metrics != NULL)
        return;
    if (r->step > 0 || r->at_stage > 0)
        cut_metrics(path, r->step);
    r->metrics = open_file(path, r->step > 0 || r->at_stage > 0 ? "ab" : "wb");
    if (r->metrics == NULL)
        die(EXIT_FAILED, "%s: %s", path, strerror(errno));
}

static double exp_of(double x)
{
    return x < 700 ? llmc__exp(x) : 1e300;
}

static void begin_line(run *r, uint64_t step)
{
    const char *stage = r->stage[r->at_stage];
    double epoch = (double)llmc_loader_position(r->loader) / (double)llmc_loader_rows(r->loader);
    fprintf(r->metrics, "{\"step\":%llu,\"epoch\":%.4f", (unsigned long long)step, epoch);
    if (stage[0] != 0)
        fprintf(r->metrics, ",\"stage\":\"%s\"", stage);
}

/* Norms of each tensor, before the update clears the gradients: the weights that it begins with, the gradient
   that it is made of. */
static void norms_line(run *r)
{
    llmc_train_tensor t;
    uint32_t i;
    if (r->metrics == NULL)
        return;
    begin_line(r, r->step + 1);
    for (i = 0; llmc_trainer_tensor(r->trainer, i, &t); i++)
        fprintf(r->metrics, ",\"grad_norm/%s\":%.6g,\"weight_norm/%s\":%.6g", t.name, t.grad_norm, t.name,
                t.weight_norm);
    fputs("}\n", r->metrics);
}

static void draw_bar(const run *r, double loss, double rate, double speed)
{
    double left = (double)(r->steps - r->step) * (double)(llmc_os_nanoseconds() - r->began) / 1e9 /
                  (double)(r->step - r->first_step);
    int i, share = (int)(20.0 * (double)r->step / (double)r->steps);
    fprintf(stderr, "\r\033[K%llu/%llu ", (unsigned long long)r->step, (unsigned long long)r->steps);
    for (i = 0; i < 20; i++)
        fputc(i < share ? '#' : '.', stderr);
    fprintf(stderr, " loss %.4f  lr %.2e  %.0f tok/s  %d:%02d left", loss, rate, speed, (int)left / 60,
            (int)left % 60);
    bar_drawn = true;
}

/* After an update: the line of the log, the metrics, the bar. */
static void report(run *r, const llmc_train_report *p)
{
    uint64_t now = llmc_os_nanoseconds();
    double seconds = (double)(now - r->told) / 1e9, speed, loss;
    bool due = r->step % r->set.log_interval == 0 || r->step == r->steps;
    r->tokens += (uint64_t)r->set.batch_size * r->set.context_length * r->set.accumulation * r->ranks;
    r->loss_sum += p->loss;
    r->loss_n++;
    if (mpi_rank != 0 || (!due && !(r->lively && seconds > 1)))
        return;
    speed = (double)(r->tokens - r->told_tokens) / (seconds > 1e-9 ? seconds : 1e-9);
    loss = r->loss_sum / r->loss_n;
    if (due && r->metrics != NULL) {
        begin_line(r, r->step);
        fprintf(r->metrics,
                ",\"loss\":%.6f,\"learning_rate\":%.9g,\"perplexity\":%.6g,\"tokens_per_sec\":%.1f,"
                "\"grad_norm\":%.6g}\n",
                loss, (double)p->learning_rate, exp_of(loss), speed, p->grad_norm);
        fflush(r->metrics);
    }
    if (r->lively)
        draw_bar(r, loss, (double)p->learning_rate, speed);
    else if (due)
        say("step %llu/%llu  loss %.4f  lr %.2e  %.0f tok/s", (unsigned long long)r->step,
            (unsigned long long)r->steps, loss, (double)p->learning_rate, speed);
    if (due) {
        r->told = now;
        r->told_tokens = r->tokens;
        r->loss_sum = 0;
        r->loss_n = 0;
    }
}

/* The validation loss over some batches (0: all); *per_byte in bits, or 0. */
static double validate(run *r, uint32_t batches, double *per_byte)
{
    uint64_t rows = llmc_loader_rows(r->checker), n = (rows + r->set.batch_size - 1) / r->set.batch_size, b;
    uint64_t tokens = (uint64_t)r->set.batch_size * r->set.context_length, i, scored, all = 0, bytes = 0;
    double loss, sum = 0;
    llmc_diag diag;
    diag.message[0] = 0;
    if (batches > 0 && n > batches)
        n = batches;
    llmc_loader_seek(r->checker, 0);
    for (b = 0; b < n; b++) {
        llmc_loader_next(r->checker, r->ids, r->targets, r->starts);
        /* rows beyond the last one are the first again: they were counted */
        for (i = 0; i < tokens; i++)
            if (b * r->set.batch_size + i / r->set.context_length >= rows)
                r->targets[i] = LLMC_NOT_SCORED;
        check(llmc_trainer_eval(r->trainer, r->ids, r->targets, r->starts, &loss, &scored, &diag), &diag);
        sum += loss;
        all += scored;
        for (i = 0; i < tokens; i++)
            if (r->targets[i] != LLMC_NOT_SCORED && r->token_bytes != NULL)
                bytes += r->token_bytes[r->targets[i]];
    }
    *per_byte = bytes > 0 ? sum / (0.6931471805599453 * (double)bytes) : 0;
    return all > 0 ? sum / (double)all : 0;
}

static double evaluate(run *r, bool last)
{
    double per_byte, loss = validate(r, last ? 0 : r->set.eval_batches, &per_byte);
    if (mpi_rank != 0)
        return loss;
    if (r->metrics != NULL) {
        begin_line(r, r->step);
        fprintf(r->metrics, ",\"val_loss\":%.6f,\"val_perplexity\":%.6g", loss, exp_of(loss));
        if (per_byte > 0)
            fprintf(r->metrics, ",\"val_bits_per_byte\":%.6f", per_byte);
        fputs("}\n", r->metrics);
        fflush(r->metrics);
    }
    say("step %llu: validation loss %.4f, perplexity %.2f, %.4f bits per byte", (unsigned long long)r->step,
        loss, exp_of(loss), per_byte);
    if (last)
        printf("validation loss %.4f, perplexity %.2f, bits per byte %.4f\n", loss, exp_of(loss), per_byte);
    return loss;
}

/* ---- checkpoints ---- */

static void checkpoint_path(const run *r, uint64_t step, char *out, size_t cap)
{
    snprintf(out, cap, "%s/checkpoint_%s%sstep_%llu.safetensors", r->set.checkpoint_dir,
             r->stage[r->at_stage], r->stage[r->at_stage][0] != 0 ? "_" : "", (unsigned long long)step);
}

/* What is neither among the newest nor among the best goes. */
static void tidy(run *r)
{
    char path[600];
    int i, k, better;
    for (i = 0; i + (int)r->set.save_last < r->n_saved; i++) {
        for (better = k = 0; k < r->n_saved; k++)
            better += r->saved[k].loss < r->saved[i].loss || (r->saved[k].loss == r->saved[i].loss && k < i);
        if (r->saved[i].loss < 1e300 && better < (int)r->set.save_top_k)
            continue;
        checkpoint_path(r, r->saved[i].step, path, sizeof path);
        (void)remove_file(path);
        memmove(&r->saved[i], &r->saved[i + 1], (size_t)(r->n_saved - i - 1) * sizeof r->saved[0]);
        r->n_saved--;
        i--;
    }
}

/* The note in a checkpoint: where the data stands, and what is kept. */
static void make_note(const run *r, text *note)
{
    int i;
    put_f(note, "{\"stage\":%d,\"step\":%llu,\"position\":%llu,\"kept\":[", r->at_stage,
          (unsigned long long)r->step, (unsigned long long)llmc_loader_position(r->loader));
    for (i = 0; i < r->n_saved; i++)
        put_f(note, "%s{\"step\":%llu,\"loss\":%.17g}", i > 0 ? "," : "",
              (unsigned long long)r->saved[i].step, r->saved[i].loss);
    put_f(note, "]}");
}

/* loss: of validation, 1e300 if it is not known. */
static void save(run *r, double loss)
{
    char path[600];
    llmc_os_save *file;
    llmc_diag diag;
    llmc_status status;
    text note;
    const char *name;
    diag.message[0] = 0;
    if (r->set.checkpoint_dir == NULL || mpi_rank != 0)
        return;
    if (r->n_saved > 0 && r->saved[r->n_saved - 1].step == r->step)
        r->n_saved--;
    r->saved[r->n_saved].step = r->step;
    r->saved[r->n_saved++].loss = loss;
    memset(&note, 0, sizeof note);
    make_note(r, &note);
    checkpoint_path(r, r->step, path, sizeof path);
    check(llmc_os_save_begin(&file, path, &diag), &diag);
    status = llmc_trainer_save(r->trainer, note.data, note.len, llmc_os_save_writer(file), NULL, &diag);
    if (status != LLMC_OK && status != LLMC_IO)
        check(status, &diag);
    check(llmc_os_save_commit(file, &diag), &diag);
    free(note.data);
    name = strrchr(path, '/') + 1;
    write_file(join(r->set.checkpoint_dir, "/latest"), name, strlen(name));
    snprintf(r->last_good, sizeof r->last_good, "%s", path);
    tidy(r);
}

/* The path that resume_from means; NULL: nothing to go on from. */
static char *resume_path(const run *r)
{
    const char *from = r->set.resume_from, *folder;
    llmc_blob file;
    char name[512], *latest, *out;
    if (from == NULL || strcmp(from, "false") == 0)
        return NULL;
    folder = one_of("auto|true", from) ? r->set.checkpoint_dir : from;
    if (folder == NULL)
        die(EXIT_USAGE, "resume_from: no checkpoint_dir");
    latest = join(folder, "/latest");
    if (llmc_map_open(&file, latest, NULL) != LLMC_OK) {
        free(latest);
        return one_of("auto|true", from) ? NULL : join(from, "");
    }
    snprintf(name, sizeof name, "/%.*s", (int)(file.size < 500 ? file.size : 500), (const char *)file.data);
    llmc_map_close(&file);
    free(latest);
    out = join(folder, name);
    return out;
}

/* Which stage a checkpoint belongs to; its note in r. */
static void read_note(run *r, const llmc_blob *file, llmc_json *note)
{
    llmc_blob b;
    llmc_diag diag;
    const void *data;
    diag.message[0] = 0;
    check(llmc_checkpoint_note(file->data, file->size, &data, &b.size, NULL, &diag), &diag);
    b.data = data;
    b.name = file->name;
    if (data == NULL || llmc_json_parse(&b, note, &diag) != LLMC_OK || note->type != LLMC_JSON_OBJECT)
        die(EXIT_FAILED, "%s: no note of this program in the checkpoint", file->name);
    r->at_stage = (int)llmc_json_integer(llmc_json_get(*note, "stage"), 0);
    if (r->at_stage < 0 || r->at_stage >= r->n_stages)
        die(EXIT_FAILED, "%s: the checkpoint is of a stage that is not there", file->name);
}

static void take_note(run *r, llmc_json note)
{
    llmc_json one;
    llmc_json_iter it;
    memset(&it, 0, sizeof it);
    r->step = (uint64_t)llmc_json_integer(llmc_json_get(note, "step"), 0);
    llmc_loader_seek(r->loader, (uint64_t)llmc_json_integer(llmc_json_get(note, "position"), 0));
    r->n_saved = 0;
    while (llmc_json_next(llmc_json_get(note, "kept"), &it, NULL, &one) && r->n_saved < 128) {
        r->saved[r->n_saved].step = (uint64_t)llmc_json_integer(llmc_json_get(one, "step"), 0);
        r->saved[r->n_saved++].loss = llmc_json_number(llmc_json_get(one, "loss"), 1e300);
    }
}

/* ---- the loop ---- */

/* Stops with what is saved. */
static void stop_failed(run *r, const llmc_diag *diag)
{
    if (r->metrics != NULL)
        fclose(r->metrics);
    die(EXIT_FAILED, "%s; %s%s", diag->message,
        r->last_good[0] != 0 ? "the last good checkpoint is " : "no checkpoint has been saved", r->last_good);
}

static void update(run *r)
{
    llmc_train_report p;
    llmc_diag diag;
    llmc_status status = LLMC_OK;
    uint32_t k;
    diag.message[0] = 0;
    for (k = 0; k < r->set.accumulation && status == LLMC_OK; k++) {
        llmc_loader_next(r->loader, r->ids, r->targets, r->starts);
        status = llmc_trainer_pass(r->trainer, r->ids, r->targets, r->starts, &diag);
    }
    if (status == LLMC_OK && r->set.log_norms && (r->step + 1) % r->set.log_interval == 0)
        norms_line(r);
    if (status == LLMC_OK)
        status = llmc_trainer_update(r->trainer, &p, &diag);
    if (status != LLMC_OK)
        stop_failed(r, &diag);
    r->step++;
    report(r, &p);
}

static bool every(uint64_t step, uint32_t n)
{
    return n > 0 && step % n == 0;
}

static void train_stage(run *r)
{
    double loss = 1e300;
    r->began = r->told = llmc_os_nanoseconds();
    r->first_step = r->step;
    r->tokens = r->told_tokens = 0;
    r->loss_sum = 0;
    r->loss_n = 0;
    while (r->step < r->steps) {
        update(r);
        loss = 1e300;
        if (r->checker != NULL && r->step < r->steps && every(r->step, r->set.eval_interval))
            loss = evaluate(r, false);
        if (r->step < r->steps && every(r->step, r->set.save_every))
            save(r, loss);
        if (interrupted) {
            save(r, loss);
            die(EXIT_FAILED, "interrupted at step %llu%s%s", (unsigned long long)r->step,
                r->last_good[0] != 0 ? "; resume_from=" : "", r->last_good);
        }
    }
    wipe_bar();
    if (r->checker != NULL)
        loss = evaluate(r, true);
    save(r, loss);
}

/* Shards, loaders and buffers of the stage in r->set, and how many updates it has. */
static void open_stage(run *r)
{
    size_t n = (size_t)r->set.batch_size * r->set.context_length;
    bool split = r->set.valid_data == NULL && r->set.val_split > 0;
    uint64_t each;
    open_data(r, r->set.train_data, &r->train, split ? &r->valid : NULL);
    if (!split)
        open_data(r, r->set.valid_data, &r->valid, NULL);
    if (r->set.shards != NULL)
        write_shards(r);
    close_made(&r->train);
    close_made(&r->valid);
    r->loader = open_loader(r, &r->train, false);
    r->checker = r->valid.n > 0 ? open_loader(r, &r->valid, true) : NULL;
    r->ids = (uint32_t *)grow(r->ids, n * sizeof *r->ids);
    r->targets = (uint32_t *)grow(r->targets, n * sizeof *r->targets);
    r->starts = (uint32_t *)grow(r->starts, n * sizeof *r->starts);
    each = (uint64_t)r->set.batch_size * r->set.accumulation * r->ranks;
    r->steps = r->set.max_iters;
    if (r->steps == 0)
        r->steps = (r->set.epochs * llmc_loader_rows(r->loader) + each - 1) / each;
    r->step = 0;
    r->n_saved = 0;
    say("%s%s%llu tokens, %llu rows an epoch, %llu updates of %llu rows", r->stage[r->at_stage],
        r->stage[r->at_stage][0] != 0 ? ": " : "", (unsigned long long)llmc_loader_tokens(r->loader),
        (unsigned long long)llmc_loader_rows(r->loader), (unsigned long long)r->steps,
        (unsigned long long)each);
}

static void write_lora(const llmc_lora *lora, llmc_lora_format format, const char *path)
{
    llmc_writer w;
    llmc_diag diag;
    text all;
    memset(&all, 0, sizeof all);
    diag.message[0] = 0;
    w.write = put_bytes;
    w.user = &all;
    check(llmc_lora_save(lora, format, &w, &diag), &diag);
    write_file(path, all.data, all.len);
    free(all.data);
    say("%s written", path);
}

/* The adapter alone: PEFT's two files if the name ends so, else a GGUF. */
static void export_lora(const char *out, const llmc_lora *lora)
{
    const char *slash = strrchr(out, '/');
    char *config;
    if (!ends_with(out, ".safetensors")) {
        write_lora(lora, LLMC_LORA_GGUF, out);
        return;
    }
    write_lora(lora, LLMC_LORA_PEFT, out);
    config = join(out, "");
    config[slash != NULL ? slash - out + 1 : 0] = 0;
    write_lora(lora, LLMC_LORA_PEFT_CONFIG, join(config, "adapter_config.json"));
    free(config);
}

/* The model as GGUF, and the tokenizer beside it where a GGUF cannot hold it; or an adapter. */
static void export_model(run *r)
{
    const llmc_model *m = llmc_trainer_model(r->trainer);
    llmc_save_options o;
    llmc_os_save *file;
    llmc_diag diag;
    llmc_status status;
    size_t bytes;
    void *mem;
    memset(&o, 0, sizeof o);
    diag.message[0] = 0;
    if (r->set.out == NULL || mpi_rank != 0)
        return;
    o.type = llmc_dtype_named(r->set.out_type);
    if (o.type == LLMC_DTYPE_NONE)
        die(EXIT_USAGE, "out_type: '%s' is not known", r->set.out_type);
    o.lora = llmc_trainer_lora(r->trainer);
    if (o.lora != NULL && !r->set.lora_merge) {
        export_lora(r->set.out, o.lora);
        return;
    }
    bytes = llmc_model_save_need(m);
    mem = grow(NULL, bytes);
    check(llmc_os_save_begin(&file, r->set.out, &diag), &diag);
    status = llmc_model_save(m, &o, llmc_os_save_writer(file), mem, bytes, &diag);
    if (status != LLMC_OK && status != LLMC_IO) {
        llmc_os_save_drop(file);
        check(status, &diag);
    }
    check(llmc_os_save_commit(file, &diag), &diag);
    free(mem);
    say("%s written", r->set.out);
    if (r->tok_json.len == 0)
        return;
    write_file(join(r->set.out, ".tokenizer.json"), r->tok_json.data, r->tok_json.len);
    say("%s.tokenizer.json: chat -m %s --tokenizer %s.tokenizer.json", r->set.out, r->set.out, r->set.out);
}

/* Threads, kernels, ranks. */
static void open_machine(run *r)
{
    llmc_diag diag;
    diag.message[0] = 0;
    check(llmc_pool_open(&r->pool, r->set.threads, &diag), &diag);
    r->tasks = llmc_pool_tasks(r->pool);
    check(llmc_os_cpu(r->set.isa, &r->cpu, &diag), &diag);
    r->ranks = 1;
#ifdef LLMC_MPI
    {
        int n;
        MPI_Comm_rank(MPI_COMM_WORLD, &mpi_rank);
        MPI_Comm_size(MPI_COMM_WORLD, &n);
        r->rank = (uint32_t)mpi_rank;
        r->ranks = (uint32_t)n;
    }
#endif
    r->lively = mpi_rank == 0 && llmc_os_terminal(2, NULL, NULL);
    if (r->set.checkpoint_dir != NULL && mpi_rank == 0)
        need_folder(r->set.checkpoint_dir);
    signal(SIGINT, on_interrupt);
}

/* All stages from the checkpoint's on, or from the first. */
static void train(run *r)
{
    llmc_blob file;
    llmc_diag diag;
    llmc_json note;
    llmc_config config;
    const llmc_model *from;
    char *path = resume_path(r);
    int first;
    memset(&note, 0, sizeof note);
    diag.message[0] = 0;
    if (path != NULL) {
        check(llmc_map_open(&file, path, &diag), &diag);
        read_note(r, &file, &note);
    }
    from = r->has_base ? r->base.model : NULL;
    if (from == NULL)
        config = new_config(r);
    else
        refuse_shape();
    for (first = r->at_stage; r->at_stage < r->n_stages; r->at_stage++) {
        settle(&r->set, r->stage[r->at_stage]);
        open_stage(r);
        open_trainer(r, from == NULL ? &config : NULL, from);
        if (path != NULL && r->at_stage == first) {
            check(llmc_trainer_load(r->trainer, file.data, file.size, &diag), &diag);
            take_note(r, note);
            snprintf(r->last_good, sizeof r->last_good, "%s", path);
            say("going on from step %llu", (unsigned long long)r->step);
        } else if (r->at_stage == 0) {
            show_samples(r, "before training");
        }
        open_metrics(r);
        train_stage(r);
        from = llmc_trainer_model(r->trainer); /* stays where it is */
    }
    show_samples(r, "after training");
}

int main(int argc, char **argv)
{
    static run r;
    int i;
#ifdef LLMC_MPI
    MPI_Init(&argc, &argv);
#endif
    argv = llmc_os_arguments(argc, argv);
    for (i = 1; i < argc; i++)
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) {
            print_help();
            end(EXIT_OK);
        }
    for (i = 1; i < argc; i++) /* the file first, wherever it is named */
        if (strcmp(argv[i], "--config") == 0) {
            if (i + 1 == argc)
                die(EXIT_USAGE, "--config needs a file (-h shows all)");
            read_config(argv[++i]);
        }
    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--config") == 0)
            i++;
        else if (argv[i][0] == '-' || !read_override(argv[i]))
            die(EXIT_USAGE, "'%s' is no KEY=VALUE (-h shows all)", argv[i]);
    }
    if (n_words == 0)
        die(EXIT_USAGE, "no settings: --config FILE, KEY=VALUE (-h shows all)");
    r.n_stages = list_stages(r.stage);
    settle(&r.set, r.stage[0]);
    open_machine(&r);
    open_vocabulary(&r);
    open_template(&r);
    measure_tokens(&r);
    train(&r);
    export_model(&r);
    if (r.metrics != NULL && fclose(r.metrics) != 0)
        die(EXIT_FAILED, "metrics: %s", strerror(errno));
    if (r.set.chat)
        converse(&r);
    llmc_pool_close(r.pool);
    if (fflush(stdout) != 0 || ferror(stdout))
        die(EXIT_FAILED, "standard output: %s", strerror(errno));
    end(EXIT_OK);
}
