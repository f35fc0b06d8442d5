// Copyright 2026 The robomamba_jax authors
// SPDX-License-Identifier: Apache-2.0
//
// The selective scan on NVIDIA GPUs, forward and backward, for compute capability 8.0 and later.
//
//     h_t = exp(dt_t A) h_{t-1} + dt_t u_t B_t        y_t = (C_t . h_t + D u_t) silu(z_t)
//
// with dt = softplus(delta + bias). Compiled by NVRTC when a program is traced (scan_cuda.py), and
// by g++ on fibers in the tests. Sizes and kinds are macros, so that loops unroll and what is not
// asked for costs nothing:
//
//   SCAN_N           states of a channel, a multiple of 4 up to 32
//   SCAN_I           channels, a multiple of 128
//   SCAN_L           positions, any number
//   SCAN_LANES       1, 2 or 4: threads that share a channel in the forward pass
//   SCAN_U, SCAN_DELTA, SCAN_Z   types: float or bf16; B, C and all else are float
//   SCAN_SOFTPLUS, SCAN_GATE, SCAN_RESETS, SCAN_BOUNDARIES   0 or 1
//   SCAN_BACKWARD    1 for the backward kernel, 0 for the forward one
//
// Time runs in order inside a thread: with the channels contiguous in memory that needs no
// transposes, and fewer instructions a state than a scan of pairs.

struct bf16 {
  unsigned short bits;
};

constexpr int N = SCAN_N;
constexpr int I = SCAN_I;
constexpr int L = SCAN_L;
constexpr int CHUNK = 64;  // positions between saved states, as in every kernel of this package
constexpr int GROUP = 8;   // positions whose loads and sums go together
constexpr int CHUNKS = (L + CHUNK - 1) / CHUNK;
constexpr unsigned ALL = 0xffffffffu;
constexpr float LOG2E = 1.4426950408889634f;
constexpr float LN2 = 0.6931471805599453f;

static_assert(N % 4 == 0 && N <= 32, "4, 8, ... 32 states");
static_assert((long long)L * I < (1LL << 31), "positions inside a row are 32-bit numbers");

#ifdef __CUDACC__
// The approximate instructions: 2 units in the last place, and subnormal results are 0.
__device__ __forceinline__ float exp2_fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
__device__ __forceinline__ float reciprocal(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
__device__ __forceinline__ unsigned short round_bf16(float x) {
  unsigned short y;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y) : "f"(x));
  return y;
}
#endif

__device__ __forceinline__ float wide(float x) { return x; }
__device__ __forceinline__ float wide(bf16 x) { return __uint_as_float((unsigned)x.bits << 16); }
__device__ __forceinline__ void put(float* to, float x) { *to = x; }
__device__ __forceinline__ void put(bf16* to, float x) { to->bits = round_bf16(x); }

// log(1 + exp(x)), and its slope 1 / (1 + exp(-x)).
struct Softplus {
  float value, slope;
};

__device__ __forceinline__ Softplus softplus(float x) {
  // log1p(e) = 2 atanh(e / (2 + e)), whose even series in q = r * r is short for e <= 1. The
  // hardware's logarithm near 1 has an absolute error of 2^-22: too coarse for steps of 0.001.
  const float e = exp2_fast(-LOG2E * fabsf(x));
  const float r = e * reciprocal(2.0f + e);
  const float q = r * r;
  float p = fmaf(q, 0.28174657f, 0.27961419f);  // fitted on [0, 1/9]: 4e-9 of the value
  p = fmaf(p, q, 0.40024854f);
  p = fmaf(p, q, 0.66666316f);
  p = fmaf(p, q, 2.0f);
  const float s = reciprocal(1.0f + e);
  return {fmaxf(x, 0.0f) + r * p, x >= 0.0f ? s : e * s};
}

__device__ __forceinline__ float sigmoid(float x) {
  return reciprocal(1.0f + exp2_fast(-LOG2E * x));
}

__device__ __forceinline__ Softplus step_size(float delta, float bias) {
#if SCAN_SOFTPLUS
  return softplus(delta + bias);
#else
  return {delta, 1.0f};
#endif
}

// The decay's exponent is log2(e) A dt. Resets are a huge dt, which must not meet a zero: with
// A = -1e-20 every ordinary step has a decay of exactly 1, too.
__device__ __forceinline__ float exponent_rate(float A) {
  const float rate = A * LOG2E;
  return fabsf(rate) < 1e-20f ? -1e-20f : rate;
}

// One step's B or C from shared memory: as few loads as the count allows.
template <int COUNT>
__device__ __forceinline__ void read_row(const float* from, float (&to)[COUNT]) {
  if constexpr (COUNT % 4 == 0) {
#pragma unroll
    for (int j = 0; j < COUNT; j += 4) {
      const float4 v = *reinterpret_cast<const float4*>(from + j);
      to[j] = v.x;
      to[j + 1] = v.y;
      to[j + 2] = v.z;
      to[j + 3] = v.w;
    }
  } else {
#pragma unroll
    for (int j = 0; j < COUNT; j++) to[j] = from[j];
  }
}

// Sums COUNT values over WAYS threads, whose numbers differ by multiples of STRIDE. Thread w of
// them gets the sums of its own COUNT / WAYS values, in v[0 ...]: halves change hands, so that
// this takes COUNT - COUNT / WAYS shuffles where sums of each value would take COUNT log2(WAYS).
template <int COUNT, int WAYS, int STRIDE, int SIZE>
__device__ __forceinline__ void sum_and_share(float (&v)[SIZE], int thread) {
  if constexpr (WAYS > 1) {
    constexpr int offset = WAYS / 2 * STRIDE;
    constexpr int half = COUNT / 2;
    if constexpr (half > 0) {
      const bool upper = thread & offset;
#pragma unroll
      for (int j = 0; j < half; j++) {
        const float mine = upper ? v[half + j] : v[j];
        const float other = upper ? v[j] : v[half + j];
        v[j] = mine + __shfl_xor_sync(ALL, other, offset);
      }
      sum_and_share<half, WAYS / 2, STRIDE>(v, thread);
    } else {  // fewer values than threads: several get the same
      v[0] += __shfl_xor_sync(ALL, v[0], offset);
      sum_and_share<COUNT, WAYS / 2, STRIDE>(v, thread);
    }
  }
}

// A chunk's B and C as float, and its resets, by all threads of the block. Beyond L: zeros.
template <int THREADS>
__device__ __forceinline__ void stage(float* sB, float* sC, float* reset, const float* B,
                                      const float* C, const float* resets, int start) {
  for (int k = threadIdx.x; k < CHUNK * N; k += THREADS) {
    const bool inside = L % CHUNK == 0 || start + k / N < L;
    sB[k] = inside ? B[start * N + k] : 0.0f;
    sC[k] = inside ? C[start * N + k] : 0.0f;
  }
#if SCAN_RESETS
  if (threadIdx.x < CHUNK) {
    const int t = start + threadIdx.x;
    reset[threadIdx.x] = t < L ? resets[t] : 0.0f;
  }
#endif
}

#if SCAN_RESETS
#define DECAY_STEP(dt, position) (reset[position] != 0.0f ? 1e30f : (dt))
#else
#define DECAY_STEP(dt, position) (dt)
#endif

// ---------------------------------------------------------------------------------------- forward
#if !SCAN_BACKWARD
// A thread holds N / LANES states of a channel. Grid (I * LANES / 128, rows), blocks of 128. Four
// blocks a multiprocessor (of 128 registers a thread) are more than most shapes have; without a
// number the assembler goes for more, and once spilled for it.
extern "C" __global__ void __launch_bounds__(128, N <= 16 ? 4 : 3) selective_scan_forward(
    const SCAN_U* __restrict__ u,          // [rows, L, I]
    const SCAN_DELTA* __restrict__ delta,  // [rows, L, I]
    const float* __restrict__ A,           // [N, I]
    const float* __restrict__ B,         // [rows, L, N]
    const float* __restrict__ C,         // [rows, L, N]
    const float* __restrict__ D,           // [I]
    const float* __restrict__ bias,        // [I]
    const float* __restrict__ initial,     // [rows, N, I]
#if SCAN_GATE
    const SCAN_Z* __restrict__ z,  // [rows, L, I]
#endif
#if SCAN_RESETS
    const float* __restrict__ resets,  // [rows, L], not 0 where the state is forgotten
#endif
    SCAN_U* __restrict__ y,     // [rows, L, I]
    float* __restrict__ last    // [rows, N, I]
#if SCAN_BOUNDARIES
    ,
    float* __restrict__ boundary  // [rows, CHUNKS, N, I], the state before each chunk
#endif
) {
  constexpr int LANES = SCAN_LANES;
  constexpr int STATES = N / LANES;
  constexpr int OWN = GROUP / LANES;  // positions of a group whose loads are this thread's
  __shared__ __align__(16) float sB[CHUNK * N];
  __shared__ __align__(16) float sC[CHUNK * N];
  __shared__ float reset[CHUNK];

  const int lane = threadIdx.x % LANES;
  const int channel = (blockIdx.x * 128 + threadIdx.x) / LANES;
  const size_t row = blockIdx.y;
  u += row * L * I + channel;
  delta += row * L * I + channel;
  y += row * L * I + channel;
  B += row * L * N;
  C += row * L * N;
#if SCAN_GATE
  z += row * L * I + channel;
#endif
#if SCAN_RESETS
  resets += row * L;
#else
  const float* resets = nullptr;
#endif

  const size_t state = (row * N + lane * STATES) * I + channel;
  float h[STATES], rate[STATES];
#pragma unroll
  for (int j = 0; j < STATES; j++) {
    rate[j] = exponent_rate(A[(lane * STATES + j) * I + channel]);
    h[j] = initial[state + (size_t)j * I];
  }
  const float skip = D[channel], shift = bias[channel];

  // What the next group needs is on its way while this one is computed.
  SCAN_U next_u[OWN];
  SCAN_DELTA next_delta[OWN];
#if SCAN_GATE
  SCAN_Z next_z[OWN];
#endif
  auto fetch = [&](int t0) {
#pragma unroll
    for (int k = 0; k < OWN; k++) {
      const int t = min(t0 + lane * OWN + k, L - 1);
      next_u[k] = u[t * I];
      next_delta[k] = delta[t * I];
#if SCAN_GATE
      next_z[k] = z[t * I];
#endif
    }
  };
  fetch(0);

  for (int chunk = 0; chunk < CHUNKS; chunk++) {
    const int start = chunk * CHUNK;
    __syncthreads();
    stage<128>(sB, sC, reset, B, C, resets, start);
    __syncthreads();
#if SCAN_BOUNDARIES
#pragma unroll
    for (int j = 0; j < STATES; j++)
      boundary[((row * CHUNKS + chunk) * N + lane * STATES + j) * I + channel] = h[j];
#endif
    const int end = min(CHUNK, L - start);
#pragma unroll 1
    for (int base = 0; base < end; base += GROUP) {
      float dt[OWN], value[OWN], gate[OWN], sum[GROUP];
#pragma unroll
      for (int k = 0; k < OWN; k++) {
        value[k] = wide(next_u[k]);
        dt[k] = step_size(wide(next_delta[k]), shift).value;
        if (L % GROUP != 0 && start + base + lane * OWN + k >= L) dt[k] = 0.0f;
#if SCAN_GATE
        const float v = wide(next_z[k]);
        gate[k] = v * sigmoid(v);
#else
        gate[k] = 1.0f;
#endif
      }
      fetch(start + base + GROUP);
#pragma unroll
      for (int s = 0; s < GROUP; s++) {
        float step = dt[s % OWN], x = dt[s % OWN] * value[s % OWN];
        if constexpr (LANES > 1) {
          step = __shfl_sync(ALL, step, s / OWN, LANES);
          x = __shfl_sync(ALL, x, s / OWN, LANES);
        }
        const float decay_step = DECAY_STEP(step, base + s);
        float b[STATES], c[STATES];
        read_row(sB + (base + s) * N + lane * STATES, b);
        read_row(sC + (base + s) * N + lane * STATES, c);
        // Two chains of sums: a single one would be as long as the states are many.
        float even = 0.0f, odd = 0.0f;
#pragma unroll
        for (int j = 0; j < STATES; j++) {
          h[j] = fmaf(exp2_fast(decay_step * rate[j]), h[j], x * b[j]);
          (j % 2 ? odd : even) = fmaf(h[j], c[j], j % 2 ? odd : even);
        }
        sum[s] = even + odd;
      }
      sum_and_share<GROUP, LANES, 1>(sum, threadIdx.x);
#pragma unroll
      for (int k = 0; k < OWN; k++) {
        const int t = start + base + lane * OWN + k;
        if (L % GROUP == 0 || t < L) put(y + t * I, fmaf(skip, value[k], sum[k]) * gate[k]);
      }
    }
  }
#pragma unroll
  for (int j = 0; j < STATES; j++) last[state + (size_t)j * I] = h[j];
}
#endif

// --------------------------------------------------------------------------------------- backward
#if SCAN_BACKWARD
// Four threads share a channel, so that a warp holds eight channels. Grid (I * 4 / WIDTH, rows).
constexpr int WIDTH = N <= 16 ? 128 : 64;  // threads of a block: their states are in shared memory
constexpr int CHANNELS = WIDTH / 4;        // of a block
constexpr int WARPS = WIDTH / 32;
constexpr int BSTATES = N / 4;
constexpr int BOWN = GROUP / 4;
constexpr bool KEEP_DECAY = BSTATES <= 4;  // of a group's steps, if the registers hold them
constexpr int GRADS = BSTATES <= 2 ? 2 * BSTATES : (2 * BSTATES + 7) / 8 * 8;  // dB, dC; padded
constexpr int SUMS = GRADS < 8 ? 1 : GRADS / 8;  // of them in a thread, once a warp has added up

extern "C" __global__ void __launch_bounds__(WIDTH) selective_scan_backward(
    const SCAN_U* __restrict__ u, const SCAN_DELTA* __restrict__ delta,
    const float* __restrict__ A, const float* __restrict__ B, const float* __restrict__ C,
    const float* __restrict__ D, const float* __restrict__ bias,
#if SCAN_GATE
    const SCAN_Z* __restrict__ z,
#endif
#if SCAN_RESETS
    const float* __restrict__ resets,
#endif
    const float* __restrict__ boundary,  // [rows, CHUNKS, N, I]
    const SCAN_U* __restrict__ dy,       // [rows, L, I]
    const float* __restrict__ dlast,     // [rows, N, I]
    SCAN_U* __restrict__ du, SCAN_DELTA* __restrict__ ddelta,
    float* __restrict__ dA,        // [rows, N, I]
    float* __restrict__ dBC,       // [rows, I / CHANNELS, L, 2 N], dB and dC of a block's channels
    float* __restrict__ dD,        // [rows, I]
    float* __restrict__ dbias,     // [rows, I]
    float* __restrict__ dinitial   // [rows, N, I]
#if SCAN_GATE
    ,
    SCAN_Z* __restrict__ dz
#endif
) {
  __shared__ __align__(16) float sB[CHUNK * N];
  __shared__ __align__(16) float sC[CHUNK * N];
  __shared__ float reset[CHUNK];
  __shared__ float saved[CHUNK / GROUP][BSTATES][WIDTH];  // the state before each group
  // Two buffers, so that one barrier a group is enough: see the sums below.
  __shared__ float sums[2][WARPS][GROUP][2 * N];

  const int lane = threadIdx.x % 4;
  const int channel = (blockIdx.x * WIDTH + threadIdx.x) / 4;
  const int warp = threadIdx.x / 32;
  const size_t row = blockIdx.y;
  const size_t sequence = row * L * I + channel;
  u += sequence;
  delta += sequence;
  dy += sequence;
  du += sequence;
  ddelta += sequence;
  B += row * L * N;
  C += row * L * N;
  dBC += (row * (I / CHANNELS) + blockIdx.x) * L * (2 * N);
#if SCAN_GATE
  z += sequence;
  dz += sequence;
#endif
#if SCAN_RESETS
  resets += row * L;
#else
  const float* resets = nullptr;
#endif

  const size_t state = (row * N + lane * BSTATES) * I + channel;
  float rate[BSTATES], q[BSTATES], grad_A[BSTATES];  // q: the loss's gradient by the state
#pragma unroll
  for (int j = 0; j < BSTATES; j++) {
    rate[j] = exponent_rate(A[(lane * BSTATES + j) * I + channel]);
    q[j] = dlast[state + (size_t)j * I];
    grad_A[j] = 0.0f;
  }
  const float skip = D[channel], shift = bias[channel];
  float grad_D = 0.0f, grad_bias = 0.0f;
  int buffer = 0;

  for (int chunk = CHUNKS - 1; chunk >= 0; chunk--) {
    const int start = chunk * CHUNK;
    __syncthreads();
    stage<WIDTH>(sB, sC, reset, B, C, resets, start);
    __syncthreads();
    const int groups = (min(CHUNK, L - start) + GROUP - 1) / GROUP;

    // Pass 1: the state before each group.
    float h[BSTATES];
#pragma unroll
    for (int j = 0; j < BSTATES; j++)
      h[j] = boundary[((row * CHUNKS + chunk) * N + lane * BSTATES + j) * I + channel];
    SCAN_U next_u[BOWN];
    SCAN_DELTA next_delta[BOWN];
    auto fetch = [&](int base) {
#pragma unroll
      for (int k = 0; k < BOWN; k++) {
        const int t = min(start + base + lane * BOWN + k, L - 1);
        next_u[k] = u[t * I];
        next_delta[k] = delta[t * I];
      }
    };
    fetch(0);
#pragma unroll 1
    for (int group = 0; group < groups; group++) {
#pragma unroll
      for (int j = 0; j < BSTATES; j++) saved[group][j][threadIdx.x] = h[j];
      if (group == groups - 1) break;  // pass 2 computes these itself
      float dt[BOWN], x[BOWN];
#pragma unroll
      for (int k = 0; k < BOWN; k++) {
        dt[k] = step_size(wide(next_delta[k]), shift).value;
        x[k] = dt[k] * wide(next_u[k]);
      }
      fetch((group + 1) * GROUP);
#pragma unroll
      for (int s = 0; s < GROUP; s++) {
        const float step = __shfl_sync(ALL, dt[s % BOWN], s / BOWN, 4);
        const float input = __shfl_sync(ALL, x[s % BOWN], s / BOWN, 4);
        const float decay_step = DECAY_STEP(step, group * GROUP + s);
        float b[BSTATES];
        read_row(sB + (group * GROUP + s) * N + lane * BSTATES, b);
#pragma unroll
        for (int j = 0; j < BSTATES; j++)
          h[j] = fmaf(exp2_fast(decay_step * rate[j]), h[j], input * b[j]);
      }
    }

    // Pass 2: group by group from the end, forward once more and then back.
#pragma unroll 1
    for (int group = groups - 1; group >= 0; group--) {
      const int base = group * GROUP;
      float dt[BOWN], slope[BOWN], value[BOWN], inner[BOWN];
#if SCAN_GATE
      float gate_grad[BOWN];
#endif
#pragma unroll
      for (int k = 0; k < BOWN; k++) {
        const int t = start + base + lane * BOWN + k;
        const bool inside = L % GROUP == 0 || t < L;
        const int at = (inside ? t : L - 1) * I;
        const Softplus step = step_size(wide(delta[at]), shift);
        const float upstream = inside ? wide(dy[at]) : 0.0f;
        // Beyond the end nothing happens: a step of 0 leaves the state, and no gradient enters.
        dt[k] = inside ? step.value : 0.0f;
        slope[k] = step.slope;
        value[k] = wide(u[at]);
#if SCAN_GATE
        const float v = wide(z[at]), s = sigmoid(v);
        inner[k] = upstream * v * s;
        gate_grad[k] = upstream * s * fmaf(v, 1.0f - s, 1.0f);
#else
        inner[k] = upstream;
#endif
      }

      float before[GROUP + 1][BSTATES];  // the state before each step, and after the last
      float decay[GROUP][BSTATES];
      float result[GROUP];
#pragma unroll
      for (int j = 0; j < BSTATES; j++) before[0][j] = saved[group][j][threadIdx.x];
#pragma unroll
      for (int s = 0; s < GROUP; s++) {
        const float step = __shfl_sync(ALL, dt[s % BOWN], s / BOWN, 4);
        const float input = step * __shfl_sync(ALL, value[s % BOWN], s / BOWN, 4);
        const float decay_step = DECAY_STEP(step, base + s);
        float b[BSTATES], c[BSTATES];
        read_row(sB + (base + s) * N + lane * BSTATES, b);
        read_row(sC + (base + s) * N + lane * BSTATES, c);
        result[s] = 0.0f;
#pragma unroll
        for (int j = 0; j < BSTATES; j++) {
          const float a = exp2_fast(decay_step * rate[j]);
          if constexpr (KEEP_DECAY) decay[s][j] = a;
          before[s + 1][j] = fmaf(a, before[s][j], input * b[j]);
          result[s] = fmaf(before[s + 1][j], c[j], result[s]);
        }
      }
#if SCAN_GATE
      sum_and_share<GROUP, 4, 1>(result, threadIdx.x);
#pragma unroll
      for (int k = 0; k < BOWN; k++) {
        const int t = start + base + lane * BOWN + k;
        if (L % GROUP == 0 || t < L)
          put(dz + t * I, gate_grad[k] * fmaf(skip, value[k], result[k]));
      }
#endif

      float drive[GROUP], rate_grad[GROUP];  // by dt u, and by dt through the decay, over ln 2
#pragma unroll
      for (int s = GROUP - 1; s >= 0; s--) {
        const float step = __shfl_sync(ALL, dt[s % BOWN], s / BOWN, 4);
        const float input = step * __shfl_sync(ALL, value[s % BOWN], s / BOWN, 4);
        const float upstream = __shfl_sync(ALL, inner[s % BOWN], s / BOWN, 4);
        float b[BSTATES], c[BSTATES], grads[GRADS];
        read_row(sB + (base + s) * N + lane * BSTATES, b);
        read_row(sC + (base + s) * N + lane * BSTATES, c);
        drive[s] = rate_grad[s] = 0.0f;
#pragma unroll
        for (int j = 0; j < GRADS; j++) grads[j] = 0.0f;
#pragma unroll
        for (int j = 0; j < BSTATES; j++) {
          float a;
          if constexpr (KEEP_DECAY) {
            a = decay[s][j];
          } else {
            a = exp2_fast(DECAY_STEP(step, base + s) * rate[j]);
          }
          const float g = fmaf(upstream, c[j], q[j]);
          drive[s] = fmaf(g, b[j], drive[s]);
          grads[j] = g * input;
          grads[BSTATES + j] = upstream * before[s + 1][j];
          q[j] = a * g;
          const float w = q[j] * before[s][j];
          rate_grad[s] = fmaf(w, rate[j], rate_grad[s]);
          grad_A[j] = fmaf(w, step, grad_A[j]);
        }
        // Over the warp's eight channels; then every thread has the sums of SUMS of the values.
        sum_and_share<GRADS, 8, 4>(grads, threadIdx.x);
        // Which: bits 4, 3 and 2 of the thread chose the halves, as far as there were any.
        const int bits = threadIdx.x % 32 / 4;
        const int first = GRADS >= 8 ? bits * SUMS : GRADS == 4 ? bits / 2 : bits / 4;
#pragma unroll
        for (int k = 0; k < SUMS; k++) {
          const int which = first + k;
          if (GRADS == 2 * BSTATES || which < 2 * BSTATES) {
            const int to = which < BSTATES ? which : N - BSTATES + which;
            sums[buffer][warp][s][lane * BSTATES + to] = grads[k];
          }
        }
      }
      __syncthreads();
      // Always in the same order, so that results are the same to the bit. A thread that is
      // done here may fill the other buffer; this one is free once all have met again.
      for (int k = threadIdx.x; k < GROUP * 2 * N; k += WIDTH) {
        const int t = start + base + k / (2 * N);
        float total = 0.0f;
#pragma unroll
        for (int w = 0; w < WARPS; w++) total += sums[buffer][w][k / (2 * N)][k % (2 * N)];
        if (L % GROUP == 0 || t < L) dBC[(start + base) * (2 * N) + k] = total;
      }
      buffer ^= 1;

      sum_and_share<GROUP, 4, 1>(drive, threadIdx.x);
      sum_and_share<GROUP, 4, 1>(rate_grad, threadIdx.x);
#pragma unroll
      for (int k = 0; k < BOWN; k++) {
        const int t = start + base + lane * BOWN + k;
        if (L % GROUP == 0 || t < L) {
          const float by_step = fmaf(drive[k], value[k], rate_grad[k] * LN2) * slope[k];
          put(du + t * I, fmaf(drive[k], dt[k], inner[k] * skip));
          put(ddelta + t * I, by_step);
          grad_D = fmaf(inner[k], value[k], grad_D);
          grad_bias += by_step;
        }
      }
    }
  }

#pragma unroll
  for (int j = 0; j < BSTATES; j++) {
    dA[state + (size_t)j * I] = grad_A[j];
    dinitial[state + (size_t)j * I] = q[j];
  }
  float both[2] = {grad_D, grad_bias};
#pragma unroll
  for (int offset = 1; offset < 4; offset *= 2) {
    both[0] += __shfl_xor_sync(ALL, both[0], offset);
    both[1] += __shfl_xor_sync(ALL, both[1], offset);
  }
  if (lane == 0) {
    dD[row * I + channel] = both[0];
    dbias[row * I + channel] = SCAN_SOFTPLUS ? both[1] : 0.0f;
  }
}
#endif
