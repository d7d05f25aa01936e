/** What JavaScript has and handlers don't: one factory for each construct. */
import { error, type Place } from "./place.ts";

/** Any syntax that has neither a meaning in handlers nor an error of its own. */
export const noSyntax = (at: Place, what: string) =>
  error("SONDE_C_SYNTAX", at, {
    message: `${what} isn't part of the handler language`,
    mend: "Write it with if, for, calls of helper functions and the operators on integers.",
  });

export const asyncFunction = (at: Place) =>
  error("SONDE_C_ASYNC", at, {
    message: "a handler can't be async",
    cause: "A handler runs inside the hit, while the probed thread stands still: there is nothing it could wait for.",
    mend: "Take `async` away; let the handler emit an event, and await in the host's listener: lookups.on(async (e) => …).",
  });

export const awaitExpression = (at: Place) =>
  error("SONDE_C_AWAIT", at, {
    message: "a handler can't await",
    cause: "It runs inside the hit, while the probed thread stands still.",
    mend: "Emit an event and await in the host's listener: lookups.on(async (e) => …).",
  });

export const generator = (at: Place) =>
  error("SONDE_C_GENERATOR", at, {
    message: "a handler can't be a generator, nor use one",
    cause: "A handler runs from its start to its end at one hit; nothing of it is left to go on with.",
    mend: "Write the loop where its values are used.",
  });

export const throwStatement = (at: Place) =>
  error("SONDE_C_THROW", at, {
    message: "a handler can't throw",
    cause: "There is nobody in the probed program who could catch it.",
    mend: "Return early, or count the case: failures.add().",
  });

export const tryStatement = (at: Place) =>
  error("SONDE_C_TRY", at, {
    message: "there is no try in a handler",
    cause: "Nothing throws there: a read that fails gives undefined.",
    mend: "Test the value instead: if (text === undefined) return;",
  });

export const newExpression = (at: Place) =>
  error("SONDE_C_NEW", at, {
    message: "a handler can't make objects with new",
    cause: "Handlers have no heap.",
    mend: "Use hash(), array() or variable(), made at the top level of the script, or a plain object.",
  });

export const thisExpression = (at: Place) =>
  error("SONDE_C_THIS", at, { message: "a handler has no this", mend: "Use the handler's parameter, or a name from outside." });

export const classInHandler = (at: Place) =>
  error("SONDE_C_CLASS", at, {
    message: "a handler can't declare or use a class",
    cause: "Handlers have no heap and no methods of their own.",
    mend: "Use struct({ … }) for data and functions for what is done with it.",
  });

export const regularExpression = (at: Place) =>
  error("SONDE_C_REGEXP", at, {
    message: "regular expressions don't run in handlers",
    cause: "A handler must end after a known number of steps.",
    mend: "Use startsWith, endsWith, includes or ===; or emit the text and match it on the host.",
  });

export const typeofOperator = (at: Place) =>
  error("SONDE_C_TYPEOF", at, {
    message: 'typeof can only be compared with "undefined" in a handler',
    cause: "Types are known when the handler is compiled; the one thing that isn't is whether a value is there.",
    mend: "Write x === undefined.",
  });

export const inOperator = (at: Place) =>
  error("SONDE_C_IN", at, {
    message: "there is no in operator in a handler",
    mend: "Use map.has(key) for a map; the fields of a structure are always the same.",
  });

export const instanceofOperator = (at: Place) =>
  error("SONDE_C_INSTANCEOF", at, { message: "there is no instanceof in a handler", cause: "A handler has no classes.", mend: "Compare a field instead." });

export const spreadCall = (at: Place) =>
  error("SONDE_C_SPREAD", at, {
    message: "arguments and array items can't be spread in a handler",
    cause: "How many there are must be known when it is compiled.",
    mend: "Write them one by one, or loop with for…of.",
  });

export const deleteOperator = (at: Place) =>
  error("SONDE_C_DELETE", at, {
    message: "there is no delete operator in a handler",
    mend: "map.delete(key) takes an entry out; a field is set to 0 or to an empty value.",
  });

export const argumentsObject = (at: Place) =>
  error("SONDE_C_ARGUMENTS", at, {
    message: "a handler has no arguments object",
    mend: "Name the parameters; the probed function's are c.args.name, c.arg0 or c.arg(n).",
  });

export const varDeclaration = (at: Place) =>
  error("SONDE_C_VAR", at, {
    message: "var isn't part of the handler language",
    cause: "It is visible before its declaration and outside its block.",
    mend: "Write let or const.",
  });

export const usingDeclaration = (at: Place) =>
  error("SONDE_C_USING", at, {
    message: "there is no using in a handler",
    cause: "Handlers hold nothing that would have to be released.",
    mend: "Write const.",
  });

export const forIn = (at: Place) =>
  error("SONDE_C_FOR_IN", at, { message: "there is no for…in in a handler", mend: "Use for…of over an array, or a counter: for (let i = 0; i < 8; i++)." });

export const label = (at: Place) =>
  error("SONDE_C_LABEL", at, {
    message: "only loops may have a label in a handler",
    mend: "Use if and else, or put the part into a function and return from it.",
  });

export const nullLiteral = (at: Place) =>
  error("SONDE_C_NULL", at, {
    message: "there is no null in a handler",
    cause: "What isn't there is undefined; a NULL pointer is the number 0.",
    mend: "Write undefined, or 0 for a pointer.",
  });

export const floatOperand = (at: Place, text: string) => {
  const fraction = asFraction(text);
  return error("SONDE_C_FLOAT", at, {
    message: `${text} can't be computed with: a handler's numbers are 64-bit integers`,
    cause: "eBPF has no floating point.",
    mend: fraction === undefined ? "Scale to a smaller unit, so that every number is whole." : `Multiply first and divide then: ${fraction}.`,
  });
};

/** `1.5` as `x * 3 / 2`, where the denominator is small enough to be read. */
function asFraction(text: string): string | undefined {
  const value = Number(text);
  for (let denominator = 2; denominator <= 1000; denominator++) {
    const numerator = value * denominator;
    if (Number.isSafeInteger(numerator)) return `x * ${numerator} / ${denominator}`;
  }
  return undefined;
}

export const unsafeInteger = (at: Place, text: string) =>
  error("SONDE_C_INTEGER", at, { message: `${text} is beyond 2^53, where a number loses digits`, mend: `Write it as a bigint: u64(0x…n). ` });

export const bigintArithmetic = (at: Place) =>
  error("SONDE_C_BIGINT", at, {
    message: "a bigint can't be computed with in a handler",
    cause: "A handler's numbers are 64-bit integers already; a bigint literal only writes a constant beyond 2^53.",
    mend: "Convert the literal: u64(0xffff_ffff_ffff_ffffn), or leave out the n.",
  });

export const templateText = (at: Place) =>
  error("SONDE_C_TEMPLATE", at, {
    message: "a handler can't build text",
    cause: "Text is put together on the host, when a line is printed.",
    mend: "Put the template behind print, or use a tuple as the key: map.at([a, b]).",
  });

export const templateTag = (at: Place) => error("SONDE_C_TAG", at, { message: "print is the only tag for templates in a handler", mend: "Write print`…`." });

export const printCall = (at: Place) =>
  error("SONDE_C_PRINT", at, { message: "print is written before a template, not called", mend: "Write print`text ${value}` without parentheses." });

export const computedName = (at: Place) =>
  error("SONDE_C_COMPUTED_NAME", at, {
    message: "the names of an object's fields must be written out in a handler",
    mend: "Use a map for keys that are only known at run time.",
  });

export const objectMethod = (at: Place) =>
  error("SONDE_C_OBJECT_METHOD", at, {
    message: "an object in a handler can't hold functions",
    mend: "Write the function outside and call it with the object.",
  });

export const functionValue = (at: Place, name: string) =>
  error("SONDE_C_FUNCTION_VALUE", at, {
    message: `${name === "" ? "a function" : name} can't be stored or given back in a handler`,
    cause: "Functions are compiled where they are called: a handler has no function values.",
    mend: "Call it, or hand it to a helper function as an argument.",
  });

export const functionAssigned = (at: Place, name: string) =>
  error("SONDE_C_FUNCTION_LET", at, {
    message: `${name} is a function that may change`,
    cause: "The function that is called must be known when the handler is compiled.",
    mend: "Declare it with const, or as a function.",
  });

export const recursion = (at: Place, name: string) =>
  error("SONDE_C_RECURSION", at, {
    message: `${name} calls itself`,
    cause: "A handler must end after a known number of steps, on a small stack.",
    mend: "Write it as a loop with a bound.",
  });

export const restParameter = (at: Place) =>
  error("SONDE_C_REST", at, { message: "a function that handlers use can't have a rest parameter, nor a destructuring rest", mend: "Name what is used." });

export const destructuringPlace = (at: Place) =>
  error("SONDE_C_DESTRUCTURING", at, {
    message: "an assignment that destructures must be a statement of its own in a handler",
    mend: "Put it on a line of its own.",
  });

export const duplicateField = (at: Place, name: string) => error("SONDE_C_DUPLICATE_FIELD", at, { message: `${name} is given twice`, mend: "Take one away." });

export const dynamicImport = (at: Place) =>
  error("SONDE_C_IMPORT", at, {
    message: "a handler can't import",
    mend: "Import at the top of the script; helper functions and constants from other modules may be used.",
  });

export const assignmentTarget = (at: Place) =>
  error("SONDE_C_ASSIGNMENT", at, { message: "this can't be assigned to in a handler", mend: "Assign to a local let, or to a field of a map's entry." });
