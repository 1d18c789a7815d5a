"""Signatures checked while tokens are still being read.

Ed25519 takes as long as all else that is done to a token, and libsodium lets another thread run meanwhile. Processes
would have to be sent what a thread just looks at. Where no processor is free nothing is lost: who reads checks what
is left.
"""

from __future__ import annotations

import os
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Self

from optimizer.claims.signature import signed_as

if TYPE_CHECKING:
    from optimizer.claims.model import Claims
    from optimizer.claims.token import Token

    Batch = list[tuple[Token, Claims]]

_BATCH = 64
"""Tokens handed over at once. For fewer no thread is begun."""


class Signatures:
    """Who signed each token that was asked about. A context, at whose end no thread is left."""

    def __init__(self) -> None:
        self._batch: Batch = []
        self._queue: SimpleQueue[Batch | None] = SimpleQueue()
        self._found: dict[int, int | None] = {}  # by the identity of the token
        self._thread: Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._next():
            pass
        self._end()

    def ask(self, token: Token, claims: Claims) -> None:
        """Have a signature checked. The caller keeps the token as long as this is used."""
        self._batch.append((token, claims))
        if len(self._batch) == _BATCH:
            self._queue.put(self._batch)
            self._batch = []
            if self._thread is None and _processors() > 1:
                self._thread = Thread(target=self._work, name="signatures", daemon=True)
                self._thread.start()

    def finish(self) -> None:
        """Check what is not checked yet, together with the thread."""
        self._check(self._batch)
        while batch := self._next():
            self._check(batch)
        self._end()

    def signed_as(self, token: Token, claims: Claims) -> int | None:
        """What `optimizer.claims.signature.signed_as` says."""
        known = id(token)
        return self._found[known] if known in self._found else signed_as(token, claims)

    def _next(self) -> Batch | None:
        try:
            return self._queue.get_nowait()
        except Empty:
            return None

    def _end(self) -> None:
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        while batch := self._queue.get():
            self._check(batch)

    def _check(self, batch: Batch) -> None:
        for token, claims in batch:
            self._found[id(token)] = signed_as(token, claims)


def _processors() -> int:
    """How many this process may use: in a container often fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
