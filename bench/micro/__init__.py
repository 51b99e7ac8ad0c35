"""One part alone, in the process that measures.

timers       set and cancelled, beside other loops
wakeup       calls from other threads
test_bench   the micro-benchmarks of parsers, buffers and timers, for pytest-benchmark
guard        runs those, and fails on a doubling against baseline.json
"""
