// node tests/compat/compare.mjs [--markdown] [types] [families] [formats]; what llama.cpp makes of our files
/* Three questions, each for many files (SHARED, BUILD and OUT as in tests/cli/lib.sh):

   families  Every Hugging Face folder of tests/vectors/families.py: read by llmc.h and, written
             as F32 GGUF by build/quantize, by llama.cpp; and every GGUF with the converter's own
             keys, read by both. The same ids go in; the logits have to agree, but for what is
             listed in KNOWN: there llama.cpp does something else than the model's makers.
   formats   The same for those of tests/vectors/formats.py that hold a family which llama.cpp knows.
   types     A trained model in every type that build/quantize writes: llama.cpp continues a prompt
             greedily, and at each of its tokens llmc.h has to find the same one likeliest.

   Prints one line a case and "compat: N passed, N failed, N skipped", or with --markdown the
   README's tables. The file's own folder holds what runs llama.cpp (llamacpp.mjs). */
import fs from "node:fs";
import path from "node:path";
import {spawnSync} from "node:child_process";
import {packageFolder} from "./llamacpp.mjs";

const BUILD = process.env.BUILD ?? "build";
const SHARED = process.env.SHARED ?? "../shared";
const OUT = path.join(process.env.OUT ?? "build/test", "compat");
const FAMILIES = process.env.FAMILIES ?? path.join(process.env.OUT ?? "build/test", "families");
const TRAINED = "tests/models/trained256";

/* Errors in standard deviations of the logits. Two engines in F32 differ by rounding (SAME); llama.cpp
   looks GELU up in a table of halves, and takes the tanh form where some makers take erf (TABLE). */
const SAME = 1e-4, TABLE = 5e-3;
/* Types: llama.cpp rounds activations to 8 bits in other groups, so that two tokens closer than this
   may change places. */
const CLOSE = 0.05;
const STEPS = 32; // tokens of greedy text

/* Where llama.cpp departs from the makers, by case: found by reading its source, and confirmed by a
   reference with that one thing changed where tests/vectors/README.md says so. `context`: what makes it the
   same. */
const LONG = {why: "its least context is 256, which takes the long factors; so asked, both agree", context: 256};
const KNOWN = {
    "llama-yarn-new": {why: "takes YaRN's usual betas whatever the file says"},
    "llama-dynamic": {why: "knows no dynamic NTK"},
    "llama-dynamic-new": {why: "knows no dynamic NTK"},
    "mistral": {why: "knows no window for Mistral"},
    "torchless-f32-old": {why: "knows no window for Mistral"},
    "torchless-int8": {why: "knows no window for Mistral"},
    "mog-window": {why: "knows no window for Mistral"},
    "qwen2-window": {why: "knows no window for Qwen 2"},
    "qwen2moe-dense": {why: "knows no dense layers in Qwen2-MoE"},
    "smollm3-layers": {why: "knows no layers without RoPE but every fourth"},
    "starcoder2-window": {why: "knows no window for StarCoder 2"},
    "exaone4-window": {why: "gives a window to EXAONE 4 of 64 layers only"},
    "gemma2-scalar": {why: "knows no scale for Gemma 2 but its models' own"},
    "gemma3-types": {why: "knows no scale for Gemma 3 but its models' own"},
    "phi3": {why: "switches Phi-3's window off"},
    "phi3-short": LONG,
    "phi3-short-su": LONG,
    "phi4-mini": LONG,
    "command-r-qknorm": {why: "expects q/k norms of 64 layers or more"},
    "gpt-oss": {why: "rounds YaRN's limits, which the model says not to"},
    "gpt-oss-mxfp4": {why: "rounds YaRN's limits, which the model says not to"},
    "gpt-oss-limit": {why: "rounds YaRN's limits and reads no betas"}
};

/* Types that build/quantize may know; those it refuses are skipped. */
const TYPES = ["f32", "f16", "bf16", "q8_0", "q6_k", "q5_k", "q5_k_m", "q5_k_s", "q5_1", "q5_0", "q4_k", "q4_k_m", "q4_k_s",
    "q4_1", "q4_0", "iq4_nl", "iq4_xs", "mxfp4", "q3_k", "q3_k_m", "q3_k_s", "q2_k"];

const score = {passed: 0, failed: 0, skipped: 0};
const markdown = process.argv.includes("--markdown");

function say(verdict, label, detail) {
    score[{ok: "passed", FAIL: "failed", skipped: "skipped"}[verdict]]++;
    const line = `${verdict.padEnd(7)} ${label}: ${detail}`;
    if (!markdown)
        console.log(line);
    else if (verdict === "FAIL")
        console.error(line);
}

/* Runs a program of ours; null if it ends well, else what it says. */
function run(program, ...args) {
    const r = spawnSync(path.join(BUILD, program), args, {encoding: "utf8"});
    return r.status === 0 ? null : `${program}: exit code ${r.status ?? r.signal}: ${r.stderr.trim().split("\n").at(-1)}`;
}

/* llama.cpp's results, one a job. It may abort on a file; the jobs after it are then begun anew. */
function runLlama(jobs) {
    const results = [];
    while (results.length < jobs.length) {
        const input = jobs.slice(results.length).map((j) => JSON.stringify(j)).join("\n");
        const r = spawnSync(process.execPath, ["tests/compat/llamacpp.mjs", "-"], {input, encoding: "utf8", maxBuffer: 1 << 26});
        for (const line of r.stdout.split("\n").filter((l) => l.startsWith("{")))
            results.push(JSON.parse(line));
        const said = r.stderr.trim().split("\n").filter((l) => /assert|error|fail/i.test(l)).at(-1) ?? r.signal;
        if (results.length < jobs.length)
            results.push({error: `llama.cpp ends: ${said}`});
    }
    return results;
}

/* Rows of logits from a file of float32. */
function readRows(file, rows) {
    const bytes = fs.readFileSync(file);
    const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    const width = all.length / rows;
    return Array.from({length: rows}, (_, i) => all.subarray(i * width, (i + 1) * width));
}

function deviation(rows) {
    const n = rows.length * rows[0].length;
    let sum = 0, squares = 0;
    for (const row of rows)
        for (const x of row)
            (sum += x), (squares += x * x);
    return Math.sqrt(squares / n - (sum / n) ** 2);
}

/* The largest difference in standard deviations of a; NaN if they have not the same shape. */
function largestError(a, b) {
    let worst = 0;
    if (a.length !== b.length || a[0].length !== b[0].length)
        return NaN;
    a.forEach((row, i) => row.forEach((x, j) => (worst = Math.max(worst, Math.abs(x - b[i][j])))));
    return worst / deviation(a);
}

function best(row) {
    return row.reduce((id, x, i) => (x > row[id] ? i : id), 0);
}

// ---------------------------------------------------------------- families and formats

/* The models that a program of tests/vectors makes in a folder: a line of its list.txt is label, file,
   vector, ids, context, how. */
function listed(folder, program, ...args) {
    const made = spawnSync("/usr/bin/python3", [`tests/vectors/${program}`, ...args, folder], {encoding: "utf8"});
    if (!fs.existsSync(path.join(folder, "list.txt"))) {
        say("skipped", program, `makes no models (python3-numpy): ${made.stderr ?? made.error}`);
        return [];
    }
    return fs.readFileSync(path.join(folder, "list.txt"), "utf8").trim().split("\n").map((line) => {
        const [label, file, , ids, context, how] = line.split(" ");
        return {label, file: path.join(folder, file), ids: ids.split(",").map(Number), context, how};
    });
}

/* Labels are NAME/hf and NAME/gguf. */
function familyCases() {
    return listed(FAMILIES, "families.py", "--update").map((c) => ({
        ...c, name: c.label.replace(/\/.*/, ""), asIs: c.label.endsWith("/gguf")
    }));
}

/* Only decoders, and what llama.cpp knows. Not GGUF: those here have keys that it misses, which stay as they are. */
function formatCases() {
    return listed(path.join(OUT, "formats"), "formats.py")
        .filter((c) => /^(llama|gpt2|torchless|mog)/.test(c.label) && !/gguf/.test(c.label) && /^(same|f32)$/.test(c.how))
        .map((c) => ({...c, name: c.label, asIs: false}));
}

/* The architecture named in a GGUF file: its key is a text, behind it type 8, a length, the name. */
function architecture(file) {
    const bytes = fs.readFileSync(file), key = "general.architecture";
    const at = bytes.indexOf(key) + key.length + 4;
    return bytes.toString("utf8", at + 8, at + 8 + Number(bytes.readBigUInt64LE(at)));
}

/* Our logits of the file as it came, and the job for llama.cpp. */
function prepareFamily(c) {
    const stem = path.join(OUT, c.label.replace("/", ".")), logits = `${stem}.theirs`;
    c.job = {model: c.asIs ? c.file : `${stem}.gguf`, ids: c.ids, n: 0, logits};
    c.error = run("perplexity", "-m", c.file, "--ids", c.ids.join(","), "-c", KNOWN[c.name]?.context ?? c.context,
        "--kv-type", "f32", "--logits", `${stem}.ours`);
    if (c.error === null && !c.asIs)
        c.error = run("quantize", c.file, c.job.model, "f32");
    if (c.error !== null)
        return false;
    c.ours = readRows(`${stem}.ours`, c.ids.length);
    if (c.asIs) // the converter writes the size for some architectures only
        c.job.vocabulary = [`${architecture(c.file)}.vocab_size`, c.ours[0].length];
    return true;
}

/* The verdict on one case, after llama.cpp has run. A known difference has to be one. */
function judgeFamily(c) {
    const known = KNOWN[c.name], label = c.label;
    if (c.error !== null)
        return say(known !== undefined && c.refused ? "ok" : "FAIL", label, c.error);
    const theirs = readRows(c.job.logits, c.ids.length);
    c.worst = largestError(c.ours, theirs);
    c.same = c.ours.filter((row, i) => row[best(row)] - row[best(theirs[i])] <= SAME * deviation(c.ours)).length;
    c.agrees = c.worst < TABLE && c.same === c.ids.length;
    const text = `largest error ${c.worst.toExponential(1)}, the likeliest token the same at ${c.same} of ${c.ids.length}`;
    const apart = known !== undefined && known.context === undefined;
    return say(c.agrees !== apart ? "ok" : "FAIL", label, apart ? `${text}: llama.cpp ${known.why}` : text);
}

function judged(cases) {
    const ready = cases.filter(prepareFamily);
    const results = runLlama(ready.map((c) => c.job));
    ready.forEach((c, i) => {
        c.error = results[i].error ?? null;
        c.refused = c.error !== null;
    });
    cases.forEach(judgeFamily);
    return cases;
}

function families() {
    return judged(familyCases());
}

function formats() {
    return judged(formatCases());
}

// ---------------------------------------------------------------- types

/* Models and prompts: {name, file, prompts of {ids, text}}. The prompts are some whose greedy text at F32 has
   at every step a lead of more than 0.02 standard deviations, so that rounding alone changes no word. */
function typeModels() {
    const ids = fs.readFileSync(path.join(TRAINED, "eval.ids"), "utf8").trim().split(/\s+/).map(Number);
    const models = [{
        name: "trained256",
        file: [TRAINED],
        prompts: [[1219, 48], [2875, 48], [3333, 60], [3435, 48]].map(([at, n]) => ({ids: ids.slice(at, at + n)}))
    }];
    const bin = path.join(SHARED, "data", "stories260K.bin"), tokenizer = path.join(SHARED, "data", "tok512.bin");
    if (fs.existsSync(bin) && fs.existsSync(tokenizer))
        models.push({
            name: "stories260K",
            file: [bin, "--tokenizer", tokenizer],
            prompts: [
                {ids: [1, 368, 302], text: "Ben"},
                {ids: [1, 274, 287, 269, 317], text: "Tom and Lily"},
                {ids: [1, 410, 447, 268, 414, 422], text: "A boy"},
                {ids: [1, 403, 383, 286], text: "Once there was"}
            ]
        });
    else
        say("skipped", "stories260K", `no ${bin}`);
    models.push({name: "tiny-llama", file: ["tests/models/tiny-llama.gguf"], prompts: [{ids: [1, 263, 267], text: "Once upon"}]});
    return models;
}

function typeCases() {
    return typeModels().flatMap((m) => TYPES.map((type) => {
        const file = path.join(OUT, `${m.name}.${type}.gguf`);
        return {...m, type, gguf: file, error: run("quantize", m.file[0], file, type, ...m.file.slice(1))};
    }));
}

/* How many of llama.cpp's tokens llmc.h finds likeliest, and the largest lead of another one; are all the same? */
function follow(c, prompt, chosen) {
    const file = `${c.gguf}.ours`;
    const error = run("perplexity", "-m", c.gguf, "--ids", [...prompt, ...chosen].join(","),
        "--kv-type", "f32", "--logits", file);
    if (error !== null)
        throw new Error(error);
    const rows = readRows(file, prompt.length + chosen.length), sd = deviation(rows), before = c.steps - c.same;
    chosen.forEach((id, i) => {
        const row = rows[prompt.length - 1 + i], lead = (row[best(row)] - row[id]) / sd;
        c.steps++;
        c.same += lead === 0 ? 1 : 0;
        c.lead = Math.max(c.lead, lead);
    });
    return c.steps - c.same === before;
}

/* The same in words: what build/chat writes, which ends where the model does. */
function checkText(c, prompt, theirs) {
    if (prompt === undefined)
        return;
    const args = ["-m", c.gguf, "-p", prompt, "-n", String(STEPS), "--temp", "0", "--raw", "--kv-type", "f32"];
    const ours = spawnSync(path.join(BUILD, "chat"), args, {encoding: "utf8"}).stdout.trim();
    if (ours.length < 20 || !theirs.trim().startsWith(ours))
        throw new Error(`the text differs: ${JSON.stringify(ours)}, llama.cpp's ${JSON.stringify(theirs)}`);
}

function judgeType(c, results) {
    const label = `${c.name} ${c.type}`;
    if (c.error !== null)
        return /exit code 2/.test(c.error) ? say("skipped", label, c.error) : say("FAIL", label, c.error);
    Object.assign(c, {same: 0, steps: 0, lead: 0});
    try {
        results.forEach((r, i) => {
            if (r.error)
                throw new Error(r.error);
            if (follow(c, c.prompts[i].ids, r.ids))
                checkText(c, c.prompts[i].text, r.text);
        });
    } catch (e) {
        c.error = e.message;
        return say("FAIL", label, c.error);
    }
    const text = `${c.same} of ${c.steps} tokens the same` + (c.same < c.steps ? `, the others apart by at most ${c.lead.toFixed(3)}` : "");
    return say(c.lead < CLOSE ? "ok" : "FAIL", label, text);
}

function types() {
    const cases = typeCases();
    const jobs = cases.flatMap((c) => (c.error === null ? c.prompts.map(({ids}) => ({model: c.gguf, ids, n: STEPS})) : []));
    const results = runLlama(jobs);
    for (const c of cases)
        judgeType(c, c.error === null ? results.splice(0, c.prompts.length) : []);
    return cases;
}

// ---------------------------------------------------------------- the README's tables

/* Families as people name them, and their cases. */
const NAMES = [
    ["Llama 1, 2, 3.x", /^llama-/], ["Mistral", /^mistral/], ["Mixtral", /^mixtral/], ["Qwen 2, 2.5", /^qwen2(-|$)/],
    ["Qwen2-MoE", /^qwen2moe/], ["Qwen 3", /^qwen3(-|$)/], ["Qwen3-MoE", /^qwen3moe/], ["Gemma", /^gemma(-|$)/],
    ["Gemma 2", /^gemma2/], ["Gemma 3", /^gemma3/], ["Phi 2", /^phi2/], ["Phi 3, Phi 4 mini", /^phi[34]/],
    ["GPT-2", /^gpt2/], ["GPT-NeoX", /^neox/], ["StarCoder 2", /^starcoder2/], ["OLMo", /^olmo(-|$)/],
    ["OLMo 2", /^olmo2/], ["OLMo 3", /^olmo3/], ["OLMoE", /^olmoe/], ["StableLM", /^stablelm/],
    ["Granite", /^granite(-|$)/], ["Granite-MoE", /^granitemoe/], ["SmolLM3", /^smollm3/], ["gpt-oss", /^gpt-oss/],
    ["Command R", /^command-r/], ["Cohere 2", /^cohere2/], ["Falcon", /^falcon/], ["GLM 4", /^glm4/],
    ["EXAONE 4", /^exaone4/], ["InternLM 2", /^internlm2/], ["MiniCPM", /^minicpm/], ["Nemotron", /^nemotron/]
];

function familyTable(cases) {
    console.log("| family | folder | GGUF | largest error | not the same: llama.cpp |\n|---|---|---|---|---|");
    const count = (list) => `${list.filter((c) => c.agrees).length} of ${list.length}`;
    for (const [name, pattern] of NAMES) {
        const mine = cases.filter((c) => pattern.test(c.name)), same = mine.filter((c) => c.agrees);
        const worst = same.length > 0 ? Math.max(...same.map((c) => c.worst)).toExponential(0) : "";
        const notes = new Set(mine.filter((c) => KNOWN[c.name] !== undefined).map((c) => KNOWN[c.name].why));
        console.log(`| ${name} | ${count(mine.filter((c) => !c.asIs))} | ` +
            `${count(mine.filter((c) => c.asIs))} | ${worst} | ${[...notes].join("; ")} |`);
    }
    for (const c of cases.filter((c) => !NAMES.some(([, pattern]) => pattern.test(c.name))))
        console.error(`compare: ${c.name} is in no row`);
}

/* Formats as people name them, and the cases that hold them. */
const FORMATS = [
    ["Hugging Face folder, whole or sharded; F32, F16, BF16", /-hf/], ["llama2.c v0, v1, v2", /llama2c/],
    ["torchless `.bin`, f32 and int8", /torchless/], ["MOG 1 and 2, f32, f16, int8", /mog/], ["llm.c GPT-2, f32 and bf16", /llmc/]
];

function formatTable(cases) {
    console.log("| format | the same | largest error | not the same: llama.cpp |\n|---|---|---|---|");
    for (const [name, pattern] of FORMATS) {
        const mine = cases.filter((c) => pattern.test(c.name)), same = mine.filter((c) => c.agrees);
        const notes = new Set(mine.filter((c) => KNOWN[c.name] !== undefined).map((c) => KNOWN[c.name].why));
        console.log(`| ${name} | ${same.length} of ${mine.length} | ` +
            `${Math.max(...same.map((c) => c.worst)).toExponential(0)} | ${[...notes].join("; ")} |`);
    }
}

function typeTable(cases) {
    const models = [...new Set(cases.map((c) => c.name))];
    console.log(`| type | ${models.join(" | ")} |\n|---|${models.map(() => "---|").join("")}`);
    for (const type of TYPES) {
        const cells = models.map((m) => cases.find((c) => c.name === m && c.type === type));
        if (cells.some((c) => c.steps !== undefined))
            console.log(`| ${type.toUpperCase()} | ${cells.map((c) => `${c.same} of ${c.steps}`).join(" | ")} |`);
    }
}

// ---------------------------------------------------------------- main

function main() {
    const parts = process.argv.slice(2).filter((a) => !a.startsWith("--"));
    fs.mkdirSync(OUT, {recursive: true});
    if (packageFolder() === null)
        say("skipped", "llama.cpp", "node-llama-cpp is not installed (LLAMA_CPP_NODE names a node_modules folder)");
    else
        for (const part of parts.length > 0 ? parts : ["types", "families", "formats"]) {
            const cases = {types, families, formats}[part]();
            if (markdown)
                ({types: typeTable, families: familyTable, formats: formatTable})[part](cases);
        }
    if (!markdown)
        console.log(`compat: ${score.passed} passed, ${score.failed} failed, ${score.skipped} skipped`);
    process.exit(score.failed > 0 ? 1 : 0);
}

main();
