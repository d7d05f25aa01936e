/** One name in all the ways in which it may be written, and others that look like it. */
import { describe, expect, test } from "vitest";
import { demangle } from "./demangle.ts";
import { formsOfDemangled, normalised, WantedName } from "./forms.ts";

const fitOf = (wanted: string, symbol: string): number => {
  const name = demangle(symbol);
  if (name === undefined) throw new Error(symbol);
  return new WantedName(wanted).fit(formsOfDemangled(name));
};

test.each([
  ["f( int , char const * )", "f(int,char const*)"],
  ["f(const char*, const unsigned long&)", "f(char const*,unsigned long const&)"],
  ["f(const std::vector<int, A>&)", "f(std::vector<int,A>const&)"],
  ["std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >::append", "std::string::append"],
  ["A<B<int> >::g[abi:cxx11]", "A<B<int>>::g"],
])("%s is compared as %s", (text, expected) => expect(normalised(text)).toBe(expected));

describe("a target's name", () => {
  const push = "_ZNSt6vectorIiSaIiEE9push_backERKi"; // std::vector<int, std::allocator<int> >::push_back(int const&)
  test.each([
    ["std::vector<int, std::allocator<int> >::push_back(int const&)", 3],
    ["std::vector<int,std::allocator<int>>::push_back(const int &)", 3],
    ["std::vector<int, std::allocator<int>>::push_back", 3],
    ["std::vector<int>::push_back", 1],
    ["std::vector::push_back", 1],
    ["std::vector::push_back(int const&)", 1],
    ["std::vector<long>::push_back", 0],
    ["std::vector::push_back(int&&)", 0],
    ["vector::push_back", 0],
    ["std::vector::push", 0],
  ])("%s fits vector<int>::push_back with %i", (wanted, expected) => expect(fitOf(wanted, push)).toBe(expected));

  test.each([
    ["A::f", "_ZNK1A1fEi", 3],
    ["A::f(int)", "_ZNK1A1fEi", 2],
    ["A::f(int) const", "_ZNK1A1fEi", 3],
    ["A::f(int) const", "_ZN1A1fEi", 0],
    ["A::A", "_ZN1AC2Ev", 3],
    ["A::~A()", "_ZN1AD1Ev", 3],
    ["f", "_ZN12_GLOBAL__N_11fEv", 1],
    ["(anonymous namespace)::f", "_ZN12_GLOBAL__N_11fEv", 3],
    ["f", "_Z1fIiEvT_", 1],
    ["f<int>(int)", "_Z1fIiEvT_", 3],
    ["f(void)", "_Z1fv", 3],
    ["f", "_Z1fv.cold", 0],
    ["f [clone .cold]", "_Z1fv.cold", 3],
    ["A::f", "_ZThn8_N1A1fEv", 0],
    ["operator<<", "_ZlsRSoRK1A", 3],
    ["operator<", "_ZltIiEbT_S0_", 1],
    ["A::operator()", "_ZN1AclEi", 3],
    ["A::operator()(int)", "_ZN1AclEi", 3],
    ["std::basic_string<char>::data", "_ZNKSs4dataEv", 1],
    ["f::{lambda()#1}::operator()", "_ZZ1fvENKUlvE_clEv", 1],
  ])("%s fits %s with %i", (wanted, symbol, expected) => expect(fitOf(wanted, symbol)).toBe(expected));

  test.each([
    ["orders::mangled", "_ZN6orders7mangled17h0123456789abcdefE", 3],
    ["mycrate::foo::bar", "_RNvNtCs1234_7mycrate3foo3bar", 3],
    ["std::path::PathBuf::new", "_RNvMsr_NtCs3ssYzQotkvD_3std4pathNtB5_7PathBuf3newCs15kBYyAo9fc_7mycrate", 1],
    ["<std::path::PathBuf>::new", "_RNvMsr_NtCs3ssYzQotkvD_3std4pathNtB5_7PathBuf3newCs15kBYyAo9fc_7mycrate", 3],
    ["<const_generic::Unsigned as core::fmt::Display>::fmt", "_RNvXs_Cs4fqI2P2rA04_13const_genericINtB4_8UnsignedKhb_ENtNtCs1_4core3fmt7Display3fmt", 1],
    ["cc::spawn::{closure#0}::{closure#0}", "_RNCNCNgCs6DXkGYLi8lr_2cc5spawn00B5_", 3],
    ["a::f", "_RINvC1a1flE", 1],
  ])("%s fits Rust's %s with %i", (wanted, symbol, expected) => expect(fitOf(wanted, symbol)).toBe(expected));
});
