// Queries into shared memory.
#pragma once
#include "PrefillState.cuh"

DEVICE float2 queryPair(const PrefillArguments& arguments, long long offset)
{
    if (arguments.areFloats)
    {
        return *(const float2*)((const float*)arguments.queries + offset);
    }

    const Element* pair = (const Element*)arguments.queries + offset;
    return make_float2(toFloat(pair[0]), toFloat(pair[1]));
}

// Each warp's own rows of queries, scaled by a power of two to below 32.
DEVICE void loadQueries(const PrefillArguments& arguments, Shared& shared, int head, int firstRow)
{
    constexpr int batch = 8, pairs = (PADDED / 2 + WARP - 1) / WARP;
    const int lane = (int)threadIdx.x % WARP, warp = (int)threadIdx.x / WARP;
#pragma unroll 1
    for (int first = warp * WARP_ROWS; first < (warp + 1) * WARP_ROWS; first += batch)
    {
        float2 values[batch][pairs];
#pragma unroll
        for (int i = 0; i < batch; i++)
        {
#pragma unroll
            for (int j = 0; j < pairs; j++)
            {
                int channel = 2 * (lane + j * WARP), row = firstRow + first + i;
                values[i][j] = row < rowCount(arguments) && channel < HEAD_DIM ? queryPair(arguments, rowOffset(head, row) + channel) : make_float2(0, 0);
            }
        }

#pragma unroll
        for (int i = 0; i < batch; i++)
        {
            float largest = 0;
#pragma unroll
            for (int j = 0; j < pairs; j++)
            {
                largest = max(largest, max(magnitude(values[i][j].x), magnitude(values[i][j].y)));
            }

            for (int distance = WARP / 2; distance > 0; distance /= 2)
            {
                largest = max(largest, __shfl_xor_sync(ALL_LANES, largest, distance));
            }

            int exponent = clampExponent(exponentAbove(largest) - 5);
            float factor = powerOfTwo(-exponent);
#pragma unroll
            for (int j = 0; j < pairs; j++)
            {
                int channel = 2 * (lane + j * WARP);
                if (channel < PADDED)
                {
                    *(u32*)(shared.queries + (first + i) * CHANNEL_STRIDE + channel) = packHalves(values[i][j].x * factor, values[i][j].y * factor);
                }
            }

            if (lane == 0)
            {
                shared.rowFactors[first + i] = arguments.scale * LOG2_E * powerOfTwo(exponent);
            }
        }
    }
}
