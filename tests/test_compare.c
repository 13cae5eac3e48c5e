/* test_compare.c -- section TOKEN against other implementations, on a megabyte of mixed text

   tests/vectors/tokens/NAME.txt holds hashes of the ids that SentencePiece, tiktoken and Hugging Face's tokenizers give
   for the blocks of tests/corpus.h; who made which, and how, stands in their first lines and in tests/vectors/README.md.
   Here llmc.h encodes the same blocks. A difference names the first block; with COMPARE_IDS=DIR and the ids that the
   generators leave there (same variable) also the place in it.

   Vocabularies: tests/models/tokenizers always; those of the shared folder; tiktoken's rank files in LLMC_TIKTOKEN;
   SentencePiece's larger ones in build/test/large (LARGE). tests/vectors/README.md says how the last two are made. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"
#include "corpus.h"

#define FOLDER "tests/models/tokenizers/"

/* What an expectation file says. */
typedef struct expected {
    unsigned long long seed, bytes, ids;
    unsigned flags, hash;
    char digits[4 * 1024 + 1]; /* four a block */
} expected;

/* 32-bit FNV-1a over ids, little-endian. */
static unsigned hash_ids(unsigned h, const llmc_token *ids, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++) {
        unsigned shift;
        for (shift = 0; shift < 32; shift += 8)
            h = ((h ^ ((unsigned)ids[i] >> shift & 255)) * 0x01000193u) & 0xffffffffu;
    }
    return h;
}

/* Reads tests/vectors/tokens/NAME.txt; false: there is none, or it is damaged, which is a failure. */
static bool read_expected(expected *e, const char *name)
{
    char path[256], line[512];
    size_t n = 0;
    int fields = 0;
    FILE *f;
    memset(e, 0, sizeof *e);
    snprintf(path, sizeof path, "tests/vectors/tokens/%s.txt", name);
    f = fopen(path, "r");
    if (!CHECKF(f != NULL, "%s is missing", path))
        return false;
    while (fgets(line, sizeof line, f) != NULL) {
        size_t len = strcspn(line, "\r\n");
        if (line[0] == '#')
            continue;
        if (sscanf(line, "corpus %llu %llu %u", &e->seed, &e->bytes, &e->flags) == 3 ||
            sscanf(line, "ids %llu %x", &e->ids, &e->hash) == 2) {
            fields++;
        } else if (n + len < sizeof e->digits) {
            memcpy(e->digits + n, line, len);
            n += len;
        }
    }
    fclose(f);
    return CHECKF(fields == 2 && n % 4 == 0, "%s is damaged", path);
}

/* The corpus of an expectation; the last one is kept. */
static const corpus *corpus_of_expected(const expected *e)
{
    static corpus c;
    static expected of;
    if (c.text == NULL || of.seed != e->seed || of.bytes != e->bytes || of.flags != e->flags) {
        corpus_free(&c);
        c = corpus_make(e->seed, (size_t)e->bytes, e->flags);
        of = *e;
    }
    return &c;
}

/* Bytes of text for a message, escaped where they are not plain. */
static void print_text(const char *text, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++)
        fprintf(stderr, (unsigned char)text[i] < 32 ? "\\x%02x" : "%c", (unsigned char)text[i]);
}

static void print_ids(const llmc_tokenizer *tok, const char *who, const llmc_token *ids, size_t n, size_t at)
{
    size_t i;
    fprintf(stderr, "      %-8s", who);
    for (i = at < 3 ? 0 : at - 3; i < n && i < at + 8; i++) {
        llmc_token_info info;
        fprintf(stderr, "%s%d", i == at ? "  >>" : " ", (int)ids[i]);
        if (llmc_token_get(tok, ids[i], &info) == LLMC_OK) {
            fprintf(stderr, "'");
            print_text(info.text, info.text_len);
            fprintf(stderr, "'");
        }
    }
    fprintf(stderr, "\n");
}

/* Where a block's ids part from the generator's, if COMPARE_IDS has them. */
static void print_difference(const llmc_tokenizer *tok, const char *name, size_t block, const char *text,
                             const llmc_token *ids, size_t n)
{
    char path[512];
    size_t size = 0, at = 0, i, same = 0, count = 0;
    unsigned char *file;
    const char *folder = getenv("COMPARE_IDS");
    llmc_token *theirs;
    if (folder == NULL)
        return;
    snprintf(path, sizeof path, "%s/%s.ids", folder, name);
    file = test_read(path, &size);
    for (i = 0; file != NULL && i <= block && at + 4 <= size; i++, at += 4 * count) {
        count = test_u32le(file + at);
        at += 4;
        count = count <= (size - at) / 4 ? count : 0;
        if (i < block)
            continue;
        theirs = (llmc_token *)malloc(count * sizeof *theirs + 1);
        for (same = 0; theirs != NULL && same < count; same++)
            theirs[same] = (llmc_token)test_u32le(file + at + 4 * same);
        for (same = 0; theirs != NULL && same < count && same < n && theirs[same] == ids[same]; same++)
            ;
        if (theirs != NULL) {
            size_t before = 0;
            llmc_decode_options show;
            memset(&show, 0, sizeof show);
            show.show_special = true;
            (void)llmc_decode(tok, ids, same < 4 ? 0 : same - 4, &show, NULL, 0, &before, NULL);
            fprintf(stderr, "      id %u of %u, text near byte %u: ", (unsigned)same, (unsigned)n,
                    (unsigned)before);
            print_text(text + before, strlen(text + before) < 60 ? strlen(text + before) : 60);
            fprintf(stderr, "\n");
            print_ids(tok, "expected", theirs, count, same);
            print_ids(tok, "llmc.h", ids, n, same);
        }
        free(theirs);
    }
    free(file);
}

/* Feeds text to an encoder in pieces of any length and compares with the ids of all of it at once. */
static bool same_in_pieces(const llmc_tokenizer *tok, const char *text, size_t len,
                           const llmc_encode_options *opt, const llmc_token *ids, size_t n, corpus_out *dice)
{
    llmc_encoder *enc = NULL;
    llmc_diag diag;
    size_t need = 0, at = 0, got = 0;
    bool ok = llmc_encoder_need(tok, len, &need, &diag) == LLMC_OK;
    void *mem = malloc(need + 1);
    ok = ok && mem != NULL && llmc_encoder_init(&enc, tok, opt, len, mem, need, &diag) == LLMC_OK;
    while (ok) {
        llmc_token some[7];
        size_t piece = 1 + corpus_random(dice, corpus_random(dice, 8) == 0 ? 700 : 12), used = 0, k = 0, i;
        bool last;
        piece = piece < len - at ? piece : len - at;
        last = at + piece == len;
        ok = llmc_encoder_feed(enc, text + at, piece, last, &used, some, NULL, 7, &k, &diag) == LLMC_OK;
        for (i = 0; ok && i < k; i++, got++)
            ok = got < n && some[i] == ids[got];
        at += used;
        if (last && used == piece && k < 7)
            break;
    }
    free(mem);
    return ok && got == n;
}

/* Encodes every block; CHECKs that the ids are the expected ones. Returns the number of blocks that differ. */
static size_t compare(const llmc_tokenizer *tok, const char *name, const llmc_encode_options *opt)
{
    static expected e;
    const corpus *c;
    size_t b, bad = 0, total = 0, most = 0, cap;
    unsigned h = 0x811c9dc5u;
    llmc_token *ids;
    corpus_out dice;
    void *work;
    size_t need;
    if (!read_expected(&e, name))
        return 1;
    memset(&dice, 0, sizeof dice);
    c = corpus_of_expected(&e);
    for (b = 0; b < c->blocks; b++)
        if (c->starts[b + 1] - c->starts[b] > most)
            most = c->starts[b + 1] - c->starts[b];
    CHECKF(strlen(e.digits) == 4 * c->blocks, "%s: %u blocks expected", name,
           (unsigned)(strlen(e.digits) / 4));
    need = llmc_encode_need(tok, most);
    cap = 4 * most + 16;
    work = malloc(need);
    ids = (llmc_token *)malloc(cap * sizeof *ids);
    for (b = 0; b < c->blocks && ids != NULL && work != NULL; b += test_every(7)) {
        char digits[16], *text;
        size_t len = c->starts[b + 1] - c->starts[b], n = 0;
        llmc_diag diag;
        llmc_status s;
        if (e.digits[4 * b] == '-') /* left out */
            continue;
        s = llmc_encode(tok, c->text + c->starts[b], len, opt, work, need, ids, cap, &n, &diag);
        if (!CHECKF(s == LLMC_OK, "%s, block %u: %s", name, (unsigned)b, diag.message))
            break;
        total += n;
        CHECKF((b + total) % 5 != 0 || same_in_pieces(tok, c->text + c->starts[b], len, opt, ids, n, &dice),
               "%s, block %u: other ids where it comes in pieces", name, (unsigned)b);
        h = hash_ids(h, ids, n);
        snprintf(digits, sizeof digits, "%04x", hash_ids(0x811c9dc5u, ids, n) & 0xffff);
        if (memcmp(digits, e.digits + 4 * b, 4) == 0)
            continue;
        if (bad++ < (size_t)(getenv("SHOW") != NULL ? atoi(getenv("SHOW")) : 3) &&
            (text = (char *)malloc(len + 1)) != NULL) {
            fprintf(stderr, "    %s, block %u (%s): other ids\n", name, (unsigned)b, corpus_sort(c, b));
            memcpy(text, c->text + c->starts[b], len);
            text[len] = 0;
            print_difference(tok, name, b, text, ids, n);
            free(text);
        }
    }
    if (bad > 0)
        fprintf(stderr, "    %s: %u of %u blocks differ\n", name, (unsigned)bad, (unsigned)c->blocks);
    CHECKF(bad == 0, "%s: %u of %u blocks differ", name, (unsigned)bad, (unsigned)c->blocks);
    if (bad == 0 && test_every(7) == 1)
        CHECKF(total == e.ids && h == e.hash, "%s: %u ids, %llu expected", name, (unsigned)total, e.ids);
    free(work);
    free(ids);
    return bad;
}

/* A tokenizer and what it lies in. */
typedef struct loaded {
    llmc_tokenizer *tok;
    unsigned char *file;
    void *mem;
} loaded;

/* The tokenizer of a file's content, which it takes over. The file's name counts: it may say what the file is. */
static llmc_status load(loaded *out, const char *name, unsigned char *data, size_t size,
                        const llmc_tokenizer_options *opt, llmc_diag *diag)
{
    llmc_blob blob;
    llmc_status s;
    size_t need = 0;
    memset(out, 0, sizeof *out);
    memset(&blob, 0, sizeof blob);
    out->file = data;
    blob.data = data;
    blob.size = size;
    blob.name = name;
    s = llmc_tokenizer_need(&blob, 1, opt, &need, diag);
    if (s != LLMC_OK)
        return s;
    out->mem = malloc(need);
    return llmc_tokenizer_init(&out->tok, &blob, 1, opt, out->mem, need, diag);
}

static void unload(loaded *l)
{
    free(l->mem);
    free(l->file);
    memset(l, 0, sizeof *l);
}

/* The last part of a path. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Reads a file and compares its tokenizer's ids. False: the file is not there. */
static bool compare_file(const char *path, const char *vector, const llmc_encode_options *opt)
{
    loaded l;
    llmc_diag diag;
    size_t size = 0;
    unsigned char *data = test_read(path, &size);
    if (data == NULL)
        return false;
    memset(&diag, 0, sizeof diag);
    if (CHECKF(load(&l, base_name(path), data, size, NULL, &diag) == LLMC_OK, "%s: %s", path, diag.message))
        compare(l.tok, vector, opt);
    unload(&l);
    return true;
}

/*--- the shared folder's vocabularies ---*/

static void compare_shared(const char *file, const char *vector, bool special)
{
    llmc_encode_options opt;
    memset(&opt, 0, sizeof opt);
    opt.parse_special = special;
    if (!compare_file(test_shared(file), vector, &opt))
        SKIP("its vocabulary is not in the shared folder");
}

static void test_gpt2_tiktoken(void)
{
    compare_shared("data/vocabs/ggml-vocab-gpt-2.gguf", "tiktoken-gpt2", false);
}

static void test_gpt2_bytes(void)
{
    compare_shared("data/vocabs/ggml-vocab-gpt-2.gguf", "bytes-gpt2", false);
}

static void test_gpt2(void)
{
    compare_shared("data/vocabs/ggml-vocab-gpt-2.gguf", "vocab-gpt-2", true);
}

static void test_falcon(void)
{
    compare_shared("data/vocabs/ggml-vocab-falcon.gguf", "vocab-falcon", true);
}

static void test_starcoder(void)
{
    compare_shared("data/vocabs/ggml-vocab-starcoder.gguf", "vocab-starcoder", true);
}

static void test_deepseek_coder(void)
{
    compare_shared("data/vocabs/ggml-vocab-deepseek-coder.gguf", "vocab-deepseek-coder", true);
}

static void test_llama_spm(void)
{
    compare_shared("data/vocabs/ggml-vocab-llama-spm.gguf", "vocab-llama-spm", false);
}

static void test_phi3(void)
{
    compare_shared("data/vocabs/ggml-vocab-phi-3.gguf", "vocab-phi-3", false);
}

/*--- tiktoken's own rank files ---*/

static void compare_ranks(const char *name)
{
    char path[512], vector[64];
    llmc_encode_options opt;
    const char *folder = getenv("LLMC_TIKTOKEN");
    memset(&opt, 0, sizeof opt);
    snprintf(path, sizeof path, "%s/%s.tiktoken", folder != NULL ? folder : "", name);
    snprintf(vector, sizeof vector, "tiktoken-%s", name);
    if (folder == NULL || !compare_file(path, vector, &opt)) {
        SKIP("LLMC_TIKTOKEN names no folder with rank files (tests/compat/tiktoken.mjs ranks writes them)");
        return;
    }
    snprintf(vector, sizeof vector, "bytes-%s", name);
    compare_file(path, vector, &opt);
}

static void test_tiktoken_gpt2(void)
{
    compare_ranks("gpt2");
}

static void test_cl100k_base(void)
{
    compare_ranks("cl100k_base");
}

static void test_o200k_base(void)
{
    compare_ranks("o200k_base");
}

/*--- SentencePiece's models ---*/

static void compare_models(const char *folder, const char *const *names, size_t n)
{
    llmc_encode_options opt;
    size_t i, found = 0;
    memset(&opt, 0, sizeof opt);
    for (i = 0; i < n; i++) {
        char path[512], vector[64];
        snprintf(path, sizeof path, "%s/%s.model", folder, names[i]);
        snprintf(vector, sizeof vector, "sp-%s", names[i]);
        found += compare_file(path, vector, &opt);
    }
    if (found == 0)
        SKIP("SentencePiece's larger models are not there (tests/vectors/sentencepieces.py train)");
    else
        CHECKF(found == n, "%s: %u of %u models", folder, (unsigned)found, (unsigned)n);
}

static void test_sentencepiece(void)
{
    static const char *const names[] = {
        "bpe",           "bpe-fallback", "bpe-rules", "unigram", "unigram-fallback",
        "unigram-rules", "unigram-user", "word",      "char"};
    compare_models("tests/models/tokenizers", names, sizeof names / sizeof names[0]);
}

static void test_sentencepiece_large(void)
{
    static const char *const names[] = {"unigram-nmt_nfkc", "unigram-nfkc_cf", "bpe-nmt_nfkc_cf", "bpe-nfkc"};
    const char *folder = getenv("LARGE");
    compare_models(folder != NULL ? folder : "build/test/large", names, sizeof names / sizeof names[0]);
}

/*--- styles of tokenizer.json ---*/

/* Styles that llmc.h refuses, and by what word in the message. */
static const char *const refused[][2] = {
    {"characters", "pre_tokenizer's pattern"}, /* an empty text between all characters */
};

/* The next field of a line of styles.txt, ended by a tab or the line's end; NULL: there is none. */
static char *next_field(char **at)
{
    char *field = *at, *end;
    if (field == NULL || *field == 0)
        return NULL;
    end = strpbrk(field, "\t\r\n");
    *at = end != NULL && *end == '\t' ? end + 1 : NULL;
    if (end != NULL)
        *end = 0;
    return field;
}

/* Gives the member of a base that begins a line another value. Returns the new text, or NULL: it has no such line. */
static char *replace_member(char *text, const char *member, const char *value)
{
    char key[64], *at, *end, *out;
    size_t head, tail;
    snprintf(key, sizeof key, " \"%s\": ", member);
    at = strstr(text, key);
    while (at != NULL &&
           (at == text || at[-1] != ' ')) /* members of one line are indented by two blanks or more */
        at = strstr(at + 1, key);
    if (at == NULL)
        return NULL;
    head = (size_t)(at - text) + strlen(key);
    end = strchr(at, '\n');
    if (end[-1] == ',')
        end--;
    tail = strlen(end);
    out = (char *)malloc(head + strlen(value) + tail + 1);
    if (out != NULL) {
        memcpy(out, text, head);
        memcpy(out + head, value, strlen(value));
        memcpy(out + head + strlen(value), end, tail + 1);
    }
    free(text);
    return out;
}

/* Encodes with the style of one line of styles.txt; false: it is refused. */
static bool compare_style(char *line)
{
    char path[256], *name = next_field(&line), *base = next_field(&line), *member;
    size_t size = 0, i;
    char *text;
    loaded l;
    llmc_diag diag;
    llmc_encode_options opt;
    llmc_status s;
    memset(&opt, 0, sizeof opt);
    memset(&diag, 0, sizeof diag);
    snprintf(path, sizeof path, FOLDER "%s.json", base);
    text = (char *)test_read(path, &size);
    while (text != NULL && (member = next_field(&line)) != NULL) {
        text = replace_member(text, member, next_field(&line));
        opt.add_bos = opt.add_eos = opt.add_bos || strcmp(member, "post_processor") == 0;
    }
    if (!CHECKF(text != NULL, "style %s: %s has no such members", name, path))
        return true;
    opt.parse_special = true;
    s = load(&l, "tokenizer.json", (unsigned char *)text, strlen(text), NULL, &diag);
    if (s == LLMC_UNSUPPORTED) {
        for (i = 0; i < sizeof refused / sizeof refused[0]; i++)
            if (strcmp(refused[i][0], name) == 0 && strstr(diag.message, refused[i][1]) != NULL)
                break;
        CHECKF(i < sizeof refused / sizeof refused[0], "style %s: %s", name, diag.message);
    } else if (CHECKF(s == LLMC_OK, "style %s: %s", name, diag.message)) {
        compare(l.tok, name, &opt);
    }
    unload(&l);
    return s != LLMC_UNSUPPORTED;
}

static void test_styles(void)
{
    size_t size = 0, taken = 0, given = 0;
    const char *only = getenv("STYLE");
    char *file = (char *)test_read(FOLDER "styles.txt", &size), *at = file;
    CHECK(file != NULL);
    while (at != NULL && *at != 0) {
        char *line = at, *end = strchr(at, '\n');
        at = end != NULL ? end + 1 : NULL;
        if (end != NULL)
            *end = 0;
        if (only != NULL && (strncmp(line, only, strlen(only)) != 0 || line[strlen(only)] != '\t'))
            continue;
        given++;
        taken += compare_style(line);
    }
    if (taken < given)
        printf("  %u of %u styles of tokenizer.json are refused, as they should be\n",
               (unsigned)(given - taken), (unsigned)given);
    free(file);
}

int main(void)
{
    RUN(test_gpt2_tiktoken);
    RUN(test_gpt2_bytes);
    RUN(test_gpt2);
    RUN(test_falcon);
    RUN(test_starcoder);
    RUN(test_deepseek_coder);
    RUN(test_llama_spm);
    RUN(test_phi3);
    RUN(test_tiktoken_gpt2);
    RUN(test_cl100k_base);
    RUN(test_o200k_base);
    RUN(test_sentencepiece);
    RUN(test_sentencepiece_large);
    RUN(test_styles);
    return test_end("compare");
}
