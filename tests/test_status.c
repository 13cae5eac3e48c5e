/* test_status.c -- sections PLATFORM, STATUS and MEM: numbers as bits, messages, memory */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

static char text[300];

static void says(const char *expect, const char *what)
{
    CHECKF(strcmp(text, expect) == 0, "%s: \"%s\", expected \"%s\"", what, text, expect);
}

static void clean(const char *s, const char *expect)
{
    llmc__format(text, sizeof text, "%s", s);
    says(expect, "cleaned");
}

/* Whatever a file's names hold, a message is UTF-8 without control characters: U+009B alone opens
   an escape sequence in some terminals. */
static void messages_hold_no_control(void)
{
    clean("a\x1b[31m\x7f\tb", "a?[31m??b");
    clean("a\xc2\x9b"
          "31m",
          "a?31m");
    clean("\xc2\x80|\xc2\x9f|\xc2\xa0", "?|?|\xc2\xa0");
    clean("\x9b"
          "1m\xff\xc3\xa4",
          "?1m?\xc3\xa4");
    clean("\xc0\xaf|\xed\xa0\x80|\xe2\x82", "??|???|?");
    clean("\xf0\x9f\x98\x80 \xe2\x96\x81", "\xf0\x9f\x98\x80 \xe2\x96\x81");
    llmc__format(text, sizeof text, "%.*s", 3, "a\xe2\x82\xac");
    says("a?", "a character that the precision cuts");
}

/* No room for a whole character: none of it, nor what comes after it. */
static void messages_end_between_characters(void)
{
    size_t cap;
    for (cap = 1; cap < 12; cap++) {
        memset(text, '#', sizeof text);
        llmc__format(text, cap, "%s", "ab\xc3\xa4\xf0\x9f\x98\x80z");
        says(cap > 9   ? "ab\xc3\xa4\xf0\x9f\x98\x80z"
             : cap > 8 ? "ab\xc3\xa4\xf0\x9f\x98\x80"
             : cap > 4 ? "ab\xc3\xa4"
             : cap > 2 ? "ab"
             : cap > 1 ? "a"
                       : "",
             "cut");
        CHECK(text[cap] == '#');
    }
}

/* Of small and large numbers the first digits matter, with one of them before the point. */
static void numbers_keep_their_digits(void)
{
    static const struct {
        double v;
        const char *expect;
    } t[] = {{0, "0"},
             {0.5, "0.5"},
             {-2.25, "-2.25"},
             {1234.5, "1234.5"},
             {999999999.0, "999999999"},
             {0.0001, "0.0001"},
             {5e-5, "5e-5"},
             {-5e-5, "-5e-5"},
             {1.2345678e-5, "1.234568e-5"},
             {1e-6, "1e-6"},
             {1e10, "1e10"},
             {123456789012.0, "1.234568e11"},
             {1e300, "1e300"},
             {5e-324, "4.940656e-324"}};
    size_t i;
    for (i = 0; i < sizeof t / sizeof t[0]; i++) {
        llmc__format(text, sizeof text, "%g", t[i].v);
        says(t[i].expect, "number");
    }
}

/* An arena over nothing hands out nothing; one over NULL would measure and call NULL a success. */
static void arena_over_nothing_fails(void)
{
    unsigned char few[8];
    llmc__arena a = llmc__arena_over(NULL, 4096);
    CHECK(llmc__take(&a, 1, 100) == NULL && a.failed);
    a = llmc__arena_over(NULL, 0);
    CHECK(llmc__take(&a, 1, 1) == NULL && a.failed);
    a = llmc__arena_over(few, 0);
    CHECK(llmc__take(&a, 1, 1) == NULL && a.failed);
}

/* Bytes of a file, at any address, mean the same on every machine. */
static void numbers_from_bytes(void)
{
    unsigned char b[16], back[16];
    size_t at;
    uint32_t u;
    for (at = 0; at < 8; at++) {
        memset(b, 0, sizeof b);
        memcpy(b + at, "\x01\x02\x03\x84\x05\x06\x07\x88", 8);
        memset(back, 0, sizeof back);
        CHECK(llmc__u16le(b + at) == 0x0201u && llmc__u32le(b + at) == 0x84030201u);
        CHECK(llmc__u64le(b + at) == UINT64_C(0x8807060584030201));
        llmc__put_u64le(back + at, llmc__u64le(b + at));
        CHECK(memcmp(back, b, sizeof b) == 0);
    }
    for (u = 0x7f800000u; u < 0x7f800003u; u++)
        CHECK(!llmc__finite(llmc__bits_f32(u)) && !llmc__finite(llmc__bits_f32(u | 0x80000000u)));
    CHECK(llmc__finite(0) && llmc__finite(-3.4e38f));
}

int main(void)
{
    RUN(messages_hold_no_control);
    RUN(messages_end_between_characters);
    RUN(numbers_keep_their_digits);
    RUN(arena_over_nothing_fails);
    RUN(numbers_from_bytes);
    return test_end("test_status");
}
