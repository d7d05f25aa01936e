// Programs of Debian with debug information, unpacked below the cache folder, so that they are downloaded once.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "sonde-bench");

/** Unpacks packages of Debian's archive into one folder; gives it, or undefined where there is no apt or no network. */
export function unpacked(...names) {
  const folder = join(cache, names.join("+"));
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.${process.pid}`;
  const debs = join(unfinished, ".debs");
  mkdirSync(debs, { recursive: true });
  try {
    // As root apt would download as another user, who may not write here.
    execFileSync("apt-get", ["-q", "-o", "APT::Sandbox::User=root", "download", ...names], { cwd: debs, stdio: ["ignore", "ignore", "inherit"] });
    for (const deb of readdirSync(debs)) execFileSync("dpkg-deb", ["-x", join(debs, deb), unfinished]);
    rmSync(debs, { recursive: true });
    renameSync(unfinished, folder);
    return folder;
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    process.stderr.write(`bench: no packages ${names.join(" and ")}: ${error.message}\n`);
    return undefined;
  }
}
