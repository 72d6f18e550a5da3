"""A small honest FHIR R4 server in memory: the demo's EHR, and what the tests' hostile one is made from."""

from service.sandbox.app import create_app
from service.sandbox.interactions import Interactions
from service.sandbox.server import serve
from service.sandbox.store import Store

__all__ = ["Interactions", "Store", "create_app", "serve"]
