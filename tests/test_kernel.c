/* test_kernel.c -- every kernel of every instruction set against scalar, and scalar against
   double arithmetic written here. Integers must agree exactly, floats within the bound that
   the number of roundings allows, and no result may depend on how the work is cut. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"

#include "test.h"

static llmc_rng rng;
static const llmc__kernels *scalar, *set, *first; /* set: the one under test; first: of the vector sets */

static uint32_t below(uint32_t n)
{
    return (uint32_t)(llmc_rng_u64(&rng) % n);
}

static float magnitude(float x)
{
    return x < 0 ? -x : x;
}

/* Exactly n floats, so that a read or write past the end is seen by the sanitizer. */
static float *floats(size_t n)
{
    float *x = (float *)malloc(n * sizeof *x + 1);
    size_t i;
    for (i = 0; i < n; i++)
        x[i] = llmc_rng_normal(&rng);
    return x;
}

static float *copy(const float *x, size_t n)
{
    float *y = (float *)malloc(n * sizeof *y + 1);
    memcpy(y, x, n * sizeof *y);
    return y;
}

/* A random product: weights of a type at an odd address with odd gaps between the rows. */
typedef struct product {
    llmc_dtype type;
    size_t rows, cols, n, row_bytes, x_stride, out_stride;
    uint8_t *memory, *w, *x; /* x at a multiple of 64 */
    float *out;
    void *x_room, *room, *scratch; /* the kernel's, as small as it may be */
} product;

/* Types that have products, float ones first. */
static const llmc_dtype types[] = {LLMC_F32,  LLMC_F16,  LLMC_BF16,   LLMC_Q8_0,   LLMC_Q4_0, LLMC_Q4_1,
                                   LLMC_Q5_0, LLMC_Q5_1, LLMC_Q2_K,   LLMC_Q3_K,   LLMC_Q4_K, LLMC_Q5_K,
                                   LLMC_Q6_K, LLMC_Q8_K, LLMC_IQ4_NL, LLMC_IQ4_XS, LLMC_MXFP4};
enum { TYPES = sizeof types / sizeof *types };

/* A length that the type can have: with and without a short end of eight blocks. */
static size_t length(llmc_dtype type, uint32_t most)
{
    uint32_t block = llmc_dtype_block(type);
    return block == 1 ? 1 + below(most) : block == 32 ? 32 * (1 + below(20)) : 256 * (1 + below(3));
}

/* Where a block has f16 scales; -1: nowhere. */
static const int at[LLMC_DTYPE_COUNT][2] = {
    {-1, -1}, {-1, -1},  {-1, -1}, {-1, -1}, {0, -1},   {0, -1},  {-1, -1}, {0, 2},  {0, -1},  {0, 2},
    {80, 82}, {108, -1}, {0, 2},   {0, 2},   {208, -1}, {-1, -1}, {0, -1},  {0, -1}, {-1, -1}, {-1, -1}};

/* Scales that are neither infinite nor NaN. */
static void fill_scales(llmc_dtype type, uint8_t *block)
{
    int i;
    for (i = 0; i < 2; i++)
        if (at[type][i] >= 0)
            llmc__put_u16le(block + at[type][i],
                            llmc__f32_to_f16(llmc_rng_normal(&rng) * (below(8) == 0 ? 1e-6f : 1e-2f)));
    if (type == LLMC_Q8_K)
        llmc__put_u32le(block, llmc__f32_bits(llmc_rng_normal(&rng) * 1e-2f));
    if (type == LLMC_MXFP4)
        block[0] = (uint8_t)(below(8) == 0 ? below(3) : 115 + below(12));
}

static void fill_weights(product *p)
{
    size_t r, i, bytes = llmc_dtype_bytes(p->type, p->n);
    for (r = 0; r < p->rows; r++) {
        uint8_t *row = p->w + r * p->row_bytes;
        if (llmc__wants_x8(p->type)) {
            size_t block = bytes / (p->n / llmc_dtype_block(p->type));
            uint32_t kind = below(6); /* all -128, the largest or smallest: the hardest for 16-bit sums */
            for (i = 0; i < bytes; i++)
                row[i] = (uint8_t)(kind == 0 ? 0x80 : kind == 1 ? 0xff : kind == 2 ? 0 : below(256));
            for (i = 0; i < bytes; i += block)
                fill_scales(p->type, row + i);
        } else {
            float *f = floats(p->n);
            llmc_quantize(p->type, f, p->n, row);
            free(f);
        }
    }
}

static void fill_columns(product *p)
{
    size_t t;
    for (t = 0; t < p->cols; t++) {
        float *f = floats(p->n);
        size_t i;
        if (below(4) == 0)
            for (i = 0; i < p->n; i++)
                f[i] = below(2) ? 1.0f : -1.0f; /* all +-127 */
        if (llmc__wants_x8(p->type))
            scalar->quantize_x(f, p->n, (llmc__x8 *)(void *)(p->x + t * p->x_stride));
        else
            memcpy(p->x + t * p->x_stride, f, p->n * sizeof *f);
        free(f);
    }
}

/* bytes at a multiple of 64; *room is what to free. */
static void *aligned(void **room, size_t bytes)
{
    uint8_t *p = (uint8_t *)malloc(bytes + 63);
    *room = p;
    return p + (64 - (uintptr_t)p % 64) % 64;
}

static product product_make(llmc_dtype type, size_t rows, size_t cols, size_t n)
{
    product p;
    size_t odd = 1 + below(3);
    p.type = type;
    p.rows = rows;
    p.cols = cols;
    p.n = n;
    p.row_bytes = llmc_dtype_bytes(type, n) + below(3);
    p.x_stride = llmc__wants_x8(type) ? (llmc__x8_units(n) + below(2)) * sizeof(llmc__x8)
                                      : (n + below(3)) * sizeof(float);
    p.out_stride = rows + below(3);
    p.memory = (uint8_t *)malloc(odd + rows * p.row_bytes);
    p.w = p.memory + odd;
    p.x = (uint8_t *)aligned(&p.x_room, cols * p.x_stride);
    p.out = floats(cols * p.out_stride);
    p.scratch = aligned(&p.room, (size_t)llmc__panel_bytes(n));
    memset(p.scratch, 0xff,
           (size_t)llmc__panel_bytes(n)); /* NaN, if anything were read before it is written */
    fill_weights(&p);
    fill_columns(&p);
    return p;
}

static void product_free(product *p)
{
    free(p->memory);
    free(p->x_room);
    free(p->out);
    free(p->room);
}

static double fabs_(double x)
{
    return x < 0 ? -x : x;
}

/* out[t][r] in double; *size is the sum of magnitudes, minimums and the rest taken apart as kernels
   may. What the weights are is 08's business (test_quant.c). */
static double exact(const product *p, size_t r, size_t t, double *size)
{
    const uint8_t *w = p->w + r * p->row_bytes, *x = p->x + t * p->x_stride;
    float *weight = floats(p->n);
    double sum = 0;
    size_t k;
    *size = 0;
    llmc_dequantize(p->type, w, p->n, weight);
    for (k = 0; k < p->n; k++) {
        double a = (double)weight[k], b, m = 0;
        if (llmc__wants_x8(p->type)) {
            const llmc__x8 *q = (const llmc__x8 *)(const void *)x + k / 256;
            b = (double)q->d[k % 256 / 32] * q->q[k % 256];
            if (llmc__layouts[p->type].flags & LLMC__MINS) {
                llmc__unit u;
                size_t unit = k / 256, blocks = (p->n - 256 * unit) / 32, g = k % 256 / 16;
                llmc__layouts[p->type].head(&u, w + unit * llmc_dtype_bytes(p->type, 256),
                                            blocks < 8 ? blocks : 8);
                m = (double)u.off[g / 2] * (llmc__layouts[p->type].flags & LLMC__HALVES ? u.m[g] : 1);
            }
        } else {
            float f;
            memcpy(&f, x + 4 * k, 4);
            b = (double)f;
        }
        sum += a * b;
        *size += (fabs_(a) + 2 * fabs_(m)) * fabs_(b);
    }
    free(weight);
    return sum;
}

/* Of n rounds a third where 32 bits are emulated: what is special there (few registers, the x87's) shows in any. */
static int rounds(int n)
{
    return sizeof(void *) < 8 ? n / (int)test_every(3) : n;
}

static void matmul_right(void)
{
    int round;
    for (round = 0; round < rounds(20) * TYPES; round++) {
        llmc_dtype type = types[round % TYPES];
        size_t n = length(type, 200), r, t;
        product p;
        if (first != NULL && first != set && llmc__wants_x8(type) && round >= rounds(4) * TYPES)
            continue; /* first's bits, as matmul_same will show */
        p = product_make(type, 1 + below(21), round % 3 == 0 ? 1 : 1 + below(40), n);
        set->matmul[type](p.out, p.out_stride, p.w, p.row_bytes, p.rows, p.x, p.x_stride, p.cols, p.n,
                          p.scratch);
        for (t = 0; t < p.cols; t++)
            for (r = 0; r < p.rows; r++) {
                double size, want = exact(&p, r, t, &size), got = (double)p.out[t * p.out_stride + r];
                double off = got > want ? got - want : want - got;
                /* each of n additions and products rounds by 2^-24 of at most size */
                CHECKF(off <= ((double)n + 4) * 6e-8 * size + 1e-30,
                       "%s %s row %d column %d n %d: %g, expected %g", set->name, llmc_dtype_name(type),
                       (int)r, (int)t, (int)n, got, want);
            }
        product_free(&p);
    }
}

/* A part of a product has the same bits as the whole. */
static void matmul_cut(void)
{
    int type, round;
    for (round = 0; round < rounds(12) * TYPES; round++) {
        size_t n, r0, t0, rows, cols, r, t;
        product p;
        float *part;
        type = types[round % TYPES];
        n = length((llmc_dtype)type, 100);
        p = product_make((llmc_dtype)type, 1 + below(40), 1 + below(80), n);
        set->matmul[type](p.out, p.out_stride, p.w, p.row_bytes, p.rows, p.x, p.x_stride, p.cols, p.n,
                          p.scratch);
        r0 = below((uint32_t)p.rows);
        t0 = below((uint32_t)p.cols);
        rows = 1 + below((uint32_t)(p.rows - r0));
        cols = below(2) == 0 ? 1 : 1 + below((uint32_t)(p.cols - t0));
        part = floats(cols * rows);
        set->matmul[type](part, rows, p.w + r0 * p.row_bytes, p.row_bytes, rows, p.x + t0 * p.x_stride,
                          p.x_stride, cols, p.n, p.scratch);
        for (t = 0; t < cols; t++)
            for (r = 0; r < rows; r++)
                CHECKF(memcmp(&part[t * rows + r], &p.out[(t0 + t) * p.out_stride + r0 + r], 4) == 0,
                       "%s %s: rows %d+%d columns %d+%d differ from the whole", set->name,
                       llmc_dtype_name((llmc_dtype)type), (int)r0, (int)rows, (int)t0, (int)cols);
        free(part);
        product_free(&p);
    }
}

/* Float products over blocks of 256, groups of four of them and odd ends: right, and each element the same
   bits from a line (one column) and from a tile, with rows and columns that fill no panel. A column of NaN
   and infinities stays by itself. */
static void matmul_blocks(void)
{
    static const size_t lengths[] = {7, 248, 255, 256, 265, 520, 1024, 1031, 1288, 2313};
    int round;
    for (round = 0; round < 30; round++) {
        size_t n = lengths[round % 10], r, t, bad;
        product p = product_make(types[round % 3], 1 + below(70), round < 20 ? 2 + below(39) : 90, n);
        float *one = floats(p.rows), *before;
        set->matmul[p.type](p.out, p.out_stride, p.w, p.row_bytes, p.rows, p.x, p.x_stride, p.cols, n,
                            p.scratch);
        for (t = 0; t < p.cols; t++) {
            double size, want = exact(&p, t % p.rows, t, &size);
            double off = fabs_((double)p.out[t * p.out_stride + t % p.rows] - want);
            CHECKF(off <= ((double)n + 4) * 6e-8 * size + 1e-30, "%s %s n %d: off by %g", set->name,
                   llmc_dtype_name(p.type), (int)n, off);
            set->matmul[p.type](one, p.rows, p.w, p.row_bytes, p.rows, p.x + t * p.x_stride, p.x_stride, 1, n,
                                p.scratch);
            for (r = 0; r < p.rows; r++)
                CHECKF(memcmp(&one[r], &p.out[t * p.out_stride + r], 4) == 0,
                       "%s %s n %d: row %d column %d of %d by itself differs", set->name,
                       llmc_dtype_name(p.type), (int)n, (int)r, (int)t, (int)p.cols);
        }
        before = copy(p.out, p.cols * p.out_stride);
        bad = below((uint32_t)p.cols);
        for (r = 0; r < n; r++)
            llmc__put_u32le(p.x + bad * p.x_stride + 4 * r, below(2) ? 0x7f800000 : 0x7fc00000);
        set->matmul[p.type](p.out, p.out_stride, p.w, p.row_bytes, p.rows, p.x, p.x_stride, p.cols, n,
                            p.scratch);
        for (t = 0; t < p.cols; t++)
            for (r = 0; r < p.rows; r++) {
                size_t i = t * p.out_stride + r;
                CHECKF(t == bad || memcmp(&before[i], &p.out[i], 4) == 0, "%s %s: column %d spoils %d",
                       set->name, llmc_dtype_name(p.type), (int)bad, (int)t);
            }
        free(before);
        free(one);
        product_free(&p);
    }
}

/* Vector sets add integers' products in one order, and give the same bits, decoding and prefilling: what is
   slower on one processor is no other text. */
static void matmul_same(void)
{
    int round;
    for (round = 0; first != set && round < rounds(6) * TYPES; round++) {
        llmc_dtype type = types[round % TYPES];
        product p;
        float *once;
        if (!llmc__wants_x8(type))
            continue;
        p = product_make(type, 1 + below(40), 1 + below(round % 2 ? 4 : 40), length(type, 0));
        first->matmul[type](p.out, p.out_stride, p.w, p.row_bytes, p.rows, p.x, p.x_stride, p.cols, p.n,
                            p.scratch);
        once = copy(p.out, p.cols * p.out_stride);
        set->matmul[type](p.out, p.out_stride, p.w, p.row_bytes, p.rows, p.x, p.x_stride, p.cols, p.n,
                          p.scratch);
        CHECKF(memcmp(once, p.out, p.cols * p.out_stride * sizeof *once) == 0,
               "%s %s: not the bits of %s, %d rows %d columns n %d", set->name, llmc_dtype_name(type),
               first->name, (int)p.rows, (int)p.cols, (int)p.n);
        free(once);
        product_free(&p);
    }
}

/* A scale that is infinite or NaN touches its own row only, even where the row ends within
   eight blocks and the next one's bytes follow. */
static void matmul_apart(void)
{
    int type, round;
    for (round = 0; round < rounds(6) * TYPES; round++) {
        product p;
        size_t bad, r, t;
        float *before;
        type = types[round % TYPES];
        if (at[type][0] < 0)
            continue;
        p = product_make((llmc_dtype)type, 2 + below(20), 1 + below(9), length((llmc_dtype)type, 0));
        set->matmul[type](p.out, p.out_stride, p.w, p.row_bytes, p.rows, p.x, p.x_stride, p.cols, p.n,
                          p.scratch);
        before = copy(p.out, p.cols * p.out_stride);
        bad = below((uint32_t)p.rows);
        llmc__put_u16le(p.w + bad * p.row_bytes + at[type][0], below(2) ? 0x7c00 : 0x7e00);
        set->matmul[type](p.out, p.out_stride, p.w, p.row_bytes, p.rows, p.x, p.x_stride, p.cols, p.n,
                          p.scratch);
        for (t = 0; t < p.cols; t++)
            for (r = 0; r < p.rows; r++)
                if (r != bad)
                    CHECKF(memcmp(&p.out[t * p.out_stride + r], &before[t * p.out_stride + r], 4) == 0,
                           "%s %s: row %d changed with row %d", set->name, llmc_dtype_name((llmc_dtype)type),
                           (int)r, (int)bad);
                else
                    CHECK(!llmc__finite(p.out[t * p.out_stride + r]));
        free(before);
        product_free(&p);
    }
}

static void dequantize_right(void)
{
    int k;
    for (k = 0; k < TYPES; k++) {
        llmc_dtype type = types[k];
        size_t n = 256 * (1 + below(5)) + (llmc_dtype_block(type) > 32 ? 0 : 32), i,
               bytes = llmc_dtype_bytes(type, n);
        uint8_t *w = (uint8_t *)malloc(bytes + 1);
        float *a = floats(n), *b = floats(n);
        for (i = 0; i <= bytes; i++)
            w[i] = (uint8_t)below(256);
        llmc_dequantize(type, w + 1, n, a);
        set->dequantize[type](w + 1, n, b);
        CHECK(memcmp(a, b, n * sizeof *a) == 0);
        free(w);
        free(a);
        free(b);
    }
}

/* One unit against its elements, x [blocks * 32]; the rest is zero. */
static void check_unit(const llmc__x8 *u, const float *x, int blocks)
{
    int b, i;
    for (b = 0; b < 8; b++) {
        int half[2] = {0, 0};
        for (i = 0; i < 32; i++) {
            int q = u->q[32 * b + i];
            half[i / 16] += q;
            CHECKF(q >= -127, "-128 in an activation");
            if (b >= blocks)
                CHECK(q == 0);
            else if (llmc__finite(u->d[b]))
                CHECKF(magnitude(u->d[b] * (float)q - x[32 * b + i]) <= u->d[b] * 0.5001f + 1e-30f,
                       "%g became %g", (double)x[32 * b + i], (double)(u->d[b] * (float)q));
        }
        CHECK(b < blocks || u->d[b] == 0);
        CHECK(u->half[2 * b] == half[0] && u->half[2 * b + 1] == half[1]);
        CHECK(u->less[b] == -128 * (half[0] + half[1]));
        CHECK(u->sum[b] == llmc__f32(u->d[b] * (float)(half[0] + half[1])) || u->d[b] != u->d[b]);
    }
}

static void quantize_x_same(void)
{
    int round, i;
    float nan = llmc__bits_f32(0x7fc00001u), inf = llmc__bits_f32(0x7f800000u);
    for (round = 0; round < 300; round++) {
        int blocks = 1 + (int)below(20), units = (blocks + 7) / 8, n = 32 * blocks;
        llmc__x8 *a = (llmc__x8 *)malloc((size_t)units * sizeof *a), *b;
        float *x = floats((size_t)n), shrink = 1;
        b = (llmc__x8 *)malloc((size_t)units * sizeof *b);
        if (round % 4 == 1)
            for (i = 0; i < n; i++) /* many ties */
                x[i] = (float)((int)below(255) - 127) * 0.5f;
        for (i = (int)below(64); i > 0; i--)
            shrink *= round % 4 == 2 ? 0.25f : 4.0f;
        if (round % 4 >= 2)
            for (i = 0; i < n; i++)
                x[i] = shrink * x[i];
        if (round % 8 == 5)
            x[below((uint32_t)n)] = below(2) ? nan : below(2) ? inf : -inf;
        if (round % 16 == 9)
            memset(x, 0, (size_t)(n - n / 3) * sizeof *x);
        memset(a, 0x55, (size_t)units * sizeof *a);
        memset(b, 0xaa, (size_t)units * sizeof *b);
        scalar->quantize_x(x, (size_t)n, a);
        set->quantize_x(x, (size_t)n, b);
        CHECKF(memcmp(a, b, (size_t)units * sizeof *a) == 0, "%s: round %d differs", set->name, round);
        for (i = 0; i < units; i++)
            check_unit(&b[i], x + 256 * i, blocks - 8 * i < 8 ? blocks - 8 * i : 8);
        free(a);
        free(b);
        free(x);
    }
}

/* a against b, element by element: |a - b| <= rel |b| + abs. */
static void close_to(const char *what, const float *a, const float *b, size_t n, float rel, float absolute)
{
    size_t i;
    for (i = 0; i < n; i++)
        CHECKF(magnitude(a[i] - b[i]) <= rel * magnitude(b[i]) + absolute, "%s %s[%d of %d]: %g, scalar %g",
               set->name, what, (int)i, (int)n, (double)a[i], (double)b[i]);
}

static void norms(void)
{
    int round;
    for (round = 0; round < 60; round++) {
        size_t n = 1 + below(round < 30 ? 20 : 300);
        float *x = floats(n), *w = floats(n), *b = floats(n), *p = floats(n), *q = floats(n);
        set->rmsnorm(p, x, w, n, 1e-5f);
        scalar->rmsnorm(q, x, w, n, 1e-5f);
        close_to("rmsnorm", p, q, n, 2e-5f, 1e-7f);
        set->layernorm(p, x, w, round % 2 ? b : NULL, n, 1e-5f);
        scalar->layernorm(q, x, w, round % 2 ? b : NULL, n, 1e-5f);
        close_to("layernorm", p, q, n, 2e-5f, n < 3 ? 1e-4f : 2e-5f);
        scalar->rmsnorm(q, x, w, n, 1e-5f);
        set->rmsnorm(x, x, w, n, 1e-5f);
        close_to("rmsnorm in place", x, q, n, 2e-5f, 1e-7f);
        free(x);
        free(w);
        free(b);
        free(p);
        free(q);
    }
}

static void maps(void)
{
    int round, act;
    for (round = 0; round < 40; round++) {
        size_t n = 1 + below(60), i;
        float *x = floats(n), *y = floats(n), *p = copy(y, n), *q = copy(y, n);
        set->add(p, x, n);
        scalar->add(q, x, n);
        CHECK(memcmp(p, q, n * sizeof *p) == 0);
        set->mul(p, x, n);
        scalar->mul(q, x, n);
        CHECK(memcmp(p, q, n * sizeof *p) == 0);
        set->scale(p, 0.3f, n);
        scalar->scale(q, 0.3f, n);
        CHECK(memcmp(p, q, n * sizeof *p) == 0);
        for (act = 0; act < 5; act++) {
            for (i = 0; i < n; i++)
                p[i] = q[i] = x[i] * (round % 4 == 0 ? 40.0f : 2.0f);
            set->act[act](p, n);
            scalar->act[act](q, n);
            close_to("act", p, q, n, 2e-6f, 1e-6f);
        }
        for (i = 0; i < n; i++)
            p[i] = q[i] = y[i] * (round % 4 == 0 ? 40.0f : 4.0f);
        for (i = 0; i < n; i++)
            x[i] *= round % 4 == 1 ? 40.0f : 4.0f;
        set->swiglu_oai(p, x, n);
        scalar->swiglu_oai(q, x, n);
        close_to("swiglu_oai", p, q, n, 2e-6f, 1e-6f);
        for (i = 0; i < n; i++)
            p[i] = q[i] = y[i] * (round % 3 == 0 ? 1e-3f : round % 3 == 1 ? 3.0f : 300.0f);
        set->softcap(p, n, 5.0f);
        scalar->softcap(q, n, 5.0f);
        close_to("softcap", p, q, n, 1e-6f, 0);
        CHECK(set->max(x, n) == scalar->max(x, n));
        free(x);
        free(y);
        free(p);
        free(q);
    }
}

static void softmax(void)
{
    int round;
    for (round = 0; round < 40; round++) {
        size_t n = 1 + below(100), i;
        float *x = floats(n), *p, *q, most, a, b;
        for (i = 0; i < n; i++)
            x[i] *= 30;
        if (n > 3)
            x[below((uint32_t)n)] = -llmc__bits_f32(0x7f800000u);
        most = scalar->max(x, n);
        CHECK(set->max(x, n) == most);
        p = copy(x, n);
        q = copy(x, n);
        a = set->exp_sum(p, n, most);
        b = scalar->exp_sum(q, n, most);
        CHECKF(magnitude(a - b) <= 1e-5f * b, "%s: sums %g and %g", set->name, (double)a, (double)b);
        close_to("exp", p, q, n, 1e-6f, 1e-37f);
        for (i = 0; i < n; i++)
            if (x[i] < -llmc__bits_f32(0x7f7fffffu))
                CHECK(p[i] == 0);
        free(x);
        free(p);
        free(q);
    }
}

static void ropes(void)
{
    int round;
    for (round = 0; round < 60; round++) {
        size_t dims = 2 * (1 + below(70)), i;
        float *c = floats(dims / 2), *s = floats(dims / 2), *p = floats(dims), *q = copy(p, dims);
        int kind = round % 2;
        for (i = 0; i < dims / 2; i++)
            llmc__sincos((double)(c[i] * 10), &s[i], &c[i]);
        set->rope[kind](p, c, s, dims);
        scalar->rope[kind](q, c, s, dims);
        close_to(kind == 0 ? "rope adjacent" : "rope half", p, q, dims, 1e-6f, 1e-6f);
        free(c);
        free(s);
        free(p);
        free(q);
    }
}

static void cache(void)
{
    int round;
    for (round = 0; round < 120; round++) {
        llmc_dtype type = round % 2 ? LLMC_F16 : LLMC_F32;
        size_t n = 1 + below(150), rows = 1 + below(20), bytes = type == LLMC_F16 ? 2 : 4, j, cut;
        size_t row_bytes = n * bytes;
        uint8_t *a = (uint8_t *)malloc(rows * row_bytes);
        float *q = floats(n), *p = floats(rows), *x, *y, *z;
        for (j = 0; j < rows; j++) {
            x = floats(n);
            x[0] *= 1e-6f; /* f16 subnormals */
            scalar->value_store[type](a, (uint32_t)j, x, n);
            free(x);
        }
        x = floats(rows);
        y = floats(rows);
        set->kv_dot[type](x, q, a, row_bytes, rows, n, 0.125f);
        scalar->kv_dot[type](y, q, a, row_bytes, rows, n, 0.125f);
        close_to("kv_dot", x, y, rows, 1e-5f, 1e-5f);
        free(x);
        free(y);
        x = floats(n);
        y = copy(x, n);
        z = copy(x, n);
        set->kv_mix[type](x, p, a, row_bytes, rows, n);
        scalar->kv_mix[type](y, p, a, row_bytes, rows, n);
        close_to("kv_mix", x, y, n, 1e-5f, 1e-5f);
        cut = below((uint32_t)rows);
        set->kv_mix[type](z, p, a, row_bytes, cut, n);
        set->kv_mix[type](z, p + cut, a + cut * row_bytes, row_bytes, rows - cut, n);
        CHECKF(memcmp(x, z, n * sizeof *x) == 0, "%s: kv_mix depends on the cut", set->name);
        free(a);
        free(q);
        free(p);
        free(x);
        free(y);
        free(z);
    }
}

/* Every set stores the same bits, in the page and nowhere else. (What they mean: test_attn.) */
static void cache_stores(void)
{
    int round;
    for (round = 0; round < 200; round++) {
        llmc_dtype type = (llmc_dtype)(LLMC_F32 + round % 5);
        size_t n = type == LLMC_Q4_0 ? 2 * (1 + below(75)) : 1 + below(150), i;
        bool key = round / 5 % 2 == 0;
        size_t bytes = (size_t)(key ? llmc__key_bytes(type, n) : llmc__value_bytes(type, n)) + 64;
        uint8_t *a = (uint8_t *)malloc(bytes), *b = (uint8_t *)malloc(bytes);
        memset(a, 0x5a, bytes);
        memset(b, 0x5a, bytes);
        for (i = 0; i < 20; i++) {
            uint32_t slot = below(LLMC__PAGE_TOKENS);
            float *x = floats(n), odd[] = {0, 1e-45f, 1e-20f, 3e38f, -3e38f, 65519, -65520};
            x[0] *= 1e-6f;
            if (below(3) == 0)
                x[below((uint32_t)n)] = below(3) == 0 ? llmc__bits_f32(0x7f800000u) : odd[below(7)];
            if (below(5) == 0)
                memset(x, 0, n * sizeof *x);
            (key ? set->key_store : set->value_store)[type](a, slot, x, n);
            (key ? scalar->key_store : scalar->value_store)[type](b, slot, x, n);
            free(x);
        }
        CHECKF(memcmp(a, b, bytes) == 0, "%s: %s of %zu in %s differ", set->name, key ? "keys" : "values", n,
               llmc_dtype_name(type));
        for (i = bytes - 64; i < bytes; i++)
            CHECK(a[i] == 0x5a);
        free(a);
        free(b);
    }
}

static void all_finite(void)
{
    int round;
    for (round = 0; round < 60; round++) {
        size_t n = 1 + below(40);
        float *x = floats(n);
        CHECK(set->finite(x, n));
        x[below((uint32_t)n)] = llmc__bits_f32(below(2) ? 0x7f800000u : 0xffc00000u);
        CHECK(!set->finite(x, n));
        free(x);
    }
}

/* NaN comes out where NaN went in; nothing crashes on infinity. */
static void not_finite(void)
{
    float x[20];
    int act, i;
    for (act = 0; act < 5; act++) {
        for (i = 0; i < 20; i++)
            x[i] = llmc__bits_f32(i % 3 == 0 ? 0x7fc00000u : i % 3 == 1 ? 0x7f800000u : 0x3f800000u);
        set->act[act](x, 20);
        for (i = 0; i < 20; i += 3)
            CHECKF(x[i] != x[i], "%s: act %d of NaN is %g", set->name, act, (double)x[i]);
        CHECK(x[2] > 0.5f && x[2] <= 1);
    }
}

/* gpt-oss's gate and the soft bound, against double arithmetic; NaN passes, infinity is bounded. */
static void bounded(void)
{
    static const float gate[] = {0, 1, -1, 7, 7.5f, -20, 3, 2}, up[] = {1, 2, -9, 0, 8, 3, -7, 0.5f};
    float x[8];
    int i;
    memcpy(x, up, sizeof x);
    set->swiglu_oai(x, gate, 8);
    for (i = 0; i < 8; i++) {
        double g = gate[i] > 7 ? 7 : (double)gate[i], u = up[i] > 7 ? 7 : up[i] < -7 ? -7 : (double)up[i];
        double want = g / (1 + llmc__exp(-1.702 * g)) * (u + 1);
        CHECKF(magnitude(x[i] - (float)want) <= 1e-6f * magnitude((float)want) + 1e-12f,
               "%s: swiglu_oai(%g, %g) is %g", set->name, (double)gate[i], (double)up[i], (double)x[i]);
    }
    for (i = 0; i < 8; i++)
        x[i] = llmc__bits_f32(i % 3 == 0 ? 0x7fc00000u : i % 3 == 1 ? 0x7f800000u : 0xff800000u);
    set->softcap(x, 8, 30);
    for (i = 0; i < 8; i++)
        CHECK(i % 3 == 0 ? x[i] != x[i] : x[i] == (i % 3 == 1 ? 30.0f : -30.0f));
    for (i = 0; i < 8; i++)
        x[i] = llmc__bits_f32(i % 3 == 0 ? 0x7fc00000u : i % 3 == 1 ? 0x7f800000u : 0xff800000u);
    set->swiglu_oai(x, gate, 8);
    for (i = 0; i < 8; i++)
        CHECK(i % 3 == 0 ? x[i] != x[i] : llmc__finite(x[i]));
}

/* What sampling is made of has the same bits in every set, at any length; a NaN anywhere is seen. */
static void sampling_same(void)
{
    int round;
    for (round = 0; round < 200; round++) {
        size_t n = 1 + below(round % 2 ? 40 : 2500), lanes = llmc__lanes(n), i;
        float *x = floats(n), *lane = floats(lanes), *want = floats(lanes), most = 0, top = 0;
        float *w = floats(n), *v = floats(n), *w0 = floats(n), *v0 = floats(n), spread = (float)below(60);
        float inf = llmc__bits_f32(0x7f800000u), t = round % 3 ? 1 / (0.1f + llmc_rng_uniform(&rng)) : 1;
        for (i = 0; i < n; i++)
            x[i] = below(30) == 0 ? -inf : x[i] * spread - (round % 4 == 0 ? 1e3f : 0);
        x[below((uint32_t)n)] = round % 5 == 0 ? inf : 1;
        CHECK(set->top(x, n, lane, &top) && scalar->top(x, n, want, &most) && top <= most && top >= most);
        for (i = 0; i < lanes; i++)
            CHECKF(lane[i] >= want[i] && lane[i] <= want[i], "%s: lane %d of %d", set->name, (int)i,
                   (int)lanes);
        scalar->weigh(w0, v0, x, n, top, t, want);
        set->weigh(w, v, x, n, top, t, lane);
        CHECK(memcmp(w, w0, n * sizeof *w) == 0 && memcmp(v, v0, n * sizeof *v) == 0);
        CHECK(memcmp(lane, want, lanes * sizeof *lane) == 0);
        memset(lane, 1, lanes * sizeof *lane);
        set->weigh(NULL, NULL, x, n, top, t, lane);
        CHECK(memcmp(lane, want, lanes * sizeof *lane) == 0);
        for (i = 0; i < n; i++) {
            double e = v0[i] < -87 ? 0 : llmc__exp((double)v0[i]), off = (double)w0[i] - e;
            CHECKF(off <= 2.4e-7 * e && off >= -2.4e-7 * e, "e^%g is %g", (double)v0[i], (double)w0[i]);
        }
        x[below((uint32_t)n)] = llmc__bits_f32(round % 2 ? 0x7fc00000u : 0xff800001u);
        CHECKF(!set->top(x, n, lane, &top), "%s: NaN among %d not seen", set->name, (int)n);
        free(x);
        free(lane);
        free(want);
        free(w);
        free(v);
        free(w0);
        free(v0);
    }
}

static void names(void)
{
    llmc_cpu cpu = {0}, other;
    CHECK(strcmp(llmc_cpu_name(cpu), llmc__kernels_for(cpu)->name) == 0);
    CHECK(llmc_cpu_named("auto", &other) && other.features == llmc_cpu_detect().features);
    CHECK(llmc_cpu_named("scalar", &other) && strcmp(llmc_cpu_name(other), "scalar") == 0);
    CHECK(llmc__kernels_for(other) == scalar);
    cpu = other;
    CHECK(!llmc_cpu_named("", &other) && !llmc_cpu_named("AVX2", &other) && !llmc_cpu_named("avx", &other));
    CHECK(!llmc_cpu_named("avx22", &other) && other.features == cpu.features);
    CHECK((llmc_cpu_detect().features & LLMC_CPU_SCALAR) != 0);
}

int main(void)
{
    static const char *const sets[] = {"scalar", "avx2",     "avx-vnni", "avx512",
                                       "neon",   "neon-dot", "neon-i8mm"};
    llmc_cpu cpu;
    int i, round;
    rng = llmc_rng_seed(test_seed(20250101));
    (void)llmc_cpu_named("scalar", &cpu);
    scalar = llmc__kernels_for(cpu);
    RUN(names);
    for (i = 0; i < 7; i++) {
        if (llmc_os_cpu(sets[i], &cpu, NULL) != LLMC_OK) {
            printf("  no %s kernels here\n", sets[i]);
            continue;
        }
        set = llmc__kernels_for(cpu);
        first = first == NULL && set != scalar ? set : first;
        for (round = 0; round < 1; round++) {
            RUN(matmul_right);
            RUN(matmul_cut);
            RUN(matmul_blocks);
            RUN(matmul_apart);
            if (set != scalar)
                RUN(matmul_same);
            RUN(dequantize_right);
            RUN(quantize_x_same);
            RUN(norms);
            RUN(maps);
            RUN(softmax);
            RUN(bounded);
            RUN(ropes);
            RUN(cache);
            RUN(cache_stores);
            RUN(all_finite);
            RUN(not_finite);
            RUN(sampling_same);
        }
    }
    return test_end("test_kernel");
}
