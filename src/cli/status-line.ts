/** The line on stderr while a run waits, on a terminal only: what is attached, how many hits there were, for how long. */
import { colorsWanted, palette } from "../output/palette.ts";

const REFRESH_MS = 250;
const CLEAR = "\r\x1b[K";

export interface StatusLine {
  /** Takes the line away, to write something else there. */
  hide(): void;
  stop(): void;
}

export const NO_STATUS_LINE: StatusLine = { hide() {}, stop() {} };

const seconds = (ms: number): string => (ms < 60_000 ? `${Math.floor(ms / 1000)} s` : `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`);

/** `hits` is asked for a few times a second; if the line doesn't change it says once what is attached. */
export function startStatusLine(attached: string, hits: () => bigint, { changes } = { changes: true }): StatusLine {
  const { stderr } = process;
  if (!stderr.isTTY || process.env.TERM === "dumb") return NO_STATUS_LINE;
  const paint = palette(colorsWanted(stderr));
  if (!changes) {
    stderr.write(`${paint.dim(attached)}\n`);
    return NO_STATUS_LINE;
  }
  const began = Date.now();
  const draw = (): void => {
    const text = `${attached}, ${hits().toLocaleString("en")} hits, ${seconds(Date.now() - began)} (Ctrl-C ends)`;
    stderr.write(`${CLEAR}${paint.dim(text.slice(0, Math.max(0, (stderr.columns ?? 80) - 1)))}`);
  };
  draw();
  const timer = setInterval(draw, REFRESH_MS);
  timer.unref();
  return {
    hide: () => void stderr.write(CLEAR),
    stop() {
      clearInterval(timer);
      stderr.write(CLEAR);
    },
  };
}
