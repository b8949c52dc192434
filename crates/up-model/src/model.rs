//! The model of a kind: what its specs mean.

use schemars::Schema;
use serde_json::Value;

use crate::{Address, Asked, Field, KindInfo, Observed, Problem, Unique};

/// What planning needs of a kind: everything but its calls. The methods are those of `Kind` in `up-core`, for a spec that is a
/// JSON value; they are explained there.
pub trait Model: Send + Sync {
    /// `ec2.subnet`.
    fn name(&self) -> &'static str;
    /// See [`KindInfo`].
    fn info(&self) -> &'static KindInfo;
    /// See [`Spec::FIELDS`](crate::Spec::FIELDS).
    fn fields(&self) -> &'static [Field];
    /// JSON Schema of the spec, made from the struct and its doc comments; `x-ref` marks references.
    fn schema(&self) -> Schema;
    /// Parses and checks a spec, fills in the defaults, and returns its normal form (`Kind::normal`). Fields without
    /// a value are left out; in inner tables they are `null`.
    fn complete(&self, spec: Value) -> Result<Value, Vec<Problem>>;
    /// See `Kind::unique`; includes the fields marked `name`.
    fn unique(&self, spec: &Value) -> Vec<Unique>;
    /// See `Kind::natural_key`.
    fn natural_key(&self, _spec: &Value) -> Option<String> {
        None
    }
    /// A completed spec in the form used for comparison, which observed specs have as well: policies in IAM's language
    /// have many spellings with the same meaning, and specs keep the user's spelling.
    fn comparable(&self, spec: Value) -> Value;
    /// See `Kind::remarks`. Takes a completed spec.
    fn remarks(&self, _spec: &Value) -> Vec<String> {
        Vec::new()
    }
    /// See `Kind::check_together`. Takes completed specs.
    fn check_together(&self, all: &[(&Address, &Value)]) -> Vec<(Address, Problem)>;
    /// See `Kind::accept`. A spec that does not parse is returned unchanged.
    fn accept(&self, _seen: &Observed<Value>, desired: Value) -> Value {
        desired
    }
    /// See `Kind::moves`.
    fn moves(&self, _want: &Value) -> Vec<(Address, &'static str)> {
        Vec::new()
    }
    /// See `Kind::refuses`.
    fn refuses(&self, _seen: Option<&Observed<Value>>, _want: &Value, _asked: Asked<'_>) -> Vec<Problem> {
        Vec::new()
    }
    /// See `Kind::disposed`. A spec that does not parse is returned unchanged.
    fn disposed(&self, seen: Value) -> Value {
        seen
    }
    /// See `Kind::delays`.
    fn delays(&self, _seen: &Observed<Value>, _want: &Value) -> Vec<String> {
        Vec::new()
    }
}
