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

// Instructions reach so far on both sides of an address.
#define REACH 2048

// Copies a lane's parts of what fits into a stage; `source` is REACH bytes after where the first of them begins.
template <int At, int From = At - REACH>
DEVICE void copyParts(SharedAddress stage, const u8* source, int bytes)
{
    if constexpr (At < STAGE_BYTES && From >= REACH)
    {
        copyParts<At, From - 2 * REACH>(stage, source + 2 * REACH, bytes);
    }
    else if constexpr (At < STAGE_BYTES)
    {
        copyAsync<At, From>(stage, source, bytes);
        copyParts<At + WARP * 16, From + WARP * 16>(stage, source, bytes);
    }
}

// Begins to copy bytes of a page into `stage`, if they fit, else to bring them into the second-level cache. Whether they will be in `stage`.
DEVICE bool bring(u8* stage, const u8* page, u32 begin, u32 end, int lane)
{
    if (STAGE_BYTES > 0 && end > begin && end - begin <= STAGE_BYTES)
    {
        copyParts<0>(sharedAddress(stage + swizzle(lane * 16)), page + REACH + (begin + lane * 16), (int)(end - begin) - lane * 16);
        return true;
    }

#pragma unroll 1
    for (u32 at = begin + lane * PREFETCH_BYTES; at < end; at += WARP * PREFETCH_BYTES)
    {
        prefetch(page + at);
    }

    return false;
}

// Passes from one on, of which `ahead` is loaded, over a group of a page's values.
template <int Pass, class Shape>
DEVICE void addPasses(Outputs& outputs, int group, const float (&factors)[HEAD_SETS], typename ValueProduct<Pass, Shape>::Ahead& ahead, const WarpMemory& memory,
    const PackedMatrix& values, int lane)
{
    addValues<Pass, Shape>(outputs.sums[group * PASSES + Pass], factors, ahead, memory, values, lane);
    if constexpr (Pass + 1 < PASSES)
    {
        typename ValueProduct<Pass + 1, Shape>::Ahead next;
        ValueProduct<Pass + 1, Shape>::loadAhead(next, values, lane);
        addPasses<Pass + 1, Shape>(outputs, group, factors, next, memory, values, lane);
    }
}

// Of a page's matrices, of values the first group's: indexes of widths of the lane's lines.
struct PageWidths
{
    u32 keys[KeyMatrix::chunks];
    u32 values[ValueMatrix::chunks];
};

DEVICE void readPage(PageWidths& widths, const BlockPlace& place, int lane)
{
    readIndexes<KeyMatrix>(widths.keys, place.page + place.keys, lane);
    readIndexes<ValueMatrix>(widths.values, place.page + place.values, lane);
}

// How many lines of a page's matrices have each width.
struct PageTotals
{
    LineWidths<KeyMatrix>::Fields keys;
    LineWidths<ValueMatrix>::Fields values;
};

// Orders a page's keys and the first group of its values.
DEVICE PageTotals orderPage(WarpMemory& memory, const PageWidths& page, int lane)
{
    PageTotals totals = {};
    int keyPlaces[KeyMatrix::chunks * QUAD_LINES], valuePlaces[QUAD_LINES];
    if constexpr (KeyMatrix::choices > 1 || ValueMatrix::choices > 1)
    {
        LineWidths<KeyMatrix> keys;
        LineWidths<ValueMatrix> values;
        countOwn(keys, page.keys, lane);
        countOwn(values, page.values, lane);
        sumWidths(keys, values, lane);
        totals = {totalOf(keys), totalOf(values)};
        placeLines(keys, firstPlaces<KeyMatrix>(totals.keys), keyPlaces);
        placeLines(values, firstPlaces<ValueMatrix>(totals.values), valuePlaces);
    }
    else
    {
        placeLines<KeyMatrix>(lane, keyPlaces);
        placeLines<ValueMatrix>(lane, valuePlaces);
    }

    orderKeys(memory, keyPlaces, lane);
    orderValues(memory, valuePlaces, lane);
    return totals;
}

// Opens a group of a page's values; orders them, but of the first group, which are ordered.
template <class Shape>
DEVICE PackedMatrix openValues(WarpMemory& memory, const u8* start, const BlockPlace& place, int block, int group, LineWidths<ValueMatrix>::Fields total, int lane)
{
    if (group == 0)
    {
        PackedMatrix values = readUnits<Shape>(start, 0);
        if (Shape::choices > 1)
        {
            setCounts<Shape>(values, total);
        }

        return values;
    }

    int places[QUAD_LINES];
    u32 origin = loadWord(place.page + (block * (1 + VALUE_GROUPS) + 1 + group) * 4);
    PackedMatrix values = openMatrix<ValueMatrix>(place.page + origin, lane, places);
    values.start = start;
    values.origin = (int)(origin - place.values);
    orderValues(memory, places, lane);
    return values;
}

// Adds a page's values by their weights; the first group's, which lie at `place.values` of the page, begin at start.
template <class Shape>
DEVICE void addPage(Outputs& outputs, WarpMemory& memory, const float (&factors)[HEAD_SETS], const u8* start, const BlockPlace& place, int block,
    LineWidths<ValueMatrix>::Fields total, int lane)
{
#pragma unroll
    for (int group = 0; group < VALUE_GROUPS; group++)
    {
        PackedMatrix values = openValues<Shape>(memory, start, place, block, group, total, lane);
        typename ValueProduct<0, Shape>::Ahead ahead;
        ValueProduct<0, Shape>::loadAhead(ahead, values, lane);
        __syncwarp();
        if (Shape::hasQuantized)
        {
            foldValues<Shape>(memory, outputs.zeros[group], values, lane);
            __syncwarp();
        }

        addPasses<0, Shape>(outputs, group, factors, ahead, memory, values, lane);
        __syncwarp();
    }
}

// Attends to every `stride`-th page from one on. A page's keys come while the values before them are multiplied, and its values while its keys are.
DEVICE void attendPages(Outputs& outputs, WarpMemory& memory, u8* stages, const BlockQueries& block, const CacheSequence& sequence, int index, int stride,
    float queryUnit, int pageBlock, int blocks, int lane)
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
    bool areKeysStaged = bring(keyStage, place.page, place.keys, place.values, lane);
    commitCopies();
    bool areValuesStaged = bring(valueStage, place.page, place.values, place.end, lane);
    commitCopies();
    PageWidths widths;
    readPage(widths, place, lane);
    while (true)
    {
        PageTotals totals = orderPage(memory, widths, lane);
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
        if (STAGE_BYTES > 0 && areKeysStaged)
        {
            multiplyKeys<StagedKeys>(logits, memory, block, keyStage, totals.keys, queryUnit, lane);
        }
        else
        {
            multiplyKeys<KeyMatrix>(logits, memory, block, place.page + place.keys, totals.keys, queryUnit, lane);
        }

        __syncwarp();
        if (more)
        {
            readPage(widths, next, lane);
            areKeysStaged = bring(keyStage, next.page, next.keys, next.values, lane);
        }

        commitCopies();
        float factors[HEAD_SETS];
        weigh(factors, outputs, logits, memory, lane);
        awaitCopies<1>();
        __syncwarp();
        if (STAGE_BYTES > 0 && areValuesStaged)
        {
            addPage<StagedValues>(outputs, memory, factors, valueStage, place, pageBlock, totals.values, lane);
        }
        else
        {
            addPage<ValueMatrix>(outputs, memory, factors, place.page + place.values, place, pageBlock, totals.values, lane);
        }

        if (!more)
        {
            return;
        }

        areValuesStaged = bring(valueStage, next.page, next.values, next.end, lane);
        commitCopies();
        place = next;
    }
}

// Writes a warp's outputs and states.
template <int Pass>
DEVICE void writePasses(float (&joined)[TILE_HEADS][HEAD_DIM], const Outputs& outputs, int group, const float (&zeros)[HEAD_SETS], int lane)
{
#pragma unroll
    for (int set = 0; set < HEAD_SETS; set++)
    {
        int head = set * SET_HEADS + lane % 4;
        for (int slot = 0; slot < PASS_WORDS * 4; slot++)
        {
            int element = ValueProduct<Pass>::element(slot, lane / 4);
            if (head < TILE_HEADS && element < VALUE_GROUP)
            {
                float sum = outputs.sums[group * PASSES + Pass][set][slot] / (ValueProduct<Pass>::isRaised(slot) ? 16 : 1);
                joined[head][group * VALUE_GROUP + element] = sum + zeros[set];
            }
        }
    }

    if constexpr (Pass + 1 < PASSES)
    {
        writePasses<Pass + 1>(joined, outputs, group, zeros, lane);
    }
}

DEVICE void writeOutputs(float (&joined)[TILE_HEADS][HEAD_DIM], float2 (&states)[TILE_HEADS], const Outputs& outputs, int lane)
{
#pragma unroll
    for (int group = 0; group < VALUE_GROUPS; group++)
    {
        float zeros[HEAD_SETS];
        for (int set = 0; set < HEAD_SETS; set++)
        {
            zeros[set] = sumTokens(partOfHead(outputs.zeros[group] + set * SET_HEADS, lane));
        }

        writePasses<0>(joined, outputs, group, zeros, lane);
    }

    for (int set = 0; set < HEAD_SETS; set++)
    {
        float sum = sumTokens(outputs.weights[set]);
        int head = set * SET_HEADS + lane;
        if (lane < SET_HEADS && head < TILE_HEADS)
        {
            states[head] = make_float2(outputs.largest[set], sum);
        }
    }
}
