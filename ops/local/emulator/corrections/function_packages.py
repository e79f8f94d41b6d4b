"""Layers are unpacked once, and code is found before layers.

AWS: ``sys.path`` begins with the function's code (/var/task), then its layers (/opt/python). An environment starts
from files that are unpacked already.

Stock MiniStack: layers come before the code, so a layer can shadow it. Every worker unpacks every layer into a folder
of its own, where the bytecode has to be compiled anew: seconds for each cold start with our dependencies.

NATIVE_PACKAGES names a folder that goes before the layers, where compiled packages built for Lambda would not run.
"""

import functools
import hashlib
import io
import os
import shutil
import threading
import zipfile
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from emulator.expectations import ExpectationError, expect_source, expect_text

LAYERS_KEPT = 8
"""Unpacked layers that are kept, the most recently used ones."""

PATH_COMPLETE = "    # After sys.path is complete (so a function"
CODE_FIRST = "    sys.path.remove(code_dir)\n    sys.path.insert(0, code_dir)\n"

_lock = threading.Lock()


def apply() -> None:
    """Hand every worker the shared folders of its layers, and put its code first on the path."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    expect_text(script, "the Python worker script", PATH_COMPLETE, 'os.environ.get("_LAMBDA_LAYERS_DIRS"')
    expect_source(lambda_svc._resolve_layer_zip, "_zip_data")
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(PATH_COMPLETE, CODE_FIRST + PATH_COMPLETE, 1)
    stock_spawn = lambda_runtime.Worker._spawn

    @functools.wraps(stock_spawn)
    def spawn(worker: Any) -> None:
        config = worker.config
        if not config.get("Layers") or not str(config.get("Runtime", "")).startswith("python"):
            stock_spawn(worker)
            return
        # The worker's script puts each folder before the one before it, so that the last would win; on AWS the
        # layers are merged into one folder and the last one wins as well.
        folders = [str(_unpacked(_content_of(layer))) for layer in config["Layers"]]
        if native := os.environ.get("NATIVE_PACKAGES"):
            folders.append(native)
        variables = {
            **(config.get("Environment") or {}).get("Variables", {}),
            "_LAMBDA_LAYERS_DIRS": os.pathsep.join(folders),
        }
        worker.config = {**config, "Layers": [], "Environment": {"Variables": variables}}
        try:
            stock_spawn(worker)
        finally:
            worker.config = config

    lambda_runtime.Worker._spawn = spawn


def _content_of(layer: Any) -> bytes:
    content = lambda_svc._resolve_layer_zip(layer)
    if not isinstance(content, bytes):
        raise ExpectationError(f"layer {layer} has no content")
    return content


def _unpacked(content: bytes) -> Path:
    """The folder with the layer's files, unpacked at the first use."""
    shared = Path(os.environ.get("LAYER_DIR") or Path(gettempdir()) / "layers")
    folder = shared / hashlib.sha256(content).hexdigest()[:32]
    with _lock:
        if not folder.is_dir():
            shared.mkdir(parents=True, exist_ok=True)
            fresh = Path(mkdtemp(prefix=".unpacking-", dir=shared))
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                archive.extractall(fresh)
            fresh.rename(folder)
            _forget_oldest(shared)
        os.utime(folder)
    return folder


def _forget_oldest(shared: Path) -> None:
    folders = sorted(shared.iterdir(), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in folders[LAYERS_KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)
