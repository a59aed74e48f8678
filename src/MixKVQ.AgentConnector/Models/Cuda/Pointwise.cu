// The small operations on rows of the model's type (ELEMENT): float32 arithmetic, rounded once.
#include "ElementChunks.cuh"
#include "Sums.cuh"

struct NormArguments
{
    const Element* rows; // [rows, width]
    const float* weight; // [width]
    Element* result;     // [rows, width]
    int width;
    float epsilon;
};

// Each row, a block's, divided by its root mean square and multiplied by the weight.
BOUND_KERNEL(rms_norm, NormArguments, 512, 1)
{
    int width = arguments.width, step = (int)blockDim.x * CHUNK;
    u64 offset = (u64)blockIdx.x * width;
    const Element* row = arguments.rows + offset;
    Element* result = arguments.result + offset;
    bool whole = isWhole(arguments.rows, width) && isWhole(arguments.result, width) && (u64)arguments.weight % 16 == 0;
    float values[CHUNK], weights[CHUNK], sum = 0.0f;
    for (int first = (int)threadIdx.x * CHUNK; first < width; first += step)
    {
        loadChunk(row, first, width, whole, values);
#pragma unroll
        for (int i = 0; i < CHUNK; i++)
        {
            sum += values[i] * values[i];
        }
    }

    float scale = rsqrtf(blockSum(sum) / (float)width + arguments.epsilon);
    for (int first = (int)threadIdx.x * CHUNK; first < width; first += step)
    {
        loadChunk(row, first, width, whole, values);
        loadFloats(arguments.weight, first, width, whole, weights);
#pragma unroll
        for (int i = 0; i < CHUNK; i++)
        {
            values[i] = values[i] * scale * weights[i];
        }

        storeChunk(result, first, width, whole, values);
    }
}

struct GateArguments
{
    const Element* gateAndUp; // [rows, 2 * width]
    Element* result;          // [rows, width]
    int width;
};

// SiLU of the first half of a row times the second half; a chunk a thread, a row a block in y.
KERNEL(silu_multiply, GateArguments)
{
    int width = arguments.width, first = (int)(blockIdx.x * blockDim.x + threadIdx.x) * CHUNK;
    if (first >= width)
    {
        return;
    }

    const Element* gates = arguments.gateAndUp + (u64)blockIdx.y * 2 * width;
    bool whole = isWhole(arguments.gateAndUp, width) && isWhole(arguments.result, width);
    float values[CHUNK], up[CHUNK];
    loadChunk(gates, first, width, whole, values);
    loadChunk(gates + width, first, width, whole, up);
#pragma unroll
    for (int i = 0; i < CHUNK; i++)
    {
        values[i] = values[i] * up[i] / (1.0f + exponential2(-1.44269504f * values[i]));
    }

    storeChunk(arguments.result + (u64)blockIdx.y * width, first, width, whole, values);
}

struct EmbedArguments
{
    const Element* table; // [ids, width]
    const int* ids;       // [rows]
    Element* result;      // [rows, width]
    int width;
};

// A row of the table for each id; a chunk a thread, a row a block in y.
KERNEL(embed, EmbedArguments)
{
    int width = arguments.width, first = (int)(blockIdx.x * blockDim.x + threadIdx.x) * CHUNK;
    if (first >= width)
    {
        return;
    }

    bool whole = isWhole(arguments.table, width) && isWhole(arguments.result, width);
    float values[CHUNK];
    loadChunk(arguments.table + (u64)arguments.ids[blockIdx.y] * width, first, width, whole, values);
    storeChunk(arguments.result + (u64)blockIdx.y * width, first, width, whole, values);
}
