"""A client that takes a byte a second holds up nobody; memory stays what it is under load with random cancels; who takes
nothing is dropped."""
import threading
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


def metric(name):
    status, headers, text = s.request("GET", "/metrics")
    return float(re.search(r"^llamacpp:%s (\S+)" % name, text.decode(), re.M).group(1))


def work():
    """Steps of the engine so far, the sequences in them, nanoseconds of the thread that serves the sockets."""
    steps = metric("n_decode_total")
    return steps, steps * metric("n_busy_slots_per_decode"), s.network_ns()


def answers(n):
    """n answers, one after the other: seconds of the fastest, and what one of them took of each of work()."""
    before = work()
    fastest = min(one() for i in range(n))
    return [fastest] + [(b - a) / n if a is not None else 0 for a, b in zip(before, work())]


one()
alone = answers(6)
stop = threading.Event()
t = threading.Thread(target=slow, args=(stop, 1))
t.start()
was, now = None, [0]
for i in range(100): # until its answer waits for it
    was, now = now, [x.get("n_decoded") for x in s.get("/slots")[1] if x["is_processing"]]
    if was == now and now:
        break
    time.sleep(0.2)
check("a slow client's answer waits for it", was == now != [], now)
beside = answers(6)
now = [x.get("n_decoded") for x in s.get("/slots")[1] if x["is_processing"]]
check("and still does when others have theirs", was == now, (was, now))
stop.set()
t.join()
# Counted, since others may use this machine, too: the answer waits for no byte of it, which are a second each, no step
# is made for it or with it, and its socket, which takes nothing, is not asked again and again.
print("        an answer takes %.3f s, %.1f steps, %.1f sequences in them, %.1f ms of the network's thread" % (*alone[:3], alone[3] / 1e6))
print("        beside it       %.3f s, %.1f steps, %.1f sequences in them, %.1f ms of the network's thread" % (*beside[:3], beside[3] / 1e6))
check("an answer beside it waits for none of its bytes", beside[0] < alone[0] + 0.5, (alone, beside))
check("takes the steps that it takes alone", beside[1] < alone[1] + 2, (alone, beside))
check("alone in them", beside[2] < alone[2] + 2, (alone, beside))
check("and the network's thread does nothing for the slow one", beside[3] < 3 * alone[3] + 1e6, (alone, beside))
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
