// Decode attention's outputs: a page's values, weighed.
#pragma once
#include "DecodeKeys.cuh"

// A lane's words of a group of values are multiplied in passes of four at most.
constexpr int VALUE_WORDS = (VALUE_GROUP + 31) / 32;
constexpr int PASS_WORDS = VALUE_WORDS < 4 ? VALUE_WORDS : 4;
constexpr int PASSES = (VALUE_WORDS + PASS_WORDS - 1) / PASS_WORDS;

template <int Pass, class Shape = ValueMatrix>
using ValueProduct = PlaneProduct<Shape, Pass * PASS_WORDS, PASS_WORDS>;

// By how much a page's largest logit may exceed what weights are relative to.
#define HEADROOM 32

// The running outputs of a lane, of heads 4 * set + lane % 4.
struct Outputs
{
    float sums[VALUE_GROUPS * PASSES][HEAD_SETS][PASS_WORDS * 4]; // of scale * code * weight, over the slots of PlaneProduct.cuh
    float zeros[VALUE_GROUPS][QUERY_COLUMNS];                     // of zero * weight, of all heads and the lane's tokens
    float weights[HEAD_SETS];                                     // over the lane's tokens
    float largest[HEAD_SETS];
};

DEVICE void clear(Outputs& outputs)
{
    for (int i = 0; i < VALUE_GROUPS * PASSES * HEAD_SETS * PASS_WORDS * 4; i++)
    {
        outputs.sums[i / (HEAD_SETS * PASS_WORDS * 4)][i / (PASS_WORDS * 4) % HEAD_SETS][i % (PASS_WORDS * 4)] = 0;
    }

    for (int i = 0; i < VALUE_GROUPS * QUERY_COLUMNS; i++)
    {
        outputs.zeros[i / QUERY_COLUMNS][i % QUERY_COLUMNS] = 0;
    }

    for (int set = 0; set < HEAD_SETS; set++)
    {
        outputs.weights[set] = 0;
        outputs.largest[set] = NO_LOGIT;
    }
}

// Raises what weights are relative to, where it is below a page's largest logit.
DEVICE void rebase(Outputs& outputs, const float (&largest)[HEAD_SETS])
{
    for (int set = 0; set < HEAD_SETS; set++)
    {
        float raised = fmaxf(outputs.largest[set], largest[set]);
        float factor = exponential2(outputs.largest[set] - raised);
        outputs.largest[set] = raised;
        outputs.weights[set] *= factor;
        for (int i = 0; i < VALUE_GROUPS * PASSES * PASS_WORDS * 4; i++)
        {
            outputs.sums[i / (PASS_WORDS * 4)][set][i % (PASS_WORDS * 4)] *= factor;
        }

        for (int head = 0; head < SET_HEADS; head++)
        {
            float own = __shfl_sync(ALL_LANES, factor, head);
            for (int group = 0; group < VALUE_GROUPS; group++)
            {
                outputs.zeros[group][set * SET_HEADS + head] *= own;
            }
        }
    }
}

// The row that keeps the weight of token 4 g + i + 32 f: lanes that differ in g write to different banks.
DEVICE int weightRow(int f, int i, int g) { return f * 32 + i * 8 + g; }

// Logits become weights over the page's largest, which are kept in memory; what they are times.
DEVICE void weigh(float (&factors)[HEAD_SETS], Outputs& outputs, Logits& logits, WarpMemory& memory, int lane)
{
    float largest[HEAD_SETS];
    bool isHigh = false;
#pragma unroll
    for (int set = 0; set < HEAD_SETS; set++)
    {
        float lower = logits.values[set][0], raised = logits.values[set][KeyProduct::slots / 2];
        for (int i = 1; i < KeyProduct::slots / 2; i++)
        {
            lower = fmaxf(lower, logits.values[set][i]);
            raised = fmaxf(raised, logits.values[set][KeyProduct::slots / 2 + i]);
        }

        float highest = fmaxf(lower * logits.factor, raised * logits.raisedFactor), offset = logits.offsets[set];
        for (int distance = 4; distance < WARP; distance *= 2)
        {
            float other = __shfl_xor_sync(ALL_LANES, highest, distance);
            offset += __shfl_xor_sync(ALL_LANES, offset, distance);
            highest = fmaxf(highest, other);
        }

        largest[set] = highest + offset;
        logits.offsets[set] = -highest;
        isHigh |= largest[set] > outputs.largest[set] + HEADROOM;
    }

    if (__any_sync(ALL_LANES, isHigh))
    {
        rebase(outputs, largest);
    }

#pragma unroll
    for (int set = 0; set < HEAD_SETS; set++)
    {
        float sum = 0;
        float* own = &memory.weights[0][set * SET_HEADS + lane % 4];
        for (int slot = 0; slot < KeyProduct::slots; slot++)
        {
            float weight = exponential2(logits.values[set][slot] * factorOf(logits, slot) + logits.offsets[set]);
            sum += weight;
            own[weightRow(slot / 4, slot % 4, lane / 4) * QUERY_COLUMNS] = weight;
        }

        factors[set] = exponential2(largest[set] - outputs.largest[set]);
        outputs.weights[set] += sum * factors[set];
        own[PAGE_TOKENS * QUERY_COLUMNS] = factors[set];
    }
}

DEVICE void orderValues(WarpMemory& memory, const int (&places)[QUAD_LINES], int lane)
{
    for (int i = 0; i < QUAD_LINES; i++)
    {
        memory.valueOrder[places[i]] = (u8)weightRow(lane / 8, i, lane % 8);
    }
}

// Writes the rows of a group of a page's values, weights times scales, in storage order.
template <class Shape>
DEVICE void foldValues(WarpMemory& memory, float (&zeroSums)[QUERY_COLUMNS], const PackedMatrix& values, int lane)
{
    float scales[QUAD_LINES], zeros[QUAD_LINES];
    readScales<Shape>(scales, values, ROW_EXPONENT, lane);
    readZeros<Shape>(zeros, values, lane);
    u32 order = ((const u32*)memory.valueOrder)[lane];
    for (int set = 0; set < HEAD_SETS; set++)
    {
        float4 weights[QUAD_LINES], factors = ((const float4*)memory.weights[PAGE_TOKENS])[set];
        for (int i = 0; i < QUAD_LINES; i++)
        {
            weights[i] = ((const float4*)memory.weights[(order >> (8 * i)) & 0xff])[set];
        }

        QuadRow row;
#pragma unroll
        for (int head = 0; head < SET_HEADS; head++)
        {
            u32 lines[QUAD_LINES];
            float sum = 0;
#pragma unroll
            for (int i = 0; i < QUAD_LINES; i++)
            {
                float weight = (&weights[i].x)[head];
                lines[i] = floatToBits(multiplyAdd(weight, scales[i], TO_INTEGER));
                sum += weight * zeros[i];
            }

            zeroSums[set * SET_HEADS + head] += sum * (&factors.x)[head];
            splitRow(row.words[2 * head], row.words[2 * head + 1], lines);
        }

        memory.rows[set * ROW_QUADS + lane] = row;
    }
}

// Adds what lines that are not quantized contribute to a pass's sums.
template <int Pass, class Shape>
DEVICE void addFullValues(float (&outputs)[HEAD_SETS][PASS_WORDS * 4], const float (&factors)[HEAD_SETS], const WarpMemory& memory, const PackedMatrix& values, int lane)
{
    int elements = fullLines<Shape>(values);
    for (int i = 0; i < PAGE_TOKENS - values.quantized; i++)
    {
        const float* weights = memory.weights[memory.valueOrder[values.quantized + i]] + lane % 4;
#pragma unroll
        for (int slot = 0; slot < PASS_WORDS * 4; slot++)
        {
            int element = ValueProduct<Pass>::element(slot, lane / 4);
            float value = element < VALUE_GROUP ? elementAt<Shape>(values, elements, i * VALUE_GROUP + element) * (ValueProduct<Pass>::isRaised(slot) ? 16 : 1) : 0;
            for (int set = 0; set < HEAD_SETS; set++)
            {
                outputs[set][slot] += value * weights[set * SET_HEADS] * factors[set];
            }
        }
    }
}

template <int Pass>
DEVICE void addSums(float (&outputs)[HEAD_SETS][PASS_WORDS * 4], const typename ValueProduct<Pass>::Sums& sums, const float (&factors)[HEAD_SETS], float unit)
{
#pragma unroll
    for (int set = 0; set < HEAD_SETS; set++)
    {
        float factor = factors[set] * unit;
        for (int slot = 0; slot < PASS_WORDS * 4; slot++)
        {
            outputs[set][slot] += (float)ValueProduct<Pass>::sum(sums, set, slot) * factor;
        }
    }
}

// Adds a pass over a page's values, of which `ahead` is loaded.
template <int Pass, class Shape>
DEVICE void addValues(float (&outputs)[HEAD_SETS][PASS_WORDS * 4], const float (&factors)[HEAD_SETS], typename ValueProduct<Pass, Shape>::Ahead& ahead,
    const WarpMemory& memory, const PackedMatrix& values, int lane)
{
    typedef ValueProduct<Pass, Shape> Product;
    if (ValueMatrix::hasQuantized)
    {
        typename Product::Sums sums;
        float unit = values.scaleUnit * ROW_UNIT;
        Product::clear(sums);
        Product::add(sums, ahead, values, memory.rows, lane);
        addSums<Pass>(outputs, sums, factors, unit);
        if (Product::hasEight && values.eight > 0)
        {
            Product::clear(sums);
            Product::addHigh(sums, values, memory.rows, lane);
            addSums<Pass>(outputs, sums, factors, unit * 16);
        }
    }

    if (ValueMatrix::hasFull)
    {
        addFullValues<Pass, Shape>(outputs, factors, memory, values, lane);
    }
}
