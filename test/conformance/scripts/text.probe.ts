// The text at the first argument, of at most 16 bytes, printed and emitted; `undefined` where it can't be read.
import { count, cstring, events, param, print, str, u32, uprobe } from "sonde";

const at = param("at", "", "the target");
export const seen = events({ text: cstring(16), length: u32, readable: u32 });
export const unreadable = count();
uprobe(at, (c) => {
  const text = str(c.arg0, 16);
  if (text === undefined) unreadable.add();
  print`${text}`;
  seen.emit({ text: text ?? "(none)", length: text === undefined ? 0 : text.length, readable: text === undefined ? 0 : 1 });
});
