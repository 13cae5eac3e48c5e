/* test_thin.c -- LLMC_NO_FORMATS and LLMC_NO_UNICODE: what they leave works as before, what they take off is
   refused by its name. Texts are those of tests/vectors/reference.py (numpy, float64). */
#define LLMC_NO_FORMATS
#define LLMC_NO_UNICODE
#define LLMC_NO_TRAIN
#define LLMC_NO_INDEX
#define LLMC_NO_GRAMMAR
#define LLMC_IMPLEMENTATION
#include "../llmc.h"

#include "make_gguf.h"
#include "test.h"

/* The greedy continuation of prompt by a model in tests/models. */
static void continues(const char *path, const char *prompt, const char *want_path)
{
    llmc_host host;
    llmc_open_options open;
    llmc_seq_options options;
    llmc_piece piece;
    llmc_diag diag;
    char text[512] = "";
    size_t n = 0, size;
    unsigned char *want = test_read(want_path, &size);
    llmc_status status;
    memset(&open, 0, sizeof open);
    memset(&options, 0, sizeof options);
    options.max_tokens = 32;
    open.seq = &options;
    CHECK(want != NULL);
    status = llmc_open(&host, path, &open, &diag);
    CHECKF(status == LLMC_OK, "%s", diag.message);
    if (status != LLMC_OK || want == NULL)
        return;
    CHECK(llmc_seq_add_text(host.seq, prompt, strlen(prompt), &diag) == LLMC_OK);
    while ((status = llmc_seq_next(host.seq, &piece, &diag)) == LLMC_OK && n + piece.text_len < sizeof text) {
        memcpy(text + n, piece.text, piece.text_len + 1);
        n += piece.text_len;
    }
    CHECK(status == LLMC_DONE);
    while (size > 0 && want[size - 1] == '\n')
        want[--size] = 0;
    CHECKF(strcmp(text, (const char *)want) == 0, "got '%s', expected '%s'", text, (const char *)want);
    free(want);
    llmc_close(&host);
}

static void test_models_run(void)
{
    continues("tests/models/tiny-llama.gguf", "Once upon", "tests/models/tiny-llama.greedy");
    continues("tests/models/tiny-gpt2.gguf", "The model is", "tests/models/tiny-gpt2.greedy");
}

/* Whether opening fails with this status and a message that holds `word`. */
static void refused(const char *path, llmc_status want, const char *word)
{
    llmc_host host;
    llmc_diag diag;
    llmc_status status = llmc_open(&host, path, NULL, &diag);
    CHECKF(status == want, "%s: status %d", path, (int)status);
    if (status == LLMC_OK)
        llmc_close(&host);
    else
        CHECKF(strstr(diag.message, word) != NULL, "%s: '%s' lacks '%s'", path, diag.message, word);
}

static void test_formats_are_refused(void)
{
    refused("tests/models/trained256/model.safetensors", LLMC_BAD_FILE, "LLMC_NO_FORMATS");
}

/* A separate tokenizer must be a GGUF, too. */
static void test_tokenizers_are_refused(void)
{
    static const char *const path[] = {"tests/models/tokenizers/spm.json",
                                       "tests/models/tokenizers/bpe.model",
                                       "tests/models/tokenizers/wordpiece.json"};
    llmc_blob file;
    llmc_diag diag;
    size_t i, bytes;
    for (i = 0; i < sizeof path / sizeof path[0]; i++) {
        unsigned char *data = test_read(path[i], &file.size);
        file.data = data;
        file.name = path[i];
        CHECK(data != NULL);
        CHECK(llmc_file_identify(&file) == LLMC_FILE_UNKNOWN);
        CHECK(llmc_tokenizer_need(&file, 1, NULL, &bytes, &diag) == LLMC_BAD_FILE);
        CHECKF(strstr(diag.message, strrchr(path[i], '/') + 1) != NULL, "%s", diag.message);
        free(data);
    }
}

/* A tokenizer that asks for NFC. */
static void test_normalizers_are_refused(void)
{
    unsigned nfc;
    for (nfc = 0; nfc < 2; nfc++) {
        maker m;
        llmc_blob file;
        llmc_diag diag;
        llmc_status status;
        size_t bytes;
        make_begin(&m);
        tiny_llama_keys(&m);
        tiny_vocab(&m);
        if (key_head(&m, "tokenizer.llmc.nfc", 7))
            put_int(&m.keys, nfc, 1);
        tiny_llama_tensors(&m, 1);
        (void)make_finish(&m);
        file.size = m.out.size;
        file.data = m.out.data;
        file.name = "made";
        status = llmc_model_need(&file, 1, NULL, &bytes, &diag);
        CHECKF(status == (nfc ? LLMC_UNSUPPORTED : LLMC_OK), "status %d", (int)status);
        if (status == LLMC_UNSUPPORTED)
            CHECKF(strstr(diag.message, "LLMC_NO_UNICODE") != NULL, "%s", diag.message);
        make_end(&m);
    }
}

/* Beyond ASCII all is letters: the bytes come back whatever they are, and ASCII is cut as always. */
static void test_text_comes_back(void)
{
    static const char *const text[] = {"Zo\xc3\xab's caf\xc3\xa9, 12 \xe4\xbd\xa0\xe5\xa5\xbd!",
                                       "\xff\xfe bad \xc3", "a  b\n\n c\t1234", "\xc2\xa0\xe3\x80\x80x"};
    llmc_host host;
    llmc_diag diag;
    size_t i;
    CHECK(llmc_open(&host, "tests/models/tiny-gpt2.gguf", NULL, &diag) == LLMC_OK);
    for (i = 0; i < sizeof text / sizeof text[0]; i++) {
        const llmc_tokenizer *tok = llmc_model_tokenizer(host.model);
        static unsigned char work[65536];
        llmc_token ids[256];
        char back[256];
        size_t n, len;
        CHECK(llmc_encode(tok, text[i], strlen(text[i]), NULL, work, sizeof work, ids, 256, &n, &diag) ==
              LLMC_OK);
        CHECK(llmc_decode(tok, ids, n, NULL, back, sizeof back, &len, &diag) == LLMC_OK);
        CHECK(len == strlen(text[i]) && memcmp(back, text[i], len) == 0);
    }
    llmc_close(&host);
}

int main(void)
{
    RUN(test_models_run);
    RUN(test_formats_are_refused);
    RUN(test_tokenizers_are_refused);
    RUN(test_normalizers_are_refused);
    RUN(test_text_comes_back);
    return test_end("thin");
}
