// node tests/compat/llamacpp.mjs MODEL.gguf IDS N [LOGITS]; or: llamacpp.mjs - <jobs
/* What llama.cpp makes of a GGUF file: the other side of compare.mjs.

   IDS (separated by commas) go in as they are, no BOS added; then N tokens are chosen greedily.
   stdout: line 1 the chosen ids, line 2 their text as JSON ("" without a tokenizer).
   LOGITS receives one row of float32 (native order) for each of IDS, as `perplexity --logits`
   writes them. With - each line of standard input is a job {"model", "ids", "n", "logits", "lora"} and
   each line of standard output its {"ids", "text"} or {"error"}. Deterministic: processor only, one thread, keys and values in F32, no flash
   attention. The library is the prebuilt one of npm's node-llama-cpp, looked for in
   LLAMA_CPP_NODE (a node_modules folder), NODE_PATH and ./node_modules. Exit code 77: not there. */
import fs from "node:fs";
import path from "node:path";
import {pathToFileURL} from "node:url";

/* The folder of the package, or null. */
export function packageFolder() {
    const paths = [process.env.LLAMA_CPP_NODE, ...(process.env.NODE_PATH ?? "").split(path.delimiter), "node_modules"];
    for (const p of paths) {
        const folder = path.resolve(p ?? "", "node-llama-cpp");
        if (p && fs.existsSync(path.join(folder, "package.json")))
            return folder;
    }
    return null;
}

let said = ""; // llama.cpp's first complaint about the job at hand

async function library() {
    const folder = packageFolder();
    if (folder === null) {
        console.error("llamacpp: node-llama-cpp is not installed (LLAMA_CPP_NODE names a node_modules folder)");
        process.exit(77);
    }
    return import(pathToFileURL(path.join(folder, "dist", "index.js")).href);
}

/* Feeds tokens from position `at` on; one Map id -> logit for each, or only for the last one. */
async function feed(context, sampler, tokens, at, all) {
    const rows = tokens.flatMap((_, i) => (all || i === tokens.length - 1 ? [i] : [])), out = [];
    context.initBatch(tokens.length);
    const places = context.addToBatch(0, at, Uint32Array.from(tokens), Uint32Array.from(rows));
    await context.decodeBatch();
    for (const place of places) {
        const flat = (await context.sampleToken(place, sampler, false, false, true))[3]; // id, logit, id, logit, ...
        const row = new Map();
        for (let i = 0; i < flat.length; i += 2)
            row.set(flat[i], flat[i + 1]);
        out.push(row);
    }
    return out;
}

/* The likeliest id, the lowest among equals, as llmc.h chooses. */
function best(logits) {
    let id = -1;
    for (const [token, value] of logits)
        if (id < 0 || value > logits.get(id) || (value === logits.get(id) && token < id))
            id = token;
    return id;
}

function writeRows(file, rows) {
    const vocab = rows[0].size;
    const data = new Float32Array(rows.length * vocab);
    rows.forEach((row, i) => row.forEach((value, token) => (data[i * vocab + token] = value)));
    fs.writeFileSync(file, Buffer.from(data.buffer));
}

/* Ends with an error if an object of the library does not come about. */
async function made(object, what) {
    if (!(await object.init()))
        throw new Error(`llama.cpp refuses the ${what}${said === "" ? "" : ": " + said}`);
    return object;
}

/* One job {model, ids, n, logits, vocabulary, lora}. logits: a file or absent; vocabulary: the number of tokens,
   for a file that holds neither a tokenizer nor that number; lora: an adapter's file, or absent. Returns {ids, text}. The package's own classes
   ask every model for its tokenizer, so that the bindings below them are used. */
async function runJob(bindings, job) {
    const {AddonModel, AddonModelLora, AddonContext, AddonSampler} = bindings;
    const overridesList = job.vocabulary === undefined ? [] : [[job.vocabulary[0], job.vocabulary[1], 0]];
    said = "";
    const model = await made(new AddonModel(path.resolve(job.model), {
        gpuLayers: 0, useMmap: true, overridesList, addonExports: bindings
    }), "model");
    const context = await made(new AddonContext(model, {
        contextSize: Math.max(256, job.ids.length + job.n), batchSize: 256, sequences: 1, threads: 1, flashAttention: false,
        swaFullCache: true, kvCacheKeyType: 0, kvCacheValueType: 0 // F32
    }), "context");
    if (job.lora !== undefined) {
        const lora = new AddonModelLora(model, path.resolve(job.lora));
        await model.loadLora(lora);
        context.setLoras([lora], [1]);
    }
    const sampler = new AddonSampler(model);
    sampler.applyConfig({temperature: 0});
    const rows = await feed(context, sampler, job.ids, 0, job.logits !== undefined);
    if (job.logits !== undefined)
        writeRows(job.logits, rows);
    const ids = [];
    for (let next = best(rows.at(-1)); ids.length < job.n; ) {
        ids.push(next);
        if (ids.length < job.n)
            next = best((await feed(context, sampler, [next], job.ids.length + ids.length - 1, true))[0]);
    }
    const text = model.getVocabularyType() === 0 ? "" : model.detokenize(Uint32Array.from(ids));
    sampler.dispose();
    await context.dispose();
    await model.dispose();
    return {ids, text};
}

async function main() {
    const [file, list, count, logits] = process.argv.slice(2);
    if (file === undefined || (file !== "-" && count === undefined)) {
        console.error("usage: node llamacpp.mjs MODEL.gguf IDS N [LOGITS]; or - and jobs on standard input");
        process.exit(2);
    }
    const {getLlama, LlamaLogLevel} = await library();
    const llama = await getLlama({
        gpu: false, build: "never", skipDownload: true, progressLogs: false, maxThreads: 1,
        logLevel: process.env.LLAMA_CPP_LOG ? LlamaLogLevel.debug : LlamaLogLevel.error,
        logger: (level, message) => {
            said ||= message.trim();
            console.error(message.trim());
        }
    });
    const bindings = llama._bindings;
    if (file === "-") {
        for (const line of fs.readFileSync(0, "utf8").split("\n").filter((l) => l !== "")) {
            const result = await runJob(bindings, JSON.parse(line)).catch((e) => ({error: String(e.message ?? e)}));
            fs.writeSync(1, JSON.stringify(result) + "\n"); // before a crash at the next one
        }
    } else {
        const {ids, text} = await runJob(bindings, {model: file, ids: list.split(",").map(Number), n: Number(count), logits});
        console.log(ids.join(","));
        console.log(JSON.stringify(text));
    }
    process.exit(0);
}

if (process.argv[1] && import.meta.url === pathToFileURL(path.resolve(process.argv[1])).href)
    await main();
