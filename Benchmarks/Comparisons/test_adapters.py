"""Holds the adapters for ann-benchmarks and VIBE to the contract of their base class; needs numpy only.

The doubles of the base classes follow their documentation. Where the package `needletail` is installed, the same
is asked of it too.
"""

import importlib
import importlib.util
import pathlib
import re
import sys
import types
import unittest
from typing import Any
from unittest import mock

import numpy as np

import doubles
from judge import exact_neighbors

HERE = pathlib.Path(__file__).resolve().parent / "adapters"


class BaseANN:
    """What both projects' base class documents: the defaults that an adapter may rely upon."""

    name: str

    def done(self) -> None:
        pass

    def get_memory_usage(self) -> float | None:
        return 1024.0

    def fit(self, X: Any) -> None:
        pass

    def query(self, q: Any, n: int) -> Any:
        return []

    def batch_query(self, X: Any, n: int) -> None:
        self.res = [self.query(q, n) for q in X]

    def get_batch_results(self) -> Any:
        return self.res

    def get_additional(self) -> dict[str, Any]:
        return {}

    def __str__(self) -> str:
        return self.name


def adapter(project: str, library: types.ModuleType) -> Any:
    """The adapter's class, loaded where its project would have it."""
    packages = {}
    for name in (project, f"{project}.algorithms", f"{project}.algorithms.base", f"{project}.algorithms.needletail"):
        packages[name] = types.ModuleType(name)
        packages[name].__path__ = []
    base = packages[f"{project}.algorithms.base.module"] = types.ModuleType("module")
    base.BaseANN = BaseANN  # type: ignore[attr-defined]
    name = f"{project}.algorithms.needletail.module"
    with mock.patch.dict(sys.modules, {**packages, "needletail": library}):
        spec = importlib.util.spec_from_file_location(name, HERE / project / "needletail" / "module.py")
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module.Needletail


def libraries() -> list[types.ModuleType]:
    found = [doubles.needletail()]
    if importlib.util.find_spec("needletail"):
        found.append(importlib.import_module("needletail"))
    return found


def world(rows: int = 300, queries: int = 20, dimensions: int = 8) -> tuple[Any, Any]:
    draw = np.random.default_rng(5)
    return (
        draw.normal(size=(rows, dimensions)).astype(np.float32),
        draw.normal(size=(queries, dimensions)).astype(np.float32))


# Each project with its metrics, the judge's word for each, and the arguments after the metric.
PROJECTS = {
    "ann_benchmarks": ({"angular": "cosine", "euclidean": "l2"}, ({"mode": "compact"},)),
    "vibe": (
        {"cosine": "cosine", "normalized": "cosine", "euclidean": "l2", "ip": "ip"}, ("compact", 16, 200)),
}


class ContractTests(unittest.TestCase):
    def each(self) -> Any:
        for library in libraries():
            for project, (metrics, arguments) in PROJECTS.items():
                for metric, kind in metrics.items():
                    with self.subTest(library=library.__name__, project=project, metric=metric):
                        yield adapter(project, library)(metric, *arguments), kind

    def test_queries_give_row_numbers_of_the_nearest(self) -> None:
        base, queries = world()
        for algorithm, kind in self.each():
            algorithm.fit(base)
            algorithm.set_query_arguments(200)
            truth, _ = exact_neighbors(base, queries, kind, 10)
            hits = 0
            for query, row in zip(queries, truth):
                found = algorithm.query(query, 10)
                self.assertEqual(len(found), 10)
                self.assertEqual(len(set(found.tolist())), 10)
                self.assertEqual(base[found].shape, (10, 8))  # both projects index the base with them
                hits += len(set(found.tolist()) & set(row.tolist()))
            self.assertGreaterEqual(hits, 195)

    def test_a_batch_answers_as_its_queries_do(self) -> None:
        base, queries = world()
        for algorithm, _ in self.each():
            algorithm.fit(base)
            algorithm.set_query_arguments(100)
            self.assertIsNone(algorithm.batch_query(queries, 5))
            results = algorithm.get_batch_results()
            self.assertEqual(len(results), len(queries))
            for query, found in zip(queries, results):
                self.assertEqual(found.tolist(), algorithm.query(query, 5).tolist())

    def test_the_caller_s_rows_and_queries_stay_as_they_are(self) -> None:
        base, queries = world()
        base *= 3
        base[7] = 0
        queries[2] = 0
        kept = base.copy(), queries.copy()
        for algorithm, _ in self.each():
            algorithm.fit(base)
            algorithm.set_query_arguments(50)
            algorithm.batch_query(queries, 5)
            algorithm.query(queries[0], 5)
            self.assertTrue(np.array_equal(base, kept[0]) and np.array_equal(queries, kept[1]))

    def test_rows_and_queries_without_direction_are_no_reason_to_fail(self) -> None:
        base, queries = world()
        base[[0, 9]] = 0
        queries[1] = 0
        for algorithm, kind in self.each():
            algorithm.fit(base)
            algorithm.set_query_arguments(100)
            self.assertEqual(len(algorithm.query(queries[1], 10)), 10)
            found = algorithm.query(queries[0], 10)
            if kind == "cosine":
                self.assertFalse({0, 9} & set(found.tolist()))
                rest = np.delete(np.arange(300), [0, 9])
                near, _ = exact_neighbors(base[rest], queries[:1], kind, 1)
                self.assertEqual(found[0], rest[near[0, 0]])

    def test_fewer_rows_than_asked_for_give_a_shorter_answer(self) -> None:
        base, queries = world(rows=6)
        for algorithm, _ in self.each():
            algorithm.fit(base)
            algorithm.set_query_arguments(10)
            self.assertEqual(sorted(algorithm.query(queries[0], 10).tolist()), [0, 1, 2, 3, 4, 5])
            algorithm.batch_query(queries, 10)
            self.assertTrue(all(len(found) == 6 for found in algorithm.get_batch_results()))

    def test_its_name_says_every_parameter(self) -> None:
        for algorithm, _ in self.each():
            algorithm.set_query_arguments(77)
            self.assertIn("77", str(algorithm))
            self.assertIn("compact", str(algorithm))
            algorithm.set_query_arguments(78)
            self.assertIn("78", str(algorithm))
            self.assertNotIn("77", str(algorithm))

    def test_what_the_base_class_gives_is_there(self) -> None:
        base, _ = world()
        for algorithm, _ in self.each():
            algorithm.fit(base)
            self.assertGreater(algorithm.get_memory_usage(), 0)
            self.assertEqual(dict(algorithm.get_additional()), {})
            algorithm.done()

    def test_an_unknown_metric_is_refused_before_any_work(self) -> None:
        for project, (_, arguments) in PROJECTS.items():
            with self.assertRaises(NotImplementedError):
                adapter(project, doubles.needletail())("hamming", *arguments)

    def test_a_width_below_k_is_raised_to_it(self) -> None:
        base, queries = world()
        for project, (_, arguments) in PROJECTS.items():
            algorithm = adapter(project, doubles.needletail())("euclidean", *arguments)
            algorithm.fit(base)
            algorithm.set_query_arguments(4)
            algorithm.query(queries[0], 10)
            self.assertEqual(algorithm._index.asked, 10)

    def test_vibe_builds_on_one_thread_and_passes_its_arguments_on(self) -> None:
        base, _ = world()
        algorithm = adapter("vibe", doubles.needletail())("cosine", "turbo", 32, 400)
        algorithm.fit(base)
        self.assertEqual(algorithm._index.threads, 1)
        self.assertEqual(algorithm._index.options, {"mode": "turbo", "m": 32, "ef_construction": 400})


class ConfigurationTests(unittest.TestCase):
    """The parts that each project looks up by name."""

    def test_names_in_the_configuration_are_those_of_the_code(self) -> None:
        for project, image in (("ann_benchmarks", "docker_tag"), ("vibe", "singularity_image")):
            folder = HERE / project / "needletail"
            text = (folder / "config.yml").read_text(encoding="utf-8")
            found = dict(re.findall(r"^\s*-?\s*(\w+): (\S+)$", text, flags=re.MULTILINE))
            self.assertEqual(found["module"], f"{project}.algorithms.needletail")
            self.assertIn(f"class {found['constructor']}(BaseANN):", (folder / "module.py").read_text())
            self.assertIn("needletail", found[image])
            self.assertIn(f"{project}/algorithms/needletail/wheel", "".join(
                path.read_text() for path in folder.iterdir() if path.name in ("Dockerfile", "image.def")))

    def test_every_combination_makes_an_index(self) -> None:
        if not importlib.util.find_spec("yaml"):
            self.skipTest("PyYAML is not installed")
        yaml = importlib.import_module("yaml")
        base, queries = world(rows=50)
        text = (HERE / "vibe/needletail/config.yml").read_text(encoding="utf-8")
        definition = yaml.safe_load(text)["float"]["any"][0]
        for group in definition["run_groups"].values():
            # VIBE passes the values by their place, in the order of the file.
            for arguments in combinations(list(group["args"].values())):
                algorithm = adapter("vibe", doubles.needletail())("euclidean", *arguments)
                algorithm.fit(base)
                for query_arguments in combinations(list(group["query_args"].values())):
                    algorithm.set_query_arguments(*query_arguments)
                    self.assertEqual(len(algorithm.query(queries[0], 10)), 10)
        text = (HERE / "ann_benchmarks/needletail/config.yml").read_text(encoding="utf-8")
        definition = yaml.safe_load(text)["float"]["any"][0]
        for group in definition["run_groups"].values():
            # ann-benchmarks passes one dictionary for each group of arguments.
            (options,) = group["arg_groups"]
            for values in combinations([v if isinstance(v, list) else [v] for v in options.values()]):
                algorithm = adapter("ann_benchmarks", doubles.needletail())(
                    "angular", dict(zip(options, values)))
                algorithm.fit(base)
                for query_arguments in combinations(group["query_args"]):
                    algorithm.set_query_arguments(*query_arguments)
                    self.assertEqual(len(algorithm.query(queries[0], 10)), 10)


def combinations(values: list[Any]) -> list[Any]:
    if not values:
        return [[]]
    return [[first, *rest] for first in values[0] for rest in combinations(values[1:])]


if __name__ == "__main__":
    unittest.main()
