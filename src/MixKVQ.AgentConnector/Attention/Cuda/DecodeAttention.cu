// Attention of one token of each of several conversations over its cache, read as it lies. Grid: parts of a history (0: sinks and tail, then splits over pages), KV heads
// (each as often as eight heads fit into its group), conversations. All query heads of a block share what it unpacks. MergeSplits.cu joins the parts.
#include "DecodeDense.cuh"
#include "DecodePages.cuh"

// Joins the warps' outputs; the block's part of the result.
DEVICE void writeBlock(const JoinMemory& join, const AttentionArguments& arguments, int sequence, int firstHead, int heads, int part)
{
    for (int i = threadIdx.x; i < heads * HEAD_DIM; i += THREADS)
    {
        int head = i / HEAD_DIM, channel = i % HEAD_DIM;
        float largest = NO_LOGIT;
        for (int warp = 0; warp < WARPS; warp++)
        {
            largest = fmaxf(largest, join.states[warp][head].x);
        }

        float output = 0, sum = 0;
        for (int warp = 0; warp < WARPS; warp++)
        {
            float weight = exponential2(join.states[warp][head].x - largest);
            output += weight * join.outputs[warp][head][channel];
            sum += weight * join.states[warp][head].y;
        }

        long long row = (long long)sequence * QUERY_HEADS + firstHead + head;
        if (arguments.splits == 0)
        {
            arguments.output[row * HEAD_DIM + channel] = toElement(output / sum);
            continue;
        }

        row = row * (arguments.splits + 1) + part;
        arguments.partials[row * HEAD_DIM + channel] = output;
        if (channel == 0)
        {
            arguments.states[row] = make_float2(largest, sum);
        }
    }
}

BOUND_KERNEL(attend_decode, AttentionArguments, THREADS, BLOCKS)
{
    constexpr int bytes = largerOf<sizeof(WarpMemory) * WARPS, sizeof(JoinMemory)>;
    __align__(16) __shared__ u8 memory[bytes];
    __align__(16) __shared__ BlockQueries block;
    JoinMemory& join = *(JoinMemory*)memory;
    int part = blockIdx.x, keyValueHead = blockIdx.y / HEAD_TILES, tile = blockIdx.y % HEAD_TILES;
    // Shuffled, they are kept in registers, and not read anew wherever they are needed.
    int warp = __shfl_sync(ALL_LANES, threadIdx.x / WARP, 0), lane = __shfl_sync(ALL_LANES, threadIdx.x % WARP, threadIdx.x % WARP);
    const CacheSequence& sequence = arguments.sequences[blockIdx.z];
    int index = (part - 1) * WARPS + warp, pageCount = sequence.pageCount;
    if (part > 0 && (part - 1) * WARPS >= pageCount)
    {
        return;
    }

    int firstHead = keyValueHead * GROUP_SIZE + tile * MOST_HEADS;
    int heads = GROUP_SIZE - tile * MOST_HEADS < TILE_HEADS ? GROUP_SIZE - tile * MOST_HEADS : TILE_HEADS;
    float queryUnit = loadQueries(block, arguments.queries + blockIdx.z * arguments.queryStride + firstHead * HEAD_DIM, heads, arguments.scale);
    WarpMemory& own = ((WarpMemory*)memory)[warp];
    if (part == 0)
    {
        attendDense(join.outputs[warp], join.states[warp], own, block, sequence, queryUnit, arguments.layer, keyValueHead, warp, lane);
    }
    else
    {
        Outputs outputs;
        clear(outputs);
        DYNAMIC_SHARED(stages);
        attendPages(outputs, own, stages + warp * 2 * STAGE_BYTES, block, sequence, index, arguments.splits * WARPS, queryUnit,
            arguments.layer * KV_HEADS + keyValueHead, arguments.blocks, lane);
        __syncthreads();
        writeOutputs(join.outputs[warp], join.states[warp], outputs, lane);
    }

    __syncthreads();
    writeBlock(join, arguments, blockIdx.z, firstHead, heads, part);
}
