// Reads a packed matrix (MatrixLayout says how it lies) into a tile of halves. A palette is a macro of four bits for each width, the first lowest; 15 is a full line.
#pragma once
#include "HalfTiles.cuh"

#define FULL_WIDTH 15u

// How many lines have at least so many bits, and where a matrix's planes begin.
struct PackedMatrix
{
    const u8* start;
    int quantized, third, fourth, eight;
    int low; // bytes from the start
};

// What a matrix's lines are multiplied by and where they go, by storage place.
template <int lines>
struct LinePlan
{
    u32 multipliers[lines]; // two equal halves each: scale * 2^(24 - exponent)
    u32 addends[lines];     // two equal halves each: zero * 2^-exponent
    u16 order[lines];
};

DEVICE constexpr int paletteCount(u32 palette) { return palette > 0xfff ? 4 : palette > 0xff ? 3 : palette > 0xf ? 2 : 1; }
DEVICE constexpr u32 paletteWidth(u32 palette, int index) { return (palette >> (4 * index)) & 15u; }

// Reads widths into the order and the counts. All warps call it; each writes its share of the order.
template <int lines, u32 palette, int warps>
DEVICE void readOrder(const u8* start, PackedMatrix& matrix, u16* order)
{
    constexpr int count = paletteCount(palette), segments = (lines + WARP - 1) / WARP;
    constexpr bool hasFull = paletteWidth(palette, count - 1) == FULL_WIDTH;
    const int lane = (int)threadIdx.x % WARP, warp = (int)threadIdx.x / WARP;
    matrix.start = start;
    matrix.quantized = matrix.third = matrix.fourth = matrix.eight = 0;
    const u8* widths = start + (palette == FULL_WIDTH ? 0 : 16);
    u32 votes[segments][count];
    int totals[count];
#pragma unroll
    for (int index = 0; index < count; index++)
    {
        totals[index] = 0;
    }

#pragma unroll
    for (int segment = 0; segment < segments; segment++)
    {
        int line = segment * WARP + lane;
        int mine = line >= lines ? -1 : count == 1 ? 0 : (widths[line / 4] >> (2 * (line % 4))) & 3;
#pragma unroll
        for (int index = 0; index < count; index++)
        {
            votes[segment][index] = __ballot_sync(ALL_LANES, mine == index);
            totals[index] += __popc(votes[segment][index]);
        }
    }

    int firsts[count], place = 0;
#pragma unroll
    for (int index = count - 1 - hasFull; index >= 0; index--)
    {
        firsts[index] = place;
        place += totals[index];
        u32 width = paletteWidth(palette, index);
        matrix.eight = width == 8 ? place : matrix.eight;
        matrix.fourth = width >= 4 ? place : matrix.fourth;
        matrix.third = width >= 3 ? place : matrix.third;
    }

    matrix.quantized = place;
    if (hasFull)
    {
        firsts[count - 1] = place;
    }

#pragma unroll
    for (int segment = 0; segment < segments; segment++)
    {
#pragma unroll
        for (int index = 0; index < count; index++)
        {
            u32 vote = votes[segment][index];
            if (segment % warps == warp && ((vote >> lane) & 1u))
            {
                order[firsts[index] + __popc(vote & ((1u << lane) - 1u))] = (u16)(segment * WARP + lane);
            }

            firsts[index] += __popc(vote);
        }
    }
}

// Scales and zeros of a matrix's quantized lines.
struct LineValues
{
    float scaleUnit, zeroOrigin, zeroUnit;
    int zeroBytes;
    const u8 *scales, *zeros;
};

// Needs the matrix's counts.
template <int lines, u32 palette>
DEVICE LineValues openValues(PackedMatrix& matrix)
{
    constexpr int widths = palette == FULL_WIDTH ? 0 : 16, scales = widths + (paletteCount(palette) == 1 ? 0 : lines / 4);
    LineValues values = {0, 0, 0, 0, nullptr, nullptr};
    if (palette != FULL_WIDTH)
    {
        uint4 units = *(const uint4*)matrix.start;
        values.scaleUnit = bitsToFloat(units.x);
        values.zeroOrigin = bitsToFloat(units.y);
        values.zeroUnit = bitsToFloat(units.z);
        values.zeroBytes = (int)units.w;
    }

    values.scales = matrix.start + scales;
    values.zeros = values.scales + matrix.quantized * SCALE_BYTES;
    matrix.low = (scales + matrix.quantized * (SCALE_BYTES + values.zeroBytes) + 15) & -16;
    return values;
}

DEVICE float scaleAt(const LineValues& values, int place)
{
#if SCALE_BYTES == 1
    int code = values.scales[place];
    return code == 0 ? 0 : values.scaleUnit * exponential2((float)(code - 255) * 0.0625f);
#else
    return bfloatToFloat(((const u16*)values.scales)[place]);
#endif
}

DEVICE float zeroAt(const LineValues& values, int place)
{
    const u8* code = values.zeros + place * values.zeroBytes;
    return values.zeroOrigin + values.zeroUnit * (float)(values.zeroBytes == 1 ? code[0] : code[0] | code[1] << 8);
}

// The exponent above all zeros.
DEVICE int zeroExponent(const LineValues& values)
{
    float last = values.zeroOrigin + values.zeroUnit * (values.zeroBytes == 1 ? 255.0f : 65535.0f);
    return exponentAbove(max(magnitude(values.zeroOrigin), magnitude(last)));
}

// The exponent of a tile whose codes, as halves below the smallest normal one, meet multipliers up to 2^15.
DEVICE int codeExponent(const LineValues& values) { return exponentAbove(values.scaleUnit) + 9; }

DEVICE int quadsOf(int lines) { return (lines + 3) / 4; }

// Where the full lines of a matrix begin.
template <int length>
DEVICE const Element* fullLines(const PackedMatrix& matrix)
{
    return (const Element*)(matrix.start + matrix.low + quadsOf(matrix.quantized) * length
        + (quadsOf(matrix.third) + quadsOf(matrix.fourth)) * (length / 2) + quadsOf(matrix.eight) * 2 * length);
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
        target[0] = *(const u32*)source;
    }
}

// The bytes of one line in two words, each in the low byte of a half; the high bytes are to be masked.
DEVICE u32 lineOf(u32 first, u32 second, int line) { return __byte_perm(first, second, (u32)(line * 0x11 | (4 + line) * 0x1100)); }

DEVICE u32 twice(float value) { return packHalves(value, value); }

// Writes the elements of some words of a quad to the tile. A code left in the low bits of a half is a multiple of 2^-24, exactly.
// `even` holds the codes of fields 0 and 2 in each byte, `odd` those of fields 1 and 3, four bits each; with `high`, their upper four bits likewise.
template <int lines, int length, int words, bool isWide>
DEVICE void storeWords(const LinePlan<lines>& plan, int quad, int first, int quantized, const u32 (&even)[words], const u32 (&odd)[words],
    const u32 (&highEven)[words], const u32 (&highOdd)[words], u16* tile, int stride)
{
    constexpr u32 sixteenth = 0x2c002c00; // 2^-4 twice
#pragma unroll
    for (int line = 0; line < 4; line++)
    {
        int place = 4 * quad + line;
        u32 multiplier = plan.multipliers[place], addend = plan.addends[place];
        u32 upper = isWide ? multiplier : fuseHalves(multiplier, sixteenth, 0x80008000);
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
template <int lines, int length, int threads>
DEVICE void fillQuantized(const PackedMatrix& matrix, const LinePlan<lines>& plan, u16* tile, int stride)
{
    constexpr int words = length % 32 == 0 ? 4 : 1, items = length / 4 / words, half = length / 8;
    const u8* low = matrix.start + matrix.low;
    const u8* third = low + quadsOf(matrix.quantized) * length;
    const u8* fourth = third + quadsOf(matrix.third) * (length / 2);
    const u8* upper = fourth + quadsOf(matrix.fourth) * (length / 2);
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

        if (quad < quadsOf(matrix.third))
        {
            loadWords(bits, third + offset);
#pragma unroll
            for (int i = 0; i < words; i++)
            {
                even[i] |= bits[i] << (2 - shift) & 0x44444444u;
                odd[i] |= bits[i] >> shift & 0x44444444u;
            }
        }

        if (quad < quadsOf(matrix.fourth))
        {
            loadWords(bits, fourth + offset);
#pragma unroll
            for (int i = 0; i < words; i++)
            {
                even[i] |= bits[i] << (3 - shift) & 0x88888888u;
                odd[i] |= bits[i] << (1 - shift) & 0x88888888u;
            }
        }

        if (quad < quadsOf(matrix.eight))
        {
            u32 highEven[words], highOdd[words];
            loadWords(highEven, upper + quad * 2 * length + first * 4);
            loadWords(highOdd, upper + quad * 2 * length + (first + length / 4) * 4);
            storeWords<lines, length, words, true>(plan, quad, first, matrix.quantized, even, odd, highEven, highOdd, tile, stride);
        }
        else
        {
            storeWords<lines, length, words, false>(plan, quad, first, matrix.quantized, even, odd, even, odd, tile, stride);
        }
    }
}

// Fills a tile's rows that are not quantized.
template <int lines, int length, int threads>
DEVICE void fillFull(const PackedMatrix& matrix, const LinePlan<lines>& plan, int exponent, u16* tile, int stride)
{
    const Element* elements = fullLines<length>(matrix);
    float factor = powerOfTwo(-exponent);
    for (int i = (int)threadIdx.x; i < (lines - matrix.quantized) * length; i += threads)
    {
        tile[plan.order[matrix.quantized + i / length] * stride + i % length] = floatToHalf(toFloat(elements[i]) * factor);
    }
}
