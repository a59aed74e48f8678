// How scales and zeros are stored: ScaleCode and ZeroGrid in C#, to the last bit.
#pragma once
#include "SealArguments.cuh"

#define SCALE_STEPS 16 // codes of one byte to a factor of two

// Mantissa bits of 2^(i / 16), and the first above 2^((i + 0.5) / 16).
__constant__ u32 scaleMantissas[SCALE_STEPS] = {0x000000, 0x05aac3, 0x0b95c2, 0x11c3d3, 0x1837f0, 0x1ef532, 0x25fed7, 0x2d583f,
    0x3504f3, 0x3d08a4, 0x45672a, 0x4e248c, 0x5744fd, 0x60ccdf, 0x6ac0c7, 0x75257d};
__constant__ u32 scaleBorders[SCALE_STEPS] = {0x02cd87, 0x08980f, 0x0ea43a, 0x14f4f0, 0x1b8d3a, 0x227044, 0x29a15b, 0x3123f6,
    0x38fbb0, 0x412c4d, 0x49b9be, 0x52a81e, 0x5bfbb8, 0x65b907, 0x6fe4ba, 0x7a83b3};

DEVICE float decodeScale(int code, float unit)
{
    if (SCALE_BYTES == 2)
    {
        return bitsToFloat((u32)code << 16);
    }

    u32 next = (u32)code + 1, exponent = 127 - SCALE_STEPS + next / SCALE_STEPS;
    return code == 0 ? 0 : __fmul_rn(unit, bitsToFloat(exponent << 23 | scaleMantissas[next % SCALE_STEPS]));
}

// The code whose scale is nearest by ratio; the unit is the matrix's largest scale.
DEVICE int nearestScale(float scale, float unit)
{
    if (!(scale > 0))
    {
        return 0;
    }

    if (SCALE_BYTES == 2)
    {
        return (int)min((floatToBits(scale) + 0x8000u) >> 16, 0x7f7fu);
    }

    u32 ratio = floatToBits(scale / unit);
    int code = 255 + SCALE_STEPS * ((int)(ratio >> 23) - 127);
    for (int i = 0; i < SCALE_STEPS; i++)
    {
        code += scaleBorders[i] <= (ratio & 0x7fffff);
    }

    return min(max(code, 1), 255);
}

// The smallest code whose scale is at least this.
DEVICE int scaleAtLeast(float scale, float unit)
{
    if (!(scale > 0))
    {
        return 0;
    }

    if (SCALE_BYTES == 2)
    {
        return (int)((floatToBits(scale) + 0xffffu) >> 16);
    }

    int code = max(1, nearestScale(scale, unit) - 1);
    while (code < 255 && decodeScale(code, unit) < scale)
    {
        code++;
    }

    return code;
}

struct ZeroGrid
{
    float origin, unit;
    int bytes;
};

DEVICE int maxZeroCode(int bytes) { return bytes == 1 ? 0xff : 0xffff; }

DEVICE ZeroGrid gridOver(float smallest, float largest, int bytes)
{
    return {smallest, (float)(((double)largest - smallest) / maxZeroCode(bytes)), bytes};
}

DEVICE float decodeZero(ZeroGrid grid, int code) { return __fadd_rn(grid.origin, __fmul_rn(grid.unit, (float)code)); }

// Where a value stands on the grid, in units, within the grid's ends.
DEVICE double gridPlace(ZeroGrid grid, float value)
{
    double place = ((double)value - grid.origin) / grid.unit;
    return place > 0 ? min(place, (double)maxZeroCode(grid.bytes)) : 0;
}

// The largest code whose zero is at most the value.
DEVICE int zeroAtMost(ZeroGrid grid, float value)
{
    if (grid.unit == 0)
    {
        return 0;
    }

    double place = gridPlace(grid, value);
    int code = (int)place;
    code += code < place;
    while (code > 0 && decodeZero(grid, code) > value)
    {
        code--;
    }

    return code;
}

// The code whose zero is nearest to the value, of two the even one.
DEVICE int nearestZero(ZeroGrid grid, float value)
{
    if (grid.unit == 0)
    {
        return 0;
    }

    double place = gridPlace(grid, value);
    int code = (int)place;
    double rest = place - code;
    return code + (rest > 0.5 || (rest == 0.5 && code % 2 == 1));
}
