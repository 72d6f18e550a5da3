"""What people and machines may look at: health, and under the demo the plain inbox."""

from service.web.app import create_app
from service.web.serve import Server

__all__ = ["Server", "create_app"]
