// cc -O2 tests/bench_mask.c -o bench_mask
/* bench_mask.c -- what a grammar's masks cost for a tokenizer

     bench_mask TOKENIZER GRAMMAR [STEPS [SEED]]

   TOKENIZER is anything that holds one: GGUF, tokenizer.json, cl100k_base.tiktoken; GRAMMAR is GBNF, or a
   JSON schema if it begins with a brace. Random texts of the grammar: each step takes a mask, then draws
   one of its tokens, all alike, which visits far more states than a model does; where more than a hundred
   are allowed, one in eight draws asks for a token with a quote, so that strings come to an end.
   Not a test: make test only times ratios. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static llmc_diag diag;

static void need(llmc_status s)
{
    if (s == LLMC_OK)
        return;
    fprintf(stderr, "bench_mask: %s\n", diag.message);
    exit(1);
}

/* Milliseconds of this process, whatever else the machine does. */
static double now(void)
{
    return (double)clock() * 1e3 / CLOCKS_PER_SEC;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* A schema as a grammar; anything else as it is. */
static llmc_blob grammar_text(llmc_blob file)
{
    static char out[1 << 20];
    size_t n = 0, bytes = llmc_schema_need(NULL);
    if (file.size == 0 || *(const char *)file.data != '{')
        return file;
    need(llmc_schema_gbnf(&file, NULL, out, sizeof out, &n, malloc(bytes), bytes, &diag));
    file.data = out;
    file.size = n;
    return file;
}

/* One of the allowed tokens; -1: none. quote: rather one with a quote in it. */
static llmc_token draw(const llmc_tokenizer *tok, const uint32_t *bits, uint32_t n, llmc_rng *rng)
{
    uint32_t count = 0, i, first = (uint32_t)(llmc_rng_u64(rng) % n);
    bool quote;
    llmc_token any = LLMC_TOKEN_NONE;
    for (i = 0; i < n; i++)
        count += bits[i / 32] >> (i % 32) & 1;
    quote = count > 100 && llmc_rng_u64(rng) % 8 == 0;
    for (i = 0; i < n; i++) {
        uint32_t id = (first + i) % n;
        llmc_token_info info;
        if ((bits[id / 32] >> (id % 32) & 1) == 0)
            continue;
        any = any < 0 ? (llmc_token)id : any;
        if (!quote || (llmc_token_get(tok, (llmc_token)id, &info) == LLMC_OK &&
                       memchr(info.text, '"', info.text_len) != NULL))
            return (llmc_token)id;
    }
    return any;
}

int main(int argc, char **argv)
{
    uint32_t steps = argc > 3 ? (uint32_t)atoi(argv[3]) : 2000, n, i, texts = 0, over = 0, *bits;
    llmc_rng rng = llmc_rng_seed(argc > 4 ? (uint64_t)atoi(argv[4]) : 1);
    llmc_model_options mo;
    llmc_grammar_options go;
    llmc_model *model;
    llmc_grammar_vocab *vocab;
    llmc_grammar *g;
    llmc_grammar_state *st;
    llmc_blob file, text;
    size_t bytes;
    double t, sum = 0, applied = 0, *took;
    float *logits;
    if (argc < 3) {
        fprintf(stderr, "usage: bench_mask TOKENIZER GRAMMAR [STEPS [SEED]]\n");
        return 2;
    }
    memset(&mo, 0, sizeof mo);
    memset(&go, 0, sizeof go);
    mo.vocab_only = true;
    need(llmc_map_open(&file, argv[1], &diag));
    need(llmc_map_open(&text, argv[2], &diag));
    text = grammar_text(text);
    need(llmc_model_need(&file, 1, &mo, &bytes, &diag));
    need(llmc_model_init(&model, &file, 1, &mo, malloc(bytes), bytes, &diag));
    if (llmc_model_tokenizer(model) == NULL) {
        fprintf(stderr, "bench_mask: %s holds no tokenizer\n", argv[1]);
        return 1;
    }
    n = llmc_tokenizer_count(llmc_model_tokenizer(model));
    need(llmc_grammar_vocab_need(llmc_model_tokenizer(model), &bytes, &diag));
    t = now();
    need(llmc_grammar_vocab_init(&vocab, llmc_model_tokenizer(model), malloc(bytes), bytes, &diag));
    printf("%u tokens sorted in %.1f ms, %zu bytes\n", n, now() - t, bytes);
    go.vocab = vocab;
    t = now();
    need(llmc_grammar_need(llmc_model_tokenizer(model), (const char *)text.data, text.size, &go, &bytes,
                           &diag));
    need(llmc_grammar_init(&g, llmc_model_tokenizer(model), (const char *)text.data, text.size, &go,
                           malloc(bytes), bytes, &diag));
    printf("grammar of %zu bytes compiled in %.2f ms, %zu bytes\n", text.size, now() - t, bytes);
    need(llmc_grammar_state_need(g, NULL, &bytes, &diag));
    need(llmc_grammar_state_init(&st, g, NULL, malloc(bytes), bytes, &diag));
    printf("state of %zu bytes\n", bytes);
    bits = (uint32_t *)malloc((n / 32 + 1) * sizeof *bits);
    logits = (float *)calloc(n, sizeof *logits);
    took = (double *)malloc(steps * sizeof *took);
    for (i = 0; i < steps; i++) {
        llmc_token id;
        t = now();
        need(llmc_grammar_mask(st, bits, n / 32 + 1, &diag));
        took[i] = now() - t;
        sum += took[i];
        over += took[i] > 0.4;
        memset(logits, 0, n * sizeof *logits);
        t = now();
        need(llmc_grammar_apply(st, logits, n, &diag));
        applied += now() - t;
        id = draw(llmc_model_tokenizer(model), bits, n, &rng);
        if (id >= 0)
            need(llmc_grammar_advance(st, id, &diag));
        if (id < 0 || llmc_grammar_is_done(st)) {
            texts++;
            need(llmc_grammar_reset(st, false, &diag));
        }
    }
    qsort(took, steps, sizeof *took, by_size);
    printf("%u steps, %u texts: mask mean %.4f ms, median %.4f, 99 of 100 below %.4f, most %.2f; %u above "
           "0.4 ms\n",
           steps, texts, sum / steps, took[steps / 2], took[(size_t)steps * 99 / 100], took[steps - 1], over);
    printf("a mask that is kept, on logits: %.4f ms\n", applied / steps);
    return 0;
}
