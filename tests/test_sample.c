/* test_sample.c -- section SAMPLE: filters, penalties, draws. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

#define N 12

static llmc_diag diag;

static float infinite(void)
{
    return llmc__bits_f32(0x7f800000u);
}

static float not_a_number(void)
{
    return llmc__bits_f32(0x7fc00000u);
}

/* One draw with work memory of exactly the size asked for. */
static llmc_status sample(const llmc_sample_options *opt, llmc_rng *rng, const float *logits, size_t n,
                          const llmc_token *history, size_t n_history, llmc_token *token, float *logprob)
{
    size_t need = llmc_sample_need(n);
    float *copy = (float *)malloc(n * sizeof *copy + 1);
    void *work = malloc(need);
    llmc_status s;
    memcpy(copy, logits, n * sizeof *copy);
    s = llmc_sample(opt, rng, copy, n, history, n_history, work, need, token, logprob, &diag);
    CHECK(n == 0 || memcmp(copy, logits, n * sizeof *copy) == 0); /* nobody's logits change */
    free(copy);
    free(work);
    return s;
}

/* Against a reference in Python, written from the papers and the interface's words:
   doubles, sorting, no heaps (random.seed(18); values are multiples of 1/8; cases with
   a threshold within 1e-3 of a cumulated probability are left out). Each row: logits;
   temperature, top_k, top_p, min_p, typical_p, repeat, frequency, presence, window,
   number of biases, biases; length of the history, history; most likely token, its
   log probability under the logits as given; every token's probability of being drawn. */
static const struct {
    float logits[N];
    float temperature;
    uint32_t top_k;
    float top_p, min_p, typical_p, repeat, frequency, presence;
    uint32_t window;
    size_t n_bias;
    struct {
        int token;
        float bias;
    } bias[3];
    size_t n_history;
    llmc_token history[20];
    llmc_token greedy;
    double logprob;
    double p[N];
} golden[] = {
    {{-2.125, -3.125, 2.125, 0.25, -1.25, -1.875, 2.75, 5, 2.875, -2.125, 2.625, -0.375},
     1,
     5,
     1,
     0.0625,
     0.75,
     0,
     0.25,
     0,
     0u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     1,
     {2},
     7,
     -0.331039433,
     {0, 0, 0, 0, 0, 0, 0, 0.8933094, 0.1066906, 0, 0, 0}},
    {{0.75, 4.125, 3, -1.875, 2.875, -1.625, -0.25, -0.875, -5, 0.375, 1.375, -1.5},
     2,
     11,
     0.875,
     0.0625,
     0.5,
     0.75,
     -0.25,
     0.5,
     1u,
     1,
     {{8, -2.25}, {0, 0}, {0, 0}},
     5,
     {6, 8, 13, 7, 1},
     1,
     -0.566179391,
     {0, 0.6136343, 0.1992179, 0, 0.1871479, 0, 0, 0, 0, 0, 0, 0}},
    {{2.875, 5, -2.5, -2, -1.75, 1.875, -3, 1.5, 3.125, 2.625, 4.125, -3.5},
     2,
     3,
     0.875,
     0.0625,
     0.5,
     1.25,
     -0.25,
     1,
     0u,
     3,
     {{2, 3.5}, {2, 3.75}, {1, -0.25}},
     0,
     {0},
     1,
     -0.620562261,
     {0, 0.5000000, 0.5000000, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
    {{3.625, 0.625, -1.75, 5, 1.25, 4.25, 3.5, 3.375, -5, -2.875, -3.625, 2.625},
     1,
     11,
     1,
     0.125,
     0.25,
     1,
     0.25,
     1,
     1u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     5,
     {4, 10, 12, 8, 3},
     5,
     -1.572482928,
     {0.4687906, 0, 0, 0.5312094, 0, 0, 0, 0, 0, 0, 0, 0}},
    {{-3, 1.875, 3.625, -4.75, 4.125, 1.75, -2.75, -2.5, 4.75, 1.75, -5, 3.125},
     1.5,
     40,
     0.75,
     0.5,
     0,
     0,
     -0.25,
     0.5,
     3u,
     3,
     {{7, 3.5}, {6, -1.75}, {3, -1.25}},
     1,
     {4},
     8,
     -0.795091214,
     {0, 0, 0, 0, 0.3581660, 0, 0, 0, 0.6418340, 0, 0, 0}},
    {{5, -0.25, 2.875, -4.125, -3.625, 0.625, 3.625, -2.25, 3.375, -2.625, -1.625, -0.875},
     0.25,
     1,
     0.875,
     0,
     0,
     1.25,
     0,
     0.5,
     0u,
     1,
     {{5, -2.75}, {0, 0}, {0, 0}},
     5,
     {13, 4, 10, 1, 5},
     0,
     -0.465394406,
     {1.0000000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
    {{1.5, 3.125, 1.5, 3.25, -4.875, -0.75, 1.875, -4.375, 4, -1, 1.375, -0.625},
     0.25,
     3,
     0.5,
     0,
     1,
     1,
     0.5,
     0,
     0u,
     1,
     {{10, 0}, {0, 0}, {0, 0}},
     20,
     {7, 8, 0, 2, 10, 0, 12, 6, 13, 11, 4, 1, 11, 10, 0, 2, 4, 12, 7, 13},
     8,
     -0.820147602,
     {0, 0, 0, 0, 0, 0, 0, 0, 1.0000000, 0, 0, 0}},
    {{2.75, 3.375, 3, 1, 1.375, -0.125, 2.25, -4.75, 3.125, -2, -1.75, -4.75},
     0.25,
     11,
     0.9375,
     0.0625,
     0.75,
     0,
     -0.25,
     0,
     1u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     1,
     {7},
     1,
     -1.279744344,
     {0, 0.7310586, 0, 0, 0, 0, 0, 0, 0.2689414, 0, 0, 0}},
    {{-2.875, 0, -4.75, -3, -1.375, 2.125, -0.625, -4.75, 3.375, 1.75, 3.125, -2.375},
     0.75,
     11,
     1,
     0.125,
     0.5,
     1,
     -0.25,
     0.5,
     3u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     5,
     {7, -1, 8, 6, 3},
     8,
     -0.846216555,
     {0, 0, 0, 0, 0, 0, 0, 0, 0.5000000, 0, 0.5000000, 0}},
    {{-0.5, 4.875, -4.875, -2, 3.25, 4, -1.625, -4.75, -2.375, -0.25, -1.25, -2},
     1,
     0,
     0.875,
     0,
     0,
     1.5,
     -0.25,
     0,
     3u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     20,
     {6, 2, 2, 11, 6, 4, 9, 3, 5, 3, 1, 2, 5, 12, 9, 4, 10, 13, 10, 9},
     1,
     -0.489158303,
     {0, 0.6196656, 0, 0, 0.1220194, 0.2583150, 0, 0, 0, 0, 0, 0}},
    {{3.75, 3.5, -0.875, 0.875, -1.625, -4.5, -4, 4.875, -2.75, 1.25, -4, -3.625},
     1,
     5,
     0.5,
     0,
     0.25,
     0,
     0,
     0.5,
     0u,
     1,
     {{5, -4}, {0, 0}, {0, 0}},
     20,
     {4, 2, -1, 13, 3, 2, 12, 2, 1, 8, 1, 4, 12, 9, 2, -1, 8, -1, 1, 7},
     7,
     -0.487474548,
     {1.0000000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
    {{0.125, -2.625, -4.125, -1.25, -2.5, 0.375, -0.25, 3.75, 0.125, 4.25, 0.125, 3.25},
     1.5,
     8,
     0.5,
     0.0625,
     1,
     1,
     0.5,
     0.5,
     3u,
     3,
     {{5, -2.25}, {4, 3.25}, {2, -0.75}},
     20,
     {4, 2, 6, 3, 11, 2, 6, 1, 3, 3, 13, 5, 10, 4, 11, 3, 13, 12, 6, 3},
     9,
     -0.723329782,
     {0, 0, 0, 0, 0, 0, 0, 0.4174298, 0, 0.5825702, 0, 0}},
    {{-2, -0.375, 4.125, -4.75, 1.125, -1.375, 1.25, -4.375, 3.25, 4.5, -3.375, 0.625},
     0.25,
     11,
     0.75,
     0,
     0.25,
     0.75,
     0.25,
     1,
     1u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     20,
     {11, 3, 7, 5, 8, 13, 2, 10, 11, 11, 7, 0, 2, 0, 11, 11, 8, 7, 5, 4},
     9,
     -0.732417964,
     {0, 0, 0, 0, 0, 0, 0, 0, 0, 1.0000000, 0, 0}},
    {{-0.875, 1.75, 0.625, 0, 3.625, 0.75, 4.125, 0.625, 4.375, -2.125, -0.5, -2.25},
     0.25,
     8,
     0,
     0,
     0.25,
     1,
     0.25,
     1,
     0u,
     3,
     {{4, 1}, {2, -2.75}, {4, -0.5}},
     5,
     {2, 13, 10, 5, 5},
     8,
     -0.886075889,
     {0, 0, 0, 0, 0, 0, 0, 0, 1.0000000, 0, 0, 0}},
    {{-1.75, -4, -3.125, 1.625, 0, 0, 0.375, 4.875, -1.75, -4.625, -3.625, 4.875},
     2,
     40,
     0.875,
     0.5,
     0,
     1,
     0,
     0,
     4294967295u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     20,
     {12, 7, 0, 8, 1, 12, 7, 8, 2, 5, 5, 2, 4, 1, 9, 8, 13, 5, 5, -1},
     7,
     -0.726852993,
     {0, 0, 0, 0, 0, 0, 0, 0.5000000, 0, 0, 0, 0.5000000}},
    {{3.625, 1, -1.75, 2.875, 0.125, 2.25, 4.875, 2.375, -4.125, 1.5, -3.625, -4.375},
     1.5,
     5,
     1,
     0,
     0.75,
     1.25,
     -0.25,
     0,
     1u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     0,
     {0},
     6,
     -0.495755898,
     {0.2559177, 0, 0, 0.1552219, 0, 0, 0.5888604, 0, 0, 0, 0, 0}},
    {{-4.25, -4.625, -3.25, -0.25, 0.25, -0.75, -0.25, 2.25, 3.625, -2.75, 0.375, 1.25},
     0.75,
     0,
     0,
     0,
     0.5,
     0.75,
     0.5,
     0,
     0u,
     1,
     {{10, 1}, {0, 0}, {0, 0}},
     1,
     {7},
     8,
     -0.389553544,
     {0, 0, 0, 0, 0, 0, 0, 0, 1.0000000, 0, 0, 0}},
    {{-4.375, -4.75, 3.125, 4.5, 2.125, -3.25, 1, 0.375, -3.875, 3, 1.75, -3.125},
     0.75,
     1,
     0.9375,
     0,
     1,
     0,
     -0.25,
     0.5,
     0u,
     3,
     {{2, -1}, {2, 3.5}, {7, 4}},
     1,
     {10},
     2,
     -1.894185583,
     {0, 0, 1.0000000, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
    {{-4.25, -2.625, 3.25, 0.5, 0.75, -0.625, 3, -2.25, 4.75, 1, 2.125, 3.375},
     0.5,
     8,
     1,
     0.0625,
     0.5,
     1.5,
     0.5,
     0.5,
     3u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     20,
     {7, 5, 11, 1, 6, -1, 4, 1, 12, 7, 9, 2, 6, 6, 3, 5, 2, 0, 11, 13},
     8,
     -0.579179738,
     {0, 0, 0, 0, 0, 0, 0, 0, 1.0000000, 0, 0, 0}},
    {{-0.125, -5, -4.375, -3.625, 2.625, -1.125, 4.75, 1.875, -3.625, 1, 3.125, 0.75},
     0.25,
     40,
     0.9375,
     0.0625,
     0,
     1.25,
     0,
     0.5,
     0u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     1,
     {9},
     6,
     -0.354639339,
     {0, 0, 0, 0, 0, 0, 1.0000000, 0, 0, 0, 0, 0}},
    {{4.5, 4.375, 4.375, -2.375, -1.25, -2.25, 0.375, -4.375, 1.875, 4, -0.625, 1.25},
     0.5,
     12,
     1,
     0.0625,
     0,
     1,
     0,
     0.5,
     3u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     5,
     {12, 3, 8, 5, 9},
     0,
     -1.255722853,
     {0.3713418, 0.2892013, 0.2892013, 0, 0, 0, 0, 0, 0, 0.0502556, 0, 0}},
    {{4, -4.125, -1.875, -3.875, -1, 2.5, 3.625, 3.25, -0.5, 2.375, 1.625, 4.25},
     1,
     11,
     0.75,
     0,
     0.75,
     1.5,
     -0.25,
     1,
     4294967295u,
     1,
     {{8, -3.5}, {0, 0}, {0, 0}},
     1,
     {11},
     0,
     -1.380796647,
     {0.5926666, 0, 0, 0, 0, 0, 0.4073334, 0, 0, 0, 0, 0}},
    {{3.875, 4.75, -2.125, 0.875, -0.875, 3.875, -4.375, 2.5, -2, -2.75, -4.25, -2.375},
     0.5,
     0,
     0.5,
     0,
     0,
     0,
     0.25,
     0,
     4294967295u,
     3,
     {{3, 3.5}, {0, -1.25}, {2, 0.75}},
     20,
     {8, -1, 13, -1, 12, 5, 5, -1, 12, 2, 12, 4, 9, 8, 7, 12, 7, 11, 8, 13},
     1,
     -0.676651104,
     {0, 1.0000000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
    {{-0.5, 1.875, -3.25, -1.625, 3.375, -0.125, -0.75, 1.75, 1.5, -0.625, -1, 0.375},
     0.25,
     0,
     0,
     0,
     0.5,
     1.5,
     0,
     0,
     1u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     0,
     {0},
     4,
     -0.547697963,
     {0, 0, 0, 0, 1.0000000, 0, 0, 0, 0, 0, 0, 0}},
    {{-3.375, 5, -3.25, -4.875, -5, 4.75, -1, 2.375, 2.25, -3.75, -3.5, -2.125},
     1,
     0,
     0.875,
     0.125,
     1,
     1.5,
     0,
     0,
     3u,
     3,
     {{5, -1}, {11, -0.25}, {9, 0.75}},
     0,
     {0},
     1,
     -0.652013929,
     {0, 0.7772999, 0, 0, 0, 0.2227001, 0, 0, 0, 0, 0, 0}},
    {{-2.625, 3.25, 3.5, 4.625, 0.625, -2, 2.25, 1.5, 4.375, 2.625, -2, -4.5},
     2,
     40,
     0,
     0.5,
     1,
     1.25,
     0.5,
     0,
     3u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     0,
     {0},
     3,
     -0.974698436,
     {0, 0.1701566, 0.1928126, 0.3383967, 0, 0, 0, 0, 0.2986341, 0, 0, 0}},
    {{-4.875, -3.125, 0, -0.375, -5, -4, 1.625, -3.375, 4.875, 2.375, 2.25, -4.25},
     2,
     0,
     0,
     0,
     0.75,
     0.75,
     0.5,
     0,
     4294967295u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     1,
     {0},
     8,
     -0.188251264,
     {0, 0, 0, 0, 0, 0, 0.1123564, 0, 0.5705930, 0.1634776, 0.1535730, 0}},
    {{5, 2.375, 0.375, 0.375, -3, 1.375, 3.5, -3.25, 3, 1.375, 5, 4.25},
     0.25,
     12,
     0.75,
     0,
     0.75,
     1.25,
     -0.25,
     1,
     0u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     1,
     {2},
     0,
     -1.090840157,
     {0.5000000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.5000000, 0}},
    {{3, -4.125, -4.25, -2.75, -0.75, 1.875, -4.5, 2.375, -0.5, 0.375, -4.375, -3.5},
     0.5,
     0,
     0.75,
     0,
     0.5,
     0.75,
     0,
     0.5,
     0u,
     3,
     {{5, 3.75}, {2, 1}, {10, 1.25}},
     5,
     {4, 13, 8, 8, 3},
     5,
     -1.814866666,
     {0, 0, 0, 0, 0, 1.0000000, 0, 0, 0, 0, 0, 0}},
    {{-4.25, 1.875, 1.125, 3.25, -3.875, -4, 3.75, -0.375, -4.25, 0.125, -1.625, -0.25},
     1.5,
     5,
     0.5,
     0,
     1,
     1,
     0,
     0,
     0u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     20,
     {6, -1, 12, 3, 5, 1, 3, 10, 2, 3, 5, 5, 12, 2, 9, -1, 13, -1, 0, 9},
     6,
     -0.641682448,
     {0, 0, 0, 0.4174298, 0, 0, 0.5825702, 0, 0, 0, 0, 0}},
    {{0.625, -3, -4.5, -4.875, 2.625, -0.125, -4.625, 1, 1.5, -4.75, 3.375, 3.375},
     2,
     5,
     0.5,
     0.5,
     0,
     0,
     -0.25,
     0,
     3u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     0,
     {0},
     10,
     -1.035259826,
     {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.5000000, 0.5000000}},
    {{-0.375, -3.625, 2.375, -1.75, -2.75, 2.625, 2, 4.625, 0.125, -0.125, 4, -0.75},
     0.75,
     8,
     0.875,
     0.0625,
     1,
     1,
     0,
     0.5,
     1u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     20,
     {10, 9, 8, 4, 8, 1, 7, 13, 3, 11, 0, 10, 9, 5, 0, 6, 5, 4, 2, 11},
     7,
     -0.632418383,
     {0, 0, 0, 0, 0, 0, 0, 0.6970593, 0, 0, 0.3029407, 0}},
    {{-3.75, -0.5, 4.625, 3.125, -1.125, -0.75, -0.375, 1.5, -3.5, 3.375, 0.25, 2.375},
     1,
     3,
     0.9375,
     0.0625,
     0,
     0.75,
     -0.25,
     0,
     3u,
     1,
     {{0, 1}, {0, 0}, {0, 0}},
     5,
     {0, 8, 9, -1, 7},
     9,
     -1.776256193,
     {0, 0, 0.4243980, 0.0946960, 0, 0, 0, 0, 0, 0.4809060, 0, 0}},
    {{-0.5, 1.75, -3.375, 1.75, -1.75, 4, -3, -3.625, 4.25, -1.75, -3.25, 1.125},
     0.25,
     0,
     0,
     0,
     0.25,
     1,
     -0.25,
     0.5,
     4294967295u,
     3,
     {{0, 2.25}, {9, -2.5}, {7, -0.75}},
     0,
     {0},
     8,
     -0.694470503,
     {0, 0, 0, 0, 0, 0, 0, 0, 1.0000000, 0, 0, 0}},
    {{-2.375, -0.75, 2.25, -2.875, -2.875, -3.25, -3.375, -2.5, -4.625, -1.75, 0.125, -4.5},
     0.25,
     40,
     0.5,
     0,
     0.5,
     1,
     0,
     0.5,
     1u,
     3,
     {{5, 3.5}, {4, 2.5}, {9, 2.25}},
     5,
     {13, 8, 3, 5, 13},
     2,
     -0.205208453,
     {0, 0, 1.0000000, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
    {{-2.625, 0, 2.375, 2, 3.5, -3.75, -2.5, -5, 2.5, -1.625, 0.125, 0.75},
     0.25,
     12,
     0.9375,
     0.0625,
     0,
     0,
     0,
     0,
     0u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     5,
     {5, -1, 2, 9, 7},
     4,
     -0.720534469,
     {0, 0, 0, 0, 1.0000000, 0, 0, 0, 0, 0, 0, 0}},
    {{-0.125, 4.5, 4.875, 1.875, 2, 0, 4.875, -2, -0.875, -3.25, 1.75, -4.625},
     1.5,
     3,
     1,
     0.0625,
     0.75,
     0,
     0.5,
     0.5,
     4294967295u,
     1,
     {{5, -0.25}, {0, 0}, {0, 0}},
     5,
     {6, 6, 11, 6, 4},
     2,
     -1.049558392,
     {0, 0.4378235, 0.5621765, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
    {{-0.875, -2.125, 0.125, 3.75, 4.625, -2.75, 2, -3.375, -4.625, -3.625, 0.625, 3.5},
     1,
     11,
     0.5,
     0,
     0.75,
     0,
     0,
     0,
     0u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     1,
     {0},
     4,
     -0.615161904,
     {0, 0, 0, 0, 1.0000000, 0, 0, 0, 0, 0, 0, 0}},
    {{3.25, 1.5, -4.375, -4.5, -4.125, -0.75, -0.125, -1.5, 1.75, -0.5, 2.875, -5},
     0.75,
     0,
     1,
     0.0625,
     0,
     0.75,
     0,
     0,
     4294967295u,
     3,
     {{0, -1}, {11, 3.75}, {5, 1.5}},
     20,
     {-1, 3, -1, 10, 2, 9, 7, 0, 5, 1, 7, 2, 8, 8, 4, 3, 9, 5, 7, -1},
     10,
     -1.150051264,
     {0.2122042, 0.0559364, 0, 0, 0, 0, 0, 0, 0.0872398, 0, 0.6446196, 0}},
    {{-0.25, 1.125, -4.875, -0.5, 0.875, 3.125, 0.125, 3.125, 3, -3.25, 0.5, 3},
     1.5,
     0,
     0.875,
     0.0625,
     0,
     1.25,
     -0.25,
     1,
     0u,
     1,
     {{10, -3.25}, {0, 0}, {0, 0}},
     1,
     {10},
     5,
     -1.432906306,
     {0, 0.0642342, 0, 0, 0, 0.2436834, 0, 0.2436834, 0.2241995, 0, 0, 0.2241995}},
    {{3, 2, 2.25, 1.375, 0.375, 4.125, 0, -3.875, 0.75, 0.25, 1.375, 3.125},
     2,
     12,
     0.5,
     0.125,
     0.5,
     1.25,
     0,
     1,
     0u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     1,
     {-1},
     5,
     -0.783063168,
     {0.4843801, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.5156199}},
    {{-1.375, -3.25, 4, -0.875, -1.25, 3.625, -1.875, -4.875, -1.25, 2.625, -2.125, 0},
     1,
     0,
     1,
     0.0625,
     1,
     1.25,
     0.25,
     0,
     0u,
     3,
     {{9, -0.25}, {0, -0.75}, {2, 0.25}},
     0,
     {0},
     2,
     -0.686652065,
     {0, 0, 0.5922008, 0, 0, 0.3169823, 0, 0, 0, 0.0908169, 0, 0}},
    {{-2.75, -1.375, 3.75, 2.375, 2.125, 4.625, -3.125, -2.625, 4.75, -3.125, -0.75, 0.625},
     1,
     0,
     0.75,
     0.0625,
     0.25,
     0.75,
     0,
     1,
     4294967295u,
     1,
     {{0, -3.5}, {0, 0}, {0, 0}},
     1,
     {2},
     8,
     -0.892083452,
     {0, 0, 0, 0, 0, 1.0000000, 0, 0, 0, 0, 0, 0}},
    {{1, -1, -4.25, -1.5, 4.75, 1.5, 2.5, 4.375, 0.625, 4.625, 4.5, 1.5},
     0.25,
     3,
     0.75,
     0,
     0.75,
     1.25,
     0.25,
     0.5,
     0u,
     0,
     {{0, 0}, {0, 0}, {0, 0}},
     20,
     {10, 5, 9, 0, 11, -1, 12, 6, 7, 12, 0, 2, 8, 9, 13, 9, 3, -1, 6, 1},
     4,
     -1.274371385,
     {0, 0, 0, 0, 1.0000000, 0, 0, 0, 0, 0, 0, 0}},
    {{5, -2.625, 2.875, -2.5, 4.875, 3.125, -2.625, 2, 2.75, -2.25, -0.875, -4.625},
     1.5,
     40,
     0.5,
     0.5,
     0.75,
     0.75,
     0,
     1,
     0u,
     1,
     {{8, -1}, {0, 0}, {0, 0}},
     5,
     {4, 4, 12, 13, 13},
     4,
     -0.964662541,
     {0, 0, 0, 0, 1.0000000, 0, 0, 0, 0, 0, 0, 0}},
    {{-3.75, 2.5, 4.625, -2.75, 1, -1, 4.375, -1.875, 1.125, -0.375, -3.5, 0.25},
     0.75,
     11,
     1,
     0,
     0.25,
     1,
     0.5,
     0,
     1u,
     1,
     {{5, -3.25}, {0, 0}, {0, 0}},
     0,
     {0},
     2,
     -0.683434997,
     {0, 0, 0, 0, 0, 0, 1.0000000, 0, 0, 0, 0, 0}},
    {{-1.25, 1.375, 3.375, 4.25, -3.5, 4.75, 1.375, -2.625, -4.25, -0.5, -0.875, 2.5},
     1.5,
     0,
     0.5,
     0.125,
     0,
     0.75,
     -0.25,
     1,
     0u,
     1,
     {{8, -3}, {0, 0}, {0, 0}},
     20,
     {6, 12, 0, 11, -1, 1, 4, 9, 0, 2, 3, 8, 1, 11, 11, 9, 12, 7, 2, 2},
     3,
     -1.215666675,
     {0, 0, 0, 0.5277492, 0, 0.4722508, 0, 0, 0, 0, 0, 0}},
    {{-0.125, -0.25, 4.375, 1, 5, 3.625, -3.875, 1.5, 4.25, -4.625, -4.875, 3.125},
     0.75,
     1,
     0.9375,
     0,
     1,
     1.5,
     -0.25,
     1,
     4294967295u,
     3,
     {{5, -2.25}, {0, -2}, {8, 4}},
     0,
     {0},
     8,
     -1.655750031,
     {0, 0, 0, 0, 0, 0, 0, 0, 1.0000000, 0, 0, 0}},
};
#define GOLDENS (sizeof golden / sizeof golden[0])

static void golden_options(size_t i, llmc_sample_options *o, llmc_logit_bias *bias)
{
    size_t j;
    memset(o, 0, sizeof *o);
    for (j = 0; j < golden[i].n_bias; j++) {
        bias[j].token = golden[i].bias[j].token;
        bias[j].bias = golden[i].bias[j].bias;
    }
    o->temperature = golden[i].temperature;
    o->top_k = golden[i].top_k;
    o->top_p = golden[i].top_p;
    o->min_p = golden[i].min_p;
    o->typical_p = golden[i].typical_p;
    o->repeat_penalty = golden[i].repeat;
    o->frequency_penalty = golden[i].frequency;
    o->presence_penalty = golden[i].presence;
    o->penalty_window = golden[i].window;
    o->bias = bias;
    o->n_bias = golden[i].n_bias;
}

static void golden_greedy(void)
{
    size_t i;
    for (i = 0; i < GOLDENS; i++) {
        llmc_sample_options o;
        llmc_logit_bias bias[3];
        llmc_token t = -1;
        float lp = 1;
        golden_options(i, &o, bias);
        o.temperature = 0;
        CHECKF(sample(&o, NULL, golden[i].logits, N, golden[i].history, golden[i].n_history, &t, &lp) ==
                   LLMC_OK,
               "case %zu: %s", i, diag.message);
        CHECKF(t == golden[i].greedy, "case %zu: token %d, expected %d", i, (int)t, (int)golden[i].greedy);
        CHECKF((double)lp - golden[i].logprob < 2e-6 && (double)lp - golden[i].logprob > -2e-6,
               "case %zu: log probability %.9g, expected %.9g", i, (double)lp, golden[i].logprob);
    }
}

/* Logits as llmc__sample changes them, filtered: what is left, in work [llmc_sample_need(n)]. */
static llmc__candidates filtered(const llmc__kernels *k, const llmc_sample_options *o, const float *logits,
                                 size_t n, const llmc_token *history, size_t n_history, void *work)
{
    llmc__arena a = llmc__arena_over(work, llmc_sample_need(n));
    llmc__candidates c = llmc__sample_carve(&a, n);
    float largest = 0;
    memcpy(c.value, logits, n * sizeof *logits);
    CHECK(llmc__bias(o, c.value, n, &diag) == LLMC_OK);
    llmc__penalise(o, c.value, c.weight, n, history, n_history);
    CHECK(k->top(c.value, n, c.lane, &largest));
    llmc__filter(k, o, &c, c.value, largest);
    return c;
}

/* The candidates that the filters leave, and their weights. */
static void golden_filters(void)
{
    size_t i, j;
    void *work = malloc(llmc_sample_need(N));
    for (i = 0; i < GOLDENS; i++) {
        llmc_sample_options o;
        llmc_logit_bias bias[3];
        llmc__candidates c;
        double p[N] = {0};
        golden_options(i, &o, bias);
        c = filtered(&llmc__scalar_kernels, &o, golden[i].logits, N, golden[i].history, golden[i].n_history,
                     work);
        for (j = 0; j < c.n; j++)
            p[c.listed ? (size_t)c.id[j] : j] += (double)c.weight[j] / llmc__mass(&c);
        for (j = 0; j < N; j++)
            CHECKF(p[j] - golden[i].p[j] < 1e-6 && p[j] - golden[i].p[j] > -1e-6,
                   "case %zu: token %zu has probability %.8f, expected %.8f", i, j, p[j], golden[i].p[j]);
    }
    free(work);
}

/* What a sort would make of the filters, for vocabularies that are cut into groups. */
typedef struct naive {
    double value, weight, order;
    size_t id;
} naive;

static int by_order(const void *a, const void *b)
{
    const naive *x = (const naive *)a, *y = (const naive *)b;
    return x->order < y->order ? -1 : x->order > y->order ? 1 : x->id < y->id ? -1 : 1;
}

/* Sorts by distance from center and keeps p of the mass, or k. *margin: how near a cumulated mass comes to
   the threshold, relative to all. */
static size_t naive_keep(naive *v, size_t n, double center, double p, size_t k, double *margin)
{
    double total = 0, sum = 0;
    size_t i;
    for (i = 0; i < n; i++) {
        float d = (float)(v[i].value - center); /* as llmc__distance rounds it */
        v[i].order = (double)(d < 0 ? -d : d);
        total += v[i].weight;
    }
    qsort(v, n, sizeof *v, by_order);
    if (k > 0)
        return k < n ? k : n;
    for (i = 0; i < n; i++) {
        double off;
        sum += v[i].weight;
        off = sum / total - p;
        off = off < 0 ? -off : off;
        *margin = off < *margin ? off : *margin;
        if (sum >= p * total)
            return i + 1;
    }
    return n;
}

static size_t naive_filter(const llmc_sample_options *o, const float *logits, size_t n, naive *v,
                           double *margin)
{
    size_t i, kept = 0;
    float largest = logits[0];
    double best = 0;
    *margin = 1;
    for (i = 1; i < n; i++)
        largest = logits[i] > largest ? logits[i] : largest;
    for (i = 0; i < n; i++) {
        float value = llmc__heat(logits[i], largest, 1 / o->temperature);
        if (!llmc__finite(value))
            continue;
        v[kept].value = (double)value;
        v[kept].weight = (double)llmc__decay(value);
        v[kept++].id = i;
    }
    n = kept;
    if (o->top_k > 0)
        n = naive_keep(v, n, 0, 0, o->top_k, margin);
    if (o->typical_p > 0) {
        double sum = 0, mean = 0;
        for (i = 0; i < n; i++) {
            sum += v[i].weight;
            mean += v[i].weight * v[i].value;
        }
        n = naive_keep(v, n, mean / sum, (double)o->typical_p, 0, margin);
    }
    if (o->top_p > 0)
        n = naive_keep(v, n, 0, (double)o->top_p, 0, margin);
    for (i = 0; i < n; i++)
        best = v[i].weight > best ? v[i].weight : best;
    for (i = kept = 0; i < n; i++)
        if (v[i].weight >= (double)o->min_p * best)
            v[kept++] = v[i];
    return kept;
}

/* Logits of many shapes: normal, steps (ties), mostly forbidden, all equal, one far above, spread wide. */
static void shape_logits(float *x, size_t n, uint64_t shape, llmc_rng *rng)
{
    size_t i;
    for (i = 0; i < n; i++) {
        float z = llmc_rng_normal(rng);
        x[i] = shape == 0   ? 3 * z
               : shape == 1 ? (float)(int)(4 * z) / 4
               : shape == 2 ? llmc_rng_u64(rng) % 50 > 0 ? -infinite() : 3 * z
               : shape == 3 ? 2
               : shape == 4 ? z + (i == n / 2 ? 20.0f : 0.0f)
                            : z * z * z * 1e6f * (i % 7 == 0 ? 1e-9f : 1.0f);
    }
    if (shape == 2)
        x[n / 3] = 1;
}

/* Filters that pass over groups, histograms that rank: the same candidates as sorting finds, in order of
   id, and with every instruction set the same bits. */
static void against_sorting(void)
{
    llmc_rng rng = llmc_rng_seed(test_seed(23));
    const llmc__kernels *k = llmc__kernels_for(llmc_cpu_detect());
    int round;
#if defined(__clang__) && defined(__FAST_MATH__)
    k = &llmc__scalar_kernels; /* clang fuses: the sets are near each other then, not the same (01.1) */
#endif
    for (round = 0; round < 240; round++) {
        size_t n = 1 + (size_t)(llmc_rng_u64(&rng) % (round % 3 == 0 ? 9000 : 1100)), i, left;
        float *x = (float *)malloc(n * sizeof *x);
        naive *v = (naive *)malloc(n * sizeof *v);
        void *work = malloc(llmc_sample_need(n)), *other = malloc(llmc_sample_need(n));
        double margin;
        llmc__candidates c, d;
        llmc_sample_options o;
        memset(&o, 0, sizeof o);
        shape_logits(x, n, llmc_rng_u64(&rng) % 6, &rng);
        o.temperature = llmc_rng_u64(&rng) % 4 == 0 ? 1 : 0.1f + 2 * llmc_rng_uniform(&rng);
        if (round % 2)
            o.top_k = 1 + (uint32_t)(llmc_rng_u64(&rng) % (round % 4 == 1 ? 60 : n));
        if (round / 2 % 2)
            o.top_p = 0.01f + 0.98f * llmc_rng_uniform(&rng);
        if (round / 4 % 3 == 0)
            o.typical_p = 0.01f + 0.98f * llmc_rng_uniform(&rng);
        if (round / 12 % 2)
            o.min_p = llmc_rng_uniform(&rng) * llmc_rng_uniform(&rng);
        c = filtered(k, &o, x, n, NULL, 0, work);
        d = filtered(&llmc__scalar_kernels, &o, x, n, NULL, 0, other);
        CHECK(c.n == d.n && c.listed == d.listed && memcmp(c.weight, d.weight, c.n * sizeof *c.weight) == 0);
        CHECK(!c.listed || memcmp(c.id, d.id, c.n * sizeof *c.id) == 0);
        left = naive_filter(&o, x, n, v, &margin);
        for (i = 0; i < left; i++)
            v[i].order = 0; /* by id */
        qsort(v, left, sizeof *v, by_order);
        if (margin > 1e-9) {
            size_t at = 0, id = 0;
            for (i = 0; i < c.n; i++) { /* what has no weight may stay: it is never drawn */
                id = c.listed ? (size_t)c.id[i] : i;
                if (at < left && v[at].id == id)
                    at++;
                else if (c.weight[i] > 0)
                    break;
            }
            CHECKF(i == c.n && at == left,
                   "round %d n %zu k %u p %g m %g t %g temp %g: %zu left of %zu, token %zu", round, n,
                   o.top_k, (double)o.top_p, (double)o.min_p, (double)o.typical_p, (double)o.temperature, c.n,
                   left, id);
        }
        for (i = 0; i < 4; i++) {
            double u = i == 0 ? 0 : i == 1 ? 1 - 1e-16 : (double)llmc_rng_uniform(&rng);
            CHECK(llmc__draw(&c, u) == llmc__draw(&d, u));
        }
        free(x);
        free(v);
        free(work);
        free(other);
    }
}

/* Draws follow that distribution: chi-square over all cases together. The sum of k
   independent ones has mean df and variance 2 df; 5 deviations are a fair bound. */
static void golden_draws(void)
{
    const int draws = 1000;
    double chi = 0, df = 0;
    llmc_rng rng = llmc_rng_seed(test_seed(7));
    size_t i, j;
    int d;
    for (i = 0; i < GOLDENS; i++) {
        llmc_sample_options o;
        llmc_logit_bias bias[3];
        int count[N] = {0};
        golden_options(i, &o, bias);
        for (d = 0; d < draws; d++) {
            llmc_token t = -1;
            CHECK(sample(&o, &rng, golden[i].logits, N, golden[i].history, golden[i].n_history, &t, NULL) ==
                  LLMC_OK);
            if (t >= 0 && t < N)
                count[t]++;
        }
        for (j = 0; j < N; j++) {
            double expected = golden[i].p[j] * draws, off = count[j] - expected;
            CHECKF(golden[i].p[j] > 0 || count[j] == 0, "case %zu: token %zu was filtered but drawn", i, j);
            if (expected >= 5) {
                chi += off * off / expected;
                df += 1;
            }
        }
        df -= 1;
    }
    CHECKF((chi - df) * (chi - df) < 25 * 2 * df, "chi-square %.1f for %.0f degrees of freedom", chi, df);
}

/* Large vocabulary, plain temperature: the tail is drawn as often as it should be. */
static void draws_of_many(void)
{
    const size_t n = 200;
    const int draws = 10000;
    float logits[200];
    double z = 0, tail = 0;
    llmc_sample_options o;
    llmc_rng rng = llmc_rng_seed(test_seed(11));
    int in_tail = 0, d;
    size_t i;
    double off;
    memset(&o, 0, sizeof o);
    o.temperature = 1;
    for (i = 0; i < n; i++) { /* weights 8 and 1 without an exp of our own */
        logits[i] = i < 20 ? 2.0794415f : 0.0f;
        z += i < 20 ? 8 : 1;
        tail += i >= 100 ? 1 : 0;
    }
    for (d = 0; d < draws; d++) {
        llmc_token t = 0;
        CHECK(sample(&o, &rng, logits, n, NULL, 0, &t, NULL) == LLMC_OK);
        in_tail += t >= 100;
    }
    off = in_tail - draws * tail / z;
    CHECKF(off * off < 25 * draws * (tail / z) * (1 - tail / z), "%d of %d draws, expected %.0f", in_tail,
           draws, draws * tail / z);
}

static void penalties_by_hand(void)
{
    /* token 0: seen twice, positive; 1: once, negative; 2: outside the window; 3: never */
    static const float logits[4] = {3.0f, -1.0f, 2.0f, 0.5f};
    static const llmc_token history[6] = {2, 0, 1, 99, -1, 0};
    llmc_sample_options o;
    float x[4], count[4] = {9, 9, 9, 9};
    memset(&o, 0, sizeof o);
    memcpy(x, logits, sizeof x);
    o.repeat_penalty = 2.0f;
    o.frequency_penalty = 0.25f;
    o.presence_penalty = 0.125f;
    o.penalty_window = 5;
    llmc__penalise(&o, x, count, 4, history, 6);
    CHECK(x[0] == 0.875f);  /* 3 / 2 - 2 * 0.25 - 0.125 */
    CHECK(x[1] == -2.375f); /* -1 * 2 - 0.25 - 0.125    */
    CHECK(x[2] == 2.0f && x[3] == 0.5f);
    o.penalty_window = UINT32_MAX;
    llmc__penalise(&o, x, count, 4, history, 1);
    CHECK(x[2] == 0.625f); /* 2 / 2 - 0.25 - 0.125 */
}

static void default_window(void)
{
    float logits[2] = {1.0f, 0.5f};
    llmc_token history[65], t = -1;
    llmc_sample_options o;
    size_t i;
    memset(&o, 0, sizeof o);
    o.presence_penalty = 1;
    history[0] = 0;
    for (i = 1; i < 65; i++)
        history[i] = 7;
    CHECK(sample(&o, NULL, logits, 2, history, 65, &t, NULL) == LLMC_OK && t == 0);
    CHECK(sample(&o, NULL, logits, 2, history, 64, &t, NULL) == LLMC_OK && t == 1);
    o.penalty_window = UINT32_MAX;
    CHECK(sample(&o, NULL, logits, 2, history, 65, &t, NULL) == LLMC_OK && t == 1);
}

static void ties(void)
{
    static const float logits[6] = {1, 3, 2, 3, 3, 1};
    llmc_sample_options o;
    llmc_rng rng = llmc_rng_seed(1);
    llmc_token t = -1;
    int i;
    CHECK(sample(NULL, NULL, logits, 6, NULL, 0, &t, NULL) == LLMC_OK && t == 1);
    memset(&o, 0, sizeof o);
    o.temperature = 1;
    o.top_k = 2; /* of the three equal ones the two with the lowest ids */
    for (i = 0; i < 200; i++)
        CHECK(sample(&o, &rng, logits, 6, NULL, 0, &t, NULL) == LLMC_OK && (t == 1 || t == 3));
    o.top_k = 0;
    o.top_p = 0.3f;
    for (i = 0; i < 200; i++)
        CHECK(sample(&o, &rng, logits, 6, NULL, 0, &t, NULL) == LLMC_OK && (t == 1 || t == 3));
    o.top_p = 0.2f;
    CHECK(sample(&o, &rng, logits, 6, NULL, 0, &t, NULL) == LLMC_OK && t == 1);
}

static void edges(void)
{
    float x[4] = {0, 0, 0, 0};
    float inf = infinite(), lp = 5;
    llmc_sample_options o;
    llmc_rng rng = llmc_rng_seed(3);
    llmc_token t = -1;
    int i, seen = 0;
    memset(&o, 0, sizeof o);
    o.temperature = 1;
    o.top_k = 100;
    CHECK(sample(&o, &rng, x, 1, NULL, 0, &t, &lp) == LLMC_OK && t == 0 && lp == 0); /* n = 1 */
    CHECK(sample(NULL, NULL, x, 1, NULL, 0, &t, &lp) == LLMC_OK && t == 0 && lp == 0);
    CHECK(sample(&o, &rng, x, 0, NULL, 0, &t, &lp) == LLMC_BAD_ARG);
    x[0] = x[1] = x[2] = x[3] = -inf;
    t = 77;
    CHECK(sample(&o, &rng, x, 4, NULL, 0, &t, &lp) == LLMC_NOT_FINITE && t == 77);
    CHECK(sample(NULL, NULL, x, 4, NULL, 0, &t, &lp) == LLMC_NOT_FINITE && t == 77);
    x[2] = -1e38f;
    CHECK(sample(&o, &rng, x, 4, NULL, 0, &t, &lp) == LLMC_OK && t == 2 && lp == 0);
    x[2] = -inf;
    x[1] = x[3] = inf; /* certain; which of the two is drawn */
    for (i = 0; i < 100; i++) {
        CHECK(sample(&o, &rng, x, 4, NULL, 0, &t, &lp) == LLMC_OK && (t == 1 || t == 3));
        CHECK(lp < -0.69314 && lp > -0.69315);
        seen |= t == 1 ? 1 : 2;
    }
    CHECK(seen == 3);
    CHECK(sample(NULL, NULL, x, 4, NULL, 0, &t, &lp) == LLMC_OK && t == 1);
    for (i = 0; i < 4; i++) {
        x[0] = x[1] = x[2] = x[3] = 1;
        x[i] = not_a_number();
        CHECK(sample(&o, &rng, x, 4, NULL, 0, &t, &lp) == LLMC_NOT_FINITE);
        CHECK(sample(NULL, NULL, x, 4, NULL, 0, &t, &lp) == LLMC_NOT_FINITE);
    }
    x[0] = 3.4e38f; /* differences overflow, tiny temperatures divide */
    x[1] = -3.4e38f;
    x[2] = 3.39e38f;
    x[3] = 0;
    o.temperature = 1e-38f;
    CHECK(sample(&o, &rng, x, 4, NULL, 0, &t, &lp) == LLMC_OK && t == 0);
    o.temperature = 3e38f;
    o.top_p = 0.9f;
    o.min_p = 0.1f;
    o.typical_p = 0.5f;
    CHECK(sample(&o, &rng, x, 4, NULL, 0, &t, &lp) == LLMC_OK);
}

static void bias(void)
{
    float x[3] = {5, 4, 3}, lp;
    llmc_logit_bias b[3] = {{0, -1.5f}, {1, 0}, {2, 3.0f}};
    llmc_sample_options o;
    llmc_rng rng = llmc_rng_seed(4);
    llmc_token t = -1;
    memset(&o, 0, sizeof o);
    o.bias = b;
    o.n_bias = 1;
    CHECK(sample(&o, NULL, x, 3, NULL, 0, &t, &lp) == LLMC_OK && t == 1);
    CHECK(lp > -1.4077f && lp < -1.4075f); /* of the logits as given: 4 - log(e^5 + e^4 + e^3) */
    o.n_bias = 3;
    CHECK(sample(&o, NULL, x, 3, NULL, 0, &t, NULL) == LLMC_OK && t == 2);
    b[1].token = 2; /* biases of one token add up */
    b[1].bias = -3.0f;
    CHECK(sample(&o, NULL, x, 3, NULL, 0, &t, NULL) == LLMC_OK && t == 1);
    b[0].bias = b[1].bias = -infinite();
    b[1].token = 1;
    o.temperature = 100;
    CHECK(sample(&o, &rng, x, 3, NULL, 0, &t, NULL) == LLMC_OK && t == 2);
    b[2].bias = -infinite();
    CHECK(sample(&o, &rng, x, 3, NULL, 0, &t, NULL) == LLMC_NOT_FINITE);
    b[2].token = 3;
    CHECK(sample(&o, &rng, x, 3, NULL, 0, &t, NULL) == LLMC_BAD_ARG);
    b[2].token = -1;
    CHECK(sample(&o, &rng, x, 3, NULL, 0, &t, NULL) == LLMC_BAD_ARG);
    b[2].token = 2;
    b[2].bias = infinite();
    CHECK(sample(&o, &rng, x, 3, NULL, 0, &t, NULL) == LLMC_BAD_ARG);
    o.bias = NULL;
    CHECK(sample(&o, &rng, x, 3, NULL, 0, &t, NULL) == LLMC_BAD_ARG);
}

static void options_checked(void)
{
    llmc_sample_options o;
    float *field[7];
    static const char *const name[7] = {"temperature",     "top_p",          "min_p",
                                        "typical_p",       "repeat_penalty", "frequency_penalty",
                                        "presence_penalty"};
    int i;
    CHECK(llmc_sample_check(NULL, &diag) == LLMC_OK);
    memset(&o, 0, sizeof o);
    CHECK(llmc_sample_check(&o, NULL) == LLMC_OK);
    field[0] = &o.temperature;
    field[1] = &o.top_p;
    field[2] = &o.min_p;
    field[3] = &o.typical_p;
    field[4] = &o.repeat_penalty;
    field[5] = &o.frequency_penalty;
    field[6] = &o.presence_penalty;
    for (i = 0; i < 7; i++) {
        *field[i] = not_a_number();
        CHECK(llmc_sample_check(&o, &diag) == LLMC_BAD_ARG && strstr(diag.message, name[i]) != NULL);
        *field[i] = infinite();
        CHECK(llmc_sample_check(&o, &diag) == LLMC_BAD_ARG);
        *field[i] = -0.5f;
        CHECK(llmc_sample_check(&o, &diag) == (i < 5 ? LLMC_BAD_ARG : LLMC_OK));
        *field[i] = 1.5f;
        CHECK(llmc_sample_check(&o, &diag) == (i >= 1 && i <= 3 ? LLMC_BAD_ARG : LLMC_OK));
        *field[i] = 1.0f;
        CHECK(llmc_sample_check(&o, &diag) == LLMC_OK);
        *field[i] = 0;
    }
    o.size = offsetof(llmc_sample_options, top_p); /* an older caller: what it lacks is zero */
    o.top_p = 9;
    CHECK(llmc_sample_check(&o, &diag) == LLMC_OK);
}

static void memory(void)
{
    float x[N] = {1, 2, 3}, before[N];
    size_t need = llmc_sample_need(N), size;
    char *work = (char *)malloc(need + 64);
    llmc_rng rng = llmc_rng_seed(5), same = rng;
    llmc_sample_options o;
    llmc_token t = 7;
    memset(&o, 0, sizeof o);
    o.temperature = 1;
    memcpy(before, x, sizeof x);
    for (size = 0; size < need; size++) {
        memset(work, 0x5a, need + 64);
        CHECK(llmc_sample(&o, &rng, x, N, NULL, 0, work, size, &t, NULL, &diag) == LLMC_NO_MEMORY);
        CHECK(t == 7 && memcmp(&rng, &same, sizeof rng) == 0 && memcmp(x, before, sizeof x) == 0);
        CHECK((unsigned char)work[0] == 0x5a && (unsigned char)work[size] == 0x5a);
    }
    for (size = 0; size < 64; size++) { /* any alignment */
        memset(work, 0x5a, need + 64);
        CHECK(llmc_sample(&o, &rng, x, N, NULL, 0, work + size, need, &t, NULL, &diag) == LLMC_OK);
        CHECK(size == 64 || (unsigned char)work[size + need] == 0x5a || size + need == need + 64);
    }
    CHECK(llmc_sample_need(SIZE_MAX) == SIZE_MAX && llmc_sample_need(SIZE_MAX / 12) == SIZE_MAX);
    free(work);
}

/* The logits are the caller's: they may be in read-only memory. */
static void logits_may_be_constant(void)
{
    static const float x[3] = {1, 3, 2};
    static char work[4096];
    llmc_sample_options o;
    llmc_logit_bias b = {1, -5};
    llmc_token t = -1, before[1] = {2};
    memset(&o, 0, sizeof o);
    o.repeat_penalty = 1.5f;
    o.bias = &b;
    o.n_bias = 1;
    CHECK(llmc_sample(&o, NULL, x, 3, before, 1, work, sizeof work, &t, NULL, &diag) == LLMC_OK && t == 2);
}

/* Penalties without a history, which may be NULL then: no arithmetic on it (UBSan). */
static void penalties_without_history(void)
{
    static const float x[3] = {0, 1, 2};
    llmc_sample_options o;
    llmc_token t = -1;
    memset(&o, 0, sizeof o);
    o.repeat_penalty = 2;
    o.frequency_penalty = 1;
    o.presence_penalty = 1;
    CHECK(sample(&o, NULL, x, 3, NULL, 0, &t, NULL) == LLMC_OK && t == 2);
    o.penalty_window = 7;
    CHECK(sample(&o, NULL, x, 3, NULL, 0, &t, NULL) == LLMC_OK && t == 2);
}

/* A NaN anywhere makes every token's probability one. */
static void logprob_of_nan(void)
{
    float x[4];
    int i, token;
    for (i = 0; i < 4; i++)
        for (token = 0; token < 4; token++) {
            x[0] = x[1] = x[2] = x[3] = 1;
            x[i] = not_a_number();
            CHECKF(llmc__nan(llmc_logprob(x, 4, token)), "NaN at %d, token %d", i, token);
        }
}

static void one_random_number(void)
{
    static const float x[3] = {1, 2, 3};
    llmc_rng a = llmc_rng_seed(6), b = a, first = a;
    llmc_sample_options o;
    llmc_token t;
    memset(&o, 0, sizeof o);
    CHECK(sample(&o, &a, x, 3, NULL, 0, &t, NULL) == LLMC_OK && memcmp(&a, &first, sizeof a) == 0);
    o.temperature = 0.7f;
    CHECK(sample(&o, NULL, x, 3, NULL, 0, &t, NULL) == LLMC_BAD_ARG);
    CHECK(sample(&o, &a, x, 3, NULL, 0, &t, NULL) == LLMC_OK);
    (void)llmc_rng_u64(&b);
    CHECK(memcmp(&a, &b, sizeof a) == 0);
}

/* The same choices on every machine. What they are was computed in Python from the interface's words:
   doubles, sorting, the draw in order of id; all machines and later versions are held to it. */
static void same_everywhere(void)
{
    static const llmc_token recorded[24] = {87,  128, 147, 174, 8,   185, 161, 180, 161, 90, 185, 120,
                                            196, 191, 90,  46,  131, 106, 30,  46,  46,  49, 169, 19};
    float x[200];
    llmc_rng rng = llmc_rng_seed(2026);
    llmc_sample_options o;
    llmc_token history[24];
    size_t i;
    memset(&o, 0, sizeof o);
    o.temperature = 0.9f;
    o.top_k = 150;
    o.top_p = 0.95f;
    o.typical_p = 0.9f;
    o.min_p = 0.01f;
    o.repeat_penalty = 1.1f;
    for (i = 0; i < 200; i++)
        x[i] = (float)((int)(i * 37 % 101) - 50) / 16.0f;
    for (i = 0; i < 24; i++) {
        CHECK(sample(&o, &rng, x, 200, history, i, &history[i], NULL) == LLMC_OK);
        CHECKF(history[i] == recorded[i], "draw %zu is %d, not %d", i, (int)history[i], (int)recorded[i]);
    }
}

/* 128k tokens with all logits equal, ascending, descending and mixed, through every
   filter: what a quadratic step would turn into minutes. */
static void large_vocabulary(void)
{
    const size_t n = 131072;
    float *x = (float *)malloc(n * sizeof *x);
    void *work = malloc(llmc_sample_need(n));
    llmc_rng rng = llmc_rng_seed(8);
    llmc_sample_options o;
    int shape, filter;
    size_t i;
    memset(&o, 0, sizeof o);
    for (shape = 0; shape < 4; shape++)
        for (filter = 0; filter < 6; filter++) {
            llmc_token t = -1;
            float lp = 1;
            for (i = 0; i < n; i++)
                x[i] = shape == 0   ? 1.0f
                       : shape == 1 ? (float)i / 16384
                       : shape == 2 ? -(float)i / 16384
                                    : (float)(i * 7919 % 1009) / 256;
            o.temperature = 1;
            o.top_k = filter == 1 ? 40 : filter == 5 ? 100000 : 0;
            o.top_p = filter == 2 || filter == 5 ? 0.99f : 0;
            o.typical_p = filter == 3 || filter == 5 ? 0.99f : 0;
            o.min_p = filter == 4 || filter == 5 ? 0.001f : 0;
            CHECK(llmc_sample(&o, &rng, x, n, NULL, 0, work, llmc_sample_need(n), &t, &lp, &diag) == LLMC_OK);
            CHECK(t >= 0 && (size_t)t < n && lp < -5 && lp > -30);
        }
    free(x);
    free(work);
}

int main(void)
{
    RUN(golden_greedy);
    RUN(golden_filters);
    RUN(against_sorting);
    RUN(golden_draws);
    RUN(draws_of_many);
    RUN(penalties_by_hand);
    RUN(default_window);
    RUN(ties);
    RUN(edges);
    RUN(bias);
    RUN(options_checked);
    RUN(memory);
    RUN(logits_may_be_constant);
    RUN(penalties_without_history);
    RUN(logprob_of_nan);
    RUN(one_random_number);
    RUN(same_everywhere);
    RUN(large_vocabulary);
    return test_end("test_sample");
}
