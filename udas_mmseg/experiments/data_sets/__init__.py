"""The pairs of data sets on which the tables can be made. To add one, add a module here, and its name below."""
from typing import Dict

from ..table import DataSet
from .carla2camvid import CARLA2CAMVID
from .demo import DEMO
from .gta2cs import GTA2CS

DATA_SETS: Dict[str, DataSet] = {data.name: data for data in (DEMO, CARLA2CAMVID, GTA2CS)}

__all__ = ['DATA_SETS']
