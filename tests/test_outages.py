"""The figures of the outages: counted right, and written where the page has room for them."""

from benchmarks.outages import BEGIN, PAGE, table
from benchmarks.speed.report import END, with_figures

ROW = {
    "check": "replica",
    "trouble": "killed",
    "revoked": 1400,
    "wrong": 0,
    "answers": {"200": 1400, "401": 2100, "503": 500},
    "logouts": {"204": 1400, "503": 30},
}


def test_the_table_holds_each_trouble_and_the_sum_of_each_way_to_check() -> None:
    paused = {**ROW, "trouble": "paused", "wrong": 1, "answers": {"401": 1000}, "logouts": {}}
    strict = {**ROW, "check": "strict"}
    assert table([ROW, paused, strict]).splitlines()[2:] == [
        "| `replica` | killed | 1,400 | 30 | 4,000 | 12.5% | 0 |",
        "| `replica` | paused | 1,400 | 0 | 1,000 | 0.0% | 1 |",
        "| `replica` | all of it | 2,800 | 30 | 5,000 | 10.0% | 1 |",
        "| `strict` | killed | 1,400 | 30 | 4,000 | 12.5% | 0 |",
        "| `strict` | all of it | 1,400 | 30 | 4,000 | 12.5% | 0 |",
    ]


def test_the_page_takes_the_table_and_keeps_its_prose() -> None:
    before, after = PAGE.read_text("utf-8").split(BEGIN)[0], PAGE.read_text("utf-8").split(END)[1]
    assert (
        with_figures(PAGE.read_text("utf-8"), "new", BEGIN) == f"{before}{BEGIN}\nnew\n{END}{after}"
    )
