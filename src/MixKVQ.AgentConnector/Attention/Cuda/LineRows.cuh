// What a matrix's lines are multiplied with, queries or weights times scales, as rows of bytes for matrix units, in storage order.
// A head's numbers are whole multiples of a unit, 256 high + low, with high and low from -128 to 127; the unit follows from the head's largest of the page.
#pragma once
#include "PlaneProduct.cuh"

// A head's largest multiple is at least 2^13 and under 2^14.
#define MULTIPLE_EXPONENT 13
// Adding it rounds to a whole number, which then stands in the lower bits, with 128 more.
#define ROUNDING (12582912.0f + 128)

// Four codes, two in a word.
struct LineCodes
{
    u32 words[2];
};

// Codes of places `firstPlace` ... + 3, of one or two bytes in the table; 0 from `count` on.
template <bool isAligned>
DEVICE LineCodes readCodes(const u8* table, int bytes, int firstPlace, int count)
{
    LineCodes codes = {{0, 0}};
    if constexpr (isAligned)
    {
        if (firstPlace >= count)
        {
            return codes;
        }

        if (bytes == 1)
        {
            u32 four = readWord(table + firstPlace);
            codes = {{__byte_perm(four, 0, 0x4140), __byte_perm(four, 0, 0x4342)}};
        }
        else
        {
            codes = {{readWord(table + firstPlace * 2), readWord(table + firstPlace * 2 + 4)}};
        }
    }
    else
    {
        for (int i = 0; i < QUAD_LINES && firstPlace + i < count; i++)
        {
            codes.words[i / 2] |= codeAt(table, firstPlace + i, bytes) << (i % 2 * 16);
        }
    }

    return codes;
}

DEVICE u32 codeOf(const LineCodes& codes, int i) { return (codes.words[i / 2] >> (i % 2 * 16)) & 0xffff; }

// A matrix as far as it is read before its planes: a lane has codes of places 128 chunk + 4 lane ... + 3.
template <class Shape>
struct OpenMatrix
{
    PackedMatrix matrix;
    LineCodes scales[Shape::chunks];
    LineCodes zeros[Shape::chunks];
};

// Rows of tables of numbers by line lie at these places, so that a warp's lanes reach them in different banks.
DEVICE int tableRow(int line) { return line ^ ((line >> 3) & 3); }

// Reads what follows the units; writes the table row of the line at each place.
template <class Shape>
DEVICE void readLines(OpenMatrix<Shape>& open, u16* order, int lane)
{
    constexpr bool isAligned = !Shape::hasFull && Shape::widthBytes % 4 == 0;
    int places[Shape::chunks * QUAD_LINES];
    readWidths<Shape>(open.matrix, lane, places);
    for (int i = 0; i < Shape::chunks * QUAD_LINES; i++)
    {
        int line = i / QUAD_LINES * CHUNK_LINES + lane * QUAD_LINES + i % QUAD_LINES;
        if (Shape::lineCount % CHUNK_LINES == 0 || line < Shape::lineCount)
        {
            order[places[i]] = (u16)tableRow(line);
        }
    }

    if (Shape::hasQuantized)
    {
        for (int chunk = 0; chunk < Shape::chunks; chunk++)
        {
            int first = chunk * CHUNK_LINES + lane * QUAD_LINES;
            open.scales[chunk] = readCodes<isAligned>(scaleCodes<Shape>(open.matrix), Shape::scaleBytes, first, open.matrix.quantized);
            open.zeros[chunk] = readCodes<isAligned>(zeroCodes<Shape>(open.matrix), open.matrix.zeroBytes, first, open.matrix.quantized);
        }
    }
}

// Writes a matrix's rows: numbers by line and head, times scales. A head's high bytes stand in column 2 head, its low bytes in the next.
//     zeroSums, squares: gain the lane's sums of number * zero and, if wanted, (number * scale)^2, scales relative to the matrix's largest
//     units: become each head's unit, over the matrix's largest scale
template <class Shape, int Heads, bool wantsSquares>
DEVICE void foldLines(u32 (*rows)[2 * Heads], const OpenMatrix<Shape>& open, const float (*table)[Heads], const u16* order, float (&zeroSums)[Heads], float (&squares)[Heads],
    float (&units)[Heads], int lane)
{
    float numbers[Shape::chunks][QUAD_LINES][Heads], largest[Heads];
    for (int head = 0; head < Heads; head++)
    {
        largest[head] = 0;
    }

    u32 tableRows[Shape::chunks][QUAD_LINES];
    for (int chunk = 0; chunk < Shape::chunks; chunk++)
    {
        uint2 four = ((const uint2*)order)[chunk * WARP + lane];
        tableRows[chunk][0] = four.x & 0xffff;
        tableRows[chunk][1] = four.x >> 16;
        tableRows[chunk][2] = four.y & 0xffff;
        tableRows[chunk][3] = four.y >> 16;
    }

#pragma unroll
    for (int i = 0; i < Shape::chunks * QUAD_LINES; i++)
    {
        int chunk = i / QUAD_LINES, place = chunk * CHUNK_LINES + lane * QUAD_LINES + i % QUAD_LINES;
        bool quantized = (Shape::lineCount % CHUNK_LINES == 0 && !Shape::hasFull) || place < open.matrix.quantized;
        float scale = quantized ? relativeScale<Shape>(open.matrix, codeOf(open.scales[chunk], i % QUAD_LINES), 0) : 0;
        float zero = quantized ? open.matrix.zeroOrigin + open.matrix.zeroUnit * (float)codeOf(open.zeros[chunk], i % QUAD_LINES) : 0;
        const float* own = table[quantized ? tableRows[chunk][i % QUAD_LINES] : 0];
        for (int head = 0; head < Heads; head++)
        {
            float number = own[head] * scale;
            zeroSums[head] += own[head] * zero;
            squares[head] += wantsSquares ? number * number : 0;
            largest[head] = fmaxf(largest[head], fabsf(number));
            numbers[chunk][i % QUAD_LINES][head] = number;
        }
    }

    u32 columns[Shape::chunks][2 * Heads];
#pragma unroll
    for (int head = 0; head < Heads; head++)
    {
        // The unit is a power of two.
        u32 exponent = largestOfWarp(floatToBits(largest[head])) >> 23;
        exponent = exponent < 32 ? 32 : exponent;
        float factor = bitsToFloat((254 + MULTIPLE_EXPONENT - exponent) << 23);
        units[head] = bitsToFloat((exponent - MULTIPLE_EXPONENT) << 23);
        for (int chunk = 0; chunk < Shape::chunks; chunk++)
        {
            u32 multiples[QUAD_LINES];
            for (int i = 0; i < QUAD_LINES; i++)
            {
                multiples[i] = floatToBits(numbers[chunk][i][head] * factor + ROUNDING);
            }

            // Low bytes are 128 too large, which is their sign bit.
            u32 first = __byte_perm(multiples[0], multiples[1], 0x5410), second = __byte_perm(multiples[2], multiples[3], 0x5410);
            columns[chunk][2 * head] = __byte_perm(first, second, 0x7531);
            columns[chunk][2 * head + 1] = __byte_perm(first, second, 0x6420) ^ 0x80808080;
        }
    }

    for (int chunk = 0; chunk < Shape::chunks; chunk++)
    {
        uint4* row = (uint4*)rows[chunk * WARP + lane];
#pragma unroll
        for (int i = 0; i < 2 * Heads; i += 4)
        {
            row[i / 4] = {columns[chunk][i], columns[chunk][i + 1], columns[chunk][i + 2], columns[chunk][i + 3]};
        }
    }
}
