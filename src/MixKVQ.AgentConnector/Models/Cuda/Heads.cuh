// One head (HEAD_DIM channels) in a warp's registers, as pairs (i, i + HEAD_DIM / 2): lane l holds pairs l, l + 32 ...
#pragma once
#include "Sums.cuh"

#define HALF_HEAD (HEAD_DIM / 2)
#define LANE_PAIRS ((HALF_HEAD + WARP - 1) / WARP)

struct Head
{
    float lower[LANE_PAIRS], upper[LANE_PAIRS];
};

DEVICE Head loadHead(const Element* channels, int lane)
{
    Head head;
#pragma unroll
    for (int i = 0; i < LANE_PAIRS; i++)
    {
        int pair = i * WARP + lane;
        head.lower[i] = pair < HALF_HEAD ? toFloat(channels[pair]) : 0.0f;
        head.upper[i] = pair < HALF_HEAD ? toFloat(channels[pair + HALF_HEAD]) : 0.0f;
    }

    return head;
}

// Rounds the head into Elements, or keeps it in floats.
template <class T>
DEVICE void storeHead(const Head& head, T* channels, int lane)
{
#pragma unroll
    for (int i = 0; i < LANE_PAIRS; i++)
    {
        int pair = i * WARP + lane;
        if (pair < HALF_HEAD)
        {
            channels[pair] = sizeof(T) == sizeof(float) ? (T)head.lower[i] : (T)toElement(head.lower[i]);
            channels[pair + HALF_HEAD] = sizeof(T) == sizeof(float) ? (T)head.upper[i] : (T)toElement(head.upper[i]);
        }
    }
}

// Divides by the root mean square and multiplies by the weight; all lanes.
DEVICE void normHead(Head& head, const float* weight, float epsilon, int lane)
{
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < LANE_PAIRS; i++)
    {
        sum += head.lower[i] * head.lower[i] + head.upper[i] * head.upper[i];
    }

    float scale = rsqrtf(warpSum(sum) / HEAD_DIM + epsilon);
#pragma unroll
    for (int i = 0; i < LANE_PAIRS; i++)
    {
        int pair = i * WARP + lane;
        if (pair < HALF_HEAD)
        {
            head.lower[i] = head.lower[i] * scale * weight[pair];
            head.upper[i] = head.upper[i] * scale * weight[pair + HALF_HEAD];
        }
    }
}

// Rotates the pairs by angles: HALF_HEAD cosines, then as many sines.
DEVICE void rotateHead(Head& head, const float* angles, int lane)
{
#pragma unroll
    for (int i = 0; i < LANE_PAIRS; i++)
    {
        int pair = i * WARP + lane;
        if (pair < HALF_HEAD)
        {
            float cosine = angles[pair], sine = angles[pair + HALF_HEAD], x = head.lower[i], y = head.upper[i];
            head.lower[i] = x * cosine - y * sine;
            head.upper[i] = y * cosine + x * sine;
        }
    }
}
