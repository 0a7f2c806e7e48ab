"""The training stream is a pure function of (seed, position)."""
import itertools
import random
from pathlib import Path
from typing import Callable, Dict, List

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmseg.registry import DATASETS
from torch.utils.data import DataLoader

from small_data import write_image
from udas_mmseg.datasets import PositionSampler, SampleError, StreamDataset, StreamIndex
from udas_mmseg.datasets.orders import pass_permutation


def build(config: dict, **changes: object) -> StreamDataset:
    return DATASETS.build(dict(type='StreamDataset', dataset=config, **changes))


def name(sample: dict) -> str:
    return Path(sample['data_samples'].img_path).stem


def same(first: dict, second: dict) -> bool:
    return name(first) == name(second) and torch.equal(first['inputs'], second['inputs']) and torch.equal(
        first['data_samples'].gt_sem_seg.data, second['data_samples'].gt_sem_seg.data)


def test_same_position_same_sample_whatever_came_before(labeled_config: Callable) -> None:
    stream = build(labeled_config())
    first = stream[StreamIndex(3, 12)]
    np.random.rand(17), random.random(), torch.rand(3)
    stream[StreamIndex(3, 13)]
    assert same(stream[StreamIndex(3, 12)], first)


def test_seed_position_and_branch_all_matter(labeled_config: Callable) -> None:
    config = labeled_config(count=1)  # one image: only the random decisions can differ
    base = build(config)[StreamIndex(0, 0)]
    others = [build(config)[StreamIndex(0, 1)], build(config)[StreamIndex(1, 0)],
              build(config, branch='target')[StreamIndex(0, 0)]]
    assert not any(torch.equal(base['inputs'], other['inputs']) for other in others)


def test_each_pass_visits_every_sample_once_in_another_order(labeled_config: Callable) -> None:
    stream = build(labeled_config(count=5))
    passes = [[name(stream[StreamIndex(0, 5 * number + offset)]) for offset in range(5)] for number in range(4)]
    assert all(sorted(names) == ['000', '001', '002', '003', '004'] for names in passes)
    assert len({tuple(names) for names in passes}) > 1


def test_process_generators_are_left_alone(labeled_config: Callable) -> None:
    stream = build(labeled_config())
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    expected = random.random(), np.random.rand(), torch.rand(1).item()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    stream[StreamIndex(0, 0)]
    assert (random.random(), np.random.rand(), torch.rand(1).item()) == expected


def batches(stream: StreamDataset, workers: int, count: int = 6, start: int = 0) -> List[Dict]:
    loader = DataLoader(stream, batch_size=2, num_workers=workers, collate_fn=pseudo_collate,
                        sampler=PositionSampler(stream, seed=5, start=start))
    return list(itertools.islice(iter(loader), count))


@pytest.mark.parametrize('workers', [1, 2])
def test_number_of_workers_does_not_matter(labeled_config: Callable, workers: int) -> None:
    stream = build(labeled_config())
    for ours, expected in zip(batches(stream, workers), batches(stream, 0)):
        assert all(torch.equal(a, b) for a, b in zip(ours['inputs'], expected['inputs']))


def test_starting_later_gives_the_rest_of_the_stream(labeled_config: Callable) -> None:
    stream = build(labeled_config())
    rest, whole = batches(stream, 0, 3, start=6), batches(stream, 0, 6)
    for ours, expected in zip(rest, whole[3:]):
        assert all(torch.equal(a, b) for a, b in zip(ours['inputs'], expected['inputs']))


@pytest.mark.parametrize('world_size', [1, 2, 3])
def test_ranks_share_each_position_exactly_once(monkeypatch: pytest.MonkeyPatch, world_size: int) -> None:
    seen = []
    for rank in range(world_size):
        monkeypatch.setattr('udas_mmseg.datasets.sampler.get_dist_info', lambda rank=rank: (rank, world_size))
        sampler = PositionSampler(range(7), seed=0, start=10)
        seen += [index.position for index in itertools.islice(sampler, 12 // world_size)]
    assert sorted(seen) == list(range(10, 22))


def test_order_is_computed_before_workers_are_started(labeled_config: Callable) -> None:
    stream, computed = build(labeled_config()), pass_permutation.cache_info().misses
    sampler = PositionSampler(stream, seed=1234)
    sampler.start_at(4321, 2 * len(stream))
    assert pass_permutation.cache_info().misses == computed + 1
    assert next(iter(sampler)) == StreamIndex(4321, 2 * len(stream))
    name(stream[next(iter(sampler))])
    assert pass_permutation.cache_info().misses == computed + 1  # a worker has the order of its parent


def test_permutation_is_the_same_in_every_process() -> None:
    # a fixed value: other processes, machines and versions must agree, or a resumed run would differ
    assert pass_permutation(0, 'source', 0, 6).tolist() == [2, 1, 0, 3, 5, 4]


def test_broken_sample_is_named(labeled_config: Callable) -> None:
    config = labeled_config()
    Path(config['data_root'], 'images/002.png').write_bytes(b'')
    stream = build(config)
    with pytest.raises(SampleError, match=r'images/002\.png is empty'):
        for position in range(5):
            stream[StreamIndex(0, position)]


def test_broken_samples_are_skipped_up_to_the_limit(labeled_config: Callable) -> None:
    config = labeled_config()
    Path(config['data_root'], 'images/002.png').write_bytes(b'')
    write_image(Path(config['data_root'], 'labels/004.png'), np.zeros((3, 3), np.uint8))  # another size than its image
    stream = build(config, max_broken=2)
    names = {name(stream[StreamIndex(0, position)]) for position in range(20)}
    assert names == {'000', '001', '003'}
    assert len(stream.broken) == 2
    with pytest.raises(SampleError, match=r'2 broken samples .*max_broken=1.*[\s\S]*00[24]\.png[\s\S]*00[24]\.png'):
        one = build(config, max_broken=1)
        for position in range(20):
            one[StreamIndex(0, position)]


def test_replacement_is_chosen_by_the_position(labeled_config: Callable) -> None:
    config = labeled_config()
    Path(config['data_root'], 'images/002.png').write_bytes(b'')
    forward, backward = build(config, max_broken=1), build(config, max_broken=1)
    first = {p: name(forward[StreamIndex(0, p)]) for p in range(10)}
    assert {p: name(backward[StreamIndex(0, p)]) for p in reversed(range(10))} == first


def test_a_mapping_mistake_is_never_skipped(labeled_config: Callable) -> None:
    config = labeled_config(label_map={0: 0, 1: 1})  # the labels hold 2, too
    with pytest.raises(ValueError, match='id 2 is not mapped'):
        build(config, max_broken=5)[StreamIndex(0, 0)]


def test_negative_limit_is_refused(labeled_config: Callable) -> None:
    with pytest.raises(ValueError, match='max_broken=-1'):
        build(labeled_config(), max_broken=-1)


def test_empty_data_set_is_refused() -> None:
    with pytest.raises(ValueError, match="data set of branch 'target' is empty"):
        StreamDataset([], branch='target')


def test_a_label_with_an_id_that_is_no_class_is_named(labeled_config: Callable, tmp_path: Path) -> None:
    config = labeled_config(label_map=None)
    write_image(tmp_path / 'source/labels/003.png', np.full((16, 32), 7, np.uint8))
    stream = StreamDataset(config, max_broken=3)  # never skipped
    with pytest.raises(ValueError, match=r'003\.png has the ids \[7\], 128 pixels, but there are 3 classes: '
                       'allowed are 0-2 and 255'):
        for position in range(len(stream)):
            stream[StreamIndex(0, position)]
