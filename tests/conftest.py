"""Settings of all tests: none of them depends on how fast this computer is at the moment, nor on what else runs on it."""

from hypothesis import HealthCheck, settings

settings.register_profile("whatever the pace", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("whatever the pace")
