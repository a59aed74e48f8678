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
DEVICE void addPasses(Outputs& outputs, int group, typename ValueProduct<Pass>::Loaded& loaded, const WarpMemory& memory, const PackedMatrix& values,
    const LaneHeads& units, int lane)
{
    addValues<Pass>(outputs.sums[group * PASSES + Pass], loaded, memory, values, units, lane);
    if constexpr (Pass + 1 < PASSES)
    {
        typename ValueProduct<Pass + 1>::Loaded next;
        if (ValueMatrix::hasQuantized)
        {
            ValueProduct<Pass + 1>::loadLow(next, values, lane);
            ValueProduct<Pass + 1>::loadThird(next, values, lane);
        }

        addPasses<Pass + 1>(outputs, group, next, memory, values, units, lane);
    }
}

DEVICE void attendPage(Outputs& outputs, WarpMemory& memory, const BlockQueries& block, const u8* page, const u8* nextPage, int pageBlock, int blocks, int lane)
{
    const u8* offsets = page + pageBlock * (1 + VALUE_GROUPS) * 4;
    OpenMatrix<KeyMatrix> keys;
    keys.matrix = readUnits<KeyMatrix>(page + loadWord(offsets));
    KeyProduct::Loaded loadedKeys;
    if (!KeyMatrix::hasFull)
    {
        KeyProduct::loadLow(loadedKeys, keys.matrix, lane);
    }

    OpenMatrix<ValueMatrix> values;
    values.matrix = readUnits<ValueMatrix>(page + loadWord(offsets + 4));
    readLines<KeyMatrix>(keys, memory.keyOrder, lane);
    readLines<ValueMatrix>(values, memory.valueOrder, lane);
    __syncwarp();
    if (KeyMatrix::hasQuantized && !KeyMatrix::hasFull)
    {
        KeyProduct::loadThird(loadedKeys, keys.matrix, lane);
    }

    if (nextPage)
    {
        prefetchBlock(nextPage, pageBlock, blocks, lane);
    }

    Logits logits;
    ValueProduct<0>::Loaded loadedValues;
    if constexpr (KeyMatrix::hasQuantized)
    {
        KeyLogits keyLogits = foldKeys(memory, block, keys, lane);
        __syncwarp();
        if (KeyMatrix::hasFull)
        {
            KeyProduct::loadLow(loadedKeys, keys.matrix, lane);
            KeyProduct::loadThird(loadedKeys, keys.matrix, lane);
        }

        KeyProduct::Sums sums;
        KeyProduct::clear(sums);
        KeyProduct::add(sums, loadedKeys, keys.matrix, memory.rows, lane);
        if (ValueMatrix::hasQuantized)
        {
            ValueProduct<0>::loadLow(loadedValues, values.matrix, lane);
            ValueProduct<0>::loadThird(loadedValues, values.matrix, lane);
        }

        finishLogits(logits, sums, keyLogits, outputs.largest);
    }
    else
    {
        if (ValueMatrix::hasQuantized)
        {
            ValueProduct<0>::loadLow(loadedValues, values.matrix, lane);
            ValueProduct<0>::loadThird(loadedValues, values.matrix, lane);
        }

        clearLogits(logits, outputs.largest);
    }

    if (KeyMatrix::hasFull)
    {
        addFullKeys(logits, memory, block, keys.matrix, lane);
    }

    weigh(outputs, logits, memory, lane);
    __syncwarp();
#pragma unroll
    for (int group = 0; group < VALUE_GROUPS; group++)
    {
        if (group > 0)
        {
            values.matrix = readUnits<ValueMatrix>(page + loadWord(offsets + 4 + 4 * group));
            readLines<ValueMatrix>(values, memory.valueOrder, lane);
            if (ValueMatrix::hasQuantized)
            {
                ValueProduct<0>::loadLow(loadedValues, values.matrix, lane);
                ValueProduct<0>::loadThird(loadedValues, values.matrix, lane);
            }

            __syncwarp();
        }

        LaneHeads units;
        if constexpr (ValueMatrix::hasQuantized)
        {
            units = foldValues(memory, outputs.zeros[group], values, lane);
        }

        __syncwarp();
        addPasses<0>(outputs, group, loadedValues, memory, values.matrix, units, lane);
        __syncwarp();
    }
}

// Writes a warp's outputs.
template <int Pass>
DEVICE void writePasses(float (&joined)[TILE_HEADS][HEAD_DIM], const Outputs& outputs, int group, const LaneHeads& zeros, int lane)
{
#pragma unroll
    for (int slot = 0; slot < PASS_SLOTS; slot++)
    {
        int element = ValueProduct<Pass>::Plane::element(slot, lane / 4);
        for (int i = 0; i < COLUMN_TILES; i++)
        {
            int head = 4 * i + lane % 4;
            if (head < TILE_HEADS && element < VALUE_GROUP)
            {
                float sum = outputs.sums[group * PASSES + Pass][i][slot];
                joined[head][group * VALUE_GROUP + element] = sum * (ValueProduct<Pass>::Plane::isUpper(slot) ? 1.0f / UPPER_FIELDS : 1) + zeros.values[i];
            }
        }
    }

    if constexpr (Pass + 1 < PASSES)
    {
        writePasses<Pass + 1>(joined, outputs, group, zeros, lane);
    }
}

// Writes a warp's outputs and states.
DEVICE void writeOutputs(float (&joined)[TILE_HEADS][HEAD_DIM], float2 (&states)[TILE_HEADS], const Outputs& outputs, int lane)
{
#pragma unroll
    for (int group = 0; group < VALUE_GROUPS; group++)
    {
        writePasses<0>(joined, outputs, group, sumHeads(outputs.zeros[group], lane), lane);
    }

    for (int i = 0; i < COLUMN_TILES; i++)
    {
        float sum = outputs.weights.values[i];
        for (int offset = 4; offset < WARP; offset *= 2)
        {
            sum += __shfl_xor_sync(ALL_LANES, sum, offset);
        }

        if (lane < 4 && 4 * i + lane < TILE_HEADS)
        {
            states[4 * i + lane] = make_float2(outputs.some ? outputs.largest.values[i] : NO_LOGIT, sum);
        }
    }
}
