// Adds a chunk of tokens to one layer's query statistics, in double precision and in an order that depends on the tokens alone.
#include "Device.cuh"

struct QueryStatisticsArguments
{
    const float* queries;   // [tokens, length], length = queryHeads * headDim
    const float* residuals; // [tokens, hidden]
    double* magnitudes;     // [length]
    double* energy;         // one
    int tokens;
    int length;
    int hidden;
};

// One thread a channel: magnitudes += |q|, token by token.
KERNEL(add_magnitudes, QueryStatisticsArguments)
{
    int channel = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    if (channel < arguments.length)
    {
        double sum = arguments.magnitudes[channel];
        for (int token = 0; token < arguments.tokens; token++)
        {
            double query = arguments.queries[(u64)token * arguments.length + channel];
            sum += query < 0 ? -query : query;
        }

        arguments.magnitudes[channel] = sum;
    }
}

// One block: energy += |x|^2, token by token. A warp takes a token, the first thread adds what the warps have.
KERNEL(add_energies, QueryStatisticsArguments)
{
    __shared__ double energies[WARP];
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
    for (int first = 0; first < arguments.tokens; first += warps)
    {
        int token = first + warp;
        double sum = 0;
        for (int i = lane; token < arguments.tokens && i < arguments.hidden; i += WARP)
        {
            double element = arguments.residuals[(u64)token * arguments.hidden + i];
            sum += element * element;
        }

        for (int step = WARP / 2; step > 0; step /= 2)
        {
            sum += __shfl_xor_sync(ALL_LANES, sum, step);
        }

        if (lane == 0)
        {
            energies[warp] = sum;
        }

        __syncthreads();
        if (threadIdx.x == 0)
        {
            double energy = *arguments.energy;
            for (int i = 0; i < warps && first + i < arguments.tokens; i++)
            {
                energy += energies[i];
            }

            *arguments.energy = energy;
        }

        __syncthreads();
    }
}
