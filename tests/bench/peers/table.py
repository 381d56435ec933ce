# SPDX-License-Identifier: GPL-3.0-or-later

"""The results as tables in Markdown."""

HEAD = ("tool", "setting", "bytes", "same answers", "top-1", "p float", "p ours", "SQNR dB",
        "latency", "seconds", "peak MB", "error")


def markdown(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def number(value, digits=1):
    return "" if value is None else f"{value:.{digits}f}"


def percent(part, whole):
    return f"{100 * part / whole:.1f} %"


def same(figures):
    low, high = figures["same_interval"]
    return f"{figures['same']}/{figures['total']} ({100 * low:.0f}–{100 * high:.0f})"


def cells(row, float_bytes):
    result = [row["tool"], row["setting"]]
    if "error" in row or "test" not in row:
        error = row.get("error", "").replace("|", "/")
        return result + [""] * 7 + [number(row.get("seconds")), memory(row), error]
    figures = row["test"]
    against = row.get("against") or {}
    latency = row.get("latency")
    result += [
        percent(row["bytes"], float_bytes),
        same(figures),
        percent(figures["right"], figures["labelled"]) if "right" in figures else "",
        number(figures.get("p_float"), 2),
        number(against.get("p_right"), 2),
        number(figures["sqnr_db"]),
        f"{latency['ratio']:.2f} ({latency['low']:.2f}–{latency['high']:.2f})" if latency else "",
        number(row.get("seconds")),
        memory(row),
        f"NaN in {figures['not_finite']}" if figures["not_finite"] else "",
    ]
    return result


def memory(row):
    return f"{row['peak_bytes'] / 1e6:.0f}" if "peak_bytes" in row else ""


def of_model(entry):
    """The table of a model: the best of each tool, and what was held against it."""
    rows = [cells(row, entry["bytes"]) for row in entry["shown"]]
    text = f"### {entry['name']}\n\n{entry['bytes']} bytes"
    if entry.get("float_ms"):
        text += f", {entry['float_ms']:.2f} ms"
    if entry.get("original_right") is not None:
        text += f", top-1 {percent(entry['original_right'], entry['labelled'])}"
    return f"{text}; peers began with: {entry['upgrade']}.\n\n" + markdown(HEAD, rows)


def difference(row, key):
    """(share of same answers, decibels) by which ours differs from a peer's row."""
    against = row[key]
    decibels = None
    if against["sqnr_db"] is not None and row["test"]["sqnr_db"] is not None:
        decibels = against["sqnr_db"] - row["test"]["sqnr_db"]
    return (against["same"] - row["test"]["same"]) / row["test"]["total"], decibels


def losses(entries, key):
    """Every setting of every peer that did better than the stop held against it."""
    rows = []
    for entry in entries:
        for row in entry["rows"]:
            if "error" in row or key not in row:
                continue
            latency = row.get("latency")
            about = [entry["name"], row["tool"], row["setting"],
                     percent(row["bytes"], entry["bytes"]),
                     number(latency["ratio"], 2) if latency else ""]
            if row[key] is None:
                rows.append(about + ["none", "", "", ""])
                continue
            gain, decibels = difference(row, key)
            if gain < 0 or (decibels is not None and decibels < 0):
                rows.append(about + [row[key]["setting"], f"{100 * gain:+.1f}",
                                     number(row[key]["p_same"], 2),
                                     "" if decibels is None else f"{decibels:+.1f}"])
    head = ("model", "tool", "setting", "its bytes", "its latency", "our stop", "same, points",
            "p", "dB")
    return markdown(head, rows) if rows else "None.\n"


def summary(entries, installed, key):
    """For each tool, over the models it could do: ours against its best setting."""
    rows = []
    for tool, why in installed.items():
        if why is not None:
            rows.append([tool, "", "", "", "", "", f"can't be installed: {why}"])
            continue
        bests = [entry["best"][tool] for entry in entries if entry["best"].get(tool)]
        held = [row for row in bests if row.get(key)]
        gains = [difference(row, key) for row in held]
        decibels = [gain for _, gain in gains if gain is not None]
        rows.append([
            tool, f"{len(bests)} of {len(entries)}", len(held),
            mean([100 * gain for gain, _ in gains]), mean(decibels),
            f"{sum(gain < 0 for gain, _ in gains)} / {sum(gain < 0 for gain in decibels)}", ""])
    head = ("tool", "models done", "ours to compare", "same, points (mean)", "dB (mean)",
            "models where it is better (same / dB)", "error")
    return markdown(head, rows)


def mean(values):
    return f"{sum(values) / len(values):+.1f}" if values else ""
