// sh examples/web/build.sh
//
// llmc_web.c - the engine as a WebAssembly module without a C library: what llmc.js calls. The module has one
// memory; the model's file is copied into it once and read where it lies. One model, one conversation.
#define LLMC_STATIC
#define LLMC_NO_OS
#define LLMC_NO_TRAIN
#define LLMC_NO_INDEX
#define LLMC_IMPLEMENTATION
#include "../../llmc.h"

#define EXPORT(name) __attribute__((export_name(#name))) name

/* ---- what a C library would bring ---- */

/* clang makes single instructions of these three (-mbulk-memory), here as well. */
void *memcpy(void *dst, const void *src, size_t n)
{
    return __builtin_memcpy(dst, src, n);
}

void *memmove(void *dst, const void *src, size_t n)
{
    return __builtin_memmove(dst, src, n);
}

void *memset(void *dst, int value, size_t n)
{
    return __builtin_memset(dst, value, n);
}

__attribute__((no_builtin)) int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = (const uint8_t *)a, *y = (const uint8_t *)b;
    for (; n > 0; n--, x++, y++)
        if (*x != *y)
            return *x < *y ? -1 : 1;
    return 0;
}

/* The compiler's own: a product of 64 bits by 64, which is how it checks one for overflow. By halves, since to
   write it as a product would call it again. */
__int128 __multi3(__int128 a, __int128 b)
{
    uint64_t x = (uint64_t)a, y = (uint64_t)b, x0 = x & UINT32_MAX, y0 = y & UINT32_MAX;
    uint64_t low = x0 * y0, middle = (x >> 32) * y0 + (low >> 32),
             cross = x0 * (y >> 32) + (middle & UINT32_MAX);
    uint64_t high = (x >> 32) * (y >> 32) + (middle >> 32) + (cross >> 32);
    high += x * (uint64_t)(b >> 64) + (uint64_t)(a >> 64) * y;
    return (__int128)((unsigned __int128)high << 64 | (cross << 32 | (low & UINT32_MAX)));
}

/* ---- memory: it only grows; for another model the page makes another module ---- */

extern unsigned char __heap_base; /* the linker's: the first byte that is nobody's */
enum { PAGE = 65536 };
static uintptr_t used;

/* bytes at a multiple of 64, or NULL. */
void *EXPORT(web_take)(size_t bytes)
{
    uintptr_t at = ((used != 0 ? used : (uintptr_t)&__heap_base) + 63) & ~(uintptr_t)63;
    uintptr_t have = (uintptr_t)__builtin_wasm_memory_size(0) * PAGE;
    if (bytes > UINTPTR_MAX - PAGE - at)
        return NULL;
    if (at + bytes > have && __builtin_wasm_memory_grow(0, (at + bytes - have + PAGE - 1) / PAGE) == SIZE_MAX)
        return NULL;
    used = at + bytes;
    return (void *)at;
}

/* ---- one model, one conversation ---- */

static llmc_model *model;
static llmc_engine *engine;
static llmc_seq *seq;
static llmc_seq_options options;
static llmc_sample_options sampling;
static llmc_diag diag;
static llmc_piece piece;

/* Why the last call failed; "" before any did. */
const char *EXPORT(web_error)(void)
{
    return diag.message;
}

/* Memory for `what`; NULL, and the reason told, where the browser gives no more. */
static void *take(size_t bytes, const char *what)
{
    void *mem = web_take(bytes);
    if (mem == NULL) {
        LLMC_MEMSET(&diag, 0, sizeof diag);
        llmc__format(diag.message, sizeof diag.message, "%zu bytes for %s are more than there is", bytes,
                     what);
    }
    return mem;
}

/* Opens the model in file [size], with a context of so many tokens (0: its own, at most 4096). */
bool EXPORT(web_open)(const void *file, size_t size, uint32_t context)
{
    llmc_blob blob = {file, size, "the model"};
    llmc_engine_options o = {0};
    size_t bytes;
    void *mem;
    o.context_length = context;
    o.batch_tokens = 64;
    if (llmc_model_need(&blob, 1, NULL, &bytes, &diag) != LLMC_OK ||
        (mem = take(bytes, "the model")) == NULL ||
        llmc_model_init(&model, &blob, 1, NULL, mem, bytes, &diag) != LLMC_OK)
        return false;
    if (llmc_engine_need(model, &o, &bytes, &diag) != LLMC_OK || (mem = take(bytes, "the engine")) == NULL ||
        llmc_engine_init(&engine, model, &o, mem, bytes, &diag) != LLMC_OK)
        return false;
    options.sample = &sampling;
    return llmc_seq_open(&seq, engine, &options, &diag) == LLMC_OK;
}

/* The kernels that run, the model's name, its context. */
const char *EXPORT(web_kernels)(void)
{
    return llmc_engine_isa(engine);
}

const char *EXPORT(web_name)(void)
{
    return llmc_model_config(model)->name;
}

uint32_t EXPORT(web_context)(void)
{
    return llmc_engine_context(engine);
}

/* How the next answers are chosen; most: tokens in one, 0: until it ends. */
bool EXPORT(web_options)(float temperature, uint32_t top_k, float top_p, uint32_t seed, uint32_t most)
{
    sampling.temperature = temperature;
    sampling.top_k = top_k;
    sampling.top_p = top_p;
    sampling.seed = seed;
    options.max_tokens = most;
    return llmc_seq_configure(seq, &options, &diag) == LLMC_OK;
}

/* What is to be answered: a conversation, a JSON array of messages, NUL-terminated; what the one before had in
   common with it stays computed. */
bool EXPORT(web_chat)(const char *messages)
{
    llmc_chat_options chat = {0};
    chat.messages = messages;
    return llmc_seq_chat(seq, &chat, NULL, 0, &diag) == LLMC_OK;
}

/* Or a text [len] to be continued, from its beginning. */
bool EXPORT(web_text)(const char *text, size_t len)
{
    return llmc_seq_truncate(seq, 0, &diag) == LLMC_OK && llmc_seq_add_text(seq, text, len, &diag) == LLMC_OK;
}

/* The next piece of the answer, perhaps "". NULL: it has ended; web_failed says whether well. */
static bool failed;

const char *EXPORT(web_next)(void)
{
    llmc_status status = llmc_seq_next(seq, &piece, &diag);
    failed = status != LLMC_OK && status != LLMC_DONE;
    return status == LLMC_OK ? piece.text : NULL;
}

bool EXPORT(web_failed)(void)
{
    return failed;
}

/* Tokens that the conversation has by now. */
uint32_t EXPORT(web_length)(void)
{
    size_t n;
    (void)llmc_seq_ids(seq, &n);
    return (uint32_t)n;
}
