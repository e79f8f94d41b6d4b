"""Probes transform_parameters: SAM decides by a parameter's value, not by its default."""

from embedded_aws import ROLE, EmbeddedAws

CORRECTION = "transform_parameters"


def test_release_of_a_parameter_names_the_version(aws: EmbeddedAws, stack_name: str) -> None:
    properties = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": ROLE,
        "InlineCode": "def handler(event, context): return 1",
        "AutoPublishAlias": "live",
        "AutoPublishCodeSha256": {"Ref": "Release"},
    }
    outputs = aws.deploy(
        stack_name,
        {"Released": {"Type": "AWS::Serverless::Function", "Properties": properties}},
        {"Release": "second"},
        Transform="AWS::Serverless-2016-10-31",
        Parameters={"Release": {"Type": "String", "Default": "first"}},
        Outputs={"Release": {"Value": {"Ref": "Release"}}},
    )
    live = aws.client("lambda").get_function_configuration(FunctionName=outputs["Released"], Qualifier="live")
    assert (live["Description"], outputs["Release"]) == ("second", "second")
