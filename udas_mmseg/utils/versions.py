"""The versions and the device with which figures were measured."""
import os
import platform
from typing import Dict

import mmcv
import mmengine
import mmseg
import torch

from ..version import __version__


def versions() -> Dict[str, str]:
    """Return the versions of this project and of what it uses, and the name of the `device`."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f'CPU, {os.cpu_count()} cores'
    return dict(udas_mmseg=__version__, python=platform.python_version(), torch=str(torch.__version__),
                mmengine=mmengine.__version__, mmcv=mmcv.__version__, mmsegmentation=mmseg.__version__, device=device)
