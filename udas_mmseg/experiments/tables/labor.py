"""The main table of LabOR (ICCV 2021): regions (SPL) and points (PPL) that a person labels, in rounds."""
from ..table import Row, Table

TABLES = (Table(
    name='labor',
    paper='LabOR, regions and points',
    title='labels only where they are required',
    rows=(Row('UDA, no labels', 'uda_labor'), Row('PPL, round 1', 'labor_ppl', part='round 1'),
          Row('PPL, round 2', 'labor_ppl', part='round 2'), Row('SPL, round 1', 'labor_spl', part='round 1'),
          Row('SPL, round 2', 'labor_spl', part='round 2'),
          Row('points at random, round 1', 'labor_random', part='round 1'),
          Row('points at random, round 2', 'labor_random', part='round 2'),
          Row('supervised, all labels', 'oracle_labor')),
    reference='UDA, no labels',
    costs=(('clicks', 'cost/clicks'), ('labelled, %', 'cost/percent')),
    note='The figures of the paper are not given, because we could not check them. It labels about 2.2 % of the pixels '
    'with SPL, and 40 points an image with PPL.'), )
