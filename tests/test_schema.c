/* test_schema.c -- GRAMMAR.schema: schemas, the texts that their grammars take, and what is refused.

   Every grammar is compiled and followed by GRAMMAR itself; tests/vectors/schema.py compares random ones
   with an independent validator and an independent reader of grammars. Expected texts here follow from
   JSON Schema 2020-12 and RFC 8259, by hand. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

static llmc_diag diag;
static llmc_schema_options options; /* of the next schema */
static char gbnf[LLMC_SCHEMA_TEXT];
static size_t gbnf_len;

/* The schema's grammar into gbnf. */
static llmc_status convert(const char *schema)
{
    const size_t n = strlen(schema), need = llmc_schema_need(&options);
    char *copy = (char *)malloc(n > 0 ? n : 1); /* exactly its size: a sanitizer sees reads beyond it */
    void *work = malloc(need);
    llmc_blob b;
    llmc_status s;
    memcpy(copy, schema, n);
    memset(work, 0x5a, need);
    b.data = copy;
    b.size = n;
    b.name = NULL;
    gbnf_len = 0;
    s = llmc_schema_gbnf(&b, &options, gbnf, sizeof gbnf, &gbnf_len, work, need, &diag);
    free(work);
    free(copy);
    return s;
}

typedef struct acceptor {
    llmc_grammar *grammar;
    llmc_grammar_state *state;
    void *mem, *mem2;
} acceptor;

/* The schema's grammar, ready to follow texts; false, with a failed check, if there is none. */
static int acceptor_open(acceptor *a, const char *schema)
{
    size_t bytes = 0;
    memset(a, 0, sizeof *a);
    if (!CHECKF(convert(schema) == LLMC_OK, "%s: %s", schema, diag.message))
        return 0;
    if (!CHECKF(llmc_grammar_need(NULL, gbnf, gbnf_len, NULL, &bytes, &diag) == LLMC_OK, "%s: %s\n%.*s",
                schema, diag.message, (int)gbnf_len, gbnf))
        return 0;
    a->mem = malloc(bytes);
    CHECK(llmc_grammar_init(&a->grammar, NULL, gbnf, gbnf_len, NULL, a->mem, bytes, &diag) == LLMC_OK);
    CHECK(llmc_grammar_state_need(a->grammar, NULL, &bytes, &diag) == LLMC_OK);
    a->mem2 = malloc(bytes);
    return CHECK(llmc_grammar_state_init(&a->state, a->grammar, NULL, a->mem2, bytes, &diag) == LLMC_OK);
}

static void acceptor_close(acceptor *a)
{
    free(a->mem2);
    free(a->mem);
}

static int takes(acceptor *a, const char *text)
{
    return llmc_grammar_reset(a->state, false, NULL) == LLMC_OK &&
           llmc_grammar_text(a->state, text, strlen(text), NULL) == LLMC_OK && llmc_grammar_can_end(a->state);
}

/* A schema, texts that it takes, NULL, texts that it does not take, NULL. */
typedef struct row {
    const char *schema;
    const char *text[24];
} row;

static void run_rows(const row *r, size_t n)
{
    for (; n > 0; n--, r++) {
        acceptor a;
        const char *const *t = r->text;
        if (acceptor_open(&a, r->schema)) {
            for (; *t != NULL; t++)
                CHECKF(takes(&a, *t), "%s does not take %s\n%.*s", r->schema, *t, (int)gbnf_len, gbnf);
            for (t++; *t != NULL; t++)
                CHECKF(!takes(&a, *t), "%s takes %s\n%.*s", r->schema, *t, (int)gbnf_len, gbnf);
        }
        acceptor_close(&a);
    }
}

#define ROWS(rows) run_rows(rows, sizeof(rows) / sizeof(rows)[0])

static void any_json(void)
{
    static const row rows[] = {
        {"{}",
         {"1", "-0.5e+10", "\"\"", "[]", "{}", "{\"a\":[1,{\"b\":null}],\"a\":true}", "\"\\u00e9\\n\\/\"",
          NULL, "", "01", "nul", "[1,]", "{\"a\"}", "\"\n\"", "\"\\x\"", "1 ", NULL}},
        {"true", {"null", NULL, "x", NULL}},
        {"{\"type\":\"object\"}", {"{}", "{\"x\":[]}", NULL, "[]", "1", NULL}},
        {"{\"type\":[\"array\",\"null\"]}", {"[]", "[[],1]", "null", NULL, "{}", "0", NULL}},
        {"{\"title\":\"t\",\"$comment\":\"c\",\"default\":1,\"x-own\":2}", {"false", NULL, "", NULL}},
    };
    ROWS(rows);
}

static void strings(void)
{
    static const row rows[] = {
        {"{\"type\":\"string\",\"minLength\":2,\"maxLength\":3}",
         {"\"ab\"", "\"abc\"", "\"\\n\\t\"", "\"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\"", "\"\\ud83d\\ude00x\"",
          "\"\\u0041\\u0000\"", NULL, "\"a\"", "\"abcd\"", "\"\\ud83d\\ude00\"", "\"\\ud83dx\"",
          "\"\\ude00xy\"", "\"\\ud83d\\ud83d\\ude00\"", NULL}},
        {"{\"maxLength\":0}", {"\"\"", NULL, "\"a\"", "1", NULL}},
        {"{\"type\":\"string\",\"pattern\":\"^a[b-d]*$\"}",
         {"\"a\"", "\"abcd\"", NULL, "\"\"", "\"ae\"", "\"xa\"", NULL}},
        {"{\"type\":\"string\",\"pattern\":\"b\"}",
         {"\"b\"", "\"abc\"", "\"\\\"b\\u0041\"", NULL, "\"\"", "\"ac\"", NULL}},
        {"{\"type\":\"string\",\"pattern\":\"^x|y$\"}",
         {"\"x\"", "\"xz\"", "\"zy\"", "\"y\"", NULL, "\"zx\"", "\"yz\"", NULL}},
        {"{\"type\":\"string\",\"pattern\":\"^[\\\"\\\\\\\\\\n\\u0001]$\"}",
         {"\"\\\"\"", "\"\\\\\"", "\"\\n\"", "\"\\u0001\"", NULL, "\"\"\"", "\"\n\"", "\"a\"", NULL}},
        {"{\"type\":\"string\",\"pattern\":\"^[^a]$\"}",
         {"\"b\"", "\"\xc3\xa9\"", "\"\\n\"", "\"\\u001f\"", "\"\\\"\"", NULL, "\"a\"", "\"\"", "\"\\u000a\"",
          NULL}},
        {"{\"type\":\"string\",\"pattern\":\"^(?:ab|(c)){2}d?$\"}",
         {"\"abc\"", "\"ccd\"", "\"ababd\"", NULL, "\"ab\"", "\"ccc\"", NULL}},
        {"{\"type\":\"string\",\"pattern\":\"^\\\\d{2,}\\\\.\\\\w\\\\s$\"}",
         {"\"12._ \"", "\"123.a\\t\"", NULL, "\"1.a \"", "\"12xa \"", NULL}},
        {"{\"type\":\"string\",\"pattern\":\"^$\"}", {"\"\"", NULL, "\"a\"", NULL}},
        {"{\"type\":\"string\",\"pattern\":\"\"}", {"\"\"", "\"anything\"", NULL, "1", NULL}},
        {"{\"type\":\"string\",\"pattern\":\"^(|a)b$\"}", {"\"b\"", "\"ab\"", NULL, "\"a\"", NULL}},
        {"{\"type\":\"string\",\"pattern\":\"^[a-z][a-z0-9]*$\",\"minLength\":2,\"maxLength\":4}",
         {"\"ab\"", "\"a123\"", NULL, "\"a\"", "\"abcde\"", "\"1ab\"", NULL}},
        {"{\"type\":\"string\",\"pattern\":\"^[A-Z]{3}$\",\"minLength\":3,\"maxLength\":100}",
         {"\"ABC\"", NULL, "\"AB\"", NULL}},
        {"{\"type\":\"string\",\"pattern\":\"^\\u00e9+$\"}", {"\"\xc3\xa9\"", NULL, "\"e\"", NULL}},
    };
    ROWS(rows);
}

static void formats(void)
{
    static const row rows[] = {
        {"{\"format\":\"date\"}",
         {"\"2024-02-29\"", "\"2000-02-29\"", "\"1999-12-31\"", "\"2023-04-30\"", NULL, "\"2023-02-29\"",
          "\"1900-02-29\"", "\"2023-04-31\"", "\"2023-13-01\"", "\"23-01-01\"", "\"2023-1-01\"", NULL}},
        {"{\"format\":\"time\"}",
         {"\"23:59:59Z\"", "\"00:00:00.123+05:30\"", NULL, "\"24:00:00Z\"", "\"12:00:00\"", NULL}},
        {"{\"format\":\"date-time\"}",
         {"\"2024-02-29T12:00:00Z\"", NULL, "\"2024-02-29 12:00:00Z\"", "\"2024-02-29\"", NULL}},
        {"{\"format\":\"uuid\"}",
         {"\"123e4567-E89b-12d3-a456-426614174000\"", NULL, "\"123e4567e89b12d3a456426614174000\"", NULL}},
        {"{\"format\":\"ipv4\"}",
         {"\"127.0.0.1\"", "\"255.255.255.255\"", NULL, "\"256.0.0.1\"", "\"1.2.3\"", "\"01.2.3.4\"", NULL}},
        {"{\"format\":\"email\"}", {"\"a.b@c.org\"", NULL, "\"a\"", "\"@c.org\"", NULL}},
        {"{\"format\":\"uri\",\"minLength\":1,\"maxLength\":2083}",
         {"\"https://a.b:80/c/d?e=f#g\"", NULL, "\"a b\"", "\"//x\"", NULL}},
        {"{\"type\":\"integer\",\"format\":\"int32\"}",
         {"2147483647", "-2147483648", "0", NULL, "2147483648", "-2147483649", NULL}},
    };
    ROWS(rows);
}

static void numbers(void)
{
    static const row rows[] = {
        {"{\"type\":\"integer\"}",
         {"0", "-1", "123456789012345678", NULL, "-0", "01", "1.0", "1e2", "1234567890123456789", NULL}},
        {"{\"type\":\"number\"}",
         {"0", "-0", "1.50", "1e-7", "-12.5E+3", NULL, ".5", "1.", "+1", "1e100", NULL}},
        {"{\"type\":\"number\",\"minimum\":0.1,\"exclusiveMaximum\":0.25}",
         {"0.1", "0.10", "0.2", "0.2499", "0.11", NULL, "0.09", "0.25", "0.250", "0", "1", "0.3", NULL}},
        {"{\"type\":\"number\",\"exclusiveMinimum\":5,\"maximum\":7}",
         {"5.0001", "6", "7", "7.00", NULL, "5", "5.00", "7.01", "4", NULL}},
        {"{\"type\":\"number\",\"exclusiveMinimum\":0,\"exclusiveMaximum\":1}",
         {"0.5", "0.001", NULL, "0", "0.0", "1", "-0.5", NULL}},
        {"{\"type\":\"number\",\"minimum\":-1.5,\"maximum\":-0.5}",
         {"-1.5", "-1", "-0.5", "-0.75", NULL, "-1.51", "-0.49", "0", "1", NULL}},
        {"{\"type\":\"number\",\"minimum\":1e2,\"maximum\":1.5e2}",
         {"100", "150.0", "120.5", NULL, "99.9", "150.1", NULL}},
        {"{\"type\":\"number\",\"multipleOf\":1,\"minimum\":3}", {"3", "10", NULL, "3.5", "2", NULL}},
        {"{\"type\":\"integer\",\"minimum\":2.5,\"maximum\":4.5}", {"3", "4", NULL, "2", "5", NULL}},
        {"{\"type\":\"integer\",\"minimum\":-2.5,\"exclusiveMaximum\":-0.5}",
         {"-2", "-1", NULL, "-3", "0", NULL}},
        {"{\"type\":\"integer\",\"exclusiveMinimum\":true,\"minimum\":3}", {"4", NULL, "3", NULL}},
        {"{\"allOf\":[{\"minimum\":1},{\"type\":\"integer\",\"maximum\":3},{\"minimum\":2}]}",
         {"2", "3", NULL, "1", "4", NULL}},
        {"{\"type\":\"integer\",\"minimum\":-1e300,\"maximum\":1e300}",
         {"0", "-999999999999999999", NULL, "1000000000000000000", NULL}},
    };
    ROWS(rows);
}

/* All ranges of small bounds against comparison: integers as they are, decimals in tenths. */
static void ranges(void)
{
    static const int bound[] = {-112, -100, -99, -21, -10, -9, -1,  0,   1,   7,
                                9,    10,   12,  19,  20,  99, 100, 109, 110, 205};
    const size_t n = sizeof bound / sizeof bound[0];
    size_t i, j;
    int form;
    for (i = 0; i < n; i++)
        for (j = i; j < n; j++)
            for (form = 0; form < 4; form++) {
                const int decimal = form >= 2, open = form % 2;
                char schema[160], text[32];
                acceptor a;
                int v;
                if (decimal) /* -112 is -11.2 */
                    snprintf(schema, sizeof schema, "{\"type\":\"number\",\"%s\":%s%d.%d,\"%s\":%s%d.%d}",
                             open ? "exclusiveMinimum" : "minimum", bound[i] < 0 ? "-" : "",
                             abs(bound[i]) / 10, abs(bound[i]) % 10, open ? "exclusiveMaximum" : "maximum",
                             bound[j] < 0 ? "-" : "", abs(bound[j]) / 10, abs(bound[j]) % 10);
                else
                    snprintf(schema, sizeof schema, "{\"type\":\"integer\",\"%s\":%d,\"%s\":%d}",
                             open ? "exclusiveMinimum" : "minimum", bound[i],
                             open ? "exclusiveMaximum" : "maximum", bound[j]);
                if (open && bound[j] - bound[i] < (decimal ? 1 : 2)) {
                    CHECKF(convert(schema) == LLMC_BAD_FILE, "%s", schema);
                    continue;
                }
                if (!acceptor_open(&a, schema)) {
                    acceptor_close(&a);
                    continue;
                }
                for (v = -230; v <= 230; v++) {
                    const int in = open ? v > bound[i] && v < bound[j] : v >= bound[i] && v <= bound[j];
                    if (decimal && v % 10 != 0)
                        snprintf(text, sizeof text, "%s%d.%d", v < 0 ? "-" : "", abs(v) / 10, abs(v) % 10);
                    else
                        snprintf(text, sizeof text, "%d", decimal ? v / 10 : v);
                    CHECKF(takes(&a, text) == in, "%s: %s", schema, text);
                }
                acceptor_close(&a);
            }
}

static void objects(void)
{
    static const row rows[] = {
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"null\"},\"b\":{\"type\":\"null\"}},"
         "\"required\":[\"b\"]}",
         {"{\"b\":null}", "{\"a\":null,\"b\":null}", NULL, "{}", "{\"a\":null}", "{\"b\":null,\"a\":null}",
          "{\"b\":null,}", "{,\"b\":null}", "{\"b\":1}", "{\"b\":null,\"c\":null}", "{\"b\":null,\"b\":null}",
          NULL}},
        {"{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":{},\"c\":{}}}",
         {"{}", "{\"a\":1}", "{\"b\":1}", "{\"c\":1}", "{\"a\":1,\"c\":1}", "{\"b\":1,\"c\":1}",
          "{\"a\":1,\"b\":1,\"c\":1}", NULL, "{\"c\":1,\"a\":1}", "{\"a\":1\"c\":1}", NULL}},
        {"{\"type\":\"object\",\"properties\":{}}", {"{}", NULL, "{\"a\":1}", NULL}},
        {"{\"type\":\"object\",\"properties\":{\"ab\":{\"type\":\"null\"},\"ac\":{}},"
         "\"additionalProperties\":{\"type\":\"integer\"}}",
         {"{}", "{\"ab\":null}", "{\"ab\":null,\"ac\":1,\"x\":2}", "{\"a\":1}", "{\"abc\":1,\"b\":2,\"\":3}",
          "{\"\\n\":3}", "{\"ab\":null,\"a\\\"\":1}", "{\"aB\":1}", NULL, "{\"ab\":1}",
          "{\"ab\":null,\"ab\":1}", "{\"x\":1,\"ab\":2}", "{\"\\u0061b\":1}", "{\"x\":null}",
          "{\"x\":1,\"ab\":null}", NULL}},
        {"{\"type\":\"object\",\"properties\":{\"a\\\"\":{\"type\":\"null\"},\"\":{\"type\":\"null\"}},"
         "\"additionalProperties\":{\"type\":\"integer\"}}",
         {"{\"a\\\"\":null}", "{\"\":null}", "{\"a\":1}", "{\"a\\\\\":1}", "{\"a\\\"b\":1}", NULL,
          "{\"a\\\"\":1}", "{\"\":1}", NULL}},
        {"{\"type\":\"object\",\"required\":[\"x\"],\"additionalProperties\":{\"type\":\"null\"}}",
         {"{\"x\":null}", "{\"x\":null,\"y\":null}", NULL, "{}", "{\"y\":null}", "{\"x\":1}", NULL}},
        {"{\"type\":\"object\",\"properties\":{\"a\":false,\"b\":{}}}",
         {"{}", "{\"b\":1}", NULL, "{\"a\":1}", NULL}},
        {"{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":{},\"c\":{}},\"minProperties\":2}",
         {"{\"a\":1,\"b\":1}", "{\"a\":1,\"c\":1}", "{\"b\":1,\"c\":1}", "{\"a\":1,\"b\":1,\"c\":1}", NULL,
          "{}", "{\"a\":1}", "{\"c\":1}", NULL}},
        {"{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":{},\"c\":{}},\"required\":[\"c\"],"
         "\"maxProperties\":2}",
         {"{\"c\":1}", "{\"a\":1,\"c\":1}", "{\"b\":1,\"c\":1}", NULL, "{\"a\":1,\"b\":1,\"c\":1}",
          "{\"a\":1,\"b\":1}", NULL}},
        {"{\"type\":\"object\",\"properties\":{\"a\":{}},\"additionalProperties\":{\"type\":\"null\"},"
         "\"minProperties\":1,\"maxProperties\":2}",
         {"{\"a\":1}", "{\"a\":1,\"b\":null}", "{\"b\":null}", "{\"b\":null,\"c\":null}", NULL, "{}",
          "{\"a\":1,\"b\":null,\"c\":null}", NULL}},
        {"{\"allOf\":[{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}},{\"properties\":{"
         "\"b\":{},\"a\":{\"minimum\":3}},"
         "\"required\":[\"a\"]}]}",
         {"{\"a\":3}", "{\"a\":4,\"b\":1}", NULL, "{\"a\":2}", "{\"b\":1}", "{\"a\":\"x\"}", NULL}},
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"null\"},\"b\":{\"type\":\"null\"}},"
         "\"anyOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}",
         {"{\"a\":null}", "{\"b\":null}", "{\"a\":null,\"b\":null}", NULL, "{}", NULL}},
        {"{\"type\":\"object\",\"properties\":{\"caf\xc3\xa9\\n\":{\"type\":\"null\"}}}",
         {"{\"caf\xc3\xa9\\n\":null}", NULL, "{\"cafe\":null}", NULL}},
    };
    ROWS(rows);
}

static void open_objects(void)
{
    static const row rows[] = {
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"null\"}}}",
         {"{}", "{\"a\":null,\"b\":1}", "{\"b\":[]}", NULL, "{\"a\":1}", NULL}},
        {"{\"type\":\"object\",\"properties\":{\"a\":{}},\"additionalProperties\":false}",
         {"{\"a\":null}", NULL, "{\"b\":1}", NULL}},
    };
    options.open_objects = true;
    ROWS(rows);
    options.open_objects = false;
}

static void arrays(void)
{
    static const row rows[] = {
        {"{\"type\":\"array\",\"items\":{\"type\":\"null\"}}",
         {"[]", "[null]", "[null,null,null]", NULL, "[1]", "[null,]", NULL}},
        {"{\"type\":\"array\",\"items\":{\"type\":\"null\"},\"minItems\":1,\"maxItems\":2}",
         {"[null]", "[null,null]", NULL, "[]", "[null,null,null]", NULL}},
        {"{\"type\":\"array\",\"items\":{},\"maxItems\":1}", {"[]", "[[]]", NULL, "[1,2]", NULL}},
        /* all elements of a prefix are met, not only up to one that nothing was known to match yet */
        {"{\"prefixItems\":[{\"maxLength\":1},{\"maxLength\":2},{\"maxLength\":3}],\"items\":false}",
         {"[\"a\",\"bb\",\"ccc\"]", "[\"a\"]", "[]", NULL, "[\"aa\"]", "[\"a\",\"bbb\"]", NULL}},
        {"{\"type\":\"array\",\"maxItems\":0}", {"[]", NULL, "[1]", NULL}},
        {"{\"type\":\"array\",\"prefixItems\":[{\"type\":\"integer\"},{\"type\":\"null\"}]}",
         {"[]", "[1]", "[1,null]", "[1,null,\"x\"]", NULL, "[null]", "[1,2]", NULL}},
        {"{\"type\":\"array\",\"prefixItems\":[{\"type\":\"integer\"},{\"type\":\"null\"}],\"items\":false,"
         "\"minItems\":1}",
         {"[1]", "[1,null]", NULL, "[]", "[1,null,2]", NULL}},
        {"{\"type\":\"array\",\"items\":[{\"type\":\"integer\"}],\"additionalItems\":{\"type\":\"null\"},"
         "\"minItems\":2}",
         {"[1,null]", "[1,null,null]", NULL, "[1]", "[1,2]", NULL}},
        {"{\"type\":\"array\",\"prefixItems\":[{\"type\":\"integer\"},false,{}]}",
         {"[]", "[1]", NULL, "[1,1]", NULL}},
        {"{\"type\":\"array\",\"prefixItems\":[{\"type\":\"integer\"}],\"maxItems\":1}",
         {"[]", "[1]", NULL, "[1,1]", NULL}},
        {"{\"allOf\":[{\"type\":\"array\",\"prefixItems\":[{\"type\":\"integer\"}]},{\"items\":{\"minimum\":"
         "3}}]}",
         {"[]", "[3]", "[4,3.5]", NULL, "[2]", "[3.5]", "[3,1]", NULL}},
    };
    ROWS(rows);
}

static void values(void)
{
    static const row rows[] = {
        {"{\"enum\":[\"a\\\"\\u0041\",1.0,null,[1, {\"x\" : 2.50}]]}",
         {"\"a\\\"A\"", "1", "null", "[1,{\"x\":2.50}]", NULL, "1.0", "\"a\"", "[1, {\"x\":2.50}]", NULL}},
        /* values of one enum are not held against each other */
        {"{\"enum\":[{\"a\":1},{\"a\":2},[],[1]],\"type\":[\"object\",\"array\"]}",
         {"{\"a\":2}", "[1]", NULL, "{}", NULL}},
        {"{\"const\":{\"a\":[true,-0.0,1e3]}}", {"{\"a\":[true,0,1000]}", NULL, "{\"a\":[true]}", NULL}},
        {"{\"type\":\"integer\",\"enum\":[1,1.0,2.5,\"x\",7],\"maximum\":6}",
         {"1", NULL, "7", "2.5", "\"x\"", NULL}},
        {"{\"enum\":[\"a\",\"bb\",\"ccc\"],\"minLength\":2,\"maxLength\":2}",
         {"\"bb\"", NULL, "\"a\"", "\"ccc\"", NULL}},
        {"{\"allOf\":[{\"enum\":[1,2,3]},{\"enum\":[2.0,3,4]},{\"const\":3}]}", {"3", NULL, "2", "4", NULL}},
        {"{\"anyOf\":[{\"const\":1},{\"type\":\"null\"}],\"oneOf\":[{\"type\":\"integer\"},{\"type\":"
         "\"string\"}]}",
         {"1", NULL, "null", NULL}},
    };
    ROWS(rows);
}

static void references(void)
{
    static const row rows[] = {
        {"{\"$defs\":{\"n\":{\"type\":\"object\",\"properties\":{\"v\":{\"type\":\"integer\"},\"next\":{"
         "\"anyOf\":[{\"$ref\":\"#/$defs/n\"},{\"type\":\"null\"}]}},"
         "\"required\":[\"v\",\"next\"]}},\"$ref\":\"#/$defs/n\"}",
         {"{\"v\":1,\"next\":null}", "{\"v\":1,\"next\":{\"v\":2,\"next\":null}}", NULL, "null", "{\"v\":1}",
          NULL}},
        {"{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}", {"[]", "[[],[[]]]", NULL, "[1]", NULL}},
        {"{\"definitions\":{\"a/b~c d\":{\"type\":\"null\"}},\"$ref\":\"#/definitions/a~1b~0c%20d\"}",
         {"null", NULL, "1", NULL}},
        {"{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"integer\"}],\"properties\":{}}",
         {"null", NULL, "{}", NULL}},
        {"{\"prefixItems\":[{\"type\":\"null\"},{\"$ref\":\"#/prefixItems/0\"}],\"items\":false}",
         {"[null,null]", NULL, "[null,1]", NULL}},
        {"{\"properties\":{\"x\":{\"$ref\":\"#/$defs/"
         "s\",\"maxLength\":2}},\"$defs\":{\"s\":{\"type\":\"string\",\"minLength\":1}}}",
         {"{\"x\":\"ab\"}", NULL, "{\"x\":\"\"}", "{\"x\":\"abc\"}", NULL}},
    };
    ROWS(rows);
}

static void white_space(void)
{
    static const row one[] = {
        {"{\"properties\":{\"a\":{\"items\":{\"type\":\"null\"}},\"b\":{\"const\":[1,2]}}}",
         {"{\"a\": [null, null], \"b\": [1, 2]}", "{\"a\":[null,null]}", NULL, "{ \"a\": []}", "{\"a\":  []}",
          "{\"a\" : []}", NULL}}};
    static const row lines[] = {
        {"{\"properties\":{\"a\":{\"items\":{\"type\":\"null\"}}}}",
         {"{\n  \"a\" : [ null ,\n\tnull ]\n}", "{}", "{\"a\":[]}", NULL, "{\n\n\n}", " {}", NULL}},
        {"{}", {"{\n \"x\": [\n 1,\n 2\n ]\n}", NULL, "{\r}", NULL}}};
    options.space = LLMC_SPACE_ONE;
    ROWS(one);
    options.space = LLMC_SPACE_LINES;
    ROWS(lines);
    options.space = LLMC_SPACE_NONE;
}

/* What is refused, how, and where: the message names the place. */
typedef struct refusal {
    llmc_status status;
    const char *schema, *message;
} refusal;

static void refused(void)
{
    static const refusal rows[] = {
        {LLMC_BAD_FILE, "", "expected"},
        {LLMC_BAD_FILE, "[1", "expected"},
        {LLMC_BAD_FILE, "3", "#: a schema has to be an object"},
        {LLMC_BAD_FILE, "false", "nothing can match"},
        {LLMC_BAD_FILE, "{\"type\":\"strng\"}", "#/type: there is no such type"},
        {LLMC_BAD_FILE, "{\"properties\":{\"a\":{\"minimum\":\"x\"}}}",
         "#/properties/a/minimum: expected a number"},
        {LLMC_BAD_FILE, "{\"minLength\":-1}", "#/minLength: expected a whole number"},
        {LLMC_BAD_FILE, "{\"required\":[1]}", "#/required/0: required has to be"},
        {LLMC_BAD_FILE, "{\"required\":true}", "#/required: required has to be"},
        {LLMC_BAD_FILE, "{\"enum\":3}", "#/enum: enum has to be"},
        {LLMC_BAD_FILE, "{\"anyOf\":{}}", "#/anyOf: anyOf and oneOf"},
        {LLMC_BAD_FILE, "{\"$ref\":\"#/$defs/x\"}", "#/$ref: nothing is where"},
        {LLMC_BAD_FILE, "{\"type\":\"integer\",\"minimum\":3,\"maximum\":2}", "#: nothing can match"},
        {LLMC_BAD_FILE, "{\"minLength\":3,\"maxLength\":2}", "nothing can match"},
        {LLMC_BAD_FILE, "{\"allOf\":[{\"type\":\"null\"},{\"type\":\"string\"}]}", "nothing can match"},
        {LLMC_BAD_FILE, "{\"type\":\"object\",\"properties\":{\"x\":{\"$ref\":\"#\"}},\"required\":[\"x\"]}",
         "nothing can match"},
        {LLMC_BAD_FILE, "{\"type\":\"array\",\"items\":{\"$ref\":\"#\"},\"minItems\":1}",
         "nothing can match"},
        {LLMC_BAD_FILE, "{\"enum\":[]}", "nothing can match"},
        {LLMC_UNSUPPORTED, "{\"not\":{}}", "#/not: this keyword is not supported"},
        {LLMC_UNSUPPORTED, "{\"properties\":{\"a b\":{\"items\":{\"if\":{}}}}}",
         "#/properties/a b/items/if: this keyword"},
        {LLMC_UNSUPPORTED, "{\"minlength\":3}", "#/minlength: this keyword"},
        {LLMC_UNSUPPORTED, "{\"uniqueItems\":true}", "#/uniqueItems"},
        {LLMC_UNSUPPORTED, "{\"patternProperties\":{\"a\":{}}}", "#/patternProperties"},
        {LLMC_UNSUPPORTED, "{\"type\":\"number\",\"multipleOf\":0.5}", "#/multipleOf"},
        {LLMC_UNSUPPORTED, "{\"format\":\"regex\"}", "#/format: this format"},
        {LLMC_UNSUPPORTED, "{\"pattern\":\"(?=a)\"}", "#/pattern: this pattern"},
        {LLMC_UNSUPPORTED, "{\"pattern\":\"(a)\\\\1\"}", "#/pattern"},
        {LLMC_UNSUPPORTED, "{\"pattern\":\"a\\\\b\"}", "#/pattern"},
        {LLMC_UNSUPPORTED, "{\"pattern\":\"a^\"}", "#/pattern"},
        {LLMC_UNSUPPORTED, "{\"pattern\":\"(a\"}", "#/pattern"},
        {LLMC_UNSUPPORTED, "{\"pattern\":\"a)\"}", "#/pattern"},
        {LLMC_UNSUPPORTED, "{\"pattern\":\"[\"}", "#/pattern"},
        {LLMC_UNSUPPORTED, "{\"pattern\":\"[z-a]\"}", "#/pattern"},
        {LLMC_UNSUPPORTED, "{\"pattern\":\"*\"}", "#/pattern"},
        {LLMC_UNSUPPORTED, "{\"pattern\":\"a{2,1}\"}", "#/pattern"},
        {LLMC_UNSUPPORTED, "{\"pattern\":\"a**\"}", "#/pattern"},
        {LLMC_UNSUPPORTED, "{\"pattern\":\"\\\\\"}", "#/pattern"},
        {LLMC_UNSUPPORTED, "{\"pattern\":\"[^\\\\D]\"}", "#/pattern"},
        {LLMC_UNSUPPORTED, "{\"pattern\":\"ab\",\"maxLength\":5}", "#/pattern"},
        {LLMC_UNSUPPORTED, "{\"$ref\":\"other.json#/a\"}", "#/$ref: only references"},
        {LLMC_UNSUPPORTED, "{\"$ref\":\"#\"}", "must not refer to itself"},
        {LLMC_UNSUPPORTED, "{\"anyOf\":[{\"$ref\":\"#\"},{\"type\":\"null\"}]}", "must not refer to itself"},
        {LLMC_UNSUPPORTED,
         "{\"$defs\":{\"a\":{\"oneOf\":[{\"$ref\":\"#/$defs/b\"}]},\"b\":{\"anyOf\":[{\"$ref\":\"#/$defs/"
         "a\"}]}},\"$ref\":\"#/$defs/a\"}",
         "must not refer to itself"},
        {LLMC_UNSUPPORTED, "{\"type\":\"object\",\"minProperties\":2}", "minProperties"},
        {LLMC_UNSUPPORTED, "{\"properties\":{\"a\":{\"$id\":\"x\"}}}", "#/properties/a/$id"},
        {LLMC_UNSUPPORTED, "{\"enum\":[{}],\"minProperties\":1}",
         "#/minProperties: this keyword beside enum"},
        {LLMC_UNSUPPORTED, "{\"type\":\"number\",\"minimum\":0.12345678901234567}", "bounds of numbers"},
    };
    size_t i;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        llmc_status s = convert(rows[i].schema);
        CHECKF(s == rows[i].status, "%s: status %d (%s)", rows[i].schema, (int)s,
               s != LLMC_OK ? diag.message : "");
        if (s != LLMC_OK)
            CHECKF(strstr(diag.message, rows[i].message) != NULL && strchr(diag.message, '\n') == NULL,
                   "%s: %s", rows[i].schema, diag.message);
    }
}

/* head, then `part` n times with commas, then tail. */
static char *repeated(const char *head, const char *part, unsigned n, const char *tail)
{
    const size_t one = strlen(part);
    char *text = (char *)malloc(strlen(head) + (one + 16) * n + strlen(tail) + 1), *p = text;
    unsigned i;
    p += sprintf(p, "%s", head);
    for (i = 0; i < n; i++) {
        const char *q;
        if (i > 0)
            *p++ = ',';
        for (q = part; *q != 0; q++)
            if (*q == '%')
                p += sprintf(p, "%u", i);
            else
                *p++ = *q;
    }
    strcpy(p, tail);
    return text;
}

/* Large and entangled schemas: some work, the others end with an error; none takes long or too much. */
static void large(void)
{
    char *text;
    /* a thousand members with their own schemas */
    text = repeated("{\"properties\":{", "\"m%\":{\"maxLength\":%}", 1000, "}}");
    CHECKF(convert(text) == LLMC_OK, "%s", diag.message);
    free(text);
    /* counting members would take a million rules */
    text = repeated("{\"maxProperties\":1500,\"properties\":{", "\"m%\":true", 3000, "}}");
    CHECK(convert(text) == LLMC_UNSUPPORTED);
    free(text);
    /* more subschemas than rules */
    text = repeated("{\"prefixItems\":[", "{\"maxLength\":%}", 5000, "]}");
    CHECKF(convert(text) == LLMC_UNSUPPORTED, "%d %s", (int)convert(text), diag.message);
    free(text);
    /* combinations of ten choices of four */
    text =
        repeated("{\"allOf\":[",
                 "{\"anyOf\":[{\"minLength\":1%},{\"minLength\":2%},{\"minLength\":3%},{\"minLength\":4%}]}",
                 10, "]}");
    CHECK(convert(text) == LLMC_UNSUPPORTED);
    free(text);
    /* a chain of references, each definition after and before the one that it needs */
    text = repeated("{\"$ref\":\"#/$defs/0\",\"$defs\":{\"400\":{\"type\":\"null\"},",
                    "\"%\":{\"items\":{\"$ref\":\"#/$defs/400\"},\"minItems\":1}", 400, "}}");
    CHECKF(convert(text) == LLMC_OK, "%s", diag.message);
    free(text);
    text = repeated("{\"pattern\":\"", "(a|b){1,1000}", 200, "\"}");
    CHECKF(convert(text) == LLMC_OK, "%s", diag.message);
    free(text);
    text = repeated("{\"pattern\":\"", "(((((((((((((((((((((((((((((((((((((((", 3, "\"}");
    CHECK(convert(text) == LLMC_UNSUPPORTED);
    free(text);
    text = repeated("{\"additionalProperties\":{\"type\":\"null\"},\"properties\":{",
                    "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%\":true", 500, "}}");
    CHECKF(convert(text) == LLMC_OK || diag.status == LLMC_UNSUPPORTED, "%s", diag.message);
    free(text);
}

/* Nesting as deep as JSON's limit lets it be. */
static void deep(void)
{
    char text[16384], *p = text;
    int i;
    for (i = 0; i < 60; i++)
        p += sprintf(p, "{\"properties\":{\"a\":");
    p += sprintf(p, "{\"type\":\"null\"}");
    for (i = 0; i < 60; i++)
        p += sprintf(p, "},\"required\":[\"a\"]}");
    CHECKF(convert(text) == LLMC_OK, "%s", diag.message);
    for (i = 0, p = text; i < 60; i++)
        p += sprintf(p, "{\"properties\":{\"longer name\":");
    p += sprintf(p, "{\"not\":0}");
    for (i = 0; i < 60; i++)
        p += sprintf(p, "}}");
    CHECK(convert(text) == LLMC_UNSUPPORTED);
    CHECKF(strstr(diag.message, "...") != NULL && strstr(diag.message, "/not: this keyword") != NULL, "%s",
           diag.message);
}

/* Too little memory is told, and nothing is written beyond it. */
static void memory(void)
{
    static const char schema[] = "{\"properties\":{\"a\":{\"enum\":[1,2,3]},\"b\":{\"type\":\"string\"}}}";
    llmc_blob b;
    char *out;
    size_t full, len = 0, cap, need;
    void *work;
    b.data = schema;
    b.size = strlen(schema);
    b.name = "s.json";
    CHECK(convert(schema) == LLMC_OK);
    full = gbnf_len;
    options.max_rules = 8;
    need = llmc_schema_need(&options);
    work = malloc(need);
    for (cap = 0; cap <= full; cap++) {
        llmc_status s;
        out = (char *)malloc(cap > 0 ? cap : 1);
        s = llmc_schema_gbnf(&b, &options, cap > 0 ? out : NULL, cap, &len, work, need, &diag);
        CHECKF(s == (cap < full ? LLMC_NO_MEMORY : LLMC_OK) && len == full, "%zu: %d", cap, (int)s);
        CHECK(memcmp(out, gbnf, cap) == 0);
        free(out);
    }
    for (cap = 0; cap < need; cap += cap < 256 || cap + 256 > need ? 1 : 97)
        CHECK(llmc_schema_gbnf(&b, &options, gbnf, sizeof gbnf, &len, work, cap, &diag) == LLMC_NO_MEMORY);
    CHECK(llmc_schema_gbnf(&b, &options, gbnf, sizeof gbnf, &len, NULL, need, &diag) == LLMC_NO_MEMORY);
    options.max_rules = 1;
    CHECK(llmc_schema_gbnf(&b, &options, gbnf, sizeof gbnf, &len, work, need, &diag) == LLMC_UNSUPPORTED);
    CHECKF(strstr(diag.message, "s.json: ") == diag.message, "%s", diag.message);
    options.max_rules = 0;
    options.space = (llmc_json_space)7;
    CHECK(convert(schema) == LLMC_BAD_ARG);
    options.space = LLMC_SPACE_NONE;
    free(work);
}

int main(void)
{
    RUN(any_json);
    RUN(strings);
    RUN(formats);
    RUN(numbers);
    RUN(ranges);
    RUN(objects);
    RUN(open_objects);
    RUN(arrays);
    RUN(values);
    RUN(references);
    RUN(white_space);
    RUN(refused);
    RUN(large);
    RUN(deep);
    RUN(memory);
    return test_end("schema");
}
