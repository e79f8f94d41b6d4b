"""Probes function_packages: where code and layers are found."""

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from embedded_aws import EmbeddedAws, function

CORRECTION = "function_packages"
WHERE = """
import os, time, shared
def handler(event, context):
    time.sleep(1)
    return [os.getpid(), shared.HERE]
"""


def test_code_is_found_before_layers(aws: EmbeddedAws, stack_name: str) -> None:
    layer = publish_layer(aws, stack_name, {"python/index.py": "def handler(event, context): return 'layer'"})
    own = function("def handler(event, context): return 'code'", layer)
    assert aws.invoke(aws.deploy(stack_name, {"Own": own})["Own"]) == "code"


def test_layer_is_unpacked_once_for_all_workers(aws: EmbeddedAws, stack_name: str) -> None:
    layer = publish_layer(aws, stack_name, {"python/shared.py": "HERE = __file__"})
    name = aws.deploy(stack_name, {"Shares": function(WHERE, layer)})["Shares"]
    with ThreadPoolExecutor(2) as threads:
        workers, places = zip(*threads.map(lambda _: aws.invoke(name), range(2)), strict=True)
    assert len(set(workers)) == 2
    assert len(set(places)) == 1


@pytest.mark.both_ways
def test_last_layer_wins(aws: EmbeddedAws, stack_name: str) -> None:
    layers = [publish_layer(aws, f"{stack_name}-{order}", {"python/shared.py": f"ORDER = {order}"}) for order in (1, 2)]
    name = aws.deploy(stack_name, {"Reads": function("import shared\ndef handler(e, c): return shared.ORDER", *layers)})
    assert aws.invoke(name["Reads"]) == 2


def publish_layer(aws: EmbeddedAws, name: str, files: dict[str, str]) -> str:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    arn: str = aws.client("lambda").publish_layer_version(LayerName=name, Content={"ZipFile": content.getvalue()})[
        "LayerVersionArn"
    ]
    return arn
