# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The README.md of an inference folder; its words are in ``templates/model_card.md``."""

from __future__ import annotations

from collections.abc import Mapping

from robomamba_jax.config.serial import ModelParts
from robomamba_jax.convert.tensor_names import abstract_parts
from robomamba_jax.data.processor import Processor
from robomamba_jax.models.params import count_params
from robomamba_jax.utils.json_types import Json
from robomamba_jax.utils.untrusted_text import printable


def model_card(
    name: str, parts: ModelParts, processor: Processor, origin: Mapping[str, Json]
) -> str:
    """Markdown: contents, use, origin.

    Args:
      name: of the folder.
      parts: what it holds.
      processor: tokenizer, transform, template and pose conventions.
      origin: as in the manifest.
    """
    # Here, because reading a folder imports this module and needs no templates.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # No autoescape: Markdown is text, in which HTML's escapes would be shown as they are.
    environment = Environment(
        loader=PackageLoader("robomamba_jax.convert"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # The manifest lists the files with their hashes already.
    told = {key: value for key, value in origin.items() if key != "files" and value}
    texts = {k: "; ".join(map(str, v)) if isinstance(v, list) else v for k, v in told.items()}
    return environment.get_template("model_card.md").render(
        name=name,
        parts=parts,
        counts={part: count_params(params) for part, params in abstract_parts(parts).items()},
        processor=processor,
        # A manifest may come from anywhere: no control character goes from it into a file.
        origin={key: printable(str(text)) for key, text in texts.items()},
    )
