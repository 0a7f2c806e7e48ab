"""`make demo`, with a few scenes and iterations."""
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def demo(out: Path) -> str:
    done = subprocess.run([sys.executable, 'tools/demo.py', '--out', str(out), '--train', '4', '--val', '2', '--iters',
                           '2'], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_every_rung_is_trained_scored_and_drawn(tmp_path: Path) -> None:
    output = demo(tmp_path)
    table = (tmp_path / 'table.md').read_text()
    assert table in output
    rows = [line.split(' | ')[0] for line in table.splitlines()]
    assert '| source only' in rows and '| adapted (UDAS)' in rows and '| road' in rows
    assert (tmp_path / 'predictions.png').stat().st_size > 10000
    assert len(list((tmp_path / 'translated/').rglob('*.png'))) == 4
    assert (tmp_path / 'translated_report/samples.png').stat().st_size > 10000
    assert 'distance of colours' in output
    weights = tmp_path / 'udas_uda/iter_2.pth'
    written = weights.stat().st_mtime_ns
    assert demo(tmp_path).split('\n\n')[1] == output.split('\n\n')[1]  # the table, again
    assert weights.stat().st_mtime_ns == written, 'what was finished is not trained again'
