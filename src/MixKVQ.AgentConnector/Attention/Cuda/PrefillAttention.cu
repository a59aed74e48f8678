// Attention of a chunk of tokens over a conversation's cache. The chunk's tokens times the query heads of one KV head are rows; a block takes some rows of a KV head
// and a share of the history: sinks, pages and tail are its pieces, in this order. A piece of 128 tokens at most lies in shared memory as halves while the
// block's rows attend to it. Where there are several shares, merge_prefill joins what they leave.
#include "PrefillDense.cuh"
#include "PrefillOutputs.cuh"
#include "PrefillPages.cuh"
#include "PrefillQueries.cuh"

DEVICE void storePair(const PrefillArguments& arguments, long long offset, float x, float y)
{
    if (arguments.areFloats)
    {
        *(float2*)((float*)arguments.output + offset) = make_float2(x, y);
    }
    else
    {
        Element* pair = (Element*)arguments.output + offset;
        pair[0] = toElement(x);
        pair[1] = toElement(y);
    }
}

DEVICE void storeRows(const PrefillArguments& arguments, Rows& rows, int head, int share, int firstRow)
{
    const int lane = (int)threadIdx.x % WARP, count = rowCount(arguments);
#pragma unroll
    for (int tile = 0; tile < ROW_TILES; tile++)
    {
#pragma unroll
        for (int i = 0; i < 2; i++)
        {
            float sum = rows.sums[tile][i];
            sum += __shfl_xor_sync(ALL_LANES, sum, 1);
            sum += __shfl_xor_sync(ALL_LANES, sum, 2);
            int row = firstRow + tile * 16 + i * 8 + lane / 4;
            if (row < count)
            {
                long long partial = ((long long)share * KV_HEADS + head) * count + row;
                float factor = powerOfTwo(rows.exponent);
                factor = arguments.shares == 1 ? factor / sum : factor;
                if (arguments.shares > 1 && lane % 4 == 0)
                {
                    arguments.sums[partial] = make_float2(rows.largest[tile][i], sum);
                }

#pragma unroll
                for (int n = 0; n < PADDED / 8; n++)
                {
                    int channel = n * 8 + lane % 4 * 2;
                    float x = rows.outputs[tile][n][2 * i] * factor, y = rows.outputs[tile][n][2 * i + 1] * factor;
                    if (channel < HEAD_DIM && arguments.shares == 1)
                    {
                        storePair(arguments, rowOffset(head, row) + channel, x, y);
                    }
                    else if (channel < HEAD_DIM)
                    {
                        *(float2*)(arguments.partials + partial * HEAD_DIM + channel) = make_float2(x, y);
                    }
                }
            }
        }
    }
}

// Blocks: [rows / BLOCK_ROWS, KV heads, shares].
BOUND_KERNEL(attend_prefill, PrefillArguments, THREADS, 8 / WARPS)
{
    DYNAMIC_SHARED(memory);
    Shared& shared = *(Shared*)memory;
    const CacheSequence& sequence = arguments.sequence;
    const int warp = (int)threadIdx.x / WARP, head = (int)blockIdx.y, share = (int)blockIdx.z, firstRow = (int)blockIdx.x * BLOCK_ROWS;
    const int pieces = sequence.pageCount + 2, position = sequence.position, block = arguments.layer * KV_HEADS + head;
    const int end = pieces * (share + 1) / arguments.shares;
    loadQueries(arguments, shared, head, firstRow);
    for (int i = (int)threadIdx.x; i < (PADDED - HEAD_DIM) * TOKEN_STRIDE; i += THREADS)
    {
        shared.keys[HEAD_DIM * TOKEN_STRIDE + i] = 0;
    }

    __syncthreads();
    Rows rows = {};
    rows.exponent = SMALLEST_EXPONENT;
#pragma unroll
    for (int tile = 0; tile < ROW_TILES; tile++)
    {
#pragma unroll
        for (int i = 0; i < 2; i++)
        {
            rows.largest[tile][i] = NOTHING;
            rows.factors[tile][i] = shared.rowFactors[warp * WARP_ROWS + tile * 16 + i * 8 + (int)threadIdx.x % WARP / 4];
        }
    }

    const bool hasRows = firstRow + warp * WARP_ROWS < rowCount(arguments);
#pragma unroll 1
    for (int index = pieces * share / arguments.shares; index < end; index++)
    {
        bool isPage = index > 0 && index <= sequence.pageCount;
        const bool isTail = index > 0;
        int count = isTail ? sequence.tailCount : sequence.sinkCount, capacity = isTail ? PAGE_TOKENS : SINK_TOKENS;
        if (!isPage && count == 0)
        {
            continue;
        }

        const Element* keys = (const Element*)(isTail ? sequence.tail : sequence.sinks) + ((long long)arguments.layer * 2 * KV_HEADS + head) * capacity * HEAD_DIM;
        const Element* values = keys + (long long)KV_HEADS * capacity * HEAD_DIM;
        int visible = position + 1 - (isTail ? SINK_TOKENS + sequence.pageCount * PAGE_TOKENS : 0);
        Piece piece = isPage ? planPage(shared, sequence.pages[index - 1], block) : planDense(shared, keys, values, count);
        piece.valueExponent = max(clampExponent(piece.valueExponent), rows.exponent);
        if (isPage)
        {
            planValues(shared, piece.valueExponent);
        }

        __syncthreads();
        if (isPage)
        {
            fillPage(shared, piece, index + 1 < min(end, pieces - 1) ? sequence.pages[index] : nullptr, block);
        }
        else
        {
            fillDense(shared, piece, keys, values);
        }

        __syncthreads();
        if (hasRows)
        {
            attend(shared, piece, rows, warp * WARP_ROWS, firstRow, visible);
        }
        else
        {
            rows.exponent = piece.valueExponent;
        }
    }

    if (hasRows)
    {
        storeRows(arguments, rows, head, share, firstRow + warp * WARP_ROWS);
    }
}

// A warp joins what the shares left of one row.
KERNEL(merge_prefill, PrefillArguments)
{
    const int lane = (int)threadIdx.x % WARP, count = rowCount(arguments);
    int index = (int)(blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP), head = index / count, row = index % count;
    if (head >= KV_HEADS)
    {
        return;
    }

    float largest = NOTHING, sum = 0;
    for (int share = 0; share < arguments.shares; share++)
    {
        largest = max(largest, arguments.sums[((long long)share * KV_HEADS + head) * count + row].x);
    }

    constexpr int pairs = (HEAD_DIM / 2 + WARP - 1) / WARP;
    float2 outputs[pairs] = {};
    for (int share = 0; share < arguments.shares; share++)
    {
        long long partial = ((long long)share * KV_HEADS + head) * count + row;
        float2 part = arguments.sums[partial];
        float weight = exponential2(part.x - largest);
        sum += part.y * weight;
#pragma unroll
        for (int j = 0; j < pairs; j++)
        {
            int channel = 2 * (lane + j * WARP);
            if (channel < HEAD_DIM)
            {
                float2 pair = *(const float2*)(arguments.partials + partial * HEAD_DIM + channel);
                outputs[j].x += pair.x * weight;
                outputs[j].y += pair.y * weight;
            }
        }
    }

#pragma unroll
    for (int j = 0; j < pairs; j++)
    {
        int channel = 2 * (lane + j * WARP);
        if (channel < HEAD_DIM)
        {
            storePair(arguments, rowOffset(head, row) + channel, outputs[j].x / sum, outputs[j].y / sum);
        }
    }
}
