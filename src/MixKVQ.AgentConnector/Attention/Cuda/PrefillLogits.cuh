// Logits of a warp's rows.
#pragma once
#include "PrefillState.cuh"

// What the middles of the keys' lines add to each row's logits and what the bias correction takes off.
DEVICE void pageTerms(const Shared& shared, const Piece& piece, const u16* queries, const Rows& rows, float (&terms)[ROW_TILES][2])
{
    const int lane = (int)threadIdx.x % WARP;
    float middles[ROW_TILES][4] = {}, steps[ROW_TILES][4] = {};
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
            multiplyHalves(middles[tile], a[0], a[1], a[2], a[3], b[0], b[1]);
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
            float middle = __shfl_sync(ALL_LANES, middles[tile][2 * i] + middles[tile][2 * i + 1], lane & ~3);
            float step = __shfl_sync(ALL_LANES, steps[tile][2 * i], (lane & ~3) + 1);
            terms[tile][i] = factor * (middle * piece.middleFactor - step * factor * piece.biasFactor);
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
