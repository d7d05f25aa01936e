/** Prototypes of the mathematical library. Their arguments are mostly in floating-point registers, which leaves results and the integers among them. */
import type { PrototypeTable } from "./notation.ts";

const unary =
  "acos acosh asin asinh atan atanh cbrt ceil cos cosh erf erfc exp exp2 expm1 fabs floor gamma lgamma log log10 log1p log2 nearbyint rint round sin sinh sqrt tan tanh tgamma trunc";
const binary = "atan2 copysign fdim fmax fmin fmod hypot nextafter pow remainder";

const doubles = `${unary} ${binary} fma`
  .split(" ")
  .map((name) => `${name}() f64\n${name}f() f32`)
  .join("\n");

export const libm: PrototypeTable = {
  structs: "",
  functions: `${doubles}
ldexp(exp i32) f64
scalbn(exp i32) f64
frexp(exp i32*) f64
modf(iptr f64*) f64
ilogb() i32
lrint() i64
llrint() i64
lround() i64
llround() i64
sincos(sin f64*, cos f64*) void`,
};
