"""Probes queue_locking, inside MiniStack: a message that arrives in the middle of a sweep."""

import os
import subprocess

from embedded_aws import PYTHON, ROOT

CORRECTION = "queue_locking"

SEND_DURING_SWEEP = """
import json, sys, threading
from ministack.services import sqs
if sys.argv[1] != "uncorrected":
    from emulator.corrections import queue_locking
    queue_locking.apply()

def attributes(name, **more): return {"QueueName": name, "Attributes": more}
letters = sqs._HANDLERS["CreateQueue"](attributes("letters"), "")["QueueUrl"]
arn = sqs._get_q(letters)["attributes"]["QueueArn"]
policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})
url = sqs._HANDLERS["CreateQueue"](attributes("work", RedrivePolicy=policy), "")["QueueUrl"]

def send(body): sqs._HANDLERS["SendMessage"]({"QueueUrl": url, "MessageBody": body}, url)

class SendsWhileIterated(list):
    def __iter__(self):
        yield from list(super().__iter__())
        sender = threading.Thread(target=send, args=("second",))
        sender.start()
        sender.join(timeout=0.3)  # under the lock it can't finish before the sweep does

send("first")
queue = sqs._get_q(url)
queue["messages"] = SendsWhileIterated(queue["messages"])
with sqs._queues_lock:  # as the poll thread does
    sqs._dlq_sweep(queue)
for thread in threading.enumerate():
    if thread is not threading.main_thread() and not thread.daemon:
        thread.join()
print(sorted({message["body"] for message in queue["messages"]}))
"""


def test_message_sent_during_a_sweep_is_kept(without: str) -> None:
    side = "uncorrected" if without else "corrected"
    completed = subprocess.run(  # noqa: S603 - our own program
        [PYTHON, "-c", SEND_DURING_SWEEP, side],
        env={**os.environ, "PYTHONPATH": str(ROOT / "ops" / "local")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert completed.stdout.strip() == "['first', 'second']"
