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
    static constexpr bool isAligned = !hasFull && widthBytes % 4 == 0; // Codes of a quad's lines are in words.
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

// The same where a condition holds, else zeros.
template <class Shape>
DEVICE uint4 readVectorWhere(bool condition, const PackedMatrix& matrix, int offset, int more)
{
    const u8* address = locate<Shape>(matrix, offset, more);
    if constexpr (Shape::staged)
    {
        return loadSharedWhere(condition, sharedAddress(address));
    }
    else
    {
        return loadStreamedWhere(condition, address);
    }
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

DEVICE u64 addBelow(u64 value, int distance, int lane)
{
    u64 below = __shfl_up_sync(ALL_LANES, value, distance);
    return value + (lane >= distance ? below : 0);
}

DEVICE u32 addBelow(u32 value, int distance, int lane) { return addBelow(value, distance); }

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

// Which widths a lane's lines have, and how many lines have each.
template <class Shape>
struct LineWidths
{
    typedef WidthCounter<(Shape::lineCount > CHUNK_LINES)> Counter;
    typedef typename Counter::Fields Fields;

    u32 indexes[Shape::chunks]; // of four lines each
    Fields own[Shape::chunks];
    Fields through[Shape::chunks]; // of this lane's lines and those of the lanes before it
};

// Reads indexes of widths of a lane's lines, of a matrix in global memory.
template <class Shape>
DEVICE void readIndexes(u32 (&indexes)[Shape::chunks], const u8* matrix, int lane)
{
    for (int chunk = 0; chunk < Shape::chunks; chunk++)
    {
        bool some = Shape::choices > 1 && chunk * CHUNK_LINES + lane * QUAD_LINES < Shape::lineCount;
        indexes[chunk] = some ? loadByte(matrix + Shape::unitBytes + chunk * WARP + lane) : 0;
    }
}

// Counts a lane's lines; sums over lanes are to follow.
template <class Shape>
DEVICE void countOwn(LineWidths<Shape>& widths, const u32 (&indexes)[Shape::chunks], int lane)
{
    typedef typename LineWidths<Shape>::Fields Fields;
    for (int chunk = 0; chunk < Shape::chunks; chunk++)
    {
        bool some = chunk * CHUNK_LINES + lane * QUAD_LINES < Shape::lineCount;
        Fields own = 0;
        for (int j = 0; j < QUAD_LINES; j++)
        {
            own += some ? (Fields)1 << (LineWidths<Shape>::Counter::bits * ((indexes[chunk] >> (2 * j)) & 3)) : (Fields)0;
        }

        widths.indexes[chunk] = indexes[chunk];
        widths.own[chunk] = widths.through[chunk] = own;
    }
}

// Sums over lanes, of one matrix or of two, whose steps then wait for each other's.
template <class Shape>
DEVICE void sumWidths(LineWidths<Shape>& widths, int lane)
{
    for (int distance = 1; distance < WARP; distance *= 2)
    {
        for (int chunk = 0; chunk < Shape::chunks; chunk++)
        {
            widths.through[chunk] = addBelow(widths.through[chunk], distance, lane);
        }
    }
}

template <class First, class Second>
DEVICE void sumWidths(LineWidths<First>& first, LineWidths<Second>& second, int lane)
{
    for (int distance = 1; distance < WARP; distance *= 2)
    {
        for (int chunk = 0; chunk < First::chunks; chunk++)
        {
            first.through[chunk] = addBelow(first.through[chunk], distance, lane);
        }

        for (int chunk = 0; chunk < Second::chunks; chunk++)
        {
            second.through[chunk] = addBelow(second.through[chunk], distance, lane);
        }
    }
}

// Lines of all lanes, by sums over lanes.
template <class Shape>
DEVICE typename LineWidths<Shape>::Fields totalOf(const LineWidths<Shape>& widths)
{
    typename LineWidths<Shape>::Fields total = 0;
    for (int chunk = 0; chunk < Shape::chunks; chunk++)
    {
        total += __shfl_sync(ALL_LANES, widths.through[chunk], WARP - 1);
    }

    return total;
}

// Of lines of each width, those that are quantized.
template <class Shape, class Fields>
DEVICE Fields quantizedOf(Fields total)
{
    constexpr int bits = LineWidths<Shape>::Counter::bits;
    return Shape::hasFull ? total & ~((((Fields)1 << bits) - 1) << (bits * (Shape::choices - 1))) : total;
}

// The place of the first line of each width.
template <class Shape, class Fields>
DEVICE Fields firstPlaces(Fields total)
{
    constexpr int bits = LineWidths<Shape>::Counter::bits;
    Fields quantized = quantizedOf<Shape>(total);
    Fields first = (quantized >> bits) + (quantized >> (2 * bits)) + (quantized >> (3 * bits));
    return Shape::hasFull ? first + ((first + quantized) << (bits * (Shape::choices - 1))) : first;
}

// Counts of a matrix by the total of each width.
template <class Shape, class Fields>
DEVICE void setCounts(PackedMatrix& matrix, Fields total)
{
    constexpr int bits = LineWidths<Shape>::Counter::bits;
    Fields quantized = quantizedOf<Shape>(total);
    matrix.quantized = matrix.third = matrix.fourth = matrix.eight = 0;
    for (int index = 0; index < Shape::choices; index++)
    {
        u32 width = (Shape::palette >> (4 * index)) & 15;
        int lines = (int)((quantized >> (bits * index)) & (((Fields)1 << bits) - 1));
        matrix.quantized += lines;
        matrix.third += width >= 3 ? lines : 0;
        matrix.fourth += width >= 4 ? lines : 0;
        matrix.eight += width >= 8 ? lines : 0;
    }
}

// Places in storage order, widest first, by the place of the first line of each width.
template <class Shape>
DEVICE void placeLines(const LineWidths<Shape>& widths, typename LineWidths<Shape>::Fields first, int (&places)[Shape::chunks * QUAD_LINES])
{
    typedef typename LineWidths<Shape>::Fields Fields;
    constexpr int bits = LineWidths<Shape>::Counter::bits;
    constexpr Fields field = ((Fields)1 << bits) - 1;
#pragma unroll
    for (int chunk = 0; chunk < Shape::chunks; chunk++)
    {
        Fields next = first + widths.through[chunk] - widths.own[chunk];
        for (int earlier = 0; earlier < chunk; earlier++)
        {
            next += __shfl_sync(ALL_LANES, widths.through[earlier], WARP - 1);
        }

        for (int j = 0; j < QUAD_LINES; j++)
        {
            int shift = bits * (int)((widths.indexes[chunk] >> (2 * j)) & 3);
            places[chunk * QUAD_LINES + j] = (int)((next >> shift) & field);
            next += (Fields)1 << shift;
        }
    }
}

// Reads a matrix's units; counts are missing where lines may differ in width.
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

// Places of a lane's lines where all have the same width.
template <class Shape>
DEVICE void placeLines(int lane, int (&places)[Shape::chunks * QUAD_LINES])
{
    for (int i = 0; i < Shape::chunks * QUAD_LINES; i++)
    {
        places[i] = i / QUAD_LINES * CHUNK_LINES + lane * QUAD_LINES + i % QUAD_LINES;
    }
}

// Reads what stands before the planes of a matrix in global memory: also the places of a lane's lines (128 chunk + 4 lane ... + 3 at places[4 chunk ...]). All lanes; lines
// beyond lineCount have no place.
template <class Shape>
DEVICE PackedMatrix openMatrix(const u8* start, int lane, int (&places)[Shape::chunks * QUAD_LINES])
{
    PackedMatrix matrix = readUnits<Shape>(start, 0);
    if constexpr (Shape::choices > 1)
    {
        LineWidths<Shape> widths;
        u32 indexes[Shape::chunks];
        readIndexes<Shape>(indexes, start, lane);
        countOwn(widths, indexes, lane);
        sumWidths(widths, lane);
        auto total = totalOf(widths);
        setCounts<Shape>(matrix, total);
        placeLines(widths, firstPlaces<Shape>(total), places);
    }
    else
    {
        placeLines<Shape>(lane, places);
    }

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
    if (!Shape::isAligned)
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

// Relative scales times 2^exponent, a multiple of 1/256, of the lines at places 4 * quad ... + 3; 0 of lines that are not quantized.
template <class Shape>
DEVICE void readScales(float (&scales)[QUAD_LINES], const PackedMatrix& matrix, float exponent, int quad)
{
    if constexpr (Shape::scaleBytes == 1 && Shape::isAligned)
    {
        u32 codes = readWord<Shape>(matrix, scaleCodes<Shape>() + quad * QUAD_LINES);
        for (int i = 0; i < QUAD_LINES; i++)
        {
            float code = bitsToFloat(__byte_perm(codes, 0x47000000, 0x7404 + i * 0x10)); // The code + 2^15: it takes no conversion.
            float ratio = exponential2(multiplyAdd(code, 0.0625f, exponent - 255 * 0.0625f - 2048));
            scales[i] = code == 32768 ? 0.0f : ratio;
        }
    }
    else
    {
        u32 codes[QUAD_LINES];
        readCodes<Shape>(codes, matrix, scaleCodes<Shape>(), Shape::scaleBytes, quad);
        for (int i = 0; i < QUAD_LINES; i++)
        {
            bool quantized = !Shape::hasFull || quad * QUAD_LINES + i < matrix.quantized;
            scales[i] = quantized ? relativeScale<Shape>(matrix, codes[i], exponent) : 0;
        }
    }
}

// Zeros of the lines at places 4 * quad ... + 3; 0 of lines that are not quantized.
template <class Shape>
DEVICE void readZeros(float (&zeros)[QUAD_LINES], const PackedMatrix& matrix, int quad)
{
    u32 codes[QUAD_LINES];
    readCodes<Shape>(codes, matrix, zeroCodes<Shape>(matrix), matrix.zeroBytes, quad);
    for (int i = 0; i < QUAD_LINES; i++)
    {
        bool quantized = !Shape::hasFull || quad * QUAD_LINES + i < matrix.quantized;
        zeros[i] = quantized ? matrix.zeroOrigin + matrix.zeroUnit * (float)(u16)codes[i] : 0;
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
