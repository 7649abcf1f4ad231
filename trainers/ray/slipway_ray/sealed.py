"""Variables that only this job on these nodes may read: AES-256-GCM, the key is the SHA-256 of SLIPWAY_SEALING_KEY."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path

VARIABLE = "SLIPWAY_SEALING_KEY"


def unseal(file: Path, job: str) -> dict[str, str]:
    """The variables in ``file``, none when there is no such file; ValueError when they cannot be read.

    The key is taken out of this process's environment, so that nothing started from here finds it.
    """
    text = os.environ.pop(VARIABLE, "")
    if not file.exists():
        return {}
    if not text:
        raise ValueError(f"secrets came with the job, and this node has no {VARIABLE}")
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    content = base64.b64decode(file.read_text("ascii"))
    try:
        clear = AESGCM(hashlib.sha256(text.encode()).digest()).decrypt(content[:12], content[12:], job.encode())
    except InvalidTag as fault:
        raise ValueError(f"the secrets that came with the job were not sealed with this node's {VARIABLE}") from fault
    return {str(name): str(value) for name, value in json.loads(clear).items()}
