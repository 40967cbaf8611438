"""One machine's part of a run that several machines share."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.matrix.jobs import Job


@dataclass(frozen=True)
class Shard:
    """One machine's part of the jobs; together the parts hold each job once."""

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Return the part that "2/4" means.

        Raises:
            ValueError: There is no such part.
        """
        number, _, count = text.partition("/")
        shard = cls(int(number), int(count))
        if not 1 <= shard.number <= shard.count:
            raise ValueError(f"a shard is 1/4 to 4/4, not {text}")
        return shard

    def of(self, jobs: Sequence[Job]) -> list[Job]:
        """Return this part: every fourth job of four, since neighbours are alike in length."""
        return list(jobs[self.number - 1 :: self.count])


WHOLE = Shard()
