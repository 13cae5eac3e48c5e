"""idle.py [SERVER...] -- thousands of connections on which nothing happens: answers come as before, at little cost for a
token where the system keeps the list (epoll) beside what a server pays that hands it over each time, and each of them
can still ask. The SERVERs of the arguments, the first one by poll, are built without optimisation, which is little
beside what the system does for them."""
import resource, struct, sys
import harness
from harness import *

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
N = max(16, min(3000, (hard if hard > 0 else 1 << 20) - 200))
resource.setrlimit(resource.RLIMIT_NOFILE, (N + 200 if hard < 0 else min(hard, N + 200), hard))
ASK = {"prompt": "Zq", "max_tokens": 600, "ignore_eos": True, "temperature": 0, "stream": True}
HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


def cost(s):
    """Nanoseconds of that thread for a token: the least of some."""
    best = None
    for i in range(5):
        before = s.network_ns()
        status, headers, events = s.events("/v1/completions", ASK)
        if not (status == 200 and events[-1] == "[DONE]" and before):
            return None
        took = (s.network_ns() - before) / len(events)
        best = took if best is None else min(best, took)
    return best


def handles(s):
    return len(os.listdir("/proc/%d/fd" % s.process.pid)) if os.path.isdir("/proc/%d/fd" % s.process.pid) else 0


def answered(c):
    c.sendall(HEALTH)
    return c.recv(4096).startswith(b"HTTP/1.1 200 ")


def run(program, beside=None):
    """All of it with one program, whose cost is held against `beside`, a server that has run. Returns it and the cost."""
    harness.PROGRAM = program
    s = Server(LLAMA, "-c", "1024", "--connections", str(N), "--timeout", "600", "--access-log", "none")
    name = os.path.basename(program)
    alone, had = cost(s), handles(s)
    idle = [s.connect() for i in range(N - 8)]
    check("%s: the last of %d idle connections is let in" % (name, len(idle)), answered(idle[-1]))
    with_idle = cost(s)
    if alone is None or with_idle is None:
        skip(name + ": what a token costs", "the system does not say")
    else:
        print("        %s: a token costs the network's thread %.1f us, beside them %.1f us" % (name, alone / 1e3, with_idle / 1e3))
        if beside: # a machine that does other things makes both dear, not one of them five times
            check(name + ": that is far from what handing over a list costs", 5 * with_idle < beside, (with_idle, beside))
    check(name + ": each of some of them can ask, again and again", all(answered(c) for c in idle[::37]) and all(answered(c) for c in idle[::41]))
    more = [s.connect() for i in range(16)]
    refused = 0
    for c in more:
        c.settimeout(0.3)
        try:
            refused += c.recv(4096).startswith(b"HTTP/1.1 503 ")
        except OSError:
            pass
    check(name + ": beyond the limit they are told so", 8 <= refused < 16, refused)
    for c in idle[::2]: # half of them rudely
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    for c in idle + more:
        c.close()
    end = time.time() + 20
    while time.time() < end and handles(s) > had:
        time.sleep(0.1)
    check(name + ": their handles come free", handles(s) <= had, (had, handles(s)))
    check(name + ": and it is well", s.alive() and s.events("/v1/completions", ASK)[2][-1] == "[DONE]")
    return s, with_idle


ran = [run(program) for program in sys.argv[1:]]
ran.append(run(PROGRAM, ran[0][1] if ran and sys.platform.startswith("linux") else None))
finish(*[server for server, cost_beside in ran])
