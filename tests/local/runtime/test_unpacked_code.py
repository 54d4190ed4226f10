from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

from constructs_lib.local.executor.unpacked import UnpackedCode

if TYPE_CHECKING:
    from pathlib import Path


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name.replace("__", "/").replace("_py", ".py"))
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, text)
    return buffer.getvalue()


class TestEarlierFiles:
    def test_a_file_that_comes_again_is_the_same_file_with_its_bytecode(self, tmp_path: Path) -> None:
        code = UnpackedCode(tmp_path)
        first = code.folder_of(zipped(handler_py="import lib.part", lib__part_py="X = 1"))
        subprocess.run([sys.executable, "-c", "import lib.part"], cwd=first, check=True, env={})
        second = code.folder_of(zipped(handler_py="import lib.part as p", lib__part_py="X = 1"))
        assert second != first
        assert (second / "lib" / "part.py").samefile(first / "lib" / "part.py")
        name = f"part.{sys.implementation.cache_tag}.pyc"
        assert (second / "lib" / "__pycache__" / name).samefile(first / "lib" / "__pycache__" / name)
        assert (second / "handler.py").read_text() == "import lib.part as p"
        assert (first / "handler.py").read_text() == "import lib.part"

    def test_python_takes_the_bytecode(self, tmp_path: Path) -> None:
        code = UnpackedCode(tmp_path)
        first = code.folder_of(zipped(one_py="1", part_py="X = 1"))
        subprocess.run([sys.executable, "-c", "import part"], cwd=first, check=True, env={})
        second = code.folder_of(zipped(two_py="2", part_py="X = 1"))
        said = subprocess.run(
            [sys.executable, "-v", "-c", "import part"], cwd=second, env={}, check=True, capture_output=True, text=True
        ).stderr
        assert any("matches" in line and "part" in line for line in said.splitlines())
        assert "# wrote" not in "".join(line for line in said.splitlines() if "part." in line)

    def test_a_file_that_was_written_to_since_is_unpacked_anew(self, tmp_path: Path) -> None:
        code = UnpackedCode(tmp_path)
        first = code.folder_of(zipped(one_py="1", part_py="X = 1"))
        (first / "part.py").write_text("X = 2")
        second = code.folder_of(zipped(two_py="2", part_py="X = 1"))
        assert (second / "part.py").read_text() == "X = 1"

    def test_a_file_that_is_gone_since_is_unpacked_anew(self, tmp_path: Path) -> None:
        code = UnpackedCode(tmp_path)
        first = code.folder_of(zipped(one_py="1", part_py="X = 1"))
        (first / "part.py").unlink()
        assert (code.folder_of(zipped(two_py="2", part_py="X = 1")) / "part.py").read_text() == "X = 1"

    def test_another_content_of_one_name_is_another_file(self, tmp_path: Path) -> None:
        code = UnpackedCode(tmp_path)
        first, second = (code.folder_of(zipped(part_py=text)) for text in ("X = 1", "X = 2"))
        assert [(each / "part.py").read_text() for each in (first, second)] == ["X = 1", "X = 2"]

    def test_layers_share_nothing_that_one_could_write_over(self, tmp_path: Path) -> None:
        code = UnpackedCode(tmp_path)
        alone = zipped(part_py="X = 1")
        folder = code.folder_of(alone)
        both = code.folder_of_layers((alone, zipped(part_py="X = 2")))
        assert both is not None
        assert (both / "part.py").read_text() == "X = 2"
        assert (folder / "part.py").read_text() == "X = 1"
