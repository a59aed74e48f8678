// Where the parts of a matrix begin, in bytes from its start: MatrixLayout in C#, which draws them.
#pragma once
#include "SealArguments.cuh"

// Lines that have at least a width; see WidthCounts in C#.
struct LineCounts
{
    int quantized, third, fourth, eight;
};

struct MatrixParts
{
    int scales, zeros, zerosEnd, low, third, fourth, high, full, fullEnd, end;
};

DEVICE int align16(int bytes) { return (bytes + 15) & -16; }
DEVICE int quadsOf(int lines) { return (lines + QUAD_LINES - 1) / QUAD_LINES; }

template <class Shape>
DEVICE MatrixParts partsOf(LineCounts counts, int zeroBytes)
{
    MatrixParts parts;
    parts.scales = Shape::unitBytes + Shape::widthBytes;
    parts.zeros = parts.scales + counts.quantized * SCALE_BYTES;
    parts.zerosEnd = parts.zeros + counts.quantized * zeroBytes;
    parts.low = align16(parts.zerosEnd);
    parts.third = parts.low + quadsOf(counts.quantized) * Shape::length;
    parts.fourth = parts.third + quadsOf(counts.third) * (Shape::length / 2);
    parts.high = parts.fourth + quadsOf(counts.fourth) * (Shape::length / 2);
    parts.full = parts.high + quadsOf(counts.eight) * (Shape::length * 2);
    parts.fullEnd = parts.full + (Shape::lines - counts.quantized) * Shape::length * (int)sizeof(Element);
    parts.end = align16(parts.fullEnd);
    return parts;
}
