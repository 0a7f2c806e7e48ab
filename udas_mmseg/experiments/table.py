"""The description of a table of a paper, and of the data sets on which it can be made."""
import os
import os.path as osp
from dataclasses import dataclass, field
from typing import List, Mapping, Optional, Tuple

from .step import Work

MIOU = (('mIoU', 'mIoU'), )  # title of a column -> name of the metric


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Args:
        label (str): Its name in the table.
        model (str): Name of the work that makes it, see `DataSet.models`.
        figure (float, optional): The paper's mIoU in percent; None if it is not published, or we could not check it.
        budget (int, optional): Number of labelled images: which of `Table.budgets`, counted from 0. Defaults to None:
            the config's.
        part (str): Which of several models of a run, such as 'round 1'. Defaults to '', the last one.
    """
    label: str
    model: str
    figure: Optional[float] = None
    budget: Optional[int] = None
    part: str = ''


@dataclass(frozen=True)
class Table:
    """A table of a paper.

    Args:
        name (str): Name on the command line.
        paper (str): The paper and its section.
        title (str): What it compares.
        rows (tuple[Row, ...]): Its rows.
        reference (str): Label of the row with which the others are compared. Defaults to '', none.
        budgets (Mapping): Name of a data set -> numbers of labelled images. Defaults to none.
        scores (tuple, optional): Title -> metric, of which the first one is compared with the paper. Defaults to
            None: those of the data set.
        costs (tuple): Title -> further metric, such as clicks. Defaults to none.
        note (str): A remark below the table. Defaults to ''.
    """
    name: str
    paper: str
    title: str
    rows: Tuple[Row, ...]
    reference: str = ''
    budgets: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)
    scores: Optional[Tuple[Tuple[str, str], ...]] = None
    costs: Tuple[Tuple[str, str], ...] = ()
    note: str = ''


@dataclass(frozen=True)
class Needed:
    """Files that must exist.

    Args:
        variable (str): Environment variable of the folder.
        default (str): The folder without it.
        paths (tuple[str, ...]): Files or folders in it.
        remedy (str): What to do if one is missing.
    """
    variable: str
    default: str
    paths: Tuple[str, ...]
    remedy: str

    def missing(self) -> List[str]:
        """Return a line about the paths that do not exist, with the remedy; none if all exist."""
        root = os.environ.get(self.variable) or self.default
        absent = [path for path in self.paths if not osp.exists(osp.join(root, path))]
        return [f'{root} has no {", ".join(absent)} ({self.variable}={root}). {self.remedy}'] if absent else []


@dataclass(frozen=True)
class DataSet:
    """A pair of data sets, and the works that its rows are made of.

    Args:
        name (str): Name on the command line.
        title (str): Source and target.
        note (str): Network, size and length of the trainings.
        models (Mapping[str, Work]): Name -> work, in which rows of all tables are found.
        absent (Mapping[str, str]): Name -> reason why there is no such work.
        needed (tuple[Needed, ...]): Files that must exist.
        scores (tuple): Title -> metric in percent; the first one is compared. Defaults to validation mIoU.
    """
    name: str
    title: str
    note: str
    models: Mapping[str, Work]
    absent: Mapping[str, str]
    needed: Tuple[Needed, ...]
    scores: Tuple[Tuple[str, str], ...] = MIOU
