from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loopsim.bootstrap import Options
from loopsim.embedded import EmbeddedServer

MAIN = """
import sys
from pathlib import Path
from loopsim.bootstrap import Options, build
running = build(Options(port=0, db=Path(sys.argv[1])))
running.run(lambda: print(running.url, flush=True))
print("closed", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_in_order(tmp_path: Path, name: signal.Signals) -> None:
    command = [sys.executable, "-c", MAIN, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        began = time.monotonic()
        process.send_signal(name)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "closed\n", "")
    assert time.monotonic() - began < 5
    with EmbeddedServer(Options(port=0, db=tmp_path)) as again:
        assert again.key
