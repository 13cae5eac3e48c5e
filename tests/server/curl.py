"""The curl lines of README.md, as they stand there but for the port, against a running server: each is answered, and the
answer is JSON, a stream that ends, or Prometheus' text."""
import shlex, shutil
from harness import *

text = open("README.md").read()
blocks = [b for b in re.findall(r"```sh\n(.*?)```", text, re.S) if "curl " in b and "localhost:8000" in b]
if not blocks or not shutil.which("curl"):
    skip("README's examples", "no curl, or none in README.md")
    finish()
lines = [c for b in blocks for c in re.split(r"\n(?=curl )", b.strip()) if c.startswith("curl ")]
s = Server(LLAMA, "--parallel", "4", "-c", "1024")
for line in lines:
    words = shlex.split(line.replace("localhost:8000", "127.0.0.1:%d" % s.port))
    r = subprocess.run(words + ["-sS", "--fail-with-body", "--max-time", "60"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    streamed, body = '"stream":true' in line or "_stream" in line, decode(r.stdout.encode())
    good = r.stdout.endswith("data: [DONE]\n\n") if streamed else "# TYPE" in body if "/metrics" in line else isinstance(body, (dict, list))
    check(line[:110].replace("\n", " "), r.returncode == 0 and good and not (isinstance(body, dict) and body.get("error")), r.stdout + r.stderr)
check("and there are some", len(lines) >= 15, len(lines))
finish(s)
