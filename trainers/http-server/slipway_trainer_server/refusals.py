"""Everything that the service says no to."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """An answer that is no success: a status, and why, for people and programs."""

    def __init__(self, status: int, code: str, message: str, fix: str | None = None, where: str | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        fault = {"code": code, "message": message, "where": where, "fix": fix}
        self.body: dict[str, Any] = {"faults": [{name: text for name, text in fault.items() if text is not None}]}


def no_such_job(key: str) -> Refusal:
    """The positive denial: this service knows for sure that it has no job of the key."""
    return Refusal(404, "E_TRAINER_JOB", f"there is no job of key {key[:12]}", "start it: PUT /jobs/{key}")
