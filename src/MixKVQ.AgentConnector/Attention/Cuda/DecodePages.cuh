// Decode attention over packed pages: a warp takes a page of a KV head by itself.
#pragma once
#include "DecodeValues.cuh"

// Where a block's matrices lie in a page. Values are those of all groups; of the last block's, no end is known.
struct BlockPlace
{
    const u8* page;
    u32 keys;
    u32 values;
    u32 end;
};

DEVICE BlockPlace placeBlock(const u8* page, int block, int blocks)
{
    const u8* offsets = page + block * (1 + VALUE_GROUPS) * 4;
    return {page, loadWord(offsets), loadWord(offsets + 4), block + 1 < blocks ? loadWord(offsets + (1 + VALUE_GROUPS) * 4) : 0};
}

#define PREFETCH_BYTES 128

// Begins to bring bytes of a page nearer: into `stage`, if they fit, else into the second-level cache. Where to read them once the copies have come.
DEVICE const u8* bring(u8* stage, const u8* page, u32 begin, u32 end, int lane)
{
    const u8* source = page + begin;
    if (STAGE_BYTES > 0 && end > begin && end - begin <= STAGE_BYTES)
    {
        for (u32 at = lane * 16; at < end - begin; at += WARP * 16)
        {
            copyAsync(stage + at, source + at);
        }

        return stage;
    }

    for (u32 at = begin + lane * PREFETCH_BYTES; at < end; at += WARP * PREFETCH_BYTES)
    {
        prefetch(page + at);
    }

    return source;
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

// A page's logits, less the largest so far.
DEVICE void multiplyKeys(Logits& logits, const Outputs& outputs, WarpMemory& memory, const BlockQueries& block, const u8* start, int lane)
{
    OpenMatrix<KeyMatrix> keys;
    keys.matrix = readUnits<KeyMatrix>(start);
    readLines<KeyMatrix>(keys, memory.keyOrder, lane);
    __syncwarp();
    if constexpr (KeyMatrix::hasQuantized)
    {
        KeyProduct::Loaded loaded;
        KeyProduct::loadLow(loaded, keys.matrix, lane);
        KeyProduct::loadThird(loaded, keys.matrix, lane);
        KeyLogits keyLogits = foldKeys(memory, block, keys, lane);
        __syncwarp();
        KeyProduct::Sums sums;
        KeyProduct::clear(sums);
        KeyProduct::add(sums, loaded, keys.matrix, memory.rows, lane);
        finishLogits(logits, sums, keyLogits, outputs.largest);
    }
    else
    {
        clearLogits(logits, outputs.largest);
    }

    if (KeyMatrix::hasFull)
    {
        addFullKeys(logits, memory, block, keys.matrix, lane);
    }
}

// Adds a page's values by the weights in memory; `start` is where the first group's are, which lie at `place.values` of the page.
DEVICE void addPage(Outputs& outputs, WarpMemory& memory, const u8* start, const BlockPlace& place, int block, int lane)
{
#pragma unroll
    for (int group = 0; group < VALUE_GROUPS; group++)
    {
        const u8* matrix = group == 0 ? start : start + (loadWord(place.page + (block * (1 + VALUE_GROUPS) + 1 + group) * 4) - place.values);
        OpenMatrix<ValueMatrix> values;
        values.matrix = readUnits<ValueMatrix>(matrix);
        readLines<ValueMatrix>(values, memory.valueOrder, lane);
        __syncwarp();
        typename ValueProduct<0>::Loaded loaded;
        LaneHeads units;
        if constexpr (ValueMatrix::hasQuantized)
        {
            ValueProduct<0>::loadLow(loaded, values.matrix, lane);
            ValueProduct<0>::loadThird(loaded, values.matrix, lane);
            units = foldValues(memory, outputs.zeros[group], values, lane);
        }

        __syncwarp();
        addPasses<0>(outputs, group, loaded, memory, values.matrix, units, lane);
        __syncwarp();
    }
}

// Attends to every `stride`-th page from one on. A page's keys come while the values before them are multiplied, and its values while its keys are.
DEVICE void attendPages(Outputs& outputs, WarpMemory& memory, u8* stages, const BlockQueries& block, const CacheSequence& sequence, int index, int stride,
    int pageBlock, int blocks, int lane)
{
    const u8* const* pages = sequence.pages;
    int count = sequence.pageCount;
    if (index >= count)
    {
        return;
    }

    u8* keyStage = stages;
    u8* valueStage = stages + STAGE_BYTES;
    BlockPlace place = placeBlock(pages[index], pageBlock, blocks);
    const u8* nextPage = index + stride < count ? pages[index + stride] : nullptr;
    const u8* keys = bring(keyStage, place.page, place.keys, place.values, lane);
    commitCopies();
    const u8* values = bring(valueStage, place.page, place.values, place.end, lane);
    commitCopies();
    while (true)
    {
        index += stride;
        BlockPlace next = place;
        if (nextPage)
        {
            next = placeBlock(nextPage, pageBlock, blocks);
        }

        bool more = nextPage;
        nextPage = index + stride < count ? pages[index + stride] : nullptr;
        awaitCopies<1>();
        __syncwarp();
        Logits logits;
        multiplyKeys(logits, outputs, memory, block, keys, lane);
        __syncwarp();
        if (more)
        {
            keys = bring(keyStage, next.page, next.keys, next.values, lane);
        }

        commitCopies();
        weigh(outputs, logits, memory, lane);
        awaitCopies<1>();
        __syncwarp();
        addPage(outputs, memory, values, place, pageBlock, lane);
        if (!more)
        {
            return;
        }

        values = bring(valueStage, next.page, next.values, next.end, lane);
        commitCopies();
        place = next;
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
