// Copyright 2026 The robomamba_jax authors
// SPDX-License-Identifier: Apache-2.0
//
// As much of CUDA as scan_cuda.cu needs, for g++: the threads of a block are fibers of one thread,
// which change where they wait for each other. Included before the kernel; main.h follows it.
#pragma once

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define __device__
#define __global__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static  // blocks run one after the other
#define __align__(bytes) __attribute__((aligned(bytes)))

struct Dim3 {
  unsigned x, y, z;
};
struct float4 {
  float x, y, z, w;
};

namespace fibers {

constexpr int WARP = 32, MOST = 128;
constexpr size_t STACK = 256 << 10;

// Where `size` fibers wait until all have come.
struct Meeting {
  int size, arrived;
  unsigned generation;
};

struct Fiber {
  ucontext_t context;
  Dim3 index;
  bool done;
  const Meeting* waits;  // for the others here, if they have not met since `since`
  unsigned since;
  char* stack;
};

static Fiber all[MOST];
static ucontext_t scheduler;
static int current;
static Dim3 block;
static Meeting whole, warps[MOST / WARP];
static float slots[2][MOST];
static void (*body)();

static bool can_run(const Fiber& fiber) {
  return !fiber.done && !(fiber.waits && fiber.waits->generation == fiber.since);
}

static void meet(Meeting& meeting) {
  Fiber& fiber = all[current];
  fiber.waits = &meeting;
  fiber.since = meeting.generation;
  if (++meeting.arrived == meeting.size) {
    meeting.arrived = 0;
    meeting.generation++;
    return;
  }
  swapcontext(&fiber.context, &scheduler);
}

// Two sets of slots: whoever is quick fills those of the next shuffle while others read.
static float exchange(float value, int from) {
  Meeting& warp = warps[current / WARP];
  float* slot = slots[warp.generation % 2];
  slot[current] = value;
  meet(warp);
  return slot[current / WARP * WARP + from];
}

static void enter() {
  body();
  all[current].done = true;
  swapcontext(&all[current].context, &scheduler);
}

// Runs one block, each warp as far as it gets alone. `order` 1 or -1: which warp and which thread
// comes first. A kernel that lacks a barrier gives other results in the other order.
static void run_block(int threads, int order) {
  whole = {threads, 0, 0};
  for (Meeting& warp : warps) warp = {WARP, 0, 0};
  for (int k = 0; k < threads; k++) {
    Fiber& fiber = all[k];
    if (!fiber.stack) fiber.stack = (char*)malloc(STACK);
    fiber.index = {(unsigned)k, 0, 0};
    fiber.done = false;
    fiber.waits = nullptr;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack;
    fiber.context.uc_stack.ss_size = STACK;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, enter, 0);
  }
  for (int left = threads; left;) {
    int ran = 0;
    for (int w = 0; w < threads / WARP; w++) {
      for (int before = -1; before != ran;) {
        before = ran;
        for (int t = 0; t < WARP; t++) {
          const int k = w * WARP + t;
          current = order > 0 ? k : threads - 1 - k;
          if (!can_run(all[current])) continue;
          swapcontext(&scheduler, &all[current].context);
          left -= all[current].done;
          ran++;
        }
      }
    }
    if (!ran) {
      fprintf(stderr, "%d threads wait for others that do not come\n", left);
      exit(3);
    }
  }
}

}  // namespace fibers

#define threadIdx (fibers::all[fibers::current].index)
#define blockIdx (fibers::block)

static inline void __syncthreads() { fibers::meet(fibers::whole); }

static inline float __shfl_xor_sync(unsigned, float value, int mask) {
  return fibers::exchange(value, (fibers::current % fibers::WARP) ^ mask);
}

static inline float __shfl_sync(unsigned, float value, int from, int width) {
  return fibers::exchange(value, fibers::current % fibers::WARP / width * width + from);
}

static inline float __uint_as_float(unsigned bits) {
  float x;
  memcpy(&x, &bits, 4);
  return x;
}

static inline int min(int a, int b) { return a < b ? a : b; }

// The hardware's instructions flush subnormal numbers; nothing here depends on them.
static inline float exp2_fast(float x) { return exp2f(x); }
static inline float reciprocal(float x) { return 1.0f / x; }

static inline unsigned short round_bf16(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  if (x != x) return 0x7fff;
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;  // to nearest, ties to even
}
