/* chat.c -- libFuzzer's targets for examples/chat.c (tests/fuzz/run.sh builds and runs it); FUZZ_TARGET:

     markdown   width, seed of cuts, then a text: the same lines in every cut, none too wide, no escape but style
     keys       width, then what a terminal sends: the editor's line and cursor stay sound
     events     seed of cuts, then what a server answers: the same answer in every cut

   No terminal is touched and nothing is computed. */
#define main chat_main
int chat_main(int argc, char **argv);
#include "../../examples/chat.c"
#undef main

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void broken(const char *why)
{
    fprintf(stderr, "fuzz: %s\n", why);
    abort();
}

/* Lines as the screen takes them: text in UTF-8, and ESC [ numbers m. */
static void check_lines(const text *t, int width)
{
    size_t i, begin = 0;
    uint32_t c;
    for (i = 0; i < t->len;) {
        if (t->data[i] == '\n') {
            if (shown_width(t->data + begin, i - begin) > width)
                broken("a line is too wide");
            begin = ++i;
        } else if (t->data[i] == 27) {
            size_t len = 2 + strspn(t->data + i + 2, "0123456789;");
            if (t->data[i + 1] != '[' || t->data[i + len] != 'm')
                broken("an escape that is no style");
            i += len + 1;
        } else {
            size_t len = next_char(t->data + i, t->len - i, &c);
            if (printable(c) != c || (c == 0xfffd && len == 1))
                broken("a character that is not printable");
            i += len;
        }
    }
    if (begin != t->len)
        broken("a line without its end");
}

static void fuzz_markdown(const uint8_t *data, size_t n)
{
    markdown whole, cut;
    text seen = {NULL, 0, 0};
    llmc_rng rng;
    size_t at = 2, piece, looks = 0;
    int width = 16 + (n > 0 ? data[0] % 120 : 0);
    if (n < 2)
        return;
    memset(&whole, 0, sizeof whole);
    memset(&cut, 0, sizeof cut);
    rng = llmc_rng_seed(data[1]);
    markdown_begin(&whole, width, 0);
    markdown_begin(&cut, width, 0);
    markdown_feed(&whole, (const char *)data + 2, n - 2);
    markdown_end(&whole);
    for (; at < n; at += piece) {
        piece = 1 + (size_t)(llmc_rng_u64(&rng) % 64);
        piece = piece < n - at ? piece : n - at;
        markdown_feed(&cut, (const char *)data + at, piece);
        if (looks++ < 100) {
            clear(&seen);
            markdown_preview(&cut, &seen);
            check_lines(&seen, width);
        }
    }
    markdown_end(&cut);
    if (whole.out.len != cut.out.len || memcmp(whole.out.data, cut.out.data, cut.out.len) != 0)
        broken("another cut, another text");
    check_lines(&whole.out, width);
    markdown_free(&whole);
    markdown_free(&cut);
    free(seen.data);
}

static void check_editor(const editor *e)
{
    size_t mine, rows_in_all, last_end = 0, i;
    int at_column;
    edit_row r = {0, 0};
    if (e->at > e->line.len || (e->at < e->line.len && (e->line.data[e->at] & 0xc0) == 0x80))
        broken("the cursor is not at a character");
    rows_in_all = edit_rows(e, &mine, &at_column, SIZE_MAX, &r);
    if (rows_in_all == 0 || mine >= rows_in_all || at_column < 0)
        broken("the cursor is in no row");
    for (i = 0; i < rows_in_all && i < 50; i++) {
        (void)edit_rows(e, &mine, &at_column, i, &r);
        if (r.end < r.begin || r.end > e->line.len || r.begin < last_end || r.begin > last_end + 1)
            broken("rows do not follow each other");
        last_end = r.end;
    }
}

static void fuzz_keys(const uint8_t *data, size_t n)
{
    keys in;
    editor e;
    key_press k;
    size_t i;
    memset(&in, 0, sizeof in);
    memset(&e, 0, sizeof e);
    clear(&in.paste);
    edit_set(&e, "", 0);
    clear(&e.fresh);
    e.width = 2 + (n > 0 ? data[0] % 60 : 0);
    for (i = 1; i < n && i < 3000; i++) {
        bool made = data[i] == 0xff ? keys_idle(&in, &k) : keys_feed(&in, data[i], &k);
        if (!made)
            continue;
        if (k.name == KEY_ENTER) {
            (void)edit_remember(&e, e.line.data, strlen(e.line.data));
            edit_set(&e, "", 0);
        } else {
            (void)edit_key(&e, k, &in.paste);
        }
        check_editor(&e);
    }
    edit_free(&e);
    free(in.paste.data);
}

/* What is heard of an answer in these cuts, as one text. */
static void hear_all(const uint8_t *data, size_t n, llmc_rng *rng, text *seen)
{
    chat c;
    answer a;
    listener l;
    http h;
    size_t at = 0, piece, i;
    memset(&c, 0, sizeof c);
    memset(&h, 0, sizeof h);
    answer_begin(&a);
    l.c = &c;
    l.a = &a;
    h.on_event = on_event;
    h.user = &l;
    http_begin(&h);
    for (; at < n && h.step < HTTP_DONE; at += piece) {
        piece = rng != NULL ? 1 + (size_t)(llmc_rng_u64(rng) % 40) : n;
        piece = piece < n - at ? piece : n - at;
        http_feed(&h, (const char *)data + at, piece);
    }
    http_end(&h);
    if (h.step == HTTP_BAD && h.why == NULL)
        broken("a refusal without a reason");
    if (!h.events && h.data.len > 0)
        hear_json(&l, h.data.data, h.data.len);
    putf(seen, "%d %d %s|%d %d|", (int)h.step, h.status, h.why != NULL ? h.why : "", a.done, a.cut);
    put(seen, a.words.data, a.words.len);
    put(seen, a.thoughts.data, a.thoughts.len);
    put(seen, a.error.data, a.error.len);
    put_calls(seen, &a);
    for (i = 0; i < a.n_calls; i++)
        put(seen, a.calls[i].arguments.data, a.calls[i].arguments.len);
    keep_answer(&c, &a);
    put_message(seen, &c.message[0], true);
    free_messages(c.message, c.n_messages);
    answer_free(&a);
    http_free(&h);
}

static void fuzz_events(const uint8_t *data, size_t n)
{
    text whole = {NULL, 0, 0}, cut = {NULL, 0, 0};
    llmc_rng rng;
    if (n < 1)
        return;
    rng = llmc_rng_seed(data[0]);
    hear_all(data + 1, n - 1, NULL, &whole);
    hear_all(data + 1, n - 1, &rng, &cut);
    if (whole.len != cut.len || memcmp(whole.data, cut.data, cut.len) != 0)
        broken("another cut, another answer");
    free(whole.data);
    free(cut.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *target = getenv("FUZZ_TARGET");
    if (target != NULL && strcmp(target, "keys") == 0)
        fuzz_keys(data, size);
    else if (target != NULL && strcmp(target, "events") == 0)
        fuzz_events(data, size);
    else
        fuzz_markdown(data, size);
    return 0;
}
