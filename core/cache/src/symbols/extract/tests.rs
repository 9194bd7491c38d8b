//! Sources and their symbols.

use conclave_retry::SystemClock;
use proptest::prelude::*;

use super::{Extracted, MAX_SYMBOLS};
use crate::codec::encode;
use crate::symbols::{Language, MAX_SOURCE, NotParsed};

/// Nothing for a grammar that is not built in.
fn extract(language: Language, source: &[u8]) -> Option<Extracted> {
    match super::extract(language, source, &SystemClock) {
        Ok(extracted) => Some(extracted),
        Err(NotParsed::NoGrammar) if !language.is_built_in() => None,
        Err(NotParsed::TooLong(_)) => Some(Extracted::failed("too long".to_owned())),
        Err(other) => panic!("{other}"),
    }
}

/// `lines kind qualified_name (name) | signature`, a line each.
fn shown(extracted: &Extracted) -> String {
    let line = |one: &super::Owned| {
        let (start, end) = (one.start_line, one.end_line);
        assert!(one.qualified_name.ends_with(&one.name), "{one:?}");
        format!("{start}-{end} {} {} | {}\n", one.kind.as_str(), one.qualified_name, one.signature)
    };
    extracted.symbols.iter().map(line).collect()
}

#[track_caller]
fn check(language: Language, source: &str, wanted: &str) {
    if !language.is_built_in() {
        return;
    }
    let extracted = extract(language, source.as_bytes()).unwrap();
    assert_eq!(extracted.syntax_error, None);
    let wanted: Vec<&str> = wanted.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(shown(&extracted).lines().collect::<Vec<_>>(), wanted);
}

#[test]
fn rust() {
    check(
        Language::Rust,
        r#"
//! Words on top.
#[derive(Debug)]
pub struct Stack<T> {
    items: Vec<T>,
}
struct Two(u8, pub u16);
pub(crate) enum Way { Up, Down }
impl<T> Stack<T>
where
    T: Clone,
{
    pub const LIMIT: usize = 7;
    /// Words.
    pub async fn grow<'a>(
        &'a mut self, // by how many
        by: usize, /* items */
    ) -> Result<(), Error> {
        fn within() {}
    }
}
impl std::fmt::Display for crate::deep::Way { fn fmt(&self) {} }
trait Walk: Send { type Step; fn walk(&self) -> Self::Step; fn run(&self) {} }
mod outer { pub mod inner { pub fn deep() {} static S: &str = "{"; } fn shallow() {} }
mod elsewhere;
type Pair<T> = (T, T);
macro_rules! twice { ($x:expr) => { $x; $x } }
const _: () = assert!(true);
extern "C" { fn foreign(x: i32) -> i32; }
union Bits { a: u32, b: f32 }
"#,
        r"
        4-6 struct Stack | pub struct Stack<T>
        7-7 struct Two | struct Two(u8, pub u16)
        8-8 enum Way | pub(crate) enum Way
        13-13 constant Stack::LIMIT | pub const LIMIT: usize
        15-20 method Stack::grow | pub async fn grow<'a>( &'a mut self, by: usize, ) -> Result<(), Error>
        22-22 method crate::deep::Way::fmt | fn fmt(&self)
        23-23 trait Walk | trait Walk: Send
        23-23 type Walk::Step | type Step
        23-23 method Walk::walk | fn walk(&self) -> Self::Step
        23-23 method Walk::run | fn run(&self)
        24-24 module outer | mod outer
        24-24 module outer::inner | pub mod inner
        24-24 function outer::inner::deep | pub fn deep()
        24-24 constant outer::inner::S | static S: &str
        24-24 function outer::shallow | fn shallow()
        25-25 module elsewhere | mod elsewhere
        26-26 type Pair | type Pair<T> = (T, T)
        27-27 macro twice | macro_rules! twice
        29-29 function foreign | fn foreign(x: i32) -> i32
        30-30 struct Bits | union Bits
        ",
    );
}

#[test]
fn python() {
    check(
        Language::Python,
        r#"
import os
LIMIT: int = 5
name = "x"
name = "y"
class Walk(Base, metaclass=Meta):
    """Words."""
    kind = 1
    def __init__(self, x: int = 3, *, y={}) -> None:
        def within(): pass
    @property
    async def step(self): return 1
    class Inner:
        def deep(self): ...
@decorated(1)
def free(a,  # first
         b):
    return a

if os.name == "nt":
    def only(): pass
else:
    def only(): pass
try:
    import fast
except ImportError:
    fast = None
type Pair = tuple[int, int]
type Table[K, V: int] = dict[K, V]
a, (b, *rest), x.y = 1, 2, 3
c = d = 5
UP, DOWN = 1, 2
for n in range(3):
    def many(): pass
while True:
    class Late: pass
match n:
    case 1:
        def matched(): pass
"#,
        r"
        3-3 constant LIMIT | LIMIT: int
        4-4 variable name | name
        6-14 class Walk | class Walk(Base, metaclass=Meta)
        9-10 method Walk.__init__ | def __init__(self, x: int = 3, *, y={}) -> None
        12-12 method Walk.step | async def step(self)
        13-14 class Walk.Inner | class Inner
        14-14 method Walk.Inner.deep | def deep(self)
        16-18 function free | def free(a, b)
        21-21 function only | def only()
        23-23 function only | def only()
        27-27 variable fast | fast
        28-28 type Pair | type Pair
        29-29 type Table | type Table[K, V: int]
        30-30 variable a | a, (b, *rest), x.y
        30-30 variable b | a, (b, *rest), x.y
        30-30 variable rest | a, (b, *rest), x.y
        31-31 variable c | c = d
        31-31 variable d | c = d
        32-32 constant UP | UP, DOWN
        32-32 constant DOWN | UP, DOWN
        34-34 function many | def many()
        36-36 class Late | class Late
        39-39 function matched | def matched()
        ",
    );
}

#[test]
fn typescript() {
    let source = r#"
export default function main(a: number): string { return ""; }
export const LIMIT = 5, other: number = 6;
let count = 0;
export const twice = async (x: number): Promise<number> => { return x; };
@Injectable({ a: 1 })
export abstract class Walk<T> extends Base implements Step {
  #secret = 1;
  constructor(private readonly x: T) { super(); }
  static async *steps(): AsyncGenerator<number> {}
  get size(): number { return 1; }
  abstract left(): void;
  on = (event: Event) => { };
}
export interface Step { at: number; go(to: string): void }
export type Pair = [number, number];
enum Way { Up, Down }
namespace Outer { export namespace Inner { export function deep() {} } }
declare module "words" { export function said(): void; }
declare function known(x: string): void;
const Named = class { inside() {} };
const { a, b: [c, d = 1], ...e } = pair;
export const { f = 2 } = pair;
"#;
    let wanted = r#"
        2-2 function main | export default function main(a: number): string
        3-3 constant LIMIT | export const LIMIT
        3-3 constant other | other: number
        4-4 variable count | let count
        5-5 function twice | export const twice = async (x: number): Promise<number>
        7-14 class Walk | export abstract class Walk<T> extends Base implements Step
        9-9 method Walk.constructor | constructor(private readonly x: T)
        10-10 method Walk.steps | static async *steps(): AsyncGenerator<number>
        11-11 method Walk.size | get size(): number
        12-12 method Walk.left | abstract left(): void
        13-13 method Walk.on | on = (event: Event)
        15-15 interface Step | export interface Step
        15-15 method Step.go | go(to: string): void
        16-16 type Pair | export type Pair
        17-17 enum Way | enum Way
        18-18 module Outer | namespace Outer
        18-18 module Outer.Inner | export namespace Inner
        18-18 function Outer.Inner.deep | export function deep()
        19-19 module "words" | declare module "words"
        19-19 function "words".said | export function said(): void
        20-20 function known | declare function known(x: string): void
        21-21 class Named | const Named = class
        21-21 method Named.inside | inside()
        22-22 constant a | const { a, b: [c, d = 1], ...e }
        22-22 constant c | const { a, b: [c, d = 1], ...e }
        22-22 constant d | const { a, b: [c, d = 1], ...e }
        22-22 constant e | const { a, b: [c, d = 1], ...e }
        23-23 constant f | export const { f = 2 }
    "#;
    check(Language::TypeScript, source, wanted);
    check(Language::Tsx, source, wanted);
    check(
        Language::Tsx,
        "export const Page = ({ x }: Props) => <p>{x}</p>;\n",
        "1-1 function Page | export const Page = ({ x }: Props)",
    );
}

#[test]
fn javascript() {
    check(
        Language::JavaScript,
        r"
class Walk extends Base { static #a = 1; step() {} on = () => 1; }
export default class { go() {} }
function* many() {}
var old = function () {}, older;
export default () => <p/>;
module.exports = function named() {};
exports.one = () => {};
module.exports.two = async function () {};
module.exports = class { go() {} };
Old.prototype.m = function (x) {};
Old.s = function () {};
exports.limit = 5;
",
        r"
        2-2 class Walk | class Walk extends Base
        2-2 method Walk.step | step()
        2-2 method Walk.on | on = ()
        3-3 class default | export default class
        3-3 method default.go | go()
        4-4 function many | function* many()
        5-5 function old | var old = function ()
        5-5 variable older | older
        6-6 function default | export default ()
        7-7 function named | module.exports = function named()
        8-8 function one | exports.one = ()
        9-9 function two | module.exports.two = async function ()
        10-10 class exports | module.exports = class
        10-10 method exports.go | go()
        11-11 method Old.m | Old.prototype.m = function (x)
        12-12 method Old.s | Old.s = function ()
        ",
    );
}

#[test]
fn go() {
    check(
        Language::Go,
        r"
package main

type Stack[T any] struct {
	items []T
}
type (
	Way  int
	Walk interface { Step(n int) error; fmt.Stringer }
	Same = Way
)
const Limit, other = 5, 6
const (
	Up Way = iota
	_
	Down
)
var count int
var (
	a, b = 1, 2
)
func (s *Stack[T]) Grow(by int) error { return nil }
func (Way) String() string { return `` }
func main() {
	within := func() {}
}
",
        r"
        4-6 struct Stack | type Stack[T any] struct
        8-8 type Way | Way int
        9-9 interface Walk | Walk interface
        9-9 method Walk.Step | Step(n int) error
        10-10 type Same | Same = Way
        12-12 constant Limit | const Limit, other
        12-12 constant other | const Limit, other
        14-14 constant Up | Up Way
        16-16 constant Down | Down
        18-18 variable count | var count int
        20-20 variable a | a, b
        20-20 variable b | a, b
        22-22 method Stack.Grow | func (s *Stack[T]) Grow(by int) error
        23-23 method Way.String | func (Way) String() string
        24-26 function main | func main()
        ",
    );
}

#[test]
fn a_syntax_error_is_told_and_the_rest_is_listed() {
    for (language, source, error, symbols) in [
        (Language::Rust, "fn (((", "line 1, column 1: not understood: \"fn (((\"", ""),
        (Language::Python, "def x(:\n", "line 1, column 7: \")\" is missing", "1-1 function x | def x(\n"),
        (
            Language::Go,
            "package p\nfunc ok() {}\nfunc (",
            "line 3, column 1: not understood: \"func (\"",
            "2-2 function ok | func ok()\n",
        ),
        (
            Language::Rust,
            "fn a() {}\nstruct B {\nfn c() {}\n",
            "line 3, column 1: not understood: \"fn c() {\"",
            "1-1 function a | fn a()\n2-3 struct B | struct B\n",
        ),
        (
            Language::TypeScript,
            "function a() { if (x) { }",
            "line 1, column 26: \"}\" is missing",
            "1-1 function a | function a()\n",
        ),
    ] {
        let Some(extracted) = extract(language, source.as_bytes()) else { continue };
        assert_eq!(extracted.syntax_error.as_deref(), Some(error), "{source}");
        assert_eq!(shown(&extracted), symbols, "{source}");
    }
}

// cache C23
#[test]
fn no_depth_and_no_length_is_too_much() {
    let deep = |open: &str, close: &str, times: usize| [open.repeat(times), close.repeat(times)].concat();
    let cases = [
        (Language::Rust, deep("mod m{", "}", 10_000)),
        (Language::Rust, format!("const X: u8 = {};", deep("(", ")", 50_000))),
        (Language::Rust, "(".repeat(200_000)),
        (
            Language::Rust,
            ["a", "b", "c"].map(|name| format!("mod {} {{ ", name.repeat(250))).concat() + "fn f() {} }}}",
        ),
        (
            Language::Rust,
            ["a", "b"].map(|name| format!("mod {} {{ ", name.repeat(250))).concat() + "fn long_name() {} }}",
        ),
        (Language::Rust, "fn f() {}".repeat(MAX_SYMBOLS + 1)),
        (Language::Rust, format!("fn {}() {{}}", "x".repeat(100_000))),
        (Language::Rust, format!("fn f({}) {{}}", "a: u8, ".repeat(20_000))),
        (
            Language::Python,
            (0..200)
                .cycle()
                .take(5_000)
                .map(|depth| " ".repeat(depth) + "class C:\n")
                .collect::<Vec<_>>()
                .concat(),
        ),
        (Language::Python, deep("[", "]", 50_000)),
        (Language::TypeScript, deep("namespace n { class C { m() {", "}}}", 5_000)),
        (Language::TypeScript, "<".repeat(100_000)),
        (Language::TypeScript, "const a = 1;".repeat(10_000)),
        (Language::Go, deep("func(", ")", 20_000)),
        (Language::JavaScript, "`${".repeat(50_000)),
    ];
    for (language, source) in cases {
        let Some(extracted) = extract(language, source.as_bytes()) else { continue };
        let shown: String = source.chars().take(20).collect();
        assert!(extracted.symbols.len() <= MAX_SYMBOLS, "{shown}");
        for one in &extracted.symbols {
            assert!(
                one.qualified_name.len() <= 512 && one.name.len() <= 260 && one.signature.len() <= 260,
                "{one:?}"
            );
        }
    }
    let many = extract(Language::Rust, "fn f() {}".repeat(MAX_SYMBOLS + 1).as_bytes());
    if let Some(many) = many {
        assert_eq!(many.symbols.len(), MAX_SYMBOLS);
        assert!(many.syntax_error.unwrap().starts_with("more than 20000 symbols"));
    }
    let large = super::extract(Language::Rust, &vec![b' '; MAX_SOURCE + 1], &SystemClock);
    assert_eq!(large, Err(NotParsed::TooLarge));
    // What is left out is said.
    for text in
        [deep("mod m{", "}", 1_000), format!("mod {} {{ fn {}() {{}} }}", "a".repeat(300), "b".repeat(300))]
    {
        let Some(found) = extract(Language::Rust, text.as_bytes()) else { continue };
        let wanted = "qualified names longer than 512 bytes: what has one is left out";
        assert_eq!(found.syntax_error.as_deref(), Some(wanted), "{} symbols", found.symbols.len());
        assert!(!found.symbols.is_empty());
    }
}

#[test]
fn where_a_long_source_is_wrong() {
    for (language, source, error) in [
        (
            Language::Rust,
            "fn a() {}\nfn b() {\n  if x {\n}\nfn c() {}\n",
            r#"line 2, column 8: "{" is not closed"#,
        ),
        (
            Language::Go,
            "package p\nfunc a() {}\nfunc b() {\n\tif x {\n}\nfunc c() {}\n",
            r#"line 6, column 6: not understood: "c""#,
        ),
        (
            Language::Python,
            "def a(): pass\nx = [1,\n  2,\ndef b(): pass\n",
            r#"line 4, column 1: not understood: "def""#,
        ),
        (
            Language::TypeScript,
            "function a() {}\nconst b = (1 + [2;\nfunction c() {}\n",
            r#"line 2, column 17: not understood: "2;""#,
        ),
    ] {
        let Some(extracted) = extract(language, source.as_bytes()) else { continue };
        assert_eq!(extracted.syntax_error.as_deref(), Some(error), "{source}");
    }
}

/// <https://go.dev/ref/spec#Semicolons>: one may be left out before `)`.
#[test]
fn go_on_one_line_is_no_error() {
    check(
        Language::Go,
        "package p\nconst ( C = iota; D )\nvar ( a int; b int )\nconst (E, F = 1, \"x\"; G = 3)\n",
        r"
        2-2 constant C | C
        2-2 constant D | D
        3-3 variable a | a int
        3-3 variable b | b int
        4-4 constant E | E, F
        4-4 constant F | E, F
        4-4 constant G | G
        ",
    );
}

#[test]
fn what_is_no_text_is_read_as_far_as_it_goes() {
    let Some(extracted) = extract(Language::Rust, b"fn a() {}\n\xff\xfe\x00\nfn b(x: \xc3) {}\n") else {
        return;
    };
    assert!(extracted.syntax_error.is_some());
    assert!(shown(&extracted).starts_with("1-1 function a | fn a()\n"), "{}", shown(&extracted));
}

/// Words that the grammars know, in any order.
fn words() -> impl Strategy<Value = String> {
    let words = [
        "fn",
        "struct",
        "impl",
        "mod",
        "trait",
        "{",
        "}",
        "(",
        ")",
        "<",
        ">",
        ";",
        ":",
        "a",
        "B",
        "=",
        "const",
        "class",
        "def",
        "\n",
        "    ",
        "func",
        "type",
        "interface",
        "export",
        "default",
        "=>",
        "@d",
        "'",
        "\"",
        "/*",
        "//",
        "#",
        "é",
        "\u{0}",
        "import",
        "namespace",
        "var",
        "var (",
        "async",
        "`",
        "${",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..60).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn no_source_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), words in words()) {
        for language in Language::ALL {
            for source in [&bytes[..], words.as_bytes()] {
                if let Some(extracted) = extract(language, source) {
                    encode(&extracted);
                    prop_assert!(extracted.symbols.iter().all(|one| 1 <= one.start_line && one.start_line <= one.end_line));
                    prop_assert!(extracted.symbols.iter().all(|one| !one.signature.contains('\n')));
                }
            }
        }
    }
}
