"""How a comparison came out in total."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.judging.comparison import Comparison
from harness.judging.verdict import Verdict
from harness.wording import counted


@dataclass(frozen=True)
class Tally:
    """Counts of a comparison.

    Attributes:
        compared, differing: deterministic values that both runs hold, and those of them that are another than before.
        common: values that both runs hold.
        verdicts: values by verdict.
        changed_circumstances: what changed around values, so that they need a new baseline, and around how many of them.
    """

    compared: int
    differing: int
    common: int
    verdicts: Mapping[Verdict, int]
    changed_circumstances: Mapping[str, int]

    @property
    def needing_baseline(self) -> int:
        """Values that changed along with their circumstances, so that nobody can judge them."""
        return sum(self.changed_circumstances.values())

    @property
    def judged(self) -> int:
        """Values that both runs hold and that could be judged."""
        return self.common - self.needing_baseline

    def __getitem__(self, verdict: Verdict) -> int:
        return self.verdicts.get(verdict, 0)

    @property
    def lines(self) -> list[str]:
        """The tally as text: the verdicts, what asks for a new baseline, and last the deterministic values."""
        verdicts = ", ".join(f"{self[verdict]:,} {verdict}" for verdict in Verdict if self[verdict])
        lines = [verdicts] if verdicts else []
        lines += [f"{reason} ({counted(count, 'value')})" for reason, count in self.changed_circumstances.items()]
        return [*lines, str(self)]

    def __str__(self) -> str:
        return f"{counted(self.compared, 'deterministic value')} compared, {self.differing} differ{'s' * (self.differing == 1)}"


def tally(comparisons: Iterable[Comparison]) -> Tally:
    """Count the verdicts."""
    comparisons = list(comparisons)
    judged = [c for c in comparisons if c.deterministic and c.in_both]
    return Tally(
        compared=len(judged),
        differing=sum(c.differs for c in judged),
        common=sum(c.in_both for c in comparisons),
        verdicts=Counter(c.verdict for c in comparisons),
        changed_circumstances=Counter(c.reason for c in comparisons if c.needs_baseline),
    )
