"""chat_server.py -- a server of OpenAI's API that says what it is told to, for tests of chat.

   chat_server.py LOG MARKDOWN: prints its port, answers until it is killed. Every request's body is a line in LOG.
   The last message says how: see ANSWERS."""
import json
import socket
import sys
import threading
import time

LOG, MARKDOWN = sys.argv[1:3]


def event(delta, **more):
    return "data: " + json.dumps({"choices": [dict({"index": 0, "delta": delta, "finish_reason": None}, **more)]}) + "\n\n"


def words(text, step=7):
    return [event({"content": text[i : i + step]}) for i in range(0, len(text), step)]


USAGE = 'data: {"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7}}\n\n'
DONE = "data: [DONE]\n\n"


class Link:
    """One connection's answer: events in chunks, or raw bytes."""

    def __init__(self, sock):
        self.sock = sock

    def raw(self, data, pause=0.0):
        self.sock.sendall(data.encode() if isinstance(data, str) else data)
        time.sleep(pause)

    def head(self, status="200 OK", kind="text/event-stream", more="Transfer-Encoding: chunked\r\n"):
        self.raw("HTTP/1.1 %s\r\nContent-Type: %s\r\nConnection: close\r\n%s\r\n" % (status, kind, more))

    def chunk(self, text, pause=0.0):
        data = text.encode()
        self.raw(b"%x\r\n%s\r\n" % (len(data), data), pause)

    def stream(self, parts, pause=0.0):
        self.head()
        for part in parts:
            self.chunk(part, pause)
        self.raw("0\r\n\r\n")

    def json(self, value, status="200 OK"):
        body = json.dumps(value)
        self.head(status, "application/json", "Content-Length: %d\r\n" % len(body))
        self.raw(body)


def echo(link, messages):
    last = messages[-1]["content"]
    link.stream(words("%d bytes, %d lines, %d messages, ends with %s" % (len(last.encode()), last.count("\n") + 1, len(messages), last[-20:])) + [USAGE, DONE])


def slow(link, _):
    link.stream([event({"content": "word%d " % i}) for i in range(400)] + [DONE], 0.05)


def markdown(link, _):
    link.stream(words(open(MARKDOWN, encoding="utf-8").read(), 5) + [USAGE, DONE], 0.001)


def think(link, _):
    link.stream([event({"reasoning_content": "hm %d, " % i}) for i in range(12)] + words("The answer is 42.") + [USAGE, DONE], 0.02)


def split(link, _):
    """Every byte by itself, lines of all kinds, a character cut in two by chunks."""
    body = b": a comment\r\nevent: x\r\ndata: " + json.dumps({"choices": [{"delta": {"content": "gr\u00fc\u00dfe "}}]}, ensure_ascii=False).encode()
    body += b"\r\n\r\ndata:" + json.dumps({"choices": [{"delta": {"content": "\u6f22\u5b57"}}]}, ensure_ascii=False).encode() + b"\n\ndata: [DONE]\n\n"
    link.head(more="Transfer-Encoding: chunked\r\nX-Odd:\r\n")
    for i in range(0, len(body), 3):
        for byte in b"%X;odd=1\r\n%s\r\n" % (len(body[i : i + 3]), body[i : i + 3]):
            link.raw(bytes([byte]))
    link.raw("0\r\nTrailer: 1\r\n\r\n")


def escapes(link, _):
    link.stream(words("a\x1b[31mred\x1b[2J\x07\x9b0m\u202eright") + [DONE])


def whole(link, _):
    link.json({"choices": [{"message": {"role": "assistant", "content": "in one piece"}}]})


def refuse(link, _):
    link.json({"error": {"message": "no room for you", "code": 503}}, "503 Service Unavailable")


def bad_json(link, _):
    link.stream(words("some words ") + ['data: {"choices":[{"delta":{"content":"x"}]}\n\n', DONE])


def bad_chunk(link, _):
    link.head()
    link.chunk(words("some words ")[0])
    link.raw("zz\r\n")


def cut(link, _):
    link.head()
    link.chunk(words("some words")[0])


def no_http(link, _):
    link.raw("SSH-2.0-OpenSSH\r\n")


def long_head(link, _):
    link.raw("HTTP/1.1 200 OK\r\n" + "X: y\r\n" * 20000)


def odd_types(link, _):
    link.stream(['data: {"choices":{"delta":1}}\n\n', 'data: {"choices":[{"delta":{"content":{"a":1},"tool_calls":[7,{"index":-1},{"index":1e99},{"index":63}]}}],"usage":{"completion_tokens":-1}}\n\n',
                 "data: [[[[[[]]]]]]\n\n", "data: 1\n\n"] + words("still here") + [DONE])


def call(link, name, arguments):
    """A call whose arguments come in pieces."""
    parts = [event({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": ""}}]})]
    parts += [event({"tool_calls": [{"index": 0, "function": {"arguments": arguments[i : i + 5]}}]}) for i in range(0, len(arguments), 5)]
    link.stream(parts + [event({}, finish_reason="tool_calls"), DONE])


def compute(link, _):
    call(link, "calculator", '{"expression": "6 * 7"}')


def command(link, _):
    call(link, "run_command", '{"command": "echo made >made.txt; echo well done"}')


def sleeper(link, _):
    call(link, "run_command", '{"command": "sleep 8"}')


def told(link, messages):
    link.stream(words("The tool says " + messages[-1]["content"]) + [USAGE, DONE])


ANSWERS = {"compute": compute, "command": command, "sleeper": sleeper, "slow": slow, "markdown": markdown, "think": think, "split": split, "escapes": escapes, "whole": whole, "refuse": refuse, "bad json": bad_json,
           "bad chunk": bad_chunk, "cut": cut, "no http": no_http, "long head": long_head, "odd types": odd_types}


def serve(sock):
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            data += sock.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        length = sum(int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:"))
        while len(body) < length:
            body += sock.recv(65536)
        link = Link(sock)
        if lines[0].startswith("GET /v1/models"):
            link.json({"data": [{"id": "scripted", "object": "model"}]})
        elif lines[0].startswith("GET /props"):
            link.json({"default_generation_settings": {"n_ctx": 4096}})
        elif lines[0].startswith("POST /v1/chat/completions"):
            request = json.loads(body)
            with open(LOG, "a", encoding="utf-8") as log:
                log.write(json.dumps(request) + "\n")
            last = request["messages"][-1]
            (told if last["role"] == "tool" else ANSWERS.get(last["content"], echo))(link, request["messages"])
        else:
            link.json({"error": {"message": "not here"}}, "404 Not Found")
    except OSError:
        pass  # the other side has gone
    finally:
        sock.close()


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
