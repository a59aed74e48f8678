// What a packed matrix's lines are multiplied by, and where they go, on their way into a tile of halves.
#pragma once
#include "HalfTiles.cuh"
#include "PackedMatrix.cuh"

// What a matrix's lines are multiplied by and where they go, by place in storage order.
template <class Shape>
struct LinePlan
{
    __align__(16) u32 multipliers[Shape::lineCount]; // two equal halves each: scale * 2^(24 - exponent)
    u32 addends[Shape::lineCount];                   // two equal halves each: what a line's middle code stands for, times 2^-exponent
    __align__(8) u16 order[Shape::lineCount];
};

// Opens a matrix and writes the lines' order. All warps; each writes its share.
template <class Shape, int warps>
DEVICE PackedMatrix openOrdered(const u8* start, u16* order)
{
    const int lane = (int)threadIdx.x % WARP, warp = (int)threadIdx.x / WARP;
    int places[Shape::chunks * QUAD_LINES];
    PackedMatrix matrix = openMatrix<Shape>(start, lane, places);
#pragma unroll
    for (int i = 0; i < Shape::chunks * QUAD_LINES; i++)
    {
        int line = i / QUAD_LINES * CHUNK_LINES + lane * QUAD_LINES + i % QUAD_LINES;
        if (i % warps == warp && line < Shape::lineCount)
        {
            order[places[i]] = (u16)line;
        }
    }

    return matrix;
}

// The exponent of a tile whose codes, as halves below the smallest normal one, meet multipliers up to 2^15.
template <class Shape>
DEVICE int codeExponent(const PackedMatrix& matrix)
{
    return Shape::hasQuantized ? exponentAbove(matrix.scaleUnit) + 9 : SMALLEST_EXPONENT;
}

// A code in the middle of those of the quantized line at a place. Counted from it, codes and what is added to them are small, and so is their rounding.
DEVICE int middleCode(const PackedMatrix& matrix, int place)
{
    return place < matrix.eight ? 128 : place < matrix.fourth ? 8 : place < matrix.third ? 4 : 2;
}

// The exponent above all zeros.
template <class Shape>
DEVICE int zeroExponent(const PackedMatrix& matrix)
{
    if (!Shape::hasQuantized)
    {
        return SMALLEST_EXPONENT;
    }

    float last = matrix.zeroOrigin + matrix.zeroUnit * (matrix.zeroBytes == 1 ? 255.0f : 65535.0f);
    return exponentAbove(max(magnitude(matrix.zeroOrigin), magnitude(last)));
}

// The exponent of a tile that holds the lines that are not quantized; `scratch` as for blockLargest. All threads of the block.
template <class Shape, int warps>
DEVICE int fullExponent(const PackedMatrix& matrix, float* scratch)
{
    if (!Shape::hasFull || matrix.quantized == Shape::lineCount)
    {
        return SMALLEST_EXPONENT;
    }

    int count = (Shape::lineCount - matrix.quantized) * Shape::lineLength;
    return exponentAbove(largestElement<warps>((const Element*)locate<Shape>(matrix, fullLines<Shape>(matrix)), count, scratch)) - 15;
}

DEVICE u32 twice(float value) { return packHalves(value, value); }
