/* test_data.c -- section DATA: JSON, numbers, flat settings. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

static llmc_diag diag;

static llmc_blob blob_of(const char *text)
{
    llmc_blob b;
    b.data = text;
    b.size = strlen(text);
    b.name = "t.json";
    return b;
}

/* A copy in memory of exactly that size, so that a sanitizer sees reads beyond it. */
static llmc_status parse_exact(const char *text, size_t n, llmc_json *out)
{
    char *copy = (char *)malloc(n > 0 ? n : 1);
    llmc_blob b;
    llmc_status s;
    memcpy(copy, text, n);
    b.data = copy;
    b.size = n;
    b.name = NULL;
    s = llmc_json_parse(&b, out, &diag);
    free(copy);
    return s;
}

/* Visits everything in v; returns how many values there are. */
static unsigned long visit(llmc_json v, int level)
{
    llmc_json_iter it = {NULL, false};
    llmc_json key, value;
    char text[40];
    unsigned long n = 1;
    (void)llmc_json_number(v, 0);
    (void)llmc_json_integer(v, 0);
    (void)llmc_json_bool(v, false);
    (void)llmc_json_string(v, text, sizeof text);
    (void)llmc_json_equal(v, "abc");
    if (level > LLMC_JSON_DEPTH)
        return n;
    while (llmc_json_next(v, &it, &key, &value)) {
        if (v.type == LLMC_JSON_OBJECT)
            (void)llmc_json_string(key, text, sizeof text);
        n += visit(value, level + 1);
    }
    return n;
}

//--[ JSON ]--

/* Own cases after the grammar of RFC 8259. */
static const char *const json_valid[] = {"0",
                                         "-0",
                                         "1.5",
                                         "1e5",
                                         "1E+5",
                                         "-1.25e-3",
                                         "true",
                                         "false",
                                         "null",
                                         "\"\"",
                                         "\"a\"",
                                         "[]",
                                         "{}",
                                         " [ ] ",
                                         "{ }",
                                         "[1,2,3]",
                                         "[1 , 2\n,\t3\r]",
                                         "{\"a\":1}",
                                         "{\"a\":1,\"b\":[{},[]]}",
                                         "{\"\":0}",
                                         "{\"a\":1,\"a\":2}",
                                         "[[[[[]]]]]",
                                         "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
                                         "\"\\u0000\"",
                                         "\"\\uD83D\\uDE00\"",
                                         "\"\\u00e9\"",
                                         "\"\xc3\xa9\"",
                                         "\"\xf0\x9f\x98\x80\"",
                                         "\"\xf4\x8f\xbf\xbf\"",
                                         "\"\xed\x9f\xbf\"",
                                         "\"\xee\x80\x80\"",
                                         "\"\x7f\"",
                                         "\"\xef\xbf\xbe\"",
                                         "1e999",
                                         "1e-999",
                                         "123456789012345678901234567890",
                                         "\xef\xbb\xbf{}",
                                         "[\"a\",\"]\",\"}\",\"\\\"\"]",
                                         "{\"a\":\"}\",\"b\":{\"c\":\"{\"}}"};

static const char *const json_invalid[] = {"",
                                           " ",
                                           "-",
                                           "+1",
                                           "01",
                                           "-01",
                                           "1.",
                                           ".5",
                                           "1.e5",
                                           "1e",
                                           "1e+",
                                           "1e-",
                                           "0x1",
                                           "1_000",
                                           "NaN",
                                           "Infinity",
                                           "-Infinity",
                                           "tru",
                                           "True",
                                           "nul",
                                           "nulll",
                                           "truefalse",
                                           "\"",
                                           "\"a",
                                           "\"\\\"",
                                           "\"\\",
                                           "\"\\x41\"",
                                           "\"\\a\"",
                                           "\"\\u12\"",
                                           "\"\\u123g\"",
                                           "\"\\uD800\"",
                                           "\"\\uD800x\"",
                                           "\"\\uD800\\u0041\"",
                                           "\"\\uDC00\"",
                                           "\"\\uDC00\\uD800\"",
                                           "\"\\uD800\\uD800\"",
                                           "\"\n\"",
                                           "\"\t\"",
                                           "\"\x01\"",
                                           "\"\x80\"",
                                           "\"\xc3\"",
                                           "\"\xc0\xaf\"",
                                           "\"\xc1\xbf\"",
                                           "\"\xe0\x80\xaf\"",
                                           "\"\xe0\x9f\xbf\"",
                                           "\"\xed\xa0\x80\"",
                                           "\"\xf0\x80\x80\xaf\"",
                                           "\"\xf4\x90\x80\x80\"",
                                           "\"\xf5\x80\x80\x80\"",
                                           "\"\xff\"",
                                           "\"\xe2\x82\"",
                                           "'a'",
                                           "[",
                                           "]",
                                           "[1",
                                           "[1,",
                                           "[1,]",
                                           "[,1]",
                                           "[,]",
                                           "[1 2]",
                                           "[1}",
                                           "[\"a\" \"b\"]",
                                           "{",
                                           "}",
                                           "{]",
                                           "{\"a\"",
                                           "{\"a\":",
                                           "{\"a\":1",
                                           "{\"a\":1,",
                                           "{\"a\":1,}",
                                           "{,}",
                                           "{a:1}",
                                           "{'a':1}",
                                           "{\"a\" 1}",
                                           "{\"a\":}",
                                           "{\"a\"::1}",
                                           "{\"a\":1 \"b\":2}",
                                           "{1:2}",
                                           "{\"a\":1]",
                                           "[]]",
                                           "{}}",
                                           "1 2",
                                           "[] []",
                                           "{} x",
                                           "[1]//c",
                                           "/*c*/1",
                                           "[1]\x01",
                                           "\xef\xbb\xbf",
                                           "\xef\xbb",
                                           "\xff\xfe{}",
                                           "[\xc2\xa0]",
                                           "[1,\v2]",
                                           "nul\"",
                                           "[-]",
                                           "[--1]",
                                           "[1.2.3]",
                                           "[1ee2]",
                                           "[\xe2\x80\xa8]"};

static void json_accepts(void)
{
    size_t i;
    for (i = 0; i < sizeof json_valid / sizeof json_valid[0]; i++) {
        llmc_json v;
        llmc_blob b = blob_of(json_valid[i]);
        llmc_status s = llmc_json_parse(&b, &v, &diag);
        CHECKF(s == LLMC_OK, "%s: %s", json_valid[i], diag.message);
        if (s == LLMC_OK) {
            CHECK(visit(v, 0) > 0);
            CHECK(parse_exact(json_valid[i], strlen(json_valid[i]), &v) == LLMC_OK);
        }
    }
}

static void json_refuses(void)
{
    size_t i;
    for (i = 0; i < sizeof json_invalid / sizeof json_invalid[0]; i++) {
        llmc_json v;
        CHECKF(parse_exact(json_invalid[i], strlen(json_invalid[i]), &v) == LLMC_BAD_FILE, "accepted: %s",
               json_invalid[i]);
        CHECK(diag.status == LLMC_BAD_FILE && diag.tag != NULL && diag.offset <= strlen(json_invalid[i]));
    }
}

static void json_says_where(void)
{
    llmc_json v;
    llmc_blob b = blob_of("{\n  \"a\": 1,\n  \"b\": tru\n}");
    CHECK(llmc_json_parse(&b, &v, &diag) == LLMC_BAD_FILE);
    CHECK(diag.offset == 19);
    CHECKF(strstr(diag.message, "t.json:3:") != NULL, "%s", diag.message);
    b = blob_of("[1, 2");
    CHECK(llmc_json_parse(&b, &v, &diag) == LLMC_BAD_FILE && diag.offset == 5);
    CHECK(strstr(diag.message, "ends") != NULL);
    CHECK(llmc_json_parse(&b, &v, NULL) == LLMC_BAD_FILE);
}

static void json_depth(void)
{
    static const int extra[] = {-1, 0, 1, 1000, 100000};
    size_t e;
    for (e = 0; e < sizeof extra / sizeof extra[0]; e++) {
        int n = LLMC_JSON_DEPTH + extra[e], i, kind;
        for (kind = 0; kind < 2; kind++) {
            size_t open = kind == 0 ? 1 : 5;
            char *text = (char *)malloc((size_t)n * (open + 1) + 2);
            size_t at = 0;
            llmc_json v;
            for (i = 0; i < n; i++) {
                memcpy(text + at, "{\"a\":", 5);
                if (kind == 0)
                    text[at] = '[';
                at += open;
            }
            text[at++] = '1';
            for (i = 0; i < n; i++)
                text[at++] = kind == 0 ? ']' : '}';
            CHECK(parse_exact(text, at, &v) == (extra[e] <= 0 ? LLMC_OK : LLMC_BAD_FILE));
            if (extra[e] > 0)
                CHECK(strstr(diag.message, "nesting") != NULL);
            free(text);
        }
    }
    { /* the kind of every level is remembered across the 64th */
        char text[600];
        size_t at = 0, i;
        llmc_json v;
        for (i = 0; i < 100; i++)
            at += (size_t)sprintf(text + at, i % 3 == 0 ? "{\"\":" : "[");
        at += (size_t)sprintf(text + at, "0");
        for (i = 100; i-- > 0;)
            text[at++] = i % 3 == 0 ? '}' : ']';
        CHECK(parse_exact(text, at, &v) == LLMC_OK);
        text[at - 40] = text[at - 40] == '}' ? ']' : '}';
        CHECK(parse_exact(text, at, &v) == LLMC_BAD_FILE);
    }
}

static const char sample_text[] =
    "{\"name\":\"caf\\u00e9 \\uD83D\\uDE00 \\\"q\\\"\", \"list\": [1, -2.5e3, true, null, \"x\", {\"k\": "
    "[]}],\n"
    " \"n\": 9007199254740993, \"nested\": {\"a\": {\"b\": \"deep\"}}, \"f\": false, \"n\" : 7}";

static void json_truncated(void)
{
    size_t n = sizeof sample_text - 1, i;
    llmc_json v;
    CHECK(parse_exact(sample_text, n, &v) == LLMC_OK);
    for (i = 0; i < n; i++)
        CHECKF(parse_exact(sample_text, i, &v) == LLMC_BAD_FILE, "accepted the first %zu bytes", i);
}

static uint64_t rng_state;

static uint32_t random_below(uint32_t n)
{
    rng_state = rng_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((rng_state >> 33) % n);
}

/* Changed texts are refused or walk without harm (run under a sanitizer). */
static void json_mutated(void)
{
    static const char alphabet[] = "{}[]\",:\\u0019.eE+-tfn dD8C\x80\xc3\xed\xf0\n\x01";
    size_t n = sizeof sample_text - 1;
    unsigned long accepted = 0;
    int round;
    rng_state = test_seed(1);
    for (round = 0; round < 20000; round++) {
        char *text = (char *)malloc(n);
        uint32_t changes = 1 + random_below(4), i;
        llmc_json v;
        llmc_blob b;
        memcpy(text, sample_text, n);
        for (i = 0; i < changes; i++) {
            uint32_t at = random_below((uint32_t)n);
            if (random_below(2) == 0)
                text[at] = alphabet[random_below(sizeof alphabet - 1)];
            else
                text[at] = (char)(text[at] ^ (1 << random_below(8)));
        }
        b.data = text;
        b.size = n;
        b.name = "mutated";
        if (llmc_json_parse(&b, &v, &diag) == LLMC_OK) {
            accepted++;
            CHECK(visit(v, 0) >= 1);
        }
        free(text);
    }
    CHECKF(accepted > 1000 && accepted < 19000, "%lu accepted: the mutations test nothing", accepted);
}

static void json_cursor(void)
{
    llmc_blob b = blob_of(sample_text);
    llmc_json root, v, list, item, key;
    llmc_json_iter it = {NULL, false};
    static const llmc_json_type types[] = {LLMC_JSON_NUMBER, LLMC_JSON_NUMBER, LLMC_JSON_BOOL,
                                           LLMC_JSON_NULL,   LLMC_JSON_STRING, LLMC_JSON_OBJECT};
    char text[64];
    size_t i = 0;
    CHECK(llmc_json_parse(&b, &root, &diag) == LLMC_OK);
    CHECK(root.type == LLMC_JSON_OBJECT);
    v = llmc_json_get(root, "name");
    CHECK(llmc_json_string(v, text, sizeof text) == 14);
    CHECK(strcmp(text, "caf\xc3\xa9 \xf0\x9f\x98\x80 \"q\"") == 0);
    CHECK(llmc_json_equal(v, text));
    CHECK(!llmc_json_equal(v, "caf\xc3\xa9"));
    CHECK(!llmc_json_equal(v, "caf\xc3\xa9 \xf0\x9f\x98\x80 \"q\"!"));
    CHECK(llmc_json_integer(llmc_json_get(root, "n"), 0) == 7); /* the last of that name */
    list = llmc_json_get(root, "list");
    while (llmc_json_next(list, &it, NULL, &item)) {
        CHECK(i < 6 && item.type == types[i]);
        if (i == 1)
            CHECK(llmc_json_number(item, 0) == -2500 && llmc_json_integer(item, 0) == -2500);
        if (i == 2)
            CHECK(llmc_json_bool(item, false));
        i++;
    }
    CHECK(i == 6);
    v = llmc_json_get(llmc_json_get(llmc_json_get(root, "nested"), "a"), "b");
    CHECK(llmc_json_equal(v, "deep"));
    CHECK(!llmc_json_bool(llmc_json_get(root, "f"), true));
    CHECK(llmc_json_get(root, "absent").type == LLMC_JSON_NONE);
    CHECK(llmc_json_get(list, "absent").type == LLMC_JSON_NONE);
    memset(&it, 0, sizeof it);
    i = 0;
    while (llmc_json_next(root, &it, &key, &v)) {
        CHECK(key.type == LLMC_JSON_STRING);
        i++;
    }
    CHECK(i == 6);
}

static void json_fallbacks(void)
{
    llmc_json none = {NULL, NULL, LLMC_JSON_NONE}, v;
    llmc_json_iter it = {NULL, false};
    llmc_blob b = blob_of("[\"1\", 1.5, 1e300, 1e400]");
    char text[4] = "xyz";
    CHECK(llmc_json_number(none, 3) == 3 && llmc_json_integer(none, 4) == 4 && llmc_json_bool(none, true));
    CHECK(llmc_json_string(none, text, sizeof text) == 0 && text[0] == 0);
    CHECK(!llmc_json_equal(none, "") && !llmc_json_next(none, &it, NULL, &v));
    CHECK(llmc_json_get(none, "a").type == LLMC_JSON_NONE);
    CHECK(llmc_json_parse(&b, &none, &diag) == LLMC_OK);
    CHECK(llmc_json_next(none, &it, NULL, &v) && llmc_json_number(v, 5) == 5);
    CHECK(llmc_json_next(none, &it, NULL, &v) && llmc_json_integer(v, 6) == 6);
    CHECK(llmc_json_next(none, &it, NULL, &v) && llmc_json_integer(v, 7) == 7 &&
          llmc_json_number(v, 0) > 9e299);
    CHECK(llmc_json_next(none, &it, NULL, &v) && llmc_json_number(v, 8) == 8);
}

static void json_string_capacity(void)
{
    llmc_blob b = blob_of("\"a\\u00e9\xf0\x9f\x98\x80z\"");
    static const char whole[] = "a\xc3\xa9\xf0\x9f\x98\x80z";
    static const size_t fits[] = {0, 0, 1, 1, 3, 3, 3, 3, 7, 8, 8}; /* bytes that capacity i takes */
    llmc_json v;
    size_t cap;
    CHECK(llmc_json_parse(&b, &v, &diag) == LLMC_OK);
    for (cap = 0; cap <= 10; cap++) {
        char out[16];
        memset(out, '#', sizeof out);
        CHECK(llmc_json_string(v, out, cap) == 8);
        if (cap > 0) {
            CHECKF(strlen(out) == fits[cap] && memcmp(out, whole, fits[cap]) == 0, "cap %zu: \"%s\"", cap,
                   out);
            CHECK(out[cap] == '#');
        } else {
            CHECK(out[0] == '#');
        }
    }
    b = blob_of("\"a\\u0000b\"");
    CHECK(llmc_json_parse(&b, &v, &diag) == LLMC_OK);
    CHECK(!llmc_json_equal(v, "a") && !llmc_json_equal(v, "ab"));
}

//--[ numbers ]--

#define OVERFLOWS UINT64_C(0xffffffffffffffff)

/* CPython's float() (correctly rounded, David Gay's code) of fixed hard cases: the
   ends of the range, ties and their neighbours, 2^53, the smallest normal; and of
   random ones: repr() of random bits, decimals, exact halfway points of doubles with
   "", "0", "1" or "0..01" appended. Made with random.seed(20260611). */
static const struct {
    const char *text;
    uint64_t bits;
} golden_number[] = {
    {"0", UINT64_C(0x0000000000000000)},
    {"-0", UINT64_C(0x8000000000000000)},
    {"0.0", UINT64_C(0x0000000000000000)},
    {"1", UINT64_C(0x3ff0000000000000)},
    {"-1", UINT64_C(0xbff0000000000000)},
    {"10000.0", UINT64_C(0x40c3880000000000)},
    {"1e-5", UINT64_C(0x3ee4f8b588e368f1)},
    {"1e-05", UINT64_C(0x3ee4f8b588e368f1)},
    {"0.1", UINT64_C(0x3fb999999999999a)},
    {"0.2", UINT64_C(0x3fc999999999999a)},
    {"0.3", UINT64_C(0x3fd3333333333333)},
    {"123456789", UINT64_C(0x419d6f3454000000)},
    {"9007199254740993", UINT64_C(0x4340000000000000)},
    {"9007199254740992", UINT64_C(0x4340000000000000)},
    {"9007199254740991", UINT64_C(0x433fffffffffffff)},
    {"9007199254740995", UINT64_C(0x4340000000000002)},
    {"1.7976931348623157e308", UINT64_C(0x7fefffffffffffff)},
    {"1.7976931348623158e308", UINT64_C(0x7fefffffffffffff)},
    {"1.7976931348623159e308", OVERFLOWS},
    {"1e309", OVERFLOWS},
    {"-1e400", OVERFLOWS},
    {"1e99999999999999999999", OVERFLOWS},
    {"4.9e-324", UINT64_C(0x0000000000000001)},
    {"2.4703282292062327e-324", UINT64_C(0x0000000000000000)},
    {"2.4703282292062328e-324", UINT64_C(0x0000000000000001)},
    {"2.2250738585072011e-308", UINT64_C(0x000fffffffffffff)},
    {"2.2250738585072014e-308", UINT64_C(0x0010000000000000)},
    {"2.225073858507201136057409796709131975934819546351645648023426109724822222021076"
     "94551652952390813508791414915891303962110687008643869459464552765720740782062174"
     "33799881410632673292535522868813721490129811224514518898490572223072852551331557"
     "55015914397476397983411801999323962548289017107081850690630666655994938275772572"
     "01576306269066333264756530000924588831643303777979186961204949739037782970490505"
     "10806099407302629371289589500035837999672072543043602840788957717961509455167482"
     "43471030702609144621572289880258182545180325707018860872113128079512233426288368"
     "62232150377566662250398253433597456888442390026549819838548794829220689472168983"
     "10996983658468140228542433306603398508864458040010349339704275671864433837704860"
     "37861622771738545623065874679014086723327636718751234567890123456789012345678901"
     "e-308",
     UINT64_C(0x0010000000000000)},
    {"1e-400", UINT64_C(0x0000000000000000)},
    {"0e999999999999", UINT64_C(0x0000000000000000)},
    {"0.000000000000000000000000000000000000001e40", UINT64_C(0x4024000000000000)},
    {"1e-99999999999999999999", UINT64_C(0x0000000000000000)},
    {"6.02214076e23", UINT64_C(0x44dfe185ca57c517)},
    {"3.14159265358979323846264338327950288419716939937510", UINT64_C(0x400921fb54442d18)},
    {"1e22", UINT64_C(0x4480f0cf064dd592)},
    {"1e23", UINT64_C(0x44b52d02c7e14af6)},
    {"8.41e21", UINT64_C(0x447c7e83209e90b2)},
    {"5e-324", UINT64_C(0x0000000000000001)},
    {"1.00000000000000011102230246251565404236316680908203125", UINT64_C(0x3ff0000000000000)},
    {"1.00000000000000011102230246251565404236316680908203124", UINT64_C(0x3ff0000000000000)},
    {"1.00000000000000011102230246251565404236316680908203126", UINT64_C(0x3ff0000000000001)},
    {"9223372036854775808", UINT64_C(0x43e0000000000000)},
    {"18446744073709551616", UINT64_C(0x43f0000000000000)},
    {"100000000000000000000000000000000000000000000000000e-50", UINT64_C(0x3ff0000000000000)},
    {"1E+2", UINT64_C(0x4059000000000000)},
    {"2E0", UINT64_C(0x4000000000000000)},
    {"5.0e-0", UINT64_C(0x4014000000000000)},
    {"-136016740546435711335460287e179", UINT64_C(0xea85b0f81d19ca40)},
    {"-17948356390807210084991435945e266", UINT64_C(0xfd067b71c95d28ad)},
    {"-9832e-304", UINT64_C(0x81a511f50a0a1141)},
    {"5.517231181808113e+181", UINT64_C(0x65aa979874d9e50e)},
    {"1.2257402752104741e+265", UINT64_C(0x76f85431fcdc7cda)},
    {"513434.00836023", UINT64_C(0x411f5668088f958a)},
    {"-28082486291127107495079422328050407e231", UINT64_C(0xf70bde985035da2f)},
    {"7.642197044158045291231687e-298", UINT64_C(0x023ffcae0e9f7ae2)},
    {"-85228e-164", UINT64_C(0x9ee7f6ef4eeda931)},
    {"1200538393831358726144.00", UINT64_C(0x445045344b1dbc0a)},
    {"1.1035378627128954e-219", UINT64_C(0x1278ee6670e78a04)},
    {"8.731018669077238774802479e-116", UINT64_C(0x280b8585c0628fe4)},
    {"4.976948103793789e-160", UINT64_C(0x1edbfd134a59a11b)},
    {"-263913484e-311", UINT64_C(0x811cf50dd562b811)},
    {"234899.749804", UINT64_C(0x410cac9dff993d53)},
    {"4.2332697504137175e+246", UINT64_C(0x73235fdc3b3dc460)},
    {"80685.00604091", UINT64_C(0x40f3b2d018be5a6e)},
    {"6.578693711904835e+192", UINT64_C(0x67f7121f26662b07)},
    {"1018725.421436", UINT64_C(0x412f16cad7c6759b)},
    {"-61026119316e-115", UINT64_C(0xaa4bfe1f3afb8c0b)},
    {"226184.055560915367095731198787689208984375", UINT64_C(0x410b9c4071c9ebd4)},
    {"1.5256074899641677e+137", UINT64_C(0x5c6a3cae60afc88e)},
    {"7.637342280754832436886168e-184", UINT64_C(0x19e9f62423e7ad69)},
    {"0.0000242477244479819621273504123837305712640954880043864250183105468750",
     UINT64_C(0x3ef96cf2efa48398)},
    {"8.367542665796508e+196", UINT64_C(0x68d1e903ba415959)},
    {"4.3669270441593246e-260", UINT64_C(0x0a157c5f8143e98b)},
    {"496037940332263750968218222592.000000000000000000001", UINT64_C(0x46190b23de8cb1f1)},
    {"6.909235615071246e-16", UINT64_C(0x3cc8e4a522716a64)},
    {"307317.00933954", UINT64_C(0x4112c1d409904deb)},
    {"-3116487999e-229", UINT64_C(0x925c29c8a6e8236a)},
    {"8339026791924035867243446272.000000000000000000001", UINT64_C(0x45baf1e19c360062)},
    {"1014276961236618432.0", UINT64_C(0x43ac26df0b74be1a)},
    {"4.2050678806407195686745126295136287808418273925781250", UINT64_C(0x4010d1fd50833f68)},
    {"-7221740058533768007898816820e-6", UINT64_C(0xc47877dc6b0d159f)},
    {"3.430353925512931938954358e106", UINT64_C(0x560de9e9a46a6549)},
    {"3.1079655511550471776245870e73", UINT64_C(0x4f3197287e6cbffb)},
    {"1.2649545753443764e+19", UINT64_C(0x43e5f186daf68221)},
    {"830311.1016212", UINT64_C(0x412956ce3407b1a5)},
    {"7.7948639773728375e+214", UINT64_C(0x6c8cf160057f9edd)},
    {"9.418513809465996e+158", UINT64_C(0x60f12667c3444076)},
    {"3.297515555159899457294998e-197", UINT64_C(0x1723b82b837a4581)},
    {"1.0734581412670799e-55", UINT64_C(0x34850e9094b5af4e)},
    {"1.2808118992917368e+188", UINT64_C(0x66fd6fc6c6548363)},
    {"343049.00000505240", UINT64_C(0x4114f02400015310)},
    {"-2031e291", UINT64_C(0xfd0970bed94393d5)},
    {"845816.249976", UINT64_C(0x4129cff07ffcdab2)},
    {"2.561802051660033840175628e153", UINT64_C(0x5fc874e9ee777aa4)},
    {"-2508738028928294e208", UINT64_C(0xee5159cb6f5f9e17)},
    {"0.680264979537078247397600e-130", UINT64_C(0x24e82489602e99a7)},
    {"7.582620793020237e-208", UINT64_C(0x14ef291f88374084)},
    {"-244538704921828528266994062883718e-259", UINT64_C(0x90e289a27196e242)},
    {"0.000000000000000144922148910956015060803355791632198370463552176187066455881335"
     "96902480348944664001464843750",
     UINT64_C(0x3ca4e2aeff4e1348)},
    {"1.0765974285945334e-198", UINT64_C(0x16d49a200b7c0311)},
    {"2.4121779327897713e-33", UINT64_C(0x39290cab3b995377)},
    {"956970.536426", UINT64_C(0x412d345512a66dbd)},
    {"-470650608806794757802e-91", UINT64_C(0xb154ca086eaf6586)},
    {"1.1736846905401512e-70", UINT64_C(0x3169ebe887c1542a)},
    {"1.529969710444380928646586e134", UINT64_C(0x5bcaf18c33eaa450)},
    {"141155434865347482615808.0", UINT64_C(0x44bde40d2c487cba)},
    {"235.53970763044809189068473642691969871520996093750", UINT64_C(0x406d714548efc5a4)},
    {"42633.00562652", UINT64_C(0x40e4d1202e17aaec)},
    {"1.6508356649972971e-34", UINT64_C(0x38eb6de0db1f347f)},
    {"72880.882171668905357364565134048461914062500000000000000000001", UINT64_C(0x40f1cb0e1d600a37)},
    {"5.1128501245276634049283109e-15", UINT64_C(0x3cf706b700f5c826)},
    {"-133527773216126219838313595761e-60", UINT64_C(0xb985aa86d5c1e01a)},
    {"861419.0000248240", UINT64_C(0x412a49d6000340f5)},
    {"-1261e124", UINT64_C(0xda52a0e299e56037)},
    {"4.496166797764679480289124e-277", UINT64_C(0x068fe17844210614)},
    {"5.6310471005534385e-102", UINT64_C(0x2ae939663cd71478)},
    {"6.395182483871087e+114", UINT64_C(0x57c4c6718260fb7b)},
    {"7.286261664787074e-233", UINT64_C(0x0fbcf577936ce6a0)},
    {"0.1017258900812522243413029e136", UINT64_C(0x5bf6649f8332bb3d)},
    {"4.8211768634567584e+44", UINT64_C(0x49359e708ab52edb)},
    {"3.88647285102528e-156", UINT64_C(0x1faaae0aa1d534e9)},
    {"7.1048249608671174149819536e226", UINT64_C(0x6f07fe3cc4245734)},
    {"300337359388922.03125", UINT64_C(0x42f1127bd9e80fa0)},
    {"4.75168243951871261291326e-223", UINT64_C(0x11c5fc428fcf9ee9)},
    {"399183.00000803280", UINT64_C(0x41185d3c00021b12)},
    {"898509.0000506789", UINT64_C(0x412b6b9a0006a480)},
    {"619386.582837", UINT64_C(0x4122e6f52a699c7c)},
    {"673704.000626104", UINT64_C(0x41248f5000521090)},
    {"0.000000000001058099801684275325975325920351619086892495935625646552580292336642"
     "74215698242187500000000000000000001",
     UINT64_C(0x3d729d4203f013d4)},
    {"3.2784623349564814e-83", UINT64_C(0x2ecfd84709de7e34)},
    {"7.687904936906884e-143", UINT64_C(0x226dffe7ec4c2196)},
    {"-2740672664045797073318772e-64", UINT64_C(0xb7b7dfe77e96cf20)},
    {"952200.0947476", UINT64_C(0x412d0f103082c1e7)},
    {"-116706720259542826819206478162916e-122", UINT64_C(0xad4304d43517ea26)},
    {"-1424596e116", UINT64_C(0xd94b959ae513fd42)},
    {"-1779551212e-316", UINT64_C(0x803ffda9a78184c2)},
    {"0.000000000000153460813683486956374114989019234094473121722546071765691522159613"
     "668918609619140625",
     UINT64_C(0x3d4599022d7c84c8)},
    {"5.514671740378551e-305", UINT64_C(0x00c35cd800f0bbee)},
    {"807943346.6131466031074523925781251", UINT64_C(0x41c8141e594e7b97)},
    {"8.807665419229691e+117", UINT64_C(0x586bf111d27dc996)},
    {"-3864034519e-103", UINT64_C(0xac89cad275e04df5)},
    {"-109277907599253e-334", UINT64_C(0x80000000000008a4)},
    {"343166633.0935955941677093505859375", UINT64_C(0x41b4744ea917f5e2)},
    {"1.3489371644073093e-209", UINT64_C(0x1491bd2decf22166)},
    {"2.100337509128910087822426e-117", UINT64_C(0x27b52f98a59a2bb8)},
    {"7.743167529298979189257971e-102", UINT64_C(0x2af157bc6ab0946f)},
    {"-33495759e-70", UINT64_C(0xb2f60c0633b2adbb)},
    {"0.938749712190265748558382e-243", UINT64_C(0x0d79a3a9acf97ff5)},
    {"-3641582527813e-146", UINT64_C(0xa43a77eb28aa9013)},
    {"1.5381875929006823e-168", UINT64_C(0x1d1738623835e3d7)},
    {"339721.211840", UINT64_C(0x4114bc24d8ec95c0)},
    {"-36019560445410337935e-261", UINT64_C(0x8dcebe2f0d641248)},
    {"2.3230313626782056e-64", UINT64_C(0x32b876e152741fe7)},
    {"5.618040742441627e+73", UINT64_C(0x4f3fcc0720aed499)},
    {"4.8163568940876434e+190", UINT64_C(0x67859eaa4963e575)},
    {"7.748401328454774e+78", UINT64_C(0x5050baa7ef37bf62)},
    {"3.263679727396074e-121", UINT64_C(0x26eaf7eb7d92c8f5)},
};

static uint64_t bits_of(double v)
{
    uint64_t u;
    memcpy(&u, &v, 8);
    return u;
}

static void number_golden(void)
{
    size_t i;
    for (i = 0; i < sizeof golden_number / sizeof golden_number[0]; i++) {
        llmc_blob b = blob_of(golden_number[i].text);
        llmc_json v;
        double got;
        CHECKF(llmc_json_parse(&b, &v, &diag) == LLMC_OK, "%s: %s", golden_number[i].text, diag.message);
        got = llmc_json_number(v, 12345);
        if (golden_number[i].bits == OVERFLOWS)
            CHECKF(got == 12345, "%s: %.17g, expected the fallback", golden_number[i].text, got);
        else
            CHECKF(bits_of(got) == golden_number[i].bits, "%.60s: %016llx, expected %016llx",
                   golden_number[i].text, (unsigned long long)bits_of(got),
                   (unsigned long long)golden_number[i].bits);
    }
}

/* Against the C library's strtod, which is another implementation. */
static void number_random(void)
{
    int round;
    rng_state = test_seed(2);
    for (round = 0; round < 20000; round++) {
        char text[96];
        size_t n = 0, digits = 1 + random_below(40), i, point = random_below(40);
        if (random_below(2) == 0)
            text[n++] = '-';
        text[n++] = (char)('1' + random_below(9));
        for (i = 0; i < digits; i++) {
            if (i == point && i + 1 < digits)
                text[n++] = '.';
            text[n++] = (char)('0' + random_below(10));
        }
        sprintf(text + n, "e%d", (int)random_below(640) - 320);
        {
            llmc_json v;
            llmc_blob b = blob_of(text);
            double expected = strtod(text, NULL), got;
            CHECKF(llmc_json_parse(&b, &v, &diag) == LLMC_OK, "%s: %s", text, diag.message);
            got = llmc_json_number(v, 1e308 * 10);
            if (expected > -DBL_MAX * 2 && expected < DBL_MAX * 2)
                CHECKF(bits_of(got) == bits_of(expected), "%s: %.17g, expected %.17g", text, got, expected);
        }
    }
}

static void number_long(void)
{
    static const char start[] = "1.00000000000000011102230246251565404236316680908203125"; /* 1 + 2^-53 */
    size_t zeros = 5000, n = sizeof start - 1;
    char *text = (char *)malloc(n + zeros + 20);
    llmc_json v;
    llmc_blob b;
    memcpy(text, start, n);
    memset(text + n, '0', zeros);
    text[n + zeros] = 0;
    b = blob_of(text);
    CHECK(llmc_json_parse(&b, &v, &diag) == LLMC_OK && llmc_json_number(v, 0) == 1.0); /* a tie, to even */
    text[n + zeros - 1] = '1';
    CHECK(llmc_json_parse(&b, &v, &diag) == LLMC_OK &&
          bits_of(llmc_json_number(v, 0)) == UINT64_C(0x3ff0000000000001));
    memset(text, '0', n + zeros); /* 0.000...0001e5000 */
    text[1] = '.';
    sprintf(text + n + zeros - 1, "1e%zu", n + zeros - 2);
    b = blob_of(text);
    CHECK(llmc_json_parse(&b, &v, &diag) == LLMC_OK && llmc_json_number(v, 0) == 1.0);
    CHECK(llmc_json_integer(v, 0) == 1);
    memset(text, '9', n + zeros);
    sprintf(text + n + zeros, "e-%zu", n + zeros);
    b = blob_of(text);
    CHECK(llmc_json_parse(&b, &v, &diag) == LLMC_OK && llmc_json_number(v, 0) == 1.0);
    free(text);
}

static void number_integers(void)
{
    static const struct {
        const char *text;
        int64_t value;
        int fits;
    } t[] = {{"0", 0, 1},
             {"-0", 0, 1},
             {"0.000", 0, 1},
             {"0e5", 0, 1},
             {"1", 1, 1},
             {"-17", -17, 1},
             {"9007199254740993", INT64_C(9007199254740993), 1},
             {"9223372036854775807", INT64_MAX, 1},
             {"-9223372036854775808", INT64_MIN, 1},
             {"9223372036854775808", 0, 0},
             {"-9223372036854775809", 0, 0},
             {"18446744073709551616", 0, 0},
             {"1e3", 1000, 1},
             {"1.50e1", 15, 1},
             {"1.5", 0, 0},
             {"10000.0", 10000, 1},
             {"1e-1", 0, 0},
             {"100e-2", 1, 1},
             {"1000000e-6", 1, 1},
             {"92233720368547758070e-1", INT64_MAX, 1},
             {"1e18", INT64_C(1000000000000000000), 1},
             {"1e19", 0, 0},
             {"1e99999999999", 0, 0},
             {"1e-99999999999", 0, 0},
             {"0.00000000000000000000000000000000001e35", 1, 1},
             {"1.000000000000000000000000000000000000000", 1, 1},
             {"1.000000000000000000000000000000000000001", 0, 0},
             {"922337203685477580.7e1", INT64_MAX, 1}};
    size_t i;
    for (i = 0; i < sizeof t / sizeof t[0]; i++) {
        llmc_json v;
        llmc_blob b = blob_of(t[i].text);
        CHECK(llmc_json_parse(&b, &v, &diag) == LLMC_OK);
        CHECKF(llmc_json_integer(v, -99) == (t[i].fits ? t[i].value : -99), "%s: %lld", t[i].text,
               (long long)llmc_json_integer(v, -99));
    }
}

//--[ settings ]--

/* "section/key=value@line " for every setting, or "!line" at an error. */
static const char *settings_of(const char *text)
{
    static char out[4096];
    size_t n = strlen(text), at = 0, len = 0;
    char *copy = (char *)malloc(n + 1);
    llmc_setting set;
    llmc_status s;
    llmc_blob b;
    memcpy(copy, text, n);
    b.data = copy;
    b.size = n;
    b.name = "s";
    out[0] = 0;
    while ((s = llmc_settings_next(&b, &at, &set, &diag)) == LLMC_OK && len < sizeof out - 512)
        len +=
            (size_t)sprintf(out + len, "%s/%s=%s@%u ", set.section, set.key, set.value, (unsigned)set.line);
    if (s == LLMC_DONE)
        CHECK(at == n && llmc_settings_next(&b, &at, &set, &diag) == LLMC_DONE);
    else {
        CHECK(s == LLMC_BAD_FILE && diag.status == LLMC_BAD_FILE);
        sprintf(out + len, "!%s", diag.message + (strncmp(diag.message, "s:", 2) == 0 ? 2 : 0));
    }
    free(copy);
    return out;
}

static void expect(const char *text, const char *settings)
{
    const char *got = settings_of(text);
    CHECKF(strcmp(got, settings) == 0, "\n%s\ngives    %s\nexpected %s", text, got, settings);
}

/* The three styles of configuration that FORMATS.md names. */
static void settings_styles(void)
{
    expect("# model\nn_embd: 768\nn_head: 12\n\nlayer_norm_epsilon: 1e-5  # small\nuse_bias: false\nname: "
           "'it''s'\n",
           "/n_embd=768@2 /n_head=12@3 /layer_norm_epsilon=1e-5@5 /use_bias=false@6 /name=it's@7 ");
    expect("[model]\nn_embd = 4096\nmax_seq_len = 1_000_000\n[rope]\nrope_base = "
           "10000.0\n\n[attention]\nwindow_size=4096"
           "\nsink_tokens = 4 # kept\n[kv_cache]\nkv_cache_capacity = 32768",
           "model/n_embd=4096@2 model/max_seq_len=1000000@3 rope/rope_base=10000.0@5 "
           "attention/window_size=4096@8 "
           "attention/sink_tokens=4@9 kv_cache/kv_cache_capacity=32768@11 ");
    expect("{\"n_embd\": 768, \"layer_norm_epsilon\": 1e-05,\n \"use_bias\": false, \"x\": null,\n \"act\": "
           "\"ge\\u006cu\"}\n",
           "/n_embd=768@1 /layer_norm_epsilon=1e-05@1 /use_bias=false@2 /x=null@2 /act=gelu@3 ");
    expect("{\"step\": 5,\n\"model_config\": {\"n_layer\": 20,\n\"n_head\":\n10}, \"val_bpb\": 0.8}",
           "/step=5@1 model_config/n_layer=20@2 model_config/n_head=10@4 /val_bpb=0.8@4 ");
}

static void settings_yaml(void)
{
    expect("", "");
    expect("\n\n# only\n   # comments\n", "");
    expect("---\na: 1\n", "/a=1@2 ");
    expect("\xef\xbb\xbf"
           "a: 1\r\nb: two words\r\n",
           "/a=1@1 /b=two words@2 ");
    expect("a: \"x # y\\n\\u00e9\\U0001F600\" # c\nb: 'x \\n'\nc: x#y\nd:\ne:   \n",
           "/a=x # y\n\xc3\xa9\xf0\x9f\x98\x80@1 /b=x \\n@2 /c=x#y@3 /d=@4 /e=@5 ");
    expect("a: C:\\path\nb: 12_3\nc: a_1_2\nd: \"1_0\"\n\"quoted key\": 1\n",
           "/a=C:\\path@1 /b=123@2 /c=a_1_2@3 /d=1_0@4 /quoted key=1@5 ");
    expect("a: -5\nb: +1e-3\nc: 1__0\nd: 1_\ne : 7\n", "/a=-5@1 /b=+1e-3@2 /c=1__0@3 /d=1_@4 /e=7@5 ");
}

static void settings_toml(void)
{
    expect("a = true\nb = \"s\\t\"\nc = 'lit\\t'\n  d = inf\n[ s-1 ] # c\n\te = -1_0.5e-1_0\n",
           "/a=true@1 /b=s\t@2 /c=lit\\t@3 /d=inf@4 s-1/e=-10.5e-10@6 ");
    expect("a = 1979-05-27\nb=5#c\n[empty]\n", "/a=1979-05-27@1 /b=5@2 ");
    expect("a = 1979-05-27T07:32:00Z\nb = 2024-01-01 07:32:00.5+01:00\nc = 0x1F\nd = 0o17\ne = +1.5E3\n",
           "/a=1979-05-27T07:32:00Z@1 /b=2024-01-01 07:32:00.5+01:00@2 /c=0x1F@3 /d=0o17@4 /e=+1.5E3@5 ");
}

static void settings_refused(void)
{
    static const struct {
        const char *text, *result, *word;
    } t[] = {
        {"a: 1\nb: [1, 2]\n", "/a=1@1 !2:", "lists"},
        {"a = [1]\n", "!1:", "lists"},
        {"a:\n  - 1\n", "/a=@1 !2:", "lists"},
        {"- a\n", "!1:", "lists"},
        {"-\ta\n", "!1:", "lists"},
        {"a: -\n", "!1:", "lists"},
        {"a: -\tb\n", "!1:", "lists"},
        {"{\"a\": 1,\n\"b\": [1]}", "/a=1@1 !2:", "lists"},
        {"{\"a\": {\"b\": {}}}", "!1:", "objects"},
        {"{\"\": {\"b\": 1}}", "!1:", "objects"},
        {"{\"a\": {\"b\": 1}", "!1:", "ends"},
        {"{\"a\": \"\\u0000\"}", "!1:", "NUL"},
        {"[1, 2]\n", "!1:", "']'"},
        {"[[a]]\n", "!1:", "tables"},
        {"[a.b]\n", "!1:", "dots"},
        {"[]\n", "!1:", "name"},
        {"[a\n", "!1:", "']'"},
        {"[a] b\n", "!1:", "end of the line"},
        {"a.b = 1\n", "!1:", "dots"},
        {"a = {b = 1}\n", "!1:", "tables"},
        {"a: {b: 1}\n", "!1:", "tables"},
        {"a:\n  b: 1\n", "/a=@1 !2:", "nesting"},
        {"a: |\n text\n", "!1:", "blocks"},
        {"a: &x 1\n", "!1:", "quotes"},
        {"a: b: c\n", "!1:", "colon"},
        {"a: b:\tc\n", "!1:", "colon"},
        {"a: b:\n", "!1:", "colon"},
        {"a:1\n", "!1:", "space"},
        {"just text\n", "!1:", "':' or '='"},
        {"a = \n", "!1:", "value"},
        {"a = text\n", "!1:", "quotes"},
        {"a = 3files/x\n", "!1:", "quotes"},
        {"a = 12 apples\n", "!1:", "quotes"},
        {"a = -path\n", "!1:", "quotes"},
        {"a = 1%\n", "!1:", "quotes"},
        {"a = \"x\n", "!1:", "quote"},
        {"a = \"x\" y\n", "!1:", "end of the line"},
        {"a = 'a''b'\n", "!1:", "end of the line"},
        {"a: \"x\"# c\n", "!1:", "end of the line"},
        {"a: \"\\q\"\n", "!1:", "escape"},
        {"a: \"\\ud800\"\n", "!1:", "escape"},
        {"a: \"\\u0000\"\n", "!1:", "escape"},
        {"a: \x01\n", "!1:", "control"},
        {"a: \xff\n", "!1:", "UTF-8"},
        {"a: 1\n---\nb: 2\n", "/a=1@1 !2:", "name"},
        {"a: 1\rb: 2\n", "!1:", "control"},
        {"= 1\n", "!1:", "name"},
        {"\xc3\xa9: 1\n", "!1:", "name"},
    };
    size_t i;
    for (i = 0; i < sizeof t / sizeof t[0]; i++) {
        const char *got = settings_of(t[i].text);
        size_t n = strlen(t[i].result);
        CHECKF(strncmp(got, t[i].result, n) == 0 && strstr(got + n, t[i].word) != NULL,
               "\n%s\ngives    %s\nexpected %s...%s", t[i].text, got, t[i].result, t[i].word);
    }
}

/* Every field one byte short of its limit, and one over it. */
static void settings_lengths(void)
{
    static const size_t limit[] = {31, 63, 255};
    static const char *const form[][2] = {{"[", "]\na = 1\n"}, {"", ": 1\n"},
                                          {"a = \"", "\"\n"},  {"{\"", "\": {\"a\": 1}}"},
                                          {"{\"", "\": 1}"},   {"{\"a\": \"", "\"}"}};
    size_t i, over;
    for (i = 0; i < 6; i++)
        for (over = 0; over < 2; over++) {
            char text[400];
            size_t n = limit[i % 3] + over, len = strlen(form[i][0]);
            llmc_setting set;
            size_t at = 0;
            llmc_blob b;
            memcpy(text, form[i][0], len);
            memset(text + len, 'x', n);
            strcpy(text + len + n, form[i][1]);
            b = blob_of(text);
            CHECKF(llmc_settings_next(&b, &at, &set, &diag) == (over ? LLMC_BAD_FILE : LLMC_OK),
                   "form %zu, %zu bytes", i, n);
            if (over)
                CHECK(at == 0 && strstr(diag.message, "too long") != NULL);
            else
                CHECK(strlen(i % 3 == 0 ? set.section : i % 3 == 1 ? set.key : set.value) == n);
        }
}

/* However long the file's path is, the message says what is wrong; the path's end, whole characters. */
static void long_names_leave_room(void)
{
    static char name[400];
    llmc_setting set;
    llmc_json v;
    llmc_blob b;
    size_t at = 0;
    int shift;
    for (shift = 0; shift < 2; shift++) {
        size_t i;
        memset(name, 'p', sizeof name);
        for (i = (size_t)shift; i + 1 < 300; i += 2)
            memcpy(name + i, "\xc3\xa4", 2);
        strcpy(name + 300, "/config.json");
        b = blob_of("{\"a\": x}");
        b.name = name;
        CHECK(llmc_json_parse(&b, &v, &diag) == LLMC_BAD_FILE);
        CHECKF(strstr(diag.message, "/config.json:1: expected a") != NULL, "%s", diag.message);
        CHECKF(llmc__utf8_valid(diag.message, strlen(diag.message)) > 0, "%s", diag.message);
        b = blob_of("a: [1]\n");
        b.name = name;
        CHECK(llmc_settings_next(&b, &at, &set, &diag) == LLMC_BAD_FILE);
        CHECKF(strstr(diag.message, "/config.json:1: lists are not supported") != NULL, "%s", diag.message);
    }
}

static void settings_mutated(void)
{
    static const char *const base[] = {
        "# c\nn_embd: 768\nname: \"a\\tb\" # c\nuse: 'x''y'\nlast: 1_000\n",
        "[model]\nn = 1_000 # c\n[rope]\nbase = 1e4\ns = \"q\\u0041\"\n",
        "{\"a\": 1, \"model_config\": {\"n\": 2, \"s\": \"x\\n\"}, \"z\": true}"};
    static const char alphabet[] = "{}[]\",:\\='#\n\r _-.x1\x80\xc3\x01";
    int round;
    rng_state = test_seed(3);
    for (round = 0; round < 30000; round++) {
        const char *from = base[round % 3];
        size_t n = strlen(from), at = 0, before;
        char *text = (char *)malloc(n);
        uint32_t changes = random_below(4), i;
        llmc_setting set;
        llmc_blob b;
        llmc_status s;
        memcpy(text, from, n);
        for (i = 0; i < changes; i++)
            text[random_below((uint32_t)n)] = alphabet[random_below(sizeof alphabet - 1)];
        n = random_below(4) == 0 ? random_below((uint32_t)n + 1) : n;
        text = (char *)realloc(text, n > 0 ? n : 1);
        b.data = text;
        b.size = n;
        b.name = "mutated";
        do {
            before = at;
            s = llmc_settings_next(&b, &at, &set, &diag);
            CHECK(s == LLMC_OK ? at > before : s == LLMC_DONE ? at == n : s == LLMC_BAD_FILE && at == before);
        } while (s == LLMC_OK);
        free(text);
    }
}

/* A megabyte of the slowest kinds of text takes a moment, not minutes. */
static void linear_time(void)
{
    size_t n = 1u << 20, at = 0, i, count = 0;
    char *text = (char *)malloc(n);
    llmc_setting set;
    llmc_json v;
    llmc_blob b;
    llmc_status s;
    b.data = text;
    b.size = n;
    b.name = NULL;
    memset(text, ' ', n);
    text[n / 2] = '{';
    for (i = n / 2 + 1; i + 6 < n; i += 6)
        memcpy(text + i, "\"a\":1,", 6);
    text[i - 1] = '}';
    while ((s = llmc_settings_next(&b, &at, &set, &diag)) == LLMC_OK)
        count++;
    CHECKF(s == LLMC_DONE && count == (i - n / 2 - 1) / 6, "%zu settings, %s", count, diag.message);
    memset(text, '\n', n);
    for (i = n / 2; i + 5 < n; i += 5)
        memcpy(text + i, "a: 1\n", 5);
    for (at = count = 0; (s = llmc_settings_next(&b, &at, &set, &diag)) == LLMC_OK;)
        count++;
    CHECK(s == LLMC_DONE && count == (i - n / 2) / 5 && set.line == n / 2 + count + n - i);
    memset(text, '7', n);
    CHECK(llmc_json_parse(&b, &v, &diag) == LLMC_OK && llmc_json_number(v, 1) == 1 &&
          llmc_json_integer(v, 2) == 2);
    free(text);
}

static void text_numbers(void)
{
    llmc__decimal d;
    int64_t i;
    double f;
    CHECK(llmc__text_number("+32", 3, &d) && llmc__decimal_i64(&d, &i) && i == 32);
    CHECK(llmc__text_number("1e-05", 5, &d) && llmc__decimal_f64(&d, &f) && f == 1e-5);
    CHECK(!llmc__text_number("", 0, &d) && !llmc__text_number("+", 1, &d) &&
          !llmc__text_number("+-1", 3, &d));
    CHECK(!llmc__text_number("12 ", 3, &d) && !llmc__text_number("none", 4, &d));
}

//--[ MessagePack ]--

/* One head: its type, number and how many bytes it took; 0: refused. In memory of exactly that size. */
static size_t pack_head(const char *bytes, size_t n, llmc__msgpack_value *v)
{
    uint8_t *copy = (uint8_t *)malloc(n > 0 ? n : 1);
    llmc__msgpack m, skip;
    size_t taken;
    memcpy(copy, bytes, n);
    m.at = copy;
    m.end = copy + n;
    skip = m;
    taken = llmc__msgpack_next(&m, v) ? (size_t)(m.at - copy) : 0;
    if (taken == 0)
        CHECK(m.at == copy && !llmc__msgpack_skip(&skip) && skip.at == copy);
    else if (v->data != NULL)
        CHECK(v->data >= copy && v->data + v->n == m.at);
    free(copy);
    return taken;
}

/* Every form, bytes by hand after the specification; then each of them cut short. */
static void msgpack_forms(void)
{
    static const struct {
        const char *bytes;
        size_t n; /* the value's own */
        llmc__msgpack_type type;
        uint64_t value;
    } c[] = {{"\x00", 1, LLMC__MSGPACK_UINT, 0},
             {"\x7f", 1, LLMC__MSGPACK_UINT, 127},
             {"\xe0", 1, LLMC__MSGPACK_INT, 0xe0},
             {"\xff", 1, LLMC__MSGPACK_INT, 0xff},
             {"\x80", 1, LLMC__MSGPACK_MAP, 0},
             {"\x82\1\1\1\1", 1, LLMC__MSGPACK_MAP, 2},
             {"\x90", 1, LLMC__MSGPACK_ARRAY, 0},
             {"\x93\1\1\1", 1, LLMC__MSGPACK_ARRAY, 3},
             {"\xa0", 1, LLMC__MSGPACK_TEXT, 0},
             {"\xa3"
              "abc",
              4, LLMC__MSGPACK_TEXT, 3},
             {"\xc0", 1, LLMC__MSGPACK_NIL, 0},
             {"\xc2", 1, LLMC__MSGPACK_BOOL, 0},
             {"\xc3", 1, LLMC__MSGPACK_BOOL, 1},
             {"\xc4\2ab", 4, LLMC__MSGPACK_BIN, 2},
             {"\xc5\0\2ab", 5, LLMC__MSGPACK_BIN, 2},
             {"\xc6\0\0\0\2ab", 7, LLMC__MSGPACK_BIN, 2},
             {"\xc7\2xab", 5, LLMC__MSGPACK_EXT, 2},
             {"\xc8\0\2xab", 6, LLMC__MSGPACK_EXT, 2},
             {"\xc9\0\0\0\2xab", 8, LLMC__MSGPACK_EXT, 2},
             {"\xca\x3f\x80\0\0", 5, LLMC__MSGPACK_FLOAT, 0x3f800000},
             {"\xcb\x3f\xf0\0\0\0\0\0\0", 9, LLMC__MSGPACK_FLOAT, (uint64_t)0x3ff << 52},
             {"\xcc\xff", 2, LLMC__MSGPACK_UINT, 255},
             {"\xcd\1\2", 3, LLMC__MSGPACK_UINT, 258},
             {"\xce\1\2\3\4", 5, LLMC__MSGPACK_UINT, 0x01020304},
             {"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9, LLMC__MSGPACK_UINT, UINT64_MAX},
             {"\xd0\x05", 2, LLMC__MSGPACK_UINT, 5},
             {"\xd0\x80", 2, LLMC__MSGPACK_INT, 0x80},
             {"\xd1\x7f\xff", 3, LLMC__MSGPACK_UINT, 0x7fff},
             {"\xd1\x80\0", 3, LLMC__MSGPACK_INT, 0x8000},
             {"\xd2\x80\0\0\0", 5, LLMC__MSGPACK_INT, (uint64_t)1 << 31},
             {"\xd3\x80\0\0\0\0\0\0\0", 9, LLMC__MSGPACK_INT, (uint64_t)1 << 63},
             {"\xd3\0\0\0\0\0\0\1\0", 9, LLMC__MSGPACK_UINT, 256},
             {"\xd4xa", 3, LLMC__MSGPACK_EXT, 1},
             {"\xd5xab", 4, LLMC__MSGPACK_EXT, 2},
             {"\xd6xabcd", 6, LLMC__MSGPACK_EXT, 4},
             {"\xd7xabcdefgh", 10, LLMC__MSGPACK_EXT, 8},
             {"\xd8xabcdefghabcdefgh", 18, LLMC__MSGPACK_EXT, 16},
             {"\xd9\1a", 3, LLMC__MSGPACK_TEXT, 1},
             {"\xda\0\1a", 4, LLMC__MSGPACK_TEXT, 1},
             {"\xdb\0\0\0\1a", 6, LLMC__MSGPACK_TEXT, 1},
             {"\xdc\0\1\0", 3, LLMC__MSGPACK_ARRAY, 1},
             {"\xdd\0\0\0\1\0", 5, LLMC__MSGPACK_ARRAY, 1},
             {"\xde\0\1\0\0", 3, LLMC__MSGPACK_MAP, 1},
             {"\xdf\0\0\0\1\0\0", 5, LLMC__MSGPACK_MAP, 1}};
    llmc__msgpack_value v;
    size_t i, n, all;
    for (i = 0; i < sizeof c / sizeof c[0]; i++) {
        all = c[i].n;
        if (c[i].type == LLMC__MSGPACK_ARRAY || c[i].type == LLMC__MSGPACK_MAP)
            all += (size_t)c[i].value * (c[i].type == LLMC__MSGPACK_MAP ? 2 : 1);
        CHECKF(pack_head(c[i].bytes, all, &v) == c[i].n && v.type == c[i].type && v.n == c[i].value,
               "form %u: type %d, n %llu", (unsigned)i, (int)v.type, (unsigned long long)v.n);
        for (n = 0; n < all; n++)
            CHECKF(pack_head(c[i].bytes, n, &v) == 0, "form %u cut to %u", (unsigned)i, (unsigned)n);
    }
    CHECK(pack_head("\xc1", 1, &v) == 0);
    CHECK(pack_head("\xdf\xff\xff\xff\xff\0\0", 7, &v) == 0);
    CHECK(pack_head("\xdd\x80\0\0\0\0\0", 7, &v) == 0);
    CHECK(pack_head("\xc6\xff\xff\xff\xff\0\0", 7, &v) == 0);
}

/* Passing over values of any depth, and of counts that add up to more than there is. */
static void msgpack_skip(void)
{
    static uint8_t deep[100001];
    static const char *const bad[] = {"\x93\x93\1\1", "\x82\1\x82\1\1\1", "\x91", "\x91\xc1",
                                      "\x81\1\xa4"
                                      "abc"};
    llmc__msgpack m;
    size_t i;
    memset(deep, 0x91, sizeof deep);
    deep[100000] = 0xc0;
    m.at = deep;
    m.end = deep + sizeof deep;
    CHECK(llmc__msgpack_skip(&m) && m.at == m.end);
    m.at = deep;
    m.end = deep + 100000;
    CHECK(!llmc__msgpack_skip(&m) && m.at == deep);
    m.at = (const uint8_t *)"\x83\1\x92\2\x80\xa1z\xc4\1z\3\xd4xy"
                            "next";
    m.end = m.at + 18;
    CHECK(llmc__msgpack_skip(&m) && m.at[0] == 'n');
    for (i = 0; i < 5; i++) {
        m.at = (const uint8_t *)bad[i];
        m.end = m.at + strlen(bad[i]);
        CHECKF(!llmc__msgpack_skip(&m) && m.at == (const uint8_t *)bad[i], "%u", (unsigned)i);
    }
}

int main(void)
{
    RUN(json_accepts);
    RUN(json_refuses);
    RUN(json_says_where);
    RUN(json_depth);
    RUN(json_truncated);
    RUN(json_mutated);
    RUN(json_cursor);
    RUN(json_fallbacks);
    RUN(json_string_capacity);
    RUN(number_golden);
    RUN(number_random);
    RUN(number_long);
    RUN(number_integers);
    RUN(settings_styles);
    RUN(settings_yaml);
    RUN(settings_toml);
    RUN(settings_refused);
    RUN(settings_lengths);
    RUN(long_names_leave_room);
    RUN(settings_mutated);
    RUN(linear_time);
    RUN(text_numbers);
    RUN(msgpack_forms);
    RUN(msgpack_skip);
    return test_end("test_data");
}
