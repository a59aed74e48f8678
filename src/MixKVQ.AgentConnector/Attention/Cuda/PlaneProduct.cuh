// Products of a packed matrix and rows of halves by matrix units: sums[element][column] += code[line][element] * row[line][column], eight columns.
//
// A code of up to 10 bits that lies in the lower bits of a half is that half's value times 2^24: a subnormal number, which matrix units multiply exactly. Unpacking is thus
// masking alone. Rows are scaled so that products stay well within halves' range; whoever uses the sums multiplies by 2^24. Planes are multiplied one by one, with rows
// times 1, 4, 8 and 16.
//
// Lane = 4 g + c. In step k, lane (g, c) reads quad 4 k + c of a plane, of it the words that hold elements W g ... (W words of the low plane a lane). Byte l of a word is
// line l, so that a mask takes lines 0 and 2, as two halves of a register, and after a shift by 8 lines 1 and 3: slots 2c, 2c + 1 and 2c + 8, 2c + 9 of multiplyHalves.
// Field f of word i, for which slot s = words * f + i stands, holds element W g + i + f M / 4; its sums are too large by 4^f, the place at which the field lies.
#pragma once
#include "PackedMatrix.cuh"

#define STEP_LINES 16
#define ROW_COLUMNS 8
// Steps of which the low plane's words are loaded at once.
#define LOADED_STEPS 8
#define TIMES_4 0x44004400u
#define TIMES_8 0x48004800u
#define TIMES_16 0x4c004c00u

template <class Shape, int FirstWord, int Words>
struct PlaneProduct
{
    static constexpr int laneWords = (Shape::lineLength + 31) / 32;
    static constexpr int planeWords = Shape::lineLength / 4;
    static constexpr int tiles = Words * 2;
    static constexpr int steps = (Shape::lineCount + STEP_LINES - 1) / STEP_LINES;
    static constexpr int loadedSteps = steps < LOADED_STEPS ? steps : LOADED_STEPS;
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

    // The low plane's words of some steps.
    DEVICE void load(Loaded& loaded, const PackedMatrix& matrix, int firstStep, int lane)
    {
        const u8* plane = lowPlane<Shape>(matrix);
#pragma unroll
        for (int i = 0; i < loadedSteps; i++)
        {
            int quad = (firstStep + i) * 4 + lane % 4;
            loadWords<Shape::lowBytes>(loaded[i], plane, quad, isComplete || quad < quadsOf(matrix.quantized), lane / 4, 0, planeWords);
        }
    }

    // Adds the product of all planes; `loaded` holds the first steps' words and is used up.
    DEVICE void add(Sums& sums, Loaded& loaded, const PackedMatrix& matrix, const u16* rows, int lane)
    {
#pragma unroll
        for (int firstStep = 0; firstStep < steps; firstStep += loadedSteps)
        {
            if (firstStep > 0)
            {
                load(loaded, matrix, firstStep, lane);
            }

#pragma unroll
            for (int i = 0; i < loadedSteps && firstStep + i < steps; i++)
            {
                u32 b[2];
                loadRows(b, rows, firstStep + i, lane);
                multiply<0>(sums, loaded[i], loaded[i], 0x00030003, b);
            }
        }

        if (mayReach(Shape::palette, 3))
        {
            addBits(sums, thirdPlane<Shape>(matrix), matrix.third, TIMES_4, rows, lane);
        }

        if (mayReach(Shape::palette, 4))
        {
            addBits(sums, fourthPlane<Shape>(matrix), matrix.fourth, TIMES_8, rows, lane);
        }

        if (mayReach(Shape::palette, 8))
        {
            addHigh(sums, highPlane<Shape>(matrix), matrix.eight, rows, lane);
        }
    }

private:
    // A plane of one bit a code.
    DEVICE void addBits(Sums& sums, const u8* plane, int lines, u32 factor, const u16* rows, int lane)
    {
        int quads = quadsOf(lines);
        u32 next[Words];
        loadBits(next, plane, lane % 4, quads, lane / 4);
        for (int first = 0; first < quads; first += 4)
        {
            u32 bits[Words], b[2];
            for (int i = 0; i < Words; i++)
            {
                bits[i] = next[i];
            }

            loadBits(next, plane, first + 4 + lane % 4, quads, lane / 4);
            loadRows(b, rows, first / 4, lane);
            scaleRows(b, factor);
            multiply<0>(sums, bits, bits, 0x00010001, b);
        }
    }

    // The plane of bits 4 to 7.
    DEVICE void addHigh(Sums& sums, const u8* plane, int lines, const u16* rows, int lane)
    {
        int quads = quadsOf(lines);
        for (int first = 0; first < quads; first += 4)
        {
            int quad = first + lane % 4;
            u32 even[Words], odd[Words], b[2];
            loadWords<Shape::highBytes>(even, plane, quad, quad < quads, lane / 4, 0, planeWords);
            loadWords<Shape::highBytes>(odd, plane, quad, quad < quads, lane / 4, planeWords, planeWords);
            loadRows(b, rows, first / 4, lane);
            scaleRows(b, TIMES_16);
            multiply<2>(sums, even, odd, 0x000f000f, b);
        }
    }

    // Words that begin at a word of a quad; those beyond the quad or the lane's are 0.
    template <int quadBytes>
    DEVICE void loadWords(u32 (&words)[Words], const u8* plane, int quad, bool exists, int g, int first, int count)
    {
        const u8* at = plane + quad * quadBytes + (first + laneWords * g + FirstWord) * 4;
        if constexpr (isContiguous)
        {
            loadContiguous(words, at, exists);
        }
        else
        {
            for (int i = 0; i < Words; i++)
            {
                words[i] = exists && FirstWord + i < laneWords && laneWords * g + FirstWord + i < count ? loadWord(at + 4 * i) : 0;
            }
        }
    }

    // Words of a plane of bits, shifted so that bit 2 f of each byte is element W g + i + f M / 4: element e has bit e / (M / 8) of word e % (M / 8).
    DEVICE void loadBits(u32 (&words)[Words], const u8* plane, int quad, int quads, int g)
    {
        if constexpr (isContiguous)
        {
            loadContiguous(words, plane + quad * Shape::bitBytes + (laneWords * (g % 4) + FirstWord) * 4, quad < quads);
            for (int i = 0; i < Words; i++)
            {
                words[i] >>= g / 4;
            }
        }
        else
        {
            constexpr int half = planeWords / 2;
            for (int i = 0; i < Words; i++)
            {
                int word = laneWords * g + FirstWord + i;
                bool exists = quad < quads && FirstWord + i < laneWords && word < planeWords;
                words[i] = exists ? loadWord(plane + quad * Shape::bitBytes + (word < half ? word : word - half) * 4) >> (word < half ? 0 : 1) : 0;
            }
        }
    }

    DEVICE void loadContiguous(u32 (&words)[Words], const u8* at, bool exists)
    {
        for (int i = 0; i < Words; i++)
        {
            words[i] = 0;
        }

        if (exists && Words == 4)
        {
            uint4 four = loadStreamed(at);
            words[0] = four.x;
            words[1 % Words] = four.y;
            words[2 % Words] = four.z;
            words[3 % Words] = four.w;
        }
        else if (exists && Words == 2)
        {
            uint2 two = loadPair(at);
            words[0] = two.x;
            words[1 % Words] = two.y;
        }
        else if (exists)
        {
            words[0] = loadWord(at);
        }
    }

    // A step's rows as multiplyHalves takes them: lines 0, 2 and 1, 3 of quad c.
    DEVICE void loadRows(u32 (&b)[2], const u16* rows, int step, int lane)
    {
        loadTransposed(b, rows + (step * STEP_LINES + lane % 8 * 2 + lane / 8 % 2) * ROW_COLUMNS);
    }

    DEVICE void scaleRows(u32 (&b)[2], u32 factor)
    {
        b[0] = multiplyPairs(b[0], factor);
        b[1] = multiplyPairs(b[1], factor);
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
