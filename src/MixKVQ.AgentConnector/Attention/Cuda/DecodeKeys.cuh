// Decode attention's logits: a block's queries, and a page's keys.
#pragma once
#include "DecodeState.cuh"

// A block's queries in shared memory, times the scale and log2(e).
struct BlockQueries
{
    float values[HEAD_DIM][HEADS]; // of channel d at tableRow(d); of heads that there are not, 0
};

// Loads a block's queries. The whole block; ends in a barrier.
DEVICE void loadQueries(BlockQueries& block, const float* queries, int heads, float scale)
{
    for (int i = threadIdx.x; i < HEAD_DIM * HEADS; i += THREADS)
    {
        int head = i / HEAD_DIM, channel = i % HEAD_DIM;
        block.values[tableRow(channel)][head] = head < heads ? queries[i] * (scale * LOG2_E) : 0;
    }

    __syncthreads();
}

// A value for each of the lane's heads: head 4 i + c.
struct LaneHeads
{
    float values[COLUMN_TILES];
};

// Of a value for each head, those of the lane's.
DEVICE LaneHeads ofLane(const float (&values)[HEADS], int lane)
{
    LaneHeads own;
    for (int i = 0; i < COLUMN_TILES; i++)
    {
        float low = lane & 1 ? values[4 * i + 1] : values[4 * i], high = lane & 1 ? values[4 * i + 3] : values[4 * i + 2];
        own.values[i] = lane & 2 ? high : low;
    }

    return own;
}

// Sums over the warp, of the lane's heads.
DEVICE LaneHeads sumHeads(const float (&values)[HEADS], int lane)
{
    // Lanes share out the heads, half of them to those whose number has a bit, until each has one.
    float kept[HEADS];
    for (int i = 0; i < HEADS; i++)
    {
        kept[i] = values[i];
    }

    int offset = WARP / 2;
#pragma unroll
    for (int half = HEADS / 2; half > 0; half /= 2, offset /= 2)
    {
        bool upper = lane & offset;
#pragma unroll
        for (int i = 0; i < half; i++)
        {
            float other = __shfl_xor_sync(ALL_LANES, upper ? kept[i] : kept[half + i], offset);
            kept[i] = (upper ? kept[half + i] : kept[i]) + other;
        }
    }

    for (; offset > 0; offset /= 2)
    {
        kept[0] += __shfl_xor_sync(ALL_LANES, kept[0], offset);
    }

    LaneHeads own;
    for (int i = 0; i < COLUMN_TILES; i++)
    {
        own.values[i] = __shfl_sync(ALL_LANES, kept[0], (4 * i + lane % 4) * (WARP / HEADS));
    }

    return own;
}

typedef PlaneProduct<KeyMatrix, 0, 4, COLUMN_TILES> KeyProduct;

// A lane's tokens of a page.
#define LANE_TOKENS 16

// Logits, or weights, of a lane's tokens and heads.
struct Logits
{
    float values[COLUMN_TILES][LANE_TOKENS];
};

DEVICE int tokenOf(int slot, int lane) { return KeyProduct::Plane::element(slot, lane / 4); }

// What turns a page's sums into logits: logit = sum * unit + offset.
struct KeyLogits
{
    LaneHeads units;
    LaneHeads offsets;
};

// Writes the rows of a page's keys, queries times scales.
DEVICE KeyLogits foldKeys(WarpMemory& memory, const BlockQueries& block, const OpenMatrix<KeyMatrix>& keys, int lane)
{
    float offsets[HEADS], squares[HEADS], units[HEADS], unit = keys.matrix.scaleUnit;
    for (int head = 0; head < HEADS; head++)
    {
        offsets[head] = squares[head] = 0;
    }

    foldLines<KeyMatrix, HEADS, CORRECT_BIAS != 0>(memory.rows, keys, block.values, memory.keyOrder, offsets, squares, units, lane);
    for (int head = 0; head < HEADS; head++)
    {
        offsets[head] -= CORRECT_BIAS ? unit * unit * (1 / (24 * LOG2_E)) * squares[head] : 0;
    }

    KeyLogits logits = {ofLane(units, lane), sumHeads(offsets, lane)};
    for (int i = 0; i < COLUMN_TILES; i++)
    {
        logits.units.values[i] *= unit;
    }

    return logits;
}

// Turns sums into logits, less `largest`.
DEVICE void finishLogits(Logits& logits, const KeyProduct::Sums& sums, const KeyLogits& keys, const LaneHeads& largest)
{
    for (int i = 0; i < COLUMN_TILES; i++)
    {
        float unit = keys.units.values[i], offset = keys.offsets.values[i] - largest.values[i];
#pragma unroll
        for (int slot = 0; slot < LANE_TOKENS; slot++)
        {
            logits.values[i][slot] = KeyProduct::at(sums, i, slot) * (KeyProduct::Plane::isUpper(slot) ? unit / UPPER_FIELDS : unit) + offset;
        }
    }
}

// Logits, less `largest`, of a page of which no line is quantized yet.
DEVICE void clearLogits(Logits& logits, const LaneHeads& largest)
{
    for (int i = 0; i < COLUMN_TILES; i++)
    {
        for (int slot = 0; slot < LANE_TOKENS; slot++)
        {
            logits.values[i][slot] = -largest.values[i];
        }
    }
}

// Adds what lines that are not quantized contribute to logits.
DEVICE void addFullKeys(Logits& logits, const WarpMemory& memory, const BlockQueries& block, const PackedMatrix& keys, int lane)
{
    const Element* elements = (const Element*)fullLines<KeyMatrix>(keys);
    for (int place = keys.quantized; place < HEAD_DIM; place++)
    {
        const float* queries = block.values[memory.keyOrder[place]] + lane % 4;
        const Element* line = elements + (place - keys.quantized) * PAGE_TOKENS;
        for (int slot = 0; slot < LANE_TOKENS; slot++)
        {
            float key = toFloat(line[tokenOf(slot, lane)]);
            for (int i = 0; i < COLUMN_TILES; i++)
            {
                logits.values[i][slot] += key * queries[4 * i];
            }
        }
    }
}
