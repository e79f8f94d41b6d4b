"""What became of a tool that was run outside a run, as the API shows it."""

from nightshift.domain.display import Json
from nightshift.tools.sandbox import SandboxResult


def show_result(result: SandboxResult) -> Json:
    """Show a result as ToolExecutionResult."""
    return {
        "status": result.status,
        "func_return": result.text,
        "stdout": list(result.stdout),
        "stderr": list(result.stderr),
        "agent_state": None,
        "sandbox_config_fingerprint": None,
    }
