// What CUDA's compiler knows by itself and clang without a CUDA toolkit does not: enough to compile the kernels to PTX. The PTX is for checking that they compile, not for running.
// Instructions stand as text, since clang's names for them change from version to version.
#pragma once

#define __device__ __attribute__((device))
#define __host__ __attribute__((host))
#define __global__ __attribute__((global))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define __grid_constant__
#define CLANG_DEVICE static __device__ inline __attribute__((always_inline))

typedef __SIZE_TYPE__ size_t;

#define VECTOR2(name, type, alignment) \
    struct __align__(alignment) name { type x, y; }; \
    CLANG_DEVICE name make_##name(type x, type y) { return name{x, y}; }
#define VECTOR4(name, type, alignment) \
    struct __align__(alignment) name { type x, y, z, w; }; \
    CLANG_DEVICE name make_##name(type x, type y, type z, type w) { return name{x, y, z, w}; }
VECTOR2(float2, float, 8)
VECTOR4(float4, float, 16)
VECTOR2(int2, int, 8)
VECTOR4(int4, int, 16)
VECTOR2(uint2, unsigned, 8)
VECTOR4(uint4, unsigned, 16)
VECTOR2(double2, double, 16)
VECTOR2(ushort2, unsigned short, 4)
VECTOR4(ushort4, unsigned short, 8)
VECTOR4(uchar4, unsigned char, 4)

struct uint3 { unsigned x, y, z; };

#define SPECIAL_REGISTERS(name, text) \
    CLANG_DEVICE uint3 name() \
    { \
        uint3 value; \
        asm volatile("mov.u32 %0, %%" text ".x; mov.u32 %1, %%" text ".y; mov.u32 %2, %%" text ".z;" : "=r"(value.x), "=r"(value.y), "=r"(value.z)); \
        return value; \
    }
SPECIAL_REGISTERS(clangThread, "tid")
SPECIAL_REGISTERS(clangBlock, "ctaid")
SPECIAL_REGISTERS(clangThreads, "ntid")
SPECIAL_REGISTERS(clangBlocks, "nctaid")
#define threadIdx clangThread()
#define blockIdx clangBlock()
#define blockDim clangThreads()
#define gridDim clangBlocks()

// Barriers, votes, exchanges between lanes.
#define __syncthreads clangBarrier
CLANG_DEVICE void clangBarrier() { asm volatile("bar.sync 0;" ::: "memory"); }
CLANG_DEVICE void __syncwarp(unsigned mask = 0xffffffffu) { asm volatile("bar.warp.sync %0;" ::"r"(mask) : "memory"); }
CLANG_DEVICE void __threadfence() { asm volatile("membar.gl;" ::: "memory"); }
CLANG_DEVICE void __threadfence_block() { asm volatile("membar.cta;" ::: "memory"); }

#define BARRIER_REDUCTION(name, operation) \
    CLANG_DEVICE int name(int predicate) \
    { \
        int result; \
        asm volatile("{ .reg .pred p, q; setp.ne.s32 p, %1, 0; bar.red." operation ".pred q, 0, p; selp.s32 %0, 1, 0, q; }" : "=r"(result) : "r"(predicate) : "memory"); \
        return result; \
    }
BARRIER_REDUCTION(__syncthreads_or, "or")
BARRIER_REDUCTION(__syncthreads_and, "and")
CLANG_DEVICE int __syncthreads_count(int predicate)
{
    int result;
    asm volatile("{ .reg .pred p; setp.ne.s32 p, %1, 0; bar.red.popc.u32 %0, 0, p; }" : "=r"(result) : "r"(predicate) : "memory");
    return result;
}

CLANG_DEVICE unsigned __ballot_sync(unsigned mask, int predicate)
{
    unsigned votes;
    asm volatile("{ .reg .pred p; setp.ne.s32 p, %1, 0; vote.sync.ballot.b32 %0, p, %2; }" : "=r"(votes) : "r"(predicate), "r"(mask) : "memory");
    return votes;
}
CLANG_DEVICE int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
CLANG_DEVICE int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, !predicate) == 0; }

#define SHUFFLE(name, mode, clamp) \
    template <class T> \
    CLANG_DEVICE T name(unsigned mask, T value, int argument, int = 32) \
    { \
        static_assert(sizeof(T) <= 8, "A shuffle moves at most 8 bytes."); \
        unsigned words[2] = {0, 0}; \
        __builtin_memcpy(words, &value, sizeof(T)); \
        for (int i = 0; i < (sizeof(T) > 4 ? 2 : 1); i++) \
        { \
            asm volatile("shfl.sync." mode ".b32 %0, %0, %1, " clamp ", %2;" : "+r"(words[i]) : "r"(argument), "r"(mask) : "memory"); \
        } \
        __builtin_memcpy(&value, words, sizeof(T)); \
        return value; \
    }
SHUFFLE(__shfl_sync, "idx", "31")
SHUFFLE(__shfl_xor_sync, "bfly", "31")
SHUFFLE(__shfl_down_sync, "down", "31")
SHUFFLE(__shfl_up_sync, "up", "0")

#define WARP_REDUCTION(name, operation, type, suffix) \
    CLANG_DEVICE type name(unsigned mask, type value) \
    { \
        type result; \
        asm volatile("redux.sync." operation "." suffix " %0, %1, %2;" : "=r"(result) : "r"(value), "r"(mask) : "memory"); \
        return result; \
    }
WARP_REDUCTION(__reduce_add_sync, "add", unsigned, "u32")
WARP_REDUCTION(__reduce_add_sync, "add", int, "s32")
WARP_REDUCTION(__reduce_min_sync, "min", unsigned, "u32")
WARP_REDUCTION(__reduce_max_sync, "max", unsigned, "u32")
WARP_REDUCTION(__reduce_or_sync, "or", unsigned, "b32")
WARP_REDUCTION(__reduce_and_sync, "and", unsigned, "b32")

// Bits.
template <class To, class From>
CLANG_DEVICE To clangBits(From value)
{
    static_assert(sizeof(To) == sizeof(From), "Bits keep their number.");
    To bits;
    __builtin_memcpy(&bits, &value, sizeof(To));
    return bits;
}
CLANG_DEVICE unsigned __float_as_uint(float value) { return clangBits<unsigned>(value); }
CLANG_DEVICE int __float_as_int(float value) { return clangBits<int>(value); }
CLANG_DEVICE float __uint_as_float(unsigned bits) { return clangBits<float>(bits); }
CLANG_DEVICE float __int_as_float(int bits) { return clangBits<float>(bits); }
CLANG_DEVICE long long __double_as_longlong(double value) { return clangBits<long long>(value); }
CLANG_DEVICE double __longlong_as_double(long long bits) { return clangBits<double>(bits); }
CLANG_DEVICE int __popc(unsigned x) { return __builtin_popcount(x); }
CLANG_DEVICE int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
CLANG_DEVICE int __ffs(int x) { return x ? __builtin_ctz((unsigned)x) + 1 : 0; }
CLANG_DEVICE int __ffsll(long long x) { return x ? __builtin_ctzll((unsigned long long)x) + 1 : 0; }
CLANG_DEVICE int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
CLANG_DEVICE int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
CLANG_DEVICE unsigned __brev(unsigned x) { return __builtin_bitreverse32(x); }
CLANG_DEVICE unsigned __umulhi(unsigned x, unsigned y) { return (unsigned)(((unsigned long long)x * y) >> 32); }
CLANG_DEVICE unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) { return (unsigned)((((unsigned long long)high << 32) | low) >> (shift & 31)); }
CLANG_DEVICE unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) { return (unsigned)(((((unsigned long long)high << 32) | low) << (shift & 31)) >> 32); }
CLANG_DEVICE unsigned __byte_perm(unsigned x, unsigned y, unsigned selector)
{
    unsigned result;
    asm("prmt.b32 %0, %1, %2, %3;" : "=r"(result) : "r"(x), "r"(y), "r"(selector));
    return result;
}
CLANG_DEVICE size_t __cvta_generic_to_shared(const void* address)
{
    size_t shared;
    asm("cvta.to.shared.u64 %0, %1;" : "=l"(shared) : "l"(address));
    return shared;
}

// Memory.
template <class T> CLANG_DEVICE T __ldg(const T* address) { return *address; }
#define memcpy __builtin_memcpy
#define memset __builtin_memset

// An exchange of bits by a loop of compare and swap serves for all of them.
template <int bytes> struct ClangWord { typedef unsigned type; };
template <> struct ClangWord<8> { typedef unsigned long long type; };
CLANG_DEVICE unsigned clangSwap(unsigned* target, unsigned expected, unsigned wanted)
{
    unsigned before;
    asm volatile("atom.cas.b32 %0, [%1], %2, %3;" : "=r"(before) : "l"(target), "r"(expected), "r"(wanted) : "memory");
    return before;
}
CLANG_DEVICE unsigned long long clangSwap(unsigned long long* target, unsigned long long expected, unsigned long long wanted)
{
    unsigned long long before;
    asm volatile("atom.cas.b64 %0, [%1], %2, %3;" : "=l"(before) : "l"(target), "l"(expected), "l"(wanted) : "memory");
    return before;
}
#define ATOMIC(name, expression) \
    template <class T, class Operand> \
    CLANG_DEVICE T name(T* target, Operand given) \
    { \
        typedef typename ClangWord<sizeof(T)>::type Word; \
        T operand = given, before; \
        Word seen, found = *(volatile Word*)target; \
        do \
        { \
            seen = found; \
            before = clangBits<T>(seen); \
            found = clangSwap((Word*)target, seen, clangBits<Word>((T)(expression))); \
        } while (found != seen); \
        return before; \
    }
ATOMIC(atomicAdd, before + operand)
ATOMIC(atomicMin, operand < before ? operand : before)
ATOMIC(atomicMax, operand > before ? operand : before)
ATOMIC(atomicAnd, before & operand)
ATOMIC(atomicOr, before | operand)
ATOMIC(atomicExch, operand)
template <class T> CLANG_DEVICE T atomicCAS(T* target, T expected, T wanted)
{
    typedef typename ClangWord<sizeof(T)>::type Word;
    return clangBits<T>(clangSwap((Word*)target, clangBits<Word>(expected), clangBits<Word>(wanted)));
}

// Arithmetic.
#define ROUNDED(name, type, letter, instruction) \
    CLANG_DEVICE type name(type x, type y) \
    { \
        type result; \
        asm(instruction " %0, %1, %2;" : "=" letter(result) : letter(x), letter(y)); \
        return result; \
    }
ROUNDED(__fadd_rn, float, "f", "add.rn.f32")
ROUNDED(__fsub_rn, float, "f", "sub.rn.f32")
ROUNDED(__fmul_rn, float, "f", "mul.rn.f32")
ROUNDED(__fdiv_rn, float, "f", "div.rn.f32")
ROUNDED(__fdividef, float, "f", "div.approx.f32")
ROUNDED(__dadd_rn, double, "d", "add.rn.f64")
ROUNDED(__dsub_rn, double, "d", "sub.rn.f64")
ROUNDED(__dmul_rn, double, "d", "mul.rn.f64")
ROUNDED(__ddiv_rn, double, "d", "div.rn.f64")

#define FUNCTION1(name) extern "C" __device__ float name##f(float); extern "C" __device__ double name(double);
#define FUNCTION2(name) extern "C" __device__ float name##f(float, float); extern "C" __device__ double name(double, double);
FUNCTION1(sqrt) FUNCTION1(rsqrt) FUNCTION1(exp) FUNCTION1(exp2) FUNCTION1(log) FUNCTION1(log2) FUNCTION1(fabs) FUNCTION1(floor) FUNCTION1(ceil)
FUNCTION1(trunc) FUNCTION1(rint) FUNCTION1(round) FUNCTION1(nearbyint) FUNCTION1(sin) FUNCTION1(cos) FUNCTION1(tanh)
FUNCTION2(fmin) FUNCTION2(fmax) FUNCTION2(pow) FUNCTION2(copysign)
extern "C" __device__ float fmaf(float, float, float);
extern "C" __device__ double fma(double, double, double);
extern "C" __device__ float ldexpf(float, int);
extern "C" __device__ double ldexp(double, int);
extern "C" __device__ float __expf(float);
extern "C" __device__ float __logf(float);
extern "C" __device__ float __fsqrt_rn(float);
extern "C" __device__ double __dsqrt_rn(double);
extern "C" __device__ float __frcp_rn(float);
extern "C" __device__ float __fmaf_rn(float, float, float);
extern "C" __device__ double __fma_rn(double, double, double);
extern "C" __device__ int __float2int_rn(float);
extern "C" __device__ int __double2int_rn(double);
extern "C" __device__ float __double2float_rn(double);
CLANG_DEVICE bool isnan(double x) { return x != x; }
CLANG_DEVICE bool isinf(double x) { return x == __builtin_huge_val() || x == -__builtin_huge_val(); }
CLANG_DEVICE bool isfinite(double x) { return x - x == 0; }
CLANG_DEVICE int abs(int x) { return x < 0 ? -x : x; }

#define LEAST_AND_MOST(x, y, result) \
    CLANG_DEVICE result min(x left, y right) { return (result)right < (result)left ? (result)right : (result)left; } \
    CLANG_DEVICE result max(x left, y right) { return (result)left < (result)right ? (result)right : (result)left; }
LEAST_AND_MOST(int, int, int)
LEAST_AND_MOST(unsigned, unsigned, unsigned)
LEAST_AND_MOST(int, unsigned, unsigned)
LEAST_AND_MOST(unsigned, int, unsigned)
LEAST_AND_MOST(long long, long long, long long)
LEAST_AND_MOST(unsigned long long, unsigned long long, unsigned long long)
LEAST_AND_MOST(long, long, long)
LEAST_AND_MOST(unsigned long, unsigned long, unsigned long)
LEAST_AND_MOST(float, float, float)
LEAST_AND_MOST(double, double, double)
