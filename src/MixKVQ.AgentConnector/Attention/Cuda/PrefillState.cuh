// What prefill attention's parts share. Constants beside those of PackedMatrix.cuh:
//     GROUP_SIZE, KV_HEADS   query heads of a KV head, and KV heads
//     CORRECT_BIAS           1 where half the variance of a logit's quantization error is taken off the logit
//     WARPS, ROW_TILES       warps of a block, and tiles of 16 rows that each takes
//     SHARED_BYTES           the block's shared memory
#pragma once
#include "PackedTile.cuh"

#define THREADS (WARPS * WARP)
#define WARP_ROWS (16 * ROW_TILES)
#define BLOCK_ROWS (WARPS * WARP_ROWS)
#define PADDED ((HEAD_DIM + 15) / 16 * 16)
#define CHANNEL_STRIDE (PADDED + 8)   // of a row of channels: odd in units of 16 bytes, so that rows meet different banks
#define TOKEN_STRIDE (PAGE_TOKENS + 8) // of a row of tokens; the last 8 are the key channel's middle in two halves, and the square of its step
#define VALUE_GROUPS (HEAD_DIM / VALUE_GROUP)
#define SPAN 64 // tokens whose logits are in registers together
#define LOG2_E 1.44269504088896340736f
#define NOTHING -1e30f // below every logit; finite, so that differences are numbers
#define HIDDEN bitsToFloat(0xff800000u)

struct PrefillArguments
{
    CacheSequence sequence;
    const void* queries; // [tokens, queryHeads, HEAD_DIM], float32 or Element
    void* output;        // like queries
    float* partials;     // [shares, KV_HEADS, rows, HEAD_DIM]
    float2* sums;        // [shares, KV_HEADS, rows]: largest logit, base 2, and the sum of weights relative to it
    float scale;
    int layer;
    int tokens;
    int shares;
    int areFloats; // whether queries and output are float32
};

struct Shared
{
    u16 queries[BLOCK_ROWS * CHANNEL_STRIDE];
    u16 keys[PADDED * TOKEN_STRIDE];
    u16 values[PAGE_TOKENS * CHANNEL_STRIDE];
    float rowFactors[BLOCK_ROWS];
    float scratch[WARPS];
    PackedMatrix keyMatrix, valueMatrices[VALUE_GROUPS];
    LinePlan<KeyMatrix> keyPlan;
    uint2 keyTerms[HEAD_DIM];
    LinePlan<ValueMatrix> valuePlans[VALUE_GROUPS];
};

static_assert(sizeof(Shared) <= SHARED_BYTES, "The host asks for too little shared memory.");

// What turns products of a piece's tiles into logits and outputs.
struct Piece
{
    int tokens;
    bool isPacked;
    int keyExponent, valueExponent;
    float middleFactor, biasFactor;
};

// A warp's rows: outputs, times 2^-exponent, and running largest logits and sums. Lane (g, c) holds rows g and g + 8 of each tile.
struct Rows
{
    float outputs[ROW_TILES][PADDED / 8][4];
    float largest[ROW_TILES][2], sums[ROW_TILES][2], factors[ROW_TILES][2];
    int exponent;
};

DEVICE int rowCount(const PrefillArguments& arguments) { return arguments.tokens * GROUP_SIZE; }

// Where a row's query and output begin.
DEVICE long long rowOffset(int head, int row)
{
    return (((long long)(row / GROUP_SIZE) * KV_HEADS + head) * GROUP_SIZE + row % GROUP_SIZE) * HEAD_DIM;
}

// Where lane l points to for 16 x 16 halves: row l % 16, column 8 * (l / 16).
DEVICE int laneOffset(int stride) { return (int)threadIdx.x % 16 * stride + (int)threadIdx.x % WARP / 16 * 8; }
