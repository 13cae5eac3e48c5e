"""What the server's tests have in common: a server on a free port, JSON and raw bytes to it, counting.

    s = Server("tests/models/tiny-llama.gguf", "--parallel", "4")
    status, body = s.post("/v1/completions", {"prompt": "x"})
    check("answers", status == 200, body)
    finish(s)
"""
import atexit, fcntl, json, os, re, signal, socket, subprocess, sys, tempfile, time

BUILD = os.environ.get("BUILD", "build")
PROGRAM = os.environ.get("SERVER", os.path.join(BUILD, "server"))
ON_WINDOWS = os.environ.get("SERVER_ON") == "windows" # under Wine, where SIGINT is Ctrl-C and SIGTERM just kills
STOP = signal.SIGINT if ON_WINDOWS else signal.SIGTERM
LLAMA = "tests/models/tiny-llama.gguf"
passed = failed = skipped = 0


def check(label, good, detail=""):
    global passed, failed
    if good:
        passed += 1
        print("ok     ", label)
    else:
        failed += 1
        print("FAIL   ", label)
        if detail != "":
            print("        ", str(detail)[:800])
    sys.stdout.flush()
    return bool(good)


def skip(label, why):
    global skipped
    skipped += 1
    print("skipped", label + ":", why)


def kept():
    """A file for what a program writes. Its place in it would be ours, too: so it writes at the end, and we read from
    the beginning without moving."""
    file = tempfile.TemporaryFile()
    fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_APPEND)
    return file


def written(file):
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode("utf-8", "replace")


class Server:
    def __init__(self, model, *options, env=None):
        self.err, self.log = kept(), kept()
        self.process = subprocess.Popen(
            [PROGRAM, model, "--port", "0", *options], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.err,
            env={**os.environ, **(env or {})})
        atexit.register(self.post_mortem)
        self.port = 0
        end = time.time() + 60
        while not self.port and time.time() < end and self.process.poll() is None:
            time.sleep(0.02)
            found = re.search(r"http://\S+:(\d+)/ answers", self.messages())
            self.port = int(found.group(1)) if found else 0
        if not self.port:
            print("FAIL    the server does not start:", self.messages())
            sys.exit(1)

    def post_mortem(self):
        """A server that is not ours to end: what it said."""
        if self.process.poll() is None:
            self.process.kill()
        elif self.process.returncode != 0:
            print("         the server:", self.messages()[-6000:])

    def messages(self):
        return written(self.err)

    def log_lines(self):
        return [json.loads(line) for line in written(self.log).split("\n")[:-1]] # the last may be on its way

    def connect(self, timeout=20):
        s = socket.create_connection(("127.0.0.1", self.port), timeout)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def raw(self, data, timeout=20, half=False):
        """Bytes in, all bytes out until the server closes (or nothing comes for `timeout`)."""
        s = self.connect(timeout)
        try:
            s.sendall(data)
            if half:
                s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return read_all(s)

    def request(self, method, path, body=None, headers=(), timeout=60):
        """Status, headers, body of one request; bodies in chunks are joined."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        head = "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n" % (method, path, self.port)
        if body is not None:
            head += "Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
        for name, value in headers:
            head += "%s: %s\r\n" % (name, value)
        return parse(self.raw(head.encode() + b"\r\n" + (body or b""), timeout))

    def get(self, path, **more):
        status, headers, body = self.request("GET", path, **more)
        return status, decode(body)

    def post(self, path, body, **more):
        status, headers, data = self.request("POST", path, body, **more)
        return status, decode(data)

    def events(self, path, body, **more):
        """The data of a stream's events, as they came; [DONE] as such."""
        status, headers, data = self.request("POST", path, body, **more)
        found = []
        for part in data.decode().split("\n\n"):
            for line in part.split("\n"):
                if line.startswith("data: "):
                    found.append(line[6:] if line[6:] == "[DONE]" else json.loads(line[6:]))
        return status, headers, found

    def alive(self):
        end = time.time() + 10 # while it clears away connections it may have none left
        while self.process.poll() is None and time.time() < end:
            try:
                if self.get("/health")[0] == 200:
                    return True
            except OSError:
                pass
            time.sleep(0.1)
        return False

    def memory(self):
        """Bytes resident."""
        with open("/proc/%d/statm" % self.process.pid) as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def network_ns(self):
        """Processor time of the thread that waits for sockets, the first one; None where the system does not say."""
        try:
            with open("/proc/%d/task/%d/schedstat" % (self.process.pid, self.process.pid)) as f:
                return int(f.read().split()[0])
        except OSError:
            return None

    def stop(self, timeout=40):
        if self.process.poll() is None:
            self.process.send_signal(STOP)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "killed"


def read_all(s):
    data = b""
    try:
        while True:
            part = s.recv(65536)
            if not part:
                break
            data += part
    except OSError:
        pass
    s.close()
    return data


def parse(data):
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    if not lines[0].startswith("HTTP/1.1 "):
        return 0, {}, data
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    status = int(lines[0].split()[1])
    if headers.get("transfer-encoding") == "chunked":
        whole, rest, ended = b"", body, False
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            n = int(size, 16)
            if n == 0:
                ended = rest == b"\r\n"
                break
            whole, rest = whole + rest[:n], rest[n + 2:]
        headers["complete"] = ended
        body = whole
    return status, headers, body


def decode(body):
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def finish(*servers):
    for s in servers:
        code = s.stop()
        check("ends with code 0", code == 0, "%s: %s" % (code, s.messages()[-2000:]))
    name = os.environ.get("NAME", os.path.basename(sys.argv[0]).replace(".py", ""))
    print("cli/%s: %d passed, %d failed%s" % (name, passed, failed, ", %d skipped" % skipped if skipped else ""))
    sys.exit(1 if failed else 0)
