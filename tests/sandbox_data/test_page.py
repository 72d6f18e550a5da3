"""What of the committed page can be checked without the data itself."""

import re

from tests.sandbox_data.assessing import DAYS, input_hash
from tests.sandbox_data.by_hand import BY_HAND
from tests.sandbox_data.page import by_hand, strangest
from tests.sandbox_data.place import PAGE
from tests.sandbox_data.strangest import STRANGEST


def test_the_page_has_a_hash_for_each_folder_and_a_row_for_each_day():
    text = PAGE.read_text(encoding="utf-8")
    hashed = dict(re.findall(r"^\| ([\w-]+) \| ([0-9a-f]{16}) \|$", text, re.MULTILINE))
    rows = re.findall(r"^\| ([\w-]+) \| (\d{4}-\d\d-\d\d) \|", text, re.MULTILINE)
    assert hashed.keys() == DAYS.keys()
    assert rows == [(folder, str(day)) for folder, days in DAYS.items() for day in days]


def test_at_least_ten_patients_were_read_by_hand_and_stand_on_the_page():
    assert len({(case.folder, case.patient) for case in BY_HAND}) >= 10
    assert PAGE.read_text(encoding="utf-8").endswith(by_hand())


def test_ten_strange_orders_were_read_by_hand_and_stand_on_the_page():
    assert len({(order.folder, order.reference) for order in STRANGEST}) >= 10
    assert strangest() in PAGE.read_text(encoding="utf-8")


def test_the_hash_of_a_folder_tells_names_and_contents_apart(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    first = input_hash(tmp_path)
    (tmp_path / "a.json").rename(tmp_path / "b.json")
    renamed = input_hash(tmp_path)
    (tmp_path / "b.json").write_text("[]")
    assert len({first, renamed, input_hash(tmp_path)}) == 3
