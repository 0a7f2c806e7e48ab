"""From folders of images and labels to the configs of a pair: `tools/new_pair.py` and `udas_mmseg.apis`."""
import os
import os.path as osp
import shlex
import shutil
import uuid
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Tuple

from ..datasets.label_scan import Value
from ..datasets.list_files import list_bytes
from ..utils.files import replace_file
from ..utils.project import tool_command
from ..visualization.page import encode_picture
from .class_map import Ask, Classes, UnknownValuesError, map_target, propose_classes
from .config_texts import config_path, config_texts
from .dataset_text import class_lines, dataset_text, list_path
from .folders import NUM_READ, Folder, look_at
from .names import ClassNames, find_names, parse_classes
from .plan import (
    FULL,
    PRESETS,
    SMALL,
    SMALL_PIXELS,
    TORCHVISION,
    Plan,
    check_base,
    check_weights,
    device_memory,
    pixels_in_memory,
)
from .sheet import draw_sheet, draw_values, sheet_path, values_name
from .sizes import choose_sizes

_DEFAULT_MEMORY = 8.0  # 10^9 bytes, if the GPU is not known


@dataclass
class PairOptions:
    """The options of `tools/new_pair.py`; `--help` describes them.

    Attributes:
        source: Folders of the source images and labels.
        target: Folder of the target images.
        out: Folder for the configs.
        val: Folders of labelled target images for scores.
        labeled_target: Folders of labelled target images for training.
        classes: Names of the source labels.
        target_classes: Names of the target labels.
        preset: 'small', 'full', or '' to choose by the device.
        memory: Memory of the GPU in 10^9 bytes; 0 to ask the device.
        iterations: Iterations of every training; None for the preset's.
        rounds: Rounds of self-training.
        weights: File of initial weights of the backbone.
        from_scratch: Whether to start from random weights.
        full_scan: Whether to read all files, not only 1,000 of each folder.
        force: Whether to replace files in `out`.
        work_dir: Folder for the results of the trainings; '' for `work_dirs/<name of out>`.
    """
    source: Tuple[str, str]
    target: str
    out: str
    val: Optional[Tuple[str, str]] = None
    labeled_target: Optional[Tuple[str, str]] = None
    classes: str = ''
    target_classes: str = ''
    preset: str = ''
    memory: float = 0.0
    iterations: Optional[int] = None
    rounds: int = 2
    weights: str = ''
    from_scratch: bool = False
    full_scan: bool = False
    force: bool = False
    work_dir: str = ''


@dataclass
class NewPair:
    """A pair that was written.

    Attributes:
        plan: What the configs were written from.
        lines: Description of the data, for the user.
        doubts: Sentences about what is not sure.
        files: Paths that were written.
        train: Command that runs all stages.
        predict: Command that predicts new images with the exported model.
        look: Command that draws training samples.
    """
    plan: Plan
    lines: List[str] = field(default_factory=list)
    doubts: List[str] = field(default_factory=list)
    files: List[str] = field(default_factory=list)
    train: str = ''
    predict: str = ''
    look: str = ''

    @property
    def summary(self) -> List[str]:
        """A description of the data and the points to check; it is printed before the files and commands."""
        return [*self.lines, *(['', 'Please check:', *(f'- {doubt}' for doubt in self.doubts)] if self.doubts else [])]


def new_pair(options: PairOptions, ask: Optional[Ask] = None) -> NewPair:
    """Look at the data of a pair, and write its configs and a picture.

    Args:
        options (PairOptions): Folders and wishes.
        ask (Callable, optional): Asks the user a question. Defaults to None: nothing is asked.

    Raises:
        FileExistsError: if `out` exists and is not empty, without `force`.
        OSError: if a folder does not exist, initial weights cannot be loaded, or a file cannot be written.
        UnknownValuesError: if target labels have ids that nothing names. A picture of them is written beside `out`.
        ValueError: if the data or an option cannot be used. Nothing is written.
    """
    _check_options(options)
    num_read = None if options.full_scan else NUM_READ
    source = look_at('source', *options.source, num_read)
    target = look_at('target', options.target, None, num_read)
    labeled = look_at('labeled_target', *options.labeled_target, num_read) if options.labeled_target else None
    val = look_at('val', *options.val, num_read) if options.val else None
    classes, maps, doubts = _map_classes(options, source, [part for part in (labeled, val) if part], ask)
    if labeled and labeled.is_listed and target.is_listed and labeled.images == target.images:
        target.names = sorted(set(target.names) - set(labeled.names))  # two lists may not share images
    plan = _plan(options, source, target, classes)
    plan.labeled, plan.val, plan.maps = labeled, val, maps
    plan.given_work_dir = osp.abspath(options.work_dir) if options.work_dir else ''
    pair = NewPair(plan, doubts=doubts)
    if options.target_classes and not (labeled or val):
        pair.doubts.append('--target-classes names the labels of --val and --labeled-target: without these, it is not '
                           'used.')
    _describe(pair)
    _write(pair, options.force)
    _add_commands(pair)
    return pair


def _check_options(options: PairOptions) -> None:
    """Find mistakes before the data are read."""
    check_base()
    if options.preset not in ('', *PRESETS):
        raise ValueError(f'--preset {options.preset!r}: allowed are {", ".join(PRESETS)}.')
    for name, value, lowest in (('iterations', options.iterations, 2), ('rounds', options.rounds, 1),
                                ('memory', options.memory, 0)):
        if value is not None and value < lowest:
            raise ValueError(f'--{name} {value}: it must be {lowest} or more.')
    if options.weights and options.from_scratch:
        raise ValueError('--weights together with --from-scratch: give one of the two.')
    if osp.isdir(options.out) and os.listdir(options.out) and not options.force:
        raise FileExistsError(f'{options.out} exists and is not empty. Give another --out, or --force to replace the '
                              'files that this tool writes; other files in it stay.')
    if osp.exists(options.out) and not osp.isdir(options.out):
        raise FileExistsError(f'--out {options.out} is a file. Give a folder.')


def _map_classes(options: PairOptions, source: Folder, labeled: List[Folder],
                 ask: Optional[Ask]) -> Tuple[Classes, Dict[str, Dict[Value, int]], List[str]]:
    """Return the classes, the maps of target labels, and what is not sure."""
    assert source.scan is not None
    given = _names(options.classes, '--classes', source)
    theirs = {folder.title: _names(options.target_classes, '--target-classes', folder) for folder in labeled}
    named = next((names for names in theirs.values() if names), None)
    if given is None and named and all(folder.scan and set(source.scan.values) == set(folder.scan.values)
                                       for folder in labeled):
        given = named  # the same ids
    if given is None and ask is not None:
        print('\n'.join(class_lines(source)))
        text = ask('Names of the classes, such as road,sidewalk or 7=road,*=other (Enter: from the ids)? ').strip()
        given = parse_classes(text, '--classes') if text else None
    classes = propose_classes(source.scan, given)
    if given and given.origin not in ('', '--classes'):
        classes.doubts.append(f'The names of the source classes are from {given.origin}.')
    maps, doubts = {}, list(classes.doubts)
    for folder in labeled:
        assert folder.scan is not None
        try:
            maps[folder.title], more = map_target(classes, folder.scan, theirs[folder.title], source.scan,
                                                  folder.title, '--target-classes', ask)
        except UnknownValuesError as error:
            path = f'{osp.abspath(options.out)}_{values_name(folder)}'
            replace_file(path, encode_picture(draw_values(folder)))
            raise UnknownValuesError(f'{error} {path} shows where each of them is.') from error
        doubts += more
    return classes, maps, list(dict.fromkeys(doubts))


def _names(text: str, option: str, folder: Folder) -> Optional[ClassNames]:
    """Return the names of an option, else those that are found beside the labels."""
    assert folder.scan is not None and folder.labels is not None
    return parse_classes(text, option) if text else find_names(folder.labels, folder.scan,
                                                                            folder.seg_suffix)


def _plan(options: PairOptions, source: Folder, target: Folder, classes: Classes) -> Plan:
    """Choose network, sizes and length by the device or the wishes."""
    memory = options.memory or device_memory()
    preset = options.preset or (FULL if memory else SMALL)
    pixels = SMALL_PIXELS if preset == SMALL else pixels_in_memory(memory or _DEFAULT_MEMORY)
    weights = options.weights
    if preset == FULL and not weights and not options.from_scratch:
        weights = TORCHVISION
    check_weights(weights)
    chosen = PRESETS[preset]
    return Plan(
        osp.abspath(options.out), source, target, classes, choose_sizes([source.size, target.size], pixels), preset,
        options.iterations or chosen.iterations, options.iterations or chosen.translator, options.rounds,
        osp.abspath(weights) if weights and '://' not in weights else weights)


def _inside_target(plan: Plan) -> List[str]:
    """Return sentences about folders below that of the target, whose files are taken for images to adapt to."""
    inside = [path for folder in plan.folders for path in (folder.images, folder.labels)
              if path and path.startswith(osp.join(plan.target.images, '')) and folder.images != plan.target.images]
    return [f'--target {plan.target.images} contains {path}: its images are taken for target images, too. Give the '
            'folder of the target images alone.' for path in inside]


def _describe(pair: NewPair) -> None:
    """Add what was found."""
    plan = pair.plan
    maps = {'source': plan.classes.source_map, **plan.maps}
    for folder in plan.folders:
        pair.lines.append(f'{folder.title}: {folder.images}')
        pair.lines += [f'  {fact}' for fact in folder.facts]
        if folder.title in maps:
            pair.lines += class_lines(folder, maps[folder.title], plan.classes.names)
        pair.doubts += [f'{folder.title}: {doubt}' for doubt in folder.doubts]
    pair.doubts += _inside_target(plan)
    width, height = plan.sizes.crop
    network = 'ResNet-101' if plan.preset == FULL else 'MobileNetV2' if plan.weights else 'a small ResNet-18'
    pair.lines.append(f'training: {network} from {plan.weights or "random weights"}, crops of {width}x{height}, '
                      f'{plan.iterations} iterations, {plan.rounds} rounds (--preset {plan.preset})')
    if not plan.translates:
        pair.doubts.append('MMagic is not installed, so that nothing is translated: see docs/install.md.')
    if plan.val is None:
        pair.doubts.append('Without --val IMAGES LABELS, nothing is scored.')
    else:
        pair.lines.append('source_only.py is trained, too: its score is the first row of the report. To save this '
                          'training, set source_only=None in self_training.py')


def _write(pair: NewPair, force: bool) -> None:
    """Write all files: to a new folder, which appears when it is complete, or over the files of an older one."""
    plan = pair.plan
    maps = {'source': plan.classes.source_map, 'target': None, **plan.maps}
    files = {'dataset.py': dataset_text(plan).encode(),
             **{name: text.encode() for name, text in config_texts(plan).items()},
             osp.basename(sheet_path(plan.out)): encode_picture(
                 draw_sheet([(folder, maps[folder.title]) for folder in plan.folders], plan.classes))}
    for folder in plan.folders:
        if folder.scan:
            files[values_name(folder)] = encode_picture(draw_values(folder))
        if folder.is_listed:
            files[osp.basename(list_path(plan, folder))] = list_bytes(folder.names)
    is_new = not osp.isdir(plan.out) or not os.listdir(plan.out)
    folder_path = f'{plan.out}.{uuid.uuid4().hex[:8]}.part' if is_new else plan.out
    try:
        for name, content in files.items():
            replace_file(osp.join(folder_path, name), content)
        if is_new:
            os.replace(folder_path, plan.out)
    finally:
        if is_new:
            shutil.rmtree(folder_path, ignore_errors=True)
    pair.files = [osp.join(plan.out, name) for name in files]


def _add_commands(pair: NewPair) -> None:
    """Set the commands to go on with."""
    plan = pair.plan
    config = config_path(plan, 'self_training')
    model = osp.join(plan.work_dir, 'self_training', 'export', plan.name)
    pair.train = shlex.join([*tool_command('train'), config])
    pair.predict = shlex.join([*tool_command('predict'), f'{model}.py', f'{model}.pth', 'IMAGES', '--out',
                               'predictions'])
    pair.look = shlex.join([*tool_command('browse_dataset'), config_path(plan, 'uda'), '--out',
                            f'{plan.work_dir}/browse'])
