// The second operand of products of packed matrices: rows of 16-bit integers, in the storage order of a matrix's lines.
//     GROUP_SIZE   query heads of a KV head
#pragma once
#include "PackedMatrix.cuh"

// A block's heads: all of a KV head's, or eight of them; multiplied four at a time.
#define MOST_HEADS 8
#define SET_HEADS 4
#define HEAD_TILES ((GROUP_SIZE + MOST_HEADS - 1) / MOST_HEADS)
#define TILE_HEADS (GROUP_SIZE < MOST_HEADS ? GROUP_SIZE : MOST_HEADS)
#define HEAD_SETS (TILE_HEADS <= SET_HEADS ? 1 : 2)
#define QUERY_COLUMNS (HEAD_SETS * SET_HEADS)

// Quads that a step of a product takes.
#define STEP_QUADS 8

template <int x, int y> constexpr int largerOf = x > y ? x : y;

constexpr int ROW_QUADS = largerOf<(HEAD_DIM / QUAD_LINES + STEP_QUADS - 1) / STEP_QUADS * STEP_QUADS, PAGE_TOKENS / QUAD_LINES>;

// Rows of a quad's four lines, a line a byte: upper and lower byte of head h in words 2h and 2h + 1.
struct __align__(16) QuadRow
{
    u32 words[2 * SET_HEADS];
};

// What rows are times, as a power of two: their magnitude is then at most 32639, the largest with two signed bytes, even where a rounded scale is above the largest.
#define ROW_EXPONENT 14.98046875f
#define ROW_UNIT 3.0933535e-5f

// Added to a float, leaves its nearest integer plus 128 in the lower bits.
#define TO_INTEGER 12583040.0f

// A head's rows of four lines, as TO_INTEGER leaves them: 256 * upper + lower, both signed.
DEVICE void splitRow(u32& upper, u32& lower, const u32 (&lines)[QUAD_LINES])
{
    u32 first = __byte_perm(lines[0], lines[1], 0x5140), second = __byte_perm(lines[2], lines[3], 0x5140);
    upper = __byte_perm(first, second, 0x7632);
    lower = __byte_perm(first, second, 0x5410) ^ 0x80808080;
}
