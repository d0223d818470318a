//! Smithy RPC v2 CBOR: JSON values as CBOR and back.
//!
//! Answers are written by the type of each member, because clients tell a whole number from a
//! floating-point one, and a timestamp (tag 1, RFC 8949 §3.4.2) from both. Requests are read
//! without their model: what CBOR says of its own types is enough for the checks that awsJson
//! requests go through.

use minicbor::{
    Decoder, Encoder,
    data::{IanaTag, Tag, Type},
};
use serde_json::{Map, Value};

use crate::{
    error::ApiError,
    shapes::{Kind, Model, double},
};

/// Structures within structures that a request may have; more would only exhaust the stack.
const DEEPEST: usize = 64;

/// A value as CBOR, by its type; nulls are left out.
pub(crate) fn encode(model: &Model, name: &str, value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::with_capacity(512));
    write(&mut encoder, model, name, value).expect("memory takes everything");
    encoder.into_writer()
}

/// An error, whose members are texts, as CBOR.
pub(crate) fn encode_texts(members: &Map<String, Value>) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::with_capacity(128));
    write_map(&mut encoder, members.iter(), |encoder, _, value| {
        encoder.str(value.as_str().unwrap_or_default()).map(drop)
    })
    .expect("memory takes everything");
    encoder.into_writer()
}

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn write(encoder: &mut Encoder<Vec<u8>>, model: &Model, name: &str, value: &Value) -> Written {
    match (model.kind(name), value) {
        (_, Value::Null) => encoder.null().map(drop),
        (Kind::Timestamp, value) => {
            encoder.tag(IanaTag::Timestamp)?.f64(value.as_f64().unwrap_or_default()).map(drop)
        }
        (Kind::Double, value) => encoder.f64(number(value)).map(drop),
        (Kind::Integer, value) => encoder.i64(number(value) as i64).map(drop),
        (Kind::Boolean, value) => encoder.bool(value.as_bool().unwrap_or_default()).map(drop),
        (Kind::List(item), Value::Array(items)) => {
            encoder.array(items.len() as u64)?;
            items.iter().try_for_each(|each| write(encoder, model, item, each))
        }
        (Kind::Map(entry), Value::Object(entries)) => {
            write_map(encoder, entries.iter(), |encoder, _, each| write(encoder, model, entry, each))
        }
        (Kind::Structure(members), Value::Object(fields)) => {
            let known = fields.iter().filter(|(name, _)| members.contains_key(*name));
            write_map(encoder, known, |encoder, name, each| write(encoder, model, &members[name], each))
        }
        (_, value) => encoder.str(value.as_str().unwrap_or_default()).map(drop),
    }
}

fn write_map<'a>(
    encoder: &mut Encoder<Vec<u8>>,
    members: impl Iterator<Item = (&'a String, &'a Value)>,
    mut each: impl FnMut(&mut Encoder<Vec<u8>>, &'a str, &'a Value) -> Written,
) -> Written {
    let present: Vec<_> = members.filter(|(_, value)| !value.is_null()).collect();
    encoder.map(present.len() as u64)?;
    for (name, value) in present {
        encoder.str(name)?;
        each(encoder, name, value)?;
    }
    Ok(())
}

fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("Infinity") => f64::INFINITY,
        Some("-Infinity") => f64::NEG_INFINITY,
        Some(_) => f64::NAN,
        None => value.as_f64().unwrap_or_default(),
    }
}

/// CBOR as the JSON that awsJson would have sent: timestamps as seconds, and text for numbers that
/// JSON has not.
///
/// # Errors
/// `SerializationException` for what is no CBOR, or uses of it that no SDK makes.
pub(crate) fn decode(bytes: &[u8]) -> Result<Value, ApiError> {
    let mut decoder = Decoder::new(bytes);
    let value = read(&mut decoder, DEEPEST).map_err(|error| refuse(&error.to_string()))?;
    if decoder.position() < bytes.len() {
        return Err(refuse("there is more than one data item"));
    }
    Ok(value)
}

fn refuse(what: &str) -> ApiError {
    ApiError::new(400, "SerializationException", format!("The body cannot be read as CBOR: {what}."))
}

fn read(decoder: &mut Decoder<'_>, depth: usize) -> Result<Value, minicbor::decode::Error> {
    let wrong = minicbor::decode::Error::message;
    if depth == 0 {
        return Err(wrong("it is nested too deeply"));
    }
    Ok(match decoder.datatype()? {
        Type::Null | Type::Undefined => {
            decoder.skip()?;
            Value::Null
        }
        Type::Bool => decoder.bool()?.into(),
        Type::F16 | Type::F32 | Type::F64 => double(decoder.f64()?),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 => {
            decoder.i64()?.into()
        }
        Type::String | Type::StringIndef => text(decoder)?.into(),
        Type::Tag => {
            if decoder.tag()? != Tag::from(IanaTag::Timestamp) {
                return Err(wrong("its only tag is 1, for timestamps"));
            }
            read(decoder, depth - 1)?
        }
        Type::Array | Type::ArrayIndef => {
            let length = decoder.array()?;
            let mut items = Vec::new();
            while more(decoder, length, items.len())? {
                items.push(read(decoder, depth - 1)?);
            }
            items.into()
        }
        Type::Map | Type::MapIndef => {
            let length = decoder.map()?;
            let mut members = Map::new();
            let mut count = 0;
            while more(decoder, length, count)? {
                let name = text(decoder)?;
                members.insert(name, read(decoder, depth - 1)?);
                count += 1;
            }
            members.into()
        }
        other => return Err(wrong("it has a data item of a type that is not used").with_message(other)),
    })
}

fn text(decoder: &mut Decoder<'_>) -> Result<String, minicbor::decode::Error> {
    decoder.str_iter()?.collect()
}

/// Whether a collection goes on; reads the end mark of one whose length was not given.
fn more(
    decoder: &mut Decoder<'_>,
    length: Option<u64>,
    count: usize,
) -> Result<bool, minicbor::decode::Error> {
    match length {
        Some(length) => Ok((count as u64) < length),
        None if decoder.datatype()? == Type::Break => decoder.skip().map(|()| false),
        None => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn collections_of_unknown_length_and_timestamps_are_read() {
        let mut encoder = Encoder::new(Vec::new());
        encoder.begin_map().unwrap().str("Names").unwrap().begin_array().unwrap();
        encoder.begin_str().unwrap().str("a").unwrap().str("b").unwrap().end().unwrap();
        encoder.end().unwrap().str("At").unwrap().tag(IanaTag::Timestamp).unwrap().f64(1.5).unwrap();
        encoder.str("Not").unwrap().f64(f64::NAN).unwrap().str("None").unwrap().null().unwrap();
        let bytes = encoder.end().unwrap().writer().clone();
        assert_eq!(decode(&bytes).unwrap(), json!({"Names": ["ab"], "At": 1.5, "Not": "NaN", "None": null}));
    }

    #[test]
    fn what_is_cut_off_or_nested_without_end_is_refused() {
        let mut encoder = Encoder::new(Vec::new());
        encoder.map(2).unwrap().str("a").unwrap().i64(1).unwrap();
        for bytes in [encoder.writer().as_slice(), &[0x81; 100_000], &[0xff], &[0x41, 0], &[0, 0], &[0xc2, 0]]
        {
            assert_eq!(decode(bytes).unwrap_err().code, "SerializationException");
        }
    }

    #[test]
    fn answers_are_written_by_the_types_of_their_members() {
        let model = Model::read(
            r#"{"operations": {}, "others": [], "shapes": {"Out": {"m": {"At": "t", "Value": "n", "Count": "i"}}}}"#,
        );
        let value = json!({"At": 5, "Value": 3, "Count": 3, "Unknown": 1});
        let bytes = encode(&model, "Out", &value);
        let mut decoder = Decoder::new(&bytes);
        assert_eq!(decoder.map().unwrap(), Some(3));
        let mut members = Map::new();
        for _ in 0..3 {
            let name = decoder.str().unwrap().to_owned();
            members.insert(name, format!("{:?}", decoder.datatype().unwrap()).into());
            decoder.skip().unwrap();
        }
        assert_eq!(Value::from(members), json!({"At": "Tag", "Count": "U8", "Value": "F64"}));
    }
}
