"""Hooks."""
from .check_finite_loss_hook import CheckFiniteLossHook
from .domain_panel_hook import DomainPanelHook

__all__ = ['CheckFiniteLossHook', 'DomainPanelHook']
