// Norm and rotation of heads, and the append of a decode step: HEAD_DIM, QUERY_HEADS, KV_HEADS and ELEMENT give the model's shape. A head a warp.
#include "CacheSequence.cuh"
#include "Heads.cuh"

#define BLOCK_WARPS 4
#define HEADS (QUERY_HEADS + 2 * KV_HEADS)

struct RotateArguments
{
    Element* heads;         // [tokens, heads, HEAD_DIM], contiguous but for the tokens' stride; changed in place
    long long tokenStride;  // in elements
    const float* weight;    // [HEAD_DIM] of the norm, or null for none
    const float* rotations; // [tokens, HEAD_DIM]
    int headCount;
    float epsilon;
};

// Norms and rotates heads of several tokens; a token a block in y.
BOUND_KERNEL(norm_rotate, RotateArguments, BLOCK_WARPS * WARP, 1)
{
    int lane = (int)threadIdx.x % WARP, index = (int)blockIdx.x * BLOCK_WARPS + (int)threadIdx.x / WARP;
    if (index >= arguments.headCount)
    {
        return;
    }

    Element* channels = arguments.heads + blockIdx.y * arguments.tokenStride + (long long)index * HEAD_DIM;
    Head head = loadHead(channels, lane);
    if (arguments.weight)
    {
        normHead(head, arguments.weight, arguments.epsilon, lane);
    }

    rotateHead(head, arguments.rotations + (u64)blockIdx.y * HEAD_DIM, lane);
    storeHead(head, channels, lane);
}

struct AppendArguments
{
    const Element* projected;       // [rows, HEADS, HEAD_DIM]: queries, keys, values
    const float* queryNorm;         // [HEAD_DIM], or null for none
    const float* keyNorm;           // [HEAD_DIM], or null for none
    const float* rotations;         // [positions, HEAD_DIM]
    const Element* hidden;          // [rows, hiddenWidth]: the layer's input
    float* queries;                 // [rows, QUERY_HEADS, HEAD_DIM]
    const CacheSequence* sequences; // [rows]
    int layer;
    int hiddenWidth;
    float epsilon;
};

// The squared norm of the layer's input, by a block.
DEVICE void addEnergy(const AppendArguments& arguments, const CacheSequence& sequence)
{
    const Element* row = arguments.hidden + (u64)blockIdx.y * arguments.hiddenWidth;
    double sum = 0.0;
    for (int i = (int)threadIdx.x; i < arguments.hiddenWidth; i += BLOCK_WARPS * WARP)
    {
        double value = toFloat(row[i]);
        sum += value * value;
    }

    sum = blockSum(sum);
    if (threadIdx.x == 0 && sequence.position >= SINK_TOKENS)
    {
        sequence.energies[arguments.layer] += sum;
    }
}

DEVICE void addMagnitudes(const Head& head, double* sums, int lane)
{
#pragma unroll
    for (int i = 0; i < LANE_PAIRS; i++)
    {
        int pair = i * WARP + lane;
        if (pair < HALF_HEAD)
        {
            sums[pair] += head.lower[i] < 0.0f ? -head.lower[i] : head.lower[i];
            sums[pair + HALF_HEAD] += head.upper[i] < 0.0f ? -head.upper[i] : head.upper[i];
        }
    }
}

// Where the step's token of a sequence has its keys (0 ... KV_HEADS - 1) or values (from KV_HEADS on).
DEVICE Element* cacheRow(const CacheSequence& sequence, int layer, int head)
{
    bool isSink = sequence.position < SINK_TOKENS;
    int capacity = isSink ? SINK_TOKENS : PAGE_TOKENS, row = isSink ? sequence.position : sequence.tailCount - 1;
    return (Element*)(isSink ? sequence.sinks : sequence.tail) + (((u64)layer * 2 * KV_HEADS + head) * capacity + row) * HEAD_DIM;
}

// A decode step's queries, keys and values, one token of each of several sequences, a sequence a block in y: normed, rotated, keys and values written to the
// sequence's cache, queries kept, and counted in its statistics from position 32 on. The last block in x adds up the layer's input.
BOUND_KERNEL(norm_rotate_append, AppendArguments, BLOCK_WARPS * WARP, 1)
{
    const CacheSequence& sequence = arguments.sequences[blockIdx.y];
    if (blockIdx.x == gridDim.x - 1)
    {
        addEnergy(arguments, sequence);
        return;
    }

    int lane = (int)threadIdx.x % WARP, index = (int)blockIdx.x * BLOCK_WARPS + (int)threadIdx.x / WARP;
    if (index >= HEADS)
    {
        return;
    }

    bool isQuery = index < QUERY_HEADS;
    Head head = loadHead(arguments.projected + ((u64)blockIdx.y * HEADS + index) * HEAD_DIM, lane);
    if (index < QUERY_HEADS + KV_HEADS)
    {
        const float* weight = isQuery ? arguments.queryNorm : arguments.keyNorm;
        if (weight)
        {
            normHead(head, weight, arguments.epsilon, lane);
        }

        rotateHead(head, arguments.rotations + (u64)sequence.position * HEAD_DIM, lane);
    }

    if (!isQuery)
    {
        storeHead(head, cacheRow(sequence, arguments.layer, index - QUERY_HEADS), lane);
        return;
    }

    storeHead(head, arguments.queries + ((u64)blockIdx.y * QUERY_HEADS + index) * HEAD_DIM, lane);
    if (sequence.position >= SINK_TOKENS)
    {
        addMagnitudes(head, sequence.magnitudes + ((u64)arguments.layer * QUERY_HEADS + index) * HEAD_DIM, lane);
    }
}
