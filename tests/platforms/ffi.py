# ffi.py MODEL PROMPT EXPECTED QUESTION ANSWER -- the shared library from Python, through examples/python/llmc.py.
import math
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "python"))
import llmc  # noqa: E402

path, prompt, expected, question, answer = sys.argv[1:]
passed = failed = 0


def check(label, good, detail=""):
    global passed, failed
    print("ok     " if good else "FAIL   ", label, "" if good else repr(detail)[:300])
    passed += bool(good)
    failed += not good


def refused(label, word, call):
    try:
        call()
        check(label, False, "accepted")
    except llmc.Error as e:
        check(label, word in str(e), str(e))


model = llmc.Model(path, context=256, threads=1)
check("text", "".join(model.text(prompt, max_tokens=64)) == expected, "".join(model.text(prompt, max_tokens=64)))
check("text, again", "".join(model.text(prompt, max_tokens=64)) == expected)
chat = [{"role": "user", "content": question}]
check("chat", "".join(model.chat(chat)) == answer, "".join(model.chat(chat)))
check("max_tokens", len(list(model.text(prompt, max_tokens=3))) == 3)
a, b, c = model.embed("a time"), model.embed("a time"), model.embed("hello")
check("embed: of length 1", abs(math.fsum(x * x for x in a) - 1) < 1e-5 and len(a) == model.config.n_embd)
check("embed: the same again, another for another", a == b and a != c)
check("encode", model.encode("a time") and max(model.encode("a time")) < model.config.vocab_size, model.encode("a time"))
refused("a temperature that is not possible", "temperature", lambda: model.text(prompt, temperature=-1))
refused("a conversation that is none", "", lambda: model.chat({"no": "array"}))
refused("a prompt over the context", "", lambda: model.text("word " * 5000))
check("and goes on afterwards", "".join(model.text(prompt, max_tokens=64)) == expected)
model.close()
refused("a file that is not there", "no-such-file", lambda: llmc.Model("no-such-file.gguf"))
refused("a file that is no model", "ffi.py", lambda: llmc.Model(os.path.abspath(__file__)))
print("ffi: %d passed, %d failed" % (passed, failed))
sys.exit(failed > 0)
