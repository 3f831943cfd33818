"""Judges what became of measured values from one run to another (docs/judging.md)."""

from harness.judging.comparison import Comparison, compare
from harness.judging.grouping import Alike, alike
from harness.judging.judged_run import JudgedRun, before_alike, judge_run
from harness.judging.tally import Tally, tally
from harness.judging.thresholds import Threshold, Thresholds
from harness.judging.verdict import Judgement, Verdict

__all__ = [
    "Alike",
    "Comparison",
    "JudgedRun",
    "Judgement",
    "Tally",
    "Threshold",
    "Thresholds",
    "Verdict",
    "alike",
    "before_alike",
    "compare",
    "judge_run",
    "tally",
]
