"""The share of dosage texts that are read."""

from service.normalise.share_read import share_read
from service.record.group import Traits, group
from service.record.read import read
from tests.normalise.build import NORMALISER
from tests.record.build import a_line, an_order, raw


def share(*orders):
    readings = [read(raw(one), f"x.ndjson:{n}") for n, one in enumerate(orders, 1)]
    return share_read(group(readings, traits=Traits()), NORMALISER)


def test_texts_of_orders_in_scope_are_counted_as_read_or_not():
    found = share(
        an_order(id="a", dosageInstruction=[{"text": "1 tablet at night"}]),
        an_order(id="b", dosageInstruction=[{"text": "as directed"}, {"text": "at night"}]),
        an_order(id="c", dosageInstruction=[a_line(text="at night")]),
        an_order(id="d", dosageInstruction=[a_line()]),
    )
    assert (found.read, found.texts, found.share) == (2, 4, 0.5)
    assert dict(found.unread) == {"as directed": 1, "at night": 1}


def test_other_drugs_and_orders_that_do_not_count_are_left_out():
    found = share(
        an_order(
            id="a", medicationCodeableConcept={"text": "amlodipine 5 mg"}, dosageInstruction=[{"text": "x"}]
        ),
        an_order(id="b", status="draft", dosageInstruction=[{"text": "x"}]),
    )
    assert (found.texts, found.share) == (0, None)
