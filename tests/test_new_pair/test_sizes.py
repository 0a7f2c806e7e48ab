"""The size of training images."""
from typing import List, Tuple

import pytest

from udas_mmseg.new_pair.plan import MAX_PIXELS, pixels_in_memory
from udas_mmseg.new_pair.sizes import choose_sizes


@pytest.mark.parametrize('images, pixels, crop, scales', [
    ([(160, 80), (480, 360)], 12800, (160, 80), ((160, 80), (160, 120))),
    ([(128, 96), (128, 96)], 12800, (128, 96), ((128, 96), (128, 96))),
    ([(1914, 1052), (2048, 1024)], 640 * 360, (672, 336), ((672, 369), (672, 336))),
    ([(100, 200), (300, 400)], 12800, (80, 160), ((80, 160), (120, 160))),
    ([(200, 100), (100, 200)], 12800, (96, 96), ((192, 96), (96, 192))),
    ([(10, 10), (64, 64)], 12800, (16, 16), ((16, 16), (16, 16))),
])
def test_the_crop_fits_into_both_domains(images: List[Tuple[int, int]], pixels: int, crop: Tuple[int, int],
                                         scales: Tuple) -> None:
    sizes = choose_sizes(images, pixels)
    assert (sizes.crop, sizes.scales) == (crop, scales)
    assert crop[0] * crop[1] <= pixels
    for scale in scales:
        assert scale[0] >= crop[0] and scale[1] >= crop[1]


def test_more_memory_allows_larger_crops() -> None:
    pixels = [pixels_in_memory(gigabytes) for gigabytes in (4, 8, 16, 80)]
    assert pixels == sorted(pixels) and pixels[0] < pixels[1] and pixels[-1] == MAX_PIXELS
    with pytest.raises(ValueError, match='--memory 1.*about .* GB even for crops of 128x128.*--preset small'):
        pixels_in_memory(1)
