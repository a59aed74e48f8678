// Decode attention's outputs: a page's values, weighed.
#pragma once
#include "DecodeKeys.cuh"

// Weights are at most 2^LARGEST_EXPONENT.
#define LARGEST_EXPONENT 20

// A lane's words of a group of values are multiplied in passes of four at most.
constexpr int VALUE_WORDS = (VALUE_GROUP + 31) / 32;
constexpr int PASS_WORDS = VALUE_WORDS < 4 ? VALUE_WORDS : 4;
constexpr int PASSES = (VALUE_WORDS + PASS_WORDS - 1) / PASS_WORDS;
constexpr int PASS_SLOTS = PASS_WORDS * 4;

template <int Pass>
using ValueProduct = PlaneProduct<ValueMatrix, Pass * PASS_WORDS, PASS_WORDS, COLUMN_TILES>;

// A lane's running outputs, of its heads.
struct Outputs
{
    float sums[VALUE_GROUPS * PASSES][COLUMN_TILES][PASS_SLOTS]; // of scale * code * weight, UPPER_FIELDS times as large in upper fields
    float zeros[VALUE_GROUPS][HEADS];                            // of zero * weight, by head, over lines that the lane has folded
    LaneHeads weights;                                           // over the lane's tokens
    LaneHeads largest;
    bool some;
};

DEVICE void clear(Outputs& outputs)
{
    for (int i = 0; i < VALUE_GROUPS * PASSES * COLUMN_TILES * PASS_SLOTS; i++)
    {
        (&outputs.sums[0][0][0])[i] = 0;
    }

    for (int i = 0; i < VALUE_GROUPS * HEADS; i++)
    {
        outputs.zeros[i / HEADS][i % HEADS] = 0;
    }

    for (int i = 0; i < COLUMN_TILES; i++)
    {
        outputs.weights.values[i] = outputs.largest.values[i] = 0;
    }

    outputs.some = false;
}

// Raises what logits are relative to, where they are too large for what it is now. Takes the lane's largest.
DEVICE void rebase(Outputs& outputs, Logits& logits, LaneHeads rises)
{
    LaneHeads factors;
    for (int i = 0; i < COLUMN_TILES; i++)
    {
        float rise = rises.values[i];
        for (int offset = 4; offset < WARP; offset *= 2)
        {
            rise = fmaxf(rise, __shfl_xor_sync(ALL_LANES, rise, offset));
        }

        rise = outputs.some ? fmaxf(rise, 0) : rise;
        float factor = outputs.some ? exponential2(-rise) : 0;
        for (int slot = 0; slot < LANE_TOKENS; slot++)
        {
            logits.values[i][slot] -= rise;
        }

        for (int pass = 0; pass < VALUE_GROUPS * PASSES; pass++)
        {
            for (int slot = 0; slot < PASS_SLOTS; slot++)
            {
                outputs.sums[pass][i][slot] *= factor;
            }
        }

        outputs.weights.values[i] *= factor;
        outputs.largest.values[i] += rise;
        factors.values[i] = factor;
    }

    for (int head = 0; head < HEADS; head++)
    {
        float factor = __shfl_sync(ALL_LANES, factors.values[head / 4], head % 4);
        for (int group = 0; group < VALUE_GROUPS; group++)
        {
            outputs.zeros[group][head] *= factor;
        }
    }

    outputs.some = true;
}

// Logits, less the largest so far, become weights in the warp's memory.
DEVICE void weigh(Outputs& outputs, Logits& logits, WarpMemory& memory, int lane)
{
    LaneHeads largest;
    bool exceeds = !outputs.some;
    for (int i = 0; i < COLUMN_TILES; i++)
    {
        largest.values[i] = logits.values[i][0];
        for (int slot = 1; slot < LANE_TOKENS; slot++)
        {
            largest.values[i] = fmaxf(largest.values[i], logits.values[i][slot]);
        }

        exceeds |= largest.values[i] > LARGEST_EXPONENT;
    }

    if (__any_sync(ALL_LANES, exceeds))
    {
        rebase(outputs, logits, largest);
    }

#pragma unroll
    for (int slot = 0; slot < LANE_TOKENS; slot++)
    {
        float* weights = memory.weights[tableRow(tokenOf(slot, lane))] + lane % 4;
        for (int i = 0; i < COLUMN_TILES; i++)
        {
            float weight = exponential2(logits.values[i][slot]);
            outputs.weights.values[i] += weight;
            weights[4 * i] = weight;
        }
    }
}

// Writes the rows of a group of a page's values, weights times scales; returns the units of the lane's heads.
DEVICE LaneHeads foldValues(WarpMemory& memory, float (&zeroSums)[HEADS], const OpenMatrix<ValueMatrix>& values, int lane)
{
    float units[HEADS], unused[HEADS];
    foldLines<ValueMatrix, HEADS, false>(memory.rows, values, memory.weights, memory.valueOrder, zeroSums, unused, units, lane);
    LaneHeads own = ofLane(units, lane);
    for (int i = 0; i < COLUMN_TILES; i++)
    {
        own.values[i] *= values.matrix.scaleUnit;
    }

    return own;
}

// Adds what lines that are not quantized contribute to a pass's sums.
template <int Pass>
DEVICE void addFullValues(float (&sums)[COLUMN_TILES][PASS_SLOTS], const WarpMemory& memory, const PackedMatrix& values, int lane)
{
    const Element* elements = (const Element*)fullLines<ValueMatrix>(values);
    for (int place = values.quantized; place < PAGE_TOKENS; place++)
    {
        const float* weights = memory.weights[memory.valueOrder[place]] + lane % 4;
        const Element* line = elements + (place - values.quantized) * VALUE_GROUP;
#pragma unroll
        for (int slot = 0; slot < PASS_SLOTS; slot++)
        {
            int element = ValueProduct<Pass>::Plane::element(slot, lane / 4);
            float value = element < VALUE_GROUP ? toFloat(line[element]) * (ValueProduct<Pass>::Plane::isUpper(slot) ? UPPER_FIELDS : 1) : 0;
            for (int i = 0; i < COLUMN_TILES; i++)
            {
                sums[i][slot] += value * weights[4 * i];
            }
        }
    }
}

// Adds a pass over a page's values; `loaded` holds its first words.
template <int Pass>
DEVICE void addValues(float (&outputs)[COLUMN_TILES][PASS_SLOTS], typename ValueProduct<Pass>::Loaded& loaded, const WarpMemory& memory, const PackedMatrix& values,
    const LaneHeads& units, int lane)
{
    if constexpr (ValueMatrix::hasQuantized)
    {
        typename ValueProduct<Pass>::Sums sums;
        ValueProduct<Pass>::clear(sums);
        ValueProduct<Pass>::add(sums, loaded, values, memory.rows, lane);
#pragma unroll
        for (int i = 0; i < COLUMN_TILES; i++)
        {
#pragma unroll
            for (int slot = 0; slot < PASS_SLOTS; slot++)
            {
                outputs[i][slot] += ValueProduct<Pass>::at(sums, i, slot) * units.values[i];
            }
        }
    }

    if constexpr (ValueMatrix::hasFull)
    {
        addFullValues<Pass>(outputs, memory, values, lane);
    }
}
