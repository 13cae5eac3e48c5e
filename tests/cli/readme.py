"""README.md against the repository: every program has a command in it, and what it names exists: files, parts of the
tests, make targets, options (by --help), keys of train, sections and names of llmc.h, gates, links.

     readme.py README BUILD      from the repository's root; a line for each finding, exit code 1 if there is one
"""
import glob, os, re, shlex, subprocess, sys

readme, build = sys.argv[1:3]
text = open(readme, encoding="utf-8").read()
header = open("llmc.h", encoding="utf-8").read()
makefile = open("Makefile").read()
sources = sorted(glob.glob("examples/*.c") + glob.glob("tools/*.c"))
programs = {os.path.basename(s)[:-2]: s for s in sources}
findings = 0


def complain(what):
    global findings
    findings += 1
    print("README: " + what)


def names(pattern, where):
    return sorted(set(re.findall(pattern, where)))


# ---- code: fenced and indented lines, and what stands in backticks

fences = re.findall(r"(?ms)^```\w*\n(.*?)^```", text)
prose = re.sub(r"(?ms)^```.*?^```", "", text)
lines = [l for f in fences for l in f.split("\n")] + re.findall(r"(?m)^    (\S.*)$", prose)
spans = [" ".join(s.split()) for s in re.findall(r"`([^`]+)`", prose)]
code = [re.sub(r"(^|\s)#\s.*", "", l) for l in lines] + spans


def words(line):
    try:
        return shlex.split(line)
    except ValueError:  # a quote that goes on in the next line
        return line.split()


def commands():
    """(program, its arguments) of every command that can be told from other code."""
    for line in code:
        command = []
        for w in words(line) + ["&&"]:
            if w not in ("&&", "||", "|", ";", "&"):
                command.append(w)
                continue
            while command and re.match(r"[A-Z_]+=", command[0]):  # NAME=VALUE before it
                command.pop(0)
            if command and command[0].split("/")[-1] in ("sh", "node", "python3") and len(command) > 1:
                command.pop(0)
            if command:
                yield command[0], command[1:]
            command = []


# ---- what there is

def check_programs(all_commands):
    named = {p.split("/")[-1] for p, _ in all_commands if p.startswith(("build/", "./"))}
    named |= {w[len("build/"):] for _, args in all_commands for w in args if w.startswith("build/")}
    for name, source in programs.items():
        if name not in named:
            complain("no command for %s: build/%s ..." % (source, name))
    for folder in glob.glob("examples/*/"):
        if folder not in text:
            complain("nothing of " + folder)
    if fences[0] not in open("examples/hello.c").read().replace("../llmc.h", "llmc.h"):
        complain("the first program is not examples/hello.c")
    for gate in names(r'"(LLMC_NO_\w+)"', open("tools/lint.c").read()):
        if "`%s`" % gate not in text:
            complain("nothing of the gate " + gate)


def exists(path):
    """A file or folder; words in capitals (NAME) and * stand for anything, {a,b} for both."""
    braces = re.search(r"\{([^}]*)\}", path)
    if braces:
        return all(exists(path.replace(braces.group(), b, 1)) for b in braces.group(1).split(","))
    return bool(glob.glob(re.sub(r"[A-Z]{4,}", "*", path) if not os.path.exists(path) else path))


def check_files():
    for path in names(r"(?<![\w/.-])((?:examples|tests|tools|configs)/[\w./*{},-]*[\w/*}])", text):
        if not exists(path):
            complain("no file " + path)
    for kind, name in names(r"(?<![\w/.-])(unit|asan|cli|build)/(\w[\w.-]*\w)", " ".join(code) + " " + prose):
        if name == "NAME":
            continue
        known = {"unit": ["tests/test_%s.c"], "asan": ["tests/test_%s.c"], "cli": ["tests/cli/%s.sh"],
                 "build": ["tests/build/%s.sh", "examples/%s.c", "tools/%s.c"]}[kind]
        made = kind == "build" and ("build/" + name in makefile or "-o build/" + name in text)
        if not made and not any(os.path.exists(k % name) for k in known):
            complain("no %s/%s" % (kind, name))
    slugs = {re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-") for h in re.findall(r"(?m)^#+ (.*)$", prose)}
    for target in names(r"\]\(([^)]*)\)", prose):
        if target.startswith("#") and target[1:] not in slugs or target[0] != "#" and not os.path.exists(target):
            complain("link to %s, which is not there" % target)


def check_make(all_commands):
    targets = names(r"(?m)^([a-z][a-z-]*):", makefile)
    asked = makefile + open("tests/run.sh").read() + open("tests/fuzz/run.sh").read()
    for program, args in all_commands:
        if program != "make":
            continue
        for a in args:
            name, _, value = a.partition("=")
            if not re.match(r"[\w-]+$", name) or name[0] == "-":
                continue
            if "=" not in a and name not in targets:
                complain("no target: make " + name)
            elif "=" in a and not re.search(r"\$[({]%s\b|\b%s=" % (name, name), asked):
                complain("make %s: nothing asks for %s" % (" ".join(args), name))
            if name == "T" and "test-platforms" in args and not os.path.exists("tests/platforms/%s.sh" % value):
                complain("no part of the platforms: " + a)


# ---- what programs take

def help_of(name, known={}):
    if name not in known:
        known[name] = ""
        try:
            r = subprocess.run([os.path.join(build, name), "--help"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
            known[name] = r.stdout.decode("utf-8", "replace")
        except OSError as e:
            complain("%s cannot be run: %s" % (name, e))
    return known[name]


def takes(usage, option):
    return re.search(r"(?<![\w-])%s(?![\w-])" % re.escape(option), usage)


def check_options(all_commands):
    silent = {"hello", "no_os"}  # no options: not asked for help
    usages = "".join(help_of(p) for p in programs if p not in silent)
    for program, args in all_commands:
        name = program.split("/")[-1]
        name = name[len("llmc-"):] if name.startswith("llmc-") else name
        options = [a.split("=")[0] for a in args if re.match(r"--?[a-z]", a)]
        if program in programs or program == "build/" + name or program == "./" + name:
            if name not in programs or name in silent:
                continue
            for o in options:
                if not takes(help_of(name), o):
                    complain("%s has no option %s" % (name, o))
            if name == "train":
                keys = re.findall(r"(?m)^  ([\w|]+)", help_of(name))
                keys = {k for line in keys for k in line.split("|")}
                for a in args:
                    if re.match(r"\w+=", a) and a.split("=")[0] not in keys:
                        complain("train has no key " + a.split("=")[0])
        elif os.path.isfile(program) and program.endswith((".mjs", ".py", ".sh")):
            script = open(program, encoding="utf-8").read()
            for o in options:
                if not re.search(r"\b%s\b" % re.escape(o.lstrip("-")), script):
                    complain("%s has no option %s" % (program, o))
    for option in names(r"(?<![\w-])--[a-z][a-z-]+", " ".join(s for s in spans if s.startswith("-"))):
        if not takes(usages, option):
            complain("no program has the option " + option)


# ---- what llmc.h has

def check_header():
    banners = re.findall(r"(?m)^//[=-][=-]\[ (\d\d)(?:\.(\d+))? ([A-Z]+)(?:\.(\w+))? \]", header)
    whole = {b[0]: b[2] for b in banners if not b[1]}
    parts = {(b[0], b[1]): b[2] + "." + b[3] for b in banners if b[1]}
    tags = "|".join(whole.values())
    for number, part, tag, name in names(r"\b(\d\d)(?:\.(\d+))? (%s)\b(?:\.([a-z]\w*))?" % tags, prose):
        there = parts.get((number, part), "") if part else whole.get(number, "")
        if there != tag + "." + name if name else there.split(".")[0] != tag:
            complain("no section %s%s %s%s" % (number, part and "." + part, tag, name and "." + name))
    for tag, name in names(r"\b(%s)\.([a-z]\w*)" % tags, prose):
        if tag + "." + name not in parts.values() and name != "jsonl":
            complain("no section %s.%s" % (tag, name))
    known = set(re.findall(r"\w+", header + makefile))
    for s in glob.glob("examples/**/*", recursive=True) + glob.glob("tests/compat/*") + sources:
        if os.path.isfile(s) and not s.endswith((".gguf", ".jsonl")):
            known |= set(re.findall(r"\w+", open(s, encoding="utf-8", errors="replace").read()))
    for name in names(r"(?<!\w)(?:llmc_|LLMC_)\w+", text):
        if name not in known:
            complain("nothing is called " + name)


all_commands = list(commands())
check_programs(all_commands)
check_files()
check_make(all_commands)
check_options(all_commands)
check_header()
print("%s: %d pieces of code, %d findings" % (readme, len(all_commands), findings))
sys.exit(findings > 0)
