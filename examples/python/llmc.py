# make shared && python3 examples/python/llmc.py model.gguf "Why is the sky blue?"
#
# llmc.py - the engine from Python, by ctypes and the shared library; nothing else is needed. As a module:
#
#     model = llmc.Model("model.gguf", context=2048)
#     for piece in model.chat([{"role": "user", "content": "hello"}], temperature=0.8):
#         print(piece, end="", flush=True)
#     vector = model.embed("a text")
#     model.close()
import ctypes as C
import json
import os
import sys

OK, DONE = 0, 1


class Diag(C.Structure):
    _fields_ = [("status", C.c_int), ("tag", C.c_char_p), ("offset", C.c_uint64), ("message", C.c_char * 256)]


class Piece(C.Structure):
    _fields_ = [("token", C.c_int32), ("logprob", C.c_float), ("text", C.c_char_p), ("len", C.c_size_t),
                ("finish", C.c_int)]


# Option structs say how much of them they have: the library takes what it does not get for zero, so that only the
# first members need to be spelled here, and a newer library with more of them works as well.
class SampleOptions(C.Structure):
    _fields_ = [("size", C.c_size_t), ("temperature", C.c_float), ("top_k", C.c_uint32), ("top_p", C.c_float),
                ("min_p", C.c_float)]


class SeqOptions(C.Structure):
    _fields_ = [("size", C.c_size_t), ("sample", C.POINTER(SampleOptions)), ("max_tokens", C.c_uint32)]


class EngineOptions(C.Structure):
    _fields_ = [("size", C.c_size_t), ("context_length", C.c_uint32)]


class OpenOptions(C.Structure):
    _fields_ = [("size", C.c_size_t), ("tokenizer_path", C.c_char_p), ("threads", C.c_uint32), ("no_engine", C.c_bool),
                ("no_mmap", C.c_bool), ("model", C.c_void_p), ("engine", C.POINTER(EngineOptions))]


class ChatOptions(C.Structure):
    _fields_ = [("size", C.c_size_t), ("format", C.c_int), ("text", C.c_char_p), ("text_len", C.c_size_t),
                ("messages", C.c_char_p)]


class Host(C.Structure):  # what follows the three is not for us; there is room for it
    _fields_ = [("model", C.c_void_p), ("engine", C.c_void_p), ("seq", C.c_void_p), ("more", C.c_char * 1000)]


class Config(C.Structure):  # its beginning
    _fields_ = [("family", C.c_char * 32), ("name", C.c_char * 64), ("vocab_size", C.c_uint32),
                ("n_layer", C.c_uint32), ("n_embd", C.c_uint32)]


class Error(Exception):
    pass


def find_library():
    here = os.path.dirname(os.path.abspath(__file__))
    built = os.path.join(here, "..", "..", "build", "libllmc.so.0")
    return os.environ.get("LLMC_LIBRARY") or (built if os.path.exists(built) else "libllmc.so.0")


def options(kind, **values):
    return kind(size=C.sizeof(kind), **values)


class Model:
    def __init__(self, path, context=0, threads=0, tokenizer=None, library=None):
        self.lib = lib = C.CDLL(library or find_library())
        for name in ("llmc_model_config", "llmc_model_tokenizer"):
            getattr(lib, name).restype = C.c_void_p
        lib.llmc_encode_need.restype = C.c_size_t
        self.host, self.diag = Host(), Diag()
        self.path = os.fsencode(path)  # the host keeps it for its messages
        engine = options(EngineOptions, context_length=context)
        opt = options(OpenOptions, threads=threads, engine=C.pointer(engine),
                      tokenizer_path=os.fsencode(tokenizer) if tokenizer else None)
        self.open = False
        self.check(lib.llmc_open(C.byref(self.host), self.path, C.byref(opt), C.byref(self.diag)))
        self.open = True
        self.seq = C.c_void_p(self.host.seq)
        self.config = Config.from_address(lib.llmc_model_config(C.c_void_p(self.host.model)))

    def check(self, status):
        if status != OK:
            raise Error(self.diag.message.decode("utf-8", "replace"))

    def close(self):
        if self.open:
            self.lib.llmc_close(C.byref(self.host))
        self.open = False

    def configure(self, temperature, top_k, top_p, max_tokens):
        sample = options(SampleOptions, temperature=temperature, top_k=top_k, top_p=top_p)
        opt = options(SeqOptions, sample=C.pointer(sample), max_tokens=max_tokens)
        self.check(self.lib.llmc_seq_configure(self.seq, C.byref(opt), C.byref(self.diag)))

    def pieces(self):
        piece = Piece()
        while True:
            status = self.lib.llmc_seq_next(self.seq, C.byref(piece), C.byref(self.diag))
            if status == DONE:
                return
            self.check(status)
            yield C.string_at(piece.text, piece.len).decode("utf-8", "replace")

    def text(self, prompt, temperature=0, top_k=0, top_p=0, max_tokens=0):
        """Pieces of how a text goes on."""
        self.configure(temperature, top_k, top_p, max_tokens)
        data = prompt.encode()
        self.check(self.lib.llmc_seq_truncate(self.seq, C.c_size_t(0), C.byref(self.diag)))
        self.check(self.lib.llmc_seq_add_text(self.seq, data, C.c_size_t(len(data)), C.byref(self.diag)))
        return self.pieces()

    def chat(self, messages, temperature=0, top_k=0, top_p=0, max_tokens=0):
        """Pieces of the answer to a conversation, [{"role": ..., "content": ...}, ...]."""
        self.configure(temperature, top_k, top_p, max_tokens)
        opt = options(ChatOptions, messages=json.dumps(messages).encode())
        self.check(self.lib.llmc_seq_chat(self.seq, C.byref(opt), None, C.c_size_t(0), C.byref(self.diag)))
        return self.pieces()

    def encode(self, text):
        """The text as ids, without what the model wants before and behind it."""
        data, n = text.encode(), C.c_size_t()
        tok = C.c_void_p(self.lib.llmc_model_tokenizer(C.c_void_p(self.host.model)))
        work = C.create_string_buffer(self.lib.llmc_encode_need(tok, C.c_size_t(len(data))) + 1)
        ids = (C.c_int32 * (len(data) + 16))()
        self.check(self.lib.llmc_encode(tok, data, C.c_size_t(len(data)), None, work, C.c_size_t(len(work)), ids,
                                        C.c_size_t(len(ids)), C.byref(n), C.byref(self.diag)))
        return list(ids[:n.value])

    def embed(self, text):
        """The text as a vector of length 1."""
        ids = self.encode(text)
        out = (C.c_float * self.config.n_embd)()
        self.check(self.lib.llmc_seq_truncate(self.seq, C.c_size_t(0), C.byref(self.diag)))
        self.check(self.lib.llmc_seq_embed(self.seq, (C.c_int32 * len(ids))(*ids), C.c_size_t(len(ids)), 0, out,
                                           C.byref(self.diag)))
        return list(out)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: llmc.py MODEL PROMPT")
    try:
        model = Model(sys.argv[1])
        for piece in model.chat([{"role": "user", "content": sys.argv[2]}]):
            print(piece, end="", flush=True)
        model.close()
    except (Error, OSError) as e:
        sys.exit("llmc.py: %s" % e)


if __name__ == "__main__":
    main()
