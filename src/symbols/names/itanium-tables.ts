/** Codes of mangled C++ names: operators, built-in types, the abbreviations of `std`. Source: the Itanium C++ ABI, §5.1. */

/** `prefix`, `infix`, `postfix`, and what has a form of its own. */
export type OperatorForm = "prefix" | "infix" | "postfix" | "own";

export const OPERATORS: ReadonlyMap<string, readonly [text: string, form: OperatorForm]> = new Map([
  ["aN", ["&=", "infix"]],
  ["aS", ["=", "infix"]],
  ["aa", ["&&", "infix"]],
  ["ad", ["&", "prefix"]],
  ["an", ["&", "infix"]],
  ["aw", [" co_await", "prefix"]],
  ["cl", ["()", "own"]],
  ["cm", [",", "infix"]],
  ["co", ["~", "prefix"]],
  ["dV", ["/=", "infix"]],
  ["da", [" delete[]", "own"]],
  ["de", ["*", "prefix"]],
  ["dl", [" delete", "own"]],
  ["ds", [".*", "infix"]],
  ["dt", [".", "own"]],
  ["dv", ["/", "infix"]],
  ["eO", ["^=", "infix"]],
  ["eo", ["^", "infix"]],
  ["eq", ["==", "infix"]],
  ["ge", [">=", "infix"]],
  ["gt", [">", "infix"]],
  ["ix", ["[]", "own"]],
  ["lS", ["<<=", "infix"]],
  ["le", ["<=", "infix"]],
  ["ls", ["<<", "infix"]],
  ["lt", ["<", "infix"]],
  ["mI", ["-=", "infix"]],
  ["mL", ["*=", "infix"]],
  ["mi", ["-", "infix"]],
  ["ml", ["*", "infix"]],
  ["mm", ["--", "postfix"]],
  ["na", [" new[]", "own"]],
  ["ne", ["!=", "infix"]],
  ["ng", ["-", "prefix"]],
  ["nt", ["!", "prefix"]],
  ["nw", [" new", "own"]],
  ["oR", ["|=", "infix"]],
  ["oo", ["||", "infix"]],
  ["or", ["|", "infix"]],
  ["pL", ["+=", "infix"]],
  ["pl", ["+", "infix"]],
  ["pm", ["->*", "infix"]],
  ["pp", ["++", "postfix"]],
  ["ps", ["+", "prefix"]],
  ["pt", ["->", "own"]],
  ["qu", ["?", "own"]],
  ["rM", ["%=", "infix"]],
  ["rS", [">>=", "infix"]],
  ["rm", ["%", "infix"]],
  ["rs", [">>", "infix"]],
  ["ss", ["<=>", "infix"]],
]);

export const BUILTIN_TYPES: { readonly [code: string]: string } = {
  v: "void",
  w: "wchar_t",
  b: "bool",
  c: "char",
  a: "signed char",
  h: "unsigned char",
  s: "short",
  t: "unsigned short",
  i: "int",
  j: "unsigned int",
  l: "long",
  m: "unsigned long",
  x: "long long",
  y: "unsigned long long",
  n: "__int128",
  o: "unsigned __int128",
  f: "float",
  d: "double",
  e: "long double",
  g: "__float128",
  z: "...",
};

/** Behind a `D`. */
export const LONG_BUILTIN_TYPES: { readonly [code: string]: string } = {
  d: "decimal64",
  e: "decimal128",
  f: "decimal32",
  h: "half",
  i: "char32_t",
  s: "char16_t",
  u: "char8_t",
  a: "auto",
  c: "decltype(auto)",
  n: "decltype(nullptr)",
};

/** How a literal of a type is written: the suffix, where no cast is needed. */
export const LITERAL_SUFFIXES: { readonly [type: string]: string } = {
  int: "",
  "unsigned int": "u",
  long: "l",
  "unsigned long": "ul",
  "long long": "ll",
  "unsigned long long": "ull",
};

/** What stands for a class of `std`, and how its constructors are called. */
export const STD_ABBREVIATIONS: { readonly [code: string]: readonly [text: string, className: string] } = {
  a: ["std::allocator", "allocator"],
  b: ["std::basic_string", "basic_string"],
  s: ["std::string", "basic_string"],
  i: ["std::istream", "basic_istream"],
  o: ["std::ostream", "basic_ostream"],
  d: ["std::iostream", "basic_iostream"],
};

/** As GNU's tools write these where a constructor or destructor follows. */
export const STD_IN_FULL: { readonly [text: string]: string } = {
  "std::string": "std::basic_string<char, std::char_traits<char>, std::allocator<char> >",
  "std::istream": "std::basic_istream<char, std::char_traits<char> >",
  "std::ostream": "std::basic_ostream<char, std::char_traits<char> >",
  "std::iostream": "std::basic_iostream<char, std::char_traits<char> >",
};
