// Joins what blocks found of parts of a history. Grid: query heads, conversations. Constants: HEAD_DIM, QUERY_HEADS, SPLIT_WARPS (pages that a split begins with), ELEMENT.
#include "CacheSequence.cuh"

struct MergeArguments
{
    const CacheSequence* sequences;
    const float* partials; // [sequences, queryHeads, splits + 1, headDim]: sums of weights times values; part 0 is of sinks and tail
    const float2* states;  // [sequences, queryHeads, splits + 1]: the largest logit, in units of 1 / ln 2, and the sum of weights 2^(logit - largest)
    Element* output;       // [sequences, queryHeads, headDim]
    int splits;
};

KERNEL(merge_splits, MergeArguments)
{
    int used = (arguments.sequences[blockIdx.y].pageCount + SPLIT_WARPS - 1) / SPLIT_WARPS;
    int parts = 1 + (used < arguments.splits ? used : arguments.splits);
    long long row = (long long)blockIdx.y * QUERY_HEADS + blockIdx.x;
    const float2* states = arguments.states + row * (arguments.splits + 1);
    const float* partials = arguments.partials + row * (arguments.splits + 1) * HEAD_DIM;
    float largest = states[0].x;
    for (int part = 1; part < parts; part++)
    {
        largest = fmaxf(largest, states[part].x);
    }

    for (int channel = threadIdx.x; channel < HEAD_DIM; channel += blockDim.x)
    {
        float output = 0, sum = 0;
        for (int part = 0; part < parts; part++)
        {
            float weight = exponential2(states[part].x - largest);
            output += weight * partials[part * HEAD_DIM + channel];
            sum += weight * states[part].y;
        }

        arguments.output[row * HEAD_DIM + channel] = toElement(output / sum);
    }
}
