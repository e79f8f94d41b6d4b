from hypothesis import settings

# The same examples every time, and no deadline: a busy machine is no failure.
settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.load_profile("steady")
