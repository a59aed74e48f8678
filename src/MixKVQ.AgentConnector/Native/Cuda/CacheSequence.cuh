// One conversation's cache as kernels see it; CacheSequence in C# has the same fields. A table of them, one for each conversation of a batch, is uploaded once a step.
#pragma once
#include "Device.cuh"

#define SINK_TOKENS 32
#define PAGE_TOKENS 128

struct CacheSequence
{
    const u8* const* pages; // [pageCount] slabs, oldest first
    u8* sinks;              // [layers, 2 (keys, values), kvHeads, 32, headDim], Element
    u8* tail;               // [layers, 2 (keys, values), kvHeads, 128, headDim], Element
    double* magnitudes;     // [layers, queryHeads, headDim]: sums of |q| since the last page
    double* energies;       // [layers]: sums of |x|^2 since the last page
    int pageCount;
    int sinkCount; // tokens in sinks, those of the step under way included
    int tailCount; // tokens in the tail, those of the step under way included
    int position;  // of the step's first token
};
