/* server.c -- libFuzzer's targets for examples/server.c (tests/fuzz/run.sh builds and runs it); FUZZ_TARGET:

     http      bytes of a connection, in cuts that the first byte seeds: the same requests in every cut
     request   a request's body, its first byte says of which endpoint: decoded as far as the engine's queue

   Nothing listens and nothing is computed: the exchange's answer is looked at and dropped. */
#define main server_main
int server_main(int argc, char **argv);
#include "../../examples/server.c"
#undef main

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void broken(const char *why)
{
    fprintf(stderr, "fuzz: %s\n", why);
    abort();
}

/* All requests of data [n], read in pieces out of rng, as one text. */
static void read_http(const uint8_t *data, size_t n, llmc_rng *rng, text *seen)
{
    http h;
    size_t at = 0, end = 0;
    memset(&h, 0, sizeof h);
    http_reset(&h, 100000);
    while (at < n) {
        if (end <= at)
            end = rng != NULL ? at + 1 + (size_t)(llmc_rng_u64(rng) % 40) : n;
        end = end < n ? end : n;
        at += http_feed(&h, (const char *)data + at, end - at);
        if (h.step == HTTP_BAD) {
            putf(seen, "bad %d", h.status);
            if (h.why == NULL || h.status < 400)
                broken("a refusal without a reason");
            break;
        }
        if (h.step == HTTP_DONE) {
            putf(seen, "%s %d %d ", h.method, h.keep, h.old);
            puts_to(seen, h.target);
            put(seen, h.body.data, h.body.len);
            http_reset(&h, 100000);
        } else if (at < end) {
            broken("bytes left without a request");
        }
    }
    http_reset(&h, 0);
}

static void fuzz_http(const uint8_t *data, size_t size)
{
    llmc_rng rng = llmc_rng_seed(data[0]);
    text whole = {NULL, 0, 0}, cut = {NULL, 0, 0};
    put(&whole, "", 0);
    put(&cut, "", 0);
    read_http(data + 1, size - 1, NULL, &whole);
    read_http(data + 1, size - 1, &rng, &cut);
    if (strcmp(whole.data, cut.data) != 0 || whole.len != cut.len)
        broken("other cuts, other requests");
    drop_text(&whole);
    drop_text(&cut);
}

static server *the_server(void)
{
    static server s;
    if (s.tok == NULL) {
        s.set.model = "tests/models/tiny-llama.gguf";
        s.set.slots = 4;
        s.set.queue = 4;
        s.set.threads = 1;
        lock_init(&s.lock);
        condition_init(&s.for_reader);
        condition_init(&s.for_engine);
        s.waker = open_waker();
        if (open_model(&s) != EXIT_OK)
            broken("no model");
    }
    return &s;
}

static void fuzz_request(const uint8_t *data, size_t size)
{
    server *s = the_server();
    exchange *x = (exchange *)grow(NULL, sizeof *x);
    memset(x, 0, sizeof *x);
    x->server = s;
    x->query = "";
    do
        x->route = &routes[data[0] % N_ROUTES];
    while (x->route->kind == API_NONE || x->route->kind == API_SLOTS ? (data++, --size > 0) : false);
    if (size == 0) {
        free_exchange(x);
        return;
    }
    put(&x->body, (const char *)data + 1, size - 1);
    read_request(x);
    s->ready = NULL;
    s->awake = true;
    s->load = 0;
    if (s->to_do.first == NULL) { /* answered */
        if (!x->ended || x->out.len < 20 || strncmp(x->out.data, "HTTP/1.1 ", 9) != 0)
            broken("neither an answer nor work");
    }
    s->to_do.first = s->to_do.last = NULL;
    free_exchange(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *target = getenv("FUZZ_TARGET");
    if (size < 2)
        return 0;
    if (target != NULL && strcmp(target, "request") == 0)
        fuzz_request(data, size);
    else
        fuzz_http(data, size);
    return 0;
}
