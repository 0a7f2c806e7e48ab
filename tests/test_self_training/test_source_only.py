"""A model of the source alone, for comparison with those of the run."""
import json
from pathlib import Path

from tiny_self_training import runner, stages


def test_it_is_added_to_a_complete_run_as_the_first_row_of_the_report(config: Path, tmp_path: Path) -> None:
    options = {'options': {'train_cfg.max_iters': 1}, 'stages.each_round': [], 'stages.after': ['report'],
               'translate': None, 'label': None, 'student': None, 'export': None, 'report': dict(images=0, shown=0)}
    runner(config, tmp_path, **options).train()
    before = stages(tmp_path)
    with_baseline = {**options, 'source_only.config': str(config.with_name('adapt.py'))}
    runner(config, tmp_path, **with_baseline).train()
    after = stages(tmp_path)
    assert list(before) == ['00_adapt', 'report'] and list(after) == ['source_only', '00_adapt', 'report']
    assert after['00_adapt'] == before['00_adapt'] and [entry['attempts'] for entry in after.values()] == [1, 1, 2]
    ladder = json.loads((tmp_path / 'report/report.json').read_text())['ladder']
    assert [row['name'] for row in ladder] == ['source only', 'adapted']
