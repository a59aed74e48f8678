// Values the steps up of a matrix's lines, four lines together, as QuadSteps in C# does to the last bit.
#pragma once
#include "SealArguments.cuh"

#define ORDER_THREADS 128
#define WORTHLESS 255 // a quad that no step up improves

// Rises where a number that is not negative falls.
DEVICE u32 fallingKey(double value) { return ~(u32)(__double_as_longlong(value) >> 31); }

template <int lineCount>
DEVICE void orderLines(const SealArguments& arguments, MatrixPlace place, bool isKeys)
{
    __shared__ double worths[lineCount];
    __shared__ u32 keys[lineCount];
    __shared__ u16 order[lineCount];
    int block = place.block;
    double weight = isKeys
        ? arguments.outputWeights[block] * arguments.variances[block] * 1.5707963267948966 / HEAD_DIM
        : arguments.outputWeights[block] / HEAD_DIM;
    for (int i = threadIdx.x; i < lineCount; i += ORDER_THREADS)
    {
        double range = (double)arguments.maxima[place.firstLine + i] - arguments.minima[place.firstLine + i];
        double query = isKeys ? (double)arguments.importance[block * HEAD_DIM + i] : 1.0;
        worths[i] = weight * query * query * range * range;
        keys[i] = fallingKey(worths[i]);
    }

    __syncthreads();
    for (int i = threadIdx.x; i < lineCount; i += ORDER_THREADS)
    {
        u32 key = keys[i];
        int before = 0;
        for (int j = 0; j < lineCount; j++)
        {
            before += keys[j] < key || (keys[j] == key && j < i);
        }

        order[before] = (u16)i;
        arguments.lines[place.firstLine + before] = place.firstLine + i;
    }

    __syncthreads();
    for (int quad = threadIdx.x; quad < lineCount / QUAD_LINES; quad += ORDER_THREADS)
    {
        double worth = 0;
        for (int i = 0; i < QUAD_LINES; i++)
        {
            worth = __dadd_rn(worth, worths[order[quad * QUAD_LINES + i]]);
        }

        int at = place.firstLine / QUAD_LINES + quad;
        arguments.levels[at] = worth > 0 ? 0 : WORTHLESS;
        for (int step = 0; step < STEPS; step++)
        {
            arguments.keys[step * QUADS + at] = fallingKey(__dmul_rn(worth, (isKeys ? arguments.keySavings : arguments.valueSavings)[step]));
        }
    }
}

// One block of threads to a matrix.
BOUND_KERNEL(order_lines, SealArguments, ORDER_THREADS, 1)
{
    MatrixPlace place = placeOf(blockIdx.x);
    if (place.part == 0)
    {
        orderLines<HEAD_DIM>(arguments, place, true);
    }
    else
    {
        orderLines<PAGE_TOKENS>(arguments, place, false);
    }
}
