// What kernels use of the machine, beyond CUDA C++ itself: names for integers, packed half precision, matrix units, loads around the caches.
// Kernels are compiled at run time without any header of CUDA's. The emulator that tests run them with defines the same functions in plain C++ (EMULATED).
//
// A kernel takes one structure by value, which C# mirrors field by field:
//     struct ScaleArguments { float* values; int count; };
//     KERNEL(scale_values, ScaleArguments) { ... arguments.values ... }
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define WARP 32
#define ALL_LANES 0xffffffffu

#ifdef EMULATED
#include "Emulator.h"
#else

#define KERNEL(name, Arguments) extern "C" __global__ void name(const __grid_constant__ Arguments arguments)
// The same with at most so many threads a block and at least so many blocks a multiprocessor.
#define BOUND_KERNEL(name, Arguments, threads, blocks) \
    extern "C" __global__ void __launch_bounds__(threads, blocks) name(const __grid_constant__ Arguments arguments)
#define DYNAMIC_SHARED(name) extern __shared__ __align__(16) unsigned char name[]
#define DEVICE static __device__ __forceinline__

// Two floats to two halves (IEEE 754 binary16), to nearest even; low in the lower 16 bits.
DEVICE u32 packHalves(float low, float high)
{
    u32 packed;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
    return packed;
}

DEVICE float halfToFloat(u16 half)
{
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(half));
    return value;
}

DEVICE u16 floatToHalf(float value)
{
    u16 half;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(half) : "f"(value));
    return half;
}

// x * y + z of two halves each, rounded once.
DEVICE u32 fuseHalves(u32 x, u32 y, u32 z)
{
    u32 result;
    asm("fma.rn.f16x2 %0, %1, %2, %3;" : "=r"(result) : "r"(x), "r"(y), "r"(z));
    return result;
}

// To nearest even; a NaN stays one.
DEVICE u16 floatToBfloat(float value)
{
    u16 bits;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}

// D += A * B of 16 x 16 times 16 x 8 halves (mma.m16n8k16), all 32 lanes, g = lane / 4, c = lane % 4; two halves a register, lower index in the lower bits:
//   a0 = A[g][2c, 2c+1]   a1 = A[g+8][2c, 2c+1]   a2 = A[g][2c+8, 2c+9]   a3 = A[g+8][2c+8, 2c+9]
//   b0 = B[2c, 2c+1][g]   b1 = B[2c+8, 2c+9][g]
//   d[0, 1] = D[g][2c, 2c+1]   d[2, 3] = D[g+8][2c, 2c+1]
DEVICE void multiplyHalves(float (&d)[4], u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1)
{
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

// D += A * B of 16 x 32 unsigned times 32 x 8 signed bytes (mma.m16n8k32), all 32 lanes, g = lane / 4, c = lane % 4; four bytes a register, lowest index in the lowest bits:
//   a0 = A[g][4c ... 4c+3]   a1 = A[g+8][4c ...]   a2 = A[g][4c+16 ...]   a3 = A[g+8][4c+16 ...]
//   b0 = B[4c ... 4c+3][g]   b1 = B[4c+16 ...][g]
//   d as above
DEVICE void multiplyBytes(int (&d)[4], u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1)
{
    asm("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

// Four 8 x 8 matrices of 16-bit elements from shared memory; lane l names row l % 8 of matrix l / 8, 16 bytes each. Register i: matrix i, [lane / 4][2 (lane % 4), +1].
DEVICE void loadMatrices(u32 (&matrices)[4], const void* row)
{
    u32 address = (u32)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
        : "=r"(matrices[0]), "=r"(matrices[1]), "=r"(matrices[2]), "=r"(matrices[3]) : "r"(address) : "memory");
}

// The same, each matrix transposed.
DEVICE void loadTransposed(u32 (&matrices)[4], const void* row)
{
    u32 address = (u32)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
        : "=r"(matrices[0]), "=r"(matrices[1]), "=r"(matrices[2]), "=r"(matrices[3]) : "r"(address) : "memory");
}

// The first two of them; lanes 0 to 15 name the rows.
DEVICE void loadTransposed(u32 (&matrices)[2], const void* row)
{
    u32 address = (u32)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];" : "=r"(matrices[0]), "=r"(matrices[1]) : "r"(address) : "memory");
}

// A value plus that of the lane so many below, where there is one.
DEVICE u32 addBelow(u32 value, int distance)
{
    u32 sum;
    asm volatile("{\n.reg .u32 r;\n.reg .pred p;\nshfl.sync.up.b32 r|p, %1, %2, 0, 0xffffffff;\n@p add.u32 r, r, %1;\nmov.u32 %0, r;\n}"
        : "=r"(sum) : "r"(value), "r"(distance));
    return sum;
}

// 2^x, a few units in the last place off.
DEVICE float exponential2(float x)
{
    float value;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(value) : "f"(x));
    return value;
}

// The first word's bits where the mask's are 1, the second's elsewhere.
DEVICE u32 selectBits(u32 mask, u32 ones, u32 zeros)
{
    u32 selected;
    asm("lop3.b32 %0, %1, %2, %3, 0xe4;" : "=r"(selected) : "r"(ones), "r"(zeros), "r"(mask));
    return selected;
}

// Two halves times two halves, each to nearest even.
DEVICE u32 multiplyPairs(u32 x, u32 y)
{
    u32 product;
    asm("mul.rn.f16x2 %0, %1, %2;" : "=r"(product) : "r"(x), "r"(y));
    return product;
}

// 16 bytes that nobody writes while the kernel runs, past the first-level cache; aligned to 16.
DEVICE uint4 loadStreamed(const void* address)
{
    uint4 value;
    asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
        : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w) : "l"(address));
    return value;
}

// The same where a condition holds, else zeros.
DEVICE uint4 loadStreamedWhere(bool condition, const void* address)
{
    uint4 value;
    asm volatile("{\n.reg .pred p;\nsetp.ne.u32 p, %5, 0;\nmov.u32 %0, 0;\nmov.u32 %1, 0;\nmov.u32 %2, 0;\nmov.u32 %3, 0;\n"
        "@p ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];\n}"
        : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w) : "l"(address), "r"((u32)condition));
    return value;
}

// 1, 4 or 8 bytes, as aligned, that nobody writes while the kernel runs.
DEVICE u32 loadByte(const void* address)
{
    u32 value;
    asm("ld.global.nc.u8 %0, [%1];" : "=r"(value) : "l"(address));
    return value;
}

DEVICE u32 loadWord(const void* address)
{
    u32 value;
    asm("ld.global.nc.u32 %0, [%1];" : "=r"(value) : "l"(address));
    return value;
}

DEVICE uint2 loadPair(const void* address)
{
    uint2 value;
    asm("ld.global.nc.v2.u32 {%0, %1}, [%2];" : "=r"(value.x), "=r"(value.y) : "l"(address));
    return value;
}

DEVICE void prefetch(const void* address)
{
    asm volatile("prefetch.global.L2 [%0];" ::"l"(address));
}

typedef u32 SharedAddress;
DEVICE SharedAddress sharedAddress(const void* shared) { return (u32)__cvta_generic_to_shared(shared); }

// 16 bytes of shared memory where a condition holds, else zeros; aligned to 16.
DEVICE uint4 loadSharedWhere(bool condition, SharedAddress address)
{
    uint4 value;
    asm volatile("{\n.reg .pred p;\nsetp.ne.u32 p, %5, 0;\nmov.u32 %0, 0;\nmov.u32 %1, 0;\nmov.u32 %2, 0;\nmov.u32 %3, 0;\n"
        "@p ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];\n}"
        : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w) : "r"(address), "r"((u32)condition));
    return value;
}

// 16 bytes from global to shared memory, asynchronously, if `bytes` is more than `to`: from `from` bytes after an address to `to` bytes after the other; aligned to 16.
template <int to, int from>
DEVICE void copyAsync(SharedAddress shared, const void* global, int bytes)
{
    asm volatile("{\n.reg .pred p;\nsetp.gt.s32 p, %4, %2;\n@p cp.async.cg.shared.global [%0 + %2], [%1 + %3], 16;\n}"
        ::"r"(shared), "l"(global), "n"(to), "n"(from), "r"(bytes) : "memory");
}

DEVICE void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most the last `pending` committed groups are under way. A barrier makes the bytes of other lanes visible.
template <int pending>
DEVICE void awaitCopies()
{
    asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

// x * y + z, rounded once.
DEVICE float multiplyAdd(float x, float y, float z)
{
    float value;
    asm("fma.rn.f32 %0, %1, %2, %3;" : "=f"(value) : "f"(x), "f"(y), "f"(z));
    return value;
}

DEVICE float bitsToFloat(u32 bits) { return __uint_as_float(bits); }
DEVICE u32 floatToBits(float value) { return __float_as_uint(value); }

#endif

DEVICE float bfloatToFloat(u16 bits) { return bitsToFloat((u32)bits << 16); }

// The model's type, by the constant ELEMENT: 0 float32, 1 bfloat16, 2 float16.
#ifdef ELEMENT
#if ELEMENT == 0
typedef float Element;
DEVICE float toFloat(Element element) { return element; }
DEVICE Element toElement(float value) { return value; }
#elif ELEMENT == 1
typedef u16 Element;
DEVICE float toFloat(Element element) { return bfloatToFloat(element); }
DEVICE Element toElement(float value) { return floatToBfloat(value); }
#else
typedef u16 Element;
DEVICE float toFloat(Element element) { return halfToFloat(element); }
DEVICE Element toElement(float value) { return floatToHalf(value); }
#endif
#endif
