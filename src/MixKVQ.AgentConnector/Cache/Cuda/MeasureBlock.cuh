// What a page's plan knows of one block: ranges of its lines, its values' variance, how its keys' zeros are stored, and what the queries say. All numbers are
// those of BlockMeasurement, PageStatistics and ZeroGrid in C# to the last bit: comparisons and sums go in the same order.
#pragma once
#include "SealArguments.cuh"

#define MEASURE_THREADS 128
#define FLOAT_MAX 3.402823466e+38f

// As vector instructions of the CPU compare: of equal numbers the later.
DEVICE float smaller(float earlier, float later) { return earlier < later ? earlier : later; }
DEVICE float larger(float earlier, float later) { return earlier > later ? earlier : later; }

DEVICE void requireFinite(float element, SealResult* result)
{
    if (!(element >= -FLOAT_MAX && element <= FLOAT_MAX))
    {
        result->notFinite = 1;
    }
}

// One byte where a grid of 256 zeros is finer than 1/16 of the median range, else two.
DEVICE void chooseZeroBytes(const float (&ranges)[HEAD_DIM], float smallest, float largest, int* zeroBytes)
{
    if (threadIdx.x == 0)
    {
        *zeroBytes = 2;
    }

    __syncthreads();
    for (int i = threadIdx.x; i < HEAD_DIM && SCALE_BYTES == 1; i += MEASURE_THREADS)
    {
        int below = 0, equal = 0;
        for (int j = 0; j < HEAD_DIM; j++)
        {
            below += ranges[j] < ranges[i];
            equal += ranges[j] == ranges[i];
        }

        bool isMedian = below <= HEAD_DIM / 2 && HEAD_DIM / 2 < below + equal;
        if (isMedian && ((double)largest - smallest) / 255 <= ranges[i] / 16)
        {
            *zeroBytes = 1;
        }
    }
}

DEVICE void measureKeys(const SealArguments& arguments, int block)
{
    __shared__ float ranges[HEAD_DIM];
    __shared__ u32 smallest, largest;
    if (threadIdx.x == 0)
    {
        smallest = ~0u;
        largest = 0;
    }

    __syncthreads();
    const Element* keys = elementsOf(arguments, block, 0);
    for (int channel = threadIdx.x; channel < HEAD_DIM; channel += MEASURE_THREADS)
    {
        float minimum = toFloat(keys[channel]), maximum = minimum;
        requireFinite(minimum, arguments.result);
#pragma unroll 16
        for (int token = 1; token < PAGE_TOKENS; token++)
        {
            float element = toFloat(keys[token * HEAD_DIM + channel]);
            requireFinite(element, arguments.result);
            minimum = smaller(minimum, element);
            maximum = larger(maximum, element);
        }

        arguments.minima[block * LINES_PER_BLOCK + channel] = minimum;
        arguments.maxima[block * LINES_PER_BLOCK + channel] = maximum;
        ranges[channel] = maximum - minimum;
        atomicMin(&smallest, toOrder(minimum));
        atomicMax(&largest, toOrder(minimum));
    }

    __syncthreads();
    chooseZeroBytes(ranges, fromOrder(smallest), fromOrder(largest), arguments.keyZeroBytes + block);
}

DEVICE void weighQueries(const SealArguments& arguments, int block)
{
    double count = max(1.0, (double)((long long)arguments.tokenCount * GROUP_SIZE));
    const double* magnitudes = arguments.magnitudes + (long long)block * GROUP_SIZE * HEAD_DIM;
    for (int channel = threadIdx.x; channel < HEAD_DIM; channel += MEASURE_THREADS)
    {
        double sum = 0;
        for (int head = 0; head < GROUP_SIZE; head++)
        {
            sum = __dadd_rn(sum, magnitudes[head * HEAD_DIM + channel]);
        }

        arguments.importance[block * HEAD_DIM + channel] = (float)(sum / count);
    }

    if (threadIdx.x == 0)
    {
        // The layer's output stands in the next layer's input.
        int after = min(block / KV_HEADS + 1, LAYERS - 1);
        double energy = arguments.energyTokenCount == 0 ? 1.0 : arguments.energies[after] / arguments.energyTokenCount;
        arguments.outputWeights[block] = arguments.headWeights[block] / max(energy, 4.9406564584124654e-324);
    }
}

DEVICE void measureVariance(const SealArguments& arguments, int block)
{
    __shared__ double variances[HEAD_DIM];
    const Element* values = elementsOf(arguments, block, 1);
    for (int channel = threadIdx.x; channel < HEAD_DIM; channel += MEASURE_THREADS)
    {
        float origin = toFloat(values[channel]), sum = 0, squares = 0;
        requireFinite(origin, arguments.result);
#pragma unroll 16
        for (int token = 1; token < PAGE_TOKENS; token++)
        {
            float element = toFloat(values[token * HEAD_DIM + channel]);
            requireFinite(element, arguments.result);
            float distance = __fsub_rn(element, origin);
            sum = __fadd_rn(sum, distance);
            squares = multiplyAdd(distance, distance, squares);
        }

        double mean = (double)sum / PAGE_TOKENS;
        variances[channel] = max(0.0, __dsub_rn((double)squares / PAGE_TOKENS, __dmul_rn(mean, mean)));
    }

    __syncthreads();
    if (threadIdx.x == 0)
    {
        double variance = 0;
        for (int channel = 0; channel < HEAD_DIM; channel++)
        {
            variance = __dadd_rn(variance, variances[channel]);
        }

        arguments.variances[block] = variance / HEAD_DIM;
    }
}

// Eight lanes to a line, each with every eighth element.
DEVICE void measureGroups(const SealArguments& arguments, int block)
{
    const Element* values = elementsOf(arguments, block, 1);
    int part = threadIdx.x % 8;
    for (int line = threadIdx.x / 8; line < VALUE_GROUPS * PAGE_TOKENS; line += MEASURE_THREADS / 8)
    {
        const Element* elements = values + line % PAGE_TOKENS * HEAD_DIM + line / PAGE_TOKENS * VALUE_GROUP + part;
        float minimum = toFloat(elements[0]), maximum = minimum;
#pragma unroll
        for (int i = 8; i < VALUE_GROUP; i += 8)
        {
            float element = toFloat(elements[i]);
            minimum = smaller(minimum, element);
            maximum = larger(maximum, element);
        }

        for (int distance = 4; distance > 1; distance /= 2)
        {
            minimum = smaller(minimum, __shfl_xor_sync(ALL_LANES, minimum, distance));
            maximum = larger(maximum, __shfl_xor_sync(ALL_LANES, maximum, distance));
        }

        u32 smallest = min(toOrder(minimum), __shfl_xor_sync(ALL_LANES, toOrder(minimum), 1));
        u32 largest = max(toOrder(maximum), __shfl_xor_sync(ALL_LANES, toOrder(maximum), 1));
        if (part == 0)
        {
            arguments.minima[block * LINES_PER_BLOCK + HEAD_DIM + line] = fromOrder(smallest);
            arguments.maxima[block * LINES_PER_BLOCK + HEAD_DIM + line] = fromOrder(largest);
        }
    }
}

// One block of threads for a block's keys, one for its values.
BOUND_KERNEL(measure_block, SealArguments, MEASURE_THREADS, 1)
{
    int block = blockIdx.x;
    if (blockIdx.y == 0)
    {
        measureKeys(arguments, block);
        weighQueries(arguments, block);
    }
    else
    {
        measureVariance(arguments, block);
        measureGroups(arguments, block);
    }
}
