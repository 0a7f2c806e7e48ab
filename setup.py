"""Package metadata. The tested versions are in requirements.txt; here are the ranges that may work.

The OpenMMLab packages are extras: their maintained forks install the same import names under other distribution
names, and a hard requirement would install the originals over them. See docs/install.md.
"""
import shutil
from pathlib import Path
from typing import Dict

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent


def read_version() -> str:
    """Reads `__version__` without importing the package, which needs torch."""
    namespace: Dict[str, str] = {}
    exec((ROOT / 'udas_mmseg' / 'version.py').read_text(encoding='utf-8'), namespace)
    return namespace['__version__']


def read_readme() -> str:
    """Reads README.md, or nothing in a copy that has none."""
    readme = ROOT / 'README.md'
    return readme.read_text(encoding='utf-8') if readme.exists() else ''


class BuildWithConfigs(build_py):
    """Also puts `configs/` and `tools/` into the package, in the folder `.mim` as OpenMMLab's packages do.

    An editable installation uses those of the checkout.
    """

    def run(self) -> None:
        """Build the package."""
        super().run()
        if self.editable_mode:
            return
        for folder in ('configs', 'tools'):
            copy = Path(self.build_lib, 'udas_mmseg', '.mim', folder)
            shutil.rmtree(copy, ignore_errors=True)  # of an earlier build
            shutil.copytree(ROOT / folder, copy, ignore=shutil.ignore_patterns('__pycache__'))


setup(
    name='udas_mmseg',
    version=read_version(),
    description='Unsupervised domain adaptation for semantic segmentation: a plugin for MMSegmentation 1.x',
    long_description=read_readme(),
    long_description_content_type='text/markdown',
    author='The udas_mmseg authors',
    license='Apache-2.0',
    packages=find_packages(include=['udas_mmseg', 'udas_mmseg.*']),
    py_modules=['udas_command'],
    entry_points={'console_scripts': ['udas = udas_command:main']},
    cmdclass={'build_py': BuildWithConfigs},
    package_data={'udas_mmseg.run_report': ['report.css', 'report.js']},
    python_requires='>=3.9',
    install_requires=['torch>=2.1', 'numpy', 'ftfy', 'regex'],
    extras_require={
        # A fresh environment: the originals, mmcv without compiled ops.
        'openmmlab': ['mmengine>=0.10,<1', 'mmsegmentation>=1.2,<2'],
        'lite': ['mmcv-lite>=2.1,<2.2'],
        # Also needs `pip install --no-deps mmagic==1.2.0`: its own requirements no longer fit together.
        'translation': ['click', 'requests', 'tqdm', 'torchvision', 'pillow'],
        # Colour jitter and blur on the device, in online self-training.
        'online': ['torchvision'],
        # Vision transformers as backbones: DINOv2, DINOv3, EVA-02 (TimmVisionTransformer).
        'vfm': ['timm>=1.0.20', 'safetensors'],
        # Optional at run time, too: OptionalTensorboardVisBackend.
        'tensorboard': ['tensorboard'],
        # Optional: polygons and run lengths of COCO files (tools/convert_labels.py).
        'labels': ['pycocotools>=2.0.7'],
        'dev': ['pytest', 'pytest-rerunfailures', 'pytest-xdist', 'ruff', 'mypy', 'import-linter', 'pre-commit'],
    },
)
