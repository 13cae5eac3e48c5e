// node tests/compat/speed.mjs [--ik FOLDER] [--llama NODE_MODULES] [-t N] [-r N] [--rows PATTERN] [--models FOLDER]
/* llmc.h's speed next to llama.cpp's and ik_llama.cpp's: same file, same threads, in turn. Prints a table.

   Models are of TinyLlama-1.1B's and Mistral-7B's shapes with random weights, made once by build/synth. A row is
   measured -r times (3); each time all engines come one after the other, in the other order every second time,
   each as a process of its own with one untimed run before; the median counts. What is timed, of all alike:

     prefill N   N tokens of one sequence in an empty cache, logits of the last; steps of 512 tokens
     decode N    N tokens one at a time, logits of each, no sampling
     at depth D  the same with D tokens in the cache
     batch B     B sequences of 16 tokens generate N each, one step for all of them: tokens of all together

   llmc.h           build/bench -m F -p N -n N -d D -b B -r 1
   ik_llama.cpp     FOLDER/llama-bench (prefill -p; decode -n; depth -gp D,N), its defaults for a processor; batch:
                    FOLDER/llama-batched-bench, column S_TG. "repacked" is the same with -rtr 1, which copies the
                    weights to another layout when loading, so that nothing is mapped any more.
   llama.cpp        the prebuilt library of npm's node-llama-cpp, through the package's own binding (decodeBatch),
                    flash attention on; a child process of this script, see llama() below.
   The cache is F16 in all. Engines that are not given are left out. A ratio is llmc.h's speed by the best of the
   others that do not repack.

   --rows takes a regular expression for the names of rows; --list prints those; --json FILE keeps the samples. */
import fs from "node:fs";
import path from "node:path";
import {spawnSync} from "node:child_process";
import {fileURLToPath, pathToFileURL} from "node:url";
import {packageFolder} from "./llamacpp.mjs";

const tiny = "tinyllama-1.1b,ctx=32768";
const rows = [
    ...["q4_0", "q8_0", "q4_k_m", "f16", "bf16"].map((type) => ({name: `prefill 512, ${type}`, shape: tiny, type, p: 512})),
    {name: "prefill 4096, q4_0", shape: tiny, type: "q4_0", p: 4096},
    {name: "prefill 16384, q4_0", shape: tiny, type: "q4_0", p: 16384},
    ...["q4_0", "q8_0", "q4_k_m", "f16"].map((type) => ({name: `decode 64, ${type}`, shape: tiny, type, n: 64})),
    {name: "decode 16 sequences, q4_0", shape: tiny, type: "q4_0", n: 32, b: 16},
    {name: "decode 4 sequences, q4_0", shape: tiny, type: "q4_0", n: 32, b: 4},
    {name: "decode 32 at depth 16384, q4_0", shape: tiny, type: "q4_0", n: 32, d: 16384},
    ...["q4_0", "q8_0"].map((type) => ({name: `Mistral-7B: prefill 256, ${type}`, shape: "mistral-7b", type, p: 256})),
    ...["q4_0", "q8_0"].map((type) => ({name: `Mistral-7B: decode 32, ${type}`, shape: "mistral-7b", type, n: 32}))
];

const options = {ik: null, llama: null, t: "2", r: "3", rows: ".", models: "build/speed", bench: "build/bench", json: null};

function usage(message) {
    console.error(`speed: ${message}; see the head of ${path.relative(".", fileURLToPath(import.meta.url))}`);
    process.exit(2);
}

function parse(args) {
    for (let i = 0; i < args.length; i++) {
        const name = args[i].replace(/^--?/, "");
        if (name === "list") {
            rows.forEach((r) => console.log(r.name));
            process.exit(0);
        }
        if (!(name in options) || args[i + 1] === undefined)
            usage(`unknown option or no value: ${args[i]}`);
        options[name] = args[++i];
    }
}

function run(command, args, env = {}, cwd = ".") {
    const r = spawnSync(command, args, {encoding: "utf8", maxBuffer: 1 << 26, env: {...process.env, ...env}, cwd});
    if (r.status !== 0)
        throw new Error(`${command} ${args.join(" ")}: ${r.error?.message ?? r.stderr.trim().split("\n").at(-1)}`);
    return r.stdout + r.stderr;
}

/* The row's model, made if it is not there. */
function modelOf(row) {
    const file = path.join(options.models, `${row.shape.split(",")[0]}-${row.type}.gguf`);
    fs.mkdirSync(options.models, {recursive: true});
    if (!fs.existsSync(file)) {
        run(path.join(path.dirname(options.bench), "synth"), [row.shape, file + ".part", row.type]);
        fs.renameSync(file + ".part", file);
    }
    return file;
}

/* Engines: each takes a row and a file and returns tokens per second, or null if it has no such measurement. */
const engines = {
    "llmc.h": (row, file) => {
        const args = ["-m", file, "-t", options.t, "-r", "1", "-o", "json", "--no-verify", "--batch-tokens", "512"];
        args.push("-p", String(row.b ? 0 : row.p ?? 0), "-n", String(row.n ?? 0), "-d", String(row.b ? 16 : row.d ?? 0));
        if (row.b)
            args.push("-b", String(row.b));
        const out = JSON.parse(run(options.bench, args));
        return row.b ? out.batch_tps : row.p ? out.prefill_tps : out.decode_tps;
    },
    "ik_llama.cpp": (row, file) => ik(row, file, []),
    "ik_llama.cpp, repacked": (row, file) => (row.type.startsWith("q") && !row.b ? ik(row, file, ["-rtr", "1"]) : null),
    "llama.cpp": (row, file) => {
        const job = JSON.stringify({file, threads: Number(options.t), ...row});
        return JSON.parse(run(process.execPath, [fileURLToPath(import.meta.url), "--job", job], {LLAMA_CPP_NODE: options.llama}).trim().split("\n").at(-1)).tps;
    }
};

/* Among the models, since it leaves a log where it runs. */
function ik(row, model, more) {
    const file = path.resolve(model);
    if (row.b) {
        const out = run(path.join(options.ik, "llama-batched-bench"), ["-m", file, "-t", options.t, "-c", String(row.b * (row.n + 64)),
            "-b", "2048", "-ub", "512", "-npp", "16", "-ntg", String(row.n), "-npl", String(row.b)], {}, options.models);
        return Number(out.split("\n").filter((l) => /^\|\s*\d/.test(l)).at(-1).split("|")[8]);
    }
    const what = row.d ? ["-p", "0", "-n", "0", "-gp", `${row.d},${row.n}`] : ["-p", String(row.p ?? 0), "-n", String(row.n ?? 0)];
    const out = run(path.join(options.ik, "llama-bench"), ["-m", file, "-t", options.t, "-r", "1", "-o", "json", ...what, ...more], {}, options.models);
    return JSON.parse(out.slice(out.indexOf("[\n"), out.lastIndexOf("]") + 1))[0].avg_ts;
}

/* The child process for llama.cpp: one row. Through the bindings, as the package's classes add work of their own. */
async function llama(row) {
    const {getLlama, LlamaLogLevel} = await import(pathToFileURL(path.join(packageFolder(), "dist", "index.js")).href);
    const lib = await getLlama({gpu: false, build: "never", skipDownload: true, progressLogs: false, maxThreads: row.threads,
        logLevel: LlamaLogLevel.error});
    const {AddonModel, AddonContext} = lib._bindings;
    const model = new AddonModel(path.resolve(row.file), {gpuLayers: 0, useMmap: true, addonExports: lib._bindings});
    await model.init();
    const seqs = row.b ?? 1, depth = row.b ? 16 : row.d ?? 0, room = depth + (row.p ?? 0) + (row.n ?? 0) + 8;
    const context = new AddonContext(model, {contextSize: Math.ceil(seqs * room / 256) * 256 + 256, batchSize: 512, sequences: seqs,
        threads: row.threads, flashAttention: true, kvCacheKeyType: 1, kvCacheValueType: 1}); // F16
    await context.init();
    const token = (i) => (i * 7919 + 13) % 31000 + 300;
    /* tokens [at, at + n) of a sequence in steps; logits of the last */
    const feed = async (seq, at, n, step) => {
        for (let i = 0; i < n; i += step) {
            const m = Math.min(step, n - i);
            context.initBatch(m);
            context.addToBatch(seq, at + i, Uint32Array.from({length: m}, (_, k) => token(at + i + k)),
                Uint32Array.from(i + m === n ? [m - 1] : []));
            await context.decodeBatch();
        }
    };
    const together = async (at) => {
        context.initBatch(seqs);
        for (let s = 0; s < seqs; s++)
            context.addToBatch(s, at, Uint32Array.from([token(at + s)]), Uint32Array.from([0]));
        await context.decodeBatch();
    };
    const measured = async () => {
        for (let s = 0; s < seqs; s++)
            await feed(s, 0, depth, 512);
        const start = performance.now();
        if (row.b)
            for (let i = 0; i < row.n; i++)
                await together(depth + i);
        else
            await feed(0, depth, row.p ?? row.n, row.p ? 512 : 1);
        return (seqs * (row.p ?? row.n) * 1000) / (performance.now() - start);
    };
    await feed(0, 0, Math.min(32, room), 512);
    await feed(0, Math.min(32, room), 1, 1);
    for (let s = 0; s < seqs; s++)
        context.disposeSequence(s);
    console.log(JSON.stringify({tps: await measured()}));
    process.exit(0);
}

const median = (v) => {
    const s = [...v].sort((a, b) => a - b);
    return s.length % 2 ? s[(s.length - 1) / 2] : (s[s.length / 2 - 1] + s[s.length / 2]) / 2;
};
const shown = (v) => (v === null || v === undefined ? "-" : v >= 100 ? v.toFixed(0) : v.toFixed(1));

/* Every engine -r times, in turn; medians by engine. */
function measureRow(row, names) {
    const file = modelOf(row), samples = Object.fromEntries(names.map((n) => [n, []]));
    for (let round = 0; round < Number(options.r); round++)
        for (const name of round % 2 === 0 ? names : [...names].reverse()) {
            let tps = null;
            try {
                tps = engines[name](row, file);
            } catch (error) { // this engine has no number for this row
                console.error(`speed: ${row.name}: ${name}: ${error.message}`);
            }
            if (Number.isFinite(tps))
                samples[name].push(tps);
        }
    return {row: row.name, samples, medians: Object.fromEntries(names.map((n) => [n, samples[n].length ? median(samples[n]) : null]))};
}

function main() {
    parse(process.argv.slice(2));
    options.ik = options.ik === null ? null : path.resolve(options.ik);
    if (options.llama !== null)
        process.env.LLAMA_CPP_NODE = options.llama;
    const names = ["llmc.h"];
    if (options.ik !== null)
        names.push("ik_llama.cpp", "ik_llama.cpp, repacked");
    if (packageFolder() !== null) {
        options.llama = path.dirname(packageFolder());
        names.push("llama.cpp");
    }
    const wanted = rows.filter((r) => new RegExp(options.rows).test(r.name)), all = [];
    if (wanted.length === 0)
        usage(`no row matches '${options.rows}'`);
    console.log(`Tokens per second, ${options.t} threads, medians of ${options.r} in turn\n`);
    console.log(`| work | ${names.join(" | ")} | ratio |\n|${"---|".repeat(names.length + 2)}`);
    for (const row of wanted) {
        const result = measureRow(row, names);
        const ours = result.medians["llmc.h"], peers = names.slice(1).filter((n) => !n.includes("repacked")).map((n) => result.medians[n]).filter((v) => v !== null);
        const ratio = peers.length && ours !== null ? (ours / Math.max(...peers)).toFixed(2) : "-";
        console.log(`| ${row.name} | ${names.map((n) => shown(result.medians[n])).join(" | ")} | ${ratio} |`);
        all.push(result);
        if (options.json !== null)
            fs.writeFileSync(options.json, JSON.stringify(all, null, 1));
    }
}

if (process.argv[2] === "--job")
    await llama(JSON.parse(process.argv[3]));
else
    main();
