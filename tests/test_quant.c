/* test_quant.c -- storage types: the table, half precision bit by bit, and blocks as other
   tools write them.

   input and the want_ tables were made with numpy 1.24 from the definitions of the GGUF block
   types (Q8_0: d = max|x| / 127, q = x * (1 / d) rounded half away from zero; Q4_0: d = the
   element farthest from zero / -8, q = trunc(x * (1 / d) + 8.5) up to 15; d stored as f16), all in
   float32; want_x_ is the activations' format of this header (q = x * (127 / max|x|) rounded
   half to even, d = max|x| / 127 in float32). Blocks 3 and 4 are full of ties. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"

#include "test.h"

static const uint32_t input[6 * 32] = {
    0xbf4d4b61u, 0xbfa98498u, 0xbe7e5282u, 0x3ed74499u, 0x3f9169f9u, 0x3de0adc0u, 0xbf0d7a4bu, 0xbf48e75eu,
    0x3f3fadceu, 0x3fd14092u, 0x3e8ba859u, 0xbf9dddb7u, 0xbf7550deu, 0x3fcccd6du, 0x3e4fc06au, 0xbfddb698u,
    0xbdab68e9u, 0xbf94e497u, 0xbf211906u, 0xbef9dbe6u, 0xbf369bb5u, 0x3f0daa36u, 0xbd813338u, 0xbf16e4f8u,
    0x3ed1bc0du, 0x3f547166u, 0xbfd24e97u, 0xbe837222u, 0xbf7b1242u, 0xbe314f9au, 0xbfa50bacu, 0x3ca97ee7u,
    0xb81ee781u, 0xb99f8f85u, 0xba895a94u, 0xb9cfb7c4u, 0xba8f0aecu, 0xbab1a142u, 0x396bb476u, 0xba91679bu,
    0x3a99649fu, 0x3a3bd962u, 0xbb02edcdu, 0x398eac85u, 0xba90677au, 0x380aa6ebu, 0x3837017fu, 0xbb025051u,
    0xb974c2e2u, 0xb9861b8fu, 0x3a7c2ec3u, 0xba9adac7u, 0x3a417927u, 0xba900b68u, 0xb9adb11cu, 0xba5c5333u,
    0x3abde35bu, 0x3a14f423u, 0x3b1f5db4u, 0x3a284647u, 0x3a5d8281u, 0x3a5c6146u, 0xba1f0503u, 0xb892dc3cu,
    0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u,
    0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u,
    0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u,
    0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u,
    0x42fe0000u, 0x3f000000u, 0x3fc00000u, 0x40200000u, 0xbf000000u, 0xbfc00000u, 0xc0200000u, 0x42fd0000u,
    0xc2fd0000u, 0xc2fe0000u, 0xc1280000u, 0xc1180000u, 0xc1080000u, 0xc0f00000u, 0xc0d00000u, 0xc0b00000u,
    0xc0900000u, 0xc0600000u, 0xc0200000u, 0xbfc00000u, 0xbf000000u, 0x3f000000u, 0x3fc00000u, 0x40200000u,
    0x40600000u, 0x40900000u, 0x40b00000u, 0x40d00000u, 0x40f00000u, 0x41080000u, 0x41180000u, 0x41280000u,
    0xc1000000u, 0x3f000000u, 0xbf000000u, 0x3fc00000u, 0xbfc00000u, 0x40e00000u, 0x40f00000u, 0x40d00000u,
    0x41000000u, 0xc0f00000u, 0xc0300000u, 0xc0200000u, 0xc0100000u, 0xc0000000u, 0xbfe00000u, 0xbfc00000u,
    0xbfa00000u, 0xbf800000u, 0xbf400000u, 0xbf000000u, 0xbe800000u, 0x00000000u, 0x3e800000u, 0x3f000000u,
    0x3f400000u, 0x3f800000u, 0x3fa00000u, 0x3fc00000u, 0x3fe00000u, 0x40000000u, 0x40100000u, 0x40200000u,
    0x425cf16du, 0x411de213u, 0x42afccd7u, 0xc0a51757u, 0x404128cfu, 0x4241ea28u, 0xc2043e36u, 0x430b4b3fu,
    0xc1caa412u, 0x41b1e459u, 0xc2455ae7u, 0xc275c525u, 0xbeb122f0u, 0xbfbe8ea0u, 0xc1e36781u, 0xc2df323bu,
    0xc2306ce5u, 0xc2949188u, 0xc1a306acu, 0x410f8f3bu, 0x4122a239u, 0x42044617u, 0x42bbff64u, 0xc38d76cau,
    0x3fd95245u, 0xc158e84bu, 0x4025036du, 0xc19ade73u, 0x43336cd2u, 0x41b7b1f2u, 0xc224db5eu, 0xbf33718bu,
};
static const uint8_t want_q8_0[6 * 34] = {
    0xfc, 0x22, 0xc5, 0x9f, 0xee, 0x1f, 0x53, 0x08, 0xd7, 0xc6, 0x37, 0x78, 0x14, 0xa6, 0xba, 0x75, 0x0f,
    0x81, 0xfa, 0xab, 0xd2, 0xdc, 0xcc, 0x29, 0xfb, 0xd5, 0x1e, 0x3d, 0x88, 0xed, 0xb8, 0xf3, 0xa1, 0x02,
    0x41, 0x01, 0xfe, 0xf0, 0xc9, 0xeb, 0xc7, 0xb9, 0x0c, 0xc6, 0x3d, 0x25, 0x98, 0x0e, 0xc6, 0x02, 0x02,
    0x98, 0xf4, 0xf3, 0x32, 0xc2, 0x27, 0xc7, 0xef, 0xd4, 0x4c, 0x1e, 0x7f, 0x22, 0x2c, 0x2c, 0xe0, 0xfc,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x3c, 0x7f, 0x01, 0x02, 0x03, 0xff, 0xfe, 0xfd, 0x7f, 0x81, 0x81, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9,
    0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b,
    0x08, 0x2c, 0x81, 0x08, 0xf8, 0x18, 0xe8, 0x6f, 0x77, 0x67, 0x7f, 0x89, 0xd4, 0xd8, 0xdc, 0xe0, 0xe4,
    0xe8, 0xec, 0xf0, 0xf4, 0xf8, 0xfc, 0x00, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x28,
    0x75, 0x40, 0x19, 0x04, 0x27, 0xfe, 0x01, 0x16, 0xf1, 0x3f, 0xf5, 0x0a, 0xea, 0xe4, 0x00, 0xff, 0xf3,
    0xce, 0xec, 0xdf, 0xf7, 0x04, 0x05, 0x0f, 0x2a, 0x81, 0x01, 0xfa, 0x01, 0xf7, 0x51, 0x0a, 0xed, 0x00,
};
static const uint8_t want_q4_0[6 * 18] = {
    0xee, 0x32, 0x84, 0x32, 0x57, 0x6a, 0x5d, 0xb9, 0x85, 0x54, 0xab, 0xcf, 0x09, 0x72, 0x34, 0x7f,
    0x29, 0x80, 0xfb, 0x8c, 0x98, 0x99, 0x5b, 0xc9, 0x6c, 0xcc, 0x97, 0xbc, 0x34, 0x66, 0x0f, 0x67,
    0x5c, 0x58, 0xa8, 0x8f, 0x00, 0x80, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88,
    0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0xf0, 0xcb, 0x80, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x80,
    0x8f, 0x8f, 0x89, 0x89, 0x89, 0x78, 0x78, 0x78, 0x00, 0x3c, 0x70, 0x79, 0x78, 0x8a, 0x87, 0x8f,
    0x8f, 0x9f, 0x9f, 0x91, 0x95, 0xa6, 0xa6, 0xa6, 0xa6, 0xb7, 0x6c, 0x50, 0x7a, 0x68, 0x7a, 0x88,
    0x88, 0x99, 0xb7, 0x0c, 0x87, 0x89, 0x87, 0x76, 0xd8, 0x98, 0x77, 0x85,
};
static const uint32_t want_x_d[6] = {
    0x3c5f7583u, 0x37a09ef2u, 0x00000000u, 0x3f800000u, 0x3d810204u, 0x400e93f2u,
};
static const int8_t want_x_q[6 * 32] = {
    -59, -97, -18,  31,   83,  8,   -41,  -58, 55,   120, 20,  -90,  -70, 117, 15,   -127, -6,  -85,
    -46, -36, -52,  41,   -5,  -43, 30,   61,  -120, -19, -72, -13,  -95, 2,   -2,   -16,  -55, -21,
    -57, -71, 12,   -58,  61,  37,  -104, 14,  -58,  2,   2,   -104, -12, -13, 50,   -62,  39,  -57,
    -17, -44, 76,   30,   127, 34,  44,   44,  -32,  -4,  0,   0,    0,   0,   0,    0,    0,   0,
    0,   0,   0,    0,    0,   0,   0,    0,   0,    0,   0,   0,    0,   0,   0,    0,    0,   0,
    0,   0,   0,    0,    0,   0,   127,  0,   2,    2,   0,   -2,   -2,  126, -126, -127, -10, -10,
    -8,  -8,  -6,   -6,   -4,  -4,  -2,   -2,  0,    0,   2,   2,    4,   4,   6,    6,    8,   8,
    10,  10,  -127, 8,    -8,  24,  -24,  111, 119,  103, 127, -119, -44, -40, -36,  -32,  -28, -24,
    -20, -16, -12,  -8,   -4,  0,   4,    8,   12,   16,  20,  24,   28,  32,  36,   40,   25,  4,
    39,  -2,  1,    22,   -15, 63,  -11,  10,  -22,  -28, 0,   -1,   -13, -50, -20,  -33,  -9,  4,
    5,   15,  42,   -127, 1,   -6,  1,    -9,  81,   10,  -19, 0,
};

static void blocks(void)
{
    float x[6 * 32], back[6 * 32];
    uint8_t out[6 * 34];
    llmc__x8 q;
    int i;
    for (i = 0; i < 6 * 32; i++)
        x[i] = llmc__bits_f32(input[i]);
    CHECK(llmc_quantize(LLMC_Q8_0, x, 192, out) == LLMC_OK);
    for (i = 0; i < 6 * 34; i++)
        CHECKF(out[i] == want_q8_0[i], "Q8_0 byte %d of block %d: %d, expected %d", i % 34, i / 34, out[i],
               want_q8_0[i]);
    CHECK(llmc_dequantize(LLMC_Q8_0, out, 192, back) == LLMC_OK);
    for (i = 0; i < 6 * 32; i++)
        CHECK(back[i] == llmc__f16_to_f32((uint16_t)(out[i / 32 * 34] | out[i / 32 * 34 + 1] << 8)) *
                             (float)(int8_t)out[i / 32 * 34 + 2 + i % 32]);
    CHECK(llmc_quantize(LLMC_Q4_0, x, 192, out) == LLMC_OK);
    for (i = 0; i < 6 * 18; i++)
        CHECKF(out[i] == want_q4_0[i], "Q4_0 byte %d of block %d: %d, expected %d", i % 18, i / 18, out[i],
               want_q4_0[i]);
    CHECK(llmc_dequantize(LLMC_Q4_0, out, 192, back) == LLMC_OK);
    for (i = 0; i < 6 * 32; i++) {
        const uint8_t *b = out + i / 32 * 18;
        int nibble = i % 32 < 16 ? b[2 + i % 32] & 15 : b[2 + i % 32 - 16] >> 4;
        CHECK(back[i] == llmc__f16_to_f32((uint16_t)(b[0] | b[1] << 8)) * (float)(nibble - 8));
    }
    llmc__scalar_quantize_x(x, 192, &q);
    for (i = 0; i < 6 * 32; i++)
        CHECKF(q.q[i] == want_x_q[i], "activation %d: %d, expected %d", i, q.q[i], want_x_q[i]);
    for (i = 0; i < 6; i++) {
        int k, sum[2] = {0, 0};
        for (k = 0; k < 32; k++)
            sum[k / 16] += want_x_q[32 * i + k];
        CHECK(llmc__f32_bits(q.d[i]) == want_x_d[i] && q.half[2 * i] == sum[0] &&
              q.half[2 * i + 1] == sum[1]);
    }
}

/* Every f16 is what the definition says, and comes back from float unchanged. */
static void half_all(void)
{
    uint32_t h;
    for (h = 0; h < 65536; h++) {
        uint32_t e = (h >> 10) & 31, f = h & 1023;
        float got = llmc__f16_to_f32((uint16_t)h);
        double want = (double)(e == 0 ? f : f + 1024);
        int k;
        if (e == 31 && f != 0) {
            CHECK(got != got && llmc__f16_to_f32(llmc__f32_to_f16(got)) != got);
            CHECK((llmc__f32_to_f16(got) & 0xfdffu) == (h & 0xfdffu)); /* payload, made quiet */
            continue;
        }
        for (k = (int)(e == 0 ? 1 : e) - 25; k < 0; k++)
            want *= 0.5;
        for (; k > 0; k--)
            want *= 2;
        if (h & 0x8000u)
            want = -want;
        if (e == 31)
            CHECK(h & 0x8000u ? got < -FLT_MAX : got > FLT_MAX);
        else
            CHECKF((double)got == want, "f16 %04x is %g, expected %g", h, (double)got, want);
        CHECKF(llmc__f32_to_f16(got) == h, "f16 %04x came back as %04x", h, llmc__f32_to_f16(got));
    }
}

/* Between neighbours the middle goes to the even one, and a float beside it to its own side. */
static void half_rounding(void)
{
    uint32_t h;
    for (h = 0; h < 0x7c00u; h++) {
        /* the neighbour above the largest would be 2^16 */
        float a = llmc__f16_to_f32((uint16_t)h),
              b = h == 0x7bffu ? 65536.0f : llmc__f16_to_f32((uint16_t)(h + 1));
        float middle = (a + b) * 0.5f;
        uint32_t m = llmc__f32_bits(middle), even = (h & 1) ? h + 1 : h, sign;
        for (sign = 0; sign <= 0x8000u; sign += 0x8000u) {
            uint32_t s = sign << 16;
            CHECKF(llmc__f32_to_f16(llmc__bits_f32(s | m)) == (sign | even), "tie above %04x", h);
            CHECKF(llmc__f32_to_f16(llmc__bits_f32(s | (m - 1))) == (sign | h), "below the tie above %04x",
                   h);
            CHECKF(llmc__f32_to_f16(llmc__bits_f32(s | (m + 1))) == (sign | (h + 1)),
                   "over the tie above %04x", h);
        }
    }
    CHECK(llmc__f32_to_f16(llmc__bits_f32(1)) == 0 && llmc__f32_to_f16(FLT_MAX) == 0x7c00u);
    CHECK(llmc__f32_to_f16(llmc__bits_f32(0x7f800001u)) == 0x7e00u);
}

static void bf16(void)
{
    uint32_t h;
    for (h = 0; h < 65536; h++) {
        float f = llmc__bf16_to_f32((uint16_t)h);
        uint32_t u = h << 16;
        CHECK(llmc__f32_bits(f) == u || f != f);
        if ((h & 0x7fffu) > 0x7f80u) {
            CHECK(llmc__f32_to_bf16(f) == (h | 0x40u));
            continue;
        }
        CHECK(llmc__f32_to_bf16(f) == h);
        if ((h & 0x7fffu) < 0x7f80u) {
            CHECK(llmc__f32_to_bf16(llmc__bits_f32(u + 0x8000u)) == (h & 1 ? h + 1 : h));
            CHECK(llmc__f32_to_bf16(llmc__bits_f32(u + 0x7fffu)) == h);
            CHECK(llmc__f32_to_bf16(llmc__bits_f32(u + 0x8001u)) == h + 1);
        }
    }
    CHECK(llmc__f32_to_bf16(llmc__bits_f32(0x7f800001u)) == 0x7fc0u);
}

/* Floats are stored little-endian whatever the machine. */
static void byte_order(void)
{
    static const float one[3] = {1.0f, -2.5f, 0.1f};
    static const uint8_t f32_bytes[12] = {0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0, 0xcd, 0xcc, 0xcc, 0x3d};
    static const uint8_t f16_bytes[6] = {0, 0x3c, 0, 0xc1, 0x66, 0x2e},
                         bf16_bytes[6] = {0x80, 0x3f, 0x20, 0xc0, 0xcd, 0x3d};
    uint8_t out[13];
    float back[3];
    CHECK(llmc_quantize(LLMC_F32, one, 3, out + 1) == LLMC_OK && memcmp(out + 1, f32_bytes, 12) == 0);
    CHECK(llmc_dequantize(LLMC_F32, out + 1, 3, back) == LLMC_OK && memcmp(back, one, 12) == 0);
    CHECK(llmc_quantize(LLMC_F16, one, 3, out) == LLMC_OK && memcmp(out, f16_bytes, 6) == 0);
    CHECK(llmc_dequantize(LLMC_F16, out, 3, back) == LLMC_OK && back[1] == -2.5f);
    CHECK(llmc_quantize(LLMC_BF16, one, 3, out) == LLMC_OK && memcmp(out, bf16_bytes, 6) == 0);
    CHECK(llmc_dequantize(LLMC_BF16, out, 3, back) == LLMC_OK && back[1] == -2.5f);
}

static void table(void)
{
    static const char *const name[] = {"none", "F32",  "F16",    "BF16",   "Q8_0",  "Q4_0", "I8",
                                       "Q4_1", "Q5_0", "Q5_1",   "Q2_K",   "Q3_K",  "Q4_K", "Q5_K",
                                       "Q6_K", "Q8_K", "IQ4_NL", "IQ4_XS", "MXFP4", "I8R",  "MXFP4S"};
    static const int32_t gguf[] = {-1, 0,  1,  30, 8,  2,  -1, 3,  6,  7, 10,
                                   11, 12, 13, 14, 15, 20, 23, 39, -1, -1};
    static const unsigned block[] = {0,   1,   1,   1,   32,  32, 1,   32, 32, 32, 256,
                                     256, 256, 256, 256, 256, 32, 256, 32, 1,  32};
    static const unsigned bytes[] = {0,   4,   2,   2,   34,  18, 1,   20, 22, 24, 84,
                                     110, 144, 176, 210, 292, 18, 136, 17, 1,  16};
    int i;
    CHECK(LLMC_DTYPE_COUNT == 21);
    for (i = 0; i < LLMC_DTYPE_COUNT; i++) {
        llmc_dtype type = (llmc_dtype)i;
        CHECK(strcmp(llmc_dtype_name(type), name[i]) == 0);
        CHECK(llmc_dtype_named(name[i]) == type); /* "none" is unknown: NONE */
        CHECK(llmc__dtype_to_gguf(type) == gguf[i]);
        if (gguf[i] >= 0)
            CHECK(llmc__dtype_from_gguf((uint32_t)gguf[i]) == type);
        CHECK(llmc_dtype_block(type) == block[i]);
        CHECK(llmc_dtype_bytes(type, 512) == (block[i] == 0 ? 0 : 512u / block[i] * bytes[i]));
    }
    CHECK(llmc_dtype_named("q8_0") == LLMC_Q8_0 && llmc_dtype_named("bF16") == LLMC_BF16);
    CHECK(llmc_dtype_named("F3") == LLMC_DTYPE_NONE && llmc_dtype_named("F322") == LLMC_DTYPE_NONE);
    CHECK(llmc_dtype_named("") == LLMC_DTYPE_NONE);
    CHECK(llmc__dtype_from_gguf(9) == LLMC_DTYPE_NONE && llmc__dtype_from_gguf(16) == LLMC_DTYPE_NONE &&
          llmc__dtype_from_gguf(UINT32_MAX) == LLMC_DTYPE_NONE);
    CHECK(llmc_dtype_bytes(LLMC_Q8_0, 33) == 0 && llmc_dtype_bytes(LLMC_F32, SIZE_MAX) == 0);
    CHECK(llmc_dtype_bytes(LLMC_F32, SIZE_MAX / 4) == SIZE_MAX / 4 * 4);
    CHECK(llmc_dtype_bytes(LLMC_Q8_0, SIZE_MAX / 32 * 32) == 0);
#ifndef __cplusplus /* where an enum may not even hold such a value */
    CHECK(llmc_dtype_bytes((llmc_dtype)99, 32) == 0 && llmc_dtype_bytes((llmc_dtype)-1, 32) == 0);
    CHECK(strcmp(llmc_dtype_name((llmc_dtype)99), "none") == 0);
#endif
}

/* The same bits as quant_reference.py's own reading of the formats; one NaN is as good as another. */
static void vectors(void)
{
    int type;
    for (type = 1; type < LLMC_DTYPE_COUNT; type++) {
        const uint32_t block = llmc_dtype_block((llmc_dtype)type);
        size_t size = 0, n, i, bytes;
        unsigned char *file;
        char path[128];
        float *x;
        if (block < 32 || !llmc__whole((llmc_dtype)type))
            continue;
        snprintf(path, sizeof path, "tests/vectors/quant_%s.bin", llmc_dtype_name((llmc_dtype)type));
        file = test_read(path, &size);
        if (!CHECKF(file != NULL && size >= 4, "%s cannot be read", path)) {
            free(file);
            continue;
        }
        n = (size_t)llmc__u32le(file) * block;
        bytes = llmc_dtype_bytes((llmc_dtype)type, n);
        if (CHECKF(size == 4 + bytes + 4 * n, "%s has %d bytes", path, (int)size)) {
            x = (float *)malloc(n * sizeof *x);
            CHECK(llmc_dequantize((llmc_dtype)type, file + 4, n, x) == LLMC_OK);
            for (i = 0; i < n; i++) {
                float want = llmc__f32le(file + 4 + bytes + 4 * i);
                CHECKF(llmc__f32_bits(x[i]) == llmc__f32_bits(want) || (x[i] != x[i] && want != want),
                       "%s element %d: %g, expected %g", path, (int)i, (double)x[i], (double)want);
            }
            free(x);
        }
        free(file);
    }
}

static void bad_arguments(void)
{
    float x[32] = {0};
    uint8_t out[128];
    CHECK(llmc_quantize(LLMC_Q8_0, x, 31, out) == LLMC_BAD_ARG);
    CHECK(llmc_dequantize(LLMC_Q4_0, out, 16, x) == LLMC_BAD_ARG);
    CHECK(llmc_quantize(LLMC_I8, x, 32, out) == LLMC_BAD_ARG &&
          llmc_dequantize(LLMC_I8, out, 0, x) == LLMC_BAD_ARG);
    CHECK(llmc_quantize(LLMC_DTYPE_NONE, x, 32, out) == LLMC_BAD_ARG);
    CHECK(llmc_quantize_weighted(LLMC_I8R, x, NULL, 32, out) == LLMC_BAD_ARG &&
          llmc_dequantize(LLMC_I8R, out, 0, x) == LLMC_BAD_ARG);
    CHECK(llmc_quantize(LLMC_MXFP4S, x, 32, out) == LLMC_BAD_ARG &&
          llmc_dequantize(LLMC_MXFP4S, out, 32, x) == LLMC_BAD_ARG);
    CHECK(llmc_quantize_weighted(LLMC_Q4_K, x, x, 32, out) == LLMC_BAD_ARG);
    CHECK(llmc_quantize_weighted(LLMC_F16, x, x, 32, out) == LLMC_OK);
    CHECK(llmc_quantize(LLMC_DTYPE_COUNT, x, 32, out) == LLMC_BAD_ARG);
    CHECK(llmc_quantize(LLMC_Q8_0, x, 0, out) == LLMC_OK);
}

/* NaN, infinity and the ends of the range: no undefined behaviour, something sensible. */
static void hard_input(void)
{
    static const uint32_t bits[] = {
        0x7fc00000u, 0x7f800000u, 0xff800000u, 0x00000001u, 0x7f7fffffu, 0xff7fffffu, 0};
    float x[32], back[32];
    uint8_t out[34];
    llmc__x8 q;
    int i, k;
    for (k = 0; k < 7; k++)
        for (i = 0; i < 32; i += 31) {
            int j;
            for (j = 0; j < 32; j++)
                x[j] = k == 3 ? 0 : (float)j;
            x[i] = llmc__bits_f32(bits[k]);
            CHECK(llmc_quantize(LLMC_Q8_0, x, 32, out) == LLMC_OK);
            for (j = 0; j < 32; j++)
                CHECK(out[2 + j] != 0x80);
            CHECK(llmc_quantize(LLMC_Q4_0, x, 32, out) == LLMC_OK);
            CHECK(llmc_dequantize(LLMC_Q4_0, out, 32, back) == LLMC_OK);
            llmc__scalar_quantize_x(x, 32, &q);
            CHECK(k < 3 ? q.d[0] != q.d[0] : llmc__finite(q.d[0]));
            for (j = 0; j < 32; j++)
                CHECK(q.q[j] != -128 && (k >= 3 || q.q[j] == 0));
        }
}

static float magnitude(float x)
{
    return x < 0 ? -x : x;
}

/* Types that are quantised to, and how far normal numbers may be off: root mean square of the error
   over that of the numbers. Measured with this very seed, plus 3 %; the same of ggml's own
   quantisers (see vectors/README.md) is above each but for Q8_0, Q4_0 and Q8_K, where it is equal. */
static const struct {
    llmc_dtype type;
    double most;
} quantised[] = {{LLMC_Q8_0, 0.0056},   {LLMC_Q4_0, 0.0885}, {LLMC_Q4_1, 0.0725}, {LLMC_Q5_0, 0.0416},
                 {LLMC_Q5_1, 0.0348},   {LLMC_Q2_K, 0.279},  {LLMC_Q3_K, 0.150},  {LLMC_Q4_K, 0.0731},
                 {LLMC_Q5_K, 0.0359},   {LLMC_Q6_K, 0.0171}, {LLMC_Q8_K, 0.0072}, {LLMC_IQ4_NL, 0.0760},
                 {LLMC_IQ4_XS, 0.0764}, {LLMC_MXFP4, 0.1154}};
enum { QUANTISED = sizeof quantised / sizeof *quantised };

/* sum of w (x - y)^2 and of w x^2; w NULL: ones */
static double error_of(const float *x, const float *y, const float *w, size_t n, double *size)
{
    double e = 0;
    size_t i;
    *size = 0;
    for (i = 0; i < n; i++) {
        double weight = w != NULL ? (double)w[i] : 1, off = (double)x[i] - (double)y[i];
        e += weight * off * off;
        *size += weight * (double)x[i] * (double)x[i];
    }
    return e;
}

static void search_error(void)
{
    enum { N = 256 * 64 };
    float *x = (float *)malloc(4 * N * sizeof *x), *y = x + N, *z = y + N, *w = z + N;
    uint8_t *out = (uint8_t *)malloc(4 * N);
    int k, heavy, i;
    for (heavy = 0; heavy < 2; heavy++)
        for (k = 0; k < QUANTISED; k++) {
            llmc_dtype type = quantised[k].type;
            llmc_rng rng = llmc_rng_seed(77);
            double size, e, unweighted;
            for (i = 0; i < N; i++) {
                float a = llmc_rng_normal(&rng), b = llmc_rng_normal(&rng);
                x[i] = 0.02f * a / (heavy ? 0.1f + (b < 0 ? -b : b) : 1);
                a = llmc_rng_normal(&rng);
                w[i] = a * a * a * a;
            }
            CHECK(llmc_quantize(type, x, N, out) == LLMC_OK && llmc_dequantize(type, out, N, y) == LLMC_OK);
            e = error_of(x, y, NULL, N, &size);
            CHECKF(heavy || e <= quantised[k].most * quantised[k].most * size, "%s: error %g",
                   llmc_dtype_name(type), (double)llmc__sqrtf((float)(e / size)));
            CHECK(llmc_quantize_weighted(type, x, NULL, N, out) == LLMC_OK);
            CHECK(llmc_dequantize(type, out, N, z) == LLMC_OK);
            CHECKF(error_of(x, z, NULL, N, &size) <= e * 1.00001, "%s: search makes it worse",
                   llmc_dtype_name(type));
            unweighted = error_of(x, z, w, N, &size);
            CHECK(llmc_quantize_weighted(type, x, w, N, out) == LLMC_OK);
            CHECK(llmc_dequantize(type, out, N, y) == LLMC_OK);
            CHECKF(error_of(x, y, w, N, &size) <= unweighted, "%s: weights make their own error larger",
                   llmc_dtype_name(type));
        }
    free(x);
    free(out);
}

/* What a type can hold exactly: zeros, and one value everywhere to its scale's precision. The size
   of numbers must not matter where an f16 scale allows it. */
static void search_simple(void)
{
    static const float values[] = {1, -1, 0.75f, -3e-3f, 1000, -6e4f};
    float x[256], y[256], w[256];
    uint8_t out[512];
    int k, i, v;
    for (k = 0; k < QUANTISED; k++) {
        llmc_dtype type = quantised[k].type;
        for (i = 0; i < 256; i++) {
            x[i] = 0;
            w[i] = i % 3 == 0 ? 0 : 1e30f;
        }
        CHECK(llmc_quantize_weighted(type, x, w, 256, out) == LLMC_OK);
        CHECK(llmc_dequantize(type, out, 256, y) == LLMC_OK);
        for (i = 0; i < 256; i++)
            CHECK(y[i] == 0);
        for (v = 0; v < 6; v++) {
            for (i = 0; i < 256; i++)
                x[i] = values[v];
            CHECK(llmc_quantize_weighted(type, x, NULL, 256, out) == LLMC_OK);
            CHECK(llmc_dequantize(type, out, 256, y) == LLMC_OK);
            for (i = 0; i < 256; i++)
                CHECKF(magnitude(y[i] - x[i]) <= (type == LLMC_MXFP4 ? 0.15f : 0.02f) * magnitude(x[i]),
                       "%s: %g became %g", llmc_dtype_name(type), (double)x[i], (double)y[i]);
        }
    }
}

/* NaN, infinity, numbers of every size and weights of every kind: bytes that mean finite numbers. */
static void search_hard(void)
{
    float x[256], y[256], w[256];
    uint8_t out[512];
    llmc_rng rng = llmc_rng_seed(3);
    int k, i, round;
    for (round = 0; round < 60; round++) {
        for (i = 0; i < 256; i++) {
            uint32_t bits = (uint32_t)llmc_rng_u64(&rng);
            /* anything; tiny and huge together; mostly equal; ordinary but for one */
            x[i] = round % 4 == 0   ? llmc__bits_f32(bits)
                   : round % 4 == 1 ? llmc__bits_f32(bits & 1 ? bits & 0x807fffffu : bits | 0x7f000000u)
                   : round % 4 == 2 ? (bits % 9 == 0 ? 1.0f : 0.5f)
                                    : llmc_rng_normal(&rng);
            bits = (uint32_t)(llmc_rng_u64(&rng) >> 32);
            w[i] = round % 3 == 0   ? llmc__bits_f32(bits)
                   : round % 3 == 1 ? (bits % 7 == 0 ? 1e30f : 0)
                                    : -1.0f;
        }
        if (round % 4 == 3)
            x[llmc_rng_u64(&rng) % 256] = llmc__bits_f32(round & 4   ? 0x7fc00000u
                                                         : round & 8 ? 0xff800000u
                                                                     : 1);
        for (k = 0; k < QUANTISED; k++) {
            llmc_dtype type = quantised[k].type;
            CHECK(llmc_quantize_weighted(type, x, round % 2 ? w : NULL, 256, out) == LLMC_OK);
            CHECK(llmc_dequantize(type, out, 256, y) == LLMC_OK);
            for (i = 0; i < 256; i++)
                CHECKF(llmc__finite(y[i]), "%s: round %d: %g became %g", llmc_dtype_name(type), round,
                       (double)x[i], (double)y[i]);
        }
    }
}

int main(void)
{
    RUN(table);
    RUN(half_all);
    RUN(half_rounding);
    RUN(bf16);
    RUN(byte_order);
    RUN(blocks);
    RUN(vectors);
    RUN(bad_arguments);
    RUN(hard_input);
    RUN(search_error);
    RUN(search_simple);
    RUN(search_hard);
    return test_end("test_quant");
}
