/* llmc.h - run, quantise, fine-tune and train language models: one C header, no dependencies

   In ONE source file of a project:            Everywhere else:
       #define LLMC_IMPLEMENTATION                 #include "llmc.h"
       #include "llmc.h"

   A whole program (examples/hello.c); `cc -O2 hello.c -o hello` is the whole build:

       llmc_host lm;  llmc_piece piece;  llmc_diag diag;
       if (llmc_open(&lm, "model.gguf", NULL, &diag) != LLMC_OK) ... diag.message says what and where
       llmc_seq_add_text(lm.seq, "Once upon a time", 16, &diag);
       while (llmc_seq_next(lm.seq, &piece, &diag) == LLMC_OK)
           fputs(piece.text, stdout);
       llmc_close(&lm);

   ============================================================================
   MANUAL
   ============================================================================

   1. The nouns
     llmc_model   configuration, weights (views into the file's bytes), tokenizer. Immutable once
                  made: any number of engines and threads share one.
     llmc_engine  the memory in which a model runs: cache, scratch, scheduler. One thread drives it.
     llmc_seq     a sequence in an engine: its tokens, its cache pages, its sampling state.
   llmc_host bundles one of each for programs that have an operating system.

   2. Memory belongs to the caller
   Nothing here allocates, prints or exits. Ask for the size, give the memory:
       llmc_model_need(&file, 1, NULL, &bytes, &diag);    mem = ... bytes ...;
       llmc_model_init(&model, &file, 1, NULL, mem, bytes, &diag);
       llmc_engine_need(model, &options, &bytes, &diag);  mem2 = ... bytes ...;
       llmc_engine_init(&engine, model, &options, mem2, bytes, &diag);
       llmc_seq_open(&seq, engine, NULL, &diag);
   There is nothing to destroy: forget the handles and the memory is yours again. The section OS
   does the same with the system's pages and threads: llmc_open, llmc_close.

   3. Options
   Every option struct may be NULL or all zero; zero always means the default that the comment
   beside the member states. Set `size` to sizeof the struct when header and implementation may
   come from different versions (a shared library); 0 means this header's own.

   4. Errors
   Functions that can fail return llmc_status; LLMC_OK is 0. With an llmc_diag they also leave one
   line of text: which file, which key or tensor, what was expected, where. A failed init leaves
   nothing half made; a failed add leaves the sequence as it was.

   5. Many sequences
       for (;;) {
           ... a request comes: opt.user = client;
               llmc_seq_open(&s, engine, &opt, &diag); llmc_seq_add_text(s, text, len, &diag); ...
           llmc_engine_step(engine, &diag);              one batch over everybody
           for each s:
               if (llmc_seq_poll(s, &piece)) {
                   send(llmc_seq_user(s), piece.text);
                   if (piece.finish != LLMC_FINISH_NONE)
                       llmc_seq_close(s);
               }
       }
   A sequence whose piece is not taken waits; nobody else does. If a step returns an error for one
   sequence (NOT_FINITE, a chooser's mistake), that one's piece says LLMC_FINISH_FAILED and the
   others go on; FULL means that nobody can go on until a sequence is closed or truncated.

   6. Conversations
   Keep the messages; llmc_seq_chat makes the sequence's tokens those of the conversation and
   computes only what is new. Text inside messages never becomes a control token.

   7. Threads
   None of our own: llmc_tasks hands work to yours (llmc_pool_open offers a pool). Results do not
   depend on how many there are.

   8. Speed
   Kernels for AVX2+FMA+F16C are compiled by function attributes and chosen at run time: a plain
   `cc -O2` build is the fast build. AArch64 uses NEON; other little-endian machines use SIMDe when
   its headers are installed. LLMC_SIMDE sends every kernel through SIMDe.

   9. Without an operating system
   LLMC_NO_OS (implied where __STDC_HOSTED__ is 0) leaves out the section OS. What remains needs
   memcpy, memmove, memset, memcmp (or all four LLMC_MEMCPY ... defined before the implementation)
   and the compiler's own runtime. The model may lie in flash; nothing of it is copied:
       static unsigned char model_mem[32 * 1024], engine_mem[192 * 1024];
       llmc_blob file = { model_bytes, model_size, "flash" };
       llmc_model_init(&model, &file, 1, NULL, model_mem, sizeof model_mem, &diag);
       options.context_length = 128;  options.batch_tokens = 8;  options.text_bytes = 128;
       llmc_engine_init(&engine, model, &options, engine_mem, sizeof engine_mem, &diag);
   Both say in diag how many bytes they need if these are too few; tools/inspect says it beforehand.
   Besides the context, batch_tokens and text_bytes (25 bytes of work memory each) weigh most.

   10. Macros to define before the implementation
     LLMC_STATIC      everything static: several files may each have their own copy
     LLMC_NO_TOKEN    no tokenizers: models that speak ids
     LLMC_NO_CHAT     no conversations       LLMC_NO_GRAMMAR  no grammars
     LLMC_NO_TRAIN    no training            LLMC_NO_INDEX    no vector index
     LLMC_NO_OS       no files, threads      LLMC_NO_STRINGS  no message texts
     LLMC_NO_SIMD     scalar kernels only    LLMC_SIMDE       all kernels through SIMDe
     LLMC_API         how public functions are declared (default: extern)
     LLMC_HEADER_NAME this file's name, if it was renamed (it includes itself); "llmc.h"
   In strict ISO modes (-std=c11) include the implementation before other headers, because it asks
   the system's headers for POSIX.

   11. What it does not do
   GPUs. Processes and sockets (examples/server.c will). Downloading models. Pickled checkpoints.
   GGUF files that are big-endian or of version 1. Families other than Llama and GPT-2, tensor types
   other than those of llmc_dtype: refused by name. Sections 19 and 22 to 25 keep their place.

   12. Contents (grep '^//==\[' llmc.h finds them)
     01 CONFIG    version, gates, limits          14 MODEL    configuration and weights
     02 PLATFORM  compiler, bytes, processor      15 LAYER    what a block is made of
     03 STATUS    errors, messages, logging       16 KV       pages of keys and values
     04 MEM       checked sizes, arena, options   17 FORWARD  tokens in, logits out
     05 MATH      exp, log, sin, random numbers   18 SAMPLE   from logits to a token
     06 VEC       eight floats at once            19 GRAMMAR  (place kept)
     07 DTYPE     how numbers are stored          20 ENGINE   sequences, batches, text
     08 QUANT     between f32 and storage         21 CHAT     conversations as tokens
     09 KERNEL    products, norms, attention      22 GRAD     (place kept)
     10 TASK      work for the caller's threads   23 OPTIM    (place kept)
     11 DATA      JSON, settings, MessagePack     24 TRAIN    (place kept)
     12 FILE      model files, each format        25 INDEX    (place kept)
     13 TOKEN     text to ids and back            26 OS       files, threads, memory

   13. Concept index
     activation functions -> LAYER.ffn            mmap, files -> OS.map
     arena -> MEM.arena                           models as GGUF -> MODEL.save
     attention, GQA -> LAYER.attn                 penalties -> SAMPLE.penalty
     batching, continuous -> ENGINE.step          perplexity (llmc_seq_forward) -> ENGINE.step
     BPE merges -> TOKEN.merge                    pre-tokenizers -> TOKEN.split
     byte order -> PLATFORM.order                 prompts in chats -> CHAT.format
     chat templates -> CHAT.format                quantisation -> QUANT.block
     CPU dispatch -> PLATFORM.cpu                 random numbers -> MATH.random
     decode, GEMV, GEMM -> LAYER.product          RMSNorm, LayerNorm -> LAYER.norm
     error messages -> STATUS.fail                RoPE -> LAYER.rope
     families of models -> MODEL.family           sampling, top-k, top-p -> SAMPLE.filter
     GGUF -> FILE.gguf                            stop strings, UTF-8 -> ENGINE.stream
     JSON -> DATA.check                           TOML, YAML -> DATA.settings
     KV cache, pages -> KV.pool                   tensor names -> MODEL.roles
     llama2.c files -> FILE.llama2c               threads -> OS.pool
     logging, debugging -> FORWARD.watch          Unicode classes -> TOKEN.unicode
     memory need -> ENGINE.carve                  vector kernels -> KERNEL.body
   ============================================================================ */
/* Section OS needs the system's own interfaces; libc decides at its first header. */
#if defined(LLMC_IMPLEMENTATION) && !defined(LLMC_NO_OS) && !defined(_WIN32)
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE 1
#endif
#if defined(__APPLE__) && !defined(_DARWIN_C_SOURCE)
#define _DARWIN_C_SOURCE 1
#endif
#endif

/* ============================================================================
   INTERFACE
   ============================================================================ */
#if !defined(LLMC_H) && !defined(LLMC__PASS)
#define LLMC_H

/*==== 01 CONFIG ==== version, gates, limits ====*/

#define LLMC_VERSION        "0.1.0"
#define LLMC_VERSION_NUMBER 100 /* major * 10000 + minor * 100 + patch */

/* A machine without a hosted C library has no operating system either. */
#if defined(__STDC_HOSTED__) && __STDC_HOSTED__ == 0 && !defined(LLMC_NO_OS)
#define LLMC_NO_OS
#endif

#if defined(LLMC_NO_SIMD) && defined(LLMC_SIMDE)
#error "llmc.h: LLMC_NO_SIMD and LLMC_SIMDE contradict each other; define one of them"
#endif

#include <float.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef LLMC_API
#if defined(LLMC_STATIC) && (defined(__GNUC__) || defined(__clang__))
#define LLMC_API static __attribute__((unused))
#elif defined(LLMC_STATIC)
#define LLMC_API static
#else
#define LLMC_API extern
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the implementation that is linked in; compare with
   LLMC_VERSION_NUMBER when header and implementation may differ. */
LLMC_API uint32_t llmc_version(void);

/*==== 02 PLATFORM ==== what the processor can do ====*/

enum {
    LLMC_CPU_SCALAR = 1u << 0, /* plain C; always available                     */
    LLMC_CPU_AVX2 = 1u << 1,   /* AVX2 with FMA and F16C                        */
    LLMC_CPU_NEON = 1u << 2    /* AArch64 Advanced SIMD, or its SIMDe rendering */
};

/* Instruction sets that kernels may use. All zero means "find out". */
typedef struct llmc_cpu {
    uint32_t features; /* LLMC_CPU_... bits */
} llmc_cpu;

/* What this build can use on the processor it runs on. */
LLMC_API llmc_cpu llmc_cpu_detect(void);

/* Restricts to one set by name: "auto", "scalar", "avx2", "neon".
   False, and *out untouched, if this build or this processor has no such kernels. */
LLMC_API bool llmc_cpu_named(const char *name, llmc_cpu *out);

/* Name of the kernels that cpu selects: "scalar", "avx2", "neon", "avx2 (simde)", ... */
LLMC_API const char *llmc_cpu_name(llmc_cpu cpu);

/*==== 03 STATUS ==== status codes, diagnostics, logging ====*/

#define LLMC_STATUS_LIST(X)                                                    \
    X(OK, "success")                                                           \
    X(DONE, "the sequence has finished")                                       \
    X(BAD_ARG, "an argument is not valid")                                     \
    X(NO_MEMORY, "the memory given is too small")                              \
    X(BAD_FILE, "the file is damaged or not what it claims to be")             \
    X(UNSUPPORTED, "the file or option needs something that is not supported") \
    X(NOT_FOUND, "nothing of that name exists")                                \
    X(IO, "the operating system could not read or write")                      \
    X(FULL, "no room is left in the cache or context")                         \
    X(CANCELLED, "the caller cancelled")                                       \
    X(NOT_FINITE, "values stopped being finite")

typedef enum llmc_status {
#define LLMC_STATUS_ENUM(name, text) LLMC_##name,
    LLMC_STATUS_LIST(LLMC_STATUS_ENUM)
#undef LLMC_STATUS_ENUM
        LLMC_STATUS_COUNT
} llmc_status;

#define LLMC_NO_OFFSET UINT64_MAX

/* What went wrong, in full. Every function that can fail takes one, or NULL.
   Written only on failure. */
typedef struct llmc_diag {
    llmc_status status;
    const char *tag;   /* section that found it, "FILE.gguf"; never NULL once written */
    uint64_t offset;   /* byte in the file, or LLMC_NO_OFFSET                         */
    char message[256]; /* one line: which file, which key or tensor, what was expected */
} llmc_diag;

/* The one-line meaning of a status code; "" under LLMC_NO_STRINGS. */
LLMC_API const char *llmc_status_text(llmc_status status);

typedef enum llmc_log_level {
    LLMC_LOG_NONE,
    LLMC_LOG_ERROR,
    LLMC_LOG_WARN,
    LLMC_LOG_INFO,
    LLMC_LOG_DEBUG
} llmc_log_level;

/* Where messages go. All zero: nowhere. */
typedef struct llmc_log {
    void (*fn)(void *user, llmc_log_level level, const char *tag, const char *message);
    void *user;
    llmc_log_level level; /* messages above this level are not made */
} llmc_log;

/* Progress of a long call: done of total units of `what`. Returning false
   cancels the call, which then returns LLMC_CANCELLED. */
typedef struct llmc_progress {
    bool (*fn)(void *user, const char *what, uint64_t done, uint64_t total);
    void *user;
} llmc_progress;

/*==== 04 MEM ==== bytes that the caller owns ====*/

/* Bytes of a file, usually mapped. They must stay readable and unchanged
   as long as anything made from them lives. */
typedef struct llmc_blob {
    const void *data;
    size_t size;
    const char *name; /* for messages; may be NULL */
} llmc_blob;

/* Takes n bytes of output, in order. Returns false to stop (disk full, ...). */
typedef struct llmc_writer {
    bool (*write)(void *user, const void *data, size_t n);
    void *user;
} llmc_writer;

/*==== 05 MATH ==== the random generator ====*/

/* xoshiro256++ (Blackman and Vigna 2019), seeded through SplitMix64. The same
   seed gives the same numbers on every machine. */
typedef struct llmc_rng {
    uint64_t s[4];
} llmc_rng;

LLMC_API llmc_rng llmc_rng_seed(uint64_t seed);
LLMC_API uint64_t llmc_rng_u64(llmc_rng *rng);
LLMC_API float llmc_rng_uniform(llmc_rng *rng); /* [0, 1), 24 random bits          */
LLMC_API float llmc_rng_normal(llmc_rng *rng);  /* mean 0, variance 1 (Box-Muller) */

/*==== 07 DTYPE ==== how numbers are stored ====*/

typedef enum llmc_dtype {
    LLMC_DTYPE_NONE,
    LLMC_F32,
    LLMC_F16,
    LLMC_BF16,
    LLMC_Q8_0, /* blocks of 32: f16 scale, 32 x int8                       */
    LLMC_Q4_0, /* blocks of 32: f16 scale, 32 x 4 bits, value 8 means zero */
    LLMC_I8,   /* int8, f32 scales apart (llama2.c v2): w = q * scale; see llmc_tensor */
    LLMC_Q4_1, /* blocks of 32, drawn in 07 DTYPE as all that follow       */
    LLMC_Q5_0,
    LLMC_Q5_1,
    LLMC_Q2_K, /* super-blocks of 256 */
    LLMC_Q3_K,
    LLMC_Q4_K,
    LLMC_Q5_K,
    LLMC_Q6_K,
    LLMC_Q8_K,
    LLMC_IQ4_NL, /* blocks of 32, unevenly spaced values                   */
    LLMC_IQ4_XS, /* the same in super-blocks of 256                        */
    LLMC_MXFP4,  /* blocks of 32: a power of two, 32 x E2M1 (OCP MX 1.0)   */
    LLMC_I8R,    /* int8, reciprocal f32 scales apart (torchless): w = q / scale */
    LLMC_MXFP4S, /* MXFP4 with its scales apart, neighbours in a byte (gpt-oss as its makers publish it) */
    LLMC_DTYPE_COUNT
} llmc_dtype;

LLMC_API const char *llmc_dtype_name(llmc_dtype type);  /* "F32", "Q8_0", ...         */
LLMC_API llmc_dtype llmc_dtype_named(const char *name); /* any case; NONE: unknown  */
LLMC_API uint32_t llmc_dtype_block(llmc_dtype type);    /* elements in a block      */
LLMC_API size_t llmc_dtype_bytes(
    llmc_dtype type, size_t n); /* of n elements, a multiple of the block; 0: not one, or too large */

/*==== 08 QUANT ==== between f32 and storage ====*/

/* n elements, a multiple of the type's block. src and dst do not overlap. Storage
   is little-endian as in files, f32 is native.
   Errors: BAD_ARG (type, n). Source: the GGUF format's block definitions. */
LLMC_API llmc_status llmc_quantize(llmc_dtype type, const float *src, size_t n, void *dst);
LLMC_API llmc_status llmc_dequantize(llmc_dtype type, const void *src, size_t n, float *dst);

/*==== 10 TASK ==== threads that the caller owns ====*/

typedef void (*llmc_task_fn)(void *arg, uint32_t index);

/* run() calls fn(arg, i) for every i in [0, n), in any order, on any threads,
   and returns when all are done. fn never waits for another. All zero means:
   one after the other on the calling thread. */
typedef struct llmc_tasks {
    void (*run)(void *user, uint32_t n, llmc_task_fn fn, void *arg);
    void *user;
    uint32_t workers; /* how many run at once; decides the cuts, never the results */
} llmc_tasks;

/*==== 11 DATA ==== JSON and flat settings ====*/

typedef enum llmc_json_type {
    LLMC_JSON_NONE,
    LLMC_JSON_NULL,
    LLMC_JSON_BOOL,
    LLMC_JSON_NUMBER,
    LLMC_JSON_STRING,
    LLMC_JSON_ARRAY,
    LLMC_JSON_OBJECT
} llmc_json_type;

/* A value inside a checked JSON text: a view, copied freely, valid as long as
   the text is. */
typedef struct llmc_json {
    const char *text; /* first byte of the value */
    const char *end;  /* end of the whole text   */
    llmc_json_type type;
} llmc_json;

/* Checks the whole text (RFC 8259, UTF-8, nesting up to LLMC_JSON_DEPTH) and
   gives its value. After this no accessor can fail on syntax. Errors: BAD_FILE. */
#define LLMC_JSON_DEPTH 128
LLMC_API llmc_status llmc_json_parse(const llmc_blob *text, llmc_json *out, llmc_diag *diag);

/* Walks an array or object: start with `it` all zero. False at the end. For an
   array `key` is left alone and may be NULL. */
typedef struct llmc_json_iter {
    const char *at;
    bool started;
} llmc_json_iter;
LLMC_API bool llmc_json_next(llmc_json container, llmc_json_iter *it, llmc_json *key, llmc_json *value);

/* Member of an object (the last one of that name), or a value of type NONE. */
LLMC_API llmc_json llmc_json_get(llmc_json object, const char *key);

/* Value as ...; the fallback when it is absent or of another type or range. */
LLMC_API double llmc_json_number(llmc_json value, double fallback);
LLMC_API int64_t llmc_json_integer(llmc_json value, int64_t fallback);
LLMC_API bool llmc_json_bool(llmc_json value, bool fallback);

/* Unescaped string, NUL-terminated, cut at a character to fit cap. Returns the
   bytes the whole string needs without the NUL; 0 if it is not a string. */
LLMC_API size_t llmc_json_string(llmc_json value, char *out, size_t cap);
LLMC_API bool llmc_json_equal(llmc_json value, const char *text);

/* One setting of a flat file: YAML "key: value", TOML "key = value" under
   "[section]", or members of a JSON object, one level of nesting. */
typedef struct llmc_setting {
    char section[32];
    char key[64];
    char value[256]; /* unquoted; underscores between digits removed */
    uint32_t line;
} llmc_setting;

/* Reads the next setting; start with *at = 0 and pass the same struct each time, which
   carries the section and the line. DONE at the end.
   Errors: BAD_FILE with the line. */
LLMC_API llmc_status llmc_settings_next(const llmc_blob *text, size_t *at, llmc_setting *out,
                                        llmc_diag *diag);

/*==== 12 FILE ==== containers on disk ====*/

typedef enum llmc_file_kind {
    LLMC_FILE_UNKNOWN,
    LLMC_FILE_GGUF,
    LLMC_FILE_LLAMA2C, /* v0, v1 and v2 */
    LLMC_FILE_SAFETENSORS,
    LLMC_FILE_TORCHLESS, /* .bin: JSON header, f32 or int8 */
    LLMC_FILE_MOG,       /* torchless's newer format */
    LLMC_FILE_MPK,       /* model.mpk: a MessagePack record, as nanochat's Rust port writes */
    LLMC_FILE_LLMC,      /* llm.c's GPT-2 */
    LLMC_FILE_JSON,      /* config.json, an index of shards, ... */
    LLMC_FILE_SETTINGS   /* flat YAML or TOML: see llmc_settings_next */
} llmc_file_kind;

/* What a file is, by its first bytes (of settings: by all of them), not that it is sound. */
LLMC_API llmc_file_kind llmc_file_identify(const llmc_blob *file);
LLMC_API const char *llmc_file_kind_name(llmc_file_kind kind);

#define LLMC_NAME_MAX 96
#define LLMC_MAX_DIMS 4

/* A named array inside a file. dim[0] counts the elements of a row, dim[1] the rows; a
   weight matrix has dim[0] inputs and dim[1] outputs, however its file lays them out. */
typedef struct llmc_tensor {
    char name[LLMC_NAME_MAX];
    llmc_dtype type;
    uint32_t n_dims;
    uint64_t dim[LLMC_MAX_DIMS]; /* 1 beyond n_dims */
    const uint8_t *data;         /* little-endian, perhaps unaligned */
    uint64_t bytes;              /* of all elements */
    uint64_t row_bytes;          /* from one row to the next; 0: rows follow each other without a gap */
    bool transposed;   /* F32, F16, BF16: stored [inputs][outputs], element (r, k) at k * dim[1] + r */
    uint32_t row_step; /* transposed: r counts so many outputs; 0: one */
    const uint8_t
        *scales; /* I8, I8R: one f32 for each `group` elements, counted over the whole array; MXFP4S: a byte
                              for each 16 bytes of data */
    uint32_t group;
} llmc_tensor;

/*==== 13 TOKEN ==== text to ids and back ====*/

typedef int32_t llmc_token;
#define LLMC_TOKEN_NONE ((llmc_token)(-1))

typedef struct llmc_tokenizer llmc_tokenizer; /* lives inside its model */

typedef struct llmc_span {
    size_t begin, end; /* bytes [begin, end) */
} llmc_span;

#ifndef LLMC_NO_TOKEN

typedef enum llmc_token_kind {
    LLMC_TOKEN_NORMAL = 1, /* the numbers are GGUF's */
    LLMC_TOKEN_UNKNOWN = 2,
    LLMC_TOKEN_CONTROL = 3,
    LLMC_TOKEN_USER = 4, /* added by the model's makers, found in any text */
    LLMC_TOKEN_UNUSED = 5,
    LLMC_TOKEN_BYTE = 6
} llmc_token_kind;

typedef struct llmc_token_info {
    const char *text; /* as stored; not NUL-terminated */
    size_t text_len;
    float score;
    llmc_token_kind kind;
} llmc_token_info;

typedef enum llmc_special {
    LLMC_SPECIAL_BOS,
    LLMC_SPECIAL_EOS,
    LLMC_SPECIAL_EOT, /* end of a turn */
    LLMC_SPECIAL_UNK,
    LLMC_SPECIAL_PAD,
    LLMC_SPECIAL_COUNT
} llmc_special;

LLMC_API const char *llmc_tokenizer_name(const llmc_tokenizer *tok); /* "llama", "gpt2/gpt-2", ... */
LLMC_API uint32_t llmc_tokenizer_count(const llmc_tokenizer *tok);
LLMC_API llmc_token llmc_tokenizer_special(const llmc_tokenizer *tok, llmc_special which);
LLMC_API bool llmc_tokenizer_adds_bos(const llmc_tokenizer *tok);        /* the model wants one   */
LLMC_API bool llmc_token_ends(const llmc_tokenizer *tok, llmc_token id); /* ends a generation  */
LLMC_API llmc_status llmc_token_get(const llmc_tokenizer *tok, llmc_token id, llmc_token_info *out);
LLMC_API llmc_token llmc_token_find(const llmc_tokenizer *tok, const char *text,
                                    size_t len); /* exact stored text */

typedef struct llmc_encode_options {
    size_t size;
    bool add_bos;           /* put the begin-of-sequence token first, if the model has one */
    bool parse_special;     /* control tokens written out in the text become ids           */
    const llmc_span *plain; /* with parse_special: parts that are never control tokens,    */
    size_t n_plain;         /*   in order; text from people goes here                      */
} llmc_encode_options;

/* Work memory that encoding a text of len bytes may need. */
LLMC_API size_t llmc_encode_need(const llmc_tokenizer *tok, size_t len);

/* Text to ids. ids [cap] written, *n their number; with cap too small *n is what
   it takes and the status NO_MEMORY. Any bytes are accepted. Between words the
   work memory is used again, so less than llmc_encode_need is enough for text
   whose longest word fits; otherwise NO_MEMORY. Errors: BAD_ARG, NO_MEMORY.
   Source: SentencePiece BPE (Kudo 2018); byte-level BPE (Radford 2019). */
LLMC_API llmc_status llmc_encode(const llmc_tokenizer *tok, const char *text, size_t len,
                                 const llmc_encode_options *opt, void *work, size_t work_bytes,
                                 llmc_token *ids, size_t cap, size_t *n, llmc_diag *diag);

typedef struct llmc_decode_options {
    size_t size;
    bool show_special; /* write control tokens as their stored text instead of nothing */
    bool keep_space;   /* keep the space that SentencePiece puts before the first word */
} llmc_decode_options;

/* Ids to bytes: the exact inverse of encode; not NUL-terminated. *len is the
   bytes needed even when cap is too small (NO_MEMORY).
   Errors: BAD_ARG (an id outside the vocabulary), NO_MEMORY. */
LLMC_API llmc_status llmc_decode(const llmc_tokenizer *tok, const llmc_token *ids, size_t n,
                                 const llmc_decode_options *opt, char *text, size_t cap, size_t *len,
                                 llmc_diag *diag);

#endif /* LLMC_NO_TOKEN */

/*==== 14 MODEL ==== configuration, weights, tokenizer ====*/

typedef enum llmc_norm { LLMC_NORM_RMS, LLMC_NORM_LAYER } llmc_norm;
typedef enum llmc_pos { LLMC_POS_NONE, LLMC_POS_ROPE, LLMC_POS_LEARNED, LLMC_POS_SINUSOIDAL } llmc_pos;
typedef enum llmc_rope { LLMC_ROPE_ADJACENT, LLMC_ROPE_HALF } llmc_rope; /* pairs (2i,2i+1) or (i,i+d/2) */

/* How rotary positions reach beyond the length a model was trained for. s is the factor. */
typedef enum llmc_rope_scaling {
    LLMC_ROPE_PLAIN,
    LLMC_ROPE_LINEAR,  /* positions divided by s (Chen 2023)                              */
    LLMC_ROPE_NTK,     /* base * s^(d/(d-2)), once and for all (claude-rust)               */
    LLMC_ROPE_DYNAMIC, /* the same with s (n / original) - (s - 1) for s, n the context, if n > original */
    LLMC_ROPE_YARN,    /* by wavelength, between linear and plain (Peng 2023)              */
    LLMC_ROPE_LLAMA3,  /* by wavelength, with two thresholds (Llama 3.1)                   */
    LLMC_ROPE_FACTORS, /* each frequency divided by its own factor (GGUF's rope_freqs)     */
    LLMC_ROPE_LONG     /* the same, one list for n <= original, one above (LongRoPE, Phi-3) */
} llmc_rope_scaling;

typedef enum llmc_act {
    LLMC_ACT_SILU,
    LLMC_ACT_GELU_TANH,
    LLMC_ACT_GELU_ERF,
    LLMC_ACT_RELU,
    LLMC_ACT_RELU2,     /* max(x, 0)^2 (So 2021)                                            */
    LLMC_ACT_SWIGLU_OAI /* gated only: min(g, 7) sigmoid(1.702 g) (clamp(u, -7, 7) + 1) (gpt-oss) */
} llmc_act;

/* Norms of queries and keys, of the model's kind of norm. */
typedef enum llmc_qk_norm {
    LLMC_QK_NORM_NONE,
    LLMC_QK_NORM_HEAD,  /* each head by itself, one weight [K] for all   */
    LLMC_QK_NORM_HEADS, /* each head by itself, a weight of its own [H][K] */
    LLMC_QK_NORM_WIDTH  /* all heads together [H K]                      */
} llmc_qk_norm;

typedef enum llmc_parallel {
    LLMC_SERIAL,          /* x += attention(norm x); x += feed_forward(norm' x)      */
    LLMC_PARALLEL_SHARED, /* x += attention(norm x) + feed_forward(norm x)           */
    LLMC_PARALLEL_OWN     /* x += attention(norm x) + feed_forward(norm' x), the same x */
} llmc_parallel;

typedef enum llmc_pooling {
    LLMC_POOL_DEFAULT, /* what the model says; MEAN if it does not */
    LLMC_POOL_MEAN,
    LLMC_POOL_CLS, /* the first token */
    LLMC_POOL_LAST
} llmc_pooling;

#define LLMC_MAX_LAYERS 1024

/* A set of layers, a bit each. */
typedef struct llmc_layers {
    uint32_t bits[LLMC_MAX_LAYERS / 32];
} llmc_layers;

/* Describes a model completely; there is no per-family code behind it. Zero is "off" unless
   said otherwise. */
typedef struct llmc_config {
    char family[32];         /* "llama", "gpt2", ...: the row of the family table */
    char name[64];           /* what its makers call it; may be ""           */
    uint32_t vocab_size;     /* V: tokens; rows of the embedding beyond them are padding */
    uint32_t n_layer;        /* L */
    uint32_t n_embd;         /* D: model width */
    uint32_t n_head;         /* H: query heads */
    uint32_t n_kv_head;      /* G: key/value heads, divides H */
    uint32_t head_dim;       /* K */
    uint32_t n_ff;           /* F: feed-forward width (of dense layers) */
    uint32_t context_length; /* trained length */
    /* norms */
    llmc_norm norm;
    float norm_eps;
    bool norm_plain;    /* no norm of the model has a weight (OLMo, nanochat)      */
    bool norm_plus_one; /* stored weights lack 1 (Gemma and Nemotron in their makers' files) */
    bool pre_norm;      /* before attention and feed-forward: the usual place      */
    bool branch_norm;   /* on what they return, before it is added (Gemma 2, OLMo 2) */
    bool post_norm;     /* on the sum (BERT, RustGPT)                              */
    bool embed_norm;    /* on the embedding (BERT, nanochat)                       */
    bool no_out_norm;   /* nothing between the last block and the head             */
    /* ends */
    uint32_t n_token_types;           /* rows of BERT's token type table; type 0 is added */
    float embed_scale;                /* embeddings times this                     */
    float residual_scale;             /* what a branch returns times this          */
    float logit_scale;                /* logits times this                         */
    float logit_softcap, logit_clamp; /* c tanh(x / c); to [-c, c] before and after; 0: off */
    bool tied_head;                   /* the head is the token embedding           */
    bool no_head;                     /* an encoder: hidden states only            */
    llmc_pooling pooling;             /* for llmc_seq_embed; DEFAULT: the model does not say */
    /* positions */
    llmc_pos pos;
    llmc_rope rope;
    uint32_t rope_dims;   /* leading elements of a head that turn; even */
    bool rope_reverse;    /* turns by minus the angle (nanochat) */
    llmc_layers unturned; /* layers without RoPE (SmolLM3, Cohere 2) */
    float rope_base;
    llmc_rope_scaling rope_scaling;
    float rope_factor;             /* s; 1 if it does not apply */
    uint32_t rope_original;        /* length before scaling     */
    float rope_attn_factor;        /* cosine and sine times this; 0: by the rule of the kind */
    float yarn_fast, yarn_slow;    /* turns within the original length: 32, 1 */
    bool yarn_exact;               /* limits of the ramp are not rounded (gpt-oss) */
    float llama3_low, llama3_high; /* 1, 4 */
    bool rope_local;               /* windowed layers turn by rope_local_base, unscaled (Gemma 3, OLMo 3) */
    float rope_local_base;
    /* attention */
    bool bidirectional; /* every token sees all of its sequence (BERT) */
    llmc_parallel parallel;
    uint32_t window_size; /* windowed layers: key j is visible to query i if j > i - window_size */
    uint32_t sink_tokens; /*   or if j < sink_tokens                       */
    llmc_layers windowed;
    float attn_scale;   /* scores times this; 0: 1 / sqrt(K)             */
    float attn_softcap; /* scores c tanh(x / c)                          */
    float attn_clamp;   /* q, k, v to [-c, c]                            */
    llmc_qk_norm qk_norm;
    bool qk_norm_late; /* after the rotation, and without weights (nanochat) */
    float qk_scale;    /* q and k times this after their norm; 0: off     */
    bool qkv_grouped;  /* rows of a fused q, k, v: for each key head its H/G query heads, k, v */
    bool sink_logits;  /* a value for each head joins the softmax (gpt-oss) */
    /* feed-forward */
    llmc_act act;
    bool gated;        /* feed-forward is act(gate x) * (up x) */
    uint32_t n_expert; /* E; 0: none */
    uint32_t n_expert_used;
    uint32_t n_ff_expert; /* width of one expert */
    uint32_t n_ff_shared; /* width of the experts that always run; 0: none */
    bool expert_renorm;   /* weights of the chosen experts sum to 1 */
    llmc_layers dense;    /* layers without experts */
    /* nanochat, 2026-07 */
    uint32_t smear_channels; /* a token also sees its predecessor's embedding, gated by these */
    uint32_t value_channels; /* value embeddings, gated by these channels, on the layers of value_layers */
    llmc_layers value_layers;
    bool x_lambdas;         /* block l reads resid_lambdas[l] x + x0_lambdas[l] x0 */
    uint32_t backout_layer; /* the state after this block, times a weight, is taken off at the end; 0: off */
} llmc_config;

/* Whether layer l is in the set. */
static inline bool llmc_layers_has(const llmc_layers *set, uint32_t l)
{
    return l < LLMC_MAX_LAYERS && ((set->bits[l / 32] >> (l % 32)) & 1u) != 0;
}

typedef struct llmc_model llmc_model;

typedef struct llmc_model_options {
    size_t size;
    llmc_blob
        tokenizer; /* separate tokenizer file (llama2.c tokenizer.bin); takes the place of the model's own */
    bool vocab_only; /* only the tokenizer is wanted; weights may be missing */
    llmc_log log;
} llmc_model_options;

/* A model from its files (today exactly one; split and sharded files come as
   several). Checks every length, count and offset; kernels trust what passed.
   The blobs' bytes and names must outlive the model.
   Errors: BAD_ARG, BAD_FILE, UNSUPPORTED, NO_MEMORY. */
LLMC_API llmc_status llmc_model_need(const llmc_blob *files, size_t n_files, const llmc_model_options *opt,
                                     size_t *bytes, llmc_diag *diag);
LLMC_API llmc_status llmc_model_init(llmc_model **out, const llmc_blob *files, size_t n_files,
                                     const llmc_model_options *opt, void *mem, size_t bytes, llmc_diag *diag);

LLMC_API const llmc_config *llmc_model_config(const llmc_model *model);
LLMC_API const llmc_tokenizer *llmc_model_tokenizer(const llmc_model *model);        /* NULL: it has none */
LLMC_API const char *llmc_model_chat_template(const llmc_model *model, size_t *len); /* NULL: it has none */
LLMC_API llmc_file_kind llmc_model_file_kind(const llmc_model *model);
LLMC_API uint32_t llmc_model_tensor_count(const llmc_model *model);
LLMC_API const llmc_tensor *llmc_model_tensor(const llmc_model *model, uint32_t index);
LLMC_API uint64_t llmc_model_weight_bytes(const llmc_model *model);

/* One row of a tensor as f32, out [dim[0]]. row < dim[1]*dim[2]*dim[3]. */
LLMC_API llmc_status llmc_tensor_row(const llmc_tensor *t, uint64_t row, float *out);

typedef struct llmc_save_options {
    size_t size;
    llmc_dtype type; /* of the matrices; NONE: as they are. Norms and biases stay F32; rows that do not
                        divide into the type's blocks become F16 */
    llmc_progress progress;
    llmc_log log; /* says which tensors were kept in another type */
} llmc_save_options;

/* Writes the model, tokenizer included, as GGUF v3. work: llmc_model_save_need bytes.
   Errors: IO (the writer stopped), CANCELLED, NO_MEMORY, BAD_ARG. */
LLMC_API size_t llmc_model_save_need(const llmc_model *model);
LLMC_API llmc_status llmc_model_save(const llmc_model *model, const llmc_save_options *opt,
                                     const llmc_writer *out, void *work, size_t work_bytes, llmc_diag *diag);

/*==== 18 SAMPLE ==== from logits to a token ====*/

typedef struct llmc_logit_bias {
    llmc_token token;
    float bias; /* added to the logit; -INFINITY forbids */
} llmc_logit_bias;

/* Applied in this order: bias, penalties, temperature, top-k, typical, top-p,
   min-p, draw. All zero is greedy. */
typedef struct llmc_sample_options {
    size_t size;
    float temperature;           /* 0: greedy                                              */
    uint32_t top_k;              /* 0: off                                                 */
    float top_p;                 /* 0 or 1: off (Holtzman 2019)                            */
    float min_p;                 /* 0: off; relative to the most likely (Nguyen 2024)      */
    float typical_p;             /* 0 or 1: off (Meister 2022)                             */
    float repeat_penalty;        /* 0 or 1: off; positive logits divided, negative multiplied (Keskar 2019) */
    float frequency_penalty;     /* times the count, subtracted                            */
    float presence_penalty;      /* subtracted once                                        */
    uint32_t penalty_window;     /* most recent tokens that penalties look at; 0: 64; UINT32_MAX: all */
    const llmc_logit_bias *bias; /* borrowed */
    size_t n_bias;
    uint64_t seed; /* 0 is a seed like any other */
} llmc_sample_options;

/* BAD_ARG names the field: NaN, negative temperature, top_p > 1, ... */
LLMC_API llmc_status llmc_sample_check(const llmc_sample_options *opt, llmc_diag *diag);

/* Work memory for a vocabulary of n. */
LLMC_API size_t llmc_sample_need(size_t n);

/* Draws one token from logits [n]. history [n_history], oldest
   first, is what penalties look at. *logprob (may be NULL) is the natural log of the
   token's probability under the logits as given (temperature 1, before filters).
   rng is used only if temperature > 0, exactly once.
   Errors: BAD_ARG, NO_MEMORY, NOT_FINITE (a NaN, or nothing left to choose). */
LLMC_API llmc_status llmc_sample(const llmc_sample_options *opt, llmc_rng *rng, const float *logits, size_t n,
                                 const llmc_token *history, size_t n_history, void *work, size_t work_bytes,
                                 llmc_token *token, float *logprob, llmc_diag *diag);

/* The natural log of softmax(logits [n])[token], 0 <= token < n; -infinity for a forbidden
   token, NaN if a logit is. */
LLMC_API float llmc_logprob(const float *logits, size_t n, llmc_token token);

/*==== 20 ENGINE ==== sequences running on a model ====*/

typedef struct llmc_engine llmc_engine;
typedef struct llmc_seq llmc_seq;

/* Sees hidden states as they pass: point is "embed", "layer" (after block
   `layer`) or "final"; x [n_tokens][width]. */
typedef struct llmc_tap {
    void (*fn)(void *user, const char *point, uint32_t layer, const float *x, size_t n_tokens, size_t width);
    void *user;
} llmc_tap;

typedef struct llmc_engine_options {
    size_t size;
    uint32_t context_length;    /* most tokens in a sequence; 0: the trained length, at most 4096 */
    uint32_t max_seqs;          /* sequences open at once; 0: 1                                    */
    uint32_t batch_tokens;      /* most tokens in a step, at least max_seqs; 0: 256, encoders: the context */
    uint64_t kv_cache_capacity; /* tokens in the cache, all sequences; 0: max_seqs * context       */
    llmc_dtype kv_type;         /* F32 or F16; NONE: F16                                           */
    uint32_t text_bytes;        /* longest word or conversation in one add; 0: 4 * context, 2^12 to 2^20  */
    llmc_tasks tasks;
    llmc_cpu cpu;
    llmc_log log;           /* DEBUG level reports each layer of each step                         */
    llmc_progress progress; /* prefill, in tokens                                                  */
    llmc_tap tap;
    bool check_finite; /* stop with NOT_FINITE naming the first layer whose values are not finite */
} llmc_engine_options;

/* Bytes by purpose; total is what llmc_engine_need returns. */
typedef struct llmc_engine_memory {
    uint64_t kv_cache, scratch, sequences, total;
} llmc_engine_memory;

/* Memory for one engine. The model must outlive it; one thread drives it.
   Errors: BAD_ARG, NO_MEMORY. */
LLMC_API llmc_status llmc_engine_need(const llmc_model *model, const llmc_engine_options *opt, size_t *bytes,
                                      llmc_diag *diag);
LLMC_API llmc_status llmc_engine_quote(const llmc_model *model, const llmc_engine_options *opt,
                                       llmc_engine_memory *out, llmc_diag *diag);
LLMC_API llmc_status llmc_engine_init(llmc_engine **out, const llmc_model *model,
                                      const llmc_engine_options *opt, void *mem, size_t bytes,
                                      llmc_diag *diag);
LLMC_API const llmc_model *llmc_engine_model(const llmc_engine *engine);
LLMC_API uint32_t llmc_engine_context(const llmc_engine *engine);
LLMC_API const char *llmc_engine_isa(const llmc_engine *engine);

/* Looks at, changes or replaces the choice of a token: logits [n] may be changed;
   return a token to choose it, LLMC_TOKEN_NONE to let the sampler choose. */
typedef struct llmc_chooser {
    llmc_token (*fn)(void *user, llmc_seq *seq, float *logits, size_t n);
    void *user;
} llmc_chooser;

typedef struct llmc_seq_options {
    size_t size;
    const llmc_sample_options *sample; /* copied; NULL: greedy */
    uint32_t max_tokens;               /* generated after each add; 0: until the end or a full context */
    const char *const *stop;           /* end the text before any of these strings; borrowed           */
    size_t n_stop;
    bool ignore_end;   /* go on past end-of-generation tokens        */
    bool show_special; /* control tokens appear in the text          */
    llmc_chooser chooser;
    void *user; /* the caller's own; llmc_seq_user gives it back  */
} llmc_seq_options;

#define LLMC_STOP_MAX 128 /* longest stop string in bytes */

typedef enum llmc_finish {
    LLMC_FINISH_NONE,
    LLMC_FINISH_END,     /* the model ended its text */
    LLMC_FINISH_STOP,    /* a stop string            */
    LLMC_FINISH_LENGTH,  /* max_tokens               */
    LLMC_FINISH_CONTEXT, /* the context is full      */
    LLMC_FINISH_FAILED   /* no token could be chosen; the step's status and diag say why */
} llmc_finish;

/* What one generated token added. text is UTF-8, NUL-terminated, valid until the
   engine is next used; "" while bytes are held back that may belong to a character
   or stop string not complete yet. */
typedef struct llmc_piece {
    llmc_token token;
    float logprob; /* as llmc_logprob of the token, before penalties and filters */
    const char *text;
    size_t text_len;
    llmc_finish finish; /* not NONE: this is the last piece */
} llmc_piece;

/* Opens a sequence: FULL if max_seqs are open. opt's pointers are borrowed
   until the sequence is closed; the structs themselves are copied. */
LLMC_API llmc_status llmc_seq_open(llmc_seq **out, llmc_engine *engine, const llmc_seq_options *opt,
                                   llmc_diag *diag);
LLMC_API void llmc_seq_close(llmc_seq *seq);

/* Other options from the next token on; the random numbers begin anew from the seed. */
LLMC_API llmc_status llmc_seq_configure(llmc_seq *seq, const llmc_seq_options *opt, llmc_diag *diag);

/* Appends what the model has to read next; nothing is computed yet. A sequence
   that had finished goes on. Text gets BOS if it opens the sequence and the
   model wants one; control tokens written in it stay text.
   Errors: BAD_ARG (id), FULL (does not fit the context), NO_MEMORY (text_bytes). */
LLMC_API llmc_status llmc_seq_add_ids(llmc_seq *seq, const llmc_token *ids, size_t n, llmc_diag *diag);
LLMC_API llmc_status llmc_seq_add_text(llmc_seq *seq, const char *text, size_t len, llmc_diag *diag);

/* Forgets everything from position n on. What is left has to be answered again: the sequence
   goes on generating after its last token. */
LLMC_API llmc_status llmc_seq_truncate(llmc_seq *seq, size_t n, llmc_diag *diag);

/* Every token so far, read or generated; *n their number. */
LLMC_API const llmc_token *llmc_seq_ids(const llmc_seq *seq, size_t *n);
LLMC_API llmc_finish llmc_seq_finish(const llmc_seq *seq);
LLMC_API void *llmc_seq_user(const llmc_seq *seq);

/* One batch over all sequences with something to do, up to batch_tokens tokens. A
   sequence whose input is read to the end gets one new token, as a piece to be taken;
   until it is taken the sequence waits. DONE: nothing to do.
   Errors: FULL (no page left; a smaller load goes on), CANCELLED, NOT_FINITE, BAD_ARG (an encoder). */
LLMC_API llmc_status llmc_engine_step(llmc_engine *engine, llmc_diag *diag);

/* Takes the sequence's piece if it has one. */
LLMC_API bool llmc_seq_poll(llmc_seq *seq, llmc_piece *piece);

/* Steps the engine until this sequence has a piece, and takes it. DONE after the
   last piece; the piece is then empty but for `finish`. */
LLMC_API llmc_status llmc_seq_next(llmc_seq *seq, llmc_piece *piece, llmc_diag *diag);

/* Feeds n tokens (n <= batch_tokens) of one sequence without sampling, and writes
   the logits of the last n_logits of them: logits [n_logits][V]. For perplexity,
   embeddings' kin and anyone with a sampler of their own. */
LLMC_API llmc_status llmc_seq_forward(llmc_seq *seq, const llmc_token *ids, size_t n, float *logits,
                                      size_t n_logits, llmc_diag *diag);

/* A text as one vector, out [D] of length 1: the mean, the first or the last of its tokens' final
   states, from encoders and generators alike. The sequence has to be empty, and is so afterwards.
   Encoders, whose tokens see both ways, take at most batch_tokens.
   Errors: BAD_ARG, FULL (context), NOT_FINITE, CANCELLED. */
LLMC_API llmc_status llmc_seq_embed(llmc_seq *seq, const llmc_token *ids, size_t n, llmc_pooling pooling,
                                    float *out, llmc_diag *diag);

/*==== 21 CHAT ==== conversations as tokens ====*/
#ifndef LLMC_NO_CHAT

typedef enum llmc_chat_format {
    LLMC_CHAT_AUTO, /* recognised from the model's template and vocabulary; RAW if neither says */
    LLMC_CHAT_RAW,  /* the messages' text, nothing else */
    LLMC_CHAT_CHATML,
    LLMC_CHAT_LLAMA2,
    LLMC_CHAT_LLAMA3,
    LLMC_CHAT_ZEPHYR, /* TinyLlama's, too */
    LLMC_CHAT_FORMAT_COUNT
} llmc_chat_format;

LLMC_API const char *llmc_chat_format_name(llmc_chat_format format);
LLMC_API llmc_status llmc_chat_format_named(const char *name, llmc_chat_format *out);
LLMC_API llmc_chat_format llmc_chat_format_of(const llmc_model *model);

typedef struct llmc_message {
    const char *role; /* "system", "user" or "assistant" */
    const char *text;
} llmc_message;

/* Writes the conversation as the model was trained to see it, ending where the
   assistant begins to speak. text [cap], *len as llmc_decode does. plain
   [n_messages] gets where each message's own text stands: the parts never parsed
   for control tokens. Errors: BAD_ARG (role, order), NO_MEMORY. */
LLMC_API llmc_status llmc_chat_render(llmc_chat_format format, const llmc_message *messages,
                                      size_t n_messages, char *text, size_t cap, size_t *len,
                                      llmc_span *plain, llmc_diag *diag);

/* Makes the sequence's tokens those of this conversation: what it already holds
   of them stays computed, the rest is appended. Errors: as above, FULL. */
LLMC_API llmc_status llmc_seq_chat(llmc_seq *seq, llmc_chat_format format, const llmc_message *messages,
                                   size_t n_messages, llmc_diag *diag);

#endif /* LLMC_NO_CHAT */

/*==== 26 OS ==== files, threads and memory of a hosted system ====*/
#ifndef LLMC_NO_OS

typedef struct llmc_pool llmc_pool; /* threads that spin briefly, then sleep */

/* threads: 0 for as many as this process may use (affinity and cgroup quota). */
LLMC_API llmc_status llmc_pool_open(llmc_pool **out, uint32_t threads, llmc_diag *diag);
LLMC_API void llmc_pool_close(llmc_pool *pool);
LLMC_API llmc_tasks llmc_pool_tasks(llmc_pool *pool);
LLMC_API uint32_t llmc_os_threads(void); /* processors this process may use */

/* A file mapped read-only. Empty files map to size 0. Errors: IO, with the reason. */
LLMC_API llmc_status llmc_map_open(llmc_blob *out, const char *path, llmc_diag *diag);
LLMC_API void llmc_map_close(llmc_blob *file);

/* Zeroed pages from the system. Errors: NO_MEMORY. */
LLMC_API llmc_status llmc_os_memory(void **out, size_t bytes, llmc_diag *diag);
LLMC_API void llmc_os_release(void *mem, size_t bytes);

LLMC_API uint64_t llmc_os_nanoseconds(void);                            /* monotonic             */
LLMC_API bool llmc_os_terminal(int fd, uint32_t *cols, uint32_t *rows); /* false: not a terminal */

typedef struct llmc_open_options {
    size_t size;
    const char *tokenizer_path; /* separate tokenizer file, or NULL */
    uint32_t threads;           /* 0: all allowed                   */
    bool no_engine;             /* only the model                   */
    bool no_mmap;               /* read into memory instead         */
    const llmc_model_options *model;
    const llmc_engine_options *engine; /* its tasks: the pool, unless given */
    const llmc_seq_options *seq;
    llmc_progress progress; /* touching cold files, with no_mmap */
} llmc_open_options;

/* A model opened from a path, with an engine, one sequence, threads and memory. */
typedef struct llmc_host {
    llmc_model *model;
    llmc_engine *engine; /* NULL with no_engine */
    llmc_seq *seq;
    llmc_pool *pool;
    llmc_blob file, tokenizer; /* file: the first one with weights */
    llmc_blob *files;          /* [n_files] all that the model was made from */
    uint32_t n_files;
    size_t files_bytes;
    void *model_mem, *engine_mem; /* released by llmc_close */
    size_t model_bytes, engine_bytes;
} llmc_host;

/* path: a model file; a part of a split GGUF or of sharded safetensors, which brings the others; or a folder: Hugging
   Face's, a checkpoint folder of claude-rust or nanochat (the newest is meant), or one with a single GGUF.
   Errors: everything above and IO. On failure nothing stays open. The path must outlive the
   host: it is the file's name in messages. */
LLMC_API llmc_status llmc_open(llmc_host *host, const char *path, const llmc_open_options *opt,
                               llmc_diag *diag);
LLMC_API void llmc_close(llmc_host *host);

#endif /* LLMC_NO_OS */

#ifdef __cplusplus
}
#endif
#endif /* LLMC_H */
/* ============================================================================
   IMPLEMENTATION

   Dimension letters, used in every comment below:
     T tokens in a batch    D model width (n_embd)    H query heads (n_head)
     G key/value heads      K head size (head_dim)    F feed-forward width (n_ff)
     V vocabulary           L layers (n_layer)        E experts
   ============================================================================ */
#if defined(LLMC_IMPLEMENTATION) && !defined(LLMC__PASS)
#ifndef LLMC__IMPLEMENTED
#define LLMC__IMPLEMENTED

//==[ 01 CONFIG ]==== feature macros for system headers, build-wide settings ==== needs: - ====

//--[ 01.1 CONFIG.rounding ]-- a * b + c is two roundings unless fma is written
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__) && !defined(__TINYC__)
#pragma GCC push_options
/* The second option: a loop over bytes must not become a call of strlen. */
#pragma GCC optimize("fp-contract=off", "no-tree-loop-distribute-patterns")
#elif defined(_MSC_VER)
#pragma fp_contract(off)
#endif

#ifdef __cplusplus
extern "C" {
#endif

LLMC_API uint32_t llmc_version(void)
{
    return LLMC_VERSION_NUMBER;
}

//==[ 02 PLATFORM ]==== compiler, byte order, processor ==== needs: 01 ====

//--[ 02.1 PLATFORM.compiler ]-- attributes and the four memory functions
/* LLMC__GNU       the compiler speaks gcc's attributes, builtins and inline assembly
   LLMC__UNUSED    helpers that some gates or instruction sets leave without a caller
   LLMC__FORMAT    lets the compiler check our message texts against their arguments
   LLMC__NOINLINE  keeps a big scratch array out of its callers' stack frames */
#if defined(__GNUC__) || defined(__clang__)
#define LLMC__GNU    1
#define LLMC__UNUSED __attribute__((unused))
#if defined(__STDC_HOSTED__) && __STDC_HOSTED__ == 0
#define LLMC__FORMAT(fmt, args) /* newlib's uint32_t is long, which %u does not mind there */
#elif defined(__MINGW32__) && !defined(__clang__)
#define LLMC__FORMAT(fmt, args) __attribute__((format(gnu_printf, fmt, args)))
#else
#define LLMC__FORMAT(fmt, args) __attribute__((format(printf, fmt, args)))
#endif
#define LLMC__NOINLINE __attribute__((noinline))
/* Without optimisation each inlined helper keeps stack of its own, and tiles would pass 16 KB. */
#if defined(__OPTIMIZE__)
#define LLMC__ALWAYS __attribute__((always_inline))
#else
#define LLMC__ALWAYS
#endif
#else
#define LLMC__GNU 0
#define LLMC__UNUSED
#define LLMC__FORMAT(fmt, args)
#define LLMC__NOINLINE
#endif

/* The only functions that the core asks of a C library. All four or none: who defines
   LLMC_MEMCPY also defines LLMC_MEMMOVE, LLMC_MEMSET and LLMC_MEMCMP. Elsewhere they are
   declared by hand, because <string.h> need not exist in a freestanding build. */
#if defined(LLMC_MEMCPY) || defined(LLMC_MEMMOVE) || defined(LLMC_MEMSET) || defined(LLMC_MEMCMP)
#if !(defined(LLMC_MEMCPY) && defined(LLMC_MEMMOVE) && defined(LLMC_MEMSET) && defined(LLMC_MEMCMP))
#error "llmc.h: define all of LLMC_MEMCPY, LLMC_MEMMOVE, LLMC_MEMSET, LLMC_MEMCMP, or none"
#endif
#endif
#ifndef LLMC_MEMCPY
#if LLMC__GNU && !defined(__TINYC__)
#define LLMC_MEMCPY  __builtin_memcpy
#define LLMC_MEMMOVE __builtin_memmove
#define LLMC_MEMSET  __builtin_memset
#define LLMC_MEMCMP  __builtin_memcmp
#else
void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);
#define LLMC_MEMCPY  memcpy
#define LLMC_MEMMOVE memmove
#define LLMC_MEMSET  memset
#define LLMC_MEMCMP  memcmp
#endif
#endif

//--[ 02.2 PLATFORM.order ]-- little-endian bytes, aligned or not, to native numbers
/* Compilers that do not say (Microsoft's) only build for little-endian machines. */
#if defined(__BYTE_ORDER__) && defined(__ORDER_BIG_ENDIAN__)
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LLMC__BIG_ENDIAN 1
#endif
#endif
#ifndef LLMC__BIG_ENDIAN
#define LLMC__BIG_ENDIAN 0
#endif

/* llmc__u16le, u32le, u64le -- a number as files store it, from any address
   memcpy and not a cast: a file's arrays may begin at odd bytes, and an unaligned pointer is
   undefined in C. Compilers make one load of it. The caller has checked that the bytes are there. */
static inline uint16_t llmc__u16le(const void *p)
{
    uint16_t v;
    LLMC_MEMCPY(&v, p, 2);
#if LLMC__BIG_ENDIAN
    v = (uint16_t)((v >> 8) | (v << 8));
#endif
    return v;
}

static inline uint32_t llmc__u32le(const void *p)
{
    uint32_t v;
    LLMC_MEMCPY(&v, p, 4);
#if LLMC__BIG_ENDIAN
    /* bytes 3 2 1 0 -> 0 1 2 3 */
    v = (v >> 24) | ((v >> 8) & 0xff00u) | ((v << 8) & 0xff0000u) | (v << 24);
#endif
    return v;
}

static inline uint64_t llmc__u64le(const void *p)
{
    const uint8_t *b = (const uint8_t *)p; /* two halves, the low one first */
    return (uint64_t)llmc__u32le(b) | ((uint64_t)llmc__u32le(b + 4) << 32);
}

/* The way back. By shifts, so there is no byte order to ask for; writing is never the slow part. */
static inline void llmc__put_u16le(void *p, uint16_t v)
{
    uint8_t *b = (uint8_t *)p;
    b[0] = (uint8_t)v;
    b[1] = (uint8_t)(v >> 8);
}

static inline void llmc__put_u32le(void *p, uint32_t v)
{
    uint8_t *b = (uint8_t *)p;
    llmc__put_u16le(b, (uint16_t)v);
    llmc__put_u16le(b + 2, (uint16_t)(v >> 16));
}

static inline void llmc__put_u64le(void *p, uint64_t v)
{
    uint8_t *b = (uint8_t *)p;
    llmc__put_u32le(b, (uint32_t)v);
    llmc__put_u32le(b + 4, (uint32_t)(v >> 32));
}

/* A float's pattern and back: the one way in both C and C++ that no optimiser may misread.
     31    30..23     22..0
     sign  exponent   fraction      value (-1)^sign 2^(exponent - 127) 1.fraction;
   exponent 0: zero and subnormals, 255: infinity (fraction 0) and NaN */
static inline uint32_t llmc__f32_bits(float f)
{
    uint32_t u;
    LLMC_MEMCPY(&u, &f, 4);
    return u;
}

static inline float llmc__bits_f32(uint32_t u)
{
    float f;
    LLMC_MEMCPY(&f, &u, 4);
    return f;
}

/* An f32 of a file: tensor data, scores, scales. */
static inline float llmc__f32le(const void *p)
{
    return llmc__bits_f32(llmc__u32le(p));
}

/* NaN, whatever the compiler assumes of floats. */
static inline bool llmc__nan(float x)
{
    return (llmc__f32_bits(x) & 0x7fffffffu) > 0x7f800000u;
}

/* Neither infinite nor NaN, whatever the compiler assumes of floats: by the bits, because
   -ffast-math lets it take x == x for true. */
static inline bool llmc__finite(float x)
{
    return (llmc__f32_bits(x) & 0x7f800000u) != 0x7f800000u;
}

//--[ 02.3 PLATFORM.cpu ]-- which kernels this build has, and which the processor can run
/* The only place that looks at the target's macros. Below VEC and KERNEL the code asks nobody:
   a kernel is compiled if its set is in the build, and run if llmc_cpu_detect says so. */
/* LLMC__AVX2 and LLMC__NEON: 0 not in this build, 1 the compiler's intrinsics, 2 through
   SIMDe. Big-endian machines and tcc are scalar.

     target                          AVX2          NEON
     x86, any compiler but tcc       1, run time   0
     AArch64, little-endian          0             1
     others, with SIMDe's headers    2             0
     LLMC_SIMDE                      2             2       one set in practice: AVX2 is asked first
   The two stand for kernels in this build; whether the processor has them is llmc_cpu_detect's. */
#if defined(LLMC_NO_SIMD) || defined(__TINYC__) || LLMC__BIG_ENDIAN
#define LLMC__AVX2 0
#define LLMC__NEON 0
#elif defined(LLMC_SIMDE)
#define LLMC__AVX2 2
#define LLMC__NEON 2
#elif (LLMC__GNU &&                                                                                  \
       (defined(__x86_64__) || (defined(__i386__) && (!defined(_MSC_VER) || defined(__SSE2__))))) || \
    (!LLMC__GNU && (defined(_M_X64) || defined(_M_IX86)))
#define LLMC__AVX2 1
#define LLMC__NEON 0
#elif (defined(__aarch64__) && LLMC__GNU) || defined(_M_ARM64)
#define LLMC__AVX2 0
#define LLMC__NEON 1
#elif defined(__has_include) && (!defined(__STDC_HOSTED__) || __STDC_HOSTED__)
#if __has_include(<simde/x86/avx2.h>) /* libsimde-dev; optional */
#define LLMC__AVX2 2
#define LLMC__NEON 0
#endif
#endif
#ifndef LLMC__AVX2
#define LLMC__AVX2 0
#define LLMC__NEON 0
#endif

#ifdef __cplusplus
} /* intrinsics headers may hold templates, which cannot have C's linkage */
#endif
/* From here to the end of 09 every vector type and intrinsic comes from one of these. SIMDe's
   aliases let the kernels keep the native spelling (_mm256_add_ps) on a machine without it. */
#if LLMC__AVX2 == 2
#if LLMC__GNU
/* Without AVX a __m256 crosses a call in memory. Ours never leave this file, so no ABI is
   hurt; undone at the end of 09. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpsabi"
#endif
#ifndef SIMDE_ENABLE_NATIVE_ALIASES
#define SIMDE_ENABLE_NATIVE_ALIASES
#endif
#include <simde/x86/avx2.h>
#include <simde/x86/fma.h>
#elif LLMC__AVX2 == 1
/* Without this gcc's and clang's header brings in <stdlib.h> for _mm_malloc. Hidden for this one
   include only, so that a program which wants _mm_malloc can still have it. */
#if LLMC__GNU && !defined(_MM_MALLOC_H_INCLUDED) && !defined(__MM_MALLOC_H)
#define _MM_MALLOC_H_INCLUDED
#define __MM_MALLOC_H
#define LLMC__HID_MM_MALLOC
#endif
#include <immintrin.h>
#ifdef LLMC__HID_MM_MALLOC
#undef _MM_MALLOC_H_INCLUDED
#undef __MM_MALLOC_H
#undef LLMC__HID_MM_MALLOC
#endif
#if defined(__clang__) && defined(_MSC_VER)
/* For Microsoft's target clang leaves these out unless a flag asks for them. */
#include <avxintrin.h>
#include <avx2intrin.h>
#include <f16cintrin.h>
#include <fmaintrin.h>
#endif
/* The instruction that asks the processor: a macro of gcc and clang, an intrinsic of Microsoft's. */
#if LLMC__GNU
#include <cpuid.h>
#else
#include <intrin.h>
#endif
#endif
#if LLMC__NEON == 2
#include <simde/arm/neon.h>
#elif LLMC__NEON == 1
#include <arm_neon.h>
#endif
#ifdef __cplusplus
extern "C" {
#endif

#if LLMC__AVX2 == 1

/* out: eax ebx ecx edx of the leaf (subleaf 0), zero where the processor has no such leaf: then
   no feature bit is set, which is the safe answer. */
static void llmc__cpuid(uint32_t leaf, uint32_t out[4])
{
    out[0] = out[1] = out[2] = out[3] = 0; /* the answer for leaves that are not there */
#if LLMC__GNU
    /* compares leaf with the largest one itself, and leaves out alone if it is beyond */
    (void)__get_cpuid_count(leaf, 0, &out[0], &out[1], &out[2], &out[3]);
#else
    int most[4], info[4];
    __cpuid(most, 0); /* eax of leaf 0: the largest leaf */
    if ((uint32_t)most[0] < leaf)
        return;
    __cpuidex(info, (int)leaf, 0);
    LLMC_MEMCPY(out, info, sizeof info);
#endif
}

/* XCR0, which register state the operating system saves: bit 1 XMM, bit 2 the upper halves of
   YMM. Only after OSXSAVE was seen, else the instruction is an illegal one. */
static uint32_t llmc__xcr0(void)
{
#if LLMC__GNU
    uint32_t low, high;
    /* as bytes: the mnemonic needs -mxsave with some assemblers, the intrinsic with all compilers */
    __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(low), "=d"(high) : "c"(0)); /* xgetbv */
    return low;
#else
    return (uint32_t)_xgetbv(0);
#endif
}

/* AVX2, FMA and F16C, and an operating system that keeps the wide registers.
   Leaf 1 ecx: 12 FMA, 27 OSXSAVE, 28 AVX, 29 F16C; leaf 7 ebx: 5 AVX2. A processor that has them
   under a system which does not save YMM would lose values at every thread switch.
   Source: Intel SDM vol. 1, 14.3 and 14.7. */
static bool llmc__has_avx2(void)
{
    const uint32_t fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28, f16c = 1u << 29, avx2 = 1u << 5;
    const uint32_t need = fma | osxsave | avx | f16c;
    uint32_t r[4];
    llmc__cpuid(1, r);
    /* in this order: xgetbv is legal only where OSXSAVE is set */
    if ((r[2] & need) != need || (llmc__xcr0() & 6u) != 6u)
        return false;
    llmc__cpuid(7, r);
    return (r[1] & avx2) != 0;
}

#endif /* LLMC__AVX2 == 1 */

/* llmc_cpu_detect -- what this build and this processor have in common    (PLATFORM.cpu)
   SCALAR is always among it. Asks the processor every time (a few hundred cycles): there
   is no mutable global to keep the answer in, so callers ask once and keep it. */
LLMC_API llmc_cpu llmc_cpu_detect(void)
{
    llmc_cpu cpu;
    cpu.features = LLMC_CPU_SCALAR;
#if LLMC__AVX2 == 1
    if (llmc__has_avx2())
        cpu.features |= LLMC_CPU_AVX2;
#elif LLMC__AVX2 == 2 /* SIMDe's are C: nothing to ask the processor for */
    cpu.features |= LLMC_CPU_AVX2;
#endif
#if LLMC__NEON /* every AArch64 has it */
    cpu.features |= LLMC_CPU_NEON;
#endif
    return cpu;
}

/* The one set that cpu selects: the best of what it names and what can run here. A set that
   cannot run falls back to scalar, never to an illegal instruction; features 0 means any. */
static uint32_t llmc__cpu_best(llmc_cpu cpu)
{
    uint32_t can = llmc_cpu_detect().features; /* never more than the processor has */
    if (cpu.features != 0)
        can &= cpu.features;
    return (can & LLMC_CPU_AVX2) != 0   ? (uint32_t)LLMC_CPU_AVX2
           : (can & LLMC_CPU_NEON) != 0 ? (uint32_t)LLMC_CPU_NEON
                                        : (uint32_t)LLMC_CPU_SCALAR;
}

/* A static string, for reports. */
LLMC_API const char *llmc_cpu_name(llmc_cpu cpu)
{
    switch (llmc__cpu_best(cpu)) {
    case LLMC_CPU_AVX2:
        return LLMC__AVX2 == 2 ? "avx2 (simde)" : "avx2";
    case LLMC_CPU_NEON:
        return LLMC__NEON == 2 ? "neon (simde)" : "neon";
    default:
        return "scalar";
    }
}

/* name is compared exactly, in lower case. llmc__streq belongs to 03, which this section
   cannot use: hence the loops. */
LLMC_API bool llmc_cpu_named(const char *name, llmc_cpu *out)
{
    static const char *const names[] = {"scalar", "avx2", "neon"};
    static const uint32_t bits[] = {LLMC_CPU_SCALAR, LLMC_CPU_AVX2, LLMC_CPU_NEON};
    static const char automatic[] = "auto";
    llmc_cpu can = llmc_cpu_detect(); /* what is not in it is refused, not replaced */
    size_t i, at;
    for (at = 0; name[at] != 0 && name[at] == automatic[at]; at++) {}
    if (name[at] == automatic[at]) { /* both at their NUL */
        *out = can;
        return true;
    }
    for (i = 0; i < 3; i++) {
        for (at = 0; name[at] != 0 && name[at] == names[i][at]; at++) {}
        if (name[at] == names[i][at] && (can.features & bits[i]) != 0) {
            out->features = bits[i];
            return true;
        }
    }
    return false;
}

//==[ 03 STATUS ]==== status texts, diagnostics, formatting, logging ==== needs: 02 ====

//--[ 03.1 STATUS.text ]-- strings without a C library
/* Bytes before the NUL. */
static inline size_t llmc__strlen(const char *s)
{
    size_t n = 0;
    while (s[n] != 0)
        n++;
    return n;
}

/* Two NUL-terminated strings, byte for byte. */
static inline bool llmc__streq(const char *a, const char *b)
{
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* a [n], not NUL-terminated (a view into a file), against b. A NUL inside a never equals
   the one that ends b, so "bpe\0x" is not taken for "bpe". */
static inline bool llmc__texteq(const char *a, size_t n, const char *b)
{
    size_t i;
    for (i = 0; i < n; i++)
        if (b[i] == 0 || a[i] != b[i])
            return false;
    return b[n] == 0;
}

/* A name for messages, of a long path its end: at most 96 bytes, from a character's first byte
   on, so that what is wrong still fits a diag. */
LLMC__UNUSED static const char *llmc__short_name(const char *name)
{
    size_t n = llmc__strlen(name);
    if (n > 96)
        for (name += n - 96; ((unsigned char)*name & 0xc0) == 0x80;)
            name++;
    return name;
}

/* ASCII only: no locale, and no byte of a UTF-8 sequence changes. */
static inline char llmc__lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* Copies at most cap - 1 bytes of src [n] and a NUL; returns whether all of src fit. cap >= 1.
   The cut may fall inside a UTF-8 character: callers refuse what did not fit. */
static inline bool llmc__strcopy(char *dst, size_t cap, const char *src, size_t n)
{
    size_t m = n < cap ? n : cap - 1;
    LLMC_MEMCPY(dst, src, m);
    dst[m] = 0;
    return m == n;
}

/* Length of the UTF-8 character that s [n] begins with: 1..4; 0 if its bytes are not all
   there yet (n >= 1); -k if its first k bytes are one mistake.
       first byte   second    third and fourth
       00..7f       -         -                  ASCII
       c2..df       80..bf    -                  c0 and c1 could only be overlong
       e0           a0..bf    80..bf             below a0: overlong
       e1..ef       80..bf    80..bf             ed: 80..9f, above are surrogates
       f0           90..bf    80..bf             below 90: overlong
       f1..f3       80..bf    80..bf
       f4           80..8f    80..bf             above 8f: beyond U+10FFFF
   Source: Unicode 15, 3.9 and table 3-7. */
static int llmc__utf8_length(const char *s, size_t n)
{
    const uint8_t *b = (const uint8_t *)s;
    uint8_t low = 0x80, high = 0xbf;
    int need, i;
    if (b[0] < 0x80)
        return 1;
    if (b[0] < 0xc2 || b[0] > 0xf4)
        return -1;
    need = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
    if (b[0] == 0xe0)
        low = 0xa0;
    if (b[0] == 0xed)
        high = 0x9f;
    if (b[0] == 0xf0)
        low = 0x90;
    if (b[0] == 0xf4)
        high = 0x8f;
    for (i = 1; i < need; i++) {
        if ((size_t)i >= n)
            return 0;
        if (b[i] < low || b[i] > high)
            return -i;
        low = 0x80; /* only the second byte has narrower bounds */
        high = 0xbf;
    }
    return need;
}

/* A static string. A number that is no status (from an older or newer library) is named as such. */
LLMC_API const char *llmc_status_text(llmc_status status)
{
#ifdef LLMC_NO_STRINGS
    (void)status;
    return "";
#else
    static const char *const text[] = {
#define LLMC__STATUS_TEXT(name, words) words,
        LLMC_STATUS_LIST(LLMC__STATUS_TEXT)
#undef LLMC__STATUS_TEXT
    };
    return (unsigned)status < LLMC_STATUS_COUNT ? text[status] : "unknown status";
#endif
}

//--[ 03.2 STATUS.format ]-- the few conversions that messages use
/* Why a formatter of our own: printf is libc's, asks for a locale and floats, and passes control
   bytes of a hostile file on to the terminal.

   Output that never overflows: what does not fit is dropped, so a message is cut, not lost. */
typedef struct llmc__text {
    char *at, *end; /* one byte is kept for the NUL */
} llmc__text;

/* One byte as it is. The one place that knows where the memory ends,
   so nothing else here can overflow. */
static void llmc__text_put(llmc__text *t, char c)
{
    if (t->at < t->end)
        *t->at++ = c;
}

/* Decimal, zeros before it up to width digits. 2^64 - 1 has 20 digits. */
static void llmc__text_u64(llmc__text *t, uint64_t v, unsigned width)
{
    char digit[20];
    unsigned n = 0;
    do {
        digit[n++] = (char)('0' + (char)(v % 10));
        v /= 10;
    } while (v != 0);
    while (width > n) {
        llmc__text_put(t, '0');
        width--;
    }
    while (n > 0)
        llmc__text_put(t, digit[--n]);
}

/* s [n]. What could disturb a terminal or a log line becomes '?': names of keys and tensors come
   from files, and no escape sequence in one may reach a screen. That is control characters, those
   above U+007F too (U+009B opens a sequence), and bytes that are no UTF-8. */
static void llmc__text_clean(llmc__text *t, const char *s, size_t n)
{
    while (n > 0) {
        int length = llmc__utf8_length(s, n);
        size_t step = length > 0 ? (size_t)length : length < 0 ? (size_t)-length : n;
        bool control = (unsigned char)s[0] < 0x20 || s[0] == 0x7f ||
                       (length == 2 && (unsigned char)s[0] == 0xc2 && (unsigned char)s[1] < 0xa0);
        if (length <= 0 || control) {
            llmc__text_put(t, '?');
        } else if (length <= t->end - t->at) {
            LLMC_MEMCPY(t->at, s, step);
            t->at += length;
        } else {
            t->end = t->at; /* no part of a character, and nothing after it */
        }
        s += step;
        n -= step;
    }
}

/* Six decimals after the point, trailing zeros dropped; powers of ten for the rest.
   For people, not for reading back: scaling by ten rounds each time. */
static void llmc__text_f64(llmc__text *t, double v)
{
    int exponent = 0;
    uint64_t fraction;
    char digit[6];
    int n = 6, i;
    if (v != v) { /* the only value unlike itself */
        llmc__text_clean(t, "nan", 3);
        return;
    }
    if (v < 0) {
        llmc__text_put(t, '-');
        v = -v;
    }
    if (v > DBL_MAX) {
        llmc__text_clean(t, "inf", 3);
        return;
    }
    if (v >= 1e9) /* so that v * 1e6 fits 64 bits; at most 310 steps */
        for (; v >= 10; exponent++)
            v /= 10;
    else if (v > 0 && v < 1e-4) /* at most 324 steps, for the smallest subnormal */
        for (; v < 1; exponent--)
            v *= 10;
    fraction = (uint64_t)(v * 1e6 + 0.5); /* whole and fraction in millionths, so a carry needs no care */
    if (exponent != 0 && fraction >= 10000000u) { /* but 9.9999999e-5 is 1e-4 */
        fraction = 1000000u;
        exponent++;
    }
    llmc__text_u64(t, fraction / 1000000u, 1);
    fraction %= 1000000u;
    for (i = 5; i >= 0; i--) {
        digit[i] = (char)('0' + (char)(fraction % 10));
        fraction /= 10;
    }
    while (n > 0 && digit[n - 1] == '0')
        n--; /* digits worth writing */
    if (n > 0)
        llmc__text_put(t, '.');
    for (i = 0; i < n; i++)
        llmc__text_put(t, digit[i]);
    if (exponent != 0) {
        llmc__text_put(t, 'e');
        if (exponent < 0)
            llmc__text_put(t, '-');
        llmc__text_u64(t, (uint64_t)(exponent < 0 ? -exponent : exponent), 1);
    }
}

/* llmc__vformat -- a message into out [cap], always NUL-terminated; cap >= 1   (STATUS.format)
   printf's %s %.*s %c %d %u %zu %llu %lld %g and %%; %s arguments are cleaned, the format's own
   text and %c are not: they are ours. %.*s reads at most that many bytes, so a view into a file
   needs no NUL. Other conversions do not occur; the format attribute on the callers lets the
   compiler prove that arguments match. */
static void llmc__vformat(char *out, size_t cap, const char *fmt, va_list args)
{
    llmc__text t;
    t.at = out;
    t.end = out + cap - 1;
    for (; *fmt != 0; fmt++) {
        size_t precision = SIZE_MAX;
        int longs = 0; /* how many l; 10 stands for z */
        if (*fmt != '%') {
            llmc__text_put(&t, *fmt);
            continue;
        }
        fmt++;
        if (fmt[0] == '.' && fmt[1] == '*') {
            int given = va_arg(args, int); /* negative: a length that did not fit an int */
            precision = given < 0 ? 0 : (size_t)given;
            fmt += 2;
        }
        while (*fmt == 'l' || *fmt == 'z') {
            longs += *fmt == 'z' ? 10 : 1;
            fmt++;
        }
        if (*fmt == 's') {
            const char *s = va_arg(args, const char *);
            size_t n = 0; /* not strlen: what lies behind the precision may not be ours */
            while (n < precision && s[n] != 0)
                n++;
            llmc__text_clean(&t, s, n);
        } else if (*fmt == 'c') {
            llmc__text_put(&t, (char)va_arg(args, int));
        } else if (*fmt == 'd') {
            int64_t v = longs == 2 ? va_arg(args, long long) : va_arg(args, int);
            if (v < 0)
                llmc__text_put(&t, '-');
            /* unsigned negation: -INT64_MIN does not exist */
            llmc__text_u64(&t, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 1);
        } else if (*fmt == 'u') {
            uint64_t v = longs == 2    ? va_arg(args, unsigned long long)
                         : longs == 10 ? va_arg(args, size_t)
                                       : va_arg(args, unsigned);
            llmc__text_u64(&t, v, 1);
        } else if (*fmt == 'g') {
            llmc__text_f64(&t, va_arg(args, double));
        } else { /* %% */
            llmc__text_put(&t, *fmt);
        }
    }
    *t.at = 0;
}

/* Formats into out [cap]; for names made of numbers ("blk.%u.attn_q.weight"). */
LLMC__UNUSED LLMC__FORMAT(3, 4) static void llmc__format(char *out, size_t cap, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    llmc__vformat(out, cap, fmt, args);
    va_end(args);
}

//--[ 03.3 STATUS.fail ]-- fill the caller's diag, log
/* llmc__fail -- note what went wrong, return its status             (STATUS.fail)
   diag     NULL: only the status goes back
   tag      "SECTION.part" of the code that found it, a static string
   offset   byte in the file, or LLMC_NO_OFFSET
   Called through LLMC__FAIL, so that LLMC_NO_STRINGS can drop the texts. Convention for the text:
   file first, then key or tensor, then what was expected; one line, no full stop. */
LLMC__FORMAT(5, 6)
static llmc_status llmc__fail(llmc_diag *diag, llmc_status status, const char *tag, uint64_t offset,
                              const char *fmt, ...)
{
    if (diag != NULL) {
        va_list args;
        diag->status = status;
        diag->tag = tag;
        diag->offset = offset;
        va_start(args, fmt);
        llmc__vformat(diag->message, sizeof diag->message, fmt, args);
        va_end(args);
    }
    return status;
}

/* return LLMC__FAIL(diag, BAD_ARG, "TAG", LLMC_NO_OFFSET, "format", ...);
   The status is written without its LLMC_, the arguments are evaluated once at most. */
#ifdef LLMC_NO_STRINGS
/* The first arm never runs; it keeps the arguments used, and its text is not emitted. */
#define LLMC__FAIL(diag, status, tag, offset, ...)                 \
    (0 ? llmc__fail(diag, LLMC_##status, tag, offset, __VA_ARGS__) \
       : llmc__fail(diag, LLMC_##status, tag, offset, "%s", tag))
#else
#define LLMC__FAIL(diag, status, tag, offset, ...) llmc__fail(diag, LLMC_##status, tag, offset, __VA_ARGS__)
#endif

/* Runs a call that returns llmc_status and passes its failure on; the diag has been filled
   where the failure was found, nobody on the way adds to it. */
#define LLMC__TRY(call)          \
    do {                         \
        llmc_status s_ = (call); \
        if (s_ != LLMC_OK)       \
            return s_;           \
    } while (0)

/* llmc__say -- one line to the caller's log, if it wants that level  (STATUS.fail)
   Silent by default, and the message is not even formatted then. The text lives on the stack:
   a callback that keeps it has to copy. Runs on the thread that drives the engine. */
LLMC__UNUSED LLMC__FORMAT(4, 5) static void llmc__say(const llmc_log *log, llmc_log_level level,
                                                      const char *tag, const char *fmt, ...)
{
    char message[256]; /* as long as a diag's */
    va_list args;
    if (log->fn == NULL || level > log->level)
        return;
    va_start(args, fmt);
    llmc__vformat(message, sizeof message, fmt, args);
    va_end(args);
    log->fn(log->user, level, tag, message);
}

/* Reports done of total; false: the caller of the long function wants it to stop, and it
   returns LLMC_CANCELLED. No callback never cancels. */
LLMC__UNUSED static bool llmc__progress(const llmc_progress *p, const char *what, uint64_t done,
                                        uint64_t total)
{
    return p->fn == NULL || p->fn(p->user, what, done, total);
}

//==[ 04 MEM ]==== checked arithmetic, arena, option structs ==== needs: 02 03 ====

//--[ 04.1 MEM.checked ]-- arithmetic that reports overflow; out is untouched on failure
/* *out = a * b, false if that does not fit. Division instead of the compiler's overflow builtin:
   these run at load, and this form needs no compiler. */
static inline bool llmc__mul(uint64_t a, uint64_t b, uint64_t *out)
{
    if (a != 0 && b > UINT64_MAX / a)
        return false;
    *out = a * b;
    return true;
}

/* *out = a + b, false if that does not fit. */
static inline bool llmc__add(uint64_t a, uint64_t b, uint64_t *out)
{
    if (b > UINT64_MAX - a)
        return false;
    *out = a + b;
    return true;
}

static inline uint64_t llmc__min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t llmc__max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

//--[ 04.2 MEM.arena ]-- one carve function measures and places
#define LLMC__ALIGN 64 /* a cache line, and the widest vector */

/* base NULL: only measure. failed: a size overflowed, or the memory ended; it sticks, so a carve
   function takes everything and looks once at the end.

     mem                base                                                    mem + bytes
     |<- skip (0..63) ->|  array  |pad|  array  |pad|  ...         |   not used   |
                        every array begins at a multiple of 64      ^ used        ^ size */
typedef struct llmc__arena {
    uint8_t *base;       /* aligned to LLMC__ALIGN         */
    uint64_t size, used; /* bytes from base; used <= size, unless measuring */
    bool failed;
} llmc__arena;

/* count * elem bytes, aligned to LLMC__ALIGN, not cleared. NULL when measuring or failed. */
static void *llmc__take(llmc__arena *a, uint64_t count, uint64_t elem)
{
    uint64_t bytes, at = a->used, end;
    if (a->failed || !llmc__mul(count, elem, &bytes) || !llmc__add(bytes, LLMC__ALIGN - 1, &end)) {
        a->failed = true;
        return NULL;
    }
    bytes = end & ~(uint64_t)(LLMC__ALIGN - 1);
    /* measuring too: a need that a size_t cannot say (and arena_need adds to) is refused here */
    if (!llmc__add(at, bytes, &end) || end > SIZE_MAX - LLMC__ALIGN || (a->base != NULL && end > a->size)) {
        a->failed = true;
        return NULL;
    }
    a->used = end;
    return a->base == NULL ? NULL : a->base + at;
}

/* Bytes to ask the caller for: what was measured and room to align. */
static uint64_t llmc__arena_need(const llmc__arena *measured)
{
    return measured->used + LLMC__ALIGN;
}

/* An arena over the caller's memory, aligned. mem is not NULL (that would measure), and bytes
   at least what llmc__arena_need said: callers check both first and answer NO_MEMORY. */
static llmc__arena llmc__arena_over(void *mem, size_t bytes)
{
    llmc__arena a;
    size_t skip = (LLMC__ALIGN - (uintptr_t)mem % LLMC__ALIGN) % LLMC__ALIGN;
    a.base = mem == NULL ? NULL : (uint8_t *)mem + skip;
    a.size = bytes - skip;
    a.used = 0;
    a.failed = mem == NULL || bytes < skip; /* base NULL would measure, and hand out NULL as success */
    return a;
}

//--[ 04.3 MEM.options ]-- a caller's struct, perhaps older or newer than ours
/* llmc__options -- a private copy of an option struct               (MEM.options)
   dst [size]: the caller's fields where it has them, zero (the default) elsewhere; src may be NULL.
   Every option struct begins with size_t size: what the caller's header said it was, 0 for this
   one. Shorter: an older caller, the fields that it does not know stay zero. Longer: a newer one,
   the fields that we do not know are left out. */
static void llmc__options(void *dst, size_t size, const void *src)
{
    LLMC_MEMSET(dst, 0, size);
    if (src != NULL) {
        size_t given;
        LLMC_MEMCPY(&given, src, sizeof given);
        if (given == 0)
            given = size;
        LLMC_MEMCPY(dst, src, given < size ? given : size);
    }
    LLMC_MEMCPY(dst, &size, sizeof size);
}
//==[ 05 MATH ]==== elementary functions and random numbers without libm ==== needs: 02 ====

/* Errors are stated in units of the last place (ulp) of the result and hold for
   every argument in the named range; tests/test_math.c sweeps them. NaN in, NaN out.
   Why not libm: a freestanding build has none, and its results differ from system to system,
   so the same seed and prompt would not give the same text. Double inside, where the result is a
   float: one rounding at the end decides, and these are not the loops that take the time. */

//--[ 05.1 MATH.bits ]-- numbers as bits, f16 and bf16
static inline uint64_t llmc__f64_bits(double d)
{
    uint64_t u;
    LLMC_MEMCPY(&u, &d, 8);
    return u;
}

/* sign 1, exponent 11 (bias 1023), fraction 52 bits. */
static inline double llmc__bits_f64(uint64_t u)
{
    double d;
    LLMC_MEMCPY(&d, &u, 8);
    return d;
}

/* x as a float and no more. Where registers hold more than a float (x87) every step of
   a sum that must give the same bits everywhere goes through this. */
static inline float llmc__f32(float x)
{
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD == 0
    return x;
#else
    volatile float v = x; /* a store rounds; a cast alone does not with every compiler */
    return v;
#endif
}

/* |x|; clears the sign bit, of NaN and -0 too. */
static inline float llmc__absf(float x)
{
    return llmc__bits_f32(llmc__f32_bits(x) & 0x7fffffffu);
}

/* Exact. NaN keeps its payload.
     f16   15    14..10            9..0        f32 of the same value: sign to bit 31, exponent
           sign  exponent (bias 15) fraction   rebiased by 127 - 15 = 112, fraction 13 bits up
   Exponent 0 is a subnormal, fraction 2^-24: normal as f32, so a product makes it. */
static inline float llmc__f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exponent = (h >> 10) & 31u, fraction = h & 0x3ffu;
    if (exponent == 31)
        return llmc__bits_f32(sign | 0x7f800000u | fraction << 13 | (fraction != 0 ? 0x400000u : 0u));
    if (exponent == 0) {
        float f = (float)(int32_t)fraction * (1.0f / 16777216.0f); /* fraction * 2^-24 */
        return sign != 0 ? -f : f;
    }
    return llmc__bits_f32(sign | (exponent + 112u) << 23 | fraction << 13);
}

/* Round to nearest, ties to even; overflow gives infinity, NaN a quiet NaN. */
static inline uint16_t llmc__f32_to_f16(float x)
{
    uint32_t u = llmc__f32_bits(x), sign = (u >> 16) & 0x8000u, a = u & 0x7fffffffu, shift, m, half;
    if (a > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u | ((a >> 13) & 0x3ffu));
    if (a >= 0x47800000u) /* 2^16; 65520 to there becomes infinity by the carry below */
        return (uint16_t)(sign | 0x7c00u);
    if (a < 0x33000000u) /* under half of the smallest, 2^-24 */
        return (uint16_t)sign;
    if (a >= 0x38800000u) { /* 2^-14, the smallest normal; a carry runs into the exponent as it should */
        a -= 112u << 23;
        return (uint16_t)(sign | ((a + 0xfffu + ((a >> 13) & 1u)) >> 13));
    }
    shift = 126u - (a >> 23); /* 14 to 24: the fraction counts units of 2^-24 */
    m = (a & 0x7fffffu) | 0x800000u;
    half = 1u << (shift - 1);
    return (uint16_t)(sign | ((m + half - 1u + ((m >> shift) & 1u)) >> shift));
}

/* Exact: bf16 is the upper half of an f32 (sign, all 8 exponent bits, 7 of the fraction). */
static inline float llmc__bf16_to_f32(uint16_t h)
{
    return llmc__bits_f32((uint32_t)h << 16);
}

/* Round to nearest, ties to even: 0x7fff plus the bit that stays carries exactly when it should.
   Overflow runs into infinity. NaN is made quiet, lest rounding turn it into infinity. */
static inline uint16_t llmc__f32_to_bf16(float x)
{
    uint32_t u = llmc__f32_bits(x);
    if ((u & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(u >> 16 | 0x40u);
    return (uint16_t)((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}

//--[ 05.2 MATH.root ]-- square roots, correctly rounded
/* IEEE 754 asks for a correctly rounded root, so the instruction and the loop below give
   the same bits. x86 without SSE2 (i386) takes the loop. -0 stays -0, below zero is NaN. */
#if LLMC__AVX2 == 1 && (defined(__SSE2__) || !LLMC__GNU)

LLMC__UNUSED static inline double llmc__sqrt(double x)
{
    return _mm_cvtsd_f64(_mm_sqrt_pd(_mm_set_sd(x)));
}

LLMC__UNUSED static inline float llmc__sqrtf(float x)
{
    return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x)));
}

#elif LLMC__NEON == 1

LLMC__UNUSED static inline double llmc__sqrt(double x)
{
    return vget_lane_f64(vsqrt_f64(vdup_n_f64(x)), 0);
}

LLMC__UNUSED static inline float llmc__sqrtf(float x)
{
    return vget_lane_f32(vsqrt_f32(vdup_n_f32(x)), 0);
}

#else

/* Digit by digit. x = m 2^e with m of 53 bits; m 2^54 or 2^55, whichever leaves e even, has
   a root of 54 bits. The last one rounds: it never is a tie, an odd root has an odd square. */
LLMC__UNUSED static double llmc__sqrt(double x)
{
    uint64_t u = llmc__f64_bits(x), m, root = 0, rest = 0;
    int e, bit;
    if (!(x > 0) || u >= 0x7ff0000000000000u)
        return x < 0 ? llmc__bits_f64(0x7ff8000000000000u) : x; /* zeros, infinity and NaN stay */
    e = (int)(u >> 52) - 1075;
    m = u & 0xfffffffffffffu;
    if (e != -1075)
        m |= 0x10000000000000u; /* the bit that normal numbers do not store */
    else
        e++; /* subnormals have the smallest normal exponent */
    while ((m & 0x10000000000000u) == 0) {
        m <<= 1;
        e--;
    }
    if (e & 1) {
        m <<= 1;
        e--;
    }
    for (bit = 52; bit >= -54; bit -= 2) {
        /* school method in base 2: bring down two bits; a 1 follows if 2 root + 1 still fits */
        rest = rest << 2 | (bit >= 0 ? (m >> bit) & 3u : 0u);
        root <<= 1;
        if (rest > 2 * root) {
            rest -= 2 * root + 1;
            root |= 1u;
        }
    }
    root = (root + 1) >> 1;
    return llmc__bits_f64(((uint64_t)((e - 54) / 2 + 1 + 1074) << 52) + root);
}

LLMC__UNUSED static float llmc__sqrtf(float x)
{
    return llmc__f32((float)llmc__sqrt((double)x)); /* 53 bits are enough to round once more */
}

#endif

//--[ 05.3 MATH.exp ]-- exponential, logarithm and what follows from them
/* 2^k for k in [-1022, 1023]. */
static inline double llmc__pow2(int k)
{
    return llmc__bits_f64((uint64_t)(k + 1023) << 52);
}

/* Within 1 ulp for results that are normal numbers; 0 below -745.2, infinity above 709.8.
   e^x = 2^k e^r with k = round(x / ln 2). ln 2 is split so that k times its first part is
   exact (its last 20 bits are zero, k has 11); else r would lose what k ln 2 rounds away. */
static double llmc__exp(double x)
{
    /* 1/13! down to 1/2! */
    static const double over[] = {1.0 / 6227020800.0, 1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0,
                                  1.0 / 362880.0,     1.0 / 40320.0,     1.0 / 5040.0,     1.0 / 720.0,
                                  1.0 / 120.0,        1.0 / 24.0,        1.0 / 6.0,        0.5};
    double r, p;
    int k, i;
    if (x != x)
        return x;
    if (x > 709.8)
        return llmc__bits_f64(0x7ff0000000000000u);
    if (x < -745.2)
        return 0;
    /* to nearest, by truncation: floor would be libm's */
    k = (int)(x * 1.4426950408889634 + (x < 0 ? -0.5 : 0.5));
    r = (x - k * 0.6931471803691238) - k * 1.9082149292705877e-10; /* |r| <= ln 2 / 2 */
    p = over[0];
    for (i = 1; i < 12; i++)
        p = p * r + over[i]; /* Taylor: the first term left out is under 5e-18 */
    p = 1 + (r + r * r * p);
    /* in two steps: 2^1024 is no double, and subnormal results round once, in the second */
    return p * llmc__pow2(k / 2) * llmc__pow2(k - k / 2);
}

/* Within 1.5 ulp for positive normal x, but for 1/2 < x < 2 absolutely 1.2e-16. -infinity at 0,
   NaN below. x = 2^k m with m in (0.707, 1.414], so that ln m is small and the series short. */
static double llmc__log(double x)
{
    uint64_t u = llmc__f64_bits(x);
    double s, z, p = 0;
    int k = 0, i;
    if (x != x || (x > 0 && u >= 0x7ff0000000000000u))
        return x;
    if (!(x > 0))
        return x < 0 ? llmc__bits_f64(0x7ff8000000000000u) : llmc__bits_f64(0xfff0000000000000u);
    if (u < 0x10000000000000u) {
        u = llmc__f64_bits(x * 18014398509481984.0); /* 2^54 */
        k = -54;
    }
    k += (int)(u >> 52) - 1023;
    x = llmc__bits_f64((u & 0xfffffffffffffu) | 0x3ff0000000000000u);
    if (x > 1.4142135623730951) {
        x *= 0.5;
        k++;
    }
    s = (x - 1) / (x + 1); /* ln x = 2 (s + s^3/3 + s^5/5 + ...), |s| < 0.172 */
    z = s * s;
    for (i = 21; i >= 3; i -= 2)
        p = (p + 1.0 / i) * z; /* s^2/3 + s^4/5 + ... + s^20/21; the next is under 1e-19 */
    return k * 0.6931471803691238 + (2 * s + (2 * s * p + k * 1.9082149292705877e-10));
}

/* x^y for x > 0: relative error under (2 + |y ln x|) 2^-52, because the exponential makes a
   relative error of its argument's absolute one. For RoPE's frequencies and schedules. */
LLMC__UNUSED static double llmc__pow(double x, double y)
{
    return y == 0 ? 1 : llmc__exp(y * llmc__log(x));
}

/* Within 2 ulp for results that are normal numbers; smaller ones become 0, and from
   88.72 on infinity. The scalar twin of VEC's exponential: same reduction (Cody and Waite, ln 2
   in two floats), same polynomial, minimax on |r| <= ln 2 / 2. */
static float llmc__expf(float x)
{
    float r, p;
    int k;
    if (x != x)
        return x;
    if (x > 88.72f)
        return llmc__bits_f32(0x7f800000u);
    if (x < -87.33f)
        return 0;
    k = (int)(x * 1.44269504f + (x < 0 ? -0.5f : 0.5f));
    r = (x - (float)k * 0.693359375f) - (float)k * -2.12194440e-4f;
    p = 0.00138144672f;
    p = p * r + 0.00836878084f;
    p = p * r + 0.0416683927f;
    p = p * r + 0.166665196f;
    p = p * r + 0.49999994f;
    p = 1 + (r + r * r * p);
    return p * llmc__bits_f32((uint32_t)(k / 2 + 127) << 23) *
           llmc__bits_f32((uint32_t)(k - k / 2 + 127) << 23);
}

/* Within 1 ulp; special values as llmc__log. */
LLMC__UNUSED static float llmc__logf(float x)
{
    return (float)llmc__log((double)x);
}

/* Within 1 ulp. tanh x = (e^2x - 1) / (e^2x + 1) cancels near 0, where three terms of
   Taylor's series are enough: the next is under 1e-15 relative at 0.01. Above 20 it is 1. */
static float llmc__tanhf(float x)
{
    double d = (double)x, e;
    if (d > -0.01 && d < 0.01)
        return (float)(d - d * d * d * (1.0 / 3 - d * d * (2.0 / 15)));
    if (d > 20 || d < -20)
        return d > 0 ? 1.0f : -1.0f;
    e = llmc__exp(2 * d);
    return (float)((e - 1) / (e + 1));
}

/* The error function, within 20 ulp of a double (most near 5, from exp's argument, and so up to
   2e-15 above 1): rounded to a float it is within 1 ulp. GELU is made with it.
   erf x = 2/sqrt(pi) exp(-x^2) (x + 2 x^3/3 + 4 x^5/15 + ...), every term positive. */
static double llmc__erf(double x)
{
    double a = x < 0 ? -x : x, term = a, sum = a;
    int n;
    if (x != x)
        return x;
    if (a > 6)
        return x < 0 ? -1 : 1;
    /* terms grow until n = a^2 and are all positive, so nothing cancels; 6 takes 99 */
    for (n = 1; n < 150 && term > sum * 1e-17; n++) {
        term *= 2 * a * a / (2 * n + 1);
        sum += term;
    }
    sum *= 1.1283791670955126 * llmc__exp(-a * a);
    return x < 0 ? -sum : sum;
}

/* Within 1 ulp: the double error vanishes in the rounding. GELU takes llmc__erf itself. */
LLMC__UNUSED static float llmc__erff(float x)
{
    return (float)llmc__erf((double)x);
}

//--[ 05.4 MATH.trig ]-- sine and cosine of large angles
/* Absolute error under 1e-7 (the float's rounding) for |angle| <= 2^30; NaN from 2^40 on,
   where a double has no angle left to speak of. Cody and Waite: pi/2 in three parts, of
   which k times the first two is exact. RoPE's angles are position * frequency, so they
   are large in long contexts, and a float's reduction would rotate by the wrong amount. */
static void llmc__sincos(double angle, float *sine, float *cosine)
{
    double r, z, s, c;
    int64_t k;
    if (!(angle > -1099511627776.0 && angle < 1099511627776.0)) {
        *sine = *cosine = llmc__bits_f32(0x7fc00000u);
        return;
    }
    k = (int64_t)(angle * 0.6366197723675814 + (angle < 0 ? -0.5 : 0.5));
    r = angle - (double)k * 1.570796325802803;
    r = (r - (double)k * 9.920935739593517e-10) - (double)k * 5.721188726109832e-18;
    z = r * r; /* |r| <= pi/4: Taylor, the first terms left out under 7e-12 and 1.2e-10 */
    s = r + r * z * (-1.0 / 6 + z * (1.0 / 120 + z * (-1.0 / 5040 + z * (1.0 / 362880 - z / 39916800))));
    c = 1 + z * (-0.5 + z * (1.0 / 24 + z * (-1.0 / 720 + z * (1.0 / 40320 - z / 3628800))));
    switch (k & 3) { /* the quadrant, of negative k too: two's complement */
    case 0:
        *sine = (float)s, *cosine = (float)c;
        break;
    case 1:
        *sine = (float)c, *cosine = (float)-s;
        break;
    case 2:
        *sine = (float)-s, *cosine = (float)-c;
        break;
    default:
        *sine = (float)-c, *cosine = (float)s;
        break;
    }
}

//--[ 05.5 MATH.random ]-- xoshiro256++
/* 0 < k < 64 */
static inline uint64_t llmc__rotl(uint64_t x, unsigned k)
{
    return x << k | x >> (64 - k);
}

/* The state is four outputs of SplitMix64 (Steele 2014), as the authors advise. */
LLMC_API llmc_rng llmc_rng_seed(uint64_t seed)
{
    llmc_rng rng;
    int i;
    for (i = 0; i < 4; i++) {
        uint64_t z = seed += 0x9e3779b97f4a7c15u; /* 2^64 / golden ratio, odd */
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        rng.s[i] = z ^ z >> 31;
    }
    return rng;
}

/* 64 random bits. Period 2^256 - 1; the state of all zeros, which llmc_rng_seed never makes,
   stays zero. Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators". */
LLMC_API uint64_t llmc_rng_u64(llmc_rng *rng)
{
    uint64_t *s = rng->s, out = llmc__rotl(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = llmc__rotl(s[3], 45);
    return out;
}

/* The upper 24 bits: as many as a float holds exactly, so 1 is never reached by rounding. */
LLMC_API float llmc_rng_uniform(llmc_rng *rng)
{
    return (float)(int32_t)(llmc_rng_u64(rng) >> 40) * (1.0f / 16777216.0f);
}

/* Box-Muller, the cosine only: two draws for one number, and no spare to keep in the state. */
LLMC_API float llmc_rng_normal(llmc_rng *rng)
{
    /* u in (0, 1], so that its logarithm is finite; v in [0, 1) */
    double u = (double)(int64_t)((llmc_rng_u64(rng) >> 11) + 1) * (1.0 / 9007199254740992.0);
    double v = (double)(int64_t)(llmc_rng_u64(rng) >> 11) * (1.0 / 9007199254740992.0);
    float sine, cosine;
    llmc__sincos(6.283185307179586 * v, &sine, &cosine);
    return (float)(llmc__sqrt(-2 * llmc__log(u)) * (double)cosine);
}

//==[ 06 VEC ]==== eight floats at once, per instruction set ==== needs: 02 05 ====

/* The same operations under each set's prefix: llmc__avx2_vadd, llmc__neon_vadd, ... Kernel
   bodies (09.5) call them as llmc__vadd, with LLMC__ISA saying which set is meant. A v8 is
   eight float lanes, a v8i eight int32 lanes. vload and vstore want a float's alignment,
   vload_f32 and its like for file and cache bytes none. Eight lanes on every machine, not as
   many as it has: lanes decide the order of sums, and so results.

     lane   0 1 2 3   4 5 6 7        memory order: lane 0 comes from the lowest address
     AVX2   low half  high half      one register; most shuffles do not cross the halves
     NEON   member a  member b       two registers; nothing crosses, so sums fold a onto b

     vadd vsub vmul vdiv   rounded once, to nearest even; never contracted (01.1)
     vfma      a b + c, rounded once by hardware; SIMDe may round twice
     viadd vimax   wrap, and compare as signed
     vcvt      int32 to float, exact below 2^24 in magnitude
     vsum      ((0+4)+(2+6)) + ((1+5)+(3+7)), the one order of every sum over lanes
     vmax vmin a NaN in the second operand stays
     vpow2     2^n of each lane of n + LLMC__ROUND, -126 <= n <= 127
     vdup2     p[0] p[0] p[1] p[1] p[2] p[2] p[3] p[3]
     vswap     lanes 1 0 3 2 5 4 7 6
     vabsbits  each lane's bits without the sign: larger bits, larger number; NaN above all
     vround    nearest integers (ties to even) of lanes in [-2^22, 2^22]
     viput32   four v8i of values in [-128, 127] as 32 int8
     vscales   eight f16 at p, p + step bytes, ..., at any address
     vkeep     the same value, in a register: gcc would else load it again for every use
     vprefetch asks for a cache line; any address, valid or not
   Exact conversions, each 2 bytes a lane, little-endian: vload_f16 vload_bf16 from, and, to
   nearest even, vstore_f16 to storage. */
#define LLMC__ROUND      12582912.0f /* 1.5 * 2^23: adding it leaves the integer nearest in the low bits */
#define LLMC__ROUND_BITS 0x4b400000

#if LLMC__AVX2

//--[ 06.1 VEC.avx2 ]-- AVX2 with FMA and F16C
/* LLMC__AVX2 is 1 for the processor's own intrinsics, 2 for SIMDe's. With gcc and clang the
   set is named per function, so that one file serves every x86-64 and the choice falls at run
   time. The primitives are always inlined: a call costs more than they do, and in a caller without
   the attribute, which is a bug, they are a compile error and not an illegal instruction. */
#if LLMC__AVX2 == 1 && LLMC__GNU
#define LLMC__AVX2_TARGET __attribute__((target("avx2,fma,f16c")))
#define LLMC__AVX2_FN     LLMC__UNUSED static inline LLMC__ALWAYS LLMC__AVX2_TARGET
#elif LLMC__GNU
#define LLMC__AVX2_TARGET
#define LLMC__AVX2_FN LLMC__UNUSED static inline LLMC__ALWAYS
#else
#define LLMC__AVX2_TARGET
#define LLMC__AVX2_FN static __forceinline
#endif

/* The names that 09.5 uses; here the intrinsics' own types serve. */
typedef __m256 llmc__avx2_v8;
typedef __m256i llmc__avx2_v8i;

/* One intrinsic each. Loads and stores are the unaligned ones, which cost nothing more on an
   address that happens to be aligned. */
LLMC__AVX2_FN __m256 llmc__avx2_vset1(float a)
{
    return _mm256_set1_ps(a);
}
LLMC__AVX2_FN __m256 llmc__avx2_vzero(void)
{
    return _mm256_setzero_ps();
}
LLMC__AVX2_FN __m256 llmc__avx2_vload(const float *p)
{
    return _mm256_loadu_ps(p);
}
LLMC__AVX2_FN void llmc__avx2_vstore(float *p, __m256 a)
{
    _mm256_storeu_ps(p, a);
}
LLMC__AVX2_FN __m256 llmc__avx2_vadd(__m256 a, __m256 b)
{
    return _mm256_add_ps(a, b);
}
LLMC__AVX2_FN __m256 llmc__avx2_vsub(__m256 a, __m256 b)
{
    return _mm256_sub_ps(a, b);
}
LLMC__AVX2_FN __m256 llmc__avx2_vmul(__m256 a, __m256 b)
{
    return _mm256_mul_ps(a, b);
}
/* No reciprocal estimate: its bits differ from one maker's processor to another's. */
LLMC__AVX2_FN __m256 llmc__avx2_vdiv(__m256 a, __m256 b)
{
    return _mm256_div_ps(a, b);
}
/* maxps and minps give back the second operand if either is NaN: swapping them would lose it. */
LLMC__AVX2_FN __m256 llmc__avx2_vmax(__m256 a, __m256 b)
{
    return _mm256_max_ps(a, b);
}
LLMC__AVX2_FN __m256 llmc__avx2_vmin(__m256 a, __m256 b)
{
    return _mm256_min_ps(a, b);
}
/* a b + c. A product and a sum written apart stay apart: they are other bits (01.1). */
LLMC__AVX2_FN __m256 llmc__avx2_vfma(__m256 a, __m256 b, __m256 c)
{
    return _mm256_fmadd_ps(a, b, c);
}
/* 0xb1 is lanes 1 0 3 2 of each half. */
LLMC__AVX2_FN __m256 llmc__avx2_vswap(__m256 a)
{
    return _mm256_permute_ps(a, 0xb1);
}
/* Integer lanes wrap, where C's int32_t would be undefined. */
LLMC__AVX2_FN __m256i llmc__avx2_viadd(__m256i a, __m256i b)
{
    return _mm256_add_epi32(a, b);
}
LLMC__AVX2_FN __m256i llmc__avx2_vimax(__m256i a, __m256i b)
{
    return _mm256_max_epi32(a, b);
}
/* One value in all lanes; eight lanes to p, at an int32's alignment. */
LLMC__AVX2_FN __m256i llmc__avx2_viset1(int32_t a)
{
    return _mm256_set1_epi32(a);
}
LLMC__AVX2_FN void llmc__avx2_vistore(int32_t *p, __m256i a)
{
    _mm256_storeu_si256((__m256i *)p, a);
}
/* The conversion of a block's sum, which is under 2^19 and so exact (09.2). */
LLMC__AVX2_FN __m256 llmc__avx2_vcvt(__m256i a)
{
    return _mm256_cvtepi32_ps(a);
}

/* Lanes of x where a < b, of y elsewhere; a NaN in a or b is elsewhere. */
LLMC__AVX2_FN __m256 llmc__avx2_vsel_lt(__m256 a, __m256 b, __m256 x, __m256 y)
{
    return _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}

/* Lanes of s, step by step; "-" is not looked at:
     halves   | 0+4         | 1+5         | 2+6 | 3+7 |
     movehl   | (0+4)+(2+6) | (1+5)+(3+7) |  -  |  -  |
   and lane 0 + lane 1. Halving is also what is fewest steps; the order is the contract. */
LLMC__AVX2_FN float llmc__avx2_vsum(__m256 a)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}

/* The bits of n + LLMC__ROUND are 0x4b400000 + n. Plus 127 they hold the biased exponent of 2^n
   in their lowest 9 bits, where 0x4b400000 has zeros; the shift drops all above. The bounds on n
   keep it in 1..254: 0 would mean subnormal, 255 infinity. */
LLMC__AVX2_FN __m256 llmc__avx2_vpow2(__m256 a)
{
    __m256i n = _mm256_add_epi32(_mm256_castps_si256(a), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(n, 23));
}

/* unpacklo: p[0] p[0] p[1] p[1], the low half; unpackhi: p[2] p[2] p[3] p[3], the high one. */
LLMC__AVX2_FN __m256 llmc__avx2_vdup2(const float *p)
{
    __m128 a = _mm_loadu_ps(p);
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_unpacklo_ps(a, a)), _mm_unpackhi_ps(a, a), 1);
}

/* Compared as integers, because every float comparison with a NaN is false and would lose it;
   without the sign bit none is negative, so signed compares serve. */
LLMC__AVX2_FN __m256i llmc__avx2_vabsbits(__m256 a)
{
    return _mm256_and_si256(_mm256_castps_si256(a), _mm256_set1_epi32(0x7fffffff));
}

/* The addition rounds: from 2^23 to 2^24 floats are whole numbers apart. 1.5 * 2^23 lies in the
   middle, so that negative lanes stay there too. Nothing may fold the two steps into one. */
LLMC__AVX2_FN __m256i llmc__avx2_vround(__m256 a)
{
    a = _mm256_add_ps(a, _mm256_set1_ps(LLMC__ROUND));
    return _mm256_sub_epi32(_mm256_castps_si256(a), _mm256_set1_epi32(LLMC__ROUND_BITS));
}

LLMC__AVX2_FN void llmc__avx2_viput32(int8_t *p, __m256i a, __m256i b, __m256i c, __m256i d)
{
    /* packing works within 128-bit halves; the permutation puts the dwords back in order
         ab    int16 | a0-3 b0-3           | a4-7 b4-7           |   cd likewise
         packs int8  | a0-3 b0-3 c0-3 d0-3 | a4-7 b4-7 c4-7 d4-7 |   dwords 0 1 2 3 | 4 5 6 7
         wanted      | a0-3 a4-7 b0-3 b4-7 | c0-3 c4-7 d0-3 d4-7 |   dwords 0 4 1 5 | 2 6 3 7 */
    __m256i ab = _mm256_packs_epi32(a, b), cd = _mm256_packs_epi32(c, d);
    __m256i all =
        _mm256_permutevar8x32_epi32(_mm256_packs_epi16(ab, cd), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256((__m256i *)p, all);
}

/* Through the integer load: what p points to is bytes of a file, not floats. */
LLMC__AVX2_FN __m256 llmc__avx2_vload_f32(const void *p)
{
    return _mm256_castsi256_ps(_mm256_loadu_si256((const __m256i *)p));
}

/* A bf16 is the upper half of a float: exact for every pattern, NaN with its payload. */
LLMC__AVX2_FN __m256 llmc__avx2_vload_bf16(const void *p)
{
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

/* Eight f16 to float, exact (a signalling NaN becomes quiet). The 0 rounds to nearest even, whatever
   mode the caller's thread is in. */
#if LLMC__AVX2 == 1
LLMC__AVX2_FN __m256 llmc__avx2_vhalf(__m128i a)
{
    return _mm256_cvtph_ps(a);
}
LLMC__AVX2_FN void llmc__avx2_vstore_f16(void *p, __m256 a)
{
    _mm_storeu_si128((__m128i *)p, _mm256_cvtps_ph(a, 0));
}
#else
/* SIMDe's conversions go one by one; this is exact too. The exponent's bias grows by 112;
   infinity and NaN get the largest; subnormals (fraction * 2^-24) come as 2^-14 (1 + fraction
   / 1024) - 2^-14, which never makes a subnormal float: some vector units drop those.
     f16    | sign 1 | exponent 5, bias 15  | fraction 10      |
     float  | sign 1 | exponent 8, bias 127 | fraction 10 | 0s |   so low << 13, plus 112 << 23
   Subnormal is low <= 0x3ff, infinity or NaN low > 0x7bff. */
LLMC__AVX2_FN __m256 llmc__avx2_vhalf(__m128i a)
{
    __m256i u = _mm256_cvtepu16_epi32(a), low = _mm256_and_si256(u, _mm256_set1_epi32(0x7fff));
    __m256i sign = _mm256_slli_epi32(_mm256_xor_si256(u, low), 16), wide = _mm256_slli_epi32(low, 13);
    __m256i normal = _mm256_add_epi32(wide, _mm256_set1_epi32(112 << 23));
    __m256i small = _mm256_add_epi32(wide, _mm256_set1_epi32(113 << 23));
    __m256i huge = _mm256_cmpgt_epi32(low, _mm256_set1_epi32(0x7bff));
    small = _mm256_castps_si256(_mm256_sub_ps(_mm256_castsi256_ps(small), _mm256_set1_ps(1.0f / 16384)));
    u = _mm256_blendv_epi8(small, normal, _mm256_cmpgt_epi32(low, _mm256_set1_epi32(0x3ff)));
    u = _mm256_or_si256(u, _mm256_and_si256(huge, _mm256_set1_epi32(0x7f800000)));
    return _mm256_castsi256_ps(_mm256_or_si256(u, sign));
}
/* Lane by lane: rounding with carries into the exponent is not worth vector code that only
   machines without hand-written kernels run. */
LLMC__AVX2_FN void llmc__avx2_vstore_f16(void *p, __m256 a)
{
    float f[8];
    uint16_t h[8];
    int i;
    _mm256_storeu_ps(f, a);
    for (i = 0; i < 8; i++)
        h[i] = llmc__f32_to_f16(f[i]);
    LLMC_MEMCPY(p, h, sizeof h);
}
#endif

/* Eight neighbours in storage; vscales does the same for eight that lie apart. */
LLMC__AVX2_FN __m256 llmc__avx2_vload_f16(const void *p)
{
    return llmc__avx2_vhalf(_mm_loadu_si128((const __m128i *)p));
}

/* Inserts, as no gather is 2 bytes wide. step is a row's length for tiles (eight rows, the same
   block) and a block's for lines (eight blocks of one row). */
LLMC__AVX2_FN __m256 llmc__avx2_vscales(const uint8_t *p, size_t step)
{
    __m128i h = _mm_cvtsi32_si128(llmc__u16le(p));
    h = _mm_insert_epi16(h, (short)llmc__u16le(p + step), 1);
    h = _mm_insert_epi16(h, (short)llmc__u16le(p + 2 * step), 2);
    h = _mm_insert_epi16(h, (short)llmc__u16le(p + 3 * step), 3);
    h = _mm_insert_epi16(h, (short)llmc__u16le(p + 4 * step), 4);
    h = _mm_insert_epi16(h, (short)llmc__u16le(p + 5 * step), 5);
    h = _mm_insert_epi16(h, (short)llmc__u16le(p + 6 * step), 6);
    h = _mm_insert_epi16(h, (short)llmc__u16le(p + 7 * step), 7);
    return llmc__avx2_vhalf(h);
}

/* An integer and not a pointer: in C a pointer may not even be formed beyond an array's end, and
   kernels ask for the rows after their last. T0 is into L1: the next tile will want it. */
LLMC__AVX2_FN void llmc__avx2_vprefetch(uintptr_t address)
{
    _mm_prefetch((const char *)address, _MM_HINT_T0);
}

/* p's bytes are in memory and may change: clang would else turn small arrays into shuffles, for
   which there is one port, where a broadcast from memory only takes a load. No instruction. */
LLMC__AVX2_FN void llmc__avx2_settle(void *p)
{
#if LLMC__AVX2 == 1 && LLMC__GNU
    __asm__ volatile("" : : "r"(p) : "memory");
#else
    (void)p;
#endif
}

/* No instruction either: says that the register is rewritten, so it must be one. */
LLMC__AVX2_FN __m256 llmc__avx2_vkeep(__m256 a)
{
#if LLMC__AVX2 == 1 && LLMC__GNU
    __asm__("" : "+x"(a));
#endif
    return a;
}

#endif /* LLMC__AVX2 */

#if LLMC__NEON

//--[ 06.2 VEC.neon ]-- AArch64 Advanced SIMD, two registers to a vector
/* LLMC__NEON is 1 for the processor's own intrinsics, 2 for SIMDe's, which is how these functions
   are tested on x86. Every AArch64 has them: no target attribute, no check at run time. */
#define LLMC__NEON_TARGET
#if LLMC__GNU
#define LLMC__NEON_FN LLMC__UNUSED static inline LLMC__ALWAYS
#else
#define LLMC__NEON_FN static __forceinline
#endif

/* Structs are taken apart by the compiler and stay in registers, as everything is inlined. */
typedef struct llmc__neon_v8 {
    float32x4_t a, b;
} llmc__neon_v8;
typedef struct llmc__neon_v8i {
    int32x4_t a, b;
} llmc__neon_v8i;

/* Both halves at once: the header has no compound literals, for C++. */
LLMC__NEON_FN llmc__neon_v8 llmc__neon_v8_of(float32x4_t a, float32x4_t b)
{
    llmc__neon_v8 v;
    v.a = a;
    v.b = b;
    return v;
}

LLMC__NEON_FN llmc__neon_v8i llmc__neon_v8i_of(int32x4_t a, int32x4_t b)
{
    llmc__neon_v8i v;
    v.a = a;
    v.b = b;
    return v;
}

/* True division: the estimate and its Newton steps would not round like the other sets. */
LLMC__NEON_FN float32x4_t llmc__neon_div4(float32x4_t x, float32x4_t y)
{
#if LLMC__NEON == 1
    return vdivq_f32(x, y);
#else /* SIMDe 0.7.4 has no vdivq_f32 */
    float a[4], b[4];
    int i;
    vst1q_f32(a, x);
    vst1q_f32(b, y);
    for (i = 0; i < 4; i++)
        a[i] /= b[i];
    return vld1q_f32(a);
#endif
}

/* Operations of one and of two operands that work lane by lane: the same on either register.
   type is the result's, arg the operand's where they differ (vcvt). vmaxq and vminq keep a NaN
   of either operand, which is more than the contract asks. */
#define LLMC__NEON_OP1(name, type, arg, fn)                               \
    LLMC__NEON_FN llmc__neon_##type llmc__neon_##name(llmc__neon_##arg x) \
    {                                                                     \
        return llmc__neon_##type##_of(fn(x.a), fn(x.b));                  \
    }
#define LLMC__NEON_OP2(name, type, fn)                                                          \
    LLMC__NEON_FN llmc__neon_##type llmc__neon_##name(llmc__neon_##type x, llmc__neon_##type y) \
    {                                                                                           \
        return llmc__neon_##type##_of(fn(x.a, y.a), fn(x.b, y.b));                              \
    }
LLMC__NEON_OP2(vadd, v8, vaddq_f32)
LLMC__NEON_OP2(vsub, v8, vsubq_f32)
LLMC__NEON_OP2(vmul, v8, vmulq_f32)
LLMC__NEON_OP2(vdiv, v8, llmc__neon_div4)
LLMC__NEON_OP2(vmax, v8, vmaxq_f32)
LLMC__NEON_OP2(vmin, v8, vminq_f32)
LLMC__NEON_OP1(vswap, v8, v8, vrev64q_f32)
LLMC__NEON_OP2(viadd, v8i, vaddq_s32)
LLMC__NEON_OP2(vimax, v8i, vmaxq_s32)
LLMC__NEON_OP1(vcvt, v8, v8i, vcvtq_f32_s32)
#undef LLMC__NEON_OP1
#undef LLMC__NEON_OP2

/* As under 06.1. Plain loads have no alignment of their own on AArch64 beyond the element's. */
LLMC__NEON_FN llmc__neon_v8 llmc__neon_vset1(float a)
{
    return llmc__neon_v8_of(vdupq_n_f32(a), vdupq_n_f32(a));
}

/* +0, with which every sum begins. */
LLMC__NEON_FN llmc__neon_v8 llmc__neon_vzero(void)
{
    return llmc__neon_vset1(0);
}

LLMC__NEON_FN llmc__neon_v8i llmc__neon_viset1(int32_t a)
{
    return llmc__neon_v8i_of(vdupq_n_s32(a), vdupq_n_s32(a));
}

LLMC__NEON_FN llmc__neon_v8 llmc__neon_vload(const float *p)
{
    return llmc__neon_v8_of(vld1q_f32(p), vld1q_f32(p + 4));
}

/* a at p, b at p + 4, whatever the type: memory has the lanes in order. */
LLMC__NEON_FN void llmc__neon_vstore(float *p, llmc__neon_v8 x)
{
    vst1q_f32(p, x.a);
    vst1q_f32(p + 4, x.b);
}

LLMC__NEON_FN void llmc__neon_vistore(int32_t *p, llmc__neon_v8i x)
{
    vst1q_s32(p, x.a);
    vst1q_s32(p + 4, x.b);
}

/* The addend comes first in NEON's order of operands. */
LLMC__NEON_FN llmc__neon_v8 llmc__neon_vfma(llmc__neon_v8 x, llmc__neon_v8 y, llmc__neon_v8 z)
{
    return llmc__neon_v8_of(vfmaq_f32(z.a, x.a, y.a), vfmaq_f32(z.b, x.b, y.b));
}

/* Lanes of x where p < q, of y elsewhere; a NaN in p or q is elsewhere. */
LLMC__NEON_FN llmc__neon_v8 llmc__neon_vsel_lt(llmc__neon_v8 p, llmc__neon_v8 q, llmc__neon_v8 x,
                                               llmc__neon_v8 y)
{
    return llmc__neon_v8_of(vbslq_f32(vcltq_f32(p.a, q.a), x.a, y.a),
                            vbslq_f32(vcltq_f32(p.b, q.b), x.b, y.b));
}

/* Not vaddvq, which adds neighbours: here
     s   | 0+4         | 1+5         | 2+6 | 3+7 |
     t   | (0+4)+(2+6) | (1+5)+(3+7) |             */
LLMC__NEON_FN float llmc__neon_vsum(llmc__neon_v8 x)
{
    float32x4_t s = vaddq_f32(x.a, x.b);
    float32x2_t t = vadd_f32(vget_low_f32(s), vget_high_f32(s));
    return vget_lane_f32(t, 0) + vget_lane_f32(t, 1);
}

/* As llmc__avx2_vpow2, four lanes. */
LLMC__NEON_FN float32x4_t llmc__neon_pow2x4(float32x4_t a)
{
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vreinterpretq_s32_f32(a), vdupq_n_s32(127)), 23));
}

LLMC__NEON_FN llmc__neon_v8 llmc__neon_vpow2(llmc__neon_v8 x)
{
    return llmc__neon_v8_of(llmc__neon_pow2x4(x.a), llmc__neon_pow2x4(x.b));
}

/* zip1 pairs the low lanes of both operands, zip2 the high ones. */
LLMC__NEON_FN llmc__neon_v8 llmc__neon_vdup2(const float *p)
{
    float32x4_t a = vld1q_f32(p);
    return llmc__neon_v8_of(vzip1q_f32(a, a), vzip2q_f32(a, a));
}

/* As llmc__avx2_vabsbits: NaN must end above infinity, so integers again. */
LLMC__NEON_FN llmc__neon_v8i llmc__neon_vabsbits(llmc__neon_v8 x)
{
    int32x4_t mask = vdupq_n_s32(0x7fffffff);
    return llmc__neon_v8i_of(vandq_s32(vreinterpretq_s32_f32(x.a), mask),
                             vandq_s32(vreinterpretq_s32_f32(x.b), mask));
}

/* As llmc__avx2_vround, by the same steps. */
LLMC__NEON_FN llmc__neon_v8i llmc__neon_vround(llmc__neon_v8 x)
{
    float32x4_t big = vdupq_n_f32(LLMC__ROUND);
    int32x4_t bits = vdupq_n_s32(LLMC__ROUND_BITS);
    return llmc__neon_v8i_of(vsubq_s32(vreinterpretq_s32_f32(vaddq_f32(x.a, big)), bits),
                             vsubq_s32(vreinterpretq_s32_f32(vaddq_f32(x.b, big)), bits));
}

/* The low byte of every lane. AVX2 saturates here; in the contract's range both are exact. */
LLMC__NEON_FN int8x8_t llmc__neon_narrow(llmc__neon_v8i x)
{
    return vmovn_s16(vcombine_s16(vmovn_s32(x.a), vmovn_s32(x.b)));
}

/* a to d follow each other: nothing has to be put back in order, as nothing is packed by halves. */
LLMC__NEON_FN void llmc__neon_viput32(int8_t *p, llmc__neon_v8i a, llmc__neon_v8i b, llmc__neon_v8i c,
                                      llmc__neon_v8i d)
{
    vst1q_s8(p, vcombine_s8(llmc__neon_narrow(a), llmc__neon_narrow(b)));
    vst1q_s8(p + 16, vcombine_s8(llmc__neon_narrow(c), llmc__neon_narrow(d)));
}

/* As bytes, which may lie anywhere; a vld1q_f32 says that they are aligned floats. */
LLMC__NEON_FN llmc__neon_v8 llmc__neon_vload_f32(const void *p)
{
    const uint8_t *b = (const uint8_t *)p;
    return llmc__neon_v8_of(vreinterpretq_f32_u8(vld1q_u8(b)), vreinterpretq_f32_u8(vld1q_u8(b + 16)));
}

/* 8 x 16 bits, at any address; lanes as they lie in memory, the machine being little-endian. */
LLMC__NEON_FN uint16x8_t llmc__neon_load16(const void *p)
{
    return vreinterpretq_u16_u8(vld1q_u8((const uint8_t *)p));
}

/* The upper halves of floats, exact. */
LLMC__NEON_FN llmc__neon_v8 llmc__neon_vload_bf16(const void *p)
{
    uint16x8_t h = llmc__neon_load16(p);
    return llmc__neon_v8_of(vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(vget_low_u16(h)), 16)),
                            vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(vget_high_u16(h)), 16)));
}

/* Four f16 to float, exact. The store rounds as the thread's mode says: nearest even unless the
   caller changed it. */
#if LLMC__NEON == 1
LLMC__NEON_FN float32x4_t llmc__neon_halfx4(uint16x4_t h)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(h));
}
LLMC__NEON_FN void llmc__neon_vstore_f16(void *p, llmc__neon_v8 x)
{
    uint16x4_t a = vreinterpret_u16_f16(vcvt_f16_f32(x.a)), b = vreinterpret_u16_f16(vcvt_f16_f32(x.b));
    vst1q_u8((uint8_t *)p, vreinterpretq_u8_u16(vcombine_u16(a, b)));
}
#else
/* As llmc__avx2_vhalf: SIMDe needs a compiler's half type for the real thing. Selection by bsl,
   which takes the second operand where the mask is set; huge is ORed over the exponent. */
LLMC__NEON_FN float32x4_t llmc__neon_halfx4(uint16x4_t h)
{
    uint32x4_t u = vmovl_u16(h), low = vandq_u32(u, vdupq_n_u32(0x7fff));
    uint32x4_t sign = vshlq_n_u32(veorq_u32(u, low), 16), wide = vshlq_n_u32(low, 13);
    uint32x4_t normal = vaddq_u32(wide, vdupq_n_u32(112u << 23));
    uint32x4_t huge = vandq_u32(vcgtq_u32(low, vdupq_n_u32(0x7bff)), vdupq_n_u32(0x7f800000));
    float32x4_t small = vreinterpretq_f32_u32(vaddq_u32(wide, vdupq_n_u32(113u << 23)));
    small = vsubq_f32(small, vdupq_n_f32(1.0f / 16384));
    u = vbslq_u32(vcgtq_u32(low, vdupq_n_u32(0x3ff)), normal, vreinterpretq_u32_f32(small));
    return vreinterpretq_f32_u32(vorrq_u32(vorrq_u32(u, huge), sign));
}
/* As llmc__avx2_vstore_f16 through SIMDe: lane by lane. */
LLMC__NEON_FN void llmc__neon_vstore_f16(void *p, llmc__neon_v8 x)
{
    float f[8];
    uint16_t h[8];
    int i;
    llmc__neon_vstore(f, x);
    for (i = 0; i < 8; i++)
        h[i] = llmc__f32_to_f16(f[i]);
    LLMC_MEMCPY(p, h, sizeof h);
}
#endif

/* Eight f16 at any address, exact. */
LLMC__NEON_FN llmc__neon_v8 llmc__neon_vload_f16(const void *p)
{
    uint16x8_t h = llmc__neon_load16(p);
    return llmc__neon_v8_of(llmc__neon_halfx4(vget_low_u16(h)), llmc__neon_halfx4(vget_high_u16(h)));
}

/* By way of memory: eight halves, one after the other, then loaded as any eight f16. */
LLMC__NEON_FN llmc__neon_v8 llmc__neon_vscales(const uint8_t *p, size_t step)
{
    uint16_t h[8];
    int i;
    for (i = 0; i < 8; i++, p += step)
        h[i] = llmc__u16le(p);
    return llmc__neon_vload_f16(h);
}

/* A hint without effect where the compiler has no builtin. */
LLMC__NEON_FN void llmc__neon_vprefetch(uintptr_t address)
{
#if LLMC__GNU
    __builtin_prefetch((const void *)address);
#else
    (void)address;
#endif
}

/* Nothing to keep: AArch64's arithmetic takes no operand from memory. */
LLMC__NEON_FN llmc__neon_v8 llmc__neon_vkeep(llmc__neon_v8 x)
{
    return x;
}

#endif /* LLMC__NEON */

//==[ 07 DTYPE ]==== how numbers are stored ==== needs: 02 03 ====

#define LLMC__QK 32 /* elements in a block of Q8_0, Q4_0 and their like; and activations' */

/* All that the engine knows of a type; a new one begins with a row here. */
typedef struct llmc__dtype_info {
    const char *name;
    int32_t gguf;          /* ggml_type number in GGUF files, -1: not stored there */
    uint32_t block, bytes; /* elements in a block, and its size */
} llmc__dtype_info;

/* Blocks as they lie in files; d is an f16, little-endian, at an address of any alignment:
     Q8_0   | d 2 bytes | q[0] | q[1] | ... | q[31] |                     34 bytes, 8.5 bits each
     Q4_0   | d 2 bytes | q[16] q[0] | q[17] q[1] | ... | q[31] q[15] |   18 bytes, 4.5 bits each
                          high  low of one byte
   So 16 bytes unpack with one mask and one shift into two runs of neighbours. Nibbles of other
   types of 32 lie like Q4_0's, those of 256 in runs of 32. m and dmin are f16 too; bit k of h
   is element k's fifth bit; s[g] and m[g] are small integers for a group g of 32 or 16 elements:

     Q4_1    | d 2 | m 2 | nibbles 16 |          20   d q + m, q 0..15
     Q5_0    | d 2 | h 4 | nibbles 16 |          22   d (q - 16), q 0..31
     Q5_1    | d 2 | m 2 | h 4 | nibbles 16 |    24   d q + m
     IQ4_NL  | d 2 | nibbles 16 |                18   d table[q], unevenly spaced -127..113
     MXFP4   | e 1 | nibbles 16 |                17   2^(e - 127) times an E2M1: 0 .5 1 1.5 2 3 4 6
   and with 256 elements:
     Q2_K    | s, m nibbles 16 | q 64 | d 2 | dmin 2 |       84   d s q - dmin m, q 0..3
     Q3_K    | h 32 | q 64 | s 12 | d 2 |                   110   d (s - 32) q, q -4..3
     Q4_K    | d 2 | dmin 2 | s, m 12 | nibbles 128 |       144   d s q - dmin m, q 0..15
     Q5_K    | d 2 | dmin 2 | s, m 12 | h 32 | nibbles 128 |  176   the same, q 0..31
     Q6_K    | low nibbles 128 | high pairs 64 | s 16 | d 2 |  210   d s (q - 32), q 0..63
     Q8_K    | d 4 | q 256 | sums 32 |                      292   d q; d an f32, sums not needed here
     IQ4_XS  | d 2 | high s 2 | low s 4 | nibbles 128 |     136   d (s - 32) table[q]

   Runs of 32, a row of bytes for each; numbers are runs (element 32 run + column), lowest bits last:
     Q4_K, Q5_K   nibbles  | 1 0 | 3 2 | 5 4 | 7 6 |          h  bit b of byte k: element 32 b + k
     Q6_K         nibbles  | 2 0 | 3 1 | 6 4 | 7 5 |          pairs  | 3 2 1 0 | 7 6 5 4 |
     Q2_K, Q3_K   q        | 3 2 1 0 | 7 6 5 4 | in pairs     Q3_K's h as above, set for q >= 0
     IQ4_XS       each run as in IQ4_NL, 16 bytes
   Groups of 16 in Q2_K (byte g: m high, s low), Q3_K and Q6_K (s int8), of 32 in the others.

   The 12 bytes of Q4_K and Q5_K, j = 0..3, 6 bits an integer:
     byte j      | s[4+j] 5:4 | s[j] 5:0     |     byte 8+j    | m[4+j] 3:0 | s[4+j] 3:0 |
     byte 4+j    | m[4+j] 5:4 | m[j] 5:0     |
   and of Q3_K:
     byte j < 8  | s[8+j] 3:0 | s[j] 3:0     |     byte 8+j    | s[12+j] s[8+j] s[4+j] s[j] 5:4 |
   IQ4_XS: nibble g of low s, pair g of high s. */

static const llmc__dtype_info llmc__dtypes[LLMC_DTYPE_COUNT] = {
    {"none", -1, 0, 0},
    {"F32", 0, 1, 4},
    {"F16", 1, 1, 2},
    {"BF16", 30, 1, 2},
    {"Q8_0", 8, LLMC__QK, 2 + LLMC__QK},     /* f16 d, int8 q[32]: value d q                       */
    {"Q4_0", 2, LLMC__QK, 2 + LLMC__QK / 2}, /* f16 d, byte i holds q[i] and, high, q[16+i]: d (q - 8) */
    {"I8", -1, 1, 1},
    {"Q4_1", 3, LLMC__QK, 4 + LLMC__QK / 2},
    {"Q5_0", 6, LLMC__QK, 2 + 4 + LLMC__QK / 2},
    {"Q5_1", 7, LLMC__QK, 4 + 4 + LLMC__QK / 2},
    {"Q2_K", 10, 256, 84},
    {"Q3_K", 11, 256, 110},
    {"Q4_K", 12, 256, 144},
    {"Q5_K", 13, 256, 176},
    {"Q6_K", 14, 256, 210},
    {"Q8_K", 15, 256, 292},
    {"IQ4_NL", 20, LLMC__QK, 2 + LLMC__QK / 2},
    {"IQ4_XS", 23, 256, 136},
    {"MXFP4", 39, LLMC__QK, 1 + LLMC__QK / 2},
    {"I8R", -1, 1, 1},
    {"MXFP4S", -1, LLMC__QK, LLMC__QK / 2},
};

/* The row for a type; anything that is no type has NONE's. */
static inline const llmc__dtype_info *llmc__dtype(llmc_dtype type)
{
    return &llmc__dtypes[(unsigned)type < LLMC_DTYPE_COUNT ? type : LLMC_DTYPE_NONE];
}

/* The type for a number in a file's tensor table; NONE for all that we have no kernels for. */
LLMC__UNUSED static llmc_dtype llmc__dtype_from_gguf(uint32_t number)
{
    int i;
    for (i = 1; i < LLMC_DTYPE_COUNT; i++)
        if (llmc__dtypes[i].gguf >= 0 && (uint32_t)llmc__dtypes[i].gguf == number)
            return (llmc_dtype)i;
    return LLMC_DTYPE_NONE;
}

/* Its number when written to a file; -1: cannot be written. */
LLMC__UNUSED static int32_t llmc__dtype_to_gguf(llmc_dtype type)
{
    return llmc__dtype(type)->gguf;
}

LLMC_API const char *llmc_dtype_name(llmc_dtype type)
{
    return llmc__dtype(type)->name;
}

/* For command lines: "q8_0" as well as "Q8_0". "none" is not a type. */
LLMC_API llmc_dtype llmc_dtype_named(const char *name)
{
    int i; /* 0 is NONE's row */
    for (i = 1; i < LLMC_DTYPE_COUNT; i++) {
        const char *a = name, *b = llmc__dtypes[i].name;
        while (*a != 0 && llmc__lower(*a) == llmc__lower(*b)) {
            a++;
            b++;
        }
        if (*a == 0 && *b == 0)
            return (llmc_dtype)i;
    }
    return LLMC_DTYPE_NONE;
}

LLMC_API uint32_t llmc_dtype_block(llmc_dtype type)
{
    return llmc__dtype(type)->block;
}

/* Never overflows: a size that does not fit is 0, like one that is not whole blocks. */
LLMC_API size_t llmc_dtype_bytes(llmc_dtype type, size_t n)
{
    const llmc__dtype_info *t = llmc__dtype(type);
    if (t->block == 0 || n % t->block != 0 || n / t->block > SIZE_MAX / t->bytes)
        return 0;
    return n / t->block * t->bytes;
}

//==[ 08 QUANT ]==== between f32 and storage ==== needs: 02 03 05 07 ====

//--[ 08.1 QUANT.block ]-- GGUF's blocks of 32
/* Nearest integer to x, halves away from zero; 0 for NaN, the ends for what lies outside
   [-limit, limit]. In C and not by roundf: no libm, and the same on every machine. The
   comparisons come first because converting a float that does not fit an int is undefined. */
static inline int32_t llmc__round_away(float x, int32_t limit)
{
    int32_t i;
    float rest;
    if (!(x < (float)limit))
        return x != x ? 0 : limit;
    if (!(x > (float)-limit))
        return -limit;
    i = (int32_t)x;
    rest = x - (float)i; /* exact: adding 0.5 before the cast would round 0.49999997 up */
    return rest >= 0.5f ? i + 1 : rest <= -0.5f ? i - 1 : i;
}

/* x [32] to one block of 34 bytes (drawn in 07).
   d = max|x| / 127, q = round(x / d). Source: GGUF's Q8_0. NaN is stored as 0. q is made with the
   f32 d, the block holds its f16: the reference's order, whose bytes we match. Elements above
   127 * 65504 make d infinite, as there. */
static void llmc__quantize_q8_0(const float *x, uint8_t *block)
{
    float most = 0, d, inverse;
    int i;
    for (i = 0; i < LLMC__QK; i++)
        if (llmc__absf(x[i]) > most)
            most = llmc__absf(x[i]);
    d = llmc__f32(most / 127); /* 0 if all are zero or NaN */
    inverse = d > 0 ? llmc__f32(1 / d) : 0;
    llmc__put_u16le(block, llmc__f32_to_f16(d));
    for (i = 0; i < LLMC__QK; i++)
        block[2 + i] = (uint8_t)llmc__round_away(llmc__f32(x[i] * inverse), 127);
}

/* 4 bits of x / d + 8, halves up; 8 (zero) for NaN. The sum is above zero for every x of the
   block, so truncating rounds down; the ends are held before the cast. */
static inline uint8_t llmc__nibble(float x, float inverse)
{
    float v = llmc__f32(llmc__f32(x * inverse) + 8.5f);
    if (!(v < 15))
        return v != v ? 8 : 15;
    return v > 0 ? (uint8_t)v : 0;
}

/* x [32] to one block of 18 bytes (drawn in 07).
   d = m / -8 with m the element farthest from zero (the first of equals), so that m itself is
   kept best: it becomes q = 0, and the other sign ends at q = 15. Source: GGUF's Q4_0. */
static void llmc__quantize_q4_0(const float *x, uint8_t *block)
{
    float most = 0, m = 0, d, inverse; /* most = |m| */
    int i;
    for (i = 0; i < LLMC__QK; i++)
        if (llmc__absf(x[i]) > most) {
            most = llmc__absf(x[i]);
            m = x[i];
        }
    d = llmc__f32(m / -8); /* 0 if all are zero or NaN; the block then means zeros */
    inverse = d != 0 ? llmc__f32(1 / d) : 0;
    llmc__put_u16le(block, llmc__f32_to_f16(d));
    for (i = 0; i < 16; i++)
        block[2 + i] = (uint8_t)(llmc__nibble(x[i], inverse) | llmc__nibble(x[16 + i], inverse) << 4);
}

/* One block of 34 bytes to x [32]; one rounding per element. These two and the units below define
   what a stored value means: the kernels of 09 are tested against them. */
static void llmc__dequantize_q8_0(const uint8_t *block, float *x)
{
    float d = llmc__f16_to_f32(llmc__u16le(block));
    int i;
    for (i = 0; i < LLMC__QK; i++)
        x[i] = d * (float)(int8_t)block[2 + i];
}

/* One block of 18 bytes to x [32]: low halves first, then high ones. */
static void llmc__dequantize_q4_0(const uint8_t *block, float *x)
{
    float d = llmc__f16_to_f32(llmc__u16le(block));
    int i;
    for (i = 0; i < 16; i++) {
        x[i] = d * (float)((block[2 + i] & 15) - 8); /* 0..15 to -8..7 */
        x[16 + i] = d * (float)((block[2 + i] >> 4) - 8);
    }
}

//--[ 08.2 QUANT.unit ]-- every other type as integers and scales, up to 256 elements at a time
/* A unit is a block of 256, or up to eight of 32, taken apart:
     element 32 b + i, in group g = 2 b + i / 16, is   (d[b] s[g]) q + off[b] m[g]
   each product rounded, as the format has it. s and m are written for types with groups of 16
   only (LLMC__HALVES; m just for Q2_K) and else mean 1; off for types with minimums (LLMC__MINS). */
#define LLMC__UNIT 256
typedef struct llmc__unit {
    float d[8], off[8];
    int16_t s[16], m[16];
} llmc__unit;

/* What q of IQ4_NL and IQ4_XS stands for, and twice what E2M1 does (exact; d makes up for it).
   Source: GGUF's definition; OCP Microscaling Formats 1.0, table 5. */
static const int8_t llmc__iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                            1,    13,   25,  38,  53,  69,  89,  113};
static const int8_t llmc__fp4_values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/* Sixteen bytes of nibbles to 32 q: low ones first, as in Q4_0. h has a fifth bit for each. */
static inline void llmc__nibbles(int8_t *q, const uint8_t *w, uint32_t h)
{
    int i;
    for (i = 0; i < 16; i++) {
        q[i] = (int8_t)((w[i] & 15) | (h >> i & 1) << 4);
        q[16 + i] = (int8_t)(w[i] >> 4 | (h >> (16 + i) & 1) << 4);
    }
}

/* q of `blocks` blocks of 32, each 32 further on; and their scales. */
static inline void llmc__bytes_q4_1(int8_t *q, const uint8_t *w, size_t blocks)
{
    for (; blocks > 0; blocks--, w += 20, q += LLMC__QK)
        llmc__nibbles(q, w + 4, 0);
}
static inline void llmc__bytes_q5_0(int8_t *q, const uint8_t *w, size_t blocks)
{
    int i;
    for (; blocks > 0; blocks--, w += 22, q += LLMC__QK) {
        llmc__nibbles(q, w + 6, llmc__u32le(w + 2));
        for (i = 0; i < LLMC__QK; i++)
            q[i] = (int8_t)(q[i] - 16);
    }
}
static inline void llmc__bytes_q5_1(int8_t *q, const uint8_t *w, size_t blocks)
{
    for (; blocks > 0; blocks--, w += 24, q += LLMC__QK)
        llmc__nibbles(q, w + 8, llmc__u32le(w + 4));
}

/* Nibbles that choose from a table of 16: blocks that begin with `skip` bytes of something else. */
static inline void llmc__bytes_table(int8_t *q, const uint8_t *w, size_t blocks, size_t skip,
                                     const int8_t *table)
{
    int i;
    for (; blocks > 0; blocks--, w += skip + 16, q += LLMC__QK)
        for (i = 0; i < 16; i++) {
            q[i] = table[w[skip + (size_t)i] & 15];
            q[16 + i] = table[w[skip + (size_t)i] >> 4];
        }
}
static inline void llmc__bytes_iq4_nl(int8_t *q, const uint8_t *w, size_t blocks)
{
    llmc__bytes_table(q, w, blocks, 2, llmc__iq4_values);
}
static inline void llmc__bytes_iq4_xs(int8_t *q, const uint8_t *w, size_t blocks)
{
    llmc__bytes_table(q, w + 8, blocks, 0, llmc__iq4_values);
}
static inline void llmc__bytes_mxfp4(int8_t *q, const uint8_t *w, size_t blocks)
{
    llmc__bytes_table(q, w, blocks, 1, llmc__fp4_values);
}

/* Blocks of 256; blocks is 8 for them and not looked at. */
static inline void llmc__bytes_q2_k(int8_t *q, const uint8_t *w, size_t blocks)
{
    int b, i;
    (void)blocks;
    for (b = 0; b < 8; b++)
        for (i = 0; i < 32; i++)
            q[32 * b + i] = (int8_t)(w[16 + 32 * (b / 4) + i] >> 2 * (b % 4) & 3);
}
/* 0..7 less 4: the high bit, of weight 4, lies apart. */
static inline void llmc__bytes_q3_k(int8_t *q, const uint8_t *w, size_t blocks)
{
    int b, i;
    (void)blocks;
    for (b = 0; b < 8; b++)
        for (i = 0; i < 32; i++)
            q[32 * b + i] = (int8_t)((w[32 + 32 * (b / 4) + i] >> 2 * (b % 4) & 3) + 4 * (w[i] >> b & 1) - 4);
}
static inline void llmc__bytes_q4_k(int8_t *q, const uint8_t *w, size_t blocks)
{
    int b, i;
    (void)blocks;
    for (b = 0; b < 8; b++)
        for (i = 0; i < 32; i++)
            q[32 * b + i] = (int8_t)(w[16 + 32 * (b / 2) + i] >> 4 * (b % 2) & 15);
}
static inline void llmc__bytes_q5_k(int8_t *q, const uint8_t *w, size_t blocks)
{
    int b, i;
    (void)blocks;
    for (b = 0; b < 8; b++)
        for (i = 0; i < 32; i++)
            q[32 * b + i] =
                (int8_t)((w[48 + 32 * (b / 2) + i] >> 4 * (b % 2) & 15) + 16 * (w[16 + i] >> b & 1));
}
static inline void llmc__bytes_q6_k(int8_t *q, const uint8_t *w, size_t blocks)
{
    int b, i;
    (void)blocks;
    for (b = 0; b < 8; b++) {
        const uint8_t *low = w + 64 * (b / 4) + 32 * (b % 2), *high = w + 128 + 32 * (b / 4);
        for (i = 0; i < 32; i++)
            q[32 * b + i] =
                (int8_t)((low[i] >> 4 * (b / 2 % 2) & 15) + 16 * (high[i] >> 2 * (b % 4) & 3) - 32);
    }
}
static inline void llmc__bytes_q8_k(int8_t *q, const uint8_t *w, size_t blocks)
{
    (void)blocks;
    LLMC_MEMCPY(q, w + 4, LLMC__UNIT);
}

/* Scales of `blocks` blocks of 32, f16 that lie `step` bytes apart. */
static inline void llmc__halfs(float *d, const uint8_t *w, size_t blocks, size_t step)
{
    size_t b;
    for (b = 0; b < blocks; b++)
        d[b] = llmc__f16_to_f32(llmc__u16le(w + b * step));
}
static inline void llmc__head_q4_1(llmc__unit *h, const uint8_t *w, size_t blocks)
{
    llmc__halfs(h->d, w, blocks, 20);
    llmc__halfs(h->off, w + 2, blocks, 20);
}
static inline void llmc__head_q5_0(llmc__unit *h, const uint8_t *w, size_t blocks)
{
    llmc__halfs(h->d, w, blocks, 22);
}
static inline void llmc__head_q5_1(llmc__unit *h, const uint8_t *w, size_t blocks)
{
    llmc__halfs(h->d, w, blocks, 24);
    llmc__halfs(h->off, w + 2, blocks, 24);
}
static inline void llmc__head_iq4_nl(llmc__unit *h, const uint8_t *w, size_t blocks)
{
    llmc__halfs(h->d, w, blocks, 18);
}

/* Half of 2^(e - 127), as q is twice its value: below e = 2 a subnormal float. e = 255, no number
   in OCP's format, is 2^127 here as in GGUF. */
static inline float llmc__e8m0_half(uint8_t e)
{
    return llmc__bits_f32(e < 2 ? (uint32_t)0x00200000 << e : (uint32_t)(e - 1) << 23);
}
static inline void llmc__head_mxfp4(llmc__unit *h, const uint8_t *w, size_t blocks)
{
    size_t b;
    for (b = 0; b < blocks; b++)
        h->d[b] = llmc__e8m0_half(w[17 * b]);
}

/* Q4_K's and Q5_K's twelve bytes to s [8] and m [8], 6 bits each, four bytes at a time. */
static inline void llmc__k4_scales(uint8_t *sm, const uint8_t *w)
{
    uint32_t a = llmc__u32le(w), b = llmc__u32le(w + 4), c = llmc__u32le(w + 8);
    uint32_t s = (c & 0x0f0f0f0fu) | (a >> 2 & 0x30303030u);
    uint32_t m = (c >> 4 & 0x0f0f0f0fu) | (b >> 2 & 0x30303030u);
    llmc__put_u64le(sm, (a & 0x3f3f3f3fu) | (uint64_t)s << 32);
    llmc__put_u64le(sm + 8, (b & 0x3f3f3f3fu) | (uint64_t)m << 32);
}
static inline void llmc__head_q4_k(llmc__unit *h, const uint8_t *w, size_t blocks)
{
    float d = llmc__f16_to_f32(llmc__u16le(w)), dmin = llmc__f16_to_f32(llmc__u16le(w + 2));
    uint8_t sm[16];
    int b;
    (void)blocks;
    llmc__k4_scales(sm, w + 4);
    for (b = 0; b < 8; b++) {
        h->d[b] = d * (float)sm[b];
        h->off[b] = -(dmin * (float)sm[8 + b]);
    }
}
static inline void llmc__head_q5_k(llmc__unit *h, const uint8_t *w, size_t blocks)
{
    llmc__head_q4_k(h, w, blocks); /* the first 16 bytes are the same */
}

/* One scale for all, groups of 16 with integers of their own. */
static inline void llmc__same(float *d, float value)
{
    int b;
    for (b = 0; b < 8; b++)
        d[b] = value;
}
static inline void llmc__head_q2_k(llmc__unit *h, const uint8_t *w, size_t blocks)
{
    int g;
    (void)blocks;
    llmc__same(h->d, llmc__f16_to_f32(llmc__u16le(w + 80)));
    llmc__same(h->off, -llmc__f16_to_f32(llmc__u16le(w + 82)));
    for (g = 0; g < 16; g++) {
        h->s[g] = w[g] & 15;
        h->m[g] = w[g] >> 4;
    }
}
/* Q3_K's twelve bytes to s [16], signed, eight at a time. Less 32 is bit 5 turned round and taken
   for a sign: 0..31 get bits 6 and 7 and mean -32..-1, 32..63 lose bit 5. */
static inline void llmc__q3_scales(uint8_t *s, const uint8_t *w)
{
    uint64_t v = llmc__u64le(w), t = llmc__u32le(w + 8), low = 0x0f0f0f0f0f0f0f0full, a, b, flip;
    a = (v & low) | (t << 4 & 0x30303030u) | (t << 34 & 0x3030303000000000ull);
    b = (v >> 4 & low) | (t & 0x30303030u) | (t << 30 & 0x3030303000000000ull);
    flip = ~a & 0x2020202020202020ull;
    llmc__put_u64le(s, (a & 0x1f1f1f1f1f1f1f1full) | flip * 7);
    flip = ~b & 0x2020202020202020ull;
    llmc__put_u64le(s + 8, (b & 0x1f1f1f1f1f1f1f1full) | flip * 7);
}
static inline void llmc__head_q3_k(llmc__unit *h, const uint8_t *w, size_t blocks)
{
    uint8_t s[16];
    int g;
    (void)blocks;
    llmc__same(h->d, llmc__f16_to_f32(llmc__u16le(w + 108)));
    llmc__q3_scales(s, w + 96);
    for (g = 0; g < 16; g++)
        h->s[g] = (int8_t)s[g];
}
static inline void llmc__head_q6_k(llmc__unit *h, const uint8_t *w, size_t blocks)
{
    int g;
    (void)blocks;
    llmc__same(h->d, llmc__f16_to_f32(llmc__u16le(w + 208)));
    for (g = 0; g < 16; g++)
        h->s[g] = (int8_t)w[192 + g];
}
static inline void llmc__head_q8_k(llmc__unit *h, const uint8_t *w, size_t blocks)
{
    (void)blocks;
    llmc__same(h->d, llmc__f32le(w));
}
/* IQ4_XS's six bytes to s [8], not less 32: nibbles and pairs are moved apart by halves of the
   distance to go until each has its byte. */
static inline void llmc__xs_scales(uint8_t *s, const uint8_t *w)
{
    uint64_t high = llmc__u16le(w), low = llmc__u32le(w + 2);
    low = (low | low << 16) & 0x0000ffff0000ffffull;
    low = (low | low << 8) & 0x00ff00ff00ff00ffull;
    low = (low | low << 4) & 0x0f0f0f0f0f0f0f0full;
    high = (high | high << 24) & 0x000000ff000000ffull;
    high = (high | high << 12) & 0x000f000f000f000full;
    high = (high | high << 6) & 0x0303030303030303ull;
    llmc__put_u64le(s, low | high << 4);
}
static inline void llmc__head_iq4_xs(llmc__unit *h, const uint8_t *w, size_t blocks)
{
    float d = llmc__f16_to_f32(llmc__u16le(w));
    uint8_t s[8];
    int b;
    (void)blocks;
    llmc__xs_scales(s, w + 2);
    for (b = 0; b < 8; b++)
        h->d[b] = d * (float)(s[b] - 32);
}

/* Types that are taken apart so; head NULL: the others. */
#define LLMC__HALVES 1u
#define LLMC__MINS   2u
typedef struct llmc__layout {
    void (*head)(llmc__unit *h, const uint8_t *w, size_t blocks);
    void (*bytes)(int8_t *q, const uint8_t *w, size_t blocks);
    unsigned flags;
} llmc__layout;

static const llmc__layout llmc__layouts[LLMC_DTYPE_COUNT] = {
    {NULL, NULL, 0},
    {NULL, NULL, 0}, /* F32, F16, BF16 */
    {NULL, NULL, 0},
    {NULL, NULL, 0},
    {NULL, NULL, 0}, /* Q8_0, Q4_0: 08.1 */
    {NULL, NULL, 0},
    {NULL, NULL, 0}, /* I8 */
    {llmc__head_q4_1, llmc__bytes_q4_1, LLMC__MINS},
    {llmc__head_q5_0, llmc__bytes_q5_0, 0},
    {llmc__head_q5_1, llmc__bytes_q5_1, LLMC__MINS},
    {llmc__head_q2_k, llmc__bytes_q2_k, LLMC__HALVES | LLMC__MINS},
    {llmc__head_q3_k, llmc__bytes_q3_k, LLMC__HALVES},
    {llmc__head_q4_k, llmc__bytes_q4_k, LLMC__MINS},
    {llmc__head_q5_k, llmc__bytes_q5_k, LLMC__MINS},
    {llmc__head_q6_k, llmc__bytes_q6_k, LLMC__HALVES},
    {llmc__head_q8_k, llmc__bytes_q8_k, 0},
    {llmc__head_iq4_nl, llmc__bytes_iq4_nl, 0},
    {llmc__head_iq4_xs, llmc__bytes_iq4_xs, 0},
    {llmc__head_mxfp4, llmc__bytes_mxfp4, 0},
    {NULL, NULL, 0}, /* I8R */
};

/* Up to 256 elements, whole blocks, to x [n]; off only where the type has it, since adding even a
   zero would change -0. */
static void llmc__dequantize_unit(const llmc__layout *t, const uint8_t *w, float *x, size_t n)
{
    int8_t q[LLMC__UNIT];
    llmc__unit h;
    size_t g, i;
    t->head(&h, w, n / LLMC__QK);
    t->bytes(q, w, n / LLMC__QK);
    for (g = 0; g < n / 16; g++) {
        float d = h.d[g / 2], off = t->flags & LLMC__MINS ? h.off[g / 2] : 0;
        if (t->flags & LLMC__HALVES) {
            d = llmc__f32(d * (float)h.s[g]);
            off = t->flags & LLMC__MINS ? llmc__f32(off * (float)h.m[g]) : 0;
        }
        for (i = 16 * g; i < 16 * g + 16; i++) {
            x[i] = llmc__f32(d * (float)q[i]);
            if (t->flags & LLMC__MINS)
                x[i] += off;
        }
    }
}

//--[ 08.3 QUANT.row ]-- any number of elements
/* llmc_quantize -- f32 to storage                                        (QUANT.row)
   src [n]; dst [llmc_dtype_bytes(type, n)], any alignment. n 0 is OK and writes nothing.
   F32 is only put in order of bytes; F16 and BF16 round to nearest even.
   Errors: BAD_ARG (no such type, I8, n not whole blocks); dst is untouched then. */
LLMC_API llmc_status llmc_quantize(llmc_dtype type, const float *src, size_t n, void *dst)
{
    uint8_t *out = (uint8_t *)dst;
    size_t i, block = llmc_dtype_block(type);
    if (block == 0 || n % block != 0)
        return LLMC_BAD_ARG;
    for (i = 0; i < n; i += block, out += llmc__dtype(type)->bytes)
        switch (type) {
        case LLMC_F32:
            llmc__put_u32le(out, llmc__f32_bits(src[i]));
            break;
        case LLMC_F16:
            llmc__put_u16le(out, llmc__f32_to_f16(src[i]));
            break;
        case LLMC_BF16:
            llmc__put_u16le(out, llmc__f32_to_bf16(src[i]));
            break;
        case LLMC_Q8_0:
            llmc__quantize_q8_0(src + i, out);
            break;
        case LLMC_Q4_0:
            llmc__quantize_q4_0(src + i, out);
            break;
        default:
            return LLMC_BAD_ARG; /* I8's scales are kept elsewhere */
        }
    return type == LLMC_I8 ? LLMC_BAD_ARG : LLMC_OK;
}

/* Whole units and what is left of a row of 32-blocks. The same arguments. */
static void llmc__dequantize_units(llmc_dtype type, const uint8_t *src, size_t n, float *dst)
{
    const llmc__dtype_info *info = llmc__dtype(type);
    size_t i, part;
    for (i = 0; i < n; i += part, src += part / info->block * info->bytes) {
        part = n - i < LLMC__UNIT ? n - i : LLMC__UNIT;
        llmc__dequantize_unit(&llmc__layouts[type], src, dst + i, part);
    }
}

/* llmc_dequantize -- storage to f32                                      (QUANT.row)
   src [llmc_dtype_bytes(type, n)], any alignment; dst [n]. Total: every pattern of bytes has a
   value, if perhaps NaN or infinity. Errors: BAD_ARG as above. */
LLMC_API llmc_status llmc_dequantize(llmc_dtype type, const void *src, size_t n, float *dst)
{
    const uint8_t *in = (const uint8_t *)src;
    size_t i, block = llmc_dtype_block(type);
    if (block == 0 || n % block != 0)
        return LLMC_BAD_ARG;
    if (llmc__layouts[type].head != NULL) {
        llmc__dequantize_units(type, in, n, dst);
        return LLMC_OK;
    }
    for (i = 0; i < n; i += block, in += llmc__dtype(type)->bytes)
        switch (type) {
        case LLMC_F32:
            dst[i] = llmc__f32le(in);
            break;
        case LLMC_F16:
            dst[i] = llmc__f16_to_f32(llmc__u16le(in));
            break;
        case LLMC_BF16:
            dst[i] = llmc__bf16_to_f32(llmc__u16le(in));
            break;
        case LLMC_Q8_0:
            llmc__dequantize_q8_0(in, dst + i);
            break;
        case LLMC_Q4_0:
            llmc__dequantize_q4_0(in, dst + i);
            break;
        default:
            return LLMC_BAD_ARG;
        }
    /* I8 and I8R with n 0 never came by the switch */
    return type == LLMC_I8 || type == LLMC_I8R ? LLMC_BAD_ARG : LLMC_OK;
}

//==[ 09 KERNEL ]==== the loops that take the time, per instruction set ==== needs: 02 05 06 07 08 ====

/* Letters: n the length that a sum runs over (k within it), r a row of weights, t a column, that
   is a token's activations. Layouts are row by row: out [cols][out_stride], w [rows][n].
   Decode is one column: each weight is used once, so the time is that of reading it. Prefill and
   batches are many: the time is that of arithmetic, and weights unpacked once serve all columns.
   The kernels' forms follow from that:
     line   one row x one column      reads w from end to end     decode; Q types to 4 columns
     tile   some rows x some columns  unpacks w once for all      everything else
   (F16 and BF16 decode by a tile of 4 x 1, see 09.5.)
   They check nothing: sizes and types were checked when the model was loaded. */

//--[ 09.1 KERNEL.table ]-- what every instruction set provides
/* A block of activations: x = d q.
     | d 4 bytes | sums 4 bytes | q[0] ... q[31] |   40 bytes, native order, aligned to 4
   q fills bytes with signs, as products of bytes are the fastest there are. The sums, of each 16,
   serve types with minimums, w = d q + m, and Q4_0, stored as 0..15 and meaning -8..7:
     sum_i (w_i - 8) q_i  =  sum_i w_i q_i - 8 (sum[0] + sum[1])
   Whatever the input, q is in [-127, 127].
   d is 0 with all q 0 for a block whose largest magnitude is under 2^-100; d is NaN if any
   element was not finite, so that it is not lost. Rounding is to nearest, ties to even. */
typedef struct llmc__q8 {
    float d;
    int16_t sum[2]; /* up to 16 * 127 each */
    int8_t q[LLMC__QK];
} llmc__q8;

/* out[t * out_stride + r] = sum_k W[r][k] x[t][k] for r < rows, t < cols.
   w: rows row_bytes apart, little-endian bytes at any alignment.
   x: cols vectors, x_stride bytes apart: float[n] for F32, F16 and BF16 weights,
      llmc__q8[n / 32] for the others (llmc__wants_q8), aligned as those types need.
   n: any for float types, else a multiple of the type's block.
   out: only the rows * cols results are written, so threads may share an array by rows.
   Bounds: float types as any f32 sum of n products; vector sets take it eight ways, so that
   errors grow with n / 8. Q types: integers are exact, so beside the x that was rounded to q8
   (d / 2 an element) there is one rounding for the product of scales and one for each block's
   addition (two where it is not fused), and the same again for minimums.
   Within an instruction set each (r, t) is summed in one order, whatever rows and cols are:
   results do not depend on how a product is cut. Rows come fastest in multiples of 8. */
typedef void (*llmc__matmul_fn)(float *out, size_t out_stride, const uint8_t *w, size_t row_bytes,
                                size_t rows, const void *x, size_t x_stride, size_t cols, size_t n);

/* Every kernel of one instruction set; NULL where a type has none. Sets differ by how they round
   and in which order they add, never by more: tests hold each against 09.2. Where "the same bits"
   is said, they do not differ at all. Vectors may be of any length and alignment of their element
   type. Where out and x are both given they may be the same array, but not overlap otherwise. */
typedef struct llmc__kernels {
    const char *name;
    llmc__matmul_fn matmul[LLMC_DTYPE_COUNT];
    /* dst[i] = element i of src; n a multiple of the type's block */
    void (*dequantize[LLMC_DTYPE_COUNT])(const uint8_t *src, size_t n, float *dst);
    /* n a multiple of 32; every set gives the same bits */
    void (*quantize_x)(const float *x, size_t n, llmc__q8 *out);
    /* out = x / sqrt(mean(x^2) + eps) * w; all [n], n >= 1. x^2 must not overflow: see 09.2 */
    void (*rmsnorm)(float *out, const float *x, const float *w, size_t n, float eps);
    /* out = (x - mean) / sqrt(variance + eps) * w + b; b may be NULL */
    void (*layernorm)(float *out, const float *x, const float *w, const float *b, size_t n, float eps);
    void (*add)(float *y, const float *x, size_t n); /* y += x */
    void (*mul)(float *y, const float *x, size_t n); /* y *= x */
    void (*scale)(float *y, float a, size_t n);      /* y *= a */
    float (*max)(const float *x, size_t n);          /* n >= 1; NaN has no say */
    float (*exp_sum)(float *x, size_t n, float max); /* x = exp(x - max); returns the sum. x <= max */
    void (*act[5])(float *x, size_t n);              /* by llmc_act, in place; SWIGLU_OAI is below */
    /* up = min(g, 7) sigmoid(1.702 min(g, 7)) (clamp(up, -7, 7) + 1), g = gate; both [n] */
    void (*swiglu_oai)(float *up, const float *gate, size_t n);
    void (*softcap)(float *x, size_t n, float cap); /* x = cap tanh(x / cap); cap > 0 */
    /* by llmc_rope: turns one head; pair i of dims / 2 by the angle of cosine[i], sine[i] */
    void (*rope[2])(float *x, const float *cosine, const float *sine, size_t dims);
    /* F32, F16: cache rows, in native byte order, aligned to 2 */
    void (*kv_store[LLMC_DTYPE_COUNT])(void *dst, const float *x, size_t n);
    /* out[j] = scale * sum_i q[i] k[j][i], j < rows */
    void (*kv_dot[LLMC_DTYPE_COUNT])(float *out, const float *q, const void *k, size_t row_bytes, size_t rows,
                                     size_t n, float scale);
    /* out[i] += sum_j p[j] v[j][i], in the order of j: rows may be cut anywhere */
    void (*kv_mix[LLMC_DTYPE_COUNT])(float *out, const float *p, const void *v, size_t row_bytes, size_t rows,
                                     size_t n);
    bool (*finite)(const float *x, size_t n); /* no infinity, no NaN */
} llmc__kernels;

/* Activations of matmul[type] are llmc__q8, not float: weights of 4 and 8 bits are known no better
   than that, and integer products are four to a float's one. */
static inline bool llmc__wants_q8(llmc_dtype type)
{
    return type == LLMC_Q8_0 || type == LLMC_Q4_0 || llmc__layouts[type].head != NULL;
}

/* Eight rows by up to eight blocks of a type of 08.2, taken apart for a tile; lanes are rows, so
   these come first where vectors are loaded: s[b][2 r + half], the rest [b][r]. */
typedef struct llmc__rows {
    int8_t q[8][LLMC__UNIT];
    float d[8][8], off[8][8];
    int16_t s[8][16], m[8][16];
} llmc__rows;

/* The table of a set whose functions are p_matmul_f32, ... Arrays go by llmc_dtype; act and rope by
   llmc_act and llmc_rope. I8 and I8R have no kernels: their rows are turned to floats one at a time
   (15). */
#define LLMC__KERNELS(p, name)                                                                     \
    {                                                                                              \
        name,                                                                                      \
            {NULL,                                                                                 \
             p(matmul_f32),                                                                        \
             p(matmul_f16),                                                                        \
             p(matmul_bf16),                                                                       \
             p(matmul_q8_0),                                                                       \
             p(matmul_q4_0),                                                                       \
             NULL,                                                                                 \
             p(matmul_q4_1),                                                                       \
             p(matmul_q5_0),                                                                       \
             p(matmul_q5_1),                                                                       \
             p(matmul_q2_k),                                                                       \
             p(matmul_q3_k),                                                                       \
             p(matmul_q4_k),                                                                       \
             p(matmul_q5_k),                                                                       \
             p(matmul_q6_k),                                                                       \
             p(matmul_q8_k),                                                                       \
             p(matmul_iq4_nl),                                                                     \
             p(matmul_iq4_xs),                                                                     \
             p(matmul_mxfp4),                                                                      \
             NULL},                                                                                \
            {NULL,                                                                                 \
             llmc__row_f32,                                                                        \
             llmc__row_f16,                                                                        \
             llmc__row_bf16,                                                                       \
             llmc__row_q8_0,                                                                       \
             llmc__row_q4_0,                                                                       \
             NULL,                                                                                 \
             llmc__row_q4_1,                                                                       \
             llmc__row_q5_0,                                                                       \
             llmc__row_q5_1,                                                                       \
             llmc__row_q2_k,                                                                       \
             llmc__row_q3_k,                                                                       \
             llmc__row_q4_k,                                                                       \
             llmc__row_q5_k,                                                                       \
             llmc__row_q6_k,                                                                       \
             llmc__row_q8_k,                                                                       \
             llmc__row_iq4_nl,                                                                     \
             llmc__row_iq4_xs,                                                                     \
             llmc__row_mxfp4,                                                                      \
             NULL},                                                                                \
            p(quantize_x), p(rmsnorm), p(layernorm), p(add), p(mul), p(scale), p(max), p(exp_sum), \
            {p(silu), p(gelu_tanh), p(gelu_erf), p(relu), p(relu2)}, p(swiglu_oai), p(softcap),    \
            {p(rope_adjacent), p(rope_half)}, {NULL, p(kv_store_f32), p(kv_store_f16)},            \
            {NULL, p(kv_dot_f32), p(kv_dot_f16)}, {NULL, p(kv_mix_f32), p(kv_mix_f16)}, p(finite)  \
    }

/* Every type of 08.2: X(name, enum, bytes of a unit, how 09.5 multiplies, minimums).
     u   q is 0..31        s   q is a byte with sign        h   the same, with scales for 16 */
enum { llmc__kind_u, llmc__kind_s, llmc__kind_h };
#define LLMC__UNIT_TYPES(X)           \
    X(q4_1, LLMC_Q4_1, 160, u, 1)     \
    X(q5_0, LLMC_Q5_0, 176, s, 0)     \
    X(q5_1, LLMC_Q5_1, 192, u, 1)     \
    X(q2_k, LLMC_Q2_K, 84, h, 1)      \
    X(q3_k, LLMC_Q3_K, 110, h, 0)     \
    X(q4_k, LLMC_Q4_K, 144, u, 1)     \
    X(q5_k, LLMC_Q5_K, 176, u, 1)     \
    X(q6_k, LLMC_Q6_K, 210, h, 0)     \
    X(q8_k, LLMC_Q8_K, 292, s, 0)     \
    X(iq4_nl, LLMC_IQ4_NL, 144, s, 0) \
    X(iq4_xs, LLMC_IQ4_XS, 136, s, 0) \
    X(mxfp4, LLMC_MXFP4, 136, s, 0)

//--[ 09.2 KERNEL.scalar ]-- plain C: the oracle, and what an unknown machine runs
/* A row of any type as floats, by 08's definition: src [n] in storage, dst [n]. One for all sets,
   as products unpack for themselves. n is whole blocks, so the status cannot be other than OK. */
#define LLMC__ROW_FN(name, type)                               \
    static void name(const uint8_t *src, size_t n, float *dst) \
    {                                                          \
        (void)llmc_dequantize(type, src, n, dst);              \
    }
LLMC__ROW_FN(llmc__row_f32, LLMC_F32)
LLMC__ROW_FN(llmc__row_f16, LLMC_F16)
LLMC__ROW_FN(llmc__row_bf16, LLMC_BF16)
LLMC__ROW_FN(llmc__row_q8_0, LLMC_Q8_0)
LLMC__ROW_FN(llmc__row_q4_0, LLMC_Q4_0)
#define LLMC__X(name, type, bytes, kind, mins) LLMC__ROW_FN(llmc__row_##name, type)
LLMC__UNIT_TYPES(LLMC__X)
#undef LLMC__X
#undef LLMC__ROW_FN

/* Dot products of one row w with one column x, elements in order, one sum: slow, and right by
   inspection. w at any alignment; x [n] float here, [n / 32] llmc__q8 for the Q types below. */
static float llmc__scalar_dot_f32(const uint8_t *w, const void *x, size_t n)
{
    const float *a = (const float *)x;
    float sum = 0;
    size_t i;
    for (i = 0; i < n; i++)
        sum += llmc__f32le(w + 4 * i) * a[i];
    return sum;
}

/* F16 and BF16 are widened exactly, so that products are those of F32 weights. */
static float llmc__scalar_dot_f16(const uint8_t *w, const void *x, size_t n)
{
    const float *a = (const float *)x;
    float sum = 0;
    size_t i;
    for (i = 0; i < n; i++)
        sum += llmc__f16_to_f32(llmc__u16le(w + 2 * i)) * a[i];
    return sum;
}

static float llmc__scalar_dot_bf16(const uint8_t *w, const void *x, size_t n)
{
    const float *a = (const float *)x;
    float sum = 0;
    size_t i;
    for (i = 0; i < n; i++)
        sum += llmc__bf16_to_f32(llmc__u16le(w + 2 * i)) * a[i];
    return sum;
}

/* Blocks in order. A block's integers add up exactly: at most 32 * 128 * 127, under 2^19, which a
   float holds too. The two d are multiplied first, as in the vector kernels. */
static float llmc__scalar_dot_q8_0(const uint8_t *w, const void *x, size_t n)
{
    const llmc__q8 *a = (const llmc__q8 *)x, *end = a + n / LLMC__QK;
    float sum = 0;
    for (; a < end; a++, w += 2 + LLMC__QK) {
        int32_t s = 0;
        int i;
        for (i = 0; i < LLMC__QK; i++)
            s += (int8_t)w[2 + i] * a->q[i];
        sum += (float)s * (llmc__f16_to_f32(llmc__u16le(w)) * a->d);
    }
    return sum;
}

/* Byte i holds elements i (low) and 16 + i (high), as drawn in 07. */
static float llmc__scalar_dot_q4_0(const uint8_t *w, const void *x, size_t n)
{
    const llmc__q8 *a = (const llmc__q8 *)x, *end = a + n / LLMC__QK;
    float sum = 0;
    for (; a < end; a++, w += 2 + LLMC__QK / 2) {
        int32_t s = 0;
        int i;
        for (i = 0; i < 16; i++)
            s += ((w[2 + i] & 15) - 8) * a->q[i] + ((w[2 + i] >> 4) - 8) * a->q[16 + i];
        sum += (float)s * (llmc__f16_to_f32(llmc__u16le(w)) * a->d);
    }
    return sum;
}

/* llmc__matmul_fn out of dot products. Rows are the outer loop: w is the larger operand and is
   read once. */
#define LLMC__MATMUL_FN(name, dot)                                                                      \
    static void name(float *out, size_t out_stride, const uint8_t *w, size_t row_bytes, size_t rows,    \
                     const void *x, size_t x_stride, size_t cols, size_t n)                             \
    {                                                                                                   \
        size_t r, t;                                                                                    \
        for (r = 0; r < rows; r++)                                                                      \
            for (t = 0; t < cols; t++)                                                                  \
                out[t * out_stride + r] = dot(w + r * row_bytes, (const uint8_t *)x + t * x_stride, n); \
    }
LLMC__MATMUL_FN(llmc__scalar_matmul_f32, llmc__scalar_dot_f32)
LLMC__MATMUL_FN(llmc__scalar_matmul_f16, llmc__scalar_dot_f16)
LLMC__MATMUL_FN(llmc__scalar_matmul_bf16, llmc__scalar_dot_bf16)
LLMC__MATMUL_FN(llmc__scalar_matmul_q8_0, llmc__scalar_dot_q8_0)
LLMC__MATMUL_FN(llmc__scalar_matmul_q4_0, llmc__scalar_dot_q4_0)
#undef LLMC__MATMUL_FN

/* Blocks of one unit with those of one column, added to sum in order. */
static float llmc__scalar_dot_unit(const llmc__unit *u, const int8_t *q, unsigned flags, const llmc__q8 *x,
                                   size_t blocks, float sum)
{
    size_t b;
    for (b = 0; b < blocks; b++, q += LLMC__QK, x++) {
        int32_t low = 0, high = 0, min = x->sum[0] + x->sum[1];
        int i;
        for (i = 0; i < 16; i++) {
            low += q[i] * x->q[i];
            high += q[16 + i] * x->q[16 + i];
        }
        if (flags & LLMC__HALVES) { /* at most 2 * 128 * 16 * 32 * 127 < 2^24 (Q6_K) */
            low *= u->s[2 * b];
            high *= u->s[2 * b + 1];
        }
        sum += (float)(low + high) * (u->d[b] * x->d);
        if ((flags & LLMC__MINS) && (flags & LLMC__HALVES))
            min = u->m[2 * b] * x->sum[0] + u->m[2 * b + 1] * x->sum[1];
        if (flags & LLMC__MINS)
            sum += (float)min * (u->off[b] * x->d);
    }
    return sum;
}

/* llmc__matmul_fn for a type of 08.2. A unit is unpacked once for all columns, whose sums wait in
   out meanwhile. */
static void llmc__scalar_units(llmc_dtype type, float *out, size_t out_stride, const uint8_t *w,
                               size_t row_bytes, size_t rows, const void *x, size_t x_stride, size_t cols,
                               size_t n)
{
    const llmc__layout *layout = &llmc__layouts[type];
    size_t r, t, k, blocks, step = llmc_dtype_bytes(type, LLMC__UNIT);
    for (r = 0; r < rows; r++, out++, w += row_bytes) {
        for (t = 0; t < cols; t++)
            out[t * out_stride] = 0;
        for (k = 0; k < n; k += LLMC__UNIT) {
            const uint8_t *at = (const uint8_t *)x + k / LLMC__QK * sizeof(llmc__q8);
            int8_t q[LLMC__UNIT];
            llmc__unit u;
            blocks = (n - k < LLMC__UNIT ? n - k : LLMC__UNIT) / LLMC__QK;
            layout->head(&u, w + k / LLMC__UNIT * step, blocks);
            layout->bytes(q, w + k / LLMC__UNIT * step, blocks);
            for (t = 0; t < cols; t++)
                out[t * out_stride] = llmc__scalar_dot_unit(
                    &u, q, layout->flags, (const llmc__q8 *)(const void *)(at + t * x_stride), blocks,
                    out[t * out_stride]);
        }
    }
}
#define LLMC__X(name, type, bytes, kind, mins)                                                            \
    static void llmc__scalar_matmul_##name(float *out, size_t out_stride, const uint8_t *w,               \
                                           size_t row_bytes, size_t rows, const void *x, size_t x_stride, \
                                           size_t cols, size_t n)                                         \
    {                                                                                                     \
        llmc__scalar_units(type, out, out_stride, w, row_bytes, rows, x, x_stride, cols, n);              \
    }
LLMC__UNIT_TYPES(LLMC__X)
#undef LLMC__X

/* d and 127 / max of a block from the bits of its largest magnitude; see llmc__q8. The
   inverse is 0 where q has to be 0. From 2^-100 on both are normal numbers, and so is d times
   a normal f16: far enough below, units that drop subnormals would give other bits than the rest.
   inverse is made from max and not from d, which would round twice.
     0x7f800000  infinity, above it NaN      0x7fc00000  the quiet NaN      0x0d800000  2^-100 */
static inline float llmc__q8_scale(int32_t most_bits, float *inverse)
{
    float most = llmc__bits_f32((uint32_t)most_bits);
    *inverse = 0;
    if (most_bits >= 0x7f800000)
        return llmc__bits_f32(0x7fc00000u);
    if (most_bits < 0x0d800000) /* 2^-100 */
        return 0;
    *inverse = llmc__f32(127 / most);
    return llmc__f32(most / 127);
}

/* x [n] to out [n / 32]. The reference for every set, bit for bit: so the largest magnitude is
   found among bits (order of comparison cannot matter, NaN wins), products are rounded before
   LLMC__ROUND is added, and inverse is 127 / max, not 1 / d. |q| <= 127 as x * inverse exceeds 127
   by a rounding at most. inverse 0 must not meet an infinity: 0 * infinity is NaN. */
static void llmc__scalar_quantize_x(const float *x, size_t n, llmc__q8 *out)
{
    for (; n >= LLMC__QK; n -= LLMC__QK, x += LLMC__QK, out++) {
        int32_t most = 0, sum[2] = {0, 0};
        float inverse;
        int i;
        for (i = 0; i < LLMC__QK; i++) {
            int32_t a = (int32_t)(llmc__f32_bits(x[i]) & 0x7fffffffu);
            most = a > most ? a : most;
        }
        out->d = llmc__q8_scale(most, &inverse);
        for (i = 0; i < LLMC__QK; i++) {
            float v = inverse != 0 ? llmc__f32(llmc__f32(x[i] * inverse) + LLMC__ROUND) : LLMC__ROUND;
            int32_t q = (int32_t)llmc__f32_bits(v) - LLMC__ROUND_BITS;
            out->q[i] = (int8_t)q;
            sum[i / 16] += q;
        }
        out->sum[0] = (int16_t)sum[0];
        out->sum[1] = (int16_t)sum[1];
    }
}

/* Source: Zhang 2019. eps keeps x = 0 finite. x is read again after the sum, and out[i] is written
   after the last use of x[i]: so they may be one array, here and in all that follows. From
   |x| = 1.8e19 on x^2 is infinite, and finite elements become 0. */
static void llmc__scalar_rmsnorm(float *out, const float *x, const float *w, size_t n, float eps)
{
    float sum = 0, inverse;
    size_t i;
    for (i = 0; i < n; i++)
        sum += x[i] * x[i];
    inverse = 1 / llmc__sqrtf(sum / (float)n + eps);
    for (i = 0; i < n; i++)
        out[i] = x[i] * inverse * w[i];
}

/* Source: Ba 2016. Two passes, since mean(x^2) - mean^2 cancels where the mean is large. */
static void llmc__scalar_layernorm(float *out, const float *x, const float *w, const float *b, size_t n,
                                   float eps)
{
    float mean = 0, sum = 0, inverse;
    size_t i;
    for (i = 0; i < n; i++)
        mean += x[i];
    mean /= (float)n;
    for (i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    inverse = 1 / llmc__sqrtf(sum / (float)n + eps);
    for (i = 0; i < n; i++)
        out[i] = (x[i] - mean) * inverse * w[i] + (b != NULL ? b[i] : 0);
}

/* y [n], x [n]; here and in the next two one rounding per element: the same bits in every set. */
static void llmc__scalar_add(float *y, const float *x, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++)
        y[i] += x[i];
}

static void llmc__scalar_mul(float *y, const float *x, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++)
        y[i] *= x[i];
}

static void llmc__scalar_scale(float *y, float a, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++)
        y[i] *= a;
}

/* A finite start: x - max must not become infinity - infinity where all of x is -infinity. */
static float llmc__scalar_max(const float *x, size_t n)
{
    float most = -FLT_MAX;
    size_t i;
    for (i = 0; i < n; i++)
        most = x[i] > most ? x[i] : most;
    return most;
}

/* The softmax but for its division. The caller's max keeps every result in [0, 1]. */
static float llmc__scalar_exp_sum(float *x, size_t n, float max)
{
    float sum = 0;
    size_t i;
    for (i = 0; i < n; i++) {
        x[i] = llmc__expf(x[i] - max);
        sum += x[i];
    }
    return sum;
}

/* silu x = x / (1 + e^-x); gelu x = x Phi(x), in its tanh form about
   x / 2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))); relu x = max(x, 0). y [n] in place.
   Source: Elfwing 2017 (silu), Hendrycks 2016 (gelu; sqrt(2/pi) = 0.79788...). */
/* e^-x is infinite for x < -88.72: x / infinity is the limit, a zero. */
static void llmc__scalar_silu(float *x, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++)
        x[i] = x[i] / (1 + llmc__expf(-x[i]));
}

/* x^3 may overflow: tanh of an infinity is 1 or -1, and the result x or a zero. */
static void llmc__scalar_gelu_tanh(float *x, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++)
        x[i] = 0.5f * x[i] * (1 + llmc__tanhf(0.797884561f * (x[i] + 0.044715f * x[i] * x[i] * x[i])));
}

/* In double: 1 + erf cancels for negative x. */
static void llmc__scalar_gelu_erf(float *x, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++)
        x[i] = (float)(0.5 * (double)x[i] * (1 + llmc__erf((double)x[i] * 0.7071067811865476)));
}

/* Asked this way round NaN stays NaN. */
static void llmc__scalar_relu(float *x, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++)
        x[i] = x[i] < 0 ? 0 : x[i];
}

/* So 2021. Overflows to infinity from |x| = 1.8e19 on. */
static void llmc__scalar_relu2(float *x, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++)
        x[i] = x[i] < 0 ? 0 : x[i] * x[i];
}

/* gpt-oss. g sigmoid(a g) = g / (1 + e^(-a g)); comparisons are such that NaN stays NaN. */
static void llmc__scalar_swiglu_oai(float *up, const float *gate, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++) {
        float g = gate[i] > 7 ? 7 : gate[i], u = up[i] > 7 ? 7 : up[i] < -7 ? -7 : up[i];
        up[i] = g / (1 + llmc__expf(-1.702f * g)) * (u + 1);
    }
}

/* Gemma 2's bound on scores and logits: near x where x is small, never beyond cap. */
static void llmc__scalar_softcap(float *x, size_t n, float cap)
{
    size_t i;
    for (i = 0; i < n; i++)
        x[i] = cap * llmc__tanhf(x[i] / cap);
}

/* One pair, as a point of the plane, turned by an angle. Source: Su 2021, eq. 34. */
static inline void llmc__turn(float *a, float *b, float cosine, float sine)
{
    float x = *a, y = *b;
    *a = x * cosine - y * sine;
    *b = x * sine + y * cosine;
}

/* The pairs of a head, dims of its elements turned, those after them untouched:
     adjacent   (0 1) (2 3) (4 5) ...              llama2.c, GGUF's llama
     half       (0 h) (1 h+1) ..., h = dims / 2    most others */
static void llmc__scalar_rope_adjacent(float *x, const float *cosine, const float *sine, size_t dims)
{
    size_t i;
    for (i = 0; i < dims / 2; i++)
        llmc__turn(&x[2 * i], &x[2 * i + 1], cosine[i], sine[i]);
}

static void llmc__scalar_rope_half(float *x, const float *cosine, const float *sine, size_t dims)
{
    size_t i;
    for (i = 0; i < dims / 2; i++)
        llmc__turn(&x[i], &x[i + dims / 2], cosine[i], sine[i]);
}

/* One head's key or value of one token: x [n] to dst [n]. F16 rounds to nearest even; from 65520
   on it is infinity. */
static void llmc__scalar_kv_store_f32(void *dst, const float *x, size_t n)
{
    LLMC_MEMCPY(dst, x, n * sizeof *x);
}

static void llmc__scalar_kv_store_f16(void *dst, const float *x, size_t n)
{
    uint16_t *h = (uint16_t *)dst;
    size_t i;
    for (i = 0; i < n; i++)
        h[i] = llmc__f32_to_f16(x[i]);
}

/* Element i of a cache row. Native order: the cache never leaves this machine's memory. */
static inline float llmc__kv_f32(const uint8_t *row, size_t i)
{
    float f;
    LLMC_MEMCPY(&f, row + 4 * i, 4);
    return f;
}

static inline float llmc__kv_f16(const uint8_t *row, size_t i)
{
    uint16_t h;
    LLMC_MEMCPY(&h, row + 2 * i, 2);
    return llmc__f16_to_f32(h);
}

/* dot: k [rows][n], q [n], out [rows], each in order of i; scaled last, one rounding.
   mix: v [rows][n], p [rows], out [n] added to. Rows outside, since sums are in the order of j. */
#define LLMC__KV_FNS(type)                                                                              \
    static void llmc__scalar_kv_dot_##type(float *out, const float *q, const void *k, size_t row_bytes, \
                                           size_t rows, size_t n, float scale)                          \
    {                                                                                                   \
        const uint8_t *row = (const uint8_t *)k;                                                        \
        size_t i, j;                                                                                    \
        for (j = 0; j < rows; j++, row += row_bytes) {                                                  \
            float sum = 0;                                                                              \
            for (i = 0; i < n; i++)                                                                     \
                sum += q[i] * llmc__kv_##type(row, i);                                                  \
            out[j] = scale * sum;                                                                       \
        }                                                                                               \
    }                                                                                                   \
    static void llmc__scalar_kv_mix_##type(float *out, const float *p, const void *v, size_t row_bytes, \
                                           size_t rows, size_t n)                                       \
    {                                                                                                   \
        const uint8_t *row = (const uint8_t *)v;                                                        \
        size_t i, j;                                                                                    \
        for (j = 0; j < rows; j++, row += row_bytes)                                                    \
            for (i = 0; i < n; i++)                                                                     \
                out[i] += p[j] * llmc__kv_##type(row, i);                                               \
    }
LLMC__KV_FNS(f32)
LLMC__KV_FNS(f16)
#undef LLMC__KV_FNS

/* True for n 0. */
static bool llmc__scalar_finite(const float *x, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++)
        if (!llmc__finite(x[i]))
            return false;
    return true;
}

/* In every build: tests hold the other sets against it. */
#define LLMC__SCALAR(name) llmc__scalar_##name
static const llmc__kernels llmc__scalar_kernels = LLMC__KERNELS(LLMC__SCALAR, "scalar");
#undef LLMC__SCALAR

#if LLMC__AVX2

//--[ 09.3 KERNEL.avx2 ]-- eight products of blocks at once, in integers
/* The body (09.5) asks each set for the same few things, llmc__avx2_dot8_q8_0 and so on:
     dot8_T        8 blocks of one row . 8 blocks of one column    lane i: block i
     panel_T       1 block of 8 rows, unpacked
     panel_dot_T   a panel . 1 block of one column                 lane i: row i
     panel_dot4_T  the same for 4 columns
     x_scales      d of 8 blocks of a column
   All of it integers, exact, so that no order of theirs can show in a result; floats begin
   where these are multiplied by both scales. */

/* Eight sums of eight lanes each: lane 0 of the result is a's, lane 7 h's. hadd adds neighbours
   within halves, x0-3 here meaning x0 + x1 + x2 + x3:
     hadd(a, b)     | a0+1 a2+3 b0+1 b2+3 | a4+5 a6+7 b4+5 b6+7 |
     abcd           | a0-3 b0-3 c0-3 d0-3 | a4-7 b4-7 c4-7 d4-7 |
     0x20           | abcd's low half     | efgh's low half     |
     0x31           | abcd's high half    | efgh's high half    |
   Six hadds, two permutes and an addition for eight vectors; one by one each would take three
   shuffles and three additions. */
LLMC__AVX2_FN __m256i llmc__avx2_sums(__m256i a, __m256i b, __m256i c, __m256i d, __m256i e, __m256i f,
                                      __m256i g, __m256i h)
{
    __m256i abcd = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    __m256i efgh = _mm256_hadd_epi32(_mm256_hadd_epi32(e, f), _mm256_hadd_epi32(g, h));
    return _mm256_add_epi32(_mm256_permute2x128_si256(abcd, efgh, 0x20),
                            _mm256_permute2x128_si256(abcd, efgh, 0x31));
}

/* d and the two sums of four blocks of x: 0, 1, 4 and 5, which is how the shuffles below want them:
     heads(x)       | d0 s0 d1 s1 | d4 s4 d5 s5 |
     heads(x + 2)   | d2 s2 d3 s3 | d6 s6 d7 s7 |
     0x88, 0xdd     | d0 d1 d2 d3 | d4 d5 d6 d7 |   and s likewise
   The sums are integers in a float's lane: only moved, never computed with, until it is cast back. */
LLMC__AVX2_FN __m256 llmc__avx2_x_heads(const llmc__q8 *x)
{
#define LLMC__HEAD(i) _mm_loadl_epi64((const __m128i *)(const void *)(x + (i)))
    __m128i a = _mm_unpacklo_epi64(LLMC__HEAD(0), LLMC__HEAD(1));
    __m128i b = _mm_unpacklo_epi64(LLMC__HEAD(4), LLMC__HEAD(5));
#undef LLMC__HEAD
    return _mm256_castsi256_ps(_mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1));
}

/* d of eight blocks of x that follow each other; their pairs of sums; and what these add up to. */
LLMC__AVX2_FN __m256 llmc__avx2_x_scales(const llmc__q8 *x)
{
    return _mm256_shuffle_ps(llmc__avx2_x_heads(x), llmc__avx2_x_heads(x + 2), 0x88);
}
LLMC__AVX2_FN __m256i llmc__avx2_x_pairs(const llmc__q8 *x)
{
    return _mm256_castps_si256(_mm256_shuffle_ps(llmc__avx2_x_heads(x), llmc__avx2_x_heads(x + 2), 0xdd));
}
LLMC__AVX2_FN __m256i llmc__avx2_x_sums(const llmc__q8 *x)
{
    return _mm256_madd_epi16(llmc__avx2_x_pairs(x), _mm256_set1_epi16(1));
}

/* One block of Q8_0, eight partial sums. |w| is the unsigned side, up to 128, x takes w's sign:
   a pair of products is at most 2 * 128 * 127, which fits 16 bits. The other way round would not
   do: a file's w may be -128, which has no negative in a byte; x by its contract is never that.
     w, x   32 int8   maddubs: 16 int16, a pair each   madd by 1: 8 int32, four elements each */
LLMC__AVX2_FN __m256i llmc__avx2_block_q8_0(const uint8_t *w, const llmc__q8 *x)
{
    __m256i a = _mm256_loadu_si256((const __m256i *)(w + 2)), v = _mm256_loadu_si256((const __m256i *)x->q);
    __m256i pair = _mm256_maddubs_epi16(_mm256_abs_epi8(a), _mm256_sign_epi8(v, a));
    return _mm256_madd_epi16(pair, _mm256_set1_epi16(1));
}

/* Eight blocks that follow each other, each with its own block of x: a lane for each. w [8 * 34]
   bytes, x [8]. */
LLMC__AVX2_FN __m256i llmc__avx2_dot8_q8_0(const uint8_t *w, const llmc__q8 *x)
{
#define LLMC__DOT(i) llmc__avx2_block_q8_0(w + 34 * (i), x + (i))
    return llmc__avx2_sums(LLMC__DOT(0), LLMC__DOT(1), LLMC__DOT(2), LLMC__DOT(3), LLMC__DOT(4), LLMC__DOT(5),
                           LLMC__DOT(6), LLMC__DOT(7));
#undef LLMC__DOT
}

/* One block of Q4_0: eight sums of pairs of products in each half, each up to 2 * 15 * 127.
     bytes at w + 2    | 16:0 | 17:1 | ... | 31:15 |    high:low, element numbers
     both halves       the same 16 bytes
     shift by 0 | 4    low nibbles in place | high ones brought down; what comes from the byte
                       above is masked off
     & 15              | 0 1 ... 15 | 16 17 ... 31 |    in the order of x
   The 8 that every weight is too large is taken off at the end, from the sum of x. */
LLMC__AVX2_FN __m256i llmc__avx2_block_q4_0(const uint8_t *w, const llmc__q8 *x)
{
    __m256i v = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(w + 2)));
    v = _mm256_srlv_epi32(v, _mm256_setr_epi32(0, 0, 0, 0, 4, 4, 4, 4));
    v = _mm256_and_si256(v, _mm256_set1_epi8(15));
    return _mm256_maddubs_epi16(v, _mm256_loadu_si256((const __m256i *)x->q));
}

/* Blocks 0 and 4, a half for each, eight int16 of up to 4 * 15 * 127:
     blend, swap    | a low | b high | + | a high | b low |
   Block 4 and not 1 for the same reason as in llmc__avx2_sums: halves are not crossed again. */
LLMC__AVX2_FN __m256i llmc__avx2_blocks_q4_0(const uint8_t *w, const llmc__q8 *x)
{
    __m256i a = llmc__avx2_block_q4_0(w, x), b = llmc__avx2_block_q4_0(w + 4 * 18, x + 4);
    return _mm256_add_epi16(_mm256_blend_epi32(a, b, 0xf0), _mm256_permute2x128_si256(a, b, 0x21));
}

/* As dot8_q8_0. 16 bits suffice until two sums of a block's are left, 16 * 15 * 127 = 30480 each,
   so that most of the tree adds 16 lanes at a time:
     blocks, hadd     | 0 0 0 0 1 1 1 1 | 4 4 4 4 5 5 5 5 |   int16, numbers are blocks
     hadd             | 0 0 1 1 2 2 3 3 | 4 4 5 5 6 6 7 7 |
     madd by 1        | 0 1 2 3         | 4 5 6 7         |   int32 */
LLMC__AVX2_FN __m256i llmc__avx2_dot8_q4_0(const uint8_t *w, const llmc__q8 *x)
{
    __m256i a = _mm256_hadd_epi16(llmc__avx2_blocks_q4_0(w, x), llmc__avx2_blocks_q4_0(w + 18, x + 1));
    __m256i b =
        _mm256_hadd_epi16(llmc__avx2_blocks_q4_0(w + 36, x + 2), llmc__avx2_blocks_q4_0(w + 54, x + 3));
    a = _mm256_madd_epi16(_mm256_hadd_epi16(a, b), _mm256_set1_epi16(1));
    return _mm256_sub_epi32(a, _mm256_slli_epi32(llmc__avx2_x_sums(x), 3));
}

/* A block of eight rows, transposed so that a dword lane belongs to a row and each vector
   holds the same elements of all: Q4_0 four bytes, Q8_0 two int16 (elements 4j and 4j+2 in
   v[j], 4j+1 and 4j+3 in v[8+j]).
                 lane 0 (row 0)      lane 1 (row 1)    ...   lane 7 (row 7)
     Q4_0 v[0]   e0  e1  e2  e3      e0  e1  e2  e3          e0  e1  e2  e3      v[1] e4 to e7, ...
          v[4]   e16 e17 e18 e19     ...                                         v[7] e28 to e31
     Q8_0 v[0]   e0      e2          ...                     as int16
          v[8]   e1      e3
   Elements are those of one block, e0 to e31; a panel is made once per block and 8 rows, and lives
   in registers or L1 while every column of the tile passes by.
   Then four elements of x, in every lane, meet eight rows at once, sums need no adding across
   lanes, and lane i is row i when the scales come. Q4_0 leaves v[8] on unused. Q8_0 is widened
   here, once: as bytes x would have to take the weights' signs for every vector and column. */
typedef struct llmc__avx2_panel {
    __m256i v[16];
} llmc__avx2_panel;

/* out[j]: dword j of the 16 bytes at w and in each of the next seven rows. Rows i and i + 4 share
   a register, so that what crosses no half is enough; a0 is row 0's dword 0, b row 1's, ...:
     pairs        | a0 a1 a2 a3 | e0 e1 e2 e3 |
     unpack 32    | a0 b0 a1 b1 | e0 f0 e1 f1 |   and c with d
     unpack 64    | a0 b0 c0 d0 | e0 f0 g0 h0 |   = out[0] */
LLMC__AVX2_FN void llmc__avx2_transpose(__m256i out[4], const uint8_t *w, size_t row_bytes)
{
#define LLMC__HALF(i) _mm_loadu_si128((const __m128i *)(w + (i)*row_bytes))
#define LLMC__PAIR(i) _mm256_inserti128_si256(_mm256_castsi128_si256(LLMC__HALF(i)), LLMC__HALF(i + 4), 1)
    __m256i a = LLMC__PAIR(0), b = LLMC__PAIR(1), c = LLMC__PAIR(2), d = LLMC__PAIR(3);
    __m256i ab = _mm256_unpacklo_epi32(a, b), cd = _mm256_unpacklo_epi32(c, d);
#undef LLMC__PAIR
#undef LLMC__HALF
    out[0] = _mm256_unpacklo_epi64(ab, cd);
    out[1] = _mm256_unpackhi_epi64(ab, cd);
    ab = _mm256_unpackhi_epi32(a, b);
    cd = _mm256_unpackhi_epi32(c, d);
    out[2] = _mm256_unpacklo_epi64(ab, cd);
    out[3] = _mm256_unpackhi_epi64(ab, cd);
}

/* The block at w and those of the next seven rows; w at any alignment. Shifting 16 bits at a time
   is well: the mask drops what crosses a byte. */
LLMC__AVX2_FN void llmc__avx2_panel_q4_0(llmc__avx2_panel *p, const uint8_t *w, size_t row_bytes)
{
    __m256i mask = _mm256_set1_epi8(15), t[4];
    llmc__avx2_transpose(t, w + 2, row_bytes);
    p->v[0] = _mm256_and_si256(t[0], mask);
    p->v[1] = _mm256_and_si256(t[1], mask);
    p->v[2] = _mm256_and_si256(t[2], mask);
    p->v[3] = _mm256_and_si256(t[3], mask);
    p->v[4] = _mm256_and_si256(_mm256_srli_epi16(t[0], 4), mask);
    p->v[5] = _mm256_and_si256(_mm256_srli_epi16(t[1], 4), mask);
    p->v[6] = _mm256_and_si256(_mm256_srli_epi16(t[2], 4), mask);
    p->v[7] = _mm256_and_si256(_mm256_srli_epi16(t[3], 4), mask);
}

/* The same for bytes with signs, 32 of each row. A byte is brought to the top of its int16 and back
   down, which gives it its sign. */
LLMC__AVX2_FN void llmc__avx2_panel_i8(llmc__avx2_panel *p, const uint8_t *w, size_t row_bytes)
{
    __m256i t[8];
    int j;
    llmc__avx2_transpose(t, w, row_bytes);
    llmc__avx2_transpose(t + 4, w + 16, row_bytes);
    for (j = 0; j < 8; j++) {
        p->v[j] = _mm256_srai_epi16(_mm256_slli_epi16(t[j], 8), 8);
        p->v[8 + j] = _mm256_srai_epi16(t[j], 8);
    }
}

LLMC__AVX2_FN void llmc__avx2_panel_q8_0(llmc__avx2_panel *p, const uint8_t *w, size_t row_bytes)
{
    llmc__avx2_panel_i8(p, w + 2, row_bytes);
}

/* The dword at p in every lane: one broadcast from memory, which needs no shuffle port. */
LLMC__AVX2_FN __m256i llmc__avx2_dword(const void *p)
{
    int32_t d;
    LLMC_MEMCPY(&d, p, 4);
    return _mm256_set1_epi32(d);
}

/* Panel times one block of x; the last line takes off the 8 that every weight is too large. Eight
   pairs of products, each up to 2 * 15 * 127, add up within 16 bits: 30480. Two chains, a and b, as
   one would wait for each addition. */
LLMC__AVX2_FN __m256i llmc__avx2_panel_dot_q4_0(const llmc__avx2_panel *p, const llmc__q8 *x)
{
#define LLMC__MUL(i) _mm256_maddubs_epi16(p->v[i], llmc__avx2_dword(x->q + 4 * (i)))
    __m256i a = _mm256_add_epi16(LLMC__MUL(0), LLMC__MUL(1)),
            b = _mm256_add_epi16(LLMC__MUL(2), LLMC__MUL(3));
    a = _mm256_add_epi16(a, LLMC__MUL(4));
    b = _mm256_add_epi16(b, LLMC__MUL(5));
    a = _mm256_add_epi16(a, LLMC__MUL(6));
    b = _mm256_add_epi16(b, LLMC__MUL(7));
#undef LLMC__MUL
    a = _mm256_madd_epi16(_mm256_add_epi16(a, b), _mm256_set1_epi16(1));
    return _mm256_sub_epi32(a, _mm256_slli_epi32(_mm256_set1_epi32(x->sum[0] + x->sum[1]), 3));
}

/* Unlike Q4_0's, these panels do not fit the registers: four columns share each load. x goes
   through memory, widened as the panel is, to be broadcast from there:
     part[t]   | e0 e2 | e4 e6 | ... | e28 e30 | e1 e3 | ... | e29 e31 |   a dword to each v[j]
   Sums are int32: a pair of int16 products is up to 2 * 128 * 127, sixteen of them under 2^19. */
LLMC__AVX2_FN void llmc__avx2_panel_dot4_q8_0(__m256i out[4], const llmc__avx2_panel *p,
                                              const llmc__q8 *const x[4])
{
    int32_t part[4][16]; /* pairs of int16: even elements first, then odd ones */
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a, v;
    int j;
    for (j = 0; j < 4; j++) {
        __m256i even, odd;
        v = _mm256_loadu_si256((const __m256i *)x[j]->q);
        even = _mm256_srai_epi16(_mm256_slli_epi16(v, 8), 8);
        odd = _mm256_srai_epi16(v, 8);
        _mm256_storeu_si256((__m256i *)part[j], even);
        _mm256_storeu_si256((__m256i *)(part[j] + 8), odd);
    }
    llmc__avx2_settle(part);
    for (j = 0; j < 16; j++) {
        v = p->v[j];
        a = _mm256_add_epi32(a, _mm256_madd_epi16(v, _mm256_set1_epi32(part[0][j])));
        b = _mm256_add_epi32(b, _mm256_madd_epi16(v, _mm256_set1_epi32(part[1][j])));
        c = _mm256_add_epi32(c, _mm256_madd_epi16(v, _mm256_set1_epi32(part[2][j])));
        d = _mm256_add_epi32(d, _mm256_madd_epi16(v, _mm256_set1_epi32(part[3][j])));
    }
    out[0] = a;
    out[1] = b;
    out[2] = c;
    out[3] = d;
}

/* Eight vectors of panel, two sums and one of x: they stay in 16 registers column after column. */
LLMC__AVX2_FN void llmc__avx2_panel_dot4_q4_0(__m256i out[4], const llmc__avx2_panel *p,
                                              const llmc__q8 *const x[4])
{
    out[0] = llmc__avx2_panel_dot_q4_0(p, x[0]);
    out[1] = llmc__avx2_panel_dot_q4_0(p, x[1]);
    out[2] = llmc__avx2_panel_dot_q4_0(p, x[2]);
    out[3] = llmc__avx2_panel_dot_q4_0(p, x[3]);
}

/* One column, for what is left of cols % 4. */
LLMC__AVX2_FN __m256i llmc__avx2_panel_dot_q8_0(const llmc__avx2_panel *p, const llmc__q8 *x)
{
    int32_t even[8], odd[8];
    __m256i v = _mm256_loadu_si256((const __m256i *)x->q), a, b;
    _mm256_storeu_si256((__m256i *)even, _mm256_srai_epi16(_mm256_slli_epi16(v, 8), 8));
    _mm256_storeu_si256((__m256i *)odd, _mm256_srai_epi16(v, 8));
    llmc__avx2_settle(even);
    llmc__avx2_settle(odd);
#define LLMC__MUL(i, j) _mm256_madd_epi16(p->v[8 * (j) + (i)], _mm256_set1_epi32((j) ? odd[i] : even[i]))
    a = _mm256_add_epi32(LLMC__MUL(0, 0), LLMC__MUL(1, 0));
    b = _mm256_add_epi32(LLMC__MUL(0, 1), LLMC__MUL(1, 1));
    a = _mm256_add_epi32(a, _mm256_add_epi32(LLMC__MUL(2, 0), LLMC__MUL(3, 0)));
    b = _mm256_add_epi32(b, _mm256_add_epi32(LLMC__MUL(2, 1), LLMC__MUL(3, 1)));
    a = _mm256_add_epi32(a, _mm256_add_epi32(LLMC__MUL(4, 0), LLMC__MUL(5, 0)));
    b = _mm256_add_epi32(b, _mm256_add_epi32(LLMC__MUL(4, 1), LLMC__MUL(5, 1)));
    a = _mm256_add_epi32(a, _mm256_add_epi32(LLMC__MUL(6, 0), LLMC__MUL(7, 0)));
    b = _mm256_add_epi32(b, _mm256_add_epi32(LLMC__MUL(6, 1), LLMC__MUL(7, 1)));
#undef LLMC__MUL
    return _mm256_add_epi32(a, b);
}

/* The types of 08.2. quants_T takes a unit apart into bytes, elements in order, v[b] block b; the
   rest is shared by kind (u, s, h: LLMC__UNIT_TYPES). Constants that are added or masked follow
   from the layouts in 07. */
typedef struct llmc__avx2_quants {
    __m256i v[8];
} llmc__avx2_quants;

LLMC__AVX2_FN __m256i llmc__avx2_load(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

/* Sixteen bytes: the low nibbles, then the high ones (drawn at block_q4_0). */
LLMC__AVX2_FN __m256i llmc__avx2_nibbles(const uint8_t *w)
{
    __m256i v = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)w));
    v = _mm256_srlv_epi32(v, _mm256_setr_epi32(0, 0, 0, 0, 4, 4, 4, 4));
    return _mm256_and_si256(v, _mm256_set1_epi8(15));
}

/* 16 in byte k where bit k of the four bytes at w is set: each byte of h goes to eight lanes, a
   lane keeps its bit, and what is not zero then equals its bit. */
LLMC__AVX2_FN __m256i llmc__avx2_fifth(const uint8_t *w)
{
    __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201ull);
    __m256i h = _mm256_set1_epi32((int)llmc__u32le(w));
    h = _mm256_shuffle_epi8(
        h, _mm256_setr_epi32(0, 0, 0x01010101, 0x01010101, 0x02020202, 0x02020202, 0x03030303, 0x03030303));
    h = _mm256_cmpeq_epi8(_mm256_and_si256(h, bit), bit);
    return _mm256_and_si256(h, _mm256_set1_epi8(16));
}

/* table[v] for bytes 0..15. */
LLMC__AVX2_FN __m256i llmc__avx2_table(const int8_t *table, __m256i v)
{
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table)), v);
}

/* Eight blocks of 32. */
LLMC__AVX2_FN void llmc__avx2_quants_q4_1(llmc__avx2_quants *q, const uint8_t *w)
{
    int b;
    for (b = 0; b < 8; b++, w += 20)
        q->v[b] = llmc__avx2_nibbles(w + 4);
}
LLMC__AVX2_FN void llmc__avx2_quants_q5_0(llmc__avx2_quants *q, const uint8_t *w)
{
    int b;
    for (b = 0; b < 8; b++, w += 22)
        q->v[b] = _mm256_sub_epi8(_mm256_or_si256(llmc__avx2_nibbles(w + 6), llmc__avx2_fifth(w + 2)),
                                  _mm256_set1_epi8(16));
}
LLMC__AVX2_FN void llmc__avx2_quants_q5_1(llmc__avx2_quants *q, const uint8_t *w)
{
    int b;
    for (b = 0; b < 8; b++, w += 24)
        q->v[b] = _mm256_or_si256(llmc__avx2_nibbles(w + 8), llmc__avx2_fifth(w + 4));
}
LLMC__AVX2_FN void llmc__avx2_quants_iq4_nl(llmc__avx2_quants *q, const uint8_t *w)
{
    int b;
    for (b = 0; b < 8; b++, w += 18)
        q->v[b] = llmc__avx2_table(llmc__iq4_values, llmc__avx2_nibbles(w + 2));
}
LLMC__AVX2_FN void llmc__avx2_quants_mxfp4(llmc__avx2_quants *q, const uint8_t *w)
{
    int b;
    for (b = 0; b < 8; b++, w += 17)
        q->v[b] = llmc__avx2_table(llmc__fp4_values, llmc__avx2_nibbles(w + 1));
}
LLMC__AVX2_FN void llmc__avx2_quants_iq4_xs(llmc__avx2_quants *q, const uint8_t *w)
{
    int b;
    for (b = 0; b < 8; b++)
        q->v[b] = llmc__avx2_table(llmc__iq4_values, llmc__avx2_nibbles(w + 8 + 16 * b));
}

/* Blocks of 256. Shifts are of 16 bits: masks drop what crosses a byte. */
LLMC__AVX2_FN void llmc__avx2_quants_q4_k(llmc__avx2_quants *q, const uint8_t *w)
{
    __m256i mask = _mm256_set1_epi8(15), v;
    int j;
    for (j = 0; j < 4; j++) {
        v = llmc__avx2_load(w + 16 + 32 * j);
        q->v[2 * j] = _mm256_and_si256(v, mask);
        q->v[2 * j + 1] = _mm256_and_si256(_mm256_srli_epi16(v, 4), mask);
    }
}
LLMC__AVX2_FN void llmc__avx2_quants_q5_k(llmc__avx2_quants *q, const uint8_t *w)
{
    __m256i mask = _mm256_set1_epi8(15), bit = _mm256_set1_epi8(16), h = llmc__avx2_load(w + 16), v;
    int j;
    for (j = 0; j < 4; j++) {
        v = llmc__avx2_load(w + 48 + 32 * j);
        q->v[2 * j] =
            _mm256_or_si256(_mm256_and_si256(v, mask), _mm256_and_si256(_mm256_slli_epi16(h, 4), bit));
        q->v[2 * j + 1] = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(v, 4), mask),
                                          _mm256_and_si256(_mm256_slli_epi16(h, 3), bit));
        h = _mm256_srli_epi16(h, 2);
    }
}
LLMC__AVX2_FN void llmc__avx2_quants_q6_k(llmc__avx2_quants *q, const uint8_t *w)
{
    __m256i mask = _mm256_set1_epi8(15), pair = _mm256_set1_epi8(48), less = _mm256_set1_epi8(32);
    int j;
    for (j = 0; j < 2; j++) {
        __m256i a = llmc__avx2_load(w + 64 * j), b = llmc__avx2_load(w + 64 * j + 32);
        __m256i h = llmc__avx2_load(w + 128 + 32 * j), *v = q->v + 4 * j;
        v[0] = _mm256_or_si256(_mm256_and_si256(a, mask), _mm256_and_si256(_mm256_slli_epi16(h, 4), pair));
        v[1] = _mm256_or_si256(_mm256_and_si256(b, mask), _mm256_and_si256(_mm256_slli_epi16(h, 2), pair));
        a = _mm256_srli_epi16(a, 4);
        b = _mm256_srli_epi16(b, 4);
        v[2] = _mm256_or_si256(_mm256_and_si256(a, mask), _mm256_and_si256(h, pair));
        v[3] = _mm256_or_si256(_mm256_and_si256(b, mask), _mm256_and_si256(_mm256_srli_epi16(h, 2), pair));
        v[0] = _mm256_sub_epi8(v[0], less);
        v[1] = _mm256_sub_epi8(v[1], less);
        v[2] = _mm256_sub_epi8(v[2], less);
        v[3] = _mm256_sub_epi8(v[3], less);
    }
}
LLMC__AVX2_FN void llmc__avx2_quants_q2_k(llmc__avx2_quants *q, const uint8_t *w)
{
    __m256i three = _mm256_set1_epi8(3), v;
    int b;
    for (b = 0; b < 8; b++) {
        v = llmc__avx2_load(w + 16 + 32 * (b / 4));
        q->v[b] = _mm256_and_si256(_mm256_srl_epi16(v, _mm_cvtsi32_si128(2 * (b % 4))), three);
    }
}
LLMC__AVX2_FN void llmc__avx2_quants_q3_k(llmc__avx2_quants *q, const uint8_t *w)
{
    __m256i three = _mm256_set1_epi8(3), four = _mm256_set1_epi8(4), h = llmc__avx2_load(w), v;
    int b;
    for (b = 0; b < 8; b++) {
        v = llmc__avx2_load(w + 32 + 32 * (b / 4));
        v = _mm256_and_si256(_mm256_srl_epi16(v, _mm_cvtsi32_si128(2 * (b % 4))), three);
        /* 4 more where the bit is set, then 4 less everywhere */
        v = _mm256_or_si256(v, _mm256_slli_epi16(_mm256_and_si256(h, _mm256_set1_epi8(1)), 2));
        q->v[b] = _mm256_sub_epi8(v, four);
        h = _mm256_srli_epi16(h, 1);
    }
}
LLMC__AVX2_FN void llmc__avx2_quants_q8_k(llmc__avx2_quants *q, const uint8_t *w)
{
    int b;
    for (b = 0; b < 8; b++)
        q->v[b] = llmc__avx2_load(w + 4 + 32 * b);
}

/* A unit as 256 bytes in memory. */
LLMC__AVX2_FN void llmc__avx2_quants_store(int8_t *out, const llmc__avx2_quants *q)
{
    int b;
    for (b = 0; b < 8; b++)
        _mm256_storeu_si256((__m256i *)(out + 32 * b), q->v[b]);
}

/* Eight bytes as floats; sixteen with signs as int16. */
LLMC__AVX2_FN __m256 llmc__avx2_vbytes(const uint8_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}
LLMC__AVX2_FN void llmc__avx2_spread(int16_t *out, const uint8_t *p)
{
    _mm256_storeu_si256((__m256i *)out, _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)p)));
}

/* Eight blocks times eight of x, a lane for each, as dot8_q4_0: 31 in place of 15 leaves room in
   16 bits for eight products, 8 * 31 * 127, so the last two steps are of 32 bits. */
#define LLMC__PAIRS(i) _mm256_maddubs_epi16(q->v[i], llmc__avx2_load(x[i].q))
LLMC__AVX2_FN __m256i llmc__avx2_halves(__m256i a, __m256i b)
{
    return _mm256_add_epi16(_mm256_blend_epi32(a, b, 0xf0), _mm256_permute2x128_si256(a, b, 0x21));
}
LLMC__AVX2_FN __m256i llmc__avx2_dots_u(const llmc__avx2_quants *q, const llmc__q8 *x, const int16_t *s)
{
    __m256i one = _mm256_set1_epi16(1), a, b;
    (void)s;
    a = _mm256_hadd_epi16(llmc__avx2_halves(LLMC__PAIRS(0), LLMC__PAIRS(4)),
                          llmc__avx2_halves(LLMC__PAIRS(1), LLMC__PAIRS(5)));
    b = _mm256_hadd_epi16(llmc__avx2_halves(LLMC__PAIRS(2), LLMC__PAIRS(6)),
                          llmc__avx2_halves(LLMC__PAIRS(3), LLMC__PAIRS(7)));
    return _mm256_hadd_epi32(_mm256_madd_epi16(a, one), _mm256_madd_epi16(b, one));
}
#undef LLMC__PAIRS

/* With signs: |w| times x with w's sign, as block_q8_0; pairs of products times the scale of their
   16, which are a half of the register: s[0] is block 0's low half's, s[1] its high half's. */
LLMC__AVX2_FN __m256i llmc__avx2_signed(__m256i w, const llmc__q8 *x, __m256i s)
{
    __m256i pair = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(llmc__avx2_load(x->q), w));
    return _mm256_madd_epi16(pair, s);
}
LLMC__AVX2_FN __m256i llmc__avx2_dots_s(const llmc__avx2_quants *q, const llmc__q8 *x, const int16_t *s)
{
    __m256i one = _mm256_set1_epi16(1);
    (void)s;
#define LLMC__DOT(i) llmc__avx2_signed(q->v[i], x + (i), one)
    return llmc__avx2_sums(LLMC__DOT(0), LLMC__DOT(1), LLMC__DOT(2), LLMC__DOT(3), LLMC__DOT(4), LLMC__DOT(5),
                           LLMC__DOT(6), LLMC__DOT(7));
#undef LLMC__DOT
}
LLMC__AVX2_FN __m256i llmc__avx2_dots_h(const llmc__avx2_quants *q, const llmc__q8 *x, const int16_t *s)
{
    __m256i each = _mm256_setr_epi32(0x01000100, 0x01000100, 0x01000100, 0x01000100, 0x03020302, 0x03020302,
                                     0x03020302, 0x03020302);
#define LLMC__DOT(i) \
    llmc__avx2_signed(q->v[i], x + (i), _mm256_shuffle_epi8(llmc__avx2_dword(s + 2 * (i)), each))
    return llmc__avx2_sums(LLMC__DOT(0), LLMC__DOT(1), LLMC__DOT(2), LLMC__DOT(3), LLMC__DOT(4), LLMC__DOT(5),
                           LLMC__DOT(6), LLMC__DOT(7));
#undef LLMC__DOT
}

/* What minimums multiply: lane i is the sum of x[i]; in kind h m[2i] sum[0] + m[2i+1] sum[1]. For
   tiles all lanes are of one block, and m is of eight rows. */
LLMC__AVX2_FN __m256i llmc__avx2_minimums(int kind, const llmc__q8 *x, const int16_t *m)
{
    if (kind != llmc__kind_h)
        return llmc__avx2_x_sums(x);
    return _mm256_madd_epi16(llmc__avx2_x_pairs(x), llmc__avx2_load(m));
}
LLMC__AVX2_FN __m256i llmc__avx2_panel_min(const llmc__q8 *x, const int16_t *m)
{
    return _mm256_madd_epi16(llmc__avx2_dword(x->sum), llmc__avx2_load(m));
}

/* Panels of 32 bytes of eight rows, 256 apart. u keeps bytes: four pairs of products are at most
   4 * 2 * 31 * 127, so the first and last 16 elements are added up apart. s and h widen, as Q8_0;
   h multiplies by the scales at once, s[2 r] and s[2 r + 1] of row r: at most 128 * 128. */
LLMC__AVX2_FN void llmc__avx2_panel_u(llmc__avx2_panel *p, const int8_t *q, const int16_t *s)
{
    (void)s;
    llmc__avx2_transpose(p->v, (const uint8_t *)q, LLMC__UNIT);
    llmc__avx2_transpose(p->v + 4, (const uint8_t *)q + 16, LLMC__UNIT);
}
LLMC__AVX2_FN void llmc__avx2_panel_s(llmc__avx2_panel *p, const int8_t *q, const int16_t *s)
{
    (void)s;
    llmc__avx2_panel_i8(p, (const uint8_t *)q, LLMC__UNIT);
}
LLMC__AVX2_FN void llmc__avx2_panel_h(llmc__avx2_panel *p, const int8_t *q, const int16_t *s)
{
    __m256i both = llmc__avx2_load(s);
    __m256i low = _mm256_blend_epi16(both, _mm256_slli_epi32(both, 16), 0xaa);
    __m256i high = _mm256_blend_epi16(_mm256_srli_epi32(both, 16), both, 0xaa);
    int j;
    llmc__avx2_panel_i8(p, (const uint8_t *)q, LLMC__UNIT);
    for (j = 0; j < 4; j++) {
        p->v[j] = _mm256_mullo_epi16(p->v[j], low);
        p->v[4 + j] = _mm256_mullo_epi16(p->v[4 + j], high);
        p->v[8 + j] = _mm256_mullo_epi16(p->v[8 + j], low);
        p->v[12 + j] = _mm256_mullo_epi16(p->v[12 + j], high);
    }
}
LLMC__AVX2_FN __m256i llmc__avx2_panel_dot_u(const llmc__avx2_panel *p, const llmc__q8 *x)
{
    __m256i one = _mm256_set1_epi16(1), a, b;
#define LLMC__MUL(i) _mm256_maddubs_epi16(p->v[i], llmc__avx2_dword(x->q + 4 * (i)))
    a = _mm256_add_epi16(_mm256_add_epi16(LLMC__MUL(0), LLMC__MUL(1)),
                         _mm256_add_epi16(LLMC__MUL(2), LLMC__MUL(3)));
    b = _mm256_add_epi16(_mm256_add_epi16(LLMC__MUL(4), LLMC__MUL(5)),
                         _mm256_add_epi16(LLMC__MUL(6), LLMC__MUL(7)));
#undef LLMC__MUL
    return _mm256_add_epi32(_mm256_madd_epi16(a, one), _mm256_madd_epi16(b, one));
}

/* One column or four. What a panel's s was is in it already. */
LLMC__AVX2_FN __m256i llmc__avx2_panel1(int kind, const llmc__avx2_panel *p, const llmc__q8 *x,
                                        const int16_t *s)
{
    (void)s;
    return kind == llmc__kind_u ? llmc__avx2_panel_dot_u(p, x) : llmc__avx2_panel_dot_q8_0(p, x);
}
LLMC__AVX2_FN void llmc__avx2_panel4(int kind, __m256i out[4], const llmc__avx2_panel *p,
                                     const llmc__q8 *const x[4], const int16_t *s)
{
    int t;
    (void)s;
    if (kind != llmc__kind_u)
        llmc__avx2_panel_dot4_q8_0(out, p, x);
    else
        for (t = 0; t < 4; t++)
            out[t] = llmc__avx2_panel_dot_u(p, x[t]);
}

#endif /* LLMC__AVX2 */

#if LLMC__NEON

//--[ 09.4 KERNEL.neon ]-- the same, where rows keep their order
/* Without the dot product instructions, which came with later processors.
   NEON multiplies bytes with signs, so neither sign tricks nor Q4_0's offset are needed: weights
   become int8 as they mean, and both types share everything after that. */

/* w . x of 32 elements, 0 to 15 in w0 and x0, the rest in w1 and x1. Four partial sums;
   two products up to 2 * 128 * 127 fit 16 bits.
     a   int16 lane i: w[i] x[i] + w[8+i] x[8+i]        b the same of the second 16
     pairwise long adds: int32 lane i from lanes 2i, 2i+1 of a and of b */
LLMC__NEON_FN int32x4_t llmc__neon_dot32(int8x16_t w0, int8x16_t w1, int8x16_t x0, int8x16_t x1)
{
    int16x8_t a = vmull_s8(vget_low_s8(w0), vget_low_s8(x0)), b = vmull_s8(vget_low_s8(w1), vget_low_s8(x1));
    a = vmlal_s8(a, vget_high_s8(w0), vget_high_s8(x0));
    b = vmlal_s8(b, vget_high_s8(w1), vget_high_s8(x1));
    return vpadalq_s16(vpaddlq_s16(a), b);
}

/* Eight blocks of 32 weights as int8: v[2i] and v[2i+1] are block i, elements in order. Rows keep
   their order: pairwise adds sum a row cheaply, so nothing is transposed. */
typedef struct llmc__neon_panel {
    int8x16_t v[16];
} llmc__neon_panel;

/* The block at w and those step, 2 step, ... bytes after it: step is a row's length for tiles, a
   block's for lines. */
LLMC__NEON_FN void llmc__neon_panel_q8_0(llmc__neon_panel *p, const uint8_t *w, size_t step)
{
    int i;
    for (i = 0; i < 8; i++, w += step) {
        p->v[2 * i] = vreinterpretq_s8_u8(vld1q_u8(w + 2));
        p->v[2 * i + 1] = vreinterpretq_s8_u8(vld1q_u8(w + 18));
    }
}

/* The same: low nibbles are elements 0 to 15, high ones 16 to 31, both less 8. */
LLMC__NEON_FN void llmc__neon_panel_q4_0(llmc__neon_panel *p, const uint8_t *w, size_t step)
{
    int8x16_t eight = vdupq_n_s8(8);
    int i;
    for (i = 0; i < 8; i++, w += step) {
        uint8x16_t v = vld1q_u8(w + 2);
        p->v[2 * i] = vsubq_s8(vreinterpretq_s8_u8(vandq_u8(v, vdupq_n_u8(15))), eight);
        p->v[2 * i + 1] = vsubq_s8(vreinterpretq_s8_u8(vshrq_n_u8(v, 4)), eight);
    }
}

/* Block i of p times x[i * step], a lane for each i. step 1: eight blocks of a column, for lines;
   step 0: the same block for eight rows, for tiles. vpaddq adds neighbours of its two operands:
     (0, 1)              | 0 0 1 1 |      numbers are blocks
     ((0, 1), (2, 3))    | 0 1 2 3 |      = a; b has 4 to 7 */
LLMC__NEON_FN llmc__neon_v8i llmc__neon_blocks(const llmc__neon_panel *p, const llmc__q8 *x, size_t step)
{
#define LLMC__DOT(i) \
    llmc__neon_dot32(p->v[2 * (i)], p->v[2 * (i) + 1], vld1q_s8(x[(i)*step].q), vld1q_s8(x[(i)*step].q + 16))
    int32x4_t a = vpaddq_s32(vpaddq_s32(LLMC__DOT(0), LLMC__DOT(1)), vpaddq_s32(LLMC__DOT(2), LLMC__DOT(3)));
    int32x4_t b = vpaddq_s32(vpaddq_s32(LLMC__DOT(4), LLMC__DOT(5)), vpaddq_s32(LLMC__DOT(6), LLMC__DOT(7)));
#undef LLMC__DOT
    return llmc__neon_v8i_of(a, b);
}

/* d of eight blocks of x that follow each other, 40 bytes apart */
LLMC__NEON_FN llmc__neon_v8 llmc__neon_x_scales(const llmc__q8 *x)
{
    float d[8];
    int i;
    for (i = 0; i < 8; i++)
        d[i] = x[i].d;
    return llmc__neon_vload(d);
}

/* As in 09.3, for both types alike; bytes is a block's size.
     dot8         unpacks eight blocks and uses them once: only registers, no panel in memory
     panel_dot4   column by column: 16 registers of panel leave 16 for the sums, so loads of the
                  panel need not be shared as Q8_0's are there */
#define LLMC__NEON_PANEL_FNS(type, bytes)                                                                  \
    LLMC__NEON_FN llmc__neon_v8i llmc__neon_dot8_##type(const uint8_t *w, const llmc__q8 *x)               \
    {                                                                                                      \
        llmc__neon_panel p;                                                                                \
        llmc__neon_panel_##type(&p, w, bytes);                                                             \
        return llmc__neon_blocks(&p, x, 1);                                                                \
    }                                                                                                      \
    LLMC__NEON_FN llmc__neon_v8i llmc__neon_panel_dot_##type(const llmc__neon_panel *p, const llmc__q8 *x) \
    {                                                                                                      \
        return llmc__neon_blocks(p, x, 0);                                                                 \
    }                                                                                                      \
    LLMC__NEON_FN void llmc__neon_panel_dot4_##type(llmc__neon_v8i out[4], const llmc__neon_panel *p,      \
                                                    const llmc__q8 *const x[4])                            \
    {                                                                                                      \
        int t;                                                                                             \
        for (t = 0; t < 4; t++)                                                                            \
            out[t] = llmc__neon_blocks(p, x[t], 0);                                                        \
    }
LLMC__NEON_PANEL_FNS(q8_0, 34)
LLMC__NEON_PANEL_FNS(q4_0, 18)
#undef LLMC__NEON_PANEL_FNS

/* The types of 08.2, as in 09.3: quants_T takes a unit apart into v[2 b] and v[2 b + 1] of block b;
   all are bytes with signs here. */
typedef llmc__neon_panel llmc__neon_quants;

/* Sixteen bytes of nibbles, low ones first; with a fifth bit each from the four bytes at h; or as
   indices of a table. */
LLMC__NEON_FN void llmc__neon_nibbles(uint8x16_t v[2], const uint8_t *w)
{
    uint8x16_t a = vld1q_u8(w);
    v[0] = vandq_u8(a, vdupq_n_u8(15));
    v[1] = vshrq_n_u8(a, 4);
}
LLMC__NEON_FN void llmc__neon_fifth(uint8x16_t v[2], const uint8_t *h)
{
    static const uint8_t bits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t bit = vld1q_u8(bits), sixteen = vdupq_n_u8(16);
    uint8x16_t a = vcombine_u8(vdup_n_u8(h[0]), vdup_n_u8(h[1]));
    uint8x16_t b = vcombine_u8(vdup_n_u8(h[2]), vdup_n_u8(h[3]));
    v[0] = vorrq_u8(v[0], vandq_u8(vtstq_u8(a, bit), sixteen));
    v[1] = vorrq_u8(v[1], vandq_u8(vtstq_u8(b, bit), sixteen));
}
LLMC__NEON_FN void llmc__neon_tables(llmc__neon_quants *q, const uint8_t *w, size_t step, const int8_t *table)
{
    int8x16_t t = vld1q_s8(table);
    int b;
    for (b = 0; b < 8; b++, w += step) {
        uint8x16_t v[2];
        llmc__neon_nibbles(v, w);
        q->v[2 * b] = vqtbl1q_s8(t, v[0]);
        q->v[2 * b + 1] = vqtbl1q_s8(t, v[1]);
    }
}

/* The same bytes with `less` taken off each. */
LLMC__NEON_FN void llmc__neon_put(int8x16_t *out, const uint8x16_t v[2], int8_t less)
{
    out[0] = vsubq_s8(vreinterpretq_s8_u8(v[0]), vdupq_n_s8(less));
    out[1] = vsubq_s8(vreinterpretq_s8_u8(v[1]), vdupq_n_s8(less));
}

LLMC__NEON_FN void llmc__neon_quants_q4_1(llmc__neon_quants *q, const uint8_t *w)
{
    uint8x16_t v[2];
    int b;
    for (b = 0; b < 8; b++, w += 20) {
        llmc__neon_nibbles(v, w + 4);
        llmc__neon_put(q->v + 2 * b, v, 0);
    }
}
LLMC__NEON_FN void llmc__neon_quants_q5_0(llmc__neon_quants *q, const uint8_t *w)
{
    uint8x16_t v[2];
    int b;
    for (b = 0; b < 8; b++, w += 22) {
        llmc__neon_nibbles(v, w + 6);
        llmc__neon_fifth(v, w + 2);
        llmc__neon_put(q->v + 2 * b, v, 16);
    }
}
LLMC__NEON_FN void llmc__neon_quants_q5_1(llmc__neon_quants *q, const uint8_t *w)
{
    uint8x16_t v[2];
    int b;
    for (b = 0; b < 8; b++, w += 24) {
        llmc__neon_nibbles(v, w + 8);
        llmc__neon_fifth(v, w + 4);
        llmc__neon_put(q->v + 2 * b, v, 0);
    }
}
LLMC__NEON_FN void llmc__neon_quants_iq4_nl(llmc__neon_quants *q, const uint8_t *w)
{
    llmc__neon_tables(q, w + 2, 18, llmc__iq4_values);
}
LLMC__NEON_FN void llmc__neon_quants_iq4_xs(llmc__neon_quants *q, const uint8_t *w)
{
    llmc__neon_tables(q, w + 8, 16, llmc__iq4_values);
}
LLMC__NEON_FN void llmc__neon_quants_mxfp4(llmc__neon_quants *q, const uint8_t *w)
{
    llmc__neon_tables(q, w + 1, 17, llmc__fp4_values);
}

/* `each` bits from bit `at` of 32 bytes. A shift by a negative number goes right. */
LLMC__NEON_FN void llmc__neon_field(uint8x16_t v[2], const uint8_t *w, int at, int each)
{
    uint8x16_t mask = vdupq_n_u8((uint8_t)((1 << each) - 1));
    int8x16_t down = vdupq_n_s8((int8_t)-at);
    v[0] = vandq_u8(vshlq_u8(vld1q_u8(w), down), mask);
    v[1] = vandq_u8(vshlq_u8(vld1q_u8(w + 16), down), mask);
}
/* v + (high << up), for the bits that lie apart. */
LLMC__NEON_FN void llmc__neon_over(uint8x16_t v[2], const uint8x16_t high[2], int up)
{
    int8x16_t shift = vdupq_n_s8((int8_t)up);
    v[0] = vorrq_u8(v[0], vshlq_u8(high[0], shift));
    v[1] = vorrq_u8(v[1], vshlq_u8(high[1], shift));
}

LLMC__NEON_FN void llmc__neon_quants_q2_k(llmc__neon_quants *q, const uint8_t *w)
{
    uint8x16_t v[2];
    int b;
    for (b = 0; b < 8; b++) {
        llmc__neon_field(v, w + 16 + 32 * (b / 4), 2 * (b % 4), 2);
        llmc__neon_put(q->v + 2 * b, v, 0);
    }
}
LLMC__NEON_FN void llmc__neon_quants_q3_k(llmc__neon_quants *q, const uint8_t *w)
{
    uint8x16_t v[2], h[2];
    int b;
    for (b = 0; b < 8; b++) {
        llmc__neon_field(v, w + 32 + 32 * (b / 4), 2 * (b % 4), 2);
        llmc__neon_field(h, w, b, 1);
        llmc__neon_over(v, h, 2);
        llmc__neon_put(q->v + 2 * b, v, 4);
    }
}
LLMC__NEON_FN void llmc__neon_quants_q4_k(llmc__neon_quants *q, const uint8_t *w)
{
    uint8x16_t v[2];
    int b;
    for (b = 0; b < 8; b++) {
        llmc__neon_field(v, w + 16 + 32 * (b / 2), 4 * (b % 2), 4);
        llmc__neon_put(q->v + 2 * b, v, 0);
    }
}
LLMC__NEON_FN void llmc__neon_quants_q5_k(llmc__neon_quants *q, const uint8_t *w)
{
    uint8x16_t v[2], h[2];
    int b;
    for (b = 0; b < 8; b++) {
        llmc__neon_field(v, w + 48 + 32 * (b / 2), 4 * (b % 2), 4);
        llmc__neon_field(h, w + 16, b, 1);
        llmc__neon_over(v, h, 4);
        llmc__neon_put(q->v + 2 * b, v, 0);
    }
}
LLMC__NEON_FN void llmc__neon_quants_q6_k(llmc__neon_quants *q, const uint8_t *w)
{
    uint8x16_t v[2], h[2];
    int b;
    for (b = 0; b < 8; b++) {
        llmc__neon_field(v, w + 64 * (b / 4) + 32 * (b % 2), 4 * (b / 2 % 2), 4);
        llmc__neon_field(h, w + 128 + 32 * (b / 4), 2 * (b % 4), 2);
        llmc__neon_over(v, h, 4);
        llmc__neon_put(q->v + 2 * b, v, 32);
    }
}
LLMC__NEON_FN void llmc__neon_quants_q8_k(llmc__neon_quants *q, const uint8_t *w)
{
    int i;
    for (i = 0; i < 16; i++)
        q->v[i] = vreinterpretq_s8_u8(vld1q_u8(w + 4 + 16 * i));
}

/* A unit as 256 bytes in memory. */
LLMC__NEON_FN void llmc__neon_quants_store(int8_t *out, const llmc__neon_quants *q)
{
    int i;
    for (i = 0; i < 16; i++)
        vst1q_s8(out + 16 * i, q->v[i]);
}

/* Eight bytes as floats; sixteen with signs as int16. */
LLMC__NEON_FN llmc__neon_v8 llmc__neon_vbytes(const uint8_t *p)
{
    uint16x8_t w = vmovl_u8(vld1_u8(p));
    float32x4_t a = vcvtq_f32_u32(vmovl_u16(vget_low_u16(w)));
    return llmc__neon_v8_of(a, vcvtq_f32_u32(vmovl_u16(vget_high_u16(w))));
}
LLMC__NEON_FN void llmc__neon_spread(int16_t *out, const uint8_t *p)
{
    int8x16_t v = vreinterpretq_s8_u8(vld1q_u8(p));
    vst1q_s16(out, vmovl_s8(vget_low_s8(v)));
    vst1q_s16(out + 8, vmovl_s8(vget_high_s8(v)));
}

/* As dot32, each 16 times a scale of its own: under 2^24 in all (09.2). */
LLMC__NEON_FN int32x4_t llmc__neon_dot16s(const int8x16_t *w, const llmc__q8 *x, const int16_t *s)
{
    int8x16_t x0 = vld1q_s8(x->q), x1 = vld1q_s8(x->q + 16);
    int16x8_t a = vmull_s8(vget_low_s8(w[0]), vget_low_s8(x0));
    int16x8_t b = vmull_s8(vget_low_s8(w[1]), vget_low_s8(x1));
    a = vmlal_s8(a, vget_high_s8(w[0]), vget_high_s8(x0));
    b = vmlal_s8(b, vget_high_s8(w[1]), vget_high_s8(x1));
    return vmlaq_n_s32(vmulq_n_s32(vpaddlq_s16(a), s[0]), vpaddlq_s16(b), s[1]);
}
/* As llmc__neon_blocks; s[2i] and s[2i+1] are block i's. */
LLMC__NEON_FN llmc__neon_v8i llmc__neon_blocks_h(const llmc__neon_panel *p, const llmc__q8 *x, size_t step,
                                                 const int16_t *s)
{
#define LLMC__DOT(i) llmc__neon_dot16s(p->v + 2 * (i), x + (i)*step, s + 2 * (i))
    int32x4_t a = vpaddq_s32(vpaddq_s32(LLMC__DOT(0), LLMC__DOT(1)), vpaddq_s32(LLMC__DOT(2), LLMC__DOT(3)));
    int32x4_t b = vpaddq_s32(vpaddq_s32(LLMC__DOT(4), LLMC__DOT(5)), vpaddq_s32(LLMC__DOT(6), LLMC__DOT(7)));
#undef LLMC__DOT
    return llmc__neon_v8i_of(a, b);
}

/* As in 09.3, by kind. */
LLMC__NEON_FN llmc__neon_v8i llmc__neon_dots_u(const llmc__neon_quants *q, const llmc__q8 *x,
                                               const int16_t *s)
{
    (void)s;
    return llmc__neon_blocks(q, x, 1);
}
LLMC__NEON_FN llmc__neon_v8i llmc__neon_dots_s(const llmc__neon_quants *q, const llmc__q8 *x,
                                               const int16_t *s)
{
    (void)s;
    return llmc__neon_blocks(q, x, 1);
}
LLMC__NEON_FN llmc__neon_v8i llmc__neon_dots_h(const llmc__neon_quants *q, const llmc__q8 *x,
                                               const int16_t *s)
{
    return llmc__neon_blocks_h(q, x, 1, s);
}

/* m[2i] sum[0] + m[2i+1] sum[1] of x[i * step]; m NULL: ones. */
LLMC__NEON_FN llmc__neon_v8i llmc__neon_min(const llmc__q8 *x, size_t step, const int16_t *m)
{
    int32_t t[8];
    int i;
    for (i = 0; i < 8; i++, x += step)
        t[i] = m != NULL ? m[2 * i] * x->sum[0] + m[2 * i + 1] * x->sum[1] : x->sum[0] + x->sum[1];
    return llmc__neon_v8i_of(vld1q_s32(t), vld1q_s32(t + 4));
}
LLMC__NEON_FN llmc__neon_v8i llmc__neon_minimums(int kind, const llmc__q8 *x, const int16_t *m)
{
    return llmc__neon_min(x, 1, kind == llmc__kind_h ? m : NULL);
}
LLMC__NEON_FN llmc__neon_v8i llmc__neon_panel_min(const llmc__q8 *x, const int16_t *m)
{
    return llmc__neon_min(x, 0, m);
}

/* Panels are the rows' bytes as they are; scales are met with each column. */
LLMC__NEON_FN void llmc__neon_panel_u(llmc__neon_panel *p, const int8_t *q, const int16_t *s)
{
    int i;
    (void)s;
    for (i = 0; i < 8; i++, q += LLMC__UNIT) {
        p->v[2 * i] = vld1q_s8(q);
        p->v[2 * i + 1] = vld1q_s8(q + 16);
    }
}
LLMC__NEON_FN void llmc__neon_panel_s(llmc__neon_panel *p, const int8_t *q, const int16_t *s)
{
    llmc__neon_panel_u(p, q, s);
}
LLMC__NEON_FN void llmc__neon_panel_h(llmc__neon_panel *p, const int8_t *q, const int16_t *s)
{
    llmc__neon_panel_u(p, q, s);
}
LLMC__NEON_FN llmc__neon_v8i llmc__neon_panel1(int kind, const llmc__neon_panel *p, const llmc__q8 *x,
                                               const int16_t *s)
{
    return kind == llmc__kind_h ? llmc__neon_blocks_h(p, x, 0, s) : llmc__neon_blocks(p, x, 0);
}
LLMC__NEON_FN void llmc__neon_panel4(int kind, llmc__neon_v8i out[4], const llmc__neon_panel *p,
                                     const llmc__q8 *const x[4], const int16_t *s)
{
    int t;
    for (t = 0; t < 4; t++)
        out[t] = llmc__neon_panel1(kind, p, x[t], s);
}

#endif /* LLMC__NEON */

//--[ 09.5 KERNEL.body ]-- every vector kernel, once; this file includes itself for each set
/* Between LLMC__PASS's guards stands what is compiled once per set: 09.6 defines LLMC__ISA and
   includes this file, all else of which is skipped. LLMC__N(add) is then llmc__avx2_add or its
   like. Two macros, as ## does not expand its operands. */
#define LLMC__CAT_(a, b) a##b
#define LLMC__CAT(a, b)  LLMC__CAT_(a, b)
#define LLMC__N(name)    LLMC__CAT(LLMC__ISA, name)
/* What the bodies call; LLMC__ISA is looked up where they are used. */
#define llmc__v8        LLMC__N(v8)
#define llmc__v8i       LLMC__N(v8i)
#define llmc__vset1     LLMC__N(vset1)
#define llmc__vzero     LLMC__N(vzero)
#define llmc__vload     LLMC__N(vload)
#define llmc__vstore    LLMC__N(vstore)
#define llmc__vadd      LLMC__N(vadd)
#define llmc__vsub      LLMC__N(vsub)
#define llmc__vmul      LLMC__N(vmul)
#define llmc__vdiv      LLMC__N(vdiv)
#define llmc__vmax      LLMC__N(vmax)
#define llmc__vmin      LLMC__N(vmin)
#define llmc__vfma      LLMC__N(vfma)
#define llmc__vswap     LLMC__N(vswap)
#define llmc__viadd     LLMC__N(viadd)
#define llmc__vimax     LLMC__N(vimax)
#define llmc__viset1    LLMC__N(viset1)
#define llmc__vistore   LLMC__N(vistore)
#define llmc__vcvt      LLMC__N(vcvt)
#define llmc__vsel_lt   LLMC__N(vsel_lt)
#define llmc__vsum      LLMC__N(vsum)
#define llmc__vpow2     LLMC__N(vpow2)
#define llmc__vdup2     LLMC__N(vdup2)
#define llmc__vabsbits  LLMC__N(vabsbits)
#define llmc__vround    LLMC__N(vround)
#define llmc__viput32   LLMC__N(viput32)
#define llmc__vscales   LLMC__N(vscales)
#define llmc__vkeep     LLMC__N(vkeep)
#define llmc__vprefetch LLMC__N(vprefetch)

/* Unpacking a tile of Q blocks pays from this many columns on: below, its transposing and the
   sums kept in memory cost more than unpacking each block again for every column, as lines do.
   A matter of speed only: both give the same bits. */
#define LLMC__TILE_COLUMNS 5

#ifndef LLMC_HEADER_NAME
#define LLMC_HEADER_NAME "llmc.h" /* for those who renamed the file */
#endif

#endif /* LLMC__IMPLEMENTED */
#endif /* LLMC_IMPLEMENTATION && !LLMC__PASS */

#ifdef LLMC__PASS

/* Kernels and their tiles carry the set's target attribute; kernels are called through the table.
   Helpers are inlined into them. */
#define LLMC__FN     LLMC__TARGET static
#define LLMC__INLINE LLMC__TARGET_INLINE

/* The first n < 8 of eight lanes, zero in the others; and back. Not one byte is touched beyond
   them: a mapped file may end there. n 0 is fine. By way of memory, as it happens once a row. */
LLMC__INLINE llmc__v8 LLMC__N(load_f32_part)(const void *p, size_t n)
{
    float t[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    LLMC_MEMCPY(t, p, 4 * n);
    return llmc__vload(t);
}

LLMC__INLINE llmc__v8 LLMC__N(load_f16_part)(const void *p, size_t n)
{
    uint16_t t[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    LLMC_MEMCPY(t, p, 2 * n);
    return LLMC__N(vload_f16)(t);
}

LLMC__INLINE llmc__v8 LLMC__N(load_bf16_part)(const void *p, size_t n)
{
    uint16_t t[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    LLMC_MEMCPY(t, p, 2 * n);
    return LLMC__N(vload_bf16)(t);
}

/* All eight lanes, under names like those of the parts above. */
LLMC__INLINE llmc__v8 LLMC__N(load_f32)(const void *p)
{
    return LLMC__N(vload_f32)(p);
}

LLMC__INLINE llmc__v8 LLMC__N(load_f16)(const void *p)
{
    return LLMC__N(vload_f16)(p);
}

LLMC__INLINE llmc__v8 LLMC__N(load_bf16)(const void *p)
{
    return LLMC__N(vload_bf16)(p);
}

/* The first n < 8 lanes of x to p [n]. */
LLMC__INLINE void LLMC__N(store_part)(float *p, llmc__v8 x, size_t n)
{
    float t[8];
    llmc__vstore(t, x);
    LLMC_MEMCPY(p, t, 4 * n);
}

/* Products of float weights: eight partial sums over k for each (row, column), one chain of
   fused multiply-adds each, a short end filled up with zeros. Decode: F32 a row at a time, as
   reading from end to end streams fastest; the other types, whose conversions want more than
   one chain, 4 rows by 1 column, the next four rows fetched meanwhile. Otherwise 2 rows by 4
   columns. Rows or columns that are missing in the last tile are computed as copies and
   dropped.
     tile41   out [4]. w four rows, x one column [n]; ahead is where the next four rows begin, and
              is taken to be 4 rows without gaps: a step of 8 elements reads 4 * 8 * bytes, that
              is one or two lines of 64 bytes, and asks for as many there.
     line     one row: nothing to fetch ahead, as processors follow a single ascending stream by
              themselves.
     tile24   8 sums, 2 of weights and 1 of x are 11 of AVX2's 16 registers. Per 8 products it
              loads (and converts) 2 vectors of weights and 4 of x; 4 x 2 would convert 4.
     matmul   32 columns at a time: their x stay in cache while all rows pass by, which are read
              again for the next 32. left is this round's columns, tall its rows per tile, most
              and wide what of a tile is real.
   All three run the same chain for one (row, column), so which is taken does not show:
     lane i:  fma(w[i + 8], x[i + 8], fma(w[i], x[i], 0)) and on, then vsum
   F16 and BF16 are widened exactly first, so the three types differ in nothing else. vkeep: x is
   used by two products, and gcc would load it for each. */
#define LLMC__MATMUL_FN(type, bytes)                                                                         \
    LLMC__FN void LLMC__N(tile41_##type)(float *out, const uint8_t *const w[4], const float *x, size_t n,    \
                                         uintptr_t ahead)                                                    \
    {                                                                                                        \
        llmc__v8 a = llmc__vzero(), b = a, c = a, d = a, v;                                                  \
        size_t k, full = n & ~(size_t)7;                                                                     \
        for (k = 0; k < full; k += 8) {                                                                      \
            v = llmc__vload(x + k);                                                                          \
            llmc__vprefetch(ahead + 4 * bytes * k);                                                          \
            if (bytes > 2)                                                                                   \
                llmc__vprefetch(ahead + 4 * bytes * k + 64);                                                 \
            a = llmc__vfma(LLMC__N(load_##type)(w[0] + bytes * k), v, a);                                    \
            b = llmc__vfma(LLMC__N(load_##type)(w[1] + bytes * k), v, b);                                    \
            c = llmc__vfma(LLMC__N(load_##type)(w[2] + bytes * k), v, c);                                    \
            d = llmc__vfma(LLMC__N(load_##type)(w[3] + bytes * k), v, d);                                    \
        }                                                                                                    \
        if (full < n) {                                                                                      \
            v = LLMC__N(load_f32_part)(x + full, n - full);                                                  \
            a = llmc__vfma(LLMC__N(load_##type##_part)(w[0] + bytes * full, n - full), v, a);                \
            b = llmc__vfma(LLMC__N(load_##type##_part)(w[1] + bytes * full, n - full), v, b);                \
            c = llmc__vfma(LLMC__N(load_##type##_part)(w[2] + bytes * full, n - full), v, c);                \
            d = llmc__vfma(LLMC__N(load_##type##_part)(w[3] + bytes * full, n - full), v, d);                \
        }                                                                                                    \
        out[0] = llmc__vsum(a);                                                                              \
        out[1] = llmc__vsum(b);                                                                              \
        out[2] = llmc__vsum(c);                                                                              \
        out[3] = llmc__vsum(d);                                                                              \
    }                                                                                                        \
    LLMC__FN float LLMC__N(line_##type)(const uint8_t *w, const float *x, size_t n)                          \
    {                                                                                                        \
        llmc__v8 a = llmc__vzero();                                                                          \
        for (; n >= 8; n -= 8, w += 8 * bytes, x += 8)                                                       \
            a = llmc__vfma(LLMC__N(load_##type)(w), llmc__vload(x), a);                                      \
        if (n > 0)                                                                                           \
            a = llmc__vfma(LLMC__N(load_##type##_part)(w, n), LLMC__N(load_f32_part)(x, n), a);              \
        return llmc__vsum(a);                                                                                \
    }                                                                                                        \
    /* out[4 * column + row] */                                                                              \
    LLMC__FN void LLMC__N(tile24_##type)(float *out, const uint8_t *const w[2], const float *const x[4],     \
                                         size_t n)                                                           \
    {                                                                                                        \
        llmc__v8 a0 = llmc__vzero(), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0, u, v, y; \
        size_t k, full = n & ~(size_t)7;                                                                     \
        for (k = 0; k < full; k += 8) {                                                                      \
            u = LLMC__N(load_##type)(w[0] + bytes * k);                                                      \
            v = LLMC__N(load_##type)(w[1] + bytes * k);                                                      \
            y = llmc__vkeep(llmc__vload(x[0] + k));                                                          \
            a0 = llmc__vfma(u, y, a0);                                                                       \
            a1 = llmc__vfma(v, y, a1);                                                                       \
            y = llmc__vkeep(llmc__vload(x[1] + k));                                                          \
            b0 = llmc__vfma(u, y, b0);                                                                       \
            b1 = llmc__vfma(v, y, b1);                                                                       \
            y = llmc__vkeep(llmc__vload(x[2] + k));                                                          \
            c0 = llmc__vfma(u, y, c0);                                                                       \
            c1 = llmc__vfma(v, y, c1);                                                                       \
            y = llmc__vkeep(llmc__vload(x[3] + k));                                                          \
            d0 = llmc__vfma(u, y, d0);                                                                       \
            d1 = llmc__vfma(v, y, d1);                                                                       \
        }                                                                                                    \
        if (full < n) {                                                                                      \
            u = LLMC__N(load_##type##_part)(w[0] + bytes * full, n - full);                                  \
            v = LLMC__N(load_##type##_part)(w[1] + bytes * full, n - full);                                  \
            y = LLMC__N(load_f32_part)(x[0] + full, n - full);                                               \
            a0 = llmc__vfma(u, y, a0);                                                                       \
            a1 = llmc__vfma(v, y, a1);                                                                       \
            y = LLMC__N(load_f32_part)(x[1] + full, n - full);                                               \
            b0 = llmc__vfma(u, y, b0);                                                                       \
            b1 = llmc__vfma(v, y, b1);                                                                       \
            y = LLMC__N(load_f32_part)(x[2] + full, n - full);                                               \
            c0 = llmc__vfma(u, y, c0);                                                                       \
            c1 = llmc__vfma(v, y, c1);                                                                       \
            y = LLMC__N(load_f32_part)(x[3] + full, n - full);                                               \
            d0 = llmc__vfma(u, y, d0);                                                                       \
            d1 = llmc__vfma(v, y, d1);                                                                       \
        }                                                                                                    \
        out[0] = llmc__vsum(a0);                                                                             \
        out[1] = llmc__vsum(a1);                                                                             \
        out[4] = llmc__vsum(b0);                                                                             \
        out[5] = llmc__vsum(b1);                                                                             \
        out[8] = llmc__vsum(c0);                                                                             \
        out[9] = llmc__vsum(c1);                                                                             \
        out[12] = llmc__vsum(d0);                                                                            \
        out[13] = llmc__vsum(d1);                                                                            \
    }                                                                                                        \
    LLMC__FN void LLMC__N(matmul_##type)(float *out, size_t out_stride, const uint8_t *w, size_t row_bytes,  \
                                         size_t rows, const void *x, size_t x_stride, size_t cols, size_t n) \
    {                                                                                                        \
        const uint8_t *at = (const uint8_t *)x;                                                              \
        size_t r, t, i, t0, step;                                                                            \
        for (t0 = 0; t0 < cols; t0 += step) {                                                                \
            size_t end = cols - t0 > 32 ? t0 + 32 : cols, left = end - t0;                                   \
            size_t tall = left == 1 ? 4 : 2;                                                                 \
            step = left;                                                                                     \
            for (r = 0; left == 1 && bytes > 2 && r < rows; r++)                                             \
                out[t0 * out_stride + r] = LLMC__N(line_##type)(                                             \
                    w + r * row_bytes, (const float *)(const void *)(at + t0 * x_stride), n);                \
            for (; r < rows; r += tall) {                                                                    \
                const uint8_t *row[4];                                                                       \
                size_t most = rows - r < tall ? rows - r : tall;                                             \
                for (i = 0; i < 4; i++)                                                                      \
                    row[i] = w + (r + (i < most ? i : most - 1)) * row_bytes;                                \
                for (t = t0; t < end; t += tall == 4 ? 1 : 4) {                                              \
                    float sum[16];                                                                           \
                    const float *col[4];                                                                     \
                    size_t wide = end - t < 4 ? end - t : 4, j;                                              \
                    for (j = 0; j < 4; j++)                                                                  \
                        col[j] =                                                                             \
                            (const float *)(const void *)(at + (t + (j < wide ? j : wide - 1)) * x_stride);  \
                    if (tall == 4)                                                                           \
                        LLMC__N(tile41_##type)(sum, row, col[0], n, (uintptr_t)row[0] + 4 * row_bytes);      \
                    else                                                                                     \
                        LLMC__N(tile24_##type)(sum, row, col, n);                                            \
                    for (j = 0; j < wide; j++)                                                               \
                        LLMC_MEMCPY(out + (t + j) * out_stride + r, sum + 4 * j, 4 * most);                  \
                }                                                                                            \
            }                                                                                                \
        }                                                                                                    \
    }
LLMC__MATMUL_FN(f32, 4)
LLMC__MATMUL_FN(f16, 2)
LLMC__MATMUL_FN(bf16, 2)
#undef LLMC__MATMUL_FN

/* sum += part * (d e), fused; d e is rounded first, as in line, whose lanes are blocks. */
LLMC__INLINE void LLMC__N(onto)(float sum[8], llmc__v8i part, llmc__v8 d, float e)
{
    llmc__vstore(sum, llmc__vfma(llmc__vcvt(part), llmc__vmul(d, llmc__vset1(e)), llmc__vload(sum)));
}

/* ((0+4)+(2+6)) + ((1+5)+(3+7)) of parts 0 to 7, as vsum for lanes. part is [8][cols][8], already
   moved to a column: its parts lie 8 * cols floats apart. Eight rows are folded at once, each in
   its lane. */
LLMC__INLINE llmc__v8 LLMC__N(fold)(const float *part, size_t cols)
{
    llmc__v8 a = llmc__vadd(llmc__vload(part), llmc__vload(part + 32 * cols));
    llmc__v8 b = llmc__vadd(llmc__vload(part + 8 * cols), llmc__vload(part + 40 * cols));
    llmc__v8 c = llmc__vadd(llmc__vload(part + 16 * cols), llmc__vload(part + 48 * cols));
    llmc__v8 d = llmc__vadd(llmc__vload(part + 24 * cols), llmc__vload(part + 56 * cols));
    return llmc__vadd(llmc__vadd(a, c), llmc__vadd(b, d));
}

/* Products of blocks. The order of every sum: part j of eight takes blocks j, j + 8, ...; the
   integer sum of a block, exact in whatever order, is fused onto it times the rounded product
   of both d; vsum's tree adds the parts.
   eight: acc, a lane to a part, and eight blocks of w, bytes apart, times eight of x.
   line: one row with one column, eight blocks at a time, a lane to a part. It reads the row
   from end to end, which is what streams from memory fastest; missing blocks of the last
   eight are zeros, which change nothing: d = 0 and q = 0, so 0 is added. They are copied
   (w8, x8) because reading on could leave the file. Nothing is fetched ahead, as for F32.
   tile: 8 rows, a lane to a row, by cols <= 32 columns, which share a block unpacked once;
   sum[8 t + i] is row i, column t.

               block   0  1  2  3  4  5  6  7  8  9 ...
     line      lane    0  1  2  3  4  5  6  7  0  1      parts side by side in one register
     tile      part    0  1  2  3  4  5  6  7  0  1      parts in memory, part[b % 8][t][row]
   The parts of a tile take 8 KB, which L1 holds beside the panel and a block of every column. Twice
   the columns would be all the stack that a function may have.
   matmul: tiles of 8 rows from LLMC__TILE_COLUMNS columns on, lines for the rows that are left and
   for fewer columns. A line's row is in L1 when the next column comes. */
#define LLMC__MATMUL_FN(type, bytes)                                                                         \
    LLMC__INLINE llmc__v8 LLMC__N(eight_##type)(llmc__v8 acc, const uint8_t *w, const llmc__q8 *x)           \
    {                                                                                                        \
        llmc__v8 d = llmc__vmul(llmc__vscales(w, bytes), LLMC__N(x_scales)(x));                              \
        return llmc__vfma(llmc__vcvt(LLMC__N(dot8_##type)(w, x)), d, acc);                                   \
    }                                                                                                        \
    LLMC__FN float LLMC__N(line_##type)(const uint8_t *w, const llmc__q8 *x, size_t blocks)                  \
    {                                                                                                        \
        llmc__v8 acc = llmc__vzero();                                                                        \
        for (; blocks >= 8; blocks -= 8, w += 8 * bytes, x += 8)                                             \
            acc = LLMC__N(eight_##type)(acc, w, x);                                                          \
        if (blocks > 0) {                                                                                    \
            uint8_t w8[8 * bytes];                                                                           \
            llmc__q8 x8[8];                                                                                  \
            LLMC_MEMSET(w8, 0, sizeof w8);                                                                   \
            LLMC_MEMSET(x8, 0, sizeof x8);                                                                   \
            LLMC_MEMCPY(w8, w, blocks *bytes);                                                               \
            LLMC_MEMCPY(x8, x, blocks * sizeof *x);                                                          \
            acc = LLMC__N(eight_##type)(acc, w8, x8);                                                        \
        }                                                                                                    \
        return llmc__vsum(acc);                                                                              \
    }                                                                                                        \
    LLMC__FN void LLMC__N(tile_##type)(float *sum, const uint8_t *w, size_t row_bytes, const uint8_t *x,     \
                                       size_t x_stride, size_t cols, size_t blocks)                          \
    {                                                                                                        \
        float part[8 * 8 * 32]; /* [part][column][row] */                                                    \
        size_t b, t;                                                                                         \
        LLMC_MEMSET(part, 0, 8 * 8 * cols * sizeof *part);                                                   \
        for (b = 0; b < blocks; b++, w += bytes, x += sizeof(llmc__q8)) {                                    \
            const uint8_t *at = x;                                                                           \
            float *onto = part + b % 8 * (8 * cols);                                                         \
            llmc__v8 d = llmc__vscales(w, row_bytes);                                                        \
            LLMC__N(panel) p;                                                                                \
            LLMC__N(panel_##type)(&p, w, row_bytes);                                                         \
            for (t = 0; t + 4 <= cols; t += 4, onto += 32) {                                                 \
                const llmc__q8 *q[4];                                                                        \
                llmc__v8i dot[4];                                                                            \
                int i;                                                                                       \
                for (i = 0; i < 4; i++, at += x_stride)                                                      \
                    q[i] = (const llmc__q8 *)(const void *)at;                                               \
                LLMC__N(panel_dot4_##type)(dot, &p, q);                                                      \
                LLMC__N(onto)(onto, dot[0], d, q[0]->d);                                                     \
                LLMC__N(onto)(onto + 8, dot[1], d, q[1]->d);                                                 \
                LLMC__N(onto)(onto + 16, dot[2], d, q[2]->d);                                                \
                LLMC__N(onto)(onto + 24, dot[3], d, q[3]->d);                                                \
            }                                                                                                \
            for (; t < cols; t++, at += x_stride, onto += 8) {                                               \
                const llmc__q8 *q = (const llmc__q8 *)(const void *)at;                                      \
                LLMC__N(onto)(onto, LLMC__N(panel_dot_##type)(&p, q), d, q->d);                              \
            }                                                                                                \
        }                                                                                                    \
        for (t = 0; t < cols; t++)                                                                           \
            llmc__vstore(sum + 8 * t, LLMC__N(fold)(part + 8 * t, cols));                                    \
    }                                                                                                        \
    LLMC__FN void LLMC__N(matmul_##type)(float *out, size_t out_stride, const uint8_t *w, size_t row_bytes,  \
                                         size_t rows, const void *x, size_t x_stride, size_t cols, size_t n) \
    {                                                                                                        \
        const uint8_t *at = (const uint8_t *)x;                                                              \
        size_t t0, r, t, wide, blocks = n / LLMC__QK;                                                        \
        for (t0 = 0; t0 < cols; t0 += wide, at += wide * x_stride) {                                         \
            wide = cols - t0 < 32 ? cols - t0 : 32;                                                          \
            for (r = 0; wide >= LLMC__TILE_COLUMNS && r + 8 <= rows; r += 8) {                               \
                float sum[8 * 32];                                                                           \
                LLMC__N(tile_##type)(sum, w + r * row_bytes, row_bytes, at, x_stride, wide, blocks);         \
                for (t = 0; t < wide; t++)                                                                   \
                    LLMC_MEMCPY(out + (t0 + t) * out_stride + r, sum + 8 * t, 8 * sizeof *sum);              \
            }                                                                                                \
            for (; r < rows; r++)                                                                            \
                for (t = 0; t < wide; t++) {                                                                 \
                    const llmc__q8 *q = (const llmc__q8 *)(const void *)(at + t * x_stride);                 \
                    out[(t0 + t) * out_stride + r] = LLMC__N(line_##type)(w + r * row_bytes, q, blocks);     \
                }                                                                                            \
        }                                                                                                    \
    }
LLMC__MATMUL_FN(q8_0, 34)
LLMC__MATMUL_FN(q4_0, 18)
#undef LLMC__MATMUL_FN

/* Scales of eight blocks, a lane for each; s and m where the kind is h. */
typedef struct LLMC__N(scale8) {
    llmc__v8 d, off;
    int16_t s[16], m[16];
} LLMC__N(scale8);

/* Blocks of 32 with f16 scales, `step` bytes apart, minimums after them. */
#define LLMC__SCALES_FN(type, step)                                                    \
    LLMC__INLINE void LLMC__N(scales_##type)(LLMC__N(scale8) * h, const uint8_t *w)    \
    {                                                                                  \
        h->d = llmc__vscales(w, step);                                                 \
        h->off = llmc__vscales(w + 2, step); /* dropped where there are no minimums */ \
    }
LLMC__SCALES_FN(q4_1, 20)
LLMC__SCALES_FN(q5_0, 22)
LLMC__SCALES_FN(q5_1, 24)
LLMC__SCALES_FN(iq4_nl, 18)
#undef LLMC__SCALES_FN

/* As llmc__e8m0_half. The eight bytes are put together in a register, as a load would wait for
   eight small stores. From e = 2 on vpow2 makes 2^(e - 128). */
LLMC__INLINE void LLMC__N(scales_mxfp4)(LLMC__N(scale8) * h, const uint8_t *w)
{
    uint64_t bytes = 0;
    uint8_t eight[8];
    llmc__v8 e, small;
    int i;
    for (i = 0; i < 8; i++)
        bytes |= (uint64_t)w[17 * i] << 8 * i;
    llmc__put_u64le(eight, bytes);
    e = LLMC__N(vbytes)(eight);
    small = llmc__vmul(llmc__vadd(e, llmc__vset1(1)), llmc__vset1(llmc__bits_f32(0x00200000u)));
    h->d =
        llmc__vsel_lt(e, llmc__vset1(2), small, llmc__vpow2(llmc__vadd(e, llmc__vset1(LLMC__ROUND - 128))));
}

/* An f16 in all lanes: lane i of eight from `at` on, all within the block. */
LLMC__INLINE llmc__v8 LLMC__N(half)(const uint8_t *at, int i)
{
    float f[8];
    llmc__vstore(f, LLMC__N(vload_f16)(at));
    return llmc__vset1(f[i]);
}

/* Blocks of 256: integers times one or two f16. The same bits as 08.2's heads. */
LLMC__INLINE void LLMC__N(scales_q4_k)(LLMC__N(scale8) * h, const uint8_t *w)
{
    uint8_t sm[16];
    llmc__k4_scales(sm, w + 4);
    h->d = llmc__vmul(LLMC__N(half)(w, 0), LLMC__N(vbytes)(sm));
    h->off = llmc__vsub(llmc__vzero(), llmc__vmul(LLMC__N(half)(w, 1), LLMC__N(vbytes)(sm + 8)));
}
LLMC__INLINE void LLMC__N(scales_q5_k)(LLMC__N(scale8) * h, const uint8_t *w)
{
    LLMC__N(scales_q4_k)(h, w);
}
LLMC__INLINE void LLMC__N(scales_q2_k)(LLMC__N(scale8) * h, const uint8_t *w)
{
    uint64_t a = llmc__u64le(w), b = llmc__u64le(w + 8), low = 0x0f0f0f0f0f0f0f0full;
    uint8_t t[16];
    llmc__put_u64le(t, a & low);
    llmc__put_u64le(t + 8, b & low);
    LLMC__N(spread)(h->s, t);
    llmc__put_u64le(t, a >> 4 & low);
    llmc__put_u64le(t + 8, b >> 4 & low);
    LLMC__N(spread)(h->m, t);
    h->d = LLMC__N(half)(w + 68, 6);
    h->off = llmc__vsub(llmc__vzero(), LLMC__N(half)(w + 68, 7));
}
LLMC__INLINE void LLMC__N(scales_q3_k)(LLMC__N(scale8) * h, const uint8_t *w)
{
    uint8_t t[16];
    llmc__q3_scales(t, w + 96);
    LLMC__N(spread)(h->s, t);
    h->d = LLMC__N(half)(w + 94, 7);
}
LLMC__INLINE void LLMC__N(scales_q6_k)(LLMC__N(scale8) * h, const uint8_t *w)
{
    LLMC__N(spread)(h->s, w + 192);
    h->d = LLMC__N(half)(w + 194, 7);
}
LLMC__INLINE void LLMC__N(scales_q8_k)(LLMC__N(scale8) * h, const uint8_t *w)
{
    h->d = llmc__vset1(llmc__f32le(w));
}
LLMC__INLINE void LLMC__N(scales_iq4_xs)(LLMC__N(scale8) * h, const uint8_t *w)
{
    uint8_t t[8];
    llmc__xs_scales(t, w + 2);
    h->d = llmc__vmul(LLMC__N(half)(w, 0), llmc__vsub(LLMC__N(vbytes)(t), llmc__vset1(32)));
}

/* Rows taken apart for a tile: row i's scales become lane i of every block's. */
LLMC__INLINE void LLMC__N(place)(llmc__rows *r, int i, const LLMC__N(scale8) * h, int kind, int mins)
{
    float d[8], off[8];
    int b;
    llmc__vstore(d, h->d);
    for (b = 0; b < 8; b++)
        r->d[b][i] = d[b];
    if (mins) {
        llmc__vstore(off, h->off);
        for (b = 0; b < 8; b++)
            r->off[b][i] = off[b];
    }
    for (b = 0; kind == llmc__kind_h && b < 8; b++) {
        LLMC_MEMCPY(&r->s[b][2 * i], &h->s[2 * b], 4);
        if (mins)
            LLMC_MEMCPY(&r->m[b][2 * i], &h->m[2 * b], 4);
    }
}

/* Products of units, in the order of the blocks above: part j of eight is block j of every unit; the
   product of minimums, where a type has them, is fused on after the block's own.
     line   one row, one column; the last unit of a type of 32 may be short, and is copied out
     rows   eight rows of one unit, for tiles */
#define LLMC__UNITS_FN(type, name, bytes, kind, mins)                                                        \
    LLMC__INLINE llmc__v8 LLMC__N(eight_##type)(llmc__v8 acc, const uint8_t *w, const llmc__q8 *x)           \
    {                                                                                                        \
        LLMC__N(quants) q;                                                                                   \
        LLMC__N(scale8) h;                                                                                   \
        llmc__v8 e = LLMC__N(x_scales)(x);                                                                   \
        LLMC__N(quants_##type)(&q, w);                                                                       \
        LLMC__N(scales_##type)(&h, w);                                                                       \
        acc = llmc__vfma(llmc__vcvt(LLMC__N(dots_##kind)(&q, x, h.s)), llmc__vmul(h.d, e), acc);             \
        if (mins)                                                                                            \
            acc = llmc__vfma(llmc__vcvt(LLMC__N(minimums)(llmc__kind_##kind, x, h.m)), llmc__vmul(h.off, e), \
                             acc);                                                                           \
        return acc;                                                                                          \
    }                                                                                                        \
    LLMC__FN float LLMC__N(line_##type)(const uint8_t *w, const llmc__q8 *x, size_t blocks)                  \
    {                                                                                                        \
        llmc__v8 acc = llmc__vzero();                                                                        \
        for (; blocks >= 8; blocks -= 8, w += bytes, x += 8)                                                 \
            acc = LLMC__N(eight_##type)(acc, w, x);                                                          \
        if (blocks > 0) {                                                                                    \
            uint8_t w8[bytes];                                                                               \
            llmc__q8 x8[8];                                                                                  \
            LLMC_MEMSET(w8, 0, sizeof w8);                                                                   \
            LLMC_MEMSET(x8, 0, sizeof x8);                                                                   \
            LLMC_MEMCPY(w8, w, blocks *(bytes / 8));                                                         \
            LLMC_MEMCPY(x8, x, blocks * sizeof *x);                                                          \
            acc = LLMC__N(eight_##type)(acc, w8, x8);                                                        \
        }                                                                                                    \
        return llmc__vsum(acc);                                                                              \
    }                                                                                                        \
    LLMC__FN void LLMC__N(rows_##type)(llmc__rows * r, const uint8_t *w, size_t row_bytes, size_t blocks)    \
    {                                                                                                        \
        uint8_t w8[bytes];                                                                                   \
        int i;                                                                                               \
        if (blocks < 8)                                                                                      \
            LLMC_MEMSET(w8, 0, sizeof w8);                                                                   \
        for (i = 0; i < 8; i++, w += row_bytes) {                                                            \
            const uint8_t *at = w;                                                                           \
            LLMC__N(quants) q;                                                                               \
            LLMC__N(scale8) h;                                                                               \
            if (blocks < 8) {                                                                                \
                LLMC_MEMCPY(w8, w, blocks *(bytes / 8));                                                     \
                at = w8;                                                                                     \
            }                                                                                                \
            LLMC__N(quants_##type)(&q, at);                                                                  \
            LLMC__N(quants_store)(r->q[i], &q);                                                              \
            LLMC__N(scales_##type)(&h, at);                                                                  \
            LLMC__N(place)(r, i, &h, llmc__kind_##kind, mins);                                               \
        }                                                                                                    \
    }
LLMC__UNIT_TYPES(LLMC__UNITS_FN)
#undef LLMC__UNITS_FN

/* sum += dot * (d e), then += min * (off e), for eight rows. */
LLMC__INLINE void LLMC__N(onto2)(float sum[8], llmc__v8i dot, llmc__v8i min, const float *d, const float *off,
                                 float e, int mins)
{
    llmc__v8 s = llmc__vfma(llmc__vcvt(dot), llmc__vmul(llmc__vload(d), llmc__vset1(e)), llmc__vload(sum));
    if (mins)
        s = llmc__vfma(llmc__vcvt(min), llmc__vmul(llmc__vload(off), llmc__vset1(e)), s);
    llmc__vstore(sum, s);
}

/* One block of a tile: eight rows with every column; sum is this part's [column][row]. kind and
   mins are constants where this is inlined. */
LLMC__INLINE void LLMC__N(block)(float *sum, const llmc__rows *r, size_t b, const LLMC__N(panel) * p,
                                 const uint8_t *x, size_t x_stride, size_t cols, int kind, int mins)
{
    static const int16_t ones[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const int16_t *s = r->s[b], *m = kind == llmc__kind_h ? r->m[b] : ones;
    llmc__v8i dot[4], min = llmc__viset1(0);
    size_t t;
    int i;
    for (t = 0; t + 4 <= cols; t += 4, sum += 32) {
        const llmc__q8 *q[4];
        for (i = 0; i < 4; i++, x += x_stride)
            q[i] = (const llmc__q8 *)(const void *)x;
        LLMC__N(panel4)(kind, dot, p, q, s);
        for (i = 0; i < 4; i++) {
            if (mins)
                min = LLMC__N(panel_min)(q[i], m);
            LLMC__N(onto2)(sum + 8 * i, dot[i], min, r->d[b], r->off[b], q[i]->d, mins);
        }
    }
    for (; t < cols; t++, x += x_stride, sum += 8) {
        const llmc__q8 *q = (const llmc__q8 *)(const void *)x;
        if (mins)
            min = LLMC__N(panel_min)(q, m);
        LLMC__N(onto2)(sum, LLMC__N(panel1)(kind, p, q, s), min, r->d[b], r->off[b], q->d, mins);
    }
}

/* What matmul needs to know of a type: bytes of a unit, kind, whether it has minimums. */
typedef struct LLMC__N(unit_type) {
    float (*line)(const uint8_t *w, const llmc__q8 *x, size_t blocks);
    void (*rows)(llmc__rows *r, const uint8_t *w, size_t row_bytes, size_t blocks);
    size_t bytes;
    int kind, mins;
} LLMC__N(unit_type);

/* As tile_##type above: 8 rows by cols <= 32 columns, whole units unpacked before their blocks. */
LLMC__FN void LLMC__N(tile_units)(const LLMC__N(unit_type) * u, float *sum, const uint8_t *w,
                                  size_t row_bytes, const uint8_t *x, size_t x_stride, size_t cols,
                                  size_t blocks)
{
    float part[8 * 8 * 32]; /* [part][column][row] */
    llmc__rows r;
    size_t b, t, most;
    LLMC_MEMSET(part, 0, 8 * 8 * cols * sizeof *part);
    for (; blocks > 0; blocks -= most, w += u->bytes) {
        most = blocks < 8 ? blocks : 8;
        u->rows(&r, w, row_bytes, most);
        for (b = 0; b < most; b++, x += sizeof(llmc__q8)) {
            float *onto = part + b * (8 * cols);
            LLMC__N(panel) p;
            if (u->kind == llmc__kind_h) {
                LLMC__N(panel_h)(&p, r.q[0] + 32 * b, r.s[b]);
                if (u->mins)
                    LLMC__N(block)(onto, &r, b, &p, x, x_stride, cols, llmc__kind_h, 1);
                else
                    LLMC__N(block)(onto, &r, b, &p, x, x_stride, cols, llmc__kind_h, 0);
            } else if (u->kind == llmc__kind_s) {
                LLMC__N(panel_s)(&p, r.q[0] + 32 * b, r.s[b]);
                LLMC__N(block)(onto, &r, b, &p, x, x_stride, cols, llmc__kind_s, 0);
            } else {
                LLMC__N(panel_u)(&p, r.q[0] + 32 * b, r.s[b]);
                LLMC__N(block)(onto, &r, b, &p, x, x_stride, cols, llmc__kind_u, 1);
            }
        }
    }
    for (t = 0; t < cols; t++)
        llmc__vstore(sum + 8 * t, LLMC__N(fold)(part + 8 * t, cols));
}

/* llmc__matmul_fn for units: as matmul_##type above. */
LLMC__FN void LLMC__N(matmul_units)(const LLMC__N(unit_type) * u, float *out, size_t out_stride,
                                    const uint8_t *w, size_t row_bytes, size_t rows, const void *x,
                                    size_t x_stride, size_t cols, size_t n)
{
    const uint8_t *at = (const uint8_t *)x;
    size_t t0, r, t, wide, blocks = n / LLMC__QK;
    for (t0 = 0; t0 < cols; t0 += wide, at += wide * x_stride) {
        wide = cols - t0 < 32 ? cols - t0 : 32;
        for (r = 0; wide >= LLMC__TILE_COLUMNS && r + 8 <= rows; r += 8) {
            float sum[8 * 32];
            LLMC__N(tile_units)(u, sum, w + r * row_bytes, row_bytes, at, x_stride, wide, blocks);
            for (t = 0; t < wide; t++)
                LLMC_MEMCPY(out + (t0 + t) * out_stride + r, sum + 8 * t, 8 * sizeof *sum);
        }
        for (; r < rows; r++)
            for (t = 0; t < wide; t++)
                out[(t0 + t) * out_stride + r] =
                    u->line(w + r * row_bytes, (const llmc__q8 *)(const void *)(at + t * x_stride), blocks);
    }
}
#define LLMC__X(type, name, bytes, kind, mins)                                                               \
    LLMC__FN void LLMC__N(matmul_##type)(float *out, size_t out_stride, const uint8_t *w, size_t row_bytes,  \
                                         size_t rows, const void *x, size_t x_stride, size_t cols, size_t n) \
    {                                                                                                        \
        static const LLMC__N(unit_type)                                                                      \
            u = {LLMC__N(line_##type), LLMC__N(rows_##type), bytes, llmc__kind_##kind, mins};                \
        LLMC__N(matmul_units)(&u, out, out_stride, w, row_bytes, rows, x, x_stride, cols, n);                \
    }
LLMC__UNIT_TYPES(LLMC__X)
#undef LLMC__X

/* As llmc__scalar_quantize_x, to the bit. The largest of bits across lanes is found in memory: its
   eight steps are few beside 32 elements, and no set has a primitive for it. A block of zeros or
   with a NaN goes its own way, so that vround only sees what it can round. */
LLMC__FN void LLMC__N(quantize_x)(const float *x, size_t n, llmc__q8 *out)
{
    for (; n >= LLMC__QK; n -= LLMC__QK, x += LLMC__QK, out++) {
        llmc__v8 a = llmc__vload(x), b = llmc__vload(x + 8), c = llmc__vload(x + 16), d = llmc__vload(x + 24),
                 m;
        llmc__v8i i, j, k, l;
        int32_t lane[8], more[8], most = 0;
        float inverse;
        int at;
        i = llmc__vimax(llmc__vabsbits(a), llmc__vabsbits(b));
        j = llmc__vimax(llmc__vabsbits(c), llmc__vabsbits(d));
        llmc__vistore(lane, llmc__vimax(i, j));
        for (at = 0; at < 8; at++)
            most = lane[at] > most ? lane[at] : most;
        out->d = llmc__q8_scale(most, &inverse);
        if (inverse == 0) {
            LLMC_MEMSET(out->q, 0, sizeof out->q);
            out->sum[0] = out->sum[1] = 0;
            continue;
        }
        m = llmc__vset1(inverse);
        i = llmc__vround(llmc__vmul(a, m));
        j = llmc__vround(llmc__vmul(b, m));
        k = llmc__vround(llmc__vmul(c, m));
        l = llmc__vround(llmc__vmul(d, m));
        llmc__viput32(out->q, i, j, k, l);
        llmc__vistore(lane, llmc__viadd(i, j));
        llmc__vistore(more, llmc__viadd(k, l));
        for (at = 1; at < 8; at++) {
            lane[0] += lane[at];
            more[0] += more[at];
        }
        out->sum[0] = (int16_t)lane[0];
        out->sum[1] = (int16_t)more[0];
    }
}

/* e^x within 2 ulp for x in [-87.33, 88.37]; 0 below, e^88.37 above. As llmc__expf, which goes
   on to infinity: x = n ln 2 + r, |r| <= ln 2 / 2, e^x = 2^n (1 + r + r^2 p(r)). n is rounded by
   adding LLMC__ROUND, which leaves it where vpow2 wants it. ln 2 is taken off in two parts, the
   first of 9 bits, so that its product with n is exact (Cody and Waite). Above 88.37 n would be 128,
   which vpow2 cannot make. NaN passes: vmax and vmin keep it in their second operand, and the
   comparison is false for it. */
LLMC__INLINE llmc__v8 LLMC__N(exp)(llmc__v8 x)
{
    llmc__v8 big = llmc__vset1(LLMC__ROUND), low = llmc__vset1(-87.33f), y, n, r, p;
    y = llmc__vmin(llmc__vset1(88.37f), llmc__vmax(low, x));
    n = llmc__vadd(llmc__vmul(y, llmc__vset1(1.44269504f)), big);
    p = llmc__vsub(n, big);
    r = llmc__vfma(p, llmc__vset1(-0.693359375f), y);
    r = llmc__vfma(p, llmc__vset1(2.12194440e-4f), r);
    p = llmc__vset1(0.00138144672f);
    p = llmc__vfma(p, r, llmc__vset1(0.00836878084f));
    p = llmc__vfma(p, r, llmc__vset1(0.0416683927f));
    p = llmc__vfma(p, r, llmc__vset1(0.166665196f));
    p = llmc__vfma(p, r, llmc__vset1(0.49999994f));
    p = llmc__vadd(llmc__vfma(llmc__vmul(r, r), p, r), llmc__vset1(1));
    return llmc__vsel_lt(x, low, llmc__vzero(), llmc__vmul(p, llmc__vpow2(n)));
}

/* Loops over y [n] in place, eight at a time; in the expression v is y's, u is x's part. The end
   is filled up with zeros, for which every expression here is defined. Functions without an x let
   it be y, and the compiler drops u. */
#define LLMC__MAP(expression)                                        \
    {                                                                \
        size_t i;                                                    \
        for (i = 0; i + 8 <= n; i += 8) {                            \
            llmc__v8 v = llmc__vload(y + i), u = llmc__vload(x + i); \
            llmc__vstore(y + i, expression);                         \
            (void)u;                                                 \
        }                                                            \
        if (i < n) {                                                 \
            llmc__v8 v = LLMC__N(load_f32_part)(y + i, n - i);       \
            llmc__v8 u = LLMC__N(load_f32_part)(x + i, n - i);       \
            LLMC__N(store_part)(y + i, expression, n - i);           \
            (void)u;                                                 \
        }                                                            \
    }

/* y += x, y *= x, y *= a: one rounding an element, the scalar bits. The layout is clang-format's. */
LLMC__FN void LLMC__N(add)(float *y, const float *x, size_t n) LLMC__MAP(llmc__vadd(v, u))

    LLMC__FN void LLMC__N(mul)(float *y, const float *x, size_t n) LLMC__MAP(llmc__vmul(v, u))

        LLMC__FN void LLMC__N(scale)(float *y, float a, size_t n)
{
    const float *x = y;
    llmc__v8 s = llmc__vset1(a);
    LLMC__MAP(llmc__vmul(v, s))
}

/* x / (1 + e^-z), that is x times the logistic of z. e^-z is never infinite, so a zero
   is chosen where x / (1 + e^-z) has no business: it would be x / 2.4e38, 1.4 for x = -FLT_MAX. */
LLMC__INLINE llmc__v8 LLMC__N(gate)(llmc__v8 x, llmc__v8 z)
{
    llmc__v8 e = LLMC__N(exp)(llmc__vsub(llmc__vzero(), z));
    x = llmc__vdiv(x, llmc__vadd(llmc__vset1(1), e));
    return llmc__vsel_lt(z, llmc__vset1(-88.37f), llmc__vzero(), x);
}

LLMC__FN void LLMC__N(silu)(float *y, size_t n)
{
    const float *x = y;
    LLMC__MAP(LLMC__N(gate)(v, v))
}

/* (1 + tanh z) / 2 = 1 / (1 + e^-2z), so one exponential does: 1.5957... = 2 sqrt(2 / pi), and
   x + 0.044715 x^3 is taken as x (1 + 0.044715 x^2). */
LLMC__INLINE llmc__v8 LLMC__N(gelu_tanh8)(llmc__v8 x)
{
    llmc__v8 z = llmc__vfma(llmc__vmul(x, x), llmc__vset1(0.044715f), llmc__vset1(1));
    return LLMC__N(gate)(x, llmc__vmul(llmc__vmul(x, llmc__vset1(1.59576912f)), z));
}

LLMC__FN void LLMC__N(gelu_tanh)(float *y, size_t n)
{
    const float *x = y;
    LLMC__MAP(LLMC__N(gelu_tanh8)(v))
}

/* erfc by Abramowitz and Stegun 7.1.26: absolute error under 2e-7 times |x|.
     erfc a = (p1 t + p2 t^2 + ... + p5 t^5) e^(-a^2),  t = 1 / (1 + 0.3275911 a),  a >= 0
   gelu x is x erfc(a) / 2 for x < 0 and x less that for others, with a = |x| / sqrt 2: no
   1 + erf, which would cancel. x = infinity gives NaN (infinity times 0). */
LLMC__INLINE llmc__v8 LLMC__N(gelu_erf8)(llmc__v8 x)
{
    llmc__v8 zero = llmc__vzero(), one = llmc__vset1(1), a = llmc__vmul(x, llmc__vset1(0.707106781f)), t, p;
    a = llmc__vsel_lt(a, zero, llmc__vsub(zero, a), a);
    t = llmc__vdiv(one, llmc__vfma(a, llmc__vset1(0.3275911f), one));
    p = llmc__vset1(1.061405429f);
    p = llmc__vfma(p, t, llmc__vset1(-1.453152027f));
    p = llmc__vfma(p, t, llmc__vset1(1.421413741f));
    p = llmc__vfma(p, t, llmc__vset1(-0.284496736f));
    p = llmc__vfma(p, t, llmc__vset1(0.254829592f));
    p = llmc__vmul(llmc__vmul(p, t), LLMC__N(exp)(llmc__vsub(zero, llmc__vmul(a, a))));
    p = llmc__vmul(llmc__vmul(p, x), llmc__vset1(0.5f)); /* x erfc(|x| / sqrt 2) / 2 */
    return llmc__vsel_lt(x, zero, p, llmc__vsub(x, p));
}

LLMC__FN void LLMC__N(gelu_erf)(float *y, size_t n)
{
    const float *x = y;
    LLMC__MAP(LLMC__N(gelu_erf8)(v))
}

/* v second, as vmax keeps NaN there. */
LLMC__FN void LLMC__N(relu)(float *y, size_t n)
{
    const float *x = y;
    LLMC__MAP(llmc__vmax(llmc__vzero(), v))
}

LLMC__FN void LLMC__N(relu2)(float *y, size_t n)
{
    const float *x = y;
    LLMC__MAP(llmc__vmul(v, llmc__vmax(llmc__vzero(), v)))
}

/* Bounds first in vmin and vmax, which keep NaN in their second operand. */
LLMC__INLINE llmc__v8 LLMC__N(swiglu_oai8)(llmc__v8 u, llmc__v8 g)
{
    llmc__v8 seven = llmc__vset1(7);
    g = llmc__vmin(seven, g);
    u = llmc__vmin(seven, llmc__vmax(llmc__vset1(-7), u));
    g = LLMC__N(gate)(g, llmc__vmul(g, llmc__vset1(1.702f)));
    return llmc__vmul(g, llmc__vadd(u, llmc__vset1(1)));
}

LLMC__FN void LLMC__N(swiglu_oai)(float *y, const float *x, size_t n) LLMC__MAP(LLMC__N(swiglu_oai8)(v, u))

    /* tanh z = 1 - 2 / (1 + e^2z), which cancels near 0: up to |z| = 0.6 an odd polynomial, fitted to
   within 3e-9 of z there. Within 3e-7 relative. */
    LLMC__INLINE llmc__v8 LLMC__N(tanh8)(llmc__v8 z)
{
    llmc__v8 one = llmc__vset1(1), s = llmc__vmul(z, z), p, t = LLMC__N(exp)(llmc__vadd(z, z));
    t = llmc__vsub(one, llmc__vdiv(llmc__vset1(2), llmc__vadd(one, t)));
    p = llmc__vset1(-0.00590586476f);
    p = llmc__vfma(p, s, llmc__vset1(0.0208053812f));
    p = llmc__vfma(p, s, llmc__vset1(-0.0537866838f));
    p = llmc__vfma(p, s, llmc__vset1(0.133319587f));
    p = llmc__vfma(p, s, llmc__vset1(-0.333332986f));
    p = llmc__vfma(llmc__vmul(p, s), z, z);
    return llmc__vsel_lt(s, llmc__vset1(0.36f), p, t);
}

LLMC__FN void LLMC__N(softcap)(float *y, size_t n, float cap)
{
    const float *x = y;
    llmc__v8 c = llmc__vset1(cap);
    LLMC__MAP(llmc__vmul(c, LLMC__N(tanh8)(llmc__vdiv(v, c))))
}
#undef LLMC__MAP

/* As the scalar one. Order of the sum: eight lanes, the end's zeros in them, then vsum. The end of
   x is loaded once and kept in v, as out may be x. */
LLMC__FN void LLMC__N(rmsnorm)(float *out, const float *x, const float *w, size_t n, float eps)
{
    llmc__v8 sum = llmc__vzero(), s, v;
    size_t i, full = n & ~(size_t)7;
    for (i = 0; i < full; i += 8) {
        v = llmc__vload(x + i);
        sum = llmc__vfma(v, v, sum);
    }
    v = LLMC__N(load_f32_part)(x + full, n - full);
    sum = llmc__vfma(v, v, sum);
    s = llmc__vset1(1 / llmc__sqrtf(llmc__vsum(sum) / (float)n + eps));
    for (i = 0; i < full; i += 8)
        llmc__vstore(out + i, llmc__vmul(llmc__vmul(llmc__vload(x + i), s), llmc__vload(w + i)));
    LLMC__N(store_part)
    (out + full, llmc__vmul(llmc__vmul(v, s), LLMC__N(load_f32_part)(w + full, n - full)), n - full);
}

/* As the scalar one, two passes for mean and variance, each in rmsnorm's order. */
LLMC__FN void LLMC__N(layernorm)(float *out, const float *x, const float *w, const float *b, size_t n,
                                 float eps)
{
    llmc__v8 sum = llmc__vzero(), mean, s, v;
    size_t i, full = n & ~(size_t)7;
    float lane[8];
    for (i = 0; i < full; i += 8)
        sum = llmc__vadd(sum, llmc__vload(x + i));
    sum = llmc__vadd(sum, LLMC__N(load_f32_part)(x + full, n - full));
    mean = llmc__vset1(llmc__vsum(sum) / (float)n);
    sum = llmc__vzero();
    for (i = 0; i < full; i += 8) {
        v = llmc__vsub(llmc__vload(x + i), mean);
        sum = llmc__vfma(v, v, sum);
    }
    /* the lanes beyond the end must not count */
    llmc__vstore(lane, llmc__vsub(LLMC__N(load_f32_part)(x + full, n - full), mean));
    v = LLMC__N(load_f32_part)(lane, n - full);
    sum = llmc__vfma(v, v, sum);
    s = llmc__vset1(1 / llmc__sqrtf(llmc__vsum(sum) / (float)n + eps));
    for (i = 0; i < full; i += 8) {
        llmc__v8 y = llmc__vmul(llmc__vmul(llmc__vsub(llmc__vload(x + i), mean), s), llmc__vload(w + i));
        llmc__vstore(out + i, b != NULL ? llmc__vadd(y, llmc__vload(b + i)) : y);
    }
    v = llmc__vmul(llmc__vmul(v, s), LLMC__N(load_f32_part)(w + full, n - full));
    if (b != NULL)
        v = llmc__vadd(v, LLMC__N(load_f32_part)(b + full, n - full));
    LLMC__N(store_part)(out + full, v, n - full);
}

/* By vsel_lt and not vmax: most < NaN is false, so NaN has no say, as the contract wants. The
   order of comparisons cannot show but in the sign of a zero. */
LLMC__FN float LLMC__N(max)(const float *x, size_t n)
{
    llmc__v8 most = llmc__vset1(-FLT_MAX);
    float lane[8];
    size_t i, full = n & ~(size_t)7;
    for (i = 0; i < full; i += 8) {
        llmc__v8 v = llmc__vload(x + i);
        most = llmc__vsel_lt(most, v, v, most);
    }
    llmc__vstore(lane, most);
    for (i = 1; i < 8; i++)
        lane[0] = lane[i] > lane[0] ? lane[i] : lane[0];
    for (i = full; i < n; i++)
        lane[0] = x[i] > lane[0] ? x[i] : lane[0];
    return lane[0];
}

/* Sums in lanes, then vsum. At the end the lanes beyond n hold exp(-max) and not 0: they are
   dropped by storing and loading again. */
LLMC__FN float LLMC__N(exp_sum)(float *x, size_t n, float max)
{
    llmc__v8 sum = llmc__vzero(), m = llmc__vset1(max), v;
    size_t i, full = n & ~(size_t)7;
    for (i = 0; i < full; i += 8) {
        v = LLMC__N(exp)(llmc__vsub(llmc__vload(x + i), m));
        llmc__vstore(x + i, v);
        sum = llmc__vadd(sum, v);
    }
    if (full < n) {
        v = LLMC__N(exp)(llmc__vsub(LLMC__N(load_f32_part)(x + full, n - full), m));
        LLMC__N(store_part)(x + full, v, n - full);
        sum = llmc__vadd(sum, LLMC__N(load_f32_part)(x + full, n - full));
    }
    return llmc__vsum(sum);
}

/* Four pairs at a time, x the even and y the odd lanes:
     v         x0 y0 x1 y1 ...       times   c0 c0 c1 c1 ...
     swapped   y0 x0 y1 x1 ...       times  -s0 s0 -s1 s1 ...
     sum       x c - y s, y c + x s
   The first product is fused; the scalar end rounds both. Which lanes are the end depends on dims
   alone, so a head's result does not depend on anything else. */
LLMC__FN void LLMC__N(rope_adjacent)(float *x, const float *cosine, const float *sine, size_t dims)
{
    static const float signs[8] = {-1, 1, -1, 1, -1, 1, -1, 1};
    llmc__v8 sign = llmc__vload(signs);
    size_t i;
    for (i = 0; i + 8 <= dims; i += 8) {
        llmc__v8 v = llmc__vload(x + i), s = llmc__vmul(llmc__vdup2(sine + i / 2), sign);
        llmc__vstore(x + i, llmc__vfma(v, llmc__vdup2(cosine + i / 2), llmc__vmul(llmc__vswap(v), s)));
    }
    llmc__scalar_rope_adjacent(x + i, cosine + i / 2, sine + i / 2, dims - i);
}

/* Eight pairs at a time, not fused: the same bits as llmc__turn. */
LLMC__FN void LLMC__N(rope_half)(float *x, const float *cosine, const float *sine, size_t dims)
{
    size_t i, half = dims / 2;
    float *y = x + half;
    for (i = 0; i + 8 <= half; i += 8) {
        llmc__v8 a = llmc__vload(x + i), b = llmc__vload(y + i), c = llmc__vload(cosine + i),
                 s = llmc__vload(sine + i);
        llmc__vstore(x + i, llmc__vsub(llmc__vmul(a, c), llmc__vmul(b, s)));
        llmc__vstore(y + i, llmc__vadd(llmc__vmul(a, s), llmc__vmul(b, c)));
    }
    for (; i < half; i++)
        llmc__turn(&x[i], &y[i], cosine[i], sine[i]);
}

/* As the scalar ones; F16 rounds to nearest even in every set. */
LLMC__FN void LLMC__N(kv_store_f32)(void *dst, const float *x, size_t n)
{
    LLMC_MEMCPY(dst, x, n * sizeof *x);
}

LLMC__FN void LLMC__N(kv_store_f16)(void *dst, const float *x, size_t n)
{
    uint8_t *h = (uint8_t *)dst;
    size_t i;
    for (i = 0; i + 8 <= n; i += 8)
        LLMC__N(vstore_f16)(h + 2 * i, llmc__vload(x + i));
    if (i < n) {
        uint16_t t[8];
        LLMC__N(vstore_f16)(t, LLMC__N(load_f32_part)(x + i, n - i));
        LLMC_MEMCPY(h + 2 * i, t, 2 * (n - i));
    }
}

/* kv_dot: four rows share q. kv_mix: 32 elements of out stay in registers over all rows.
   k, v [rows][n], row_bytes apart, at a multiple of 2; q, out and p aligned floats.
   dot   each score has the order of matmul's sums; scaled last. What is missing of the last four
         rows is computed as copies of the last.
   mix   one chain of fused multiply-adds per element, over j: cutting the rows anywhere and
         going on with out gives the same bits. Rows inside and columns outside, since out
         would else be loaded and stored for every row; a row of 32 is one or two cache lines. */
#define LLMC__KV_FNS(type, bytes)                                                                     \
    LLMC__FN void LLMC__N(kv_dot_##type)(float *out, const float *q, const void *k, size_t row_bytes, \
                                         size_t rows, size_t n, float scale)                          \
    {                                                                                                 \
        size_t j;                                                                                     \
        for (j = 0; j < rows; j += 4) {                                                               \
            const uint8_t *row[4];                                                                    \
            size_t i, most = rows - j < 4 ? rows - j : 4;                                             \
            float sum[4];                                                                             \
            for (i = 0; i < 4; i++)                                                                   \
                row[i] = (const uint8_t *)k + (j + (i < most ? i : most - 1)) * row_bytes;            \
            LLMC__N(tile41_##type)(sum, row, q, n, (uintptr_t)row[0] + 4 * row_bytes);                \
            for (i = 0; i < most; i++)                                                                \
                out[j + i] = scale * sum[i];                                                          \
        }                                                                                             \
    }                                                                                                 \
    LLMC__FN void LLMC__N(kv_mix_##type)(float *out, const float *p, const void *v, size_t row_bytes, \
                                         size_t rows, size_t n)                                       \
    {                                                                                                 \
        const uint8_t *first = (const uint8_t *)v, *row;                                              \
        size_t i, j;                                                                                  \
        for (i = 0; i + 32 <= n; i += 32) {                                                           \
            llmc__v8 a = llmc__vload(out + i), b = llmc__vload(out + i + 8);                          \
            llmc__v8 c = llmc__vload(out + i + 16), d = llmc__vload(out + i + 24), s;                 \
            for (j = 0, row = first + bytes * i; j < rows; j++, row += row_bytes) {                   \
                s = llmc__vset1(p[j]);                                                                \
                a = llmc__vfma(s, LLMC__N(load_##type)(row), a);                                      \
                b = llmc__vfma(s, LLMC__N(load_##type)(row + 8 * bytes), b);                          \
                c = llmc__vfma(s, LLMC__N(load_##type)(row + 16 * bytes), c);                         \
                d = llmc__vfma(s, LLMC__N(load_##type)(row + 24 * bytes), d);                         \
            }                                                                                         \
            llmc__vstore(out + i, a);                                                                 \
            llmc__vstore(out + i + 8, b);                                                             \
            llmc__vstore(out + i + 16, c);                                                            \
            llmc__vstore(out + i + 24, d);                                                            \
        }                                                                                             \
        for (; i < n; i += 8) {                                                                       \
            size_t most = n - i < 8 ? n - i : 8;                                                      \
            llmc__v8 a = LLMC__N(load_f32_part)(out + i, most);                                       \
            for (j = 0, row = first + bytes * i; j < rows; j++, row += row_bytes)                     \
                a = llmc__vfma(llmc__vset1(p[j]), LLMC__N(load_##type##_part)(row, most), a);         \
            LLMC__N(store_part)(out + i, a, most);                                                    \
        }                                                                                             \
    }
LLMC__KV_FNS(f32, 4)
LLMC__KV_FNS(f16, 2)
#undef LLMC__KV_FNS

/* One comparison for all: the largest bits are below infinity's, or something was not finite. */
LLMC__FN bool LLMC__N(finite)(const float *x, size_t n)
{
    llmc__v8i most = llmc__viset1(0);
    int32_t lane[8];
    size_t i;
    for (i = 0; i + 8 <= n; i += 8)
        most = llmc__vimax(most, llmc__vabsbits(llmc__vload(x + i)));
    most = llmc__vimax(most, llmc__vabsbits(LLMC__N(load_f32_part)(x + i, n - i)));
    llmc__vistore(lane, most);
    for (i = 1; i < 8; i++)
        lane[0] = lane[i] > lane[0] ? lane[i] : lane[0];
    return lane[0] < 0x7f800000;
}

/* Only llmc__row_... are 09.2's, see LLMC__KERNELS. */
static const llmc__kernels LLMC__N(kernels) = LLMC__KERNELS(LLMC__N, LLMC__ISA_NAME);

/* The next set defines them anew. */
#undef LLMC__FN
#undef LLMC__INLINE
#endif /* LLMC__PASS */

/* A pass ends here. What follows has a guard of its own, as the first one was closed above to let
   the body stand outside it. */
#if defined(LLMC_IMPLEMENTATION) && !defined(LLMC__PASS)
#ifndef LLMC__IMPLEMENTED_10
#define LLMC__IMPLEMENTED_10

/* From here on everything is compiled once again, not once per set. */
//--[ 09.6 KERNEL.choose ]-- the sets of this build
/* Each block: which set, how its functions are declared, the pass, and all of it undone. */
#if LLMC__AVX2
#define LLMC__PASS          1
#define LLMC__ISA           llmc__avx2_
#define LLMC__ISA_NAME      (LLMC__AVX2 == 2 ? "avx2 (simde)" : "avx2")
#define LLMC__TARGET        LLMC__AVX2_TARGET
#define LLMC__TARGET_INLINE LLMC__AVX2_FN
#include LLMC_HEADER_NAME
#undef LLMC__PASS
#undef LLMC__ISA
#undef LLMC__ISA_NAME
#undef LLMC__TARGET
#undef LLMC__TARGET_INLINE
#endif

#if LLMC__NEON
#define LLMC__PASS          1
#define LLMC__ISA           llmc__neon_
#define LLMC__ISA_NAME      (LLMC__NEON == 2 ? "neon (simde)" : "neon")
#define LLMC__TARGET        LLMC__NEON_TARGET
#define LLMC__TARGET_INLINE LLMC__NEON_FN
#include LLMC_HEADER_NAME
#undef LLMC__PASS
#undef LLMC__ISA
#undef LLMC__ISA_NAME
#undef LLMC__TARGET
#undef LLMC__TARGET_INLINE
#endif

/* gcc's warning that vectors cross calls otherwise without AVX has been off since 02.3. */
#if LLMC__AVX2 == 2 && LLMC__GNU
#pragma GCC diagnostic pop /* pushed in 02.3 */
#endif

/* The kernels that cpu selects (features 0: the best here). Never NULL: a set that this build
   lacks is answered with scalar. The table is constant and may be shared by all threads. */
static const llmc__kernels *llmc__kernels_for(llmc_cpu cpu)
{
    switch (llmc__cpu_best(cpu)) {
#if LLMC__AVX2
    case LLMC_CPU_AVX2:
        return &llmc__avx2_kernels;
#endif
#if LLMC__NEON
    case LLMC_CPU_NEON:
        return &llmc__neon_kernels;
#endif
    default:
        return &llmc__scalar_kernels;
    }
}

//==[ 10 TASK ]==== work handed to the caller's threads ==== needs: 02 ====

/* Runs fn over n pieces, on the caller's threads if it has any, and returns when all are done.
   fn writes only what its piece owns, so the order never shows in a result. One piece is not
   worth waking a thread. */
static void llmc__run(const llmc_tasks *tasks, uint32_t n, llmc_task_fn fn, void *arg)
{
    uint32_t i;
    if (tasks->run != NULL && tasks->workers > 1 && n > 1)
        tasks->run(tasks->user, n, fn, arg);
    else
        for (i = 0; i < n; i++)
            fn(arg, i);
}

//==[ 11 DATA ]==== JSON, flat settings, MessagePack ==== needs: 02 03 04 ====

//--[ 11.1 DATA.utf8 ]-- characters, strictly as the Unicode standard defines them
/* Bytes of the well-formed character at p [n], 0 if there is none: no overlong forms,
   no surrogates, nothing above U+10FFFF. A character cut off by the end is none. */
static size_t llmc__utf8_valid(const char *p, size_t n)
{
    int length = n > 0 ? llmc__utf8_length(p, n) : 0;
    return length > 0 ? (size_t)length : 0;
}

/* Writes code point c (not a surrogate, at most U+10FFFF) into out [4]; returns its bytes.
     below 80       0xxxxxxx
     below 800      110xxxxx 10xxxxxx
     below 10000    1110xxxx 10xxxxxx 10xxxxxx
     the rest       11110xxx 10xxxxxx 10xxxxxx 10xxxxxx       x: the bits of c, highest first */
static size_t llmc__utf8_write(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | (c >> 6));
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | (c >> 12));
        out[1] = (char)(0x80 | ((c >> 6) & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | (c >> 18));
    out[1] = (char)(0x80 | ((c >> 12) & 63));
    out[2] = (char)(0x80 | ((c >> 6) & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}

/* Bytes of a byte order mark at the start of text [n]: 3 or 0. Editors on Windows leave one. */
static size_t llmc__bom(const char *text, size_t n)
{
    return n >= 3 && LLMC_MEMCMP(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

/* The value of n <= 8 hexadecimal digits at p <= end; false, and *out untouched, if any is
   something else or the text ends before. */
static bool llmc__hex(const char *p, const char *end, unsigned n, uint32_t *out)
{
    uint32_t v = 0;
    if ((size_t)(end - p) < n)
        return false;
    for (; n > 0; n--, p++) {
        char c = llmc__lower(*p);
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint32_t)(c - 'a' + 10);
        else
            return false;
    }
    *out = v;
    return true;
}

//--[ 11.2 DATA.number ]-- decimal text to the nearest double, exactly
/* A number's text taken apart: digits of whole and fraction together, as an
   integer, times ten to the power exponent.
       -12.50e3   whole "12", fraction "50", exponent 3 - 2 = 1: -1250 * 10^1
   Views into the text, no digit is copied. Without a point the fraction is empty and
   stands at whole_end, so [whole, fraction_end) always holds all digits and perhaps a point. */
typedef struct llmc__decimal {
    const char *whole, *whole_end;       /* at least one digit                     */
    const char *fraction, *fraction_end; /* behind the point; may be empty         */
    int64_t exponent;                    /* as written, less the fraction's digits */
    bool negative;
} llmc__decimal;

/* End of the digits from p on; p itself if there is none. */
static const char *llmc__digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* Reads a number by JSON's grammar. Returns its end, or NULL with *bad at the
   first byte that does not belong. Exponents beyond 1e17 stop there: more than
   any text is long, so they mean the same. */
static const char *llmc__decimal_read(const char *p, const char *end, llmc__decimal *out, const char **bad)
{
    bool down = false; /* the exponent has a minus */
    out->negative = p < end && *p == '-';
    out->whole = p + (out->negative ? 1 : 0);
    out->whole_end = p = llmc__digits(out->whole, end);
    out->fraction = out->fraction_end = p;
    out->exponent = 0;
    *bad = p;
    if (out->whole == p)
        return NULL;
    *bad = out->whole + 1;                        /* a zero stands alone */
    if (*out->whole == '0' && p - out->whole > 1) /* 007: octal elsewhere, so refused */
        return NULL;
    if (p < end && *p == '.') {
        out->fraction = p + 1;
        out->fraction_end = *bad = p = llmc__digits(p + 1, end);
        if (out->fraction == p)
            return NULL;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            down = *p++ == '-';
        *bad = p;
        if (llmc__digits(p, end) == p)
            return NULL;
        for (; p < end && *p >= '0' && *p <= '9'; p++)
            if (out->exponent < 100000000000000000)
                out->exponent = out->exponent * 10 + (*p - '0');
    }
    out->exponent = (down ? -out->exponent : out->exponent) - (out->fraction_end - out->fraction);
    return p;
}

/* The value as an integer; false, and *out untouched, if it is none or does not fit. 1.50e1 is 15.
   Linear in the digits: multiplying by ten ends at the first overflow, after 20 steps at most. */
static bool llmc__decimal_i64(const llmc__decimal *d, int64_t *out)
{
    uint64_t v = 0;
    int64_t zeros = 0; /* read but not yet multiplied in: they may turn out to be behind the point */
    bool fits = true;
    const char *p;
    for (p = d->whole; p < d->fraction_end && fits; p++) {
        if (*p == '.')
            continue;
        zeros++;
        if (*p == '0')
            continue;
        for (; zeros > 0 && fits; zeros--)
            fits = llmc__mul(v, 10, &v);
        fits = fits && llmc__add(v, (uint64_t)(*p - '0'), &v);
    }
    if (v == 0 && fits) { /* 0e999999 too, whose zeros need no counting */
        *out = 0;
        return true;
    }
    for (zeros += d->exponent; zeros > 0 && fits; zeros--)
        fits = llmc__mul(v, 10, &v);
    /* zeros < 0: digits that are not zero stand behind the point */
    if (!fits || zeros < 0 || v > (uint64_t)INT64_MAX + (d->negative ? 1 : 0))
        return false;
    /* negated while unsigned: -2^63 is reached, 2^63 as int64_t would not be */
    *out = d->negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

/* Why big integers: a decimal fraction is num / den with both whole, so dividing them
   and looking at the remainder rounds rightly whatever the digits are. Short numbers
   have short integers, and there is no table of powers and no floating point in it
   that a processor with wider registers could round twice.

   A natural number, least significant limb first. The largest that occurs is
   10^1131 (3758 bits), doubled once; see llmc__decimal_f64. */
#define LLMC__BIG_LIMBS 120
typedef struct llmc__big {
    uint32_t limb[LLMC__BIG_LIMBS]; /* limb[n - 1] != 0       */
    unsigned n;                     /* limbs in use; 0: zero  */
} llmc__big;

/* b = b * m + a. limb * m + carry is below 2^64: (2^32 - 1)^2 + 2^32 - 1. */
static void llmc__big_mul_add(llmc__big *b, uint32_t m, uint32_t a)
{
    uint64_t carry = a;
    unsigned i;
    for (i = 0; i < b->n; i++) {
        carry += (uint64_t)b->limb[i] * m;
        b->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0)
        b->limb[b->n++] = (uint32_t)carry;
}

/* b *= 10^power, nine digits at a time: what fits a limb. */
static void llmc__big_mul_pow10(llmc__big *b, unsigned power)
{
    for (; power >= 9; power -= 9) /* 10^9 < 2^32 */
        llmc__big_mul_add(b, 1000000000u, 0);
    for (; power > 0; power--)
        llmc__big_mul_add(b, 10, 0);
}

/* b *= 2^bits: whole limbs by moving, the rest by a multiplication; b->limb has the room. */
static void llmc__big_shift(llmc__big *b, unsigned bits)
{
    unsigned words = bits / 32;
    LLMC_MEMMOVE(b->limb + words, b->limb, b->n * sizeof b->limb[0]);
    LLMC_MEMSET(b->limb, 0, words * sizeof b->limb[0]);
    b->n += words; /* b->limb[n - 1] is still not 0: it only moved */
    llmc__big_mul_add(b, (uint32_t)1 << bits % 32, 0);
}

/* Bits of b without leading zeros; b is not zero (n >= 1). */
static unsigned llmc__big_bits(const llmc__big *b)
{
    uint32_t top = b->limb[b->n - 1];
    unsigned bits = 32 * (b->n - 1);
    for (; top != 0; top >>= 1)
        bits++;
    return bits;
}

/* a < b; neither has leading zero limbs, so the longer one is larger. */
static bool llmc__big_less(const llmc__big *a, const llmc__big *b)
{
    unsigned i = a->n;
    if (a->n != b->n)
        return a->n < b->n;
    while (i > 0 && a->limb[i - 1] == b->limb[i - 1])
        i--;
    return i > 0 && a->limb[i - 1] < b->limb[i - 1];
}

/* a -= b, for b <= a. A limb's difference that is negative has bit 63 set: the borrow. */
static void llmc__big_subtract(llmc__big *a, const llmc__big *b)
{
    uint64_t borrow = 0;
    unsigned i;
    for (i = 0; i < a->n; i++) {
        uint64_t t = (uint64_t)a->limb[i] - (i < b->n ? b->limb[i] : 0) - borrow;
        a->limb[i] = (uint32_t)t;
        borrow = t >> 63;
    }
    while (a->n > 0 && a->limb[a->n - 1] == 0) /* the top limb must not be 0; zero has none */
        a->n--;
}

/* A double holds  sign:1 exponent:11 fraction:52 ; from 2^-1022 down the exponent field
   is 0 and the fraction has fewer and fewer bits.

   q * 2^(exponent - 63), a little more if `more`, rounded to nearest even; q has
   its top bit set. False if that is beyond the largest double. */
static bool llmc__f64_round(uint64_t q, bool more, int exponent, double *out)
{
    int drop = 11 + (exponent < -1022 ? -1022 - exponent : 0); /* low bits without a place */
    /* m: what stays. rest: what is dropped, moved to the top, so that half is always 2^63. Shifts
       by 64 and more are undefined in C, hence the cases */
    uint64_t m = drop < 64 ? q >> drop : 0, rest = drop < 64 ? q << (64 - drop) : drop == 64 ? q : 0;
    const uint64_t half = (uint64_t)1 << 63;
    if (rest > half || (rest == half && (more || (m & 1) != 0)))
        m++;
    if (exponent >= -1022) /* a carry out of m goes where it belongs, into the exponent */
        m += (uint64_t)(exponent + 1022) << 52;
    if (m >= (uint64_t)0x7ff << 52) /* the pattern of infinity, or beyond */
        return false;
    LLMC_MEMCPY(out, &m, sizeof m);
    return true;
}

/* num / den, both above zero, correctly rounded: 64 bits by long division, then
   what is left over decides ties. False if it is too large. Both are changed. */
static bool llmc__big_divide(llmc__big *num, llmc__big *den, double *out)
{
    unsigned a = llmc__big_bits(num), b = llmc__big_bits(den), i;
    int exponent = (int)a - (int)b;
    uint64_t q = 0;
    /* as many bits in both: then num / den is in (1/2, 2), and in [1, 2) after this */
    llmc__big_shift(a < b ? num : den, a < b ? b - a : a - b);
    if (llmc__big_less(num, den)) {
        llmc__big_shift(num, 1);
        exponent--;
    }
    for (i = 0; i < 64; i++) { /* num < 2 den throughout, so each digit is 0 or 1 */
        q <<= 1;
        if (!llmc__big_less(num, den)) {
            llmc__big_subtract(num, den);
            q |= 1;
        }
        llmc__big_mul_add(num, 2, 0);
    }
    return llmc__f64_round(q, num->n > 0, exponent, out);
}

/* The nearest double, ties to even, for any text; false if it is too large. No
   halfway point between doubles has more than 767 digits, so of digits after the
   800th only matters whether one is not zero. That bounds the big integers; the time
   is linear in the text and at most some 10^5 steps more. About 1 KB of stack. */
static bool llmc__decimal_f64(const llmc__decimal *d, double *out)
{
    llmc__big num, den;
    int64_t power = d->exponent;
    int digits = 0; /* in num, leading zeros not counted */
    bool more = false, ok = true;
    const char *p;
    num.n = den.n = 1;
    num.limb[0] = 0;
    den.limb[0] = 1;
    for (p = d->whole; p < d->fraction_end; p++) {
        if (*p == '.')
            continue;
        if (digits == 800) { /* dropped: each makes the rest ten times as much */
            more = more || *p != '0';
            power++;
        } else if (digits > 0 || *p != '0') {
            llmc__big_mul_add(&num, 10, (uint32_t)(*p - '0'));
            digits++;
        }
    }
    if (more) { /* one more digit, which is not zero, stands for all of them */
        llmc__big_mul_add(&num, 10, 1);
        digits++;
        power--;
    }
    *out = 0;
    /* num * 10^power is in [10^(digits + power - 1), 10^(digits + power)): far out nothing has
       to be computed, and the powers of ten that are computed stay small */
    if (digits > 0 && digits + power > 310)
        ok = false;
    else if (digits > 0 && digits + power > -330) {
        llmc__big_mul_pow10(power < 0 ? &den : &num, (unsigned)(power < 0 ? -power : power));
        ok = llmc__big_divide(&num, &den, out);
    }
    if (d->negative)
        *out = -*out; /* -0 too, which JSON can say */
    return ok;
}

/* Text that is a number and nothing else, an optional + before it (TOML). For settings and
   command lines; inf, nan and hexadecimal numbers are none. */
LLMC__UNUSED static bool llmc__text_number(const char *text, size_t n, llmc__decimal *out)
{
    const char *end = text + n, *bad;
    if (n > 1 && text[0] == '+' && text[1] != '-')
        text++;
    return llmc__decimal_read(text, end, out, &bad) == end;
}

//--[ 11.3 DATA.check ]-- one pass over a JSON text; nesting is a row of bits, not a call stack
/* The text is a sequence of: a value (a scalar, or the opening of a container), then what
   closes, then a comma and, in an object, a name. `objects` is all that has to be
   remembered of the way down: which bracket closes, and whether a name is next.

       value     -> [ or {  -> value (after a name and ':' in an object), or closes at once
       value     -> scalar  -> after
       after     -> ] or }  -> after, one level up
       after     -> ,       -> value (after a name and ':' in an object)
       after     at level 0 -> end of the text */
typedef struct llmc__json_check {
    const char *name, *begin, *at, *end;           /* name may be NULL; begin <= at <= end   */
    uint64_t objects[(LLMC_JSON_DEPTH + 63) / 64]; /* bit d: the container at depth d is an object */
    unsigned depth;                                /* open containers                        */
    llmc_diag *diag;
} llmc__json_check;

/* End of JSON's white space from p on. Four characters and no others: no form feed, no NBSP. */
static const char *llmc__json_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        p++;
    return p;
}

/* BAD_FILE at p, which is not what was expected there. Lines are counted only now, from the
   begin: a text is refused once, so parsing does not pay for it. p may be the end. */
static llmc_status llmc__json_bad(const llmc__json_check *c, const char *p, const char *expected)
{
    const char *q, *name = c->name != NULL ? llmc__short_name(c->name) : "JSON";
    unsigned long long line = 1;
    const uint64_t offset = (uint64_t)(p - c->begin);
    (void)name; /* under LLMC_NO_STRINGS nobody reads them */
    (void)expected;
    for (q = c->begin; q < p; q++)
        line += *q == '\n';
    if (p >= c->end)
        return LLMC__FAIL(c->diag, BAD_FILE, "DATA.check", offset, "%s:%llu: expected %s, but the text ends",
                          name, line, expected);
    if (*p > ' ' && *p < 0x7f) /* what can be shown is shown; %c is not cleaned */
        return LLMC__FAIL(c->diag, BAD_FILE, "DATA.check", offset, "%s:%llu: expected %s, not '%c'", name,
                          line, expected, *p);
    return LLMC__FAIL(c->diag, BAD_FILE, "DATA.check", offset, "%s:%llu: expected %s, not byte %u", name,
                      line, expected, (unsigned)(unsigned char)*p);
}

/* The character that a one-letter escape stands for, 0 if there is no such escape. */
static char llmc__json_escape(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return (char)(c == '"' || c == '\\' || c == '/' ? c : 0);
    }
}

/* What follows a backslash in a string; at stands on it, and behind the escape if OK.
   Characters above U+FFFF are two escapes, "\ud83d\ude00": a high half d800..dbff, a low one
   dc00..dfff. Single halves are refused: no character is meant by them, and UTF-8 cannot hold them. */
static llmc_status llmc__json_check_escape(llmc__json_check *c)
{
    const char *p = c->at + 1;
    uint32_t unit, next;
    if (p < c->end && llmc__json_escape(*p) != 0) {
        c->at = p + 1;
        return LLMC_OK;
    }
    if (p >= c->end || *p != 'u')
        return llmc__json_bad(c, p, "one of \"\\/bfnrtu after a backslash");
    if (!llmc__hex(p + 1, c->end, 4, &unit))
        return llmc__json_bad(c, p, "four hexadecimal digits after \\u");
    c->at = p + 5;
    if (unit < 0xd800 || unit > 0xdfff) /* a character by itself */
        return LLMC_OK;
    p = c->at;
    if (unit > 0xdbff || c->end - p < 6 || p[0] != '\\' || p[1] != 'u' ||
        !llmc__hex(p + 2, c->end, 4, &next) || next < 0xdc00 || next > 0xdfff)
        return llmc__json_bad(c, c->at - 6, "both halves of a surrogate pair");
    c->at = p + 6;
    return LLMC_OK;
}

/* A string from its opening quote on; at ends behind the closing one. Its UTF-8 is proven here,
   so what llmc_json_string gives out is well-formed. */
static llmc_status llmc__json_check_string(llmc__json_check *c)
{
    c->at++;
    for (;;) {
        size_t n;
        if (c->at >= c->end)
            return llmc__json_bad(c, c->at, "the closing quote of a string");
        if (*c->at == '"')
            break;
        if (*c->at == '\\') {
            LLMC__TRY(llmc__json_check_escape(c));
            continue;
        }
        if ((unsigned char)*c->at < 0x20)
            return llmc__json_bad(c, c->at, "an escape instead of a control character");
        n = llmc__utf8_valid(c->at, (size_t)(c->end - c->at));
        if (n == 0)
            return llmc__json_bad(c, c->at, "well-formed UTF-8");
        c->at += n;
    }
    c->at++;
    return LLMC_OK;
}

/* true, false or null. What follows is for the caller to refuse: "nulll" fails there. */
static llmc_status llmc__json_check_word(llmc__json_check *c, const char *word)
{
    size_t n = llmc__strlen(word);
    if ((size_t)(c->end - c->at) < n || LLMC_MEMCMP(c->at, word, n) != 0)
        return llmc__json_bad(c, c->at, "a value");
    c->at += n;
    return LLMC_OK;
}

/* Name and colon of an object's member; at ends on its value. Twice the same name is legal. */
static llmc_status llmc__json_check_key(llmc__json_check *c)
{
    if (c->at >= c->end || *c->at != '"') /* also a comma before the closing brace */
        return llmc__json_bad(c, c->at, "a name in double quotes");
    LLMC__TRY(llmc__json_check_string(c));
    c->at = llmc__json_space(c->at, c->end);
    if (c->at >= c->end || *c->at != ':')
        return llmc__json_bad(c, c->at, "':' after a name");
    c->at = llmc__json_space(c->at + 1, c->end);
    return LLMC_OK;
}

/* Whether the innermost open container is an object. */
static bool llmc__json_in_object(const llmc__json_check *c)
{
    return c->depth > 0 && (c->objects[(c->depth - 1) / 64] >> (c->depth - 1) % 64 & 1) != 0;
}

/* Opens the container at `at`. *empty: it closed at once; at stands on the closing bracket, which
   llmc__json_check_after takes. Else at stands on the first value, an object's name is read.
   The depth is bounded by the row of bits, and so is whoever recurses over the value later. */
static llmc_status llmc__json_check_open(llmc__json_check *c, bool *empty)
{
    const bool object = *c->at == '{';
    const uint64_t bit = (uint64_t)1 << c->depth % 64;
    if (c->depth == LLMC_JSON_DEPTH) /* before the row of bits is touched */
        return llmc__json_bad(c, c->at, "less deep nesting");
    if (object)
        c->objects[c->depth / 64] |= bit;
    else
        c->objects[c->depth / 64] &= ~bit; /* an object may have been open at this depth before */
    c->depth++;
    c->at = llmc__json_space(c->at + 1, c->end);
    *empty = c->at < c->end && *c->at == (object ? '}' : ']');
    return *empty || !object ? LLMC_OK : llmc__json_check_key(c);
}

/* One scalar, whole; at ends behind it. The first byte says what it has to be. */
static llmc_status llmc__json_check_value(llmc__json_check *c)
{
    llmc__decimal number;
    const char *bad;
    const char first = (char)(c->at < c->end ? *c->at : 0);
    if (first == '"')
        return llmc__json_check_string(c);
    if (first == 't')
        return llmc__json_check_word(c, "true");
    if (first == 'f')
        return llmc__json_check_word(c, "false");
    if (first == 'n')
        return llmc__json_check_word(c, "null");
    if (first != '-' && (first < '0' || first > '9'))
        return llmc__json_bad(c, c->at, "a value");
    c->at = llmc__decimal_read(c->at, c->end, &number, &bad);
    return c->at != NULL ? LLMC_OK : llmc__json_bad(c, bad, "a number as JSON writes them");
}

/* After a value: closes what ends here and stands on the next value, or at the
   end of the text (*done). Each round of the loop passes a bracket: linear. */
static llmc_status llmc__json_check_after(llmc__json_check *c, bool *done)
{
    for (;;) {
        const bool object = llmc__json_in_object(c);
        c->at = llmc__json_space(c->at, c->end);
        *done = c->depth == 0;
        if (*done)
            return c->at == c->end ? LLMC_OK : llmc__json_bad(c, c->at, "the end of the text");
        if (c->at < c->end && *c->at == (object ? '}' : ']')) {
            c->at++;
            c->depth--;
            continue;
        }
        if (c->at >= c->end || *c->at != ',')
            return llmc__json_bad(c, c->at, object ? "',' or '}'" : "',' or ']'");
        /* over the comma: a value has to follow, in an object its name first */
        c->at = llmc__json_space(c->at + 1, c->end);
        return object ? llmc__json_check_key(c) : LLMC_OK;
    }
}

/* View of the value that begins at p < end, in a checked text: its first byte says what it is. */
static llmc_json llmc__json_at(const char *p, const char *end)
{
    llmc_json v;
    v.text = p;
    v.end = end;
    v.type = LLMC_JSON_NUMBER; /* a digit or a minus: what no other value begins with */
    switch (*p) {
    case '{':
        v.type = LLMC_JSON_OBJECT;
        break;
    case '[':
        v.type = LLMC_JSON_ARRAY;
        break;
    case '"':
        v.type = LLMC_JSON_STRING;
        break;
    case 'n':
        v.type = LLMC_JSON_NULL;
        break;
    case 't':
    case 'f':
        v.type = LLMC_JSON_BOOL;
        break;
    default:
        break;
    }
    return v;
}

/* llmc_json_parse -- check a whole text                                  (DATA.check)
   A byte order mark before it is skipped. Linear in its length, no memory beyond the stack,
   no tree: the accessors below walk the text itself. *out is written only if OK, and
   is a view that lives as long as the text. Empty text is no JSON.
   Errors: BAD_FILE with line and byte. Source: RFC 8259. */
LLMC_API llmc_status llmc_json_parse(const llmc_blob *text, llmc_json *out, llmc_diag *diag)
{
    llmc__json_check c;
    const char *first;
    bool done = false;
    LLMC_MEMSET(&c, 0, sizeof c);
    c.name = text->name;
    c.begin = text->size > 0 ? (const char *)text->data : ""; /* data may be NULL then */
    c.end = c.begin + text->size;
    c.diag = diag;
    first = c.at = llmc__json_space(c.begin + llmc__bom(c.begin, text->size), c.end);
    while (!done) {
        bool empty = true; /* a scalar, or brackets with nothing in them: the value is complete */
        if (c.at < c.end && (*c.at == '{' || *c.at == '['))
            LLMC__TRY(llmc__json_check_open(&c, &empty));
        else
            LLMC__TRY(llmc__json_check_value(&c));
        if (empty)
            LLMC__TRY(llmc__json_check_after(&c, &done));
    }
    *out = llmc__json_at(first, c.end);
    return LLMC_OK;
}

//--[ 11.4 DATA.cursor ]-- views into a text that llmc_json_parse has passed
/* End of the string whose opening quote is at p. An escaped quote is passed with its backslash;
   the four digits of \u hold neither. */
static const char *llmc__json_skip_string(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++)
        if (*p == '\\')
            p++;
    return p < end ? p + 1 : end;
}

/* End of the value at p: a scalar's, or where as many brackets have closed as opened.
   Which kind they are no longer matters, the text has been checked. Linear, no stack. */
static const char *llmc__json_skip(const char *p, const char *end)
{
    unsigned depth = 0; /* brackets open; a value ends when it is back at 0 */
    while (p < end) {
        if (*p == '"') {
            p = llmc__json_skip_string(p, end);
        } else if (*p == '{' || *p == '[') {
            depth++;
            p++;
            continue;
        } else if (*p == '}' || *p == ']') {
            depth--;
            p++;
        } else if (*p == ',' || *p == ':' || *p == ' ' || *p == '\t' || *p == '\n' || *p == '\r') {
            p++;
            continue;
        } else {
            /* a number, or true, false, null: as far as their characters go */
            while (p < end && ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || *p == 'E' ||
                               *p == '+' || *p == '-' || *p == '.'))
                p++;
        }
        if (depth == 0)
            break;
    }
    return p;
}

/* llmc_json_next -- the next element or member                          (DATA.cursor)
   container   anything; what is neither array nor object has nothing in it
   it          all zero at first; it stands on the value given last
   key, value  written only if true is returned; key may be NULL
   One walk over a container takes time linear in its text.
   The last value's end is found only now, when the next one is asked for: a caller that
   stops early, or goes down into the value, does not pay for the skip. */
LLMC_API bool llmc_json_next(llmc_json container, llmc_json_iter *it, llmc_json *key, llmc_json *value)
{
    const bool object = container.type == LLMC_JSON_OBJECT; /* else names are not looked for */
    const char *p, *end = container.end;
    if (!object && container.type != LLMC_JSON_ARRAY)
        return false;
    /* behind the value given last, or behind the opening bracket */
    p = llmc__json_space(it->started ? llmc__json_skip(it->at, end) : container.text + 1, end);
    if (it->started && p < end && *p == ',')
        p = llmc__json_space(p + 1, end);
    if (p >= end || *p == ']' || *p == '}')
        return false;
    if (object) {
        if (key != NULL)
            *key = llmc__json_at(p, end);
        p = llmc__json_space(llmc__json_skip_string(p, end), end);
        p = llmc__json_space(p < end ? p + 1 : end, end); /* over the colon */
        if (p >= end)
            return false;
    }
    it->at = p; /* on the value: its end is looked for when the next one is asked for */
    it->started = true;
    *value = llmc__json_at(p, end);
    return true;
}

/* llmc_json_number -- the nearest double, ties to even                  (DATA.cursor)
   Exact for numbers of any length. Too small is 0 or subnormal as IEEE has it; too
   large for a double is the fallback, so the result is never infinite unless that is. */
LLMC_API double llmc_json_number(llmc_json value, double fallback)
{
    llmc__decimal d;
    const char *bad;
    double v;
    if (value.type != LLMC_JSON_NUMBER || llmc__decimal_read(value.text, value.end, &d, &bad) == NULL)
        return fallback;
    return llmc__decimal_f64(&d, &v) ? v : fallback;
}

/* llmc_json_integer -- a whole number of 64 bits, exactly                (DATA.cursor)
   Not by way of a double, which holds whole numbers only up to 2^53 (seeds, offsets, ids).
   However it is written: 10000, 1e4 and 10000.0 are the same. The fallback for
   fractions and for what does not fit. */
LLMC_API int64_t llmc_json_integer(llmc_json value, int64_t fallback)
{
    llmc__decimal d;
    const char *bad;
    int64_t v;
    if (value.type != LLMC_JSON_NUMBER || llmc__decimal_read(value.text, value.end, &d, &bad) == NULL)
        return fallback;
    return llmc__decimal_i64(&d, &v) ? v : fallback;
}

/* llmc_json_bool -- true or false; 0, 1 and null are the fallback         (DATA.cursor) */
LLMC_API bool llmc_json_bool(llmc_json value, bool fallback)
{
    /* a checked word of this type is one of two */
    return value.type == LLMC_JSON_BOOL ? *value.text == 't' : fallback;
}

/* The next character of a checked string as UTF-8 in out [4]; returns its bytes, 0
   at the closing quote. *p starts after the opening one and moves on by what was read:
   1 to 4 bytes as they stand, 2 for a short escape, 6 for \uXXXX, 12 for a surrogate pair. */
static size_t llmc__json_char(const char **p, const char *end, char *out)
{
    uint32_t c, low;
    size_t n;
    if (*p >= end || **p == '"')
        return 0;
    if (**p != '\\') {
        n = llmc__utf8_valid(*p, (size_t)(end - *p));
        LLMC_MEMCPY(out, *p, n);
        *p += n;
        return n;
    }
    *p += 2; /* over backslash and letter */
    if ((*p)[-1] != 'u')
        return llmc__utf8_write((uint32_t)llmc__json_escape((*p)[-1]), out);
    if (!llmc__hex(*p, end, 4, &c))
        return 0;
    *p += 4;
    if (c >= 0xd800 && c <= 0xdfff) {
        if (end - *p < 6 || !llmc__hex(*p + 2, end, 4, &low))
            return 0;
        /* ten bits of each half, the high half's first */
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        *p += 6;
    }
    return llmc__utf8_write(c, out);
}

/* llmc_json_string -- copy without quotes and escapes                   (DATA.cursor)
   out may be NULL if cap is 0, to ask for the length. Never writes part of a character.
   out [cap] gets as many whole characters as fit and a NUL; nothing if cap is 0.
   Returns the bytes of the whole string, so a result < cap means that all is there.
   \u0000 is a NUL among them: compare the result with the length then. */
LLMC_API size_t llmc_json_string(llmc_json value, char *out, size_t cap)
{
    const char *p;
    char c[4];
    size_t need = 0, used = 0, n; /* of the whole string; of it in out; of one character */
    bool fits = cap > 0;
    if (fits)
        out[0] = 0; /* also for what is no string */
    if (value.type != LLMC_JSON_STRING)
        return 0;
    p = value.text + 1;
    while ((n = llmc__json_char(&p, value.end, c)) > 0) {
        need += n;
        fits = fits && n < cap - used; /* once something did not fit nothing shorter may follow it */
        if (!fits)
            continue;
        LLMC_MEMCPY(out + used, c, n);
        used += n;
        out[used] = 0;
    }
    return need;
}

/* llmc_json_equal -- is it a string, and this one?                      (DATA.cursor)
   Compares what is meant, not how it is written: "\u0061" equals a. text is NUL-terminated, so
   a string with a NUL in it equals nothing. Ends at the first difference. */
LLMC_API bool llmc_json_equal(llmc_json value, const char *text)
{
    const char *p;
    char c[4];
    size_t n, i;
    if (value.type != LLMC_JSON_STRING)
        return false;
    p = value.text + 1;
    while ((n = llmc__json_char(&p, value.end, c)) > 0)
        for (i = 0; i < n; i++, text++)
            if (*text == 0 || *text != c[i]) /* the NUL ends text, whatever the string holds */
                return false;
    return *text == 0;
}

/* llmc_json_get -- member of that name                                  (DATA.cursor)
   Type NONE if there is none, or `object` is no object: look-ups can be chained without a check
   between them, and the last accessor gives its fallback.
   Of several the last, as most readers do. Linear in the object: to read many
   members of a large one, walk it once instead. */
LLMC_API llmc_json llmc_json_get(llmc_json object, const char *key)
{
    llmc_json_iter it = {NULL, false};
    llmc_json name, value, found = {NULL, NULL, LLMC_JSON_NONE};
    if (object.type != LLMC_JSON_OBJECT)
        return found;
    while (llmc_json_next(object, &it, &name, &value))
        if (llmc_json_equal(name, key))
            found = value;
    return found;
}

//--[ 11.5 DATA.settings ]-- flat YAML and TOML line by line, JSON member by member
/* What is read (everything else is refused with its line):
     YAML  key: value      # comment       plain, 'single' or "double" quoted values
     TOML  [section]  key = value          numbers, true, false, dates, quoted strings
     JSON  {"key": value, "section": {"key": value}}
   Not read: lists, deeper nesting, text over several lines, anchors and tags. Whether a
   line is YAML or TOML is for its separator to say, so a file may even mix them.
   Keys that no one knows are the caller's to refuse, and so is the same key twice.

   Where reading stands. In YAML and TOML begin, at and end are those of one line;
   `out` carries section and line number from one call to the next. */
typedef struct llmc__settings {
    const char *name, *text, *at, *end; /* name may be NULL; text [..end] is the file, at the next byte */
    uint32_t line;                      /* from 1                                    */
    bool yaml;                          /* the line has a colon, not an equals sign  */
    llmc_setting *out;
    llmc_diag *diag;
} llmc__settings;

/* BAD_FILE at the place where reading stands. what: whole words, with what to do about it where
   that is not plain. */
static llmc_status llmc__settings_bad(const llmc__settings *s, const char *what)
{
    (void)what;
    return LLMC__FAIL(s->diag, BAD_FILE, "DATA.settings", (uint64_t)(s->at - s->text), "%s:%u: %s",
                      s->name != NULL ? llmc__short_name(s->name) : "settings", (unsigned)s->line, what);
}

/* At a space or tab? Neither language counts other white space within a line. */
static bool llmc__settings_blank(const llmc__settings *s)
{
    return s->at < s->end && (*s->at == ' ' || *s->at == '\t');
}

/* Passes spaces and tabs. */
static void llmc__settings_space(llmc__settings *s)
{
    while (llmc__settings_blank(s))
        s->at++;
}

/* A key or section name into out [cap]: letters, digits, _ and -. Dots would be TOML's nested
   tables; taking them for part of the name would guess. */
static llmc_status llmc__settings_name(llmc__settings *s, char *out, size_t cap)
{
    const char *start = s->at;
    for (; s->at < s->end; s->at++) {
        const char c = llmc__lower(*s->at);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            break;
    }
    if (s->at == start)
        return llmc__settings_bad(s, "expected a name of letters, digits, _ and -");
    if (s->at < s->end && *s->at == '.')
        return llmc__settings_bad(s, "names with dots (nested tables) are not supported");
    /* a name cut short could be another setting's, so it is refused */
    if (!llmc__strcopy(out, cap, start, (size_t)(s->at - start)))
        return llmc__settings_bad(s, "the name is too long");
    return LLMC_OK;
}

/* The escape at `at`, a backslash, as UTF-8 in out [4], *n its bytes; at moves past it. Those
   that JSON, YAML and TOML share, \uXXXX and \UXXXXXXXX among them. NUL is refused, because
   values are C strings; so are surrogates, which these two languages do not pair. */
static llmc_status llmc__settings_escape(llmc__settings *s, char *out, size_t *n)
{
    const char letter = (char)(s->end - s->at > 1 ? s->at[1] : 0);
    const unsigned digits = letter == 'u' ? 4 : letter == 'U' ? 8 : 0; /* behind the letter */
    uint32_t c = (uint32_t)(unsigned char)llmc__json_escape(letter);   /* 0: not allowed, here and below */
    if (digits > 0 &&
        (!llmc__hex(s->at + 2, s->end, digits, &c) || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)))
        c = 0;
    if (c == 0)
        return llmc__settings_bad(s, "this escape is not supported");
    *n = llmc__utf8_write(c, out);
    s->at += 2 + digits; /* backslash, letter, digits */
    return LLMC_OK;
}

/* A string in quotes of either kind into out [cap], at on the opening one, then behind the closing
   one. Single quotes know no escapes, but in YAML two of them mean one. UTF-8 is copied byte by
   byte: the line has been checked. */
static llmc_status llmc__settings_quoted(llmc__settings *s, char *out, size_t cap)
{
    const char quote = *s->at++;
    char c[4];
    size_t used = 0, n;
    for (;;) {
        if (s->at >= s->end)
            return llmc__settings_bad(s, "the closing quote is missing");
        n = 1; /* unless it turns out to be an escape */
        c[0] = *s->at;
        if (*s->at == '\\' && quote == '"') {
            LLMC__TRY(llmc__settings_escape(s, c, &n));
        } else if (*s->at++ == quote) {
            /* a second quote right behind it is YAML's way to write one */
            if (!s->yaml || quote != '\'' || s->at >= s->end || *s->at != quote)
                break;
            s->at++;
        }
        if (n >= cap - used) /* room for the NUL stays; used < cap always */
            return llmc__settings_bad(s, "the text is too long");
        LLMC_MEMCPY(out + used, c, n);
        used += n;
    }
    out[used] = 0;
    return LLMC_OK;
}

/* p [n]: only digits, signs, points, exponents, and underscores with a digit on both sides?
   Decides whether the underscores are dropped; whether it is a number, its reader decides. */
static bool llmc__settings_number(const char *p, size_t n)
{
    size_t i, digits = 0;
    for (i = 0; i < n; i++) {
        if (p[i] >= '0' && p[i] <= '9')
            digits++;
        else if (p[i] == '_') {
            /* "12_3" is a number, "_3" and "1__2" are names */
            if (i == 0 || i + 1 == n || p[i - 1] < '0' || p[i - 1] > '9' || p[i + 1] < '0' || p[i + 1] > '9')
                return false;
        } else if (p[i] != '+' && p[i] != '-' && p[i] != '.' && p[i] != 'e' && p[i] != 'E')
            return false;
    }
    return digits > 0;
}

/* What the languages allow without quotes but a flat reader does not, or what they
   forbid, as a text for the message; NULL if the bare value p [n] is fine. YAML takes plain
   text, TOML only numbers, dates, true, false, inf and nan. */
static const char *llmc__settings_refuse(const llmc__settings *s, const char *p, size_t n)
{
    const char *const word[] = {"true", "false", "inf", "nan", "+inf", "-inf", "+nan", "-nan"};
    const char first = (char)(n > 0 ? *p : 0);
    size_t i;
    /* "- x" is a list's element, "-x" and "-1" are not */
    if (first == '[' || (first == '-' && (n == 1 || p[1] == ' ' || p[1] == '\t')))
        return "lists are not supported";
    if (first == '{')
        return "tables inside a line are not supported";
    if (s->yaml) {
        if (first == '|' || first == '>')
            return "text blocks are not supported";
        /* anchors, aliases, tags, directives and what YAML reserves */
        for (i = 0; first != 0 && "&*!%@`,]}?"[i] != 0; i++)
            if (first == "&*!%@`,]}?"[i])
                return "a value that starts with this character needs quotes";
        for (i = 0; i < n; i++)
            /* "a: b: c" would be a mapping inside a line; "http://" is text */
            if (p[i] == ':' && (i + 1 == n || p[i + 1] == ' ' || p[i + 1] == '\t'))
                return "a value with a colon in it needs quotes";
        return NULL;
    }
    if (n == 0) /* YAML: null, an empty value */
        return "expected a value";
    for (i = 0; i < sizeof word / sizeof word[0]; i++)
        if (llmc__texteq(p, n, word[i]))
            return NULL;
    if ((first < '0' || first > '9') && first != '+' && first != '-')
        return "text needs quotes";
    for (i = 0; i < n; i++) { /* numbers (0x1f, 1_0e5) and dates (1979-05-27T07:32:00Z), no words */
        const char c = llmc__lower(p[i]);
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == 'o' || c == 'x' || c == 't' ||
              c == 'z' || c == '_' || c == '+' || c == '-' || c == '.' || c == ':' || c == ' '))
            return "text needs quotes";
    }
    return NULL;
}

/* A value without quotes into out [cap]: up to a comment or the end of the line, blanks before
   either cut off. In YAML a # inside a word is part of it ("c#"), in TOML it never is.
   end[-1] is always there: at least the separator stands before `at`. */
static llmc_status llmc__settings_bare(llmc__settings *s, char *out, size_t cap)
{
    const char *p = s->at, *end = p, *refused;
    size_t used = 0;
    bool number;
    while (end < s->end && (*end != '#' || (s->yaml && end[-1] != ' ' && end[-1] != '\t')))
        end++;
    while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    refused = llmc__settings_refuse(s, p, (size_t)(end - p));
    if (refused != NULL)
        return llmc__settings_bad(s, refused);
    s->at = end;
    number = llmc__settings_number(p, (size_t)(end - p));
    for (; p < end; p++) {
        if (number && *p == '_') /* 1_000 is 1000 in TOML and YAML 1.1 */
            continue;
        if (used == cap - 1)
            return llmc__settings_bad(s, "the value is too long");
        out[used++] = *p;
    }
    out[used] = 0;
    return LLMC_OK;
}

/* Nothing but a comment may follow on the line; YAML wants a blank before it. */
static llmc_status llmc__settings_rest(llmc__settings *s)
{
    const char *after = s->at; /* behind the value: no blank yet */
    llmc__settings_space(s);
    if (s->at < s->end && (*s->at != '#' || (s->yaml && s->at == after)))
        return llmc__settings_bad(s, "expected the end of the line");
    return LLMC_OK;
}

/* "[name]"; at stands on the bracket. Holds for the settings after it. */
static llmc_status llmc__settings_section(llmc__settings *s)
{
    s->at++;
    if (s->at < s->end && *s->at == '[') /* "[[name]]" */
        return llmc__settings_bad(s, "lists of tables are not supported");
    llmc__settings_space(s);
    LLMC__TRY(llmc__settings_name(s, s->out->section, sizeof s->out->section));
    llmc__settings_space(s);
    if (s->at >= s->end || *s->at != ']')
        return llmc__settings_bad(s, "expected ']' after the section's name");
    s->at++;
    return llmc__settings_rest(s);
}

/* "key: value" or "key = value"; at stands on the key. Fills out's key and value. Indentation
   means nesting in YAML and nothing in TOML, which is known only once the separator is read. */
static llmc_status llmc__settings_pair(llmc__settings *s, bool indented)
{
    llmc_setting *out = s->out;
    if (*s->at == '-' && (s->at + 1 == s->end || s->at[1] == ' ' || s->at[1] == '\t'))
        return llmc__settings_bad(s, "lists are not supported");
    if (*s->at == '"' || *s->at == '\'')
        LLMC__TRY(llmc__settings_quoted(s, out->key, sizeof out->key));
    else
        LLMC__TRY(llmc__settings_name(s, out->key, sizeof out->key));
    llmc__settings_space(s);
    s->yaml = s->at < s->end && *s->at == ':'; /* here it is known which language the line is */
    if (!s->yaml && (s->at >= s->end || *s->at != '='))
        return llmc__settings_bad(s, "expected ':' or '=' after the name");
    if (s->yaml && indented)
        return llmc__settings_bad(s, "indented settings (nesting) are not supported");
    s->at++;
    /* "a:b" is one plain word in YAML, no setting */
    if (s->yaml && s->at < s->end && !llmc__settings_blank(s))
        return llmc__settings_bad(s, "expected a space after ':'");
    llmc__settings_space(s);
    if (s->at < s->end && (*s->at == '"' || *s->at == '\''))
        LLMC__TRY(llmc__settings_quoted(s, out->value, sizeof out->value));
    else
        LLMC__TRY(llmc__settings_bare(s, out->value, sizeof out->value));
    return llmc__settings_rest(s);
}

/* One line [at, end) without its break. *found: it held a setting; else it was empty, a comment,
   a section or the opening of a document. All of its bytes are checked first, so that
   nothing after this has to think of control characters or broken UTF-8. */
static llmc_status llmc__settings_line(llmc__settings *s, bool *found)
{
    const char *start = s->at;
    while (s->at < s->end) {
        size_t n = llmc__utf8_valid(s->at, (size_t)(s->end - s->at));
        if (n == 0 || ((unsigned char)*s->at < 0x20 && *s->at != '\t') || *s->at == 0x7f)
            return llmc__settings_bad(s, "not text (a control character or broken UTF-8)");
        s->at += n;
    }
    s->at = start;
    s->yaml = false; /* until a colon is seen */
    *found = false;
    llmc__settings_space(s);
    if (s->at == s->end || *s->at == '#')
        return LLMC_OK;
    if (s->out->key[0] == 0 && llmc__texteq(start, (size_t)(s->end - start), "---"))
        return LLMC_OK; /* a YAML document's opening; a second document is refused */
    if (*s->at == '[')
        return llmc__settings_section(s);
    *found = true;
    return llmc__settings_pair(s, s->at != start);
}

/* A key or value from the JSON string at `at` into out [cap], whole and without a NUL inside; at
   ends behind its closing quote. */
static llmc_status llmc__settings_string(llmc__settings *s, char *out, size_t cap)
{
    size_t n = llmc_json_string(llmc__json_at(s->at, s->end), out, cap);
    if (n >= cap) /* out holds as much as fits; nobody reads it */
        return llmc__settings_bad(s, "the text is too long");
    if (llmc__strlen(out) != n)
        return llmc__settings_bad(s, "the text holds a NUL character");
    s->at = llmc__json_skip_string(s->at, s->end);
    return LLMC_OK;
}

/* White space (and what else may stand between members), counting lines. `other` is ',' or ':',
   of which a checked text has just one here. */
static void llmc__settings_between(llmc__settings *s, char other)
{
    for (; s->at < s->end && (*s->at <= ' ' || *s->at == other); s->at++)
        s->line += *s->at == '\n';
}

/* A member of the object, at on its name, and, if it is no object itself, its value (*found).
   An object becomes the section of what follows, and at stands inside it. */
static llmc_status llmc__settings_member(llmc__settings *s, bool *found)
{
    llmc_setting *out = s->out;
    const char *end;
    LLMC__TRY(llmc__settings_string(s, out->key, sizeof out->key));
    llmc__settings_between(s, ':');
    *found = s->at < s->end && *s->at != '{';
    if (!*found) {
        if (out->section[0] != 0 || out->key[0] == 0)
            return llmc__settings_bad(s, "objects inside sections are not supported");
        if (!llmc__strcopy(out->section, sizeof out->section, out->key, llmc__strlen(out->key)))
            return llmc__settings_bad(s, "the section's name is too long");
        s->at++;
        return LLMC_OK;
    }
    if (*s->at == '[')
        return llmc__settings_bad(s, "lists are not supported");
    if (*s->at == '"')
        return llmc__settings_string(s, out->value, sizeof out->value);
    /* number, true, false or null, as it is spelt */
    end = llmc__json_skip(s->at, s->end);
    if (!llmc__strcopy(out->value, sizeof out->value, s->at, (size_t)(end - s->at)))
        return llmc__settings_bad(s, "the value is too long");
    s->at = end;
    return LLMC_OK;
}

/* The next scalar member from `at`, in the object or an object in it. *at becomes the byte behind
   its value, from where the next call goes on, or the end of the text. */
static llmc_status llmc__settings_json(llmc__settings *s, size_t *at)
{
    bool found = false;
    if (*at == 0)
        s->at++; /* the opening brace; later calls go on behind a value */
    while (!found) {
        llmc__settings_between(s, ',');
        if (s->at >= s->end || (*s->at != '"' && s->out->section[0] == 0))
            break;
        if (*s->at == '"') {
            LLMC__TRY(llmc__settings_member(s, &found));
            continue;
        }
        s->out->section[0] = 0; /* its closing brace: sections do not nest, so the root follows */
        s->at++;
    }
    /* at the end all is passed: a further call finds nothing left */
    *at = (size_t)((found ? s->at : s->end) - s->text);
    s->out->line = s->line;
    return found ? LLMC_OK : LLMC_DONE;
}

/* The next setting among the lines from `at`, which is the begin of one. Lines end with LF or
   CR LF, the last one perhaps with the text. *at becomes the begin of the line after it. */
static llmc_status llmc__settings_flat(llmc__settings *s, size_t *at)
{
    const char *next = s->at, *end = s->end; /* end of the file; s->end becomes the line's */
    bool found = false;
    for (; !found && next < end; s->line++) {
        s->at = next;
        for (s->end = next; s->end < end && *s->end != '\n';)
            s->end++;
        next = s->end + (s->end < end ? 1 : 0); /* behind the break, if there is one */
        if (s->end > s->at && s->end[-1] == '\r')
            s->end--;
        LLMC__TRY(llmc__settings_line(s, &found));
    }
    *at = (size_t)(next - s->text);
    s->out->line = s->line - 1; /* the loop has counted past it */
    return found ? LLMC_OK : LLMC_DONE;
}

/* llmc_settings_next -- one setting after the other                   (DATA.settings)
   text   whole file; a brace first means JSON, which is checked whole by the first call
   at     0 at first, then as left by the last call; unchanged on failure
   out    the same struct in every call: section and line go on from it
   Values of JSON keep their spelling (numbers, true, null). Linear in the text.
   Errors: BAD_FILE with line and byte. Source: YAML 1.2 and TOML 1.0, of both what
   a flat file needs; everything else is refused, never guessed. */
LLMC_API llmc_status llmc_settings_next(const llmc_blob *text, size_t *at, llmc_setting *out, llmc_diag *diag)
{
    llmc__settings s;
    llmc_json root;
    const char *first;
    if (*at >= text->size)
        return LLMC_DONE;
    s.name = text->name;
    s.text = (const char *)text->data;
    s.end = s.text + text->size;
    s.at = s.text + *at;
    s.yaml = false;
    s.out = out;
    s.diag = diag;
    if (*at > 0) { /* settings in lines end with their line's break, JSON values cannot */
        s.line = out->line + (s.at[-1] == '\n' ? 1 : 0);
        return s.at[-1] == '\n' ? llmc__settings_flat(&s, at) : llmc__settings_json(&s, at);
    }
    LLMC_MEMSET(out, 0, sizeof *out); /* the first call: whatever out held before is not ours */
    s.line = 1;
    s.at += llmc__bom(s.at, text->size);
    first = llmc__json_space(s.at, s.end);
    if (first == s.end || *first != '{')
        return llmc__settings_flat(&s, at);
    LLMC__TRY(llmc_json_parse(text, &root, diag));
    llmc__settings_between(&s, ' ');
    return llmc__settings_json(&s, at);
}

//--[ 11.6 DATA.msgpack ]-- MessagePack, one value's head after the other
/* The first byte says what a value is; numbers behind it are big-endian.
     00..7f  the number itself        c0  nil                 cc..cf  unsigned, 1 2 4 8 bytes
     80..8f  map, pairs in 4 bits     c1  never used          d0..d3  signed, 1 2 4 8 bytes
     90..9f  array, count in 4 bits   c2 c3  false, true      d4..d8  extension of 1 2 4 8 16 bytes
     a0..bf  text, bytes in 5 bits    c4..c6 binary           d9..db  text
     e0..ff  -32 .. -1                c7..c9 extension        dc dd   array
                                      ca cb  f32, f64         de df   map
   A map's pairs, an array's elements are values that follow. Source: the MessagePack specification. */
typedef enum llmc__msgpack_type {
    LLMC__MSGPACK_NONE, /* c1: no value begins so */
    LLMC__MSGPACK_NIL,
    LLMC__MSGPACK_BOOL,
    LLMC__MSGPACK_UINT, /* any number that is whole and not negative */
    LLMC__MSGPACK_INT,  /* below zero */
    LLMC__MSGPACK_FLOAT,
    LLMC__MSGPACK_TEXT,
    LLMC__MSGPACK_BIN,
    LLMC__MSGPACK_EXT,
    LLMC__MSGPACK_ARRAY,
    LLMC__MSGPACK_MAP
} llmc__msgpack_type;

/* A place in the bytes; at <= end. A copy is a place to come back to. */
typedef struct llmc__msgpack {
    const uint8_t *at, *end;
} llmc__msgpack;

typedef struct llmc__msgpack_value {
    llmc__msgpack_type type;
    uint64_t
        n; /* UINT, BOOL: the value; INT, FLOAT: its bits; TEXT, BIN, EXT: bytes; else elements or pairs */
    const uint8_t *data; /* TEXT, BIN, EXT: [n]; else NULL */
} llmc__msgpack_value;

/* What the bytes c0 .. df mean. */
typedef struct llmc__msgpack_form {
    uint8_t type, width; /* width: bytes of the number that follows, 0: it is `fixed` */
    uint8_t fixed;
} llmc__msgpack_form;

static const llmc__msgpack_form llmc__msgpack_forms[32] = {
    {LLMC__MSGPACK_NIL, 0, 0},  {LLMC__MSGPACK_NONE, 0, 0},  {LLMC__MSGPACK_BOOL, 0, 0},
    {LLMC__MSGPACK_BOOL, 0, 1}, {LLMC__MSGPACK_BIN, 1, 0},   {LLMC__MSGPACK_BIN, 2, 0},
    {LLMC__MSGPACK_BIN, 4, 0},  {LLMC__MSGPACK_EXT, 1, 0},   {LLMC__MSGPACK_EXT, 2, 0},
    {LLMC__MSGPACK_EXT, 4, 0},  {LLMC__MSGPACK_FLOAT, 4, 0}, {LLMC__MSGPACK_FLOAT, 8, 0},
    {LLMC__MSGPACK_UINT, 1, 0}, {LLMC__MSGPACK_UINT, 2, 0},  {LLMC__MSGPACK_UINT, 4, 0},
    {LLMC__MSGPACK_UINT, 8, 0}, {LLMC__MSGPACK_INT, 1, 0},   {LLMC__MSGPACK_INT, 2, 0},
    {LLMC__MSGPACK_INT, 4, 0},  {LLMC__MSGPACK_INT, 8, 0},   {LLMC__MSGPACK_EXT, 0, 1},
    {LLMC__MSGPACK_EXT, 0, 2},  {LLMC__MSGPACK_EXT, 0, 4},   {LLMC__MSGPACK_EXT, 0, 8},
    {LLMC__MSGPACK_EXT, 0, 16}, {LLMC__MSGPACK_TEXT, 1, 0},  {LLMC__MSGPACK_TEXT, 2, 0},
    {LLMC__MSGPACK_TEXT, 4, 0}, {LLMC__MSGPACK_ARRAY, 2, 0}, {LLMC__MSGPACK_ARRAY, 4, 0},
    {LLMC__MSGPACK_MAP, 2, 0},  {LLMC__MSGPACK_MAP, 4, 0}};

/* Type and number of the value at *p, which moves behind them. False if they are not all there. */
static bool llmc__msgpack_head(const uint8_t **p, const uint8_t *end, llmc__msgpack_value *v)
{
    llmc__msgpack_form form = {LLMC__MSGPACK_UINT, 0, 0};
    uint8_t first, i;
    if (*p >= end)
        return false;
    first = *(*p)++;
    form.fixed = first; /* the number itself, unless the byte says otherwise */
    if (first >= 0xe0) {
        form.type = LLMC__MSGPACK_INT;
    } else if (first >= 0xc0) {
        form = llmc__msgpack_forms[first - 0xc0];
    } else if (first >= 0x80) {
        form.type = first < 0x90   ? LLMC__MSGPACK_MAP
                    : first < 0xa0 ? LLMC__MSGPACK_ARRAY
                                   : LLMC__MSGPACK_TEXT;
        form.fixed = first & (first < 0xa0 ? 15 : 31);
    }
    if (form.width > end - *p)
        return false;
    v->type = (llmc__msgpack_type)form.type;
    v->n = form.fixed;
    for (i = 0; i < form.width; i++)
        v->n = v->n << 8 | *(*p)++;
    /* writers may store 5 as signed; only what is below zero stays INT, whatever its width */
    if (form.type == LLMC__MSGPACK_INT && form.width > 0 && (v->n >> (8 * form.width - 1)) == 0)
        v->type = LLMC__MSGPACK_UINT;
    return form.type != LLMC__MSGPACK_NONE;
}

/* llmc__msgpack_next -- the next value, of a container only its head       (DATA.msgpack)
   Lengths and counts are held against the bytes that are left (an element takes at least one), so
   a loop over them is bounded by the file. False, and nothing moves, if the bytes end or are none. */
LLMC__UNUSED static bool llmc__msgpack_next(llmc__msgpack *m, llmc__msgpack_value *v)
{
    const uint8_t *p = m->at;
    uint64_t left;
    v->data = NULL;
    if (!llmc__msgpack_head(&p, m->end, v))
        return false;
    if (v->type == LLMC__MSGPACK_EXT) { /* a byte says what kind of extension: nothing we know */
        if (p >= m->end)
            return false;
        p++;
    }
    left = (uint64_t)(m->end - p);
    if (v->type == LLMC__MSGPACK_TEXT || v->type == LLMC__MSGPACK_BIN || v->type == LLMC__MSGPACK_EXT) {
        if (v->n > left)
            return false;
        v->data = p;
        p += v->n;
    }
    if (v->type == LLMC__MSGPACK_ARRAY || v->type == LLMC__MSGPACK_MAP)
        if (v->n > (v->type == LLMC__MSGPACK_MAP ? left / 2 : left))
            return false;
    m->at = p;
    return true;
}

/* Passes one value with all that is in it, however deep: of containers only the values still to
   come are counted, and those cannot be more than the bytes. False as llmc__msgpack_next. */
LLMC__UNUSED static bool llmc__msgpack_skip(llmc__msgpack *m)
{
    llmc__msgpack at = *m;
    llmc__msgpack_value v;
    uint64_t pending = 1;
    while (pending > 0) {
        if (!llmc__msgpack_next(&at, &v))
            return false;
        pending--;
        if (v.type == LLMC__MSGPACK_ARRAY || v.type == LLMC__MSGPACK_MAP)
            pending +=
                v.type == LLMC__MSGPACK_MAP ? 2 * v.n : v.n; /* both below the bytes left: no overflow */
        if (pending > (uint64_t)(at.end - at.at))
            return false;
    }
    *m = at;
    return true;
}

/* Whether a value is this text. */
LLMC__UNUSED static bool llmc__msgpack_is(const llmc__msgpack_value *v, const char *text)
{
    return v->type == LLMC__MSGPACK_TEXT && llmc__texteq((const char *)v->data, (size_t)v->n, text);
}

//==[ 12 FILE ]==== model and tokenizer files, each format by its own bytes ==== needs: 02 03 04 07 11 ====

//--[ 12.1 FILE.reader ]-- every byte of a file is asked for before it is used
#define LLMC__MAX_VOCAB   (1u << 24) /* far above any vocabulary; keeps counts in 32 bits */
#define LLMC__MAX_STRING  65535u     /* longest token, merge or key */
#define LLMC__MAX_KEYS    (1u << 16) /* metadata pairs; files have under 100 */
#define LLMC__MAX_TENSORS (1u << 17) /* files have under 2000 */

/* A place in a file. Failures name the file, what was wanted and where. */
typedef struct llmc__reader {
    const uint8_t *data;
    uint64_t size, at; /* at <= size, always */
    const char *name;  /* of the file, for messages; never NULL */
    const char *tag;   /* of the section that reads */
    llmc_diag *diag;   /* or NULL */
} llmc__reader;

/* A reader at the begin of a file; an empty or absent one has size 0. Borrows the blob's bytes
   and name. Copying a reader keeps a place to come back to. */
static llmc__reader llmc__reader_over(const llmc_blob *file, const char *tag, llmc_diag *diag)
{
    llmc__reader r;
    r.data = (const uint8_t *)file->data;
    r.size = file->data == NULL ? 0 : file->size;
    r.at = 0;
    r.name = file->name == NULL ? "the file" : llmc__short_name(file->name);
    r.tag = tag;
    r.diag = diag;
    return r;
}

/* llmc__read -- the next n bytes of the file                        (FILE.reader)
   *out [n], readable; the reader moves past them. what names them in the message
   if the file ends first; then neither *out nor the reader changes.
   This is the only way in which other code gets at bytes of a file. Errors: BAD_FILE. */
static llmc_status llmc__read(llmc__reader *r, uint64_t n, const char *what, const uint8_t **out)
{
    if (n > r->size - r->at) /* at <= size: this form cannot overflow, at + n could */
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, r->at,
                          "%s: ends inside %s: %llu bytes wanted, %llu are left", r->name, what,
                          (unsigned long long)n, (unsigned long long)(r->size - r->at));
    *out = r->data + r->at;
    r->at += n;
    return LLMC_OK;
}

/* Little-endian numbers, unaligned. *out only if OK. Errors: BAD_FILE. */
static llmc_status llmc__read_u32(llmc__reader *r, const char *what, uint32_t *out)
{
    const uint8_t *p = NULL;
    LLMC__TRY(llmc__read(r, 4, what, &p));
    *out = llmc__u32le(p);
    return LLMC_OK;
}

static llmc_status llmc__read_u64(llmc__reader *r, const char *what, uint64_t *out)
{
    const uint8_t *p = NULL;
    LLMC__TRY(llmc__read(r, 8, what, &p));
    *out = llmc__u64le(p);
    return LLMC_OK;
}

//--[ 12.2 FILE.gguf ]-- header, metadata, tensor table; source: the GGUF specification, versions 2 and 3
/*    "GGUF" u32 version  u64 tensors  u64 keys                                        24 bytes
      keys:    string key, u32 type, value          string: u64 length, bytes
      tensors: string name, u32 n_dims, u64 dim[n_dims], u32 type, u64 offset
      padding to general.alignment, then the data that offsets count from
   A value of type array is u32 element type, u64 count, elements. Nothing of
   this is copied or indexed: the table is checked once, the places of the keys
   in LLMC__KEY_LIST are remembered, others are found by walking again.

   Types of values; the numbers are the format's. */
enum {
    LLMC__GGUF_U8, /* from 0 on */
    LLMC__GGUF_I8,
    LLMC__GGUF_U16,
    LLMC__GGUF_I16,
    LLMC__GGUF_U32,
    LLMC__GGUF_I32,
    LLMC__GGUF_F32,
    LLMC__GGUF_BOOL, /* one byte, 0 or 1 */
    LLMC__GGUF_STRING,
    LLMC__GGUF_ARRAY,
    LLMC__GGUF_U64,
    LLMC__GGUF_I64,
    LLMC__GGUF_F64,
    LLMC__GGUF_TYPES
};

/* Keys that every architecture writes alike. The architecture's own ("llama.block_count") are
   MODEL's, by a walk. */
#define LLMC__KEY_LIST(X)                               \
    X(ARCHITECTURE, "general.architecture")             \
    X(NAME, "general.name")                             \
    X(ALIGNMENT, "general.alignment")                   \
    X(SPLIT_COUNT, "split.count")                       \
    X(SPLIT_NO, "split.no")                             \
    X(SPLIT_TENSORS, "split.tensors.count")             \
    X(TOK_MODEL, "tokenizer.ggml.model")                \
    X(TOK_PRE, "tokenizer.ggml.pre")                    \
    X(TOK_TOKENS, "tokenizer.ggml.tokens")              \
    X(TOK_SCORES, "tokenizer.ggml.scores")              \
    X(TOK_TYPES, "tokenizer.ggml.token_type")           \
    X(TOK_MERGES, "tokenizer.ggml.merges")              \
    X(TOK_BOS, "tokenizer.ggml.bos_token_id")           \
    X(TOK_EOS, "tokenizer.ggml.eos_token_id")           \
    X(TOK_EOT, "tokenizer.ggml.eot_token_id")           \
    X(TOK_UNK, "tokenizer.ggml.unknown_token_id")       \
    X(TOK_PAD, "tokenizer.ggml.padding_token_id")       \
    X(TOK_ADD_BOS, "tokenizer.ggml.add_bos_token")      \
    X(TOK_ADD_EOS, "tokenizer.ggml.add_eos_token")      \
    X(TOK_ADD_SPACE, "tokenizer.ggml.add_space_prefix") \
    X(CHAT_TEMPLATE, "tokenizer.chat_template")

enum {
#define LLMC__KEY_ENUM(id, text) LLMC__KEY_##id,
    LLMC__KEY_LIST(LLMC__KEY_ENUM)
#undef LLMC__KEY_ENUM
        LLMC__KEY_COUNT
};

/* The key as written in files, for look-up and messages. key < LLMC__KEY_COUNT. */
static const char *llmc__key_text(unsigned key)
{
    static const char *const text[] = {
#define LLMC__KEY_TEXT(id, words) words,
        LLMC__KEY_LIST(LLMC__KEY_TEXT)
#undef LLMC__KEY_TEXT
    };
    return text[key];
}

/* Where a checked value lies: bytes [at, end) of the file. An array's begin after its count,
   a string's with its length. */
typedef struct llmc__gguf_value {
    uint64_t at, end; /* at 0: the key is absent */
    uint64_t count;   /* of an array, else 1 */
    uint32_t type;    /* of the elements, if an array */
    bool array;
} llmc__gguf_value;

/* One key with its value, as a walk comes by. */
typedef struct llmc__gguf_pair {
    const char *key; /* [key_len], in the file, not NUL-terminated */
    size_t key_len;  /* 1 .. LLMC__MAX_STRING */
    uint64_t at;     /* where the pair begins */
    llmc__gguf_value value;
} llmc__gguf_pair;

/* An open file. Walks copy `file` and set its `at` to keys_at or tensors_at. */
typedef struct llmc__gguf {
    llmc__reader file;
    uint64_t n_keys, n_tensors, alignment;   /* alignment: a power of two */
    uint64_t keys_at, tensors_at, data_at;   /* data_at 0: opened for its keys only */
    llmc__gguf_value known[LLMC__KEY_COUNT]; /* by LLMC__KEY_...; at 0: not in the file */
} llmc__gguf;

/* Bytes of one element; 0: of no fixed size, or no such type. */
static unsigned llmc__gguf_size(uint32_t type)
{
    static const uint8_t size[LLMC__GGUF_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return type < LLMC__GGUF_TYPES ? size[type] : 0;
}

/* A string of at most LLMC__MAX_STRING bytes, or of any length if long_ok.
   *text [*len], in the file, not NUL-terminated, any bytes at all. what names it in
   messages. Errors: BAD_FILE. */
static llmc_status llmc__gguf_string(llmc__reader *r, const char *what, bool long_ok, const char **text,
                                     size_t *len)
{
    uint64_t n = 0, at = r->at;
    const uint8_t *p = NULL;
    LLMC__TRY(llmc__read_u64(r, what, &n));
    if (n > LLMC__MAX_STRING && !long_ok)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, at, "%s: length %llu of %s is above %u", r->name,
                          (unsigned long long)n, what, LLMC__MAX_STRING);
    LLMC__TRY(llmc__read(r, n, what, &p));
    *text = (const char *)p;
    *len = (size_t)n;
    return LLMC_OK;
}

/* Walks over count elements of one type that is not array. The count is checked
   against the bytes left first, so the time is bounded by the file's size: a string takes
   at least the 8 bytes of its length. key [key_len] for messages. Errors: BAD_FILE. */
static llmc_status llmc__gguf_skip(llmc__reader *r, uint32_t type, uint64_t count, const char *key,
                                   size_t key_len)
{
    unsigned size = llmc__gguf_size(type);
    const uint8_t *p = NULL;
    const char *text;
    size_t len;
    uint64_t i;
    if (size == 0 && type != LLMC__GGUF_STRING)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, r->at, "%s: key '%.*s' has the unknown value type %u",
                          r->name, (int)key_len, key, (unsigned)type);
    /* by division: count * size could overflow */
    if (count > (r->size - r->at) / (size != 0 ? size : 8))
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, r->at,
                          "%s: key '%.*s' declares %llu values, more than the file can hold", r->name,
                          (int)key_len, key, (unsigned long long)count);
    if (size != 0)
        return llmc__read(r, count * size, "a value", &p);
    for (i = 0; i < count; i++)
        LLMC__TRY(llmc__gguf_string(r, "a string value", true, &text, &len));
    return LLMC_OK;
}

/* What stands before an array's elements; the type is not checked here. */
static llmc_status llmc__gguf_array_head(llmc__reader *r, uint32_t *type, uint64_t *count)
{
    LLMC__TRY(llmc__read_u32(r, "an array's type", type));
    return llmc__read_u64(r, "an array's count", count);
}

/* Arrays of arrays are legal and mean nothing to us: skipped, to a small depth.
   Each level has to bring 12 bytes of its own, which bounds the time. */
static llmc_status llmc__gguf_skip_nested(llmc__reader *r, uint64_t count, const char *key, size_t key_len)
{
    uint64_t left[4]; /* arrays still to come at each level; instead of recursion */
    unsigned depth = 1;
    left[0] = count;
    while (depth > 0) {
        uint32_t type;
        if (left[depth - 1] == 0) {
            depth--;
            continue;
        }
        left[depth - 1]--; /* the array that is read now */
        LLMC__TRY(llmc__gguf_array_head(r, &type, &count));
        if (type != LLMC__GGUF_ARRAY) {
            LLMC__TRY(llmc__gguf_skip(r, type, count, key, key_len));
        } else if (depth == sizeof left / sizeof left[0]) {
            return LLMC__FAIL(r->diag, UNSUPPORTED, r->tag, r->at, "%s: key '%.*s' nests arrays too deep",
                              r->name, (int)key_len, key);
        } else {
            left[depth++] = count;
        }
    }
    return LLMC_OK;
}

/* llmc__gguf_next -- check and give the next metadata pair         (FILE.gguf)
   r stands at a pair and then at the next one; out's places are offsets in the file,
   all inside it. Takes time in proportion to the bytes passed. Errors: BAD_FILE,
   UNSUPPORTED (arrays nested too deep). */
static llmc_status llmc__gguf_next(llmc__reader *r, llmc__gguf_pair *out)
{
    llmc__gguf_value *v = &out->value;
    out->at = r->at;
    LLMC__TRY(llmc__gguf_string(r, "a metadata key", false, &out->key, &out->key_len));
    if (out->key_len == 0)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, out->at, "%s: a metadata key is empty", r->name);
    LLMC__TRY(llmc__read_u32(r, "a value's type", &v->type));
    v->array = v->type == LLMC__GGUF_ARRAY;
    v->count = 1; /* for an array its head says, and then v->type is the elements' */
    if (v->array)
        LLMC__TRY(llmc__gguf_array_head(r, &v->type, &v->count));
    v->at = r->at;
    if (v->type == LLMC__GGUF_ARRAY)
        LLMC__TRY(llmc__gguf_skip_nested(r, v->count, out->key, out->key_len));
    else
        LLMC__TRY(llmc__gguf_skip(r, v->type, v->count, out->key, out->key_len));
    v->end = r->at;
    return LLMC_OK;
}

/* llmc__gguf_uint, real, flag, text -- values of keys                (FILE.gguf)
   Each gives false, and leaves *out, if the value is absent or
   not of that kind: any integer type that is not negative for uint, integers and
   floats for real. Files differ in the integer types they use for one key.
   v is of this file and was checked by llmc__gguf_next, so its bytes are there. */
static bool llmc__gguf_uint(const llmc__gguf *g, const llmc__gguf_value *v, uint64_t *out)
{
    const uint8_t *p = g->file.data + v->at;
    unsigned size = llmc__gguf_size(v->type);
    uint64_t u; /* the bytes as they are; a negative number has its type's top bit set */
    bool is_signed = v->type == LLMC__GGUF_I8 || v->type == LLMC__GGUF_I16 || v->type == LLMC__GGUF_I32 ||
                     v->type == LLMC__GGUF_I64;
    if (v->at == 0 || v->array || size == 0 || v->type == LLMC__GGUF_F32 || v->type == LLMC__GGUF_F64 ||
        v->type == LLMC__GGUF_BOOL)
        return false;
    u = size == 1 ? p[0] : size == 2 ? llmc__u16le(p) : size == 4 ? llmc__u32le(p) : llmc__u64le(p);
    if (is_signed && (u >> (size * 8 - 1)) != 0)
        return false;
    *out = u;
    return true;
}

/* May be infinite or NaN, as the file has it: ranges are for the caller to check. */
static bool llmc__gguf_real(const llmc__gguf *g, const llmc__gguf_value *v, double *out)
{
    const uint8_t *p = g->file.data + v->at;
    uint64_t u;
    if (v->at == 0 || v->array)
        return false;
    if (v->type == LLMC__GGUF_F32) {
        *out = (double)llmc__f32le(p);
        return true;
    }
    if (v->type == LLMC__GGUF_F64) {
        u = llmc__u64le(p);
        LLMC_MEMCPY(out, &u, 8);
        return true;
    }
    if (!llmc__gguf_uint(g, v, &u))
        return false;
    *out = (double)u;
    return true;
}

/* 0 or 1; another byte is no flag. */
static bool llmc__gguf_flag(const llmc__gguf *g, const llmc__gguf_value *v, bool *out)
{
    const uint8_t *p = g->file.data + v->at;
    if (v->at == 0 || v->array || v->type != LLMC__GGUF_BOOL || p[0] > 1)
        return false;
    *out = p[0] == 1;
    return true;
}

/* *text [*len] in the file, not NUL-terminated, perhaps with a NUL inside. */
static bool llmc__gguf_text(const llmc__gguf *g, const llmc__gguf_value *v, const char **text, size_t *len)
{
    if (v->at == 0 || v->array || v->type != LLMC__GGUF_STRING)
        return false;
    *text = (const char *)(g->file.data + v->at + 8); /* behind the length */
    *len = (size_t)(v->end - v->at - 8);
    return true;
}

/* Walks all metadata once and fills g->known; r ends at the tensor table. A key that we read
   must not stand there twice; which of two values is meant nobody can say.
   Errors: BAD_FILE, UNSUPPORTED (nesting). */
static llmc_status llmc__gguf_keys(llmc__gguf *g, llmc__reader *r)
{
    llmc__gguf_pair pair;
    uint64_t i;
    unsigned k;
    for (i = 0; i < g->n_keys; i++) {
        LLMC__TRY(llmc__gguf_next(r, &pair));
        for (k = 0; k < LLMC__KEY_COUNT; k++) /* some 20 short texts: no hash is worth it */
            if (llmc__texteq(pair.key, pair.key_len, llmc__key_text(k)))
                break;
        if (k == LLMC__KEY_COUNT)
            continue;
        if (g->known[k].at != 0)
            return LLMC__FAIL(r->diag, BAD_FILE, r->tag, pair.at, "%s: key '%s' stands there twice", r->name,
                              llmc__key_text(k));
        g->known[k] = pair.value;
    }
    return LLMC_OK;
}

/* Magic, version and the two counts, which are held against the file's size, so that no loop over
   them runs longer than the file is. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__gguf_head(llmc__gguf *g, llmc__reader *r)
{
    uint32_t magic, version;
    LLMC__TRY(llmc__read_u32(r, "the header", &magic));
    if (magic != 0x46554747u) /* "GGUF" */
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, 0, "%s: not a GGUF file", r->name);
    LLMC__TRY(llmc__read_u32(r, "the header", &version));
    /* 3 with its bytes the other way round is 0x03000000; no real version has empty low halves */
    if (version != 0 && (version & 0xffffu) == 0)
        return LLMC__FAIL(r->diag, UNSUPPORTED, r->tag, 4, "%s: big-endian GGUF is not supported", r->name);
    if (version != 2 && version != 3)
        return LLMC__FAIL(r->diag, UNSUPPORTED, r->tag, 4,
                          "%s: GGUF version %u is not supported, 2 and 3 are", r->name, (unsigned)version);
    LLMC__TRY(llmc__read_u64(r, "the header", &g->n_tensors));
    LLMC__TRY(llmc__read_u64(r, "the header", &g->n_keys));
    /* A pair takes at least 13 bytes (length 8, type 4, value 1), a tensor's entry
       at least 33 (length 8, name 1, dimensions 4 and 8, type 4, offset 8). */
    if (g->n_keys > (r->size - r->at) / 13)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, 16,
                          "%s: declares %llu keys, more than the file can hold", r->name,
                          (unsigned long long)g->n_keys);
    if (g->n_tensors > (r->size - r->at) / 33)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, 8,
                          "%s: declares %llu tensors, more than the file can hold", r->name,
                          (unsigned long long)g->n_tensors);
    if (g->n_keys > LLMC__MAX_KEYS || g->n_tensors > LLMC__MAX_TENSORS)
        return LLMC__FAIL(r->diag, UNSUPPORTED, r->tag, 8,
                          "%s: %llu tensors and %llu keys are above the limits %u and %u", r->name,
                          (unsigned long long)g->n_tensors, (unsigned long long)g->n_keys, LLMC__MAX_TENSORS,
                          LLMC__MAX_KEYS);
    return LLMC_OK;
}

/* Name of a GGUF tensor type that this engine may not know, so that a refusal says which, types
   that were given up included; "?" for numbers that nobody has used. Source: ggml.h, enum ggml_type. */
static const char *llmc__gguf_type_name(uint32_t type)
{
    static const char *const name[] = {
        "F32",      "F16",      "Q4_0",    "Q4_1",  "Q4_2",       "Q4_3",       "Q5_0",       "Q5_1",
        "Q8_0",     "Q8_1",     "Q2_K",    "Q3_K",  "Q4_K",       "Q5_K",       "Q6_K",       "Q8_K",
        "IQ2_XXS",  "IQ2_XS",   "IQ3_XXS", "IQ1_S", "IQ4_NL",     "IQ3_S",      "IQ2_S",      "IQ4_XS",
        "I8",       "I16",      "I32",     "I64",   "F64",        "IQ1_M",      "BF16",       "Q4_0_4_4",
        "Q4_0_4_8", "Q4_0_8_8", "TQ1_0",   "TQ2_0", "IQ4_NL_4_4", "IQ4_NL_4_8", "IQ4_NL_8_8", "MXFP4",
        "NVFP4",    "Q1_0",     "Q2_0"};
    return type < sizeof name / sizeof name[0] ? name[type] : "?";
}

/* Type and dimensions to t->bytes. Rows must be whole blocks, no dimension 0, no
   product above 2^64, and the whole not larger than the file.
   at: the entry's place, for messages. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__gguf_tensor_bytes(llmc__reader *r, uint64_t at, llmc_tensor *t, uint32_t type)
{
    uint64_t row, all = 1;
    uint32_t i;
    t->type = llmc__dtype_from_gguf(type);
    if (t->type == LLMC_DTYPE_NONE || t->type == LLMC_I8)
        return LLMC__FAIL(r->diag, UNSUPPORTED, r->tag, at,
                          "%s: tensor '%s' has type %u (%s), which is not supported", r->name, t->name,
                          (unsigned)type, llmc__gguf_type_name(type));
    for (i = 0; i < t->n_dims; i++)
        if (t->dim[i] == 0 || t->dim[i] > INT64_MAX || !llmc__mul(all, t->dim[i], &all))
            return LLMC__FAIL(r->diag, BAD_FILE, r->tag, at,
                              "%s: tensor '%s' has the impossible dimension %llu", r->name, t->name,
                              (unsigned long long)t->dim[i]);
    if (t->dim[0] % llmc_dtype_block(t->type) != 0)
        return LLMC__FAIL(
            r->diag, BAD_FILE, r->tag, at,
            "%s: tensor '%s' has rows of %llu elements, which %s does not divide into blocks of %u", r->name,
            t->name, (unsigned long long)t->dim[0], llmc_dtype_name(t->type),
            (unsigned)llmc_dtype_block(t->type));
    /* dim[0] != 0, and it divides all; where size_t is 32 bits a longer row cannot be there */
    row = t->dim[0] > SIZE_MAX ? 0 : llmc_dtype_bytes(t->type, (size_t)t->dim[0]);
    if (row == 0 || !llmc__mul(row, all / t->dim[0], &t->bytes) || t->bytes > r->size)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, at, "%s: tensor '%s' is larger than the file", r->name,
                          t->name);
    return LLMC_OK;
}

/* Checks and gives the next tensor entry; *offset counts from the data's begin,
   which is known only after the last entry, so out->data is left NULL.
     string name | u32 n_dims | u64 dim[n_dims] | u32 type | u64 offset
   Names have to fit llmc_tensor, NUL included. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__gguf_entry(llmc__reader *r, uint64_t alignment, llmc_tensor *out, uint64_t *offset)
{
    const char *name = "";
    size_t len = 0, i;
    uint32_t type = 0;
    uint64_t at = r->at;
    LLMC_MEMSET(out, 0, sizeof *out);
    LLMC__TRY(llmc__gguf_string(r, "a tensor's name", false, &name, &len));
    if (len == 0 || !llmc__strcopy(out->name, sizeof out->name, name, len))
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, at,
                          "%s: a tensor's name has %llu bytes, expected 1 to %u", r->name,
                          (unsigned long long)len, LLMC_NAME_MAX - 1u);
    if (llmc__strlen(out->name) != len)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, at, "%s: the name of tensor '%s' contains a NUL",
                          r->name, out->name);
    LLMC__TRY(llmc__read_u32(r, "a tensor's entry", &out->n_dims));
    if (out->n_dims == 0 || out->n_dims > LLMC_MAX_DIMS)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, at,
                          "%s: tensor '%s' has %u dimensions, expected 1 to %u", r->name, out->name,
                          (unsigned)out->n_dims, LLMC_MAX_DIMS);
    for (i = 0; i < LLMC_MAX_DIMS; i++) /* so that products need not ask for n_dims */
        out->dim[i] = 1;
    for (i = 0; i < out->n_dims; i++)
        LLMC__TRY(llmc__read_u64(r, "a tensor's entry", &out->dim[i]));
    LLMC__TRY(llmc__read_u32(r, "a tensor's entry", &type));
    LLMC__TRY(llmc__read_u64(r, "a tensor's entry", offset));
    if (*offset % alignment != 0)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, at,
                          "%s: tensor '%s' begins at %llu, not a multiple of %llu", r->name, out->name,
                          (unsigned long long)*offset, (unsigned long long)alignment);
    return llmc__gguf_tensor_bytes(r, at, out, type);
}

/* llmc__gguf_tensor -- check and give the next tensor               (FILE.gguf)
   r stands at an entry, the first at g->tensors_at. out's data lies inside the file;
   no byte of it is read. Tensors may share bytes: nobody writes to them.
   Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__gguf_tensor(const llmc__gguf *g, llmc__reader *r, llmc_tensor *out)
{
    uint64_t offset = 0, begin = 0, end = 0, at = r->at;
    LLMC__TRY(llmc__gguf_entry(r, g->alignment, out, &offset));
    if (!llmc__add(g->data_at, offset, &begin) || !llmc__add(begin, out->bytes, &end) || end > r->size)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, at,
                          "%s: tensor '%s' lies past the end of the file (%llu bytes at %llu of its data)",
                          r->name, out->name, (unsigned long long)out->bytes, (unsigned long long)offset);
    out->data = r->data + begin; /* as aligned as the mapping and the file's alignment make it */
    return LLMC_OK;
}

/* general.alignment, 32 if the file does not say. A power of two, because padding is by mask;
   bounded, so that rounding up cannot overflow. Errors: BAD_FILE. */
static llmc_status llmc__gguf_alignment(llmc__gguf *g, const llmc__reader *r)
{
    const llmc__gguf_value *v = &g->known[LLMC__KEY_ALIGNMENT];
    g->alignment = 32;
    if (v->at == 0)
        return LLMC_OK;
    if (!llmc__gguf_uint(g, v, &g->alignment) || g->alignment == 0 || g->alignment > (1u << 20) ||
        (g->alignment & (g->alignment - 1)) != 0)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, v->at,
                          "%s: general.alignment must be a power of two from 1 to 1048576", r->name);
    return LLMC_OK;
}

/* llmc__gguf_open -- check a GGUF file's header, metadata and (unless keys_only) tensor table
   Touches no tensor data, so a file of any size opens in the time that its table takes. g borrows
   the file's bytes; on failure it is not to be used. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__gguf_open(llmc__gguf *g, const llmc_blob *file, bool keys_only, llmc_diag *diag)
{
    llmc__reader r = llmc__reader_over(file, "FILE.gguf", diag);
    llmc_tensor t;
    uint64_t i, offset;
    LLMC_MEMSET(g, 0, sizeof *g);
    g->file = r; /* r goes on, this one stays at 0 */
    LLMC__TRY(llmc__gguf_head(g, &r));
    g->keys_at = r.at;
    LLMC__TRY(llmc__gguf_keys(g, &r));
    LLMC__TRY(llmc__gguf_alignment(g, &r));
    g->tensors_at = r.at;
    if (keys_only)
        return LLMC_OK;
    /* to find where the table ends; offsets are held against the data when tensors are asked for */
    for (i = 0; i < g->n_tensors; i++)
        LLMC__TRY(llmc__gguf_entry(&r, g->alignment, &t, &offset));
    g->data_at =
        (r.at + g->alignment - 1) & ~(g->alignment - 1); /* at <= the size of an object: no overflow */
    return LLMC_OK;
}

//--[ 12.3 FILE.llama2c ]-- seven integers, then f32 or int8 arrays in a fixed order
/*    version 0   i32 dim, hidden, layers, heads, kv_heads, vocab, context    28 bytes, then f32
      version 1   "ak42" u32 version  the seven i32  u8 tied  zeros to 256,  then f32
      version 2   the same with i32 group after tied, then f32 norms and int8 matrices
   A negative vocab in version 0 says that the output matrix is there; else it is the embedding.
   A matrix of version 2 is its int8 elements, then one f32 scale for each `group` of them. */
#define LLMC__LLAMA2C_MAGIC 0x616b3432u /* "ak42" as a little-endian number, 24 k a in the file */

typedef struct llmc__llama2c {
    llmc__reader file;
    uint32_t version, dim, hidden, layers, heads, kv_heads, vocab, context;
    uint32_t group; /* elements per scale; version 2 only */
    bool tied;      /* no output matrix: the embedding serves */
} llmc__llama2c;

/* One array of the file, or one per layer; name NULL: skipped. Sizes by letter:
   D width, Q all query heads, G all key/value heads, F feed-forward, V vocabulary. */
typedef struct llmc__llama2c_part {
    const char *name; /* GGUF's, %u for the layer */
    char cols, rows;  /* rows 0: a vector */
    bool per_layer;   /* stands there once for each layer, one after the other */
} llmc__llama2c_part;

#define LLMC__LLAMA2C_PARTS 13
static const llmc__llama2c_part llmc__llama2c_part_table[LLMC__LLAMA2C_PARTS] = {
    {"token_embd.weight", 'D', 'V', false},     {"blk.%u.attn_norm.weight", 'D', 0, true},
    {"blk.%u.attn_q.weight", 'D', 'Q', true},   {"blk.%u.attn_k.weight", 'D', 'G', true},
    {"blk.%u.attn_v.weight", 'D', 'G', true},   {"blk.%u.attn_output.weight", 'Q', 'D', true},
    {"blk.%u.ffn_norm.weight", 'D', 0, true},   {"blk.%u.ffn_gate.weight", 'D', 'F', true},
    {"blk.%u.ffn_down.weight", 'F', 'D', true}, {"blk.%u.ffn_up.weight", 'D', 'F', true},
    {"output_norm.weight", 'D', 0, false},      {NULL, 'R', 'C', false}, /* cos and sin, C x K/2 each */
    {"output.weight", 'D', 'V', false}};

/* The order in the file, as rows of the table; 255: none. */
static const uint8_t llmc__llama2c_order[2][LLMC__LLAMA2C_PARTS] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, /* version 0 */
    {1, 6, 10, 0, 2, 3, 4, 5, 7, 8, 9, 12, 255} /* versions 1 and 2: the norms first, no tables */
};

/* A letter of the table as a number; what no letter stands for is 1. f was found plausible: heads
   is not 0 and divides dim. */
static uint64_t llmc__llama2c_dim(const llmc__llama2c *f, char letter)
{
    uint64_t head = f->dim / f->heads;
    switch (letter) {
    case 'D':
    case 'Q':
        return f->dim;
    case 'G':
        return head * f->kv_heads;
    case 'F':
        return f->hidden;
    case 'V':
        return f->vocab;
    case 'C':
        return f->context;
    case 'R':
        return head / 2 * 2; /* both tables */
    default:
        return 1;
    }
}

/* Where the next array lies, and which it is. */
typedef struct llmc__llama2c_walk {
    uint64_t at;          /* in the file                             */
    uint32_t part, layer; /* index into llmc__llama2c_order's row; layer of that array */
} llmc__llama2c_walk;

/* Bytes of one array, its scales included; *scales_at from its begin. The bounds
   that llmc__llama2c_plausible sets keep all of this far below 2^64.
     [ n int8 | n / group f32 scales ]  version 2's matrices      [ n f32 ]  the rest
   A group may run from one row into the next: groups are counted over the whole array.
   Errors: BAD_FILE. */
static llmc_status llmc__llama2c_bytes(const llmc__llama2c *f, const llmc__llama2c_part *p, llmc_diag *diag,
                                       uint64_t *scales_at, uint64_t *total)
{
    uint64_t n = llmc__llama2c_dim(f, p->cols) * llmc__llama2c_dim(f, p->rows);
    if (f->version != 2 || p->rows == 0) {
        *scales_at = *total = n * 4;
        return LLMC_OK;
    }
    if (n % f->group != 0) /* the last scale would belong to fewer elements */
        return LLMC__FAIL(diag, BAD_FILE, "FILE.llama2c", LLMC_NO_OFFSET,
                          "%s: %s has %llu elements, which groups of %u do not divide", f->file.name, p->name,
                          (unsigned long long)n, (unsigned)f->group);
    *scales_at = n;
    *total = n + n / f->group * 4;
    return LLMC_OK;
}

/* The next array as a tensor under GGUF's name; w moves behind it, and over arrays that have no
   name. DONE after the last. out may be NULL to only measure, before it is known that the file
   has all of them: pointers past its end are not even formed. Errors: BAD_FILE. */
static llmc_status llmc__llama2c_next(const llmc__llama2c *f, llmc__llama2c_walk *w, llmc_tensor *out)
{
    for (; w->part < LLMC__LLAMA2C_PARTS; w->part++, w->layer = 0) {
        unsigned index = llmc__llama2c_order[f->version == 0 ? 0 : 1][w->part];
        const llmc__llama2c_part *p;
        uint64_t scales_at = 0, total = 0;
        if (index == 255) /* versions 1 and 2 have no tables */
            continue;
        p = &llmc__llama2c_part_table[index];
        /* index 12 is output.weight, which a tied model does not have */
        if (w->layer >= (p->per_layer ? f->layers : 1) || (index == 12 && f->tied))
            continue;
        LLMC__TRY(llmc__llama2c_bytes(f, p, f->file.diag, &scales_at, &total));
        if (p->name != NULL && out != NULL) {
            bool quantised = f->version == 2 && p->rows != 0;
            LLMC_MEMSET(out, 0, sizeof *out);
            llmc__format(out->name, sizeof out->name, p->name, (unsigned)w->layer);
            out->type = quantised ? LLMC_I8 : LLMC_F32;
            out->n_dims = p->rows == 0 ? 1 : 2;
            out->dim[0] = llmc__llama2c_dim(f, p->cols);
            out->dim[1] = llmc__llama2c_dim(f, p->rows);
            out->dim[2] = out->dim[3] = 1;
            out->bytes = scales_at;           /* the elements without their scales */
            out->data = f->file.data + w->at; /* in the file: its size was checked by then */
            out->scales = quantised ? out->data + scales_at : NULL;
            out->group = quantised ? f->group : 0;
        }
        w->at += total; /* cannot overflow: see llmc__llama2c_plausible */
        w->layer++;
        if (p->name != NULL)
            return LLMC_OK;
    }
    return LLMC_DONE;
}

/* Whether seven integers can be the header of a model. Text never is: four letters
   make a number above every limit here. The limits also keep the largest array,
   2^20 x 2^24 values in 4096 layers, below 2^58 bytes. */
static bool llmc__llama2c_plausible(const llmc__llama2c *f)
{
    const uint32_t wide = 1u << 20;
    return f->dim > 0 && f->dim <= wide && f->hidden > 0 && f->hidden <= wide && f->layers > 0 &&
           f->layers <= 4096 && f->heads > 0 && f->heads <= f->dim && f->dim % f->heads == 0 &&
           f->kv_heads > 0 && f->kv_heads <= f->heads && f->heads % f->kv_heads == 0 && f->vocab > 0 &&
           f->vocab <= LLMC__MAX_VOCAB && f->context > 0 && f->context <= (1u << 24);
}

/* p [28]. A negative vocabulary size is version 0's way to say that the head is its own. Nothing
   is checked: negative numbers become large ones, which llmc__llama2c_plausible refuses. */
static void llmc__llama2c_ints(llmc__llama2c *f, const uint8_t *p)
{
    uint32_t vocab = llmc__u32le(p + 20);
    f->dim = llmc__u32le(p);
    f->hidden = llmc__u32le(p + 4);
    f->layers = llmc__u32le(p + 8);
    f->heads = llmc__u32le(p + 12);
    f->kv_heads = llmc__u32le(p + 16);
    f->context = llmc__u32le(p + 24);
    f->tied = (vocab >> 31) == 0;
    f->vocab = f->tied ? vocab : 0u - vocab; /* the i32's absolute value */
}

/* The header of versions 1 and 2; r ends behind it.
     0 "ak42"   4 version   8 seven integers   36 u8 tied   37 i32 group (version 2)   zeros to 256
   37 is not aligned; llmc__u32le does not mind. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__llama2c_head1(llmc__llama2c *f, llmc__reader *r)
{
    const uint8_t *p = NULL;
    LLMC__TRY(llmc__read(r, 256, "the header", &p));
    f->version = llmc__u32le(p + 4);
    if (f->version != 1 && f->version != 2)
        return LLMC__FAIL(r->diag, UNSUPPORTED, r->tag, 4, "%s: llama2.c version %u is not supported",
                          r->name, (unsigned)f->version);
    llmc__llama2c_ints(f, p + 8);
    /* tied still says that vocab is not negative: these versions have a flag of their own */
    if (!f->tied || p[36] > 1)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, 28,
                          "%s: the vocabulary size is negative or the shared flag not 0 or 1", r->name);
    f->tied = p[36] == 1;
    if (f->version == 2)
        f->group = llmc__u32le(p + 37);
    if (f->version == 2 && (f->group == 0 || f->group > (1u << 24)))
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, 37, "%s: the group size %u is not possible", r->name,
                          (unsigned)f->group);
    return LLMC_OK;
}

/* llmc__llama2c_open -- check a llama2.c model file, versions 0, 1 and 2
   There is no table in it, so the size must be exactly what the header implies.
   *n_tensors: how many llmc__llama2c_next will give, from *walk on. f borrows the bytes.
   Errors: BAD_FILE, UNSUPPORTED. Source: llama2.c's export formats. */
static llmc_status llmc__llama2c_open(llmc__llama2c *f, const llmc_blob *file, llmc__llama2c_walk *walk,
                                      uint32_t *n_tensors, llmc_diag *diag)
{
    llmc__reader r = llmc__reader_over(file, "FILE.llama2c", diag);
    llmc__llama2c_walk w;
    llmc_status status;
    const uint8_t *p = NULL;
    LLMC_MEMSET(f, 0, sizeof *f);
    f->file = r;
    if (r.size >= 4 && llmc__u32le(r.data) == LLMC__LLAMA2C_MAGIC) {
        LLMC__TRY(llmc__llama2c_head1(f, &r));
    } else {
        LLMC__TRY(llmc__read(&r, 28, "the header", &p));
        llmc__llama2c_ints(f, p);
    }
    if (!llmc__llama2c_plausible(f))
        return LLMC__FAIL(diag, BAD_FILE, r.tag, 0, "%s: the header's sizes are not possible together",
                          r.name);
    walk->at = r.at; /* the arrays begin right behind the header */
    walk->part = walk->layer = 0;
    w = *walk;
    /* at most 4096 layers of nine arrays */
    for (*n_tensors = 0; (status = llmc__llama2c_next(f, &w, NULL)) == LLMC_OK; ++*n_tensors) {}
    if (status != LLMC_DONE)
        return status;
    if (w.at != r.size)
        return LLMC__FAIL(diag, BAD_FILE, r.tag, llmc__min(w.at, r.size),
                          "%s: has %llu bytes, its header implies %llu", r.name, (unsigned long long)r.size,
                          (unsigned long long)w.at);
    return LLMC_OK;
}

//--[ 12.4 FILE.tensor ]-- what the readers below have in common: dimensions, places, JSON headers
/* The formats differ in where they write things down, not in what: each reader's open walks its
   table once with its own next, so that what fails, fails there; its next then gives the tensors one
   by one, from the file, without memory and without touching their data.

   Longest JSON header: the limit that safetensors itself sets. */
#define LLMC__MAX_HEADER 100000000u

/* Every dimension 1, so that products need not ask for n_dims; no name, no data. */
static void llmc__tensor_clear(llmc_tensor *t)
{
    uint32_t i;
    LLMC_MEMSET(t, 0, sizeof *t);
    for (i = 0; i < LLMC_MAX_DIMS; i++)
        t->dim[i] = 1;
}

/* The next entry of a shape, which names the outermost dimension first: dim[0] ends up as the last
   entry, a row's length. Dimensions beyond four join the outermost. False, and nothing changes, if d
   is 0 or all of them are too many elements. */
static bool llmc__tensor_dim(llmc_tensor *t, uint64_t d)
{
    uint64_t n = t->dim[0] * t->dim[1] * t->dim[2] * t->dim[3]; /* checked as they came */
    const uint64_t outer = t->dim[3] * t->dim[2];
    uint32_t i;
    if (d == 0 || d > INT64_MAX || !llmc__mul(n, d, &n))
        return false;
    for (i = LLMC_MAX_DIMS - 1; i > 0; i--)
        t->dim[i] = t->dim[i - 1];
    t->dim[0] = d;
    if (t->n_dims == LLMC_MAX_DIMS)
        t->dim[3] = outer;
    else
        t->n_dims++;
    return true;
}

/* How many elements; all the dimensions came through llmc__tensor_dim. A shape of no entries is a
   number by itself: one row of one. */
static uint64_t llmc__tensor_count(llmc_tensor *t)
{
    if (t->n_dims == 0)
        t->n_dims = 1;
    return t->dim[0] * t->dim[1] * t->dim[2] * t->dim[3];
}

/* A tensor's name [len] from a file: 1 to LLMC_NAME_MAX - 1 bytes, no NUL. at: where it stands.
   Errors: BAD_FILE. */
static llmc_status llmc__tensor_name(const llmc__reader *r, uint64_t at, llmc_tensor *t, const char *name,
                                     size_t len)
{
    if (len == 0 || !llmc__strcopy(t->name, sizeof t->name, name, len))
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, at,
                          "%s: a tensor's name has %llu bytes, expected 1 to %u ('%.*s')", r->name,
                          (unsigned long long)len, LLMC_NAME_MAX - 1u, (int)llmc__min(len, 64), name);
    if (llmc__strlen(t->name) != len)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, at, "%s: the name of tensor '%s' contains a NUL",
                          r->name, t->name);
    return LLMC_OK;
}

/* bytes [*out, *out + n) of the data that begins at base, `offset` bytes into it; checked against
   the file. at: where the entry stands. Errors: BAD_FILE. */
static llmc_status llmc__tensor_place(const llmc__reader *r, uint64_t at, const llmc_tensor *t, uint64_t base,
                                      uint64_t offset, uint64_t n, const uint8_t **out)
{
    uint64_t begin, end;
    if (!llmc__add(base, offset, &begin) || !llmc__add(begin, n, &end) || end > r->size)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, at,
                          "%s: tensor '%s' lies past the end of the file (%llu bytes at %llu of its data)",
                          r->name, t->name, (unsigned long long)n, (unsigned long long)offset);
    *out = r->data + begin;
    return LLMC_OK;
}

/* Type and count to t->bytes, for types whose elements lie one by one. at as above. Errors: BAD_FILE. */
static llmc_status llmc__tensor_bytes(const llmc__reader *r, uint64_t at, llmc_tensor *t)
{
    uint64_t n = llmc__tensor_count(t);
    if (!llmc__mul(n, llmc__dtype(t->type)->bytes, &t->bytes) || t->bytes > r->size)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, at, "%s: tensor '%s' is larger than the file", r->name,
                          t->name);
    return LLMC_OK;
}

/* The scales of an int8 tensor in torchless's files: one f32 for each 64 elements of the whole array,
   the last group perhaps shorter, `offset` bytes into the data. given: how many the file says, or, if
   by_bytes may be, their bytes. Errors: BAD_FILE. */
static llmc_status llmc__tensor_scales(const llmc__reader *r, uint64_t at, llmc_tensor *t, uint64_t base,
                                       uint64_t offset, uint64_t given, bool by_bytes)
{
    uint64_t n = t->bytes / 64 + (t->bytes % 64 != 0 ? 1 : 0); /* an element is a byte */
    if (given != n && !(by_bytes && given == 4 * n))
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, at,
                          "%s: tensor '%s' has %llu scales, its groups of 64 need %llu", r->name, t->name,
                          (unsigned long long)given, (unsigned long long)n);
    t->group = 64;
    return llmc__tensor_place(r, at, t, base, offset, 4 * n, &t->scales);
}

/* More tensors than any model has are refused, so that counts and their products stay small. */
static llmc_status llmc__tensor_tally(const llmc__reader *r, uint32_t *n)
{
    if (++*n > LLMC__MAX_TENSORS)
        return LLMC__FAIL(r->diag, UNSUPPORTED, r->tag, LLMC_NO_OFFSET, "%s: more than %u tensors", r->name,
                          LLMC__MAX_TENSORS);
    return LLMC_OK;
}

/* Where a JSON value of the file's header stands in the file; an absent one stands nowhere. */
static uint64_t llmc__json_place(const llmc__reader *r, llmc_json v)
{
    return v.text == NULL ? LLMC_NO_OFFSET : (uint64_t)((const uint8_t *)v.text - r->data);
}

/* Members of an object by name, n of them in one walk; type NONE where there is none, the last of
   several. */
static void llmc__json_members(llmc_json object, const char *const *name, unsigned n, llmc_json *out)
{
    llmc_json_iter it = {NULL, false};
    llmc_json key, value;
    unsigned i;
    LLMC_MEMSET(out, 0, n * sizeof *out);
    while (llmc_json_next(object, &it, &key, &value))
        for (i = 0; i < n; i++)
            if (llmc_json_equal(key, name[i]))
                out[i] = value;
}

/* u64 length and so many bytes of JSON, an object, checked whole; NULs may fill it up behind. The
   reader ends behind it, where the data begins. Errors: BAD_FILE. */
static llmc_status llmc__json_header(llmc__reader *r, llmc_json *out)
{
    uint64_t n = 0, at;
    const uint8_t *p = NULL;
    llmc_blob text;
    llmc_status status;
    LLMC__TRY(llmc__read_u64(r, "the header", &n));
    at = r->at;
    if (n > LLMC__MAX_HEADER)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, 0, "%s: a header of %llu bytes, expected up to %u",
                          r->name, (unsigned long long)n, LLMC__MAX_HEADER);
    LLMC__TRY(llmc__read(r, n, "the header", &p));
    while (n > 0 && p[n - 1] == 0)
        n--;
    text.data = p;
    text.size = (size_t)n;
    text.name = r->name;
    status = llmc_json_parse(&text, out, r->diag);
    if (status != LLMC_OK) {
        if (r->diag != NULL) /* which counted from the text's begin */
            r->diag->offset += at;
        return status;
    }
    if (out->type != LLMC_JSON_OBJECT)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, at, "%s: the header is no JSON object", r->name);
    return LLMC_OK;
}

/* The name of a header's member. Errors: BAD_FILE. */
static llmc_status llmc__json_name(const llmc__reader *r, llmc_json key, llmc_tensor *t)
{
    char name[LLMC_NAME_MAX + 4]; /* one character more than fits a tensor: too long is seen, and shown */
    size_t len = llmc_json_string(key, name, sizeof name);
    if (len >= sizeof name)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, llmc__json_place(r, key),
                          "%s: a tensor's name has %llu bytes, expected 1 to %u ('%.*s')", r->name,
                          (unsigned long long)len, LLMC_NAME_MAX - 1u, 64, name);
    return llmc__tensor_name(r, llmc__json_place(r, key), t, name, len);
}

/* A member that has to be a whole number >= 0. Errors: BAD_FILE. */
static llmc_status llmc__json_natural(const llmc__reader *r, const llmc_tensor *t, const char *what,
                                      llmc_json v, uint64_t *out)
{
    int64_t n = llmc_json_integer(v, -1);
    if (n < 0)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, llmc__json_place(r, v),
                          "%s: %s of tensor '%s' must be a whole number", r->name, what, t->name);
    *out = (uint64_t)n;
    return LLMC_OK;
}

/* A shape, outermost dimension first. v comes from t's entry. Errors: BAD_FILE. */
static llmc_status llmc__json_shape(const llmc__reader *r, llmc_json v, llmc_tensor *t)
{
    llmc_json_iter it = {NULL, false};
    llmc_json d;
    uint32_t i;
    uint64_t n = 0;
    if (v.type != LLMC_JSON_ARRAY)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, llmc__json_place(r, v),
                          "%s: the shape of tensor '%s' must be a list", r->name, t->name);
    for (i = t->n_dims = 0; i < LLMC_MAX_DIMS; i++) /* of a shape given twice the last counts */
        t->dim[i] = 1;
    while (llmc_json_next(v, &it, NULL, &d)) {
        LLMC__TRY(llmc__json_natural(r, t, "a dimension", d, &n));
        if (!llmc__tensor_dim(t, n))
            return LLMC__FAIL(r->diag, BAD_FILE, r->tag, llmc__json_place(r, d),
                              "%s: tensor '%s' has the impossible dimension %llu", r->name, t->name,
                              (unsigned long long)n);
    }
    return LLMC_OK;
}

//--[ 12.5 FILE.safetensors ]-- a JSON object of tensors, then their data; source: the safetensors format
/*    u64 n | n bytes of JSON, spaces behind | data
      {"__metadata__": {"key": "text"},
       "name": {"dtype": "BF16", "shape": [out, in], "data_offsets": [begin, end]}, ...}
   Offsets count from the data's begin. Nothing is indexed: a walk reads the JSON again. */
typedef struct llmc__safetensors {
    llmc__reader file;
    llmc_json header;   /* the whole object */
    llmc_json metadata; /* "__metadata__", an object; type NONE: there is none */
    uint64_t data_at;
    uint32_t n_tensors;
} llmc__safetensors;

/* All zero before the first tensor. */
typedef struct llmc__safetensors_walk {
    llmc_json_iter it;
    char dtype[16]; /* type of the tensor given last, as the file names it, cut to fit */
} llmc__safetensors_walk;

/* data_offsets: [begin, end) of the data, to t->data and t->bytes. Errors: BAD_FILE. */
static llmc_status llmc__safetensors_place(const llmc__safetensors *s, llmc_json v, llmc_tensor *t)
{
    const llmc__reader *r = &s->file;
    llmc_json_iter it = {NULL, false};
    llmc_json value;
    uint64_t bound[2] = {0, 0};
    unsigned n = 0;
    while (n < 3 && llmc_json_next(v, &it, NULL, &value))
        if (n++ < 2)
            LLMC__TRY(llmc__json_natural(r, t, "an offset", value, &bound[n - 1]));
    if (v.type != LLMC_JSON_ARRAY || n != 2 || bound[1] < bound[0])
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, llmc__json_place(r, v),
                          "%s: data_offsets of tensor '%s' must be [begin, end]", r->name, t->name);
    t->bytes = bound[1] - bound[0];
    return llmc__tensor_place(r, llmc__json_place(r, v), t, s->data_at, bound[0], t->bytes, &t->data);
}

/* A tensor's entry, its name read. Types that we do not read become NONE with their bytes: files
   carry buffers that no model needs, and who needs one says so. Errors: BAD_FILE. */
static llmc_status llmc__safetensors_entry(const llmc__safetensors *s, llmc_json entry, llmc_tensor *t,
                                           char *dtype, size_t cap)
{
    static const char *const member[3] = {"dtype", "shape", "data_offsets"};
    const llmc__reader *r = &s->file;
    const uint64_t at = llmc__json_place(r, entry);
    llmc_json v[3];
    uint64_t stored;
    llmc__json_members(entry, member, 3, v);
    if (v[0].type != LLMC_JSON_STRING || v[1].type == LLMC_JSON_NONE || v[2].type == LLMC_JSON_NONE)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, at,
                          "%s: '%s' must be an object with dtype, shape and data_offsets", r->name, t->name);
    llmc_json_string(v[0], dtype, cap);
    t->type = llmc_json_equal(v[0], "F32")    ? LLMC_F32
              : llmc_json_equal(v[0], "F16")  ? LLMC_F16
              : llmc_json_equal(v[0], "BF16") ? LLMC_BF16
                                              : LLMC_DTYPE_NONE;
    LLMC__TRY(llmc__json_shape(r, v[1], t));
    LLMC__TRY(llmc__safetensors_place(s, v[2], t));
    stored = t->bytes;
    if (llmc_json_equal(v[0], "U8")) /* MODEL reads MXFP4 in them */
        t->bytes = llmc__tensor_count(t);
    else if (t->type == LLMC_DTYPE_NONE)
        (void)llmc__tensor_count(t); /* a shape without entries is one row of one here too */
    else
        LLMC__TRY(llmc__tensor_bytes(r, at, t));
    if (t->bytes != stored)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, at,
                          "%s: tensor '%s' has %llu bytes, its shape needs %llu", r->name, t->name,
                          (unsigned long long)stored, (unsigned long long)t->bytes);
    return LLMC_OK;
}

/* llmc__safetensors_next -- the next tensor, w all zero at first            (FILE.safetensors)
   out's data lies inside the file; type NONE: one that we do not read, w->dtype names it, and of U8 the
   bytes are as many as the shape says. DONE after the last; cannot fail once the file was opened. */
static llmc_status llmc__safetensors_next(const llmc__safetensors *s, llmc__safetensors_walk *w,
                                          llmc_tensor *out)
{
    llmc_json key, value;
    do {
        if (!llmc_json_next(s->header, &w->it, &key, &value))
            return LLMC_DONE;
    } while (llmc_json_equal(key, "__metadata__"));
    llmc__tensor_clear(out);
    LLMC__TRY(llmc__json_name(&s->file, key, out));
    return llmc__safetensors_entry(s, value, out, w->dtype, sizeof w->dtype);
}

/* llmc__safetensors_open -- check a safetensors file, every entry of its header
   Linear in the header; no byte of the data is read. s borrows the file. Errors: BAD_FILE,
   UNSUPPORTED (too many tensors). */
static llmc_status llmc__safetensors_open(llmc__safetensors *s, const llmc_blob *file, llmc_diag *diag)
{
    static const char *const member[1] = {"__metadata__"};
    llmc__reader r = llmc__reader_over(file, "FILE.safetensors", diag);
    llmc__safetensors_walk w;
    llmc_tensor t;
    llmc_status status;
    LLMC_MEMSET(s, 0, sizeof *s);
    LLMC_MEMSET(&w, 0, sizeof w);
    s->file = r;
    LLMC__TRY(llmc__json_header(&r, &s->header));
    s->data_at = r.at;
    llmc__json_members(s->header, member, 1, &s->metadata);
    while ((status = llmc__safetensors_next(s, &w, &t)) == LLMC_OK)
        LLMC__TRY(llmc__tensor_tally(&r, &s->n_tensors));
    return status == LLMC_DONE ? LLMC_OK : status;
}

//--[ 12.6 FILE.torchless ]-- a JSON header with metadata, tokenizer and tensors, then f32 or int8 data
/*    u64 n | n bytes of JSON, NULs behind so that 8 + n is a multiple of 64 (older files: none) | data
      {"metadata": {"hidden_size": "4096", ...}, "tokenizer": {"vocab": {...}, "merges": [...]},
       "tensors": {"name": {"dtype": "int8", "shape": [out, in], "offset": 0,
                            "scale_offset": 64, "scale_size": 1}}}
   Offsets count from the data's begin, members come in any order. */
typedef struct llmc__torchless {
    llmc__reader file;
    llmc_json metadata, tokenizer, tensors; /* objects; the tokenizer may be absent: type NONE */
    uint64_t data_at;
    uint32_t n_tensors;
} llmc__torchless;

/* All zero before the first tensor. */
typedef struct llmc__torchless_walk {
    llmc_json_iter it;
} llmc__torchless_walk;

/* Where an int8 tensor's scales lie; v: its scale_offset and scale_size, which is a count, in older
   files bytes. Errors: BAD_FILE. */
static llmc_status llmc__torchless_scales(const llmc__torchless *f, const llmc_json *v, uint64_t at,
                                          llmc_tensor *t)
{
    uint64_t offset = 0, given = 0;
    LLMC__TRY(llmc__json_natural(&f->file, t, "scale_offset", v[0], &offset));
    LLMC__TRY(llmc__json_natural(&f->file, t, "scale_size", v[1], &given));
    return llmc__tensor_scales(&f->file, at, t, f->data_at, offset, given, true);
}

/* llmc__torchless_next -- the next tensor, w all zero at first               (FILE.torchless)
   F32, or I8R with groups of 64. DONE after the last; cannot fail once the file was opened, which
   calls this for each tensor. Errors then: BAD_FILE, UNSUPPORTED (dtype). */
static llmc_status llmc__torchless_next(const llmc__torchless *f, llmc__torchless_walk *w, llmc_tensor *out)
{
    static const char *const member[5] = {"dtype", "shape", "offset", "scale_offset", "scale_size"};
    const llmc__reader *r = &f->file;
    llmc_json key, entry, v[5];
    uint64_t offset = 0, at;
    if (!llmc_json_next(f->tensors, &w->it, &key, &entry))
        return LLMC_DONE;
    at = llmc__json_place(r, entry);
    llmc__tensor_clear(out);
    LLMC__TRY(llmc__json_name(r, key, out));
    llmc__json_members(entry, member, 5, v);
    out->type = llmc_json_equal(v[0], "f32")    ? LLMC_F32
                : llmc_json_equal(v[0], "int8") ? LLMC_I8R
                                                : LLMC_DTYPE_NONE;
    if (out->type == LLMC_DTYPE_NONE) {
        char dtype[16];
        llmc_json_string(v[0], dtype, sizeof dtype);
        return LLMC__FAIL(r->diag, UNSUPPORTED, r->tag, at,
                          "%s: tensor '%s' has the dtype '%s', expected f32 or int8", r->name, out->name,
                          dtype);
    }
    LLMC__TRY(llmc__json_shape(r, v[1], out));
    LLMC__TRY(llmc__json_natural(r, out, "offset", v[2], &offset));
    LLMC__TRY(llmc__tensor_bytes(r, at, out));
    LLMC__TRY(llmc__tensor_place(r, at, out, f->data_at, offset, out->bytes, &out->data));
    return out->type == LLMC_I8R ? llmc__torchless_scales(f, v + 3, at, out) : LLMC_OK;
}

/* llmc__torchless_open -- check a torchless .bin, every entry of its header
   Linear in the header; no byte of the data is read. f borrows the file. What metadata and tokenizer
   hold is not looked at, they are objects. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__torchless_open(llmc__torchless *f, const llmc_blob *file, llmc_diag *diag)
{
    static const char *const member[3] = {"metadata", "tokenizer", "tensors"};
    llmc__reader r = llmc__reader_over(file, "FILE.torchless", diag);
    llmc__torchless_walk w;
    llmc_json header, v[3];
    llmc_tensor t;
    llmc_status status;
    LLMC_MEMSET(f, 0, sizeof *f);
    LLMC_MEMSET(&w, 0, sizeof w);
    f->file = r;
    LLMC__TRY(llmc__json_header(&r, &header));
    f->data_at = r.at; /* NULs or none: the length counts them */
    llmc__json_members(header, member, 3, v);
    f->metadata = v[0];
    f->tokenizer = v[1];
    f->tensors = v[2];
    if (v[0].type != LLMC_JSON_OBJECT || v[2].type != LLMC_JSON_OBJECT ||
        (v[1].type != LLMC_JSON_OBJECT && v[1].type != LLMC_JSON_NONE))
        return LLMC__FAIL(diag, BAD_FILE, r.tag, 8,
                          "%s: the header must hold the objects metadata, tokenizer and tensors", r.name);
    while ((status = llmc__torchless_next(f, &w, &t)) == LLMC_OK)
        LLMC__TRY(llmc__tensor_tally(&r, &f->n_tensors));
    return status == LLMC_DONE ? LLMC_OK : status;
}

//--[ 12.7 FILE.mog ]-- torchless's binary header
/*    "MOG" 0 | u32 version | u64 n | n bytes: the header | zeros to a multiple of 64 | data
      header:   string architecture
                u32 count, each  string key, u8 type, value    type 0 string, 1 u32, 2 f32
                u32 count, each  string token, u32 id
                u32 count, each  string merge, "a b"
                string pre-tokenizer pattern                    version 2 only
                u32 count, each  string name, u8 dtype, u8 dimensions, u32 dim[4], u64 offset,
                                 u64 scales' offset, u32 scales  dtype 0 f32, 1 int8, 2 f16
      string:   u32 length, bytes
   Version 1 is Mistral's, 2 Qwen 3's. */
typedef struct llmc__mog {
    llmc__reader file;
    uint32_t version;
    const char *architecture, *pattern; /* in the file, not NUL-terminated; pattern is "" in version 1 */
    size_t architecture_len, pattern_len;
    uint32_t n_keys, n_tokens, n_merges, n_tensors;
    uint64_t keys_at, tokens_at, merges_at, tensors_at; /* of the first entry: walks begin there */
    uint64_t data_at;
} llmc__mog;

typedef enum llmc__mog_type { LLMC__MOG_STRING, LLMC__MOG_U32, LLMC__MOG_F32 } llmc__mog_type;

/* One key with its value. */
typedef struct llmc__mog_pair {
    const char *key, *text; /* in the file, not NUL-terminated */
    size_t key_len, text_len;
    llmc__mog_type type;
    uint32_t u32; /* F32: its bits */
} llmc__mog_pair;

/* All zero before the first tensor. */
typedef struct llmc__mog_walk {
    uint64_t at;
    uint32_t n; /* tensors given */
} llmc__mog_walk;

/* A string of at most LLMC__MAX_STRING bytes; merges are read so, one after the other.
   *text [*len], in the file, any bytes. Errors: BAD_FILE. */
static llmc_status llmc__mog_string(llmc__reader *r, const char *what, const char **text, size_t *len)
{
    const uint64_t at = r->at;
    const uint8_t *p = NULL;
    uint32_t n = 0;
    LLMC__TRY(llmc__read_u32(r, what, &n));
    if (n > LLMC__MAX_STRING)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, at, "%s: length %u of %s is above %u", r->name,
                          (unsigned)n, what, LLMC__MAX_STRING);
    LLMC__TRY(llmc__read(r, n, what, &p));
    *text = (const char *)p;
    *len = n;
    return LLMC_OK;
}

/* The next key with its value; r is a copy of f->file, at keys_at for the first. Errors: BAD_FILE. */
static llmc_status llmc__mog_key(llmc__reader *r, llmc__mog_pair *out)
{
    const uint8_t *p = NULL;
    LLMC_MEMSET(out, 0, sizeof *out);
    LLMC__TRY(llmc__mog_string(r, "a key", &out->key, &out->key_len));
    LLMC__TRY(llmc__read(r, 1, "a value's type", &p));
    if (p[0] > LLMC__MOG_F32)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, r->at - 1,
                          "%s: key '%.*s' has the unknown value type %u", r->name,
                          (int)llmc__min(out->key_len, 64), out->key, (unsigned)p[0]);
    out->type = (llmc__mog_type)p[0];
    if (out->type == LLMC__MOG_STRING)
        return llmc__mog_string(r, "a string value", &out->text, &out->text_len);
    return llmc__read_u32(r, "a value", &out->u32);
}

/* The next token with its id, which is not checked; r as above, at tokens_at. Errors: BAD_FILE. */
static llmc_status llmc__mog_token(llmc__reader *r, const char **text, size_t *len, uint32_t *id)
{
    LLMC__TRY(llmc__mog_string(r, "a token", text, len));
    return llmc__read_u32(r, "a token's id", id);
}

/* Type, dimensions and place of a tensor whose name is read; p [38] as drawn above.
   Errors: BAD_FILE, UNSUPPORTED (dtype). */
static llmc_status llmc__mog_entry(const llmc__mog *f, uint64_t at, const uint8_t *p, llmc_tensor *t)
{
    static const uint8_t type[3] = {LLMC_F32, LLMC_I8R, LLMC_F16};
    const llmc__reader *r = &f->file;
    unsigned i;
    if (p[0] > 2)
        return LLMC__FAIL(r->diag, UNSUPPORTED, r->tag, at,
                          "%s: tensor '%s' has the dtype %u, expected 0 (f32), 1 (int8) or 2 (f16)", r->name,
                          t->name, (unsigned)p[0]);
    t->type = (llmc_dtype)type[p[0]];
    if (p[1] > LLMC_MAX_DIMS)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, at,
                          "%s: tensor '%s' has %u dimensions, expected up to %u", r->name, t->name,
                          (unsigned)p[1], LLMC_MAX_DIMS);
    for (i = 0; i < p[1]; i++)
        if (!llmc__tensor_dim(t, llmc__u32le(p + 2 + 4 * i)))
            return LLMC__FAIL(r->diag, BAD_FILE, r->tag, at,
                              "%s: tensor '%s' has the impossible dimension %u", r->name, t->name,
                              (unsigned)llmc__u32le(p + 2 + 4 * i));
    LLMC__TRY(llmc__tensor_bytes(r, at, t));
    LLMC__TRY(llmc__tensor_place(r, at, t, f->data_at, llmc__u64le(p + 18), t->bytes, &t->data));
    if (t->type != LLMC_I8R)
        return LLMC_OK;
    return llmc__tensor_scales(r, at, t, f->data_at, llmc__u64le(p + 26), llmc__u32le(p + 34), false);
}

/* llmc__mog_next -- the next tensor, w all zero at first                          (FILE.mog)
   F32, F16, or I8R with groups of 64. DONE after the last; cannot fail once the file was opened,
   which calls this for each tensor. Errors then: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__mog_next(const llmc__mog *f, llmc__mog_walk *w, llmc_tensor *out)
{
    llmc__reader r = f->file;
    const char *name = "";
    const uint8_t *p = NULL;
    size_t len = 0;
    uint64_t at;
    if (w->n == f->n_tensors)
        return LLMC_DONE;
    at = r.at = w->n == 0 ? f->tensors_at : w->at;
    llmc__tensor_clear(out);
    LLMC__TRY(llmc__mog_string(&r, "a tensor's name", &name, &len));
    LLMC__TRY(llmc__tensor_name(&r, at, out, name, len));
    LLMC__TRY(llmc__read(&r, 38, "a tensor's entry", &p));
    w->at = r.at;
    w->n++;
    return llmc__mog_entry(f, at, p, out);
}

/* Magic, version and the header's length; r ends up limited to the header. Errors: BAD_FILE,
   UNSUPPORTED (version). */
static llmc_status llmc__mog_head(llmc__mog *f, llmc__reader *r)
{
    const uint8_t *p = NULL;
    uint64_t n;
    LLMC__TRY(llmc__read(r, 16, "the header", &p));
    if (LLMC_MEMCMP(p, "MOG\0", 4) != 0)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, 0, "%s: not a MOG file", r->name);
    f->version = llmc__u32le(p + 4);
    n = llmc__u64le(p + 8);
    if (f->version != 1 && f->version != 2)
        return LLMC__FAIL(r->diag, UNSUPPORTED, r->tag, 4, "%s: MOG version %u is not supported, 1 and 2 are",
                          r->name, (unsigned)f->version);
    if (n > r->size - 16)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, 8,
                          "%s: ends inside the header: %llu bytes wanted, %llu are left", r->name,
                          (unsigned long long)n, (unsigned long long)(r->size - 16));
    r->size = 16 + n;                            /* so that no list runs out of the header */
    f->data_at = (r->size + 63) & ~(uint64_t)63; /* may pass the end: then no tensor fits */
    return LLMC_OK;
}

/* Everything of the header before the tensors; where each list begins, and that it is whole.
   Each entry takes bytes, so no count makes a loop longer than the file. Errors: BAD_FILE. */
static llmc_status llmc__mog_lists(llmc__mog *f, llmc__reader *r)
{
    llmc__mog_pair pair;
    const char *text;
    size_t len;
    uint32_t i, id;
    LLMC__TRY(llmc__mog_string(r, "the architecture", &f->architecture, &f->architecture_len));
    LLMC__TRY(llmc__read_u32(r, "the number of keys", &f->n_keys));
    f->keys_at = r->at;
    for (i = 0; i < f->n_keys; i++)
        LLMC__TRY(llmc__mog_key(r, &pair));
    LLMC__TRY(llmc__read_u32(r, "the number of tokens", &f->n_tokens));
    f->tokens_at = r->at;
    for (i = 0; i < f->n_tokens; i++)
        LLMC__TRY(llmc__mog_token(r, &text, &len, &id));
    LLMC__TRY(llmc__read_u32(r, "the number of merges", &f->n_merges));
    f->merges_at = r->at;
    for (i = 0; i < f->n_merges; i++)
        LLMC__TRY(llmc__mog_string(r, "a merge", &text, &len));
    f->pattern = "";
    return f->version < 2 ? LLMC_OK
                          : llmc__mog_string(r, "the pre-tokenizer's pattern", &f->pattern, &f->pattern_len);
}

/* llmc__mog_open -- check a MOG file, all of its header
   Linear in the header; no byte of the data is read. f borrows the file. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__mog_open(llmc__mog *f, const llmc_blob *file, llmc_diag *diag)
{
    llmc__reader r = llmc__reader_over(file, "FILE.mog", diag);
    llmc__mog_walk w;
    llmc_tensor t;
    llmc_status status;
    LLMC_MEMSET(f, 0, sizeof *f);
    LLMC_MEMSET(&w, 0, sizeof w);
    f->file = r;
    LLMC__TRY(llmc__mog_head(f, &r));
    LLMC__TRY(llmc__mog_lists(f, &r));
    LLMC__TRY(llmc__read_u32(&r, "the number of tensors", &f->n_tensors));
    f->tensors_at = r.at;
    if (f->n_tensors > (r.size - r.at) / 42 ||
        f->n_tensors > LLMC__MAX_TENSORS) /* a name takes 4, the rest 38 */
        return LLMC__FAIL(diag, BAD_FILE, r.tag, r.at - 4,
                          "%s: declares %u tensors, more than the header can hold", r.name,
                          (unsigned)f->n_tensors);
    while ((status = llmc__mog_next(f, &w, &t)) == LLMC_OK) {}
    if (status != LLMC_DONE)
        return status;
    if (w.at > r.size) /* the walk reads the file, the table has to lie in the header */
        return LLMC__FAIL(diag, BAD_FILE, r.tag, r.size, "%s: the table of tensors passes the header's end",
                          r.name);
    return LLMC_OK;
}

//--[ 12.8 FILE.mpk ]-- a tree of named parameters in MessagePack, as Rust's burn records models
/*    {"metadata": {...}, "item": tree}
      tree: a map or an array of trees; scalars and nil are settings of the program, passed over
      parameter: {"id": text, "param": {"bytes": binary, "shape": [in, out], "dtype": "F32"}}
   A parameter's name is its way down, "blocks.3.attn.c_q.weight". Linear layers are stored
   [inputs][outputs]; an embedding, called wte or wpe, is rows of tokens or positions. */
#define LLMC__MPK_DEPTH 24

typedef struct llmc__mpk {
    llmc__reader file;
    uint64_t item_at;
    uint32_t n_tensors;
} llmc__mpk;

/* A container on the way down. */
typedef struct llmc__mpk_level {
    uint64_t left, index; /* entries still to come, entries begun */
    uint32_t path;        /* length of its own name */
    bool map;
} llmc__mpk_level;

/* All zero before the first tensor. */
typedef struct llmc__mpk_walk {
    llmc__msgpack at;
    bool started;
    uint32_t depth; /* containers that are open */
    llmc__mpk_level level[LLMC__MPK_DEPTH];
    char name[LLMC_NAME_MAX]; /* of the innermost */
    char dtype[16];           /* type of the tensor given last, as the file names it, cut to fit */
} llmc__mpk_walk;

/* Where m stands in the file. */
static uint64_t llmc__mpk_place(const llmc__reader *r, const llmc__msgpack *m)
{
    return (uint64_t)(m->at - r->data);
}

/* BAD_FILE: what is at m is not `expected`, or the file ends in it. */
static llmc_status llmc__mpk_bad(const llmc__reader *r, const llmc__msgpack *m, const char *expected)
{
    (void)expected; /* under LLMC_NO_STRINGS nobody reads it */
    return LLMC__FAIL(r->diag, BAD_FILE, r->tag, llmc__mpk_place(r, m), "%s: expected %s at byte %llu",
                      r->name, expected, (unsigned long long)llmc__mpk_place(r, m));
}

/* The shape, outermost dimension first. Errors: BAD_FILE. */
static llmc_status llmc__mpk_shape(const llmc__reader *r, llmc__msgpack *m, llmc_tensor *t)
{
    llmc__msgpack_value list, d;
    uint64_t i;
    for (i = t->n_dims = 0; i < LLMC_MAX_DIMS; i++)
        t->dim[i] = 1;
    if (!llmc__msgpack_next(m, &list) || list.type != LLMC__MSGPACK_ARRAY)
        return llmc__mpk_bad(r, m, "a shape");
    for (i = 0; i < list.n; i++) {
        if (!llmc__msgpack_next(m, &d) || d.type != LLMC__MSGPACK_UINT)
            return llmc__mpk_bad(r, m, "a dimension");
        if (!llmc__tensor_dim(t, d.n))
            return LLMC__FAIL(r->diag, BAD_FILE, r->tag, llmc__mpk_place(r, m),
                              "%s: tensor '%s' has the impossible dimension %llu", r->name, t->name,
                              (unsigned long long)d.n);
    }
    return LLMC_OK;
}

/* One member of a parameter's map, key read: its data, type or shape; others are passed over.
   *seen gets a bit for each. Errors: BAD_FILE. */
static llmc_status llmc__mpk_member(const llmc__reader *r, llmc__msgpack *m, const llmc__msgpack_value *key,
                                    llmc__mpk_walk *w, llmc_tensor *t, unsigned *seen)
{
    llmc__msgpack peek = *m; /* reads the head, while m passes the whole value */
    llmc__msgpack_value v;
    if (llmc__msgpack_is(key, "shape")) {
        *seen |= 1;
        return llmc__mpk_shape(r, m, t);
    }
    if (!llmc__msgpack_next(&peek, &v) || !llmc__msgpack_skip(m))
        return llmc__mpk_bad(r, &peek, "a value");
    if (llmc__msgpack_is(key, "bytes") && v.type == LLMC__MSGPACK_BIN) {
        *seen |= 2;
        t->data = v.data;
        t->bytes = v.n;
    } else if (llmc__msgpack_is(key, "dtype")) { /* a quantised type is a map: nothing that we read */
        *seen |= 4;
        llmc__strcopy(w->dtype, sizeof w->dtype, v.type == LLMC__MSGPACK_TEXT ? (const char *)v.data : "?",
                      v.type == LLMC__MSGPACK_TEXT ? (size_t)v.n : 1);
    }
    return LLMC_OK;
}

/* Whether a name is `tail` or ends in it after a dot. */
static bool llmc__mpk_ends(const char *name, const char *tail)
{
    const size_t n = llmc__strlen(name), k = llmc__strlen(tail);
    return n >= k && llmc__streq(name + n - k, tail) && (n == k || name[n - k - 1] == '.');
}

/* A matrix of a linear layer lies [inputs][outputs]; dim[0] is the inputs wherever they are. */
static void llmc__mpk_turn(llmc_tensor *t)
{
    const uint64_t out = t->dim[0];
    if (t->n_dims != 2 || llmc__mpk_ends(t->name, "wte.weight") || llmc__mpk_ends(t->name, "wpe.weight"))
        return;
    t->dim[0] = t->dim[1];
    t->dim[1] = out;
    t->transposed = true;
}

/* A parameter's map of `pairs`, m behind its head; w->name is the tensor's. Types that we do not read
   become NONE with their bytes. Errors: BAD_FILE. */
static llmc_status llmc__mpk_param(const llmc__reader *r, llmc__mpk_walk *w, uint64_t pairs, llmc_tensor *t)
{
    const uint64_t at = llmc__mpk_place(r, &w->at);
    llmc__msgpack_value key;
    uint64_t stored;
    unsigned seen = 0;
    LLMC__TRY(llmc__tensor_name(r, at, t, w->name, llmc__strlen(w->name)));
    for (; pairs > 0; pairs--) {
        if (!llmc__msgpack_next(&w->at, &key) || key.type != LLMC__MSGPACK_TEXT)
            return llmc__mpk_bad(r, &w->at, "a name");
        LLMC__TRY(llmc__mpk_member(r, &w->at, &key, w, t, &seen));
    }
    if (seen != 7)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, at,
                          "%s: parameter '%s' must have bytes (binary), shape and dtype", r->name, t->name);
    /* three members, whatever else there is. Flex32 is how burn calls f32 that may be computed in less */
    t->type = llmc__streq(w->dtype, "F32") || llmc__streq(w->dtype, "Flex32") ? LLMC_F32
              : llmc__streq(w->dtype, "F16")                                  ? LLMC_F16
              : llmc__streq(w->dtype, "BF16")                                 ? LLMC_BF16
                                                                              : LLMC_DTYPE_NONE;
    stored = t->bytes;
    if (t->type != LLMC_DTYPE_NONE)
        LLMC__TRY(llmc__tensor_bytes(r, at, t));
    else
        (void)llmc__tensor_count(t);
    if (t->bytes != stored)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, at,
                          "%s: tensor '%s' has %llu bytes, its shape needs %llu", r->name, t->name,
                          (unsigned long long)stored, (unsigned long long)t->bytes);
    llmc__mpk_turn(t);
    return LLMC_OK;
}

/* Whether a map of n pairs whose first is at m is a parameter's data. */
static bool llmc__mpk_is_param(llmc__msgpack m, uint64_t n)
{
    llmc__msgpack_value key;
    return n > 0 && llmc__msgpack_next(&m, &key) &&
           (llmc__msgpack_is(&key, "bytes") || llmc__msgpack_is(&key, "shape") ||
            llmc__msgpack_is(&key, "dtype"));
}

/* Makes w->name that of an entry: the container's own, of `path` bytes, a dot, name [n]. All of it has
   to fit and be text, for parameters are found by it. *length: of the whole. Errors: BAD_FILE. */
static llmc_status llmc__mpk_name(const llmc__reader *r, llmc__mpk_walk *w, size_t path, const char *name,
                                  size_t n, uint32_t *length)
{
    if (path > 0 && path < sizeof w->name - 1) /* the root has no name, and no dot behind it */
        w->name[path++] = '.';
    if (!llmc__strcopy(w->name + path, sizeof w->name - path, name, n) || llmc__strlen(w->name + path) != n)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, llmc__mpk_place(r, &w->at),
                          "%s: the name '%s' is longer than %u bytes or holds a NUL", r->name, w->name,
                          LLMC_NAME_MAX - 1u);
    *length = (uint32_t)(path + n);
    return LLMC_OK;
}

/* Goes down into the container v, w->at behind its head. key: its name in a map; NULL: it is the root,
   or an array's element, whose name is its index. Errors: BAD_FILE, UNSUPPORTED (depth). */
static llmc_status llmc__mpk_enter(const llmc__reader *r, llmc__mpk_walk *w, const llmc__msgpack_value *key,
                                   const llmc__msgpack_value *v)
{
    llmc__mpk_level *l = w->level + w->depth;
    char index[24] = "";
    if (w->depth == LLMC__MPK_DEPTH)
        return LLMC__FAIL(r->diag, UNSUPPORTED, r->tag, llmc__mpk_place(r, &w->at),
                          "%s: '%s' nests more than %u containers", r->name, w->name, LLMC__MPK_DEPTH);
    l->path = 0;
    if (w->depth > 0 && key == NULL)
        llmc__format(index, sizeof index, "%llu", (unsigned long long)(l[-1].index - 1));
    if (w->depth > 0)
        LLMC__TRY(llmc__mpk_name(r, w, l[-1].path, key != NULL ? (const char *)key->data : index,
                                 key != NULL ? (size_t)key->n : llmc__strlen(index), &l->path));
    l->left = v->n;
    l->index = 0;
    l->map = v->type == LLMC__MSGPACK_MAP;
    w->depth++;
    return LLMC_OK;
}

/* One entry of the innermost container: a parameter (*found), a container that is entered, or a
   scalar that is passed over. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__mpk_step(const llmc__reader *r, llmc__mpk_walk *w, llmc_tensor *out, bool *found)
{
    llmc__mpk_level *l = &w->level[w->depth - 1];
    llmc__msgpack_value key, v;
    l->left--;
    l->index++;
    w->name[l->path] = 0; /* off with what the last entry hung on */
    if (l->map && (!llmc__msgpack_next(&w->at, &key) || key.type != LLMC__MSGPACK_TEXT))
        return llmc__mpk_bad(r, &w->at, "a name");
    if (!llmc__msgpack_next(&w->at, &v))
        return llmc__mpk_bad(r, &w->at, "a value");
    if (v.type != LLMC__MSGPACK_MAP && v.type != LLMC__MSGPACK_ARRAY)
        return LLMC_OK; /* passed over whole: text and binary bring their bytes with the head */
    *found = l->map && v.type == LLMC__MSGPACK_MAP && llmc__msgpack_is(&key, "param") &&
             llmc__mpk_is_param(w->at, v.n);
    return *found ? llmc__mpk_param(r, w, v.n, out) : llmc__mpk_enter(r, w, l->map ? &key : NULL, &v);
}

/* llmc__mpk_next -- the next tensor, w all zero at first                          (FILE.mpk)
   In the file's order; out's data lies inside the file. type NONE: one that we do not read, w->dtype
   names it. Matrices of linear layers come transposed. DONE after the last; cannot fail once the file
   was opened, which calls this for each tensor. Errors then: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__mpk_next(const llmc__mpk *f, llmc__mpk_walk *w, llmc_tensor *out)
{
    const llmc__reader *r = &f->file;
    llmc__msgpack_value v;
    bool found = false;
    if (!w->started) {
        w->started = true;
        w->at.at = r->data + f->item_at;
        w->at.end = r->data + r->size;
        if (!llmc__msgpack_next(&w->at, &v) || v.type != LLMC__MSGPACK_MAP)
            return llmc__mpk_bad(r, &w->at, "item to be a map");
        LLMC__TRY(llmc__mpk_enter(r, w, NULL, &v));
    }
    llmc__tensor_clear(out);
    while (w->depth > 0 && !found) {
        if (w->level[w->depth - 1].left == 0) /* this container is through: up again */
            w->depth--;
        else
            LLMC__TRY(llmc__mpk_step(r, w, out, &found));
    }
    return found ? LLMC_OK : LLMC_DONE;
}

/* Finds "item" in the map that the file is. Errors: BAD_FILE. */
static llmc_status llmc__mpk_find(llmc__mpk *f, llmc__msgpack *m)
{
    const llmc__reader *r = &f->file;
    llmc__msgpack_value top, key;
    uint64_t at;
    if (!llmc__msgpack_next(m, &top) || top.type != LLMC__MSGPACK_MAP)
        return llmc__mpk_bad(r, m, "a map with metadata and item");
    for (; top.n > 0; top.n--) {
        if (!llmc__msgpack_next(m, &key))
            return llmc__mpk_bad(r, m, "a name");
        at = llmc__mpk_place(r, m);
        if (!llmc__msgpack_skip(m))
            return llmc__mpk_bad(r, m, "a whole value");
        if (llmc__msgpack_is(&key, "item"))
            f->item_at = at;
    }
    if (f->item_at == 0)
        return llmc__mpk_bad(r, m, "a map with metadata and item");
    return m->at == m->end ? LLMC_OK : llmc__mpk_bad(r, m, "the end of the file");
}

/* llmc__mpk_open -- check a model.mpk, every value of it
   Linear in the number of values; no byte of the tensors is read. f borrows the file. Errors: BAD_FILE,
   UNSUPPORTED (nesting). Source: burn's NamedMpkFileRecorder. */
static llmc_status llmc__mpk_open(llmc__mpk *f, const llmc_blob *file, llmc_diag *diag)
{
    llmc__msgpack m;
    llmc__mpk_walk w;
    llmc_tensor t;
    llmc_status status;
    LLMC_MEMSET(f, 0, sizeof *f);
    LLMC_MEMSET(&w, 0, sizeof w);
    f->file = llmc__reader_over(file, "FILE.mpk", diag);
    if (f->file.size == 0)
        return LLMC__FAIL(diag, BAD_FILE, f->file.tag, 0, "%s: is empty", f->file.name);
    m.at = f->file.data;
    m.end = f->file.data + f->file.size;
    LLMC__TRY(llmc__mpk_find(f, &m));
    while ((status = llmc__mpk_next(f, &w, &t)) == LLMC_OK)
        LLMC__TRY(llmc__tensor_tally(&f->file, &f->n_tensors));
    return status == LLMC_DONE ? LLMC_OK : status;
}

//--[ 12.9 FILE.llmc ]-- llm.c's GPT-2: 256 integers, then f32 or bf16 arrays in a fixed order
/*    i32 20240326 | i32 version, 3 f32, 5 bf16 | i32 context, V, L, H, D, padded V | zeros to 1024 | arrays
   Every array stands there for all layers, one after the other. Source: llm.c, train_gpt2.py. */
#define LLMC__LLMC_MAGIC 20240326u

typedef struct llmc__llmc {
    llmc__reader file;
    uint32_t version, context, vocab, layers, heads, width;
    uint32_t rows; /* of the token embedding: the vocabulary and padding */
    uint32_t n_tensors;
} llmc__llmc;

/* One array; sizes by letter: D width, Q 3 D, F 4 D, V rows of the embedding, C context. */
typedef struct llmc__llmc_part {
    const char *name; /* GGUF's, %u for the layer */
    char cols, rows;  /* rows 0: a vector */
    bool per_layer;
} llmc__llmc_part;

#define LLMC__LLMC_PARTS 16
static const llmc__llmc_part llmc__llmc_part_table[LLMC__LLMC_PARTS] = {
    {"token_embd.weight", 'D', 'V', false},        {"position_embd.weight", 'D', 'C', false},
    {"blk.%u.attn_norm.weight", 'D', 0, true},     {"blk.%u.attn_norm.bias", 'D', 0, true},
    {"blk.%u.attn_qkv.weight", 'D', 'Q', true},    {"blk.%u.attn_qkv.bias", 'Q', 0, true},
    {"blk.%u.attn_output.weight", 'D', 'D', true}, {"blk.%u.attn_output.bias", 'D', 0, true},
    {"blk.%u.ffn_norm.weight", 'D', 0, true},      {"blk.%u.ffn_norm.bias", 'D', 0, true},
    {"blk.%u.ffn_up.weight", 'D', 'F', true},      {"blk.%u.ffn_up.bias", 'F', 0, true},
    {"blk.%u.ffn_down.weight", 'F', 'D', true},    {"blk.%u.ffn_down.bias", 'D', 0, true},
    {"output_norm.weight", 'D', 0, false},         {"output_norm.bias", 'D', 0, false}};

/* All zero before the first tensor. */
typedef struct llmc__llmc_walk {
    uint64_t at;          /* bytes of arrays passed */
    uint32_t part, layer; /* index into llmc__llmc_part_table; layer of that array */
} llmc__llmc_walk;

/* A letter of the table as a number; what no letter stands for is 1. */
static uint64_t llmc__llmc_dim(const llmc__llmc *f, char letter)
{
    switch (letter) {
    case 'D':
        return f->width;
    case 'Q':
        return (uint64_t)3 * f->width;
    case 'F':
        return (uint64_t)4 * f->width;
    case 'V':
        return f->rows;
    case 'C':
        return f->context;
    default:
        return 1;
    }
}

/* llmc__llmc_next -- the next array as a tensor under GGUF's name, w all zero at first   (FILE.llmc)
   out may be NULL to only measure, before it is known that the file has all of them. DONE after the
   last; never fails. Sizes cannot overflow: see llmc__llmc_head. */
static llmc_status llmc__llmc_next(const llmc__llmc *f, llmc__llmc_walk *w, llmc_tensor *out)
{
    const llmc__llmc_part *p;
    uint64_t n;
    if (w->part < LLMC__LLMC_PARTS &&
        w->layer == (llmc__llmc_part_table[w->part].per_layer ? f->layers : 1)) {
        w->part++;
        w->layer = 0;
    }
    if (w->part == LLMC__LLMC_PARTS)
        return LLMC_DONE;
    p = &llmc__llmc_part_table[w->part];
    n = llmc__llmc_dim(f, p->cols) * llmc__llmc_dim(f, p->rows) * (f->version == 3 ? 4 : 2);
    if (out != NULL) {
        llmc__tensor_clear(out);
        llmc__format(out->name, sizeof out->name, p->name, (unsigned)w->layer);
        out->type = f->version == 3 ? LLMC_F32 : LLMC_BF16;
        out->n_dims = p->rows == 0 ? 1 : 2;
        out->dim[0] = llmc__llmc_dim(f, p->cols);
        out->dim[1] = llmc__llmc_dim(f, p->rows);
        out->bytes = n;
        out->data = f->file.data + 1024 + w->at;
    }
    w->at += n;
    w->layer++;
    return LLMC_OK;
}

/* Header; r ends behind it. The bounds keep the largest array, 2^24 rows of 2^20 f32, and 4096 layers
   of less far below 2^64 bytes. Errors: BAD_FILE, UNSUPPORTED (version). */
static llmc_status llmc__llmc_head(llmc__llmc *f, llmc__reader *r)
{
    const uint8_t *p = NULL;
    LLMC__TRY(llmc__read(r, 1024, "the header", &p));
    if (llmc__u32le(p) != LLMC__LLMC_MAGIC)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, 0, "%s: not a model of llm.c", r->name);
    f->version = llmc__u32le(p + 4);
    f->context = llmc__u32le(p + 8);
    f->vocab = llmc__u32le(p + 12);
    f->layers = llmc__u32le(p + 16);
    f->heads = llmc__u32le(p + 20);
    f->width = llmc__u32le(p + 24);
    f->rows = llmc__u32le(p + 28);
    if (f->version != 3 && f->version != 5)
        return LLMC__FAIL(r->diag, UNSUPPORTED, r->tag, 4,
                          "%s: llm.c version %u is not supported, 3 (f32) and 5 (bf16) are", r->name,
                          (unsigned)f->version);
    if (f->context == 0 || f->context > (1u << 24) || f->vocab == 0 || f->vocab > f->rows ||
        f->rows > LLMC__MAX_VOCAB || f->layers == 0 || f->layers > 4096 || f->heads == 0 ||
        f->width > (1u << 20) || f->heads > f->width || f->width % f->heads != 0)
        return LLMC__FAIL(r->diag, BAD_FILE, r->tag, 8, "%s: the header's sizes are not possible together",
                          r->name);
    return LLMC_OK;
}

/* llmc__llmc_open -- check a model of llm.c
   There is no table in it, so the size must be exactly what the header implies. f borrows the bytes.
   Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__llmc_open(llmc__llmc *f, const llmc_blob *file, llmc_diag *diag)
{
    llmc__reader r = llmc__reader_over(file, "FILE.llmc", diag);
    llmc__llmc_walk w;
    LLMC_MEMSET(f, 0, sizeof *f);
    LLMC_MEMSET(&w, 0, sizeof w);
    f->file = r;
    LLMC__TRY(llmc__llmc_head(f, &r));
    while (llmc__llmc_next(f, &w, NULL) == LLMC_OK)
        f->n_tensors++;
    if (w.at != r.size - r.at)
        return LLMC__FAIL(diag, BAD_FILE, r.tag, llmc__min(w.at + r.at, r.size),
                          "%s: has %llu bytes, its header implies %llu", r.name, (unsigned long long)r.size,
                          (unsigned long long)(w.at + r.at));
    return LLMC_OK;
}

/* llm.c's gpt2_tokenizer.bin: i32 20240328 | i32 version | i32 count | version 2: i32 end of text |
   zeros to 1024 | per token u8 length, bytes. */
#define LLMC__LLMC_TOKENS_MAGIC 20240328u

typedef struct llmc__llmc_tokens {
    llmc__reader file;
    uint32_t count;
    uint32_t end;      /* id of the end of text, < count */
    uint64_t begin_at; /* of the first token: walks begin there */
} llmc__llmc_tokens;

/* The next token's bytes; r is a copy of the file's reader, at begin_at for the first. Errors: BAD_FILE. */
static llmc_status llmc__llmc_token(llmc__reader *r, const char **text, size_t *len)
{
    const uint8_t *p = NULL;
    LLMC__TRY(llmc__read(r, 1, "a token's length", &p));
    *len = p[0];
    LLMC__TRY(llmc__read(r, *len, "a token", &p));
    *text = (const char *)p;
    return LLMC_OK;
}

/* llmc__llmc_tokens_open -- check a gpt2_tokenizer.bin, every token of it
   Version 1 does not name the end of text, which is GPT-2's last id. Errors: BAD_FILE (also if bytes are
   left over), UNSUPPORTED (version). */
LLMC__UNUSED static llmc_status llmc__llmc_tokens_open(llmc__llmc_tokens *t, const llmc_blob *file,
                                                       llmc_diag *diag)
{
    llmc__reader r = llmc__reader_over(file, "FILE.llmc", diag);
    const uint8_t *p = NULL;
    const char *text;
    size_t len;
    uint32_t i, version;
    LLMC_MEMSET(t, 0, sizeof *t);
    t->file = r;
    LLMC__TRY(llmc__read(&r, 1024, "the header", &p));
    if (llmc__u32le(p) != LLMC__LLMC_TOKENS_MAGIC)
        return LLMC__FAIL(diag, BAD_FILE, r.tag, 0, "%s: not a tokenizer of llm.c", r.name);
    version = llmc__u32le(p + 4);
    if (version != 1 && version != 2)
        return LLMC__FAIL(diag, UNSUPPORTED, r.tag, 4,
                          "%s: tokenizer version %u is not supported, 1 and 2 are", r.name,
                          (unsigned)version);
    t->count = llmc__u32le(p + 8);
    t->begin_at = r.at;
    if (t->count == 0 || t->count > LLMC__MAX_VOCAB)
        return LLMC__FAIL(diag, BAD_FILE, r.tag, 8, "%s: declares %u tokens, expected 1 to %u", r.name,
                          (unsigned)t->count, LLMC__MAX_VOCAB);
    t->end = version == 1 ? t->count - 1 : llmc__u32le(p + 12);
    if (t->end >= t->count)
        return LLMC__FAIL(diag, BAD_FILE, r.tag, 12, "%s: the end of text is token %u of %u", r.name,
                          (unsigned)t->end, (unsigned)t->count);
    for (i = 0; i < t->count; i++)
        LLMC__TRY(llmc__llmc_token(&r, &text, &len));
    return r.at == r.size ? LLMC_OK
                          : LLMC__FAIL(diag, BAD_FILE, r.tag, r.at, "%s: %llu bytes are left after %u tokens",
                                       r.name, (unsigned long long)(r.size - r.at), (unsigned)t->count);
}

//--[ 12.10 FILE.identify ]-- what a file claims to be, by its content alone
/* Whether the first member of an object has this name; p [n] begins at its brace, unchecked text. */
static bool llmc__first_name(const uint8_t *p, uint64_t n, const char *name)
{
    const char *at = (const char *)p, *end = at + n;
    size_t len = llmc__strlen(name);
    at = llmc__json_space(at + 1, end);
    return (size_t)(end - at) > len + 1 && at[0] == '"' && LLMC_MEMCMP(at + 1, name, len) == 0 &&
           at[len + 1] == '"';
}

/* u64 length, then a brace: safetensors, or torchless if the first member is one of its three. The
   length may lie: then the reader says so. */
static llmc_file_kind llmc__identify_header(const llmc__reader *r)
{
    const uint8_t *p = r->data;
    const uint64_t n = r->size;
    if (n < 10 || llmc__u64le(p) > LLMC__MAX_HEADER || p[8] != '{')
        return LLMC_FILE_UNKNOWN;
    if (llmc__first_name(p + 8, n - 8, "metadata") || llmc__first_name(p + 8, n - 8, "tokenizer") ||
        llmc__first_name(p + 8, n - 8, "tensors"))
        return LLMC_FILE_TORCHLESS;
    return LLMC_FILE_SAFETENSORS;
}

/* A MessagePack map whose first name is metadata or item. */
static bool llmc__identify_mpk(const llmc__reader *r)
{
    llmc__msgpack m;
    llmc__msgpack_value v;
    m.at = r->data;
    m.end = r->data + r->size;
    return llmc__msgpack_next(&m, &v) && v.type == LLMC__MSGPACK_MAP && llmc__msgpack_next(&m, &v) &&
           (llmc__msgpack_is(&v, "metadata") || llmc__msgpack_is(&v, "item"));
}

/* JSON by its brace; flat settings if every line is one, and there is one. Only of files as short as
   settings are: this reads all of them. */
static llmc_file_kind llmc__identify_text(const llmc_blob *file)
{
    const char *text = (const char *)file->data, *end = text + file->size, *p;
    llmc_setting setting;
    llmc_status status;
    size_t at = 0;
    unsigned n = 0;
    p = llmc__json_space(text + llmc__bom(text, file->size), end);
    if (p < end && *p == '{')
        return LLMC_FILE_JSON;
    if (file->size > 65536)
        return LLMC_FILE_UNKNOWN;
    while ((status = llmc_settings_next(file, &at, &setting, NULL)) == LLMC_OK)
        n++;
    return status == LLMC_DONE && n > 0 ? LLMC_FILE_SETTINGS : LLMC_FILE_UNKNOWN;
}

/* By magic where a format has one; safetensors and torchless by a length and a brace; llama2.c v0
   by seven integers that make sense together: a length before a brace never is two of them. Text
   comes last. file may be NULL. */
LLMC_API llmc_file_kind llmc_file_identify(const llmc_blob *file)
{
    llmc__llama2c f;
    llmc__reader r;
    llmc_file_kind kind;
    if (file == NULL)
        return LLMC_FILE_UNKNOWN;
    r = llmc__reader_over(file, "FILE", NULL);
    if (r.size >= 4 && llmc__u32le(r.data) == 0x46554747u)
        return LLMC_FILE_GGUF;
    if (r.size >= 4 && llmc__u32le(r.data) == LLMC__LLAMA2C_MAGIC)
        return LLMC_FILE_LLAMA2C;
    if (r.size >= 4 && llmc__u32le(r.data) == LLMC__LLMC_MAGIC)
        return LLMC_FILE_LLMC;
    if (r.size >= 4 && LLMC_MEMCMP(r.data, "MOG\0", 4) == 0)
        return LLMC_FILE_MOG;
    if (r.size == 0)
        return LLMC_FILE_UNKNOWN;
    kind = llmc__identify_header(&r);
    if (kind != LLMC_FILE_UNKNOWN)
        return kind;
    if (llmc__identify_mpk(&r))
        return LLMC_FILE_MPK;
    LLMC_MEMSET(&f, 0, sizeof f);
    if (r.size >= 28)
        llmc__llama2c_ints(&f, r.data);
    return r.size >= 28 && llmc__llama2c_plausible(&f) ? LLMC_FILE_LLAMA2C : llmc__identify_text(file);
}

/* A static string; "unknown" for numbers that are no kind. */
LLMC_API const char *llmc_file_kind_name(llmc_file_kind kind)
{
    static const char *const name[] = {"unknown", "GGUF", "llama2.c", "safetensors", "torchless",
                                       "MOG",     "mpk",  "llm.c",    "JSON",        "settings"};
    return (unsigned)kind < sizeof name / sizeof name[0] ? name[kind] : name[0];
}

//--[ 12.11 FILE.vocab ]-- what a file says of its vocabulary, each string checked
#ifndef LLMC_NO_TOKEN

typedef enum llmc__string_layout {
    LLMC__STRINGS_GGUF,   /* u64 length, bytes            */
    LLMC__STRINGS_LLAMA2C /* f32 score, i32 length, bytes */
} llmc__string_layout;

typedef enum llmc__vocab_kind {
    LLMC__VOCAB_SPM, /* SentencePiece BPE with scores */
    LLMC__VOCAB_BPE  /* byte-level, merges by rank    */
} llmc__vocab_kind;

/* Views into the file. Strings are at most LLMC__MAX_STRING bytes and may be empty;
   scores are not NaN. */
typedef struct llmc__vocab {
    llmc__vocab_kind kind;
    char pre[32];   /* pre-tokenizer as the file names it, "" if it does not */
    uint32_t count; /* tokens, 1 .. LLMC__MAX_VOCAB */
    llmc__string_layout layout;
    const uint8_t *tokens; /* count strings, one after the other */
    size_t tokens_bytes;
    const uint8_t *scores; /* count x f32 LE, or NULL (in the LLAMA2C layout they are inline) */
    const uint8_t *types;  /* count x i32 LE (GGUF's numbers), or NULL: TOKEN derives them    */
    const uint8_t *merges; /* n_merges GGUF strings "a b" */
    size_t merges_bytes;
    uint32_t n_merges;                       /* 0 for SPM */
    llmc_token special[LLMC_SPECIAL_COUNT];  /* LLMC_TOKEN_NONE: absent */
    bool add_bos, add_eos, add_space_prefix; /* what encoding puts around a text, unless told otherwise */
    const char *name;                        /* file's name for messages */
} llmc__vocab;

/* An array of the given element type, whose count must be *count unless that is 0 (then it is set).
   *out [*bytes] are its elements, packed as in the file. Errors: BAD_FILE. */
static llmc_status llmc__vocab_array(const llmc__gguf *g, unsigned key, uint32_t type, uint32_t *count,
                                     const uint8_t **out, size_t *bytes)
{
    const llmc__gguf_value *v = &g->known[key];
    const llmc__reader *r = &g->file;
    if (v->at == 0)
        return LLMC__FAIL(r->diag, BAD_FILE, "FILE.vocab", LLMC_NO_OFFSET, "%s: key '%s' is missing", r->name,
                          llmc__key_text(key));
    if (!v->array || v->type != type)
        return LLMC__FAIL(r->diag, BAD_FILE, "FILE.vocab", v->at, "%s: '%s' must be an array of %s", r->name,
                          llmc__key_text(key),
                          type == LLMC__GGUF_STRING ? "strings"
                          : type == LLMC__GGUF_F32  ? "f32"
                                                    : "i32");
    if (v->count == 0 || v->count > LLMC__MAX_VOCAB)
        return LLMC__FAIL(r->diag, BAD_FILE, "FILE.vocab", v->at,
                          "%s: '%s' has %llu entries, expected 1 to %u", r->name, llmc__key_text(key),
                          (unsigned long long)v->count, LLMC__MAX_VOCAB);
    if (*count != 0 && v->count != *count)
        return LLMC__FAIL(r->diag, BAD_FILE, "FILE.vocab", v->at, "%s: '%s' has %llu entries, expected %u",
                          r->name, llmc__key_text(key), (unsigned long long)v->count, (unsigned)*count);
    *count = (uint32_t)v->count;
    *out = r->data + v->at;
    *bytes = (size_t)(v->end - v->at); /* not count * something: strings differ in length */
    return LLMC_OK;
}

/* Strings of an array that passed llmc__gguf_skip, held to LLMC__MAX_STRING, so that TOKEN can walk
   them without a check and keep lengths in 16 bits. Errors: BAD_FILE. */
static llmc_status llmc__vocab_strings(const llmc__gguf *g, unsigned key)
{
    llmc__reader r = g->file;
    const char *text;
    uint64_t i;
    size_t len;
    r.at = g->known[key].at;
    r.tag = "FILE.vocab";
    for (i = 0; i < g->known[key].count; i++)
        LLMC__TRY(llmc__gguf_string(&r, llmc__key_text(key), false, &text, &len));
    return LLMC_OK;
}

/* A flag that keeps its default if the file does not give it. Errors: BAD_FILE (no bool). */
static llmc_status llmc__vocab_flag(const llmc__gguf *g, unsigned key, bool *flag)
{
    if (g->known[key].at != 0 && !llmc__gguf_flag(g, &g->known[key], flag))
        return LLMC__FAIL(g->file.diag, BAD_FILE, "FILE.vocab", g->known[key].at,
                          "%s: '%s' must be true or false", g->file.name, llmc__key_text(key));
    return LLMC_OK;
}

/* Whether a value is -1 in four or eight bytes, whatever sign its type has. */
static bool llmc__gguf_minus_one(const llmc__gguf *g, const llmc__gguf_value *v)
{
    const uint8_t *p = g->file.data + v->at;
    if (v->at == 0 || v->array)
        return false;
    if (v->type == LLMC__GGUF_U32 || v->type == LLMC__GGUF_I32)
        return llmc__u32le(p) == UINT32_MAX;
    return (v->type == LLMC__GGUF_U64 || v->type == LLMC__GGUF_I64) && llmc__u64le(p) == UINT64_MAX;
}

/* Ids of special tokens, where given; each inside the vocabulary. An id out of it is refused:
   without it we would not know where a generation ends. Errors: BAD_FILE. */
static llmc_status llmc__vocab_specials(const llmc__gguf *g, llmc__vocab *v)
{
    static const uint8_t key[LLMC_SPECIAL_COUNT] = {LLMC__KEY_TOK_BOS, LLMC__KEY_TOK_EOS, LLMC__KEY_TOK_EOT,
                                                    LLMC__KEY_TOK_UNK, LLMC__KEY_TOK_PAD};
    unsigned i;
    for (i = 0; i < LLMC_SPECIAL_COUNT; i++) {
        const llmc__gguf_value *value = &g->known[key[i]];
        uint64_t id;
        if (value->at == 0)
            continue;
        if (i == LLMC_SPECIAL_PAD && llmc__gguf_minus_one(g, value))
            continue; /* llama.cpp's llama2.c converter says "none" so; nothing here needs padding */
        if (!llmc__gguf_uint(g, value, &id) || id >= v->count)
            return LLMC__FAIL(g->file.diag, BAD_FILE, "FILE.vocab", value->at,
                              "%s: '%s' must be an id below %u", g->file.name, llmc__key_text(key[i]),
                              (unsigned)v->count);
        v->special[i] = (llmc_token)id;
    }
    return LLMC_OK;
}

/* What holds where the file is silent: SentencePiece's own numbering, which files rely on when
   they name no ids, and BOS and a space before text. Byte-level BPE has none of these.
   v->count is set. */
static void llmc__vocab_defaults(llmc__vocab *v, llmc__vocab_kind kind)
{
    unsigned i;
    bool spm = kind == LLMC__VOCAB_SPM;
    for (i = 0; i < LLMC_SPECIAL_COUNT; i++)
        v->special[i] = LLMC_TOKEN_NONE;
    if (spm && v->count > 2) {
        v->special[LLMC_SPECIAL_UNK] = 0;
        v->special[LLMC_SPECIAL_BOS] = 1;
        v->special[LLMC_SPECIAL_EOS] = 2;
    }
    v->kind = kind;
    v->add_bos = v->add_space_prefix = spm; /* add_eos stays false: a prompt does not end */
}

/* One f32 per token. Infinities order well; NaN would break every comparison later. */
static llmc_status llmc__vocab_scores(const llmc__gguf *g, llmc__vocab *v)
{
    size_t bytes, i;
    LLMC__TRY(llmc__vocab_array(g, LLMC__KEY_TOK_SCORES, LLMC__GGUF_F32, &v->count, &v->scores, &bytes));
    for (i = 0; i < v->count; i++) {
        float score = llmc__f32le(v->scores + 4 * i);
        if (llmc__nan(score))
            return LLMC__FAIL(g->file.diag, BAD_FILE, "FILE.vocab", g->known[LLMC__KEY_TOK_SCORES].at + 4 * i,
                              "%s: the score of token %llu is not a number", g->file.name,
                              (unsigned long long)i);
    }
    return LLMC_OK;
}

/* tokenizer.ggml.pre; the Llama 3 pre-tokenizer brings a BOS where no flag says otherwise. Which
   names are known is for TOKEN; one too long for v->pre cannot be. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__vocab_pre(const llmc__gguf *g, llmc__vocab *v)
{
    const llmc__gguf_value *value = &g->known[LLMC__KEY_TOK_PRE];
    const char *text = "";
    size_t len = 0;
    if (value->at != 0 && !llmc__gguf_text(g, value, &text, &len))
        return LLMC__FAIL(g->file.diag, BAD_FILE, "FILE.vocab", value->at,
                          "%s: tokenizer.ggml.pre must be a string", g->file.name);
    if (!llmc__strcopy(v->pre, sizeof v->pre, text, len))
        return LLMC__FAIL(g->file.diag, UNSUPPORTED, "FILE.vocab", value->at,
                          "%s: pre-tokenizer '%.*s' is not supported", g->file.name, (int)llmc__min(len, 64),
                          text);
    if (llmc__streq(v->pre, "llama-bpe") || llmc__streq(v->pre, "llama3") || llmc__streq(v->pre, "llama-v3"))
        v->add_bos = true;
    return LLMC_OK;
}

/* llmc__vocab_gguf -- the vocabulary of a GGUF file
   v's views are into the file. The order matters: the tokens' count is what all other arrays and
   ids are held against, defaults come before what the file says.
   *present false, and OK, if it has none (no tokenizer.ggml.model, or "none").
   Errors: BAD_FILE, UNSUPPORTED (a kind of tokenizer that is not known). */
static llmc_status llmc__vocab_gguf(llmc__vocab *v, const llmc__gguf *g, bool *present)
{
    const llmc__gguf_value *model = &g->known[LLMC__KEY_TOK_MODEL];
    const char *text;
    size_t len, bytes;
    bool bpe;
    LLMC_MEMSET(v, 0, sizeof *v);
    *present = false;
    v->name = g->file.name;
    v->layout = LLMC__STRINGS_GGUF;
    if (model->at == 0)
        return LLMC_OK;
    if (!llmc__gguf_text(g, model, &text, &len))
        return LLMC__FAIL(g->file.diag, BAD_FILE, "FILE.vocab", model->at,
                          "%s: tokenizer.ggml.model must be a string", g->file.name);
    /* a model that speaks ids */
    if (llmc__texteq(text, len, "none") || llmc__texteq(text, len, "no_vocab"))
        return LLMC_OK;
    bpe = llmc__texteq(text, len, "gpt2"); /* the format's name for byte-level BPE, whoever's */
    if (!bpe && !llmc__texteq(text, len, "llama"))
        return LLMC__FAIL(g->file.diag, UNSUPPORTED, "FILE.vocab", model->at,
                          "%s: tokenizer '%.*s' is not supported", g->file.name, (int)llmc__min(len, 64),
                          text);
    LLMC__TRY(llmc__vocab_array(g, LLMC__KEY_TOK_TOKENS, LLMC__GGUF_STRING, &v->count, &v->tokens,
                                &v->tokens_bytes));
    LLMC__TRY(llmc__vocab_strings(g, LLMC__KEY_TOK_TOKENS));
    llmc__vocab_defaults(v, bpe ? LLMC__VOCAB_BPE : LLMC__VOCAB_SPM);
    if (g->known[LLMC__KEY_TOK_TYPES].at != 0)
        LLMC__TRY(llmc__vocab_array(g, LLMC__KEY_TOK_TYPES, LLMC__GGUF_I32, &v->count, &v->types, &bytes));
    /* SPM merges by score, BPE by the rank of a merge */
    if (!bpe) {
        LLMC__TRY(llmc__vocab_scores(g, v));
    } else {
        LLMC__TRY(llmc__vocab_array(g, LLMC__KEY_TOK_MERGES, LLMC__GGUF_STRING, &v->n_merges, &v->merges,
                                    &v->merges_bytes));
        LLMC__TRY(llmc__vocab_strings(g, LLMC__KEY_TOK_MERGES));
    }
    LLMC__TRY(llmc__vocab_pre(g, v));
    LLMC__TRY(llmc__vocab_specials(g, v));
    LLMC__TRY(llmc__vocab_flag(g, LLMC__KEY_TOK_ADD_BOS, &v->add_bos));
    LLMC__TRY(llmc__vocab_flag(g, LLMC__KEY_TOK_ADD_EOS, &v->add_eos));
    LLMC__TRY(llmc__vocab_flag(g, LLMC__KEY_TOK_ADD_SPACE, &v->add_space_prefix));
    *present = true;
    return LLMC_OK;
}

/* llmc__vocab_llama2c -- a llama2.c tokenizer.bin
     i32 longest token | f32 score | i32 length | bytes | f32 score | i32 length | bytes | ...
   `longest` sizes run.c's buffers and is not needed here, so it need not be true.
   The file does not say how many tokens it has; count 0 takes all there are.
   Errors: BAD_FILE (also if tokens are missing or left over). */
static llmc_status llmc__vocab_llama2c(llmc__vocab *v, const llmc_blob *file, uint32_t count, llmc_diag *diag)
{
    llmc__reader r = llmc__reader_over(file, "FILE.vocab", diag);
    const uint8_t *p = NULL;
    uint32_t longest, n;
    LLMC_MEMSET(v, 0, sizeof *v);
    LLMC__TRY(llmc__read_u32(&r, "the header", &longest));
    v->tokens = r.data + r.at;
    /* each token brings 8 bytes, so the time is bounded by the file and not by count */
    for (n = 0; count == 0 ? r.at < r.size : n < count; n++) {
        uint64_t at = r.at;
        uint32_t len;
        float score;
        if (n == LLMC__MAX_VOCAB)
            return LLMC__FAIL(diag, BAD_FILE, r.tag, at, "%s: more than %u tokens", r.name, LLMC__MAX_VOCAB);
        if (r.at == r.size)
            return LLMC__FAIL(diag, BAD_FILE, r.tag, at, "%s: holds %u tokens, the model has %u", r.name,
                              (unsigned)n, (unsigned)count);
        LLMC__TRY(llmc__read(&r, 8, "a token", &p));
        score = llmc__f32le(p);
        len = llmc__u32le(p + 4);
        if (len > LLMC__MAX_STRING || llmc__nan(score))
            return LLMC__FAIL(diag, BAD_FILE, r.tag, at,
                              "%s: token %u has length %u, expected 0 to %u, or no number as score", r.name,
                              (unsigned)n, (unsigned)len, LLMC__MAX_STRING);
        LLMC__TRY(llmc__read(&r, len, "a token", &p));
    }
    if (r.at != r.size || n == 0)
        return LLMC__FAIL(diag, BAD_FILE, r.tag, r.at,
                          "%s: %llu bytes are left after %u tokens; is it another model's?", r.name,
                          (unsigned long long)(r.size - r.at), (unsigned)n);
    v->count = n;
    v->tokens_bytes = (size_t)(r.size - 4);
    v->layout = LLMC__STRINGS_LLAMA2C;
    v->name = r.name;
    llmc__vocab_defaults(v, LLMC__VOCAB_SPM);
    v->special[LLMC_SPECIAL_EOT] =
        v->special[LLMC_SPECIAL_BOS]; /* its models write BOS between two stories */
    return LLMC_OK;
}
#endif

//--[ 12.12 FILE.writer ]-- little-endian output; the first failure sticks
/* A GGUF header holds the number of keys before them, and sizes are asked for before they are
   written: the writer runs once with `to` NULL, counting, and once for good, as an arena does.
   No function returns a status; who writes looks at `failed` at the end. */
typedef struct llmc__out {
    const llmc_writer *to; /* NULL: only count */
    uint64_t at, keys;     /* bytes and metadata pairs so far */
    bool failed;           /* the writer said stop */
} llmc__out;

/* All output passes here, data [n]; after a failure nothing more is handed on, and `at` counts
   no further. */
static void llmc__out_bytes(llmc__out *o, const void *data, uint64_t n)
{
    if (n == 0 || o->failed)
        return;
    if (o->to != NULL)
        o->failed = !o->to->write(o->to->user, data, (size_t)n);
    o->at += n;
}

/* Numbers, little-endian on every machine. */
static void llmc__out_u32(llmc__out *o, uint32_t v)
{
    uint8_t b[4];
    llmc__put_u32le(b, v);
    llmc__out_bytes(o, b, 4);
}

static void llmc__out_u64(llmc__out *o, uint64_t v)
{
    uint8_t b[8];
    llmc__put_u64le(b, v);
    llmc__out_bytes(o, b, 8);
}

/* A GGUF string: u64 length, text [len], no NUL. */
static void llmc__out_text(llmc__out *o, const char *text, size_t len)
{
    llmc__out_u64(o, len);
    llmc__out_bytes(o, text, len);
}

/* Zeros up to a multiple of alignment, a power of two. */
static void llmc__out_pad(llmc__out *o, uint64_t alignment)
{
    static const uint8_t zero[64] = {0};
    uint64_t n = (0 - o->at) & (alignment - 1); /* -at modulo a power of two */
    for (; n > 0 && !o->failed; n -= llmc__min(n, sizeof zero))
        llmc__out_bytes(o, zero, llmc__min(n, sizeof zero));
}

/* A key and its value's type; the value has to follow. */
static void llmc__out_key(llmc__out *o, const char *key, uint32_t type)
{
    llmc__out_text(o, key, llmc__strlen(key));
    llmc__out_u32(o, type);
    o->keys++; /* the header says how many */
}

/* Whole pairs: key, type and value. Readers take any integer type; u32 is what others write. */
static void llmc__out_key_u32(llmc__out *o, const char *key, uint32_t v)
{
    llmc__out_key(o, key, LLMC__GGUF_U32);
    llmc__out_u32(o, v);
}

static void llmc__out_key_f32(llmc__out *o, const char *key, float v)
{
    llmc__out_key(o, key, LLMC__GGUF_F32);
    llmc__out_u32(o, llmc__f32_bits(v));
}

static void llmc__out_key_text(llmc__out *o, const char *key, const char *text)
{
    llmc__out_key(o, key, LLMC__GGUF_STRING);
    llmc__out_text(o, text, llmc__strlen(text));
}

#ifndef LLMC_NO_TOKEN
/* The same for a bool: one byte. */
static void llmc__out_key_flag(llmc__out *o, const char *key, bool v)
{
    uint8_t b = v;
    llmc__out_key(o, key, LLMC__GGUF_BOOL);
    llmc__out_bytes(o, &b, 1);
}

/* A key whose value is an array; count elements have to follow. */
static void llmc__out_key_array(llmc__out *o, const char *key, uint32_t type, uint64_t count)
{
    llmc__out_key(o, key, LLMC__GGUF_ARRAY);
    llmc__out_u32(o, type);
    llmc__out_u64(o, count);
}
#endif

//==[ 13 TOKEN ]==== text to ids and back ==== needs: 02 03 04 12 ====
#ifndef LLMC_NO_TOKEN

/* What stays true of every vocabulary once carved:
   - Token bytes are "raw": what the token stands for in text, so SentencePiece's U+2581
     is a plain space and GPT-2's byte alphabet is the bytes themselves. Matching,
     merging and decoding work on raw bytes only.
   - Merging reaches normal and unused tokens only: text that spells "<s>" or "<0x0A>"
     never becomes that token. U+2581 itself, when text holds it, becomes byte tokens, so that
     decode gives it back.
   - Of tokens with the same raw bytes the lowest id is the one encode produces.
   - Nothing in a carved tokenizer changes: any number of threads encode and decode with it.

   A vocabulary is one of two kinds. SPM (Llama 1 and 2, TinyLlama, llama2.c) merges characters by
   the score of what they join to; BPE (the GPT-2 family) cuts text to words by a pattern and
   merges bytes by a ranked list of pairs. The way of a text through this section:

     text -> special tokens and what lies between (13.5) -> words (13.4) -> merging (13.3) -> ids */

//--[ 13.1 TOKEN.unicode ]-- classes of code points that pre-tokenizers split by
enum {
    LLMC__UC_OTHER,     /* controls, formats, private use, unassigned, bytes that are not UTF-8 */
    LLMC__UC_UPPER,     /* Lu Lt */
    LLMC__UC_LOWER,     /* Ll    */
    LLMC__UC_LETTER,    /* Lm Lo */
    LLMC__UC_MARK,      /* M     */
    LLMC__UC_NUMBER,    /* N     */
    LLMC__UC_PUNCT,     /* P     */
    LLMC__UC_SYMBOL,    /* S     */
    LLMC__UC_SPACE,     /* the property White_Space */
    LLMC__UC_CASE_EVEN, /* in the table only: even code points upper, odd ones lower */
    LLMC__UC_CASE_ODD   /* in the table only: odd code points upper, even ones lower */
};

/* Sets of classes, a bit each: a class c is in `set` if set >> c & 1. REST is \p{M}, \p{P}, \p{S}, \p{C}
   and bytes that are not UTF-8: what GPT-2's pattern calls [^\s\p{L}\p{N}]. */
#define LLMC__UC_LETTERS (1u << LLMC__UC_UPPER | 1u << LLMC__UC_LOWER | 1u << LLMC__UC_LETTER)
#define LLMC__UC_NUMBERS (1u << LLMC__UC_NUMBER)
#define LLMC__UC_SPACES  (1u << LLMC__UC_SPACE)
#define LLMC__UC_REST    (~(LLMC__UC_LETTERS | LLMC__UC_NUMBERS | LLMC__UC_SPACES))

/* Unicode 15.0.0, ascending; a range reaches to the next entry's first code point:

     31           4 3     0
     [ first code point | class ]

   Printed by tools/unicode.c. */
static const uint32_t llmc__uc_range[] = {
    0x000000, 0x000098, 0x0000e0, 0x000208, 0x000216, 0x000247, 0x000256, 0x0002b7, 0x0002c6, 0x000305,
    0x0003a6, 0x0003c7, 0x0003f6, 0x000411, 0x0005b6, 0x0005e7, 0x0005f6, 0x000607, 0x000612, 0x0007b6,
    0x0007c7, 0x0007d6, 0x0007e7, 0x0007f0, 0x000858, 0x000860, 0x000a08, 0x000a16, 0x000a27, 0x000a76,
    0x000a87, 0x000aa3, 0x000ab6, 0x000ac7, 0x000ad0, 0x000ae7, 0x000b25, 0x000b47, 0x000b52, 0x000b66,
    0x000b87, 0x000b95, 0x000ba3, 0x000bb6, 0x000bc5, 0x000bf6, 0x000c01, 0x000d77, 0x000d81, 0x000df2,
    0x000f77, 0x000f82, 0x001009, 0x001382, 0x00139a, 0x001492, 0x0014a9, 0x001781, 0x00179a, 0x0017f2,
    0x001811, 0x001829, 0x001861, 0x001882, 0x001891, 0x0018c2, 0x0018e1, 0x001922, 0x001931, 0x001952,
    0x001961, 0x001992, 0x0019c1, 0x0019e2, 0x0019f1, 0x001a09, 0x001a61, 0x001a7a, 0x001ab2, 0x001ac1,
    0x001ad2, 0x001ae1, 0x001b02, 0x001b11, 0x001b3a, 0x001b71, 0x001b92, 0x001bb3, 0x001bc1, 0x001bd2,
    0x001c03, 0x001c41, 0x001c62, 0x001c71, 0x001c92, 0x001ca1, 0x001cba, 0x001dd2, 0x001de9, 0x001f02,
    0x001f11, 0x001f29, 0x001f61, 0x001f89, 0x002342, 0x0023a1, 0x0023c2, 0x0023d1, 0x0023f2, 0x002411,
    0x002422, 0x002431, 0x002469, 0x002502, 0x002943, 0x002952, 0x002b03, 0x002c27, 0x002c63, 0x002d27,
    0x002e03, 0x002e57, 0x002ec3, 0x002ed7, 0x002ee3, 0x002ef7, 0x003004, 0x003709, 0x003743, 0x003757,
    0x003761, 0x003772, 0x003780, 0x0037a3, 0x0037b2, 0x0037e6, 0x0037f1, 0x003800, 0x003847, 0x003861,
    0x003876, 0x003881, 0x0038b0, 0x0038c1, 0x0038d0, 0x0038e1, 0x003902, 0x003911, 0x003a20, 0x003a31,
    0x003ac2, 0x003cf1, 0x003d02, 0x003d21, 0x003d52, 0x003d89, 0x003f02, 0x003f41, 0x003f52, 0x003f67,
    0x003f71, 0x003f82, 0x003f91, 0x003fb2, 0x003fd1, 0x004302, 0x004609, 0x004827, 0x004834, 0x0048a9,
    0x004c01, 0x004c1a, 0x004cf2, 0x004d09, 0x005300, 0x005311, 0x005570, 0x005593, 0x0055a6, 0x005602,
    0x005896, 0x0058b0, 0x0058d7, 0x005900, 0x005914, 0x005be6, 0x005bf4, 0x005c06, 0x005c14, 0x005c36,
    0x005c44, 0x005c66, 0x005c74, 0x005c80, 0x005d03, 0x005eb0, 0x005ef3, 0x005f36, 0x005f50, 0x006067,
    0x006096, 0x0060b7, 0x0060c6, 0x0060e7, 0x006104, 0x0061b6, 0x0061c0, 0x0061d6, 0x006203, 0x0064b4,
    0x006605, 0x0066a6, 0x0066e3, 0x006704, 0x006713, 0x006d46, 0x006d53, 0x006d64, 0x006dd0, 0x006de7,
    0x006df4, 0x006e53, 0x006e74, 0x006e97, 0x006ea4, 0x006ee3, 0x006f05, 0x006fa3, 0x006fd7, 0x006ff3,
    0x007006, 0x0070e0, 0x007103, 0x007114, 0x007123, 0x007304, 0x0074b0, 0x0074d3, 0x007a64, 0x007b13,
    0x007b20, 0x007c05, 0x007ca3, 0x007eb4, 0x007f43, 0x007f67, 0x007f76, 0x007fa3, 0x007fb0, 0x007fd4,
    0x007fe7, 0x008003, 0x008164, 0x0081a3, 0x0081b4, 0x008243, 0x008254, 0x008283, 0x008294, 0x0082e0,
    0x008306, 0x0083f0, 0x008403, 0x008594, 0x0085c0, 0x0085e6, 0x0085f0, 0x008603, 0x0086b0, 0x008703,
    0x008887, 0x008893, 0x0088f0, 0x008984, 0x008a03, 0x008ca4, 0x008e20, 0x008e34, 0x009043, 0x0093a4,
    0x0093d3, 0x0093e4, 0x009503, 0x009514, 0x009583, 0x009624, 0x009646, 0x009665, 0x009706, 0x009713,
    0x009814, 0x009840, 0x009853, 0x0098d0, 0x0098f3, 0x009910, 0x009933, 0x009a90, 0x009aa3, 0x009b10,
    0x009b23, 0x009b30, 0x009b63, 0x009ba0, 0x009bc4, 0x009bd3, 0x009be4, 0x009c50, 0x009c74, 0x009c90,
    0x009cb4, 0x009ce3, 0x009cf0, 0x009d74, 0x009d80, 0x009dc3, 0x009de0, 0x009df3, 0x009e24, 0x009e40,
    0x009e65, 0x009f03, 0x009f27, 0x009f45, 0x009fa7, 0x009fc3, 0x009fd6, 0x009fe4, 0x009ff0, 0x00a014,
    0x00a040, 0x00a053, 0x00a0b0, 0x00a0f3, 0x00a110, 0x00a133, 0x00a290, 0x00a2a3, 0x00a310, 0x00a323,
    0x00a340, 0x00a353, 0x00a370, 0x00a383, 0x00a3a0, 0x00a3c4, 0x00a3d0, 0x00a3e4, 0x00a430, 0x00a474,
    0x00a490, 0x00a4b4, 0x00a4e0, 0x00a514, 0x00a520, 0x00a593, 0x00a5d0, 0x00a5e3, 0x00a5f0, 0x00a665,
    0x00a704, 0x00a723, 0x00a754, 0x00a766, 0x00a770, 0x00a814, 0x00a840, 0x00a853, 0x00a8e0, 0x00a8f3,
    0x00a920, 0x00a933, 0x00aa90, 0x00aaa3, 0x00ab10, 0x00ab23, 0x00ab40, 0x00ab53, 0x00aba0, 0x00abc4,
    0x00abd3, 0x00abe4, 0x00ac60, 0x00ac74, 0x00aca0, 0x00acb4, 0x00ace0, 0x00ad03, 0x00ad10, 0x00ae03,
    0x00ae24, 0x00ae40, 0x00ae65, 0x00af06, 0x00af17, 0x00af20, 0x00af93, 0x00afa4, 0x00b000, 0x00b014,
    0x00b040, 0x00b053, 0x00b0d0, 0x00b0f3, 0x00b110, 0x00b133, 0x00b290, 0x00b2a3, 0x00b310, 0x00b323,
    0x00b340, 0x00b353, 0x00b3a0, 0x00b3c4, 0x00b3d3, 0x00b3e4, 0x00b450, 0x00b474, 0x00b490, 0x00b4b4,
    0x00b4e0, 0x00b554, 0x00b580, 0x00b5c3, 0x00b5e0, 0x00b5f3, 0x00b624, 0x00b640, 0x00b665, 0x00b707,
    0x00b713, 0x00b725, 0x00b780, 0x00b824, 0x00b833, 0x00b840, 0x00b853, 0x00b8b0, 0x00b8e3, 0x00b910,
    0x00b923, 0x00b960, 0x00b993, 0x00b9b0, 0x00b9c3, 0x00b9d0, 0x00b9e3, 0x00ba00, 0x00ba33, 0x00ba50,
    0x00ba83, 0x00bab0, 0x00bae3, 0x00bba0, 0x00bbe4, 0x00bc30, 0x00bc64, 0x00bc90, 0x00bca4, 0x00bce0,
    0x00bd03, 0x00bd10, 0x00bd74, 0x00bd80, 0x00be65, 0x00bf37, 0x00bfb0, 0x00c004, 0x00c053, 0x00c0d0,
    0x00c0e3, 0x00c110, 0x00c123, 0x00c290, 0x00c2a3, 0x00c3a0, 0x00c3c4, 0x00c3d3, 0x00c3e4, 0x00c450,
    0x00c464, 0x00c490, 0x00c4a4, 0x00c4e0, 0x00c554, 0x00c570, 0x00c583, 0x00c5b0, 0x00c5d3, 0x00c5e0,
    0x00c603, 0x00c624, 0x00c640, 0x00c665, 0x00c700, 0x00c776, 0x00c785, 0x00c7f7, 0x00c803, 0x00c814,
    0x00c846, 0x00c853, 0x00c8d0, 0x00c8e3, 0x00c910, 0x00c923, 0x00ca90, 0x00caa3, 0x00cb40, 0x00cb53,
    0x00cba0, 0x00cbc4, 0x00cbd3, 0x00cbe4, 0x00cc50, 0x00cc64, 0x00cc90, 0x00cca4, 0x00cce0, 0x00cd54,
    0x00cd70, 0x00cdd3, 0x00cdf0, 0x00ce03, 0x00ce24, 0x00ce40, 0x00ce65, 0x00cf00, 0x00cf13, 0x00cf34,
    0x00cf40, 0x00d004, 0x00d043, 0x00d0d0, 0x00d0e3, 0x00d110, 0x00d123, 0x00d3b4, 0x00d3d3, 0x00d3e4,
    0x00d450, 0x00d464, 0x00d490, 0x00d4a4, 0x00d4e3, 0x00d4f7, 0x00d500, 0x00d543, 0x00d574, 0x00d585,
    0x00d5f3, 0x00d624, 0x00d640, 0x00d665, 0x00d797, 0x00d7a3, 0x00d800, 0x00d814, 0x00d840, 0x00d853,
    0x00d970, 0x00d9a3, 0x00db20, 0x00db33, 0x00dbc0, 0x00dbd3, 0x00dbe0, 0x00dc03, 0x00dc70, 0x00dca4,
    0x00dcb0, 0x00dcf4, 0x00dd50, 0x00dd64, 0x00dd70, 0x00dd84, 0x00de00, 0x00de65, 0x00df00, 0x00df24,
    0x00df46, 0x00df50, 0x00e013, 0x00e314, 0x00e323, 0x00e344, 0x00e3b0, 0x00e3f7, 0x00e403, 0x00e474,
    0x00e4f6, 0x00e505, 0x00e5a6, 0x00e5c0, 0x00e813, 0x00e830, 0x00e843, 0x00e850, 0x00e863, 0x00e8b0,
    0x00e8c3, 0x00ea40, 0x00ea53, 0x00ea60, 0x00ea73, 0x00eb14, 0x00eb23, 0x00eb44, 0x00ebd3, 0x00ebe0,
    0x00ec03, 0x00ec50, 0x00ec63, 0x00ec70, 0x00ec84, 0x00ecf0, 0x00ed05, 0x00eda0, 0x00edc3, 0x00ee00,
    0x00f003, 0x00f017, 0x00f046, 0x00f137, 0x00f146, 0x00f157, 0x00f184, 0x00f1a7, 0x00f205, 0x00f347,
    0x00f354, 0x00f367, 0x00f374, 0x00f387, 0x00f394, 0x00f3a6, 0x00f3e4, 0x00f403, 0x00f480, 0x00f493,
    0x00f6d0, 0x00f714, 0x00f856, 0x00f864, 0x00f883, 0x00f8d4, 0x00f980, 0x00f994, 0x00fbd0, 0x00fbe7,
    0x00fc64, 0x00fc77, 0x00fcd0, 0x00fce7, 0x00fd06, 0x00fd57, 0x00fd96, 0x00fdb0, 0x010003, 0x0102b4,
    0x0103f3, 0x010405, 0x0104a6, 0x010503, 0x010564, 0x0105a3, 0x0105e4, 0x010613, 0x010624, 0x010653,
    0x010674, 0x0106e3, 0x010714, 0x010753, 0x010824, 0x0108e3, 0x0108f4, 0x010905, 0x0109a4, 0x0109e7,
    0x010a01, 0x010c60, 0x010c71, 0x010c80, 0x010cd1, 0x010ce0, 0x010d02, 0x010fb6, 0x010fc3, 0x010fd2,
    0x011003, 0x012490, 0x0124a3, 0x0124e0, 0x012503, 0x012570, 0x012583, 0x012590, 0x0125a3, 0x0125e0,
    0x012603, 0x012890, 0x0128a3, 0x0128e0, 0x012903, 0x012b10, 0x012b23, 0x012b60, 0x012b83, 0x012bf0,
    0x012c03, 0x012c10, 0x012c23, 0x012c60, 0x012c83, 0x012d70, 0x012d83, 0x013110, 0x013123, 0x013160,
    0x013183, 0x0135b0, 0x0135d4, 0x013606, 0x013695, 0x0137d0, 0x013803, 0x013907, 0x0139a0, 0x013a01,
    0x013f60, 0x013f82, 0x013fe0, 0x014006, 0x014013, 0x0166d7, 0x0166e6, 0x0166f3, 0x016808, 0x016813,
    0x0169b6, 0x0169d0, 0x016a03, 0x016eb6, 0x016ee5, 0x016f13, 0x016f90, 0x017003, 0x017124, 0x017160,
    0x0171f3, 0x017324, 0x017356, 0x017370, 0x017403, 0x017524, 0x017540, 0x017603, 0x0176d0, 0x0176e3,
    0x017710, 0x017724, 0x017740, 0x017803, 0x017b44, 0x017d46, 0x017d73, 0x017d86, 0x017db7, 0x017dc3,
    0x017dd4, 0x017de0, 0x017e05, 0x017ea0, 0x017f05, 0x017fa0, 0x018006, 0x0180b4, 0x0180e0, 0x0180f4,
    0x018105, 0x0181a0, 0x018203, 0x018790, 0x018803, 0x018854, 0x018873, 0x018a94, 0x018aa3, 0x018ab0,
    0x018b03, 0x018f60, 0x019003, 0x0191f0, 0x019204, 0x0192c0, 0x019304, 0x0193c0, 0x019407, 0x019410,
    0x019446, 0x019465, 0x019503, 0x0196e0, 0x019703, 0x019750, 0x019803, 0x019ac0, 0x019b03, 0x019ca0,
    0x019d05, 0x019db0, 0x019de7, 0x01a003, 0x01a174, 0x01a1c0, 0x01a1e6, 0x01a203, 0x01a554, 0x01a5f0,
    0x01a604, 0x01a7d0, 0x01a7f4, 0x01a805, 0x01a8a0, 0x01a905, 0x01a9a0, 0x01aa06, 0x01aa73, 0x01aa86,
    0x01aae0, 0x01ab04, 0x01acf0, 0x01b004, 0x01b053, 0x01b344, 0x01b453, 0x01b4d0, 0x01b505, 0x01b5a6,
    0x01b617, 0x01b6b4, 0x01b747, 0x01b7d6, 0x01b7f0, 0x01b804, 0x01b833, 0x01ba14, 0x01bae3, 0x01bb05,
    0x01bba3, 0x01be64, 0x01bf40, 0x01bfc6, 0x01c003, 0x01c244, 0x01c380, 0x01c3b6, 0x01c405, 0x01c4a0,
    0x01c4d3, 0x01c505, 0x01c5a3, 0x01c7e6, 0x01c802, 0x01c890, 0x01c901, 0x01cbb0, 0x01cbd1, 0x01cc06,
    0x01cc80, 0x01cd04, 0x01cd36, 0x01cd44, 0x01ce93, 0x01ced4, 0x01cee3, 0x01cf44, 0x01cf53, 0x01cf74,
    0x01cfa3, 0x01cfb0, 0x01d002, 0x01d2c3, 0x01d6b2, 0x01d783, 0x01d792, 0x01d9b3, 0x01dc04, 0x01e009,
    0x01e962, 0x01e9e9, 0x01f002, 0x01f081, 0x01f102, 0x01f160, 0x01f181, 0x01f1e0, 0x01f202, 0x01f281,
    0x01f302, 0x01f381, 0x01f402, 0x01f460, 0x01f481, 0x01f4e0, 0x01f502, 0x01f580, 0x01f591, 0x01f5a0,
    0x01f5b1, 0x01f5c0, 0x01f5d1, 0x01f5e0, 0x01f5f1, 0x01f602, 0x01f681, 0x01f702, 0x01f7e0, 0x01f802,
    0x01f881, 0x01f902, 0x01f981, 0x01fa02, 0x01fa81, 0x01fb02, 0x01fb50, 0x01fb62, 0x01fb81, 0x01fbd7,
    0x01fbe2, 0x01fbf7, 0x01fc22, 0x01fc50, 0x01fc62, 0x01fc81, 0x01fcd7, 0x01fd02, 0x01fd40, 0x01fd62,
    0x01fd81, 0x01fdc0, 0x01fdd7, 0x01fe02, 0x01fe81, 0x01fed7, 0x01ff00, 0x01ff22, 0x01ff50, 0x01ff62,
    0x01ff81, 0x01ffd7, 0x01fff0, 0x020008, 0x0200b0, 0x020106, 0x020288, 0x0202a0, 0x0202f8, 0x020306,
    0x020447, 0x020456, 0x020527, 0x020536, 0x0205f8, 0x020600, 0x020705, 0x020713, 0x020720, 0x020745,
    0x0207a7, 0x0207d6, 0x0207f3, 0x020805, 0x0208a7, 0x0208d6, 0x0208f0, 0x020903, 0x0209d0, 0x020a07,
    0x020c10, 0x020d04, 0x020f10, 0x021007, 0x021021, 0x021037, 0x021071, 0x021087, 0x0210a2, 0x0210b1,
    0x0210e2, 0x021101, 0x021132, 0x021147, 0x021151, 0x021167, 0x021191, 0x0211e7, 0x021241, 0x021257,
    0x021261, 0x021277, 0x021281, 0x021297, 0x0212a1, 0x0212e7, 0x0212f2, 0x021301, 0x021342, 0x021353,
    0x021392, 0x0213a7, 0x0213c2, 0x0213e1, 0x021407, 0x021451, 0x021462, 0x0214a7, 0x0214e2, 0x0214f7,
    0x021505, 0x021831, 0x021842, 0x021855, 0x0218a7, 0x0218c0, 0x021907, 0x023086, 0x0230c7, 0x023296,
    0x0232b7, 0x024270, 0x024407, 0x0244b0, 0x024605, 0x0249c7, 0x024ea5, 0x025007, 0x027686, 0x027765,
    0x027947, 0x027c56, 0x027c77, 0x027e66, 0x027f07, 0x029836, 0x029997, 0x029d86, 0x029dc7, 0x029fc6,
    0x029fe7, 0x02b740, 0x02b767, 0x02b960, 0x02b977, 0x02c001, 0x02c302, 0x02c601, 0x02c612, 0x02c621,
    0x02c652, 0x02c67a, 0x02c6d1, 0x02c709, 0x02c742, 0x02c751, 0x02c762, 0x02c7c3, 0x02c7e1, 0x02c809,
    0x02ce42, 0x02ce57, 0x02ceba, 0x02cef4, 0x02cf21, 0x02cf32, 0x02cf40, 0x02cf96, 0x02cfd5, 0x02cfe6,
    0x02d002, 0x02d260, 0x02d272, 0x02d280, 0x02d2d2, 0x02d2e0, 0x02d303, 0x02d680, 0x02d6f3, 0x02d706,
    0x02d710, 0x02d7f4, 0x02d803, 0x02d970, 0x02da03, 0x02da70, 0x02da83, 0x02daf0, 0x02db03, 0x02db70,
    0x02db83, 0x02dbf0, 0x02dc03, 0x02dc70, 0x02dc83, 0x02dcf0, 0x02dd03, 0x02dd70, 0x02dd83, 0x02ddf0,
    0x02de04, 0x02e006, 0x02e2f3, 0x02e306, 0x02e507, 0x02e526, 0x02e5e0, 0x02e807, 0x02e9a0, 0x02e9b7,
    0x02ef40, 0x02f007, 0x02fd60, 0x02ff07, 0x02ffc0, 0x030008, 0x030016, 0x030047, 0x030053, 0x030075,
    0x030086, 0x030127, 0x030146, 0x030207, 0x030215, 0x0302a4, 0x030306, 0x030313, 0x030367, 0x030385,
    0x0303b3, 0x0303d6, 0x0303e7, 0x030400, 0x030413, 0x030970, 0x030994, 0x0309b7, 0x0309d3, 0x030a06,
    0x030a13, 0x030fb6, 0x030fc3, 0x031000, 0x031053, 0x031300, 0x031313, 0x0318f0, 0x031907, 0x031925,
    0x031967, 0x031a03, 0x031c07, 0x031e40, 0x031f03, 0x032007, 0x0321f0, 0x032205, 0x0322a7, 0x032485,
    0x032507, 0x032515, 0x032607, 0x032805, 0x0328a7, 0x032b15, 0x032c07, 0x034003, 0x04dc07, 0x04e003,
    0x0a48d0, 0x0a4907, 0x0a4c70, 0x0a4d03, 0x0a4fe6, 0x0a5003, 0x0a60d6, 0x0a6103, 0x0a6205, 0x0a62a3,
    0x0a62c0, 0x0a6409, 0x0a66e3, 0x0a66f4, 0x0a6736, 0x0a6744, 0x0a67e6, 0x0a67f3, 0x0a6809, 0x0a69c3,
    0x0a69e4, 0x0a6a03, 0x0a6e65, 0x0a6f04, 0x0a6f26, 0x0a6f80, 0x0a7007, 0x0a7173, 0x0a7207, 0x0a7229,
    0x0a7302, 0x0a7329, 0x0a7703, 0x0a7712, 0x0a779a, 0x0a77d1, 0x0a77e9, 0x0a7883, 0x0a7897, 0x0a78ba,
    0x0a78f3, 0x0a7909, 0x0a7942, 0x0a7969, 0x0a7aa1, 0x0a7af2, 0x0a7b01, 0x0a7b49, 0x0a7c41, 0x0a7c7a,
    0x0a7cb0, 0x0a7d01, 0x0a7d12, 0x0a7d20, 0x0a7d32, 0x0a7d40, 0x0a7d52, 0x0a7d69, 0x0a7da0, 0x0a7f23,
    0x0a7f51, 0x0a7f62, 0x0a7f73, 0x0a7fa2, 0x0a7fb3, 0x0a8024, 0x0a8033, 0x0a8064, 0x0a8073, 0x0a80b4,
    0x0a80c3, 0x0a8234, 0x0a8287, 0x0a82c4, 0x0a82d0, 0x0a8305, 0x0a8367, 0x0a83a0, 0x0a8403, 0x0a8746,
    0x0a8780, 0x0a8804, 0x0a8823, 0x0a8b44, 0x0a8c60, 0x0a8ce6, 0x0a8d05, 0x0a8da0, 0x0a8e04, 0x0a8f23,
    0x0a8f86, 0x0a8fb3, 0x0a8fc6, 0x0a8fd3, 0x0a8ff4, 0x0a9005, 0x0a90a3, 0x0a9264, 0x0a92e6, 0x0a9303,
    0x0a9474, 0x0a9540, 0x0a95f6, 0x0a9603, 0x0a97d0, 0x0a9804, 0x0a9843, 0x0a9b34, 0x0a9c16, 0x0a9ce0,
    0x0a9cf3, 0x0a9d05, 0x0a9da0, 0x0a9de6, 0x0a9e03, 0x0a9e54, 0x0a9e63, 0x0a9f05, 0x0a9fa3, 0x0a9ff0,
    0x0aa003, 0x0aa294, 0x0aa370, 0x0aa403, 0x0aa434, 0x0aa443, 0x0aa4c4, 0x0aa4e0, 0x0aa505, 0x0aa5a0,
    0x0aa5c6, 0x0aa603, 0x0aa777, 0x0aa7a3, 0x0aa7b4, 0x0aa7e3, 0x0aab04, 0x0aab13, 0x0aab24, 0x0aab53,
    0x0aab74, 0x0aab93, 0x0aabe4, 0x0aac03, 0x0aac14, 0x0aac23, 0x0aac30, 0x0aadb3, 0x0aade6, 0x0aae03,
    0x0aaeb4, 0x0aaf06, 0x0aaf23, 0x0aaf54, 0x0aaf70, 0x0ab013, 0x0ab070, 0x0ab093, 0x0ab0f0, 0x0ab113,
    0x0ab170, 0x0ab203, 0x0ab270, 0x0ab283, 0x0ab2f0, 0x0ab302, 0x0ab5b7, 0x0ab5c3, 0x0ab602, 0x0ab693,
    0x0ab6a7, 0x0ab6c0, 0x0ab702, 0x0abc03, 0x0abe34, 0x0abeb6, 0x0abec4, 0x0abee0, 0x0abf05, 0x0abfa0,
    0x0ac003, 0x0d7a40, 0x0d7b03, 0x0d7c70, 0x0d7cb3, 0x0d7fc0, 0x0f9003, 0x0fa6e0, 0x0fa703, 0x0fada0,
    0x0fb002, 0x0fb070, 0x0fb132, 0x0fb180, 0x0fb1d3, 0x0fb1e4, 0x0fb1f3, 0x0fb297, 0x0fb2a3, 0x0fb370,
    0x0fb383, 0x0fb3d0, 0x0fb3e3, 0x0fb3f0, 0x0fb403, 0x0fb420, 0x0fb433, 0x0fb450, 0x0fb463, 0x0fbb27,
    0x0fbc30, 0x0fbd33, 0x0fd3e6, 0x0fd407, 0x0fd503, 0x0fd900, 0x0fd923, 0x0fdc80, 0x0fdcf7, 0x0fdd00,
    0x0fdf03, 0x0fdfc7, 0x0fe004, 0x0fe106, 0x0fe1a0, 0x0fe204, 0x0fe306, 0x0fe530, 0x0fe546, 0x0fe627,
    0x0fe636, 0x0fe647, 0x0fe670, 0x0fe686, 0x0fe697, 0x0fe6a6, 0x0fe6c0, 0x0fe703, 0x0fe750, 0x0fe763,
    0x0fefd0, 0x0ff016, 0x0ff047, 0x0ff056, 0x0ff0b7, 0x0ff0c6, 0x0ff105, 0x0ff1a6, 0x0ff1c7, 0x0ff1f6,
    0x0ff211, 0x0ff3b6, 0x0ff3e7, 0x0ff3f6, 0x0ff407, 0x0ff412, 0x0ff5b6, 0x0ff5c7, 0x0ff5d6, 0x0ff5e7,
    0x0ff5f6, 0x0ff663, 0x0ffbf0, 0x0ffc23, 0x0ffc80, 0x0ffca3, 0x0ffd00, 0x0ffd23, 0x0ffd80, 0x0ffda3,
    0x0ffdd0, 0x0ffe07, 0x0ffe70, 0x0ffe87, 0x0ffef0, 0x0fffc7, 0x0fffe0, 0x100003, 0x1000c0, 0x1000d3,
    0x100270, 0x100283, 0x1003b0, 0x1003c3, 0x1003e0, 0x1003f3, 0x1004e0, 0x100503, 0x1005e0, 0x100803,
    0x100fb0, 0x101006, 0x101030, 0x101075, 0x101340, 0x101377, 0x101405, 0x101797, 0x1018a5, 0x1018c7,
    0x1018f0, 0x101907, 0x1019d0, 0x101a07, 0x101a10, 0x101d07, 0x101fd4, 0x101fe0, 0x102803, 0x1029d0,
    0x102a03, 0x102d10, 0x102e04, 0x102e15, 0x102fc0, 0x103003, 0x103205, 0x103240, 0x1032d3, 0x103415,
    0x103423, 0x1034a5, 0x1034b0, 0x103503, 0x103764, 0x1037b0, 0x103803, 0x1039e0, 0x1039f6, 0x103a03,
    0x103c40, 0x103c83, 0x103d06, 0x103d15, 0x103d60, 0x104001, 0x104282, 0x104503, 0x1049e0, 0x104a05,
    0x104aa0, 0x104b01, 0x104d40, 0x104d82, 0x104fc0, 0x105003, 0x105280, 0x105303, 0x105640, 0x1056f6,
    0x105701, 0x1057b0, 0x1057c1, 0x1058b0, 0x1058c1, 0x105930, 0x105941, 0x105960, 0x105972, 0x105a20,
    0x105a32, 0x105b20, 0x105b32, 0x105ba0, 0x105bb2, 0x105bd0, 0x106003, 0x107370, 0x107403, 0x107560,
    0x107603, 0x107680, 0x107803, 0x107860, 0x107873, 0x107b10, 0x107b23, 0x107bb0, 0x108003, 0x108060,
    0x108083, 0x108090, 0x1080a3, 0x108360, 0x108373, 0x108390, 0x1083c3, 0x1083d0, 0x1083f3, 0x108560,
    0x108576, 0x108585, 0x108603, 0x108777, 0x108795, 0x108803, 0x1089f0, 0x108a75, 0x108b00, 0x108e03,
    0x108f30, 0x108f43, 0x108f60, 0x108fb5, 0x109003, 0x109165, 0x1091c0, 0x1091f6, 0x109203, 0x1093a0,
    0x1093f6, 0x109400, 0x109803, 0x109b80, 0x109bc5, 0x109be3, 0x109c05, 0x109d00, 0x109d25, 0x10a003,
    0x10a014, 0x10a040, 0x10a054, 0x10a070, 0x10a0c4, 0x10a103, 0x10a140, 0x10a153, 0x10a180, 0x10a193,
    0x10a360, 0x10a384, 0x10a3b0, 0x10a3f4, 0x10a405, 0x10a490, 0x10a506, 0x10a590, 0x10a603, 0x10a7d5,
    0x10a7f6, 0x10a803, 0x10a9d5, 0x10aa00, 0x10ac03, 0x10ac87, 0x10ac93, 0x10ae54, 0x10ae70, 0x10aeb5,
    0x10af06, 0x10af70, 0x10b003, 0x10b360, 0x10b396, 0x10b403, 0x10b560, 0x10b585, 0x10b603, 0x10b730,
    0x10b785, 0x10b803, 0x10b920, 0x10b996, 0x10b9d0, 0x10ba95, 0x10bb00, 0x10c003, 0x10c490, 0x10c801,
    0x10cb30, 0x10cc02, 0x10cf30, 0x10cfa5, 0x10d003, 0x10d244, 0x10d280, 0x10d305, 0x10d3a0, 0x10e605,
    0x10e7f0, 0x10e803, 0x10eaa0, 0x10eab4, 0x10ead6, 0x10eae0, 0x10eb03, 0x10eb20, 0x10efd4, 0x10f003,
    0x10f1d5, 0x10f273, 0x10f280, 0x10f303, 0x10f464, 0x10f515, 0x10f556, 0x10f5a0, 0x10f703, 0x10f824,
    0x10f866, 0x10f8a0, 0x10fb03, 0x10fc55, 0x10fcc0, 0x10fe03, 0x10ff70, 0x110004, 0x110033, 0x110384,
    0x110476, 0x1104e0, 0x110525, 0x110704, 0x110713, 0x110734, 0x110753, 0x110760, 0x1107f4, 0x110833,
    0x110b04, 0x110bb6, 0x110bd0, 0x110be6, 0x110c24, 0x110c30, 0x110d03, 0x110e90, 0x110f05, 0x110fa0,
    0x111004, 0x111033, 0x111274, 0x111350, 0x111365, 0x111406, 0x111443, 0x111454, 0x111473, 0x111480,
    0x111503, 0x111734, 0x111746, 0x111763, 0x111770, 0x111804, 0x111833, 0x111b34, 0x111c13, 0x111c56,
    0x111c94, 0x111cd6, 0x111ce4, 0x111d05, 0x111da3, 0x111db6, 0x111dc3, 0x111dd6, 0x111e00, 0x111e15,
    0x111f50, 0x112003, 0x112120, 0x112133, 0x1122c4, 0x112386, 0x1123e4, 0x1123f3, 0x112414, 0x112420,
    0x112803, 0x112870, 0x112883, 0x112890, 0x1128a3, 0x1128e0, 0x1128f3, 0x1129e0, 0x1129f3, 0x112a96,
    0x112aa0, 0x112b03, 0x112df4, 0x112eb0, 0x112f05, 0x112fa0, 0x113004, 0x113040, 0x113053, 0x1130d0,
    0x1130f3, 0x113110, 0x113133, 0x113290, 0x1132a3, 0x113310, 0x113323, 0x113340, 0x113353, 0x1133a0,
    0x1133b4, 0x1133d3, 0x1133e4, 0x113450, 0x113474, 0x113490, 0x1134b4, 0x1134e0, 0x113503, 0x113510,
    0x113574, 0x113580, 0x1135d3, 0x113624, 0x113640, 0x113664, 0x1136d0, 0x113704, 0x113750, 0x114003,
    0x114354, 0x114473, 0x1144b6, 0x114505, 0x1145a6, 0x1145c0, 0x1145d6, 0x1145e4, 0x1145f3, 0x114620,
    0x114803, 0x114b04, 0x114c43, 0x114c66, 0x114c73, 0x114c80, 0x114d05, 0x114da0, 0x115803, 0x115af4,
    0x115b60, 0x115b84, 0x115c16, 0x115d83, 0x115dc4, 0x115de0, 0x116003, 0x116304, 0x116416, 0x116443,
    0x116450, 0x116505, 0x1165a0, 0x116606, 0x1166d0, 0x116803, 0x116ab4, 0x116b83, 0x116b96, 0x116ba0,
    0x116c05, 0x116ca0, 0x117003, 0x1171b0, 0x1171d4, 0x1172c0, 0x117305, 0x1173c6, 0x1173f7, 0x117403,
    0x117470, 0x118003, 0x1182c4, 0x1183b6, 0x1183c0, 0x118a01, 0x118c02, 0x118e05, 0x118f30, 0x118ff3,
    0x119070, 0x119093, 0x1190a0, 0x1190c3, 0x119140, 0x119153, 0x119170, 0x119183, 0x119304, 0x119360,
    0x119374, 0x119390, 0x1193b4, 0x1193f3, 0x119404, 0x119413, 0x119424, 0x119446, 0x119470, 0x119505,
    0x1195a0, 0x119a03, 0x119a80, 0x119aa3, 0x119d14, 0x119d80, 0x119da4, 0x119e13, 0x119e26, 0x119e33,
    0x119e44, 0x119e50, 0x11a003, 0x11a014, 0x11a0b3, 0x11a334, 0x11a3a3, 0x11a3b4, 0x11a3f6, 0x11a474,
    0x11a480, 0x11a503, 0x11a514, 0x11a5c3, 0x11a8a4, 0x11a9a6, 0x11a9d3, 0x11a9e6, 0x11aa30, 0x11ab03,
    0x11af90, 0x11b006, 0x11b0a0, 0x11c003, 0x11c090, 0x11c0a3, 0x11c2f4, 0x11c370, 0x11c384, 0x11c403,
    0x11c416, 0x11c460, 0x11c505, 0x11c6d0, 0x11c706, 0x11c723, 0x11c900, 0x11c924, 0x11ca80, 0x11ca94,
    0x11cb70, 0x11d003, 0x11d070, 0x11d083, 0x11d0a0, 0x11d0b3, 0x11d314, 0x11d370, 0x11d3a4, 0x11d3b0,
    0x11d3c4, 0x11d3e0, 0x11d3f4, 0x11d463, 0x11d474, 0x11d480, 0x11d505, 0x11d5a0, 0x11d603, 0x11d660,
    0x11d673, 0x11d690, 0x11d6a3, 0x11d8a4, 0x11d8f0, 0x11d904, 0x11d920, 0x11d934, 0x11d983, 0x11d990,
    0x11da05, 0x11daa0, 0x11ee03, 0x11ef34, 0x11ef76, 0x11ef90, 0x11f004, 0x11f023, 0x11f034, 0x11f043,
    0x11f110, 0x11f123, 0x11f344, 0x11f3b0, 0x11f3e4, 0x11f436, 0x11f505, 0x11f5a0, 0x11fb03, 0x11fb10,
    0x11fc05, 0x11fd57, 0x11ff20, 0x11fff6, 0x120003, 0x1239a0, 0x124005, 0x1246f0, 0x124706, 0x124750,
    0x124803, 0x125440, 0x12f903, 0x12ff16, 0x12ff30, 0x130003, 0x134300, 0x134404, 0x134413, 0x134474,
    0x134560, 0x144003, 0x146470, 0x168003, 0x16a390, 0x16a403, 0x16a5f0, 0x16a605, 0x16a6a0, 0x16a6e6,
    0x16a703, 0x16abf0, 0x16ac05, 0x16aca0, 0x16ad03, 0x16aee0, 0x16af04, 0x16af56, 0x16af60, 0x16b003,
    0x16b304, 0x16b376, 0x16b3c7, 0x16b403, 0x16b446, 0x16b457, 0x16b460, 0x16b505, 0x16b5a0, 0x16b5b5,
    0x16b620, 0x16b633, 0x16b780, 0x16b7d3, 0x16b900, 0x16e401, 0x16e602, 0x16e805, 0x16e976, 0x16e9b0,
    0x16f003, 0x16f4b0, 0x16f4f4, 0x16f503, 0x16f514, 0x16f880, 0x16f8f4, 0x16f933, 0x16fa00, 0x16fe03,
    0x16fe26, 0x16fe33, 0x16fe44, 0x16fe50, 0x16ff04, 0x16ff20, 0x170003, 0x187f80, 0x188003, 0x18cd60,
    0x18d003, 0x18d090, 0x1aff03, 0x1aff40, 0x1aff53, 0x1affc0, 0x1affd3, 0x1afff0, 0x1b0003, 0x1b1230,
    0x1b1323, 0x1b1330, 0x1b1503, 0x1b1530, 0x1b1553, 0x1b1560, 0x1b1643, 0x1b1680, 0x1b1703, 0x1b2fc0,
    0x1bc003, 0x1bc6b0, 0x1bc703, 0x1bc7d0, 0x1bc803, 0x1bc890, 0x1bc903, 0x1bc9a0, 0x1bc9c7, 0x1bc9d4,
    0x1bc9f6, 0x1bca00, 0x1cf004, 0x1cf2e0, 0x1cf304, 0x1cf470, 0x1cf507, 0x1cfc40, 0x1d0007, 0x1d0f60,
    0x1d1007, 0x1d1270, 0x1d1297, 0x1d1654, 0x1d16a7, 0x1d16d4, 0x1d1730, 0x1d17b4, 0x1d1837, 0x1d1854,
    0x1d18c7, 0x1d1aa4, 0x1d1ae7, 0x1d1eb0, 0x1d2007, 0x1d2424, 0x1d2457, 0x1d2460, 0x1d2c05, 0x1d2d40,
    0x1d2e05, 0x1d2f40, 0x1d3007, 0x1d3570, 0x1d3605, 0x1d3790, 0x1d4001, 0x1d41a2, 0x1d4341, 0x1d44e2,
    0x1d4550, 0x1d4562, 0x1d4681, 0x1d4822, 0x1d49c1, 0x1d49d0, 0x1d49e1, 0x1d4a00, 0x1d4a21, 0x1d4a30,
    0x1d4a51, 0x1d4a70, 0x1d4a91, 0x1d4ad0, 0x1d4ae1, 0x1d4b62, 0x1d4ba0, 0x1d4bb2, 0x1d4bc0, 0x1d4bd2,
    0x1d4c40, 0x1d4c52, 0x1d4d01, 0x1d4ea2, 0x1d5041, 0x1d5060, 0x1d5071, 0x1d50b0, 0x1d50d1, 0x1d5150,
    0x1d5161, 0x1d51d0, 0x1d51e2, 0x1d5381, 0x1d53a0, 0x1d53b1, 0x1d53f0, 0x1d5401, 0x1d5450, 0x1d5461,
    0x1d5470, 0x1d54a1, 0x1d5510, 0x1d5522, 0x1d56c1, 0x1d5862, 0x1d5a01, 0x1d5ba2, 0x1d5d41, 0x1d5ee2,
    0x1d6081, 0x1d6222, 0x1d63c1, 0x1d6562, 0x1d6701, 0x1d68a2, 0x1d6a60, 0x1d6a81, 0x1d6c17, 0x1d6c22,
    0x1d6db7, 0x1d6dc2, 0x1d6e21, 0x1d6fb7, 0x1d6fc2, 0x1d7157, 0x1d7162, 0x1d71c1, 0x1d7357, 0x1d7362,
    0x1d74f7, 0x1d7502, 0x1d7561, 0x1d76f7, 0x1d7702, 0x1d7897, 0x1d78a2, 0x1d7901, 0x1d7a97, 0x1d7aa2,
    0x1d7c37, 0x1d7c42, 0x1d7ca1, 0x1d7cb2, 0x1d7cc0, 0x1d7ce5, 0x1d8007, 0x1da004, 0x1da377, 0x1da3b4,
    0x1da6d7, 0x1da754, 0x1da767, 0x1da844, 0x1da857, 0x1da876, 0x1da8c0, 0x1da9b4, 0x1daa00, 0x1daa14,
    0x1dab00, 0x1df002, 0x1df0a3, 0x1df0b2, 0x1df1f0, 0x1df252, 0x1df2b0, 0x1e0004, 0x1e0070, 0x1e0084,
    0x1e0190, 0x1e01b4, 0x1e0220, 0x1e0234, 0x1e0250, 0x1e0264, 0x1e02b0, 0x1e0303, 0x1e06e0, 0x1e08f4,
    0x1e0900, 0x1e1003, 0x1e12d0, 0x1e1304, 0x1e1373, 0x1e13e0, 0x1e1405, 0x1e14a0, 0x1e14e3, 0x1e14f7,
    0x1e1500, 0x1e2903, 0x1e2ae4, 0x1e2af0, 0x1e2c03, 0x1e2ec4, 0x1e2f05, 0x1e2fa0, 0x1e2ff7, 0x1e3000,
    0x1e4d03, 0x1e4ec4, 0x1e4f05, 0x1e4fa0, 0x1e7e03, 0x1e7e70, 0x1e7e83, 0x1e7ec0, 0x1e7ed3, 0x1e7ef0,
    0x1e7f03, 0x1e7ff0, 0x1e8003, 0x1e8c50, 0x1e8c75, 0x1e8d04, 0x1e8d70, 0x1e9001, 0x1e9222, 0x1e9444,
    0x1e94b3, 0x1e94c0, 0x1e9505, 0x1e95a0, 0x1e95e6, 0x1e9600, 0x1ec715, 0x1ecac7, 0x1ecad5, 0x1ecb07,
    0x1ecb15, 0x1ecb50, 0x1ed015, 0x1ed2e7, 0x1ed2f5, 0x1ed3e0, 0x1ee003, 0x1ee040, 0x1ee053, 0x1ee200,
    0x1ee213, 0x1ee230, 0x1ee243, 0x1ee250, 0x1ee273, 0x1ee280, 0x1ee293, 0x1ee330, 0x1ee343, 0x1ee380,
    0x1ee393, 0x1ee3a0, 0x1ee3b3, 0x1ee3c0, 0x1ee423, 0x1ee430, 0x1ee473, 0x1ee480, 0x1ee493, 0x1ee4a0,
    0x1ee4b3, 0x1ee4c0, 0x1ee4d3, 0x1ee500, 0x1ee513, 0x1ee530, 0x1ee543, 0x1ee550, 0x1ee573, 0x1ee580,
    0x1ee593, 0x1ee5a0, 0x1ee5b3, 0x1ee5c0, 0x1ee5d3, 0x1ee5e0, 0x1ee5f3, 0x1ee600, 0x1ee613, 0x1ee630,
    0x1ee643, 0x1ee650, 0x1ee673, 0x1ee6b0, 0x1ee6c3, 0x1ee730, 0x1ee743, 0x1ee780, 0x1ee793, 0x1ee7d0,
    0x1ee7e3, 0x1ee7f0, 0x1ee803, 0x1ee8a0, 0x1ee8b3, 0x1ee9c0, 0x1eea13, 0x1eea40, 0x1eea53, 0x1eeaa0,
    0x1eeab3, 0x1eebc0, 0x1eef07, 0x1eef20, 0x1f0007, 0x1f02c0, 0x1f0307, 0x1f0940, 0x1f0a07, 0x1f0af0,
    0x1f0b17, 0x1f0c00, 0x1f0c17, 0x1f0d00, 0x1f0d17, 0x1f0f60, 0x1f1005, 0x1f10d7, 0x1f1ae0, 0x1f1e67,
    0x1f2030, 0x1f2107, 0x1f23c0, 0x1f2407, 0x1f2490, 0x1f2507, 0x1f2520, 0x1f2607, 0x1f2660, 0x1f3007,
    0x1f6d80, 0x1f6dc7, 0x1f6ed0, 0x1f6f07, 0x1f6fd0, 0x1f7007, 0x1f7770, 0x1f77b7, 0x1f7da0, 0x1f7e07,
    0x1f7ec0, 0x1f7f07, 0x1f7f10, 0x1f8007, 0x1f80c0, 0x1f8107, 0x1f8480, 0x1f8507, 0x1f85a0, 0x1f8607,
    0x1f8880, 0x1f8907, 0x1f8ae0, 0x1f8b07, 0x1f8b20, 0x1f9007, 0x1fa540, 0x1fa607, 0x1fa6e0, 0x1fa707,
    0x1fa7d0, 0x1fa807, 0x1fa890, 0x1fa907, 0x1fabe0, 0x1fabf7, 0x1fac60, 0x1face7, 0x1fadc0, 0x1fae07,
    0x1fae90, 0x1faf07, 0x1faf90, 0x1fb007, 0x1fb930, 0x1fb947, 0x1fbcb0, 0x1fbf05, 0x1fbfa0, 0x200003,
    0x2a6e00, 0x2a7003, 0x2b73a0, 0x2b7403, 0x2b81e0, 0x2b8203, 0x2cea20, 0x2ceb03, 0x2ebe10, 0x2f8003,
    0x2fa1e0, 0x300003, 0x3134b0, 0x313503, 0x323b00, 0xe01004, 0xe01f00,
};

/* Class of range entry e at code point cp. Alphabets where upper and lower case alternate
   are one entry: which of the two a code point is says its lowest bit. */
static uint8_t llmc__uc_entry_class(uint32_t e, uint32_t cp)
{
    uint32_t c = e & 15;
    if (c == LLMC__UC_CASE_EVEN || c == LLMC__UC_CASE_ODD)
        return (cp & 1) == (c == LLMC__UC_CASE_ODD) ? LLMC__UC_UPPER : LLMC__UC_LOWER;
    return (uint8_t)c;
}

/* Class of any code point by bisection, 12 steps; OTHER beyond U+10FFFF, which also covers
   LLMC__NOT_UTF8. Entry 0 begins at 0, so that entry lo always begins at or before cp. */
static uint8_t llmc__uc_class(uint32_t cp)
{
    uint32_t lo = 0, hi = (uint32_t)(sizeof llmc__uc_range / sizeof llmc__uc_range[0]);
    if (cp > 0x10ffff)
        return LLMC__UC_OTHER;
    while (hi - lo > 1) {
        uint32_t mid = (lo + hi) / 2;
        if (llmc__uc_range[mid] >> 4 <= cp)
            lo = mid;
        else
            hi = mid;
    }
    return llmc__uc_entry_class(llmc__uc_range[lo], cp);
}

#define LLMC__UC_BMP 0x10000u /* code points with a byte each in the tokenizer's own table */

/* table [LLMC__UC_BMP] gets every class, so that splitting needs no search for text outside the
   supplementary planes. The ranges are walked along; the last one begins far above the BMP,
   so e[1] is always there. */
static void llmc__uc_fill(uint8_t *table)
{
    const uint32_t *e = llmc__uc_range;
    uint32_t cp;
    for (cp = 0; cp < LLMC__UC_BMP; cp++) {
        if (e[1] >> 4 <= cp)
            e++;
        table[cp] = llmc__uc_entry_class(*e, cp);
    }
}

#define LLMC__NOT_UTF8 UINT32_MAX /* no code point; its class is OTHER */

/* Length of the character at p [n], n >= 1, and its code point. A byte that begins no
   well-formed character (Unicode 15, table 3-7) counts alone, as LLMC__NOT_UTF8: overlong forms,
   surrogates, lone continuation bytes, and what the end of the text cuts off.

     1  0xxxxxxx                                 from U+0000
     2  110xxxxx 10xxxxxx                        from U+0080    (C0, C1 never)
     3  1110xxxx 10xxxxxx 10xxxxxx               from U+0800    (not U+D800..DFFF)
     4  11110xxx 10xxxxxx 10xxxxxx 10xxxxxx      from U+10000 to U+10FFFF   (F5.. never) */
static uint32_t llmc__uc_next(const uint8_t *p, size_t n, uint32_t *cp)
{
    uint32_t b = p[0], len, i, v;
    *cp = b;
    if (b < 0x80)
        return 1;
    *cp = LLMC__NOT_UTF8;
    len = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : 2;
    if (b < 0xc2 || b > 0xf4 || len > n)
        return 1;
    v = b & (0x7fu >> len);
    for (i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 1;
        v = v << 6 | (p[i] & 0x3fu);
    }
    if ((len == 3 && v < 0x800) || (len == 4 && (v < 0x10000 || v > 0x10ffff)) || (v >= 0xd800 && v < 0xe000))
        return 1;
    *cp = v;
    return len;
}

/* The byte that a character of GPT-2's byte alphabet stands for; -1 if it is none.
   Printable Latin-1 stands for itself, the 68 other bytes follow in order from U+0100:

     U+0100..0120  bytes 00..20     (the space is U+0120)
     U+0121..0142  bytes 7F..A0
     U+0143        byte  AD

   Source: bytes_to_unicode in GPT-2's encoder.py. */
static int llmc__alphabet_byte(uint32_t cp)
{
    if ((cp >= 33 && cp <= 126) || (cp >= 161 && cp <= 255 && cp != 173))
        return (int)cp;
    if (cp >= 256 && cp <= 288)
        return (int)cp - 256;
    if (cp >= 289 && cp <= 322)
        return (int)cp - 289 + 127;
    return cp == 323 ? 173 : -1;
}

//--[ 13.2 TOKEN.table ]-- tokens, the hash of their bytes, the hash of merges
enum {
    LLMC__TOK_MERGE = 1, /* encode may produce it from text       */
    LLMC__TOK_WHOLE = 2  /* and does, for exactly its own bytes   */
};

/* A token as encode and decode see it; the file keeps its stored text and score. */
typedef struct llmc__tok {
    uint32_t raw;               /* where its bytes begin in llmc_tokenizer.raw    */
    uint32_t text;              /* where its stored text begins, in file's strings */
    uint32_t rank;              /* SPM: score as a key, best score lowest          */
    uint16_t raw_len, text_len; /* in bytes; the reader refuses longer */
    uint8_t kind, flags;        /* llmc_token_kind; LLMC__TOK_... bits */
} llmc__tok;

/* Slot of the merge hash: ids left and right join to id result; of two merges the one with the
   lower rank goes first. left LLMC__NO_PAIR: empty. */
typedef struct llmc__merge {
    uint32_t left, right, rank, result;
} llmc__merge;
#define LLMC__NO_PAIR UINT32_MAX

/* Open addressing at most half full: honest tables probe a few dozen slots at worst, so a
   longer run means bytes made to collide, and the file is refused. */
#define LLMC__PROBES 512

/* A carved vocabulary. The token hash packs an id and a part of the hash in one word, so that most
   strangers are turned away without a look at their bytes (id_mask = 2^k - 1 > count):

     31              k k-1          0
     [ bits of the hash | id + 1 (0: empty) ]                                        */
struct llmc_tokenizer {
    llmc__vocab vocab;           /* as the file gave it; pointers into the file */
    char name[48];               /* "llama", "gpt2/<pre-tokenizer>" */
    const llmc__tok *tok;        /* [vocab.count] */
    const uint8_t *raw;          /* all tokens' bytes */
    uint32_t *slot;              /* by raw bytes: id + 1 in the low bits, hash bits above; 0: empty */
    uint32_t slot_mask, id_mask; /* number of slots - 1; see above */
    llmc__merge *merge;          /* BPE only */
    uint32_t merge_mask;         /* number of merge slots - 1 */
    llmc_token *special;         /* tokens looked for in text, in byte order */
    uint32_t special_at[257];    /* first of those that begin with this byte */
    uint8_t special_kinds[256];  /* by first byte: LLMC__FIND_... bits       */
    llmc_token single[256];      /* BPE: by byte. SPM: by ASCII character. NONE: not in the vocabulary */
    llmc_token byte[256];        /* byte tokens <0xXX> */
    uint8_t *uc;                 /* [LLMC__UC_BMP], BPE only */
    uint32_t *joined;            /* SPM: bit 256 a + b: some token has byte a before byte b */
    uint32_t longest;            /* most bytes a token adds to text            */
    uint32_t longest_merge;      /* most bytes of a token that merging reaches */
    bool has_bytes;              /* all 256 byte tokens are there              */
    bool any_user;               /* text is searched for user tokens even without parse_special */
};

/* One multiplication and a fold: every input bit reaches both ends, slot and tag. Not keyed: the
   bound on probes, not secrecy, is what hostile vocabularies run into. */
static uint64_t llmc__token_mix(uint64_t h)
{
    h *= 0x9fb21c651e98df25u;
    return h ^ (h >> 32);
}

/* Hash of p [n]. Eight bytes at a step; the last step overlaps the one before it, so that no tail is
   read byte by byte. Under four bytes first, middle and last one are all there is. The length goes
   in first: it tells apart texts whose overlapping steps read the same. Byte order is little on
   every machine, so that a table's layout does not depend on where it was made. */
static uint64_t llmc__token_hash(const uint8_t *p, size_t n)
{
    uint64_t h = (uint64_t)n * 0x9e3779b97f4a7c15u, last = 0;
    if (n >= 8) {
        last = llmc__u64le(p + n - 8);
        for (; n > 8; n -= 8, p += 8)
            h = llmc__token_mix(h ^ llmc__u64le(p));
    } else if (n >= 4) {
        last = (uint64_t)llmc__u32le(p) << 32 | llmc__u32le(p + n - 4);
    } else if (n > 0) {
        last = (uint64_t)p[0] << 16 | (uint64_t)p[n / 2] << 8 | p[n - 1];
    }
    return llmc__token_mix(llmc__token_mix(h ^ last) ^ 0x2545f4914f6cdd1du);
}

/* Whether p and q [n] are the same bytes. Most tokens are short: two loads that overlap compare up
   to 16 bytes without a call; n / 2 covers the middle one of three. */
static bool llmc__token_same(const uint8_t *p, const uint8_t *q, size_t n)
{
    if (n > 16)
        return LLMC_MEMCMP(p, q, n) == 0;
    if (n >= 8)
        return ((llmc__u64le(p) ^ llmc__u64le(q)) | (llmc__u64le(p + n - 8) ^ llmc__u64le(q + n - 8))) == 0;
    if (n >= 4)
        return ((llmc__u32le(p) ^ llmc__u32le(q)) | (llmc__u32le(p + n - 4) ^ llmc__u32le(q + n - 4))) == 0;
    return n == 0 || (p[0] == q[0] && p[n / 2] == q[n / 2] && p[n - 1] == q[n - 1]);
}

/* llmc__token_lookup -- the lowest id whose raw bytes are p [n]          (TOKEN.table)
   merge: among tokens that encode may produce from text, else among the others; the two sorts
   lie in one table and may share bytes. NONE: there is none. Insert gave up after LLMC__PROBES
   steps too, so what is not found within them is not there. */
static llmc_token llmc__token_lookup(const llmc_tokenizer *t, const uint8_t *p, size_t n, bool merge)
{
    uint64_t h = llmc__token_hash(p, n);
    uint32_t at = (uint32_t)h, tag = (uint32_t)(h >> 32) & ~t->id_mask, probe, v;
    for (probe = 0; probe < LLMC__PROBES; probe++, at++) {
        const llmc__tok *k;
        v = t->slot[at & t->slot_mask];
        if (v == 0)
            break;
        if ((v & ~t->id_mask) != tag)
            continue;
        k = &t->tok[(v & t->id_mask) - 1];
        if (k->raw_len == n && ((k->flags & LLMC__TOK_MERGE) != 0) == merge &&
            llmc__token_same(t->raw + k->raw, p, n))
            return (llmc_token)((v & t->id_mask) - 1);
    }
    return LLMC_TOKEN_NONE;
}

/* Enters token id, whose tok entry is complete. Called in ascending order of ids: a second token of
   the same bytes and sort stays out, so that the lowest is found. False: too many collisions. */
static bool llmc__token_insert(llmc_tokenizer *t, uint32_t id)
{
    const llmc__tok *k = &t->tok[id];
    const uint8_t *p = t->raw + k->raw;
    uint64_t h = llmc__token_hash(p, k->raw_len);
    uint32_t at = (uint32_t)h, tag = (uint32_t)(h >> 32) & ~t->id_mask, probe, v;
    for (probe = 0; probe < LLMC__PROBES; probe++, at++) {
        const llmc__tok *other;
        v = t->slot[at & t->slot_mask];
        if (v == 0) {
            t->slot[at & t->slot_mask] = tag | (id + 1);
            return true;
        }
        other = &t->tok[(v & t->id_mask) - 1];
        if ((v & ~t->id_mask) == tag && other->raw_len == k->raw_len &&
            ((other->flags ^ k->flags) & LLMC__TOK_MERGE) == 0 &&
            LLMC_MEMCMP(t->raw + other->raw, p, k->raw_len) == 0)
            return true;
    }
    return false;
}

/* Ids are below 2^24, so the pair is one word; its low bits are mixed best a few places up. */
static uint32_t llmc__merge_hash(uint32_t left, uint32_t right)
{
    return (uint32_t)(llmc__token_mix(((uint64_t)left << 32 | right) ^ 0x9e3779b97f4a7c15u) >> 7);
}

/* Enters a merge; called in rank order, so that a pair's first (best) rank stays. The table is cleared
   to LLMC__NO_PAIR before. False: too many collisions. */
static bool llmc__merge_insert(llmc_tokenizer *t, uint32_t left, uint32_t right, uint32_t rank,
                               uint32_t result)
{
    uint32_t at = llmc__merge_hash(left, right), probe;
    for (probe = 0; probe < LLMC__PROBES; probe++, at++) {
        llmc__merge *m = &t->merge[at & t->merge_mask];
        if (m->left == left && m->right == right)
            return true;
        if (m->left == LLMC__NO_PAIR) {
            m->left = left;
            m->right = right;
            m->rank = rank;
            m->result = result;
            return true;
        }
    }
    return false;
}

/* Rank of the merge of two tokens and its result; LLMC__NO_PAIR, and *result as it was, if there is
   none. Either may be NONE, a byte that the vocabulary lacks: that never merges. */
static uint32_t llmc__merge_lookup(const llmc_tokenizer *t, llmc_token left, llmc_token right,
                                   llmc_token *result)
{
    uint32_t at = llmc__merge_hash((uint32_t)left, (uint32_t)right), probe;
    if (left < 0 || right < 0)
        return LLMC__NO_PAIR;
    for (probe = 0; probe < LLMC__PROBES; probe++, at++) {
        const llmc__merge *m = &t->merge[at & t->merge_mask];
        if (m->left == (uint32_t)left && m->right == (uint32_t)right) {
            *result = (llmc_token)m->result;
            return m->rank;
        }
        if (m->left == LLMC__NO_PAIR)
            break;
    }
    return LLMC__NO_PAIR;
}

//--[ 13.3 TOKEN.merge ]-- one word: join the best pair until none is left
/* Both algorithms are the same loop: symbols in a row, the neighbours with the best key join (the
   leftmost of equals), until no two make a token. BPE starts from bytes and its key is the merge's
   rank, found by the pair of ids; SPM starts from characters and its key is the joined token's
   score, found by the joined text. Three ways through it, all with the same result:
     a word that is one token known to survive its own merging is taken as that token,
     a short word looks at every pair before every merge (quadratic in at most 48 bytes),
     a long word keeps its keys in a winner tree in the caller's work memory. */

/* What two neighbours, the symbols left and right that fill w[a,c), join to: its key (lower
   joins first) and id; LLMC__NO_PAIR: they stay apart. SPM looks at the bytes alone: two symbols that
   are no tokens themselves may join to one. */
static uint32_t llmc__pair(const llmc_tokenizer *t, const uint8_t *w, size_t a, size_t c, llmc_token left,
                           llmc_token right, llmc_token *result)
{
    if (t->vocab.kind == LLMC__VOCAB_BPE)
        return llmc__merge_lookup(t, left, right, result);
    if (c - a > t->longest_merge)
        return LLMC__NO_PAIR;
    *result = llmc__token_lookup(t, w + a, c - a, true);
    return *result < 0 ? LLMC__NO_PAIR : t->tok[*result].rank;
}

/* Length of the symbol that merging starts from at w [n], and its id or NONE:
   a byte for BPE, a character for SPM (a byte that is not UTF-8 counts as one without a token). */
static uint32_t llmc__symbol(const llmc_tokenizer *t, const uint8_t *w, size_t n, llmc_token *id)
{
    uint32_t cp, len = 1;
    if (w[0] < 0x80 || t->vocab.kind == LLMC__VOCAB_BPE) {
        *id = t->single[w[0]];
        return 1;
    }
    len = llmc__uc_next(w, n, &cp);
    *id = cp == LLMC__NOT_UTF8 ? LLMC_TOKEN_NONE : llmc__token_lookup(t, w, len, true);
    return len;
}

/* Ids as they come; n counts on beyond cap, so that one pass tells how much room a text takes. */
typedef struct llmc__ids {
    llmc_token *at;
    size_t cap, n;
} llmc__ids;

/* Appends one id, or only counts it. */
static inline void llmc__ids_put(llmc__ids *out, llmc_token id)
{
    if (out->n < out->cap)
        out->at[out->n] = id;
    out->n++;
}

/* A symbol w [n] that merging left: its token, or byte tokens, or the unknown token
   (nothing where the vocabulary has none of these). Byte tokens come all or not at all: some of
   them would decode to a broken character. */
static void llmc__symbol_put(const llmc_tokenizer *t, const uint8_t *w, size_t n, llmc_token id,
                             llmc__ids *out)
{
    size_t i;
    bool bytes = true;
    if (id >= 0) {
        llmc__ids_put(out, id);
        return;
    }
    for (i = 0; i < n; i++)
        bytes = bytes && t->byte[w[i]] >= 0;
    for (i = 0; bytes && i < n; i++)
        llmc__ids_put(out, t->byte[w[i]]);
    if (!bytes && t->vocab.special[LLMC_SPECIAL_UNK] >= 0)
        llmc__ids_put(out, t->vocab.special[LLMC_SPECIAL_UNK]);
}

#define LLMC__WORD_SMALL 48 /* bytes up to which looking at every pair beats a tree */

/* llmc__word_small -- w [n], n <= LLMC__WORD_SMALL, on the stack          (TOKEN.merge)
   Looks at every pair before every merge. Symbol i is w[at[i], at[i + 1]); key[i] and joined[i]
   are of the pair (i, i + 1). A merge closes the gap in all four arrays and asks anew for the two
   pairs that the joined symbol has now. */
static void llmc__word_small(const llmc_tokenizer *t, const uint8_t *w, uint32_t n, llmc__ids *out)
{
    uint32_t at[LLMC__WORD_SMALL + 1], key[LLMC__WORD_SMALL], count = 0, i, best;
    llmc_token id[LLMC__WORD_SMALL], joined[LLMC__WORD_SMALL];
    for (i = 0; i < n; count++) {
        at[count] = i;
        i += llmc__symbol(t, w + i, n - i, &id[count]);
    }
    at[count] = n;
    for (i = 0; i + 1 < count; i++)
        key[i] = llmc__pair(t, w, at[i], at[i + 2], id[i], id[i + 1], &joined[i]);
    while (count > 1) {
        best = 0;
        for (i = 1; i + 1 < count; i++)
            if (key[i] < key[best])
                best = i;
        if (key[best] == LLMC__NO_PAIR)
            break;
        /* symbol best takes in the next one; those after it move up */
        id[best] = joined[best];
        count--;
        for (i = best + 1; i < count; i++) {
            id[i] = id[i + 1];
            at[i] = at[i + 1];
            key[i] = key[i + 1]; /* the last one is not read again */
            joined[i] = joined[i + 1];
        }
        at[count] = n;
        if (best + 1 < count)
            key[best] = llmc__pair(t, w, at[best], at[best + 2], id[best], id[best + 1], &joined[best]);
        if (best > 0)
            key[best - 1] =
                llmc__pair(t, w, at[best - 1], at[best + 1], id[best - 1], id[best], &joined[best - 1]);
    }
    for (i = 0; i < count; i++)
        llmc__symbol_put(t, w + at[i], at[i + 1] - at[i], id[i], out);
}

/* A symbol of a long word; its index is the position of its first byte. Positions inside a symbol
   hold nothing but a key of LLMC__NO_PAIR. */
typedef struct llmc__node {
    uint32_t prev, next;   /* LLMC__NO_PAIR before the first, n after the last */
    uint32_t key;          /* of the pair with next; LLMC__NO_PAIR also where no symbol begins */
    llmc_token id, joined; /* of the symbol; of it and the next one joined */
} llmc__node;

/* A long word, and a winner tree over its positions: tree[i] for 0 < i < n is the better of
   entries 2i and 2i + 1, where entry i >= n is position i - n. n = 4:

               tree[1]              the best pair of the word
           tree[2]   tree[3]
           p0   p1   p2   p3        entries 4 to 7

   n need not be a power of two: every entry from 2 to 2n - 1 has one parent, which is all it takes. */
typedef struct llmc__word {
    const llmc_tokenizer *tok;
    const uint8_t *w;
    uint32_t n;
    llmc__node *node; /* [n] */
    uint32_t *tree;   /* [n], tree[0] unused */
} llmc__word;

#define LLMC__WORD_NEED (sizeof(llmc__node) + sizeof(uint32_t)) /* work memory per byte of a long word */

/* Sets tree[i], 0 < i < n, from what is below it. Of equal keys the leftmost position wins, as
   SentencePiece and GPT-2 have it; a and b need not be in order, since n is any number. */
static void llmc__word_play(llmc__word *s, uint32_t i)
{
    uint32_t n = s->n;
    uint32_t a = 2 * i >= n ? 2 * i - n : s->tree[2 * i];
    uint32_t b = 2 * i + 1 >= n ? 2 * i + 1 - n : s->tree[2 * i + 1];
    uint32_t x = s->node[a].key, y = s->node[b].key;
    s->tree[i] = x < y || (x == y && a < b) ? a : b;
}

/* Gives position p a new key and repairs the tree above it. A node that another position won
   before and wins again hides p's change from all nodes above: the climb ends there. */
static void llmc__word_set(llmc__word *s, uint32_t p, uint32_t key)
{
    uint32_t i;
    s->node[p].key = key;
    for (i = (uint32_t)(((uint64_t)p + s->n) / 2); i > 0; i /= 2) {
        uint32_t was = s->tree[i];
        llmc__word_play(s, i);
        if (s->tree[i] == was && was != p)
            break;
    }
}

/* Key of symbol p with the one after it; sets its `joined`. The last symbol has no pair. */
static uint32_t llmc__word_key(llmc__word *s, uint32_t p)
{
    llmc__node *a = &s->node[p];
    if (a->next >= s->n)
        return LLMC__NO_PAIR;
    return llmc__pair(s->tok, s->w, p, s->node[a->next].next, a->id, s->node[a->next].id, &a->joined);
}

/* Cuts the word in symbols, finds all keys, and plays the tree from the bottom up. All keys are set
   first: positions inside a character must lose against every pair. */
static void llmc__word_start(llmc__word *s)
{
    uint32_t i, last = LLMC__NO_PAIR, len;
    for (i = 0; i < s->n; i++)
        s->node[i].key = LLMC__NO_PAIR;
    for (i = 0; i < s->n; i += len) {
        len = llmc__symbol(s->tok, s->w + i, s->n - i, &s->node[i].id);
        s->node[i].prev = last;
        s->node[i].next = i + len;
        last = i;
    }
    for (i = 0; i < s->n; i = s->node[i].next)
        s->node[i].key = llmc__word_key(s, i);
    for (i = s->n - 1; i > 0; i--)
        llmc__word_play(s, i);
}

/* w [n], n >= 2, in O(n log n): each merge changes three keys of the tree.
   work: LLMC__WORD_NEED * n bytes, aligned to 4: nodes, then the tree. n is at most 2^31 (the text's
   limit and the space before it), so that 2 i + 1 fits. */
static void llmc__word_long(const llmc_tokenizer *t, const uint8_t *w, uint32_t n, void *work, llmc__ids *out)
{
    llmc__word s;
    uint32_t p, q;
    s.tok = t;
    s.w = w;
    s.n = n;
    s.node = (llmc__node *)work;
    s.tree = (uint32_t *)(void *)(s.node + n);
    llmc__word_start(&s);
    while (s.node[p = s.tree[1]].key != LLMC__NO_PAIR) {
        q = s.node[p].next; /* p takes in q, which then leads nowhere */
        s.node[p].id = s.node[p].joined;
        s.node[p].next = s.node[q].next;
        if (s.node[q].next < n)
            s.node[s.node[q].next].prev = p;
        llmc__word_set(&s, q, LLMC__NO_PAIR);
        llmc__word_set(&s, p, llmc__word_key(&s, p));
        q = s.node[p].prev;
        if (q != LLMC__NO_PAIR)
            llmc__word_set(&s, q, llmc__word_key(&s, q));
    }
    for (p = 0; p < n; p = s.node[p].next)
        llmc__symbol_put(t, w + p, s.node[p].next - p, s.node[p].id, out);
}

/* The caller's work memory, aligned to 4. */
typedef struct llmc__work {
    uint8_t *at;
    size_t size;
} llmc__work;

/* llmc__word_put -- the ids of one word w [n], n >= 1               (TOKEN.merge)
   False: it is longer than LLMC__WORD_SMALL and the work memory holds no tree for it. */
static bool llmc__word_put(const llmc_tokenizer *t, const uint8_t *w, size_t n, llmc__work work,
                           llmc__ids *out)
{
    llmc_token id;
    /* most words of most texts: one look-up and done */
    if (n <= t->longest_merge) {
        id = llmc__token_lookup(t, w, n, true);
        if (id >= 0 && (t->tok[id].flags & LLMC__TOK_WHOLE) != 0) {
            llmc__ids_put(out, id);
            return true;
        }
    }
    if (n <= LLMC__WORD_SMALL) {
        llmc__word_small(t, w, (uint32_t)n, out);
        return true;
    }
    if (work.size / LLMC__WORD_NEED < n)
        return false;
    llmc__word_long(t, w, (uint32_t)n, work.at, out);
    return true;
}

//--[ 13.4 TOKEN.split ]-- text to words that merge independently
/* BPE is defined on words that a pattern cuts. SPM is defined on the whole text, but merging
   cannot cross a place that no token crosses, so cutting there changes nothing and lets the
   work memory be used again word by word. */

/* Class of the character at p [n], n >= 1; *len its bytes. BPE only: t->uc is a table of ASCII, too. */
static inline uint32_t llmc__class_at(const llmc_tokenizer *t, const uint8_t *p, size_t n, uint32_t *len)
{
    uint32_t cp;
    if (p[0] < 0x80) {
        *len = 1;
        return t->uc[p[0]];
    }
    *len = llmc__uc_next(p, n, &cp);
    return cp < LLMC__UC_BMP ? t->uc[cp] : llmc__uc_class(cp);
}

/* Where the run of characters of p [n] from `at` on whose classes are in set ends: at <= result <= n.
   The patterns' + is greedy and nothing after it makes it give back. */
static size_t llmc__class_run(const llmc_tokenizer *t, const uint8_t *p, size_t n, size_t at, uint32_t set)
{
    uint32_t len;
    while (at < n && (set >> llmc__class_at(t, p + at, n - at, &len) & 1) != 0)
        at += len;
    return at;
}

/* 's 't 'm 'd 're 've 'll at p [n], p[0] the apostrophe: bytes, or 0. Lower case only, and also
   before more letters ("'same" begins with "'s"), as in the pattern. */
static size_t llmc__contraction(const uint8_t *p, size_t n)
{
    if (n >= 2 && (p[1] == 's' || p[1] == 't' || p[1] == 'm' || p[1] == 'd'))
        return 2;
    if (n >= 3 &&
        ((p[1] == 'r' && p[2] == 'e') || (p[1] == 'v' && p[2] == 'e') || (p[1] == 'l' && p[2] == 'l')))
        return 3;
    return 0;
}

/* White space at the start of p [n]: all of it before the end of the text, else without its last
   character, which belongs to what follows (unless it is the only one): \s+(?!\S)|\s+ */
static size_t llmc__space_run(const llmc_tokenizer *t, const uint8_t *p, size_t n)
{
    size_t at = 0, last = 0;
    uint32_t len;
    while (at < n && (LLMC__UC_SPACES >> llmc__class_at(t, p + at, n - at, &len) & 1) != 0) {
        last = at;
        at += len;
    }
    return at == n || last == 0 ? at : last;
}

/* Bytes of the first word of p [n], n >= 1, as GPT-2 cuts text:
     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
   A byte that is not UTF-8 is neither letter, number nor space. The alternatives differ in the first
   character after an optional space, so one look at its class picks one; only U+0020 counts as that
   space, and a space before white space belongs to the white space.  Source: Radford 2019. */
static size_t llmc__split_gpt2(const llmc_tokenizer *t, const uint8_t *p, size_t n)
{
    size_t at = p[0] == ' ' && n > 1 ? 1 : 0;
    uint32_t len, bit;
    if (p[0] == '\'') {
        size_t c = llmc__contraction(p, n);
        if (c > 0)
            return c;
    }
    bit = 1u << llmc__class_at(t, p + at, n - at, &len);
    if ((bit & LLMC__UC_SPACES) != 0)
        return llmc__space_run(t, p, n);
    if ((bit & LLMC__UC_LETTERS) != 0)
        return llmc__class_run(t, p, n, at + len, LLMC__UC_LETTERS);
    if ((bit & LLMC__UC_NUMBERS) != 0)
        return llmc__class_run(t, p, n, at + len, LLMC__UC_NUMBERS);
    return llmc__class_run(t, p, n, at + len, LLMC__UC_REST);
}

/* SPM: whether no token reaches across from byte a to byte b, so that merging cannot either. This
   finds the spaces between words, and whatever else a vocabulary keeps apart. Never inside a
   character, since merging starts from whole ones: b must not be a continuation byte. */
static inline bool llmc__apart(const llmc_tokenizer *t, uint32_t a, uint32_t b)
{
    return (t->joined[a * 8 + b / 32] >> (b % 32) & 1) == 0 && (b & 0xc0) != 0x80;
}

/* SPM: bytes of p [n] up to the first place that merging cannot cross. */
static size_t llmc__split_spm(const llmc_tokenizer *t, const uint8_t *p, size_t n)
{
    size_t at;
    for (at = 1; at < n && !llmc__apart(t, p[at - 1], p[at]); at++)
        ;
    return at;
}

/* The first word of an SPM text p [n] with a space before it: joined in a buffer or, if it is
   long, in the work memory. *used: bytes of p; 0 if the space stands apart from the text.
   False: the work memory is too small. */
static bool llmc__prefix_put(const llmc_tokenizer *t, const uint8_t *p, size_t n, llmc__work work,
                             size_t *used, llmc__ids *out)
{
    uint8_t small[LLMC__WORD_SMALL], *w = small;
    size_t len = llmc__apart(t, ' ', p[0]) ? 0 : llmc__split_spm(t, p, n);
    *used = len;
    if (len >= sizeof small) {
        size_t room = (len + 4) & ~(size_t)3; /* the space too; what follows stays aligned */
        if (room > work.size)
            return false;
        w = work.at;
        work.at += room;
        work.size -= room;
    }
    w[0] = ' ';
    LLMC_MEMCPY(w + 1, p, len);
    return llmc__word_put(t, w, len + 1, work, out);
}

/* The ids of text p [n] that holds no special tokens, n >= 1, word by word; every word may use
   all of the work memory. prefix: SPM's space goes before it. False: the work memory is too small. */
static bool llmc__text_ids(const llmc_tokenizer *t, const uint8_t *p, size_t n, bool prefix, llmc__work work,
                           llmc__ids *out)
{
    bool bpe = t->vocab.kind == LLMC__VOCAB_BPE;
    size_t at = 0, len;
    if (prefix && !llmc__prefix_put(t, p, n, work, &at, out))
        return false;
    for (; at < n; at += len) {
        len = bpe ? llmc__split_gpt2(t, p + at, n - at) : llmc__split_spm(t, p + at, n - at);
        if (!llmc__word_put(t, p + at, len, work, out))
            return false;
    }
    return true;
}

//--[ 13.5 TOKEN.special ]-- control and user tokens written out in text
/* All such tokens lie in one list in byte order. At a text position the list narrows byte by byte,
   by halving, so that thousands of tokens that begin alike cost no more than a few; positions whose
   byte begins none are skipped. */
enum {
    LLMC__FIND_USER = 1,   /* in any text                       */
    LLMC__FIND_CONTROL = 2 /* only on request (also the unknown token) */
};

/* Longest special token. A text position may cost a step per byte of it, so that a vocabulary
   with one of 64 KB could make every kilobyte of text take a second; honest ones are under 64 bytes. */
#define LLMC__SPECIAL_MAX 1024

/* The sort that a token is looked for as, one LLMC__FIND_... bit; 0: never. */
static uint8_t llmc__find_kind(const llmc__tok *k)
{
    if (k->raw_len == 0)
        return 0;
    if (k->kind == LLMC_TOKEN_USER)
        return LLMC__FIND_USER;
    return k->kind == LLMC_TOKEN_CONTROL || k->kind == LLMC_TOKEN_UNKNOWN ? LLMC__FIND_CONTROL : 0;
}

/* A text while its special tokens are looked for. Plain spans are where only user tokens may be
   found: what a user typed must not become a control token. */
typedef struct llmc__search {
    const llmc_tokenizer *tok;
    const uint8_t *text;
    size_t len;
    uint8_t wanted;         /* LLMC__FIND_... bits */
    const llmc_span *plain; /* those that end after the search's position */
    size_t n_plain;         /* left of them */
} llmc__search;

/* Whether a token of this sort may stand at text [b, e): a control token touches no plain span,
   a user token does not cross the border of one. Spans are in order and apart, and those before the
   position are gone, so the loop sees the few that reach into [b, e). */
static bool llmc__search_allows(const llmc__search *s, uint8_t sort, size_t b, size_t e)
{
    size_t i;
    if ((s->wanted & sort) == 0)
        return false;
    for (i = 0; i < s->n_plain && s->plain[i].begin < e; i++) {
        const llmc_span *p = &s->plain[i];
        bool inside = p->begin <= b && e <= p->end;
        if (p->begin < p->end && p->end > b && !(inside && sort == LLMC__FIND_USER))
            return false;
    }
    return true;
}

/* Narrows special tokens [*lo, *hi), which agree in their first `depth` bytes, to those that
   have byte c next. They are in byte order, so those that end here come first. Two bisections:
   the first token with a byte of at least c there, then the first with more than c. */
static void llmc__special_narrow(const llmc_tokenizer *t, uint32_t *lo, uint32_t *hi, size_t depth,
                                 uint32_t c)
{
    uint32_t side;
    for (side = 0; side < 2; side++) {
        uint32_t a = *lo, b = *hi;
        while (a < b) {
            uint32_t mid = a + (b - a) / 2;
            const llmc__tok *k = &t->tok[t->special[mid]];
            if (k->raw_len <= depth || t->raw[k->raw + depth] < c + side)
                a = mid + 1;
            else
                b = mid;
        }
        if (side == 0)
            *lo = a;
        else
            *hi = a;
    }
}

/* Longest allowed special token at text position `at`; NONE if there is none. After `depth` bytes
   [lo, hi) are the tokens that begin with them; those of just that length stand first. */
static llmc_token llmc__special_at(const llmc__search *s, size_t at)
{
    const llmc_tokenizer *t = s->tok;
    uint32_t lo = t->special_at[s->text[at]], hi = t->special_at[s->text[at] + 1];
    llmc_token found = LLMC_TOKEN_NONE;
    size_t depth = 1;
    while (lo < hi) {
        uint32_t i;
        for (i = lo; i < hi && t->tok[t->special[i]].raw_len == depth; i++)
            if (llmc__search_allows(s, llmc__find_kind(&t->tok[t->special[i]]), at, at + depth)) {
                found = t->special[i];
                break;
            }
        if (at + depth == s->len) /* no byte left to narrow by */
            break;
        llmc__special_narrow(t, &lo, &hi, depth, s->text[at + depth]);
        depth++;
    }
    return found;
}

/* First special token from position `at` on: its id and place, or NONE and the text's end. `at` only
   grows from call to call, so spans that end before it can be dropped for good. */
static llmc_token llmc__special_next(llmc__search *s, size_t at, size_t *place)
{
    const uint8_t *kinds = s->tok->special_kinds;
    for (; s->wanted != 0 && at < s->len; at++) {
        llmc_token id;
        if ((kinds[s->text[at]] & s->wanted) == 0)
            continue;
        while (s->n_plain > 0 && s->plain->end <= at) {
            s->plain++;
            s->n_plain--;
        }
        id = llmc__special_at(s, at);
        if (id >= 0) {
            *place = at;
            return id;
        }
    }
    *place = s->len;
    return LLMC_TOKEN_NONE;
}

/* After such a token SPM puts a space before text, and decode takes it away again. An unknown
   token counts only where it cannot stand for unknown text. */
static bool llmc__opens_text(const llmc_tokenizer *t, uint32_t kind)
{
    return kind == LLMC_TOKEN_CONTROL || kind == LLMC_TOKEN_USER ||
           (kind == LLMC_TOKEN_UNKNOWN && t->has_bytes);
}

//--[ 13.6 TOKEN.query ]-- what the vocabulary holds
/* Which algorithm and which way of cutting text: "llama", "gpt2/gpt-2". Lives in the tokenizer. */
LLMC_API const char *llmc_tokenizer_name(const llmc_tokenizer *tok)
{
    return tok->name;
}

/* Ids run from 0 to below this. */
LLMC_API uint32_t llmc_tokenizer_count(const llmc_tokenizer *tok)
{
    return tok->vocab.count;
}

/* Id of a token with a role, LLMC_TOKEN_NONE if the file names none for it. */
LLMC_API llmc_token llmc_tokenizer_special(const llmc_tokenizer *tok, llmc_special which)
{
    return (unsigned)which < LLMC_SPECIAL_COUNT ? tok->vocab.special[which] : LLMC_TOKEN_NONE;
}

/* Whether the model was trained with a begin token before its text; llmc_encode adds one only on
   request, so that the parts of a prompt can be encoded one by one. */
LLMC_API bool llmc_tokenizer_adds_bos(const llmc_tokenizer *tok)
{
    return tok->vocab.add_bos && tok->vocab.special[LLMC_SPECIAL_BOS] >= 0;
}

/* Whether generation is over with this id: the file's own end tokens, and those that makers are known
   to end a turn or document with (many files name one and their models write another). Only control
   and user tokens count by their text. False for an id outside the vocabulary. */
LLMC_API bool llmc_token_ends(const llmc_tokenizer *tok, llmc_token id)
{
    static const char *const text[] = {
        "<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "<|endoftext|>", "<|end|>", "<end_of_turn>", "</s>"};
    const llmc_token *special = tok->vocab.special;
    const llmc__tok *k;
    size_t i;
    if (id < 0 || (uint32_t)id >= tok->vocab.count)
        return false;
    if (id == special[LLMC_SPECIAL_EOS] || id == special[LLMC_SPECIAL_EOT])
        return true;
    k = &tok->tok[id];
    if (k->kind != LLMC_TOKEN_CONTROL && k->kind != LLMC_TOKEN_USER) /* converters write either */
        return false;
    for (i = 0; i < sizeof text / sizeof text[0]; i++)
        if (llmc__texteq((const char *)tok->raw + k->raw, k->raw_len, text[i]))
            return true;
    return false;
}

/* SPM score of token id, whose stored text begins at `text`; llama2.c keeps it 8 bytes before that
   (f32 score, i32 length, bytes), GGUF in an array of its own. 0 where a file has none. */
static float llmc__token_score(const llmc__vocab *v, uint32_t id, uint32_t text)
{
    if (v->layout == LLMC__STRINGS_LLAMA2C)
        return llmc__f32le(v->tokens + text - 8);
    return v->scores != NULL ? llmc__f32le(v->scores + 4 * (size_t)id) : 0.0f;
}

/* What the file says of a token; text points into the file. Errors: BAD_ARG (no such id). */
LLMC_API llmc_status llmc_token_get(const llmc_tokenizer *tok, llmc_token id, llmc_token_info *out)
{
    const llmc__tok *k;
    if (id < 0 || (uint32_t)id >= tok->vocab.count)
        return LLMC_BAD_ARG;
    k = &tok->tok[id];
    out->text = (const char *)tok->vocab.tokens + k->text;
    out->text_len = k->text_len;
    out->score = llmc__token_score(&tok->vocab, (uint32_t)id, k->text);
    out->kind = (llmc_token_kind)k->kind;
    return LLMC_OK;
}

/* Value of "<0xXX>", two hexadecimal digits; -1 if text [len] is anything else. */
static int llmc__byte_token(const uint8_t *text, size_t len)
{
    int value = 0, i;
    if (len != 6 || LLMC_MEMCMP(text, "<0x", 3) != 0 || text[5] != '>')
        return -1;
    for (i = 3; i < 5; i++) {
        int c = llmc__lower((char)text[i]);
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return -1;
        value = value * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return value;
}

/* Raw bytes of stored text [len] of a token of this kind, into out [len] unless it is NULL;
   returns their number, never more than len. *merge: encode may produce it from text.

     BPE, normal or unused     characters of the byte alphabet become their bytes; a token with any
                               other character is kept as it is and never merged to
     SPM in GGUF, and user     U+2581 becomes a space; a normal token with a true space in it would
                               be mistaken for one with U+2581, so it is never merged to
     everything else           as stored (llama2.c writes spaces already) */
static size_t llmc__raw_bytes(const llmc__vocab *v, uint32_t kind, const uint8_t *text, size_t len,
                              uint8_t *out, bool *merge)
{
    bool normal = kind == LLMC_TOKEN_NORMAL || kind == LLMC_TOKEN_UNUSED;
    bool bpe = v->kind == LLMC__VOCAB_BPE, spaces = !bpe && v->layout == LLMC__STRINGS_GGUF;
    size_t at, n = 0;
    uint32_t cp, step, i;
    *merge = normal && len > 0;
    for (at = 0; at < len; at += step) {
        const uint8_t *p = text + at;
        int byte = -1;
        cp = p[0];
        step = cp < 0x80 ? 1 : llmc__uc_next(p, len - at, &cp);
        if (bpe && normal)
            byte = llmc__alphabet_byte(cp);
        else if (spaces && cp == 0x2581 && (normal || kind == LLMC_TOKEN_USER))
            byte = ' ';
        if (normal && (bpe ? byte < 0 : spaces && cp == ' '))
            *merge = false; /* no text becomes this by the tokenizer's own rules */
        if (byte >= 0) {
            if (out != NULL)
                out[n] = (uint8_t)byte;
            n++;
            continue;
        }
        for (i = 0; i < step; i++, n++)
            if (out != NULL)
                out[n] = p[i];
    }
    return n;
}

/* id if its stored text is text [len], else NONE. Raw bytes that agree do not say so: "<|a b|>" as a
   control token and as a user token with U+2581 in it have the same ones. */
static llmc_token llmc__if_stored(const llmc_tokenizer *t, llmc_token id, const uint8_t *text, size_t len)
{
    const llmc__tok *k;
    if (id < 0)
        return id;
    k = &t->tok[id];
    return k->text_len == len && LLMC_MEMCMP(t->vocab.tokens + k->text, text, len) == 0 ? id
                                                                                        : LLMC_TOKEN_NONE;
}

/* The lowest id stored with exactly this text, of any kind; NONE if there is none.
   Tries the raw forms that the text can have: as a normal token, as a user token, as itself. Byte
   tokens, and texts too long for the buffer (there are few such tokens), are compared one by one. */
LLMC_API llmc_token llmc_token_find(const llmc_tokenizer *tok, const char *text, size_t len)
{
    static const uint8_t kind[] = {LLMC_TOKEN_NORMAL, LLMC_TOKEN_USER, LLMC_TOKEN_CONTROL};
    const uint8_t *p = (const uint8_t *)text;
    uint8_t raw[1024];
    llmc_token id = LLMC_TOKEN_NONE;
    uint32_t i;
    bool merge;
    if (len > 0 && len <= sizeof raw && llmc__byte_token(p, len) < 0) {
        for (i = 0; i < 3 && id < 0; i++) {
            size_t n = llmc__raw_bytes(&tok->vocab, kind[i], p, len, raw, &merge);
            id = llmc__if_stored(tok, llmc__token_lookup(tok, raw, n, merge), p, len);
        }
        return id;
    }
    for (i = 0; i < tok->vocab.count && id < 0; i++)
        id = llmc__if_stored(tok, (llmc_token)i, p, len);
    return id;
}

//--[ 13.7 TOKEN.encode ]-- text to ids
/* Work memory never depends on the vocabulary: it is what one word of len bytes, with a space put
   before it, takes in the worst case. SIZE_MAX if that cannot be said in a size_t. */
LLMC_API size_t llmc_encode_need(const llmc_tokenizer *tok, size_t len)
{
    (void)tok;
    /* per byte a node, a tree entry, and the copy that the space is put before; 8: to align twice */
    if (len > SIZE_MAX / (LLMC__WORD_NEED + 1) - 4)
        return SIZE_MAX;
    return (len + 1) * (LLMC__WORD_NEED + 1) + 8;
}

/* Whether s [n] are in order, do not overlap and end inside a text of len bytes; empty ones are fine. */
static bool llmc__spans_ok(const llmc_span *s, size_t n, size_t len)
{
    size_t i, last = 0;
    for (i = 0; i < n; i++) {
        if (s[i].begin < last || s[i].end < s[i].begin || s[i].end > len)
            return false;
        last = s[i].end;
    }
    return n == 0 || s != NULL;
}

/* The whole text, special tokens and the text between them. SPM puts its space before the text that
   begins the whole or follows a special token, not before text that follows nothing of the kind.
   False: the work memory is too small. */
static bool llmc__encode_parts(llmc__search *s, llmc__work work, llmc__ids *out)
{
    const llmc_tokenizer *t = s->tok;
    bool prefix = t->vocab.add_space_prefix && t->vocab.kind == LLMC__VOCAB_SPM, opening = true;
    size_t at = 0, end;
    while (at < s->len) {
        llmc_token id = llmc__special_next(s, at, &end);
        if (end > at && !llmc__text_ids(t, s->text + at, end - at, prefix && opening, work, out))
            return false;
        opening = false;
        at = end;
        if (id >= 0) {
            llmc__ids_put(out, id);
            at += t->tok[id].raw_len;
            opening = llmc__opens_text(t, t->tok[id].kind);
        }
    }
    return true;
}

/* llmc_encode -- text to ids                                       (TOKEN.encode)
   text [len], len < 2 GiB, any bytes;  work [work_bytes], any alignment;  ids [cap], written as far
   as it goes;  *n what the whole text takes, 0 if the work memory ended first.
   Control tokens are found leftmost, then longest; user tokens also without parse_special.
   Takes O(len log(longest word)) look-ups, whatever the text and the vocabulary.
   Errors: BAD_ARG (NULL, length, spans), NO_MEMORY (cap: *n > cap; work: *n == 0).
   Source: Kudo 2018 (SPM); Radford 2019 (byte-level BPE). */
LLMC_API llmc_status llmc_encode(const llmc_tokenizer *tok, const char *text, size_t len,
                                 const llmc_encode_options *opt, void *work, size_t work_bytes,
                                 llmc_token *ids, size_t cap, size_t *n, llmc_diag *diag)
{
    llmc_encode_options o;
    llmc__search s;
    llmc__work w;
    llmc__ids out;
    size_t skip = (4 - (uintptr_t)work % 4) % 4;
    llmc__options(&o, sizeof o, opt);
    *n = 0;
    if ((text == NULL && len > 0) || (ids == NULL && cap > 0) || (work == NULL && work_bytes > 0))
        return LLMC__FAIL(diag, BAD_ARG, "TOKEN.encode", LLMC_NO_OFFSET, "text, work or ids is NULL");
    if (len > INT32_MAX)
        return LLMC__FAIL(diag, BAD_ARG, "TOKEN.encode", LLMC_NO_OFFSET,
                          "text of %zu bytes; the limit is 2 GiB", len);
    if (o.parse_special && !llmc__spans_ok(o.plain, o.n_plain, len))
        return LLMC__FAIL(diag, BAD_ARG, "TOKEN.encode", LLMC_NO_OFFSET,
                          "plain spans must be in order, apart, and inside the text");
    s.tok = tok;
    s.text = (const uint8_t *)text;
    s.len = len;
    s.wanted = (uint8_t)((tok->any_user ? LLMC__FIND_USER : 0) |
                         (o.parse_special ? LLMC__FIND_USER | LLMC__FIND_CONTROL : 0));
    s.plain = o.plain;
    s.n_plain = o.parse_special ? o.n_plain : 0;
    w.at = work_bytes > skip ? (uint8_t *)work + skip : NULL;
    w.size = work_bytes > skip ? work_bytes - skip : 0;
    out.at = ids;
    out.cap = cap;
    out.n = 0;
    if (o.add_bos && tok->vocab.special[LLMC_SPECIAL_BOS] >= 0)
        llmc__ids_put(&out, tok->vocab.special[LLMC_SPECIAL_BOS]);
    if (!llmc__encode_parts(&s, w, &out))
        return LLMC__FAIL(diag, NO_MEMORY, "TOKEN.encode", LLMC_NO_OFFSET,
                          "work memory of %zu bytes is too small for the longest word", work_bytes);
    *n = out.n;
    if (out.n > cap)
        return LLMC__FAIL(diag, NO_MEMORY, "TOKEN.encode", LLMC_NO_OFFSET,
                          "the text takes %zu ids, there is room for %zu", out.n, cap);
    return LLMC_OK;
}

//--[ 13.8 TOKEN.decode ]-- ids to text
/* Bytes that a token adds to text, *n of them. Control and unknown tokens add nothing unless shown,
   and then their stored text. drop_space: a leading space that encode put there goes again (user
   tokens get none). The bytes belong to the tokenizer. id is inside the vocabulary. */
static const uint8_t *llmc__token_text(const llmc_tokenizer *t, llmc_token id, bool drop_space,
                                       bool show_special, size_t *n)
{
    const llmc__tok *k = &t->tok[id];
    const uint8_t *p = t->raw + k->raw;
    *n = k->raw_len;
    if (k->kind == LLMC_TOKEN_CONTROL || k->kind == LLMC_TOKEN_UNKNOWN)
        *n = show_special ? *n : 0;
    else if (drop_space && k->kind != LLMC_TOKEN_USER && *n > 0 && p[0] == ' ')
        (*n)--, p++;
    return p;
}

/* llmc_decode -- ids to bytes                                       (TOKEN.decode)
   ids [n], each checked;  text [cap], written token by token as far as whole ones fit;  *len what
   all ids take.  decode(encode(x)) is x for any bytes x if the vocabulary can express them
   (byte-level BPE; SPM with byte tokens), shown or not shown as x was parsed.
   Errors: BAD_ARG (NULL, an id outside the vocabulary: *len is 0), NO_MEMORY (*len > cap). */
LLMC_API llmc_status llmc_decode(const llmc_tokenizer *tok, const llmc_token *ids, size_t n,
                                 const llmc_decode_options *opt, char *text, size_t cap, size_t *len,
                                 llmc_diag *diag)
{
    llmc_decode_options o;
    bool drop, opening = true;
    size_t i, m, used = 0;
    llmc__options(&o, sizeof o, opt);
    *len = 0;
    if ((ids == NULL && n > 0) || (text == NULL && cap > 0))
        return LLMC__FAIL(diag, BAD_ARG, "TOKEN.decode", LLMC_NO_OFFSET, "ids or text is NULL");
    drop = tok->vocab.kind == LLMC__VOCAB_SPM && tok->vocab.add_space_prefix && !o.keep_space;
    for (i = 0; i < n; i++) {
        const uint8_t *p;
        if (ids[i] < 0 || (uint32_t)ids[i] >= tok->vocab.count)
            return LLMC__FAIL(diag, BAD_ARG, "TOKEN.decode", LLMC_NO_OFFSET,
                              "id %d at place %zu is outside the vocabulary of %u", (int)ids[i], i,
                              (unsigned)tok->vocab.count);
        p = llmc__token_text(tok, ids[i], drop && opening, o.show_special, &m);
        /* after the first token that does not fit only the count goes on */
        if (used <= cap && m <= cap - used && m > 0)
            LLMC_MEMCPY(text + used, p, m);
        if (m > SIZE_MAX - used)
            return LLMC__FAIL(diag, NO_MEMORY, "TOKEN.decode", LLMC_NO_OFFSET,
                              "the text does not fit a size_t");
        used += m;
        opening = llmc__opens_text(tok, tok->tok[ids[i]].kind);
    }
    *len = used;
    if (used > cap)
        return LLMC__FAIL(diag, NO_MEMORY, "TOKEN.decode", LLMC_NO_OFFSET,
                          "the text takes %zu bytes, there is room for %zu", used, cap);
    return LLMC_OK;
}

/* llmc__token_bytes -- what one token adds to a text that streams
   first: nothing but special tokens came before, so SPM's leading space goes. buf [at least
   llmc__tokenizer_longest], not NUL-terminated; a character may come in several tokens' bytes, so the
   caller joins them before it shows any. Returns the bytes; 0 for control tokens unless show_special. */
LLMC__UNUSED static size_t llmc__token_bytes(const llmc_tokenizer *tok, llmc_token id, bool first,
                                             bool show_special, char *buf)
{
    size_t n;
    const uint8_t *p;
    if (id < 0 || (uint32_t)id >= tok->vocab.count)
        return 0;
    first = first && tok->vocab.kind == LLMC__VOCAB_SPM && tok->vocab.add_space_prefix;
    p = llmc__token_text(tok, id, first, show_special, &n);
    LLMC_MEMCPY(buf, p, n);
    return n;
}

/* Most bytes that one token can add, at least 1: the size of a buffer for llmc__token_bytes. */
LLMC__UNUSED static size_t llmc__tokenizer_longest(const llmc_tokenizer *tok)
{
    return tok->longest;
}

//--[ 13.9 TOKEN.carve ]-- from the file's vocabulary to tables
/* Measuring reads and checks every token; placing reads them again into tables and then the merges.
   Nothing here is quadratic in what a file can hold: hashes have bounded probes, the list of
   special tokens is heap-sorted, and a token that is checked for merging to itself is short.

     llmc_tokenizer | tok | raw | special | scratch | slot | merge, uc (BPE) | joined (SPM)        */

/* Walks strings of either layout; every length is checked again against what remains. */
typedef struct llmc__strings {
    const uint8_t *data;
    size_t bytes, at;
    llmc__string_layout layout;
} llmc__strings;

/* The next string: *text its place, *len its bytes. False: it does not fit, or is over 64 KB.

     GGUF      [ u64 length ][ bytes ]
     llama2.c  [ f32 score  ][ i32 length ][ bytes ]      a negative length reads as far too long */
static bool llmc__string_next(llmc__strings *s, size_t *text, size_t *len)
{
    uint64_t n;
    if (s->bytes - s->at < 8)
        return false;
    n = s->layout == LLMC__STRINGS_GGUF ? llmc__u64le(s->data + s->at) : llmc__u32le(s->data + s->at + 4);
    s->at += 8;
    if (n > UINT16_MAX || n > s->bytes - s->at)
        return false;
    *text = s->at;
    *len = (size_t)n;
    s->at += (size_t)n;
    return true;
}

/* Kind of a token as the file says, or derived where it says nothing: llama2.c's fixed places, or
   the named special ids and the spelling of byte tokens. 0: the file says nonsense. */
static uint8_t llmc__kind_of(const llmc__vocab *v, uint32_t id, const uint8_t *text, size_t len)
{
    bool byte = v->kind == LLMC__VOCAB_SPM && llmc__byte_token(text, len) >= 0;
    uint32_t i;
    if (v->types != NULL) {
        uint32_t k = llmc__u32le(v->types + 4 * (size_t)id);
        return (uint8_t)(k >= LLMC_TOKEN_NORMAL && k <= LLMC_TOKEN_BYTE ? k : 0);
    }
    if (v->layout == LLMC__STRINGS_LLAMA2C && id < 3)
        return id == 0 ? LLMC_TOKEN_UNKNOWN : LLMC_TOKEN_CONTROL;
    if (v->layout == LLMC__STRINGS_LLAMA2C)
        return byte && id < 259 ? LLMC_TOKEN_BYTE : LLMC_TOKEN_NORMAL;
    for (i = 0; i < LLMC_SPECIAL_COUNT; i++)
        if (v->special[i] == (llmc_token)id)
            return i == LLMC_SPECIAL_UNK ? LLMC_TOKEN_UNKNOWN : LLMC_TOKEN_CONTROL;
    return byte ? LLMC_TOKEN_BYTE : LLMC_TOKEN_NORMAL;
}

/* What one pass over the tokens finds out. */
typedef struct llmc__token_sizes {
    uint64_t raw;                            /* bytes of all tokens */
    uint32_t special, longest_text, longest; /* number of tokens to look for; most stored and raw bytes */
} llmc__token_sizes;

/* One pass over the tokens: checks all, counts, and, where tok is not NULL, fills tok [count] and
   raw (as many bytes as the pass without tok counted). *sizes is written by both passes, with the same
   result. vocab_check has bounded the text to 4 GiB, so places in it fit 32 bits.
   Errors: BAD_FILE. */
static llmc_status llmc__tokens_read(const llmc__vocab *v, llmc__tok *tok, uint8_t *raw,
                                     llmc__token_sizes *sizes, llmc_diag *diag)
{
    llmc__strings s;
    uint32_t id;
    s.data = v->tokens;
    s.bytes = v->tokens_bytes;
    s.at = 0;
    s.layout = v->layout;
    LLMC_MEMSET(sizes, 0, sizeof *sizes);
    for (id = 0; id < v->count; id++) {
        llmc__tok k;
        size_t text, len, n = 1;
        bool merge = false;
        int byte = -1;
        if (!llmc__string_next(&s, &text, &len))
            return LLMC__FAIL(diag, BAD_FILE, "TOKEN.carve", LLMC_NO_OFFSET,
                              "%s: the text of token %u is over 65535 bytes or past the end", v->name,
                              (unsigned)id);
        k.kind = llmc__kind_of(v, id, s.data + text, len);
        if (k.kind == LLMC_TOKEN_BYTE)
            byte = llmc__byte_token(s.data + text, len);
        if (k.kind == 0 || (k.kind == LLMC_TOKEN_BYTE && byte < 0))
            return LLMC__FAIL(diag, BAD_FILE, "TOKEN.carve", LLMC_NO_OFFSET, "%s: token %u '%.*s' %s",
                              v->name, (unsigned)id, (int)llmc__min(len, 64), (const char *)s.data + text,
                              k.kind == 0 ? "has a type outside 1 to 6"
                                          : "is a byte token but not of the form <0xXX>");
        if (byte < 0) /* a byte token's six characters would not fit the one byte counted for it */
            n = llmc__raw_bytes(v, k.kind, s.data + text, len, tok == NULL ? NULL : raw + sizes->raw, &merge);
        else if (tok != NULL)
            raw[sizes->raw] = (uint8_t)byte;
        k.raw = (uint32_t)sizes->raw;
        k.text = (uint32_t)text;
        k.raw_len = (uint16_t)n;
        k.text_len = (uint16_t)len;
        k.flags = merge ? LLMC__TOK_MERGE : 0;
        k.rank = 0;
        if (tok != NULL)
            tok[id] = k;
        if (llmc__find_kind(&k) != 0 && n > LLMC__SPECIAL_MAX)
            return LLMC__FAIL(diag, UNSUPPORTED, "TOKEN.carve", LLMC_NO_OFFSET,
                              "%s: special token %u has %u bytes; the limit is %u", v->name, (unsigned)id,
                              (unsigned)n, (unsigned)LLMC__SPECIAL_MAX);
        sizes->raw += n;
        sizes->special += llmc__find_kind(&k) != 0;
        sizes->longest_text = (uint32_t)llmc__max(sizes->longest_text, len);
        sizes->longest = (uint32_t)llmc__max(sizes->longest, n);
    }
    return LLMC_OK;
}

/* A float as a key that sorts the other way round: the best score has the lowest key. Positive floats
   order like their bits, so those are turned round; negative ones already run backwards.
   LLMC__NO_PAIR would be a NaN, which was refused. */
static uint32_t llmc__score_key(float score)
{
    uint32_t u = llmc__f32_bits(score + 0.0f); /* -0 becomes 0 */
    return (u & 0x80000000u) != 0 ? u : ~(u | 0x80000000u);
}

/* Notes which bytes stand side by side in a token p [n] that merging may make: joined, a matrix of
   256 x 256 bits, is the union over all of them. */
static void llmc__raw_joined(uint32_t *joined, const uint8_t *p, size_t n)
{
    size_t i;
    for (i = 1; i < n; i++)
        joined[p[i - 1] * 8 + p[i] / 32] |= 1u << (p[i] % 32);
}

/* llmc__tokens_index -- every token into the hash and the small tables    (TOKEN.carve)
   t->slot and t->joined are cleared, tok [count] is t->tok, not yet const. Ids ascend, so the lowest
   of equals wins everywhere. Byte tokens stay out of the hash: they are found by value alone, and
   "<0x41>" in a text is no byte. Errors: BAD_FILE. */
static llmc_status llmc__tokens_index(llmc_tokenizer *t, llmc__tok *tok, llmc_diag *diag)
{
    const llmc__vocab *v = &t->vocab;
    uint32_t id, i, n_bytes = 0;
    for (i = 0; i < 256; i++)
        t->single[i] = t->byte[i] = LLMC_TOKEN_NONE;
    for (id = 0; id < v->count; id++) {
        llmc__tok *k = &tok[id];
        const uint8_t *p = t->raw + k->raw;
        if (v->kind == LLMC__VOCAB_SPM) {
            float score = llmc__token_score(v, id, k->text);
            if (llmc__nan(score))
                return LLMC__FAIL(diag, BAD_FILE, "TOKEN.carve", LLMC_NO_OFFSET,
                                  "%s: the score of token %u is not a number", v->name, (unsigned)id);
            k->rank = llmc__score_key(score);
        }
        if (k->kind == LLMC_TOKEN_BYTE) {
            /* two tokens of one byte: the first counts */
            n_bytes += t->byte[p[0]] < 0;
            t->byte[p[0]] = t->byte[p[0]] < 0 ? (llmc_token)id : t->byte[p[0]];
            continue;
        }
        if (k->raw_len == 0)
            continue;
        if (!llmc__token_insert(t, id))
            return LLMC__FAIL(diag, BAD_FILE, "TOKEN.carve", LLMC_NO_OFFSET,
                              "%s: too many tokens whose hashes collide", v->name);
        t->any_user = t->any_user || k->kind == LLMC_TOKEN_USER;
        if ((k->flags & LLMC__TOK_MERGE) == 0)
            continue;
        t->longest_merge = (uint32_t)llmc__max(t->longest_merge, k->raw_len);
        if (v->kind == LLMC__VOCAB_SPM)
            llmc__raw_joined(t->joined, p, k->raw_len);
        if (k->raw_len == 1 && t->single[p[0]] < 0)
            t->single[p[0]] = (llmc_token)id;
    }
    t->has_bytes = n_bytes == 256;
    return LLMC_OK;
}

/* Id of a merge's part (stored text), which must be in the vocabulary; raw gets its bytes. A special
   token's id is no part of a merge: NONE and *known. */
static llmc_token llmc__merge_part(const llmc_tokenizer *t, const uint8_t *text, size_t len, uint8_t *raw,
                                   size_t *n, bool *known)
{
    static const uint8_t kind[] = {LLMC_TOKEN_USER, LLMC_TOKEN_CONTROL, LLMC_TOKEN_NORMAL};
    int byte = llmc__byte_token(text, len);
    llmc_token id = LLMC_TOKEN_NONE;
    bool merge, other;
    uint32_t i;
    *known = byte >= 0 && t->byte[byte] >= 0;
    for (i = 0; i < 3; i++) { /* the raw forms that it can have; not llmc_token_find, which may scan */
        *n = llmc__raw_bytes(&t->vocab, kind[i], text, len, raw, &merge);
        id = merge ? llmc__token_lookup(t, raw, *n, true) : LLMC_TOKEN_NONE;
        other = !merge && llmc__token_lookup(t, raw, *n, false) >= 0;
        *known = *known || id >= 0 || other;
    }
    return id; /* the normal form came last: its bytes are in raw */
}

/* llmc__merge_read -- one merge p [len], "a b", of rank `rank`             (TOKEN.carve)
   scratch [2 longest]: the raw bytes of a and then b, side by side, are what the merge makes. The one
   space cuts: in stored text the byte alphabet writes a space as U+0120, so neither part holds one.
   False: why in *problem. */
static bool llmc__merge_read(llmc_tokenizer *t, const uint8_t *p, size_t len, uint32_t rank, uint8_t *scratch,
                             size_t longest, const char **problem)
{
    size_t cut, n1, n2;
    bool known1, known2;
    llmc_token a, b, c;
    for (cut = 0; cut < len && p[cut] != ' '; cut++)
        ;
    *problem = "is not two tokens with one space between them";
    for (n1 = cut + 1; n1 < len; n1++)
        if (p[n1] == ' ')
            return false;
    if (cut == 0 || cut + 1 >= len)
        return false;
    *problem = "names a token that is not in the vocabulary";
    if (cut > longest || len - cut - 1 > longest)
        return false;
    a = llmc__merge_part(t, p, cut, scratch, &n1, &known1);
    b = llmc__merge_part(t, p + cut + 1, len - cut - 1, scratch + n1, &n2, &known2);
    if (!known1 || !known2)
        return false;
    if (a < 0 || b < 0)
        return true; /* of special tokens, which merging never reaches */
    c = llmc__token_lookup(t, scratch, n1 + n2, true);
    *problem = "makes a token that is not in the vocabulary";
    if (c < 0)
        return false;
    *problem = "is one of too many whose hashes collide";
    return llmc__merge_insert(t, (uint32_t)a, (uint32_t)b, rank, (uint32_t)c);
}

/* All merges, in rank order. Errors: BAD_FILE with the merge's number and text. A part or result that
   the vocabulary lacks is an error, as in Hugging Face's loader, not a merge to skip: such a
   file was cut or mixed up, and would encode text in a way its model has never seen.
   scratch [2 longest], longest: bytes of the longest stored token. */
static llmc_status llmc__merges_read(llmc_tokenizer *t, uint8_t *scratch, size_t longest, llmc_diag *diag)
{
    const llmc__vocab *v = &t->vocab;
    const char *problem = "";
    llmc__strings s;
    uint32_t i;
    s.data = v->merges;
    s.bytes = v->merges_bytes;
    s.at = 0;
    s.layout = LLMC__STRINGS_GGUF;
    for (i = 0; i <= t->merge_mask; i++)
        t->merge[i].left = LLMC__NO_PAIR;
    for (i = 0; i < v->n_merges; i++) {
        size_t text = 0, len = 0;
        problem = "is too long or past the end";
        if (!llmc__string_next(&s, &text, &len) ||
            !llmc__merge_read(t, s.data + text, len, i, scratch, longest, &problem))
            return LLMC__FAIL(diag, BAD_FILE, "TOKEN.carve", LLMC_NO_OFFSET, "%s: merge %u '%.*s' %s",
                              v->name, (unsigned)i, (int)llmc__min(len, 64), (const char *)s.data + text,
                              problem);
    }
    return LLMC_OK;
}

/* Byte order of two tokens' raw bytes; equal ones by id. */
static bool llmc__special_before(const llmc_tokenizer *t, llmc_token a, llmc_token b)
{
    const llmc__tok *x = &t->tok[a], *y = &t->tok[b];
    int c = LLMC_MEMCMP(t->raw + x->raw, t->raw + y->raw, (size_t)llmc__min(x->raw_len, y->raw_len));
    if (c != 0)
        return c < 0;
    return x->raw_len != y->raw_len ? x->raw_len < y->raw_len : a < b;
}

/* Heap sort's step: lets entry i of list [n] sink to its place. No recursion, no memory, and no
   order of the file that makes it slow. */
static void llmc__special_sink(const llmc_tokenizer *t, llmc_token *list, uint32_t i, uint32_t n)
{
    for (;;) {
        uint32_t child = 2 * i + 1;
        llmc_token swap = list[i];
        if (child >= n)
            return;
        if (child + 1 < n && llmc__special_before(t, list[child], list[child + 1]))
            child++;
        if (!llmc__special_before(t, list[i], list[child]))
            return;
        list[i] = list[child];
        list[child] = swap;
        i = child;
    }
}

/* Of neighbours in list [n] with the same bytes and of the same sort only the lowest id, which is the
   one that is found, stays; a thousand copies would cost a thousand looks. Returns what is left. */
static uint32_t llmc__special_unique(const llmc_tokenizer *t, llmc_token *list, uint32_t n)
{
    uint32_t i, k = 0, first = 0; /* list[first]: the first kept one with these bytes */
    uint8_t sorts = 0;            /* LLMC__FIND_... bits kept with these bytes        */
    for (i = 0; i < n; i++) {
        const llmc__tok *x = &t->tok[list[i]], *y = &t->tok[list[first]];
        uint8_t sort = llmc__find_kind(x);
        if (k == 0 || x->raw_len != y->raw_len || LLMC_MEMCMP(t->raw + x->raw, t->raw + y->raw, x->raw_len)) {
            first = k;
            sorts = 0;
        }
        if ((sorts & sort) == 0)
            list[k++] = list[i];
        sorts |= sort;
    }
    return k;
}

/* Collects the tokens that text is searched for, in byte order, and where each first byte begins.
   list [n], n as tokens_read counted them. special_at[k] is the first entry whose first byte is at
   least k; entry 256 is n, so that every byte's range is [special_at[k], special_at[k + 1]). */
static void llmc__specials_sort(llmc_tokenizer *t, llmc_token *list, uint32_t n)
{
    uint32_t i, k = 0;
    for (i = 0; i < t->vocab.count; i++)
        if (llmc__find_kind(&t->tok[i]) != 0)
            list[k++] = (llmc_token)i;
    for (i = n / 2; i > 0; i--)
        llmc__special_sink(t, list, i - 1, n);
    for (i = n; i > 1; i--) {
        llmc_token top = list[0];
        list[0] = list[i - 1];
        list[i - 1] = top;
        llmc__special_sink(t, list, 0, i - 1);
    }
    n = llmc__special_unique(t, list, n);
    t->special = list;
    LLMC_MEMSET(t->special_kinds, 0, sizeof t->special_kinds);
    for (i = 0, k = 0; k <= 256; k++) {
        while (i < n && t->raw[t->tok[list[i]].raw] < k) {
            t->special_kinds[k - 1] |= llmc__find_kind(&t->tok[list[i]]);
            i++;
        }
        t->special_at[k] = i;
    }
}

/* Marks the tokens whose own bytes merge to just them, so that encode can take a word that is such
   a token without merging. Longer ones than LLMC__WORD_SMALL are merged each time. */
static void llmc__mark_whole(const llmc_tokenizer *t, llmc__tok *tok)
{
    uint32_t id;
    for (id = 0; id < t->vocab.count; id++) {
        llmc_token first = LLMC_TOKEN_NONE;
        llmc__ids out;
        if ((tok[id].flags & LLMC__TOK_MERGE) == 0 || tok[id].raw_len > LLMC__WORD_SMALL)
            continue;
        out.at = &first;
        out.cap = 1;
        out.n = 0;
        llmc__word_small(t, t->raw + tok[id].raw, tok[id].raw_len, &out);
        if (out.n == 1 && first == (llmc_token)id)
            tok[id].flags |= LLMC__TOK_WHOLE;
    }
}

/* Whether the vocabulary is GPT-2's own, whose files are often older than pre-tokenizer names: 50000
   merges, and "<|endoftext|>" at 50256. Rows after that may pad it. */
static bool llmc__is_gpt2(const llmc__vocab *v)
{
    llmc__strings s;
    size_t text = 0, len = 0;
    uint32_t id;
    s.data = v->tokens;
    s.bytes = v->tokens_bytes;
    s.at = 0;
    s.layout = v->layout;
    if (v->n_merges != 50000 || v->count < 50257)
        return false;
    for (id = 0; id <= 50256; id++)
        if (!llmc__string_next(&s, &text, &len))
            return false;
    return llmc__texteq((const char *)s.data + text, len, "<|endoftext|>");
}

/* No pre-tokenizer, or llama.cpp's word for not knowing it (its converter gives SPM files that too). */
static bool llmc__unnamed(const llmc__vocab *v)
{
    return v->pre[0] == 0 || llmc__streq(v->pre, "default");
}

/* Refuses what is not known; never guesses how to cut text. An SPM file has no pre-tokenizer; a
   byte-level one without a name, or with llama.cpp's "default", is taken only if it is GPT-2's.
   Bounds on counts keep ids and slots in 32 bits below. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__vocab_check(const llmc__vocab *v, llmc_diag *diag)
{
    bool unnamed = llmc__unnamed(v);
    uint32_t i;
    if (v->count == 0 || v->count > 1u << 24 || v->n_merges > 1u << 24)
        return LLMC__FAIL(diag, BAD_FILE, "TOKEN.carve", LLMC_NO_OFFSET,
                          "%s: %u tokens and %u merges; from 1 to %u are possible", v->name,
                          (unsigned)v->count, (unsigned)v->n_merges, 1u << 24);
    if (v->tokens_bytes > UINT32_MAX)
        return LLMC__FAIL(diag, UNSUPPORTED, "TOKEN.carve", LLMC_NO_OFFSET,
                          "%s: more than 4 GiB of token text", v->name);
    if (v->kind == LLMC__VOCAB_SPM ? !unnamed
                                   : !llmc__streq(v->pre, "gpt-2") && !(unnamed && llmc__is_gpt2(v)))
        return LLMC__FAIL(diag, UNSUPPORTED, "TOKEN.carve", LLMC_NO_OFFSET,
                          "%s: pre-tokenizer '%s' is not supported%s", v->name, v->pre,
                          unnamed ? " (a byte-level vocabulary must name one)" : "");
    for (i = 0; i < LLMC_SPECIAL_COUNT; i++)
        if (v->special[i] != LLMC_TOKEN_NONE && (v->special[i] < 0 || (uint32_t)v->special[i] >= v->count))
            return LLMC__FAIL(diag, BAD_FILE, "TOKEN.carve", LLMC_NO_OFFSET,
                              "%s: special token id %d is outside the vocabulary of %u", v->name,
                              (int)v->special[i], (unsigned)v->count);
    return LLMC_OK;
}

/* Smallest power of two, at least 16, that leaves a table of n at most half full. n <= 2^24. */
static uint32_t llmc__slots(uint32_t n)
{
    uint32_t slots = 16;
    while (slots < 2 * n)
        slots *= 2;
    return slots;
}

/* The arrays of a tokenizer, and scratch for reading merges. */
typedef struct llmc__token_memory {
    llmc_tokenizer *t;
    llmc__tok *tok;
    uint8_t *raw, *scratch;
    llmc_token *special;
} llmc__token_memory;

/* Takes all memory, measuring or placing alike, in the order shown above; fields of *m->t are set
   only if there is any. Clears what the passes after it only add to. */
static void llmc__token_take(llmc__token_memory *m, const llmc__vocab *v, const llmc__token_sizes *sizes,
                             llmc__arena *a)
{
    bool bpe = v->kind == LLMC__VOCAB_BPE;
    uint32_t slots = llmc__slots(v->count), merges = bpe ? llmc__slots(v->n_merges) : 0;
    size_t joined_bytes = bpe ? 0 : 256 * 256 / 8;
    uint32_t *slot, *joined;
    llmc__merge *merge;
    uint8_t *uc;
    m->t = (llmc_tokenizer *)llmc__take(a, 1, sizeof *m->t);
    m->tok = (llmc__tok *)llmc__take(a, v->count, sizeof *m->tok);
    m->raw = (uint8_t *)llmc__take(a, sizes->raw, 1);
    m->special = (llmc_token *)llmc__take(a, sizes->special, sizeof *m->special);
    m->scratch = (uint8_t *)llmc__take(a, bpe ? 2 * (uint64_t)sizes->longest_text : 0, 1);
    slot = (uint32_t *)llmc__take(a, slots, sizeof *slot);
    merge = (llmc__merge *)llmc__take(a, merges, sizeof *merge);
    uc = (uint8_t *)llmc__take(a, bpe ? LLMC__UC_BMP : 0, 1);
    joined = (uint32_t *)llmc__take(a, joined_bytes, 1);
    if (a->failed || a->base == NULL)
        return;
    LLMC_MEMSET(joined, 0, joined_bytes);
    LLMC_MEMSET(m->t, 0, sizeof *m->t);
    LLMC_MEMSET(slot, 0, slots * sizeof *slot);
    m->t->vocab = *v;
    m->t->tok = m->tok;
    m->t->raw = m->raw;
    m->t->slot = slot;
    m->t->slot_mask = slots - 1;
    for (m->t->id_mask = 1; m->t->id_mask < v->count + 1;)
        m->t->id_mask = m->t->id_mask * 2 + 1;
    m->t->merge = merge;
    m->t->merge_mask = merges - 1;
    m->t->uc = uc;
    m->t->joined = joined;
    m->t->longest = (uint32_t)llmc__max(sizes->longest, 1);
    if (bpe)
        llmc__uc_fill(uc);
}

/* llmc__tokenizer_carve -- tables for v                             (TOKEN.carve)
   Takes all memory from a; with a->base NULL it only measures and checks the tokens (not the merges,
   which need the tables), and *out is NULL. The merges' scratch stays in the arena.
   v's pointers must outlive *out; v itself is copied.
   Errors: BAD_FILE, UNSUPPORTED (pre-tokenizer), NO_MEMORY. */
LLMC__UNUSED static llmc_status llmc__tokenizer_carve(llmc_tokenizer **out, const llmc__vocab *v,
                                                      llmc__arena *a, llmc_diag *diag)
{
    llmc__token_sizes sizes;
    llmc__token_memory m;
    *out = NULL;
    LLMC__TRY(llmc__vocab_check(v, diag));
    LLMC__TRY(llmc__tokens_read(v, NULL, NULL, &sizes, diag));
    llmc__token_take(&m, v, &sizes, a);
    if (a->failed)
        return LLMC__FAIL(diag, NO_MEMORY, "TOKEN.carve", LLMC_NO_OFFSET, "%s: no memory for the tokenizer",
                          v->name);
    if (a->base == NULL)
        return LLMC_OK;
    LLMC__TRY(llmc__tokens_read(v, m.tok, m.raw, &sizes, diag));
    LLMC__TRY(llmc__tokens_index(m.t, m.tok, diag));
    if (v->kind == LLMC__VOCAB_BPE)
        LLMC__TRY(llmc__merges_read(m.t, m.scratch, sizes.longest_text, diag));
    llmc__specials_sort(m.t, m.special, sizes.special);
    llmc__mark_whole(m.t, m.tok);
    if (v->kind == LLMC__VOCAB_SPM)
        llmc__format(m.t->name, sizeof m.t->name, "llama");
    else
        llmc__format(m.t->name, sizeof m.t->name, "gpt2/%s", llmc__unnamed(v) ? "gpt-2" : v->pre);
    *out = m.t;
    return LLMC_OK;
}
#endif /* LLMC_NO_TOKEN */

//==[ 14 MODEL ]==== configuration, weights and tokenizer out of files ==== needs: 03 04 07 08 12 13 ====

//--[ 14.1 MODEL.roles ]-- what each tensor is for
/* id, name in GGUF, its row length and number of rows by letter: D width, V vocabulary, C context,
   Q all query heads (H K), G all key/value heads (G K), S those of a fused q, k, v, F feed-forward,
   E experts, M an expert's width, N the shared experts', K a head, H heads, Y token types, L layers,
   R half the rotated part of a head, m and v the channels that gate smear and value embeddings.
   0 rows: a vector. Small letters beside rows: m [m][E] etc. are three dimensions, the last experts:
   see llmc__role_shape. Roles from ATTN_NORM on stand once per layer, as "blk.<layer>.<name>". */
#define LLMC__ROLE_LIST(X)                                                                                   \
    X(EMBED, "token_embd.weight", 'D', 'V', 0)  /* token to its vector */                                    \
    X(POS, "position_embd.weight", 'D', 'C', 0) /* learned positions */                                      \
    X(TYPES, "token_types.weight", 'D', 'Y', 0) /* BERT's segments */                                        \
    X(EMBED_NORM, "token_embd_norm.weight", 'D', 0, 0)                                                       \
    X(EMBED_NORM_B, "token_embd_norm.bias", 'D', 0, 0)                                                       \
    X(OUT_NORM, "output_norm.weight", 'D', 0, 0) /* before the head */                                       \
    X(OUT_NORM_B, "output_norm.bias", 'D', 0, 0)                                                             \
    X(HEAD, "output.weight", 'D', 'V', 0) /* absent: tied to EMBED */                                        \
    X(HEAD_B, "output.bias", 'V', 0, 0)                                                                      \
    X(ROPE_FREQS, "rope_freqs.weight", 'R', 0, 0) /* what frequencies are divided by */                      \
    X(ROPE_LONG, "rope_factors_long.weight", 'R', 0, 0)                                                      \
    X(ROPE_SHORT, "rope_factors_short.weight", 'R', 0, 0)                                                    \
    X(X_LAMBDAS, "resid_lambdas.weight", 'L', 0, 0) /* nanochat 2026-07, and the next four */                \
    X(X0_LAMBDAS, "x0_lambdas.weight", 'L', 0, 0)                                                            \
    X(SMEAR_GATE, "smear_gate.weight", 'm', 0, 0)                                                            \
    X(SMEAR_LAMBDA, "smear_lambda.weight", '1', 0, 0)                                                        \
    X(BACKOUT_LAMBDA, "backout_lambda.weight", '1', 0, 0)                                                    \
    X(ATTN_NORM, "attn_norm.weight", 'D', 0, 0) /* from here on per layer */                                 \
    X(ATTN_NORM_B, "attn_norm.bias", 'D', 0, 0)                                                              \
    X(Q, "attn_q.weight", 'D', 'Q', 0)                                                                       \
    X(K, "attn_k.weight", 'D', 'G', 0)                                                                       \
    X(V, "attn_v.weight", 'D', 'G', 0)                                                                       \
    X(Q_B, "attn_q.bias", 'Q', 0, 0)                                                                         \
    X(K_B, "attn_k.bias", 'G', 0, 0)                                                                         \
    X(V_B, "attn_v.bias", 'G', 0, 0)                                                                         \
    X(QKV, "attn_qkv.weight", 'D', 'S', 0) /* q, k, v rows stacked */                                        \
    X(QKV_B, "attn_qkv.bias", 'S', 0, 0)                                                                     \
    X(Q_NORM, "attn_q_norm.weight", 'q', 0, 0) /* [K], [H][K] or [H K] by llmc_qk_norm */                    \
    X(K_NORM, "attn_k_norm.weight", 'k', 0, 0)                                                               \
    X(SINKS, "attn_sinks.weight", 'H', 0, 0)                                                                 \
    X(VALUE_EMBED, "value_embd.weight", 'G', 'V', 0) /* nanochat 2026-07 */                                  \
    X(VALUE_GATE, "value_gate.weight", 'v', 'g', 0)                                                          \
    X(O, "attn_output.weight", 'Q', 'D', 0) /* heads back to the width; RustGPT has none */                  \
    X(O_B, "attn_output.bias", 'D', 0, 0)                                                                    \
    X(ATTN_BRANCH_NORM, "post_attention_norm.weight", 'D', 0, 0)                                             \
    X(ATTN_POST_NORM, "attn_output_norm.weight", 'D', 0, 0)                                                  \
    X(ATTN_POST_NORM_B, "attn_output_norm.bias", 'D', 0, 0)                                                  \
    X(FFN_NORM, "ffn_norm.weight", 'D', 0, 0)                                                                \
    X(FFN_NORM_B, "ffn_norm.bias", 'D', 0, 0)                                                                \
    X(GATE, "ffn_gate.weight", 'D', 'F', 0)                                                                  \
    X(UP, "ffn_up.weight", 'D', 'F', 0)                                                                      \
    X(DOWN, "ffn_down.weight", 'F', 'D', 0)                                                                  \
    X(GATE_B, "ffn_gate.bias", 'F', 0, 0)                                                                    \
    X(UP_B, "ffn_up.bias", 'F', 0, 0)                                                                        \
    X(DOWN_B, "ffn_down.bias", 'D', 0, 0)                                                                    \
    X(GATE_UP, "ffn_gate_up.weight", 'D', 'f', 0) /* 2 F rows, the gate's first (Phi-3, GLM-4) */            \
    X(FFN_BRANCH_NORM, "post_ffw_norm.weight", 'D', 0, 0)                                                    \
    X(FFN_POST_NORM, "layer_output_norm.weight", 'D', 0, 0)                                                  \
    X(FFN_POST_NORM_B, "layer_output_norm.bias", 'D', 0, 0)                                                  \
    X(ROUTER, "ffn_gate_inp.weight", 'D', 'E', 0) /* scores of the experts */                                \
    X(ROUTER_B, "ffn_gate_inp.bias", 'E', 0, 0)                                                              \
    X(EXPERTS_GATE, "ffn_gate_exps.weight", 'D', 'M', 'E')                                                   \
    X(EXPERTS_UP, "ffn_up_exps.weight", 'D', 'M', 'E')                                                       \
    X(EXPERTS_DOWN, "ffn_down_exps.weight", 'M', 'D', 'E')                                                   \
    X(EXPERTS_GATE_UP, "ffn_gate_up_exps.weight", 'D', 'd', 'E')   /* 2 M rows */                            \
    X(EXPERTS_GATE_UP_S, "ffn_gate_up_exps.scales", 'b', 'd', 'E') /* gpt-oss: scales apart */               \
    X(EXPERTS_DOWN_S, "ffn_down_exps.scales", 'B', 'D', 'E')                                                 \
    X(EXPERTS_GATE_B, "ffn_gate_exps.bias", 'M', 'E', 0)                                                     \
    X(EXPERTS_UP_B, "ffn_up_exps.bias", 'M', 'E', 0)                                                         \
    X(EXPERTS_DOWN_B, "ffn_down_exps.bias", 'D', 'E', 0)                                                     \
    X(EXPERTS_GATE_UP_B, "ffn_gate_up_exps.bias", 'd', 'E', 0)                                               \
    X(SHARED_ROUTER, "ffn_gate_inp_shexp.weight", 'D', 0, 0) /* a sigmoid, how much of the shared experts */ \
    X(SHARED_GATE, "ffn_gate_shexp.weight", 'D', 'N', 0)                                                     \
    X(SHARED_UP, "ffn_up_shexp.weight", 'D', 'N', 0)                                                         \
    X(SHARED_DOWN, "ffn_down_shexp.weight", 'N', 'D', 0)

/* Roles as numbers, in the order of the list; those below LLMC__W_GLOBALS stand once in a model. */
enum {
#define LLMC__ROLE_ENUM(id, name, cols, rows, depth) LLMC__W_##id,
    LLMC__ROLE_LIST(LLMC__ROLE_ENUM)
#undef LLMC__ROLE_ENUM
        LLMC__W_COUNT,
    LLMC__W_GLOBALS = LLMC__W_ATTN_NORM
};

#define LLMC__BIT(id) (UINT64_C(1) << LLMC__W_##id) /* a set of roles is one word: at most 64 roles */

/* A role's name and shape. A matrix is [rows][cols] row-major, dim[0] = cols and dim[1] = rows; y = W x
   takes x [cols] to y [rows]. Dimension letters as in the list above. */
typedef struct llmc__role {
    const char *name;
    char cols, rows, depth;
} llmc__role;

/* By role. */
static const llmc__role llmc__role_table[LLMC__W_COUNT] = {
#define LLMC__ROLE_ROW(id, name, cols, rows, depth) {name, cols, rows, depth},
    LLMC__ROLE_LIST(LLMC__ROLE_ROW)
#undef LLMC__ROLE_ROW
};

/* A model's weights, found by role. Everything points into the caller's memory or the file. */
struct llmc_model {
    llmc_config config;
    llmc_tokenizer *tokenizer;                /* or NULL */
    const llmc_tensor *global[LLMC__W_COUNT]; /* by role, NULL: absent; HEAD is EMBED when tied */
    const llmc_tensor **layer;                /* [L][LLMC__W_COUNT] */
    llmc_tensor *tensors;                     /* [n_tensors], as in the file */
    uint32_t n_tensors;
    llmc_tensor *views; /* parts cut out of fused tensors; or NULL */
    llmc_tensor *
        *experts; /* [L] to [E][LLMC__EXPERT_PARTS], NULL: a dense layer; or NULL; see llmc__expert */
    float *rope_factors[2]; /* [R] divisors of frequencies: up to rope_original, and above; NULL: none */
    uint64_t weight_bytes;  /* as stored, scales included */
    llmc_file_kind kind;
    llmc_blob file, vocab_file; /* vocab_file: where the tokenizer's keys stand; data NULL: in no GGUF */
    const char *chat_template;  /* or NULL */
    size_t chat_template_len;
    bool vocab_only; /* no tensors, no layers: only the tokenizer and names */
};

/* A weight by role: of the whole model, or of layer l < L. NULL: the family has it not, or the file
   leaves out an optional one. Fused q, k, v are found as Q, K, V too. */
static inline const llmc_tensor *llmc__global(const llmc_model *m, unsigned role)
{
    return m->global[role];
}

static inline const llmc_tensor *llmc__weight(const llmc_model *m, uint32_t l, unsigned role)
{
    return m->layer[(size_t)l * LLMC__W_COUNT + role];
}

/* The matrices and biases of one expert, cut out of wherever the file keeps them. */
enum {
    LLMC__EXPERT_GATE,
    LLMC__EXPERT_UP,
    LLMC__EXPERT_DOWN,
    LLMC__EXPERT_GATE_B,
    LLMC__EXPERT_UP_B,
    LLMC__EXPERT_DOWN_B,
    LLMC__EXPERT_PARTS
};

/* One of expert e < E of layer l, which is not dense; NULL: the family has it not. */
static inline const llmc_tensor *llmc__expert(const llmc_model *m, uint32_t l, uint32_t e, unsigned part)
{
    const llmc_tensor *t = &m->experts[l][(size_t)e * LLMC__EXPERT_PARTS + part];
    return t->data == NULL ? NULL : t;
}

//--[ 14.2 MODEL.names ]-- from a tensor's name to its role
/* What a name can mean besides a role. */
enum { LLMC__W_UNKNOWN = LLMC__W_COUNT, LLMC__W_IGNORED };

/* A name as makers write it, without a leading "model." or its like and without ".weight" or ".bias": '%' is a
   layer's number, '@' an expert's or head's, a final '*' anything. weight and bias: roles. */
typedef struct llmc__alias {
    const char *pattern;
    uint8_t weight, bias;
} llmc__alias;

/* Both roles of a name whose bias has one, too; a name without a bias; a buffer that says nothing. */
#define LLMC__BOTH(pattern, id)                 \
    {                                           \
        pattern, LLMC__W_##id, LLMC__W_##id##_B \
    }
#define LLMC__ONE(pattern, id)                 \
    {                                          \
        pattern, LLMC__W_##id, LLMC__W_UNKNOWN \
    }
#define LLMC__NOTHING(pattern)                    \
    {                                             \
        pattern, LLMC__W_IGNORED, LLMC__W_IGNORED \
    }

/* Makers' names in all families at once: none of them means two things (but see llmc__sandwich_names). */
static const llmc__alias llmc__maker_names[] = {
    /* Llama's, which most have taken over */
    LLMC__ONE("embed_tokens", EMBED), LLMC__BOTH("norm", OUT_NORM), LLMC__BOTH("lm_head", HEAD),
    LLMC__BOTH("layers.%.input_layernorm", ATTN_NORM), LLMC__BOTH("layers.%.self_attn.q_proj", Q),
    LLMC__BOTH("layers.%.self_attn.k_proj", K), LLMC__BOTH("layers.%.self_attn.v_proj", V),
    LLMC__BOTH("layers.%.self_attn.o_proj", O), LLMC__BOTH("layers.%.self_attn.qkv_proj", QKV),
    LLMC__ONE("layers.%.self_attn.q_norm", Q_NORM), LLMC__ONE("layers.%.self_attn.k_norm", K_NORM),
    LLMC__ONE("layers.%.self_attn.q_layernorm.norms.@", Q_NORM),
    LLMC__ONE("layers.%.self_attn.k_layernorm.norms.@", K_NORM), LLMC__ONE("layers.%.self_attn.sinks", SINKS),
    LLMC__NOTHING("layers.%.self_attn.rotary_emb.inv_freq"),
    LLMC__BOTH("layers.%.post_attention_layernorm", FFN_NORM),
    LLMC__ONE("layers.%.post_self_attn_layernorm", ATTN_BRANCH_NORM),
    LLMC__ONE("layers.%.post_mlp_layernorm", FFN_BRANCH_NORM), LLMC__BOTH("layers.%.mlp.gate_proj", GATE),
    LLMC__BOTH("layers.%.mlp.up_proj", UP), LLMC__BOTH("layers.%.mlp.down_proj", DOWN),
    LLMC__ONE("layers.%.mlp.gate_up_proj", GATE_UP),
    /* mixtures of experts */
    LLMC__BOTH("layers.%.mlp.gate", ROUTER), LLMC__BOTH("layers.%.mlp.router", ROUTER),
    LLMC__ONE("layers.%.mlp.experts.@.gate_proj", EXPERTS_GATE),
    LLMC__ONE("layers.%.mlp.experts.@.up_proj", EXPERTS_UP),
    LLMC__ONE("layers.%.mlp.experts.@.down_proj", EXPERTS_DOWN),
    LLMC__ONE("layers.%.mlp.experts.gate_up_proj", EXPERTS_GATE_UP),
    LLMC__ONE("layers.%.mlp.experts.gate_up_proj_bias", EXPERTS_GATE_UP_B),
    LLMC__ONE("layers.%.mlp.experts.down_proj", EXPERTS_DOWN),
    LLMC__ONE("layers.%.mlp.experts.gate_up_proj_blocks", EXPERTS_GATE_UP),
    LLMC__ONE("layers.%.mlp.experts.gate_up_proj_scales", EXPERTS_GATE_UP_S),
    LLMC__ONE("layers.%.mlp.experts.down_proj_blocks", EXPERTS_DOWN),
    LLMC__ONE("layers.%.mlp.experts.down_proj_scales", EXPERTS_DOWN_S),
    LLMC__ONE("layers.%.mlp.experts.down_proj_bias", EXPERTS_DOWN_B),
    LLMC__ONE("layers.%.mlp.shared_expert_gate", SHARED_ROUTER),
    LLMC__ONE("layers.%.mlp.shared_expert.gate_proj", SHARED_GATE),
    LLMC__ONE("layers.%.mlp.shared_expert.up_proj", SHARED_UP),
    LLMC__ONE("layers.%.mlp.shared_expert.down_proj", SHARED_DOWN),
    LLMC__ONE("layers.%.block_sparse_moe.gate", ROUTER),
    LLMC__ONE("layers.%.block_sparse_moe.experts.@.w1", EXPERTS_GATE),
    LLMC__ONE("layers.%.block_sparse_moe.experts.@.w3", EXPERTS_UP),
    LLMC__ONE("layers.%.block_sparse_moe.experts.@.w2", EXPERTS_DOWN),
    LLMC__ONE("layers.%.block_sparse_moe.router.layer", ROUTER),
    LLMC__ONE("layers.%.block_sparse_moe.input_linear", EXPERTS_GATE_UP),
    LLMC__ONE("layers.%.block_sparse_moe.output_linear", EXPERTS_DOWN),
    /* Phi-2, StarCoder 2 */
    LLMC__BOTH("layers.%.self_attn.dense", O), LLMC__BOTH("layers.%.mlp.fc1", UP),
    LLMC__BOTH("layers.%.mlp.fc2", DOWN), LLMC__BOTH("final_layernorm", OUT_NORM),
    LLMC__BOTH("layers.%.mlp.c_fc", UP), LLMC__BOTH("layers.%.mlp.c_proj", DOWN),
    /* GPT-2, claude-rust, nanochat */
    LLMC__ONE("wte", EMBED), LLMC__ONE("wpe", POS), LLMC__BOTH("ln_f", OUT_NORM),
    LLMC__BOTH("h.%.ln_1", ATTN_NORM), LLMC__BOTH("h.%.ln_2", FFN_NORM), LLMC__BOTH("h.%.attn.c_attn", QKV),
    LLMC__BOTH("h.%.attn.c_proj", O), LLMC__BOTH("h.%.mlp.c_fc", UP), LLMC__BOTH("h.%.mlp.c_proj", DOWN),
    LLMC__NOTHING("h.%.attn"), /* ".bias" is the causal mask */
    LLMC__NOTHING("h.%.attn.masked_bias"), LLMC__ONE("h.%.attn.c_q", Q), LLMC__ONE("h.%.attn.c_k", K),
    LLMC__ONE("h.%.attn.c_v", V), LLMC__ONE("h.%.attn.ve_gate", VALUE_GATE),
    LLMC__ONE("value_embeds.%", VALUE_EMBED), LLMC__ONE("resid_lambdas", X_LAMBDAS),
    LLMC__ONE("x0_lambdas", X0_LAMBDAS), LLMC__ONE("smear_gate", SMEAR_GATE),
    LLMC__ONE("smear_lambda", SMEAR_LAMBDA), LLMC__ONE("backout_lambda", BACKOUT_LAMBDA),
    /* the Rust port of nanochat, whose norms are there and not used */
    LLMC__ONE("blocks.%.attn.c_q", Q), LLMC__ONE("blocks.%.attn.c_k", K), LLMC__ONE("blocks.%.attn.c_v", V),
    LLMC__ONE("blocks.%.attn.c_proj", O), LLMC__ONE("blocks.%.mlp.c_fc", UP),
    LLMC__ONE("blocks.%.mlp.c_proj", DOWN), LLMC__NOTHING("blocks.%.ln*"),
    LLMC__NOTHING("blocks.%.attn.qk_norm*"), LLMC__NOTHING("blocks.%.norm*"), LLMC__NOTHING("ln_f.*"),
    /* Falcon and GPT-NeoX */
    LLMC__ONE("word_embeddings", EMBED), LLMC__BOTH("h.%.input_layernorm", ATTN_NORM),
    LLMC__BOTH("h.%.ln_attn", ATTN_NORM), LLMC__BOTH("h.%.ln_mlp", FFN_NORM),
    LLMC__BOTH("h.%.post_attention_layernorm", FFN_NORM),
    LLMC__BOTH("h.%.self_attention.query_key_value", QKV), LLMC__BOTH("h.%.self_attention.dense", O),
    LLMC__BOTH("h.%.mlp.dense_h_to_4h", UP), LLMC__BOTH("h.%.mlp.dense_4h_to_h", DOWN),
    LLMC__ONE("embed_in", EMBED), LLMC__ONE("embed_out", HEAD),
    LLMC__BOTH("layers.%.attention.query_key_value", QKV), LLMC__BOTH("layers.%.attention.dense", O),
    LLMC__BOTH("layers.%.mlp.dense_h_to_4h", UP), LLMC__BOTH("layers.%.mlp.dense_4h_to_h", DOWN),
    LLMC__BOTH("final_layer_norm", OUT_NORM), LLMC__NOTHING("layers.%.attention"),
    LLMC__NOTHING("layers.%.attention.masked_bias"), LLMC__NOTHING("layers.%.attention.rotary_emb.inv_freq"),
    /* InternLM 2 */
    LLMC__ONE("tok_embeddings", EMBED), LLMC__BOTH("output", HEAD),
    LLMC__ONE("layers.%.attention_norm", ATTN_NORM), LLMC__ONE("layers.%.ffn_norm", FFN_NORM),
    LLMC__BOTH("layers.%.attention.wqkv", QKV), LLMC__BOTH("layers.%.attention.wo", O),
    LLMC__ONE("layers.%.feed_forward.w1", GATE), LLMC__ONE("layers.%.feed_forward.w3", UP),
    LLMC__ONE("layers.%.feed_forward.w2", DOWN),
    /* BERT; its pooler and pre-training heads are not asked for */
    LLMC__ONE("embeddings.word_embeddings", EMBED), LLMC__ONE("embeddings.position_embeddings", POS),
    LLMC__ONE("embeddings.token_type_embeddings", TYPES), LLMC__BOTH("embeddings.LayerNorm", EMBED_NORM),
    LLMC__NOTHING("embeddings.position_ids"), LLMC__NOTHING("embeddings.token_type_ids"),
    LLMC__BOTH("encoder.layer.%.attention.self.query", Q),
    LLMC__BOTH("encoder.layer.%.attention.self.key", K),
    LLMC__BOTH("encoder.layer.%.attention.self.value", V),
    LLMC__BOTH("encoder.layer.%.attention.output.dense", O),
    LLMC__BOTH("encoder.layer.%.attention.output.LayerNorm", ATTN_POST_NORM),
    LLMC__BOTH("encoder.layer.%.intermediate.dense", UP), LLMC__BOTH("encoder.layer.%.output.dense", DOWN),
    LLMC__BOTH("encoder.layer.%.output.LayerNorm", FFN_POST_NORM), LLMC__NOTHING("pooler.dense"),
    LLMC__NOTHING("cls.*"),
    /* what a model sees with, beside the text model that is read */
    LLMC__NOTHING("vision_tower.*"), LLMC__NOTHING("multi_modal_projector.*"),
    /* RustGPT, which saves nothing itself: names of ours */
    LLMC__ONE("embeddings.token", EMBED), LLMC__ONE("embeddings.position", POS),
    LLMC__ONE("layers.%.attention.w_q", Q), LLMC__ONE("layers.%.attention.w_k", K),
    LLMC__ONE("layers.%.attention.w_v", V), LLMC__BOTH("layers.%.norm1", ATTN_POST_NORM),
    LLMC__BOTH("layers.%.ffn.fc1", UP), LLMC__BOTH("layers.%.ffn.fc2", DOWN),
    LLMC__BOTH("layers.%.norm2", FFN_POST_NORM)};

/* Where a branch is normed before it is added, its norm has the name that elsewhere means the
   feed-forward's (Gemma 2 and 3, OLMo 2, EXAONE 4). */
static const llmc__alias llmc__sandwich_names[] = {
    LLMC__ONE("layers.%.post_attention_layernorm", ATTN_BRANCH_NORM),
    LLMC__ONE("layers.%.pre_feedforward_layernorm", FFN_NORM),
    LLMC__ONE("layers.%.post_feedforward_layernorm", FFN_BRANCH_NORM)};

#undef LLMC__BOTH
#undef LLMC__ONE
#undef LLMC__NOTHING

/* Where a tensor belongs. */
typedef struct llmc__place {
    unsigned role;  /* LLMC__W_..., perhaps UNKNOWN or IGNORED           */
    uint32_t layer; /* UINT32_MAX: of the whole model                     */
    uint32_t index; /* expert or head; UINT32_MAX: all of them together    */
} llmc__place;

/* A number without leading zeros, so that two names never mean one tensor; at most 99999, more
   digits are left unread and fit no pattern. NULL: no number here. */
static const char *llmc__name_number(const char *p, uint32_t *out)
{
    const char *begin = p;
    uint32_t n = 0;
    while (*p >= '0' && *p <= '9' && p < begin + 5 && !(p > begin && n == 0))
        n = n * 10 + (uint32_t)(*p++ - '0');
    *out = n;
    return p == begin ? NULL : p;
}

/* Whether name [len] is of this pattern; *place gets its numbers. */
static bool llmc__name_fits(const char *pattern, const char *name, size_t len, llmc__place *place)
{
    const char *end = name + len;
    for (; *pattern != 0; pattern++) {
        if (*pattern == '*')
            return true;
        if (*pattern == '%' || *pattern == '@') {
            name = llmc__name_number(name, *pattern == '%' ? &place->layer : &place->index);
            if (name == NULL)
                return false;
        } else if (name == end || *name++ != *pattern) {
            return false;
        }
    }
    return name == end;
}

/* name without what frameworks put before it: "model.layers.0..." is "layers.0...". */
static const char *llmc__name_stem(const char *name)
{
    static const char *const prefix[] = {"language_model.", "model.", "transformer.",
                                         "gpt_neox.",       "bert.",  "text_model."};
    size_t i, n;
    for (i = 0; i < sizeof prefix / sizeof prefix[0]; i++) {
        n = llmc__strlen(prefix[i]);
        /* names are NUL-terminated: a shorter one differs before its end */
        if (llmc__strlen(name) > n && llmc__texteq(name, n, prefix[i])) {
            name += n;
            i = (size_t)-1; /* "model.language_model.": from the begin again, each time shorter */
        }
    }
    return name;
}

/* A maker's name, looked up in one list. *place is set if it is there. */
static bool llmc__name_listed(const llmc__alias *list, size_t n, const char *name, llmc__place *place)
{
    size_t len = llmc__strlen(name), i;
    bool bias = len > 5 && llmc__streq(name + len - 5, ".bias");
    size_t stem = bias ? len - 5 : len > 7 && llmc__streq(name + len - 7, ".weight") ? len - 7 : len;
    for (i = 0; i < n; i++) {
        place->layer = place->index = UINT32_MAX;
        if (llmc__name_fits(list[i].pattern, name, stem, place)) {
            place->role = bias ? list[i].bias : list[i].weight;
            return true;
        }
    }
    return false;
}

/* A tensor of a maker's file; UNKNOWN if no family has one of that name. */
static llmc__place llmc__name_maker(const char *name, bool sandwich)
{
    llmc__place place;
    name = llmc__name_stem(name);
    if (sandwich &&
        llmc__name_listed(llmc__sandwich_names, sizeof llmc__sandwich_names / sizeof llmc__sandwich_names[0],
                          name, &place))
        return place;
    if (!llmc__name_listed(llmc__maker_names, sizeof llmc__maker_names / sizeof llmc__maker_names[0], name,
                           &place))
        place.role = LLMC__W_UNKNOWN;
    return place;
}

/* "blk.7.attn_q.weight" to layer 7 and LLMC__W_Q: GGUF's names, one list for all families. */
static llmc__place llmc__name_gguf(const char *name)
{
    llmc__place place;
    unsigned end = LLMC__W_GLOBALS;
    place.role = 0;
    place.layer = place.index = UINT32_MAX;
    if (llmc__strlen(name) > 4 && llmc__texteq(name, 4, "blk.")) {
        const char *p = llmc__name_number(name + 4, &place.layer);
        place.role = p == NULL || *p != '.' ? (unsigned)LLMC__W_UNKNOWN : (unsigned)LLMC__W_GLOBALS;
        name = p == NULL ? name : p + 1;
        end = LLMC__W_COUNT;
    }
    while (place.role < end && !llmc__streq(name, llmc__role_table[place.role].name))
        place.role++;
    if (place.role >= end)
        place.role = LLMC__W_UNKNOWN;
    return place;
}

//--[ 14.3 MODEL.family ]-- one row per architecture; adding one is adding a row
/* What a family does differently; numbers that files give are not here. */
enum {
    LLMC__GATED = 1 << 0,          /* down(act(gate x) * up x), else down(act(up x))            */
    LLMC__NORM_LAYER = 1 << 1,     /* LayerNorm, else RMSNorm                                   */
    LLMC__NORM_PLAIN = 1 << 2,     /* norms without weights                                     */
    LLMC__PLUS_ONE = 1 << 3,       /* makers' norm weights lack 1; GGUF's have it                */
    LLMC__NO_PRE = 1 << 4,         /* no norm before the branches                               */
    LLMC__BRANCH = 1 << 5,         /* norms on what branches return                             */
    LLMC__POST = 1 << 6,           /* norms on the sums                                         */
    LLMC__SHARED = 1 << 7,         /* branches in parallel on one norm, if the file does not say otherwise */
    LLMC__OWN = 1 << 8,            /*   on a norm each                                          */
    LLMC__EMBED_ROOT = 1 << 9,     /* embeddings times sqrt(D)                                  */
    LLMC__LOGIT_DIVIDE = 1 << 10,  /* logit_scale divides                                       */
    LLMC__CONV1D = 1 << 11,        /* makers store matrices [in][out]                           */
    LLMC__GROUPED = 1 << 12,       /* makers' fused q, k, v go by key head                      */
    LLMC__QK_HEAD = 1 << 13,       /* q and k norms per head                                    */
    LLMC__QK_WIDTH = 1 << 14,      /* q and k norms over all heads                              */
    LLMC__QK_HEADS = 1 << 15,      /* q and k norms per head with a weight each, where the file has them */
    LLMC__RENORM = 1 << 16,        /* weights of chosen experts sum to 1 if the file does not say otherwise */
    LLMC__ENCODER = 1 << 17,       /* bidirectional, no head                                    */
    LLMC__EMBED_NORM = 1 << 18,    /* a norm on the embedding                                   */
    LLMC__NO_OUT_NORM = 1 << 19,   /* none before the head                                      */
    LLMC__ACT_FIXED = 1 << 20,     /* the activation that makers' files name is not the one that runs */
    LLMC__FF4 = 1 << 21,           /* F is 4 D where the file says nothing                      */
    LLMC__UNTURNED_FULL = 1 << 22, /* layers that see everything have no RoPE                   */
    LLMC__UNTURNED_4 = 1 << 23,    /* every fourth layer has no RoPE                            */
    LLMC__LOCAL_BASE = 1 << 24,    /* windowed layers turn by a base of their own, 10000          */
    LLMC__LOCAL_PLAIN = 1 << 25,   /* windowed layers turn by the same base, unscaled           */
    LLMC__FUSED_UP = 1 << 26,      /* GGUF's ffn_up holds gate and up                           */
    LLMC__PADDED = 1 << 27,        /* rows of the embedding beyond the vocabulary are padding   */
    LLMC__NANOCHAT = 1 << 28,      /* turned backwards, q and k normed after the rotation        */
    LLMC__SINK_LOGITS = 1 << 29,   /* a value for each head joins the softmax                   */
    LLMC__ROPE_HALF_GGUF = 1 << 30 /* pairs half a head apart in GGUF, else adjacent             */
};

/* hf: model_type in config.json, several apart by '|'. window_every: one layer in so many sees
   everything, the others the window; 0: all have the window, if there is one. */
typedef struct llmc__family {
    const char *name, *hf; /* general.architecture */
    llmc_pos pos;
    llmc_rope rope_hf; /* pairs in makers' files */
    llmc_act act;
    uint32_t traits;
    uint32_t window_every;
} llmc__family;

#define LLMC__R    LLMC_POS_ROPE
#define LLMC__H    LLMC_ROPE_HALF
#define LLMC__HALF LLMC__ROPE_HALF_GGUF

/* Sources: each family's paper and its makers' code; GGUF's layouts: its converter. */
static const llmc__family llmc__family_table[] = {
    {"llama", "llama|mistral|mixtral", LLMC__R, LLMC__H, LLMC_ACT_SILU, LLMC__GATED | LLMC__RENORM, 0},
    {"qwen2", "qwen2", LLMC__R, LLMC__H, LLMC_ACT_SILU, LLMC__HALF | LLMC__GATED, 0},
    {"qwen2moe", "qwen2_moe", LLMC__R, LLMC__H, LLMC_ACT_SILU, LLMC__HALF | LLMC__GATED, 0},
    {"qwen3", "qwen3", LLMC__R, LLMC__H, LLMC_ACT_SILU, LLMC__HALF | LLMC__GATED | LLMC__QK_HEAD, 0},
    {"qwen3moe", "qwen3_moe", LLMC__R, LLMC__H, LLMC_ACT_SILU,
     LLMC__HALF | LLMC__GATED | LLMC__QK_HEAD | LLMC__RENORM, 0},
    {"gemma", "gemma", LLMC__R, LLMC__H, LLMC_ACT_GELU_TANH,
     LLMC__HALF | LLMC__GATED | LLMC__PLUS_ONE | LLMC__EMBED_ROOT | LLMC__ACT_FIXED, 0},
    {"gemma2", "gemma2", LLMC__R, LLMC__H, LLMC_ACT_GELU_TANH,
     LLMC__HALF | LLMC__GATED | LLMC__PLUS_ONE | LLMC__EMBED_ROOT | LLMC__BRANCH, 2},
    {"gemma3", "gemma3_text|gemma3", LLMC__R, LLMC__H, LLMC_ACT_GELU_TANH,
     LLMC__HALF | LLMC__GATED | LLMC__PLUS_ONE | LLMC__EMBED_ROOT | LLMC__BRANCH | LLMC__QK_HEAD |
         LLMC__LOCAL_BASE,
     6},
    {"phi2", "phi", LLMC__R, LLMC__H, LLMC_ACT_GELU_TANH, LLMC__HALF | LLMC__NORM_LAYER | LLMC__SHARED, 0},
    {"phi3", "phi3", LLMC__R, LLMC__H, LLMC_ACT_SILU, LLMC__HALF | LLMC__GATED | LLMC__FUSED_UP, 0},
    {"gpt2", "gpt2", LLMC_POS_LEARNED, LLMC__H, LLMC_ACT_GELU_TANH,
     LLMC__NORM_LAYER | LLMC__CONV1D | LLMC__FF4, 0},
    {"gptneox", "gpt_neox", LLMC__R, LLMC__H, LLMC_ACT_GELU_ERF,
     LLMC__HALF | LLMC__NORM_LAYER | LLMC__OWN | LLMC__GROUPED, 0},
    {"starcoder2", "starcoder2", LLMC__R, LLMC__H, LLMC_ACT_GELU_TANH, LLMC__HALF | LLMC__NORM_LAYER, 0},
    {"olmo", "olmo", LLMC__R, LLMC__H, LLMC_ACT_SILU, LLMC__GATED | LLMC__NORM_LAYER | LLMC__NORM_PLAIN, 0},
    {"olmo2", "olmo2|olmo3", LLMC__R, LLMC__H, LLMC_ACT_SILU,
     LLMC__HALF | LLMC__GATED | LLMC__NO_PRE | LLMC__BRANCH | LLMC__QK_WIDTH | LLMC__LOCAL_PLAIN, 4},
    {"olmoe", "olmoe", LLMC__R, LLMC__H, LLMC_ACT_SILU, LLMC__HALF | LLMC__GATED | LLMC__QK_WIDTH, 0},
    {"stablelm", "stablelm", LLMC__R, LLMC__H, LLMC_ACT_SILU,
     LLMC__HALF | LLMC__GATED | LLMC__NORM_LAYER | LLMC__QK_HEADS, 0},
    {"granite", "granite", LLMC__R, LLMC__H, LLMC_ACT_SILU, LLMC__GATED | LLMC__LOGIT_DIVIDE, 0},
    {"granitemoe", "granitemoe|granitemoeshared", LLMC__R, LLMC__H, LLMC_ACT_SILU,
     LLMC__GATED | LLMC__LOGIT_DIVIDE | LLMC__RENORM, 0},
    {"smollm3", "smollm3", LLMC__R, LLMC__H, LLMC_ACT_SILU, LLMC__GATED | LLMC__UNTURNED_4, 0},
    {"gpt-oss", "gpt_oss", LLMC__R, LLMC__H, LLMC_ACT_SWIGLU_OAI,
     LLMC__HALF | LLMC__GATED | LLMC__RENORM | LLMC__ACT_FIXED | LLMC__SINK_LOGITS, 2},
    {"command-r", "cohere", LLMC__R, LLMC_ROPE_ADJACENT, LLMC_ACT_SILU,
     LLMC__GATED | LLMC__NORM_LAYER | LLMC__SHARED | LLMC__QK_HEADS, 0},
    {"cohere2", "cohere2", LLMC__R, LLMC_ROPE_ADJACENT, LLMC_ACT_SILU,
     LLMC__GATED | LLMC__NORM_LAYER | LLMC__SHARED | LLMC__UNTURNED_FULL, 4},
    {"falcon", "falcon", LLMC__R, LLMC__H, LLMC_ACT_GELU_ERF,
     LLMC__HALF | LLMC__NORM_LAYER | LLMC__SHARED | LLMC__GROUPED | LLMC__FF4, 0},
    {"glm4", "glm4", LLMC__R, LLMC_ROPE_ADJACENT, LLMC_ACT_SILU, LLMC__GATED | LLMC__BRANCH | LLMC__FUSED_UP,
     0},
    {"exaone4", "exaone4", LLMC__R, LLMC__H, LLMC_ACT_SILU,
     LLMC__HALF | LLMC__GATED | LLMC__NO_PRE | LLMC__BRANCH | LLMC__QK_HEAD | LLMC__UNTURNED_FULL, 4},
    {"internlm2", "internlm2", LLMC__R, LLMC__H, LLMC_ACT_SILU, LLMC__GATED | LLMC__GROUPED, 0},
    {"minicpm", "minicpm", LLMC__R, LLMC__H, LLMC_ACT_SILU, LLMC__GATED | LLMC__LOGIT_DIVIDE, 0},
    {"nemotron", "nemotron", LLMC__R, LLMC__H, LLMC_ACT_RELU2, LLMC__HALF | LLMC__NORM_LAYER | LLMC__PLUS_ONE,
     0},
    {"bert", "bert", LLMC_POS_LEARNED, LLMC__H, LLMC_ACT_GELU_ERF,
     LLMC__NORM_LAYER | LLMC__NO_PRE | LLMC__POST | LLMC__ENCODER | LLMC__EMBED_NORM | LLMC__NO_OUT_NORM, 0},
    /* families without a row in other engines; GGUF files of theirs are ours */
    {"claude-rust", "claude-rust", LLMC__R, LLMC__H, LLMC_ACT_GELU_ERF, LLMC__HALF | LLMC__FF4, 0},
    {"nanochat", "nanochat", LLMC__R, LLMC__H, LLMC_ACT_RELU2,
     LLMC__HALF | LLMC__NORM_PLAIN | LLMC__EMBED_NORM | LLMC__FF4 | LLMC__PADDED | LLMC__NANOCHAT, 0},
    {"nanochat-rust", "nanochat-rust", LLMC__R, LLMC__H, LLMC_ACT_RELU2,
     LLMC__HALF | LLMC__NORM_PLAIN | LLMC__EMBED_NORM | LLMC__FF4 | LLMC__PADDED | LLMC__NANOCHAT, 0},
    {"nanochat-2026", "nanochat-2026", LLMC__R, LLMC__H, LLMC_ACT_RELU2,
     LLMC__HALF | LLMC__NORM_PLAIN | LLMC__EMBED_NORM | LLMC__FF4 | LLMC__PADDED | LLMC__NANOCHAT, 0},
    {"rustgpt", "rustgpt", LLMC_POS_LEARNED, LLMC__H, LLMC_ACT_RELU,
     LLMC__NORM_LAYER | LLMC__NO_PRE | LLMC__POST | LLMC__NO_OUT_NORM, 0}};

#undef LLMC__R
#undef LLMC__H
#undef LLMC__HALF

/* Whether word [len] is one of list, whose words are apart by '|'. */
static bool llmc__word_in(const char *list, const char *word, size_t len)
{
    const char *end;
    for (;; list = end + 1) {
        for (end = list; *end != 0 && *end != '|';)
            end++;
        if ((size_t)(end - list) == len && LLMC_MEMCMP(list, word, len) == 0)
            return true;
        if (*end == 0)
            return false;
    }
}

/* The row of general.architecture, or with hf of a model_type, name [len]; NULL: not one that is known. */
static const llmc__family *llmc__family_named(const char *name, size_t len, bool hf)
{
    size_t i;
    for (i = 0; i < sizeof llmc__family_table / sizeof llmc__family_table[0]; i++)
        if (llmc__word_in(hf ? llmc__family_table[i].hf : llmc__family_table[i].name, name, len))
            return &llmc__family_table[i];
    return NULL;
}

//--[ 14.4 MODEL.hyper ]-- what files say of their architecture, whatever their format
/* Everything a file can say about how its model computes is either used, or must
   say that the thing is off; a key that is not listed is refused, since skipping
   it could mean computing something else. Refusing early costs a message, guessing costs
   a model that writes worse text and nobody knows why. */
enum {
    LLMC__HYPER_USED,    /* read by name below */
    LLMC__HYPER_SKIPPED, /* says nothing about the computation */
    LLMC__HYPER_ZERO,    /* must be 0 or false or nothing */
    LLMC__HYPER_ONE      /* must be 1 or true */
};

/* id, rule, GGUF's key after "<architecture>.", makers' keys apart by '|' (config.json, YAML, TOML). A key that
   changes nothing here must be listed, else files that carry it would be refused. Keys that say which
   tensors there are (biases, experts by layer) are skipped: the tensors say it. */
#define LLMC__HYPER_LIST(X)                                                                                  \
    X(BLOCK_COUNT, USED, "block_count", "num_hidden_layers|n_layer|n_layers|num_layers") /* L */             \
    X(EMBEDDING, USED, "embedding_length", "hidden_size|n_embd|embedding_dim")           /* D */             \
    X(FEED_FORWARD, USED, "feed_forward_length", "intermediate_size|n_inner|ffn_hidden_size|hidden_dim")     \
    X(CONTEXT, USED, "context_length", "max_position_embeddings|n_positions|max_seq_len|sequence_len")       \
    X(VOCAB_SIZE, USED, "vocab_size", "vocab_size")                              /* V */                     \
    X(HEADS, USED, "attention.head_count", "num_attention_heads|n_head|n_heads") /* H */                     \
    X(HEADS_KV, USED, "attention.head_count_kv",                                                             \
      "num_key_value_heads|n_kv_head|num_kv_heads|n_kv_heads") /* G */                                       \
    X(KEY_LENGTH, USED, "attention.key_length", "head_dim")    /* K; absent: D / H */                        \
    X(VALUE_LENGTH, USED, "attention.value_length", "")        /* must be K */                               \
    X(EPS_RMS, USED, "attention.layer_norm_rms_epsilon", "rms_norm_eps")                                     \
    X(EPS, USED, "attention.layer_norm_epsilon",                                                             \
      "layer_norm_eps|layer_norm_epsilon|norm_epsilon|norm_eps|layernorm_epsilon")                           \
    X(ACT, USED, "", "hidden_act|activation_function|activation")                                            \
    X(ACTIVATION, USED, "", "hidden_activation") /* before hidden_act (Gemma) */                             \
    X(TIED, USED, "", "tie_word_embeddings")                                                                 \
    X(TOKEN_TYPES, USED, "", "type_vocab_size")                                                              \
    X(POSITION, USED, "", "position_embedding_type|position_embedding")                                      \
    X(CAUSAL, USED, "attention.causal", "")                                                                  \
    X(POOLING, USED, "pooling_type", "")                                                                     \
    /* windows */                                                                                            \
    X(WINDOW, USED, "attention.sliding_window", "sliding_window|window_size|sliding_window_size")            \
    X(WINDOW_PATTERN, USED, "attention.sliding_window_pattern",                                              \
      "sliding_window_pattern|_sliding_window_pattern|window_pattern")                                       \
    X(LAYER_TYPES, USED, "", "layer_types")                                                                  \
    X(WINDOW_USED, USED, "", "use_sliding_window")                                                           \
    X(WINDOW_FROM, USED, "", "max_window_layers")                                                            \
    X(SINKS, USED, "attention.sink_tokens", "sink_tokens")                                                   \
    /* attention */                                                                                          \
    X(ATTN_SCALE, USED, "attention.scale", "attention_multiplier")                                           \
    X(QUERY_SCALAR, USED, "", "query_pre_attn_scalar")                                                       \
    X(ATTN_SOFTCAP, USED, "attn_logit_softcapping", "attn_logit_softcapping")                                \
    X(CLAMP_KQV, USED, "attention.clamp_kqv", "clip_qkv")                                                    \
    X(PARALLEL, USED, "use_parallel_residual", "use_parallel_residual|parallel_attn")                        \
    X(PARALLEL_NORMS, USED, "", "num_ln_in_parallel_attn")                                                   \
    X(NEW_DECODER, USED, "", "new_decoder_architecture")                                                     \
    X(MULTI_QUERY, USED, "", "multi_query")                                                                  \
    X(ALIBI, ZERO, "attention.max_alibi_bias", "alibi")                                                      \
    /* ends and residuals */                                                                                 \
    X(FINAL_SOFTCAP, USED, "final_logit_softcapping",                                                        \
      "final_logit_softcapping|logits_soft_cap|logit_softcap")                                               \
    X(LOGIT_SCALE, USED, "logit_scale", "logit_scale|logits_scaling")                                        \
    X(RESIDUAL_SCALE, USED, "residual_scale", "residual_multiplier")                                         \
    X(EMBED_SCALE, USED, "embedding_scale", "embedding_multiplier|scale_emb")                                \
    X(SCALE_DEPTH, USED, "", "scale_depth") /* residual scale times sqrt(L) (MiniCPM) */                     \
    X(DIM_BASE, USED, "", "dim_model_base") /* logit divisor D / this (MiniCPM) */                           \
    /* experts */                                                                                            \
    X(EXPERTS, USED, "expert_count", "num_local_experts|num_experts")                                        \
    X(EXPERTS_USED, USED, "expert_used_count", "num_experts_per_tok|experts_per_token")                      \
    X(EXPERTS_FF, USED, "expert_feed_forward_length", "moe_intermediate_size")                               \
    X(SHARED_FF, USED, "expert_shared_feed_forward_length", "shared_expert_intermediate_size")               \
    X(RENORM, USED, "expert_weights_norm", "norm_topk_prob")                                                 \
    X(SHARED_COUNT, ZERO, "expert_shared_count", "shared_intermediate_size|n_shared_experts")                \
    X(EXPERT_GROUPS, ZERO, "expert_group_count", "n_group")                                                  \
    X(EXPERT_GROUPS_USED, ZERO, "expert_group_used_count", "topk_group")                                     \
    X(EXPERT_SCALE, ZERO, "expert_weights_scale", "routed_scaling_factor")                                   \
    X(EXPERT_GATING, USED, "expert_gating_func", "") /* 1: softmax before the choice; 3: after it */         \
    X(DENSE_LAYERS, SKIPPED, "leading_dense_block_count", "first_k_dense_replace")                           \
    X(EXPERTS_LIMIT, USED, "", "swiglu_limit") /* gpt-oss: 7 */                                              \
    /* positions; hyper_rope_none walks from ROPE_DIMS to ROPE_LAST */                                       \
    X(ROPE_DIMS, USED, "rope.dimension_count", "rotary_dim")                                                 \
    X(ROPE_FRACTION, USED, "", "partial_rotary_factor|rotary_pct|rope_pct")                                  \
    X(ROPE_BASE, USED, "rope.freq_base", "rope_theta|rotary_emb_base|rope_base")                             \
    X(ROPE_LOCAL_BASE, USED, "rope.freq_base_swa", "rope_local_base_freq")                                   \
    X(ROPE_SCALING, USED, "", "rope_scaling|rope_parameters")                                                \
    X(ROPE_TYPE, USED, "rope.scaling.type", "")                                                              \
    X(ROPE_FACTOR, USED, "rope.scaling.factor", "")                                                          \
    X(ROPE_LINEAR, USED, "rope.scale_linear", "") /* the older name of factor */                             \
    X(ROPE_ATTN, USED, "rope.scaling.attn_factor", "")                                                       \
    X(ROPE_YARN_ATTN, USED, "rope.scaling.yarn_attn_factor", "")                                             \
    X(ROPE_YARN_EXT, USED, "rope.scaling.yarn_ext_factor", "")                                               \
    X(ROPE_YARN_FAST, USED, "rope.scaling.yarn_beta_fast", "")                                               \
    X(ROPE_YARN_SLOW, USED, "rope.scaling.yarn_beta_slow", "")                                               \
    X(ROPE_LOW, USED, "rope.scaling.low_freq_factor",                                                        \
      "") /* ours: Llama 3's, for models without the tensor */                                               \
    X(ROPE_HIGH, USED, "rope.scaling.high_freq_factor", "")                                                  \
    X(ROPE_ORIGINAL, USED, "rope.scaling.original_context_length",                                           \
      "original_max_position_embeddings|original_max_seq_len")                                               \
    X(ROPE_LAST, SKIPPED, "rope.scaling.finetuned", "")                                                      \
    X(UNTURNED, USED, "rope.unturned_layers", "no_rope_layers") /* GGUF: ours; makers: 1 means turned */     \
    X(UNTURNED_EVERY, SKIPPED, "", "no_rope_layer_interval|no_rope_layers_interval")                         \
    /* nanochat, 2026-07: keys of our own in GGUF */                                                         \
    X(SMEAR, USED, "smear_channels", "")                                                                     \
    X(BACKOUT, USED, "backout_layer", "")                                                                    \
    X(VALUE_CHANNELS, USED, "value_channels", "")                                                            \
    X(CLAMP_LOGITS, USED, "logit_clamp", "")                                                                 \
    /* what models cannot be here */                                                                         \
    X(QUANTIZED, ZERO, "", "quantization_config")                                                            \
    X(ENCODER_DECODER, ZERO, "", "is_encoder_decoder|add_cross_attention")                                   \
    X(CHUNKS, ZERO, "", "attention_chunk_size|use_bidirectional_attention|scale_attn_by_inverse_layer_idx")  \
    X(HEAD_INPUT, ZERO, "", "embd_layer_norm|shared_kv|use_mla|kv_lora_rank")                                \
    X(SCALE_ATTN, ONE, "", "scale_attn_weights|apply_residual_connection_post_layernorm_not")                \
    X(RESIDUAL_POST, ZERO, "", "apply_residual_connection_post_layernorm")                                   \
    X(DATA_LAYOUT, SKIPPED, "tensor_data_layout", "")                                                        \
    /* what has no part in the computation, or what tensors say better */                                    \
    X(FILE, SKIPPED, "",                                                                                     \
      "architectures|model_type|auto_map|torch_dtype|dtype|transformers_version|use_cache|name_or_path|"     \
      "_name_or_path|initializer_range|initializer_cutoff_factor|pretraining_tp|task_specific_params|"       \
      "bos_token_id|eos_token_id|pad_token_id|sep_token_id|cls_token_id|unk_token_id|decoder_start_token_"   \
      "id|"                                                                                                  \
      "id2label|label2id|num_labels|problem_type|finetuning_task|gradient_checkpointing|classifier_dropout|" \
      "_attn_implementation|_attn_implementation_autoset|attn_implementation|use_flash_attn|tokenizer_"      \
      "class|"                                                                                               \
      "output_attentions|output_hidden_states|output_past|return_dict|chunk_size_feed_forward|model_name|"   \
      "cache_implementation|unsloth_version|unsloth_fixed|use_bfloat16|torchscript|prefix|license|version")  \
    X(DROPOUT, SKIPPED, "",                                                                                  \
      "attention_dropout|hidden_dropout|dropout|attn_pdrop|embd_pdrop|resid_pdrop|summary_activation|"       \
      "summary_first_dropout|summary_proj_to_labels|summary_type|summary_use_proj|residual_dropout|"         \
      "embedding_dropout|hidden_dropout_prob|attention_probs_dropout_prob|reorder_and_upcast_attn|"          \
      "router_aux_loss_coef|output_router_logits|router_jitter_noise|aux_loss_coef|initial_context_length|"  \
      "ffdropout|attention_probs_dropout|classifier_bias|classifier_activation|embedding_pdrop")             \
    X(SHAPE, SKIPPED, "",                                                                                    \
      "use_bias|attention_bias|mlp_bias|qkv_bias|bias|use_qkv_bias|use_qk_norm|qk_layernorm|qk_norm|"        \
      "mlp_only_layers|decoder_sparse_step|n_ctx|seq_length|use_stable_embedding|hidden_dropout_p|"          \
      "model_parallel|rope_interleaved|is_decoder|position_buckets|layer_norm_type|use_gemm|kv_cache_"       \
      "capacity|"                                                                                            \
      "full_attn_mod|interpolate_factor|use_embedding_sharing|use_parallel_block|use_parallel_embedding|"    \
      "use_gated_activation|order_of_interleaved_layers|rotary_emb_fraction|sliding_window_interval|norm_"   \
      "type|mlp_"                                                                                            \
      "type|head_dim_kv|use_fused_rope|layer_norm_rms|vocab_size_padded|model_max_length|"                   \
      "block_size|"                                                                                          \
      "use_post_norm|use_fused_mlp|embedding_activation|cross_attention_hidden_size|ep_size|moe_layers")

/* Keys as numbers, in the order of the list. */
enum {
#define LLMC__HYPER_ENUM(id, rule, gguf, hf) LLMC__HP_##id,
    LLMC__HYPER_LIST(LLMC__HYPER_ENUM)
#undef LLMC__HYPER_ENUM
        LLMC__HP_COUNT
};

/* A key of the list above as data. */
typedef struct llmc__hyper_row {
    const char *gguf, *hf;
    uint8_t rule; /* LLMC__HYPER_... */
} llmc__hyper_row;

/* By LLMC__HP_... */
static const llmc__hyper_row llmc__hyper_table[LLMC__HP_COUNT] = {
#define LLMC__HYPER_ROW(id, rule, gguf, hf) {gguf, hf, LLMC__HYPER_##rule},
    LLMC__HYPER_LIST(LLMC__HYPER_ROW)
#undef LLMC__HYPER_ROW
};

/* A value in any file: looked at where it lies. */
enum {
    LLMC__VALUE_NONE, /* absent, or null */
    LLMC__VALUE_NUMBER,
    LLMC__VALUE_FLAG, /* number is 0 or 1 */
    LLMC__VALUE_TEXT,
    LLMC__VALUE_LIST,  /* elements by llmc__hyper_element */
    LLMC__VALUE_OBJECT /* JSON only */
};
typedef struct llmc__value {
    const char *at, *end; /* TEXT: the text; LIST, OBJECT: its JSON text, or GGUF's elements */
    double number;
    uint8_t kind;
    uint8_t type;   /* LIST in GGUF: the elements' type */
    uint32_t count; /* LIST in GGUF */
} llmc__value;

/* What is known of one model's architecture. */
typedef struct llmc__hyper {
    const char *name; /* of the file, for messages */
    llmc_diag *diag;
    const llmc__family *family;
    bool gguf;
    llmc__value value[LLMC__HP_COUNT];
} llmc__hyper;

/* Fails with status; the message names the key and why. In its own function so that the many checks
   below stay one line each. */
static llmc_status llmc__hyper_fail(const llmc__hyper *h, unsigned key, llmc_status status, const char *why)
{
    (void)why;
#ifdef LLMC_NO_STRINGS
    (void)key;
    return llmc__fail(h->diag, status, "MODEL.hyper", LLMC_NO_OFFSET, "MODEL.hyper");
#else
    const char *hf = llmc__hyper_table[key].hf;
    size_t n = 0;
    while (hf[n] != 0 && hf[n] != '|')
        n++;
    if (h->gguf && llmc__hyper_table[key].gguf[0] != 0)
        return llmc__fail(h->diag, status, "MODEL.hyper", LLMC_NO_OFFSET, "%s: key '%s.%s' %s", h->name,
                          h->family->name, llmc__hyper_table[key].gguf, why);
    return llmc__fail(h->diag, status, "MODEL.hyper", LLMC_NO_OFFSET, "%s: key '%.*s' %s", h->name, (int)n,
                      hf, why);
#endif
}

/* A GGUF value as a value of any file. */
static llmc__value llmc__value_gguf(const llmc__gguf *g, const llmc__gguf_value *v)
{
    llmc__value out;
    const char *text;
    size_t len;
    bool flag;
    LLMC_MEMSET(&out, 0, sizeof out);
    out.at = (const char *)(g->file.data + v->at);
    out.end = (const char *)(g->file.data + v->end);
    if (v->array) {
        out.kind = LLMC__VALUE_LIST;
        out.type = (uint8_t)v->type; /* nested arrays: no element type that is read */
        out.count = (uint32_t)llmc__min(v->count, UINT32_MAX);
    } else if (llmc__gguf_text(g, v, &text, &len)) {
        out.kind = LLMC__VALUE_TEXT;
        out.at = text;
        out.end = text + len;
    } else if (llmc__gguf_flag(g, v, &flag)) {
        out.kind = LLMC__VALUE_FLAG;
        out.number = flag ? 1 : 0;
    } else if (llmc__gguf_real(g, v, &out.number)) {
        out.kind = LLMC__VALUE_NUMBER;
    } else {
        out.kind = LLMC__VALUE_OBJECT; /* a negative integer or no bool: nothing that any key may be */
    }
    return out;
}

/* A JSON value likewise. Text is taken as written: no value that is understood has escapes. */
static llmc__value llmc__value_json(llmc_json v)
{
    llmc__value out;
    LLMC_MEMSET(&out, 0, sizeof out);
    out.at = v.text;
    out.end = v.end;
    switch (v.type) {
    case LLMC_JSON_BOOL:
        out.kind = LLMC__VALUE_FLAG;
        out.number = llmc_json_bool(v, false) ? 1 : 0;
        break;
    case LLMC_JSON_NUMBER:
        out.kind = LLMC__VALUE_NUMBER;
        out.number = llmc_json_number(v, 0);
        break;
    case LLMC_JSON_STRING:
        out.kind = LLMC__VALUE_TEXT;
        out.at = v.text + 1;
        out.end = llmc__json_skip_string(v.text, v.end) - 1;
        break;
    case LLMC_JSON_ARRAY:
        out.kind = LLMC__VALUE_LIST;
        out.type = UINT8_MAX;
        break;
    case LLMC_JSON_OBJECT:
        out.kind = LLMC__VALUE_OBJECT;
        break;
    default:
        break;
    }
    return out;
}

/* Whether a value is a text of these words. */
static bool llmc__value_is(const llmc__value *v, const char *words)
{
    return v->kind == LLMC__VALUE_TEXT && llmc__word_in(words, v->at, (size_t)(v->end - v->at));
}

/* The view of a LIST or OBJECT out of JSON. */
static llmc_json llmc__value_view(const llmc__value *v)
{
    llmc_json j;
    j.text = v->at;
    j.end = v->end;
    j.type = v->kind == LLMC__VALUE_LIST ? LLMC_JSON_ARRAY : LLMC_JSON_OBJECT;
    return j;
}

/* Walks a list: element i of GGUF's, or the next of JSON's by it, which begins all zero. False at the end. Texts and
   nested lists in GGUF are no elements: NONE. */
static bool llmc__value_next(const llmc__value *list, llmc_json_iter *it, uint32_t *i, llmc__value *out)
{
    llmc_json element;
    llmc__gguf g;
    llmc__gguf_value v;
    unsigned size = llmc__gguf_size(list->type);
    if (list->type == UINT8_MAX) {
        if (!llmc_json_next(llmc__value_view(list), it, NULL, &element))
            return false;
        *out = llmc__value_json(element);
        ++*i;
        return true;
    }
    if (*i >= list->count)
        return false;
    LLMC_MEMSET(out, 0, sizeof *out);
    if (size != 0) {
        /* at 0 means absent, so the view begins one element early */
        LLMC_MEMSET(&g, 0, sizeof g);
        LLMC_MEMSET(&v, 0, sizeof v);
        g.file.data = (const uint8_t *)list->at + (size_t)*i * size - 1;
        v.at = 1;
        v.end = 1 + size;
        v.type = list->type;
        *out = llmc__value_gguf(&g, &v);
    }
    ++*i;
    return true;
}

/* Keeps a value under its key. In makers' files one id may have two names: they must agree.
   Errors: BAD_FILE, UNSUPPORTED (a key that must be off is on). */
static llmc_status llmc__hyper_put(llmc__hyper *h, unsigned key, const llmc__value *v)
{
    llmc__value *slot = &h->value[key];
    unsigned rule = llmc__hyper_table[key].rule;
    if (rule == LLMC__HYPER_SKIPPED || v->kind == LLMC__VALUE_NONE)
        return LLMC_OK;
    if (rule != LLMC__HYPER_USED) {
        llmc__value method;
        bool number = v->kind == LLMC__VALUE_NUMBER || v->kind == LLMC__VALUE_FLAG;
        method.kind = LLMC__VALUE_NONE;
        if (key == LLMC__HP_QUANTIZED && v->kind == LLMC__VALUE_OBJECT)
            method = llmc__value_json(llmc_json_get(llmc__value_view(v), "quant_method"));
        if (llmc__value_is(&method, "mxfp4")) /* the tensors say it, too */
            return LLMC_OK;
        /* neutral factors count as off */
        if (!number || !(v->number == (rule == LLMC__HYPER_ONE ? 1 : 0) ||
                         (v->number == 1 && key == LLMC__HP_EXPERT_SCALE)))
            return llmc__hyper_fail(h, key, LLMC_UNSUPPORTED, "asks for something that is not supported");
        return LLMC_OK;
    }
    if (slot->kind != LLMC__VALUE_NONE && (slot->kind != v->kind || slot->number != v->number || h->gguf))
        return llmc__hyper_fail(h, key, LLMC_BAD_FILE, "stands there twice");
    *slot = *v;
    return LLMC_OK;
}

/* The key of that name, LLMC__HP_COUNT if there is none. */
static unsigned llmc__hyper_key(const char *name, size_t len, bool gguf)
{
    unsigned k;
    for (k = len > 0 ? 0 : LLMC__HP_COUNT; k < LLMC__HP_COUNT; k++)
        if (gguf ? llmc__texteq(name, len, llmc__hyper_table[k].gguf)
                 : llmc__word_in(llmc__hyper_table[k].hf, name, len))
            break;
    return k;
}

/* llmc__hyper_gguf -- the keys that begin with the family's name        (MODEL.hyper)
   A second walk over the metadata, because the
   family may be named after its keys. Other architectures' keys and all general ones
   (general., tokenizer., split., quantize. ...) pass unread. Linear in the file. Errors: BAD_FILE (a key twice),
   UNSUPPORTED (a key that is not in the list). */
static llmc_status llmc__hyper_gguf(llmc__hyper *h, const llmc__gguf *g)
{
    llmc__reader r = g->file;
    size_t prefix = llmc__strlen(h->family->name);
    llmc__gguf_pair pair;
    llmc__value v;
    uint64_t i;
    unsigned k;
    r.at = g->keys_at; /* gguf_open has walked here: nothing below can run past the end */
    for (i = 0; i < g->n_keys; i++) {
        LLMC__TRY(llmc__gguf_next(&r, &pair));
        /* the dot too: "llama4.block_count" is not a key of "llama" */
        if (pair.key_len <= prefix || pair.key[prefix] != '.' ||
            !llmc__texteq(pair.key, prefix, h->family->name))
            continue;
        k = llmc__hyper_key(pair.key + prefix + 1, pair.key_len - prefix - 1, true);
        if (k == LLMC__HP_COUNT)
            return LLMC__FAIL(r.diag, UNSUPPORTED, "MODEL.hyper", pair.at, "%s: key '%.*s' is not supported",
                              r.name, (int)llmc__min(pair.key_len, 96), pair.key);
        v = llmc__value_gguf(g, &pair.value);
        LLMC__TRY(llmc__hyper_put(h, k, &v));
    }
    return LLMC_OK;
}

/* Members of config.json, or of an object in it. A key that is not in the list is accepted only if it says nothing:
   null, false, 0, "", {} and []. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__hyper_json(llmc__hyper *h, llmc_json object)
{
    llmc_json key, value, none;
    llmc_json_iter it, inner;
    llmc__value v;
    unsigned k;
    LLMC_MEMSET(&it, 0, sizeof it);
    while (llmc_json_next(object, &it, &key, &value)) {
        llmc__value name = llmc__value_json(key);
        size_t len = (size_t)(name.end - name.at);
        k = llmc__hyper_key(name.at, len, false);
        v = llmc__value_json(value);
        if (k != LLMC__HP_COUNT) {
            LLMC__TRY(llmc__hyper_put(h, k, &v));
            continue;
        }
        LLMC_MEMSET(&inner, 0, sizeof inner);
        if (v.kind == LLMC__VALUE_NONE || (v.kind == LLMC__VALUE_TEXT && v.at == v.end) ||
            ((v.kind == LLMC__VALUE_NUMBER || v.kind == LLMC__VALUE_FLAG) && v.number == 0) ||
            ((v.kind == LLMC__VALUE_OBJECT || v.kind == LLMC__VALUE_LIST) &&
             !llmc_json_next(value, &inner, v.kind == LLMC__VALUE_OBJECT ? &none : NULL, &none)))
            continue;
        return LLMC__FAIL(h->diag, UNSUPPORTED, "MODEL.hyper", LLMC_NO_OFFSET,
                          "%s: key '%.*s' is not supported", h->name, (int)llmc__min(len, 96), name.at);
    }
    return LLMC_OK;
}

/* llmc__hyper_u32 -- a whole number from 1 to max                       (MODEL.hyper)
   absent: *out, set before, is the default and stays; 0 there means that the key has to be there.
   A list gives each layer its own heads or width: accepted if all are the same. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__hyper_u32(const llmc__hyper *h, unsigned key, uint32_t max, uint32_t *out)
{
    llmc__value v = h->value[key], other;
    llmc_json_iter it;
    uint32_t i = 0;
    bool by_layer = key == LLMC__HP_HEADS || key == LLMC__HP_HEADS_KV ||
                    key == LLMC__HP_FEED_FORWARD; /* OpenELM's habit */
    if (v.kind == LLMC__VALUE_NONE)
        return *out != 0 ? LLMC_OK : llmc__hyper_fail(h, key, LLMC_BAD_FILE, "is missing");
    if (v.kind == LLMC__VALUE_LIST && by_layer) {
        llmc__value list = v;
        LLMC_MEMSET(&it, 0, sizeof it);
        if (!llmc__value_next(&list, &it, &i, &v))
            return llmc__hyper_fail(h, key, LLMC_BAD_FILE, "is an empty list");
        while (llmc__value_next(&list, &it, &i, &other))
            if (other.kind != v.kind || other.number != v.number)
                return llmc__hyper_fail(h, key, LLMC_UNSUPPORTED,
                                        "differs from layer to layer, which is not supported");
    }
    if (v.kind != LLMC__VALUE_NUMBER || !(v.number >= 0 && v.number <= 4294967295.0) ||
        v.number != (double)(uint32_t)v.number)
        return llmc__hyper_fail(h, key, LLMC_BAD_FILE, "must be a whole number");
    if (v.number < 1 || v.number > (double)max)
        return llmc__hyper_fail(h, key, LLMC_BAD_FILE, "is zero or far too large");
    *out = (uint32_t)v.number;
    return LLMC_OK;
}

/* The same where 0 means "off" and is allowed; absent leaves *out. */
static llmc_status llmc__hyper_u32_or_0(const llmc__hyper *h, unsigned key, uint32_t max, uint32_t *out)
{
    const llmc__value *v = &h->value[key];
    uint32_t before = *out;
    if (v->kind == LLMC__VALUE_NONE)
        return LLMC_OK;
    *out = 0;
    if (v->kind == LLMC__VALUE_NUMBER && v->number == 0)
        return LLMC_OK;
    *out = before;
    return llmc__hyper_u32(h, key, max, out);
}

/* A number as a setting: finite, above 0 and at most max, not so small that machines which flush denormals
   would lose it. */
static bool llmc__value_positive(const llmc__value *v, double max, float *out)
{
    if (v->kind != LLMC__VALUE_NUMBER || !(v->number >= (double)FLT_MIN && v->number <= max))
        return false;
    *out = (float)v->number;
    return true;
}

/* Finite numbers above 0 and at most max; absent: *out is the default, 0 there: the key has to be there.
   Errors: BAD_FILE. */
static llmc_status llmc__hyper_f32(const llmc__hyper *h, unsigned key, double max, float *out)
{
    const llmc__value *v = &h->value[key];
    if (v->kind == LLMC__VALUE_NONE)
        return *out > 0 ? LLMC_OK : llmc__hyper_fail(h, key, LLMC_BAD_FILE, "is missing");
    if (v->kind != LLMC__VALUE_NUMBER)
        return llmc__hyper_fail(h, key, LLMC_BAD_FILE, "must be a number");
    if (!llmc__value_positive(v, max, out))
        return llmc__hyper_fail(h, key, LLMC_BAD_FILE, "is zero, negative, too large or not finite");
    return LLMC_OK;
}

/* The same where 0 means "off" and absent is allowed: *out stays. */
static llmc_status llmc__hyper_f32_or_0(const llmc__hyper *h, unsigned key, double max, float *out)
{
    const llmc__value *v = &h->value[key];
    if (v->kind == LLMC__VALUE_NONE || (v->kind == LLMC__VALUE_NUMBER && v->number == 0))
        return LLMC_OK;
    return llmc__hyper_f32(h, key, max, out);
}

/* true, false, 1 or 0; absent: *out stays. Errors: BAD_FILE. */
static llmc_status llmc__hyper_flag(const llmc__hyper *h, unsigned key, bool *out)
{
    const llmc__value *v = &h->value[key];
    if (v->kind == LLMC__VALUE_NONE)
        return LLMC_OK;
    if ((v->kind != LLMC__VALUE_FLAG && v->kind != LLMC__VALUE_NUMBER) || (v->number != 0 && v->number != 1))
        return llmc__hyper_fail(h, key, LLMC_BAD_FILE, "must be true or false");
    *out = v->number == 1;
    return LLMC_OK;
}

/* One setting of a flat YAML or TOML as a value; its text is kept by nobody, so only numbers and flags count. */
static llmc__value llmc__value_setting(const char *text)
{
    llmc__value v;
    llmc__decimal d;
    const char *bad = NULL, *end = text + llmc__strlen(text);
    LLMC_MEMSET(&v, 0, sizeof v);
    if (llmc__streq(text, "true") || llmc__streq(text, "false")) {
        v.kind = LLMC__VALUE_FLAG;
        v.number = text[0] == 't' ? 1 : 0;
    } else if (llmc__decimal_read(text, end, &d, &bad) == end) {
        v.kind = LLMC__VALUE_NUMBER;
        (void)llmc__decimal_f64(&d, &v.number);
    } else if (!llmc__streq(text, "null") && !llmc__streq(text, "~") && text[0] != 0) {
        v.kind = LLMC__VALUE_OBJECT; /* fits no key */
    }
    return v;
}

/* model_config.yaml or a TOML: sections do not matter, names are those of config.json. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__hyper_settings(llmc__hyper *h, const llmc_blob *file)
{
    llmc_setting s;
    llmc_status status;
    llmc__value v;
    size_t at = 0;
    unsigned k;
    LLMC_MEMSET(&s, 0, sizeof s);
    while ((status = llmc_settings_next(file, &at, &s, h->diag)) == LLMC_OK) {
        size_t len = llmc__strlen(s.key);
        k = llmc__hyper_key(s.key, len, false);
        v = llmc__value_setting(s.value);
        if (k == LLMC__HP_COUNT)
            return LLMC__FAIL(h->diag, UNSUPPORTED, "MODEL.hyper", LLMC_NO_OFFSET,
                              "%s:%u: key '%s' is not supported", h->name, (unsigned)s.line, s.key);
        LLMC__TRY(llmc__hyper_put(h, k, &v));
    }
    return status == LLMC_DONE ? LLMC_OK : status;
}

//--[ 14.5 MODEL.config ]-- from those values to llmc_config
/* llmc__config_check -- what other sections rely on, whatever file it came from
   Divisors are not zero, products of any three sizes fit 64 bits. That the bytes for such
   sizes are there is checked tensor by tensor. Errors: BAD_FILE, without an offset: the
   keys were read one by one, this is about how they go together. */
static llmc_status llmc__config_check(const llmc_config *c, const char *name, llmc_diag *diag)
{
    const char *wrong = NULL;
    if (c->n_embd == 0 || c->n_embd > (1u << 20) || c->n_ff == 0 || c->n_ff > (1u << 24) || c->n_layer == 0 ||
        c->n_layer > LLMC_MAX_LAYERS || c->context_length == 0 || c->context_length > (1u << 30))
        wrong = "width, feed-forward width, layers or context length";
    else if (c->vocab_size == 0 || c->vocab_size > LLMC__MAX_VOCAB)
        wrong = "vocabulary size";
    else if (c->n_head == 0 || c->n_kv_head == 0 || c->n_head % c->n_kv_head != 0)
        wrong = "number of heads: the key/value heads must divide the query heads";
    else if (c->head_dim == 0 || (uint64_t)c->head_dim * c->n_head > (1u << 24))
        wrong = "size of a head";
    else if (c->pos == LLMC_POS_ROPE &&
             (c->rope_dims == 0 || c->rope_dims % 2 != 0 || c->rope_dims > c->head_dim))
        wrong = "number of rotated dimensions: it must be even and at most a head";
    else if (!(c->norm_eps > 0) || !(c->norm_eps < 1))
        wrong = "epsilon of the norms";
    else if (c->n_expert > 0 &&
             (c->n_expert_used == 0 || c->n_expert_used > c->n_expert || c->n_ff_expert == 0))
        wrong = "number or width of experts";
    else if (c->smear_channels > c->n_embd || c->value_channels > c->n_embd || c->backout_layer > c->n_layer)
        wrong = "gate of nanochat";
    if (wrong != NULL)
        return LLMC__FAIL(diag, BAD_FILE, "MODEL.config", LLMC_NO_OFFSET, "%s: impossible %s", name, wrong);
    return LLMC_OK;
}

/* Puts layer l into a set or takes it out. */
static void llmc__layers_put(llmc_layers *set, uint32_t l, bool in)
{
    if (in)
        set->bits[l / 32] |= 1u << (l % 32);
    else
        set->bits[l / 32] &= ~(1u << (l % 32));
}

/* What the family's row says; sizes come from the file. gguf: whose layouts. */
static void llmc__config_family(llmc_config *c, const llmc__family *f, bool gguf)
{
    uint32_t t = f->traits;
    llmc__strcopy(c->family, sizeof c->family, f->name, llmc__strlen(f->name));
    c->norm = (t & LLMC__NORM_LAYER) != 0 ? LLMC_NORM_LAYER : LLMC_NORM_RMS;
    c->norm_plain = (t & LLMC__NORM_PLAIN) != 0;
    c->norm_plus_one = (t & LLMC__PLUS_ONE) != 0 && !gguf;
    c->pre_norm = (t & LLMC__NO_PRE) == 0;
    c->branch_norm = (t & LLMC__BRANCH) != 0;
    c->post_norm = (t & LLMC__POST) != 0;
    c->embed_norm = (t & LLMC__EMBED_NORM) != 0;
    c->no_out_norm = (t & LLMC__NO_OUT_NORM) != 0;
    c->embed_scale = c->residual_scale = c->logit_scale = 1;
    c->bidirectional = c->no_head = (t & LLMC__ENCODER) != 0;
    c->parallel = (t & LLMC__SHARED) != 0 ? LLMC_PARALLEL_SHARED
                  : (t & LLMC__OWN) != 0  ? LLMC_PARALLEL_OWN
                                          : LLMC_SERIAL;
    c->pos = f->pos;
    c->rope = gguf && (t & LLMC__ROPE_HALF_GGUF) == 0 ? LLMC_ROPE_ADJACENT
              : gguf                                  ? LLMC_ROPE_HALF
                                                      : f->rope_hf;
    c->rope_factor = 1;
    c->yarn_fast = 32;
    c->yarn_slow = 1;
    c->llama3_low = 1;
    c->llama3_high = 4;
    c->qk_norm = (t & LLMC__QK_HEAD) != 0    ? LLMC_QK_NORM_HEAD
                 : (t & LLMC__QK_WIDTH) != 0 ? LLMC_QK_NORM_WIDTH
                                             : LLMC_QK_NORM_NONE;
    c->qkv_grouped = (t & LLMC__GROUPED) != 0 && !gguf;
    c->sink_logits = (t & LLMC__SINK_LOGITS) != 0;
    c->act = f->act;
    c->gated = (t & LLMC__GATED) != 0;
    c->expert_renorm = (t & LLMC__RENORM) != 0;
    if ((t & LLMC__NANOCHAT) != 0) {
        c->rope_reverse = c->qk_norm_late = true;
        c->qk_norm = LLMC_QK_NORM_HEAD;
    }
}

/* Layers, widths, context. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__config_sizes(llmc_config *c, const llmc__hyper *h)
{
    LLMC__TRY(llmc__hyper_u32(h, LLMC__HP_BLOCK_COUNT, LLMC_MAX_LAYERS, &c->n_layer));
    LLMC__TRY(llmc__hyper_u32(h, LLMC__HP_EMBEDDING, 1u << 20, &c->n_embd));
    LLMC__TRY(llmc__hyper_u32(h, LLMC__HP_CONTEXT, 1u << 30, &c->context_length));
    if ((h->family->traits & LLMC__FF4) != 0 && !h->gguf)
        c->n_ff = 4 * c->n_embd;
    return llmc__hyper_u32(h, LLMC__HP_FEED_FORWARD, 1u << 24, &c->n_ff);
}

/* Epsilon and activation. RMSNorm's and LayerNorm's epsilon are two keys in GGUF; makers have one or
   the other. Errors: BAD_FILE, UNSUPPORTED (an activation that is not known). */
static llmc_status llmc__config_functions(llmc_config *c, const llmc__hyper *h)
{
    static const char *const word[] = {"silu|swish", "gelu_new|gelu_pytorch_tanh|gelu_fast",
                                       "gelu|gelu_python", "relu", "relu2|relu_squared"};
    unsigned eps = c->norm == LLMC_NORM_LAYER || h->value[LLMC__HP_EPS_RMS].kind == LLMC__VALUE_NONE
                       ? LLMC__HP_EPS
                       : LLMC__HP_EPS_RMS;
    unsigned key =
                 h->value[LLMC__HP_ACTIVATION].kind != LLMC__VALUE_NONE ? LLMC__HP_ACTIVATION : LLMC__HP_ACT,
             i;
    if (h->gguf)
        eps = c->norm == LLMC_NORM_RMS ? LLMC__HP_EPS_RMS : LLMC__HP_EPS;
    LLMC__TRY(llmc__hyper_f32(h, eps, 1, &c->norm_eps));
    if (h->value[key].kind == LLMC__VALUE_NONE || (h->family->traits & LLMC__ACT_FIXED) != 0)
        return LLMC_OK;
    for (i = 0; i < sizeof word / sizeof word[0]; i++)
        if (llmc__value_is(&h->value[key], word[i])) {
            c->act = (llmc_act)i;
            return LLMC_OK;
        }
    return llmc__hyper_fail(h, key, LLMC_UNSUPPORTED, "names an activation that is not supported");
}

/* Heads and their size: D / H unless the file gives it (some Llama 3.2 and Mistral models have H K
   != D). c->n_embd is set before. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__config_heads(llmc_config *c, const llmc__hyper *h)
{
    uint32_t value_length;
    bool many = true, grouped = true;
    if (llmc__streq(c->family, "rustgpt"))
        c->n_head = 1;
    LLMC__TRY(llmc__hyper_u32(h, LLMC__HP_HEADS, 1u << 16, &c->n_head));
    c->n_kv_head = c->n_head; /* absent: every head has its own keys and values */
    /* Falcon: one key head, or as many as it says, by the generation of its code */
    LLMC__TRY(llmc__hyper_flag(h, LLMC__HP_MULTI_QUERY, &many));
    LLMC__TRY(llmc__hyper_flag(h, LLMC__HP_NEW_DECODER, &grouped));
    if (h->value[LLMC__HP_MULTI_QUERY].kind != LLMC__VALUE_NONE &&
        !(grouped && h->value[LLMC__HP_NEW_DECODER].kind != LLMC__VALUE_NONE))
        c->n_kv_head = many ? 1 : c->n_head;
    else
        LLMC__TRY(llmc__hyper_u32(h, LLMC__HP_HEADS_KV, 1u << 16, &c->n_kv_head));
    if (h->value[LLMC__HP_KEY_LENGTH].kind == LLMC__VALUE_NONE && c->n_embd % c->n_head != 0)
        return llmc__hyper_fail(h, LLMC__HP_HEADS, LLMC_BAD_FILE, "does not divide the width");
    c->head_dim = c->n_embd / c->n_head;
    LLMC__TRY(llmc__hyper_u32(h, LLMC__HP_KEY_LENGTH, 1u << 16, &c->head_dim));
    value_length = c->head_dim;
    if (c->head_dim != 0)
        LLMC__TRY(llmc__hyper_u32(h, LLMC__HP_VALUE_LENGTH, 1u << 16, &value_length));
    /* the cache keeps keys and values in pages of one shape */
    if (value_length != c->head_dim)
        return llmc__hyper_fail(h, LLMC__HP_VALUE_LENGTH, LLMC_UNSUPPORTED,
                                "differs from attention.key_length");
    return LLMC_OK;
}

/* Scale, cap and clamp of the scores, and whether the branches run side by side. Gemma's largest models
   scale by D / H instead of K, which GGUF has no key for. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__config_attention(llmc_config *c, const llmc__hyper *h)
{
    bool parallel = c->parallel != LLMC_SERIAL;
    uint32_t norms = 2;
    float scalar = 0;
    LLMC__TRY(llmc__hyper_f32_or_0(h, LLMC__HP_ATTN_SCALE, 1e6, &c->attn_scale));
    LLMC__TRY(llmc__hyper_f32_or_0(h, LLMC__HP_QUERY_SCALAR, 1e6, &scalar));
    if (h->gguf && c->attn_scale == 0 &&
        ((c->n_layer == 46 && llmc__streq(c->family, "gemma2")) ||
         (c->n_layer == 62 && llmc__streq(c->family, "gemma3"))))
        scalar = (float)c->n_embd / (float)c->n_head;
    if (scalar > 0)
        c->attn_scale = 1.0f / llmc__sqrtf(scalar);
    LLMC__TRY(llmc__hyper_f32_or_0(h, LLMC__HP_ATTN_SOFTCAP, 1e6, &c->attn_softcap));
    LLMC__TRY(llmc__hyper_f32_or_0(h, LLMC__HP_CLAMP_KQV, 1e6, &c->attn_clamp));
    if (llmc__word_in("gptneox|stablelm|falcon", c->family, llmc__strlen(c->family))) {
        LLMC__TRY(llmc__hyper_flag(h, LLMC__HP_PARALLEL, &parallel));
    } else if (h->value[LLMC__HP_PARALLEL].kind != LLMC__VALUE_NONE &&
               (h->value[LLMC__HP_PARALLEL].number != 0) != parallel) {
        return llmc__hyper_fail(h, LLMC__HP_PARALLEL, LLMC_UNSUPPORTED, "is not supported in this family");
    }
    if (!parallel)
        c->parallel = LLMC_SERIAL;
    else if (c->parallel == LLMC_SERIAL)
        c->parallel = LLMC_PARALLEL_SHARED; /* StableLM 2 12B */
    /* Falcon 40B has a norm for each branch, 11B with the same code has one */
    if (h->value[LLMC__HP_NEW_DECODER].number != 0 && parallel) {
        LLMC__TRY(llmc__hyper_u32(h, LLMC__HP_PARALLEL_NORMS, 2, &norms));
        c->parallel = norms == 2 ? LLMC_PARALLEL_OWN : LLMC_PARALLEL_SHARED;
    }
    return LLMC_OK;
}

/* c->windowed from a list with one value a layer: a flag, or a word of words. False: not such a list. */
static bool llmc__config_layers(llmc_layers *set, uint32_t n, const llmc__value *list, const char *words)
{
    llmc_json_iter it;
    llmc__value v;
    uint32_t l = 0;
    LLMC_MEMSET(&it, 0, sizeof it);
    while (llmc__value_next(list, &it, &l, &v)) {
        if (l > n || (words != NULL ? v.kind != LLMC__VALUE_TEXT
                                    : v.kind != LLMC__VALUE_NUMBER && v.kind != LLMC__VALUE_FLAG))
            return false;
        llmc__layers_put(set, l - 1, words != NULL ? llmc__value_is(&v, words) : v.number != 0);
    }
    return l == n;
}

/* Which layers have the window. nanochat: a letter a layer, tiled, and the last one sees everything. Errors:
   BAD_FILE. */
static llmc_status llmc__config_windowed(llmc_config *c, const llmc__hyper *h)
{
    const llmc__value *types = &h->value[LLMC__HP_LAYER_TYPES], *pattern = &h->value[LLMC__HP_WINDOW_PATTERN];
    uint32_t every = h->family->window_every, from = 0, l;
    if (types->kind == LLMC__VALUE_LIST) {
        if (!llmc__config_layers(&c->windowed, c->n_layer, types, "sliding_attention"))
            return llmc__hyper_fail(h, LLMC__HP_LAYER_TYPES, LLMC_BAD_FILE,
                                    "must have one name for each layer");
        return LLMC_OK;
    }
    if (pattern->kind == LLMC__VALUE_LIST) {
        if (!llmc__config_layers(&c->windowed, c->n_layer, pattern, NULL))
            return llmc__hyper_fail(h, LLMC__HP_WINDOW_PATTERN, LLMC_BAD_FILE,
                                    "must have one flag for each layer");
        return LLMC_OK;
    }
    if (pattern->kind == LLMC__VALUE_TEXT &&
        pattern->end > pattern->at) { /* "LLLG", "SSSL": last letter sees all */
        size_t n = (size_t)(pattern->end - pattern->at);
        for (l = 0; l < c->n_layer; l++)
            llmc__layers_put(&c->windowed, l,
                             pattern->at[l % n] != pattern->end[-1] || (pattern->at[l % n] == 'S'));
        return LLMC_OK;
    }
    LLMC__TRY(llmc__hyper_u32_or_0(h, LLMC__HP_WINDOW_PATTERN, LLMC_MAX_LAYERS, &every));
    if (h->value[LLMC__HP_WINDOW_USED].kind != LLMC__VALUE_NONE)
        LLMC__TRY(llmc__hyper_u32_or_0(h, LLMC__HP_WINDOW_FROM, LLMC_MAX_LAYERS, &from));
    for (l = 0; l < c->n_layer; l++)
        llmc__layers_put(&c->windowed, l, l >= from && (every == 0 || (l + 1) % every != 0));
    return LLMC_OK;
}

/* Window and sinks. Makers may name a window and switch it off. One that is as long as the context hides nothing.
   Errors: BAD_FILE. */
static llmc_status llmc__config_window(llmc_config *c, const llmc__hyper *h)
{
    bool used = true;
    LLMC__TRY(llmc__hyper_flag(h, LLMC__HP_WINDOW_USED, &used));
    LLMC__TRY(llmc__hyper_u32_or_0(h, LLMC__HP_WINDOW, UINT32_MAX, &c->window_size));
    LLMC__TRY(llmc__hyper_u32_or_0(h, LLMC__HP_SINKS, 1u << 30, &c->sink_tokens));
    if (!used)
        c->window_size = 0;
    if (c->window_size == 0) {
        c->sink_tokens = 0;
        return LLMC_OK;
    }
    return llmc__config_windowed(c, h);
}

/* Factors at the ends. Errors: BAD_FILE. */
static llmc_status llmc__config_scales(llmc_config *c, const llmc__hyper *h)
{
    float depth = 0, logit = 0;
    uint32_t base = 0;
    if ((h->family->traits & LLMC__EMBED_ROOT) != 0)
        c->embed_scale = llmc__sqrtf((float)c->n_embd);
    LLMC__TRY(llmc__hyper_f32_or_0(h, LLMC__HP_EMBED_SCALE, 1e6, &c->embed_scale));
    LLMC__TRY(llmc__hyper_f32_or_0(h, LLMC__HP_RESIDUAL_SCALE, 1e6, &c->residual_scale));
    LLMC__TRY(llmc__hyper_f32_or_0(h, LLMC__HP_SCALE_DEPTH, 1e6, &depth));
    if (depth > 0)
        c->residual_scale = depth / llmc__sqrtf((float)c->n_layer);
    LLMC__TRY(llmc__hyper_f32_or_0(h, LLMC__HP_LOGIT_SCALE, 1e6, &logit));
    LLMC__TRY(llmc__hyper_u32_or_0(h, LLMC__HP_DIM_BASE, 1u << 20, &base));
    if (base > 0)
        logit = (float)c->n_embd / (float)base;
    if (logit > 0)
        c->logit_scale = (h->family->traits & LLMC__LOGIT_DIVIDE) != 0 ? 1 / logit : logit;
    LLMC__TRY(llmc__hyper_f32_or_0(h, LLMC__HP_CLAMP_LOGITS, 1e6, &c->logit_clamp));
    return llmc__hyper_f32_or_0(h, LLMC__HP_FINAL_SOFTCAP, 1e6, &c->logit_softcap);
}

/* Experts; which layers have them the tensors say. Mixtral gives no width of its own for them.
   Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__config_experts(llmc_config *c, const llmc__hyper *h)
{
    float limit = 7, gating = 1;
    LLMC__TRY(llmc__hyper_u32_or_0(h, LLMC__HP_EXPERTS, 1u << 12, &c->n_expert));
    if (c->n_expert == 0)
        return LLMC_OK;
    LLMC__TRY(llmc__hyper_u32(h, LLMC__HP_EXPERTS_USED, c->n_expert, &c->n_expert_used));
    c->n_ff_expert = c->n_ff;
    LLMC__TRY(llmc__hyper_u32(h, LLMC__HP_EXPERTS_FF, 1u << 24, &c->n_ff_expert));
    LLMC__TRY(llmc__hyper_u32_or_0(h, LLMC__HP_SHARED_FF, 1u << 24, &c->n_ff_shared));
    LLMC__TRY(llmc__hyper_flag(h, LLMC__HP_RENORM, &c->expert_renorm));
    LLMC__TRY(llmc__hyper_f32(h, LLMC__HP_EXPERTS_LIMIT, 1e6, &limit));
    if (limit != 7)
        return llmc__hyper_fail(h, LLMC__HP_EXPERTS_LIMIT, LLMC_UNSUPPORTED, "must be 7");
    LLMC__TRY(llmc__hyper_f32(h, LLMC__HP_EXPERT_GATING, 100, &gating));
    if (gating != 1 && gating != 3)
        return llmc__hyper_fail(h, LLMC__HP_EXPERT_GATING, LLMC_UNSUPPORTED,
                                "names a way to choose experts that is not supported");
    return LLMC_OK;
}

/* What a GGUF of an encoder says: 0 none, 1 mean, 2 first token, 3 last. Other families may be encoders too (no causal
   mask). Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__config_pooling(llmc_config *c, const llmc__hyper *h)
{
    bool causal = !c->bidirectional;
    uint32_t kind = 0;
    LLMC__TRY(llmc__hyper_flag(h, LLMC__HP_CAUSAL, &causal));
    c->bidirectional = !causal;
    LLMC__TRY(llmc__hyper_u32_or_0(h, LLMC__HP_POOLING, 100, &kind));
    if (kind > 3)
        return llmc__hyper_fail(h, LLMC__HP_POOLING, LLMC_UNSUPPORTED,
                                "names a pooling that is not supported");
    c->pooling = kind == 1   ? LLMC_POOL_MEAN
                 : kind == 2 ? LLMC_POOL_CLS
                 : kind == 3 ? LLMC_POOL_LAST
                             : LLMC_POOL_DEFAULT;
    return LLMC_OK;
}

/* Positions that are not rotary, and which layers have none. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__config_positions(llmc_config *c, const llmc__hyper *h)
{
    const llmc__value *kind = &h->value[LLMC__HP_POSITION], *list = &h->value[LLMC__HP_UNTURNED];
    uint32_t traits = h->family->traits, l;
    if (llmc__value_is(kind, "absolute|learned"))
        c->pos = LLMC_POS_LEARNED;
    else if (llmc__value_is(kind, "sinusoidal"))
        c->pos = LLMC_POS_SINUSOIDAL;
    else if (kind->kind != LLMC__VALUE_NONE && !llmc__value_is(kind, "rope|rotary|rope_gptj|rope_neox"))
        return llmc__hyper_fail(h, LLMC__HP_POSITION, LLMC_UNSUPPORTED,
                                "names positions that are not supported");
    for (l = 0; l < c->n_layer; l++)
        llmc__layers_put(&c->unturned, l,
                         ((traits & LLMC__UNTURNED_4) != 0 && (l + 1) % 4 == 0) ||
                             ((traits & LLMC__UNTURNED_FULL) != 0 && c->window_size > 0 &&
                              !llmc_layers_has(&c->windowed, l)));
    if (list->kind == LLMC__VALUE_NONE)
        return LLMC_OK;
    if (list->kind != LLMC__VALUE_LIST || !llmc__config_layers(&c->unturned, c->n_layer, list, NULL))
        return llmc__hyper_fail(h, LLMC__HP_UNTURNED, LLMC_BAD_FILE, "must have one flag for each layer");
    for (l = 0; l < c->n_layer && !h->gguf; l++) /* makers: 1 means turned */
        llmc__layers_put(&c->unturned, l, !llmc_layers_has(&c->unturned, l));
    return LLMC_OK;
}

//--[ 14.6 MODEL.rope ]-- the kinds of rotary scaling, as GGUF and config.json spell them
/* A kind by name; false: not one that is known. su was longrope's first name. */
static bool llmc__rope_kind(const llmc__value *v, llmc_rope_scaling *out)
{
    static const char *const word[] = {"none|default", "linear", "ntk", "dynamic",
                                       "yarn",         "llama3", "",    "longrope|su"};
    unsigned i;
    for (i = 0; i < sizeof word / sizeof word[0]; i++)
        if (llmc__value_is(v, word[i])) {
            *out = (llmc_rope_scaling)i;
            return true;
        }
    return false;
}

/* A scaling that is named but does not apply is none; the original length must be known where it is used. */
static llmc_status llmc__rope_settle(llmc_config *c, const llmc__hyper *h)
{
    if (c->rope_original == 0)
        c->rope_original = c->context_length;
    if (c->rope_factor == 1 && (c->rope_scaling == LLMC_ROPE_LINEAR || c->rope_scaling == LLMC_ROPE_NTK))
        c->rope_scaling = LLMC_ROPE_PLAIN;
    if (c->rope_scaling == LLMC_ROPE_LLAMA3 && !(c->llama3_low < c->llama3_high))
        return LLMC__FAIL(h->diag, BAD_FILE, "MODEL.rope", LLMC_NO_OFFSET,
                          "%s: impossible frequency factors of the RoPE scaling", h->name);
    if (c->rope_scaling == LLMC_ROPE_YARN && !(c->yarn_slow < c->yarn_fast))
        return LLMC__FAIL(h->diag, BAD_FILE, "MODEL.rope", LLMC_NO_OFFSET, "%s: impossible YaRN limits",
                          h->name);
    return LLMC_OK;
}

/* rope.scaling.* of a GGUF. As in other engines a factor without a type is linear, and factor 0 means none. Errors:
   BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__rope_gguf(llmc_config *c, const llmc__hyper *h)
{
    const llmc__value *type = &h->value[LLMC__HP_ROPE_TYPE];
    unsigned key =
        h->value[LLMC__HP_ROPE_FACTOR].kind != LLMC__VALUE_NONE ? LLMC__HP_ROPE_FACTOR : LLMC__HP_ROPE_LINEAR;
    float attn = 0, ext = 1;
    c->rope_scaling = LLMC_ROPE_LINEAR;
    if (type->kind != LLMC__VALUE_NONE && type->kind != LLMC__VALUE_TEXT)
        return llmc__hyper_fail(h, LLMC__HP_ROPE_TYPE, LLMC_BAD_FILE, "must be a string");
    if (type->kind == LLMC__VALUE_TEXT && !llmc__rope_kind(type, &c->rope_scaling))
        return LLMC__FAIL(h->diag, UNSUPPORTED, "MODEL.rope", LLMC_NO_OFFSET,
                          "%s: RoPE scaling '%.*s' is not supported", h->name,
                          (int)llmc__min((uint64_t)(type->end - type->at), 64), type->at);
    LLMC__TRY(llmc__hyper_f32_or_0(h, key, 1e6, &c->rope_factor));
    LLMC__TRY(llmc__hyper_u32_or_0(h, LLMC__HP_ROPE_ORIGINAL, 1u << 30, &c->rope_original));
    LLMC__TRY(llmc__hyper_f32(h, LLMC__HP_ROPE_YARN_FAST, 1e6, &c->yarn_fast));
    LLMC__TRY(llmc__hyper_f32(h, LLMC__HP_ROPE_YARN_SLOW, 1e6, &c->yarn_slow));
    LLMC__TRY(llmc__hyper_f32(h, LLMC__HP_ROPE_LOW, 1e6, &c->llama3_low));
    LLMC__TRY(llmc__hyper_f32(h, LLMC__HP_ROPE_HIGH, 1e6, &c->llama3_high));
    LLMC__TRY(llmc__hyper_f32(h, LLMC__HP_ROPE_YARN_EXT, 1e6, &ext));
    if (ext != 1)
        return llmc__hyper_fail(h, LLMC__HP_ROPE_YARN_EXT, LLMC_UNSUPPORTED, "must be 1");
    LLMC__TRY(llmc__hyper_f32_or_0(h, LLMC__HP_ROPE_ATTN, 1e6, &attn));
    LLMC__TRY(llmc__hyper_f32_or_0(h, LLMC__HP_ROPE_YARN_ATTN, 1e6, &attn));
    /* converters copy the makers' attention_factor, which takes the place of the rule's; 1 says nothing but in LongRoPE */
    if (attn > 0 && (attn != 1 || c->rope_scaling == LLMC_ROPE_LONG))
        c->rope_attn_factor = attn;
    return LLMC_OK;
}

/* A number in config.json's rope_scaling; absent leaves *out. Errors: BAD_FILE. */
static llmc_status llmc__rope_number(const llmc__hyper *h, llmc_json object, const char *key, float *out)
{
    llmc__value v = llmc__value_json(llmc_json_get(object, key));
    if (v.kind == LLMC__VALUE_NONE)
        return LLMC_OK;
    if (!llmc__value_positive(&v, 1e9, out))
        return LLMC__FAIL(h->diag, BAD_FILE, "MODEL.rope", LLMC_NO_OFFSET,
                          "%s: impossible '%s' in rope_scaling", h->name, key);
    return LLMC_OK;
}

/* YaRN's own settings. mscale and mscale_all_dim (DeepSeek) set the factor of attention together. */
static llmc_status llmc__rope_yarn(llmc_config *c, const llmc__hyper *h, llmc_json o)
{
    float scale = 0, all = 0;
    double log_s = c->rope_factor > 1 ? llmc__log((double)c->rope_factor) : 0;
    LLMC__TRY(llmc__rope_number(h, o, "beta_fast", &c->yarn_fast));
    LLMC__TRY(llmc__rope_number(h, o, "beta_slow", &c->yarn_slow));
    LLMC__TRY(llmc__rope_number(h, o, "attention_factor", &c->rope_attn_factor));
    LLMC__TRY(llmc__rope_number(h, o, "mscale", &scale));
    LLMC__TRY(llmc__rope_number(h, o, "mscale_all_dim", &all));
    if (c->rope_attn_factor == 0 && scale > 0 && all > 0)
        c->rope_attn_factor = (float)((0.1 * (double)scale * log_s + 1) / (0.1 * (double)all * log_s + 1));
    c->yarn_exact = !llmc_json_bool(llmc_json_get(o, "truncate"), true);
    return LLMC_OK;
}

/* rope_scaling of config.json, or rope_parameters, its later name, which also holds the base and may hold an object
   for each kind of layer. Long and short factors are read when there is memory for them. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__rope_json(llmc_config *c, const llmc__hyper *h)
{
    const llmc__value *object = &h->value[LLMC__HP_ROPE_SCALING];
    llmc_json o = llmc__value_view(object), full;
    llmc__value type;
    float original = (float)c->rope_original;
    if (object->kind != LLMC__VALUE_OBJECT)
        return llmc__hyper_fail(h, LLMC__HP_ROPE_SCALING, LLMC_BAD_FILE, "must be an object");
    full = llmc_json_get(o, "full_attention");
    if (full.type == LLMC_JSON_OBJECT) {
        LLMC__TRY(
            llmc__rope_number(h, llmc_json_get(o, "sliding_attention"), "rope_theta", &c->rope_local_base));
        o = full;
    }
    LLMC__TRY(llmc__rope_number(h, o, "rope_theta", &c->rope_base));
    type = llmc__value_json(llmc_json_get(o, "rope_type"));
    if (type.kind == LLMC__VALUE_NONE)
        type = llmc__value_json(llmc_json_get(o, "type"));
    if (type.kind == LLMC__VALUE_NONE)
        return LLMC_OK;
    if (!llmc__rope_kind(&type, &c->rope_scaling))
        return LLMC__FAIL(
            h->diag, UNSUPPORTED, "MODEL.rope", LLMC_NO_OFFSET, "%s: RoPE scaling '%.*s' is not supported",
            h->name, (int)(type.kind == LLMC__VALUE_TEXT ? llmc__min((uint64_t)(type.end - type.at), 64) : 0),
            type.at);
    LLMC__TRY(llmc__rope_number(h, o, "factor", &c->rope_factor));
    LLMC__TRY(llmc__rope_number(h, o, "original_max_position_embeddings", &original));
    LLMC__TRY(llmc__rope_number(h, o, "low_freq_factor", &c->llama3_low));
    LLMC__TRY(llmc__rope_number(h, o, "high_freq_factor", &c->llama3_high));
    c->rope_original = (uint32_t)original; /* below 2^30: exact enough for a length, and it comes from one */
    if (c->rope_scaling == LLMC_ROPE_YARN)
        return llmc__rope_yarn(c, h, o);
    if (c->rope_scaling == LLMC_ROPE_LONG) {
        LLMC__TRY(llmc__rope_number(h, o, "attention_factor", &c->rope_attn_factor));
        if (c->rope_factor == 1 && c->rope_original > 0)
            c->rope_factor = (float)c->context_length / (float)c->rope_original;
    }
    return LLMC_OK;
}

/* llmc__config_rope -- everything about rotary positions                  (MODEL.rope)
   All of a head turns unless the file says less; base 10000 unless it says another. A family
   without RoPE must not have any of its keys. c->head_dim and the windows are set before.
   Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__config_rope(llmc_config *c, const llmc__hyper *h)
{
    float fraction = 1;
    unsigned k;
    if (c->pos != LLMC_POS_ROPE) {
        for (k = LLMC__HP_ROPE_DIMS; k <= LLMC__HP_ROPE_LAST && !llmc__streq(c->family, "claude-rust"); k++)
            if (h->value[k].kind != LLMC__VALUE_NONE)
                return llmc__hyper_fail(h, k, LLMC_UNSUPPORTED, "is not supported in this family");
        return LLMC_OK;
    }
    c->rope_dims = c->head_dim;
    c->rope_base = 10000;
    LLMC__TRY(llmc__hyper_f32(h, LLMC__HP_ROPE_FRACTION, 1, &fraction));
    if (fraction != 1)
        c->rope_dims = (uint32_t)((double)c->head_dim * (double)fraction);
    LLMC__TRY(llmc__hyper_u32(h, LLMC__HP_ROPE_DIMS, 1u << 16, &c->rope_dims));
    LLMC__TRY(llmc__hyper_f32(h, LLMC__HP_ROPE_BASE, 1e15, &c->rope_base));
    LLMC__TRY(llmc__hyper_u32_or_0(h, LLMC__HP_ROPE_ORIGINAL, 1u << 30, &c->rope_original));
    if ((h->family->traits & LLMC__LOCAL_BASE) != 0)
        c->rope_local_base = 10000;
    LLMC__TRY(llmc__hyper_f32_or_0(h, LLMC__HP_ROPE_LOCAL_BASE, 1e15, &c->rope_local_base));
    if (h->gguf)
        LLMC__TRY(llmc__rope_gguf(c, h));
    else if (h->value[LLMC__HP_ROPE_SCALING].kind != LLMC__VALUE_NONE)
        LLMC__TRY(llmc__rope_json(c, h));
    if ((h->family->traits & LLMC__LOCAL_PLAIN) != 0)
        c->rope_local_base = c->rope_base;
    c->rope_local = c->window_size > 0 && c->rope_local_base > 0;
    if (llmc__streq(c->family, "gpt-oss"))
        c->yarn_exact = true; /* for which GGUF has no key */
    if (llmc__streq(c->family, "claude-rust") && c->rope_original > 0 &&
        c->context_length > c->rope_original) {
        c->rope_scaling = LLMC_ROPE_NTK;
        c->rope_factor = (float)c->context_length / (float)c->rope_original;
    }
    return llmc__rope_settle(c, h);
}

/* nanochat's constants. Windows: T / 4 earlier tokens rounded up to 128, and the token itself; the last layer sees
   everything. An epsilon of half-precision training is not repeated: it is that of f32. The Rust port has its own. */
static void llmc__config_nanochat(llmc_config *c, const llmc__hyper *h)
{
    const llmc__value *pattern = &h->value[LLMC__HP_WINDOW_PATTERN];
    bool late = llmc__streq(c->family, "nanochat-2026"), rust = llmc__streq(c->family, "nanochat-rust");
    uint32_t l, T = c->context_length, n;
    if ((h->family->traits & LLMC__NANOCHAT) == 0 || h->gguf)
        return;
    c->norm_eps = rust ? 1e-6f : 1.1920929e-7f;
    c->rope_base = late ? 1e5f : c->rope_base;
    c->attn_clamp = rust ? 5.0f : 0;
    c->logit_softcap = 15;
    c->logit_clamp = rust ? 50.0f : 0;
    if (!late)
        return;
    c->qk_scale = 1.2f;
    c->x_lambdas = true;
    c->smear_channels = 24;
    c->value_channels = 12;
    c->backout_layer = c->n_layer / 2;
    c->window_size = (T / 4 + (T % 4 != 0) + 127) / 128 * 128 + 1;
    n = pattern->kind == LLMC__VALUE_TEXT ? (uint32_t)(pattern->end - pattern->at) : 0;
    for (l = 0; l < c->n_layer; l++) {
        char kind = n > 0 ? pattern->at[l % n] : "SSSL"[l % 4];
        llmc__layers_put(&c->windowed, l, kind == 'S' && l + 1 != c->n_layer);
        llmc__layers_put(&c->value_layers, l, l % 2 == (c->n_layer - 1) % 2);
    }
}

/* Our own keys of nanochat in GGUF. Errors: BAD_FILE. */
static llmc_status llmc__config_nanochat_gguf(llmc_config *c, const llmc__hyper *h)
{
    uint32_t l;
    LLMC__TRY(llmc__hyper_u32_or_0(h, LLMC__HP_SMEAR, 1u << 20, &c->smear_channels));
    LLMC__TRY(llmc__hyper_u32_or_0(h, LLMC__HP_VALUE_CHANNELS, 1u << 20, &c->value_channels));
    LLMC__TRY(llmc__hyper_u32_or_0(h, LLMC__HP_BACKOUT, LLMC_MAX_LAYERS, &c->backout_layer));
    if (!llmc__streq(c->family, "nanochat-2026"))
        return LLMC_OK;
    c->qk_scale = 1.2f;
    c->x_lambdas = true;
    for (l = 0; l < c->n_layer; l++)
        llmc__layers_put(&c->value_layers, l, l % 2 == (c->n_layer - 1) % 2);
    return LLMC_OK;
}

/* llmc__config_hyper -- everything that the file says, as a configuration  (MODEL.rope)
   c->vocab_size is the embedding's number of rows already; a key that says otherwise is an error unless the family
   pads. The order matters: heads need the width, windows the layers, rotation both. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__config_hyper(llmc_config *c, const llmc__hyper *h)
{
    uint32_t vocab = c->vocab_size;
    llmc__config_family(c, h->family, h->gguf);
    LLMC__TRY(llmc__config_sizes(c, h));
    if ((h->family->traits & LLMC__NANOCHAT) == 0 || h->gguf)
        LLMC__TRY(llmc__config_functions(c, h));
    LLMC__TRY(llmc__config_heads(c, h));
    LLMC__TRY(llmc__config_attention(c, h));
    LLMC__TRY(llmc__config_window(c, h));
    LLMC__TRY(llmc__config_scales(c, h));
    LLMC__TRY(llmc__config_experts(c, h));
    LLMC__TRY(llmc__config_pooling(c, h));
    LLMC__TRY(llmc__config_positions(c, h));
    LLMC__TRY(llmc__config_rope(c, h));
    llmc__config_nanochat(c, h);
    if (h->gguf)
        LLMC__TRY(llmc__config_nanochat_gguf(c, h));
    LLMC__TRY(llmc__hyper_u32(h, LLMC__HP_VOCAB_SIZE, LLMC__MAX_VOCAB, &vocab));
    if (vocab > c->vocab_size || (vocab != c->vocab_size && (h->family->traits & LLMC__PADDED) == 0))
        return LLMC__FAIL(h->diag, BAD_FILE, "MODEL.config", LLMC_NO_OFFSET,
                          "%s: the vocabulary size is %u, the token embedding has %u rows", h->name,
                          (unsigned)vocab, (unsigned)c->vocab_size);
    c->vocab_size = vocab;
    return llmc__config_check(c, h->name, h->diag);
}

//--[ 14.7 MODEL.source ]-- any set of files as one configuration and one stream of tensors
/* What a first walk over the tensors finds out: sizes that no key gives, and parts that only tensors reveal. */
typedef struct llmc__survey {
    uint32_t n_tensors; /* those that have a role */
    uint32_t embed_rows, token_types;
    llmc_layers routed; /* layers with experts */
    uint64_t n_views;   /* parts of fused tensors, to be cut out */
    uint64_t n_experts; /* matrices of experts, counted one by one */
    bool second_norm, qk_norm,
        lambdas;            /* Falcon 40B's attn_norm_2; norms of q and k; nanochat's newer form */
    uint64_t loose_norms;   /* elements of norms that have a tensor for each head */
    bool freqs, long_freqs; /* RoPE factors as tensors */
    bool head;
} llmc__survey;

/* Everything known before there is memory: files checked, nothing stored. It lives on the stack of
   need and init, about 4 KB, and points into the caller's files. */
typedef struct llmc__source {
    llmc_model_options opt; /* complete: as the caller gave it, zeros elsewhere */
    const llmc_blob *files;
    size_t n_files;
    llmc_blob file; /* the one that messages name: the first with weights */
    llmc_file_kind kind;
    llmc_diag *diag;
    llmc__gguf gguf; /* of a GGUF's first file */
    const llmc__family *family;
    llmc_config config;
    llmc__survey survey;
    llmc_json rope;       /* config.json's rope_scaling, for lists of factors; type NONE: none */
    uint32_t n_tensors;   /* 0 if only the vocabulary is wanted */
    llmc_blob vocab_file; /* the GGUF that holds the tokenizer's keys, or data NULL */
    const char *chat_template;
    size_t chat_template_len;
    bool has_vocab; /* vocab is valid */
#ifndef LLMC_NO_TOKEN
    llmc__vocab vocab;
#endif
} llmc__source;

/* What messages call the model's file; never NULL. */
static const char *llmc__source_name(const llmc__source *s)
{
    return s->file.name == NULL ? "the file" : s->file.name;
}

/* Whether tensors are named as GGUF names them. llama2.c's and llm.c's have no names but those that FILE gives. */
static bool llmc__source_gguf_names(const llmc__source *s)
{
    return s->kind == LLMC_FILE_GGUF || s->kind == LLMC_FILE_LLAMA2C || s->kind == LLMC_FILE_LLMC;
}

/* A walk over all tensors of all files; all zero but s before the first. */
typedef struct llmc__tensors {
    const llmc__source *s;
    size_t file;
    bool open;
    llmc_file_kind kind; /* of the file that is open */
    union {
        struct {
            llmc__gguf file;
            llmc__reader r;
            uint64_t left;
        } gguf;
        struct {
            llmc__llama2c file;
            llmc__llama2c_walk walk;
            uint32_t left;
        } llama2c;
        struct {
            llmc__safetensors file;
            llmc__safetensors_walk walk;
        } safetensors;
        struct {
            llmc__torchless file;
            llmc__torchless_walk walk;
        } torchless;
        struct {
            llmc__mog file;
            llmc__mog_walk walk;
        } mog;
        struct {
            llmc__mpk file;
            llmc__mpk_walk walk;
        } mpk;
        struct {
            llmc__llmc file;
            llmc__llmc_walk walk;
        } llmc;
    } as;
} llmc__tensors;

/* A walk over the tensors of s. */
static void llmc__tensors_begin(llmc__tensors *w, const llmc__source *s)
{
    LLMC_MEMSET(w, 0, sizeof *w);
    w->s = s;
}

/* Opens the walk's file; one without tensors (a JSON, settings) is passed over by `next`. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__tensors_open(llmc__tensors *w)
{
    const llmc_blob *file = &w->s->files[w->file];
    llmc_diag *diag = w->s->diag;
    LLMC_MEMSET(&w->as, 0, sizeof w->as);
    w->open = true;
    w->kind = llmc_file_identify(file);
    switch (w->kind) {
    case LLMC_FILE_GGUF:
        LLMC__TRY(llmc__gguf_open(&w->as.gguf.file, file, false, diag));
        w->as.gguf.r = w->as.gguf.file.file;
        w->as.gguf.r.at = w->as.gguf.file.tensors_at;
        w->as.gguf.left = w->as.gguf.file.n_tensors;
        return LLMC_OK;
    case LLMC_FILE_LLAMA2C:
        return llmc__llama2c_open(&w->as.llama2c.file, file, &w->as.llama2c.walk, &w->as.llama2c.left, diag);
    case LLMC_FILE_SAFETENSORS:
        return llmc__safetensors_open(&w->as.safetensors.file, file, diag);
    case LLMC_FILE_TORCHLESS:
        return llmc__torchless_open(&w->as.torchless.file, file, diag);
    case LLMC_FILE_MOG:
        return llmc__mog_open(&w->as.mog.file, file, diag);
    case LLMC_FILE_MPK:
        return llmc__mpk_open(&w->as.mpk.file, file, diag);
    case LLMC_FILE_LLMC:
        return llmc__llmc_open(&w->as.llmc.file, file, diag);
    default:
        return LLMC_OK;
    }
}

/* The next tensor of the open file, DONE after its last. */
static llmc_status llmc__tensors_step(llmc__tensors *w, llmc_tensor *out)
{
    switch (w->kind) {
    case LLMC_FILE_GGUF:
        if (w->as.gguf.left == 0)
            return LLMC_DONE;
        w->as.gguf.left--;
        return llmc__gguf_tensor(&w->as.gguf.file, &w->as.gguf.r, out);
    case LLMC_FILE_LLAMA2C:
        if (w->as.llama2c.left == 0)
            return LLMC_DONE;
        w->as.llama2c.left--;
        return llmc__llama2c_next(&w->as.llama2c.file, &w->as.llama2c.walk, out);
    case LLMC_FILE_SAFETENSORS:
        return llmc__safetensors_next(&w->as.safetensors.file, &w->as.safetensors.walk, out);
    case LLMC_FILE_TORCHLESS:
        return llmc__torchless_next(&w->as.torchless.file, &w->as.torchless.walk, out);
    case LLMC_FILE_MOG:
        return llmc__mog_next(&w->as.mog.file, &w->as.mog.walk, out);
    case LLMC_FILE_MPK:
        return llmc__mpk_next(&w->as.mpk.file, &w->as.mpk.walk, out);
    case LLMC_FILE_LLMC:
        return llmc__llmc_next(&w->as.llmc.file, &w->as.llmc.walk, out);
    default:
        return LLMC_DONE;
    }
}

/* Whether a file is a sentence-transformers' 1_Pooling/config.json: known by its name and folder. */
static bool llmc__blob_pooling(const llmc_blob *file)
{
    static const char slash[] = "1_Pooling/config.json", other[] = "1_Pooling\\config.json";
    const char *p = file->name == NULL ? "" : file->name;
    size_t n = llmc__strlen(p), k = sizeof slash - 1;
    return n >= k && (llmc__streq(p + n - k, slash) || llmc__streq(p + n - k, other)) &&
           (n == k || p[n - k - 1] == '/' || p[n - k - 1] == '\\');
}

/* "blk.3.attn_norm_2.weight": Falcon 40B's second norm in GGUF. */
static bool llmc__name_second_norm(const char *name)
{
    llmc__place place;
    size_t len = llmc__strlen(name);
    size_t stem = len > 5 && llmc__streq(name + len - 5, ".bias")     ? len - 5
                  : len > 7 && llmc__streq(name + len - 7, ".weight") ? len - 7
                                                                      : 0;
    return llmc__name_fits("blk.%.attn_norm_2", name, stem, &place);
}

/* A tensor's role in this family. GGUF has three names that mean another thing in some family. */
static llmc__place llmc__source_place(const llmc__source *s, const char *name)
{
    uint32_t traits = s->family->traits;
    llmc__place p;
    if (!llmc__source_gguf_names(s))
        return llmc__name_maker(name, (traits & (LLMC__BRANCH | LLMC__FUSED_UP)) == LLMC__BRANCH);
    p = llmc__name_gguf(name);
    if (p.role == LLMC__W_UP && (traits & LLMC__FUSED_UP) != 0)
        p.role = LLMC__W_GATE_UP;
    else if (p.role == LLMC__W_ATTN_BRANCH_NORM && (traits & LLMC__SINK_LOGITS) != 0)
        p.role = LLMC__W_FFN_NORM; /* gpt-oss */
    else if (s->survey.second_norm &&
             p.role == LLMC__W_ATTN_NORM) /* Falcon 40B: attn_norm is the feed-forward's */
        p.role = LLMC__W_FFN_NORM;
    else if (s->survey.second_norm && p.role == LLMC__W_ATTN_NORM_B)
        p.role = LLMC__W_FFN_NORM_B;
    else if (s->survey.second_norm && p.role == LLMC__W_UNKNOWN && llmc__name_second_norm(name))
        p.role = llmc__streq(name + llmc__strlen(name) - 4, "bias") ? LLMC__W_ATTN_NORM_B : LLMC__W_ATTN_NORM;
    return p;
}

/* gpt-oss's bytes: blocks [E][rows][n / 32][16] become what they are, MXFP4 with scales apart, and scales
   [E][rows][n / 32] a byte each. */
static void llmc__source_mxfp4(unsigned role, llmc_tensor *t)
{
    if ((role == LLMC__W_EXPERTS_GATE_UP || role == LLMC__W_EXPERTS_DOWN) && t->n_dims == 4 &&
        t->dim[0] == 16 && t->dim[1] <= UINT32_MAX) {
        t->type = LLMC_MXFP4S;
        t->dim[0] = t->dim[1] * LLMC__QK;
        t->dim[1] = t->dim[2];
        t->dim[2] = t->dim[3];
        t->dim[3] = 1;
        t->n_dims = 3;
    } else if ((role == LLMC__W_EXPERTS_GATE_UP_S || role == LLMC__W_EXPERTS_DOWN_S) && t->n_dims == 3) {
        t->type = LLMC_I8;
    }
}

/* Dimensions as roles have them: a matrix of one row, or of one number, where a role is a vector; GPT-2's matrices,
   which its makers store with inputs as rows. */
static void llmc__source_turn(const llmc__source *s, unsigned role, llmc_tensor *t)
{
    uint64_t n;
    if (role < LLMC__W_COUNT && llmc__role_table[role].rows == 0)
        while (t->n_dims > 1 && t->dim[t->n_dims - 1] == 1)
            t->n_dims--;
    if (llmc__source_gguf_names(s))
        return;
    if (!((s->family->traits & LLMC__CONV1D) != 0 && t->n_dims == 2 &&
          (role == LLMC__W_QKV || role == LLMC__W_O || role == LLMC__W_UP || role == LLMC__W_DOWN)) &&
        !((s->family->traits & LLMC__SINK_LOGITS) != 0 && t->n_dims == 3 && t->type != LLMC_MXFP4S &&
          (role == LLMC__W_EXPERTS_GATE_UP || role == LLMC__W_EXPERTS_DOWN)))
        return;
    n = t->dim[0];
    t->dim[0] = t->dim[1];
    t->dim[1] = n;
    t->transposed = true;
}

/* llmc__tensors_next -- the next tensor that has a role                   (MODEL.source)
   DONE at the end. A name that is known to mean nothing is passed over, an unknown one is refused: it could change
   everything. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__tensors_next(llmc__tensors *w, llmc_tensor *out, llmc__place *place)
{
    const llmc__source *s = w->s;
    while (w->file < s->n_files) {
        llmc_status status = w->open ? LLMC_OK : llmc__tensors_open(w);
        if (status == LLMC_OK)
            status = llmc__tensors_step(w, out);
        if (status == LLMC_DONE) {
            w->open = false;
            w->file++;
            continue;
        }
        LLMC__TRY(status);
        *place = llmc__source_place(s, out->name);
        if (place->role == LLMC__W_IGNORED)
            continue;
        if (place->role == LLMC__W_UNKNOWN)
            return LLMC__FAIL(s->diag, UNSUPPORTED, "MODEL.weights", LLMC_NO_OFFSET,
                              "%s: tensor '%s' is not one that %s models are known to have",
                              llmc__source_name(s), out->name, s->family->name);
        if (w->kind == LLMC_FILE_SAFETENSORS && llmc__streq(w->as.safetensors.walk.dtype, "U8"))
            llmc__source_mxfp4(place->role, out);
        if (out->type == LLMC_DTYPE_NONE)
            return LLMC__FAIL(s->diag, UNSUPPORTED, "MODEL.weights", LLMC_NO_OFFSET,
                              "%s: tensor '%s' has type %s, which is not supported", llmc__source_name(s),
                              out->name,
                              w->kind == LLMC_FILE_SAFETENSORS ? w->as.safetensors.walk.dtype
                              : w->kind == LLMC_FILE_MPK       ? w->as.mpk.walk.dtype
                                                               : "?");
        llmc__source_turn(s, place->role, out);
        return LLMC_OK;
    }
    return LLMC_DONE;
}

/* One tensor's part of the survey. */
static void llmc__survey_tensor(llmc__survey *v, const llmc_tensor *t, const llmc__place *p, bool grouped)
{
    v->n_tensors++;
    switch (p->role) {
    case LLMC__W_EMBED:
        v->embed_rows = t->dim[1] > LLMC__MAX_VOCAB ? 0 : (uint32_t)t->dim[1];
        break;
    case LLMC__W_TYPES:
        v->token_types = t->dim[1] > UINT16_MAX ? 0 : (uint32_t)t->dim[1];
        break;
    case LLMC__W_HEAD:
        v->head = true;
        break;
    case LLMC__W_ROUTER:
        if (p->layer < LLMC_MAX_LAYERS)
            llmc__layers_put(&v->routed, p->layer, true);
        break;
    case LLMC__W_QKV:
    case LLMC__W_QKV_B:
        v->n_views += grouped ? 0 : 3;
        break;
    case LLMC__W_GATE_UP:
        v->n_views += 2;
        break;
    case LLMC__W_Q_NORM:
    case LLMC__W_K_NORM:
        v->qk_norm = v->qk_norm || p->role == LLMC__W_Q_NORM;
        v->loose_norms += p->index != UINT32_MAX ? t->dim[0] : 0;
        break;
    case LLMC__W_EXPERTS_GATE:
    case LLMC__W_EXPERTS_UP:
    case LLMC__W_EXPERTS_DOWN:
        v->n_experts += p->index == UINT32_MAX ? t->dim[2] : 1;
        break;
    case LLMC__W_EXPERTS_GATE_UP:
        v->n_experts += 2 * t->dim[2];
        break;
    case LLMC__W_X_LAMBDAS:
        v->lambdas = true;
        break;
    case LLMC__W_ROPE_FREQS:
        v->freqs = true;
        break;
    case LLMC__W_ROPE_LONG:
        v->long_freqs = true;
        break;
    default:
        break;
    }
}

/* Sets survey.second_norm before names are looked up, since it changes what two of them mean. */
static llmc_status llmc__source_second_norm(llmc__source *s)
{
    llmc__reader r = s->gguf.file;
    llmc_tensor t;
    uint64_t i;
    if (!llmc__streq(s->family->name, "falcon"))
        return LLMC_OK;
    r.at = s->gguf.tensors_at;
    for (i = 0; i < s->gguf.n_tensors; i++) {
        LLMC__TRY(llmc__gguf_tensor(&s->gguf, &r, &t));
        s->survey.second_norm = s->survey.second_norm || llmc__name_second_norm(t.name);
    }
    return LLMC_OK;
}

/* llmc__source_survey -- the first walk: checks every file's tensor table    (MODEL.source)
   Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__source_survey(llmc__source *s)
{
    llmc__tensors w;
    llmc_tensor t;
    llmc__place place;
    llmc_status status;
    bool grouped = (s->family->traits & LLMC__GROUPED) != 0 && !llmc__source_gguf_names(s);
    if (s->kind == LLMC_FILE_GGUF)
        LLMC__TRY(llmc__source_second_norm(s));
    llmc__tensors_begin(&w, s);
    while ((status = llmc__tensors_next(&w, &t, &place)) == LLMC_OK) {
        llmc__survey_tensor(&s->survey, &t, &place, grouped);
        if (s->survey.n_tensors > LLMC__MAX_TENSORS)
            return LLMC__FAIL(s->diag, UNSUPPORTED, "MODEL.source", LLMC_NO_OFFSET,
                              "%s: more than %u tensors", llmc__source_name(s), LLMC__MAX_TENSORS);
    }
    if (status != LLMC_DONE)
        return status;
    s->n_tensors = s->survey.n_tensors;
    if (s->survey.embed_rows == 0)
        return LLMC__FAIL(s->diag, BAD_FILE, "MODEL.source", LLMC_NO_OFFSET,
                          "%s: tensor '%s' is missing or has too many rows", llmc__source_name(s),
                          llmc__role_table[LLMC__W_EMBED].name);
    s->config.vocab_size = s->survey.embed_rows;
    return LLMC_OK;
}

/* What only the survey knows, put into the configuration that keys gave. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__source_apply(llmc__source *s)
{
    llmc_config *c = &s->config;
    const llmc__survey *v = &s->survey;
    uint64_t routed = 0;
    uint32_t l;
    if ((s->family->traits & LLMC__QK_HEADS) != 0 && v->qk_norm)
        c->qk_norm = LLMC_QK_NORM_HEADS;
    if (v->second_norm)
        c->parallel = LLMC_PARALLEL_OWN;
    c->n_token_types = v->token_types;
    for (l = 0; l < c->n_layer; l++) {
        routed += llmc_layers_has(&v->routed, l);
        llmc__layers_put(&c->dense, l, c->n_expert > 0 && !llmc_layers_has(&v->routed, l));
    }
    if (c->n_expert > 0 && routed == 0)
        return LLMC__FAIL(s->diag, BAD_FILE, "MODEL.source", LLMC_NO_OFFSET,
                          "%s: %u experts are declared, no layer has a router", llmc__source_name(s),
                          (unsigned)c->n_expert);
    if (c->n_expert > 0 && routed == c->n_layer)
        c->n_ff = c->n_ff_expert; /* no tensor bears a dense width out, and scratch would follow it */
    /* bounds what the table of experts may take by what the files hold */
    if (c->n_expert > 0 && routed * c->n_expert > v->n_experts / 2)
        return LLMC__FAIL(s->diag, BAD_FILE, "MODEL.source", LLMC_NO_OFFSET,
                          "%s: %u experts are declared for %u layers, fewer are there", llmc__source_name(s),
                          (unsigned)c->n_expert, (unsigned)routed);
    /* likewise the memory in which loose norms are gathered */
    if (v->loose_norms > 0 &&
        (c->qk_norm != LLMC_QK_NORM_HEADS ||
         (uint64_t)c->n_layer * (c->n_head + c->n_kv_head) > v->loose_norms / c->head_dim))
        return LLMC__FAIL(s->diag, BAD_FILE, "MODEL.source", LLMC_NO_OFFSET,
                          "%s: has norms of single heads, but not of %u heads in each of %u layers",
                          llmc__source_name(s), (unsigned)(c->n_head + c->n_kv_head), (unsigned)c->n_layer);
    if ((v->freqs && c->rope_scaling != LLMC_ROPE_PLAIN && c->rope_scaling != LLMC_ROPE_LINEAR) ||
        ((v->freqs || v->long_freqs) && c->pos != LLMC_POS_ROPE))
        return LLMC__FAIL(s->diag, UNSUPPORTED, "MODEL.source", LLMC_NO_OFFSET,
                          "%s: RoPE factors beside another scaling are not supported", llmc__source_name(s));
    if (v->freqs)
        c->rope_scaling = LLMC_ROPE_FACTORS;
    if (v->long_freqs)
        c->rope_scaling = LLMC_ROPE_LONG;
    return LLMC_OK;
}

/* general.architecture, and general.name cut at a character to what fits. The name is for people and
   may be absent or of another type. Errors: BAD_FILE (no architecture). */
static llmc_status llmc__config_names(llmc_config *c, const llmc__gguf *g)
{
    const llmc__gguf_value *arch = &g->known[LLMC__KEY_ARCHITECTURE];
    const char *text;
    size_t len;
    if (!llmc__gguf_text(g, arch, &text, &len) || len == 0)
        return LLMC__FAIL(g->file.diag, BAD_FILE, "MODEL.source", arch->at == 0 ? LLMC_NO_OFFSET : arch->at,
                          "%s: general.architecture is missing or not a string", g->file.name);
    if (!llmc__strcopy(c->family, sizeof c->family, text, len) || llmc__strlen(c->family) != len)
        return LLMC__FAIL(g->file.diag, UNSUPPORTED, "MODEL.source", arch->at,
                          "%s: architecture '%.*s' is not supported", g->file.name, (int)llmc__min(len, 64),
                          text);
    if (llmc__gguf_text(g, &g->known[LLMC__KEY_NAME], &text, &len)) {
        /* back to the first byte of the character that does not fit */
        if (len >= sizeof c->name)
            for (len = sizeof c->name - 1; len > 0 && ((unsigned char)text[len] & 0xc0u) == 0x80u;)
                len--;
        llmc__strcopy(c->name, sizeof c->name, text, len);
    }
    return LLMC_OK;
}

/* A split GGUF needs all of its parts, in order; only the first has the model's keys. */
static llmc_status llmc__source_splits(const llmc__source *s)
{
    llmc__gguf g;
    uint64_t parts = 1, no, all = 0, want = 0;
    size_t i;
    const llmc__gguf_value *count = &s->gguf.known[LLMC__KEY_SPLIT_COUNT];
    if (count->at != 0 && !llmc__gguf_uint(&s->gguf, count, &parts))
        parts = 0;
    if (parts != s->n_files && !(parts == 0 && s->n_files == 1))
        return LLMC__FAIL(s->diag, BAD_FILE, "MODEL.source", LLMC_NO_OFFSET,
                          "%s: is one of %llu parts, %llu files were given", llmc__source_name(s),
                          (unsigned long long)parts, (unsigned long long)s->n_files);
    if (s->n_files == 1)
        return LLMC_OK;
    for (i = 0; i < s->n_files; i++) {
        if (llmc_file_identify(&s->files[i]) != LLMC_FILE_GGUF)
            return LLMC__FAIL(s->diag, BAD_FILE, "MODEL.source", 0, "%s: not a GGUF, as the other parts are",
                              s->files[i].name == NULL ? "a file" : s->files[i].name);
        LLMC__TRY(llmc__gguf_open(&g, &s->files[i], false, s->diag));
        if (!llmc__gguf_uint(&g, &g.known[LLMC__KEY_SPLIT_NO], &no) || no != i)
            return LLMC__FAIL(s->diag, BAD_FILE, "MODEL.source", LLMC_NO_OFFSET,
                              "%s: is not part %llu, counted from 0", g.file.name, (unsigned long long)i);
        all += g.n_tensors;
    }
    if (llmc__gguf_uint(&s->gguf, &s->gguf.known[LLMC__KEY_SPLIT_TENSORS], &want) && want != all)
        return LLMC__FAIL(s->diag, BAD_FILE, "MODEL.source", LLMC_NO_OFFSET,
                          "%s: %llu tensors are declared, the parts hold %llu", llmc__source_name(s),
                          (unsigned long long)want, (unsigned long long)all);
    return LLMC_OK;
}

/* The keys' side of a GGUF, surveyed already. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__source_hyper_gguf(llmc__source *s)
{
    llmc__hyper h;
    LLMC_MEMSET(&h, 0, sizeof h);
    h.name = llmc__source_name(s);
    h.diag = s->diag;
    h.family = s->family;
    h.gguf = true;
    LLMC__TRY(llmc__hyper_gguf(&h, &s->gguf));
    return llmc__config_hyper(&s->config, &h);
}

/* A GGUF. For a vocabulary alone the architecture does not matter and the tensor
   table is not looked at. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__source_gguf(llmc__source *s)
{
    LLMC__TRY(llmc__gguf_open(&s->gguf, &s->file, s->opt.vocab_only, s->diag));
    LLMC__TRY(llmc__config_names(&s->config, &s->gguf));
    s->vocab_file = s->file; /* unless a separate tokenizer is given */
    if (s->opt.vocab_only)
        return LLMC_OK;
    LLMC__TRY(llmc__source_splits(s));
    s->family = llmc__family_named(s->config.family, llmc__strlen(s->config.family), false);
    if (s->family == NULL)
        return LLMC__FAIL(s->diag, UNSUPPORTED, "MODEL.source", s->gguf.known[LLMC__KEY_ARCHITECTURE].at,
                          "%s: architecture '%s' is not supported", llmc__source_name(s), s->config.family);
    if (s->gguf.n_tensors == 0 && s->n_files == 1)
        return LLMC__FAIL(s->diag, BAD_FILE, "MODEL.source", 8, "%s: holds no weights, only a vocabulary",
                          llmc__source_name(s));
    LLMC__TRY(llmc__source_survey(s));
    LLMC__TRY(llmc__source_hyper_gguf(s));
    return llmc__source_apply(s);
}

/* A family whose files have no keys at all: what is common to its formats. */
static void llmc__source_fixed(llmc__source *s, const char *family)
{
    llmc_config *c = &s->config;
    s->family = llmc__family_named(family, llmc__strlen(family), false);
    llmc__config_family(c, s->family, true);
    c->norm_eps = 1e-5f;
    if (c->pos == LLMC_POS_ROPE) {
        c->rope_base = 10000;
        c->rope_factor = 1;
    }
}

/* A llama2.c file is a Llama whose constants the format fixes: epsilon 1e-5, base 10000, every head
   rotated in full, adjacent pairs. llama2c_open has checked that heads is not 0 and divides dim. Opening
   walks all its tensors, so that the file's size is checked here. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__source_llama2c(llmc__source *s)
{
    llmc__llama2c f;
    llmc__llama2c_walk walk;
    llmc_config *c = &s->config;
    uint32_t n;
    LLMC_MEMSET(&f, 0, sizeof f);
    LLMC__TRY(llmc__llama2c_open(&f, &s->file, &walk, &n, s->diag));
    llmc__source_fixed(s, "llama");
    LLMC__TRY(llmc__source_survey(s));
    c->vocab_size = f.vocab;
    c->n_layer = f.layers;
    c->n_embd = f.dim;
    c->n_head = f.heads;
    c->n_kv_head = f.kv_heads;
    c->head_dim = c->rope_dims = f.dim / f.heads;
    c->n_ff = f.hidden;
    c->context_length = c->rope_original = f.context;
    return llmc__config_check(c, llmc__source_name(s), s->diag);
}

/* llm.c's GPT-2; its embedding is padded with rows that no token has. llmc_open has checked the sizes. */
static llmc_status llmc__source_llmc(llmc__source *s)
{
    llmc__llmc f;
    llmc_config *c = &s->config;
    LLMC__TRY(llmc__llmc_open(&f, &s->file, s->diag));
    llmc__source_fixed(s, "gpt2");
    LLMC__TRY(llmc__source_survey(s));
    c->vocab_size = f.vocab;
    c->n_layer = f.layers;
    c->n_embd = f.width;
    c->n_head = c->n_kv_head = f.heads;
    if (f.heads == 0 || f.width % f.heads != 0)
        return LLMC__FAIL(s->diag, BAD_FILE, "MODEL.source", LLMC_NO_OFFSET,
                          "%s: %u heads do not divide the width %u", llmc__source_name(s), (unsigned)f.heads,
                          (unsigned)f.width);
    c->head_dim = f.width / f.heads;
    c->n_ff = 4 * f.width;
    c->context_length = f.context;
    c->tied_head = true;
    return llmc__config_check(c, llmc__source_name(s), s->diag);
}

/* torchless spells hyperparameters its own way, and numbers as strings. Shared by .bin and MOG. */
static unsigned llmc__torchless_key(const char *name, size_t len)
{
    static const struct {
        const char *name;
        uint8_t key;
    } known[] = {{"hidden_size", LLMC__HP_EMBEDDING},
                 {"intermediate_size", LLMC__HP_FEED_FORWARD},
                 {"n_layers", LLMC__HP_BLOCK_COUNT},
                 {"n_heads", LLMC__HP_HEADS},
                 {"n_kv_heads", LLMC__HP_HEADS_KV},
                 {"vocab_size", LLMC__HP_VOCAB_SIZE},
                 {"max_position_embeddings", LLMC__HP_CONTEXT},
                 {"sliding_window", LLMC__HP_WINDOW},
                 {"rope_theta", LLMC__HP_ROPE_BASE},
                 {"norm_eps", LLMC__HP_EPS_RMS},
                 {"act_type", LLMC__HP_ACT},
                 {"head_dim", LLMC__HP_KEY_LENGTH},
                 {"tie_word_embeddings", LLMC__HP_TIED}};
    size_t i;
    for (i = 0; i < sizeof known / sizeof known[0]; i++)
        if (llmc__texteq(name, len, known[i].name))
            return known[i].key;
    return LLMC__HP_COUNT; /* quant, bos_token_id ...: nothing of the computation, or said by the tensors */
}

/* A value that is a string: a number inside, "None", true and false, or a word. */
static llmc__value llmc__value_quoted(const char *text, size_t len)
{
    char copy[64];
    llmc__value v;
    LLMC_MEMSET(&v, 0, sizeof v);
    v.at = text;
    v.end = text + len;
    v.kind = LLMC__VALUE_TEXT;
    if (len >= sizeof copy || !llmc__strcopy(copy, sizeof copy, text, len))
        return v;
    if (llmc__streq(copy, "None") || len == 0)
        v.kind = LLMC__VALUE_NONE;
    else if (llmc__streq(copy, "True") || llmc__streq(copy, "False"))
        return llmc__value_setting(copy[0] == 'T' ? "true" : "false");
    else if ((copy[0] >= '0' && copy[0] <= '9') || copy[0] == '-' || copy[0] == '.')
        return llmc__value_setting(copy);
    return v;
}

/* Both torchless formats: names of Hugging Face, and its layouts. h->family is set. */
static llmc_status llmc__source_torchless_config(llmc__source *s, llmc__hyper *h)
{
    LLMC__TRY(llmc__source_survey(s));
    LLMC__TRY(llmc__config_hyper(&s->config, h));
    if (h->value[LLMC__HP_TIED].number != 0)
        s->config.tied_head = true;
    return llmc__source_apply(s);
}

/* A .bin: always a Mistral. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__source_torchless(llmc__source *s)
{
    llmc__torchless f;
    llmc__hyper h;
    llmc_json key, value;
    llmc_json_iter it;
    unsigned k;
    LLMC__TRY(llmc__torchless_open(&f, &s->file, s->diag));
    LLMC_MEMSET(&h, 0, sizeof h);
    LLMC_MEMSET(&it, 0, sizeof it);
    s->family = h.family = llmc__family_named("llama", 5, false);
    h.name = llmc__source_name(s);
    h.diag = s->diag;
    while (llmc_json_next(f.metadata, &it, &key, &value)) {
        llmc__value name = llmc__value_json(key), v = llmc__value_json(value);
        k = llmc__torchless_key(name.at, (size_t)(name.end - name.at));
        if (v.kind == LLMC__VALUE_TEXT)
            v = llmc__value_quoted(v.at, (size_t)(v.end - v.at));
        if (k != LLMC__HP_COUNT)
            LLMC__TRY(llmc__hyper_put(&h, k, &v));
    }
    return llmc__source_torchless_config(s, &h);
}

/* A MOG: version 1 is a Mistral, 2 a Qwen 3. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__source_mog(llmc__source *s)
{
    llmc__mog f;
    llmc__hyper h;
    llmc__reader r;
    llmc__mog_pair p;
    uint32_t i;
    unsigned k;
    LLMC__TRY(llmc__mog_open(&f, &s->file, s->diag));
    LLMC_MEMSET(&h, 0, sizeof h);
    s->family = h.family =
        f.version == 1 ? llmc__family_named("llama", 5, false) : llmc__family_named("qwen3", 5, false);
    h.name = llmc__source_name(s);
    h.diag = s->diag;
    r = f.file;
    r.at = f.keys_at;
    for (i = 0; i < f.n_keys; i++) {
        llmc__value v;
        LLMC__TRY(llmc__mog_key(&r, &p));
        if (p.type == LLMC__MOG_STRING) {
            v = llmc__value_quoted(p.text, p.text_len);
        } else {
            LLMC_MEMSET(&v, 0, sizeof v);
            v.kind = LLMC__VALUE_NUMBER;
            v.number = p.type == LLMC__MOG_U32 ? (double)p.u32 : (double)llmc__bits_f32(p.u32);
        }
        k = llmc__torchless_key(p.key, p.key_len);
        if (k == LLMC__HP_WINDOW && v.kind == LLMC__VALUE_NUMBER && v.number == 0)
            continue;
        if (k != LLMC__HP_COUNT)
            LLMC__TRY(llmc__hyper_put(&h, k, &v));
    }
    return llmc__source_torchless_config(s, &h);
}

/* A file's name without folders; "" if it has none. */
static const char *llmc__blob_name(const llmc_blob *file)
{
    const char *name = file->name == NULL ? "" : file->name, *p;
    for (p = name; *p != 0; p++)
        if (*p == '/' || *p == '\\')
            name = p + 1;
    return name;
}

/* Which of the files says how the model computes: config.json before nanochat's meta_*.json before YAML and TOML.
   SIZE_MAX: none. */
static size_t llmc__source_config_file(const llmc__source *s)
{
    size_t i, best = SIZE_MAX;
    unsigned rank = 0, r;
    for (i = 0; i < s->n_files; i++) {
        const char *name = llmc__blob_name(&s->files[i]);
        size_t len = llmc__strlen(name);
        llmc_file_kind kind = llmc_file_identify(&s->files[i]);
        r = 0;
        if (kind == LLMC_FILE_JSON)
            r = llmc__streq(name, "config.json") && !llmc__blob_pooling(&s->files[i])                ? 4
                : len > 10 && llmc__texteq(name, 5, "meta_") && llmc__streq(name + len - 5, ".json") ? 3
                                                                                                     : 0;
        else if (kind == LLMC_FILE_SETTINGS)
            r = llmc__streq(name, "model_config.yaml") ? 2 : 1;
        if (r > rank) {
            rank = r;
            best = i;
        }
    }
    return best;
}

/* The object of a config.json that describes the decoder, and its family. nanochat and claude-rust name none: they are
   known by a key. Errors: UNSUPPORTED (naming the model_type), BAD_FILE. */
static llmc_status llmc__source_family_json(llmc__source *s, llmc_json *object)
{
    llmc_json type, inner = llmc_json_get(*object, "model_config");
    llmc__value v;
    const char *family = NULL;
    if (inner.type == LLMC_JSON_OBJECT)
        *object = inner; /* nanochat's meta */
    type = llmc_json_get(*object, "model_type");
    v = llmc__value_json(type);
    inner = llmc_json_get(*object, "text_config");
    if (inner.type == LLMC_JSON_OBJECT && llmc__value_is(&v, "gemma3"))
        *object = inner; /* its pictures' half is refused by the names of its tensors */
    if (v.kind == LLMC__VALUE_TEXT) {
        s->family = llmc__family_named(v.at, (size_t)(v.end - v.at), true);
        if (s->family == NULL)
            return LLMC__FAIL(s->diag, UNSUPPORTED, "MODEL.source", LLMC_NO_OFFSET,
                              "%s: model_type '%.*s' is not supported", llmc__source_name(s),
                              (int)llmc__min((uint64_t)(v.end - v.at), 64), v.at);
        return LLMC_OK;
    }
    if (llmc_json_get(*object, "sequence_len").type != LLMC_JSON_NONE)
        family = s->kind == LLMC_FILE_MPK ? "nanochat-rust" : "nanochat";
    else if (llmc_json_get(*object, "n_embd").type != LLMC_JSON_NONE)
        family = "claude-rust";
    if (family == NULL)
        return LLMC__FAIL(s->diag, BAD_FILE, "MODEL.source", LLMC_NO_OFFSET, "%s: names no model_type",
                          llmc__source_name(s));
    s->family = llmc__family_named(family, llmc__strlen(family), false);
    return LLMC_OK;
}

/* What claude-rust assumes where its configuration is silent. */
static void llmc__source_defaults(const llmc__source *s, llmc__hyper *h)
{
    static const struct {
        uint8_t key;
        double value;
    } rust[] = {{LLMC__HP_EMBEDDING, 768},    {LLMC__HP_HEADS, 12},      {LLMC__HP_BLOCK_COUNT, 12},
                {LLMC__HP_VOCAB_SIZE, 50257}, {LLMC__HP_CONTEXT, 1024},  {LLMC__HP_ROPE_ORIGINAL, 4096},
                {LLMC__HP_EPS, 1e-5},         {LLMC__HP_ROPE_BASE, 1e4}, {LLMC__HP_WINDOW, 4096},
                {LLMC__HP_SINKS, 4}};
    static const uint8_t needed[2] = {LLMC__HP_EPS, LLMC__HP_EPS_RMS};
    size_t i;
    if (llmc__streq(s->family->name, "claude-rust"))
        for (i = 0; i < sizeof rust / sizeof rust[0]; i++)
            if (h->value[rust[i].key].kind == LLMC__VALUE_NONE) {
                h->value[rust[i].key].kind = LLMC__VALUE_NUMBER;
                h->value[rust[i].key].number = rust[i].value;
            }
    /* Falcon's configurations do not name the length that its code has built in */
    if (llmc__streq(s->family->name, "falcon") && h->value[LLMC__HP_CONTEXT].kind == LLMC__VALUE_NONE) {
        h->value[LLMC__HP_CONTEXT].kind = LLMC__VALUE_NUMBER;
        h->value[LLMC__HP_CONTEXT].number = 2048;
    }
    /* the default of PyTorch and of the makers' code alike, for configurations without an epsilon */
    if (h->value[needed[0]].kind == LLMC__VALUE_NONE && h->value[needed[1]].kind == LLMC__VALUE_NONE &&
        llmc__word_in("olmo|rustgpt", s->family->name, llmc__strlen(s->family->name))) {
        h->value[LLMC__HP_EPS].kind = LLMC__VALUE_NUMBER;
        h->value[LLMC__HP_EPS].number = 1e-5;
    }
}

/* The pooling that a sentence-transformers folder asks for. */
static llmc_status llmc__source_pooling(llmc__source *s)
{
    llmc_json o;
    size_t i;
    for (i = 0; i < s->n_files; i++) {
        if (!llmc__blob_pooling(&s->files[i]))
            continue;
        LLMC__TRY(llmc_json_parse(&s->files[i], &o, s->diag));
        if (llmc_json_bool(llmc_json_get(o, "pooling_mode_cls_token"), false))
            s->config.pooling = LLMC_POOL_CLS;
        else if (llmc_json_bool(llmc_json_get(o, "pooling_mode_lasttoken"), false))
            s->config.pooling = LLMC_POOL_LAST;
        else if (llmc_json_bool(llmc_json_get(o, "pooling_mode_mean_tokens"), false))
            s->config.pooling = LLMC_POOL_MEAN;
        else
            return LLMC__FAIL(s->diag, UNSUPPORTED, "MODEL.source", LLMC_NO_OFFSET,
                              "%s: names no pooling that is supported", s->files[i].name);
    }
    return LLMC_OK;
}

/* llmc__source_folder -- weights in safetensors or MessagePack beside a configuration   (MODEL.source)
   Hugging Face, claude-rust, nanochat and its Rust port. Other JSON files among the files (indexes, generation
   settings, tokenizers) say nothing about the computation. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__source_folder(llmc__source *s)
{
    size_t at = llmc__source_config_file(s);
    llmc__hyper h;
    llmc_json object;
    const llmc_blob *file;
    if (at == SIZE_MAX)
        return LLMC__FAIL(s->diag, BAD_FILE, "MODEL.source", LLMC_NO_OFFSET, "%s: no config.json beside it",
                          llmc__source_name(s));
    file = &s->files[at];
    LLMC_MEMSET(&h, 0, sizeof h);
    h.name = llmc__blob_name(file);
    h.diag = s->diag;
    LLMC_MEMSET(&object, 0, sizeof object);
    if (llmc_file_identify(file) == LLMC_FILE_JSON) {
        LLMC__TRY(llmc_json_parse(file, &object, s->diag));
        LLMC__TRY(llmc__source_family_json(s, &object));
    } else {
        s->family = llmc__family_named("claude-rust", 11, false);
    }
    LLMC__TRY(llmc__source_survey(s));
    if (s->survey.lambdas)
        s->family = llmc__family_named("nanochat-2026", 13, false);
    h.family = s->family;
    LLMC__TRY(object.type == LLMC_JSON_OBJECT ? llmc__hyper_json(&h, object)
                                              : llmc__hyper_settings(&h, file));
    llmc__source_defaults(s, &h);
    LLMC__TRY(llmc__config_hyper(&s->config, &h));
    if (h.value[LLMC__HP_ROPE_SCALING].kind == LLMC__VALUE_OBJECT)
        s->rope = llmc__value_view(&h.value[LLMC__HP_ROPE_SCALING]);
    /* a tied head in the file is a copy; where the file does not say, its absence does */
    s->config.tied_head = h.value[LLMC__HP_TIED].number != 0;
    if (h.value[LLMC__HP_TIED].kind == LLMC__VALUE_FLAG && !s->config.tied_head && !s->survey.head &&
        !s->config.no_head)
        return LLMC__FAIL(s->diag, BAD_FILE, "MODEL.source", LLMC_NO_OFFSET,
                          "%s: the head's weight is missing", llmc__source_name(s));
    LLMC__TRY(llmc__source_pooling(s));
    return llmc__source_apply(s);
}

/* The chat template, a text of any length, left in the file; CHAT reads it. Absent is fine.
   Errors: BAD_FILE (not a string). */
static llmc_status llmc__source_template(llmc__source *s, const llmc__gguf *g)
{
    const llmc__gguf_value *v = &g->known[LLMC__KEY_CHAT_TEMPLATE];
    if (v->at != 0 && !llmc__gguf_text(g, v, &s->chat_template, &s->chat_template_len))
        return LLMC__FAIL(g->file.diag, BAD_FILE, "MODEL.open", v->at,
                          "%s: tokenizer.chat_template must be a string", g->file.name);
    return LLMC_OK;
}

#ifndef LLMC_NO_TOKEN
/* From the separate file if there is one, else from the model's. A GGUF brings its chat template along;
   a separate tokenizer's template counts, not the model's, since its special tokens are meant.
   Anything that is no GGUF is read as a tokenizer.bin, which has no magic number. */
static llmc_status llmc__source_vocab(llmc__source *s, llmc_diag *diag)
{
    const llmc_blob *separate = &s->opt.tokenizer;
    llmc__gguf g;
    if (separate->data == NULL && s->kind == LLMC_FILE_LLAMA2C)
        return LLMC_OK;
    if (separate->data == NULL) {
        LLMC__TRY(llmc__source_template(s, &s->gguf));
        return llmc__vocab_gguf(&s->vocab, &s->gguf, &s->has_vocab);
    }
    /* a tokenizer.bin has no keys that save could copy */
    LLMC_MEMSET(&s->vocab_file, 0, sizeof s->vocab_file);
    if (llmc_file_identify(separate) != LLMC_FILE_GGUF) {
        s->has_vocab = true;
        return llmc__vocab_llama2c(&s->vocab, separate, s->config.vocab_size, diag);
    }
    LLMC__TRY(llmc__gguf_open(&g, separate, true, diag));
    LLMC__TRY(llmc__source_template(s, &g));
    s->vocab_file = *separate;
    return llmc__vocab_gguf(&s->vocab, &g, &s->has_vocab);
}

/* Tokens and rows of the embedding must be as many; without weights the tokens decide. With fewer
   tokens the model could write an id that has no text; with more, text could become an
   id that has no row. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__source_tokenizer(llmc__source *s, llmc_diag *diag)
{
    LLMC__TRY(llmc__source_vocab(s, diag));
    if (s->opt.vocab_only && !s->has_vocab)
        return LLMC__FAIL(diag, BAD_FILE, "MODEL.open", LLMC_NO_OFFSET, "%s: holds no vocabulary",
                          llmc__source_name(s));
    if (s->has_vocab && s->config.vocab_size == 0)
        s->config.vocab_size = s->vocab.count;
    if (s->has_vocab && s->vocab.count != s->config.vocab_size)
        return LLMC__FAIL(diag, BAD_FILE, "MODEL.open", LLMC_NO_OFFSET,
                          "%s: the tokenizer has %u tokens, the token embedding of %s has %u rows",
                          s->vocab.name, (unsigned)s->vocab.count, llmc__source_name(s),
                          (unsigned)s->config.vocab_size);
    return LLMC_OK;
}
#else
/* Without TOKEN a model speaks ids; the template is kept for callers that read it themselves. */
static llmc_status llmc__source_tokenizer(llmc__source *s, llmc_diag *diag)
{
    if (s->opt.vocab_only)
        return LLMC__FAIL(diag, UNSUPPORTED, "MODEL.open", LLMC_NO_OFFSET,
                          "built with LLMC_NO_TOKEN: no tokenizers");
    return s->kind == LLMC_FILE_GGUF ? llmc__source_template(s, &s->gguf) : LLMC_OK;
}
#endif

/* The files by their kind. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__source_read(llmc__source *s)
{
    if (s->n_files > 1 && s->kind != LLMC_FILE_GGUF && s->kind != LLMC_FILE_SAFETENSORS &&
        s->kind != LLMC_FILE_MPK)
        return LLMC__FAIL(s->diag, UNSUPPORTED, "MODEL.open", LLMC_NO_OFFSET,
                          "%s: a model in several files is a split GGUF or a folder of safetensors",
                          llmc__source_name(s));
    switch (s->kind) {
    case LLMC_FILE_GGUF:
        return llmc__source_gguf(s);
    case LLMC_FILE_LLAMA2C:
        return llmc__source_llama2c(s);
    case LLMC_FILE_LLMC:
        return llmc__source_llmc(s);
    case LLMC_FILE_TORCHLESS:
        return llmc__source_torchless(s);
    case LLMC_FILE_MOG:
        return llmc__source_mog(s);
    case LLMC_FILE_SAFETENSORS:
    case LLMC_FILE_MPK:
        return llmc__source_folder(s);
    default:
        break;
    }
    if (s->opt.vocab_only && s->opt.tokenizer.data == NULL) {
        s->opt.tokenizer = s->file; /* perhaps a tokenizer.bin by itself */
        return LLMC_OK;
    }
    return LLMC__FAIL(s->diag, BAD_FILE, "MODEL.open", 0, "%s: not a model in any format that is known",
                      llmc__source_name(s));
}

/* llmc__source_open -- all that can be read and checked without memory     (MODEL.source)
   files [n_files]; *s is overwritten and points into them and into *opt's. Touches no tensor data.
   More layers than tensors cannot be: the check bounds the memory that a few bytes of a hostile
   file can ask for. Errors: BAD_ARG, BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__source_open(llmc__source *s, const llmc_blob *files, size_t n_files,
                                     const llmc_model_options *opt, llmc_diag *diag)
{
    size_t i;
    LLMC_MEMSET(s, 0, sizeof *s);
    llmc__options(&s->opt, sizeof s->opt, opt);
    s->diag = diag;
    s->files = files;
    s->n_files = n_files;
    if (files == NULL || n_files == 0)
        return LLMC__FAIL(diag, BAD_ARG, "MODEL.open", LLMC_NO_OFFSET, "no file was given");
    s->file = files[0];
    for (i = 0; i < n_files && s->kind == LLMC_FILE_UNKNOWN; i++) {
        llmc_file_kind kind = llmc_file_identify(&files[i]);
        if (files[i].data == NULL || files[i].size == 0)
            return LLMC__FAIL(diag, BAD_FILE, "MODEL.open", 0, "%s: is empty",
                              files[i].name == NULL ? "a file" : files[i].name);
        if (kind == LLMC_FILE_JSON || kind == LLMC_FILE_SETTINGS || kind == LLMC_FILE_UNKNOWN)
            continue;
        s->kind = kind;
        s->file = files[i];
    }
    LLMC__TRY(llmc__source_read(s));
    /* a llama2.c model opened for a vocabulary has tensors that nobody wants */
    if (s->opt.vocab_only)
        s->n_tensors = 0;
    else if (s->config.n_layer > s->n_tensors)
        return LLMC__FAIL(diag, BAD_FILE, "MODEL.open", LLMC_NO_OFFSET,
                          "%s: declares %u layers but only %u tensors", llmc__source_name(s),
                          (unsigned)s->config.n_layer, (unsigned)s->n_tensors);
    return llmc__source_tokenizer(s, diag);
}

//--[ 14.8 MODEL.weights ]-- rows of tensors, tensors to their roles
/* Bytes from one row of a matrix to the next as it is stored; transposed: from one input to the next. */
static uint64_t llmc__row_bytes(const llmc_tensor *t)
{
    if (t->row_bytes != 0)
        return t->row_bytes;
    return llmc_dtype_bytes(t->type, (size_t)t->dim[t->transposed ? 1 : 0]);
}

/* Row r of a matrix of int8, out [dim[0]]: element e of the whole array is data[e] times (I8) or by
   (I8R) scales[e / group]. Groups may begin and end inside a row. */
static void llmc__tensor_row_i8(const llmc_tensor *t, uint64_t row, float *out)
{
    uint64_t n = t->dim[0], i, at = row * n;
    for (i = 0; i < n; i++, at++) {
        float q = (float)(int8_t)t->data[at], scale = llmc__f32le(t->scales + at / t->group * 4);
        out[i] = t->type == LLMC_I8R ? q / scale : q * scale;
    }
}

/* The same of MXFP4 with scales apart: each block is put together as GGUF has it, element i beside 16 + i. */
static void llmc__tensor_row_mxfp4s(const llmc_tensor *t, uint64_t row, float *out)
{
    uint64_t at = row * llmc__row_bytes(t), i;
    uint8_t block[1 + LLMC__QK / 2];
    unsigned j;
    for (i = 0; i < t->dim[0]; i += LLMC__QK, at += LLMC__QK / 2) {
        const uint8_t *q = t->data + at;
        block[0] = t->scales[at / (LLMC__QK / 2)];
        for (j = 0; j < 16; j++) /* element j is nibble j & 1 of byte j / 2 */
            block[1 + j] =
                (uint8_t)(((q[j / 2] >> (4 * (j & 1))) & 15) | ((q[8 + j / 2] >> (4 * (j & 1))) & 15) << 4);
        (void)llmc_dequantize(LLMC_MXFP4, block, LLMC__QK, out + i);
    }
}

/* One row as f32, out [dim[0]]. The tensor was checked at load; row < its number of rows, so
   row * n is an element of it and fits. Transposed: element (r, k) is element r of stored row k. */
static void llmc__tensor_row_f32(const llmc_tensor *t, uint64_t row, float *out)
{
    uint64_t n = t->dim[0], step = llmc__row_bytes(t), i;
    if (t->type == LLMC_I8 || t->type == LLMC_I8R) {
        llmc__tensor_row_i8(t, row, out);
        return;
    }
    if (t->type == LLMC_MXFP4S) {
        llmc__tensor_row_mxfp4s(t, row, out);
        return;
    }
    if (!t->transposed) {
        (void)llmc_dequantize(t->type, t->data + row * step, (size_t)n, out);
        return;
    }
    for (i = 0; i < n; i++)
        (void)llmc_dequantize(
            t->type, t->data + i * step + row * llmc__max(1, t->row_step) * llmc_dtype_bytes(t->type, 1), 1,
            out + i);
}

/* llmc_tensor_row -- one row in f32, for tools and tests             (MODEL.weights)
   out [dim[0]]; rows of all higher dimensions count on, row < dim[1] dim[2] dim[3].
   Errors: BAD_ARG (NULL, no such row, not a tensor of a model). */
LLMC_API llmc_status llmc_tensor_row(const llmc_tensor *t, uint64_t row, float *out)
{
    /* callers can build an llmc_tensor by hand, so what a divisor or length needs is asked again */
    if (t == NULL || out == NULL || t->data == NULL || t->dim[0] == 0 ||
        llmc_dtype_bytes(t->type, (size_t)t->dim[0]) == 0 || row >= t->dim[1] * t->dim[2] * t->dim[3] ||
        (t->transposed && (llmc_dtype_block(t->type) != 1 || t->dim[2] * t->dim[3] != 1)) ||
        (t->type == LLMC_MXFP4S && t->scales == NULL) ||
        ((t->type == LLMC_I8 || t->type == LLMC_I8R) &&
         (t->scales == NULL || t->group == 0 || t->transposed)))
        return LLMC_BAD_ARG;
    llmc__tensor_row_f32(t, row, out);
    return LLMC_OK;
}

/* A letter of the role table as a number; 1 for "no rows", as a vector's dim[1] is. */
static uint64_t llmc__config_dim(const llmc_config *c, char letter)
{
    /* heads and their size are bounded by config_check: no overflow */
    uint64_t q = (uint64_t)c->n_head * c->head_dim, g = (uint64_t)c->n_kv_head * c->head_dim;
    switch (letter) {
    case 'D':
        return c->n_embd;
    case 'V':
        return c->vocab_size;
    case 'C':
        return c->context_length;
    case 'Q':
        return q;
    case 'G':
        return g;
    case 'S':
        return q + 2 * g;
    case 'q': /* a norm's weight, by its kind */
        return c->qk_norm == LLMC_QK_NORM_WIDTH ? q : c->head_dim;
    case 'k':
        return c->qk_norm == LLMC_QK_NORM_WIDTH ? g : c->head_dim;
    case 'h': /* its rows */
        return c->qk_norm == LLMC_QK_NORM_HEADS ? c->n_head : 1;
    case 'F':
        return c->n_ff;
    case 'f':
        return 2 * (uint64_t)c->n_ff;
    case 'E':
        return c->n_expert;
    case 'M':
        return c->n_ff_expert;
    case 'd':
        return 2 * (uint64_t)c->n_ff_expert;
    case 'b': /* blocks of 32 */
        return c->n_embd / LLMC__QK;
    case 'B':
        return c->n_ff_expert / LLMC__QK;
    case 'N':
        return c->n_ff_shared;
    case 'K':
        return c->head_dim;
    case 'H':
        return c->n_head;
    case 'g':
        return c->n_kv_head;
    case 'Y':
        return c->n_token_types;
    case 'L':
        return c->n_layer;
    case 'R':
        return c->rope_dims / 2;
    case 'm':
        return c->smear_channels;
    case 'v':
        return c->value_channels;
    default:
        return 1;
    }
}

/* What a model of this configuration makes of a role. */
enum { LLMC__NEVER, LLMC__MAYBE, LLMC__MUST };

/* MUST if yes, else NEVER. */
static unsigned llmc__needed_if(bool yes)
{
    return yes ? LLMC__MUST : LLMC__NEVER;
}

/* The same for a bias or another part that may be there if yes. */
static unsigned llmc__allowed_if(bool yes)
{
    return yes ? LLMC__MAYBE : LLMC__NEVER;
}

/* Roles of the whole model. */
static unsigned llmc__role_global(const llmc_config *c, unsigned role)
{
    bool bias = c->norm == LLMC_NORM_LAYER && !c->norm_plain;
    switch (role) {
    case LLMC__W_EMBED:
        return LLMC__MUST;
    case LLMC__W_POS:
        return llmc__needed_if(c->pos == LLMC_POS_LEARNED);
    case LLMC__W_TYPES:
        return llmc__needed_if(c->n_token_types > 0);
    case LLMC__W_EMBED_NORM:
        return llmc__needed_if(c->embed_norm && !c->norm_plain);
    case LLMC__W_EMBED_NORM_B:
        return llmc__allowed_if(c->embed_norm && bias);
    case LLMC__W_OUT_NORM:
        return llmc__needed_if(!c->no_out_norm && !c->norm_plain);
    case LLMC__W_OUT_NORM_B:
        return llmc__allowed_if(!c->no_out_norm && bias);
    case LLMC__W_HEAD:
    case LLMC__W_HEAD_B:
        return llmc__allowed_if(!c->no_head);
    case LLMC__W_ROPE_FREQS:
        return llmc__allowed_if(c->rope_scaling == LLMC_ROPE_FACTORS);
    case LLMC__W_ROPE_LONG:
    case LLMC__W_ROPE_SHORT:
        return llmc__allowed_if(c->rope_scaling == LLMC_ROPE_LONG);
    case LLMC__W_X_LAMBDAS:
    case LLMC__W_X0_LAMBDAS:
        return llmc__needed_if(c->x_lambdas);
    case LLMC__W_SMEAR_GATE:
    case LLMC__W_SMEAR_LAMBDA:
        return llmc__needed_if(c->smear_channels > 0);
    default:
        return llmc__needed_if(role == LLMC__W_BACKOUT_LAMBDA && c->backout_layer > 0);
    }
}

/* Roles of the token mixer in layer l. */
static unsigned llmc__role_mixer(const llmc_config *c, unsigned role, uint32_t l)
{
    bool norms = !c->norm_plain, bias = norms && c->norm == LLMC_NORM_LAYER;
    switch (role) {
    case LLMC__W_ATTN_NORM:
        return llmc__needed_if(c->pre_norm && norms);
    case LLMC__W_ATTN_NORM_B:
        return llmc__allowed_if(c->pre_norm && bias);
    case LLMC__W_Q:
    case LLMC__W_K:
    case LLMC__W_V: /* asked for when fused ones are cut */
        return llmc__needed_if(!c->qkv_grouped);
    case LLMC__W_QKV:
        return c->qkv_grouped ? LLMC__MUST : LLMC__MAYBE;
    case LLMC__W_Q_NORM:
    case LLMC__W_K_NORM:
        return llmc__needed_if(c->qk_norm != LLMC_QK_NORM_NONE && !c->qk_norm_late && norms);
    case LLMC__W_SINKS:
        return llmc__needed_if(c->sink_logits);
    case LLMC__W_VALUE_EMBED:
    case LLMC__W_VALUE_GATE:
        return llmc__needed_if(c->value_channels > 0 && llmc_layers_has(&c->value_layers, l));
    case LLMC__W_O: /* RustGPT has one head, as wide as the model, and nothing after it */
        return c->n_head == 1 && c->post_norm ? LLMC__MAYBE : LLMC__MUST;
    case LLMC__W_ATTN_BRANCH_NORM:
        return llmc__needed_if(c->branch_norm && norms);
    case LLMC__W_ATTN_POST_NORM:
        return llmc__needed_if(c->post_norm && norms);
    case LLMC__W_ATTN_POST_NORM_B:
        return llmc__allowed_if(c->post_norm && bias);
    case LLMC__W_QKV_B:
    case LLMC__W_Q_B:
    case LLMC__W_K_B:
    case LLMC__W_V_B:
    case LLMC__W_O_B:
        return LLMC__MAYBE;
    default:
        return LLMC__NEVER;
    }
}

/* Roles of the feed-forward in layer l. The parts of fused tensors are asked for once those are cut; experts' when
   their table is complete. */
static unsigned llmc__role_ffn(const llmc_config *c, unsigned role, uint32_t l)
{
    bool norms = !c->norm_plain, bias = norms && c->norm == LLMC_NORM_LAYER;
    bool pre = c->pre_norm && norms && c->parallel != LLMC_PARALLEL_SHARED;
    bool routed = c->n_expert > 0 && !llmc_layers_has(&c->dense, l), shared = routed && c->n_ff_shared > 0;
    switch (role) {
    case LLMC__W_FFN_NORM:
        return llmc__needed_if(pre);
    case LLMC__W_FFN_NORM_B:
        return llmc__allowed_if(pre && bias);
    case LLMC__W_GATE:
        return llmc__needed_if(c->gated && !routed);
    case LLMC__W_UP:
    case LLMC__W_DOWN:
        return llmc__needed_if(!routed);
    case LLMC__W_GATE_B:
    case LLMC__W_GATE_UP:
        return llmc__allowed_if(c->gated && !routed);
    case LLMC__W_UP_B:
    case LLMC__W_DOWN_B:
        return llmc__allowed_if(!routed);
    case LLMC__W_FFN_BRANCH_NORM:
        return llmc__needed_if(c->branch_norm && norms);
    case LLMC__W_FFN_POST_NORM:
        return llmc__needed_if(c->post_norm && norms);
    case LLMC__W_FFN_POST_NORM_B:
        return llmc__allowed_if(c->post_norm && bias);
    case LLMC__W_ROUTER:
        return llmc__needed_if(routed);
    case LLMC__W_SHARED_ROUTER:
        return llmc__allowed_if(shared);
    case LLMC__W_SHARED_GATE:
    case LLMC__W_SHARED_UP:
    case LLMC__W_SHARED_DOWN:
        return llmc__needed_if(shared);
    default: /* experts' own */
        return llmc__allowed_if(routed && role >= LLMC__W_ROUTER_B && role <= LLMC__W_EXPERTS_GATE_UP_B);
    }
}

/* Any role, in layer l if it is a layer's. */
static unsigned llmc__role_rule(const llmc_config *c, unsigned role, uint32_t l)
{
    if (role < LLMC__W_GLOBALS)
        return llmc__role_global(c, role);
    return role < LLMC__W_FFN_NORM ? llmc__role_mixer(c, role, l) : llmc__role_ffn(c, role, l);
}

/* Vectors have one dimension, matrices two, experts three, of exactly the role's sizes: after this, kernels take
   all lengths from the configuration. An embedding or head may have more rows than the vocabulary has tokens where that is
   padding. Quantised rows must be whole blocks. index: one of several tensors that share the role. Errors: BAD_FILE. */
static llmc_status llmc__role_shape(const llmc__source *s, const llmc_tensor *t, const llmc__place *p)
{
    const llmc__role *r = &llmc__role_table[p->role];
    const llmc_config *c = &s->config;
    bool norm = p->role == LLMC__W_Q_NORM || p->role == LLMC__W_K_NORM;
    char letter =
        norm && c->qk_norm == LLMC_QK_NORM_HEADS ? (p->role == LLMC__W_Q_NORM ? 'h' : 'g') : r->rows;
    bool single = p->index != UINT32_MAX;
    uint64_t cols = llmc__config_dim(c, r->cols), rows = single && norm ? 1 : llmc__config_dim(c, letter);
    uint64_t depth = single ? 1 : llmc__config_dim(c, r->depth);
    uint32_t dims = (letter != 0 && !(single && norm) ? 2u : 1u) + (r->depth != 0 && !single ? 1u : 0u);
    bool padded = r->rows == 'V' && t->dim[1] >= rows && s->survey.embed_rows > c->vocab_size;
    /* a single expert's bias, a row of the stacked one */
    if (single && !norm && r->depth == 0) {
        dims = 1;
        rows = 1;
    }
    if (t->n_dims == dims && t->dim[0] == cols && (t->dim[1] == rows || padded) && t->dim[2] == depth &&
        t->dim[3] == 1)
        return LLMC_OK;
    return LLMC__FAIL(
        s->diag, BAD_FILE, "MODEL.weights", LLMC_NO_OFFSET,
        "%s: tensor '%s' is %llu x %llu x %llu in %u dimensions, expected %llu x %llu x %llu in %u",
        llmc__source_name(s), t->name, (unsigned long long)t->dim[0], (unsigned long long)t->dim[1],
        (unsigned long long)t->dim[2], (unsigned)t->n_dims, (unsigned long long)cols,
        (unsigned long long)rows, (unsigned long long)depth, (unsigned)dims);
}

/* Memory that resolving tensors fills, and how far it is filled. */
typedef struct llmc__cuts {
    llmc_model *m;
    const llmc__source *s;
    size_t views; /* used of m->views */
    float *norms; /* where loose norms are gathered: [L][H + G][K], or NULL */
} llmc__cuts;

/* rows rows of a fused matrix, or elements of a fused vector, as a tensor of their own:

     t, dim[last] rows    [ 0 ... begin ... begin + rows ... ]      a matrix: bytes / dim[1] each
     *out                           [ rows ]                        a vector: cut between blocks

   A view: the data stays where it is mapped. A transposed matrix [in][out] is cut by columns, which row_bytes tells.
   Errors: UNSUPPORTED (a cut inside a block). */
static llmc_status llmc__weights_slice(llmc_tensor *out, const llmc_tensor *t, uint64_t begin, uint64_t rows,
                                       uint32_t layer, unsigned role, const llmc__source *s)
{
    uint64_t block = llmc_dtype_block(t->type), unit, step;
    bool vector = t->n_dims == 1;
    if (t->scales != NULL || (vector && (begin % block != 0 || rows % block != 0)))
        return LLMC__FAIL(s->diag, UNSUPPORTED, "MODEL.weights", LLMC_NO_OFFSET,
                          "%s: tensor '%s' cannot be cut between blocks", llmc__source_name(s), t->name);
    *out = *t;
    llmc__format(out->name, sizeof out->name, "blk.%u.%s", (unsigned)layer, llmc__role_table[role].name);
    unit =
        t->bytes /
        t->dim[t->n_dims - 1]; /* bytes of one row, or of one element; of a block's element no whole number */
    step = vector ? begin / block * (t->bytes / (t->dim[0] / block)) : begin * unit;
    if (t->transposed) {
        /* rows follow each other element by element; row_bytes is from one input to the next */
        out->row_bytes = t->row_bytes != 0 ? t->row_bytes : t->dim[1] * (t->bytes / (t->dim[0] * t->dim[1]));
        step = begin * (t->bytes / (t->dim[0] * t->dim[1]));
    }
    out->data = t->data + step;
    out->dim[t->n_dims - 1] = rows;
    out->bytes = vector ? rows / block * (t->bytes / (t->dim[0] / block)) : rows * unit;
    return LLMC_OK;
}

/* A fused tensor to views of its parts, so that blocks know only those: n roles, of rows[i] rows each. Shapes were
   checked: the parts fill the whole. Errors: BAD_FILE (a part is there twice), UNSUPPORTED. */
static llmc_status llmc__weights_cut(llmc__cuts *k, uint32_t layer, unsigned fused, const uint8_t *roles,
                                     const char *letters, unsigned n)
{
    const llmc_tensor **slot = &k->m->layer[(size_t)layer * LLMC__W_COUNT];
    uint64_t begin = 0, rows;
    unsigned i;
    for (i = 0; i < n && slot[fused] != NULL; i++, begin += rows) {
        llmc_tensor *view = &k->m->views[k->views++]; /* the survey counted them */
        rows = llmc__config_dim(&k->m->config, letters[i]);
        if (slot[roles[i]] != NULL)
            return LLMC__FAIL(k->s->diag, BAD_FILE, "MODEL.weights", LLMC_NO_OFFSET,
                              "%s: tensor '%s' is also a part of '%s'", llmc__source_name(k->s),
                              slot[roles[i]]->name, slot[fused]->name);
        LLMC__TRY(llmc__weights_slice(view, slot[fused], begin, rows, layer, roles[i], k->s));
        slot[roles[i]] = view;
    }
    return LLMC_OK;
}

/* Cuts what a layer has of fused tensors. */
static llmc_status llmc__weights_unfuse(llmc__cuts *k, uint32_t layer)
{
    static const uint8_t qkv[3] = {LLMC__W_Q, LLMC__W_K, LLMC__W_V};
    static const uint8_t bias[3] = {LLMC__W_Q_B, LLMC__W_K_B, LLMC__W_V_B};
    static const uint8_t up[2] = {LLMC__W_GATE, LLMC__W_UP};
    if (!k->m->config.qkv_grouped) {
        LLMC__TRY(llmc__weights_cut(k, layer, LLMC__W_QKV, qkv, "QGG", 3));
        LLMC__TRY(llmc__weights_cut(k, layer, LLMC__W_QKV_B, bias, "QGG", 3));
    }
    return llmc__weights_cut(k, layer, LLMC__W_GATE_UP, up, "FF", 2);
}

/* Rows begin, begin + step, ..., `rows` of them, of each expert in a stacked tensor, [E][all][n], transposed
   [E][n][all], or a bias [E][all]. A vector whose elements are not neighbours is a transposed row. */
static void llmc__experts_spread(const llmc_model *m, const llmc_tensor *t, const llmc__place *p,
                                 unsigned part, uint64_t begin, uint64_t rows, uint32_t step)
{
    uint64_t each = t->bytes / m->config.n_expert, all = t->n_dims == 2 ? t->dim[0] : t->dim[1];
    uint64_t unit = t->transposed ? each / all / t->dim[0] : each / all; /* from one row to its neighbour */
    uint32_t e;
    for (e = 0; e < m->config.n_expert; e++) {
        llmc_tensor *out = &m->experts[p->layer][(size_t)e * LLMC__EXPERT_PARTS + part];
        *out = *t;
        out->n_dims = t->n_dims - 1;
        out->dim[out->n_dims] = 1;
        out->dim[out->n_dims - 1] = rows;
        out->bytes = each / all * rows; /* a bias is of a float type: each / all is its element */
        out->data = t->data + e * each + unit * begin;
        out->row_step = t->transposed ? step : 0;
        out->row_bytes = t->transposed ? unit * all : step > 1 ? unit * step : 0;
        out->transposed = t->transposed || (t->n_dims == 2 && step > 1);
    }
}

/* Scales of MXFP4 to the experts that they belong to, once both are there. Errors: BAD_FILE. */
static llmc_status llmc__experts_scales(const llmc__source *s, const llmc_model *m, uint32_t layer)
{
    static const uint8_t role[3][2] = {{LLMC__W_EXPERTS_GATE_UP, LLMC__W_EXPERTS_GATE_UP_S},
                                       {LLMC__W_EXPERTS_GATE_UP, LLMC__W_EXPERTS_GATE_UP_S},
                                       {LLMC__W_EXPERTS_DOWN, LLMC__W_EXPERTS_DOWN_S}};
    uint32_t e;
    unsigned part;
    for (part = LLMC__EXPERT_GATE; part <= LLMC__EXPERT_DOWN; part++) {
        const llmc_tensor *blocks = llmc__weight(m, layer, role[part][0]),
                          *scales = llmc__weight(m, layer, role[part][1]);
        if (blocks == NULL || blocks->type != LLMC_MXFP4S)
            continue;
        if (scales == NULL)
            return LLMC__FAIL(s->diag, BAD_FILE, "MODEL.weights", LLMC_NO_OFFSET,
                              "%s: the scales of '%s' are missing", llmc__source_name(s), blocks->name);
        for (e = 0; e < m->config.n_expert; e++) {
            llmc_tensor *t = &m->experts[layer][(size_t)e * LLMC__EXPERT_PARTS + part];
            t->scales = scales->data + (size_t)(t->data - blocks->data) / (LLMC__QK / 2);
        }
    }
    return LLMC_OK;
}

/* One tensor of experts to their table: stacked ones are spread, single ones copied. */
static void llmc__experts_place(const llmc_model *m, const llmc_tensor *t, const llmc__place *p)
{
    static const uint8_t part[][2] = {
        {LLMC__W_EXPERTS_GATE, LLMC__EXPERT_GATE}, {LLMC__W_EXPERTS_UP, LLMC__EXPERT_UP},
        {LLMC__W_EXPERTS_DOWN, LLMC__EXPERT_DOWN}, {LLMC__W_EXPERTS_GATE_B, LLMC__EXPERT_GATE_B},
        {LLMC__W_EXPERTS_UP_B, LLMC__EXPERT_UP_B}, {LLMC__W_EXPERTS_DOWN_B, LLMC__EXPERT_DOWN_B}};
    uint64_t M = m->config.n_ff_expert;
    size_t i;
    for (i = 0; i < sizeof part / sizeof part[0]; i++)
        if (part[i][0] == p->role && p->index != UINT32_MAX)
            m->experts[p->layer][(size_t)p->index * LLMC__EXPERT_PARTS + part[i][1]] = *t;
        else if (part[i][0] == p->role)
            llmc__experts_spread(m, t, p, part[i][1], 0, t->n_dims == 2 ? t->dim[0] : t->dim[1], 1);
    if (p->role == LLMC__W_EXPERTS_GATE_UP || p->role == LLMC__W_EXPERTS_GATE_UP_B) {
        bool bias = p->role == LLMC__W_EXPERTS_GATE_UP_B;
        uint32_t step = m->config.sink_logits ? 2 : 1; /* gpt-oss: a gate's row, then its up's */
        llmc__experts_spread(m, t, p, bias ? LLMC__EXPERT_GATE_B : LLMC__EXPERT_GATE, 0, M, step);
        llmc__experts_spread(m, t, p, bias ? LLMC__EXPERT_UP_B : LLMC__EXPERT_UP, step == 2 ? 1 : M, M, step);
    }
}

/* A head's norm, which StableLM 2 keeps in a tensor of its own, to its place among the others. */
static void llmc__norms_gather(const llmc__cuts *k, const llmc_tensor *t, const llmc__place *p)
{
    const llmc_config *c = &k->m->config;
    size_t at = (size_t)p->layer * (c->n_head + c->n_kv_head) + (p->role == LLMC__W_K_NORM ? c->n_head : 0);
    float *to = k->norms + (at + p->index) * c->head_dim;
    uint32_t i;
    llmc__tensor_row_f32(t, 0, to);
    for (i = 0; i < c->head_dim; i++) /* as a file has them */
        llmc__put_u32le((uint8_t *)(to + i), llmc__f32_bits(to[i]));
}

/* Whether a part of an expert, of all of them if the tensor has all, came already in this tensor's role or another. */
static bool llmc__experts_there(const llmc_model *m, const llmc__place *p)
{
    /* by role from EXPERTS_GATE on: bits of the parts that such a tensor brings */
    static const uint8_t parts[LLMC__W_EXPERTS_GATE_UP_B - LLMC__W_EXPERTS_GATE + 1] = {1, 2, 4,  3,  0,
                                                                                        0, 8, 16, 32, 24};
    uint32_t e = p->index == UINT32_MAX ? 0 : p->index,
             end = p->index == UINT32_MAX ? m->config.n_expert : p->index + 1;
    unsigned part;
    for (; e < end; e++)
        for (part = 0; part < LLMC__EXPERT_PARTS; part++)
            if (((parts[p->role - LLMC__W_EXPERTS_GATE] >> part) & 1) != 0 &&
                llmc__expert(m, p->layer, e, part) != NULL)
                return true;
    return false;
}

/* Whether the norm of one head has come already: all bits are set until it is gathered. */
static bool llmc__norm_there(const llmc__cuts *k, const llmc__place *p)
{
    const llmc_config *c = &k->m->config;
    size_t at = (size_t)p->layer * (c->n_head + c->n_kv_head) + (p->role == LLMC__W_K_NORM ? c->n_head : 0);
    return llmc__u32le((const uint8_t *)(k->norms + (at + p->index) * c->head_dim)) != UINT32_MAX;
}

/* Puts one tensor of the files where its role says. Since a slot is filled once
   and a name without a role is refused, no two tensors share a name. Errors: UNSUPPORTED (a tensor that would be
   ignored), BAD_FILE. */
static llmc_status llmc__weights_place(llmc__cuts *k, const llmc_tensor *t, const llmc__place *p)
{
    llmc_model *m = k->m;
    const llmc_config *c = &m->config;
    const llmc__source *s = k->s;
    const llmc_tensor **slot;
    bool experts = p->role >= LLMC__W_EXPERTS_GATE && p->role <= LLMC__W_EXPERTS_GATE_UP_B;
    if (p->role >= LLMC__W_GLOBALS && p->layer >= c->n_layer)
        return LLMC__FAIL(s->diag, BAD_FILE, "MODEL.weights", LLMC_NO_OFFSET,
                          "%s: tensor '%s' belongs to no layer, there are %u", llmc__source_name(s), t->name,
                          (unsigned)c->n_layer);
    if (llmc__role_rule(c, p->role, p->layer) == LLMC__NEVER ||
        (p->index != UINT32_MAX && p->index >= (experts                     ? c->n_expert
                                                : p->role == LLMC__W_Q_NORM ? c->n_head
                                                                            : c->n_kv_head)))
        return LLMC__FAIL(s->diag, UNSUPPORTED, "MODEL.weights", LLMC_NO_OFFSET,
                          "%s: tensor '%s' is not one that this %s model can have", llmc__source_name(s),
                          t->name, s->family->name);
    /* the layer is below L now: the slot is inside m->layer */
    slot = p->role < LLMC__W_GLOBALS ? &m->global[p->role]
                                     : &m->layer[(size_t)p->layer * LLMC__W_COUNT + p->role];
    if ((p->index == UINT32_MAX && *slot != NULL) || (experts && llmc__experts_there(m, p)) ||
        (!experts && p->index != UINT32_MAX && llmc__norm_there(k, p)))
        return LLMC__FAIL(s->diag, BAD_FILE, "MODEL.weights", LLMC_NO_OFFSET,
                          "%s: tensor '%s' stands there twice", llmc__source_name(s), t->name);
    LLMC__TRY(llmc__role_shape(s, t, p));
    if (experts)
        llmc__experts_place(m, t, p);
    else if (p->index != UINT32_MAX)
        llmc__norms_gather(k, t, p);
    *slot = t;
    m->weight_bytes += t->bytes;
    /* an f32 scale per group, apart from the data */
    if (t->scales != NULL)
        m->weight_bytes += t->dim[0] * t->dim[1] / t->group * 4;
    return LLMC_OK;
}

/* slot [LLMC__W_COUNT]: every required role from `role` to `end` is filled; layer is for the message.
   Errors: BAD_FILE, naming the first tensor that is missing. */
static llmc_status llmc__weights_missing(const llmc__source *s, const llmc_tensor *const *slot, unsigned role,
                                         unsigned end, uint32_t layer)
{
    for (; role < end; role++) {
        if (llmc__role_rule(&s->config, role, layer) != LLMC__MUST || slot[role] != NULL)
            continue;
        if (end == LLMC__W_COUNT)
            return LLMC__FAIL(s->diag, BAD_FILE, "MODEL.weights", LLMC_NO_OFFSET,
                              "%s: tensor 'blk.%u.%s' is missing", llmc__source_name(s), (unsigned)layer,
                              llmc__role_table[role].name);
        return LLMC__FAIL(s->diag, BAD_FILE, "MODEL.weights", LLMC_NO_OFFSET, "%s: tensor '%s' is missing",
                          llmc__source_name(s), llmc__role_table[role].name);
    }
    return LLMC_OK;
}

/* Every expert of a layer has its matrices. */
static llmc_status llmc__experts_missing(const llmc__source *s, const llmc_model *m, uint32_t layer)
{
    uint32_t e;
    unsigned part;
    for (e = 0; m->experts != NULL && m->experts[layer] != NULL && e < m->config.n_expert; e++)
        for (part = m->config.gated ? LLMC__EXPERT_GATE : LLMC__EXPERT_UP; part <= LLMC__EXPERT_DOWN; part++)
            if (llmc__expert(m, layer, e, part) == NULL)
                return LLMC__FAIL(s->diag, BAD_FILE, "MODEL.weights", LLMC_NO_OFFSET,
                                  "%s: a matrix of expert %u of layer %u is missing", llmc__source_name(s),
                                  (unsigned)e, (unsigned)layer);
    return LLMC_OK;
}

/* A layer's gathered norms as two tensors, all of whose heads must be there. Errors: BAD_FILE. */
static llmc_status llmc__norms_finish(llmc__cuts *k, uint32_t layer)
{
    const llmc_config *c = &k->m->config;
    const llmc_tensor **slot = &k->m->layer[(size_t)layer * LLMC__W_COUNT];
    unsigned i;
    for (i = 0; i < 2 && k->norms != NULL; i++) {
        unsigned role = i == 0 ? LLMC__W_Q_NORM : LLMC__W_K_NORM;
        llmc_tensor *t = &k->m->views[k->views++];
        size_t at = (size_t)layer * (c->n_head + c->n_kv_head) + (i == 1 ? c->n_head : 0);
        LLMC_MEMSET(t, 0, sizeof *t);
        llmc__format(t->name, sizeof t->name, "blk.%u.%s", (unsigned)layer, llmc__role_table[role].name);
        t->type = LLMC_F32;
        t->n_dims = 2;
        t->dim[0] = c->head_dim;
        t->dim[1] = i == 0 ? c->n_head : c->n_kv_head;
        t->dim[2] = t->dim[3] = 1;
        t->data = (const uint8_t *)(k->norms + at * c->head_dim);
        t->bytes = t->dim[0] * t->dim[1] * sizeof(float);
        slot[role] = t;
        for (at = 0; at < t->dim[1]; at++)
            if (llmc__u32le(t->data + at * t->dim[0] * sizeof(float)) == UINT32_MAX)
                return LLMC__FAIL(k->s->diag, BAD_FILE, "MODEL.weights", LLMC_NO_OFFSET,
                                  "%s: the norm of head %u in '%s' is missing", llmc__source_name(k->s),
                                  (unsigned)at, t->name);
    }
    return LLMC_OK;
}

/* llmc__weights_resolve -- every tensor to its role, and no required one missing      (MODEL.weights)
   k->m->layer is cleared before; the walk stores tensors one after the other. A file without a head ties it to the
   embedding, as GPT-2 and small Llamas do. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__weights_resolve(llmc__cuts *k)
{
    llmc_model *m = k->m;
    llmc__tensors w;
    llmc__place place;
    llmc_status status = LLMC_OK;
    uint32_t i, n = 0;
    llmc__tensors_begin(&w, k->s);
    while (n < m->n_tensors && (status = llmc__tensors_next(&w, &m->tensors[n], &place)) == LLMC_OK) {
        if (place.role == LLMC__W_HEAD && m->config.tied_head) {
            m->n_tensors--; /* a copy of the embedding that its makers do not read either */
            continue;
        }
        LLMC__TRY(llmc__weights_place(k, &m->tensors[n], &place));
        n++;
    }
    if (status != LLMC_OK && status != LLMC_DONE)
        return status;
    LLMC__TRY(llmc__weights_missing(k->s, m->global, 0, LLMC__W_GLOBALS, 0));
    for (i = 0; i < m->config.n_layer; i++) {
        LLMC__TRY(llmc__weights_unfuse(k, i));
        LLMC__TRY(llmc__weights_missing(k->s, m->layer + (size_t)i * LLMC__W_COUNT, LLMC__W_GLOBALS,
                                        LLMC__W_COUNT, i));
        LLMC__TRY(llmc__norms_finish(k, i));
        LLMC__TRY(llmc__experts_missing(k->s, m, i));
        LLMC__TRY(llmc__experts_scales(k->s, m, i));
    }
    /* only now: save and the count of tensors see each tensor once */
    m->config.tied_head = !m->config.no_head && m->global[LLMC__W_HEAD] == NULL;
    if (m->config.tied_head)
        m->global[LLMC__W_HEAD] = m->global[LLMC__W_EMBED];
    return LLMC_OK;
}

//--[ 14.9 MODEL.open ]-- memory for what the files say
/* Where RoPE's factors come from: tensors in GGUF, lists in config.json. set: 0 up to the original length, 1 above.
   out [R]. Errors: BAD_FILE. */
static llmc_status llmc__rope_factors(const llmc_model *m, const llmc__source *s, unsigned set, float *out)
{
    bool long_rope = m->config.rope_scaling == LLMC_ROPE_LONG;
    unsigned role = !long_rope ? LLMC__W_ROPE_FREQS : set == 0 ? LLMC__W_ROPE_SHORT : LLMC__W_ROPE_LONG;
    const llmc_tensor *t = m->global[role];
    uint32_t n = m->config.rope_dims / 2, i = 0;
    llmc__value list = llmc__value_json(llmc_json_get(s->rope, set == 0 ? "short_factor" : "long_factor")), v;
    llmc_json_iter it;
    bool good = t != NULL || list.kind == LLMC__VALUE_LIST;
    LLMC_MEMSET(&it, 0, sizeof it);
    if (t != NULL) {
        llmc__tensor_row_f32(t, 0, out);
        for (i = 0; i < n; i++)
            good = good && out[i] > 0 && llmc__finite(out[i]);
    } else if (good) {
        while (good && llmc__value_next(&list, &it, &i, &v))
            good = i <= n && llmc__value_positive(&v, 1e9, &out[i - 1]);
    }
    if (good && i == n)
        return LLMC_OK;
    return LLMC__FAIL(s->diag, BAD_FILE, "MODEL.rope", LLMC_NO_OFFSET,
                      "%s: RoPE needs %u positive factors for %s contexts", llmc__source_name(s), (unsigned)n,
                      set == 0 ? "short" : "long");
}

/* Parts of the model's memory that are arrays, in the order in which they lie. */
typedef struct llmc__model_parts {
    llmc_tensor *tensors, *views;
    const llmc_tensor **layer;
    llmc_tensor **experts;
    float *norms, *factors;
    llmc_tokenizer *tokenizer;
} llmc__model_parts;

/* Tables of experts, one for each layer that has them. */
static void llmc__experts_carve(llmc__model_parts *p, const llmc__source *s, llmc__arena *a)
{
    const llmc_config *c = &s->config;
    uint32_t l;
    p->experts = (llmc_tensor **)llmc__take(a, c->n_layer, sizeof *p->experts);
    for (l = 0; l < c->n_layer; l++) {
        llmc_tensor *table = NULL;
        size_t n = (size_t)c->n_expert * LLMC__EXPERT_PARTS;
        if (!llmc_layers_has(&c->dense, l))
            table = (llmc_tensor *)llmc__take(a, n, sizeof *table);
        if (a->base == NULL || a->failed)
            continue;
        p->experts[l] = table;
        if (table != NULL)
            LLMC_MEMSET(table, 0, n * sizeof *table);
    }
}

/* llmc__model_carve -- the model's memory                            (MODEL.open)
   With a->base NULL it only measures and *out stays; else *out is the model with
   everything but its tensors filled in. Both take the same way, so that they agree:

     llmc_model | tensors [n] | layer [L][roles] | views | experts | gathered norms | RoPE factors | the tokenizer's

   Errors: NO_MEMORY, and the tokenizer's. */
static llmc_status llmc__model_carve(llmc_model **out, llmc__model_parts *p, const llmc__source *s,
                                     llmc__arena *a, llmc_diag *diag)
{
    const llmc_config *c = &s->config;
    llmc_model *m = (llmc_model *)llmc__take(a, 1, sizeof *m);
    uint64_t layers = s->opt.vocab_only ? 0 : c->n_layer;
    uint64_t heads = s->survey.loose_norms > 0 ? layers * ((uint64_t)c->n_head + c->n_kv_head) : 0;
    bool factors = c->rope_scaling == LLMC_ROPE_FACTORS || c->rope_scaling == LLMC_ROPE_LONG;
    LLMC_MEMSET(p, 0, sizeof *p);
    p->tensors = (llmc_tensor *)llmc__take(a, s->n_tensors, sizeof *p->tensors);
    p->layer = (const llmc_tensor **)llmc__take(a, layers * LLMC__W_COUNT, sizeof *p->layer);
    p->views =
        (llmc_tensor *)llmc__take(a, s->survey.n_views + (heads > 0 ? 2 * layers : 0), sizeof *p->views);
    if (c->n_expert > 0 && layers > 0)
        llmc__experts_carve(p, s, a);
    p->norms = (float *)llmc__take(a, heads, (uint64_t)c->head_dim * sizeof(float));
    p->factors = (float *)llmc__take(a, factors ? c->rope_dims : 0, sizeof(float));
#ifndef LLMC_NO_TOKEN
    if (s->has_vocab)
        LLMC__TRY(llmc__tokenizer_carve(&p->tokenizer, &s->vocab, a, diag));
#endif
    if (a->failed)
        return LLMC__FAIL(diag, NO_MEMORY, "MODEL.open", LLMC_NO_OFFSET,
                          "%s: the memory given is too small for the model", llmc__source_name(s));
    if (a->base == NULL)
        return LLMC_OK;
    LLMC_MEMSET(m, 0, sizeof *m);
    /* NULL in a slot means absent, and a slot is filled once */
    if (layers > 0)
        LLMC_MEMSET((void *)p->layer, 0, (size_t)layers * LLMC__W_COUNT * sizeof *p->layer);
    if (heads == 0)
        p->norms = NULL;
    else
        LLMC_MEMSET(p->norms, 0xff, (size_t)heads * c->head_dim * sizeof(float)); /* NaN: not gathered yet */
    *out = m;
    return LLMC_OK;
}

/* What the source knows, into the model. */
static void llmc__model_fill(llmc_model *m, const llmc__model_parts *p, const llmc__source *s)
{
    m->config = s->config;
    m->tokenizer = p->tokenizer;
    m->layer = p->layer;
    m->tensors = p->tensors;
    m->n_tensors = s->n_tensors;
    m->views = p->views;
    m->experts = p->experts;
    m->kind = s->kind;
    m->file = s->file;
    m->vocab_file = s->vocab_file;
    m->chat_template = s->chat_template;
    m->chat_template_len = s->chat_template_len;
    m->vocab_only = s->opt.vocab_only;
}

/* Tensors to their roles, and RoPE's factors. Errors: BAD_FILE, UNSUPPORTED. */
static llmc_status llmc__model_weights(llmc_model *m, const llmc__model_parts *p, const llmc__source *s)
{
    llmc__cuts k;
    unsigned set;
    k.m = m;
    k.s = s;
    k.views = 0;
    k.norms = p->norms;
    LLMC__TRY(llmc__weights_resolve(&k));
    if (m->config.rope_scaling != LLMC_ROPE_FACTORS && m->config.rope_scaling != LLMC_ROPE_LONG)
        return LLMC_OK;
    for (set = 0; set < 2; set++) {
        m->rope_factors[set] = p->factors + set * (m->config.rope_dims / 2);
        LLMC__TRY(llmc__rope_factors(m, s, set, m->rope_factors[set]));
    }
    return LLMC_OK;
}

/* Opens, and measures what the model will take, room to align included. Both public functions begin
   here, so that init checks its files again: they may have changed since need was asked.
   *s is complete after OK. Errors: BAD_ARG, BAD_FILE, UNSUPPORTED, NO_MEMORY. */
static llmc_status llmc__model_measure(llmc__source *s, const llmc_blob *files, size_t n_files,
                                       const llmc_model_options *opt, uint64_t *need, llmc_diag *diag)
{
    llmc__arena a;
    llmc__model_parts parts;
    llmc_model *none = NULL;
    LLMC_MEMSET(&a, 0, sizeof a);
    LLMC__TRY(llmc__source_open(s, files, n_files, opt, diag));
    LLMC__TRY(llmc__model_carve(&none, &parts, s, &a, diag));
    *need = llmc__arena_need(&a);
    return LLMC_OK;
}

/* llmc_model_need -- bytes that llmc_model_init will take            (MODEL.open)
   Checks the files as far as that is possible without memory. Errors: BAD_ARG,
   BAD_FILE, UNSUPPORTED, NO_MEMORY (more than this machine can address). */
LLMC_API llmc_status llmc_model_need(const llmc_blob *files, size_t n_files, const llmc_model_options *opt,
                                     size_t *bytes, llmc_diag *diag)
{
    llmc__source s;
    uint64_t need;
    if (bytes == NULL)
        return LLMC__FAIL(diag, BAD_ARG, "MODEL.open", LLMC_NO_OFFSET, "bytes is NULL");
    LLMC__TRY(llmc__model_measure(&s, files, n_files, opt, &need, diag));
    *bytes = (size_t)need; /* fits: the arena fails above SIZE_MAX */
    return LLMC_OK;
}

/* llmc_model_init -- a model in the caller's memory
   mem [bytes], any alignment, bytes at least llmc_model_need's; less is NO_MEMORY and mem stays as it
   was. mem, the files and their names must outlive the model; there is nothing to close.
   *out is written on success only. Reads the files' headers and tables, no tensor data.
   Errors: BAD_ARG, BAD_FILE, UNSUPPORTED, NO_MEMORY. */
LLMC_API llmc_status llmc_model_init(llmc_model **out, const llmc_blob *files, size_t n_files,
                                     const llmc_model_options *opt, void *mem, size_t bytes, llmc_diag *diag)
{
    llmc__source s;
    llmc__arena a;
    llmc__model_parts parts;
    llmc_model *m = NULL;
    uint64_t need;
    if (out == NULL || (mem == NULL && bytes != 0))
        return LLMC__FAIL(diag, BAD_ARG, "MODEL.open", LLMC_NO_OFFSET, "out or mem is NULL");
    LLMC__TRY(llmc__model_measure(&s, files, n_files, opt, &need, diag));
    /* before anything is written: too little memory leaves mem untouched */
    if (bytes < need)
        return LLMC__FAIL(diag, NO_MEMORY, "MODEL.open", LLMC_NO_OFFSET,
                          "%s: the model needs %llu bytes, %llu were given", llmc__source_name(&s),
                          (unsigned long long)need, (unsigned long long)bytes);
    a = llmc__arena_over(mem, bytes);
    LLMC__TRY(llmc__model_carve(&m, &parts, &s, &a, diag));
    llmc__model_fill(m, &parts, &s);
    if (!m->vocab_only)
        LLMC__TRY(llmc__model_weights(m, &parts, &s));
    llmc__say(&s.opt.log, LLMC_LOG_INFO, "MODEL",
              "%s: %s, %s, %u layers, width %u, vocabulary %u, %llu bytes of weights", llmc__source_name(&s),
              llmc_file_kind_name(m->kind), m->config.family, (unsigned)m->config.n_layer,
              (unsigned)m->config.n_embd, (unsigned)m->config.vocab_size,
              (unsigned long long)m->weight_bytes);
    *out = m;
    return LLMC_OK;
}

/* What the model holds; valid as long as it lives. These need a model that init made; no NULL. */
LLMC_API const llmc_config *llmc_model_config(const llmc_model *model)
{
    return &model->config;
}

/* NULL if the files hold no vocabulary; then the model speaks ids. */
LLMC_API const llmc_tokenizer *llmc_model_tokenizer(const llmc_model *model)
{
    return model->tokenizer;
}

/* The file's text, not NUL-terminated, *len bytes (len may be NULL); NULL and 0 if there is none. */
LLMC_API const char *llmc_model_chat_template(const llmc_model *model, size_t *len)
{
    if (len != NULL)
        *len = model->chat_template_len;
    return model->chat_template;
}

/* Kind of the file that the weights came from. */
LLMC_API llmc_file_kind llmc_model_file_kind(const llmc_model *model)
{
    return model->kind;
}

/* Tensors as they stand in the file: fused ones count once, a tied head not at all. */
LLMC_API uint32_t llmc_model_tensor_count(const llmc_model *model)
{
    return model->n_tensors;
}

/* Tensor `index` in the file's order, a view of the mapped bytes; NULL if index is too large. */
LLMC_API const llmc_tensor *llmc_model_tensor(const llmc_model *model, uint32_t index)
{
    return index < model->n_tensors ? &model->tensors[index] : NULL;
}

/* Bytes of all weights as stored, scales included; an upper bound of what decoding one token reads. */
LLMC_API uint64_t llmc_model_weight_bytes(const llmc_model *model)
{
    return model->weight_bytes;
}

//--[ 14.10 MODEL.save ]-- any model as GGUF v3
/* What a tensor becomes. Vectors and positions are small and sensitive: f32. want NONE: as it is. Rows
   that are not whole blocks of the type become f16. */
static llmc_dtype llmc__save_type(const llmc_model *m, const llmc_tensor *t, llmc_dtype want)
{
    if (t->n_dims == 1 || t == m->global[LLMC__W_POS])
        return LLMC_F32;
    if (want == LLMC_DTYPE_NONE)
        want = t->type == LLMC_I8 ? LLMC_Q8_0 : t->type; /* GGUF has no int8 with scales apart */
    return t->dim[0] % llmc_dtype_block(want) == 0 ? want : LLMC_F16;
}

/* Bytes of a tensor once written; its rows are whole blocks of the type. */
static uint64_t llmc__save_bytes(const llmc_tensor *t, llmc_dtype type)
{
    return (uint64_t)llmc_dtype_bytes(type, (size_t)t->dim[0]) * t->dim[1] * t->dim[2] * t->dim[3];
}

/* general.file_type's number (llama.cpp's LLAMA_FTYPE: 0 F32, 1 F16, 2 Q4_0, 7 Q8_0, 32 BF16) for the
   type that most bytes have. *quantised: some tensor is in blocks. I8 is never written. */
static uint32_t llmc__save_file_type(const llmc_model *m, llmc_dtype want, bool *quantised)
{
    static const uint8_t number[LLMC_DTYPE_COUNT] = {0,  0,  1,  32, 7,  2, 0,  3,  8,  9,
                                                     10, 12, 15, 17, 18, 0, 25, 30, 38, 0};
    uint64_t bytes[LLMC_DTYPE_COUNT] = {0};
    unsigned most = LLMC_F32, i;
    for (i = 0; i < m->n_tensors; i++) {
        llmc_dtype type = llmc__save_type(m, &m->tensors[i], want);
        bytes[type] += llmc__save_bytes(&m->tensors[i], type);
        if (bytes[type] > bytes[most])
            most = type;
    }
    *quantised = bytes[LLMC_Q8_0] + bytes[LLMC_Q4_0] > 0;
    return number[most];
}

/* Copies pairs of a GGUF byte by byte: those under "tokenizer.", or all the others but the two that
   are written anew. Keys that we know nothing of survive. Errors: those of opening, which
   succeeded once. */
static llmc_status llmc__save_copied(const llmc_blob *file, bool tokenizer, llmc__out *o, llmc_diag *diag)
{
    llmc__gguf g;
    llmc__gguf_pair p;
    llmc__reader r;
    uint64_t i;
    LLMC__TRY(llmc__gguf_open(&g, file, true, diag));
    r = g.file;
    r.at = g.keys_at;
    for (i = 0; i < g.n_keys; i++) {
        LLMC__TRY(llmc__gguf_next(&r, &p));
        if ((p.key_len > 10 && llmc__texteq(p.key, 10, "tokenizer.")) != tokenizer ||
            llmc__texteq(p.key, p.key_len, "general.file_type") ||
            llmc__texteq(p.key, p.key_len, "general.quantization_version"))
            continue;
        llmc__out_bytes(o, r.data + p.at, p.value.end - p.at);
        o->keys++;
    }
    return LLMC_OK;
}

/* The keys that a GGUF of a llama2.c model needs. Both rotate adjacent pairs, so q and k rows need no
   permutation. */
static void llmc__save_llama(const llmc_config *c, llmc__out *o)
{
    llmc__out_key_text(o, "general.architecture", "llama");
    if (c->name[0] != 0)
        llmc__out_key_text(o, "general.name", c->name);
    llmc__out_key_u32(o, "llama.block_count", c->n_layer);
    llmc__out_key_u32(o, "llama.context_length", c->context_length);
    llmc__out_key_u32(o, "llama.embedding_length", c->n_embd);
    llmc__out_key_u32(o, "llama.feed_forward_length", c->n_ff);
    llmc__out_key_u32(o, "llama.attention.head_count", c->n_head);
    llmc__out_key_u32(o, "llama.attention.head_count_kv", c->n_kv_head);
    llmc__out_key_f32(o, "llama.attention.layer_norm_rms_epsilon", c->norm_eps);
    llmc__out_key_u32(o, "llama.rope.dimension_count", c->rope_dims);
    llmc__out_key_f32(o, "llama.rope.freq_base", c->rope_base);
    llmc__out_key_u32(o, "llama.vocab_size", c->vocab_size);
}

#ifndef LLMC_NO_TOKEN
/* A token of a tokenizer.bin as GGUF spells it: U+2581 for the space, control tokens
   without llama2.c's newlines ("\n<s>\n" there). Each space grows by two bytes. */
static void llmc__save_token_text(const llmc_tokenizer *tok, llmc_token id, const llmc_token_info *info,
                                  llmc__out *o)
{
    const char *text = info->text;
    size_t len = info->text_len, spaces = 0, i;
    if (id == llmc_tokenizer_special(tok, LLMC_SPECIAL_BOS)) {
        llmc__out_text(o, "<s>", 3);
    } else if (id == llmc_tokenizer_special(tok, LLMC_SPECIAL_EOS)) {
        llmc__out_text(o, "</s>", 4);
    } else {
        for (i = 0; i < len; i++)
            spaces += text[i] == ' ';
        /* U+2581 takes three bytes where the space takes one */
        llmc__out_u64(o, len + 2 * spaces);
        for (i = 0; i < len; i++)
            llmc__out_bytes(o, text[i] == ' ' ? "\xe2\x96\x81" : text + i, text[i] == ' ' ? 3 : 1);
    }
}

/* SentencePiece keys for a vocabulary that came from a tokenizer.bin. The arrays go on as long as ids
   do; special[] is in the order of llmc_special. */
static void llmc__save_tokenizer(const llmc_tokenizer *tok, llmc__out *o)
{
    static const char *const special[] = {"tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id",
                                          "tokenizer.ggml.eot_token_id", "tokenizer.ggml.unknown_token_id",
                                          "tokenizer.ggml.padding_token_id"};
    llmc_token n = (llmc_token)llmc_tokenizer_count(tok), id;
    llmc_token_info info;
    unsigned i;
    llmc__out_key_text(o, "tokenizer.ggml.model", "llama");
    /* as llama.cpp's converter writes it for SentencePiece */
    llmc__out_key_text(o, "tokenizer.ggml.pre", "default");
    llmc__out_key_array(o, "tokenizer.ggml.tokens", LLMC__GGUF_STRING, (uint64_t)n);
    for (id = 0; id < n && llmc_token_get(tok, id, &info) == LLMC_OK; id++)
        llmc__save_token_text(tok, id, &info, o);
    llmc__out_key_array(o, "tokenizer.ggml.scores", LLMC__GGUF_F32, (uint64_t)n);
    for (id = 0; id < n && llmc_token_get(tok, id, &info) == LLMC_OK; id++)
        llmc__out_u32(o, llmc__f32_bits(info.score));
    llmc__out_key_array(o, "tokenizer.ggml.token_type", LLMC__GGUF_I32, (uint64_t)n);
    for (id = 0; id < n && llmc_token_get(tok, id, &info) == LLMC_OK; id++)
        llmc__out_u32(o, (uint32_t)info.kind);
    for (i = 0; i < LLMC_SPECIAL_COUNT; i++)
        if (llmc_tokenizer_special(tok, (llmc_special)i) != LLMC_TOKEN_NONE)
            llmc__out_key_u32(o, special[i], (uint32_t)llmc_tokenizer_special(tok, (llmc_special)i));
    llmc__out_key_flag(o, "tokenizer.ggml.add_bos_token", llmc_tokenizer_adds_bos(tok));
    llmc__out_key_flag(o, "tokenizer.ggml.add_eos_token", false);
    llmc__out_key_flag(o, "tokenizer.ggml.add_space_prefix", true);
}
#endif

/* All metadata; run once to count (o->to NULL) and once to write, since the count of keys stands
   before them. The order is fixed: equal models give equal bytes. */
static llmc_status llmc__save_keys(const llmc_model *m, llmc_dtype want, llmc__out *o, llmc_diag *diag)
{
    bool quantised;
    uint32_t file_type = llmc__save_file_type(m, want, &quantised);
    if (m->kind == LLMC_FILE_GGUF)
        LLMC__TRY(llmc__save_copied(&m->file, false, o, diag));
    else
        llmc__save_llama(&m->config, o);
    llmc__out_key_u32(o, "general.file_type", file_type);
    if (quantised)
        llmc__out_key_u32(o, "general.quantization_version", 2);
    /* the tokenizer as its own GGUF writes it, with keys that we do not read */
    if (m->vocab_file.data != NULL)
        return llmc__save_copied(&m->vocab_file, true, o, diag);
#ifndef LLMC_NO_TOKEN
    if (m->tokenizer != NULL) {
        llmc__save_tokenizer(m->tokenizer, o);
        return LLMC_OK;
    }
#endif
    /* what llama.cpp wants of a model that speaks ids */
    llmc__out_key_text(o, "tokenizer.ggml.model", "none");
    return LLMC_OK;
}

/* The tensor table; returns the bytes of all tensor data, padding not counted. Offsets count from
   the begin of the data, and each is a multiple of alignment (a power of two). */
static uint64_t llmc__save_table(const llmc_model *m, llmc_dtype want, uint64_t alignment, llmc__out *o)
{
    uint64_t offset = 0, total = 0;
    uint32_t i, d;
    for (i = 0; i < m->n_tensors; i++) {
        const llmc_tensor *t = &m->tensors[i];
        llmc_dtype type = llmc__save_type(m, t, want);
        llmc__out_text(o, t->name, llmc__strlen(t->name));
        llmc__out_u32(o, t->n_dims);
        for (d = 0; d < t->n_dims; d++)
            llmc__out_u64(o, t->dim[d]);
        llmc__out_u32(o, (uint32_t)llmc__dtype_to_gguf(type));
        llmc__out_u64(o, offset);
        total += llmc__save_bytes(t, type);
        /* the next one begins where the writer's padding will end */
        offset = (offset + llmc__save_bytes(t, type) + alignment - 1) & ~(alignment - 1);
    }
    return total;
}

/* One tensor's data, row by row: as it is, or through the work memory:

     row  [ n x f32 ][ one row in storage ]

   Reports to the progress callback about once a MiB and at the tensor's end. *done: bytes written
   of `total`. Returns OK, IO (the writer stopped) or CANCELLED; the caller words the failure. */
static llmc_status llmc__save_data(const llmc_tensor *t, llmc_dtype type, float *row, llmc__out *o,
                                   const llmc_save_options *opt, uint64_t *done, uint64_t total)
{
    uint64_t rows = t->dim[1] * t->dim[2] * t->dim[3], i;
    size_t n = (size_t)t->dim[0], bytes = llmc_dtype_bytes(type, n);
    uint64_t report = *done; /* bytes done at the last report */
    for (i = 0; i < rows; i++) {
        if (t->type == type) { /* straight from the map, bit for bit */
            llmc__out_bytes(o, t->data + i * bytes, bytes);
        } else {
            llmc__tensor_row_f32(t, i, row);
            (void)llmc_quantize(type, row, n, row + n);
            llmc__out_bytes(o, row + n, bytes);
        }
        if (o->failed)
            return LLMC_IO;
        *done += bytes;
        if (*done - report >= (1u << 20) || i + 1 == rows) {
            report = *done;
            if (!llmc__progress(&opt->progress, "bytes", *done, total))
                return LLMC_CANCELLED;
        }
    }
    return LLMC_OK;
}

/* Header, keys, table, data, in this order; every tensor begins at a multiple of alignment, and the
   file ends at one.

     "GGUF" | u32 3 | u64 tensors | u64 keys | keys | table | padding | data, padding, data, ...

   row: llmc_model_save_need's memory, aligned. Errors: IO, CANCELLED. */
static llmc_status llmc__save_write(const llmc_model *m, const llmc_save_options *opt, llmc__out *o,
                                    float *row, llmc_diag *diag)
{
    llmc__out count;
    llmc__gguf g;
    uint64_t done = 0, total, alignment = 32;
    uint32_t i;
    LLMC_MEMSET(&count, 0, sizeof count);
    LLMC__TRY(llmc__save_keys(m, opt->type, &count, diag)); /* count.to is NULL */
    if (m->kind == LLMC_FILE_GGUF) {                        /* general.alignment is copied */
        LLMC__TRY(llmc__gguf_open(&g, &m->file, true, diag));
        alignment = g.alignment;
    }
    llmc__out_bytes(o, "GGUF", 4);
    llmc__out_u32(o, 3);
    llmc__out_u64(o, m->n_tensors);
    llmc__out_u64(o, count.keys);
    LLMC__TRY(llmc__save_keys(m, opt->type, o, diag));
    total = llmc__save_table(m, opt->type, alignment, o);
    for (i = 0; i < m->n_tensors; i++) {
        const llmc_tensor *t = &m->tensors[i];
        llmc_dtype type = llmc__save_type(m, t, opt->type);
        llmc_status status;
        /* not silently: the caller asked for another type (vectors are always f32) */
        if (opt->type != LLMC_DTYPE_NONE && type != opt->type && t->n_dims > 1)
            llmc__say(&opt->log, LLMC_LOG_WARN, "MODEL.save", "%s: written as %s", t->name,
                      llmc_dtype_name(type));
        llmc__out_pad(o, alignment);
        status = llmc__save_data(t, type, row, o, opt, &done, total);
        if (status == LLMC_CANCELLED)
            return LLMC__FAIL(diag, CANCELLED, "MODEL.save", o->at, "cancelled while writing %s", t->name);
    }
    llmc__out_pad(o, alignment);
    if (o->failed)
        return LLMC__FAIL(diag, IO, "MODEL.save", o->at, "the writer stopped");
    return LLMC_OK;
}

/* Bytes of work memory for llmc_model_save: a row in f32 and the same row in storage, which is
   never wider, and room to align. */
LLMC_API size_t llmc_model_save_need(const llmc_model *model)
{
    uint64_t widest = 1;
    uint32_t i;
    for (i = 0; i < model->n_tensors; i++)
        widest = llmc__max(widest, model->tensors[i].dim[0]);
    return (size_t)(widest * 8 + LLMC__ALIGN);
}

/* llmc_model_save -- the model as GGUF v3                            (MODEL.save)
   work [llmc_model_save_need], any alignment; out->write is called with pieces in file order and may
   stop by returning false; opt->type NONE keeps each tensor's type.
   A GGUF keeps its metadata; a llama2.c model gets what
   a GGUF of its family has. The bytes depend on the model and opt->type alone.
   Errors: BAD_ARG, NO_MEMORY, IO, CANCELLED; what was written by then is not a file. */
LLMC_API llmc_status llmc_model_save(const llmc_model *model, const llmc_save_options *opt,
                                     const llmc_writer *out, void *work, size_t work_bytes, llmc_diag *diag)
{
    llmc_save_options o;
    llmc__arena a;
    llmc__out to;
    llmc__options(&o, sizeof o, opt);
    if (model == NULL || out == NULL || out->write == NULL || work == NULL)
        return LLMC__FAIL(diag, BAD_ARG, "MODEL.save", LLMC_NO_OFFSET, "model, out or work is NULL");
    if (model->vocab_only)
        return LLMC__FAIL(diag, BAD_ARG, "MODEL.save", LLMC_NO_OFFSET,
                          "the model was opened without its weights");
    if ((unsigned)o.type >= LLMC_DTYPE_COUNT ||
        (o.type != LLMC_DTYPE_NONE && llmc__dtype_to_gguf(o.type) < 0))
        return LLMC__FAIL(diag, BAD_ARG, "MODEL.save", LLMC_NO_OFFSET, "type %s cannot be written",
                          llmc_dtype_name(o.type));
    /* all checks come before the first byte goes out */
    if (work_bytes < llmc_model_save_need(model))
        return LLMC__FAIL(diag, NO_MEMORY, "MODEL.save", LLMC_NO_OFFSET,
                          "needs %llu bytes of work memory, %llu were given",
                          (unsigned long long)llmc_model_save_need(model), (unsigned long long)work_bytes);
    a = llmc__arena_over(work, work_bytes);
    LLMC_MEMSET(&to, 0, sizeof to);
    to.to = out;
    return llmc__save_write(model, &o, &to, (float *)(void *)a.base, diag);
}

//==[ 15 LAYER ]==== the operations that a block is made of ==== needs: 02 04 05 07 09 10 14 ====

//--[ 15.1 LAYER.batch ]-- T tokens on their way through the layers
/* Keys and values lie in pages of page_tokens positions. Inside a page, each layer
   has its G key heads, then its G value heads, each [page_tokens][K]: a head's keys of one
   page are one run of memory, which attention reads from end to end. */
typedef struct llmc__kv_layout {
    uint8_t *pool;
    /* of a page, of a layer in it, of a head in that, of one position */
    uint64_t page_bytes, layer_bytes, head_bytes, row_bytes;
    uint32_t page_tokens;
    llmc_dtype type; /* F32 or F16 */
} llmc__kv_layout;

/* Everything that one pass needs. Tokens of several sequences may be mixed: a token
   knows its sequence only by its position and its page table. Read-only while tasks
   run, but for the arrays, of which each task writes its own part. Arrays that the model
   has no use for are NULL; W is the widest feed-forward (F, an expert's, the shared ones'),
   U the experts that a token uses. */
typedef struct llmc__batch {
    const llmc_model *model;
    const llmc__kernels *k;
    llmc_tasks tasks;
    llmc__kv_layout kv;
    uint32_t n;                 /* T                                                      */
    const llmc_token *ids;      /* [T]                                                    */
    const llmc_token *prev;     /* [T] the token before it; its own at position 0 (smear) */
    const uint32_t *pos;        /* [T] position in its sequence                           */
    const uint32_t *end;        /* [T] it sees positions [0, end); NULL: up to its own    */
    uint32_t **pages;           /* [T] page table of its sequence                         */
    float *x;                   /* [T][D] residual stream                                 */
    float *h;                   /* [T][D] normed input of a branch                        */
    float *y, *z;               /* [T][D] what attention and feed-forward return; see llmc__batch_carve  */
    float *x0, *back;           /* [T][D] x before the first block, and after backout_layer */
    float *q, *att;             /* [T][H*K]                                               */
    float *key, *value;         /* [T][G*K]                                               */
    float *fused;               /* [T][H*K + 2*G*K] q, k, v where they are grouped by key head */
    float *gate, *up;           /* [T][W]                                                 */
    double *freq[2];            /* [rope_dims/2] radians a position: scaled, local        */
    float strength[2];          /* cosine and sine times this                             */
    float *cosine[2], *sine[2]; /* [T][rope_dims/2] by the frequencies above          */
    double *wave;               /* [D/2, rounded up] frequencies of sinusoidal positions */
    float *score;               /* [T][E] of the router, then exp(score - largest)    */
    uint32_t *chosen;           /* [T][U] experts, the best first                     */
    float *share;               /* [T][U] their weights                               */
    uint32_t *order, *first;    /* [T*U] places in chosen, expert by expert; [E] where each's end */
    float *picked, *answer;     /* [T][D] in and out of one expert                    */
    llmc__q8 *x8;               /* [T][widest/32] input of a product in 8 bits        */
    float *vec[2];              /* [longest] weights and biases where not plain f32   */
    float *rows;                /* [workers][widest], for types without a product     */
} llmc__batch;

/* An address inside a page: is_value 0 for keys, 1 for values; slot is the position
   within the page. No checks: page is one of the pool's, the rest in range. */
static inline uint8_t *llmc__kv_at(const llmc__batch *b, uint32_t page, uint32_t layer, uint32_t is_value,
                                   uint32_t head, uint32_t slot)
{
    const llmc__kv_layout *kv = &b->kv;
    uint64_t lane = (uint64_t)is_value * b->model->config.n_kv_head + head;
    return kv->pool + page * kv->page_bytes + layer * kv->layer_bytes + lane * kv->head_bytes +
           slot * kv->row_bytes;
}

/* Piece of a loop over tokens: [begin, end). Writes only what belongs to its tokens. */
typedef void (*llmc__tokens_fn)(const llmc__batch *b, void *arg, uint32_t begin, uint32_t end);

/* A loop over n tokens in pieces of `step`; the last may be shorter. */
typedef struct llmc__token_loop {
    const llmc__batch *b;
    llmc__tokens_fn fn;
    void *arg;
    uint32_t n, step;
} llmc__token_loop;

/* llmc_task_fn: one piece of the loop at arg. */
static void llmc__token_piece(void *arg, uint32_t index)
{
    const llmc__token_loop *loop = (const llmc__token_loop *)arg;
    uint32_t begin = index * loop->step;
    uint32_t end = (uint32_t)llmc__min((uint64_t)begin + loop->step, loop->n);
    loop->fn(loop->b, loop->arg, begin, end);
}

/* Runs fn(b, arg, ...) over n tokens, on all threads; done when it returns. A few
   tokens are not worth waking a thread for; with more, four pieces a worker even out
   unequal speeds. fn treats each token by itself, so the cut changes no result. */
static void llmc__over_tokens(const llmc__batch *b, uint32_t n, llmc__tokens_fn fn, void *arg)
{
    llmc__token_loop loop;
    loop.b = b;
    loop.fn = fn;
    loop.arg = arg;
    loop.n = n;
    loop.step = n < 8 ? n : (uint32_t)llmc__max(1, n / (4 * llmc__max(1, b->tasks.workers)));
    if (n > 0)
        llmc__run(&b->tasks, (n + loop.step - 1) / loop.step, llmc__token_piece, &loop);
}

/* y [n] += a x [n], each element by itself: the same bits however the vector is cut. */
static inline void llmc__add_times(const llmc__batch *b, float *y, float a, const float *x, size_t n)
{
    b->k->kv_mix[LLMC_F32](y, &a, x, 0, 1, n);
}

/* x . y over n, in the order of every product's sum. */
static inline float llmc__dot(const llmc__batch *b, const float *x, const float *y, size_t n)
{
    float sum;
    b->k->kv_dot[LLMC_F32](&sum, x, y, 0, 1, n, 1.0f);
    return sum;
}

static inline float llmc__sigmoid(float x)
{
    return 1 / (1 + llmc__expf(-x));
}

//--[ 15.2 LAYER.product ]-- y = W x + b for one or more matrices that share x
typedef struct llmc__product {
    const llmc_tensor *w;    /* [R][n] */
    const llmc_tensor *bias; /* [R], or NULL */
    float *out;              /* [T][stride] */
    size_t stride;           /* floats from one token's outputs to the next's, >= rows */
    uint64_t rows;           /* R; fewer than w has where the last are padding */
} llmc__product;

/* The usual product: every row, outputs without gaps. */
static llmc__product llmc__part(const llmc_tensor *w, const llmc_tensor *bias, float *out)
{
    llmc__product p;
    p.w = w;
    p.bias = bias;
    p.out = out;
    p.stride = (size_t)w->dim[1];
    p.rows = w->dim[1];
    return p;
}

/* All parts of one call of llmc__products. Rows are counted through all of them,
   so that a task's share may begin in one matrix and end in the next. */
typedef struct llmc__product_job {
    const llmc__batch *b;
    const llmc__product *part;
    uint32_t n_parts, columns, chunk; /* columns: tokens in x; chunk: rows in a task */
    uint64_t rows;                    /* of all parts together */
    const float *x;
    size_t n; /* inputs */
} llmc__product_job;

#define LLMC__PRODUCT_COLUMNS 64 /* columns whose activations stay in cache */

/* The three ways to a product: its type's kernel; for what is stored by inputs a sum of such
   columns, as attention mixes values; and row by row through f32, which takes every type. */
static bool llmc__by_kernel(const llmc__kernels *k, const llmc_tensor *w)
{
    return !w->transposed && k->matmul[w->type] != NULL;
}

static bool llmc__by_columns(const llmc_tensor *w)
{
    return w->transposed && w->row_step <= 1 && (w->type == LLMC_F32 || w->type == LLMC_F16) &&
           !LLMC__BIG_ENDIAN && (uintptr_t)w->data % 2 == 0;
}

static bool llmc__by_rows(const llmc__kernels *k, const llmc_tensor *w)
{
    return !llmc__by_kernel(k, w) && !llmc__by_columns(w);
}

/* Rows [lo, hi) of one matrix through f32. row [n] is scratch of this task's own. A row is unpacked
   once for all columns. */
static void llmc__product_rows(const llmc__product_job *job, const llmc__product *part, uint64_t lo,
                               uint64_t hi, float *row)
{
    uint64_t r;
    uint32_t t;
    for (r = lo; r < hi; r++) {
        llmc__tensor_row_f32(part->w, r, row);
        for (t = 0; t < job->columns; t++)
            job->b->k->kv_dot[LLMC_F32](part->out + t * part->stride + r, row, job->x + t * job->n, 0, 1,
                                        job->n, 1.0f);
    }
}

/* Rows [lo, hi) of a matrix that is stored [n][R]: out[r] = sum_k x[k] w[k][r], in the order of k. */
static void llmc__product_columns(const llmc__product_job *job, const llmc__product *part, uint64_t lo,
                                  uint64_t hi)
{
    const llmc_tensor *w = part->w;
    size_t size = llmc_dtype_bytes(w->type, 1), rows = (size_t)(hi - lo);
    uint32_t t;
    for (t = 0; t < job->columns; t++) {
        float *out = part->out + t * part->stride + lo;
        LLMC_MEMSET(out, 0, rows * sizeof *out);
        job->b->k->kv_mix[w->type](out, job->x + t * job->n, w->data + lo * size, (size_t)llmc__row_bytes(w),
                                   job->n, rows);
    }
}

/* Rows [lo, hi) of one matrix by its type's kernel. A block of columns at a time, so
   that their activations are still in cache when the next rows come; each result is
   the same kernel's sum however the columns are cut. */
static void llmc__product_part(const llmc__product_job *job, const llmc__product *part, uint64_t lo,
                               uint64_t hi)
{
    const llmc_tensor *w = part->w;
    size_t row_bytes = (size_t)llmc__row_bytes(w);
    bool packed = llmc__wants_q8(w->type);
    const uint8_t *x = packed ? (const uint8_t *)job->b->x8 : (const uint8_t *)job->x;
    size_t x_stride = packed ? job->n / 32 * sizeof(llmc__q8) : job->n * sizeof(float);
    uint32_t t, count;
    for (t = 0; t < job->columns; t += count) {
        count = (uint32_t)llmc__min(job->columns - t, LLMC__PRODUCT_COLUMNS);
        job->b->k->matmul[w->type](part->out + t * part->stride + lo, part->stride, w->data + lo * row_bytes,
                                   row_bytes, (size_t)(hi - lo), x + t * x_stride, x_stride, count, job->n);
    }
}

/* llmc_task_fn: rows [index * chunk, +chunk) of all parts laid end to end; the share of
   each part is where that range overlaps its rows. */
static void llmc__product_piece(void *arg, uint32_t index)
{
    const llmc__product_job *job = (const llmc__product_job *)arg;
    uint64_t begin = (uint64_t)index * job->chunk, end = llmc__min(begin + job->chunk, job->rows), base = 0;
    uint32_t i;
    for (i = 0; i < job->n_parts; i++) {
        const llmc__product *part = &job->part[i];
        uint64_t lo = llmc__max(begin, base), hi = llmc__min(end, base + part->rows);
        if (lo < hi && llmc__by_kernel(job->b->k, part->w))
            llmc__product_part(job, part, lo - base, hi - base);
        else if (lo < hi && llmc__by_columns(part->w))
            llmc__product_columns(job, part, lo - base, hi - base);
        else if (lo < hi)
            llmc__product_rows(job, part, lo - base, hi - base, job->b->rows + index * job->n);
        base += part->rows;
    }
}

/* x8 [t] = x [t] in 8 bits, n / 32 blocks a token; n is a multiple of 32 here. */
static void llmc__pack_tokens(const llmc__batch *b, void *arg, uint32_t begin, uint32_t end)
{
    const llmc__product_job *job = (const llmc__product_job *)arg;
    uint32_t t;
    for (t = begin; t < end; t++)
        b->k->quantize_x(job->x + t * job->n, job->n, b->x8 + t * (job->n / 32));
}

/* A tensor of one row as native floats: in place where it is that already, else in
   scratch [dim[0]], whose next use ends it. NULL for a tensor that is absent. */
static const float *llmc__vector(const llmc_tensor *t, float *scratch)
{
    if (t == NULL)
        return NULL;
    if (t->type == LLMC_F32 && !t->transposed && !LLMC__BIG_ENDIAN && (uintptr_t)t->data % sizeof(float) == 0)
        return (const float *)(const void *)t->data;
    llmc__tensor_row_f32(t, 0, scratch);
    return scratch;
}

/* out [columns][stride] += bias [rows], if there is one. Serial: next to the product before
   it this is nothing. */
static void llmc__add_bias(const llmc__batch *b, const llmc__product *part, uint32_t columns)
{
    const float *v = llmc__vector(part->bias, b->vec[0]);
    uint32_t t;
    if (v != NULL)
        for (t = 0; t < columns; t++)
            b->k->add(part->out + t * part->stride, v, (size_t)part->rows);
}

/* part[i].out[t][r] = sum_k W_i[r][k] x[t][k] + bias_i[r] for t < columns, all parts in one pass.
   x [columns][n] f32 with n = dim[0] of every part; outputs must not overlap x.
   The rows are cut by threads, each result is one kernel's sum in one order: no result depends on the cut. */
static void llmc__products(const llmc__batch *b, const llmc__product *part, uint32_t n_parts, const float *x,
                           uint32_t columns)
{
    llmc__product_job job;
    uint32_t workers = (uint32_t)llmc__max(1, b->tasks.workers), i;
    uint64_t chunk;
    bool pack = false, direct = true;
    job.b = b;
    job.part = part;
    job.n_parts = n_parts;
    job.columns = columns;
    job.x = x;
    job.n = (size_t)part[0].w->dim[0];
    job.rows = 0;
    for (i = 0; i < n_parts; i++) {
        job.rows += part[i].rows;
        pack = pack || (llmc__by_kernel(b->k, part[i].w) && llmc__wants_q8(part[i].w->type));
        direct = direct && !llmc__by_rows(b->k, part[i].w);
    }
    if (pack)
        llmc__over_tokens(b, columns, llmc__pack_tokens, &job);
    /* Several chunks a worker even out unequal speeds; without a product the scratch
       rows allow one. */
    chunk = (job.rows + workers - 1) / workers;
    if (direct && chunk > 64)
        chunk = columns > 1 ? 64 : llmc__max(64, (chunk / 4 + 15) / 16 * 16);
    job.chunk = (uint32_t)chunk;
    llmc__run(&b->tasks, (uint32_t)((job.rows + chunk - 1) / chunk), llmc__product_piece, &job);
    for (i = 0; i < n_parts; i++)
        llmc__add_bias(b, &part[i], columns);
}

//--[ 15.3 LAYER.norm ]-- RMSNorm and LayerNorm, with weights or without
/* A norm's weight [width] as native floats, in scratch [width] unless it is that in the file. Ones
   where the model has none (t NULL, norm_plain); with norm_plus_one what is stored lacks 1. */
static const float *llmc__norm_weight(const llmc__batch *b, const llmc_tensor *t, size_t width,
                                      float *scratch)
{
    const llmc_config *c = &b->model->config;
    const float *w = c->norm_plain ? NULL : llmc__vector(t, scratch);
    size_t i;
    if (w != NULL && !c->norm_plus_one)
        return w;
    for (i = 0; i < width; i++)
        scratch[i] = w != NULL ? w[i] + 1 : 1;
    return scratch;
}

/* One vector by the model's kind of norm; out may be x.
     RMS    x / sqrt(mean(x^2) + eps) * weight
     layer  (x - mean) / sqrt(variance + eps) * weight + bias
   Sources: Ba 2016, Zhang 2019. */
static void llmc__norm_row(const llmc__batch *b, float *out, const float *x, const float *w,
                           const float *bias, size_t width)
{
    const llmc_config *c = &b->model->config;
    if (c->norm == LLMC_NORM_LAYER)
        b->k->layernorm(out, x, w, bias, width, c->norm_eps);
    else
        b->k->rmsnorm(out, x, w, width, c->norm_eps);
}

typedef struct llmc__norm_job {
    const float *w, *b; /* [D]; b may be NULL */
    const float *x;     /* [n][D] */
    float *out;         /* [n][D] */
} llmc__norm_job;

/* llmc__tokens_fn: token by token. */
static void llmc__norm_tokens(const llmc__batch *b, void *arg, uint32_t begin, uint32_t end)
{
    const llmc__norm_job *job = (const llmc__norm_job *)arg;
    size_t width = b->model->config.n_embd;
    uint32_t t;
    for (t = begin; t < end; t++)
        llmc__norm_row(b, job->out + t * width, job->x + t * width, job->w, job->b, width);
}

/* out [n][D] = norm(x [n][D]); out may be x. n may be less than T: the head norms only the
   tokens that are asked for. */
static void llmc__norm(const llmc__batch *b, float *out, const float *x, uint32_t n,
                       const llmc_tensor *weight, const llmc_tensor *bias)
{
    llmc__norm_job job;
    job.w = llmc__norm_weight(b, weight, b->model->config.n_embd, b->vec[0]);
    job.b = llmc__vector(bias, b->vec[1]);
    job.x = x;
    job.out = out;
    llmc__over_tokens(b, n, llmc__norm_tokens, &job);
}

//--[ 15.4 LAYER.rope ]-- rotary positions: Su 2021, eq. 34; pairs adjacent or half a head apart
/* Whether layer l turns its queries and keys, and by which of the batch's two sets of frequencies. */
static bool llmc__turns(const llmc_config *c, uint32_t l)
{
    return c->pos == LLMC_POS_ROPE && !llmc_layers_has(&c->unturned, l);
}

static unsigned llmc__rope_set(const llmc_config *c, uint32_t l)
{
    return c->rope_local && llmc_layers_has(&c->windowed, l) ? 1 : 0;
}

/* Whether any layer turns by this set: what nobody reads takes no memory and no time. */
static bool llmc__rope_used(const llmc_config *c, unsigned set)
{
    uint32_t l;
    for (l = 0; l < c->n_layer; l++)
        if (llmc__turns(c, l) && llmc__rope_set(c, l) == set)
            return true;
    return false;
}

/* x within [low, high]; NaN is low, so that it may become an integer afterwards. */
static double llmc__bounded(double x, double low, double high)
{
    return x > low ? (x < high ? x : high) : low;
}

/* The pair, as a real number, that turns `turns` times within the original length:
   original * base^(-2 i / d) = 2 pi turns, solved for i. */
static double llmc__yarn_pair(const llmc_config *c, double turns)
{
    return (double)c->rope_dims * llmc__log((double)c->rope_original / (turns * 6.283185307179586)) /
           (2 * llmc__log((double)c->rope_base));
}

/* How far pair i is interpolated: 0 up to the pair that makes yarn_fast turns, 1 from the one that
   makes yarn_slow on, a straight line between. Both ends are whole pairs unless yarn_exact. The end is
   bounded by d - 1, not by the number of pairs, and two equal ends stand 0.001 apart: so do
   those who trained with it. Source: Peng 2023. */
static double llmc__yarn_ramp(const llmc_config *c, uint32_t i)
{
    double low = llmc__bounded(llmc__yarn_pair(c, (double)c->yarn_fast), 0, 1e9);
    double high = llmc__bounded(llmc__yarn_pair(c, (double)c->yarn_slow), -1e9, (double)c->rope_dims - 1);
    if (!c->yarn_exact) {
        double whole = (double)(int64_t)high;
        low = (double)(int64_t)low;
        high = whole < high ? whole + 1 : whole;
    }
    if (low == high)
        high += 0.001;
    return llmc__bounded(((double)i - low) / (high - low), 0, 1);
}

/* Long waves are stretched s times, short ones not at all; between the two thresholds, in waves within
   the original length, a mixture. Source: Llama 3.1's model code. */
static double llmc__llama3_freq(const llmc_config *c, double freq)
{
    double waves = (double)c->rope_original * freq / 6.283185307179586;
    double low = (double)c->llama3_low, high = (double)c->llama3_high, smooth;
    if (waves > high)
        return freq;
    if (waves < low)
        return freq / (double)c->rope_factor;
    smooth = (waves - low) / (high - low);
    return (1 - smooth) * freq / (double)c->rope_factor + smooth * freq;
}

/* NTK scaling changes the base: base * s^(d/(d-2)) keeps the shortest wave and makes the longest one
   s times longer. The dynamic kind takes its s from how far `context` exceeds the original length. */
static double llmc__rope_base(const llmc_config *c, uint32_t context)
{
    double s = (double)c->rope_factor, d = (double)c->rope_dims;
    if (c->rope_scaling == LLMC_ROPE_DYNAMIC)
        s = s * ((double)llmc__max(context, c->rope_original) / (double)c->rope_original) - (s - 1);
    else if (c->rope_scaling != LLMC_ROPE_NTK)
        return (double)c->rope_base;
    return c->rope_dims > 2 ? (double)c->rope_base * llmc__pow(s, d / (d - 2)) : (double)c->rope_base;
}

/* Radians that pair i turns from one position to the next, by the model's kind of scaling for
   sequences of up to `context` tokens. */
static double llmc__rope_freq(const llmc_model *m, uint32_t i, uint32_t context)
{
    const llmc_config *c = &m->config;
    double freq = llmc__pow(llmc__rope_base(c, context), -2.0 * (double)i / (double)c->rope_dims), ramp;
    const float *factors = m->rope_factors[0];
    switch (c->rope_scaling) {
    case LLMC_ROPE_LINEAR:
        return freq / (double)c->rope_factor;
    case LLMC_ROPE_YARN:
        ramp = llmc__yarn_ramp(c, i);
        return freq / (double)c->rope_factor * ramp + freq * (1 - ramp);
    case LLMC_ROPE_LLAMA3:
        return llmc__llama3_freq(c, freq);
    case LLMC_ROPE_FACTORS:
    case LLMC_ROPE_LONG:
        if (context > c->rope_original && m->rope_factors[1] != NULL)
            factors = m->rope_factors[1];
        return factors != NULL ? freq / (double)factors[i] : freq;
    default:
        return freq;
    }
}

/* What cosine and sine are multiplied by, so that scores keep their spread at the greater length. */
static float llmc__rope_strength(const llmc_config *c)
{
    double s = (double)c->rope_factor;
    if (c->rope_attn_factor != 0)
        return c->rope_attn_factor;
    if (s > 1 && c->rope_scaling == LLMC_ROPE_YARN)
        return (float)(0.1 * llmc__log(s) + 1);
    if (s > 1 && c->rope_scaling == LLMC_ROPE_LONG)
        return (float)llmc__sqrt(1 + llmc__log(s) / llmc__log((double)c->rope_original));
    return 1;
}

/* Frequencies of both sets, once for all batches. Scaling that depends on length is settled by
   `context`, the longest sequence there can be: keys in the cache are never turned again. */
static void llmc__rope_init(llmc__batch *b, uint32_t context)
{
    const llmc_config *c = &b->model->config;
    uint32_t i;
    b->strength[0] = llmc__rope_strength(c);
    b->strength[1] = 1;
    for (i = 0; i < c->rope_dims / 2; i++) {
        if (b->freq[0] != NULL)
            b->freq[0][i] = llmc__rope_freq(b->model, i, context);
        if (b->freq[1] != NULL)
            b->freq[1][i] = llmc__pow((double)c->rope_local_base, -2.0 * (double)i / (double)c->rope_dims);
    }
}

/* llmc__tokens_fn: cosine, sine [T][rope_dims/2] of every token, once a batch: all heads, and all
   layers of a set, turn by the same angles. In double, so that the phase is right at any position. */
static void llmc__rope_angles(const llmc__batch *b, void *arg, uint32_t begin, uint32_t end)
{
    const llmc_config *c = &b->model->config;
    uint32_t half = c->rope_dims / 2, set, t, i;
    (void)arg;
    for (set = 0; set < 2; set++)
        for (t = begin; t < end && b->freq[set] != NULL; t++) {
            float *cosine = b->cosine[set] + (size_t)t * half, *sine = b->sine[set] + (size_t)t * half;
            for (i = 0; i < half; i++)
                llmc__sincos((double)b->pos[t] * b->freq[set][i], &sine[i], &cosine[i]);
            if (b->strength[set] != 1)
                b->k->scale(cosine, b->strength[set], half);
            if (b->strength[set] != 1 || c->rope_reverse)
                b->k->scale(sine, c->rope_reverse ? -b->strength[set] : b->strength[set], half);
        }
}

/* Turns x [heads][K] of token t in place; elements of a head from rope_dims on stay. */
static void llmc__rope_heads(const llmc__batch *b, unsigned set, uint32_t t, float *x, uint32_t heads)
{
    const llmc_config *c = &b->model->config;
    size_t half = c->rope_dims / 2;
    uint32_t i;
    for (i = 0; i < heads; i++)
        b->k->rope[c->rope](x + (size_t)i * c->head_dim, b->cosine[set] + t * half, b->sine[set] + t * half,
                            c->rope_dims);
}

//--[ 15.5 LAYER.attn ]-- grouped-query attention over pages
/* One layer's attention over a batch. */
typedef struct llmc__attn_job {
    const llmc__batch *b;
    uint32_t layer;
    const float *q_norm, *k_norm; /* weights of the norms of queries and keys; NULL: no such norm */
    const float *sinks;           /* [H] values that join the softmax, or NULL */
} llmc__attn_job;

/* llmc__tokens_fn: from the rows of a grouped product, which come for each key head as its H / G
   query heads, its key, its value, to queries, keys and values apart. */
static void llmc__ungroup_tokens(const llmc__batch *b, void *arg, uint32_t begin, uint32_t end)
{
    const llmc_config *c = &b->model->config;
    size_t K = c->head_dim, rep = c->n_head / c->n_kv_head, i, last = (size_t)end * c->n_kv_head;
    (void)arg;
    for (i = (size_t)begin * c->n_kv_head; i < last; i++) { /* i: token and key head */
        const float *from = b->fused + i * (rep + 2) * K;
        LLMC_MEMCPY(b->q + i * rep * K, from, rep * K * sizeof(float));
        LLMC_MEMCPY(b->key + i * K, from + rep * K, K * sizeof(float));
        LLMC_MEMCPY(b->value + i * K, from + (rep + 1) * K, K * sizeof(float));
    }
}

/* q, k, v = W in + bias: one product, so that the threads meet once and not three times. */
static void llmc__attn_project(const llmc__batch *b, uint32_t layer, const float *in)
{
    const llmc_model *m = b->model;
    llmc__product qkv[3];
    if (m->config.qkv_grouped) {
        qkv[0] =
            llmc__part(llmc__weight(m, layer, LLMC__W_QKV), llmc__weight(m, layer, LLMC__W_QKV_B), b->fused);
        llmc__products(b, qkv, 1, in, b->n);
        llmc__over_tokens(b, b->n, llmc__ungroup_tokens, NULL);
        return;
    }
    qkv[0] = llmc__part(llmc__weight(m, layer, LLMC__W_Q), llmc__weight(m, layer, LLMC__W_Q_B), b->q);
    qkv[1] = llmc__part(llmc__weight(m, layer, LLMC__W_K), llmc__weight(m, layer, LLMC__W_K_B), b->key);
    qkv[2] = llmc__part(llmc__weight(m, layer, LLMC__W_V), llmc__weight(m, layer, LLMC__W_V_B), b->value);
    llmc__products(b, qkv, 3, in, b->n);
}

/* x [n] to [-c, c]; NaN stays. */
static void llmc__clamp(float *x, size_t n, float c)
{
    size_t i;
    for (i = 0; i < n; i++)
        x[i] = x[i] > c ? c : x[i] < -c ? -c : x[i];
}

/* llmc__tokens_fn: queries, keys and values to the model's bounds. */
static void llmc__clamp_tokens(const llmc__batch *b, void *arg, uint32_t begin, uint32_t end)
{
    const llmc_config *c = &b->model->config;
    size_t wide = (size_t)c->n_head * c->head_dim, kv = (size_t)c->n_kv_head * c->head_dim, n = end - begin;
    (void)arg;
    llmc__clamp(b->q + begin * wide, n * wide, c->attn_clamp);
    llmc__clamp(b->key + begin * kv, n * kv, c->attn_clamp);
    llmc__clamp(b->value + begin * kv, n * kv, c->attn_clamp);
}

/* value[t][g] += 3 sigmoid(gate[g] . in[t][0..value_channels)) * embed[ids[t]][g]: a table of values
   by token, let in head by head. in [T][D] is what attention reads. Serial: G short sums a token. */
static void llmc__value_embed(const llmc__batch *b, uint32_t layer, const float *in)
{
    const llmc_config *c = &b->model->config;
    const llmc_tensor *embed = llmc__weight(b->model, layer, LLMC__W_VALUE_EMBED);
    const llmc_tensor *gate = llmc__weight(b->model, layer, LLMC__W_VALUE_GATE);
    uint32_t t, g;
    for (t = 0; t < b->n; t++) {
        float *value = b->value + (size_t)t * c->n_kv_head * c->head_dim;
        llmc__tensor_row_f32(embed, (uint64_t)b->ids[t], b->vec[1]);
        for (g = 0; g < c->n_kv_head; g++) {
            size_t at = (size_t)g * c->head_dim;
            llmc__tensor_row_f32(gate, g, b->vec[0]);
            llmc__add_times(
                b, value + at,
                3 * llmc__sigmoid(llmc__dot(b, b->vec[0], in + (size_t)t * c->n_embd, c->value_channels)),
                b->vec[1] + at, c->head_dim);
        }
    }
}

/* Elements that one norm of queries or keys runs over, of `heads` heads, and its weights. */
static size_t llmc__qk_width(const llmc_config *c, uint32_t heads)
{
    return c->qk_norm == LLMC_QK_NORM_HEAD ? c->head_dim : (size_t)heads * c->head_dim;
}

/* Norms x [heads][K] of one token in place; w as llmc_qk_norm says. */
static void llmc__qk_norm_heads(const llmc__batch *b, float *x, uint32_t heads, const float *w)
{
    const llmc_config *c = &b->model->config;
    size_t K = c->head_dim, i;
    if (c->qk_norm == LLMC_QK_NORM_WIDTH)
        llmc__norm_row(b, x, x, w, NULL, heads * K);
    else
        for (i = 0; i < heads; i++)
            llmc__norm_row(b, x + i * K, x + i * K, c->qk_norm == LLMC_QK_NORM_HEADS ? w + i * K : w, NULL,
                           K);
}

/* One token's queries or keys x [heads][K] on their way from the product to attention: norm (before
   or after the rotation), rotation, scale. w: the norm's weight, or NULL. */
static void llmc__shape_heads(const llmc__attn_job *job, uint32_t t, float *x, uint32_t heads, const float *w)
{
    const llmc__batch *b = job->b;
    const llmc_config *c = &b->model->config;
    if (w != NULL && !c->qk_norm_late)
        llmc__qk_norm_heads(b, x, heads, w);
    if (llmc__turns(c, job->layer))
        llmc__rope_heads(b, llmc__rope_set(c, job->layer), t, x, heads);
    if (w != NULL && c->qk_norm_late)
        llmc__qk_norm_heads(b, x, heads, w);
    if (c->qk_scale != 0)
        b->k->scale(x, c->qk_scale, (size_t)heads * c->head_dim);
}

/* llmc__tokens_fn: shapes tokens' queries and keys, and puts keys and values into their pages. All of
   a batch is placed before any of it attends, so a token sees the others of the same batch. */
static void llmc__place_tokens(const llmc__batch *b, void *arg, uint32_t begin, uint32_t end)
{
    const llmc__attn_job *job = (const llmc__attn_job *)arg;
    const llmc_config *c = &b->model->config;
    uint32_t layer = job->layer, t, g;
    for (t = begin; t < end; t++) {
        float *key = b->key + (size_t)t * c->n_kv_head * c->head_dim;
        const float *value = b->value + (size_t)t * c->n_kv_head * c->head_dim;
        uint32_t page = b->pages[t][b->pos[t] / b->kv.page_tokens], slot = b->pos[t] % b->kv.page_tokens;
        llmc__shape_heads(job, t, b->q + (size_t)t * c->n_head * c->head_dim, c->n_head, job->q_norm);
        llmc__shape_heads(job, t, key, c->n_kv_head, job->k_norm);
        for (g = 0; g < c->n_kv_head; g++) {
            size_t at = (size_t)g * c->head_dim;
            b->k->kv_store[b->kv.type](llmc__kv_at(b, page, layer, 0, g, slot), key + at, c->head_dim);
            b->k->kv_store[b->kv.type](llmc__kv_at(b, page, layer, 1, g, slot), value + at, c->head_dim);
        }
    }
}

#define LLMC__PAGE_TOKENS 32

/* One query head against n positions of one page, folded into a running softmax (Milakov 2018):
   *top is the largest score so far, *sum the sum of exp(score - top), out [K] the
   values weighted likewise. When a page brings a larger score, sum and out are scaled
   down to it: no exp ever overflows, and no second pass is needed.
   keys, values [n][K], 1 <= n <= LLMC__PAGE_TOKENS. Positions come in order and are cut where pages
   end and where the token's window begins, so the sums have one order for every batch. */
static void llmc__attend_page(const llmc__batch *b, const float *q, const uint8_t *keys,
                              const uint8_t *values, uint32_t n, float *out, float *top, float *sum)
{
    const llmc_config *c = &b->model->config;
    float score[LLMC__PAGE_TOKENS], high;
    size_t row_bytes = (size_t)b->kv.row_bytes;
    b->k->kv_dot[b->kv.type](score, q, keys, row_bytes, n, c->head_dim,
                             c->attn_scale != 0 ? c->attn_scale : 1.0f / llmc__sqrtf((float)c->head_dim));
    if (c->attn_softcap > 0)
        b->k->softcap(score, n, c->attn_softcap);
    high = b->k->max(score, n);
    if (high > *top) {
        float shrink = llmc__expf(*top - high);
        *sum *= shrink;
        b->k->scale(out, shrink, c->head_dim);
        *top = high;
    }
    *sum += b->k->exp_sum(score, n, *top);
    b->k->kv_mix[b->kv.type](out, score, values, row_bytes, n, c->head_dim);
}

/* The positions that token t sees in a layer: [0, sinks) and [begin, end), sinks <= begin < end. */
typedef struct llmc__view {
    uint32_t sinks, begin, end;
} llmc__view;

static llmc__view llmc__view_of(const llmc__batch *b, uint32_t layer, uint32_t t)
{
    const llmc_config *c = &b->model->config;
    llmc__view v;
    v.end = b->end != NULL ? b->end[t] : b->pos[t] + 1;
    v.sinks = v.begin = 0;
    if (c->window_size > 0 && llmc_layers_has(&c->windowed, layer) && b->pos[t] >= c->window_size) {
        v.begin = b->pos[t] + 1 - c->window_size;
        v.sinks = (uint32_t)llmc__min(c->sink_tokens, v.begin);
    }
    return v;
}

#define LLMC__GROUP_HEADS 16 /* query heads that read a page together */

/* att[t][h] = softmax(scale q[t][h] . K[g]^T) V[g] over the positions that token t sees, for
   heads [h, h + n_heads) of one token, all of key head g; n_heads <= LLMC__GROUP_HEADS.
   Page by page for all of them, since the page's keys and values then come from memory
   once; pages that nobody sees are not looked at. A finite score makes sum at least 1, so the last
   division is safe. A sink's value is one more score, whose share of attention goes nowhere.
   Sources: Vaswani 2017 eq. 1; GQA: Ainslie 2023; sinks: Xiao 2023. */
static void llmc__attend_heads(const llmc__attn_job *job, uint32_t t, uint32_t g, uint32_t h,
                               uint32_t n_heads)
{
    const llmc__batch *b = job->b;
    const llmc_config *c = &b->model->config;
    size_t at = ((size_t)t * c->n_head + h) * c->head_dim;
    llmc__view view = llmc__view_of(b, job->layer, t);
    uint32_t j, r, n;
    float top[LLMC__GROUP_HEADS], sum[LLMC__GROUP_HEADS];
    for (r = 0; r < n_heads; r++) {
        /* not infinity: top - high must never be inf - inf */
        top[r] = job->sinks != NULL ? job->sinks[h + r] : -FLT_MAX;
        sum[r] = job->sinks != NULL ? 1.0f : 0.0f;
    }
    LLMC_MEMSET(b->att + at, 0, (size_t)n_heads * c->head_dim * sizeof(float));
    for (j = view.sinks > 0 ? 0 : view.begin; j < view.end;) {
        uint32_t page = b->pages[t][j / b->kv.page_tokens], slot = j % b->kv.page_tokens;
        const uint8_t *keys = llmc__kv_at(b, page, job->layer, 0, g, slot),
                      *values = llmc__kv_at(b, page, job->layer, 1, g, slot);
        n = (uint32_t)llmc__min((j < view.sinks ? view.sinks : view.end) - j, b->kv.page_tokens - slot);
        for (r = 0; r < n_heads; r++)
            llmc__attend_page(b, b->q + at + (size_t)r * c->head_dim, keys, values, n,
                              b->att + at + (size_t)r * c->head_dim, &top[r], &sum[r]);
        j += n;
        if (j == view.sinks) /* over what the window hides */
            j = view.begin;
    }
    for (r = 0; r < n_heads; r++)
        b->k->scale(b->att + at + (size_t)r * c->head_dim, 1.0f / sum[r], c->head_dim);
}

/* llmc_task_fn: token index / G, key head index % G, and the H / G query heads that
   share it, LLMC__GROUP_HEADS at a time. */
static void llmc__attend_piece(void *arg, uint32_t index)
{
    const llmc__attn_job *job = (const llmc__attn_job *)arg;
    const llmc_config *c = &job->b->model->config;
    uint32_t rep = c->n_head / c->n_kv_head, t = index / c->n_kv_head, g = index % c->n_kv_head, r, n;
    for (r = 0; r < rep; r += n) {
        n = (uint32_t)llmc__min(rep - r, LLMC__GROUP_HEADS);
        llmc__attend_heads(job, t, g, g * rep + r, n);
    }
}

/* The token mixer of a layer: in [T][D] to out [T][D], which may be in.
     q, k, v = W in + bias; shape q and k; store k and v; attend; out = W_o att + bias
   Without W_o the heads side by side are the output. */
static void llmc__attention(const llmc__batch *b, uint32_t layer, const float *in, float *out)
{
    const llmc_model *m = b->model;
    const llmc_config *c = &m->config;
    const llmc_tensor *o = llmc__weight(m, layer, LLMC__W_O);
    llmc__attn_job job;
    llmc__attn_project(b, layer, in);
    if (c->attn_clamp > 0)
        llmc__over_tokens(b, b->n, llmc__clamp_tokens, NULL);
    if (llmc_layers_has(&c->value_layers, layer))
        llmc__value_embed(b, layer, in);
    LLMC_MEMSET(&job, 0, sizeof job);
    job.b = b;
    job.layer = layer;
    if (c->qk_norm != LLMC_QK_NORM_NONE) {
        job.q_norm = llmc__norm_weight(b, llmc__weight(m, layer, LLMC__W_Q_NORM),
                                       llmc__qk_width(c, c->n_head), b->vec[0]);
        job.k_norm = llmc__norm_weight(b, llmc__weight(m, layer, LLMC__W_K_NORM),
                                       llmc__qk_width(c, c->n_kv_head), b->vec[1]);
    }
    llmc__over_tokens(b, b->n, llmc__place_tokens, &job);
    if (c->sink_logits) /* the norms' weights are not needed any more */
        job.sinks = llmc__vector(llmc__weight(m, layer, LLMC__W_SINKS), b->vec[0]);
    llmc__run(&b->tasks, b->n * c->n_kv_head, llmc__attend_piece, &job);
    if (o != NULL) {
        llmc__product output = llmc__part(o, llmc__weight(m, layer, LLMC__W_O_B), out);
        llmc__products(b, &output, 1, b->att, b->n);
    } else
        LLMC_MEMCPY(out, b->att, (size_t)b->n * c->n_embd * sizeof(float));
}

//--[ 15.6 LAYER.ffn ]-- feed-forward, gated (Shazeer 2020) or plain
/* llmc__tokens_fn: up = act(gate) * up, or up = act(up) where there is no gate. arg: the width,
   a size_t. */
static void llmc__activate_tokens(const llmc__batch *b, void *arg, uint32_t begin, uint32_t end)
{
    const llmc_config *c = &b->model->config;
    size_t width = *(const size_t *)arg, n = (end - begin) * width;
    float *up = b->up + begin * width, *gate = c->gated ? b->gate + begin * width : up;
    if (c->act == LLMC_ACT_SWIGLU_OAI) {
        b->k->swiglu_oai(up, gate, n);
        return;
    }
    b->k->act[c->act](gate, n);
    if (c->gated)
        b->k->mul(up, gate, n);
}

/* out [n][D] = down(act(gate in) * up in), or down(act(up in)), for in [n][D], n <= T; out may be in.
   w by LLMC__EXPERT_...: a dense layer's feed-forward, an expert and the shared experts are one thing. */
static void llmc__mlp(const llmc__batch *b, const llmc_tensor *const w[LLMC__EXPERT_PARTS], const float *in,
                      uint32_t n, float *out)
{
    llmc__product part[2];
    size_t width = (size_t)w[LLMC__EXPERT_UP]->dim[1];
    bool gated = b->model->config.gated;
    part[0] = llmc__part(w[LLMC__EXPERT_UP], w[LLMC__EXPERT_UP_B], b->up);
    if (gated)
        part[1] = llmc__part(w[LLMC__EXPERT_GATE], w[LLMC__EXPERT_GATE_B], b->gate);
    llmc__products(b, part, gated ? 2 : 1, in, n);
    llmc__over_tokens(b, n, llmc__activate_tokens, &width);
    part[0] = llmc__part(w[LLMC__EXPERT_DOWN], w[LLMC__EXPERT_DOWN_B], out);
    llmc__products(b, part, 1, b->up, n);
}

//--[ 15.7 LAYER.experts ]-- mixture of experts: Shazeer 2017, Fedus 2021
/* Whether layer l has experts in place of one feed-forward. */
static bool llmc__has_experts(const llmc_config *c, uint32_t l)
{
    return c->n_expert > 0 && !llmc_layers_has(&c->dense, l);
}

/* The U experts of largest score [E] to chosen [U], the best first. Of equal ones the lower number
   comes first (makers' code leaves that open); NaN is chosen last. */
static void llmc__choose_experts(const float *score, uint32_t E, uint32_t *chosen, uint32_t U)
{
    uint32_t u, e, i;
    for (u = 0; u < U; u++) {
        uint32_t best = E;
        for (e = 0; e < E; e++) {
            for (i = 0; i < u && chosen[i] != e; i++) {}
            if (i == u && (best == E || score[e] > score[best] || score[best] != score[best]))
                best = e;
        }
        chosen[u] = best;
    }
}

/* llmc__tokens_fn: from score [T][E] to chosen and share [T][U]: the softmax of the chosen ones, over
   all experts, or with expert_renorm over themselves. */
static void llmc__route_tokens(const llmc__batch *b, void *arg, uint32_t begin, uint32_t end)
{
    const llmc_config *c = &b->model->config;
    uint32_t E = c->n_expert, U = c->n_expert_used, t, u;
    (void)arg;
    for (t = begin; t < end; t++) {
        float *score = b->score + (size_t)t * E, *share = b->share + (size_t)t * U, sum, some = 0;
        uint32_t *chosen = b->chosen + (size_t)t * U;
        llmc__choose_experts(score, E, chosen, U);
        sum = b->k->exp_sum(score, E, b->k->max(score, E));
        for (u = 0; u < U; u++)
            some += score[chosen[u]];
        for (u = 0; u < U; u++)
            share[u] = score[chosen[u]] / (c->expert_renorm ? some : sum);
    }
}

/* order [T*U] = places in chosen, sorted by expert and within one by token; first [e] = where those
   of expert e end, which is where those of the next begin. */
static void llmc__sort_by_expert(const llmc__batch *b)
{
    const llmc_config *c = &b->model->config;
    uint32_t n = b->n * c->n_expert_used, at = 0, i;
    LLMC_MEMSET(b->first, 0, c->n_expert * sizeof *b->first);
    for (i = 0; i < n; i++)
        b->first[b->chosen[i]]++;
    for (i = 0; i < c->n_expert; i++) { /* from how many to where they begin */
        at += b->first[i];
        b->first[i] = at - b->first[i];
    }
    for (i = 0; i < n; i++)
        b->order[b->first[b->chosen[i]]++] = i;
}

/* The tokens of one expert: place[i] of n is where token place[i] / U chose it. */
typedef struct llmc__expert_job {
    const uint32_t *place;
    const float *in; /* [T][D] */
    float *out;      /* [T][D] */
} llmc__expert_job;

/* llmc__tokens_fn: the expert's tokens side by side. */
static void llmc__pick_tokens(const llmc__batch *b, void *arg, uint32_t begin, uint32_t end)
{
    const llmc__expert_job *job = (const llmc__expert_job *)arg;
    size_t width = b->model->config.n_embd, U = b->model->config.n_expert_used, i;
    for (i = begin; i < end; i++)
        LLMC_MEMCPY(b->picked + i * width, job->in + job->place[i] / U * width, width * sizeof(float));
}

/* llmc__tokens_fn: the expert's answers, by their shares, onto what the tokens have so far. A token
   chooses an expert once, so no two pieces write to one. */
static void llmc__answer_tokens(const llmc__batch *b, void *arg, uint32_t begin, uint32_t end)
{
    const llmc__expert_job *job = (const llmc__expert_job *)arg;
    size_t width = b->model->config.n_embd, U = b->model->config.n_expert_used, i;
    for (i = begin; i < end; i++)
        llmc__add_times(b, job->out + job->place[i] / U * width, b->share[job->place[i]],
                        b->answer + i * width, width);
}

/* llmc__tokens_fn: the shared experts' answers onto out, times sigmoid(w . in) if they have a router
   (Qwen). */
typedef struct llmc__shared_job {
    const float *w;  /* [D], or NULL */
    const float *in; /* [T][D] */
    float *out;      /* [T][D] */
} llmc__shared_job;

static void llmc__shared_tokens(const llmc__batch *b, void *arg, uint32_t begin, uint32_t end)
{
    const llmc__shared_job *job = (const llmc__shared_job *)arg;
    size_t width = b->model->config.n_embd, t;
    for (t = begin; t < end; t++) {
        float a = job->w != NULL ? llmc__sigmoid(llmc__dot(b, job->w, job->in + t * width, width)) : 1.0f;
        llmc__add_times(b, job->out + t * width, a, b->answer + t * width, width);
    }
}

/* The experts that every token passes. */
static void llmc__shared_experts(const llmc__batch *b, uint32_t layer, const float *in, float *out)
{
    const llmc_model *m = b->model;
    const llmc_tensor *w[LLMC__EXPERT_PARTS] = {NULL, NULL, NULL, NULL, NULL, NULL};
    llmc__shared_job job;
    w[LLMC__EXPERT_GATE] = llmc__weight(m, layer, LLMC__W_SHARED_GATE);
    w[LLMC__EXPERT_UP] = llmc__weight(m, layer, LLMC__W_SHARED_UP);
    w[LLMC__EXPERT_DOWN] = llmc__weight(m, layer, LLMC__W_SHARED_DOWN);
    llmc__mlp(b, w, in, b->n, b->answer);
    job.w = llmc__vector(llmc__weight(m, layer, LLMC__W_SHARED_ROUTER), b->vec[0]);
    job.in = in;
    job.out = out;
    llmc__over_tokens(b, b->n, llmc__shared_tokens, &job);
}

/* out [T][D] = sum over the chosen experts of share * expert(in), and the shared ones. Expert by
   expert, so that its rows are read once for all tokens that chose it, and those that nobody chose
   are not read. A token's sum is in ascending order of experts, the shared ones last: it does
   not depend on who else is in the batch. out must not be in. */
static void llmc__experts(const llmc__batch *b, uint32_t layer, const float *in, float *out)
{
    const llmc_model *m = b->model;
    const llmc_config *c = &m->config;
    const llmc_tensor *w[LLMC__EXPERT_PARTS];
    llmc__product router = llmc__part(llmc__weight(m, layer, LLMC__W_ROUTER),
                                      llmc__weight(m, layer, LLMC__W_ROUTER_B), b->score);
    llmc__expert_job job;
    uint32_t e, begin = 0, n;
    unsigned i;
    llmc__products(b, &router, 1, in, b->n);
    llmc__over_tokens(b, b->n, llmc__route_tokens, NULL);
    llmc__sort_by_expert(b);
    LLMC_MEMSET(out, 0, (size_t)b->n * c->n_embd * sizeof(float));
    job.in = in;
    job.out = out;
    for (e = 0; e < c->n_expert; e++, begin += n) {
        n = b->first[e] - begin;
        if (n == 0)
            continue;
        job.place = b->order + begin;
        for (i = 0; i < LLMC__EXPERT_PARTS; i++)
            w[i] = llmc__expert(m, layer, e, i);
        if (n < b->n) /* else it is all of them, in order */
            llmc__over_tokens(b, n, llmc__pick_tokens, &job);
        llmc__mlp(b, w, n < b->n ? b->picked : in, n, b->answer);
        llmc__over_tokens(b, n, llmc__answer_tokens, &job);
    }
    if (c->n_ff_shared > 0)
        llmc__shared_experts(b, layer, in, out);
}

/* The feed-forward of a layer: in [T][D] to out [T][D]. out may be in but where there are experts. */
static void llmc__feed_forward(const llmc__batch *b, uint32_t layer, const float *in, float *out)
{
    static const uint8_t role[LLMC__EXPERT_PARTS] = {LLMC__W_GATE,   LLMC__W_UP,   LLMC__W_DOWN,
                                                     LLMC__W_GATE_B, LLMC__W_UP_B, LLMC__W_DOWN_B};
    const llmc_tensor *w[LLMC__EXPERT_PARTS];
    unsigned i;
    if (llmc__has_experts(&b->model->config, layer)) {
        llmc__experts(b, layer, in, out);
        return;
    }
    for (i = 0; i < LLMC__EXPERT_PARTS; i++)
        w[i] = llmc__weight(b->model, layer, role[i]);
    llmc__mlp(b, w, in, b->n, out);
}

//==[ 16 KV ]==== pages of keys and values, shared by reference counts ==== needs: 04 07 15 ====

//--[ 16.1 KV.pool ]-- fixed pages, a stack of free ones
typedef struct llmc__kv_pool {
    llmc__kv_layout layout;
    uint32_t n_pages, n_free;
    uint32_t *free;  /* [n_pages] stack of pages nobody holds */
    uint16_t *holds; /* [n_pages] how many tables hold the page */
} llmc__kv_pool;

/* Positions [0, n * page_tokens) of one sequence; position p lies in page[p / page_tokens].
   The pages' order in the pool means nothing. */
typedef struct llmc__kv_table {
    uint32_t *page; /* [most pages a sequence can have] */
    uint32_t n;     /* pages held */
} llmc__kv_table;

/* Carves pages for `tokens` positions, rounded up to whole pages, and fills in the
   layout; the pool is usable after llmc__kv_reset. False: a size overflows. */
static bool llmc__kv_carve(llmc__kv_pool *kv, const llmc_config *c, llmc_dtype type, uint64_t tokens,
                           llmc__arena *a)
{
    llmc__kv_layout *lay = &kv->layout;
    uint64_t pages = tokens / LLMC__PAGE_TOKENS + (tokens % LLMC__PAGE_TOKENS != 0), total;
    lay->type = type;
    lay->page_tokens = LLMC__PAGE_TOKENS;
    lay->row_bytes = llmc_dtype_bytes(type, c->head_dim);
    lay->head_bytes = lay->row_bytes * lay->page_tokens;
    if (!llmc__mul(lay->head_bytes, 2 * (uint64_t)c->n_kv_head, &lay->layer_bytes) ||
        !llmc__mul(lay->layer_bytes, c->n_layer, &lay->page_bytes) ||
        !llmc__mul(lay->page_bytes, pages, &total) || pages > UINT32_MAX)
        return false;
    kv->n_pages = (uint32_t)pages;
    lay->pool = (uint8_t *)llmc__take(a, pages, lay->page_bytes);
    kv->free = (uint32_t *)llmc__take(a, pages, sizeof(uint32_t));
    kv->holds = (uint16_t *)llmc__take(a, pages, sizeof(uint16_t));
    return !a->failed;
}

/* Every page free; the lowest are handed out first, so that a short conversation in a
   large cache touches little of it. Contents are left as they are: no position is read
   before it has been written. */
static void llmc__kv_reset(llmc__kv_pool *kv)
{
    uint32_t i;
    for (i = 0; i < kv->n_pages; i++) {
        kv->free[i] = kv->n_pages - 1 - i;
        kv->holds[i] = 0;
    }
    kv->n_free = kv->n_pages;
}

//--[ 16.2 KV.table ]-- a sequence's pages grow and shrink with it
/* Pages for n positions, n at most the sequence's context. False, and nothing taken,
   if too few are free. Pages already held stay where they are. */
static bool llmc__kv_reserve(llmc__kv_pool *kv, llmc__kv_table *table, uint32_t n)
{
    uint32_t want = n / kv->layout.page_tokens + (n % kv->layout.page_tokens != 0);
    if (want > table->n && want - table->n > kv->n_free)
        return false;
    while (table->n < want) {
        uint32_t page = kv->free[--kv->n_free];
        kv->holds[page] = 1;
        table->page[table->n++] = page;
    }
    return true;
}

/* Gives back the pages beyond the first n positions. One that somebody else holds as
   well only loses a holder. */
static void llmc__kv_trim(llmc__kv_pool *kv, llmc__kv_table *table, uint32_t n)
{
    uint32_t keep = n / kv->layout.page_tokens + (n % kv->layout.page_tokens != 0);
    while (table->n > keep) {
        uint32_t page = table->page[--table->n];
        if (--kv->holds[page] == 0)
            kv->free[kv->n_free++] = page;
    }
}

//==[ 17 FORWARD ]==== tokens in, hidden states and logits out ==== needs: 03 04 05 07 09 10 14 15 ====

//--[ 17.1 FORWARD.scratch ]-- memory for T tokens between the layers
/* The widest feed-forward: of dense layers, of an expert, of the shared ones. */
static uint64_t llmc__ffn_width(const llmc_config *c)
{
    return llmc__max(c->n_ff, c->n_expert > 0 ? llmc__max(c->n_ff_expert, c->n_ff_shared) : 0);
}

/* Most inputs that any product has. */
static uint64_t llmc__widest(const llmc_config *c)
{
    return llmc__max(llmc__max(c->n_embd, llmc__ffn_width(c)), (uint64_t)c->n_head * c->head_dim);
}

/* Most elements of any norm's weight, bias or other vector. */
static uint64_t llmc__longest(const llmc_model *m)
{
    const llmc_config *c = &m->config;
    uint64_t n = llmc__max(llmc__widest(c), llmc__max(c->n_expert, c->x_lambdas ? c->n_layer : 0));
    n = llmc__max(n, llmc__max(c->smear_channels, c->value_channels));
    if (c->qkv_grouped)
        n = llmc__max(n, ((uint64_t)c->n_head + 2 * (uint64_t)c->n_kv_head) * c->head_dim);
    return llmc__global(m, LLMC__W_HEAD_B) != NULL ? llmc__max(n, c->vocab_size) : n;
}

/* What a tensor asks of the scratch: inputs in 8 bits, rows in f32. */
static void llmc__note_type(const llmc__batch *b, const llmc_tensor *t, bool *packs, bool *rows)
{
    if (t == NULL)
        return;
    *packs = *packs || (llmc__by_kernel(b->k, t) && llmc__wants_q8(t->type));
    *rows = *rows || llmc__by_rows(b->k, t);
}

/* The same of all weights: those of the model, of its layers and of their experts. */
static void llmc__note_types(const llmc__batch *b, const llmc_model *m, bool *packs, bool *rows)
{
    const llmc_config *c = &m->config;
    uint64_t i;
    uint32_t l;
    *packs = *rows = false;
    for (i = 0; i < LLMC__W_GLOBALS; i++)
        llmc__note_type(b, m->global[i], packs, rows);
    for (i = 0; i < (uint64_t)c->n_layer * LLMC__W_COUNT; i++)
        llmc__note_type(b, m->layer[i], packs, rows);
    for (l = 0; m->experts != NULL && l < c->n_layer; l++)
        for (i = 0; m->experts[l] != NULL && i < (uint64_t)c->n_expert * LLMC__EXPERT_PARTS; i++)
            llmc__note_type(b, m->experts[l][i].data != NULL ? &m->experts[l][i] : NULL, packs, rows);
}

/* T rows of `width` floats, or NULL where they are not wanted. */
static float *llmc__take_rows(llmc__arena *a, bool wanted, uint64_t T, uint64_t width)
{
    return wanted ? (float *)llmc__take(a, T, width * sizeof(float)) : NULL;
}

/* What positions ask for. */
static void llmc__carve_positions(llmc__batch *b, const llmc_config *c, uint32_t T, llmc__arena *a)
{
    uint64_t half = c->rope_dims / 2;
    unsigned set;
    for (set = 0; set < 2; set++) {
        bool used = llmc__rope_used(c, set);
        b->freq[set] = used ? (double *)llmc__take(a, half, sizeof(double)) : NULL;
        b->cosine[set] = llmc__take_rows(a, used, T, half);
        b->sine[set] = llmc__take_rows(a, used, T, half);
    }
    b->wave = NULL;
    if (c->pos == LLMC_POS_SINUSOIDAL)
        b->wave = (double *)llmc__take(a, ((uint64_t)c->n_embd + 1) / 2, sizeof(double));
}

/* What experts ask for. n_expert_used is at most n_expert. */
static void llmc__carve_experts(llmc__batch *b, const llmc_config *c, uint32_t T, llmc__arena *a)
{
    uint64_t U = c->n_expert_used, E = c->n_expert;
    b->score = b->share = b->picked = b->answer = NULL;
    b->chosen = b->order = b->first = NULL;
    if (E == 0)
        return;
    b->score = llmc__take_rows(a, true, T, E);
    b->share = llmc__take_rows(a, true, T, U);
    b->chosen = (uint32_t *)llmc__take(a, T, U * sizeof(uint32_t));
    b->order = (uint32_t *)llmc__take(a, T, U * sizeof(uint32_t));
    b->first = (uint32_t *)llmc__take(a, E, sizeof(uint32_t));
    b->picked = llmc__take_rows(a, true, T, c->n_embd);
    b->answer = llmc__take_rows(a, true, T, c->n_embd);
}

/* llmc__batch_carve -- buffers for T tokens at a time
   Carves every buffer of a batch of up to T tokens; b->k is set, workers as in llmc_tasks. Shapes
   are beside the members of llmc__batch. What this model has no use for takes nothing. y is h where
   nobody reads h after attention or feed-forward has begun to write, z is y where the two come one
   after the other. Contents are set by llmc__batch_init. Failure is in a->failed. */
static void llmc__batch_carve(llmc__batch *b, const llmc_model *m, uint32_t T, uint32_t workers,
                              llmc__arena *a)
{
    const llmc_config *c = &m->config;
    uint64_t wide = llmc__widest(c), q_width = (uint64_t)c->n_head * c->head_dim;
    uint64_t kv_width = (uint64_t)c->n_kv_head * c->head_dim;
    bool parallel = c->parallel != LLMC_SERIAL, packs, rows;
    llmc__note_types(b, m, &packs, &rows);
    b->x = llmc__take_rows(a, true, T, c->n_embd);
    b->h = llmc__take_rows(a, true, T, c->n_embd);
    b->y = parallel || c->n_expert > 0 ? llmc__take_rows(a, true, T, c->n_embd) : b->h;
    b->z = parallel ? llmc__take_rows(a, true, T, c->n_embd) : b->y;
    b->x0 = llmc__take_rows(a, c->x_lambdas, T, c->n_embd);
    b->back = llmc__take_rows(a, c->backout_layer > 0, T, c->n_embd);
    b->q = llmc__take_rows(a, true, T, q_width);
    b->att = llmc__take_rows(a, true, T, q_width);
    b->key = llmc__take_rows(a, true, T, kv_width);
    b->value = llmc__take_rows(a, true, T, kv_width);
    b->fused = llmc__take_rows(a, c->qkv_grouped, T, q_width + 2 * kv_width);
    b->up = llmc__take_rows(a, true, T, llmc__ffn_width(c));
    b->gate = llmc__take_rows(a, c->gated, T, llmc__ffn_width(c));
    llmc__carve_positions(b, c, T, a);
    llmc__carve_experts(b, c, T, a);
    b->x8 = packs ? (llmc__q8 *)llmc__take(a, T, (wide + 31) / 32 * sizeof(llmc__q8)) : NULL;
    b->rows = llmc__take_rows(a, rows, workers, wide);
    b->vec[0] = llmc__take_rows(a, true, 1, llmc__longest(m));
    b->vec[1] = llmc__take_rows(a, true, 1, llmc__longest(m));
}

/* What stays the same from batch to batch; b->model is set, context the longest sequence. */
static void llmc__batch_init(llmc__batch *b, uint32_t context)
{
    uint32_t width = b->model->config.n_embd, i;
    llmc__rope_init(b, context);
    if (b->wave != NULL)
        for (i = 0; i < (width + 1) / 2; i++)
            b->wave[i] = llmc__pow(10000, -2.0 * (double)i / (double)width);
}

//--[ 17.2 FORWARD.watch ]-- taps, reports, and the first layer that goes wrong
/* Who looks on while a batch passes; all zero: nobody. */
typedef struct llmc__watch {
    llmc_log log; /* at DEBUG: one line a layer */
    llmc_tap tap;
    bool check_finite;
} llmc__watch;

/* Shows the residual stream x [n][D] at a point ("embed", "layer", "final") to whoever
   asked: tap first, then log, then the check, so that the lines before an error show how
   it came. Errors: NOT_FINITE (with check_finite). */
static llmc_status llmc__observe(const llmc__batch *b, const llmc__watch *w, const char *point,
                                 uint32_t layer, uint32_t n, llmc_diag *diag)
{
    char where[32];
    const llmc_config *c = &b->model->config;
    size_t count = (size_t)n * c->n_embd, i;
    if (w->tap.fn == NULL && !w->check_finite && (w->log.fn == NULL || w->log.level < LLMC_LOG_DEBUG))
        return LLMC_OK; /* nobody is watching */
    if (w->tap.fn != NULL)
        w->tap.fn(w->tap.user, point, layer, b->x, n, c->n_embd);
    if (llmc__streq(point, "layer"))
        llmc__format(where, sizeof where, "layer %u of %u", layer + 1, c->n_layer);
    else
        llmc__format(where, sizeof where, "%s", point);
    if (w->log.fn != NULL && w->log.level >= LLMC_LOG_DEBUG) {
        float top = 0;
        for (i = 0; i < count; i++)
            top = b->x[i] > top ? b->x[i] : -b->x[i] > top ? -b->x[i] : top;
        llmc__say(&w->log, LLMC_LOG_DEBUG, "FORWARD", "%s: %u tokens, largest value %g", where, n,
                  (double)top);
    }
    if (w->check_finite && !b->k->finite(b->x, count) && !llmc__streq(point, "layer"))
        return LLMC__FAIL(diag, NOT_FINITE, "FORWARD.watch", LLMC_NO_OFFSET, "values stop being finite at %s",
                          llmc__streq(point, "embed") ? "the token embedding" : "the output norm");
    if (w->check_finite && !b->k->finite(b->x, count))
        return LLMC__FAIL(diag, NOT_FINITE, "FORWARD.watch", LLMC_NO_OFFSET,
                          "values stop being finite at %s (counted from 1; the file's blk.%u)", where, layer);
    return LLMC_OK;
}

//--[ 17.3 FORWARD.ends ]-- from tokens to the first state, from the last one to logits
/* x [D] of one token at one position: its row of the embedding (scaled), its type's, and its
   position's where those are learned or waves (Vaswani 2017: sines at even places, cosines at odd ones).
   Ids and positions have been checked where they came in. */
static void llmc__embed_token(const llmc__batch *b, llmc_token id, uint32_t pos, float *x)
{
    const llmc_model *m = b->model;
    const llmc_config *c = &m->config;
    uint32_t i;
    llmc__tensor_row_f32(llmc__global(m, LLMC__W_EMBED), (uint64_t)id, x);
    if (c->embed_scale != 1)
        b->k->scale(x, c->embed_scale, c->n_embd);
    if (llmc__global(m, LLMC__W_TYPES) != NULL) {
        llmc__tensor_row_f32(llmc__global(m, LLMC__W_TYPES), 0, b->vec[0]);
        b->k->add(x, b->vec[0], c->n_embd);
    }
    if (c->pos == LLMC_POS_LEARNED) {
        llmc__tensor_row_f32(llmc__global(m, LLMC__W_POS), pos, b->vec[0]);
        b->k->add(x, b->vec[0], c->n_embd);
    }
    for (i = 0; b->wave != NULL && i < c->n_embd; i += 2) {
        float sine, cosine;
        llmc__sincos((double)pos * b->wave[i / 2], &sine, &cosine);
        x[i] += sine;
        if (i + 1 < c->n_embd)
            x[i + 1] += cosine;
    }
}

/* x [t] += lambda sigmoid(gate . x[t][0..smear_channels)) * (embedding of the token before), which
   is that token's x before it was smeared itself: made anew from its id in h, so that a batch may
   begin anywhere. Nothing at position 0. */
static void llmc__smear(const llmc__batch *b)
{
    const llmc_model *m = b->model;
    const llmc_config *c = &m->config;
    const float *gate;
    float lambda[1];
    uint32_t t;
    for (t = 0; t < b->n; t++)
        llmc__embed_token(b, b->prev[t], b->pos[t] > 0 ? b->pos[t] - 1 : 0, b->h + (size_t)t * c->n_embd);
    if (c->embed_norm)
        llmc__norm(b, b->h, b->h, b->n, llmc__global(m, LLMC__W_EMBED_NORM),
                   llmc__global(m, LLMC__W_EMBED_NORM_B));
    gate = llmc__vector(llmc__global(m, LLMC__W_SMEAR_GATE), b->vec[0]);
    llmc__tensor_row_f32(llmc__global(m, LLMC__W_SMEAR_LAMBDA), 0, lambda);
    for (t = 0; t < b->n; t++) {
        float *x = b->x + (size_t)t * c->n_embd;
        if (b->pos[t] > 0)
            llmc__add_times(b, x, lambda[0] * llmc__sigmoid(llmc__dot(b, gate, x, c->smear_channels)),
                            b->h + (size_t)t * c->n_embd, c->n_embd);
    }
}

/* x [T][D]: the state that the first block reads. */
static void llmc__embed(const llmc__batch *b)
{
    const llmc_model *m = b->model;
    const llmc_config *c = &m->config;
    uint32_t t;
    for (t = 0; t < b->n; t++)
        llmc__embed_token(b, b->ids[t], b->pos[t], b->x + (size_t)t * c->n_embd);
    if (c->embed_norm)
        llmc__norm(b, b->x, b->x, b->n, llmc__global(m, LLMC__W_EMBED_NORM),
                   llmc__global(m, LLMC__W_EMBED_NORM_B));
    if (c->smear_channels > 0)
        llmc__smear(b);
    if (b->x0 != NULL)
        LLMC_MEMCPY(b->x0, b->x, (size_t)b->n * c->n_embd * sizeof(float));
}

/* x [n_want][D] = the states after the last norm of the tokens want[i]; the rest of x is lost. Reading
   a prompt wants one token's logits of many, and the head is the largest matrix there is. */
static void llmc__final(const llmc__batch *b, const uint32_t *want, uint32_t n_want)
{
    const llmc_model *m = b->model;
    size_t width = m->config.n_embd;
    uint32_t i;
    if (b->back != NULL) {
        float lambda[1];
        llmc__tensor_row_f32(llmc__global(m, LLMC__W_BACKOUT_LAMBDA), 0, lambda);
        for (i = 0; i < n_want; i++)
            llmc__add_times(b, b->x + want[i] * width, -lambda[0], b->back + want[i] * width, width);
    }
    for (i = 0; i < n_want; i++) /* want is ascending, so nothing is overwritten too early */
        LLMC_MEMMOVE(b->x + i * width, b->x + want[i] * width, width * sizeof(float));
    if (!m->config.no_out_norm)
        llmc__norm(b, b->x, b->x, n_want, llmc__global(m, LLMC__W_OUT_NORM),
                   llmc__global(m, LLMC__W_OUT_NORM_B));
}

/* llmc__tokens_fn: logits [n][V] at arg scaled and bounded as the model was trained. */
static void llmc__bound_tokens(const llmc__batch *b, void *arg, uint32_t begin, uint32_t end)
{
    const llmc_config *c = &b->model->config;
    size_t n = (size_t)(end - begin) * c->vocab_size;
    float *logits = (float *)arg + (size_t)begin * c->vocab_size;
    if (c->logit_scale != 1)
        b->k->scale(logits, c->logit_scale, n);
    if (c->logit_clamp > 0)
        llmc__clamp(logits, n, c->logit_clamp);
    if (c->logit_softcap > 0)
        b->k->softcap(logits, n, c->logit_softcap);
    if (c->logit_clamp > 0)
        llmc__clamp(logits, n, c->logit_clamp);
}

/* logits [n][V] of the final states x [n][D]. The head's rows beyond V are padding. */
static void llmc__head(const llmc__batch *b, uint32_t n, float *logits)
{
    const llmc_model *m = b->model;
    const llmc_config *c = &m->config;
    llmc__product head = llmc__part(llmc__global(m, LLMC__W_HEAD), llmc__global(m, LLMC__W_HEAD_B), logits);
    head.rows = head.stride = c->vocab_size;
    llmc__products(b, &head, 1, b->x, n);
    if (c->logit_scale != 1 || c->logit_clamp > 0 || c->logit_softcap > 0)
        llmc__over_tokens(b, n, llmc__bound_tokens, logits);
}

//--[ 17.4 FORWARD.pass ]-- the whole decoder, read from top to bottom
/* What a branch reads: x normed, in h, or x itself where the family norms elsewhere. */
static const float *llmc__branch_in(const llmc__batch *b, uint32_t layer, unsigned norm, unsigned norm_bias)
{
    if (!b->model->config.pre_norm)
        return b->x;
    llmc__norm(b, b->h, b->x, b->n, llmc__weight(b->model, layer, norm),
               llmc__weight(b->model, layer, norm_bias));
    return b->h;
}

/* llmc__tokens_fn: x += residual_scale y, y [T][D] at arg, which is scaled in place. Every element by
   itself, so the cut does not matter. */
static void llmc__residual(const llmc__batch *b, void *arg, uint32_t begin, uint32_t end)
{
    size_t width = b->model->config.n_embd, n = (end - begin) * width;
    float *y = (float *)arg + begin * width;
    if (b->model->config.residual_scale != 1)
        b->k->scale(y, b->model->config.residual_scale, n);
    b->k->add(b->x + begin * width, y, n);
}

/* x = norm''(x + residual_scale norm'(y)) with what of that the model has: branch norm, post norm. */
static void llmc__join(const llmc__batch *b, uint32_t layer, float *y, unsigned branch, unsigned post,
                       unsigned post_bias)
{
    const llmc_model *m = b->model;
    if (m->config.branch_norm)
        llmc__norm(b, y, y, b->n, llmc__weight(m, layer, branch), NULL);
    llmc__over_tokens(b, b->n, llmc__residual, y);
    if (m->config.post_norm)
        llmc__norm(b, b->x, b->x, b->n, llmc__weight(m, layer, post), llmc__weight(m, layer, post_bias));
}

/* x = a x + a0 x0 with layer l's two weights: how much of the first state comes back. */
static void llmc__recall(const llmc__batch *b, uint32_t layer)
{
    size_t n = (size_t)b->n * b->model->config.n_embd;
    float a = llmc__vector(llmc__global(b->model, LLMC__W_X_LAMBDAS), b->vec[0])[layer];
    float a0 = llmc__vector(llmc__global(b->model, LLMC__W_X0_LAMBDAS), b->vec[0])[layer];
    b->k->scale(b->x, a, n);
    llmc__add_times(b, b->x, a0, b->x0, n);
}

/* One block: a mixer and a feed-forward, x the only thing that goes on to the next.
     serial    x += attention(norm x); x += feed_forward(norm' x)
     parallel  x += attention(norm x) + feed_forward(norm x), or norm' x, of the same x */
static void llmc__block(const llmc__batch *b, uint32_t layer)
{
    bool serial = b->model->config.parallel == LLMC_SERIAL;
    const float *in = llmc__branch_in(b, layer, LLMC__W_ATTN_NORM, LLMC__W_ATTN_NORM_B);
    llmc__attention(b, layer, in, b->y);
    if (serial)
        llmc__join(b, layer, b->y, LLMC__W_ATTN_BRANCH_NORM, LLMC__W_ATTN_POST_NORM,
                   LLMC__W_ATTN_POST_NORM_B);
    if (b->model->config.parallel != LLMC_PARALLEL_SHARED)
        in = llmc__branch_in(b, layer, LLMC__W_FFN_NORM, LLMC__W_FFN_NORM_B);
    llmc__feed_forward(b, layer, in, b->z);
    if (!serial)
        llmc__join(b, layer, b->y, LLMC__W_ATTN_BRANCH_NORM, LLMC__W_ATTN_POST_NORM,
                   LLMC__W_ATTN_POST_NORM_B);
    llmc__join(b, layer, b->z, LLMC__W_FFN_BRANCH_NORM, LLMC__W_FFN_POST_NORM, LLMC__W_FFN_POST_NORM_B);
}

/* Runs b->n tokens through the model, storing their keys and values in their pages
   (which must hold every position up to pos[t]), and leaves the final states of the tokens
   want[0..n_want), ascending, in x [n_want][D]; with logits not NULL also writes logits [n_want][V].
   Tokens of one sequence come in order.
   After an error the pages of this batch's positions hold anything, and nothing before
   them has changed: the batch can be run again.
   Errors: NOT_FINITE (with check_finite). */
static llmc_status llmc__forward(const llmc__batch *b, const llmc__watch *watch, const uint32_t *want,
                                 uint32_t n_want, float *logits, llmc_diag *diag)
{
    const llmc_config *c = &b->model->config;
    uint32_t l;
    llmc__embed(b);
    LLMC__TRY(llmc__observe(b, watch, "embed", 0, b->n, diag));
    if (c->pos == LLMC_POS_ROPE) /* other positions are in x already */
        llmc__over_tokens(b, b->n, llmc__rope_angles, NULL);
    for (l = 0; l < c->n_layer; l++) {
        if (c->x_lambdas)
            llmc__recall(b, l);
        llmc__block(b, l);
        if (b->back != NULL && l == c->backout_layer)
            LLMC_MEMCPY(b->back, b->x, (size_t)b->n * c->n_embd * sizeof(float));
        LLMC__TRY(llmc__observe(b, watch, "layer", l, b->n, diag));
    }
    if (n_want > 0) { /* the middle of a long prompt wants nothing */
        llmc__final(b, want, n_want);
        if (logits != NULL)
            llmc__head(b, n_want, logits);
        LLMC__TRY(llmc__observe(b, watch, "final", c->n_layer - 1, n_want, diag));
    }
    return LLMC_OK;
}

//==[ 18 SAMPLE ]==== from logits to a token ==== needs: 03 04 05 ====

//--[ 18.1 SAMPLE.options ]-- what a caller may ask for
/* How a token is chosen, in order; every step sees what the one before left over:
     bias         logit + bias; -infinity forbids
     penalties    for tokens seen in the last penalty_window ones
     temperature  p = softmax(logit / temperature); 0: the largest logit, and done
     top-k        the k most likely
     typical      the least remarkable ones that make up typical_p
     top-p        the most likely ones that make up top_p
     min-p        those at least min_p times as likely as the most likely
     draw         one of them, by what probability they have among themselves
   Probabilities are renewed after each filter, so top_p is a part of what top_k left.
   Filters count ties by id: of equally likely tokens those with low ids stay. */

/* x lies in [low, high]; a NaN does not, an infinity neither. */
static bool llmc__in_range(float x, float low, float high)
{
    return llmc__finite(x) && x >= low && x <= high;
}

/* Minus infinity: a token that must not be chosen. */
static inline bool llmc__forbidden(float x)
{
    return llmc__f32_bits(x) == 0xff800000u;
}

/* A bias is a number, or forbids. Whether its token exists, only sampling knows.
   Errors: BAD_ARG, naming the entry. */
static llmc_status llmc__sample_check_bias(const llmc_sample_options *opt, llmc_diag *diag)
{
    size_t i;
    if (opt->n_bias > 0 && opt->bias == NULL)
        return LLMC__FAIL(diag, BAD_ARG, "SAMPLE.options", LLMC_NO_OFFSET, "bias is NULL but n_bias is %zu",
                          opt->n_bias);
    for (i = 0; i < opt->n_bias; i++) {
        if (opt->bias[i].token < 0)
            return LLMC__FAIL(diag, BAD_ARG, "SAMPLE.options", LLMC_NO_OFFSET, "bias[%zu].token is %d", i,
                              (int)opt->bias[i].token);
        if (!llmc__finite(opt->bias[i].bias) && !llmc__forbidden(opt->bias[i].bias))
            return LLMC__FAIL(diag, BAD_ARG, "SAMPLE.options", LLMC_NO_OFFSET,
                              "bias[%zu].bias is %g; it has to be finite or -infinity", i,
                              (double)opt->bias[i].bias);
    }
    return LLMC_OK;
}

/* llmc_sample_check -- are the options sensible?                    (SAMPLE.options)
   opt   NULL is all zero, which is
   Errors: BAD_ARG, naming the field, its value and what it may be. */
LLMC_API llmc_status llmc_sample_check(const llmc_sample_options *opt, llmc_diag *diag)
{
    static const char *const name[] = {"temperature",     "top_p",          "min_p",
                                       "typical_p",       "repeat_penalty", "frequency_penalty",
                                       "presence_penalty"};
    llmc_sample_options o;
    float value[7], low, high; /* the interval that value[i] must lie in */
    size_t i;
    llmc__options(&o, sizeof o, opt);
    value[0] = o.temperature;
    value[1] = o.top_p;
    value[2] = o.min_p;
    value[3] = o.typical_p;
    value[4] = o.repeat_penalty;
    value[5] = o.frequency_penalty;
    value[6] = o.presence_penalty;
    for (i = 0; i < 7; i++) {
        low = i < 5 ? 0.0f : -FLT_MAX; /* negative penalties reward what was said */
        high = i >= 1 && i <= 3 ? 1.0f : FLT_MAX;
        if (!llmc__in_range(value[i], low, high))
            return LLMC__FAIL(diag, BAD_ARG, "SAMPLE.options", LLMC_NO_OFFSET, "%s is %g; it has to be %s",
                              name[i], (double)value[i],
                              i >= 5   ? "finite"
                              : i == 0 ? "0 (greedy) or more, and finite"
                              : i == 4 ? "0 or more, and finite"
                                       : "from 0 to 1");
    }
    return llmc__sample_check_bias(&o, diag);
}

//--[ 18.2 SAMPLE.heap ]-- candidates in order, only as far as they are looked at
/* A token that may still be chosen. key orders candidates (before that it counts a
   token's occurrences); value is the logit, later (logit - largest) / temperature, at
   most 0. Until llmc__heat drops some, candidate i is token i. */
typedef struct llmc__candidate {
    float key, value;
    llmc_token id;
} llmc__candidate;

/* a comes before b: larger key, then lower id. No two candidates are equal, so
   every order below is the only one there is. */
static inline bool llmc__before(const llmc__candidate *a, const llmc__candidate *b)
{
    return a->key > b->key || (a->key >= b->key && a->id < b->id);
}

/* A heap is enough order for everything here: its root is the next candidate, and
   putting another there costs log n. Sorting all of a vocabulary of 128k for the few
   that a filter keeps would cost more than all the rest of sampling. Both loops
   below end after log2 n steps whatever the keys are: no shape of logits is slow.

   Restores heap c [n] after c[i] changed. The root comes before all others, or
   after all others if worst_first. */
static void llmc__sift(llmc__candidate *c, size_t n, size_t i, bool worst_first)
{
    const llmc__candidate moving = c[i];
    size_t child;
    for (; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && llmc__before(&c[child + 1], &c[child]) != worst_first)
            child++;
        if (llmc__before(&c[child], &moving) == worst_first)
            break;
        c[i] = c[child];
    }
    c[i] = moving;
}

/* Any n candidates to a heap: O(n). From the last that has a child back to the root, so
   that both halves below are heaps already. */
static void llmc__heapify(llmc__candidate *c, size_t n, bool worst_first)
{
    size_t i = n / 2;
    while (i-- > 0)
        llmc__sift(c, n, i, worst_first);
}

/* The k first of c [n] by key, in no particular order, to c [0, k). O(n log k): the
   last of the best so far is at the root, and leaves for a better one. */
static void llmc__keep_first(llmc__candidate *c, size_t n, size_t k)
{
    size_t i;
    llmc__heapify(c, k, true);
    for (i = k; i < n; i++)
        if (llmc__before(&c[i], &c[0])) {
            c[0] = c[i];
            llmc__sift(c, k, 0, true);
        }
}

//--[ 18.3 SAMPLE.filter ]-- temperature, top-k, typical, top-p, min-p
/* exp(value), value at most 0; nothing where that leaves the normal floats. What a
   candidate's probability is in proportion to: no filter needs the sum to be 1. */
static inline double llmc__weight_of(const llmc__candidate *c)
{
    return c->value < -87.0f ? 0.0 : (double)llmc__expf(c->value);
}

/* In the order they lie in, as doubles: the same on every machine. Positive:
   the largest value is 0 after llmc__heat, and every filter leaves some of the mass. */
static double llmc__weight_sum(const llmc__candidate *c, size_t n)
{
    double sum = 0;
    size_t i;
    for (i = 0; i < n; i++)
        sum += llmc__weight_of(&c[i]);
    return sum;
}

/* Nucleus (Holtzman 2019), and the second half of typical:
   keeps the shortest beginning of c [n], in order of key, whose probabilities add up
   to at least p. Returns its length, 1 at least. Only that beginning gets sorted:
   O(n + kept log n). */
static size_t llmc__keep_mass(llmc__candidate *c, size_t n, double p)
{
    const double enough = p * llmc__weight_sum(c, n);
    double mass = 0;
    size_t left = n, kept;
    llmc__heapify(c, n, false);
    do { /* the first goes behind the shrinking heap */
        const llmc__candidate first = c[0];
        mass += llmc__weight_of(&first);
        left--;
        c[0] = c[left];
        c[left] = first;
        llmc__sift(c, left, 0, false);
    } while (left > 0 && mass < enough);
    kept = n - left;
    LLMC_MEMMOVE(c, c + left, kept * sizeof *c);
    return kept;
}

/* Order by likelihood again, after typical has used another order. What was kept in
   which place does not matter: key and id alone decide. */
static void llmc__key_by_value(llmc__candidate *c, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++)
        c[i].key = c[i].value;
}

/* Locally typical: those whose surprise -log p is nearest to the expected surprise,
   the entropy H = -sum p log p. With log p = value - log Z the distance
   |-log p - H| is |value - sum p value|: Z drops out. Leaves its own order in key.
   Returns how many stay, at c [0, ...), 1 at least. Source: Meister 2022. */
static size_t llmc__keep_typical(llmc__candidate *c, size_t n, double p)
{
    double sum = 0, mean = 0;
    size_t i;
    for (i = 0; i < n; i++) {
        double w = llmc__weight_of(&c[i]);
        sum += w;
        mean += w * (double)c[i].value;
    }
    mean /= sum;
    for (i = 0; i < n; i++) {
        double distance = (double)c[i].value - mean;
        c[i].key = (float)(distance < 0 ? distance : -distance);
    }
    return llmc__keep_mass(c, n, p);
}

/* Drops what is less likely than min_p times the most likely; that one stays, as
   min_p is at most 1. Keeps the order they lie in. Source: Nguyen 2024. */
static size_t llmc__keep_likely(llmc__candidate *c, size_t n, double min_p)
{
    double best = 0;
    size_t i, kept = 0;
    for (i = 0; i < n; i++) {
        double w = llmc__weight_of(&c[i]);
        best = w > best ? w : best;
    }
    for (i = 0; i < n; i++)
        if (llmc__weight_of(&c[i]) >= min_p * best)
            c[kept++] = c[i];
    return kept;
}

/* value = (value - largest) / temperature; what gets no probability at all is
   dropped. A largest of +infinity leaves the tokens that have it, all alike. Returns
   how many are left, 1 at least: the largest itself. */
static size_t llmc__heat(llmc__candidate *c, size_t n, float largest, float temperature)
{
    size_t i, kept = 0;
    for (i = 0; i < n; i++) {
        float v = c[i].value >= largest ? 0.0f : (c[i].value - largest) / temperature;
        if (!llmc__finite(v))
            continue;
        c[kept] = c[i];
        c[kept++].value = v;
    }
    return kept;
}

/* Filters in their documented order; returns how many candidates are left, >= 1. c [n]
   as llmc__heat left them; what stays lies at c [0, ...) in no particular order. */
static size_t llmc__filter(const llmc_sample_options *opt, llmc__candidate *c, size_t n)
{
    llmc__key_by_value(c, n);
    if (opt->top_k > 0 && opt->top_k < n) {
        llmc__keep_first(c, n, opt->top_k);
        n = opt->top_k;
    }
    if (opt->typical_p > 0 && opt->typical_p < 1) {
        n = llmc__keep_typical(c, n, (double)opt->typical_p);
        llmc__key_by_value(c, n);
    }
    if (opt->top_p > 0 && opt->top_p < 1)
        n = llmc__keep_mass(c, n, (double)opt->top_p);
    if (opt->min_p > 0)
        n = llmc__keep_likely(c, n, (double)opt->min_p);
    return n;
}

/* The token at which the running sum of weights passes u [0, 1) of the whole. Should
   rounding keep the sum from getting there, the last that has any weight. */
static llmc_token llmc__draw(llmc__candidate *c, size_t n, double u)
{
    const double target = u * llmc__weight_sum(c, n);
    double sum = 0;
    size_t i, last = 0;
    for (i = 0; i < n; i++) {
        double w = llmc__weight_of(&c[i]);
        sum += w;
        if (w > 0)
            last = i;
        if (sum > target)
            break;
    }
    return c[last].id;
}

//--[ 18.4 SAMPLE.penalty ]-- bias, and what has been said before
/* For each distinct token t among the last penalty_window of history, count times there:
     logit = logit > 0 ? logit / repeat : logit * repeat        (Keskar 2019)
     logit = logit - frequency * count - presence
   Counts go into key, which is 0 before and after: O(window), whatever the
   vocabulary. Ids outside it are somebody's separators and count for nothing. */
static void llmc__penalise(const llmc_sample_options *opt, llmc__candidate *c, size_t n,
                           const llmc_token *history, size_t n_history)
{
    const size_t asked = opt->penalty_window == 0 ? 64 : opt->penalty_window;
    const size_t window = asked == UINT32_MAX || asked > n_history ? n_history : asked;
    const float repeat = opt->repeat_penalty > 0 ? opt->repeat_penalty : 1.0f;
    size_t i;
    if (repeat >= 1.0f && repeat <= 1.0f && llmc__f32_bits(opt->frequency_penalty) << 1 == 0 &&
        llmc__f32_bits(opt->presence_penalty) << 1 == 0)
        return;
    if (window == 0) /* history may be NULL then */
        return;
    history += n_history - window;
    for (i = 0; i < window; i++)
        if (history[i] >= 0 && (size_t)history[i] < n)
            c[history[i]].key += 1.0f;
    for (i = 0; i < window; i++) {
        llmc__candidate *t;
        if (history[i] < 0 || (size_t)history[i] >= n || c[history[i]].key <= 0)
            continue;
        t = &c[history[i]];
        t->value = t->value > 0 ? t->value / repeat : t->value * repeat;
        t->value -= opt->frequency_penalty * t->key + opt->presence_penalty;
        t->key = 0;
    }
}

/* Biases of one token add up. Errors: BAD_ARG (a token outside the vocabulary). */
static llmc_status llmc__bias(const llmc_sample_options *opt, llmc__candidate *c, size_t n, llmc_diag *diag)
{
    size_t i;
    for (i = 0; i < opt->n_bias; i++) {
        const llmc_logit_bias *b = &opt->bias[i];
        if ((size_t)b->token >= n)
            return LLMC__FAIL(diag, BAD_ARG, "SAMPLE.penalty", LLMC_NO_OFFSET,
                              "bias[%zu].token is %d, but the vocabulary has %zu", i, (int)b->token, n);
        if (llmc__forbidden(b->bias) && !llmc__nan(c[b->token].value))
            c[b->token].value = b->bias; /* not by adding: a certain token is forbidden, too */
        else
            c[b->token].value += b->bias;
    }
    return LLMC_OK;
}

//--[ 18.5 SAMPLE.choose ]-- all of it
/* Index of the largest value, the lowest of several; n if there is a NaN or if
   every token is forbidden: both are NOT_FINITE to the caller. */
static size_t llmc__largest(const llmc__candidate *c, size_t n)
{
    size_t i, best = 0;
    for (i = 0; i < n; i++) {
        if (llmc__nan(c[i].value))
            return n;
        if (c[i].value > c[best].value)
            best = i;
    }
    return n > 0 && llmc__forbidden(c[best].value) ? n : best;
}

/* log softmax(logits)[token]; four sums in a fixed order, so that they overlap. n >= 1,
   0 <= token < n. What is 87 below the largest adds nothing that a float could show. */
LLMC_API float llmc_logprob(const float *logits, size_t n, llmc_token token)
{
    double sum[4] = {0, 0, 0, 0};
    float largest = logits[0];
    size_t i;
    for (i = 0; i < n; i++) {
        if (llmc__nan(logits[i]))
            return logits[i];
        largest = logits[i] > largest ? logits[i] : largest;
    }
    for (i = 0; i < n; i++) {
        float d = logits[i] >= largest ? 0.0f : logits[i] - largest;
        if (d > -87.0f)
            sum[i & 3] += (double)llmc__expf(d);
    }
    if (logits[token] < largest && !llmc__finite(logits[token] - largest))
        return llmc__bits_f32(0xff800000u);
    return (float)((logits[token] < largest ? (double)logits[token] - (double)largest : 0) -
                   llmc__log((sum[0] + sum[1]) + (sum[2] + sum[3])));
}

/* All the work memory there is: one candidate a token. One layout for need and use. */
static llmc__candidate *llmc__sample_carve(llmc__arena *a, size_t n)
{
    return (llmc__candidate *)llmc__take(a, n, sizeof(llmc__candidate));
}

/* llmc_sample_need -- bytes of work memory for n tokens                (SAMPLE.choose)
   12 a token and an alignment; SIZE_MAX if no memory can hold them. */
LLMC_API size_t llmc_sample_need(size_t n)
{
    llmc__arena a = {NULL, 0, 0, false};
    (void)llmc__sample_carve(&a, n);
    return a.failed ? SIZE_MAX : (size_t)llmc__arena_need(&a);
}

/* llmc_sample -- choose the next token                              (SAMPLE.choose)
   logits [n]; history [n_history] may be NULL if empty; rng may be NULL if greedy
   Without temperature the largest changed logit wins, of several the lowest id. A
   logit of -infinity forbids its token; +infinity makes it certain, and of several
   one is drawn. The same seed chooses the same tokens on every machine whose float
   arithmetic is IEEE: sums are doubles in a fixed order.
   Errors: BAD_ARG, NO_MEMORY, NOT_FINITE; nothing has been changed then, nor drawn.
   Sources: as beside each option; top-k: Fan 2018. */
LLMC_API llmc_status llmc_sample(const llmc_sample_options *opt, llmc_rng *rng, const float *logits, size_t n,
                                 const llmc_token *history, size_t n_history, void *work, size_t work_bytes,
                                 llmc_token *token, float *logprob, llmc_diag *diag)
{
    llmc_sample_options o;
    llmc__arena a;
    llmc__candidate *c;
    size_t i, best, left;
    LLMC__TRY(llmc_sample_check(opt, diag));
    llmc__options(&o, sizeof o, opt);
    if (n == 0 || n > INT32_MAX)
        return LLMC__FAIL(diag, BAD_ARG, "SAMPLE.choose", LLMC_NO_OFFSET, "cannot choose among %zu tokens",
                          n);
    if (o.temperature > 0 && rng == NULL)
        return LLMC__FAIL(diag, BAD_ARG, "SAMPLE.choose", LLMC_NO_OFFSET, "drawing needs an rng");
    if (work == NULL || work_bytes < llmc_sample_need(n))
        return LLMC__FAIL(diag, NO_MEMORY, "SAMPLE.choose", LLMC_NO_OFFSET,
                          "sampling from %zu tokens needs %zu bytes of work memory, not %zu", n,
                          llmc_sample_need(n), work_bytes);
    a = llmc__arena_over(work, work_bytes);
    c = llmc__sample_carve(&a, n);
    for (i = 0; i < n; i++) {
        c[i].key = 0;
        c[i].value = logits[i];
        c[i].id = (llmc_token)i;
    }
    LLMC__TRY(llmc__bias(&o, c, n, diag));
    llmc__penalise(&o, c, n, history, n_history);
    best = llmc__largest(c, n);
    if (best == n)
        return LLMC__FAIL(diag, NOT_FINITE, "SAMPLE.choose", LLMC_NO_OFFSET,
                          "a logit is NaN, or none is left that may be chosen");
    *token = (llmc_token)best;
    if (o.temperature > 0) {
        left = llmc__filter(&o, c, llmc__heat(c, n, c[best].value, o.temperature));
        /* one draw whatever was filtered: other options do not shift the numbers after it */
        *token = llmc__draw(c, left, (double)(llmc_rng_u64(rng) >> 11) * (1.0 / 9007199254740992.0));
    }
    if (logprob != NULL)
        *logprob = llmc_logprob(logits, n, *token);
    return LLMC_OK;
}

//==[ 19 GRAMMAR ]==== output bound to a grammar or schema: place kept, nothing here yet ==== needs: - ====

//==[ 20 ENGINE ]==== sequences running on a model ==== needs: 02 03 04 05 07 09 10 13 14 15 16 17 18 ====

//--[ 20.1 ENGINE.types ]-- a sequence, an engine, and the option structs with defaults filled in
/* A sequence is always in one of these states:
     closed    open false; its slot waits for llmc_seq_open
     idle      nothing to do: empty, or fed by llmc_seq_forward, or finished
     active    ids beyond n_cached are to be read; when the last one is, a token is chosen
     waiting   has_piece: the caller has to take it before the engine goes on
   ids [0, n_cached) have their keys and values in the pages of table; a token that was
   just chosen is in ids but not yet cached. Always n_cached <= n_ids <= context. */
struct llmc_seq {
    llmc_engine *engine;
    bool open, active, has_piece;
    llmc_finish finish;         /* why it is idle; NONE while it is not finished */
    llmc_seq_options opt;       /* a copy; its pointers are the caller's         */
    llmc_sample_options sample; /* a copy, likewise                              */
    llmc_rng rng;               /* from sample.seed; goes on from add to add     */
    llmc_token *ids;            /* [context] read or generated */
    uint32_t n_ids, n_cached;
    uint32_t n_generated; /* since the last add; max_tokens counts these */
    llmc__kv_table table;
    llmc_piece piece; /* to be taken, while has_piece */
    char half[4];     /* first bytes of a character not complete yet */
    uint32_t n_half;
    char *tail;    /* [text_cap] whole characters that may begin a stop string */
    char *out;     /* [text_cap] text of the piece, NUL-terminated */
    size_t n_tail; /* bytes in tail */
};

/* Lies at the head of the caller's memory; the arrays follow it (ENGINE.carve). */
struct llmc_engine {
    const llmc_model *model;
    llmc_engine_options opt; /* resolved: no zero that means a default */
    llmc__watch watch;       /* who looks on, out of opt */
    llmc__kv_pool kv;        /* the pages of all sequences */
    llmc__batch batch;       /* the arrays that it only reads are these: */
    llmc_token *batch_ids;   /* [batch_tokens] */
    llmc_token *batch_prev;  /* [batch_tokens] the token before, for models that smear; or NULL */
    uint32_t *batch_pos;     /* [batch_tokens] */
    uint32_t *batch_end;     /* [batch_tokens] for models that look both ways; or NULL */
    uint32_t **batch_pages;  /* [batch_tokens] */
    llmc_seq **batch_seq;    /* [batch_tokens] whose token it is */
    uint32_t *want;          /* [batch_tokens] places in the batch whose logits are wanted, */
    llmc_seq **want_seq;     /* [max_seqs] and the sequences they are for */
    float *logits;           /* [max_seqs][V] */
    llmc_seq *seqs;          /* [max_seqs] */
    void *sample_work;       /* [sample_bytes] for SAMPLE */
    void *work;              /* [work_bytes] for TOKEN */
    char *text;              /* [text_bytes] for CHAT: a conversation written out, */
    llmc_token *ids;         /* [context] and as ids */
    size_t sample_bytes, work_bytes, text_cap;
    uint32_t next_prompt; /* the slot whose prompt comes first, so that each gets its turn */
};

/* The one place where defaults are filled in; the interface documents them. What is
   refused here would overflow later: positions fit 30 bits, a page's holders 16.
   Errors: BAD_ARG (naming the option and its limit), UNSUPPORTED (kv_type). */
static llmc_status llmc__engine_defaults(llmc_engine_options *o, const llmc_model *model,
                                         const llmc_engine_options *opt, llmc_diag *diag)
{
    const llmc_config *c = &model->config;
    llmc__options(o, sizeof *o, opt);
    if (c->n_layer == 0)
        return LLMC__FAIL(diag, BAD_ARG, "ENGINE", LLMC_NO_OFFSET,
                          "the model was opened for its vocabulary only; it has no weights to run");
    if (o->context_length == 0)
        o->context_length = (uint32_t)llmc__min(c->context_length, 4096);
    if (c->pos == LLMC_POS_LEARNED && o->context_length > c->context_length)
        return LLMC__FAIL(diag, BAD_ARG, "ENGINE", LLMC_NO_OFFSET,
                          "context_length %u: the model has learned positions for %u tokens only",
                          o->context_length, c->context_length);
    if (o->context_length > (1u << 30))
        return LLMC__FAIL(diag, BAD_ARG, "ENGINE", LLMC_NO_OFFSET, "context_length %u: at most 2^30",
                          o->context_length);
    if (o->max_seqs == 0)
        o->max_seqs = 1;
    if (o->batch_tokens == 0) /* what looks both ways is read in one go */
        o->batch_tokens = c->bidirectional ? o->context_length : 256;
    if (o->max_seqs > 65535 || o->batch_tokens > (1u << 20))
        return LLMC__FAIL(diag, BAD_ARG, "ENGINE", LLMC_NO_OFFSET,
                          "max_seqs %u, batch_tokens %u: at most 65535 and 2^20", o->max_seqs,
                          o->batch_tokens);
    /* Everybody who generates gets a turn in each step, so nobody can starve. */
    o->batch_tokens = (uint32_t)llmc__max(o->batch_tokens, o->max_seqs);
    o->batch_tokens = (uint32_t)llmc__min(o->batch_tokens, (uint64_t)o->context_length * o->max_seqs);
    /* attention counts its pieces, tokens times key heads, in 32 bits, and so do the experts of tokens;
       still at least max_seqs */
    o->batch_tokens =
        (uint32_t)llmc__min(o->batch_tokens, UINT32_MAX / llmc__max(c->n_kv_head, c->n_expert_used));
    if (o->kv_cache_capacity == 0) /* whole pages for each sequence, so that all of them can be full */
        o->kv_cache_capacity = (uint64_t)o->max_seqs * ((o->context_length + LLMC__PAGE_TOKENS - 1) /
                                                        LLMC__PAGE_TOKENS * LLMC__PAGE_TOKENS);
    if (o->kv_type == LLMC_DTYPE_NONE)
        o->kv_type = LLMC_F16;
    if (o->kv_type != LLMC_F16 && o->kv_type != LLMC_F32)
        return LLMC__FAIL(diag, UNSUPPORTED, "ENGINE", LLMC_NO_OFFSET, "kv_type %s: F16 or F32 expected",
                          llmc_dtype_name(o->kv_type));
    if (o->text_bytes == 0)
        o->text_bytes = (uint32_t)llmc__max(4096, llmc__min((uint64_t)o->context_length * 4, 1u << 20));
    if (o->tasks.run == NULL || o->tasks.workers == 0)
        o->tasks.workers = 1;
    return LLMC_OK;
}

//--[ 20.2 ENGINE.carve ]-- one layout for need, quote and init
/* A sequence's own memory: ids, page table, text buffers. */
static void llmc__seq_carve(llmc_seq *s, const llmc_engine *e, llmc__arena *a)
{
    uint64_t pages = (e->opt.context_length + LLMC__PAGE_TOKENS - 1) / LLMC__PAGE_TOKENS;
    s->ids = (llmc_token *)llmc__take(a, e->opt.context_length, sizeof(llmc_token));
    s->table.page = (uint32_t *)llmc__take(a, pages, sizeof(uint32_t));
    s->tail = (char *)llmc__take(a, e->text_cap, 1);
    s->out = (char *)llmc__take(a, e->text_cap, 1);
}

/* What a step needs beside the batch itself. Logits are kept only for as many tokens as
   sequences can generate at once, not for a whole batch: V is large. */
static void llmc__step_carve(llmc_engine *e, llmc__arena *a)
{
    const llmc_engine_options *o = &e->opt;
    const llmc_config *c = &e->model->config;
    uint32_t vocab = c->vocab_size;
    e->batch_ids = (llmc_token *)llmc__take(a, o->batch_tokens, sizeof(llmc_token));
    e->batch_prev = NULL;
    if (c->smear_channels > 0)
        e->batch_prev = (llmc_token *)llmc__take(a, o->batch_tokens, sizeof(llmc_token));
    e->batch_pos = (uint32_t *)llmc__take(a, o->batch_tokens, sizeof(uint32_t));
    e->batch_end = NULL;
    if (c->bidirectional)
        e->batch_end = (uint32_t *)llmc__take(a, o->batch_tokens, sizeof(uint32_t));
    e->batch_pages = (uint32_t **)llmc__take(a, o->batch_tokens, sizeof(uint32_t *));
    e->batch_seq = (llmc_seq **)llmc__take(a, o->batch_tokens, sizeof(llmc_seq *));
    e->want = (uint32_t *)llmc__take(a, o->batch_tokens, sizeof(uint32_t));
    e->want_seq = (llmc_seq **)llmc__take(a, o->max_seqs, sizeof(llmc_seq *));
    e->logits = (float *)llmc__take(a, c->no_head ? 0 : o->max_seqs, (uint64_t)vocab * sizeof(float));
    e->sample_bytes = llmc_sample_need(vocab);
    e->sample_work = llmc__take(a, e->sample_bytes, 1);
}

/* What text on its way in and out needs; next to nothing for a model that speaks ids.
   Also settles text_cap, so it comes before the sequences are carved. */
static void llmc__text_carve(llmc_engine *e, llmc__arena *a)
{
    size_t longest = 0;
    (void)a; /* no text at all: LLMC_NO_TOKEN and LLMC_NO_CHAT */
#ifndef LLMC_NO_TOKEN
    const llmc_tokenizer *tok = e->model->tokenizer;
    if (tok != NULL) {
        longest = llmc__tokenizer_longest(tok);
        e->work_bytes = llmc_encode_need(tok, e->opt.text_bytes);
        e->work = llmc__take(a, e->work_bytes, 1);
    }
#endif
#ifndef LLMC_NO_CHAT
    e->text = (char *)llmc__take(a, e->opt.text_bytes, 1);
    e->ids = (llmc_token *)llmc__take(a, e->opt.context_length, sizeof(llmc_token));
#endif
    /* A byte that is no UTF-8 becomes three; what a stop string held back comes on top. */
    e->text_cap = 3 * (longest + sizeof e->seqs->half) + LLMC_STOP_MAX + 1;
}

/* Places everything in e, whose model and opt are set; q (may be NULL) gets the sizes.
   With a measuring arena the pointers become NULL and only sizes are right. seqs
   come last, since their text buffers depend on what text_carve found.
   Errors: NO_MEMORY (a size overflows; with checked sizes nothing else can fail). */
static llmc_status llmc__engine_carve(llmc_engine *e, llmc__arena *a, llmc_engine_memory *q, llmc_diag *diag)
{
    const llmc_engine_options *o = &e->opt;
    uint64_t start = a->used, kv, scratch;
    llmc_seq one; /* takes the pointers while measuring */
    uint32_t i;
    if (!llmc__kv_carve(&e->kv, &e->model->config, o->kv_type, o->kv_cache_capacity, a))
        a->failed = true;
    kv = a->used;
    llmc__batch_carve(&e->batch, e->model, o->batch_tokens, o->tasks.workers, a);
    llmc__step_carve(e, a);
    llmc__text_carve(e, a);
    scratch = a->used;
    e->seqs = (llmc_seq *)llmc__take(a, o->max_seqs, sizeof(llmc_seq));
    if (e->seqs != NULL)
        LLMC_MEMSET(e->seqs, 0, o->max_seqs * sizeof(llmc_seq));
    for (i = 0; i < o->max_seqs && !a->failed; i++)
        llmc__seq_carve(e->seqs != NULL ? &e->seqs[i] : &one, e, a);
    if (a->failed)
        return LLMC__FAIL(diag, NO_MEMORY, "ENGINE", LLMC_NO_OFFSET,
                          "context_length %u for %u sequences needs more memory than there are addresses for",
                          o->context_length, o->max_seqs);
    if (q != NULL) {
        q->total = llmc__arena_need(a);
        q->kv_cache = kv - start;
        q->sequences = a->used - scratch;
        q->scratch = q->total - q->kv_cache - q->sequences; /* the engine itself and alignment included */
    }
    return LLMC_OK;
}

/* Fills *e (on the stack) as far as measuring needs, and measures. Afterwards e->opt is
   resolved; its pointers are NULL. Errors: those of defaults and carve. */
static llmc_status llmc__engine_measure(llmc_engine *e, const llmc_model *model,
                                        const llmc_engine_options *opt, llmc_engine_memory *q,
                                        llmc_diag *diag)
{
    llmc__arena a;
    LLMC_MEMSET(&a, 0, sizeof a);
    LLMC_MEMSET(e, 0, sizeof *e);
    e->model = model;
    LLMC__TRY(llmc__engine_defaults(&e->opt, model, opt, diag));
    e->batch.k = llmc__kernels_for(e->opt.cpu); /* which of them a type has decides on scratch */
    llmc__take(&a, 1, sizeof *e);
    return llmc__engine_carve(e, &a, q, diag);
}

/* llmc_engine_quote -- what an engine will take, by purpose       (ENGINE.carve)
   out  written on success only. Needs no memory: asking for several contexts is cheap.
   Errors: BAD_ARG, UNSUPPORTED, NO_MEMORY (more than this machine can address). */
LLMC_API llmc_status llmc_engine_quote(const llmc_model *model, const llmc_engine_options *opt,
                                       llmc_engine_memory *out, llmc_diag *diag)
{
    llmc_engine e;
    if (model == NULL || out == NULL)
        return LLMC__FAIL(diag, BAD_ARG, "ENGINE", LLMC_NO_OFFSET, "model and out must not be NULL");
    return llmc__engine_measure(&e, model, opt, out, diag);
}

/* llmc_engine_need -- bytes that llmc_engine_init will take       (ENGINE.carve)
   The total of llmc_engine_quote, alignment included: mem may begin anywhere.
   Errors: as llmc_engine_quote. */
LLMC_API llmc_status llmc_engine_need(const llmc_model *model, const llmc_engine_options *opt, size_t *bytes,
                                      llmc_diag *diag)
{
    llmc_engine_memory q;
    if (bytes == NULL)
        return LLMC__FAIL(diag, BAD_ARG, "ENGINE", LLMC_NO_OFFSET, "bytes must not be NULL");
    LLMC__TRY(llmc_engine_quote(model, opt, &q, diag));
    *bytes = (size_t)q.total;
    return LLMC_OK;
}

/* llmc_engine_init -- an engine in the caller's memory            (ENGINE.carve)
   mem [bytes], any alignment, need not be cleared; less than llmc_engine_need bytes is
   NO_MEMORY, and nothing is written then. *out is written on success only.
   What opt points to (tasks, log, progress, tap) is borrowed for the engine's life.
   Errors: as llmc_engine_quote. */
LLMC_API llmc_status llmc_engine_init(llmc_engine **out, const llmc_model *model,
                                      const llmc_engine_options *opt, void *mem, size_t bytes,
                                      llmc_diag *diag)
{
    llmc_engine measured, *e; /* measured: small, so the stack will do */
    llmc_engine_memory q;
    llmc__arena a;
    if (out == NULL || model == NULL || mem == NULL)
        return LLMC__FAIL(diag, BAD_ARG, "ENGINE", LLMC_NO_OFFSET, "out, model and mem must not be NULL");
    LLMC__TRY(llmc__engine_measure(&measured, model, opt, &q, diag));
    if (bytes < q.total)
        return LLMC__FAIL(diag, NO_MEMORY, "ENGINE", LLMC_NO_OFFSET, "%zu bytes given, %llu needed", bytes,
                          (unsigned long long)q.total);
    a = llmc__arena_over(mem, bytes);
    e = (llmc_engine *)llmc__take(&a, 1, sizeof *e);
    *e = measured; /* its options are resolved already; carving again fills in the pointers */
    LLMC__TRY(llmc__engine_carve(e, &a, NULL, diag));
    llmc__kv_reset(&e->kv);
    e->batch.model = model;
    e->batch.tasks = e->opt.tasks;
    e->batch.kv = e->kv.layout;
    /* the batch reads what the engine fills anew for each step */
    e->batch.ids = e->batch_ids;
    e->batch.prev = e->batch_prev;
    e->batch.pos = e->batch_pos;
    e->batch.end = e->batch_end;
    e->batch.pages = e->batch_pages;
    llmc__batch_init(&e->batch, e->opt.context_length);
    e->watch.log = e->opt.log;
    e->watch.tap = e->opt.tap;
    e->watch.check_finite = e->opt.check_finite;
    llmc__say(&e->opt.log, LLMC_LOG_INFO, "ENGINE", "%s kernels, %u workers, context %u, %llu bytes",
              e->batch.k->name, e->opt.tasks.workers, e->opt.context_length, (unsigned long long)q.total);
    *out = e;
    return LLMC_OK;
}

/* What the engine runs, the longest sequence it takes, and the name of its kernels. */
LLMC_API const llmc_model *llmc_engine_model(const llmc_engine *engine)
{
    return engine->model;
}

LLMC_API uint32_t llmc_engine_context(const llmc_engine *engine)
{
    return engine->opt.context_length;
}

LLMC_API const char *llmc_engine_isa(const llmc_engine *engine)
{
    return engine->batch.k->name;
}

//--[ 20.3 ENGINE.stream ]-- generated bytes become text: whole characters, no stop strings
/* A token's bytes may end inside a character, and may be no text at all. They pass three
   places: half (a character's first bytes), tail (whole characters that may begin a stop
   string), out (what is shown). Nothing that was shown is ever taken back.

   Appends one character to tail, or U+FFFD for a byte that is none; returns bytes read, 0
   when more are needed to tell and `last` is false. n >= 1. */
static size_t llmc__seq_char(llmc_seq *s, const char *bytes, size_t n, bool last)
{
    int length = llmc__utf8_length(bytes, n);
    if (length == 0 && !last)
        return 0;
    if (length > 0) {
        LLMC_MEMCPY(s->tail + s->n_tail, bytes, (size_t)length);
        s->n_tail += (size_t)length;
        return (size_t)length;
    }
    LLMC_MEMCPY(s->tail + s->n_tail, "\xef\xbf\xbd", 3);
    s->n_tail += 3;
    return length == 0 ? n : (size_t)-length;
}

/* Moves bytes [n] into tail as valid UTF-8, keeping back a character's first bytes. A
   character that earlier tokens began is completed first, one byte at a time. last: no
   more bytes will come, so an unfinished character becomes U+FFFD. tail has room: see
   text_cap in llmc__text_carve. */
static void llmc__seq_bytes(llmc_seq *s, const char *bytes, size_t n, bool last)
{
    size_t at = 0, used;
    while (s->n_half > 0) { /* at most 3 bytes here: 4 always tell */
        used = llmc__seq_char(s, s->half, s->n_half, last && at == n);
        LLMC_MEMMOVE(s->half, s->half + used, s->n_half - used);
        s->n_half -= (uint32_t)used;
        if (used == 0 && at == n)
            return;
        if (used == 0)
            s->half[s->n_half++] = bytes[at++];
    }
    while (at < n) {
        used = llmc__seq_char(s, bytes + at, n - at, last);
        if (used == 0) {
            s->n_half = (uint32_t)(n - at);
            LLMC_MEMCPY(s->half, bytes + at, n - at);
            return;
        }
        at += used;
    }
}

/* First place in tail where a stop string stands whole; n_tail if none does. tail is a
   token's text and at most a stop string's, so trying every place is quick enough. */
static size_t llmc__seq_stop(const llmc_seq *s)
{
    size_t best = s->n_tail, i, at;
    for (i = 0; i < s->opt.n_stop; i++) {
        size_t n = llmc__strlen(s->opt.stop[i]);
        for (at = 0; at + n <= s->n_tail && at < best; at++)
            if (LLMC_MEMCMP(s->tail + at, s->opt.stop[i], n) == 0)
                best = at;
    }
    return best;
}

/* Bytes at the end of tail that could be the beginning of a stop string: the longest
   such end of all of them. */
static size_t llmc__seq_held(const llmc_seq *s)
{
    size_t held = 0, i, n;
    for (i = 0; i < s->opt.n_stop; i++) {
        n = (size_t)llmc__min(llmc__strlen(s->opt.stop[i]) - 1, s->n_tail);
        for (; n > held; n--)
            if (LLMC_MEMCMP(s->tail + s->n_tail - n, s->opt.stop[i], n) == 0) {
                held = n;
                break;
            }
    }
    return held;
}

/* Moves what may be shown from tail to out and returns its length. A stop string ends the
   text before it; the beginning of one is held back unless the sequence ends anyway.
   *finish: how the sequence ends for other reasons; a stop string overrules them. */
static size_t llmc__seq_show(llmc_seq *s, llmc_finish *finish)
{
    size_t stop = llmc__seq_stop(s), n = s->n_tail;
    if (stop < s->n_tail) {
        *finish = LLMC_FINISH_STOP;
        n = s->n_tail = stop;
        s->n_half = 0;
    } else if (*finish == LLMC_FINISH_NONE) {
        n -= llmc__seq_held(s);
    }
    LLMC_MEMCPY(s->out, s->tail, n);
    s->out[n] = 0;
    LLMC_MEMMOVE(s->tail, s->tail + n, s->n_tail - n);
    s->n_tail -= n;
    return n;
}

/* Appends a chosen token, makes the piece that shows it, and settles how the sequence
   goes on. Room for the token has been checked. Of several reasons to end the order is:
   stop string, end token, max_tokens, full context. */
static void llmc__seq_emit(llmc_seq *s, llmc_token id, float logprob)
{
    llmc_finish finish = LLMC_FINISH_NONE;
    size_t n = 0;
#ifndef LLMC_NO_TOKEN
    const llmc_tokenizer *tok = s->engine->model->tokenizer;
    if (tok != NULL) {
        /* nothing but BOS before it: a text begins, and SentencePiece's first space goes */
        bool bos_only = s->n_ids == 1 && s->ids[0] == llmc_tokenizer_special(tok, LLMC_SPECIAL_BOS);
        if (llmc_token_ends(tok, id) && !s->opt.ignore_end)
            finish = LLMC_FINISH_END;
        n = llmc__token_bytes(tok, id, s->n_ids == 0 || bos_only, s->opt.show_special, s->out);
    }
#endif
    s->ids[s->n_ids++] = id;
    s->n_generated++;
    if (finish == LLMC_FINISH_NONE && s->opt.max_tokens > 0 && s->n_generated >= s->opt.max_tokens)
        finish = LLMC_FINISH_LENGTH;
    /* the token just chosen has the last position: none is left to read the next at */
    if (finish == LLMC_FINISH_NONE && s->n_ids >= s->engine->opt.context_length)
        finish = LLMC_FINISH_CONTEXT;
    llmc__seq_bytes(s, s->out, n, finish != LLMC_FINISH_NONE);
    s->piece.text_len = llmc__seq_show(s, &finish);
    s->piece.text = s->out;
    s->piece.token = id;
    s->piece.logprob = logprob;
    s->piece.finish = s->finish = finish;
    s->active = finish == LLMC_FINISH_NONE;
    s->has_piece = true;
}

/* Ends the sequence without a token, by an empty piece, so that who polls hears of it too. */
static void llmc__seq_end(llmc_seq *s, llmc_finish finish)
{
    LLMC_MEMSET(&s->piece, 0, sizeof s->piece);
    s->piece.token = LLMC_TOKEN_NONE;
    s->piece.text = "";
    s->piece.finish = s->finish = finish;
    s->active = false;
    s->has_piece = true;
}

//--[ 20.4 ENGINE.seq ]-- open, configure, add, truncate
/* llmc_seq_configure -- other options for an open sequence        (ENGINE.seq)
   opt  as llmc_seq_open takes it; NULL: all defaults. Tokens and what has been shown stay;
   the random numbers begin again from the new seed.
   Checks everything before anything changes, so that a refused change leaves the old options.
   Errors: BAD_ARG (a sampling option, a stop string's length, a bias's token). */
LLMC_API llmc_status llmc_seq_configure(llmc_seq *seq, const llmc_seq_options *opt, llmc_diag *diag)
{
    llmc_seq_options o;
    llmc_sample_options sample;
    size_t i;
    llmc__options(&o, sizeof o, opt);
    llmc__options(&sample, sizeof sample, o.sample);
    LLMC__TRY(llmc_sample_check(&sample, diag));
    if (o.n_stop > 0 && o.stop == NULL)
        return LLMC__FAIL(diag, BAD_ARG, "ENGINE.seq", LLMC_NO_OFFSET, "stop is NULL but n_stop is %zu",
                          o.n_stop);
    for (i = 0; i < o.n_stop; i++) {
        size_t n = o.stop[i] != NULL ? llmc__strlen(o.stop[i]) : 0;
        if (n == 0 || n > LLMC_STOP_MAX)
            return LLMC__FAIL(diag, BAD_ARG, "ENGINE.seq", LLMC_NO_OFFSET,
                              "stop string %zu has %zu bytes: 1 to %d expected", i, n, LLMC_STOP_MAX);
    }
    for (i = 0; i < sample.n_bias; i++)
        if ((uint32_t)sample.bias[i].token >= seq->engine->model->config.vocab_size)
            return LLMC__FAIL(diag, BAD_ARG, "ENGINE.seq", LLMC_NO_OFFSET,
                              "logit bias for token %d: the vocabulary has %u", sample.bias[i].token,
                              seq->engine->model->config.vocab_size);
    seq->opt = o;
    seq->sample = sample;
    seq->opt.sample = NULL; /* the caller's struct may go; ours is the copy */
    seq->rng = llmc_rng_seed(sample.seed);
    return LLMC_OK;
}

/* llmc_seq_open -- an empty sequence in a free slot               (ENGINE.seq)
   *out is written on success only, and good until llmc_seq_close. No page is taken yet.
   Errors: FULL (max_seqs are open), and those of llmc_seq_configure. */
LLMC_API llmc_status llmc_seq_open(llmc_seq **out, llmc_engine *engine, const llmc_seq_options *opt,
                                   llmc_diag *diag)
{
    uint32_t i;
    for (i = 0; i < engine->opt.max_seqs; i++) {
        llmc_seq *s = &engine->seqs[i];
        if (s->open)
            continue;
        s->engine = engine;
        LLMC__TRY(llmc_seq_configure(s, opt, diag));
        s->open = true;
        s->active = s->has_piece = false;
        s->n_ids = s->n_cached = s->n_generated = s->n_half = 0;
        s->n_tail = 0;
        s->finish = LLMC_FINISH_NONE;
        *out = s;
        return LLMC_OK;
    }
    return LLMC__FAIL(diag, FULL, "ENGINE.seq", LLMC_NO_OFFSET, "all %u sequences are open (max_seqs)",
                      engine->opt.max_seqs);
}

/* llmc_seq_close -- gives back pages and slot; NULL, or closed already: nothing happens
   The handle is dead: a later open may give the same address again. */
LLMC_API void llmc_seq_close(llmc_seq *seq)
{
    if (seq == NULL || !seq->open)
        return;
    llmc__kv_trim(&seq->engine->kv, &seq->table, 0);
    seq->open = seq->active = false;
}

/* The sequence starts to read: what an earlier answer left over is dropped, that is, a
   piece not taken and bytes held back. max_tokens counts from here. */
static void llmc__seq_wake(llmc_seq *s)
{
    s->active = s->n_ids > 0; /* no text, no BOS: there is nothing to read */
    s->has_piece = false;
    s->finish = LLMC_FINISH_NONE;
    s->n_generated = s->n_half = 0;
    s->n_tail = 0;
}

/* Whether n more tokens fit the context. One that fills it to the last position is read,
   but nothing can be generated after it. Errors: FULL. */
static llmc_status llmc__seq_room(const llmc_seq *s, size_t n, llmc_diag *diag)
{
    if (n <= s->engine->opt.context_length - s->n_ids)
        return LLMC_OK;
    return LLMC__FAIL(diag, FULL, "ENGINE.seq", LLMC_NO_OFFSET,
                      "%zu more tokens do not fit: %u of %u positions of the context are taken", n, s->n_ids,
                      s->engine->opt.context_length);
}

/* llmc_seq_add_ids -- tokens to be read next                      (ENGINE.seq)
   ids [n], copied; n may be 0. On failure the sequence is as it was.
   Errors: FULL (the context), BAD_ARG (an id outside the vocabulary). */
/* Checks ids [n] and puts them behind the sequence's own; wakes nobody. */
static llmc_status llmc__seq_append(llmc_seq *seq, const llmc_token *ids, size_t n, llmc_diag *diag)
{
    uint32_t vocab = seq->engine->model->config.vocab_size;
    size_t i;
    LLMC__TRY(llmc__seq_room(seq, n, diag));
    for (i = 0; i < n; i++)
        if ((uint32_t)ids[i] >= vocab)
            return LLMC__FAIL(diag, BAD_ARG, "ENGINE.seq", LLMC_NO_OFFSET,
                              "token %zu is %d: the vocabulary has %u", i, ids[i], vocab);
    if (n > 0)
        LLMC_MEMCPY(seq->ids + seq->n_ids, ids, n * sizeof *ids);
    seq->n_ids += (uint32_t)n;
    return LLMC_OK;
}

LLMC_API llmc_status llmc_seq_add_ids(llmc_seq *seq, const llmc_token *ids, size_t n, llmc_diag *diag)
{
    LLMC__TRY(llmc__seq_append(seq, ids, n, diag));
    llmc__seq_wake(seq);
    return LLMC_OK;
}

/* llmc_seq_add_text -- text to be read next                       (ENGINE.seq)
   text [len], any bytes. Control tokens written in it stay text: who speaks for others
   cannot forge a turn. A word cut by two adds is encoded as two.
   Encodes straight into the sequence's ids; n_ids moves only if all of it worked.
   Errors: FULL, NO_MEMORY (a word longer than text_bytes), UNSUPPORTED (no tokenizer). */
LLMC_API llmc_status llmc_seq_add_text(llmc_seq *seq, const char *text, size_t len, llmc_diag *diag)
{
#ifdef LLMC_NO_TOKEN
    (void)seq;
    (void)text;
    (void)len;
    return LLMC__FAIL(diag, UNSUPPORTED, "ENGINE.seq", LLMC_NO_OFFSET, "built with LLMC_NO_TOKEN: add ids");
#else
    llmc_engine *e = seq->engine;
    const llmc_tokenizer *tok = e->model->tokenizer;
    llmc_encode_options opt; /* parse_special stays off */
    size_t n = 0, room = e->opt.context_length - seq->n_ids;
    llmc_status status;
    if (tok == NULL)
        return LLMC__FAIL(diag, UNSUPPORTED, "ENGINE.seq", LLMC_NO_OFFSET,
                          "the model came without a tokenizer: give one, or add ids");
    LLMC_MEMSET(&opt, 0, sizeof opt);
    opt.add_bos = seq->n_ids == 0 && llmc_tokenizer_adds_bos(tok);
    status = llmc_encode(tok, text, len, &opt, e->work, e->work_bytes, seq->ids + seq->n_ids, room, &n, diag);
    if (status == LLMC_NO_MEMORY && n > room)
        return llmc__seq_room(seq, n, diag);
    if (status == LLMC_NO_MEMORY)
        return LLMC__FAIL(diag, NO_MEMORY, "ENGINE.seq", LLMC_NO_OFFSET,
                          "a word in the text is too long for the engine's text_bytes, %u",
                          e->opt.text_bytes);
    if (status != LLMC_OK)
        return status;
    seq->n_ids += (uint32_t)n;
    llmc__seq_wake(seq);
    return LLMC_OK;
#endif
}

/* llmc_seq_truncate -- forgets all from position n on             (ENGINE.seq)
   Pages beyond n go back to the pool. What is left goes on: unless n is 0, the next step
   reads its last token, again if need be, and chooses another after it.
   Errors: BAD_ARG (n is beyond the end). */
LLMC_API llmc_status llmc_seq_truncate(llmc_seq *seq, size_t n, llmc_diag *diag)
{
    if (n > seq->n_ids)
        return LLMC__FAIL(diag, BAD_ARG, "ENGINE.seq", LLMC_NO_OFFSET, "truncate to %zu: the sequence has %u",
                          n, seq->n_ids);
    llmc__seq_wake(seq);
    seq->n_ids = (uint32_t)n;
    seq->n_cached = (uint32_t)llmc__min(seq->n_cached, n);
    seq->active = n > 0;
    llmc__kv_trim(&seq->engine->kv, &seq->table, seq->n_cached);
    return LLMC_OK;
}

/* A view of the sequence's own ids [*n]; the next add, step or truncate changes it. */
LLMC_API const llmc_token *llmc_seq_ids(const llmc_seq *seq, size_t *n)
{
    *n = seq->n_ids;
    return seq->ids;
}

/* NONE until the last piece has been made, and again after the next add. */
LLMC_API llmc_finish llmc_seq_finish(const llmc_seq *seq)
{
    return seq->finish;
}

LLMC_API void *llmc_seq_user(const llmc_seq *seq)
{
    return seq->opt.user;
}

//--[ 20.5 ENGINE.step ]-- one batch over everybody who has something to do
/* Puts the sequence's tokens [n_cached, n_cached + n) at the end of the batch. Room in
   the batch and pages for them have been seen to. */
static void llmc__batch_push(llmc_engine *e, llmc_seq *s, uint32_t n)
{
    uint32_t i;
    for (i = 0; i < n; i++) {
        uint32_t at = e->batch.n++, pos = s->n_cached + i;
        e->batch_ids[at] = s->ids[pos];
        e->batch_pos[at] = pos;
        if (e->batch_prev != NULL)
            e->batch_prev[at] = s->ids[pos > 0 ? pos - 1 : 0];
        if (e->batch_end != NULL)
            e->batch_end[at] = s->n_cached + n;
        e->batch_pages[at] = s->table.page;
        e->batch_seq[at] = s;
    }
}

/* Fills the batch: those with one token left to read (who generate) in a first pass, long
   prompts with what room is left in a second, so that prompts delay nobody's stream.
   Returns how many sequences get logits, which are in want_seq, their places in want;
   *starved: somebody found no page. Each sequence comes at most once, its tokens side by
   side and in order, as llmc__forward asks. */
static uint32_t llmc__batch_fill(llmc_engine *e, bool *starved)
{
    uint32_t pass, i, n_want = 0, turn = e->next_prompt;
    e->batch.n = 0;
    for (pass = 0; pass < 2; pass++)
        for (i = 0; i < e->opt.max_seqs && e->batch.n < e->opt.batch_tokens; i++) {
            uint32_t slot = (uint32_t)(((uint64_t)e->next_prompt + i) % e->opt.max_seqs), left, n;
            llmc_seq *s = &e->seqs[slot];
            if (!s->open || !s->active || s->has_piece || s->n_ids == 0)
                continue;
            if (s->n_cached == s->n_ids) /* truncated: the last token's logits are wanted again */
                s->n_cached--;
            left = s->n_ids - s->n_cached;
            if ((left == 1) != (pass == 0)) /* each sequence belongs to one pass */
                continue;
            n = (uint32_t)llmc__min(left, e->opt.batch_tokens - e->batch.n);
            if (!llmc__kv_reserve(&e->kv, &s->table, s->n_cached + n)) {
                *starved = true;
                continue;
            }
            llmc__batch_push(e, s, n);
            if (n == left) { /* read to the end: a token can be chosen */
                e->want[n_want] = e->batch.n - 1;
                e->want_seq[n_want++] = s;
                if (pass == 1) /* the next prompt in turn; one that is not finished stays first */
                    turn = slot + 1;
            }
        }
    e->next_prompt = turn;
    return n_want;
}

/* After the batch: what was read is cached now; whoever reads more than one token hears of
   it. If the callback cancels, what has been computed stays: the next step goes on there.
   Those whose token was to be chosen read their last one again then.
   Errors: CANCELLED. */
static llmc_status llmc__batch_settle(llmc_engine *e, llmc_diag *diag)
{
    uint32_t t;
    for (t = 0; t < e->batch.n; t++) {
        llmc_seq *s = e->batch_seq[t];
        s->n_cached = e->batch_pos[t] + 1;
        if (((t > 0 && e->batch_seq[t - 1] == s) || s->n_generated == 0) &&
            (t + 1 == e->batch.n || e->batch_seq[t + 1] != s) &&
            !llmc__progress(&e->opt.progress, "reading", s->n_cached, s->n_ids))
            return LLMC__FAIL(diag, CANCELLED, "ENGINE.step", LLMC_NO_OFFSET,
                              "cancelled after %u of %u tokens", s->n_cached, s->n_ids);
    }
    return LLMC_OK;
}

/* Chooses the next token of one sequence from its logits [V]: the caller's chooser first,
   the sampler if that leaves it to us. Makes the sequence's piece.
   Errors: BAD_ARG (the chooser's token), NOT_FINITE; no token is added then. */
static llmc_status llmc__seq_choose(llmc_seq *s, float *logits, llmc_diag *diag)
{
    llmc_engine *e = s->engine;
    size_t vocab = e->model->config.vocab_size;
    llmc_token id = LLMC_TOKEN_NONE;
    float logprob = 0;
    llmc_status status = LLMC_OK;
    if (s->n_ids >= e->opt.context_length) { /* the prompt alone filled it */
        llmc__seq_end(s, LLMC_FINISH_CONTEXT);
        return LLMC_OK;
    }
    if (s->opt.chooser.fn != NULL)
        id = s->opt.chooser.fn(s->opt.chooser.user, s, logits, vocab);
    if (id == LLMC_TOKEN_NONE)
        status = llmc_sample(&s->sample, &s->rng, logits, vocab, s->ids, s->n_ids, e->sample_work,
                             e->sample_bytes, &id, &logprob, diag);
    else if ((uint32_t)id < vocab)
        logprob = llmc_logprob(logits, vocab, id);
    else
        status = LLMC__FAIL(diag, BAD_ARG, "ENGINE.step", LLMC_NO_OFFSET,
                            "the chooser returned token %d: the vocabulary has %zu", id, vocab);
    if (status == LLMC_OK)
        llmc__seq_emit(s, id, logprob);
    else
        llmc__seq_end(s, LLMC_FINISH_FAILED);
    return status;
}

/* llmc_engine_step -- one pass of the model over everybody         (ENGINE.step)
   Fill a batch, run it, note what is cached, choose tokens. If the pass
   fails, no sequence has another token than before; the step can then be tried again.
   Errors: DONE (nobody has anything to do), FULL (only those who find no page are left),
   CANCELLED, NOT_FINITE, BAD_ARG (a chooser; an encoder). */
LLMC_API llmc_status llmc_engine_step(llmc_engine *engine, llmc_diag *diag)
{
    bool starved = false;
    uint32_t n_want, i;
    llmc_status status = LLMC_OK, one;
    if (engine->model->config.no_head || engine->model->config.bidirectional)
        return LLMC__FAIL(diag, BAD_ARG, "ENGINE.step", LLMC_NO_OFFSET,
                          "%s models are encoders, which generate no text: use llmc_seq_embed",
                          engine->model->config.family);
    n_want = llmc__batch_fill(engine, &starved);
    if (engine->batch.n == 0 && starved) /* as long as others get on, pages may come free */
        return LLMC__FAIL(diag, FULL, "ENGINE.step", LLMC_NO_OFFSET,
                          "no page is free in the cache (kv_cache_capacity %llu)",
                          (unsigned long long)engine->opt.kv_cache_capacity);
    if (engine->batch.n == 0)
        return LLMC_DONE;
    LLMC__TRY(llmc__forward(&engine->batch, &engine->watch, engine->want, n_want, engine->logits, diag));
    LLMC__TRY(llmc__batch_settle(engine, diag));
    for (i = 0; i < n_want; i++) { /* one that fails stops nobody else; the first failure is reported */
        one = llmc__seq_choose(engine->want_seq[i],
                               engine->logits + (size_t)i * engine->model->config.vocab_size,
                               status == LLMC_OK ? diag : NULL);
        status = status == LLMC_OK ? one : status;
    }
    return status;
}

/* Taking the piece is what lets the sequence into the next batch. False, and *piece
   untouched, if there is none. */
LLMC_API bool llmc_seq_poll(llmc_seq *seq, llmc_piece *piece)
{
    if (!seq->has_piece)
        return false;
    *piece = seq->piece;
    seq->has_piece = false;
    return true;
}

/* llmc_seq_next -- the sequence's next piece, stepping until it has one
   (ENGINE.step)   The steps serve every other sequence, too: their pieces wait for
   llmc_seq_poll. *piece is always written; empty but for `finish` unless OK.
   Errors: DONE (finished), BAD_ARG (nothing was added), and those of llmc_engine_step. */
LLMC_API llmc_status llmc_seq_next(llmc_seq *seq, llmc_piece *piece, llmc_diag *diag)
{
    LLMC_MEMSET(piece, 0, sizeof *piece);
    piece->token = LLMC_TOKEN_NONE;
    piece->text = "";
    while (!llmc_seq_poll(seq, piece)) {
        piece->finish = seq->finish;
        if (seq->finish != LLMC_FINISH_NONE)
            return LLMC_DONE;
        if (!seq->active)
            return LLMC__FAIL(diag, BAD_ARG, "ENGINE.step", LLMC_NO_OFFSET,
                              "the sequence has nothing to read: add text or ids first");
        LLMC__TRY(llmc_engine_step(seq->engine, diag));
    }
    return LLMC_OK;
}

/* Appends ids [n] and runs them in one batch, by itself: other sequences wait. The final states of
   those at e->want [n_want], counted in ids, are left in the batch's x; with logits not NULL their logits
   are written, too. The sequence is idle afterwards; on failure it is as it was.
   Errors: BAD_ARG (an id), FULL (context, pages), NOT_FINITE. */
static llmc_status llmc__seq_pass(llmc_seq *seq, const llmc_token *ids, size_t n, uint32_t n_want,
                                  float *logits, llmc_diag *diag)
{
    llmc_engine *e = seq->engine;
    uint32_t before = seq->n_ids; /* to go back to on failure */
    llmc_status status;
    LLMC__TRY(llmc__seq_append(seq, ids, n, diag));
    if (!llmc__kv_reserve(&e->kv, &seq->table, seq->n_ids)) {
        seq->n_ids = before;
        return LLMC__FAIL(diag, FULL, "ENGINE.step", LLMC_NO_OFFSET,
                          "no page is free in the cache (kv_cache_capacity %llu)",
                          (unsigned long long)e->opt.kv_cache_capacity);
    }
    e->batch.n = 0;
    llmc__batch_push(e, seq, (uint32_t)n);
    status = llmc__forward(&e->batch, &e->watch, e->want, n_want, logits, diag);
    if (status != LLMC_OK) {
        seq->n_ids = before;
        llmc__kv_trim(&e->kv, &seq->table, before);
        return status;
    }
    llmc__seq_wake(seq);
    seq->active = false; /* nothing is sampled */
    seq->n_cached = seq->n_ids;
    return LLMC_OK;
}

/* llmc_seq_forward -- tokens in, their logits out, nothing chosen  (ENGINE.step)
   ids [n] are appended; logits [n_logits][V] of the last ones. In one batch, by itself:
   other sequences wait. The sequence is idle afterwards; llmc_seq_truncate to its own
   length lets it generate from there.
   Errors: BAD_ARG (n, n_logits, an id, tokens not read yet; logits of a model without a head, more
   tokens for one that looks both ways), FULL (context, pages), NOT_FINITE. */
LLMC_API llmc_status llmc_seq_forward(llmc_seq *seq, const llmc_token *ids, size_t n, float *logits,
                                      size_t n_logits, llmc_diag *diag)
{
    llmc_engine *e = seq->engine;
    const llmc_config *c = &e->model->config;
    uint32_t i;
    if (n == 0 || n > e->opt.batch_tokens || n_logits > n)
        return LLMC__FAIL(diag, BAD_ARG, "ENGINE.step", LLMC_NO_OFFSET,
                          "%zu tokens with %zu logits: 1 to %u tokens, and no more logits than tokens", n,
                          n_logits, e->opt.batch_tokens);
    if (seq->n_cached != seq->n_ids)
        return LLMC__FAIL(diag, BAD_ARG, "ENGINE.step", LLMC_NO_OFFSET,
                          "%u tokens added earlier are not read yet", seq->n_ids - seq->n_cached);
    if (c->no_head && n_logits > 0)
        return LLMC__FAIL(diag, BAD_ARG, "ENGINE.step", LLMC_NO_OFFSET,
                          "%s models have no head and give no logits: use llmc_seq_embed", c->family);
    if (c->bidirectional && seq->n_ids > 0)
        return LLMC__FAIL(diag, BAD_ARG, "ENGINE.step", LLMC_NO_OFFSET,
                          "%s models read a sequence in one go, and this one is not empty", c->family);
    for (i = 0; i < n_logits; i++)
        e->want[i] = (uint32_t)(n - n_logits) + i;
    return llmc__seq_pass(seq, ids, n, (uint32_t)n_logits, n_logits > 0 ? logits : NULL, diag);
}

//--[ 20.6 ENGINE.embed ]-- one vector for a whole text
/* Folds the final states of tokens [at, at + n) of `total`, which the batch just left in x, into out
   [D]; a running sum for the mean, in the order of the tokens, so the cut does not matter. */
static void llmc__embed_pool(const llmc_engine *e, llmc_pooling pooling, uint32_t n_want, float *out)
{
    size_t width = e->model->config.n_embd;
    uint32_t i;
    for (i = 0; i < n_want; i++)
        if (pooling == LLMC_POOL_MEAN)
            e->batch.k->add(out, e->batch.x + i * width, width);
        else
            LLMC_MEMCPY(out, e->batch.x + i * width, width * sizeof(float));
}

/* out [width] to length 1, summed in double; zeros stay. */
static void llmc__embed_unit(float *out, size_t width)
{
    double sum = 0;
    size_t i;
    for (i = 0; i < width; i++)
        sum += (double)out[i] * (double)out[i];
    sum = sum > 0 ? 1 / llmc__sqrt(sum) : 1;
    for (i = 0; i < width; i++)
        out[i] = (float)((double)out[i] * sum);
}

/* Feeds all of ids [n] batch by batch and pools into out. On failure the sequence holds what was read.
   Errors: those of llmc__seq_pass, CANCELLED. */
static llmc_status llmc__embed_run(llmc_seq *seq, const llmc_token *ids, size_t n, llmc_pooling pooling,
                                   float *out, llmc_diag *diag)
{
    llmc_engine *e = seq->engine;
    size_t at, count;
    for (at = 0; at < n; at += count) {
        uint32_t n_want = 0, i;
        count = (size_t)llmc__min(n - at, e->opt.batch_tokens);
        for (i = 0; i < count; i++)
            if (pooling == LLMC_POOL_MEAN || at + i == (pooling == LLMC_POOL_CLS ? 0 : n - 1))
                e->want[n_want++] = i;
        LLMC__TRY(llmc__seq_pass(seq, ids + at, count, n_want, NULL, diag));
        llmc__embed_pool(e, pooling, n_want, out);
        if (!llmc__progress(&e->opt.progress, "reading", at + count, n))
            return LLMC__FAIL(diag, CANCELLED, "ENGINE.embed", LLMC_NO_OFFSET,
                              "cancelled after %zu of %zu tokens", at + count, n);
    }
    return LLMC_OK;
}

/* llmc_seq_embed -- a text as one vector                           (ENGINE.embed)
   ids [n] are read by an empty sequence, which is empty again afterwards, after failures too. out [D]
   is pooled from the states after the last norm and has length 1 (zeros if they cancel); written
   on failure, too. Batch by batch, except that a model that looks both ways needs all of them in one.
   Errors: BAD_ARG (n, an id, pooling, a sequence that holds tokens), FULL (context, pages), NOT_FINITE,
   CANCELLED. */
LLMC_API llmc_status llmc_seq_embed(llmc_seq *seq, const llmc_token *ids, size_t n, llmc_pooling pooling,
                                    float *out, llmc_diag *diag)
{
    llmc_engine *e = seq->engine;
    const llmc_config *c = &e->model->config;
    llmc_status status;
    if (pooling == LLMC_POOL_DEFAULT)
        pooling = c->pooling == LLMC_POOL_DEFAULT ? LLMC_POOL_MEAN : c->pooling;
    if (n == 0 || seq->n_ids > 0 || (unsigned)pooling > LLMC_POOL_LAST)
        return LLMC__FAIL(diag, BAD_ARG, "ENGINE.embed", LLMC_NO_OFFSET,
                          "%zu tokens, pooling %d, %u tokens in the sequence: some tokens, a pooling and an "
                          "empty sequence are expected",
                          n, (int)pooling, seq->n_ids);
    LLMC__TRY(llmc__seq_room(seq, n, diag));
    if (c->bidirectional && n > e->opt.batch_tokens)
        return LLMC__FAIL(diag, BAD_ARG, "ENGINE.embed", LLMC_NO_OFFSET,
                          "%zu tokens: %s models read a text in one batch, and batch_tokens is %u", n,
                          c->family, e->opt.batch_tokens);
    LLMC_MEMSET(out, 0, c->n_embd * sizeof *out);
    status = llmc__embed_run(seq, ids, n, pooling, out, diag);
    if (status == LLMC_OK)
        llmc__embed_unit(out, c->n_embd);
    (void)llmc_seq_truncate(seq, 0, NULL); /* 0 is always within it */
    return status;
}

//--[ 20.7 ENGINE.lend ]-- memory for the section above
/* For CHAT: memory to write a conversation in, for its encoding, and for its ids. All
   three are free between calls; no step touches them. */
LLMC__UNUSED static char *llmc__engine_text(llmc_engine *e, size_t *cap)
{
    *cap = e->opt.text_bytes;
    return e->text;
}

LLMC__UNUSED static void *llmc__engine_work(llmc_engine *e, size_t *bytes)
{
    *bytes = e->work_bytes;
    return e->work;
}

LLMC__UNUSED static llmc_token *llmc__engine_ids(llmc_engine *e, size_t *cap)
{
    *cap = e->opt.context_length;
    return e->ids;
}

//==[ 21 CHAT ]==== conversations as tokens ==== needs: 03 04 13 14 20 ====
#ifndef LLMC_NO_CHAT

//--[ 21.1 CHAT.format ]-- what stands around a message
/* A message becomes before, its role, between, its text, after; and before,
   "assistant", between open the answer. RAW writes no roles; LLAMA2 has a shape of
   its own (CHAT.render). The opening BOS is never here: the encoder adds it. */
typedef struct llmc__chat_style {
    const char *name;                     /* as options spell it                           */
    const char *before, *between, *after; /* never NULL; control tokens as they are stored */
    bool trim;                            /* white space around a message's text is dropped */
    const char *sign;                     /* in a model's template: it has this format      */
    const char *opener;                   /* control tokens of a vocabulary made for it, if */
    const char *closer;                   /*   there is no template                         */
} llmc__chat_style;

/* Rows by llmc_chat_format. Sources: ChatML as OpenAI published it; the model card
   of Llama 3; Touvron 2023 for Llama 2; the model cards of Zephyr and TinyLlama 1.0.
   What makers' templates do beyond it is not done here: Qwen 2.5 adds a system message
   of its own if there is none, Llama 3.1 and 3.2 put dates before the system message. */
static const llmc__chat_style llmc__chat_styles[LLMC_CHAT_FORMAT_COUNT] = {
    {"auto", "", "", "", false, NULL, NULL, NULL},
    {"raw", "", "", "", false, NULL, NULL, NULL},
    {"chatml", "<|im_start|>", "\n", "<|im_end|>\n", false, "<|im_start|>", "<|im_start|>", "<|im_end|>"},
    {"llama2", "", "", "", true, "<<SYS>>", NULL, NULL},
    {"llama3", "<|start_header_id|>", "<|end_header_id|>\n\n", "<|eot_id|>", true, "<|start_header_id|>",
     "<|start_header_id|>", "<|eot_id|>"},
    {"zephyr", "<|", "|>\n", "</s>\n", false, "<|user|>\n' + message['content'] + eos_token", NULL, NULL}};

/* "auto", "raw", "chatml", "llama2", "llama3", "zephyr"; "unknown" for any other number. Never
   NULL; the same names that llmc_chat_format_named takes. */
LLMC_API const char *llmc_chat_format_name(llmc_chat_format format)
{
    return (unsigned)format < LLMC_CHAT_FORMAT_COUNT ? llmc__chat_styles[format].name : "unknown";
}

/* By name, in any case; AUTO has one, too. Errors: NOT_FOUND; *out is then untouched. */
LLMC_API llmc_status llmc_chat_format_named(const char *name, llmc_chat_format *out)
{
    int f;
    for (f = 0; f < LLMC_CHAT_FORMAT_COUNT; f++) {
        const char *a = name, *b = llmc__chat_styles[f].name;
        while (*a != 0 && llmc__lower(*a) == *b) {
            a++;
            b++;
        }
        if (*a == 0 && *b == 0) {
            *out = (llmc_chat_format)f;
            return LLMC_OK;
        }
    }
    return LLMC_NOT_FOUND;
}

/* Templates are a few kilobytes and looked at once: no need for a clever search. */
static bool llmc__chat_contains(const char *text, size_t n, const char *part)
{
    const size_t len = llmc__strlen(part);
    size_t i;
    for (i = 0; i + len <= n; i++)
        if (LLMC_MEMCMP(text + i, part, len) == 0)
            return true;
    return false;
}

/* The format whose sign a template holds; RAW if it is some other one. Rows come in
   order, so a template that holds two signs has the first row's format. */
static llmc_chat_format llmc__chat_format_in(const char *chat_template, size_t n)
{
    int f;
    for (f = 0; f < LLMC_CHAT_FORMAT_COUNT; f++)
        if (llmc__chat_styles[f].sign != NULL &&
            llmc__chat_contains(chat_template, n, llmc__chat_styles[f].sign))
            return (llmc_chat_format)f;
    return LLMC_CHAT_RAW;
}

#ifndef LLMC_NO_TOKEN
/* Whether text is one token that people cannot type: then the model was made to see it. */
static bool llmc__chat_has_control(const llmc_tokenizer *tok, const char *text)
{
    llmc_token_info info;
    llmc_token id = llmc_token_find(tok, text, llmc__strlen(text));
    return id != LLMC_TOKEN_NONE && llmc_token_get(tok, id, &info) == LLMC_OK &&
           (info.kind == LLMC_TOKEN_CONTROL || info.kind == LLMC_TOKEN_USER);
}
#endif

/* llmc_chat_format_of -- which format does the model speak?            (CHAT.format)
   A template alone decides, even if it is one that is not known here (RAW): a
   vocabulary may hold the tokens of the model it descends from. */
LLMC_API llmc_chat_format llmc_chat_format_of(const llmc_model *model)
{
    size_t n = 0;
    const char *chat_template = llmc_model_chat_template(model, &n);
    if (chat_template != NULL)
        return llmc__chat_format_in(chat_template, n);
#ifndef LLMC_NO_TOKEN
    if (llmc_model_tokenizer(model) != NULL) {
        const llmc_tokenizer *tok = llmc_model_tokenizer(model);
        int f;
        for (f = 0; f < LLMC_CHAT_FORMAT_COUNT; f++) {
            const llmc__chat_style *s = &llmc__chat_styles[f];
            if (s->opener != NULL && llmc__chat_has_control(tok, s->opener) &&
                llmc__chat_has_control(tok, s->closer))
                return (llmc_chat_format)f;
        }
    }
#endif
    return LLMC_CHAT_RAW;
}

//--[ 21.2 CHAT.check ]-- roles, and their order where a format cannot do without
/* BAD_ARG about message i, counted from 0. what: a whole clause, of our own words. */
static llmc_status llmc__chat_bad(llmc_diag *diag, size_t i, const char *what)
{
    (void)i;
    (void)what;
    return LLMC__FAIL(diag, BAD_ARG, "CHAT.check", LLMC_NO_OFFSET, "message %zu: %s", i, what);
}

/* Llama 2: perhaps a system message, then user and assistant in turn; its format has no
   place for anything else. n >= 1, roles are not NULL. Errors: BAD_ARG. */
static llmc_status llmc__chat_check_turns(const llmc_message *m, size_t n, llmc_diag *diag)
{
    const size_t first = llmc__streq(m[0].role, "system") ? 1 : 0;
    size_t i;
    for (i = first; i < n; i++) {
        const char *expected = (i - first) % 2 == 0 ? "user" : "assistant";
        if (!llmc__streq(m[i].role, expected))
            return LLMC__FAIL(diag, BAD_ARG, "CHAT.check", LLMC_NO_OFFSET,
                              "message %zu: llama2 wants the role %s here, not %s", i, expected, m[i].role);
    }
    return first < n ? LLMC_OK : llmc__chat_bad(diag, 0, "llama2 wants a user's message after the system's");
}

/* Everything a conversation can be wrong in. A role that is none of the three is an
   error even in RAW, which does not write it: a misspelt one would go unseen. System
   messages later on are as good as any; of whom it is the turn matters: after an
   assistant's message an assistant would answer itself.
   Errors: BAD_ARG, naming the message. */
static llmc_status llmc__chat_check(llmc_chat_format format, const llmc_message *m, size_t n, llmc_diag *diag)
{
    size_t i;
    if ((unsigned)format >= LLMC_CHAT_FORMAT_COUNT || format == LLMC_CHAT_AUTO)
        return LLMC__FAIL(diag, BAD_ARG, "CHAT.check", LLMC_NO_OFFSET,
                          "format %d cannot be written; llmc_chat_format_of finds a model's", (int)format);
    if (n == 0 || m == NULL)
        return LLMC__FAIL(diag, BAD_ARG, "CHAT.check", LLMC_NO_OFFSET, "there are no messages");
    for (i = 0; i < n; i++) {
        if (m[i].role == NULL || m[i].text == NULL)
            return llmc__chat_bad(diag, i, "role or text is NULL");
        if (!llmc__streq(m[i].role, "system") && !llmc__streq(m[i].role, "user") &&
            !llmc__streq(m[i].role, "assistant"))
            return LLMC__FAIL(diag, BAD_ARG, "CHAT.check", LLMC_NO_OFFSET,
                              "message %zu: the role is \"%s\"; it has to be system, user or assistant", i,
                              m[i].role);
    }
    if (format != LLMC_CHAT_RAW && llmc__streq(m[n - 1].role, "assistant"))
        return llmc__chat_bad(diag, n - 1, "the last message is the assistant's, whose turn it is");
    return format == LLMC_CHAT_LLAMA2 ? llmc__chat_check_turns(m, n, diag) : LLMC_OK;
}

//--[ 21.3 CHAT.render ]-- messages to text
/* Writes while there is room and counts on when there is not, so that one call tells
   what the next needs. */
typedef struct llmc__chat_out {
    char *text;
    size_t cap;
    uint64_t len; /* what all of it takes, written or not */
    bool failed;  /* the length overflowed */
} llmc__chat_out;

/* Bytes s [n]: all of them, or none where they no longer fit. */
static void llmc__chat_put_n(llmc__chat_out *o, const char *s, size_t n)
{
    if (n > 0 && o->len <= o->cap && n <= o->cap - o->len)
        LLMC_MEMCPY(o->text + o->len, s, n);
    if (!llmc__add(o->len, n, &o->len))
        o->failed = true;
}

/* The frame around texts: strings of our own, where control tokens stand. */
static void llmc__chat_put(llmc__chat_out *o, const char *s)
{
    llmc__chat_put_n(o, s, llmc__strlen(s));
}

/* ASCII white space. The makers' templates trim Unicode's as well. */
static bool llmc__chat_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A message's own text, without white space before and after it if so asked;
   span, which may be NULL, gets where it lies. s is read as bytes: what is no UTF-8
   goes to the encoder as it is. */
static void llmc__chat_put_text(llmc__chat_out *o, const char *s, bool trim_left, bool trim_right,
                                llmc_span *span)
{
    size_t n;
    while (trim_left && llmc__chat_space(*s))
        s++;
    n = llmc__strlen(s);
    while (trim_right && n > 0 && llmc__chat_space(s[n - 1]))
        n--;
    if (span != NULL)
        span->begin = (size_t)o->len;
    llmc__chat_put_n(o, s, n);
    if (span != NULL)
        span->end = (size_t)o->len;
}

/* [INST] <<SYS>>\n system \n<</SYS>>\n\n user [/INST] assistant </s><s>[INST] user [/INST]
   System and first user text are trimmed as one. [INST] is plain text to Llama 2,
   so unlike control tokens it cannot be told from a user's own. */
static void llmc__chat_llama2(llmc__chat_out *o, const llmc_message *m, size_t n, llmc_span *plain)
{
    const size_t first = llmc__streq(m[0].role, "system") ? 1 : 0; /* the first user's message */
    size_t i;
    llmc__chat_put(o, "[INST] ");
    if (first == 1) {
        llmc__chat_put(o, "<<SYS>>\n");
        llmc__chat_put_text(o, m[0].text, false, false, plain);
        llmc__chat_put(o, "\n<</SYS>>\n\n");
    }
    for (i = first; i < n; i++) {
        const bool user = (i - first) % 2 == 0;
        if (user && i > first)
            llmc__chat_put(o, "</s><s>[INST] "); /* each exchange is a sequence of its own */
        llmc__chat_put_text(o, m[i].text, i == 0 || i > first, true, plain != NULL ? plain + i : NULL);
        llmc__chat_put(o, user && i + 1 < n ? " [/INST] " : user ? " [/INST]" : " ");
    }
}

/* The formats that a row of the table describes: n messages, then the opening of the
   answer. roles false: texts alone, which is RAW. */
static void llmc__chat_turns(llmc__chat_out *o, const llmc__chat_style *s, bool roles, const llmc_message *m,
                             size_t n, llmc_span *plain)
{
    size_t i;
    for (i = 0; i < n; i++) {
        llmc__chat_put(o, s->before);
        llmc__chat_put(o, roles ? m[i].role : "");
        llmc__chat_put(o, s->between);
        llmc__chat_put_text(o, m[i].text, s->trim, s->trim, plain != NULL ? plain + i : NULL);
        llmc__chat_put(o, s->after);
    }
    llmc__chat_put(o, s->before);
    llmc__chat_put(o, roles ? "assistant" : "");
    llmc__chat_put(o, s->between);
}

/* llmc_chat_render -- a conversation as text                           (CHAT.render)
   text [cap], not NUL-terminated; *len bytes are needed, also when cap is too small
   (NO_MEMORY; text then holds nothing of use). plain [n_messages] may be NULL.
   ASCII white space around a text is dropped where the format's makers do so.
   Errors: BAD_ARG (format AUTO, role, order, NULL), NO_MEMORY. */
LLMC_API llmc_status llmc_chat_render(llmc_chat_format format, const llmc_message *messages,
                                      size_t n_messages, char *text, size_t cap, size_t *len,
                                      llmc_span *plain, llmc_diag *diag)
{
    llmc__chat_out o;
    LLMC__TRY(llmc__chat_check(format, messages, n_messages, diag));
    o.text = text;
    o.cap = cap;
    o.len = 0;
    o.failed = false;
    if (format == LLMC_CHAT_LLAMA2)
        llmc__chat_llama2(&o, messages, n_messages, plain);
    else
        llmc__chat_turns(&o, &llmc__chat_styles[format], format != LLMC_CHAT_RAW, messages, n_messages,
                         plain);
    if (o.failed || o.len > SIZE_MAX)
        return LLMC__FAIL(diag, BAD_ARG, "CHAT.render", LLMC_NO_OFFSET,
                          "the conversation is too long to address");
    *len = (size_t)o.len;
    if (*len > cap)
        return LLMC__FAIL(diag, NO_MEMORY, "CHAT.render", LLMC_NO_OFFSET,
                          "the conversation takes %zu bytes of text, but there is room for %zu", *len, cap);
    return LLMC_OK;
}

//--[ 21.4 CHAT.seq ]-- a sequence that follows a conversation
#ifndef LLMC_NO_TOKEN
/* The conversation as ids in the engine's buffer: *out [*n], good until the next call.
   Spans lie at the head of the encoder's work memory, so a longer conversation needs no
   stack; the encoder gets the rest, aligned as it was.
   Errors: those of llmc_chat_render, NO_MEMORY (text_bytes), FULL (the context),
   UNSUPPORTED (no tokenizer). */
static llmc_status llmc__chat_ids(llmc_engine *e, llmc_chat_format format, const llmc_message *m,
                                  size_t n_messages, const llmc_token **out, size_t *n, llmc_diag *diag)
{
    const llmc_tokenizer *tok = llmc_model_tokenizer(llmc_engine_model(e));
    size_t text_cap, work_bytes, ids_cap, len, aligned; /* aligned: bytes before the spans */
    char *text = llmc__engine_text(e, &text_cap);
    uint8_t *work = (uint8_t *)llmc__engine_work(e, &work_bytes);
    llmc_token *ids = llmc__engine_ids(e, &ids_cap);
    llmc_encode_options opt;
    llmc_status status;
    uint64_t spans;
    if (tok == NULL)
        return LLMC__FAIL(diag, UNSUPPORTED, "CHAT.seq", LLMC_NO_OFFSET, "the model has no tokenizer");
    aligned = (LLMC__ALIGN - (uintptr_t)work % LLMC__ALIGN) % LLMC__ALIGN;
    if (!llmc__mul(n_messages, sizeof(llmc_span), &spans) ||
        !llmc__add(spans, aligned + LLMC__ALIGN - 1, &spans) || spans > work_bytes)
        return LLMC__FAIL(diag, NO_MEMORY, "CHAT.seq", LLMC_NO_OFFSET,
                          "%zu messages are too many for the engine's text_bytes", n_messages);
    spans -= (spans - aligned) % LLMC__ALIGN; /* whole lines, so that the rest stays aligned */
    LLMC_MEMSET(&opt, 0, sizeof opt);
    opt.add_bos = llmc_tokenizer_adds_bos(tok);
    opt.parse_special = true; /* of the frame; the messages' own text is plain */
    opt.plain = (const llmc_span *)(void *)(work + aligned);
    opt.n_plain = n_messages;
    LLMC__TRY(llmc_chat_render(format, m, n_messages, text, text_cap, &len,
                               (llmc_span *)(void *)(work + aligned), diag));
    *n = 0;
    status =
        llmc_encode(tok, text, len, &opt, work + spans, work_bytes - (size_t)spans, ids, ids_cap, n, diag);
    if (status == LLMC_NO_MEMORY && *n > ids_cap)
        return LLMC__FAIL(diag, FULL, "CHAT.seq", LLMC_NO_OFFSET,
                          "the conversation has %zu tokens, but the context only %zu", *n, ids_cap);
    *out = ids;
    return status;
}
#endif

/* llmc_seq_chat -- make the sequence hold this conversation               (CHAT.seq)
   AUTO asks the model. At least one token is left to be read, so that a conversation
   already held is answered anew. On failure the sequence is as it was, unless adding
   itself fails. Errors: as llmc_chat_render, UNSUPPORTED (no tokenizer), FULL. */
LLMC_API llmc_status llmc_seq_chat(llmc_seq *seq, llmc_chat_format format, const llmc_message *messages,
                                   size_t n_messages, llmc_diag *diag)
{
#ifdef LLMC_NO_TOKEN
    (void)seq;
    (void)format;
    (void)messages;
    (void)n_messages;
    return LLMC__FAIL(diag, UNSUPPORTED, "CHAT.seq", LLMC_NO_OFFSET,
                      "this build has no tokenizers (LLMC_NO_TOKEN)");
#else
    const llmc_token *have, *want = NULL;
    size_t n_have, n_want, same = 0;
    if (format == LLMC_CHAT_AUTO)
        format = llmc_chat_format_of(llmc_engine_model(seq->engine));
    LLMC__TRY(llmc__chat_ids(seq->engine, format, messages, n_messages, &want, &n_want, diag));
    if (n_want == 0)
        return LLMC__FAIL(diag, BAD_ARG, "CHAT.seq", LLMC_NO_OFFSET, "the conversation is empty");
    have = llmc_seq_ids(seq, &n_have);
    /* the common beginning stays in the cache; encoding an answer again may give other
       tokens than were generated, and then the rest is read anew from there */
    while (same < n_have && same < n_want - 1 && have[same] == want[same])
        same++;
    LLMC__TRY(llmc_seq_truncate(seq, same, diag)); /* neither can fail: n_want fits the context */
    return llmc_seq_add_ids(seq, want + same, n_want - same, diag);
#endif
}

#endif /* LLMC_NO_CHAT */

//==[ 22 GRAD ]==== backward passes: place kept, nothing here yet ==== needs: - ====

//==[ 23 OPTIM ]==== optimisers and schedules: place kept, nothing here yet ==== needs: - ====

//==[ 24 TRAIN ]==== trainer, data loader, checkpoints, LoRA: place kept, nothing here yet ==== needs: - ====

//==[ 25 INDEX ]==== cosine index: place kept, nothing here yet ==== needs: - ====

#ifndef LLMC_NO_OS
//==[ 26 OS ]==== files, threads and memory of a hosted system ==== needs: 02 03 04 14 20 ====

//--[ 26.1 OS.headers ]-- the only system headers in this file
#ifdef __cplusplus
} /* system headers bring their own linkage */
#endif
#if defined(_WIN32)
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#else
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__) /* for sched_getaffinity, see llmc__processors */
#include <sys/syscall.h>
#endif
#if !defined(MAP_ANONYMOUS) && defined(MAP_ANON)
#define MAP_ANONYMOUS MAP_ANON
#endif
#if !defined(MAP_ANONYMOUS) || !defined(CLOCK_MONOTONIC)
#error "llmc.h: include it before system headers, or compile with -std=gnu11 or -D_DEFAULT_SOURCE"
#endif
#endif
#ifdef __cplusplus
extern "C" {
#endif

//--[ 26.2 OS.reason ]-- why the system refused, in words
/* Reasons of our own; the system's are positive. */
enum {
    LLMC__WHY_KIND = -1,  /* neither a file nor a directory   */
    LLMC__WHY_SPACE = -2, /* more bytes than addresses        */
    LLMC__WHY_SHORT = -3, /* ended before its size            */
    LLMC__WHY_DIR = -4,   /* a directory where a file belongs */
    LLMC__WHY_PATH = -5   /* not a name that files can have   */
};

/* One row of the table below: a code of ours, errno's or GetLastError's. */
typedef struct llmc__reason {
    int code;
    const char *text;
} llmc__reason;

/* A table, because strerror is not safe in threads and strerror_r has two types. NULL:
   a code that is not in it. */
LLMC__UNUSED static const char *llmc__reason_text(int code)
{
    static const llmc__reason table[] = {
        {LLMC__WHY_KIND, "not a regular file"},
        {LLMC__WHY_SPACE, "too large for this machine's addresses"},
        {LLMC__WHY_SHORT, "became shorter while it was read"},
        {LLMC__WHY_DIR, "is a directory"},
        {LLMC__WHY_PATH, "not a valid file name"},
#if defined(_WIN32)
        {ERROR_FILE_NOT_FOUND, "no such file"},
        {ERROR_PATH_NOT_FOUND, "no such directory"},
        {ERROR_ACCESS_DENIED, "permission denied"},
        {ERROR_SHARING_VIOLATION, "in use by another program"},
        {ERROR_NOT_ENOUGH_MEMORY, "not enough memory"},
        {ERROR_COMMITMENT_LIMIT, "not enough memory"},
        {ERROR_INVALID_NAME, "not a valid file name"},
        {ERROR_CRC, "the device cannot be read"},
#else
        {ENOENT, "no such file"},
        {ENOTDIR, "a part of the path is not a directory"},
        {EACCES, "permission denied"},
        {EPERM, "permission denied"},
        {ENAMETOOLONG, "the name is too long"},
        {ELOOP, "too many symbolic links"},
        {EMFILE, "too many open files"},
        {ENFILE, "too many open files in the system"},
        {ENOMEM, "not enough memory"},
        {EAGAIN, "the system has no more to give at the moment"},
        {ENODEV, "this file system cannot map files into memory"},
        {EOVERFLOW, "too large for this machine's addresses"},
        {EIO, "the device cannot be read"},
        {ESTALE, "the file has gone from its server"},
#endif
    };
    size_t i;
    for (i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].code == code)
            return table[i].text;
    return NULL;
}

/* The end of a path, short enough that the reason after it still fits the message: a
   path's end tells more than its beginning. */
LLMC__UNUSED static const char *llmc__path_tail(const char *path)
{
    const size_t most = 160;
    size_t n = llmc__strlen(path), at = n > most ? n - most : 0;
    while (at > 0 && ((unsigned char)path[at] & 0xc0) == 0x80)
        at++; /* not in the middle of a character */
    return path + at;
}

/* IO: "path: reason", or the system's number where the table has no words for it. */
static llmc_status llmc__os_fail(llmc_diag *diag, const char *tag, const char *path, int code)
{
    const char *text = llmc__reason_text(code);
    if (text == NULL)
        return LLMC__FAIL(diag, IO, tag, LLMC_NO_OFFSET, "%s: system error %d", llmc__path_tail(path), code);
    return LLMC__FAIL(diag, IO, tag, LLMC_NO_OFFSET, "%s: %s", llmc__path_tail(path), text);
}

#if !defined(_WIN32)
//--[ 26.3 OS.posix ]-- what Linux, macOS and their kin offer
/* 26.3 and 26.4 define the same names with the same contracts, so that nothing
   after them asks which system it is. Where `int` is returned, 0 is success and
   anything else a reason of 26.2. */
typedef int llmc__file; /* a descriptor */
typedef pthread_t llmc__thread;
typedef pthread_mutex_t llmc__mutex;
typedef pthread_cond_t llmc__cond;

/* Opens a regular file for reading: *out and *size, or a reason and neither. O_NONBLOCK,
   since opening a pipe would wait for its writer, perhaps for ever. O_CLOEXEC, so that
   programs the caller starts do not inherit it. */
static int llmc__file_open(llmc__file *out, const char *path, uint64_t *size)
{
    struct stat st;
    int fd, why = 0;
    do
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return errno;
    if (fstat(fd, &st) != 0)
        why = errno;
    else if (S_ISDIR(st.st_mode))
        why = LLMC__WHY_DIR;
    else if (!S_ISREG(st.st_mode) || st.st_size < 0)
        why = LLMC__WHY_KIND;
    if (why != 0) {
        close(fd);
        return why;
    }
    *size = (uint64_t)st.st_size;
    *out = fd;
    return 0;
}

/* A mapping outlives its file. */
static void llmc__file_close(llmc__file file)
{
    close(file);
}

/* size > 0 bytes read-only; private, so that no other program's mapping is affected.
   *out is page-aligned and written on success only. */
static int llmc__file_map(llmc__file file, size_t size, void **out)
{
    void *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (p == MAP_FAILED)
        return errno;
    *out = p;
    return 0;
}

/* All n bytes at offset, however many calls that takes. */
static int llmc__file_read(llmc__file file, uint64_t offset, void *dst, size_t n)
{
    uint8_t *to = (uint8_t *)dst;
    while (n > 0) {
        ssize_t got = pread(file, to, n, (off_t)offset); /* may be less than n: a limit of 2 GiB */
        if (got < 0 && errno == EINTR)                   /* a signal handler ran */
            continue;
        if (got < 0)
            return errno;
        if (got == 0)
            return LLMC__WHY_SHORT; /* the end, before n bytes */
        to += got;
        offset += (uint64_t)got;
        n -= (size_t)got;
    }
    return 0;
}

/* Whether much of a mapping would have to come from the disk: more than one in
   eight of 64 places. Unknown counts as no; the kernel also says "all there" of
   files that this user may not write. */
static bool llmc__file_cold(const void *map, size_t size)
{
#if defined(__linux__)
    const size_t samples = 64; /* spread evenly; in double, so that nothing overflows */
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = size / page, i, cold = 0;
    for (i = 0; i < samples; i++) {
        size_t at = (size_t)((double)pages * (double)i / (double)samples) * page;
        unsigned char resident = 1; /* what mincore cannot tell counts as there */
        if (mincore((uint8_t *)(uintptr_t)map + at, 1, &resident) == 0 && (resident & 1) == 0)
            cold++;
    }
    return cold > samples / 8;
#else
    (void)map;
    (void)size;
    return false;
#endif
}

/* bytes > 0 zeroed, page-aligned, counted as used only once they are touched; NULL: refused. */
static void *llmc__pages_take(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
#if defined(MADV_HUGEPAGE)
    /* Large pages make streaming through a cache or a model's copy markedly faster; a small
       block would only waste what it rounds up to. The system may ignore the wish. */
    if (bytes >= (size_t)16 << 20)
        (void)madvise(p, bytes, MADV_HUGEPAGE);
#endif
    return p;
}

/* bytes as given to llmc__pages_take. */
static void llmc__pages_drop(void *p, size_t bytes)
{
    munmap(p, bytes);
}

/* What llmc__file_map gave, or pages with a copy of a file. */
static void llmc__unmap(void *p, size_t bytes)
{
    munmap(p, bytes);
}

#define LLMC__MUTEX_INIT(m)    pthread_mutex_init(m, NULL)
#define LLMC__MUTEX_DESTROY(m) pthread_mutex_destroy(m)
#define LLMC__LOCK(m)          pthread_mutex_lock(m)
#define LLMC__UNLOCK(m)        pthread_mutex_unlock(m)
#define LLMC__COND_INIT(c)     pthread_cond_init(c, NULL)
#define LLMC__COND_DESTROY(c)  pthread_cond_destroy(c)
#define LLMC__COND_WAIT(c, m)  pthread_cond_wait(c, m) /* may return for no reason: loop */
#define LLMC__COND_WAKE(c)     pthread_cond_signal(c)  /* one of those that wait         */

/* A thread's function: LLMC__THREAD_MAIN(name, arg) { ... LLMC__THREAD_END; } */
#define LLMC__THREAD_MAIN(name, arg) static void *name(void *arg)
#define LLMC__THREAD_END             return NULL
typedef void *(*llmc__thread_main)(void *);

/* Runs entry(arg) on a new thread; 0 or a reason. Signals stay with the threads that the
   program itself made: a Ctrl-C handler runs there. They are blocked before the thread
   begins, since a thread inherits the mask. The small stack (no function here needs
   more than 16 KB, but the caller's tasks may) is a wish; where it is too small the
   default serves. */
static int llmc__thread_start(llmc__thread *out, llmc__thread_main entry, void *arg)
{
    const size_t stack = (size_t)1 << 20;
    pthread_attr_t attr;
    sigset_t all, before;
    int why;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    why = pthread_attr_init(&attr);
    if (why == 0) {
        pthread_attr_setstacksize(&attr, stack);
        why = pthread_create(out, &attr, entry, arg);
        pthread_attr_destroy(&attr);
    }
    if (why == EINVAL) /* the stack size was not to the system's liking */
        why = pthread_create(out, NULL, entry, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL); /* whether or not it began */
    return why;
}

/* Waits for its end; each thread is joined once. */
static void llmc__thread_join(llmc__thread thread)
{
    pthread_join(thread, NULL);
}

/* Processors that the scheduler may put this process on; at least 1. Where affinity
   cannot be asked for (or there are over 1024) all that are online. */
static uint32_t llmc__processors(void)
{
    long online;
#if defined(__linux__) && defined(SYS_sched_getaffinity)
    /* The raw call, since libc declares its own only under _GNU_SOURCE. It returns
       the bytes that it wrote, one bit for each processor. */
    unsigned long mask[1024 / sizeof(unsigned long)];
    long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
    if (bytes > 0 && (size_t)bytes <= sizeof mask) { /* negative: more processors than bits */
        const uint8_t *at = (const uint8_t *)mask;
        uint32_t count = 0;
        long i;
        for (i = 0; i < bytes; i++) {
            unsigned left = at[i];
            for (; left != 0; left &= left - 1)
                count++;
        }
        if (count > 0)
            return count;
    }
#endif
    online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (uint32_t)online : 1;
}

/* Start of a small text file, such as those under /proc; bytes read, 0 on any trouble. */
LLMC__UNUSED static size_t llmc__file_peek(const char *path, char *out, size_t cap)
{
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    do
        got = read(fd, out, cap);
    while (got < 0 && errno == EINTR);
    close(fd);
    return got > 0 ? (size_t)got : 0;
}

/* llmc_os_nanoseconds -- time since some moment before the program began     (OS)
   Never steps back; changes of the wall clock do not reach it. */
LLMC_API uint64_t llmc_os_nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Whether fd is a terminal; its size is written only if it is known. A size of 0, which
   serial lines and some containers report, counts as unknown. */
static bool llmc__terminal_size(int fd, uint32_t *cols, uint32_t *rows)
{
    struct winsize w;
    if (!isatty(fd))
        return false;
    if (ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 && w.ws_row > 0) {
        *cols = w.ws_col;
        *rows = w.ws_row;
    }
    return true;
}

/* Every name in a folder, in no order; fn stops by returning false. 0, or errno. */
static int llmc__folder_walk(const char *path, bool (*fn)(void *user, const char *name), void *user)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int why;
    if (dir == NULL)
        return errno;
    for (errno = 0; (entry = readdir(dir)) != NULL && fn(user, entry->d_name);)
        errno = 0;
    why = entry == NULL ? errno : 0;
    closedir(dir);
    return why;
}

#else
//--[ 26.4 OS.windows ]-- the same from kernel32
typedef HANDLE llmc__file;
typedef HANDLE llmc__thread;
typedef SRWLOCK llmc__mutex; /* needs no destruction, unlike CRITICAL_SECTION */
typedef CONDITION_VARIABLE llmc__cond;

/* UTF-8, or the system's code page where it is not that: main's argv comes in the
   latter. False: no valid name, or cap (counted in wchar_t, with the NUL) is too small. */
static bool llmc__path_wide(const char *path, wchar_t *out, int cap)
{
    return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, out, cap) > 0 ||
           MultiByteToWideChar(CP_ACP, 0, path, -1, out, cap) > 0;
}

/* Opens a regular file for reading: *out and *size, or a reason and neither. A directory
   is looked for first: opening one fails with "permission denied", which helps nobody.
   Sharing delete lets another program rename a new model over this one. */
static int llmc__file_open(llmc__file *out, const char *path, uint64_t *size)
{
    wchar_t wide[1024]; /* longer paths need a prefix that we do not add */
    LARGE_INTEGER bytes;
    DWORD attributes;
    HANDLE file;
    int why = 0;
    if (!llmc__path_wide(path, wide, (int)(sizeof wide / sizeof wide[0])))
        return LLMC__WHY_PATH;
    attributes = GetFileAttributesW(wide);
    if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
        return LLMC__WHY_DIR;
    file = CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                       FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return (int)GetLastError();
    if (GetFileType(file) != FILE_TYPE_DISK)
        why = LLMC__WHY_KIND;
    else if (!GetFileSizeEx(file, &bytes))
        why = (int)GetLastError();
    if (why != 0) {
        CloseHandle(file);
        return why;
    }
    *size = (uint64_t)bytes.QuadPart;
    *out = file;
    return 0;
}

/* A mapping outlives its file. */
static void llmc__file_close(llmc__file file)
{
    CloseHandle(file);
}

/* size > 0 bytes read-only. The view keeps the mapping object alive, so its handle can
   go at once. */
static int llmc__file_map(llmc__file file, size_t size, void **out)
{
    HANDLE mapping = CreateFileMappingW(file, NULL, PAGE_READONLY, 0, 0, NULL);
    int why = 0;
    if (mapping == NULL)
        return (int)GetLastError();
    *out = MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, size);
    if (*out == NULL)
        why = (int)GetLastError();
    CloseHandle(mapping);
    return why;
}

/* All n bytes at offset, however many calls that takes; one call counts in 32 bits. */
static int llmc__file_read(llmc__file file, uint64_t offset, void *dst, size_t n)
{
    uint8_t *to = (uint8_t *)dst;
    while (n > 0) {
        DWORD ask = n < 0x40000000u ? (DWORD)n : 0x40000000u, got = 0; /* a GiB at a time */
        OVERLAPPED where; /* only says the offset; the file was opened to wait */
        LLMC_MEMSET(&where, 0, sizeof where);
        where.Offset = (DWORD)offset;
        where.OffsetHigh = (DWORD)(offset >> 32);
        if (!ReadFile(file, to, ask, &got, &where) && GetLastError() != ERROR_HANDLE_EOF)
            return (int)GetLastError();
        if (got == 0)
            return LLMC__WHY_SHORT;
        to += got;
        offset += got;
        n -= got;
    }
    return 0;
}

/* No cheap way to ask. */
static bool llmc__file_cold(const void *map, size_t size)
{
    (void)map;
    (void)size;
    return false;
}

/* Committed at once: Windows promises no memory that it may not have. Zeroed,
   page-aligned; NULL: refused. */
static void *llmc__pages_take(size_t bytes)
{
    return VirtualAlloc(NULL, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

/* Releases the whole reservation; the system knows its size. */
static void llmc__pages_drop(void *p, size_t bytes)
{
    (void)bytes;
    VirtualFree(p, 0, MEM_RELEASE);
}

/* The system knows which of the two it gave. */
static void llmc__unmap(void *p, size_t bytes)
{
    MEMORY_BASIC_INFORMATION info;
    if (VirtualQuery(p, &info, sizeof info) != 0 && info.Type == MEM_PRIVATE)
        llmc__pages_drop(p, bytes);
    else
        UnmapViewOfFile(p);
}

#define LLMC__MUTEX_INIT(m)    InitializeSRWLock(m)
#define LLMC__MUTEX_DESTROY(m) ((void)(m)) /* nothing behind it */
#define LLMC__LOCK(m)          AcquireSRWLockExclusive(m)
#define LLMC__UNLOCK(m)        ReleaseSRWLockExclusive(m)
#define LLMC__COND_INIT(c)     InitializeConditionVariable(c)
#define LLMC__COND_DESTROY(c)  ((void)(c)) /* nothing behind it */
#define LLMC__COND_WAIT(c, m)  SleepConditionVariableSRW(c, m, INFINITE, 0)
#define LLMC__COND_WAKE(c)     WakeConditionVariable(c)

#define LLMC__THREAD_MAIN(name, arg) static DWORD WINAPI name(void *arg)
#define LLMC__THREAD_END             return 0
typedef DWORD(WINAPI *llmc__thread_main)(void *);

/* Runs entry(arg) on a new thread; 0 or a reason. A console event has a thread of its
   own there; nothing to block. */
static int llmc__thread_start(llmc__thread *out, llmc__thread_main entry, void *arg)
{
    *out = CreateThread(NULL, (SIZE_T)1 << 20, entry, arg, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
    return *out == NULL ? (int)GetLastError() : 0;
}

/* Waits for its end; each thread is joined once. */
static void llmc__thread_join(llmc__thread thread)
{
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
}

/* Processors that the scheduler may put this process on (of its group, at most 64). */
static uint32_t llmc__processors(void)
{
    DWORD_PTR mine = 0, all = 0;
    uint32_t count = 0;
    if (GetProcessAffinityMask(GetCurrentProcess(), &mine, &all))
        for (; mine != 0; mine &= mine - 1)
            count++;
    return count > 0 ? count : 1;
}

/* llmc_os_nanoseconds -- as in 26.3: monotonic, from some moment before             (OS) */
LLMC_API uint64_t llmc_os_nanoseconds(void)
{
    LARGE_INTEGER ticks, per_second;
    uint64_t t, f;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&per_second);
    /* whole seconds first: ticks * 10^9 would overflow after some hours */
    t = (uint64_t)ticks.QuadPart;
    f = (uint64_t)per_second.QuadPart;
    return t / f * 1000000000u + t % f * 1000000000u / f;
}

/* Whether fd (0, 1 or 2) is a console; the window's size, not that of the buffer behind
   it, is written if it is known. Input has none: it says only that it is a console. */
static bool llmc__terminal_size(int fd, uint32_t *cols, uint32_t *rows)
{
    static const DWORD which[3] = {STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE};
    CONSOLE_SCREEN_BUFFER_INFO info;
    HANDLE handle;
    DWORD mode;
    if (fd < 0 || fd > 2)
        return false;
    handle = GetStdHandle(which[fd]);
    if (!GetConsoleMode(handle, &mode))
        return false;
    if (GetConsoleScreenBufferInfo(handle, &info)) {
        *cols = (uint32_t)(info.srWindow.Right - info.srWindow.Left + 1);
        *rows = (uint32_t)(info.srWindow.Bottom - info.srWindow.Top + 1);
    }
    return true;
}
/* Every name in a folder, in no order; fn stops by returning false. 0, or GetLastError's number. */
static int llmc__folder_walk(const char *path, bool (*fn)(void *user, const char *name), void *user)
{
    wchar_t wide[1024];
    WIN32_FIND_DATAW found;
    char name[MAX_PATH * 3];
    size_t n;
    HANDLE h;
    if (!llmc__path_wide(path, wide, (int)(sizeof wide / sizeof wide[0]) - 3))
        return LLMC__WHY_PATH;
    for (n = 0; wide[n] != 0;)
        n++;
    wide[n] = L'\\';
    wide[n + 1] = L'*';
    wide[n + 2] = 0;
    h = FindFirstFileW(wide, &found);
    if (h == INVALID_HANDLE_VALUE)
        return (int)GetLastError();
    do
        if (WideCharToMultiByte(CP_UTF8, 0, found.cFileName, -1, name, (int)sizeof name, NULL, NULL) > 0 &&
            !fn(user, name))
            break;
    while (FindNextFileW(h, &found));
    FindClose(h);
    return 0;
}

#endif

//--[ 26.5 OS.memory ]-- pages from the system
/* llmc_os_memory -- pages for a model, an engine or anything else       (OS.memory)
   out  first byte, page-aligned, all zero; NULL on failure
   bytes  may be 0; give the same number to llmc_os_release
   Pages count as used once they are written, so a large cache costs what it holds.
   Errors: NO_MEMORY. */
LLMC_API llmc_status llmc_os_memory(void **out, size_t bytes, llmc_diag *diag)
{
    *out = llmc__pages_take(bytes > 0 ? bytes : 1); /* systems refuse to give nothing */
    if (*out == NULL)
        return LLMC__FAIL(diag, NO_MEMORY, "OS.memory", LLMC_NO_OFFSET,
                          "the system has no %llu bytes of memory to give", (unsigned long long)bytes);
    return LLMC_OK;
}

/* llmc_os_release -- gives pages back; mem NULL does nothing            (OS.memory) */
LLMC_API void llmc_os_release(void *mem, size_t bytes)
{
    if (mem != NULL)
        llmc__pages_drop(mem, bytes > 0 ? bytes : 1);
}

/* llmc_os_terminal -- is somebody looking at (or typing into) fd?              (OS)
   cols, rows  its size in characters, 80 x 24 if it does not tell; 0 x 0 if it is
   no terminal; either may be NULL. On Windows fd is 0, 1 or 2. */
LLMC_API bool llmc_os_terminal(int fd, uint32_t *cols, uint32_t *rows)
{
    uint32_t c = 80, r = 24; /* a terminal that does not tell */
    bool yes = llmc__terminal_size(fd, &c, &r);
    if (cols != NULL)
        *cols = yes ? c : 0;
    if (rows != NULL)
        *rows = yes ? r : 0;
    return yes;
}

//--[ 26.6 OS.map ]-- a file as bytes
/* Reads a file from its beginning to its end. keep: into dst [size]; otherwise
   over and over into dst [LLMC__READ_STEP], which only fills the system's cache.
   progress is asked before each step and told of the end, which it can no longer stop.
   Errors: CANCELLED, IO (with the reason). */
#define LLMC__READ_STEP ((size_t)1 << 20)
static llmc_status llmc__file_load(llmc__file file, const char *path, size_t size, uint8_t *dst, bool keep,
                                   const llmc_progress *progress, llmc_diag *diag)
{
    size_t at = 0;
    while (at < size) {
        size_t step = size - at < LLMC__READ_STEP ? size - at : LLMC__READ_STEP;
        int why;
        if (!llmc__progress(progress, "loading", at, size))
            return LLMC__FAIL(diag, CANCELLED, "OS.map", at, "%s: cancelled while loading",
                              llmc__path_tail(path));
        why = llmc__file_read(file, at, keep ? dst + at : dst, step);
        if (why != 0)
            return llmc__os_fail(diag, "OS.map", path, why);
        at += step;
    }
    llmc__progress(progress, "loading", size, size); /* too late to cancel */
    return LLMC_OK;
}

/* A copy of the file in memory of its own, in out->data; size > 0. llmc__unmap releases
   it as it would a mapping. Errors: NO_MEMORY, CANCELLED, IO. */
static llmc_status llmc__map_copy(llmc_blob *out, llmc__file file, const char *path, size_t size,
                                  const llmc_progress *progress, llmc_diag *diag)
{
    void *mem;
    llmc_status s;
    LLMC__TRY(llmc_os_memory(&mem, size, diag));
    s = llmc__file_load(file, path, size, (uint8_t *)mem, true, progress, diag);
    if (s == LLMC_OK)
        out->data = mem;
    else
        llmc_os_release(mem, size);
    return s;
}

/* The file's own pages, brought in as they are touched. With someone watching, a
   cold file is first read through: from end to end a disk is at its fastest, and
   progress can be shown. That does not make it resident here: the pages are the
   system's, who may take them back. Errors: IO, NO_MEMORY, CANCELLED. */
static llmc_status llmc__map_view(llmc_blob *out, llmc__file file, const char *path, size_t size,
                                  const llmc_progress *progress, llmc_diag *diag)
{
    void *map = NULL, *step;
    llmc_status s = LLMC_OK;
    int why = llmc__file_map(file, size, &map);
    if (why != 0)
        return llmc__os_fail(diag, "OS.map", path, why);
    if (progress->fn != NULL && llmc__file_cold(map, size)) { /* nobody watching: lazily, as needed */
        s = llmc_os_memory(&step, LLMC__READ_STEP, diag);
        if (s == LLMC_OK) {
            s = llmc__file_load(file, path, size, (uint8_t *)step, false, progress, diag);
            llmc_os_release(step, LLMC__READ_STEP);
        }
    }
    if (s == LLMC_OK)
        out->data = map;
    else
        llmc__unmap(map, size);
    return s;
}

/* Both ways; on failure *out is all zero. The file itself is closed again in any case.
   Errors: BAD_ARG (no path), IO, NO_MEMORY, CANCELLED. */
static llmc_status llmc__map(llmc_blob *out, const char *path, bool copy, const llmc_progress *progress,
                             llmc_diag *diag)
{
    llmc_status s;
    llmc__file file = (llmc__file)0;
    uint64_t size = 0;
    int why;
    LLMC_MEMSET(out, 0, sizeof *out);
    if (path == NULL)
        return LLMC__FAIL(diag, BAD_ARG, "OS.map", LLMC_NO_OFFSET, "no path given");
    why = llmc__file_open(&file, path, &size);
    if (why != 0)
        return llmc__os_fail(diag, "OS.map", path, why);
    out->data = "";          /* of an empty file, which no system maps */
    if (size > SIZE_MAX / 2) /* no pointer difference could span it */
        s = llmc__os_fail(diag, "OS.map", path, LLMC__WHY_SPACE);
    else if (size == 0)
        s = LLMC_OK;
    else if (copy)
        s = llmc__map_copy(out, file, path, (size_t)size, progress, diag);
    else
        s = llmc__map_view(out, file, path, (size_t)size, progress, diag);
    llmc__file_close(file);
    if (s != LLMC_OK) {
        out->data = NULL;
        return s;
    }
    out->size = (size_t)size;
    out->name = path;
    return LLMC_OK;
}

/* llmc_map_open -- a file's bytes, read-only, without reading them now      (OS.map)
   out  data, size and the path as name (borrowed: it must outlive the blob); all
   zero on failure. An empty file has size 0 and data that is not NULL.
   The file must not be shortened while it is mapped: the system then ends the
   program at the next touch. Replacing it by renaming another over it is safe.
   Errors: IO (missing, a directory, a pipe, no permission, ...), BAD_ARG (no path). */
LLMC_API llmc_status llmc_map_open(llmc_blob *out, const char *path, llmc_diag *diag)
{
    llmc_progress none;
    LLMC_MEMSET(&none, 0, sizeof none);
    return llmc__map(out, path, false, &none, diag);
}

/* llmc_map_close -- ends the mapping and clears the blob; an empty one is left be (OS.map) */
LLMC_API void llmc_map_close(llmc_blob *file)
{
    if (file->size > 0)
        llmc__unmap((void *)(uintptr_t)file->data, file->size);
    LLMC_MEMSET(file, 0, sizeof *file);
}

//--[ 26.7 OS.quota ]-- how many processors this process may use
/* Unsigned decimal at *at; moves past it and the blanks before it. False: no digit there. */
LLMC__UNUSED static bool llmc__quota_number(const char **at, const char *end, uint64_t *out)
{
    const char *p = *at;
    uint64_t v = 0;
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    if (p == end || *p < '0' || *p > '9')
        return false;
    for (; p < end && *p >= '0' && *p <= '9'; p++)
        if (v < UINT64_MAX / 16) /* larger ones only need to stay large */
            v = v * 10 + (uint64_t)(*p - '0');
    *at = p;
    *out = v;
    return true;
}

/* Whole processors in quota microseconds of each period, at least 1: half a
   processor more would be paid for by all threads being stopped together. */
LLMC__UNUSED static uint32_t llmc__quota_processors(uint64_t quota, uint64_t period)
{
    uint64_t n = period == 0 ? 0 : quota / period;
    return n < 1 ? 1 : n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* cgroup v2's cpu.max: "max 100000" or "150000 100000". UINT32_MAX: no limit. */
LLMC__UNUSED static uint32_t llmc__quota_v2(const char *text, size_t n)
{
    const char *at = text, *end = text + n;
    uint64_t quota, period;
    if (!llmc__quota_number(&at, end, &quota))
        return UINT32_MAX;
    if (!llmc__quota_number(&at, end, &period) || period == 0)
        period = 100000; /* the kernel's default */
    return llmc__quota_processors(quota, period);
}

/* cgroup v1's cpu.cfs_quota_us ("-1": no limit) and cpu.cfs_period_us. */
LLMC__UNUSED static uint32_t llmc__quota_v1(const char *quota, size_t n_quota, const char *period,
                                            size_t n_period)
{
    uint64_t q, p;
    const char *at = quota;
    if (!llmc__quota_number(&at, quota + n_quota, &q)) /* a minus sign is no digit */
        return UINT32_MAX;
    at = period;
    if (!llmc__quota_number(&at, period + n_period, &p) || p == 0)
        p = 100000;
    return llmc__quota_processors(q, p);
}

/* Whether word stands in the comma-separated list [n]. */
LLMC__UNUSED static bool llmc__quota_listed(const char *list, size_t n, const char *word)
{
    size_t begin = 0, end;
    while (begin < n) {
        for (end = begin; end < n && list[end] != ',';)
            end++;
        if (llmc__texteq(list + begin, end - begin, word))
            return true;
        begin = end + 1;
    }
    return false;
}

/* This process's group in the text of /proc/self/cgroup, whose lines read
   "id:controllers:/path"; the v2 line has no controllers. False: no such line, or
   a path that does not fit, or one outside of what the process sees ("/../..."). */
LLMC__UNUSED static bool llmc__quota_group(const char *text, size_t n, bool v2, char *out, size_t cap)
{
    size_t begin = 0, end, list, path;
    for (; begin < n; begin = end + 1) {
        for (end = begin; end < n && text[end] != '\n';)
            end++;
        for (list = begin; list < end && text[list] != ':';)
            list++;
        for (path = list + 1; path < end && text[path] != ':';)
            path++;
        if (path >= end)
            continue;
        /* v2: nothing between the colons; v1: a list with "cpu" in it */
        if (v2 ? path != list + 1 : !llmc__quota_listed(text + list + 1, path - list - 1, "cpu"))
            continue;
        path++;
        if (end - path >= 3 && llmc__texteq(text + path, 3, "/.."))
            return false;
        return path < end && llmc__strcopy(out, cap, text + path, end - path);
    }
    return false;
}

#if defined(__linux__)
/* Reads root + group + name; bytes read, 0 if there is no such file. A path too long to
   fit is cut and then names nothing. */
static size_t llmc__quota_file(const char *root, const char *group, const char *name, char *out, size_t cap)
{
    char path[1024];
    llmc__format(path, sizeof path, "%s%s/%s", root, group, name);
    return llmc__file_peek(path, out, cap);
}

/* The limit that root's hierarchy puts on one group, by itself. UINT32_MAX: none, or no
   such hierarchy. */
static uint32_t llmc__quota_of(const char *root, const char *group, bool v2)
{
    char quota[64], period[64];
    size_t n = llmc__quota_file(root, group, v2 ? "cpu.max" : "cpu.cfs_quota_us", quota, sizeof quota);
    if (n == 0)
        return UINT32_MAX;
    if (v2)
        return llmc__quota_v2(quota, n);
    return llmc__quota_v1(quota, n, period,
                          llmc__quota_file(root, group, "cpu.cfs_period_us", period, sizeof period));
}

/* A group is bound by its own limit and by those of all groups around it: the least of
   them. group is cut back to its root on the way. */
static uint32_t llmc__quota_around(const char *root, char *group, bool v2)
{
    uint32_t least = UINT32_MAX;
    size_t n = llmc__strlen(group);
    for (;;) {
        uint32_t here = llmc__quota_of(root, group, v2);
        least = here < least ? here : least;
        if (n == 0)
            return least;
        while (n > 0 && group[n - 1] != '/')
            n--;
        group[n > 0 ? --n : 0] = 0;
    }
}

/* The tightest limit under the usual mount points. UINT32_MAX: none. */
static uint32_t llmc__quota(void)
{
    static const char *const root[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/cpu",
                                       "/sys/fs/cgroup/cpu,cpuacct"};
    char text[4096], group[512]; /* a group whose line or path is longer counts as the root */
    size_t n = llmc__file_peek("/proc/self/cgroup", text, sizeof text);
    uint32_t least = UINT32_MAX, here;
    size_t i;
    for (i = 0; i < sizeof root / sizeof root[0]; i++) {
        bool v2 = i < 2; /* the first two mount points are v2's; both kinds may be there */
        if (!llmc__quota_group(text, n, v2, group, sizeof group))
            group[0] = 0; /* the root is all that can be seen */
        here = llmc__quota_around(root[i], group, v2);
        least = here < least ? here : least;
    }
    return least;
}
#else
/* No cgroups: no limit but the processors. */
static uint32_t llmc__quota(void)
{
    return UINT32_MAX;
}
#endif

/* llmc_os_threads -- how many threads can run at the same time here        (OS.quota)
   The processors that affinity allows, or fewer if a CPU quota pays for fewer; at
   least 1. Asks the system each time. */
LLMC_API uint32_t llmc_os_threads(void)
{
    uint32_t processors = llmc__processors(), quota = llmc__quota();
    return processors < quota ? processors : quota;
}

//--[ 26.8 OS.atomic ]-- 32-bit cells that threads share; every operation returns the old value
/* All are sequentially consistent: the pool's sleeping relies on "announce, then look"
   being seen in one order by both sides, which weaker orders do not promise. m is only
   used where there are no atomics. */
#if LLMC__GNU && !defined(__TINYC__)
#define LLMC__ATOMIC 1
typedef uint32_t llmc__cell;

static inline uint32_t llmc__cell_get(llmc__mutex *m, llmc__cell *c)
{
    (void)m;
    return __atomic_load_n(c, __ATOMIC_SEQ_CST);
}

static inline uint32_t llmc__cell_add(llmc__mutex *m, llmc__cell *c, uint32_t v)
{
    (void)m;
    return __atomic_fetch_add(c, v, __ATOMIC_SEQ_CST);
}

static inline uint32_t llmc__cell_swap(llmc__mutex *m, llmc__cell *c, uint32_t v)
{
    (void)m;
    return __atomic_exchange_n(c, v, __ATOMIC_SEQ_CST);
}

#elif defined(_MSC_VER)
#define LLMC__ATOMIC 1
typedef volatile LONG llmc__cell;

static inline uint32_t llmc__cell_get(llmc__mutex *m, llmc__cell *c)
{
    (void)m;
    return (uint32_t)InterlockedCompareExchange(c, 0, 0);
}

static inline uint32_t llmc__cell_add(llmc__mutex *m, llmc__cell *c, uint32_t v)
{
    (void)m;
    return (uint32_t)InterlockedExchangeAdd(c, (LONG)v);
}

static inline uint32_t llmc__cell_swap(llmc__mutex *m, llmc__cell *c, uint32_t v)
{
    (void)m;
    return (uint32_t)InterlockedExchange(c, (LONG)v);
}

#else
/* A compiler without atomics: a lock around each. Slow, and as correct. */
#define LLMC__ATOMIC 0
typedef uint32_t llmc__cell;

static uint32_t llmc__cell_get(llmc__mutex *m, llmc__cell *c)
{
    uint32_t old;
    LLMC__LOCK(m);
    old = *c;
    LLMC__UNLOCK(m);
    return old;
}

static uint32_t llmc__cell_add(llmc__mutex *m, llmc__cell *c, uint32_t v)
{
    uint32_t old;
    LLMC__LOCK(m);
    old = *c;
    *c += v;
    LLMC__UNLOCK(m);
    return old;
}

static uint32_t llmc__cell_swap(llmc__mutex *m, llmc__cell *c, uint32_t v)
{
    uint32_t old;
    LLMC__LOCK(m);
    old = *c;
    *c = v;
    LLMC__UNLOCK(m);
    return old;
}
#endif

/* Tells the processor that this thread only waits. */
static inline void llmc__relax(void)
{
#if defined(_MSC_VER)
    YieldProcessor();
#elif LLMC__ATOMIC && (defined(__x86_64__) || defined(__i386__))
    __builtin_ia32_pause();
#elif LLMC__ATOMIC && defined(__aarch64__)
    __asm__ volatile("isb"); /* yield does nothing on most cores */
#endif
}

//--[ 26.9 OS.pool ]-- threads that spin briefly, then sleep
/* Sleeping and waking costs 20-50 us on Linux, so a thread spins about twice that
   long before it gives the processor back: between the products of one token the
   threads stay awake, between two requests they sleep. */
#define LLMC__POOL_MAX  1024u
#define LLMC__POOL_OPEN 0x80000000u /* in gate: the job may be entered */
#define LLMC__POOL_SPIN 100000u     /* nanoseconds before sleeping     */

/* One job at a time. A worker that sees a new `generation` steps through `gate`,
   which counts who is inside; only with the gate open may it look at the job. The
   running thread works too, closes the gate when no index is left, and is done
   when the count falls to 0. So it waits only for workers that took part, never for
   one that sleeps, and the job's fields are written only while nobody reads them.
   Sleep on either side: announce (sleepers, waiting), look again, sleep; and who
   wakes changes the state first and looks for the announcement second. */
/* Who may touch what, when:
     runner   writes n, fn, arg, next    gate 0 (closed, nobody inside)
     runner   gate += OPEN, generation += 1, wakes sleepers
     worker   gate += 1; if it was open: takes indexes of `next` until n; gate -= 1
     runner   takes indexes too; gate -= OPEN; waits for gate 0
   A late worker may pass through a closed gate at any time; it reads nothing then. */
struct llmc_pool {
    llmc__mutex cells; /* stands in for atomics where there are none */
    llmc__mutex mutex; /* for going to sleep */
    llmc__cond work, done;
    llmc__cell sleepers, waiting, busy; /* workers asleep; the runner is; a job is under way */
    uint32_t n_workers;                 /* threads that are ours; the runner is one more */
    uint64_t spin;                      /* nanoseconds; 0 with more threads than processors */
    size_t bytes;                       /* of this struct and its threads, for llmc_os_release */
    uint8_t gap0[LLMC__ALIGN];          /* what workers poll lies in a cache line apart */
    llmc__cell generation, gate, next, quit;
    uint32_t n; /* the job: fn(arg, i) for i < n */
    llmc_task_fn fn;
    void *arg;
    uint8_t gap1[LLMC__ALIGN];
    llmc__thread worker[1]; /* n_workers of them */
};

/* Spins until (*c == value) is `equal` or the time is over; whether it became so.
   The clock is read every 64 rounds: a pause instruction takes 5 to 140 cycles,
   depending on the processor, so counting them says little. */
static bool llmc__pool_spin(llmc_pool *p, llmc__cell *c, uint32_t value, bool equal)
{
    uint64_t end = 0;
    uint32_t i;
    for (i = 0; (llmc__cell_get(&p->cells, c) == value) != equal; i++) {
        if (i % 64 == 0) {
            uint64_t now = p->spin > 0 ? llmc_os_nanoseconds() : 0;
            if (i == 0)
                end = now + p->spin;
            if (now >= end)
                return false;
        }
        llmc__relax();
    }
    return true;
}

/* Takes indexes until none is left. Each thread takes one too many, so `next` ends
   beyond n; llmc__pool_run leaves room for that. */
static void llmc__pool_work(llmc_pool *p)
{
    uint32_t i;
    while ((i = llmc__cell_add(&p->cells, &p->next, 1)) < p->n)
        p->fn(p->arg, i);
}

/* Joins the job if it is still open; the last one out of a closed gate wakes the runner. */
static void llmc__pool_join(llmc_pool *p)
{
    if ((llmc__cell_add(&p->cells, &p->gate, 1) & LLMC__POOL_OPEN) != 0)
        llmc__pool_work(p);
    if (llmc__cell_add(&p->cells, &p->gate, UINT32_MAX) == 1 && llmc__cell_get(&p->cells, &p->waiting) != 0) {
        LLMC__LOCK(&p->mutex);
        LLMC__COND_WAKE(&p->done);
        LLMC__UNLOCK(&p->mutex);
    }
}

/* Sleeps until a generation that is not `seen`. Announces itself first and looks again
   under the lock, so that no call in between is missed. */
static void llmc__pool_sleep(llmc_pool *p, uint32_t seen)
{
    LLMC__LOCK(&p->mutex);
    llmc__cell_add(&p->cells, &p->sleepers, 1);
    while (llmc__cell_get(&p->cells, &p->generation) == seen)
        LLMC__COND_WAIT(&p->work, &p->mutex);
    llmc__cell_add(&p->cells, &p->sleepers, UINT32_MAX);
    LLMC__UNLOCK(&p->mutex);
}

/* A worker's life. Generations may pass unseen while it works or sleeps; then it
   joins the newest, or finds its gate closed. */
LLMC__THREAD_MAIN(llmc__pool_main, arg)
{
    llmc_pool *p = (llmc_pool *)arg;
    uint32_t seen = 0; /* the generation that the pool begins with */
    for (;;) {
        if (!llmc__pool_spin(p, &p->generation, seen, false))
            llmc__pool_sleep(p, seen);
        seen = llmc__cell_get(&p->cells, &p->generation);
        if (llmc__cell_get(&p->cells, &p->quit) != 0) /* set before the generation that woke us */
            break;
        llmc__pool_join(p);
    }
    LLMC__THREAD_END;
}

/* A new generation, and as many sleepers woken as can help. One that is just going
   to sleep has either announced itself, and is counted here, or will see the new
   generation when it looks again. */
static void llmc__pool_call(llmc_pool *p, uint32_t most)
{
    uint32_t asleep;
    llmc__cell_add(&p->cells, &p->generation, 1); /* the change first, the announcements second */
    asleep = llmc__cell_get(&p->cells, &p->sleepers);
    if (asleep > most)
        asleep = most;
    if (asleep > 0) {
        LLMC__LOCK(&p->mutex);
        for (; asleep > 0; asleep--)
            LLMC__COND_WAKE(&p->work);
        LLMC__UNLOCK(&p->mutex);
    }
}

/* Closes the gate and waits until nobody is inside. Afterwards no worker can be in the
   job, and what they wrote is visible here. */
static void llmc__pool_finish(llmc_pool *p)
{
    if (llmc__cell_add(&p->cells, &p->gate, LLMC__POOL_OPEN) == LLMC__POOL_OPEN)
        return; /* the addition turned the top bit off, and it was the only one */
    if (llmc__pool_spin(p, &p->gate, 0, true))
        return;
    LLMC__LOCK(&p->mutex);
    llmc__cell_swap(&p->cells, &p->waiting, 1); /* announce, then look again */
    while (llmc__cell_get(&p->cells, &p->gate) != 0)
        LLMC__COND_WAIT(&p->done, &p->mutex);
    llmc__cell_swap(&p->cells, &p->waiting, 0);
    LLMC__UNLOCK(&p->mutex);
}

/* llmc_tasks.run. A pool that is already running a job (another thread's, or the
   one this call comes from) lets the caller do the work alone. So nesting cannot
   dead-lock, and several engines may share a pool, if not its speed. */
static void llmc__pool_run(void *user, uint32_t n, llmc_task_fn fn, void *arg)
{
    llmc_pool *p = (llmc_pool *)user;
    uint32_t i;
    if (n < 2 || n > UINT32_MAX - LLMC__POOL_MAX || p->n_workers == 0 ||
        llmc__cell_swap(&p->cells, &p->busy, 1) != 0) {
        for (i = 0; i < n; i++)
            fn(arg, i);
        return;
    }
    p->fn = fn;
    p->arg = arg;
    p->n = n;
    llmc__cell_swap(&p->cells, &p->next, 0);
    llmc__cell_add(&p->cells, &p->gate, LLMC__POOL_OPEN);
    llmc__pool_call(p, n - 1); /* the runner takes at least one index itself */
    llmc__pool_work(p);
    llmc__pool_finish(p);
    llmc__cell_swap(&p->cells, &p->busy, 0);
}

/* llmc_pool_close -- ends the threads and releases the pool; NULL does nothing (OS.pool)
   No run may be under way, and the pool's llmc_tasks are dead after it. */
LLMC_API void llmc_pool_close(llmc_pool *pool)
{
    uint32_t i;
    if (pool == NULL)
        return;
    llmc__cell_swap(&pool->cells, &pool->quit, 1); /* before the call, which makes them look */
    llmc__pool_call(pool, pool->n_workers);
    for (i = 0; i < pool->n_workers; i++)
        llmc__thread_join(pool->worker[i]);
    LLMC__COND_DESTROY(&pool->work);
    LLMC__COND_DESTROY(&pool->done);
    LLMC__MUTEX_DESTROY(&pool->mutex);
    LLMC__MUTEX_DESTROY(&pool->cells);
    llmc_os_release(pool, pool->bytes);
}

/* llmc_pool_open -- threads - 1 workers; the thread that runs a job is the last
   threads  0: llmc_os_threads. 1: no worker, every run is serial
   out  NULL on failure; no thread is left then
   Errors: BAD_ARG (more than 1024), NO_MEMORY, IO (the system gives no thread). */
LLMC_API llmc_status llmc_pool_open(llmc_pool **out, uint32_t threads, llmc_diag *diag)
{
    llmc_pool *p;
    void *mem;
    size_t bytes;
    uint32_t allowed = llmc_os_threads();
    *out = NULL;
    if (threads > LLMC__POOL_MAX)
        return LLMC__FAIL(diag, BAD_ARG, "OS.pool", LLMC_NO_OFFSET, "%u threads: the most is %u", threads,
                          LLMC__POOL_MAX);
    if (threads == 0)
        threads = allowed < LLMC__POOL_MAX ? allowed : LLMC__POOL_MAX;
    bytes = sizeof *p + threads * sizeof p->worker[0];
    LLMC__TRY(llmc_os_memory(&mem, bytes, diag));
    p = (llmc_pool *)mem; /* zeroed: generation 0, gate closed */
    p->bytes = bytes;
    /* with more threads than processors a spinner would keep off the one it waits for */
    p->spin = LLMC__ATOMIC && threads <= allowed ? LLMC__POOL_SPIN : 0;
    LLMC__MUTEX_INIT(&p->cells);
    LLMC__MUTEX_INIT(&p->mutex);
    LLMC__COND_INIT(&p->work);
    LLMC__COND_INIT(&p->done);
    while (p->n_workers + 1 < threads) {
        int why = llmc__thread_start(&p->worker[p->n_workers], llmc__pool_main, p);
        if (why != 0) {
            llmc_pool_close(p); /* ends those that n_workers counts so far */
            return llmc__os_fail(diag, "OS.pool", "starting a thread", why);
        }
        p->n_workers++;
    }
    *out = p;
    return LLMC_OK;
}

/* llmc_pool_tasks -- the pool as an engine takes it; NULL: run serially     (OS.pool)
   The struct is copied freely and valid until llmc_pool_close. One thread at a time
   gets the pool; a run from a second one meanwhile is done by that thread alone. */
LLMC_API llmc_tasks llmc_pool_tasks(llmc_pool *pool)
{
    llmc_tasks tasks;
    LLMC_MEMSET(&tasks, 0, sizeof tasks);
    if (pool != NULL) {
        tasks.run = llmc__pool_run;
        tasks.user = pool;
        tasks.workers = pool->n_workers + 1;
    }
    return tasks;
}

//--[ 26.10 OS.folder ]-- which files a path means
/* A folder's files as blobs that are not mapped yet: names are whole paths, size marks those that are chosen. */
typedef struct llmc__folder {
    const char *path;
    size_t path_len; /* up to and with the last separator; 0: the current folder */
    llmc_blob *file; /* [n]; NULL while only counting */
    char *text;      /* behind them */
    uint32_t n, seen;
    size_t bytes, used;
} llmc__folder;

/* Begin of the last part of a path. */
static size_t llmc__path_split(const char *path)
{
    size_t i, at = 0;
    for (i = 0; path[i] != 0; i++)
        if (path[i] == '/' || path[i] == '\\')
            at = i + 1;
    return at;
}

/* Counts a name, or keeps it. A folder that grew meanwhile is read as far as it was. */
static bool llmc__folder_add(void *user, const char *name)
{
    llmc__folder *f = (llmc__folder *)user;
    size_t len = llmc__strlen(name);
    if (f->file == NULL) {
        f->n++;
        f->bytes += f->path_len + len + 2;
        return f->n < 100000;
    }
    if (f->seen == f->n || f->path_len + len + 2 > f->bytes - f->used)
        return false;
    LLMC_MEMCPY(f->text + f->used, f->path, f->path_len);
    LLMC_MEMCPY(f->text + f->used + f->path_len, name, len + 1);
    f->file[f->seen++].name = f->text + f->used;
    f->used += f->path_len + len + 1;
    return true;
}

/* The names in the folder f->path[f->path_len], sorted by nothing. *mem [*bytes] is the caller's to release.
   Errors: IO, NO_MEMORY. */
static llmc_status llmc__folder_read(llmc__folder *f, const char *folder, void **mem, size_t *bytes,
                                     llmc_diag *diag)
{
    int why = llmc__folder_walk(folder, llmc__folder_add, f);
    if (why != 0)
        return llmc__os_fail(diag, "OS.folder", folder, why);
    *bytes = ((size_t)f->n + 2) * sizeof(llmc_blob) + f->bytes + 2 * (f->path_len + 64);
    LLMC__TRY(llmc_os_memory(mem, *bytes, diag));
    f->file = (llmc_blob *)*mem;
    f->text = (char *)(f->file + f->n + 2);
    why = llmc__folder_walk(folder, llmc__folder_add, f);
    f->n = f->seen;
    return why != 0 ? llmc__os_fail(diag, "OS.folder", folder, why) : LLMC_OK;
}

/* A file's name without its folder. */
static const char *llmc__folder_name(const llmc__folder *f, uint32_t i)
{
    return f->file[i].name + f->path_len;
}

/* Whether name is head, digits, tail; *number gets them. */
static bool llmc__name_counted(const char *name, const char *head, const char *tail, uint64_t *number)
{
    size_t n = llmc__strlen(head), len = llmc__strlen(name);
    if (len <= n || !llmc__texteq(name, n, head))
        return false;
    for (*number = 0; name[n] >= '0' && name[n] <= '9' && *number < 1000000000000u; n++)
        *number = *number * 10 + (uint64_t)(name[n] - '0');
    return n > llmc__strlen(head) && llmc__streq(name + n, tail);
}

/* Whether name ends in tail. */
static bool llmc__name_ends(const char *name, const char *tail)
{
    size_t n = llmc__strlen(name), k = llmc__strlen(tail);
    return n >= k && llmc__streq(name + n - k, tail);
}

/* The file of that name; UINT32_MAX: there is none. */
static uint32_t llmc__folder_find(const llmc__folder *f, const char *name)
{
    uint32_t i;
    for (i = 0; i < f->n; i++)
        if (llmc__streq(llmc__folder_name(f, i), name))
            return i;
    return UINT32_MAX;
}

/* The one with the highest number between head and tail. */
static uint32_t llmc__folder_newest(const llmc__folder *f, const char *head, const char *tail, uint64_t *best)
{
    uint64_t number;
    uint32_t i, at = UINT32_MAX;
    for (i = 0; i < f->n; i++)
        if (llmc__name_counted(llmc__folder_name(f, i), head, tail, &number) &&
            (at == UINT32_MAX || number > *best)) {
            *best = number;
            at = i;
        }
    return at;
}

/* The only one with that ending; UINT32_MAX: none, or several. */
static uint32_t llmc__folder_only(const llmc__folder *f, const char *tail)
{
    uint32_t i, at = UINT32_MAX, found = 0;
    for (i = 0; i < f->n; i++)
        if (llmc__name_ends(llmc__folder_name(f, i), tail)) {
            at = i;
            found++;
        }
    return found == 1 ? at : UINT32_MAX;
}

/* Chooses the shards that an index names, all of which must be there. Errors: IO, BAD_FILE. */
static llmc_status llmc__folder_shards(llmc__folder *f, uint32_t index, llmc_diag *diag)
{
    llmc_blob text;
    llmc_json root, key, value;
    llmc_json_iter it;
    llmc_status status;
    char name[256];
    LLMC__TRY(llmc_map_open(&text, f->file[index].name, diag));
    LLMC_MEMSET(&it, 0, sizeof it);
    status = llmc_json_parse(&text, &root, diag);
    name[0] = 0;
    while (status == LLMC_OK && llmc_json_next(llmc_json_get(root, "weight_map"), &it, &key, &value)) {
        uint32_t i;
        if (llmc_json_equal(value, name))
            continue; /* neighbours lie in one shard */
        (void)llmc_json_string(value, name, sizeof name);
        i = llmc__folder_find(f, name);
        if (i == UINT32_MAX)
            status = LLMC__FAIL(diag, IO, "OS.folder", LLMC_NO_OFFSET,
                                "%s: names the shard '%s', which is missing",
                                llmc__path_tail(f->file[index].name), name);
        else
            f->file[i].size = 1;
    }
    llmc_map_close(&text);
    return status;
}

/* Chooses the weights of a folder: those of an index, model.safetensors, the newest checkpoint, the only file of a kind.
   *number: the checkpoint's. Errors: IO. */
static llmc_status llmc__folder_weights(llmc__folder *f, uint64_t *number, llmc_diag *diag)
{
    static const char *const head[3] = {"checkpoint_step_", "checkpoint_epoch_", "model_"};
    static const char *const kind[3] = {".safetensors", ".mpk", ".gguf"};
    uint32_t at = llmc__folder_find(f, "model.safetensors.index.json"), i;
    if (at != UINT32_MAX)
        return llmc__folder_shards(f, at, diag);
    at = llmc__folder_find(f, "model.safetensors");
    for (i = 0; at == UINT32_MAX && i < 3; i++)
        at = llmc__folder_newest(f, head[i], ".safetensors", number);
    if (at == UINT32_MAX)
        at = llmc__folder_find(f, "checkpoint.safetensors");
    if (at == UINT32_MAX)
        at = llmc__folder_find(f, "model.mpk");
    for (i = 0; at == UINT32_MAX && i < 3; i++)
        at = llmc__folder_only(f, kind[i]);
    if (at == UINT32_MAX)
        return LLMC__FAIL(diag, IO, "OS.folder", LLMC_NO_OFFSET,
                          "%s: holds no model.safetensors, checkpoint, model.mpk or single GGUF",
                          llmc__path_tail(f->path));
    f->file[at].size = 1;
    return LLMC_OK;
}

/* Chooses what says how the weights compute: config.json, or nanochat's meta of the same number, or the newest; YAML or
   TOML. Nothing to choose is found out by MODEL. */
static void llmc__folder_config(llmc__folder *f, uint64_t number)
{
    uint32_t at = llmc__folder_find(f, "config.json"), i;
    uint64_t n = 0;
    for (i = 0; at == UINT32_MAX && i < f->n; i++)
        if (llmc__name_counted(llmc__folder_name(f, i), "meta_", ".json", &n) && n == number)
            at = i;
    if (at == UINT32_MAX)
        at = llmc__folder_newest(f, "meta_", ".json", &n);
    if (at == UINT32_MAX)
        at = llmc__folder_find(f, "model_config.yaml");
    if (at == UINT32_MAX)
        at = llmc__folder_only(f, ".yaml");
    if (at == UINT32_MAX)
        at = llmc__folder_only(f, ".toml");
    if (at != UINT32_MAX)
        f->file[at].size = 1;
    at = llmc__folder_find(f, "generation_config.json");
    if (at != UINT32_MAX)
        f->file[at].size = 1;
}

/* The chosen files to the begin of the table, weights first, each kind by name; the number of them. */
static uint32_t llmc__folder_gather(llmc__folder *f)
{
    uint32_t n = 0, i, j;
    for (i = 0; i < f->n; i++) {
        llmc_blob one = f->file[i];
        bool weights =
            !llmc__name_ends(one.name, ".json") && !llmc__name_ends(one.name, "ml"); /* yaml, toml */
        if (one.size == 0)
            continue;
        one.size = weights ? 2 : 1;
        for (j = n++; j > 0; j--) { /* insertion: a few dozen at most */
            const llmc_blob *before = &f->file[j - 1];
            const char *a = before->name, *b = one.name;
            while (*a != 0 && *a == *b) {
                a++;
                b++;
            }
            if (before->size > one.size ||
                (before->size == one.size && (unsigned char)*a <= (unsigned char)*b))
                break;
            f->file[j] = *before;
        }
        f->file[j] = one;
    }
    return n;
}

/* The file of a sentence-transformers folder that names its pooling, if it is there. */
static void llmc__folder_pooling(llmc__folder *f, uint32_t *n, llmc__file *none, uint64_t *size)
{
    static const char tail[] = "1_Pooling/config.json";
    char *name = f->text + f->bytes; /* folder_read left room */
    LLMC_MEMCPY(name, f->path, f->path_len);
    LLMC_MEMCPY(name + f->path_len, tail, sizeof tail);
    if (llmc__file_open(none, name, size) != 0)
        return;
    llmc__file_close(*none);
    f->file[*n].name = name;
    f->file[(*n)++].size = 1;
}

/* All parts of a split GGUF, chosen by the name of one: "...-00002-of-00003.gguf". False: not such a name. */
static bool llmc__folder_parts(llmc__folder *f, const char *name)
{
    size_t len = llmc__strlen(name), i, j;
    if (len < 20 || !llmc__streq(name + len - 5, ".gguf") || !llmc__texteq(name + len - 14, 4, "-of-") ||
        name[len - 20] != '-')
        return false;
    for (i = 0; i < f->n; i++) {
        const char *other = llmc__folder_name(f, (uint32_t)i);
        bool same = llmc__strlen(other) == len;
        for (j = 0; same && j < len; j++)
            same =
                other[j] == name[j] || (j >= len - 19 && j < len - 14 && other[j] >= '0' && other[j] <= '9');
        if (same)
            f->file[i].size = 1;
    }
    return true;
}

/* Marks the files that belong to the file called name, or with "" to the folder. Errors: IO. */
static llmc_status llmc__folder_choose(llmc__folder *f, const char *name, llmc_diag *diag)
{
    uint64_t number = UINT64_MAX;
    uint32_t at = llmc__folder_find(f, name), index = llmc__folder_find(f, "model.safetensors.index.json");
    bool whole = name[0] == 0 || llmc__name_ends(name, ".json") || llmc__name_ends(name, ".yaml") ||
                 llmc__name_ends(name, ".toml");
    if (at != UINT32_MAX && llmc__folder_parts(f, name))
        return LLMC_OK;
    if (whole) {
        LLMC__TRY(llmc__folder_weights(f, &number, diag));
    } else if (at != UINT32_MAX && index != UINT32_MAX && llmc__name_ends(name, ".safetensors")) {
        LLMC__TRY(llmc__folder_shards(f, index, diag));
        if (f->file[at].size == 0) { /* not a shard: meant by itself */
            for (index = 0; index < f->n; index++)
                f->file[index].size = 0;
            f->file[at].size = 1;
        }
    } else if (at != UINT32_MAX) {
        f->file[at].size = 1;
        if (!llmc__name_counted(name, "model_", ".safetensors", &number))
            number = UINT64_MAX;
    }
    llmc__folder_config(f, number);
    return LLMC_OK;
}

/* Whether a path needs its neighbours: a folder, a part, or weights whose configuration stands beside them. */
static bool llmc__path_neighbours(const char *path)
{
    size_t len = llmc__strlen(path);
    return llmc__name_ends(path, ".safetensors") || llmc__name_ends(path, ".mpk") ||
           llmc__name_ends(path, ".json") || llmc__name_ends(path, ".yaml") ||
           llmc__name_ends(path, ".toml") ||
           (len > 14 && llmc__name_ends(path, ".gguf") && llmc__texteq(path + len - 14, 4, "-of-"));
}

/* A path that is a folder, or names one of several files, as the list host->files of what it means, not mapped yet.
   Errors: IO, NO_MEMORY. */
static llmc_status llmc__open_folder(llmc_host *host, const char *path, bool folder, llmc_diag *diag)
{
    llmc__folder f;
    llmc_status status;
    llmc__file file = (llmc__file)0;
    void *mem = NULL;
    uint64_t size;
    size_t len = llmc__strlen(path), split = folder ? len : llmc__path_split(path);
    char where[1024];
    LLMC_MEMSET(&f, 0, sizeof f);
    if (split + 2 > sizeof where)
        return llmc__os_fail(diag, "OS.folder", path, LLMC__WHY_PATH);
    LLMC_MEMCPY(where, path, split);
    if (folder && path[len - 1] != '/' && path[len - 1] != '\\')
        where[split++] = '/';
    where[split] = 0;
    f.path = where;
    f.path_len = split;
    status = llmc__folder_read(&f, split == 0 ? "." : where, &mem, &host->files_bytes, diag);
    host->files = (llmc_blob *)mem;
    if (status == LLMC_OK)
        status = llmc__folder_choose(&f, folder ? "" : path + split, diag);
    if (status != LLMC_OK)
        return status;
    host->n_files = llmc__folder_gather(&f);
    llmc__folder_pooling(&f, &host->n_files, &file, &size);
    return LLMC_OK;
}

//--[ 26.11 OS.open ]-- from a path to a sequence
/* host->files for a path that is one file. Errors: NO_MEMORY. */
static llmc_status llmc__open_single(llmc_host *host, const char *path, llmc_diag *diag)
{
    void *mem;
    LLMC__TRY(llmc_os_memory(&mem, sizeof(llmc_blob), diag));
    host->files = (llmc_blob *)mem;
    host->files_bytes = sizeof(llmc_blob);
    host->files[0].name = path;
    host->n_files = 1;
    return LLMC_OK;
}

/* Maps what host->files names. Errors: IO, NO_MEMORY, CANCELLED. */
static llmc_status llmc__open_files(llmc_host *host, const llmc_open_options *opt, llmc_diag *diag)
{
    uint32_t i, n = host->n_files;
    for (i = 0; i < n; i++) {
        const char *name = host->files[i].name;
        llmc_status status = llmc__map(&host->files[i], name, opt->no_mmap, &opt->progress, diag);
        if (status != LLMC_OK) {
            host->n_files = i; /* those before are mapped */
            return status;
        }
    }
    host->file = host->files[0];
    return LLMC_OK;
}

/* Files, tokenizer file and model. Whatever was made is in *host, for llmc_close, also
   on failure. tokenizer_path goes before opt->model->tokenizer.
   Errors: IO, CANCELLED, and those of llmc_model_init. */
static llmc_status llmc__open_model(llmc_host *host, const char *path, const llmc_open_options *opt,
                                    llmc_diag *diag)
{
    llmc_model_options model;
    llmc__file file = (llmc__file)0;
    uint64_t size;
    size_t bytes;
    int why = path == NULL ? 0 : llmc__file_open(&file, path, &size);
    if (path != NULL && why == 0)
        llmc__file_close(file);
    llmc__options(&model, sizeof model, opt->model);
    if (why == LLMC__WHY_DIR || (why == 0 && path != NULL && llmc__path_neighbours(path)))
        LLMC__TRY(llmc__open_folder(host, path, why == LLMC__WHY_DIR, diag));
    else
        LLMC__TRY(llmc__open_single(host, path, diag));
    LLMC__TRY(llmc__open_files(host, opt, diag));
    if (opt->tokenizer_path != NULL) {
        LLMC__TRY(llmc__map(&host->tokenizer, opt->tokenizer_path, opt->no_mmap, &opt->progress, diag));
        model.tokenizer = host->tokenizer;
    }
    LLMC__TRY(llmc_model_need(host->files, host->n_files, &model, &bytes, diag));
    LLMC__TRY(llmc_os_memory(&host->model_mem, bytes, diag));
    host->model_bytes = bytes;
    return llmc_model_init(&host->model, host->files, host->n_files, &model, host->model_mem, bytes, diag);
}

/* Threads, engine and its first sequence. A pool is made only if the caller brought no
   tasks and more than one thread can run. On failure llmc_close undoes it.
   Errors: those of llmc_pool_open, llmc_engine_init, llmc_seq_open. */
static llmc_status llmc__open_engine(llmc_host *host, const llmc_open_options *opt, llmc_diag *diag)
{
    llmc_engine_options engine;
    size_t bytes;
    uint32_t threads = opt->threads > 0 ? opt->threads : llmc_os_threads();
    llmc__options(&engine, sizeof engine, opt->engine);
    if (engine.tasks.run == NULL && threads > 1) {
        LLMC__TRY(llmc_pool_open(&host->pool, threads, diag));
        engine.tasks = llmc_pool_tasks(host->pool);
    }
    LLMC__TRY(llmc_engine_need(host->model, &engine, &bytes, diag));
    LLMC__TRY(llmc_os_memory(&host->engine_mem, bytes, diag));
    host->engine_bytes = bytes;
    LLMC__TRY(llmc_engine_init(&host->engine, host->model, &engine, host->engine_mem, bytes, diag));
    return llmc_seq_open(&host->seq, host->engine, opt->seq, diag);
}

/* llmc_close -- undoes llmc_open and clears *host                          (OS.open)
   Engines and sequences that the caller made on host->model must be gone before.
   Does nothing to a host that is all zero, so closing after a failed open, or
   twice, is harmless. */
LLMC_API void llmc_close(llmc_host *host)
{
    uint32_t i;
    if (host->seq != NULL)
        llmc_seq_close(host->seq);
    llmc_pool_close(host->pool); /* before the memory that its tasks used */
    llmc_os_release(host->engine_mem, host->engine_bytes);
    llmc_os_release(host->model_mem, host->model_bytes);
    llmc_map_close(&host->tokenizer);
    for (i = 0; i < host->n_files; i++)
        llmc_map_close(&host->files[i]);
    llmc_os_release(host->files, host->files_bytes);
    LLMC_MEMSET(host, 0, sizeof *host);
}

/* llmc_open -- everything between a path and the first token              (OS.open)
   host  need not be initialised; all zero on failure
   path  and the tokenizer's path must outlive the host: messages name them
   opt   NULL or zero: map the file, all threads allowed, the engine's defaults, one
   greedy sequence. Option structs inside it are copied; what they point to is
   borrowed as llmc_engine_init and llmc_seq_open say.
   Errors: IO, NO_MEMORY, CANCELLED (by opt->progress), and those of
   llmc_model_init, llmc_engine_init and llmc_seq_open. */
LLMC_API llmc_status llmc_open(llmc_host *host, const char *path, const llmc_open_options *opt,
                               llmc_diag *diag)
{
    llmc_open_options o;
    llmc_status s;
    llmc__options(&o, sizeof o, opt);
    LLMC_MEMSET(host, 0, sizeof *host); /* so that llmc_close knows what there is */
    s = llmc__open_model(host, path, &o, diag);
    if (s == LLMC_OK && !o.no_engine)
        s = llmc__open_engine(host, &o, diag);
    if (s != LLMC_OK)
        llmc_close(host);
    return s;
}

#endif /* LLMC_NO_OS */

#ifdef __cplusplus
}
#endif
#if defined(__clang__)
#pragma STDC FP_CONTRACT DEFAULT
#elif defined(__GNUC__) && !defined(__TINYC__)
#pragma GCC pop_options
#elif defined(_MSC_VER)
#pragma fp_contract(on)
#endif
#endif /* LLMC__IMPLEMENTED */
#endif /* LLMC_IMPLEMENTATION && !LLMC__PASS */

/* ============================================================================
   MIT License

   Copyright (c) 2026 the llmc.h authors

   Permission is hereby granted, free of charge, to any person obtaining a copy
   of this software and associated documentation files (the "Software"), to deal
   in the Software without restriction, including without limitation the rights
   to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
   copies of the Software, and to permit persons to whom the Software is
   furnished to do so, subject to the following conditions:

   The above copyright notice and this permission notice shall be included in all
   copies or substantial portions of the Software.

   THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
   IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
   FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
   AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
   LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
   OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
   SOFTWARE.
   ============================================================================ */
