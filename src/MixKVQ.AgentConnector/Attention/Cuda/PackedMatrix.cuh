// Reading a packed matrix; MatrixLayout in C# draws it. Constants that a program is compiled with:
//     HEAD_DIM, VALUE_GROUP          channels of a head, and of each group of a value vector that has an own matrix
//     SCALE_BYTES                    1 or 2
//     KEY_PALETTE, VALUE_PALETTE     the widths lines may have, a hexadecimal digit each, the lowest for index 0, 0xf for lines that are not quantized: [2, 3, 4, 8] is 0x8432
//     ELEMENT                        see Device.cuh
//     STAGE_BYTES                    shared memory for a copy of a matrix; 0 or not given: matrices are read where they lie, in global memory
#pragma once
#include "CacheSequence.cuh"

#ifndef STAGE_BYTES
#define STAGE_BYTES 0
#endif

#if STAGE_BYTES > 0
// Of global or shared memory.
DEVICE uint4 readVector(const void* address) { return *(const uint4*)address; }
DEVICE uint2 readPair(const void* address) { return *(const uint2*)address; }
DEVICE u32 readWord(const void* address) { return *(const u32*)address; }
DEVICE u32 readByte(const void* address) { return *(const u8*)address; }
#else
DEVICE uint4 readVector(const void* address) { return loadStreamed(address); }
DEVICE uint2 readPair(const void* address) { return loadPair(address); }
DEVICE u32 readWord(const void* address) { return loadWord(address); }
DEVICE u32 readByte(const void* address) { return loadByte(address); }
#endif

#define FULL_WIDTH 15
#define QUAD_LINES 4
#define CHUNK_LINES (WARP * QUAD_LINES)

template <int LineCount, int LineLength, u32 Palette, int ScaleBytes>
struct MatrixShape
{
    static constexpr int lineCount = LineCount;
    static constexpr int lineLength = LineLength;
    static constexpr int scaleBytes = ScaleBytes;
    static constexpr u32 palette = Palette;
    static constexpr int choices = Palette < 0x10 ? 1 : Palette < 0x100 ? 2 : Palette < 0x1000 ? 3 : 4;
    static constexpr bool hasQuantized = (Palette & 15) != FULL_WIDTH;
    static constexpr bool hasFull = (Palette >> (4 * choices - 4)) == FULL_WIDTH;
    static constexpr int unitBytes = hasQuantized ? 16 : 0;
    static constexpr int widthBytes = choices == 1 ? 0 : LineCount / 4;
    static constexpr int chunks = (LineCount + CHUNK_LINES - 1) / CHUNK_LINES;

    // Quad q of a plane begins q times so many bytes after the plane.
    static constexpr int lowBytes = LineLength;
    static constexpr int bitBytes = LineLength / 2;
    static constexpr int highBytes = LineLength * 2;
};

typedef MatrixShape<HEAD_DIM, PAGE_TOKENS, KEY_PALETTE, SCALE_BYTES> KeyMatrix;
typedef MatrixShape<PAGE_TOKENS, VALUE_GROUP, VALUE_PALETTE, SCALE_BYTES> ValueMatrix;

// Whether a palette has a line of so many bits or more that is quantized.
DEVICE constexpr bool mayReach(u32 palette, u32 bits)
{
    for (; palette != 0; palette >>= 4)
    {
        if ((palette & 15) >= bits && (palette & 15) != FULL_WIDTH)
        {
            return true;
        }
    }

    return false;
}

// The same in all lanes.
struct PackedMatrix
{
    const u8* start;
    float scaleUnit; // the largest scale
    float zeroOrigin;
    float zeroUnit;
    int zeroBytes;
    int quantized; // lines that have at least 2, 3, 4 and 8 bits, which stand first; after them those that are not quantized
    int third;
    int fourth;
    int eight;
};

DEVICE int quadsOf(int lines) { return (lines + QUAD_LINES - 1) / QUAD_LINES; }

template <class Shape>
DEVICE const u8* lowPlane(const PackedMatrix& matrix)
{
    return matrix.start + ((Shape::unitBytes + Shape::widthBytes + matrix.quantized * (Shape::scaleBytes + matrix.zeroBytes) + 15) & ~15);
}

template <class Shape>
DEVICE const u8* thirdPlane(const PackedMatrix& matrix)
{
    return lowPlane<Shape>(matrix) + quadsOf(matrix.quantized) * Shape::lowBytes;
}

template <class Shape>
DEVICE const u8* fourthPlane(const PackedMatrix& matrix)
{
    return thirdPlane<Shape>(matrix) + quadsOf(matrix.third) * Shape::bitBytes;
}

template <class Shape>
DEVICE const u8* highPlane(const PackedMatrix& matrix)
{
    return fourthPlane<Shape>(matrix) + quadsOf(matrix.fourth) * Shape::bitBytes;
}

// Element (place - quantized) * lineLength + e is element e of the line at a place from `quantized` on.
template <class Shape>
DEVICE const u8* fullLines(const PackedMatrix& matrix)
{
    return Shape::hasQuantized ? highPlane<Shape>(matrix) + quadsOf(matrix.eight) * Shape::highBytes : matrix.start;
}

// The warp's sum of a value over this lane and those before it.
template <class Counter>
DEVICE Counter sumThrough(Counter value, int lane)
{
    for (int offset = 1; offset < WARP; offset *= 2)
    {
        Counter before = __shfl_up_sync(ALL_LANES, value, offset);
        value += lane >= offset ? before : (Counter)0;
    }

    return value;
}

// Counts, by the width's index: four fields of a word.
template <bool wide>
struct WidthCounter
{
    typedef u32 Fields;
    static constexpr int bits = 8;
};

template <>
struct WidthCounter<true>
{
    typedef u64 Fields;
    static constexpr int bits = 16;
};

// Places in storage order, widest first, and counts, where lines have a choice of widths.
template <class Shape>
DEVICE void placeLines(PackedMatrix& matrix, int lane, int (&places)[Shape::chunks * QUAD_LINES])
{
    typedef WidthCounter<(Shape::lineCount > CHUNK_LINES)> Counter;
    typedef typename Counter::Fields Fields;
    constexpr int bits = Counter::bits;
    constexpr Fields field = ((Fields)1 << bits) - 1;
    u32 indexes[Shape::chunks];
    Fields before[Shape::chunks]; // lines of each width before this lane's
    Fields total = 0;
#pragma unroll
    for (int chunk = 0; chunk < Shape::chunks; chunk++)
    {
        bool some = chunk * CHUNK_LINES + lane * QUAD_LINES < Shape::lineCount;
        indexes[chunk] = some ? readByte(matrix.start + Shape::unitBytes + chunk * WARP + lane) : 0;
        Fields own = 0;
        for (int j = 0; j < QUAD_LINES; j++)
        {
            own += some ? (Fields)1 << (bits * ((indexes[chunk] >> (2 * j)) & 3)) : (Fields)0;
        }

        Fields through = sumThrough(own, lane);
        before[chunk] = total + through - own;
        total += __shfl_sync(ALL_LANES, through, WARP - 1);
    }

    constexpr int fullShift = bits * (Shape::choices - 1);
    Fields quantized = Shape::hasFull ? total & ~(field << fullShift) : total;
    Fields first = (quantized >> bits) + (quantized >> (2 * bits)) + (quantized >> (3 * bits)); // place of the first line of each width
    matrix.quantized = (int)((first & field) + (quantized & field));
    if (Shape::hasFull)
    {
        first += (Fields)matrix.quantized << fullShift;
    }

    matrix.third = matrix.fourth = matrix.eight = 0;
    for (int index = 0; index < Shape::choices; index++)
    {
        u32 width = (Shape::palette >> (4 * index)) & 15;
        int lines = (int)((quantized >> (bits * index)) & field);
        matrix.third += width >= 3 ? lines : 0;
        matrix.fourth += width >= 4 ? lines : 0;
        matrix.eight += width >= 8 ? lines : 0;
    }

#pragma unroll
    for (int chunk = 0; chunk < Shape::chunks; chunk++)
    {
        Fields next = first + before[chunk];
        for (int j = 0; j < QUAD_LINES; j++)
        {
            int shift = bits * (int)((indexes[chunk] >> (2 * j)) & 3);
            places[chunk * QUAD_LINES + j] = (int)((next >> shift) & field);
            next += (Fields)1 << shift;
        }
    }
}

// The first part of openMatrix: without counts, where lines may differ in width.
template <class Shape>
DEVICE PackedMatrix readUnits(const u8* start)
{
    constexpr u32 width = Shape::palette & 15;
    PackedMatrix matrix;
    matrix.start = start;
    matrix.quantized = Shape::hasQuantized ? Shape::lineCount : 0;
    matrix.third = Shape::hasQuantized && width >= 3 ? Shape::lineCount : 0;
    matrix.fourth = Shape::hasQuantized && width >= 4 ? Shape::lineCount : 0;
    matrix.eight = Shape::hasQuantized && width >= 8 ? Shape::lineCount : 0;
    if (Shape::hasQuantized)
    {
        uint4 units = readVector(start);
        matrix.scaleUnit = bitsToFloat(units.x);
        matrix.zeroOrigin = bitsToFloat(units.y);
        matrix.zeroUnit = bitsToFloat(units.z);
        matrix.zeroBytes = (int)units.w;
    }

    return matrix;
}

// The second part: counts, and places of a lane's lines (128 chunk + 4 lane ... + 3 at places[4 chunk ...]). All lanes; lines beyond lineCount have no place.
template <class Shape>
DEVICE void readWidths(PackedMatrix& matrix, int lane, int (&places)[Shape::chunks * QUAD_LINES])
{
    if constexpr (Shape::choices > 1)
    {
        placeLines<Shape>(matrix, lane, places);
    }
    else
    {
        for (int i = 0; i < Shape::chunks * QUAD_LINES; i++)
        {
            places[i] = i / QUAD_LINES * CHUNK_LINES + lane * QUAD_LINES + i % QUAD_LINES;
        }
    }
}

// Reads what stands before a matrix's planes.
template <class Shape>
DEVICE PackedMatrix openMatrix(const u8* start, int lane, int (&places)[Shape::chunks * QUAD_LINES])
{
    PackedMatrix matrix = readUnits<Shape>(start);
    readWidths<Shape>(matrix, lane, places);
    return matrix;
}

// A scale by its code, over the matrix's largest and times 2^exponent.
template <class Shape>
DEVICE float relativeScale(const PackedMatrix& matrix, u32 code, float exponent)
{
    if (Shape::scaleBytes == 1)
    {
        float ratio = exponential2((float)code * 0.0625f + (exponent - 255 * 0.0625f));
        return code == 0 ? 0.0f : ratio;
    }

    return matrix.scaleUnit > 0 ? bfloatToFloat((u16)code) / matrix.scaleUnit * exponential2(exponent) : 0.0f;
}

template <class Shape>
DEVICE const u8* scaleCodes(const PackedMatrix& matrix) { return matrix.start + Shape::unitBytes + Shape::widthBytes; }

template <class Shape>
DEVICE const u8* zeroCodes(const PackedMatrix& matrix) { return scaleCodes<Shape>(matrix) + matrix.quantized * Shape::scaleBytes; }

// A code of one or two bytes at an address of any alignment.
DEVICE u32 codeAt(const u8* codes, int place, int bytes)
{
    return bytes == 1 ? readByte(codes + place) : readByte(codes + 2 * place) | readByte(codes + 2 * place + 1) << 8;
}

// Codes at places 4 * quad ... + 3 of a table; 0 of lines that are not quantized.
template <class Shape>
DEVICE void readCodes(u32 (&codes)[QUAD_LINES], const PackedMatrix& matrix, const u8* table, int bytes, int quad)
{
    if (Shape::hasFull || Shape::widthBytes % 4 != 0)
    {
        for (int i = 0; i < QUAD_LINES; i++)
        {
            codes[i] = quad * QUAD_LINES + i < matrix.quantized ? codeAt(table, quad * QUAD_LINES + i, bytes) : 0;
        }
    }
    else if (bytes == 1)
    {
        u32 word = readWord(table + quad * 4);
        for (int i = 0; i < QUAD_LINES; i++)
        {
            codes[i] = (word >> (8 * i)) & 0xff;
        }
    }
    else
    {
        for (int i = 0; i < QUAD_LINES; i += 2)
        {
            u32 word = readWord(table + quad * 8 + i * 2);
            codes[i] = word & 0xffff;
            codes[i + 1] = word >> 16;
        }
    }
}

// Relative scales times 2^exponent, and zeros, of the lines at places 4 * quad ... + 3; 0 of lines that are not quantized.
template <class Shape>
DEVICE void readScales(float (&scales)[QUAD_LINES], float (&zeros)[QUAD_LINES], const PackedMatrix& matrix, float exponent, int quad)
{
    u32 scale[QUAD_LINES], zero[QUAD_LINES];
    readCodes<Shape>(scale, matrix, scaleCodes<Shape>(matrix), Shape::scaleBytes, quad);
    readCodes<Shape>(zero, matrix, zeroCodes<Shape>(matrix), matrix.zeroBytes, quad);
    for (int i = 0; i < QUAD_LINES; i++)
    {
        bool quantized = !Shape::hasFull || quad * QUAD_LINES + i < matrix.quantized;
        scales[i] = quantized ? relativeScale<Shape>(matrix, scale[i], exponent) : 0;
        zeros[i] = quantized ? matrix.zeroOrigin + matrix.zeroUnit * (float)zero[i] : 0;
    }
}

// The scale of the quantized line at a place.
template <class Shape>
DEVICE float scaleAt(const PackedMatrix& matrix, int place)
{
    u32 code = codeAt(scaleCodes<Shape>(matrix), place, Shape::scaleBytes);
    return Shape::scaleBytes == 1 ? matrix.scaleUnit * relativeScale<Shape>(matrix, code, 0) : bfloatToFloat((u16)code);
}

// The zero of the quantized line at a place.
template <class Shape>
DEVICE float zeroAt(const PackedMatrix& matrix, int place)
{
    return matrix.zeroOrigin + matrix.zeroUnit * (float)codeAt(zeroCodes<Shape>(matrix), place, matrix.zeroBytes);
}
