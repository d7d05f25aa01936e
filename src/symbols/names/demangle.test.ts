/** Mangled names of C++ and Rust: texts as c++filt and rustfilt write them, and names that are made to keep a reader busy. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { demangle } from "./demangle.ts";

const text = (symbol: string): string | undefined => demangle(symbol)?.text;

describe("a name of C++", () => {
  test.each([
    ["_Z1fv", "f()"],
    ["_Z1fPFivE", "f(int (*)())"],
    ["_Z1fRA3_i", "f(int (&) [3])"],
    ["_Z1fPKPKc", "f(char const* const*)"],
    ["_Z1fM1AFivE", "f(int (A::*)())"],
    ["_Z1fMK1AKFivE", "f(int (A const::*)() const)"],
    ["_Z1fPDoFvvE", "f(void (*)() noexcept)"],
    ["_Z1fDF16_", "f(_Float16)"],
    ["_ZNK1A1fEv", "A::f() const"],
    ["_ZNKR1A1fEv", "A::f() const &"],
    ["_ZN12_GLOBAL__N_11fEv", "(anonymous namespace)::f()"],
    ["_ZN1A3fooB5cxx11Ev", "A::foo[abi:cxx11]()"],
    ["_ZN1AC1ERKSs", "A::A(std::string const&)"],
    ["_ZN1A1BIiEaSERKS1_", "A::B<int>::operator=(A::B<int> const&)"],
    ["_ZdlPvm", "operator delete(void*, unsigned long)"],
    ["_Zli2_xy", 'operator"" _x(unsigned long long)'],
    ["_ZltIiEbT_S0_", "operator< <int>(int, int)"],
    ["_ZN1AcvT_IiEEv", "A::operator int<int>()"],
    ["_ZZ1fvENKUlvE_clEv", "f()::{lambda()#1}::operator()() const"],
    ["_ZZ1fiENKUlT_E_clIiEEDaS_", "f(int)::{lambda(auto:1)#1}::operator()<int>(int) const"],
    ["_Z1fIJidEEvDpT_", "f<int, double>(int, double)"],
    ["_Z1fILb1EEvv", "f<true>()"],
    ["_Z1fILN1E1eE3EEvv", "f<(E::e)3>()"],
    ["_Z1fIiEDTplfp_fp_ET_", "f<int>(int)"],
    ["_ZThn8_N1A1fEv", "non-virtual thunk to A::f()"],
    ["_ZTv0_n24_N1A1fEv", "virtual thunk to A::f()"],
    ["_Z1fv.part.0", "f() [clone .part.0]"],
    ["_ZTV1A", "vtable for A"],
    ["_ZNSt8functionIFviEEC2Ev", "std::function<void (int)>::function()"],
  ])("%s is %s", (symbol, expected) => expect(text(symbol)).toBe(expected));
});

describe("a name of Rust", () => {
  test.each([
    ["_ZN6orders7mangled17h0123456789abcdefE", "orders::mangled"],
    ["_ZN4core3ptr42drop_in_place$LT$alloc..string..String$GT$17h0123456789abcdefE", "core::ptr::drop_in_place<alloc::string::String>"],
    ["_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3bar17h930b740aa94f1d3aE", "<Test + 'static as foo::Bar<Test>>::bar"],
    ["_ZN3foo17h05af221e174051e9E", "foo"],
    ["_ZN1a1f28_$u7b$$u7b$closure$u7d$$u7d$17h05af221e174051e9E.llvm.123", "a::f::{{closure}}"],
    ["_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar"],
    ["_RNvC6_123foo3bar", "123foo::bar"],
    ["_RNCNCNgCs6DXkGYLi8lr_2cc5spawn00B5_", "cc::spawn::{closure#0}::{closure#0}"],
    ["_RNvMsr_NtCs3ssYzQotkvD_3std4pathNtB5_7PathBuf3newCs15kBYyAo9fc_7mycrate", "<std::path::PathBuf>::new"],
    ["_RNvXs_Cs4fqI2P2rA04_13const_genericINtB4_8UnsignedKhb_ENtNtCs1_4core3fmt7Display3fmt", "<const_generic::Unsigned<11> as core::fmt::Display>::fmt"],
    ["_RNvC5crateu8gdel_5qa", "crate::gödel"],
    ["_RINvC1a1fTlEDNtC1t1TEL_E", "a::f::<(i32,), dyn t::T>"],
    ["_RINvC1a1fFRRjEQlE", "a::f::<fn(&&usize) -> &mut i32>"],
  ])("%s is %s", (symbol, expected) => expect(demangle(symbol)).toEqual({ language: "rust", text: expected }));
});

describe("what isn't mangled", () => {
  test.each(["malloc", "_Zombie", "_Read", "_R", "_Z", "_ZN", "_ZN1A", "_RNv", "_ZNK", "_Z1fz1", "_ZN3foo17h05af221e174051e9", "__ZZ"])("%s stays", (symbol) =>
    expect(demangle(symbol)).toBeUndefined(),
  );
});

const base36 = (n: number): string => (n === 0 ? "0" : n.toString(36).toUpperCase());

describe("a name made to keep a reader busy", () => {
  test("that doubles with each substitution stays mangled, at once", () => {
    let symbol = "_Z1fSt4pairIiiE";
    for (let k = 1, last = "S0_"; k < 60; k++) {
      symbol += `S_I${last}${last}E`;
      last = `S${base36(k)}_`;
    }
    const began = process.cpuUsage();
    expect(demangle(symbol)).toBeUndefined();
    expect(process.cpuUsage(began).user).toBeLessThan(200_000);
  });
  test("that refers back to itself, or nests without an end, stays mangled", () => {
    for (const symbol of [
      `_Z1f${"P".repeat(10_000)}i`,
      `_Z${"N".repeat(5000)}1aE`,
      `_Z1fI${"J".repeat(5000)}iE`,
      "_RB_",
      `_RNvB${"_".repeat(3)}`,
      `_RNvC1aB3_`,
    ])
      expect(demangle(symbol)).toBeUndefined();
    let rust = "_RIC1a";
    for (let k = 0; k < 60; k++) rust += `TB${base36(Math.max(0, rust.length - 8)).toLowerCase()}_B6_E`;
    expect(() => demangle(rust)).not.toThrow();
  });
  test("and any change of real ones gives a text or nothing", () => {
    const seeds = [
      "_ZNSt6vectorIiSaIiEE17_M_realloc_insertIJRKiEEEvN9__gnu_cxx17__normal_iteratorIPiS1_EEDpOT_",
      "_ZN4node2osL11GetHostnameERKN2v820FunctionCallbackInfoINS1_5ValueEEE",
      "_ZSt13__adjust_heapIPN4llvm3cfg6UpdateIPNS0_10BasicBlockEEElS5_N9__gnu_cxx5__ops15_Iter_comp_iterIZNS1_15LegalizeUpdatesIS4_EEvNS0_8ArrayRefINS2_IT_EEEERNS0_15SmallVectorImplISD_EEbbEUlRKS5_SJ_E_EEEvSC_T0_SM_T1_T2_",
      "_ZN4llvm7reverseIiEEDaOT_PNSt9enable_ifIXntsr10has_rbeginISG_EE5valueEvE4typeE",
      "_RINvCs3MG2ofusW15_21rustc_data_structures7outlineNCINvMs3_NtNtCsdadwybgsbvk_12rustc_middle9dep_graph5graphNtBU_12DepGraphData52assert0E0uECs1_1a",
    ];
    const change = fc.record({ seed: fc.constantFrom(...seeds), at: fc.nat(400), cut: fc.nat(4), put: fc.stringMatching(/^[A-Za-z0-9_$.]{0,4}$/) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        let symbol = changes[0]!.seed;
        for (const { at, cut, put } of changes) symbol = symbol.slice(0, 2 + at) + put + symbol.slice(2 + at + cut);
        const name = demangle(symbol);
        expect(name === undefined || name.text.length <= 1 << 16).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
