"""MMEngine's Runner with a quiet console."""
from typing import Any, Dict, List, Optional, Union

from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import Runner

from ..utils.console import quiet_logger
from .hooks import ProgressLineHook


class QuietRunner(Runner):
    """A Runner whose console shows warnings, errors and one line of progress; its log file has everything."""

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Build the logger."""
        logger = super().build_logger(*args, **kwargs)
        quiet_logger(logger)
        return logger

    def register_hooks(self,
                       default_hooks: Optional[Dict[str, Union[Hook, Dict]]] = None,
                       custom_hooks: Optional[List[Union[Hook, Dict]]] = None) -> None:
        """Register the hooks, and the one that shows the progress."""
        super().register_hooks(default_hooks, custom_hooks)
        self.register_hook(ProgressLineHook())
