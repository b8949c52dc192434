//! Every function by example. Each line is an expression and the JSON it gives, or `!` and a part of what is said.

mod common;

use std::{collections::BTreeSet, fs};

use serde_json::Value;
use up_stack::{Options, Stack};

const TABLE: &[(&str, &str)] = &[
    // Operators, conditions, loops.
    ("1 + 2 * 3", "7"),
    ("7 / 2", "3.5"),
    ("6 / 2", "3"),
    ("-7 % 3", "-1"),
    ("\"5\" + 1", "6"),
    ("9007199254740993 + 0", "9007199254740993"),
    ("!true || 1 < 2 && 2 >= 2", "true"),
    ("1 == 1.0", "true"),
    ("\"1\" == 1", "false"),
    ("null == \"\"", "false"),
    ("null != null", "false"),
    ("false && nothing.here", "false"),
    ("true ? \"a\" : 1", "\"a\""),
    ("{ a = 1, \"b\" = 2, (\"c${1}\") = 3 }", r#"{"a":1,"b":2,"c1":3}"#),
    ("{ a = { b = [1, { c = 5 }] } }.a.b[1].c", "5"),
    ("{ a = 1 }[\"a\"]", "1"),
    ("[for x in [1, 2, 3] : x * 2 if x != 2]", "[2,6]"),
    ("[for i, x in [\"a\", \"b\"] : \"${i}${x}\"]", r#"["0a","1b"]"#),
    ("[for k, v in { b = 1, a = 2 } : \"${k}${v}\"]", r#"["a2","b1"]"#),
    ("{ for x in [\"a\", \"b\"] : x => upper(x) }", r#"{"a":"A","b":"B"}"#),
    ("{ for x in [\"aa\", \"ab\", \"b\"] : substr(x, 0, 1) => x... }", r#"{"a":["aa","ab"],"b":["b"]}"#),
    ("{ for x in [\"a\", \"a\"] : x => 1 }", "!gives the key `a` twice"),
    ("[{ a = 1 }, { a = 2 }][*].a", "[1,2]"),
    ("[{ a = 1 }, { a = 2 }].*.a", "[1,2]"),
    ("null[*]", "[]"),
    ("\"x\"[*]", r#"["x"]"#),
    ("\"a ${\"b ${1}\"} c\"", r#""a b 1 c""#),
    ("\"%{ for x in [1, 2] }<${x}>%{ endfor }%{ if false }a%{ else }b%{ endif }\"", r#""<1><2>b""#),
    // Functions, by name.
    ("abs(-2.5)", "2.5"),
    ("alltrue([true, \"true\"])", "true"),
    ("alltrue([])", "true"),
    ("anytrue([])", "false"),
    ("base64decode(\"aMOk\")", "\"hä\""),
    ("base64decode(\"?\")", "!is not base64"),
    ("base64encode(\"hä\")", r#""aMOk""#),
    ("can({ a = 1 }.b)", "false"),
    ("can(1)", "true"),
    ("ceil(1.2)", "2"),
    ("chomp(\"a\\n\\n\")", r#""a""#),
    ("chunklist([1, 2, 3], 2)", "[[1,2],[3]]"),
    ("cidrhost(\"10.1.0.0/16\", 5)", r#""10.1.0.5""#),
    ("cidrhost(\"10.1.0.0/16\", -2)", r#""10.1.255.254""#),
    ("cidrhost(\"10.1.0.0/30\", 4)", "!names no address in 10.1.0.0/30"),
    ("cidrhost(\"fd00::/64\", 34)", r#""fd00::22""#),
    ("cidrnetmask(\"172.16.0.0/12\")", r#""255.240.0.0""#),
    ("cidrsubnet(\"172.16.0.0/12\", 4, 2)", r#""172.18.0.0/16""#),
    ("cidrsubnet(\"10.1.2.0/24\", 4, 15)", r#""10.1.2.240/28""#),
    ("cidrsubnet(\"10.1.2.0/24\", 0, 0)", r#""10.1.2.0/24""#),
    ("cidrsubnet(\"fd00:fd12:3456:7890::/56\", 16, 162)", r#""fd00:fd12:3456:7800:a200::/72""#),
    ("cidrsubnet(\"::/0\", 128, 1)", r#""::1/128""#),
    ("cidrsubnet(\"10.0.0.0/8\", 2, 4)", "!must be from 0 to 3"),
    ("cidrsubnets(\"10.1.0.0/16\", 4, 4, 8, 4)", r#"["10.1.0.0/20","10.1.16.0/20","10.1.32.0/24","10.1.48.0/20"]"#),
    ("cidrsubnets(\"10.0.0.0/31\", 1, 1, 1)", "!finds no room left"),
    ("cidrsubnets(\"0.0.0.0/0\", 1, 1)", r#"["0.0.0.0/1","128.0.0.0/1"]"#),
    ("coalesce(null, \"\", \"a\")", r#""a""#),
    ("coalesce(null, \"\")", "!all of its arguments are null or empty"),
    ("coalescelist([], [1])", "[1]"),
    ("compact([\"a\", \"\", null, \"b\"])", r#"["a","b"]"#),
    ("concat([1], [], [2, 3])", "[1,2,3]"),
    ("concat([[1], [2]]...)", "[1,2]"),
    ("contains([\"a\", \"b\"], \"b\")", "true"),
    ("contains([\"a\"], \"b\")", "false"),
    ("distinct([1, 2, 1])", "[1,2]"),
    ("element([\"a\", \"b\"], 3)", r#""b""#),
    ("element([\"a\", \"b\"], -1)", r#""b""#),
    ("endswith(\"hello\", \"lo\")", "true"),
    ("file(\"hello.txt\")", r#""hello\n""#),
    ("fileexists(\"hello.txt\")", "true"),
    ("fileexists(\"none.txt\")", "false"),
    ("flatten([1, [2, [3]], []])", "[1,2,3]"),
    ("floor(-1.2)", "-2"),
    (
        "format(\"%s-%03d|%5.1f|%x|%v|%q|%%|%-4s|\", \"a\", 7, 2.25, 255, [1], \"b\", \"c\")",
        r#""a-007|  2.2|ff|[1]|\"b\"|%|c   |""#,
    ),
    ("format(\"%e %t %b %o %X %+d\", 1234.5, true, 5, 8, 255, 3)", r#""1.234500e+03 true 101 10 FF +3""#),
    ("format(\"%s\")", "!wants more values"),
    ("format(\"a\", 1)", "!uses 0 of the 1 values"),
    ("format(\"%z\", 1)", "!has `%z`"),
    ("formatlist(\"%s=%s\", [\"a\", \"b\"], 1)", r#"["a=1","b=1"]"#),
    ("formatlist(\"%s%s\", [\"a\"], [1, 2])", "!must be lists of one length"),
    ("indent(2, \"a\\nb\")", r#""a\n  b""#),
    ("index([\"a\", \"b\"], \"b\")", "1"),
    ("index([], 1)", "!is not in the list"),
    ("join(\", \", [\"a\", \"b\"], [1])", r#""a, b, 1""#),
    ("jsondecode(\"{\\\"a\\\": [1, null]}\")", r#"{"a":[1,null]}"#),
    ("jsonencode({ b = 1, a = [true, null] })", r#""{\"a\":[true,null],\"b\":1}""#),
    ("keys({ b = 1, a = 2 })", r#"["a","b"]"#),
    ("length(\"hä\")", "2"),
    ("length({ a = 1 })", "1"),
    ("length([1, 2])", "2"),
    ("length(5)", "!must be a list, a map or text"),
    ("lookup({ a = 1 }, \"b\", 2)", "2"),
    ("lookup({ a = 1 }, \"a\")", "1"),
    ("lower(\"Ä\")", "\"ä\""),
    ("max(1, 3, 2)", "3"),
    ("max()", "!wants at least one number"),
    ("merge({ a = 1, b = 1 }, null, { b = 2 })", r#"{"a":1,"b":2}"#),
    ("min(2, 1.5)", "1.5"),
    ("one([])", "null"),
    ("one([5])", "5"),
    ("one([1, 2])", "!must hold at most one item"),
    ("pow(2, 10)", "1024"),
    ("range(3)", "[0,1,2]"),
    ("range(1, 8, 3)", "[1,4,7]"),
    ("range(3, 1)", "[3,2]"),
    ("range(1, 3, -1)", "!never reaches the limit"),
    ("regex(\"[a-z]+\", \"53453453.345345aaabbbccc23454\")", r#""aaabbbccc""#),
    ("regex(\"(\\\\d+)-(\\\\d+)\", \"8-9\")", r#"["8","9"]"#),
    ("regex(\"(?P<year>\\\\d+)\", \"in 2026\")", r#"{"year":"2026"}"#),
    ("regex(\"z\", \"a\")", "!does not match"),
    ("regexall(\"[a-z]\", \"a1b\")", r#"["a","b"]"#),
    ("replace(\"1 + 2 + 3\", \"+\", \"-\")", r#""1 - 2 - 3""#),
    ("replace(\"hello\", \"/l+/\", \"L\")", r#""heLo""#),
    ("reverse([1, 2])", "[2,1]"),
    ("setintersection([1, 2], [2, 3], [2])", "[2]"),
    ("setsubtract([1, 2], [2])", "[1]"),
    ("setunion([1], [2, 1])", "[1,2]"),
    ("sha256(\"hello world\")", r#""b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9""#),
    ("slice([1, 2, 3], 1, 3)", "[2,3]"),
    ("slice([1], 0, 2)", "!must be from `start` to the length"),
    ("sort([\"b\", \"a\"])", r#"["a","b"]"#),
    ("split(\",\", \"a,b\")", r#"["a","b"]"#),
    ("split(\"\", \"ab\")", r#"["a","b"]"#),
    ("startswith(\"hello\", \"he\")", "true"),
    ("strcontains(\"hello\", \"ell\")", "true"),
    ("substr(\"hello world\", 1, 4)", r#""ello""#),
    ("substr(\"hello\", -3, -1)", r#""llo""#),
    ("substr(\"hello\", 9, 2)", r#""""#),
    ("sum([1, 2.5])", "3.5"),
    ("templatefile(\"hello.tpl\", { names = [\"a\", \"b\"] })", r#""hello a b \n""#),
    ("title(\"hello world\")", r#""Hello World""#),
    ("tobool(\"true\")", "true"),
    ("tobool(\"yes\")", "!must be true or false"),
    ("tolist([1])", "[1]"),
    ("tomap({ b = 1, a = 2 })", r#"{"a":2,"b":1}"#),
    ("tonumber(\"1.5\")", "1.5"),
    ("tonumber(\"x\")", "!must be a number"),
    ("toset([\"b\", \"a\", \"b\"])", r#"["a","b"]"#),
    ("tostring(1.5)", r#""1.5""#),
    ("trim(\"?!hello?!\", \"!?\")", r#""hello""#),
    ("trimprefix(\"helloworld\", \"hello\")", r#""world""#),
    ("trimspace(\"  a\\n\")", r#""a""#),
    ("trimsuffix(\"helloworld\", \"world\")", r#""hello""#),
    ("try({ a = 1 }.b, [][0], \"fallback\")", r#""fallback""#),
    ("try({ a = 1 }.b)", "!this map has no `b`"),
    ("upper(\"a\")", r#""A""#),
    ("urlencode(\"a b/ä\")", r#""a+b%2F%C3%A4""#),
    ("values({ b = 1, a = 2 })", "[2,1]"),
    ("zipmap([\"a\", \"b\"], [1, 2])", r#"{"a":1,"b":2}"#),
    ("zipmap([\"a\"], [])", "!must have as many items"),
];

#[test]
fn every_function_gives_what_terraform_gives() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("hello.txt"), "hello\n").unwrap();
    fs::write(folder.path().join("hello.tpl"), "hello %{ for name in names ~}\n${name} %{ endfor ~}\n\n").unwrap();
    let mut wrong = vec![];
    for (expression, want) in TABLE {
        let path = folder.path().join("stack.toml");
        let text = format!(
            "[stack]\nname = \"x\"\nregion = \"us-east-1\"\n[outputs.x]\ndescription = \"X.\"\nvalue = '''${{{expression}}}'''\n"
        );
        fs::write(&path, text).unwrap();
        let found = common::load(path.to_str().unwrap(), &Options::default());
        let fits = match (&found, want.strip_prefix('!')) {
            (Err(said), Some(part)) => said.to_string().contains(part),
            (Ok(stack), None) => output(stack) == serde_json::from_str::<Value>(want).unwrap(),
            _ => false,
        };
        if !fits {
            let found = found.map_or_else(|said| said.to_string(), |stack| output(&stack).to_string());
            wrong.push(format!("{expression}: wanted {want}, found {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn output(stack: &Stack) -> Value {
    stack.outputs["x"].value.clone()
}

#[test]
fn every_function_has_an_example() {
    let table = fs::read_to_string("src/functions/mod.rs").unwrap();
    let names = table.split("name: \"").skip(1).filter_map(|rest| rest.split('"').next());
    let shown: BTreeSet<_> = TABLE.iter().filter_map(|(expression, _)| expression.split('(').next()).collect();
    let missing: Vec<_> = names.filter(|name| !shown.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
