"""Two ways of doing the same, timed in turns: as a table with its targets and the machine, and an exit status."""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import django

Action = Callable[[], object]

SLICE_SECONDS: Final = 0.25
"""How long one side runs before it is the other's turn, so that what else the machine does hits both."""

DEPTHS: Final = range(0, 128, 5)
"""Frames below a call, in turns. CPython asks the system for its stack in pieces of 16 KB: code that steps over the
end of one thousands of times can take 1.5 times as long, and where the ends are is chance. On average it is not."""


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    rounds: int
    seconds: float


@dataclass
class Tally:
    """Calls of one side in one round."""

    calls: int = 0
    seconds: float = 0

    def run(self, action: Action) -> None:
        started = time.perf_counter()
        until = started + SLICE_SECONDS
        while (now := time.perf_counter()) < until:
            _call_below(DEPTHS[self.calls % len(DEPTHS)], action)
            self.calls += 1
        self.seconds += now - started

    @property
    def per_second(self) -> float:
        return self.calls / self.seconds


def _call_below(frames: int, action: Action) -> None:
    if frames:
        _call_below(frames - 1, action)
    else:
        action()


@dataclass
class Comparison:
    """A target, `at_least` in speed or `at_most` in time, and what the rounds gave: calls per second of either side."""

    target_id: str
    what: str
    at_least: float | None = None
    at_most: float | None = None
    baseline: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)

    def run(self, baseline: Action, ours: Action, effort: Effort) -> None:
        baseline(), ours()  # what is loaded on first use is not what is measured
        for _number in range(effort.rounds):
            tallies = Tally(), Tally()
            until = time.perf_counter() + effort.seconds
            while time.perf_counter() < until:
                tallies[0].run(baseline)
                tallies[1].run(ours)
            self.baseline.append(tallies[0].per_second)
            self.ours.append(tallies[1].per_second)

    @property
    def ratios(self) -> list[float]:
        """Of speed if much is wanted, of time if little is."""
        pairs = zip(self.ours, self.baseline, strict=True)
        return [ours / baseline if self.at_least else baseline / ours for ours, baseline in pairs]

    @property
    def shortfall(self) -> str:
        """By how much the median misses the target; "" if it is met."""
        ratio = statistics.median(self.ratios)
        if self.at_least and ratio < self.at_least:
            return f"{self.target_id} missed: {ratio:.2f}, {1 - ratio / self.at_least:.0%} below {self.at_least}"
        if self.at_most and ratio > self.at_most:
            return f"{self.target_id} missed: {ratio:.2f}, {ratio / self.at_most - 1:.0%} above {self.at_most}"
        return ""

    def row(self) -> str:
        low, middle, high = min(self.ratios), statistics.median(self.ratios), max(self.ratios)
        target = f"at least {self.at_least}" if self.at_least else f"at most {self.at_most}"
        cells = [self.target_id, self.what, self._speed(self.baseline), self._speed(self.ours)]
        return " | ".join(["", *cells, *(f"{ratio:.2f}" for ratio in (low, middle, high)), target, ""]).strip()

    def _speed(self, rates: list[float]) -> str:
        rate = statistics.median(rates)
        return f"{rate:,.0f}/s" if self.at_least else f"{1000 / rate:,.1f} ms"


def effort(description: str | None) -> Effort:
    """From the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=5, help="how many rounds, at least 3 (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=5, help="length of a round (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="one short round: shows that it runs, measures nothing")
    options = parser.parse_args()
    if options.rounds < 3:
        parser.error("three rounds are the least that shows how far they differ")
    return Effort(1, 0.1) if options.quick else Effort(options.rounds, options.seconds)


def report(comparisons: Iterable[Comparison], *faults: str) -> int:
    """Print table, machine and what was missed, `faults` among it; return the exit status."""
    comparisons = list(comparisons)
    print("| | What | Baseline | Ours | Ratio, minimum | median | maximum | Target |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |")
    for comparison in comparisons:
        print(comparison.row())
    print(f"\nRounds: {len(comparisons[0].ratios)}. {machine()}")
    missed = [text for text in (*(comparison.shortfall for comparison in comparisons), *faults) if text]
    print("\n".join(missed) or "Every target is met.")
    return 1 if missed else 0


def machine() -> str:
    python, system = platform.python_version(), platform.system()
    return f"{_processor()}, {os.cpu_count()} cores, {system}, Python {python}, Django {django.__version__}."


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(models), platform.processor() or platform.machine())
