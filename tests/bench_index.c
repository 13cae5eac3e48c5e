/* cc -O2 tests/bench_index.c -o build/bench_index && build/bench_index [COUNT DIM THREADS [FAISS_FILE RESULTS]]

   bench_index.c -- searches a second in a flat index, by f32 and by 8 bits ranked anew by f32, and how many of
   the first ten results the two share. tests/compat/faiss_flat.py runs it beside FAISS: then the vectors go to
   FAISS_FILE, and 256 queries with what was found for each (ten u64 ids, ten f32 scores) to RESULTS. */
#define LLMC_STATIC
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUERIES = 256, K = 10 };

static void die(const char *why)
{
    fprintf(stderr, "bench_index: %s\n", why);
    exit(1);
}

static bool to_file(void *user, const void *data, size_t n)
{
    return fwrite(data, 1, n, (FILE *)user) == n;
}

/* The best of some rounds, in queries a second. */
static double measure(llmc_index *x, const float *q, size_t together, size_t rounds, llmc_hit *hit)
{
    double best = 0;
    size_t r, i, dim;
    llmc_index_info info;
    llmc_diag diag;
    llmc_index_about(x, &info);
    dim = info.dim;
    for (r = 0; r < rounds; r++) {
        size_t n = together == 1 ? 16 : QUERIES;
        uint64_t start = llmc_os_nanoseconds();
        double rate;
        for (i = 0; i < n; i += together)
            if (llmc_index_search(x, q + i * dim, together, NULL, hit + i * K, NULL, &diag) != LLMC_OK)
                die(diag.message);
        rate = (double)n * 1e9 / (double)(llmc_os_nanoseconds() - start);
        best = rate > best ? rate : best;
    }
    return best;
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 500000, i, same = 0;
    uint32_t dim = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 384, kind;
    uint32_t threads = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
    float *row = (float *)malloc(dim * sizeof(float)), *q = (float *)malloc(QUERIES * dim * sizeof(float));
    static llmc_hit hit[2][QUERIES * K];
    llmc_pool *pool;
    llmc_diag diag;
    if (dim == 0 || row == NULL || q == NULL || llmc_pool_open(&pool, threads, &diag) != LLMC_OK)
        die("COUNT, DIM and THREADS are numbers");
    for (kind = 0; kind < 2; kind++) {
        llmc_index_options o;
        llmc_index *x;
        llmc_rng rng = llmc_rng_seed(7);
        size_t bytes;
        void *mem;
        double one, many;
        memset(&o, 0, sizeof o);
        o.dim = dim;
        o.int8 = kind == 1;
        o.capacity = n;
        o.text_bytes = 64;
        o.max_queries = QUERIES;
        o.max_results = K;
        o.tasks = llmc_pool_tasks(pool);
        if (llmc_index_need(NULL, &o, &bytes, &diag) != LLMC_OK ||
            llmc_os_memory(&mem, bytes, &diag) != LLMC_OK ||
            llmc_index_init(&x, NULL, &o, mem, bytes, &diag) != LLMC_OK)
            die(diag.message);
        for (i = 0; i < QUERIES * dim; i++)
            q[i] = llmc_rng_normal(&rng);
        for (i = 0; i < n * dim; i++) {
            row[i % dim] = llmc_rng_uniform(&rng) + llmc_rng_uniform(&rng) + llmc_rng_uniform(&rng) - 1.5f;
            if (i % dim == dim - 1 && llmc_index_add(x, row, NULL, 1, NULL, &diag) != LLMC_OK)
                die(diag.message);
        }
        one = measure(x, q, 1, 5, hit[kind]);
        many = measure(x, q, QUERIES, 3, hit[kind]);
        printf("%s: %.1f queries/s one by one, %.1f queries/s 256 together\n",
               kind == 0 ? "f32" : "int8 + f32", one, many);
        if (kind == 0 && argc > 5) {
            llmc_writer w;
            FILE *f = fopen(argv[4], "wb"), *r = fopen(argv[5], "wb");
            w.write = to_file;
            w.user = f;
            if (f == NULL || r == NULL || llmc_index_save_faiss(x, &w, &diag) != LLMC_OK || fclose(f) != 0)
                die("cannot write");
            fwrite(q, sizeof(float), QUERIES * dim, r);
            for (i = 0; i < QUERIES * K; i++)
                fwrite(&hit[0][i].id, 8, 1, r);
            for (i = 0; i < QUERIES * K; i++)
                fwrite(&hit[0][i].score, 4, 1, r);
            if (fclose(r) != 0)
                die("cannot write");
        }
        llmc_os_release(mem, bytes);
    }
    for (i = 0; i < QUERIES * K; i++) {
        size_t j;
        for (j = i / K * K; j < i / K * K + K; j++)
            same += hit[0][j].id == hit[1][i].id;
    }
    printf("recall@10 of int8 + f32: %.4f\n", (double)same / (QUERIES * K));
    llmc_pool_close(pool);
    return 0;
}
