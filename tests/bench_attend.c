/* cc -O2 tests/bench_attend.c -o build/bench_attend && build/bench_attend [TOKENS [LAYERS]]

   bench_attend.c -- one token's attention by its kernel alone, on two threads, in the shape of TinyLlama-1.1B
   (4 key heads of 64, 8 queries each) with an F16 cache of TOKENS (16384) in LAYERS (22), laid out in pages as the
   engine lays it out. Milliseconds, the best of several: reading the pages with no work at all; attention; the
   same without the tile that is wanted next being named, so that nothing is fetched ahead; and attention over one
   page again and again, which the first-level cache holds. */
#define LLMC_STATIC
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 64, HEADS = 4, QUERIES = 8, ROUNDS = 9 };

typedef enum work { READ, ATTEND, NO_FETCH, NEAR, WORKS } work;
static const char *const names[WORKS] = {"reading its pages", "attention", "  nothing fetched ahead",
                                         "  from the first-level cache"};

typedef struct run {
    const llmc__kernels *kernels;
    const float *q;
    float *scratch[HEADS];
    uint8_t *cache;
    uint32_t pages, layers;
    work work;
    volatile uint64_t sum[HEADS];
} run;

#define HEAD_BYTES ((size_t)LLMC__PAGE_TOKENS * WIDTH * 2)

static const uint8_t *page_of(const run *r, uint32_t page, uint32_t layer, int value, uint32_t head)
{
    if (r->work == NEAR)
        page = layer = 0, head = (uint32_t)(value = 0);
    return r->cache + ((((size_t)page * r->layers + layer) * 2 + (size_t)value) * HEADS + head) * HEAD_BYTES;
}

static uint64_t read_head(const run *r, uint32_t layer, uint32_t head)
{
    uint64_t sum = 0, x;
    uint32_t p;
    size_t i;
    int value;
    for (p = 0; p < r->pages; p++)
        for (value = 0; value < 2; value++) {
            const uint8_t *at = page_of(r, p, layer, value, head);
            const uint8_t *next = page_of(r, p + 2 < r->pages ? p + 2 : p, layer, value, head);
            for (i = 0; i < HEAD_BYTES; i += 64) { /* a word of each line */
#if defined(__GNUC__)
                __builtin_prefetch(next + i);
#else
                (void)next;
#endif
                memcpy(&x, at + i, sizeof x);
                sum += x;
            }
        }
    return sum;
}

static void attend_head(const run *r, uint32_t layer, uint32_t head)
{
    uint8_t lo[QUERIES] = {0}, hi[QUERIES];
    llmc__attend a;
    uint32_t p, j;
    memset(hi, LLMC__TILE, sizeof hi);
    memset(&a, 0, sizeof a);
    a.q = r->q;
    a.rows = QUERIES;
    a.K = a.wide = WIDTH;
    a.step = WIDTH + 32;
    a.state = r->scratch[head];
    a.scratch = a.state + QUERIES * a.step;
    a.type_k = a.type_v = LLMC_F16;
    a.lo = lo;
    a.hi = hi;
    a.last = LLMC__TILE;
    a.alike = true;
    memset(a.state, 0, QUERIES * a.step * sizeof(float));
    for (j = 0; j < QUERIES; j++)
        a.state[j * a.step + WIDTH + 16] = -FLT_MAX;
    for (p = 0; p < r->pages; p += LLMC__TILE_PAGES) {
        for (j = 0; j < LLMC__TILE_PAGES; j++) {
            uint32_t next = p + LLMC__TILE_PAGES + j;
            bool ahead = next < r->pages && r->work != NO_FETCH;
            a.keys[j] = page_of(r, p + j, layer, 0, head);
            a.values[j] = page_of(r, p + j, layer, 1, head);
            a.next_keys[j] = ahead ? page_of(r, next, layer, 0, head) : NULL;
            a.next_values[j] = ahead ? page_of(r, next, layer, 1, head) : NULL;
        }
        r->kernels->attend(&a);
    }
}

/* llmc_task_fn: a head, in all layers. */
static void one_head(void *arg, uint32_t head)
{
    run *r = (run *)arg;
    uint32_t layer;
    for (layer = 0; layer < r->layers; layer++)
        if (r->work == READ)
            r->sum[head] += read_head(r, layer, head);
        else
            attend_head(r, layer, head);
}

int main(int argc, char **argv)
{
    run r = {0};
    double best[WORKS] = {0}, bytes, flop;
    size_t floats = QUERIES * (WIDTH + 32) + LLMC__TILE * (8 + 2 * WIDTH), i;
    llmc_pool *pool = NULL;
    llmc_tasks tasks;
    llmc_rng rng;
    llmc_diag diag;
    void *mem = NULL;
    float *at;
    int round;
    uint32_t h;
    uint32_t tokens = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 16384;
    r.layers = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 22;
    r.pages = tokens / LLMC__TILE * LLMC__TILE_PAGES;
    r.kernels = llmc__kernels_for(llmc_cpu_detect());
    bytes = (double)r.pages * r.layers * 2 * HEADS * HEAD_BYTES;
    flop = 4.0 * r.pages * LLMC__PAGE_TOKENS * WIDTH * HEADS * QUERIES * r.layers;
    if (r.pages == 0 || r.layers == 0 || r.layers > 1000 || tokens > 1 << 20 ||
        llmc_os_memory(&mem, (size_t)bytes + (HEADS * floats + QUERIES * WIDTH) * sizeof(float), &diag) !=
            LLMC_OK ||
        llmc_pool_open(&pool, 2, &diag) != LLMC_OK) {
        fprintf(stderr,
                "bench_attend: TOKENS, from %d on, and LAYERS are numbers, and the cache has to fit\n",
                LLMC__TILE);
        return 1;
    }
    tasks = llmc_pool_tasks(pool);
    r.cache = (uint8_t *)mem;
    at = (float *)(void *)(r.cache + (size_t)bytes);
    rng = llmc_rng_seed(1);
    for (i = 0; i < (size_t)bytes; i += 2) { /* halves of either sign from 1/8 to 1/2 */
        uint16_t half = (uint16_t)(0x3000 | (llmc_rng_u64(&rng) & 0x87ff));
        memcpy(r.cache + i, &half, 2);
    }
    for (h = 0; h < HEADS; h++, at += floats)
        r.scratch[h] = at;
    for (i = 0; i < QUERIES * WIDTH; i++)
        at[i] = 0.01f * (float)((int)(i * 37 % 17) - 8);
    r.q = at;
    for (round = 0; round < ROUNDS; round++)
        for (r.work = READ; r.work < WORKS; r.work = (work)(r.work + 1)) {
            uint64_t start = llmc_os_nanoseconds();
            double ms;
            tasks.run(tasks.user, HEADS, one_head, &r);
            ms = (double)(llmc_os_nanoseconds() - start) / 1e6;
            best[r.work] = round == 0 || ms < best[r.work] ? ms : best[r.work];
        }
    printf("%s kernels, %u tokens, %u layers: %.1f MB, %.2f Gflop\n", r.kernels->name, tokens, r.layers,
           bytes / 1e6, flop / 1e9);
    for (i = 0; i < WORKS; i++)
        printf("%-30s %6.1f ms  %5.1f GB/s  %4.0f Gflop/s\n", names[i], best[i], bytes / best[i] / 1e6,
               i == READ ? 0.0 : flop / best[i] / 1e6);
    llmc_pool_close(pool);
    llmc_os_release(mem, (size_t)bytes + (HEADS * floats + QUERIES * WIDTH) * sizeof(float));
    return 0;
}
