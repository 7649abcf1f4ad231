"""How a store fails."""

from __future__ import annotations


class StoreFault(OSError):
    """The store failed; ``transient`` when it may answer later, ``code`` in the store's own words."""

    def __init__(self, message: str, transient: bool = True, code: str = "") -> None:
        super().__init__(message)
        self.transient = transient
        self.code = code
