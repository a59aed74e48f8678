// Decode attention's logits: a block's queries, and a page's keys.
#pragma once
#include "DecodeState.cuh"

// A block's queries in shared memory, times the scale, log2(e) and 2^-exponent: the largest is from 1/2 to 1.
struct BlockQueries
{
    float values[QUAD_LINES][HEAD_DIM / QUAD_LINES][QUERY_COLUMNS]; // of channel 4 i + j at [j][i]; columns beyond the heads are 0
    float largest[WARPS];
};

// 2^exponent of the block's queries. The whole block; ends in a barrier.
DEVICE float loadQueries(BlockQueries& block, const float* queries, int heads, float scale)
{
    int thread = threadIdx.x;
    float largest = 0;
    for (int i = thread; i < HEAD_DIM * heads; i += THREADS)
    {
        float magnitude = fabsf(queries[i]);
        largest = largest < magnitude ? magnitude : largest;
    }

    for (int offset = WARP / 2; offset > 0; offset /= 2)
    {
        float other = __shfl_xor_sync(ALL_LANES, largest, offset);
        largest = largest < other ? other : largest;
    }

    if (thread % WARP == 0)
    {
        block.largest[thread / WARP] = largest;
    }

    __syncthreads();
    for (int warp = 0; warp < WARPS; warp++)
    {
        largest = largest < block.largest[warp] ? block.largest[warp] : largest;
    }

    // The exponent of what is at least the largest and at most twice it, kept where its inverse is a normal number.
    int exponent = (int)(floatToBits(largest * fabsf(scale) * LOG2_E) >> 23) + 1;
    exponent = exponent < 16 ? 16 : exponent > 240 ? 240 : exponent;
    float factor = scale * LOG2_E * bitsToFloat((u32)(254 - exponent) << 23);
    for (int i = thread; i < HEAD_DIM * QUERY_COLUMNS; i += THREADS)
    {
        int head = i / HEAD_DIM, channel = i % HEAD_DIM;
        block.values[channel % QUAD_LINES][channel / QUAD_LINES][head] = head < heads ? queries[i] * factor : 0;
    }

    __syncthreads();
    return bitsToFloat((u32)exponent << 23);
}

// Each lane's sum over the warp of columns 2c and 2c + 1, 0 beyond the columns.
DEVICE float2 sumColumns(const float (&values)[QUERY_COLUMNS], int lane)
{
    constexpr int half = QUERY_COLUMNS / 2;
    bool upper = lane & 16;
    float kept[half];
    for (int i = 0; i < half; i++)
    {
        float other = __shfl_xor_sync(ALL_LANES, upper ? values[i] : values[half + i], 16);
        kept[i] = (upper ? values[half + i] : values[i]) + other;
    }

    if (half == 4)
    {
        upper = lane & 8;
        for (int i = 0; i < 2; i++)
        {
            float other = __shfl_xor_sync(ALL_LANES, upper ? kept[i] : kept[(2 + i) % half], 8);
            kept[i] = (upper ? kept[(2 + i) % half] : kept[i]) + other;
        }
    }

    for (int offset = half == 4 ? 4 : 8; offset > 0; offset /= 2)
    {
        kept[0] += __shfl_xor_sync(ALL_LANES, kept[0], offset);
        kept[1] += __shfl_xor_sync(ALL_LANES, kept[1], offset);
    }

    int c = lane % 4;
    int from = half == 4 ? c * 8 : c % 2 * 16;
    float2 sums;
    sums.x = __shfl_sync(ALL_LANES, kept[0], from);
    sums.y = __shfl_sync(ALL_LANES, kept[1], from);
    return 2 * c < QUERY_COLUMNS ? sums : make_float2(0, 0);
}

// Rows' largest magnitude is 2^KEY_EXPONENT, times 16 at most in the highest plane.
#define KEY_EXPONENT 11

// What turns a page's sums into logits: logit = sum * factor / 4^field + offset.
struct KeyLogits
{
    float factor;
    float2 offsets;
};

// Writes the rows of a page's keys, queries times scales, in storage order.
DEVICE KeyLogits foldKeys(WarpMemory& memory, const BlockQueries& block, const PackedMatrix& keys, const int (&places)[KeyMatrix::chunks * QUAD_LINES], float queryUnit, int lane)
{
    constexpr int lines = KeyMatrix::chunks * QUAD_LINES;
    float scales[lines], zeros[lines], biases[QUERY_COLUMNS], offsets[QUERY_COLUMNS];
    readScales<KeyMatrix>(scales, zeros, keys, places, KEY_EXPONENT, lane);
    for (int head = 0; head < QUERY_COLUMNS; head++)
    {
        biases[head] = offsets[head] = 0;
    }

#pragma unroll
    for (int i = 0; i < lines; i++)
    {
        int quad = i / QUAD_LINES * WARP + lane, place = places[i];
        uint4 row = {0, 0, 0, 0};
        if (HEAD_DIM % CHUNK_LINES != 0 && quad * QUAD_LINES >= HEAD_DIM)
        {
            continue;
        }

        if (!KeyMatrix::hasFull || place < keys.quantized)
        {
            const float* queries = block.values[i % QUAD_LINES][quad];
            float folded[8] = {0, 0, 0, 0, 0, 0, 0, 0};
            for (int head = 0; head < QUERY_COLUMNS; head++)
            {
                folded[head] = queries[head] * scales[i];
                biases[head] += folded[head] * folded[head];
                offsets[head] += queries[head] * zeros[i];
            }

            row.x = packHalves(folded[0], folded[1]);
            row.y = packHalves(folded[2], folded[3]);
            row.z = QUERY_COLUMNS > 4 ? packHalves(folded[4], folded[5]) : 0;
            row.w = QUERY_COLUMNS > 4 ? packHalves(folded[6], folded[7]) : 0;
        }
        else
        {
            memory.fullKeys[place - keys.quantized] = (u16)(i / QUAD_LINES * CHUNK_LINES + lane * QUAD_LINES + i % QUAD_LINES);
        }

        *(uint4*)memory.rows[place] = row;
    }

    float unit = KeyMatrix::hasQuantized ? queryUnit * keys.scaleUnit * (1.0f / (1 << KEY_EXPONENT)) : 0;
    for (int head = 0; head < QUERY_COLUMNS; head++)
    {
        offsets[head] *= queryUnit;
        offsets[head] -= CORRECT_BIAS ? unit * unit * (1 / (24 * LOG2_E)) * biases[head] : 0;
    }

    KeyLogits logits;
    logits.factor = unit * 16777216.0f;
    logits.offsets = sumColumns(offsets, lane);
    return logits;
}

typedef PlaneProduct<KeyMatrix, 0, 4> KeyProduct;

// Turns sums into logits, less `largest`.
DEVICE void finishLogits(KeyProduct::Sums& sums, const KeyLogits& logits, float largest0, float largest1)
{
#pragma unroll
    for (int slot = 0; slot < 16; slot++)
    {
        float factor = logits.factor / (1 << (2 * (slot / 4)));
        float& logit0 = KeyProduct::at(sums, slot, 0);
        float& logit1 = KeyProduct::at(sums, slot, 1);
        logit0 = logit0 * factor + (logits.offsets.x - largest0);
        logit1 = logit1 * factor + (logits.offsets.y - largest1);
    }
}

// Adds what lines that are not quantized contribute to logits.
DEVICE void addFullKeys(KeyProduct::Sums& logits, const WarpMemory& memory, const BlockQueries& block, const PackedMatrix& keys, float queryUnit, int lane)
{
    int g = lane / 4, c = lane % 4 * 2 % QUERY_COLUMNS;
    const Element* elements = (const Element*)fullLines<KeyMatrix>(keys);
    for (int i = 0; i < HEAD_DIM - keys.quantized; i++)
    {
        int line = memory.fullKeys[i];
        const float* queries = block.values[line % QUAD_LINES][line / QUAD_LINES];
        float query0 = queries[c] * queryUnit, query1 = queries[c + 1] * queryUnit;
#pragma unroll
        for (int slot = 0; slot < 16; slot++)
        {
            float key = toFloat(elements[i * PAGE_TOKENS + KeyProduct::element(slot, g)]);
            KeyProduct::at(logits, slot, 0) += key * query0;
            KeyProduct::at(logits, slot, 1) += key * query1;
        }
    }
}
