/* test_large.c -- a model of 1.1 GB must open without being read: little memory is
   resident before the first token. The file is sparse (TinyLlama's shape in Q8_0, all
   data zero), so it takes no room on the disk. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

#include "make_gguf.h"
#include <unistd.h>

#define SPARSE "build/large.gguf"
#define WIDTH  2048u
#define HIDDEN 5632u
#define LAYERS 22u
#define VOCAB  32000u
#define KV     256u

/* Resident bytes of this process; 0 where the system does not say. */
static size_t resident(void)
{
    size_t bytes = 0;
#ifdef __linux__
    long total, pages;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%ld %ld", &total, &pages) == 2)
        bytes = (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
    fclose(f);
#endif
    return bytes;
}

/* Q8_0 when two-dimensional, F32 else; only the table entry, the data is a hole. */
static void hole(maker *m, uint64_t *at, const char *name, uint64_t cols, uint64_t rows)
{
    uint64_t bytes = rows > 1 ? cols / 32 * 34 * rows : cols * 4;
    uint64_t dim[2];
    dim[0] = cols;
    dim[1] = rows;
    tensor_raw(m, name, rows > 1 ? 2 : 1, dim, rows > 1 ? 8 : 0, *at);
    *at += (bytes + 31) / 32 * 32;
}

static void keys(maker *m)
{
    char text[32];
    unsigned i;
    key_str(m, "general.architecture", "llama");
    key_u32(m, "llama.block_count", LAYERS);
    key_u32(m, "llama.context_length", 2048);
    key_u32(m, "llama.embedding_length", WIDTH);
    key_u32(m, "llama.feed_forward_length", HIDDEN);
    key_u32(m, "llama.attention.head_count", 32);
    key_u32(m, "llama.attention.head_count_kv", 4);
    key_f32(m, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
    key_str(m, "tokenizer.ggml.model", "llama");
    key_array(m, "tokenizer.ggml.tokens", 8, VOCAB);
    for (i = 0; i < VOCAB; i++) {
        if (i >= 3 && i < 259)
            snprintf(text, sizeof text, "<0x%02X>", i - 3);
        else
            snprintf(text, sizeof text, "word%u", i);
        put_str(&m->keys, text);
    }
    key_array(m, "tokenizer.ggml.scores", 6, VOCAB);
    for (i = 0; i < VOCAB; i++)
        put_f32(&m->keys, -(float)i);
    key_array(m, "tokenizer.ggml.token_type", 5, VOCAB);
    for (i = 0; i < VOCAB; i++)
        put_int(&m->keys, i == 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1, 4);
}

/* Writes the file; its size, or 0. */
static uint64_t write_sparse(void)
{
    static const char *const square[] = {"attn_q.weight", "attn_output.weight"};
    static const char *const narrow[] = {"attn_k.weight", "attn_v.weight"};
    static const char *const wide[] = {"ffn_gate.weight", "ffn_up.weight"};
    static const char *const norm[] = {"attn_norm.weight", "ffn_norm.weight"};
    maker m;
    uint64_t at = 0, size;
    unsigned l, i;
    FILE *f;
    int ok;
    make_begin(&m);
    keys(&m);
    hole(&m, &at, "token_embd.weight", WIDTH, VOCAB);
    for (l = 0; l < LAYERS; l++) {
        for (i = 0; i < 2; i++) {
            hole(&m, &at, layer_name(l, square[i]), WIDTH, WIDTH);
            hole(&m, &at, layer_name(l, narrow[i]), WIDTH, KV);
            hole(&m, &at, layer_name(l, wide[i]), WIDTH, HIDDEN);
            hole(&m, &at, layer_name(l, norm[i]), WIDTH, 1);
        }
        hole(&m, &at, layer_name(l, "ffn_down.weight"), HIDDEN, WIDTH);
    }
    hole(&m, &at, "output_norm.weight", WIDTH, 1);
    hole(&m, &at, "output.weight", WIDTH, VOCAB);
    make_finish(&m);
    size = m.out.size + at;
    f = fopen(SPARSE, "wb");
    ok = f != NULL && fwrite(m.out.data, 1, m.out.size, f) == m.out.size && fflush(f) == 0 &&
         ftruncate(fileno(f), (off_t)size) == 0;
    if (f != NULL)
        fclose(f);
    make_end(&m);
    return ok ? size : 0;
}

static void opens_without_reading(void)
{
    llmc_open_options opt;
    llmc_host host;
    llmc_diag diag;
    uint64_t size, before, start, ms;
    if (TEST_SANITIZED || sizeof(void *) < 8 || resident() == 0) {
        SKIP("needs 64-bit addresses, /proc/self/statm and no sanitizer");
        return;
    }
    size = write_sparse();
    if (size == 0) {
        SKIP("build/ does not take a sparse file of 1.1 GB");
        remove(SPARSE);
        return;
    }
    memset(&opt, 0, sizeof opt);
    opt.threads = 2;
    before = resident();
    start = llmc_os_nanoseconds();
    if (CHECKF(llmc_open(&host, SPARSE, &opt, &diag) == LLMC_OK, "%s", diag.message)) {
        ms = (llmc_os_nanoseconds() - start) / 1000000;
        printf("  %.2f GB opened in %u ms, %.1f MB more are resident\n", (double)size / 1e9, (unsigned)ms,
               (double)(resident() - before) / 1e6);
        CHECK(size > 1100000000u);
        CHECKF(resident() - before < 40000000, "%zu bytes became resident", resident() - (size_t)before);
        llmc_close(&host);
    }
    remove(SPARSE);
}

int main(void)
{
    RUN(opens_without_reading);
    return test_end("large");
}
