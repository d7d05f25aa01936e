// Imported by opened-files.probe.ts: a module of plain functions that handlers call. It needs nothing of sonde's.

/** What a path seems to be, by how it begins or ends. */
export function kindOf(path: string): string {
  if (path.startsWith("/proc/") || path.startsWith("/sys/")) return "kernel";
  if (path.startsWith("/etc/")) return "settings";
  if (path.endsWith(".so") || path.includes(".so.")) return "library";
  if (path.endsWith(".py") || path.endsWith(".pyc") || path.endsWith(".js")) return "script";
  return "other";
}
