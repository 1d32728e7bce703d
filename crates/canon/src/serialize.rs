//! Writing typed data as canonical JSON, without a value in between.

use std::fmt;

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::Number;

use crate::i_json::is_i_json_number;
use crate::write::{write_number, write_string, write_string_part};

/// Why data is not written as canonical JSON in one go.
///
/// It may still be a value that [`canonical`](crate::canonical) writes.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct NotWritten(String);

impl serde::ser::Error for NotWritten {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Returns the canonical bytes of `data`, nested at most `levels` deep.
///
/// They are those of [`canonical`](crate::canonical) for the value that serde
/// makes of `data`, and [`parse`](crate::parse) reads them back.
///
/// # Errors
///
/// [`NotWritten`] for what is not I-JSON, and for a few forms that are seldom
/// used: keys with escapes or beyond U+FFFF, keys that are no text, bytes.
pub fn canonical_of<T: Serialize + ?Sized>(data: &T, levels: usize) -> Result<Vec<u8>, NotWritten> {
    let mut writer = Writer {
        out: Vec::with_capacity(BYTES_USUAL),
        members: Vec::with_capacity(32),
        unsorted: Vec::with_capacity(BYTES_USUAL),
        levels,
    };
    data.serialize(&mut writer)?;
    Ok(writer.out)
}

/// How large most of what is written is at most.
const BYTES_USUAL: usize = 2_048;

struct Writer {
    out: Vec<u8>,
    /// The members of all objects that are open, the innermost last.
    members: Vec<Member>,
    /// Room for an object whose members are put in order.
    unsorted: Vec<u8>,
    /// How many levels may still be opened.
    levels: usize,
}

/// Where a member stands in what was written.
#[derive(Clone, Copy, Debug)]
struct Member {
    start: usize,
    /// The end of its key, quotes included.
    key_end: usize,
    end: usize,
}

impl Writer {
    fn open(&mut self, bracket: u8) -> Result<(), NotWritten> {
        let levels = self.levels.checked_sub(1);
        self.levels = levels.ok_or_else(|| NotWritten::custom("nested too deeply"))?;
        self.out.push(bracket);
        Ok(())
    }

    fn close(&mut self, bracket: u8) {
        self.levels += 1;
        self.out.push(bracket);
    }

    fn array(&mut self) -> Result<Items<'_>, NotWritten> {
        self.open(b'[')?;
        Ok(Items {
            writer: self,
            is_variant: false,
        })
    }

    fn object(&mut self) -> Result<Members<'_>, NotWritten> {
        self.open(b'{')?;
        Ok(Members {
            start: self.out.len(),
            first: self.members.len(),
            is_sorted: true,
            is_variant: false,
            writer: self,
        })
    }

    /// Opens the object of one member that stands for a variant with content.
    fn variant(&mut self, name: &str) -> Result<(), NotWritten> {
        self.open(b'{')?;
        write_string(name, &mut self.out);
        self.out.push(b':');
        Ok(())
    }

    fn number(&mut self, number: &Number) -> Result<(), NotWritten> {
        if !is_i_json_number(number) {
            return Err(NotWritten::custom("a whole number beyond 2^53 - 1"));
        }
        write_number(number, &mut self.out);
        Ok(())
    }

    /// Returns the key of a member as it is written.
    fn key(&self, member: &Member) -> &[u8] {
        let key = self.out.get(member.start..member.key_end);
        key.unwrap_or_default()
    }

    /// Puts the members from number `first` on in order, which stand from
    /// `start` on.
    fn sort(&mut self, first: usize, start: usize) -> Result<(), NotWritten> {
        self.unsorted.clear();
        self.unsorted
            .extend_from_slice(self.out.get(start..).unwrap_or_default());
        let unsorted = self.unsorted.as_slice();
        let part = |from: usize, to: usize| {
            let place = from.saturating_sub(start)..to.saturating_sub(start);
            unsorted.get(place).unwrap_or_default()
        };
        let key = |member: &Member| part(member.start, member.key_end);
        let members = self.members.get_mut(first..).unwrap_or_default();
        members.sort_unstable_by(|one, other| key(one).cmp(key(other)));
        if !members.is_sorted_by(|one, other| key(one) < key(other)) {
            return Err(NotWritten::custom("a key stands twice in an object"));
        }
        self.out.truncate(start);
        for member in members {
            if self.out.len() > start {
                self.out.push(b',');
            }
            self.out.extend_from_slice(part(member.start, member.end));
        }
        Ok(())
    }
}

/// An array that is open.
struct Items<'w> {
    writer: &'w mut Writer,
    is_variant: bool,
}

impl Items<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), NotWritten> {
        // No value ends in an opening bracket, so one means a first item.
        if self.writer.out.last() != Some(&b'[') {
            self.writer.out.push(b',');
        }
        item.serialize(&mut *self.writer)
    }

    fn finish(self) {
        self.writer.close(b']');
        if self.is_variant {
            self.writer.close(b'}');
        }
    }
}

/// An object that is open.
struct Members<'w> {
    writer: &'w mut Writer,
    /// Where its first member stands.
    start: usize,
    /// The number of its first member.
    first: usize,
    is_sorted: bool,
    is_variant: bool,
}

impl Members<'_> {
    fn begin<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotWritten> {
        let writer = &mut *self.writer;
        if writer.out.len() > self.start {
            writer.out.push(b',');
        }
        let start = writer.out.len();
        key.serialize(&mut *writer)?;
        let member = Member {
            start,
            key_end: writer.out.len(),
            end: 0,
        };
        // Such keys are ordered as they are written.
        let is_plain = |byte: &u8| *byte != b'\\' && *byte < 0xf0;
        let written = writer.key(&member);
        if written.first() != Some(&b'"') || !written.iter().all(is_plain) {
            return Err(NotWritten::custom("a key is not plain text"));
        }
        let siblings = writer.members.get(self.first..).unwrap_or_default();
        if let Some(last) = siblings.last() {
            self.is_sorted &= writer.key(last) < written;
        }
        writer.members.push(member);
        writer.out.push(b':');
        Ok(())
    }

    fn complete<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotWritten> {
        value.serialize(&mut *self.writer)?;
        let end = self.writer.out.len();
        if let Some(member) = self.writer.members.last_mut() {
            member.end = end;
        }
        Ok(())
    }

    fn finish(self) -> Result<(), NotWritten> {
        if !self.is_sorted {
            self.writer.sort(self.first, self.start)?;
        }
        self.writer.members.truncate(self.first);
        self.writer.close(b'}');
        if self.is_variant {
            self.writer.close(b'}');
        }
        Ok(())
    }
}

/// Writes the parts of a text as they come.
struct Parts<'w>(&'w mut Vec<u8>);

impl fmt::Write for Parts<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        write_string_part(part, self.0);
        Ok(())
    }
}

impl<'w> Serializer for &'w mut Writer {
    type Ok = ();
    type Error = NotWritten;
    type SerializeSeq = Items<'w>;
    type SerializeTuple = Items<'w>;
    type SerializeTupleStruct = Items<'w>;
    type SerializeTupleVariant = Items<'w>;
    type SerializeMap = Members<'w>;
    type SerializeStruct = Members<'w>;
    type SerializeStructVariant = Members<'w>;

    fn serialize_bool(self, value: bool) -> Result<(), NotWritten> {
        let text: &[u8] = if value { b"true" } else { b"false" };
        self.out.extend_from_slice(text);
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), NotWritten> {
        self.serialize_i64(i64::from(value))
    }

    fn serialize_i16(self, value: i16) -> Result<(), NotWritten> {
        self.serialize_i64(i64::from(value))
    }

    fn serialize_i32(self, value: i32) -> Result<(), NotWritten> {
        self.serialize_i64(i64::from(value))
    }

    fn serialize_i64(self, value: i64) -> Result<(), NotWritten> {
        self.number(&Number::from(value))
    }

    fn serialize_u8(self, value: u8) -> Result<(), NotWritten> {
        self.serialize_u64(u64::from(value))
    }

    fn serialize_u16(self, value: u16) -> Result<(), NotWritten> {
        self.serialize_u64(u64::from(value))
    }

    fn serialize_u32(self, value: u32) -> Result<(), NotWritten> {
        self.serialize_u64(u64::from(value))
    }

    fn serialize_u64(self, value: u64) -> Result<(), NotWritten> {
        self.number(&Number::from(value))
    }

    fn serialize_f32(self, _: f32) -> Result<(), NotWritten> {
        Err(NotWritten::custom("a number of single precision"))
    }

    fn serialize_f64(self, value: f64) -> Result<(), NotWritten> {
        match Number::from_f64(value) {
            Some(number) => self.number(&number),
            None => self.serialize_unit(),
        }
    }

    fn serialize_char(self, value: char) -> Result<(), NotWritten> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), NotWritten> {
        write_string(value, &mut self.out);
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), NotWritten> {
        Err(NotWritten::custom("bytes"))
    }

    fn serialize_none(self) -> Result<(), NotWritten> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NotWritten> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), NotWritten> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), NotWritten> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), NotWritten> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), NotWritten> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), NotWritten> {
        self.variant(variant)?;
        value.serialize(&mut *self)?;
        self.close(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'w>, NotWritten> {
        self.array()
    }

    fn serialize_tuple(self, _: usize) -> Result<Items<'w>, NotWritten> {
        self.array()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items<'w>, NotWritten> {
        self.array()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items<'w>, NotWritten> {
        self.variant(variant)?;
        let mut items = self.array()?;
        items.is_variant = true;
        Ok(items)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'w>, NotWritten> {
        self.object()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members<'w>, NotWritten> {
        self.object()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'w>, NotWritten> {
        self.variant(variant)?;
        let mut members = self.object()?;
        members.is_variant = true;
        Ok(members)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), NotWritten> {
        self.out.push(b'"');
        fmt::write(&mut Parts(&mut self.out), format_args!("{value}"))
            .map_err(NotWritten::custom)?;
        self.out.push(b'"');
        Ok(())
    }
}

macro_rules! items {
    ($($name:ident :: $item:ident),+) => {$(
        impl $name for Items<'_> {
            type Ok = ();
            type Error = NotWritten;

            fn $item<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), NotWritten> {
                self.item(item)
            }

            fn end(self) -> Result<(), NotWritten> {
                self.finish();
                Ok(())
            }
        }
    )+};
}

items!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! fields {
    ($($name:ident),+) => {$(
        impl $name for Members<'_> {
            type Ok = ();
            type Error = NotWritten;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), NotWritten> {
                self.begin(key)?;
                self.complete(value)
            }

            fn end(self) -> Result<(), NotWritten> {
                self.finish()
            }
        }
    )+};
}

fields!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Members<'_> {
    type Ok = ();
    type Error = NotWritten;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotWritten> {
        self.begin(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotWritten> {
        self.complete(value)
    }

    fn end(self) -> Result<(), NotWritten> {
        self.finish()
    }
}
