// Decode attention's logits: a block's queries, and a page's keys.
#pragma once
#include "DecodeState.cuh"

// Units are not smaller, so that their inverses are finite.
#define SMALLEST_UNIT 1e-30f

// A block's queries in shared memory, times the scale and log2(e), over their unit: the largest is 1.
struct BlockQueries
{
    float values[HEAD_DIM][QUERY_COLUMNS]; // columns beyond the heads are 0
    float largest[WARPS];
};

// The unit of the block's queries. The whole block; ends in a barrier.
DEVICE float loadQueries(BlockQueries& block, const float* queries, int heads, float scale)
{
    int thread = threadIdx.x;
    float largest = 0;
    for (int i = thread; i < HEAD_DIM * heads; i += THREADS)
    {
        float magnitude = fabsf(queries[i]);
        largest = largest < magnitude ? magnitude : largest;
    }

    for (int offset = WARP / 2; offset > 0; offset /= 2)
    {
        float other = __shfl_xor_sync(ALL_LANES, largest, offset);
        largest = largest < other ? other : largest;
    }

    if (thread % WARP == 0)
    {
        block.largest[thread / WARP] = largest;
    }

    __syncthreads();
    for (int warp = 0; warp < WARPS; warp++)
    {
        largest = largest < block.largest[warp] ? block.largest[warp] : largest;
    }

    float unit = largest * fabsf(scale) * LOG2_E;
    unit = unit < SMALLEST_UNIT ? SMALLEST_UNIT : unit;
    float factor = scale * LOG2_E / unit;
    for (int i = thread; i < HEAD_DIM * QUERY_COLUMNS; i += THREADS)
    {
        int head = i / HEAD_DIM, channel = i % HEAD_DIM;
        block.values[channel][head] = head < heads ? queries[i] * factor : 0;
    }

    __syncthreads();
    return unit;
}

typedef PlaneProduct<KeyMatrix, 0, 4> KeyProduct;

// A page's logits of a lane's tokens and heads, logit = value * factor + offset, where value is of a slot. Weights later.
struct Logits
{
    float values[HEAD_SETS][KeyProduct::slots];
    float factor;
    float raisedFactor; // of raised slots
    float offsets[HEAD_SETS]; // a lane's part of what the lanes of a head have to add up
};

DEVICE float factorOf(const Logits& logits, int slot) { return KeyProduct::isRaised(slot) ? logits.raisedFactor : logits.factor; }

// Writes the rows of a page's keys, queries times scales, in storage order, and what all logits have in common: their factor, and each head's offset over queryUnit, a lane's part of it.
template <class Shape>
DEVICE void foldKeys(Logits& logits, float (&offsets)[QUERY_COLUMNS], WarpMemory& memory, const BlockQueries& block, const PackedMatrix& keys, float queryUnit, int lane)
{
    for (int head = 0; head < QUERY_COLUMNS; head++)
    {
        offsets[head] = 0;
    }

    float unit = KeyMatrix::hasQuantized ? keys.scaleUnit * ROW_UNIT : 0;
    float bend = CORRECT_BIAS ? -queryUnit * unit * unit * (1 / (24 * LOG2_E)) : 0;
    logits.factor = queryUnit * unit;
    logits.raisedFactor = logits.factor / 16;
#pragma unroll
    for (int chunk = 0; chunk < KeyMatrix::chunks; chunk++)
    {
        int quad = chunk * WARP + lane;
        if (!KeyMatrix::hasQuantized || (HEAD_DIM % CHUNK_LINES != 0 && quad * QUAD_LINES >= HEAD_DIM))
        {
            continue;
        }

        float scales[QUAD_LINES], zeros[QUAD_LINES], bends[QUAD_LINES];
        readScales<Shape>(scales, keys, ROW_EXPONENT, quad);
        readZeros<Shape>(zeros, keys, quad);
        u32 order = ((const u32*)memory.keyOrder)[quad];
        const float* queries[QUAD_LINES];
        for (int i = 0; i < QUAD_LINES; i++)
        {
            queries[i] = block.values[(order >> (8 * i)) & 0xff];
            bends[i] = scales[i] * scales[i] * bend;
        }

        for (int set = 0; set < HEAD_SETS; set++)
        {
            float4 query[QUAD_LINES];
            for (int i = 0; i < QUAD_LINES; i++)
            {
                query[i] = ((const float4*)queries[i])[set];
            }

            QuadRow row;
#pragma unroll
            for (int head = 0; head < SET_HEADS; head++)
            {
                u32 lines[QUAD_LINES];
#pragma unroll
                for (int i = 0; i < QUAD_LINES; i++)
                {
                    float one = (&query[i].x)[head];
                    lines[i] = floatToBits(multiplyAdd(one, scales[i], TO_INTEGER));
                    offsets[set * SET_HEADS + head] += one * (one * bends[i] + zeros[i]);
                }

                splitRow(row.words[2 * head], row.words[2 * head + 1], lines);
            }

            memory.rows[set * ROW_QUADS + quad] = row;
        }
    }
}

// Adds what lines that are not quantized contribute to logits.
template <class Shape>
DEVICE void addFullKeys(Logits& logits, const WarpMemory& memory, const BlockQueries& block, const PackedMatrix& keys, float queryUnit, int lane)
{
#pragma unroll
    for (int set = 0; set < HEAD_SETS; set++)
    {
        float offset = sumTokens(logits.offsets[set]);
        for (int slot = 0; slot < KeyProduct::slots; slot++)
        {
            logits.values[set][slot] = logits.values[set][slot] * factorOf(logits, slot) + offset;
        }

        logits.offsets[set] = 0;
    }

    logits.factor = logits.raisedFactor = 1;
    int elements = fullLines<Shape>(keys);
    for (int i = 0; i < HEAD_DIM - keys.quantized; i++)
    {
        const float* queries = block.values[memory.keyOrder[keys.quantized + i]];
#pragma unroll
        for (int slot = 0; slot < KeyProduct::slots; slot++)
        {
            float key = elementAt<Shape>(keys, elements, i * PAGE_TOKENS + KeyProduct::element(slot, lane / 4)) * queryUnit;
            for (int set = 0; set < HEAD_SETS; set++)
            {
                logits.values[set][slot] += key * queries[set * SET_HEADS + lane % 4];
            }
        }
    }
}

DEVICE void orderKeys(WarpMemory& memory, const int (&places)[KeyMatrix::chunks * QUAD_LINES], int lane)
{
    for (int i = 0; i < KeyMatrix::chunks * QUAD_LINES; i++)
    {
        int channel = i / QUAD_LINES * CHUNK_LINES + lane * QUAD_LINES + i % QUAD_LINES;
        if (HEAD_DIM % CHUNK_LINES == 0 || channel < HEAD_DIM)
        {
            memory.keyOrder[places[i]] = (u8)channel;
        }
    }
}

// A page's logits, by keys that begin at start, whose order is in memory.
template <class Shape>
DEVICE void multiplyKeys(Logits& logits, WarpMemory& memory, const BlockQueries& block, const u8* start, LineWidths<KeyMatrix>::Fields total, float queryUnit, int lane)
{
    typedef PlaneProduct<Shape, 0, 4> Product;
    PackedMatrix keys = readUnits<Shape>(start, 0);
    if (Shape::choices > 1)
    {
        setCounts<Shape>(keys, total);
    }

    typename Product::Ahead ahead;
    if (Shape::hasQuantized)
    {
        Product::loadAhead(ahead, keys, lane);
    }

    __syncwarp();
    float offsets[QUERY_COLUMNS];
    foldKeys<Shape>(logits, offsets, memory, block, keys, queryUnit, lane);
    __syncwarp();
    typename Product::Sums sums;
    Product::clear(sums);
    if (Shape::hasQuantized)
    {
        Product::add(sums, ahead, keys, memory.rows, lane);
    }

#pragma unroll
    for (int set = 0; set < HEAD_SETS; set++)
    {
        for (int slot = 0; slot < Product::slots; slot++)
        {
            logits.values[set][slot] = (float)Product::sum(sums, set, slot);
        }
    }

    for (int set = 0; set < HEAD_SETS; set++)
    {
        logits.offsets[set] = partOfHead(offsets + set * SET_HEADS, lane) * queryUnit;
    }

    if (Product::hasEight && keys.eight > 0)
    {
        Product::clear(sums);
        Product::addHigh(sums, keys, memory.rows, lane);
#pragma unroll
        for (int set = 0; set < HEAD_SETS; set++)
        {
            for (int slot = 0; slot < Product::slots; slot++)
            {
                logits.values[set][slot] += 16 * (float)Product::sum(sums, set, slot);
            }
        }
    }

    if (Shape::hasFull)
    {
        addFullKeys<Shape>(logits, memory, block, keys, queryUnit, lane);
    }
}
