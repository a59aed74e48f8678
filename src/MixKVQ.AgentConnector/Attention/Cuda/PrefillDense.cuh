// Sinks and tail into tiles.
#pragma once
#include "PrefillState.cuh"

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
