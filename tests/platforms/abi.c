/* abi.c MODEL PROMPT EXPECTED -- callers that are older and newer than the shared library: their option structs are
   shorter or longer than its own. What lies behind a short one is foreign and must not be read as options. Compiled
   without the implementation, as C and as C++, against build/libllmc.so.0. */
#include "../../llmc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int n_passed, n_failed;

static void check(const char *what, bool good)
{
    printf("%s %s\n", good ? "ok     " : "FAIL   ", what);
    n_passed += good;
    n_failed += !good;
}

/* A struct of a caller's, with room for members that nobody here knows. */
typedef struct caller {
    size_t size; /* what it says of itself; 0: nothing */
    size_t full; /* sizeof this header's */
    char bytes[1024];
} caller;

/* All of it foreign bytes, but for this header's struct as far as `size` goes. */
static void *as_caller(caller *c, const void *options, size_t full, size_t size)
{
    memset(c->bytes, 0xa5, sizeof c->bytes);
    memcpy(c->bytes, options, size == 0 || size > full ? full : size);
    memcpy(c->bytes, &size, sizeof size);
    c->size = size;
    c->full = full;
    return c->bytes;
}

/* The text of a greedy continuation with these four sizes; "" and a line on stderr on failure. */
static const char *story(const char *path, const char *prompt, const size_t size[4])
{
    static char text[512];
    static caller open_c, engine_c, seq_c, sample_c;
    llmc_open_options o;
    llmc_engine_options e;
    llmc_seq_options s;
    llmc_sample_options sample;
    llmc_host host;
    llmc_piece piece;
    llmc_diag diag;
    llmc_status status;
    size_t n = 0;
    memset(&o, 0, sizeof o);
    memset(&e, 0, sizeof e);
    memset(&s, 0, sizeof s);
    memset(&sample, 0, sizeof sample);
    e.context_length = 128;
    s.max_tokens = 64;
    s.sample = (const llmc_sample_options *)as_caller(&sample_c, &sample, sizeof sample, size[3]);
    o.threads = 1;
    o.engine = (const llmc_engine_options *)as_caller(&engine_c, &e, sizeof e, size[1]);
    o.seq = (const llmc_seq_options *)as_caller(&seq_c, &s, sizeof s, size[2]);
    text[0] = 0;
    status =
        llmc_open(&host, path, (const llmc_open_options *)as_caller(&open_c, &o, sizeof o, size[0]), &diag);
    if (status == LLMC_OK) {
        status = llmc_seq_add_text(host.seq, prompt, strlen(prompt), &diag);
        while (status == LLMC_OK && (status = llmc_seq_next(host.seq, &piece, &diag)) == LLMC_OK)
            if (n + piece.text_len < sizeof text)
                memcpy(text + n, piece.text, piece.text_len + 1), n += piece.text_len;
        llmc_close(&host);
    }
    if (status != LLMC_DONE)
        fprintf(stderr, "        status %d: %s\n", (int)status, diag.message);
    return text;
}

int main(int argc, char **argv)
{
    /* with the first members only; with all but the last; as this header has them; longer, by foreign bytes */
    const size_t size[][4] = {
        {0, 0, 0, 0},
        {offsetof(llmc_open_options, progress), offsetof(llmc_engine_options, max_seqs),
         offsetof(llmc_seq_options, stop), offsetof(llmc_sample_options, top_k)},
        {offsetof(llmc_open_options, progress), offsetof(llmc_engine_options, clock),
         offsetof(llmc_seq_options, draft_tokens), offsetof(llmc_sample_options, seed)},
        {sizeof(llmc_open_options), sizeof(llmc_engine_options), sizeof(llmc_seq_options),
         sizeof(llmc_sample_options)},
        {sizeof(llmc_open_options) + 64, sizeof(llmc_engine_options) + 8, sizeof(llmc_seq_options) + 256,
         sizeof(llmc_sample_options) + 1},
        {sizeof(llmc_open_options), sizeof(size_t), offsetof(llmc_seq_options, stop), sizeof(size_t)},
    };
    static const char *const what[] = {"sizes 0",
                                       "an old caller",
                                       "one that lacks the last members",
                                       "this header's caller",
                                       "a newer caller",
                                       "structs that are nothing but their size"};
    size_t i;
    if (argc != 4)
        return 2;
    check("the library's version is the header's", llmc_version() == LLMC_VERSION_NUMBER);
    for (i = 0; i < sizeof size / sizeof size[0]; i++) {
        const char *text = story(argv[1], argv[2], size[i]);
        check(what[i], strcmp(text, argv[3]) == 0);
        if (strcmp(text, argv[3]) != 0)
            printf("        got '%s'\n", text);
    }
    printf("abi: %d passed, %d failed\n", n_passed, n_failed);
    return n_failed != 0;
}
