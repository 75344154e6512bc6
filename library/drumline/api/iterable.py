"""The torch view of a dataset, in a module of its own: it alone imports torch."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from torch.utils.data import IterableDataset, get_worker_info

if TYPE_CHECKING:
    from drumline.api.dataset import Dataset, Example


class IterableExamples(IterableDataset["Example"]):
    """Examples in order, divided among the workers of a ``DataLoader`` in consecutive stretches."""

    def __init__(self, dataset: "Dataset") -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __iter__(self) -> Iterator["Example"]:
        worker = get_worker_info()
        number, count = (worker.id, worker.num_workers) if worker is not None else (0, 1)
        total = len(self.dataset)
        return (self.dataset[index] for index in range(total * number // count, total * (number + 1) // count))
