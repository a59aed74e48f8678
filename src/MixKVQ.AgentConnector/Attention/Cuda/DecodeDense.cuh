// Decode attention over what is not packed: sinks and tail.
#pragma once
#include "DecodeKeys.cuh"

#define LANE_CHANNELS ((HEAD_DIM + WARP - 1) / WARP)

struct DensePart
{
    const Element* keys; // [tokens, headDim]
    const Element* values;
    int count; // 32 at most
};

// Part 0 is the sinks, parts from 1 on are 32 tokens of the tail each.
DEVICE DensePart densePart(const CacheSequence& sequence, int part, int layer, int head)
{
    int capacity = part == 0 ? SINK_TOKENS : PAGE_TOKENS;
    int first = part == 0 ? 0 : (part - 1) * WARP;
    int count = part == 0 ? sequence.sinkCount : sequence.tailCount - first;
    long long plane = (long long)capacity * HEAD_DIM;
    const Element* keys = (const Element*)(part == 0 ? sequence.sinks : sequence.tail) + ((long long)layer * 2 * KV_HEADS + head) * plane + first * HEAD_DIM;
    return {keys, keys + KV_HEADS * plane, count < WARP ? count : WARP};
}

// Eight elements; aligned to 16 bytes, or 32 of float32.
DEVICE void loadElements(float (&values)[8], const Element* elements)
{
    for (int first = 0; first < 8; first += 16 / sizeof(Element))
    {
        uint4 words = loadStreamed(elements + first);
        u32 word[4] = {words.x, words.y, words.z, words.w};
        for (int i = 0; i < 4; i++)
        {
#if ELEMENT == 0
            values[first + i] = bitsToFloat(word[i]);
#else
            values[2 * i] = toFloat((u16)word[i]);
            values[2 * i + 1] = toFloat((u16)(word[i] >> 16));
#endif
        }
    }
}

// A warp's logits of a part, each lane's of its own token.
DEVICE void denseLogits(float (&logits)[TILE_HEADS], const DensePart& part, const BlockQueries& block, float queryUnit, int lane)
{
    const Element* keys = part.keys + (lane < part.count ? lane : 0) * HEAD_DIM;
    for (int head = 0; head < TILE_HEADS; head++)
    {
        logits[head] = 0;
    }

#pragma unroll 4
    for (int channel = 0; channel < HEAD_DIM; channel += 8)
    {
        float key[8];
        loadElements(key, keys + channel);
        for (int i = 0; i < 8; i++)
        {
            const float* queries = block.values[channel + i];
            for (int head = 0; head < TILE_HEADS; head++)
            {
                logits[head] += queries[head] * key[i];
            }
        }
    }

    for (int head = 0; head < TILE_HEADS; head++)
    {
        logits[head] = lane < part.count ? logits[head] * queryUnit : NO_LOGIT;
    }
}

// Attends to every WARPS-th part; writes the warp's outputs and states.
DEVICE void attendDense(float (&joined)[TILE_HEADS][HEAD_DIM], float2 (&states)[TILE_HEADS], WarpMemory& memory, const BlockQueries& block, const CacheSequence& sequence,
    float queryUnit, int layer, int keyValueHead, int warp, int lane)
{
    float(*weights)[QUERY_COLUMNS] = memory.weights;
    float outputs[TILE_HEADS][LANE_CHANNELS], largest[TILE_HEADS], sums[TILE_HEADS];
    for (int head = 0; head < TILE_HEADS; head++)
    {
        largest[head] = NO_LOGIT;
        sums[head] = 0;
        for (int i = 0; i < LANE_CHANNELS; i++)
        {
            outputs[head][i] = 0;
        }
    }

    int parts = 1 + (sequence.tailCount + WARP - 1) / WARP;
    for (int index = warp; index < parts; index += WARPS)
    {
        DensePart part = densePart(sequence, index, layer, keyValueHead);
        float logits[TILE_HEADS];
        denseLogits(logits, part, block, queryUnit, lane);
        __syncwarp();
        for (int head = 0; head < TILE_HEADS; head++)
        {
            float highest = largest[head], weight;
            float own = logits[head];
            for (int offset = WARP / 2; offset > 0; offset /= 2)
            {
                own = fmaxf(own, __shfl_xor_sync(ALL_LANES, own, offset));
            }

            largest[head] = fmaxf(highest, own);
            float factor = exponential2(highest - largest[head]);
            weight = lane < part.count ? exponential2(logits[head] - largest[head]) : 0;
            sums[head] = sums[head] * factor + weight;
            weights[lane][head] = weight;
            for (int i = 0; i < LANE_CHANNELS; i++)
            {
                outputs[head][i] *= factor;
            }
        }

        __syncwarp();
#pragma unroll 4
        for (int token = 0; token < part.count; token++)
        {
            for (int i = 0; i < LANE_CHANNELS; i++)
            {
                int channel = lane + i * WARP;
                float value = HEAD_DIM % WARP == 0 || channel < HEAD_DIM ? toFloat(part.values[token * HEAD_DIM + channel]) : 0;
                for (int head = 0; head < TILE_HEADS; head++)
                {
                    outputs[head][i] += weights[token][head] * value;
                }
            }
        }

        __syncwarp();
    }

    __syncthreads();
    for (int head = 0; head < TILE_HEADS; head++)
    {
        for (int i = 0; i < LANE_CHANNELS; i++)
        {
            if (HEAD_DIM % WARP == 0 || lane + i * WARP < HEAD_DIM)
            {
                joined[head][lane + i * WARP] = outputs[head][i];
            }
        }

        for (int offset = WARP / 2; offset > 0; offset /= 2)
        {
            sums[head] += __shfl_xor_sync(ALL_LANES, sums[head], offset);
        }

        states[head] = make_float2(largest[head], sums[head]);
    }
}
