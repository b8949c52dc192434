//! Serializes specs to JSON, leaving out fields without a value where `null` would mean nothing.
//!
//! [`serde_json::to_value`] writes `null` for such fields. A third of the fields of kinds are not set in most
//! resources: without them, there is less to store, to hash and to compare.

use std::fmt::Display;

use serde::{
    Serialize, Serializer,
    ser::{
        Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct,
    },
};
use serde_json::{Error, Map, Value, value::Serializer as Json};

use crate::{PolicyDocument, policy};

/// A live resource: only what AWS shows, in the form used for comparison.
pub fn observed(spec: &impl Serialize) -> Value {
    plain(spec, Plain { nulls: Nulls::Nowhere, policies: Policies::Comparable })
}

/// A desired resource. In inner tables, `null` means that AWS chooses; an absent key means that there must be none.
pub fn desired(spec: &impl Serialize) -> Value {
    plain(spec, Plain { nulls: Nulls::Inside, policies: Policies::AsWritten })
}

/// A desired resource in the form used for comparison.
pub fn comparable(spec: &impl Serialize) -> Value {
    plain(spec, Plain { nulls: Nulls::Inside, policies: Policies::Comparable })
}

/// Specs are plain data with text keys, which JSON can always represent.
fn plain(spec: &impl Serialize, plain: Plain) -> Value {
    spec.serialize(plain).expect("a spec is plain data")
}

/// Where `null` is written for a field without a value.
#[derive(Clone, Copy, PartialEq)]
enum Nulls {
    Nowhere,
    /// Only in inner tables. Not in those of lists, where every field counts.
    Inside,
    Here,
}

/// How policies are written, see [`PolicyDocument`].
#[derive(Clone, Copy, PartialEq)]
enum Policies {
    AsWritten,
    Comparable,
}

/// Serializes to a [`Value`].
#[derive(Clone, Copy)]
struct Plain {
    nulls: Nulls,
    policies: Policies,
}

impl Plain {
    /// The serializer for the fields of an inner table.
    fn inside(self) -> Self {
        Self { nulls: if self.nulls == Nulls::Nowhere { Nulls::Nowhere } else { Nulls::Here }, ..self }
    }
}

/// The items of a list.
struct Items {
    items: Vec<Value>,
    plain: Plain,
}

/// The entries of a map or a struct; if `variant` is set, of that enum variant.
struct Entries {
    entries: Vec<(String, Value)>,
    key: Option<String>,
    variant: Option<&'static str>,
    plain: Plain,
}

impl Entries {
    fn new(len: usize, variant: Option<&'static str>, plain: Plain) -> Self {
        Self { entries: Vec::with_capacity(len), key: None, variant, plain }
    }

    /// Adds a field, if it has a value or `null` is written.
    fn field(&mut self, name: &'static str, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        let value = value.serialize(self.plain.inside())?;
        if self.plain.nulls == Nulls::Here || !value.is_null() {
            self.entries.push((name.to_owned(), value));
        }
        Ok(())
    }

    /// Collects the entries before building the map: a growing map would take twice the memory.
    fn done(self) -> Value {
        let map = Value::Object(self.entries.into_iter().collect());
        match self.variant {
            Some(variant) => Value::Object(Map::from_iter([(variant.to_owned(), map)])),
            None => map,
        }
    }
}

macro_rules! scalars {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, value: $type) -> Result<Value, Error> {
            Json.$method(value)
        })*
    };
}

impl Serializer for Plain {
    type Ok = Value;
    type Error = Error;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Impossible<Value, Error>;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    scalars! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_f32: f32,
        serialize_f64: f64, serialize_char: char, serialize_str: &str, serialize_bytes: &[u8],
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<Value, Error> {
        Ok(Value::String(value.to_string()))
    }

    fn serialize_none(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, Error> {
        Ok(Value::String(variant.to_owned()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<Value, Error> {
        let value = value.serialize(self)?;
        let is_policy = name == PolicyDocument::NAME && self.policies == Policies::Comparable;
        Ok(if is_policy { policy::comparable(value) } else { value })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, Error> {
        Ok(Value::Object(Map::from_iter([(variant.to_owned(), value.serialize(self.inside())?)])))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Items, Error> {
        Ok(Items { items: Vec::with_capacity(len.unwrap_or(0)), plain: Self { nulls: Nulls::Nowhere, ..self } })
    }

    fn serialize_tuple(self, len: usize) -> Result<Items, Error> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Items, Error> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        Err(serde::ser::Error::custom(format!("{name}::{variant} has several unnamed values")))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Entries, Error> {
        Ok(Entries::new(len.unwrap_or(0), None, self))
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Entries, Error> {
        Ok(Entries::new(len, None, self))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Entries, Error> {
        Ok(Entries::new(len, Some(variant), self.inside()))
    }
}

macro_rules! lists {
    ($($trait:ident: $method:ident),* $(,)?) => {
        $(impl $trait for Items {
            type Ok = Value;
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.items.push(value.serialize(self.plain)?);
                Ok(())
            }

            fn end(self) -> Result<Value, Error> {
                Ok(Value::Array(self.items))
            }
        })*
    };
}

lists! {
    SerializeSeq: serialize_element, SerializeTuple: serialize_element, SerializeTupleStruct: serialize_field,
}

macro_rules! structs {
    ($($trait:ident),* $(,)?) => {
        $(impl $trait for Entries {
            type Ok = Value;
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
                self.field(name, value)
            }

            fn end(self) -> Result<Value, Error> {
                Ok(self.done())
            }
        })*
    };
}

structs!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Entries {
    type Ok = Value;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        let Value::String(key) = key.serialize(self.plain)? else {
            return Err(serde::ser::Error::custom("a key that is not text"));
        };
        self.key = Some(key);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let value = value.serialize(self.plain.inside())?;
        self.entries.extend(self.key.take().map(|key| (key, value)));
        Ok(())
    }

    fn end(self) -> Result<Value, Error> {
        Ok(self.done())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Figure {
        None,
        One(u8),
        Named { left: Option<i64>, right: f64 },
    }

    #[derive(Serialize)]
    struct TestSpec {
        absent: Option<String>,
        empty: Vec<String>,
        shapes: Vec<Figure>,
        pair: (bool, Option<u8>),
        map: BTreeMap<String, Option<u8>>,
        inner: Option<InnerTable>,
        choice: Figure,
        free: Value,
    }

    #[derive(Serialize)]
    struct InnerTable {
        text: &'static str,
        absent: Option<u8>,
    }

    #[test]
    fn fields_without_a_value_are_left_out_where_null_means_nothing() {
        let spec = TestSpec {
            absent: None,
            empty: vec![],
            shapes: vec![Figure::None, Figure::One(1), Figure::Named { left: None, right: 0.5 }],
            pair: (true, None),
            map: [("key".to_owned(), None)].into(),
            inner: Some(InnerTable { text: "", absent: None }),
            choice: Figure::Named { left: None, right: 1.5 },
            free: json!({ "Null": null, "Number": -1 }),
        };
        let mut expected = json!({
            "empty": [],
            "shapes": ["none", { "one": 1 }, { "named": { "right": 0.5 } }],
            "pair": [true, null],
            "map": { "key": null },
            "inner": { "text": "" },
            "choice": { "named": { "right": 1.5 } },
            "free": { "Null": null, "Number": -1 },
        });
        let plain = observed(&spec);
        assert_eq!(plain, expected);
        let keys: Vec<_> = plain.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["empty", "shapes", "pair", "map", "inner", "choice", "free"], "in the order of the struct");
        expected["inner"]["absent"] = Value::Null;
        expected["choice"]["named"]["left"] = Value::Null;
        assert_eq!(desired(&spec), expected);
    }
}
