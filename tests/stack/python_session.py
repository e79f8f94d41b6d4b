"""Runs the Python blocks of one page, one after another in one namespace: each line of input is one block, as JSON.

Answers each with a line of JSON: what went wrong, or null.
"""

import json
import sys
import traceback

answers, sys.stdout = sys.stdout, sys.stderr
namespace = {"__name__": "__main__"}
for line in sys.stdin:
    name, text = json.loads(line)
    try:
        exec(compile(text, name, "exec"), namespace)  # noqa: S102 -- running the pages' code is what this is for
        answers.write("null\n")
    except BaseException:  # noqa: BLE001 -- whatever it is, it is the answer
        answers.write(json.dumps(traceback.format_exc()) + "\n")
    answers.flush()
