// Matrices of the cache as tiles of halves in shared memory, one row for each line, rows in the lines' own order: what matrix units take.
// A tile holds element * 2^-exponent, so that no element is too large for a half and the largest have all of its bits.
#pragma once
#include "Device.cuh"

#define SMALLEST_EXPONENT -60
#define LARGEST_EXPONENT 120

DEVICE int clampExponent(int exponent) { return min(max(exponent, SMALLEST_EXPONENT), LARGEST_EXPONENT); }

// 2^exponent, -126 to 127.
DEVICE float powerOfTwo(int exponent) { return bitsToFloat((u32)(exponent + 127) << 23); }

// The exponent of the smallest power of two above |x|.
DEVICE int exponentAbove(float x) { return (int)((floatToBits(x) >> 23) & 255u) - 126; }

DEVICE float magnitude(float x) { return bitsToFloat(floatToBits(x) & 0x7fffffffu); }

// The largest of the block's values, none of them negative, for all threads; `scratch` holds one float for each warp.
template <int warps>
DEVICE float blockLargest(float value, float* scratch)
{
    for (int distance = WARP / 2; distance > 0; distance /= 2)
    {
        value = max(value, __shfl_xor_sync(ALL_LANES, value, distance));
    }

    __syncthreads();
    if (threadIdx.x % WARP == 0)
    {
        scratch[threadIdx.x / WARP] = value;
    }

    __syncthreads();
    for (int warp = 0; warp < warps; warp++)
    {
        value = max(value, scratch[warp]);
    }

    return value;
}

template <int warps>
DEVICE float largestElement(const Element* elements, int count, float* scratch)
{
    float largest = 0;
    for (int i = (int)threadIdx.x; i < count; i += warps * WARP)
    {
        largest = max(largest, magnitude(toFloat(elements[i])));
    }

    return blockLargest<warps>(largest, scratch);
}
