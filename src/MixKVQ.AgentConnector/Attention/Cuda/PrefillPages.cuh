// A page's keys and values of one KV head into tiles.
#pragma once
#include "PrefillState.cuh"

// Where a page says at which of its bytes the matrices of a block begin: keys, then each group of values.
DEVICE const u32* matrixOffsets(const u8* slab, int block) { return (const u32*)slab + block * (1 + VALUE_GROUPS); }

// Prepares a page's block: orders, multipliers and what else its lines need.
DEVICE Piece planPage(Shared& shared, const u8* slab, int block)
{
    const u32* offsets = matrixOffsets(slab, block);
    Piece piece = {PAGE_TOKENS, true, 0, 0, 0, 0};
    PackedMatrix keys = openOrdered<KeyMatrix, WARPS>(slab + offsets[0], shared.keyPlan.order);
    int valueExponent = SMALLEST_EXPONENT;
#pragma unroll 1
    for (int group = 0; group < VALUE_GROUPS; group++)
    {
        PackedMatrix values = openOrdered<ValueMatrix, WARPS>(slab + offsets[1 + group], shared.valuePlans[group].order);
        valueExponent = max(valueExponent, max(codeExponent<ValueMatrix>(values), zeroExponent<ValueMatrix>(values) - 15));
        valueExponent = max(valueExponent, fullExponent<ValueMatrix, WARPS>(values, shared.scratch));
        if (threadIdx.x % WARP == 0)
        {
            shared.valueMatrices[group] = values;
        }
    }

    piece.keyExponent = clampExponent(max(codeExponent<KeyMatrix>(keys), fullExponent<KeyMatrix, WARPS>(keys, shared.scratch)));
    int stepShift = clampExponent(exponentAbove(keys.scaleUnit)), middleShift = clampExponent(max(zeroExponent<KeyMatrix>(keys), stepShift + 7) - 8);
    float middleFactor = powerOfTwo(-middleShift), stepFactor = powerOfTwo(-stepShift);
    piece.middleFactor = powerOfTwo(middleShift);
    piece.biasFactor = powerOfTwo(stepShift) * powerOfTwo(stepShift) * (1 / (16384.0f * 24 * LOG2_E));
    for (int place = (int)threadIdx.x; place < keys.quantized; place += THREADS)
    {
        float scale = scaleAt<KeyMatrix>(keys, place), step = scale * stepFactor;
        float middle = (zeroAt<KeyMatrix>(keys, place) + middleCode(keys, place) * scale) * middleFactor;
        u16 upper = floatToHalf(middle);
        shared.keyPlan.multipliers[place] = twice(scale * powerOfTwo(24 - piece.keyExponent));
        shared.keyTerms[place] = make_uint2(upper | (u32)floatToHalf(middle - halfToFloat(upper)) << 16, floatToHalf(step * step * 16384));
    }

    if (threadIdx.x == 0)
    {
        shared.keyMatrix = keys;
    }

    piece.valueExponent = valueExponent;
    return piece;
}

// What the values' lines need, once the exponent of their tile is known.
DEVICE void planValues(Shared& shared, int exponent)
{
    __syncwarp(); // Each warp reads what its own first lane has written.
#pragma unroll 1
    for (int group = 0; group < VALUE_GROUPS; group++)
    {
        PackedMatrix values = shared.valueMatrices[group];
        for (int place = (int)threadIdx.x; place < values.quantized; place += THREADS)
        {
            float scale = scaleAt<ValueMatrix>(values, place), middle = zeroAt<ValueMatrix>(values, place) + middleCode(values, place) * scale;
            shared.valuePlans[group].multipliers[place] = twice(scale * powerOfTwo(24 - exponent));
            shared.valuePlans[group].addends[place] = twice(middle * powerOfTwo(-exponent));
        }
    }
}

// Has a block's bytes brought to the second-level cache, but for a few at their end.
DEVICE void fetchBlock(const u8* slab, int first, int lastMatrix)
{
    constexpr int line = 128, baseBits = ValueMatrix::hasQuantized ? ValueMatrix::palette & 15 : 16;
    int end = lastMatrix + PAGE_TOKENS * VALUE_GROUP * baseBits / 8;
    for (int offset = first + (int)threadIdx.x * line; offset < end; offset += THREADS * line)
    {
        prefetch(slab + offset);
    }
}

// `next`: the page that the block takes next, or null.
DEVICE void fillPage(Shared& shared, const Piece& piece, const u8* next, int block)
{
    const PackedMatrix keys = shared.keyMatrix, firstValues = shared.valueMatrices[0];
    TileParts<KeyMatrix, THREADS> keyParts;
    TileParts<ValueMatrix, THREADS> valueParts;
    loadParts(keys, 0, keyParts);
    loadParts(firstValues, 0, valueParts);
    int nextFirst = 0, nextLast = 0;
    if (next != nullptr)
    {
        nextFirst = (int)loadWord(matrixOffsets(next, block));
        nextLast = (int)loadWord(matrixOffsets(next, block) + VALUE_GROUPS);
    }

    fillQuantized<false>(keys, shared.keyPlan, keyParts, shared.keys, TOKEN_STRIDE);
    if (KeyMatrix::hasFull && keys.quantized < HEAD_DIM)
    {
        fillFull<KeyMatrix, THREADS>(keys, shared.keyPlan, piece.keyExponent, shared.keys, TOKEN_STRIDE);
    }

    for (int place = (int)threadIdx.x; place < HEAD_DIM; place += THREADS)
    {
        *(uint2*)(shared.keys + shared.keyPlan.order[place] * TOKEN_STRIDE + PAGE_TOKENS) = place < keys.quantized ? shared.keyTerms[place] : make_uint2(0, 0);
    }

#pragma unroll 1
    for (int group = 0; group < VALUE_GROUPS; group++)
    {
        const PackedMatrix values = shared.valueMatrices[group];
        u16* tile = shared.values + group * VALUE_GROUP;
        if (group > 0)
        {
            loadParts(values, 0, valueParts);
        }

        fillQuantized<true>(values, shared.valuePlans[group], valueParts, tile, CHANNEL_STRIDE);
        if (ValueMatrix::hasFull && values.quantized < PAGE_TOKENS)
        {
            fillFull<ValueMatrix, THREADS>(values, shared.valuePlans[group], piece.valueExponent, tile, CHANNEL_STRIDE);
        }
    }

    if (next != nullptr)
    {
        fetchBlock(next, nextFirst, nextLast);
    }
}
