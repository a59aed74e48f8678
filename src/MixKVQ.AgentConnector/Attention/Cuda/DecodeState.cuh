// What decode attention's parts share: the arguments, a block's memory, and the running state of a softmax.
//     GROUP_SIZE, KV_HEADS   query heads of a KV head, and KV heads
//     CORRECT_BIAS           1 where half the variance of a logit's quantization error is taken off the logit
//     WARPS, BLOCKS          warps of a block, and blocks that a multiprocessor has room for
#pragma once
#include "LineRows.cuh"

// A block's heads: all of a KV head's, or eight of them.
#define MOST_HEADS 8
#define HEAD_TILES ((GROUP_SIZE + MOST_HEADS - 1) / MOST_HEADS)
#define TILE_HEADS (GROUP_SIZE < MOST_HEADS ? GROUP_SIZE : MOST_HEADS)
// Heads that there are columns for. Four, in a high and a low byte each, fill a tile of eight columns, of which a lane has one head; eight take two tiles.
#define HEADS (TILE_HEADS <= 4 ? 4 : 8)
#define COLUMN_TILES (HEADS / 4)
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

constexpr int MOST_CHUNKS = largerOf<KeyMatrix::chunks, ValueMatrix::chunks>;

// A warp's own memory.
struct WarpMemory
{
    u32 rows[MOST_CHUNKS * WARP][2 * HEADS]; // see LineRows.cuh
    float weights[PAGE_TOKENS][HEADS];       // of a page's tokens, at their tableRow
    u16 keyOrder[KeyMatrix::chunks * CHUNK_LINES];
    u16 valueOrder[PAGE_TOKENS];
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
