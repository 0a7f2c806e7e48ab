"""The tables of the papers. To add one, add it to a module here, or a module to `TABLES`."""
from typing import Dict

from ..table import Table
from . import cps, labor, udas

TABLES: Dict[str, Table] = {table.name: table for table in (*udas.TABLES, *cps.TABLES, *labor.TABLES)}

__all__ = ['TABLES']
