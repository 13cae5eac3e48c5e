"""load.py PORT [CLIENTS [TOKENS [SECONDS]]] -- streaming clients at once, each asking anew when it has its answer, for some
seconds; prints tokens a second, time to first token, the longest pause. MODE=llama speaks /completion (any llama-server),
CANCEL=0.3 hangs up that part of them at random, WORDS=45 words of prompt, SEED. One thread, so that it costs little."""
import json, os, random, selectors, socket, sys, time

port = int(sys.argv[1])
clients = int(sys.argv[2]) if len(sys.argv) > 2 else 64
tokens = int(sys.argv[3]) if len(sys.argv) > 3 else 48
seconds = float(sys.argv[4]) if len(sys.argv) > 4 else 20
cancel, words = float(os.environ.get("CANCEL", "0")), int(os.environ.get("WORDS", "45"))
rng = random.Random(int(os.environ.get("SEED", "1")))
select = selectors.DefaultSelector()
vocabulary = "the of and to in a is that for it was on with as his they be at one have this from or had by hot word but what some".split()
firsts, pauses, done, failed, cancelled, said = [], [], 0, [], 0, 0


class Client:
    def begin(self):
        self.s = socket.create_connection(("127.0.0.1", port))
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        prompt = " ".join(rng.choice(vocabulary) for i in range(words))
        if os.environ.get("MODE") == "llama":
            path, body = "/completion", {"prompt": prompt, "n_predict": tokens, "stream": True, "ignore_eos": True, "cache_prompt": True}
        else:
            path, body = "/v1/completions", {"prompt": prompt, "max_tokens": tokens, "stream": True, "ignore_eos": True}
        body = json.dumps({**body, "temperature": 0.8, "seed": rng.randrange(1 << 30)}).encode()
        self.s.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(body)) + body)
        self.asked = self.last = time.time()
        self.data, self.n = b"", 0
        self.leave = rng.randrange(tokens) if rng.random() < cancel else -1
        select.register(self.s, selectors.EVENT_READ, self)

    def read(self):
        global done, cancelled, said
        try:
            part = self.s.recv(65536)
        except OSError as e:
            part = b""
        now = time.time()
        self.data += part
        n = self.data.count(b'data: {"') - self.n
        if n > 0:
            if self.n == 0:
                firsts.append(now - self.asked)
            else:
                pauses.append(now - self.last)
            self.n += n
            said += n
            self.last = now
        if part and self.leave >= 0 and self.n > self.leave:
            cancelled += 1
        elif part:
            return
        elif b"[DONE]" in self.data[-100:] or b'"stop":true' in self.data:
            done += 1
        else:
            failed.append(self.data[:300])
        select.unregister(self.s)
        self.s.close()
        if now < end:
            self.begin()


start = time.time()
end = start + seconds
for i in range(clients):
    Client().begin()
while select.get_map():
    for key, events in select.select(1):
        key.data.read()
took = time.time() - start
at = lambda list, p: sorted(list)[min(len(list) - 1, int(len(list) * p))] if list else 0
print("%d clients, %d tokens each: %.1f tokens/s, first token median %.3f s, p99 %.3f s, pause p99 %.3f s, longest %.3f s; %d answers, %d cancelled, %d failed" % (
    clients, tokens, said / took, at(firsts, .5), at(firsts, .99), at(pauses, .99), at(pauses, 1), done, cancelled, len(failed)))
if failed:
    print(failed[0])
sys.exit(1 if failed else 0)
