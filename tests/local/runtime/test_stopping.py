"""What is under way when the embedded AWS stops is not lost: it is handled in the next run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from constructs_lib.local.emulator import Emulator, Settings
from tests.local.runtime.deployed import App, Deployed
from tests.local.runtime.event_handlers import deploy, received, until
from tests.local.runtime.test_gaps_mappings import STREAM_NAMES, put, reader


class TestStreamState:
    def test_stock_saves_no_record_of_a_stream(self, tmp_path: Path) -> None:
        """What stock does; the day this fails, the patch is needless."""
        ask = "from ministack.services import dynamodb; print(any('stream' in each for each in dynamodb.get_state()))"
        run = subprocess.run([sys.executable, "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert run.stdout.strip() == "False"

    def test_a_record_is_handled_after_a_stop_in_the_middle_of_it(self, tmp_path: Path) -> None:
        settings = Settings(state=tmp_path / "state", log_file=tmp_path / "log")

        def runs() -> int:
            return (
                settings.log_file.read_text().count("SEEN ") if settings.log_file and settings.log_file.exists() else 0
            )

        resources = reader(MaximumRetryAttempts=0)
        resources["Reader"]["Properties"]["Timeout"] = 60
        with Emulator.start(settings) as emulator:
            app = App(Deployed(emulator.endpoint), {})
            made = deploy(app, "Stops", resources, *STREAM_NAMES)
            put(app, made["Table"], "hang")
            assert until(runs) == 1
        with Emulator.start(settings) as emulator:
            assert until(runs, is_right=lambda count: count > 1) == 2
            assert received(App(Deployed(emulator.endpoint), {}), made["Dead"]) == []
