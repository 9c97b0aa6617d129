#!/usr/bin/env python3
"""Draws docs/kernels-roofline.svg from build/bench/kernels.json (make bench-kernels).

   roofline_svg.py REPORT.json PICTURE.svg

Across: multiply-adds for each byte of weights that a step reads. Up: multiply-adds per second. The roofs are what
the same report measured of the machine: its read bandwidth and its int8 peak.
"""
import json
import math
import sys

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 480, 70, 20, 56, 56
COLOURS = {"sovereign": "#0b6e4f", "stock": "#b5541c"}
WORKS = {"batch1": ("1 sequence", 1), "batch8": ("8 sequences", 8), "prefill": ("prompt of 512", 512)}


def points(figures):
    """(side, label, multiply-adds per byte, multiply-adds per second in 10^9) of the default model."""
    weights = figures["weights_mb"]
    for work, (label, columns) in WORKS.items():
        parameters = figures["parameters_without_head_millions" if work == "prefill" else "parameters_millions"]
        for side in COLOURS:
            rate = figures[f"q4_1_{work}_{side}_tokens_per_s"]
            yield side, label, parameters * columns / weights, rate * parameters / 1e3


def decades(low, high):
    return [10.0**i for i in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def picture(report):
    figures = report["figures"]
    bandwidth, peak = figures["read_bandwidth_gb_per_s"], figures["int8_peak_gmac_per_s"]
    dots = list(points(figures))
    low_x, high_x = 0.5, 2000.0
    low_y, high_y = 1.0, 10 ** math.ceil(math.log10(peak * 1.05))

    def x(value):
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(value / low_x) / math.log(high_x / low_x)

    def y(value):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * math.log(value / low_y) / math.log(high_y / low_y)

    cpu = report["environment"].get("cpu_model", "")
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="15">SmolLM2-135M Q4_1, 2 threads: roofline</text>',
        f'<text x="{LEFT}" y="42" fill="#555">{cpu}</text>',
    ]
    for value in decades(low_x, high_x):
        if low_x <= value <= high_x:
            out.append(f'<line x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#ddd"/>')
            out.append(f'<text x="{x(value):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{value:g}</text>')
    for value in decades(low_y, high_y):
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    ridge = peak / bandwidth
    roof = [(low_x, low_x * bandwidth), (ridge, peak), (high_x, peak)]
    path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in roof)
    out.append(f'<polyline points="{path}" fill="none" stroke="#222" stroke-width="2"/>')
    out.append(f'<text x="{x(ridge) + 6:.1f}" y="{y(peak) - 8:.1f}">int8 peak, {peak:.0f} G multiply-adds/s</text>')
    out.append(f'<text x="{x(0.6):.1f}" y="{y(0.6 * bandwidth) - 14:.1f}">memory, {bandwidth:.1f} GB/s</text>')
    for side, label, intensity, rate in dots:
        out.append(f'<circle cx="{x(intensity):.1f}" cy="{y(rate):.1f}" r="5" fill="{COLOURS[side]}"/>')
        out.append(
            f'<text x="{x(intensity) - 9:.1f}" y="{y(rate) + 4:.1f}" text-anchor="end" fill="{COLOURS[side]}">'
            f"{label}: {rate:.0f}</text>"
        )
    for i, (side, name) in enumerate((("sovereign", "ours"), ("stock", "llama.cpp's own"))):
        out.append(f'<circle cx="{WIDTH - 150}" cy="{HEIGHT - BOTTOM - 40 + 20 * i}" r="5" fill="{COLOURS[side]}"/>')
        out.append(f'<text x="{WIDTH - 138}" y="{HEIGHT - BOTTOM - 36 + 20 * i}">{name}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 14}" text-anchor="middle">'
               "multiply-adds for each byte of weights</text>")
    out.append(f'<text transform="translate(18 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">10⁹ multiply-adds/s</text>')
    return "\n".join(out + ["</svg>", ""])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(picture(report))


if __name__ == "__main__":
    main()
