// The affine quantizer of a line: AffineLine in C#, to the last bit. Eight lanes share a line, each has every eighth element, as the CPU's vectors of eight do.
#pragma once
#include "StoredNumbers.cuh"

#define LINE_LANES 8
#define REFINEMENTS 8
#define ROUNDER 8388608.0f // 2^23: what is added to it is rounded to an integer, of two the even one

struct Line
{
    float scale, zero;
};

struct Moments
{
    double c, cc, xc;
};

// In the order of the CPU's sums over a vector.
DEVICE float sumOfLanes(float value)
{
    for (int distance = 1; distance < LINE_LANES; distance *= 2)
    {
        value = __fadd_rn(value, __shfl_xor_sync(ALL_LANES, value, distance));
    }

    return value;
}

struct Coder
{
    float zero, lift, inverse, largest;
};

// The smallest float32 numbers have no finite inverse of their own.
DEVICE Coder coderOf(Line line, int bits)
{
    float lift = line.scale < 1e-30f ? 1e20f : 1.0f;
    return {line.zero, lift, 1.0f / __fmul_rn(line.scale, lift), (float)((1 << bits) - 1)};
}

// The nearest code, as a float.
DEVICE float codeOf(const Coder& coder, float element)
{
    float place = __fmul_rn(__fmul_rn(__fsub_rn(element, coder.zero), coder.lift), coder.inverse);
    place = place > 0 ? place : 0;
    place = place < coder.largest ? place : coder.largest;
    return __fsub_rn(__fadd_rn(place, ROUNDER), ROUNDER);
}

template <int count>
DEVICE double sumOfDistances(const float (&elements)[count], float origin)
{
    float sum = 0;
#pragma unroll
    for (int i = 0; i < count; i++)
    {
        sum = __fadd_rn(sum, __fsub_rn(elements[i], origin));
    }

    return sumOfLanes(sum);
}

// Sums of code, code^2 and (element - origin) * code.
template <int count>
DEVICE Moments momentsOf(const float (&elements)[count], float origin, Line line, int bits)
{
    Coder coder = coderOf(line, bits);
    float c = 0, cc = 0, xc = 0;
#pragma unroll
    for (int i = 0; i < count; i++)
    {
        float code = codeOf(coder, elements[i]);
        c = __fadd_rn(c, code);
        cc = multiplyAdd(code, code, cc);
        xc = multiplyAdd(__fsub_rn(elements[i], origin), code, xc);
    }

    return {sumOfLanes(c), sumOfLanes(cc), sumOfLanes(xc)};
}

DEVICE Line lineOverRange(float minimum, float maximum, int bits)
{
    return {(float)(((double)maximum - minimum) / ((1 << bits) - 1)), minimum};
}

// Scale and zero of least squared error. All lanes of the warp take part.
template <int count>
DEVICE Line fitLeastSquares(const float (&elements)[count], float minimum, float maximum, int bits)
{
    double length = count * LINE_LANES, sumX = sumOfDistances(elements, minimum);
    Line line = lineOverRange(minimum, maximum, bits);
    Moments before = {0, 0, 0};
    bool improves = line.scale > 0;
    for (int round = 0; round < REFINEMENTS && __any_sync(ALL_LANES, improves); round++)
    {
        Moments now = momentsOf(elements, minimum, line, bits);
        double spread = __dsub_rn(__dmul_rn(length, now.cc), __dmul_rn(now.c, now.c));
        double scale = spread > 0 ? __dsub_rn(__dmul_rn(length, now.xc), __dmul_rn(sumX, now.c)) / spread : 0;
        improves = improves && !(now.c == before.c && now.cc == before.cc && now.xc == before.xc) && scale > 0 && (float)scale <= FLOAT_MAX;
        if (improves)
        {
            line = {(float)scale, (float)__dadd_rn((double)minimum, __dsub_rn(sumX, __dmul_rn(scale, now.c)) / length)};
            improves = line.scale > 0;
        }

        before = now;
    }

    return line;
}

// The zero of least squared error for the codes that a line gives. All lanes of the warp take part.
template <int count>
DEVICE float bestZero(const float (&elements)[count], float origin, Line line, int bits)
{
    double codes = momentsOf(elements, origin, line, bits).c;
    double offset = line.scale > 0 ? __dmul_rn((double)line.scale, codes) : 0;
    return (float)__dadd_rn((double)origin, __dsub_rn(sumOfDistances(elements, origin), offset) / (count * LINE_LANES));
}
