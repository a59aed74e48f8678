// Reads a packed matrix into a tile of halves.
#pragma once
#include "HalfTiles.cuh"
#include "PackedMatrix.cuh"

// What a matrix's lines are multiplied by and where they go, by place in storage order.
template <class Shape>
struct LinePlan
{
    u32 multipliers[Shape::lineCount]; // two equal halves each: scale * 2^(24 - exponent)
    u32 addends[Shape::lineCount];     // two equal halves each: zero * 2^-exponent
    u16 order[Shape::lineCount];
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

// Half the largest code of the quantized line at a place.
DEVICE float middleCode(const PackedMatrix& matrix, int place)
{
    return place < matrix.eight ? 127.5f : place < matrix.fourth ? 7.5f : place < matrix.third ? 3.5f : 1.5f;
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
    return exponentAbove(largestElement<warps>((const Element*)(matrix.start + fullLines<Shape>(matrix)), count, scratch)) - 15;
}

template <int words>
DEVICE void loadWords(u32 (&target)[words], const u8* source)
{
    if constexpr (words == 4)
    {
        uint4 loaded = loadStreamed(source);
        target[0] = loaded.x;
        target[1] = loaded.y;
        target[2] = loaded.z;
        target[3] = loaded.w;
    }
    else
    {
        target[0] = loadWord(source);
    }
}

// The bytes of one line in two words, each in the low byte of a half; the high bytes are to be masked.
DEVICE u32 lineOf(u32 first, u32 second, int line) { return __byte_perm(first, second, (u32)(line * 0x11 | (4 + line) * 0x1100)); }

DEVICE u32 twice(float value) { return packHalves(value, value); }

// Writes the elements of some words of a quad to the tile. A code left in the low bits of a half is a multiple of 2^-24, exactly.
// `even` holds the codes of fields 0 and 2 in each byte, `odd` those of fields 1 and 3, four bits each; with `high`, their upper four bits likewise.
template <class Shape, int words, bool isWide>
DEVICE void storeWords(const LinePlan<Shape>& plan, int quad, int first, int quantized, const u32 (&even)[words], const u32 (&odd)[words],
    const u32 (&highEven)[words], const u32 (&highOdd)[words], u16* tile, int stride)
{
    constexpr int length = Shape::lineLength;
    constexpr u32 sixteenth = 0x2c002c00; // 2^-4 twice
#pragma unroll
    for (int line = 0; line < 4; line++)
    {
        int place = 4 * quad + line;
        u32 multiplier = plan.multipliers[place], addend = plan.addends[place];
        u32 upper = isWide ? multiplier : multiplyPairs(multiplier, sixteenth);
        u16* row = tile + plan.order[place] * stride + first;
        if (place < quantized)
        {
#pragma unroll
            for (int field = 0; field < 4; field++)
            {
                u32 pairs[2];
#pragma unroll
                for (int pair = 0; pair < (words + 1) / 2; pair++)
                {
                    constexpr int next = words == 1 ? 0 : 1;
                    const u32(&source)[words] = field % 2 ? odd : even;
                    u32 codes = lineOf(source[2 * pair], source[2 * pair + next], line) & (field < 2 ? 0x000f000fu : 0x00f000f0u);
                    if constexpr (isWide)
                    {
                        const u32(&highSource)[words] = field % 2 ? highOdd : highEven;
                        u32 high = lineOf(highSource[2 * pair], highSource[2 * pair + next], line) & (field < 2 ? 0x000f000fu : 0x00f000f0u);
                        codes = field < 2 ? codes | high << 4 : codes >> 4 | high;
                    }

                    pairs[pair] = fuseHalves(codes, field < 2 ? multiplier : upper, addend);
                }

                if constexpr (words == 4)
                {
                    *(uint2*)(row + field * (length / 4)) = make_uint2(pairs[0], pairs[1]);
                }
                else
                {
                    row[field * (length / 4)] = (u16)pairs[0];
                }
            }
        }
    }
}

// Fills a tile's quantized rows. Lines of lengths that are no multiple of 32 go word by word.
template <class Shape, int threads>
DEVICE void fillQuantized(const PackedMatrix& matrix, const LinePlan<Shape>& plan, u16* tile, int stride)
{
    constexpr int length = Shape::lineLength, words = length % 32 == 0 ? 4 : 1, items = length / 4 / words, half = length / 8;
    const u8 *low = matrix.start + lowPlane<Shape>(matrix), *third = matrix.start + thirdPlane<Shape>(matrix);
    const u8 *fourth = matrix.start + fourthPlane<Shape>(matrix), *upper = matrix.start + highPlane<Shape>(matrix);
#pragma unroll 2
    for (int item = (int)threadIdx.x; item < quadsOf(matrix.quantized) * items; item += threads)
    {
        int quad = item / items, first = item % items * words;
        int shift = first >= half; // Bit 2 * field + shift of a word of the planes of one bit.
        int offset = quad * (length / 2) + (first - shift * half) * 4;
        u32 codes[words], even[words], odd[words], bits[words];
        loadWords(codes, low + quad * length + first * 4);
#pragma unroll
        for (int i = 0; i < words; i++)
        {
            even[i] = codes[i] & 0x33333333u;
            odd[i] = codes[i] >> 2 & 0x33333333u;
        }

        if (mayReach(Shape::palette, 3) && quad < quadsOf(matrix.third))
        {
            loadWords(bits, third + offset);
#pragma unroll
            for (int i = 0; i < words; i++)
            {
                even[i] |= bits[i] << (2 - shift) & 0x44444444u;
                odd[i] |= bits[i] >> shift & 0x44444444u;
            }
        }

        if (mayReach(Shape::palette, 4) && quad < quadsOf(matrix.fourth))
        {
            loadWords(bits, fourth + offset);
#pragma unroll
            for (int i = 0; i < words; i++)
            {
                even[i] |= bits[i] << (3 - shift) & 0x88888888u;
                odd[i] |= bits[i] << (1 - shift) & 0x88888888u;
            }
        }

        if (mayReach(Shape::palette, 8) && quad < quadsOf(matrix.eight))
        {
            u32 highEven[words], highOdd[words];
            loadWords(highEven, upper + quad * 2 * length + first * 4);
            loadWords(highOdd, upper + quad * 2 * length + (first + length / 4) * 4);
            storeWords<Shape, words, true>(plan, quad, first, matrix.quantized, even, odd, highEven, highOdd, tile, stride);
        }
        else
        {
            storeWords<Shape, words, false>(plan, quad, first, matrix.quantized, even, odd, even, odd, tile, stride);
        }
    }
}

// Fills a tile's rows that are not quantized.
template <class Shape, int threads>
DEVICE void fillFull(const PackedMatrix& matrix, const LinePlan<Shape>& plan, int exponent, u16* tile, int stride)
{
    constexpr int length = Shape::lineLength;
    const Element* elements = (const Element*)(matrix.start + fullLines<Shape>(matrix));
    float factor = powerOfTwo(-exponent);
    for (int i = (int)threadIdx.x; i < (Shape::lineCount - matrix.quantized) * length; i += threads)
    {
        tile[plan.order[matrix.quantized + i / length] * stride + i % length] = floatToHalf(toFloat(elements[i]) * factor);
    }
}
