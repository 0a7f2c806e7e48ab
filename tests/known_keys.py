"""Which keys a config has, for options that override it."""
import inspect
from typing import Any, Dict, List

from mmengine.config import Config
from mmseg import registry

from page_commands import ROOT
from udas_mmseg.datasets.budget_key import merge_options
from udas_mmseg.engine.launch import load_config
from udas_mmseg.engine.memory import apply_memory
from udas_mmseg.self_training.settings import read_settings


def check_keys(cfg: Config, options: Dict[str, Any]) -> None:
    """Check keys that override a config, and change it.

    Raises:
        ValueError: for a key that would have no effect, or a value that is not allowed.
    """
    for key in options:
        if not has_key(cfg._cfg_dict, key.split('.')):
            raise ValueError(f'{cfg.filename} has no {key}')
    merge_options(cfg, options)
    if 'self_training' in cfg:
        read_settings(cfg.self_training)
    else:
        apply_memory(cfg)


def has_key(node: Any, parts: List[str]) -> bool:
    """Whether a config has an entry, or an object in it takes it as an argument."""
    if 'self_training' in node and 'options' in parts:  # of the config of a stage
        stage = node['self_training'][parts[1]]['config']
        return has_key(load_config(str(ROOT / stage))._cfg_dict, parts[parts.index('options') + 1:])
    if parts[0] == 'memory':
        return 'self_training' in node or 'optim_wrapper' in node  # `apply_memory` knows its options
    if parts[0] == 'self_training':
        return 'self_training' in node  # `read_settings` knows the others
    for place, part in enumerate(parts):
        if isinstance(node, (list, tuple)) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        elif isinstance(node, dict) and part in node:
            node = node[part]
        else:
            is_argument = isinstance(node, dict) and takes(node.get('type'), part)
            return is_argument or parts[place - 1:] == ['test_cfg', 'aux_weight']
    return True


def takes(name: Any, argument: str) -> bool:
    """Whether a registered class has an argument."""
    registries = [registry.MODELS, registry.DATASETS, registry.TRANSFORMS, registry.HOOKS, registry.OPTIM_WRAPPERS]
    kinds = [found for found in (kinds.get(name) for kinds in registries if isinstance(name, str)) if found]
    makers = [maker for kind in kinds for maker in (kind.__mro__ if inspect.isclass(kind) else [kind])]
    return any(argument in inspect.signature(maker).parameters for maker in makers if maker is not object)
