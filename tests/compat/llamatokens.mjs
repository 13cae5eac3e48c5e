// node tests/compat/llamatokens.mjs SHARED; where llama.cpp's ids of the corpus are not those of tests/vectors/tokens/vocab-*.txt
/* llama.cpp (npm's node-llama-cpp, found as tests/compat/corpus.mjs says) reads the shared folder's GGUF vocabularies. One
   line a vocabulary. Nothing is recorded: where it differs, README.md in tests/vectors says why. */
import fs from "node:fs";
import path from "node:path";
import {corpusBlocks, hashIds, packageModule} from "./corpus.mjs";

const VOCABS = {"gpt-2": true, "falcon": true, "starcoder": true, "deepseek-coder": true, "llama-spm": false, "phi-3": false}; // control tokens parsed?
const shared = process.argv[2] ?? "../shared";
const {module, version} = await packageModule("node-llama-cpp");
const llama = await module.getLlama({gpu: false, build: "never", progressLogs: false, logLevel: "disabled"});
const blocks = corpusBlocks(1, 1200000, 0).map((b) => b.toString());

for (const [name, special] of Object.entries(VOCABS)) {
    const lines = fs.readFileSync(`tests/vectors/tokens/vocab-${name}.txt`, "utf8").split("\n");
    const digits = lines.filter((l) => /^[0-9a-f-]+$/.test(l)).join("").match(/.{4}/g);
    const model = await llama.loadModel({modelPath: path.join(shared, "data", "vocabs", `ggml-vocab-${name}.gguf`), vocabOnly: true});
    const ids = blocks.map((b) => model.tokenize(b, special));
    const differ = blocks.map((_, i) => i).filter((i) => digits[i] !== "----" && hashIds(ids[i]).slice(4) !== digits[i]);
    console.log(`${name}: node-llama-cpp ${version}: ${differ.length === 0 ? "the same" : `${differ.length} blocks differ: ${differ.slice(0, 20).join(" ")}`}`);
    if (process.env.COMPARE_IDS)
        fs.writeFileSync(path.join(process.env.COMPARE_IDS, `llamacpp-${name}.ids`),
            Buffer.concat(ids.map((list) => Buffer.from(Uint32Array.from([list.length, ...list]).buffer))));
    await model.dispose();
}
process.exit(0);
