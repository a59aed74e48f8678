// Decode attention over packed pages: a warp takes a page of a KV head by itself.
#pragma once
#include "DecodeValues.cuh"

#define PREFETCH_BYTES 128

// Asks for the second-level cache to hold a block's matrices.
DEVICE void prefetchBlock(const u8* page, int block, int blocks, int lane)
{
    const u8* offsets = page + block * (1 + VALUE_GROUPS) * 4;
    u32 first = loadWord(offsets), values = loadWord(offsets + 4);
    u32 end = block + 1 < blocks ? loadWord(offsets + (1 + VALUE_GROUPS) * 4) : values + (values - first) * VALUE_GROUPS;
    for (u32 at = first + lane * PREFETCH_BYTES; at < end; at += WARP * PREFETCH_BYTES)
    {
        prefetch(page + at);
    }
}

// Passes from one on over a group of a page's values; `loaded` holds the first words of the first.
template <int Pass>
DEVICE void addPasses(Outputs& outputs, int group, typename ValueProduct<0>::Loaded& loaded, const WarpMemory& memory, const PackedMatrix& values, int lane)
{
    addValues<Pass>(outputs.sums[group * PASSES + Pass], loaded, memory, values, lane);
    if constexpr (Pass + 1 < PASSES)
    {
        if (ValueMatrix::hasQuantized)
        {
            ValueProduct<Pass + 1>::load(loaded, values, lane);
        }

        addPasses<Pass + 1>(outputs, group, loaded, memory, values, lane);
    }
}

DEVICE void attendPage(Outputs& outputs, WarpMemory& memory, const BlockQueries& block, const u8* page, const u8* nextPage, float queryUnit, int pageBlock, int blocks, int lane)
{
    const u8* offsets = page + pageBlock * (1 + VALUE_GROUPS) * 4;
    PackedMatrix keys = readUnits<KeyMatrix>(page + loadWord(offsets));
    KeyProduct::Loaded loadedKeys;
    if (!KeyMatrix::hasFull)
    {
        KeyProduct::load(loadedKeys, keys, lane);
    }

    int places[KeyMatrix::chunks * QUAD_LINES];
    readWidths<KeyMatrix>(keys, lane, places);
    PackedMatrix values = openValues(memory, page + loadWord(offsets + 4), lane);
    KeyLogits logits = foldKeys(memory, block, keys, places, queryUnit, lane);
    __syncwarp();
    if (nextPage)
    {
        prefetchBlock(nextPage, pageBlock, blocks, lane);
    }

    KeyProduct::Sums sums;
    KeyProduct::clear(sums);
    if (KeyMatrix::hasQuantized)
    {
        if (KeyMatrix::hasFull)
        {
            KeyProduct::load(loadedKeys, keys, lane);
        }

        KeyProduct::add(sums, loadedKeys, keys, memory.rows[0], lane);
    }

    ValueProduct<0>::Loaded loadedValues;
    if (ValueMatrix::hasQuantized)
    {
        ValueProduct<0>::load(loadedValues, values, lane);
    }

    finishLogits(sums, logits, outputs.largest.x, outputs.largest.y);
    if (KeyMatrix::hasFull)
    {
        addFullKeys(sums, memory, block, keys, queryUnit, lane);
    }

    weigh(outputs, sums);
    __syncwarp();
#pragma unroll
    for (int group = 0; group < VALUE_GROUPS; group++)
    {
        if (group > 0)
        {
            __syncwarp();
            values = openValues(memory, page + loadWord(offsets + 4 + 4 * group), lane);
            __syncwarp();
            if (ValueMatrix::hasQuantized)
            {
                ValueProduct<0>::load(loadedValues, values, lane);
            }
        }

        foldValues(memory, sums, outputs.zeros[group], lane);
        __syncwarp();
        addPasses<0>(outputs, group, loadedValues, memory, values, lane);
    }

    __syncwarp();
}

// Adds up a lane's value over the lanes that have the same columns.
DEVICE float sumTokens(float value)
{
    for (int offset = 4; offset < WARP; offset *= 2)
    {
        value += __shfl_xor_sync(ALL_LANES, value, offset);
    }

    return value;
}

// Writes a warp's outputs and states.
template <int Pass>
DEVICE void writePasses(float (&joined)[TILE_HEADS][HEAD_DIM], Outputs& outputs, int group, float2 zeros, int lane)
{
#pragma unroll
    for (int slot = 0; slot < PASS_WORDS * 4; slot++)
    {
        int element = ValueProduct<Pass>::element(slot, lane / 4);
        for (int n = 0; n < 2; n++)
        {
            int head = lane % 4 * 2 + n;
            if (head < TILE_HEADS && element < VALUE_GROUP)
            {
                float sum = ValueProduct<Pass>::at(outputs.sums[group * PASSES + Pass], slot, n) / (1 << (2 * (slot / PASS_WORDS)));
                joined[head][group * VALUE_GROUP + element] = sum + (n == 0 ? zeros.x : zeros.y);
            }
        }
    }

    if constexpr (Pass + 1 < PASSES)
    {
        writePasses<Pass + 1>(joined, outputs, group, zeros, lane);
    }
}

DEVICE void writeOutputs(float (&joined)[TILE_HEADS][HEAD_DIM], float2 (&states)[TILE_HEADS], Outputs& outputs, int lane)
{
#pragma unroll
    for (int group = 0; group < VALUE_GROUPS; group++)
    {
        writePasses<0>(joined, outputs, group, make_float2(sumTokens(outputs.zeros[group].x), sumTokens(outputs.zeros[group].y)), lane);
    }

    float sum0 = sumTokens(outputs.weights.x), sum1 = sumTokens(outputs.weights.y);
    int head = lane % 4 * 2;
    if (lane < 4 && head < TILE_HEADS)
    {
        states[head] = make_float2(outputs.some ? outputs.largest.x : NO_LOGIT, sum0);
    }

    if (lane < 4 && head + 1 < TILE_HEADS)
    {
        states[head + 1] = make_float2(outputs.some ? outputs.largest.y : NO_LOGIT, sum1);
    }
}
