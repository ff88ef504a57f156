"""The group commit: together, in order, one bad piece alone, and no more waiting than there is room for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from school.core.errors import Unavailable
from school.records.commit import GroupCommit


class Store:
    """What was flushed, batch by batch; a negative number cannot be stored and spoils its whole transaction."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()

    def flush(self, works: Sequence[int]) -> list[int | Exception]:
        self.gate.wait(30)
        if any(work < 0 for work in works):
            raise ValueError(works)
        self.batches.append(list(works))
        return [LookupError(work) if work == 13 else work * 2 for work in works]


@pytest.fixture
def store() -> Store:
    return Store()


def together(work: Callable[[int], int], numbers: Sequence[int]) -> list[int | Exception]:
    def attempt(number: int) -> int | Exception:
        try:
            return work(number)
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(numbers)) as pool:
        return list(pool.map(attempt, numbers))


def test_many_become_few_transactions_and_everybody_gets_their_own_answer(store: Store) -> None:
    commit = GroupCommit(store.flush, tick=0.2, size=100)
    assert together(commit.submit, range(14, 64)) == [number * 2 for number in range(14, 64)]
    assert sorted(number for batch in store.batches for number in batch) == list(range(14, 64))
    assert len(store.batches) < 25


def test_an_error_answered_for_one_is_raised_for_that_one_alone(store: Store) -> None:
    commit = GroupCommit(store.flush, tick=0.1, size=100)
    answers = together(commit.submit, [12, 13, 14])
    assert (answers[0], answers[2]) == (24, 28)
    assert isinstance(answers[1], LookupError)


def test_a_piece_that_spoils_the_transaction_stands_alone(store: Store) -> None:
    commit = GroupCommit(store.flush, tick=0.2, size=100)
    answers = together(commit.submit, [1, 2, -3, 4, 5, 6, 7, 8])
    assert isinstance(answers[2], ValueError)
    assert [answer for answer in answers if not isinstance(answer, Exception)] == [2, 4, 8, 10, 12, 14, 16]


def test_a_full_batch_does_not_wait_for_the_tick(store: Store) -> None:
    commit = GroupCommit(store.flush, tick=60, size=4)
    assert together(commit.submit, [1, 2, 3, 4]) == [2, 4, 6, 8]


def test_when_too_much_waits_the_next_is_told_to_come_again(store: Store) -> None:
    commit = GroupCommit(store.flush, tick=0.01, size=2, limit=3)
    store.gate.clear()
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(commit.submit, number) for number in (1, 2, 3)]
        while commit.waiting < 3:
            pass
        with pytest.raises(Unavailable) as refused:
            commit.submit(4)
        assert refused.value.code == "commit.full"
        store.gate.set()
        assert [one.result(30) for one in waiting] == [2, 4, 6]
    assert commit.submit(5) == 10


def test_a_database_that_is_away_is_said_to_all_of_the_batch_at_once() -> None:
    tries = []

    def flush(works: Sequence[int]) -> list[int | Exception]:
        tries.append(len(works))
        raise Unavailable("database.busy", "系统正忙")

    commit: GroupCommit[int, int] = GroupCommit(flush, tick=0.2, size=100)
    answers = together(commit.submit, [1, 2, 3, 4])
    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert sum(tries) == 4
