// Quantizes and packs a matrix as MatrixLayout in C# draws it and MatrixWriter writes it. A warp takes a quad, four lines, eight lanes to each.
#pragma once
#include "FitLine.cuh"
#include "MatrixParts.cuh"

#define PACK_THREADS 256
#define PACK_WARPS (PACK_THREADS / WARP)
#define MOST_LINES (HEAD_DIM > PAGE_TOKENS ? HEAD_DIM : PAGE_TOKENS)
#define LONGEST_LINE (VALUE_GROUP > PAGE_TOKENS ? VALUE_GROUP : PAGE_TOKENS)
#define WIDTH_CLASSES 5

struct PackScratch
{
    u32 codes[PACK_WARPS][LONGEST_LINE]; // four lines' codes of an element in each
    float scales[MOST_LINES], zeros[MOST_LINES];
    u16 order[MOST_LINES]; // the line at each place
    u8 classes[MOST_LINES];
    int counts[WIDTH_CLASSES];
    u32 smallestZero, largestZero, largestScale;
};

// The lines of a matrix: where they are, what they span.
struct Lines
{
    const Element* elements;
    int lineStride, elementStride;
    const float* minima;
    const float* maxima;
    const u8* widths;
};

// The order in which lines are stored: 8, 4, 3, 2 bits, full.
DEVICE int classOf(int width) { return width == 8 ? 0 : width == 4 ? 1 : width == 3 ? 2 : width == 2 ? 3 : 4; }

DEVICE int widthAt(LineCounts counts, int place) { return place < counts.eight ? 8 : place < counts.fourth ? 4 : place < counts.third ? 3 : 2; }

template <class Shape>
DEVICE LineCounts placeLines(const Lines& lines, PackScratch& scratch)
{
    if (threadIdx.x < WIDTH_CLASSES)
    {
        scratch.counts[threadIdx.x] = 0;
    }

    for (int i = threadIdx.x; i < Shape::lines; i += PACK_THREADS)
    {
        scratch.classes[i] = (u8)classOf(lines.widths[i]);
    }

    __syncthreads();
    for (int i = threadIdx.x; i < Shape::lines; i += PACK_THREADS)
    {
        int mine = scratch.classes[i], place = 0;
        for (int j = 0; j < Shape::lines; j++)
        {
            place += scratch.classes[j] < mine || (scratch.classes[j] == mine && j < i);
        }

        scratch.order[place] = (u16)i;
        atomicAdd(&scratch.counts[mine], 1);
    }

    __syncthreads();
    LineCounts counts;
    counts.eight = scratch.counts[0];
    counts.fourth = counts.eight + scratch.counts[1];
    counts.third = counts.fourth + scratch.counts[2];
    counts.quantized = counts.third + scratch.counts[3];
    return counts;
}

template <class Shape>
DEVICE int paletteIndex(int width)
{
    int index = 0;
    while (((Shape::widths >> (8 * index)) & 255) != width)
    {
        index++;
    }

    return index;
}

template <class Shape>
DEVICE void writeWidths(const Lines& lines, u8* target)
{
    for (int i = threadIdx.x; i < Shape::widthBytes; i += PACK_THREADS)
    {
        int indexes = 0;
        for (int line = 0; line < 4; line++)
        {
            indexes |= paletteIndex<Shape>(lines.widths[4 * i + line]) << (2 * line);
        }

        target[Shape::unitBytes + i] = (u8)indexes;
    }
}

template <class Shape>
DEVICE void readLine(const Lines& lines, int line, float (&elements)[Shape::length / LINE_LANES])
{
    const Element* first = lines.elements + line * lines.lineStride + threadIdx.x % LINE_LANES * lines.elementStride;
#pragma unroll
    for (int i = 0; i < Shape::length / LINE_LANES; i++)
    {
        elements[i] = toFloat(first[i * LINE_LANES * lines.elementStride]);
    }
}

DEVICE int placeInQuad(int quad) { return quad * QUAD_LINES + (int)(threadIdx.x % WARP) / LINE_LANES; }

// Each line's scale and zero of least squared error.
template <class Shape>
DEVICE void fitLines(const Lines& lines, LineCounts counts, PackScratch& scratch)
{
    for (int quad = threadIdx.x / WARP; quad < quadsOf(counts.quantized); quad += PACK_WARPS)
    {
        int place = min(placeInQuad(quad), counts.quantized - 1), line = scratch.order[place];
        float elements[Shape::length / LINE_LANES];
        readLine<Shape>(lines, line, elements);
        Line fit = fitLeastSquares(elements, lines.minima[line], lines.maxima[line], widthAt(counts, place));
        if (threadIdx.x % LINE_LANES == 0)
        {
            scratch.scales[place] = fit.scale;
            scratch.zeros[place] = fit.zero;
        }
    }
}

// Where zeros are stored, over all that the lines have.
DEVICE ZeroGrid chooseGrid(LineCounts counts, int zeroBytes, PackScratch& scratch)
{
    for (int place = threadIdx.x; place < counts.quantized; place += PACK_THREADS)
    {
        u32 zero = toOrder(scratch.zeros[place]);
        atomicMin(&scratch.smallestZero, zero);
        atomicMax(&scratch.largestZero, zero);
    }

    __syncthreads();
    return counts.quantized == 0 ? ZeroGrid{0, 0, 0} : gridOver(fromOrder(scratch.smallestZero), fromOrder(scratch.largestZero), zeroBytes);
}

// Each line's scale and stored zero such that they cover its range.
DEVICE void coverRanges(const Lines& lines, LineCounts counts, ZeroGrid grid, PackScratch& scratch)
{
    for (int place = threadIdx.x; place < counts.quantized; place += PACK_THREADS)
    {
        float zero = decodeZero(grid, zeroAtMost(grid, scratch.zeros[place]));
        scratch.scales[place] = lineOverRange(zero, lines.maxima[scratch.order[place]], widthAt(counts, place)).scale;
        scratch.zeros[place] = zero;
    }

    __syncthreads();
}

DEVICE float largestScale(LineCounts counts, PackScratch& scratch)
{
    for (int place = threadIdx.x; place < counts.quantized; place += PACK_THREADS)
    {
        float scale = scratch.scales[place];
        atomicMax(&scratch.largestScale, scale > 0 ? floatToBits(scale) : 0);
    }

    __syncthreads();
    return bitsToFloat(scratch.largestScale);
}

DEVICE void writeCode(u8* target, int code, int bytes)
{
    if (bytes == 1)
    {
        *target = (u8)code;
    }
    else
    {
        *(u16*)target = (u16)code;
    }
}

// Bits shift ... of a quad's codes; BitPlane in C# draws it.
template <int length, int bits>
DEVICE void writePlane(const u32 (&codes)[LONGEST_LINE], int shift, u8* plane)
{
    const int words = length * bits / 8;
    const u32 mask = ((1u << bits) - 1) * 0x01010101u;
    for (int i = threadIdx.x % WARP; i < words; i += WARP)
    {
        u32 fields = 0;
        for (int field = 0; field * bits < 8; field++)
        {
            fields |= ((codes[i + field * words] >> shift) & mask) << (field * bits);
        }

        ((u32*)plane)[i] = fields;
    }
}

template <class Shape, bool leastSquares>
DEVICE void packQuad(const Lines& lines, LineCounts counts, const MatrixParts& parts, ZeroGrid grid, float unit, int quad, PackScratch& scratch, u8* target)
{
    int place = placeInQuad(quad);
    bool isLine = place < counts.quantized;
    int stored = isLine ? place : counts.quantized - 1, line = scratch.order[stored], bits = widthAt(counts, stored);
    float elements[Shape::length / LINE_LANES];
    readLine<Shape>(lines, line, elements);
    Line fit = {scratch.scales[stored], scratch.zeros[stored]};
    int scaleCode, zeroCode;
    if (leastSquares)
    {
        scaleCode = nearestScale(fit.scale, unit);
        fit.scale = decodeScale(scaleCode, unit);
        zeroCode = nearestZero(grid, bestZero(elements, lines.minima[line], fit, bits));
    }
    else
    {
        scaleCode = scaleAtLeast(fit.scale, unit);
        fit.scale = decodeScale(scaleCode, unit);
        zeroCode = zeroAtMost(grid, fit.zero);
    }

    fit.zero = decodeZero(grid, zeroCode);
    if (isLine && threadIdx.x % LINE_LANES == 0)
    {
        writeCode(target + parts.scales + place * SCALE_BYTES, scaleCode, SCALE_BYTES);
        writeCode(target + parts.zeros + place * grid.bytes, zeroCode, grid.bytes);
    }

    u32(&codes)[LONGEST_LINE] = scratch.codes[threadIdx.x / WARP];
    u8* bytes = (u8*)codes + place % QUAD_LINES;
    Coder coder = coderOf(fit, bits);
    bool hasCodes = isLine && fit.scale > 0;
    __syncwarp();
#pragma unroll
    for (int i = 0; i < Shape::length / LINE_LANES; i++)
    {
        bytes[(i * LINE_LANES + threadIdx.x % LINE_LANES) * QUAD_LINES] = hasCodes ? (u8)codeOf(coder, elements[i]) : 0;
    }

    __syncwarp();
    writePlane<Shape::length, 2>(codes, 0, target + parts.low + quad * Shape::length);
    if (quad < quadsOf(counts.third))
    {
        writePlane<Shape::length, 1>(codes, 2, target + parts.third + quad * (Shape::length / 2));
    }

    if (quad < quadsOf(counts.fourth))
    {
        writePlane<Shape::length, 1>(codes, 3, target + parts.fourth + quad * (Shape::length / 2));
    }

    if (quad < quadsOf(counts.eight))
    {
        writePlane<Shape::length, 4>(codes, 4, target + parts.high + quad * (Shape::length * 2));
    }
}

template <class Shape>
DEVICE void copyFullLines(const Lines& lines, LineCounts counts, const PackScratch& scratch, Element* target)
{
    for (int i = threadIdx.x; i < (Shape::lines - counts.quantized) * Shape::length; i += PACK_THREADS)
    {
        int line = scratch.order[counts.quantized + i / Shape::length];
        target[i] = lines.elements[line * lines.lineStride + i % Shape::length * lines.elementStride];
    }
}

template <class Shape, bool leastSquares>
DEVICE void packMatrix(const Lines& lines, int zeroBytes, PackScratch& scratch, u8* target)
{
    if (threadIdx.x == 0)
    {
        scratch.smallestZero = ~0u;
        scratch.largestZero = scratch.largestScale = 0;
    }

    LineCounts counts = placeLines<Shape>(lines, scratch);
    MatrixParts parts = partsOf<Shape>(counts, zeroBytes);
    writeWidths<Shape>(lines, target);
    if (leastSquares)
    {
        fitLines<Shape>(lines, counts, scratch);
    }
    else
    {
        for (int place = threadIdx.x; place < counts.quantized; place += PACK_THREADS)
        {
            scratch.zeros[place] = lines.minima[scratch.order[place]];
        }
    }

    __syncthreads();
    ZeroGrid grid = chooseGrid(counts, zeroBytes, scratch);
    if (!leastSquares)
    {
        coverRanges(lines, counts, grid, scratch);
    }

    float unit = largestScale(counts, scratch);
    if (Shape::quantizes && threadIdx.x == 0)
    {
        ((float*)target)[0] = unit;
        ((float*)target)[1] = grid.origin;
        ((float*)target)[2] = grid.unit;
        ((int*)target)[3] = zeroBytes;
    }

    for (int quad = threadIdx.x / WARP; quad < quadsOf(counts.quantized); quad += PACK_WARPS)
    {
        packQuad<Shape, leastSquares>(lines, counts, parts, grid, unit, quad, scratch, target);
    }

    copyFullLines<Shape>(lines, counts, scratch, (Element*)(target + parts.full));
}

// One block of threads to a matrix.
BOUND_KERNEL(pack_matrix, SealArguments, PACK_THREADS, 1)
{
    __shared__ PackScratch scratch;
    MatrixPlace place = placeOf(blockIdx.x);
    const float* minima = arguments.minima + place.firstLine;
    const float* maxima = arguments.maxima + place.firstLine;
    const u8* widths = arguments.widths + place.firstLine;
    u8* target = arguments.page + ((const u32*)arguments.page)[blockIdx.x];
    if (place.part == 0)
    {
        Lines lines = {elementsOf(arguments, place.block, 0), 1, HEAD_DIM, minima, maxima, widths};
        packMatrix<KeyShape, false>(lines, arguments.keyZeroBytes[place.block], scratch, target);
    }
    else
    {
        Lines lines = {elementsOf(arguments, place.block, 1) + (place.part - 1) * VALUE_GROUP, HEAD_DIM, 1, minima, maxima, widths};
        packMatrix<ValueShape, LEAST_SQUARES>(lines, SCALE_BYTES, scratch, target);
    }
}
