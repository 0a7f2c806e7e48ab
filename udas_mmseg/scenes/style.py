"""The differences between the two domains: palettes, light, camera and sensor.

`simulated` follows the look of a video game (GTA5): saturated flat colours, high sun, clean
lens. `real` follows a car's camera (Cityscapes): grey and varied light, textures, long shadows,
haze, noise and the car's own bonnet.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .canvas import Colour

DOMAINS = ('simulated', 'real')

_SIMULATED: dict[str, tuple[Colour, ...]] = {
    'asphalt': ((74, 76, 86), (66, 68, 80), (84, 84, 92)),
    'marking': ((250, 248, 240),),
    'marking_yellow': ((250, 200, 40),),
    'sidewalk': ((196, 184, 166), (206, 190, 164), (186, 180, 172)),
    'kerb': ((226, 218, 204),),
    'grass': ((104, 176, 56), (88, 164, 52), (126, 182, 64)),
    'foliage': ((40, 138, 48), (62, 156, 40), (26, 118, 56), (84, 160, 44)),
    'trunk': ((116, 76, 44), (98, 66, 42)),
    'facade': ((226, 128, 82), (238, 202, 122), (208, 98, 88), (126, 166, 202), (242, 234, 216),
               (178, 202, 146), (222, 168, 140), (164, 134, 176)),
    'trim': ((248, 244, 234), (90, 64, 54)),
    'roof': ((150, 72, 56), (92, 96, 110), (190, 120, 84)),
    'glass': ((58, 104, 158), (44, 76, 124), (112, 172, 218)),
    'windscreen': ((44, 76, 120), (36, 58, 92), (88, 140, 186)),
    'door': ((96, 52, 36), (34, 86, 80)),
    'awning': ((212, 40, 44), (34, 130, 84), (236, 160, 32)),
    'wall': ((198, 150, 118), (212, 196, 168), (176, 92, 72)),
    'fence': ((240, 238, 230), (146, 96, 56), (70, 74, 84)),
    'pole': ((104, 110, 118), (78, 84, 94)),
    'light_box': ((232, 184, 32), (36, 38, 42)),
    'car': ((222, 34, 34), (32, 84, 204), (250, 202, 34), (242, 242, 242), (36, 36, 42),
            (34, 152, 84), (242, 124, 24), (126, 190, 226)),
    'truck': ((240, 240, 236), (210, 60, 40), (40, 110, 190), (236, 170, 40)),
    'bus': ((250, 194, 26), (36, 116, 204), (220, 50, 46)),
    'train': ((206, 32, 52), (34, 142, 116), (246, 210, 60)),
    'metal': ((190, 194, 202), (50, 52, 58)),
    'cycle': ((214, 40, 40), (30, 110, 200), (40, 160, 90), (30, 30, 34)),
    'clothes': ((220, 44, 50), (36, 96, 206), (248, 206, 46), (40, 160, 100), (246, 246, 246),
                (150, 60, 170), (240, 130, 40)),
    'trousers': ((40, 56, 110), (34, 36, 44), (150, 116, 76), (90, 96, 106)),
    'skin': ((244, 196, 158), (196, 140, 98), (126, 84, 58)),
    'hair': ((52, 34, 24), (120, 80, 40), (26, 24, 26), (206, 168, 92)),
    'helmet': ((240, 240, 240), (226, 40, 40), (40, 44, 52)),
    'hills': ((92, 150, 108),),
    'bin': ((40, 120, 76),),
    'sky_top': ((34, 108, 222), (72, 140, 226), (112, 164, 224)),
    'sky_low': ((164, 214, 252), (204, 228, 246)),
    'bonnet': ((40, 42, 48),),
}

_REAL: dict[str, tuple[Colour, ...]] = {
    'asphalt': ((106, 104, 103), (92, 91, 92), (118, 116, 113)),
    'marking': ((196, 194, 188), (178, 176, 172)),
    'marking_yellow': ((196, 192, 180),),
    'sidewalk': ((140, 134, 130), (152, 144, 138), (132, 130, 132)),
    'kerb': ((160, 156, 150),),
    'grass': ((102, 114, 64), (120, 118, 74), (88, 106, 60)),
    'foliage': ((64, 82, 44), (84, 92, 48), (50, 70, 46), (110, 98, 52)),
    'trunk': ((74, 66, 58), (60, 54, 50)),
    'facade': ((178, 166, 146), (152, 138, 118), (196, 188, 174), (128, 120, 114),
               (172, 138, 114), (146, 126, 104), (188, 172, 128), (142, 98, 84)),
    'trim': ((206, 200, 190), (112, 104, 96)),
    'roof': ((108, 72, 60), (76, 74, 76), (92, 80, 72)),
    'glass': ((52, 58, 64), (40, 44, 48), (126, 134, 140)),
    'windscreen': ((52, 58, 64), (40, 44, 48)),
    'door': ((74, 60, 52), (58, 66, 64)),
    'awning': ((120, 60, 54), (78, 92, 84), (150, 140, 122)),
    'wall': ((150, 140, 128), (130, 112, 100), (164, 160, 152)),
    'fence': ((88, 94, 88), (120, 112, 100), (70, 72, 74)),
    'pole': ((112, 114, 114), (84, 88, 88)),
    'light_box': ((44, 48, 46),),
    'car': ((30, 31, 34), (160, 162, 166), (212, 212, 210), (66, 72, 88), (112, 40, 40),
            (46, 56, 74), (100, 100, 98), (140, 134, 122)),
    'truck': ((206, 206, 200), (150, 152, 150), (84, 98, 118), (170, 140, 84)),
    'bus': ((196, 164, 84), (150, 60, 56), (206, 204, 198)),
    'train': ((168, 60, 58), (196, 180, 110), (120, 134, 128)),
    'metal': ((138, 140, 142), (52, 54, 56)),
    'cycle': ((58, 58, 60), (104, 52, 50), (70, 82, 96), (128, 130, 130)),
    'clothes': ((46, 50, 60), (92, 86, 80), (120, 52, 52), (70, 84, 108), (150, 146, 138),
                (58, 66, 56), (34, 34, 36)),
    'trousers': ((42, 46, 58), (34, 34, 36), (84, 80, 72), (70, 76, 92)),
    'skin': ((206, 168, 146), (176, 134, 108), (122, 88, 70)),
    'hair': ((52, 42, 36), (96, 78, 60), (34, 32, 32), (140, 128, 112)),
    'helmet': ((180, 180, 178), (96, 50, 48), (48, 50, 54)),
    'hills': ((120, 124, 118),),
    'bin': ((70, 74, 72),),
    'sky_top': ((200, 210, 222), (140, 172, 210), (214, 218, 224)),
    'sky_low': ((236, 238, 238), (222, 229, 234)),
    'bonnet': ((34, 36, 38), (58, 60, 62), (92, 94, 98)),
}

_PALETTES = {'simulated': _SIMULATED, 'real': _REAL}


@dataclass(frozen=True)
class Light:
    """The scene's light.

    Attributes:
        sun: (3,) unit vector towards the sun, world axes.
        ambient: Brightness of a face that the sun does not reach.
        diffuse: Brightness added to a face turned to the sun.
        shadow: How much a cast shadow darkens the ground, 0-1.
        softness: Blur of the shadow's edge, in thousandths of the image width.
    """

    sun: NDArray[np.float32]
    ambient: float
    diffuse: float
    shadow: float
    softness: float


@dataclass(frozen=True)
class Style:
    """A domain's palette and shapes; draws colours from the scene's generator.

    Args:
        domain: 'simulated' or 'real'.
        rng: The scene's generator.
    """

    domain: str
    rng: np.random.Generator

    @property
    def real(self) -> bool:
        """Whether this is the real domain, where shapes or details differ."""
        return self.domain == 'real'

    def pick(self, name: str, jitter: float = 0.06) -> Colour:
        """A colour of the palette, its brightness and channels varied by about `jitter`."""
        options = _PALETTES[self.domain][name]
        draws = self.rng.random(5).tolist()
        r, g, b = options[int(draws[0] * len(options))]
        level = 1 + jitter * (2 * draws[1] - 1)
        tone = [level * (1 + 0.4 * jitter * (2 * d - 1)) for d in draws[2:]]
        return min(r * tone[0], 255.0), min(g * tone[1], 255.0), min(b * tone[2], 255.0)

    def uniform(self, low: float, high: float) -> float:
        """A number between low and high."""
        return low + (high - low) * float(self.rng.random())

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return bool(self.rng.random() < probability)

    def camera(self, lane_centre: float) -> Camera:
        """A camera as this domain mounts it, in the middle of the own lane."""
        if self.real:
            return Camera(
                height=self.uniform(1.15, 1.4), pitch=self.uniform(0.0, 0.035),
                yaw=self.uniform(-0.03, 0.03), focal=self.uniform(0.78, 0.92),
                x=lane_centre + self.uniform(-0.3, 0.3))
        return Camera(
            height=self.uniform(1.45, 1.9), pitch=self.uniform(0.0, 0.05),
            yaw=self.uniform(-0.05, 0.05), focal=self.uniform(0.62, 0.76),
            x=lane_centre + self.uniform(-0.5, 0.5))

    def light(self) -> Light:
        """Noon in the simulated domain; low sun or an overcast sky in the real one."""
        azimuth = self.uniform(0, 2 * np.pi)
        if not self.real:
            elevation = self.uniform(0.9, 1.2)
            return Light(_direction(azimuth, elevation), 0.74, 0.36, 0.42, 0.8)
        elevation = self.uniform(0.45, 0.9)
        sunshine = max(0.0, self.uniform(-0.45, 1.0))
        return Light(
            _direction(azimuth, elevation), ambient=0.94 - 0.3 * sunshine,
            diffuse=0.12 + 0.45 * sunshine, shadow=0.22 + 0.33 * sunshine,
            softness=10.0 - 7.0 * sunshine)


def _direction(azimuth: float, elevation: float) -> NDArray[np.float32]:
    flat = np.cos(elevation)
    return np.array(
        [flat * np.sin(azimuth), np.sin(elevation), flat * np.cos(azimuth)], np.float32)
