"""SHA-256 digests of files, configs and weights."""
import hashlib
import json
from typing import Any, Mapping

import torch
from torch import nn

PER_RUN_KEYS = ('work_dir', 'resume', 'launcher', 'randomness', 'hang_limit')


def file_digest(path: str) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        for block in iter(lambda: file.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()


def config_digest(cfg: Mapping[str, Any]) -> str:
    """SHA-256 of a config without the keys that differ between runs of one config, such as seed and folder.

    Args:
        cfg (Mapping): A config as a plain dictionary.
    """
    relevant = {key: value for key, value in cfg.items() if key not in PER_RUN_KEYS}
    return hashlib.sha256(json.dumps(_with_plain_keys(relevant), sort_keys=True, default=str).encode()).hexdigest()


def _with_plain_keys(node: Any) -> Any:
    """Return a config with keys that JSON can have: a colour in a label map becomes text."""
    if isinstance(node, Mapping):
        return {str(key) if isinstance(key, tuple) else key: _with_plain_keys(value) for key, value in node.items()}
    return [_with_plain_keys(item) for item in node] if isinstance(node, (list, tuple)) else node


def weights_digest(model: nn.Module) -> str:
    """Return the SHA-256 of a model's weights and buffers, with their names."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(f'{name} {tuple(value.shape)} {value.dtype}'.encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
