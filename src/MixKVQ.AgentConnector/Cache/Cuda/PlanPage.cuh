// BudgetPolicy's plan in one block of threads: steps up in the order of their keys, equal ones by their place, each that fits into the spare bytes. The steps up to
// the first that does not fit are found digit by digit, by sums of bytes; the few that fit after it are looked for one by one. Growth is the same for all steps of
// a kind: lines are a multiple of 32 long.
#pragma once
#include "MatrixParts.cuh"
#include "OrderLines.cuh"

#define PLAN_THREADS 1024
#define DIGIT_BITS 11
#define DIGITS (1 << DIGIT_BITS)
#define INDEX_BITS 22
#define NO_STEP (~0ull)

struct PlanScratch
{
    u32 bytes[DIGITS];
    u32 sums[PLAN_THREADS / WARP];
    u64 least[PLAN_THREADS / WARP];
    int digit, before;
};

// Sums over this thread's predecessors and itself; all threads take part.
DEVICE u32 runningSum(u32 value, u32 (&sums)[PLAN_THREADS / WARP])
{
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    for (int distance = 1; distance < WARP; distance *= 2)
    {
        u32 other = __shfl_up_sync(ALL_LANES, value, distance);
        value += lane >= distance ? other : 0;
    }

    __syncthreads();
    if (lane == WARP - 1)
    {
        sums[warp] = value;
    }

    __syncthreads();
    for (int i = 0; i < warp; i++)
    {
        value += sums[i];
    }

    return value;
}

DEVICE u64 leastOfAll(u64 value, u64 (&least)[PLAN_THREADS / WARP])
{
    for (int distance = WARP / 2; distance > 0; distance /= 2)
    {
        value = min(value, __shfl_xor_sync(ALL_LANES, value, distance));
    }

    __syncthreads();
    if (threadIdx.x % WARP == 0)
    {
        least[threadIdx.x / WARP] = value;
    }

    __syncthreads();
    for (int i = 0; i < PLAN_THREADS / WARP; i++)
    {
        value = min(value, least[i]);
    }

    return value;
}

DEVICE int growthOf(int quad, int step)
{
    bool isKeys = quad * QUAD_LINES % LINES_PER_BLOCK < HEAD_DIM;
    return (isKeys ? PAGE_TOKENS : VALUE_GROUP) * (step == STEPS - 1 ? 2 * QUAD_LINES : QUAD_LINES / 2) / QUAD_LINES;
}

// A step's place among all: by key, then by quad and step.
DEVICE u64 rankOf(const u32* keys, int quad, int step)
{
    return (u64)keys[step * QUADS + quad] << INDEX_BITS | (u32)(quad * STEPS + step);
}

// The places of a quad's steps, in order; NO_STEP where they are worth nothing.
DEVICE void readRanks(const SealArguments& arguments, int quad, u64 (&ranks)[STEPS])
{
    bool isWorthless = arguments.levels[quad] == WORTHLESS;
#pragma unroll
    for (int step = 0; step < STEPS; step++)
    {
        u64 rank = rankOf(arguments.keys, quad, step);
        ranks[step] = isWorthless ? NO_STEP : rank;
    }
}

// The first step that does not fit when all before it are taken, NO_STEP where all fit. What they take goes off the spare bytes.
DEVICE u64 findCut(const SealArguments& arguments, PlanScratch& scratch, int& spare)
{
    u64 prefix = 0;
    for (int shift = 4 * DIGIT_BITS; shift >= 0; shift -= DIGIT_BITS)
    {
        for (int i = threadIdx.x; i < DIGITS; i += PLAN_THREADS)
        {
            scratch.bytes[i] = 0;
        }

        if (threadIdx.x == 0)
        {
            scratch.digit = -1;
        }

        __syncthreads();
        for (int quad = threadIdx.x; quad < QUADS; quad += PLAN_THREADS)
        {
            u64 ranks[STEPS];
            readRanks(arguments, quad, ranks);
#pragma unroll
            for (int step = 0; step < STEPS; step++)
            {
                if (ranks[step] >> (shift + DIGIT_BITS) == prefix)
                {
                    atomicAdd(&scratch.bytes[(ranks[step] >> shift) % DIGITS], (u32)growthOf(quad, step));
                }
            }
        }

        __syncthreads();
        u32 lower = scratch.bytes[2 * threadIdx.x], upper = scratch.bytes[2 * threadIdx.x + 1];
        u32 after = runningSum(lower + upper, scratch.sums), before = after - lower - upper;
        if (before <= (u32)spare && (u32)spare < after)
        {
            bool isLower = before + lower > (u32)spare;
            scratch.digit = 2 * threadIdx.x + !isLower;
            scratch.before = before + (isLower ? 0 : lower);
        }

        __syncthreads();
        if (scratch.digit < 0)
        {
            return NO_STEP;
        }

        prefix = prefix << DIGIT_BITS | (u32)scratch.digit;
        spare -= scratch.before;
        __syncthreads();
    }

    return prefix;
}

// Takes the steps before the cut.
DEVICE void takeSteps(const SealArguments& arguments, u64 cut)
{
    for (int quad = threadIdx.x; quad < QUADS; quad += PLAN_THREADS)
    {
        u64 ranks[STEPS];
        readRanks(arguments, quad, ranks);
        if (ranks[0] != NO_STEP)
        {
            arguments.levels[quad] = (u8)((ranks[0] < cut) + (ranks[1] < cut) + (ranks[2] < cut));
        }
    }
}

// Takes what fits after the cut. A step that does not fit bars the later ones of its quad.
DEVICE void fillUp(const SealArguments& arguments, PlanScratch& scratch, int spare)
{
    while (true)
    {
        u64 first = NO_STEP;
        for (int quad = threadIdx.x; quad < QUADS && spare > 0; quad += PLAN_THREADS)
        {
            int level = arguments.levels[quad];
            if (level < STEPS && growthOf(quad, level) <= spare)
            {
                first = min(first, rankOf(arguments.keys, quad, level));
            }
        }

        first = leastOfAll(first, scratch.least);
        if (first == NO_STEP)
        {
            return;
        }

        u32 index = (u32)first & ((1u << INDEX_BITS) - 1), quad = index / STEPS;
        spare -= growthOf(quad, index % STEPS);
        if (threadIdx.x == quad % PLAN_THREADS)
        {
            arguments.levels[quad]++;
        }
    }
}

DEVICE int widthOf(int level) { return level == 1 ? 3 : level == 2 ? 4 : level == 3 ? 8 : 2; }

DEVICE void writeWidths(const SealArguments& arguments)
{
    for (int i = threadIdx.x; i < QUADS * QUAD_LINES; i += PLAN_THREADS)
    {
        arguments.widths[arguments.lines[i]] = (u8)widthOf(arguments.levels[i / QUAD_LINES]);
    }
}

DEVICE MatrixParts plannedParts(const SealArguments& arguments, MatrixPlace place)
{
    LineCounts counts = {place.part == 0 ? HEAD_DIM : PAGE_TOKENS, 0, 0, 0};
    for (int line = 0; line < counts.quantized; line += QUAD_LINES)
    {
        int width = widthOf(arguments.levels[(place.firstLine + line) / QUAD_LINES]);
        counts.third += width >= 3 ? QUAD_LINES : 0;
        counts.fourth += width >= 4 ? QUAD_LINES : 0;
        counts.eight += width == 8 ? QUAD_LINES : 0;
    }

    return place.part == 0 ? partsOf<KeyShape>(counts, arguments.keyZeroBytes[place.block]) : partsOf<ValueShape>(counts, SCALE_BYTES);
}

// Writes where each matrix is to be, and what the page holds.
DEVICE void layOut(const SealArguments& arguments, PlanScratch& scratch)
{
    SealResult* result = arguments.result;
    int used = align16(MATRICES * (int)sizeof(u32));
    for (int first = 0; first < MATRICES; first += PLAN_THREADS)
    {
        int matrix = first + threadIdx.x;
        MatrixParts parts = {};
        if (matrix < MATRICES)
        {
            MatrixPlace place = placeOf(matrix);
            parts = plannedParts(arguments, place);
            int widths = place.part == 0 ? KeyShape::widthBytes : ValueShape::widthBytes;
            atomicAdd(&result->codeBytes, parts.fullEnd - parts.low);
            atomicAdd(&result->scaleBytes, parts.zerosEnd - widths);
            atomicAdd(&result->indexBytes, widths);
            atomicAdd(&result->paddingBytes, parts.low - parts.zerosEnd + parts.end - parts.fullEnd);
        }

        int after = used + (int)runningSum((u32)parts.end, scratch.sums);
        if (matrix < MATRICES)
        {
            ((u32*)arguments.page)[matrix] = (u32)(after - parts.end);
        }

        if (threadIdx.x == PLAN_THREADS - 1)
        {
            scratch.before = after;
        }

        __syncthreads();
        used = scratch.before;
    }

    if (threadIdx.x == 0)
    {
        result->usedBytes = used;
    }
}

BOUND_KERNEL(plan_page, SealArguments, PLAN_THREADS, 1)
{
    __shared__ PlanScratch scratch;
    int wide = 0;
    for (int block = threadIdx.x; block < BLOCKS; block += PLAN_THREADS)
    {
        wide += arguments.keyZeroBytes[block] == 2;
    }

    runningSum((u32)wide, scratch.sums);
    int spare = arguments.spareBytes;
    for (int i = 0; i < PLAN_THREADS / WARP; i++)
    {
        spare -= (int)scratch.sums[i] * arguments.wideZeroBytes;
    }

    u64 cut = findCut(arguments, scratch, spare);
    takeSteps(arguments, cut);
    fillUp(arguments, scratch, cut == NO_STEP ? 0 : spare);
    writeWidths(arguments);
    layOut(arguments, scratch);
}
