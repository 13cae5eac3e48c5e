// cc -O2 examples/no_os.c -o no_os && ./no_os
//
// no_os.c - a story from a machine without operating system, C library or heap. The model is part of the
// program, a constant in flash that is read where it lies; all memory is one array below. On a board only the
// last section differs: tests/platforms has start-up code for Cortex-M, AArch64 and RISC-V, and
// tests/platforms/run.sh builds and runs it there.
//
//   -DMODEL='"FILE"'       the model, from the repository's root; else examples/tiny.gguf if it is there
//   -DTOKENIZER='"FILE"'   a tokenizer of its own, as llama2.c has them
//   -DPROMPT='"TEXT"'      what the story begins with        -DTOKENS=N   how far it is told
//   -DARENA=N              bytes of memory                   -DCONTEXT=N  tokens that it can hold
#define LLMC_STATIC // what is not used here takes no flash
#define LLMC_NO_OS
#define LLMC_NO_TRAIN
#define LLMC_NO_INDEX
#define LLMC_NO_CHAT
#define LLMC_NO_GRAMMAR
#define LLMC_IMPLEMENTATION
#include "../llmc.h"

#ifndef MODEL
#if defined(__has_include)
#if __has_include("tiny.gguf")
#define MODEL "examples/tiny.gguf"
#ifndef PROMPT
#define PROMPT "User: Write a short story.\nTiny:" /* a form that it was taught */
#endif
#endif
#endif
#endif
#ifndef MODEL
#define MODEL "tests/models/tiny-llama.gguf"
#ifndef PROMPT
#define PROMPT "Once upon"
#endif
#endif
#ifndef PROMPT
#define PROMPT "Once upon a time"
#endif
#ifndef TOKENS
#define TOKENS 96
#endif
#ifndef CONTEXT
#define CONTEXT 128
#endif
#ifndef ARENA
#define ARENA (2 * 1024 * 1024)
#endif

/* ---- the model as a constant ---- */

#define TEXT_OF(x)  TEXT_OF_(x)
#define TEXT_OF_(x) #x
#if defined(__APPLE__)
#define READ_ONLY ".section __TEXT,__const"
#elif defined(_WIN32)
#define READ_ONLY ".section .rdata,\"dr\""
#else
#define READ_ONLY ".section .rodata"
#endif
#define LABEL(name, end) TEXT_OF(__USER_LABEL_PREFIX__) #name end
/* The assembler copies the file's bytes into the program, between two labels. */
#define CONSTANT(name, file)                                                                    \
    __asm__(READ_ONLY "\n.balign 64\n"                                                          \
                      ".globl " LABEL(name, "_begin\n")                                         \
                          LABEL(name, "_begin:\n") ".incbin \"" file "\"\n"                     \
                                                   ".globl " LABEL(name, "_end\n")              \
                                                       LABEL(name, "_end:\n.byte 0\n.text\n")); \
    extern const unsigned char name##_begin[], name##_end[]

CONSTANT(model_file, MODEL);
#ifdef TOKENIZER
CONSTANT(tokenizer_file, TOKENIZER);
#endif

static _Alignas(64) unsigned char arena[ARENA]; /* the model's tables, then the engine */

/* ---- the program, which knows nothing of where it runs but this ---- */

void put_text(const char *text); /* the end of the file, or the board's */

static void put_number(size_t n)
{
    char digits[24], *at = digits + sizeof digits - 1;
    *at = 0;
    do
        *--at = (char)('0' + n % 10);
    while ((n /= 10) != 0);
    put_text(at);
}

/* Model and engine in the arena; says what they need of it. */
static llmc_status start(llmc_engine **engine, llmc_diag *diag)
{
    llmc_blob file = {model_file_begin, (size_t)(model_file_end - model_file_begin), MODEL};
    llmc_model_options model_options = {0};
    llmc_engine_options options = {0};
    llmc_model *model;
    size_t model_bytes, engine_bytes;
    llmc_status status;
#ifdef TOKENIZER
    model_options.tokenizer.data = tokenizer_file_begin;
    model_options.tokenizer.size = (size_t)(tokenizer_file_end - tokenizer_file_begin);
    model_options.tokenizer.name = TOKENIZER;
#endif
    options.context_length = CONTEXT;
    options.batch_tokens = 8; /* the prompt is read eight tokens at a time */
    options.text_bytes = 64;  /* the longest word of it */
    if ((status = llmc_model_need(&file, 1, &model_options, &model_bytes, diag)) != LLMC_OK)
        return status;
    if (model_bytes > ARENA)
        model_bytes = ARENA; /* init says how much it would take */
    if ((status = llmc_model_init(&model, &file, 1, &model_options, arena, model_bytes, diag)) != LLMC_OK)
        return status;
    if ((status = llmc_engine_need(model, &options, &engine_bytes, diag)) != LLMC_OK)
        return status;
    put_text("[model ");
    put_number(model_bytes);
    put_text(" bytes, engine ");
    put_number(engine_bytes);
    put_text(", arena ");
    put_number(ARENA);
    put_text("]\n");
    return llmc_engine_init(engine, model, &options, arena + model_bytes, ARENA - model_bytes, diag);
}

/* Token by token, as it comes. */
static llmc_status tell(llmc_engine *engine, llmc_diag *diag)
{
    static const char prompt[] = PROMPT;
    llmc_seq_options options = {0};
    llmc_seq *seq;
    llmc_piece piece;
    llmc_status status;
    options.max_tokens = TOKENS;
    if ((status = llmc_seq_open(&seq, engine, &options, diag)) != LLMC_OK ||
        (status = llmc_seq_add_text(seq, prompt, sizeof prompt - 1, diag)) != LLMC_OK)
        return status;
    put_text(prompt);
    while ((status = llmc_seq_next(seq, &piece, diag)) == LLMC_OK)
        put_text(piece.text);
    put_text("\n");
    return status == LLMC_DONE ? LLMC_OK : status;
}

int main(void)
{
    llmc_engine *engine;
    llmc_diag diag;
    if (start(&engine, &diag) == LLMC_OK && tell(engine, &diag) == LLMC_OK)
        return 0;
    put_text("no_os: ");
    put_text(diag.message);
    put_text("\n");
    return 1;
}

/* ---- where it runs: a board gives its own put_text and start-up code ---- */

#if !defined(__STDC_HOSTED__) || __STDC_HOSTED__ != 0
#include <stdio.h>

void put_text(const char *text)
{
    fputs(text, stdout);
    fflush(stdout);
}
#endif
