/* fuzz.c -- libFuzzer's target for everything that reads a file (tests/fuzz/run.sh builds and
   runs it). One program; the environment variable FUZZ_TARGET says which kind of input it makes:

     gguf safetensors torchless mog mpk llama2c llmc    models
     model                                              any of these, by the input's first part
     json settings                                      the text readers alone
     gbnf                                               a grammar, walked with tests/models/tiny-llama.gguf
     tokenizer pieces                                   a tokenizer.json; SentencePiece and whatever else is one
     jinja                                              a chat template, NUL, messages, NUL, variables
     text                                               a text at once, in pieces, and back
     reply                                              what a model says, in any cut
     words                                              a text under normalisers and cuts of all kinds
     schema                                             a JSON schema: its grammar, and that compiled
     session                                            a saved session of tests/models/tiny-llama.gguf, with numbers
                                                        changed and a checksum that is right again
     index                                              an index of vectors, its numbers changed and its checksums
                                                        right again, one of FAISS's; a text in passages and words

   An input is one or more files. Each begins with a head of ten bytes, "\0LLMCFILE", a letter that
   says what the file is called, and is filled up with zeros of 4096 times the number that the letter
   has left over (see part_open): seeds need no weights of their own, so a mutation nearly always hits
   something that is read. Input without a head is one file as it stands.

   Whatever comes, a status and one line of text, or a model that runs: a few tokens, a text through its
   tokenizer, its GGUF written and read again. Memory is asked for in proportion to what is there. */
#define LLMC_IMPLEMENTATION
#include "../../llmc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_FILES  6
#define MOST_MEMORY ((size_t)64 << 20)
/* A model takes some hundred bytes for each tensor, expert and token; an expert's whole matrix may be one byte. */
#define PER_BYTE 4096

static const char mark[] = "\0LLMCFILE"; /* its NUL at the end is not part of it */
#define MARK (sizeof mark - 1)

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static const char *target = "model";

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    if (getenv("FUZZ_TARGET") != NULL)
        target = getenv("FUZZ_TARGET");
    return 0;
}

/* Our own bugs: stop here, and libFuzzer keeps the input. */
static void broken(const char *why, const char *message)
{
    fprintf(stderr, "fuzz: %s: %s\n", why, message);
    abort();
}

/* A failure has a status, a tag and one line. */
static void check_failure(llmc_status s, const llmc_diag *d)
{
    if (s == LLMC_OK || s == LLMC_DONE)
        return;
    if (d->status != s || d->tag == NULL || d->message[0] == 0)
        broken("a failure without a message", d->message);
    if (strchr(d->message, '\n') != NULL || strchr(d->message, '\r') != NULL)
        broken("a message of more than a line", d->message);
}

/* ------------------------------------------------------------ inputs as files */
typedef struct part {
    size_t at, begin, end; /* of the head; of the contents */
    unsigned name, fill;
} part;

static const char *const names[] = {"model.safetensors",
                                    "config.json",
                                    "model-00001-of-00002.safetensors",
                                    "model-00002-of-00002.safetensors",
                                    "model_config.yaml",
                                    "million_context.toml",
                                    "meta_000123.json",
                                    "model.mpk",
                                    "model.gguf",
                                    "model-00001-of-00002.gguf",
                                    "model-00002-of-00002.gguf",
                                    "model.bin",
                                    "model.mog",
                                    "1_Pooling/config.json",
                                    "model.safetensors.index.json",
                                    "tokenizer.bin"};

#define NAMES (sizeof names / sizeof names[0])

/* The byte after the mark: low four bits the name, high four how much zeros follow, 0, 1, 3, 7 ... blocks. */
static void part_open(part *p, uint8_t byte)
{
    p->name = byte % NAMES;
    p->fill = ((1u << (byte / 16)) - 1) % 256 * 4096;
}

/* Splits an input; at least one part. */
static unsigned split(const uint8_t *data, size_t size, part *p)
{
    unsigned n = 0;
    size_t i;
    memset(p, 0, sizeof *p * MOST_FILES);
    for (i = 0; i + MARK < size && n < MOST_FILES; i++) {
        if (data[i] != 0 || memcmp(data + i, mark, MARK) != 0)
            continue;
        if (n > 0)
            p[n - 1].end = i;
        p[n].at = i;
        p[n].begin = i + MARK + 1;
        p[n].end = size;
        part_open(&p[n], data[i + MARK]);
        n++;
        i += MARK;
    }
    if (n == 0)
        p[0].end = size;
    return n == 0 ? 1 : n;
}

/* ------------------------------------------------------------ a model */
/* A few tokens, where a model is small. */
static void use_engine(const llmc_model *model, size_t size)
{
    static const llmc_token ids[5] = {0, 1, 0, 1, 0};
    llmc_engine_options o;
    llmc_engine *engine = NULL;
    llmc_seq *seq = NULL;
    llmc_diag diag;
    size_t need = 0, vocab = llmc_model_config(model)->vocab_size;
    float *logits;
    void *mem;
    llmc_status s;
    memset(&o, 0, sizeof o);
    o.context_length = 24;
    o.batch_tokens = 4;
    o.text_bytes = 256;
    if (size % 2 == 0)
        o.cpu.features = LLMC_CPU_SCALAR;
    s = llmc_engine_need(model, &o, &need, &diag);
    check_failure(s, &diag);
    if (s != LLMC_OK || need > MOST_MEMORY || llmc_model_weight_bytes(model) > 4u << 20)
        return;
    mem = malloc(need);
    logits = (float *)malloc(
        (vocab > llmc_model_config(model)->n_embd ? vocab : llmc_model_config(model)->n_embd) *
        sizeof(float));
    s = llmc_engine_init(&engine, model, &o, mem, need, &diag);
    if (s == LLMC_OK)
        s = llmc_seq_open(&seq, engine, NULL, &diag);
    if (s == LLMC_OK && llmc_model_config(model)->no_head) {
        s = llmc_seq_embed(seq, ids, vocab > 1 ? 3 : 1, LLMC_POOL_DEFAULT, logits, &diag);
    } else if (s == LLMC_OK) {
        s = llmc_seq_forward(seq, ids, vocab > 1 ? 3 : 1, logits, 1, &diag);
        if (s == LLMC_OK)
            s = llmc_seq_forward(seq, ids, 1, logits, 1, &diag);
    }
    check_failure(s, &diag);
    free(logits);
    free(mem);
}

/* Text through the tokenizer and back. */
static void use_vocabulary(const llmc_tokenizer *tok)
{
    static const char text[] = " ab <s>\xe2\x82\xac\xff a";
    llmc_token ids[64];
    char back[256];
    size_t need, n = 0, len;
    void *work;
    if (tok == NULL)
        return;
    need = llmc_encode_need(tok, sizeof text - 1);
    if (need > MOST_MEMORY)
        return;
    work = malloc(need + 1);
    if (llmc_encode(tok, text, sizeof text - 1, NULL, work, need, ids, 64, &n, NULL) == LLMC_OK)
        llmc_decode(tok, ids, n, NULL, back, sizeof back, &len, NULL);
    free(work);
}

static void use_tokenizer(const llmc_model *model)
{
    use_vocabulary(llmc_model_tokenizer(model));
}

/* A tokenizer without a model. Ids up to 65536 above their number are let pass, each some dozen bytes. */
static void open_tokenizer(const uint8_t *data, size_t size, const char *name)
{
    llmc_tokenizer_options o;
    llmc_tokenizer *tok = NULL;
    llmc_blob file;
    llmc_diag diag;
    llmc_status s;
    size_t need = 0;
    void *mem;
    memset(&o, 0, sizeof o);
    file.data = data;
    file.size = size;
    file.name = name;
    if (llmc_file_identify(&file) == LLMC_FILE_RANKS)
        o.pattern = size % 2 == 0 ? "nanochat" : "gpt-4o";
    s = llmc_tokenizer_need(&file, 1, &o, &need, &diag);
    check_failure(s, &diag);
    if (s != LLMC_OK)
        return;
    if (need / PER_BYTE > size + 4096)
        broken("a tokenizer asks for memory out of proportion", name);
    if (need > MOST_MEMORY)
        return;
    mem = malloc(need + 1);
    s = llmc_tokenizer_init(&tok, &file, 1, &o, mem, need, &diag);
    check_failure(s, &diag);
    if (s == LLMC_OK)
        use_vocabulary(tok);
    free(mem);
}

/* ------------------------------------------------------------ a session */
/* An engine with two groups of layers, both with windows, and what a sequence of it saved. */
static struct {
    llmc_engine *engine;
    llmc_seq *seq;
    uint8_t *bytes;
    size_t size;
} saved;

static bool saved_write(void *user, const void *data, size_t n)
{
    (void)user;
    saved.bytes = (uint8_t *)realloc(saved.bytes, saved.size + n);
    memcpy(saved.bytes + saved.size, data, n);
    saved.size += n;
    return true;
}

static void save_session(void)
{
    llmc_model *model = NULL;
    llmc_engine_options o;
    llmc_seq_options so;
    llmc_writer w;
    llmc_piece piece;
    llmc_blob file;
    llmc_diag diag;
    llmc_token ids[90];
    size_t need = 0, i;
    for (i = 0; i < 90; i++)
        ids[i] = (llmc_token)(7 * i % 300);
    if (llmc_map_open(&file, "tests/models/tiny-llama.gguf", &diag) != LLMC_OK ||
        llmc_model_need(&file, 1, NULL, &need, &diag) != LLMC_OK ||
        llmc_model_init(&model, &file, 1, NULL, malloc(need), need, &diag) != LLMC_OK)
        broken("the model of the repository", diag.message);
    model->config.windowed.bits[0] = 2;
    model->config.window_size = 20;
    memset(&o, 0, sizeof o);
    memset(&so, 0, sizeof so);
    o.context_length = 160;
    o.max_seqs = 2;
    o.batch_tokens = 8;
    o.text_bytes = 256;
    o.window_size = 50;
    o.sink_tokens = 3;
    so.ignore_end = true;
    w.write = saved_write;
    w.user = NULL;
    if (llmc_engine_need(model, &o, &need, &diag) != LLMC_OK ||
        llmc_engine_init(&saved.engine, model, &o, malloc(need), need, &diag) != LLMC_OK ||
        llmc_seq_open(&saved.seq, saved.engine, &so, &diag) != LLMC_OK ||
        llmc_seq_add_ids(saved.seq, ids, 90, &diag) != LLMC_OK ||
        llmc_seq_next(saved.seq, &piece, &diag) != LLMC_OK ||
        llmc_engine_step(saved.engine, &diag) != LLMC_OK ||
        llmc_seq_save(saved.seq, NULL, &w, &diag) != LLMC_OK)
        broken("the first session", diag.message);
}

/* Each page is free, or held as often as tables say. */
static void check_pages(void)
{
    uint32_t g, i, s, holds;
    for (g = 0; g < saved.engine->batch.n_groups; g++) {
        const llmc__kv_pool *kv = &saved.engine->kv[g];
        uint32_t n_free = 0;
        for (i = 0; i < kv->n_pages; i++) {
            for (s = 0, holds = 0; s < 2; s++) {
                const llmc__kv_table *table = &saved.engine->seqs[s].table[g];
                uint32_t at;
                for (at = 0; at < table->n; at++)
                    holds += table->page[at] == i;
            }
            n_free += holds == 0;
            if (kv->holds[i] != holds)
                broken("a page's holders", "");
        }
        if (kv->n_free != n_free)
            broken("pages are lost", "");
    }
}

/* The first byte odd: the rest as it stands. Else the saved session, with numbers changed by four bytes each: which
   one, 16 bits, and how, 16 bits: even, half of it is added, odd, a power of two. Then restored: all or nothing. */
static void use_session(const uint8_t *data, size_t size)
{
    uint8_t *bytes = (uint8_t *)malloc(saved.size + size + 1);
    size_t n = saved.size, i, at;
    uint32_t before;
    llmc_piece piece;
    llmc_diag diag;
    llmc_status s;
    llmc__xxh x;
    if (size == 0)
        n = 0;
    else if (data[0] % 2 == 1)
        memcpy(bytes, data + 1, n = size - 1);
    else
        memcpy(bytes, saved.bytes, n);
    for (i = 1; size > 0 && data[0] % 2 == 0 && i + 4 <= size; i += 4) {
        int16_t change = (int16_t)llmc__u16le(data + i + 2);
        at = llmc__u16le(data + i) % (n / 4 - 2) * 4;
        at = data[0] % 4 == 0 ? at % 640 : at;
        llmc__put_u32le(bytes + at,
                        llmc__u32le(bytes + at) + (change % 2 == 0 ? (uint32_t)(int32_t)(change / 2)
                                                                   : 1u << ((unsigned)(change / 2) % 32)));
    }
    if (size > 0 && data[0] % 2 == 0) {
        llmc__xxh_begin(&x);
        llmc__xxh_feed(&x, bytes, n - 8);
        llmc__put_u64le(bytes + n - 8, llmc__xxh_end(&x));
    }
    before = saved.seq->n_ids;
    s = llmc_seq_restore(saved.seq, bytes, n, &diag);
    check_failure(s, &diag);
    check_pages();
    if (s != LLMC_OK && saved.seq->n_ids != before)
        broken("a failed restore changed something", diag.message);
    free(bytes);
    for (i = 0; s == LLMC_OK && i < 3; i++) {
        s = llmc_seq_next(saved.seq, &piece, &diag);
        if (s != LLMC_OK && s != LLMC_DONE && s != LLMC_BAD_ARG) /* nothing to read: it was idle */
            check_failure(s, &diag);
        if (i == 1)
            (void)llmc_seq_truncate(saved.seq, saved.seq->n_ids - saved.seq->n_ids / 16 * (size % 16), NULL);
    }
    check_pages();
}

/* ------------------------------------------------------------ a text */
/* The vocabularies of tests/models/tokenizers, from the repository's root, opened once. */
static const llmc_tokenizer *vocabulary(unsigned which)
{
    static const char *const name[] = {"byte.json",           "spm.json",          "unigram.json",
                                       "wordpiece.json",      "bpe-rules.model",   "../tiny-gpt2.gguf",
                                       "unigram-rules.model", "unigram-user.model"};
    static llmc_tokenizer *made[8];
    char path[128];
    llmc_blob file;
    llmc_diag diag;
    size_t need = 0;
    which %= 8;
    if (made[which] != NULL)
        return made[which];
    snprintf(path, sizeof path, "tests/models/tokenizers/%s", name[which]);
    if (llmc_map_open(&file, path, &diag) != LLMC_OK ||
        llmc_tokenizer_need(&file, 1, NULL, &need, &diag) != LLMC_OK ||
        llmc_tokenizer_init(&made[which], &file, 1, NULL, malloc(need), need, &diag) != LLMC_OK)
        broken("a vocabulary of the repository", diag.message);
    return made[which];
}

/* A text at once and fed in pieces: the same ids from the same places; and back to text. The first three bytes say
   which vocabulary, which options, and how long the pieces are. */
static void use_text(const uint8_t *data, size_t size)
{
    const llmc_tokenizer *tok = vocabulary(data[0]);
    const char *text = (const char *)data + 3;
    size_t len = size - 3, cap = 40 * size + 64, work_bytes, need = 0, n = 0, m = 0, got = 0, at = 0, used, i;
    llmc_token *ids = (llmc_token *)malloc(cap * sizeof *ids),
               *again = (llmc_token *)malloc(cap * sizeof *ids);
    llmc_span *span = (llmc_span *)malloc(cap * sizeof *span),
              *place = (llmc_span *)malloc(cap * sizeof *span);
    char *back = (char *)malloc(cap * 16);
    llmc_encode_options o;
    llmc_encoder *enc = NULL;
    llmc_span plain;
    llmc_diag diag;
    void *work, *mem;
    memset(&o, 0, sizeof o);
    o.parse_special = data[1] & 1;
    o.add_bos = o.add_eos = (data[1] & 2) != 0;
    plain.begin = len / 3;
    plain.end = len / 2;
    o.plain = &plain;
    o.n_plain = (data[1] & 4) != 0;
    o.offsets = span;
    work_bytes = llmc_encode_need(tok, len);
    work = malloc(work_bytes);
    if (llmc_encode(tok, text, len, &o, work, work_bytes, ids, cap, &n, &diag) != LLMC_OK)
        broken("a text is not encoded", diag.message);
    if (llmc_encoder_need(tok, len + 64, &need, &diag) != LLMC_OK)
        broken("an encoder's size", diag.message);
    mem = malloc(need);
    if (llmc_encoder_init(&enc, tok, &o, len + 64, mem, need, &diag) != LLMC_OK)
        broken("an encoder", diag.message);
    for (;;) {
        size_t step = data[2] % 16 == 0 ? len - at : data[2] % 16, room = 1 + data[2] / 16;
        step = step < len - at ? step : len - at;
        if (got + room > cap || llmc_encoder_feed(enc, text + at, step, at + step == len, &used, again + got,
                                                  place + got, room, &m, &diag) != LLMC_OK)
            broken("an encoder stops", diag.message);
        at += used;
        got += m;
        if (at == len && m < room)
            break;
    }
    for (i = 0; i < n && got == n; i++)
        if (ids[i] != again[i] || span[i].begin != place[i].begin || span[i].end != place[i].end ||
            span[i].begin > span[i].end || span[i].end > len)
            break;
    if (got != n || i < n)
        broken("other ids in pieces", "");
    if (llmc_decode(tok, ids, n, NULL, back, cap * 16, &m, &diag) != LLMC_OK)
        broken("ids are not decoded", diag.message);
    for (i = 0; i < n && tok->tok[ids[i]].kind == LLMC_TOKEN_NORMAL; i++)
        ; /* an added token may take white space with it */
    if (tok->bytes && i == n && (m != len || memcmp(back, text, len) != 0))
        broken("a text does not come back", "");
    free(ids);
    free(again);
    free(span);
    free(place);
    free(back);
    free(work);
    free(mem);
}

typedef struct sink {
    uint8_t *data;
    size_t size, cap;
} sink;

static bool sink_write(void *user, const void *data, size_t n)
{
    sink *s = (sink *)user;
    if (n > s->cap - s->size)
        return false;
    memcpy(s->data + s->size, data, n);
    s->size += n;
    return true;
}

/* Written as GGUF, which must be readable. */
static void use_save(const llmc_model *model)
{
    llmc_writer w;
    llmc_blob file;
    llmc_diag diag;
    sink out;
    size_t need = llmc_model_save_need(model), bytes = 0;
    void *work;
    llmc_status s;
    if (need > MOST_MEMORY || llmc_model_weight_bytes(model) > 1u << 20)
        return;
    out.size = 0;
    out.cap = (size_t)16 << 20;
    out.data = (uint8_t *)malloc(out.cap);
    work = malloc(need + 1);
    w.write = sink_write;
    w.user = &out;
    s = llmc_model_save(model, NULL, &w, work, need, &diag);
    check_failure(s, &diag);
    if (s == LLMC_OK) {
        file.data = out.data;
        file.size = out.size;
        file.name = "saved.gguf";
        s = llmc_model_need(&file, 1, NULL, &bytes, &diag);
        check_failure(s, &diag);
    }
    free(work);
    free(out.data);
}

/* Opens the files, each in a block of exactly its size, and uses what they are. */
static void use_model(const llmc_blob *files, unsigned n, size_t total)
{
    llmc_model *model = NULL;
    llmc_diag diag;
    size_t need = 0;
    void *mem;
    llmc_status s = llmc_model_need(files, n, NULL, &need, &diag);
    check_failure(s, &diag);
    if (s != LLMC_OK)
        return;
    if (need / PER_BYTE > total + 64)
        broken("a model asks for memory out of proportion", files[0].name);
    if (need > MOST_MEMORY)
        return;
    mem = malloc(need + 1);
    s = llmc_model_init(&model, files, n, NULL, mem, need, &diag);
    check_failure(s, &diag);
    if (s == LLMC_OK) {
        use_tokenizer(model);
        use_engine(model, total);
        use_save(model);
    }
    free(mem);
}

/* The parts as files; a tokenizer.bin among them is the tokenizer. */
static void open_files(const uint8_t *data, size_t size)
{
    part p[MOST_FILES];
    llmc_blob files[MOST_FILES];
    unsigned n = split(data, size, p), i;
    size_t total = 0;
    for (i = 0; i < n; i++) {
        size_t len = p[i].end - p[i].begin;
        uint8_t *copy = (uint8_t *)malloc(len + p[i].fill > 0 ? len + p[i].fill : 1);
        memcpy(copy, data + p[i].begin, len);
        memset(copy + len, 0, p[i].fill);
        files[i].data = copy;
        files[i].size = len + p[i].fill;
        files[i].name = names[p[i].name];
        total += files[i].size;
    }
    use_model(files, n, total);
    for (i = 0; i < n; i++)
        free((void *)(uintptr_t)files[i].data);
}

/* ------------------------------------------------------------ texts */
/* Every value by every way to read it; depth first without a stack: containers are walked flat. */
static void walk_json(llmc_json v, unsigned depth)
{
    llmc_json key, value;
    llmc_json_iter it;
    char text[16];
    unsigned n = 0;
    memset(&it, 0, sizeof it);
    (void)llmc_json_number(v, 0);
    (void)llmc_json_integer(v, 0);
    (void)llmc_json_bool(v, false);
    (void)llmc_json_string(v, text, sizeof text);
    (void)llmc_json_equal(v, "a");
    (void)llmc_json_get(v, "a");
    while (depth < 8 && n++ < 64 && llmc_json_next(v, &it, &key, &value)) {
        if (v.type == LLMC_JSON_OBJECT)
            (void)llmc_json_string(key, text, sizeof text);
        walk_json(value, depth + 1);
    }
}

static void use_json(const llmc_blob *file)
{
    llmc_json root;
    llmc_diag diag;
    llmc_status s = llmc_json_parse(file, &root, &diag);
    check_failure(s, &diag);
    if (s == LLMC_OK)
        walk_json(root, 0);
}

static void use_settings(const llmc_blob *file)
{
    llmc_setting setting;
    llmc_diag diag;
    llmc_status s;
    size_t at = 0, n = 0;
    memset(&setting, 0, sizeof setting);
    while ((s = llmc_settings_next(file, &at, &setting, &diag)) == LLMC_OK)
        if (++n > file->size + 1)
            broken("settings without end", "");
    check_failure(s, &diag);
}

/* A schema as a grammar, which has to be one: only its limits may be in the way. */
static int use_schema(const llmc_blob *file)
{
    static char out[LLMC_SCHEMA_TEXT];
    llmc_schema_options opt;
    llmc_grammar_options grammar;
    llmc_grammar *g;
    llmc_diag diag;
    llmc_status s;
    size_t need, len = 0, again = 0;
    void *work;
    memset(&opt, 0, sizeof opt);
    memset(&grammar, 0, sizeof grammar);
    opt.space = (llmc_json_space)(file->size % 3);
    opt.open_objects = file->size / 3 % 2 == 1;
    opt.max_rules = 512;
    grammar.max_code = 1u << 16;
    need = llmc_schema_need(&opt);
    work = malloc(need);
    s = llmc_schema_gbnf(file, &opt, out, sizeof out, &len, work, need, &diag);
    check_failure(s, &diag);
    if (s == LLMC_OK &&
        (llmc_schema_gbnf(file, &opt, NULL, 0, &again, work, need, &diag) != LLMC_NO_MEMORY || again != len))
        broken("a grammar of two lengths", diag.message);
    free(work);
    if (s == LLMC_OK)
        s = llmc_grammar_need(NULL, out, len, &grammar, &need, &diag);
    check_failure(s, &diag);
    if (s == LLMC_BAD_ARG)
        broken("a schema's grammar is none", diag.message);
    if (s != LLMC_OK)
        return 0;
    work = malloc(need);
    if (llmc_grammar_init(&g, NULL, out, len, &grammar, work, need, &diag) != LLMC_OK)
        broken("a grammar that was measured", diag.message);
    free(work);
    return 0;
}

/* ------------------------------------------------------------ replies */
/* What a reply gave, as text: kinds, names and all that was said, however it came in pieces. */
typedef struct heard {
    char *text;
    size_t n, cap, call; /* call: where the arguments of the call that is open begin; 0: none is */
    int kind;
} heard;

static void hear(heard *h, const char *text, size_t n)
{
    if (n > h->cap - h->n) /* escapes make six bytes of one, at most */
        broken("a reply says more than it can", "");
    memcpy(h->text + h->n, text, n);
    h->n += n;
}

static void hear_event(heard *h, const llmc_reply_event *e)
{
    static const char head[][4] = {"\nT ", "\nR ", "\nB ", "\nA ", "\nC ", "\nE "};
    llmc_blob args;
    llmc_json root;
    if ((e->kind == LLMC_REPLY_CALL_ARGUMENTS || e->kind == LLMC_REPLY_CALL_END) && h->call == 0)
        broken("a call without beginning", "");
    if (h->call != 0 && e->kind <= LLMC_REPLY_CALL_BEGIN)
        broken("a call without end", "");
    args.data = h->text + h->call;
    args.size = h->n - h->call;
    args.name = "arguments";
    if (e->kind == LLMC_REPLY_CALL_END &&
        (llmc_json_parse(&args, &root, NULL) != LLMC_OK || root.type != LLMC_JSON_OBJECT || e->name[0] == 0))
        broken("a call that is complete is not valid", "");
    if ((int)e->kind != h->kind || e->kind >= LLMC_REPLY_CALL_END)
        hear(h, head[e->kind], 3);
    if (e->kind == LLMC_REPLY_CALL_BEGIN || (e->kind == LLMC_REPLY_CALL_ARGUMENTS && (int)e->kind != h->kind))
        h->call = h->n; /* behind the head */
    h->kind = (int)e->kind;
    if (e->kind == LLMC_REPLY_CALL_END) {
        hear(h, e->name, strlen(e->name));
        hear(h, e->id, strlen(e->id));
    }
    hear(h, e->text, e->len);
    if (e->kind >= LLMC_REPLY_CALL_END)
        h->call = 0;
}

/* One reply, in pieces of up to `most` bytes drawn from state. */
static void use_reply(heard *h, llmc_reply_format format, const uint8_t *data, size_t size, size_t most,
                      uint32_t state)
{
    llmc_reply_options o;
    llmc_reply_event e;
    llmc_reply *r;
    llmc_diag diag;
    void *mem = malloc(llmc_reply_need());
    size_t at = 0;
    memset(&o, 0, sizeof o);
    o.format = format;
    o.prompt = "<think>";
    o.prompt_len = state % 2 == 0 ? 7 : 0;
    check_failure(llmc_reply_init(&r, &o, mem, llmc_reply_need(), &diag), &diag);
    h->n = h->call = 0;
    h->kind = -1;
    while (at < size) {
        size_t n = most == 0 ? size : 1 + state % most;
        n = n < size - at ? n : size - at;
        state = state * 1664525u + 1013904223u;
        {
            char *piece = (char *)malloc(n); /* in a block of its own size */
            memcpy(piece, data + at, n);
            check_failure(llmc_reply_feed(r, piece, n, &diag), &diag);
            while (llmc_reply_next(r, &e))
                hear_event(h, &e);
            free(piece);
        }
        at += n;
    }
    llmc_reply_finish(r);
    while (llmc_reply_next(r, &e))
        hear_event(h, &e);
    if (h->call != 0)
        broken("a call without end", "");
    free(mem);
}

/* Two bytes say which format and how it is cut; what comes of it is as of the whole. */
static void use_replies(const uint8_t *data, size_t size)
{
    heard whole, cut;
    llmc_reply_format format;
    if (size < 2)
        return;
    format = (llmc_reply_format)(1 + data[0] % (LLMC_REPLY_FORMAT_COUNT - 1));
    whole.cap = cut.cap = 16 * size + 4096;
    whole.text = (char *)malloc(whole.cap);
    cut.text = (char *)malloc(cut.cap);
    use_reply(&whole, format, data + 2, size - 2, 0, data[1]);
    use_reply(&cut, format, data + 2, size - 2, 1 + data[1] % 16u, data[1]);
    if (whole.n != cut.n || memcmp(whole.text, cut.text, whole.n) != 0)
        broken("a reply in pieces is another", "");
    free(whole.text);
    free(cut.text);
}

/* tiny-llama's tokens, opened once. */
static const llmc_grammar_vocab *gbnf_vocab(void)
{
    static llmc_grammar_vocab *v;
    static unsigned char data[1 << 18];
    llmc_model_options o;
    llmc_model *model = NULL;
    llmc_blob file = {data, 0, "tiny-llama.gguf"};
    llmc_diag diag;
    size_t need = 0;
    FILE *f;
    if (v != NULL)
        return v;
    memset(&o, 0, sizeof o);
    o.vocab_only = true;
    f = fopen("tests/models/tiny-llama.gguf", "rb");
    if (f == NULL || (file.size = fread(data, 1, sizeof data, f)) == 0 || fclose(f) != 0)
        broken("tests/models/tiny-llama.gguf is missing", "");
    if (llmc_model_need(&file, 1, &o, &need, &diag) != LLMC_OK ||
        llmc_model_init(&model, &file, 1, &o, malloc(need), need, &diag) != LLMC_OK ||
        llmc_grammar_vocab_need(llmc_model_tokenizer(model), &need, &diag) != LLMC_OK ||
        llmc_grammar_vocab_init(&v, llmc_model_tokenizer(model), malloc(need), need, &diag) != LLMC_OK)
        broken("tiny-llama's tokens", diag.message);
    return v;
}

/* Walks a few tokens: what the mask allows is taken, something that it forbids is not. */
static void walk_grammar(llmc_grammar_state *st, uint32_t n)
{
    uint32_t bits[64], step, i, id, seed = 1;
    llmc_diag diag;
    llmc_status s;
    for (step = 0; step < 24 && !llmc_grammar_is_done(st); step++) {
        bool any = false;
        s = llmc_grammar_mask(st, bits, 64, &diag);
        check_failure(s, &diag);
        if (s != LLMC_OK)
            return;
        for (i = 0; i < 40; i++) {
            seed = seed * 1664525u + 1013904223u;
            id = (seed >> 8) % n;
            if ((bits[id / 32] >> (id % 32) & 1) == 0 &&
                llmc_grammar_advance(st, (llmc_token)id, NULL) == LLMC_OK)
                broken("a token that is not in the mask", "");
        }
        for (i = 0; i < n && !any; i++) {
            id = (seed + i) % n;
            any = (bits[id / 32] >> (id % 32) & 1) != 0;
        }
        if (!any) /* a token by name may be one that ends */
            return;
        s = llmc_grammar_advance(st, (llmc_token)id, &diag);
        check_failure(s, &diag);
        if (s == LLMC_BAD_ARG)
            broken("a token of the mask is refused", diag.message);
        if (s != LLMC_OK)
            return;
    }
}

static void use_gbnf(const char *text, size_t size)
{
    static const llmc_grammar_state_options so = {0, 256, 2};
    const llmc_grammar_vocab *v = gbnf_vocab();
    llmc_grammar_options o;
    llmc_grammar *g = NULL;
    llmc_grammar_state *st = NULL;
    llmc_diag diag;
    size_t need = 0;
    void *mem, *state = NULL;
    llmc_status s;
    memset(&o, 0, sizeof o);
    o.vocab = v;
    o.max_code = 1u << 16;
    s = llmc_grammar_need(v->tok, text, size, &o, &need, &diag);
    check_failure(s, &diag);
    if (s != LLMC_OK)
        return;
    mem = malloc(need);
    s = llmc_grammar_init(&g, v->tok, text, size, &o, mem, need, &diag);
    if (s == LLMC_OK)
        s = llmc_grammar_state_need(g, &so, &need, &diag);
    if (s == LLMC_OK) {
        state = malloc(need);
        s = llmc_grammar_state_init(&st, g, &so, state, need, &diag);
    }
    check_failure(s, &diag);
    if (s == LLMC_OK)
        walk_grammar(st, llmc_tokenizer_count(v->tok));
    free(state);
    free(mem);
}

/* ------------------------------------------------------------ chat templates */
/* The text up to the next NUL as a string of its own; free it. *at goes behind it. */
static char *take_text(const uint8_t *data, size_t size, size_t *at)
{
    size_t n = 0;
    char *s;
    while (*at + n < size && data[*at + n] != 0)
        n++;
    s = (char *)malloc(n + 1);
    memcpy(s, data + *at, n);
    s[n] = 0;
    *at += n + (*at + n < size);
    return s;
}

/* Renders with this much memory; spans lie in order within the text. */
static void use_template(const llmc_template *t, const llmc_chat_options *o, size_t work_bytes, size_t cap)
{
    llmc_chat_text out;
    llmc_diag diag;
    size_t i, end = 0;
    void *work = malloc(work_bytes);
    llmc_status s;
    memset(&out, 0, sizeof out);
    out.text = (char *)malloc(cap);
    out.cap = cap;
    out.plain_cap = cap / 4;
    out.plain = (llmc_span *)malloc(out.plain_cap * sizeof(llmc_span) + 1);
    s = llmc_chat_render(t, o, NULL, 0, work, work_bytes, &out, &diag);
    check_failure(s, &diag);
    if (s == LLMC_OK && (out.len > cap || out.n_plain > out.plain_cap))
        broken("a rendering larger than its room", "");
    for (i = 0; s == LLMC_OK && i < out.n_plain; i++) {
        if (out.plain[i].begin >= out.plain[i].end || out.plain[i].end > out.len ||
            (i > 0 && out.plain[i].begin <= end))
            broken("spans out of order", "");
        end = out.plain[i].end;
    }
    free(out.plain);
    free(out.text);
    free(work);
}

static void use_jinja(const uint8_t *data, size_t size)
{
    llmc_chat_options o;
    llmc_template *t = NULL;
    llmc_diag diag;
    size_t at = 0, need = 0;
    char *text = take_text(data, size, &at), *messages = take_text(data, size, &at);
    char *variables = take_text(data, size, &at);
    void *mem = NULL;
    llmc_status s = llmc_template_need(text, strlen(text), &need, &diag);
    check_failure(s, &diag);
    if (s == LLMC_OK) {
        if (need / 1024 > size + 128)
            broken("a template asks for memory out of proportion", "");
        mem = malloc(need);
        s = llmc_template_init(&t, text, strlen(text), mem, need, &diag);
        check_failure(s, &diag);
    }
    if (s == LLMC_OK) {
        memset(&o, 0, sizeof o);
        o.messages = messages[0] != 0 ? messages : "[]";
        o.variables = variables[0] != 0 ? variables : NULL;
        o.bos_token = "<s>";
        o.max_steps = 200000;
        use_template(t, &o, (size_t)1 << 20, 8192);
        use_template(t, &o, 40000 + size % 4096 * 8, size % 64 + 1);
    }
    free(mem);
    free(variables);
    free(messages);
    free(text);
}

/* ------------------------------------------------------------ text as words */
/* Pieces of p [n], cut off at `most` bytes a time: their hash. */
static uint64_t words_hash(const llmc__split *steps, uint32_t n_steps, const uint8_t *p, size_t n,
                           size_t most)
{
    size_t at = 0, have = most == 0 ? n : 0, begin, end, last = 0;
    uint64_t h = 14695981039346656037u;
    llmc__splitter s;
    do {
        uint8_t *block;
        have += most < n - have ? most : n - have;
        block = (uint8_t *)malloc(have - at + 1); /* of its own size */
        memcpy(block, p + at, have - at);
        llmc__splitter_init(&s, NULL, steps, n_steps, block, have - at, have == n);
        while (llmc__splitter_next(&s, &begin, &end)) {
            if (begin >= end || at + begin < last || at + end > have)
                broken("pieces out of order", "");
            last = at + end;
            h = ((h ^ (at + begin)) * 1099511628211u ^ (at + end)) * 1099511628211u;
        }
        free(block);
        if (s.settled > have - at || (have == n && s.settled != have - at))
            broken("text is left", "");
        at += s.settled;
    } while (have < n);
    return h;
}

/* Normalises p [n] with exactly the memory that this is said to need: *used bytes, to be freed. */
static uint8_t *words_normal(const llmc__normal *steps, uint32_t n_steps, const uint8_t *p, size_t n,
                             size_t *used)
{
    size_t room = llmc__normal_room(steps, n_steps, n), bytes = llmc__normal_work(steps, n_steps, n, true), i,
           again;
    uint8_t *out, *work;
    uint32_t *origin;
    *used = 0;
    if (room > 1u << 20 || bytes > 1u << 22) /* what grows by 11 in each of four steps */
        return NULL;
    out = (uint8_t *)malloc(room + 1);
    work = (uint8_t *)malloc(bytes + 1);
    origin = (uint32_t *)malloc((room + 1) * sizeof *origin);
    if (!llmc__normalize(steps, n_steps, p, n, out, room, origin, work, bytes, used))
        broken("normalising takes more than it said", "");
    for (i = 0; i < *used; i++)
        if (origin[i] >= n)
            broken("a place outside the text", "");
    if (*used > 0 && llmc__normalize(steps, n_steps, p, n, out, *used / 2, NULL, work, bytes, &again))
        broken("half the room is enough", "");
    if (!llmc__normalize(steps, n_steps, p, n, out, room, origin, work, bytes, &again) || again != *used)
        broken("normalising twice differs", "");
    free(work);
    free(origin);
    return out;
}

/* Head of 32 bytes: how to cut and to normalise; then the text. */
static void use_words(const uint8_t *data, size_t size)
{
    llmc__split cut[3];
    llmc__normal normal[4], part[LLMC__NORMAL_MAX];
    uint32_t i, n_cut, n_normal, n_part;
    size_t n = size - 32, used, at, first, second;
    const uint8_t *p = data + 32;
    uint8_t *out, *one, *two;
    bool map = false;
    if (size < 32)
        return;
    n_cut = data[0] % 4;
    for (i = 0; i < n_cut; i++) {
        cut[i] = llmc__split_step(1 + data[1 + 3 * i] % (LLMC__PAT_COUNT - 1u),
                                  (llmc__behaviour)(data[2 + 3 * i] % 5), data[3 + 3 * i] % 2 != 0);
        cut[i].text[0] = (char)data[10];
        cut[i].text[1] = (char)data[11];
        cut[i].text_len = (uint8_t)(data[12] % 3);
    }
    n_normal = data[13] % 5;
    for (i = 0; i < n_normal; i++) {
        llmc__normal *s = &normal[i];
        uint8_t bits = data[18 + i];
        memset(s, 0, sizeof *s);
        s->kind = (uint8_t)(data[14 + i] % LLMC__NORMAL_COUNT);
        s->a = (bits & 1) != 0 && s->kind != LLMC__NORMAL_PRECOMPILED;
        s->b = (bits & 2) != 0;
        s->c = (bits & 4) != 0;
        s->d = (bits & 8) != 0;
        s->from_len = bits >> 4 & 3;
        s->to_len = bits >> 6;
        memcpy(s->from, data + 22, 3);
        memcpy(s->to, data + 25, 3);
        s->blob = p;
        s->blob_len = (uint32_t)n;
        map = map || s->kind == LLMC__NORMAL_PRECOMPILED;
        if (s->kind == LLMC__NORMAL_PRECOMPILED && !llmc__charsmap_check(s))
            n_normal = i;
    }
    if (words_hash(cut, n_cut, p, n, 0) != words_hash(cut, n_cut, p, n, 1 + data[31] + n / 64))
        broken("other pieces in parts", "");
    out = words_normal(normal, n_normal, p, n, &used);
    at = llmc__normal_cut(normal, n_normal, p, n);
    if (out != NULL && at > 0 && !map) {
        n_part = llmc__normal_part(normal, n_normal, true, false, part);
        one = words_normal(part, n_part, p, at, &first);
        n_part = llmc__normal_part(normal, n_normal, false, true, part);
        two = words_normal(part, n_part, p + at, n - at, &second);
        if (one != NULL && two != NULL &&
            (first + second != used || memcmp(out, one, first) != 0 || memcmp(out + first, two, second) != 0))
            broken("another text in parts", "");
        free(one);
        free(two);
    }
    free(out);
}

/* ------------------------------------------------------------ an index */
static struct {
    uint8_t bytes[64 << 10];
    size_t size, end[8]; /* of the header, then of each frame */
    unsigned frames;
} library;

static bool library_take(void *user, const void *data, size_t n)
{
    (void)user;
    if (n > sizeof library.bytes - library.size)
        return false;
    memcpy(library.bytes + library.size, data, n);
    library.size += n;
    return true;
}

/* A large frame, deletions, small frames: all kinds of segments. */
static void make_library(void)
{
    static uint8_t mem[1 << 20];
    llmc_index_options o;
    llmc_writer w;
    llmc_index *x;
    llmc_diag diag;
    float v[3];
    unsigned i, n = 0;
    memset(&o, 0, sizeof o);
    memset(&w, 0, sizeof w);
    w.write = library_take;
    o.dim = 3;
    o.int8 = true;
    o.capacity = 400;
    if (llmc_index_init(&x, NULL, &o, mem, sizeof mem, &diag) != LLMC_OK ||
        llmc_index_append(x, &w, &diag) != LLMC_OK)
        broken("a new index", diag.message);
    library.end[0] = library.size;
    for (i = 0; i < 5; i++) {
        static const unsigned until[5] = {300, 300, 303, 304, 304};
        for (; n < until[i]; n++) {
            llmc_index_text text = {"some text of a record", n % 22};
            v[0] = (float)n;
            v[1] = 1;
            v[2] = (float)(n % 7);
            if (llmc_index_add(x, v, &text, 1, NULL, &diag) != LLMC_OK)
                broken("a record", diag.message);
        }
        if (i == 1 || i == 4)
            (void)llmc_index_delete(x, i * 70, &diag);
        if (llmc_index_append(x, &w, &diag) != LLMC_OK)
            broken("a frame", diag.message);
        library.end[++library.frames] = library.size;
    }
}

/* Searched, looked through, written and read again: the same number of records. */
static void use_index(const uint8_t *data, size_t size, bool int8)
{
    llmc_blob file = {data, size, "index"};
    llmc_index_options o;
    llmc_index_info info;
    llmc_index *x;
    llmc_hit hit[10];
    llmc_record r;
    llmc_diag diag;
    llmc_status s;
    size_t need = 0;
    uint64_t id = 0, n = 0;
    uint32_t found;
    float *v;
    void *mem;
    memset(&o, 0, sizeof o);
    o.int8 = int8;
    o.capacity = 2;
    s = llmc_index_need(&file, &o, &need, &diag);
    check_failure(s, &diag);
    if (s != LLMC_OK || need > MOST_MEMORY)
        return;
    mem = malloc(need);
    s = llmc_index_init(&x, &file, &o, mem, need, &diag);
    check_failure(s, &diag);
    if (s == LLMC_OK) {
        llmc_index_about(x, &info);
        while (llmc_index_next(x, &id, &r)) {
            n++;
            for (found = 0; found < r.text_len; found++)
                need += (uint8_t)r.text[found];
        }
        if (n != info.count)
            broken("records are lost", "");
        v = (float *)calloc(info.dim, sizeof *v);
        v[0] = 1;
        if (llmc_index_search(x, v, 1, NULL, hit, &found, &diag) != LLMC_OK || found > n)
            broken("a search", diag.message);
        if (llmc_index_add(x, v, NULL, 1, &id, &diag) == LLMC_OK &&
            llmc_index_delete(x, id, &diag) != LLMC_OK)
            broken("a record that was just added", diag.message);
        free(v);
    }
    free(mem);
}

/* A text in passages of every kind, which become an inverted index with little room. */
static void use_passages(const uint8_t *data, size_t size)
{
    static uint8_t mem[1 << 20];
    const char *text = (const char *)data;
    llmc_words_options o;
    llmc_words *w;
    llmc_diag diag;
    unsigned kind;
    memset(&o, 0, sizeof o);
    o.max_texts = 64;
    o.max_words = 100;
    o.max_postings = 200;
    for (kind = 0; kind < 3; kind++) {
        llmc_chunk_options c;
        llmc_chunk chunk;
        llmc_hit hit[10];
        uint32_t found;
        uint64_t id = 0;
        size_t last = 0;
        memset(&c, 0, sizeof c);
        memset(&chunk, 0, sizeof chunk);
        c.kind = (llmc_text_kind)kind;
        c.chars = size > 2 ? data[2] : 0;
        c.overlap = size > 3 ? data[3] : 0;
        if (llmc_words_init(&w, &o, mem, sizeof mem, &diag) != LLMC_OK)
            broken("words", diag.message);
        while (llmc_chunk_next(text, size, &c, &chunk)) {
            if (chunk.begin >= chunk.end || chunk.end > size || (id > 0 && chunk.begin <= last))
                broken("a passage", "");
            last = chunk.begin;
            check_failure(llmc_words_add(w, id++, text + chunk.begin, chunk.end - chunk.begin, &diag), &diag);
        }
        if (llmc_words_search(w, text, size, NULL, hit, &found, &diag) != LLMC_OK)
            broken("words", diag.message);
    }
}

/* By the first byte: 3 of 4 a text; odd: an index as it stands; else the made one, with numbers changed as
   use_session does, and checksums that are right again. */
static void use_library(const uint8_t *data, size_t size)
{
    uint8_t *bytes;
    size_t i, at;
    if (library.size == 0)
        make_library();
    if (size < 2)
        return;
    if (data[0] % 4 == 3) {
        use_passages(data, size);
        return;
    }
    bytes = (uint8_t *)malloc(library.size + size);
    if (data[0] % 2 == 1) {
        memcpy(bytes, data + 1, size - 1);
        use_index(bytes, size - 1, data[0] % 8 < 4);
        free(bytes);
        return;
    }
    memcpy(bytes, library.bytes, library.size);
    for (i = 2; i + 4 <= size; i += 4) {
        int16_t change = (int16_t)llmc__u16le(data + i + 2);
        unsigned frame = data[i] % library.frames;
        at = llmc__u16le(data + i) % (library.size / 4) * 4;
        if (data[1] % 4 != 0) /* mostly the heads, and what follows the vectors */
            at = library.end[frame] + (data[1] % 4 == 1 ? data[i + 1] % 12 * 4u : 64 + data[i + 1] * 4u) %
                                          (library.end[frame + 1] - library.end[frame]);
        llmc__put_u32le(bytes + at,
                        llmc__u32le(bytes + at) + (change % 2 == 0 ? (uint32_t)(int32_t)(change / 2)
                                                                   : 1u << ((unsigned)(change / 2) % 32)));
    }
    for (i = 0; i < library.frames; i++) {
        at = library.end[i];
        llmc__put_u64le(bytes + at + 48, llmc__sum_of(bytes + at + 64, library.end[i + 1] - at - 64));
        llmc__put_u64le(bytes + at + 56, llmc__sum_of(bytes + at, 56));
    }
    llmc__put_u64le(bytes + 56, llmc__sum_of(bytes, 56));
    use_index(bytes, library.size, data[0] % 8 < 4);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    llmc_blob file = {data, size, "text"};
    bool json = strcmp(target, "json") == 0;
    if (strcmp(target, "schema") == 0)
        return use_schema(&file);
    if (strcmp(target, "session") == 0) {
        if (saved.engine == NULL)
            save_session();
        use_session(data, size);
        return 0;
    }
    if (strcmp(target, "index") == 0) {
        use_library(data, size);
        return 0;
    }
    if (strcmp(target, "text") == 0) {
        if (size > 3)
            use_text(data, size < 4096 ? size : 4096);
        return 0;
    }
    if (strcmp(target, "tokenizer") == 0 || strcmp(target, "pieces") == 0) {
        open_tokenizer(data, size, target[0] == 't' ? "tokenizer.json" : "pieces");
        return 0;
    }
    if (strcmp(target, "jinja") == 0) {
        use_jinja(data, size);
        return 0;
    }
    if (strcmp(target, "reply") == 0) {
        use_replies(data, size);
        return 0;
    }
    if (strcmp(target, "words") == 0) {
        use_words(data, size);
        return 0;
    }
    if (strcmp(target, "gbnf") == 0) {
        use_gbnf((const char *)data, size);
        return 0;
    }
    if (!json && strcmp(target, "settings") != 0) {
        open_files(data, size);
        return 0;
    }
    file.data = data;
    file.size = size;
    file.name = "text";
    if (json)
        use_json(&file);
    else
        use_settings(&file);
    return 0;
}

/* ------------------------------------------------------------ mutations that keep the structure */
static uint32_t roll(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Replaces a number in a text by one that programs stumble over. */
static size_t change_number(uint8_t *text, size_t size, size_t max, uint32_t *state)
{
    static const char *const number[] = {"0",
                                         "1",
                                         "-1",
                                         "2",
                                         "3",
                                         "31",
                                         "33",
                                         "65536",
                                         "2147483648",
                                         "4294967295",
                                         "4294967296",
                                         "9223372036854775807",
                                         "18446744073709551615",
                                         "1e400",
                                         "-0.0",
                                         "0.5",
                                         "1e-40",
                                         "null",
                                         "true",
                                         "\"\"",
                                         "[]",
                                         "{}",
                                         "[1,2]"};
    size_t at = size > 0 ? roll(state) % size : 0, end, n;
    const char *with = number[roll(state) % (sizeof number / sizeof number[0])];
    while (at < size && !(text[at] >= '0' && text[at] <= '9'))
        at++;
    for (end = at; end < size && text[end] >= '0' && text[end] <= '9';)
        end++;
    n = strlen(with);
    if (end == at || size - (end - at) + n > max)
        return size;
    memmove(text + at + n, text + end, size - end);
    memcpy(text + at, with, n);
    return size - (end - at) + n;
}

/* Replaces a string of a tokenizer.json by one that it might hold. */
static size_t change_word(uint8_t *text, size_t size, size_t max, uint32_t *state)
{
    static const char *const word[] = {"Sequence",
                                       "Replace",
                                       "Prepend",
                                       "Metaspace",
                                       "ByteLevel",
                                       "Split",
                                       "Digits",
                                       "Punctuation",
                                       "Whitespace",
                                       "WhitespaceSplit",
                                       "BertPreTokenizer",
                                       "BertNormalizer",
                                       "NFC",
                                       "NFKD",
                                       "Lowercase",
                                       "StripAccents",
                                       "Strip",
                                       "Precompiled",
                                       "BPE",
                                       "Unigram",
                                       "WordPiece",
                                       "WordLevel",
                                       "TemplateProcessing",
                                       "BertProcessing",
                                       "Fuse",
                                       "ByteFallback",
                                       "CTC",
                                       "Removed",
                                       "MergedWithNext",
                                       "Contiguous",
                                       "first",
                                       "never",
                                       "\xe2\x96\x81",
                                       " ",
                                       "a",
                                       "##b",
                                       "<0x41>",
                                       "",
                                       "\\p{L}+",
                                       "\\p{N}{1,3}",
                                       " {2,}",
                                       "type",
                                       "pattern",
                                       "String",
                                       "Regex",
                                       "content"};
    size_t at = size > 0 ? roll(state) % size : 0, end, n;
    const char *with = word[roll(state) % (sizeof word / sizeof word[0])];
    while (at < size && text[at] != '"')
        at++;
    for (end = at + 1; end < size && text[end] != '"';)
        end++;
    n = strlen(with);
    if (end >= size || size - (end - at - 1) + n > max)
        return size;
    memmove(text + at + 1 + n, text + end, size - end);
    memcpy(text + at + 1, with, n);
    return size - (end - at - 1) + n;
}

/* One text [size] by one step or another. */
static size_t change_text(uint8_t *text, size_t size, size_t max, uint32_t *state)
{
    if (roll(state) % 3 != 0)
        return change_number(text, size, max, state);
    return LLVMFuzzerMutate(text, size, max);
}

/* A file that begins with the length of a JSON: the JSON alone, and the length that it then has. */
static size_t change_header(uint8_t *data, size_t size, size_t max, uint32_t *state)
{
    uint64_t length = 0;
    size_t i, rest, now;
    for (i = 0; i < 8; i++)
        length |= (uint64_t)data[i] << (8 * i);
    if (length > size - 8)
        return LLVMFuzzerMutate(data, size, max);
    rest = size - 8 - (size_t)length;
    /* the data behind goes to the end of the buffer while the text grows */
    memmove(data + max - rest, data + size - rest, rest);
    now = change_text(data + 8, (size_t)length, max - rest - 8, state);
    memmove(data + 8 + now, data + max - rest, rest);
    for (i = 0; i < 8; i++)
        data[i] = (uint8_t)((uint64_t)now >> (8 * i));
    return 8 + now + rest;
}

/* Four or eight bytes as a count that does not fit. */
static size_t change_count(uint8_t *data, size_t size, uint32_t *state)
{
    static const uint64_t count[] = {
        0,          1,           2,           0x7f,         0x80,           0xff,
        0x7fffffff, 0x80000000u, 0xffffffffu, 0x100000000u, UINT64_MAX / 2, UINT64_MAX / 4 + 2,
        UINT64_MAX};
    uint64_t v = count[roll(state) % (sizeof count / sizeof count[0])];
    size_t n = roll(state) % 2 == 0 ? 4 : 8, at, i;
    if (size < 8)
        return size;
    at = roll(state) % (size - n + 1);
    for (i = 0; i < n; i++)
        data[at + i] = (uint8_t)(v >> (8 * i));
    return size;
}

/* The file of one part, by its looks. */
static size_t change_file(uint8_t *data, size_t size, size_t max, uint32_t *state)
{
    if (size > 10 && data[8] == '{' && data[7] == 0 && roll(state) % 4 != 0)
        return change_header(data, size, max, state);
    if (size > 0 && data[0] == '{')
        return change_text(data, size, max, state);
    if (roll(state) % 4 == 0)
        return change_count(data, size, state);
    return LLVMFuzzerMutate(data, size, max);
}

/* A piece of grammar somewhere in one. */
static size_t change_gbnf(uint8_t *text, size_t size, size_t max, uint32_t *state)
{
    static const char *const piece[] = {"*",
                                        "+",
                                        "?",
                                        "{2}",
                                        "{0}",
                                        "{0,40}",
                                        "{30,}",
                                        "{1000}",
                                        " | ",
                                        "(",
                                        ")",
                                        "\"a\"",
                                        "[^a-c]",
                                        "[\xc3\xa9-\xe2\x82\xac]",
                                        ".",
                                        " root ",
                                        "\nx ::= ",
                                        " x ",
                                        "\ny ::= x | ",
                                        " y ",
                                        "<s>",
                                        "!<[3]>",
                                        "\"\"",
                                        "# ",
                                        "\\U0001F600",
                                        "\n"};
    const char *with = piece[roll(state) % (sizeof piece / sizeof piece[0])];
    size_t at = roll(state) % (size + 1), n = strlen(with);
    if (size + n > max || roll(state) % 3 == 0)
        return LLVMFuzzerMutate(text, size, max);
    memmove(text + at + n, text + at, size - at);
    memcpy(text + at, with, n);
    return size + n;
}

/* A keyword of schemas behind one of a text's opening braces. */
static size_t change_schema(uint8_t *text, size_t size, size_t max, uint32_t *state)
{
    static const char *const keyword[] = {"\"type\":\"object\",",
                                          "\"type\":[\"array\",\"number\"],",
                                          "\"type\":\"integer\",",
                                          "\"anyOf\":[{},{\"type\":\"string\"}],",
                                          "\"allOf\":[{\"$ref\":\"#\"}],",
                                          "\"oneOf\":[{\"required\":[\"a\"]}],",
                                          "\"$ref\":\"#\",",
                                          "\"$ref\":\"#/properties/a\",",
                                          "\"properties\":{\"a\":{},\"b\":{}},",
                                          "\"required\":[\"b\"],",
                                          "\"additionalProperties\":{},",
                                          "\"minProperties\":1,",
                                          "\"maxProperties\":2,",
                                          "\"items\":{},",
                                          "\"prefixItems\":[{},false],",
                                          "\"minItems\":2,",
                                          "\"maxItems\":3,",
                                          "\"minLength\":2,",
                                          "\"maxLength\":9,",
                                          "\"pattern\":\"^[a-c]{2,}(x|y)?$\",",
                                          "\"format\":\"date\",",
                                          "\"enum\":[1,\"a\",{}],",
                                          "\"const\":0,",
                                          "\"minimum\":-1.5,",
                                          "\"exclusiveMaximum\":100,"};
    const char *with = keyword[roll(state) % (sizeof keyword / sizeof keyword[0])];
    size_t at = size > 0 ? roll(state) % size : 0, n = strlen(with);
    while (at < size && text[at] != '{')
        at++;
    if (at == size || size + n > max || roll(state) % 3 == 0)
        return change_text(text, size, max, state);
    if (at + 1 < size && text[at + 1] == '}') /* alone: no comma */
        n--;
    memmove(text + at + 1 + n, text + at + 1, size - at - 1);
    memcpy(text + at + 1, with, n);
    return size + n;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    part p[MOST_FILES];
    uint32_t state = seed;
    unsigned n, i;
    size_t rest, now, len;
    if (strcmp(target, "gbnf") == 0)
        return change_gbnf(data, size, max, &state);
    if (strcmp(target, "schema") == 0)
        return change_schema(data, size, max, &state);
    if (strcmp(target, "reply") == 0 && roll(&state) % 2 == 0) {
        const char *tag = llmc__reply_tag_text[roll(&state) % LLMC__TAG_COUNT];
        size_t at = size > 2 ? 2 + roll(&state) % (size - 1) : size;
        n = (unsigned)strlen(tag);
        if (size + n <= max && size >= 2) {
            memmove(data + at + n, data + at, size - at);
            memcpy(data + at, tag, n);
            return size + n;
        }
    }
    if (strcmp(target, "reply") == 0)
        return LLVMFuzzerMutate(data, size, max);
    if (strcmp(target, "tokenizer") == 0 && roll(&state) % 2 == 0)
        return change_word(data, size, max, &state);
    if (strcmp(target, "json") == 0 || strcmp(target, "settings") == 0 || strcmp(target, "tokenizer") == 0 ||
        strcmp(target, "text") == 0)
        return change_text(data, size, max, &state);
    if (strcmp(target, "pieces") == 0 || strcmp(target, "words") == 0 || strcmp(target, "session") == 0 ||
        strcmp(target, "index") == 0)
        return LLVMFuzzerMutate(data, size, max);
    n = split(data, size, p);
    if (roll(&state) % 16 == 0 || size == 0)
        return LLVMFuzzerMutate(data, size, max);
    i = roll(&state) % n;
    len = p[i].end - p[i].begin;
    rest = size - p[i].end;
    if (max < size)
        return size;
    memmove(data + max - rest, data + p[i].end, rest);
    now = change_file(data + p[i].begin, len, max - rest - p[i].begin, &state);
    memmove(data + p[i].begin + now, data + max - rest, rest);
    return p[i].begin + now + rest;
}
