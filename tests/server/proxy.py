"""nginx and HAProxy, as configs/ has them, before two servers of which one is killed under load: nothing fails that had
not begun to stream."""
import http.client, shutil, ssl, threading
from harness import *

out = os.environ.get("OUT", tempfile.mkdtemp())
os.makedirs(out, exist_ok=True)
cert, key = os.path.join(out, "cert.pem"), os.path.join(out, "key.pem")
subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", cert],
               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
if not os.path.exists(cert):
    skip("proxies", "no openssl")
    finish()
open(os.path.join(out, "both.pem"), "w").write(open(cert).read() + open(key).read())
context = ssl._create_unverified_context()


def free_port():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
    s.close()
    return port


def ask(port, stream, headers={}, n=30):
    """'ok', 'begun' (broke off after its head) or what went wrong."""
    begun = False
    try:
        c = http.client.HTTPSConnection("localhost", port, context=context, timeout=60)
        c.request("POST", "/v1/completions", json.dumps({"prompt": "Zq", "max_tokens": n, "ignore_eos": True, "stream": stream}),
                  {"Content-Type": "application/json", **headers})
        r = c.getresponse()
        begun = r.status == 200
        body = r.read()
        if r.status != 200:
            return "%d %s" % (r.status, body[:100])
        if stream and not body.endswith(b"data: [DONE]\n\n"):
            return "begun"
        return "ok"
    except Exception as e:
        return "begun" if begun else repr(e)


def trial(name, start):
    servers = [Server(LLAMA, "--parallel", "8", "-c", "4096", "--trust-proxy") for i in range(2)]
    port = free_port()
    proxy = start(port, servers)
    for i in range(100):
        if ask(port, False, n=1) == "ok":
            break
        time.sleep(0.1)
    check(name + " answers over TLS", ask(port, False, n=1) == "ok" and ask(port, True, n=5) == "ok", ask(port, False))
    seen = [s.log_lines()[-1]["client"] for s in servers if s.log_lines()]
    check(name + " says whom it answers", "127.0.0.1" in seen, seen)
    # told apart by their seven tokens: a server's line about an earlier request may come after its answer
    for i in range(6):
        ask(port, False, {"X-Session-Id": "mine"}, 7)
    for i in range(50):
        spread = [sum(1 for x in s.log_lines() if x.get("tokens") == 7) for s in servers]
        if sum(spread) == 6:
            break
        time.sleep(0.1)
    check(name + " keeps a session at one server", sorted(spread) == [0, 6], spread)
    results, end = [], time.time() + 4
    def load(i):
        while time.time() < end or (len(results) < 40 and time.time() < end + 60): # a busy machine takes longer
            results.append(ask(port, i % 2 == 0, n=400))
    threads = [threading.Thread(target=load, args=(i,)) for i in range(12)]
    [t.start() for t in threads]
    time.sleep(1.2)
    while time.time() < end + 30 and sum(1 for x in servers[0].log_lines() if x["path"] == "/v1/completions") < 7:
        time.sleep(0.2)
    servers[0].process.kill()
    [t.join() for t in threads]
    used = [sum(1 for x in s.log_lines() if x["path"] == "/v1/completions") for s in servers]
    failed = [r for r in results if r not in ("ok", "begun")]
    check("%s: of %d requests around a killed server none failed that had not begun (%d had)" % (name, len(results), results.count("begun")),
          not failed and len(results) > 30 and min(used) > 3, (failed[:3], used))
    check(name + " goes on with the other", ask(port, True) == "ok")
    proxy.terminate()
    proxy.wait(10)
    servers[0].process.wait()
    servers[0].process.returncode = 0
    check("the other ends with code 0", servers[1].stop() == 0)


def nginx(port, servers):
    text = open("configs/nginx.conf").read()
    text = text.replace("listen 443", "listen 127.0.0.1:%d" % port).replace("/etc/llmc", out)
    text = text.replace("127.0.0.1:8001", "127.0.0.1:%d" % servers[0].port).replace("127.0.0.1:8002", "127.0.0.1:%d" % servers[1].port)
    temp = "".join("    %s %s/nginx;\n" % (d, out) for d in ("client_body_temp_path", "proxy_temp_path", "fastcgi_temp_path", "uwsgi_temp_path", "scgi_temp_path"))
    text = "daemon off;\npid %s/nginx.pid;\n" % out + text.replace("http {\n", "http {\n    access_log off;\n" + temp, 1)
    path = os.path.join(out, "nginx.conf")
    open(path, "w").write(text)
    return subprocess.Popen(["nginx", "-c", path, "-e", os.path.join(out, "nginx.err")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def haproxy(port, servers):
    text = open("configs/haproxy.cfg").read()
    text = text.replace("bind :443", "bind 127.0.0.1:%d" % port).replace("/etc/llmc", out)
    text = text.replace("127.0.0.1:8001", "127.0.0.1:%d" % servers[0].port).replace("127.0.0.1:8002", "127.0.0.1:%d" % servers[1].port)
    path = os.path.join(out, "haproxy.cfg")
    open(path, "w").write(text)
    return subprocess.Popen(["haproxy", "-f", path, "-db"], stdout=open(os.path.join(out, "haproxy.err"), "w"), stderr=subprocess.STDOUT)


out = os.path.abspath(out)
os.environ["PATH"] += ":/usr/sbin"
for name, start in (("nginx", nginx), ("haproxy", haproxy)):
    if shutil.which(name):
        trial(name, start)
    else:
        skip(name, "not installed")
finish()
