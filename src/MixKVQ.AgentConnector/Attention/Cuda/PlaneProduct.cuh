// Products of a packed matrix and rows of halves by matrix units: sums[element][column] += code[line][element] * row[line][column], eight columns.
//
// A code of up to 10 bits that lies in the lower bits of a half is that half's value times 2^24: a subnormal number, which matrix units multiply exactly. Unpacking is thus
// masking alone. Rows are scaled so that products stay well within halves' range; whoever uses the sums multiplies by 2^24. Bits 4 to 7 are multiplied apart, with rows
// times 16.
//
// Lane = 4 g + c. In step k, lane (g, c) reads quad 4 k + c of a plane, of it the words that hold elements W g ... (W words of the low plane a lane). Byte l of a word is
// line l, so that a mask takes lines 0 and 2, as two halves of a register, and after a shift by 8 lines 1 and 3: slots 2c, 2c + 1 and 2c + 8, 2c + 9 of multiplyHalves.
// Field f of word i, for which slot s = words * f + i stands, holds element W g + i + f M / 4; its sums are too large by 4^f, the place at which the field lies.
#pragma once
#include "PackedMatrix.cuh"

#define STEP_LINES 16
#define ROW_COLUMNS 8
// Steps of which the low plane's words are loaded ahead.
#ifndef LOADED_STEPS
#define LOADED_STEPS 2
#endif
#define TIMES_16 0x4c004c00u

template <class Shape, int FirstWord, int Words>
struct PlaneProduct
{
    static constexpr int laneWords = (Shape::lineLength + 31) / 32;
    static constexpr int planeWords = Shape::lineLength / 4;
    static constexpr int bitWords = Shape::lineLength / 8;
    static constexpr int tiles = Words * 2;
    static constexpr int steps = (Shape::lineCount + STEP_LINES - 1) / STEP_LINES;
    static constexpr int loadedSteps = steps < LOADED_STEPS ? steps : LOADED_STEPS;
    static constexpr bool hasThird = mayReach(Shape::palette, 3);
    static constexpr bool hasFourth = mayReach(Shape::palette, 4);
    static constexpr bool isContiguous = Shape::lineLength % 32 == 0 && laneWords % Words == 0 && Words != 3;
    static constexpr bool isComplete = !Shape::hasFull && Shape::lineCount % STEP_LINES == 0;

    typedef float Sums[tiles][4];
    typedef u32 Loaded[loadedSteps][Words];

    // The element of slot s in lane (g, c), or one beyond the line.
    DEVICE int element(int slot, int g)
    {
        int word = FirstWord + slot % Words;
        int inPlane = laneWords * g + word;
        return word < laneWords && inPlane < planeWords ? inPlane + slot / Words * planeWords : Shape::lineLength;
    }

    // The sum of slot s and of the lane's column n, 0 or 1: columns 2c and 2c + 1.
    DEVICE float& at(Sums& sums, int slot, int n) { return sums[slot / 2][slot % 2 * 2 + n]; }

    DEVICE void clear(Sums& sums)
    {
        for (int tile = 0; tile < tiles; tile++)
        {
            sums[tile][0] = sums[tile][1] = sums[tile][2] = sums[tile][3] = 0;
        }
    }

    // The low plane's words of the first steps.
    DEVICE void load(Loaded& loaded, const PackedMatrix& matrix, int lane)
    {
        const u8* low = lowPlane<Shape>(matrix) + lane % 4 * Shape::lowBytes;
#pragma unroll
        for (int i = 0; i < loadedSteps; i++)
        {
            loadLow(loaded[i], low, i, quadsOf(matrix.quantized), lane);
        }
    }

    // Adds the product; `loaded` holds the first steps' words and is used up.
    DEVICE void add(Sums& sums, Loaded& loaded, const PackedMatrix& matrix, const u16* rows, int lane)
    {
        const u8* low = lowPlane<Shape>(matrix) + lane % 4 * Shape::lowBytes;
        const u8* third = thirdPlane<Shape>(matrix) + lane % 4 * Shape::bitBytes;
        const u8* fourth = fourthPlane<Shape>(matrix) + lane % 4 * Shape::bitBytes;
        int quads = quadsOf(matrix.quantized), thirdQuads = quadsOf(matrix.third), fourthQuads = quadsOf(matrix.fourth);
        u32 thirdBits[Words], fourthBits[Words];
        if (hasThird)
        {
            loadBits(thirdBits, third, 0, thirdQuads, lane);
        }

        if (hasFourth)
        {
            loadBits(fourthBits, fourth, 0, fourthQuads, lane);
        }

#pragma unroll 1
        for (int first = 0; first < steps; first += loadedSteps)
        {
#pragma unroll
            for (int i = 0; i < loadedSteps; i++)
            {
                int step = first + i;
                if (steps % loadedSteps != 0 && step >= steps)
                {
                    break;
                }

                u32 b[2];
                loadRows(b, rows, step, lane);
                if (hasThird && step * 4 < thirdQuads)
                {
                    u32 even[Words], odd[Words];
                    mergeThird(even, odd, loaded[i], thirdBits, lane);
                    loadLow(loaded[i], low, step + loadedSteps, quads, lane);
                    loadBits(thirdBits, third, step + 1, thirdQuads, lane);
                    u32 mask = 0x00070007;
                    if (hasFourth && step * 4 < fourthQuads)
                    {
                        if (step > 0)
                        {
                            loadBits(fourthBits, fourth, step, fourthQuads, lane);
                        }

                        mergeFourth(even, odd, fourthBits, lane);
                        mask = 0x000f000f;
                    }

                    multiply<2>(sums, even, odd, mask, b);
                }
                else
                {
                    multiply<0>(sums, loaded[i], loaded[i], 0x00030003, b);
                    loadLow(loaded[i], low, step + loadedSteps, quads, lane);
                }
            }
        }

        if (mayReach(Shape::palette, 8))
        {
            addHigh(sums, highPlane<Shape>(matrix) + lane % 4 * Shape::highBytes, matrix.eight, rows, lane);
        }
    }

private:
    // A step's words of the low plane, of which the lane's quad of step 0 is given.
    DEVICE void loadLow(u32 (&words)[Words], const u8* plane, int step, int quads, int lane)
    {
        const u8* quad = plane + step * (4 * Shape::lowBytes);
        if (isComplete && step < steps)
        {
            loadWords<false>(words, quad, true, lane / 4, 0);
        }
        else if (!isComplete)
        {
            loadWords<true>(words, quad, step * 4 + lane % 4 < quads, lane / 4, 0);
        }
    }

    // The same of a plane of one bit a code.
    DEVICE void loadBits(u32 (&words)[Words], const u8* plane, int step, int quads, int lane)
    {
        const u8* quad = plane + step * (4 * Shape::bitBytes);
        bool exists = step * 4 + lane % 4 < quads;
        if constexpr (isContiguous)
        {
            loadContiguous<true>(words, quad + (laneWords * (lane / 4 % 4) + FirstWord) * 4, exists);
        }
        else
        {
            for (int i = 0; i < Words; i++)
            {
                int word = laneWords * (lane / 4) + FirstWord + i;
                words[i] = exists && FirstWord + i < laneWords && word < planeWords ? loadWord(quad + word % bitWords * 4) : 0;
            }
        }
    }

    // Bits shifted so that bit 2 f of each byte is element W g + i + f M / 4: element e is bit e / (M / 8) of word e % (M / 8).
    DEVICE u32 aligned(const u32 (&bits)[Words], int i, int lane)
    {
        return bits[i] >> (isContiguous ? lane / 16 : laneWords * (lane / 4) + FirstWord + i >= bitWords ? 1 : 0);
    }

    // Even fields' codes come to their places, odd fields' 2 bits below; between them lies what masks remove.
    DEVICE void mergeThird(u32 (&even)[Words], u32 (&odd)[Words], const u32 (&low)[Words], const u32 (&bits)[Words], int lane)
    {
        for (int i = 0; i < Words; i++)
        {
            u32 bit = aligned(bits, i, lane);
            even[i] = selectBits(0x33333333, low[i], bit << 2);
            odd[i] = selectBits(0x33333333, low[i] >> 2, bit);
        }
    }

    DEVICE void mergeFourth(u32 (&even)[Words], u32 (&odd)[Words], const u32 (&bits)[Words], int lane)
    {
        for (int i = 0; i < Words; i++)
        {
            u32 bit = aligned(bits, i, lane);
            even[i] = selectBits(0x77777777, even[i], bit << 3);
            odd[i] = selectBits(0x77777777, odd[i], bit << 1);
        }
    }

    // The plane of bits 4 to 7.
    DEVICE void addHigh(Sums& sums, const u8* plane, int lines, const u16* rows, int lane)
    {
        int quads = quadsOf(lines);
#pragma unroll 1
        for (int step = 0; step * 4 < quads; step++)
        {
            const u8* quad = plane + step * (4 * Shape::highBytes);
            bool exists = step * 4 + lane % 4 < quads;
            u32 even[Words], odd[Words], b[2];
            loadWords<true>(even, quad, exists, lane / 4, 0);
            loadWords<true>(odd, quad, exists, lane / 4, planeWords);
            loadRows(b, rows, step, lane);
            b[0] = multiplyPairs(b[0], TIMES_16);
            b[1] = multiplyPairs(b[1], TIMES_16);
            multiply<2>(sums, even, odd, 0x000f000f, b);
        }
    }

    // Words of a quad, from one on; 0 where they do not exist, if they may not.
    template <bool mayLack>
    DEVICE void loadWords(u32 (&words)[Words], const u8* quad, bool exists, int g, int first)
    {
        const u8* at = quad + (first + laneWords * g + FirstWord) * 4;
        if constexpr (isContiguous)
        {
            loadContiguous<mayLack>(words, at, exists);
        }
        else
        {
            for (int i = 0; i < Words; i++)
            {
                words[i] = exists && FirstWord + i < laneWords && laneWords * g + FirstWord + i < planeWords ? loadWord(at + 4 * i) : 0;
            }
        }
    }

    template <bool mayLack>
    DEVICE void loadContiguous(u32 (&words)[Words], const u8* at, bool exists)
    {
        if (mayLack)
        {
            for (int i = 0; i < Words; i++)
            {
                words[i] = 0;
            }
        }

        if (!exists)
        {
            return;
        }

        if constexpr (Words == 4)
        {
            uint4 four = loadStreamed(at);
            words[0] = four.x;
            words[1] = four.y;
            words[2] = four.z;
            words[3] = four.w;
        }
        else if constexpr (Words == 2)
        {
            uint2 two = loadPair(at);
            words[0] = two.x;
            words[1] = two.y;
        }
        else
        {
            words[0] = loadWord(at);
        }
    }

    // A step's rows as multiplyHalves takes them: lines 0, 2 and 1, 3 of quad c.
    DEVICE void loadRows(u32 (&b)[2], const u16* rows, int step, int lane)
    {
        loadTransposed(b, rows + (step * STEP_LINES + lane % 8 * 2 + lane / 8 % 2) * ROW_COLUMNS);
    }

    // `odd` holds fields 1 and 3, `oddShift` bits below where they belong, `even` the others.
    template <int oddShift>
    DEVICE void multiply(Sums& sums, const u32 (&even)[Words], const u32 (&odd)[Words], u32 mask, const u32 (&b)[2])
    {
#pragma unroll
        for (int tile = 0; tile < tiles; tile++)
        {
            u32 a[4];
#pragma unroll
            for (int i = 0; i < 2; i++)
            {
                int slot = 2 * tile + i, field = slot / Words;
                u32 word = (field % 2 ? odd : even)[slot % Words];
                int shift = field % 2 ? oddShift : 0;
                a[i] = (word << shift) & (mask << (2 * field));
                a[2 + i] = (word >> (8 - shift)) & (mask << (2 * field));
            }

            multiplyHalves(sums[tile], a[0], a[1], a[2], a[3], b[0], b[1]);
        }
    }
};
