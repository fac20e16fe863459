"""What a page of metrics says, as a test asks it."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Read:
    """Samples by name and labels."""

    samples: dict[tuple[str, Labels], float]

    def value(self, name: str, **labels: str) -> float:
        """The sample with exactly these labels."""
        return self.samples[name, frozenset(labels.items())]

    def total(self, name: str, **labels: str) -> float:
        """The sum of the samples that have these labels, whatever others they have."""
        wanted = labels.items()
        return sum(v for (found, has), v in self.samples.items() if found == name and wanted <= has)

    def names(self) -> set[str]:
        return {name for name, _ in self.samples}


def read(text: str) -> Read:
    """By Prometheus' own reader of its text format."""
    samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in samples, key
            samples[key] = sample.value
    return Read(samples)
