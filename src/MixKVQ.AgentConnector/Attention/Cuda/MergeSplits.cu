// Joins what blocks found of parts of a history. Grid: query heads, conversations. Constants: HEAD_DIM, QUERY_HEADS, ELEMENT, and WARPS, the pages that a split begins with.
#include "CacheSequence.cuh"

#define MERGE_WARPS 8
#define LANE_CHANNELS ((HEAD_DIM + WARP - 1) / WARP)

struct MergeArguments
{
    const CacheSequence* sequences;
    const float* partials; // [sequences, queryHeads, splits + 1, headDim]: sums of weights times values; part 0 is of sinks and tail
    const float2* states;  // [sequences, queryHeads, splits + 1]: the largest logit, in units of 1 / ln 2, and the sum of weights 2^(logit - largest)
    Element* output;       // [sequences, queryHeads, headDim]
    int splits;
};

BOUND_KERNEL(merge_splits, MergeArguments, MERGE_WARPS * WARP, 1)
{
    __shared__ float outputs[MERGE_WARPS][HEAD_DIM];
    __shared__ float sums[MERGE_WARPS];
    int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    int used = (arguments.sequences[blockIdx.y].pageCount + WARPS - 1) / WARPS;
    int parts = 1 + (used < arguments.splits ? used : arguments.splits);
    long long row = (long long)blockIdx.y * QUERY_HEADS + blockIdx.x;
    const float2* states = arguments.states + row * (arguments.splits + 1);
    const float* partials = arguments.partials + row * (arguments.splits + 1) * HEAD_DIM;
    float largest = states[0].x;
    for (int part = lane; part < parts; part += WARP)
    {
        largest = fmaxf(largest, states[part].x);
    }

    for (int offset = WARP / 2; offset > 0; offset /= 2)
    {
        largest = fmaxf(largest, __shfl_xor_sync(ALL_LANES, largest, offset));
    }

    float output[LANE_CHANNELS], sum = 0;
    for (int i = 0; i < LANE_CHANNELS; i++)
    {
        output[i] = 0;
    }

#pragma unroll 4
    for (int part = warp; part < parts; part += MERGE_WARPS)
    {
        float weight = exponential2(states[part].x - largest);
        sum += weight * states[part].y;
        for (int i = 0; i < LANE_CHANNELS; i++)
        {
            int channel = lane + i * WARP;
            output[i] += HEAD_DIM % WARP == 0 || channel < HEAD_DIM ? weight * partials[(long long)part * HEAD_DIM + channel] : 0;
        }
    }

    for (int i = 0; i < LANE_CHANNELS; i++)
    {
        if (HEAD_DIM % WARP == 0 || lane + i * WARP < HEAD_DIM)
        {
            outputs[warp][lane + i * WARP] = output[i];
        }
    }

    sums[warp] = sum;
    __syncthreads();
    for (int channel = threadIdx.x; channel < HEAD_DIM; channel += MERGE_WARPS * WARP)
    {
        float joined = 0, weights = 0;
        for (int i = 0; i < MERGE_WARPS; i++)
        {
            joined += outputs[i][channel];
            weights += sums[i];
        }

        arguments.output[row * HEAD_DIM + channel] = toElement(joined / weights);
    }
}
