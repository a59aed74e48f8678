// Products of a packed matrix and rows of signed bytes by matrix units, in whole numbers: sums[element][column] += code[line][element] * row[line][column].
//
// A number of a row is two bytes, value = 256 high + low, in two columns (see LineRows.cuh); products are exact. Codes are unsigned bytes, taken from the planes by masks
// alone: a word's four bytes are a quad's four lines, as matrix units take them.
//
// Lane = 4 g + c. In step k, lane (g, c) reads quads 8 k + c and 8 k + 4 + c of a plane, of each the words that hold elements W g ... (W words of the low plane a lane).
// Field f of word i, for which slot s = words * f + i stands, holds element W g + i + f M / 4. Fields 2 and 3 stay in the upper half of a byte: their sums are 16 times as
// large.
#pragma once
#include "PackedMatrix.cuh"

#define STEP_LINES 32
#define STEP_QUADS 8
#define UPPER_FIELDS 16
// Steps of which the low plane's words are loaded ahead.
#ifndef LOADED_STEPS
#define LOADED_STEPS 2
#endif

template <class Shape, int FirstWord, int Words, int ColumnTiles>
struct PlaneProduct
{
    static constexpr int laneWords = (Shape::lineLength + 31) / 32;
    static constexpr int planeWords = Shape::lineLength / 4;
    static constexpr int bitWords = Shape::lineLength / 8;
    static constexpr int tiles = Words * 2;
    static constexpr int slots = Words * 4;
    static constexpr int steps = (Shape::lineCount + STEP_LINES - 1) / STEP_LINES;
    static constexpr int loadedSteps = steps < LOADED_STEPS ? steps : LOADED_STEPS;
    static constexpr int columns = 8 * ColumnTiles;
    static constexpr bool hasThird = mayReach(Shape::palette, 3);
    static constexpr bool hasFourth = mayReach(Shape::palette, 4);
    static constexpr bool isContiguous = Shape::lineLength % 32 == 0 && laneWords % Words == 0 && Words != 3;
    static constexpr bool isComplete = !Shape::hasFull && Shape::lineCount % STEP_LINES == 0;

    typedef int Sums[ColumnTiles][tiles][4];
    // A step's words: of quads 8 k + c and 8 k + 4 + c.
    typedef u32 Step[2][Words];

    // What is loaded ahead: the first steps' words of the low plane, and step 0's of bit 2.
    struct Loaded
    {
        Step low[loadedSteps];
        Step third;
    };

    // The element of slot s in lane (g, c), or one beyond the line.
    DEVICE int element(int slot, int g)
    {
        int word = FirstWord + slot % Words;
        int inPlane = laneWords * g + word;
        return word < laneWords && inPlane < planeWords ? inPlane + slot / Words * planeWords : Shape::lineLength;
    }

    // The sum of slot s and of the lane's head of a tile of columns: head 4 tile + c, whose high bytes are column 2 c of the tile and low bytes the next.
    DEVICE float at(const Sums& sums, int columnTile, int slot)
    {
        const int* pair = sums[columnTile][slot / 2] + slot % 2 * 2;
        return mayReach(Shape::palette, 8) ? (float)pair[0] * 256 + (float)pair[1] : (float)(pair[0] * 256 + pair[1]);
    }

    DEVICE bool isUpper(int slot) { return slot / Words >= 2; }

    DEVICE void clear(Sums& sums)
    {
        for (int i = 0; i < ColumnTiles * tiles; i++)
        {
            int* four = sums[i / tiles][i % tiles];
            four[0] = four[1] = four[2] = four[3] = 0;
        }
    }

    // Loads from the low plane; needs no counts where no line can be full.
    DEVICE void loadLow(Loaded& loaded, const PackedMatrix& matrix, int lane)
    {
        const u8* low = laneQuad(lowPlane<Shape>(matrix), Shape::lowBytes, lane);
#pragma unroll
        for (int step = 0; step < loadedSteps; step++)
        {
            loadLow(loaded.low[step], low, step, quadsOf(matrix.quantized), lane);
        }
    }

    DEVICE void loadThird(Loaded& loaded, const PackedMatrix& matrix, int lane)
    {
        if (hasThird)
        {
            loadBits(loaded.third, laneQuad(thirdPlane<Shape>(matrix), Shape::bitBytes, lane), 0, quadsOf(matrix.third), lane);
        }
    }

    // Adds the product; `loaded` is used up.
    DEVICE void add(Sums& sums, Loaded& loaded, const PackedMatrix& matrix, const u32 (*rows)[columns], int lane)
    {
        if (mayReach(Shape::palette, 8) && matrix.eight > 0)
        {
            addHigh(sums, matrix, rows, lane);
        }

        const u8* low = laneQuad(lowPlane<Shape>(matrix), Shape::lowBytes, lane);
        const u8* third = laneQuad(thirdPlane<Shape>(matrix), Shape::bitBytes, lane);
        const u8* fourth = laneQuad(fourthPlane<Shape>(matrix), Shape::bitBytes, lane);
        int quads = quadsOf(matrix.quantized), thirdQuads = quadsOf(matrix.third), fourthQuads = quadsOf(matrix.fourth);
        Step fourthBits;
        if (hasFourth)
        {
            loadBits(fourthBits, fourth, 0, fourthQuads, lane);
        }

#pragma unroll
        for (int step = 0; step < steps; step++)
        {
            Step& words = loaded.low[step % loadedSteps];
            Step even, odd;
            u32 mask = 0x03030303;
            if (hasThird && step * STEP_QUADS < thirdQuads)
            {
                mergeThird(even, odd, words, loaded.third, lane);
                loadBits(loaded.third, third, step + 1, thirdQuads, lane);
                mask = 0x07070707;
                if (hasFourth && step * STEP_QUADS < fourthQuads)
                {
                    mergeFourth(even, odd, fourthBits, lane);
                    loadBits(fourthBits, fourth, step + 1, fourthQuads, lane);
                    mask = 0x0f0f0f0f;
                }
            }
            else
            {
                for (int i = 0; i < 2 * Words; i++)
                {
                    even[i / Words][i % Words] = words[i / Words][i % Words];
                    odd[i / Words][i % Words] = words[i / Words][i % Words] >> 2;
                }
            }

            if (step + loadedSteps < steps)
            {
                loadLow(words, low, step + loadedSteps, quads, lane);
            }

            multiply(sums, even, odd, mask, rows, step, lane);
        }
    }

private:
    // The lane's quad of step 0 of a plane.
    DEVICE const u8* laneQuad(const u8* plane, int quadBytes, int lane) { return plane + lane % 4 * quadBytes; }

    DEVICE bool exists(int step, int half, int quads, int lane) { return step * STEP_QUADS + half * 4 + lane % 4 < quads; }

    // The plane of bits 4 to 7.
    DEVICE void addHigh(Sums& sums, const PackedMatrix& matrix, const u32 (*rows)[columns], int lane)
    {
        const u8* high = laneQuad(highPlane<Shape>(matrix), Shape::highBytes, lane);
        int quads = quadsOf(matrix.eight);
#pragma unroll 1
        for (int step = 0; step * STEP_QUADS < quads; step++)
        {
            Step even, odd;
            for (int half = 0; half < 2; half++)
            {
                const u8* quad = high + (step * STEP_QUADS + half * 4) * Shape::highBytes;
                loadWords<true>(even[half], quad, exists(step, half, quads, lane), lane / 4, 0);
                loadWords<true>(odd[half], quad, exists(step, half, quads, lane), lane / 4, planeWords);
            }

            multiply(sums, even, odd, 0x0f0f0f0f, rows, step, lane);
        }

        for (int i = 0; i < ColumnTiles * tiles * 4; i++)
        {
            sums[i / (tiles * 4)][i / 4 % tiles][i % 4] *= 16;
        }
    }

    DEVICE void loadLow(Step& words, const u8* low, int step, int quads, int lane)
    {
        for (int half = 0; half < 2; half++)
        {
            loadWords<!isComplete>(words[half], low + (step * STEP_QUADS + half * 4) * Shape::lowBytes, isComplete || exists(step, half, quads, lane), lane / 4, 0);
        }
    }

    // A step's words of a plane of one bit a code, as they lie.
    DEVICE void loadBits(Step& words, const u8* plane, int step, int quads, int lane)
    {
        for (int half = 0; half < 2; half++)
        {
            const u8* quad = plane + (step * STEP_QUADS + half * 4) * Shape::bitBytes;
            bool exist = exists(step, half, quads, lane);
            if constexpr (isContiguous)
            {
                loadContiguous<true>(words[half], quad + (laneWords * (lane / 4 % 4) + FirstWord) * 4, exist);
            }
            else
            {
                for (int i = 0; i < Words; i++)
                {
                    int word = laneWords * (lane / 4) + FirstWord + i;
                    words[half][i] = exist && FirstWord + i < laneWords && word < planeWords ? readWord(quad + word % bitWords * 4) : 0;
                }
            }
        }
    }

    // Bits shifted so that bit 2 f of each byte is element W g + i + f M / 4: element e is bit e / (M / 8) of word e % (M / 8).
    DEVICE u32 aligned(u32 bits, int i, int lane)
    {
        return bits >> (isContiguous ? lane / 16 : laneWords * (lane / 4) + FirstWord + i >= bitWords ? 1 : 0);
    }

    // Bit 2 joins the low ones: even fields in one word, odd ones, moved to even places, in the other. Bits 3 and 7 are left undefined.
    DEVICE void mergeThird(Step& even, Step& odd, const Step& low, const Step& bits, int lane)
    {
        for (int i = 0; i < 2 * Words; i++)
        {
            u32 word = low[i / Words][i % Words], bit = aligned(bits[i / Words][i % Words], i % Words, lane);
            even[i / Words][i % Words] = selectBits(0x33333333, word, bit << 2);
            odd[i / Words][i % Words] = selectBits(0x33333333, word >> 2, bit);
        }
    }

    DEVICE void mergeFourth(Step& even, Step& odd, const Step& bits, int lane)
    {
        for (int i = 0; i < 2 * Words; i++)
        {
            u32 bit = aligned(bits[i / Words][i % Words], i % Words, lane);
            u32& first = even[i / Words][i % Words];
            u32& second = odd[i / Words][i % Words];
            first = selectBits(0x77777777, first, bit << 3);
            second = selectBits(0x77777777, second, bit << 1);
        }
    }

    // Words of a quad, from one on; 0 where they do not exist, if they may not.
    template <bool mayLack>
    DEVICE void loadWords(u32 (&words)[Words], const u8* quad, bool exist, int g, int first)
    {
        const u8* at = quad + (first + laneWords * g + FirstWord) * 4;
        if constexpr (isContiguous)
        {
            loadContiguous<mayLack>(words, at, exist);
        }
        else
        {
            for (int i = 0; i < Words; i++)
            {
                words[i] = exist && FirstWord + i < laneWords && laneWords * g + FirstWord + i < planeWords ? readWord(at + 4 * i) : 0;
            }
        }
    }

    template <bool mayLack>
    DEVICE void loadContiguous(u32 (&words)[Words], const u8* at, bool exist)
    {
        if (mayLack)
        {
            for (int i = 0; i < Words; i++)
            {
                words[i] = 0;
            }
        }

        if (mayLack && !exist)
        {
            return;
        }

        if constexpr (Words == 4)
        {
            uint4 four = readVector(at);
            words[0] = four.x;
            words[1] = four.y;
            words[2] = four.z;
            words[3] = four.w;
        }
        else if constexpr (Words == 2)
        {
            uint2 two = readPair(at);
            words[0] = two.x;
            words[1] = two.y;
        }
        else
        {
            words[0] = readWord(at);
        }
    }

    // `mask` takes field 0 of a word, and 16 times as much field 2.
    DEVICE void multiply(Sums& sums, const Step& even, const Step& odd, u32 mask, const u32 (*rows)[columns], int step, int lane)
    {
        const u32* first = rows[step * STEP_QUADS + lane % 4] + lane / 4;
        const u32* second = first + 4 * columns;
        u32 b[ColumnTiles][2];
        for (int columnTile = 0; columnTile < ColumnTiles; columnTile++)
        {
            b[columnTile][0] = first[8 * columnTile];
            b[columnTile][1] = second[8 * columnTile];
        }

#pragma unroll
        for (int tile = 0; tile < tiles; tile++)
        {
            u32 a[4];
#pragma unroll
            for (int i = 0; i < 4; i++)
            {
                int slot = 2 * tile + i % 2, field = slot / Words;
                u32 word = (field % 2 ? odd : even)[i / 2][slot % Words];
                a[i] = word & (field >= 2 ? mask << 4 : mask);
            }

            for (int columnTile = 0; columnTile < ColumnTiles; columnTile++)
            {
                multiplyBytes(sums[columnTile][tile], a[0], a[1], a[2], a[3], b[columnTile][0], b[columnTile][1]);
            }
        }
    }
};
