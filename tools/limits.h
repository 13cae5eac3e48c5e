/* limits.h -- what this machine can do at most: bytes read and products made, per second

   Decode reads every weight once per token, prefill is multiplication: so a speed is worth what
   part of these it is. They are measured beside it, by the same threads, because on a shared machine they
   change from second to second. Arithmetic is the best instruction of the chosen kernels' set, on registers
   alone. Included after tool.h. */
#ifndef LIMITS_H
#define LIMITS_H

static inline void limits_run(const llmc_tasks *tasks, uint32_t n, llmc_task_fn fn, void *arg)
{
    uint32_t i;
    if (tasks->run != NULL)
        tasks->run(tasks->user, n, fn, arg);
    else
        for (i = 0; i < n; i++)
            fn(arg, i);
}

#if (defined(__GNUC__) || defined(__clang__)) && !defined(__TINYC__)
#define LIMITS_GNU 1
#else
#define LIMITS_GNU 0
#endif
#if LIMITS_GNU && (defined(__x86_64__) || defined(__i386__)) && !defined(_MSC_VER) && \
    !defined(LLMC_SIMDE) && !defined(LLMC_NO_SIMD)
#define LIMITS_X86 1
#else
#define LIMITS_X86 0
#endif
#if LIMITS_GNU && defined(__aarch64__) && !defined(LLMC_NO_SIMD)
#define LIMITS_ARM 1
#ifdef __linux__
#include <sys/auxv.h>
#endif
#else
#define LIMITS_ARM 0
#endif

/* ---- memory read bandwidth ----------------------------------------------------------- */

#define LIMITS_BYTES ((size_t)512 << 20) /* to read: more than caches hold */
#define LIMITS_PIECE ((size_t)1 << 20)

typedef struct limits_reader {
    const uint8_t *data;
    uint64_t *sums; /* one for each piece, so that nothing is optimised away */
    bool wide;
} limits_reader;

static inline uint64_t limits_read_words(const uint8_t *data, size_t n)
{
    const uint64_t *a = (const uint64_t *)(const void *)data, *end = a + n / 8;
    uint64_t s = 0, t = 0, u = 0, v = 0;
    for (; a != end; a += 8) {
        s += a[0] + a[4];
        t += a[1] + a[5];
        u += a[2] + a[6];
        v += a[3] + a[7];
    }
    return s + t + u + v;
}

#if LIMITS_X86
typedef uint64_t limits_lanes __attribute__((vector_size(32), may_alias));

/* Four streams a quarter of the piece apart, so that more lines are on their way at once. */
__attribute__((target("avx2"))) static inline uint64_t limits_read_lanes(const uint8_t *data, size_t n)
{
    const limits_lanes *a = (const limits_lanes *)(const void *)data;
    const limits_lanes *b = a + n / 128, *c = b + n / 128, *d = c + n / 128, *end = b;
    limits_lanes s = {0}, t = {0}, u = {0}, v = {0};
    for (; a != end; a += 2, b += 2, c += 2, d += 2) {
        s += a[0] + a[1];
        t += b[0] + b[1];
        u += c[0] + c[1];
        v += d[0] + d[1];
    }
    s += t + u + v;
    return s[0] + s[1] + s[2] + s[3];
}
#endif

static inline void limits_read_piece(void *arg, uint32_t index)
{
    limits_reader *r = (limits_reader *)arg;
    const uint8_t *at = r->data + (size_t)index * LIMITS_PIECE;
#if LIMITS_X86
    if (r->wide) {
        r->sums[index] = limits_read_lanes(at, LIMITS_PIECE);
        return;
    }
#endif
    r->sums[index] = limits_read_words(at, LIMITS_PIECE);
}

static inline void limits_fill_piece(void *arg, uint32_t index)
{
    limits_reader *r = (limits_reader *)arg;
    memset((uint8_t *)(uintptr_t)(r->data + (size_t)index * LIMITS_PIECE), (int)(index & 255), LIMITS_PIECE);
}

/* What these threads read from a buffer no cache can hold: looked at before each measurement. */
typedef struct yardstick {
    limits_reader r;
    void *memory;
    size_t bytes;
    double *gbps; /* [most] */
    size_t n, most;
    const llmc_tasks *tasks;
} yardstick;

/* For a model that caches hold anyway (weights bytes) a smaller buffer will do. */
static inline void yardstick_open(yardstick *y, const llmc_tasks *tasks, size_t most, double weights)
{
    memset(y, 0, sizeof *y);
    y->bytes = weights < 16e6 ? LIMITS_BYTES / 4 : LIMITS_BYTES;
    while (llmc_os_memory(&y->memory, y->bytes, NULL) != LLMC_OK)
        if ((y->bytes /= 2) < 8 * LIMITS_PIECE)
            tool_die("no memory to measure the bandwidth with");
    y->tasks = tasks;
    y->gbps = (double *)tool_alloc(most, sizeof *y->gbps);
    y->most = most;
    y->r.data = (const uint8_t *)y->memory;
    y->r.sums = (uint64_t *)tool_alloc(LIMITS_BYTES / LIMITS_PIECE, sizeof *y->r.sums);
    limits_run(tasks, (uint32_t)(y->bytes / LIMITS_PIECE), limits_fill_piece, &y->r);
}

/* One look: the best of four passes, two with each of the loops. */
static inline void yardstick_look(yardstick *y)
{
    double best = 0;
    int pass;
    for (pass = 0; pass < 4; pass++) {
        double start = tool_seconds(), gbps;
        y->r.wide = pass % 2 == 0 && (llmc_cpu_detect().features & LLMC_CPU_AVX2) != 0;
        limits_run(y->tasks, (uint32_t)(y->bytes / LIMITS_PIECE), limits_read_piece, &y->r);
        gbps = (double)y->bytes * 1e-9 / (tool_seconds() - start);
        best = gbps > best ? gbps : best;
    }
    if (y->n < y->most)
        y->gbps[y->n++] = best;
}

/* The median of all looks. */
static inline double yardstick_close(yardstick *y)
{
    double median = y->n > 0 ? tool_median(y->gbps, y->n) : 0;
    llmc_os_release(y->memory, y->bytes);
    free(y->gbps);
    free(y->r.sums);
    return median;
}

/* ---- arithmetic ------------------------------------------------------------------------ */

/* Makes rounds * LIMITS_STEPS independent steps of one instruction, or of the few that make a product
   where there is no such instruction. */
typedef void (*limits_loop)(uint32_t rounds);

#define LIMITS_STEPS 12 /* sums at once: more than latency times how many start in a cycle */

#if LIMITS_X86
/* Before each step the operands pass through an empty asm, so that no part of it can move out of the loop, nor
   serve two steps. */
#define LIMITS_STEP(reg, step, s)                  \
    __asm__ volatile("" : "+" reg(a), "+" reg(b)); \
    s = step(s, a, b);
#define LIMITS_LOOP(name, isa, type, zero, reg, step)                                       \
    __attribute__((target(isa), noinline)) static void name(uint32_t rounds)                \
    {                                                                                       \
        type a = zero, b = zero, s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero;     \
        type s5 = zero, s6 = zero, s7 = zero, s8 = zero, s9 = zero, s10 = zero, s11 = zero; \
        for (; rounds > 0; rounds--) {                                                      \
            LIMITS_STEP(reg, step, s0)                                                      \
            LIMITS_STEP(reg, step, s1)                                                      \
            LIMITS_STEP(reg, step, s2)                                                      \
            LIMITS_STEP(reg, step, s3)                                                      \
            LIMITS_STEP(reg, step, s4)                                                      \
            LIMITS_STEP(reg, step, s5)                                                      \
            LIMITS_STEP(reg, step, s6)                                                      \
            LIMITS_STEP(reg, step, s7)                                                      \
            LIMITS_STEP(reg, step, s8)                                                      \
            LIMITS_STEP(reg, step, s9)                                                      \
            LIMITS_STEP(reg, step, s10)                                                     \
            LIMITS_STEP(reg, step, s11)                                                     \
        }                                                                                   \
        __asm__ volatile("" ::reg(s0), reg(s1), reg(s2), reg(s3), reg(s4), reg(s5));        \
        __asm__ volatile("" ::reg(s6), reg(s7), reg(s8), reg(s9), reg(s10), reg(s11));      \
    }

#define LIMITS_FMA8(s, a, b)   _mm256_fmadd_ps(a, b, s)
#define LIMITS_FMA16(s, a, b)  _mm512_fmadd_ps(a, b, s)
#define LIMITS_DOT512(s, a, b) _mm512_dpbusd_epi32(s, a, b)
#define LIMITS_DOT256(s, a, b) \
    _mm256_add_epi32(s, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), _mm256_set1_epi16(1)))

LIMITS_LOOP(limits_fma8, "avx2,fma", __m256, _mm256_setzero_ps(), "x", LIMITS_FMA8)
LIMITS_LOOP(limits_dot256, "avx2", __m256i, _mm256_setzero_si256(), "x", LIMITS_DOT256)
#if LLMC__AVXVNNI
#define LIMITS_DOTVEX(s, a, b) _mm256_dpbusd_avx_epi32(s, a, b)
LIMITS_LOOP(limits_dotvex, "avx2,avxvnni", __m256i, _mm256_setzero_si256(), "x", LIMITS_DOTVEX)
#endif
LIMITS_LOOP(limits_fma16, "avx512f", __m512, _mm512_setzero_ps(), "v", LIMITS_FMA16)
LIMITS_LOOP(limits_dot512, "avx512f,avx512vnni", __m512i, _mm512_setzero_si512(), "v", LIMITS_DOT512)

/* One instruction by hand: the intrinsic's operand types differ between compilers. */
__attribute__((target("avx512f,avx512bf16"), noinline)) static void limits_bf16(uint32_t rounds)
{
    __m512 a = _mm512_setzero_ps(), b = a, s[LIMITS_STEPS];
    int i;
    for (i = 0; i < LIMITS_STEPS; i++)
        s[i] = a;
    for (; rounds > 0; rounds--)
        __asm__ volatile("vdpbf16ps %12, %13, %0\n\tvdpbf16ps %12, %13, %1\n\tvdpbf16ps %12, %13, %2\n\t"
                         "vdpbf16ps %12, %13, %3\n\tvdpbf16ps %12, %13, %4\n\tvdpbf16ps %12, %13, %5\n\t"
                         "vdpbf16ps %12, %13, %6\n\tvdpbf16ps %12, %13, %7\n\tvdpbf16ps %12, %13, %8\n\t"
                         "vdpbf16ps %12, %13, %9\n\tvdpbf16ps %12, %13, %10\n\tvdpbf16ps %12, %13, %11"
                         : "+v"(s[0]), "+v"(s[1]), "+v"(s[2]), "+v"(s[3]), "+v"(s[4]), "+v"(s[5]), "+v"(s[6]),
                           "+v"(s[7]), "+v"(s[8]), "+v"(s[9]), "+v"(s[10]), "+v"(s[11])
                         : "v"(a), "v"(b));
}
#elif LIMITS_ARM
/* 16 multiply-adds of bytes (the instruction's bytes: assemblers want an option for its name), 4 of f32. */
#define LIMITS_ARM_LOOP(name, step)                                                                         \
    __attribute__((noinline)) static void name(uint32_t rounds)                                             \
    {                                                                                                       \
        for (; rounds > 0; rounds--)                                                                        \
            __asm__ volatile(step(0) step(1) step(2) step(3) step(4) step(5) step(6) step(7) step(16)       \
                                 step(17) step(18) step(19)::                                               \
                                     : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", \
                                       "v19");                                                              \
    }
#define LIMITS_SDOT(r) ".inst 0x4e809400 + " #r " + (30 << 5) + (31 << 16)\n\t"
#define LIMITS_MULL(r) "smull v20.8h, v30.8b, v31.8b\n\tsadalp v" #r ".4s, v20.8h\n\t"
#define LIMITS_FMLA(r) "fmla v" #r ".4s, v30.4s, v31.4s\n\t"
LIMITS_ARM_LOOP(limits_sdot, LIMITS_SDOT)
LIMITS_ARM_LOOP(limits_mull, LIMITS_MULL)
LIMITS_ARM_LOOP(limits_fmla, LIMITS_FMLA)
#endif

static volatile float limits_sink_f; /* results go somewhere, so that they are made */
static volatile int32_t limits_sink_i;

/* What plain C makes of it: eight sums. */
static inline void limits_plain_f32(uint32_t rounds)
{
    volatile float in = 1.0f;
    float a = in, b = in, s[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    uint32_t i;
    for (; rounds > 0; rounds--, a = -a)
        for (i = 0; i < 8; i++)
            s[i] += a * b;
    limits_sink_f = s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7];
}

static inline void limits_plain_i8(uint32_t rounds)
{
    volatile int8_t in = 3;
    int32_t a = in, b = in, s[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    uint32_t i;
    for (; rounds > 0; rounds--, a = -a)
        for (i = 0; i < 8; i++)
            s[i] += a * b;
    limits_sink_i = s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7];
}

/* A peak: how it is measured, and what came out. ops 0: this set has no such product. */
typedef struct limits_peak {
    const char *how;
    limits_loop loop;
    double ops;  /* additions and multiplications in a round */
    double rate; /* of them a second, all threads; 0: not measured */
} limits_peak;

typedef struct limits {
    double read_gbps;
    limits_peak i8, f32, bf16;
} limits;

static inline limits_peak limits_of(const char *how, limits_loop loop, double ops)
{
    limits_peak p;
    p.how = how;
    p.loop = loop;
    p.ops = ops;
    p.rate = 0;
    return p;
}

/* The best instructions of the set that cpu selects. */
static inline limits limits_choose(llmc_cpu cpu)
{
    limits l;
    const char *isa = llmc_cpu_name(cpu);
    memset(&l, 0, sizeof l);
    l.i8 = limits_of("plain C", limits_plain_i8, 16);
    l.f32 = limits_of("plain C", limits_plain_f32, 16);
    (void)isa;
#if LIMITS_X86
    if (strcmp(isa, "avx2") == 0) {
        l.i8 = limits_of("vpmaddubsw 256", limits_dot256, LIMITS_STEPS * 64);
        l.f32 = limits_of("fma 256", limits_fma8, LIMITS_STEPS * 16);
#if LLMC__AVXVNNI
    } else if (strcmp(isa, "avx-vnni") == 0) {
        l.i8 = limits_of("vpdpbusd 256", limits_dotvex, LIMITS_STEPS * 64);
        l.f32 = limits_of("fma 256", limits_fma8, LIMITS_STEPS * 16);
#endif
    } else if (strcmp(isa, "avx512") == 0) {
        l.i8 = limits_of("vpdpbusd 512", limits_dot512, LIMITS_STEPS * 128);
        l.f32 = limits_of("fma 512", limits_fma16, LIMITS_STEPS * 32);
        if ((llmc_cpu_detect().features & LLMC_CPU_BF16) != 0)
            l.bf16 = limits_of("vdpbf16ps 512", limits_bf16, LIMITS_STEPS * 64);
    }
#elif LIMITS_ARM
    if (strcmp(isa, "neon") == 0) {
        l.i8 = limits_of("smull, sadalp", limits_mull, LIMITS_STEPS * 16);
        l.f32 = limits_of("fmla", limits_fmla, LIMITS_STEPS * 8);
#ifdef __linux__
        if ((getauxval(AT_HWCAP) >> 20 & 1) != 0) /* HWCAP_ASIMDDP */
            l.i8 = limits_of("sdot", limits_sdot, LIMITS_STEPS * 32);
#endif
    }
#endif
    return l;
}

typedef struct limits_job {
    limits_loop loop;
    uint32_t rounds;
} limits_job;

static inline void limits_piece(void *arg, uint32_t index)
{
    const limits_job *job = (const limits_job *)arg;
    (void)index;
    job->loop(job->rounds);
}

/* The best of eight looks of about 4 ms: what the processor can, not what others left of it. */
static inline void limits_measure(limits_peak *p, const llmc_tasks *tasks)
{
    limits_job job;
    uint32_t pieces = tasks->workers > 0 ? tasks->workers * 4 : 4;
    double start, seconds;
    int look;
    if (p->loop == NULL)
        return;
    job.loop = p->loop;
    job.rounds = 1000;
    start = tool_seconds();
    for (; tool_seconds() - start < 1e-3 && job.rounds < 1u << 28; job.rounds *= 2) {
        start = tool_seconds();
        p->loop(job.rounds);
    }
    for (look = 0; look < 8; look++) {
        start = tool_seconds();
        limits_run(tasks, pieces, limits_piece, &job);
        seconds = tool_seconds() - start;
        if (seconds > 0 && p->ops * job.rounds * pieces / seconds > p->rate)
            p->rate = p->ops * job.rounds * pieces / seconds;
    }
}

#endif /* LIMITS_H */
