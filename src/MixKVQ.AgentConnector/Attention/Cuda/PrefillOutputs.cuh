// The running softmax and outputs of a warp's rows over a piece.
#pragma once
#include "PrefillLogits.cuh"

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
