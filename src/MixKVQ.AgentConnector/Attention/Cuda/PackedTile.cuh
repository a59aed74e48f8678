// Unpacks a packed matrix into a tile of halves.
#pragma once
#include "LinePlan.cuh"

// Words of a quad that a thread unpacks together: four, or one where a line's length is no multiple of 32.
template <class Shape>
struct QuadPart
{
    static constexpr int words = Shape::lineLength % 32 == 0 ? 4 : 1;
    static constexpr int count = Shape::lineLength / 4 / words; // of a quad
    u32 low[words], third[words], fourth[words];
};

template <int words>
DEVICE void loadWords(u32 (&target)[words], bool condition, const u8* source)
{
    if constexpr (words == 4)
    {
        uint4 loaded = loadStreamedWhere(condition, source);
        target[0] = loaded.x;
        target[1] = loaded.y;
        target[2] = loaded.z;
        target[3] = loaded.w;
    }
    else
    {
        target[0] = condition ? loadWord(source) : 0;
    }
}

// Where in a matrix a part stands: in words of the quad's plane of two bits; in the planes of one bit, field f is bit 2 f + shift of a word.
template <class Shape>
struct PartPlace
{
    int quad, first, shift;
};

template <class Shape>
DEVICE PartPlace<Shape> placeOf(int part)
{
    int quad = part / QuadPart<Shape>::count, first = part % QuadPart<Shape>::count * QuadPart<Shape>::words;
    return {quad, first, first >= Shape::lineLength / 8};
}

// Loads a part, zeros beyond the planes' ends.
template <class Shape>
DEVICE void loadPart(const PackedMatrix& matrix, int index, QuadPart<Shape>& part)
{
    PartPlace<Shape> place = placeOf<Shape>(index);
    int bitOffset = place.quad * Shape::bitBytes + (place.first - place.shift * (Shape::lineLength / 8)) * 4;
    loadWords(part.low, place.quad < quadsOf(matrix.quantized), locate<Shape>(matrix, lowPlane<Shape>(matrix) + place.quad * Shape::lowBytes + place.first * 4));
    if constexpr (mayReach<Shape::palette, 3>)
    {
        loadWords(part.third, place.quad < quadsOf(matrix.third), locate<Shape>(matrix, thirdPlane<Shape>(matrix) + bitOffset));
    }

    if constexpr (mayReach<Shape::palette, 4>)
    {
        loadWords(part.fourth, place.quad < quadsOf(matrix.fourth), locate<Shape>(matrix, fourthPlane<Shape>(matrix) + bitOffset));
    }
}

// The bytes of one line in two words, each in the low byte of a half; the high bytes are to be masked.
DEVICE u32 lineOf(u32 first, u32 second, int line) { return __byte_perm(first, second, (u32)(line * 0x11 | (4 + line) * 0x1100)); }

// Writes elements to the tile: (code - middle code) * scale, and with addends the middle's value more. A code left in the low bits of a half is a multiple of 2^-24, exactly.
// `even` holds the codes of fields 0 and 2 in each byte, `odd` those of fields 1 and 3, four bits each; with `high`, their upper four bits likewise.
template <class Shape, bool hasAddends, int words, bool isWide>
DEVICE void storeWords(const PackedMatrix& matrix, const LinePlan<Shape>& plan, int quad, int first, const u32 (&even)[words], const u32 (&odd)[words],
    const u32 (&highEven)[words], const u32 (&highOdd)[words], u16* tile, int stride)
{
    constexpr u32 sixteenth = 0x2c002c00, one = 0x3c003c00, minus = 0x80008000; // Two halves each.
    const uint4 multipliers = *(const uint4*)(plan.multipliers + 4 * quad), addends = *(const uint4*)(plan.addends + 4 * quad);
    const uint2 order = *(const uint2*)(plan.order + 4 * quad);
#pragma unroll
    for (int line = 0; line < QUAD_LINES; line++)
    {
        u32 multiplier = line == 0 ? multipliers.x : line == 1 ? multipliers.y : line == 2 ? multipliers.z : multipliers.w;
        u32 addend = line == 0 ? addends.x : line == 1 ? addends.y : line == 2 ? addends.z : addends.w;
        u32 middle = multiplyPairs(multiplier, (u32)middleCode(matrix, 4 * quad + line) * 0x10001u | minus);
        u32 upper = isWide ? multiplier : multiplyPairs(multiplier, sixteenth);
        u16* row = tile + ((line < 2 ? order.x : order.y) >> (line % 2 * 16) & 0xffff) * stride + first;
        if (!Shape::hasFull || 4 * quad + line < matrix.quantized)
        {
#pragma unroll
            for (int field = 0; field < 4; field++)
            {
                const u32(&source)[words] = field % 2 ? odd : even;
                const u32(&highSource)[words] = field % 2 ? highOdd : highEven;
                const u32 mask = field < 2 ? 0x000f000f : 0x00f000f0;
                u32 pairs[2];
#pragma unroll
                for (int pair = 0; pair < (words + 1) / 2; pair++)
                {
                    constexpr int next = words == 1 ? 0 : 1;
                    u32 codes = lineOf(source[2 * pair], source[2 * pair + next], line) & mask;
                    if constexpr (isWide)
                    {
                        u32 high = lineOf(highSource[2 * pair], highSource[2 * pair + next], line) & mask;
                        codes = field < 2 ? codes | high << 4 : codes >> 4 | high;
                    }

                    pairs[pair] = fuseHalves(codes, field < 2 ? multiplier : upper, middle);
                    pairs[pair] = hasAddends ? fuseHalves(pairs[pair], one, addend) : pairs[pair];
                }

                if constexpr (words == 4)
                {
                    *(uint2*)(row + field * (Shape::lineLength / 4)) = make_uint2(pairs[0], pairs[1]);
                }
                else
                {
                    row[field * (Shape::lineLength / 4)] = (u16)pairs[0];
                }
            }
        }
    }
}

// Writes a part's elements to the tile.
template <class Shape, bool hasAddends>
DEVICE void storePart(const PackedMatrix& matrix, const LinePlan<Shape>& plan, int index, const QuadPart<Shape>& part, u16* tile, int stride)
{
    constexpr int words = QuadPart<Shape>::words;
    const auto [quad, first, shift] = placeOf<Shape>(index);
    if (quad >= quadsOf(matrix.quantized))
    {
        return;
    }

    u32 even[words], odd[words];
#pragma unroll
    for (int i = 0; i < words; i++)
    {
        even[i] = part.low[i] & 0x33333333u;
        odd[i] = part.low[i] >> 2 & 0x33333333u;
        if constexpr (mayReach<Shape::palette, 3>)
        {
            even[i] |= part.third[i] << (2 - shift) & 0x44444444u;
            odd[i] |= part.third[i] >> shift & 0x44444444u;
        }

        if constexpr (mayReach<Shape::palette, 4>)
        {
            even[i] |= part.fourth[i] << (3 - shift) & 0x88888888u;
            odd[i] |= part.fourth[i] << (1 - shift) & 0x88888888u;
        }
    }

    if (mayReach<Shape::palette, 8> && quad < quadsOf(matrix.eight))
    {
        u32 highEven[words], highOdd[words];
        const u8* high = locate<Shape>(matrix, highPlane<Shape>(matrix) + quad * Shape::highBytes + first * 4);
        loadWords(highEven, true, high);
        loadWords(highOdd, true, high + Shape::lineLength);
        storeWords<Shape, hasAddends, words, true>(matrix, plan, quad, first, even, odd, highEven, highOdd, tile, stride);
    }
    else
    {
        storeWords<Shape, hasAddends, words, false>(matrix, plan, quad, first, even, odd, even, odd, tile, stride);
    }
}

// A matrix's parts, of which each thread takes every `threads`-th, so many at a time: those of the next matrix are on their way while this one's are unpacked.
template <class Shape, int threads>
struct TileParts
{
    static constexpr int total = Shape::lineCount / QUAD_LINES * QuadPart<Shape>::count;
    static constexpr int batch = total >= 2 * threads ? 2 : 1;
    QuadPart<Shape> parts[batch];
};

template <class Shape, int threads>
DEVICE void loadParts(const PackedMatrix& matrix, int first, TileParts<Shape, threads>& loaded)
{
#pragma unroll
    for (int i = 0; i < TileParts<Shape, threads>::batch; i++)
    {
        loadPart(matrix, first + (int)threadIdx.x + i * threads, loaded.parts[i]);
    }
}

// Fills a tile's quantized rows; the first parts are loaded.
template <bool hasAddends, class Shape, int threads>
DEVICE void fillQuantized(const PackedMatrix& matrix, const LinePlan<Shape>& plan, TileParts<Shape, threads>& loaded, u16* tile, int stride)
{
    typedef TileParts<Shape, threads> Parts;
#pragma unroll 1
    for (int first = 0; first < Parts::total; first += Parts::batch * threads)
    {
        if (first > 0)
        {
            loadParts(matrix, first, loaded);
        }

#pragma unroll
        for (int i = 0; i < Parts::batch; i++)
        {
            storePart<Shape, hasAddends>(matrix, plan, first + (int)threadIdx.x + i * threads, loaded.parts[i], tile, stride);
        }
    }
}

// Fills a tile's rows that are not quantized.
template <class Shape, int threads>
DEVICE void fillFull(const PackedMatrix& matrix, const LinePlan<Shape>& plan, int exponent, u16* tile, int stride)
{
    constexpr int length = Shape::lineLength;
    const Element* elements = (const Element*)locate<Shape>(matrix, fullLines<Shape>(matrix));
    float factor = powerOfTwo(-exponent);
    for (int i = (int)threadIdx.x; i < (Shape::lineCount - matrix.quantized) * length; i += threads)
    {
        tile[plan.order[matrix.quantized + i / length] * stride + i % length] = floatToHalf(toFloat(elements[i]) * factor);
    }
}
