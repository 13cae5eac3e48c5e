/* What the references in JavaScript share: corpora, hashes of ids, packages.

   A corpus comes from tests/vectors/corpus.c: blocks, each a u32 of its length and its bytes. The hash of a
   block is 32-bit FNV-1a over its ids, four little-endian bytes each. A vector file holds comments, a line
   `corpus SEED BYTES FLAGS`, a line `ids N HASH` for all ids of all blocks, and the last four digits of each block's
   hash, twenty-four a line, ---- for a block that is left out; tests/test_compare.c reads it. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {spawnSync} from "node:child_process";
import {pathToFileURL} from "node:url";

/* The folder of an installed package, or null. COMPAT_NODE, LLAMA_CPP_NODE and NODE_PATH name node_modules folders. */
export function packageFolder(name) {
    const paths = [process.env.COMPAT_NODE, process.env.LLAMA_CPP_NODE, ...(process.env.NODE_PATH ?? "").split(path.delimiter), "node_modules"];
    for (const p of paths) {
        const folder = path.resolve(p ?? "", name);
        if (p && fs.existsSync(path.join(folder, "package.json")))
            return folder;
    }
    return null;
}

/* The package's module and version; exit code 77 if it is not there. */
export async function packageModule(name) {
    const folder = packageFolder(name);
    if (folder === null) {
        console.error(`skipped: ${name} is not installed (COMPAT_NODE names a node_modules folder)`);
        process.exit(77);
    }
    const about = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8"));
    const entry = about.exports?.["."]?.node ?? about.exports?.["."] ?? about.main ?? "index.js";
    const file = typeof entry === "string" ? entry : entry.import?.default ?? entry.import ?? entry.default;
    return {module: await import(pathToFileURL(path.join(folder, file)).href), version: about.version, folder};
}

/* The blocks of a corpus as bytes; the generator is compiled on the way. */
export function corpusBlocks(seed, bytes, flags) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corpus-"));
    try {
        const exe = path.join(folder, "corpus");
        const cc = spawnSync(process.env.CC ?? "cc", ["-O1", "tests/vectors/corpus.c", "-o", exe], {stdio: "inherit"});
        const made = cc.status === 0 ? spawnSync(exe, [seed, bytes, flags].map(String), {maxBuffer: 1 << 28}) : cc;
        if (made.status !== 0)
            throw new Error("tests/vectors/corpus.c does not run");
        const all = made.stdout, blocks = [];
        for (let at = 0; at < all.length; at += 4 + all.readUInt32LE(at))
            blocks.push(all.subarray(at + 4, at + 4 + all.readUInt32LE(at)));
        return blocks;
    } finally {
        fs.rmSync(folder, {recursive: true});
    }
}

export function hashIds(ids) {
    let h = 0x811c9dc5;
    for (const id of ids)
        for (let shift = 0; shift < 32; shift += 8)
            h = Math.imul(h ^ (id >>> shift & 255), 0x01000193);
    return (h >>> 0).toString(16).padStart(8, "0");
}

/* A vector file; ids null: a block that is left out; with a folder in COMPARE_IDS also all ids, for a close look: per block a u32 count and as many ids. */
export function writeVector(name, comments, corpus, ids) {
    const all = ids.filter((list) => list !== null).flat();
    const lines = [...comments.map((c) => `# ${c}`), `corpus ${corpus.join(" ")}`, `ids ${all.length} ${hashIds(all)}`];
    const hashes = ids.map((list) => (list === null ? "----" : hashIds(list).slice(4)));
    for (let i = 0; i < hashes.length; i += 24)
        lines.push(hashes.slice(i, i + 24).join(""));
    fs.mkdirSync("tests/vectors/tokens", {recursive: true});
    fs.writeFileSync(`tests/vectors/tokens/${name}.txt`, lines.join("\n") + "\n");
    if (process.env.COMPARE_IDS)
        fs.writeFileSync(path.join(process.env.COMPARE_IDS, `${name}.ids`),
            Buffer.concat(ids.map((list) => Buffer.from(Uint32Array.from([list?.length ?? 0, ...(list ?? [])]).buffer))));
}

export const STYLES = "tests/models/tokenizers/styles.txt";

function styleLines() {
    return fs.readFileSync(STYLES, "utf8").split("\n").filter(Boolean).map((line) => line.split("\t"));
}

export function styleNames() {
    return styleLines().map(([name]) => name);
}

/* The tokenizer.json of a style: its base with some members replaced, each of which is a line there. */
export function styleText(name) {
    const [, base, ...members] = styleLines().find(([n]) => n === name);
    let text = fs.readFileSync(path.join(path.dirname(STYLES), `${base}.json`), "utf8");
    for (let i = 0; i < members.length; i += 2) {
        const found = new RegExp(`^( *"${members[i]}": ).*?(,?)$`, "m");
        if (!found.test(text))
            throw new Error(`${name}: ${base}.json has no line of ${members[i]}`);
        text = text.replace(found, (_, head, comma) => head + members[i + 1] + comma);
    }
    return text;
}
