"""Writing a set of files, one or several for each image of a folder, which can be continued after an interruption."""
import hashlib
import json
import logging
import os
import os.path as osp
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from mmengine.logging import print_log

from .files import PART, path_below, replace_file, to_json
from .mirrored_folder import INDEX, holds_files, mirrored_path, read_index

_READERS = min(16, max(4, os.cpu_count() or 1))  # threads that check the files of an earlier run


class FileSetWriter:
    """Writes files for a set of images to a folder with the images' sub-folders, and continues interrupted runs.

    `index.json` in the folder describes how the files were made. Every file is written under a temporary name and then
    renamed. A folder with other files is refused, and so are files from other settings unless `overwrite` is set.
    Several processes may write to the same set: the first process starts and finishes it.

    Subclasses encode the files, and implement `is_done`, which tells the files of an earlier run that can be kept. They
    may also override `name_files` and `suffixes`.

    Args:
        out (str): The folder.
        images (Sequence[str]): Paths of all images of the set.
        image_root (str): The folder that contains the images, at any depth.
        maker (str): Entry of the index that describes the model, such as 'teacher'.
        made_by (Mapping[str, Any]): The description of the model: `config`, `checkpoint`, `sha256` of the weights, and
            `config_digest` of all other settings of the model that affect the files.
        settings (Mapping[str, Any]): Other entries of the index.
        compared (Mapping[str, str]): The settings that affect the files: entry -> its name in messages.
        endings (Sequence[str]): Endings of the files of each image, which replace that of the image.
        appears_whole (bool): Whether the files are written to `<out>.part`, which is renamed in `finish`. If False,
            they are written to `out` itself, and the index says whether the set is complete; such a set may be extended
            when images are added. Defaults to True.
        overwrite (bool): Whether to replace files from other settings. Defaults to False.

    Attributes:
        folder (Path): Folder of the files before `finish`.
        names (list[str]): Path of each image below `image_root`.
        files (list[tuple[str]]): The files of each image, below the folder.
        suffixes (tuple[str]): Files that belong to a set. All others in the folder are not changed.

    Raises:
        ValueError: if there are no images, one is not below `image_root`, or two images would have the same file.

    Example:
        >>> writer = FileSetWriter(out, images, image_root, 'model', dict(checkpoint=checkpoint, sha256=digest), {}, {})
        >>> for index in writer.begin():
        ...     writer.put(index, encode(images[index]))
        >>> writer.finish()
    """
    suffixes: Tuple[str, ...] = ('.png', '.jpg', PART)

    def __init__(self,
                 out: str,
                 images: Sequence[str],
                 image_root: str,
                 maker: str,
                 made_by: Mapping[str, Any],
                 settings: Mapping[str, Any],
                 compared: Mapping[str, str],
                 endings: Sequence[str] = ('.png', ),
                 appears_whole: bool = True,
                 overwrite: bool = False) -> None:
        if not images:
            raise ValueError(f'there are no images to write files for in {out}. Check `data_prefix`, `img_suffix` and '
                             '`ann_file`.')
        # a link to a folder on another disk stays a link
        self.out = Path(osp.realpath(out) if appears_whole else osp.abspath(out))
        self.folder = self.out.with_name(self.out.name + PART) if appears_whole else self.out
        self.images = list(images)
        self.names = [path_below(image, image_root) for image in images]
        self.files = self.name_files(image_root, endings)
        self.maker, self.compared = maker, dict(compared)
        self.appears_whole, self.overwrite = appears_whole, overwrite
        self.header = self._header(made_by, settings, image_root)
        _check_unique(self.images, self.files)

    def name_files(self, image_root: str, endings: Sequence[str]) -> List[Tuple[str, ...]]:
        """Return the paths of the files of each image below the folder; see the class for the arguments."""
        return [tuple(mirrored_path(image, image_root, ending) for ending in endings) for image in self.images]

    def complete(self) -> Optional[Dict[str, Any]]:
        """The index of the set in `out`, if it is complete for exactly these images and settings; else None."""
        found = self._read(self.out)
        if found is None or not found.get('complete', True) or self.differences(found):
            return None
        return found if self._list(self.out) == set(self._wanted(found.get('skipped') or ())) else None

    def begin(self, update: bool = False) -> List[int]:
        """Create the folder, or continue with an existing one.

        Args:
            update (bool): Whether a set that is written in place may have other images than before. Existing files are
                kept, and files of removed images are deleted in `finish`. Defaults to False.

        Returns:
            list[int]: The images whose files must be written.

        Raises:
            FileExistsError: if the folder has files that may not be replaced.
            ValueError: if a set that is written in place was started for other images.
        """
        self._check_out()
        found = self._read(self.folder)
        differences = [] if found is None else self.differences(found)
        if found is not None and differences:
            self._begin_anew(f'{self.folder} was made with another {" and another ".join(differences)} '
                             f'({self._describe(found)})')
        elif found is not None and not self.appears_whole and not update:
            self._check_images(found)
        pending = self.pending()
        finished = bool(found and found.get('complete')) and not pending
        self._write(INDEX, to_json(self.header if self.appears_whole else {**self.header, 'complete': finished}))
        return pending

    def pending(self) -> List[int]:
        """Return the images whose files are missing, damaged or out of date."""
        with ThreadPoolExecutor(_READERS) as pool:
            return [index for index, done in enumerate(pool.map(self.is_done, range(len(self.files)))) if not done]

    def is_done(self, index: int) -> bool:
        """Whether the files of an image can be kept. Called from several threads."""
        return all((self.folder / file).is_file() for file in self.files[index])

    def put(self, index: int, *contents: bytes) -> None:
        """Write the files of one image. May be called from several threads.

        Args:
            index (int): Number of the image.
            *contents (bytes): Content of each file, in the order of `endings`. The first file is written last.

        Raises:
            OSError: if a file cannot be written. Files that were written before are kept.
        """
        for file, content in reversed(list(zip(self.files[index], contents))):
            self._write(file, content)

    def finish(self, skipped: Optional[Mapping[str, str]] = None) -> Dict[str, Any]:
        """Write the index. With `appears_whole`, rename the folder to its final name and delete an older set.

        Args:
            skipped (Mapping, optional): Images without files (names as in `names`) -> reason. Defaults to none.

        Returns:
            dict: Content of `index.json`.

        Raises:
            RuntimeError: if files are missing.
        """
        skipped = dict(sorted((skipped or {}).items()))
        wanted, present = self._wanted(skipped), self._list(self.folder)
        missing = [file for file in wanted if file not in present]
        if missing:
            raise RuntimeError(f'{len(missing)} of {len(wanted)} files are missing in {self.folder}: '
                               f'{", ".join(missing[:3])}{", ..." if len(missing) > 3 else ""}. Run the same command '
                               'again: existing files are kept.')
        for file in present.difference(wanted):  # of removed images, or left by a killed run
            (self.folder / file).unlink()
        index = {**self.header, **self.summary(skipped)}
        self._write(INDEX, to_json(index))
        if self.appears_whole:
            self._rename()
        return index

    def summary(self, skipped: Dict[str, str]) -> Dict[str, Any]:
        """Return the entries of the index that are known when all files are written."""
        found: Dict[str, Any] = {} if self.appears_whole else dict(complete=True)
        found['num_images'] = len(self.names) - len(skipped)
        if self.appears_whole or skipped:
            found['skipped'] = skipped
        return found

    def differences(self, found: Mapping[str, Any]) -> List[str]:
        """Return the names of the settings that differ between the index of an earlier run and this run."""
        (theirs, before), (ours, now) = ((index[self.maker], index) for index in (found, self.header))
        pairs = {
            'checkpoint': (theirs.get('sha256'), ours.get('sha256')),
            'model or pipeline': (theirs.get('config_digest'), ours.get('config_digest')),
            **{word: (before.get(entry), now[entry]) for entry, word in self.compared.items()},
            'image folder': (before.get('image_root'), now['image_root'])
        }
        return [name for name, (old, new) in pairs.items() if old != new]

    def _header(self, made_by: Mapping[str, Any], settings: Mapping[str, Any], image_root: str) -> Dict[str, Any]:
        header = {self.maker: dict(made_by), **settings, 'image_root': image_root}
        if not self.appears_whole:
            listing = hashlib.sha256('\n'.join(self.names).encode()).hexdigest()
            header = dict(complete=False, **header, num_images=len(self.names), files_sha256=listing)
        return json.loads(to_json(header))  # in the form in which it is read back

    def _check_out(self) -> None:
        """Check that `out` is not a file, a folder with other files, or a complete set that would be replaced."""
        if self.out.exists() and not self.out.is_dir():
            raise FileExistsError(f'{self.out} is a file. Choose another --out.')
        for folder in dict.fromkeys((self.out, self.folder)):
            if self._read(folder) is None and holds_files(folder):
                raise FileExistsError(f'{folder} has files but no {INDEX} of such a set, so it is not changed. Choose '
                                      'another --out.')
        found = self._read(self.out) if self.appears_whole else None
        if found is not None and not self.overwrite:
            made = ' and another '.join(self.differences(found)) or 'list of images'
            raise FileExistsError(f'{self.out} has a complete set: {found.get("num_images")} images, '
                                  f'{self._describe(found)}. It was made with another {made}. Use --overwrite to '
                                  'replace it, or choose another --out.')

    def _begin_anew(self, reason: str) -> None:
        if not self.overwrite:
            raise FileExistsError(f'{reason}. Use --overwrite to start again, or choose another --out.')
        print_log(f'{reason}: started again.')
        for file in self._list(self.folder):
            (self.folder / file).unlink()

    def _check_images(self, found: Mapping[str, Any]) -> None:
        if found.get('files_sha256') != self.header['files_sha256']:
            raise ValueError(f'the list of images changed since {self.out} was started ({found.get("num_images")} '
                             f'images then, {len(self.names)} now). Restore the images, or use --update: existing '
                             'files are kept, missing ones are written, and those of removed images are deleted.')

    def _rename(self) -> None:
        old = self.out.with_name(f'{self.out.name}.old')
        if self.out.exists():
            shutil.rmtree(old, ignore_errors=True)
            self.out.rename(old)
        self.folder.rename(self.out)
        shutil.rmtree(old, ignore_errors=True)

    def _read(self, folder: Path) -> Optional[Dict[str, Any]]:
        return read_index(folder, self.maker)

    def _describe(self, found: Mapping[str, Any]) -> str:
        """Describe a model with its checkpoint and the first digits of its SHA-256."""
        made_by = found[self.maker]
        return f'{self.maker} {made_by.get("checkpoint")}, sha256 {str(made_by.get("sha256"))[:12]}'

    def _wanted(self, skipped: Collection[str]) -> List[str]:
        return [file for name, files in zip(self.names, self.files) if name not in skipped for file in files]

    def _list(self, folder: Path) -> Set[str]:
        """Return the files in a folder that belong to a set, including incomplete ones from a killed run."""
        return {osp.relpath(path, folder) for path in folder.rglob('*')
                if path.suffix in self.suffixes and path.is_file()}

    def _write(self, file: str, content: bytes) -> None:
        replace_file(self.folder / file, content)


def finish_set(writer: FileSetWriter, broken: Mapping[int, str], max_broken: int, done: str) -> Dict[str, Any]:
    """Finish a set some of whose images could not be read.

    Args:
        writer (FileSetWriter): The set. All other images have their files.
        broken (Mapping[int, str]): Number of each image that could not be read -> reason.
        max_broken (int): How many of them are allowed.
        done (str): What was done with the other images, such as 'labelled'.

    Returns:
        dict: The content of `index.json`.

    Raises:
        ValueError: if there are more, or no image could be read.
    """
    listed = '\n- '.join(broken.values())
    counted = f'{len(broken)} of {len(writer.names)} images cannot be read'
    if len(broken) > max_broken or len(broken) == len(writer.names):
        raise ValueError(f'{counted} (max_broken={max_broken}); the others are {done} and kept in {writer.folder}:\n'
                         f'- {listed}\nRepair them and run the same command again, or allow skipping them with a '
                         'higher `max_broken` (--max-broken).')
    if broken:
        print_log(f'{counted} and are not {done}:\n- {listed}', 'current', logging.WARNING)
    return writer.finish({writer.names[index]: reason for index, reason in broken.items()})


def _check_unique(images: Sequence[str], files: Sequence[Tuple[str, ...]]) -> None:
    """Check that no two images have the same file."""
    owners: Dict[str, str] = {}
    for image, names in zip(images, files):
        for name in names:
            if name in owners:
                raise ValueError(f'{owners[name]} and {image} would both have the file {name} in the set. Rename one '
                                 'of them.')
            owners[name] = image
