// node tests/compat/tokenspeed.mjs SHARED [RANKS]; encoding side by side with tiktoken, hard lines, loading
/* Everything on one thread, in one run. First tinyshakespeare.txt with the gpt-2 vocabulary: llmc.h, tiktoken, tiktoken, llmc.h, and
   again, so that neither always goes first; medians of the programs' own medians. Then tokenspeed.c's lines for
   each algorithm, and the time to open o200k_base. RANKS: a folder that tiktoken.mjs ranks has filled; it is made anew without.
   tiktoken comes from npm as tests/compat/corpus.mjs says; without it only llmc.h is measured. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {spawnSync} from "node:child_process";
import {packageFolder, styleText} from "./corpus.mjs";

const shared = process.argv[2] ?? "../shared";
const text = path.join(shared, "data", "tinyshakespeare.txt");
const gpt2 = path.join(shared, "data", "vocabs", "ggml-vocab-gpt-2.gguf");
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "tokenspeed-"));
const exe = path.join(folder, "tokenspeed");

function run(program, ...args) {
    const r = spawnSync(program, args, {encoding: "utf8", stdio: ["ignore", "pipe", "inherit"]});
    if (r.status !== 0)
        throw new Error(`${program} ${args.join(" ")}: exit code ${r.status ?? r.signal}`);
    return r.stdout.trim();
}

const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
const speed = (line) => parseFloat(line);

/* Both encoders in turns, first one ahead and then the other. */
function sideBySide(rounds) {
    const ours = [], theirs = [];
    const us = () => ours.push(speed(run(exe, "text", gpt2, text, "15")));
    const them = () => theirs.push(speed(run(process.execPath, "tests/compat/tiktoken.mjs", "time", "gpt2", text, "5")));
    for (let i = 0; i < rounds; i++)
        (us(), them(), them(), us());
    return [median(ours), median(theirs)];
}

try {
    run(process.env.CC ?? "cc", "-O2", "tests/compat/tokenspeed.c", "-o", exe);
    const tiktoken = packageFolder("tiktoken") !== null;
    let ranks = process.argv[3];
    if (tiktoken) {
        const [ours, theirs] = sideBySide(3);
        console.log(`gpt-2 on tinyshakespeare.txt: llmc.h ${ours.toFixed(1)} MB/s, tiktoken ${theirs.toFixed(2)} MB/s: ${(ours / theirs).toFixed(1)} times`);
        if (ranks === undefined)
            run(process.execPath, "tests/compat/tiktoken.mjs", "ranks", ranks = path.join(folder, "ranks"));
    } else {
        console.log(`gpt-2 on tinyshakespeare.txt: llmc.h ${run(exe, "text", gpt2, text, "15")}; tiktoken is not installed`);
    }
    if (ranks !== undefined)
        for (const name of ["gpt2", "cl100k_base", "o200k_base"])
            console.log(`opening ${name}: ${run(exe, "load", path.join(ranks, `${name}.tiktoken`), "21")}`);
    const vocabs = [gpt2, path.join(shared, "data", "vocabs", "ggml-vocab-llama-spm.gguf"), "tests/models/tokenizers/unigram-fallback.model"];
    if (ranks !== undefined)
        vocabs.push(path.join(ranks, "o200k_base.tiktoken"));
    for (const style of ["llama2", "bert", "t5", "deepseek-coder", "mpt", "words"]) {
        fs.mkdirSync(path.join(folder, style));
        fs.writeFileSync(path.join(folder, style, "tokenizer.json"), styleText(style));
        vocabs.push(path.join(folder, style, "tokenizer.json"));
    }
    for (const vocab of vocabs)
        console.log(`\n${vocab.endsWith("tokenizer.json") ? path.basename(path.dirname(vocab)) : path.basename(vocab)}\n${run(exe, "lines", vocab, text)}`);
} finally {
    fs.rmSync(folder, {recursive: true});
}
