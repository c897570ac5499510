//! Deserialisation that never minds a wrong type: what does not fit is skipped, the last of two equal keys counts.
//!
//! Real peers differ in what they accept, so a struct derive (which refuses duplicate keys and wrong types) would
//! let a message through unseen. Recursion goes no deeper than the fact types nest; all else is skipped iteratively.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

/// A JSON value that is neither object nor array.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scalar<'a> {
    Null,
    Bool,
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'a str),
}

/// Takes what it wants of one JSON value.
pub(super) trait Lenient<'de>: Default {
    /// The value is a scalar.
    fn scalar(&mut self, _value: Scalar<'_>) {}

    /// The value is an object. Must read it to its end.
    fn map<A: MapAccess<'de>>(&mut self, map: A) -> Result<(), A::Error> {
        drain_map(map)
    }

    /// The value is an array. Must read it to its end.
    fn seq<A: SeqAccess<'de>>(&mut self, seq: A) -> Result<(), A::Error> {
        drain_seq(seq)
    }
}

/// Reads the next member's value.
pub(super) fn value<'de, T: Lenient<'de>, A: MapAccess<'de>>(map: &mut A) -> Result<T, A::Error> {
    map.next_value_seed(Take::<T>(PhantomData))
}

/// Skips the next member's value.
pub(super) fn skip<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(|_| ())
}

/// Reads the next element.
pub(super) fn element<'de, T: Lenient<'de>, A: SeqAccess<'de>>(seq: &mut A) -> Result<Option<T>, A::Error> {
    seq.next_element_seed(Take::<T>(PhantomData))
}

/// Skips the rest of an object.
pub(super) fn drain_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Skips the rest of an array.
pub(super) fn drain_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Reads `T` from any value.
pub(super) fn take<'de, T: Lenient<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Take::<T>(PhantomData).deserialize(deserializer)
}

struct Take<T>(PhantomData<T>);

impl<'de, T: Lenient<'de>> DeserializeSeed<'de> for Take<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn of_scalar<'de, T: Lenient<'de>, E>(value: Scalar<'_>) -> Result<T, E> {
    let mut taken = T::default();
    taken.scalar(value);
    Ok(taken)
}

impl<'de, T: Lenient<'de>> Visitor<'de> for Take<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        of_scalar(Scalar::Null)
    }

    fn visit_bool<E: Error>(self, _value: bool) -> Result<T, E> {
        of_scalar(Scalar::Bool)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        of_scalar(Scalar::Unsigned(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        of_scalar(Scalar::Signed(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        of_scalar(Scalar::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T, E> {
        of_scalar(Scalar::Text(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        let mut taken = T::default();
        taken.map(map)?;
        Ok(taken)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<T, A::Error> {
        let mut taken = T::default();
        taken.seq(seq)?;
        Ok(taken)
    }
}

/// A member's name, borrowed from the text unless it has escapes.
pub(super) struct Name<'de>(pub(super) Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member's name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Borrowed(name)))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(name.to_owned())))
    }
}
