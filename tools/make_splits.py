"""Write the list files of label budgets for any image folder, or check two lists.

python tools/make_splits.py data/camvid/images/train --suffix .jpg --budgets 10 50 1/16 --out data/camvid/splits
python tools/make_splits.py data/cityscapes/leftImg8bit/train --suffix _leftImg8bit.png --published FOLDER --out OUT
python tools/make_splits.py data/camvid/images/train --suffix .jpg --check labeled_10.txt unlabeled_without_10.txt

For each budget, this writes labeled_<n>.txt and its complement unlabeled_without_<n>.txt, which a data set accepts as
`ann_file`, and index.json with the rule, the counts and the SHA-256 of each list. Budgets of one seed are nested.
--published takes the images from the lists of other authors, such as splits/cityscapes/1_16/labeled.txt of UniMatch or
train_aug_labeled_1-8.txt of CPS, and writes them in the same form.
For Cityscapes, this is not necessary: LabelBudgetDataset writes its lists itself; see docs/datasets.md.
"""
import argparse
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from udas_mmseg.datasets.cityscapes_budgets import OFFICIAL_SEED, describe_split
from udas_mmseg.datasets.label_budget import LabelBudget
from udas_mmseg.datasets.label_mapped import check_folders
from udas_mmseg.datasets.list_files import (
    NO_LABELS,
    line_rule,
    list_bytes,
    list_names,
    list_sha256,
    read_lines,
    read_list,
    repeated,
    write_list,
)
from udas_mmseg.datasets.published_lists import find_splits, read_split
from udas_mmseg.datasets.translated import first_names
from udas_mmseg.utils.digests import file_digest
from udas_mmseg.utils.files import replace_file, to_json
from udas_mmseg.utils.mirrored_folder import INDEX

PUBLISHED = 'Lists of other authors, read from files with these SHA-256; a list holds its names sorted, one a line.'
RULE = "The first n names in the order of SHA-256 of '<seed>:<name>'; a list holds its names sorted, one a line."


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('images', nargs='?', metavar='IMAGE_FOLDER', help='folder of the images, at any depth')
    parser.add_argument('--suffix', help="suffix of the image files (the data set's `img_suffix`), such as .png")
    parser.add_argument('--budgets', nargs='+', metavar='N', help='numbers of images, or fractions: 50 100 1/16')
    parser.add_argument('--published', nargs='+', type=Path, metavar='LIST',
                        help='lists of labelled images of other authors, or folders of such lists')
    parser.add_argument('--among', type=Path, metavar='LIST',
                        help='take only the images in this list, such as ImageSets/Segmentation/trainaug.txt')
    parser.add_argument('--seed', type=int, default=OFFICIAL_SEED,
                        help='seed of the order of the images (default: %(default)s)')
    parser.add_argument('--out', type=Path, metavar='OUT', help='folder for the lists')
    parser.add_argument('--check', nargs=2, metavar=('LABELED', 'UNLABELED'),
                        help='check two lists instead: no name is in both, and (with IMAGE_FOLDER) every file exists')
    args = parser.parse_args(arguments)
    if args.check and (args.budgets or args.published or args.out):
        parser.error('--check writes no lists: remove --budgets, --published and --out.')
    if not args.check and not (args.images and bool(args.budgets) != bool(args.published) and args.out):
        parser.error('give IMAGE_FOLDER, --suffix, --budgets or --published, and --out, or --check.')
    if args.images and not args.suffix:
        parser.error('give --suffix, the suffix of the image files: .png, or _leftImg8bit.png for Cityscapes.')
    return args


def make_splits(names: List[str], budgets: List[str], seed: int, suffix: str) -> Dict[str, Any]:
    """Return the files to write: file name -> names of images, and the index under `index.json`."""
    splits = [LabelBudget(text, seed).choose(names) for text in budgets]
    return _with_index(splits, dict(rule=RULE, seed=seed), names, suffix)


def take_published(names: List[str], paths: List[Path], suffix: str) -> Dict[str, Any]:
    """Return the files to write for lists of other authors; see `make_splits`.

    Raises:
        ValueError: if a list does not fit the images, or two lists have the same number of labelled images.
    """
    splits = [read_split(path, names, suffix) for path in find_splits(paths)]
    by_count: Dict[int, Path] = {}
    for split in splits:
        other = by_count.setdefault(len(split.labeled), split.files[0])
        if other != split.files[0]:
            raise ValueError(f'{other} and {split.files[0]} both have {len(split.labeled)} labelled images, which is '
                             'the name of a list. Give one of them at a time, each with another --out.')
    read = {str(file): file_digest(str(file)) for split in splits for file in split.files}
    return _with_index([(split.labeled, split.unlabeled) for split in splits], dict(rule=PUBLISHED, files=read), names,
                       suffix)


def _with_index(splits: List[Tuple[List[str], List[str]]], rule: Dict[str, Any], names: List[str],
                suffix: str) -> Dict[str, Any]:
    """Return the files of labelled and unlabelled names, and their index."""
    files: Dict[str, Any] = {}
    index: Dict[str, Any] = dict(rule, suffix=suffix, images=len(names), sha256=list_sha256(names), lists={})
    for labeled, unlabeled in splits:
        for file, chosen in ((f'labeled_{len(labeled)}.txt', labeled),
                             (f'unlabeled_without_{len(labeled)}.txt', unlabeled)):
            if chosen:  # the complement of all images is empty and not written
                files[file] = chosen
                index['lists'][file] = dict(images=len(chosen), sha256=list_sha256(chosen))
    return {**files, INDEX: index}


def among(names: List[str], path: Path) -> List[str]:
    """Return the names that are also in a list.

    Raises:
        ValueError: if the list has other names.
    """
    listed = read_list(path)
    lost = sorted(set(listed) - set(names))
    if lost:
        raise ValueError(f'{len(lost)} of {len(listed)} names in {path} have no image: {first_names(lost)}. Check '
                         'IMAGE_FOLDER and --suffix.')
    return sorted(set(listed))


def write_splits(out: Path, files: Dict[str, Any]) -> bool:
    """Write all files, the index last. Returns False if all of them already existed.

    Raises:
        FileExistsError: if the folder has other files.
    """
    content = {name: to_json(value) if name == INDEX else list_bytes(value) for name, value in files.items()}
    present = sorted(path.name for path in out.iterdir() if not path.name.endswith('.part')) if out.exists() else []
    other = [name for name in present if name not in content or (out / name).read_bytes() != content[name]]
    if other:
        raise FileExistsError(f'{out} has other files: {first_names(other)} (the images, budgets or seed differ, or it '
                              'is not a folder of lists). Choose a new folder, and give all budgets in one call.')
    if len(present) == len(content):
        return False
    for name, chosen in files.items():
        if name != INDEX:
            write_list(out / name, chosen)
    replace_file(out / INDEX, content[INDEX])
    return True


def print_table(files: Dict[str, Any], names: List[str]) -> None:
    """Print a table of the lists, and warn once if the images look like an incomplete Cityscapes."""
    index, warning = files[INDEX], ''
    print(f'{"list":<32}{"images":>8}  sha256')
    for name, entry in index['lists'].items():
        note = ''
        if name.startswith('labeled_') and 'seed' in index:
            rest = index['lists'].get(f'unlabeled_without_{entry["images"]}.txt', {}).get('sha256')
            text, is_warning = describe_split(names, index['sha256'], index['seed'], entry['images'], entry['sha256'],
                                              rest)
            warning = warning or (f'warning: {text}\n' if is_warning else '')
            note = '  (official Cityscapes split)' if text.startswith('official') else ''
        print(f'{name:<32}{entry["images"]:>8}  {entry["sha256"]}{note}')
    print(warning, end='', file=sys.stderr)


def check_lists(labeled: str, unlabeled: str, names: Optional[List[str]], suffix: str = '') -> str:
    """Check two lists, and compare them with the images if `names` is given. Returns a description of the lists.

    Raises:
        ValueError: listing all problems.
    """
    lines = {path: read_lines(path) for path in (labeled, unlabeled)}
    given = {path: [line.name for line in listed] for path, listed in lines.items()}
    problems = []
    if not given[labeled]:
        problems.append(f'{labeled} is empty. {NO_LABELS}')
    if not given[unlabeled]:
        problems.append(f'{unlabeled} is empty. To use all images without their labels, leave out `ann_file`.')
    for path, listed in given.items():
        wrong = repeated(listed)
        if wrong:
            problems.append(f'{path} has {len(wrong)} names more than once: {first_names(wrong)}')
        wrong = sorted(set(listed) - set(names)) if names is not None else []
        if wrong:
            first = next(line for line in lines[path] if line.name in set(wrong))
            problems.append(f'{path} has {len(wrong)} names without an image: {first_names(wrong)}. '
                            f'{line_rule(first, "IMAGE_FOLDER", suffix)}')
    shared = sorted(set(given[labeled]) & set(given[unlabeled]))
    if shared:
        problems.append(f'{len(shared)} names are in both lists: {first_names(shared)}. Remove them from {unlabeled}.')
    if problems:
        raise ValueError('the lists do not fit:\n- ' + '\n- '.join(problems))
    text = f'{len(given[labeled])} labelled and {len(given[unlabeled])} unlabelled images, none in both lists'
    if names is None:
        return text
    unused = len(names) - len(given[labeled]) - len(given[unlabeled])
    return f'{text}, each with its file; {unused} of {len(names)} images in neither'


def main(arguments: Optional[List[str]] = None) -> int:
    """Write or check lists, and return the exit status."""
    args = parse_args(arguments)
    try:
        names = None
        if args.images:
            check_folders([args.images])
            names = list_names(args.images, args.suffix)
            names = names if args.among is None else among(names, args.among)
        if args.check:
            print(check_lists(args.check[0], args.check[1], names, args.suffix or ''))
            return 0
        assert names is not None  # parse_args
        files = (take_published(names, args.published, args.suffix) if args.published else
                 make_splits(names, args.budgets, args.seed, args.suffix))
        written = write_splits(args.out, files)
    except (OSError, ValueError) as error:  # a mistake of the user: no traceback
        print(f'error: {error}', file=sys.stderr)
        return 1
    print_table(files, names)
    print(f'{args.out}: {len(files) - 1} lists and {INDEX}' + ('' if written else ', all there already'))
    return 0


if __name__ == '__main__':
    sys.exit(main())
