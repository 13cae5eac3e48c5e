/* test_hostile.c -- damaged files: each of tests/hostile (one defect each; a folder is a
   model of several files), and good models cut at every multiple of 997 bytes or with one byte
   changed. Whatever comes, a status and one line, or a normal run; ASan and UBSan watch over the
   rest (make test). Every file lies in a block of exactly its size, so that reading past it is
   seen; folders are opened by llmc_open as well. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"
#include <dirent.h>
#include <sys/stat.h>

#define MOST_MEMORY ((size_t)64 << 20) /* an engine that wants more is not run */

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

/* Three tokens by forward, or an encoder's one vector, and two steps of generation. Weights may be
   anything, so what comes out need not be finite. */
static llmc_status run_seq(const llmc_model *model, llmc_seq *seq, llmc_diag *diag)
{
    static const llmc_token ids[3] = {0, 1, 0};
    const llmc_config *c = llmc_model_config(model);
    size_t n = c->vocab_size > 1 ? 3 : 1;
    float *out = (float *)malloc(((size_t)c->vocab_size + c->n_embd) * sizeof *out);
    llmc_piece piece;
    llmc_status s;
    if (out == NULL)
        return LLMC_OK;
    if (c->bidirectional) {
        s = llmc_seq_embed(seq, ids, n, LLMC_POOL_DEFAULT, out, diag);
    } else {
        s = llmc_seq_forward(seq, ids, n, out, 1, diag);
        if (s == LLMC_OK)
            s = llmc_seq_add_ids(seq, ids, 1, diag);
        if (s == LLMC_OK)
            s = llmc_seq_next(seq, &piece, diag);
        if (s == LLMC_OK && piece.finish == LLMC_FINISH_NONE)
            s = llmc_seq_next(seq, &piece, diag);
    }
    free(out);
    return s == LLMC_DONE || s == LLMC_NOT_FINITE ? LLMC_OK : s;
}

/* A few tokens through whatever the file claims to be. */
static llmc_status use_engine(const llmc_model *model, outcome *out)
{
    llmc_engine_options o = small_engine();
    llmc_engine *engine = NULL;
    llmc_seq *seq = NULL;
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
        s = run_seq(model, seq, &out->diag);
    free(mem);
    return s;
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

/* Opens, asks, runs. The files are used where they lie. What a model asks for is bounded by what there is:
   a few hundred bytes for each tensor, expert and token. */
static outcome open_files(const llmc_blob *files, size_t n)
{
    llmc_model *model = NULL;
    outcome out;
    size_t need = 0, total = 0, i;
    void *mem;
    memset(&out, 0, sizeof out);
    out.step = "need";
    for (i = 0; i < n; i++)
        total += files[i].size;
    out.status = llmc_model_need(files, n, NULL, &need, &out.diag);
    if (out.status != LLMC_OK)
        return out;
    CHECKF(need / 1024 <= total + 64, "%s: %zu bytes of memory for %zu of files", files[0].name, need, total);
    if (need > MOST_MEMORY)
        return out;
    mem = malloc(need + 1);
    out.step = "init";
    out.status = llmc_model_init(&model, files, n, NULL, mem, need, &out.diag);
    if (out.status == LLMC_OK) {
        use_tokenizer(model);
        out.status = use_engine(model, &out);
    }
    free(mem);
    return out;
}

/* The same of a single file. */
static outcome open_bytes(const uint8_t *data, size_t size)
{
    llmc_blob blob;
    blob.data = data;
    blob.size = size;
    blob.name = "file";
    return open_files(&blob, 1);
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
#define MOST_FILES 8

/* Files of a folder and of the one in it that models have, weights before settings. */
typedef struct folder {
    llmc_blob file[MOST_FILES];
    char name[MOST_FILES][160];
    size_t n;
} folder;

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Adds the files of path: settings or the others. The order is that of their names, whatever the system's. */
static void folder_add(folder *f, const char *path, bool settings)
{
    DIR *d = opendir(path);
    struct dirent *e;
    size_t i, from = f->n;
    while (d != NULL && (e = readdir(d)) != NULL && f->n < MOST_FILES) {
        char *to = f->name[f->n];
        size_t len = strlen(e->d_name);
        bool text =
            len > 4 && (strcmp(e->d_name + len - 4, "json") == 0 || strcmp(e->d_name + len - 2, "ml") == 0);
        snprintf(to, sizeof f->name[0], "%.90s/%.60s", path, e->d_name);
        if (e->d_name[0] == '.' || is_folder(to) || text != settings)
            continue;
        for (i = f->n++; i > from && strcmp(f->name[i - 1], f->name[i]) > 0; i--) {
            char swap[sizeof f->name[0]];
            memcpy(swap, f->name[i], sizeof swap);
            memcpy(f->name[i], f->name[i - 1], sizeof swap);
            memcpy(f->name[i - 1], swap, sizeof swap);
        }
    }
    if (d != NULL)
        closedir(d);
}

/* All of a folder in blocks of exactly their sizes, or the one file that path is. */
static void folder_read(folder *f, const char *path)
{
    char inner[160];
    size_t i;
    f->n = 0;
    if (!is_folder(path)) {
        snprintf(f->name[0], sizeof f->name[0], "%s", path);
        f->n = 1;
    } else {
        snprintf(inner, sizeof inner, "%.120s/1_Pooling", path);
        folder_add(f, path, false);
        folder_add(f, path, true);
        folder_add(f, inner, true);
    }
    for (i = 0; i < f->n; i++) {
        size_t size = 0;
        uint8_t *raw = test_read(f->name[i], &size);
        CHECKF(raw != NULL, "%s cannot be read", f->name[i]);
        f->file[i].data = exact(raw, size);
        f->file[i].size = size;
        f->file[i].name = f->name[i];
        free(raw);
    }
}

static void folder_free(folder *f)
{
    while (f->n > 0)
        free((void *)(uintptr_t)f->file[--f->n].data);
}

/* By its path, as people do. */
static outcome open_path(const char *path)
{
    llmc_open_options o;
    llmc_engine_options e = small_engine();
    llmc_host host;
    outcome out;
    memset(&out, 0, sizeof out);
    memset(&o, 0, sizeof o);
    out.step = "init";
    o.no_engine = true;
    out.status = llmc_open(&host, path, &o, &out.diag);
    if (out.status != LLMC_OK)
        return out;
    llmc_close(&host);
    o.no_engine = false;
    o.engine = &e;
    o.threads = 1;
    out.step = "engine";
    out.status = llmc_open(&host, path, &o, &out.diag);
    if (out.status != LLMC_OK) /* more memory than this machine has is no defect */
        return out;
    out.step = "run";
    out.status = run_seq(host.model, host.seq, &out.diag);
    llmc_close(&host);
    return out;
}

/* Whether an outcome is what list.txt asks for. */
static void judge(const outcome *o, const char *name, const char *verdict, const char *what)
{
    bool refused = o->status != LLMC_OK && (o->step[0] == 'n' || o->step[0] == 'i');
    if (getenv("TEST_VERBOSE") != NULL)
        printf("    %-22s %s%s%s\n", name, o->status == LLMC_OK ? "loads" : o->step,
               o->status == LLMC_OK ? "" : ": ", o->status == LLMC_OK ? "" : o->diag.message);
    if (o->status != LLMC_OK)
        CHECKF(says_why(o), "%s (%s): fails without saying why", name, what);
    if (strcmp(verdict, "any") == 0)
        return;
    if (strcmp(verdict, "good") == 0) {
        CHECKF(o->status == LLMC_OK, "%s (%s): %s: %s", name, what, o->step, o->diag.message);
        return;
    }
    CHECKF(refused, "%s (%s) was not refused when loaded", name, what);
    if (strcmp(verdict, "bad_file") == 0)
        CHECKF(o->status == LLMC_BAD_FILE, "%s (%s): not BAD_FILE: %s", name, what, o->diag.message);
    else if (strcmp(verdict, "unsupported") == 0)
        CHECKF(o->status == LLMC_UNSUPPORTED, "%s (%s): not UNSUPPORTED: %s", name, what, o->diag.message);
    else if (strcmp(verdict, "io") == 0)
        CHECKF(o->status == LLMC_IO, "%s (%s): not IO: %s", name, what, o->diag.message);
    else
        CHECKF(strcmp(verdict, "bad") == 0, "%s: no verdict '%s'", name, verdict);
}

/* Whether something says which of the files are meant: then that may be all that is wrong. */
static bool has_index(const folder *f)
{
    size_t i;
    for (i = 0; i < f->n; i++)
        if (strstr(f->name[i], ".index.json") != NULL)
            return true;
    return false;
}

/* One line of a list: name, verdict, description. A folder's files without the folder are refused, too, unless
   it is only their choice that is wrong. */
static void one_defect(const char *name, const char *verdict, const char *what)
{
    char path[160], whole[160];
    folder f;
    outcome o;
    snprintf(path, sizeof path, "tests/hostile/%s", name);
    snprintf(whole, sizeof whole, "tests/hostile/%.*s", (int)strcspn(name, "/"), name);
    folder_read(&f, whole);
    if (!CHECKF(f.n > 0, "%s is missing", path))
        return;
    o = open_files(f.file, f.n);
    if (is_folder(whole)) {
        judge(&o, name, strcmp(verdict, "good") == 0 ? "good" : "any", what);
        CHECKF(o.status != LLMC_OK || strcmp(verdict, "good") == 0 || strcmp(verdict, "any") == 0 ||
                   strcmp(verdict, "io") == 0 || has_index(&f),
               "%s (%s): its files load", name, what);
        o = open_path(path);
    }
    judge(&o, name, verdict, what);
    folder_free(&f);
}

/* Every line of a list. */
static void list(const char *path, int least)
{
    size_t size = 0;
    char *text = (char *)test_read(path, &size), *line, *next;
    int n = 0;
    if (!CHECKF(text != NULL, "%s is missing; run from the repository's root", path))
        return;
    for (line = text; *line != 0; line = next) {
        char name[64], verdict[16], what[128];
        next = strchr(line, '\n');
        if (next == NULL)
            next = line + strlen(line);
        else
            *next++ = 0;
        if (line[0] != '#' && sscanf(line, "%63s %15s %127[^\n]", name, verdict, what) == 3) {
            one_defect(name, verdict, what);
            n++;
        }
    }
    CHECKF(n > least, "only %d files are listed", n);
    free(text);
}

static void defects(void)
{
    list("tests/hostile/list.txt", 80);
}

static void defects_of_loaders(void)
{
    list("tests/hostile/loaders.txt", 400);
}

/* What is too long to keep: containers in each other, 100000 deep. */
static void deep(void)
{
    static const struct {
        const char *head, *open, *tail;
    } kind[] = {{"\x82\xa8metadata\xc0\xa4item\x81\xa1"
                 "a",
                 "\x91", "\xc0"},
                {"{\"model_type\":\"llama\",\"x\":", "[", "1"},
                {"\0\0\x10\0\0\0\0\0{\"metadata\":", "[", ""}};
    size_t i, k, depth = 100000;
    for (i = 0; i < sizeof kind / sizeof kind[0]; i++) {
        size_t head = i == 2 ? 8 + strlen(kind[i].head + 8) : strlen(kind[i].head),
               unit = strlen(kind[i].open);
        uint8_t *file = (uint8_t *)malloc(head + depth * unit + 2);
        outcome o;
        memcpy(file, kind[i].head, head);
        for (k = 0; k < depth; k++)
            memcpy(file + head + k * unit, kind[i].open, unit);
        memcpy(file + head + depth * unit, kind[i].tail, strlen(kind[i].tail));
        o = open_bytes(file, head + depth * unit + strlen(kind[i].tail));
        CHECKF(o.status != LLMC_OK && says_why(&o), "case %zu is not refused", i);
        free(file);
    }
}

static void make_folder(const char *path)
{
#ifdef _WIN32
    mkdir(path);
#else
    mkdir(path, 0777);
#endif
}

/* A folder with nothing in it, which a repository cannot keep. */
static void empty_folder(void)
{
    const char *path = "build/test/hostile-empty";
    outcome o;
    make_folder("build");
    make_folder("build/test");
    make_folder(path);
    o = open_path(path);
    CHECKF(o.status == LLMC_IO && says_why(&o), "an empty folder: %s", o.diag.message);
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
    for (n = 0; n < size; n += 997 * (test_every(23) > 8 ? 8 : test_every(23))) {
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
    const size_t step = test_every(23);
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
    for (i = 0; i < 2000; i += (int)test_every(23)) {
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
    RUN(defects_of_loaders);
    RUN(deep);
    RUN(empty_folder);
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
