/* test_index.c -- the index of vectors, the one of words, passages, and what their files go through.

   Searches are held against sums in double over all records, the ranking of words against BM25 computed the
   slow way from a list of words, FAISS's files against bytes laid out by hand as FORMATS.md draws them (and
   against FAISS itself in tests/cli/rag.sh, where it is installed). */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"
#include <math.h>
#if !defined(LLMC_NO_OS) && !defined(_WIN32)
#include <signal.h>
#include <sys/wait.h>
#endif

static llmc_diag diag;
static uint64_t seed;

static float uniform(void)
{
    return (float)test_random(&seed, 2000001) / 1000000 - 1;
}

/* ------------------------------------------------------------ helpers */
typedef struct sink { /* a file in memory */
    unsigned char *p;
    size_t n, cap, limit; /* limit: bytes that are accepted, 0: all */
} sink;

static bool sink_write(void *user, const void *data, size_t n)
{
    sink *s = (sink *)user;
    if (s->limit > 0 && s->n + n > s->limit)
        return false;
    if (s->n + n > s->cap) {
        s->cap = (s->n + n) * 2;
        s->p = (unsigned char *)realloc(s->p, s->cap);
    }
    memcpy(s->p + s->n, data, n);
    s->n += n;
    return true;
}

static llmc_writer sink_writer(sink *s)
{
    llmc_writer w;
    w.write = sink_write;
    w.user = s;
    return w;
}

typedef struct opened {
    void *mem;
    llmc_index *x;
} opened;

/* The memory is as large as need says and not a byte more, and full of something. */
static llmc_status open_index(opened *o, const void *data, size_t n, const llmc_index_options *opt)
{
    llmc_blob blob;
    size_t need = 0;
    llmc_status status;
    memset(o, 0, sizeof *o);
    memset(&blob, 0, sizeof blob);
    blob.data = data;
    blob.size = n;
    blob.name = "memory";
    status = llmc_index_need(data == NULL ? NULL : &blob, opt, &need, &diag);
    if (status != LLMC_OK)
        return status;
    o->mem = malloc(need);
    memset(o->mem, 0xa5, need);
    status = llmc_index_init(&o->x, data == NULL ? NULL : &blob, opt, o->mem, need, &diag);
    if (status != LLMC_OK) {
        free(o->mem);
        o->mem = NULL;
    }
    return status;
}

static void close_index(opened *o)
{
    free(o->mem);
    memset(o, 0, sizeof *o);
}

/* Records with numbers of their own: text "record I", sometimes none. */
static void fill(llmc_index *x, const float *v, size_t from, size_t n, uint32_t dim)
{
    size_t i;
    for (i = from; i < from + n; i++) {
        char text[64];
        llmc_index_text t;
        uint64_t id = 0;
        t.data = text;
        t.len = i % 7 == 3 ? 0 : (size_t)snprintf(text, sizeof text, "record %u", (unsigned)i);
        CHECKF(llmc_index_add(x, v + i * dim, &t, 1, &id, &diag) == LLMC_OK && id == i, "%s", diag.message);
    }
}

static float *vectors(size_t n, uint32_t dim)
{
    float *v = (float *)malloc((n * dim + 1) * sizeof(float));
    size_t i;
    for (i = 0; i < n * dim; i++)
        v[i] = uniform();
    return v;
}

static double exact(llmc_metric metric, const float *a, const float *b, uint32_t dim)
{
    double dot = 0, aa = 0, bb = 0, dd = 0;
    uint32_t i;
    for (i = 0; i < dim; i++) {
        dot += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
        dd += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    }
    if (metric == LLMC_METRIC_L2)
        return dd;
    return metric == LLMC_METRIC_IP ? dot : aa > 0 && bb > 0 ? dot / (llmc__sqrt(aa) * llmc__sqrt(bb)) : 0;
}

/* What a search may find: bit i of `out` set means that record i is not to be found. */
static bool odd_only(void *user, const llmc_record *r)
{
    (void)user;
    return r->id % 2 == 1;
}

/* Holds hits of one query against all records: each score right, no record that is better left out. */
static void check_hits(const llmc_hit *hit, uint32_t found, uint32_t k, const float *v, size_t n,
                       const float *q, uint32_t dim, llmc_metric metric, const char *skip, int line)
{
    double sign = metric == LLMC_METRIC_L2 ? -1 : 1, worst,
           tolerance = 2e-5 * (metric == LLMC_METRIC_COSINE ? 1 : dim);
    size_t i, live = 0, better = 0;
    for (i = 0; i < n; i++)
        live += !skip[i];
    CHECKF(found == (live < k ? live : k), "line %d: %u found of %u", line, found, (unsigned)live);
    for (i = 0; i < found; i++) {
        double want = exact(metric, v + hit[i].id * dim, q, dim);
        CHECKF(hit[i].id < n && !skip[hit[i].id], "line %d: record %u", line, (unsigned)hit[i].id);
        CHECKF(fabs(hit[i].score - want) <= tolerance, "line %d: score %g, expected %g", line,
               (double)hit[i].score, want);
        CHECKF(i == 0 || sign * hit[i - 1].score > sign * hit[i].score ||
                   (hit[i - 1].score == hit[i].score && hit[i - 1].id < hit[i].id),
               "line %d: places %u and %u", line, (unsigned)i, (unsigned)i + 1);
    }
    for (i = found; i < k; i++)
        CHECK(hit[i].id == UINT64_MAX);
    if (found == 0)
        return;
    worst = sign * hit[found - 1].score;
    for (i = 0; i < n; i++)
        better += !skip[i] && sign * exact(metric, v + i * dim, q, dim) > worst + 2 * tolerance;
    CHECKF(better < found || found == live, "line %d: %u records are better than the last", line,
           (unsigned)better);
}

/* ------------------------------------------------------------ searching */
static void search_case(uint32_t dim, size_t n, llmc_metric metric, bool int8, size_t nq)
{
    llmc_index_options o;
    llmc_search_options s;
    opened x;
    float *v = vectors(n, dim), *q = vectors(nq, dim);
    llmc_hit *hit = (llmc_hit *)malloc(nq * 10 * sizeof *hit);
    uint32_t *found = (uint32_t *)malloc(nq * sizeof *found);
    char *skip = (char *)calloc(n + 1, 1);
    size_t i, t;
    int pass;
    memset(&o, 0, sizeof o);
    o.dim = dim;
    o.metric = metric;
    o.int8 = int8;
    o.capacity = n;
    o.max_queries = 5;
    o.max_rerank = 50;                /* random vectors: all of them are near each other */
    for (i = 10; i + 20 < n; i += 17) /* some are the same */
        memcpy(v + i * dim, v + (i + 20) * dim, dim * sizeof(float));
    if (CHECKF(open_index(&x, NULL, 0, &o) == LLMC_OK, "%s", diag.message)) {
        fill(x.x, v, 0, n, dim);
        memset(&s, 0, sizeof s);
        for (pass = 0; pass < 3; pass++) { /* all; some deleted; and filtered */
            for (i = 0; pass == 1 && i < n; i += 1 + test_random(&seed, 5))
                skip[i] = CHECK(llmc_index_delete(x.x, i, &diag) == LLMC_OK) != 0;
            for (i = 0; pass == 2 && i < n; i += 2)
                skip[i] = 1;
            s.filter = pass == 2 ? odd_only : NULL;
            CHECKF(llmc_index_search(x.x, q, nq, &s, hit, found, &diag) == LLMC_OK, "%s", diag.message);
            for (t = 0; t < nq; t++)
                check_hits(hit + t * 10, found[t], 10, v, n, q + t * dim, dim, metric, skip,
                           (int)(dim * 10 + (unsigned)pass));
        }
        close_index(&x);
    }
    free(v);
    free(q);
    free(hit);
    free(found);
    free(skip);
}

static void searches(void)
{
    static const uint32_t dims[] = {1, 3, 31, 32, 33, 100, 384};
    unsigned i, m;
    for (i = 0; i < sizeof dims / sizeof dims[0]; i++)
        for (m = 0; m < LLMC_METRIC_COUNT; m++) {
            search_case(dims[i], 700, (llmc_metric)m, false, 1 + i * 2);
            search_case(dims[i], 90, (llmc_metric)m, true, 3);
        }
    search_case(8, 3, LLMC_METRIC_COSINE, false, 2);
    search_case(8, 0, LLMC_METRIC_L2, true, 2);
    search_case(64, 5000, LLMC_METRIC_COSINE, false, 1);
}

/* Equal vectors: by id, whatever the threads. */
static void ties(void)
{
    llmc_index_options o;
    opened x;
    float v[4] = {1, 2, 3, 4};
    llmc_hit hit[10];
    uint32_t found, i;
    memset(&o, 0, sizeof o);
    o.dim = 4;
    o.capacity = 9000;
    if (!CHECK(open_index(&x, NULL, 0, &o) == LLMC_OK))
        return;
    for (i = 0; i < 9000; i++)
        CHECK(llmc_index_add(x.x, v, NULL, 1, NULL, &diag) == LLMC_OK);
    CHECK(llmc_index_delete(x.x, 3, &diag) == LLMC_OK);
    CHECK(llmc_index_search(x.x, v, 1, NULL, hit, &found, &diag) == LLMC_OK && found == 10);
    for (i = 0; i < 10; i++)
        CHECK(hit[i].id == i + (i >= 3) && fabs(hit[i].score - 1) < 1e-6);
    close_index(&x);
}

#ifndef LLMC_NO_OS
/* The same bits from any number of threads. */
static void threads(void)
{
    uint32_t dim = 96, n = 20000, nq = 40, t, kind;
    float *v = vectors(n, dim), *q = vectors(nq, dim);
    llmc_hit *hit[2];
    llmc_pool *pool = NULL;
    CHECK(llmc_pool_open(&pool, 0, &diag) == LLMC_OK);
    for (kind = 0; kind < 4; kind++) {
        for (t = 0; t < 2; t++) {
            llmc_index_options o;
            opened x;
            memset(&o, 0, sizeof o);
            o.dim = dim;
            o.capacity = n;
            o.int8 = kind % 2 == 1;
            o.metric = kind < 2 ? LLMC_METRIC_COSINE : LLMC_METRIC_L2;
            o.max_queries = t == 0 ? 40 : 7;
            if (t == 1)
                o.tasks = llmc_pool_tasks(pool);
            hit[t] = (llmc_hit *)calloc(nq * 10, sizeof(llmc_hit));
            if (CHECK(open_index(&x, NULL, 0, &o) == LLMC_OK)) {
                CHECK(llmc_index_add(x.x, v, NULL, n, NULL, &diag) == LLMC_OK);
                CHECK(llmc_index_search(x.x, q, nq, NULL, hit[t], NULL, &diag) == LLMC_OK);
                close_index(&x);
            }
        }
        for (t = 0; t < nq * 10; t++)
            CHECK(hit[0][t].id == hit[1][t].id && hit[0][t].score == hit[1][t].score);
        free(hit[0]);
        free(hit[1]);
    }
    llmc_pool_close(pool);
    free(v);
    free(q);
}
#endif

/* int8 with the default rerank finds nearly all of what f32 finds, with the same scores. Vectors lie around
   centres, as embeddings do. */
static void recall(void)
{
    uint32_t dim = 128, n = 20000, nq = 50, i, j, same = 0, f;
    float *v = vectors(n, dim), *q = vectors(nq, dim), *centre = vectors(40, dim);
    llmc_hit *hit[2];
    for (i = 0; i < n * dim; i++)
        v[i] = centre[i / dim % 40 * dim + i % dim] + v[i] * 0.7f;
    for (i = 0; i < nq * dim; i++)
        q[i] = centre[i / dim % 40 * dim + i % dim] + q[i] * 0.7f;
    for (f = 0; f < 2; f++) {
        llmc_index_options o;
        opened x;
        memset(&o, 0, sizeof o);
        o.dim = dim;
        o.capacity = n;
        o.int8 = f == 1;
        hit[f] = (llmc_hit *)calloc(nq * 10, sizeof(llmc_hit));
        if (CHECK(open_index(&x, NULL, 0, &o) == LLMC_OK)) {
            CHECK(llmc_index_add(x.x, v, NULL, n, NULL, &diag) == LLMC_OK);
            CHECK(llmc_index_search(x.x, q, nq, NULL, hit[f], NULL, &diag) == LLMC_OK);
            close_index(&x);
        }
    }
    for (i = 0; i < nq * 10; i++)
        for (j = i / 10 * 10; j < i / 10 * 10 + 10; j++)
            if (hit[0][j].id == hit[1][i].id) {
                same++;
                CHECK(hit[0][j].score == hit[1][i].score);
            }
    CHECKF(same >= nq * 10 * 99 / 100, "recall@10 %g", same / (nq * 10.0));
    free(hit[0]);
    free(hit[1]);
    free(v);
    free(q);
    free(centre);
}

/* ------------------------------------------------------------ changes and refusals */
static void refusals(void)
{
    llmc_index_options o;
    llmc_search_options s;
    opened x;
    size_t need = 0;
    float v[6] = {1, 0, 0, 0, 1, 0}, bad[3] = {1, 0, 0};
    llmc_hit hit[200];
    llmc_index_text text[2] = {{"abc", 3}, {"defgh", 5}};
    llmc_record r;
    uint64_t id = 0;
    memset(&o, 0, sizeof o);
    CHECK(llmc_index_need(NULL, &o, &need, &diag) == LLMC_BAD_ARG && strstr(diag.message, "dim 0") != NULL);
    CHECK(llmc_index_need(NULL, NULL, &need, &diag) == LLMC_BAD_ARG);
    o.dim = LLMC_INDEX_DIM_MAX + 1;
    CHECK(llmc_index_need(NULL, &o, &need, &diag) == LLMC_BAD_ARG);
    o.dim = 3;
    o.metric = LLMC_METRIC_COUNT;
    CHECK(llmc_index_need(NULL, &o, &need, &diag) == LLMC_BAD_ARG);
    o.metric = LLMC_METRIC_IP;
    o.factory = "IVF4096,PQ32";
    CHECK(llmc_index_need(NULL, &o, &need, &diag) == LLMC_UNSUPPORTED &&
          strstr(diag.message, "IVF4096,PQ32") != NULL);
    o.factory = "Flat";
    o.capacity = UINT64_MAX;
    CHECK(llmc_index_need(NULL, &o, &need, &diag) == LLMC_BAD_ARG);
    o.capacity = (uint64_t)1 << 47; /* times 12 bytes: more than there are addresses for, or memory */
    o.text_bytes = 8;
    o.max_queries = o.max_results = UINT32_MAX;
    CHECK(llmc_index_need(NULL, &o, &need, &diag) == LLMC_NO_MEMORY);
    o.max_queries = o.max_results = 0;
    o.capacity = 2;
    CHECK(llmc_index_need(NULL, &o, &need, &diag) == LLMC_OK);
    {
        void *mem = malloc(need);
        size_t short_by;
        for (short_by = 1; short_by < need; short_by += 97) {
            llmc_index *none = NULL;
            CHECK(llmc_index_init(&none, NULL, &o, mem, need - short_by, &diag) == LLMC_NO_MEMORY &&
                  none == NULL);
        }
        free(mem);
    }
    if (!CHECK(open_index(&x, NULL, 0, &o) == LLMC_OK))
        return;
    CHECK(llmc_index_add(x.x, v, NULL, 3, NULL, &diag) == LLMC_FULL);
    CHECK(llmc_index_add(x.x, v, text, 2, &id, &diag) == LLMC_OK && id == 0); /* 8 bytes: just so */
    CHECK(llmc_index_add(x.x, v, NULL, 1, NULL, &diag) == LLMC_FULL);
    CHECK(llmc_index_get(x.x, 1, &r) && r.text_len == 5 && memcmp(r.text, "defgh", 5) == 0);
    CHECK(!llmc_index_get(x.x, 2, &r));
    CHECK(llmc_index_delete(x.x, 2, &diag) == LLMC_NOT_FOUND);
    CHECK(llmc_index_delete(x.x, 0, &diag) == LLMC_OK);
    CHECK(llmc_index_delete(x.x, 0, &diag) == LLMC_NOT_FOUND && !llmc_index_get(x.x, 0, &r));
    id = 0;
    CHECK(llmc_index_next(x.x, &id, &r) && r.id == 1 && id == 2 && !llmc_index_next(x.x, &id, &r));
    memset(&s, 0, sizeof s);
    s.k = 101;
    CHECK(llmc_index_search(x.x, v, 1, &s, hit, NULL, &diag) == LLMC_BAD_ARG);
    s.k = 1;
    s.rerank = 5;
    CHECK(llmc_index_search(x.x, v, 1, &s, hit, NULL, &diag) == LLMC_BAD_ARG);
    bad[1] = (float)(1e300 * 1e300);
    CHECK(llmc_index_search(x.x, bad, 1, NULL, hit, NULL, &diag) == LLMC_BAD_ARG);
    close_index(&x);
    o.capacity = 5;
    if (!CHECK(open_index(&x, NULL, 0, &o) == LLMC_OK))
        return;
    CHECK(llmc_index_add(x.x, bad, NULL, 1, NULL, &diag) == LLMC_BAD_ARG &&
          strstr(diag.message, "element 1") != NULL);
    CHECK(llmc_index_add(x.x, v, NULL, 1, &id, &diag) == LLMC_OK && id == 0); /* nothing was added before */
    close_index(&x);
}

/* ------------------------------------------------------------ files */
static llmc_index_options file_options(uint32_t dim, bool int8)
{
    llmc_index_options o;
    memset(&o, 0, sizeof o);
    o.dim = dim;
    o.int8 = int8;
    o.capacity = 1500;
    o.text_bytes = 100000;
    return o;
}

/* Both give the same records and answers. */
static void alike(llmc_index *a, llmc_index *b, uint32_t dim, int line)
{
    llmc_record ra, rb;
    uint64_t ia = 0, ib = 0;
    float va[64], vb[64], q[64];
    llmc_hit ha[20], hb[20];
    uint32_t fa, fb, i;
    bool more;
    do {
        more = llmc_index_next(a, &ia, &ra);
        CHECKF(llmc_index_next(b, &ib, &rb) == more, "line %d", line);
        if (more) {
            CHECKF(ra.id == rb.id && ra.text_len == rb.text_len && memcmp(ra.text, rb.text, ra.text_len) == 0,
                   "line %d: record %u", line, (unsigned)ra.id);
            CHECK(llmc_index_vector(a, ra.id, va) && llmc_index_vector(b, ra.id, vb));
            CHECK(memcmp(va, vb, dim * sizeof(float)) == 0);
        }
    } while (more && test_bad == 0);
    for (i = 0; i < dim; i++)
        q[i] = uniform();
    CHECK(llmc_index_search(a, q, 1, NULL, ha, &fa, &diag) == LLMC_OK);
    CHECK(llmc_index_search(b, q, 1, NULL, hb, &fb, &diag) == LLMC_OK);
    CHECKF(fa == fb, "line %d", line);
    for (i = 0; i < fa && i < fb; i++)
        CHECKF(ha[i].id == hb[i].id && ha[i].score == hb[i].score, "line %d: place %u", line, i);
}

/* Saved, appended in small and large frames, read where it lies, at an odd address, saved again. */
static void save_case(uint32_t dim, bool int8)
{
    llmc_index_options o = file_options(dim, int8);
    float *v = vectors(1500, dim);
    sink file = {NULL, 0, 0, 0}, again = {NULL, 0, 0, 0};
    llmc_writer w = sink_writer(&file), w2 = sink_writer(&again);
    llmc_index_info info;
    opened x, y;
    unsigned i, cut[] = {0, 3, 400, 402, 800, 810, 1500};
    if (!CHECKF(open_index(&x, NULL, 0, &o) == LLMC_OK, "%s", diag.message))
        return;
    for (i = 0; i + 1 < sizeof cut / sizeof cut[0]; i++) {
        fill(x.x, v, cut[i], cut[i + 1] - cut[i], dim);
        if (i > 0)
            CHECK(llmc_index_delete(x.x, cut[i] - 1, &diag) == LLMC_OK);
        CHECK(llmc_index_delete(x.x, cut[i + 1] - 2, &diag) == LLMC_OK); /* never reaches the file */
        CHECK(llmc_index_append(x.x, &w, &diag) == LLMC_OK);
        llmc_index_about(x.x, &info);
        CHECK(info.file_bytes == file.n && file.n % 64 == 0);
    }
    i = (unsigned)file.n;
    CHECK(llmc_index_append(x.x, &w, &diag) == LLMC_OK && file.n == i); /* nothing changed */
    if (CHECKF(open_index(&y, file.p, file.n, &o) == LLMC_OK, "%s", diag.message)) {
        alike(x.x, y.x, dim, __LINE__);
        llmc_index_about(y.x, &info);
        CHECK(info.next_id == 1500 && info.pieces == 6 && info.file_bytes == file.n && info.int8 == int8);
        fill(y.x, v, 0, 0, dim);
        CHECK(llmc_index_save(y.x, &w2, &diag) == LLMC_OK);
        close_index(&y);
    }
    o.int8 = !int8; /* codes that the file has are not used, or made */
    if (CHECKF(open_index(&y, file.p, file.n, &o) == LLMC_OK, "%s", diag.message)) {
        alike(y.x, y.x, dim, __LINE__);
        close_index(&y);
    }
    o.int8 = int8;
    {
        unsigned char *odd = (unsigned char *)malloc(again.n + 1);
        memcpy(odd + 1, again.p, again.n);
        if (CHECKF(open_index(&y, odd + 1, again.n, &o) == LLMC_OK, "%s", diag.message)) {
            alike(x.x, y.x, dim, __LINE__);
            llmc_index_about(y.x, &info);
            CHECK(info.next_id == 1500 && info.pieces == 1 && info.deleted == 0 && info.count == 1500 - 11);
            close_index(&y);
        }
        free(odd);
    }
    o.dim = dim + 1;
    CHECK(open_index(&y, file.p, file.n, &o) == LLMC_BAD_ARG);
    again.n = 0;
    again.limit = 1000;
    CHECK(llmc_index_save(x.x, &w2, &diag) == LLMC_IO);
    close_index(&x);
    free(file.p);
    free(again.p);
    free(v);
}

static void saves(void)
{
    save_case(5, false);
    save_case(33, true);
}

/* Ids go on where they were, also when the last ones were deleted before anything was saved. */
static void ids_once(void)
{
    llmc_index_options o = file_options(2, false);
    float v[2] = {1, 2};
    sink file = {NULL, 0, 0, 0};
    llmc_writer w = sink_writer(&file);
    uint64_t id = 0;
    opened x;
    if (!CHECK(open_index(&x, NULL, 0, &o) == LLMC_OK))
        return;
    CHECK(llmc_index_add(x.x, v, NULL, 1, NULL, &diag) == LLMC_OK &&
          llmc_index_delete(x.x, 0, &diag) == LLMC_OK);
    CHECK(llmc_index_save(x.x, &w, &diag) == LLMC_OK);
    close_index(&x);
    if (!CHECK(open_index(&x, file.p, file.n, &o) == LLMC_OK))
        return;
    CHECK(llmc_index_add(x.x, v, NULL, 1, &id, &diag) == LLMC_OK && id == 1);
    CHECK(llmc_index_append(x.x, &w, &diag) == LLMC_OK);
    close_index(&x);
    if (CHECK(open_index(&x, file.p, file.n, &o) == LLMC_OK)) {
        CHECK(llmc_index_add(x.x, v, NULL, 1, &id, &diag) == LLMC_OK && id == 2);
        close_index(&x);
    }
    free(file.p);
}

/* A file of three frames, of which the second deletes. ends [4]: where header and frames end. */
static sink small_file(size_t *ends)
{
    llmc_index_options o = file_options(3, false);
    float *v = vectors(8, 3);
    sink file = {NULL, 0, 0, 0};
    llmc_writer w = sink_writer(&file);
    opened x;
    if (CHECK(open_index(&x, NULL, 0, &o) == LLMC_OK)) {
        CHECK(llmc_index_append(x.x, &w, &diag) == LLMC_OK);
        ends[0] = file.n;
        fill(x.x, v, 0, 5, 3);
        CHECK(llmc_index_append(x.x, &w, &diag) == LLMC_OK);
        ends[1] = file.n;
        CHECK(llmc_index_delete(x.x, 2, &diag) == LLMC_OK && llmc_index_append(x.x, &w, &diag) == LLMC_OK);
        ends[2] = file.n;
        fill(x.x, v, 5, 3, 3);
        CHECK(llmc_index_append(x.x, &w, &diag) == LLMC_OK);
        ends[3] = file.n;
        close_index(&x);
    }
    free(v);
    return file;
}

/* Cut anywhere: the frames before are there. */
static void torn(void)
{
    size_t ends[4] = {0, 0, 0, 0}, n;
    static const uint64_t counts[4] = {0, 5, 4, 7};
    sink file = small_file(ends);
    llmc_index_options o = file_options(3, false);
    for (n = 0; n <= file.n; n++) {
        opened x;
        unsigned whole = 0;
        unsigned char *part = (unsigned char *)malloc(n + 1); /* so that what is read beyond it shows */
        llmc_status status;
        memcpy(part, file.p, n);
        while (whole < 4 && ends[whole] <= n)
            whole++;
        status = open_index(&x, part, n, &o);
        if (whole == 0) {
            CHECKF(status == LLMC_BAD_FILE, "%u bytes: %s", (unsigned)n, diag.message);
        } else if (CHECKF(status == LLMC_OK, "%u bytes: %s", (unsigned)n, diag.message)) {
            llmc_index_info info;
            llmc_index_about(x.x, &info);
            CHECKF(info.count == counts[whole - 1] && info.file_bytes == ends[whole - 1],
                   "%u bytes: %u records", (unsigned)n, (unsigned)info.count);
        }
        close_index(&x);
        free(part);
    }
    free(file.p);
}

/* One bit changed anywhere: in the last frame it is lost, before it the file is refused. */
static void damaged(void)
{
    size_t ends[4] = {0, 0, 0, 0}, i;
    sink file = small_file(ends);
    llmc_index_options o = file_options(3, false);
    for (i = 0; i < file.n; i++) {
        opened x;
        llmc_status status;
        file.p[i] ^= (unsigned char)(1u << test_random(&seed, 8));
        status = open_index(&x, file.p, file.n, &o);
        if (i < ends[2]) {
            CHECKF(status == LLMC_BAD_FILE || (i < 12 && status == LLMC_UNSUPPORTED), "byte %u: status %d",
                   (unsigned)i, (int)status);
        } else if (CHECKF(status == LLMC_OK, "byte %u: %s", (unsigned)i, diag.message)) {
            llmc_index_info info;
            llmc_index_about(x.x, &info);
            CHECK(info.count == 4 && info.file_bytes == ends[2]);
        }
        close_index(&x);
        memcpy(file.p, "LLMCVIDX", i < 8 ? 8 : 0);
        free(file.p);
        file = small_file(ends); /* other vectors, the same places */
    }
    free(file.p);
}

/* Frames with sound checksums that say what is not so. */
static void reseal(unsigned char *p, size_t at, size_t end)
{
    llmc__put_u64le(p + at + 48, llmc__sum_of(p + at + 64, end - at - 64));
    llmc__put_u64le(p + at + 56, llmc__sum_of(p + at, 56));
}

static void hostile(void)
{
    static const struct {
        unsigned frame, head; /* head: byte of its head; else of its body, from the ids on */
        bool body;
        uint64_t value;
    } lie[] = {
        {0, 8, false, 0},
        {0, 16, false, 6},
        {0, 16, false, UINT64_MAX},
        {0, 16, false, 1ull << 61},
        {0, 24, false, 1},
        {0, 24, false, UINT64_MAX},
        {0, 32, false, 4},
        {0, 32, false, 0},
        {0, 32, false, UINT64_MAX},
        {0, 40, false, 1},
        {0, 40, false, 77},
        {0, 4, false, 9},
        {0, 0, true, 7},
        {0, 8, true, 0},
        {0, 32, true, 5},
        {0, 64, true, UINT64_MAX},
        {0, 72, true, 0},
        {0, 96, true, 10000},
        {1, 0, true, 5},
        {1, 0, true, UINT64_MAX},
        {1, 4, false, 1},
        {2, 0, true, 1},
        {2, 8, true, 5},
    };
    size_t ends[4] = {0, 0, 0, 0}, i;
    for (i = 0; i < sizeof lie / sizeof lie[0]; i++) {
        sink file = small_file(ends);
        llmc_index_options o = file_options(3, false);
        opened x;
        size_t at = ends[lie[i].frame];
        /* of records: 64 bytes of vectors stand before the ids */
        size_t body = at + 64 + (lie[i].frame == 1 ? 0 : 64);
        if (lie[i].body)
            llmc__put_u64le(file.p + body + lie[i].head, lie[i].value);
        else if (lie[i].head == 4 || lie[i].head == 40)
            llmc__put_u32le(file.p + at + lie[i].head, (uint32_t)lie[i].value);
        else
            llmc__put_u64le(file.p + at + lie[i].head, lie[i].value);
        reseal(file.p, at, ends[lie[i].frame + 1]);
        CHECKF(open_index(&x, file.p, file.n, &o) == LLMC_BAD_FILE, "lie %u was believed", (unsigned)i);
        close_index(&x);
        free(file.p);
    }
}

/* ------------------------------------------------------------ FAISS */
static size_t faiss_bytes(unsigned char *p, bool l2, uint32_t d, uint64_t n, const float *v)
{
    memset(p, 0, 45);
    memcpy(p, l2 ? "IxF2" : "IxFI", 4);
    llmc__put_u32le(p + 4, d);
    llmc__put_u64le(p + 8, n);
    p[18] = p[26] = 16; /* 1 << 20 */
    p[32] = 1;
    p[33] = l2;
    llmc__put_u64le(p + 37, n * d);
    for (uint64_t i = 0; i < n * d; i++)
        llmc__put_u32le(p + 45 + 4 * i, llmc__f32_bits(v[i]));
    return 45 + (size_t)(4 * n * d);
}

static void faiss(void)
{
    unsigned char *p = (unsigned char *)malloc(45 + 4 * 7 * 400);
    float *v = vectors(400, 7), *q = vectors(2, 7);
    char skip[400] = {0};
    sink out = {NULL, 0, 0, 0};
    llmc_writer w = sink_writer(&out);
    llmc_hit hit[20];
    uint32_t found[2];
    opened x;
    size_t n, i;
    int l2;
    for (l2 = 0; l2 < 2; l2++) {
        n = faiss_bytes(p, l2 == 1, 7, 400, v);
        if (!CHECKF(open_index(&x, p, n, NULL) == LLMC_OK, "%s", diag.message))
            continue;
        CHECK(llmc_index_search(x.x, q, 2, NULL, hit, found, &diag) == LLMC_OK);
        for (i = 0; i < 2; i++)
            check_hits(hit + 10 * i, found[i], 10, v, 400, q + 7 * i, 7, l2 ? LLMC_METRIC_L2 : LLMC_METRIC_IP,
                       skip, __LINE__);
        out.n = 0;
        CHECK(llmc_index_save_faiss(x.x, &w, &diag) == LLMC_OK && out.n == n && memcmp(out.p, p, n) == 0);
        CHECK(llmc_index_append(x.x, &w, &diag) == LLMC_UNSUPPORTED);
        out.n = 0;
        CHECK(llmc_index_add(x.x, q, NULL, 1, NULL, &diag) == LLMC_OK);
        CHECK(llmc_index_delete(x.x, 0, &diag) == LLMC_OK);
        CHECK(llmc_index_save(x.x, &w, &diag) == LLMC_OK); /* from now on it is ours */
        CHECK(llmc_index_append(x.x, &w, &diag) == LLMC_OK);
        close_index(&x);
        if (CHECKF(open_index(&x, out.p, out.n, NULL) == LLMC_OK, "%s", diag.message)) {
            llmc_index_info info;
            llmc_index_about(x.x, &info);
            CHECK(info.count == 400 && info.next_id == 401 &&
                  info.metric == (l2 ? LLMC_METRIC_L2 : LLMC_METRIC_IP));
            close_index(&x);
        }
    }
    n = faiss_bytes(p, false, 7, 3, v);
    for (i = 0; i < n; i++)
        CHECK(open_index(&x, p, i, NULL) == LLMC_BAD_FILE);
    for (i = 0; i < 41; i++) { /* numbers that do not fit each other */
        llmc_status status;
        unsigned char keep = p[i];
        p[i] ^= 0x81;
        status = open_index(&x, p, n, NULL);
        CHECKF(status != LLMC_OK || (i >= 16 && i < 33), "byte %u", (unsigned)i);
        close_index(&x);
        p[i] = keep;
    }
    memcpy(p, "IHNf", 4);
    CHECK(open_index(&x, p, n, NULL) == LLMC_UNSUPPORTED && strstr(diag.message, "IndexHNSWFlat") != NULL);
    n = faiss_bytes(p, false, 7, 0, v);
    if (CHECKF(open_index(&x, p, n, NULL) == LLMC_OK, "%s", diag.message)) {
        CHECK(llmc_index_search(x.x, q, 1, NULL, hit, found, &diag) == LLMC_OK && found[0] == 0);
        close_index(&x);
    }
    n = faiss_bytes(p, false, 7, 3, v); /* what is not finite is found by nobody */
    llmc__put_u32le(p + 45, 0x7fc00000);
    llmc__put_u32le(p + 45 + 28, 0x7f800000);
    for (l2 = 0; l2 < 2; l2++) {
        llmc_index_options o;
        memset(&o, 0, sizeof o);
        o.int8 = l2 == 1;
        if (CHECKF(open_index(&x, p, n, &o) == LLMC_OK, "%s", diag.message)) {
            CHECK(llmc_index_search(x.x, q, 1, NULL, hit, found, &diag) == LLMC_OK && found[0] >= 1);
            for (i = 0; i < found[0]; i++)
                CHECK(hit[i].id != 0 && hit[i].score == hit[i].score);
            close_index(&x);
        }
    }
    free(out.p);
    free(p);
    free(v);
    free(q);
}

/* ------------------------------------------------------------ words */
/* Natural logarithm by a series, for BM25 the slow way. */
static double slow_log(double x)
{
    double sum = 0, y, power;
    int halves = 0, i;
    for (; x > 1.5; halves++)
        x /= 2;
    y = (x - 1) / (x + 1);
    for (i = 1, power = y; i < 200; i += 2, power *= y * y)
        sum += power / i;
    return 2 * sum + halves * 0.69314718055994530942;
}

#define WORDS 30
#define TEXTS 300
static void words(void)
{
    static uint8_t times[TEXTS][WORDS];
    static char dead[TEXTS];
    uint32_t length[TEXTS], i, j, round, found, live = 0;
    double total = 0;
    llmc_words_options o;
    llmc_words *w = NULL;
    size_t need = 0;
    void *mem;
    memset(times, 0, sizeof times);
    memset(&o, 0, sizeof o);
    o.max_texts = TEXTS;
    o.max_words = WORDS;
    CHECK(llmc_words_need(&o, &need, &diag) == LLMC_OK);
    mem = malloc(need);
    memset(mem, 0x5a, need);
    CHECK(llmc_words_init(&w, &o, mem, need - 1, &diag) == LLMC_NO_MEMORY && w == NULL);
    if (!CHECK(llmc_words_init(&w, &o, mem, need, &diag) == LLMC_OK))
        return;
    for (i = 0; i < TEXTS; i++) {
        char text[2000];
        size_t n = 0;
        length[i] = 1 + test_random(&seed, 60);
        for (j = 0; j < length[i]; j++) {
            unsigned word = test_random(&seed, WORDS) * test_random(&seed, WORDS) / WORDS;
            times[i][word]++;
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%c%c%s", j % 3 == 0 ? ", " : " ",
                                  "aA"[test_random(&seed, 2)], 'a' + (int)word % 26,
                                  word >= 26 ? "\xc3\x9c" : "");
        }
        CHECKF(llmc_words_add(w, i * 3, text, n, &diag) == LLMC_OK, "%s", diag.message);
        dead[i] = 0;
    }
    CHECK(llmc_words_add(w, 5, "x", 1, &diag) == LLMC_BAD_ARG);
    for (round = 0; round < 40; round++) {
        unsigned ask[3];
        char query[64];
        llmc_hit hit[20], want[TEXTS];
        llmc_search_options s;
        uint32_t n_want = 0;
        memset(&s, 0, sizeof s);
        s.k = 20;
        for (j = 0; j < 3; j++)
            ask[j] = test_random(&seed, WORDS);
        /* a word twice counts once; case does not matter, of U+00DC neither; "zzz" is nowhere */
        snprintf(query, sizeof query, "A%c%s zzz a%c%s? (a%c%s)", 'a' + (int)ask[0] % 26,
                 ask[0] >= 26 ? "\xc3\xbc" : "", 'a' + (int)ask[0] % 26, ask[0] >= 26 ? "\xc3\x9c" : "",
                 'a' + (int)ask[1] % 26, ask[1] >= 26 ? "\xc3\xbc" : "");
        if (round > 20) {
            i = test_random(&seed, TEXTS);
            CHECK(llmc_words_delete(w, i * 3, &diag) == (dead[i] ? LLMC_NOT_FOUND : LLMC_OK));
            dead[i] = 1;
        }
        for (live = 0, total = 0, i = 0; i < TEXTS; i++) {
            live += !dead[i];
            total += dead[i] ? 0 : length[i];
        }
        for (i = 0; i < TEXTS; i++) {
            double score = 0;
            for (j = 0; j < (ask[0] == ask[1] ? 1 : 2); j++) {
                double df = 0, tf = times[i][ask[j]];
                uint32_t t;
                for (t = 0; t < TEXTS; t++)
                    df += !dead[t] && times[t][ask[j]] > 0;
                if (tf > 0)
                    score += slow_log(1 + (live - df + 0.5) / (df + 0.5)) * tf * 2.2 /
                             (tf + 1.2 * (0.25 + 0.75 * length[i] / (total / live)));
            }
            if (score > 0 && !dead[i]) {
                want[n_want].id = i * 3;
                want[n_want++].score = (float)score;
            }
        }
        CHECKF(llmc_words_search(w, query, strlen(query), &s, hit, &found, &diag) == LLMC_OK, "%s",
               diag.message);
        CHECKF(found == (n_want < 20 ? n_want : 20), "%u found, %u expected", found, n_want);
        for (i = 0; i < found; i++) {
            uint32_t before = 0;
            for (j = 0; j < n_want; j++) {
                before += want[j].score > hit[i].score + 1e-4;
                if (want[j].id == hit[i].id)
                    CHECKF(fabs(want[j].score - hit[i].score) < 1e-4, "%g, expected %g", (double)hit[i].score,
                           (double)want[j].score);
            }
            CHECK(before <= i && (i == 0 || hit[i - 1].score >= hit[i].score));
        }
        s.filter = odd_only;
        CHECK(llmc_words_search(w, query, strlen(query), &s, hit, &found, &diag) == LLMC_OK);
        for (i = 0; i < found; i++)
            CHECK(hit[i].id % 2 == 1);
        s.k = 101;
        CHECK(llmc_words_search(w, query, strlen(query), &s, hit, &found, &diag) == LLMC_BAD_ARG);
    }
    free(mem);
}

/* What words are, and what happens when there are too many. */
static void words_kinds(void)
{
    static const struct {
        const char *text, *query;
        int found;
    } pair[] = {
        {"the snake_case name", "snake", 1},
        {"llmc_index_add(x)", "INDEX", 1},
        {"ΑΘΗΝΑ", "αθηνα", 1},
        {"\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd", "\xe4\xba\xac", 1},
        {"don't", "dont", 0},
        {"a\xff"
         "b",
         "b", 1},
        {"caf\xc3\xa9s", "caf", 0},
        {"x2y", "x2y", 1},
        {"", "a", 0},
        {"a", "", 0},
        {"a", "?!", 0},
    };
    llmc_words_options o;
    llmc_words *w;
    size_t need = 0, i;
    llmc_hit hit[10];
    uint32_t found;
    char longest[200];
    void *mem;
    memset(&o, 0, sizeof o);
    o.max_texts = 40;
    o.max_words = 30;
    o.max_postings = 40;
    CHECK(llmc_words_need(&o, &need, &diag) == LLMC_OK);
    mem = malloc(need);
    for (i = 0; i < sizeof pair / sizeof pair[0]; i++) {
        CHECK(llmc_words_init(&w, &o, mem, need, &diag) == LLMC_OK);
        CHECK(llmc_words_add(w, 9, pair[i].text, strlen(pair[i].text), &diag) == LLMC_OK);
        CHECK(llmc_words_search(w, pair[i].query, strlen(pair[i].query), NULL, hit, &found, &diag) ==
              LLMC_OK);
        CHECKF((int)found == pair[i].found, "'%s' in '%s'", pair[i].query, pair[i].text);
    }
    CHECK(llmc_words_init(&w, &o, mem, need, &diag) == LLMC_OK);
    memset(longest, 'q', sizeof longest);
    CHECK(llmc_words_add(w, 0, longest, sizeof longest, &diag) == LLMC_OK);
    CHECK(llmc_words_add(w, 1, "one two three", 13, &diag) == LLMC_OK);
    for (i = 2; i < 45; i++) { /* more words than there is room for; later what is known still fits */
        char text[64];
        int n = snprintf(text, sizeof text, "one new%u other%u", (unsigned)i, (unsigned)i);
        llmc_status status = llmc_words_add(w, i, text, (size_t)n, &diag);
        CHECKF(status == LLMC_OK || status == LLMC_FULL, "%s", diag.message);
        CHECK(llmc_words_search(w, text + 4, (size_t)n - 4, NULL, hit, &found, &diag) == LLMC_OK);
        CHECKF(found == (status == LLMC_OK), "text %u: %u found", (unsigned)i, found);
        CHECK(status == LLMC_OK || i > 12);
    }
    free(mem);
    o.k1 = -1;
    CHECK(llmc_words_need(&o, &need, &diag) == LLMC_BAD_ARG);
    o.k1 = 0;
    o.b = 2;
    CHECK(llmc_words_need(&o, &need, &diag) == LLMC_BAD_ARG);
    o.b = 0;
    o.max_postings = UINT64_MAX;
    CHECK(llmc_words_need(&o, &need, &diag) == LLMC_BAD_ARG);
}

static void fused(void)
{
    /* 7: 1/61 + 1/62; 5: 1/62 + 1/63; 9: 1/61; 2: 1/63 */
    llmc_hit a[3] = {{7, 1}, {5, 0.5f}, {2, 0.25f}}, b[3] = {{9, 100}, {7, 90}, {5, 80}}, out[4];
    const llmc_hit *lists[2];
    uint32_t lengths[2] = {3, 3}, n;
    lists[0] = a;
    lists[1] = b;
    llmc_hits_fuse(lists, lengths, 2, 0, out, 4, &n);
    CHECK(n == 4 && out[0].id == 7 && out[1].id == 5 && out[2].id == 9 && out[3].id == 2);
    CHECK(fabs(out[0].score - (1 / 61.0 + 1 / 62.0)) < 1e-6 && fabs(out[3].score - 1 / 63.0) < 1e-6);
    llmc_hits_fuse(lists, lengths, 2, 1, out, 2, &n);
    CHECK(n == 2 && out[0].id == 7 && fabs(out[0].score - (1 / 2.0 + 1 / 3.0)) < 1e-6);
    llmc_hits_fuse(lists, lengths, 0, 0, out, 4, &n);
    CHECK(n == 0);
}

/* ------------------------------------------------------------ passages */
static size_t characters(const char *p, size_t n)
{
    size_t count = 0, i;
    for (i = 0; i < n; i++)
        count += ((unsigned char)p[i] & 0xc0) != 0x80;
    return count;
}

static bool blanks(const char *p, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++)
        if (strchr(" \t\r\n\f\v", p[i]) == NULL || p[i] == 0)
            return false;
    return true;
}

/* What holds of every text, from a mix of words, marks, lines, characters of all lengths. */
static void chunks_any(void)
{
    static const char *const part[] = {"word ",
                                       "a",
                                       ". ",
                                       "\n",
                                       "\n\n",
                                       "! ",
                                       "\xc3\xa9",
                                       "\xe6\xbc\xa2",
                                       "\xf0\x9f\x98\x80",
                                       "  ",
                                       "\t",
                                       "# Head\n",
                                       "```\n",
                                       "\nint f(void)\n{\n",
                                       "    x = 1;\n",
                                       "}\n",
                                       "\xe3\x80\x82",
                                       "?\" ",
                                       "longlonglonglonglonglonglonglong"};
    unsigned round;
    for (round = 0; round < 600; round++) {
        char text[6000];
        size_t len = 0, most = test_random(&seed, 5900), covered = 0, pieces = 0, last = 0, i;
        unsigned favourite = test_random(&seed, 19);
        llmc_chunk_options o;
        llmc_chunk c;
        uint32_t line = 1, chars;
        memset(&o, 0, sizeof o);
        memset(&c, 0, sizeof c);
        o.kind = (llmc_text_kind)(round % 3);
        o.chars = round % 4 == 0 ? 0 : 1 + test_random(&seed, 200);
        o.overlap = round % 5 == 0 ? UINT32_MAX : test_random(&seed, 60);
        chars = o.chars == 0 ? 512 : o.chars < 16 ? 16 : o.chars;
        while (len + 40 < most) {
            const char *p = part[test_random(&seed, 3) == 0 ? favourite : test_random(&seed, 19)];
            memcpy(text + len, p, strlen(p));
            len += strlen(p);
        }
        while (llmc_chunk_next(text, len, &o, &c)) {
            CHECKF(c.begin < c.end && c.end <= len && !blanks(text + c.begin, c.end - c.begin), "round %u",
                   round);
            CHECK(characters(text + c.begin, c.end - c.begin) <= chars);
            CHECK(((unsigned char)text[c.begin] & 0xc0) != 0x80);
            CHECK(c.end == len || ((unsigned char)text[c.end] & 0xc0) != 0x80);
            CHECKF(c.begin <= covered || blanks(text + covered, c.begin - covered),
                   "round %u: %u to %u left out", round, (unsigned)covered, (unsigned)c.begin);
            CHECKF(c.begin > last || pieces == 0, "round %u: no progress", round);
            CHECK(covered <= c.begin || characters(text + c.begin, covered - c.begin) <= 64);
            CHECK(o.overlap != UINT32_MAX || c.begin >= covered);
            for (; last < c.begin; last++)
                line += text[last] == '\n';
            CHECKF(c.line == line, "round %u: line %u, expected %u", round, c.line, line);
            covered = c.end;
            if (++pieces > len + 1 || test_bad > 0)
                return;
        }
        CHECK(blanks(text + covered, len - covered));
        for (i = 0; i < 20; i++) /* bytes that are no UTF-8 */
            if (len > 0)
                text[test_random(&seed, (unsigned)len)] = (char)test_random(&seed, 256);
        memset(&c, 0, sizeof c);
        for (pieces = 0; llmc_chunk_next(text, len, &o, &c) && pieces < len + 2; pieces++)
            CHECK(c.begin < c.end && c.end <= len);
        CHECK(pieces < len + 2);
    }
}

static void expect_chunks(const char *text, llmc_text_kind kind, uint32_t chars, uint32_t overlap,
                          const char *const *want, int line)
{
    llmc_chunk_options o;
    llmc_chunk c;
    size_t i = 0;
    memset(&o, 0, sizeof o);
    memset(&c, 0, sizeof c);
    o.chars = chars;
    o.overlap = overlap;
    o.kind = kind;
    while (llmc_chunk_next(text, strlen(text), &o, &c)) {
        CHECKF(want[i] != NULL && strlen(want[i]) == c.end - c.begin &&
                   memcmp(text + c.begin, want[i], c.end - c.begin) == 0,
               "line %d: '%.*s', expected '%s'", line, (int)(c.end - c.begin), text + c.begin,
               want[i] == NULL ? "(none)" : want[i]);
        if (want[i] == NULL)
            return;
        i++;
    }
    CHECKF(want[i] == NULL, "line %d: '%s' is missing", line, want[i] == NULL ? "" : want[i]);
}

static void chunks_known(void)
{
    static const char *const sentences[] = {"One is here. Two is there.", "Two is there. Three follows now!",
                                            "follows now! Four ends", NULL};
    static const char *const paragraphs[] = {"First line\nstill first.", "Second paragraph here.", NULL};
    static const char *const sections[] = {"# A\nText of the first part.", "## B\nText of the second.", NULL};
    static const char *const code[] = {"int f(void)\n{\n    return 1;\n}", "int g(void)\n{\n    return 2;\n}",
                                       NULL};
    static const char *const fence[] = {"# A\ntext\n```\n# no heading\nx. y\n```", NULL};
    llmc_chunk_options o;
    llmc_chunk c;
    const char *text =
        "# Top\nalpha beta gamma delta\n\n## Sub\nmore words than fit in here, many more of them\n";
    int n = 0;
    expect_chunks("One is here. Two is there. Three follows now! Four ends", LLMC_TEXT_PLAIN, 34, 16,
                  sentences, __LINE__);
    expect_chunks("First line\nstill first.\n\n  Second paragraph here.\n", LLMC_TEXT_PLAIN, 40, UINT32_MAX,
                  paragraphs, __LINE__);
    expect_chunks("# A\nText of the first part.\n## B\nText of the second.\n", LLMC_TEXT_MARKDOWN, 60,
                  UINT32_MAX, sections, __LINE__);
    expect_chunks("int f(void)\n{\n    return 1;\n}\n\nint g(void)\n{\n    return 2;\n}\n", LLMC_TEXT_CODE,
                  60, 0, code, __LINE__);
    expect_chunks("# A\ntext\n```\n# no heading\nx. y\n```\n", LLMC_TEXT_MARKDOWN, 60, 0, fence, __LINE__);
    memset(&o, 0, sizeof o);
    memset(&c, 0, sizeof c);
    o.chars = 30;
    o.kind = LLMC_TEXT_MARKDOWN;
    while (llmc_chunk_next(text, strlen(text), &o, &c)) { /* each passage knows its heading */
        const char *want = c.begin < 30 ? "# Top" : "## Sub";
        CHECKF(c.heading.end - c.heading.begin == strlen(want) &&
                   memcmp(text + c.heading.begin, want, strlen(want)) == 0,
               "passage %d: heading %u to %u", n, (unsigned)c.heading.begin, (unsigned)c.heading.end);
        CHECK(c.line == (c.begin < 6 ? 1u : c.begin < 30 ? 2u : c.begin < 37 ? 4u : 5u));
        n++;
    }
    CHECK(n >= 3);
    memset(&c, 0, sizeof c);
    CHECK(!llmc_chunk_next("", 0, &o, &c) && !llmc_chunk_next(" \n\t ", 4, NULL, &c));
}

/* ------------------------------------------------------------ files of the system */
#ifndef LLMC_NO_OS
static const char *index_path(void)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/llmc-index-%d.vec", (int)llmc_os_nanoseconds() & 0xffffff);
    return path;
}

static void on_disk(void)
{
    const char *path = index_path();
    llmc_index_options o = file_options(4, true);
    llmc_index_file_options fo;
    llmc_index_file *f = NULL, *g = NULL;
    llmc_index_info info;
    float *v = vectors(1500, 4);
    unsigned char *bytes;
    size_t size = 0;
    FILE *out;
    memset(&fo, 0, sizeof fo);
    fo.index = &o;
    fo.no_sync = true;
    CHECK(llmc_index_file_open(&f, "", &fo, &diag) == LLMC_BAD_ARG && f == NULL);
    CHECK(llmc_index_file_open(&f, "/nowhere/at/all", &fo, &diag) == LLMC_IO && f == NULL);
    fo.read_only = true;
    CHECK(llmc_index_file_open(&f, path, &fo, &diag) == LLMC_IO);
    fo.read_only = false;
    if (!CHECKF(llmc_index_file_open(&f, path, &fo, &diag) == LLMC_OK, "%s", diag.message))
        return;
    fo.read_only = true; /* nothing was committed yet */
    CHECK(llmc_index_file_open(&g, path, &fo, &diag) == LLMC_BAD_FILE &&
          strstr(diag.message, "no index") != NULL);
    fo.read_only = false;
    CHECK(llmc_index_file_open(&g, path, &fo, &diag) == LLMC_IO && g == NULL);
    CHECK(strstr(diag.message, "another program") != NULL);
    fill(llmc_index_file_index(f), v, 0, 300, 4);
    CHECK(llmc_index_file_commit(f, &diag) == LLMC_OK);
    fill(llmc_index_file_index(f), v, 300, 10, 4);
    CHECK(llmc_index_delete(llmc_index_file_index(f), 5, &diag) == LLMC_OK);
    CHECK(llmc_index_file_commit(f, &diag) == LLMC_OK && llmc_index_file_commit(f, &diag) == LLMC_OK);
    fo.read_only = true;
    if (CHECKF(llmc_index_file_open(&g, path, &fo, &diag) == LLMC_OK, "%s", diag.message)) {
        alike(llmc_index_file_index(f), llmc_index_file_index(g), 4, __LINE__);
        CHECK(llmc_index_file_commit(g, &diag) == LLMC_BAD_ARG &&
              llmc_index_file_compact(g, NULL, &diag) == LLMC_BAD_ARG);
#ifdef _WIN32 /* replaces no file that somebody maps: this one goes on with the old file, too */
        CHECK(llmc_index_file_compact(f, NULL, &diag) == LLMC_IO);
        alike(llmc_index_file_index(f), llmc_index_file_index(g), 4, __LINE__);
        llmc_index_file_close(g);
        CHECKF(llmc_index_file_compact(f, NULL, &diag) == LLMC_OK, "%s", diag.message);
#else
        CHECKF(llmc_index_file_compact(f, NULL, &diag) == LLMC_OK, "%s", diag.message);
        alike(llmc_index_file_index(f), llmc_index_file_index(g), 4, __LINE__); /* g has the old file still */
        llmc_index_file_close(g);
#endif
    }
    llmc_index_about(llmc_index_file_index(f), &info);
    CHECK(info.pieces == 1 && info.deleted == 0 && info.count == 309);
    fill(llmc_index_file_index(f), v, 310, 1, 4);
    CHECK(llmc_index_file_commit(f, &diag) == LLMC_OK);
    llmc_index_file_close(f);
    bytes = test_read(path, &size); /* an end that was not finished is cut off */
    out = fopen(path, "ab");
    CHECK(bytes != NULL && out != NULL && fwrite(bytes, 1, 100, out) == 100 && fclose(out) == 0);
    fo.read_only = false;
    if (CHECKF(llmc_index_file_open(&f, path, &fo, &diag) == LLMC_OK, "%s", diag.message)) {
        unsigned char *now;
        size_t n = 0;
        llmc_index_about(llmc_index_file_index(f), &info);
        CHECK(info.count == 310 && info.file_bytes == size);
        now = test_read(path, &n);
        CHECK(n == size);
        free(now);
        llmc_index_file_close(f);
    }
    out = fopen(path, "wb"); /* nor a header */
    CHECK(out != NULL && fwrite(bytes, 1, 40, out) == 40 && fclose(out) == 0);
    if (CHECKF(llmc_index_file_open(&f, path, &fo, &diag) == LLMC_OK, "%s", diag.message)) {
        fill(llmc_index_file_index(f), v, 0, 3, 4);
        CHECK(llmc_index_file_commit(f, &diag) == LLMC_OK);
        llmc_index_file_close(f);
    }
    out = fopen(path, "wb"); /* but somebody's file is left alone, however short */
    CHECK(out != NULL && fwrite("precious", 1, 8, out) == 8 && fclose(out) == 0);
    CHECK(llmc_index_file_open(&f, path, &fo, &diag) == LLMC_BAD_FILE);
    free(bytes);
    bytes = test_read(path, &size);
    CHECK(size == 8 && bytes != NULL && memcmp(bytes, "precious", 8) == 0);
    free(bytes);
    bytes = (unsigned char *)malloc(2000);
    size = faiss_bytes(bytes, false, 4, 20, v); /* FAISS's is read, and not written to */
    out = fopen(path, "wb");
    CHECK(out != NULL && fwrite(bytes, 1, size, out) == size && fclose(out) == 0);
    if (CHECKF(llmc_index_file_open(&f, path, &fo, &diag) == LLMC_OK, "%s", diag.message)) {
        CHECK(llmc_index_add(llmc_index_file_index(f), v, NULL, 1, NULL, &diag) == LLMC_OK);
        CHECK(llmc_index_file_commit(f, &diag) == LLMC_UNSUPPORTED);
        llmc_index_file_close(f);
    }
    free(bytes);
    bytes = test_read(path, &size);
    CHECK(bytes != NULL && size == 45 + 320 && memcmp(bytes, "IxFI", 4) == 0);
    free(bytes);
    remove(path);
    free(v);
}

#ifndef _WIN32
/* A program that adds and commits, one record at a time, and says how far it is, is killed at any moment: all
   that it had committed is there, and at most one record more. */
static void killed(void)
{
    const char *path = index_path();
    llmc_index_options o = file_options(16, false);
    llmc_index_file_options fo;
    unsigned round, total = 0, lost = 0;
    memset(&fo, 0, sizeof fo);
    fo.index = &o;
    fo.no_sync = true;
    fo.threads = 1;
    for (round = 0; round < 25; round++) {
        int pipes[2];
        unsigned said = total, now;
        pid_t child;
        llmc_index_file *f = NULL;
        llmc_index_info info;
        if (!CHECK(pipe(pipes) == 0))
            return;
        child = fork();
        if (child == 0) {
            float v[16] = {1};
            if (llmc_index_file_open(&f, path, &fo, &diag) != LLMC_OK)
                _exit(1);
            for (now = total; now < 1400; now++) {
                char text[600];
                llmc_index_text t;
                memset(text, 'a' + (int)(now % 26), sizeof text);
                t.data = text;
                t.len = now % 600;
                v[now % 16] += 1;
                if (llmc_index_add(llmc_index_file_index(f), v, &t, 1, NULL, &diag) != LLMC_OK ||
                    llmc_index_file_commit(f, &diag) != LLMC_OK ||
                    write(pipes[1], &now, sizeof now) != sizeof now)
                    _exit(2);
            }
            _exit(0);
        }
        close(pipes[1]);
        usleep(500 + test_random(&seed, 4000));
        kill(child, SIGKILL);
        while (read(pipes[0], &now, sizeof now) == sizeof now)
            said = now + 1;
        close(pipes[0]);
        waitpid(child, NULL, 0);
        if (!CHECKF(llmc_index_file_open(&f, path, &fo, &diag) == LLMC_OK, "%s", diag.message))
            return;
        llmc_index_about(llmc_index_file_index(f), &info);
        CHECKF(info.count >= said && info.count <= said + 1, "%u committed, %u found", said,
               (unsigned)info.count);
        for (now = 0; now < info.count; now++) {
            llmc_record r;
            CHECK(llmc_index_get(llmc_index_file_index(f), now, &r) && r.text_len == now % 600 &&
                  (r.text_len == 0 || r.text[r.text_len - 1] == (char)('a' + (int)(now % 26))));
        }
        lost += info.count == said;
        total = (unsigned)info.count;
        llmc_index_file_close(f);
        if (total >= 1390)
            break;
    }
    printf("  killed %u times, %u records\n", round, total);
    (void)lost;
    remove(path);
}
#endif

static bool list_one(void *user, const llmc_os_entry *e)
{
    unsigned *seen = (unsigned *)user;
    if (strcmp(e->name, "test_index.c") == 0 && e->file && !e->folder && e->bytes > 1000 &&
        e->modified > (int64_t)1577836800 * 1000000000) /* 2020 */
        *seen |= 1;
    if (strcmp(e->name, "fuzz") == 0 && e->folder && !e->file)
        *seen |= 2;
    if (strcmp(e->name, ".") == 0 || strcmp(e->name, "..") == 0)
        *seen |= 4;
    return true;
}

static void listing(void)
{
    unsigned seen = 0;
    char path[5000];
    CHECKF(llmc_os_list("tests", list_one, &seen, &diag) == LLMC_OK, "%s", diag.message);
    CHECKF(seen == 3, "%u; run from the repository's root", seen);
    CHECK(llmc_os_list("tests/nothing", list_one, &seen, &diag) == LLMC_IO);
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = 0;
    CHECK(llmc_os_list(path, list_one, &seen, &diag) == LLMC_IO);
    CHECK(llmc_os_list("", list_one, &seen, &diag) == LLMC_IO);
}
#endif

int main(void)
{
    seed = test_seed(9);
    RUN(searches);
    RUN(ties);
#ifndef LLMC_NO_OS
    RUN(threads);
#endif
    RUN(recall);
    RUN(refusals);
    RUN(saves);
    RUN(ids_once);
    RUN(torn);
    RUN(damaged);
    RUN(hostile);
    RUN(faiss);
    RUN(words);
    RUN(words_kinds);
    RUN(fused);
    RUN(chunks_any);
    RUN(chunks_known);
#ifndef LLMC_NO_OS
    RUN(on_disk);
#ifndef _WIN32
    RUN(killed);
#endif
    RUN(listing);
#endif
    return test_end("index");
}
