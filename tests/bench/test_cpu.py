"""What bench/cpu.py makes of the rounds: the kernel's part, the floors of a goal; and instructions without valgrind."""

import os
import subprocess
import sys

import cpu
from runs import procs


def test_the_kernels_part_is_of_all_rounds_and_is_not_told_where_the_system_does_not():
    usual = {"cpu": 2.0, "cpu_per_message": 1e-6, "rate": 1.0, "busy": 1.0, "load_busy": 1.0}
    ours = cpu.Contender("reactor", None, rounds=[usual | {"kernel": 1.0}, usual | {"kernel": 2.0}])
    unknown = cpu.Contender("asyncio", None, rounds=[usual | {"kernel": None}, usual | {"kernel": 2.0}])
    cells = [dict(zip(cpu.HEADERS, cpu.cost_row(one.name, one, ours), strict=True)) for one in (ours, unknown)]
    assert [one["in the kernel"] for one in cells] == ["75%", "-"]


def test_a_server_tells_what_the_kernel_did_for_it():
    itself = object.__new__(procs.Server)
    itself.pid = os.getpid()
    assert itself.kernel() is None or 0 <= itself.kernel() <= os.times().system + 0.02


def goal_of(us, **costs):
    contenders = {name: cpu.Contender(name, None, rounds=[{"cpu_per_message": cost}]) for name, cost in costs.items()}
    return cpu.floor(cpu.Goal("uvloop", 1.0, us), contenders)


def test_all_floors_stand_below_a_goal_that_of_batches_with_batches():
    assert goal_of(cpu.US, uvloop=2.0, bare=1.0, contract=1.5) == [
        "floor: 0.500 of uvloop in bare Python, 0.750 of uvloop with the contract"
    ]
    assert goal_of(cpu.BATCH, uvloop=2.0, contract=1.5, **{"contract+batch": 1.2}) == [
        "floor: 0.600 of uvloop with the contract"
    ]
    assert goal_of(cpu.US, uvloop=2.0, contract=1.5, promises=1.8) == [
        "floor: 0.750 of uvloop with the contract, 0.900 of uvloop with a server's promises"
    ]
    assert goal_of(cpu.US, uvloop=2.0) == goal_of(cpu.US, bare=2.0) == []


def test_without_valgrind_no_instructions_are_counted_and_it_says_so(tmp_path):
    program = [sys.executable, str(procs.BENCH / "instructions.py"), "--alone", "--only", "lines-1"]
    done = subprocess.run(program, env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, "valgrind is not installed: no instructions are counted\n")
