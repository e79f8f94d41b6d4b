"""Operations on the service itself."""

from nightshift.domain.display import Json
from nightshift.version import VERSION
from operations import Request, operation


@operation("Tell that the service answers, and its version", returns="HealthResponse")
def health(_request: Request) -> Json:
    return {"status": "ok", "version": VERSION}
