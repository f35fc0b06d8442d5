# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Stage 1.2 on the mix of the paper's version 1: LRV beside LLaVA's, and all of RoboVQA."""

import dataclasses

from robomamba_jax.config.data import SourceConfig
from robomamba_jax.config.provenance import Origins, paper
from robomamba_jax.config.stages import tiny
from robomamba_jax.config.training import TrainConfig
from robomamba_jax.configs import stage1_2_instruct


def get_config() -> TrainConfig:
    """The run at its real size."""
    main = stage1_2_instruct.get_config()
    llava, robovqa = main.data.sources
    lrv = (
        SourceConfig("data/lrv/filter_cap.json", "lrv-general", "lrv", "data/lrv/image"),
        SourceConfig("data/lrv/filter_cap_more1.json", "lrv-more", "lrv", "data/lrv/image"),
        SourceConfig(
            "data/lrv/chart_release_update.json", "lrv-chart", "lrv", "data/lrv/chart_image"
        ),
    )
    sources = (llava, *lrv, dataclasses.replace(robovqa, samples=None))
    return dataclasses.replace(main, data=dataclasses.replace(main.data, sources=sources))


def get_tiny() -> TrainConfig:
    """The same, shrunk to seconds on a CPU."""
    return tiny(get_config())


ORIGINS: Origins = {
    **stage1_2_instruct.ORIGINS,
    "data/sources/\\d+/samples": paper("version 1: all of LLaVA, LRV and RoboVQA's 800K"),
}
