# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""NVIDIA GPUs as XLA's compiler sees them, for programs that are compiled where there is none.

XLA wants to know a device's limits, not the device. The numbers are those that the CUDA driver
reports of these devices, as openxla/xla lists them in xla/backends/gpu/target_config/specs
(a100_sxm_80, h100_sxm, h200; commits 4336d12e and 0774019d), and NVIDIA's data sheets say the same
of memory, its bandwidth and the multiprocessors.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class GpuTarget:
    """One kind of GPU.

    Attributes:
      kind: as jax calls such a device.
      capability: compute capability, major and minor.
      cores: multiprocessors.
      lanes: float32 units of each.
      clock: GHz, the highest.
      memory: bytes.
      bandwidth: of memory, bytes a second.
      l2: bytes of the cache that all share.
      shared: bytes of shared memory of a multiprocessor.
      shared_block: bytes of it that one block can ask for.
      link: bytes a second that a device receives over NVLink: half of the data sheet's sum of
        both directions.
      network: bytes a second from other hosts: one port of 200 (A100) or 400 Gb/s a GPU, as in
        NVIDIA's DGX and HGX machines.
    """

    kind: str
    capability: tuple[int, int]
    cores: int
    lanes: int
    clock: float
    memory: int
    bandwidth: float
    l2: int
    shared: int
    shared_block: int
    link: float
    network: float

    def text(self) -> str:
        """XLA's GpuTargetConfigProto, as text."""
        major, minor = self.capability
        device = {
            "threads_per_warp": 32,
            "threads_per_block_limit": 1024,
            "threads_per_core_limit": 2048,
            "thread_dim_limit_x": 1024,
            "thread_dim_limit_y": 1024,
            "thread_dim_limit_z": 64,
            "block_dim_limit_x": 2**31 - 1,
            "block_dim_limit_y": 2**16 - 1,
            "block_dim_limit_z": 2**16 - 1,
            "registers_per_core_limit": 2**16,
            "registers_per_block_limit": 2**16,
            # Without asking for more: the same on every device since 2010.
            "shared_memory_per_block": 48 * 2**10,
            "shared_memory_per_block_optin": self.shared_block,
            "shared_memory_per_core": self.shared,
            "core_count": self.cores,
            "fpus_per_core": self.lanes,
            "clock_rate_ghz": self.clock,
            "memory_bandwidth": int(self.bandwidth),
            "device_memory_size": self.memory,
            "l2_cache_size": self.l2,
        }
        lines = [f"{name}: {value}" for name, value in device.items()]
        lines.append(f"cuda_compute_capability {{ major: {major} minor: {minor} }}")
        # cuDNN and CUDA of jax[cuda12]'s wheels: they choose among library calls, none of which
        # depends on them in a program without convolutions of images.
        return (
            f"gpu_device_info {{ {' '.join(lines)} }} "
            'platform_name: "CUDA" dnn_version_info { major: 9 minor: 10 } '
            "runtime_version { major: 12 minor: 8 } "
            f'device_description_str: "{self.kind}"'
        )


# H100 and H200 are the same chip with other memory.
_HOPPER = {
    "capability": (9, 0),
    "cores": 132,
    "lanes": 128,
    "clock": 1.98,
    "l2": 50 * 2**20,
    "shared": 228 * 2**10,
    "shared_block": 227 * 2**10,
    "link": 450e9,
    "network": 50e9,
}
GPUS = {
    "a100": GpuTarget(
        kind="NVIDIA A100-SXM4-80GB",
        capability=(8, 0),
        cores=108,
        lanes=64,
        clock=1.41,
        memory=85_100_068_864,
        bandwidth=2.03904e12,
        l2=40 * 2**20,
        shared=164 * 2**10,
        shared_block=163 * 2**10,
        link=300e9,
        network=25e9,
    ),
    "h100": GpuTarget(
        kind="NVIDIA H100 80GB HBM3", memory=84_942_979_072, bandwidth=3.35232e12, **_HOPPER
    ),
    "h200": GpuTarget(kind="NVIDIA H200", memory=151_397_597_184, bandwidth=4.8e12, **_HOPPER),
}
"""By the name in a topology."""

FLAGS = ("--xla_gpu_enable_triton_gemm=false", "--xla_gpu_autotune_level=0")
"""Of XLA_FLAGS: without a device nothing can be timed, and Triton's products need timing."""
