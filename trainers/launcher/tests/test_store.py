from __future__ import annotations

import tempfile
import unittest
from pathlib import Path
from unittest import mock

from slipway_launcher.store import FileStore, patiently
from slipway_launcher.store_fault import StoreFault


class Patience(unittest.TestCase):
    def outage(self, seconds: float, transient: bool = True) -> tuple[list[float], object]:
        """Works against a store that fails for so long, by a clock that sleeping moves; gives the times of the tries."""
        now, tries = [0.0], []

        def work() -> str:
            tries.append(now[0])
            if now[0] < seconds:
                raise StoreFault("503 SlowDown", transient)
            return "stored"

        def sleep(pause: float) -> None:
            now[0] += pause

        with mock.patch("slipway_launcher.store.time.sleep", sleep), mock.patch("slipway_launcher.store.time.monotonic", lambda: now[0]):
            try:
                return tries, patiently(work)
            except StoreFault as fault:
                return tries, fault

    def test_an_outage_of_minutes_costs_no_output_and_few_requests(self) -> None:
        tries, end = self.outage(60)
        self.assertEqual(end, "stored")
        self.assertLessEqual(len(tries), 10)
        self.assertEqual(self.outage(500)[1], "stored")

    def test_pauses_grow_and_are_not_the_same_for_all(self) -> None:
        pauses = [[after - before for before, after in zip(tries, tries[1:], strict=False)] for tries in (self.outage(60)[0], self.outage(60)[0])]
        self.assertNotEqual(pauses[0], pauses[1])
        self.assertGreater(pauses[0][5], pauses[0][0])

    def test_a_store_that_stays_away_is_told_and_a_refusal_at_once(self) -> None:
        self.assertIsInstance(self.outage(1e9)[1], StoreFault)
        tries, end = self.outage(1, transient=False)
        self.assertIsInstance(end, StoreFault)
        self.assertEqual(len(tries), 1)


class Once(unittest.TestCase):
    def test_what_is_there_stays_and_the_second_writer_is_told(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            uri = f"file://{folder}/jobs/owner"
            self.assertTrue(FileStore().put_new(uri, b"first"))
            self.assertFalse(FileStore().put_new(uri, b"second"))
            self.assertEqual(b"".join(FileStore().chunks(uri)), b"first")
            self.assertEqual([file.name for file in (Path(folder) / "jobs").iterdir()], ["owner"])
