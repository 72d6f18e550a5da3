"""The main job: discover → gather → assess → reconcile → deliver."""

from service.cycle.run import LeaseHeldError, run_cycle

__all__ = ["LeaseHeldError", "run_cycle"]
