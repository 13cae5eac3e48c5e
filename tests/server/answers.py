"""What HTTP asks of answers (RFC 9110, 9112), and what llama.cpp's and OpenAI's clients expect of errors: each of these was
wrong once."""
import shutil
from harness import *

folder = os.path.join(os.environ.get("OUT", "build/test"), "sessions")
shutil.rmtree(folder, ignore_errors=True)
os.makedirs(folder)
s = Server(LLAMA, "--sessions", folder, "--parallel", "2", "-c", "512")
END = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def heads(data):
    """The heads of answers that have no bodies, and what is left."""
    found = []
    while data.startswith(b"HTTP/1.1 "):
        head, _, data = data.partition(b"\r\n\r\n")
        found.append(head.decode())
    return found, data


# an answer to HEAD never has a body: what came of one was read as the beginning of the next answer (9110, 9.3.2)
for path, code in ((b"/nothing", 404), (b"/v1/models", 405), (b"/health", 200), (b"/metrics", 405)):
    found, rest = heads(s.raw(b"HEAD " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n" + END))
    check("HEAD %s: a head alone" % path.decode(), len(found) == 2 and found[0].startswith("HTTP/1.1 %d" % code) and rest.startswith(b'{"status":"ok"'), (found, rest))
found, rest = heads(s.raw(b"HEAD /health HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\n\r\n" + END))
check("HEAD from another page, too", len(found) == 2 and "403" in found[0], (found, rest))

# 405 says what would do (9110, 15.5.6)
for method, path, allow in (("GET", "/v1/completions", "POST"), ("POST", "/v1/models", "GET"), ("DELETE", "/health", "GET, HEAD"), ("PUT", "/v1/models/x", "GET")):
    st, h, b = s.request(method, path)
    check("%s %s: Allow" % (method, path), st == 405 and h.get("allow") == allow, (st, h))

# Connection may come in several lines, which are one list (9110, 5.3)
def ends(lines, version=b"HTTP/1.1"):
    return s.raw(b"GET /health " + version + b"\r\nHost: x\r\n" + lines + b"\r\n" + END).count(b"HTTP/1.1 200") == 1
check("close, and another option behind it", ends(b"Connection: close\r\nConnection: x-y\r\n"))
check("close in the middle of a list", ends(b"Connection: a, Close, b\r\n"))
check("close counts more than keep-alive", ends(b"Connection: close, keep-alive\r\n") and ends(b"Connection: close\r\nConnection: keep-alive\r\n"))
check("in HTTP/1.0, too", ends(b"Connection: keep-alive\r\nConnection: close\r\n", b"HTTP/1.0"))
check("else HTTP/1.1 goes on, and 1.0 does not", not ends(b"Connection: closed\r\n") and not ends(b"") and ends(b"", b"HTTP/1.0"))
check("keep-alive in HTTP/1.0", not ends(b"Connection: keep-alive\r\nConnection: x\r\n", b"HTTP/1.0"))

# sessions
st, b = s.post("/slots/0?action=erase", b"")
check("erase needs no body, as with llama.cpp", st == 200 and b["n_erased"] == 0, b)
for action in ("save", "restore"):
    st, b = s.post("/slots/0?action=" + action, b"")
    check(action + " does", st == 400 and b["error"]["param"] == "filename", b)
os.makedirs(os.path.join(folder, "taken"))
st, b = s.post("/slots/0?action=save", {"filename": "taken"})
check("what cannot be written is the server's trouble", st == 500 and folder not in str(b), b)
check("what is not there is the client's", s.post("/slots/0?action=restore", {"filename": "missing"})[0] == 404)

# a grammar that cannot be followed: the client's, and no reason to try again
st, b = s.post("/v1/completions", {"prompt": "x", "max_tokens": 4, "grammar": "root ::= " + " | ".join('"%x"' % i for i in range(30000))})
check("a grammar too ambiguous is a 400", st == 400 and "max_states" in b["error"]["message"], (st, b))
check("the log has the methods", {"HEAD", "DELETE", "PUT"} <= {line["method"] for line in s.log_lines()})
code = s.stop()
check("ends with code 0", code == 0, s.messages()[-2000:])
os.rmdir(os.path.join(folder, "taken"))

# a folder whose name is long
long = os.path.join(os.path.abspath(folder), *(["d" * 120] * (1 if ON_WINDOWS else 10))) # there 260 are the most
os.makedirs(long)
s = Server(LLAMA, "--sessions", os.path.relpath(long), "--api-key", "first", "--cors", "https://good.example")
st, b = s.post("/slots/0?action=save", {"filename": "name"}, headers=[("Authorization", "Bearer first")])
check("a long folder: saved under its whole name", st == 200 and os.path.exists(os.path.join(long, "name")), b)

# keys and pages
for given in ("Basic  first", "bxxxxx first", "Bearer: first", "Bearerfirst", "Bearer", "B"):
    check("no bearer: %r" % given, s.post("/tokenize", {"text": "x"}, headers=[("Authorization", given)])[0] == 401)
check("a bearer, in any case", s.post("/tokenize", {"text": "x"}, headers=[("Authorization", "BEARER  first")])[0] == 200)
st, h, b = s.request("OPTIONS", "/tokenize", headers=[("Origin", "https://good.example")])
check("204 has no length (9110, 8.6)", st == 204 and "content-length" not in h and b == b"", h)
code = s.stop()
check("ends with code 0", code == 0, s.messages()[-2000:])
shutil.rmtree(folder)

# who listens to IPv6 says so
try:
    socket.socket(socket.AF_INET6).bind(("::1", 0))
    s = Server(LLAMA, "--host", "::1")
    check("an address of IPv6", "http://[::1]:%d/" % s.port in s.messages(), s.messages())
    finish(s)
except OSError as e:
    skip("IPv6", e)
finish()
