// node tests/compat/tokenizers.mjs [STYLE...] | --vocabs DIR; ids of Hugging Face's tokenizers for tests/models/tokenizers
/* --vocabs: for NAME.tokenizer.json in DIR, made by tests/vectors/vocabs.py, as vocab-NAME.

   Writes hashes of the ids of each style (tests/models/tokenizers/styles.txt) into tests/vectors/tokens, as the npm
   package `tokenizers` gives them: the library in Rust itself. Then says where @huggingface/tokenizers, its rewriting in
   JavaScript, gives others. Its regular expressions are JavaScript's, whose \s has U+FEFF and lacks U+0085, so it
   gets them with \s and \S spelt out. Both are optional (tests/compat/corpus.mjs); without the first one nothing is
   written. Post-processors run; control tokens written in the text are parsed. */
import fs from "node:fs";
import {createRequire} from "node:module";
import {corpusBlocks, packageFolder, packageModule, styleNames, styleText, STYLES, writeVector} from "./corpus.mjs";

const CORPUS = [1, 1200000, 0];

/* Blocks that are left out, where llmc.h means to differ. */
const GRAPHEMES = {blocks: [31, 77, 123, 169, 174, 215, 261, 266, 307],
    why: "marks and joiners, which Precompiled drops with what it replaces in a grapheme cluster of under six bytes; SentencePiece keeps them"};
const LEFT_OUT = {
    "t5": GRAPHEMES, "xlm-r": GRAPHEMES, "xglm": GRAPHEMES,
    "vocab-falcon": {blocks: [36, 37, 82, 83, 128, 129, 174, 220, 221, 266, 267, 312],
        why: "bytes that the vocabulary lacks: their neighbours join here, but not in llama.cpp and llmc.h"},
};

function readVocabs(folder) {
    const files = fs.readdirSync(folder).filter((f) => f.endsWith(".tokenizer.json")).sort();
    return new Map(files.map((f) => [`vocab-${f.slice(0, -15)}`, fs.readFileSync(`${folder}/${f}`, "utf8")]));
}

/* \s and \S as Unicode's White_Space, in every regular expression of a tokenizer.json. */
function spellSpace(value) {
    const space = "\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
    if (Array.isArray(value))
        return value.map(spellSpace);
    if (value === null || typeof value !== "object")
        return value;
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, k !== "Regex" || typeof v !== "string" ? spellSpace(v) :
        v.replace(/\[\^?(?:\\.|[^\]\\])*\]|\\[sS]/g, (part) => part === "\\s" ? `[${space}]` : part === "\\S" ? `[^${space}]` :
            part.replaceAll("\\s", space))]));
}

const rustFolder = packageFolder("tokenizers");
const rust = rustFolder && createRequire(import.meta.url)(rustFolder);
const rustVersion = rustFolder && JSON.parse(fs.readFileSync(`${rustFolder}/package.json`, "utf8")).version;
const js = await packageModule("@huggingface/tokenizers");
const blocks = corpusBlocks(...CORPUS).map((b) => b.toString());
const vocabs = process.argv[2] === "--vocabs" ? process.argv[3] : null;
const styles = vocabs !== null ? readVocabs(vocabs) : new Map(styleNames().map((name) => [name, styleText(name)]));
const wanted = vocabs !== null ? [] : process.argv.slice(2);
const origin = vocabs !== null ? "the shared GGUF vocabularies by tests/vectors/vocabs.py" : STYLES;

for (const [name, text] of styles) {
    if (wanted.length > 0 && !wanted.includes(name))
        continue;
    let ids = null;
    try {
        if (rust) {
            const t = rust.Tokenizer.fromString(text);
            ids = (await t.encodeBatch(blocks, {addSpecialTokens: true})).map((e) => e.getIds());
            const out = LEFT_OUT[name] ?? {blocks: []}, comments = [`${name} of ${origin}: ids by npm's tokenizers ${rustVersion}`, "made by tests/compat/tokenizers.mjs"];
            if (out.blocks.length > 0)
                comments.push(`---- are blocks with ${out.why}`);
            writeVector(name, comments, CORPUS, ids.map((list, i) => (out.blocks.includes(i) ? null : list)));
        }
    } catch (e) {
        console.log(`${name}: tokenizers ${rustVersion}: ${e.message}`);
    }
    try {
        const t = new js.module.Tokenizer(spellSpace(JSON.parse(text)), {});
        const other = blocks.map((b) => t.encode(b).ids);
        const differ = ids === null ? [] : other.map((o, i) => i).filter((i) => other[i].join() !== ids[i].join());
        console.log(`${name}: @huggingface/tokenizers ${js.version}: ${ids === null ? "nothing to compare with" : differ.length === 0 ? "the same" : `${differ.length} blocks differ: ${differ.slice(0, 12).join(" ")}`}`);
    } catch (e) {
        console.log(`${name}: @huggingface/tokenizers ${js.version}: ${e.message.slice(0, 200)}`);
    }
}
