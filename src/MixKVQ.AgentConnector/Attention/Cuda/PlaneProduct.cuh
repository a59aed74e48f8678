// Products of a packed matrix and rows of signed bytes by matrix units, in whole numbers: sums[element][column] += code[line][element] * row[line][column].
//
// A number of a row is two bytes, value = 256 high + low, in two columns (see LineRows.cuh); products are exact. Codes are unsigned bytes, taken from the planes by masks
// alone: a word's four bytes are a quad's four lines, as matrix units take them.
// Columns of a matrix unit's tile are 2 c and 2 c + 1 of lane (g, c), rows elements of slots; see PlaneWords.cuh. Fields 2 and 3 stay in the upper half of a byte: their sums
// are 16 times as large.
#pragma once
#include "PlaneWords.cuh"

#define UPPER_FIELDS 16
// Steps of which the low plane's words are loaded ahead.
#ifndef LOADED_STEPS
#define LOADED_STEPS 2
#endif

template <class Shape, int FirstWord, int Words, int ColumnTiles>
struct PlaneProduct
{
    typedef PlaneWords<Shape, FirstWord, Words> Plane;
    typedef typename Plane::Step Step;

    static constexpr int tiles = Words * 2;
    static constexpr int steps = Plane::steps;
    static constexpr int loadedSteps = steps < LOADED_STEPS ? steps : LOADED_STEPS;
    static constexpr int columns = 8 * ColumnTiles;
    static constexpr bool hasThird = mayReach<Shape::palette, 3>;
    static constexpr bool hasFourth = mayReach<Shape::palette, 4>;

    typedef int Sums[ColumnTiles][tiles][4];

    // What is loaded ahead: the first steps' words of the low plane, and step 0's of bit 2.
    struct Loaded
    {
        Step low[loadedSteps];
        Step third;
    };

    // The sum of slot s and of the lane's head of a tile of columns: head 4 tile + c, whose high bytes are column 2 c of the tile and low bytes the next.
    DEVICE float at(const Sums& sums, int columnTile, int slot)
    {
        const int* pair = sums[columnTile][slot / 2] + slot % 2 * 2;
        return mayReach<Shape::palette, 8> ? (float)pair[0] * 256 + (float)pair[1] : (float)(pair[0] * 256 + pair[1]);
    }

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
        const u8* low = Plane::laneQuad(lowPlane<Shape>(matrix), Shape::lowBytes, lane);
#pragma unroll
        for (int step = 0; step < loadedSteps; step++)
        {
            Plane::loadLow(loaded.low[step], low, step, quadsOf(matrix.quantized), lane);
        }
    }

    DEVICE void loadThird(Loaded& loaded, const PackedMatrix& matrix, int lane)
    {
        if (hasThird)
        {
            Plane::loadBits(loaded.third, Plane::laneQuad(thirdPlane<Shape>(matrix), Shape::bitBytes, lane), 0, quadsOf(matrix.third), lane);
        }
    }

    // Adds the product; `loaded` is used up.
    DEVICE void add(Sums& sums, Loaded& loaded, const PackedMatrix& matrix, const u32 (*rows)[columns], int lane)
    {
        if (mayReach<Shape::palette, 8> && matrix.eight > 0)
        {
            addHigh(sums, matrix, rows, lane);
        }

        const u8* low = Plane::laneQuad(lowPlane<Shape>(matrix), Shape::lowBytes, lane);
        const u8* third = Plane::laneQuad(thirdPlane<Shape>(matrix), Shape::bitBytes, lane);
        const u8* fourth = Plane::laneQuad(fourthPlane<Shape>(matrix), Shape::bitBytes, lane);
        int quads = quadsOf(matrix.quantized), thirdQuads = quadsOf(matrix.third), fourthQuads = quadsOf(matrix.fourth);
        Step fourthBits;
        if (hasFourth)
        {
            Plane::loadBits(fourthBits, fourth, 0, fourthQuads, lane);
        }

#pragma unroll
        for (int step = 0; step < steps; step++)
        {
            Step& words = loaded.low[step % loadedSteps];
            Step even, odd;
            u32 mask = 0x03030303;
            if (hasThird && step * STEP_QUADS < thirdQuads)
            {
                Plane::mergeThird(even, odd, words, loaded.third, lane);
                Plane::loadBits(loaded.third, third, step + 1, thirdQuads, lane);
                mask = 0x07070707;
                if (hasFourth && step * STEP_QUADS < fourthQuads)
                {
                    Plane::mergeFourth(even, odd, fourthBits, lane);
                    Plane::loadBits(fourthBits, fourth, step + 1, fourthQuads, lane);
                    mask = 0x0f0f0f0f;
                }
            }
            else
            {
                Plane::split(even, odd, words);
            }

            if (step + loadedSteps < steps)
            {
                Plane::loadLow(words, low, step + loadedSteps, quads, lane);
            }

            multiply(sums, even, odd, mask, rows, step, lane);
        }
    }

private:
    // The plane of bits 4 to 7.
    DEVICE void addHigh(Sums& sums, const PackedMatrix& matrix, const u32 (*rows)[columns], int lane)
    {
        const u8* high = Plane::laneQuad(highPlane<Shape>(matrix), Shape::highBytes, lane);
        int quads = quadsOf(matrix.eight);
#pragma unroll 1
        for (int step = 0; step * STEP_QUADS < quads; step++)
        {
            Step even, odd;
            Plane::loadHigh(even, odd, high, step, quads, lane);
            multiply(sums, even, odd, 0x0f0f0f0f, rows, step, lane);
        }

        for (int i = 0; i < ColumnTiles * tiles * 4; i++)
        {
            sums[i / (tiles * 4)][i / 4 % tiles][i % 4] *= 16;
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
