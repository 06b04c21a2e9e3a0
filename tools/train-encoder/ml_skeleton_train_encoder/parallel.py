"""Several processes that train one encoder, one for each GPU, as torchrun starts them.

Every process embeds its share of a batch; the loss sees the embeddings of all, so
that N processes learn what one would learn from the whole batch.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed, nn

PATIENCE = timedelta(hours=2)  # the others wait while the first one validates and writes
STEPS_BETWEEN_WORDS = 16  # after so many steps the processes agree on whether to stop


@dataclass(frozen=True)
class Team:
    """The processes of a run, this one being number `rank`."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes and speaks."""
        return self.rank == 0

    def agrees(self, mine: bool, step: int) -> bool:
        """Return whether any process says yes; they ask each other after every 16 steps, and answer no in between."""
        if self.size == 1:
            return mine
        return step % STEPS_BETWEEN_WORDS == 0 and any(self.all_of(mine))

    def all_of(self, mine: Any) -> list[Any]:
        """Return what each process brings; all have to ask."""
        if self.size == 1:
            return [mine]
        found: list[Any] = [None] * self.size
        distributed.all_gather_object(found, mine)
        return found

    def from_leader(self, find: Callable[[], Any]) -> Any:
        """Return what the first process finds; the others wait for it."""
        return self.all_of(find() if self.leads else None)[0]


ALONE = Team()


@contextmanager
def joined_team(device: torch.device) -> Iterator[Team]:
    """Yield the processes that torchrun started together with this one; this one alone without torchrun."""
    size = int(os.environ.get("WORLD_SIZE", 1))
    if size == 1:
        yield ALONE
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield Team(distributed.get_rank(), size)
    finally:
        distributed.destroy_process_group()


def shared(learner: nn.Module, team: Team, device: torch.device) -> nn.Module:
    """Return the module to call in training: `learner`, whose gradients the processes of the team average."""
    if team.size == 1:
        return learner
    devices = [device] if device.type == "cuda" else None
    return nn.parallel.DistributedDataParallel(learner, device_ids=devices, find_unused_parameters=True)


def embeddings_of_all(own: Tensor, shares: Sequence[int], team: Team) -> Tensor:
    """Return the embeddings of the windows of all processes, one process after the other, (sum of shares, D)."""
    if team.size == 1:
        return own
    gathered: Tensor = _Gather.apply(own, tuple(shares), team)  # type: ignore[no-untyped-call]
    return gathered


class _Gather(torch.autograd.Function):
    """Gathers embeddings; every process then works out the same loss, so that its gradient is known to all."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, shares: tuple[int, ...], team: Team) -> Tensor:
        ctx.own = slice(sum(shares[: team.rank]), sum(shares[: team.rank + 1]))
        ctx.size = team.size
        padded = own.new_zeros(max(shares), own.shape[1])
        padded[: len(own)] = own
        found = [torch.empty_like(padded) for _ in shares]
        distributed.all_gather(found, padded)
        return torch.cat([embeddings[:share] for embeddings, share in zip(found, shares, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return gradients[0][ctx.own] * ctx.size, None, None  # as DistributedDataParallel divides by the size
