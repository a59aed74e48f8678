// What decode attention's parts share: the arguments, a block's memory, and the running state of a softmax.
//     KV_HEADS       KV heads
//     CORRECT_BIAS   1 where half the variance of a logit's quantization error is taken off the logit
//     WARPS, BLOCKS  warps of a block, and blocks that a multiprocessor has room for
#pragma once
#include "PlaneProduct.cuh"

#define THREADS (WARPS * WARP)
#define QUERY_HEADS (GROUP_SIZE * KV_HEADS)
#define VALUE_GROUPS (HEAD_DIM / VALUE_GROUP)
#define LOG2_E 1.4426950408889634f

struct AttentionArguments
{
    const CacheSequence* sequences;
    const float* queries; // rows of [queryHeads, headDim], queryStride floats apart
    Element* output;      // [sequences, queryHeads, headDim]
    float* partials;      // [sequences, queryHeads, splits + 1, headDim]: part 0 is of sinks and tail
    float2* states;       // [sequences, queryHeads, splits + 1]: see NO_LOGIT
    long long queryStride;
    int layer;
    int blocks; // of a page: layers * kvHeads
    int splits; // over pages; 0: no sequence has a page, and output is written
    float scale;
};

// A warp's own memory.
struct WarpMemory
{
    QuadRow rows[HEAD_SETS * ROW_QUADS];
    float weights[PAGE_TOKENS + 1][QUERY_COLUMNS]; // of a page's tokens, over the page's largest; see weightRow. Last, what they are times.
    __align__(4) u8 keyOrder[HEAD_DIM];            // a page's keys' channels by place
    __align__(4) u8 valueOrder[PAGE_TOKENS];       // its values' tokens by place, as rows of weights
};

// What a block's warps join their results in.
struct JoinMemory
{
    float outputs[WARPS][TILE_HEADS][HEAD_DIM];
    float2 states[WARPS][TILE_HEADS];
};

// No logit is below it. Logits are in units of 1 / ln 2; tokens' weights are 2^(logit - largest), and a state is the largest and the weights' sum.
#define NO_LOGIT -1e30f

// Of values that lanes have of each of four heads, the sum over four lanes of head lane % 4's.
DEVICE float partOfHead(const float* heads, int lane)
{
    bool odd = lane & 1, upper = lane & 2;
    float first = (odd ? heads[1] : heads[0]) + __shfl_xor_sync(ALL_LANES, odd ? heads[0] : heads[1], 1);
    float second = (odd ? heads[3] : heads[2]) + __shfl_xor_sync(ALL_LANES, odd ? heads[2] : heads[3], 1);
    return (upper ? second : first) + __shfl_xor_sync(ALL_LANES, upper ? first : second, 2);
}

// Adds up a lane's value over the lanes that have the same head.
DEVICE float sumTokens(float value)
{
    for (int offset = 4; offset < WARP; offset *= 2)
    {
        value += __shfl_xor_sync(ALL_LANES, value, offset);
    }

    return value;
}
