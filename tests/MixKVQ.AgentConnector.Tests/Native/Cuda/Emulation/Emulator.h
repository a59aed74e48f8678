// Runs kernels on the CPU: a block's threads are fibers that switch wherever CUDA's threads may wait for each other. One block after the other,
// on the thread that launches. Made to find wrong results, not to be fast. Collectives need all 32 lanes of a warp, as the kernels use them.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#define DEVICE static inline
#define __device__
#define __host__
#define __forceinline__ inline
#define __restrict__
#define __shared__ static thread_local
#define __align__(n) alignas(n)
#define __constant__ static const
#define DYNAMIC_SHARED(name) unsigned char* name = emulator::run.shared

struct uint4 { u32 x, y, z, w; };
struct uint2 { u32 x, y; };
struct float2 { float x, y; };
struct float4 { float x, y, z, w; };
struct dim3 { u32 x = 1, y = 1, z = 1; };
static inline uint4 make_uint4(u32 x, u32 y, u32 z, u32 w) { return {x, y, z, w}; }
static inline uint2 make_uint2(u32 x, u32 y) { return {x, y}; }
static inline float2 make_float2(float x, float y) { return {x, y}; }
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

namespace emulator
{
struct Warp
{
    u64 slots[2][WARP];
    u32 words[2][WARP][8];
    int arrived;
    u32 generation;
};

struct Fiber
{
    void* stackPointer;
    unsigned char* stack;
    bool done;
};

struct Run
{
    dim3 grid, block, blockIndex;
    int thread;
    unsigned char* shared;
    Fiber* fibers;
    Warp* warps;
    int count, barrierArrived, barrierSum, barrierResult[2];
    u32 barrierGeneration;
    void (*body)(const void*);
    const void* arguments;
    void* scheduler;
};

static thread_local Run run;
static const size_t stackBytes = 256 * 1024;

#if defined(__x86_64__)
extern "C" void emulator_switch(void** from, void* to);
asm(R"(
.text
.weak emulator_switch
.type emulator_switch,@function
emulator_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");
#else
#error "The emulator switches fibers on x86-64 only."
#endif

static void next()
{
    int from = run.thread, to = from;
    do
    {
        to = to + 1 == run.count ? 0 : to + 1;
    } while (run.fibers[to].done && to != from);

    if (to != from)
    {
        run.thread = to;
        emulator_switch(&run.fibers[from].stackPointer, run.fibers[to].stackPointer);
    }
    else if (run.fibers[from].done)
    {
        emulator_switch(&run.fibers[from].stackPointer, run.scheduler);
    }
    else
    {
        fprintf(stderr, "emulator: a thread waits for threads that have ended\n");
        abort();
    }
}

static void begin()
{
    run.body(run.arguments);
    run.fibers[run.thread].done = true;
    next();
    abort();
}

static void launch(void (*body)(const void*), const void* arguments, u32 gridX, u32 gridY, u32 gridZ, u32 threads, u32 sharedBytes)
{
    run.grid = {gridX, gridY, gridZ};
    run.block = {threads, 1, 1};
    run.count = (int)threads;
    run.body = body;
    run.arguments = arguments;
    std::vector<Fiber> fibers(threads);
    std::vector<Warp> warps((threads + WARP - 1) / WARP);
    run.fibers = fibers.data();
    run.warps = warps.data();
    run.shared = (unsigned char*)aligned_alloc(128, (sharedBytes + 255) / 128 * 128);
    for (Fiber& fiber : fibers)
    {
        fiber.stack = (unsigned char*)aligned_alloc(64, stackBytes);
    }

    for (u32 z = 0; z < gridZ; z++)
        for (u32 y = 0; y < gridY; y++)
            for (u32 x = 0; x < gridX; x++)
            {
                run.blockIndex = {x, y, z};
                memset(run.shared, 0xff, sharedBytes);
                memset(warps.data(), 0, warps.size() * sizeof(Warp));
                run.barrierArrived = run.barrierSum = 0;
                run.barrierGeneration = 0;
                for (Fiber& fiber : fibers)
                {
                    void** top = (void**)(fiber.stack + stackBytes) - 2;
                    *top = (void*)begin;
                    for (int i = 0; i < 6; i++)
                    {
                        *--top = nullptr;
                    }

                    fiber.stackPointer = top;
                    fiber.done = false;
                }

                run.thread = 0;
                emulator_switch(&run.scheduler, fibers[0].stackPointer);
            }

    for (Fiber& fiber : fibers)
    {
        free(fiber.stack);
    }

    free(run.shared);
}

static inline int lane() { return run.thread % WARP; }
static inline Warp& warp() { return run.warps[run.thread / WARP]; }

// Waits for the warp; returns which of the two slot sets this collective used.
static inline int meet()
{
    Warp& all = warp();
    u32 generation = all.generation;
    if (++all.arrived == WARP)
    {
        all.arrived = 0;
        all.generation++;
    }
    else
    {
        while (warp().generation == generation)
        {
            next();
        }
    }

    return generation & 1;
}

template <class T>
static inline T exchange(T value, int from)
{
    static_assert(sizeof(T) <= 8, "");
    u64 bits = 0;
    memcpy(&bits, &value, sizeof(T));
    Warp& all = warp();
    all.slots[all.generation & 1][lane()] = bits;
    int set = meet();
    memcpy(&value, &warp().slots[set][from & (WARP - 1)], sizeof(T));
    return value;
}

struct Index
{
    struct { operator u32() const { return (u32)run.thread; } } x;
    struct { operator u32() const { return 0; } } y, z;
};

static inline float halfBits(u16 half)
{
    int exponent = (half >> 10) & 31, mantissa = half & 1023;
    float value = exponent == 0 ? ldexpf((float)mantissa, -24)
        : exponent == 31 ? (mantissa ? NAN : INFINITY) : ldexpf((float)(mantissa | 1024), exponent - 25);
    return half & 0x8000 ? -value : value;
}

static inline u16 toHalfBits(float value)
{
    u32 bits;
    memcpy(&bits, &value, 4);
    u16 sign = (u16)((bits >> 16) & 0x8000);
    float magnitude = fabsf(value);
    if (magnitude != magnitude)
    {
        return (u16)(sign | 0x7fff);
    }

    if (magnitude >= 65520.0f)
    {
        return (u16)(sign | 0x7c00);
    }

    if (magnitude < 6.103515625e-05f)
    {
        return (u16)(sign | (u16)nearbyintf(magnitude * 16777216.0f));
    }

    memcpy(&bits, &magnitude, 4);
    bits += 0xfffu + ((bits >> 13) & 1);
    return (u16)(sign | ((bits - (112u << 23)) >> 13));
}

static inline void multiplyHalves(float (&d)[4], u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1)
{
    Warp& all = warp();
    u32 mine[6] = {a0, a1, a2, a3, b0, b1};
    memcpy(all.words[all.generation & 1][lane()], mine, sizeof(mine));
    int set = meet();
    u32(&words)[WARP][8] = warp().words[set];
    int g = lane() / 4, c = lane() % 4;
    for (int i = 0; i < 4; i++)
    {
        int row = g + (i / 2) * 8, column = 2 * c + i % 2;
        double sum = d[i];
        for (int k = 0; k < 16; k++)
        {
            u32 a = words[(row % 8) * 4 + (k % 8) / 2][(k / 8) * 2 + row / 8];
            u32 b = words[column * 4 + (k % 8) / 2][4 + k / 8];
            sum += (double)halfBits((u16)(a >> (k % 2 * 16))) * halfBits((u16)(b >> (k % 2 * 16)));
        }

        d[i] = (float)sum;
    }
}

static inline void loadRows(u32 (&matrices)[4], const void* row, bool transposed)
{
    Warp& all = warp();
    memcpy(all.words[all.generation & 1][lane()], row, 16);
    int set = meet();
    u32(&words)[WARP][8] = warp().words[set];
    int g = lane() / 4, c = lane() % 4;
    for (int i = 0; i < 4; i++)
    {
        auto element = [&](int r, int k) { return (u16)(words[i * 8 + r][k / 2] >> (k % 2 * 16)); };
        matrices[i] = transposed ? element(2 * c, g) | (u32)element(2 * c + 1, g) << 16 : element(g, 2 * c) | (u32)element(g, 2 * c + 1) << 16;
    }
}
} // namespace emulator

static const emulator::Index threadIdx;
#define blockIdx (emulator::run.blockIndex)
#define gridDim (emulator::run.grid)
#define blockDim (emulator::run.block)

#define KERNEL(name, Arguments)                                                                                            \
    static void name##_body(const Arguments& arguments);                                                                   \
    extern "C" void name(const void* arguments, u32 gridX, u32 gridY, u32 gridZ, u32 threads, u32 sharedBytes)             \
    {                                                                                                                      \
        emulator::launch([](const void* pointer) { name##_body(*(const Arguments*)pointer); }, arguments, gridX, gridY, gridZ, threads, sharedBytes); \
    }                                                                                                                      \
    static void name##_body(const Arguments& arguments)
#define BOUND_KERNEL(name, Arguments, threads, blocks) KERNEL(name, Arguments)

static inline void __syncwarp(u32 = ALL_LANES) { emulator::meet(); }

static inline int emulatedBarrier(int value)
{
    using emulator::run;
    u32 generation = run.barrierGeneration;
    run.barrierSum += value;
    if (++run.barrierArrived == run.count)
    {
        run.barrierResult[generation & 1] = run.barrierSum;
        run.barrierArrived = run.barrierSum = 0;
        run.barrierGeneration++;
    }
    else
    {
        while (run.barrierGeneration == generation)
        {
            emulator::next();
        }
    }

    return run.barrierResult[generation & 1];
}

static inline void __syncthreads() { emulatedBarrier(0); }
static inline int __syncthreads_count(int predicate) { return emulatedBarrier(predicate != 0); }
static inline int __syncthreads_or(int predicate) { return emulatedBarrier(predicate != 0) != 0; }
static inline int __syncthreads_and(int predicate) { return emulatedBarrier(predicate == 0) == 0; }
template <class T> static inline T __shfl_sync(u32, T value, int from) { return emulator::exchange(value, from); }
template <class T> static inline T __shfl_xor_sync(u32, T value, int mask) { return emulator::exchange(value, emulator::lane() ^ mask); }
template <class T> static inline T __shfl_down_sync(u32, T value, int delta)
{
    int from = emulator::lane() + delta;
    return emulator::exchange(value, from < WARP ? from : emulator::lane());
}
template <class T> static inline T __shfl_up_sync(u32, T value, int delta)
{
    int from = emulator::lane() - delta;
    return emulator::exchange(value, from >= 0 ? from : emulator::lane());
}
static inline u32 __ballot_sync(u32, int predicate)
{
    emulator::Warp& all = emulator::warp();
    all.slots[all.generation & 1][emulator::lane()] = predicate != 0;
    int set = emulator::meet();
    u32 votes = 0;
    for (int i = 0; i < WARP; i++)
    {
        votes |= (u32)emulator::warp().slots[set][i] << i;
    }

    return votes;
}
static inline int __any_sync(u32 mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
static inline int __all_sync(u32 mask, int predicate) { return __ballot_sync(mask, predicate) == ALL_LANES; }
static inline int __popc(u32 x) { return __builtin_popcount(x); }
static inline int __popcll(u64 x) { return __builtin_popcountll(x); }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline int __clz(int x) { return x ? __builtin_clz((u32)x) : 32; }
static inline u32 __funnelshift_r(u32 low, u32 high, u32 shift) { return (u32)((((u64)high << 32) | low) >> (shift & 31)); }
static inline u32 __byte_perm(u32 x, u32 y, u32 selector)
{
    u64 both = (u64)y << 32 | x;
    u32 result = 0;
    for (int i = 0; i < 4; i++)
    {
        result |= (u32)((both >> (8 * ((selector >> (4 * i)) & 7))) & 255) << (8 * i);
    }

    return result;
}
static inline double __dmul_rn(double x, double y) { return x * y; }
static inline double __dadd_rn(double x, double y) { return x + y; }
static inline float __fmul_rn(float x, float y) { return x * y; }
static inline float __fadd_rn(float x, float y) { return x + y; }
static inline float __fsub_rn(float x, float y) { return x - y; }
static inline double __dsub_rn(double x, double y) { return x - y; }
static inline u64 __double_as_longlong(double x) { u64 bits; memcpy(&bits, &x, 8); return bits; }
#define __expf expf
#define __logf logf
static inline float __fdividef(float x, float y) { return x / y; }
static inline float rsqrtf(float x) { return 1 / sqrtf(x); }
static inline void __threadfence() {}
template <class T> static inline T atomicAdd(T* target, T value) { T before = *target; *target = before + value; return before; }
template <class T> static inline T atomicOr(T* target, T value) { T before = *target; *target = before | value; return before; }
template <class T> static inline T atomicMin(T* target, T value) { T before = *target; *target = value < before ? value : before; return before; }
template <class T> static inline T atomicMax(T* target, T value) { T before = *target; *target = value > before ? value : before; return before; }
template <class T> static inline T min(T x, T y) { return y < x ? y : x; }
template <class T> static inline T max(T x, T y) { return x < y ? y : x; }
template <class T> static inline T __ldg(const T* address) { return *address; }

DEVICE u32 packHalves(float low, float high) { return emulator::toHalfBits(low) | (u32)emulator::toHalfBits(high) << 16; }
DEVICE float halfToFloat(u16 half) { return emulator::halfBits(half); }
DEVICE u16 floatToHalf(float value) { return emulator::toHalfBits(value); }
DEVICE u32 fuseHalves(u32 x, u32 y, u32 z)
{
    auto fuse = [&](int shift) { return (u32)emulator::toHalfBits(emulator::halfBits((u16)(x >> shift)) * emulator::halfBits((u16)(y >> shift)) + emulator::halfBits((u16)(z >> shift))); };
    return fuse(0) | fuse(16) << 16;
}
DEVICE void multiplyHalves(float (&d)[4], u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1) { emulator::multiplyHalves(d, a0, a1, a2, a3, b0, b1); }
DEVICE void multiplyBytes(int (&d)[4], u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1)
{
    emulator::Warp& all = emulator::warp();
    u32 mine[6] = {a0, a1, a2, a3, b0, b1};
    memcpy(all.words[all.generation & 1][emulator::lane()], mine, sizeof(mine));
    int set = emulator::meet(), g = emulator::lane() / 4, c = emulator::lane() % 4;
    u32(*words)[8] = emulator::warp().words[set];
    for (int i = 0; i < 4; i++)
    {
        int column = 2 * c + i % 2;
        for (int k = 0; k < 32; k++)
        {
            int from = k % 16 / 4, half = k / 16, shift = k % 4 * 8;
            d[i] += (int)(u8)(words[g * 4 + from][half * 2 + i / 2] >> shift) * (int)(int8_t)(words[column * 4 + from][4 + half] >> shift);
        }
    }
}
DEVICE void loadMatrices(u32 (&matrices)[4], const void* row) { emulator::loadRows(matrices, row, false); }
DEVICE void loadTransposed(u32 (&matrices)[4], const void* row) { emulator::loadRows(matrices, row, true); }
DEVICE void loadTransposed(u32 (&matrices)[2], const void* row)
{
    u32 all[4];
    emulator::loadRows(all, row, true);
    matrices[0] = all[0];
    matrices[1] = all[1];
}
DEVICE u32 addBelow(u32 value, int distance)
{
    u32 below = __shfl_up_sync(ALL_LANES, value, distance);
    return value + (emulator::lane() >= distance ? below : 0);
}
DEVICE float exponential2(float x) { return exp2f(x); }
DEVICE uint4 loadStreamed(const void* address) { uint4 value; memcpy(&value, address, 16); return value; }
DEVICE uint4 loadStreamedWhere(bool condition, const void* address) { return condition ? loadStreamed(address) : make_uint4(0, 0, 0, 0); }
DEVICE u32 loadByte(const void* address) { return *(const u8*)address; }
DEVICE u32 loadWord(const void* address) { u32 value; memcpy(&value, address, 4); return value; }
DEVICE uint2 loadPair(const void* address) { uint2 value; memcpy(&value, address, 8); return value; }
DEVICE u32 selectBits(u32 mask, u32 ones, u32 zeros) { return (ones & mask) | (zeros & ~mask); }
DEVICE u32 multiplyPairs(u32 x, u32 y)
{
    using emulator::halfBits;
    return packHalves(halfBits((u16)x) * halfBits((u16)y), halfBits((u16)(x >> 16)) * halfBits((u16)(y >> 16)));
}
DEVICE void prefetch(const void*) {}
typedef u8* SharedAddress;
DEVICE SharedAddress sharedAddress(const void* shared) { return (u8*)shared; }
DEVICE uint4 loadSharedWhere(bool condition, SharedAddress address)
{
    uint4 value = make_uint4(0, 0, 0, 0);
    memcpy(&value, address, condition ? 16 : 0);
    return value;
}
template <int to, int from>
DEVICE void copyAsync(SharedAddress shared, const void* global, int bytes)
{
    if (bytes > to)
    {
        memcpy(shared + to, (const u8*)global + from, 16);
    }
}
DEVICE void commitCopies() {}
template <int pending> DEVICE void awaitCopies() {}
DEVICE float multiplyAdd(float x, float y, float z) { return fmaf(x, y, z); }
DEVICE float bitsToFloat(u32 bits) { float value; memcpy(&value, &bits, 4); return value; }
DEVICE u32 floatToBits(float value) { u32 bits; memcpy(&bits, &value, 4); return bits; }
DEVICE u32 __float_as_uint(float value) { return floatToBits(value); }
DEVICE float __uint_as_float(u32 bits) { return bitsToFloat(bits); }
DEVICE u16 floatToBfloat(float value)
{
    u32 bits = floatToBits(value);
    return value != value ? 0x7fff : (u16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}
