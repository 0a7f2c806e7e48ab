"""MMagic's CycleGAN for batches of `DomainPairDataset`."""
from functools import partial
from typing import Any, Callable, Dict, List, Optional, Tuple

import torch
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapperDict
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..compat import open_mmagic
from ..datasets import SampleError
from ..utils.processes import keep_names_in_parallel, unwrap
from .semantic_consistency import SemanticConsistency

open_mmagic()

from mmagic.models.archs.patch_disc import PatchDiscriminator  # noqa: E402, F401  (registers it)
from mmagic.models.data_preprocessors.data_preprocessor import DataPreprocessor  # noqa: E402, F401
from mmagic.models.editors.cyclegan import CycleGAN  # noqa: E402

DOMAINS = ('source', 'target')


@MODELS.register_module()
class DomainCycleGAN(CycleGAN):
    """MMagic's `CycleGAN`, trained on batches of `DomainPairDataset` with two optimizers.

    The networks, the losses, the image buffers and the order of a step are those of MMagic. This class adds batches
    with branches, gradients that are averaged over several processes (MMagic does not call the networks through their
    data-parallel wrappers), CyCADA's semantic consistency, and `translate`, and skips the identity branch if its weight
    is 0.

    As in MMagic, images are uint8 BGR before the preprocessor and in [-1, 1] after it.

    Args:
        generator (dict): Config of MMagic's generator, e.g. `dict(type='ResnetGenerator', in_channels=3,
            out_channels=3)`; one is built for each domain.
        discriminator (dict): Config of MMagic's discriminator, e.g. `dict(type='PatchDiscriminator', in_channels=3)`.
        data_preprocessor (dict, optional): Config of MMagic's `DataPreprocessor`. Defaults to [-1, 1], BGR, padded by
            reflection to a multiple of 4.
        loss_config (dict): `cycle_loss_weight` and `id_loss_weight`. Defaults to 10 and 0. The identity weight is the
            factor of the loss. The paper's 0.5 is relative to the cycle weight and corresponds to 5 here.
        semantic_consistency (dict, optional): Arguments of `SemanticConsistency`: CyCADA. Defaults to None.
        translate_to (str): The style of `translate`, 'target' or 'source'. Defaults to 'target'.
        buffer_size (int): Number of earlier translations to keep for each discriminator. Defaults to 50.
        discriminator_steps (int): Number of discriminator steps for each generator step. Defaults to 1.
        disc_init_steps (int): Number of first iterations that train only the discriminators. Defaults to 0.

    Source: Zhu et al., ICCV 2017 (CycleGAN); Hoffman et al., ICML 2018 (CyCADA); UDAS, section 3.2.
    """

    def __init__(self,
                 generator: dict,
                 discriminator: dict,
                 data_preprocessor: Optional[dict] = None,
                 loss_config: Optional[dict] = None,
                 semantic_consistency: Optional[dict] = None,
                 translate_to: str = DOMAINS[1],
                 buffer_size: int = 50,
                 discriminator_steps: int = 1,
                 disc_init_steps: int = 0) -> None:
        preprocessor = dict(type='DataPreprocessor', pad_size_divisor=4, pad_mode='reflect', data_keys=None)
        preprocessor.update(data_preprocessor or {})
        super().__init__(
            generator=dict(generator, _scope_='mmagic'),
            discriminator=dict(discriminator, _scope_='mmagic'),
            data_preprocessor=dict(preprocessor, _scope_='mmagic'),
            default_domain='target',
            reachable_domains=list(DOMAINS),
            related_domains=list(DOMAINS),
            buffer_size=buffer_size,
            discriminator_steps=discriminator_steps,
            disc_init_steps=disc_init_steps,
            loss_config={**dict(cycle_loss_weight=10., id_loss_weight=0.), **(loss_config or {})})
        for name in ('generators', 'discriminators'):
            setattr(self, name, _PerDomain(getattr(self, name)))
        self.semantic_consistency = (
            None if semantic_consistency is None else SemanticConsistency(**semantic_consistency))
        self._skips_identity = False
        if translate_to not in DOMAINS:
            raise ValueError(f'model.translate_to={translate_to!r}; allowed are {DOMAINS}.')
        self.translate_to = translate_to
        if not hasattr(self.data_preprocessor, 'mean'):
            raise ValueError('model.data_preprocessor has no mean and std, but the generators return values in '
                             '[-1, 1]. Set both, or leave them out for 127.5.')
        keep_names_in_parallel(self)

    def init_weights(self) -> None:
        """Initialise each network in the same way as MMagic, whose own method fails in its logging."""
        for networks in (self.generators, self.discriminators):
            for network in unwrap(networks).values():
                network.init_weights()

    def train_step(self, data: Dict[str, dict], optim_wrapper: OptimWrapperDict) -> Dict[str, Tensor]:
        """Run MMagic's training step on one batch.

        Args:
            data (dict): `source` and `target`, each with `inputs`, a list of (3, H, W) uint8 BGR images of the same
                size.
            optim_wrapper (OptimWrapperDict): `generators` and `discriminators`.

        Returns:
            dict: Loss terms for the log.

        Raises:
            SampleError: if the images of a batch have several sizes.
        """
        inputs = {f'img_{domain}': list(data[domain]['inputs']) for domain in DOMAINS}
        _check_sizes(data)
        return super().train_step(dict(inputs=inputs), optim_wrapper)

    def get_module(self, module: nn.Module) -> Dict[str, Callable[[Tensor], Tensor]]:
        """Return the networks of each domain, called through their data-parallel wrapper during their training.

        MMagic calls the networks inside the wrapper, so the gradients of several processes would never be averaged.

        Args:
            module (nn.Module): `self.generators` or `self.discriminators`, wrapped or not.

        Returns:
            dict: A function for each domain.
        """
        if module is self.generators and self._skips_identity:
            return dict.fromkeys(DOMAINS, _nothing)
        if is_model_wrapper(module) and not any(weight.requires_grad for weight in module.parameters()):
            module = module.module
        return {domain: partial(module, domain) for domain in DOMAINS}

    def _get_gen_loss(self, outputs: Dict[str, Tensor]) -> Tuple[Tensor, Dict[str, Tensor]]:
        """Compute MMagic's loss of the generators, without the identity branch if its weight is 0."""
        self._skips_identity = self.loss_config['id_loss_weight'] == 0
        try:
            loss, logs = super()._get_gen_loss(outputs)
        finally:
            self._skips_identity = False
        if self.semantic_consistency is not None:
            pairs = [(outputs[f'real_{here}'], outputs[f'fake_{there}']) for here, there in (DOMAINS, DOMAINS[::-1])]
            term = self.semantic_consistency(pairs, self.to_pixels)
            loss = loss + term
            logs.update(loss_semantic=term.detach(), loss=loss.detach())
        return loss, logs

    def to_pixels(self, images: Tensor) -> Tensor:
        """Undo the preprocessor's normalisation and channel order, differentiably.

        Args:
            images (Tensor): (N, 3, H, W) in the format of the networks.

        Returns:
            Tensor: (N, 3, H, W) BGR, 0-255 without rounding or clipping.
        """
        preprocessor = self.data_preprocessor
        pixels = images * preprocessor.std + preprocessor.mean
        return pixels.flip(1) if preprocessor.output_channel_order == 'RGB' else pixels

    @torch.no_grad()
    def translate(self, images: Tensor, to: Optional[str] = None) -> Tensor:
        """Translate images into the style of a domain.

        Args:
            images (Tensor): (N, 3, H, W) uint8 BGR, of any size and on any device.
            to (str, optional): 'target' or 'source'. Defaults to `translate_to`.

        Returns:
            Tensor: (N, 3, H, W) uint8 BGR, on the model's device.
        """
        data = self.data_preprocessor(dict(inputs=images))
        generator = unwrap(self.generators)[to or self.translate_to]
        translated = self.to_pixels(generator(data['inputs']).float())
        height, width = images.shape[2:]
        return translated[..., :height, :width].round_().clamp_(0, 255).to(torch.uint8)

    @property
    def image_format(self) -> Dict[str, Any]:
        """Format of the networks' images: `mean`, `std` and `channel_order`; part of a checkpoint's meta data."""
        preprocessor = self.data_preprocessor
        return dict(mean=preprocessor.mean.flatten().tolist(), std=preprocessor.std.flatten().tolist(),
                    channel_order=preprocessor.output_channel_order or 'BGR')


class _PerDomain(nn.ModuleDict):
    """The networks of the domains, with a `forward` so that a data-parallel wrapper can wrap them."""

    def forward(self, domain: str, images: Tensor) -> Tensor:
        return self[domain](images)


def _nothing(images: Tensor) -> None:
    """Replaces a network whose result is not used."""


def _check_sizes(data: Dict[str, dict]) -> None:
    """Check that all images have the same size; otherwise, they would be padded, and the networks would learn it."""
    shapes: Dict[tuple, List[str]] = {}
    for domain in DOMAINS:
        samples = data[domain].get('data_samples') or []
        for number, image in enumerate(data[domain]['inputs']):
            path = samples[number].get('img_path', '') if number < len(samples) else ''
            shapes.setdefault(tuple(image.shape[1:]), []).append(f'{domain} {path}')
    if len(shapes) > 1:
        found = '; '.join(f'{shape[1]}x{shape[0]}: {names[0]}' for shape, names in shapes.items())
        raise SampleError(f'the images of one batch have several sizes (width x height): {found}. An image smaller '
                          'than the crop is not cropped: use a larger `Resize` or a smaller crop.')
