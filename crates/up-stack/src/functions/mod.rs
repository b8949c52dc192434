//! The functions of expressions: one line in [`FUNCTIONS`], and one `fn` in the file of its topic.

mod arguments;
mod collection;
mod convert;
mod dates;
mod encoding;
mod files;
mod hash;
mod net;
mod number;
mod text;
mod yaml;

use std::{collections::HashMap, sync::LazyLock};

use serde_json::Value;

use crate::{
    scope::NameScope,
    suggest::Suggestions,
    value::{EvalError, EvalResult},
};

pub(crate) use arguments::Arguments;

/// A function: its name, its parameters for messages, and its code.
///
/// A parameter that ends in `?` is optional; one that ends in `...` takes all remaining arguments.
pub(crate) struct Function {
    name: &'static str,
    parameters: &'static str,
    code: fn(&Arguments<'_>) -> EvalResult,
}

/// All functions but `try` and `can`, which are part of the evaluator.
const FUNCTIONS: &[Function] = &[
    Function { name: "abs", parameters: "number", code: number::abs },
    Function { name: "alltrue", parameters: "list", code: collection::alltrue },
    Function { name: "anytrue", parameters: "list", code: collection::anytrue },
    Function { name: "base64decode", parameters: "text", code: encoding::base64decode },
    Function { name: "base64encode", parameters: "text", code: encoding::base64encode },
    Function { name: "base64gzip", parameters: "text", code: encoding::base64gzip },
    Function { name: "base64sha256", parameters: "text", code: hash::base64sha256 },
    Function { name: "base64sha512", parameters: "text", code: hash::base64sha512 },
    Function { name: "basename", parameters: "path", code: files::basename },
    Function { name: "ceil", parameters: "number", code: number::ceil },
    Function { name: "chomp", parameters: "text", code: text::chomp },
    Function { name: "chunklist", parameters: "list, size", code: collection::chunklist },
    Function { name: "cidrhost", parameters: "prefix, number", code: net::cidrhost },
    Function { name: "cidrnetmask", parameters: "prefix", code: net::cidrnetmask },
    Function { name: "cidrsubnet", parameters: "prefix, newbits, number", code: net::cidrsubnet },
    Function { name: "cidrsubnets", parameters: "prefix, newbits...", code: net::cidrsubnets },
    Function { name: "coalesce", parameters: "values...", code: collection::coalesce },
    Function { name: "coalescelist", parameters: "lists...", code: collection::coalescelist },
    Function { name: "compact", parameters: "list", code: collection::compact },
    Function { name: "concat", parameters: "lists...", code: collection::concat },
    Function { name: "contains", parameters: "list, value", code: collection::contains },
    Function { name: "csvdecode", parameters: "text", code: encoding::csvdecode },
    Function { name: "deployed", parameters: "default", code: crate::deployed::deployed },
    Function { name: "dirname", parameters: "path", code: files::dirname },
    Function { name: "distinct", parameters: "list", code: collection::distinct },
    Function { name: "element", parameters: "list, index", code: collection::element },
    Function { name: "endswith", parameters: "text, suffix", code: text::endswith },
    Function { name: "file", parameters: "path", code: files::file },
    Function { name: "filebase64", parameters: "path", code: files::filebase64 },
    Function { name: "filebase64sha256", parameters: "path", code: hash::filebase64sha256 },
    Function { name: "filebase64sha512", parameters: "path", code: hash::filebase64sha512 },
    Function { name: "fileexists", parameters: "path", code: files::fileexists },
    Function { name: "filemd5", parameters: "path", code: hash::filemd5 },
    Function { name: "fileset", parameters: "path, pattern", code: files::fileset },
    Function { name: "filesha1", parameters: "path", code: hash::filesha1 },
    Function { name: "filesha256", parameters: "path", code: hash::filesha256 },
    Function { name: "filesha512", parameters: "path", code: hash::filesha512 },
    Function { name: "flatten", parameters: "list", code: collection::flatten },
    Function { name: "floor", parameters: "number", code: number::floor },
    Function { name: "format", parameters: "format, values...", code: text::format },
    Function { name: "formatdate", parameters: "format, time", code: dates::formatdate },
    Function { name: "formatlist", parameters: "format, values...", code: text::formatlist },
    Function { name: "indent", parameters: "spaces, text", code: text::indent },
    Function { name: "index", parameters: "list, value", code: collection::index },
    Function { name: "join", parameters: "separator, lists...", code: text::join },
    Function { name: "jsondecode", parameters: "text", code: encoding::jsondecode },
    Function { name: "jsonencode", parameters: "value", code: encoding::jsonencode },
    Function { name: "keys", parameters: "map", code: collection::keys },
    Function { name: "length", parameters: "value", code: collection::length },
    Function { name: "log", parameters: "number, base", code: number::log },
    Function { name: "lookup", parameters: "map, key, default?", code: collection::lookup },
    Function { name: "lower", parameters: "text", code: text::lower },
    Function { name: "matchkeys", parameters: "values, keys, searchset", code: collection::matchkeys },
    Function { name: "max", parameters: "numbers...", code: number::max },
    Function { name: "md5", parameters: "text", code: hash::md5 },
    Function { name: "merge", parameters: "maps...", code: collection::merge },
    Function { name: "min", parameters: "numbers...", code: number::min },
    Function { name: "nonsensitive", parameters: "value", code: convert::nonsensitive },
    Function { name: "one", parameters: "list", code: collection::one },
    Function { name: "parseint", parameters: "text, base", code: number::parseint },
    Function { name: "pow", parameters: "number, power", code: number::pow },
    Function { name: "range", parameters: "start_or_limit, limit?, step?", code: collection::range },
    Function { name: "regex", parameters: "pattern, text", code: text::regex },
    Function { name: "regexall", parameters: "pattern, text", code: text::regexall },
    Function { name: "replace", parameters: "text, part, replacement", code: text::replace },
    Function { name: "reverse", parameters: "list", code: collection::reverse },
    Function { name: "sensitive", parameters: "value", code: convert::sensitive },
    Function { name: "setintersection", parameters: "sets...", code: collection::setintersection },
    Function { name: "setproduct", parameters: "lists...", code: collection::setproduct },
    Function { name: "setsubtract", parameters: "set, other", code: collection::setsubtract },
    Function { name: "setunion", parameters: "sets...", code: collection::setunion },
    Function { name: "sha1", parameters: "text", code: hash::sha1 },
    Function { name: "sha256", parameters: "text", code: hash::sha256 },
    Function { name: "sha512", parameters: "text", code: hash::sha512 },
    Function { name: "signum", parameters: "number", code: number::signum },
    Function { name: "slice", parameters: "list, start, end", code: collection::slice },
    Function { name: "sort", parameters: "list", code: collection::sort },
    Function { name: "split", parameters: "separator, text", code: text::split },
    Function { name: "startswith", parameters: "text, prefix", code: text::startswith },
    Function { name: "strcontains", parameters: "text, part", code: text::strcontains },
    Function { name: "strrev", parameters: "text", code: text::strrev },
    Function { name: "substr", parameters: "text, offset, length", code: text::substr },
    Function { name: "sum", parameters: "list", code: number::sum },
    Function { name: "templatefile", parameters: "path, variables", code: files::templatefile },
    Function { name: "templatestring", parameters: "text, variables", code: files::templatestring },
    Function { name: "textdecodebase64", parameters: "text, encoding", code: encoding::textdecodebase64 },
    Function { name: "textencodebase64", parameters: "text, encoding", code: encoding::textencodebase64 },
    Function { name: "timeadd", parameters: "time, duration", code: dates::timeadd },
    Function { name: "timecmp", parameters: "time, other", code: dates::timecmp },
    Function { name: "title", parameters: "text", code: text::title },
    Function { name: "tobool", parameters: "value", code: convert::tobool },
    Function { name: "tolist", parameters: "value", code: convert::tolist },
    Function { name: "tomap", parameters: "value", code: convert::tomap },
    Function { name: "tonumber", parameters: "value", code: convert::tonumber },
    Function { name: "toset", parameters: "value", code: convert::toset },
    Function { name: "tostring", parameters: "value", code: convert::tostring },
    Function { name: "transpose", parameters: "map", code: collection::transpose },
    Function { name: "trim", parameters: "text, characters", code: text::trim },
    Function { name: "trimprefix", parameters: "text, prefix", code: text::trimprefix },
    Function { name: "trimspace", parameters: "text", code: text::trimspace },
    Function { name: "trimsuffix", parameters: "text, suffix", code: text::trimsuffix },
    Function { name: "upper", parameters: "text", code: text::upper },
    Function { name: "urlencode", parameters: "text", code: encoding::urlencode },
    Function { name: "uuidv5", parameters: "namespace, name", code: hash::uuidv5 },
    Function { name: "values", parameters: "map", code: collection::values },
    Function { name: "yamldecode", parameters: "text", code: yaml::yamldecode },
    Function { name: "yamlencode", parameters: "value", code: yaml::yamlencode },
    Function { name: "zipmap", parameters: "keys, values", code: collection::zipmap },
];

/// Why functions whose result changes are not supported.
const CHANGING: &str = "its result changes, and plans are deterministic";

/// Terraform's functions that are not supported, why, and what to use instead.
const NOT_SUPPORTED: &[(&[&str], &str, &str)] = &[
    (&["timestamp", "plantimestamp"], CHANGING, "pass the time as an input"),
    (&["uuid"], CHANGING, "use `uuidv5`, which derives a UUID from a name"),
    (&["bcrypt"], CHANGING, "pass the hash as an input"),
    (&["abspath", "pathexpand"], CHANGING, "paths of files are relative to the stack's folder"),
    (&["rsadecrypt"], "a stack should not hold a private key", "pass the decrypted text as a sensitive input"),
    (&["issensitive", "ephemeralasnull", "type"], "values have no such property here", "remove it"),
    (&["list", "map"], "Terraform removed it", "write `[a, b]` or `{ a = b }`"),
];

/// Finds a function by its name.
pub(crate) fn find(name: &str, suggestions: &Suggestions) -> Result<&'static Function, EvalError> {
    static BY_NAME: LazyLock<HashMap<&str, &Function>> =
        LazyLock::new(|| FUNCTIONS.iter().map(|function| (function.name, function)).collect());
    let absent = || {
        if let Some((_, why, instead)) = NOT_SUPPORTED.iter().find(|(names, ..)| names.contains(&name)) {
            return EvalError::new(format!("unsupported function `{name}`: {why}"))
                .hint((*instead).to_owned())
                .underline(name);
        }
        let names = FUNCTIONS.iter().map(|function| function.name).chain(["try", "can"]);
        EvalError::new(format!("unknown function `{name}`")).hint(suggestions.hint(name, names)).underline(name)
    };
    BY_NAME.get(name).copied().ok_or_else(absent)
}

impl Function {
    /// Calls the function, after checking the number of arguments.
    pub(crate) fn call(&self, values: &[Value], scope: &NameScope<'_>) -> EvalResult {
        let parameters: Vec<&str> = self.parameters.split(", ").collect();
        let needed = parameters.iter().filter(|name| !name.ends_with('?') && !name.ends_with("...")).count();
        let takes_all = parameters.last().is_some_and(|name| name.ends_with("..."));
        if values.len() < needed || (values.len() > parameters.len() && !takes_all) {
            let Self { name, parameters, .. } = self;
            let message = format!("`{name}({parameters})` is called with {}", count(values.len()));
            return Err(EvalError::new(message));
        }
        (self.code)(&Arguments::new(self.name, &parameters, values, scope))
    }
}

fn count(arguments: usize) -> String {
    match arguments {
        0 => "no argument".into(),
        1 => "one argument".into(),
        more => format!("{more} arguments"),
    }
}
