"""The main table of cross pseudo supervision (CVPR 2021): shares of labelled images on Cityscapes."""
from typing import Tuple

from ..table import Row, Table

_SHARES = ('1/16', '1/8', '1/4', '1/2')
_METHODS = (('labels alone', 'supervised'), ('mean teacher', 'mean_teacher'), ('CPS', 'cps'),
            ('CPS + CutMix', 'cps_cutmix'))


def _rows() -> Tuple[Row, ...]:
    return tuple(Row(f'{method}, {share}', f'{model}_semi', budget=number) for method, model in _METHODS
                 for number, share in enumerate(_SHARES))


TABLES = (Table(
    name='cps',
    paper='CPS, comparison with mean teacher',
    title='shares of labelled images, without a source',
    rows=_rows(),
    budgets=dict(gta2cs=_SHARES, carla2camvid=('1', '2', '5', '10'), demo=_SHARES),
    note='The figures of the paper are not given, because we could not check them. The shares in the names of the rows '
    'are those of Cityscapes; the numbers of other data are beside the configs.'), )
