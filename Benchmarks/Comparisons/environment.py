"""The virtual environment of the comparison: made on the first run, beside this file."""

import hashlib
import os
import pathlib
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = HERE / ".venv"
PYTHON = FOLDER / "bin" / "python3"
STAMP = FOLDER / "requirements.sha256"
REQUIREMENTS = HERE / "requirements.txt"


def prepare(again: bool = False) -> None:
    """Makes the environment where it is missing or other versions are asked for; no network otherwise."""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    if not again and STAMP.exists() and STAMP.read_text() == wanted:
        return
    print(f"Making a virtual environment in {FOLDER} …", file=sys.stderr)
    venv.create(FOLDER, with_pip=True, clear=True)
    for line in REQUIREMENTS.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        name = line.split("==")[0]
        print(f"  {line}", file=sys.stderr)
        command = [
            str(PYTHON), "-m", "pip", "install", "--quiet", "--no-input",
            "--disable-pip-version-check", line]
        run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if run.returncode != 0:
            reason = (run.stderr.strip().splitlines() or ["no reason given"])[-1]
            print(f"  {name} did not install: {reason}", file=sys.stderr)
            if name == "numpy":
                raise SystemExit("compare: nothing can be measured without numpy")
    STAMP.write_text(wanted)


def install(wheel: pathlib.Path) -> None:
    """Puts our own package into the environment, unless it is this very file that is there."""
    wanted, stamp = hashlib.sha256(wheel.read_bytes()).hexdigest(), FOLDER / "wheel.sha256"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    # Without looking for what it needs: numpy is there.
    run = subprocess.run(
        [str(PYTHON), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check",
         "--no-index", "--no-deps", "--force-reinstall", str(wheel)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if run.returncode != 0:
        reason = (run.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SystemExit(f"compare: {wheel} did not install: {reason}")
    stamp.write_text(wanted)


def enter(again: bool = False, wheel: pathlib.Path | None = None) -> None:
    """Continues this program inside the environment; returns when it runs there already."""
    is_inside = pathlib.Path(sys.prefix).resolve() == FOLDER.resolve()
    if not is_inside:
        prepare(again)
    # Inside too: someone may have started us with the environment's own interpreter, after a new build.
    if wheel:
        install(wheel)
    if is_inside:
        return
    os.execv(PYTHON, [str(PYTHON), *sys.argv])
