#!/usr/bin/env python3
"""Makes datasets/debian-packages from the full set of package embeddings.

    python3 datasets/make-sample.py FULL_SET [--output datasets/debian-packages]

FULL_SET holds base.fbin, base.txt, query.fbin and query.txt (line i describes row i). The same input
gives the same bytes: there is no randomness here. README.md says what the sample is and is not.
Needs numpy.
"""

import argparse
import hashlib
import json
import pathlib
import re

import numpy as np

ROWS = 12_000
QUERIES = 500
NEIGHBORS = 100
NEAR_EACH_KNOWN = 14

# Packages that a reader is likely to know. They are all in the sample where the full base has them,
# together with what lies near them, so that "packages like gimp" has a good answer to find.
KNOWN = """
0ad abiword ansible apache2 apt aptitude arduino atril automake awesome bacula bash bind9
blender borgbackup btrfs-progs busybox cargo ceph certbot chromium clamav clang cmake
coreutils cowsay cryptsetup cups curl darktable debootstrap digikam docker.io dosbox dovecot-core
dpkg emacs eog erlang ettercap-common evince evolution
fail2ban ffmpeg figlet filezilla firefox-esr flatpak fonts-dejavu fortune-mod freecad freeciv
frozen-bubble gcc gdb geany ghc gimp git gnome-shell gnome-terminal gnucash gnuchess gnumeric
gnupg gnuplot golang-go gparted gpsd gradle graphviz grep gstreamer1.0-tools haproxy hexchat
htop hugin imagemagick influxdb inkscape iptables irssi jq k3b kate kde-standard kdenlive
kicad konqueror krita libreoffice libreoffice-calc libvirt-daemon lighttpd llvm lua5.4 lxc lynx
make marble mariadb-server maven maxima mc memcached mercurial minetest mosquitto
mpd mpv mumble munin mutt nano ncdu neovim nethack-console network-manager nftables nginx nmap nodejs
ntp octave openjdk-17-jdk openscad openssh-server openssl openttd openvpn pandoc parted pavucontrol
perl php pidgin podman poppler-utils postfix postgresql prometheus proftpd-core puppet
python3 python3-django python3-flask python3-matplotlib python3-numpy python3-pandas python3-pil
python3-pip python3-requests python3-scipy python3-sklearn python3-torch qbittorrent qemu-system-x86
qgis r-base rabbitmq-server rawtherapee redis ripgrep rsync rtorrent ruby rails rustc samba scala
scratch screen scribus shotwell sl snapd spamassassin sqlite3 squid stellarium strace subversion sudo
supertux supertuxkart syncthing systemd systemtap tar task-gnome-desktop tcpdump telegram-desktop
tesseract-ocr texlive texmaker thunderbird timeshift tmux transmission tuxpaint ufw unzip
valgrind vim vlc weechat wesnoth wget wine wireguard wireshark wordpress xfce4 xfig xterm yt-dlp zip
zsh
""".split()

# Families of near-identical one-liners that would fill a list of neighbours with one package in forty
# translations: left out of the sample.
FAMILIES = re.compile(
    r"-(l10n|i18n|lang|help|locales?)(-|$)|-(cross|dbg|dbgsym|doc|docs|man)$|-cross-|^task-(?!gnome)")
DUMMIES = re.compile(r"dummy package|transitional|metapackage.*transition", re.IGNORECASE)


def read_fbin(path):
    rows, dimensions = (int(n) for n in np.fromfile(path, dtype="<u4", count=2))
    values = np.fromfile(path, dtype="<f4", offset=8)
    if values.size != rows * dimensions:
        raise SystemExit(f"{path}: {values.size} components, {rows} × {dimensions} in the header")
    return values.reshape(rows, dimensions)


def read_lines(path, rows):
    lines = path.read_text(encoding="utf-8").splitlines()
    if len(lines) != rows:
        raise SystemExit(f"{path}: {len(lines)} lines for {rows} rows")
    return lines


def unit_rows(rows):
    rows = rows.astype(np.float64)
    return rows / np.sqrt((rows * rows).sum(axis=1, keepdims=True))


def choose(base, texts):
    """The rows of the sample: known packages, their neighbourhoods, then every n-th of the rest."""
    names = [text.split(":", 1)[0] for text in texts]
    allowed = np.array(
        [not FAMILIES.search(n) and not DUMMIES.search(t) for n, t in zip(names, texts)])
    place = {name: row for row, name in enumerate(names)}
    unit = unit_rows(base)
    chosen = set()
    for name in KNOWN:
        if name not in place:
            continue
        row = place[name]
        chosen.add(row)
        siblings = neighbors = 0
        for other in np.argsort(-(unit @ unit[row]), kind="stable"):
            if other == row or not allowed[other]:
                continue
            # A few of the package's own parts, and mostly other packages.
            if names[other].startswith(name):
                if siblings < 3:
                    chosen.add(int(other))
                siblings += 1
                continue
            chosen.add(int(other))
            neighbors += 1
            if neighbors == NEAR_EACH_KNOWN:
                break
    rest = [row for row in range(len(texts)) if allowed[row] and row not in chosen]
    missing = ROWS - len(chosen)
    chosen.update(rest[i * len(rest) // missing] for i in range(missing))
    return sorted(chosen)


def exact_neighbors(base, queries):
    """Row numbers and distances 1 − cosine in double precision, nearest first, ties by row number."""
    distances = 1 - unit_rows(queries) @ unit_rows(base).T
    order = np.argsort(distances, axis=1, kind="stable")[:, :NEIGHBORS]
    return order, np.take_along_axis(distances, order, axis=1)


def halves(rows):
    values = rows.astype("<f2")
    if not np.array_equal(values.astype(np.float32), rows):
        raise SystemExit("the values are not half precision: storing halves would lose bits")
    return values


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("full", type=pathlib.Path, help="directory of the full set")
    parser.add_argument(
        "--output", type=pathlib.Path, default=pathlib.Path(__file__).parent / "debian-packages")
    options = parser.parse_args()

    base = read_fbin(options.full / "base.fbin")
    queries = read_fbin(options.full / "query.fbin")
    base_texts = read_lines(options.full / "base.txt", len(base))
    query_texts = read_lines(options.full / "query.txt", len(queries))

    rows = choose(base, base_texts)
    query_rows = [i * len(queries) // QUERIES for i in range(QUERIES)]
    base, queries = base[rows], queries[query_rows]
    ids, distances = exact_neighbors(base, queries)

    out = options.output
    out.mkdir(parents=True, exist_ok=True)
    np.lib.format.write_array(open(out / "base.npy", "wb"), halves(base), version=(1, 0))
    np.lib.format.write_array(open(out / "queries.npy", "wb"), halves(queries), version=(1, 0))
    (out / "base.txt").write_text("".join(base_texts[r] + "\n" for r in rows), encoding="utf-8")
    (out / "queries.txt").write_text(
        "".join(query_texts[r] + "\n" for r in query_rows), encoding="utf-8")
    with open(out / "groundtruth.ibin", "wb") as file:
        file.write(np.array([QUERIES, NEIGHBORS], dtype="<u4").tobytes())
        file.write(ids.astype("<i4").tobytes())
        file.write(distances.astype("<f4").tobytes())

    files = {
        "base": "base.npy", "queries": "queries.npy", "groundtruth": "groundtruth.ibin",
        "texts": "base.txt", "queryTexts": "queries.txt",
    }
    manifest = {
        "name": "debian-packages",
        "title": "One-line descriptions of Debian 12 packages, as sentence embeddings (a sample)",
        "metric": "cosine",
        "rows": ROWS,
        "queries": QUERIES,
        "dimensions": int(base.shape[1]),
        "neighbors": NEIGHBORS,
        "files": files,
        "url": None,
        "bytes": None,
        "sha256": None,
        "fileBytes": {name: (out / name).stat().st_size for name in files.values()},
        "fileSHA256": {name: sha256(out / name) for name in files.values()},
        "license": "Apache-2.0 (embeddings); see datasets/README.md for the texts",
        "homepage": "https://www.debian.org/distrib/packages",
        "citation": (
            "Reimers, Gurevych: Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks,"
            " EMNLP 2019 (the model all-MiniLM-L6-v2); package descriptions: Debian 12 (bookworm)"),
        "notes": "In the tree; nothing is fetched. Made by datasets/make-sample.py.",
    }
    (out / "dataset.json").write_text(
        json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    total = sum(path.stat().st_size for path in out.iterdir())
    print(f"{ROWS} rows, {QUERIES} queries, {total / 1e6:.2f} MB in {out}")


if __name__ == "__main__":
    main()
