"""requests.py OUT -- seeds for the fuzzers of programs: requests as bytes, bodies by endpoint, arguments of tools."""
import json, os, sys

out = sys.argv[1]
bodies = [
    {"messages": [{"role": "system", "content": "be"}, {"role": "user", "content": [{"type": "text", "text": "hi"}]}], "temperature": 0.5,
     "max_tokens": 5, "stop": ["a", "b"], "logit_bias": {"5": -1}, "logprobs": True, "top_logprobs": 2, "n": 2, "seed": 1, "stream": True},
    {"messages": [{"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
                  {"role": "tool", "tool_call_id": "c", "content": "5"}], "tool_choice": "required",
     "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"$ref": "#/$defs/d"}}, "$defs": {"d": {"enum": [1]}}}}}]},
    {"messages": [{"role": "user", "content": "x"}], "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "integer"}}}},
    {"prompt": ["x", [1, 2]], "echo": True, "logprobs": 2}, {"prompt": "x", "grammar": "root ::= \"a\"", "n_probs": 1},
    {"input": [{"role": "user", "content": "x"}, {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
               {"type": "function_call_output", "call_id": "c", "output": "5"}], "instructions": "be", "text": {"format": {"type": "json_object"}}},
    {"input": ["a", "b"], "encoding_format": "base64", "dimensions": 3}, {"query": "a", "documents": ["b", {"text": "c"}], "top_n": 1},
    {"text": "x"}, {"content": "x", "with_pieces": True}, {"ids": [1, 2]}, {"tokens": []}, {"prompt": "x", "max_new_tokens": 3, "stop_sequences": ["a"], "do_sample": False},
    {"filename": "x"},
]
os.makedirs(out + "/http", exist_ok=True)
os.makedirs(out + "/request", exist_ok=True)
for i, b in enumerate(bodies):
    data = json.dumps(b).encode()
    for route in range(8, 25):
        open("%s/request/%d-%d" % (out, i, route), "wb").write(bytes([route]) + data)
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n"
    open("%s/http/length-%d" % (out, i), "wb").write(b"\1" + head + b"Content-Length: %d\r\n\r\n" % len(data) + data + b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    open("%s/http/chunks-%d" % (out, i), "wb").write(b"\2" + head + b"Transfer-Encoding: chunked\r\n\r\n3;a=b\r\n" + data[:3] + b"\r\n%x\r\n" % (len(data) - 3) + data[3:] + b"\r\n0\r\nA: b\r\n\r\n")
arguments = [{"path": "a"}, {"path": "d/b"}, {"path": "up/secret"}, {"path": "../secret"}, {"path": "l"}, {"path": "./d//b"}, {"path": "/etc/passwd"},
             {"path": "x/y/z", "content": "a\n"}, {"path": "a", "content": "\u00e9\ud83d\ude00"}, {}, {"query": "a"}, {"query": "\n"}, {"command": "ls"},
             {"expression": "12 * (3 + 4) / 7 - -2 ^ 3 % 5"}, {"expression": "max(1, sqrt(2), pi) + gcd(12, 18)! - 1.5e3"}, {"expression": "10^400 / 3"}]
os.makedirs(out + "/tools", exist_ok=True)
for i, a in enumerate(arguments):
    for tool in range(6):
        open("%s/tools/%d-%d" % (out, i, tool), "wb").write(bytes([tool]) + json.dumps(a).encode())
