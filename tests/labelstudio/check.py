"""Export rounds to a real Label Studio, edit them through its API, export them there, and import the answers.

python tests/labelstudio/check.py                       # installs Label Studio to build/label_studio first
python tests/labelstudio/check.py --venv FOLDER         # an environment that has it
"""
import argparse
import copy
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List

import cv2
import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / 'tests')]

from active_rounds import NAMES, POINTS, point_map, polygon, region_map, write_round  # noqa: E402
from labelstudio.server import Server, create_project, install  # noqa: E402

ROAD, CAR, SKY = range(3)


def tool(*arguments: Any) -> str:
    """Run tools/active_label.py and return its output."""
    command = [sys.executable, str(ROOT / 'tools/active_label.py'), *map(str, arguments)]
    print('$', 'tools/active_label.py', *arguments, flush=True)
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    print(done.stdout + done.stderr, end='', flush=True)
    assert done.returncode == 0, done.returncode
    return done.stdout


def read(folder: Path, name: str) -> np.ndarray:
    found = cv2.imread(str(folder / f'labels/{name}.png'), cv2.IMREAD_UNCHANGED)
    assert found is not None, f'{name} has no label'
    return found


def open_tasks(server: Server, project: int) -> List[Dict[str, Any]]:
    """Return the tasks with their predictions, in the order in which the person sees them."""
    tasks = server.call('GET', f'/api/tasks?project={project}&fields=all')['tasks']
    return sorted((server.call('GET', f'/api/tasks/{task["id"]}') for task in tasks), key=lambda task: task['inner_id'])


def submit(server: Server, task: Dict[str, Any], results: List[Dict[str, Any]]) -> int:
    prediction = task['predictions'][0]
    return int(server.call('POST', f'/api/tasks/{task["id"]}/annotations/',
                           dict(result=results, parent_prediction=prediction['id'], lead_time=3.5))['id'])


def export(server: Server, project: int, path: Path) -> Path:
    path.write_bytes(server.fetch(f'/api/projects/{project}/export?exportType=JSON&download_all_tasks=true'))
    return path


def check_regions(server: Server, folder: Path) -> None:
    """Accept one task, edit another one later, leave one undone; a second import corrects the first."""
    write_round(folder, names=(*NAMES, 'town/c'))
    round_folder = folder / 'round_1'
    tool('export', round_folder, '--image-root', server.document_root)
    project = create_project(server, 'regions', round_folder / 'label-studio', folder / 'images')
    tasks = open_tasks(server, project)
    assert [task['data']['name'] for task in tasks] == [*NAMES, 'town/c'], 'not in the order of usefulness'
    served = server.fetch(tasks[0]['data']['image'])
    assert served == (folder / f'images/{NAMES[0]}.jpg').read_bytes(), 'the image is not served from disk'
    print(f'{tasks[0]["data"]["image"]}: served from disk, {len(served)} bytes')

    accepted = tasks[0]['predictions'][0]['result']
    first = submit(server, tasks[0], accepted)
    tool('import', round_folder, export(server, project, folder / 'first.json'))
    units = region_map()
    assert np.array_equal(read(round_folder, NAMES[0]), np.choose(units, [255, ROAD, CAR, 255]))
    assert not (round_folder / f'labels/{NAMES[1]}.png').exists()

    changed = copy.deepcopy(accepted)
    changed[0]['value']['polygonlabels'] = ['sky']  # another class
    changed[2]['value']['polygonlabels'] = ['car']  # the region without a single predicted class
    server.call('PATCH', f'/api/annotations/{first}/', dict(result=changed))
    drawn = [tasks[1]['predictions'][0]['result'][0], polygon([[20, 0], [40, 0], [40, 30], [20, 30]], 'road')]
    submit(server, tasks[1], drawn)
    output = tool('import', round_folder, export(server, project, folder / 'second.json'))
    assert f'{NAMES[0]}, unit 1: answered by user 1 at 20' in output and '(road), and now by' in output
    assert '1 of 3 tasks are not labelled' in output
    assert np.array_equal(read(round_folder, NAMES[0]), np.choose(units, [255, SKY, CAR, CAR]))
    assert np.array_equal(read(round_folder, NAMES[1]), np.choose(units, [255, ROAD, ROAD, ROAD]))
    assert not (round_folder / 'labels/town/c.png').exists()
    answers = [json.loads(line) for line in (round_folder / 'answers.jsonl').read_text().splitlines()]
    assert {(answer['by'], answer['tool']) for answer in answers} == {('user 1', 'label-studio')}
    assert ' 0 of them new' in tool('import', round_folder, folder / 'second.json')
    tool('status', round_folder)


def check_points(server: Server, folder: Path) -> None:
    """Accept two points, change the class of one."""
    write_round(folder, 'points')
    round_folder = folder / 'round_1'
    tool('export', round_folder, '--image-root', server.document_root)
    project = create_project(server, 'points', round_folder / 'label-studio', folder / 'images')
    task = open_tasks(server, project)[0]
    results = task['predictions'][0]['result']
    results[1]['value']['keypointlabels'] = ['sky']
    submit(server, task, results)
    tool('import', round_folder, export(server, project, folder / 'points.json'))
    expected = np.choose(point_map(), [255, ROAD, SKY, 255])
    assert np.array_equal(read(round_folder, NAMES[0]), expected) and expected[POINTS[1][::-1]] == SKY
    tool('status', round_folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--venv', type=Path, default=ROOT / 'build/label_studio', metavar='DIR',
                        help='environment of Label Studio (default: %(default)s)')
    args = parser.parse_args()
    program = args.venv / 'bin/label-studio'
    if not program.is_file() or args.venv == parser.get_default('venv'):
        program = install(args.venv)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        print('starting Label Studio', flush=True)
        with Server(program, folder, folder) as server:
            print(f'Label Studio {server.call("GET", "/api/version")["release"]} on port {server.port}', flush=True)
            for check in (check_regions, check_points):
                place = folder / check.__name__
                place.mkdir()
                check(server, place)
    print('Label Studio: regions and points came back as they were labelled.')


if __name__ == '__main__':
    main()
