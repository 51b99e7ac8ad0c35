"""What a long run gave, for people: tables, sentences about goals, charts. Pure: from figures to text."""

from collections import Counter

from report.charts import Chart, render
from report.tables import figure, paragraph, table
from soaking.verdict import LAG_MORE, LAG_TIMES, MEMORY_MORE, MEMORY_SHARE, ends, lag_is_flat, memory_is_flat, our_doing

MIB = 1 << 20
HEADERS = ["server", "MiB after a tenth", "at the end", "descriptors before", "at most", "after", "lag p99 ms",
           "highest", "CPU %"]  # fmt: skip
ENDED = "connections that ended with an exception, by reason: visitors reset, stall and flood on purpose"
FAULTS = 20  # kinds that are listed


def living(samples: list[dict]) -> list[dict]:
    """Without the first and the last, when nobody is there."""
    return samples[1:-1] or samples


def row(name: str, figures: dict) -> list[str]:
    """One server."""
    samples = figures["samples"][name]
    kept = living(samples)
    memory = [figure(value / MIB) for value in ends([sample["memory"] for sample in kept])]
    open_ = [samples[0]["descriptors"], max(sample["descriptors"] for sample in kept), samples[-1]["descriptors"]]
    lags = [1e3 * sample["lag"] for sample in kept if sample["lag"] is not None]
    lag = [figure(ends(lags)[1]), figure(max(lags))] if lags else ["-", "-"]
    return [name, *memory, *map(str, open_), *lag, figure(100 * figures["cpu"][name] / figures["seconds"], 2)]


def lost(figures: dict) -> dict[str, Counter[str]]:
    """Connections that ended with an exception, by server."""
    return {name: Counter(samples[-1]["lost"]) for name, samples in figures["samples"].items()}


def goals(figures: dict) -> list[str]:
    """The verdict, a sentence for each thing that was to be so."""
    samples = figures["samples"]
    memory = {name: [sample["memory"] for sample in living(found)] for name, found in samples.items()}
    lags = {name: [sample["lag"] for sample in living(found) if sample["lag"] is not None]
            for name, found in samples.items()}  # fmt: skip
    grown = {name: 100 * (ends(values)[1] / ends(values)[0] - 1) for name, values in memory.items()}
    most = max(grown, key=lambda name: grown[name])
    left = {name: found[-1]["descriptors"] - found[0]["descriptors"] for name, found in samples.items()}
    ours = our_doing(sum(lost(figures).values(), Counter()))
    slow = [name for name, values in lags.items() if values and not lag_is_flat(values)]
    return [
        goal(
            f"memory flat after the first tenth, at most {100 * MEMORY_SHARE:.0f} % and {MEMORY_MORE // MIB} MiB more",
            f"{grown[most]:+.1f} % ({most})", all(memory_is_flat(values) for values in memory.values()),
        ),
        goal("all descriptors closed at the end", f"{max(0, *left.values())} left", max(left.values()) <= 0),
        goal(
            f"lag flat, its p99 at most {LAG_TIMES:.0f} times what it was and {1e3 * LAG_MORE:.0f} ms more",
            f"grown on {len(slow)} servers", not slow,
        ),
        goal("no connection lost by a fault of ours", f"{sum(ours.values()):g} lost", not ours),
        goal(
            "nothing lost that was acknowledged, one order everywhere, files whole",
            f"{sum(figures['faults'].values())} faults", not figures["faults"],
        ),
    ]  # fmt: skip


def goal(wanted: str, found: str, met: bool) -> str:
    return f"goal: {wanted}: {found}, {'met' if met else 'MISSED'}"


def counts(figures: dict) -> list[list[str]]:
    """How much there was of everything."""
    whole = figures["whole"]
    return [
        ["people who stayed in a chat", f"{figures['hosts']:,}"],
        ["visitors", f"{figures['visitors']:,}"],
        ["lines heard by all / promised", f"{figures['said']:,} / {figures['promised']:,}"],
        ["deliveries of them", f"{figures['heard']:,}"],
        *([name, f"{whole[name]:,}"] for name in sorted(whole)),
    ]


def show(figures: dict, markdown: bool) -> str:
    """All of it as text."""
    minutes = figures["seconds"] / 60
    share = 100 * (figures["load_cpu"] + sum(figures["cpu"].values())) / figures["seconds"]
    ended_early = ", interrupted" if figures["interrupted"] else ""
    facts = [
        figures["machine"],
        f"{minutes:.1f} minutes{ended_early}, seed {figures['seed']}",
        f"servers and load together took {share:.0f} % of one core",
    ]
    ended = lost(figures)
    reasons = sorted(set().union(*ended.values()))
    rows = [[name, *(str(found[reason]) for reason in reasons)] for name, found in ended.items()]
    parts = [
        paragraph(facts, markdown),
        heading("servers in a long run", markdown),
        table(HEADERS, [row(name, figures) for name in figures["samples"]], markdown),
        paragraph(goals(figures), markdown),
        heading(ENDED, markdown),
        table(["server", *reasons], rows, markdown),
        heading("what went on", markdown),
        table(["", "number"], counts(figures), markdown),
    ]
    if figures["faults"]:
        shown = [f"{fault} ({times})" for fault, times in list(figures["faults"].items())[:FAULTS]]
        parts += [heading("faults", markdown), paragraph(shown, markdown)]
    return "\n\n".join(parts)


def heading(text: str, markdown: bool) -> str:
    return f"**{text}**" if markdown else text


def charts(figures: dict) -> dict[str, str]:
    """Pictures by file name."""
    samples = figures["samples"]

    def draw(title: str, label: str, of: dict[str, list[tuple[float, float | None]]]) -> str:
        return render(Chart(title, label, of, "minutes", linear=True, dots=False))

    def over_time(key: str, scale: float) -> dict[str, list[tuple[float, float | None]]]:
        return {
            name: [(sample["at"] / 60, None if sample[key] is None else sample[key] * scale) for sample in found]
            for name, found in samples.items()
        }

    reasons = sorted({reason for found in samples.values() for sample in found for reason in sample["lost"]})
    moments = min(len(found) for found in samples.values())
    first = next(iter(samples.values()))
    losses: dict[str, list[tuple[float, float | None]]] = {
        reason.removesuffix("Error"): [
            (first[at]["at"] / 60, float(sum(found[at]["lost"].get(reason, 0) for found in samples.values())))
            for at in range(moments)
        ]
        for reason in reasons
    }
    return {
        "memory.svg": draw("Memory of the servers in a long run", "resident MiB", over_time("memory", 1 / MIB)),
        "descriptors.svg": draw("Open descriptors", "descriptors", over_time("descriptors", 1)),
        "lag.svg": draw("Lag of the loops", "ms, 99th percentile of the last minute's rounds", over_time("lag", 1e3)),
        "losses.svg": draw("Connections lost, by reason", "connections, all servers, since the start", losses),
    }
