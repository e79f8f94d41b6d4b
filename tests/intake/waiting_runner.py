"""The real runner beside a request that waits for its run: it answers doorbells as they come, until the block ends."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from intake.deployment import Deployment


@contextmanager
def runner_at_work(deployment: Deployment) -> Iterator[None]:
    """Answer the deployment's doorbells from another thread."""
    is_over = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            while not is_over.wait(0.02):
                deployment.answer_doorbells()
        except BaseException as error:  # noqa: BLE001 -- shown by the thread that waits
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
    assert failures == []
