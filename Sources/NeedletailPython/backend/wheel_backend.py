"""Builds the wheel with nothing but Swift and Python's own library.

`make wheel` runs this file; pip finds it through pyproject.toml (PEP 517), so that `pip install` of this
folder inside a checkout works too.
"""

import base64
import hashlib
import os
import pathlib
import subprocess
import sys
import sysconfig
import zipfile

PYTHON = pathlib.Path(__file__).resolve().parent.parent
ROOT = PYTHON.parent.parent
IS_MAC = sys.platform == "darwin"
LIBRARY = "libCNeedletail.dylib" if IS_MAC else "libCNeedletail.so"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """PEP 517: builds the library and packs it; returns the wheel's file name."""
    project = read_project()
    library = build_library(ROOT / ".build" / "wheel-build")
    name = f"{project['name']}-{project['version']}"
    tag = f"py3-none-{platform_tag()}"
    path = pathlib.Path(wheel_directory) / f"{name}-{tag}.whl"
    entries = {
        f"needletail/{file.name}": file.read_bytes()
        for file in sorted((PYTHON / "needletail").iterdir())
        if file.suffix in {".py", ".pyi"} or file.name == "py.typed"
    }
    entries[f"needletail/{LIBRARY}"] = library.read_bytes()
    info = f"{name}.dist-info"
    entries[f"{info}/licenses/LICENSE"] = (ROOT / "LICENSE").read_bytes()
    entries[f"{info}/METADATA"] = metadata(project).encode()
    entries[f"{info}/WHEEL"] = (
        "Wheel-Version: 1.0\nGenerator: needletail\nRoot-Is-Purelib: false\n"
        f"Tag: {tag}\n").encode()
    write_wheel(path, entries, f"{info}/RECORD")
    return path.name


def build_sdist(sdist_directory, config_settings=None):
    """PEP 517: there is none, because the package needs the whole repository to be built."""
    raise RuntimeError("build a wheel inside a checkout of Needletail; there is no source package")


def read_project():
    try:
        import tomllib
    except ImportError:
        sys.exit("needletail: packing needs Python 3.11 or later; the wheel then runs on 3.9.")
    return tomllib.loads((PYTHON / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def platform_tag():
    """The plain tag of this platform.

    Not manylinux: the library was linked against the C library of this machine, and takes libopenblas
    from the system.
    """
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")


def build_library(scratch):
    """Builds the shared library with Swift's own libraries inside, and returns its path."""
    # A view of the package: with its traits off SwiftPM would drop the pins of the real one.
    package = scratch / "needletail"
    package.mkdir(parents=True, exist_ok=True)
    for part in ["Package.swift", "Sources", "Tests"]:
        link = package / part
        if not link.is_symlink():
            link.symlink_to(ROOT / part)
    arguments = [
        "swift", "build", "--configuration", "release", "--package-path", str(package),
        "--scratch-path", str(scratch / "objects"), "--disable-default-traits",
        "--product", "CNeedletail"]
    flags = []
    if not IS_MAC:
        flags = [
            "--static-swift-stdlib", "-Xswiftc", "-static-stdlib",
            # No path into the toolchain; no symbols but the interface; no debugging information.
            "-Xswiftc", "-no-toolchain-stdlib-rpath",
            "-Xlinker", f"--version-script={PYTHON / 'backend' / 'exports.map'}",
            "-Xlinker", f"-soname={LIBRARY}", "-Xlinker", "-s"]
    subprocess.run(arguments + flags, check=True, stdout=sys.stderr)
    shown = subprocess.run(
        arguments + flags + ["--show-bin-path"], check=True, stdout=subprocess.PIPE, text=True)
    return pathlib.Path(shown.stdout.strip()) / LIBRARY


def metadata(project):
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"Keywords: {','.join(project['keywords'])}",
        f"License-Expression: {project['license']}",
        "License-File: LICENSE",
        *(f"Classifier: {classifier}" for classifier in project["classifiers"]),
        f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {dependency}" for dependency in project["dependencies"]),
        "Description-Content-Type: text/markdown",
    ]
    readme = (PYTHON / project["readme"]).read_text(encoding="utf-8")
    return "\n".join(lines) + "\n\n" + readme


def write_wheel(path, entries, record):
    """Writes the archive; the same contents give the same bytes."""
    lines = []
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".partial")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in entries.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(contents).digest()).rstrip(b"=")
            lines.append(f"{name},sha256={digest.decode()},{len(contents)}\n")
            write_entry(archive, name, contents)
        lines.append(f"{record},,\n")
        write_entry(archive, record, "".join(lines).encode())
    os.replace(temporary, path)


def write_entry(archive, name, contents):
    entry = zipfile.ZipInfo(name, date_time=(2020, 1, 1, 0, 0, 0))
    entry.external_attr = (0o755 if name.endswith(LIBRARY) else 0o644) << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, contents)


def main():
    """Leaves exactly one wheel in a directory, and prints its path."""
    directory = pathlib.Path(sys.argv[1])
    try:
        name = build_wheel(directory)
    except subprocess.CalledProcessError as error:
        sys.exit(f"needletail: {' '.join(map(str, error.cmd[:2]))} failed; see above.")
    for old in directory.glob("*.whl"):
        if old.name != name:
            old.unlink()
    print(directory / name)


if __name__ == "__main__":
    main()
