"""When is a review due, how soon, and what mutes it?  (rules.md)"""

from service.rules.case import Case
from service.rules.judge import Verdict, judge

__all__ = ["Case", "Verdict", "judge"]
