/** What is to be armed, by file identity and offset, whatever address space maps it. */
import type { SessionImage } from "../../../compiler/image.ts";
import type { Mapping } from "../../../sys/procfs.ts";
import type { WireProbe, WireSite } from "../protocol.ts";
import type { ProbeUse } from "./space.ts";

/** A place in a file with all who want it, in the order of the script. */
export interface RegisteredSite {
  readonly site: WireSite;
  readonly uses: { readonly use: ProbeUse; readonly pids: readonly number[] | undefined }[];
}
export interface RegisteredFile {
  readonly key: string;
  readonly path: string;
  readonly display: string;
  readonly device: bigint;
  readonly inode: bigint;
  readonly sites: Map<number, RegisteredSite>;
}

export const fileKey = (device: bigint, inode: bigint): string => `${device}:${inode}`;

export class Registry {
  readonly files = new Map<string, RegisteredFile>();
  readonly #byInode = new Map<bigint, RegisteredFile[]>();
  readonly #detached = new Set<number>();
  /** Some probe wants returns. */
  readonly returns: boolean;

  constructor(image: SessionImage, probes: readonly WireProbe[]) {
    let returns = false;
    for (const probe of probes) {
      const run = (kind: string): number => probe.programs.find((program) => image.programs[program]?.runs === kind) ?? -1;
      const session = run("session");
      const leave = session >= 0 ? session : run("return");
      returns ||= leave >= 0 || probe.intercept?.leave === true;
      for (const site of probe.sites) {
        const file = this.#file(site);
        let registered = file.sites.get(site.offset);
        if (registered === undefined) {
          registered = { site, uses: [] };
          file.sites.set(site.offset, registered);
        }
        registered.uses.push({
          pids: probe.pids,
          use: {
            probe: probe.probe,
            cookie: site.cookie,
            stackDelta: site.stackDelta,
            functionDelta: site.functionOffset - site.offset,
            entry: session >= 0 ? session : run("entry"),
            leave,
            session: session >= 0,
            after: run("after"),
            fault: run("fault"),
            intercept: probe.intercept,
          },
        });
      }
    }
    this.returns = returns;
  }
  #file(site: WireSite): RegisteredFile {
    const key = fileKey(site.device, site.inode);
    let file = this.files.get(key);
    if (file === undefined) {
      file = { key, path: site.path, display: site.display, device: site.device, inode: site.inode, sites: new Map() };
      this.files.set(key, file);
      this.#byInode.set(site.inode, [...(this.#byInode.get(site.inode) ?? []), file]);
    }
    return file;
  }
  /** The registered file that a mapping is of; some file systems give mappings another device than stat(2) does. */
  fileOf(mapping: Mapping): RegisteredFile | undefined {
    if (mapping.inode === 0n) return undefined;
    return this.#byInode.get(mapping.inode)?.find((file) => file.device === mapping.device || file.path === mapping.path || file.display === mapping.path);
  }
  /** Those who want a site in this process and haven't been taken out. */
  usesFor(registered: RegisteredSite, pid: number): ProbeUse[] {
    return registered.uses.filter(({ use, pids }) => !this.#detached.has(use.probe) && (pids === undefined || pids.includes(pid))).map(({ use }) => use);
  }
  detach(probe: number): void {
    this.#detached.add(probe);
  }
  get siteCount(): number {
    let count = 0;
    for (const file of this.files.values()) count += file.sites.size;
    return count;
  }
}
