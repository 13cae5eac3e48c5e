/* schema_driver.c -- what tests/vectors/schema.py asks about schemas, one a line on stdin.

     schema_driver gbnf SPACE OPEN            each as a grammar
     schema_driver text SPACE OPEN MODEL SEED COUNT
                                              COUNT texts that the model's engine generates under each
                                              grammar at temperature 1: every other one with random
                                              logits instead of the model's

   Each answer ends with a line of byte 1e, each text with a line of byte 1f; a refusal is "ERROR ...".
   A text that does not end in 1000 tokens is "UNFINISHED". So that most do, what closes strings, arrays
   and objects gets likelier with each token. */
#define LLMC_IMPLEMENTATION
#include "../../llmc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_TOKENS 1000
#define MOST_LINE   (1 << 20)

typedef struct driver {
    llmc_rng rng;
    bool random;        /* logits, not the model's */
    unsigned steps;     /* of this text */
    signed char *close; /* [tokens] 1: begins by closing something, -1: by opening it */
} driver;

/* Looks at the logits after the grammar: what it forbids stays forbidden. */
static llmc_token choose(void *user, llmc_seq *seq, float *logits, size_t n)
{
    driver *d = (driver *)user;
    const float push = d->steps > 15 ? (float)(d->steps - 15) / 8.0f : 0.0f;
    size_t i;
    (void)seq;
    d->steps++;
    for (i = 0; i < n; i++) {
        if (logits[i] < -1e30f)
            continue;
        if (d->random)
            logits[i] = 2.0f * llmc_rng_normal(&d->rng);
        logits[i] += (float)d->close[i] * push;
    }
    return LLMC_TOKEN_NONE;
}

/* Which tokens close and open, by their first byte. */
static void look(driver *d, const llmc_tokenizer *tok)
{
    const uint32_t n = llmc_tokenizer_count(tok);
    uint32_t i;
    d->close = (signed char *)calloc(n, 1);
    for (i = 0; i < n; i++) {
        const llmc_token id = (llmc_token)i;
        char text[256];
        size_t len = 0;
        if (llmc_token_ends(tok, id))
            d->close[i] = 1;
        if (llmc_decode(tok, &id, 1, NULL, text, sizeof text, &len, NULL) != LLMC_OK || len == 0)
            continue;
        if (strchr("\"]}", text[0]) != NULL && text[0] != 0)
            d->close[i] = 1;
        if (text[0] == '[' || text[0] == '{' || text[0] == ',')
            d->close[i] = -1;
    }
}

/* One text under the grammar that `state` follows. */
static void generate(llmc_host *lm, driver *d, llmc_grammar_state *state, uint64_t seed)
{
    static char text[1 << 18];
    llmc_sample_options sample;
    llmc_seq_options opt;
    llmc_piece piece;
    llmc_diag diag;
    llmc_status s;
    size_t len = 0;
    memset(&sample, 0, sizeof sample);
    memset(&opt, 0, sizeof opt);
    memset(&piece, 0, sizeof piece);
    sample.temperature = 1;
    sample.seed = seed;
    opt.sample = &sample;
    opt.max_tokens = MOST_TOKENS;
    opt.chooser.fn = choose;
    opt.chooser.user = d;
    opt.grammar = state;
    d->rng = llmc_rng_seed(seed);
    d->random = seed % 2 == 0;
    d->steps = 0;
    s = llmc_seq_truncate(lm->seq, 0, &diag);
    if (s == LLMC_OK)
        s = llmc_seq_configure(lm->seq, &opt, &diag);
    if (s == LLMC_OK)
        s = llmc_seq_add_text(lm->seq, "The", 3, &diag);
    while (s == LLMC_OK && (s = llmc_seq_next(lm->seq, &piece, &diag)) == LLMC_OK) {
        if (len + piece.text_len < sizeof text)
            memcpy(text + len, piece.text, piece.text_len);
        len += piece.text_len;
    }
    if (s != LLMC_DONE)
        printf("ERROR %s", diag.message);
    else if (llmc_seq_finish(lm->seq) != LLMC_FINISH_END || len >= sizeof text)
        printf("UNFINISHED");
    else
        fwrite(text, 1, len, stdout);
    printf("\x1f\n");
}

/* COUNT texts under a grammar. */
static void texts(llmc_host *lm, driver *d, const char *gbnf, size_t len, uint64_t seed, unsigned count)
{
    const llmc_tokenizer *tok = llmc_model_tokenizer(lm->model);
    llmc_grammar *grammar = NULL;
    llmc_grammar_state *state = NULL;
    llmc_diag diag;
    size_t bytes = 0;
    void *mem = NULL, *mem2 = NULL;
    unsigned i;
    llmc_status s = llmc_grammar_need(tok, gbnf, len, NULL, &bytes, &diag);
    if (s == LLMC_OK) {
        mem = malloc(bytes);
        s = llmc_grammar_init(&grammar, tok, gbnf, len, NULL, mem, bytes, &diag);
    }
    if (s == LLMC_OK)
        s = llmc_grammar_state_need(grammar, NULL, &bytes, &diag);
    if (s == LLMC_OK) {
        mem2 = malloc(bytes);
        s = llmc_grammar_state_init(&state, grammar, NULL, mem2, bytes, &diag);
    }
    if (s != LLMC_OK)
        printf("ERROR %s", diag.message);
    for (i = 0; s == LLMC_OK && i < count; i++)
        generate(lm, d, state, seed + i);
    llmc_seq_configure(lm->seq, NULL, NULL); /* lets go of the state */
    free(mem2);
    free(mem);
}

int main(int argc, char **argv)
{
    static char line[MOST_LINE], out[LLMC_SCHEMA_TEXT];
    llmc_schema_options opt;
    llmc_engine_options engine;
    llmc_open_options open;
    llmc_host lm;
    llmc_diag diag;
    driver d;
    size_t need, len = 0;
    void *work;
    uint64_t seed;
    const bool text = argc == 7 && strcmp(argv[1], "text") == 0;
    if (argc < 4 || (!text && strcmp(argv[1], "gbnf") != 0)) {
        fprintf(stderr, "usage: schema_driver gbnf SPACE OPEN | text SPACE OPEN MODEL SEED COUNT\n");
        return 2;
    }
    memset(&opt, 0, sizeof opt);
    memset(&engine, 0, sizeof engine);
    memset(&open, 0, sizeof open);
    memset(&d, 0, sizeof d);
    opt.space = (llmc_json_space)atoi(argv[2]);
    opt.open_objects = atoi(argv[3]) != 0;
    engine.context_length = MOST_TOKENS + 16;
    open.engine = &engine;
    open.threads = 1;
    if (text && llmc_open(&lm, argv[4], &open, &diag) != LLMC_OK) {
        fprintf(stderr, "%s\n", diag.message);
        return 1;
    }
    if (text)
        look(&d, llmc_model_tokenizer(lm.model));
    seed = text ? strtoull(argv[5], NULL, 10) : 0;
    need = llmc_schema_need(&opt);
    work = malloc(need);
    while (fgets(line, sizeof line, stdin) != NULL) {
        llmc_blob schema;
        schema.data = line;
        schema.size = strlen(line);
        schema.name = NULL;
        memset(work, 0xa5, need);
        if (llmc_schema_gbnf(&schema, &opt, out, sizeof out, &len, work, need, &diag) != LLMC_OK)
            printf("ERROR %s", diag.message);
        else if (text)
            texts(&lm, &d, out, len, seed, (unsigned)atoi(argv[6]));
        else
            fwrite(out, 1, len, stdout);
        printf("\x1e\n");
        seed += 1000;
    }
    if (text)
        llmc_close(&lm);
    free(d.close);
    free(work);
    return 0;
}
