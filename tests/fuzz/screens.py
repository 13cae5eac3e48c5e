"""screens.py OUT -- seeds for chat's fuzzers: texts in Markdown, what a terminal sends, what a server answers."""
import os
import sys

out = sys.argv[1]


def add(kind, data):
    folder = os.path.join(out, kind)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "%d" % len(os.listdir(folder))), "wb") as f:
        f.write(data)


with open("tests/cli/chat_markdown.md", "rb") as f:
    text = f.read()
MARKS = b"> - **a *b* c** ~~d~~ `` e ` `` " * 40 + b"\n|a|b\n-|-\n1|2<br>3\n\n***\n1) x\n~~~\ny\n~~~~\n[a](b) &lt; \\* http://x.y"
CODE = b"\n/* a */ <!-- b --> <p class='x'> if \"s\\n\" 'c' 1.5 # d // e -- f\n'''\n`x\n- a: b\n+c\n```\n"
LANGUAGES = "c cpp python js rust go java sh json yaml sql html css lua ruby php make diff"
for width in (0, 24, 64):
    add("markdown", bytes([width, 1]) + text)
    add("markdown", bytes([width, 2]) + MARKS)
for name in LANGUAGES.split():
    add("markdown", bytes([40, 3]) + b"```" + name.encode() + CODE)

KEYS = ["hello \u6f22\u00e9 w", "\x1bb", "\x1bf", "\x1bd", "\x17\x01\x05\x0b\x15\x19\x7f", "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[1;5C", "\x1b[1;5D",
        "\x1b[3~", "\x1bOH", "\x1bOF", "\x1b\rx\n\r\x10\x0e"]
add("keys", b"\x20" + "".join(KEYS).encode())
add("keys", b"\x04\x1b[200~a\rb\tc\xff\x1b[201~\x1b\xff\x1b[13;2u\x1b[27;2;13~")

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
EVENT = b'data: {"choices":[{"delta":{"content":"a","reasoning_content":"b","tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]},'
EVENT += b'"finish_reason":"length"}],"usage":{"completion_tokens":3,"prompt_tokens":4}}\n\n'
add("events", b"\1" + HEAD + b"\r\n" + EVENT * 2 + b"data: [DONE]\n\n")
add("events", b"\2HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x;a=b\r\n%s\r\n5\r\ndata:\r\n0\r\nX: y\r\n\r\n" % (len(EVENT), EVENT))
add("events", b'\3HTTP/1.1 503 x\r\ncontent-length: 30\r\n\r\n{"error": {"message": "full"}} ')
