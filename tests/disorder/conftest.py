from performance.data_path import path
from support.lane_fixtures import lane, provider, stack

__all__ = ["lane", "path", "provider", "stack"]
