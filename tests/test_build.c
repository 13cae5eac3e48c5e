/* test_build.c -- section TOKEN.build: vocabularies of words and characters from text

   Expected ids follow from the contract (order of first appearance) and from how RustGPT parts words, which
   the small texts here show by hand. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

typedef struct output {
    char text[1 << 16];
    size_t n, room;
} output;

static bool take(void *user, const void *data, size_t n)
{
    output *o = (output *)user;
    if (n > o->room - o->n)
        return false;
    memcpy(o->text + o->n, data, n);
    o->n += n;
    return true;
}

static output out;

/* Builds with exactly the memory that need asks for; the output stays in `out`. */
static uint32_t build(const char *const *text, size_t n, const llmc_vocab_options *opt)
{
    llmc_blob blob[8];
    llmc_writer w = {take, &out};
    llmc_diag diag;
    size_t i, bytes = 0;
    uint32_t count = 0;
    void *mem;
    memset(&diag, 0, sizeof diag);
    for (i = 0; i < n; i++) {
        blob[i].data = text[i];
        blob[i].size = strlen(text[i]);
        blob[i].name = "text";
    }
    out.n = 0;
    out.room = sizeof out.text - 1;
    CHECK(llmc_vocab_need(blob, n, opt, &bytes, &diag) == LLMC_OK);
    mem = malloc(bytes);
    CHECKF(llmc_vocab_build(blob, n, opt, mem, bytes, &w, &count, &diag) == LLMC_OK, "%s", diag.message);
    free(mem);
    out.text[out.n] = 0;
    return count;
}

/* Reads what was built and encodes text: ids, joined by spaces. */
static const char *ids_of(const char *text, bool special)
{
    static char line[512];
    llmc_blob file;
    llmc_tokenizer *tok = NULL;
    llmc_encode_options o;
    llmc_diag diag;
    llmc_token ids[64];
    size_t bytes = 0, n = 0, i, at = 0;
    static char work[1 << 16];
    void *mem;
    memset(&diag, 0, sizeof diag);
    memset(&o, 0, sizeof o);
    o.parse_special = special;
    file.data = out.text;
    file.size = out.n;
    file.name = "tokenizer.json";
    line[0] = 0;
    if (!CHECKF(llmc_tokenizer_need(&file, 1, NULL, &bytes, &diag) == LLMC_OK, "%s", diag.message))
        return line;
    mem = malloc(bytes);
    CHECKF(llmc_tokenizer_init(&tok, &file, 1, NULL, mem, bytes, &diag) == LLMC_OK, "%s", diag.message);
    if (tok != NULL &&
        CHECKF(llmc_encode(tok, text, strlen(text), &o, work, sizeof work, ids, 64, &n, &diag) == LLMC_OK,
               "%s", diag.message))
        for (i = 0; i < n; i++)
            at += (size_t)snprintf(line + at, sizeof line - at, "%s%d", i > 0 ? " " : "", (int)ids[i]);
    free(mem);
    return line;
}

#define EXPECT(text, special, want)                              \
    do {                                                         \
        const char *got = ids_of(text, special);                 \
        CHECKF(strcmp(got, want) == 0, "'%s' is %s", text, got); \
    } while (0)

static void words(void)
{
    static const char *const text[] = {"The sun rises, the moon sets.</s>",
                                       "User: \"Why?\"\nAssistant: the sun's\\way.</s>"};
    static const char *const special[] = {"<unk>", "</s>"};
    llmc_vocab_options o;
    uint32_t n;
    memset(&o, 0, sizeof o);
    o.special = special;
    o.n_special = 2;
    /* 2 The, sun, rises, ',', the, moon, sets, 9 '.', User, ':', '"', Why, '?', 15 Assistant, ', s, \, way */
    n = build(text, 2, &o);
    CHECKF(n == 20, "%u tokens", n);
    EXPECT("the sun sets.", false, "6 3 8 9");
    EXPECT("The moon, why?</s>", true, "2 7 5 0 14 1");
    EXPECT("s \\ \" '", false, "17 18 12 16");
    CHECK(strstr(out.text, "\"\\u0022\": 12") != NULL &&
          strstr(out.text, "\"unk_token\": \"<unk>\"") != NULL);
}

static void characters(void)
{
    static const char *const text[] = {"ab a\n\xc3\xa9", "\x01"
                                                         "b\xff"
                                                         "c"};
    llmc_vocab_options o;
    memset(&o, 0, sizeof o);
    o.chars = true;
    /* 1 a, b, space, newline, 5 U+00E9, U+0001, 7 c */
    CHECK(build(text, 2, &o) == 8);
    EXPECT("\xc3\xa9"
           "a c\n\nz",
           false, "5 1 3 7 4 4 0");
    EXPECT("\x01", false, "6");
}

static void rare(void)
{
    static const char *const text[] = {"a b a c b a", "c d a"};
    llmc_vocab_options o;
    memset(&o, 0, sizeof o);
    o.min_count = 2;
    CHECK(build(text, 2, &o) == 4);
    EXPECT("a b c d", false, "1 2 3 0");
    CHECK(build(text, 0, &o) == 1);
}

/* Any memory: the same result or a clear error, and nothing beyond it is touched. */
static void memory(void)
{
    static const char text[] = "one two three four five six seven eight nine ten eleven twelve thirteen";
    llmc_blob blob;
    llmc_writer w = {take, &out};
    static unsigned char mem[4096];
    size_t bytes, need = 0;
    unsigned ok = 0;
    llmc_diag diag;
    blob.data = text;
    blob.size = sizeof text - 1;
    blob.name = NULL;
    CHECK(llmc_vocab_need(&blob, 1, NULL, &need, NULL) == LLMC_OK && need < sizeof mem - 8);
    for (bytes = 0; bytes <= need; bytes++) {
        llmc_status s;
        memset(mem, 0xaa, sizeof mem);
        out.n = 0;
        out.room = sizeof out.text;
        s = llmc_vocab_build(&blob, 1, NULL, mem + 1, bytes, &w, NULL, &diag);
        CHECK(s == LLMC_OK || (s == LLMC_NO_MEMORY && out.n == 0));
        CHECK(mem[0] == 0xaa && mem[bytes + 1] == 0xaa);
        ok += s == LLMC_OK;
    }
    CHECK(ok > 0);
    out.n = 0;
    out.room = 100;
    CHECK(llmc_vocab_build(&blob, 1, NULL, mem, need, &w, NULL, &diag) == LLMC_IO);
}

static void arguments(void)
{
    static const char *const twice[] = {"<unk>", "<unk>"}, *const empty[] = {""}, *const bad[] = {"\xff"},
                             *const none[] = {NULL};
    static const char *const *const wrong[] = {twice, empty, bad, none};
    llmc_vocab_options o;
    llmc_diag diag;
    size_t bytes;
    unsigned i;
    for (i = 0; i < 4; i++) {
        memset(&o, 0, sizeof o);
        o.special = wrong[i];
        o.n_special = i == 0 ? 2 : 1;
        CHECK(llmc_vocab_need(NULL, 0, &o, &bytes, &diag) == LLMC_BAD_ARG);
    }
    CHECK(llmc_vocab_need(NULL, 1, NULL, &bytes, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_vocab_build(NULL, 0, NULL, NULL, 0, NULL, NULL, &diag) == LLMC_BAD_ARG);
}

int main(void)
{
    RUN(words);
    RUN(characters);
    RUN(rare);
    RUN(memory);
    RUN(arguments);
    return test_end("build");
}
