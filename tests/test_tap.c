/* test_tap.c -- what taps see of attention, and logits of any layer's states

   Queries and keys of the first layer are computed here from the embedding tap in double, straight from the
   definitions (LayerNorm, W x + b: GPT-2 turns nothing); the last layer's states give the logits that the
   forward pass gives. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

enum { T = 12, D = 32, L = 2 };

typedef struct seen {
    float embed[T * D], query[L][T * D], key[L][T * D], layer[L][T * D];
    unsigned queries, keys, layers, bad;
} seen;

static void on_tap(void *user, const char *point, uint32_t layer, const float *x, size_t n, size_t width)
{
    seen *s = (seen *)user;
    float *to = NULL;
    if (n != T || width != D || layer >= L) {
        s->bad++;
        return;
    }
    if (strcmp(point, "embed") == 0)
        to = s->embed;
    else if (strcmp(point, "query") == 0 && s->queries++ == layer)
        to = s->query[layer];
    else if (strcmp(point, "key") == 0 && s->keys++ == layer)
        to = s->key[layer];
    else if (strcmp(point, "layer") == 0 && s->layers++ == layer)
        to = s->layer[layer];
    else
        s->bad += strcmp(point, "final") != 0;
    if (to != NULL)
        memcpy(to, x, sizeof s->embed);
}

static seen look;

static bool opened(llmc_host *host, bool attention)
{
    llmc_engine_options engine;
    llmc_open_options open;
    llmc_diag diag;
    memset(&engine, 0, sizeof engine);
    memset(&open, 0, sizeof open);
    memset(&look, 0, sizeof look);
    engine.tap.fn = on_tap;
    engine.tap.user = &look;
    engine.tap.attention = attention;
    engine.context_length = 64;
    open.engine = &engine;
    return CHECKF(llmc_open(host, "tests/models/tiny-gpt2.gguf", &open, &diag) == LLMC_OK, "%s",
                  diag.message);
}

static const llmc_token ids[T] = {3, 141, 59, 26, 53, 58, 97, 93, 238, 46, 264, 338};
static float logits[T * 512], again[T * 512];

/* The largest error of got [T][D] against W norm(x) + b of layer 0. */
static double error_of(const llmc_model *m, unsigned weight, unsigned bias, const float *got)
{
    static float w[D], g[D], a[D], b[D];
    double worst = 0;
    int t, r, i;
    llmc__tensor_row_f32(llmc__weight(m, 0, LLMC__W_ATTN_NORM), 0, g);
    llmc__tensor_row_f32(llmc__weight(m, 0, LLMC__W_ATTN_NORM_B), 0, a);
    llmc__tensor_row_f32(llmc__weight(m, 0, bias), 0, b);
    for (t = 0; t < T; t++) {
        const float *x = look.embed + t * D;
        double mean = 0, var = 0;
        for (i = 0; i < D; i++)
            mean += (double)x[i] / D;
        for (i = 0; i < D; i++)
            var += ((double)x[i] - mean) * ((double)x[i] - mean) / D;
        for (r = 0; r < D; r++) {
            double sum = (double)b[r], off;
            llmc__tensor_row_f32(llmc__weight(m, 0, weight), (uint64_t)r, w);
            for (i = 0; i < D; i++)
                sum += (double)w[i] *
                       (((double)x[i] - mean) / llmc__sqrt(var + (double)m->config.norm_eps) * (double)g[i] +
                        (double)a[i]);
            off = sum - (double)got[t * D + r];
            off = off < 0 ? -off : off;
            worst = off > worst ? off : worst;
        }
    }
    return worst;
}

static void attention(void)
{
    llmc_host host;
    llmc_diag diag;
    double q, k;
    if (!opened(&host, true))
        return;
    CHECKF(llmc_seq_forward(host.seq, ids, T, logits, T, &diag) == LLMC_OK, "%s", diag.message);
    CHECK(look.queries == L && look.keys == L && look.layers == L && look.bad == 0);
    q = error_of(host.model, LLMC__W_Q, LLMC__W_Q_B, look.query[0]);
    k = error_of(host.model, LLMC__W_K, LLMC__W_K_B, look.key[0]);
    CHECKF(q < 2e-3 && k < 2e-3, "queries are off by %g, keys by %g", q, k);
    llmc_close(&host);
    if (!opened(&host, false)) /* who did not ask sees none */
        return;
    CHECK(llmc_seq_forward(host.seq, ids, T, again, T, &diag) == LLMC_OK);
    CHECK(look.queries == 0 && look.keys == 0 && look.layers == L && look.bad == 0);
    CHECK(memcmp(logits, again, sizeof logits) == 0);
    llmc_close(&host);
}

static void lens(void)
{
    llmc_host host;
    llmc_diag diag;
    uint32_t vocab, i;
    if (!opened(&host, false))
        return;
    vocab = llmc_model_config(host.model)->vocab_size;
    CHECK(vocab <= 512 && llmc_seq_forward(host.seq, ids, T, logits, T, &diag) == LLMC_OK);
    CHECK(llmc_engine_logits(host.engine, look.layer[L - 1], T, again, &diag) == LLMC_OK);
    CHECK(memcmp(logits, again, sizeof(float) * T * vocab) == 0);
    CHECK(llmc_engine_logits(host.engine, look.layer[0], 1, again, &diag) == LLMC_OK);
    for (i = 0; i < vocab && again[i] == logits[i]; i++)
        ;
    CHECK(i < vocab); /* the first layer does not know it all */
    CHECK(llmc_engine_logits(host.engine, look.layer[0], 0, again, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_engine_logits(host.engine, look.layer[0], 1u << 20, again, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_engine_logits(host.engine, NULL, 1, again, &diag) == LLMC_BAD_ARG);
    /* and the sequence goes on as if nothing had been */
    CHECK(llmc_seq_truncate(host.seq, T - 1, &diag) == LLMC_OK);
    llmc_close(&host);
}

int main(void)
{
    RUN(attention);
    RUN(lens);
    return test_end("tap");
}
