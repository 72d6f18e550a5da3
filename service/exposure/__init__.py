"""What the record implies: supplies, episodes, dose and dependence (exposure.md §3–§6)."""

from service.exposure.exposure import Exposure, build_exposure

__all__ = ["Exposure", "build_exposure"]
