"""Takes secrets out of a stream of bytes before anything else sees it."""

from __future__ import annotations

from collections.abc import Mapping

SHORTEST = 4


class Mask:
    """Replaces each secret by ``[secret NAME]``, also when it arrives in pieces.

    A line of a secret of several lines counts as one from 8 bytes on; values of fewer than 4 bytes are left, they
    would be found everywhere.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        found: dict[bytes, bytes] = {}
        for name, value in secrets.items():
            lines = [line for line in value.splitlines() if len(line) >= 2 * SHORTEST]
            for text in (value, value.strip(), *lines):
                if len(text.encode()) >= SHORTEST:
                    found[text.encode()] = f"[secret {name}]".encode()
        # The longest first: one may be part of another.
        self._patterns = sorted(found.items(), key=lambda item: -len(item[0]))
        self._kept = b""

    def feed(self, chunk: bytes) -> bytes:
        """What may be shown by now; the beginning of a possible secret is kept back."""
        data = self._kept + chunk
        for secret, shown in self._patterns:
            data = data.replace(secret, shown)
        keep = max((_overlap(data, secret) for secret, _ in self._patterns), default=0)
        self._kept = data[len(data) - keep :]
        return data[: len(data) - keep]

    def rest(self) -> bytes:
        """What was kept back and became no secret."""
        kept, self._kept = self._kept, b""
        return kept


def _overlap(data: bytes, secret: bytes) -> int:
    """Length of the longest end of ``data`` that begins ``secret``."""
    for size in range(min(len(secret) - 1, len(data)), 0, -1):
        if data.endswith(secret[:size]):
            return size
    return 0
