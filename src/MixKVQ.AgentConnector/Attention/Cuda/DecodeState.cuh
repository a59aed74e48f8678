// What decode attention's parts share: the arguments, a block's memory, and the running state of a softmax.
//     GROUP_SIZE, KV_HEADS   query heads of a KV head, and KV heads
//     CORRECT_BIAS           1 where half the variance of a logit's quantization error is taken off the logit
//     WARPS, BLOCKS          warps of a block, and blocks that a multiprocessor has room for
#pragma once
#include "PlaneProduct.cuh"

// A block's heads: all of a KV head's, or eight of them.
#define HEAD_TILES ((GROUP_SIZE + ROW_COLUMNS - 1) / ROW_COLUMNS)
#define TILE_HEADS (GROUP_SIZE < ROW_COLUMNS ? GROUP_SIZE : ROW_COLUMNS)
// Heads that queries are kept for.
#define QUERY_COLUMNS (TILE_HEADS <= 4 ? 4 : 8)
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
    float2* states;       // [sequences, queryHeads, splits + 1]: see SoftmaxState
    long long queryStride;
    int layer;
    int blocks; // of a page: layers * kvHeads
    int splits; // over pages; 0: no sequence has a page, and output is written
    float scale;
};

template <int x, int y> constexpr int largerOf = x > y ? x : y;

constexpr int ROW_COUNT = largerOf<(HEAD_DIM + STEP_LINES - 1) / STEP_LINES * STEP_LINES, PAGE_TOKENS>;

// A warp's own memory.
struct WarpMemory
{
    u16 rows[ROW_COUNT][ROW_COLUMNS]; // halves; see PlaneProduct.cuh
    float scales[PAGE_TOKENS];        // of a page's values, by token
    float zeros[PAGE_TOKENS];
    u16 places[PAGE_TOKENS]; // in the values' storage order
    u16 fullKeys[KeyMatrix::hasFull ? HEAD_DIM : 8];                    // lines that are not quantized, by place
    u16 fullValues[ValueMatrix::hasFull ? PAGE_TOKENS : 8];
    float weights[ValueMatrix::hasFull ? PAGE_TOKENS : 1][ROW_COLUMNS]; // by token
};

// What a block's warps join their results in.
struct JoinMemory
{
    float outputs[WARPS][TILE_HEADS][HEAD_DIM];
    float2 states[WARPS][TILE_HEADS];
};

// Tokens' weights are 2^(logit - largest), logits in units of 1 / ln 2; their sum. Outputs beside it are sums of values times weights.
struct SoftmaxState
{
    float largest;
    float sum;
};
#define NO_LOGIT -1e30f
