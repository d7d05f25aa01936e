// The table that a person reads, and whether each bar is reached.

const show = (value, unit) => {
  if (!Number.isFinite(value)) return "-";
  const digits = unit === "s" || unit === "×" ? 3 : unit === "/s" || unit === "" ? 0 : 1;
  return `${value.toFixed(digits)}${unit === "" ? "" : ` ${unit}`}`;
};

/** `reference`: the peer that ratios are made with, the newest, where the row doesn't name its own. */
export function judge(row, reference) {
  const theirs = row.peers[row.reference ?? reference];
  const ratio = theirs === undefined ? undefined : row.sonde / theirs;
  const reached =
    row.atLeast !== undefined
      ? row.sonde >= row.atLeast
      : row.atMost !== undefined
        ? row.sonde <= row.atMost
        : row.bar !== undefined && ratio !== undefined
          ? ratio <= row.bar
          : undefined;
  return { ratio, reached };
}

export function table(rows, peers) {
  const reference = peers.at(-1)?.name;
  const names = [...new Set([...peers.map((peer) => peer.name), ...rows.flatMap((row) => Object.keys(row.peers))])];
  const head = ["what", "sonde", ...names, "ratio", "bar", ""];
  const lines = rows.map((row) => {
    const { ratio, reached } = judge(row, reference);
    const bar = row.atLeast !== undefined ? `≥ ${row.atLeast}` : row.atMost !== undefined ? `≤ ${row.atMost}` : row.bar !== undefined ? `≤ ${row.bar} ×` : "";
    return [
      row.what,
      show(row.sonde, row.unit),
      ...names.map((name) => show(row.peers[name] ?? Number.NaN, row.unit)),
      ratio === undefined ? "" : `${ratio.toFixed(2)} ×`,
      bar,
      reached === undefined ? "" : reached ? "reached" : "missed",
    ];
  });
  const widths = head.map((_, i) => Math.max(...[head, ...lines].map((line) => line[i].length)));
  return [head, widths.map((w) => "─".repeat(w)), ...lines]
    .map((line) =>
      line
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
