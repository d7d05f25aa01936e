/** Where a session's output goes, in the order in which it happens. */
import type { SondeError } from "../errors/error.ts";
import type { View } from "../output/view.ts";

export interface SessionOutput {
  /** Events are asked for even where no listener of the script wants them. */
  readonly everyEvent: boolean;
  print(text: string): void;
  /** `heard`: the script, or the program that opened it, listens to them. */
  event(name: string, data: unknown, heard: boolean): void;
  /** `show()`. */
  show(view: View, top: number | undefined): void;
  /** Something of the script's went wrong, and the session goes on. */
  fault(error: SondeError): void;
}
