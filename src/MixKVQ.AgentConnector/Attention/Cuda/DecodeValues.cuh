// Decode attention's outputs: a page's values, weighed.
#pragma once
#include "DecodeKeys.cuh"

// Scales times weights are at most 2^VALUE_EXPONENT times 2^WEIGHT_EXPONENT, times 16 at most in the highest plane.
#define VALUE_EXPONENT 4
#define WEIGHT_EXPONENT 7

// A lane's words of a group of values are multiplied in passes of four at most.
constexpr int VALUE_WORDS = (VALUE_GROUP + 31) / 32;
constexpr int PASS_WORDS = VALUE_WORDS < 4 ? VALUE_WORDS : 4;
constexpr int PASSES = (VALUE_WORDS + PASS_WORDS - 1) / PASS_WORDS;

template <int Pass>
using ValueProduct = PlaneProduct<ValueMatrix, Pass * PASS_WORDS, PASS_WORDS>;

// The running outputs of a lane, of columns 2c and 2c + 1.
struct Outputs
{
    float sums[VALUE_GROUPS * PASSES][PASS_WORDS * 2][4]; // of scale * code * weight, times 4^field; see PlaneProduct.cuh
    float2 zeros[VALUE_GROUPS];                           // of zero * weight, over the lane's tokens
    float2 weights;                                       // over the lane's tokens
    float2 largest;
    bool some;
};

DEVICE void clear(Outputs& outputs)
{
    for (int pass = 0; pass < VALUE_GROUPS * PASSES; pass++)
    {
        ValueProduct<0>::clear(outputs.sums[pass]);
    }

    for (int group = 0; group < VALUE_GROUPS; group++)
    {
        outputs.zeros[group] = make_float2(0, 0);
    }

    outputs.weights = make_float2(0, 0);
    outputs.largest = make_float2(0, 0);
    outputs.some = false;
}

DEVICE float largestOfColumn(KeyProduct::Sums& logits, int n)
{
    float largest = KeyProduct::at(logits, 0, n);
#pragma unroll
    for (int slot = 1; slot < 16; slot++)
    {
        largest = fmaxf(largest, KeyProduct::at(logits, slot, n));
    }

    return largest;
}

// Raises what logits are relative to, where they are too large for what it is now.
DEVICE void rebase(Outputs& outputs, KeyProduct::Sums& logits, float largest0, float largest1)
{
    for (int offset = 4; offset < WARP; offset *= 2)
    {
        largest0 = fmaxf(largest0, __shfl_xor_sync(ALL_LANES, largest0, offset));
        largest1 = fmaxf(largest1, __shfl_xor_sync(ALL_LANES, largest1, offset));
    }

    float rise0 = outputs.some ? fmaxf(largest0, 0) : largest0, rise1 = outputs.some ? fmaxf(largest1, 0) : largest1;
    float factor0 = outputs.some ? exponential2(-rise0) : 0, factor1 = outputs.some ? exponential2(-rise1) : 0;
    for (int slot = 0; slot < 16; slot++)
    {
        KeyProduct::at(logits, slot, 0) -= rise0;
        KeyProduct::at(logits, slot, 1) -= rise1;
    }

    for (int pass = 0; pass < VALUE_GROUPS * PASSES; pass++)
    {
        for (int tile = 0; tile < PASS_WORDS * 2; tile++)
        {
            outputs.sums[pass][tile][0] *= factor0;
            outputs.sums[pass][tile][1] *= factor1;
            outputs.sums[pass][tile][2] *= factor0;
            outputs.sums[pass][tile][3] *= factor1;
        }
    }

    for (int group = 0; group < VALUE_GROUPS; group++)
    {
        outputs.zeros[group].x *= factor0;
        outputs.zeros[group].y *= factor1;
    }

    outputs.weights.x *= factor0;
    outputs.weights.y *= factor1;
    outputs.largest.x += rise0;
    outputs.largest.y += rise1;
    outputs.some = true;
}

// Logits, less the largest so far, become weights.
DEVICE void weigh(Outputs& outputs, KeyProduct::Sums& logits)
{
    float largest0 = largestOfColumn(logits, 0), largest1 = largestOfColumn(logits, 1);
    if (__any_sync(ALL_LANES, !outputs.some || largest0 > WEIGHT_EXPONENT || largest1 > WEIGHT_EXPONENT))
    {
        rebase(outputs, logits, largest0, largest1);
    }

#pragma unroll
    for (int slot = 0; slot < 16; slot++)
    {
        float& weight0 = KeyProduct::at(logits, slot, 0);
        float& weight1 = KeyProduct::at(logits, slot, 1);
        outputs.weights.x += weight0 = exponential2(weight0);
        outputs.weights.y += weight1 = exponential2(weight1);
    }
}

// Keeps scales, zeros and places of a page's values by token.
DEVICE PackedMatrix openValues(WarpMemory& memory, const u8* start, int lane)
{
    int places[QUAD_LINES];
    PackedMatrix values = openMatrix<ValueMatrix>(start, lane, places);
    float scales[QUAD_LINES], zeros[QUAD_LINES];
    readScales<ValueMatrix>(scales, zeros, values, places, VALUE_EXPONENT, lane);
    for (int i = 0; i < QUAD_LINES; i++)
    {
        if (ValueMatrix::hasFull && places[i] >= values.quantized)
        {
            memory.fullValues[places[i] - values.quantized] = (u16)(lane * QUAD_LINES + i);
        }
    }

    ((float4*)memory.scales)[lane] = make_float4(scales[0], scales[1], scales[2], scales[3]);
    ((float4*)memory.zeros)[lane] = make_float4(zeros[0], zeros[1], zeros[2], zeros[3]);
    ((uint2*)memory.places)[lane] = make_uint2((u32)places[0] | (u32)places[1] << 16, (u32)places[2] | (u32)places[3] << 16);
    return values;
}

// Writes the rows of a group of a page's values, weights times scales, in storage order.
DEVICE void foldValues(WarpMemory& memory, KeyProduct::Sums& weights, float2& zeroSums, int lane)
{
    int g = lane / 4, c = lane % 4;
#pragma unroll
    for (int field = 0; field < 4; field++)
    {
        float4 scales = ((const float4*)memory.scales)[g + field * 8], zeros = ((const float4*)memory.zeros)[g + field * 8];
        uint2 places = ((const uint2*)memory.places)[g + field * 8];
        float scale[4] = {scales.x, scales.y, scales.z, scales.w}, zero[4] = {zeros.x, zeros.y, zeros.z, zeros.w};
        u32 place[4] = {places.x & 0xffff, places.x >> 16, places.y & 0xffff, places.y >> 16};
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            float weight0 = KeyProduct::at(weights, field * 4 + i, 0), weight1 = KeyProduct::at(weights, field * 4 + i, 1);
            zeroSums.x += weight0 * zero[i];
            zeroSums.y += weight1 * zero[i];
            *(u32*)(memory.rows[place[i]] + 2 * c) = packHalves(weight0 * scale[i], weight1 * scale[i]);
            if (ValueMatrix::hasFull)
            {
                *(float2*)(memory.weights[g * 4 + field * 32 + i] + 2 * c) = make_float2(weight0, weight1);
            }
        }
    }
}

// Adds what lines that are not quantized contribute to a pass's sums.
template <int Pass>
DEVICE void addFullValues(typename ValueProduct<Pass>::Sums& sums, const WarpMemory& memory, const PackedMatrix& values, int lane)
{
    int g = lane / 4, c = lane % 4;
    const Element* elements = (const Element*)fullLines<ValueMatrix>(values);
    for (int i = 0; i < PAGE_TOKENS - values.quantized; i++)
    {
        float2 weights = *(const float2*)(memory.weights[memory.fullValues[i]] + 2 * c);
#pragma unroll
        for (int slot = 0; slot < PASS_WORDS * 4; slot++)
        {
            int element = ValueProduct<Pass>::element(slot, g);
            float value = element < VALUE_GROUP ? toFloat(elements[i * VALUE_GROUP + element]) * (1 << (2 * (slot / PASS_WORDS))) : 0;
            ValueProduct<Pass>::at(sums, slot, 0) += value * weights.x;
            ValueProduct<Pass>::at(sums, slot, 1) += value * weights.y;
        }
    }
}

// Adds a pass over a page's values; `loaded` holds its first words.
template <int Pass>
DEVICE void addValues(float (&outputs)[PASS_WORDS * 2][4], typename ValueProduct<Pass>::Loaded& loaded, const WarpMemory& memory, const PackedMatrix& values, int lane)
{
    if (ValueMatrix::hasQuantized)
    {
        typename ValueProduct<Pass>::Sums sums;
        ValueProduct<Pass>::clear(sums);
        ValueProduct<Pass>::add(sums, loaded, values, memory.rows[0], lane);
        float factor = values.scaleUnit * (16777216.0f / (1 << VALUE_EXPONENT));
        for (int tile = 0; tile < PASS_WORDS * 2; tile++)
        {
            for (int i = 0; i < 4; i++)
            {
                outputs[tile][i] += sums[tile][i] * factor;
            }
        }
    }

    if (ValueMatrix::hasFull)
    {
        addFullValues<Pass>(outputs, memory, values, lane);
    }
}
