"""Make a table of a paper: train all its rows, and write the paper's figures beside ours.

python tools/reproduce.py --list
python tools/reproduce.py 4.3.1 --data demo --dry-run
python tools/reproduce.py 4.3.1 --data carla2camvid --seeds 3 --amp bfloat16
python tools/reproduce.py 4.3.1 --data gta2cs --rows 1 2 'ST + UDA'

Trainings that several rows or tables need are done once for each seed, in a folder of their own below --work-dir. After
an interruption, call the same command again: what is finished is kept, and the training that was interrupted goes on.
If a row fails, the others are made. TABLE.md, TABLE.json and TABLE/report.html are in DIR/DATA/tables. See
docs/reproducing.md.
"""
import argparse
import signal
import sys
from typing import Dict, List, Optional

import udas_mmseg  # noqa: F401  (registers the runners)
from udas_mmseg.experiments import (
    DATA_SETS,
    TABLES,
    Plan,
    Step,
    describe,
    make_plan,
    run_plan,
    write_page,
    write_results_of,
)
from udas_mmseg.run_report import check_numbers
from udas_mmseg.utils.console import quiet_console


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('table', nargs='?', help='name of the table, see --list')
    parser.add_argument('--list', action='store_true', help='name all tables, and their rows on each pair of data sets')
    parser.add_argument('--data', choices=[*DATA_SETS], help='pair of data sets')
    parser.add_argument('--seeds', type=int, default=1, metavar='N', help='number of seeds: 0, ..., N - 1 (default: 1)')
    parser.add_argument('--rows', nargs='+', default=[], help='numbers or names of rows (default: all)')
    parser.add_argument('--dry-run', action='store_true',
                        help='print the rows, what they share, what exists already, all commands and missing data')
    parser.add_argument('--work-dir', default='work_dirs/reproduce', metavar='DIR',
                        help='folder for the trainings and tables (default: work_dirs/reproduce)')
    parser.add_argument('--amp', nargs='?', const='float16', choices=['float16', 'bfloat16'],
                        help='mixed precision in all trainings, as in tools/train.py')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE',
                        help='passed to all trainings of segmentors; translator.KEY=VALUE to those of translators, '
                        'self_training.KEY=VALUE to self-training')
    parser.add_argument('--given', nargs='+', default=[], metavar='NAME=PATH',
                        help='use a checkpoint or folder instead of making it, e.g. translations=data/gta5_translated')
    parser.add_argument('--images', type=int, default=50,
                        help='validation images that each model predicts for the page; 0 for none (default: 50)')
    parser.add_argument('--shown', type=int, default=8, help='number of these in the page (default: 8)')
    return parser.parse_args(arguments)


def list_tables() -> str:
    """Return a line for each table, with the numbers of its rows on each pair of data sets."""
    lines = [f'| table | paper | compares | {" | ".join(DATA_SETS)} |', '| --- ' * (3 + len(DATA_SETS)) + '|']
    for table in TABLES.values():
        counts = [sum(row.model not in data.absent for row in table.rows) for data in DATA_SETS.values()]
        lines.append(f'| {table.name} | {table.paper} | {table.title} | '
                     + ' | '.join(f'{count} of {len(table.rows)} rows' for count in counts) + ' |')
    return '\n'.join(lines)


def plan_of(args: argparse.Namespace) -> Plan:
    """Return the plan that the arguments ask for.

    Raises:
        OSError: if a given path does not exist.
        ValueError: for arguments that are not allowed.
    """
    if args.table not in TABLES:
        raise ValueError(f'table {args.table}: the tables are {", ".join(TABLES)}; --list describes them.')
    if args.data is None:
        raise ValueError(f'--data is missing. Choose a pair of data sets: {", ".join(DATA_SETS)}.')
    check_numbers(args.images, min(args.shown, args.images))
    return make_plan(TABLES[args.table], DATA_SETS[args.data], args.work_dir, args.seeds, rows=args.rows,
                     options=args.cfg_options, amp=args.amp, given=pairs(args.given))


def pairs(arguments: List[str]) -> Dict[str, str]:
    """Split arguments NAME=PATH."""
    found = {}
    for argument in arguments:
        name, equals, path = argument.partition('=')
        if not (name and equals and path):
            raise ValueError(f'--given {argument}: it must be NAME=PATH, such as translations=data/gta5_translated.')
        found[name] = path
    return found


def make(plan: Plan, args: argparse.Namespace) -> None:
    """Run what remains, and write the table after each step and the page at the end.

    Raises:
        FileNotFoundError: if data are missing.
        SystemExit: if a step failed, after all others.
    """
    if plan.missing and plan.steps:
        raise FileNotFoundError('\n'.join(plan.missing))
    makes_rows = {step.folder for row in plan.rows for step in row.steps}

    def finished(step: Step) -> None:
        table = write_results_of(plan)
        if step.folder in makes_rows:
            print(table, flush=True)

    failed = run_plan(plan, finished)
    print(write_results_of(plan, failed), flush=True)
    page = write_page(plan, args.images, min(args.shown, args.images), failed)
    print('\n'.join(path for path in (f'{plan.out}.md', f'{plan.out}.json', page) if path))
    if failed:
        raise SystemExit('\n'.join([f'{len(failed)} of {len(plan.steps)} steps failed; the others are finished and '
                                    'kept. Call the same command again to repeat these:',
                                    *(f'{title}: {reason.splitlines()[0]}' for title, reason in failed.items())]))


def main(arguments: Optional[List[str]] = None) -> None:
    args = parse_args(arguments)
    quiet_console()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit('terminated'))  # to also stop the training
    try:
        if args.list:
            print(list_tables())
            return
        plan = plan_of(args)
        if args.dry_run:
            print(describe(plan))
            return
        make(plan, args)
    except (OSError, ValueError) as error:  # the user's to correct: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error
    except KeyboardInterrupt:
        raise SystemExit('interrupted: call the same command again to continue') from None


if __name__ == '__main__':
    main()
