from support.lane_fixtures import lane, provider, stack

__all__ = ["lane", "provider", "stack"]
