"""What the reader of clinical tables refuses, with file and line."""

import pytest

from service.knowledge.table import KnowledgeError, Row, read_table


def rows(text: str) -> list[Row]:
    return list(read_table("t.csv", text, ("code", "mg")))


def test_a_row_knows_its_line_also_after_a_cell_of_two_lines() -> None:
    found = rows('code,mg,source\n1,"2\n",a\n3,4,b\n')
    assert [(row.line, row["code"], row["mg"], row["source"]) for row in found] == [
        (3, "1", "2", "a"),
        (4, "3", "4", "b"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("code,mg,source\n1,2,a\n3,4,\n", "t.csv:3: source is missing"),
        ("code,mg,source\n1,2,   \n", "t.csv:2: source is missing"),
        ("code,mg\n1,2\n", "t.csv:1: column source is missing"),
        ("code,source\n1,a\n", "t.csv:1: column mg is missing"),
        ("", "t.csv:1: column code, mg, source is missing"),
        ("code,mg,source,mg\n1,2,a,3\n", "t.csv:1: a column stands twice"),
        ("code,mg,source\n1,2,a\n1,2\n", "t.csv:3: 2 cells under 3 columns"),
        ("code,mg,source\n1,2,a,b\n", "t.csv:2: 4 cells under 3 columns"),
        ('code,mg,source\n1,2,"a\n', "t.csv:2: unexpected end of data"),
    ],
)
def test_a_table_that_cannot_be_trusted_is_refused(text: str, message: str) -> None:
    with pytest.raises(KnowledgeError) as refused:
        rows(text)
    assert str(refused.value) == message


@pytest.mark.parametrize("cell", ["", "0", "-1", "nan", "inf", "1 mg", "1,5"])
def test_a_number_is_a_number_above_zero(cell: str) -> None:
    row = rows(f'code,mg,source\n1,"{cell}",a\n')[0]
    with pytest.raises(KnowledgeError, match=r"^t.csv:2: mg is '.*', not a number above 0$"):
        row.number("mg")
