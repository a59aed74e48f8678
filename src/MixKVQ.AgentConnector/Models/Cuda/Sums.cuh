// Sums over threads, in an order that depends on their number alone.
#pragma once
#include "Device.cuh"

// The sum over a warp's lanes, in every lane.
template <class T>
DEVICE T warpSum(T value)
{
#pragma unroll
    for (int distance = WARP / 2; distance > 0; distance /= 2)
    {
        value += __shfl_xor_sync(ALL_LANES, value, distance);
    }

    return value;
}

// The sum over a block's threads, in every thread; all threads call it, once a kernel.
template <class T>
DEVICE T blockSum(T value)
{
    __shared__ T sums[WARP];
    int lane = (int)threadIdx.x % WARP;
    value = warpSum(value);
    if (lane == 0)
    {
        sums[(int)threadIdx.x / WARP] = value;
    }

    __syncthreads();
    return warpSum(lane < (int)blockDim.x / WARP ? sums[lane] : (T)0);
}
