"""Hashes of the label budgets of the Cityscapes training set, to check that everybody uses the same lists.

The names are not shipped; they are read from the user's image folder. Each value is the SHA-256 of a list file that
`LabelBudget(n, seed=2021)` writes for the 2,975 names below `leftImg8bit/train`, such as `aachen/aachen_000000_000019`.
"""
import re
from typing import Dict, Optional, Sequence, Tuple

OFFICIAL_COUNT = 2975
OFFICIAL_SEED = 2021
OFFICIAL_NAMES = '5be898907a337d99993133808fb4f544b446faecfd3b234c7e145434e2f090b0'

# Number of images -> SHA-256 of the labelled list and of its complement (None for the budget of all images).
# 186, 372, 744 and 1488 are 1/16, 1/8, 1/4 and 1/2.
OFFICIAL_LISTS: Dict[int, Tuple[str, Optional[str]]] = {
    50: ('5bae35702eacfd99fd2da7f545043bbe15b06662d2f78b35f65b0ea2093fb787',
         'b98de55225dbf9d8561d3f97dd232cd85c3822de1110b27ae506e649198b0385'),
    100: ('cc1e1adab95754206b54fe5d7f213f963c993a0663798c5a7c94df5e169ca6dc',
          'e166a51bb4d924d500cec6b4879f99125c5e8997106dabdc8800de4d6fe0859a'),
    186: ('dd7e00531b26babcf06b3180d816c80929184170dfa82094bcdf8f01869f622b',
          '86d9b497de9ac9daafb331db20a889aad6d4df473573c0f756082f16f60330a7'),
    200: ('617d0ea161caceffd04ac06603b16c8be16d6a8aaa3982056243e29c5b22d018',
          '8aaa65ffc376f5f825b58087ebad2e4fdd3324f01b06ba3dce0288562b09507f'),
    372: ('3a0616bdc7149092907e72cf31b0d1464bca77fc7fd7e028066a351f07061eec',
          'a73174aa1eb656ebdc0fe6e4163ba3ecdb398939ff84d7d7ff56c3b88b6ab3f6'),
    500: ('bc882a71de00022b0933be43ac21da694c0be6adb2520d6e45df6e7ba39e7b0d',
          '12fa1211bc0e057fce4ed275851ac9a341c75f84f9be8cb951d45b2a69095587'),
    744: ('7a317ebaf89d121bd14ac78c7d578bf5c53f237eff1a8dc64ddebb2dacb27fb8',
          '8e8ead34b2e1bff213d995629f722a330673c5e045596dcfbf7539cba2f0a4ef'),
    1000: ('389577b708462477d7a62234dfd1ac9d801624c9fcaa6d1b685bd8e8c6a51489',
           '0ae736786313d968eb57828724bd0ba3c45907a9db2a565f1968d365c1280072'),
    1488: ('bd7faaca71a24004b8f973b5c042f6eec2cd44a16449e3662d25fe54cda79a4f',
           '17bfb2924dd50845cf5d838859a835c9a9e7ce26172a2cb5a3f00711ea8017ac'),
    2975: (OFFICIAL_NAMES, None),
}
_NAME = re.compile(r'([a-z-]+)/\1_\d{6}_\d{6}')


def describe_split(names: Sequence[str], names_sha256: str, seed: int, num_labeled: int, labeled_sha256: str,
                   unlabeled_sha256: Optional[str]) -> Tuple[str, bool]:
    """Describe a split: an official one, one of an incomplete Cityscapes folder, or one of other data.

    Args:
        names (Sequence[str]): Names of all images.
        names_sha256 (str): SHA-256 of their list.
        seed (int): Seed of the split.
        num_labeled (int): Number of images in the labelled list.
        labeled_sha256 (str): SHA-256 of the labelled list.
        unlabeled_sha256 (str, optional): SHA-256 of its complement, or None if the complement is empty.

    Returns:
        tuple[str, bool]: The text, and whether it is a warning.

    Raises:
        RuntimeError: if the official images give other lists than the official ones, which is a bug of this package.
    """
    found = (labeled_sha256, unlabeled_sha256)
    hashes = f'sha256 {labeled_sha256} (labelled), {unlabeled_sha256 or "none"} (complement)'
    split = f'{num_labeled} of {len(names)} images, seed {seed}: {hashes}'
    if names_sha256 != OFFICIAL_NAMES:
        if not any(_NAME.fullmatch(name) for name in names):
            return f'label budget, {split}', False
        return (f'{len(names)} images named as in Cityscapes are not the official {OFFICIAL_COUNT} of its training '
                f'set, so this split differs from the official one: {split}. Complete the folder '
                '(leftImg8bit/train) to get the official split.'), True
    if seed != OFFICIAL_SEED or num_labeled not in OFFICIAL_LISTS:
        return (f'Cityscapes split, {split}. It has no official hash; official hashes exist for seed {OFFICIAL_SEED} '
                f'and {", ".join(map(str, OFFICIAL_LISTS))} images.'), False
    if found != OFFICIAL_LISTS[num_labeled]:
        raise RuntimeError(f'internal error: the official Cityscapes images gave {hashes} for {num_labeled} images, '
                           f'seed {seed}. Expected: {OFFICIAL_LISTS[num_labeled]}. Was the rule changed?')
    return f'official Cityscapes split, {split}', False
