"""A small table on a pair of data sets without data, and a stand-in for the tools that make it."""
import json
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from run_folders import write_training
from udas_mmseg.experiments import DataSet, Labels, Needed, Reading, Row, Table, Training, Translations, Translator

CONFIG = '''
default_scope = 'mmseg'
lr = {lr}
train_dataloader = dict(dataset=dict(source=dict(data_prefix=dict(img_path='images'))))
translate_dataloader = dict(dataset=dict(data_prefix=dict(img_path='images')))
'''
SCORES = dict(plain=30.0, translated=40.0, rectified=50.0)
TABLE = Table(
    'toy', 'A paper, section 1', 'stages',
    (Row('source only', 'plain', 20.0), Row('translated', 'translated', 25.5), Row('rectified', 'rectified'),
     Row('few labels', 'plain', 10.0, budget=0), Row('large', 'absent', 60.0), Row('the same', 'again'),
     Row('translations', 'read')),
    reference='source only', budgets=dict(pair=('7', )), costs=(('clicks', 'cost/clicks'), ), note='A note.')


def write_pair(folder: Path) -> DataSet:
    """A pair with configs in a folder."""
    folder.mkdir()
    for name in ('plain', 'translated', 'rectified', 'translator'):
        write_config(folder, name)
    plain = Training(str(folder / 'plain.py'))
    models = dict(
        plain=plain, again=Training(str(folder / 'plain.py')), translator=Translator(str(folder / 'translator.py')),
        translations=Translations('translator', ('--size', '8x4')),
        translated=Training(str(folder / 'translated.py'), dict(translated_root='translations'), ('a=1', )),
        labels=Labels('plain', options=('b=2', )),
        rectified=Training(str(folder / 'rectified.py'), {'load_from': 'plain', 'labels_root': 'labels'}),
        read=Reading('plain', dataset='source_train', translations='translations'))
    return DataSet('pair', 'A -> B', 'A network.', models, dict(absent='images are small'),
                   (Needed('TOY_ROOT', str(folder), ('plain.py', ), 'Draw them.'), ),
                   (('mean', 'mIoU/mean'), ('mIoU', 'mIoU')))


def write_config(folder: Path, name: str, lr: float = 0.1) -> None:
    (folder / f'{name}.py').write_text(CONFIG.format(lr=lr))


class StandIn:
    """In place of running a command: writes what the tool would, and keeps the command.

    Attributes:
        asked: Tool and title of each command.
        commands: Title -> the last command of this title.
        fails: Titles that fail.
        interrupted: Title of a training that is interrupted after its first checkpoint.
    """

    def __init__(self) -> None:
        self.asked: List[str] = []
        self.commands: Dict[str, List[str]] = {}
        self.fails: Sequence[str] = ()
        self.interrupted: Optional[str] = None

    def __call__(self, command: List[str], log: str, clock: str, title: str) -> float:
        tool, arguments = Path(command[1]).name, command[2:]
        self.asked.append(f'{tool}: {title}')
        self.commands[title] = arguments
        if title in self.fails:
            raise RuntimeError(f'exit status 1, log {log}:\nno memory')
        if tool == 'train.py':
            write_training(Path(arguments[arguments.index('--work-dir') + 1]))
            if title == self.interrupted:
                raise KeyboardInterrupt
        if '--json' in arguments:
            seed = next((int(part.split('=')[1]) for part in arguments if part.startswith('randomness.seed=')), 0)
            score = SCORES[Path(arguments[0]).stem] + seed
            metrics = {'mIoU': score, 'mIoU/mean': score + 1, 'cost/clicks': 1234.0}
            Path(arguments[arguments.index('--json') + 1]).write_text(
                json.dumps(dict(source_train=dict(mIoU=5.0)) if tool == 'score_domains.py' else metrics))
        return 120.0
