// node tests/compat/load.mjs MODEL [--theirs LLAMA_SERVER] [--clients N] [--slots N] [-t N] [--tokens N] [--rounds N] ...
/* Our server next to a llama-server (llama.cpp's or ik_llama.cpp's) under load: same file, same clients, in turn.
   Prints a table in Markdown.

   --clients N (64) connections at once each ask for a streamed chat completion, --requests N (2) times in a row, on
   one connection after the other. Prompts are a mix of lengths, --words A,B,C (8,45,120,300), of random words, none
   like another from its first word on, so that nobody's prefix cache helps. Every answer has exactly --tokens N
   (64): end tokens are ignored on both sides, and what ends a turn is biased away. Both write conversations in ChatML.
   Figures:

     tokens/s        generated, from the first request to the last answer, all clients together
     first token     from the request's last byte sent to the first character of the answer, median and 99th percentile
     pause           between two parts of one stream, 99th percentile
     CPU             processor time of the server for a generated token, where /proc says so
     failed          answers that were refused, broken off, or of another length

   --api text asks /v1/completions with the bare prompt instead: ik_llama.cpp's server of 2026 ends with an uncaught
   exception when its parser of chat replies is given the gibberish of random weights.

   Ours:    --ours FILE (build/server), MODEL --parallel SLOTS -c CONTEXT -t N, and --our-args "..."
   Theirs:  --theirs FILE, -m MODEL -np SLOTS -c SLOTS*CONTEXT -t N -tb N, and --their-args "..."; left out if not given
   --slots N (16) are computed at once on both sides; --our-slots N for ours alone. --context N (1024) tokens for each.
   --rounds N (2): each measures both once, the order changing from round to round; medians count. --warm N (4)
   requests come untimed before. --seed N (1) of everything random, printed. --json FILE keeps the samples.

   One process without packages: at some thousand tokens a second it takes a few per cent of a core, on both sides
   alike. Exits with 1 if an answer failed, with 2 for a wrong option. */
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import {spawn} from "node:child_process";

const options = {
    ours: "build/server", theirs: null, clients: 64, slots: 16, "our-slots": 0, t: 2, api: "chat", tokens: 64, requests: 2,
    words: "8,45,120,300", context: 1024, rounds: 2, warm: 4, seed: 1, "our-args": "", "their-args": "", json: null
};
let model = null;

function usage(message) {
    console.error(`load: ${message}; see the head of tests/compat/load.mjs`);
    process.exit(2);
}

/* A whole number of at least 1 (0 where that means something) for every option whose default is a number. */
function parse(args) {
    for (let i = 0; i < args.length; i++) {
        if (!args[i].startsWith("-")) {
            if (model !== null)
                usage(`unexpected argument: ${args[i]}`);
            model = args[i];
            continue;
        }
        const name = args[i].replace(/^--?/, "");
        if (!Object.hasOwn(options, name) || args[i + 1] === undefined)
            usage(`unknown option or no value: ${args[i]}`);
        const value = args[++i], least = ["our-slots", "warm", "seed"].includes(name) ? 0 : 1;
        if (typeof options[name] === "number" && !(/^\d+$/.test(value) && Number(value) >= least))
            usage(`--${name}: '${value}' is not a whole number of at least ${least}`);
        options[name] = typeof options[name] === "number" ? Number(value) : value;
    }
    options.words = options.words.split(",").map(Number);
    if (options.words.some((n) => !Number.isInteger(n) || n < 1))
        usage("--words: whole numbers of words with commas between them are expected");
    if (!["chat", "text"].includes(options.api))
        usage(`--api: '${options.api}' is neither chat nor text`);
    if (model === null)
        usage("no model given");
}

/* ---- what is asked ---- */

/* xorshift32: the same prompts whatever machine this is. */
let state = 1;
function random(n) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
}

const vocabulary = ("the of and to in a is that for it was on with as his they be at one have this from or had by " +
    "hot word but what some we can out other were all there when up use your how said an each she").split(" ");

/* What ends a turn besides the end of a text. Not every server's ignore_eos covers that, so it is biased away, on
   both sides alike. */
const turns = ["<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>"];

async function turnEnds(port) {
    const found = [];
    for (const content of turns) {
        const r = await fetch(`http://127.0.0.1:${port}/tokenize`, {
            method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({content, parse_special: true})
        }).then((a) => a.json(), () => ({}));
        if (r.tokens?.length === 1)
            found.push([r.tokens[0], -1000]);
    }
    return found;
}

function body(words, bias) {
    const prompt = Array.from({length: words}, () => vocabulary[random(vocabulary.length)]).join(" ");
    return JSON.stringify({
        ...bias.length > 0 ? {logit_bias: bias} : {},
        ...options.api === "chat" ? {messages: [{role: "user", content: prompt}]} : {prompt},
        model: "default", stream: true, stream_options: {include_usage: true}, max_tokens: options.tokens,
        ignore_eos: true, temperature: 0.8, top_p: 0.95, seed: 1 + random(1 << 30), cache_prompt: true
    });
}

/* ---- one client ---- */

/* Asks once; resolves to {first, pauses, tokens, prompt, error}, times in seconds. Only the first character of the
   answer and its end are looked for, so that the client costs next to nothing. */
function ask(port, text) {
    return new Promise((resolve) => {
        const r = {first: null, pauses: [], tokens: 0, prompt: 0, error: null};
        let asked = 0, last = 0, seen = "";
        const done = (error) => {
            r.error = error;
            socket.removeAllListeners();
            socket.on("error", () => {});
            socket.destroy();
            resolve(r);
        };
        const socket = net.connect(port, "127.0.0.1", () => {
            socket.setNoDelay(true);
            socket.write(`POST /v1/${options.api === "chat" ? "chat/" : ""}completions HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n` +
                `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
            asked = last = performance.now();
        });
        socket.setTimeout(300000, () => done("nothing came for five minutes"));
        socket.on("error", (e) => done(e.message));
        socket.on("data", (part) => {
            const now = performance.now(), latin = part.latin1Slice();
            if (r.first === null && /"(content|reasoning_content|text)":\s*"[^"]/.test(latin))
                r.first = (now - asked) / 1000;
            else if (r.first !== null)
                r.pauses.push((now - last) / 1000);
            last = now;
            seen = (seen + latin).slice(-4096);
        });
        socket.on("close", () => {
            const usage = /"completion_tokens":\s*(\d+)[^}]*/.exec(seen), prompt = /"prompt_tokens":\s*(\d+)/.exec(seen);
            if (!seen.includes("data: [DONE]"))
                return done("broken off: " + seen.slice(-300));
            r.tokens = usage ? Number(usage[1]) : 0;
            r.prompt = prompt ? Number(prompt[1]) : 0;
            done(r.tokens === options.tokens ? null : `${r.tokens} tokens instead of ${options.tokens}`);
        });
    });
}

/* All clients at once, each its requests one after the other. */
async function load(port, clients, requests) {
    const bias = await turnEnds(port);
    const bodies = Array.from({length: clients}, (_, i) => Array.from({length: requests},
        (_, j) => body(options.words[(i + j) % options.words.length], bias)));
    const results = [], begun = performance.now();
    await Promise.all(bodies.map(async (list) => {
        for (const text of list)
            results.push(await ask(port, text));
    }));
    return {results, seconds: (performance.now() - begun) / 1000};
}

/* ---- servers ---- */

function freePort() {
    return new Promise((resolve) => {
        const s = net.createServer().listen(0, "127.0.0.1", () => {
            const {port} = s.address();
            s.close(() => resolve(port));
        });
    });
}

/* Processor seconds of a process so far; null where there is no /proc. */
function cpu(pid) {
    try {
        const fields = fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
        return (Number(fields[11]) + Number(fields[12])) / 100;
    } catch {
        return null;
    }
}

/* Where the servers run: some leave a log there. */
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "load-"));
process.on("exit", () => fs.rmSync(folder, {recursive: true, force: true}));

async function start(side, port) {
    const slots = side === "ours" ? options["our-slots"] || options.slots : options.slots;
    const more = (options[side === "ours" ? "our-args" : "their-args"] || "").split(" ").filter(Boolean);
    const args = side === "ours"
        ? [path.resolve(model), "--port", port, "--parallel", slots, "-c", options.context, "-t", options.t, "--access-log", "none",
            "--chat-format", "chatml", ...more]
        : ["-m", path.resolve(model), "--host", "127.0.0.1", "--port", port, "-np", slots, "-c", slots * options.context,
            "-t", options.t, "-tb", options.t, "--chat-template", "chatml", ...more];
    const child = spawn(path.resolve(options[side]), args.map(String), {stdio: ["ignore", "ignore", "pipe"], cwd: folder});
    let said = "", ended = null;
    child.stderr.on("data", (d) => { said = (said + d).slice(-2000); });
    child.on("error", (e) => { ended = e.message; });
    child.on("exit", (code, signal) => { ended = ended ?? `ended with ${signal ?? code}: ${said.trim().split("\n").at(-1)}`; });
    process.on("exit", () => child.kill("SIGKILL"));
    for (let i = 0; i < 3000 && ended === null; i++) {
        const good = await fetch(`http://127.0.0.1:${port}/health`).then((r) => r.ok, () => false);
        if (good)
            return {child, ended: () => ended};
        await new Promise((r) => setTimeout(r, 100));
    }
    child.kill("SIGKILL");
    console.error(`load: ${options[side]} does not start: ${ended ?? said}`);
    process.exit(1);
}

async function stop(server) {
    server.child.kill("SIGTERM");
    for (let i = 0; i < 100 && server.ended() === null; i++)
        await new Promise((r) => setTimeout(r, 100));
    server.child.kill("SIGKILL");
}

function at(values, part) {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted.length === 0 ? NaN : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

/* One server, once. */
async function measure(side) {
    const port = await freePort(), server = await start(side, port);
    state = options.seed * 2654435761 | 1;
    await load(port, options.warm, options.warm > 0 ? 1 : 0);
    const before = cpu(server.child.pid), {results, seconds} = await load(port, options.clients, options.requests);
    const after = cpu(server.child.pid), died = server.ended();
    await stop(server);
    const bad = results.filter((r) => r.error !== null), good = results.filter((r) => r.error === null);
    const tokens = good.reduce((n, r) => n + r.tokens, 0), prompt = good.reduce((n, r) => n + r.prompt, 0);
    if (bad.length > 0)
        console.error(`load: ${side}: ${bad[0].error}${died === null ? "" : `; the server ${died}`}`);
    const pauses = good.flatMap((r) => r.pauses), firsts = good.map((r) => r.first ?? NaN);
    return {
        side, seconds, failed: bad.length, answers: good.length, tokens, prompt, rate: tokens / seconds,
        all: (tokens + prompt) / seconds, p50: at(firsts, 0.5), p99: at(firsts, 0.99), pause: at(pauses, 0.99),
        cpu: before === null || after === null ? NaN : (after - before) / tokens * 1000
    };
}

/* ---- the table ---- */

const columns = [
    ["tokens/s", "rate", 1], ["with prompts", "all", 0], ["first token", "p50", 2], ["p99", "p99", 2], ["pause p99", "pause", 3],
    ["CPU ms/token", "cpu", 2], ["answers", "answers", 0], ["failed", "failed", 0]
];

function table(samples) {
    const sides = ["ours", "theirs"].filter((s) => samples.some((x) => x.side === s)), middle = {};
    console.log(`| server |${columns.map((c) => ` ${c[0]} |`).join("")}\n|---|${columns.map(() => "---:|").join("")}`);
    for (const side of sides) {
        const own = samples.filter((x) => x.side === side);
        middle[side] = Object.fromEntries(columns.map(([, key]) => [key, key === "failed" || key === "answers"
            ? own.reduce((n, x) => n + x[key], 0) : at(own.map((x) => x[key]), 0.5)]));
        console.log(`| ${side} |` + columns.map(([, key, digits]) => ` ${middle[side][key].toFixed(digits)} |`).join(""));
    }
    if (sides.length === 2)
        console.log("| ratio |" + columns.map(([, key]) => key === "answers" || key === "failed" ? " |"
            : ` ${(middle.ours[key] / middle.theirs[key]).toFixed(2)} |`).join(""));
}

parse(process.argv.slice(2));
const samples = [];
for (let round = 0; round < options.rounds; round++) {
    const sides = options.theirs === null ? ["ours"] : round % 2 === 0 ? ["ours", "theirs"] : ["theirs", "ours"];
    for (const side of sides) {
        const s = await measure(side);
        samples.push(s);
        console.error(`round ${round + 1}, ${side}: ${s.rate.toFixed(1)} tokens/s, ${s.prompt} prompt tokens, first token ` +
            `${s.p50.toFixed(2)} s, p99 ${s.p99.toFixed(2)} s, ${s.failed} failed, ${s.seconds.toFixed(1)} s`);
    }
}
console.log(`\n${options.clients} clients x ${options.requests} requests of ${options.words.join("/")} words, ${options.tokens} ` +
    `tokens each, ${options.slots} slots${options["our-slots"] ? ` (ours ${options["our-slots"]})` : ""}, ${options.t} threads, ` +
    `${os.cpus()[0].model.trim()}, seed ${options.seed}\n`);
table(samples);
if (options.json !== null)
    fs.writeFileSync(options.json, JSON.stringify({options, model, samples}, null, 1));
process.exit(samples.some((s) => s.failed > 0) ? 1 : 0);
