"""How far this machine's cores scale for work that touches no memory: the yardstick of a search's scaling.

    python3 arithmetic.py CORE START SECONDS

counts modular powers on one core from START (of the system's monotonic clock) for SECONDS. One power of 2 048-bit
integers multiplies and adds a few kilobytes for about ten milliseconds: first-level cache and arithmetic, nothing
else. Processes instead of threads, because Python's lock would otherwise be what is measured.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence

#: Time that every process has to start before the common beginning.
LEAD = 0.25


def count(core: int, start: float, seconds: float) -> float:
    """Powers a second on `core`. Whole powers are counted over the time that they took."""
    os.sched_setaffinity(0, {core})
    modulus = (1 << 2048) - 1942289
    number, done = 3 << 2000, 0
    while time.monotonic() < start:
        pass
    begun = time.monotonic()
    while (now := time.monotonic()) < begun + seconds:
        number = pow(number, modulus - 2, modulus)
        done += 1
    return done / (now - begun)


def rate(cores: Sequence[int], seconds: float = 0.5) -> float:
    """Powers a second of one process on each of `cores`, all at the same time."""
    start = time.monotonic() + LEAD
    processes = [
        subprocess.Popen(
            [sys.executable, __file__, str(core), str(start), str(seconds)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True) for core in cores]
    rates = [float(process.communicate()[0]) for process in processes]
    return sum(rates)


if __name__ == "__main__":
    print(count(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))
