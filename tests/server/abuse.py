"""Bytes that are no requests, or hostile ones: the right refusal, and a server that goes on."""
import random, threading, time
from harness import *

seed = int(os.environ.get("SEED", "8"))
print("seed", seed)
rng = random.Random(seed)
s = Server(LLAMA, "--timeout", "2", "--body-mb", "1", "--connections", "60", "--parallel", "4")
BODY = b'{"prompt":"x","max_tokens":1}'


def status(data, **more):
    return parse(s.raw(data, **more))[0]


def post(headers, body=b"", path=b"/v1/completions"):
    return b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + b"\r\n" + body


def expect(label, code, data, **more):
    if code in (403, 404, 405): # these do not end the connection
        data = data.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    got = parse(s.raw(data, **more))
    check("%s: %s" % (label, code), got[0] == code or (isinstance(code, tuple) and got[0] in code), got)
    if got[0] >= 400:
        error = decode(got[2])
        if not (isinstance(error, dict) and error["error"]["message"] and error["error"]["code"] == got[0]):
            check(label + " says why", False, got)


GET = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
# request lines
expect("a good request", 200, GET)
expect("HTTP/1.0", 200, b"GET /health HTTP/1.0\r\n\r\n")
expect("HEAD", 200, b"HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
check("HEAD has no body", s.raw(b"HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").endswith(b"\r\n\r\n"))
expect("empty lines before", 200, b"\r\n\r\n" + GET)
expect("many of them", 400, b"\r\n" * 10 + GET)
expect("HTTP/2", 505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
expect("HTTP/1.2", 505, b"GET / HTTP/1.2\r\nHost: x\r\n\r\n")
expect("no version", 400, b"GET /\r\nHost: x\r\n\r\n")
expect("a word", 400, b"hello\r\n\r\n")
expect("TLS", (400, 0), b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)), half=False)
expect("two blanks", 400, b"GET  /health HTTP/1.1\r\nHost: x\r\n\r\n")
expect("a tab", 400, b"GET\t/health\tHTTP/1.1\r\nHost: x\r\n\r\n")
expect("a whole address", 400, b"GET http://x/health HTTP/1.1\r\nHost: x\r\n\r\n")
expect("a control character in the path", 400, b"GET /hea\x01lth HTTP/1.1\r\nHost: x\r\n\r\n")
expect("a high byte in the path", 400, b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n")
expect("NUL in the path", 400, b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n")
expect("a long path", 414, b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
expect("a very long path", 414, b"GET /" + b"a" * 50000)
expect("a long method", 501, b"A" * 50 + b" / HTTP/1.1\r\nHost: x\r\n\r\n")
expect("another method", 405, b"DELETE /health HTTP/1.1\r\nHost: x\r\n\r\n")
expect("GET of what is POST", 405, b"GET /generate HTTP/1.1\r\nHost: x\r\n\r\n")
expect("a path that is not there", 404, b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n")
expect("nor that", 404, b"GET /%2e%2e/x HTTP/1.1\r\nHost: x\r\n\r\n")
expect("OPTIONS", 403, b"OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n")
# headers
expect("no host", 400, b"GET /health HTTP/1.1\r\n\r\n")
expect("two hosts", 400, b"GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n")
expect("LF alone", 400, b"GET /health HTTP/1.1\nHost: x\n\n")
expect("LF in headers", 400, b"GET /health HTTP/1.1\r\nHost: x\nA: b\r\n\r\n")
expect("CR alone", 400, b"GET /health HTTP/1.1\r\nHost: x\rA: b\r\n\r\n")
expect("a folded header", 400, b"GET /health HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n")
expect("a blank before the colon", 400, b"GET /health HTTP/1.1\r\nHost : x\r\n\r\n")
expect("no name", 400, b"GET /health HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n")
expect("no colon", 400, b"GET /health HTTP/1.1\r\nHost: x\r\nabc\r\n\r\n")
expect("NUL in a value", 400, b"GET /health HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n")
expect("a control character in a value", 400, b"GET /health HTTP/1.1\r\nHost: x\r\nA: b\x7f\r\n\r\n")
expect("UTF-8 in a value", 200, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\nA: \xc3\xa9\r\n\r\n")
expect("a large header", 431, b"GET /health HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 20000 + b"\r\n\r\n")
expect("many headers", 431, b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n")
# lengths
expect("a body", 200, post(b"Content-Length: %d\r\n" % len(BODY), BODY))
expect("no length, no body", 400, post(b""))
for bad in (b"-1", b"+5", b"0x10", b"5 5", b"", b"5,5", b"1e3", b"\xd9\xa5"):
    expect("Content-Length %r" % bad, 400, post(b"Content-Length: " + bad + b"\r\n", BODY))
expect("two lengths", 400, post(b"Content-Length: 5\r\nContent-Length: 6\r\n", BODY))
expect("the same length twice", 400, post(b"Content-Length: 29\r\ncontent-length: 29\r\n", BODY))
expect("a huge length", 413, post(b"Content-Length: 18446744073709551621\r\n", BODY))
expect("a large length", 413, post(b"Content-Length: 2000000\r\n"))
expect("length and chunks", 400, post(b"Content-Length: 29\r\nTransfer-Encoding: chunked\r\n", BODY))
expect("chunks twice", 400, post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", BODY))
for bad in (b"gzip", b"gzip, chunked", b"identity", b"chunked, identity", b"xchunked", b"chunked;a=b", b"\x0bchunked"):
    expect("Transfer-Encoding %r" % bad, (501, 400), post(b"Transfer-Encoding: " + bad + b"\r\n", BODY))
expect("chunks in HTTP/1.0", 400, b"POST /generate HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
# chunks
CH = b"Transfer-Encoding: chunked\r\n"
def chunks(*sizes):
    out, at = b"", 0
    for n in sizes:
        out += b"%x\r\n%s\r\n" % (n, BODY[at:at + n])
        at += n
    return out + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY) - at, BODY[at:]) if at < len(BODY) else out + b"0\r\n\r\n"
expect("chunks", 200, post(CH, chunks(1, 2, 3)))
expect("one chunk", 200, post(b"transfer-encoding: Chunked\r\n", chunks(29)))
expect("extensions", 200, post(CH, b"1d;a=b\r\n" + BODY + b"\r\n0;x\r\n\r\n"))
expect("trailers", 200, post(CH, b"1D\r\n" + BODY + b"\r\n0\r\nA: b\r\n\r\n"))
expect("no chunk's size", 400, post(CH, b"\r\n" + BODY))
expect("no number", 400, post(CH, b"xyz\r\n" + BODY))
expect("a sign", 400, post(CH, b"-1\r\n" + BODY))
expect("0x", 400, post(CH, b"0x1d\r\n" + BODY))
expect("a blank behind the size", 400, post(CH, b"1d \r\n" + BODY + b"\r\n0\r\n\r\n"))
expect("LF behind the size", 400, post(CH, b"1d\n" + BODY + b"\r\n0\r\n\r\n"))
expect("a chunk longer than its size", 400, post(CH, b"5\r\n" + BODY + b"\r\n0\r\n\r\n"))
expect("a huge chunk", 413, post(CH, b"ffffffffffffffff\r\n" + BODY))
expect("a large chunk", 413, post(CH, b"200000\r\n" + BODY))
expect("large by many chunks", 413, post(CH, b"40000\r\n" + b" " * 0x40000 + b"\r\n" + b"40000\r\n" + b" " * 0x40000 + b"\r\n" + b"80001\r\n"))
expect("a long extension", 431, post(CH, b"1d;" + b"a" * 1000 + b"\r\n"))
expect("long trailers", 431, post(CH, b"1d\r\n" + BODY + b"\r\n0\r\n" + b"A: b\r\n" * 2000 + b"\r\n"))
# several in one go
two = GET.replace(b"Connection: close\r\n", b"") + GET
check("two requests in one piece", s.raw(two).count(b"HTTP/1.1 200") == 2)
mixed = (post(b"Content-Length: %d\r\n" % len(BODY), BODY).replace(b"Connection: close\r\n", b"") * 3) + GET
check("four, with bodies", s.raw(mixed).count(b"HTTP/1.1 200") == 4)
smuggled = post(b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\nGET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")
got = s.raw(smuggled.replace(b"Connection: close\r\n", b""))
check("nothing is smuggled behind an error", got.count(b"HTTP/1.1") == 1 and b"tiny-llama" not in got, got)
c = s.connect()
c.sendall(post(b"Content-Length: %d\r\nExpect: 100-continue\r\n" % len(BODY)))
first = c.recv(1000)
c.sendall(BODY)
check("100 Continue", first == b"HTTP/1.1 100 Continue\r\n\r\n" and parse(read_all(c))[0] == 200, first)
expect("another expectation", 417, post(b"Content-Length: 29\r\nExpect: x\r\n", BODY))
# slow, cut, gone
c = s.connect()
for i in range(len(GET)):
    c.sendall(GET[i:i + 1])
check("a byte at a time", parse(read_all(c))[0] == 200)
start = time.time()
expect("half a head", 408, GET[:30], timeout=10)
expect("half a body", 408, post(b"Content-Length: 100\r\n", BODY), timeout=10)
check("within the time", time.time() - start < 8)
check("nothing at all is just closed", s.raw(b"", timeout=10) == b"")
for cut in range(0, 150, 7):
    c = s.connect()
    c.sendall(post(b"Content-Length: %d\r\n" % len(BODY), BODY)[:cut])
    c.close()
check("cut anywhere, still alive", s.alive())
stream = json.dumps({"prompt": "Zq", "max_tokens": 200, "ignore_eos": True, "stream": True}).encode()
for i in range(20): # resets while streaming
    c = s.connect()
    c.sendall(post(b"Content-Length: %d\r\n" % len(stream), stream))
    c.recv(rng.randrange(1, 400))
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    c.close()
check("reset anywhere, still alive", s.alive())
idle = [s.connect() for i in range(70)]
time.sleep(0.3)
codes = [parse(x.recv(1000))[0] for x in idle[62:]]
check("too many connections are told so", codes.count(503) == len(codes), codes)
[x.close() for x in idle]
time.sleep(0.5)
check("and others come in again", s.alive())
# bodies
def body(label, code, data, path=b"/v1/completions"):
    expect(label, code, post(b"Content-Length: %d\r\n" % len(data), data, path))
body("no JSON", 400, b"hello")
body("half of it", 400, BODY[:-1])
body("two of it", 400, BODY + BODY)
body("an array", 400, b"[1]")
body("deep JSON", 400, b'{"prompt":' + b"[" * 100000 + b"]" * 100000 + b"}")
body("deep in what is passed over", 400, b'{"prompt":"x","x":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}")
body("bad UTF-8", 400, b'{"prompt":"\xff\xfe"}')
body("half a surrogate", (200, 400), b'{"prompt":"\\ud800","max_tokens":1}')
body("NUL in a text", (200, 400), b'{"prompt":"a\\u0000b","max_tokens":1}')
body("NUL between", 400, b'{"prompt":\0"x"}')
body("NaN", 400, b'{"prompt":"x","temperature":NaN}')
body("a key twice: the last counts", 400, b'{"prompt":"x","max_tokens":1,"max_tokens":-5}')
body("an unknown member is passed over", 200, b'{"prompt":"x","max_tokens":1,"wibble":{"a":[1,2]},"user":null}')
# parameters
for path, name, values in (
        ("/v1/completions", "temperature", (-1, 1e9, "hot", [], {}, True)), ("/v1/completions", "top_p", (-0.1, 1.1, "x")),
        ("/v1/completions", "top_k", (-5, 1.5, 1e30, "x")), ("/v1/completions", "max_tokens", (-2, 0, 1.5, 1e30, "x", [])),
        ("/v1/completions", "n", (0, -1, 129, 1e9, "x")), ("/v1/completions", "seed", (1e30, "x", 0.5)),
        ("/v1/completions", "stop", (5, [5], ["x"] * 17, "x" * 200, "a\0b", {})), ("/v1/completions", "stream", (1, "yes", [])),
        ("/v1/completions", "logit_bias", ({"x": 1}, {"-1": 1}, {"999999": 1}, {"1": "x"}, {"1.5": 1}, {"": 1}, [1], [[1]])),
        ("/v1/completions", "logprobs", (-1, 21, 1.5, True, "x")), ("/v1/completions", "frequency_penalty", (-1e9, "x")),
        ("/v1/completions", "prompt", (5, {}, [], [[]], [1.5], [-1], [999999], [None], ["x", 5], "x " * 5000, ["x"] * 3000)),
        ("/v1/completions", "suffix", ("x",)), ("/v1/completions", "best_of", (2,)), ("/v1/completions", "grammar", ("x", 'root ::= root "a"')),
        ("/v1/chat/completions", "messages", (5, [], {}, [5], [{}], [{"role": 5}], [{"role": "user", "content": 5}],
            [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}], [{"role": "user", "content": "x " * 500}])),
        ("/v1/chat/completions", "tools", (5, {}, [5], [{"type": "x"}], [{"type": "function"}], [{"type": "function", "function": {"name": ""}}],
            [{"type": "function", "function": {"name": "a b"}}], [{"type": "function", "function": {"name": "x" * 100}}])),
        ("/v1/chat/completions", "tool_choice", ("required", {"type": "function", "function": {"name": "f"}})),
        ("/v1/chat/completions", "response_format", ({"type": "x"}, {"type": "json_schema"}, {"type": "json_schema", "json_schema": {}},
            {"type": "json_schema", "json_schema": {"schema": 5}})),
        ("/v1/chat/completions", "logprobs", (1, "x")), ("/v1/chat/completions", "top_logprobs", (21, -1, 2)),
        ("/v1/responses", "input", (5, {}, [5], [{"type": "x"}], [{"type": "function_call"}], [{"type": "function_call_output"}])),
        ("/v1/responses", "previous_response_id", ("x",)),
        ("/v1/embeddings", "input", (5, {}, [], ["x", 5], [1.5])), ("/v1/embeddings", "encoding_format", ("x", 5)),
        ("/v1/embeddings", "dimensions", (0, -1, "x")), ("/rerank", "documents", (5, [], [5], [{}], {})),
        ("/generate", "prompt", (5, [], None)), ("/generate", "max_new_tokens", (0, -1, "x")), ("/generate", "do_sample", (1, "x")),
        ("/tokenize", "text", (5, None)), ("/detokenize", "ids", (5, [1.5], [-1], [999999], "x", ["x"]))):
    good = {"/v1/completions": {"prompt": "x", "max_tokens": 1}, "/v1/embeddings": {"input": "x"}, "/rerank": {"query": "x", "documents": ["y"]},
            "/v1/chat/completions": {"messages": [{"role": "user", "content": "x"}], "max_tokens": 1}, "/generate": {"prompt": "x", "max_new_tokens": 1},
            "/v1/responses": {"input": "x", "max_output_tokens": 1}, "/tokenize": {"text": "x"}, "/detokenize": {"ids": [1]}}[path]
    wrong = []
    for v in values:
        st, b = s.post(path, {**good, name: v})
        if st != 400 or not b["error"]["message"]:
            wrong.append((v if len(str(v)) < 50 else str(v)[:50], st, b))
    st, b = s.post(path, good)
    check("%s: %s, %d wrong values" % (path, name, len(values)), not wrong and st == 200, (wrong, b if st != 200 else ""))
st, b = s.post("/v1/completions", {"prompt": "x", "temperature": "hot"})
check("the error names the parameter", b["error"]["param"] == "temperature" and b["error"]["type"] == "invalid_request_error", b)
st, b = s.post("/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}], "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "properties": {"a": {"type": "string", "contentEncoding": "base64", "dependentRequired": {}}}, "dependentRequired": {"a": ["b"]}}}}})
check("an unsupported keyword is named", st == 400 and "dependentRequired" in b["error"]["message"], b)
# noise
for i in range(300):
    data = bytearray(post(b"Content-Length: %d\r\n" % len(BODY), BODY) if i % 2 else post(CH, chunks(1, 2, 3)))
    for k in range(rng.randrange(1, 6)):
        at = rng.randrange(len(data))
        what = rng.randrange(3)
        if what == 0:
            data[at] = rng.randrange(256)
        elif what == 1:
            del data[at:at + rng.randrange(1, 9)]
        else:
            data[at:at] = data[rng.randrange(len(data)):][:rng.randrange(1, 40)]
    c = s.connect()
    c.sendall(bytes(data))
    c.close()
check("300 requests with noise, still alive", s.alive())
# a page of another site
site = lambda origin, host="127.0.0.1:8000": s.raw(b"POST /tokenize HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nOrigin: %s\r\nContent-Length: 12\r\n\r\n{\"text\":\"x\"}" % (host.encode(), origin.encode()))
check("another origin is refused", parse(site("https://evil.example"))[0] == 403)
check("our own is not", parse(site("http://127.0.0.1:8000"))[0] == 200 and b"Access-Control" not in site("http://127.0.0.1:8000"))
check("a rebound name is", parse(site("http://evil.example:8000", "evil.example:8000"))[0] == 403)
check("none at all is not", s.post("/tokenize", {"text": "x"})[0] == 200)
check("memory is what it was", s.memory() < 400 << 20, s.memory())
code = s.stop()
check("ends with code 0", code == 0, "%s %s" % (code, s.messages()[-3000:]))

# keys, CORS, rates
keys = os.path.join(os.environ.get("OUT", "build/test"), "keys.txt")
os.makedirs(os.path.dirname(keys), exist_ok=True)
open(keys, "w").write("second\r\n\nthird\n")
s = Server(LLAMA, "--api-key", "first", "--api-key-file", keys, "--cors", "https://good.example", "--rate", "30")
B = {"text": "x"}
check("no key", s.post("/tokenize", B)[0] == 401 and s.get("/v1/models")[0] == 401 and s.get("/metrics")[0] == 401)
check("a wrong one", [s.post("/tokenize", B, headers=[("Authorization", "Bearer " + k)])[0] for k in ("", "firs", "first1", "x", "fxrst")] == [401] * 5)
check("not a bearer", s.post("/tokenize", B, headers=[("Authorization", "Basic first")])[0] == 401)
check("the right ones", [s.post("/tokenize", B, headers=[h])[0] for h in (("Authorization", "Bearer first"), ("authorization", "bearer second"), ("X-Api-Key", "third"))] == [200] * 3)
check("health needs none", s.get("/health")[0] == 200)
st, h, b = s.request("OPTIONS", "/v1/chat/completions", headers=[("Origin", "https://good.example"), ("Access-Control-Request-Method", "POST")])
check("a page that may ask", st == 204 and h["access-control-allow-origin"] == "*" and "Authorization" in h["access-control-allow-headers"], h)
st, h, b = s.request("POST", "/tokenize", B, headers=[("Origin", "https://good.example"), ("X-Api-Key", "first")])
check("and asks", st == 200 and h["access-control-allow-origin"] == "*", h)
check("another may not", s.request("OPTIONS", "/tokenize", headers=[("Origin", "https://bad.example")])[0] == 403)
codes = [s.post("/tokenize", B, headers=[("X-Api-Key", "second")])[0] for i in range(60)]
check("a rate for each key", codes[:20] == [200] * 20 and codes[-1] == 429 and s.post("/tokenize", B, headers=[("X-Api-Key", "third")])[0] == 200, codes)
log = str(s.log_lines())
check("no key in the log", "second" not in log and "third" not in log)
finish(s)
