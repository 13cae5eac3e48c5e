// node tests/compat/tiktoken.mjs ranks DIR | vectors [NAME...] | time ENCODING FILE [RUNS]; what npm's tiktoken does
/* ranks    writes gpt2, cl100k_base and o200k_base as rank files (base64 of a token's bytes, a space, its rank) into DIR
   vectors  hashes of its ids of the corpus into tests/vectors/tokens
   time     encodes a file RUNS times; prints the median in MB/s (10^6 bytes), the best and the number of ids

   The package is looked for as tests/compat/corpus.mjs says. Special tokens are never parsed. Its strings are
   JavaScript's, so bytes that are not UTF-8 cannot be asked about. */
import fs from "node:fs";
import path from "node:path";
import {corpusBlocks, packageModule, writeVector} from "./corpus.mjs";

const NAMES = ["gpt2", "cl100k_base", "o200k_base"];
const {module, version, folder} = await packageModule("tiktoken");

function description(name) {
    return JSON.parse(fs.readFileSync(path.join(folder, "encoders", `${name}.json`), "utf8"));
}

function encoding(name) {
    const d = description(name);
    return new module.Tiktoken(d.bpe_ranks, d.special_tokens, d.pat_str);
}

/* A line of the package's own is "! FIRST TOKEN TOKEN ...": ranks FIRST, FIRST + 1, ... */
function writeRanks(dir) {
    fs.mkdirSync(dir, {recursive: true});
    for (const name of NAMES) {
        const lines = [];
        for (const line of description(name).bpe_ranks.split("\n").filter(Boolean)) {
            const [, first, ...tokens] = line.split(" ");
            tokens.forEach((t, i) => lines.push(`${t} ${+first + i}\n`));
        }
        fs.writeFileSync(path.join(dir, `${name}.tiktoken`), lines.join(""));
    }
}

function vectors(names) {
    const corpus = [1, 1200000, 0], blocks = corpusBlocks(...corpus);
    for (const name of names) {
        const e = encoding(name);
        const ids = blocks.map((b) => Array.from(e.encode_ordinary(b.toString())));
        writeVector(`tiktoken-${name}`, [`${name}: ids by npm's tiktoken ${version}, encode_ordinary`, `made by tests/compat/tiktoken.mjs vectors`], corpus, ids);
    }
}

function time(name, file, runs) {
    const text = fs.readFileSync(file, "utf8"), bytes = fs.statSync(file).size;
    const e = encoding(name), seconds = [];
    let n = e.encode_ordinary(text).length;
    for (let i = 0; i < runs; i++) {
        const start = process.hrtime.bigint();
        n = e.encode_ordinary(text).length;
        seconds.push(Number(process.hrtime.bigint() - start) / 1e9);
    }
    seconds.sort((a, b) => a - b);
    const speed = (s) => (bytes / s / 1e6).toFixed(2);
    console.log(`${speed(seconds[runs >> 1])} MB/s median, ${speed(seconds[0])} best, ${n} ids`);
}

const [command, ...rest] = process.argv.slice(2);
if (command === "ranks" && rest.length === 1) {
    writeRanks(rest[0]);
} else if (command === "vectors") {
    vectors(rest.length > 0 ? rest : NAMES);
} else if (command === "time" && rest.length >= 2) {
    time(rest[0], rest[1], +(rest[2] ?? 5));
} else {
    console.error("usage: tiktoken.mjs ranks DIR | vectors [NAME...] | time ENCODING FILE [RUNS]");
    process.exit(2);
}
