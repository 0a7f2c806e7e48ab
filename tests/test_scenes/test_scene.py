"""The renderer: reproducible, the same scene at every size, all classes, a visible gap."""

import cv2
import numpy as np
import pytest

from udas_mmseg.scenes import CLASSES, DOMAINS, KNOWN_IDS, contact_sheet, render_scene

SIZES = [(128, 64), (256, 128), (640, 360)]
SCENES = 50


def label_shares(label):
    """Share of the pixels by label id, (256,)."""
    return np.bincount(label.ravel(), minlength=256) / label.size


@pytest.fixture(scope='module')
def scenes():
    """50 small scenes of each domain: images (N, H, W, 3) and labels (N, H, W)."""
    rendered = {}
    for domain in DOMAINS:
        pairs = [render_scene(domain, index, size=(128, 64)) for index in range(SCENES)]
        rendered[domain] = tuple(np.stack(part) for part in zip(*pairs))
    return rendered


@pytest.mark.parametrize('domain', DOMAINS)
@pytest.mark.parametrize('size', SIZES)
def test_shapes_and_types(domain, size):
    image, label = render_scene(domain, 3, size=size)
    assert image.shape == (size[1], size[0], 3) and image.dtype == np.uint8
    assert label.shape == (size[1], size[0]) and label.dtype == np.uint8


@pytest.mark.parametrize('domain', DOMAINS)
def test_a_scene_depends_on_its_arguments_only(domain):
    first = render_scene(domain, 5, seed=2)
    np.random.seed(0)
    render_scene(domain, 6)
    second = render_scene(domain, 5, seed=2)
    for a, b in zip(first, second):
        np.testing.assert_array_equal(a, b)


def test_global_random_state_is_left_alone():
    before = np.random.get_state()[1].copy()
    render_scene('real', 0)
    np.testing.assert_array_equal(before, np.random.get_state()[1])


@pytest.mark.parametrize('domain', DOMAINS)
def test_thread_count_does_not_change_the_picture(domain):
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        single = render_scene(domain, 1, size=(640, 360))
        cv2.setNumThreads(4)
        several = render_scene(domain, 1, size=(640, 360))
    finally:
        cv2.setNumThreads(threads)
    for a, b in zip(single, several):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize('domain', DOMAINS)
@pytest.mark.parametrize('change', [{'index': 1}, {'seed': 1}, {'split': 'val'}])
def test_every_argument_matters(domain, change):
    base = {'domain': domain, 'index': 0, 'seed': 0, 'split': 'train'}
    _, label = render_scene(**base)
    _, other = render_scene(**(base | change))
    assert (label != other).mean() > 0.05


@pytest.mark.parametrize('domain', DOMAINS)
@pytest.mark.parametrize('index', range(6))
def test_same_scene_at_another_size(domain, index):
    """The label map shrunk from 256x128 agrees with the one drawn at 128x64 but for edges."""
    _, large = render_scene(domain, index, size=(256, 128))
    _, small = render_scene(domain, index, size=(128, 64))
    assert (large[1::2, 1::2] == small).mean() > 0.93
    # What covers 0.2 percent of the picture or more is there at any size.
    for a, b in ((large, small), (small, large)):
        visible = set(np.flatnonzero(label_shares(a) > 0.002).tolist())
        assert visible <= set(np.unique(b).tolist())


@pytest.mark.parametrize('domain', DOMAINS)
def test_same_scene_at_another_aspect_ratio(domain):
    """640x360 shows more above and below than 640x320, and the same between."""
    _, tall = render_scene(domain, 2, size=(640, 360))
    _, flat = render_scene(domain, 2, size=(640, 320))
    middle = slice(80, 240)
    assert (tall[20:-20][middle] == flat[middle]).mean() > 0.99


@pytest.mark.parametrize('domain', DOMAINS)
def test_known_label_ids_only(scenes, domain):
    assert set(np.unique(scenes[domain][1]).tolist()) <= KNOWN_IDS


@pytest.mark.parametrize('domain', DOMAINS)
def test_classes_are_common_enough_to_be_learnt(scenes, domain):
    labels = scenes[domain][1]
    shares = label_shares(labels)
    frequency = {
        name: np.mean([(label == label_id).sum() >= 6 for label in labels])
        for name, label_id in CLASSES.items()
    }
    learnable = [name for name, label_id in CLASSES.items()
                 if shares[label_id] > 0.001 and frequency[name] > 0.1]
    assert len(learnable) >= 17, frequency


@pytest.mark.parametrize('domain', DOMAINS)
def test_layout_is_plausible(scenes, domain):
    """Sky above, road below, the horizon near the middle."""
    labels = scenes[domain][1]
    height = labels.shape[1]
    rows = np.arange(height)[None, :, None]
    mean_row = {name: (rows * (labels == CLASSES[name])).sum() / (labels == CLASSES[name]).sum()
                for name in ('sky', 'building', 'sidewalk', 'road')}
    assert mean_row['sky'] < mean_row['building'] < height / 2
    assert height / 2 < mean_row['sidewalk'] < mean_row['road']


@pytest.mark.parametrize('domain', DOMAINS)
def test_image_edges_lie_on_label_edges(scenes, domain):
    """Image and label fit: shifting the label makes colours less uniform within each class."""

    def spread(image, label):
        total = 0.0
        for label_id in np.unique(label):
            pixels = image[label == label_id]
            total += ((pixels - pixels.mean(axis=0)) ** 2).sum()
        return total / image.size

    aligned = shifted = 0.0
    for image, label in zip(*scenes[domain]):
        image = image.astype(np.float32)[4:-4, 4:-4]
        aligned += spread(image, label[4:-4, 4:-4])
        shifted += min(spread(image, np.roll(label, shift, axis=axis)[4:-4, 4:-4])
                       for shift in (-1, 1) for axis in (0, 1))
    assert aligned < shifted


def test_the_gap_shows_in_the_statistics(scenes):
    """Simulated pictures are more saturated and cleaner; only real ones show the own car."""
    saturation, grain = {}, {}
    for domain in DOMAINS:
        images, labels = scenes[domain]
        hsv = np.stack([cv2.cvtColor(image, cv2.COLOR_BGR2HSV) for image in images])
        saturation[domain] = hsv[..., 1].mean() / 255
        grey = images.mean(axis=3)
        road = labels == CLASSES['road']
        inside = road[:, 1:, 1:] & road[:, :-1, 1:] & road[:, 1:, :-1]
        step = np.abs(grey[:, 1:, 1:] - grey[:, 1:, :-1])
        grain[domain] = np.median(step[inside])
    assert saturation['simulated'] > saturation['real'] + 0.15
    assert grain['real'] > grain['simulated'] + 1
    ego = {domain: (scenes[domain][1] == 1).mean() for domain in DOMAINS}
    assert ego['simulated'] == 0 and 0.01 < ego['real'] < 0.15


@pytest.mark.parametrize(('change', 'message'), [
    ({'domain': 'synthetic'}, "'synthetic' is unknown. Use one of simulated, real"),
    ({'split': 'test'}, "'test' is unknown. Use one of train, val"),
    ({'index': -1}, 'index=-1'),
    ({'seed': -3}, 'seed=-3'),
    ({'size': (256, 8)}, 'at least 16 pixels'),
])
def test_wrong_arguments_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        render_scene(**({'domain': 'real', 'index': 0} | change))


def test_contact_sheet_holds_both_domains_and_their_labels():
    size = (128, 64)
    sheet = contact_sheet(indices=(0, 4), size=size)
    for domain in DOMAINS:
        for index in (0, 4):
            image, _ = render_scene(domain, index, size=size)
            match = cv2.matchTemplate(sheet, image, cv2.TM_SQDIFF)
            assert match.min() < 0.01 * image.size  # room for the correlation's rounding
    colours = np.unique(sheet.reshape(-1, 3), axis=0).tolist()
    assert [128, 64, 128] in colours  # road
    assert [180, 130, 70] in colours  # sky, as BGR


def test_contact_sheet_needs_a_scene():
    with pytest.raises(ValueError, match='indices is empty'):
        contact_sheet(indices=())
