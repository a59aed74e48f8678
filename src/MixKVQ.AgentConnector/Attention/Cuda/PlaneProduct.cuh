// Products of a packed matrix and rows of 16-bit integers by matrix units: sums += code[line][element] * row[line][head], four heads at a time, exactly.
//
// A word of a plane holds a code's bits of four lines, a line a byte, and of several elements, at other bits of each byte. Masked, it is four bytes of the matrix unit's first
// operand: unpacking is masking alone. A code whose bits begin at bit 4 of its byte counts 16 times, which whoever uses the sums takes back. Rows are 256 * high + low, two
// signed bytes, which stand in columns 2h and 2h + 1: a lane has both sums of the same head.
//
// Lane = 4 g + c. In step k, lane (g, c) reads quads 8 k + c and 8 k + c + 4 of a plane, of each the words that hold elements W g ... (W words of the low plane a lane).
// Field f of word i, for which slot s = words * f + i stands, holds element W g + i + f M / 4.
#pragma once
#include "IntegerRows.cuh"

template <class Shape, int FirstWord, int Words>
struct PlaneProduct
{
    static constexpr int laneWords = (Shape::lineLength + 31) / 32;
    static constexpr int planeWords = Shape::lineLength / 4;
    static constexpr int bitWords = Shape::lineLength / 8;
    static constexpr int tiles = Words * 2;
    static constexpr int slots = Words * 4;
    static constexpr int quads = Shape::lineCount / QUAD_LINES;
    static constexpr int steps = (quads + STEP_QUADS - 1) / STEP_QUADS;
    static constexpr bool hasThird = mayReach<Shape::palette, 3>;
    static constexpr bool hasFourth = mayReach<Shape::palette, 4>;
    static constexpr bool hasEight = mayReach<Shape::palette, 8>;
    static constexpr bool isContiguous = Shape::lineLength % 32 == 0 && laneWords % Words == 0 && Words != 3;
    static constexpr bool isComplete = !Shape::hasFull && quads % STEP_QUADS == 0;

    static constexpr bool isRolled = STAGE_BYTES > 0 && !Shape::staged; // What is seldom used leaves instruction caches to what is used.

    typedef int Sums[HEAD_SETS][tiles][4];

    // What is loaded a step ahead: words of the low plane and of bit 2, the latter only while a step before has lines with it.
    struct Ahead
    {
        u32 low[2][Words];
        u32 third[2][Words];
    };

    // The element of slot s in lane (g, c), or one beyond the line.
    DEVICE int element(int slot, int g)
    {
        int word = FirstWord + slot % Words;
        int inPlane = laneWords * g + word;
        return word < laneWords && inPlane < planeWords ? inPlane + slot / Words * planeWords : Shape::lineLength;
    }

    // Whether a slot's sums are 16 times what they stand for.
    DEVICE constexpr bool isRaised(int slot) { return slot >= 2 * Words; }

    // The sum of slot s and of head 4 * set + c.
    DEVICE int sum(const Sums& sums, int set, int slot) { return sums[set][slot / 2][slot % 2 * 2] * 256 + sums[set][slot / 2][slot % 2 * 2 + 1]; }

    DEVICE void clear(Sums& sums)
    {
        for (int set = 0; set < HEAD_SETS; set++)
        {
            for (int tile = 0; tile < tiles; tile++)
            {
                sums[set][tile][0] = sums[set][tile][1] = sums[set][tile][2] = sums[set][tile][3] = 0;
            }
        }
    }

    // Loads what the first step needs.
    DEVICE void loadAhead(Ahead& ahead, const PackedMatrix& matrix, int lane)
    {
        loadLow(ahead.low, matrix, 0, lane);
        if (hasThird)
        {
            loadBits(ahead.third, matrix, thirdPlane<Shape>(matrix), 0, quadsOf(matrix.third), lane);
        }
    }

    // Adds the product of all bits but 4 to 7; uses up what is loaded.
    DEVICE void add(Sums& sums, Ahead& ahead, const PackedMatrix& matrix, const QuadRow* rows, int lane)
    {
        u32 b[HEAD_SETS][2];
        loadRows(b, rows, 0, lane);
#pragma unroll (isRolled ? 1 : steps)
        for (int step = 0; step < steps; step++)
        {
            u32 even[2][Words], odd[2][Words], mask = 0x03030303;
            for (int i = 0; i < 2 * Words; i++)
            {
                even[i / Words][i % Words] = ahead.low[i / Words][i % Words];
                odd[i / Words][i % Words] = ahead.low[i / Words][i % Words] >> 2;
            }

            if (step + 1 < steps)
            {
                loadLow(ahead.low, matrix, step + 1, lane);
            }

            if (hasThird && step * STEP_QUADS < quadsOf(matrix.third))
            {
                mask = insertUpper(even, odd, ahead.third, matrix, step, lane);
            }

            u32 next[HEAD_SETS][2];
            if (step + 1 < steps)
            {
                loadRows(next, rows, step + 1, lane);
            }

            multiply(sums, even, odd, mask, b);
            for (int i = 0; i < 2 * HEAD_SETS; i++)
            {
                b[i / 2][i % 2] = next[i / 2][i % 2];
            }
        }
    }

    // Adds the product of bits 4 to 7, over 16.
    DEVICE void addHigh(Sums& sums, const PackedMatrix& matrix, const QuadRow* rows, int lane)
    {
        int plane = highPlane<Shape>(matrix) + lane % 4 * Shape::highBytes;
        int highQuads = quadsOf(matrix.eight);
#pragma unroll 1
        for (int step = 0; step * STEP_QUADS < highQuads; step++)
        {
            u32 even[2][Words], odd[2][Words];
            for (int half = 0; half < 2; half++)
            {
                int quad = step * STEP_QUADS + half * 4;
                bool exists = quad + lane % 4 < highQuads;
                loadWords<true>(even[half], matrix, plane + quad * Shape::highBytes, 0, exists, lane / 4);
                loadWords<true>(odd[half], matrix, plane + quad * Shape::highBytes + planeWords * 4, 0, exists, lane / 4);
            }

            u32 b[HEAD_SETS][2];
            loadRows(b, rows, step, lane);
            multiply(sums, even, odd, 0x0f0f0f0f, b);
        }
    }

private:
    // Bits 2 and 3 of a step's codes, beside their low bits; which bits are codes' then. Loads the next step's third bits.
    DEVICE u32 insertUpper(u32 (&even)[2][Words], u32 (&odd)[2][Words], u32 (&third)[2][Words], const PackedMatrix& matrix, int step, int lane)
    {
        bool some = hasFourth && step * STEP_QUADS < quadsOf(matrix.fourth);
        u32 bits[2][Words]; // Bit 2 f of each byte is bit 2 of field f.
        for (int i = 0; i < 2 * Words; i++)
        {
            bits[i / Words][i % Words] = third[i / Words][i % Words] >> bitShift(i % Words, lane);
        }

        if (step + 1 < steps)
        {
            loadBits(third, matrix, thirdPlane<Shape>(matrix), step + 1, quadsOf(matrix.third), lane);
        }

        if (some)
        {
            u32 fourth[2][Words];
            loadBits(fourth, matrix, fourthPlane<Shape>(matrix), step, quadsOf(matrix.fourth), lane);
            for (int i = 0; i < 2 * Words; i++)
            {
                bits[i / Words][i % Words] = selectBits(0x55555555, bits[i / Words][i % Words], fourth[i / Words][i % Words] << (1 - bitShift(i % Words, lane)));
            }
        }

        for (int i = 0; i < 2 * Words; i++)
        {
            u32 own = bits[i / Words][i % Words];
            even[i / Words][i % Words] = selectBits(0x33333333, even[i / Words][i % Words], own << 2);
            odd[i / Words][i % Words] = selectBits(0x33333333, odd[i / Words][i % Words], own);
        }

        return some ? 0x0f0f0f0f : 0x07070707;
    }

    // A step's words of the low plane.
    DEVICE void loadLow(u32 (&words)[2][Words], const PackedMatrix& matrix, int step, int lane)
    {
        int plane = lowPlane<Shape>(matrix) + lane % 4 * Shape::lowBytes, ownQuads = quadsOf(matrix.quantized) - lane % 4;
        for (int half = 0; half < 2; half++)
        {
            int quad = step * STEP_QUADS + half * 4;
            loadWords<!isComplete>(words[half], matrix, plane, quad * Shape::lowBytes, isComplete || quad < ownQuads, lane / 4);
        }
    }

    // By how much a word of a plane of one bit a code is shifted so that bit 2 f of each byte is element W g + i + f M / 4: element e is bit e / (M / 8) of word e % (M / 8).
    DEVICE int bitShift(int i, int lane)
    {
        return isContiguous ? lane / 16 : laneWords * (lane / 4) + FirstWord + i >= bitWords ? 1 : 0;
    }

    // A step's words of a plane of one bit a code, as they lie.
    DEVICE void loadBits(u32 (&words)[2][Words], const PackedMatrix& matrix, int plane, int step, int bitQuads, int lane)
    {
        plane += lane % 4 * Shape::bitBytes;
        for (int half = 0; half < 2; half++)
        {
            int quad = step * STEP_QUADS + half * 4, at = quad * Shape::bitBytes;
            bool exists = quad < bitQuads - lane % 4;
            if constexpr (isContiguous)
            {
                loadContiguous<true>(words[half], matrix, plane + (laneWords * (lane / 4 % 4) + FirstWord) * 4, at, exists);
            }
            else
            {
                for (int i = 0; i < Words; i++)
                {
                    int word = laneWords * (lane / 4) + FirstWord + i;
                    bool some = exists && FirstWord + i < laneWords && word < planeWords;
                    words[half][i] = some ? readWord<Shape>(matrix, plane + word % bitWords * 4, at) : 0;
                }
            }
        }
    }

    // A quad's words, `more` bytes after an offset that lanes differ in; 0 where they do not exist, if they may not.
    template <bool mayLack>
    DEVICE void loadWords(u32 (&words)[Words], const PackedMatrix& matrix, int offset, int more, bool exists, int g)
    {
        offset += (laneWords * g + FirstWord) * 4;
        if constexpr (isContiguous)
        {
            loadContiguous<mayLack>(words, matrix, offset, more, exists);
        }
        else
        {
            for (int i = 0; i < Words; i++)
            {
                words[i] = exists && FirstWord + i < laneWords && laneWords * g + FirstWord + i < planeWords ? readWord<Shape>(matrix, offset + 4 * i, more) : 0;
            }
        }
    }

    template <bool mayLack>
    DEVICE void loadContiguous(u32 (&words)[Words], const PackedMatrix& matrix, int offset, int more, bool exists)
    {
        if constexpr (Words == 4)
        {
            uint4 four = mayLack ? readVectorWhere<Shape>(exists, matrix, offset, more) : readVector<Shape>(matrix, offset, more);
            words[0] = four.x;
            words[1] = four.y;
            words[2] = four.z;
            words[3] = four.w;
        }
        else if constexpr (Words == 2)
        {
            uint2 two = exists ? readPair<Shape>(matrix, offset, more) : make_uint2(0, 0);
            words[0] = two.x;
            words[1] = two.y;
        }
        else
        {
            words[0] = exists ? readWord<Shape>(matrix, offset, more) : 0;
        }
    }

    // A step's second operands.
    DEVICE void loadRows(u32 (&b)[HEAD_SETS][2], const QuadRow* rows, int step, int lane)
    {
        for (int set = 0; set < HEAD_SETS; set++)
        {
            const QuadRow* row = rows + set * ROW_QUADS + step * STEP_QUADS + lane % 4;
            b[set][0] = row[0].words[lane / 4];
            b[set][1] = row[4].words[lane / 4];
        }
    }

    // A step's product; `even` holds fields 0 and 2, `odd` 1 and 3, at the same bits.
    DEVICE void multiply(Sums& sums, const u32 (&even)[2][Words], const u32 (&odd)[2][Words], u32 mask, const u32 (&b)[HEAD_SETS][2])
    {
#pragma unroll
        for (int tile = 0; tile < tiles; tile++)
        {
            u32 a[4];
#pragma unroll
            for (int i = 0; i < 2; i++)
            {
                int slot = 2 * tile + i;
                u32 own = isRaised(slot) ? mask << 4 : mask;
                a[i] = (slot / Words % 2 ? odd : even)[0][slot % Words] & own;
                a[2 + i] = (slot / Words % 2 ? odd : even)[1][slot % Words] & own;
            }

            for (int set = 0; set < HEAD_SETS; set++)
            {
                multiplyBytes(sums[set][tile], a[0], a[1], a[2], a[3], b[set][0], b[set][1]);
            }
        }
    }
};
