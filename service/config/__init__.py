"""Settings: all of them, every problem at once, and where each value came from (interfaces.md).

Order: command line, then environment (`REVIEWDUE_SOURCE__MAIN__BASE_URL`), then file, then default.
"""

from service.config.load import Loaded, load
from service.config.problems import ConfigError
from service.config.settings import BearerAuth, NoAuth, Settings, SourceSettings

__all__ = ["BearerAuth", "ConfigError", "Loaded", "NoAuth", "Settings", "SourceSettings", "load"]
