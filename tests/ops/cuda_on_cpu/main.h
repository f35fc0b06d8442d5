// Copyright 2026 The robomamba_jax authors
// SPDX-License-Identifier: Apache-2.0
//
// A program around one kernel:
//
//   program GRID_X GRID_Y THREADS ORDER INPUTS BYTES... <all inputs >all outputs
//
// with the bytes of each input and output, and how many of them are inputs. Each array is an
// allocation of its own, so that the address sanitizer sees what goes beyond it.
#pragma once

#include <utility>
#include <vector>

static std::vector<void*> arrays;

template <class... Pointers, size_t... K>
static void call(void (*kernel)(Pointers...), std::index_sequence<K...>) {
  kernel((Pointers)arrays[K]...);
}

template <class... Pointers>
static void call(void (*kernel)(Pointers...)) {
  if (arrays.size() != sizeof...(Pointers)) {
    fprintf(stderr, "%zu arrays for %zu parameters\n", arrays.size(), sizeof...(Pointers));
    exit(4);
  }
  call(kernel, std::index_sequence_for<Pointers...>());
}

int main(int count, char** words) {
  auto number = [&](int k) { return atol(words[k]); };
  const long inputs = number(5);
  for (int k = 6; k < count; k++) {
    const size_t bytes = number(k);
    void* array = malloc(bytes);
    if (k - 6 < inputs) {
      if (fread(array, 1, bytes, stdin) != bytes) return 2;
    } else {
      memset(array, 0xff, bytes);  // NaN: what a kernel leaves out is seen
    }
    arrays.push_back(array);
  }
  fibers::body = [] { call(KERNEL); };
  for (unsigned y = 0; y < number(2); y++)
    for (unsigned x = 0; x < number(1); x++) {
      fibers::block = {x, y, 0};
      fibers::run_block(number(3), number(4));
    }
  for (int k = 6 + inputs; k < count; k++) fwrite(arrays[k - 6], 1, number(k), stdout);
  return 0;
}
