// Rows of the model's type in chunks of 16 bytes, a chunk a thread. ELEMENT says which type.
#pragma once
#include "Device.cuh"

#define CHUNK (16 / (int)sizeof(Element))

// Whether rows of a width, one after the other from an address on, are whole chunks at multiples of 16 bytes.
DEVICE bool isWhole(const void* rows, int width) { return width % CHUNK == 0 && (u64)rows % 16 == 0; }

// The chunk of a row that begins at an element, as floats; 0 beyond the row's end.
DEVICE void loadChunk(const Element* row, int first, int width, bool whole, float (&values)[CHUNK])
{
    if (whole)
    {
        uint4 packed = *(const uint4*)(row + first);
        u32 words[4] = {packed.x, packed.y, packed.z, packed.w};
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
#if ELEMENT == 0
            values[i] = bitsToFloat(words[i]);
#else
            values[2 * i] = toFloat((Element)(words[i] & 0xffffu));
            values[2 * i + 1] = toFloat((Element)(words[i] >> 16));
#endif
        }
    }
    else
    {
#pragma unroll
        for (int i = 0; i < CHUNK; i++)
        {
            values[i] = first + i < width ? toFloat(row[first + i]) : 0.0f;
        }
    }
}

// The same of a row of floats.
DEVICE void loadFloats(const float* row, int first, int width, bool whole, float (&values)[CHUNK])
{
    if (whole)
    {
#pragma unroll
        for (int i = 0; i < CHUNK; i += 4)
        {
            float4 four = *(const float4*)(row + first + i);
            values[i] = four.x;
            values[i + 1] = four.y;
            values[i + 2] = four.z;
            values[i + 3] = four.w;
        }
    }
    else
    {
#pragma unroll
        for (int i = 0; i < CHUNK; i++)
        {
            values[i] = first + i < width ? row[first + i] : 0.0f;
        }
    }
}

// Rounds a chunk into a row, as far as the row goes.
DEVICE void storeChunk(Element* row, int first, int width, bool whole, const float (&values)[CHUNK])
{
    if (whole)
    {
        u32 words[4];
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
#if ELEMENT == 0
            words[i] = floatToBits(values[i]);
#else
            words[i] = (u32)toElement(values[2 * i]) | (u32)toElement(values[2 * i + 1]) << 16;
#endif
        }

        *(uint4*)(row + first) = make_uint4(words[0], words[1], words[2], words[3]);
    }
    else
    {
#pragma unroll
        for (int i = 0; i < CHUNK; i++)
        {
            if (first + i < width)
            {
                row[first + i] = toElement(values[i]);
            }
        }
    }
}
