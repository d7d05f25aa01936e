/** How handlers are registered: what the compiler must see, and which parts go together. */
import { error, type Place } from "./place.ts";

export const hiddenHandler = (at: Place, name: string) =>
  error("SONDE_C_HIDDEN_HANDLER", at, {
    message: "the handler must be visible where it is registered",
    cause: `${name === "" ? "This" : name} is only known when the script runs, and handlers are compiled before.`,
    mend: "Write the function in the call, or name a const or function that holds it. To share it, let the helper take what differs as an argument.",
  });

export const noHandler = (at: Place, register: string) =>
  error("SONDE_C_NO_HANDLER", at, { message: `${register}() needs a handler`, mend: `Write ${register}(…, (c) => { … }).` });

export const leaveBeforeEnter = (at: Place) =>
  error("SONDE_C_LEAVE_FIRST", at, {
    message: "enter must be written before leave",
    cause: "The type of what leave is handed is inferred from enter, from top to bottom.",
    mend: "Swap the two: { enter: (c) => …, leave: (c, at) => … }.",
  });

export const enterAlone = (at: Place) =>
  error("SONDE_C_ENTER_ALONE", at, {
    message: "enter without leave",
    cause: "A handler for the entry alone is a plain function.",
    mend: "Write uprobe(target, (c) => …); or add leave: (c, at) => ….",
  });

export const leaveAlone = (at: Place) =>
  error("SONDE_C_LEAVE_ALONE", at, {
    message: "leave without enter",
    cause: "A handler for the return alone is uretprobe's.",
    mend: "Write uretprobe(target, (c) => …); or add enter: (c) => … before it.",
  });

export const mixedHandlers = (at: Place, name: string) =>
  error("SONDE_C_MIXED_HANDLERS", at, {
    message: `${name} doesn't go together with enter and leave`,
    cause: "enter and leave are about a call; before, after and fault about one instruction.",
    mend: "Register two probes on the same target.",
  });

export const unknownHandler = (at: Place, name: string) =>
  error("SONDE_C_UNKNOWN_HANDLER", at, {
    message: `there is no handler called ${name}`,
    mend: "The handlers of a call are enter and leave; those of an instruction before, after and fault.",
  });

export const emptyHandlers = (at: Place) =>
  error("SONDE_C_EMPTY_HANDLERS", at, { message: "an object without handlers", mend: "Write a function (c) => …, or { enter, leave }." });

export const onlyFunction = (at: Place, register: string) =>
  error("SONDE_C_ONLY_FUNCTION", at, {
    message: `${register}() takes one function`,
    cause: "enter and leave, before, after and fault belong to uprobe.",
    mend: `Write ${register}(…, (c) => { … }).`,
  });

export const registrationValue = (at: Place, name: string) =>
  error("SONDE_C_REGISTRATION_VALUE", at, {
    message: `${name} must be called by its name`,
    cause: "The compiler finds handlers where the vocabulary is called.",
    mend: `Call it directly: ${name}(target, (c) => …); a function around it may take the target as a parameter.`,
  });

export const spreadRegistration = (at: Place, register: string) =>
  error("SONDE_C_SPREAD_REGISTRATION", at, {
    message: `the arguments of ${register}() must be written out`,
    cause: "The compiler finds the handler by its place among them.",
    mend: `Write ${register}(target, handler).`,
  });
