"""Codes, strengths, equivalents, texts and thresholds: data with sources, and the lookups built from it.

Everything is read from the package itself; only `load_policy` also reads a site's file.
"""

from service.knowledge.concomitant import Concomitant, Concomitants, Role
from service.knowledge.conditions import ConditionRow, Conditions, is_later_visit
from service.knowledge.drugs import DrugMention, Drugs, Ingredient, Product, Strength
from service.knowledge.equivalence import DailyMaximum, Equivalence
from service.knowledge.load import Knowledge, knowledge
from service.knowledge.policy import Policy
from service.knowledge.policy_file import PRESETS, PolicyError, load_policy
from service.knowledge.reviews import ReviewEvidence, Reviews
from service.knowledge.systems import System, system_of
from service.knowledge.table import KnowledgeError
from service.knowledge.texts import Mark, RuleText, SuppressionText, Texts
from service.knowledge.threshold import Threshold

__all__ = [
    "PRESETS",
    "Concomitant",
    "Concomitants",
    "ConditionRow",
    "Conditions",
    "DailyMaximum",
    "DrugMention",
    "Drugs",
    "Equivalence",
    "Ingredient",
    "Knowledge",
    "KnowledgeError",
    "Mark",
    "Policy",
    "PolicyError",
    "Product",
    "ReviewEvidence",
    "Reviews",
    "Role",
    "RuleText",
    "Strength",
    "SuppressionText",
    "System",
    "Texts",
    "Threshold",
    "is_later_visit",
    "knowledge",
    "load_policy",
    "system_of",
]
