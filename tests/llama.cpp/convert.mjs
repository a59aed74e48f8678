// Writes a Qwen3 model folder as a GGUF file: node convert.mjs FOLDER FILE [CONTEXT-LENGTH]
// Matrices keep their type and bytes, norms become float32. Token ids are all that goes in and out, so no vocabulary is written.
import fs from "node:fs";
import path from "node:path";

const alignment = 32;
const gguf = { uint32: 4, float32: 6, string: 8 };
const ggml = { F32: 0, F16: 1, BF16: 30 };

const layerNames = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
};

const modelNames = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
};

function tensorName(name) {
    const layer = /^model\.layers\.(\d+)\.(.+)\.weight$/.exec(name);
    const found = layer ? `blk.${layer[1]}.${layerNames[layer[2]]}.weight` : modelNames[name];
    if (!found || found.includes("undefined")) {
        throw new Error(`The tensor ${name} has no place in a Qwen3 GGUF file.`);
    }

    return found;
}

function metadata(config, contextLength) {
    if (config.model_type !== "qwen3" || config.rope_scaling) {
        throw new Error(`Only Qwen3 models without rope_scaling can be written, not ${config.model_type}.`);
    }

    return [
        ["general.architecture", gguf.string, "qwen3"],
        ["qwen3.vocab_size", gguf.uint32, config.vocab_size],
        ["qwen3.context_length", gguf.uint32, contextLength],
        ["qwen3.embedding_length", gguf.uint32, config.hidden_size],
        ["qwen3.block_count", gguf.uint32, config.num_hidden_layers],
        ["qwen3.feed_forward_length", gguf.uint32, config.intermediate_size],
        ["qwen3.attention.head_count", gguf.uint32, config.num_attention_heads],
        ["qwen3.attention.head_count_kv", gguf.uint32, config.num_key_value_heads],
        ["qwen3.attention.key_length", gguf.uint32, config.head_dim],
        ["qwen3.attention.value_length", gguf.uint32, config.head_dim],
        ["qwen3.attention.layer_norm_rms_epsilon", gguf.float32, config.rms_norm_eps ?? 1e-6],
        ["qwen3.rope.freq_base", gguf.float32, config.rope_theta ?? 10000],
        ["tokenizer.ggml.model", gguf.string, "none"],
    ];
}

// The tensors of a safetensors file, each with a function that reads its bytes as they go into the GGUF file.
function tensors(file) {
    const descriptor = fs.openSync(file, "r");
    const read = (start, length) => {
        const bytes = Buffer.alloc(length);
        fs.readSync(descriptor, bytes, 0, length, start);
        return bytes;
    };
    const headerLength = Number(read(0, 8).readBigUInt64LE());
    const header = JSON.parse(read(8, headerLength).toString());
    delete header.__metadata__;
    return Object.entries(header).map(([name, { dtype, shape, data_offsets: [from, to] }]) => {
        const source = () => read(8 + headerLength + from, to - from);
        const isNorm = shape.length === 1 && dtype === "BF16";
        return {
            name: tensorName(name),
            shape: [...shape].reverse(),
            type: isNorm ? ggml.F32 : ggml[dtype],
            byteLength: isNorm ? 2 * (to - from) : to - from,
            bytes: isNorm ? () => widened(source()) : source,
        };
    });
}

function widened(halves) {
    const floats = Buffer.alloc(2 * halves.length);
    for (let i = 0; i < halves.length; i += 2) {
        halves.copy(floats, 2 * i + 2, i, i + 2);
    }

    return floats;
}

const aligned = (offset) => Math.ceil(offset / alignment) * alignment;

function uint(value, bytes) {
    const buffer = Buffer.alloc(bytes);
    bytes === 4 ? buffer.writeUInt32LE(value) : buffer.writeBigUInt64LE(BigInt(value));
    return buffer;
}

function text(value) {
    const bytes = Buffer.from(value);
    return Buffer.concat([uint(bytes.length, 8), bytes]);
}

function float(value) {
    const buffer = Buffer.alloc(4);
    buffer.writeFloatLE(value);
    return buffer;
}

function write(folder, file, contextLength) {
    const config = JSON.parse(fs.readFileSync(path.join(folder, "config.json")));
    const pairs = metadata(config, contextLength ?? config.max_position_embeddings);
    const all = tensors(path.join(folder, "model.safetensors"));
    const head = [Buffer.from("GGUF"), uint(3, 4), uint(all.length, 8), uint(pairs.length, 8)];
    for (const [key, type, value] of pairs) {
        head.push(text(key), uint(type, 4), type === gguf.string ? text(value) : type === gguf.float32 ? float(value) : uint(value, 4));
    }

    let offset = 0;
    for (const tensor of all) {
        head.push(text(tensor.name), uint(tensor.shape.length, 4), ...tensor.shape.map((size) => uint(size, 8)), uint(tensor.type, 4), uint(offset, 8));
        offset = aligned(offset + tensor.byteLength);
    }

    const output = fs.openSync(file, "w");
    let written = 0;
    const put = (bytes) => {
        for (const part of [bytes, Buffer.alloc(aligned(bytes.length) - bytes.length)]) {
            written += part.length > 0 ? fs.writeSync(output, part, 0, part.length, written) : 0;
        }
    };
    put(Buffer.concat(head));
    all.forEach((tensor) => put(tensor.bytes()));
    fs.closeSync(output);
}

const [folder, file, contextLength] = process.argv.slice(2);
if (!file) {
    throw new Error("Usage: node convert.mjs FOLDER FILE [CONTEXT-LENGTH]");
}

write(folder, file, contextLength && Number(contextLength));
