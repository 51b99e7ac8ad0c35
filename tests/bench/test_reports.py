"""What the benchmarks make of figures: cells, refusals, goals, baselines, and going on after an interruption."""

import argparse
import doctest
import importlib
import json
import os
import re
from collections import Counter

import pytest

import compare
import results
from load.samples import load_bound, off_rate, percentile
from micro import guard
from report.goals import PROVED, goals, judged, out_of_reach
from report.tables import bar, left, table
from runs import history
from runs.procs import BenchError


def rounds(*rates):
    return [{"rate": rate} for rate in rates]


RESULT = {
    "workload": "echo", "clients": 1000, "server": "reactor", "rate": 50_000.0, "p50": 0.001, "p99": 0.004, "max": 0.02,
    "cpu_per_message": 9.5e-6, "memory": 24 << 20, "memory_each": 1024.0, "threads": 1, "failures": 0, "reason": None,
    "bound": False, "busy": 0.974, "load_busy": 0.6, "rounds": rounds(45_000, 50_000, 55_000),
}  # fmt: skip


def test_a_row_has_a_cell_for_each_header():
    cells = dict(zip(compare.HEADERS, compare.row(RESULT), strict=True))
    assert cells == {
        "clients": "1,000", "server": "reactor", "messages/s": "50,000", "spread": "±10%", "p50 ms": "1.00",
        "p99 ms": "4.00", "max ms": "20.0", "CPU us": "9.50", "server %": "97", "load %": "60", "KiB each": "1.00",
        "MiB": "24.0", "threads": "1", "failed": "0",
    }  # fmt: skip


def test_what_the_generator_limited_is_refused_in_the_cell_and_in_the_chart():
    bound = RESULT | {"bound": True}
    cells = dict(zip(compare.HEADERS, compare.row(bound), strict=True))
    assert {cells[name] for name in ("messages/s", "p50 ms", "p99 ms", "max ms")} == {"load-bound"}
    assert cells["CPU us"] == "9.50"  # what the server did is counted in its own time
    assert "load generator was the bottleneck" in compare.notes([bound])[0]
    assert "nothing to show" in compare.charts([bound])["echo-throughput.svg"]
    assert "points are left out" in compare.charts([bound])["echo-throughput.svg"]
    assert "reactor" in compare.charts([bound])["echo-memory.svg"]
    assert "points are left out" not in compare.charts([bound])["echo-memory.svg"]
    assert "below 95%" in compare.notes([bound])[0]


def test_a_server_that_failed_has_a_row_and_a_reason():
    failed = {
        "workload": "echo", "clients": 10, "server": "x", "rounds": [], "failures": 1, "reason": "it broke"
    }  # fmt: skip
    cells = compare.row(failed)
    assert cells[:3] == ["10", "x", "-"]
    assert cells[-1] == "1"
    assert compare.notes([failed]) == ["x with 10 clients failed: it broke"]
    compare.charts([failed])


def test_on_a_busy_machine_it_does_not_judge_and_says_so():
    disturbed, quiet = RESULT | {"others": 0.25}, RESULT | {"others": 0.02, "server": "threads"}
    cells = dict(zip(compare.HEADERS, compare.row(disturbed), strict=True))
    assert {cells[name] for name in ("messages/s", "p50 ms", "p99 ms", "max ms")} == {"disturbed"}
    assert "other programs had up to 25% of the machine" in compare.notes([disturbed, quiet])[0]
    assert compare.notes([quiet]) == []
    for picture in compare.charts([disturbed, quiet]).values():
        assert ">reactor</text>" not in picture or "resident MiB" in picture
    assert "disturbed points are left out" in compare.charts([disturbed])["echo-cpu.svg"]


@pytest.mark.parametrize(
    ("load", "server", "bound"),
    [
        (0.99, 0.99, False),
        (1.02, 0.86, True),
        (0.90, 0.94, True),
        (0.95, 0.95, False),
        (0.89, 0.10, False),
        (0.95, 1.7, False),
    ],
)
def test_the_generator_is_the_bottleneck_where_it_is_busy_and_the_server_is_not(load, server, bound):
    assert load_bound(load, server) is bound


def test_an_open_load_behind_its_times_is_refused():
    assert [off_rate(late) for late in (None, 0.0, 0.0009, 0.0011)] == [False, False, False, True]
    assert [off_rate(late, 0.050) for late in (0.0049, 0.0051)] == [False, True]  # a tenth of what is shown
    assert off_rate(0.0009, 0.001) is False


def options(**about):
    usual = {"json": None, "svg": None, "only": None, "peers": False, "clients": [10], "workload": ["echo"],
             "python": "python", "markdown": False, "processes": 1, "rounds": 1, "seconds": 1.0,
             "about": {"python": "CPython", "libraries": {}}}  # fmt: skip
    return argparse.Namespace(**(usual | about))


@pytest.mark.parametrize("option", ["json", "svg"])
def test_a_file_that_cannot_be_written_is_noticed_before_anything_is_measured(tmp_path, option):
    (tmp_path / "file").touch()
    with pytest.raises(BenchError, match=f"^--{option} .*file/x: cannot be written: "):
        compare.try_outputs(options(**{option: str(tmp_path / "file" / "x")}))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_disk_that_is_full_is_noticed_before_anything_is_measured():
    with pytest.raises(BenchError, match=r"^--json /dev/full"):
        compare.try_outputs(options(json="/dev/full"))


def test_figures_of_an_earlier_run_stay_until_there_are_new_ones(tmp_path):
    kept = tmp_path / "figures.json"
    kept.write_text("[1]")
    compare.try_outputs(options(json=str(kept)))
    compare.write(options(json=str(kept)), {}, [])
    assert json.loads(kept.read_text()) == [1]


def test_charts_are_written_though_the_figures_cannot_be(tmp_path, capsys):
    assert not compare.write(options(json=str(tmp_path), svg=str(tmp_path)), {}, [RESULT])
    assert (tmp_path / "echo-throughput.svg").exists()
    assert capsys.readouterr().err.startswith("--json ")


def test_what_is_complete_is_written_though_the_run_is_interrupted(tmp_path, monkeypatch):
    def interrupted(_, found):
        found.append(RESULT)
        raise KeyboardInterrupt

    monkeypatch.setattr(compare, "head", lambda _: {"machine": "m"})
    monkeypatch.setattr(compare, "compare", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compare.run(options(json=str(tmp_path / "figures.json")))
    assert len(json.loads((tmp_path / "figures.json").read_text())["results"]) == 1


def test_where_nobody_is_left_to_measure_it_is_said_who_cannot_be_imported(monkeypatch):
    monkeypatch.setattr(compare.procs, "interpreter", lambda _: {"python": "CPython", "libraries": {}})
    with pytest.raises(BenchError, match=r"^nobody is left to measure; cannot be imported, .*: uvloop, trio"):
        compare.head(options(only=["uvloop", "trio"]))
    assert "uvloop" in compare.head(options(only=["uvloop", "reactor"]))["notes"][0]
    joined = options(only=["asyncio+join"], workload=["echo", "lines"])
    assert compare.head(joined)["notes"] == ["nobody to measure in: echo"]
    assert compare.plan(joined) == {"lines": [10]}


def test_percentiles_count_messages_and_not_values():
    latencies = Counter({100: 98, 200: 1, 900: 1})
    assert [percentile(latencies, share) for share in (0.5, 0.98, 0.99, 1.0)] == [1e-4, 1e-4, 2e-4, 9e-4]
    assert percentile(Counter(), 0.5) is None


def test_a_table_lines_up():
    assert table(["a", "bb"], [["x", "1"], ["yy", "22"]]) == "a   bb\nx    1\nyy  22"
    assert table(["a", "bb"], [["x", "1"]], markdown=True).splitlines() == ["| a | bb |", "| - | -: |", "| x |  1 |"]


def test_a_bar_fills_and_says_how_long_it_takes():
    assert [bar(done, 4, 8) for done in (0, 1, 4)] == ["--------", "##------", "########"]
    assert left(3, 4, 180.0) == ", 1:00 left"


def test_talkers_bound_the_deliveries_of_a_turn():
    assert all(compare.talkers(clients) * clients <= compare.DELIVERIES for clients in (2, 10, 1000, 5000, 100_000))


def test_counts_are_sorted_numbers_from_one():
    assert compare.count_list("10,1,10") == [1, 10]
    for text in ("0", "1,x", "", "-3"):
        with pytest.raises(argparse.ArgumentTypeError):
            compare.count_list(text)


def test_only_a_doubling_fails():
    found, baseline = {"a": 2.0, "b": 1.99, "new": 50.0}, {"a": 1.0, "b": 1.0, "gone": 1.0}
    assert guard.doubled(found, baseline) == ["a"]


def test_multiples_do_not_change_with_the_machine():
    slow, fast = ({guard.YARDSTICK: 2.0 * f, "a": 3.0 * f} for f in (1.0, 0.1))
    assert guard.multiples(slow) == pytest.approx(guard.multiples(fast)) == {"a": 1.5}


def test_the_stored_baseline_knows_the_cases_that_there_are():
    stored = json.loads(guard.BASELINE.read_text())["multiples"]
    source = guard.BASELINE.with_name("test_bench.py").read_text()
    assert all(f"def {name.partition('[')[0]}(" in source for name in stored)
    assert all(value > 0 for value in stored.values())


TEXT = """**echo, 100 B: server CPU per message**

| server | CPU us |

- goal: at most 1.00 of uvloop: 1.12, MISSED
- goal: at most 1.00 of asyncio: 0.85, met
- a note
"""


def section(name):
    return results.Section(name, f"About {name}", "cpu", (), ())


def kept(name, status=0, text=TEXT):
    command = f"python3 bench/{name}.py"
    return {"name": name, "command": command, "date": "then", "minutes": 2.0, "status": status, "text": text,
            "others": 0.05, "commit": "abc", "python": "CPython 3.11"}  # fmt: skip


def test_goals_are_found_where_they_are_said():
    assert [(goal["wanted"], goal["found"], goal["state"]) for goal in goals([kept("cpu")], {})] == [
        ("at most 1.00 of uvloop", "1.12", "MISSED"),
        ("at most 1.00 of asyncio", "0.85", "met"),
    ]


def test_a_floor_stands_beside_the_goal_that_is_missed():
    text = "**echo**\n\n- goal: at most 1.00 of uvloop: 1.12, MISSED\n- floor: 1.05 of uvloop in bare Python"
    told = judged(goals([kept("cpu", text=text)], {}), {})
    assert f"- echo, at most 1.00 of uvloop (1.12; floor: 1.05 of uvloop in bare Python; {PROVED})" in told
    assert told.startswith("1 goals: 0 met, 1 missed, 1 of them proved out of reach by their floor.")
    told = judged(goals([kept("cpu", text=text.replace("1.05", "0.99"))], {}), {})
    assert "(1.12; floor: 0.99 of uvloop in bare Python)" in told
    assert "proved" not in told


def test_only_the_floor_beside_the_peer_of_the_goal_proves_anything():
    wanted = "one at a time: at most 1.20 of one server"
    floor = "floor: 1.13 of one server by 2 apart, 1.19 of one server with the least log added, which takes 1.28 of x"
    assert not out_of_reach({"wanted": wanted, "floor": floor})
    assert out_of_reach({"wanted": wanted, "floor": floor.replace("1.13", "1.20")})
    assert not out_of_reach({"wanted": "p99 below 5 ms", "floor": floor})
    assert not out_of_reach({"wanted": wanted})


def test_a_title_and_a_reason_are_told_once_for_all_goals_that_share_them():
    found = goals([kept("cpu"), kept("newest")], {"newest": "newer CPython: "})
    text = judged(found, {})
    assert text.startswith("4 goals: 2 met, 2 missed.")
    assert [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")][2:] == [
        "echo, 100 B: server CPU per message", "", "newer CPython: echo, 100 B: server CPU per message", "",
    ]  # fmt: skip
    _, _, why = text.partition("### Why goals were missed")
    assert why.count("\n- ") == 2
    assert why.count("*Why:* ") == 1


def test_the_page_judges_shows_commands_and_says_what_is_missing_or_failed():
    found = {"cpu": kept("cpu"), "bad": kept("bad", status=1, text="half")}
    was = {"echo, 100 B: server CPU per message | at most of uvloop": 1.5}
    text = results.page([section("cpu"), section("bad"), section("absent")], found, [], was)
    row = next(line for line in text.splitlines() if line.startswith("| echo, 100 B") and "uvloop" in line)
    assert [cell.strip() for cell in row.split("|")[3:6]] == ["1.12", "1.5", "**MISSED**"]
    assert text.count("at most 1.00 of uvloop") == 3  # judged, explained, and where it was found
    assert "Why goals were missed" in text
    assert "`python3 bench/cpu.py`" in text
    assert "failed with status 1" in text
    assert text.count("Not measured.") == 1
    assert "- [About absent](#about-absent)" in text
    assert "\n*Server CPU and memory: " in text


def test_a_second_run_measures_only_what_is_missing_or_has_failed(tmp_path, monkeypatch, capsys):
    measured = []

    def measure(section, options, earlier):
        measured.append(section.name)
        return kept(section.name, status=section.name == "bad" and measured.count("bad") == 1)

    monkeypatch.setattr(results, "measure", measure)
    options = argparse.Namespace(work=tmp_path, again=[], only=None, python="p", newest=None, quick=False, soak=None)
    sections = [section("good"), section("bad")]
    for _ in range(3):
        results.run(sections, options)
    assert measured == ["good", "bad", "bad"]
    options.again = ["good"]
    results.run(sections, options)
    assert measured[3:] == ["good"]


def test_what_others_took_is_told_at_the_head_and_where_it_was_too_much():
    found = {"cpu": kept("cpu"), "udp": kept("udp") | {"others": 0.4, "minutes": 3.0}}
    text = results.page([section("cpu"), section("udp")], found, [], {})
    assert "at most 40% of the machine (section udp); 5 minutes in all" in text
    assert text.count("Measured on a busy machine") == 1


def test_a_section_of_anothers_figures_comes_after_it_and_what_takes_long_only_when_asked(tmp_path, monkeypatch):
    measured = []
    monkeypatch.setattr(results, "measure", lambda one, *_: measured.append(one.name) or kept(one.name))
    sections = [
        results.Section("shown", "", "cpu", (), (), source="figures"),
        results.Section("long", "", "cpu", (), (), apart=True),
        section("figures"),
    ]
    options = argparse.Namespace(work=tmp_path, again=[], only=None, soak=None)
    results.run(sections, options)
    assert measured == ["figures", "shown"]
    options.only = ["long"]
    results.run(sections, options)
    assert measured[2:] == ["long"]


def test_a_long_run_is_shown_with_its_own_command_date_and_commit(tmp_path):
    figures = tmp_path / "figures.json"
    figures.write_text(json.dumps({"seconds": 3730.0, "asked": 3720.0, "seed": 2, "began": "then", "commit": "abc"}))
    assert results.measured_before(figures) == {
        "command": "python3 bench/soak.py --minutes=62 --seed=2 --json FILE --markdown",
        "date": "then", "minutes": 62.2, "others": None, "commit": "abc",
    }  # fmt: skip


def test_the_history_has_a_line_a_commit(tmp_path):
    file = tmp_path / "history.json"
    assert history.read(file) == []
    first, again = kept("cpu"), kept("cpu", text=TEXT.replace("1.12", "1.05"))
    lines = history.put([], history.line("abc", [first], goals([first], {})))
    lines = history.put(lines, history.line("abc", [again], goals([again], {})))
    history.write(file, lines)
    (line,) = history.read(file)
    name = "echo, 100 B: server CPU per message | at most of uvloop"
    assert (line["commit"], line["goals"][name], line["others"]) == ("abc", 1.05, 0.05)
    assert history.earlier(lines, {"cpu": first}) == {}, "nothing is before itself"
    assert history.earlier(lines, {"cpu": first | {"commit": "def"}})[name] == 1.05
    assert len(history.put(lines, history.line("def", [first | {"date": "thou"}], []))) == 2


def test_shown_commands_name_no_path_of_this_machine(tmp_path):
    for one in (*results.SECTIONS, results.NEWEST):
        shown = " ".join(one.command(results.PYTHON, False, tmp_path))
        assert str(tmp_path) not in shown
        assert "/" not in re.sub("bench/|clients/|micro/|charts/", "", shown)


@pytest.mark.parametrize(
    "name",
    [
        "compare",
        "cpu",
        "clients.fetch",
        "micro.guard",
        "load.samples",
        "report.charts",
        "report.goals",
        "report.remarks",
        "report.tables",
        "results",
        "runs.history",
        "runs.others",
        "runs.procs",
    ],
)
def test_the_examples_of_a_module_run(name):
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert tried
    assert not failed
