"""A client that takes a byte a second holds up nobody; memory stays what it is under load with random cancels; who takes
nothing is dropped."""
import statistics, threading
from harness import *

seconds = float(os.environ.get("SOAK", "8"))
s = Server(LLAMA, "-c", "4096", "--parallel", "8", "--timeout", "3")
body = {"prompt": "Zq", "max_tokens": 300, "ignore_eos": True, "temperature": 0, "stream": True}


def one():
    start = time.time()
    assert s.events("/v1/completions", body)[2][-1] == "[DONE]"
    return time.time() - start


def slow(stop, n):
    """Asks for much, with a small window, and reads a byte now and then."""
    c = socket.socket()
    c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    c.connect(("127.0.0.1", s.port))
    data = json.dumps({**body, "max_tokens": 3900, "n": n}).encode()
    c.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
    while not stop.is_set():
        try:
            if not c.recv(1):
                break
        except OSError:
            break
        stop.wait(1)
    c.close()


one()
best, waits = [], True
for turn in range(3): # in turn, since others may use this machine, too
    alone = [one() for i in range(6)]
    stop = threading.Event()
    t = threading.Thread(target=slow, args=(stop, 1))
    t.start()
    was, now = None, [0]
    for i in range(100): # until its answer waits for it
        was, now = now, [x.get("n_decoded") for x in s.get("/slots")[1] if x["is_processing"]]
        if was == now and now:
            break
        time.sleep(0.2)
    waits = waits and was == now != []
    beside = [one() for i in range(6)]
    stop.set()
    t.join()
    best.append(min(beside) / min(alone))
check("a slow client's answer waits for it", waits, now)
check("beside one who takes a byte a second an answer takes %.3f times as long" % min(best), min(best) < 1.05, best)
end = time.time() + 15
while time.time() < end and any(x["is_processing"] for x in s.get("/slots")[1]):
    time.sleep(0.1)
check("and once it has gone nothing of it is left", not any(x["is_processing"] for x in s.get("/slots")[1]))

# who takes nothing at all
c = socket.socket()
c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
c.connect(("127.0.0.1", s.port))
data = json.dumps({**body, "max_tokens": 3900, "n": 4}).encode()
c.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
end = time.time() + 40
time.sleep(1)
while time.time() < end and any(x["is_processing"] for x in s.get("/slots")[1]):
    time.sleep(0.2)
check("who takes nothing is dropped", not any(x["is_processing"] for x in s.get("/slots")[1]))
c.close()


def load(seconds):
    return subprocess.run([sys.executable, "tests/server/load.py", str(s.port), "24", "40", str(seconds)], env={**os.environ, "CANCEL": "0.4", "SEED": "3"},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


load(seconds / 4)
before = s.memory()
r = load(seconds)
after = s.memory()
print("       ", r.stdout.strip())
check("load with cancels: none fails", r.returncode == 0, r.stdout)
check("memory %d to %d MB" % (before >> 20, after >> 20), after < before + (8 << 20) + before // 20)
finish(s)
