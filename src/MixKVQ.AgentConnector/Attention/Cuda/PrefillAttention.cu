// Attention of a chunk of tokens over a conversation's cache. The chunk's tokens times the query heads of one KV head are rows; a block takes some rows of a KV head
// and a share of the history: sinks, pages and tail are its pieces, in this order. A piece of 128 tokens at most lies in shared memory as halves while the
// block's rows attend to it. Where there are several shares, merge_prefill joins what they leave.
//
// HEAD_DIM, GROUP_SIZE, KV_HEADS, VALUE_GROUP, ELEMENT, SCALE_BYTES, CORRECT_BIAS and the palettes KEY_PALETTE, VALUE_PALETTE describe the model and its cache;
// WARPS warps make a block, each with ROW_TILES times 16 rows; a block has SHARED_BYTES of shared memory.
#include "PackedTile.cuh"

#define THREADS (WARPS * WARP)
#define WARP_ROWS (16 * ROW_TILES)
#define BLOCK_ROWS (WARPS * WARP_ROWS)
#define PADDED ((HEAD_DIM + 15) / 16 * 16)
#define CHANNEL_STRIDE (PADDED + 8)   // of a row of channels: odd in units of 16 bytes, so that rows meet different banks
#define TOKEN_STRIDE (PAGE_TOKENS + 8) // of a row of tokens; the last 8 are the key channel's zero in two halves, and the square of its step
#define VALUE_GROUPS (HEAD_DIM / VALUE_GROUP)
#define SPAN 64 // tokens whose logits are in registers together
#define LOG2_E 1.44269504088896340736f
#define NOTHING -1e30f // below every logit; finite, so that differences are numbers
#define HIDDEN bitsToFloat(0xff800000u)

struct PrefillArguments
{
    CacheSequence sequence;
    const void* queries; // [tokens, queryHeads, HEAD_DIM], float32 or Element
    void* output;        // like queries
    float* partials;     // [shares, KV_HEADS, rows, HEAD_DIM]
    float2* sums;        // [shares, KV_HEADS, rows]: largest logit, base 2, and the sum of weights relative to it
    float scale;
    int layer;
    int tokens;
    int shares;
    int areFloats; // whether queries and output are float32
};

struct Shared
{
    u16 queries[BLOCK_ROWS * CHANNEL_STRIDE];
    u16 keys[PADDED * TOKEN_STRIDE];
    u16 values[PAGE_TOKENS * CHANNEL_STRIDE];
    float rowFactors[BLOCK_ROWS];
    float scratch[WARPS];
    PackedMatrix keyMatrix, valueMatrices[VALUE_GROUPS];
    LinePlan<KeyMatrix> keyPlan;
    uint2 keyTerms[HEAD_DIM];
    LinePlan<ValueMatrix> valuePlans[VALUE_GROUPS];
};

static_assert(sizeof(Shared) <= SHARED_BYTES, "The host asks for too little shared memory.");

// What turns products of a piece's tiles into logits and outputs.
struct Piece
{
    int tokens;
    bool isPacked;
    int keyExponent, valueExponent;
    float zeroFactor, biasFactor;
};

DEVICE int rowCount(const PrefillArguments& arguments) { return arguments.tokens * GROUP_SIZE; }

DEVICE long long rowOffset(int head, int row)
{
    return (((long long)(row / GROUP_SIZE) * KV_HEADS + head) * GROUP_SIZE + row % GROUP_SIZE) * HEAD_DIM;
}

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

// Prepares a page's block: orders, multipliers and what else its lines need.
DEVICE Piece planPage(Shared& shared, const u8* slab, int block)
{
    const u32* offsets = (const u32*)slab + block * (1 + VALUE_GROUPS);
    Piece piece = {PAGE_TOKENS, true, 0, 0, 0, 0};
    PackedMatrix keys = openOrdered<KeyMatrix, WARPS>(slab + offsets[0], shared.keyPlan.order);
    piece.keyExponent = clampExponent(max(codeExponent<KeyMatrix>(keys), fullExponent<KeyMatrix, WARPS>(keys, shared.scratch)));
    int stepShift = clampExponent(exponentAbove(keys.scaleUnit)), zeroShift = clampExponent(max(zeroExponent<KeyMatrix>(keys), stepShift + 7) - 8);
    float zeroFactor = powerOfTwo(-zeroShift), stepFactor = powerOfTwo(-stepShift);
    piece.zeroFactor = powerOfTwo(zeroShift);
    piece.biasFactor = powerOfTwo(stepShift) * powerOfTwo(stepShift) * (1 / (16384.0f * 24 * LOG2_E));
    for (int place = (int)threadIdx.x; place < keys.quantized; place += THREADS)
    {
        // A line's middle becomes part of its zero: the halves then round numbers half as large.
        float scale = scaleAt<KeyMatrix>(keys, place), step = scale * stepFactor, middle = middleCode(keys, place);
        u16 addend = floatToHalf(-middle * scale * powerOfTwo(-piece.keyExponent));
        float zero = (zeroAt<KeyMatrix>(keys, place) - halfToFloat(addend) * powerOfTwo(piece.keyExponent)) * zeroFactor;
        u16 upper = floatToHalf(zero);
        shared.keyPlan.multipliers[place] = twice(scale * powerOfTwo(24 - piece.keyExponent));
        shared.keyPlan.addends[place] = addend * 0x10001u;
        shared.keyTerms[place] = make_uint2(upper | (u32)floatToHalf(zero - halfToFloat(upper)) << 16, floatToHalf(step * step * 16384));
    }

    int valueExponent = SMALLEST_EXPONENT;
#pragma unroll 1
    for (int group = 0; group < VALUE_GROUPS; group++)
    {
        PackedMatrix values = openOrdered<ValueMatrix, WARPS>(slab + offsets[1 + group], shared.valuePlans[group].order);
        valueExponent = max(valueExponent, max(codeExponent<ValueMatrix>(values), zeroExponent<ValueMatrix>(values) - 15));
        valueExponent = max(valueExponent, fullExponent<ValueMatrix, WARPS>(values, shared.scratch));
        if (threadIdx.x % WARP == 0)
        {
            shared.valueMatrices[group] = values;
            shared.keyMatrix = keys;
        }
    }

    piece.valueExponent = valueExponent;
    return piece;
}

DEVICE void planValues(Shared& shared, int exponent)
{
    __syncwarp();
#pragma unroll 1
    for (int group = 0; group < VALUE_GROUPS; group++)
    {
        PackedMatrix values = shared.valueMatrices[group];
        for (int place = (int)threadIdx.x; place < values.quantized; place += THREADS)
        {
            shared.valuePlans[group].multipliers[place] = twice(scaleAt<ValueMatrix>(values, place) * powerOfTwo(24 - exponent));
            shared.valuePlans[group].addends[place] = twice(zeroAt<ValueMatrix>(values, place) * powerOfTwo(-exponent));
        }
    }
}

DEVICE void fillPage(Shared& shared, const Piece& piece)
{
    const PackedMatrix keys = shared.keyMatrix;
    fillQuantized<KeyMatrix, THREADS>(keys, shared.keyPlan, shared.keys, TOKEN_STRIDE);
    if (keys.quantized < HEAD_DIM)
    {
        fillFull<KeyMatrix, THREADS>(keys, shared.keyPlan, piece.keyExponent, shared.keys, TOKEN_STRIDE);
    }

    for (int place = (int)threadIdx.x; place < HEAD_DIM; place += THREADS)
    {
        *(uint2*)(shared.keys + shared.keyPlan.order[place] * TOKEN_STRIDE + PAGE_TOKENS) = place < keys.quantized ? shared.keyTerms[place] : make_uint2(0, 0);
    }

#pragma unroll 1
    for (int group = 0; group < VALUE_GROUPS; group++)
    {
        const PackedMatrix matrix = shared.valueMatrices[group];
        u16* tile = shared.values + group * VALUE_GROUP;
        fillQuantized<ValueMatrix, THREADS>(matrix, shared.valuePlans[group], tile, CHANNEL_STRIDE);
        if (matrix.quantized < PAGE_TOKENS)
        {
            fillFull<ValueMatrix, THREADS>(matrix, shared.valuePlans[group], piece.valueExponent, tile, CHANNEL_STRIDE);
        }
    }
}

// Sinks or tail: `keys` and `values` are [tokens, HEAD_DIM].
DEVICE Piece planDense(Shared& shared, const Element* keys, const Element* values, int tokens)
{
    Piece piece = {tokens, false, 0, 0, 0, 0};
    piece.keyExponent = clampExponent(exponentAbove(largestElement<WARPS>(keys, tokens * HEAD_DIM, shared.scratch)));
    piece.valueExponent = clampExponent(exponentAbove(largestElement<WARPS>(values, tokens * HEAD_DIM, shared.scratch)));
    return piece;
}

DEVICE void fillDense(Shared& shared, const Piece& piece, const Element* keys, const Element* values)
{
    float keyFactor = powerOfTwo(-piece.keyExponent), valueFactor = powerOfTwo(-piece.valueExponent);
    for (int i = (int)threadIdx.x; i < PAGE_TOKENS * HEAD_DIM; i += THREADS)
    {
        int token = i / HEAD_DIM, channel = i % HEAD_DIM;
        bool isThere = token < piece.tokens;
        shared.keys[channel * TOKEN_STRIDE + token] = isThere ? floatToHalf(toFloat(keys[i]) * keyFactor) : 0;
        shared.values[token * CHANNEL_STRIDE + channel] = isThere ? floatToHalf(toFloat(values[i]) * valueFactor) : 0;
    }
}

// A warp's rows: outputs, times 2^-exponent, and running largest logits and sums. Lane (g, c) holds rows g and g + 8 of each tile.
struct Rows
{
    float outputs[ROW_TILES][PADDED / 8][4];
    float largest[ROW_TILES][2], sums[ROW_TILES][2], factors[ROW_TILES][2];
    int exponent;
};

// Where lane l points to for 16 x 16 halves: row l % 16, column 8 * (l / 16).
DEVICE int laneOffset(int stride) { return (int)threadIdx.x % 16 * stride + (int)threadIdx.x % WARP / 16 * 8; }

// What zeros add to each row's logits and what the bias correction takes off.
DEVICE void pageTerms(const Shared& shared, const Piece& piece, const u16* queries, const Rows& rows, float (&terms)[ROW_TILES][2])
{
    const int lane = (int)threadIdx.x % WARP;
    float zeros[ROW_TILES][4] = {}, steps[ROW_TILES][4] = {};
#pragma unroll
    for (int k = 0; k < PADDED / 16; k++)
    {
        u32 b[2];
        loadTransposed(b, shared.keys + (k * 16 + lane % 16) * TOKEN_STRIDE + PAGE_TOKENS);
#pragma unroll
        for (int tile = 0; tile < ROW_TILES; tile++)
        {
            u32 a[4];
            loadMatrices(a, queries + tile * 16 * CHANNEL_STRIDE + k * 16 + laneOffset(CHANNEL_STRIDE));
            multiplyHalves(zeros[tile], a[0], a[1], a[2], a[3], b[0], b[1]);
#if CORRECT_BIAS
            multiplyHalves(steps[tile], multiplyPairs(a[0], a[0]), multiplyPairs(a[1], a[1]), multiplyPairs(a[2], a[2]), multiplyPairs(a[3], a[3]), b[0], b[1]);
#endif
        }
    }

#pragma unroll
    for (int tile = 0; tile < ROW_TILES; tile++)
    {
#pragma unroll
        for (int i = 0; i < 2; i++)
        {
            float factor = rows.factors[tile][i];
            float zero = __shfl_sync(ALL_LANES, zeros[tile][2 * i] + zeros[tile][2 * i + 1], lane & ~3);
            float step = __shfl_sync(ALL_LANES, steps[tile][2 * i], (lane & ~3) + 1);
            terms[tile][i] = factor * (zero * piece.zeroFactor - step * factor * piece.biasFactor);
        }
    }
}

DEVICE void multiplyLogits(const u16* queries, const u16* keys, float (&logits)[ROW_TILES][SPAN / 8][4])
{
#pragma unroll
    for (int k = 0; k < PADDED / 16; k++)
    {
        u32 a[ROW_TILES][4];
#pragma unroll
        for (int tile = 0; tile < ROW_TILES; tile++)
        {
            loadMatrices(a[tile], queries + tile * 16 * CHANNEL_STRIDE + k * 16);
        }

#pragma unroll
        for (int n = 0; n < SPAN / 16; n++)
        {
            u32 b[4];
            loadTransposed(b, keys + k * 16 * TOKEN_STRIDE + n * 16);
#pragma unroll
            for (int tile = 0; tile < ROW_TILES; tile++)
            {
                multiplyHalves(logits[tile][2 * n], a[tile][0], a[tile][1], a[tile][2], a[tile][3], b[0], b[1]);
                multiplyHalves(logits[tile][2 * n + 1], a[tile][0], a[tile][1], a[tile][2], a[tile][3], b[2], b[3]);
            }
        }
    }
}

// Takes products for logits, brings the rows to their new largest ones, and leaves weights in their place.
DEVICE void weigh(Rows& rows, float (&logits)[ROW_TILES][SPAN / 8][4], const float (&terms)[ROW_TILES][2], float factor)
{
    float rescales[ROW_TILES][2];
    bool isRescaled = false;
#pragma unroll
    for (int tile = 0; tile < ROW_TILES; tile++)
    {
#pragma unroll
        for (int i = 0; i < 2; i++)
        {
            float largest = HIDDEN;
#pragma unroll
            for (int n = 0; n < SPAN / 8; n++)
            {
                largest = max(largest, max(logits[tile][n][2 * i], logits[tile][n][2 * i + 1]));
            }

            largest = max(largest, __shfl_xor_sync(ALL_LANES, largest, 1));
            largest = max(largest, __shfl_xor_sync(ALL_LANES, largest, 2));
            float rowFactor = rows.factors[tile][i] * factor, before = rows.largest[tile][i];
            float now = max(before, largest * rowFactor + terms[tile][i]);
            float shift = terms[tile][i] - now, sum = 0;
            rows.largest[tile][i] = now;
            rescales[tile][i] = exponential2(before - now);
            isRescaled |= now != before;
#pragma unroll
            for (int n = 0; n < SPAN / 8; n++)
            {
#pragma unroll
                for (int j = 2 * i; j < 2 * i + 2; j++)
                {
                    float weight = exponential2(logits[tile][n][j] * rowFactor + shift);
                    logits[tile][n][j] = weight;
                    sum += weight;
                }
            }

            rows.sums[tile][i] = rows.sums[tile][i] * rescales[tile][i] + sum;
        }
    }

    if (__any_sync(ALL_LANES, isRescaled))
    {
#pragma unroll
        for (int tile = 0; tile < ROW_TILES; tile++)
        {
#pragma unroll
            for (int n = 0; n < PADDED / 8; n++)
            {
#pragma unroll
                for (int j = 0; j < 4; j++)
                {
                    rows.outputs[tile][n][j] *= rescales[tile][j / 2];
                }
            }
        }
    }
}

DEVICE void addOutputs(Rows& rows, const float (&weights)[ROW_TILES][SPAN / 8][4], const u16* values)
{
#pragma unroll
    for (int k = 0; k < SPAN / 16; k++)
    {
        u32 a[ROW_TILES][4];
#pragma unroll
        for (int tile = 0; tile < ROW_TILES; tile++)
        {
#pragma unroll
            for (int i = 0; i < 4; i++)
            {
                const float(&pair)[4] = weights[tile][2 * k + i / 2];
                a[tile][i] = packHalves(pair[i % 2 * 2], pair[i % 2 * 2 + 1]);
            }
        }

#pragma unroll
        for (int n = 0; n < PADDED / 16; n++)
        {
            u32 b[4];
            loadTransposed(b, values + k * 16 * CHANNEL_STRIDE + n * 16);
#pragma unroll
            for (int tile = 0; tile < ROW_TILES; tile++)
            {
                multiplyHalves(rows.outputs[tile][2 * n], a[tile][0], a[tile][1], a[tile][2], a[tile][3], b[0], b[1]);
                multiplyHalves(rows.outputs[tile][2 * n + 1], a[tile][0], a[tile][1], a[tile][2], a[tile][3], b[2], b[3]);
            }
        }
    }
}

// Hides what a row does not see. `visible` tokens of the piece are seen by the warp's first row, whose index among all rows is given; later tokens see more.
DEVICE void hide(float (&logits)[ROW_TILES][SPAN / 8][4], const Piece& piece, int firstToken, int firstRow, int visible)
{
    const int lane = (int)threadIdx.x % WARP;
#pragma unroll
    for (int tile = 0; tile < ROW_TILES; tile++)
    {
#pragma unroll
        for (int i = 0; i < 2; i++)
        {
            int row = firstRow + tile * 16 + i * 8 + lane / 4;
            int seen = min(visible + row / GROUP_SIZE, piece.tokens) - firstToken;
#pragma unroll
            for (int n = 0; n < SPAN / 8; n++)
            {
#pragma unroll
                for (int j = 0; j < 2; j++)
                {
                    logits[tile][n][2 * i + j] = n * 8 + lane % 4 * 2 + j < seen ? logits[tile][n][2 * i + j] : HIDDEN;
                }
            }
        }
    }
}

// `visible`: tokens of the piece that the chunk's first token sees.
DEVICE void attend(const Shared& shared, const Piece& piece, Rows& rows, int warpRow, int firstRow, int visible)
{
    const u16* queries = shared.queries + warpRow * CHANNEL_STRIDE;
    float terms[ROW_TILES][2] = {};
    if (piece.isPacked)
    {
        pageTerms(shared, piece, queries, rows, terms);
    }

    if (piece.valueExponent > rows.exponent)
    {
        float factor = powerOfTwo(max(rows.exponent - piece.valueExponent, SMALLEST_EXPONENT));
        rows.exponent = piece.valueExponent;
#pragma unroll
        for (int tile = 0; tile < ROW_TILES; tile++)
        {
#pragma unroll
            for (int n = 0; n < PADDED / 8; n++)
            {
#pragma unroll
                for (int j = 0; j < 4; j++)
                {
                    rows.outputs[tile][n][j] *= factor;
                }
            }
        }
    }

#pragma unroll 1
    for (int first = 0; first < piece.tokens; first += SPAN)
    {
        float logits[ROW_TILES][SPAN / 8][4] = {};
        multiplyLogits(queries + laneOffset(CHANNEL_STRIDE), shared.keys + first + laneOffset(TOKEN_STRIDE), logits);
        if (!piece.isPacked)
        {
            hide(logits, piece, first, firstRow + warpRow, visible);
        }

        weigh(rows, logits, terms, powerOfTwo(piece.keyExponent));
        addOutputs(rows, logits, shared.values + first * CHANNEL_STRIDE + laneOffset(CHANNEL_STRIDE));
    }
}

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
    const int pieces = sequence.pageCount + 2, position = sequence.position;
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
    for (int index = pieces * share / arguments.shares; index < pieces * (share + 1) / arguments.shares; index++)
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
        Piece piece = isPage ? planPage(shared, sequence.pages[index - 1], arguments.layer * KV_HEADS + head) : planDense(shared, keys, values, count);
        piece.valueExponent = max(clampExponent(piece.valueExponent), rows.exponent);
        if (isPage)
        {
            planValues(shared, piece.valueExponent);
        }

        __syncthreads();
        if (isPage)
        {
            fillPage(shared, piece);
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
