// cc -O2 tools/tokenizer.c -o tokenizer
/* Text to token ids and back; vocabularies from text. */
#define LLMC_STATIC // the only file: what it does not use is not compiled
#define LLMC_IMPLEMENTATION
#include "tool.h"

static const char usage[] =
    "tokenizer encode -m MODEL [-f FILE | TEXT...]   ids separated by blanks\n"
    "       tokenizer decode -m MODEL [-f FILE | ID...]     the bytes they stand for\n"
    "       tokenizer info -m MODEL                         what kind of vocabulary it is\n"
    "       tokenizer train FILE... -o DIR -v SIZE          byte-level BPE: vocab.json, merges.txt,\n"
    "                                                       tokenizer.json, tokenizer_config.json\n\n"
    "Without FILE and TEXT or ID: reads standard input. Several TEXTs are joined by a\n"
    "blank, like echo. MODEL may be a file or folder that holds only a vocabulary:\n"
    "tokenizer.json, tokenizer.model, vocab.json with merges.txt, tiktoken's ranks, ...";

/* The arguments as one text, as if echo had written them. */
static char *join(char **args, int n, size_t *len)
{
    char *text;
    size_t total = 0, at = 0;
    int i;
    for (i = 0; i < n; i++)
        total += strlen(args[i]) + 1;
    text = (char *)tool_alloc(total + 1, 1);
    for (i = 0; i < n; i++) {
        size_t part = strlen(args[i]);
        memcpy(text + at, args[i], part);
        at += part;
        if (i + 1 < n)
            text[at++] = ' ';
    }
    *len = at;
    return text;
}

static void report(const char *what, size_t ids, size_t bytes, double seconds)
{
    tool_info("%s %zu tokens, %zu bytes in %.3f s: %.1f MB/s", what, ids, bytes, seconds,
              (double)bytes * 1e-6 / (seconds > 1e-9 ? seconds : 1e-9));
}

static void encode(const llmc_tokenizer *tok, const char *text, size_t len, llmc_encode_options opt,
                   bool places)
{
    llmc_token *ids, *again;
    size_t n, i;
    double start = tool_seconds();
    ids = tool_encode(tok, text, len, &opt, &n);
    report("encoded", n, len, tool_seconds() - start);
    if (places) {
        opt.offsets = (llmc_span *)tool_alloc(len + n + 64, sizeof *opt.offsets);
        again = tool_encode(tok, text, len, &opt, &n);
        free(again);
    }
    for (i = 0; i < n; i++) {
        printf("%s%d", i != 0 ? " " : "", ids[i]);
        if (places)
            printf(":%zu-%zu", opt.offsets[i].begin, opt.offsets[i].end);
    }
    putchar('\n');
    free(opt.offsets);
    free(ids);
}

/* One line of "role id text". */
static void info_token(const llmc_tokenizer *tok, const char *role, llmc_token id)
{
    llmc_token_info k;
    if (id >= 0 && llmc_token_get(tok, id, &k) == LLMC_OK)
        printf("%-12s %d %.*s\n", role, id, (int)k.text_len, k.text);
}

/* What a vocabulary is. */
static void info(const llmc_tokenizer *tok)
{
    static const char *const kind[] = {"normal", "unknown", "control", "user", "unused", "byte"};
    static const char *const role[LLMC_SPECIAL_COUNT] = {"bos", "eos", "eot", "unk", "pad"};
    uint32_t n = llmc_tokenizer_count(tok), of[6] = {0, 0, 0, 0, 0, 0}, i;
    llmc_token_info k;
    printf("tokenizer    %s\n", llmc_tokenizer_name(tok));
    printf("tokens       %u\n", n);
    for (i = 0; i < n; i++)
        if (llmc_token_get(tok, (llmc_token)i, &k) == LLMC_OK && k.kind >= LLMC_TOKEN_NORMAL &&
            k.kind <= LLMC_TOKEN_BYTE)
            of[k.kind - 1]++;
    for (i = 0; i < 6; i++)
        if (of[i] != 0)
            printf("  %-10s %u\n", kind[i], of[i]);
    for (i = 0; i < LLMC_SPECIAL_COUNT; i++)
        info_token(tok, role[i], llmc_tokenizer_special(tok, (llmc_special)i));
    printf("adds bos     %s\n", llmc_tokenizer_adds_bos(tok) ? "yes" : "no");
    for (i = 0; i < n; i++)
        if (llmc_token_ends(tok, (llmc_token)i))
            info_token(tok, "ends with", (llmc_token)i);
}

static void decode(const llmc_tokenizer *tok, const char *text, size_t len, bool special)
{
    llmc_decode_options opt;
    llmc_diag diag;
    size_t n, bytes = 0;
    llmc_token *ids = tool_ids(text, len, llmc_tokenizer_count(tok), &n);
    char *out = NULL;
    llmc_status status;
    double start = tool_seconds();
    memset(&opt, 0, sizeof opt);
    diag.message[0] = 0;
    opt.show_special = special;
    status = llmc_decode(tok, ids, n, &opt, NULL, 0, &bytes, &diag);
    if (status == LLMC_NO_MEMORY) {
        out = (char *)tool_alloc(bytes, 1);
        status = llmc_decode(tok, ids, n, &opt, out, bytes, &bytes, &diag);
    }
    tool_check(status, &diag);
    report("decoded", n, bytes, tool_seconds() - start);
    tool_binary(stdout);
    if (bytes != 0)
        fwrite(out, 1, bytes, stdout);
    free(out);
    free(ids);
}

/* ---- train ------------------------------------------------------------------------ */

/* What the command line says of a training. */
typedef struct training {
    const char *folder, *pattern, *special;
    uint32_t vocab_size, min_frequency, max_bytes;
    uint64_t memory; /* MiB; 0: half of what can be had */
    bool nanochat;
} training;

/* The texts of a training one after the other, for its progress bar. */
typedef struct corpus {
    FILE *file;
    const char *path;
    uint64_t done, total;
} corpus;

/* For llmc_reader: user is a corpus. */
static bool corpus_read(void *user, void *data, size_t cap, size_t *n)
{
    corpus *c = (corpus *)user;
    *n = fread(data, 1, cap, c->file);
    c->done += *n;
    if (c->total != 0 && c->done <= c->total)
        tool_draw(NULL, "reading", c->done, c->total + 1);
    return !ferror(c->file) && !tool_stopping;
}

/* Bytes of all files; 0: some have no size, like standard input. */
static uint64_t corpus_size(char **paths, int n)
{
    uint64_t total = 0;
    file_look seen;
    int i;
    for (i = 0; i < n; i++) {
        if (strcmp(paths[i], "-") == 0 || !look_at(paths[i], &seen) || !seen.file)
            return 0;
        total += seen.bytes;
    }
    return total;
}

/* Parts a list at its commas, in place; *n parts. */
static const char **parts_of(char *list, size_t *n)
{
    const char **part = (const char **)tool_alloc(strlen(list) / 2 + 2, sizeof *part);
    *n = 0;
    for (list = strtok(list, ","); list != NULL; list = strtok(NULL, ","))
        part[(*n)++] = list;
    return part;
}

/* The options of a training. */
static llmc_bpe_options train_options(const training *t)
{
    static const char *const nine[] = {
        "<|bos|>",          "<|user_start|>", "<|user_end|>",     "<|assistant_start|>", "<|assistant_end|>",
        "<|python_start|>", "<|python_end|>", "<|output_start|>", "<|output_end|>"};
    llmc_bpe_options opt;
    memset(&opt, 0, sizeof opt);
    opt.vocab_size = t->vocab_size;
    opt.min_frequency = t->min_frequency;
    opt.max_token_bytes = t->max_bytes;
    opt.pattern = t->pattern != NULL ? t->pattern : t->nanochat ? "nanochat" : "gpt-2";
    opt.bytes_first = t->nanochat;
    opt.progress = tool_progress();
    if (t->special != NULL && strcmp(t->special, "none") == 0) {
        opt.no_special = true;
    } else if (t->special != NULL) {
        char *list = (char *)tool_alloc(strlen(t->special) + 1, 1);
        strcpy(list, t->special);
        opt.special = parts_of(list, &opt.n_special);
        if (opt.n_special == 0)
            tool_misused("--special-tokens takes NAME,NAME,... or none");
    } else if (t->nanochat) {
        opt.special = nine;
        opt.n_special = TOOL_COUNT_OF(nine);
    }
    return opt;
}

/* Memory to train in: no more than the texts can need, and half of what can be had unless the user says. */
static void *train_memory(const training *t, const llmc_bpe_options *opt, uint64_t total, size_t *bytes)
{
    llmc_diag diag;
    uint64_t available = 0, most = (uint64_t)t->memory << 20;
    size_t need = 0, least = 0;
    void *mem;
    diag.message[0] = 0;
    tool_check(llmc_bpe_need(opt, 0, &least, &diag), &diag); /* says what is wrong with the options, too */
    llmc_os_available(NULL, &available);
    if (t->memory == 0)
        most = available == 0 ? (uint64_t)1 << 30 : available / 2;
    if (total != 0 && llmc_bpe_need(opt, total, &need, NULL) == LLMC_OK && need < most)
        most = need;
    *bytes = most < least ? least : most > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)most;
    tool_check(llmc_os_memory(&mem, *bytes, &diag), &diag);
    return mem;
}

/* One file of the result, in the folder. */
static void train_write(const llmc_bpe *bpe, llmc_bpe_file file, const char *folder, const char *name)
{
    size_t n = strlen(folder) + strlen(name) + 2;
    char *path = (char *)tool_alloc(n, 1);
    tool_out out;
    llmc_writer writer;
    llmc_diag diag;
    snprintf(path, n, "%s/%s", folder, name);
    tool_out_open(&out, path);
    errno = 0;
    writer.write = tool_out_write;
    writer.user = &out;
    if (llmc_bpe_write(bpe, file, &writer, &diag) != LLMC_OK)
        tool_die("%s: %s", path, errno != 0 ? strerror(errno) : diag.message);
    tool_out_close(&out);
    free(path);
}

/* Reads every file into the trainer. */
static void train_read(llmc_bpe *bpe, char **paths, int n, uint64_t total)
{
    corpus c;
    llmc_reader reader;
    llmc_diag diag;
    int i;
    memset(&c, 0, sizeof c);
    c.total = total;
    reader.read = corpus_read;
    reader.user = &c;
    for (i = 0; i < n; i++) {
        llmc_status status;
        bool input = strcmp(paths[i], "-") == 0;
        c.path = input ? "standard input" : paths[i];
        c.file = input ? stdin : open_file(paths[i], "rb");
        if (c.file == NULL)
            tool_die("%s: %s", c.path, strerror(errno));
        tool_binary(c.file);
        status = llmc_bpe_add(bpe, &reader, &diag);
        if (tool_stopping)
            tool_die("interrupted");
        if (status == LLMC_IO)
            tool_die("%s: %s", c.path, strerror(errno));
        tool_check(status, &diag);
        if (!input)
            fclose(c.file);
    }
    tool_bar_clear();
}

static int train(const training *t, char **paths, int n)
{
    llmc_bpe_options opt = train_options(t);
    llmc_bpe *bpe;
    llmc_bpe_info info;
    llmc_diag diag;
    uint64_t total = corpus_size(paths, n);
    double start = tool_seconds();
    size_t bytes;
    void *mem = train_memory(t, &opt, total, &bytes);
    diag.message[0] = 0;
    tool_check(llmc_bpe_init(&bpe, &opt, mem, bytes, &diag), &diag);
    tool_catch_signals();
    train_read(bpe, paths, n, total);
    tool_check(llmc_bpe_train(bpe, &diag), &diag);
    (void)make_folder(t->folder, 0777); /* whether it is there shows when a file is written */
    train_write(bpe, LLMC_BPE_TOKENIZER, t->folder, "tokenizer.json");
    train_write(bpe, LLMC_BPE_VOCAB, t->folder, "vocab.json");
    train_write(bpe, LLMC_BPE_MERGES, t->folder, "merges.txt");
    train_write(bpe, LLMC_BPE_CONFIG, t->folder, "tokenizer_config.json");
    if (t->nanochat)
        train_write(bpe, LLMC_BPE_RANKS, t->folder, "tokenizer.tiktoken");
    info = llmc_bpe_about(bpe);
    printf("%s: %u tokens (%u merges) from %llu bytes, %llu distinct words\n", t->folder, info.tokens,
           info.merges, (unsigned long long)info.bytes, (unsigned long long)info.distinct);
    start = tool_seconds() - start;
    tool_info("trained in %.2f s: %.1f MB/s", start,
              (double)info.bytes * 1e-6 / (start > 1e-9 ? start : 1e-9));
    llmc_os_release(mem, bytes);
    return tool_end();
}

/* ---- the program ------------------------------------------------------------------- */

/* The model of -m, of which only the tokenizer is wanted. */
static const llmc_tokenizer *open_tokenizer(llmc_host *host, const char *pattern)
{
    llmc_tokenizer_options token;
    llmc_model_options model;
    llmc_open_options open;
    llmc_diag diag;
    const llmc_tokenizer *tok;
    memset(&token, 0, sizeof token);
    memset(&model, 0, sizeof model);
    memset(&open, 0, sizeof open);
    token.pattern = pattern;
    model.vocab_only = true;
    model.log = tool_log();
    model.tokenizer_options = &token;
    open.tokenizer_path = tool_opt.tokenizer;
    open.no_engine = true;
    tool_check(tool_try_open(host, tool_opt.model, &open, &model, &diag), &diag);
    tok = llmc_model_tokenizer(host->model);
    if (tok == NULL)
        tool_die("%s: holds no tokenizer; --tokenizer FILE gives one", tool_opt.model);
    return tok;
}

int main(int argc, char **argv)
{
    static const char *file, *pattern;
    static bool bos, eos, special, places;
    static training learn;
    static const tool_option options[] = {
        TOOL_OPTIONS_MODEL,
        {'f', "file", TOOL_TEXT, &file, "FILE", "text or ids from a file; - for standard input"},
        {0, "bos", TOOL_FLAG, &bos, NULL, "encode: the begin-of-sequence token first"},
        {0, "eos", TOOL_FLAG, &eos, NULL, "encode: the end-of-sequence token last"},
        {0, "special", TOOL_FLAG, &special, NULL,
         "encode: control tokens written in the text become ids; decode: show them"},
        {0, "offsets", TOOL_FLAG, &places, NULL, "encode: ID:BEGIN-END, the bytes that each id stands for"},
        {0, "pattern", TOOL_TEXT, &pattern, "NAME",
         "how text is cut, a pre-tokenizer's name or a regex, for files that do not say"},
        {'o', "output", TOOL_TEXT, &learn.folder, "DIR", "train: where the files go"},
        {'v', "vocab-size", TOOL_U32, &learn.vocab_size, "N", "train: tokens; default 50257"},
        {0, "min-frequency", TOOL_U32, &learn.min_frequency, "N",
         "train: least occurrences of a pair; default 2"},
        {0, "special-tokens", TOOL_TEXT, &learn.special, "LIST",
         "train: NAME,NAME,... or none; default <UNK>,<PAD>,<EOS>"},
        {0, "max-token-bytes", TOOL_U32, &learn.max_bytes, "N", "train: longest token; default 256"},
        {0, "nanochat", TOOL_FLAG, &learn.nanochat, NULL,
         "train: its pattern, its nine special tokens, its ids, and a file of ranks"},
        {0, "memory", TOOL_U64, &learn.memory, "MIB", "train: at most; default: half of what is free"},
        TOOL_OPTIONS_ALL,
    };
    llmc_host host;
    llmc_encode_options opt;
    const llmc_tokenizer *tok;
    char **args, *text;
    size_t len;
    int n;
    bool to_ids, about;
    tool_name = "tokenizer";
    args = tool_parse(argc, argv, usage, options, TOOL_COUNT_OF(options), &n);
    if (n == 0)
        tool_misused("encode, decode, info or train?");
    if (strcmp(args[0], "train") == 0) {
        if (n < 2 || learn.folder == NULL)
            tool_misused("train takes FILE... and -o DIR");
        if (tool_opt.model != NULL || file != NULL || bos || eos || special || places)
            tool_misused("train takes no option of encode and decode");
        learn.pattern = pattern;
        return train(&learn, args + 1, n - 1);
    }
    if (learn.folder != NULL || learn.vocab_size != 0 || learn.min_frequency != 0 || learn.special != NULL ||
        learn.max_bytes != 0 || learn.nanochat || learn.memory != 0)
        tool_misused("-o, -v and the other options of train go with train");
    to_ids = strcmp(args[0], "encode") == 0;
    about = strcmp(args[0], "info") == 0;
    if (!to_ids && !about && strcmp(args[0], "decode") != 0)
        tool_misused("'%s' is neither encode nor decode nor info nor train", args[0]);
    if (tool_opt.model == NULL)
        tool_misused("-m MODEL is missing");
    if ((file != NULL || about) && n > 1)
        tool_misused(about ? "info takes no arguments" : "either -f FILE or arguments, not both");
    if (!to_ids && (bos || eos || places))
        tool_misused("--bos, --eos and --offsets go with encode");
    tok = open_tokenizer(&host, pattern);
    if (about) {
        info(tok);
        llmc_close(&host);
        return tool_end();
    }
    text = n > 1 ? join(args + 1, n - 1, &len) : tool_read(file, 0, &len);
    memset(&opt, 0, sizeof opt);
    opt.add_bos = bos;
    opt.add_eos = eos;
    opt.parse_special = special;
    if (to_ids)
        encode(tok, text, len, opt, places);
    else
        decode(tok, text, len, special);
    free(text);
    llmc_close(&host);
    return tool_end();
}
