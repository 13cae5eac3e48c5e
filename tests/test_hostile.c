/* test_hostile.c -- damaged files: each of tests/hostile (one defect each), and good
   models cut at every multiple of 997 bytes or with one byte changed. Whatever comes, a
   status and one line, or a normal run; ASan and UBSan watch over the rest (make test).
   Every file lies in a block of exactly its size, so that reading past it is seen. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

#define MOST_MEMORY ((size_t)64 << 20) /* an engine that wants more is not run */

/* Every n-th byte is changed: all of them where tests run natively, some where an
   emulator takes thirty times as long. TEST_EVERY=1 changes all everywhere. */
static size_t every(void)
{
    const char *s = getenv("TEST_EVERY");
#if defined(__x86_64__) || defined(_M_X64)
    return s != NULL && atoi(s) > 0 ? (size_t)atoi(s) : 1;
#else
    return s != NULL && atoi(s) > 0 ? (size_t)atoi(s) : 23;
#endif
}

typedef struct outcome {
    llmc_status status; /* of the first step that failed, or OK */
    const char *step;
    llmc_diag diag;
} outcome;

static llmc_engine_options small_engine(void)
{
    llmc_engine_options o;
    memset(&o, 0, sizeof o);
    o.context_length = 16;
    o.batch_tokens = 4;
    o.text_bytes = 256;
    o.cpu.features = LLMC_CPU_SCALAR;
    return o;
}

/* A few tokens through whatever the file claims to be. */
static llmc_status use_engine(const llmc_model *model, outcome *out)
{
    static const llmc_token ids[2] = {0, 1};
    llmc_engine_options o = small_engine();
    llmc_engine *engine = NULL;
    llmc_seq *seq = NULL;
    llmc_piece piece;
    size_t need = 0;
    void *mem = NULL;
    llmc_status s;
    out->step = "engine";
    s = llmc_engine_need(model, &o, &need, &out->diag);
    if (s != LLMC_OK || need > MOST_MEMORY)
        return s;
    mem = malloc(need);
    if (mem == NULL)
        return LLMC_OK;
    s = llmc_engine_init(&engine, model, &o, mem, need, &out->diag);
    if (s == LLMC_OK)
        s = llmc_seq_open(&seq, engine, NULL, &out->diag);
    out->step = "run";
    if (s == LLMC_OK)
        s = llmc_seq_add_ids(seq, ids, 2, &out->diag);
    if (s == LLMC_OK)
        s = llmc_seq_next(seq, &piece, &out->diag);
    if (s == LLMC_OK && piece.finish == LLMC_FINISH_NONE)
        s = llmc_seq_next(seq, &piece, &out->diag);
    free(mem);
    return s == LLMC_DONE ? LLMC_OK : s;
}

/* Text through the file's tokenizer and back. */
static void use_tokenizer(const llmc_model *model)
{
    const llmc_tokenizer *tok = llmc_model_tokenizer(model);
    static const char text[] = " ab \xe2\x82\xac\xff a";
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

/* Opens, asks, runs. data [size] is used where it lies. */
static outcome open_bytes(const uint8_t *data, size_t size)
{
    llmc_blob blob;
    llmc_model *model = NULL;
    outcome out;
    size_t need = 0;
    void *mem;
    memset(&out, 0, sizeof out);
    out.step = "need";
    blob.data = data;
    blob.size = size;
    blob.name = "file";
    out.status = llmc_model_need(&blob, 1, NULL, &need, &out.diag);
    if (out.status != LLMC_OK || need > MOST_MEMORY)
        return out;
    mem = malloc(need + 1);
    out.step = "init";
    out.status = llmc_model_init(&model, &blob, 1, NULL, mem, need, &out.diag);
    if (out.status == LLMC_OK) {
        use_tokenizer(model);
        out.status = use_engine(model, &out);
    }
    free(mem);
    return out;
}

/* A failure has a tag and one line of text. */
static bool says_why(const outcome *o)
{
    const char *s = o->diag.message;
    return o->diag.tag != NULL && o->diag.status == o->status && s[0] != 0 && strchr(s, '\n') == NULL;
}

/* Copies into a block of exactly that size; free it. */
static uint8_t *exact(const uint8_t *data, size_t size)
{
    uint8_t *copy = (uint8_t *)malloc(size > 0 ? size : 1);
    if (copy == NULL)
        exit(2);
    memcpy(copy, data, size);
    return copy;
}

/* ------------------------------------------------------------ tests/hostile */
/* One line of list.txt: name, verdict, description. */
static void one_defect(const char *name, const char *verdict, const char *what)
{
    char path[160];
    size_t size = 0;
    uint8_t *raw, *file;
    outcome o;
    snprintf(path, sizeof path, "tests/hostile/%s", name);
    raw = test_read(path, &size);
    if (!CHECKF(raw != NULL, "%s is missing", path))
        return;
    file = exact(raw, size);
    o = open_bytes(file, size);
    free(file);
    free(raw);
    if (getenv("TEST_VERBOSE") != NULL)
        printf("    %-22s %s%s%s\n", name, o.status == LLMC_OK ? "loads" : o.step,
               o.status == LLMC_OK ? "" : ": ", o.status == LLMC_OK ? "" : o.diag.message);
    if (o.status != LLMC_OK)
        CHECKF(says_why(&o), "%s (%s): fails without saying why", name, what);
    if (strcmp(verdict, "good") == 0)
        CHECKF(o.status == LLMC_OK, "%s (%s): %s: %s", name, what, o.step, o.diag.message);
    if (strcmp(verdict, "bad") == 0)
        CHECKF(o.status != LLMC_OK && (o.step[0] == 'n' || o.step[0] == 'i'),
               "%s (%s) was not refused when loaded", name, what);
}

static void defects(void)
{
    size_t size = 0;
    char *list = (char *)test_read("tests/hostile/list.txt", &size), *line, *next;
    int n = 0;
    if (!CHECKF(list != NULL, "tests/hostile/list.txt is missing; run from the repository's root"))
        return;
    for (line = list; *line != 0; line = next) {
        char name[64], verdict[8], what[128];
        next = strchr(line, '\n');
        if (next == NULL)
            next = line + strlen(line);
        else
            *next++ = 0;
        if (line[0] != '#' && sscanf(line, "%63s %7s %127[^\n]", name, verdict, what) == 3) {
            one_defect(name, verdict, what);
            n++;
        }
    }
    CHECKF(n > 80, "only %d files are listed", n);
    free(list);
}

/* ------------------------------------------------------------ cuts and flips of good files */
/* tail: bytes at the end that no reader needs. */
static void cut_everywhere(const char *path, size_t tail)
{
    size_t size = 0, n;
    uint8_t *raw = test_read(path, &size);
    int loaded = 0;
    if (!CHECKF(raw != NULL, "%s is missing", path))
        return;
    for (n = 0; n < size; n += 997 * (every() > 8 ? 8 : every())) {
        uint8_t *file = exact(raw, n);
        outcome o = open_bytes(file, n);
        if (o.status == LLMC_OK)
            loaded += n < size - tail;
        else
            CHECKF(says_why(&o), "%s cut to %zu: fails without saying why", path, n);
        free(file);
    }
    CHECKF(loaded == 0, "%s: %d of its beginnings load as if whole", path, loaded);
    free(raw);
}

/* Each of the first 4096 bytes inverted, some of them changed in other ways too; beyond
   `head` bytes, where only numbers follow, one in 16. */
static void flip_each(const char *path, size_t head)
{
    static const uint8_t change[] = {0xff, 0x01, 0x80};
    size_t size = 0, i, k;
    uint8_t *raw = test_read(path, &size), *file;
    int loaded = 0, refused = 0;
    const size_t step = every();
    if (!CHECKF(raw != NULL, "%s is missing", path))
        return;
    file = exact(raw, size);
    for (i = 0; i < 4096 && i < size; i += i < head ? step : 16 * step)
        for (k = 0; k < (i % 4 == 0 ? sizeof change : 1); k++) {
            outcome o;
            file[i] ^= change[k];
            o = open_bytes(file, size);
            file[i] ^= change[k];
            if (o.status == LLMC_OK)
                loaded++;
            else if (CHECKF(says_why(&o), "%s, byte %zu ^ %02x: fails without saying why", path, i,
                            change[k]))
                refused++;
        }
    if (getenv("TEST_VERBOSE") != NULL)
        printf("    %s: %d load, %d are refused\n", path, loaded, refused);
    CHECK(loaded > 0 && refused > 0);
    free(file);
    free(raw);
}

static void cut_llama(void)
{
    cut_everywhere("tests/models/tiny-llama.gguf", 0);
}

static void cut_gpt2(void)
{
    cut_everywhere("tests/models/tiny-gpt2.gguf", 0);
}

static void cut_shared(void)
{
    const char *path = test_shared("data/stories260K.bin");
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        SKIP("no shared data");
        return;
    }
    fclose(f);
    cut_everywhere(path, 512 * 8 * 4); /* the two legacy rotation tables, 512 positions of heads of 8 */
}

/* Small enough to change every byte of it, the tensor list included. */
static void flip_good(void)
{
    flip_each("tests/hostile/good", 4096);
}

static void flip_llama(void)
{
    flip_each("tests/models/tiny-llama.gguf", 4096);
}

static void flip_gpt2(void)
{
    flip_each("tests/models/tiny-gpt2.gguf", 4096);
}

static void flip_shared(void)
{
    const char *path = test_shared("data/stories260K.bin");
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        SKIP("no shared data");
        return;
    }
    fclose(f);
    flip_each(path, 256);
}

/* Several bytes changed at random places before the tensor data. */
static void scatter(void)
{
    unsigned long long seed = test_seed(8);
    llmc_rng rng = llmc_rng_seed(seed);
    size_t size = 0, k;
    uint8_t *raw = test_read("tests/hostile/good", &size), *file;
    int i;
    if (!CHECK(raw != NULL))
        return;
    for (i = 0; i < 2000; i += (int)every()) {
        size_t n = 1 + (size_t)(llmc_rng_u64(&rng) % 4);
        outcome o;
        file = exact(raw, size);
        for (k = 0; k < n; k++)
            file[llmc_rng_u64(&rng) % size] = (uint8_t)llmc_rng_u64(&rng);
        o = open_bytes(file, size);
        if (o.status != LLMC_OK)
            CHECKF(says_why(&o), "round %d: fails without saying why", i);
        free(file);
    }
    free(raw);
}

int main(void)
{
    RUN(defects);
    RUN(cut_llama);
    RUN(cut_gpt2);
    RUN(cut_shared);
    RUN(flip_good);
    RUN(flip_llama);
    RUN(flip_gpt2);
    RUN(flip_shared);
    RUN(scatter);
    return test_end("test_hostile");
}
