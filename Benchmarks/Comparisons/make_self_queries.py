#!/usr/bin/env python3
"""Makes a set whose queries are rows of its own base, with exact ground truth.

    python3 make_self_queries.py --data DIR/recsys-64 --metric cosine --output results/recsys-64-cosine

The rows are drawn uniformly without replacement. Under cosine, a base made for inner product is a hard set: rows of
every norm are asked for, the shortest included, which the long rows would otherwise hide.
"""

import argparse
import os
import pathlib
import shutil

import environment


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="directory with base.*")
    parser.add_argument("--metric", choices=("cosine", "l2", "ip"), default="cosine")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1, help="of numpy's default_rng")
    parser.add_argument("--neighbors", type=int, default=100)
    parser.add_argument("--this-python", action="store_true", help="use the running Python as it is")
    options = parser.parse_args()
    if not options.this_python:
        environment.enter()

    import numpy as np

    import judge
    import vectors

    source = vectors.find(options.data, "base")
    base = vectors.read(source)
    rows = np.random.default_rng(options.seed).choice(len(base), size=options.queries, replace=False)
    queries = base[rows].astype(np.float32)
    ids, distances = judge.exact_neighbors(base, queries, options.metric, options.neighbors)

    options.output.mkdir(parents=True, exist_ok=True)
    target = options.output / source.name
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
    vectors.write_fbin(options.output / "query.fbin", queries)
    vectors.write_ground_truth(options.output / "groundtruth.ibin", ids, distances)
    print(f"{len(queries)} of {len(base)} rows as queries, {options.metric}, in {options.output}")


if __name__ == "__main__":
    main()
