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

// Copies in shared memory have their 16-byte parts in another order within each 128 bytes, so that quads that are read together lie in different banks.
#define SWIZZLE_PERIOD 512
static_assert(STAGE_BYTES % 128 == 0, "");
DEVICE constexpr int swizzle(int offset) { return offset ^ ((offset >> 2) & 0x60); }

#define FULL_WIDTH 15
#define QUAD_LINES 4
#define CHUNK_LINES (WARP * QUAD_LINES)

// Staged: of a copy in shared memory.
template <int LineCount, int LineLength, u32 Palette, int ScaleBytes, bool Staged = false>
struct MatrixShape
{
    static constexpr bool staged = Staged;
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
typedef MatrixShape<HEAD_DIM, PAGE_TOKENS, KEY_PALETTE, SCALE_BYTES, true> StagedKeys;
typedef MatrixShape<PAGE_TOKENS, VALUE_GROUP, VALUE_PALETTE, SCALE_BYTES, true> StagedValues;

// Whether a palette has lines of so many bits or more that are quantized.
template <u32 palette, u32 bits>
constexpr bool mayReach = ((palette & 15) >= bits && (palette & 15) != FULL_WIDTH) || mayReach<(palette >> 4), bits>;
template <u32 bits>
constexpr bool mayReach<0, bits> = false;

// The same in all lanes.
struct PackedMatrix
{
    const u8* start; // of the copy, where there is one
    int origin;      // where the matrix begins after start
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

// Where parts of a matrix begin.
template <class Shape>
DEVICE constexpr int scaleCodes() { return Shape::unitBytes + Shape::widthBytes; }

template <class Shape>
DEVICE int zeroCodes(const PackedMatrix& matrix) { return scaleCodes<Shape>() + matrix.quantized * Shape::scaleBytes; }

template <class Shape>
DEVICE int lowPlane(const PackedMatrix& matrix) { return (zeroCodes<Shape>(matrix) + matrix.quantized * matrix.zeroBytes + 15) & ~15; }

template <class Shape>
DEVICE int thirdPlane(const PackedMatrix& matrix) { return lowPlane<Shape>(matrix) + quadsOf(matrix.quantized) * Shape::lowBytes; }

template <class Shape>
DEVICE int fourthPlane(const PackedMatrix& matrix) { return thirdPlane<Shape>(matrix) + quadsOf(matrix.third) * Shape::bitBytes; }

template <class Shape>
DEVICE int highPlane(const PackedMatrix& matrix) { return fourthPlane<Shape>(matrix) + quadsOf(matrix.fourth) * Shape::bitBytes; }

// Element (place - quantized) * lineLength + e is element e of the line at a place from `quantized` on.
template <class Shape>
DEVICE int fullLines(const PackedMatrix& matrix) { return Shape::hasQuantized ? highPlane<Shape>(matrix) + quadsOf(matrix.eight) * Shape::highBytes : 0; }

// Address of what is `offset` + `more` bytes after a matrix's beginning; what follows it is elsewhere after the next multiple of 16, if the matrix is a copy.
// Costs less where it differs from another one's in `more`, a constant, only.
template <class Shape>
DEVICE const u8* locate(const PackedMatrix& matrix, int offset, int more = 0)
{
    int far = more / SWIZZLE_PERIOD * SWIZZLE_PERIOD;
    return Shape::staged ? matrix.start + swizzle(matrix.origin + offset + more - far) + far : matrix.start + matrix.origin + offset + more;
}

// As aligned.
template <class Shape>
DEVICE uint4 readVector(const PackedMatrix& matrix, int offset, int more = 0)
{
    const u8* address = locate<Shape>(matrix, offset, more);
    return Shape::staged ? *(const uint4*)address : loadStreamed(address);
}

template <class Shape>
DEVICE uint2 readPair(const PackedMatrix& matrix, int offset, int more = 0)
{
    const u8* address = locate<Shape>(matrix, offset, more);
    return Shape::staged ? *(const uint2*)address : loadPair(address);
}

template <class Shape>
DEVICE u32 readWord(const PackedMatrix& matrix, int offset, int more = 0)
{
    const u8* address = locate<Shape>(matrix, offset, more);
    return Shape::staged ? *(const u32*)address : loadWord(address);
}

template <class Shape>
DEVICE u32 readByte(const PackedMatrix& matrix, int offset)
{
    const u8* address = locate<Shape>(matrix, offset);
    return Shape::staged ? *address : loadByte(address);
}

// The warp's sum of a value over this lane and those before it.
DEVICE u32 sumThrough(u32 value, int lane)
{
    for (int distance = 1; distance < WARP; distance *= 2)
    {
        value = addBelow(value, distance);
    }

    return value;
}

DEVICE u64 sumThrough(u64 value, int lane)
{
    for (int distance = 1; distance < WARP; distance *= 2)
    {
        u64 before = __shfl_up_sync(ALL_LANES, value, distance);
        value += lane >= distance ? before : 0;
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
        indexes[chunk] = some ? readByte<Shape>(matrix, Shape::unitBytes + chunk * WARP + lane) : 0;
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
DEVICE PackedMatrix readUnits(const u8* start, int origin)
{
    constexpr u32 width = Shape::palette & 15;
    PackedMatrix matrix;
    matrix.start = start;
    matrix.origin = origin;
    matrix.quantized = Shape::hasQuantized ? Shape::lineCount : 0;
    matrix.third = Shape::hasQuantized && width >= 3 ? Shape::lineCount : 0;
    matrix.fourth = Shape::hasQuantized && width >= 4 ? Shape::lineCount : 0;
    matrix.eight = Shape::hasQuantized && width >= 8 ? Shape::lineCount : 0;
    if (Shape::hasQuantized)
    {
        uint4 units = readVector<Shape>(matrix, 0);
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

// Reads what stands before the planes of a matrix, which begins `origin` bytes after start.
template <class Shape>
DEVICE PackedMatrix openMatrix(const u8* start, int lane, int (&places)[Shape::chunks * QUAD_LINES], int origin = 0)
{
    PackedMatrix matrix = readUnits<Shape>(start, origin);
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

// The code of one or two bytes at a place of a table of any alignment.
template <class Shape>
DEVICE u32 codeAt(const PackedMatrix& matrix, int table, int place, int bytes)
{
    return bytes == 1 ? readByte<Shape>(matrix, table + place) : readByte<Shape>(matrix, table + 2 * place) | readByte<Shape>(matrix, table + 2 * place + 1) << 8;
}

// Codes at places 4 * quad ... + 3 of a table; 0 of lines that are not quantized.
template <class Shape>
DEVICE void readCodes(u32 (&codes)[QUAD_LINES], const PackedMatrix& matrix, int table, int bytes, int quad)
{
    if (Shape::hasFull || Shape::widthBytes % 4 != 0)
    {
        for (int i = 0; i < QUAD_LINES; i++)
        {
            codes[i] = quad * QUAD_LINES + i < matrix.quantized ? codeAt<Shape>(matrix, table, quad * QUAD_LINES + i, bytes) : 0;
        }

        return;
    }

    // Bytes of two words, a pair of them for each code: the second word is 0 where codes are bytes.
    int offset = table + quad * QUAD_LINES * bytes;
    u32 first = readWord<Shape>(matrix, offset), second = bytes == 1 ? 0 : readWord<Shape>(matrix, offset + 4);
    u32 pair = bytes == 1 ? 0x4440 : 0x4410, step = bytes == 1 ? 1 : 0x22;
    for (int i = 0; i < QUAD_LINES; i++)
    {
        codes[i] = __byte_perm(first, second, pair + i * step) & 0xffff;
    }
}

// Relative scales times 2^exponent, and zeros, of the lines at places 4 * quad ... + 3; 0 of lines that are not quantized.
template <class Shape>
DEVICE void readScales(float (&scales)[QUAD_LINES], float (&zeros)[QUAD_LINES], const PackedMatrix& matrix, float exponent, int quad)
{
    u32 scale[QUAD_LINES], zero[QUAD_LINES];
    readCodes<Shape>(scale, matrix, scaleCodes<Shape>(), Shape::scaleBytes, quad);
    readCodes<Shape>(zero, matrix, zeroCodes<Shape>(matrix), matrix.zeroBytes, quad);
    for (int i = 0; i < QUAD_LINES; i++)
    {
        bool quantized = !Shape::hasFull || quad * QUAD_LINES + i < matrix.quantized;
        scales[i] = quantized ? relativeScale<Shape>(matrix, scale[i], exponent) : 0;
        zeros[i] = quantized ? matrix.zeroOrigin + matrix.zeroUnit * (float)(u16)zero[i] : 0;
    }
}

// The scale of the quantized line at a place.
template <class Shape>
DEVICE float scaleAt(const PackedMatrix& matrix, int place)
{
    u32 code = codeAt<Shape>(matrix, scaleCodes<Shape>(), place, Shape::scaleBytes);
    return Shape::scaleBytes == 1 ? matrix.scaleUnit * relativeScale<Shape>(matrix, code, 0) : bfloatToFloat((u16)code);
}

// The zero of the quantized line at a place.
template <class Shape>
DEVICE float zeroAt(const PackedMatrix& matrix, int place)
{
    return matrix.zeroOrigin + matrix.zeroUnit * (float)codeAt<Shape>(matrix, zeroCodes<Shape>(matrix), place, matrix.zeroBytes);
}

// An element of lines that are not quantized, which begin at an offset.
template <class Shape>
DEVICE float elementAt(const PackedMatrix& matrix, int lines, int index)
{
    return toFloat(*(const Element*)locate<Shape>(matrix, lines + index * (int)sizeof(Element)));
}
