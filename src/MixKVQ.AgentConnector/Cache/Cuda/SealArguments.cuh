// What the kernels that seal a page work on; SealArguments in C# has the same fields. A block is one layer's one KV head; a block's lines are its key channels,
// then for each group of value channels the tokens. A matrix is a block's keys or one group of its values. Compiled for
//     LAYERS KV_HEADS GROUP_SIZE HEAD_DIM VALUE_GROUP ELEMENT   the model's shape, query heads to a KV head, channels of a value group
//     KEY_PALETTE VALUE_PALETTE                                 widths that lines may have, narrowest in the lowest byte
//     SCALE_BYTES LEAST_SQUARES                                 bytes of a scale; whether values' lines have least squared error or cover their range
#pragma once
#include "CacheSequence.cuh"

#define BLOCKS (LAYERS * KV_HEADS)
#define VALUE_GROUPS (HEAD_DIM / VALUE_GROUP)
#define MATRICES_PER_BLOCK (1 + VALUE_GROUPS)
#define MATRICES (BLOCKS * MATRICES_PER_BLOCK)
#define LINES_PER_BLOCK (HEAD_DIM + VALUE_GROUPS * PAGE_TOKENS)
#define QUAD_LINES 4
#define QUADS (BLOCKS * LINES_PER_BLOCK / QUAD_LINES)
#define STEPS 3
#define FULL_WIDTH 16

// What the host reads once the page is sealed; zero before.
struct SealResult
{
    int notFinite; // 1 where an element is NaN or infinite: the page is worthless
    int usedBytes; // of the slab, padding at its end not included
    int codeBytes, scaleBytes, indexBytes, paddingBytes;
};

struct SealArguments
{
    const Element* tail;        // [layers, 2, kvHeads, 128, headDim]
    u8* page;                   // the slab, zero before
    const double* magnitudes;   // [layers, queryHeads, headDim]: sums of |q| over the page's tokens
    const double* energies;     // [layers]: sums of |x|^2 over the page's tokens
    const float* headWeights;   // [block]: |W_o block|^2
    float* minima;              // [block, line]
    float* maxima;              // [block, line]
    float* importance;          // [block, headDim]: mean |q|
    double* variances;          // [block]: of a value channel, mean over channels
    double* outputWeights;      // [block]: |W_o block|^2 / E|x|^2
    int* keyZeroBytes;          // [block]
    u32* lines;                 // [block, line]: each matrix's lines, the worthiest first; four are a quad
    u32* keys;                  // [step, quad]: rise where the value of a step falls
    u8* levels;                 // [quad]: steps taken, or WORTHLESS
    u8* widths;                 // [block, line]
    SealResult* result;
    double keySavings[STEPS];   // parts of a squared range that a step up saves a bit
    double valueSavings[STEPS];
    int tokenCount;             // of magnitudes
    int energyTokenCount;       // of energies; 0 where layers weigh alike
    int spareBytes;             // of the slab beyond the base widths where all key zeros have one byte
    int wideZeroBytes;          // by which a block's keys are longer where their zeros have two bytes
};

template <int lineCount, int lineLength, u32 palette>
struct MatrixShape
{
    enum : u32 { widths = palette };
    enum : int
    {
        lines = lineCount,
        length = lineLength,
        quantizes = (palette & 255) < FULL_WIDTH,
        unitBytes = quantizes ? 16 : 0,
        widthBytes = palette > 255 ? lineCount / 4 : 0,
    };
};

typedef MatrixShape<HEAD_DIM, PAGE_TOKENS, KEY_PALETTE> KeyShape;
typedef MatrixShape<PAGE_TOKENS, VALUE_GROUP, VALUE_PALETTE> ValueShape;

// Which lines a matrix has: part 0 of a block is its keys, part 1 + g group g of its values.
struct MatrixPlace
{
    int block, part, firstLine;
};

DEVICE MatrixPlace placeOf(int matrix)
{
    int block = matrix / MATRICES_PER_BLOCK, part = matrix % MATRICES_PER_BLOCK;
    return {block, part, block * LINES_PER_BLOCK + (part == 0 ? 0 : HEAD_DIM + (part - 1) * PAGE_TOKENS)};
}

// A block's keys (0) or values (1): [128, headDim].
DEVICE const Element* elementsOf(const SealArguments& arguments, int block, int part)
{
    int layer = block / KV_HEADS, head = block % KV_HEADS;
    return arguments.tail + (long long)((2 * layer + part) * KV_HEADS + head) * PAGE_TOKENS * HEAD_DIM;
}

// Floats in an order of unsigned integers: for minima and maxima by atomics; -0 stands below 0.
DEVICE u32 toOrder(float value)
{
    u32 bits = floatToBits(value);
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}

DEVICE float fromOrder(u32 order) { return bitsToFloat(order >> 31 ? order & 0x7fffffffu : ~order); }
