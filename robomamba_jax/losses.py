# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Losses as free functions on arrays."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from robomamba_jax.ops.rotation import (
    geodesic_angle,
    geodesic_angle_official,
    rotation_from_6d,
)

MixtureArrays = tuple[jax.Array, jax.Array, jax.Array, jax.Array | None]


def next_token_targets(
    input_ids: jax.Array, mask: jax.Array | None = None, segment_ids: jax.Array | None = None
) -> tuple[jax.Array, jax.Array]:
    """What each position should predict: the next real token of its segment.

    Args:
      input_ids: int[B, T].
      mask: bool[B, T], True = real; padding between two tokens is skipped over.
      segment_ids: int[B, T].

    Returns:
      labels int32[B, T], and weights float32[B, T], 0 where there is nothing to predict.
    """
    batch, length = input_ids.shape
    # Padding may stand between two tokens, so the next real one is looked up: a running minimum
    # from the right over the positions of real tokens.
    real = jnp.ones((batch, length), bool) if mask is None else mask
    position = jnp.where(real, jnp.arange(length, dtype=jnp.int32), length)
    following = jax.lax.cummin(position, axis=1, reverse=True)[:, 1:]
    following = jnp.pad(following, ((0, 0), (0, 1)), constant_values=length)
    index = jnp.minimum(following, length - 1)
    valid = real & (following < length)
    if segment_ids is not None:
        valid &= jnp.take_along_axis(segment_ids, index, axis=1) == segment_ids
    labels = jnp.take_along_axis(input_ids, index, axis=1)
    return labels.astype(jnp.int32), valid.astype(jnp.float32)


def answer_weights(
    learned: jax.Array, segment_ids: jax.Array | None = None, *, balance: float = 0.0
) -> jax.Array:
    """Weights by which a short answer may count as much as a long one.

    A mean over tokens, as LLaVA and the paper take it, hears "yes" once where it hears a
    described scene forty times. An answer is a run of learned tokens in one segment; each of its
    n tokens weighs n ** -balance.

    Args:
      learned: bool[B, T].
      segment_ids: int[B, T].
      balance: 0 = every token weighs the same; 1 = every answer does.

    Returns:
      float32[B, T], 0 where nothing is learned.
    """
    if not balance:
        return learned.astype(jnp.float32)
    rows, length = learned.shape
    goes_on = jnp.pad(learned[:, :-1], ((0, 0), (1, 0)))
    if segment_ids is not None:
        goes_on &= segment_ids == jnp.pad(segment_ids[:, :-1], ((0, 0), (1, 0)))
    # Every run of learned tokens gets a number of its own in the whole batch; their lengths are
    # then one scatter-add, whatever the number of runs.
    answer = jnp.cumsum(learned & ~goes_on, axis=1, dtype=jnp.int32)
    answer += (length + 1) * jnp.arange(rows, dtype=jnp.int32)[:, None]
    tokens = jnp.zeros(rows * (length + 1), jnp.float32).at[answer].add(learned)
    return jnp.where(learned, jnp.maximum(tokens[answer], 1.0) ** -balance, 0.0)


def linear_cross_entropy(
    hidden: jax.Array,
    head_weight: jax.Array,
    labels: jax.Array,
    weights: jax.Array,
    *,
    chunk: int = 128,
    compact: bool = False,
) -> jax.Array:
    """Weighted sum of -log softmax(hidden @ head_weight.T)[label], float32.

    Logits exist for ``chunk`` positions of every row at a time only, forward and backward:
    when differentiated, the forward pass already turns each block of logits into the
    gradients of ``hidden`` and ``head_weight``, so no product is computed twice. Rows stay
    where they are, so that a batch split over devices needs no collective but for the sums.

    Args:
      hidden: float[B, T, D].
      head_weight: float[V, D].
      labels: int32[B, T]; read only where the weight is not 0.
      weights: float32[B, T]; not differentiated.
      chunk: positions of a row per block.
      compact: put the positions of all rows whose weight is not 0 into the first blocks of
        ``chunk`` positions in all, and leave out the others' logits. For rows that lie on one
        device.

    Returns:
      float32[], to be divided by ``weights.sum()`` for a mean.
    """
    if compact:
        # One row of all positions, in which those that count stand first.
        order = jnp.argsort(weights.reshape(-1) <= 0, stable=True)
        hidden = _reorder(hidden.reshape(-1, hidden.shape[-1]), order, jnp.argsort(order))[None]
        labels, weights = (x.reshape(-1)[order][None] for x in (labels, weights))
    # Blocks run along time and hold a piece of every row: over rows instead, a batch that is
    # split over devices would have to be gathered for each block.
    blocks = _split(hidden, chunk), _split(labels, chunk), _split(weights, chunk)
    return _blocks(blocks[0], head_weight, blocks[1], jax.lax.stop_gradient(blocks[2]), compact)


def linear_hits(
    hidden: jax.Array, head_weight: jax.Array, labels: jax.Array, *, chunk: int = 128
) -> jax.Array:
    """bool[B, T]: where the label is the likeliest; arguments as ``linear_cross_entropy``'s."""

    def block(_: None, piece: tuple[jax.Array, jax.Array]) -> tuple[None, jax.Array]:
        return None, jnp.argmax(_logits(piece[0], head_weight), axis=-1) == piece[1]

    _, hits = jax.lax.scan(block, None, (_split(hidden, chunk), _split(labels, chunk)))
    return jnp.moveaxis(hits, 0, 1).reshape(labels.shape[0], -1)[:, : labels.shape[1]]


def _split(x: jax.Array, chunk: int) -> jax.Array:
    """[B, T, ...] -> [T / chunk, B, chunk, ...], padded by 0."""
    chunk = min(chunk, x.shape[1])
    x = jnp.pad(x, ((0, 0), (0, -x.shape[1] % chunk)) + ((0, 0),) * (x.ndim - 2))
    return jnp.moveaxis(x.reshape(x.shape[0], -1, chunk, *x.shape[2:]), 1, 0)


@jax.custom_vjp
def _reorder(x, order, inverse):
    """``x[order]``. Its gradient is another gather: jax's own would add up rows one by one, as it
    cannot know that none comes twice."""
    return x[order]


_reorder.defvjp(
    lambda x, order, inverse: (x[order], inverse),
    lambda inverse, grad: (grad[inverse], None, None),
)


@partial(jax.custom_vjp, nondiff_argnums=(4,))
def _blocks(hidden, head, labels, weights, skip):
    def add(total, block):
        hidden, labels, weights = block
        return total + _block(hidden, labels, weights, head)[0], None

    step = _skipping(add, lambda block: None) if skip else add
    return jax.lax.scan(step, jnp.zeros((), jnp.float32), (hidden, labels, weights))[0]


def _skipping(add, nothing):
    """A step of a scan over blocks that is left out where no position of the block counts.

    Args:
      add: (carry, (hidden, labels, weights)) -> (carry, output).
      nothing: block -> the output of a block that is left out.
    """

    def step(carry, block):
        return jax.lax.cond(
            jnp.any(block[2] > 0), add, lambda carry, block: (carry, nothing(block)), carry, block
        )

    return step


def _logits(hidden, head):
    """float32[B, chunk, V]."""
    contract = (((hidden.ndim - 1,), (1,)), ((), ()))
    head = head.astype(hidden.dtype)
    return jax.lax.dot_general(hidden, head, contract, preferred_element_type=jnp.float32)


def _block(hidden, labels, weights, head):
    """One block's loss, and its logits' gradient float32[B, chunk, V]."""
    logits = _logits(hidden, head)
    log_total = jax.nn.logsumexp(logits, axis=-1)
    # Where nothing is learned the label may be anything, -100 too, as other libraries mark it.
    labels = jnp.where(weights > 0, labels, 0)
    chosen = jnp.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]
    loss = jnp.sum(jnp.where(weights > 0, (log_total - chosen) * weights, 0.0))
    grad = jnp.exp(logits - log_total[..., None])
    # softmax - onehot. The one-hot by comparison, which fuses; a scatter into the logits does not.
    grad = grad - (jnp.arange(logits.shape[-1]) == labels[..., None])
    return loss, jnp.where(weights[..., None] > 0, grad * weights[..., None], 0.0)


def _blocks_fwd(hidden, head, labels, weights, skip):
    def add(carry, block):
        total, head_grad = carry
        shape = block[0].shape
        hidden, labels, weights = (x.reshape(-1, *x.shape[2:]) for x in block)
        loss, grad = _block(hidden, labels, weights, head)
        # The block's logits go no further than this: both gradients are products with them, and
        # the loss is linear in its cotangent, by which the backward pass scales what is ready.
        grad = grad.astype(hidden.dtype)
        dot = partial(jax.lax.dot_general, preferred_element_type=jnp.float32)
        hidden_grad = dot(grad, head.astype(grad.dtype), (((1,), (0,)), ((), ())))
        head_grad = head_grad + dot(grad, hidden, (((0,), (0,)), ((), ())))
        return (total + loss, head_grad), hidden_grad.astype(hidden.dtype).reshape(shape)

    # The head's gradient is summed over all blocks in float32: bf16 would lose the small ones.
    start = (jnp.zeros((), jnp.float32), jnp.zeros(head.shape, jnp.float32))
    step = _skipping(add, lambda block: jnp.zeros_like(block[0])) if skip else add
    (total, head_grad), hidden_grad = jax.lax.scan(step, start, (hidden, labels, weights))
    # An empty array carries the head's dtype to the backward pass.
    return total, (hidden_grad, head_grad, weights, jnp.zeros((0,), head.dtype))


def _blocks_bwd(skip, residuals, scale):
    del skip
    hidden_grad, head_grad, weights, head_like = residuals
    return (
        (scale * hidden_grad.astype(jnp.float32)).astype(hidden_grad.dtype),
        (scale * head_grad).astype(head_like.dtype),
        None,
        jnp.zeros_like(weights),
    )


_blocks.defvjp(_blocks_fwd, _blocks_bwd)


def contact_loss(predicted: jax.Array, target: jax.Array, kind: str = "l1") -> jax.Array:
    """Of each contact point, the mean over x and y: float32[B].

    The paper's position loss is the absolute difference.

    Args:
      predicted: float[B, 2].
      target: float[B, 2], in the same unit.
      kind: "l1", "l2" (squared) or "huber" (squared below 1, then linear).
    """
    difference = jnp.abs(predicted.astype(jnp.float32) - target.astype(jnp.float32))
    if kind == "l2":
        difference = difference**2
    elif kind == "huber":
        difference = jnp.where(difference < 1, 0.5 * difference**2, difference - 0.5)
    return difference.mean(axis=-1)


def rotation_loss(predicted6d: jax.Array, target: jax.Array, kind: str = "geodesic") -> jax.Array:
    """The angle between two rotations in radians: float32[B].

    Args:
      predicted6d: float[B, 6], see ``ops.rotation_from_6d``.
      target: float[B, 3, 3].
      kind: "geodesic", exact over [0, pi]; "where2act" (arXiv 2101.02692, and RoboMamba's
        repository), acos of the clipped trace, whose gradient vanishes at both ends.
    """
    angle = geodesic_angle_official if kind == "where2act" else geodesic_angle
    return angle(rotation_from_6d(predicted6d), target)


def gripper_loss(logit: jax.Array, target: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Binary cross-entropy of "open", and where there is a target: float32[B] each.

    Args:
      logit: float[B].
      target: float[B] in [0, 1]; NaN = unknown, with loss 0.
    """
    # NaN is taken out before the loss, not after: 0 * NaN would still reach the gradient.
    known = ~jnp.isnan(target)
    logit, target = logit.astype(jnp.float32), jnp.where(known, target, 0.0)
    loss = jax.nn.softplus(logit) - target * logit
    return jnp.where(known, loss, 0.0), known.astype(jnp.float32)


def mixture_losses(
    proposed: MixtureArrays,
    contact: jax.Array,
    rotation: jax.Array,
    gripper: jax.Array,
    *,
    kernel_width: float,
    kind: str = "geodesic",
) -> dict[str, jax.Array]:
    """What a mixture of poses is trained by, float32[B] each.

    ``contact`` is the negative log-likelihood of the contact under Laplace distributions around
    all P proposals, but for its constant, so that 0 is the least; ``rotation`` and ``gripper`` are
    the means of what each proposal loses, weighed by how likely it is that the contact came from
    it, which is not differentiated.

    Args:
      proposed: log weights float32[B, P], contacts [B, P, 2], rotations [B, P, 6] and gripper
        logits [B, P] or None, as ``models.policy.mixture.Proposals``.
      contact: float[B, 2], in the proposals' unit.
      rotation: float[B, 3, 3].
      gripper: float[B] in [0, 1]; NaN = unknown, with loss 0.
      kernel_width: the distributions' scale in x and in y, in the same unit.
      kind: of ``rotation_loss``.
    """
    log_weight, contacts, rotations, logits = proposed
    joint = log_weight - jnp.abs(contacts - contact[:, None]).sum(axis=-1) / kernel_width
    # How likely it is that each proposal made this contact (the E step). Not differentiated, so
    # that the rotation's loss does not move the weights, which the likelihood alone trains.
    share = jax.lax.stop_gradient(jax.nn.softmax(joint, axis=-1))
    rows, count = share.shape
    flat = rotations.reshape(rows * count, -1)
    angle = rotation_loss(flat, jnp.repeat(rotation, count, axis=0), kind).reshape(rows, count)
    found = {
        "contact": -jax.nn.logsumexp(joint, axis=-1),
        "rotation": jnp.sum(share * angle, axis=-1),
    }
    if logits is not None:
        each, _ = gripper_loss(logits, jnp.broadcast_to(gripper[:, None], logits.shape))
        found["gripper"] = jnp.sum(share * each, axis=-1)
    return found
